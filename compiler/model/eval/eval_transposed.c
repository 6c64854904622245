/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Transposed convolutions in double, by their definition: each position of the input adds its
 * products to several positions of the result. */
#include "model/eval/eval_layer.h"

/* How many positions are cut off the front of the result along an axis. */
static int64_t crop_of(const LayerAxis *a) {
  int64_t span = (a->size - 1) * a->dilation + 1;
  if (a->padding.kind == PAD_ZEROS) return a->padding.before;
  return a->padding.kind == PAD_SAME && span > a->stride ? (span - a->stride) / 2 : 0;
}

/* How many positions the result has along an axis of n positions. */
static int64_t left_of(const LayerAxis *a, int64_t n) {
  int64_t whole = (n - 1) * a->stride + (a->size - 1) * a->dilation + 1;
  if (a->padding.kind == PAD_VALID) return whole;
  return a->padding.kind == PAD_ZEROS ? whole - a->padding.before - a->padding.after
                                      : n * a->stride;
}

/* The coordinates in the result to which a tap of the input at `from` adds; false if they are cut
 * off. */
static bool arrives(const Layer *layer, const Type *out, int64_t steps, const int64_t *from,
                    int64_t tap, int64_t *to) {
  for (int k = layer->n_along - 1; k >= 0; k--) {
    const LayerAxis *a = &layer->along[k];
    int64_t n = a->axis == AXIS_TIME ? steps : out->dim[a->axis].n;
    int64_t at = from[a->axis + 1] * a->stride + tap % a->size * a->dilation - crop_of(a);
    if (at < 0 || at >= n) return false;
    to[a->axis + 1] = at;
    tap /= a->size;
  }
  return true;
}

EvalStatus eval_transposed(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  const float *w = layer->weights->role[ROLE_KERNEL], *b = layer->weights->role[ROLE_BIAS];
  int64_t filters = layer_size(layer, OPT_filters, 0), groups = layer_size(layer, OPT_groups, 1);
  int64_t d = in->dim[in->rank - 1].n, dg = d / groups, fg = filters / groups, taps = 1,
          steps = x->steps;
  for (int k = 0; k < layer->n_along; k++) {
    taps *= layer->along[k].size;
    if (layer->along[k].axis != AXIS_TIME) continue;
    /* Each step of a stream gives `stride` steps, and there is no end after which more would come.
     */
    steps = type_is_stream(in) ? x->steps * layer->along[k].stride
                               : left_of(&layer->along[k], x->steps);
  }
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0, n = steps * type_step_size(out); i < n; i++)
    y->data[i] = b ? (double)b[i % filters] : 0;
  for (int64_t i = 0, n = x->steps * type_step_size(in); i < n; i++)
    for (int64_t tap = 0; tap < taps; tap++) {
      int64_t from[EVAL_MAX_AXES], to[EVAL_MAX_AXES], k = i % d, group = k / dg;
      eval_split(in, i, from);
      eval_split(in, i, to);
      if (!arrives(layer, out, steps, from, tap, to)) continue;
      to[out->rank] = 0;
      int64_t at = eval_join(out, to);
      for (int64_t f = group * fg; f < (group + 1) * fg; f++)
        y->data[at + f] += (double)w[(f * taps + tap) * dg + k % dg] * x->data[i];
    }
  return EVAL_OK;
}
