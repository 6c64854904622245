/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Affine forms of values: see affine.h. */
#include "import/lift/affine.h"

#include "import/lift/trace.h"

#include <string.h>

enum {
  DEPTH_MAX = 4000,    /* how many sums within sums are followed; a deeper value is a source */
  VISITS_MAX = 1 << 22 /* how many values are asked for their sources */
};

/* Whether a node only moves the elements of its first operand, by constants. */
static bool only_moves(const Forms *f, const GraphNode *node) {
  return node->op != GRAPH_Concat && !graph_known(form_type(f, node->in[0])) &&
         trace_moves(f->flat, node);
}

/* The same as places(). scratch: an arena for all but the result. */
static int64_t *places_in(Forms *f, Arena *scratch, const GraphValue *value, int which) {
  const GraphNode *node = value->node;
  const double **number = ARENA_ARRAY(scratch, const double *, node->n_in + 1);
  for (int i = 0; i < node->n_in; i++) {
    if (!node->in[i] || !graph_operand_moves(node, i)) continue;
    int64_t count = form_type(f, node->in[i])->count;
    double *own = ARENA_ARRAY(scratch, double, count + 1);
    for (int64_t k = 0; k < count; k++)
      own[k] = i == which ? (double)k : -1;
    number[i] = own;
  }
  Arena *of_flat = f->flat->arena;
  f->flat->arena = scratch;
  const double *moved_to = trace_moved(f->flat, node, number, value->index);
  f->flat->arena = of_flat;
  if (!moved_to) return NULL;
  int64_t n = form_type(f, value)->count, *out = ARENA_ARRAY(f->arena, int64_t, n + 1);
  const int64_t *own = form_sample_places(f, scratch, value),
                *theirs = form_sample_places(f, scratch, node->in[which]);
  for (int64_t i = 0; i < n; i++) {
    int64_t from = (int64_t)moved_to[i];
    if (own[i] < 0) continue;
    out[own[i]] = from < 0 ? -1 : theirs[from];
    if (from >= 0 && theirs[from] < 0) return NULL; /* from another sample */
  }
  return out;
}

/* from[i] is the element of operand `which` that element i of `value` is; -1: it is one of another
 * operand. NULL: it cannot be computed, or an element is of another sample. */
static int64_t *places(Forms *f, const GraphValue *value, int which) {
  Arena *scratch = arena_child(f->arena);
  int64_t *out = places_in(f, scratch, value, which);
  arena_free(scratch);
  return out;
}

/* Operand k of an elementwise node, repeated to the shape of its result. */
static const Form *operand(Forms *f, const GraphNode *node, int k) {
  GraphValue *v = node->in[k];
  const GraphTensor *t = form_type(f, v), *y = form_type(f, node->out[0]);
  const Form *form = form_of(f, v);
  if (!form || form->n == form_elements(f, node->out[0])) return form;
  int64_t n = form_elements(f, node->out[0]), *from = ARENA_ARRAY(f->arena, int64_t, n + 1);
  const int64_t *own_place = form_sample_places(f, f->arena, node->out[0]),
                *their_place = form_sample_places(f, f->arena, v);
  for (int64_t i = 0; i < y->count; i++) {
    int64_t left = i, at = 0, step = 1;
    for (int axis = y->rank; axis-- > 0;) {
      int64_t place = left % y->dim[axis];
      int own = axis - (y->rank - t->rank);
      left /= y->dim[axis];
      if (own < 0) continue;
      if (t->dim[own] != 1) at += place * step;
      step *= t->dim[own];
    }
    if (own_place[i] >= 0) from[own_place[i]] = their_place[at];
  }
  return form_moved(f, form, from, n);
}

/* The numbers of a form without sources; NULL: it has sources, or is zero. */
static const double *numbers(const Form *form) {
  return form && !form->n_terms ? form->constant : NULL;
}

/* The matrix of a term of d elements after a product with w, which is x W if `right`, otherwise W
 * x. The product has n elements. */
