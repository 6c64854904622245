/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types of values: element, axes, time. Shapes describe one sample; batch is never an axis.
 *
 *     f32[time 49, mfcc 13]           fixed time
 *     index(8000)[time n <= 120]      bounded time: n is known at run time
 *     f32[time .. / 160 @ 100Hz, 2]   endless time: one value every 160 base steps */
#ifndef GRUS_BASE_SHAPE_H
#define GRUS_BASE_SHAPE_H

#include "base/text.h"

#include <stdint.h>

typedef enum Elem {
  ELEM_F32,
  ELEM_F16,
  ELEM_I8,
  ELEM_I16,
  ELEM_I32,
  ELEM_U8,
  ELEM_U16,
  ELEM_INDEX
} Elem;
/* The words of element types in the order of Elem; ELEM_INDEX is written `index(n)`. */
#define ELEMENTS "f32 f16 i8 i16 i32 u8 u16"

enum { TYPE_MAX_AXES = 8 };

/* A bounded length. lengths[0] is unused. Derived lengths follow the rule of frames:
 * n' = n < size ? 0 : (n - size) / hop + 1, with n the length `from`. */
typedef struct Length {
  const char *name; /* "n"; NULL when the source gave none */
  int64_t bound;    /* the largest n, at least 1 */
  int from;         /* 0: an input's own length; else the length this one derives from */
  int64_t size, hop;
} Length;

typedef enum TimeKind { TIME_NONE, TIME_FIXED, TIME_BOUNDED, TIME_STREAM } TimeKind;

typedef struct Time {
  TimeKind kind;
  int64_t n;       /* fixed: steps; bounded: the bound; stream: 0 */
  int length;      /* bounded: index into the model's lengths */
  const char *len; /* bounded: its name for messages; may be NULL */
  int64_t period;  /* stream: base steps from one value to the next, at least 1 */
  int64_t lag;     /* stream: values (of this period) missing before the first one; see below */
  int64_t rate_num, rate_den; /* steps a second of this axis, num/den; num 0: unknown */
} Time;
/* Lag. A stream of period p is computed once in p base steps; slot m is the m-th time. A stage that
 * needs history before its first value (a kernel without padding, a frame) leaves its first `lag`
 * slots empty, and slot m holds value m - lag, which is the value m - lag of the same model run on
 * a whole sequence. Streams that meet must have equal period and lag (E409, E412). */

typedef struct Dim {
  int64_t n;
  const char *label; /* NULL: none */
} Dim;

typedef struct Type {
  Elem elem;
  int64_t categories; /* ELEM_INDEX: index(categories) */
  Time time;
  int time_pos; /* storage position of the time axis among all axes; 0 for streams */
  int rank;     /* feature axes */
  Dim dim[TYPE_MAX_AXES];
} Type;

static inline bool type_is_sequence(const Type *t) {
  return t->time.kind != TIME_NONE;
}
static inline bool type_is_stream(const Type *t) {
  return t->time.kind == TIME_STREAM;
}
/* Elements of one step (of the whole value without time): the product of the feature axes. */
int64_t type_step_size(const Type *t);
/* The size of the last feature axis; 1 if there is none. */
int64_t type_last_dim(const Type *t);
/* Elements of the whole value: steps (the bound; 1 for a stream) times step size; -1 on
 * overflow. */
int64_t type_size(const Type *t);

/* "f32", "index(3)". */
void text_add_elem(Text *text, const Type *t);
/* "[time 49, mfcc 13]", "[]" for a scalar; rate left out. */
void text_add_shape(Text *text, const Type *t);
/* "f32[time 49, mfcc 13]", as it is written in source; with_rate adds "@ 100Hz" when known. */
void text_add_type(Text *text, const Type *t, bool with_rate);
/* "time 49", "time n <= 120", "time .. / 160". */
void text_add_time(Text *text, const Time *t);
/* "16kHz", "100Hz", "0.5Hz". */
void text_add_rate(Text *text, int64_t num, int64_t den);
const char *shape_str(Arena *arena, const Type *t);
const char *type_str(Arena *arena, const Type *t);

/* Equality of times as language.md "Equality" has it: fixed by n, bounded by length, stream by
 * period. Rates and lags are compared separately. */
bool time_equal(const Time *a, const Time *b);
/* Whether two rates are one, or one of them is not known. */
bool time_rates_agree(const Time *a, const Time *b);
/* Same number of feature axes with the same sizes; labels are compared separately. */
bool dims_equal(const Type *a, const Type *b);
/* Index of the first feature axis where both have labels and they differ; -1 if none. */
int dims_label_clash(const Type *a, const Type *b);

/* "[6, 200]"; "[]" without axes. */
void text_add_dims(Text *text, int rank, const int64_t *dim);
const char *dims_str(Arena *arena, int rank, const int64_t *dim);
/* The elements of a shape, whose sizes are known to be small enough. */
int64_t dims_product(int rank, const int64_t *dim);
/* The shape alone of a sequence or vector of f32, the whole type of anything else. */
const char *type_short_str(Arena *arena, const Type *t);
/* The shape; the type of a value that has neither axes nor steps. */
const char *shape_or_type_str(Arena *arena, const Type *t);

/* The greatest common divisor; 1 of two zeros. */
int64_t size_gcd(int64_t a, int64_t b);
/* n rounded up to a multiple of unit; both are small enough to add. */
static inline int64_t size_whole(int64_t n, int64_t unit) {
  return (n + unit - 1) / unit * unit;
}
/* Arithmetic of sizes: false on overflow, *out untouched. */
bool size_mul(int64_t a, int64_t b, int64_t *out);
bool size_add(int64_t a, int64_t b, int64_t *out);

#endif
