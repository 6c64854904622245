/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arrays of NumPy in a pickle. Up to protocol 4, a pickle makes an empty array and gives it the
 * state (version, shape, type, Fortran order, bytes). In protocol 5, the bytes are an argument. */
#include "import/tensors/tree.h"

#include "base/text.h"

#include <string.h>

/* Whether a value is the result of a function of NumPy, under the module name of version 1 or 2. */
static bool is_function(const PickleValue *value, const char *rest) {
  static const char *const modules[] = {"numpy.core.", "numpy._core."};
  for (size_t i = 0; i < sizeof modules / sizeof *modules; i++) {
    size_t n = strlen(modules[i]);
    const char *name =
        value->kind == PICKLE_OBJECT && value->of->kind == PICKLE_CLASS ? value->of->text : "";
    if (strncmp(name, modules[i], n) == 0 && strcmp(name + n, rest) == 0) return true;
  }
  return false;
}

/* The byte order in the state of a type, (3, "<", ...). */
static const char *order_of(const PickleValue *dtype) {
  const PickleValue *state = dtype->state,
                    *order = state && state->kind == PICKLE_TUPLE && state->list.n > 1
                                 ? state->list.item[1]
                                 : NULL;
  return pickle_text_is(order, ">") ? ">" : "<";
}

/* The name of a type, such as "f4" or "O8"; NULL if the value is no type. */
static const char *type_name(Arena *arena, const PickleValue *dtype) {
  const PickleValue *name = pickle_is_object(dtype, "numpy.dtype") ? pickle_arg(dtype, 0) : NULL;
  return name && name->kind == PICKLE_TEXT && name->len < 16
             ? arena_strndup(arena, name->text, name->len)
             : NULL;
}

/* Decodes bytes that Python 3 wrote in an old protocol: a text with one character of Latin-1 for
 * each. */
static bool decode(Tree *tree, const PickleValue *text, Mapped *out, const char **reason) {
  if (!tree_spend(tree, text->len, reason)) return false;
  uint8_t *to = arena_alloc(tree->arena, text->len + 1);
  *reason = "its bytes are written as text that is damaged";
  size_t n = 0, len;
  for (size_t at = 0; at < text->len; at += len) {
    unsigned c = text_decode(text->text + at, text->len - at, &len);
    if (c > 255) return false;
    to[n++] = (uint8_t)c;
  }
  *out = (Mapped){to, n};
  return true;
}

bool pickle_as_bytes(Tree *tree, const PickleValue *value, Mapped *out, const char **reason) {
  *reason = "its bytes are missing";
  bool encoded = pickle_is_object(value, "_codecs.encode") ||
                 pickle_is_object(value, "__builtin__.bytearray") ||
                 pickle_is_object(value, "builtins.bytearray");
  const PickleValue *arg = encoded ? pickle_arg(value, 0) : value; /* of bytes() there is none */
  if (!arg || (arg->kind != PICKLE_BYTES && arg->kind != PICKLE_TEXT)) return false;
  if (encoded && arg->kind == PICKLE_TEXT) return decode(tree, arg, out, reason);
  *out = (Mapped){(const uint8_t *)arg->text, arg->len};
  return true;
}

static TreeFound take(Tree *tree, const PickleValue *shape, const PickleValue *dtype, bool fortran,
                      const PickleValue *bytes, Tensor *out, const char **reason) {
  Mapped data;
  const char *type = type_name(tree->arena, dtype);
  *reason = "it is a damaged array of NumPy";
  if (!type || !tree_numbers(shape, out->dim, &out->rank)) return TREE_BAD;
  if (type[0] == 'O') return TREE_OTHER;
  if (!npy_descr(arena_printf(tree->arena, "%s%s", order_of(dtype), type), out)) {
    *reason = arena_printf(tree->arena, "its elements are `%s`, which is not supported", type);
    return TREE_UNREAD;
  }
  if (!pickle_as_bytes(tree, bytes, &data, reason)) return TREE_BAD;
  out->fortran = fortran;
  out->data = data.data;
  return tensor_check(tree->arena, out, data.len, reason) ? TREE_TENSOR : TREE_BAD;
}

/* Item k of the state of an array; NULL if it has none. */
static const PickleValue *state_of(const PickleValue *value, size_t k) {
  const PickleValue *state = value->kind == PICKLE_OBJECT ? value->state : NULL;
  return state && state->kind == PICKLE_TUPLE && state->list.n == 5 ? state->list.item[k] : NULL;
}

TreeFound numpy_array(Tree *tree, const PickleValue *value, Tensor *out, const char **reason) {
  int64_t fortran = 0;
  if (is_function(value, "multiarray._reconstruct")) {
    *reason = "it is a damaged array of NumPy";
    if (!pickle_int(state_of(value, 3), &fortran)) return TREE_BAD;
    return take(tree, state_of(value, 1), state_of(value, 2), fortran != 0, state_of(value, 4), out,
                reason);
  }
  if (!is_function(value, "numeric._frombuffer")) return TREE_OTHER;
  bool columns = pickle_text_is(pickle_arg(value, 3), "F");
  return take(tree, pickle_arg(value, 2), pickle_arg(value, 1), columns, pickle_arg(value, 0), out,
              reason);
}

const PickleValue *numpy_objects(const PickleValue *value) {
  const PickleValue *items =
      is_function(value, "multiarray._reconstruct") ? state_of(value, 4) : NULL;
  return items && items->kind == PICKLE_LIST ? items : NULL;
}
