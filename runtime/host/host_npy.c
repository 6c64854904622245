/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads .npy, versions 1 to 3: "\x93NUMPY", major and minor version, the length of the header (2 or
 * 4 bytes, little-endian), a Python dictionary with descr, fortran_order and shape, then the
 * numbers.
 *
 * A column-major file is loaded whole, after its size was compared with its header, and delivered
 * row by row. A row-major one passes through the buffer. */
#include "host_posix.h"

#include "host_source.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { NPY_HEADER_MAX = 4096 };

/* The part of the dictionary that was not read yet. */
typedef struct NpyScan {
  const char *at, *end;
} NpyScan;

static void npy_space(NpyScan *scan) {
  while (scan->at < scan->end && strchr(" \t\r\n", *scan->at) && *scan->at)
    scan->at++;
}

static bool npy_char(NpyScan *scan, char c) {
  npy_space(scan);
  if (scan->at == scan->end || *scan->at != c) return false;
  scan->at++;
  return true;
}

static bool npy_word(NpyScan *scan, const char *word) {
  size_t n = strlen(word);
  npy_space(scan);
  if ((size_t)(scan->end - scan->at) < n || memcmp(scan->at, word, n) != 0) return false;
  scan->at += n;
  return true;
}

static bool npy_string(NpyScan *scan, char *to, size_t room) {
  npy_space(scan);
  if (scan->at == scan->end || (*scan->at != '\'' && *scan->at != '"')) return false;
  char quote = *scan->at++;
  size_t n = 0;
  while (scan->at < scan->end && *scan->at != quote) {
    if (n + 1 >= room || *scan->at < ' ' || *scan->at > '~') return false;
    to[n++] = *scan->at++;
  }
  to[n] = 0;
  return npy_char(scan, quote);
}

/* Reads a shape such as (), (3,) or (3, 4): at most GRUS_HOST_MAX_RANK + 1 sizes, and their product
 * fits. */
static bool npy_shape(NpyScan *scan, HostSource *source) {
  if (!npy_char(scan, '(')) return false;
  source->rank = 0;
  source->total = 1;
  while (!npy_char(scan, ')')) {
    uint64_t size = 0;
    npy_space(scan);
    const char *digits = scan->at;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++) {
      if (size > (UINT64_C(1) << 58)) return false;
      size = size * 10 + (uint64_t)(*scan->at - '0');
    }
    if (scan->at == digits || source->rank > GRUS_HOST_MAX_RANK) return false;
    if (size && source->total > (UINT64_C(1) << 58) / size) return false;
    source->shape[source->rank++] = size;
    source->total *= size;
    if (npy_char(scan, ')')) return true;
    if (!npy_char(scan, ',')) return false;
  }
  return true;
}

/* Reads the type of the numbers: "<f4", ">i2", "|u1", "=f8". */
static bool npy_type(const char *text, HostNumber *type) {
  const uint16_t probe = 1;
  bool native_big = *(const unsigned char *)&probe == 0;
  if (!strchr("<>|=", text[0]) || !text[0] || strlen(text) != 3) return false;
  type->kind = text[1];
  type->size = text[2] - '0';
  type->big = text[0] == '>' || (text[0] == '=' && native_big);
  if (text[1] == 'b') return text[2] == '1';
  if (text[1] == 'f') return strchr("248", text[2]) != NULL;
  return (text[1] == 'i' || text[1] == 'u') && strchr("1248", text[2]) != NULL;
}

static bool npy_dictionary(NpyScan *scan, HostSource *source, char *descr, size_t room,
                           bool *fortran) {
  unsigned seen = 0;
  char key[16];
  if (!npy_char(scan, '{')) return false;
  while (!npy_char(scan, '}')) {
    if (!npy_string(scan, key, sizeof key) || !npy_char(scan, ':')) return false;
    if (strcmp(key, "descr") == 0 && npy_string(scan, descr, room)) {
      seen |= 1;
    } else if (strcmp(key, "fortran_order") == 0) {
      seen |= 2;
      *fortran = npy_word(scan, "True");
      if (!*fortran && !npy_word(scan, "False")) return false;
    } else if (strcmp(key, "shape") == 0 && npy_shape(scan, source)) {
      seen |= 4;
    } else {
      return false;
    }
    if (!npy_char(scan, ',')) {
      if (!npy_char(scan, '}')) return false;
      break;
    }
  }
  return seen == 7;
}

