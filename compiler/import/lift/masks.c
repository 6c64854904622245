/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Masks over the steps of bounded sequences. In, a flat graph whose inputs have padding after
 * their real steps, and values that say which steps those are, or an input with their number; out,
 * the same computation of the real steps alone, without masks:
 *
 *   x * mask                               x
 *   sum(x * mask) / sum(mask)              mean(x)
 *   a recurrent operator with a mask       without it, or with lengths
 *
 * A value of the model has n steps where the graph has N. That is the same as long as no real step,
 * and nothing that outlives the sequence, is made of a masked step; what would be is refused. */
#include "import/lift/lift.h"

#include "base/text.h"

#include <string.h>

/* What the masked steps of a value hold. */
typedef enum Tail { TAIL_ANY, TAIL_HELD /* what the last real step gave */ } Tail;

typedef struct Masks {
  Lift *l;
  bool *heeds; /* by id of a first result: its node leaves masked steps out */
  Tail *tail;  /* by value id */
} Masks;

static int mask_operand(const GraphNode *node) {
  if (node->op == GRAPH_Lstm) return 8;
  if (node->op == GRAPH_Gru) return 7;
  return node->op == GRAPH_Rnn ? 6 : -1;
}

static int length_operand(const GraphNode *node) {
  return node->op == GRAPH_Gru ? 5 : mask_operand(node) >= 0 ? 4 : -1;
}

static bool moves(GraphOp op) {
  return op == GRAPH_Identity || op == GRAPH_Cast || op == GRAPH_Squeeze || op == GRAPH_Unsqueeze ||
         op == GRAPH_Transpose || op == GRAPH_Reshape;
}

/* The input of the file that a value is, moved at most; NULL: it is none that has padding. */
static const GraphInput *padded_input(const Lift *l, const GraphValue *value) {
  while (value->node && moves(value->node->op))
    value = value->node->in[0];
  for (int i = 0; i < l->flat->n_file_in; i++)
    if (l->flat->graph->in[i].value == value && l->graph->in[l->file_input[i]].has_padding)
      return &l->graph->in[l->file_input[i]];
  return NULL;
}

/* x != padding, element by element. */
static bool differs_from_padding(const Lift *l, const GraphValue *value) {
  const GraphNode *node = value->node,
                  *equal = node && node->op == GRAPH_Not ? node->in[0]->node : NULL;
  if (!equal || equal->op != GRAPH_Equal) return false;
  for (int i = 0; i < 2; i++) {
    const GraphTensor *number = lift_type(l, equal->in[1 - i]);
    const GraphInput *in = padded_input(l, equal->in[i]);
    if (in && number->data && number->count == 1 && number->data[0] == in->padding) return true;
  }
  return false;
}

static bool is_time(const Lift *l, int atom) {
  return atom_family(l->atoms, atom) == l->roles.time;
}

static bool axis_is_time(const Lift *l, const GraphValue *value, int64_t axis) {
  int atom[FACTORS_MAX],
      rank = lift_type(l, value)->rank,
      n = atoms_of_axis(l->atoms, value, (int)(axis < 0 ? axis + rank : axis), atom);
  for (int i = 0; i < n; i++)
    if (is_time(l, atom[i])) return true;
  return false;
}

/* None of the axes that a node reduces is that of the steps. */
static bool reduces_features(const Lift *l, const GraphNode *node) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  for (int i = 0; axes && i < axes->n; i++)
    if (axis_is_time(l, node->in[0], axes->i[i])) return false;
  return axes != NULL;
}

/* A constant that is true, or false, everywhere. */
static bool is_all(const Lift *l, const GraphValue *value, bool truth) {
  const GraphTensor *t = lift_type(l, value);
  bool all = t->data != NULL;
  for (int64_t i = 0; all && i < t->count; i++)
    all = (t->data[i] != 0) == truth;
  return all;
}

