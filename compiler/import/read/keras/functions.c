/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of Keras and TensorFlow, which a Lambda or a TFOpLambda calls by name. In, the name and
 * the arguments; out, the result: functions.def names the class of the reader that computes the
 * same, and the call is read as a layer of that class. */
#include "import/read/keras/python.h"

#include "base/text.h"

#include <string.h>

enum { OPERANDS = 64, TEXT_MOST = 300 };

static const struct {
  const char *names, *class_name, *parameters;
} functions[] = {
#define KERAS_FUNCTION(names, class, parameters) {names, #class, parameters},
#include "import/read/keras/functions.def"
#undef KERAS_FUNCTION
};

/* ---- a layer for a call ---- */

static bool is_number(const PyObject *o, double *out) {
  *out = o->kind == PY_FLOAT ? o->number : (double)o->integer;
  return o->kind == PY_FLOAT || o->kind == PY_INT;
}

/* An expression, shortened to the length of a message. */
static const char *shortened(Arena *arena, const char *text) {
  return strlen(text) > TEXT_MOST ? arena_printf(arena, "%.*s...", TEXT_MOST, text) : text;
}

/* Sets the inputs of a layer to its operands, of which one of two may be a number. */
static bool take_operands(KerasLayer *step, int n, const PyObject *operands) {
  for (int i = 0; i < n; i++) {
    if (operands[i].kind == PY_VALUE) {
      step->in[step->n_in] = operands[i].value;
      step->in[step->n_in++].mask = (KerasMask){0};
    } else if (is_number(&operands[i], &step->number) && n == 2 && !step->has_number) {
      step->has_number = true;
      step->number_first = i == 0;
    } else
      return false;
  }
  return step->n_in > 0;
}

static json_t *parsed(const KerasLayer *layer, const char *json) {
  return json ? keras_json(layer->keras, "configuration", json, strlen(json)) : NULL;
}

/* Reads a layer of a class over these operands. call: the arguments of its call. */
static bool read_step(KerasLayer *layer, const char *class_name, const char *config,
                      const char *call, const char *text, int n, const PyObject *operands,
                      PyObject *out, const char **problem) {
  Arena *arena = layer->keras->arena;
  const KerasClass *class = keras_class_find(class_name);
  KerasLayer step = *layer;
  text = shortened(arena, text);
  step.class_name = class_name;
  step.shown = arena_printf(arena, "%s: %s", layer->class_name, text);
  step.config = parsed(layer, config ? config : "{}");
  step.call = parsed(layer, call);
  step.in = ARENA_ARRAY(arena, KerasValue, n);
  step.n_in = step.n_out = 0;
  step.mask = NULL;
  step.has_number = false;
  step.is_operator = true;
  *problem = NULL;
  if (!class || !take_operands(&step, n, operands)) {
    *problem = arena_printf(arena, "computes `%s`, whose operands grus does not support", text);
    return false;
  }
  if (class->n_in && step.n_in != class->n_in) {
    keras_lacks(&step, E903, keras_cut(&step), "reads %d values; it takes %d", step.n_in,
                class->n_in);
    return false;
  }
  size_t errors = layer->keras->diags->n_errors;
  if (!keras_check_options(&step, class->options) || !class->read(&step) || step.n_out != 1 ||
      layer->keras->diags->n_errors != errors)
    return false;
  *out = (PyObject){.kind = PY_VALUE, .text = text, .value = step.out[0]};
  out->value.mask = (KerasMask){0};
  if (out->value.graph->name == layer->name)
    out->value.graph->name = ""; /* only the last node has the name of the layer */
  return true;
}

bool py_apply(KerasLayer *layer, const char *class_name, const char *config, const char *text,
              int n, const PyObject *operands, PyObject *out, const char **problem) {
  return read_step(layer, class_name, config, NULL, text, n, operands, out, problem);
}

/* ---- parameters ---- */

/* One word of a list of parameters in functions.def. */
typedef struct Parameter {
  TextWord names, option, value; /* value: in JSON; its length is 0 if there is none */
  bool is_operand, is_idle, is_fixed;
} Parameter;

