/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The operator that a chain of steps becomes. In, the steps of one cell, which recognise.c linked;
 * out, an Lstm, Gru or Rnn with the matrices of these steps. Its operand is one sequence of what
 * the steps read. */
#include "import/lift/chain.h"
#include "import/lift/recurrent_form.h"

#include <string.h>

/* Whether a Gather, a Split or a Slice takes a value from a sequence as one row. */
static bool spot_in(const Recognising *r, GraphValue *value, RowPlace *out) {
  value = step_source(r->flat, value);
  const GraphNode *node = value->node;
  if (!node) return false;
  const GraphTensor *x = node->n_in ? chain_type(r, node->in[0]) : NULL;
  if (node->op == GRAPH_Gather) {
    const GraphTensor *place = chain_type(r, node->in[1]);
    if (!graph_known(place) || place->count != 1) return false;
    *out = (RowPlace){node->in[0], (int)graph_int(node, GRAPH_ATTR_axis, 0),
                      (int64_t)graph_at(place, 0)};
    if (out->index < 0) out->index += x->dim[out->axis];
    return true;
  }
  if (node->op == GRAPH_Split) {
    int axis = (int)graph_int(node, GRAPH_ATTR_axis, 0);
    if (x->dim[axis] != node->n_out) return false;
    *out = (RowPlace){node->in[0], axis, value->index};
    return true;
  }
  if (node->op != GRAPH_Slice) return false;
  const GraphTensor *y = chain_type(r, value);
  int changed = -1;
  if (y->rank != x->rank) return false;
  for (int i = 0; i < x->rank; i++) {
    if (x->dim[i] == y->dim[i]) continue;
    if (changed >= 0 || y->dim[i] != 1) return false;
    changed = i;
  }
  if (changed < 0) return false;
  const GraphTensor *starts = chain_type(r, node->in[1]),
                    *axes = node->n_in > 3 && node->in[3] ? chain_type(r, node->in[3]) : NULL;
  for (int64_t k = 0; k < starts->count; k++) {
    int64_t axis = axes ? (int64_t)graph_at(axes, k) : k, at = (int64_t)graph_at(starts, k);
    if (axis < 0) axis += x->rank;
    if (axis != changed) continue;
    *out = (RowPlace){node->in[0], changed, at < 0 ? at + x->dim[changed] : at};
    return true;
  }
  return false;
}

bool chain_spot(const Recognising *r, GraphValue *value, RowPlace *out) {
  if (!spot_in(r, value, out)) return false;
  const GraphNode *made = out->sequence->node;
  const GraphAttribute *axes =
      made && made->op == GRAPH_Reverse ? graph_attribute(made, GRAPH_ATTR_axes) : NULL;
  if (!axes || axes->n != 1 || axes->i[0] != out->axis) return true;
  out->index = chain_type(r, out->sequence)->dim[out->axis] - 1 - out->index;
  out->sequence = made->in[0];
  return true;
}

bool chain_settle(Recognising *r, GraphNode *node) {
  const char *fault;
  if (!flat_type(r->flat, node, &fault)) return false;
  if (r->atoms) atoms_add(r->atoms, node);
  return true;
}

GraphValue *chain_made(Recognising *r, GraphValue *made) {
  if (made && r->atoms) atoms_add(r->atoms, made->node);
  return made;
}

static GraphValue *numbers(Recognising *r, int rank, const int64_t *dim, double **data) {
  const GraphTensor *t = graph_tensor(r->flat->graph->numbers, GRAPH_FLOAT, rank, dim, data);
  return flat_constant(r->flat, "", t);
}

GraphValue *chain_reshaped(Recognising *r, const GraphNode *like, GraphValue *x, int rank,
                           const int64_t *dim) {
  const GraphTensor *t = chain_type(r, x);
  if (graph_known(t)) { /* a constant stays one */
    double *data;
    GraphTensor *made = graph_tensor(r->flat->graph->numbers, t->elem, rank, dim, &data);
    if (!made || made->count != t->count) return NULL;
    graph_copy_numbers(t, data);
    return flat_constant(r->flat, "", made);
  }
  return chain_made(r, flat_reshaped(r->flat, like, x, rank, dim));
}

/* The batch axis of a value; -1: it has none, or there is one sample. */
static int batch_axis(const Recognising *r, const GraphValue *x) {
  if (r->batch < 0 || x->id >= r->atoms->n_values) return -1;
  Factors f = atoms_of(r->atoms, x);
  for (int i = 0; i < f.n; i++)
    if (atom_family(r->atoms, f.atom[i]) == r->batch) return f.dim[i];
  return -1;
}

/* A sequence [.., T, ..] as [T, N, d]. */
static GraphValue *time_first(Recognising *r, const GraphNode *like, GraphValue *x, int axis) {
  const GraphTensor *t = chain_type(r, x);
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
  if (moves) x = chain_made(r, flat_transposed(r->flat, like, x, n, perm));
  if (!x) return NULL;
  return chain_reshaped(r, like, x, 3,
                        (int64_t[]){steps, r->samples, t->count / steps / r->samples});
}

int chain_inputs(Recognising *r, const CellStep *s, const GraphValue *h, GraphValue **out) {
  GraphValue *all[FORM_MAX_TERMS];
  int n = 0, kept = 0, gates = recurrent_form(s->op)->gates;
  for (int g = 0; g < gates; g++)
    if (s->gate[g].in) form_sources(&r->forms, s->gate[g].in, all, &n);
  for (int i = 0; i < n; i++)
    if (all[i] != h && all[i] != s->c && all[i] != s->c_new && all[i] != s->reset_product)
      out[kept++] = all[i];
  return kept;
}

