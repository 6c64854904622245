/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Binding. One set of canonical weights is written in each framework's own layout by code that
 * follows the framework's definition, then bound: the canonical values must come back bit for bit.
 */
#include "import/tensors/hdf5.h"
#include "import/weights_file.h"
#include "model/bind/weights.h"
#include "model/infer/infer.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

enum { D = 3, U = 2 };

/* A typed model of one recurrent layer on [time 4, 3]. */
static Layer *recurrent(Fixture *f, LayerKind kind, const char *direction, Convention convention,
                        Model **out) {
  Type type = {
      .elem = ELEM_F32, .time = {.kind = TIME_FIXED, .n = 4}, .rank = 1, .dim = {{D, NULL}}};
  Model *model = model_new(f->arena, "m");
  Port *x = model_input(model, "x", type);
  x->value->type = type;
  x->value->typed = true;
  Layer *layer = model_layer(model, kind, 1, &x->value);
  layer->path = layer->prefix = "rnn";
  OptVal *units = layer_opt_mut(layer, OPT_units), *dir = layer_opt_mut(layer, OPT_direction);
  units->given = true, units->i = U;
  dir->s = direction;
  model->weights.convention = convention;
  model->weights.path = "w";
  *out = model;
  return layer;
}

typedef struct Maker {
  Fixture *f;
  TensorFile file;
} Maker;

/* A float tensor; value(i) is its element i in C order. */
static void make(Maker *m, const char *name, int rank, const int64_t *dim, const float *data) {
  Tensor *t = &m->file.tensor[m->file.n++];
  *t = (Tensor){.name = name, .elem = TENSOR_F32, .rank = rank, .count = 1};
  for (int i = 0; i < rank; i++) {
    t->dim[i] = dim[i];
    t->count *= dim[i];
  }
  float *copy = arena_alloc(m->f->arena, (size_t)t->count * sizeof *copy);
  memcpy(copy, data, (size_t)t->count * sizeof *copy);
  t->data = (const uint8_t *)copy;
}

/* The canonical number of gate g, unit j, input k, direction d of role r: distinct and exact. */
static float truth(int r, int d, int g, int j, int k) {
  return (float)(r * 10000 + d * 1000 + g * 100 + j * 10 + k + 1);
}

static int gates_of(LayerKind kind) {
  return kind == LAYER_GRU ? 3 : kind == LAYER_LSTM ? 4 : 1;
}

/* Keras: [k, gate * U + unit], canonical order for GRU z r h and LSTM i f c o. */
static void write_keras(Maker *m, LayerKind kind, int dirs) {
  int G = gates_of(kind);
  for (int d = 0; d < dirs; d++) {
    float w[D * 4 * U], u[U * 4 * U], b[2 * 4 * U];
    for (int g = 0; g < G; g++)
      for (int j = 0; j < U; j++) {
        for (int k = 0; k < D; k++)
          w[k * G * U + g * U + j] = truth(0, d, g, j, k);
        for (int k = 0; k < U; k++)
          u[k * G * U + g * U + j] = truth(1, d, g, j, k);
        b[g * U + j] = truth(2, d, g, j, 0);
        b[G * U + g * U + j] = truth(3, d, g, j, 0);
      }
    const char *side = dirs == 1 ? "" : d ? "backward." : "forward.";
    make(m, arena_printf(m->f->arena, "rnn.%skernel", side), 2, (int64_t[]){D, G * U}, w);
    make(m, arena_printf(m->f->arena, "rnn.%srecurrent_kernel", side), 2, (int64_t[]){U, G * U}, u);
    if (kind == LAYER_GRU)
      make(m, arena_printf(m->f->arena, "rnn.%sbias", side), 2, (int64_t[]){2, G * U}, b);
    else
      make(m, arena_printf(m->f->arena, "rnn.%sbias", side), 1, (int64_t[]){G * U}, b);
  }
}

/* PyTorch: [gate * U + unit, k]; GRU r z n. */
static void write_torch(Maker *m, LayerKind kind, int dirs) {
  static const int gru[] = {1, 0, 2};
  int G = gates_of(kind);
  for (int d = 0; d < dirs; d++) {
    float w[4 * U * D], u[4 * U * U], bi[4 * U], bh[4 * U];
    for (int p = 0; p < G; p++)
      for (int j = 0; j < U; j++) {
        int g = kind == LAYER_GRU ? gru[p] : p, row = p * U + j;
        for (int k = 0; k < D; k++)
          w[row * D + k] = truth(0, d, g, j, k);
        for (int k = 0; k < U; k++)
          u[row * U + k] = truth(1, d, g, j, k);
        bi[row] = truth(2, d, g, j, 0);
        bh[row] = truth(3, d, g, j, 0);
      }
    const char *end = d ? "_reverse" : "";
    make(m, arena_printf(m->f->arena, "rnn.weight_ih_l0%s", end), 2, (int64_t[]){G * U, D}, w);
    make(m, arena_printf(m->f->arena, "rnn.weight_hh_l0%s", end), 2, (int64_t[]){G * U, U}, u);
    make(m, arena_printf(m->f->arena, "rnn.bias_ih_l0%s", end), 1, (int64_t[]){G * U}, bi);
    make(m, arena_printf(m->f->arena, "rnn.bias_hh_l0%s", end), 1, (int64_t[]){G * U}, bh);
  }
}

