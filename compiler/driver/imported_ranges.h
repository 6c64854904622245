/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Of cmd_import.c: the file of ranges beside an imported model. */
#ifndef GRUS_DRIVER_IMPORTED_RANGES_H
#define GRUS_DRIVER_IMPORTED_RANGES_H

#include "driver/imported.h"

/* The text of the file of ranges at `path`, and notes in in->foreign on it and on weights that were
 * integers. written: the model as it is read back, whose weights the file names. NULL: the file
 * that was imported has no scales of values. */
const char *imported_ranges(Session *s, const Imported *in, const Model *written, const char *path);

#endif
