/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Convolutions of every b-th step. In, a flat graph with a Conv whose samples are the b phases of a
 * sequence, each with every b-th step, and whose result is one sequence again (SpaceToBatch and
 * BatchToSpace of TensorFlow); out, the same values, computed by a Conv of the whole sequence with
 * b times the dilation. */
#include "import/lift/lift.h"
#include "import/lift/trace.h"

enum { MOST_MOVES = 16, MOST_ELEMENTS = 1 << 20 };

/* Nodes that each read the result of the one before. */
typedef struct Moves {
  const GraphNode *node[MOST_MOVES];
  int n;
} Moves;

/* A sequence [N, rows, b s] and its b phases as samples, [b N, rows, s]. */
typedef struct Phases {
  int64_t b, n, rows, s;
  bool rows_last; /* the sequence is [N, b s, rows] instead */
} Phases;

/* Whether a node only moves the elements of its operand, and keeps all of them. */
static bool is_reshape(const Flat *flat, const GraphNode *node) {
  return trace_moves(flat, node) &&
         flat_type_of(flat, node->in[0])->count == flat_type_of(flat, node->out[0])->count &&
         node->op != GRAPH_Concat && node->n_out == 1;
}

/* Whether a node is a function of each element. */
static bool is_function(const GraphNode *node) {
  return node->op < GRAPH_Cast && node->n_in == 1;
}

/* For each element after the moves, its place before them; NULL: it cannot be computed. count: how
 * many elements there are. */
static const double *marks_of(const Flat *flat, const Moves *moves, int64_t count) {
  double *first = ARENA_ARRAY(flat->arena, double, count + 1);
  const double *mark = first;
  for (int64_t i = 0; i < count; i++)
    first[i] = (double)i;
  for (int k = 0; k < moves->n && mark; k++)
    if (!is_function(moves->node[k])) mark = trace_moved(flat, moves->node[k], &mark, 0);
  return mark;
}

/* The place in the sequence of row r of step t of a sample. */
static int64_t place_of(const Phases *p, int64_t sample, int64_t r, int64_t t) {
  int64_t steps = p->b * p->s;
  return p->rows_last ? (sample * steps + t) * p->rows + r : (sample * p->rows + r) * steps + t;
}

/* Whether element i of the phases is element from[i] of the sequence or, if `back`, element i of
 * the sequence is element from[i] of the phases. */
static bool fits(const Phases *p, const double *from, bool back) {
  int64_t i = 0;
  for (int64_t phase = 0; phase < p->b; phase++)
    for (int64_t sample = 0; sample < p->n; sample++)
      for (int64_t r = 0; r < p->rows; r++)
        for (int64_t t = 0; t < p->s; t++, i++) {
          int64_t at = place_of(p, sample, r, t * p->b + phase);
          if (back ? from[at] != (double)i : from[i] != (double)at) return false;
        }
  return true;
}

/* The same with the rows before or after the steps, which sets rows_last. */
static bool find_rows(Phases *p, const double *from, bool back) {
  for (int last = 0; last < 2; last++) {
    p->rows_last = last;
    if (fits(p, from, back)) return true;
  }
  return false;
}

/* The sequence whose phases a value holds; NULL: there is none. In, p->n is the number of samples
 * of the value; out, it is that of the sequence, and p->b is the number of phases. */
static GraphValue *whole_of(Flat *flat, GraphValue *value, Phases *p) {
  Moves moves = {.n = 0};
  GraphValue *x = value;
  int64_t samples = p->n;
  while (x->node && moves.n < MOST_MOVES && is_reshape(flat, x->node)) {
    for (int k = moves.n++; k > 0; k--)
      moves.node[k] = moves.node[k - 1];
    moves.node[0] = x->node;
    x = x->node->in[0];
  }
  const double *from = moves.n ? marks_of(flat, &moves, flat_type_of(flat, x)->count) : NULL;
  for (p->b = samples; from && p->b > 1; p->b--) {
    p->n = samples / p->b;
    if (samples % p->b == 0 && find_rows(p, from, false)) return x;
  }
  return NULL;
}

/* The node that reads a value; NULL: several nodes do, or an output is the value. */
static const GraphNode *only_reader(const Flat *flat, const GraphValue *value) {
  const GraphNode *only = NULL;
  for (int i = 0; i < flat->graph->n_out; i++)
    if (flat->graph->out[i].value == value) return NULL;
  for (int i = 0; i < flat->graph->n_nodes; i++)
    for (int k = 0; k < flat->graph->node[i]->n_in; k++) {
      if (flat->graph->node[i]->in[k] != value) continue;
      if (only) return NULL;
      only = flat->graph->node[i];
    }
  return only;
}

static bool has_axis(const GraphTensor *t, int64_t size) {
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] == size) return true;
  return false;
}

/* The value in which the phases of `value` are one sequence again, along one axis; NULL: there is
 * none. *moves gets the nodes between the two. */
