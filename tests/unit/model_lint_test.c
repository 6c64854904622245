/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Lints of models built by hand, as an importer builds them: without source text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/infer/infer.h"

#include <string.h>

typedef struct Fixture {
  jmp_buf oom;
  Arena *arena;
  Sources sources;
  Diags *diags;
  Model *model;
} Fixture;

static void begin(Fixture *f) {
  memset(f, 0, sizeof *f);
  f->arena = arena_new(&f->oom);
  assert_non_null(f->arena);
  f->sources.arena = f->arena;
  f->diags = diags_new(f->arena, &f->sources);
  f->model = model_new(f->arena, "m");
}

static Value *input(Fixture *f, const char *name, int64_t steps, int64_t width) {
  Type type = {.elem = ELEM_F32, .rank = 1, .dim[0].n = width};
  if (steps) type.time = (Time){.kind = TIME_FIXED, .n = steps};
  return model_input(f->model, name, type)->value;
}

static Value *stage(Fixture *f, LayerKind kind, Value *v) {
  Layer *layer = model_layer(f->model, kind, 1, &v);
  layer->path = layer->binding = "y";
  return layer->out[0];
}

static Value *sized(Fixture *f, LayerKind kind, Value *v, int64_t units) {
  Value *out = stage(f, kind, v);
  OptVal *opt = layer_opt_mut(out->layer, OPT_units);
  opt->given = true;
  opt->i = units;
  return out;
}

static void output(Fixture *f, Value *v) {
  Port *port = model_output(f->model, "y", v);
  port->has_type = false;
}

/* Lints the model after inference; "W301 W501" in the order found. */
static const char *lints(Fixture *f) {
  Text text = text_new(f->arena);
  model_infer(f->model, f->diags);
  f->diags->first = NULL; /* only the lints are of interest */
  f->diags->last = &f->diags->first;
  model_lint(f->model, f->diags);
  for (const Diag *d = f->diags->first; d; d = d->next)
    text_printf(&text, "%s%s", text.len ? " " : "", diag_info[d->code].code);
  return text_str(&text);
}

static Value *per_step(Fixture *f) {
  return stage(f, LAYER_last, sized(f, LAYER_Dense, input(f, "x", 9, 8), 2));
}

static void test_without_text(void **state) {
  (void)state;
  Fixture f;
  begin(&f);
  input(&f, "unused", 0, 3);
  Value *one = sized(&f, LAYER_Dense, stage(&f, LAYER_flatten, per_step(&f)), 1);
  output(&f, stage(&f, LAYER_softmax, one));
  assert_string_equal(lints(&f), "W201 W301 W302 W501");
  for (const Diag *d = f.diags->first; d; d = d->next)
    for (size_t i = 0; i < d->n_fixes; i++)
      assert_int_equal(d->fixes[i]->n_edits, 0); /* nothing to edit */
  arena_free(f.arena);
}

/* Two stages without a place are two, not one that is looked at again. */
static void test_no_place_is_no_place(void **state) {
  (void)state;
  Fixture f;
  begin(&f);
  Value *v = stage(&f, LAYER_softmax, stage(&f, LAYER_sigmoid, input(&f, "x", 0, 8)));
  output(&f, stage(&f, LAYER_softmax, v));
  assert_string_equal(lints(&f), "W502 W502");
  arena_free(f.arena);
}

static void test_allowed(void **state) {
  (void)state;
  Fixture f;
  begin(&f);
  output(&f, per_step(&f));
  f.model->allowed[W301] = true;
  f.diags->lint[W302] = 1;
  assert_string_equal(lints(&f), "");
  assert_int_equal(f.diags->n_warnings, 0);
  assert_int_equal(f.diags->lint[W301], 0); /* of this model only */
  assert_int_equal(f.diags->lint[W302], 1);
  arena_free(f.arena);
}

static void test_levels(void **state) {
  (void)state;
  Fixture f;
  begin(&f);
  output(&f, per_step(&f));
  f.diags->werror[W301] = true;
  assert_string_equal(lints(&f), "W301");
  assert_int_equal(f.diags->n_errors, 1);
  f.diags->lint[W301] = -1;
  assert_string_equal(lints(&f), "");
  arena_free(f.arena);
}

/* Values something was reported about, and values without a type, are passed over. */
static void test_poisoned(void **state) {
  (void)state;
  Fixture f;
  begin(&f);
  Value *v = input(&f, "x", 0, 1);
  Value *softmax = stage(&f, LAYER_softmax, v);
  output(&f, softmax);
  assert_string_equal(lints(&f), "W501");
  v->poisoned = true;
  f.diags->first = NULL;
  f.diags->last = &f.diags->first;
  model_lint(f.model, f.diags);
  assert_null(f.diags->first);
  v->poisoned = false;
  softmax->typed = false;
  model_lint(f.model, f.diags);
  assert_null(f.diags->first);
  arena_free(f.arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_without_text), cmocka_unit_test(test_no_place_is_no_place),
      cmocka_unit_test(test_allowed),      cmocka_unit_test(test_levels),
      cmocka_unit_test(test_poisoned),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
