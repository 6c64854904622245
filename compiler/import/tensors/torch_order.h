/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The orders in which the modules of a state dict may be called. Widths must fit, and the numbers
 * of a Sequential and those after equal names (gru, gru2) must grow. Keys of the file that are not
 * sorted have the order in which the modules were made, which may decide between two orders; sorted
 * keys tell nothing. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_ORDER_H
#define GRUS_IMPORT_TENSORS_TORCH_ORDER_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct TorchPart {
  const char *name; /* "net.2", "fc1" */
  int64_t in, out;  /* features; in is 0 if any width fits */
  bool only_first;  /* it reads categories */
} TorchPart;

typedef enum TorchOrders { ORDERS_NONE, ORDERS_ONE, ORDERS_MANY } TorchOrders;

/* Looks for orders of all n parts in which each gives the width that the next one reads. order[n]
 * becomes the first that fits, other[n] a second one. ORDERS_MANY also if there are too many to
 * try. */
TorchOrders torch_orders(Arena *arena, const TorchPart *parts, int n, int *order, int *other);

/* Whether the names are sorted, so that their order may come from the file. */
bool torch_sorted(const TorchPart *parts, int n);
/* Whether an order is that of the file. */
bool torch_in_place(const int *order, int n);

/* Whether b comes right after a in one Sequential, so that nothing is between them. */
bool torch_adjacent(const TorchPart *a, const TorchPart *b);

#endif
