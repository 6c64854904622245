/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Rows of weights as integers. In: a kernel in double, how its operand is kept, and what a
 * preactivation counts. Out: integer weights, biases and multipliers of which no sum can leave 32
 * bits, whatever the operand is.
 *
 * The multiplier is exact: m of a row is chosen first, rounded up to a whole number, and the row's
 * weights are then rounded to the scale that this m stands for. A row whose sums could leave 32
 * bits gets a larger scale, so that its weights become smaller numbers.
 *
 * If the weights of a row are integer multiples of one number, as in a model that was imported from
 * a quantised file, the row keeps these integers: that number is its scale, and m is the nearest
 * integer. */
#include "model/quant/quant_internal.h"

#include <limits.h>
#include <math.h>

static double largest_weight(int bits) {
  return bits == 8 ? 127 : 32767;
}

double quant_largest(const QuantFormat *x) {
  return x->bits == 16 ? 32768 : x->is_unsigned ? 255 : 128;
}

/* `most`, or the largest |w| if that is larger. */
static double larger(double most, const double *w, int64_t n) {
  for (int64_t k = 0; k < n; k++)
    most = fabs(w[k]) > most ? fabs(w[k]) : most;
  return most;
}

/* The size of a row: its largest |weight|, and a bound of its sum in units of the operand. */
typedef struct RowSize {
  double most, sum;
} RowSize;

static RowSize row_size(const PartSpec *spec, int64_t row) {
  const double *w = spec->w + row * spec->depth;
  double all = 0;
  RowSize size = {.most = 1e-9};
  for (int64_t k = 0; k < spec->depth; k++)
    all += fabs(w[k]);
  size.most = larger(size.most, w, spec->depth);
  double b = spec->b ? fabs(spec->b[row]) : 0;
  size.sum = all * (quant_largest(&spec->x) + fabs(spec->x.zero)) + b / spec->x.scale;
  return size;
}

/* The largest |bias| + sum of |w q| that fits after rounding, which adds at most half a step a
 * weight. */
static double most_sum(const PartSpec *spec) {
  double step = quant_largest(&spec->x) + fabs(spec->x.zero);
  return ldexp(1, 31) - step * ((double)spec->depth / 2 + 2);
}

/* The nearest integer, as nearbyint gives it; |x| < 2^51. */
static double nearest(double x) {
  static const double top = 6755399441055744; /* 1.5 * 2^52: doubles have no fraction there */
  return x + top - top;
}

/* Whether all n are integer multiples of step, apart from their rounding to f32. */
static bool are_multiples(const double *w, int64_t n, double step) {
  static const double rounding = 1e-4; /* of a step */
  int64_t k = 0;
  while (k < n && fabs(w[k] / step - nearest(w[k] / step)) < rounding)
    k++;
  return k == n;
}

/* Numbers in double, or in f32. */
typedef struct Numbers {
  const double *wide;
  const float *narrow; /* where wide is NULL */
  int64_t n;
} Numbers;

enum { PIECE = 256 };

static int64_t piece_size(const Numbers *of, int64_t at) {
  return of->n - at < PIECE ? of->n - at : PIECE;
}

/* The numbers of the piece from `at` on, in double; `room` has them if they are in f32. */
static const double *piece_of(const Numbers *of, int64_t at, double room[PIECE]) {
  if (of->wide) return of->wide + at;
  for (int64_t k = 0; k < piece_size(of, at); k++)
    room[k] = (double)of->narrow[at + k];
  return room;
}

static bool all_are_multiples(const Numbers *of, double step) {
  double room[PIECE];
  bool all = true;
  for (int64_t at = 0; all && at < of->n; at += PIECE)
    all = are_multiples(piece_of(of, at, room), piece_size(of, at), step);
  return all;
}

static double grid_of(const Numbers *of, double most, int bits) {
  for (int largest = INT8_MAX; largest >= 1; largest--)
    if (all_are_multiples(of, most / largest)) return most / largest;
  for (int largest = UINT8_MAX; bits > 8 && largest > INT8_MAX; largest--)
    if (all_are_multiples(of, most / largest)) return most / largest;
  return 0;
}

double quant_table_grid(const float *w, int64_t n, int bits, double *most) {
  double room[PIECE];
  Numbers all = {.narrow = w, .n = n};
  *most = 1e-9;
  for (int64_t at = 0; at < n; at += PIECE)
    *most = larger(*most, piece_of(&all, at, room), piece_size(&all, at));
  return grid_of(&all, *most, bits);
}

/* The number of which the weights of a row are multiples by -127..127, or with 16 bits by
 * -255..255; 0 if there is none. */
static double row_grid(const PartSpec *spec, int64_t row, const RowSize *size) {
  Numbers all = {.wide = spec->w + row * spec->depth, .n = spec->depth};
  return grid_of(&all, size->most, spec->bits);
}

/* Whether the sums of a row with this scale fit 32 bits. */
static bool sums_fit(const PartSpec *spec, const RowSize *size, double scale) {
  static const double room = 1.01; /* for a multiplier that is rounded down */
  return size->sum / most_sum(spec) * room <= scale;
}

RowIs quant_row_is(const PartSpec *spec, int64_t row) {
  RowSize size = row_size(spec, row);
  double step = row_grid(spec, row, &size);
  if (step <= 0) return ROW_OFF_GRID;
  return sums_fit(spec, &size, step) ? ROW_KEPT : ROW_TOO_LARGE;
}

/* Over the rows so far: the largest multiplier before its fraction bits, and a bound of the sums.
 */
typedef struct Reach {
  double top, bound;
} Reach;
static const Reach no_rows = {.top = 1e-30, .bound = 1};

