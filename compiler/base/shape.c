/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Printing and comparing types. */
#include "base/shape.h"

#include <string.h>

bool size_mul(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_mul_overflow(a, b, out);
}

bool size_add(int64_t a, int64_t b, int64_t *out) {
  return !__builtin_add_overflow(a, b, out);
}

void text_add_dims(Text *text, int rank, const int64_t *dim) {
  text_add_char(text, '[');
  for (int i = 0; i < rank; i++)
    text_printf(text, "%s%lld", i ? ", " : "", (long long)dim[i]);
  text_add_char(text, ']');
}

const char *dims_str(Arena *arena, int rank, const int64_t *dim) {
  Text text = text_new(arena);
  text_add_dims(&text, rank, dim);
  return text_str(&text);
}

int64_t dims_product(int rank, const int64_t *dim) {
  int64_t n = 1;
  for (int i = 0; i < rank; i++)
    n *= dim[i];
  return n;
}

int64_t type_step_size(const Type *t) {
  int64_t n = 1;
  for (int i = 0; i < t->rank; i++)
    if (!size_mul(n, t->dim[i].n, &n)) return -1;
  return n;
}

int64_t type_size(const Type *t) {
  int64_t n = type_step_size(t);
  bool counted = t->time.kind == TIME_FIXED || t->time.kind == TIME_BOUNDED;
  if (n >= 0 && counted && !size_mul(n, t->time.n, &n)) return -1;
  return n;
}

void text_add_elem(Text *text, const Type *t) {
  const char *words = ELEMENTS;
  TextWord word;
  if (t->elem == ELEM_INDEX) {
    text_printf(text, "index(%lld)", (long long)t->categories);
    return;
  }
  for (int i = ELEM_F32; words_next(&words, &word) && i < (int)t->elem;)
    i++;
  text_add_n(text, word.s, word.len);
}

void text_add_rate(Text *text, int64_t num, int64_t den) {
  double hz = (double)num / (double)den;
  if (num % (1000000 * den) == 0)
    text_printf(text, "%lldMHz", (long long)(num / den / 1000000));
  else if (num % (100 * den) == 0 && num / den >= 1000)
    text_printf(text, "%.10gkHz", hz / 1000);
  else
    text_printf(text, "%.10gHz", hz);
}

void text_add_time(Text *text, const Time *t) {
  if (t->kind == TIME_FIXED)
    text_printf(text, "time %lld", (long long)t->n);
  else if (t->kind == TIME_STREAM && t->period == 1)
    text_add(text, "time ..");
  else if (t->kind == TIME_STREAM)
    text_printf(text, "time .. / %lld", (long long)t->period);
  else if (t->len)
    text_printf(text, "time %s <= %lld", t->len, (long long)t->n);
  else
    text_printf(text, "time <= %lld", (long long)t->n);
}

static void text_add_axes(Text *text, const Type *t, bool with_rate) {
  int axes = t->rank + type_is_sequence(t);
  text_add_char(text, '[');
  for (int i = 0, f = 0; i < axes; i++) {
    if (i) text_add(text, ", ");
    if (type_is_sequence(t) && i == t->time_pos) {
      text_add_time(text, &t->time);
      if (with_rate && t->time.rate_num) {
        text_add(text, " @ ");
        text_add_rate(text, t->time.rate_num, t->time.rate_den);
      }
    } else {
      if (t->dim[f].label) text_printf(text, "%s ", t->dim[f].label);
      text_printf(text, "%lld", (long long)t->dim[f].n);
      f++;
    }
  }
  text_add_char(text, ']');
}

void text_add_shape(Text *text, const Type *t) {
  text_add_axes(text, t, false);
}

void text_add_type(Text *text, const Type *t, bool with_rate) {
  text_add_elem(text, t);
  if (t->rank || type_is_sequence(t)) text_add_axes(text, t, with_rate);
}

const char *shape_str(Arena *arena, const Type *t) {
  Text text = text_new(arena);
  text_add_shape(&text, t);
  return text_str(&text);
}

const char *type_str(Arena *arena, const Type *t) {
  Text text = text_new(arena);
  text_add_type(&text, t, false);
  return text_str(&text);
}

bool time_equal(const Time *a, const Time *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
  case TIME_NONE: return true;
  case TIME_FIXED: return a->n == b->n;
  case TIME_BOUNDED: return a->length == b->length;
  case TIME_STREAM: return a->period == b->period;
  }
  return false;
}

bool dims_equal(const Type *a, const Type *b) {
  if (a->rank != b->rank) return false;
  for (int i = 0; i < a->rank; i++)
    if (a->dim[i].n != b->dim[i].n) return false;
  return true;
}

int dims_label_clash(const Type *a, const Type *b) {
  for (int i = 0; i < a->rank && i < b->rank; i++)
    if (a->dim[i].label && b->dim[i].label && strcmp(a->dim[i].label, b->dim[i].label) != 0)
      return i;
  return -1;
}

const char *type_short_str(Arena *arena, const Type *t) {
  bool plain = t->elem == ELEM_F32 && (t->rank || type_is_sequence(t));
  return plain ? shape_str(arena, t) : type_str(arena, t);
}

const char *shape_or_type_str(Arena *arena, const Type *t) {
  return t->rank || type_is_sequence(t) ? shape_str(arena, t) : type_str(arena, t);
}

int64_t type_last_dim(const Type *t) {
  return t->rank ? t->dim[t->rank - 1].n : 1;
}

bool time_rates_agree(const Time *a, const Time *b) {
  int64_t x, y;
  if (!a->rate_num || !b->rate_num) return true;
  return size_mul(a->rate_num, b->rate_den, &x) && size_mul(b->rate_num, a->rate_den, &y) && x == y;
}

int64_t size_gcd(int64_t a, int64_t b) {
  while (b) {
    int64_t rest = a % b;
    a = b;
    b = rest;
  }
  return a ? a : 1;
}
