/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matrix products, convolutions and pools. Sums run in the order of the inner axes. */
#include "import/graph/eval.h"

/* ---- products of matrices ---- */

/* The zero point of row (or column) i of n: there is one for all, or one for each. */
static double zero_of(const GraphTensor *zero, int64_t i, int64_t n) {
  if (!zero || !zero->count) return 0;
  return zero->wide[zero->count == n ? i : 0];
}

static bool zeros_fit(GraphCall *call, int k, int64_t n) {
  const GraphTensor *zero = call_in(call, k);
  return !zero || zero->count == 1 || zero->count == n ||
         call_fault(call, "%lld zero points do not match %lld rows", (long long)zero->count,
                    (long long)n);
}

static void add_row(double x, const double *row, int64_t n, double *y) {
  for (int64_t j = 0; j < n; j++)
    y[j] += x * row[j];
}

static void add_narrow_row(double x, const float *row, int64_t n, double *y) {
  for (int64_t j = 0; j < n; j++)
    y[j] += x * (double)row[j];
}

/* The product of the last two axes of both operands. za, zb: their zero points, or NULL. */
static bool product(GraphCall *call, const GraphTensor *za, const GraphTensor *zb) {
  const GraphTensor *a = call_in(call, 0), *b = call_in(call, 1);
  GraphTensor *out = &call->out[0];
  int64_t inner = a->dim[a->rank - 1], m = a->rank > 1 ? a->dim[a->rank - 2] : 1;
  int64_t n = b->rank > 1 ? b->dim[b->rank - 1] : 1;
  int front = out->rank - (a->rank > 1) - (b->rank > 1);
  int64_t batches = m > 0 && n > 0 ? out->count / (m * n) : 0;
  GraphTensor fa = {.rank = a->rank > 2 ? a->rank - 2 : 0},
              fb = {.rank = b->rank > 2 ? b->rank - 2 : 0};
  for (int i = 0; i < fa.rank; i++)
    fa.dim[i] = a->dim[i];
  for (int i = 0; i < fb.rank; i++)
    fb.dim[i] = b->dim[i];
  double *y = call_data(call, 0);
  Walk w = walk_start(front, out->dim);
  strides_broadcast(&fa, front, w.stride[0]);
  strides_broadcast(&fb, front, w.stride[1]);
  for (int64_t batch = 0; batch < batches; batch++, walk_next(&w)) {
    int64_t left = w.offset[0] * m * inner, right = w.offset[1] * inner * n;
    for (int64_t i = 0; i < m; i++, y += n)
      for (int64_t k = 0; k < inner; k++) {
        double x = graph_at(a, left + i * inner + k) - zero_of(za, i, m);
        if (zb)
          for (int64_t j = 0; j < n; j++)
            y[j] += x * (graph_at(b, right + k * n + j) - zero_of(zb, j, n));
        else if (b->wide)
          add_row(x, b->wide + right + k * n, n, y);
        else
          add_narrow_row(x, b->narrow + right + k * n, n, y);
      }
  }
  return true;
}

bool graph_eval_MatMul(GraphCall *call) {
  return product(call, NULL, NULL);
}

/* The score of a query and a key: their product, or with a scale the sum of scale tanh(q + k). */
static double score_of(const double *q, const double *k, const double *scale, int64_t d) {
  double score = 0;
  for (int64_t i = 0; i < d; i++)
    score += scale ? scale[i] * tanh(q[i] + k[i]) : q[i] * k[i];
  return score;
}

/* The weights of one query: the softmax of its scores with the first `seen` keys. */
static void attend(const double *q, const double *k, const double *scale, int64_t seen, int64_t d,
                   double factor, double *weight) {
  double most = -INFINITY, sum = 0;
  for (int64_t s = 0; s < seen; s++) {
    weight[s] = factor * score_of(q, k + s * d, scale, d);
    most = fmax(most, weight[s]);
  }
  for (int64_t s = 0; s < seen; s++) {
    weight[s] = exp(weight[s] - most);
    sum += weight[s];
  }
  for (int64_t s = 0; s < seen; s++)
    weight[s] /= sum;
}

