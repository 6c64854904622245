/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Matching the equations of one step: see cell.h. The two operands of a product or of a sum are
 * tried in both orders. */
#include "import/lift/cell.h"

#include "import/lift/trace.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

GraphValue *step_source(const Flat *flat, GraphValue *value) {
  for (;;) {
    const GraphNode *node = value->node;
    if (!node || graph_known(flat_type_of(flat, value))) return value;
    bool keeps = node->op == GRAPH_Identity || node->op == GRAPH_Reshape ||
                 node->op == GRAPH_Squeeze || node->op == GRAPH_Unsqueeze ||
                 node->op == GRAPH_Flatten || node->op == GRAPH_Expand;
    keeps = keeps && flat_type_of(flat, node->in[0])->count == flat_type_of(flat, value)->count;
    if (!keeps) return value;
    value = node->in[0];
  }
}

/* The node of this operator that made a value, before moves that keep the order; NULL: another one
 * did. */
static GraphNode *made_by(const Flat *flat, GraphValue *value, GraphOp op) {
  GraphNode *node = step_source(flat, value)->node;
  return node && node->op == op ? node : NULL;
}

/* Whether a value is a constant all of whose elements are one number, which *out gets. */
static bool number_of(const Flat *flat, const GraphValue *value, double *out) {
  const GraphTensor *t = flat_type_of(flat, value);
  if (!graph_known(t) || !t->count) return false;
  for (int64_t i = 1; i < t->count; i++)
    if (graph_at(t, i) != graph_at(t, 0)) return false;
  *out = graph_at(t, 0);
  return true;
}

static bool is_number(const Flat *flat, const GraphValue *value, double x) {
  double found;
  return number_of(flat, value, &found) && fabs(found - x) < 1e-6;
}

/* A hard sigmoid min(1, max(0, scale t + move)), written as a Clip of a sum. */
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
        return (Activated){.in = product->in[1 - j], .name = name};
      }
  }
  return none;
}

/* The activation that a value is. Its name is NULL if it is none. */
static Activated activation_of(const Flat *flat, GraphValue *value) {
  static const struct {
    GraphOp op;
    const char *name;
  } known[] = {{GRAPH_Tanh, "tanh"},         {GRAPH_Relu, "relu"},
               {GRAPH_Softsign, "softsign"}, {GRAPH_Softplus, "softplus"},
               {GRAPH_Sigmoid, "sigmoid"},   {GRAPH_Exp, "exp"}};
  GraphNode *node = step_source(flat, value)->node;
  for (size_t i = 0; node && i < sizeof known / sizeof *known; i++)
    if (node->op == known[i].op) return (Activated){.in = node->in[0], .name = known[i].name};
  bool elu = node && node->op == GRAPH_Elu && graph_number(node, GRAPH_ATTR_alpha, 1) == 1 &&
             graph_number(node, GRAPH_ATTR_gamma, 1) == 1;
  if (elu) return (Activated){.in = node->in[0], .name = "elu(1)"};
  return (Activated){0};
}

/* The same for functions whose values lie between 0 and 1. */
static Activated sigmoid_of(const Flat *flat, GraphValue *value) {
  GraphNode *node = step_source(flat, value)->node;
  if (!node) return (Activated){0};
  if (node->op == GRAPH_Sigmoid) return (Activated){.in = node->in[0], .name = "sigmoid"};
  if (node->op == GRAPH_HardSigmoid) {
    const char *name = arena_printf(flat->arena, "hard_sigmoid(%.9g,%.9g)",
                                    graph_number(node, GRAPH_ATTR_alpha, 0.2),
                                    graph_number(node, GRAPH_ATTR_beta, 0.5));
    return (Activated){.in = node->in[0], .name = name};
  }
  return node->op == GRAPH_Clip ? clipped_line(flat, node) : (Activated){0};
}

/* The function of a gate: a sigmoid, or another activation if it is none. */
static Activated gate_of(const Flat *flat, GraphValue *value) {
  Activated gate = sigmoid_of(flat, value);
  return gate.name ? gate : activation_of(flat, value);
}

/* ---- LSTM ---- */

/* A product read as s(gate) times something. */
typedef struct Gated {
  Activated gate;
  GraphValue *other;
} Gated;

/* Writes the ways to read a product so, and returns how many there are: two if both factors look
 * like gates. A way whose gate is a sigmoid comes first. */
static int gated(const Flat *flat, const GraphNode *product, Gated way[2]) {
  int n = 0;
  for (int k = 0; product && k < 2; k++) {
    Activated gate = gate_of(flat, product->in[k]);
    if (gate.name) way[n++] = (Gated){gate, product->in[1 - k]};
  }
  bool second_alone =
      n == 2 && sigmoid_of(flat, way[0].other).name && !sigmoid_of(flat, way[1].other).name;
  if (!second_alone) return n;
  Gated first = way[0];
  way[0] = way[1];
  way[1] = first;
  return n;
}