/* The value is true at the real steps of every sample, and at no other. */
static bool tells_real(const Lift *l, const GraphValue *value) {
  const GraphNode *node = value->node;
  if (!node) return false;
  if (moves(node->op)) return tells_real(l, node->in[0]);
  if (node->op == GRAPH_And || node->op == GRAPH_Or) {
    for (int i = 0; i < 2; i++)
      if (is_all(l, node->in[1 - i], node->op == GRAPH_And)) return tells_real(l, node->in[i]);
    return tells_real(l, node->in[0]) && tells_real(l, node->in[1]);
  }
  if (node->op == GRAPH_Concat) {
    for (int i = 0; i < node->n_in; i++)
      if (!tells_real(l, node->in[i])) return false;
    return !axis_is_time(l, value, graph_int(node, GRAPH_ATTR_axis, 0));
  }
  if (node->op == GRAPH_ReduceAny)
    return differs_from_padding(l, node->in[0]) ||
           (reduces_features(l, node) && tells_real(l, node->in[0]));
  const GraphInput *in =
      differs_from_padding(l, value) ? padded_input(l, node->in[0]->node->in[0]) : NULL;
  if (!in) in = differs_from_padding(l, value) ? padded_input(l, node->in[0]->node->in[1]) : NULL;
  return in && in->rank == 2; /* one number a step */
}

/* The value is true at all steps: one of the parts is whose truth at any feature decides. */
static bool tells_all(const Lift *l, const GraphValue *value) {
  const GraphNode *node = value->node;
  if (is_all(l, value, true)) return true;
  if (node && moves(node->op)) return tells_all(l, node->in[0]);
  const GraphNode *joined = node && node->op == GRAPH_ReduceAny ? node->in[0]->node : NULL;
  if (!joined || joined->op != GRAPH_Concat || !reduces_features(l, node) ||
      axis_is_time(l, joined->out[0], graph_int(joined, GRAPH_ATTR_axis, 0)))
    return false;
  for (int i = 0; i < joined->n_in; i++)
    if (is_all(l, joined->in[i], true)) return true;
  return false;
}

/* The operand of x * mask that is no mask; NULL: this is none. */
static GraphValue *unmasked(const Lift *l, const GraphNode *node) {
  if (!node || node->op != GRAPH_Mul) return NULL;
  for (int i = 0; i < 2; i++)
    if (tells_real(l, node->in[1 - i]) &&
        lift_type(l, node->in[i])->count == lift_type(l, node->out[0])->count)
      return node->in[i];
  return NULL;
}

static int readers(const Lift *l, const GraphValue *value) {
  int n = 0;
  for (int i = 0; i < l->flat->graph->n_nodes; i++)
    for (int k = 0; k < l->flat->graph->node[i]->n_in; k++)
      n += l->flat->graph->node[i]->in[k] == value;
  return n;
}

/* sum(x * mask) / sum(mask) becomes a mean. */
static void rewrite_mean(Masks *m, const GraphNode *div) {
  GraphNode *sum = div->in[0]->node;
  const GraphNode *count = div->in[1]->node;
  if (!sum || !count || sum->op != GRAPH_ReduceSum || count->op != GRAPH_ReduceSum ||
      !tells_real(m->l, count->in[0]))
    return;
  GraphValue *x = unmasked(m->l, sum->in[0]->node);
  if (!x || readers(m->l, sum->out[0]) != 1) return;
  sum->op = GRAPH_ReduceMean;
  sum->in[0] = x;
  m->heeds[sum->out[0]->id] = true;
  flat_replace(m->l->flat, div->out[0], sum->out[0]);
}

/* The input that gives the number of steps of each sample, as it is; -1: none does. */
static int input_of_lengths(const Lift *l, const GraphValue *value) {
  while (value->node && moves(value->node->op))
    value = value->node->in[0];
  for (int i = 0; i < l->flat->n_file_in; i++)
    if (l->flat->graph->in[i].value == value && graph_elem_is_whole(lift_type(l, value)->elem) &&
        lift_type(l, value)->count == l->flat_batch)
      return i;
  return -1;
}

/* Steps after a length give zeros, and the states are those of the last step before it: so they
 * are in a model whose sequence ends there. */
