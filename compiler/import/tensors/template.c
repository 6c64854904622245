/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes a model to begin with: the stages that the names and shapes of tensors tell, and comments
 * for what they do not tell. */
#include "base/text.h"
#include "import/tensors/tensor_file.h"
#include "import/tensors/torch_modules.h"
#include "import/tensors/torch_order.h"

#include "base/safe.h"
#include "model/graph/identifier.h"

#include <string.h>

enum { MODULES_MAX = 1024 };

/* Whether a model can contain the name of a module: it has no control characters and no line ends.
 */
static bool can_be_named(Arena *arena, const TorchModule *m) {
  return strcmp(safe_line(arena, m->name), m->name) == 0;
}

/* Sorts the modules into the only order that fits. If no order or several fit, leaves them in the
 * order of the file and returns false. */
static bool arrange(Arena *arena, TorchModule *m, int n) {
  TorchPart *part = ARENA_ARRAY(arena, TorchPart, n + 1);
  TorchModule *was = ARENA_ARRAY(arena, TorchModule, n + 1);
  int *order = ARENA_ARRAY(arena, int, n + 1), *other = ARENA_ARRAY(arena, int, n + 1);
  if (n > MODULES_MAX) return false;
  for (int i = 0; i < n; i++) {
    bool open =
        m[i].kind == TORCH_CONV1D || m[i].kind == TORCH_EMBEDDING || m[i].kind == TORCH_OTHER;
    was[i] = m[i];
    part[i] = (TorchPart){.name = m[i].name,
                          .in = open ? 0 : m[i].in,
                          .out = m[i].out,
                          .only_first = m[i].kind == TORCH_EMBEDDING};
  }
  if (torch_orders(arena, part, n, order, other) != ORDERS_ONE) return n <= 1;
  for (int i = 0; i < n; i++)
    m[i] = was[order[i]];
  return true;
}

static void add_recurrent(Text *out, const TorchModule *m) {
  for (int k = 0; k < m->layers; k++) {
    text_printf(out, "    |> %s(%lld", torch_kind_name[m->kind],
                (long long)(m->both ? m->out / 2 : m->out));
    if (m->both) text_add(out, ", direction=both");
    if (!m->bias) text_add(out, ", bias=false");
    text_add(out, ", from=");
    text_add_string(out, k ? arena_printf(out->arena, "%s[%d]", m->name, k) : m->name);
    text_printf(out, ")%s\n", m->kind == TORCH_RNN ? "  # or activation=relu?" : "");
  }
}

/* Writes a Conv2D for a weight of four axes, with a bias for each filter or without one. False for
 * other modules. A ConvTranspose2d has its filters along the second axis, which the size of its
 * bias shows. */
static bool add_conv2d(Text *out, Arena *arena, const TorchModule *m) {
  const Tensor *w = torch_module_tensor(arena, m, "weight"),
               *b = torch_module_tensor(arena, m, "bias");
  if (!can_be_named(arena, m) || !w || w->rank != 4 || m->n_tensors != 1 + (b != NULL))
    return false;
  if (b && (b->rank != 1 || b->dim[0] != w->dim[0])) return false;
  text_printf(out, "    |> Conv2D(%lld, kernel=(%lld, %lld)%s, from=", (long long)w->dim[0],
              (long long)w->dim[2], (long long)w->dim[3], b ? "" : ", bias=false");
  text_add_string(out, m->name);
  text_printf(out, ")  # which stride, padding and along? with groups=1 it reads %lld channels\n",
              (long long)w->dim[1]);
  return true;
}

