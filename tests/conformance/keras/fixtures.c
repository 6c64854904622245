/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fixtures that make_keras.py makes with today's Keras: NAME.keras and NAME.h5 against
 * NAME.npz; and those of make_tflite.py, NAME.tflite, and of make_masked.py;
 * refused/NAME_CODE.keras must be refused with CODE; signatures/ holds files of several signatures,
 * by make_signatures.py. Tolerance: both sides differ by the float32 of Keras, 1e-5 on outputs of
 * order 1 and more (an unbounded relu recurrence is of order 100).
 *
 *     fixtures FOLDER */
#include "../conform.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* x0, x1 ... or y0, y1 ... of an archive. */
static Tensor *arrays(Conform *c, const TensorFile *file, char letter, int n) {
  Tensor *out = ARENA_ARRAY(c->arena, Tensor, n + 1);
  for (int i = 0; i < n; i++) {
    const Tensor *t = tensor_find(file, arena_printf(c->arena, "%c%d", letter, i));
    if (t)
      out[i] = *t;
    else
      c->failures++;
  }
  return out;
}

static double greatest(const Tensor *t) {
  double most = 1;
  for (int64_t i = 0; i < t->count; i++) {
    double value = tensor_get(t, i);
    most = value > most ? value : -value > most ? -value : most;
  }
  return most;
}

/* The model folder/name and folder/recorded.npz. */
static void compare(Conform *c, const char *folder, const char *name, const char *recorded) {
  const char *asked = c->options.signature,
             *label = asked ? arena_printf(c->arena, "%s, %s", name, asked) : name;
  const char *path = arena_printf(c->arena, "%s/%s", folder, name);
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s/%s.npz", folder, recorded));
  Model *model = file ? conform_import(c, path) : NULL;
  if (!model) return;
  Tensor *x = arrays(c, file, 'x', model->n_in), *y = arrays(c, file, 'y', model->n_out);
  double scale = 1;
  for (int i = 0; i < model->n_out; i++)
    scale = greatest(&y[i]) > scale ? greatest(&y[i]) : scale;
  if (model->n_in + model->n_out != file->n) {
    printf("%s: %d inputs and %d outputs for %d arrays\n", label, model->n_in, model->n_out,
           file->n);
    c->failures++;
  }
  conform_batch(c, label, model, x, y, x[0].dim[0], 1, 1e-5 * scale);
}

static void accepted(Conform *c, const char *folder, const char *name) {
  compare(c, folder, name, arena_strndup(c->arena, name, strcspn(name, ".")));
}

/* Files of two signatures: the one that is asked for, the usual one, and a refusal to choose. */
static int signatures(Conform *c, const char *folder) {
  static const char *const names[] = {"encode", "score"};
  const char *both = "signatures.tflite", *unknown = arena_printf(c->arena, "%s/%s", folder, both);
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    c->options.signature = names[i];
    compare(c, folder, both, names[i]);
  }
  c->options.signature = "decode";
  conform_refused(c, unknown, E904);
  c->options.signature = NULL;
  conform_refused(c, unknown, E904);
  compare(c, folder, "signatures_default.tflite", "encode");
  return 2;
}

static void refused(Conform *c, const char *folder, const char *name) {
  const char *path = arena_printf(c->arena, "%s/%s", folder, name), *code = strrchr(name, '_') + 1;
  conform_refused(c, path, diag_code_find(arena_strndup(c->arena, code, 4)));
}

static int run_folder(Conform *c, const char *folder,
                      void (*test)(Conform *, const char *, const char *)) {
  size_t n;
  const char **names = conform_files(c, folder, ".keras .h5 .tflite .onnx .saved_model", &n);
  for (size_t i = 0; i < n; i++)
    test(c, folder, names[i]);
  return (int)n;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Conform c;
  if (argc != 2) return 2;
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  conform_begin(&c, arena);
  conform_heading();
  const char *wrong = arena_printf(arena, "%s/refused", argv[1]);
  bool refuses = access(wrong, F_OK) == 0;
  int n = run_folder(&c, argv[1], accepted), n_refused = run_folder(&c, wrong, refused);
  const char *chosen = arena_printf(arena, "%s/signatures", argv[1]);
  if (access(chosen, F_OK) == 0) n += signatures(&c, chosen);
  int failures = c.failures;
  arena_free(arena);
  printf("%d files, %d refused, %d failures\n", n, n_refused, failures);
  return failures != 0 || n == 0 || (refuses && n_refused == 0);
}
