/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Places. In: boxes with rows, and edges. Out: every box has a place in the plane, and edges that
 * skip rows have ways around the boxes of those rows.
 *
 * As layered drawings are made (Sugiyama, Tagawa and Toda 1981): ways stand in rows like boxes;
 * rows are ordered by the mean place of neighbours, the order with fewest crossings is kept; then
 * each row is moved to where its neighbours are, in its order and apart. That is the least squares
 * problem of isotonic regression, which pooling solves exactly. Deterministic. */
#include "driver/draw_graph.h"

#include <stdlib.h>
#include <string.h>

enum { ADVANCE = 8, DETAIL_ADVANCE = 7, ORDER_SWEEPS = 8, PLACE_SWEEPS = 72, WAYS_MAX = 200000 };
static const double GAP = 30, ROW_GAP = 34, MARGIN = 28, LOOP = 30, LEAST = 104,
                    WAY = 12; /* pixels */

/* Rows as lists of boxes, in order. */
typedef struct BoxRows {
  int **box;
  int *n;
} BoxRows;

/* Neighbours in the rows above and below: of box b, in list[begin[b]] to list[begin[b + 1]]. */
typedef struct NearBox {
  int *begin[2], *list[2];
  int *from, *to; /* all pairs of neighbours: edges cut into steps of one row */
  int n;
} NearBox;

static void box_size(Box *b) {
  size_t title = 0, detail = text_width(b->detail, strlen(b->detail)),
         shape = text_width(b->shape, strlen(b->shape));
  for (int i = 0; i < b->n_titles; i++) {
    size_t w = text_width(b->title[i], strlen(b->title[i]));
    title = w > title ? w : title;
  }
  size_t small = detail > shape ? detail : shape;
  double wide = (double)(title * ADVANCE), narrow = (double)(small * DETAIL_ADVANCE);
  b->width = (wide > narrow ? wide : narrow) + 24;
  if (b->width < LEAST) b->width = LEAST;
  b->height =
      14 + 17 * b->n_titles + (*b->detail ? 15 : 0) + (*b->shape ? 15 : 0) + (b->bytes ? 9 : 0);
  b->room = b->width + (b->loop ? 2 * LOOP : 0);
}

/* The trunk of a value, as far as row - 1. */
static Trunk *trunk_reach(Drawing *g, Trunk **of, int from, bool state, int row) {
  Trunk *t = of[2 * from + state];
  if (!t) {
    t = of[2 * from + state] = ARENA_NEW(g->arena, Trunk);
    *t = (Trunk){from, state, -1, -1};
  }
  for (int r = t->last < 0 ? g->box[from].row + 1 : g->box[t->last].row + 1; r < row; r++) {
    Box way = {.kind = BOX_WAY, .row = r, .width = WAY, .room = WAY, .detail = "", .shape = ""};
    ARENA_PUSH(g->arena, g->box, g->n, g->cap, way);
    t->last = g->n - 1;
    if (t->first < 0) t->first = t->last;
  }
  return t;
}

static int edge_order(const void *a, const void *b) {
  const Edge *x = a, *y = b;
  if (x->from != y->from) return x->from < y->from ? -1 : 1;
  if (x->state != y->state) return x->state ? 1 : -1;
  return x->to < y->to ? -1 : x->to > y->to;
}

/* Ways of edges that skip rows. Ways of one trunk follow each other in g->box. */
static void make_ways(Drawing *g) {
  Trunk **of = ARENA_ARRAY(g->arena, Trunk *, 2 * g->n_real + 2);
  int *furthest = ARENA_ARRAY(g->arena, int, 2 * g->n_real + 2);
  int64_t all = 0;
  qsort(g->edge, (size_t)g->n_edges, sizeof *g->edge, edge_order);
  for (int i = 0; i < g->n_edges; i++) {
    const Edge *e = &g->edge[i];
    int *far = &furthest[2 * e->from + e->state];
    if (g->box[e->to].row > *far) *far = g->box[e->to].row;
  }
  for (int k = 0; k < 2 * g->n_real; k++)
    if (furthest[k] > g->box[k / 2].row + 1) all += furthest[k] - g->box[k / 2].row - 1;
  if (all > WAYS_MAX) return; /* such a picture is too large to read */
  for (int k = 0; k < 2 * g->n_real; k++) {
    if (furthest[k] <= g->box[k / 2].row + 1) continue;
    Trunk *t = trunk_reach(g, of, k / 2, k % 2, furthest[k]);
    ARENA_PUSH(g->arena, g->trunk, g->n_trunks, g->cap_trunks, *t);
  }
  for (int i = 0; i < g->n_edges; i++) {
    Edge *e = &g->edge[i];
    int passed = g->box[e->to].row - g->box[e->from].row - 1;
    if (passed > 0) e->way = of[2 * e->from + e->state]->first + passed - 1;
  }
}

