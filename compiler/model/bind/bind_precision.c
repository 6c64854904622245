/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kernels of layers in f16 and bf16 as the code will store them. In: a bound model. Out: each
 * element of a kernel or recurrent kernel of such a layer is rounded to the nearest number of 16
 * bits, ties to even, so that the reference evaluator computes with the numbers of the code.
 * Biases, tables and the tensors of norms stay f32, because they are small or nothing is summed
 * with them. E608 if a number is too large. */
#include "model/bind/bind.h"

#include <math.h>
#include <string.h>

uint16_t half_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x7f800000)
    return (uint16_t)(sign | 0x7c00 | (magnitude > 0x7f800000 ? 0x200 : 0));
  if (magnitude >= 0x477ff000)
    return (uint16_t)(sign | 0x7c00); /* 65,520 and more round to infinity */
  if (magnitude < 0x38800000) {       /* below 2^-14: units of 2^-24 */
    float units = fabsf(x) * 0x1p24f;
    return (uint16_t)(sign | (uint32_t)nearbyintf(units));
  }
  uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return (uint16_t)(sign | ((rounded >> 13) - (112 << 10)));
}

uint16_t bfloat_of(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (x != x) return 0x7fc0;
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* x rounded to a number of this precision, as an f32. */
static float value_of(Precision precision, float x) {
  uint16_t bits = precision == PRECISION_F16 ? half_of(x) : bfloat_of(x);
  Tensor t = {.elem = precision == PRECISION_F16 ? TENSOR_F16 : TENSOR_BF16,
              .count = 1,
              .big_endian = false};
  uint8_t bytes[2] = {(uint8_t)bits, (uint8_t)(bits >> 8)};
  t.data = bytes;
  return (float)tensor_get(&t, 0);
}

static bool round_role(const Model *model, Layer *layer, const ParamShape *p, Precision precision,
                       Diags *diags) {
  const float *from = layer->weights->role[p->role];
  int64_t n = param_count(p);
  if (!from) return true;
  float *to = ARENA_ARRAY(model->arena, float, n);
  for (int64_t i = 0; i < n; i++) {
    to[i] = value_of(precision, from[i]);
    if (isfinite(to[i])) continue;
    bool given = layer_has(layer, OPT_precision) && layer_opt(layer, OPT_precision)->given;
    Diag *d = diag_new(diags, E608, given ? layer_opt(layer, OPT_precision)->span : layer->span,
                       "the %s of `%s` does not fit %s: it has a value of %g", role_name[p->role],
                       layer_info(layer->kind)->name, precision_name[precision], (double)from[i]);
    diag_primary(d, "stored as %s", precision_name[precision]);
    diag_note(d, "the largest %s is %s", precision_name[precision],
              precision == PRECISION_F16 ? "65504" : "3.39e38");
    diag_fix(d, FIX_MAYBE, "keep this layer's weights in f32: `precision=f32`");
    return false;
  }
  layer->weights->role[p->role] = to;
  return true;
}

bool bind_precision(Model *model, Diags *diags) {
  bool ok = true;
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    Precision precision = layer_precision(model, layer);
    ParamShape params[LAYER_MAX_PARAMS];
    if (!layer->weights || !precision_is_narrow(precision)) continue;
    int n = layer_params(layer, params);
    for (int k = 0; k < n; k++)
      if (params[k].role == ROLE_KERNEL || params[k].role == ROLE_RECURRENT)
        ok &= round_role(model, layer, &params[k], precision, diags);
  }
  return ok;
}