/* ONNX: W [dirs, gate * U + unit, k], B [dirs, Wb then Rb]; LSTM i o f c. */
static void write_onnx(Maker *m, LayerKind kind, int dirs) {
  static const int lstm[] = {0, 3, 1, 2};
  int G = gates_of(kind);
  float w[2 * 4 * U * D], u[2 * 4 * U * U], b[2 * 8 * U];
  for (int d = 0; d < dirs; d++)
    for (int p = 0; p < G; p++)
      for (int j = 0; j < U; j++) {
        int g = kind == LAYER_LSTM ? lstm[p] : p, row = (d * G + p) * U + j;
        for (int k = 0; k < D; k++)
          w[row * D + k] = truth(0, d, g, j, k);
        for (int k = 0; k < U; k++)
          u[row * U + k] = truth(1, d, g, j, k);
        b[d * 2 * G * U + p * U + j] = truth(2, d, g, j, 0);
        b[d * 2 * G * U + G * U + p * U + j] = truth(3, d, g, j, 0);
      }
  make(m, "rnn.W", 3, (int64_t[]){dirs, G * U, D}, w);
  make(m, "rnn.R", 3, (int64_t[]){dirs, G * U, U}, u);
  make(m, "rnn.B", 2, (int64_t[]){dirs, 2 * G * U}, b);
}

static void check_role(const Layer *layer, Role role, int r, int second, int dirs, int width) {
  const float *have = layer->weights->role[role];
  assert_non_null(have);
  int G = gates_of(layer->kind);
  for (int d = 0; d < dirs; d++)
    for (int g = 0; g < G; g++)
      for (int j = 0; j < U; j++)
        for (int k = 0; k < width; k++) {
          float want = truth(r, d, g, j, k) + (second >= 0 ? truth(second, d, g, j, k) : 0);
          float got = have[((d * G + g) * U + j) * width + k];
          if (got != want)
            fail_msg("%s[%d][%d][%d][%d] is %g, not %g", role_name[role], d, g, j, k, (double)got,
                     (double)want);
        }
}

static void round_trip(Fixture *f, LayerKind kind, const char *direction, Convention convention) {
  Model *model;
  Maker m = {.f = f, .file = {.path = "w", .tensor = arena_alloc(f->arena, 16 * sizeof(Tensor))}};
  int dirs = strcmp(direction, "both") == 0 ? 2 : 1;
  Layer *layer = recurrent(f, kind, direction, convention, &model);
  if (convention == CONVENTION_KERAS) write_keras(&m, kind, dirs);
  if (convention == CONVENTION_TORCH) write_torch(&m, kind, dirs);
  if (convention == CONVENTION_ONNX) write_onnx(&m, kind, dirs);
  if (convention == CONVENTION_ONNX && kind == LAYER_GRU) {
    OptVal *reset = layer_opt_mut(layer, OPT_reset);
    reset->given = true, reset->s = "after";
  }
  const char *reason;
  assert_true(tensor_file_sort(f->arena, &m.file, &reason));
  f->diags->lint[W602] = -1;
  bool bound = model_bind(model, &m.file, f->diags);
  if (!bound) fail_msg("%s", f->diags->first ? f->diags->first->message : "no reason given");
  assert_int_equal(f->diags->n_warnings, 0);
  bool sums = kind != LAYER_GRU && convention != CONVENTION_KERAS;
  check_role(layer, ROLE_KERNEL, 0, -1, dirs, D);
  check_role(layer, ROLE_RECURRENT, 1, -1, dirs, U);
  check_role(layer, ROLE_BIAS, 2, sums ? 3 : -1, dirs, 1);
  if (kind == LAYER_GRU) check_role(layer, ROLE_RECURRENT_BIAS, 3, -1, dirs, 1);
}

static void conventions(void **state) {
  static const LayerKind kinds[] = {LAYER_GRU, LAYER_LSTM, LAYER_RNN};
  static const Convention all[] = {CONVENTION_KERAS, CONVENTION_TORCH, CONVENTION_ONNX};
  for (int k = 0; k < 3; k++)
    for (int c = 0; c < 3; c++) {
      round_trip(*state, kinds[k], "forward", all[c]);
      round_trip(*state, kinds[k], "both", all[c]);
    }
}

/* Binds a Keras GRU after `spoil` changed the file; the first diagnostic must have this code. */
static void expect(Fixture *f, DiagCode code, void (*spoil)(Maker *, Model *, Layer *)) {
  Model *model;
  Maker m = {
      .f = f,
      .file = {.path = "w.safetensors", .tensor = arena_alloc(f->arena, 16 * sizeof(Tensor))}};
  Layer *layer = recurrent(f, LAYER_GRU, "forward", CONVENTION_KERAS, &model);
  write_keras(&m, LAYER_GRU, 1);
  spoil(&m, model, layer);
  const char *reason;
  assert_true(tensor_file_sort(f->arena, &m.file, &reason));
  f->diags = diags_new(f->arena, &f->sources);
  model_bind(model, &m.file, f->diags);
  assert_non_null(f->diags->first);
  if (f->diags->first->code != code)
    fail_msg("%s: %s", diag_info[f->diags->first->code].code, f->diags->first->message);
}

