/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* attention: for each head and query the scores of all keys, their softmax, and the mean of the
 * values. Along time all rows are in memory and the layer has its loops to itself; along a feature
 * axis it is one step. */
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
  KirBuffer *scores;
  KirReg *head, *i; /* NULL: one */
} Attention;

static bool goes_along_time(const Layer *layer) {
  return layer->along[0].axis == AXIS_TIME;
}

static Side side_of(Lower *l, const Layer *layer, const Value *value, Step t) {
  const View *v = view_of(l, value);
  int last = v->rank - 1;
  bool timed = goes_along_time(layer);
  return (Side){.buffer = v->buffer,
                .at = timed ? v->at : view_row(v, t, 0),
                .stride = timed ? v->time : v->stride[layer->along[0].axis],
                .feature = v->stride[last],
                .d = v->dim[last] / layer_size(layer, OPT_heads, 1)};
}

/* Position p of the head. */
static KirIndex row_of(const Attention *a, const Side *s, KirReg *p) {
  return kir_at_plus(kir_at_plus(s->at, s->d * s->feature, a->head), s->stride, p);
}

/* Positions of an input: those there are. */
static KirExpr *positions(Emit *e, const Layer *layer, int input) {
  const Type *type = &layer->in[input]->type;
  if (goes_along_time(layer)) return domain_count(e, domain_of(e->l, type));
  return kb_int(&e->kb, KIR_INDEX, type->dim[layer->along[0].axis].n, 1);
}

/* Opens a loop over the keys that query i sees. */
static KirReg *open_keys(Emit *e, const Attention *a) {
  Kb *kb = &e->kb;
  bool causal = layer_word_is(a->layer, OPT_mask, "causal");
  KirExpr *one = kb_int(kb, KIR_INDEX, 1, 1);
  KirExpr *end = !causal ? positions(e, a->layer, 1)
                 : a->i  ? kb_op2(kb, KIR_ADD, kb_use(kb, a->i), one)
                         : one;
  return kb_for_expr(kb, "j", kb_int(kb, KIR_INDEX, 0, 1), end, 1);
}

/* scores[j] = q . k[j] scale; the greatest of them. */
static KirReg *emit_scores(Emit *e, const Attention *a) {
  Kb *kb = &e->kb;
  double scale = layer_number(a->layer, OPT_factor, 1 / sqrt((double)a->q.d));
  KirReg *most =
      kb_var(kb, "most", kb_bitcast(kb, KIR_F32, kb_int(kb, KIR_I32, MINUS_INFINITY, 1)));
  KirReg *j = open_keys(e, a);
  KirReg *sum = kb_var(kb, "sum", kb_num(kb, 0, 1));
  KirReg *c = kb_for(kb, "c", 0, a->q.d, 1);
  KirExpr *q = kb_load(kb, a->q.buffer, kir_at_plus(row_of(a, &a->q, a->i), a->q.feature, c), 1);
  KirExpr *k = kb_load(kb, a->k.buffer, kir_at_plus(row_of(a, &a->k, j), a->k.feature, c), 1);
  kb_set(kb, sum, muladd(e, q, k, kb_use(kb, sum)));
  kb_end(kb);
  KirReg *score =
      kb_let(kb, "score", kb_op2(kb, KIR_MUL, kb_use(kb, sum), kb_num(kb, (float)scale, 1)));
  kb_store(kb, a->scores, kir_at_plus(kir_at(0), 1, j), kb_use(kb, score));
  kb_set(kb, most, farther(kb, KIR_MAX, kb_use(kb, score), most));
  kb_end(kb);
  return most;
}

/* scores[j] = exp(scores[j] - most); their sum. */
static KirReg *emit_weights(Emit *e, const Attention *a, KirReg *most) {
  Kb *kb = &e->kb;
  KirReg *sum = kb_var(kb, "whole", kb_num(kb, 0, 1));
  KirReg *j = open_keys(e, a);
  KirIndex at = kir_at_plus(kir_at(0), 1, j);
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
  KirExpr *weight = kb_splat(kb, kb_load(kb, a->scores, kir_at_plus(kir_at(0), 1, j), 1), lanes);
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

static void attention_emit(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  Kb *kb = &e->kb;
  const Type *k = &layer->in[1]->type, *q = &layer->in[0]->type;
  bool timed = goes_along_time(layer), causal = layer_word_is(layer, OPT_mask, "causal");
  int axis = layer->along[0].axis;
  int64_t heads = layer_size(layer, OPT_heads, 1), keys = timed ? k->time.n : k->dim[axis].n,
          queries = timed ? q->time.n : q->dim[axis].n;
  Attention a = {.layer = layer};
  a.q = side_of(l, layer, layer->in[0], t);
  a.k = side_of(l, layer, layer->in[1], t);
  a.v = side_of(l, layer, layer->in[2], t);
  a.y = side_of(l, layer, layer->out[0], t);
  a.scores = new_scratch(e, layer, "scores", KIR_F32, keys);
  int64_t pairs = causal ? queries * (queries + 1) / 2 : queries * keys,
          steps = timed ? 1 : domain_of(l, &layer->out[0]->type).n;
  layer_cost(l, layer)->macs += steps * heads * pairs * (a.q.d + a.v.d);
  if (heads > 1) a.head = kb_for(kb, "head", 0, heads, 1);
  a.i = kb_for_expr(kb, "i", kb_int(kb, KIR_INDEX, 0, 1), positions(e, layer, 0), 1);
  KirReg *most = emit_scores(e, &a);
  emit_means(e, &a, emit_weights(e, &a, most));
  kb_end(kb);
  if (a.head) kb_end(kb);
}

static void attention_alone(Emit *e, const Layer *layer) {
  attention_emit(e, layer, ONLY_STEP);
}

const Lowering attention_lowering = {.step = attention_emit,
                                     .is_private = goes_along_time,
                                     .alone = attention_alone,
                                     .text = "y[i] = sum of softmax(q[i] . k[j] scale) v[j]"};