static Parameter parameter_of(TextWord word) {
  Parameter p = {.names = word};
  p.is_operand = *word.s == '$';
  p.is_fixed = *word.s == ':';
  if (p.is_operand || p.is_fixed) p.names = (TextWord){word.s + 1, word.len - 1};
  const char *value = memchr(p.names.s, '=', p.names.len);
  if (value) {
    p.value = (TextWord){value + 1, (size_t)(p.names.s + p.names.len - value - 1)};
    p.names.len = (size_t)(value - p.names.s);
  }
  p.is_idle = p.names.s[p.names.len - 1] == '?';
  p.names.len -= p.is_idle;
  const char *option = memchr(p.names.s, '>', p.names.len);
  p.option = p.names;
  if (option) {
    p.option = (TextWord){option + 1, (size_t)(p.names.s + p.names.len - option - 1)};
    p.names.len = (size_t)(option - p.names.s);
  }
  return p;
}

/* Whether a list of names with | between them holds a name. */
static bool is_named(TextWord names, const char *name) {
  size_t len = strlen(name);
  for (const char *s = names.s, *end = s + names.len; s < end;) {
    const char *bar = memchr(s, '|', (size_t)(end - s));
    if (!bar) bar = end;
    if ((size_t)(bar - s) == len && memcmp(s, name, len) == 0) return true;
    s = bar + 1;
  }
  return false;
}

typedef struct PyCall {
  KerasLayer *layer;
  const char *path;
  int n, n_names;
  const PyObject *args, *names;
  unsigned used; /* a bit for each argument that has been read */
  PyObject operand[OPERANDS];
  int n_operands;
  Text config;
} PyCall;

/* The argument of parameter `place`; NULL: the call omits it. */
static const PyObject *argument(PyCall *c, const Parameter *p, int place) {
  int plain = c->n - c->n_names;
  if (place < plain) {
    c->used |= 1u << place;
    return &c->args[place];
  }
  for (int i = 0; i < c->n_names; i++)
    if (is_named(p->names, c->names[i].text)) {
      c->used |= 1u << (plain + i);
      return &c->args[plain + i];
    }
  return NULL;
}

static bool add_operand(PyCall *c, const PyObject *arg) {
  const PyObject *item = arg->kind == PY_LIST ? arg->item : arg;
  int n = arg->kind == PY_LIST ? arg->n : 1;
  for (int i = 0; i < n; i++) {
    if (c->n_operands == OPERANDS) return false;
    c->operand[c->n_operands++] = item[i];
  }
  return true;
}

static bool add_option(PyCall *c, const Parameter *p, const PyObject *arg) {
  bool sizes = text_word_is(p->option, "newshape");
  const char *json = arg ? py_json(c->layer->keras->arena, arg, sizes ? "-1" : NULL) : NULL;
  if (arg && !json) return false;
  if (!arg && !p->value.len) return true;
  text_printf(&c->config, "%s\"%.*s\": ", c->config.len > 1 ? ", " : "", (int)p->option.len,
              p->option.s);
  if (arg)
    text_add(&c->config, json);
  else
    text_add_n(&c->config, p->value.s, p->value.len);
  return true;
}

/* Whether an argument may be one that changes nothing, such as the name of an operation. A number
 * in its place is a parameter of another version of the function. */
static bool is_idle(const PyObject *arg) {
  return !arg || arg->kind == PY_TEXT || arg->kind == PY_NONE || arg->kind == PY_BOOL;
}

/* Gives each argument to its parameter. False: an argument has no parameter, or does not fit it. */
static bool bind(PyCall *c, const char *parameters) {
  TextWord word;
  enum { MOST = 16 };
  if (c->n > MOST) return false;
  for (int place = 0; words_next(&parameters, &word);) {
    Parameter p = parameter_of(word);
    const PyObject *arg = p.is_fixed ? NULL : argument(c, &p, place++);
    if (p.is_idle && is_idle(arg)) continue;
    if (p.is_idle) return false;
    if (p.is_operand ? !arg || !add_operand(c, arg) : !add_option(c, &p, arg)) return false;
  }
  text_add(&c->config, "}");
  return c->used == (1u << c->n) - 1;
}

/* The call as Python writes it, such as "K.sum(x, axis=1)". */
static const char *call_text(const PyCall *c) {
  Text text = text_new(c->layer->keras->arena);
  int plain = c->n - c->n_names;
  text_printf(&text, "%s(", c->path);
  for (int i = 0; i < c->n; i++) {
    if (i) text_add(&text, ", ");
    if (i >= plain) text_printf(&text, "%s=", c->names[i - plain].text);
    text_add(&text, py_text(c->layer->keras->arena, &c->args[i]));
  }
  text_add(&text, ")");
  return text_str(&text);
}

