/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cells that are no LSTM, GRU or RNN and are written out step after step. In, a flat graph; out,
 * the same values, with a State, the operators of one step over all steps, and a Keep for each such
 * cell.
 *
 * A cell goes along a sequence of T rows, all of which are read. The values of the last step are
 * compared with those of the step before it, operator by operator. Rows of a sequence must be
 * neighbours, and constants must be equal. If a value of the last step reads what corresponds to
 * another value of the last step one step earlier, that is a state. Steps T - 3 to 0 must then
 * follow the same equations. In step 0, values that depend on constant initial states alone are
 * constants, which must be those of the equations. The translation check compares the result with
 * the file. */
#include "import/lift/own.h"

#include "import/lift/lift.h"

#include <string.h>

enum {
  FEWEST_STEPS = 3,
  DEEPEST = 400,        /* how many operators of one step may follow one another */
  MOST_TRIES = 1 << 21, /* how many values are compared in all */
  MOST_CELLS = 64
};

static bool same_type(const GraphTensor *a, const GraphTensor *b) {
  return a->elem == b->elem && graph_same_shape(a, b);
}

static bool same_numbers(const GraphTensor *a, const GraphTensor *b) {
  return graph_known(a) && graph_known(b) && same_type(a, b) && graph_same_numbers(a, b);
}

static bool same_attribute(const GraphAttribute *a, const GraphAttribute *b) {
  if (!b || a->n != b->n || !a->i != !b->i || !a->f != !b->f || !a->s != !b->s) return false;
  for (int k = 0; k < a->n; k++)
    if ((a->i && a->i[k] != b->i[k]) || (a->f && a->f[k] != b->f[k]) ||
        (a->s && strcmp(a->s[k], b->s[k]) != 0))
      return false;
  return true;
}

/* Whether two nodes have the same operator, the same attributes and as many operands. */
static bool same_operator(const GraphNode *a, const GraphNode *b) {
  if (!a || !b || a->op != b->op || a->n_in != b->n_in || a->n_out != b->n_out ||
      a->n_attributes != b->n_attributes)
    return false;
  for (int k = 0; k < a->n_attributes; k++)
    if (!same_attribute(&a->attribute[k], graph_attribute(b, a->attribute[k].name))) return false;
  return true;
}

/* ---- parts ---- */

/* The part that is this value at the last step; -1: none is. */
static int part_of(const Own *own, const GraphValue *value) {
  return (size_t)value->id < own->cap_part_of ? own->part_of[value->id] - 1 : -1;
}

/* The part that is this value at the step before the last; -1: none is. */
static int before_of(const Own *own, const GraphValue *value) {
  return (size_t)value->id < own->cap_before_of ? own->before_of[value->id] - 1 : -1;
}

static int add_part(Own *own, PartKind kind, GraphValue *before, GraphValue *value) {
  Arena *arena = own->flat->arena;
  Part part = {.kind = kind, .value = value, .of = -1};
  part.at = ARENA_ARRAY(arena, GraphValue *, own->steps);
  part.at[own->steps - 1] = value;
  part.at[own->steps - 2] = before;
  ARENA_PUSH(arena, own->part, own->n, own->cap, part);
  own->part_of[value->id] = own->n;
  if (kind == PART_NODE) own->before_of[before->id] = own->n;
  return own->n - 1;
}

/* Removes the parts from number n on. */
static void drop_parts(Own *own, int n) {
  while (own->n > n) {
    const Part *part = &own->part[--own->n];
    own->part_of[part->value->id] = 0;
    if (part->kind == PART_NODE) own->before_of[part->at[own->steps - 2]->id] = 0;
  }
}

/* The row that step k of the cell reads. */
static int64_t row_at(const Own *own, int64_t k) {
  return own->backward ? own->steps - 1 - k : k;
}

/* Whether a value is the row of a sequence that step k of the cell reads. */
static bool is_row(const Own *own, GraphValue *value, int64_t k, RowPlace *out) {
  return chain_spot(&own->spots, value, out) && out->index == row_at(own, k) &&
         own_type(own, out->sequence)->dim[out->axis] == own->steps &&
         own_type(own, value)->count * own->steps == own_type(own, out->sequence)->count;
}

/* Whether a value is the row of the step before the last, of the same sequence as `last`. */
static bool is_neighbour(const Own *own, GraphValue *before, const RowPlace *last) {
  RowPlace spot;
  return is_row(own, before, own->steps - 2, &spot) && spot.sequence == last->sequence &&
         spot.axis == last->axis;
}

