/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sizes that stand in an archive, which are those that inputs may have: in go the pickle of the
 * module and the text of `forward`, out come the sizes of all tensors, and the products of the
 * lists of numbers in the text. */
#include "import/read/script/script.h"

enum { MAX_SIZE = 16384 };

typedef struct Sizes {
  int64_t *size;
  int n;
} Sizes;

static void add_size(Sizes *all, int64_t size) {
  for (int i = 0; i < all->n; i++)
    if (all->size[i] == size) return;
  if (all->n < SCRIPT_MAX_SIZES && size > 0 && size <= MAX_SIZE) all->size[all->n++] = size;
}

/* The sizes of all tensors in a value of the pickle. */
static void collect(Sizes *all, const PickleValue *value, int depth, int *visits) {
  if (!value || depth > 12 || --*visits < 0) return;
  if (value->kind == PICKLE_OBJECT) {
    int64_t dim[TENSOR_MAX_RANK];
    int rank;
    bool tensor = pickle_is_object(value, "torch._utils._rebuild_tensor_v2");
    if (tensor && tree_numbers(pickle_arg(value, 2), dim, &rank))
      for (int i = 0; i < rank; i++)
        add_size(all, dim[i]);
    if (!tensor) collect(all, value->state, depth + 1, visits);
    if (!tensor) collect(all, value->args, depth + 1, visits);
  }
  bool list =
      value->kind == PICKLE_TUPLE || value->kind == PICKLE_LIST || value->kind == PICKLE_DICT;
  for (size_t i = 0; list && i < value->list.n; i++)
    collect(all, value->list.item[i], depth + 1, visits);
}

/* The products of the lists of numbers in the text, such as the shape of a view. */
static void collect_lists(Sizes *all, const ScriptExpr *e) {
  int64_t product = e->kind == EXPR_LIST && e->n > 1;
  for (int i = 0; i < e->n; i++) {
    bool fits = e->item[i]->kind == EXPR_INT && e->item[i]->i > 0 && e->item[i]->i <= MAX_SIZE;
    product *= fits && product <= MAX_SIZE ? e->item[i]->i : 0;
    collect_lists(all, e->item[i]);
  }
  if (product) add_size(all, product);
}

static void collect_text(Sizes *all, const ScriptBlock *block) {
  for (int i = 0; i < block->n; i++) {
    if (block->item[i]->value) collect_lists(all, block->item[i]->value);
    collect_text(all, &block->item[i]->body);
    collect_text(all, &block->item[i]->other);
  }
}

int script_sizes(const Script *s, const ScriptFunction *forward, int64_t *size) {
  Sizes all = {size, 0};
  int visits = 100000;
  collect(&all, s->root, 0, &visits);
  collect_text(&all, &forward->body);
  return all.n;
}
