/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How the states of recurrent layers are kept. In: a recurrent layer in integers, and the ranges of
 * its steps and of the values that it starts from. Out: fraction bits with which no state that
 * these ranges allow is cut off, or E703.
 *
 * With a bounded activation, h of an LSTM or RNN is within -1..1 from the first step on, whatever
 * it starts from. h of a GRU is a mean of what it was and of values within -1..1, so an initial
 * state beyond 1 fades, and h needs room for it. */
#include "model/quant/quant_internal.h"

#include <math.h>

enum { STATE_BITS = 15, CELL_BITS = 29 };

static double size_of(const Range *r) {
  return fmax(-r->low, r->high);
}

double quant_learned_size(const Layer *layer, int state) {
  const float *learned = layer_role(layer, state ? ROLE_INITIAL_C : ROLE_INITIAL_H);
  int64_t n = layer_units(layer) * layer_directions(layer);
  double most = 0;
  for (int64_t i = 0; learned && i < n; i++)
    most = fmax(most, fabs((double)learned[i]));
  return most;
}

/* The largest absolute value of an initial state; 0 if it is zero. E704 if that is a value whose
 * range is not known. state: 0 for h, 1 for c. */
static double initial_size(Quantise *q, const Layer *layer, int state) {
  const Value *from = layer_init_value(layer, state);
  const Layer *by = from ? from->layer : NULL;
  if (!from) return quant_learned_size(layer, state);
  if (by && !from->field && quant_is_bounded(by)) return 1;
  if (by && from->field && from->field[0] == 'c')
    return size_of(quant_range(q, arena_printf(q->arena, "%s.c", by->path), layer));
  if (by && from->field && quant_is_within_one(by))
    return by->kind == LAYER_GRU ? fmax(1, initial_size(q, by, 0)) : 1;
  return size_of(quant_range(q, quant_value_name(from), layer));
}

/* The largest absolute value that h has between two steps, or before the first if that lasts. */
static double state_size(Quantise *q, const Layer *layer) {
  bool bounded = quant_is_within_one(layer);
  double most = bounded ? 1 : size_of(quant_range(q, layer->path, layer));
  return layer->kind == LAYER_GRU || !bounded ? fmax(most, initial_size(q, layer, 0)) : most;
}

/* Bits before the point of numbers up to `size`. */
static int whole_bits(double size, int most) {
  int bits = (int)ceil(log2(fmax(size, 1e-9)));
  return bits < 0 ? 0 : bits > most ? most : bits;
}

int quant_state_fraction(Quantise *q, const Layer *layer) {
  return STATE_BITS - whole_bits(state_size(q, layer), STATE_BITS - 1);
}

int quant_cell_fraction(Quantise *q, const Layer *layer) {
  const Range *r = quant_range(q, arena_printf(q->arena, "%s.c", layer->path), layer);
  double size = fmax(size_of(r), initial_size(q, layer, 1)) * 1.0001; /* of rounding */
  return CELL_BITS - whole_bits(size, CELL_BITS - 1);
}

bool quant_state_fits(Quantise *q, const Layer *layer) {
  double most = ldexp(1, STATE_BITS - 1), size = state_size(q, layer);
  const char *what = "its state";
  if (quant_is_within_one(layer) && layer->kind != LAYER_GRU) {
    most = 1;
    size = initial_size(q, layer, 0);
    what = "its initial state";
  }
  if (size <= most) return true;
  quant_refuse(q, layer,
               arena_printf(q->arena, "%s reaches %.4g, and integers hold at most %.5g here", what,
                            size, most),
               "compute this layer in f32: `precision=f32`");
  return false;
}
