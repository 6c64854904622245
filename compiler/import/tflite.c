/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TensorFlow Lite. In, a float model of one sample, as the TensorFlow converter writes Keras
 * models; out, its layers:
 *
 *   UNIDIRECTIONAL_SEQUENCE_LSTM   [1, t, d] -> [1, t, u]; 24 inputs: x, kernels i f c o [u, d],
 *                                  recurrent i f c o [u, u], peepholes, biases i f c o [u], ...
 *   FULLY_CONNECTED                [.., d] -> [.., u]; kernel [u, d], bias [u]
 *   RESHAPE                        [1, t, d] -> [1, t d], or no change
 *   SOFTMAX, TANH, LOGISTIC, RELU
 *
 * The converter gives every LSTM cell_clip = 10, which the Keras model did not have: |c| is held
 * at or below it. A cell grows by less than 1 in each step, so the clip does nothing in 10 steps or
 * fewer and is left out there. */
#include "import/tflite.h"

#include <string.h>

enum {
  OP_FULLY_CONNECTED = 9,
  OP_LOGISTIC = 14,
  OP_LSTM = 44,
  OP_RELU = 19,
  OP_RESHAPE = 22,
  OP_SOFTMAX = 25,
  OP_TANH = 28
};

/* fused activations of the schema */
enum { FUSED_NONE, FUSED_RELU, FUSED_RELU_N1_TO_1, FUSED_RELU6, FUSED_TANH };

typedef struct LiteOp {
  Lite *lite;
  const char *origin; /* "operator 0, SOFTMAX" */
  size_t options;     /* table; 0: none */
  FlatVector in;
  LiteTensor *x, *y; /* the activation that goes in, and what comes out */
} LiteOp;

bool tflite_sniff(const ForeignFile *file) {
  return file->data.len >= 8 && memcmp(file->data.data + 4, "TFL3", 4) == 0;
}

static Diag *refuse(const LiteOp *op, DiagCode code, const char *what) {
  return foreign_report(op->lite->diags, op->lite->file, code, "%s %s", op->origin, what);
}

static Layer *stage(const LiteOp *op, LayerKind kind) {
  Layer *layer = model_layer(op->lite->foreign->model, kind, 1, &op->x->value);
  layer->origin = op->origin;
  op->y->value = layer->out[0];
  return layer;
}

/* Part of a tensor of a layer, from the constant that is input `input`. */
static bool fill(const LiteOp *op, float *data, int64_t offset, uint32_t input, int rank,
                 const int64_t *dim) {
  return data && lite_floats(op->lite, lite_tensor(op->lite, op->in, input), op->origin, rank, dim,
                             data + offset);
}

/* A matrix whose bytes are all there, so that no size is taken on trust. */
static const LiteTensor *matrix(const LiteOp *op, uint32_t input) {
  const LiteTensor *t = lite_tensor(op->lite, op->in, input);
  if (t && t->rank == 2 && t->dim[0] > 0 && t->dim[1] > 0 && t->type == 0 && t->data &&
      t->bytes / 4 / (size_t)t->dim[0] == (size_t)t->dim[1])
    return t;
  Diag *d = refuse(op, E602, "needs a float32 constant of two axes");
  diag_note(d, "its input %u is %s", input,
            !t ? "missing"
               : arena_printf(op->lite->arena, "`%s`, %s %s", t->name, lite_type(t->type),
                              lite_shape(op->lite->arena, t)));
  return NULL;
}

static bool gives(const LiteOp *op, int rank, const int64_t *dim) {
  const LiteTensor *y = op->y;
  if (y->rank == rank && memcmp(y->dim, dim, sizeof *dim * (size_t)rank) == 0) return true;
  LiteTensor x = {.rank = rank};
  memcpy(x.dim, dim, sizeof *dim * (size_t)rank);
  Diag *d = refuse(op, E903, "has an output of a shape that it does not compute");
  diag_note(d, "`%s` is %s; from %s it would be %s", y->name, lite_shape(op->lite->arena, y),
            lite_shape(op->lite->arena, op->x), lite_shape(op->lite->arena, &x));
  return false;
}