static const double *weighted(Forms *f, const Term *term, const GraphTensor *w, bool right,
                              int64_t d, int64_t n) {
  int64_t width = form_elements(f, term->source);
  double *matrix = ARENA_ARRAY(f->arena, double, (n * width + 1)),
         *row = ARENA_ARRAY(f->arena, double, width + 1);
  for (int64_t i = 0; i < d; i++) {
    int64_t only = term->pick ? term->pick[i] : i; /* the element, if the matrix is the identity */
    for (int64_t k = 0; k < width && term_has_matrix(term); k++)
      row[k] = term_weight(term, i, k);
    for (int64_t j = 0; j < n; j++) {
      double weight = graph_at(w, right ? i * n + j : j * d + i);
      if (!term_has_matrix(term) && only >= 0) matrix[j * width + only] += weight;
      for (int64_t k = 0; k < width && term_has_matrix(term) && weight != 0; k++)
        matrix[j * width + k] += weight * row[k];
    }
  }
  return matrix;
}

/* The form of x W for a vector x and a constant matrix W, or of W x for a column x. NULL: the node
 * is another product. */
static const Form *product(Forms *f, const GraphNode *node) {
  const GraphTensor *a = form_type(f, node->in[0]), *b = form_type(f, node->in[1]);
  bool right = graph_known(b) && !graph_known(a);
  const GraphTensor *w = right ? b : a;
  if (graph_known(a) && graph_known(b)) return NULL;
  if (!graph_known(w) || w->rank < 2) return NULL;
  int64_t rows = w->dim[w->rank - 2], columns = w->dim[w->rank - 1];
  int64_t n = right ? columns : rows, d = right ? rows : columns;
  if (w->count != rows * columns || form_elements(f, node->in[right ? 0 : 1]) != d ||
      form_elements(f, node->out[0]) != n)
    return NULL;
  const Form *form = form_of(f, node->in[right ? 0 : 1]);
  if (!form) return NULL;
  Form *out = form_new(f, n);
  double *constant = ARENA_ARRAY(f->arena, double, n ? n : 1);
  out->constant = constant;
  out->n_terms = form->n_terms;
  for (int t = 0; t < form->n_terms; t++) {
    const Term *term = &form->term[t];
    int64_t width = form_elements(f, term->source);
    if (n * width > FORM_MATRIX_MAX) return NULL;
    bool whole =
        !term_has_matrix(term) && !term->pick && width == d; /* the weights are those of the file */
    out->term[t] = whole ? (Term){.source = term->source,
                                  .matrix = w->wide,
                                  .narrow = w->narrow,
                                  .row_step = right ? 1 : d,
                                  .column_step = right ? n : 1}
                         : form_term(term->source, weighted(f, term, w, right, d, n), width);
  }
  for (int64_t i = 0; i < d && form->constant; i++)
    for (int64_t j = 0; j < n; j++)
      constant[j] += form->constant[i] * graph_at(w, right ? i * n + j : j * d + i);
  return out;
}

/* The form of a Concat: the sum of its operands, each at its places and zero elsewhere. */
static const Form *concat(Forms *f, GraphValue *value) {
  const Form *sum = NULL;
  int64_t n = form_elements(f, value);
  for (int i = 0; i < value->node->n_in; i++) {
    const Form *part = form_of(f, value->node->in[i]);
    int64_t *from = part ? places(f, value, i) : NULL;
    const Form *spread = from ? form_moved(f, part, from, n) : NULL;
    if (!spread) return NULL;
    sum = sum ? form_added(f, sum, spread, 1) : spread;
    if (!sum) return NULL;
  }
  return sum;
}

static bool is_barrier(const Forms *f, const GraphValue *value) {
  for (int i = 0; i < f->n_barriers; i++)
    if (f->barrier[i] == value) return true;
  return false;
}

/* ---- one step of a product ----
 * Exporters multiply a whole sequence by a matrix and take the steps from the product. The
 * functions here take the step from the sequence, and multiply it after that: then the step of the
 * sequence is the source, as for a file that multiplies each step by itself. */

enum { MOST_MOVES = 4 };

/* The nodes that move rows between the product and the slice of one step, the last one first. */
typedef struct Moves {
  const GraphNode *move[MOST_MOVES];
  int n;
} Moves;

static int last_dim(const GraphTensor *t) {
  return t->rank ? (int)t->dim[t->rank - 1] : 0;
}

