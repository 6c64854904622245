/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which nodes see masked steps. In, a flat graph whose recurrent operators and means heed their
 * masks; out, what the masked steps of each value hold, and whether a node computes a real step, or
 * a value without steps, from masked steps. */
#include "import/lift/masks.h"
#include "import/lift/recurrent_form.h"

#include <string.h>

bool masks_is_time(const Lift *l, int atom) {
  return atom_family(l->atoms, atom) == l->roles.time;
}

bool masks_axis_is_time(const Lift *l, const GraphValue *value, int64_t axis) {
  int atom[FACTORS_MAX],
      rank = lift_type(l, value)->rank,
      n = atoms_of_axis(l->atoms, value, (int)(axis < 0 ? axis + rank : axis), atom);
  for (int i = 0; i < n; i++)
    if (masks_is_time(l, atom[i])) return true;
  return false;
}

bool masks_has_time(const Lift *l, const GraphValue *value) {
  Factors f = atoms_of(l->atoms, value);
  for (int i = 0; i < f.n; i++)
    if (masks_is_time(l, f.atom[i])) return true;
  return false;
}

/* Whether every axis of time of x is one of y too. */
static bool keeps_time(const Lift *l, const GraphValue *x, const GraphValue *y) {
  Factors from = atoms_of(l->atoms, x), to = atoms_of(l->atoms, y);
  for (int i = 0; i < from.n; i++) {
    bool found = !masks_is_time(l, from.atom[i]);
    for (int k = 0; k < to.n && !found; k++)
      found = atom_same(l->atoms, to.atom[k]) == atom_same(l->atoms, from.atom[i]);
    if (!found) return false;
  }
  return true;
}

/* Whether each step of the result of a convolution or a pool depends on steps up to it only. */
static bool looks_back(const Lift *l, const GraphNode *node) {
  const GraphAttribute *strides = graph_attribute(node, GRAPH_ATTR_strides),
                       *pads = graph_attribute(node, GRAPH_ATTR_pads);
  const GraphAttribute *kernel = graph_attribute(node, GRAPH_ATTR_kernel),
                       *dilations = graph_attribute(node, GRAPH_ATTR_dilations);
  int spatial = lift_type(l, node->in[0])->rank - 2;
  for (int i = 0; i < spatial; i++) {
    if (!masks_axis_is_time(l, node->in[0], 2 + i)) continue;
    int64_t taps = node->op == GRAPH_Conv ? lift_type(l, node->in[1])->dim[2 + i]
                   : kernel               ? kernel->i[i]
                                          : 1;
    int64_t reach = (taps - 1) * (dilations ? dilations->i[i] : 1);
    bool own = (strides ? strides->i[i] : 1) == 1 && (pads ? pads->i[spatial + i] : 0) == 0;
    if (!own || (pads ? pads->i[i] : 0) != reach) return false;
  }
  return true;
}

/* Whether a Gather takes a step that is real or equal to a real one: the first step, or the last
 * step of a value whose masked steps hold the last real one. */
static bool takes_last_held(const Masks *m, const GraphNode *node) {
  const GraphTensor *x = lift_type(m->l, node->in[0]),
                    *at = node->op == GRAPH_Gather ? lift_type(m->l, node->in[1]) : NULL;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (!at || !graph_known(at) || at->count != 1 || !masks_axis_is_time(m->l, node->in[0], axis))
    return false;
  int64_t place = (int64_t)graph_at(at, 0);
  if (place == 0) return true;
  return (place == -1 || place == x->dim[axis < 0 ? axis + x->rank : axis] - 1) &&
         m->tail[node->in[0]->id] == TAIL_HELD;
}

/* Whether a node goes along time: the steps of its operand or, for Attention, of its keys. */
static bool goes_along_time(const Lift *l, const GraphNode *node) {
  const GraphValue *x = node->in[0];
  GraphOp op = node->op;
  int64_t axis = graph_int(node, GRAPH_ATTR_axis, 0);
  if (op == GRAPH_Attention)
    return masks_axis_is_time(l, node->in[1], lift_type(l, node->in[1])->rank - 2);
  if (op == GRAPH_Softmax || op == GRAPH_LogSoftmax || op == GRAPH_LpNormalize ||
      op == GRAPH_CumSum)
    return masks_axis_is_time(l, x, axis);
  if (op != GRAPH_LayerNorm && op != GRAPH_RmsNorm) return false;
  for (; axis < lift_type(l, x)->rank; axis++)
    if (masks_axis_is_time(l, x, axis)) return true;
  return false;
}