bool graph_eval_Attention(GraphCall *call) {
  const GraphTensor *q = call_in(call, 0), *k = call_in(call, 1), *v = call_in(call, 2),
                    *scale = call_in(call, 3);
  bool causal = graph_int(call->node, GRAPH_ATTR_causal, 0) != 0;
  double factor = graph_number(call->node, GRAPH_ATTR_factor, 1), *y = call_data(call, 0);
  int64_t t = q->dim[q->rank - 2], d = q->dim[q->rank - 1], s = k->dim[q->rank - 2],
          e = v->dim[q->rank - 1], fronts = 1;
  for (int i = 0; i < q->rank - 2; i++)
    fronts *= q->dim[i];
  double *weight = ARENA_ARRAY(call->arena, double, s + 1);
  for (int64_t front = 0; front < fronts; front++)
    for (int64_t row = 0; row < t; row++, y += e) {
      int64_t seen = causal && row + 1 < s ? row + 1 : s;
      attend(q->wide + (front * t + row) * d, k->wide + front * s * d, scale ? scale->wide : NULL,
             seen, d, factor, weight);
      for (int64_t i = 0; i < seen; i++)
        for (int64_t j = 0; j < e; j++)
          y[j] += weight[i] * v->wide[(front * s + i) * e + j];
    }
  return true;
}

bool graph_eval_MatMulInteger(GraphCall *call) {
  const GraphTensor *a = call_in(call, 0), *b = call_in(call, 1);
  return zeros_fit(call, 2, a->rank > 1 ? a->dim[a->rank - 2] : 1) &&
         zeros_fit(call, 3, b->rank > 1 ? b->dim[b->rank - 1] : 1) &&
         product(call, call_in(call, 2), call_in(call, 3));
}

/* ---- windows ---- */

/* *offset gets the place of the element of x that element `at` of the kernel meets when it computes
 * element `to` of the result; false if that is in the pads. */
static bool window_place(const CallWindow *w, const int64_t *to, const int64_t *at,
                         const int64_t *size, const int64_t *stride, int64_t *offset) {
  *offset = 0;
  for (int i = 0; i < w->n; i++) {
    int64_t place = to[i] * w->stride[i] + at[i] * w->dilation[i] - w->before[i];
    if (place < 0 || place >= size[i]) return false;
    *offset += place * stride[i];
  }
  return true;
}

static void kernel_of(GraphCall *call, CallWindow *w) {
  const GraphTensor *x = call_in(call, 0), *k = call_in(call, 1);
  for (int i = 0; i < x->rank - 2; i++)
    w->kernel[i] = k->dim[i + 2];
  call_window(call, x->rank - 2, w); /* checked by the shape rule */
}

/* A convolution: its window; positions of the operand, of the result and of the kernel; and the
 * strides of the one of the first two that elements of the kernel meet. */
typedef struct Convolution {
  CallWindow w;
  int64_t groups, area_x, area_y, area_k, stride[GRAPH_MAX_RANK];
} Convolution;

static Convolution convolution_of(GraphCall *call, const GraphTensor *met) {
  Convolution c;
  kernel_of(call, &c.w);
  c.groups = graph_groups(call->node, call_in(call, 0), call_in(call, 1));
  c.area_x = dims_product(c.w.n, call_in(call, 0)->dim + 2);
  c.area_y = dims_product(c.w.n, call->out[0].dim + 2);
  c.area_k = dims_product(c.w.n, c.w.kernel);
  strides_of(c.w.n, met->dim + 2, c.stride);
  return c;
}

static bool convolve(GraphCall *call, const GraphTensor *bias, const GraphTensor *zx,
                     const GraphTensor *zk) {
  const GraphTensor *x = call_in(call, 0), *k = call_in(call, 1);
  GraphTensor *out = &call->out[0];
  Convolution of = convolution_of(call, x);
  CallWindow w = of.w;
  int64_t c = k->dim[1], m = out->dim[1], per_group = m / of.groups;
  int64_t area_x = of.area_x, area_y = of.area_y, area_k = of.area_k;
  double *y = call_data(call, 0), shift_x = zero_of(zx, 0, 1);
  for (int64_t n = 0; n < x->dim[0]; n++) {
    const double *sample = x->wide + n * x->dim[1] * area_x;
    double *to = y + n * m * area_y;
    Walk place = walk_start(w.n, out->dim + 2);
    for (int64_t p = 0; p < area_y; p++, walk_next(&place)) {
      Walk at = walk_start(w.n, w.kernel);
      for (int64_t q = 0; q < area_k; q++, walk_next(&at)) {
        int64_t from;
        if (!window_place(&w, place.at, at.at, x->dim + 2, of.stride, &from)) continue;
        for (int64_t f = 0; f < m; f++) {
          const double *in = sample + f / per_group * c * area_x + from;
          double shift_k = zero_of(zk, f, m), sum = 0;
          for (int64_t i = 0; i < c; i++)
            sum += (in[i * area_x] - shift_x) * (k->wide[(f * c + i) * area_k + q] - shift_k);
          to[f * area_y + p] += sum;
        }
      }
      for (int64_t f = 0; bias && f < m; f++)
        to[f * area_y + p] += bias->wide[f];
    }
  }
  return true;
}