/* Whether a node moves rows and keeps the last axis as it is. */
static bool moves_rows(const Forms *f, const GraphNode *node) {
  if (!node || !node->n_in) return false;
  const GraphTensor *from = form_type(f, node->in[0]), *to = form_type(f, node->out[0]);
  const GraphAttribute *perm = graph_attribute(node, GRAPH_ATTR_perm),
                       *axes = graph_attribute(node, GRAPH_ATTR_axes);
  if (graph_known(from) || !from->rank || !to->rank || last_dim(from) != last_dim(to)) return false;
  if (node->op == GRAPH_Reshape) return true;
  if (node->op == GRAPH_Transpose)
    return perm && perm->n == from->rank && perm->i[perm->n - 1] == from->rank - 1;
  for (int k = 0; axes && k < axes->n; k++)
    if (axes->i[k] < 0 || axes->i[k] == from->rank - 1) return false;
  return node->op == GRAPH_Reverse && axes;
}

/* The result of a node that again() made before for the same operand, with axes like `like`; NULL:
 * there is none. With it, a source is the same value however often forms are computed. */
static GraphValue *made_before(const Forms *f, const GraphNode *node, const GraphValue *x,
                               const GraphTensor *like) {
  const Graph *graph = f->flat->graph;
  for (int i = graph->n_nodes; i-- > 0;) {
    const GraphNode *made = graph->node[i];
    bool same = made->op == node->op && made->n_in == node->n_in && made->in[0] == x &&
                made->attribute == node->attribute;
    const GraphTensor *t = same ? form_type(f, made->out[0]) : NULL;
    same = t && t->rank == like->rank;
    for (int k = 0; same && k < like->rank; k++)
      same = t->dim[k] == like->dim[k];
    for (int k = 1; same && k < node->n_in && node->op != GRAPH_Reshape; k++)
      same = made->in[k] == node->in[k];
    if (same) return made->out[0];
  }
  return NULL;
}

/* A copy of the node with x as its first operand, whose last axis has another size. */
static GraphValue *again(Forms *f, const GraphNode *node, GraphValue *x) {
  GraphTensor like = *form_type(f, node->out[0]);
  like.dim[like.rank - 1] = last_dim(form_type(f, x));
  GraphValue *made = made_before(f, node, x, &like);
  if (made) return made;
  const char *fault;
  GraphNode *copy = flat_node(f->flat, node->op, node, node->n_in, node->in, 1);
  copy->in[0] = x;
  if (node->op == GRAPH_Reshape)
    copy->in[1] = flat_constant(f->flat, "", graph_ints(f->flat->arena, like.rank, like.dim));
  copy->attribute = node->attribute;
  copy->n_attributes = node->n_attributes;
  if (!flat_type(f->flat, copy, &fault)) return NULL;
  atoms_add(f->atoms, copy);
  return copy->out[0];
}

/* The step of x that the slice `cut` takes, after the same moves. */
static GraphValue *step_of(Forms *f, const GraphNode *cut, const Moves *moves, GraphValue *x) {
  for (int i = moves->n; x && i-- > 0;)
    x = again(f, moves->move[i], x);
  return x ? again(f, cut, x) : NULL;
}

/* If a node is a MatMul, an Add or a Mul with a constant: the number of the other operand; -1: it
 * is another node. */
static int operand_of_product(const Forms *f, const GraphNode *made) {
  bool by_element = made->op == GRAPH_Add || made->op == GRAPH_Mul;
  if (made->op != GRAPH_MatMul && !by_element) return -1;
  int which = graph_known(form_type(f, made->in[0])) ? 1 : 0;
  const GraphTensor *c = form_type(f, made->in[1 - which]), *x = form_type(f, made->in[which]);
  if (!graph_known(c) || graph_known(x) || (made->op == GRAPH_MatMul && (which || c->rank != 2)) ||
      x->rank != form_type(f, made->out[0])->rank)
    return -1;
  for (int i = 0; by_element && i < c->rank - 1; i++)
    if (c->dim[i] != 1) return -1;
  return which;
}

