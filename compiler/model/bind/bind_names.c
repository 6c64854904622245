/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a layer's tensors are called in a file: by a prefix and the convention's names after it, or
 * one by one, when `from` lists them.
 *
 * A list has blanks between its names. They are the tensors of the layer in the order of the
 * convention's table (kernel, recurrent kernel, biases, ...). With two directions, all tensors of
 * the forward one come first, then those of the backward one, then those that hold both. */
#include "model/bind/bind.h"

#include <stdlib.h>
#include <string.h>

const char *bind_prefix(const Layer *layer) {
  return layer->prefix ? layer->prefix : layer->path;
}

bool bind_listed(const Layer *layer) {
  return layer->prefix && strchr(layer->prefix, ' ');
}

/* Whether a row of the table is about a tensor that the layer has. */
static bool row_applies(const Layer *layer, Convention convention, const BindRow *row) {
  ParamShape params[LAYER_MAX_PARAMS];
  int n = layer_params(layer, params);
  if (row->kind != layer->kind || row->convention != convention) return false;
  for (int i = 0; i < n; i++)
    if (params[i].role == row->role) return true;
  return false;
}

/* Whether one tensor holds both directions. */
static bool is_shared(const BindRow *row) {
  return strchr(row->axes, BIND_DIRECTIONS) != NULL;
}

/* How many tensors the layer has that hold both directions (shared), or that hold one. *place
 * becomes the number of the one named `tensor` among them. */
static int rows_of(const Layer *layer, Convention convention, bool shared, const char *tensor,
                   int *place) {
  int n = 0;
  for (int r = 0; r < n_bind_rows; r++) {
    if (!row_applies(layer, convention, &bind_rows[r]) || is_shared(&bind_rows[r]) != shared)
      continue;
    if (strcmp(bind_rows[r].tensor, tensor) == 0) *place = n;
    n++;
  }
  return n;
}

bool bind_alone(const Layer *layer, Convention convention) {
  int place = 0;
  return rows_of(layer, convention, false, "", &place) +
             rows_of(layer, convention, true, "", &place) ==
         1;
}

int bind_list_count(const Layer *layer) {
  const char *rest = layer->prefix;
  TextWord word;
  int n = 0;
  while (words_next(&rest, &word))
    n++;
  return n;
}

int bind_list_needed(Arena *arena, const Layer *layer, Convention convention, const char **names) {
  int directions = layer_directions(layer), n = 0;
  Text text = text_new(arena);
  for (int dir = 0; dir <= directions; dir++) /* the last round: shared ones */
    for (int r = 0; r < n_bind_rows; r++)
      if (row_applies(layer, convention, &bind_rows[r]) &&
          is_shared(&bind_rows[r]) == (dir == directions))
        text_printf(&text, "%s%s%s", n++ ? ", " : "", bind_rows[r].tensor,
                    directions == 1 || dir == directions ? ""
                    : dir                                ? " backward"
                                                         : " forward");
  *names = text_str(&text);
  return n;
}

/* The name with this number in the list of `from`. */
static const char *listed_name(Arena *arena, const Layer *layer, int wanted) {
  const char *rest = layer->prefix;
  TextWord name = {"", 0};
  for (int i = 0; i <= wanted && words_next(&rest, &name);)
    i++;
  return arena_strndup(arena, name.s, name.len);
}

const char *bind_tensor_name(Arena *arena, Convention convention, const Layer *layer,
                             const BindRow *row, int dir, char separator) {
  const char *prefix = bind_prefix(layer), *bracket = strchr(prefix, '[');
  bool both = layer_directions(layer) == 2, recurrent = layer_info(layer->kind)->flags & RECURRENT;
  if (bind_listed(layer)) {
    int place = 0, apart = rows_of(layer, convention, false, row->tensor, &place);
    if (is_shared(row)) rows_of(layer, convention, true, row->tensor, &place);
    return listed_name(arena, layer,
                       is_shared(row) ? apart * layer_directions(layer) + place
                                      : dir * apart + place);
  }
  if (convention == CONVENTION_TORCH && recurrent) {
    int stem = bracket ? (int)(bracket - prefix) : (int)strlen(prefix), index = 0;
    if (bracket) index = (int)strtol(bracket + 1, NULL, 10);
    bool reverse = dir == 1 || (!both && layer_word_is(layer, OPT_direction, "backward"));
    return arena_printf(arena, "%.*s%s%s_l%d%s", stem, prefix, stem ? "." : "", row->tensor, index,
                        reverse ? "_reverse" : "");
  }
  const char *side = convention == CONVENTION_KERAS && both && !is_shared(row)
                         ? (dir ? "backward" : "forward")
                         : "";
  const char between[2] = {separator, 0};
  return arena_printf(arena, "%s%s%s%s%s", prefix, *prefix ? between : "", side,
                      *side ? between : "", row->tensor);
}
