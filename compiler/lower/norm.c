/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LayerNorm, RMSNorm, GroupNorm, InstanceNorm and l2_normalize: statistics over some axes of one
 * step, then every element of them scaled. A GroupNorm sees its features as groups x features of a
 * group. */
#include "lower/lower_internal.h"

enum { NORM_MAX_AXES = TYPE_MAX_AXES + 1 };

/* One norm of one step. Axes that statistics go over are `over`; weight is the distance in scale
 * and center. */
typedef struct Norm {
  const Layer *layer;
  KirBuffer *from, *to;
  int rank;
  int64_t n[NORM_MAX_AXES], x[NORM_MAX_AXES], y[NORM_MAX_AXES], weight[NORM_MAX_AXES];
  bool over[NORM_MAX_AXES];
  int64_t count; /* elements of one statistic */
  KirBuffer *scale, *center;
} Norm;

/* Where an element is in x, y and the weights. */
typedef struct NormAt {
  KirIndex x, y, weight;
} NormAt;

static void set_axis(Norm *n, int i, int64_t size, int64_t x, int64_t y, bool over) {
  n->n[i] = size;
  n->x[i] = x;
  n->y[i] = y;
  n->over[i] = over;
}

static Norm norm_of(const Layer *layer, const View *x, const View *y) {
  Norm n = {.layer = layer, .from = x->buffer, .to = y->buffer, .rank = x->rank, .count = 1};
  for (int i = 0; i < x->rank; i++)
    set_axis(&n, i, x->dim[i], x->stride[i], y->stride[i], layer_along(layer, i) != NULL);
  int last = x->rank - 1;
  if (layer->kind == LAYER_GroupNorm) {
    int64_t groups = layer_size(layer, OPT_groups, 1), d = x->dim[last] / groups;
    set_axis(&n, last, groups, d * x->stride[last], d * y->stride[last], false);
    set_axis(&n, n.rank++, d, x->stride[last], y->stride[last], true);
  }
  bool of_features = layer->kind == LAYER_GroupNorm || layer->kind == LAYER_InstanceNorm;
  int64_t step = 1;
  for (int i = n.rank - 1; i >= 0; i--) {
    if (n.over[i]) n.count *= n.n[i];
    if (of_features ? i < last : !n.over[i]) continue;
    n.weight[i] = step;
    step *= n.n[i];
  }
  return n;
}

/* Loops over the axes of one kind. */
static int open_norm(Emit *e, const Norm *n, bool over, NormAt *at) {
  static const char *const kept[NORM_MAX_AXES] = {"i", "j", "m", "p", "q", "r", "s", "v", "w"};
  int opened = 0, last = n->rank - 1;
  for (int i = 0; i < n->rank; i++) {
    bool alone = i == last && n->n[i] == 1 && over && opened == 0;
    if (n->over[i] != over || (n->n[i] == 1 && !alone)) continue;
    KirReg *k = kb_for(&e->kb, over ? "k" : kept[i], 0, n->n[i], 1);
    at->x = kir_at_plus(at->x, n->x[i], k);
    at->y = kir_at_plus(at->y, n->y[i], k);
    at->weight = kir_at_plus(at->weight, n->weight[i], k);
    opened++;
  }
  return opened;
}

static KirExpr *element(Emit *e, const Norm *n, const NormAt *at) {
  return kb_load(&e->kb, n->from, at->x, 1);
}

static KirReg *mean_of(Emit *e, const Norm *n, NormAt at) {
  Kb *kb = &e->kb;
  KirReg *mean = kb_var(kb, "mean", kb_num(kb, 0, 1));
  int opened = open_norm(e, n, true, &at);
  kb_set(kb, mean, kb_op2(kb, KIR_ADD, kb_use(kb, mean), element(e, n, &at)));
  close_loops(e, opened);
  kb_set(kb, mean, kb_op2(kb, KIR_DIV, kb_use(kb, mean), kb_num(kb, (float)n->count, 1)));
  return mean;
}

