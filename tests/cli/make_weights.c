/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes weights files for the tests from a text description, sharing no code with the compiler.
 *
 *   make_weights DESCRIPTION OUT [TYPE] [big] [fortran] [deflate]
 *
 * OUT ends in .safetensors, .npz or .npy (its first tensor). TYPE (f16 bf16 f32 f64) is the element
 * type, f32 if not given; the other words are for .npy and .npz. The description, one item a line:
 *
 *   format WORD                     the entry "format" of a safetensors file
 *   tensor NAME SHAPE VALUES        SHAPE 4x6 or - for a scalar; VALUES one of
 *     random SEED                   whole numbers -127..127 over 256: exact in every TYPE
 *     all X                         the same everywhere
 *     steps N X Y ...               N times X, then N times Y, ...
 *   set INDEX X                     one element of the tensor above; X may be nan or inf */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zip.h>

enum { MAX_TENSORS = 64, MAX_RANK = 6 };

typedef struct Array {
  char name[128];
  int rank;
  long dim[MAX_RANK], count;
  double *value;
} Array;

typedef struct Bytes {
  unsigned char *data;
  size_t len, cap;
} Bytes;

typedef struct Style {
  const char *type; /* f16 bf16 f32 f64 */
  int big, fortran, deflate;
} Style;

static void die(const char *what, const char *which) {
  fprintf(stderr, "make_weights: %s %s\n", what, which);
  exit(2);
}

static void add(Bytes *b, const void *data, size_t len) {
  if (b->len + len > b->cap) {
    b->cap = 2 * (b->len + len);
    b->data = realloc(b->data, b->cap);
    if (!b->data) die("no memory for", "the file");
  }
  memcpy(b->data + b->len, data, len);
  b->len += len;
}

static void add_bits(Bytes *b, uint64_t bits, int size, int big) {
  for (int i = 0; i < size; i++) {
    unsigned char byte = (unsigned char)(bits >> 8 * (big ? size - 1 - i : i));
    add(b, &byte, 1);
  }
}

static uint64_t half_bits(double v) {
  int exponent;
  if (isnan(v)) return 0x7e00;
  if (isinf(v)) return v < 0 ? 0xfc00 : 0x7c00;
  if (v == 0) return 0;
  double m = frexp(fabs(v), &exponent);
  return (v < 0 ? 0x8000u : 0u) | (uint64_t)(exponent + 14) << 10 | (uint64_t)(m * 2048 - 1024);
}

static void add_number(Bytes *b, const Style *style, double v) {
  float f = (float)v;
  uint32_t single;
  uint64_t bits;
  memcpy(&single, &f, 4);
  memcpy(&bits, &v, 8);
  if (strcmp(style->type, "f64") == 0)
    add_bits(b, bits, 8, style->big);
  else if (strcmp(style->type, "f32") == 0)
    add_bits(b, single, 4, style->big);
  else if (strcmp(style->type, "bf16") == 0)
    add_bits(b, single >> 16, 2, style->big);
  else
    add_bits(b, half_bits(v), 2, style->big);
}

/* Elements in storage order: the last axis fastest, or the first. */
static void add_values(Bytes *b, const Array *a, const Style *style) {
  for (long i = 0; i < a->count; i++) {
    long at = i;
    if (style->fortran) {
      long rest = i, stride = a->count;
      at = 0;
      for (int k = 0; k < a->rank; k++) {
        stride /= a->dim[k];
        at += rest % a->dim[k] * stride;
        rest /= a->dim[k];
      }
    }
    add_number(b, style, a->value[at]);
  }
}

static Bytes npy(const Array *a, const Style *style) {
  char head[256];
  Bytes b = {0};
  int n = snprintf(head, sizeof head, "{'descr': '%c%s', 'fortran_order': %s, 'shape': (",
                   style->big ? '>' : '<',
                   strcmp(style->type, "f64") == 0   ? "f8"
                   : strcmp(style->type, "f32") == 0 ? "f4"
                                                     : "f2",
                   style->fortran ? "True" : "False");
  for (int i = 0; i < a->rank; i++)
    n += snprintf(head + n, sizeof head - (size_t)n, "%ld,", a->dim[i]);
  n += snprintf(head + n, sizeof head - (size_t)n, "), }");
  while ((n + 11) % 64)
    head[n++] = ' ';
  head[n++] = '\n';
  add(&b, "\x93NUMPY\x01\x00", 8);
  add_bits(&b, (uint64_t)n, 2, 0);
  add(&b, head, (size_t)n);
  add_values(&b, a, style);
  return b;
}