static bool lstm_known(const LiteOp *op) {
  Lite *lite = op->lite;
  static const struct {
    uint32_t input;
    const char *what;
  } others[] = {{9, "peepholes"},
                {10, "peepholes"},
                {11, "peepholes"},
                {16, "a projection"},
                {17, "a projection"},
                {20, "layer normalisation"},
                {21, "layer normalisation"},
                {22, "layer normalisation"},
                {23, "layer normalisation"}};
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (lite_tensor(lite, op->in, others[i].input)) {
      Diag *d = refuse(op, E903, "is an LSTM of a kind that is not read");
      diag_note(d, "it has %s", others[i].what);
      return false;
    }
  LiteTensor *h = lite_tensor(lite, op->in, 18), *c = lite_tensor(lite, op->in, 19);
  bool zero = h && c && h->variable && c->variable && !h->data && !c->data;
  bool major = flat_u8(&lite->flat, op->options, 3) != 0;
  float projection = flat_f32(&lite->flat, op->options, 2);
  if (!zero || major || projection > 0 || flat_u8(&lite->flat, op->options, 0) != FUSED_TANH) {
    refuse(op, E903,
           !zero            ? "does not start at zero"
           : major          ? "has time before the batch"
           : projection > 0 ? "limits its output"
                            : "has an activation other than tanh");
    return false;
  }
  return true;
}

static bool import_lstm(const LiteOp *op) {
  const LiteTensor *w = matrix(op, 2), *r = w ? matrix(op, 6) : NULL;
  if (!r) return false;
  int64_t u = w->dim[0], d = w->dim[1];
  if (op->x->rank != 3 || op->x->dim[2] != d || r->dim[0] != u || r->dim[1] != u) {
    Diag *e = refuse(op, E603, "has weights that do not fit its input");
    diag_note(e, "the input is %s, `%s` %s, `%s` %s", lite_shape(op->lite->arena, op->x), w->name,
              lite_shape(op->lite->arena, w), r->name, lite_shape(op->lite->arena, r));
    return false;
  }
  if (!gives(op, 3, (int64_t[]){1, op->x->dim[1], u}) || !lstm_known(op)) return false;
  Layer *layer = stage(op, LAYER_LSTM);
  layer_set_size(layer, OPT_units, u);
  float clip = flat_f32(&op->lite->flat, op->options, 1);
  if (clip > 0 && (float)op->x->dim[1] > clip) layer_set_number(layer, OPT_cell_clip, (double)clip);
  Foreign *f = op->lite->foreign;
  float *kernel = foreign_tensor(f, layer, ROLE_KERNEL, 4, (int64_t[]){1, 4, u, d}, w->name);
  float *recurrent = foreign_tensor(f, layer, ROLE_RECURRENT, 4, (int64_t[]){1, 4, u, u}, r->name);
  float *bias = foreign_tensor(f, layer, ROLE_BIAS, 3, (int64_t[]){1, 4, u}, "bias");
  for (uint32_t g = 0; g < 4; g++) /* i f c o, as canonical */
    if (!fill(op, kernel, g * u * d, 1 + g, 2, (int64_t[]){u, d}) ||
        !fill(op, recurrent, g * u * u, 5 + g, 2, (int64_t[]){u, u}) ||
        !fill(op, bias, g * u, 12 + g, 1, &u))
      return false;
  foreign_note(
      f,
      "%s: each call starts at zero; TensorFlow Lite keeps the state until it is told to reset it",
      op->origin);
  return true;
}

static bool fused(LiteOp *op, int fused) {
  static const LayerKind kinds[] = {
      [FUSED_RELU] = LAYER_relu, [FUSED_RELU6] = LAYER_relu, [FUSED_TANH] = LAYER_tanh};
  if (fused == FUSED_NONE) return true;
  if (fused != FUSED_RELU && fused != FUSED_RELU6 && fused != FUSED_TANH) {
    refuse(op, E903, "has a fused activation other than relu, relu6 and tanh");
    return false;
  }
  op->x = op->y;
  Layer *layer = stage(op, kinds[fused]);
  if (fused == FUSED_RELU6) layer_set_number(layer, OPT_max, 6);
  return true;
}