/* own_match() for a value at some depth of the step. */
static int match(Own *own, GraphValue *before, GraphValue *value, int depth) {
  const GraphTensor *a = own_type(own, before), *b = own_type(own, value);
  int known = part_of(own, value);
  RowPlace spot;
  if (known >= 0) return own->part[known].at[own->steps - 2] == before ? known : -1;
  if (depth > DEEPEST || ++own->tries > MOST_TRIES || !same_type(a, b)) return -1;
  if (before == value || (graph_known(a) && graph_known(b)))
    return before == value || same_numbers(a, b) ? add_part(own, PART_FIXED, before, value) : -1;
  if (graph_known(a) || graph_known(b)) return -1;
  int of = before_of(own, value);
  if (of >= 0) {
    int state = add_part(own, PART_STATE, before, value);
    own->part[state].of = of;
    return state;
  }
  if (is_row(own, value, own->steps - 1, &spot)) {
    if (!is_neighbour(own, before, &spot)) return -1;
    int row = add_part(own, PART_SEQUENCE, before, value);
    own->part[row].spot = spot;
    return row;
  }
  if (!same_operator(before->node, value->node) || before->index != value->index) return -1;
  int made = add_part(own, PART_NODE, before, value);
  for (int k = 0; k < value->node->n_in; k++) {
    GraphValue *x = before->node->in[k], *y = value->node->in[k];
    if (!x != !y || (y && match(own, x, y, depth + 1) < 0)) return -1;
  }
  return made;
}

/* Sets `stateful` of a part, and returns it. seen: the parts that are done. */
static bool find_stateful(Own *own, int which, bool *seen) {
  Part *part = &own->part[which];
  if (part->kind == PART_STATE) part->stateful = true;
  if (part->kind != PART_NODE || seen[which]) return part->stateful;
  seen[which] = true;
  bool any = false;
  for (int k = 0; k < part->value->node->n_in; k++) {
    const GraphValue *in = part->value->node->in[k];
    if (in && find_stateful(own, part_of(own, in), seen)) any = true;
  }
  own->part[which].stateful = any;
  return any;
}

static bool is_stateful(Own *own, int which) {
  bool *seen = ARENA_ARRAY(own->flat->arena, bool, own->n + 1);
  return find_stateful(own, which, seen);
}

/* ---- steps before the last two ---- */

static bool walk_operands(Own *own, const GraphNode *model, const GraphNode *node, int64_t k) {
  for (int i = 0; i < model->n_in; i++) {
    if (!model->in[i] != !node->in[i]) return false;
    if (model->in[i] && !own_walk(own, part_of(own, model->in[i]), node->in[i], k)) return false;
  }
  return true;
}

/* At step 0, a constant may take the place of a value that depends on constants. */
bool own_walk(Own *own, int which, GraphValue *value, int64_t k) {
  Part *part = &own->part[which];
  const GraphTensor *t = own_type(own, value);
  RowPlace spot;
  if (part->at[k]) return part->at[k] == value || same_numbers(own_type(own, part->at[k]), t);
  if (!same_type(t, own_type(own, part->value))) return false;
  part->at[k] = value;
  switch (part->kind) {
  case PART_FIXED: return value == part->value || same_numbers(t, own_type(own, part->value));
  case PART_SEQUENCE:
    return is_row(own, value, k, &spot) && spot.sequence == part->spot.sequence &&
           spot.axis == part->spot.axis;
  case PART_STATE: {
    GraphValue **was = k ? &own->part[part->of].at[k - 1] : NULL;
    if (was && *was && *was != value) return false;
    if (was && !*was) *was = value;
    return true;
  }
  case PART_NODE: break;
  }
  if (k == 0 && graph_known(t)) return true;
  return same_operator(value->node, part->value->node) && value->index == part->value->index &&
         walk_operands(own, part->value->node, value->node, k);
}

/* Walks the values that step k + 1 read as its states, because step k computes them. */
static bool walk_states(Own *own, int64_t k) {
  for (int i = 0; i < own->n; i++) {
    if (own->part[i].kind != PART_STATE) continue;
    int of = own->part[i].of;
    GraphValue *value = own->part[of].at[k];
    own->part[of].at[k] = NULL;
    if (!value || !own_walk(own, of, value, k)) return false;
  }
  return true;
}

/* ---- the initial states ---- */

static const GraphTensor *zeros_like(Own *own, const GraphTensor *like) {
  double *data;
  return graph_tensor(own->flat->arena, like->elem, like->rank, like->dim, &data);
}

/* The constant that a part is at step 0, computed by its equations; NULL: it depends on data. */
static const GraphTensor *number_at_first(Own *own, int which, int depth) {
  const Part *part = &own->part[which];
  const GraphTensor *known = part->at[0] ? own_type(own, part->at[0]) : NULL;
  if (part->kind != PART_NODE) return known && graph_known(known) ? known : NULL;
  const GraphNode *node = part->value->node;
  const GraphTensor **in = ARENA_ARRAY(own->flat->arena, const GraphTensor *, node->n_in + 1);
  if (depth > DEEPEST) return NULL;
  for (int k = 0; k < node->n_in; k++) {
    if (!node->in[k]) continue;
    in[k] = number_at_first(own, part_of(own, node->in[k]), depth + 1);
    if (!in[k]) return NULL;
  }
  GraphTensor *out = ARENA_ARRAY(own->flat->arena, GraphTensor, node->n_out);
  GraphCall call = {.arena = own->flat->arena, .node = node, .in = in, .out = out};
  return graph_call_eval(&call) ? &out[part->value->index] : NULL;
}