static GraphValue *together(const Flat *flat, GraphValue *value, Phases *p, Moves *moves) {
  moves->n = 0;
  for (GraphValue *x = value; moves->n < MOST_MOVES;) {
    const GraphNode *node = only_reader(flat, x);
    if (!node || !(is_reshape(flat, node) || is_function(node))) return NULL;
    moves->node[moves->n++] = node;
    x = node->out[0];
    const double *from = marks_of(flat, moves, flat_type_of(flat, value)->count);
    if (!from) return NULL;
    if (has_axis(flat_type_of(flat, x), p->b * p->s) && find_rows(p, from, true)) return x;
  }
  return NULL;
}

/* ---- the Conv ---- */

/* The spatial axis of a Conv that is not of size 1; -1: there are several, or the Conv has strides
 * or pads. */
static int only_axis(const Flat *flat, const GraphNode *conv) {
  const GraphTensor *x = flat_type_of(flat, conv->in[0]);
  const GraphAttribute *strides = graph_attribute(conv, GRAPH_ATTR_strides),
                       *pads = graph_attribute(conv, GRAPH_ATTR_pads);
  int found = -1;
  for (int i = 2; i < x->rank; i++) {
    if (x->dim[i] == 1) continue;
    if (found >= 0) return -1;
    found = i;
  }
  for (int i = 0; strides && i < strides->n; i++)
    if (strides->i[i] != 1) return -1;
  for (int i = 0; pads && i < pads->n; i++)
    if (pads->i[i] != 0) return -1;
  return found;
}

/* [N, a, b] as [N, b, a]. */
static GraphValue *turned(Flat *flat, const GraphNode *like, GraphValue *x) {
  return flat_transposed(flat, like, x, 3, (int64_t[]){0, 2, 1});
}

/* The Conv of the whole sequence, [N, M, .., b s']. */
static GraphValue *dilated(Flat *flat, const GraphNode *conv, int axis, GraphValue *whole,
                           const Phases *p) {
  const GraphTensor *x = flat_type_of(flat, conv->in[0]);
  int64_t dim[GRAPH_MAX_RANK], dilations[GRAPH_MAX_RANK], steps = p->b * p->s;
  int64_t flat_dim[3] = {p->n, p->rows_last ? steps : p->rows, p->rows_last ? p->rows : steps};
  const GraphAttribute *was = graph_attribute(conv, GRAPH_ATTR_dilations);
  for (int i = 0; i < x->rank; i++)
    dim[i] = i == 0 ? p->n : i == axis ? steps : x->dim[i];
  for (int i = 2; i < x->rank; i++)
    dilations[i - 2] = (was ? was->i[i - 2] : 1) * (i == axis ? p->b : 1);
  GraphValue *in = flat_reshaped(flat, conv, whole, 3, flat_dim);
  if (in && p->rows_last) in = turned(flat, conv, in);
  if (in) in = flat_reshaped(flat, conv, in, x->rank, dim);
  if (!in) return NULL;
  GraphValue *operand[3] = {in, conv->in[1], conv->n_in > 2 ? conv->in[2] : NULL};
  GraphNode *made = flat_like(flat, conv, conv->n_in, operand);
  graph_set_ints(flat->graph, made, GRAPH_ATTR_dilations, x->rank - 2, dilations);
  return flat_typed(flat, made);
}

/* The functions between the Conv and the value in which its phases are together, of y, the whole
 * sequence. The result has the shape `to`. */
static GraphValue *in_place(Flat *flat, const Moves *moves, GraphValue *y, const Phases *p,
                            const GraphTensor *to) {
  const GraphNode *like = y->node;
  for (int k = 0; y && k < moves->n; k++)
    if (is_function(moves->node[k])) y = flat_typed(flat, flat_like(flat, moves->node[k], 1, &y));
  if (y && p->rows_last) {
    y = flat_reshaped(flat, like, y, 3, (int64_t[]){p->n, p->rows, p->b * p->s});
    if (y) y = turned(flat, like, y);
  }
  return y ? flat_reshaped(flat, like, y, to->rank, to->dim) : NULL;
}

/* Replaces a Conv of phases. False: it is another Conv. */
static bool make_dilated(Flat *flat, GraphNode *conv) {
  const GraphTensor *x = flat_type_of(flat, conv->in[0]), *y = flat_type_of(flat, conv->out[0]);
  int axis = conv->op == GRAPH_Conv ? only_axis(flat, conv) : -1;
  if (axis < 0 || x->dim[0] < 2 || x->count > MOST_ELEMENTS || y->count > MOST_ELEMENTS)
    return false;
  Phases in = {.n = x->dim[0], .rows = x->dim[1], .s = x->dim[axis]};
  GraphValue *whole = whole_of(flat, conv->in[0], &in);
  if (!whole || y->count != in.b * in.n * y->dim[1] * y->dim[axis]) return false;
  Phases out = {.b = in.b, .n = in.n, .rows = y->dim[1], .s = y->dim[axis]};
  Moves moves;
  GraphValue *joined = together(flat, conv->out[0], &out, &moves);
  GraphValue *made = joined ? dilated(flat, conv, axis, whole, &in) : NULL;
  if (made) made = in_place(flat, &moves, made, &out, flat_type_of(flat, joined));
  if (made) flat_replace(flat, joined, made);
  return made != NULL;
}

void lift_dilated(Flat *flat) {
  flat_each(flat, make_dilated);
}
