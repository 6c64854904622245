/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a file calls a cell that it writes out in small operators: the scope that the names of all
 * of them have, without that of the loop they stand in.
 *
 *   model/gru_4/while/gru_cell/add_4, model/gru_4/while/gru_cell/mul    model/gru_4 */
#include "import/lift/chain.h"

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

/* The states that the steps make have the names of the cell's own operators. */
static size_t scope_of_steps(const Recognising *r, const Chain *c, const char **name) {
  size_t scope = 0;
  *name = NULL;
  for (int i = 0; i < c->n; i++) {
    const CellStep *s = &r->steps.step[c->step[i]];
    const GraphValue *state[2] = {s->h_new, s->op == GRAPH_Lstm ? s->c_new : NULL};
    for (int k = 0; k < 2; k++) {
      if (!state[k] || !state[k]->node) continue;
      const char *own = state[k]->node->name;
      if (*name) {
        scope = common_scope(*name, own, scope);
        continue;
      }
      *name = own;
      for (size_t at = 0; own[at] && own[at] != ';'; at++) /* TensorFlow Lite joins names by `;` */
        if (own[at] == '/') scope = at;
    }
  }
  return scope;
}

void chain_name(const Recognising *r, const Chain *c, GraphNode *node) {
  const char *name;
  size_t scope = scope_of_steps(r, c, &name);
  if (name) scope = before_loop(name, scope);
  if (!scope) return;
  node->name = arena_strndup(r->flat->arena, name, scope);
  node->source = node->op == GRAPH_Lstm ? "LSTM" : node->op == GRAPH_Gru ? "GRU" : "RNN";
  node->is_cell = true;
}
