/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Masks over the steps of a sequence in Keras: the table keras_masks.def, and what follows from it.
 *
 * With `--time "n <= N"` a model of ours has the n real steps alone, where Keras computes N of
 * which the rest is masked. Both are the same model as long as nothing sees a masked step without
 * its mask; what would see one is refused. */
#ifndef GRUS_IMPORT_KERAS_MASK_H
#define GRUS_IMPORT_KERAS_MASK_H

#include <stdbool.h>

/* The rows of keras_masks.def. */
typedef enum KerasMaskRow {
#define KERAS_MASK(layer, mask, sees, gives) KERAS_MASK_##layer,
#include "import/keras_masks.def"
#undef KERAS_MASK
  KERAS_MASK_COUNT
} KerasMaskRow;

/* What a layer does to the mask of its input: the second column. */
typedef enum KerasMaskUse {
  MASK_MAKES,
  MASK_PASSES,
  MASK_USES,
  MASK_JOINS,
  MASK_DROPS,
  MASK_MISREADS
} KerasMaskUse;

/* What is known of the masked steps of a value. */
typedef struct KerasMask {
  bool padded;       /* a sequence with steps behind the real ones, which grus does not compute */
  const char *maker; /* the layer that made the mask; NULL: none reaches this value */
  const char *end;   /* the layer that ended it; NULL */
  const char *holds; /* what the masked steps hold, behind "hold"; NULL: what is fed */
} KerasMask;

typedef struct KerasLayer KerasLayer;
typedef struct Keras Keras;

/* Before a layer is imported: whether its real results are made of real steps. False after
 * reporting. */
bool keras_mask_check(const KerasLayer *layer, KerasMaskRow row);
/* After it: the masks of its results. */
void keras_mask_follow(KerasLayer *layer, KerasMaskRow row);
/* For layers that make masks: they become a length, or are refused. False after reporting. */
bool keras_mask_becomes_length(const KerasLayer *layer, const char *what);

#endif
