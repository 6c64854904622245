/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recurrent operators that no stage computes. In, a flat graph; out, the same values: an Lstm, Gru
 * or Rnn with an activation that recurrent stages do not support, with coupled gates, with a
 * projection or with a mask becomes the operators of its equations between State and Keep:
 *
 *   LSTM  c' = s(f) c + s(i) a(g)      h' = P s(o) b(c')
 *   GRU   h' = s(z) h + (1 - s(z)) a(n)
 *   RNN   h' = a(W x + R h + b)
 *
 * A mask chooses between the new state and the old one. */
#include "import/lift/lift.h"
#include "import/lift/recurrent_form.h"

#include <stdlib.h>
#include <string.h>

/* One such operator of one direction, x [T, N, d], while its equations are written. */
typedef struct Spelling {
  Flat *flat;
  const GraphNode *node;
  const GraphTensor *w, *r, *b, *rb; /* [1, G, u, d], [1, G, u, p], [1, G, u] */
  GraphValue *x, *h;                 /* [T, N, d], [T, N, p] */
  GraphValue *mask;                  /* [T, N, 1]; NULL: none */
  int64_t u, p, d;
  double clip;
  bool failed;
} Spelling;

/* ---- nodes of the equations ---- */

static GraphNode *added(Spelling *s, GraphOp op, int n_in, GraphValue *const *in, int n_out) {
  return flat_node(s->flat, op, s->node, n_in, in, n_out);
}

/* The result of a node whose attributes are set. */
static GraphValue *typed(Spelling *s, GraphNode *node) {
  GraphValue *value = s->failed ? NULL : flat_typed(s->flat, node);
  s->failed = s->failed || !value;
  return value ? value : node->out[0];
}

static GraphValue *one(Spelling *s, GraphOp op, GraphValue *x) {
  return typed(s, added(s, op, 1, &x, 1));
}

static GraphValue *two(Spelling *s, GraphOp op, GraphValue *a, GraphValue *b) {
  return typed(s, added(s, op, 2, (GraphValue *[]){a, b}, 1));
}

/* The result of an operator of x with one or two attributes that are numbers. */
static GraphValue *with(Spelling *s, GraphOp op, GraphValue *x, GraphAttributeName name, double a,
                        GraphAttributeName other, double b) {
  GraphNode *node = added(s, op, 1, &x, 1);
  graph_set_number(s->flat->graph, node, name, a);
  if (other != name) graph_set_number(s->flat->graph, node, other, b);
  return typed(s, node);
}

static GraphValue *bounded(Spelling *s, GraphValue *x, double low, double high) {
  return with(s, GRAPH_Clip, x, GRAPH_ATTR_low, low, GRAPH_ATTR_high, high);
}

/* ---- activations ---- */

/* Activations that are one operator without attributes. */
static const struct {
  const char *word;
  GraphOp op;
} plain[] = {{"sigmoid", GRAPH_Sigmoid},    {"tanh", GRAPH_Tanh},         {"relu", GRAPH_Relu},
             {"softsign", GRAPH_Softsign},  {"softplus", GRAPH_Softplus}, {"exp", GRAPH_Exp},
             {"silu", GRAPH_Silu},          {"mish", GRAPH_Mish},         {"gelu", GRAPH_Gelu},
             {"hard_silu", GRAPH_HardSwish}};

static GraphValue *squareplus(Spelling *s, GraphValue *x) {
  GraphValue *root =
      one(s, GRAPH_Sqrt, two(s, GRAPH_Add, one(s, GRAPH_Square, x), flat_number(s->flat, 4)));
  return two(s, GRAPH_Mul, two(s, GRAPH_Add, x, root), flat_number(s->flat, 0.5));
}

static GraphValue *scaled_tanh(Spelling *s, GraphValue *x, double a, double b) {
  return two(s, GRAPH_Mul, one(s, GRAPH_Tanh, two(s, GRAPH_Mul, x, flat_number(s->flat, b))),
             flat_number(s->flat, a));
}

static GraphValue *thresholded(Spelling *s, GraphValue *x, double a) {
  GraphValue *above = two(s, GRAPH_Greater, x, flat_number(s->flat, a));
  return typed(s, added(s, GRAPH_Where, 3, (GraphValue *[]){above, x, flat_number(s->flat, 0)}, 1));
}

/* f(x) for the word of f, such as "leaky_relu(0.01)". NULL: there is no such function. */
static GraphValue *activated(Spelling *s, const char *word, GraphValue *x) {
  ActivationWord f;
  if (!activation_word(word, &f)) return NULL;
  const char *name = f.name;
  double a = f.number[0], b = f.number[1];
  for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
    if (strcmp(name, plain[i].word) == 0) return one(s, plain[i].op, x);
  if (strcmp(name, "linear") == 0) return x;
  if (strcmp(name, "relu6") == 0) return bounded(s, x, 0, 6);
  if (strcmp(name, "hard_tanh") == 0) return bounded(s, x, -1, 1);
  if (strcmp(name, "leaky_relu") == 0)
    return with(s, GRAPH_LeakyRelu, x, GRAPH_ATTR_alpha, a, GRAPH_ATTR_alpha, a);
  if (strcmp(name, "celu") == 0)
    return with(s, GRAPH_Celu, x, GRAPH_ATTR_alpha, a, GRAPH_ATTR_alpha, a);
  if (strcmp(name, "elu") == 0)
    return with(s, GRAPH_Elu, x, GRAPH_ATTR_alpha, a, GRAPH_ATTR_gamma, 1);
  if (strcmp(name, "selu") == 0)
    return with(s, GRAPH_Elu, x, GRAPH_ATTR_alpha, a, GRAPH_ATTR_gamma, b);
  if (strcmp(name, "hard_sigmoid") == 0)
    return with(s, GRAPH_HardSigmoid, x, GRAPH_ATTR_alpha, a, GRAPH_ATTR_beta, b);
  if (strcmp(name, "affine") == 0)
    return two(s, GRAPH_Add, two(s, GRAPH_Mul, x, flat_number(s->flat, a)),
               flat_number(s->flat, b));
  if (strcmp(name, "scaled_tanh") == 0) return scaled_tanh(s, x, a, b);
  if (strcmp(name, "thresholded_relu") == 0) return thresholded(s, x, a);
  if (strcmp(name, "log_sigmoid") == 0)
    return one(s, GRAPH_Neg, one(s, GRAPH_Softplus, one(s, GRAPH_Neg, x)));
  if (strcmp(name, "tanh_shrink") == 0) return two(s, GRAPH_Sub, x, one(s, GRAPH_Tanh, x));
  if (strcmp(name, "squareplus") == 0) return squareplus(s, x);
  return NULL;
}

/* Activation k of the cell of a sum, which is kept within -clip..clip first. */
static GraphValue *active(Spelling *s, int k, GraphValue *sum) {
  if (s->clip > 0) sum = bounded(s, sum, -s->clip, s->clip);
  GraphValue *y = activated(s, recurrent_activation(s->node, k), sum);
  s->failed = s->failed || !y;
  return y ? y : sum;
}

/* ---- sums ---- */

/* Gate g of weights [1, G, u, n] as a matrix [n, u], by which x is multiplied. */
static GraphValue *matrix(Spelling *s, const GraphTensor *t, int64_t g, int64_t n) {
  double *data;
  const GraphTensor *out =
      graph_tensor(s->flat->graph->numbers, GRAPH_FLOAT, 2, (int64_t[]){n, s->u}, &data);
  for (int64_t i = 0; i < s->u; i++)
    for (int64_t k = 0; k < n; k++)
      data[k * s->u + i] = graph_at(t, (g * s->u + i) * n + k);
  return flat_constant(s->flat, "", out);
}

/* Row g of [1, G, u]; NULL: zeros. */
static GraphValue *vector(Spelling *s, const GraphTensor *t, int64_t g) {
  double *data;
  if (!t) return NULL;
  const GraphTensor *out = graph_tensor(s->flat->graph->numbers, GRAPH_FLOAT, 1, &s->u, &data);
  for (int64_t i = 0; i < s->u; i++)
    data[i] = graph_at(t, g * s->u + i);
  return flat_constant(s->flat, "", out);
}

static GraphValue *plus(Spelling *s, GraphValue *x, GraphValue *vector_or_null) {
  return vector_or_null ? two(s, GRAPH_Add, x, vector_or_null) : x;
}

/* W x + b of gate g. */
static GraphValue *of_input(Spelling *s, int64_t g) {
  return plus(s, two(s, GRAPH_MatMul, s->x, matrix(s, s->w, g, s->d)), vector(s, s->b, g));
}

/* R h + rb of gate g. */
static GraphValue *of_state(Spelling *s, int64_t g, GraphValue *h) {
  return plus(s, two(s, GRAPH_MatMul, h, matrix(s, s->r, g, s->p)), vector(s, s->rb, g));
}

static GraphValue *sum_of(Spelling *s, int64_t g) {
  return two(s, GRAPH_Add, of_input(s, g), of_state(s, g, s->h));
}

/* ---- the cells ---- */

static const GraphTensor *constant(const Flat *flat, const GraphNode *node, int i) {
  return flat_known(flat, recurrent_operand(node, i));
}

static GraphValue *shaped(Spelling *s, GraphValue *x, int rank, const int64_t *dim) {
  return two(s, GRAPH_Reshape, x, flat_ints(s->flat, rank, dim));
}

/* A State [T, N, n] whose initial value is operand i, [1, N, n], or zeros. */
static GraphValue *state_from(Spelling *s, const char *name, int i, int64_t n) {
  const int64_t dim[2] = {flat_type_of(s->flat, s->x)->dim[1], n};
  GraphValue *start = recurrent_operand(s->node, i);
  const GraphTensor *known = constant(s->flat, s->node, i);
  if (!start || known) {
    double *data;
    const GraphTensor *t = graph_tensor(s->flat->graph->numbers, GRAPH_FLOAT, 2, dim, &data);
    if (known && known->count == t->count) graph_copy_numbers(known, data);
    start = flat_constant(s->flat, "", t);
  } else
    start = shaped(s, start, 2, dim);
  GraphValue *state = two(s, GRAPH_State, s->x, start);
  state->name = name;
  return state;
}

/* The h' of an Lstm; *c_new gets c'. */
static GraphValue *lstm(Spelling *s, GraphValue *c, GraphValue **c_new) {
  const RecurrentForm *form = recurrent_form(s->node->op);
  const GraphTensor *peephole = constant(s->flat, s->node, form->peephole),
                    *rows = constant(s->flat, s->node, form->projection);
  double cell_clip = graph_number(s->node, GRAPH_ATTR_cell_clip, 0);
  GraphValue *sum[4];
  for (int g = 0; g < 4; g++)
    sum[g] = sum_of(s, g);
  for (int g = 0; g < 2 && peephole; g++)
    sum[g] = two(s, GRAPH_Add, sum[g], two(s, GRAPH_Mul, c, vector(s, peephole, g)));
  GraphValue *i = active(s, 0, sum[0]), *g = active(s, 1, sum[2]);
  GraphValue *f = graph_int(s->node, GRAPH_ATTR_input_forget, 0)
                      ? two(s, GRAPH_Sub, flat_number(s->flat, 1), i)
                      : active(s, 0, sum[1]);
  *c_new = two(s, GRAPH_Add, two(s, GRAPH_Mul, f, c), two(s, GRAPH_Mul, i, g));
  if (cell_clip > 0) *c_new = bounded(s, *c_new, -cell_clip, cell_clip);
  if (peephole)
    sum[3] = two(s, GRAPH_Add, sum[3], two(s, GRAPH_Mul, *c_new, vector(s, peephole, 2)));
  GraphValue *o = active(s, 0, sum[3]),
             *shown = activated(s, recurrent_activation(s->node, 2), *c_new);
  s->failed = s->failed || !shown;
  GraphValue *h = two(s, GRAPH_Mul, o, shown ? shown : *c_new);
  if (!rows) return h;
  double *data;
  const GraphTensor *p =
      graph_tensor(s->flat->graph->numbers, GRAPH_FLOAT, 2, (int64_t[]){s->u, s->p}, &data);
  for (int64_t k = 0; k < s->p; k++)
    for (int64_t j = 0; j < s->u; j++)
      data[j * s->p + k] = graph_at(rows, k * s->u + j);
  return two(s, GRAPH_MatMul, h, flat_constant(s->flat, "", p));
}

/* The h' of a Gru. */
static GraphValue *gru(Spelling *s) {
  GraphValue *z = active(s, 0, sum_of(s, 0)), *r = active(s, 0, sum_of(s, 1)), *n;
  if (graph_int(s->node, GRAPH_ATTR_reset_after, 0))
    n = two(s, GRAPH_Mul, r, of_state(s, 2, s->h));
  else
    n = of_state(s, 2, two(s, GRAPH_Mul, r, s->h));
  n = active(s, 1, two(s, GRAPH_Add, of_input(s, 2), n));
  return two(s, GRAPH_Add, two(s, GRAPH_Mul, z, s->h),
             two(s, GRAPH_Mul, two(s, GRAPH_Sub, flat_number(s->flat, 1), z), n));
}

/* ---- masks ---- */

static GraphValue *reversed(Spelling *s, GraphValue *x) {
  GraphNode *node = added(s, GRAPH_Reverse, 1, &x, 1);
  graph_set_int(s->flat->graph, node, GRAPH_ATTR_axes, 0);
  return typed(s, node);
}

/* a at the steps that count, b at those that are masked. */
static GraphValue *if_counts(Spelling *s, GraphValue *a, GraphValue *b) {
  return s->mask ? typed(s, added(s, GRAPH_Where, 3, (GraphValue *[]){s->mask, a, b}, 1)) : a;
}

/* The mask [T, N] of a node, in the order in which its steps are read. */
static void find_mask(Spelling *s, bool backward) {
  GraphValue *mask = recurrent_operand(s->node, recurrent_form(s->node->op)->mask);
  const int64_t *dim = flat_type_of(s->flat, s->x)->dim;
  if (!mask) return;
  if (flat_type_of(s->flat, mask)->elem != GRAPH_BOOL) {
    GraphNode *truth = added(s, GRAPH_Cast, 1, &mask, 1);
    graph_set_int(s->flat->graph, truth, GRAPH_ATTR_elem, GRAPH_BOOL);
    mask = typed(s, truth);
  }
  s->flat->skips = true;
  s->mask = shaped(s, mask, 3, (int64_t[]){dim[0], dim[1], 1});
  if (backward) s->mask = reversed(s, s->mask);
}

/* ---- replacing ---- */

/* The last row of y. */
static GraphValue *last_of(Spelling *s, GraphValue *y) {
  double last = (double)(flat_type_of(s->flat, y)->dim[0] - 1);
  GraphValue *at = flat_constant(s->flat, "", graph_scalar(s->flat->arena, GRAPH_I64, last));
  GraphNode *node = added(s, GRAPH_Gather, 2, (GraphValue *[]){y, at}, 1);
  graph_set_int(s->flat->graph, node, GRAPH_ATTR_axis, 0);
  return typed(s, node);
}

/* Before the first step that counts the output is zero, and the state is not. */
static bool holds_zero(const Spelling *s) {
  int h0 = recurrent_form(s->node->op)->h0;
  const GraphTensor *start = constant(s->flat, s->node, h0);
  bool zero = !recurrent_operand(s->node, h0) || start;
  for (int64_t i = 0; start && i < start->count; i++)
    zero = zero && graph_at(start, i) == 0;
  return s->mask && !zero && !graph_int(s->node, GRAPH_ATTR_zero_output, 0);
}

/* Replaces a node by its equations. False: it has an activation that is not known. */
static bool spell(Flat *flat, GraphNode *node) {
  const RecurrentForm *form = recurrent_form(node->op);
  bool is_lstm = node->op == GRAPH_Lstm, is_gru = node->op == GRAPH_Gru;
  bool backward = strcmp(graph_word(node, GRAPH_ATTR_direction, 0, "forward"), "backward") == 0;
  Spelling s = {.flat = flat,
                .node = node,
                .w = constant(flat, node, RECURRENT_W),
                .r = constant(flat, node, RECURRENT_R),
                .b = constant(flat, node, RECURRENT_B),
                .rb = constant(flat, node, form->rb),
                .x = node->in[RECURRENT_X],
                .clip = graph_number(node, GRAPH_ATTR_clip, 0)};
  s.u = s.w->dim[2];
  s.d = s.w->dim[3];
  s.p = s.r->dim[3];
  if (backward) s.x = reversed(&s, s.x);
  find_mask(&s, backward);
  s.h = state_from(&s, "h", form->h0, s.p);
  GraphValue *c = is_lstm ? state_from(&s, "c", form->c0, s.u) : NULL, *c_new = NULL;
  GraphValue *h_new = is_lstm  ? lstm(&s, c, &c_new)
                      : is_gru ? gru(&s)
                               : active(&s, 0, sum_of(&s, 0));
  int states = is_lstm ? 2 : 1, held = holds_zero(&s) ? states : 0;
  GraphValue *shown = held ? state_from(&s, "shown", RECURRENT_NONE, s.p) : NULL;
  GraphValue *kept[6] = {if_counts(&s, h_new, s.h), s.h};
  if (is_lstm) kept[2] = if_counts(&s, c_new, c);
  kept[3] = c;
  kept[2 * states] = held ? if_counts(&s, h_new, shown) : NULL;
  kept[2 * states + 1] = shown;
  states += held > 0;
  GraphNode *keep = added(&s, GRAPH_Keep, 2 * states, kept, states);
  graph_set_int(flat->graph, keep, GRAPH_ATTR_states, states);
  if (s.failed || !flat_typed(flat, keep)) return false;
  GraphValue *y = keep->out[held];
  if (graph_int(node, GRAPH_ATTR_zero_output, 0)) y = if_counts(&s, y, flat_number(s.flat, 0));
  if (backward) y = reversed(&s, y);
  GraphValue *made[3] = {y, last_of(&s, keep->out[0]), is_lstm ? last_of(&s, keep->out[1]) : NULL};
  for (int k = 0; k < node->n_out; k++) {
    const GraphTensor *like = flat_type_of(flat, node->out[k]);
    made[k] = shaped(&s, made[k], like->rank, like->dim);
  }
  for (int k = 0; k < node->n_out && !s.failed; k++)
    flat_replace(flat, node->out[k], made[k]);
  return !s.failed;
}

/* ---- which operators ---- */

bool flat_lengths_are_whole(const GraphTensor *lengths, int64_t steps) {
  for (int64_t i = 0; lengths && i < lengths->count; i++)
    if (graph_at(lengths, i) != (double)steps) return false;
  return lengths != NULL;
}

/* Whether operand i is absent or a constant. */
static bool is_known(const Flat *flat, const GraphNode *node, int i) {
  return !recurrent_operand(node, i) || constant(flat, node, i);
}

/* Whether the equations hold for every step of every sample, and all weights are constants. */
static bool can_be_spelled(const Flat *flat, const GraphNode *node) {
  const RecurrentForm *form = recurrent_form(node->op);
  const GraphTensor *lengths = constant(flat, node, form->lengths);
  int64_t steps = flat_type_of(flat, node->in[RECURRENT_X])->dim[0];
  if (!constant(flat, node, RECURRENT_W) || !constant(flat, node, RECURRENT_R)) return false;
  if (!is_known(flat, node, RECURRENT_B) || !is_known(flat, node, form->rb)) return false;
  if (!is_known(flat, node, form->peephole) || !is_known(flat, node, form->projection))
    return false;
  if (recurrent_operand(node, form->lengths) && !flat_lengths_are_whole(lengths, steps))
    return false;
  if (recurrent_operand(node, form->mask) && flat->ends_early) return false;
  return !graph_int(node, GRAPH_ATTR_round_state, 0);
}

bool flat_is_of_no_layer(const Flat *flat, const GraphNode *node) {
  const RecurrentForm *form = recurrent_form(node->op);
  if (recurrent_operand(node, form->mask) && !flat->ends_early) return true;
  if (recurrent_operand(node, form->projection) || graph_int(node, GRAPH_ATTR_input_forget, 0))
    return true;
  for (int k = 0; k < form->n_activations; k++)
    if (!lift_cell_word(recurrent_activation(node, k))) return true;
  return false;
}

static bool spell_cell(Flat *flat, GraphNode *node) {
  return recurrent_form(node->op) && flat_is_of_no_layer(flat, node) &&
         can_be_spelled(flat, node) && spell(flat, node);
}

void flat_spell_cells(Flat *flat) {
  flat_each(flat, spell_cell);
}

bool flat_spell_fed_back(Flat *flat, const bool *own) {
  const Graph *graph = flat->graph;
  bool *made = ARENA_ARRAY(flat->arena, bool, graph->n_values + 1), any = false;
  for (int i = 0; i < graph->n_in; i++)
    if (own[i]) made[graph->in[i].value->id] = any = true;
  for (int i = 0; i < graph->n_nodes && any; i++)
    for (int k = 0; k < graph->node[i]->n_in; k++) {
      const GraphNode *node = graph->node[i];
      if (!node->in[k] || !made[node->in[k]->id]) continue;
      for (int o = 0; o < node->n_out; o++)
        if (node->out[o]) made[node->out[o]->id] = true;
    }
  bool changed = false;
  for (int i = 0, n = graph->n_nodes; i < n && any; i++) {
    GraphNode *node = graph->node[i];
    int mark = graph->n_nodes;
    if (!recurrent_form(node->op) || !made[node->in[RECURRENT_X]->id] ||
        !can_be_spelled(flat, node))
      continue;
    changed = flat_keep_if(flat, spell(flat, node), mark) || changed;
  }
  if (changed) flat_sort(flat);
  return changed;
}
