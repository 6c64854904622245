/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* TensorFlow Lite. In, a float model of one sample, as the TensorFlow converter writes Keras
 * models; out, its layers:
 *
 *   UNIDIRECTIONAL_SEQUENCE_LSTM   [1, t, d] -> [1, t, u]; 24 inputs: x, kernels i f c o [u, d],
 *                                  recurrent i f c o [u, u], peepholes, biases i f c o [u], ...
 *   FULLY_CONNECTED                [.., d] -> [.., u]; kernel [u, d], bias [u]
 *   RESHAPE                        [1, t, d] -> [1, t d], or no change but for axes of 1
 *   CONV_2D                        [1, 1, t, d] -> [1, 1, t', f]; filter [f, 1, k, d], bias [f]
 *   STRIDED_SLICE, MEAN            [1, t, d] -> [1, d]: the last step, or the mean of all
 *   SOFTMAX, TANH, LOGISTIC, RELU
 *
 * The converter gives every LSTM cell_clip = 10, which the Keras model did not have: |c| is held
 * at or below it. A cell grows by less than 1 in each step, so the clip does nothing in 10 steps or
 * fewer and is left out there. */
#include "import/tflite.h"

#include <string.h>

enum {
  OP_CONV_2D = 3,
  OP_FULLY_CONNECTED = 9,
  OP_LOGISTIC = 14,
  OP_LSTM = 44,
  OP_MEAN = 40,
  OP_RELU = 19,
  OP_RESHAPE = 22,
  OP_SOFTMAX = 25,
  OP_STRIDED_SLICE = 45,
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

/* [1, t, d] and [1, 1, t, d] are the same sequence: convolutions have an axis more. */
static bool same_sequence(const LiteTensor *x, const LiteTensor *y) {
  int more_x = x->rank == 4 && x->dim[0] == 1 && x->dim[1] == 1, more_y = y->rank == 4 && y->dim[0] == 1 && y->dim[1] == 1;
  return x->rank - more_x == y->rank - more_y && x->rank > 2 &&
         memcmp(x->dim + more_x, y->dim + more_y, sizeof *x->dim * (size_t)(x->rank - more_x)) == 0;
}

static bool import_reshape(const LiteOp *op) {
  const LiteTensor *x = op->x, *y = op->y;
  if (same_sequence(x, y) || (x->rank == y->rank && memcmp(x->dim, y->dim, sizeof *x->dim * (size_t)x->rank) == 0)) {
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

/* Element i of the int32 constant that is input `input`. */
static bool int_of(const LiteOp *op, uint32_t input, size_t i, int32_t *out) {
  const LiteTensor *t = lite_tensor(op->lite, op->in, input);
  if (!t || t->type != 2 || !t->data || t->bytes / 4 <= i) return false;
  const uint8_t *p = t->data + 4 * i;
  *out = (int32_t)((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
  return true;
}

/* x[:, -1, :] */
static bool is_last_step(const LiteOp *op) {
  Flat *flat = &op->lite->flat;
  int32_t begin[3], end[3], stride[3], masks[5];
  if (op->x->rank != 3) return false;
  for (unsigned i = 0; i < 5; i++)
    masks[i] = flat_i32(flat, op->options, i, 0);
  for (uint32_t i = 0; i < 3; i++)
    if (!int_of(op, 1, i, &begin[i]) || !int_of(op, 2, i, &end[i]) || !int_of(op, 3, i, &stride[i]) || stride[i] != 1) return false;
  for (int i = 0; i < 3; i += 2)
    if ((!(masks[0] >> i & 1) && begin[i] != 0) || (!(masks[1] >> i & 1) && end[i] != op->x->dim[i])) return false;
  bool last = begin[1] == -1 || begin[1] == op->x->dim[1] - 1;
  return last && !(masks[0] >> 1 & 1) && masks[2] == 0 && masks[3] == 0 && masks[4] == 2;
}

static bool import_slice(const LiteOp *op) {
  if (is_last_step(op)) {
    if (!gives(op, 2, (int64_t[]){1, op->x->dim[2]})) return false;
    stage(op, LAYER_last);
    return true;
  }
  Diag *d = refuse(op, E903, "takes something else than the last step of [1, time, features]");
  diag_note(d, "it makes %s of %s", lite_shape(op->lite->arena, op->y), lite_shape(op->lite->arena, op->x));
  return false;
}

static bool import_mean(const LiteOp *op) {
  int32_t axis;
  bool over_time = op->x->rank == 3 && int_of(op, 1, 0, &axis) && (axis == 1 || axis == -2) && lite_tensor(op->lite, op->in, 1)->bytes == 4;
  if (!over_time || flat_u8(&op->lite->flat, op->options, 0)) {
    Diag *d = refuse(op, E903, "is not the mean over the steps of [1, time, features]");
    diag_note(d, "it makes %s of %s", lite_shape(op->lite->arena, op->y), lite_shape(op->lite->arena, op->x));
    return false;
  }
  if (!gives(op, 2, (int64_t[]){1, op->x->dim[2]})) return false;
  stage(op, LAYER_mean);
  return true;
}

/* A convolution over time is one over an image of height 1. */
static bool import_conv(LiteOp *op) {
  Flat *flat = &op->lite->flat;
  const LiteTensor *w = lite_tensor(op->lite, op->in, 1), *b = lite_tensor(op->lite, op->in, 2), *x = op->x;
  bool flat_image = x->rank == 4 && x->dim[0] == 1 && x->dim[1] == 1 && w && w->rank == 4 && w->dim[1] == 1;
  if (!flat_image || w->dim[3] != x->dim[3] || w->type != 0 || !w->data) {
    Diag *d = refuse(op, E902, "is not a convolution over time, in one group");
    diag_note(d, "its input is %s, its filter %s", lite_shape(op->lite->arena, x), w ? lite_shape(op->lite->arena, w) : "missing");
    return false;
  }
  int64_t f = w->dim[0], k = w->dim[2], d = w->dim[3], n = x->dim[2];
  int64_t stride = flat_i32(flat, op->options, 1, 0), dilation = flat_i32(flat, op->options, 4, 1), same = flat_u8(flat, op->options, 0) == 0;
  int64_t reach = (k - 1) * dilation;
  if (f < 1 || k < 1 || d < 1 || stride < 1 || dilation < 1 || w->bytes / 4 / (size_t)f / (size_t)k != (size_t)d || (!same && n <= reach)) {
    refuse(op, E901, "has sizes that do not fit each other");
    return false;
  }
  if (!gives(op, 4, (int64_t[]){1, 1, same ? (n + stride - 1) / stride : (n - reach - 1) / stride + 1, f})) return false;
  Layer *layer = stage(op, LAYER_Conv1D);
  layer_set_size(layer, OPT_filters, f);
  layer_set_size(layer, OPT_kernel, k);
  layer_set_size(layer, OPT_stride, stride);
  layer_set_size(layer, OPT_dilation, dilation);
  layer_set_word(layer, OPT_padding, same ? "same" : "valid");
  if (!b) layer_set_word(layer, OPT_bias, "false");
  Foreign *foreign = op->lite->foreign;
  float *kernel = foreign_tensor(foreign, layer, ROLE_KERNEL, 3, (int64_t[]){f, k, d}, w->name);
  if (!fill(op, kernel, 0, 1, 4, w->dim)) return false;
  if (b && !fill(op, foreign_tensor(foreign, layer, ROLE_BIAS, 1, &f, b->name), 0, 2, 1, &f)) return false;
  return fused(op, flat_u8(flat, op->options, 3));
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
  case OP_CONV_2D: return import_conv(op);
  case OP_STRIDED_SLICE: return import_slice(op);
  case OP_MEAN: return import_mean(op);
  case OP_SOFTMAX: return import_pointwise(op, LAYER_softmax);
  case OP_TANH: return import_pointwise(op, LAYER_tanh);
  case OP_LOGISTIC: return import_pointwise(op, LAYER_sigmoid);
  default: return import_pointwise(op, LAYER_relu);
  }
}

typedef struct LiteName {
  int32_t code;
  const char *name;
} LiteName;

static const LiteName known_ops[] = {{OP_LSTM, "UNIDIRECTIONAL_SEQUENCE_LSTM"},
                                     {OP_FULLY_CONNECTED, "FULLY_CONNECTED"},
                                     {OP_CONV_2D, "CONV_2D"},
                                     {OP_STRIDED_SLICE, "STRIDED_SLICE"},
                                     {OP_MEAN, "MEAN"},
                                     {OP_RESHAPE, "RESHAPE"},
                                     {OP_SOFTMAX, "SOFTMAX"},
                                     {OP_TANH, "TANH"},
                                     {OP_LOGISTIC, "LOGISTIC"},
                                     {OP_RELU, "RELU"}};

/* What else the converter makes of recurrent models, for messages. */
static const LiteName other_ops[] = {
    {0, "ADD"},        {1, "AVERAGE_POOL_2D"}, {2, "CONCATENATION"}, {6, "DEQUANTIZE"},      {17, "MAX_POOL_2D"}, {18, "MUL"},
    {32, "a custom operator"}, {34, "PAD"},    {35, "UNIDIRECTIONAL_SEQUENCE_RNN"}, {36, "GATHER"}, {37, "BATCH_TO_SPACE_ND"},
    {38, "SPACE_TO_BATCH_ND"}, {39, "TRANSPOSE"}, {41, "SUB"},      {43, "SQUEEZE"},         {49, "SPLIT"},       {52, "BIDIRECTIONAL_SEQUENCE_LSTM"},
    {53, "CAST"},      {70, "EXPAND_DIMS"},    {83, "PACK"},          {88, "UNPACK"},          {105, "REVERSE_V2"}, {114, "QUANTIZE"},
    {119, "WHILE"}};

static const char *op_name(const LiteName *list, size_t n, int32_t code) {
  for (size_t i = 0; i < n; i++)
    if (list[i].code == code) return list[i].name;
  return NULL;
}
#define OP_NAME(list, code) op_name(list, sizeof list / sizeof *list, code)

static void report_unread(const LiteOp *op) {
  Diag *d = refuse(op, E902, "is not read");
  Text list = text_new(op->lite->arena);
  for (size_t i = 0; i < sizeof known_ops / sizeof *known_ops; i++)
    text_printf(&list, "%s%s", i ? ", " : "", known_ops[i].name);
  diag_note(d, "operators that are: %s", text_str(&list));
  diag_note(d, "the Keras model that was converted says the same in its layers: import that");
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
  if (old > code) code = old; /* schema 3a and later has both, or the larger */
  const char *name = OP_NAME(known_ops, code), *other = OP_NAME(other_ops, code);
  if (flat->broken || !table || !code_table) return lite_broken(lite);
  LiteOp op = {
      .lite = lite, .in = flat_vector(flat, table, 1, 4), .options = flat_table(flat, table, 4)};
  FlatVector out = flat_vector(flat, table, 2, 4);
  op.origin =
      arena_printf(lite->arena, "operator %u, %s", i,
                   name ? name : other ? other : arena_printf(lite->arena, "number %d", code));
  op.x = lite_tensor(lite, op.in, 0);
  op.y = lite_tensor(lite, out, 0);
  if (flat->broken || out.n != 1 || !op.x || !op.y) return lite_broken(lite);
  if (!name) {
    report_unread(&op);
    return false;
  }
  if (!is_float(&op)) return false;
  if (!op.x->value || op.y->value || op.y->rank > 4) {
    refuse(&op, E901,
           op.x->value ? "has an output that was there before it"
                       : "reads what nothing has computed");
    return false;
  }
  return import_known(&op, code) && (!flat->broken || lite_broken(lite));
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

Foreign *tflite_legacy_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
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
