/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Pipes that an author put below each other stay there:
 *
 *     let low  = x   |> GRU(64, init=h1)
 *     let high = low |> GRU(32, init=h2)
 *
 * The k-th pipes of two adjacent statements belong together if they have one column in the source;
 * in the output they get one column again, so that formatting twice changes nothing. */
#include "front/format.h"

#include "parser.tab.h"

enum { PIPES_MAX = 16 };

/* Index of the k-th pipe outside of brackets; 0 if there are fewer. */
static size_t pipe_index(const Statement *s, int k) {
  for (size_t i = 1; i < s->n; i++)
    if (s->item[i].kind == TOK_PIPE && s->item[i].depth == 0 && k-- == 0) return i;
  return 0;
}

static bool together(const Statement *a, const Statement *b, int k) {
  size_t i = pipe_index(a, k), j = pipe_index(b, k);
  return i && j && a->item[i].column == b->item[j].column;
}

void statements_align_pipes(Statement *const *s, size_t n, int sign_column, int equals_column) {
  for (int k = 0; k < PIPES_MAX; k++) {
    for (size_t first = 0, last; first < n; first = last + 1) {
      int column = 0;
      last = first;
      while (last + 1 < n && together(s[last], s[last + 1], k))
        last++;
      if (first == last) continue;
      for (size_t i = first; i <= last; i++) {
        int here = statement_column(s[i], pipe_index(s[i], k), sign_column, equals_column);
        if (here > column) column = here;
      }
      for (size_t i = first; i <= last; i++) {
        size_t pipe = pipe_index(s[i], k);
        s[i]->item[pipe].pad = column - statement_column(s[i], pipe, sign_column, equals_column);
      }
    }
  }
}
