/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Looks up the contents of a pickle; see pickle.h. */
#include "import/tensors/pickle.h"

#include <string.h>

bool pickle_sniff(Mapped file) {
  if (file.len < 3) return false;
  if (file.data[0] == 0x80 && file.data[1] >= 2 && file.data[1] <= 5) return true;
  /* Protocol 0 and 1 have no head: a dictionary, a list, or an object of a known module. */
  static const char *const begins[] = {
      "(dp", "(lp", "(i", "ccollections\n", "cnumpy", "ctorch", "ccopy_reg\n", "}q", "]q"};
  if (file.data[file.len - 1] != '.' && file.data[file.len - 1] != '\n') return false;
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
    if (file.len > strlen(begins[i]) && memcmp(file.data, begins[i], strlen(begins[i])) == 0)
      return true;
  return false;
}

bool pickle_is_class(const PickleValue *value, const char *name) {
  return value && value->kind == PICKLE_CLASS && strcmp(value->text, name) == 0;
}

bool pickle_is_object(const PickleValue *value, const char *of) {
  return value && value->kind == PICKLE_OBJECT && pickle_is_class(value->of, of);
}

bool pickle_text_is(const PickleValue *value, const char *text) {
  return value && value->kind == PICKLE_TEXT && value->len == strlen(text) &&
         memcmp(value->text, text, value->len) == 0;
}

bool pickle_int(const PickleValue *value, int64_t *out) {
  if (!value || (value->kind != PICKLE_INT && value->kind != PICKLE_BOOL)) return false;
  *out = value->i;
  return true;
}

const PickleValue *pickle_arg(const PickleValue *value, size_t k) {
  bool has = value && (value->kind == PICKLE_OBJECT || value->kind == PICKLE_PERSISTENT);
  const PickleValue *args = has ? value->args : NULL;
  return args && args->kind == PICKLE_TUPLE && k < args->list.n ? args->list.item[k] : NULL;
}

const PickleList *pickle_pairs(const PickleValue *value) {
  static const PickleList empty;
  if (value && value->kind == PICKLE_DICT) return &value->list;
  if (!pickle_is_object(value, "collections.OrderedDict") &&
      !pickle_is_object(value, "collections.defaultdict"))
    return NULL;
  return value->pairs ? value->pairs : &empty;
}

PickleValue *pickle_get(const PickleValue *dict, const char *key) {
  const PickleList *pairs = pickle_pairs(dict);
  for (size_t i = pairs ? pairs->n : 0; i >= 2; i -= 2) /* the last one counts */
    if (pickle_text_is(pairs->item[i - 2], key)) return pairs->item[i - 1];
  return NULL;
}
