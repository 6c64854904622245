/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of the text that are no operators on tensors: sizes, lists, comparisons of what is
 * known, and casts. */
#include "import/read/script/script.h"

#include <math.h>
#include <string.h>

typedef ScriptValue *Function(ScriptRun *r, const ScriptArgs *args);

static const GraphTensor *tensor_of(ScriptRun *r, const ScriptArgs *args) {
  if (!args->n || args->value[0]->kind != VALUE_TENSOR || script_needs(r, args->value[0]))
    return NULL;
  return script_shape(r, args->value[0]->text);
}

static ScriptValue *wrong(ScriptRun *r, const char *name) {
  if (r->needed < 0)
    script_lacks(r, E902, script_export, "calls `%s` with arguments that are not supported", name);
  return NULL;
}

static ScriptValue *size(ScriptRun *r, const ScriptArgs *args) {
  const GraphTensor *t = tensor_of(r, args);
  if (!t) return wrong(r, "size");
  if (args->n == 1) {
    ScriptValue *all = script_value(r->arena, VALUE_LIST);
    for (int i = 0; i < t->rank; i++)
      script_push(r->arena, all, script_int(r->arena, t->dim[i]));
    return all;
  }
  int64_t axis = args->value[1]->kind == VALUE_INT ? args->value[1]->i : t->rank;
  if (axis < 0) axis += t->rank;
  if (axis >= 0 && axis < t->rank) return script_int(r->arena, t->dim[axis]);
  script_refuse(r, E901, "reads the size of an axis that does not exist");
  return NULL;
}

static ScriptValue *dim(ScriptRun *r, const ScriptArgs *args) {
  const GraphTensor *t = tensor_of(r, args);
  return t ? script_int(r->arena, t->rank) : wrong(r, "dim");
}

static ScriptValue *numel(ScriptRun *r, const ScriptArgs *args) {
  const GraphTensor *t = tensor_of(r, args);
  return t ? script_int(r->arena, t->count) : wrong(r, "numel");
}

/* The text of a number that is the type of a float tensor: float32, double or half. */
static const char float_type[] = "type";

static bool is_float_type(const ScriptValue *v) {
  return v->kind == VALUE_INT && v->text == float_type;
}

static ScriptValue *dtype(ScriptRun *r, const ScriptArgs *args) {
  const GraphTensor *t = tensor_of(r, args);
  if (!t) return wrong(r, "dtype");
  ScriptValue *out = script_int(r->arena, script_dtype_in_text(t->elem));
  if (t->elem == GRAPH_FLOAT) out->text = float_type;
  return out;
}

static ScriptValue *is_floating_point(ScriptRun *r, const ScriptArgs *args) {
  const GraphTensor *t = tensor_of(r, args);
  return t ? script_bool(r->arena, t->elem == GRAPH_FLOAT) : wrong(r, "is_floating_point");
}

static ScriptValue *length(ScriptRun *r, const ScriptArgs *args) {
  const ScriptValue *v = args->n == 1 ? args->value[0] : NULL;
  const GraphTensor *t = tensor_of(r, args);
  if (t && t->rank) return script_int(r->arena, t->dim[0]);
  bool list = v && (v->kind == VALUE_LIST || v->kind == VALUE_TUPLE || v->kind == VALUE_DICT);
  if (list) return script_int(r->arena, v->kind == VALUE_DICT ? v->n / 2 : v->n);
  if (v && v->kind == VALUE_TEXT) return script_int(r->arena, (int64_t)strlen(v->text));
  return wrong(r, "len");
}

static ScriptValue *is_it(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 2) return wrong(r, "__is__");
  return script_bool(r->arena, script_same(args->value[0], args->value[1]));
}

static ScriptValue *is_it_not(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 2) return wrong(r, "__isnot__");
  return script_bool(r->arena, !script_same(args->value[0], args->value[1]));
}

static ScriptValue * not(ScriptRun * r, const ScriptArgs *args) {
  bool is;
  if (args->n != 1 || !script_truth(r, args->value[0], &is)) return wrong(r, "__not__");
  return script_bool(r->arena, !is);
}

static ScriptValue *contains(ScriptRun *r, const ScriptArgs *args) {
  if (args->n != 2 || script_is_unknown_text(args->value[1]) ||
      (is_float_type(args->value[1]) && r->script->other_floats))
    return wrong(r, "__contains__");
  const ScriptValue *all = args->value[0];
  int step = all->kind == VALUE_DICT ? 2 : 1;
  for (int i = 0; i < all->n; i += step)
    if (script_same(all->item[i], args->value[1])) return script_bool(r->arena, true);
  return script_bool(r->arena, false);
}

static ScriptValue *nothing(ScriptRun *r, const ScriptArgs *args) {
  (void)args;
  return script_value(r->arena, VALUE_NONE);
}

static ScriptValue *opaque(ScriptRun *r, const ScriptArgs *args) {
  (void)args;
  return script_value(r->arena, VALUE_OPAQUE);
}

static ScriptValue *no(ScriptRun *r, const ScriptArgs *args) {
  (void)args;
  return script_bool(r->arena, false);
}

