/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors of PyTorch in a pickle: the arguments of its functions that rebuild tensors, of which
 * this file knows a closed list. A tensor is a view of a storage, with an offset, sizes and
 * strides, all counted in elements. */
#include "import/tensors/torch_file.h"
#include "import/tensors/tree.h"

#include <string.h>

enum { WRAPPERS_MAX = 4 };

/* Element types, with the names of their storage class and of the type. Those that grus does not
 * read have a reason. */
static const struct {
  const char *storage, *dtype;
  TensorElem elem;
  int bytes;
  const char *unread;
} kinds[] = {
    {"FloatStorage", "float32", TENSOR_F32, 4, NULL},
    {"DoubleStorage", "float64", TENSOR_F64, 8, NULL},
    {"HalfStorage", "float16", TENSOR_F16, 2, NULL},
    {"BFloat16Storage", "bfloat16", TENSOR_BF16, 2, NULL},
    {"LongStorage", "int64", TENSOR_I64, 8, NULL},
    {"IntStorage", "int32", TENSOR_I32, 4, NULL},
    {"ShortStorage", "int16", TENSOR_I16, 2, NULL},
    {"CharStorage", "int8", TENSOR_I8, 1, NULL},
    {"ByteStorage", "uint8", TENSOR_U8, 1, NULL},
    {"BoolStorage", "bool", TENSOR_BOOL, 1, NULL},
    {"-", "uint16", TENSOR_U16, 2, NULL},
    {"-", "uint32", TENSOR_U32, 4, NULL},
    {"-", "uint64", TENSOR_U64, 8, NULL},
    {"ComplexFloatStorage", "complex64", TENSOR_U8, 8, "it is complex"},
    {"ComplexDoubleStorage", "complex128", TENSOR_U8, 16, "it is complex"},
    {"QUInt8Storage", "quint8", TENSOR_U8, 1, "it is quantised"},
    {"QInt8Storage", "qint8", TENSOR_U8, 1, "it is quantised"},
    {"QInt32Storage", "qint32", TENSOR_U8, 4, "it is quantised"},
};

/* Functions whose tensors are not read. */
static const struct {
  const char *function, *why;
} unread[] = {
    {"torch._utils._rebuild_qtensor", "it is quantised"},
    {"torch._utils._rebuild_sparse_tensor", "it is sparse"},
    {"torch._utils._rebuild_sparse_csr_tensor", "it is sparse"},
    {"torch._utils._rebuild_meta_tensor_no_storage", "it has no data"},
    {"torch._utils._rebuild_nested_tensor", "it is nested"},
    {"torch._utils._rebuild_wrapper_subclass", "it is of a class of its own"},
};

/* Finds the function that rebuilds a tensor (*of) and its arguments (*args) inside of a Parameter
 * or of a tensor with a class of its own. False for other values. */
static bool unwrap(const PickleValue *value, const PickleValue **of, const PickleValue **args) {
  static const char *const wrappers[] = {
      "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
      "torch.nn.parameter.Parameter", "torch.autograd.variable.Variable",
      "torch.jit._pickle.restore_type_tag"};
  for (int depth = 0; depth < WRAPPERS_MAX && value && value->kind == PICKLE_OBJECT; depth++) {
    size_t i = 0, n = sizeof wrappers / sizeof *wrappers;
    while (i < n && !pickle_is_class(value->of, wrappers[i]))
      i++;
    bool typed = pickle_is_class(value->of, "torch._tensor._rebuild_from_type_v2");
    *of = typed ? pickle_arg(value, 0) : value->of;
    *args = typed ? pickle_arg(value, 2) : value->args;
    if (i == n) return *of && (*of)->kind == PICKLE_CLASS && *args && (*args)->kind == PICKLE_TUPLE;
    value = pickle_arg(value, 0);
  }
  return false;
}

/* The last part of the name of a class of PyTorch: "FloatStorage" for "torch.cuda.FloatStorage";
 * else "". */
static const char *last_part(const PickleValue *value) {
  const char *dot = value && value->kind == PICKLE_CLASS && strncmp(value->text, "torch.", 6) == 0
                        ? strrchr(value->text, '.')
                        : NULL;
  return dot ? dot + 1 : "";
}

/* Finds an element type by the name of a storage class, or by its own name. */
static TreeFound find_elem(Arena *arena, const char *name, bool storage, Tensor *out,
                           const char **reason) {
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    if (strcmp(storage ? kinds[i].storage : kinds[i].dtype, name) != 0) continue;
    out->elem = kinds[i].elem;
    *reason = kinds[i].unread;
    return kinds[i].unread ? TREE_UNREAD : TREE_TENSOR;
  }
  *reason = arena_printf(arena, "its elements are `%.40s`, which is not supported", name);
  return TREE_UNREAD;
}

int torch_storage_bytes(const PickleValue *class) {
  const char *name = last_part(class);
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
    if (strcmp(kinds[i].storage, name) == 0) return kinds[i].bytes;
  return 0;
}

typedef struct Storage {
  Mapped data;
  int64_t begin; /* elements before it, because old files have views of storages */
} Storage;

/* The storage of a tensor in a plain pickle, which is a whole file of PyTorch. */
static TreeFound loose_storage(Tree *tree, const PickleValue *value, const PickleValue *dtype,
                               Tensor *out, Storage *storage, const char **reason) {
  const PickleValue *id;
  Mapped file;
  *storage = (Storage){0};
  if (!pickle_as_bytes(tree, pickle_arg(value, 0), &file, reason)) return TREE_BAD;
  if (!torch_loose_storage(tree->arena, file, &id, &storage->data, reason)) return TREE_BAD;
  return find_elem(tree->arena, last_part(dtype ? dtype : pickle_arg(id, 1)), !dtype, out, reason);
}

