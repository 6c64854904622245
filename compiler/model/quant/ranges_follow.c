/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ranges that follow from others. In, a bound model and the ranges of some of its values, as the
 * scales of a quantised file give them; out, more ranges, none of those that were there changed.
 *
 * Forward: the range of the result of a stage follows from those of its inputs. Backward: the range
 * of a value follows from its only reader, which cuts it off or gives the same result beyond the
 * range. So the new ranges change no result more than the ranges do that they follow from. */
#include "model/bind/weights.h"
#include "model/quant/quant_internal.h"

#include <math.h>

/* tanh and sigmoid of integers are those of their argument within 8. */
static const Range bounded_argument = {.low = -8, .high = 8};

/* A bound above this, such as that of `clip(-1e30, 1)` or of a cell that forgets nothing, is of no
 * use: 16 bits would leave too few for the numbers that occur. */
static const double largest_bound = 1024;

typedef struct Following {
  Arena *arena;
  const Model *model;
  Ranges *ranges;
  bool changed;
} Following;

static const Range *range_of(const Following *f, const Value *value) {
  return value->field ? NULL : ranges_find(f->ranges, quant_value_name(value));
}

/* Adds the range of a value, unless it has one or r is no range. */
static void know(Following *f, const Value *value, Range r) {
  bool is_range =
      isfinite(r.low) && isfinite(r.high) && r.low <= r.high && (r.low < 0 || r.high > 0);
  if (value->field || value->type.elem != ELEM_F32 || !is_range || range_of(f, value)) return;
  ranges_add(f->arena, f->ranges, quant_value_name(value), r.low, r.high);
  f->changed = true;
}

/* ---- one stage ---- */

/* The numbers that a `relu` or `clip` leaves unchanged; false for other stages. */
static bool kept_by(const Layer *layer, Range *out) {
  if (layer->kind == LAYER_relu)
    *out = (Range){.low = 0, .high = layer_number(layer, OPT_max, INFINITY)};
  else if (layer->kind == LAYER_clip)
    *out = (Range){.low = layer_number(layer, OPT_low, -INFINITY),
                   .high = layer_number(layer, OPT_high, INFINITY)};
  else
    return false;
  return true;
}

/* Whether a stage is y = scale x + offset: an operator with a constant. */
static bool is_affine(const Layer *layer, double *scale, double *offset) {
  double c = layer_number(layer, OPT_value, 0);
  bool swapped = layer_word_is(layer, OPT_swapped, "true");
  *scale = 1;
  *offset = 0;
  if (layer->n_in != 1) return false;
  if (layer->kind == LAYER_add)
    *offset = c;
  else if (layer->kind == LAYER_sub) {
    *scale = swapped ? -1 : 1;
    *offset = swapped ? c : -c;
  } else if (layer->kind == LAYER_mul)
    *scale = c;
  else if (layer->kind == LAYER_div && !swapped)
    *scale = 1 / c;
  else
    return false;
  return *scale != 0 && isfinite(*scale);
}

static Range affine(const Range *x, double scale, double offset) {
  double a = scale * x->low + offset, b = scale * x->high + offset;
  return (Range){.low = fmin(a, b), .high = fmax(a, b)};
}

static Range of_two(const Layer *layer, const Range *a, const Range *b) {
  if (layer->kind == LAYER_add) return (Range){.low = a->low + b->low, .high = a->high + b->high};
  if (layer->kind == LAYER_sub) return (Range){.low = a->low - b->high, .high = a->high - b->low};
  double p[4] = {a->low * b->low, a->low * b->high, a->high * b->low, a->high * b->high};
  return (Range){.low = fmin(fmin(p[0], p[1]), fmin(p[2], p[3])),
                 .high = fmax(fmax(p[0], p[1]), fmax(p[2], p[3]))};
}

/* Whether each number of the result is a number of the first input, or a zero of a padding. */
static bool moves(const Layer *layer) {
  static const LayerKind kinds[] = {
      LAYER_last,     LAYER_first,     LAYER_reverse, LAYER_slice,        LAYER_repeat,
      LAYER_flatten,  LAYER_reshape,   LAYER_permute, LAYER_expand,       LAYER_frames,
      LAYER_delay,    LAYER_every_nth, LAYER_label,   LAYER_Dropout,      LAYER_upsample,
      LAYER_max_pool, LAYER_max,       LAYER_pad,     LAYER_GaussianNoise};
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (layer->kind == kinds[i]) return true;
  return false;
}

/* The range that contains both. */
static Range joined(const Range *a, const Range *b) {
  return (Range){.low = fmin(a->low, b->low), .high = fmax(a->high, b->high)};
}

/* ---- forward ---- */

