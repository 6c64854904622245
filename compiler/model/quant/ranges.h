/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A ranges file: the least and the greatest number of each value in the data of calibration, by
 * name.
 *
 *     grus-ranges 1
 *     weights sha256 3f9c..              # of the weights that it was measured with
 *     data    calib.npy                  # a remark of calibrate, ignored
 *     rounded "kws.q.safetensors" sha256 9f86d0...
 *     range   mfcc   -4.81  5.02
 *     snr     y.gru  i16  78.5           # in dB, of the layer alone in this precision
 *     total   69.7                       # of all layers together; builds ignore both, reports show
 * them
 *
 * It is plain text, which people may edit; # begins a comment. */
#ifndef GRUS_MODEL_RANGES_H
#define GRUS_MODEL_RANGES_H

#include "base/diag.h"
#include "base/map.h"
#include "base/text.h"
#include "model/graph/model.h"

typedef struct Range {
  const char *name;
  double low, high;
  Span span; /* of its name in the file; none if it was computed */
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
  const char *data;           /* a remark on the data, which is printed; NULL: none */
  const char *rounded;        /* the file of rounded weights in the same folder; NULL: none */
  const char *rounded_digest; /* SHA-256 of that file; NULL: not said */
  Span rounded_span;
  Range **range; /* in the order of the file, */
  Map by_name;   /* and found by their names */
  int n;
  size_t cap;
  RangesRatio *ratio;
  int n_ratios;
  size_t cap_ratios;
  double total; /* the SNR of the whole model in dB; 0: not said */
} Ranges;

/* Reads a ranges file. NULL after reporting E706. */
Ranges *ranges_parse(Arena *arena, const Source *source, Diags *diags);
const Range *ranges_find(const Ranges *ranges, const char *name); /* NULL if absent */
/* The SNR in dB of a layer in this precision; 0 if the file does not have it. */
double ranges_ratio(const Ranges *ranges, const char *layer, const char *precision);
void ranges_add(Arena *arena, Ranges *ranges, const char *name, double low, double high);
/* Widens the range of this name, or begins one. */
void ranges_widen(Arena *arena, Ranges *ranges, const char *name, double low, double high);

/* Prints the text of a ranges file. */
void ranges_print(const Ranges *ranges, Text *out);

/* Adds the ranges that follow from the known ones: the results of a stage for inputs within their
 * ranges; the inputs of a stage, if it is their only reader and other inputs give the same results;
 * and a bound of the c of an LSTM. */
void ranges_follow(Arena *arena, const Model *model, Ranges *ranges);

#endif
