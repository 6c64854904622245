/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The times of a bench as a picture. */
#ifndef GRUS_DRIVER_BENCH_SVG_H
#define GRUS_DRIVER_BENCH_SVG_H

#include "base/text.h"
#include "driver/measure.h"

/* How often each time came, with the least, the median and the 99th percentile, and the time that
 * reading the weights takes (reading 0: there are none). title and note are lines above and
 * below. */
void bench_svg(Text *out, const char *title, const char *note, const Spread *ns, double reading);

#endif
