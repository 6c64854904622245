/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Two layers that hold a function: Lambda, with the code of a function of Python, and TFOpLambda,
 * with the name of a function of TensorFlow that a program calls on values of the model. In, the
 * layer; out, the nodes that compute the same.
 *
 *   Keras 1, 2   "function": ["bytes of the function", [defaults], [closure]]
 *   Keras 3      "function": {"class_name": "__lambda__", "config": {"code": ..., "defaults": ...}}
 *
 * If the program defined the function by name, the file holds only this name, which is an error. */
#include "import/base64.h"
#include "import/read/keras/python.h"

#include <string.h>

enum { CODE_MOST = 1 << 16 };

static bool refuse(const KerasLayer *layer, const char *problem) {
  if (!problem) return false; /* an error has been reported */
  return keras_lacks(
      layer, E902,
      arena_printf(layer->keras->arena,
                   "save the model with Keras layers that do the same, or write it as "
                   "stages: `grus import %s --template` begins a model with the weights",
                   layer->keras->file->path),
      "%s", problem);
}

/* ---- the bytes ---- */

/* The bytes that Keras up to 2.0.8 wrote as characters below 256, in UTF-8. False: there is a
 * larger character. */
static bool from_characters(const char *s, size_t n, uint8_t *out, size_t *len) {
  enum { ASCII = 0x80, HIGHEST = 0xc3, LOWEST = 0xc2, REST = 0x3f };
  *len = 0;
  for (size_t i = 0; i < n; i++) {
    uint8_t byte = (uint8_t)s[i];
    if (byte >= ASCII) {
      if (byte < LOWEST || byte > HIGHEST || i + 1 == n) return false;
      byte = (uint8_t)(byte << 6 | ((uint8_t)s[++i] & REST));
    }
    out[(*len)++] = byte;
  }
  return true;
}

static const PyCode *code_of(const KerasLayer *layer, json_t *text) {
  Arena *arena = layer->keras->arena;
  size_t n = json_string_length(text), len;
  if (!json_is_string(text) || n > CODE_MOST) return NULL;
  const char *s = json_string_value(text);
  uint8_t *bytes = ARENA_ARRAY(arena, uint8_t, n + 1);
  const PyCode *code = base64_read(s, n, bytes, &len) ? py_unmarshal(arena, bytes, len) : NULL;
  if (!code && from_characters(s, n, bytes, &len)) code = py_unmarshal(arena, bytes, len);
  return code;
}

/* ---- Lambda ---- */

/* The function of a Lambda: its code, its defaults and its closure. */
typedef struct Function {
  const PyCode *code;
  PyObject defaults, closure; /* lists, or None */
} Function;

static bool read_function(KerasLayer *layer, Function *out) {
  Arena *arena = layer->keras->arena;
  json_t *function = keras_option(layer, "function"), *config = json_object_get(function, "config");
  bool is_new = json_is_object(function) && json_object_get(config, "code");
  json_t *code = is_new ? json_object_get(config, "code") : json_array_get(function, 0);
  const char *name = json_string_value(json_is_string(function) ? function : config);
  if (!code && name)
    return keras_lacks(layer, E902,
                       "write the function in the layer itself, `Lambda(lambda x: ...)`: the file "
                       "then holds its code",
                       "calls the function `%s` of the program that made the file: the file holds "
                       "its name alone",
                       name);
  if (!code) {
    keras_refuse(layer, E901, "has no function");
    return false;
  }
  out->code = code_of(layer, code);
  out->defaults =
      py_of_json(arena, is_new ? json_object_get(config, "defaults") : json_array_get(function, 1));
  out->closure =
      py_of_json(arena, is_new ? json_object_get(config, "closure") : json_array_get(function, 2));
  if (out->code) return true;
  return refuse(layer, "is Python code in a form that grus does not know: it reads functions that "
                       "Python 2.7 and 3.0 to 3.13 compiled");
}

/* The first argument of the function: the value that the layer reads, or a list of several. */
static PyObject operand_of(const KerasLayer *layer, const char *name) {
  Arena *arena = layer->keras->arena;
  PyObject *item = ARENA_ARRAY(arena, PyObject, layer->n_in);
  for (int i = 0; i < layer->n_in; i++)
    item[i] = (PyObject){.kind = PY_VALUE,
                         .text = layer->n_in == 1 ? name : arena_printf(arena, "%s[%d]", name, i),
                         .value = layer->in[i]};
  return layer->n_in == 1 ? item[0] : (PyObject){.kind = PY_LIST, .n = layer->n_in, .item = item};
}

/* Argument i, which is not the first: from the options of the layer, or the default of the
 * function.
 */