/* The index of the first tensor whose name is not less than `name`. */
static int first_from(const TensorFile *file, const char *name) {
  int low = 0, high = file->n;
  while (low < high) {
    int mid = low + (high - low) / 2;
    if (strcmp(file->tensor[mid].name, name) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static void add_other(Text *out, Arena *arena, const TorchModule *m) {
  if (add_conv2d(out, arena, m)) return;
  const char *prefix =
      *m->name        ? arena_printf(arena, "%s%s.", m->file->root ? m->file->root : "", m->name)
      : m->file->root ? m->file->root
                      : "";
  size_t n = strlen(prefix);
  for (int i = first_from(m->file, prefix); i < m->file->n; i++) {
    const Tensor *t = &m->file->tensor[i];
    if (strncmp(t->name, prefix, n) != 0) break;
    if (strchr(t->name + n, '.')) continue;
    if (*t->name)
      text_printf(out, "    # `%s` %s: its name and shape do not say of which stage it is\n",
                  safe_line(arena, t->name), tensor_shape_str(arena, t));
    else
      text_printf(out, "    # a tensor without a name, %s: write `from=\"\"` in its stage\n",
                  tensor_shape_str(arena, t));
  }
}

static void add_module(Text *out, Arena *arena, const TorchModule *m) {
  const char *bias = m->bias ? "" : ", bias=false", *asked = "";
  switch (m->kind) {
  case TORCH_LSTM:
  case TORCH_GRU:
  case TORCH_RNN: add_recurrent(out, m); return;
  case TORCH_OTHER: add_other(out, arena, m); return;
  case TORCH_LINEAR: text_printf(out, "    |> Dense(%lld%s, ", (long long)m->out, bias); break;
  case TORCH_EMBEDDING: text_printf(out, "    |> Embedding(%lld, ", (long long)m->out); break;
  case TORCH_CONV1D:
    text_printf(out, "    |> Conv1D(%lld, kernel=%lld%s, ", (long long)m->out, (long long)m->kernel,
                bias);
    asked = arena_printf(arena,
                         "  # which stride, dilation and padding? with groups=1 it reads %lld "
                         "features; or a Conv1DTranspose?",
                         (long long)m->in);
    break;
  case TORCH_BATCH_NORM: text_add(out, "    |> BatchNorm("); break;
  case TORCH_LAYER_NORM:
    text_add(out, "    |> LayerNorm(");
    asked = "  # or GroupNorm?";
    break;
  }
  text_add(out, "from=");
  text_add_string(out, m->name);
  text_printf(out, ")%s\n", asked);
}

/* What a module reads that takes values of one width alone; 0: any. */
static int64_t width_read(const TorchModule *m) {
  bool any = m->kind == TORCH_OTHER || m->kind == TORCH_EMBEDDING || m->kind == TORCH_CONV1D;
  return any ? 0 : m->in;
}

/* The modules one behind the other; *width is of the value so far, 0 where it is not known. */
static void add_next(Text *out, Arena *arena, const TorchModule *m, int64_t *width) {
  int64_t read = width_read(m);
  if (read && *width && read != *width)
    text_printf(
        out, "    # the next layer reads %lld numbers, not %lld: is it part of another branch?\n",
        (long long)read, (long long)*width);
  add_module(out, arena, m);
  *width = m->kind == TORCH_OTHER ? 0 : m->out;
}

void tensors_template(Arena *arena, const TensorFile *file, const char *path, Text *out) {
  Convention convention = file->convention == CONVENTION_NONE ? CONVENTION_TORCH : file->convention;
  int n, first = 0, last = -1;
  bool both = false;
  TorchModule *m = torch_modules(arena, file, &n);
  for (int i = 0; i < n; i++)
    if (!can_be_named(arena, &m[i])) m[i].kind = TORCH_OTHER;
  bool fits = arrange(arena, m, n);
  for (int i = 0; i < n; i++) {
    both |= m[i].both;
    if (m[i].kind != TORCH_OTHER && last < 0) first = i;
    if (m[i].kind != TORCH_OTHER) last = i;
  }
  text_printf(
      out,
      "grus 1\n\n# grus made this model from the names and shapes of tensors, which do not tell "
      "everything.\n# Correct %sthe stages between those with weights (relu, last, flatten "
      "...),\n# the length of sequences, and what comments ask.\n",
      fits ? "" : "the order of stages, ");
  text_printf(out, "model %s {\n  weights %s ", identifier_of(arena, text_file_stem(arena, path)),
              convention_word[convention]);
  text_add_string(out, path);
  const char *time = both ? "time n <= 100" : "time ..";
  if (last >= 0 && m[first].kind == TORCH_EMBEDDING)
    text_printf(out, "\n  in  x : index(%lld)[%s]\n", (long long)m[first].in, time);
  else
    text_printf(out, "\n  in  x : f32[%s, %lld]\n", time, (long long)(last < 0 ? 1 : m[first].in));
  text_printf(out, "  out y : f32[%s, %lld] = x\n", time, (long long)(last < 0 ? 1 : m[last].out));
  int64_t width = 0;
  for (int i = 0; i < n; i++) {
    add_next(out, arena, &m[i], &width);
    if (i < last && torch_is_linear(&m[i])) text_add(out, "    # |> relu?\n");
  }
  text_add(out, "}\n");
}
