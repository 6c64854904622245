/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Cells that are written out, step after step, become one recurrent operator. In, a flat graph with
 * one sample; out, the same values, the steps of a cell read from the rows of one Lstm, Gru or Rnn.
 *
 * Steps are linked by the state that one makes and the next reads. The matrices come from the
 * second step (from the only one, where a call is a step), where the state is not yet folded into a
 * constant; that the others have the same is what the translation check shows at the end. */
#include "import/lift/cell.h"
#include "import/lift/lift.h"
#include "import/lift/trace.h"

#include <math.h>
#include <string.h>

enum { SINGLE_MAX_NODES = 3000 }; /* a graph of one step is small */

typedef struct Steps {
  CellStep *step;
  int n;
  size_t cap;
} Steps;

/* Steps 0..n-1 of one cell, and what each of them reads beside its state. */
typedef struct Chain {
  int *step;
  int n;
  size_t cap;
} Chain;

typedef struct Recognising {
  Flat *flat;
  Forms forms;
  Atoms *atoms;
  int batch; /* family; -1 */
  int64_t samples;
  Steps steps;
  bool *taken; /* by step: it belongs to an operator that was made */
} Recognising;

static const GraphTensor *type_of(const Recognising *r, const GraphValue *v) {
  return flat_type_of(r->flat, v);
}

/* ---- chains ---- */

static int maker_of(const Recognising *r, const GraphValue *state, GraphOp op) {
  for (int i = 0; i < r->steps.n; i++)
    if (r->steps.step[i].op == op &&
        (r->steps.step[i].h_new == state || r->steps.step[i].c_new == state))
      return i;
  return -1;
}

/* The step before, by the state that this one reads; -1: it is the first. */
static int step_before(Recognising *r, int which) {
  const CellStep *s = &r->steps.step[which];
  if (s->op == GRAPH_Lstm) return s->c && s->c->node ? maker_of(r, s->c, GRAPH_Lstm) : -1;
  if (s->op == GRAPH_Gru) return s->h && s->h->node ? maker_of(r, s->h, GRAPH_Gru) : -1;
  GraphValue *source[FORM_MAX_TERMS];
  int n = 0;
  form_sources(&r->forms, s->gate[0].in, source, &n);
  for (int i = 0; i < n; i++) {
    int before = maker_of(r, source[i], GRAPH_Rnn);
    if (before >= 0 && before != which &&
        strcmp(r->steps.step[before].gate[0].name, s->gate[0].name) == 0 &&
        form_elements(&r->forms, source[i]) == form_elements(&r->forms, s->h_new))
      return before;
  }
  return -1;
}

/* Where in a sequence a source stands. */
typedef struct Spot {
  GraphValue *sequence;
  int axis;
  int64_t index;
} Spot;

static bool spot_in(const Recognising *r, GraphValue *value, Spot *out) {
  value = step_source(r->flat, value);
  const GraphNode *node = value->node;
  if (!node) return false;
  const GraphTensor *x = node->n_in ? type_of(r, node->in[0]) : NULL;
  if (node->op == GRAPH_Gather) {
    const GraphTensor *place = type_of(r, node->in[1]);
    if (!place->data || place->count != 1) return false;
    *out = (Spot){node->in[0], (int)graph_int(node, GRAPH_ATTR_axis, 0), (int64_t)place->data[0]};
    if (out->index < 0) out->index += x->dim[out->axis];
    return true;
  }
  if (node->op == GRAPH_Split) {
    int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
    if (x->dim[axis] != node->n_out) return false;
    *out = (Spot){node->in[0], axis, value->index};
    return true;
  }
  if (node->op != GRAPH_Slice) return false;
  const GraphTensor *y = type_of(r, value);
  int changed = -1;
  if (y->rank != x->rank) return false;
  for (int i = 0; i < x->rank; i++) {
    if (x->dim[i] == y->dim[i]) continue;
    if (changed >= 0 || y->dim[i] != 1) return false;
    changed = i;
  }
  if (changed < 0) return false;
  const GraphTensor *starts = type_of(r, node->in[1]),
                    *axes = node->n_in > 3 && node->in[3] ? type_of(r, node->in[3]) : NULL;
  for (int64_t k = 0; k < starts->count; k++) {
    int64_t axis = axes ? (int64_t)axes->data[k] : k, at = (int64_t)starts->data[k];
    if (axis < 0) axis += x->rank;
    if (axis != changed) continue;
    *out = (Spot){node->in[0], changed, at < 0 ? at + x->dim[changed] : at};
    return true;
  }
  return false;
}

