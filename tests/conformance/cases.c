/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* See cases.h. */
#include "cases.h"

#include "advised.h"

#include "import/foreign.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

const char *case_part(Arena *arena, const char *text, const char *end, const char **rest) {
  const char *at = strstr(text, end);
  size_t n = at ? (size_t)(at - text) : strlen(text);
  *rest = at ? at + strlen(end) : NULL;
  while (n && text[n - 1] == ' ')
    n--;
  while (n && *text == ' ') {
    text++;
    n--;
  }
  return arena_strndup(arena, text, n);
}

/* Prints the errors. Returns whether each of them says what to do. */
static bool show(const Diags *diags) {
  bool helps = true;
  for (const Diag *d = diags->first; d; d = d->next) {
    if (d->level != LEVEL_ERROR) continue;
    printf("%s %s", diag_info[d->code].code, d->message);
    for (size_t i = 0; i < d->n_notes; i++)
      printf("; %s", d->notes[i]);
    for (size_t i = 0; i < d->n_fixes; i++)
      printf("; help: %s", d->fixes[i]->title);
    printf(lacks_help(d) ? "; WITHOUT HELP\n" : "\n");
    helps = helps && !lacks_help(d);
  }
  return helps;
}

/* Imports the file of a case, and prints what is said of it. Returns whether errors say what to do.
 */
static bool run(Arena *arena, const char *line) {
  const char *part[CASE_PARTS] = {"", "", "", ""};
  for (int i = 0; i < CASE_PARTS && line; i++)
    part[i] = case_part(arena, line, i + 1 < CASE_PARTS ? " |" : "\n", &line);
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena};
  file.data = case_file(arena, part, &file.path);
  ImportOptions options = {0};
  Foreign *foreign = foreign_import(&file, &options, diags);
  printf("%s: ", part[0]);
  if (!foreign) return show(diags);
  printf("imported\n");
  return true;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Mapped file;
  const char *reason;
  if (argc != 2) return 2;
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  if (!file_map(arena, argv[1], &file, &reason)) return 3;
  bool helps = true;
  const char *text = arena_strndup(arena, (const char *)file.data, file.len);
  for (const char *line; text && *text;) {
    line = case_part(arena, text, "\n", &text);
    if (*line == '#')
      printf("%s\n", line);
    else if (*line)
      helps = run(arena, line) && helps;
  }
  arena_free(arena);
  return helps ? 0 : 1;
}
