/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Masks over the steps of bounded sequences. In, a flat graph whose inputs have padding after their
 * real steps, with masks that tell the real steps, or an input that gives their number; out, a flat
 * graph without masks that computes the same from the real steps alone:
 *
 *   x * mask                               x
 *   sum(x * mask) / sum(mask)              mean(x)
 *   a recurrent operator with a mask       without it, or with lengths
 *
 * A value has n steps in the model and N steps in the graph. Both compute the same as long as no
 * real step, and no value without steps, depends on a masked step. If a node depends on one,
 * whole.c gives it all N steps. */
#include "import/lift/masks.h"
#include "import/lift/recurrent_form.h"
#include "import/lift/sizes.h"

#include "base/text.h"

#include <string.h>

/* Whether the result of an operator has the same numbers, moved or cast. */
static bool moves(GraphOp op) {
  return op == GRAPH_Identity || op == GRAPH_Cast || op == GRAPH_Squeeze || op == GRAPH_Unsqueeze ||
         op == GRAPH_Transpose || op == GRAPH_Reshape;
}

const GraphInput *masks_padded_input(const Lift *l, const GraphValue *value) {
  while (value->node && moves(value->node->op))
    value = value->node->in[0];
  for (int i = 0; i < l->flat->n_file_in; i++)
    if (l->flat->graph->in[i].value == value && l->graph->in[l->file_input[i]].has_padding)
      return &l->graph->in[l->file_input[i]];
  return NULL;
}

/* Whether a value is x != padding, element by element, for an input x with padding. */
static bool differs_from_padding(const Lift *l, const GraphValue *value) {
  const GraphNode *node = value->node,
                  *equal = node && node->op == GRAPH_Not ? node->in[0]->node : NULL;
  if (!equal || equal->op != GRAPH_Equal) return false;
  for (int i = 0; i < 2; i++) {
    const GraphTensor *number = lift_type(l, equal->in[1 - i]);
    const GraphInput *in = masks_padded_input(l, equal->in[i]);
    if (in && graph_known(number) && number->count == 1 && graph_at(number, 0) == in->padding)
      return true;
  }
  return false;
}

/* Whether a reduction leaves the steps: none of the axes that it names is time. */
static bool reduces_features(const Lift *l, const GraphNode *node) {
  const GraphAttribute *axes = graph_attribute(node, GRAPH_ATTR_axes);
  for (int i = 0; axes && i < axes->n; i++)
    if (masks_axis_is_time(l, node->in[0], axes->i[i])) return false;
  return axes != NULL;
}

/* Whether a value is a constant that is true, or false, everywhere. */
static bool is_all(const Lift *l, const GraphValue *value, bool truth) {
  const GraphTensor *t = lift_type(l, value);
  bool all = graph_known(t);
  for (int64_t i = 0; all && i < t->count; i++)
    all = (graph_at(t, i) != 0) == truth;
  return all;
}

static bool is_true(const Masks *m, const GraphValue *value) {
  return m->is_true[value->id] || is_all(m->l, value, true);
}

/* Whether the result of a node is true at the real steps of every sample, and at no other step. */
static bool tells_real(const Masks *m, const GraphNode *node) {
  const Lift *l = m->l;
  const GraphValue *value = node->out[0];
  if (moves(node->op)) return m->is_real[node->in[0]->id];
  if (node->op == GRAPH_And || node->op == GRAPH_Or) {
    for (int i = 0; i < 2; i++)
      if (node->op == GRAPH_And ? is_true(m, node->in[1 - i]) : is_all(l, node->in[1 - i], false))
        return m->is_real[node->in[i]->id];
    return m->is_real[node->in[0]->id] && m->is_real[node->in[1]->id];
  }
  if (node->op == GRAPH_Concat) {
    for (int i = 0; i < node->n_in; i++)
      if (!m->is_real[node->in[i]->id]) return false;
    return !masks_axis_is_time(l, value, graph_int(node, GRAPH_ATTR_axis, 0));
  }
  if (node->op == GRAPH_ReduceAny)
    return differs_from_padding(l, node->in[0]) ||
           (reduces_features(l, node) && m->is_real[node->in[0]->id]);
  if (!differs_from_padding(l, value)) return false;
  const GraphInput *in = masks_padded_input(l, node->in[0]->node->in[0]);
  if (!in) in = masks_padded_input(l, node->in[0]->node->in[1]);
  return in && in->rank == 2; /* one number a step */
}

/* Whether the result of a node is true at all steps. For a ReduceAny over features that are joined,
 * one part that is true is enough. */
