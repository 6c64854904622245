/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads the numbers and texts of a pickle; see pickle_words.h. */
#include "import/tensors/pickle_words.h"

#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 64, LONG_MAX_BYTES = 64 };

bool pickle_number(PickleInput *in, int bytes, uint64_t *out) {
  if (in->len - in->at < (size_t)bytes) return false;
  *out = 0;
  for (int k = 0; k < bytes; k++)
    *out |= (uint64_t)in->data[in->at + (size_t)k] << 8 * k;
  in->at += (size_t)bytes;
  return true;
}

bool pickle_bytes(PickleInput *in, uint64_t n, const char **out) {
  if (in->len - in->at < n) return false;
  *out = (const char *)in->data + in->at;
  in->at += (size_t)n;
  return true;
}

bool pickle_line(PickleInput *in, const char **out, size_t *len) {
  const uint8_t *from = in->data + in->at,
                *end = in->at < in->len ? memchr(from, '\n', in->len - in->at) : NULL;
  if (!end) return false;
  *out = (const char *)from;
  *len = (size_t)(end - from);
  in->at += *len + 1;
  if (*len && (*out)[*len - 1] == '\r') --*len;
  return true;
}

bool pickle_long(const char *digits, size_t len, int64_t *i, double *f) {
  const uint8_t *byte = (const uint8_t *)digits;
  bool negative = len && byte[len - 1] & 0x80;
  uint64_t bits = negative ? ~(uint64_t)0 : 0;
  for (size_t k = 0; k < len && k < 8; k++)
    bits = (bits & ~((uint64_t)255 << 8 * k)) | (uint64_t)byte[k] << 8 * k;
  *i = (int64_t)bits;
  *f = negative ? -1 : 0;
  for (size_t k = len > LONG_MAX_BYTES ? LONG_MAX_BYTES : len; k-- > 0;)
    *f = *f * 256 + byte[k];
  return len <= 8;
}

/* Copies a line that is a number; false if it is empty or too long. */
static bool number_line(PickleInput *in, char *out) {
  const char *line;
  size_t len;
  if (!pickle_line(in, &line, &len) || len == 0 || len >= DIGITS_MAX) return false;
  if (line[len - 1] == 'L') len--;
  memcpy(out, line, len);
  out[len] = 0;
  return len > 0;
}

bool pickle_decimal(PickleInput *in, int64_t *i) {
  char text[DIGITS_MAX], *end;
  if (!number_line(in, text)) return false;
  errno = 0;
  *i = strtoll(text, &end, 10);
  return !*end && errno == 0;
}

bool pickle_bool(PickleInput *in, bool *value) {
  enum { LINE = 3 };
  const char *line = (const char *)in->data + in->at;
  if (in->len - in->at < LINE || line[0] != '0' || line[2] != '\n') return false;
  if (line[1] != '0' && line[1] != '1') return false;
  *value = line[1] == '1';
  in->at += LINE;
  return true;
}

bool pickle_decimal_float(PickleInput *in, double *f) {
  char text[DIGITS_MAX], *end;
  if (!number_line(in, text)) return false;
  *f = strtod(text, &end);
  return !*end;
}

bool pickle_double(PickleInput *in, double *f) {
  uint64_t bits = 0;
  if (in->len - in->at < 8) return false;
  for (int k = 0; k < 8; k++)
    bits = bits << 8 | in->data[in->at++];
  memcpy(f, &bits, sizeof bits);
  return true;
}

static int hex_digit(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

/* Reads n hexadecimal digits at s. */
static bool hex(const char *s, const char *end, int n, unsigned *out) {
  *out = 0;
  if (end - s < n) return false;
  for (int k = 0; k < n; k++) {
    if (hex_digit(s[k]) < 0) return false;
    *out = *out << 4 | (unsigned)hex_digit(s[k]);
  }
  return true;
}

static void add_utf8(Text *out, unsigned c) {
  if (c < 0x80)
    text_add_char(out, (char)c);
  else if (c < 0x800) {
    text_add_char(out, (char)(0xC0 | c >> 6));
    text_add_char(out, (char)(0x80 | (c & 63)));
  } else if (c < 0x10000) {
    text_add_char(out, (char)(0xE0 | c >> 12));
    text_add_char(out, (char)(0x80 | (c >> 6 & 63)));
    text_add_char(out, (char)(0x80 | (c & 63)));
  } else {
    text_add_char(out, (char)(0xF0 | (c >> 18 & 7)));
    text_add_char(out, (char)(0x80 | (c >> 12 & 63)));
    text_add_char(out, (char)(0x80 | (c >> 6 & 63)));
    text_add_char(out, (char)(0x80 | (c & 63)));
  }
}

/* Adds the character of the escape after a backslash; returns the length of the escape, 0 if it is
 * none. */
static int add_escape(Text *out, const char *s, const char *end, bool quoted) {
  static const char names[] = "nrtabfv\\'\"", means[] = "\n\r\t\a\b\f\v\\'\"";
  unsigned c;
  const char *simple = quoted && *s ? strchr(names, *s) : NULL;
  if (simple) {
    text_add_char(out, means[simple - names]);
    return 1;
  }
  if (quoted && *s == 'x' && hex(s + 1, end, 2, &c)) {
    text_add_char(out, (char)c);
    return 3;
  }
  if (!quoted && *s == 'u' && hex(s + 1, end, 4, &c)) {
    add_utf8(out, c);
    return 5;
  }
  if (!quoted && *s == 'U' && hex(s + 1, end, 8, &c) && c < 0x110000) {
    add_utf8(out, c);
    return 9;
  }
  return 0;
}

bool pickle_quoted(Arena *arena, PickleInput *in, bool quoted, const char **out, size_t *len) {
  const char *s;
  size_t n;
  if (!pickle_line(in, &s, &n)) return false;
  if (quoted && (n < 2 || (*s != '\'' && *s != '"') || s[n - 1] != *s)) return false;
  const char *end = s + n - (quoted ? 1 : 0);
  s += quoted;
  Text text = text_new(arena);
  while (s < end) {
    int used = *s == '\\' && s + 1 < end ? add_escape(&text, s + 1, end, quoted) : 0;
    if (!used && quoted && *s == '\\') return false;
    if (!used && !quoted && *(const uint8_t *)s >= 0x80)
      add_utf8(&text, *(const uint8_t *)s); /* Latin-1 */
    else if (!used)
      text_add_char(&text, *s);
    s += used + 1;
  }
  *out = text_str(&text);
  *len = text.len;
  return true;
}
