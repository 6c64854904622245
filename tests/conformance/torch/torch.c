/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* State dicts of PyTorch with the layers written by hand, made by make_torch.py: NAME.grus over
 * NAME.safetensors or NAME.npz against NAME.io.npz; refused/NAME_CODE.grus must be refused with
 * CODE, and each state dict alone is asked about: it does not say which layers there are, nor their
 * nonlinearity, eps, stride or padding. Tolerance: float32 of PyTorch, 1e-5 of outputs of order 1;
 * a relu recurrence grows.
 *
 *     torch FOLDER */
#include "../conform.h"

#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

static Tensor *arrays(Conform *c, const TensorFile *file, char letter, int n, double *greatest) {
  Tensor *out = ARENA_ARRAY(c->arena, Tensor, n + 1);
  for (int i = 0; i < n; i++) {
    const Tensor *t = tensor_find(file, arena_printf(c->arena, "%c%d", letter, i));
    c->failures += t == NULL;
    if (t) out[i] = *t;
    for (int64_t k = 0; t && k < t->count; k++)
      *greatest = fmax(*greatest, fabs(tensor_get(t, k)));
  }
  return out;
}

static const char *weights_of(Conform *c, const char *stem) {
  const char *npz = arena_printf(c->arena, "%s.npz", stem);
  return file_exists(npz) ? npz : arena_printf(c->arena, "%s.safetensors", stem);
}

static void accepted(Conform *c, const char *stem) {
  const char *weights = weights_of(c, stem);
  conform_refused(c, weights, E904);
  c->options.config = arena_printf(c->arena, "%s.grus", stem);
  Model *model = conform_import(c, weights);
  c->options.config = NULL;
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s.io.npz", stem));
  if (!model || !file) return;
  double scale = 1, inputs = 0;
  c->failures += c->session.diags->n_warnings > 0;
  if (c->session.diags->n_warnings) session_print_diags(&c->session);
  Tensor *x = arrays(c, file, 'x', model->n_in, &inputs),
         *y = arrays(c, file, 'y', model->n_out, &scale);
  conform_batch(c, weights, model, x, y, x[0].dim[0], 1, 1e-5 * scale);
}

static void refused(Conform *c, const char *stem) {
  const char *code = strrchr(stem, '_') + 1;
  c->options.config = arena_printf(c->arena, "%s.grus", stem);
  conform_refused(c, weights_of(c, stem), diag_code_find(code));
  c->options.config = NULL;
}

static int run_folder(Conform *c, const char *folder, void (*test)(Conform *, const char *)) {
  size_t n;
  const char **names = conform_files(c, folder, ".grus", &n);
  for (size_t i = 0; i < n; i++)
    test(c, arena_printf(c->arena, "%s/%.*s", folder, (int)strlen(names[i]) - 5, names[i]));
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
  int n = run_folder(&c, argv[1], accepted),
      n_refused = run_folder(&c, arena_printf(arena, "%s/refused", argv[1]), refused);
  int failures = c.failures;
  arena_free(arena);
  printf("%d state dicts, %d refused, %d failures\n", n, n_refused, failures);
  return failures != 0 || n == 0 || n_refused == 0;
}
