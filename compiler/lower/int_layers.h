/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the rest of lower/ asks of layers that compute in integers (int_*.c). */
#ifndef GRUS_LOWER_INT_LAYERS_H
#define GRUS_LOWER_INT_LAYERS_H

#include "lower/lower_internal.h"

/* The parts of a layer that have a form in integers of their own. */
typedef enum IntPhase { INT_STEP, INT_BEFORE, INT_AFTER } IntPhase;
/* Emits this part of a layer, if it has such a form; else false. */
bool int_emit(Emit *e, const Layer *layer, IntPhase phase, Step t);
/* Whether a layer computes in integers, or is done on the sums of one that does. */
bool int_computes(const Lower *l, const Layer *layer);
/* The element of the memory of a value: that of its type, or the integers that hold it. */
KirElem int_value_elem(const Lower *l, const Value *v);
/* Whether a layer is a `normalize` of a port whose integers are themselves the operand. */
bool int_is_view(const Lower *l, const Layer *layer);
/* Whether two values have one format, so that one can be computed in the place of the other. */
bool int_formats_agree(const Lower *l, const Value *a, const Value *b);
/* Copies a row of an input into memory that holds integers. */
void int_stage_row(Emit *e, const Value *v, const View *to, const View *from, Step t);
/* The places, the first values, the step and the fields of a recurrent layer in integers. */
void int_cell_place(Emit *e, const Layer *layer);
void int_cell_start(Emit *e, const Layer *layer, int dir);
void int_cell_step(Emit *e, const Layer *layer, int dir, Step t);
void int_cell_fields(Emit *e, const Layer *layer);
/* Whether a layer in integers multiplies bytes of all samples of a batch at once. */
bool int_takes_samples(const Lower *l, const Layer *layer);
/* Whether a layer is one of w8, of which only the weights are integers. */
bool int_is_w8(const Lower *l, const Layer *layer);

#endif