/* The scale of a row: what one unit of its weights stands for. */
static double row_scale(const PartSpec *spec, int64_t row, bool *is_grid, Reach *reach) {
  RowSize size = row_size(spec, row);
  double step = row_grid(spec, row, &size);
  *is_grid = step > 0 && sums_fit(spec, &size, step);
  double scale =
      *is_grid ? step
               : fmax(size.most / largest_weight(spec->bits), size.sum / most_sum(spec) * 1.0001);
  reach->top = fmax(reach->top, scale * spec->x.scale / spec->out * 65536);
  reach->bound = fmax(reach->bound, size.sum / scale);
  return scale;
}

/* The fraction bits of preactivations, at most `most`, and in *shift by how much sums are shifted
 * left before. Only sums with bits to spare can be shifted. */
static int fraction_of(const Reach *reach, int most, int *shift) {
  enum { ENOUGH = 14 };
  int fraction = (int)floor(log2(32767 / reach->top)), room = most < ENOUGH ? most : ENOUGH;
  *shift = 0;
  if (fraction > most) fraction = most;
  if (fraction >= room) return fraction;
  int most_shift = (int)floor(log2(ldexp(1, 31) / reach->bound / 1.01));
  *shift = room - fraction < most_shift ? room - fraction : most_shift;
  if (*shift < 0) *shift = 0;
  return fraction + *shift;
}

int quant_part_fraction(const PartSpec *spec, int most) {
  int shift;
  if (most_sum(spec) < ldexp(1, 30))
    return INT_MIN; /* so many terms that rounding alone is too much */
  Reach reach = no_rows;
  bool is_grid;
  for (int64_t r = 0; r < spec->rows; r++)
    row_scale(spec, r, &is_grid, &reach);
  return fraction_of(&reach, most, &shift);
}

static int16_t *multipliers(Arena *arena, const PartSpec *spec, int fraction, int shift,
                            const bool *is_grid, double *scale) {
  int16_t *m = ARENA_ARRAY(arena, int16_t, spec->rows);
  double unit = spec->x.scale / spec->out * 65536 * ldexp(1, fraction - shift);
  for (int64_t r = 0; r < spec->rows; r++) {
    double exact = is_grid[r] ? nearbyint(scale[r] * unit) : ceil(scale[r] * unit);
    m[r] = (int16_t)fmin(fmax(exact, 1), 32767);
    scale[r] = m[r] / unit;
  }
  return m;
}

QuantPart quant_part_make(Arena *arena, const PartSpec *spec, int fraction) {
  int64_t rows = spec->rows, depth = spec->depth;
  QuantPart part = {
      .rows = rows, .depth = depth, .bits = spec->bits, .is_grid = true, .x = spec->x};
  double *scale = ARENA_ARRAY(arena, double, rows), most = largest_weight(spec->bits);
  int16_t *w = ARENA_ARRAY(arena, int16_t, (rows * depth));
  int32_t *bias = ARENA_ARRAY(arena, int32_t, rows);
  bool *is_grid = ARENA_ARRAY(arena, bool, rows);
  Reach reach = no_rows;
  for (int64_t r = 0; r < rows; r++) {
    scale[r] = row_scale(spec, r, &is_grid[r], &reach);
    part.is_grid = part.is_grid && is_grid[r];
  }
  if (!spec->to_float) {
    fraction_of(&reach, fraction, &part.shift);
    part.m = multipliers(arena, spec, fraction, part.shift, is_grid, scale);
  }
  for (int64_t r = 0; r < rows; r++) {
    double sum = 0;
    for (int64_t k = 0; k < depth; k++) {
      double q = nearbyint(spec->w[r * depth + k] / scale[r]);
      q = q < -most ? -most : q > most ? most : q;
      w[r * depth + k] = (int16_t)q;
      sum += q;
    }
    double b = spec->b ? spec->b[r] / (scale[r] * spec->x.scale) : 0;
    bias[r] = (int32_t)nearbyint(b - sum * spec->x.zero);
  }
  part.w = w;
  part.bias = bias;
  part.scale = scale;
  return part;
}

bool quant_part_fits(const QuantPart *part) {
  int64_t q = (int64_t)quant_largest(&part->x);
  for (int64_t r = 0; r < part->rows; r++) {
    int64_t sum = part->bias[r] < 0 ? -(int64_t)part->bias[r] : part->bias[r];
    for (int64_t k = 0; k < part->depth; k++) {
      int64_t w = part->w[r * part->depth + k];
      sum += (w < 0 ? -w : w) * q;
    }
    if (sum * ((int64_t)1 << part->shift) > INT32_MAX) return false;
  }
  return true;
}

/* By how much numbers up to `bound` can be shifted left. */
static int scale_shift(double bound) {
  int shift = 0;
  while (shift < 15 && bound * ldexp(1, shift + 1) < ldexp(1, 30))
    shift++;
  return shift;
}

/* The multiplier of a change of scale, without fraction bits. */
static double scale_unit(double ratio, double bound) {
  return fmax(ratio, 1e-12) * ldexp(1, 16 - scale_shift(bound));
}

bool quant_scale_fits(double ratio, double bound) {
  return scale_unit(ratio, bound) <= INT16_MAX;
}

QuantScale quant_scale_make(double ratio, double bound, int most) {
  QuantScale s = {.shift = scale_shift(bound)};
  double unit = scale_unit(ratio, bound);
  s.fraction = (int)floor(log2(32767 / unit));
  if (s.fraction > most) s.fraction = most;
  if (s.fraction < 0) s.fraction = 0;
  s.m = (int32_t)fmin(nearbyint(unit * ldexp(1, s.fraction)), 32767);
  return s;
}
