/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Other names for the tensors of a convention, which are tried if its own name is not in the file.
 * An alias stands for a tensor with the same order of axes: `weight` is no alias of Keras'
 * `kernel`, because PyTorch stores it transposed. */
#include "model/bind/bind.h"

#include <string.h>

typedef enum AliasKind { OF_ANY, OF_NORMS, OF_TABLES } AliasKind;

static const struct {
  AliasKind of;
  const char *tensor, *others; /* others: words with blanks between them */
} aliases[] = {
    {OF_ANY, "kernel", "weights w"},
    {OF_ANY, "bias", "biases b"},
    {OF_ANY, "recurrent_kernel", "recurrent_weights"},
    {OF_NORMS, "gamma", "scale weight"},
    {OF_NORMS, "beta", "offset center bias"},
    {OF_NORMS, "moving_mean", "running_mean mean"},
    {OF_NORMS, "moving_variance", "running_var variance var"},
    {OF_NORMS, "weight", "gamma scale"},
    {OF_NORMS, "bias", "beta offset center"},
    {OF_NORMS, "running_mean", "moving_mean mean"},
    {OF_NORMS, "running_var", "moving_variance variance var"},
    {OF_TABLES, "embeddings", "embedding table weight weights"},
    {OF_TABLES, "weight", "embeddings embedding table"},
};

static bool applies(AliasKind of, LayerKind kind) {
  bool norm = kind == LAYER_BatchNorm || kind == LAYER_LayerNorm;
  return of == OF_ANY || (of == OF_NORMS ? norm : kind == LAYER_Embedding);
}

const Tensor *bind_alias(Arena *arena, const TensorFile *file, LayerKind kind, const char *tensor,
                         const char *name) {
  size_t stem = strlen(name) - strlen(tensor);
  for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
    if (!applies(aliases[i].of, kind) || strcmp(aliases[i].tensor, tensor) != 0 ||
        strcmp(name + stem, tensor) != 0)
      continue;
    TextWord other;
    for (const char *others = aliases[i].others; words_next(&others, &other);) {
      const Tensor *t = tensor_find(
          file, arena_printf(arena, "%.*s%.*s", (int)stem, name, (int)other.len, other.s));
      if (t) return t;
    }
  }
  return NULL;
}
