/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An .onnx file as a graph in the arena: protobuf-c takes it apart, with memory in proportion to
 * the file; tensors become f32 or i64. */
#include "import/onnx.h"

#include "base/place.h"
#include "import/onnx.pb-c.h"
#include "model/bind/weights.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 12, MEMORY_PER_BYTE = 40 };

/* ---- before protobuf-c sees it ---- */

typedef struct Wire {
  const uint8_t *at, *end;
} Wire;

static bool wire_number(Wire *w, uint64_t *out) {
  *out = 0;
  for (int shift = 0; shift < 64 && w->at < w->end; shift += 7) {
    uint8_t byte = *w->at++;
    *out |= (uint64_t)(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/* The next field: its number, and its content if it is a message or string. False at the end. */
static bool wire_field(Wire *w, uint32_t *field, Wire *content) {
  uint64_t key, n;
  *content = (Wire){NULL, NULL};
  if (w->at >= w->end || !wire_number(w, &key)) return false;
  *field = (uint32_t)(key >> 3);
  switch (key & 7) {
  case 0: return wire_number(w, &n);
  case 1: n = 8; break;
  case 5: n = 4; break;
  case 2:
    if (!wire_number(w, &n) || n > (uint64_t)(w->end - w->at)) return false;
    *content = (Wire){w->at, w->at + n};
    break;
  default: return false;
  }
  if (n > (uint64_t)(w->end - w->at)) return false;
  w->at += n;
  return true;
}

/* protobuf-c recurses into messages: how deep graphs lie in nodes of graphs is bounded here. The
 * path of fields from a graph to a graph within it is node 1, attribute 5, g 6. */
static bool depth_is_sane(Wire graph) {
  static const uint32_t path[] = {1, 5, 6};
  Wire stack[3 * MAX_DEPTH + 1];
  int depth = 0;
  stack[0] = graph;
  while (depth >= 0) {
    uint32_t field;
    Wire content;
    if (!wire_field(&stack[depth], &field, &content)) {
      depth--;
      continue;
    }
    if (!content.at || field != path[depth % 3]) continue;
    if (depth == 3 * MAX_DEPTH) return false;
    stack[++depth] = content;
  }
  return true;
}

static bool find_graph(const ForeignFile *file, Wire *graph) {
  Wire w = {file->data.data, file->data.data + file->data.len}, content;
  uint32_t field;
  while (wire_field(&w, &field, &content))
    if (field == 7 && content.at) {
      *graph = content;
      return true;
    }
  return false;
}

/* Nothing marks the format: it begins with the version of the format, and has a graph. */
bool onnx_sniff(const ForeignFile *file) {
  Wire graph;
  const uint8_t *p = file->data.data;
  return file->data.len > 4 && p[0] == 0x08 && p[1] > 0 && p[1] < 64 && find_graph(file, &graph);
}

typedef struct Budget {
  Arena *arena;
  size_t left;
} Budget;

static void *budget_alloc(void *data, size_t size) {
  Budget *b = data;
  if (size > b->left) return NULL;
  b->left -= size;
  return arena_alloc(b->arena, size);
}

static void budget_free(void *data, void *pointer) {
  (void)data; /* goes with the arena */
  (void)pointer;
}

/* ---- tensors ---- */

static Diag *bad(Onnx *onnx, const char *format, ...) GRUS_PRINTF(2, 3);
static Diag *bad(Onnx *onnx, const char *format, ...) {
  va_list args;
  va_start(args, format);
  Diag *d =
      foreign_report(onnx->diags, onnx->file, E901, "%s", arena_vprintf(onnx->arena, format, args));
  va_end(args);
  return d;
}

static int elem_of(int data_type, TensorElem *elem) {
  static const struct {
    int type;
    TensorElem elem;
  } known[] = {{1, TENSOR_F32},  {2, TENSOR_U8},   {3, TENSOR_I8},   {4, TENSOR_U16},
               {5, TENSOR_I16},  {6, TENSOR_I32},  {7, TENSOR_I64},  {9, TENSOR_BOOL},
               {10, TENSOR_F16}, {11, TENSOR_F64}, {12, TENSOR_U32}, {13, TENSOR_U64},
               {16, TENSOR_BF16}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (known[i].type == data_type) return *elem = known[i].elem, 1;
  return 0;
}

static bool is_float(TensorElem elem) {
  return elem == TENSOR_F32 || elem == TENSOR_F16 || elem == TENSOR_F64 || elem == TENSOR_BF16;
}

/* The folder of a path, with its slash; "" where it has none. */
static const char *folder_of(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? arena_strndup(arena, path, (size_t)(slash - path) + 1) : "";
}

/* Beside the model or below it, also by way of links: of the file as it was named, or of what that
 * leads to, since stores of models keep all files of one under other names in one place. */
static bool is_inside(Arena *arena, const char *model, const char *file) {
  const char *folder = folder_of(arena, model), *named = place_real(arena, *folder ? folder : "."),
             *target = place_real(arena, model);
  const char *root[2] = {named ? arena_printf(arena, "%s/", strcmp(named, "/") == 0 ? "" : named)
                               : NULL,
                         target ? folder_of(arena, target) : NULL};
  for (int i = 0; i < 2; i++)
    if (root[i] && strncmp(file, root[i], strlen(root[i])) == 0) return true;
  return false;
}

static bool leaves_folder(const char *location) {
  return *location == '/' || strchr(location, '\\') || strcmp(location, "..") == 0 ||
         strncmp(location, "../", 3) == 0 || strstr(location, "/../") ||
         (strlen(location) > 3 && strcmp(location + strlen(location) - 3, "/..") == 0);
}

/* An offset or a length: digits alone. */
static bool whole_number(const char *text, unsigned long long *out) {
  if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 18) return false;
  *out = strtoull(text, NULL, 10);
  return true;
}

/* The bytes of a tensor in another file: only beside the model or below it. */
static bool external_bytes(Onnx *onnx, const OnnxFile__Tensor *t, const uint8_t **bytes,
                           size_t *n) {
  const char *location = "", *reason;
  unsigned long long offset = 0, length = 0;
  bool sized = false;
  for (size_t i = 0; i < t->n_external_data; i++) {
    const OnnxFile__Entry *e = t->external_data[i];
    bool is_offset = strcmp(e->key, "offset") == 0, is_length = strcmp(e->key, "length") == 0;
    if (strcmp(e->key, "location") == 0) location = e->value;
    if ((is_offset || is_length) && !whole_number(e->value, is_offset ? &offset : &length)) {
      bad(onnx, "tensor `%s` is kept in another file, at an impossible %s: `%s`", t->name, e->key,
          e->value);
      return false;
    }
    sized |= is_length;
  }
  if (!*location) {
    bad(onnx, "tensor `%s` is kept in another file, whose name is missing", t->name);
    return false;
  }
  const char *path =
      arena_printf(onnx->arena, "%s%s", folder_of(onnx->arena, onnx->file->path), location);
  const char *led_to = leaves_folder(location) ? NULL : place_real(onnx->arena, path);
  if (leaves_folder(location) || (led_to && !is_inside(onnx->arena, onnx->file->path, led_to))) {
    Diag *d = bad(onnx, "tensor `%s` is kept in `%s`, which leaves the folder of the model",
                  t->name, location);
    if (led_to) diag_note(d, "it is a link to `%s`", led_to);
    diag_note(d, "external data is read from files beside the model only");
    return false;
  }
  Mapped file;
  if (!file_map(onnx->arena, led_to ? led_to : path, &file, &reason)) {
    Diag *d = bad(onnx, "cannot read `%s`, which holds tensor `%s`: %s", path, t->name, reason);
    diag_note(d, "exporters write weights of large models to a file of their own: it belongs "
                 "beside the .onnx file");
    return false;
  }
  if (!sized) length = offset <= file.len ? file.len - offset : 0;
  if (offset > file.len || length > file.len - offset) {
    Diag *d = bad(onnx, "`%s` has %zu bytes; tensor `%s` needs %llu from %llu on", path, file.len,
                  t->name, length, offset);
    diag_note(d, "the file is cut off, or it belongs to another model");
    return false;
  }
  *bytes = file.data + offset;
  *n = (size_t)length;
  return true;
}

/* Elements given as numbers of the format rather than as bytes. */
static bool listed(const OnnxFile__Tensor *t, TensorElem elem, int64_t k, double *f, int64_t *i) {
  if (elem == TENSOR_F32)
    return k < (int64_t)t->n_float_data && (*f = (double)t->float_data[k], true);
  if (elem == TENSOR_F64) return k < (int64_t)t->n_double_data && (*f = t->double_data[k], true);
  if (elem == TENSOR_I64) return k < (int64_t)t->n_int64_data && (*i = t->int64_data[k], true);
  if (elem == TENSOR_U64 || elem == TENSOR_U32)
    return k < (int64_t)t->n_uint64_data && (*i = (int64_t)t->uint64_data[k], true);
  if (k >= (int64_t)t->n_int32_data) return false;
  *i = t->int32_data[k];
  if (elem != TENSOR_F16 && elem != TENSOR_BF16) return true;
  uint8_t bytes[2] = {(uint8_t)*i, (uint8_t)(*i >> 8)};
  Tensor half = {.elem = elem, .count = 1, .data = bytes};
  *f = tensor_get(&half, 0);
  return true;
}

static OnnxTensor *read_tensor(Onnx *onnx, const OnnxFile__Tensor *t) {
  TensorElem elem;
  OnnxTensor *out = ARENA_NEW(onnx->arena, OnnxTensor);
  out->name = t->name;
  out->count = 1;
  if (!elem_of(t->data_type, &elem)) {
    bad(onnx, "tensor `%s` has elements of type %d, which are not numbers that grus knows", t->name,
        t->data_type);
    return NULL;
  }
  if (t->n_dims > ONNX_MAX_RANK) {
    bad(onnx, "tensor `%s` has %zu axes; %d are read", t->name, t->n_dims, ONNX_MAX_RANK);
    return NULL;
  }
  const uint8_t *bytes = t->raw_data.data;
  size_t n_bytes = t->raw_data.len;
  if (t->data_location == 1 && !external_bytes(onnx, t, &bytes, &n_bytes)) return NULL;
  bool raw = t->data_location == 1 || n_bytes > 0;
  out->rank = (int)t->n_dims;
  for (int k = 0; k < out->rank; k++) {
    out->dim[k] = t->dims[k];
    if (t->dims[k] < 0 || !size_mul(out->count, t->dims[k], &out->count) ||
        out->count > INT32_MAX) {
      bad(onnx, "tensor `%s` has the impossible shape %s", t->name,
          onnx_dims(onnx->arena, k + 1, out->dim));
      return NULL;
    }
  }
  Tensor source = {
      .elem = elem, .count = out->count, .data = bytes, .rank = 1, .dim = {out->count}};
  size_t needed = (size_t)out->count * (size_t)tensor_elem_bytes(elem);
  if (raw && n_bytes != needed) {
    bad(onnx, "tensor `%s` has %zu bytes of data; its shape %s needs %zu", t->name, n_bytes,
        onnx_dims(onnx->arena, out->rank, out->dim), needed);
    return NULL;
  }
  size_t given =
      t->n_float_data + t->n_int32_data + t->n_int64_data + t->n_double_data + t->n_uint64_data;
  if (!raw && given != (size_t)out->count) { /* before memory is taken for it */
    bad(onnx, "tensor `%s` has %zu elements; its shape %s needs %lld", t->name, given,
        onnx_dims(onnx->arena, out->rank, out->dim), (long long)out->count);
    return NULL;
  }
  float *f = is_float(elem) ? ARENA_ARRAY(onnx->arena, float, out->count + 1) : NULL;
  int64_t *i = f ? NULL : ARENA_ARRAY(onnx->arena, int64_t, out->count + 1);
  for (int64_t k = 0; k < out->count; k++) {
    double x = 0;
    int64_t whole = 0;
    if (raw && f)
      x = tensor_get(&source, k);
    else if (raw && elem == TENSOR_I64) {
      uint64_t bits = 0;
      for (int b = 0; b < 8; b++)
        bits |= (uint64_t)bytes[k * 8 + b] << 8 * b;
      whole = (int64_t)bits;
    } else if (raw)
      whole = (int64_t)tensor_get(&source, k);
    else if (!listed(t, elem, k, &x, &whole)) {
      bad(onnx, "tensor `%s` keeps its elements in a field of another type", t->name);
      return NULL;
    }
    if (f)
      f[k] = (float)x;
    else
      i[k] = whole;
  }
  out->f = f;
  out->i = i;
  return out;
}

/* ---- nodes and graphs ---- */

static OnnxGraph *read_graph(Onnx *onnx, const OnnxFile__Graph *g);

static bool read_attribute(Onnx *onnx, const OnnxFile__Attribute *from, OnnxAttribute *to) {
  *to = (OnnxAttribute){
      .name = from->name, .type = from->type, .f = onnx_decimal(from->f), .i = from->i};
  to->s = arena_strndup(onnx->arena, from->s.data ? (const char *)from->s.data : "", from->s.len);
  if (from->t && !(to->t = read_tensor(onnx, from->t))) return false;
  if (from->g && !(to->g = read_graph(onnx, from->g))) return false;
  /* A list of one kind; the others are as long, and zero, for whoever expects those. */
  to->n = from->n_floats > from->n_ints ? from->n_floats : from->n_ints;
  if (from->n_strings > to->n) to->n = from->n_strings;
  float *floats = ARENA_ARRAY(onnx->arena, float, to->n + 1);
  int64_t *ints = ARENA_ARRAY(onnx->arena, int64_t, to->n + 1);
  to->strings = ARENA_ARRAY(onnx->arena, const char *, to->n + 1);
  if (from->n_floats) memcpy(floats, from->floats, sizeof *floats * from->n_floats);
  if (from->n_ints) memcpy(ints, from->ints, sizeof *ints * from->n_ints);
  for (size_t i = 0; i < to->n; i++)
    to->strings[i] =
        i < from->n_strings && from->strings[i].data
            ? arena_strndup(onnx->arena, (const char *)from->strings[i].data, from->strings[i].len)
            : "";
  to->floats = floats;
  to->ints = ints;
  return true;
}

/* How many of an operator's first inputs must be given; the rest may be left out, or named "". */
static int least_inputs(const char *op) {
  static const struct {
    int least;
    const char *ops;
  } table[] = {
      {0, " Constant RandomNormal RandomUniform If "},
      {2,
       " Add Sub Mul Div Pow Mod MatMul Gemm Gather GatherElements GatherND Conv ConvTranspose "
       "Less LessOrEqual "
       "Greater GreaterOrEqual Equal And Or Xor PRelu Expand Tile LayerNormalization QLinearConv "},
      {3, " LSTM GRU RNN Where Range InstanceNormalization GroupNormalization ScatterND "
          "ScatterElements OneHot "},
      {5, " BatchNormalization "}};
  for (size_t i = 0; i < sizeof table / sizeof *table; i++)
    if (onnx_is_among(table[i].ops, op)) return table[i].least;
  return strcmp(op, "Loop") == 0 || strcmp(op, "Scan") == 0 ? 0 : 1;
}

/* Every operator is looked at with the inputs it cannot do without, here and nowhere else: what
 * follows may read them. What a Loop carries has a start. */
static bool operands_there(Onnx *onnx, const OnnxNode *node) {
  bool is_loop = strcmp(node->op, "Loop") == 0;
  int least = is_loop && node->n_in > 2 ? node->n_in : least_inputs(node->op),
      from = is_loop ? 2 : 0;
  onnx->node = node;
  if (!node->n_out)
    onnx_refuse(onnx, E901, "has no output");
  else if (node->n_in < least)
    onnx_refuse(onnx, E901, "has %d input%s, and needs %d", node->n_in, node->n_in == 1 ? "" : "s",
                least);
  for (int i = from; i < least && i < node->n_in; i++)
    if (!*node->in[i])
      onnx_refuse(onnx, E901, "needs its input number %d, which has no name", i + 1);
  onnx->node = NULL;
  return !onnx->diags->n_errors;
}

static bool read_node(Onnx *onnx, const OnnxFile__Node *from, OnnxNode *to) {
  *to = (OnnxNode){.name = from->name, .op = from->op_type, .domain = from->domain};
  to->in = (const char **)from->input;
  to->n_in = (int)from->n_input;
  to->out = (const char **)from->output;
  to->n_out = (int)from->n_output;
  to->attribute = ARENA_ARRAY(onnx->arena, OnnxAttribute, from->n_attribute + 1);
  to->n_attributes = (int)from->n_attribute;
  for (int i = 0; i < to->n_attributes; i++)
    if (!read_attribute(onnx, from->attribute[i], &to->attribute[i])) return false;
  return operands_there(onnx, to);
}

static bool read_port(Onnx *onnx, const OnnxFile__Port *from, OnnxPort *to) {
  *to = (OnnxPort){.name = from->name, .rank = -1};
  const OnnxFile__TensorType *type = from->type ? from->type->tensor_type : NULL;
  if (!type) return true;
  to->elem = type->elem_type;
  if (!type->shape) return true;
  if (type->shape->n_dim > ONNX_MAX_RANK) {
    bad(onnx, "`%s` has %zu axes; %d are read", from->name, type->shape->n_dim, ONNX_MAX_RANK);
    return false;
  }
  to->rank = (int)type->shape->n_dim;
  for (int k = 0; k < to->rank; k++) {
    const OnnxFile__Dim *dim = type->shape->dim[k];
    bool fixed = dim->value_case == ONNX_FILE__DIM__VALUE_DIM_VALUE && dim->dim_value > 0;
    to->dim[k] = fixed ? dim->dim_value : 0;
    to->symbol[k] = dim->value_case == ONNX_FILE__DIM__VALUE_DIM_PARAM ? dim->dim_param : "";
  }
  return true;
}

static OnnxGraph *read_graph(Onnx *onnx, const OnnxFile__Graph *from) {
  OnnxGraph *g = ARENA_NEW(onnx->arena, OnnxGraph);
  g->name = from->name;
  if (from->n_sparse_initializer) {
    bad(onnx, "graph `%s` has sparse tensors, which grus does not read", from->name);
    return NULL;
  }
  Map constants = {0};
  g->constant = ARENA_ARRAY(onnx->arena, OnnxTensor *, from->n_initializer + 1);
  for (size_t i = 0; i < from->n_initializer; i++) {
    OnnxTensor *t = g->constant[g->n_constants++] = read_tensor(onnx, from->initializer[i]);
    if (!t) return NULL;
    map_put(onnx->arena, &constants, t->name, t);
  }
  g->node = ARENA_ARRAY(onnx->arena, OnnxNode, from->n_node + 1);
  for (size_t i = 0; i < from->n_node; i++)
    if (!read_node(onnx, from->node[i], &g->node[g->n_nodes++])) return NULL;
  g->in = ARENA_ARRAY(onnx->arena, OnnxPort, from->n_input + 1);
  g->out = ARENA_ARRAY(onnx->arena, OnnxPort, from->n_output + 1);
  for (size_t i = 0; i < from->n_input; i++)
    if (!map_get(&constants, from->input[i]->name) &&
        !read_port(onnx, from->input[i], &g->in[g->n_in++]))
      return NULL;
  for (size_t i = 0; i < from->n_output; i++)
    if (!read_port(onnx, from->output[i], &g->out[g->n_out++])) return NULL;
  return g;
}

OnnxGraph *onnx_read(Onnx *onnx) {
  const ForeignFile *file = onnx->file;
  Wire graph;
  if (!find_graph(file, &graph) || !depth_is_sane(graph)) {
    bad(onnx, "`%s` has graphs more than %d deep in each other", file->path, MAX_DEPTH);
    return NULL;
  }
  Budget budget = {onnx->arena, file->data.len * MEMORY_PER_BYTE + 65536};
  ProtobufCAllocator allocator = {budget_alloc, budget_free, &budget};
  OnnxFile__Model *m = onnx_file__model__unpack(&allocator, file->data.len, file->data.data);
  if (!m || !m->graph) {
    Diag *d = bad(onnx, "`%s` is not a whole ONNX file", file->path);
    diag_note(d, "it begins like one, but what follows is damaged or cut off");
    return NULL;
  }
  onnx->ir_version = m->ir_version;
  onnx->producer = m->producer_name;
  for (size_t i = 0; i < m->n_opset_import; i++) {
    const char *domain = m->opset_import[i]->domain;
    if (!*domain || strcmp(domain, "ai.onnx") == 0) onnx->opset = m->opset_import[i]->version;
  }
  if (onnx->opset >= 6) return read_graph(onnx, m->graph);
  Diag *d = foreign_report(onnx->diags, file, onnx->opset ? E902 : E904, "`%s` %s", file->path,
                           onnx->opset ? "uses operators from before opset 6"
                                       : "does not say which opset its operators are of");
  if (onnx->opset)
    diag_note(d,
              "opset %lld; its operators had other meanings. Convert it: `onnx.version_converter`",
              (long long)onnx->opset);
  return NULL;
}
