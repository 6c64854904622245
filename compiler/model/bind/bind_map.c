/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a row of the table of conventions to the shape of a tensor in a file and the place of each
 * element in it. Reading (bind.c) and writing (unbind.c) of weights share it. */
#include "model/bind/bind.h"

#include <string.h>

int64_t bind_axis_size(BindAxis axis, const ParamShape *p, bool split) {
  const char *canonical = strchr(p->axes, axis == BIND_GROUP_UNITS ? BIND_UNITS : (int)axis);
  if (axis == BIND_HALVES) return split ? 2 : 1;
  if (axis == BIND_GROUPS) return p->groups;
  if (!canonical) return 1;
  int64_t n = p->dim[canonical - p->axes];
  return axis == BIND_GROUP_UNITS ? n / p->groups : n;
}

int bind_file_shape(const char *axes, const ParamShape *p, bool split, int64_t *dim) {
  int rank = 0;
  int64_t size = 1;
  if (p->n_parts > 1 && strcmp(axes, "K") == 0) { /* the axes of a norm, one by one */
    for (; rank < p->n_parts; rank++)
      dim[rank] = p->part[rank];
    return rank;
  }
  for (const char *c = axes;; c++) {
    if (*c == BIND_NEXT || !*c) {
      dim[rank++] = size;
      size = 1;
      if (!*c) return rank;
    } else
      size *= bind_axis_size((BindAxis)*c, p, split);
  }
}

BindMap bind_map(const BindRow *row, Convention convention, const ParamShape *p, int dir, int half,
                 bool split) {
  BindMap map = {.row = row, .p = p, .place = bind_gate_place(row->kind, convention, p->role)};
  int64_t step = 1, n = param_count(p);
  for (size_t i = strlen(row->axes); i-- > 0;) {
    BindAxis axis = (BindAxis)row->axes[i];
    if (axis == BIND_NEXT) continue;
    map.stride[axis] = step;
    step *= bind_axis_size(axis, p, split);
  }
  map.end = n;
  if (p->axes[0] == BIND_DIRECTIONS &&
      !strchr(row->axes, BIND_DIRECTIONS)) { /* a tensor for each direction */
    map.begin = dir * (n / p->dim[0]);
    map.end = map.begin + n / p->dim[0];
  }
  if (split) map.offset = half * map.stride[BIND_HALVES];
  return map;
}

/* What an index along canonical axis k adds to the place. */
static int64_t part_of(const BindMap *map, int k, int64_t index) {
  const ParamShape *p = map->p;
  const int64_t *stride = map->stride;
  BindAxis axis = (BindAxis)p->axes[k];
  if (axis == BIND_UNITS && stride[BIND_GROUP_UNITS]) {
    int64_t of_group = p->dim[k] / p->groups;
    return index / of_group * stride[BIND_GROUPS] + index % of_group * stride[BIND_GROUP_UNITS];
  }
  return (axis == BIND_GATES ? map->place[index] : index) * stride[axis];
}

static void set_index(BindWalk *walk, int k, int64_t index) {
  walk->index[k] = index;
  walk->at -= walk->part[k];
  walk->part[k] = part_of(walk->map, k, index);
  walk->at += walk->part[k];
}

static BindWalk bind_walk(const BindMap *map) {
  BindWalk walk = {.map = map, .at = map->offset};
  const ParamShape *p = map->p;
  int64_t i = map->begin;
  for (int k = p->rank - 1; k >= 0 && map->begin < map->end; k--) {
    set_index(&walk, k, i % p->dim[k]);
    i /= p->dim[k];
  }
  return walk;
}

static void walk_next(BindWalk *walk) {
  const ParamShape *p = walk->map->p;
  for (int k = p->rank - 1; k >= 0; k--) {
    if (walk->index[k] + 1 < p->dim[k]) {
      set_index(walk, k, walk->index[k] + 1);
      return;
    }
    set_index(walk, k, 0);
  }
}

/* Whether the places of the elements along an axis are all at the same distance. */
static bool is_even(const BindMap *map, int k) {
  int axis = k >= 0 ? map->p->axes[k] : BIND_DIRECTIONS;
  return axis != BIND_DIRECTIONS && axis != BIND_GATES &&
         !(axis == BIND_UNITS && map->stride[BIND_GROUP_UNITS]);
}

BindTiles bind_tiles(const BindMap *map) {
  const ParamShape *p = map->p;
  int last = p->rank - 1;
  BindTiles t = {.walk = bind_walk(map), .i = map->begin, .rows = 1, .width = 1};
  if (is_even(map, last)) {
    t.width = p->dim[last];
    t.step = map->stride[(int)p->axes[last]];
  }
  if (t.step && is_even(map, last - 1)) {
    t.rows = p->dim[last - 1];
    t.row_step = map->stride[(int)p->axes[last - 1]];
  }
  return t;
}

bool bind_tile(BindTiles *t, BindTile *tile) {
  enum { COLUMNS = 32 }; /* lines of a cache that stay in it for the next row */
  if (t->i >= t->walk.map->end) return false;
  int64_t rest = t->width - t->column;
  *tile = (BindTile){.i = t->i + t->column,
                     .at = t->walk.at + t->column * t->step,
                     .n = rest < COLUMNS || t->rows == 1 ? rest : COLUMNS};
  t->column += tile->n;
  if (t->column < t->width) return true;
  int last = t->walk.map->p->rank - 1;
  if (t->rows > 1) set_index(&t->walk, last - 1, t->rows - 1);
  if (t->width > 1) set_index(&t->walk, last, t->width - 1);
  walk_next(&t->walk);
  t->i += t->rows * t->width;
  t->column = 0;
  return true;
}