static Tensor *named(Maker *m, const char *name) {
  for (int i = 0; i < m->file.n; i++)
    if (strcmp(m->file.tensor[i].name, name) == 0) return &m->file.tensor[i];
  return NULL;
}

static void narrower(Maker *m, Model *model, Layer *layer) {
  Tensor *t = named(m, "rnn.kernel");
  t->dim[0] = D - 1, t->count = (D - 1) * t->dim[1];
  (void)model, (void)layer;
}

static void nameless(Maker *m, Model *model, Layer *layer) {
  named(m, "rnn.kernel")->name = "rnn.kernal";
  (void)model, (void)layer;
}

static void wrong_units(Maker *m, Model *model, Layer *layer) {
  Tensor *t = named(m, "rnn.recurrent_kernel");
  t->dim[0] = 1, t->count = t->dim[1];
  (void)model, (void)layer;
}

static void says_before(Maker *m, Model *model, Layer *layer) {
  OptVal *reset = layer_opt_mut(layer, OPT_reset);
  reset->given = true, reset->s = "before";
  (void)m, (void)model;
}

static void no_convention(Maker *m, Model *model, Layer *layer) {
  model->weights.convention = CONVENTION_NONE;
  (void)m, (void)layer;
}

static void not_finite(Maker *m, Model *model, Layer *layer) {
  float *data = (float *)(uintptr_t)named(m, "rnn.kernel")->data;
  data[5] = NAN;
  (void)model, (void)layer;
}

static void extra(Maker *m, Model *model, Layer *layer) {
  make(m, "other.kernel", 1, (int64_t[]){1}, (float[]){1});
  (void)model, (void)layer;
}

static void twice(Maker *m, Model *model, Layer *layer) {
  Layer *second = model_layer(model, LAYER_GRU, 1, layer->in);
  second->path = "second", second->prefix = "rnn";
  OptVal *units = layer_opt_mut(second, OPT_units);
  units->given = true, units->i = U;
  (void)m;
}

static void refusals(void **state) {
  Fixture *f = *state;
  expect(f, E601, narrower);
  expect(f, E602, nameless);
  expect(f, E603, wrong_units);
  expect(f, E605, says_before);
  expect(f, E606, twice);
  expect(f, E607, no_convention);
  expect(f, E608, not_finite);
  expect(f, W601, extra);
}

/* A model that allows W601 silences it, but not for an import, which asks for it all the same. */
static void unused_tensors_are_allowed(void **state) {
  static const signed char levels[] = {0, LINT_ALWAYS};
  Fixture *f = *state;
  for (size_t i = 0; i < sizeof levels; i++) {
    Model *model;
    Maker m = {
        .f = f,
        .file = {.path = "w.safetensors", .tensor = arena_alloc(f->arena, 16 * sizeof(Tensor))}};
    const char *reason;
    recurrent(f, LAYER_GRU, "forward", CONVENTION_KERAS, &model);
    write_keras(&m, LAYER_GRU, 1);
    make(&m, "other.kernel", 1, (int64_t[]){1}, (float[]){1});
    assert_true(tensor_file_sort(f->arena, &m.file, &reason));
    f->diags = diags_new(f->arena, &f->sources);
    model->allowed[W601] = true;
    f->diags->lint[W601] = levels[i];
    assert_true(model_bind(model, &m.file, f->diags));
    assert_int_equal(f->diags->n_warnings, i);
  }
}

static void random_weights_depend_on_seed_and_path(void **state) {
  Model *a, *b, *c;
  Layer *la = recurrent(*state, LAYER_LSTM, "forward", CONVENTION_NONE, &a);
  Layer *lb = recurrent(*state, LAYER_LSTM, "forward", CONVENTION_NONE, &b);
  Layer *lc = recurrent(*state, LAYER_LSTM, "forward", CONVENTION_NONE, &c);
  lc->path = "other";
  model_bind_random(a, 7), model_bind_random(b, 7), model_bind_random(c, 7);
  const float *x = la->weights->role[ROLE_KERNEL], *y = lb->weights->role[ROLE_KERNEL],
              *z = lc->weights->role[ROLE_KERNEL];
  assert_memory_equal(x, y, 4 * U * D * sizeof *x);
  assert_memory_not_equal(x, z, 4 * U * D * sizeof *x);
  for (int i = 0; i < 4 * U * D; i++)
    assert_true(fabsf(x[i]) <= 1 / sqrtf(D));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(conventions, set_up, tear_down),
      cmocka_unit_test_setup_teardown(refusals, set_up, tear_down),
      cmocka_unit_test_setup_teardown(unused_tensors_are_allowed, set_up, tear_down),
      cmocka_unit_test_setup_teardown(random_weights_depend_on_seed_and_path, set_up, tear_down),
  };
  return cmocka_run_group_tests_name("weights", tests, NULL, NULL);
}