bool masks_is_safe(const Masks *m, const GraphNode *node) {
  const Lift *l = m->l;
  GraphOp op = node->op;
  bool backward = strcmp(graph_word(node, GRAPH_ATTR_direction, 0, "forward"), "forward") != 0;
  if (m->heeds[node->out[0]->id]) return true;
  if (recurrent_form(op))
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
    if (node->in[k] && !lift_is_constant(l, node->in[k]) && masks_has_time(l, node->in[k]) &&
        !keeps_time(l, node->in[k], node->out[0]))
      return false;
  return true;
}

bool masks_sees_time(const Lift *l, const GraphNode *node) {
  for (int k = 0; k < node->n_in; k++)
    if (node->in[k] && !lift_is_constant(l, node->in[k]) && masks_has_time(l, node->in[k]))
      return true;
  return false;
}

/* Whether steps of the result depend on other steps of the operands. */
static bool mixes_steps(const Lift *l, const GraphNode *node) {
  GraphOp op = node->op;
  return op == GRAPH_Conv || op == GRAPH_ConvTranspose || op == GRAPH_MaxPool ||
         op == GRAPH_AvgPool || op == GRAPH_Attention || op == GRAPH_State || op == GRAPH_Keep ||
         op == GRAPH_CumSum || recurrent_form(node->op) || goes_along_time(l, node);
}

/* A recurrent operator that reads forward repeats its last result at masked steps, unless it gives
 * zeros there, as one that reads backward does. */
static Tail tail_of_recurrent(const GraphNode *node) {
  const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
  if (graph_int(node, GRAPH_ATTR_zero_output, 0) || strcmp(direction, "backward") == 0)
    return TAIL_FILL;
  return strcmp(direction, "forward") == 0 ? TAIL_HELD : TAIL_ANY;
}

/* What the masked steps of the result hold. A node that only moves numbers has the tail of its
 * operand. A node that works on each step alone holds its last real step if its operands do. Of
 * other nodes nothing is known. */
static Tail tail_of(const Masks *m, const GraphNode *node, double *fill) {
  const Lift *l = m->l;
  Tail tail = TAIL_HELD;
  bool any = false;
  *fill = 0;
  if (m->unmasked[node->out[0]->id]) return TAIL_FILL;
  if (m->heeds[node->out[0]->id])
    return recurrent_form(node->op) ? tail_of_recurrent(node) : TAIL_ANY;
  if (mixes_steps(l, node)) return TAIL_ANY;
  for (int k = 0; k < node->n_in; k++) {
    const GraphValue *x = node->in[k];
    if (!x || lift_is_constant(l, x) || !masks_has_time(l, x)) continue;
    any = true;
    if (m->tail[x->id] != TAIL_HELD) tail = TAIL_ANY;
  }
  if (!any || tail == TAIL_HELD) return any ? tail : TAIL_ANY;
  bool moves = graph_op_moves(node->op) == GRAPH_MOVES_first;
  if (moves) *fill = m->fill[node->in[0]->id];
  return moves ? m->tail[node->in[0]->id] : TAIL_ANY;
}

void masks_find_tails(Masks *m) {
  const Lift *l = m->l;
  for (int i = 0; i < l->flat->n_file_in; i++) {
    const GraphValue *in = l->flat->graph->in[i].value;
    const GraphInput *padded = masks_padded_input(l, in);
    if (!padded) continue;
    m->tail[in->id] = TAIL_FILL;
    m->fill[in->id] = padded->padding;
  }
  for (int i = 0; i < l->flat->graph->n_nodes; i++) {
    const GraphNode *node = l->flat->graph->node[i];
    if (node->n_out && masks_sees_time(l, node))
      m->tail[node->out[0]->id] = tail_of(m, node, &m->fill[node->out[0]->id]);
  }
}

bool masks_refuse(const Masks *m, const GraphNode *node) {
  const GraphMasked *words = node->masked;
  Diag *d = lift_refuse(m->l, node, E903, "%s",
                        words ? words->what
                              : "sees the masked steps of its sequence as if they were real");
  if (words && words->why) diag_note(d, "%s", words->why);
  diag_fix(d, FIX_MAYBE, "%s",
           words && words->cure ? words->cure
                                : "recurrent layers that read forward and means over time use a "
                                  "mask that reaches them");
  return false;
}
