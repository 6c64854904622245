/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ranges of an imported model: as it is read, and as the file beside it. */
#ifndef GRUS_DRIVER_IMPORTED_RANGES_H
#define GRUS_DRIVER_IMPORTED_RANGES_H

#include "driver/imported.h"
#include "model/quant/ranges.h"

/* The ranges that the scales of the file give, and those that follow; NULL: it has no scales of
 * values. */
Ranges *imported_ranges(Session *s, const Imported *in);
/* The same, with notes in in->foreign on the file of them at `path`, and on weights that were
 * integers. */
Ranges *imported_ranges_noted(Session *s, const Imported *in, const char *path);
/* The text of that file. digest: of the weights as they are read back. */
const char *imported_ranges_text(Session *s, Ranges *ranges, const char *digest);

#endif
