/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of weight conventions, and what follows from its rows: the names, shapes and orders of
 * the tensors of a file. Private to bind*.c and unbind.c. */
#ifndef GRUS_MODEL_BIND_H
#define GRUS_MODEL_BIND_H

#include "model/bind/weights.h"

/* The letters of the axes of a tensor. The axes of a tensor in a file are separated by commas, and
 * each is a product of canonical axes, the slowest first: "K,GU" is [inputs, gates * units]. */
typedef enum BindAxis {
  BIND_DIRECTIONS = 'D',
  BIND_GATES = 'G',
  BIND_UNITS = 'U',  /* or filters */
  BIND_INPUTS = 'K', /* the last canonical axis */
  BIND_TAPS = 'I',
  BIND_TAPS_2 = 'J',
  BIND_GROUPS = 'N',
  BIND_GROUP_UNITS = 'V', /* filters of one group, where a file keeps them apart */
  BIND_HALVES = 'S', /* two halves of a bias: the first goes to `role`, the second to `second` */
  BIND_ONE = '1',    /* an axis of size one that may be missing */
  BIND_NEXT = ','    /* the next axis of the file begins */
} BindAxis;

typedef struct BindRow {
  LayerKind kind;
  Convention convention;
  Role role, second;  /* second: the role of the second half; ROLE_COUNT: there are no halves */
  const char *tensor; /* what its name has after the prefix */
  const char *axes;   /* letters of BindAxis */
} BindRow;

extern const BindRow bind_rows[];
extern const int n_bind_rows;

/* place[g] is where the file has the gate that is the g-th in the canonical layout. */
const int *bind_gate_place(LayerKind kind, Convention convention, Role role);

/* The prefix of its tensors: `from=`, else the path of the layer. */
const char *bind_prefix(const Layer *layer);
/* Whether the layer has a single tensor, so that `from` may be its whole name. */
bool bind_alone(const Layer *layer, Convention convention);
/* Whether `from` lists the tensors one by one; how many it lists; and how many the layer has in a
 * convention, with the names that the convention gives them, in order, in *names. */
bool bind_listed(const Layer *layer);
int bind_list_count(const Layer *layer);
int bind_list_needed(Arena *arena, const Layer *layer, Convention convention, const char **names);
/* The name that a file has for a tensor of the layer, with `separator` after the prefix. dir: 0 for
 * forward, 1 for backward. */
const char *bind_tensor_name(Arena *arena, Convention convention, const Layer *layer,
                             const BindRow *row, int dir, char separator);
/* The tensor that is called like `name`, but with a usual other word in place of `tensor`, which
 * ends `name`; NULL if the file has none. */
const Tensor *bind_alias(Arena *arena, const TensorFile *file, LayerKind kind, const char *tensor,
                         const char *name);
/* The size of an axis. split: the file keeps the two halves of the bias apart. */
int64_t bind_axis_size(BindAxis axis, const ParamShape *p, bool split);
/* Writes the shape that a tensor with these axes has in a file into dim; returns its rank. */
int bind_file_shape(const char *axes, const ParamShape *p, bool split, int64_t *dim);

/* A map from canonical elements to elements of a file: bind_map_at gives the place in the file of
 * canonical element i. begin..end are the canonical elements that a tensor of one direction and one
 * half has. */
typedef struct BindMap {
  const BindRow *row;
  const ParamShape *p;
  const int *place;
  int64_t begin, end, stride[128], offset;
} BindMap;
BindMap bind_map(const BindRow *row, Convention convention, const ParamShape *p, int dir, int half,
                 bool split);
/* The same for one canonical element after the other, from begin on: at is its place. */
typedef struct BindWalk {
  const BindMap *map;
  int64_t index[4], part[4], at;
} BindWalk;
/* The same by tiles of rows and columns, so that a matrix that a file has the other way round is
 * read and written in parts that a cache holds:
 *
 *     for (BindTiles t = bind_tiles(&map); bind_tile(&t, &tile);)
 *       for r < t.rows, k < tile.n:
 *         canonical element tile.i + r * t.width + k
 *         is at tile.at + r * t.row_step + k * t.step in the file */
typedef struct BindTiles {
  BindWalk walk;
  int64_t i,
      column; /* the next tile: the first element of its block of rows, and its column there */
  int64_t rows, width, row_step, step;
} BindTiles;
typedef struct BindTile {
  int64_t i, at, n;
} BindTile;
BindTiles bind_tiles(const BindMap *map);
bool bind_tile(BindTiles *tiles, BindTile *tile);

/* Warns of weights that look unlike trained ones: W602. */
void bind_lint(const Model *model, Diags *diags);

#endif
