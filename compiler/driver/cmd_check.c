/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus check: names, shapes, meaning; with --fix it edits the files. */
#include "driver/build.h"
#include "driver/dump.h"
#include "driver/session.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Asks on the terminal about each change that is not sure; a yes makes it sure. */
static void ask_fixes(Session *s) {
  for (Diag *d = s->diags->first; d; d = d->next)
    for (size_t i = 0; i < d->n_fixes; i++) {
      Fix *fix = d->fixes[i];
      if (fix->kind != FIX_MAYBE || !fix->n_edits) continue;
      Text text = text_new(s->arena);
      render_human(&text, d, isatty(STDERR_FILENO));
      fprintf(stderr, "%sapply \"%s\"? [y/N] ", text_str(&text), fix->title);
      char answer[16];
      if (!fgets(answer, sizeof answer, stdin)) return;
      if (answer[0] != 'y' && answer[0] != 'Y') continue;
      fix->kind = FIX_SURE;
      break;
    }
}

/* Applies fixes to one file until none is left; each round checks again. Returns how many. */
static size_t fix_file(Session *s, const char *path) {
  enum { ROUNDS = 20 };
  size_t total = 0;
  const char *text = NULL;
  size_t len = 0;
  for (int round = 0; round < ROUNDS; round++) {
    const Source *source = NULL;
    session_reset_diags(s);
    if (text) {
      source = sources_add(&s->sources, path, text, len);
      session_check_source(s, source);
    } else if (!session_load(s, path, &source))
      return 0;
    if (s->options->fix == FIXES_ASK && round == 0) ask_fixes(s);
    size_t n, new_len;
    const char *fixed = diags_apply_sure(s->diags, source, &new_len, &n);
    if (!n) break;
    total += n;
    text = fixed;
    len = new_len;
  }
  const char *reason;
  if ((total || strcmp(path, "-") == 0) && text && !file_write(s->arena, path, text, len, &reason))
    session_file_error(s, path, "write", reason);
  return total;
}

static ExitCode check_and_fix(Session *s) {
  for (size_t i = 0; i < s->options->n_args; i++) {
    size_t n = fix_file(s, s->options->args[i]);
    if (n) session_say(s, "%s: applied %zu fix%s", s->options->args[i], n, n == 1 ? "" : "es");
  }
  return EXIT_DONE;
}

ExitCode command_check(Session *s) {
  if (!s->options->n_args) {
    session_error(s, "`grus check` needs a file; `-` reads standard input");
    return EXIT_USAGE;
  }
  if (!dump_check(s)) return EXIT_USAGE;
  bool from_stdin = false;
  for (size_t i = 0; i < s->options->n_args; i++)
    from_stdin |= strcmp(s->options->args[i], "-") == 0;
  if (s->options->fix != FIXES_SHOW) {
    check_and_fix(s);
    session_reset_diags(s);
    if (from_stdin) return session_exit_code(s);
  }
  for (size_t i = 0; i < s->options->n_args; i++) {
    const Source *source;
    Program *program = session_load(s, s->options->args[i], &source);
    if (program) build_check_weights(s, program, source);
  }
  session_print_diags(s);
  return session_exit_code(s);
}
