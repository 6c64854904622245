/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Finds and classifies the modules of a state dict; see torch_modules.h. */
#include "import/tensors/torch_modules.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 64 };

const char *const torch_kind_name[] = {[TORCH_LSTM] = "LSTM",
                                       [TORCH_GRU] = "GRU",
                                       [TORCH_RNN] = "RNN",
                                       [TORCH_LINEAR] = "Linear",
                                       [TORCH_EMBEDDING] = "Embedding",
                                       [TORCH_CONV1D] = "Conv1d",
                                       [TORCH_BATCH_NORM] = "BatchNorm",
                                       [TORCH_LAYER_NORM] = "LayerNorm",
                                       [TORCH_OTHER] = "module"};

bool torch_is_linear(const TorchModule *m) {
  return m->kind == TORCH_LINEAR || m->kind == TORCH_CONV1D;
}

/* The name of a tensor after the root of the file; NULL if it is not under the root. */
static const char *module_name(const TensorFile *file, const Tensor *t) {
  size_t n = file->root ? strlen(file->root) : 0;
  return n && strncmp(t->name, file->root, n) != 0 ? NULL : t->name + n;
}

static size_t prefix_len(const char *name) {
  const char *dot = strrchr(name, '.');
  return dot ? (size_t)(dot - name) : 0;
}

const Tensor *torch_module_tensor(Arena *arena, const TorchModule *m, const char *leaf) {
  return tensor_find(m->file, arena_printf(arena, "%s%s%s", m->name, *m->name ? "." : "", leaf));
}

/* The tensor LEAF of a module, if it has this rank and any elements; else NULL. */
static const Tensor *of_rank(Arena *arena, const TorchModule *m, const char *leaf, int rank) {
  const Tensor *t = torch_module_tensor(arena, m, leaf);
  return t && t->rank == rank && t->count > 0 ? t : NULL;
}

/* The same; counts the tensor as one that the kind of the module has. */
static const Tensor *known(Arena *arena, TorchModule *m, const char *leaf, int rank) {
  const Tensor *t = of_rank(arena, m, leaf, rank);
  m->n_known += t != NULL;
  return t;
}

/* Counts the tensors of one layer and direction of a recurrent module; false if its weights are
 * missing. */
static bool count_layer(Arena *arena, TorchModule *m, const char *suffix) {
  const Tensor *ih = known(arena, m, arena_printf(arena, "weight_ih%s", suffix), 2);
  const Tensor *hh = known(arena, m, arena_printf(arena, "weight_hh%s", suffix), 2);
  bool b1 = known(arena, m, arena_printf(arena, "bias_ih%s", suffix), 1),
       b2 = known(arena, m, arena_printf(arena, "bias_hh%s", suffix), 1);
  if (b1 || b2) m->bias = true;
  return ih && hh;
}

static void recurrent(Arena *arena, TorchModule *m) {
  const char *suffix = m->cell ? "" : "_l0";
  const Tensor *ih = of_rank(arena, m, arena_printf(arena, "weight_ih%s", suffix), 2);
  const Tensor *hh = of_rank(arena, m, arena_printf(arena, "weight_hh%s", suffix), 2);
  if (!ih || !hh || hh->dim[0] != ih->dim[0]) return;
  int64_t gates = hh->dim[0] / hh->dim[1];
  if (gates * hh->dim[1] != hh->dim[0]) return;
  m->kind = gates == 4 ? TORCH_LSTM : gates == 3 ? TORCH_GRU : gates == 1 ? TORCH_RNN : TORCH_OTHER;
  m->in = ih->dim[1];
  m->both = !m->cell && torch_module_tensor(arena, m, "weight_ih_l0_reverse") != NULL;
  m->out = hh->dim[1] * (m->both ? 2 : 1);
  while (m->layers < LAYERS_MAX &&
         count_layer(arena, m, m->cell ? "" : arena_printf(arena, "_l%d", m->layers))) {
    if (m->both) count_layer(arena, m, arena_printf(arena, "_l%d_reverse", m->layers));
    m->layers++;
    if (m->cell) return;
  }
}

