/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The tables of a TensorFlow Lite file. In, FlatBuffers with schema version 3; out, subgraphs,
 * tensors and operators. These are the fields that are read, by their numbers in the schema:
 *
 *   Model        0 version  1 operator codes  2 subgraphs  4 buffers  7 signatures
 *   OperatorCode 0 builtin code as a byte  1 name of a custom one  2 version  3 builtin code
 *   SubGraph     0 tensors  1 inputs  2 outputs  3 operators  4 name
 *   Tensor       0 shape  1 type  2 buffer  3 name  4 quantisation  5 variable  6 sparsity  7
 *                shape with -1 where open  8 has a rank
 *   Quantisation 2 scales  3 zero points (int64)  6 axis
 *   Operator     0 code  1 inputs  2 outputs  4 options  8 intermediates
 *   Buffer       0 data  1 place of data after the tables
 *   Signature    0 inputs  1 outputs  2 key  4 subgraph;  TensorMap  0 name  1 tensor */
#include "import/read/tflite/reader.h"

#include <string.h>

enum {
  MAX_TENSORS = 1 << 16,
  MAX_PORTS = 1024,
  NUMBERS_A_TENSOR = 32,
  LONGEST_NAME = 200,
  SCHEMA = 3
};

static const struct {
  const char *name;
  int elem; /* a GraphElem; -1 for a type without numbers */
} types[TFL_TYPES] = {
    [TFL_FLOAT32] = {"float32", GRAPH_FLOAT},  [TFL_FLOAT16] = {"float16", GRAPH_FLOAT},
    [TFL_INT32] = {"int32", GRAPH_I32},        [TFL_UINT8] = {"uint8", GRAPH_U8},
    [TFL_INT64] = {"int64", GRAPH_I64},        [TFL_STRING] = {"string", -1},
    [TFL_BOOL] = {"bool", GRAPH_BOOL},         [TFL_INT16] = {"int16", GRAPH_I16},
    [TFL_COMPLEX64] = {"complex64", -1},       [TFL_INT8] = {"int8", GRAPH_I8},
    [TFL_FLOAT64] = {"float64", GRAPH_FLOAT},  [TFL_COMPLEX128] = {"complex128", -1},
    [TFL_UINT64] = {"uint64", GRAPH_U64},      [TFL_RESOURCE] = {"resource", -1},
    [TFL_VARIANT] = {"variant", -1},           [TFL_UINT32] = {"uint32", GRAPH_U32},
    [TFL_UINT16] = {"uint16", GRAPH_U16},      [TFL_INT4] = {"int4", GRAPH_I4},
    [TFL_BFLOAT16] = {"bfloat16", GRAPH_FLOAT}};

const char *tfl_type_name(int type) {
  return type >= 0 && type < TFL_TYPES ? types[type].name : "a type that is not known";
}

bool tfl_elem(int type, GraphElem *elem) {
  if (type < 0 || type >= TFL_TYPES || types[type].elem < 0) return false;
  *elem = (GraphElem)types[type].elem;
  return true;
}

bool tfl_broken(TflReader *r) {
  if (!r->diags->n_errors)
    foreign_report(r->diags, r->file, E901,
                   "`%s` is damaged: a reference in it points outside the file", r->file->path);
  return false;
}

const char *tfl_text(TflReader *r, size_t table, unsigned field) {
  FlatVector v = flat_vector(&r->flat, table, field, 1);
  char *text = arena_strndup(r->arena, v.at ? (const char *)r->flat.data + v.at : "",
                             v.n < LONGEST_NAME ? v.n : LONGEST_NAME);
  for (char *c = text; *c; c++)
    if (*c < ' ' || *c > '~' || *c == '`') *c = '?';
  return text;
}

/* ---- tensors ---- */

static bool read_shape(TflReader *r, size_t table, TflTensor *t) {
  FlatVector shape = flat_vector(&r->flat, table, 0, 4), open = flat_vector(&r->flat, table, 7, 4);
  if (shape.n > GRAPH_MAX_RANK) {
    foreign_report(r->diags, r->file, E901, "tensor `%s` has %u axes; at most %d are supported",
                   t->name, shape.n, GRAPH_MAX_RANK);
    return false;
  }
  t->rank = (int)shape.n;
  if (!shape.n && !t->data && !flat_u8(&r->flat, table, 8)) t->rank = -1;
  for (uint32_t i = 0; i < shape.n; i++) {
    t->dim[i] = flat_element_i32(&r->flat, shape, i);
    if (open.n == shape.n && flat_element_i32(&r->flat, open, i) < 0) t->dim[i] = GRAPH_OPEN;
    if (t->dim[i] < 0) t->dim[i] = GRAPH_OPEN;
  }
  return true;
}