static void rewrite_length(Masks *m, GraphNode *node, int k) {
  Lift *l = m->l;
  int input = input_of_lengths(l, node->in[k]);
  if (input < 0) return;
  if (!l->is_length[input])
    foreign_note(l->foreign, "input `%s` became the length of the sequence, `%s`",
                 l->flat->graph->in[input].name, l->time.len ? l->time.len : "n");
  l->is_length[input] = true;
  node->in[k] = NULL;
  m->heeds[node->out[0]->id] = true;
}

static void rewrite(Masks *m) {
  const Graph *graph = m->l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i]->op == GRAPH_Div) rewrite_mean(m, graph->node[i]);
  for (int i = 0; i < graph->n_nodes; i++) {
    GraphNode *node = graph->node[i];
    int k = mask_operand(node), length = length_operand(node);
    if (length >= 0 && length < node->n_in && node->in[length] &&
        !lift_is_constant(m->l, node->in[length]))
      rewrite_length(m, node, length);
    if (k < 0 || k >= node->n_in || !node->in[k]) continue;
    bool real = tells_real(m->l, node->in[k]);
    if (real || tells_all(m->l, node->in[k])) node->in[k] = NULL;
    if (!real) continue;
    m->heeds[node->out[0]->id] = true;
    const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
    bool forward = strcmp(direction, "forward") == 0;
    if (forward && !graph_int(node, GRAPH_ATTR_zero_output, 0))
      m->tail[node->out[0]->id] = TAIL_HELD;
  }
  for (int i = 0; i < graph->n_nodes; i++) {
    GraphValue *x = unmasked(m->l, graph->node[i]);
    if (x) flat_replace(m->l->flat, graph->node[i]->out[0], x);
  }
}

/* ---- who sees masked steps ---- */

static bool has_time(const Lift *l, const GraphValue *value) {
  Factors f = atoms_of(l->atoms, value);
  for (int i = 0; i < f.n; i++)
    if (is_time(l, f.atom[i])) return true;
  return false;
}

/* Every axis of time of x is one of y. */
static bool keeps_time(const Lift *l, const GraphValue *x, const GraphValue *y) {
  Factors from = atoms_of(l->atoms, x), to = atoms_of(l->atoms, y);
  for (int i = 0; i < from.n; i++) {
    bool found = !is_time(l, from.atom[i]);
    for (int k = 0; k < to.n && !found; k++)
      found = atom_same(l->atoms, to.atom[k]) == atom_same(l->atoms, from.atom[i]);
    if (!found) return false;
  }
  return true;
}

/* A step of a convolution's result is made of those up to it. */
static bool looks_back(const Lift *l, const GraphNode *node) {
  const GraphAttribute *strides = graph_attribute(node, GRAPH_ATTR_strides),
                       *pads = graph_attribute(node, GRAPH_ATTR_pads);
  const GraphAttribute *kernel = graph_attribute(node, GRAPH_ATTR_kernel),
                       *dilations = graph_attribute(node, GRAPH_ATTR_dilations);
  int spatial = lift_type(l, node->in[0])->rank - 2;
  for (int i = 0; i < spatial; i++) {
    if (!axis_is_time(l, node->in[0], 2 + i)) continue;
    int64_t taps = node->op == GRAPH_Conv ? lift_type(l, node->in[1])->dim[2 + i]
                   : kernel               ? kernel->i[i]
                                          : 1;
    int64_t reach = (taps - 1) * (dilations ? dilations->i[i] : 1);
    bool own = (strides ? strides->i[i] : 1) == 1 && (pads ? pads->i[spatial + i] : 0) == 0;
    if (!own || (pads ? pads->i[i] : 0) != reach) return false;
  }
  return true;
}

/* The last step of what is held after the real ones is the last real one. */
static bool takes_last_held(const Masks *m, const GraphNode *node) {
  const GraphTensor *x = lift_type(m->l, node->in[0]),
                    *at = node->op == GRAPH_Gather ? lift_type(m->l, node->in[1]) : NULL;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (!at || !at->data || at->count != 1 || !axis_is_time(m->l, node->in[0], axis)) return false;
  int64_t place = (int64_t)at->data[0];
  if (place == 0) return true;
  return (place == -1 || place == x->dim[axis < 0 ? axis + x->rank : axis] - 1) &&
         m->tail[node->in[0]->id] == TAIL_HELD;
}

