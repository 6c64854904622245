/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ranges of an imported model: as it is read, and as the file beside it. */
#ifndef GRUS_DRIVER_IMPORTED_RANGES_H
#define GRUS_DRIVER_IMPORTED_RANGES_H

#include "driver/imported.h"
#include "model/quant/ranges.h"

/* The ranges that the scales of the file give, and those that follow; NULL: it has no scales of
 * values. */
Ranges *imported_ranges(Session *s, const Imported *in);
/* The text of the file of ranges at `path`, and notes in in->foreign on it and on weights that were
 * integers. written: the model as it is read back, whose weights the file names. NULL: there are no
 * ranges. */
const char *imported_ranges_text(Session *s, const Imported *in, const Model *written,
                                 const char *path);

#endif