static bool other_argument(KerasLayer *layer, const Function *f, int i, PyObject *out) {
  Arena *arena = layer->keras->arena;
  const char *name = f->code->locals.item[i].text;
  json_t *given = json_object_get(keras_option(layer, "arguments"), name);
  int from_end = f->code->n_plain - i; /* of those that have defaults in the file */
  if (strcmp(name, "mask") == 0 || strcmp(name, "training") == 0)
    return refuse(layer, arena_printf(arena, "takes `%s`, which depends on how it is run", name));
  if (given)
    *out = py_of_json(arena, given);
  else if (f->defaults.kind == PY_LIST && from_end > 0 && f->defaults.n >= from_end)
    *out = f->defaults.item[f->defaults.n - from_end];
  else
    return refuse(layer, arena_printf(arena, "takes `%s`, which the file does not give", name));
  return true;
}

/* Makes what the function returns the results of the layer: a value, or a list of values. */
static bool give(KerasLayer *layer, const PyObject *result) {
  const PyObject *item = result->kind == PY_LIST ? result->item : result;
  int n = result->kind == PY_LIST ? result->n : 1;
  for (int i = 0; i < n; i++)
    if (item[i].kind != PY_VALUE || item[i].value.rank < 1)
      return refuse(layer, "gives something that is no value for each sample");
  for (int i = 0; i < n; i++) {
    KerasValue value = item[i].value;
    if (!keras_keeps_returned(layer->keras)) value.mask = (KerasMask){0};
    if (!keras_gives(layer, value)) return false;
  }
  return n > 0 || refuse(layer, "gives nothing");
}

static bool read_lambda(KerasLayer *layer) {
  Arena *arena = layer->keras->arena;
  Function f;
  PyObject result;
  const char *problem;
  if (!read_function(layer, &f)) return false;
  const PyCode *code = f.code;
  if (code->n_args < 1 || code->flags & (PY_VARIADIC | PY_SUSPENDS))
    return refuse(layer, "is a function with arguments that have no names, or a generator");
  PyObject *args = ARENA_ARRAY(arena, PyObject, code->n_args);
  args[0] = operand_of(layer, code->locals.item[0].text);
  for (int i = 1; i < code->n_args; i++)
    if (!other_argument(layer, &f, i, &args[i])) return false;
  if (!py_follow(layer, code, args, &f.closure, &result, &problem)) return refuse(layer, problem);
  graph_note(keras_emit(layer)->graph, "`%s` is Python code, read as `%s`", layer->name,
             py_text(arena, &result));
  return give(layer, &result);
}

/* ---- TFOpLambda ---- */

/* An argument of the file as an object: a value of the graph, a constant, or a list of these. *next
 * is the next of layer->in, which the references are in order. */
static PyObject argument(const KerasLayer *layer, json_t *value, int *next, int depth) {
  Arena *arena = layer->keras->arena;
  if (keras_first_reference(value) == value) {
    if (*next >= layer->n_in) return (PyObject){.kind = PY_OTHER};
    PyObject o = {.kind = PY_VALUE,
                  .text = json_string_value(json_array_get(value, 0)),
                  .value = layer->in[*next]};
    ++*next;
    return o;
  }
  if (!json_is_array(value) || depth == 0) return py_of_json(arena, value);
  size_t n = json_array_size(value);
  PyObject *item = ARENA_ARRAY(arena, PyObject, n);
  for (size_t i = 0; i < n; i++)
    item[i] = argument(layer, json_array_get(value, i), next, depth - 1);
  return (PyObject){.kind = PY_LIST, .n = (int)n, .item = item};
}

/* Reads a TFOpLambda. Its call is ["x", 0, 0, {"axis": 1}]: the first argument, then those with
 * names. A list of such calls is a first argument that is a list of values, and
 * ["_CONSTANT_VALUE", -1, 2.0, {...}] is a constant. */
static bool read_operation(KerasLayer *layer) {
  enum { KEYWORDS = 15, DEPTH = 2 };
  Arena *arena = layer->keras->arena;
  const char *function = keras_word(layer, "function", ""), *name, *problem = NULL;
  json_t *first = keras_first_reference(layer->call), *value,
         *keywords = json_array_get(first, json_array_size(first) - 1);
  PyObject arg[KEYWORDS + 1], names[KEYWORDS], result;
  bool is_constant = keras_is_constant(first);
  int n = 0, next = 0;
  if (is_constant)
    arg[0] = py_of_json(arena, json_array_get(first, 2));
  else
    arg[0] = argument(layer, layer->call, &next, 1);
  json_object_foreach(keywords, name, value) {
    if (n == KEYWORDS) return refuse(layer, "is called with more arguments than grus supports");
    names[n] = (PyObject){.kind = PY_TEXT, .text = name, .len = strlen(name)};
    arg[++n] = argument(layer, value, &next, DEPTH);
  }
  const char *path = arena_printf(arena, "tensorflow.%s", function);
  if (!py_call(layer, path, n + 1, arg, n, names, &result, &problem)) return refuse(layer, problem);
  return give(layer, &result);
}

const KerasClass keras_lambda[] = {
    KERAS_CLASS(Lambda, read_lambda, 0,
                "function function_type arguments output_shape output_shape_type "
                "output_shape_module module"),
    KERAS_CLASS(TFOpLambda, read_operation, 0, "function"), KERAS_CLASS_END};
