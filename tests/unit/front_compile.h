/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Compiles models from strings, for the unit tests of front/. */
#ifndef TEST_FRONT_COMPILE_H
#define TEST_FRONT_COMPILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "front/front.h"

#include <stdio.h>
#include <string.h>

typedef struct Compile {
  jmp_buf oom;
  Arena *arena;
  Sources sources;
  Diags *diags;
  const Source *source;
  Node *tree;
  Program *program;
} Compile;

/* Files that `use` finds in a test: name_and_text is a list of a name, its text, the next name and
 * so on, ended by NULL; a NULL pointer is an empty list. */
typedef struct TestFiles {
  Compile *compile;
  const char *const *name_and_text;
} TestFiles;

static inline const Source *test_read(void *context, const char *path, const char **reason) {
  TestFiles *files = context;
  *reason = "no such file";
  for (const char *const *f = files->name_and_text; f && *f; f += 2)
    if (strcmp(*f, path) == 0)
      return sources_add(&files->compile->sources, path, f[1], strlen(f[1]));
  return NULL;
}

static inline void compile_parse(Compile *c, const char *text) {
  memset(c, 0, sizeof *c);
  c->arena = arena_new(&c->oom);
  assert_non_null(c->arena);
  c->sources.arena = c->arena;
  c->diags = diags_new(c->arena, &c->sources);
  c->source = sources_add(&c->sources, "test.grus", text, strlen(text));
  c->tree = parse(c->arena, c->source, c->diags);
}

static inline void compile_with(Compile *c, const char *text, Define *define, int n_defines,
                                const char *const *files) {
  compile_parse(c, text);
  TestFiles context = {c, files};
  ResolveOptions options = {
      .define = define, .n_defines = n_defines, .read = test_read, .context = &context};
  c->program = resolve(c->arena, c->source, c->tree, &options, c->diags);
  diags_sort(c->diags);
}

static inline void compile(Compile *c, const char *text) {
  compile_with(c, text, NULL, 0, NULL);
}

static inline void compile_end(Compile *c) {
  arena_free(c->arena);
}

/* The codes of all diagnostics, in the order of their places in the source: "E101 E203". */
static inline const char *compile_codes(Compile *c) {
  Text text = text_new(c->arena);
  diags_sort(c->diags);
  for (const Diag *d = c->diags->first; d; d = d->next)
    text_printf(&text, "%s%s", text.len ? " " : "", diag_info[d->code].code);
  return text_str(&text);
}

/* Checks that compiling `text` gives exactly these codes. */
static inline void assert_codes(const char *text, const char *codes) {
  Compile c;
  compile(&c, text);
  assert_string_equal(compile_codes(&c), codes);
  compile_end(&c);
}

#endif
