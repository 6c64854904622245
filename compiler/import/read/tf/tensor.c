/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants and attributes of a GraphDef. */
#include "base/shape.h"
#include "import/read/elements.h"
#include "import/read/tf/reader.h"

#include <string.h>

const TfFile__Value *tf_attribute(const TfNode *node, const char *name) {
  for (size_t i = 0; i < node->n_attr; i++)
    if (strcmp(node->attr[i]->key, name) == 0) return node->attr[i]->value;
  return NULL;
}

int64_t tf_int(const TfNode *node, const char *name, int64_t if_absent) {
  const TfFile__Value *v = tf_attribute(node, name);
  return v ? v->i : if_absent;
}

bool tf_bool(const TfNode *node, const char *name, bool if_absent) {
  const TfFile__Value *v = tf_attribute(node, name);
  return v ? v->b != 0 : if_absent;
}

double tf_number(const TfNode *node, const char *name, double if_absent) {
  const TfFile__Value *v = tf_attribute(node, name);
  return v ? (double)v->f : if_absent;
}

const char *tf_word(TfReader *r, const TfNode *node, const char *name, const char *if_absent) {
  const TfFile__Value *v = tf_attribute(node, name);
  return v && v->s.data ? arena_strndup(r->arena, (const char *)v->s.data, v->s.len) : if_absent;
}

static const ElementRow rows[] = {
    {1, TENSOR_F32, GRAPH_FLOAT}, {2, TENSOR_F64, GRAPH_FLOAT},  {3, TENSOR_I32, GRAPH_I32},
    {4, TENSOR_U8, GRAPH_U8},     {5, TENSOR_I16, GRAPH_I16},    {6, TENSOR_I8, GRAPH_I8},
    {9, TENSOR_I64, GRAPH_I64},   {10, TENSOR_BOOL, GRAPH_BOOL}, {14, TENSOR_BF16, GRAPH_FLOAT},
    {17, TENSOR_U16, GRAPH_U16},  {19, TENSOR_F16, GRAPH_FLOAT}, {22, TENSOR_U32, GRAPH_U32},
    {23, TENSOR_U64, GRAPH_U64}};
static const ElementTable elements = {rows, sizeof rows / sizeof *rows};

bool tf_elem(int64_t type, GraphElem *elem) {
  return element_of(elements, type, elem);
}

const char *tf_half_type(int64_t type) {
  return element_half_of(elements, type);
}

const char *tf_half(const TfNode *node) {
  static const char *const names[] = {"DstT", "T", "dtype", "out_type"};
  const TfFile__Value *type = NULL;
  bool holds = tf_is(node, "Const") || strstr(node->op, "Variable") != NULL;
  for (size_t i = 0; i < sizeof names / sizeof *names && !type && !holds; i++)
    type = tf_attribute(node, names[i]);
  return type ? tf_half_type(type->type) : NULL;
}

/* The number of elements that the constant lists in the field of its type. */
static size_t listed_count(const TfFile__Tensor *t, TensorElem stored) {
  switch (stored) {
  case TENSOR_F32: return t->n_float_val;
  case TENSOR_F64: return t->n_double_val;
  case TENSOR_F16:
  case TENSOR_BF16: return t->n_half_val;
  case TENSOR_I64: return t->n_int64_val;
  case TENSOR_U32: return t->n_uint32_val;
  case TENSOR_U64: return t->n_uint64_val;
  case TENSOR_BOOL: return t->n_bool_val;
  case TENSOR_I8:
  case TENSOR_U8:
  case TENSOR_I16:
  case TENSOR_U16:
  case TENSOR_I32: break;
  }
  return t->n_int_val;
}

/* Element k of a constant that lists its elements: the last one that is listed stands for those
 * that follow, and a constant that lists none is all zeros. */
static double listed(const TfFile__Tensor *t, TensorElem stored, size_t k) {
  size_t n = listed_count(t, stored);
  if (n == 0) return 0;
  if (k >= n) k = n - 1;
  switch (stored) {
  case TENSOR_F32: return (double)t->float_val[k];
  case TENSOR_F64: return t->double_val[k];
  case TENSOR_F16:
  case TENSOR_BF16: {
    uint8_t bytes[2] = {(uint8_t)t->half_val[k], (uint8_t)(t->half_val[k] >> 8)};
    Tensor one = {.elem = stored, .count = 1, .data = bytes};
    return tensor_get(&one, 0);
  }
  case TENSOR_I64: return (double)t->int64_val[k];
  case TENSOR_U32: return (double)t->uint32_val[k];
  case TENSOR_U64: return (double)t->uint64_val[k];
  case TENSOR_BOOL: return t->bool_val[k] != 0;
  case TENSOR_I8:
  case TENSOR_U8:
  case TENSOR_I16:
  case TENSOR_U16:
  case TENSOR_I32: break;
  }
  return (double)t->int_val[k];
}

