/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which tensor of a file belongs to which row of a layer.
 *
 * Names. After the prefix comes "." or "/" and the tensor's name. torch adds "_l0" (prefix
 * "rnn[1]": "rnn." and "_l1") and "_reverse" for the second direction, but neither in LSTMCell;
 * keras has "forward." and "backward." before the tensor's name when there are two directions. A
 * `from` of several words lists the names themselves (bind_names.c). No framework has a name for a
 * learned initial state: it is initial_h and initial_c in every convention, with both directions in
 * one tensor. */
#include "model/bind/binding.h"

#include <string.h>

const char *binding_name(const Bind *b, const Layer *layer, const BindRow *row, int dir,
                         char separator) {
  return bind_tensor_name(b->model->arena, b->convention, layer, row, dir, separator);
}

/* The tensor under a usual other name, with "." after the prefix, then with "/"; NULL if none. */
static const Tensor *under_another_name(const Bind *b, const Layer *layer, const BindRow *row,
                                        int dir) {
  Arena *arena = b->model->arena;
  const Tensor *t =
      bind_alias(arena, b->file, layer->kind, row->tensor, binding_name(b, layer, row, dir, '.'));
  return t ? t
           : bind_alias(arena, b->file, layer->kind, row->tensor,
                        binding_name(b, layer, row, dir, '/'));
}

/* LSTMCell, GRUCell and RNNCell of PyTorch: names without "_l0". */
static const Tensor *torch_cell_tensor(const Bind *b, const Layer *layer, const BindRow *row) {
  const char *prefix = bind_prefix(layer);
  bool recurrent = layer_info(layer->kind)->flags & RECURRENT;
  bool per_dir = layer_directions(layer) == 2 && !strchr(row->axes, BIND_DIRECTIONS);
  if (b->convention != CONVENTION_TORCH || !recurrent || per_dir) return NULL;
  return tensor_find(
      b->file, arena_printf(b->model->arena, "%s%s%s", prefix, *prefix ? "." : "", row->tensor));
}

const Tensor *binding_tensor(const Bind *b, const Layer *layer, const BindRow *row, int dir) {
  const Tensor *t = tensor_find(b->file, binding_name(b, layer, row, dir, '.'));
  if (bind_listed(layer)) return t;
  if (!t) t = tensor_find(b->file, binding_name(b, layer, row, dir, '/'));
  if (!t) t = torch_cell_tensor(b, layer, row);
  if (!t && layer->prefix && bind_alone(layer, b->convention))
    t = tensor_find(b->file, layer->prefix);
  if (!t && !*bind_prefix(layer) && b->file->n == 1)
    t = tensor_find(b->file, ""); /* an .npy is one array without a name */
  if (!t) t = under_another_name(b, layer, row, dir);
  return t;
}
