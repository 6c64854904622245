/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU and RNN cells that are written out step after step. In, a flat graph; out, the same
 * values, in which the states of the steps of a cell are rows of one Lstm, Gru or Rnn.
 *
 * Steps are linked by the state that one step makes and the next one reads. The matrices are those
 * of the second step, because the state of the first one may be a constant and hidden in its
 * biases. If each call is a step, they are those of the only step. The translation check shows at
 * the end that the other steps have the same matrices. */
#include "import/lift/chain.h"
#include "import/lift/lift.h"
#include "import/lift/trace.h"

#include <math.h>
#include <string.h>

enum { SINGLE_MAX_NODES = 3000 }; /* of a graph that is one step: it is small */

/* ---- chains ---- */

/* The step that makes a state; -1: none does. */
static int maker_of(const Recognising *r, const GraphValue *state, GraphOp op) {
  for (int i = 0; i < r->steps.n; i++)
    if (r->steps.step[i].op == op &&
        (r->steps.step[i].h_state == state || r->steps.step[i].c_state == state))
      return i;
  return -1;
}

/* Whether sums and products compute `value` from all of `source`, and not from a row of it. left:
 * how many values may still be visited. */
static bool reads_whole(const Recognising *r, const GraphValue *value, const GraphValue *source,
                        int *left) {
  const GraphNode *node = value->node;
  if (value == source) return true;
  if (!node || --*left < 0 || graph_known(chain_type(r, value))) return false;
  bool affine = node->op == GRAPH_Add || node->op == GRAPH_Sub || node->op == GRAPH_Neg ||
                node->op == GRAPH_Mul || node->op == GRAPH_MatMul || node->op == GRAPH_Concat;
  bool moves = !affine && trace_moves(r->flat, node) &&
               chain_type(r, node->in[0])->count == chain_type(r, value)->count;
  for (int i = 0; i < node->n_in && (affine || moves) && *left > 0; i++)
    if (node->in[i] && reads_whole(r, node->in[i], source, left)) return true;
  return false;
}

/* The step whose state this one reads; -1: it is the first step. */
static int step_before(Recognising *r, int which) {
  const CellStep *s = &r->steps.step[which];
  if (s->op == GRAPH_Lstm) return s->c && s->c->node ? maker_of(r, s->c, GRAPH_Lstm) : -1;
  if (s->op == GRAPH_Gru) return s->h && s->h->node ? maker_of(r, s->h, GRAPH_Gru) : -1;
  enum { MOST_VALUES = 1 << 12 };
  GraphValue *source[FORM_MAX_TERMS];
  int n = 0, left = MOST_VALUES;
  form_sources(&r->forms, s->gate[0].in, source, &n);
  for (int i = 0; i < n; i++) {
    int before = maker_of(r, source[i], GRAPH_Rnn);
    if (before >= 0 && before != which &&
        strcmp(r->steps.step[before].gate[0].name, s->gate[0].name) == 0 &&
        form_elements(&r->forms, source[i]) == form_elements(&r->forms, s->h_new) &&
        reads_whole(r, s->gate[0].in, source[i], &left))
      return before;
  }
  return -1;
}

/* ---- replacing ---- */

/* Row `index` of the y of a node, in the shape of the value `like`. */
static GraphValue *row_of(Recognising *r, const GraphNode *node, int64_t index,
                          const GraphValue *like) {
  GraphTensor *t = graph_scalar(r->flat->arena, GRAPH_I64, (double)index);
  GraphValue *place = flat_constant(r->flat, "", t);
  GraphValue *in[2] = {node->out[0], place};
  GraphNode *gather = flat_node(r->flat, GRAPH_Gather, node, 2, in, 1);
  graph_set_int(r->flat->graph, gather, GRAPH_ATTR_axis, 0);
  if (!chain_settle(r, gather)) return NULL;
  return chain_reshaped(r, node, gather->out[0], chain_type(r, like)->rank,
                        chain_type(r, like)->dim);
}

