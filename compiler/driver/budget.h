/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Budgets, and the cost report of a build (backend/report.h has the figures). */
#ifndef GRUS_DRIVER_BUDGET_H
#define GRUS_DRIVER_BUDGET_H

#include "backend/report.h"
#include "driver/build.h"

/* Above this, the stack of a thread may be too small: musl gives a thread 128 KiB, macOS 512 KiB.
 */
enum { REPORT_LARGE_STACK = 128 * 1024 };

/* What was measured of an object. */
typedef struct ObjectCosts {
  int64_t flash; /* bytes of weights and code; 0: no object was made */
  StackUses stack;
} ObjectCosts;

/* Costs with the estimates of the chosen machine's core: of C, so those of an object, which were
 * measured, come instead. */
Report report_for(const Session *s, const KirModule *m);
/* Puts the estimates into the macros of the C. */
void report_macros(const Session *s, const KirModule *m, COptions *c);
/* E801, E802, E806 and E807 when --max-ram, --max-flash, --max-stack or --max-cycles is exceeded;
 * false then. makes_c: no object is made, whose flash would be measured; makes_object: its
 * stack will be. W801 where the code is not
 * a program of ours and its scratch is large. */
bool budgets_check(Session *s, const Model *model, const KirModule *m, bool is_program,
                   bool makes_c, bool makes_object);
/* The table of costs on standard output: text, or JSON with --json. Nothing with -q or when
 * the output itself went there. */
void costs_print(Session *s, const Model *model, const KirModule *m, const char *out,
                 const ObjectCosts *object);
/* Puts the measured figures into the macros of the header. */
void object_macros(const ObjectCosts *object, COptions *c);
/* E802 when an object takes more flash than --max-flash or the chip has, E806 when it needs more
 * stack than --max-stack. */
bool object_fits(Session *s, const Model *model, const ObjectCosts *object, int64_t weights);
/* "61.8 KiB", "512 B" */
void text_add_bytes(Text *text, int64_t bytes);
/* "724k", "1.2M" */
void text_add_count(Text *text, int64_t n);

#endif
