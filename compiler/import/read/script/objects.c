/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Modules, their attributes and their methods: from the pickles and the texts of the archive. */
#include "import/read/script/script.h"

#include "import/read/elements.h"

#include <string.h>

enum { MAX_DEPTH = 16 };

ScriptValue *script_value(Arena *arena, ScriptKind kind) {
  ScriptValue *v = ARENA_NEW(arena, ScriptValue);
  v->kind = kind;
  return v;
}

ScriptValue *script_int(Arena *arena, int64_t i) {
  ScriptValue *v = script_value(arena, VALUE_INT);
  v->i = i;
  return v;
}

ScriptValue *script_float(Arena *arena, double f) {
  ScriptValue *v = script_value(arena, VALUE_FLOAT);
  v->f = f;
  return v;
}

ScriptValue *script_bool(Arena *arena, bool is) {
  ScriptValue *v = script_value(arena, VALUE_BOOL);
  v->i = is;
  return v;
}

ScriptValue *script_text(Arena *arena, const char *text) {
  ScriptValue *v = script_value(arena, VALUE_TEXT);
  v->text = text;
  return v;
}

void script_push(Arena *arena, ScriptValue *list, ScriptValue *item) {
  ARENA_PUSH(arena, list->item, list->n, list->cap, item);
}

/* ---- files of code ---- */

/* The file that a qualified name is in: "code/__torch__/a/b.py" of "__torch__.a.b.C"; NULL after
 * reporting a file that cannot be read, or if there is none. */
static const ScriptUnit *unit_of(ScriptRun *r, const char *name) {
  Script *s = r->script;
  const char *dot = strrchr(name, '.'), *reason = "";
  if (!dot) return NULL;
  char *module = arena_strndup(s->arena, name, (size_t)(dot - name));
  for (char *c = module; *c; c++)
    if (*c == '.') *c = '/';
  const char *path = arena_printf(s->arena, "%scode/%s.py", s->folder, module);
  ScriptUnit *unit = map_get(&s->units, path);
  if (unit) return unit;
  int64_t at = archive_find(s->archive, path);
  Mapped text;
  int line = 1;
  if (at < 0) return NULL;
  if (!archive_read(s->archive, at, &text, &reason)) {
    torch_bad(r->torch, "cannot read `%s` of `%s`: %s", path, s->file->path, reason);
    return NULL;
  }
  unit = script_parse(s->arena, path, text, &line, &reason);
  if (!unit) {
    torch_bad(r->torch, "line %d of `%s` cannot be read: %s", line, path, reason);
    return NULL;
  }
  map_put(s->arena, &s->units, path, unit);
  return unit;
}

static const ScriptFunction *function_of(const ScriptUnit *unit, const char *class,
                                         const char *name) {
  for (int i = 0; unit && i < unit->n_functions; i++) {
    const ScriptFunction *f = unit->function[i];
    bool same = class ? f->class && strcmp(f->class, class) == 0 : !f->class;
    if (same && strcmp(f->name, name) == 0) return f;
  }
  return NULL;
}

static const char *last_part(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? dot + 1 : name;
}

static const char *class_of(const ScriptValue *module) {
  return module->object->of->text;
}

const ScriptFunction *script_method(ScriptRun *r, const ScriptValue *module, const char *name) {
  const char *class = class_of(module);
  return function_of(unit_of(r, class), last_part(class), name);
}

const ScriptFunction *script_function(ScriptRun *r, const char *name) {
  return function_of(unit_of(r, name), NULL, last_part(name));
}

bool script_is_class(ScriptRun *r, const char *name) {
  const ScriptUnit *unit = unit_of(r, name);
  for (int i = 0; unit && i < unit->n_classes; i++)
    if (strcmp(unit->class[i], last_part(name)) == 0) return true;
  return false;
}

bool script_has_methods(ScriptRun *r, const char *name) {
  const ScriptUnit *unit = unit_of(r, name);
  for (int i = 0; unit && i < unit->n_functions; i++) {
    const ScriptFunction *f = unit->function[i];
    if (f->class && strcmp(f->class, last_part(name)) == 0) return true;
  }
  return false;
}

/* ---- tensors ---- */

ScriptValue *script_tensor(ScriptRun *r, const char *name, const GraphTensor *t) {
  ScriptValue *v = script_value(r->arena, VALUE_TENSOR);
  v->text = name;
  map_put(r->arena, &r->torch->values, name, graph_constant(r->torch->graph, name, t));
  script_describe_as(r, name, t->elem, t->rank, t->dim);
  return v;
}