bool graph_eval_Conv(GraphCall *call) {
  return convolve(call, call_in(call, 2), NULL, NULL);
}

bool graph_eval_ConvInteger(GraphCall *call) {
  const GraphTensor *zero = call_in(call, 2);
  if (zero && zero->count != 1) return call_fault(call, "an input has one zero point");
  return zeros_fit(call, 3, call->out[0].dim[1]) && convolve(call, NULL, zero, call_in(call, 3));
}

bool graph_eval_ConvTranspose(GraphCall *call) {
  const GraphTensor *x = call_in(call, 0), *k = call_in(call, 1), *bias = call_in(call, 2);
  GraphTensor *out = &call->out[0];
  Convolution of = convolution_of(call, out);
  CallWindow w = of.w;
  int64_t per = k->dim[1], c = x->dim[1], per_group = c / of.groups;
  int64_t area_x = of.area_x, area_y = of.area_y, area_k = of.area_k;
  double *y = call_data(call, 0);
  for (int64_t n = 0; n < x->dim[0]; n++) {
    double *to = y + n * out->dim[1] * area_y;
    for (int64_t f = 0; bias && f < out->dim[1]; f++)
      for (int64_t p = 0; p < area_y; p++)
        to[f * area_y + p] = bias->wide[f];
    Walk place = walk_start(w.n, x->dim + 2);
    for (int64_t p = 0; p < area_x; p++, walk_next(&place)) {
      Walk at = walk_start(w.n, w.kernel);
      for (int64_t q = 0; q < area_k; q++, walk_next(&at)) {
        int64_t target;
        if (!window_place(&w, place.at, at.at, out->dim + 2, of.stride, &target)) continue;
        for (int64_t i = 0; i < c; i++)
          for (int64_t j = 0; j < per; j++)
            to[(i / per_group * per + j) * area_y + target] +=
                x->wide[(n * c + i) * area_x + p] * k->wide[(i * per + j) * area_k + q];
      }
    }
  }
  return true;
}

/* ---- pools ---- */

/* The number of elements of a window that lie in the input or its pads, by which a mean divides
 * that counts pads. */
static int64_t window_padded(const CallWindow *w, const int64_t *to, const int64_t *size) {
  int64_t all = 1;
  for (int i = 0; i < w->n; i++) {
    int64_t n = 0;
    for (int64_t k = 0; k < w->kernel[i]; k++)
      n += to[i] * w->stride[i] + k * w->dilation[i] < size[i] + w->before[i] + w->after[i];
    all *= n;
  }
  return all;
}

static bool pool(GraphCall *call, bool is_max) {
  const GraphTensor *x = call_in(call, 0);
  GraphTensor *out = &call->out[0];
  bool count_pad = graph_int(call->node, GRAPH_ATTR_count_pad, 0) != 0;
  CallWindow w;
  call_per_axis(call, GRAPH_ATTR_kernel, x->rank - 2, 1, w.kernel);
  call_window(call, x->rank - 2, &w);
  int64_t planes = x->dim[0] * x->dim[1], area_x = dims_product(w.n, x->dim + 2);
  int64_t area_y = dims_product(w.n, out->dim + 2), area_k = dims_product(w.n, w.kernel);
  int64_t stride[GRAPH_MAX_RANK];
  strides_of(w.n, x->dim + 2, stride);
  double *y = call_data(call, 0);
  Walk place = walk_start(w.n, out->dim + 2);
  for (int64_t p = 0; p < area_y; p++, walk_next(&place)) {
    int64_t inside = 0;
    for (int64_t i = 0; is_max && i < planes; i++)
      y[i * area_y + p] = -INFINITY;
    Walk at = walk_start(w.n, w.kernel);
    for (int64_t q = 0; q < area_k; q++, walk_next(&at)) {
      int64_t from;
      if (!window_place(&w, place.at, at.at, x->dim + 2, stride, &from)) continue;
      inside++;
      for (int64_t i = 0; i < planes; i++) {
        double value = x->wide[i * area_x + from], *to = &y[i * area_y + p];
        *to = !is_max ? *to + value : value > *to || isnan(value) ? value : *to;
      }
    }
    int64_t divisor = count_pad ? window_padded(&w, place.at, x->dim + 2) : inside;
    for (int64_t i = 0; !is_max && i < planes; i++)
      y[i * area_y + p] /= (double)divisor;
  }
  return true;
}

bool graph_eval_MaxPool(GraphCall *call) {
  return pool(call, true);
}

bool graph_eval_AvgPool(GraphCall *call) {
  return pool(call, false);
}
