/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads marshal, the format of .pyc files and of Lambda in Keras. In, bytes; out, an object of
 * Python. The first byte of an object is its type. If the highest bit of this byte is set, the
 * object gets the next number, and later objects may refer to it.
 *
 * The bytes do not say which version of Python wrote them. Code objects of different versions hold
 * different fields, and only the right layout reads all bytes. */
#include "import/read/keras/python.h"

#include <string.h>

enum { DEPTH = 32, OBJECTS = 1 << 16, FLAG_REF = 0x80 };

typedef struct Marshal {
  Arena *arena;
  const uint8_t *at, *end;
  PyLayout layout;
  const PyObject **ref; /* numbered objects; NULL: it is being read */
  int n_ref;
  size_t cap_ref;
  const PyObject **interned; /* strings that Python 2 refers to by a number */
  int n_interned;
  size_t cap_interned;
  int n_objects;
} Marshal;

static const PyObject *read_object(Marshal *m, int depth);

/* A little-endian number of n bytes; false at the end of the input. */
static bool read_word(Marshal *m, int n, uint64_t *out) {
  *out = 0;
  if (m->end - m->at < n) return false;
  for (int i = 0; i < n; i++)
    *out |= (uint64_t)*m->at++ << (8 * i);
  return true;
}

/* A count that is written in `bytes` bytes, of things of at least one byte each. False: the input
 * cannot hold so many. */
static bool read_count(Marshal *m, int bytes, size_t *out) {
  uint64_t n;
  if (!read_word(m, bytes, &n) || n > (size_t)(m->end - m->at)) return false;
  *out = (size_t)n;
  return true;
}

static PyObject *text_object(Marshal *m, PyKind kind, int bytes) {
  PyObject *o = ARENA_NEW(m->arena, PyObject);
  o->kind = kind;
  if (!read_count(m, bytes, &o->len)) return NULL;
  o->text = arena_strndup(m->arena, (const char *)m->at, o->len);
  m->at += o->len;
  return o;
}

/* A whole number: the count of its digits, whose sign is that of the number, then digits of 15
 * bits, the lowest first. */
static PyObject *read_long(Marshal *m) {
  enum { BITS = 15 };
  PyObject *o = ARENA_NEW(m->arena, PyObject);
  uint64_t word, digit, value = 0;
  if (!read_word(m, 4, &word)) return NULL;
  int32_t count = (int32_t)(uint32_t)word;
  int64_t n = count < 0 ? -(int64_t)count : count;
  o->kind = n * BITS < 63 ? PY_INT : PY_OTHER;
  for (int64_t i = 0; i < n; i++) {
    if (!read_word(m, 2, &digit) || digit >> BITS) return NULL;
    if (o->kind == PY_INT) value |= digit << (BITS * i);
  }
  o->integer = count < 0 ? -(int64_t)value : (int64_t)value;
  return o;
}

static PyObject *read_float(Marshal *m) {
  PyObject *o = ARENA_NEW(m->arena, PyObject);
  uint64_t bits;
  if (!read_word(m, 8, &bits)) return NULL;
  o->kind = PY_FLOAT;
  memcpy(&o->number, &bits, sizeof o->number);
  return o;
}

static bool read_items(Marshal *m, int count_bytes, PyKind kind, int depth, PyObject *out) {
  size_t left, cap = 0;
  PyObject *item = NULL;
  int n = 0;
  if (!read_count(m, count_bytes, &left)) return false;
  for (; left; left--) {
    const PyObject *one = read_object(m, depth);
    if (!one) return false;
    ARENA_PUSH(m->arena, item, n, cap, *one);
  }
  out->kind = kind;
  out->item = item;
  out->n = n;
  return true;
}

/* The earlier object that a number refers to; NULL: there is none, or it is not complete. */
static const PyObject *earlier(Marshal *m, const PyObject *const *list, int n) {
  uint64_t i;
  return read_word(m, 4, &i) && i < (uint64_t)n ? list[i] : NULL;
}

/* ---- code ---- */

static bool are_texts(const PyObject *list) {
  for (int i = 0; i < list->n; i++)
    if (list->item[i].kind != PY_TEXT || strlen(list->item[i].text) != list->item[i].len)
      return false;
  return list->kind == PY_LIST;
}

/* Reads the fields after the names of the variables, of which grus uses only `n_cells`. */
static bool skip_rest(Marshal *m, int depth, PyCode *code) {
  static const int objects_before_line[PY_LAYOUT_COUNT] = {4, 4, 4, 4}, after[] = {1, 1, 1, 2};
  uint64_t line;
  for (int i = 0; i < objects_before_line[m->layout]; i++) {
    const PyObject *o = read_object(m, depth);
    if (!o) return false;
    if (i == 1 && m->layout < PY_LAYOUT_3_11) code->n_cells = o->n; /* the second one */
  }
  if (!read_word(m, 4, &line)) return false;
  for (int i = 0; i < after[m->layout]; i++)
    if (!read_object(m, depth)) return false;
  return true;
}

