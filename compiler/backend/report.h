/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Static costs of a module, known before anything is compiled: what `build` prints, `inspect` shows
 * and --max-ram and --max-flash are checked against. Weights are exact; code, stack and cycles are
 * estimates, which the driver puts in where it knows the core. */
#ifndef GRUS_BACKEND_REPORT_H
#define GRUS_BACKEND_REPORT_H

#include "backend/stack_use.h"
#include "kir/kir.h"

typedef struct ReportRow {
  const char *layer; /* path */
  const char *text;  /* "GRU(64)" */
  Span span;
  int64_t params, macs;
  int64_t flash;          /* bytes of weights as stored */
  int64_t state, scratch; /* bytes; scratch before places are shared */
  const char *precision;  /* of a layer in integers; NULL: f32 */
  double snr;             /* dB, of the layer alone, as calibration measured it; 0: not known */
} ReportRow;

typedef struct Report {
  ReportRow *row; /* layers in order; those that cost nothing are left out */
  int n;
  int64_t params, macs;
  int64_t flash;   /* all weights; 0 when they are extern */
  int64_t state;   /* the state or window struct */
  int64_t scratch; /* one area, places shared */
  int64_t queue;   /* of --queue, the inputs that wait; 0: none */
  int64_t ram;     /* state + scratch + queue */
  int64_t code;    /* estimated bytes of code, see lower/figures.h; core NULL: none */
  int64_t stack;   /* bound of a call */
  int64_t cycles[2];
  const char *core;
  double snr;     /* of the model, as calibration measured it; 0: not known */
  int64_t object; /* bytes of flash of an object that was made, code included; 0: none was */
  StackUses object_stack;
} Report;

Report report_new(const KirModule *m, Arena *arena);
/* A table for people. */
void report_text(const Report *report, Text *text);
/* {"params":..,"layers":[{"layer":..}]} on one line. */
void report_json(const Report *report, Text *text);
/* Indices into row of the largest users, greatest first: of flash, or of state and scratch. At most
 * max; returns how many. */
int report_largest(const Report *report, bool of_flash, int max, int *out);

#endif