/* Whether fc and ig are the products of c' = f c + i g, which *s gets. If both look like a gate
 * times an activation, c is the factor that no activation made. sure: the other order has been
 * tried, so c may be an activation too. */
static bool state_fits(const Flat *flat, const GraphNode *sum, const Gated *fc, const Gated *ig,
                       bool sure, CellStep *s) {
  GraphValue *c = step_source(flat, fc->other);
  if (strcmp(fc->gate.name, ig->gate.name) != 0) return false;
  if (flat_type_of(flat, c)->count != flat_type_of(flat, sum->out[0])->count) return false;
  if (!sure && c->node && activation_of(flat, c).name) return false;
  Activated g = activation_of(flat, ig->other);
  if (!g.name) g = (Activated){.in = ig->other, .name = "linear"};
  s->c = c;
  s->gate[GATE_I] = ig->gate;
  s->gate[GATE_F] = fc->gate;
  s->gate[GATE_G] = g;
  return true;
}

/* Whether a sum is c' = f c + i g. */
static bool match_cell_state(const Flat *flat, GraphNode *sum, CellStep *s) {
  for (int order = 0; order < 2; order++) {
    GraphNode *kept = made_by(flat, sum->in[order], GRAPH_Mul),
              *added = made_by(flat, sum->in[1 - order], GRAPH_Mul);
    Gated fc[2], ig[2];
    int n_kept = gated(flat, kept, fc), n_added = gated(flat, added, ig);
    for (int i = 0; i < n_kept * n_added; i++)
      if (state_fits(flat, sum, &fc[i / n_added], &ig[i % n_added], order == 1, s)) {
        s->kept = kept->out[0];
        return true;
      }
  }
  return false;
}

/* Whether a product is c' = i g: the first step from zeros, in which the file has no f c. gate: the
 * function of the output gate, which i must have too. */
static bool match_first_state(const Flat *flat, GraphNode *product, const char *gate, CellStep *s) {
  Gated ig[2];
  int n = gated(flat, product, ig);
  bool alike =
      flat_type_of(flat, product->in[0])->count == flat_type_of(flat, product->in[1])->count;
  for (int k = 0; k < n && alike; k++) {
    Activated g = activation_of(flat, ig[k].other);
    if (!g.name || strcmp(ig[k].gate.name, gate) != 0) continue;
    s->gate[GATE_I] = ig[k].gate;
    s->gate[GATE_G] = g;
    return true;
  }
  return false;
}

/* If a Clip keeps c' within -clip..clip: the sum c'; NULL: its bounds are others. */
static GraphNode *clipped_sum(const Flat *flat, const GraphNode *clip, CellStep *s) {
  double low = graph_number(clip, GRAPH_ATTR_low, -INFINITY),
         high = graph_number(clip, GRAPH_ATTR_high, INFINITY);
  if (low != -high || !isfinite(high)) return NULL;
  s->cell_clip = high;
  return made_by(flat, clip->in[0], GRAPH_Add);
}

/* Whether a product is h' = o b(c'). */
static bool match_lstm(const Flat *flat, GraphNode *node, CellStep *s) {
  Gated out[2];
  int n = gated(flat, node, out);
  for (int k = 0; k < n; k++) {
    GraphValue *inner = step_source(flat, out[k].other);
    Activated b = activation_of(flat, inner);
    GraphValue *c_new = step_source(flat, b.name ? b.in : inner);
    GraphNode *sum = c_new->node;
    *s = (CellStep){.op = GRAPH_Lstm,
                    .h_new = node->out[0],
                    .c_new = c_new,
                    .out_activation = b.name ? b.name : "linear"};
    if (sum && sum->op == GRAPH_Clip) sum = clipped_sum(flat, sum, s);
    bool state = sum && sum->op == GRAPH_Add && match_cell_state(flat, sum, s);
    bool first = !state && sum && sum->op == GRAPH_Mul && b.name &&
                 match_first_state(flat, sum, out[k].gate.name, s);
    s->gate[GATE_O] = out[k].gate;
    if ((state || first) && strcmp(out[k].gate.name, s->gate[GATE_I].name) == 0) return true;
  }
  return false;
}

/* ---- GRU ---- */

/* The gate s(z) of 1 - s(z). */
static Activated complement_of(const Flat *flat, GraphValue *value) {
  GraphNode *sub = made_by(flat, value, GRAPH_Sub);
  return sub && is_number(flat, sub->in[0], 1) ? gate_of(flat, sub->in[1]) : (Activated){0};
}

/* Whether a node is inside the sums and products of one step. A slice that takes a step from a
 * sequence is where a cell begins, unless the sequence is itself a sum or a product. */
static bool is_inside(const Flat *flat, const GraphNode *node) {
  if (node->op == GRAPH_Add || node->op == GRAPH_MatMul) return true;
  bool cuts = node->op == GRAPH_Gather || node->op == GRAPH_Slice || node->op == GRAPH_Split;
  const GraphNode *whole = cuts ? step_source(flat, node->in[0])->node : NULL;
  if (cuts) return whole && (whole->op == GRAPH_Add || whole->op == GRAPH_MatMul);
  return trace_moves(flat, node);
}

