/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus fmt: formats files in place, standard input to standard output. */
#include "base/safe.h"
#include "driver/session.h"

#include <string.h>

/* Formats one file. *differs tells whether its text was not in the one style. */
static void format_file(Session *s, const char *path, bool *differs) {
  const Source *source = session_read(s, path);
  const char *text = source ? format(s->arena, source, s->diags) : NULL, *reason;
  if (!text) return;
  size_t len = strlen(text);
  bool same = len == source->len && memcmp(text, source->text, len) == 0;
  if (s->options->check) {
    const char *line = arena_printf(s->arena, "%s\n", safe_line(s->arena, source->path));
    if (!same) session_out(line, strlen(line));
    *differs |= !same;
  } else if (!file_write(s->arena, path, text, len, &reason))
    session_file_error(s, path, "write", reason);
}

ExitCode command_fmt(Session *s) {
  if (!s->options->n_args) {
    session_error(s,
                  "`grus fmt` needs a file; `-` reads standard input and writes standard output");
    return EXIT_USAGE;
  }
  bool differs = false;
  for (size_t i = 0; i < s->options->n_args; i++)
    format_file(s, s->options->args[i], &differs);
  session_print_diags(s);
  ExitCode code = session_exit_code(s);
  return code == EXIT_DONE && differs ? EXIT_MODEL : code;
}
