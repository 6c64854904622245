/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A row of the table of conventions as shapes and places: what reading (bind.c) and writing
 * (unbind.c) of weights have in common. */
#include "model/bind/bind.h"

#include <string.h>

int64_t bind_letter_size(char c, const ParamShape *p, bool split) {
  bool recurrent_shape = p->rank >= 3 && p->role != ROLE_KERNEL ? true : p->rank == 4;
  switch (c) {
  case 'D': return p->dim[0];
  case 'G': return p->dim[1];
  case 'U': return recurrent_shape ? p->dim[2] : p->dim[0];
  case 'K': return p->dim[p->rank - 1];
  case 'I': return p->dim[1];
  case 'S': return split ? 2 : 1;
  default: return 1;
  }
}

int bind_file_shape(const char *axes, const ParamShape *p, bool split, int64_t *dim) {
  int rank = 0;
  int64_t size = 1;
  for (const char *c = axes;; c++) {
    if (*c == ',' || !*c) {
      dim[rank++] = size;
      size = 1;
      if (!*c) return rank;
    } else size *= bind_letter_size(*c, p, split);
  }
}

static bool recurrent_shape(const BindMap *map) {
  return map->p->rank == 4 || (map->p->rank == 3 && map->row->kind != LAYER_Conv1D);
}

BindMap bind_map(const BindRow *row, Convention convention, const ParamShape *p, int dir, int half, bool split) {
  BindMap map = {.row = row, .p = p, .place = bind_gate_place(row->kind, convention, p->role), .inner = 1};
  int64_t step = 1, n = param_count(p);
  for (size_t i = strlen(row->axes); i-- > 0;) {
    char c = row->axes[i];
    if (c == ',') continue;
    map.stride[(unsigned char)c] = step;
    step *= bind_letter_size(c, p, split);
  }
  bool has_k = p->rank == 4 || p->rank == 2 || row->kind == LAYER_Conv1D || p->rank == 1;
  if (has_k && strchr(row->axes, 'K')) map.inner = p->dim[p->rank - 1];
  map.end = n;
  if (recurrent_shape(&map) && !strchr(row->axes, 'D')) {
    map.begin = dir * (n / p->dim[0]);
    map.end = map.begin + n / p->dim[0];
  }
  if (split) map.offset = half * map.stride['S'];
  return map;
}

int64_t bind_map_at(const BindMap *map, int64_t i) {
  const ParamShape *p = map->p;
  const int64_t *stride = map->stride;
  int64_t rest = i / map->inner, at = map->offset + i % map->inner * stride['K'];
  if (recurrent_shape(map)) {
    int64_t u = rest % p->dim[2], g = rest / p->dim[2] % p->dim[1], d = rest / p->dim[2] / p->dim[1];
    return at + u * stride['U'] + map->place[g] * stride['G'] + d * stride['D'];
  }
  if (map->row->kind == LAYER_Conv1D && p->rank == 3)
    return at + rest % p->dim[1] * stride['I'] + rest / p->dim[1] * stride['U'];
  return at + rest * stride['U'];
}
