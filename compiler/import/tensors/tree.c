/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Walks through the values of a pickle; see tree.h. Depth and steps are bounded, because a pickle
 * may contain itself, or one part many times. */
#include "import/tensors/tree.h"

#include <string.h>

enum {
  DEPTH_MAX = 64,
  STEPS_MAX = 1 << 20,
  NAME_MAX_BYTES = 512,
  COPY_RATIO = 16,
  COPY_FREE = 16 << 20
};

void tree_begin(Tree *tree, Arena *arena, size_t file_size) {
  *tree = (Tree){.arena = arena,
                 .budget = (uint64_t)file_size * COPY_RATIO + COPY_FREE,
                 .steps = STEPS_MAX,
                 .root = ""};
}

bool tree_spend(Tree *tree, uint64_t bytes, const char **reason) {
  *reason = "its tensors share so much that they are too large for a file of this size";
  if (bytes > tree->budget) return false;
  tree->budget -= bytes;
  return true;
}

bool tree_numbers(const PickleValue *value, int64_t *out, int *n) {
  bool list = value && (value->kind == PICKLE_TUPLE || value->kind == PICKLE_LIST);
  if (pickle_is_object(value, "torch.Size")) return tree_numbers(pickle_arg(value, 0), out, n);
  if (!list || value->list.n > TENSOR_MAX_RANK) return false;
  *n = (int)value->list.n;
  for (int i = 0; i < *n; i++)
    if (!pickle_int(value->list.item[i], &out[i])) return false;
  return true;
}

void tree_add_tensor(Tree *tree, Tensor tensor, const char *name) {
  tensor.name = name;
  tensor.place = tree->n;
  ARENA_PUSH(tree->arena, tree->tensor, tree->n, tree->cap, tensor);
}

void tree_add_unread(Tree *tree, const char *name, const char *why) {
  TensorUnread unread = {name, why};
  ARENA_PUSH(tree->arena, tree->unread, tree->n_unread, tree->cap_unread, unread);
}

/* Whether a value is the state of an optimiser of PyTorch. */
static bool is_optimiser(const PickleValue *value) {
  return pickle_get(value, "param_groups") && pickle_get(value, "state");
}

/* Whether a value may have tensors in it. */
static bool holds_something(const PickleValue *value) {
  PickleKind kind = value->kind;
  bool is_list = kind == PICKLE_TUPLE || kind == PICKLE_LIST || kind == PICKLE_DICT;
  return kind == PICKLE_OBJECT || (is_list && value->list.n > 0);
}

/* The name "name.key"; NULL if the key cannot be part of a name. */
static const char *name_of(Tree *tree, const char *name, const PickleValue *key) {
  const char *dot = *name ? "." : "";
  if (key->kind == PICKLE_INT)
    return arena_printf(tree->arena, "%s%s%lld", name, dot, (long long)key->i);
  if (key->kind != PICKLE_TEXT || strlen(name) + key->len > NAME_MAX_BYTES) return NULL;
  for (size_t i = 0; i < key->len; i++)
    if ((unsigned char)key->text[i] < ' ') return NULL;
  return arena_printf(tree->arena, "%s%s%.*s", name, dot, (int)key->len, key->text);
}

/* Adds the tensors in a value. *root becomes the prefix of their names; NULL if the value is a
 * tensor. */
static bool add(Tree *tree, const PickleValue *value, const char *name, int depth,
                const char **root, const char **reason);

/* Adds the tensors in a dictionary. If only one of its values has tensors, *root is that of this
 * value. */
static bool add_pairs(Tree *tree, const PickleList *pairs, const char *name, int depth,
                      const char **root, const char **reason) {
  const char *inner = NULL;
  int holders = 0, direct = 0;
  for (size_t i = 0; i + 1 < pairs->n; i += 2) {
    const PickleValue *value = pairs->item[i + 1];
    const char *child, *child_root;
    int before = tree->n;
    if (--tree->steps < 0) break;
    if (!holds_something(value) || pickle_text_is(pairs->item[i], "_flat_weights")) continue;
    child = name_of(tree, name, pairs->item[i]);
    if (!child) continue;
    if (!add(tree, value, child, depth + 1, &child_root, reason)) return false;
    if (tree->n == before) continue;
    if (child_root)
      holders++, inner = child_root;
    else
      direct += tree->tensor[before].rank > 0;
  }
  *root = !direct && holders == 1 ? inner : *name ? arena_printf(tree->arena, "%s.", name) : "";
  return true;
}

