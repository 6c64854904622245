/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The name that a file gives a cell that it writes out in small operators. In, the names of these
 * operators; out, the scope in which all of them are, without the scope of a loop.
 *
 *   model/gru_4/while/gru_cell/add_4, model/gru_4/while/gru_cell/mul    model/gru_4 */
#include "import/lift/own.h"

#include <string.h>

/* The length of the longest scope that both names have, at most `most`. */
static size_t common_scope(const char *a, const char *b, size_t most) {
  size_t same = 0, scope = 0;
  while (same < most && a[same] && a[same] == b[same]) {
    same++;
    if (a[same] == '/' && (b[same] == '/' || !b[same])) scope = same;
  }
  return scope;
}

/* The length of a scope of n bytes without the body of a loop in it. */
static size_t before_loop(const char *name, size_t n) {
  static const char loop[] = "/while";
  for (size_t i = 1; i + sizeof loop - 1 <= n; i++)
    if (strncmp(name + i, loop, sizeof loop - 1) == 0) return i;
  return n;
}

/* The scope that all added names have: the first `len` bytes of one of them. */
typedef struct Scope {
  const char *name; /* NULL: none was added */
  size_t len;
} Scope;

static void scope_add(Scope *scope, const char *name) {
  if (scope->name) {
    scope->len = common_scope(scope->name, name, scope->len);
    return;
  }
  scope->name = name;
  for (size_t at = 0; name[at] && name[at] != ';'; at++) /* TensorFlow Lite joins names by `;` */
    if (name[at] == '/') scope->len = at;
}

/* Names the node after the scope, if there is one. source: the name of its operator in messages. */
static void scope_name(const Scope *scope, Arena *arena, const char *source, GraphNode *node) {
  size_t len = scope->name ? before_loop(scope->name, scope->len) : 0;
  if (!len) return;
  node->name = arena_strndup(arena, scope->name, len);
  node->source = source;
  node->is_cell = true;
}

/* The operators that make the states have names in the scope of the cell. */
void chain_name(const Recognising *r, const Chain *c, GraphNode *node) {
  Scope scope = {0};
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    const GraphValue *state[2] = {s->h_new, s->op == GRAPH_Lstm ? s->c_new : NULL};
    for (int k = 0; k < 2; k++)
      if (state[k] && state[k]->node) scope_add(&scope, state[k]->node->name);
  }
  scope_name(&scope, r->flat->arena,
             node->op == GRAPH_Lstm  ? "LSTM"
             : node->op == GRAPH_Gru ? "GRU"
                                     : "RNN",
             node);
}

/* All operators that depend on a state belong to the cell. */
void own_name(const Own *own, GraphNode *node) {
  Scope scope = {0};
  for (int i = 0; i < own->n; i++) {
    const Part *part = &own->part[i];
    if (part->kind == PART_NODE && part->stateful) scope_add(&scope, part->value->node->name);
  }
  scope_name(&scope, own->flat->arena, "state", node);
}