/* The same, a sequence that was reversed read from its other end. */
static bool spot_of(const Recognising *r, GraphValue *value, Spot *out) {
  if (!spot_in(r, value, out)) return false;
  const GraphNode *made = out->sequence->node;
  const GraphAttribute *axes =
      made && made->op == GRAPH_Reverse ? graph_attribute(made, GRAPH_ATTR_axes) : NULL;
  if (!axes || axes->n != 1 || axes->i[0] != out->axis) return true;
  out->index = type_of(r, out->sequence)->dim[out->axis] - 1 - out->index;
  out->sequence = made->in[0];
  return true;
}

/* ---- the new operator ---- */

/* Types and atoms of a node that was added. */
static bool settle(Recognising *r, GraphNode *node) {
  const char *fault;
  if (!flat_type(r->flat, node, &fault)) return false;
  atoms_add(r->atoms, node);
  return true;
}

static GraphValue *call(Recognising *r, const GraphNode *like, GraphOp op, int n_in,
                        GraphValue **in) {
  GraphNode *node = flat_node(r->flat, op, like, n_in, in, 1);
  return settle(r, node) ? node->out[0] : NULL;
}

static GraphValue *ints(Recognising *r, int n, const int64_t *values) {
  const GraphTensor *t = graph_ints(r->flat->arena, n, values);
  GraphValue *v = graph_constant(r->flat->graph, "", t);
  flat_set_type(r->flat, v, t);
  return v;
}

static GraphValue *numbers(Recognising *r, int rank, const int64_t *dim, double **data) {
  const GraphTensor *t = graph_tensor(r->flat->arena, GRAPH_FLOAT, rank, dim, data);
  GraphValue *v = graph_constant(r->flat->graph, "", t);
  flat_set_type(r->flat, v, t);
  return v;
}

static GraphValue *reshaped(Recognising *r, const GraphNode *like, GraphValue *x, int rank,
                            const int64_t *dim) {
  return call(r, like, GRAPH_Reshape, 2, (GraphValue *[]){x, ints(r, rank, dim)});
}

/* The axis that is the batch; -1: none, or there is one sample. */
static int batch_axis(const Recognising *r, const GraphValue *x) {
  if (r->batch < 0 || x->id >= r->atoms->n_values) return -1;
  Factors f = atoms_of(r->atoms, x);
  for (int i = 0; i < f.n; i++)
    if (atom_family(r->atoms, f.atom[i]) == r->batch) return f.dim[i];
  return -1;
}

/* A sequence [.., T, ..] as [T, N, d]. */
static GraphValue *time_first(Recognising *r, const GraphNode *like, GraphValue *x, int axis) {
  const GraphTensor *t = type_of(r, x);
  int64_t perm[GRAPH_MAX_RANK], steps = t->dim[axis];
  int n = 0;
  int batch = batch_axis(r, x);
  perm[n++] = axis;
  if (batch >= 0 && batch != axis) perm[n++] = batch;
  for (int i = 0; i < t->rank; i++)
    if (i != axis && i != batch) perm[n++] = i;
  bool moves = false;
  for (int i = 0; i < n; i++)
    moves = moves || perm[i] != i;
  if (moves) {
    GraphNode *move = flat_node(r->flat, GRAPH_Transpose, like, 1, &x, 1);
    graph_set_ints(r->flat->graph, move, GRAPH_ATTR_perm, n, perm);
    if (!settle(r, move)) return NULL;
    x = move->out[0];
  }
  return reshaped(r, like, x, 3, (int64_t[]){steps, r->samples, t->count / steps / r->samples});
}

/* What the steps of a chain read beside the state: sources in the order of the model step. */
typedef struct Input {
  int n;
  GraphValue *source[FORM_MAX_TERMS]; /* of the model step */
  GraphValue *x;                      /* [T, N, d] */
  bool backward;
} Input;

