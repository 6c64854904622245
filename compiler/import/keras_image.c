/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Conv2D of Keras on every step of a sequence of small images, [t, h, w, c]: a linear map of one
 * step, so a Dense of its matrix, between two changes of shape,
 *
 *     [t, h, w, c] -> [t, h w c] -> Dense(h' w' f) -> [t, h', w', f]
 *
 * Its matrix has a row for each output and zeros where the kernel does not reach: for feature maps
 * of some hundred elements before a recurrent layer, not for photographs. */
#include "import/keras.h"

#include <string.h>

enum { MATRIX_MAX = 1 << 20 };

/* One direction of the image. */
typedef struct Axis {
  int64_t in, out, kernel, stride, dilation, before; /* before: zeros in front */
} Axis;

/* Number i of a pair, or the one number there is for both; -1 after reporting. */
static int64_t pair_at(const KerasLayer *layer, const char *name, int i, int64_t if_absent) {
  json_t *pair = keras_option(layer, name);
  json_int_t n = json_is_array(pair) ? json_integer_value(json_array_get(pair, (size_t)i))
                 : pair              ? json_integer_value(pair)
                                     : if_absent;
  if (n >= 1 && n <= MATRIX_MAX) return n;
  keras_refuse(layer, E901, "has a `%s` that is not two positive numbers", name);
  return -1;
}

static bool axis_read(const KerasLayer *layer, int i, int64_t length, bool same, Axis *out) {
  *out = (Axis){.in = length, .kernel = pair_at(layer, "kernel_size", i, 0)};
  if (out->kernel < 0) return false;
  out->stride = pair_at(layer, "strides", i, 1);
  out->dilation = out->stride < 0 ? -1 : pair_at(layer, "dilation_rate", i, 1);
  if (out->dilation < 0) return false;
  int64_t reach = (out->kernel - 1) * out->dilation + 1;
  out->out = same ? (length + out->stride - 1) / out->stride : (length - reach) / out->stride + 1;
  if (length < reach && !same) out->out = 0;
  int64_t zeros = (out->out - 1) * out->stride + reach - length;
  out->before = same && zeros > 0 ? zeros / 2 : 0;
  if (out->out > 0) return true;
  keras_refuse(layer, E903, "has a kernel of %lld on an axis of %lld", (long long)reach,
               (long long)length);
  return false;
}

/* matrix[y, x, f][iy, ix, c] = kernel[ky, kx, c, f] */
static void spread(const float *kernel, const Axis *v, const Axis *h, int64_t c, int64_t f,
                   float *to) {
  int64_t row = v->in * h->in * c;
  for (int64_t y = 0; y < v->out; y++)
    for (int64_t x = 0; x < h->out; x++)
      for (int64_t ky = 0; ky < v->kernel; ky++)
        for (int64_t kx = 0; kx < h->kernel; kx++) {
          int64_t iy = y * v->stride + ky * v->dilation - v->before,
                  ix = x * h->stride + kx * h->dilation - h->before;
          if (iy < 0 || iy >= v->in || ix < 0 || ix >= h->in) continue;
          for (int64_t i = 0; i < c; i++)
            for (int64_t o = 0; o < f; o++)
              to[((y * h->out + x) * f + o) * row + (iy * h->in + ix) * c + i] =
                  kernel[((ky * h->kernel + kx) * c + i) * f + o];
        }
}

static void shaped(KerasLayer *layer, KerasValue *value, int rank, const int64_t *dim) {
  value->rank = rank;
  memcpy(value->dim, dim, sizeof *dim * (size_t)rank);
  Type type = foreign_type((Time){.kind = TIME_FIXED, .n = dim[0]}, rank - 1, value->dim + 1);
  layer_set_shape(layer->keras->arena, keras_pipe(layer, LAYER_reshape, value), type);
}

/* The Dense of the matrix; false after reporting. */
static bool give_matrix(KerasLayer *layer, KerasValue *value, const Axis *v, const Axis *h,
                        int64_t c, int64_t f) {
  Foreign *foreign = layer->keras->foreign;
  int64_t units = v->out * h->out * f, inputs = v->in * h->in * c,
          dim[] = {v->kernel, h->kernel, c, f};
  bool has_bias = keras_flag(layer, "use_bias", true);
  Hdf5Tensor kernel, bias;
  Layer *stage = keras_pipe(layer, LAYER_Dense, value);
  layer_set_size(stage, OPT_units, units);
  if (!has_bias) layer_set_word(stage, OPT_bias, "false");
  if (!keras_tensor(layer, "", "kernel", 0, &kernel) ||
      !keras_shape_is(layer, &kernel, "kernel", 4, dim))
    return false;
  float *to = foreign_tensor(foreign, stage, ROLE_KERNEL, 2, (int64_t[]){units, inputs}, "kernel");
  if (to) spread(kernel.data, v, h, c, f, to);
  if (to && has_bias) {
    if (!keras_tensor(layer, "", "bias", 1, &bias) || !keras_shape_is(layer, &bias, "bias", 1, &f))
      return false;
    float *b = foreign_tensor(foreign, stage, ROLE_BIAS, 1, &units, "bias");
    for (int64_t i = 0; b && i < units; i++)
      b[i] = bias.data[i % f];
  }
  foreign_note(
      foreign,
      "`%s` (Conv2D) became a Dense of its matrix: %lld weights for the %lld of its kernel",
      layer->name, (long long)(units * inputs), (long long)kernel.count);
  return to != NULL;
}

bool keras_image_conv(KerasLayer *layer) {
  KerasValue value = layer->in[0];
  const char *padding = keras_word(layer, "padding", "valid");
  int64_t f = keras_size(layer, "filters", -1), c = value.rank == 4 ? value.dim[3] : 0;
  bool same = strcmp(padding, "same") == 0;
  Axis v, h;
  if (!keras_check_options(layer,
                           "filters kernel_size strides padding data_format=\"channels_last\" "
                           "dilation_rate groups=1 activation use_bias rank") ||
      f < 0)
    return false;
  if (value.rank != 4 || value.dim[0] < 1 || value.dim[1] < 1 || value.dim[2] < 1 || c < 1 ||
      (!same && strcmp(padding, "valid") != 0)) {
    keras_refuse(layer, E903,
                 "needs a sequence of images of known sizes, [time, height, width, channels], and "
                 "padding valid or same");
    return false;
  }
  if (!axis_read(layer, 0, value.dim[1], same, &v) || !axis_read(layer, 1, value.dim[2], same, &h))
    return false;
  int64_t t = value.dim[0], inputs, units, all;
  bool fits = size_mul(v.in * h.in, c, &inputs) && size_mul(v.out * h.out, f, &units) &&
              size_mul(inputs, units, &all);
  if (!fits || all > MATRIX_MAX) {
    Diag *d = keras_refuse(layer, E903, "is a Conv2D on images too large to be written as a Dense");
    diag_note(d,
              "its matrix may have %d elements: grus is for recurrent networks, and has no "
              "convolution over two axes",
              MATRIX_MAX);
    return false;
  }
  shaped(layer, &value, 2, (int64_t[]){t, inputs});
  if (!give_matrix(layer, &value, &v, &h, c, f)) return false;
  value.dim[1] = units;
  shaped(layer, &value, 4, (int64_t[]){t, v.out, h.out, f});
  if (!keras_activate(layer, &value, keras_activation_name(layer, "activation", "linear")))
    return false;
  keras_result(layer, value);
  return true;
}
