/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of weight conventions. Private to bind*.c. */
#ifndef GRUS_MODEL_BIND_H
#define GRUS_MODEL_BIND_H

#include "model/bind/weights.h"

/* The letters of axes strings: those of a file are separated by commas, each a product of canonical
 * axes, slowest first. */
typedef enum BindAxis {
  BIND_DIRECTIONS = 'D',
  BIND_GATES = 'G',
  BIND_UNITS = 'U',  /* or filters */
  BIND_INPUTS = 'K', /* the last canonical axis */
  BIND_TAPS = 'I',
  BIND_TAPS_2 = 'J',
  BIND_GROUPS = 'N',
  BIND_GROUP_UNITS = 'V', /* filters of one group, where a file keeps them apart */
  BIND_HALVES = 'S',      /* of a bias: 0 goes to `role`, 1 to `second` */
  BIND_ONE = '1',         /* an axis of size one that may be missing */
  BIND_NEXT = ','         /* the next axis of the file begins */
} BindAxis;

typedef struct BindRow {
  LayerKind kind;
  Convention convention;
  Role role, second;  /* second: where half 1 of an S axis goes; ROLE_COUNT: no S axis */
  const char *tensor; /* its name after the prefix */
  const char *axes;   /* BindAxis each */
} BindRow;

extern const BindRow bind_rows[];
extern const int n_bind_rows;

/* place[g]: where the file has canonical gate g. */
const int *bind_gate_place(LayerKind kind, Convention convention, Role role);

/* from=, else the path. */
const char *bind_prefix(const Layer *layer);
/* It has one tensor, which `from` may name as well as its prefix. */
bool bind_alone(const Layer *layer, Convention convention);
/* `from` names the tensors one by one; how many it names; how many the layer has in a convention,
 * and what the convention calls them, in order. */
bool bind_listed(const Layer *layer);
int bind_list_count(const Layer *layer);
int bind_list_needed(Arena *arena, const Layer *layer, Convention convention, const char **names);
/* The name a tensor has, with `separator` after the prefix. */
const char *bind_tensor_name(Arena *arena, Convention convention, const Layer *layer,
                             const BindRow *row, int dir, char separator);
/* A tensor under another name than `tensor`, which ends `name`; NULL if there is none. */
const Tensor *bind_alias(Arena *arena, const TensorFile *file, LayerKind kind, const char *tensor,
                         const char *name);
int64_t bind_axis_size(BindAxis axis, const ParamShape *p, bool split);
/* The shape in the file by the axes string; returns its rank. */
int bind_file_shape(const char *axes, const ParamShape *p, bool split, int64_t *dim);

/* Which element of the file (of one direction and one half) is canonical element i, for the
 * canonical elements begin to end. */
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
BindWalk bind_walk(const BindMap *map);
void bind_walk_next(BindWalk *walk);

/* W602. */
void bind_lint(const Model *model, Diags *diags);

#endif