/* The sources of step s that are no state. */
static int inputs_of(Recognising *r, const CellStep *s, const GraphValue *h, GraphValue **out) {
  GraphValue *all[FORM_MAX_TERMS];
  int n = 0, kept = 0, gates = s->op == GRAPH_Lstm ? 4 : s->op == GRAPH_Gru ? 3 : 1;
  for (int g = 0; g < gates; g++)
    if (s->gate[g].in) form_sources(&r->forms, s->gate[g].in, all, &n);
  for (int i = 0; i < n; i++)
    if (all[i] != h && all[i] != s->c && all[i] != s->c_new && all[i] != s->reset_product)
      out[kept++] = all[i];
  return kept;
}

/* Source k of every step as one sequence; *backward where later steps read earlier rows. */
static GraphValue *sequence_of(Recognising *r, const Chain *c, GraphValue *const *source,
                               bool *backward) {
  const GraphNode *like = r->steps.step[c->step[0]].h_new->node;
  Spot first, spot;
  if (c->n == 1) {
    *backward = false;
    return reshaped(r, like, source[0], 3,
                    (int64_t[]){1, r->samples, type_of(r, source[0])->count / r->samples});
  }
  if (!spot_of(r, source[0], &first) || !spot_of(r, source[1], &spot)) return NULL;
  int64_t step = spot.index - first.index;
  if ((step != 1 && step != -1) || type_of(r, first.sequence)->dim[first.axis] != c->n) return NULL;
  *backward = step < 0;
  if (first.index != (step < 0 ? c->n - 1 : 0)) return NULL;
  for (int i = 0; i < c->n; i++)
    if (!spot_of(r, source[i], &spot) || spot.sequence != first.sequence ||
        spot.axis != first.axis || spot.index != first.index + i * step)
      return NULL;
  return time_first(r, like, first.sequence, first.axis);
}

/* The weights of gate g: kernel over the inputs, recurrent over h. */
typedef struct Weights {
  double *w, *r, *b, *rb, *peephole;
  int64_t u, d;
} Weights;

static bool add_gate(Recognising *r, const Form *form, const Input *in, const GraphValue *h,
                     const CellStep *s, int gate, double sign, Weights *to) {
  if (!form || form->n != to->u) return false;
  for (int t = 0; t < form->n_terms; t++) {
    const Term *term = &form->term[t];
    int64_t at = 0, width = form_elements(&r->forms, term->source);
    int which = 0;
    while (which < in->n && in->source[which] != term->source)
      at += form_elements(&r->forms, in->source[which++]);
    bool is_h = term->source == h, is_x = which < in->n,
         is_c = s->op == GRAPH_Lstm && (term->source == s->c || term->source == s->c_new);
    if (!is_x && !is_h && !is_c) return false;
    for (int64_t i = 0; i < to->u; i++)
      for (int64_t k = 0; k < width; k++) {
        double weight = sign * term_weight(&r->forms, term, i, k);
        if (is_h)
          to->r[(gate * to->u + i) * to->u + k] += weight;
        else if (is_x)
          to->w[(gate * to->u + i) * to->d + at + k] += weight;
        else if (i == k)
          to->peephole[(gate == 3 ? 2 : gate) * to->u + i] += weight;
        else if (weight != 0)
          return false;
      }
    if (is_c && gate == 2) return false;
    if (is_c && (term->source == s->c_new) != (gate == 3)) return false;
  }
  for (int64_t i = 0; i < to->u && form->constant; i++)
    to->b[gate * to->u + i] += sign * form->constant[i];
  return true;
}