/* The numbers of a stored tensor; NULL after reporting. */
static const GraphTensor *numbers_of(ScriptRun *r, const char *name, const Tensor *t) {
  GraphNumbers to;
  GraphTensor *out = map_get(&r->script->numbers, name);
  if (out) return out;
  out = t->count <= r->torch->numbers
            ? graph_tensor_of(foreign_numbers(r->script->file), element_in_graph(t->elem), t->rank,
                              t->dim, r->torch->numbers, element_is_float(t->elem), &to)
            : NULL;
  if (!out) {
    torch_bad(r->torch, "tensor `%s` is too large for its file", name);
    return NULL;
  }
  r->torch->numbers -= out->count;
  for (int64_t i = 0; i < out->count; i++)
    graph_put(&to, i, tensor_get(t, i));
  map_put(r->script->arena, &r->script->numbers, arena_strdup(r->script->arena, name), out);
  return out;
}

static ScriptValue *tensor_value(ScriptRun *r, const char *path, const Tensor *t) {
  const GraphTensor *numbers = numbers_of(r, path, t);
  if (!numbers) return NULL;
  bool other = t->elem == TENSOR_F16 || t->elem == TENSOR_BF16 || t->elem == TENSOR_F64;
  r->script->other_floats = r->script->other_floats || other;
  if (other && t->elem != TENSOR_F64)
    map_put(r->torch->arena, &r->torch->halves, arena_strdup(r->torch->arena, path),
            (void *)(uintptr_t)(t->elem == TENSOR_F16 ? "float16" : "bfloat16"));
  ScriptValue *v = map_get(&r->script->written, path) ? script_state(r, path, numbers)
                                                      : script_tensor(r, path, numbers);
  map_put(r->arena, &r->attributes, path, v);
  return v;
}

/* ---- values of pickles ---- */

static ScriptValue *convert(ScriptRun *r, Tree *tree, const char *path, const PickleValue *v,
                            int depth);

static ScriptValue *convert_items(ScriptRun *r, Tree *tree, const char *path, ScriptKind kind,
                                  const PickleValue *v, int depth) {
  ScriptValue *out = script_value(r->arena, kind);
  script_note_stored(r, path, v);
  out->is_kept = true;
  out->text = path;
  map_put(r->arena, &r->attributes, path, out);
  for (size_t i = 0; i < v->list.n; i++) {
    const char *name = arena_printf(r->arena, "%s.%zu", path, i);
    ScriptValue *item = convert(r, tree, name, v->list.item[i], depth + 1);
    if (!item) return NULL;
    script_push(r->arena, out, item);
  }
  return out;
}

/* Lists are results of functions in a pickle, which say the types of their items. */
static const PickleValue *without_type(const PickleValue *v) {
  static const char *const functions[] = {"build_intlist", "build_doublelist", "build_boollist",
                                          "build_tensorlist", "restore_type_tag"};
  for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
    char name[64] = "torch.jit._pickle.";
    strcat(name, functions[i]);
    if (pickle_is_object(v, name) && pickle_arg(v, 0)) return pickle_arg(v, 0);
  }
  return v;
}

/* The tensor of a value. A view whose elements are not in order is copied, once for all attempts.
 */
static TreeFound stored_tensor(ScriptRun *r, Tree *tree, const PickleValue *v, const Tensor **out,
                               const char **reason) {
  Script *s = r->script;
  Tensor t = {.name = ""};
  const char *key = arena_printf(r->arena, "%p", (const void *)v);
  *out = map_get(&s->views, key);
  if (*out) return TREE_TENSOR;
  TreeFound found = torch_tensor(tree, v, &t, reason);
  if (found != TREE_TENSOR) return found;
  Tensor *kept = arena_copy(s->arena, &t, 1, sizeof t);
  map_put(s->arena, &s->views, arena_strdup(s->arena, key), kept);
  *out = kept;
  return TREE_TENSOR;
}

static ScriptValue *convert_object(ScriptRun *r, Tree *tree, const char *path,
                                   const PickleValue *v) {
  const Tensor *t;
  const char *reason = "";
  TreeFound found = stored_tensor(r, tree, v, &t, &reason);
  if (found == TREE_TENSOR) {
    script_note_stored(r, path, v);
    return tensor_value(r, path, t);
  }
  if (found == TREE_BAD || found == TREE_UNREAD) {
    if (found == TREE_BAD)
      foreign_report(r->torch->diags, r->script->file, E901, "tensor `%s` cannot be read: %s", path,
                     reason);
    else
      foreign_lacks(r->torch->diags, r->script->file, E902,
                    "turn it into a dense tensor of numbers before the module is saved: "
                    "`tensor.dequantize()`, `tensor.to_dense()`, `tensor.float()`",
                    "tensor `%s` cannot be read: %s", path, reason);
    return NULL;
  }
  bool module = v->of && v->of->kind == PICKLE_CLASS && text_begins(v->of->text, "__torch__");
  ScriptValue *out = script_value(r->arena, module ? VALUE_MODULE : VALUE_OPAQUE);
  /* A module with two names has one state, which has the first of them. */
  const char *first = module ? script_first_name(r, v) : NULL;
  if (module && !first) script_note_stored(r, path, v);
  out->text = module ? (first ? first : path) : NULL;
  out->object = v;
  return out;
}

