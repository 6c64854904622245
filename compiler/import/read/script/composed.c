/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions that are several operators: tensors as far as they all reach together, and the layers
 * of a transformer as tracing without gradients writes them. */
#include "import/read/script/script.h"

#include <string.h>

/* ---- broadcast_tensors ---- */

static ScriptValue *not_broadcast(ScriptRun *r) {
  if (r->needed < 0)
    script_lacks(r, E902, script_export, "broadcasts something that is no list of tensors");
  return NULL;
}

ScriptValue *script_broadcast(ScriptRun *r, const ScriptArgs *args) {
  const ScriptValue *list = args->n == 1 ? args->value[0] : NULL;
  int64_t dim[GRAPH_MAX_RANK];
  int rank = 0;
  if (!list || list->kind != VALUE_LIST) return not_broadcast(r);
  for (int i = 0; i < GRAPH_MAX_RANK; i++)
    dim[i] = 1; /* from the last axis on */
  for (int k = 0; k < list->n; k++) {
    if (list->item[k]->kind != VALUE_TENSOR || script_needs(r, list->item[k]))
      return not_broadcast(r);
    const GraphTensor *t = script_shape(r, list->item[k]->text);
    if (!t) return not_broadcast(r);
    if (t->rank > rank) rank = t->rank;
    for (int i = 0; i < t->rank; i++)
      if (t->dim[t->rank - 1 - i] != 1) dim[i] = t->dim[t->rank - 1 - i];
  }
  ScriptValue *sizes = script_value(r->arena, VALUE_LIST),
              *out = script_value(r->arena, VALUE_LIST);
  for (int i = rank; i-- > 0;)
    script_push(r->arena, sizes, script_int(r->arena, dim[i]));
  for (int k = 0; k < list->n; k++) {
    ScriptArgs one = {.n = 2, .value = {list->item[k], sizes}};
    const GraphTensor *t = script_shape(r, list->item[k]->text);
    bool whole = t->rank == rank;
    for (int i = 0; i < t->rank; i++)
      whole = whole && t->dim[t->rank - 1 - i] == dim[i];
    ScriptValue *v = whole ? list->item[k] : script_aten(r, "expand", &one);
    if (!v) return NULL;
    script_push(r->arena, out, v);
  }
  return out;
}

/* ---- a layer of a transformer ---- */

/* The operator of up to four arguments; NULL if one of them is. */
static ScriptValue *call(ScriptRun *r, const char *op, int n, ScriptValue *const *value) {
  ScriptArgs args = {.n = n};
  for (int k = 0; k < n; k++) {
    if (!value[k]) return NULL;
    args.value[k] = value[k];
  }
  return script_aten(r, op, &args);
}

#define CALL(r, op, ...)                                                                           \
  call((r), (op), (int)(sizeof((ScriptValue *[]){__VA_ARGS__}) / sizeof(ScriptValue *)),           \
       (ScriptValue *[]){__VA_ARGS__})

static ScriptValue *ints(ScriptRun *r, int n, const int64_t *value) {
  ScriptValue *list = script_value(r->arena, VALUE_LIST);
  for (int i = 0; i < n; i++)
    script_push(r->arena, list, script_int(r->arena, value[i]));
  return list;
}

static ScriptValue *refuse(ScriptRun *r, const char *what) {
  if (r->needed < 0)
    script_lacks(r, E902,
                 "trace or script the module with gradients, without `torch.no_grad()`, so that it "
                 "calls the operators of attention themselves",
                 "calls attention %s, which is not supported", what);
  return NULL;
}

/* The attention of x [samples, steps, features] to itself; weights qkv, its bias, those after it.
 */
