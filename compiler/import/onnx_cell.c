/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Recognising the equations of a cell. With s a gate activation and a the activation,
 *
 *   LSTM  c' = s(f) c + s(i) a(g)      h' = s(o) a(c')
 *   GRU   h' = s(z) h + (1 - s(z)) a(n)    n = Wx + b + R (s(r) h), or Wx + b + s(r) (R h + rb)
 *
 * and every argument of s affine (onnx_affine.c): a sum of x W, h R and constants, or a cut of such
 * a sum. Each gate is expanded to its matrix and bias by itself, so it does not matter how gates
 * were packed; what has any other term is no cell. */
#include "import/onnx_affine.h"

#include <math.h>
#include <string.h>

enum { DEPTH = 24 };

void cell_scope(CellScope *scope, Onnx *onnx, const OnnxGraph *graph) {
  *scope = (CellScope){.onnx = onnx};
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i].n_out; k++)
      if (*graph->node[i].out[k])
        map_put(onnx->arena, &scope->producer, graph->node[i].out[k], &graph->node[i]);
}

OnnxNode *cell_producer(const CellScope *scope, const char *name, const char *op) {
  OnnxNode *n = map_get(&scope->producer, name);
  bool binary = onnx_is_among(" Add Sub Mul Div Pow Less Gather MatMul ", op);
  return n && strcmp(n->op, op) == 0 && n->n_in >= (binary ? 2 : 1) && (!binary || n->n_in == 2)
             ? n
             : NULL;
}

const OnnxTensor *cell_constant(const CellScope *scope, const char *name) {
  const OnnxTensor *t = map_get(&scope->onnx->tensor, name);
  return t && onnx_is_constant(t) ? t : NULL;
}

const OnnxAttribute *cell_attribute(const OnnxNode *n, const char *name) {
  for (int i = 0; i < n->n_attributes; i++)
    if (strcmp(n->attribute[i].name, name) == 0) return &n->attribute[i];
  return NULL;
}

bool cell_number(const CellScope *scope, const char *name, double *x) {
  OnnxNode *expand =
      cell_producer(scope, name, "Expand"); /* to a shape that does not matter here */
  const OnnxTensor *t = cell_constant(scope, expand && expand->n_in ? expand->in[0] : name);
  if (!t || t->count < 1) return false;
  *x = onnx_number(t, 0);
  for (int64_t k = 1; k < t->count; k++)
    if (onnx_number(t, k) != *x) return false;
  return true;
}

static bool is_number(const CellScope *scope, const char *name, double x) {
  double found;
  return cell_number(scope, name, &found) && found == x;
}

const char *cell_source(const CellScope *scope, const char *name) {
  for (int i = 0; i < DEPTH; i++) {
    OnnxNode *n = map_get(&scope->producer, name);
    if (!n || n->n_in < 1) return name;
    bool same = strcmp(n->op, "Identity") == 0 || strcmp(n->op, "Squeeze") == 0 ||
                strcmp(n->op, "Unsqueeze") == 0;
    if (same)
      name = n->in[0];
    else if (strcmp(n->op, "Mul") == 0 && n->n_in == 2 && is_number(scope, n->in[1], 1))
      name = n->in[0];
    else if (strcmp(n->op, "Mul") == 0 && n->n_in == 2 && is_number(scope, n->in[0], 1))
      name = n->in[1];
    else
      return name;
  }
  return name;
}

static OnnxNode *made_by(const CellScope *scope, const char *name, const char *op) {
  return cell_producer(scope, cell_source(scope, name), op);
}

bool same_source(const CellScope *scope, const char *a, const char *b) {
  return strcmp(cell_source(scope, a), cell_source(scope, b)) == 0;
}

/* ---- activations ---- */

