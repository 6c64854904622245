/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
#include "reasons.h"

#include "advised.h"

#include <stdlib.h>
#include <string.h>

static bool is_written(void) {
  return getenv("GRUS_WRITE_REASONS") != NULL;
}

void reasons_open(Reasons *r, Conform *c, const char *path) {
  size_t len;
  const char *reason, *text = file_read(c->arena, path, 1 << 22, &len, &reason);
  *r = (Reasons){.c = c, .path = path, .listed = arena_printf(c->arena, "\n%s", text ? text : "")};
  if (text || is_written()) return;
  printf("%s: %s\n", path, reason);
  c->failures++;
}

static void add_without(Text *out, const char *text, const char *folder) {
  const char *slashed = *folder && folder[strlen(folder) - 1] != '/' ? "/" : "";
  size_t n = strlen(folder);
  for (const char *at = n ? strstr(text, folder) : NULL; at; at = strstr(text, folder)) {
    text_printf(out, "%.*s", (int)(at - text), text);
    text = at + n;
    if (*slashed && *text == '/') text++;
  }
  text_add(out, text);
}

void reasons_check(Reasons *r, const char *name, const char *folder, const Diag *diag) {
  Arena *arena = r->c->arena;
  const char *key = arena_printf(arena, "\n%s E", name), *line = strstr(r->listed, key);
  if (line) r->n_used++;
  if (!diag) {
    if (line && !is_written()) {
      printf("%-62s is listed as refused, and is not\n", name);
      r->c->failures++;
    }
    return;
  }
  Text text = text_new(arena);
  text_printf(&text, "%s %s ", name, diag_info[diag->code].code);
  add_without(&text, diag->message, folder);
  for (size_t i = 0; i < diag->n_notes; i++) {
    text_add(&text, "; ");
    add_without(&text, diag->notes[i], folder);
  }
  for (size_t i = 0; i < diag->n_fixes; i++) {
    text_add(&text, "; help: ");
    add_without(&text, diag->fixes[i]->title, folder);
  }
  const char *found = text_str(&text);
  if (lacks_help(diag)) {
    printf("%s\n  lacks a help: line that says what works instead\n", found);
    r->c->failures++;
  }
  ARENA_PUSH(arena, r->found, r->n_found, r->cap_found, found);
  if (is_written()) return;
  size_t n = line ? strcspn(line + 1, "\n") : 0;
  if (line && strlen(found) == n && strncmp(line + 1, found, n) == 0) return;
  printf("%s\n  said: %s\n  list: %.*s\n", name, found, (int)n, line ? line + 1 : "");
  r->c->failures++;
}

static int by_text(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void reasons_close(Reasons *r) {
  size_t n = 0;
  const char *reason;
  if (is_written()) {
    Text text = text_new(r->c->arena);
    if (r->n_found) qsort(r->found, r->n_found, sizeof *r->found, by_text);
    for (size_t i = 0; i < r->n_found; i++)
      text_printf(&text, "%s\n", r->found[i]);
    const char *out = text_str(&text);
    if (!file_write(r->c->arena, r->path, out, strlen(out), &reason)) r->c->failures++;
    printf("%s: %zu lines\n", r->path, r->n_found);
    return;
  }
  for (const char *s = r->listed + 1; *s; s += strcspn(s, "\n"), s += *s == '\n')
    n++;
  if (n == r->n_used) return;
  printf("%s has %zu lines, of which %zu were met\n", r->path, n, r->n_used);
  r->c->failures++;
}
