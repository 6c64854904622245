/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attributes that share their numbers. In the graph each state is a variable of its own, so a state
 * that `forward` changes in place must not be seen through another attribute: neither one that is
 * the same tensor in the archive, nor one that `forward` gives the same tensor. */
#include "import/read/script/script.h"

#include <string.h>

void script_note_stored(ScriptRun *r, const char *path, const PickleValue *object) {
  ScriptStored stored = {path, object};
  ARENA_PUSH(r->arena, r->stored, r->n_stored, r->cap_stored, stored);
}

const char *script_first_name(const ScriptRun *r, const PickleValue *object) {
  for (int i = 0; i < r->n_stored; i++)
    if (r->stored[i].object == object) return r->stored[i].path;
  return NULL;
}

void script_note_change(ScriptRun *r, const char *name) {
  const char *root = torch_root(r->torch, name);
  Script *s = r->script;
  if (map_get(&r->attributes, root) && !map_get(&s->changed, root))
    map_put(s->arena, &s->changed, arena_strdup(s->arena, root), s);
}

static bool gives(json_t *node, const char *name) {
  json_t *outputs = json_object_get(node, "outputs");
  for (size_t i = 0; i < json_array_size(outputs); i++) {
    json_t *out = json_array_get(outputs, i), *list = json_object_get(out, "as_tensors"),
           *one = json_object_get(out, "as_tensor");
    const char *given = json_string_value(json_object_get(one, "name"));
    if (given && strcmp(given, name) == 0) return true;
    for (size_t k = 0; k < json_array_size(list); k++) {
      given = json_string_value(json_object_get(json_array_get(list, k), "name"));
      if (given && strcmp(given, name) == 0) return true;
    }
  }
  return false;
}

/* The tensor that NAME is, or is a view of. */
static const char *base_of(ScriptRun *r, const char *name) {
  json_t *nodes = json_object_get(r->torch->body, "nodes");
  bool in_place;
  for (size_t i = json_array_size(nodes); i-- > 0;) {
    json_t *node = json_array_get(nodes, i);
    name = torch_root(r->torch, name);
    if (!gives(node, name)) continue;
    const char *op =
        torch_op_of(r->arena, json_string_value(json_object_get(node, "target")), &in_place);
    json_t *self = json_object_get(json_array_get(json_object_get(node, "inputs"), 0), "arg");
    const char *of = json_string_value(json_object_get(json_object_get(self, "as_tensor"), "name"));
    if (!op || !of || (!in_place && torch_sharing(op) == TORCH_OWN)) return name;
    name = of;
  }
  return torch_root(r->torch, name);
}

static bool refuse(ScriptRun *r, const char *changed, const char *other) {
  foreign_lacks(
      r->torch->diags, r->script->file, E902,
      "give the attribute a new value, as in `self.h = self.h + x`, and no change in place",
      "`forward` changes the attribute `%s` in place, which shares its numbers with "
      "`%s`",
      changed, other);
  return false;
}

static bool is_changed(const ScriptRun *r, const char *path) {
  return map_get(&r->script->changed, path) != NULL;
}

/* Whether two attributes with these paths may share their numbers. */
static bool may_share(ScriptRun *r, const char *a, const char *b) {
  if (strcmp(a, b) == 0) return true;
  if (is_changed(r, a)) return refuse(r, a, b);
  return is_changed(r, b) ? refuse(r, b, a) : true;
}

bool script_shares_nothing(ScriptRun *r) {
  const char **base = ARENA_ARRAY(r->arena, const char *, r->n_set + 1);
  for (int i = 0; i < r->n_set; i++) {
    const ScriptValue *is = r->set[i].value;
    if (is->kind != VALUE_TENSOR) continue;
    base[i] = base_of(r, is->text);
    if (map_get(&r->attributes, base[i]) && !may_share(r, r->set[i].name, base[i])) return false;
    for (int k = 0; k < i; k++)
      if (base[k] && strcmp(base[i], base[k]) == 0 && !may_share(r, r->set[i].name, r->set[k].name))
        return false;
  }
  for (int i = 0; i < r->n_stored; i++)
    for (int k = 0; is_changed(r, r->stored[i].path) && k < r->n_stored; k++)
      if (r->stored[i].object == r->stored[k].object &&
          !may_share(r, r->stored[i].path, r->stored[k].path))
        return false;
  return true;
}