/* Nodes that read the states of the steps read rows of the operator. */
static void replace_states(Recognising *r, const Chain *c, const GraphNode *node, bool backward) {
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    bool last = i == c->n - 1;
    const GraphTensor *t = chain_type(r, s->h_new);
    GraphValue *h = row_of(r, node, backward ? c->n - 1 - i : i, s->h_new);
    if (h && s->h_state) flat_replace(r->flat, s->h_state, h);
    if (h) chain_choose_rows(r, s, h);
    if (last && s->c_state) {
      GraphValue *cell = chain_reshaped(r, node, node->out[2], t->rank, t->dim);
      if (cell) flat_replace(r->flat, s->c_state, cell);
    }
  }
}

/* ---- which source is the state ---- */

static bool moves_elements(const Recognising *r, const GraphNode *node) {
  return node && trace_moves(r->flat, node);
}

/* Whether an output of the graph holds a value, perhaps moved. */
static bool comes_out(const Recognising *r, const GraphValue *value) {
  const Graph *graph = r->flat->graph;
  bool *holds = ARENA_ARRAY(r->flat->arena, bool, graph->n_values + 1);
  holds[value->id] = true;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    bool any = false;
    for (int k = 0; k < node->n_in && trace_moves(r->flat, node); k++)
      any = any || (node->in[k] && graph_operand_moves(node, k) && holds[node->in[k]->id]);
    for (int k = 0; k < node->n_out && any; k++)
      holds[node->out[k]->id] = true;
  }
  for (int i = 0; i < graph->n_out; i++)
    if (holds[graph->out[i].value->id]) return true;
  return false;
}

/* Whether a value is an input of the graph, or a part of one. */
static bool is_given(const Recognising *r, const GraphValue *value) {
  while (moves_elements(r, value->node) && value->node->op != GRAPH_Concat)
    value = value->node->in[0];
  return !value->node && !graph_known(chain_type(r, value));
}

/* Whether a value is a part of an input that is a state: that of a variable, or one that --state
 * names. */
static bool is_told(const Recognising *r, const GraphValue *value) {
  while (moves_elements(r, value->node) && value->node->op != GRAPH_Concat)
    value = value->node->in[0];
  return flat_is_told(r->flat, value);
}

/* The state that a chain of one step reads; NULL: there is none. */
static GraphValue *single_state(Recognising *r, const CellStep *s) {
  GraphValue *all[FORM_MAX_TERMS], *found = NULL;
  int n = 0, gates = s->op == GRAPH_Lstm ? 4 : 1;
  if (s->op == GRAPH_Gru) return s->h;
  if (s->op == GRAPH_Lstm && !s->c) return NULL;
  for (int g = 0; g < gates; g++)
    form_sources(&r->forms, s->gate[g].in, all, &n);
  if (r->flat->graph->n_nodes > SINGLE_MAX_NODES || !comes_out(r, s->h_new)) return NULL;
  for (int i = 0; i < n; i++) {
    bool known =
        s->op != GRAPH_Rnn || is_told(r, all[i]); /* a tanh of a sum alone does not show a state */
    bool fits = known && all[i] != s->c && all[i] != s->c_new &&
                form_elements(&r->forms, all[i]) == form_elements(&r->forms, s->h_new) &&
                is_given(r, all[i]);
    if (fits) found = all[i]; /* frameworks read the input first, the state last */
  }
  return found;
}

static bool is_zero(const Recognising *r, const GraphValue *value) {
  const GraphTensor *t = chain_type(r, value);
  return graph_known(t) && graph_is_all(t, 0);
}

/* Writes the states of a step, which are sources of its forms whatever computes them. Returns how
 * many there are. */
static int walls_of(const CellStep *s, const GraphValue *out[3]) {
  if (s->op == GRAPH_Rnn) return 0;
  out[0] = s->op == GRAPH_Lstm ? s->c : s->h;
  out[1] = s->op == GRAPH_Lstm ? s->c_new : s->h_new;
  out[2] = s->reset_product;
  return s->op == GRAPH_Gru ? 3 : 2;
}

/* Begins forms in which the states of this step are sources. The forms refer to `wall` and `arena`.
 */
static void begin_forms(Recognising *r, Arena *arena, const CellStep *s,
                        const GraphValue *wall[3]) {
  int n = walls_of(s, wall);
  r->forms = (Forms){.flat = r->flat,
                     .arena = arena,
                     .atoms = r->atoms,
                     .batch = r->batch,
                     .barrier = wall,
                     .n_barriers = n};
}

