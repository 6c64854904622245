/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Follows one function of Python over values of the graph, instruction by instruction, as the stack
 * machine of CPython runs it. In, code and arguments; out, what the function returns. functions.c
 * looks up by name what it calls. Jumps and instructions that are not in bytecode.def are errors.
 *
 * The file does not say which version of Python compiled the function. grus tries the versions with
 * the same layout of code objects, and takes one in which all instructions, their caches and the
 * end of the code fit. If two versions fit, the code means the same in both. */
#include "import/read/keras/python.h"

#include <string.h>

typedef enum PyOp {
  OP_UNKNOWN,
#define PY_OP(name, argument, p27, p30, p36, p311, p312, p313, caches_311, caches_312) OP_##name,
#include "import/read/keras/bytecode.def"
#undef PY_OP
} PyOp;

typedef enum PyVersion { PY_2_7, PY_3_0, PY_3_6, PY_3_11, PY_3_12, PY_3_13, PY_VERSIONS } PyVersion;

/* What the argument of an instruction means. */
typedef enum PyArgument {
  ARG_PLAIN,
  ARG_CONST,
  ARG_LOCAL,
  ARG_NAME,
  ARG_GLOBAL,
  ARG_ATTRIBUTE
} PyArgument;

static const struct {
  PyOp op;
  PyArgument argument;
  uint8_t number[PY_VERSIONS], caches_311, caches_312;
} ops[] = {
#define PY_OP(name, argument, p27, p30, p36, p311, p312, p313, caches_311, caches_312)             \
  {OP_##name, ARG_##argument, {p27, p30, p36, p311, p312, p313}, caches_311, caches_312},
#include "import/read/keras/bytecode.def"
#undef PY_OP
};

enum { STACK = 64, LOCALS = 32, KEYWORDS = 16, PATH_MOST = 200 };

typedef struct Machine {
  KerasLayer *layer;
  const PyCode *code;
  PyVersion version;
  const PyObject *closure;
  size_t at;
  PyObject stack[STACK], local[LOCALS];
  bool is_set[LOCALS];
  int n;
  const PyObject *keywords; /* the names of arguments for the next CALL; NULL: it has none */
  const char *problem;
} Machine;

typedef enum Step { NEXT, RETURNED, FAILED } Step;

static Step unknown(Machine *m) {
  m->problem = "is Python code that does more than grus follows: calls by name, sums, products, "
               "comparisons and parts of values";
  return FAILED;
}

/* ---- reading instructions ---- */

static PyOp op_of(const Machine *m, int number, int *caches) {
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
    if (number && ops[i].number[m->version] == number) {
      *caches = m->version == PY_3_11  ? ops[i].caches_311
                : m->version > PY_3_11 ? ops[i].caches_312
                                       : 0;
      return ops[i].op;
    }
  return OP_UNKNOWN;
}

/* The next instruction and its argument of one or more bytes. OP_UNKNOWN: the code ends here, or
 * the version has no such instruction. */
static PyOp fetch(Machine *m, uint32_t *arg) {
  enum { FIRST_WITH_ARG = 90, EXTENSIONS = 3 };
  const PyCode *c = m->code;
  PyOp op = OP_EXTENDED_ARG;
  *arg = 0;
  for (int extensions = 0; op == OP_EXTENDED_ARG; extensions++) {
    int number = m->at < c->len ? c->bytes[m->at] : 0, caches = 0, size = 2;
    if (m->version < PY_3_6) size = number >= FIRST_WITH_ARG ? 3 : 1;
    if (c->len - m->at < (size_t)size || extensions > EXTENSIONS) return OP_UNKNOWN;
    op = op_of(m, number, &caches);
    uint32_t own = size > 1 ? c->bytes[m->at + 1] : 0;
    if (size == 3) own |= (uint32_t)c->bytes[m->at + 2] << 8;
    *arg = *arg << (size == 3 ? 16 : 8) | own;
    m->at += (size_t)size;
    for (int i = 0; i < 2 * caches; i++)
      if (m->at >= c->len || c->bytes[m->at++] != 0) return OP_UNKNOWN;
  }
  return op;
}

/* ---- the stack ---- */

static Step push(Machine *m, PyObject o) {
  if (m->n == STACK) return unknown(m);
  m->stack[m->n++] = o;
  return NEXT;
}

/* Takes the n topmost objects from the stack, the deepest first; NULL: it holds fewer. */
static PyObject *pop(Machine *m, uint32_t n) {
  if (n > (uint32_t)m->n) return NULL;
  m->n -= (int)n;
  return m->stack + m->n;
}

static PyObject named(const char *path) {
  return (PyObject){.kind = PY_NAME, .text = path, .len = strlen(path)};
}

static Step push_name(Machine *m, const PyObject *of, uint32_t i, bool marked) {
  if (i >= (uint32_t)m->code->names.n) return unknown(m);
  const char *name = m->code->names.item[i].text;
  if (m->code->names.item[i].len > PATH_MOST) return unknown(m);
  if (marked && push(m, (PyObject){.kind = PY_MARK}) == FAILED) return FAILED;
  bool is_true = strcmp(name, "True") == 0;
  if (!of && m->version == PY_2_7 && (is_true || strcmp(name, "False") == 0))
    return push(m, (PyObject){.kind = PY_BOOL, .integer = is_true});
  if (!of) return push(m, named(name));
  if (of->kind == PY_VALUE && strcmp(name, "shape") == 0) {
    PyObject shape;
    return py_call(m->layer, ".shape", 1, of, 0, NULL, &shape, &m->problem) ? push(m, shape)
                                                                            : FAILED;
  }
  if (of->kind != PY_NAME || of->len + strlen(name) > PATH_MOST) return unknown(m);
  return push(m, named(arena_printf(m->layer->keras->arena, "%s.%s", of->text, name)));
}

static Step push_const(Machine *m, uint32_t i) {
  return i < (uint32_t)m->code->consts.n ? push(m, m->code->consts.item[i]) : unknown(m);
}

static Step push_local(Machine *m, uint32_t i) {
  return i < LOCALS && m->is_set[i] ? push(m, m->local[i]) : unknown(m);
}

static Step store_local(Machine *m, uint32_t i) {
  PyObject *top = pop(m, 1);
  if (!top || i >= LOCALS) return unknown(m);
  m->local[i] = *top;
  m->is_set[i] = true;
  return NEXT;
}

/* Pushes shared variable i: first those of this function, then those of the one around it. */
static Step push_closure(Machine *m, uint32_t i) {
  int n = m->closure->n, first = m->version < PY_3_11 ? m->code->n_cells : m->code->locals.n - n;
  int at = (int)i - first;
  return i < INT16_MAX && at >= 0 && at < n ? push(m, m->closure->item[at]) : unknown(m);
}

/* Replaces the n topmost objects by a list or a slice of them. The step of a slice of two is None.
 */
static Step build(Machine *m, PyKind kind, uint32_t n) {
  PyObject *item = pop(m, n);
  if (!item) return unknown(m);
  PyObject *own = ARENA_ARRAY(m->layer->keras->arena, PyObject, n + 1); /* the last one is None */
  memcpy(own, item, sizeof *own * n);
  return push(m, (PyObject){.kind = kind, .n = (int)n, .item = own});
}

/* Gives the empty list at this depth of the stack the items of the constant on top of the stack. */
static Step extend(Machine *m, uint32_t depth) {
  PyObject *both = pop(m, 2);
  if (!both || depth != 1 || both[0].kind != PY_LIST || both[0].n || both[1].kind != PY_LIST)
    return unknown(m);
  return push(m, both[1]);
}

static Step unpack(Machine *m, uint32_t n) {
  PyObject *list = pop(m, 1);
  if (!list || list->kind != PY_LIST || (uint32_t)list->n != n) return unknown(m);
  const PyObject *item = list->item;
  for (uint32_t i = n; i > 0; i--)
    if (push(m, item[i - 1]) == FAILED) return FAILED;
  return NEXT;
}

/* ---- calls ---- */

/* Calls the function below the n topmost objects, its arguments, of which the last ones have the
 * names `keywords`. marked: a mark is next to the function, below or above it. */
static Step call(Machine *m, uint32_t n, const PyObject *keywords, bool marked) {
  PyObject *args = pop(m, n), *callee = pop(m, marked ? 2 : 1), out;
  if (!args || !callee) return unknown(m);
  if (marked && callee[0].kind == PY_MARK)
    callee++;
  else if (marked && callee[1].kind != PY_MARK)
    return unknown(m);
  int n_names = keywords ? keywords->n : 0;
  if (callee->kind != PY_NAME || n_names > (int)n) return unknown(m);
  for (int i = 0; i < n_names; i++)
    if (keywords->item[i].kind != PY_TEXT) return unknown(m);
  m->keywords = NULL;
  bool ok = py_call(m->layer, callee->text, (int)n, args, n_names, n_names ? keywords->item : NULL,
                    &out, &m->problem);
  return ok ? push(m, out) : FAILED;
}

/* The same, with a list of the names of arguments on top of the stack. */
static Step call_listed(Machine *m, uint32_t n, bool marked) {
  PyObject *top = pop(m, 1);
  if (!top || top->kind != PY_LIST) return unknown(m);
  PyObject keywords = *top;
  return call(m, n, &keywords, marked);
}

/* A call up to Python 3.5. The first byte of arg is the number of arguments without a name; the
 * second, of pairs of a name and an argument that follow them. */
static Step call_paired(Machine *m, uint32_t arg) {
  enum { BYTE = 0xff };
  uint32_t plain = arg & BYTE, pairs = arg >> 8;
  PyObject name[KEYWORDS], *both = pairs <= KEYWORDS ? pop(m, 2 * pairs) : NULL;
  if (!both) return unknown(m);
  PyObject value[KEYWORDS];
  for (uint32_t i = 0; i < pairs; i++) {
    name[i] = both[2 * i];
    value[i] = both[2 * i + 1];
  }
  for (uint32_t i = 0; i < pairs; i++)
    if (push(m, value[i]) == FAILED) return FAILED;
  PyObject keywords = {.kind = PY_LIST, .n = (int)pairs, .item = name};
  return call(m, plain + pairs, &keywords, false);
}

static Step name_keywords(Machine *m, uint32_t i) {
  if (i >= (uint32_t)m->code->consts.n || m->code->consts.item[i].kind != PY_LIST)
    return unknown(m);
  m->keywords = &m->code->consts.item[i];
  return NEXT;
}

/* ---- operators ---- */

/* Replaces the two topmost objects by the result of the function that does the same. */
static Step operate(Machine *m, const char *name) {
  PyObject *both = pop(m, 2), out;
  if (!both || !name) return unknown(m);
  const char *path = arena_printf(m->layer->keras->arena, "operator.%s", name);
  return py_call(m->layer, path, 2, both, 0, NULL, &out, &m->problem) ? push(m, out) : FAILED;
}

static Step operate_by_number(Machine *m, uint32_t arg) {
  enum { IN_PLACE = 13 };
  static const char *const names[IN_PLACE] = {
      [0] = "add", [5] = "mul", [8] = "pow", [10] = "sub", [11] = "truediv"};
  if (arg >= 2 * IN_PLACE) return unknown(m);
  return operate(m, names[arg % IN_PLACE]);
}

static Step compare(Machine *m, uint32_t arg) {
  static const char *const names[] = {"lt", "le", "eq", "ne", "gt", "ge"};
  uint32_t i = m->version == PY_3_12 ? arg >> 4 : m->version == PY_3_13 ? arg >> 5 : arg;
  return i < sizeof names / sizeof *names ? operate(m, names[i]) : unknown(m);
}

static Step negate(Machine *m) {
  PyObject *x = pop(m, 1), out;
  if (!x) return unknown(m);
  return py_call(m->layer, "operator.neg", 1, x, 0, NULL, &out, &m->problem) ? push(m, out)
                                                                             : FAILED;
}

static Step subscript(Machine *m) {
  PyObject *both = pop(m, 2), out;
  if (!both) return unknown(m);
  return py_item(m->layer, &both[0], &both[1], &out, &m->problem) ? push(m, out) : FAILED;
}

/* x[begin:end], with both bounds on the stack. */
static Step subscript_between(Machine *m) {
  return build(m, PY_SLICE, 2) == NEXT ? subscript(m) : FAILED;
}

/* x[:], x[begin:], x[:end] and x[begin:end] of Python 2. */
static Step subscript_old(Machine *m, bool has_begin, bool has_end) {
  PyObject end = {.kind = PY_NONE}, begin = end;
  PyObject *bounds = pop(m, (uint32_t)has_begin + (uint32_t)has_end);
  if (!bounds) return unknown(m);
  if (has_end) end = bounds[has_begin];
  if (has_begin) begin = bounds[0];
  if (push(m, begin) == FAILED || push(m, end) == FAILED) return FAILED;
  return subscript_between(m);
}

/* ---- imports ---- */

/* Pushes module i. The stack holds a number, and above it the list of names to import from the
 * module. If there is no list, the module is the outermost one: `import keras.backend` gives keras.
 */
static Step import_name(Machine *m, uint32_t i) {
  PyObject *both = pop(m, 2);
  if (!both || i >= (uint32_t)m->code->names.n) return unknown(m);
  const char *path = m->code->names.item[i].text, *dot = strchr(path, '.');
  if (both[1].kind == PY_NONE && dot)
    path = arena_strndup(m->layer->keras->arena, path, (size_t)(dot - path));
  return push(m, named(path));
}

/* Pushes name i of the module on top of the stack, which stays there. */
static Step import_from(Machine *m, uint32_t i) {
  PyObject *module = pop(m, 1);
  if (!module || module->kind != PY_NAME) return unknown(m);
  PyObject of = *module;
  return push(m, of) == NEXT ? push_name(m, &of, i, false) : FAILED;
}

static Step load_attribute(Machine *m, uint32_t i, bool marked) {
  PyObject *top = pop(m, 1);
  if (!top) return unknown(m);
  PyObject of = *top;
  return push_name(m, &of, i, marked);
}

static Step swap(Machine *m) {
  PyObject *both = pop(m, 2);
  if (!both) return unknown(m);
  PyObject first = both[0], second = both[1];
  return push(m, second) == NEXT ? push(m, first) : FAILED;
}

/* ---- the machine ---- */

static Step execute(Machine *m, PyOp op, uint32_t arg) {
  enum { LOW = 15 };
  bool pairs = m->version < PY_3_6, marks_globals = m->version >= PY_3_11,
       marks_attributes = m->version >= PY_3_12;
  switch (op) {
  case OP_NOP:
  case OP_RESUME:
  case OP_COPY_FREE_VARS:
  case OP_PRECALL: return NEXT;
  case OP_POP_TOP: return pop(m, 1) ? NEXT : unknown(m);
  case OP_ROT_TWO: return swap(m);
  case OP_SWAP: return arg == 2 ? swap(m) : unknown(m);
  case OP_PUSH_NULL: return push(m, (PyObject){.kind = PY_MARK});
  case OP_LOAD_CONST: return push_const(m, arg);
  case OP_LOAD_FAST:
  case OP_LOAD_FAST_CHECK: return push_local(m, arg);
  case OP_LOAD_FAST_LOAD_FAST:
    return push_local(m, arg >> 4) == NEXT ? push_local(m, arg & LOW) : FAILED;
  case OP_STORE_FAST: return store_local(m, arg);
  case OP_STORE_FAST_LOAD_FAST:
    return store_local(m, arg >> 4) == NEXT ? push_local(m, arg & LOW) : FAILED;
  case OP_STORE_FAST_STORE_FAST:
    return store_local(m, arg >> 4) == NEXT ? store_local(m, arg & LOW) : FAILED;
  case OP_LOAD_DEREF: return push_closure(m, arg);
  case OP_LOAD_GLOBAL:
    return push_name(m, NULL, marks_globals ? arg >> 1 : arg, marks_globals && (arg & 1));
  case OP_LOAD_ATTR:
    return load_attribute(m, marks_attributes ? arg >> 1 : arg, marks_attributes && (arg & 1));
  case OP_LOAD_METHOD: return load_attribute(m, arg, true);
  case OP_IMPORT_NAME: return import_name(m, arg);
  case OP_IMPORT_FROM: return import_from(m, arg);
  case OP_BUILD_TUPLE:
  case OP_BUILD_LIST: return build(m, PY_LIST, arg);
  case OP_LIST_EXTEND: return extend(m, arg);
  case OP_UNPACK_SEQUENCE: return unpack(m, arg);
  case OP_BUILD_SLICE: return arg == 2 || arg == 3 ? build(m, PY_SLICE, arg) : unknown(m);
  case OP_UNARY_NEGATIVE: return negate(m);
  case OP_BINARY_POWER: return operate(m, "pow");
  case OP_BINARY_MULTIPLY: return operate(m, "mul");
  case OP_BINARY_DIVIDE:
  case OP_BINARY_TRUE_DIVIDE: return operate(m, "truediv");
  case OP_BINARY_ADD: return operate(m, "add");
  case OP_BINARY_SUBTRACT: return operate(m, "sub");
  case OP_BINARY_OP: return operate_by_number(m, arg);
  case OP_COMPARE_OP: return compare(m, arg);
  case OP_BINARY_SUBSCR: return subscript(m);
  case OP_BINARY_SLICE: return subscript_between(m);
  case OP_SLICE_0: return subscript_old(m, false, false);
  case OP_SLICE_1: return subscript_old(m, true, false);
  case OP_SLICE_2: return subscript_old(m, false, true);
  case OP_SLICE_3: return subscript_old(m, true, true);
  case OP_CALL_FUNCTION: return pairs ? call_paired(m, arg) : call(m, arg, NULL, false);
  case OP_CALL_FUNCTION_KW: return call_listed(m, arg, false);
  case OP_CALL_METHOD: return call(m, arg, NULL, true);
  case OP_KW_NAMES: return name_keywords(m, arg);
  case OP_CALL: return call(m, arg, m->keywords, true);
  case OP_CALL_KW: return call_listed(m, arg, true);
  case OP_RETURN_VALUE: return m->n == 1 ? RETURNED : unknown(m);
  case OP_EXTENDED_ARG:
  case OP_UNKNOWN: return unknown(m);
  }
  return unknown(m);
}

/* Whether the constant, the variable or the name of an instruction exists. */
static bool fits(const Machine *m, PyOp op, uint32_t arg) {
  const PyCode *c = m->code;
  switch (op ? ops[op - 1].argument : ARG_PLAIN) {
  case ARG_PLAIN: return op != OP_UNKNOWN;
  case ARG_CONST: return arg < (uint32_t)c->consts.n;
  case ARG_LOCAL: return arg < (uint32_t)c->locals.n;
  case ARG_NAME: return arg < (uint32_t)c->names.n;
  case ARG_GLOBAL: return arg >> (m->version >= PY_3_11) < (uint32_t)c->names.n;
  case ARG_ATTRIBUTE: return arg >> (m->version >= PY_3_12) < (uint32_t)c->names.n;
  }
  return false;
}

/* Whether the code can be that of this version: each instruction is known, and the last one
 * returns. */
static bool is_of_version(Machine *m) {
  PyOp op = OP_UNKNOWN;
  uint32_t arg;
  for (m->at = 0; m->at < m->code->len;) {
    op = fetch(m, &arg);
    if (!fits(m, op, arg)) return false;
  }
  m->at = 0;
  return op == OP_RETURN_VALUE;
}

bool py_follow(KerasLayer *layer, const PyCode *code, const PyObject *args, const PyObject *closure,
               PyObject *out, const char **problem) {
  static const PyVersion first[PY_LAYOUT_COUNT] = {PY_2_7, PY_3_0, PY_3_6, PY_3_11},
                         last[] = {PY_2_7, PY_3_6, PY_3_6, PY_3_13};
  Machine *m = ARENA_NEW(layer->keras->arena, Machine);
  *m = (Machine){.layer = layer, .code = code, .closure = closure};
  bool found = false;
  for (PyVersion v = first[code->layout]; v <= last[code->layout] && !found; v++) {
    m->version = v;
    found = is_of_version(m);
  }
  unknown(m);
  Step step = found && code->n_args <= LOCALS ? NEXT : FAILED;
  for (int i = 0; i < code->n_args && step == NEXT; i++) {
    m->local[i] = args[i];
    m->is_set[i] = true;
  }
  while (step == NEXT) {
    uint32_t arg;
    PyOp op = fetch(m, &arg);
    m->problem = NULL;
    step = execute(m, op, arg);
  }
  *problem = m->problem;
  if (step == RETURNED) *out = m->stack[0];
  return step == RETURNED && m->at == code->len;
}