static bool read_data(TflReader *r, size_t table, TflTensor *t) {
  int32_t index = t->buffer = flat_i32(&r->flat, table, 2, 0);
  if (index < 0 || (index > 0 && (uint32_t)index >= r->buffers.n)) return tfl_broken(r);
  size_t buffer = index ? flat_element_table(&r->flat, r->buffers, (uint32_t)index) : 0;
  if (flat_has(&r->flat, buffer, 1) || flat_table(&r->flat, table, 6)) {
    bool sparse = flat_table(&r->flat, table, 6) != 0;
    return foreign_lacks(r->diags, r->file, E903,
                         sparse ? "convert it without `tf.lite.Optimize.EXPERIMENTAL_SPARSITY`"
                                : "import the Keras model or the SavedModel from which it was "
                                  "converted",
                         sparse
                             ? "tensor `%s` is sparse, which is not supported"
                             : "tensor `%s` has its data after the tables, as files over 2 GB do, "
                               "which is not supported",
                         t->name);
  }
  FlatVector data = flat_vector(&r->flat, buffer, 0, 1);
  if (data.n) t->data = r->flat.data + data.at;
  t->bytes = data.n;
  return true;
}

/* Zero point i; 0 if the file does not have it. */
static double zero_of(const TflReader *r, FlatVector zeros, uint32_t i) {
  uint64_t bits = 0;
  if (i >= zeros.n) return 0;
  for (unsigned b = 0; b < 8; b++)
    bits |= (uint64_t)r->flat.data[zeros.at + 8 * (size_t)i + b] << (8 * b);
  return (double)(int64_t)bits;
}

static bool read_scales(TflReader *r, size_t table, TflTensor *t) {
  size_t quantisation = flat_table(&r->flat, table, 4);
  FlatVector scales = flat_vector(&r->flat, quantisation, 2, 4),
             zeros = flat_vector(&r->flat, quantisation, 3, 8);
  GraphElem elem;
  if (!scales.n || !tfl_elem(t->type, &elem) || elem == GRAPH_FLOAT || elem == GRAPH_BOOL)
    return true;
  double *scale, *zero;
  int64_t n = scales.n;
  if ((r->numbers -= 2 * n) < 0 || (zeros.n > 1 && zeros.n != scales.n)) {
    foreign_report(r->diags, r->file, E901, "tensor `%s` has %u scales and %u zero points", t->name,
                   scales.n, zeros.n);
    return false;
  }
  t->scale = graph_tensor(r->arena, GRAPH_FLOAT, n > 1, &n, &scale);
  t->zero = graph_tensor(r->arena, elem, n > 1, &n, &zero);
  for (uint32_t i = 0; i < scales.n; i++) {
    uint32_t bits = (uint32_t)flat_element_i32(&r->flat, scales, i);
    float f;
    memcpy(&f, &bits, sizeof f);
    scale[i] = (double)f;
    zero[i] = zero_of(r, zeros, zeros.n == 1 ? 0 : i);
    if (!(f > 0) || !(f < 1e30f)) {
      foreign_report(r->diags, r->file, E901, "tensor `%s` has the scale %g", t->name, (double)f);
      return false;
    }
  }
  t->n_scales = (int)n;
  t->axis = flat_i32(&r->flat, quantisation, 6, 0);
  return true;
}

bool tfl_open_scope(TflScope *scope, int64_t subgraph) {
  TflReader *r = scope->reader;
  if (subgraph < 0 || subgraph >= r->subgraphs.n) return tfl_broken(r);
  scope->table = flat_element_table(&r->flat, r->subgraphs, (uint32_t)subgraph);
  FlatVector tensors = flat_vector(&r->flat, scope->table, 0, 4);
  scope->in = flat_vector(&r->flat, scope->table, 1, 4);
  scope->out = flat_vector(&r->flat, scope->table, 2, 4);
  r->numbers -= NUMBERS_A_TENSOR * (int64_t)tensors.n;
  if (tensors.n > MAX_TENSORS || scope->in.n > MAX_PORTS || scope->out.n > MAX_PORTS ||
      r->numbers < 0) {
    foreign_report(
        r->diags, r->file, E901,
        "`%s` has %u tensors, %u inputs and %u outputs in a subgraph, which are too many",
        r->file->path, tensors.n, scope->in.n, scope->out.n);
    return false;
  }
  scope->n_tensors = (int)tensors.n;
  scope->tensor = ARENA_ARRAY(r->arena, TflTensor, tensors.n + 1);
  scope->value = ARENA_ARRAY(r->arena, GraphValue *, tensors.n + 1);
  scope->resource = ARENA_ARRAY(r->arena, int, tensors.n + 1);
  for (uint32_t i = 0; i < tensors.n; i++) {
    size_t table = flat_element_table(&r->flat, tensors, i);
    TflTensor *t = &scope->tensor[i];
    scope->resource[i] = TFL_NO_VARIABLE;
    t->name = tfl_text(r, table, 3);
    if (!*t->name) t->name = arena_printf(r->arena, "tensor %u", i);
    t->type = flat_u8(&r->flat, table, 1);
    t->variable = flat_u8(&r->flat, table, 5) != 0;
    if (!table || !read_data(r, table, t) || !read_shape(r, table, t) || !read_scales(r, table, t))
      return r->flat.broken ? tfl_broken(r) : false;
  }
  return !r->flat.broken || tfl_broken(r);
}