/* Programs run as without torch.no_grad(): attention then takes operators that others also have. */
static ScriptValue *yes(ScriptRun *r, const ScriptArgs *args) {
  (void)args;
  return script_bool(r->arena, true);
}

static ScriptValue *is_weight(ScriptRun *r, const ScriptArgs *args) {
  const ScriptValue *v = args->n ? args->value[0] : NULL;
  return script_bool(r->arena, v && v->kind == VALUE_TENSOR && map_get(&r->attributes, v->text));
}

static ScriptValue *processor(ScriptRun *r, const ScriptArgs *args) {
  (void)args;
  return script_text(r->arena, "cpu");
}

static ScriptValue *first(ScriptRun *r, const ScriptArgs *args) {
  return args->n ? args->value[0] : wrong(r, "it");
}

static ScriptValue *as_int(ScriptRun *r, const ScriptArgs *args) {
  double x;
  bool whole;
  if (args->n == 1 && script_number(r, args->value[0], &x, &whole) && fabs(x) < 9e15)
    return script_int(r->arena, (int64_t)x);
  if (!args->n || !script_needs(r, args->value[0]))
    script_lacks(r, E902,
                 "compute with the tensor itself, without `.item()`, `int()` and `float()`",
                 "makes a number of a tensor that depends on data");
  return NULL;
}

static ScriptValue *as_float(ScriptRun *r, const ScriptArgs *args) {
  double x;
  bool whole;
  if (args->n == 1 && args->value[0]->kind == VALUE_TEXT) {
    const char *text = args->value[0]->text;
    return script_float(r->arena, strcmp(text, "inf") == 0    ? INFINITY
                                  : strcmp(text, "-inf") == 0 ? -INFINITY
                                                              : NAN);
  }
  if (args->n == 1 && script_number(r, args->value[0], &x, &whole))
    return script_float(r->arena, x);
  if (!args->n || !script_needs(r, args->value[0]))
    script_lacks(r, E902,
                 "compute with the tensor itself, without `.item()`, `int()` and `float()`",
                 "makes a number of a tensor that depends on data");
  return NULL;
}

static ScriptValue *as_number(ScriptRun *r, const ScriptArgs *args) {
  double x;
  bool whole = false;
  bool good = args->n == 1 && script_number(r, args->value[0], &x, &whole);
  return good && whole ? as_int(r, args) : as_float(r, args);
}

static ScriptValue *as_bool(ScriptRun *r, const ScriptArgs *args) {
  bool is;
  if (args->n == 1 && script_truth(r, args->value[0], &is)) return script_bool(r->arena, is);
  if (!args->n || !script_needs(r, args->value[0]))
    script_lacks(r, E902, script_branch, "decides by a tensor that depends on data");
  return NULL;
}

/* torch.tensor(5), or of a list of numbers. */
static ScriptValue *tensor(ScriptRun *r, const ScriptArgs *args) {
  const ScriptValue *v = args->n ? args->value[0] : NULL;
  bool list = v && v->kind == VALUE_LIST, whole = true, one_whole;
  int64_t n = list ? v->n : 1;
  double *data;
  GraphElem elem = GRAPH_FLOAT;
  if (!v) return wrong(r, "tensor");
  GraphTensor *t = graph_tensor(r->arena, GRAPH_FLOAT, list ? 1 : 0, &n, &data);
  for (int64_t i = 0; t && i < n; i++) {
    if (!script_number(r, list ? v->item[i] : v, &data[i], &one_whole)) return wrong(r, "tensor");
    whole = whole && one_whole;
  }
  if (!t) return wrong(r, "tensor");
  if (whole) elem = GRAPH_I64;
  for (int k = 1; k < args->n; k++)
    if (args->keyword[k] && strcmp(args->keyword[k], "dtype") == 0 &&
        args->value[k]->kind == VALUE_INT)
      torch_elem(script_dtype_of(args->value[k]->i), &elem);
  t->elem = elem;
  int *count = map_get(&r->counts, " tensor");
  if (!count) {
    count = ARENA_NEW(r->arena, int);
    map_put(r->arena, &r->counts, " tensor", count);
  }
  return script_tensor(r, arena_printf(r->arena, "number.%d", (*count)++), t);
}

static ScriptValue *give_up(ScriptRun *r, const ScriptArgs *args) {
  script_refuse(r, E901, "ends with an error of its own: %s",
                args->n && args->value[0]->text ? args->value[0]->text : "");
  return NULL;
}

static ScriptValue *range_length(ScriptRun *r, const ScriptArgs *args) {
  for (int i = 0; i < 3; i++)
    if (args->n != 3 || args->value[i]->kind != VALUE_INT) return wrong(r, "range");
  int64_t from = args->value[0]->i, to = args->value[1]->i, step = args->value[2]->i;
  if (step == 0 || llabs(from) > INT32_MAX || llabs(to) > INT32_MAX || llabs(step) > INT32_MAX)
    return wrong(r, "range");
  int64_t n = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
  return script_int(r->arena, n > 0 ? n : 0);
}