/* Whether a node goes along the steps of the operand that says which steps it sees. */
static bool goes_along_time(const Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  GraphOp op = node->op;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (op == GRAPH_Attention)
    return axis_is_time(l, node->in[1], lift_type(l, node->in[1])->rank - 2);
  if (op == GRAPH_Softmax || op == GRAPH_LogSoftmax || op == GRAPH_LpNormalize ||
      op == GRAPH_CumSum)
    return axis_is_time(l, x, axis);
  if (op != GRAPH_LayerNorm && op != GRAPH_RmsNorm) return false;
  for (; axis < lift_type(l, x)->rank; axis++)
    if (axis_is_time(l, x, axis)) return true;
  return false;
}

/* No real step of what a node makes is made of masked ones. */
static bool is_safe(const Masks *m, const GraphNode *node) {
  const Lift *l = m->l;
  GraphOp op = node->op;
  bool backward = strcmp(graph_word(node, GRAPH_ATTR_direction, 0, "forward"), "forward") != 0;
  if (m->heeds[node->out[0]->id]) return true;
  if (op == GRAPH_Lstm || op == GRAPH_Gru || op == GRAPH_Rnn)
    return !backward && !l->uses[node->out[1]->id] &&
           (node->n_out < 3 || !l->uses[node->out[2]->id]);
  if (op == GRAPH_Conv || op == GRAPH_MaxPool || op == GRAPH_AvgPool) return looks_back(l, node);
  if (op == GRAPH_Gather && takes_last_held(m, node)) return true;
  if (op == GRAPH_Reverse || op == GRAPH_ReverseSequence || op == GRAPH_GroupNorm ||
      op == GRAPH_ConvTranspose)
    return false;
  if (goes_along_time(l, node))
    return op == GRAPH_Attention ? graph_int(node, GRAPH_ATTR_causal, 0) != 0
                                 : op == GRAPH_CumSum && !graph_int(node, GRAPH_ATTR_reverse, 0);
  for (int k = 0; k < node->n_in; k++)
    if (node->in[k] && !lift_is_constant(l, node->in[k]) && has_time(l, node->in[k]) &&
        !keeps_time(l, node->in[k], node->out[0]))
      return false;
  return true;
}

static bool sees_time(const Lift *l, const GraphNode *node) {
  for (int k = 0; k < node->n_in; k++)
    if (node->in[k] && !lift_is_constant(l, node->in[k]) && has_time(l, node->in[k])) return true;
  return false;
}

/* Dense and activations of a held sequence are held; of anything else nothing is known. */
static Tail tail_of(const Masks *m, const GraphNode *node) {
  Tail tail = TAIL_HELD;
  bool any = false;
  if (node->op == GRAPH_Conv || node->op == GRAPH_CumSum || mask_operand(node) >= 0)
    return TAIL_ANY;
  for (int k = 0; k < node->n_in; k++) {
    if (!node->in[k] || lift_is_constant(m->l, node->in[k]) || !has_time(m->l, node->in[k]))
      continue;
    any = true;
    if (m->tail[node->in[k]->id] != TAIL_HELD) tail = TAIL_ANY;
  }
  return any ? tail : TAIL_ANY;
}

static bool refuse(Lift *l, const GraphNode *node) {
  const GraphMasked *words = node->masked;
  Diag *d = lift_refuse(l, node, E903, "%s",
                        words ? words->what
                              : "sees the masked steps of its sequence as if they were real");
  if (words && words->why) diag_note(d, "%s", words->why);
  diag_note(d, "%s",
            words && words->cure ? words->cure
                                 : "recurrent layers that read forward and means over time use a "
                                   "mask that reaches them");
  return false;
}

/* The node compares an input with what means padding there. */
static bool makes_mask(const Lift *l, const GraphNode *node) {
  return node->op == GRAPH_Not && differs_from_padding(l, node->out[0]);
}