/* The call of an operator as Python writes it, such as "x + 1". */
static const char *operator_text(const PyCall *c) {
  static const char *const signs[][2] = {
      {"add", "+"}, {"sub", "-"}, {"mul", "*"}, {"truediv", "/"}, {"pow", "**"}, {"lt", "<"},
      {"le", "<="}, {"eq", "=="}, {"ne", "!="}, {"gt", ">"},      {"ge", ">="}};
  Arena *arena = c->layer->keras->arena;
  const char *name = c->path + strlen("operator.");
  for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
    if (strcmp(signs[i][0], name) == 0)
      return arena_printf(arena, "(%s %s %s)", py_text(arena, &c->args[0]), signs[i][1],
                          py_text(arena, &c->args[1]));
  return arena_printf(arena, "-%s", py_text(arena, &c->args[0]));
}

/* ---- paths ---- */

/* The path of a function with the usual short name of its module, K., tf. or ops. */
static const char *short_path(Arena *arena, const char *path) {
  static const char *const modules[][2] = {{"tensorflow.python.keras.backend.", "K."},
                                           {"tensorflow.keras.backend.", "K."},
                                           {"tf.keras.backend.", "K."},
                                           {"keras.backend.", "K."},
                                           {"K.", "K."},
                                           {"backend.", "K."},
                                           {"tensorflow.keras.activations.", "activations."},
                                           {"tf.keras.activations.", "activations."},
                                           {"keras.activations.", "activations."},
                                           {"keras.ops.", "ops."},
                                           {"ops.", "ops."},
                                           {"tensorflow.math.", "tf."},
                                           {"tf.math.", "tf."},
                                           {"tensorflow.nn.", "tf."},
                                           {"tf.nn.", "tf."},
                                           {"tensorflow.linalg.", "tf."},
                                           {"tf.linalg.", "tf."},
                                           {"tensorflow.compat.v1.", "tf."},
                                           {"tensorflow.", "tf."},
                                           {"tf.", "tf."},
                                           {"operator.", "operator."}};
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    size_t len = strlen(modules[i][0]);
    if (strncmp(path, modules[i][0], len) == 0)
      return arena_printf(arena, "%s%s", modules[i][1], path + len);
  }
  return path;
}

/* The shape of a value with the batch, a list of sizes. */
static PyObject shape_of(Arena *arena, const KerasValue *value) {
  PyObject *item = ARENA_ARRAY(arena, PyObject, value->rank + 1);
  item[0].kind = PY_SIZE;
  for (int i = 0; i < value->rank; i++) {
    item[i + 1].kind = value->dim[i] < 0 ? PY_SIZE : PY_INT;
    item[i + 1].integer = value->dim[i];
  }
  return (PyObject){.kind = PY_LIST, .n = value->rank + 1, .item = item};
}

/* Computes the sum, difference or product of two whole numbers that are known, such as sizes.
 * False: it is another call. */
static bool compute(const char *name, const PyObject *args, PyObject *out) {
  int64_t a = args[0].integer, b = args[1].integer;
  *out = (PyObject){.kind = PY_INT};
  if (args[0].kind != PY_INT || args[1].kind != PY_INT) return false;
  if (a < 0 || b < 0 || a > INT32_MAX || b > INT32_MAX) return false;
  if (strcmp(name, "operator.add") == 0)
    out->integer = a + b;
  else if (strcmp(name, "operator.sub") == 0)
    out->integer = a - b;
  else if (strcmp(name, "operator.mul") == 0)
    out->integer = a * b;
  else
    return false;
  return true;
}

/* Whether a result is the operand itself, with its mask: TensorFlow makes no other tensor of one
 * that has the type already. A value with a mask is of real numbers of 32 bits. */
static bool is_same(const PyCall *c, const char *class_name) {
  const PyObject *type = c->n > 1 ? &c->args[1] : NULL;
  const char *dot = type && type->text ? strrchr(type->text, '.') : NULL;
  return strcmp(class_name, "Cast") == 0 && type && type->text &&
         strcmp(dot ? dot + 1 : type->text, "float32") == 0;
}

