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
  Layer **owner;  /* per tensor of the file: the layer that took it */
  const char **owner_role;
} Bind;

/* Where the layer says which tensors it has: from=, else its name. */
Span binding_span(const Layer *layer);
/* What the convention calls the tensor of a row, with `separator` after the prefix. */
const char *binding_name(const Bind *b, const Layer *layer, const BindRow *row, int dir,
                         char separator);
/* The tensor of a row under any of its names; NULL: the file has none. */
const Tensor *binding_tensor(const Bind *b, const Layer *layer, const BindRow *row, int dir);

/* E601: a kernel for `trained` inputs. dim: the shape that the model needs. */
void binding_report_width(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                          const BindRow *row, int64_t trained, const int64_t *dim, int rank);
/* E603, E602, and W601 for all tensors that no layer took. */
void binding_report_shape(Bind *b, const Layer *layer, const Tensor *t, const ParamShape *p,
                          const BindRow *row, const int64_t *dim, int rank, bool split);
void binding_report_missing(Bind *b, const Layer *layer, const char *name);
void binding_report_unused(Bind *b);

#endif
