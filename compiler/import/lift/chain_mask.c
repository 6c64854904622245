/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Steps that a mask skips. In, the steps of cells in a flat graph; out, for each step the mask that
 * chooses between its new state h' and that of the step before, by a truth for each sample:
 *
 *   h = Where(mask, h', h of the step before), and c in the same way */
#include "import/lift/chain.h"

/* The truths of the samples, [samples], from which a value repeats one for every unit. */
static GraphValue *unspread(const Recognising *r, GraphValue *value) {
  for (;;) {
    value = step_source(r->flat, value);
    const GraphNode *node = value->node;
    if (!node || (node->op != GRAPH_Tile && node->op != GRAPH_Expand) ||
        chain_type(r, node->in[0])->count != r->samples)
      return value;
    value = node->in[0];
  }
}

/* Whether a Where chooses between `value` and another one, by one truth for each sample. */
static bool chooses(const Recognising *r, const GraphNode *node, const GraphValue *value) {
  return step_source(r->flat, node->in[1]) == value &&
         chain_type(r, node->out[0])->count == chain_type(r, value)->count &&
         chain_type(r, unspread(r, node->in[0]))->count == r->samples;
}

static bool is_zero(const GraphTensor *t) {
  return graph_known(t) && graph_is_all(t, 0);
}

/* Whether the step reads the state of a step that was found earlier. is_state: by value id. */
static bool has_before(Recognising *r, const CellStep *s, const bool *is_state) {
  GraphValue *source[FORM_MAX_TERMS];
  int n = 0;
  if (s->op == GRAPH_Gru) return s->h && !graph_known(chain_type(r, s->h));
  if (s->op == GRAPH_Lstm) return s->c && !graph_known(chain_type(r, s->c));
  form_sources(&r->forms, s->gate[GATE_H].in, source, &n);
  for (int i = 0; i < n; i++)
    if (is_state[source[i]->id]) return true;
  return false;
}

/* How much a choice looks like the choice of the state; the highest wins. A result may be chosen by
 * the same mask, and then looks alike. */
enum { OF_RESULT, OF_ZERO, OF_NUMBERS = 3, OF_VALUE = 5, OF_STATE, OF_OWN };

/* The likeness of a Where. first: the step is the first one of its chain. */
static int likeness(const Recognising *r, const CellStep *s, const GraphNode *node, bool first,
                    const bool *is_state) {
  const GraphValue *old = step_source(r->flat, node->in[2]);
  const GraphTensor *t = chain_type(r, old);
  if (s->op == GRAPH_Gru && old == s->h) return OF_OWN;
  if (is_state[old->id]) return OF_STATE;
  if (!graph_known(t)) return OF_VALUE;
  if (!first) return OF_RESULT;
  return is_zero(t) ? OF_ZERO : OF_NUMBERS;
}

/* Whether another choice keeps the result of this one, as the choice of the next step does. */
static bool is_old(const Recognising *r, const GraphNode *node, int n, GraphNode *const *where) {
  for (int i = 0; i < n; i++)
    if (step_source(r->flat, where[i]->in[2]) == node->out[0]) return true;
  return false;
}

/* Whether `old`, which a choice keeps, is the c before the step. It may be a constant. */
static bool is_c(const Recognising *r, const CellStep *s, const GraphValue *old) {
  const GraphTensor *t = chain_type(r, old), *c = s->c ? chain_type(r, s->c) : NULL;
  if (c && !graph_known(c)) return old == s->c;
  if (!graph_known(t) || (c && c->count != t->count)) return false;
  for (int64_t i = 0; i < t->count; i++)
    if (graph_at(t, i) != (c ? graph_at(c, i) : 0)) return false;
  return true;
}

/* The choice of c by the mask of the step; NULL: there is none. */
static const GraphNode *choice_of_c(const Recognising *r, const CellStep *s, int n,
                                    GraphNode *const *where) {
  for (int i = 0; i < n; i++) {
    const GraphValue *old = step_source(r->flat, where[i]->in[2]);
    if (is_c(r, s, old) && chooses(r, where[i], s->c_new) &&
        unspread(r, where[i]->in[0]) == s->mask)
      return where[i];
  }
  return NULL;
}

/* Sets the mask of a step, and the values that it chooses between; where: the n Wheres of the
 * graph.
 */
static void find_mask(Recognising *r, CellStep *s, int n, GraphNode *const *where, bool *is_state) {
  int best = -1, found = -1;
  bool first = false, known = false;
  for (int i = 0; i < n; i++) {
    if (!chooses(r, where[i], s->h_new)) continue;
    if (!known) first = !has_before(r, s, is_state);
    known = true;
    int like = likeness(r, s, where[i], first, is_state);
    if (like == OF_ZERO || like == OF_NUMBERS) like += is_old(r, where[i], n, where);
    if (like <= best) continue;
    best = like;
    found = i;
  }
  if (found < 0) return;
  s->mask = unspread(r, where[found]->in[0]);
  const GraphNode *of_c = s->op == GRAPH_Lstm ? choice_of_c(r, s, n, where) : NULL;
  s->h_state = best > OF_RESULT ? where[found]->out[0] : NULL;
  s->h_old = where[found]->in[2];
  if (s->h_state) is_state[s->h_state->id] = true;
  s->c_state = of_c ? of_c->out[0] : NULL; /* NULL in the last step, whose c no node reads */
  s->c_old = of_c ? of_c->in[2] : NULL;
}

void chain_find_masks(Recognising *r) {
  const Graph *graph = r->flat->graph;
  GraphNode **where = ARENA_ARRAY(r->flat->arena, GraphNode *, graph->n_nodes + 1);
  bool *is_state = ARENA_ARRAY(r->flat->arena, bool, graph->n_values + 1);
  int n = 0;
  for (int i = 0; i < graph->n_nodes; i++)
    if (graph->node[i]->op == GRAPH_Where) where[n++] = graph->node[i];
  for (int i = 0; i < r->steps.n; i++) {
    CellStep *s = &r->steps.step[i];
    s->h_state = s->h_new;
    s->c_state = s->c_new;
    find_mask(r, s, n, where, is_state);
  }
}

bool chain_mask(Recognising *r, const Chain *c, bool backward, GraphValue **out) {
  GraphValue **mask = ARENA_ARRAY(r->flat->arena, GraphValue *, c->n);
  int n = 0;
  bool back;
  for (int i = 0; i < c->n; i++) {
    mask[i] = r->steps.step[c->step[i]].mask;
    n += mask[i] != NULL;
  }
  *out = NULL;
  if (!n) return true;
  if (n < c->n || c->n < 2) return false;
  GraphValue *all = chain_sequence(r, c, mask, &back);
  if (!all || back != backward) return false;
  const GraphNode *like = r->steps.step[c->step[0]].h_new->node;
  *out = chain_reshaped(r, like, all, 2, (int64_t[]){c->n, r->samples});
  return *out != NULL;
}

void chain_choose_rows(Recognising *r, const CellStep *s, GraphValue *row) {
  const Graph *graph = r->flat->graph;
  for (int i = 0; i < graph->n_nodes && s->mask; i++) {
    GraphNode *node = graph->node[i];
    if (node->op == GRAPH_Where && chooses(r, node, s->h_new) &&
        unspread(r, node->in[0]) == s->mask)
      node->in[1] = row;
  }
}