bool py_call(KerasLayer *layer, const char *path, int n, const PyObject *args, int n_names,
             const PyObject *names, PyObject *out, const char **problem) {
  Arena *arena = layer->keras->arena;
  const char *name = short_path(arena, path);
  PyCall call = {.layer = layer,
                 .path = path,
                 .n = n,
                 .args = args,
                 .n_names = n_names,
                 .names = names,
                 .config = text_new(arena)};
  bool is_operator = strncmp(name, "operator.", strlen("operator.")) == 0 &&
                     n == (strcmp(name, "operator.neg") == 0 ? 1 : 2) && !n_names;
  const char *text = shortened(arena, is_operator ? operator_text(&call) : call_text(&call));
  *problem = arena_printf(arena, "computes `%s`, which grus does not support", text);
  text_add(&call.config, "{");
  if (words_index(".shape K.shape K.int_shape tf.shape ops.shape", name) >= 0) {
    if (n != 1 || args->kind != PY_VALUE) return false;
    *out = shape_of(arena, &args->value);
    return true;
  }
  if (is_operator && n == 2 && compute(name, args, out)) return true;
  PyObject positive;
  if (strcmp(name, "K.sqrt") == 0) { /* for a negative number, K.sqrt is 0 */
    if (n != 1 || !py_apply(layer, "Relu", NULL, text, 1, args, &positive, problem)) return false;
    return py_apply(layer, "Sqrt", NULL, text, 1, &positive, out, problem);
  }
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    if (words_index(functions[i].names, name) < 0) continue;
    if (!bind(&call, functions[i].parameters)) return false;
    if (!py_apply(layer, functions[i].class_name, text_str(&call.config), text, call.n_operands,
                  call.operand, out, problem))
      return false;
    if (is_same(&call, functions[i].class_name)) out->value.mask = call.operand[0].value.mask;
    return true;
  }
  return false;
}

/* ---- object[key] ---- */

/* Adds one key of object[key] in JSON: {"start": 1, "stop": null, "step": null} for a slice, a
 * number, null for a new axis, or an object for an ellipsis. */
static bool add_key(Arena *arena, Text *text, const PyObject *key) {
  static const char *const parts[] = {"start", "stop", "step"};
  if (key->kind == PY_ELLIPSIS) {
    text_add(text, "{\"class_name\": \"__ellipsis__\"}");
    return true;
  }
  bool is_new = key->kind == PY_NAME && strstr(key->text, "newaxis");
  if (key->kind != PY_SLICE) {
    const char *json = is_new ? "null" : py_json(arena, key, NULL);
    if (!json || (key->kind != PY_INT && key->kind != PY_NONE && !is_new)) return false;
    text_add(text, json);
    return true;
  }
  for (int i = 0; i < 3; i++) {
    const PyObject *part = &key->item[i];
    if (part->kind != PY_NONE && part->kind != PY_INT) return false;
    text_printf(text, "%s\"%s\": %s", i ? ", " : "{", parts[i], py_json(arena, part, NULL));
  }
  text_add(text, "}");
  return true;
}

bool py_item(KerasLayer *layer, const PyObject *object, const PyObject *key, PyObject *out,
             const char **problem) {
  Arena *arena = layer->keras->arena;
  const PyObject *keys = key->kind == PY_LIST ? key->item : key;
  int n = key->kind == PY_LIST ? key->n : 1;
  Text call = text_new(arena), shown = text_new(arena);
  bool known = object->kind == PY_VALUE;
  text_add(&call, "{\"args\": [null, [");
  for (int i = 0; i < n; i++) {
    if (i) text_add(&call, ", ");
    text_printf(&shown, "%s%s", i ? ", " : "", py_text(arena, &keys[i]));
    known = known && add_key(arena, &call, &keys[i]);
  }
  text_add(&call, "]]}");
  const char *text =
      shortened(arena, arena_printf(arena, "%s[%s]", py_text(arena, object), text_str(&shown)));
  *problem = arena_printf(arena, "computes `%s`, which grus does not support", text);
  int64_t at = key->integer < 0 ? key->integer + object->n : key->integer;
  if (object->kind == PY_LIST && key->kind == PY_INT && at >= 0 && at < object->n) {
    *out = object->item[at];
    return true;
  }
  return known && read_step(layer, "GetItem", NULL, text_str(&call), text, 1, object, out, problem);
}