/* max(0, min(1, 0.2 t + 0.5)), in either order. */
static const char *hard_sigmoid_of(const CellScope *scope, const char *name) {
  const char *inner = cell_source(scope, name);
  bool was_max = false;
  for (int i = 0; i < 2; i++) {
    OnnxNode *n = map_get(&scope->producer, inner);
    if (!n || n->n_in != 2) return NULL;
    bool max = strcmp(n->op, "Max") == 0, min = strcmp(n->op, "Min") == 0;
    if (i == 1 && max == was_max) return NULL;
    was_max = max;
    int number = is_number(scope, n->in[1], max ? 0 : 1)   ? 1
                 : is_number(scope, n->in[0], max ? 0 : 1) ? 0
                                                           : -1;
    if ((!max && !min) || number < 0) return NULL;
    inner = cell_source(scope, n->in[1 - number]);
  }
  OnnxNode *sum = cell_producer(scope, inner, "Add");
  if (!sum || sum->n_in != 2) return NULL;
  int half = is_number(scope, sum->in[1], 0.5) ? 1 : is_number(scope, sum->in[0], 0.5) ? 0 : -1;
  OnnxNode *product = half >= 0 ? made_by(scope, sum->in[1 - half], "Mul") : NULL;
  double slope = 0;
  for (int k = 0; product && k < 2; k++)
    if (cell_number(scope, product->in[k], &slope) && fabs(slope - 0.2) < 1e-6)
      return product->in[1 - k];
  return NULL;
}

/* What a gate activation is applied to; *kind: its name. */
static const char *gate_of(const CellScope *scope, const char *name, const char **kind) {
  OnnxNode *n = made_by(scope, name, "Sigmoid");
  const char *found = n ? "Sigmoid" : "HardSigmoid",
             *inner = n ? n->in[0] : hard_sigmoid_of(scope, name);
  if (!inner || (*kind && strcmp(*kind, found) != 0)) return NULL;
  *kind = found;
  return inner;
}

static const char *activation_of(const CellScope *scope, const char *name, const char **kind) {
  static const char *const known[] = {"Tanh", "Relu", "Softsign", "Softplus", "Sigmoid"};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    OnnxNode *n = made_by(scope, name, known[i]);
    if (!n) continue;
    *kind = known[i];
    return n->in[0];
  }
  *kind = "Affine"; /* of alpha 1, beta 0: none */
  return name;
}

/* ---- the cells ---- */

/* Puts a gate's matrices at its place; x is told from h by name. */
static bool put_gate(const CellScope *scope, const Affine *a, Cell *cell, int place, bool with_h) {
  int h = -1, x = -1;
  for (int k = 0; k < 2; k++) {
    if (!a->base[k]) continue;
    *(same_source(scope, a->base[k], cell->h) ? &h : &x) = k;
  }
  if (x < 0 || (with_h ? h < 0 : h >= 0) || (a->base[1] && (h < 0 || x < 0))) return false;
  if (!cell->x) {
    cell->x = a->base[x];
    cell->d = a->d[x];
    cell->w = ARENA_ARRAY(scope->onnx->arena, float, cell->gates * cell->u * cell->d);
  }
  if (strcmp(cell->x, a->base[x]) != 0 || a->d[x] != cell->d || (h >= 0 && a->d[h] != cell->u))
    return false;
  memcpy(cell->w + place * cell->u * cell->d, a->w[x], sizeof(float) * (size_t)(cell->u * cell->d));
  if (h >= 0)
    memcpy(cell->r + place * cell->u * cell->u, a->w[h],
           sizeof(float) * (size_t)(cell->u * cell->u));
  for (int64_t u = 0; u < cell->u; u++)
    cell->b[place * cell->u + u] = (float)a->bias[u];
  return true;
}

static void cell_start(const CellScope *scope, int gates, int64_t u, Cell *cell) {
  *cell = (Cell){.gates = gates, .u = u};
  cell->r = ARENA_ARRAY(scope->onnx->arena, float, gates *u *u);
  cell->b = ARENA_ARRAY(scope->onnx->arena, float, 2 * gates * u);
}

/* The input of the graph that a tensor is a part of; NULL: it is computed. */
static const char *root_of(const CellScope *scope, const char *name) {
  static const char moves[] =
      " Slice Squeeze Unsqueeze Split Gather Reshape Transpose Identity Flatten Cast ";
  for (int i = 0; i < DEPTH; i++) {
    OnnxNode *n = map_get(&scope->producer, name);
    if (!n) return cell_constant(scope, name) ? NULL : name;
    if (!onnx_is_among(moves, n->op) || n->n_in < 1) return NULL;
    name = n->in[0];
  }
  return NULL;
}