/* The constants of the gates of a step, of u numbers each; NULL for a gate that the step lacks. */
static void gate_constants(Recognising *r, const CellStep *s, int gates, int64_t u,
                           const double *out[4]) {
  const GraphValue *wall[3];
  Arena *arena = arena_child(r->work);
  begin_forms(r, arena, s, wall);
  for (int g = 0; g < gates; g++) {
    const Form *form = s->gate[g].in ? form_of(&r->forms, s->gate[g].in) : NULL;
    double *constant = form && form->n == u ? ARENA_ARRAY(r->work, double, u) : NULL;
    if (constant && form->constant) memcpy(constant, form->constant, sizeof *constant * (size_t)u);
    out[g] = constant;
  }
  arena_free(arena);
}

/* If the first step reads a constant h, its product is among the constants of the gates. Gives the
 * node an initial state that is computed from them. */
static void find_folded_start(Recognising *r, const CellStep *first, const CellStep *other,
                              GraphNode *node) {
  enum { START = 5 };
  const GraphTensor *recurrent = chain_type(r, node->in[2]);
  const double *here[4], *there[4];
  int gates = (int)recurrent->dim[1];
  if (first == other || node->op == GRAPH_Gru || node->in[START]) return;
  gate_constants(r, first, gates, recurrent->dim[2], here);
  gate_constants(r, other, gates, recurrent->dim[2], there);
  GraphTensor *t = chain_start(r, recurrent, here, there);
  if (!t) return;
  node->in[START] = flat_constant(r->flat, "", t);
}

/* The range of the c of an LSTM, if the file gives one for every step; NULL: it does not. */
static const GraphRange *cell_range(const Recognising *r, const Chain *c) {
  GraphRange *range = ARENA_NEW(r->flat->arena, GraphRange);
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    const GraphValue *cell = s->c_new;
    if (cell && !cell->range && cell->node && cell->node->op == GRAPH_Clip)
      cell = cell->node->in[0];
    const GraphRange *own = cell ? cell->range : NULL;
    if (!own) return NULL;
    range->low = i ? fmin(range->low, own->low) : own->low;
    range->high = i ? fmax(range->high, own->high) : own->high;
  }
  return range;
}

/* Whether every step computes from its sources what the model step computes from in->source, given
 * its state h. source[k * steps + i] gets source k of step i, and *start the initial state if the
 * first step reads it as one source more. */
static bool read_steps(Recognising *r, const Chain *c, const CellStep *model, GraphValue *h,
                       const Input *in, GraphValue **source, GraphValue **start) {
  StepForms alike = chain_forms(r, model, in->source, in->n, c->n);
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    GraphValue *own[FORM_MAX_TERMS * 2];
    const GraphValue *state = i                    ? r->steps.step[c->step[i - 1]].h_state
                              : s->op == GRAPH_Gru ? s->h
                              : c->n == 1          ? h
                                                   : NULL;
    const GraphValue *wall[3];
    Arena *arena = arena_child(r->work); /* of the forms of this step */
    begin_forms(r, arena, s, wall);
    int n = chain_inputs(r, s, state, own);
    if (i == 0 && c->n > 1 && n == in->n + 1 && s->op != GRAPH_Gru)
      *start = own[--n]; /* frameworks read the state last */
    if (n != in->n) return false;
    if (s != model) {
      StepForms these = chain_forms(r, s, own, n, c->n);
      if (!chain_alike(r, &alike, &these)) return false;
    }
    arena_free(arena);
    for (int k = 0; k < n; k++)
      source[k * c->n + i] = own[k];
  }
  return true;
}

/* Sets x, mask and direction of the input of a chain from the sources of its steps, which are rows
 * of sequences in one order. Several sequences are joined. False: they are no such rows. */
static bool join_sources(Recognising *r, const Chain *c, const CellStep *model, Input *in,
                         GraphValue *const *source) {
  GraphValue *part[FORM_MAX_TERMS];
  for (int k = 0; k < in->n; k++) {
    bool backward;
    part[k] = chain_sequence(r, c, source + k * c->n, &backward);
    if (!part[k] || (k && backward != in->backward)) return false;
    in->backward = backward;
  }
  if (!chain_mask(r, c, in->backward, &in->mask)) return false;
  in->x = part[0];
  if (in->n == 1) return true;
  GraphNode *joined = flat_node(r->flat, GRAPH_Concat, model->h_new->node, in->n, part, 1);
  graph_set_int(r->flat->graph, joined, GRAPH_ATTR_axis, 2);
  in->x = joined->out[0];
  return chain_settle(r, joined);
}

