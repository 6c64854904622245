/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Of cmd_import.c: the file of ranges beside an imported model. */
#ifndef GRUS_DRIVER_IMPORTED_RANGES_H
#define GRUS_DRIVER_IMPORTED_RANGES_H

#include "driver/imported.h"

/* The text of the file of ranges at `path`, and a note on it in in->foreign. NULL: the file that
 * was imported has no scales of values. */
const char *imported_ranges(Session *s, const Imported *in, const char *path);

#endif
