/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the readers of operators need to know of a result before it is made: the type of its
 * elements, its number of axes, and how many tensors a list has. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <string.h>

static const ScriptValue *named(int n, const ScriptArg *arg, ScriptValue *const *value,
                                const char *name) {
  for (int k = 0; k < n; k++)
    if (strcmp(arg[k].name, name) == 0) return value[k];
  return NULL;
}

static const char
    truths[] = "eq ne lt le gt ge less less_equal greater greater_equal not_equal "
               "logical_and logical_or logical_xor logical_not isnan isinf isfinite "
               "any all",
    wholes[] = "argmax argmin one_hot",
    keeps[] = "add sub subtract rsub mul multiply neg negative abs absolute sum prod cumsum "
              "max min amax amin maximum minimum floor_divide remainder fmod floor ceil "
              "round trunc sign sgn square pow clamp clamp_min clamp_max clip relu "
              "bitwise_and bitwise_or bitwise_xor bitwise_not __and__ __or__ __xor__ "
              "where masked_fill "
              "clone detach detach_ alias contiguous positive lift_fresh_copy to view "
              "reshape view_as reshape_as flatten ravel unflatten squeeze unsqueeze expand "
              "broadcast_to expand_as repeat tile repeat_interleave cat concat "
              "concatenate stack split split_with_sizes unsafe_split chunk unsafe_chunk "
              "unbind pad constant_pad_nd tril triu transpose swapaxes t permute movedim "
              "moveaxis flip roll select slice narrow unfold index_select gather index index_put "
              "zeros_like ones_like full_like new_zeros new_ones new_full fill zero copy "
              "matmul mm bmm mv dot diff dropout";

static GraphElem elem_of(ScriptRun *r, const ScriptValue *v) {
  const GraphTensor *t = script_shape(r, v->text);
  return t ? t->elem : GRAPH_FLOAT;
}

static bool wins(GraphElem a, GraphElem b) {
  static const int rank[] = {[GRAPH_BOOL] = 0, [GRAPH_U8] = 1,  [GRAPH_I8] = 1,   [GRAPH_I16] = 2,
                             [GRAPH_I32] = 3,  [GRAPH_I64] = 4, [GRAPH_FLOAT] = 5};
  int n = (int)(sizeof rank / sizeof *rank);
  return ((int)a < n ? rank[a] : 0) > ((int)b < n ? rank[b] : 0);
}

/* The type that all tensors among the arguments have together; a number that is not whole makes a
 * float of it. */
static GraphElem promoted(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                          ScriptValue *const *value) {
  GraphElem elem = GRAPH_BOOL;
  bool any = false, mask = strcmp(op, "where") == 0 || strcmp(op, "masked_fill") == 0;
  for (int k = 0; k < n; k++) {
    bool list = arg[k].type == 'L' || arg[k].type == 'l',
         index = strstr(arg[k].name, "ind") != NULL;
    if (index ||
        (mask && (strcmp(arg[k].name, "condition") == 0 || strcmp(arg[k].name, "mask") == 0)))
      continue;
    if (value[k]->kind == VALUE_TENSOR || list)
      for (int i = 0; i < (list ? value[k]->n : 1); i++) {
        const ScriptValue *v = list ? value[k]->item[i] : value[k];
        if (v->kind != VALUE_TENSOR) continue;
        if (!any || wins(elem_of(r, v), elem)) elem = elem_of(r, v);
        any = true;
      }
  }
  for (int k = 0; k < n && any; k++) {
    bool scalar = arg[k].type == 's' || arg[k].type == 'r';
    if (!scalar || strcmp(arg[k].name, "alpha") == 0) continue;
    if (value[k]->kind == VALUE_FLOAT) elem = GRAPH_FLOAT;
    if (value[k]->kind == VALUE_INT && elem == GRAPH_BOOL) elem = GRAPH_I64;
  }
  return any ? elem : GRAPH_FLOAT;
}

static bool is_filled(const char *op) {
  return strcmp(op, "arange") == 0 || strcmp(op, "full") == 0 || strcmp(op, "scalar_tensor") == 0;
}

GraphElem script_result_elem(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                             ScriptValue *const *value) {
  GraphElem elem = GRAPH_FLOAT;
  const ScriptValue *dtype = named(n, arg, value, "dtype"), *other = named(n, arg, value, "other");
  if (dtype && dtype->kind == VALUE_INT && torch_elem(script_dtype_of(dtype->i), &elem))
    return elem;
  if (words_index(truths, op) >= 0) return GRAPH_BOOL;
  if (words_index(wholes, op) >= 0) return GRAPH_I64;
  if (is_filled(op)) {
    elem = GRAPH_I64;
    for (int k = 0; k < n; k++)
      if (value[k]->kind == VALUE_FLOAT) elem = GRAPH_FLOAT;
    return elem;
  }
  if ((strcmp(op, "to") == 0 || strcmp(op, "type_as") == 0) && other) return elem_of(r, other);
  if (words_index(keeps, op) < 0) return GRAPH_FLOAT;
  elem = promoted(r, op, n, arg, value);
  bool sums = strcmp(op, "sum") == 0 || strcmp(op, "prod") == 0 || strcmp(op, "cumsum") == 0;
  return sums && elem != GRAPH_FLOAT ? GRAPH_I64 : elem;
}

static int rank_of(ScriptRun *r, const ScriptValue *v) {
  const GraphTensor *t = v && v->kind == VALUE_TENSOR ? script_shape(r, v->text) : NULL;
  return t ? t->rank : 0;
}

int script_result_rank(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                       ScriptValue *const *value) {
  const ScriptValue *first = n ? value[0] : NULL;
  bool list = first && (first->kind == VALUE_LIST || first->kind == VALUE_TUPLE);
  if (list) first = first->n ? first->item[0] : NULL;
  int rank = rank_of(r, first) + (strcmp(op, "stack") == 0);
  const ScriptValue *size = named(n, arg, value, "size"), *other = named(n, arg, value, "other");
  if (!size) size = named(n, arg, value, "repeats");
  if (!size) size = named(n, arg, value, "dims");
  if (strcmp(op, "expand") == 0 || strcmp(op, "broadcast_to") == 0) return size ? size->n : rank;
  if (strcmp(op, "repeat") == 0 || strcmp(op, "tile") == 0)
    return size && size->n > rank ? size->n : rank;
  return strcmp(op, "expand_as") == 0 ? rank_of(r, other) : rank;
}

int script_list_length(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                       ScriptValue *const *value) {
  const GraphTensor *t =
      n && value[0]->kind == VALUE_TENSOR ? script_shape(r, value[0]->text) : NULL;
  const ScriptValue *axis = named(n, arg, value, "dim"), *parts = n > 1 ? value[1] : NULL;
  int64_t at = axis && axis->kind == VALUE_INT ? axis->i : 0, size;
  if (!t) return 0;
  if (at < 0) at += t->rank;
  if (at < 0 || at >= t->rank) return 0;
  size = t->dim[at];
  if (strcmp(op, "unbind") == 0) return size < INT16_MAX ? (int)size : 0;
  if (!parts) return 0;
  if (parts->kind == VALUE_LIST) return parts->n;
  if (parts->kind != VALUE_INT || parts->i < 1 || size < 1) return 0;
  int64_t each = strstr(op, "chunk") ? (size + parts->i - 1) / parts->i : parts->i;
  int64_t count = (size + each - 1) / each;
  return count < INT16_MAX ? (int)count : 0;
}