static bool add_items(Tree *tree, const PickleList *items, const char *name, int depth,
                      const char **reason) {
  const char *root;
  for (size_t i = 0; i < items->n; i++) {
    PickleValue key = {.kind = PICKLE_INT, .i = (int64_t)i};
    if (--tree->steps < 0) return true;
    if (!holds_something(items->item[i])) continue;
    if (!add(tree, items->item[i], name_of(tree, name, &key), depth + 1, &root, reason))
      return false;
  }
  return true;
}

/* Adds the tensors in the state of an object. The dictionaries in which a module of PyTorch keeps
 * its tensors are not parts of their names. */
static bool add_state(Tree *tree, const PickleValue *state, const char *name, int depth,
                      const char **reason) {
  static const char *const parts[] = {"_parameters", "_buffers", "_modules"};
  const char *root;
  bool module = pickle_get(state, "_modules") && pickle_get(state, "_parameters");
  if (!module) return add(tree, state, name, depth + 1, &root, reason);
  for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
    const PickleList *pairs = pickle_pairs(pickle_get(state, parts[i]));
    if (pairs && !add_pairs(tree, pairs, name, depth + 1, &root, reason)) return false;
  }
  return true;
}

static bool add_object(Tree *tree, const PickleValue *value, const char *name, int depth,
                       const char **reason) {
  const char *root;
  if (value->state && !add_state(tree, value->state, name, depth, reason)) return false;
  if (value->items && !add_items(tree, value->items, name, depth, reason)) return false;
  if (value->pairs && !add_pairs(tree, value->pairs, name, depth, &root, reason)) return false;
  bool only_args =
      !value->state && !value->items && !value->pairs && value->args->kind == PICKLE_TUPLE;
  return !only_args || add_items(tree, &value->args->list, name, depth, reason);
}

static bool add(Tree *tree, const PickleValue *value, const char *name, int depth,
                const char **root, const char **reason) {
  Tensor tensor = {.name = name};
  *root = NULL;
  *reason = "its pickle is nested too deeply, or contains itself";
  if (depth > DEPTH_MAX) return false;
  TreeFound found = torch_tensor(tree, value, &tensor, reason);
  if (found == TREE_OTHER) found = numpy_array(tree, value, &tensor, reason);
  switch (found) {
  case TREE_TENSOR: tree_add_tensor(tree, tensor, name); return true;
  case TREE_UNREAD: tree_add_unread(tree, name, *reason); return true;
  case TREE_BAD: *reason = arena_printf(tree->arena, "`%.120s`: %s", name, *reason); return false;
  case TREE_OTHER: break;
  }
  *root = arena_printf(tree->arena, "%s%s", name, *name ? "." : "");
  if (is_optimiser(value)) {
    tree->skipped = *name ? name : "an optimiser's state";
    return true;
  }
  const PickleList *pairs = pickle_pairs(value);
  if (pairs) return add_pairs(tree, pairs, name, depth, root, reason);
  const PickleValue *objects = numpy_objects(value);
  if (objects && objects->list.n == 1)
    return add(tree, objects->list.item[0], name, depth + 1, root, reason);
  if (objects) return add_items(tree, &objects->list, name, depth, reason);
  if (value->kind == PICKLE_OBJECT) return add_object(tree, value, name, depth, reason);
  bool list = value->kind == PICKLE_LIST || value->kind == PICKLE_TUPLE;
  return !list || add_items(tree, &value->list, name, depth, reason);
}

static bool within_steps(const Tree *tree, const char **reason) {
  if (tree->steps < 0) *reason = "its pickle holds too many values";
  return tree->steps >= 0;
}

bool tree_add(Tree *tree, const PickleValue *value, const char *name, const char **reason) {
  const char *root;
  return add(tree, value, name, 0, &root, reason) && within_steps(tree, reason);
}

bool tree_add_root(Tree *tree, const PickleValue *value, const char **reason) {
  const char *root;
  if (!add(tree, value, "", 0, &root, reason) || !within_steps(tree, reason)) return false;
  if (root) tree->root = root;
  return true;
}

TensorFile *tree_end(Tree *tree, const char **reason) {
  TensorFile *file = ARENA_NEW(tree->arena, TensorFile);
  *file = (TensorFile){.tensor = tree->tensor,
                       .n = tree->n,
                       .convention = tree->convention,
                       .unread = tree->unread,
                       .n_unread = tree->n_unread,
                       .skipped = tree->skipped,
                       .root = *tree->root ? tree->root : NULL};
  return tensor_file_sort(tree->arena, file, reason) ? file : NULL;
}