/* n of a GRU: the part that s(r) multiplies apart from the rest. */
static bool add_candidate(Recognising *r, const CellStep *s, const Input *in, const GraphValue *h,
                          bool *after, Weights *to) {
  const Form *form = form_of(&r->forms, s->gate[2].in);
  if (!form) return false;
  Form rest = *form;
  const Term *reset = NULL;
  rest.n_terms = 0;
  for (int t = 0; t < form->n_terms; t++) {
    if (form->term[t].source == s->reset_product)
      reset = &form->term[t];
    else
      rest.term[rest.n_terms++] = form->term[t];
  }
  for (int t = 0; t < rest.n_terms; t++)
    if (rest.term[t].source == h) return false;
  if (!reset || !add_gate(r, &rest, in, NULL, s, 2, 1, to)) return false;
  const Form *inner = form_of(&r->forms, s->reset_of);
  if (!inner || inner->n_terms != 1 || inner->term[0].source != h) return false;
  *after = inner->term[0].matrix != NULL || inner->constant != NULL;
  const Term *term = *after ? &inner->term[0] : reset;
  for (int64_t i = 0; i < to->u; i++)
    for (int64_t k = 0; k < to->u; k++)
      to->r[(2 * to->u + i) * to->u + k] = term_weight(&r->forms, term, i, k);
  for (int64_t i = 0; i < to->u && *after; i++) {
    if (term_weight(&r->forms, reset, i, i) != 1) return false;
    to->rb[2 * to->u + i] = inner->constant ? inner->constant[i] : 0;
  }
  return true;
}

static bool is_all(const double *x, int64_t n, double value) {
  for (int64_t i = 0; i < n; i++)
    if (x[i] != value) return false;
  return true;
}

static void set_clip(Recognising *r, GraphNode *node, double clip) {
  if (clip > 0) graph_set_number(r->flat->graph, node, GRAPH_ATTR_cell_clip, clip);
}

/* The operator of a chain. h: the state source of the model step. NULL: the equations do not fit
 * after all. */
static GraphNode *build(Recognising *r, const CellStep *s, const Input *in, const GraphValue *h,
                        GraphValue *h0, GraphValue *c0) {
  int gates = s->op == GRAPH_Lstm ? 4 : s->op == GRAPH_Gru ? 3 : 1;
  Weights to = {.u = form_elements(&r->forms, s->h_new), .d = type_of(r, in->x)->dim[2]};
  int64_t w_dim[4] = {1, gates, to.u, to.d}, r_dim[4] = {1, gates, to.u, to.u},
          b_dim[3] = {1, gates, to.u}, p_dim[3] = {1, 3, to.u};
  GraphValue *w = numbers(r, 4, w_dim, &to.w), *rec = numbers(r, 4, r_dim, &to.r),
             *b = numbers(r, 3, b_dim, &to.b);
  GraphValue *rb = numbers(r, 3, b_dim, &to.rb), *peephole = numbers(r, 3, p_dim, &to.peephole);
  bool after = false, ok = true;
  for (int g = 0; g < gates && ok; g++) {
    double sign = s->op == GRAPH_Gru && g == 0 && s->z_swapped ? -1 : 1;
    if (s->op == GRAPH_Gru && g == 2)
      ok = add_candidate(r, s, in, h, &after, &to);
    else
      ok = add_gate(r, form_of(&r->forms, s->gate[g].in), in, h, s, g, sign, &to);
  }
  if (!ok) return NULL;
  const GraphNode *like = s->h_new->node;
  int64_t state[3] = {1, r->samples, to.u};
  h0 = h0 ? reshaped(r, like, h0, 3, state) : NULL;
  c0 = c0 ? reshaped(r, like, c0, 3, state) : NULL;
  GraphValue *lstm[8] = {in->x, w,  rec, b,
                         NULL,  h0, c0,  is_all(to.peephole, 3 * to.u, 0) ? NULL : peephole};
  GraphValue *gru[7] = {in->x, w, rec, b, after ? rb : NULL, NULL, h0},
             *rnn[6] = {in->x, w, rec, b, NULL, h0};
  int n_in = s->op == GRAPH_Lstm ? 8 : s->op == GRAPH_Gru ? 7 : 6;
  GraphNode *node = flat_node(r->flat, s->op, like, n_in,
                              s->op == GRAPH_Lstm  ? lstm
                              : s->op == GRAPH_Gru ? gru
                                                   : rnn,
                              s->op == GRAPH_Lstm ? 3 : 2);
  graph_set_words(r->flat->graph, node, GRAPH_ATTR_direction, 1,
                  (const char *[]){in->backward ? "backward" : "forward"});
  const char *lstm_words[3] = {s->gate[0].name, s->gate[2].name, s->out_activation},
             *gru_words[2] = {s->gate[0].name, s->gate[2].name};
  const char *rnn_words[1] = {s->gate[0].name};
  if (s->op == GRAPH_Lstm)
    graph_set_words(r->flat->graph, node, GRAPH_ATTR_activations, 3, lstm_words);
  else if (s->op == GRAPH_Gru)
    graph_set_words(r->flat->graph, node, GRAPH_ATTR_activations, 2, gru_words);
  else
    graph_set_words(r->flat->graph, node, GRAPH_ATTR_activations, 1, rnn_words);
  if (s->op == GRAPH_Gru) graph_set_int(r->flat->graph, node, GRAPH_ATTR_reset_after, after);
  set_clip(r, node, s->cell_clip);
  return settle(r, node) ? node : NULL;
}

