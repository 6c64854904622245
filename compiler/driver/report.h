/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a compiled model costs: flash, RAM, stack, multiply-adds. */
#ifndef GRUS_DRIVER_REPORT_H
#define GRUS_DRIVER_REPORT_H

#include "driver/build.h"

typedef struct Totals {
  int64_t params, macs;   /* macs: of one call */
  int64_t flash;          /* bytes of weights and tables, padding included */
  int64_t state, scratch; /* bytes; scratch is on the stack unless --scratch says otherwise */
} Totals;

Totals report_totals(const KirModule *m);
/* E801, E802 when --max-ram or --max-flash is exceeded; false then. W801. */
bool report_budgets(Session *s, const Model *model, const KirModule *m);
/* The table of costs on standard output: text, or JSON with --json. Nothing with -q or when the
 * output itself went there. */
void report_build(Session *s, const KirModule *m, const char *out);
void report_json(Text *out, const KirModule *m);
/* "61.8 KiB", "512 B" */
void text_add_bytes(Text *text, int64_t bytes);
/* "724k", "1.2M" */
void text_add_count(Text *text, int64_t n);

#endif