static bool close_numbers(const GraphTensor *a, const GraphTensor *b) {
  for (int64_t i = 0; i < a->count; i++)
    if (!numbers_agree(graph_at(a, i), graph_at(b, i))) return false;
  return true;
}

bool own_start(Own *own) {
  for (int i = 0; i < own->n; i++) {
    Part *part = &own->part[i];
    if (part->kind == PART_FIXED) part->at[0] = part->value;
    if (part->kind == PART_STATE && !part->at[0])
      part->at[0] = flat_constant(own->flat, "", zeros_like(own, own_type(own, part->value)));
  }
  for (int i = 0; i < own->n; i++) {
    const Part *part = &own->part[i];
    const GraphTensor *folded = part->at[0] ? own_type(own, part->at[0]) : NULL, *made;
    if (part->kind != PART_NODE || !folded || !graph_known(folded)) continue;
    made = number_at_first(own, i, 0);
    if (!made || !close_numbers(folded, made)) return false;
  }
  return true;
}

/* ---- results other than the states ---- */

/* If a Concat reads a part of the last two steps as neighbours, its other operands may be the same
 * part at earlier steps. Notes them. */
static void find_rows(Own *own, int which) {
  const Graph *graph = own->flat->graph;
  const GraphValue *last = own->part[which].value, *before = own->part[which].at[own->steps - 2];
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *join = graph->node[i];
    int at = -1, other = -1;
    if (join->op != GRAPH_Concat || join->n_in < own->steps) continue;
    for (int k = 0; k < join->n_in; k++) {
      if (join->in[k] == last) at = k;
      if (join->in[k] == before) other = k;
    }
    if (at < 0 || other < 0 || (at - other != 1 && at - other != -1)) continue;
    for (int64_t k = own->steps - 3; k >= 0; k--) {
      int64_t place = at - (own->steps - 1 - k) * (at - other);
      if (place < 0 || place >= join->n_in || !own_walk(own, which, join->in[place], k)) {
        own->part[which].at[k] = NULL;
        break;
      }
    }
  }
}

/* ---- the values of the last two steps ---- */

/* step[id] is the last step whose row of the sequence a value depends on; -1: it depends on none.
 */
static int64_t *number_steps(Own *own, const RowPlace *sequence) {
  const Graph *graph = own->flat->graph;
  int64_t *step = ARENA_ARRAY(own->flat->arena, int64_t, graph->n_values + 1);
  for (int i = 0; i < graph->n_values; i++)
    step[i] = -1;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    int64_t last = -1;
    for (int k = 0; k < node->n_in; k++)
      if (node->in[k] && step[node->in[k]->id] > last) last = step[node->in[k]->id];
    for (int k = 0; k < node->n_out; k++) {
      RowPlace spot;
      bool row = node->in[0] && !graph_known(own_type(own, node->out[k])) &&
                 chain_spot(&own->spots, node->out[k], &spot) &&
                 spot.sequence == sequence->sequence && spot.axis == sequence->axis;
      step[node->out[k]->id] = row ? row_at(own, spot.index) : last;
    }
  }
  return step;
}

/* Finds a value of the last step that corresponds to `before`, a value of the step before it, and
 * adds the parts on which it depends. False: there is none. */
static bool match_root(Own *own, const int64_t *step, GraphValue *before) {
  const Graph *graph = own->flat->graph;
  if (before_of(own, before) >= 0) return true;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (!same_operator(before->node, node)) continue;
    GraphValue *value = node->out[before->index];
    int n = own->n;
    if (step[value->id] != own->steps - 1) continue;
    int root = match(own, before, value, 0);
    if (root >= 0 && is_stateful(own, root)) return true;
    drop_parts(own, n);
  }
  return false;
}

/* Finds what corresponds to a value of the step before the last, which the last step reads. If
 * there is nothing, because the value is computed between the two steps, finds what corresponds to
 * the values from which it is computed. */
static void match_source(Own *own, const int64_t *step, GraphValue *before, int depth) {
  enum { FAR = 12 };
  if (!before->node || step[before->id] != own->steps - 2 || depth > FAR ||
      match_root(own, step, before))
    return;
  for (int k = 0; k < before->node->n_in; k++)
    if (before->node->in[k]) match_source(own, step, before->node->in[k], depth + 1);
}