/* Looks for a product with a factor s(r), `depth` nodes before the argument of n. left: how many
 * values may still be visited. */
static bool find_reset_at(const Flat *flat, GraphValue *value, CellStep *s, int depth, int *left) {
  value = step_source(flat, value);
  GraphNode *node = value->node;
  if (!node || --*left < 0) return false;
  if (!depth && node->op == GRAPH_Mul)
    for (int k = 0; k < 2; k++) {
      Activated r = gate_of(flat, node->in[k]);
      if (!r.name || strcmp(r.name, s->gate[GATE_Z].name) != 0) continue;
      s->gate[GATE_R] = r;
      s->reset_product = node->out[0];
      s->reset_of = node->in[1 - k];
      return true;
    }
  bool inside = depth && is_inside(flat, node);
  for (int i = 0; inside && i < node->n_in && *left > 0; i++)
    if (node->in[i] && !graph_known(flat_type_of(flat, node->in[i])) &&
        find_reset_at(flat, node->in[i], s, depth - 1, left))
      return true;
  return false;
}

/* Finds the nearest product with s(r), because a farther one may belong to an earlier cell. */
static bool find_reset(const Flat *flat, GraphValue *value, CellStep *s) {
  enum { MOST_NODES = 12, MOST_VALUES = 1 << 12 };
  int left = MOST_VALUES;
  for (int depth = 0; depth <= MOST_NODES; depth++)
    if (find_reset_at(flat, value, s, depth, &left)) return true;
  return false;
}

/* Whether these parts are a GRU step, which *s gets. swapped: s(z) is multiplied by the candidate.
 */
static bool complete_gru(const Flat *flat, CellStep *s, Activated z, bool swapped, GraphValue *h,
                         GraphValue *candidate) {
  Activated n = activation_of(flat, candidate);
  if (!z.name || !n.name || flat_type_of(flat, h)->count != flat_type_of(flat, s->h_new)->count)
    return false;
  if (swapped && strcmp(z.name, "sigmoid") != 0)
    return false; /* the sigmoid of -z is 1 - the sigmoid of z; other functions lack this */
  s->gate[GATE_Z] = z;
  s->gate[GATE_N] = n;
  s->z_swapped = swapped;
  s->h = step_source(flat, h);
  return find_reset(flat, n.in, s);
}

/* Whether a sum is h' = z h + (1 - z) n, or the same as n + z (h - n) or h + z (n - h). */
static bool match_gru(const Flat *flat, GraphNode *node, CellStep *s) {
  for (int order = 0; order < 2; order++) {
    GraphNode *p = made_by(flat, node->in[order], GRAPH_Mul),
              *q = made_by(flat, node->in[1 - order], GRAPH_Mul);
    GraphValue *base = step_source(flat, node->in[1 - order]);
    Gated zh[2];
    int n = gated(flat, p, zh);
    *s = (CellStep){.op = GRAPH_Gru, .h_new = node->out[0]};
    for (int a = 0; a < n; a++) {
      Activated z = zh[a].gate;
      for (int b = 0; q && b < 2; b++) {
        Activated rest = complement_of(flat, q->in[b]);
        if (!rest.name || step_source(flat, rest.in) != step_source(flat, z.in)) continue;
        if (complete_gru(flat, s, z, false, zh[a].other, q->in[1 - b])) return true;
        if (complete_gru(flat, s, z, true, q->in[1 - b], zh[a].other)) return true;
      }
      GraphNode *gap = made_by(flat, zh[a].other, GRAPH_Sub);
      if (!gap || step_source(flat, gap->in[1]) != base) continue;
      if (complete_gru(flat, s, z, false, gap->in[0], base)) return true;
      if (complete_gru(flat, s, z, true, base, gap->in[0])) return true;
    }
  }
  return false;
}

/* Whether a product is h' = (1 - z) n: the first step from zeros, in which the file has no z h. */
static bool match_first_gru(const Flat *flat, GraphNode *node, CellStep *s) {
  for (int k = 0; k < 2; k++) {
    Activated z = complement_of(flat, node->in[k]), n = activation_of(flat, node->in[1 - k]);
    *s = (CellStep){.op = GRAPH_Gru, .h_new = node->out[0], .gate = {[GATE_Z] = z, [GATE_N] = n}};
    if (!z.name || !n.name) continue;
    find_reset(flat, n.in, s); /* a file that starts from zeros may have no s(r) */
    return true;
  }
  return false;
}

bool cell_match(const Flat *flat, GraphNode *node, CellStep *out) {
  GraphOp op = node->op;
  if (op == GRAPH_Mul) return match_lstm(flat, node, out) || match_first_gru(flat, node, out);
  if (op == GRAPH_Add) return match_gru(flat, node, out);
  Activated a = activation_of(flat, node->out[0]);
  *out = (CellStep){.op = GRAPH_Rnn, .h_new = node->out[0], .gate = {[GATE_H] = a}};
  return a.name != NULL && a.in == node->in[0];
}
