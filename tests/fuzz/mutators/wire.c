/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Messages of protocol buffers without their schema: a field of some message is left out, doubled,
 * exchanged with its neighbour, given another number or other bytes. What counts bytes in a field
 * and parses as a message is taken for one. */
#include "mutators.h"

enum { MOST_FIELDS = 4096, MOST_DEPTH = 12, VARINT = 0, WORD64 = 1, BYTES = 2, WORD32 = 5 };

typedef struct Field {
  size_t at, body, end; /* its tag, its content, what follows it */
  unsigned wire;
} Field;

typedef struct Out {
  uint8_t *bytes;
  size_t n, room;
} Out;

static int put(Out *out, const uint8_t *bytes, size_t n) {
  if (n > out->room - out->n) return 0;
  memcpy(out->bytes + out->n, bytes, n);
  out->n += n;
  return 1;
}

static int put_varint(Out *out, uint64_t x) {
  uint8_t bytes[10];
  size_t n = 0;
  do {
    bytes[n] = (uint8_t)(x & 127);
    x >>= 7;
    if (x) bytes[n] |= 128;
    n++;
  } while (x);
  return put(out, bytes, n);
}

static int varint(const uint8_t *data, size_t end, size_t *at, uint64_t *x) {
  *x = 0;
  for (int shift = 0; shift < 64 && *at < end; shift += 7) {
    uint8_t byte = data[(*at)++];
    *x |= (uint64_t)(byte & 127) << shift;
    if (byte < 128) return 1;
  }
  return 0;
}

/* The fields of a message; 0: it is none. */
static size_t fields_of(const uint8_t *data, size_t from, size_t end, Field *field) {
  size_t n = 0;
  for (size_t at = from; at < end; n++) {
    uint64_t tag, length = 0;
    if (n == MOST_FIELDS) return 0;
    field[n].at = at;
    if (!varint(data, end, &at, &tag) || tag < 8 || tag >> 3 > 4096) return 0;
    field[n].wire = (unsigned)(tag & 7);
    field[n].body = at;
    switch (field[n].wire) {
    case VARINT:
      if (!varint(data, end, &at, &length)) return 0;
      break;
    case WORD64: at += 8; break;
    case WORD32: at += 4; break;
    case BYTES:
      if (!varint(data, end, &at, &length) || length > end - at) return 0;
      field[n].body = at;
      at += length;
      break;
    default: return 0;
    }
    if (at > end) return 0;
    field[n].end = at;
  }
  return n;
}

static int put_field(Out *out, const uint8_t *data, const Field *f) {
  return put(out, data + f->at, f->end - f->at);
}

/* The tag of f alone. */
static int put_tag(Out *out, const uint8_t *data, const Field *f) {
  uint64_t tag;
  size_t at = f->at;
  return varint(data, f->end, &at, &tag) && put(out, data + f->at, at - f->at);
}

static int put_changed_value(Out *out, const uint8_t *data, const Field *f, uint64_t *state) {
  static uint8_t bytes[MUTATOR_ROOM];
  size_t n = f->end - f->body;
  uint64_t number = mutator_number(state);
  if (f->wire == VARINT) return put_tag(out, data, f) && put_varint(out, number);
  if (n > sizeof bytes / 2) return put_field(out, data, f);
  memcpy(bytes, data + f->body, n);
  if (f->wire != BYTES) {
    memcpy(bytes, &number, n < sizeof number ? n : sizeof number);
    return put_tag(out, data, f) && put(out, bytes, n);
  }
  n = LLVMFuzzerMutate(bytes, n, n + 16);
  return put_tag(out, data, f) && put_varint(out, n) && put(out, bytes, n);
}

static int put_message(Out *out, const uint8_t *data, size_t from, size_t end, uint64_t *state,
                       int depth);

/* Field i, changed in one of the ways. */
static int put_change(Out *out, const uint8_t *data, const Field *field, size_t n, size_t i,
                      uint64_t *state, int depth, int *swapped) {
  static uint8_t inner[MOST_DEPTH][MUTATOR_ROOM / 4];
  const Field *f = &field[i];
  Out nested = {inner[depth], 0, sizeof inner[depth]};
  if (f->wire == BYTES && depth + 1 < MOST_DEPTH && mutator_below(state, 6) &&
      put_message(&nested, data, f->body, f->end, state, depth + 1))
    return put_tag(out, data, f) && put_varint(out, nested.n) && put(out, nested.bytes, nested.n);
  switch (mutator_below(state, 5)) {
  case 0: return 1;
  case 1: return put_field(out, data, f) && put_field(out, data, f);
  case 2:
    *swapped = i + 1 < n;
    return (!*swapped || put_field(out, data, &field[i + 1])) && put_field(out, data, f);
  case 3: return put_field(out, data, f) && put_field(out, data, &field[mutator_below(state, n)]);
  default: return put_changed_value(out, data, f, state);
  }
}

static int put_message(Out *out, const uint8_t *data, size_t from, size_t end, uint64_t *state,
                       int depth) {
  static Field fields[MOST_DEPTH][MOST_FIELDS];
  Field *field = fields[depth];
  size_t n = fields_of(data, from, end, field);
  if (!n) return 0;
  size_t chosen = mutator_below(state, n);
  for (size_t i = 0; i < n; i++) {
    int swapped = 0;
    if (!(i == chosen ? put_change(out, data, field, n, i, state, depth, &swapped)
                      : put_field(out, data, &field[i])))
      return 0;
    i += (size_t)swapped;
  }
  return 1;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
  static uint8_t room[MUTATOR_ROOM];
  uint64_t state = seed;
  Out out = {room, 0, max_size < sizeof room ? max_size : sizeof room};
  if (mutator_below(&state, 2) == 0 || !put_message(&out, data, 0, size, &state, 0))
    return LLVMFuzzerMutate(data, size, max_size);
  memcpy(data, out.bytes, out.n);
  return out.n;
}
