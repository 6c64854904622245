/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `Loop` as exporters write a recurrence: a counter from 0 in steps of 1, one step of a sequence
 * taken by it, a cell, and as many turns as the sequence has steps. It becomes the cell's node over
 * the whole sequence; any other loop is refused. */
#include "import/onnx_cell.h"

#include <string.h>

typedef struct Loop {
  Onnx *onnx;
  const OnnxNode *node;
  const OnnxGraph *body;
  CellScope scope;
} Loop;

static OnnxDone refuse(Loop *l, const char *why) {
  Diag *d = onnx_refuse(l->onnx, E902, "is a loop that grus cannot take for a recurrent layer");
  diag_note(d, "%s", why);
  diag_note(d, "export the model with LSTM, GRU or RNN nodes");
  return ONNX_FAILED;
}

static const char *carried_in(const Loop *l, int k) {
  return l->body->in[2 + k].name;
}
static const char *carried_out(const Loop *l, int k) {
  return l->body->out[1 + k].name;
}
static int n_carried(const Loop *l) {
  return l->body->n_in - 2;
}

/* Starts at 0 and grows by 1. */
static bool is_counter(const Loop *l, int k) {
  const OnnxTensor *start = map_get(&l->onnx->tensor, l->node->in[2 + k]);
  OnnxNode *next = cell_producer(&l->scope, cell_source(&l->scope, carried_out(l, k)), "Add");
  double one = 0;
  if (!next || next->n_in != 2 || !start || !onnx_is_constant(start) || start->count != 1 ||
      onnx_number(start, 0) != 0)
    return false;
  for (int i = 0; i < 2; i++)
    if (strcmp(next->in[i], carried_in(l, k)) == 0)
      return cell_number(&l->scope, next->in[1 - i], &one) && one == 1;
  return false;
}

/* What a name of the body means outside: a value that is handed from turn to turn unchanged. */
static const char *outside(const Loop *l, const char *name) {
  for (int k = 0; k < n_carried(l); k++)
    if (strcmp(name, carried_in(l, k)) == 0 &&
        strcmp(cell_source(&l->scope, carried_out(l, k)), name) == 0)
      return l->node->in[2 + k];
  return name;
}

static bool counts(const Loop *l, const char *name, bool next) {
  if (!next && strcmp(name, l->body->in[0].name) == 0) return true;
  for (int k = 0; k < n_carried(l); k++)
    if (strcmp(name, next ? cell_source(&l->scope, carried_out(l, k)) : carried_in(l, k)) == 0 &&
        is_counter(l, k))
      return true;
  return false;
}

static const char *uncast(const Loop *l, const char *name) {
  OnnxNode *n = cell_producer(&l->scope, cell_source(&l->scope, name), "Cast");
  return cell_source(&l->scope, n ? n->in[0] : name);
}

/* Turns: the limit of the loop, or of its counter. -1: not to be told. */
static int64_t turns(const Loop *l) {
  const OnnxTensor *limit = *l->node->in[0] ? map_get(&l->onnx->tensor, l->node->in[0]) : NULL;
  const OnnxTensor *first = *l->node->in[1] ? map_get(&l->onnx->tensor, l->node->in[1]) : NULL;
  if ((limit && (!onnx_is_constant(limit) || limit->count != 1)) ||
      (first && (!onnx_is_constant(first) || first->count != 1 || onnx_number(first, 0) == 0)))
    return -1;
  int64_t most = limit ? (limit->i ? limit->i[0] : (int64_t)limit->f[0]) : INT64_MAX;
  const char *condition = cell_source(&l->scope, l->body->out[0].name);
  double number;
  if (strcmp(condition, l->body->in[1].name) == 0 ||
      (cell_number(&l->scope, condition, &number) && number != 0))
    return most == INT64_MAX ? -1 : most;
  OnnxNode *less = cell_producer(&l->scope, condition, "Less");
  if (!less || less->n_in != 2 ||
      !cell_number(&l->scope, outside(l, uncast(l, less->in[1])), &number))
    return -1;
  if (!counts(l, uncast(l, less->in[0]), true)) return -1;
  return number >= 1 && number < 1e9 && (double)most >= number ? (int64_t)number : -1;
}

/* The sequence whose step is x: Gather(sequence, counter). NULL: none. */
static const char *sequence_of(const Loop *l, const char *x) {
  OnnxNode *gather = cell_producer(&l->scope, cell_source(&l->scope, x), "Gather");
  if (!gather || gather->n_in != 2 || map_get(&l->scope.producer, gather->in[0])) return NULL;
  for (int i = 0; i < gather->n_attributes; i++)
    if (strcmp(gather->attribute[i].name, "axis") == 0 && gather->attribute[i].i != 0) return NULL;
  return counts(l, uncast(l, gather->in[1]), false) ? outside(l, gather->in[0]) : NULL;
}

static bool run_node(Onnx *onnx, const OnnxNode *node) {
  onnx->node = node;
  return onnx_recurrent(onnx) == ONNX_DONE;
}