/* Which of two operands of the same size is the state: the one that comes from where c comes from,
 * or the only one that comes in from outside. -1: not to be told. */
static int state_side(const CellScope *scope, const Affine *a, const char *c, int64_t u) {
  const char *root[2] = {root_of(scope, a->base[0]), root_of(scope, a->base[1])},
             *of_c = root_of(scope, c);
  if (a->d[0] != u || a->d[1] != u) return a->d[0] == u ? 0 : a->d[1] == u ? 1 : -1;
  bool like[2] = {root[0] && of_c && strcmp(root[0], of_c) == 0,
                  root[1] && of_c && strcmp(root[1], of_c) == 0};
  if (like[0] != like[1]) return like[1];
  return !root[0] == !root[1] ? -1 : root[1] != NULL;
}

static bool lstm_with_h(const CellScope *scope, const char *const *gate, const char *h, int64_t u,
                        Cell *out) {
  cell_start(scope, 4, u, out);
  out->h = h;
  for (int place = 0; place < 4; place++) {
    Affine a;
    if (!affine(scope, gate[place], u, &a) || !put_gate(scope, &a, out, place, true)) return false;
  }
  return true;
}

bool cell_match_lstm(const CellScope *scope, const char *next, int64_t u, Cell *out) {
  OnnxNode *product = made_by(scope, next, "Mul");
  for (int k = 0; product && product->n_in == 2 && k < 2; k++) {
    const char *s = NULL, *a = NULL, *last = NULL;
    const char *gate[4] = {NULL}; /* i o f c */
    if (!(gate[1] = gate_of(scope, product->in[k], &s))) continue;
    const char *next_c = activation_of(scope, product->in[1 - k], &last);
    OnnxNode *sum = strcmp(last, "Affine") == 0 ? NULL : made_by(scope, next_c, "Add");
    for (int swap = 0; sum && sum->n_in == 2 && swap < 2; swap++) {
      OnnxNode *kept = made_by(scope, sum->in[swap], "Mul"),
               *added = made_by(scope, sum->in[1 - swap], "Mul");
      for (int turn = 0; kept && added && turn < 4; turn++) {
        const char *c = kept->in[1 - (turn & 1)];
        gate[2] = gate_of(scope, kept->in[turn & 1], &s);
        gate[0] = gate_of(scope, added->in[turn >> 1], &s);
        gate[3] = activation_of(scope, added->in[1 - (turn >> 1)], &a);
        if (!gate[2] || !gate[0] || gate_of(scope, c, &(const char *){NULL})) continue;
        Affine first;
        if (strcmp(a, "Affine") == 0 || !affine(scope, gate[0], u, &first) || !first.base[0] ||
            !first.base[1])
          continue;
        int side = state_side(scope, &first, c, u);
        if (side < 0 || !lstm_with_h(scope, gate, first.base[side], u, out)) continue;
        out->c = cell_source(scope, c);
        out->next_c = cell_source(scope, next_c);
        out->gate = s;
        out->activation = a;
        out->cell_activation = last;
        return true;
      }
    }
  }
  return false;
}