static bool read_code(Marshal *m, int depth, PyObject *out) {
  static const int n_words[PY_LAYOUT_COUNT] = {4, 5, 6, 5}, keyword_only[] = {-1, 1, 2, 2};
  enum { MOST_WORDS = 6 };
  PyCode *code = ARENA_NEW(m->arena, PyCode);
  uint64_t word[MOST_WORDS];
  const PyObject *field[4];
  for (int i = 0; i < n_words[m->layout]; i++)
    if (!read_word(m, 4, &word[i]) || word[i] > INT32_MAX) return false;
  for (int i = 0; i < 4; i++) {
    field[i] = read_object(m, depth);
    if (!field[i]) return false;
  }
  bool is_code = field[0]->kind == PY_BYTES || field[0]->kind == PY_TEXT;
  int own = keyword_only[m->layout];
  uint64_t n_args = word[0] + (own < 0 ? 0 : word[own]);
  if (!is_code || field[1]->kind != PY_LIST || !are_texts(field[2]) || !are_texts(field[3]) ||
      n_args > (uint64_t)field[3]->n || !skip_rest(m, depth, code))
    return false;
  code->layout = m->layout;
  code->n_args = (int)n_args;
  code->n_plain = (int)word[0];
  code->flags = (unsigned)word[n_words[m->layout] - 1];
  code->bytes = (const uint8_t *)field[0]->text;
  code->len = field[0]->len;
  code->consts = *field[1];
  code->names = *field[2];
  code->locals = *field[3];
  *out = (PyObject){.kind = PY_CODE, .code = code};
  return true;
}

/* ---- objects ---- */

static PyObject *simple(Marshal *m, PyKind kind, int64_t integer) {
  PyObject *o = ARENA_NEW(m->arena, PyObject);
  *o = (PyObject){.kind = kind, .integer = integer};
  return o;
}

static PyObject *interned(Marshal *m) {
  PyObject *o = text_object(m, PY_TEXT, 4);
  if (o && m->layout == PY_LAYOUT_2)
    ARENA_PUSH(m->arena, m->interned, m->n_interned, m->cap_interned, o);
  return o;
}

static const PyObject *read_int(Marshal *m) {
  uint64_t word;
  return read_word(m, 4, &word) ? simple(m, PY_INT, (int32_t)(uint32_t)word) : NULL;
}

static const PyObject *read_typed(Marshal *m, int type, int depth) {
  PyObject *o;
  bool ok;
  switch (type) {
  case 'N': return simple(m, PY_NONE, 0);
  case 'F': return simple(m, PY_BOOL, 0);
  case 'T': return simple(m, PY_BOOL, 1);
  case '.': return simple(m, PY_ELLIPSIS, 0);
  case 'i': return read_int(m);
  case 'l': return read_long(m);
  case 'g': return read_float(m);
  case 's': return text_object(m, m->layout == PY_LAYOUT_2 ? PY_TEXT : PY_BYTES, 4);
  case 't': return interned(m);
  case 'u':
  case 'a':
  case 'A': return text_object(m, PY_TEXT, 4);
  case 'z':
  case 'Z': return text_object(m, PY_TEXT, 1);
  case 'R': return earlier(m, m->interned, m->n_interned);
  case '(':
  case ')':
  case '[':
  case '<':
  case '>':
    o = simple(m, PY_OTHER, 0);
    ok = read_items(m, type == ')' ? 1 : 4, type == '<' || type == '>' ? PY_OTHER : PY_LIST, depth,
                    o);
    return ok ? o : NULL;
  case 'c': o = simple(m, PY_CODE, 0); return read_code(m, depth, o) ? o : NULL;
  default: return NULL; /* a complex number, a dictionary, or no type */
  }
}

/* Reads one object; NULL: the bytes are no object that grus reads. */
static const PyObject *read_object(Marshal *m, int depth) {
  uint64_t type;
  if (depth == 0 || ++m->n_objects > OBJECTS || !read_word(m, 1, &type)) return NULL;
  if (type == 'r') return earlier(m, m->ref, m->n_ref);
  int number = m->n_ref;
  if (type & FLAG_REF) ARENA_PUSH(m->arena, m->ref, m->n_ref, m->cap_ref, NULL);
  const PyObject *o = read_typed(m, (int)(type & ~(uint64_t)FLAG_REF), depth - 1);
  if (type & FLAG_REF) m->ref[number] = o;
  return o;
}

const PyCode *py_unmarshal(Arena *arena, const uint8_t *data, size_t len) {
  for (PyLayout layout = 0; layout < PY_LAYOUT_COUNT; layout++) {
    Marshal m = {.arena = arena, .at = data, .end = data + len, .layout = layout};
    const PyObject *o = read_object(&m, DEPTH);
    if (o && o->kind == PY_CODE && m.at == m.end) return o->code;
  }
  return NULL;
}