/* Steps that hold something are skipped, and the sequence has no length that could say so. */
static bool refuse_mask(Lift *l, const GraphNode *node) {
  Diag *d = lift_refuse(l, node, E903, "masks steps by what they hold, which is not supported");
  diag_note(d, "if the padding comes last, a sequence of bounded length gives the same results");
  if (l->time.kind == TIME_FIXED)
    diag_fix(d, FIX_MAYBE, "import it so: --time \"n <= %lld\"", (long long)l->time.n);
  else
    diag_fix(d, FIX_FILL, "import it so: --time \"n <= N\"");
  return false;
}

/* A recurrent operator whose number of steps depends on data. */
static bool any_length(const Lift *l) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    int k = length_operand(graph->node[i]);
    if (k >= 0 && k < graph->node[i]->n_in && graph->node[i]->in[k] &&
        !lift_is_constant(l, graph->node[i]->in[k]))
      return true;
  }
  return false;
}

static bool any_padding(const Lift *l) {
  for (int i = 0; i < l->graph->n_in; i++)
    if (l->graph->in[i].has_padding) return true;
  return false;
}

static bool is_live(const GraphNode *node, const bool *needed) {
  for (int k = 0; k < node->n_out; k++)
    if (needed[node->out[k]->id]) return true;
  return false;
}

/* Without the readers that nothing needs any more. */
static void count_uses(Lift *l, const bool *needed) {
  const Graph *graph = l->flat->graph;
  memset(l->uses, 0, sizeof *l->uses * (size_t)(graph->n_values + 1));
  for (int i = 0; i < graph->n_nodes; i++) {
    bool live = is_live(graph->node[i], needed);
    for (int k = 0; live && k < graph->node[i]->n_in; k++)
      if (graph->node[i]->in[k]) l->uses[graph->node[i]->in[k]->id]++;
  }
  for (int i = 0; i < graph->n_out; i++)
    l->uses[graph->out[i].value->id]++;
}

/* "layer `a`, layer `b`" that make masks. */
static const char *makers(const Lift *l, const bool *needed, int *n) {
  Text text = text_new(l->arena);
  const char *last = NULL;
  *n = 0;
  for (int i = 0; i < l->flat->graph->n_nodes; i++) {
    const GraphNode *node = l->flat->graph->node[i];
    if (!is_live(node, needed) || !makes_mask(l, node)) continue;
    if (last && strcmp(last, node->name) == 0) continue;
    last = node->name;
    text_printf(&text, "%s%s", (*n)++ ? ", " : "", lift_origin(l, node));
  }
  return text_str(&text);
}

/* Every node but those that make masks. False after reporting the first that sees masked steps. */
static bool none_sees(Masks *m, const bool *needed) {
  const Graph *graph = m->l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (!is_live(node, needed) || !sees_time(m->l, node)) continue;
    if (!is_safe(m, node)) return refuse(m->l, node);
    if (!m->heeds[node->out[0]->id]) m->tail[node->out[0]->id] = tail_of(m, node);
  }
  return true;
}

bool lift_masks(Lift *l) {
  Graph *graph = l->flat->graph;
  const bool *needed = lift_needed(l);
  bool bounded = l->time.kind == TIME_BOUNDED;
  for (int i = 0; i < graph->n_nodes && !bounded && any_padding(l); i++)
    if (is_live(graph->node[i], needed) && makes_mask(l, graph->node[i]))
      return refuse_mask(l, graph->node[i]);
  if (!bounded || !(any_padding(l) || any_length(l))) return true;
  l->is_length = ARENA_ARRAY(l->arena, bool, l->flat->n_file_in + 1);
  Masks m = {.l = l,
             .heeds = ARENA_ARRAY(l->arena, bool, graph->n_values + 1),
             .tail = ARENA_ARRAY(l->arena, Tail, graph->n_values + 1)};
  int n;
  const char *who = makers(l, needed, &n);
  rewrite(&m);
  needed = lift_needed(l);
  count_uses(l, needed);
  if (!none_sees(&m, needed)) return false;
  if (n)
    foreign_note(l->foreign,
                 "the mask%s of %s became the length of the sequence: pass the true length; grus "
                 "does not look for padding",
                 n > 1 ? "s" : "", who);
  return true;
}
