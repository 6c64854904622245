/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the faults have in common: finding layers, and changing weights, options and edges of a
 * Model that is typed and bound. */
#ifndef GRUS_TESTS_CONFORMANCE_FAULTS_MODEL_H
#define GRUS_TESTS_CONFORMANCE_FAULTS_MODEL_H

#include "faults.h"

/* The number'th layer of a kind, from 0; NULL if there are not so many. */
Layer *model_find(const Model *model, LayerKind kind, int number);
/* Shape and numbers of a tensor of a layer, to be changed; false if it has none. */
bool layer_tensor(const Layer *layer, Role role, ParamShape *shape, float **data);
bool layer_zero(const Layer *layer, Role role);
/* Exchanges the rows a and b of the tensor, which is [.., rows, ..] with `each` numbers a row and
 * `outer` times as many rows. */
void rows_exchange(float *data, int64_t outer, int64_t rows, int64_t each, int64_t a, int64_t b);
void tensors_exchange(float *a, float *b, int64_t count);
/* A matrix [rows, columns] is read as the transpose of the one it is. */
void matrix_transpose(Arena *arena, float *data, int64_t rows, int64_t columns);
/* Who reads `from` reads `to`; except: a layer that goes on reading `from`. */
void model_reroute(Model *model, const Value *from, Value *to, const Layer *except);
/* A layer of this kind after `value`, which has the same type; who read `value` reads its result.
 */
Layer *model_insert(Model *model, LayerKind kind, Value *value);
/* Layers a and b, where b reads a alone: b comes first. */
bool model_exchange(Model *model, Layer *a, Layer *b);

#endif
