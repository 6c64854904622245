/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What bind.c, bind_find.c and bind_report.c share, private to them. */
#ifndef GRUS_MODEL_BINDING_H
#define GRUS_MODEL_BINDING_H

#include "model/bind/bind.h"

typedef struct Bind {
  Model *model;
  const TensorFile *file;
  Diags *diags;
  Convention convention;
  Arena *weights; /* where the numbers of weights go */
  Layer **owner;  /* of each tensor of the file: the layer that took it; NULL: none yet */
} Bind;

/* Where the source says which tensors a layer has: its `from=`, else its name. */
Span binding_span(const Layer *layer);
/* The name that the convention gives the tensor of a row, with `separator` after the prefix. */
const char *binding_name(const Bind *b, const Layer *layer, const BindRow *row, int dir,
                         char separator);
/* The tensor of a row under any of the names that it may have; NULL if the file has none. */
const Tensor *binding_tensor(const Bind *b, const Layer *layer, const BindRow *row, int dir);

/* Reports E601: the kernel t was trained with `trained` inputs. dim: the shape that the model
 * needs. */
void binding_report_width(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                          const BindRow *row, int64_t trained, const int64_t *dim, int rank);
/* Report E603 (another shape), E602 (no such tensor), and W601 for each tensor that no layer took.
 */
void binding_report_shape(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                          const BindRow *row, const int64_t *dim, int rank, bool split);
void binding_report_missing(Bind *b, const Layer *layer, const char *name);
void binding_report_unused(Bind *b);

#endif
