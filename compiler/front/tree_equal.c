/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Comparing trees without their places. */
#include "front/tree_equal.h"

#include <string.h>

static bool text_equal(const char *a, const char *b) {
  return a == b || (a && b && strcmp(a, b) == 0);
}

static bool number_equal(const Node *a, const Node *b) {
  if (a->kind == N_FILE || a->kind == N_INT) return a->i == b->i;
  if (a->kind == N_FLOAT) return memcmp(&a->f, &b->f, sizeof a->f) == 0;
  return a->kind != N_QTY || (a->num == b->num && a->den == b->den && a->unit == b->unit);
}

bool tree_equal(const Node *a, const Node *b) {
  if (a->kind != b->kind || a->n != b->n || a->brackets != b->brackets || !number_equal(a, b))
    return false;
  if (!text_equal(a->text, b->text) || !text_equal(a->doc, b->doc)) return false;
  for (size_t i = 0; i < a->n; i++)
    if (!tree_equal(a->kid[i], b->kid[i])) return false;
  return true;
}
