/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* attention and AdditiveAttention: for each head and query the scores of all keys, their softmax,
 * and the mean of the values. Along time all rows are in memory and the layer has its loops to
 * itself; along a feature axis it is one step, and so it is along time with `window`: then the rows
 * of keys and values before its own are in memory, on a stream as a history in the state. */
#include "lower/lower_internal.h"

#include <math.h>

/* The positions of q, k, v or y: `stride` apart, features beside each other. */
typedef struct Side {
  KirBuffer *buffer;
  KirIndex at;
  int64_t stride, feature, d; /* features of one head */
} Side;

typedef struct Attention {
  const Layer *layer;
  Side q, k, v, y;
  KirBuffer *scores, *scale; /* scale: of AdditiveAttention, or NULL */
  int64_t first;             /* the scores of the rows before row 0 come before its score */
  KirReg *head, *i;          /* NULL: one */
  KirReg *begin, *t; /* the first row that the query reads (NULL: 0); along time with window: the
                        query's row (NULL: 0) */
} Attention;

static bool steps_along_time(const Layer *layer) {
  return layer_is_along_time(layer) && layer_window(layer);
}

/* All rows of a value, or its features at row t. */
static Side side_of(const Lower *l, const Layer *layer, const Value *value, bool rows, Step t) {
  const View *v = view_of(l, value);
  int last = v->rank - 1;
  return (Side){.buffer = v->buffer,
                .at = rows ? v->at : view_row(v, t, 0),
                .stride = layer_is_along_time(layer) ? v->time : v->stride[layer->along[0].axis],
                .feature = v->stride[last],
                .d = v->dim[last] / layer_size(layer, OPT_heads, 1)};
}

/* Position p of the head. */
static KirIndex row_of(const Attention *a, const Side *s, KirReg *p) {
  return kir_at_plus(kir_at_plus(s->at, s->d * s->feature, a->head), s->stride, p);
}

/* The positions that an input has. */
static KirExpr *positions(Emit *e, const Layer *layer, int input) {
  const Type *type = &layer->in[input]->type;
  if (layer_is_along_time(layer)) return domain_count(e, domain_of(e->l, type));
  return kb_int(&e->kb, KIR_INDEX, type->dim[layer->along[0].axis].n, 1);
}

/* Opens a loop over the keys that query i reads. */
static KirReg *open_keys(Emit *e, const Attention *a) {
  Kb *kb = &e->kb;
  KirReg *query = steps_along_time(a->layer) ? a->t : a->i;
  KirExpr *one = kb_int(kb, KIR_INDEX, 1, 1);
  KirExpr *end = !layer_looks_back(a->layer) ? positions(e, a->layer, 1)
                 : query                     ? kb_op2(kb, KIR_ADD, kb_use(kb, query), one)
                                             : one;
  KirExpr *begin = a->begin ? kb_use(kb, a->begin) : kb_int(kb, KIR_INDEX, 0, 1);
  return kb_for_expr(kb, "j", begin, end, 1);
}

/* The first row that query i reads: i - (window - 1), but no row before the sequence. On a stream,
 * row 0 is the first of this call, and `lag` - calls * slots is the first row of the stream. */
static KirReg *first_seen(Emit *e, const Attention *a) {
  Kb *kb = &e->kb;
  int64_t window = layer_window(a->layer);
  KirReg *query = steps_along_time(a->layer) ? a->t : a->i;
  Domain d = domain_of(e->l, &a->layer->in[1]->type);
  if (!window) return NULL;
  KirExpr *at = kb_int(kb, KIR_INDEX, 1 - window, 1), *least = kb_int(kb, KIR_INDEX, 0, 1);
  if (query) at = kb_op2(kb, KIR_SUB, kb_use(kb, query), kb_int(kb, KIR_INDEX, window - 1, 1));
  if (steps_along_time(a->layer) && d.kind == TIME_STREAM && window == 1)
    return kb_let(kb, "begin", at);
  if (steps_along_time(a->layer) && d.kind == TIME_STREAM) {
    KirExpr *gone = kb_op2(kb, KIR_MUL, kb_use(kb, e->calls), kb_int(kb, KIR_INDEX, d.n, 1));
    least = kb_op2(kb, KIR_SUB, kb_int(kb, KIR_INDEX, d.lag, 1), gone);
  }
  return kb_let(kb, "begin", kb_op2(kb, KIR_MAX, at, least));
}