static ScriptValue *derive_index(ScriptRun *r, const ScriptArgs *args) {
  for (int i = 0; i < 3; i++)
    if (args->n != 3 || args->value[i]->kind != VALUE_INT || llabs(args->value[i]->i) > INT32_MAX)
      return wrong(r, "range");
  return script_int(r->arena, args->value[1]->i + args->value[0]->i * args->value[2]->i);
}

static const struct {
  const char *name;
  Function *function;
} functions[] = {{"torch.size", size},
                 {"torch.dim", dim},
                 {"torch.numel", numel},
                 {"torch.len", length},
                 {"ops.prim.dtype", dtype},
                 {"torch.is_floating_point", is_floating_point},
                 {"torch.__is__", is_it},
                 {"torch.__isnot__", is_it_not},
                 {"torch.__not__", not},
                 {"torch.__contains__", contains},
                 {"torch.broadcast_tensors", script_broadcast},
                 {"torch._native_multi_head_attention", script_native_attention},
                 {"torch._transformer_encoder_layer_fwd", script_encoder_layer},
                 {"torch.warn", nothing},
                 {"ops.prim.Print", nothing},
                 {"print", nothing},
                 {"torch.device", opaque},
                 {"ops.prim.device", opaque},
                 {"ops.prim.type", processor},
                 {"ops.prim.layout", opaque},
                 {"ops.prim.is_cuda", no},
                 {"ops.prim.is_nested", no},
                 {"ops.prim.requires_grad", is_weight},
                 {"torch.is_grad_enabled", yes},
                 {"torch.is_autocast_enabled", no},
                 {"torch.is_autocast_cpu_enabled", no},
                 {"torch.format", script_format},
                 {"torch.str", script_text_of},
                 {"str", script_text_of},
                 {"ops.prim.unchecked_unwrap_optional", first},
                 {"unwrap_optional", first},
                 {"torch._unwrap_optional", first},
                 {"ops.prim.data", first},
                 {"torch.cpu", first},
                 {"torch.cuda", first},
                 {"torch.requires_grad_", first},
                 {"ops.prim.NumToTensor", first},
                 {"int", as_int},
                 {"torch.IntImplicit", as_int},
                 {"torch.Int", as_int},
                 {"float", as_float},
                 {"torch.FloatImplicit", as_float},
                 {"torch.Float", as_float},
                 {"torch.ScalarImplicit", as_number},
                 {"torch.item", as_number},
                 {"bool", as_bool},
                 {"torch.Bool", as_bool},
                 {"torch.tensor", tensor},
                 {"ops.prim.RaiseException", give_up},
                 {"torch.__range_length", range_length},
                 {"torch.__derive_index", derive_index}};

/* Whether none of the arguments is a tensor. */
static bool are_known(const ScriptArgs *args) {
  for (int k = 0; k < args->n; k++)
    if (args->value[k]->kind == VALUE_TENSOR) return false;
  return args->n > 0;
}

/* a == b, or a != b. */
static ScriptValue *compared(ScriptRun *r, const ScriptArgs *args, bool equal) {
  const ScriptValue *a = args->value[0], *b = args->value[1];
  if (script_is_unknown_text(a) || script_is_unknown_text(b)) {
    script_lacks(r, E902,
                 "decide by a whole number or a truth that the module keeps, or trace the module: "
                 "`torch.jit.trace`",
                 "decides by a text that it makes of something else than whole numbers");
    return NULL;
  }
  bool types = is_float_type(a) || is_float_type(b);
  if (!types || !r->script->other_floats) return script_bool(r->arena, script_same(a, b) == equal);
  script_lacks(r, E902,
               "trace the module, so that the branch of the example stays: "
               "`torch.jit.trace(module.eval(), example)`",
               "decides by the type of a tensor, but floats are float32 in the model");
  return NULL;
}

ScriptValue *script_builtin(ScriptRun *r, const char *name, const ScriptArgs *args, bool *known) {
  *known = true;
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
    if (strcmp(functions[i].name, name) == 0) return functions[i].function(r, args);
  const char *op = strncmp(name, "torch.", 6) == 0      ? name + 6
                   : strncmp(name, "ops.prim.", 9) == 0 ? name + 9
                                                        : "";
  bool equal = strcmp(op, "eq") == 0;
  if ((equal || strcmp(op, "ne") == 0) && args->n == 2 && are_known(args))
    return compared(r, args, equal);
  ScriptValue *out = script_of_list(r, op, args, known);
  if (*known) return out;
  bool text = args->n == 2 && strcmp(op, "add") == 0 &&
              (args->value[0]->kind == VALUE_TEXT || script_is_unknown_text(args->value[0]));
  if (text) {
    *known = true;
    return script_joined_text(r, args->value[0], args->value[1]);
  }
  bool number = args->n && args->value[0]->kind != VALUE_TENSOR &&
                args->value[0]->kind != VALUE_LIST && args->value[0]->kind != VALUE_TUPLE;
  bool passes = strcmp(op, "to") == 0 || strcmp(op, "detach") == 0 || strcmp(op, "clone") == 0 ||
                strcmp(op, "contiguous") == 0;
  if (passes && number) return args->value[0];
  return script_arithmetic(r, op, args, known);
}
