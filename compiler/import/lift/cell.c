/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matching the equations of one step: see cell.h. The two operands of a product or a sum are tried
 * in both orders. */
#include "import/lift/cell.h"

#include "import/lift/trace.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

GraphValue *step_source(const Flat *flat, GraphValue *value) {
  for (;;) {
    const GraphNode *node = value->node;
    if (!node || flat_type_of(flat, value)->data) return value;
    bool keeps = node->op == GRAPH_Identity || node->op == GRAPH_Reshape ||
                 node->op == GRAPH_Squeeze || node->op == GRAPH_Unsqueeze ||
                 node->op == GRAPH_Flatten || node->op == GRAPH_Expand;
    keeps = keeps && flat_type_of(flat, node->in[0])->count == flat_type_of(flat, value)->count;
    if (!keeps) return value;
    value = node->in[0];
  }
}

static GraphNode *made_by(const Flat *flat, GraphValue *value, GraphOp op) {
  GraphNode *node = step_source(flat, value)->node;
  return node && node->op == op ? node : NULL;
}

/* A constant that is the same number everywhere. */
static bool number_of(const Flat *flat, const GraphValue *value, double *out) {
  const GraphTensor *t = flat_type_of(flat, value);
  if (!t->data || !t->count) return false;
  for (int64_t i = 1; i < t->count; i++)
    if (t->data[i] != t->data[0]) return false;
  *out = t->data[0];
  return true;
}

static bool is_number(const Flat *flat, const GraphValue *value, double x) {
  double found;
  return number_of(flat, value, &found) && fabs(found - x) < 1e-6;
}

/* min(1, max(0, scale t + move)) written as a clip of a sum. */
static Activated clipped_line(const Flat *flat, const GraphNode *clip) {
  Activated none = {0};
  if (fabs(graph_number(clip, GRAPH_ATTR_low, -INFINITY)) > 1e-9 ||
      fabs(graph_number(clip, GRAPH_ATTR_high, INFINITY) - 1) > 1e-9)
    return none;
  GraphNode *sum = made_by(flat, clip->in[0], GRAPH_Add);
  double move, scale;
  for (int k = 0; sum && k < 2; k++) {
    if (!number_of(flat, sum->in[k], &move)) continue;
    GraphNode *product = made_by(flat, sum->in[1 - k], GRAPH_Mul);
    for (int j = 0; product && j < 2; j++)
      if (number_of(flat, product->in[j], &scale) && fabs(move - 0.5) < 1e-6) {
        const char *name = arena_printf(flat->arena, "hard_sigmoid(%.9g,%.9g)", scale, move);
        return (Activated){.in = product->in[1 - j], .name = name, .scale = 1};
      }
  }
  return none;
}

static Activated gate_of(const Flat *flat, GraphValue *value) {
  GraphNode *node = step_source(flat, value)->node;
  if (!node) return (Activated){0};
  if (node->op == GRAPH_Sigmoid)
    return (Activated){.in = node->in[0], .name = "sigmoid", .scale = 1};
  if (node->op == GRAPH_HardSigmoid) {
    const char *name = arena_printf(flat->arena, "hard_sigmoid(%.9g,%.9g)",
                                    graph_number(node, GRAPH_ATTR_alpha, 0.2),
                                    graph_number(node, GRAPH_ATTR_beta, 0.5));
    return (Activated){.in = node->in[0], .name = name, .scale = 1};
  }
  return node->op == GRAPH_Clip ? clipped_line(flat, node) : (Activated){0};
}

static Activated activation_of(const Flat *flat, GraphValue *value) {
  static const struct {
    GraphOp op;
    const char *name;
  } known[] = {{GRAPH_Tanh, "tanh"},
               {GRAPH_Relu, "relu"},
               {GRAPH_Softsign, "softsign"},
               {GRAPH_Softplus, "softplus"},
               {GRAPH_Sigmoid, "sigmoid"}};
  GraphNode *node = step_source(flat, value)->node;
  for (size_t i = 0; node && i < sizeof known / sizeof *known; i++)
    if (node->op == known[i].op)
      return (Activated){.in = node->in[0], .name = known[i].name, .scale = 1};
  return (Activated){0};
}