/* The terms of a score for `lanes` features from c on: products q k, or tanh(q + k) scale. */
static KirExpr *add_features(Emit *e, const Attention *a, KirReg *j, KirReg *c, int64_t first,
                             int lanes, KirExpr *sum) {
  Kb *kb = &e->kb;
  KirIndex iq = kir_at_offset(row_of(a, &a->q, a->i), first * a->q.feature),
           ik = kir_at_offset(row_of(a, &a->k, j), first * a->k.feature);
  KirExpr *q = kb_load(kb, a->q.buffer, kir_at_plus(iq, a->q.feature, c), lanes);
  KirExpr *k = kb_load(kb, a->k.buffer, kir_at_plus(ik, a->k.feature, c), lanes);
  if (a->layer->kind == LAYER_attention) return muladd(e, q, k, sum);
  KirReg *bent = kb_let(kb, "bent", math_call(e, MATH_TANH, kb_op2(kb, KIR_ADD, q, k)));
  if (!a->scale) return kb_op2(kb, KIR_ADD, kb_use(kb, bent), sum);
  KirExpr *scale = kb_load(kb, a->scale, kir_at_plus(kir_at(first), 1, c), lanes);
  return muladd(e, scale, kb_use(kb, bent), sum);
}

/* q . k[j], or the sum of tanh(q + k[j]) scale: whole vectors of features, then the remaining ones.
 */
static KirReg *emit_score(Emit *e, const Attention *a, KirReg *j) {
  Kb *kb = &e->kb;
  LineParts parts =
      line_parts(a->q.d, a->q.feature == 1 && a->k.feature == 1 ? e->l->target->lanes : 1);
  KirReg *score = NULL;
  for (int i = 0; i < parts.n; i++) {
    int64_t from = parts.part[i].from, to = parts.part[i].to;
    int step = parts.part[i].lanes;
    KirReg *sum = score && step == 1 ? score : kb_var(kb, "sum", kb_num(kb, 0, step));
    KirReg *c = to - from > step ? kb_for(kb, "c", from, to, step) : NULL;
    kb_set(kb, sum, add_features(e, a, j, c, c ? 0 : from, step, kb_use(kb, sum)));
    if (c) kb_end(kb);
    score = step == 1 ? sum : kb_var(kb, "whole", kb_op1(kb, KIR_SUM, kb_use(kb, sum)));
  }
  return score;
}

/* The index of the score of row j. */
static KirIndex score_at(const Attention *a, KirReg *j) {
  return kir_at_plus(kir_at(a->first), 1, j);
}

/* Stores scores[j] = q . k[j] scale. Returns the greatest score. */
static KirReg *emit_scores(Emit *e, const Attention *a) {
  Kb *kb = &e->kb;
  double factor = layer_number(a->layer, OPT_factor, 1 / sqrt((double)a->q.d));
  KirReg *most =
      kb_var(kb, "most", kb_bitcast(kb, KIR_F32, kb_int(kb, KIR_I32, MINUS_INFINITY, 1)));
  KirReg *j = open_keys(e, a);
  KirExpr *sum = kb_use(kb, emit_score(e, a, j));
  if (a->layer->kind == LAYER_attention)
    sum = kb_op2(kb, KIR_MUL, sum, kb_num(kb, (float)factor, 1));
  KirReg *score = kb_let(kb, "score", sum);
  kb_store(kb, a->scores, score_at(a, j), kb_use(kb, score));
  kb_set(kb, most, farther(kb, KIR_MAX, kb_use(kb, score), most));
  kb_end(kb);
  return most;
}

