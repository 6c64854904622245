/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The example with which a module was traced. In, the member `traced_inputs.pkl` of the archive,
 * which holds the tensors that `torch.jit.trace` was given; out, their sizes. */
#include "import/read/script/traced.h"

#include "import/tensors/pickle.h"

enum { MAX_DEPTH = 8 };

typedef struct Example {
  int n;
  ScriptShape shape[SCRIPT_MAX_INPUTS];
} Example;

static bool read_sizes(const PickleValue *sizes, ScriptShape *out) {
  if (!sizes || sizes->kind != PICKLE_TUPLE || sizes->list.n >= GRAPH_MAX_RANK) return false;
  *out = (ScriptShape){.rank = (int)sizes->list.n, .open = -1};
  for (int k = 0; k < out->rank; k++)
    if (!pickle_int(sizes->list.item[k], &out->dim[k]) || out->dim[k] < 1) return false;
  return true;
}

/* Adds the sizes of the tensors in a value, which lists and tuples may hold. */
static bool read_tensors(const PickleValue *value, int depth, Example *out) {
  if (!value || depth > MAX_DEPTH) return false;
  if (pickle_is_object(value, "torch.jit._pickle.restore_type_tag"))
    return read_tensors(pickle_arg(value, 0), depth + 1, out);
  if (pickle_is_object(value, "torch._utils._rebuild_tensor_v2"))
    return out->n < SCRIPT_MAX_INPUTS && read_sizes(pickle_arg(value, 2), &out->shape[out->n++]);
  if (value->kind != PICKLE_LIST && value->kind != PICKLE_TUPLE) return false;
  for (size_t i = 0; i < value->list.n; i++)
    if (!read_tensors(value->list.item[i], depth + 1, out)) return false;
  return true;
}

const ScriptShape *script_traced(Script *s) {
  const char *name = arena_printf(s->arena, "%straced_inputs.pkl", s->folder), *reason;
  int64_t member = archive_find(s->archive, name);
  Example *out = ARENA_NEW(s->arena, Example);
  Mapped data;
  size_t at = 0;
  if (member < 0 || !archive_read(s->archive, member, &data, &reason)) return NULL;
  const PickleValue *methods = pickle_read(s->arena, data, &at, NULL, &reason);
  if (methods && pickle_is_object(methods, "torch.jit._pickle.restore_type_tag"))
    methods = pickle_arg(methods, 0);
  if (!methods || !pickle_pairs(methods)) return NULL;
  bool known = read_tensors(pickle_get(methods, "forward"), 0, out) && out->n == s->n_inputs;
  return known ? out->shape : NULL;
}

bool script_suits_traced(const ScriptShape *example, const ScriptShape *layout, ScriptShape *out) {
  int others = 0;
  if (example->rank != layout->rank) return false;
  *out = *layout;
  for (int k = 0; k < layout->rank; k++) {
    if (layout->dim[k] == -1) out->dim[k] = example->dim[k];
    if (layout->dim[k] < 1 || layout->dim[k] == example->dim[k]) continue;
    if (layout->dim[k] > 1 || others++) return false;
  }
  return true;
}
