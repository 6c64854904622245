/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The shapes of recurrent steps, and where their states are. */
#ifndef GRUS_LOWER_CELL_SHAPE_H
#define GRUS_LOWER_CELL_SHAPE_H

#include "lower/lower_internal.h"

/* The step of a recurrent layer, decided before anything is emitted. */
struct CellShape {
  int gates, lanes;
  int64_t units, width; /* width: units rounded up to whole vectors */
  int64_t positions;    /* states of one direction: those of the axes mapped over */
  int split;            /* partial sums of every product */
  /* all sums of a step are made before a new state is stored, at its place at once */
  bool in_place;
  bool of_stream; /* its state is that of a stream */
};
/* The shapes of all recurrent layers, once the samples of a batch are known to run side by side or
 * not. */
void cell_shapes(Lower *l);
const CellShape *cell_shape(const Lower *l, const Layer *layer);
/* What it keeps in one direction. */
static inline CellPlace *cell_of(const Lower *l, const Layer *layer, int dir) {
  return &l->cell[layer->id * 2 + dir];
}
/* Lanes of a vector of its units. */
int cell_lanes(const Lower *l, const Layer *layer);
/* GRU with reset=before: its candidate is summed in a part of its own. */
bool cell_resets_before(const Layer *layer);

#endif