static bool tells_all(const Masks *m, const GraphNode *node) {
  const Lift *l = m->l;
  if (moves(node->op)) return is_true(m, node->in[0]);
  if (node->op == GRAPH_Or) return is_true(m, node->in[0]) || is_true(m, node->in[1]);
  if (node->op == GRAPH_And) return is_true(m, node->in[0]) && is_true(m, node->in[1]);
  const GraphNode *joined = node->op == GRAPH_ReduceAny ? node->in[0]->node : NULL;
  if (!joined || joined->op != GRAPH_Concat || !reduces_features(l, node) ||
      masks_axis_is_time(l, joined->out[0], graph_int(joined, GRAPH_ATTR_axis, 0)))
    return false;
  for (int i = 0; i < joined->n_in; i++)
    if (is_true(m, joined->in[i])) return true;
  return false;
}

/* Fills is_real and is_true for truths, and for values that move or cast them. */
static void find_masks(Masks *m) {
  const Graph *graph = m->l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (!node->n_out || !node->n_in || !node->in[0]) continue;
    bool truth = lift_type(m->l, node->out[0])->elem == GRAPH_BOOL;
    if (!truth && !moves(node->op)) continue;
    m->is_real[node->out[0]->id] = tells_real(m, node);
    m->is_true[node->out[0]->id] = tells_all(m, node);
  }
}

/* The x of x * mask; NULL: the node is no such product. masks: by value id. */
static GraphValue *unmasked(const Lift *l, const GraphNode *node, const bool *masks) {
  if (!node || node->op != GRAPH_Mul) return NULL;
  for (int i = 0; i < 2; i++)
    if (masks[node->in[1 - i]->id] &&
        lift_type(l, node->in[i])->count == lift_type(l, node->out[0])->count)
      return node->in[i];
  return NULL;
}

/* How many operands of nodes are this value. */
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
  if (!sum || !count || sum->op != GRAPH_ReduceSum || count->op != GRAPH_ReduceSum) return;
  bool real = m->is_real[count->in[0]->id], all = !real && m->is_true[count->in[0]->id];
  GraphValue *x = real ? unmasked(m->l, sum->in[0]->node, m->is_real) : all ? sum->in[0] : NULL;
  if (!x || readers(m->l, sum->out[0]) != 1) return;
  sum->op = GRAPH_ReduceMean;
  sum->in[0] = x;
  m->heeds[sum->out[0]->id] = real;
  flat_replace(m->l->flat, div->out[0], sum->out[0]);
}

/* The input that gives a value, moved or cast at most, which holds the number of steps of each
 * sample; -1: it is computed. */
static int input_of_lengths(const Lift *l, const GraphValue *value) {
  while (value->node && moves(value->node->op))
    value = value->node->in[0];
  for (int i = 0; i < l->flat->n_file_in; i++)
    if (l->flat->graph->in[i].value == value && graph_elem_is_whole(lift_type(l, value)->elem) &&
        lift_type(l, value)->count == l->flat_batch)
      return i;
  return -1;
}

/* Removes operand k, the lengths, of a recurrent operator, because an input that gives them becomes
 * the length of the sequence. After the length the operator gives zeros and keeps its state, as if
 * the sequence ended there. */
static void rewrite_length(Masks *m, GraphNode *node, int k) {
  Lift *l = m->l;
  int input = input_of_lengths(l, node->in[k]);
  if (input < 0) return;
  l->is_length[input] = true;
  node->in[k] = NULL;
  graph_set_int(l->flat->graph, node, GRAPH_ATTR_zero_output, 1);
  m->heeds[node->out[0]->id] = true;
}

/* Removes the masks, and notes which nodes heed them. */
static void rewrite(Masks *m) {
  const Graph *graph = m->l->flat->graph;
  find_masks(m);
  for (int i = 0; i < graph->n_nodes; i++) {
    GraphValue *x = unmasked(m->l, graph->node[i], m->is_true);
    if (x) flat_replace(m->l->flat, graph->node[i]->out[0], x);
  }
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i]->op == GRAPH_Div) rewrite_mean(m, graph->node[i]);
  for (int i = 0; i < graph->n_nodes; i++) {
    GraphNode *node = graph->node[i];
    const RecurrentForm *form = recurrent_form(node->op);
    if (!form) continue;
    int k = form->mask;
    const GraphValue *lengths = recurrent_operand(node, form->lengths);
    if (lengths && !lift_is_constant(m->l, lengths)) rewrite_length(m, node, form->lengths);
    if (!recurrent_operand(node, k)) continue;
    bool real = m->is_real[node->in[k]->id];
    if (real || is_true(m, node->in[k])) node->in[k] = NULL;
    if (!real) continue;
    m->heeds[node->out[0]->id] = true;
  }
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i]->n_out)
      m->unmasked[graph->node[i]->out[0]->id] = unmasked(m->l, graph->node[i], m->is_real);
}