/* n = Wx + b + R (r h), or Wx + b + r (R h + rb). */
static bool candidate(const CellScope *scope, const char *name, const char **kind, Cell *out) {
  OnnxNode *sum = made_by(scope, name, "Add");
  for (int k = 0; sum && sum->n_in == 2 && k < 2; k++) {
    Affine x, h;
    const char *r = NULL;
    OnnxNode *reset = made_by(scope, sum->in[1 - k], "Mul");
    for (int turn = 0; reset && turn < 2; turn++) { /* after */
      if (!(r = gate_of(scope, reset->in[turn], kind)) ||
          !affine(scope, reset->in[1 - turn], out->u, &h) || !h.base[0] || h.base[1] ||
          !same_source(scope, h.base[0], out->h))
        continue;
      if (!affine(scope, sum->in[k], out->u, &x) || !put_gate(scope, &x, out, 2, false)) continue;
      memcpy(out->r + 2 * out->u * out->u, h.w[0], sizeof(float) * (size_t)(out->u * out->u));
      for (int64_t u = 0; u < out->u; u++)
        out->b[5 * out->u + u] = (float)h.bias[u];
      Affine gate;
      out->linear_before_reset = true;
      return affine(scope, r, out->u, &gate) && put_gate(scope, &gate, out, 1, true);
    }
  }
  Affine a, gate;
  if (!affine(scope, name, out->u, &a)) return false;
  for (int k = 0; k < 2; k++) { /* before: one of the bases is r h */
    OnnxNode *reset = a.base[k] ? cell_producer(scope, a.base[k], "Mul") : NULL;
    for (int turn = 0; reset && reset->n_in == 2 && turn < 2; turn++) {
      const char *r = gate_of(scope, reset->in[turn], kind);
      if (!r || !same_source(scope, reset->in[1 - turn], out->h) || !a.base[1 - k] ||
          a.d[k] != out->u)
        continue;
      a.base[k] = out->h;
      return put_gate(scope, &a, out, 2, true) && affine(scope, r, out->u, &gate) &&
             put_gate(scope, &gate, out, 1, true);
    }
  }
  return false;
}

/* 1 - z for this z. */
static bool is_complement(const CellScope *scope, const char *name, const char *z) {
  OnnxNode *n = made_by(scope, name, "Sub");
  return n && n->n_in == 2 && is_number(scope, n->in[0], 1) && same_source(scope, n->in[1], z);
}

bool cell_match_gru(const CellScope *scope, const char *next, const char *h, int64_t u, Cell *out) {
  OnnxNode *sum = made_by(scope, next, "Add");
  for (int swap = 0; sum && sum->n_in == 2 && swap < 2; swap++) {
    OnnxNode *kept = made_by(scope, sum->in[swap], "Mul"),
             *added = made_by(scope, sum->in[1 - swap], "Mul");
    for (int turn = 0; kept && added && kept->n_in == 2 && added->n_in == 2 && turn < 4; turn++) {
      const char *z = kept->in[turn & 1], *s = NULL, *a = NULL;
      const char *pre = gate_of(scope, z, &s);
      if (!pre || !same_source(scope, kept->in[1 - (turn & 1)], h) ||
          !is_complement(scope, added->in[turn >> 1], z))
        continue;
      const char *n = activation_of(scope, added->in[1 - (turn >> 1)], &a);
      Affine gate;
      cell_start(scope, 3, u, out);
      out->h = cell_source(scope, h);
      if (!affine(scope, pre, u, &gate) || !put_gate(scope, &gate, out, 0, true) ||
          !candidate(scope, n, &s, out))
        continue;
      out->gate = s;
      out->activation = a;
      return true;
    }
  }
  return false;
}

int64_t cell_units(const CellScope *scope, const char *next) {
  OnnxNode *n = made_by(scope, next, "Mul");
  const char *kind = NULL, *inner = NULL;
  for (int k = 0; n && n->n_in == 2 && k < 2 && !inner; k++)
    inner = gate_of(scope, n->in[k], &kind);
  for (int i = 0; inner && i < DEPTH; i++) { /* to the first matrix: a square one, or gates of it */
    inner = cell_source(scope, inner);
    n = map_get(&scope->producer, inner);
    if (!n || n->n_in < 1) return 0;
    const OnnxTensor *m = n->n_in > 1 ? cell_constant(scope, n->in[1]) : NULL;
    if (strcmp(n->op, "Split") == 0 && n->n_out == 4) {
      const OnnxNode *sum = map_get(&scope->producer, cell_source(scope, n->in[0]));
      for (int d = 0; sum && sum->n_in > 0 && d < DEPTH; d++) {
        const OnnxTensor *b = sum->n_in > 1 ? cell_constant(scope, sum->in[1]) : NULL;
        if (!b && sum->n_in > 1) b = cell_constant(scope, sum->in[0]);
        if (b && b->count % 4 == 0 && b->rank == 1) return b->count / 4;
        if (b && b->rank == 2 && strcmp(sum->op, "MatMul") == 0) return b->dim[1] / 4;
        if (b && b->rank == 2 && strcmp(sum->op, "Gemm") == 0)
          return cell_attribute(sum, "transB") && cell_attribute(sum, "transB")->i ? b->dim[0] / 4
                                                                                   : b->dim[1] / 4;
        sum = map_get(&scope->producer, cell_source(scope, sum->in[0]));
      }
      return 0;
    }
    if (m && m->rank == 2 && strcmp(n->op, "MatMul") == 0) return m->dim[1];
    if (m && m->rank == 2 && strcmp(n->op, "Gemm") == 0)
      return m->dim[cell_attribute(n, "transB") && cell_attribute(n, "transB")->i ? 0 : 1];
    inner = n->in[0];
  }
  return 0;
}

