/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a file calls a cell that it writes out in small operators: the scope that the names of all
 * of them have, without that of the loop they stand in.
 *
 *   model/gru_4/while/gru_cell/add_4, model/gru_4/while/gru_cell/mul    model/gru_4 */
#include "import/lift/own.h"

#include <string.h>

/* How many bytes of a and b are whole parts of a path that are equal, without the `/` after them.
 */
static size_t common_scope(const char *a, const char *b, size_t most) {
  size_t same = 0, scope = 0;
  while (same < most && a[same] && a[same] == b[same]) {
    same++;
    if (a[same] == '/' && (b[same] == '/' || !b[same])) scope = same;
  }
  return scope;
}

/* Bytes before the part of a path that is the body of a loop. */
static size_t before_loop(const char *name, size_t n) {
  static const char loop[] = "/while";
  for (size_t i = 1; i + sizeof loop - 1 <= n; i++)
    if (strncmp(name + i, loop, sizeof loop - 1) == 0) return i;
  return n;
}

/* The scope that all names have which were added to it. */
typedef struct Scope {
  const char *name; /* the first of them; NULL: none */
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

/* Names the node by the scope, if there is one; source: what it is called beside that. */
static void scope_name(const Scope *scope, Arena *arena, const char *source, GraphNode *node) {
  size_t len = scope->name ? before_loop(scope->name, scope->len) : 0;
  if (!len) return;
  node->name = arena_strndup(arena, scope->name, len);
  node->source = source;
  node->is_cell = true;
}

/* The states that the steps make have the names of the cell's own operators. */
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

/* All that depends on a state belongs to the cell. */
void own_name(const Own *own, GraphNode *node) {
  Scope scope = {0};
  for (int i = 0; i < own->n; i++) {
    const Part *part = &own->part[i];
    if (part->kind == PART_NODE && part->stateful) scope_add(&scope, part->value->node->name);
  }
  scope_name(&scope, own->flat->arena, "state", node);
}