static ScriptValue *attention(ScriptRun *r, ScriptValue *x, const ScriptValue *heads,
                              ScriptValue *const *weight) {
  if (!x) return NULL;
  if (x->kind != VALUE_TENSOR || script_needs(r, x)) return refuse(r, "of no tensor");
  const GraphTensor *t = script_shape(r, x->text);
  if (!t || t->rank != 3 || heads->kind != VALUE_INT || heads->i < 1 || t->dim[2] % heads->i != 0)
    return refuse(r, "without a batch, or of other features than its heads have");
  int64_t apart[4] = {t->dim[0], t->dim[1], heads->i, t->dim[2] / heads->i};
  ScriptValue *all = CALL(r, "linear", x, weight[0], weight[1]), *part[3];
  ScriptValue *three = CALL(r, "chunk", all, script_int(r->arena, 3), script_int(r->arena, -1));
  if (!three || three->n != 3) return NULL;
  for (int k = 0; k < 3; k++)
    part[k] = CALL(r, "transpose", CALL(r, "view", three->item[k], ints(r, 4, apart)),
                   script_int(r->arena, 1), script_int(r->arena, 2));
  ScriptValue *y = CALL(r, "scaled_dot_product_attention", part[0], part[1], part[2]);
  y = CALL(r, "transpose", y, script_int(r->arena, 1), script_int(r->arena, 2));
  y = CALL(r, "reshape", y, ints(r, 3, t->dim));
  return CALL(r, "linear", y, weight[2], weight[3]);
}

static bool is_none(const ScriptArgs *args, int k) {
  return k >= args->n || args->value[k]->kind == VALUE_NONE;
}

/* query key value features heads weight bias weight bias mask need_weights ... */
ScriptValue *script_native_attention(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *const *v = args->value;
  if (args->n < 11) return refuse(r, "with few arguments");
  if (!script_same(v[0], v[1]) || !script_same(v[0], v[2])) return refuse(r, "of several tensors");
  if (!is_none(args, 9)) return refuse(r, "with a mask");
  if (v[10]->kind != VALUE_BOOL || v[10]->i) return refuse(r, "that gives its weights");
  ScriptValue *y = attention(r, v[0], v[4], &v[5]), *both = script_value(r->arena, VALUE_TUPLE);
  if (!y) return NULL;
  script_push(r->arena, both, y);
  script_push(r->arena, both, script_value(r->arena, VALUE_NONE));
  return both;
}

static ScriptValue *norm(ScriptRun *r, ScriptValue *x, const ScriptArgs *args, int from) {
  const GraphTensor *t = script_shape(r, args->value[from]->text);
  if (!t) return refuse(r, "without a norm");
  ScriptArgs of = {
      .n = 5,
      .value = {x, ints(r, 1, t->dim), args->value[from], args->value[from + 1], args->value[9]}};
  return x ? script_aten(r, "layer_norm", &of) : NULL;
}

static ScriptValue *two_layers(ScriptRun *r, ScriptValue *x, const ScriptArgs *args) {
  ScriptValue *const *v = args->value, *hidden = CALL(r, "linear", x, v[14], v[15]);
  return CALL(r, "linear", CALL(r, v[7]->i ? "gelu" : "relu", hidden), v[16], v[17]);
}

/* x features heads weight bias weight bias use_gelu norm_first eps norm norm, the weights of two
 * layers, mask ... */
ScriptValue *script_encoder_layer(ScriptRun *r, const ScriptArgs *args) {
  ScriptValue *const *v = args->value, *x = v[0];
  if (args->n < 18 || v[7]->kind != VALUE_BOOL || v[8]->kind != VALUE_BOOL)
    return refuse(r, "with few arguments");
  for (int k = 10; k < 18; k++)
    if (v[k]->kind != VALUE_TENSOR) return refuse(r, "without weights");
  if (!is_none(args, 18)) return refuse(r, "with a mask");
  if (v[8]->i) {
    x = CALL(r, "add", x, attention(r, norm(r, x, args, 10), v[2], &v[3]));
    return CALL(r, "add", x, two_layers(r, norm(r, x, args, 12), args));
  }
  x = norm(r, CALL(r, "add", x, attention(r, x, v[2], &v[3])), args, 10);
  return norm(r, CALL(r, "add", x, two_layers(r, x, args)), args, 12);
}
