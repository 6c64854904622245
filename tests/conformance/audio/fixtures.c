/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fixtures of make_audio.py, make_nam.py and make_programs.py: NAME.json, NAME.nam and others
 * against NAME.npz, whole and as the beginnings of the stream; refused/NAME_CODE must be refused
 * with CODE; and every fixture cut at every length or with bytes changed must be refused or give a
 * model whose weights are there. Tolerance: the references are double on the same float32 weights,
 * so only rounding is between.
 *
 *     fixtures FOLDER */
#include "../conform.h"

#include "import/foreign.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHANGES = 400 };

/* The first `steps` steps of a stream give the first outputs of the whole. */
static void beginnings(Conform *c, const char *name, const Model *model, const Tensor *x,
                       const Tensor *y) {
  int64_t inputs = type_step_size(&model->in[0]->declared), outputs = y->dim[1], steps = x->dim[0];
  double error = 0, *in = ARENA_ARRAY(c->arena, double, x->count);
  for (int64_t i = 0; i < x->count; i++)
    in[i] = tensor_get(x, i);
  if (inputs != x->dim[1]) c->failures++;
  for (int64_t n = 1; n < steps; n++) {
    const EvalTensor *out = conform_run(c, model, (double *const[]){in}, &n);
    for (int64_t i = 0; out && i < n * outputs; i++)
      error = fmax(error, fabs(out[0].data[i] - tensor_get(y, i)));
    if (!out || out[0].steps != n) error = (double)INFINITY;
  }
  conform_row(c, arena_printf(c->arena, "%s, beginnings", name), steps * (steps - 1) / 2 * outputs,
              error, -1, 1e-6);
}

/* A text, whose length --time says. */
static void whole(Conform *c, const char *path, const TensorFile *file) {
  const Tensor *x = file ? tensor_find(file, "x0") : NULL,
               *y = file ? tensor_find(file, "y0") : NULL;
  if (x && y)
    conform_whole(c, path, x, y, x->count, 1e-6);
  else
    c->failures++;
}

static void accepted(Conform *c, const char *folder, const char *name) {
  const char *stem = arena_strndup(c->arena, name, strcspn(name, "."));
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s/%s.npz", folder, stem));
  if (strcmp(stem, "icu") == 0) {
    whole(c, arena_printf(c->arena, "%s/%s", folder, name), file);
    return;
  }
  Model *model = file ? conform_import(c, arena_printf(c->arena, "%s/%s", folder, name)) : NULL;
  const Tensor *x = file ? tensor_find(file, "x0") : NULL,
               *y = file ? tensor_find(file, "y0") : NULL;
  const Tensor *second = file ? tensor_find(file, "y1") : NULL;
  if (!model || !x || !y || x->rank != 2 || y->rank != 2) {
    c->failures++;
    return;
  }
  Tensor ys[] = {*y, second ? *second : *y};
  if (model->n_out != (second ? 2 : 1)) c->failures++;
  conform_batch(c, name, model, x, ys, 1, 1, 1e-6);
  beginnings(c, name, model, x, y);
}

static void hostile(Conform *c, const char *folder, const char *name) {
  static const char bytes[] = "0[]{}\",:-e9n\\";
  Mapped file;
  const char *reason;
  uint32_t state = 1;
  int bad = 0;
  if (!file_map(c->arena, arena_printf(c->arena, "%s/%s", folder, name), &file, &reason)) {
    c->failures++;
    return;
  }
  for (size_t len = 0; len < file.len; len++) {
    uint8_t *copy =
        malloc(len + 1); /* of its own, so that a sanitizer sees a read beyond the end */
    if (!copy) return;
    memcpy(copy, file.data, len);
    bad += !conform_survives("changed.json", copy, len);
    free(copy);
  }
  uint8_t *copy = ARENA_ARRAY(c->arena, uint8_t, file.len);
  for (int i = 0; i < CHANGES; i++) {
    memcpy(copy, file.data, file.len);
    for (int k = i % 3; k >= 0; k--)
      copy[conform_random(&state) % file.len] =
          (uint8_t)bytes[conform_random(&state) % (sizeof bytes - 1)];
    bad += !conform_survives("changed.json", copy, file.len);
  }
  printf("%-62s %zu cut, %d changed, %d neither refused nor whole\n", name, file.len, CHANGES, bad);
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
  conform_heading();
  const char **names = conform_files(&c, argv[1], NULL, &n),
             *folder = arena_printf(arena, "%s/refused", argv[1]);
  for (size_t i = 0; i < n; i++)
    accepted(&c, argv[1], names[i]);
  for (size_t i = 0; i < n; i++)
    hostile(&c, argv[1], names[i]);
  names = conform_files(&c, folder, NULL, &n_refused);
  for (size_t i = 0; i < n_refused; i++) {
    const char *path = arena_printf(arena, "%s/%s", folder, names[i]),
               *code = strrchr(names[i], '_') + 1;
    if (!conform_refused(&c, path, diag_code_find(arena_strndup(arena, code, 4))))
      printf("%s: DIFFERENT\n", names[i]);
  }
  int failures = c.failures;
  arena_free(arena);
  printf("%zu files, %zu refused, %d failures\n", n, n_refused, failures);
  return failures != 0 || n == 0 || n_refused == 0;
}
