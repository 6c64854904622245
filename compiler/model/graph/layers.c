/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of stages, expanded from layers.def; see layers.h. */
#include "model/graph/layers.h"

#include <string.h>

#define OPTIONS(...)                   {__VA_ARGS__}
#define OPT(id, kind, fallback, words) {OPT_##id, OPTK_##kind, #id, fallback, words}
#define NO_OPT                         {OPT_NAME_COUNT, OPTK_NONE, NULL, NULL, NULL}

static const LayerInfo table[LAYER_KIND_COUNT] = {
#define LAYER(id, name, rule, flags, family, ...) {LAYER_##id, name, rule, flags, __VA_ARGS__},
#include "model/graph/layers.def"
};

const char *const activation_name[ACT_COUNT] = {ACTIVATION_LIST(LIST_NAME, LIST_NAME)};
const char *const precision_name[PRECISION_COUNT] = {PRECISION_LIST(LIST_NAME, LIST_NAME)};
#define INFO(id, word, arithmetic, weight_bits, value_bits)                                        \
  {ARITHMETIC_##arithmetic, weight_bits, value_bits},
const PrecisionInfo precision_info[PRECISION_COUNT] = {PRECISION_LIST(INFO, INFO)};
#undef INFO

const LayerInfo *layer_info(LayerKind kind) {
  return &table[kind];
}

const LayerInfo *layer_info_find(const char *name) {
  for (int i = 0; i < LAYER_KIND_COUNT; i++)
    if (!(table[i].flags & OPERATOR) && strcmp(table[i].name, name) == 0) return &table[i];
  return NULL;
}

int layer_opt_count(const LayerInfo *info) {
  int n = 0;
  while (n < LAYER_MAX_OPTS && info->opts[n].kind != OPTK_NONE)
    n++;
  return n;
}

int layer_info_opt(const LayerInfo *info, const char *name) {
  for (int i = 0, n = layer_opt_count(info); i < n; i++)
    if (strcmp(info->opts[i].name, name) == 0) return i;
  return -1;
}