/* ---- LSTM ---- */

/* c' = f c + i g: which of the two products is which. */
static bool match_cell_state(const Flat *flat, GraphNode *sum, CellStep *s) {
  for (int turn = 0; turn < 2; turn++) {
    GraphNode *kept = made_by(flat, sum->in[turn], GRAPH_Mul),
              *added = made_by(flat, sum->in[1 - turn], GRAPH_Mul);
    for (int a = 0; kept && added && a < 2; a++)
      for (int b = 0; b < 2; b++) {
        Activated f = gate_of(flat, kept->in[a]), i = gate_of(flat, added->in[b]);
        GraphValue *c = step_source(flat, kept->in[1 - a]);
        Activated g = activation_of(flat, added->in[1 - b]);
        if (!f.name || !i.name || strcmp(f.name, i.name) != 0 ||
            flat_type_of(flat, c)->count != flat_type_of(flat, sum->out[0])->count)
          continue;
        if (!g.name) g = (Activated){.in = added->in[1 - b], .name = "linear", .scale = 1};
        /* Both products may look like gate times activation: c is what no activation made, if one
         * is not. */
        bool other = c->node && activation_of(flat, c).name;
        if (other && turn == 0) continue;
        s->c = c;
        s->kept = kept->out[0];
        s->gate[0] = i;
        s->gate[1] = f;
        s->gate[2] = g;
        return true;
      }
  }
  return false;
}

/* The first step from zeros, where f c has been left out: c' = i g. */
static bool match_first_state(const Flat *flat, GraphNode *product, CellStep *s) {
  for (int k = 0; k < 2; k++) {
    Activated i = gate_of(flat, product->in[k]), g = activation_of(flat, product->in[1 - k]);
    if (!i.name || !g.name ||
        flat_type_of(flat, product->in[k])->count != flat_type_of(flat, product->in[1 - k])->count)
      continue;
    s->gate[0] = i;
    s->gate[2] = g;
    return true;
  }
  return false;
}

static bool match_lstm(const Flat *flat, GraphNode *node, CellStep *s) {
  for (int k = 0; k < 2; k++) {
    Activated o = gate_of(flat, node->in[k]);
    if (!o.name) continue;
    GraphValue *inner = step_source(flat, node->in[1 - k]);
    Activated b = activation_of(flat, inner);
    GraphValue *c_new = step_source(flat, b.name ? b.in : inner);
    GraphNode *sum = c_new->node;
    *s = (CellStep){.op = GRAPH_Lstm,
                    .h_new = node->out[0],
                    .c_new = c_new,
                    .out_activation = b.name ? b.name : "linear"};
    if (sum && sum->op == GRAPH_Clip) {
      double low = graph_number(sum, GRAPH_ATTR_low, -INFINITY),
             high = graph_number(sum, GRAPH_ATTR_high, INFINITY);
      if (low != -high || !isfinite(high)) continue;
      s->cell_clip = high;
      sum = made_by(flat, sum->in[0], GRAPH_Add);
    }
    bool state = sum && sum->op == GRAPH_Add && match_cell_state(flat, sum, s);
    bool first = !state && sum && sum->op == GRAPH_Mul && b.name && match_first_state(flat, sum, s);
    if (!state && !first) continue;
    s->gate[3] = o;
    if (strcmp(o.name, s->gate[0].name) == 0) return true;
  }
  return false;
}

/* ---- GRU ---- */

/* 1 - s(z): the gate. */
static Activated complement_of(const Flat *flat, GraphValue *value) {
  GraphNode *sub = made_by(flat, value, GRAPH_Sub);
  return sub && is_number(flat, sub->in[0], 1) ? gate_of(flat, sub->in[1]) : (Activated){0};
}