static void forward(Following *f, const Layer *layer) {
  static const Range zero = {0}, unit = {.low = -1, .high = 1};
  const Value *y = layer->out[0];
  Range kept;
  double scale, offset;
  if (quant_is_bounded(layer)) {
    know(f, y, unit);
    return;
  }
  bool is_known = layer->n_in > 0;
  for (int i = 0; i < layer->n_in; i++)
    is_known = is_known && range_of(f, layer->in[i]);
  if (!is_known) return;
  const Range *x = range_of(f, layer->in[0]),
              *second = layer->n_in > 1 ? range_of(f, layer->in[1]) : NULL;
  bool operates = layer->kind == LAYER_add || layer->kind == LAYER_sub || layer->kind == LAYER_mul;
  if (kept_by(layer, &kept))
    know(f, y,
         (Range){.low = fmin(fmax(x->low, kept.low), kept.high),
                 .high = fmax(fmin(x->high, kept.high), kept.low)});
  else if (is_affine(layer, &scale, &offset))
    know(f, y, affine(x, scale, offset));
  else if (operates && layer->n_in == 2)
    know(f, y, of_two(layer, x, second));
  else if (layer->kind == LAYER_abs)
    know(f, y, (Range){.low = 0, .high = fmax(-x->low, x->high)});
  else if (layer->kind == LAYER_concat || layer->kind == LAYER_mean ||
           layer->kind == LAYER_mean_pool || moves(layer)) {
    Range all = joined(x, &zero);
    for (int i = 1; i < layer->n_in && layer->kind == LAYER_concat; i++)
      all = joined(&all, range_of(f, layer->in[i]));
    know(f, y, all);
  }
}

/* ---- backward ---- */

static void backward(Following *f, const Layer *layer) {
  if (layer->n_in != 1 || layer->in[0]->n_uses != 1) return;
  const Value *x = layer->in[0];
  const Range *y = range_of(f, layer->out[0]);
  Range kept;
  double scale, offset;
  if (quant_is_bounded(layer))
    know(f, x, bounded_argument);
  else if (kept_by(layer, &kept)) {
    if (y) {
      kept.low = fmax(kept.low, fmin(y->low, kept.high));
      kept.high = fmin(kept.high, fmax(y->high, kept.low));
    }
    if (y || fmax(-kept.low, kept.high) <= largest_bound) know(f, x, kept);
  } else if (y && is_affine(layer, &scale, &offset))
    know(f, x, affine(y, 1 / scale, -offset / scale));
  else if (y && (moves(layer) || layer->kind == LAYER_round))
    know(f, x, *y);
}

/* ---- the c of an LSTM ---- */

/* The largest argument of a gate, for inputs within x and h within 1. */
static double largest_gate(const Layer *layer, const Range *x) {
  int64_t units = layer_units(layer), rows = layer_gates(layer) * units * layer_directions(layer),
          depth = layer->in[0]->type.dim[layer->in[0]->type.rank - 1].n;
  const float *w = layer_role(layer, ROLE_KERNEL), *u = layer_role(layer, ROLE_RECURRENT),
              *b = layer_role(layer, ROLE_BIAS), *rb = layer_role(layer, ROLE_RECURRENT_BIAS);
  double most = fmax(-x->low, x->high), largest = 0;
  for (int64_t r = 0; r < rows && w && u; r++) {
    double sum = (b ? (double)b[r] : 0) + (rb ? (double)rb[r] : 0);
    for (int64_t k = 0; k < depth; k++)
      sum += fabs((double)w[r * depth + k]) * most;
    for (int64_t k = 0; k < units; k++)
      sum += fabs((double)u[r * units + k]);
    largest = fmax(largest, sum);
  }
  return w && u ? largest : INFINITY;
}

/* Bounds |c| in two ways. It begins at 0 and grows by at most 1 in a step; and if the forget gate
 * is at most f = sigmoid(a), it is below 1 + f + f^2 + ..., which is 1 + exp(a). */
static void know_cell(Following *f, const Layer *layer) {
  const OptVal *init = layer_opt(layer, OPT_init);
  const char *name = arena_printf(f->arena, "%s.c", layer->path);
  const Time *time = &layer->in[0]->type.time;
  const Range *x = range_of(f, layer->in[0]);
  Activation gate = layer_activation(layer, OPT_gate);
  double most = layer_number(layer, OPT_cell_clip, INFINITY);
  if (ranges_find(f->ranges, name) || (init && init->given) ||
      !quant_has_bounded(layer_activation(layer, OPT_activation)) ||
      (gate != ACT_SIGMOID && gate != ACT_HARD_SIGMOID))
    return;
  if (time->kind == TIME_FIXED || time->kind == TIME_BOUNDED) most = fmin(most, (double)time->n);
  if (x && gate == ACT_SIGMOID && !layer_role(layer, ROLE_PEEPHOLE))
    most = fmin(most, 1 + exp(largest_gate(layer, x)));
  if (most <= largest_bound) ranges_add(f->arena, f->ranges, name, -most, most);
}

void ranges_follow(Arena *arena, const Model *model, Ranges *ranges) {
  static const Range unit = {.low = -1, .high = 1};
  Following f = {.arena = arena, .model = model, .ranges = ranges, .changed = true};
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (quant_kind(layer) != QUANT_RECURRENT || !quant_is_within_one(layer)) continue;
    bool may_start_beyond = layer->kind == LAYER_GRU &&
                            (layer_init_value(layer, 0) || quant_learned_size(layer, 0) > 1);
    if (!may_start_beyond) know(&f, layer->out[0], unit);
  }
  while (f.changed) {
    f.changed = false;
    for (int i = 0; i < model->n_layers; i++)
      forward(&f, model->layer[i]);
    for (int i = model->n_layers; i-- > 0;)
      backward(&f, model->layer[i]);
  }
  for (int i = 0; i < model->n_layers; i++)
    if (model->layer[i]->kind == LAYER_LSTM) know_cell(&f, model->layer[i]);
}
