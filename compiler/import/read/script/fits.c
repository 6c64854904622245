/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What operators demand of sizes and what the nodes of the graph do not: in a program of
 * torch.export they fit, but here inputs are tried with sizes that may be wrong. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <string.h>

enum { ANY = -1 }; /* number of axes */

typedef struct Asked {
  ScriptRun *run;
  int n;
  const ScriptArg *arg;
  ScriptValue *const *value;
} Asked;

static const ScriptValue *named(const Asked *c, const char *name) {
  for (int k = 0; k < c->n; k++)
    if (strcmp(c->arg[k].name, name) == 0) return c->value[k];
  return NULL;
}

static const GraphTensor *shape_of(const Asked *c, const ScriptValue *v) {
  return v && v->kind == VALUE_TENSOR ? script_shape(c->run, v->text) : NULL;
}

static int64_t number(const Asked *c, const char *name) {
  const ScriptValue *v = named(c, name);
  return v && (v->kind == VALUE_INT || v->kind == VALUE_BOOL) ? v->i : 0;
}

/* Each state has `rank` axes, as many samples as the input, and in front as many parts as all
 * layers. */
static bool states_fit(const Asked *c, int rank) {
  const ScriptValue *hx = named(c, "hx");
  const GraphTensor *x = shape_of(c, named(c, "input"));
  if (!hx || !x || x->rank != rank) return true; /* reported elsewhere */
  bool list = hx->kind == VALUE_LIST || hx->kind == VALUE_TUPLE;
  int64_t samples = x->dim[rank == 3 && !number(c, "batch_first")],
          parts = number(c, "num_layers") << (number(c, "bidirectional") != 0);
  for (int i = 0; i < (list ? hx->n : 1); i++) {
    const GraphTensor *h = shape_of(c, list ? hx->item[i] : hx);
    if (!h) continue;
    if (h->rank != rank || h->dim[rank - 2] != samples) return false;
    if (rank == 3 && h->dim[0] != parts) return false;
  }
  return true;
}

/* Whether the tensors among the arguments have these numbers of axes, in their order. */
static bool ranks_fit(const Asked *c, const int *rank) {
  for (int k = 0, i = 0; k < c->n && rank[i]; k++) {
    const GraphTensor *t = shape_of(c, c->value[k]);
    if (t && t->rank != rank[i] && rank[i] != ANY) return false;
    i += t != NULL;
  }
  return true;
}

/* The axis of the channels, or the last axes, have the sizes of the norm. */
static bool norm_fits(const Asked *c, bool batch) {
  const GraphTensor *x = shape_of(c, named(c, "input")),
                    *mean = shape_of(c, named(c, "running_mean"));
  const ScriptValue *shape = named(c, "normalized_shape");
  if (!x) return true;
  if (batch) return !mean || (x->rank >= 2 && x->dim[1] == mean->count);
  if (!shape || shape->kind != VALUE_LIST) return true;
  for (int i = 0; i < shape->n; i++)
    if (shape->n > x->rank || x->dim[x->rank - shape->n + i] != shape->item[i]->i) return false;
  return true;
}

/* The axis has the position that is taken. */
static bool position_is(const Asked *c) {
  const GraphTensor *x = shape_of(c, named(c, "self"));
  int64_t axis = number(c, "dim"), at = number(c, "index");
  if (!x || !x->rank) return true;
  if (axis < 0) axis += x->rank;
  return axis >= 0 && axis < x->rank && at < x->dim[axis] && at >= -x->dim[axis];
}

bool script_fits(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                 ScriptValue *const *value) {
  static const struct {
    const char *op;
    int rank[4];
  } products[] = {{"mm", {2, 2}},         {"bmm", {3, 3}},        {"mv", {2, 1}},
                  {"addmm", {ANY, 2, 2}}, {"addmv", {ANY, 2, 1}}, {"baddbmm", {ANY, 3, 3}},
                  {"dot", {1, 1}},        {"outer", {1, 1}}};
  Asked c = {r, n, arg, value};
  bool good = true;
  for (size_t i = 0; i < sizeof products / sizeof *products; i++)
    if (strcmp(products[i].op, op) == 0) good = ranks_fit(&c, products[i].rank);
  if (words_index("lstm gru rnn_tanh rnn_relu", op) >= 0) good = states_fit(&c, 3);
  if (words_index("lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell", op) >= 0)
    good = states_fit(&c, 2);
  if (strcmp(op, "batch_norm") == 0 || strcmp(op, "layer_norm") == 0)
    good = norm_fits(&c, *op == 'b');
  if (strcmp(op, "select") == 0) good = position_is(&c);
  return good || script_refuse(r, E901, "calls `%s` with tensors whose sizes do not fit", op);
}
