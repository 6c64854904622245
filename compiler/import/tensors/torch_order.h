/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* In which order the modules of a state dict may stand: by widths, the numbers of a Sequential, and
 * the numbers after equal names (gru, gru2). The order of a file's keys says nothing where they
 * may be sorted; otherwise it is the one in which the modules were made, which may decide between
 * two that fit. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_ORDER_H
#define GRUS_IMPORT_TENSORS_TORCH_ORDER_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct TorchPart {
  const char *name; /* "net.2", "fc1" */
  int64_t in, out;  /* features; in is 0 where any width fits */
  bool only_first;  /* it reads categories */
} TorchPart;

typedef enum TorchOrders { ORDERS_NONE, ORDERS_ONE, ORDERS_MANY } TorchOrders;

/* The chains of all parts, each as wide as what follows it reads. order, n of them: the first that
 * fits; other: a second one. ORDERS_MANY also when there are too many to try. */
TorchOrders torch_orders(Arena *arena, const TorchPart *parts, int n, int *order, int *other);

/* The names stand in the order of their letters, as those of a sorted file do. */
bool torch_sorted(const TorchPart *parts, int n);
/* Every part stands where it is in the file. */
bool torch_in_place(const int *order, int n);

/* The parts are neighbours in one Sequential, b right after a: nothing is between them. */
bool torch_adjacent(const TorchPart *a, const TorchPart *b);

#endif
