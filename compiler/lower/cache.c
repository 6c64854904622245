/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Weights larger than a cache. In: the products of a step. Out: whether their tiles are walked
 * forwards in even steps and backwards in odd ones, and how large those tiles are.
 *
 * A step that begins where the last one began finds none of its weights in the first cache if they
 * outgrow it. Going back and forth, it finds those that were read last. (Prefetching gains nothing:
 * the processor does that already.) All thresholds are here, because a cell that stores its new
 * state in place relies on its weights never being walked in smaller tiles (cell_shape.c). */
#include "lower/int_layers.h"
#include "lower/mat.h"

/* Measured with a first cache of 48 KB and a second of 1 MB, as the time with turns over the time
 * without:
 *   sequences   26 KB slower (smaller tiles)   64 KB 0.66   256 KB 0.82   1 MB 0.8
 *   streams     50 KB 1.07   66 KB 0.73   106 KB 0.91   400 KB 1.04   2 MB 0.8   4 MB 0.95
 * The turn of a stream is kept in its state and costs more. */
CacheFit cache_fit(const Target *target, int64_t bytes) {
  int64_t first = target->l1_bytes;
  if (bytes * 8 <= first * 7) return CACHE_HOLDS;
  if (bytes > target->l2_bytes) return CACHE_BEYOND_SECOND;
  if (bytes * 16 <= first * 17) return CACHE_NEARLY_HOLDS;
  return bytes * 2 <= first * 5 ? CACHE_HOLDS_PART : CACHE_BEYOND_FIRST;
}

static bool fit_turns(CacheFit fit, bool of_stream) {
  switch (fit) {
  case CACHE_HOLDS: return false;
  case CACHE_NEARLY_HOLDS:
  case CACHE_BEYOND_FIRST: return !of_stream;
  case CACHE_HOLDS_PART:
  case CACHE_BEYOND_SECOND: return true;
  }
  return false;
}

bool cache_may_turn(const Target *target, int64_t bytes, bool of_stream) {
  CacheFit least = of_stream ? CACHE_HOLDS_PART : CACHE_NEARLY_HOLDS;
  return target->l1_bytes && cache_fit(target, bytes) >= least;
}

static int64_t bytes_of(const Lower *l, const Mat *mat) {
  int64_t depth = 0, size = layer_precision(l->model, mat->layer) == PRECISION_F32 ? 4 : 2;
  for (int i = 0; i < mat->n_parts; i++)
    depth += mat->part[i].taps * mat->part[i].d * mat->part[i].n_gates;
  return depth * mat->units * size;
}

bool mat_turns(const Emit *e, const Mat *mat, bool of_stream) {
  const Lower *l = e->l;
  if (int_is_w8(l, mat->layer)) return false; /* walked unit by unit */
  if (layer_is_sparse(l, mat->layer)) return false;
  if (e->is_tiled || l->target->is_mcu || !l->target->l1_bytes) return false;
  return fit_turns(cache_fit(l->target, bytes_of(l, mat)), of_stream);
}

/* Vectors of a tile of weights that outgrow the second cache, at most. */
enum { MOST_BEYOND_SECOND = 2 };

void mat_turn(const Lower *l, Mat *mat, KirReg *t) {
  int64_t have = mat_vectors(mat), want = (l->target->accumulators + mat->n_acc - 1) / mat->n_acc;
  int64_t depth = 0;
  for (int i = 0; i < mat->n_parts; i++)
    depth += mat_part_depth(&mat->part[i]) * mat->part[i].n_gates;
  int64_t of_vector = depth * mat->lanes * 4;
  int64_t most = l->target->l1_bytes;
  if (of_vector * have > l->target->l2_bytes) {
    most = l->target->l2_bytes / 2;
    if (want > MOST_BEYOND_SECOND) want = MOST_BEYOND_SECOND;
  }
  while (want > 1 && (have % want || have == want || of_vector * want > most))
    want--;
  mat->turn = t;
  mat->tile_vectors = (int)want;
}