/* ---- replacing ---- */

static void replace(Recognising *r, GraphValue *old, GraphValue *by) {
  Graph *graph = r->flat->graph;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i]->n_in; k++)
      if (graph->node[i]->in[k] == old && graph->node[i] != by->node) graph->node[i]->in[k] = by;
  for (int i = 0; i < graph->n_out; i++)
    if (graph->out[i].value == old) graph->out[i].value = by;
}

/* Row `index` of y as the shape of an old state. */
static GraphValue *row_of(Recognising *r, const GraphNode *node, int64_t index,
                          const GraphValue *like) {
  GraphTensor *t = graph_scalar(r->flat->arena, GRAPH_I64, (double)index);
  GraphValue *place = graph_constant(r->flat->graph, "", t);
  flat_set_type(r->flat, place, t);
  GraphValue *in[2] = {node->out[0], place};
  GraphNode *gather = flat_node(r->flat, GRAPH_Gather, node, 2, in, 1);
  graph_set_int(r->flat->graph, gather, GRAPH_ATTR_axis, 0);
  if (!settle(r, gather)) return NULL;
  return reshaped(r, node, gather->out[0], type_of(r, like)->rank, type_of(r, like)->dim);
}

static void replace_states(Recognising *r, const Chain *c, const GraphNode *node, bool backward) {
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    bool last = i == c->n - 1;
    const GraphTensor *t = type_of(r, s->h_new);
    GraphValue *h = row_of(r, node, backward ? c->n - 1 - i : i, s->h_new);
    if (h) replace(r, s->h_new, h);
    if (last && s->op == GRAPH_Lstm) {
      GraphValue *cell = reshaped(r, node, node->out[2], t->rank, t->dim);
      if (cell) replace(r, s->c_new, cell);
    }
  }
}

/* ---- which source is the state ---- */

static bool moves_elements(const Recognising *r, const GraphNode *node) {
  return node && trace_moves(r->flat, node);
}

/* Value stands, moved at most, in an output of the graph. Nodes stand behind those they read. */
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

/* An input of the graph, or a part of one. */
static bool is_given(const Recognising *r, const GraphValue *value) {
  while (moves_elements(r, value->node) && value->node->op != GRAPH_Concat)
    value = value->node->in[0];
  return !value->node && !type_of(r, value)->data;
}

/* A part of an input that comes back: a variable's, or one that --state names. */
static bool is_told(const Recognising *r, const GraphValue *value) {
  while (moves_elements(r, value->node) && value->node->op != GRAPH_Concat)
    value = value->node->in[0];
  return flat_is_told(r->flat, value);
}

/* The state that the only step of a chain reads; NULL: there is none. */
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
        s->op != GRAPH_Rnn || is_told(r, all[i]); /* one tanh of a sum is no sign of a state */
    bool fits = known && all[i] != s->c && all[i] != s->c_new &&
                form_elements(&r->forms, all[i]) == form_elements(&r->forms, s->h_new) &&
                is_given(r, all[i]);
    if (fits) found = all[i]; /* frameworks read the input first, the state last */
  }
  return found;
}

static bool is_zero(const Recognising *r, const GraphValue *value) {
  const GraphTensor *t = type_of(r, value);
  return t->data && is_all(t->data, t->count, 0);
}