static bool import_dense(LiteOp *op) {
  const LiteTensor *w = matrix(op, 1), *b = lite_tensor(op->lite, op->in, 2);
  if (!w) return false;
  int64_t dim[4], u = w->dim[0], d = w->dim[1];
  int rank = op->x->rank;
  memcpy(dim, op->x->dim, sizeof dim);
  if (dim[rank - 1] != d || flat_u8(&op->lite->flat, op->options, 1)) {
    Diag *e = refuse(op, E603, "has weights that do not fit its input");
    diag_note(e, "the input is %s, `%s` %s, in the order of PyTorch's Linear",
              lite_shape(op->lite->arena, op->x), w->name, lite_shape(op->lite->arena, w));
    return false;
  }
  dim[rank - 1] = u;
  if (!gives(op, rank, dim)) return false;
  Layer *layer = stage(op, LAYER_Dense);
  layer_set_size(layer, OPT_units, u);
  if (!b) layer_set_word(layer, OPT_bias, "false");
  Foreign *f = op->lite->foreign;
  float *kernel = foreign_tensor(f, layer, ROLE_KERNEL, 2, w->dim, w->name);
  if (!fill(op, kernel, 0, 1, 2, w->dim)) return false;
  if (b && !fill(op, foreign_tensor(f, layer, ROLE_BIAS, 1, &u, b->name), 0, 2, 1, &u))
    return false;
  return fused(op, flat_u8(&op->lite->flat, op->options, 0));
}

static bool import_reshape(const LiteOp *op) {
  const LiteTensor *x = op->x, *y = op->y;
  if (x->rank == y->rank && memcmp(x->dim, y->dim, sizeof *x->dim * (size_t)x->rank) == 0) {
    op->y->value = x->value;
    return true;
  }
  if (x->rank == 3 && y->rank == 2 && y->dim[0] == 1 && y->dim[1] == x->dim[1] * x->dim[2]) {
    stage(op, LAYER_flatten);
    return true;
  }
  Diag *d = refuse(op, E903, "is neither a flattening of [1, time, features] nor without effect");
  diag_note(d, "it makes %s of %s", lite_shape(op->lite->arena, y), lite_shape(op->lite->arena, x));
  return false;
}

static bool import_pointwise(const LiteOp *op, LayerKind kind) {
  float beta = flat_f32(&op->lite->flat, op->options, 0);
  if (kind == LAYER_softmax && (beta < 1 || beta > 1)) {
    refuse(op, E903, "has a beta other than 1");
    return false;
  }
  if (!gives(op, op->x->rank, op->x->dim)) return false;
  stage(op, kind);
  return true;
}

static bool import_known(LiteOp *op, int32_t code) {
  switch (code) {
  case OP_LSTM: return import_lstm(op);
  case OP_FULLY_CONNECTED: return import_dense(op);
  case OP_RESHAPE: return import_reshape(op);
  case OP_SOFTMAX: return import_pointwise(op, LAYER_softmax);
  case OP_TANH: return import_pointwise(op, LAYER_tanh);
  case OP_LOGISTIC: return import_pointwise(op, LAYER_sigmoid);
  default: return import_pointwise(op, LAYER_relu);
  }
}

static const char *op_name(int32_t code) {
  static const struct {
    int32_t code;
    const char *name;
  } names[] = {{OP_FULLY_CONNECTED, "FULLY_CONNECTED"},
               {OP_LOGISTIC, "LOGISTIC"},
               {OP_LSTM, "UNIDIRECTIONAL_SEQUENCE_LSTM"},
               {OP_RELU, "RELU"},
               {OP_RESHAPE, "RESHAPE"},
               {OP_SOFTMAX, "SOFTMAX"},
               {OP_TANH, "TANH"}};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (names[i].code == code) return names[i].name;
  return NULL;
}

/* What the integer kernels compute is another function than the float one: not read as if it were.
 */
static bool is_float(const LiteOp *op) {
  const LiteTensor *t = op->x->type != 0 ? op->x : op->y;
  if (t->type == 0) return true;
  Diag *d = refuse(op, E903, "computes in integers");
  diag_note(d,
            "`%s` is %s: the model was quantised, and its results come from the rounding of "
            "TensorFlow Lite's own kernels",
            t->name, lite_type(t->type));
  diag_note(
      d, "import the float model it was made from; `precision` in the .grus file quantises that");
  return false;
}