static BoxRows make_rows(Drawing *g) {
  BoxRows rows = {.box = ARENA_ARRAY(g->arena, int *, g->rows),
                  .n = ARENA_ARRAY(g->arena, int, g->rows)};
  for (int i = 0; i < g->n; i++)
    rows.n[g->box[i].row]++;
  for (int r = 0; r < g->rows; r++) {
    rows.box[r] = ARENA_ARRAY(g->arena, int, rows.n[r] + 1);
    rows.n[r] = 0;
  }
  for (int i = 0; i < g->n; i++)
    rows.box[g->box[i].row][rows.n[g->box[i].row]++] = i;
  return rows;
}

static void near_add(NearBox *near, int from, int to) {
  near->from[near->n] = from;
  near->to[near->n++] = to;
}

static NearBox make_near(Drawing *g) {
  NearBox near = {.from = ARENA_ARRAY(g->arena, int, g->n + g->n_edges),
                  .to = ARENA_ARRAY(g->arena, int, g->n + g->n_edges)};
  for (int t = 0; t < g->n_trunks; t++) {
    near_add(&near, g->trunk[t].from, g->trunk[t].first);
    for (int w = g->trunk[t].first; w < g->trunk[t].last; w++)
      near_add(&near, w, w + 1);
  }
  for (int i = 0; i < g->n_edges; i++) {
    const Edge *e = &g->edge[i];
    int from = e->way >= 0 ? e->way : e->from;
    if (g->box[e->to].row == g->box[from].row + 1) near_add(&near, from, e->to);
  }
  for (int side = 0; side < 2; side++) { /* 0: above, 1: below */
    const int *key = side ? near.from : near.to, *other = side ? near.to : near.from;
    int *begin = near.begin[side] = ARENA_ARRAY(g->arena, int, g->n + 2);
    near.list[side] = ARENA_ARRAY(g->arena, int, near.n + 1);
    for (int i = 0; i < near.n; i++)
      begin[key[i] + 1]++;
    for (int b = 0; b < g->n; b++)
      begin[b + 1] += begin[b];
    int *at = ARENA_ARRAY(g->arena, int, g->n + 1);
    for (int i = 0; i < near.n; i++)
      near.list[side][begin[key[i]] + at[key[i]]++] = other[i];
  }
  return near;
}

typedef struct RankedBox {
  double key;
  int box, place;
} RankedBox;

static int ranked_order(const void *a, const void *b) {
  const RankedBox *x = a, *y = b;
  if (x->key < y->key || x->key > y->key) return x->key < y->key ? -1 : 1;
  return x->place - y->place;
}

/* Orders a row by the mean place of the neighbours on one side; those without keep theirs. */
static void order_row(Drawing *g, BoxRows *rows, const NearBox *near, int row, int side,
                      RankedBox *ranked) {
  for (int i = 0; i < rows->n[row]; i++) {
    int b = rows->box[row][i];
    int begin = near->begin[side][b], end = near->begin[side][b + 1];
    double sum = 0;
    for (int k = begin; k < end; k++)
      sum += g->box[near->list[side][k]].place;
    ranked[i] = (RankedBox){end > begin ? sum / (end - begin) : i, b, i};
  }
  qsort(ranked, (size_t)rows->n[row], sizeof *ranked, ranked_order);
  for (int i = 0; i < rows->n[row]; i++) {
    rows->box[row][i] = ranked[i].box;
    g->box[ranked[i].box].place = i;
  }
}

/* Crossings between a row and the next, by a tree of sums over places. */
static int64_t crossings_below(const Drawing *g, const BoxRows *rows, const NearBox *near, int row,
                               int *tree) {
  int n = rows->n[row + 1];
  int64_t count = 0, seen = 0;
  memset(tree, 0, (size_t)(n + 2) * sizeof *tree);
  for (int i = 0; i < rows->n[row]; i++) {
    int b = rows->box[row][i], begin = near->begin[1][b], end = near->begin[1][b + 1];
    for (int k = begin; k < end; k++) {
      int64_t not_right = 0;
      for (int p = g->box[near->list[1][k]].place + 1; p > 0; p -= p & -p)
        not_right += tree[p];
      count += seen - not_right;
    }
    for (int k = begin; k < end; k++, seen++)
      for (int p = g->box[near->list[1][k]].place + 1; p <= n; p += p & -p)
        tree[p]++;
  }
  return count;
}

static int64_t crossings(const Drawing *g, const BoxRows *rows, const NearBox *near, int *tree) {
  int64_t count = 0;
  for (int r = 0; r + 1 < g->rows; r++)
    count += crossings_below(g, rows, near, r, tree);
  return count;
}

