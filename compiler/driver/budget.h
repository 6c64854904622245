/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Budgets, and the cost report of a build (backend/report.h has the figures). */
#ifndef GRUS_DRIVER_BUDGET_H
#define GRUS_DRIVER_BUDGET_H

#include "backend/report.h"
#include "driver/build.h"

/* What is too much for the stack of some thread: musl gives it 128 KiB, macOS 512 KiB. */
enum { REPORT_LARGE_STACK = 128 * 1024 };

/* Costs with the estimates of the chosen machine's core: of C, so object_flash, which was measured,
 * comes instead of that of flash. */
Report report_for(const Session *s, const KirModule *m);
/* Puts them into what the C says of itself. */
void report_macros(const Session *s, const KirModule *m, COptions *c);
/* E801, E802, E806 and E807 when --max-ram, --max-flash, --max-stack or --max-cycles is exceeded;
 * false then. makes_c: no object is made, whose flash would be measured. W801 where the code is not
 * a program of ours and its scratch is large. */
bool budgets_check(Session *s, const Model *model, const KirModule *m, bool is_program,
                   bool makes_c);
/* The table of costs on standard output: text, or JSON with --json. object_flash: measured bytes of
 * weights and code of the object; 0: none was made. Nothing with -q or when the
 * output itself went there. */
void costs_print(Session *s, const Model *model, const KirModule *m, const char *out,
                 int64_t object_flash);
/* E802 when an object that was made takes more flash than --max-flash or the chip has. */
bool flash_measured(Session *s, const Model *model, int64_t bytes, int64_t weights);
/* "61.8 KiB", "512 B" */
void text_add_bytes(Text *text, int64_t bytes);
/* "724k", "1.2M" */
void text_add_count(Text *text, int64_t n);

#endif
