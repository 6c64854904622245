/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Elements and names of the tensors of a file, the tensors that each kind of layer owns, and random
 * weights; see weights.h. */
#include "model/bind/bind.h"

#include "base/splitmix.h"

#include <math.h>
#include <string.h>

const char *const role_name[ROLE_COUNT] = {"kernel",    "recurrent_kernel",
                                           "bias",      "recurrent_bias",
                                           "peephole",  "initial_h",
                                           "initial_c", "initial_x",
                                           "table",     "scale",
                                           "center",    "mean",
                                           "variance",  "slope"};

const char *const tensor_elem_name[] = {
    [TENSOR_F16] = "f16",  [TENSOR_BF16] = "bf16", [TENSOR_F32] = "f32", [TENSOR_F64] = "f64",
    [TENSOR_I8] = "i8",    [TENSOR_U8] = "u8",     [TENSOR_I16] = "i16", [TENSOR_U16] = "u16",
    [TENSOR_I32] = "i32",  [TENSOR_U32] = "u32",   [TENSOR_I64] = "i64", [TENSOR_U64] = "u64",
    [TENSOR_BOOL] = "bool"};

int tensor_elem_bytes(TensorElem elem) {
  static const int bytes[] = {
      [TENSOR_F16] = 2, [TENSOR_BF16] = 2, [TENSOR_F32] = 4, [TENSOR_F64] = 8, [TENSOR_I8] = 1,
      [TENSOR_U8] = 1,  [TENSOR_I16] = 2,  [TENSOR_U16] = 2, [TENSOR_I32] = 4, [TENSOR_U32] = 4,
      [TENSOR_I64] = 8, [TENSOR_U64] = 8,  [TENSOR_BOOL] = 1};
  return bytes[elem];
}

static double half_value(uint16_t bits) { /* IEEE 754 binary16 */
  int exponent = bits >> 10 & 31, fraction = bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? (double)NAN : (double)INFINITY)
                     : exponent == 0 ? ldexp(fraction, -24)
                                     : ldexp(1024 + fraction, exponent - 25);
  return bits >> 15 ? -magnitude : magnitude;
}

static double float_value(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return (double)f;
}