/* The initial state as [1, 1, u], under a name of its own; "" for zeros. */
static const char *start_state(Loop *l, int k, int64_t u, const char *name) {
  OnnxTensor *t = map_get(&l->onnx->tensor, l->node->in[2 + k]);
  bool zero = onnx_is_constant(t);
  for (int64_t i = 0; zero && i < t->count; i++)
    zero = onnx_number(t, i) == 0;
  if (zero) return "";
  OnnxTensor *shaped = onnx_shaped(l->onnx, t, 3, (int64_t[]){1, 1, u});
  map_put(l->onnx->arena, &l->onnx->tensor, name, shaped);
  return name;
}

static OnnxDone convert(Loop *l, const Cell *cell, int h, int c, const char *sequence) {
  Onnx *onnx = l->onnx;
  const OnnxTensor *x = map_get(&onnx->tensor, sequence);
  int64_t steps = turns(l);
  if (!x || x->rank != 3 || x->dim[0] != steps || x->dim[1] != 1)
    return refuse(l, "it does not go once over each step of a sequence [time, 1, features]");
  for (int k = 0; k < 2; k++) {
    const OnnxTensor *start = k == 0   ? map_get(&onnx->tensor, l->node->in[2 + h])
                              : c >= 0 ? map_get(&onnx->tensor, l->node->in[2 + c])
                                       : NULL;
    if (start && start->count != cell->u)
      return refuse(l, "its initial state has another size than the state");
  }
  const char *name = *l->node->name ? l->node->name : "loop";
  const char *h0 = start_state(l, h, cell->u, arena_printf(onnx->arena, "%s:h", name));
  const char *c0 =
      c >= 0 ? start_state(l, c, cell->u, arena_printf(onnx->arena, "%s:c", name)) : NULL;
  OnnxNode node = cell_node(onnx, cell, sequence, h0, c0, name);
  if (!run_node(onnx, &node)) return ONNX_FAILED;
  onnx->node = l->node;
  for (int k = 0; k < l->node->n_out; k++) {
    bool is_scan = k >= n_carried(l);
    const char *from = k < n_carried(l) ? (k == h   ? node.out[1]
                                           : k == c ? node.out[2]
                                                    : NULL)
                                        : NULL;
    if (is_scan && same_source(&l->scope, l->body->out[1 + k].name, carried_out(l, h)))
      from = node.out[0];
    OnnxTensor *t = from ? map_get(&onnx->tensor, from) : NULL;
    if (!t && *l->node->out[k] && map_get(&onnx->uses, l->node->out[k]))
      return refuse(
          l,
          arena_printf(onnx->arena,
                       "`%s` is read, and is neither its last state nor the state after each turn",
                       l->node->out[k]));
    int64_t dim[3] = {steps, 1, cell->u};
    if (t) onnx_set(onnx, k, onnx_shaped(onnx, t, is_scan ? 3 : 2, is_scan ? dim : dim + 1));
  }
  return ONNX_DONE;
}

OnnxDone onnx_loop(Onnx *onnx) {
  Loop l = {.onnx = onnx, .node = onnx->node};
  if (strcmp(onnx->node->op, "Loop") != 0) return ONNX_OTHER;
  const OnnxAttribute *body = onnx_attribute(onnx, "body");
  if (!body || !body->g || body->g->n_in < 2 || body->g->n_in != onnx->node->n_in ||
      body->g->n_out != onnx->node->n_out + 1 || body->g->n_out < body->g->n_in - 1)
    return onnx_refuse(onnx, E901, "has no body that fits it"), ONNX_FAILED;
  l.body = body->g;
  for (int i = 0; i < l.body->n_constants; i++)
    map_put(onnx->arena, &onnx->tensor, l.body->constant[i]->name, l.body->constant[i]);
  for (int i = 0; i < l.body->n_nodes; i++) {
    onnx->node = &l.body->node[i];
    if (strcmp(onnx->node->op, "Constant") == 0) onnx_fold(onnx);
  }
  onnx->node = l.node;
  cell_scope(&l.scope, onnx, l.body);
  for (int k = 0; k < n_carried(&l); k++) {
    const OnnxTensor *start = map_get(&onnx->tensor, l.node->in[2 + k]);
    Cell cell;
    if (!start || start->count < 1) continue;
    if (cell_match_gru(&l.scope, carried_out(&l, k), carried_in(&l, k), start->count, &cell)) {
      const char *sequence = sequence_of(&l, cell.x);
      return sequence ? convert(&l, &cell, k, -1, sequence)
                      : refuse(&l, "its cell does not read one step of a sequence at a time");
    }
    if (!cell_match_lstm(&l.scope, carried_out(&l, k), start->count, &cell) ||
        strcmp(cell.h, carried_in(&l, k)) != 0)
      continue;
    for (int c = 0; c < n_carried(&l); c++)
      if (strcmp(cell.c, carried_in(&l, c)) == 0 &&
          same_source(&l.scope, cell.next_c, carried_out(&l, c))) {
        const char *sequence = sequence_of(&l, cell.x);
        return sequence ? convert(&l, &cell, k, c, sequence)
                        : refuse(&l, "its cell does not read one step of a sequence at a time");
      }
  }
  return refuse(&l, "what goes from turn to turn follows the equations of no LSTM and no GRU");
}
