/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bytes to protobuf messages. protobuf-c recurses into messages and takes the memory it needs: how
 * deep graphs lie in nodes of graphs is bounded before, and memory grows with the file alone. */
#include "import/read/onnx/reader.h"
#include "import/read/unpack.h"

enum { MAX_GRAPHS = 12 };

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
  enum { VARINT, BITS_64, BYTES, BITS_32 = 5 };
  uint64_t key, n;
  *content = (Wire){NULL, NULL};
  if (w->at >= w->end || !wire_number(w, &key)) return false;
  *field = (uint32_t)(key >> 3);
  unsigned kind = (unsigned)(key & 7);
  if (kind == VARINT) return wire_number(w, &n);
  if (kind == BITS_64)
    n = 8;
  else if (kind == BITS_32)
    n = 4;
  else if (kind != BYTES || !wire_number(w, &n))
    return false;
  if (n > (uint64_t)(w->end - w->at)) return false;
  if (kind == BYTES) *content = (Wire){w->at, w->at + n};
  w->at += n;
  return true;
}

/* From a message of one kind to a graph within: node 1, attribute 5, g 6; a function's nodes are 7
 * of its own. `first`: where in this path the message stands. */
static bool depth_is_sane(Wire message, int first) {
  static const uint32_t path[] = {1, 5, 6};
  Wire stack[3 * MAX_GRAPHS + 1];
  int depth = 0;
  stack[0] = message;
  while (depth >= 0) {
    uint32_t field;
    Wire content;
    if (!wire_field(&stack[depth], &field, &content)) {
      depth--;
      continue;
    }
    if (!content.at || field != path[(depth + first) % 3]) continue;
    if (depth == 3 * MAX_GRAPHS) return false;
    stack[++depth] = content;
  }
  return true;
}

static bool graphs_are_sane(const ForeignFile *file) {
  Wire w = {file->data.data, file->data.data + file->data.len}, content;
  uint32_t field;
  while (wire_field(&w, &field, &content))
    if (field == 7 && content.at && !depth_is_sane(content, 0)) return false;
  return true;
}

/* Nothing marks the format: it begins with the version of the format, and has a graph. */
bool onnx_sniff(const ForeignFile *file) {
  Wire w = {file->data.data, file->data.data + file->data.len}, content;
  const uint8_t *p = file->data.data;
  uint32_t field;
  bool begins = file->data.len > 4 && p[0] == 0x08 && p[1] > 0 && p[1] < 64;
  while (begins && wire_field(&w, &field, &content))
    if (field == 7 && content.at) return true;
  return false;
}

const OnnxFile__Model *onnx_unpack(Arena *arena, const ForeignFile *file, Diags *diags) {
  UnpackBudget budget = unpack_budget(arena, file->data.len);
  ProtobufCAllocator allocator = unpack_allocator(&budget);
  if (!graphs_are_sane(file)) {
    foreign_report(diags, file, E901, "`%s` has graphs that are nested more than %d deep",
                   file->path, MAX_GRAPHS);
    return NULL;
  }
  const OnnxFile__Model *model =
      onnx_file__model__unpack(&allocator, file->data.len, file->data.data);
  if (model && model->graph) return model;
  Diag *d =
      foreign_report(diags, file, E901, "`%s` is a damaged or incomplete ONNX file", file->path);
  diag_note(d, "it begins like one, but the rest is damaged or missing");
  return NULL;
}

static Wire wire_of(ProtobufCBinaryData bytes) {
  static const uint8_t none[1] = {0};
  const uint8_t *data = bytes.data ? bytes.data : none; /* protobuf-c has NULL for no bytes */
  return (Wire){data, data + bytes.len};
}

OnnxNode *onnx_unpack_node(Arena *arena, ProtobufCBinaryData bytes) {
  UnpackBudget budget = unpack_budget(arena, bytes.len);
  ProtobufCAllocator allocator = unpack_allocator(&budget);
  if (!depth_is_sane(wire_of(bytes), 1)) return NULL;
  return onnx_file__node__unpack(&allocator, bytes.len, bytes.data);
}

OnnxAttribute *onnx_unpack_attribute(Arena *arena, ProtobufCBinaryData bytes) {
  UnpackBudget budget = unpack_budget(arena, bytes.len);
  ProtobufCAllocator allocator = unpack_allocator(&budget);
  if (!depth_is_sane(wire_of(bytes), 2)) return NULL;
  return onnx_file__attribute__unpack(&allocator, bytes.len, bytes.data);
}