GraphValue *chain_sequence(Recognising *r, const Chain *c, GraphValue *const *source,
                           bool *backward) {
  const GraphNode *like = r->steps.step[c->step[0]].h_new->node;
  RowPlace first, spot;
  if (c->n == 1) {
    *backward = false;
    return chain_reshaped(r, like, source[0], 3,
                          (int64_t[]){1, r->samples, chain_type(r, source[0])->count / r->samples});
  }
  if (!chain_spot(r, source[0], &first) || !chain_spot(r, source[1], &spot)) return NULL;
  int64_t step = spot.index - first.index;
  if ((step != 1 && step != -1) || chain_type(r, first.sequence)->dim[first.axis] != c->n)
    return NULL;
  *backward = step < 0;
  if (first.index != (step < 0 ? c->n - 1 : 0)) return NULL;
  for (int i = 0; i < c->n; i++)
    if (!chain_spot(r, source[i], &spot) || spot.sequence != first.sequence ||
        spot.axis != first.axis || spot.index != first.index + i * step)
      return NULL;
  return time_first(r, like, first.sequence, first.axis);
}

/* The weights of all gates, [gates, u, d] over the inputs and [gates, u, u] over h; the biases
 * [gates, u]; the peepholes [3, u]. */
typedef struct ChainWeights {
  double *w, *r, *b, *rb, *peephole;
  int64_t u, d;
} ChainWeights;

/* Adds `sign` times the form of a gate to the weights. False: the form has a source that the cell
 * does not read there, or a peephole that is no vector. */
static bool add_gate(Recognising *r, const Form *form, const Input *in, const GraphValue *h,
                     const CellStep *s, int gate, double sign, ChainWeights *to) {
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
        double weight = sign * term_weight(term, i, k);
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

/* Adds the candidate n of a GRU to the weights. The part of n that s(r) multiplies is the recurrent
 * one. *after gets whether s(r) multiplies R h + rb and not h. False: n has another form. */
static bool add_candidate(Recognising *r, const CellStep *s, const Input *in, const GraphValue *h,
                          bool *after, ChainWeights *to) {
  const Form *form = form_of(&r->forms, s->gate[GATE_N].in);
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
  *after = term_has_matrix(&inner->term[0]) || inner->constant != NULL;
  const Term *term = *after ? &inner->term[0] : reset;
  for (int64_t i = 0; i < to->u; i++)
    for (int64_t k = 0; k < to->u; k++)
      to->r[(2 * to->u + i) * to->u + k] += term_weight(term, i, k);
  for (int64_t i = 0; i < to->u && *after; i++) {
    if (term_weight(reset, i, i) != 1) return false;
    to->rb[2 * to->u + i] = inner->constant ? inner->constant[i] : 0;
  }
  return true;
}

bool chain_is_all(const double *x, int64_t n, double value) {
  for (int64_t i = 0; i < n; i++)
    if (x[i] != value) return false;
  return true;
}

static void set_clip(Recognising *r, GraphNode *node, double clip) {
  if (clip > 0) graph_set_number(r->flat->graph, node, GRAPH_ATTR_cell_clip, clip);
}

GraphNode *chain_operator(Recognising *r, const CellStep *s, const Input *in, const GraphValue *h,
                          GraphValue *h0, GraphValue *c0) {
  int gates = recurrent_form(s->op)->gates;
  ChainWeights to = {.u = form_elements(&r->forms, s->h_new), .d = chain_type(r, in->x)->dim[2]};
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
  for (int k = 0; k < 2; k++)
    graph_narrow(r->flat->graph->numbers, (GraphTensor *)(k ? rec : w)->constant);
  if (!ok) return NULL;
  const GraphNode *like = s->h_new->node;
  int64_t state[3] = {1, r->samples, to.u};
  h0 = h0 ? chain_reshaped(r, like, h0, 3, state) : NULL;
  c0 = c0 ? chain_reshaped(r, like, c0, 3, state) : NULL;
  if (chain_is_all(to.peephole, 3 * to.u, 0)) peephole = NULL;
  GraphValue *lstm[9] = {in->x, w, rec, b, NULL, h0, c0, peephole, in->mask};
  GraphValue *gru[8] = {in->x, w, rec, b, after ? rb : NULL, NULL, h0, in->mask},
             *rnn[7] = {in->x, w, rec, b, NULL, h0, in->mask};
  int n_in = recurrent_form(s->op)->mask + (in->mask != NULL);
  GraphNode *node = flat_node(r->flat, s->op, like, n_in,
                              s->op == GRAPH_Lstm  ? lstm
                              : s->op == GRAPH_Gru ? gru
                                                   : rnn,
                              s->op == GRAPH_Lstm ? 3 : 2);
  graph_set_words(r->flat->graph, node, GRAPH_ATTR_direction, 1,
                  (const char *[]){in->backward ? "backward" : "forward"});
  const char *lstm_words[3] = {s->gate[GATE_I].name, s->gate[GATE_G].name, s->out_activation},
             *gru_words[2] = {s->gate[GATE_Z].name, s->gate[GATE_N].name};
  const char *rnn_words[1] = {s->gate[GATE_H].name};
  if (s->op == GRAPH_Lstm)
    graph_set_words(r->flat->graph, node, GRAPH_ATTR_activations, 3, lstm_words);
  else if (s->op == GRAPH_Gru)
    graph_set_words(r->flat->graph, node, GRAPH_ATTR_activations, 2, gru_words);
  else
    graph_set_words(r->flat->graph, node, GRAPH_ATTR_activations, 1, rnn_words);
  if (s->op == GRAPH_Gru) graph_set_int(r->flat->graph, node, GRAPH_ATTR_reset_after, after);
  set_clip(r, node, s->cell_clip);
  return chain_settle(r, node) ? node : NULL;
}