/* ---- as a node ---- */

static const char *constant_named(Onnx *onnx, const char *name, const char *suffix, int rank,
                                  const int64_t *dim, const float *f) {
  OnnxTensor *t = ARENA_NEW(onnx->arena, OnnxTensor);
  t->name = arena_printf(onnx->arena, "%s:%s", name, suffix);
  t->rank = rank;
  t->count = 1;
  for (int i = 0; i < rank; i++)
    t->count *= t->dim[i] = dim[i];
  t->f = f;
  map_put(onnx->arena, &onnx->tensor, t->name, t);
  return t->name;
}

OnnxNode cell_node(Onnx *onnx, const Cell *cell, const char *x, const char *h, const char *c,
                   const char *name) {
  bool lstm = cell->gates == 4;
  int64_t g = cell->gates * cell->u;
  OnnxNode n = {.name = name, .op = lstm ? "LSTM" : "GRU", .domain = "", .n_in = 7, .n_out = 3};
  n.in = ARENA_ARRAY(onnx->arena, const char *, 8);
  n.out = ARENA_ARRAY(onnx->arena, const char *, 3);
  n.in[0] = x;
  n.in[1] = constant_named(onnx, name, "W", 3, (int64_t[]){1, g, cell->d}, cell->w);
  n.in[2] = constant_named(onnx, name, "R", 3, (int64_t[]){1, g, cell->u}, cell->r);
  n.in[3] = constant_named(onnx, name, "B", 2, (int64_t[]){1, 2 * g}, cell->b);
  n.in[4] = "";
  n.in[5] = h;
  n.in[6] = lstm && c ? c : "";
  n.out[0] = arena_printf(onnx->arena, "%s:Y", name);
  n.out[1] = arena_printf(onnx->arena, "%s:Y_h", name);
  n.out[2] = lstm ? arena_printf(onnx->arena, "%s:Y_c", name) : "";
  n.attribute = ARENA_ARRAY(onnx->arena, OnnxAttribute, 4);
  const char **words = ARENA_ARRAY(onnx->arena, const char *, 3);
  float *alpha = ARENA_ARRAY(onnx->arena, float, 3), *beta = ARENA_ARRAY(onnx->arena, float, 3);
  const char *all[3] = {cell->gate, cell->activation, cell->cell_activation};
  size_t count = lstm ? 3 : 2, numbers = 0;
  for (size_t i = 0; i < count; i++) {
    words[i] = all[i];
    bool hard = strcmp(all[i], "HardSigmoid") == 0;
    if (!hard && strcmp(all[i], "Affine") != 0) continue;
    alpha[numbers] = hard ? 0.2f : 1;
    beta[numbers++] = hard ? 0.5f : 0;
  }
  n.attribute[n.n_attributes++] =
      (OnnxAttribute){.name = "activations", .type = 8, .strings = words, .n = count};
  n.attribute[n.n_attributes++] =
      (OnnxAttribute){.name = "activation_alpha", .type = 6, .floats = alpha, .n = numbers};
  n.attribute[n.n_attributes++] =
      (OnnxAttribute){.name = "activation_beta", .type = 6, .floats = beta, .n = numbers};
  n.attribute[n.n_attributes++] =
      (OnnxAttribute){.name = "linear_before_reset", .type = 2, .i = cell->linear_before_reset};
  return n;
}