/* Whether a name contains "emb" in upper or lower case. */
static bool is_embedding(const char *name) {
  for (; *name; name++)
    if (tolower((unsigned char)name[0]) == 'e' && tolower((unsigned char)name[1]) == 'm' &&
        tolower((unsigned char)name[2]) == 'b')
      return true;
  return false;
}

static void norm(Arena *arena, TorchModule *m) {
  const Tensor *mean = known(arena, m, "running_mean", 1),
               *variance = known(arena, m, "running_var", 1);
  const Tensor *weight = known(arena, m, "weight", 1), *bias = known(arena, m, "bias", 1),
               *any = mean ? mean : weight;
  known(arena, m, "num_batches_tracked", 0);
  m->bias = bias != NULL;
  if (!any) return;
  m->in = m->out = any->dim[0];
  if (mean && variance)
    m->kind = TORCH_BATCH_NORM;
  else if (!mean && weight && bias)
    m->kind = TORCH_LAYER_NORM;
}

static void weighted(Arena *arena, TorchModule *m, const Tensor *weight) {
  m->n_known = 1;
  m->bias = known(arena, m, "bias", 1) != NULL;
  m->out = weight->dim[0];
  m->in = weight->dim[1];
  m->kind = weight->rank == 3 ? TORCH_CONV1D : TORCH_LINEAR;
  m->kernel = weight->rank == 3 ? weight->dim[2] : 0;
  if (weight->rank == 3 || m->bias || !is_embedding(m->name)) return;
  m->kind = TORCH_EMBEDDING;
  m->in = weight->dim[0];
  m->out = weight->dim[1];
}

static void classify(Arena *arena, TorchModule *m) {
  m->kind = TORCH_OTHER;
  m->origin = *m->name ? arena_printf(arena, "module `%.80s`", m->name) : "the module";
  const Tensor *weight = torch_module_tensor(arena, m, "weight");
  m->cell = torch_module_tensor(arena, m, "weight_ih") != NULL;
  if (m->cell || torch_module_tensor(arena, m, "weight_ih_l0"))
    recurrent(arena, m);
  else if (weight && (weight->rank == 2 || weight->rank == 3) && weight->count > 0)
    weighted(arena, m, weight);
  else
    norm(arena, m);
}

typedef struct NamedModule {
  const char *name;
  size_t len; /* of the module */
  int place;
} NamedModule;

static int by_module(const void *a, const void *b) {
  const NamedModule *x = a, *y = b;
  int c = strncmp(x->name, y->name, x->len < y->len ? x->len : y->len);
  if (c || x->len != y->len) return c ? c : x->len < y->len ? -1 : 1;
  return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b) {
  const TorchModule *x = a, *y = b;
  return (x->place > y->place) - (x->place < y->place);
}

TorchModule *torch_modules(Arena *arena, const TensorFile *file, int *n) {
  NamedModule *named = ARENA_ARRAY(arena, NamedModule, file->n + 1);
  TorchModule *out = ARENA_ARRAY(arena, TorchModule, file->n + 1);
  int count = 0;
  for (int i = 0; i < file->n; i++) {
    const char *name = module_name(file, &file->tensor[i]);
    if (name && strncmp(name, "constants.", 10) != 0)
      named[count++] = (NamedModule){name, prefix_len(name), file->tensor[i].place};
  }
  if (count) qsort(named, (size_t)count, sizeof *named, by_module);
  *n = 0;
  for (int i = 0; i < count; i++) {
    bool same = i > 0 && named[i].len == named[i - 1].len &&
                strncmp(named[i].name, named[i - 1].name, named[i].len) == 0;
    if (!same)
      out[(*n)++] = (TorchModule){.file = file,
                                  .name = arena_strndup(arena, named[i].name, named[i].len),
                                  .place = named[i].place};
    out[*n - 1].n_tensors++;
  }
  for (int i = 0; i < *n; i++)
    classify(arena, &out[i]);
  if (*n) qsort(out, (size_t)*n, sizeof *out, by_place);
  return out;
}
