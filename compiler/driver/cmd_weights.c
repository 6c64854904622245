/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus weights: the block that code built with --weights=extern is given at run time
 * (backend/block.h). The options that shape the code must be those of the build: the block holds
 * the weights in the order in which that code reads them, and its hash is that of the code. */
#include "backend/block.h"
#include "driver/build.h"
#include "driver/machine.h"

#include <string.h>
#include <unistd.h>

static bool options_fit(Session *s) {
  const Options *o = s->options;
  if (!o->out)
    session_error(s, "`grus weights` writes a block of bytes: name it with `-o FILE`; `-o -` is "
                     "standard output");
  else if (strcmp(o->out, "-") == 0 && isatty(STDOUT_FILENO))
    session_error(s, "`-o -` would write bytes to the terminal: redirect it");
  else if (weights_are_extern(o))
    session_error(s, "`grus weights` writes the weights of a model: `--weights=extern` has none");
  else if (machine_is_multi(o))
    session_error(s, "`--target multi` has several orders of weights: name one target");
  else
    return true;
  return false;
}

ExitCode command_weights(Session *s) {
  const Source *source;
  Options *o = s->options;
  if (!options_fit(s)) return EXIT_USAGE;
  Model *model = build_model(s, &source);
  const char *given = o->weights, *reason;
  o->weights = "extern"; /* the code's side of it; the model keeps the values it is bound to */
  KirModule *m = model ? build_lower(s, model, source, false) : NULL;
  o->weights = given;
  session_print_diags(s);
  if (s->usage_trouble) return EXIT_USAGE;
  if (m && !session_spares_inputs(s, source->path, o->out)) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_failure_code(s);
  Text block = text_new(s->arena);
  block_write(m, &block);
  if (!file_write(s->arena, o->out, text_str(&block), block.len, &reason)) {
    session_file_error(s, o->out, "write", reason);
    return EXIT_FILE;
  }
  if (strcmp(o->out, "-") != 0)
    session_say(s, "%s: %zu bytes for `%s`, target %s, code %016llx", o->out, block.len,
                model->name, s->machine.name, (unsigned long long)block_hash(m, s->arena));
  return EXIT_DONE;
}