/* ---- operators ---- */

FlatVector tfl_operators(TflScope *scope) {
  return flat_vector(&scope->reader->flat, scope->table, 3, 4);
}

bool tfl_operator(TflReader *r, FlatVector operators, uint32_t i, TflOperator *op) {
  enum { CUSTOM = 32 };
  FlatBuffer *flat = &r->flat;
  size_t table = flat_element_table(flat, operators, i);
  int32_t index = flat_i32(flat, table, 0, 0);
  size_t code = flat_element_table(flat, r->codes, index < 0 ? UINT32_MAX : (uint32_t)index);
  int32_t old = flat_u8(flat, code, 0), now = flat_i32(flat, code, 3, 0);
  if (flat->broken || !table || !code) return tfl_broken(r);
  *op = (TflOperator){.table = table,
                      .options = flat_table(flat, table, 4),
                      .code = old > now ? old : now,
                      .version = flat_i32(flat, code, 2, 1)};
  op->in = flat_vector(flat, table, 1, 4);
  op->out = flat_vector(flat, table, 2, 4);
  op->intermediates = flat_vector(flat, table, 8, 4);
  if (op->code == CUSTOM) op->custom = tfl_text(r, code, 1);
  return !flat->broken || tfl_broken(r);
}

/* ---- the file ---- */

/* The place of the table of the signature of this name; 0 if there is none. */
static size_t signature_find(TflReader *r, FlatVector all, const char *name) {
  for (uint32_t i = 0; i < all.n && !r->flat.broken; i++) {
    size_t signature = flat_element_table(&r->flat, all, i);
    if (strcmp(tfl_text(r, signature, 2), name) == 0) return signature;
  }
  return 0;
}

static void report_signatures(TflReader *r, FlatVector all, const char *asked) {
  const char **name = ARENA_ARRAY(r->arena, const char *, all.n + 1);
  for (uint32_t i = 0; i < all.n; i++)
    name[i] = tfl_text(r, flat_element_table(&r->flat, all, i), 2);
  Diag *d = foreign_report_signatures(r->diags, r->file, asked, all.n, name);
  if (!all.n) diag_note(d, "it has no signatures, so there is nothing to choose");
}

bool tfl_signature(TflReader *r, size_t *signature, int64_t *subgraph) {
  FlatVector all = flat_vector(&r->flat, r->model, 7, 4);
  const char *asked = r->options->signature;
  *subgraph = 0;
  *signature = 0;
  if (!all.n && !asked) return !r->flat.broken || tfl_broken(r);
  if (asked || all.n > 1)
    *signature = signature_find(r, all, asked ? asked : "serving_default");
  else
    *signature = flat_element_table(&r->flat, all, 0);
  if (r->flat.broken) return tfl_broken(r);
  if (!*signature) {
    report_signatures(r, all, asked);
    return false;
  }
  *subgraph = flat_i32(&r->flat, *signature, 4, 0);
  if (all.n > 1)
    graph_note(r->graph, "the file has %u signatures; grus imported `%s`", all.n,
               tfl_text(r, *signature, 2));
  return true;
}

const char *tfl_signature_name(TflReader *r, size_t signature, unsigned list, int32_t tensor) {
  FlatVector maps = flat_vector(&r->flat, signature, list, 4);
  for (uint32_t i = 0; i < maps.n && !r->flat.broken; i++) {
    size_t map = flat_element_table(&r->flat, maps, i);
    const char *name = flat_i32(&r->flat, map, 1, 0) == tensor ? tfl_text(r, map, 0) : "";
    if (*name) return name;
  }
  return NULL;
}

bool tfl_open(TflReader *r) {
  FlatBuffer *flat = &r->flat;
  *flat = (FlatBuffer){r->file->data.data, r->file->data.len, false};
  r->model = flat_root(flat);
  int32_t version = flat_i32(flat, r->model, 0, 0);
  r->codes = flat_vector(flat, r->model, 1, 4);
  r->subgraphs = flat_vector(flat, r->model, 2, 4);
  r->buffers = flat_vector(flat, r->model, 4, 4);
  if (flat->broken) return tfl_broken(r);
  if (version == SCHEMA && r->subgraphs.n) return true;
  foreign_report(r->diags, r->file, E901,
                 "`%s` has schema version %d and %u subgraphs; grus supports version %d with at "
                 "least one subgraph",
                 r->file->path, version, r->subgraphs.n, SCHEMA);
  return false;
}
