/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of weight conventions. Private to bind*.c. */
#ifndef GRUS_MODEL_BIND_H
#define GRUS_MODEL_BIND_H

#include "model/weights.h"

typedef struct BindRow {
  LayerKind kind;
  Convention convention;
  Role role, second;  /* second: where half 1 of an S axis goes; ROLE_COUNT: no S axis */
  const char *tensor; /* its name behind the prefix */
  const char *axes;   /* see bind_table.c */
} BindRow;

extern const BindRow bind_rows[];
extern const int n_bind_rows;

/* place[g]: where the file has canonical gate g. */
const int *bind_gate_place(LayerKind kind, Convention convention, Role role);

/* W602. */
void bind_lint(const Model *model, Diags *diags);

#endif