static const GraphTensor *damaged(TfReader *r, const TfNode *node, const char *what) {
  foreign_report(r->diags, r->file, E901, "%s `%s` %s",
                 strcmp(node->op, "Const") == 0 ? "constant" : "variable", node->name, what);
  return NULL;
}

/* Axes and the number of elements of a shape; NULL, or what is wrong with it. */
static const char *shape_fault(const TfFile__Shape *shape, int *rank, int64_t *dim,
                               int64_t *count) {
  size_t n = shape ? shape->n_dim : 0;
  *count = 1;
  if (n > GRAPH_MAX_RANK) return "has too many axes";
  *rank = (int)n;
  for (size_t i = 0; i < n; i++) {
    dim[i] = shape->dim[i]->size;
    if (dim[i] < 0 || !size_mul(*count, dim[i], count) || *count > INT32_MAX)
      return "has a shape with a negative or too large dimension";
  }
  return NULL;
}

/* A constant of this shape from the bytes of its elements, which have to be enough. */
static const GraphTensor *of_bytes(TfReader *r, const ElementRow *kind, int rank,
                                   const int64_t *dim, int64_t count, const uint8_t *bytes) {
  GraphNumbers to;
  GraphTensor *out = graph_tensor_of(foreign_numbers(r->file), kind->elem, rank, dim, INT32_MAX,
                                     element_is_float(kind->stored), &to);
  Tensor source = {.elem = kind->stored, .count = count, .data = bytes, .rank = 1, .dim = {count}};
  for (int64_t k = 0; out && k < count; k++)
    graph_put(&to, k, tensor_get(&source, k));
  return out;
}

const GraphTensor *tf_stored(TfReader *r, const TfNode *node, const TfStored *stored) {
  const ElementRow *kind = element_row(elements, stored->entry->dtype);
  int64_t dim[GRAPH_MAX_RANK], count;
  int rank;
  if (!kind) return damaged(r, node, "is not a tensor of numbers");
  const char *fault = shape_fault(stored->entry->shape, &rank, dim, &count);
  if (fault) return damaged(r, node, fault);
  if (stored->entry->size != count * tensor_elem_bytes(kind->stored))
    return damaged(r, node, "has another number of bytes than its shape needs");
  return of_bytes(r, kind, rank, dim, count, stored->bytes);
}

const char *tf_stored_type(const TfFile__BundleEntry *entry, Tensor *out) {
  const ElementRow *kind = element_row(elements, entry->dtype);
  int64_t dim[GRAPH_MAX_RANK];
  if (!kind) return "it is not a tensor of numbers";
  const char *fault = shape_fault(entry->shape, &out->rank, dim, &out->count);
  if (!fault && out->rank > TENSOR_MAX_RANK) fault = "has too many axes";
  if (fault) return fault;
  for (int i = 0; i < out->rank; i++)
    out->dim[i] = dim[i];
  out->elem = kind->stored;
  return NULL;
}

const GraphTensor *tf_constant(TfReader *r, const TfNode *node) {
  const int64_t most_repeated = 1 << 22; /* elements that one number may stand for */
  const TfFile__Value *value = tf_attribute(node, "value");
  const TfFile__Tensor *t = value ? value->tensor : NULL;
  const ElementRow *kind = t ? element_row(elements, t->dtype) : NULL;
  int64_t dim[GRAPH_MAX_RANK], count;
  int rank;
  if (!kind) return damaged(r, node, "is not a tensor of numbers");
  const char *fault = shape_fault(t->tensor_shape, &rank, dim, &count);
  if (fault) return damaged(r, node, fault);
  const ProtobufCBinaryData raw = t->tensor_content;
  if (raw.len && raw.len != (size_t)count * (size_t)tensor_elem_bytes(kind->stored))
    return damaged(r, node, "has another number of bytes than its shape needs");
  if (raw.len) return of_bytes(r, kind, rank, dim, count, raw.data);
  if (listed_count(t, kind->stored) < (size_t)count &&
      (count > most_repeated || (r->repeated -= count) < 0))
    return damaged(r, node, "repeats a number too often");
  double *data;
  GraphTensor *out = graph_tensor(foreign_numbers(r->file), kind->elem, rank, dim, &data);
  for (int64_t k = 0; out && k < count; k++)
    data[k] = listed(t, kind->stored, (size_t)k);
  return out ? out : damaged(r, node, "has a shape with a negative or too large dimension");
}

bool tf_constant_ints(TfCall *c, int k, const char *what, int most, int *n, int64_t *out) {
  GraphValue *value = tf_in(c, k);
  DiagCode code;
  if (!value) return false;
  if (constant_ints(value, most, n, out)) return true;
  const char *problem = constant_ints_problem(c->reader->arena, value, what, most, &code);
  if (code == E901) return tf_refuse(c, E901, "%s", problem);
  return tf_lacks(c, code, tf_fixed_sizes, "%s", problem);
}