static ScriptValue *convert(ScriptRun *r, Tree *tree, const char *path, const PickleValue *v,
                            int depth) {
  if (depth > MAX_DEPTH || --r->steps < 0) {
    torch_bad(r->torch, "attribute `%s` is nested too deeply", path);
    return NULL;
  }
  v = without_type(v);
  ScriptValue *carried = script_carried(r, path);
  if (carried) return carried;
  switch (v->kind) {
  case PICKLE_NONE: return script_value(r->arena, VALUE_NONE);
  case PICKLE_BOOL: return script_bool(r->arena, v->i != 0);
  case PICKLE_INT: return script_int(r->arena, v->i);
  case PICKLE_FLOAT: return script_float(r->arena, v->f);
  case PICKLE_TEXT: return script_text(r->arena, arena_strndup(r->arena, v->text, v->len));
  case PICKLE_TUPLE: return convert_items(r, tree, path, VALUE_TUPLE, v, depth);
  case PICKLE_LIST: return convert_items(r, tree, path, VALUE_LIST, v, depth);
  case PICKLE_DICT: return convert_items(r, tree, path, VALUE_DICT, v, depth);
  case PICKLE_OBJECT: return convert_object(r, tree, path, v);
  case PICKLE_BYTES:
  case PICKLE_SET:
  case PICKLE_CLASS:
  case PICKLE_PERSISTENT: break;
  }
  return script_value(r->arena, VALUE_OPAQUE);
}

/* ---- attributes ---- */

const char *script_path(ScriptRun *r, const ScriptValue *module, const char *name) {
  return *module->text ? arena_printf(r->arena, "%s.%s", module->text, name)
                       : arena_strdup(r->arena, name);
}

/* The value that the text of the class gives. */
static ScriptValue *final_of(ScriptRun *r, const ScriptValue *module, const char *name) {
  const ScriptUnit *unit = unit_of(r, class_of(module));
  for (int i = 0; unit && i < unit->n_finals; i++)
    if (strcmp(unit->final[i].class, last_part(class_of(module))) == 0 &&
        strcmp(unit->final[i].name, name) == 0) {
      ScriptScope scope = {0};
      return script_eval(r, &scope, unit->final[i].value);
    }
  script_refuse(r, E901, "reads the attribute `%s`, which the archive does not hold",
                script_path(r, module, name));
  return NULL;
}

/* A module is read as after `eval()`, however it was saved. */
static ScriptValue *evaluating(ScriptRun *r, const PickleValue *stored) {
  if (stored && stored->kind == PICKLE_BOOL && stored->i) r->was_training = true;
  return script_bool(r->arena, false);
}

ScriptValue *script_attribute(ScriptRun *r, ScriptValue *module, const char *name) {
  const char *path = script_path(r, module, name);
  ScriptValue *known = map_get(&r->attributes, path);
  if (known) return known;
  const PickleValue *stored =
      module->object->state ? pickle_get(module->object->state, name) : NULL;
  ScriptValue *carried = script_carried(r, path);
  if (strcmp(name, "training") == 0)
    known = evaluating(r, stored);
  else if (carried)
    known = carried;
  else
    known = stored ? convert(r, &r->script->tree, path, stored, 0) : final_of(r, module, name);
  if (known) map_put(r->arena, &r->attributes, path, known);
  return known;
}

ScriptValue *script_constant(ScriptRun *r, const char *name) {
  Script *s = r->script;
  const char *path = arena_printf(r->arena, "constants.%s", name);
  ScriptValue *known = map_get(&r->attributes, path);
  if (known) return known;
  size_t k = 0;
  const char *c = *name == 'c' ? name + 1 : name;
  while (*c >= '0' && *c <= '9' && k < SIZE_MAX / 16)
    k = 10 * k + (size_t)(*c++ - '0');
  const PickleValue *all = s->constants ? without_type(s->constants) : NULL;
  bool there =
      all && (all->kind == PICKLE_TUPLE || all->kind == PICKLE_LIST) && !*c && k < all->list.n;
  if (!there) {
    script_refuse(r, E901, "reads `CONSTANTS.%s`, which the archive does not hold", name);
    return NULL;
  }
  known = convert(r, &s->constants_tree, path, all->list.item[k], 0);
  if (known) map_put(r->arena, &r->attributes, path, known);
  return known;
}
