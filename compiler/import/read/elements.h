/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Element types of a format: its codes, how such elements are stored, and what they are in a graph.
 */
#ifndef GRUS_IMPORT_ELEMENTS_H
#define GRUS_IMPORT_ELEMENTS_H

#include "import/graph/graph.h"
#include "model/bind/weights.h"

typedef struct ElementRow {
  int64_t code; /* in the format */
  TensorElem stored;
  GraphElem elem;
} ElementRow;

typedef struct ElementTable {
  const ElementRow *row;
  int n;
} ElementTable;

/* NULL: the readers support no element type with this code. */
const ElementRow *element_row(ElementTable table, int64_t code);
/* Whether a float holds each number of such elements. */
bool element_is_float(TensorElem stored);
/* "float16" or "bfloat16", for such elements or for the code; NULL for any others. */
const char *element_half(TensorElem stored);
const char *element_half_of(ElementTable table, int64_t code);
/* The type of a graph for such elements. */
GraphElem element_in_graph(TensorElem stored);
/* The type of a graph for the code; false if the readers do not support it. */
bool element_of(ElementTable table, int64_t code, GraphElem *elem);

#endif