/* The factor of a product that is s(r), in whatever sum stands in n. */
static bool find_reset(const Flat *flat, GraphValue *value, CellStep *s, int depth) {
  value = step_source(flat, value);
  GraphNode *node = value->node;
  if (!node || depth > 12) return false;
  if (node->op == GRAPH_Mul)
    for (int k = 0; k < 2; k++) {
      Activated r = gate_of(flat, node->in[k]);
      if (!r.name || strcmp(r.name, s->gate[0].name) != 0) continue;
      s->gate[1] = r;
      s->reset_product = node->out[0];
      s->reset_of = node->in[1 - k];
      return true;
    }
  bool affine = node->op == GRAPH_Add || node->op == GRAPH_MatMul || trace_moves(flat, node);
  for (int i = 0; affine && i < node->n_in; i++)
    if (node->in[i] && !flat_type_of(flat, node->in[i])->data &&
        find_reset(flat, node->in[i], s, depth + 1))
      return true;
  return false;
}

static bool complete_gru(const Flat *flat, CellStep *s, Activated z, bool swapped, GraphValue *h,
                         GraphValue *candidate) {
  Activated n = activation_of(flat, candidate);
  if (!z.name || !n.name || flat_type_of(flat, h)->count != flat_type_of(flat, s->h_new)->count)
    return false;
  if (swapped && strcmp(z.name, "sigmoid") != 0)
    return false; /* only the sigmoid of -z is 1 - that of z */
  s->gate[0] = z;
  s->gate[2] = n;
  s->z_swapped = swapped;
  s->h = step_source(flat, h);
  return find_reset(flat, n.in, s, 0);
}

static bool match_gru(const Flat *flat, GraphNode *node, CellStep *s) {
  for (int turn = 0; turn < 2; turn++) {
    GraphNode *p = made_by(flat, node->in[turn], GRAPH_Mul),
              *q = made_by(flat, node->in[1 - turn], GRAPH_Mul);
    *s = (CellStep){.op = GRAPH_Gru, .h_new = node->out[0]};
    for (int a = 0; p && a < 2; a++) {
      Activated z = gate_of(flat, p->in[a]);
      if (!z.name) continue;
      for (int b = 0; q && b < 2; b++) { /* z h + (1 - z) n */
        Activated rest = complement_of(flat, q->in[b]);
        if (!rest.name || step_source(flat, rest.in) != step_source(flat, z.in)) continue;
        if (complete_gru(flat, s, z, false, p->in[1 - a], q->in[1 - b])) return true;
        if (complete_gru(flat, s, z, true, q->in[1 - b], p->in[1 - a])) return true;
      }
      GraphNode *gap = made_by(flat, p->in[1 - a], GRAPH_Sub); /* n + z (h - n), h + z (n - h) */
      GraphValue *base = step_source(flat, node->in[1 - turn]);
      if (!gap || step_source(flat, gap->in[1]) != base) continue;
      if (complete_gru(flat, s, z, false, gap->in[0], base)) return true;
      if (complete_gru(flat, s, z, true, base, gap->in[0])) return true;
    }
  }
  return false;
}

/* The first step from zeros, where z h has been left out: h' = (1 - z) n. */
static bool match_first_gru(const Flat *flat, GraphNode *node, CellStep *s) {
  for (int k = 0; k < 2; k++) {
    Activated z = complement_of(flat, node->in[k]), n = activation_of(flat, node->in[1 - k]);
    *s = (CellStep){.op = GRAPH_Gru, .h_new = node->out[0], .gate = {z, {0}, n}};
    if (!z.name || !n.name) continue;
    find_reset(flat, n.in, s, 0); /* s(r) of zeros may have been left out */
    return true;
  }
  return false;
}

bool cell_match(const Flat *flat, GraphNode *node, CellStep *out) {
  GraphOp op = node->op;
  if (op == GRAPH_Mul) return match_lstm(flat, node, out) || match_first_gru(flat, node, out);
  if (op == GRAPH_Add) return match_gru(flat, node, out);
  if (op != GRAPH_Tanh && op != GRAPH_Relu && op != GRAPH_Sigmoid) return false;
  Activated a = activation_of(flat, node->out[0]);
  *out = (CellStep){.op = GRAPH_Rnn, .h_new = node->out[0], .gate = {a}};
  return a.name != NULL;
}
