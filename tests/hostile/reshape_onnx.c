/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Damage to the structure of ONNX files; see reshape_onnx.h. The descriptors that protobuf-c makes
 * say where the fields of each message are. */
#include "reshape_onnx.h"

#include <import/onnx.pb-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A field of a message that holds something. */
typedef struct Place {
  ProtobufCMessage *in;
  const ProtobufCFieldDescriptor *field;
} Place;

enum { MAX_PLACES = 4096, MAX_WORDS = 2048, MAX_MEMORY = 1 << 21 };

typedef struct Reshape {
  uint64_t random;
  Place place[MAX_PLACES];
  int n_places;
  char *word[MAX_WORDS]; /* the names that the file holds */
  int n_words;
  void *made[64]; /* freed when the copy is written */
  int n_made;
} Reshape;

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t next(Reshape *r) {
  uint64_t z = r->random += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

static size_t below(Reshape *r, size_t n) {
  return n ? (size_t)(next(r) % n) : 0;
}

static void *member(const Place *p) {
  return (char *)p->in + p->field->offset;
}
static size_t *count_of(const Place *p) {
  return (size_t *)(void *)((char *)p->in + p->field->quantifier_offset);
}
static bool is_repeated(const Place *p) {
  return p->field->label == PROTOBUF_C_LABEL_REPEATED;
}

static size_t element_size(const Place *p) {
  switch (p->field->type) {
  case PROTOBUF_C_TYPE_INT64:
  case PROTOBUF_C_TYPE_UINT64:
  case PROTOBUF_C_TYPE_SINT64:
  case PROTOBUF_C_TYPE_FIXED64:
  case PROTOBUF_C_TYPE_SFIXED64:
  case PROTOBUF_C_TYPE_DOUBLE: return 8;
  case PROTOBUF_C_TYPE_STRING:
  case PROTOBUF_C_TYPE_MESSAGE: return sizeof(void *);
  case PROTOBUF_C_TYPE_BYTES: return sizeof(ProtobufCBinaryData);
  default: return 4;
  }
}

static void collect(Reshape *r, ProtobufCMessage *m);

static void collect_field(Reshape *r, const Place *p) {
  size_t n = is_repeated(p) ? *count_of(p) : 1;
  void *base = is_repeated(p) ? *(void **)member(p) : member(p);
  for (size_t i = 0; i < n; i++) {
    if (p->field->type == PROTOBUF_C_TYPE_MESSAGE && ((ProtobufCMessage **)base)[i])
      collect(r, ((ProtobufCMessage **)base)[i]);
    if (p->field->type == PROTOBUF_C_TYPE_STRING && r->n_words < MAX_WORDS)
      r->word[r->n_words++] = ((char **)base)[i];
  }
}

static void collect(Reshape *r, ProtobufCMessage *m) {
  for (unsigned i = 0; i < m->descriptor->n_fields; i++) {
    const ProtobufCFieldDescriptor *f = &m->descriptor->fields[i];
    Place p = {m, f};
    bool chosen =
        !(f->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) || *(uint32_t *)(void *)count_of(&p) == f->id;
    bool absent = f->type == PROTOBUF_C_TYPE_MESSAGE && !is_repeated(&p) && !*(void **)member(&p);
    if (!chosen || absent || (is_repeated(&p) && !*count_of(&p))) continue;
    if (r->n_places < MAX_PLACES) r->place[r->n_places++] = p;
    collect_field(r, &p);
  }
}

/* A number that is at some limit, or ordinary and wrong. */
static int64_t odd_number(Reshape *r) {
  static const int64_t numbers[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    5,
                                    7,
                                    8,
                                    9,
                                    12,
                                    16,
                                    64,
                                    1000,
                                    -1,
                                    -2,
                                    -3,
                                    -8,
                                    INT64_C(1) << 20,
                                    INT32_MAX,
                                    INT32_MIN,
                                    INT64_C(1) << 32,
                                    INT64_C(1) << 40,
                                    INT64_MAX,
                                    INT64_MIN};
  return numbers[below(r, sizeof numbers / sizeof *numbers)];
}

static char *other_word(Reshape *r) {
  static char empty[] = "", unknown[] = "not there";
  size_t choice = below(r, 8);
  return choice == 0 || !r->n_words ? empty
         : choice == 1              ? unknown
                                    : r->word[below(r, (size_t)r->n_words)];
}

/* The array with room for one more; the old one stays, for others may share it. */
static char *grown(Reshape *r, const Place *p, size_t n) {
  size_t size = element_size(p);
  char *more = malloc((n + 1) * size);
  if (!more) abort();
  memcpy(more, *(void **)member(p), n * size);
  r->made[r->n_made++] = more;
  *(void **)member(p) = more;
  return more;
}

/* Another name for the outputs of a node that is there twice: the first output counts. */
static void rename_outputs(Reshape *r, ProtobufCMessage **node) {
  static const char extra[] = "_again";
  if ((*node)->descriptor != &onnx_file__node__descriptor) return;
  OnnxFile__Node *copy = malloc(sizeof *copy);
  if (!copy) abort();
  *copy = *(OnnxFile__Node *)*node;
  r->made[r->n_made++] = copy;
  *node = &copy->base;
  if (!copy->n_output) return;
  char **outputs = malloc(copy->n_output * sizeof *outputs),
       *name = malloc(strlen(copy->output[0]) + sizeof extra);
  if (!outputs || !name) abort();
  memcpy(outputs, copy->output, copy->n_output * sizeof *outputs);
  strcat(strcpy(name, copy->output[0]), extra);
  outputs[0] = name;
  copy->output = outputs;
  r->made[r->n_made++] = outputs;
  r->made[r->n_made++] = name;
}

static void change_repeated(Reshape *r, const Place *p) {
  size_t n = *count_of(p), size = element_size(p), at = below(r, n), to = below(r, n);
  char *array = grown(r, p, n);
  switch (below(r, 5)) {
  case 0: /* one less */
    memmove(array + at * size, array + (at + 1) * size, (n - at - 1) * size);
    *count_of(p) = n - 1;
    break;
  case 1: /* one twice */
  case 2:
    memmove(array + (at + 1) * size, array + at * size, (n - at) * size);
    *count_of(p) = n + 1;
    if (p->field->type == PROTOBUF_C_TYPE_MESSAGE && below(r, 2))
      rename_outputs(r, &((ProtobufCMessage **)(void *)array)[at + 1]);
    break;
  case 3: /* one over another */ memcpy(array + to * size, array + at * size, size); break;
  case 4: *count_of(p) = 0; break;
  }
}

static void change_value(Reshape *r, const Place *p) {
  size_t n = is_repeated(p) ? *count_of(p) : 1, size = element_size(p);
  char *at = is_repeated(p) ? grown(r, p, n) : member(p);
  at += below(r, n) * size;
  int64_t number = odd_number(r);
  int32_t small = (int32_t)number;
  char *word = other_word(r);
  void *nothing = NULL;
  static const float floats[] = {0, -1, 1e38F, 1e-40F, 2};
  switch (p->field->type) {
  case PROTOBUF_C_TYPE_STRING: memcpy(at, &word, sizeof word); break;
  case PROTOBUF_C_TYPE_MESSAGE:
    if (!is_repeated(p)) memcpy(at, &nothing, sizeof nothing);
    break;
  case PROTOBUF_C_TYPE_BYTES: {
    ProtobufCBinaryData bytes;
    memcpy(&bytes, at, sizeof bytes);
    bytes.len = below(r, bytes.len);
    memcpy(at, &bytes, sizeof bytes);
    break;
  }
  case PROTOBUF_C_TYPE_FLOAT:
    memcpy(at, &floats[below(r, sizeof floats / sizeof *floats)], size);
    break;
  default: memcpy(at, size == 8 ? (void *)&number : (void *)&small, size); break;
  }
}

/* Messages that stand in two places are freed once: what is unpacked lies in one block. */
typedef struct Block {
  char *bytes;
  size_t used;
} Block;

static void *block_alloc(void *data, size_t size) {
  Block *b = data;
  size = (size + 15) / 16 * 16;
  if (size > MAX_MEMORY - b->used) return NULL;
  b->used += size;
  return b->bytes + b->used - size;
}

static void block_free(void *data, void *p) {
  (void)data;
  (void)p;
}

size_t reshape_onnx(const uint8_t *data, size_t len, uint64_t seed, uint8_t *out, size_t room) {
  Reshape *r = calloc(1, sizeof *r);
  Block block = {malloc(MAX_MEMORY), 0};
  ProtobufCAllocator allocator = {block_alloc, block_free, &block};
  if (!r || !block.bytes) abort();
  r->random = seed;
  OnnxFile__Model *model = onnx_file__model__unpack(&allocator, len, data);
  size_t made = 0;
  if (model) collect(r, &model->base);
  for (size_t n = 1 + below(r, 3); r->n_places && n > 0; n--) {
    const Place *p = &r->place[below(r, (size_t)r->n_places)];
    if (is_repeated(p) && *count_of(p) && below(r, 2))
      change_repeated(r, p);
    else if (!is_repeated(p) || *count_of(p))
      change_value(r, p);
  }
  if (r->n_places) {
    size_t need = onnx_file__model__get_packed_size(model);
    made = need <= room ? onnx_file__model__pack(model, out) : 0;
  }
  for (int i = 0; i < r->n_made; i++)
    free(r->made[i]);
  free(block.bytes);
  free(r);
  return made;
}
