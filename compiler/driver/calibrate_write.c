/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: the text of ranges, the rounded weights, and the source with its precisions, all
 * written or none. */
#include "driver/calibrate.h"
#include "driver/precision_edit.h"

#include "base/sha256.h"
#include "export/export.h"
#include "import/weights_file.h"
#include "model/quant/observe.h"

#include <string.h>

static Tensor raw_tensor(const char *name, TensorElem elem, const void *data, int64_t rows,
                         int64_t depth) {
  return (Tensor){.name = name,
                  .elem = elem,
                  .rank = depth ? 2 : 1,
                  .dim = {rows, depth},
                  .data = data,
                  .count = depth ? rows * depth : rows};
}

/* Integers as little-endian bytes. */
static const uint8_t *bytes_of(Arena *arena, const void *from, int64_t n, int from_size,
                               int to_size) {
  uint8_t *to = arena_array(arena, (size_t)n + 1, (size_t)to_size);
  for (int64_t i = 0; i < n; i++) {
    int64_t x = from_size == 2 ? ((const int16_t *)from)[i] : ((const int32_t *)from)[i];
    for (int k = 0; k < to_size; k++)
      to[i * to_size + k] = (uint8_t)((uint64_t)x >> 8 * k);
  }
  return to;
}

static const uint8_t *bytes_of_floats(Arena *arena, const float *from, int64_t n) {
  int32_t *bits = ARENA_ARRAY(arena, int32_t, n);
  memcpy(bits, from, (size_t)n * sizeof *bits);
  return bytes_of(arena, bits, n, 4, 4);
}

static const uint8_t *bytes_of_doubles(Arena *arena, const double *from, int64_t n) {
  uint8_t *to = arena_array(arena, (size_t)n + 1, sizeof *from);
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits;
    memcpy(&bits, &from[i], sizeof bits);
    for (int k = 0; k < 8; k++)
      to[i * 8 + k] = (uint8_t)(bits >> 8 * k);
  }
  return to;
}

static void write_rounded(const Calibrate *c, Text *out) {
  const QuantGivenPart *part = c->part;
  int n = c->n_parts;
  Arena *arena = c->s->arena;
  TensorFile file = {.tensor = ARENA_ARRAY(arena, Tensor, 3 * n + 1)};
  const char *reason;
  for (int i = 0; i < n; i++) {
    const Layer *layer = NULL;
    for (int k = 0; k < c->n; k++)
      if (strcmp(c->judged[k].layer->path, part[i].layer) == 0) layer = c->judged[k].layer;
    const QuantPart *p = &c->model->quant->layer[layer->id]->part[part[i].direction][part[i].part];
    const char *stem =
        arena_printf(arena, "%s.%d.%s", part[i].layer, part[i].direction, part[i].part ? "U" : "W");
    bool narrow = p->bits == 8;
    file.tensor[file.n++] = raw_tensor(
        arena_printf(arena, "%s.weight", stem), narrow ? TENSOR_I8 : TENSOR_I16,
        bytes_of(arena, part[i].w, p->rows * p->depth, 2, narrow ? 1 : 2), p->rows, p->depth);
    const char *bias = arena_printf(arena, "%s.bias", stem);
    file.tensor[file.n++] =
        part[i].bias_shift
            ? raw_tensor(bias, TENSOR_F32, bytes_of_floats(arena, part[i].bias_shift, p->rows),
                         p->rows, 0)
            : raw_tensor(bias, TENSOR_I32, bytes_of(arena, part[i].bias, p->rows, 4, 4), p->rows,
                         0);
    file.tensor[file.n++] = raw_tensor(arena_printf(arena, "%s.scale", stem), TENSOR_F64,
                                       bytes_of_doubles(arena, part[i].scale, p->rows), p->rows, 0);
  }
  if (tensor_file_sort(arena, &file, &reason)) safetensors_write(out, &file);
}

static const char *digest_of(Arena *arena, const Text *file) {
  char *digits = arena_alloc(arena, SHA256_DIGITS + 1);
  Sha256 sha = sha256_new();
  sha256_add(&sha, file->s, file->len);
  sha256_finish(&sha, digits);
  return digits;
}

/* content: what is to be in the file `rounded`. */
static void write_ranges(const Calibrate *c, const char *rounded, const Text *content, Text *out) {
  Arena *arena = c->s->arena;
  Ranges ranges = *c->ranges;
  ranges.weights = weights_digest(arena, c->model);
  ranges.data = arena_printf(arena, "%lld steps in %d run%s", (long long)c->data.steps, c->data.n,
                             c->data.n == 1 ? "" : "s");
  ranges.rounded = rounded;
  if (rounded) ranges.rounded_digest = digest_of(arena, content);
  for (int i = 0; i < c->n; i++) {
    const Judged *j = &c->judged[i];
    RangesRatio ratio = {.layer = j->layer->path,
                         .precision = precision_name[j->precision],
                         .snr = verdict_snr(&j->in[j->precision])};
    ARENA_PUSH(arena, ranges.ratio, ranges.n_ratios, ranges.cap_ratios, ratio);
  }
  ranges.total = c->measured;
  ranges_print(&ranges, out);
}

ExitCode calibrate_write(Calibrate *c, const char *path) {
  Session *s = c->s;
  Text ranges = text_new(s->arena), rounded = text_new(s->arena);
  const char *q = rounded_path(s, path), *slash = strrchr(q, '/'), *failed, *reason;
  FileOut files[3] = {{.path = path}};
  int n = 1;
  if (c->n_parts) write_rounded(c, &rounded);
  write_ranges(c, c->n_parts ? (slash ? slash + 1 : q) : NULL, &rounded, &ranges);
  files[0].data = text_str(&ranges);
  files[0].len = ranges.len;
  if (c->n_parts) {
    files[n++] = (FileOut){.path = q, .data = rounded.s, .len = rounded.len};
  }
  if (c->writes) {
    size_t len;
    const char *text = precision_edit(s, c->source, c->model, path, &len);
    if (!text) return EXIT_USAGE;
    files[n++] = (FileOut){.path = c->source->path, .data = text, .len = len};
  }
  if (!files_write(s->arena, files, n, &failed, &reason)) {
    session_file_error(s, failed, "write", reason);
    return EXIT_FILE;
  }
  Text said = text_new(s->arena);
  for (int i = 0; i < n; i++)
    text_printf(&said, "%s%s", list_separator(i, n, " and "), files[i].path);
  session_say(s, "%s written", text_str(&said));
  return EXIT_DONE;
}