/* Whether a node makes a mask: it compares an input with the number that means padding. */
static bool makes_mask(const Lift *l, const GraphNode *node) {
  return node->op == GRAPH_Not && differs_from_padding(l, node->out[0]);
}

/* Whether a recurrent operator has lengths that are no constant. */
static bool any_length(const Lift *l) {
  const Graph *graph = l->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++) {
    const RecurrentForm *form = recurrent_form(graph->node[i]->op);
    const GraphValue *lengths = form ? recurrent_operand(graph->node[i], form->lengths) : NULL;
    if (lengths && !lift_is_constant(l, lengths)) return true;
  }
  return false;
}

bool lift_has_padding(const Lift *l) {
  for (int i = 0; i < l->graph->n_in; i++)
    if (l->graph->in[i].has_padding) return true;
  return false;
}

bool masks_is_live(const GraphNode *node, const bool *needed) {
  for (int k = 0; k < node->n_out; k++)
    if (needed[node->out[k]->id]) return true;
  return false;
}

/* Fills l->uses anew, without nodes that are not needed any more. */
static void count_uses(Lift *l, const bool *needed) {
  const Graph *graph = l->flat->graph;
  l->uses = ARENA_ARRAY(l->arena, int, graph->n_values + 1);
  for (int i = 0; i < graph->n_nodes; i++) {
    bool live = masks_is_live(graph->node[i], needed);
    for (int k = 0; live && k < graph->node[i]->n_in; k++)
      if (graph->node[i]->in[k]) l->uses[graph->node[i]->in[k]->id]++;
  }
  for (int i = 0; i < graph->n_out; i++)
    l->uses[graph->out[i].value->id]++;
}

/* "layer `a`, layer `b`": what makes masks. *n gets how many they are. */
static const char *makers(const Lift *l, const bool *needed, int *n) {
  Text text = text_new(l->arena);
  const char *last = NULL;
  *n = 0;
  for (int i = 0; i < l->flat->graph->n_nodes; i++) {
    const GraphNode *node = l->flat->graph->node[i];
    if (!masks_is_live(node, needed) || !makes_mask(l, node)) continue;
    if (last && strcmp(last, node->name) == 0) continue;
    last = node->name;
    text_printf(&text, "%s%s", (*n)++ ? ", " : "", lift_origin(l, node));
  }
  return text_str(&text);
}

static void note_masks(Lift *l, const char *who, int n) {
  for (int i = 0; i < l->flat->n_file_in; i++)
    if (l->is_length[i])
      foreign_note(l->foreign, "input `%s` became the length of the sequence, `%s`",
                   l->flat->graph->in[i].name, l->time.len ? l->time.len : "n");
  if (n)
    foreign_note(l->foreign,
                 "the mask%s of %s became the length of the sequence: pass the true length; grus "
                 "does not look for padding",
                 n > 1 ? "s" : "", who);
}

MaskResult lift_masks(Lift *l, const TimeWish *wish) {
  Graph *graph = l->flat->graph;
  const bool *needed = lift_needed(l);
  bool bounded = l->time.kind == TIME_BOUNDED, added;
  if (!bounded || !(lift_has_padding(l) || any_length(l))) return MASKS_DONE;
  l->is_length = ARENA_ARRAY(l->arena, bool, l->flat->n_file_in + 1);
  Masks m = {.l = l,
             .n_values = graph->n_values,
             .is_real = ARENA_ARRAY(l->arena, bool, graph->n_values + 1),
             .is_true = ARENA_ARRAY(l->arena, bool, graph->n_values + 1),
             .heeds = ARENA_ARRAY(l->arena, bool, graph->n_values + 1),
             .tail = ARENA_ARRAY(l->arena, Tail, graph->n_values + 1),
             .fill = ARENA_ARRAY(l->arena, double, graph->n_values + 1),
             .unmasked = ARENA_ARRAY(l->arena, GraphValue *, graph->n_values + 1)};
  int n;
  const char *who = makers(l, needed, &n);
  rewrite(&m);
  m.needed = lift_needed(l);
  count_uses(l, m.needed);
  masks_find_tails(&m);
  if (!masks_give_steps(&m, &added)) return MASKS_FAILED;
  if (added && (l->roles.time_is_open || l->flat_steps != l->time.n)) return MASKS_COUNT_STEPS;
  if (added) sizes_solve_again(l, wish);
  count_uses(l, lift_needed(l));
  note_masks(l, who, n);
  return MASKS_DONE;
}