/* The storage of a tensor: a persistent value ("storage", class, key, device, count). */
static TreeFound find_storage(Tree *tree, const PickleValue *value, const PickleValue *dtype,
                              Tensor *out, Storage *storage, const char **reason) {
  if (pickle_is_object(value, "torch.storage._load_from_bytes"))
    return loose_storage(tree, value, dtype, out, storage, reason);
  const PickleValue *key = pickle_arg(value, 2), *view = pickle_arg(value, 5);
  *reason = "it has no storage";
  if (!value || value->kind != PICKLE_PERSISTENT ||
      !pickle_text_is(pickle_arg(value, 0), "storage") || !key || key->kind != PICKLE_TEXT)
    return TREE_BAD;
  TreeFound found =
      find_elem(tree->arena, last_part(dtype ? dtype : pickle_arg(value, 1)), !dtype, out, reason);
  if (found != TREE_TENSOR) return found;
  *storage = (Storage){0};
  if (view && view->kind == PICKLE_TUPLE &&
      (view->list.n != 3 || !pickle_int(view->list.item[1], &storage->begin) || storage->begin < 0))
    return TREE_BAD;
  *reason = "its data is not in this file";
  const char *name = arena_strndup(tree->arena, key->text, key->len);
  return tree->storage && tree->storage(tree->context, name, &storage->data, reason) ? TREE_TENSOR
                                                                                     : TREE_BAD;
}

/* Whether all elements of a view are inside of a storage of `held` elements. *in_order: whether
 * they lie one after another. */
static bool view_fits(const Tensor *t, const int64_t *stride, int64_t begin, int64_t held,
                      bool *in_order) {
  int64_t last = begin, step, run = 1;
  *in_order = true;
  for (int i = t->rank; i-- > 0;) {
    if (stride[i] < 0 || !size_mul(t->dim[i] - 1, stride[i], &step) || !size_add(last, step, &last))
      return false;
    if (t->dim[i] != 1 && stride[i] != run) *in_order = false;
    run *= t->dim[i];
  }
  return last < held;
}

/* Copies the elements of a view in order. The view fits its storage. */
static const uint8_t *copy_view(Tree *tree, const Tensor *t, const int64_t *stride,
                                const uint8_t *from) {
  int bytes = tensor_elem_bytes(t->elem);
  uint8_t *to = arena_array(tree->arena, (size_t)t->count, (size_t)bytes);
  for (int64_t i = 0; i < t->count; i++) {
    int64_t at = 0, rest = i;
    for (int k = t->rank; k-- > 0; rest /= t->dim[k])
      at += rest % t->dim[k] * stride[k];
    memcpy(to + i * bytes, from + at * bytes, (size_t)bytes);
  }
  return to;
}

TreeFound torch_view(Tree *tree, Tensor *t, Mapped storage, const int64_t *stride, int64_t offset,
                     const char **reason) {
  int bytes = tensor_elem_bytes(t->elem);
  bool in_order;
  t->count = 1;
  *reason = "its shape has a negative or too large dimension";
  for (int i = 0; i < t->rank; i++)
    if (t->dim[i] < 0 || !size_mul(t->count, t->dim[i], &t->count) || t->count > INT32_MAX)
      return TREE_BAD;
  *reason = "it reaches beyond its storage";
  t->data = storage.data;
  if (t->count == 0) return TREE_TENSOR;
  if (offset < 0 ||
      !view_fits(t, stride, offset, (int64_t)(storage.len / (size_t)bytes), &in_order))
    return TREE_BAD;
  t->data += offset * bytes;
  if (in_order) return TREE_TENSOR;
  if (!tree_spend(tree, (uint64_t)t->count * (uint64_t)bytes, reason)) return TREE_BAD;
  t->data = copy_view(tree, t, stride, t->data);
  return TREE_TENSOR;
}

TreeFound torch_tensor(Tree *tree, const PickleValue *value, Tensor *out, const char **reason) {
  const PickleValue *of, *args;
  Storage storage;
  int64_t offset, stride[TENSOR_MAX_RANK];
  int n;
  if (!unwrap(value, &of, &args)) return TREE_OTHER;
  for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
    if (strcmp(of->text, unread[i].function) == 0) {
      *reason = unread[i].why;
      return TREE_UNREAD;
    }
  bool v3 = strcmp(of->text, "torch._utils._rebuild_tensor_v3") == 0;
  if (!v3 && strcmp(of->text, "torch._utils._rebuild_tensor_v2") != 0 &&
      strcmp(of->text, "torch._utils._rebuild_tensor") != 0)
    return TREE_OTHER;
  PickleValue *const *arg = args->list.item;
  *reason = "it has no storage, offset, sizes and strides";
  if (args->list.n < (v3 ? 7U : 4U) || !pickle_int(arg[1], &offset)) return TREE_BAD;
  *reason = "its sizes or strides are not lists of at most 8 integers";
  if (!tree_numbers(arg[2], out->dim, &out->rank) || !tree_numbers(arg[3], stride, &n) ||
      n != out->rank)
    return TREE_BAD;
  TreeFound found = find_storage(tree, arg[0], v3 ? arg[6] : NULL, out, &storage, reason);
  if (found != TREE_TENSOR) return found;
  *reason = "it reaches beyond its storage";
  if (offset < 0 || !size_add(offset, storage.begin, &offset)) return TREE_BAD;
  return torch_view(tree, out, storage.data, stride, offset, reason);
}