/* Stores scores[j] = exp(scores[j] - most). Returns their sum. */
static KirReg *emit_weights(Emit *e, const Attention *a, KirReg *most) {
  Kb *kb = &e->kb;
  KirReg *sum = kb_var(kb, "whole", kb_num(kb, 0, 1));
  KirReg *j = open_keys(e, a);
  KirIndex at = score_at(a, j);
  KirExpr *shifted = kb_op2(kb, KIR_SUB, kb_load(kb, a->scores, at, 1), kb_use(kb, most));
  KirReg *power = kb_let(kb, "e", math_call(e, MATH_EXP, shifted));
  kb_store(kb, a->scores, at, kb_use(kb, power));
  kb_set(kb, sum, kb_op2(kb, KIR_ADD, kb_use(kb, sum), kb_use(kb, power)));
  kb_end(kb);
  return sum;
}

/* Features of the result from c on, `lanes` of them. */
static void emit_mean(Emit *e, const Attention *a, KirReg *whole, KirReg *c, int64_t first,
                      int lanes) {
  Kb *kb = &e->kb;
  KirReg *sum = kb_var(kb, "sum", kb_num(kb, 0, lanes));
  KirReg *j = open_keys(e, a);
  KirIndex at =
      kir_at_plus(kir_at_offset(row_of(a, &a->v, j), first * a->v.feature), a->v.feature, c);
  KirExpr *weight = kb_splat(kb, kb_load(kb, a->scores, score_at(a, j), 1), lanes);
  kb_set(kb, sum, muladd(e, weight, kb_load(kb, a->v.buffer, at, lanes), kb_use(kb, sum)));
  kb_end(kb);
  KirIndex to =
      kir_at_plus(kir_at_offset(row_of(a, &a->y, a->i), first * a->y.feature), a->y.feature, c);
  kb_store(kb, a->y.buffer, to,
           kb_op2(kb, KIR_DIV, kb_use(kb, sum), kb_splat(kb, kb_use(kb, whole), lanes)));
}

static void emit_means(Emit *e, const Attention *a, KirReg *whole) {
  Kb *kb = &e->kb;
  int64_t d = a->v.d;
  LineParts parts = line_parts(d, a->v.feature == 1 && a->y.feature == 1 ? e->l->target->lanes : 1);
  for (int i = 0; i < parts.n; i++) {
    int64_t from = parts.part[i].from, to = parts.part[i].to;
    int step = parts.part[i].lanes;
    KirReg *c = to - from > step ? kb_for(kb, "c", from, to, step) : NULL;
    emit_mean(e, a, whole, c, c ? 0 : from, step);
    if (c) kb_end(kb);
  }
}

/* Computes query i for all heads; without heads, the only query. */
static void emit_query(Emit *e, Attention *a) {
  Kb *kb = &e->kb;
  int64_t heads = layer_size(a->layer, OPT_heads, 1);
  a->begin = first_seen(e, a);
  a->head = heads > 1 ? kb_for(kb, "head", 0, heads, 1) : NULL;
  KirReg *most = emit_scores(e, a);
  emit_means(e, a, emit_weights(e, a, most));
  if (a->head) kb_end(kb);
}

/* Opens loops over the axes that the layer is mapped over. */
static int open_mapped(Emit *e, Attention *a) {
  static const char *const names[TYPE_MAX_AXES] = {"m", "n", "p", "r", "s", "u", "v", "w"};
  const Layer *layer = a->layer;
  const Value *of[] = {layer->in[0], layer->in[1], layer->in[2], layer->out[0]};
  Side *side[] = {&a->q, &a->k, &a->v, &a->y};
  const Type *type = &layer->in[0]->type;
  int opened = 0;
  for (int axis = 0; axis + 1 < type->rank; axis++) {
    if (axis == layer->along[0].axis || type->dim[axis].n == 1) continue;
    KirReg *m = kb_for(&e->kb, names[axis], 0, type->dim[axis].n, 1);
    for (int i = 0; i < 4; i++)
      side[i]->at = kir_at_plus(side[i]->at, view_of(e->l, of[i])->stride[axis], m);
    opened++;
  }
  return opened;
}

