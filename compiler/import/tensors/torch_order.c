/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Searches all orders, beginning with that of the file, until two of them fit; see torch_order.h.
 */
#include "import/tensors/torch_order.h"

#include <stdlib.h>
#include <string.h>

enum { TRIES_MAX = 1 << 20 };

typedef struct Search {
  const TorchPart *part;
  bool **before; /* before[a][b]: by their names, a comes before b */
  bool *used;
  int n, *at, *first, *second, found;
  long tries;
} Search;

/* Splits a name: "fc2" is "fc" and 2, "net.4" is "net." and 4. A name without a number has -1,
 * which comes before 0: gru, gru2. */
static long number_of(const char *name, size_t *stem) {
  size_t n = strlen(name);
  while (n && name[n - 1] >= '0' && name[n - 1] <= '9')
    n--;
  *stem = n;
  return name[n] ? strtol(name + n, NULL, 10) : -1;
}

static bool comes_before(const TorchPart *a, const TorchPart *b) {
  size_t n, m;
  long x = number_of(a->name, &n), y = number_of(b->name, &m);
  return n == m && memcmp(a->name, b->name, n) == 0 && x < y;
}

bool torch_adjacent(const TorchPart *a, const TorchPart *b) {
  size_t n, m;
  long x = number_of(a->name, &n), y = number_of(b->name, &m);
  bool sequential = n == 0 || a->name[n - 1] == '.';
  return x >= 0 && comes_before(a, b) && sequential && y == x + 1;
}

bool torch_sorted(const TorchPart *parts, int n) {
  int i = 1;
  while (i < n && strcmp(parts[i - 1].name, parts[i].name) < 0)
    i++;
  return i >= n;
}

bool torch_in_place(const int *order, int n) {
  int i = 0;
  while (i < n && order[i] == i)
    i++;
  return i == n;
}

static bool may_follow(const Search *s, int depth, int next) {
  const TorchPart *part = &s->part[next];
  if (s->used[next] || (depth && part->only_first)) return false;
  if (depth && part->in && s->part[s->at[depth - 1]].out != part->in) return false;
  for (int i = 0; i < s->n; i++)
    if (!s->used[i] && s->before[i][next]) return false;
  return true;
}

static void search(Search *s, int depth) {
  if (depth == s->n) {
    memcpy(s->found++ ? s->second : s->first, s->at, sizeof *s->at * (size_t)s->n);
    return;
  }
  for (int i = 0; i < s->n && s->found < 2 && s->tries < TRIES_MAX; i++) {
    s->tries++;
    if (!may_follow(s, depth, i)) continue;
    s->used[i] = true;
    s->at[depth] = i;
    search(s, depth + 1);
    s->used[i] = false;
  }
}

TorchOrders torch_orders(Arena *arena, const TorchPart *parts, int n, int *order, int *other) {
  Search s = {.part = parts, .n = n, .first = order, .second = other};
  s.before = ARENA_ARRAY(arena, bool *, n + 1);
  s.used = ARENA_ARRAY(arena, bool, n + 1);
  s.at = ARENA_ARRAY(arena, int, n + 1);
  for (int a = 0; a < n; a++) {
    s.before[a] = ARENA_ARRAY(arena, bool, n);
    for (int b = 0; b < n; b++)
      s.before[a][b] = comes_before(&parts[a], &parts[b]);
  }
  for (int i = 0; i < n; i++)
    order[i] = other[i] = i;
  search(&s, 0);
  if (s.found < 2 && s.tries >= TRIES_MAX) return ORDERS_MANY;
  return s.found == 0 ? ORDERS_NONE : s.found == 1 ? ORDERS_ONE : ORDERS_MANY;
}