/* States of a step are sources, whatever sums make them. */
static int walls_of(const CellStep *s, const GraphValue *out[3]) {
  if (s->op == GRAPH_Rnn) return 0;
  out[0] = s->op == GRAPH_Lstm ? s->c : s->h;
  out[1] = s->op == GRAPH_Lstm ? s->c_new : s->h_new;
  out[2] = s->reset_product;
  return s->op == GRAPH_Gru ? 3 : 2;
}

/* Makes the operator of a chain. */
static bool lower_chain(Recognising *r, const Chain *c) {
  const CellStep *first = &r->steps.step[c->step[0]],
                 *model = &r->steps.step[c->step[c->n > 1 ? 1 : 0]];
  const GraphValue *barrier[3];
  int n_barriers = walls_of(model, barrier);
  GraphValue *h = c->n > 1 ? first->h_new : single_state(r, model);
  if (!h || (c->n == 1 && model->op == GRAPH_Rnn && !is_given(r, h))) return false;
  r->forms = (Forms){.flat = r->flat,
                     .atoms = r->atoms,
                     .batch = r->batch,
                     .barrier = barrier,
                     .n_barriers = n_barriers};
  Input in = {0};
  in.n = inputs_of(r, model, h, in.source);
  if (!in.n) return false;
  GraphValue *part[FORM_MAX_TERMS];
  GraphValue **source = ARENA_ARRAY(r->flat->arena, GraphValue *, c->n * FORM_MAX_TERMS);
  GraphValue *h0 = c->n == 1 ? h : NULL, *c0 = model->op == GRAPH_Lstm ? first->c : NULL;
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    GraphValue *own[FORM_MAX_TERMS * 2];
    const GraphValue *state = i                    ? r->steps.step[c->step[i - 1]].h_new
                              : s->op == GRAPH_Gru ? s->h
                              : c->n == 1          ? h
                                                   : NULL;
    const GraphValue *wall[3];
    int n_walls = walls_of(s, wall);
    r->forms = (Forms){.flat = r->flat,
                       .atoms = r->atoms,
                       .batch = r->batch,
                       .barrier = wall,
                       .n_barriers = n_walls};
    int n = inputs_of(r, s, state, own);
    if (i == 0 && c->n > 1 && n == in.n + 1 && s->op != GRAPH_Gru)
      h0 = own[--n]; /* the state is read last */
    if (n != in.n) return false;
    for (int k = 0; k < n; k++)
      source[k * c->n + i] = own[k];
  }
  for (int k = 0; k < in.n; k++) {
    bool backward;
    part[k] = sequence_of(r, c, source + k * c->n, &backward);
    if (!part[k] || (k && backward != in.backward)) return false;
    in.backward = backward;
  }
  in.x = part[0];
  if (in.n > 1) {
    GraphNode *joined = flat_node(r->flat, GRAPH_Concat, model->h_new->node, in.n, part, 1);
    graph_set_int(r->flat->graph, joined, GRAPH_ATTR_axis, 2);
    if (!settle(r, joined)) return false;
    in.x = joined->out[0];
  }
  if (model->op == GRAPH_Gru && c->n > 1) h0 = first->h;
  if (h0 && is_zero(r, h0)) h0 = NULL;
  if (c0 && is_zero(r, c0)) c0 = NULL;
  r->forms = (Forms){.flat = r->flat,
                     .atoms = r->atoms,
                     .batch = r->batch,
                     .barrier = barrier,
                     .n_barriers = n_barriers};
  GraphNode *node = build(r, model, &in, h, h0, c0);
  if (!node) return false;
  replace_states(r, c, node, in.backward);
  return true;
}

/* ---- rows that are joined again ---- */

