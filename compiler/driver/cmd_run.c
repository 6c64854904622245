/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus run: builds the standalone program in a temporary folder and runs it on the data given. The
 * words after FILE are the program's own command line. */
#include "driver/build.h"
#include "driver/version.h"

#include <string.h>

ExitCode command_run(Session *s) {
  const Source *source;
  Options *o = s->options;
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, true) : NULL;
  session_print_diags(s);
  if (s->usage_trouble) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_exit_code(s) == EXIT_DONE ? EXIT_MODEL : session_exit_code(s);
  COptions c = {.prefix = model->name, .compiler = "grus " GRUS_VERSION};
  const char *dir = temp_dir(s), *exe = dir ? file_join(s->arena, dir, model->name) : NULL;
  if (!dir || !compile_program(s, m, &c, dir, exe, false)) return EXIT_FILE;
  const char **argv = ARENA_ARRAY(s->arena, const char *, o->n_args + 4);
  size_t n = 0;
  argv[n++] = exe;
  for (size_t i = 1; i < o->n_args; i++)
    argv[n++] = o->args[i];
  if (o->out) {
    argv[n++] = "--out";
    argv[n++] = o->out;
  }
  if (o->quiet) argv[n++] = "--quiet";
  int code = run_command(s, argv, NULL);
  return code < 0 ? EXIT_FILE : (ExitCode)code;
}