static void order_rows(Drawing *g, BoxRows *rows, const NearBox *near) {
  RankedBox *ranked = ARENA_ARRAY(g->arena, RankedBox, g->n + 1);
  int *tree = ARENA_ARRAY(g->arena, int, g->n + 3), *best = ARENA_ARRAY(g->arena, int, g->n + 1);
  int64_t fewest = -1;
  for (int r = 0; r < g->rows; r++)
    for (int i = 0; i < rows->n[r]; i++)
      g->box[rows->box[r][i]].place = i;
  for (int sweep = 0; sweep <= ORDER_SWEEPS && fewest; sweep++) {
    int64_t count = crossings(g, rows, near, tree);
    if (fewest < 0 || count < fewest) {
      fewest = count;
      for (int b = 0; b < g->n; b++)
        best[b] = g->box[b].place;
    }
    for (int i = 0; i < g->rows; i++)
      order_row(g, rows, near, sweep % 2 ? g->rows - 1 - i : i, sweep % 2, ranked);
  }
  for (int b = 0; b < g->n; b++) {
    g->box[b].place = best[b];
    rows->box[g->box[b].row][best[b]] = b;
  }
}

/* How much a box wants to stand straight above or below another: long lines most. */
static double pull(const Box *a, const Box *b) {
  bool way_a = a->kind == BOX_WAY, way_b = b->kind == BOX_WAY;
  return way_a && way_b ? 16 : way_a || way_b ? 1 : 4;
}

typedef struct Pool {
  double sum, weight; /* of wishes less the offset of each box */
  int n;
} Pool;

/* Moves the boxes of a row to where their neighbours of one side (or both: 2) are. */
static void settle(Drawing *g, const BoxRows *rows, const NearBox *near, int row, int side,
                   Pool *pool) {
  double offset = 0;
  int n_pools = 0;
  for (int i = 0; i < rows->n[row]; i++) {
    Box *b = &g->box[rows->box[row][i]];
    double sum = 0, weight = 0;
    if (i) offset += (g->box[rows->box[row][i - 1]].room + b->room) / 2 + GAP;
    for (int s = side == 2 ? 0 : side; s <= (side == 2 ? 1 : side); s++)
      for (int k = near->begin[s][rows->box[row][i]]; k < near->begin[s][rows->box[row][i] + 1];
           k++) {
        const Box *other = &g->box[near->list[s][k]];
        double w = pull(b, other);
        sum += w * other->x;
        weight += w;
      }
    if (weight <= 0) {
      weight = 0.01;
      sum = weight * b->x;
    }
    pool[n_pools++] = (Pool){sum - weight * offset, weight, 1};
    while (n_pools > 1 && pool[n_pools - 2].sum * pool[n_pools - 1].weight >
                              pool[n_pools - 1].sum * pool[n_pools - 2].weight) {
      pool[n_pools - 2].sum += pool[n_pools - 1].sum;
      pool[n_pools - 2].weight += pool[n_pools - 1].weight;
      pool[n_pools - 2].n += pool[n_pools - 1].n;
      n_pools--;
    }
  }
  offset = 0;
  for (int p = 0, i = 0; p < n_pools; p++)
    for (int k = 0; k < pool[p].n; k++, i++) {
      Box *b = &g->box[rows->box[row][i]];
      if (i) offset += (g->box[rows->box[row][i - 1]].room + b->room) / 2 + GAP;
      b->x = pool[p].sum / pool[p].weight + offset;
    }
}

static void place_rows(Drawing *g, const BoxRows *rows, const NearBox *near) {
  Pool *pool = ARENA_ARRAY(g->arena, Pool, g->n + 1);
  for (int sweep = 0; sweep < PLACE_SWEEPS; sweep++) {
    int side = sweep >= PLACE_SWEEPS - 6 ? 2 : sweep % 2;
    for (int i = 0; i < g->rows; i++)
      settle(g, rows, near, sweep % 2 ? g->rows - 1 - i : i, side, pool);
  }
}

static void measure(Drawing *g, double top) {
  double least = 0, most = 0, y = top + MARGIN;
  g->row_y = ARENA_ARRAY(g->arena, double, g->rows + 1);
  g->row_height = ARENA_ARRAY(g->arena, double, g->rows + 1);
  for (int i = 0; i < g->n; i++) {
    const Box *b = &g->box[i];
    double left = b->x - b->width / 2, right = b->x + b->width / 2 + (b->loop ? LOOP : 0);
    if (!i || left < least) least = left;
    if (!i || right > most) most = right;
    if (b->height > g->row_height[b->row]) g->row_height[b->row] = b->height;
  }
  for (int r = 0; r < g->rows; r++) {
    g->row_y[r] = y;
    y += g->row_height[r] + ROW_GAP;
  }
  for (int i = 0; i < g->n; i++) {
    g->box[i].x += MARGIN - least;
    g->box[i].y = g->row_y[g->box[i].row];
  }
  g->width = most - least + 2 * MARGIN;
  g->height = y - ROW_GAP + MARGIN;
}

void graph_lay_out(Drawing *g, double top) {
  for (int i = 0; i < g->n; i++) {
    box_size(&g->box[i]);
    if (g->box[i].row + 1 > g->rows) g->rows = g->box[i].row + 1;
  }
  make_ways(g);
  BoxRows rows = make_rows(g);
  NearBox near = make_near(g);
  order_rows(g, &rows, &near);
  place_rows(g, &rows, &near);
  measure(g, top);
}