static bool import_op(Lite *lite, uint32_t i) {
  Flat *flat = &lite->flat;
  size_t table = flat_element_table(flat, lite->ops, i);
  size_t code_table = flat_element_table(flat, lite->codes, (uint32_t)flat_i32(flat, table, 0, 0));
  int32_t code = flat_i32(flat, code_table, 3, 0), old = flat_u8(flat, code_table, 0);
  const char *name =
      op_name(code > old ? code : old); /* schema 3a and later has both, or the larger */
  if (flat->broken || !table || !code_table) return lite_broken(lite);
  LiteOp op = {
      .lite = lite, .in = flat_vector(flat, table, 1, 4), .options = flat_table(flat, table, 4)};
  FlatVector out = flat_vector(flat, table, 2, 4);
  op.origin =
      arena_printf(lite->arena, "operator %u, %s", i,
                   name ? name : arena_printf(lite->arena, "number %d", code > old ? code : old));
  op.x = lite_tensor(lite, op.in, 0);
  op.y = lite_tensor(lite, out, 0);
  if (flat->broken || out.n != 1 || !op.x || !op.y) return lite_broken(lite);
  if (!name) {
    Diag *d = refuse(&op, E902, "is not read");
    diag_note(d, "operators that are: UNIDIRECTIONAL_SEQUENCE_LSTM, FULLY_CONNECTED, RESHAPE, "
                 "SOFTMAX, TANH, LOGISTIC, RELU");
    return false;
  }
  if (!is_float(&op)) return false;
  if (!op.x->value || op.y->value || op.y->rank > 4) {
    refuse(&op, E901,
           op.x->value ? "has an output that was there before it"
                       : "reads what nothing has computed");
    return false;
  }
  return import_known(&op, code > old ? code : old) && (!flat->broken || lite_broken(lite));
}

/* [1, t, d] is a sequence, [1, d] a vector. */
static bool import_input(Lite *lite, LiteTensor *t, uint32_t i, uint32_t n) {
  bool sequence = t->rank == 3;
  for (int k = 0; k < t->rank; k++)
    if (t->dim[k] < 1) sequence = false, t->rank = 0;
  if (t->value || t->data || t->rank < 2 || t->rank > 3 || t->dim[0] != 1) {
    Diag *d =
        foreign_report(lite->diags, lite->file, E903, "input `%s` is not one sample", t->name);
    diag_note(d, "it is %s; [1, features] and [1, time, features] are read",
              lite_shape(lite->arena, t));
    return false;
  }
  Time time = {.kind = sequence ? TIME_FIXED : TIME_NONE, .n = sequence ? t->dim[1] : 0};
  const char *name = n == 1 ? "x" : arena_printf(lite->arena, "x%u", i + 1);
  t->value =
      model_input(lite->foreign->model, name, foreign_type(time, 1, &t->dim[t->rank - 1]))->value;
  return true;
}

static bool import_output(Lite *lite, const LiteTensor *t, uint32_t i, uint32_t n) {
  if (!t->value || !t->value->layer) {
    foreign_report(lite->diags, lite->file, E901, "output `%s` is not computed", t->name);
    return false;
  }
  model_output(lite->foreign->model, n == 1 ? "y" : arena_printf(lite->arena, "y%u", i + 1),
               t->value);
  return true;
}

Foreign *tflite_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  (void)options;
  Lite lite = {.arena = file->arena, .file = file, .diags = diags};
  if (!lite_open(&lite)) return NULL;
  FlatVector in = flat_vector(&lite.flat, lite.graph, 1, 4),
             out = flat_vector(&lite.flat, lite.graph, 2, 4);
  lite.foreign = foreign_new(file, "TensorFlow Lite", NULL);
  if (!in.n || !out.n || in.n > TFLITE_MAX || out.n > TFLITE_MAX) return lite_broken(&lite), NULL;
  for (uint32_t i = 0; i < in.n; i++) {
    LiteTensor *t = lite_tensor(&lite, in, i);
    if (!t) return lite_broken(&lite), NULL;
    if (!import_input(&lite, t, i, in.n)) return NULL;
  }
  for (uint32_t i = 0; i < lite.ops.n; i++)
    if (!import_op(&lite, i)) return NULL;
  for (uint32_t i = 0; i < out.n; i++) {
    LiteTensor *t = lite_tensor(&lite, out, i);
    if (!t) return lite_broken(&lite), NULL;
    if (!import_output(&lite, t, i, out.n)) return NULL;
  }
  return lite.foreign;
}