/* Whether a node joins values along their last axis, or adds values that vary. */
static bool joins_last(const Forms *f, const GraphNode *made) {
  bool adds = made->op == GRAPH_Add || made->op == GRAPH_Sub;
  const GraphTensor *y = form_type(f, made->out[0]);
  int64_t axis = graph_int(made, GRAPH_ATTR_axis, 0);
  if (!adds && (made->op != GRAPH_Concat || (axis != -1 && axis != y->rank - 1))) return false;
  for (int k = 0; k < made->n_in; k++) {
    const GraphTensor *x = form_type(f, made->in[k]);
    if (graph_known(x) || x->rank != y->rank || (adds && x->count != y->count)) return false;
  }
  return true;
}

/* The form of one step of a sequence that such a node makes: the steps of its operands, and then
 * the node. NULL: `value` is another one. */
static const Form *step_of_made(Forms *f, GraphValue *value) {
  const GraphNode *cut = value->node;
  if (cut->op != GRAPH_Gather && cut->op != GRAPH_Slice) return NULL;
  Moves moves = {0};
  const GraphValue *whole = cut->in[0];
  while (moves.n < MOST_MOVES && !is_barrier(f, whole) && moves_rows(f, whole->node)) {
    moves.move[moves.n++] = whole->node;
    whole = whole->node->in[0];
  }
  const GraphNode *made = whole->node;
  if (!made || is_barrier(f, whole)) return NULL;
  int which = operand_of_product(f, made);
  bool joins = joins_last(f, made);
  const GraphTensor *z = form_type(f, value); /* the cut must leave the last axis alone */
  if ((which < 0 && !joins) || z->rank < 1 || last_dim(z) != last_dim(form_type(f, whole)))
    return NULL;
  GraphValue **in = ARENA_ARRAY(f->flat->arena, GraphValue *, made->n_in);
  for (int k = 0; k < made->n_in; k++) {
    in[k] = joins || k == which ? step_of(f, cut, &moves, made->in[k]) : made->in[k];
    if (!in[k]) return NULL;
  }
  const char *fault;
  GraphNode *later = flat_node(f->flat, made->op, made, made->n_in, in, 1);
  if (made->op == GRAPH_Concat) graph_set_int(f->flat->graph, later, GRAPH_ATTR_axis, z->rank - 1);
  if (!flat_type(f->flat, later, &fault) || form_type(f, later->out[0])->count != z->count)
    return NULL;
  atoms_add(f->atoms, later);
  return form_of(f, later->out[0]);
}

static bool cuts(const GraphNode *node) {
  return node->op == GRAPH_Gather || node->op == GRAPH_Slice || node->op == GRAPH_Split;
}

/* Whether a form has elements of one source, without weights and in any order. */
static bool is_pure(const Form *form) {
  return form->n_terms == 1 && !form->constant && !term_has_matrix(&form->term[0]);
}

static const Form *negated(Forms *f, const GraphNode *node) {
  int64_t n = form_type(f, node->out[0])->count;
  double *minus = ARENA_ARRAY(f->arena, double, n + 1);
  for (int64_t i = 0; i < n; i++)
    minus[i] = -1;
  const Form *x = form_of(f, node->in[0]);
  return x ? form_scaled(f, x, minus) : NULL;
}

/* form_of() for a value whose form is not known yet. */
static const Form *compute(Forms *f, GraphValue *value) {
  const GraphNode *node = value->node;
  const GraphTensor *type = form_type(f, value);
  if (graph_known(type)) {
    Form *form = form_new(f, type->count);
    form->constant = graph_wide(f->arena, type);
    return form;
  }
  if (!node || is_barrier(f, value)) return form_own(f, value);
  const Form *x, *y, *out = NULL;
  if (only_moves(f, node)) {
    if (node->op == GRAPH_Gather || node->op == GRAPH_Slice) {
      out = step_of_made(f, value);
      if (out) return out;
    }
    x = cuts(node) ? form_of(f, node->in[0]) : NULL;
    if (x && is_pure(x))
      return form_own(f, value); /* a step of a sequence, a part of a packed state */
    int64_t *from = places(f, value, 0);
    x = from ? form_of(f, node->in[0]) : NULL;
    return x ? form_moved(f, x, from, form_elements(f, value)) : form_own(f, value);
  }
  if (node->op == GRAPH_Concat) return concat(f, value);
  if (node->op == GRAPH_MatMul) out = product(f, node);
  if (node->op == GRAPH_Neg) return negated(f, node);
  if (node->op == GRAPH_Add || node->op == GRAPH_Sub) {
    x = operand(f, node, 0);
    y = operand(f, node, 1);
    return x && y ? form_added(f, x, y, node->op == GRAPH_Add ? 1 : -1) : NULL;
  }
  if (node->op == GRAPH_Mul) {
    x = operand(f, node, 0);
    y = operand(f, node, 1);
    if (x && y && numbers(y)) return form_scaled(f, x, numbers(y));
    if (x && y && numbers(x)) return form_scaled(f, y, numbers(x));
  }
  return out ? out : form_own(f, value);
}

