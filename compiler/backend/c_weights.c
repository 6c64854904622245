/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants in C: as numbers, which people and every compiler read; or, large ones, as strings of
 * their bytes, which gcc and clang read ten times as fast and with a quarter of the memory.
 *
 * Strings need a little-endian target and a compiler without a limit for the length of a string,
 * so they are for files that need gcc or clang anyway, or that the user asked to be so
 * (--c-weights=strings). In C a member of a union may be read that was not the last one written;
 * gcc and clang promise it for C++ as well. */
#include "backend/c_internal.h"

enum { LARGE = 1 << 16, LINE = 96 }; /* bytes from which on a string pays; columns of a line */

/* One number as C writes it: a float, an integer, or the bits of 16. */
static void number(Text *out, const KirBuffer *b, int64_t k) {
  bool is_integer = b->elem != KIR_F32 && b->elem != KIR_F16 && b->elem != KIR_BF16;
  if (is_integer && b->data && kir_const_int(b, k) == INT32_MIN)
    text_add(out, "INT32_MIN");
  else if (is_integer)
    text_printf(out, "%lld", (long long)(b->data ? kir_const_int(b, k) : 0));
  else if (b->elem == KIR_F32)
    c_float(out, b->data ? ((const float *)b->data)[k] : 0.0f);
  else
    text_printf(out, "0x%04x", b->data ? ((const uint16_t *)b->data)[k] : 0u);
}

static void numbers(Text *out, const KirBuffer *b) {
  size_t column = 1000;
  for (int64_t k = 0; k < b->count; k++) {
    Text one = text_new(out->arena);
    number(&one, b, k);
    if (column + one.len + 2 > 100) {
      text_add(out, "\n ");
      column = 1;
    }
    text_printf(out, " %s,", text_str(&one));
    column += one.len + 2;
  }
}

/* A byte of a string: itself, or its octal digits, as many as the next byte makes necessary. A
 * question mark might begin a trigraph. */
static void byte(Text *out, unsigned value, unsigned next) {
  if (value >= ' ' && value < 127 && value != '"' && value != '\\' && value != '?') {
    text_add_char(out, (char)value);
    return;
  }
  bool all = next >= '0' && next <= '7';
  text_add_char(out, '\\');
  if (all || value >= 64) text_add_char(out, (char)('0' + value / 64));
  if (all || value >= 8) text_add_char(out, (char)('0' + value / 8 % 8));
  text_add_char(out, (char)('0' + value % 8));
}

/* The bytes of the elements in little-endian order. */
static void strings(Text *out, const KirBuffer *b) {
  size_t width = (size_t)kir_elem_size(b->elem), n = (size_t)b->count * width, begin = 0;
  const uint8_t *bytes = b->data;
  for (size_t i = 0; i < n; i++) {
    if (i == 0 || out->len - begin >= LINE) {
      text_add(out, i == 0 ? "\n  \"" : "\"\n  \"");
      begin = out->len;
    }
    byte(out, bytes[i], i + 1 < n ? bytes[i + 1] : 0);
  }
  text_add_char(out, '"');
}

static bool as_strings(const CWriter *c, const KirBuffer *b) {
  bool needs_gnu = c->m->lanes > 1 && c->o->vectors == C_VECTORS_GNU;
  bool wanted =
      c->o->weights == C_WEIGHTS_STRINGS || (c->o->weights == C_WEIGHTS_BEST && needs_gnu);
  const uint16_t one = 1;
  bool little = *(const uint8_t *)&one == 1; /* this machine, as the strings have to be */
  return wanted && little && b->data && kir_bytes(b) >= LARGE;
}

const char *c_in_flash(const CWriter *c) {
  return c->o->machine.is_avr ? arena_printf(c->out->arena, "%s_FLASH ", c->upper) : "";
}

static void as_union(CWriter *c, const KirBuffer *b, const char *aligned) {
  const char *type = c_elem(b->elem);
  text_printf(c->out,
              "#pragma GCC diagnostic push\n#pragma GCC diagnostic ignored "
              "\"-Woverlength-strings\"\n"
              "static const union {\n  char bytes[%lld];\n  %s values[%lld];\n} %s_%s_data%s = {",
              (long long)(kir_bytes(b) + 1), type, (long long)b->count, c->prefix, b->name,
              aligned);
  strings(c->out, b);
  text_printf(c->out,
              "};\n#pragma GCC diagnostic pop\nstatic const %s *const %s_%s = %s_%s_data.values;\n",
              type, c->prefix, b->name, c->prefix, b->name);
}

static void little_endian(CWriter *c, bool *said) {
  if (!*said)
    text_add(c->out, "\n#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__\n"
                     "#error \"these weights are for little-endian processors: build with "
                     "--c-weights=numbers\"\n#endif\n");
  *said = true;
}

void c_weights(CWriter *c, bool of_helpers) {
  bool said = false;
  for (int i = 0; i < c->m->n_buffers; i++) {
    const KirBuffer *b = c->m->buffer[i];
    if (b->space != KIR_CONST || kir_is_outside(c->m, b) || (b->origin.layer == NULL) != of_helpers)
      continue;
    const char *twin = c_selftest_twin(c, b);
    if (!twin && as_strings(c, b)) little_endian(c, &said);
    text_add(c->out, twin ? twin : "\n");
    if (twin) continue;
    if (b->doc) {
      text_add(c->out, "/* ");
      c_comment_text(c->out, b->doc, "\n * ");
      text_add(c->out, " */\n");
    }
    bool vectors = c->m->lanes > 1 && c->o->vectors == C_VECTORS_GNU;
    const char *aligned = vectors            ? " __attribute__((aligned(64)))"
                          : c_in_words(c, b) ? arena_printf(c->out->arena, " %s_WORDS", c->upper)
                                             : "";
    size_t from = c->out->len;
    if (as_strings(c, b)) {
      as_union(c, b, aligned);
    } else {
      text_printf(c->out, "static const %s%s %s_%s[%lld]%s = {", c_in_flash(c), c_elem(b->elem),
                  c->prefix, b->name, (long long)b->count, aligned);
      numbers(c->out, b);
      text_add(c->out, "\n};\n");
    }
    c_traced(c, b->origin, b->name, kir_bytes(b), from);
  }
}