/* The sum of squares around the mean, or around 0 (NULL). */
static KirReg *squares_of(Emit *e, const Norm *n, NormAt at, KirReg *mean) {
  Kb *kb = &e->kb;
  KirReg *squares = kb_var(kb, mean ? "variance" : "squares", kb_num(kb, 0, 1));
  int opened = open_norm(e, n, true, &at);
  KirExpr *x = element(e, n, &at);
  KirReg *apart = kb_let(kb, "e", mean ? kb_op2(kb, KIR_SUB, x, kb_use(kb, mean)) : x);
  kb_set(kb, squares, muladd(e, kb_use(kb, apart), kb_use(kb, apart), kb_use(kb, squares)));
  close_loops(e, opened);
  return squares;
}

/* 1 / sqrt(squares / n + eps), or 1 / max(sqrt(squares), eps). */
static KirReg *inverse_of(Emit *e, const Norm *n, KirReg *squares) {
  Kb *kb = &e->kb;
  KirExpr *eps = kb_num(kb, (float)layer_eps(e->l->model, n->layer), 1), *root;
  if (n->layer->kind == LAYER_l2_normalize)
    root = kb_op2(kb, KIR_MAX, eps, math_call(e, MATH_SQRT, kb_use(kb, squares)));
  else {
    KirExpr *v = kb_op2(kb, KIR_DIV, kb_use(kb, squares), kb_num(kb, (float)n->count, 1));
    root = math_call(e, MATH_SQRT, kb_op2(kb, KIR_ADD, v, eps));
  }
  return kb_let(kb, "inverse", kb_op2(kb, KIR_DIV, kb_num(kb, 1, 1), root));
}

static void apply(Emit *e, const Norm *n, NormAt at, KirReg *mean, KirReg *inverse) {
  Kb *kb = &e->kb;
  int opened = open_norm(e, n, true, &at);
  KirExpr *z = element(e, n, &at);
  if (mean) z = kb_op2(kb, KIR_SUB, z, kb_use(kb, mean));
  z = kb_op2(kb, KIR_MUL, z, kb_use(kb, inverse));
  if (n->scale && n->center)
    z = muladd(e, z, kb_load(kb, n->scale, at.weight, 1), kb_load(kb, n->center, at.weight, 1));
  else if (n->scale)
    z = kb_op2(kb, KIR_MUL, z, kb_load(kb, n->scale, at.weight, 1));
  else if (n->center)
    z = kb_op2(kb, KIR_ADD, z, kb_load(kb, n->center, at.weight, 1));
  kb_store(kb, n->to, at.y, z);
  close_loops(e, opened);
}

static int64_t weight_count(const Norm *n) {
  int64_t count = 1;
  for (int i = 0; i < n->rank; i++)
    if (n->weight[i]) count *= n->n[i];
  return count;
}

static void norm_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *x = view_of(l, layer->in[0]), *y = view_of(l, layer->out[0]);
  Norm n = norm_of(layer, x, y);
  bool centred = layer->kind != LAYER_RMSNorm && layer->kind != LAYER_l2_normalize;
  if (layer_has_role(layer, ROLE_SCALE))
    n.scale = new_weights(l, layer, "scale", layer_role(layer, ROLE_SCALE), weight_count(&n), NULL);
  if (layer_has_role(layer, ROLE_CENTER))
    n.center =
        new_weights(l, layer, "center", layer_role(layer, ROLE_CENTER), weight_count(&n), NULL);
  NormAt at = {.x = view_row(x, t, 0), .y = view_row(y, t, 0), .weight = kir_at(0)};
  int opened = open_norm(e, &n, false, &at);
  KirReg *mean = centred ? mean_of(e, &n, at) : NULL;
  KirReg *inverse = inverse_of(e, &n, squares_of(e, &n, at, mean));
  apply(e, &n, at, mean, inverse);
  close_loops(e, opened);
}

static const char *norm_formula(Lower *l, const Layer *layer) {
  (void)l;
  if (layer->kind == LAYER_l2_normalize) return "y = x / max(sqrt(sum of x^2), eps)";
  if (layer->kind == LAYER_RMSNorm) return "y = scale x / sqrt(mean of x^2 + eps)";
  return "y = scale (x - mean) / sqrt(variance + eps) + center";
}

const Lowering norm_lowering = {.step = norm_step, .formula = norm_formula};