/* Whether there is a product or a sum between a value and its source, and not only moves. */
static bool affine_inside(const Forms *f, const GraphValue *value, const GraphValue *source) {
  while (value != source) {
    const GraphNode *node = value->node;
    if (!node || !only_moves(f, node)) return true;
    value = node->in[0];
  }
  return false;
}

static void add_source(GraphValue *source, GraphValue **out, int *n) {
  for (int i = 0; i < *n; i++)
    if (out[i] == source) return;
  if (*n < FORM_MAX_TERMS) out[(*n)++] = source;
}

/* form_sources() for a value whose depth is within the limits. It makes the same choices as
 * compute(). */
static void sources(Forms *f, GraphValue *value, GraphValue **out, int *n) {
  const GraphNode *node = value->node;
  if (graph_known(form_type(f, value))) return;
  if (!node || is_barrier(f, value)) {
    add_source(value, out, n);
    return;
  }
  bool constant[2] = {node->n_in > 0 && graph_known(form_type(f, node->in[0])),
                      node->n_in > 1 && node->in[1] && graph_known(form_type(f, node->in[1]))};
  bool through = node->op == GRAPH_Concat || node->op == GRAPH_Neg || node->op == GRAPH_Add ||
                 node->op == GRAPH_Sub;
  through = through ||
            ((node->op == GRAPH_MatMul || node->op == GRAPH_Mul) && (constant[0] || constant[1]));
  if (through) {
    for (int i = 0; i < node->n_in; i++)
      form_sources(f, node->in[i], out, n);
    return;
  }
  if (!only_moves(f, node)) {
    add_source(value, out, n);
    return;
  }
  if (cuts(node)) {
    const Form *earlier = step_of_made(f, value);
    for (int i = 0; earlier && i < earlier->n_terms; i++)
      add_source(earlier->term[i].source, out, n);
    if (earlier) return;
    GraphValue *inner[FORM_MAX_TERMS];
    int count = 0;
    form_sources(f, node->in[0], inner, &count);
    if (count == 1 && form_type(f, inner[0])->count == form_type(f, node->in[0])->count &&
        !affine_inside(f, node->in[0], inner[0])) {
      add_source(value, out, n);
      return;
    }
    for (int i = 0; i < count; i++)
      add_source(inner[i], out, n);
    return;
  }
  form_sources(f, node->in[0], out, n);
}

void form_sources(Forms *f, GraphValue *value, GraphValue **out, int *n) {
  f->depth++;
  f->visits++;
  if (f->depth > DEPTH_MAX || f->visits > VISITS_MAX)
    add_source(value, out, n);
  else
    sources(f, value, out, n);
  f->depth--;
}

static const Form no_form; /* in Forms.known: the form has too many terms */

const Form *form_of(Forms *f, GraphValue *value) {
  f->known = arena_grow(f->arena, f->known, &f->cap, (size_t)f->flat->graph->n_values + 1,
                        sizeof *f->known);
  const Form *known = f->known[value->id];
  if (known) return known == &no_form ? NULL : known;
  f->depth++;
  const Form *form = f->depth > DEPTH_MAX ? form_own(f, value) : compute(f, value);
  f->depth--;
  f->known = arena_grow(f->arena, f->known, &f->cap, (size_t)f->flat->graph->n_values + 1,
                        sizeof *f->known);
  f->known[value->id] = form ? form : &no_form;
  return form;
}
