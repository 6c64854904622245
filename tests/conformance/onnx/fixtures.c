/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fixtures of make_onnx.py: NAME.onnx against what onnxruntime made of it, whole or, where state comes
 * back, as one stream; refused/NAME_CODE.onnx must be refused with CODE; and fixtures cut short or
 * with bytes changed must be refused or give a model whose weights are there. Tolerance: onnxruntime
 * computes in f32.
 *
 *     fixtures FOLDER */
#include "../conform.h"

#include "import/foreign.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CUTS = 60, CHANGES = 200, HOSTILE_EVERY = 6 };

static int by_name(const void *a, const void *b) { return strcmp(*(const char *const *)a, *(const char *const *)b); }

/* The .onnx files of a folder, sorted. */
static const char **list(Conform *c, const char *folder, size_t *n) {
  const char **names = NULL;
  size_t cap = 0;
  DIR *dir = opendir(folder);
  *n = 0;
  if (!dir) return NULL;
  for (struct dirent *e = readdir(dir); e; e = readdir(dir))
    if (strstr(e->d_name, ".onnx")) ARENA_PUSH(c->arena, names, *n, cap, arena_strdup(c->arena, e->d_name));
  closedir(dir);
  if (*n) qsort(names, *n, sizeof *names, by_name);
  return names;
}

/* [.., features, time] as the language stores a sequence, time first. */
static Tensor time_first(Conform *c, Tensor t, const Type *type) {
  int64_t steps = type_is_sequence(type) ? type->time.n : 0;
  if (t.rank != 3 || !steps || t.dim[2] != steps || t.dim[1] == steps) return t;
  double *to = ARENA_ARRAY(c->arena, double, t.count);
  for (int64_t i = 0; i < t.count; i++)
    to[i % steps * t.dim[1] + i / steps] = tensor_get(&t, i);
  t.data = (const uint8_t *)to;
  t.elem = TENSOR_F64;
  return t;
}

static void accepted(Conform *c, const char *folder, const char *name) {
  const char *stem = arena_strndup(c->arena, name, strcspn(name, "."));
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s/%s.npz", folder, stem));
  Model *model = conform_import(c, arena_printf(c->arena, "%s/%s", folder, name));
  enum { MOST = 8 };
  Tensor x[MOST], y[MOST];
  if (!model || !file || model->n_in > MOST || model->n_out > MOST) return;
  for (int i = 0; i < model->n_in + model->n_out; i++) {
    bool in = i < model->n_in;
    const Port *port = in ? model->in[i] : model->out[i - model->n_in];
    const Tensor *t = tensor_find(file, arena_printf(c->arena, "%s_%s", in ? "in" : "out", port->name));
    if (!t) {
      printf("%s: no array for `%s`\n", name, port->name);
      c->failures++;
      return;
    }
    *(in ? &x[i] : &y[i - model->n_in]) = time_first(c, *t, in ? &port->declared : &port->value->type);
  }
  conform_batch(c, name, model, x, y, 1, 1, 1e-6);
}

/* True if the content is refused with a message, or every layer that needs weights has them. */
static bool survives(const uint8_t *data, size_t len) {
  jmp_buf oom;
  if (setjmp(oom)) return false;
  Arena *arena = arena_new(&oom);
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = "changed.onnx", .data = {data, len}};
  ImportOptions options = {0};
  Foreign *foreign = foreign_import(&file, &options, diags);
  bool ok = foreign ? diags->n_errors == 0 : diags->n_errors > 0;
  for (int i = 0; ok && foreign && i < foreign->model->n_layers; i++) {
    const Layer *layer = foreign->model->layer[i];
    ParamShape params[LAYER_MAX_PARAMS];
    for (int p = layer_params(layer, params); p-- > 0;)
      ok &= layer->weights && layer->weights->role[params[p].role];
  }
  arena_free(arena);
  return ok;
}

static uint32_t next_random(uint32_t *state) {
  *state = *state * 1664525U + 1013904223U;
  return *state >> 8;
}

static void hostile(Conform *c, const char *folder, const char *name) {
  Mapped file;
  const char *reason;
  uint32_t state = 1;
  int bad = 0;
  if (!file_map(c->arena, arena_printf(c->arena, "%s/%s", folder, name), &file, &reason)) {
    c->failures++;
    return;
  }
  for (size_t i = 0; i < CUTS + CHANGES; i++) {
    size_t len = i < CUTS ? file.len * i / CUTS : file.len;
    uint8_t *copy = malloc(len + 1); /* of its own, so that a sanitizer sees a read beyond the end */
    if (!copy) return;
    memcpy(copy, file.data, len);
    for (size_t k = 0; i >= CUTS && k <= i % 3; k++)
      copy[next_random(&state) % len] = (uint8_t)next_random(&state);
    if (!survives(copy, len)) {
      printf("%s, change %zu: neither refused nor whole\n", name, i);
      bad++;
    }
    free(copy);
  }
  printf("%-62s %d cut, %d changed, %d neither refused nor whole\n", name, CUTS, CHANGES, bad);
  c->failures += bad;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Conform c;
  size_t n, n_refused;
  if (argc != 2) return 2;
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  conform_begin(&c, arena);
  c.only_llvm = true;
  conform_heading();
  const char **names = list(&c, argv[1], &n), *folder = arena_printf(arena, "%s/refused", argv[1]);
  for (size_t i = 0; i < n; i++)
    accepted(&c, argv[1], names[i]);
  for (size_t i = 0; i < n; i += HOSTILE_EVERY)
    hostile(&c, argv[1], names[i]);
  names = list(&c, folder, &n_refused);
  for (size_t i = 0; i < n_refused; i++) {
    const char *path = arena_printf(arena, "%s/%s", folder, names[i]), *code = strrchr(names[i], '_') + 1;
    if (!conform_refused(&c, path, diag_code_find(arena_strndup(arena, code, 4)))) printf("%s: DIFFERENT\n", names[i]);
  }
  int failures = c.failures + (n == 0) + (n_refused == 0);
  arena_free(arena);
  printf("%d failures\n", failures);
  return failures != 0;
}