/* Whether the file has exactly the numbers that its header promises; reports if not. */
static int npy_check_size(HostSource *source) {
  if (source->bytes.size == HOST_SIZE_UNKNOWN) return GRUS_EXIT_OK;
  uint64_t have = source->bytes.size - source->bytes.taken;
  uint64_t need = source->total * (uint64_t)source->number.size;
  if (have == need) return GRUS_EXIT_OK;
  HostText shape = {{0}, 0};
  host_text_shape(&shape, source->rank, source->shape);
  if (have < need)
    host_source_fail(source, GRUS_EXIT_DATA,
                     "truncated: shape %s takes %" PRIu64 " bytes, %" PRIu64 " are there", shape.s,
                     need, have);
  else
    host_source_fail(source, GRUS_EXIT_DATA,
                     "shape %s takes %" PRIu64 " bytes, %" PRIu64 " are there: something follows",
                     shape.s, need, have);
  return source->status;
}

static int npy_load_fortran(HostSource *source) {
  size_t size = (size_t)source->number.size, length = 0, capacity = 0;
  uint64_t need = source->total * size;
  while (length < need) {
    size_t some = host_bytes_want(&source->bytes, 1);
    if (!some)
      return host_source_fail(source, GRUS_EXIT_DATA,
                              "truncated: the header promises %" PRIu64 " bytes, %zu are there",
                              need, length);
    if (some > need - length) some = (size_t)(need - length);
    if (length + some > capacity) {
      capacity = source->bytes.size == HOST_SIZE_UNKNOWN ? 2 * (length + some) : (size_t)need;
      unsigned char *grown = realloc(source->fortran, capacity);
      if (!grown)
        return host_source_fail(source, GRUS_EXIT_FILE,
                                "not enough memory for a column-major array of %" PRIu64 " bytes",
                                need);
      source->fortran = grown;
    }
    memcpy(source->fortran + length, host_bytes_take(&source->bytes, some), some);
    length += some;
  }
  return GRUS_EXIT_OK;
}

int host_npy_open(HostSource *source) {
  HostBytes *bytes = &source->bytes;
  char header[NPY_HEADER_MAX], descr[64] = "";
  bool fortran = false;
  if (host_bytes_want(bytes, 10) < 10 || memcmp(host_bytes_take(bytes, 6), "\x93NUMPY", 6) != 0)
    return host_source_fail(source, GRUS_EXIT_DATA, "not an .npy file: it does not start with %s",
                            "\\x93NUMPY");
  unsigned major = *host_bytes_take(bytes, 2);
  if (major < 1 || major > 3)
    return host_source_fail(source, GRUS_EXIT_DATA, ".npy version %u, 1 to 3 are known", major);
  size_t length = 0;
  size_t width = major == 1 ? 2 : 4;
  if (host_bytes_want(bytes, width) < width)
    return host_source_fail(source, GRUS_EXIT_DATA, "truncated inside the .npy header");
  const unsigned char *raw = host_bytes_take(bytes, width);
  for (size_t i = 0; i < width; i++)
    length |= (size_t)raw[i] << (8 * i);
  if (length > sizeof header)
    return host_source_fail(source, GRUS_EXIT_DATA,
                            "the .npy header is %zu bytes long; a plain array needs less than %zu",
                            length, sizeof header);
  if (host_bytes_want(bytes, length) < length)
    return host_source_fail(source, GRUS_EXIT_DATA, "truncated inside the .npy header");
  memcpy(header, host_bytes_take(bytes, length), length);
  NpyScan scan = {header, header + length};
  if (!npy_dictionary(&scan, source, descr, sizeof descr, &fortran)) {
    source->total = HOST_SIZE_UNKNOWN;
    return host_source_fail(source, GRUS_EXIT_DATA,
                            "the .npy header does not describe a plain array of up to %d axes",
                            GRUS_HOST_MAX_RANK + 1);
  }
  if (!npy_type(descr, &source->number)) {
    host_source_fail(source, GRUS_EXIT_DATA, "numbers of type '%s'", descr);
    host_detail(source->log, "needs", "f2 f4 f8, i1 i2 i4 i8, u1 u2 u4 u8 or b1");
    return source->status;
  }
  if (npy_check_size(source)) return source->status;
  return fortran && source->rank > 1 ? npy_load_fortran(source) : GRUS_EXIT_OK;
}

/* Byte offset in the column-major array of number `index` of the row-major order. */
static size_t npy_fortran_offset(const HostSource *source, uint64_t index) {
  uint64_t offset = 0, rest = index;
  for (int i = source->rank; i-- > 0;) {
    /* Horner from the last axis: offset = a0 + d0 * (a1 + d1 * (...)). */
    offset = offset * source->shape[i] + rest % source->shape[i];
    rest /= source->shape[i];
  }
  return (size_t)offset * (size_t)source->number.size;
}

size_t host_npy_read(HostSource *source, double *values, size_t max) {
  bool integral = source->number.kind != 'f';
  size_t n = 0;
  if (!source->fortran) {
    n = host_source_stored(source, values, max);
  } else {
    for (; n < max && source->done + n < source->total; n++)
      host_number_decode(source->number,
                         source->fortran + npy_fortran_offset(source, source->done + n), values + n,
                         1);
  }
  return host_source_accept(source, values, n, integral) ? n : 0;
}