/* Does so for all values of the step before that the last step reads. */
static void match_roots(Own *own, const int64_t *step) {
  const Graph *graph = own->flat->graph;
  for (int pass = 0; pass < 2; pass++) /* a value may read a state that is found after it */
    for (int i = 0; i < graph->n_nodes; i++) {
      const GraphNode *node = graph->node[i];
      if (step[node->out[0]->id] != own->steps - 1) continue;
      for (int k = 0; k < node->n_in; k++)
        if (node->in[k]) match_source(own, step, node->in[k], 0);
    }
}

/* ---- one cell ---- */

void own_begin(Own *own, int64_t steps, bool backward) {
  size_t values = (size_t)own->flat->graph->n_values + 1;
  own->backward = backward;
  own->steps = steps;
  own->n = 0;
  own->part_of = ARENA_ARRAY(own->flat->arena, int, values);
  own->before_of = ARENA_ARRAY(own->flat->arena, int, values);
  own->cap_part_of = own->cap_before_of = values;
}

int own_match(Own *own, GraphValue *before, GraphValue *value) {
  return match(own, before, value, 0);
}

/* Finds the cell that goes along a sequence, and makes its nodes. False: there is none. */
static bool find_cell(Own *own, const RowPlace *sequence, bool backward) {
  own_begin(own, own_type(own, sequence->sequence)->dim[sequence->axis], backward);
  const int64_t *step = number_steps(own, sequence);
  match_roots(own, step);
  bool has_state = false;
  for (int i = 0; i < own->n; i++)
    has_state = has_state || own->part[i].kind == PART_STATE;
  if (!has_state) return false;
  for (int i = 0; i < own->n; i++) /* what the states were one step before the last two */
    if (own->part[i].kind == PART_STATE) {
      GraphValue **was = &own->part[own->part[i].of].at[own->steps - 3];
      if (*was && *was != own->part[i].at[own->steps - 2]) return false;
      *was = own->part[i].at[own->steps - 2];
    }
  for (int64_t k = own->steps - 3; k >= 0; k--)
    if (!walk_states(own, k)) return false;
  for (int i = 0; i < own->n; i++)
    if (own->part[i].kind == PART_NODE) find_rows(own, i);
  return own_start(own) && own_across(own);
}

/* Whether every row of a sequence is read. */
static bool all_rows_read(const Own *own, const RowPlace *sequence) {
  const Graph *graph = own->flat->graph;
  int64_t n = own_type(own, sequence->sequence)->dim[sequence->axis], found = 0;
  bool *seen = ARENA_ARRAY(own->flat->arena, bool, n + 1);
  for (int i = 0; i < graph->n_nodes && found < n; i++)
    for (int k = 0; k < graph->node[i]->n_out; k++) {
      RowPlace spot;
      if (graph_known(own_type(own, graph->node[i]->out[k])) ||
          !chain_spot(&own->spots, graph->node[i]->out[k], &spot) ||
          spot.sequence != sequence->sequence || spot.axis != sequence->axis || spot.index < 0 ||
          spot.index >= n || seen[spot.index])
        continue;
      seen[spot.index] = true;
      found++;
    }
  return found == n;
}

/* Lists the sequences of three or more rows whose first row is read, and returns how many these
 * are. */
static int candidates(const Own *own, RowPlace **out) {
  const Graph *graph = own->flat->graph;
  RowPlace *all = NULL;
  size_t cap = 0;
  int n = 0;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i]->n_out; k++) {
      RowPlace spot;
      bool known = false;
      if (graph_known(own_type(own, graph->node[i]->out[k])) ||
          !chain_spot(&own->spots, graph->node[i]->out[k], &spot) || spot.index != 0 ||
          own_type(own, spot.sequence)->dim[spot.axis] < FEWEST_STEPS)
        continue;
      for (int c = 0; c < n; c++)
        known = known || (all[c].sequence == spot.sequence && all[c].axis == spot.axis);
      if (!known) ARENA_PUSH(own->flat->arena, all, n, cap, spot);
    }
  *out = all;
  return n;
}

/* Finds and makes one cell. False: there is none. */
static bool find_one(Own *own) {
  RowPlace *sequence;
  int n = candidates(own, &sequence);
  for (int i = 0; i < n && i < MOST_CELLS; i++) {
    if (!all_rows_read(own, &sequence[i])) continue;
    for (int backward = 0; backward < 2; backward++) {
      int mark = own->flat->graph->n_nodes;
      if (flat_keep_if(own->flat, find_cell(own, &sequence[i], backward), mark)) return true;
    }
  }
  return false;
}

bool lift_own_cells(Flat *flat) {
  Own own = {.flat = flat, .spots = {.flat = flat}};
  bool changed = false;
  for (int i = 0; i < MOST_CELLS && find_one(&own); i++) {
    changed = true;
    flat_sort(flat);
  }
  return changed;
}