/* The scores of one query, by row; on a stream those of the rows before this call come first. */
static void place_scores(Emit *e, Attention *a) {
  const Layer *layer = a->layer;
  const Type *k = &layer->in[1]->type;
  Domain d = domain_of(e->l, k);
  bool timed = layer_is_along_time(layer), stream = timed && d.kind == TIME_STREAM;
  a->first = stream ? layer_window(layer) - 1 : 0;
  int64_t keys = timed ? d.n : k->dim[layer->along[0].axis].n;
  a->scores = new_scratch(e, layer, "scores", KIR_F32, a->first + keys);
  const float *scale = layer->weights ? layer->weights->role[ROLE_SCALE] : NULL;
  if (layer_has_role(layer, ROLE_SCALE))
    a->scale = new_weights(e->l, layer, "scale", scale, a->q.d, "scale of tanh(q + k)");
}

/* The number of positions of the axes that the layer is mapped over. */
static int64_t view_mapped(Lower *l, const Layer *layer) {
  const View *q = view_of(l, layer->in[0]);
  int64_t n = 1;
  for (int axis = 0; axis + 1 < q->rank; axis++)
    if (axis != layer->along[0].axis) n *= q->dim[axis];
  return n;
}

/* Pairs of queries and keys in one call; on a stream, with a full window. */
static int64_t pairs_of(Lower *l, const Layer *layer) {
  const Type *q = &layer->in[0]->type, *k = &layer->in[1]->type;
  Domain dq = domain_of(l, q), dk = domain_of(l, k);
  bool timed = layer_is_along_time(layer);
  int axis = layer->along[0].axis;
  int64_t queries = timed ? dq.n : q->dim[axis].n, keys = timed ? dk.n : k->dim[axis].n;
  int64_t steps = timed ? 1 : domain_of(l, &layer->out[0]->type).n, window = layer_window(layer);
  if (timed && dq.kind == TIME_STREAM) return queries * window;
  if (!layer_looks_back(layer)) return steps * queries * keys;
  int64_t full = window > 0 && window < queries ? queries - window : 0, filling = queries - full;
  return steps * (filling * (filling + 1) / 2 + full * window);
}

static void attention_emit(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  bool rows = layer_is_along_time(layer), steps = steps_along_time(layer);
  Attention a = {.layer = layer, .t = t.t};
  a.q = side_of(l, layer, layer->in[0], rows && !steps, t);
  a.k = side_of(l, layer, layer->in[1], rows, t);
  a.v = side_of(l, layer, layer->in[2], rows, t);
  a.y = side_of(l, layer, layer->out[0], rows && !steps, t);
  place_scores(e, &a);
  layer_cost(l, layer)->macs += pairs_of(l, layer) * view_mapped(l, layer) *
                                layer_size(layer, OPT_heads, 1) * (a.q.d + a.v.d);
  int opened = open_mapped(e, &a);
  if (!steps) {
    a.i = kb_for_expr(kb, "i", kb_int(kb, KIR_INDEX, 0, 1), positions(e, layer, 0), 1);
    opened++;
  }
  emit_query(e, &a);
  close_loops(e, opened);
}

static void attention_alone(Emit *e, const Layer *layer) {
  attention_emit(e, layer, ONLY_STEP);
}

static bool attention_is_private(const Layer *layer) {
  return layer_is_along_time(layer) && !layer_window(layer);
}

static int64_t attention_reach(const Layer *layer) {
  return steps_along_time(layer) ? layer_window(layer) - 1 : -1;
}

static const char *attention_formula(Lower *l, const Layer *layer) {
  (void)l;
  return layer->kind == LAYER_attention
             ? "y[i] = sum of softmax(q[i] . k[j] scale) v[j]"
             : "y[i] = sum of softmax(sum of scale tanh(q[i] + k[j])) v[j]";
}

const Lowering attention_lowering = {.step = attention_emit,
                                     .is_private = attention_is_private,
                                     .alone = attention_alone,
                                     .reach = attention_reach,
                                     .formula = attention_formula};