static double double_value(uint64_t bits) {
  double f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* Where the file has the element that is the i-th in C order. */
static int64_t stored_index(const Tensor *t, int64_t i) {
  if (!t->fortran) return i;
  int64_t stride[TENSOR_MAX_RANK], at = 0, step = 1;
  for (int k = 0; k < t->rank; k++) {
    stride[k] = step;
    step *= t->dim[k];
  }
  for (int k = t->rank - 1; k >= 0; k--) {
    at += i % t->dim[k] * stride[k];
    i /= t->dim[k];
  }
  return at;
}

double tensor_get(const Tensor *t, int64_t i) {
  if (tensor_is_plain(t)) return (double)tensor_float(t, i);
  int bytes = tensor_elem_bytes(t->elem);
  const uint8_t *p = t->data + stored_index(t, i) * bytes;
  uint64_t bits = 0;
  for (int k = 0; k < bytes; k++)
    bits |= (uint64_t)p[t->big_endian ? bytes - 1 - k : k] << 8 * k;
  switch (t->elem) {
  case TENSOR_F16: return half_value((uint16_t)bits);
  case TENSOR_BF16: return float_value((uint32_t)bits << 16);
  case TENSOR_F32: return float_value((uint32_t)bits);
  case TENSOR_F64: return double_value(bits);
  case TENSOR_I8: return (int8_t)bits;
  case TENSOR_I16: return (int16_t)bits;
  case TENSOR_I32: return (int32_t)bits;
  case TENSOR_I64: return (double)(int64_t)bits;
  case TENSOR_BOOL: return bits != 0;
  case TENSOR_U8:
  case TENSOR_U16:
  case TENSOR_U32:
  case TENSOR_U64: break;
  }
  return (double)bits;
}

/* strcmp of s and `root` followed by `name`. */
static int compare_rooted(const char *s, const char *root, const char *name) {
  size_t n = strlen(root);
  int c = strncmp(s, root, n);
  return c ? c : strcmp(s + n, name);
}

static const Tensor *find_rooted(const TensorFile *file, const char *root, const char *name) {
  int low = 0, high = file->n;
  while (low < high) {
    int mid = low + (high - low) / 2, c = compare_rooted(file->tensor[mid].name, root, name);
    if (c == 0) return &file->tensor[mid];
    if (c < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return NULL;
}

const Tensor *tensor_find(const TensorFile *file, const char *name) {
  const Tensor *t = find_rooted(file, "", name);
  return !t && file->root ? find_rooted(file, file->root, name) : t;
}

const char *tensor_shape_str(Arena *arena, const Tensor *tensor) {
  return dims_str(arena, tensor->rank, tensor->dim);
}

static void add_param(ParamShape *out, int *n, Role role, const char *axes, int64_t a, int64_t b,
                      int64_t c, int64_t d) {
  out[*n] = (ParamShape){
      .role = role, .axes = axes, .rank = (int)strlen(axes), .dim = {a, b, c, d}, .groups = 1};
  ++*n;
}

static bool is_true(const Layer *layer, OptName name) {
  return layer_word_is(layer, name, "true");
}

static int recurrent_params(const Layer *layer, ParamShape *out) {
  int64_t dirs = layer_directions(layer), u = layer_size(layer, OPT_units, 0);
  int64_t d = type_last_dim(&layer->in[0]->type);
  int64_t gates = layer_gates(layer);
  int n = 0;
  add_param(out, &n, ROLE_KERNEL, "DGUK", dirs, gates, u, d);
  add_param(out, &n, ROLE_RECURRENT, "DGUK", dirs, gates, u, u);
  if (is_true(layer, OPT_bias)) add_param(out, &n, ROLE_BIAS, "DGU", dirs, gates, u, 0);
  bool after = layer->kind == LAYER_GRU && !layer_word_is(layer, OPT_reset, "before");
  if (after && is_true(layer, OPT_bias))
    add_param(out, &n, ROLE_RECURRENT_BIAS, "DGU", dirs, gates, u, 0);
  if (is_true(layer, OPT_peephole)) add_param(out, &n, ROLE_PEEPHOLE, "DGU", dirs, 3, u, 0);
  if (!layer_learns_start(layer)) return n;
  add_param(out, &n, ROLE_INITIAL_H, "DGU", dirs, 1, u, 0);
  if (layer->kind == LAYER_LSTM) add_param(out, &n, ROLE_INITIAL_C, "DGU", dirs, 1, u, 0);
  return n;
}

static int state_params(const Layer *layer, ParamShape *out) {
  int n = 0;
  if (layer_learns_start(layer))
    add_param(out, &n, ROLE_INITIAL_H, "U", layer_size(layer, OPT_units, 0), 0, 0, 0);
  return n;
}

static int scale_params(const Layer *layer, ParamShape *out) {
  int64_t d = type_last_dim(&layer->in[0]->type);
  int n = 0;
  if (is_true(layer, OPT_scale)) add_param(out, &n, ROLE_SCALE, "K", d, 0, 0, 0);
  if (is_true(layer, OPT_center)) add_param(out, &n, ROLE_CENTER, "K", d, 0, 0, 0);
  return n;
}

/* LayerNorm and RMSNorm own a number for each position of the axes that they go along, the other
 * norms one for each feature. */
static int norm_params(const Layer *layer, ParamShape *out) {
  const Type *type = &layer->in[0]->type;
  if (layer->kind == LAYER_l2_normalize) return 0;
  int n = scale_params(layer, out);
  if (layer->kind == LAYER_GroupNorm || layer->kind == LAYER_InstanceNorm) return n;
  for (int i = 0; i < n; i++) {
    out[i].dim[0] = 1;
    out[i].n_parts = layer->n_along;
    for (int k = 0; k < layer->n_along; k++) {
      out[i].part[k] = type->dim[layer->along[k].axis].n;
      out[i].dim[0] *= out[i].part[k];
    }
  }
  return n;
}

static int batch_norm_params(const Layer *layer, ParamShape *out) {
  int64_t d = type_last_dim(&layer->in[0]->type);
  int n = scale_params(layer, out);
  add_param(out, &n, ROLE_MEAN, "K", d, 0, 0, 0);
  add_param(out, &n, ROLE_VARIANCE, "K", d, 0, 0, 0);
  return n;
}

static int dense_params(const Layer *layer, ParamShape *out) {
  int64_t units = layer_size(layer, OPT_units, 0);
  int n = 0;
  add_param(out, &n, ROLE_KERNEL, "UK", units, type_last_dim(&layer->in[0]->type), 0, 0);
  if (is_true(layer, OPT_bias)) add_param(out, &n, ROLE_BIAS, "U", units, 0, 0, 0);
  return n;
}

static int conv_params(const Layer *layer, ParamShape *out) {
  int64_t filters = layer_size(layer, OPT_filters, 0);
  int64_t d = type_last_dim(&layer->in[0]->type), depth = d / layer_size(layer, OPT_groups, 1);
  int64_t first = layer_size_of(layer, OPT_kernel, 0), second = layer_size_of(layer, OPT_kernel, 1);
  int n = 0;
  if (layer_info(layer->kind)->opts[1].kind == OPTK_SIZES)
    add_param(out, &n, ROLE_KERNEL, "UIJK", filters, first, second, depth);
  else
    add_param(out, &n, ROLE_KERNEL, "UIK", filters, first, depth, 0);
  if (is_true(layer, OPT_bias)) add_param(out, &n, ROLE_BIAS, "U", filters, 0, 0, 0);
  if (layer_learns_start(layer)) add_param(out, &n, ROLE_INITIAL_X, "K", d, 0, 0, 0);
  return n;
}

/* A transposed convolution owns the tensors of a convolution, but files have the inputs of all
 * groups first and the filters of one group after them. */
static int transposed_params(const Layer *layer, ParamShape *out) {
  int n = conv_params(layer, out);
  out[0].groups = layer_size(layer, OPT_groups, 1);
  return n;
}

static int embedding_params(const Layer *layer, ParamShape *out) {
  int n = 0;
  add_param(out, &n, ROLE_TABLE, "UK", layer->in[0]->type.categories,
            layer_size(layer, OPT_units, 0), 0, 0);
  return n;
}

/* AdditiveAttention: how much each feature of tanh(q + k) counts. */
static int attention_params(const Layer *layer, ParamShape *out) {
  int n = 0;
  if (layer->kind == LAYER_AdditiveAttention && is_true(layer, OPT_scale))
    add_param(out, &n, ROLE_SCALE, "K", type_last_dim(&layer->in[0]->type), 0, 0, 0);
  return n;
}

static int prelu_params(const Layer *layer, ParamShape *out) {
  int n = 0;
  add_param(out, &n, ROLE_SLOPE, "K", type_last_dim(&layer->in[0]->type), 0, 0, 0);
  return n;
}

static int no_params(const Layer *layer, ParamShape *out) {
  (void)layer, (void)out;
  return 0;
}

/* Families without weights. */
#define argmax_params      no_params
#define concat_params      no_params
#define cumsum_params      no_params
#define delay_params       no_params
#define expand_params      no_params
#define flatten_params     no_params
#define frames_params      no_params
#define glu_params         no_params
#define last_params        no_params
#define onehot_params      no_params
#define every_nth_params   no_params
#define cut_params         no_params
#define hold_params        no_params
#define keep_params        no_params
#define label_params       no_params
#define over_params        no_params
#define pad_params         no_params
#define permute_params     no_params
#define upsample_params    no_params
#define overlap_add_params no_params
#define pointwise_params   no_params
#define pool_params        no_params
#define repeat_params      no_params
#define reshape_params     no_params
#define reverse_params     no_params
#define several_params     no_params
#define slice_params       no_params
#define softmax_params     no_params
#define training_params    no_params

static int (*const params_of[LAYER_KIND_COUNT])(const Layer *layer, ParamShape *out) = {
#define LAYER(id, name, rule, flags, family, ...) family##_params,
#include "model/graph/layers.def"
};

int layer_params(const Layer *layer, ParamShape out[LAYER_MAX_PARAMS]) {
  return params_of[layer->kind](layer, out);
}

int64_t param_count(const ParamShape *param) {
  return dims_product(param->rank, param->dim);
}

int64_t layer_param_count(const Layer *layer) {
  ParamShape params[LAYER_MAX_PARAMS];
  int64_t total = 0;
  for (int i = 0, n = layer_params(layer, params); i < n; i++)
    total += param_count(&params[i]);
  return total;
}

/* A random number, uniform in [low, high). It is made of 24 random bits, which a float holds
 * exactly. */
static float random_float(uint64_t *state, float low, float high) {
  float unit = (float)(splitmix_next(state) >> 40) * 0x1p-24f;
  return low + (high - low) * unit;
}

static void fill_random(float *to, const ParamShape *param, bool is_conv, uint64_t *state) {
  int64_t fan_in = param->dim[param->rank - 1];
  float low = -0.5f, high = 0.5f;
  switch (param->role) { /* statistics and scales are near those of a trained layer */
  case ROLE_VARIANCE:
  case ROLE_SCALE:
    low = 0.5f;
    high = 1.5f;
    break;
  case ROLE_SLOPE:
    low = 0;
    high = 0.5f;
    break;
  case ROLE_KERNEL:
  case ROLE_RECURRENT: {
    if (param->rank == 3) fan_in *= param->dim[1];
    if (is_conv && param->rank == 4) fan_in *= param->dim[1] * param->dim[2];
    high = 1 / sqrtf((float)fan_in);
    low = -high;
    break;
  }
  case ROLE_BIAS:
  case ROLE_RECURRENT_BIAS:
  case ROLE_PEEPHOLE:
  case ROLE_INITIAL_H:
  case ROLE_INITIAL_C:
  case ROLE_INITIAL_X:
  case ROLE_TABLE:
  case ROLE_CENTER:
  case ROLE_MEAN:
  case ROLE_COUNT: break;
  }
  for (int64_t i = 0, n = param_count(param); i < n; i++)
    to[i] = random_float(state, low, high);
}

void model_bind_random(Model *model, uint64_t seed) {
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    ParamShape params[LAYER_MAX_PARAMS];
    int n = layer_params(layer, params);
    if (!n) continue;
    layer->weights = ARENA_NEW(model->arena, LayerWeights);
    uint64_t state = seed;
    for (const char *c = layer->path; c && *c; c++) /* a layer's weights depend on its path alone */
      state = state * 1099511628211u + (unsigned char)*c;
    for (int k = 0; k < n; k++) {
      float *to = ARENA_ARRAY(model->arena, float, param_count(&params[k]));
      fill_random(to, &params[k], layer_opt(layer, OPT_filters) != NULL, &state);
      layer->weights->role[params[k].role] = to;
    }
  }
  bind_precision(model, NULL); /* no value here is too large for 16 bits */
}