/* Makes the operator of a chain, and replaces the states of its steps. False: the steps do not make
 * a recurrent layer. */
static bool lower_chain(Recognising *r, const Chain *c) {
  const CellStep *first = &r->steps.step[c->step[0]],
                 *model = &r->steps.step[c->step[c->n > 1 ? 1 : 0]];
  const GraphValue *barrier[3];
  GraphValue *h = c->n > 1 ? first->h_state : single_state(r, model);
  if (!h || (c->n == 1 && model->op == GRAPH_Rnn && !is_given(r, h))) return false;
  begin_forms(r, r->work, model, barrier);
  Input in = {0};
  in.n = chain_inputs(r, model, h, in.source);
  if (!in.n) return false;
  GraphValue **source = ARENA_ARRAY(r->flat->arena, GraphValue *, c->n * FORM_MAX_TERMS);
  GraphValue *h0 = c->n == 1 ? h : NULL, *c0 = model->op == GRAPH_Lstm ? first->c : NULL;
  if (!read_steps(r, c, model, h, &in, source, &h0) || !join_sources(r, c, model, &in, source))
    return false;
  if (model->op == GRAPH_Gru && c->n > 1) h0 = first->h;
  if (in.mask) {
    h0 = first->h_old;
    c0 = first->c_old;
  }
  if (h0 && is_zero(r, h0)) h0 = NULL;
  if (c0 && is_zero(r, c0)) c0 = NULL;
  begin_forms(r, r->work, model, barrier);
  GraphNode *node = chain_operator(r, model, &in, h, h0, c0);
  if (!node) return false;
  chain_name(r, c, node);
  if (model->op == GRAPH_Lstm) node->cell = cell_range(r, c);
  if (!in.mask) find_folded_start(r, first, model, node);
  replace_states(r, c, node, in.backward);
  return true;
}

/* ---- rows that are joined again ---- */

void chain_unstack(Recognising *r, GraphNode *concat) {
  RowPlace first = {0}, spot;
  const GraphTensor *y = chain_type(r, concat->out[0]);
  int axis = (int)graph_int(concat, GRAPH_ATTR_axis, 0);
  for (int i = 0; i < concat->n_in; i++) {
    if (!chain_spot(r, concat->in[i], &spot)) return;
    if (i == 0) first = spot;
    bool recurrent =
        spot.sequence->node &&
        (spot.sequence->node->op == GRAPH_Lstm || spot.sequence->node->op == GRAPH_Gru ||
         spot.sequence->node->op == GRAPH_Rnn || spot.sequence->node->op == GRAPH_Keep);
    if (!recurrent || spot.sequence != first.sequence || spot.axis != 0 || first.axis != 0) return;
    int64_t expect = first.index == 0 ? i : concat->n_in - 1 - i;
    if (spot.index != expect) return;
  }
  const GraphTensor *rows = chain_type(r, first.sequence);
  if (rows->dim[0] != concat->n_in || concat->n_in < 2) return;
  GraphValue *x = first.sequence;
  if (first.index != 0) x = chain_made(r, flat_reversed(r->flat, concat, x, 0));
  if (!x) return;
  /* [T, A, B] -> [A, T, B]: A is what stands before the joined axis. */
  int64_t before = 1, behind = 1;
  for (int i = 0; i < y->rank; i++) {
    if (i < axis)
      before *= y->dim[i];
    else if (i > axis)
      behind *= y->dim[i];
  }
  behind *= y->dim[axis] / concat->n_in;
  if (before != 1 && y->dim[axis] != concat->n_in) return;
  x = chain_reshaped(r, concat, x, 3, (int64_t[]){concat->n_in, before, behind});
  if (!x) return;
  if (before != 1) x = chain_made(r, flat_transposed(r->flat, concat, x, 3, (int64_t[]){1, 0, 2}));
  if (!x) return;
  x = chain_reshaped(r, concat, x, y->rank, y->dim);
  if (x) flat_replace(r->flat, concat->out[0], x);
}