static Bytes safetensors(const Array *arrays, int n, const char *format, const Style *style) {
  char line[512];
  Bytes head = {0}, data = {0}, b = {0};
  add(&head, "{", 1);
  if (*format) {
    int len = snprintf(line, sizeof line, "\"__metadata__\":{\"format\":\"%s\"},", format);
    add(&head, line, (size_t)len);
  }
  for (int i = 0; i < n; i++) {
    size_t from = data.len;
    const char *type = strcmp(style->type, "f64") == 0   ? "F64"
                       : strcmp(style->type, "f32") == 0 ? "F32"
                       : strcmp(style->type, "f16") == 0 ? "F16"
                                                         : "BF16";
    add_values(&data, &arrays[i], style);
    int len = snprintf(line, sizeof line, "%s\"%s\":{\"dtype\":\"%s\",\"shape\":[", i ? "," : "",
                       arrays[i].name, type);
    for (int k = 0; k < arrays[i].rank; k++)
      len +=
          snprintf(line + len, sizeof line - (size_t)len, "%s%ld", k ? "," : "", arrays[i].dim[k]);
    len += snprintf(line + len, sizeof line - (size_t)len, "],\"data_offsets\":[%zu,%zu]}", from,
                    data.len);
    add(&head, line, (size_t)len);
  }
  add(&head, "}", 1);
  while (head.len % 8)
    add(&head, " ", 1);
  add_bits(&b, head.len, 8, 0);
  add(&b, head.data, head.len);
  if (data.len) add(&b, data.data, data.len);
  free(head.data);
  free(data.data);
  return b;
}

static void write_npz(const char *path, const Array *arrays, int n, const Style *style) {
  zip_t *zip = zip_open(path, ZIP_CREATE | ZIP_TRUNCATE, NULL);
  if (!zip) die("cannot write", path);
  for (int i = 0; i < n; i++) {
    Bytes b = npy(&arrays[i], style);
    char name[sizeof arrays->name + 8];
    snprintf(name, sizeof name, "%.127s.npy", arrays[i].name);
    zip_int64_t at = zip_file_add(zip, name, zip_source_buffer(zip, b.data, b.len, 1), 0);
    if (at < 0) die("cannot add", name);
    zip_set_file_compression(zip, (zip_uint64_t)at, style->deflate ? ZIP_CM_DEFLATE : ZIP_CM_STORE,
                             0);
  }
  if (zip_close(zip) != 0) die("cannot write", path);
}

static void fill(Array *a, char *values) {
  char *kind = strtok(values, " \n"), *word = strtok(NULL, " \n");
  if (!kind || !word) die("no values for", a->name);
  if (strcmp(kind, "random") == 0) {
    uint32_t state = (uint32_t)atol(word) * 2654435761u + 12345u;
    for (long i = 0; i < a->count; i++) {
      state = state * 1664525u + 1013904223u;
      a->value[i] = ((int)(state >> 24) - 128) / 256.0;
      if (a->value[i] <= -0.5) a->value[i] = 0.25;
    }
  } else if (strcmp(kind, "all") == 0) {
    for (long i = 0; i < a->count; i++)
      a->value[i] = atof(word);
  } else if (strcmp(kind, "steps") == 0) {
    long run = atol(word);
    for (long i = 0; i < a->count; i++) {
      if (i % run == 0) word = strtok(NULL, " \n");
      a->value[i] = word ? atof(word) : 0;
    }
  } else
    die("no such values:", kind);
}

static int parse(FILE *in, Array *arrays, char *format) {
  char line[1024], shape[128];
  int n = 0, used;
  while (fgets(line, sizeof line, in)) {
    Array *a = &arrays[n];
    long index;
    char text[64];
    if (sscanf(line, "format %63s", text) == 1)
      strcpy(format, text);
    else if (n < MAX_TENSORS && sscanf(line, "tensor %127s %127s %n", a->name, shape, &used) == 2) {
      a->count = 1;
      for (char *p = shape; *p >= '0' && *p <= '9' && a->rank < MAX_RANK; p += *p == 'x')
        a->count *= a->dim[a->rank++] = strtol(p, &p, 10);
      a->value = calloc((size_t)a->count + 1, sizeof *a->value);
      if (!a->value) die("no memory for", a->name);
      fill(a, line + used);
      n++;
    } else if (n && sscanf(line, "set %ld %63s", &index, text) == 2)
      arrays[n - 1].value[index] = strtod(text, NULL);
    else if (*line != '\n')
      die("cannot understand", line);
  }
  return n;
}

static int ends(const char *s, const char *end) {
  size_t n = strlen(s), m = strlen(end);
  return n >= m && strcmp(s + n - m, end) == 0;
}

int main(int argc, char **argv) {
  static Array arrays[MAX_TENSORS + 1];
  static char format[64];
  Style style = {"f32", 0, 0, 0};
  FILE *in = argc > 2 ? fopen(argv[1], "r") : NULL;
  if (!in) die("cannot read", argc > 2 ? argv[1] : "nothing");
  for (int i = 3; i < argc; i++) {
    if (strcmp(argv[i], "big") == 0)
      style.big = 1;
    else if (strcmp(argv[i], "fortran") == 0)
      style.fortran = 1;
    else if (strcmp(argv[i], "deflate") == 0)
      style.deflate = 1;
    else
      style.type = argv[i];
  }
  int n = parse(in, arrays, format);
  fclose(in);
  if (!n) die("no tensors in", argv[1]);
  if (ends(argv[2], ".npz")) {
    write_npz(argv[2], arrays, n, &style);
    return 0;
  }
  Bytes b =
      ends(argv[2], ".npy") ? npy(&arrays[0], &style) : safetensors(arrays, n, format, &style);
  FILE *out = fopen(argv[2], "wb");
  if (!out || fwrite(b.data, 1, b.len, out) != b.len || fclose(out) != 0)
    die("cannot write", argv[2]);
  free(b.data);
  return 0;
}
