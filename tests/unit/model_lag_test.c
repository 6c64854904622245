/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The lag of a stream against a simulation of arriving samples: chains of windows of random size
 * and step. Value k of a stream must not be promised before the last sample it is made of is there,
 * and a single stage must not wait longer than that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "model/infer/infer.h"

typedef struct Window {
  int64_t size, step;
} Window;

static uint32_t seed = 20240611;

static int64_t random_in(int64_t low, int64_t high) {
  seed = seed * 1664525u + 1013904223u;
  return low + (int64_t)(seed >> 8) % (high - low + 1);
}

static Value *window_layer(Model *model, Value *v, Window w) {
  Layer *layer = model_layer(model, LAYER_mean_pool, 1, &v);
  OptVal *size = layer_opt_mut(layer, OPT_size), *stride = layer_opt_mut(layer, OPT_stride);
  size->given = stride->given = true;
  size->i = w.size;
  stride->i = w.step;
  return layer->out[0];
}

static Value *chain(Model *model, const Window *w, int n) {
  Type type = {.elem = ELEM_F32, .time = {.kind = TIME_STREAM, .period = 1}, .rank = 1};
  type.dim[0].n = 1;
  Value *v = model_input(model, "x", type)->value;
  for (int i = 0; i < n; i++)
    v = window_layer(model, v, w[i]);
  return v;
}

/* The last sample that value k behind the first n windows is made of. */
static int64_t last_sample(const Window *w, int n, int64_t k) {
  while (n-- > 0)
    k = k * w[n].step + w[n].size - 1;
  return k;
}

static void check(Window *w, int n) {
  jmp_buf oom;
  Arena *arena = arena_new(&oom);
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  Model *model = model_new(arena, "m");
  const Value *v = chain(model, w, n);
  assert_true(model_infer(model, diags));
  int64_t period = 1;
  for (int i = 0; i < n; i++)
    period *= w[i].step;
  const Time *time = &v->type.time;
  assert_int_equal(time->period, period);
  /* value k is in slot k + lag, computed when (k + lag + 1) * period samples have arrived */
  for (int64_t k = 0; k < 10; k++)
    assert_true(last_sample(w, n, k) < (k + time->lag + 1) * period);
  if (n == 1 && time->lag > 0) assert_true(last_sample(w, n, 0) >= time->lag * period);
  arena_free(arena);
}

static void test_chains(void **state) {
  (void)state;
  for (int round = 0; round < 500; round++) {
    Window w[4];
    int n = (int)random_in(1, 4);
    for (int i = 0; i < n; i++)
      w[i] = (Window){random_in(1, 9), random_in(1, 5)};
    check(w, n);
  }
}

/* Steps of a whole sequence and of one with a bound follow one rule. */
static void test_bounded_as_fixed(void **state) {
  (void)state;
  for (int round = 0; round < 200; round++) {
    jmp_buf oom;
    Arena *arena = arena_new(&oom);
    Sources sources = {.arena = arena};
    Diags *diags = diags_new(arena, &sources);
    Model *model = model_new(arena, "m");
    int64_t steps = random_in(9, 60);
    Window w = {random_in(1, 9), random_in(1, 5)};
    Type fixed = {.elem = ELEM_F32, .time = {.kind = TIME_FIXED, .n = steps}, .rank = 1},
         bounded = fixed;
    fixed.dim[0].n = bounded.dim[0].n = 2;
    bounded.time.kind = TIME_BOUNDED;
    bounded.time.length = model_length(model, "n", steps);
    const Value *a = window_layer(model, model_input(model, "a", fixed)->value, w);
    const Value *b = window_layer(model, model_input(model, "b", bounded)->value, w);
    assert_true(model_infer(model, diags));
    assert_int_equal(a->type.time.n, b->type.time.n);
    assert_int_equal(b->type.time.n, model->length[b->type.time.length].bound);
    arena_free(arena);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_chains),
      cmocka_unit_test(test_bounded_as_fixed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