/* Whether `part`, which looks like a step of an RNN, is the function of a gate or of c' in step s.
 */
static bool is_part(const CellStep *s, const CellStep *part) {
  if (part->op != GRAPH_Rnn || s->op == GRAPH_Rnn) return false;
  bool gate = s->op == GRAPH_Lstm && part->gate[0].in == s->c_new;
  for (int g = 0; g < (s->op == GRAPH_Lstm ? 4 : 3); g++)
    gate = gate || (s->gate[g].in && s->gate[g].in == part->gate[0].in);
  return gate;
}

/* Removes steps that are parts of other steps, such as the f c of an LSTM. */
static void drop_parts(Steps *steps, Arena *arena) {
  int n = 0;
  bool *drop = ARENA_ARRAY(arena, bool, steps->n + 1);
  for (int i = 0; i < steps->n; i++)
    for (int k = 0; k < steps->n; k++)
      drop[i] = drop[i] || is_part(&steps->step[k], &steps->step[i]) ||
                (steps->step[k].op == GRAPH_Lstm && steps->step[k].kept == steps->step[i].h_new);
  for (int i = 0; i < steps->n; i++)
    if (!drop[i]) steps->step[n++] = steps->step[i];
  steps->n = n;
}

/* The equations of a cell that has become one of its own. */
static bool is_spelled(const CellStep *s) {
  const GraphValue *old = s->op == GRAPH_Lstm ? s->c : s->h;
  return old && old->node && old->node->op == GRAPH_State;
}

bool lift_recognise(Flat *flat, Atoms *atoms, int batch) {
  Recognising r = {.flat = flat,
                   .forms = {.flat = flat, .arena = flat->arena, .atoms = atoms, .batch = batch},
                   .atoms = atoms,
                   .batch = batch,
                   .samples = 1};
  for (int i = 0; i < atoms->n && batch >= 0; i++)
    if (atom_family(atoms, i) == batch && atom_size(atoms, i) > r.samples)
      r.samples = atom_size(atoms, i);
  for (int i = 0; i < flat->graph->n_nodes; i++) {
    CellStep s;
    if (cell_match(flat, flat->graph->node[i], &s) && !is_spelled(&s))
      ARENA_PUSH(flat->arena, r.steps.step, r.steps.n, r.steps.cap, s);
  }
  drop_parts(&r.steps, flat->arena);
  if (!r.steps.n) return false;
  bool changed = false;
  int *before = ARENA_ARRAY(flat->arena, int, r.steps.n),
      *after = ARENA_ARRAY(flat->arena, int, r.steps.n);
  r.work = arena_child(flat->arena);
  r.forms.arena = r.work;
  chain_find_masks(&r);
  for (int i = 0; i < r.steps.n; i++)
    after[i] = -1;
  for (int i = 0; i < r.steps.n; i++) {
    before[i] = step_before(&r, i);
    if (before[i] >= 0) after[before[i]] = i;
  }
  arena_free(r.work);
  for (int i = 0; i < r.steps.n; i++) {
    Chain chain = {0};
    if (before[i] >= 0) continue;
    if (batch >= 0) r.batch = batch = atom_family(atoms, batch); /* families grow with each chain */
    for (int s = i; s >= 0; s = after[s])
      ARENA_PUSH(flat->arena, chain.step, chain.n, chain.cap, s);
    r.work = arena_child(flat->arena);
    r.forms = (Forms){.flat = flat, .arena = r.work, .atoms = atoms, .batch = batch};
    int mark = flat->graph->n_nodes;
    bool lowered = lower_chain(&r, &chain);
    r.forms = (Forms){.flat = flat, .arena = flat->arena, .atoms = atoms, .batch = batch};
    arena_free(r.work);
    if (!flat_keep_if(flat, lowered, mark)) continue;
    changed = true;
    for (int k = 0, n = flat->graph->n_nodes; k < n; k++)
      if (flat->graph->node[k]->op == GRAPH_Concat) chain_unstack(&r, flat->graph->node[k]);
  }
  if (!changed) return false;
  flat_sort(flat);
  return true;
}
