/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Gives each test an arena, a list of sources and a list of diagnostics, which are freed after it.
 * Include it after cmocka.h. */
#ifndef GRUS_TESTS_UNIT_FIXTURE_H
#define GRUS_TESTS_UNIT_FIXTURE_H

#include "base/diag.h"

#include <setjmp.h>
#include <stdlib.h>

typedef struct Fixture {
  jmp_buf oom;
  Arena *arena;
  Sources sources;
  Diags *diags;
} Fixture;

static int set_up(void **state) {
  Fixture *f = calloc(1, sizeof *f);
  f->arena = arena_new(&f->oom);
  f->sources.arena = f->arena;
  f->diags = diags_new(f->arena, &f->sources);
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  arena_free(f->arena);
  free(f);
  return 0;
}

#endif
