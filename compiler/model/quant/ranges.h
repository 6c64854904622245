/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A file of ranges: the least and the greatest value that calibration saw, by name.
 *
 *     grus-ranges 1
 *     weights sha256 3f9c..              # of the weights it was made with
 *     data    calib.npy                  # remarks of calibrate, ignored
 *     rounded "kws.q.safetensors" sha256 9f86d0...
 *     range   mfcc   -4.81  5.02
 *     snr     y.gru  i16  78.5           # of the layer alone in this precision, in dB
 *     total   69.7                       # of all together; both for reports, ignored by the build
 *
 * Plain text, edited by hand as well as written by calibrate; # begins a comment. */
#ifndef GRUS_MODEL_RANGES_H
#define GRUS_MODEL_RANGES_H

#include "base/diag.h"
#include "base/map.h"
#include "base/text.h"
#include "model/graph/model.h"

typedef struct Range {
  const char *name;
  double low, high;
  Span span; /* of the line, none where it was computed */
} Range;

/* What calibration measured of a layer, for reports. */
typedef struct RangesRatio {
  const char *layer, *precision;
  double snr;
} RangesRatio;

typedef struct Ranges {
  const char *path;    /* NULL: computed, not read */
  const char *weights; /* sha256, 64 digits; NULL: not said */
  Span weights_span;
  const char *data;           /* a remark on where they are from, to be printed; NULL */
  const char *rounded;        /* file of rounded weights, beside it; NULL: none */
  const char *rounded_digest; /* SHA-256 of that file; NULL: not said */
  Span rounded_span;
  Range **range; /* in the order of the file, */
  Map by_name;   /* and found by their names */
  int n;
  size_t cap;
  RangesRatio *ratio;
  int n_ratios;
  size_t cap_ratios;
  double total; /* SNR of the model; 0: not said */
} Ranges;

/* E706 for what is no range. NULL after reporting. */
Ranges *ranges_parse(Arena *arena, const Source *source, Diags *diags);
const Range *ranges_find(const Ranges *ranges, const char *name); /* NULL if absent */
/* SNR of a layer in this precision; 0: not known. */
double ranges_ratio(const Ranges *ranges, const char *layer, const char *precision);
void ranges_add(Arena *arena, Ranges *ranges, const char *name, double low, double high);
/* Widens the range of this name, or begins one. */
void ranges_widen(Arena *arena, Ranges *ranges, const char *name, double low, double high);

/* The text of a file of ranges. */
void ranges_print(const Ranges *ranges, Text *out);

/* Adds the ranges that follow from those that are known: what a stage makes of numbers within its
 * range, what its only reader cuts off or does not tell apart, and the c of an LSTM that cannot
 * grow further. */
void ranges_follow(Arena *arena, const Model *model, Ranges *ranges);

#endif