/* Concat of all rows of a recurrent result, in order: the result itself. */
static void unstack(Recognising *r, GraphNode *concat) {
  Spot first = {0}, spot;
  const GraphTensor *y = type_of(r, concat->out[0]);
  int axis = (int)graph_int(concat, GRAPH_ATTR_axis, 0);
  for (int i = 0; i < concat->n_in; i++) {
    if (!spot_of(r, concat->in[i], &spot)) return;
    if (i == 0) first = spot;
    bool recurrent = spot.sequence->node &&
                     (spot.sequence->node->op == GRAPH_Lstm ||
                      spot.sequence->node->op == GRAPH_Gru || spot.sequence->node->op == GRAPH_Rnn);
    if (!recurrent || spot.sequence != first.sequence || spot.axis != 0 || first.axis != 0) return;
    int64_t expect = first.index == 0 ? i : concat->n_in - 1 - i;
    if (spot.index != expect) return;
  }
  const GraphTensor *rows = type_of(r, first.sequence);
  if (rows->dim[0] != concat->n_in || concat->n_in < 2) return;
  GraphValue *x = first.sequence;
  if (first.index != 0) {
    GraphNode *reverse = flat_node(r->flat, GRAPH_Reverse, concat, 1, &x, 1);
    graph_set_ints(r->flat->graph, reverse, GRAPH_ATTR_axes, 1, (int64_t[]){0});
    if (!settle(r, reverse)) return;
    x = reverse->out[0];
  }
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
  x = reshaped(r, concat, x, 3, (int64_t[]){concat->n_in, before, behind});
  if (!x) return;
  if (before != 1) {
    GraphNode *move = flat_node(r->flat, GRAPH_Transpose, concat, 1, &x, 1);
    graph_set_ints(r->flat->graph, move, GRAPH_ATTR_perm, 3, (int64_t[]){1, 0, 2});
    if (!settle(r, move)) return;
    x = move->out[0];
  }
  x = reshaped(r, concat, x, y->rank, y->dim);
  if (x) replace(r, concat->out[0], x);
}

/* f c of one step is no output of the step before. */
static void drop_kept(Steps *steps) {
  int n = 0;
  for (int i = 0; i < steps->n; i++) {
    bool is_kept = false;
    for (int k = 0; k < steps->n; k++)
      is_kept = is_kept ||
                (steps->step[k].op == GRAPH_Lstm && steps->step[k].kept == steps->step[i].h_new);
    if (!is_kept) steps->step[n++] = steps->step[i];
  }
  steps->n = n;
}

bool lift_recognise(Flat *flat, Atoms *atoms, int batch) {
  Recognising r = {.flat = flat,
                   .forms = {.flat = flat, .atoms = atoms, .batch = batch},
                   .atoms = atoms,
                   .batch = batch,
                   .samples = 1};
  for (int i = 0; i < atoms->n && batch >= 0; i++)
    if (atom_family(atoms, i) == batch && atom_size(atoms, i) > r.samples)
      r.samples = atom_size(atoms, i);
  for (int i = 0; i < flat->graph->n_nodes; i++) {
    CellStep s;
    if (cell_match(flat, flat->graph->node[i], &s))
      ARENA_PUSH(flat->arena, r.steps.step, r.steps.n, r.steps.cap, s);
  }
  drop_kept(&r.steps);
  if (!r.steps.n) return false;
  bool changed = false;
  int *before = ARENA_ARRAY(flat->arena, int, r.steps.n),
      *after = ARENA_ARRAY(flat->arena, int, r.steps.n);
  for (int i = 0; i < r.steps.n; i++)
    after[i] = -1;
  for (int i = 0; i < r.steps.n; i++) {
    before[i] = step_before(&r, i);
    if (before[i] >= 0) after[before[i]] = i;
  }
  for (int i = 0; i < r.steps.n; i++) {
    Chain chain = {0};
    if (before[i] >= 0) continue;
    for (int s = i; s >= 0; s = after[s])
      ARENA_PUSH(flat->arena, chain.step, chain.n, chain.cap, s);
    r.forms = (Forms){.flat = flat, .atoms = atoms, .batch = batch};
    int mark = flat->graph->n_nodes;
    if (!lower_chain(&r, &chain)) {
      flat->graph->n_nodes = mark; /* what was made on the way */
      continue;
    }
    changed = true;
    for (int k = 0, n = flat->graph->n_nodes; k < n; k++)
      if (flat->graph->node[k]->op == GRAPH_Concat) unstack(&r, flat->graph->node[k]);
  }
  if (!changed) return false;
  flat_sort(flat);
  return true;
}
