/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads .npy, versions 1 to 3: a mark, the version, the length of the header, and a Python
 * dictionary such as
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 *
 * then the data. Elements can be numbers, or objects, which are a pickle. Structures are an error.
 */
#include "import/tensors/tree.h"

#include <string.h>

typedef struct NpyCursor {
  const char *p, *end;
} NpyCursor;

static void skip_blanks(NpyCursor *c) {
  while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n'))
    c->p++;
}

static bool eat(NpyCursor *c, char ch) {
  skip_blanks(c);
  if (c->p >= c->end || *c->p != ch) return false;
  c->p++;
  return true;
}

static bool eat_word(NpyCursor *c, const char *word) {
  size_t n = strlen(word);
  skip_blanks(c);
  if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0) return false;
  c->p += n;
  return true;
}

/* A string in either kind of quotes, without escapes. */
static bool eat_string(NpyCursor *c, char *out, size_t cap) {
  skip_blanks(c);
  if (c->p >= c->end || (*c->p != '\'' && *c->p != '"')) return false;
  char quote = *c->p++;
  size_t n = 0;
  while (c->p < c->end && *c->p != quote && n + 1 < cap)
    out[n++] = *c->p++;
  out[n] = 0;
  return c->p < c->end && *c->p++ == quote;
}

static bool eat_int(NpyCursor *c, int64_t *out) {
  skip_blanks(c);
  const char *first = c->p;
  int64_t n = 0;
  for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
    if (!size_mul(n, 10, &n) || !size_add(n, *c->p - '0', &n)) return false;
  if (c->p > first && c->p < c->end && *c->p == 'L') c->p++; /* written by Python 2 */
  *out = n;
  return c->p > first;
}

static bool eat_shape(NpyCursor *c, Tensor *t) {
  if (!eat(c, '(')) return false;
  while (!eat(c, ')')) {
    if (t->rank >= TENSOR_MAX_RANK || !eat_int(c, &t->dim[t->rank])) return false;
    t->rank++;
    if (!eat(c, ',')) return eat(c, ')');
  }
  return true;
}

bool npy_descr(const char *s, Tensor *t) {
  static const struct {
    const char *name;
    TensorElem elem;
  } names[] = {{"f2", TENSOR_F16}, {"f4", TENSOR_F32}, {"f8", TENSOR_F64}, {"i1", TENSOR_I8},
               {"u1", TENSOR_U8},  {"i2", TENSOR_I16}, {"u2", TENSOR_U16}, {"i4", TENSOR_I32},
               {"u4", TENSOR_U32}, {"i8", TENSOR_I64}, {"u8", TENSOR_U64}, {"b1", TENSOR_BOOL}};
  if (*s == '<' || *s == '>' || *s == '|' || *s == '=') t->big_endian = *s++ == '>';
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (strcmp(s, names[i].name) == 0) {
      t->elem = names[i].elem;
      return true;
    }
  return false;
}

/* Reads the dictionary. *objects: the elements are objects, and t has no element type. */
static bool parse_header(Arena *arena, NpyCursor c, Tensor *t, bool *objects, const char **reason) {
  char key[32], descr[32] = "";
  bool has_descr = false, has_order = false, has_shape = false;
  *reason = "its .npy header is not a dictionary of descr, fortran_order and shape";
  if (!eat(&c, '{')) return false;
  while (!eat(&c, '}')) {
    if (!eat_string(&c, key, sizeof key) || !eat(&c, ':')) return false;
    if (strcmp(key, "descr") == 0 && !has_descr) {
      if (!eat_string(&c, descr, sizeof descr)) return false;
      has_descr = true;
    } else if (strcmp(key, "fortran_order") == 0 && !has_order) {
      t->fortran = eat_word(&c, "True");
      if (!t->fortran && !eat_word(&c, "False")) return false;
      has_order = true;
    } else if (strcmp(key, "shape") == 0 && !has_shape) {
      if (!eat_shape(&c, t)) return false;
      has_shape = true;
    } else
      return false;
    if (!eat(&c, ',') && !(c.p < c.end && *c.p == '}')) return false;
  }
  if (!has_descr || !has_order || !has_shape) return false;
  *reason = arena_printf(arena, "its elements are `%s`, which is not supported", descr);
  *objects = strcmp(descr, "|O") == 0;
  return *objects || npy_descr(descr, t);
}

/* Reads the header and finds where the data begins; false with *reason. */
static bool read_head(Arena *arena, Mapped file, Tensor *out, bool *objects, size_t *begin,
                      const char **reason) {
  *reason = "it ends within the .npy header";
  if (file.len < 10) return false;
  if (memcmp(file.data, "\x93NUMPY", 6) != 0) {
    *reason = "it is not .npy data";
    return false;
  }
  int version = file.data[6];
  size_t at = version == 1 ? 10 : 12, header = file.data[8] | (size_t)file.data[9] << 8;
  if (version < 1 || version > 3) {
    *reason = arena_printf(arena, "it is .npy version %d; grus supports 1 to 3", version);
    return false;
  }
  if (version > 1 && file.len >= 12)
    header |= (size_t)file.data[10] << 16 | (size_t)file.data[11] << 24;
  if (file.len < at || header > file.len - at) return false;
  NpyCursor c = {(const char *)file.data + at, (const char *)file.data + at + header};
  *begin = at + header;
  return parse_header(arena, c, out, objects, reason);
}

bool npy_parse(Arena *arena, Mapped file, Tensor *out, const char **reason) {
  size_t begin;
  bool objects;
  if (!read_head(arena, file, out, &objects, &begin, reason)) return false;
  out->data = file.data + begin;
  if (!out->name) out->name = "";
  *reason = "its elements are objects of Python, not numbers";
  return !objects && tensor_check(arena, out, file.len - begin, reason);
}

bool npy_parse_named(Tree *tree, Mapped file, const char *name, const char **reason) {
  size_t begin;
  bool objects;
  Tensor t = {.name = name};
  if (!read_head(tree->arena, file, &t, &objects, &begin, reason)) return false;
  if (objects) {
    const PickleValue *value = pickle_read(tree->arena, file, &begin, NULL, reason);
    return value && tree_add(tree, value, name, reason);
  }
  t.data = file.data + begin;
  if (!tensor_check(tree->arena, &t, file.len - begin, reason)) return false;
  tree_add_tensor(tree, t, name);
  return true;
}
