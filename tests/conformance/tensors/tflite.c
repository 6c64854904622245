/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The MNIST LSTM of TensorFlow Lite Micro: 500 digits, read row by row, through import to the
 * reference evaluator and compiled code; their probabilities, and the accuracy that was published.
 *
 *     tflite MODELS
 *
 * Tolerance: the probabilities are numpy's in double of float32 weights, without the limit of 10
 * that the file sets to the cells: with it, the few digits whose cells reach it are 5e-5 away.
 * Without it, 28 steps of 20 cells and 560 sums behind them in float32 stay within 1e-5. The
 * weights of 8 bits, read as the real numbers that they stand for, give probabilities of their
 * own. */
#include "../conform.h"

enum { DIGITS = 500, PIXELS = 28 * 28, CLASSES = 10, RIGHT = 493 /* 98.6 % */ };

/* Bytes 0 to 255 as 0 to 1. */
static Tensor pixels(Conform *c, const char *path) {
  Tensor t = conform_npy(c, path);
  double *to = ARENA_ARRAY(c->arena, double, t.count + 1);
  for (int64_t i = 0; i < t.count; i++)
    to[i] = tensor_get(&t, i) / 255;
  t.elem = TENSOR_F64;
  t.data = (const uint8_t *)to;
  return t;
}

static int class_of(const double *p) {
  int best = 0;
  for (int k = 1; k < CLASSES; k++)
    if (p[k] > p[best]) best = k;
  return best;
}

static void accuracy(Conform *c, const Model *model, const Tensor *x, const Tensor *label) {
  int right = 0;
  double *values = ARENA_ARRAY(c->arena, double, PIXELS);
  for (int64_t k = 0; k < DIGITS; k++) {
    double *in[] = {values};
    int64_t steps[] = {28};
    EvalTensor y;
    for (int64_t i = 0; i < PIXELS; i++)
      values[i] = tensor_get(x, k * PIXELS + i);
    if (!conform_compiled(c, model, in, steps, &y) || !y.data) break;
    right += class_of(y.data) == (int)tensor_get(label, k);
  }
  conform_said(c, "tflm_mnist_lstm/trained_lstm.tflite",
               arena_printf(c->arena, "%d of %d digits right, compiled (%.1f %%)", right, DIGITS,
                            100.0 * right / (double)DIGITS));
  if (right != RIGHT) c->failures++;
}

/* Takes cell_clip=10 out, as a person would in the imported file. */
static void unlimited(Conform *c, Model *model) {
  bool found = false;
  for (int i = 0; i < model->n_layers; i++) {
    if (layer_number(model->layer[i], OPT_cell_clip, 0) != 10) continue;
    layer_set_number(model->layer[i], OPT_cell_clip, 0);
    found = true;
  }
  if (!found) c->failures++;
}

static void test(Conform *c, const char *folder) {
  const char *path = arena_printf(c->arena, "%s/trained_lstm.tflite", folder);
  Model *model = conform_import(c, path);
  Model *rounded = conform_import(c, arena_printf(c->arena, "%s/trained_lstm_int8.tflite", folder));
  Tensor x = pixels(c, arena_printf(c->arena, "%s/ref/mnist500_u8.npy", folder));
  Tensor y = conform_npy(c, arena_printf(c->arena, "%s/ref/mnist500_probs.npy", folder));
  Tensor label = conform_npy(c, arena_printf(c->arena, "%s/ref/mnist500_labels.npy", folder));
  if (!model || x.count != DIGITS * PIXELS || y.count != DIGITS * CLASSES ||
      label.count != DIGITS) {
    c->failures++;
    return;
  }
  conform_batch(c, path, model, &x, &y, DIGITS, 1, 1e-4);
  accuracy(c, model, &x, &label);
  if (rounded)
    conform_batch(c, "tflm_mnist_lstm/trained_lstm_int8.tflite", rounded, &x, &y, DIGITS, 1, 5e-2);
  model = conform_import(c, path);
  unlimited(c, model);
  conform_batch(c, "tflm_mnist_lstm/trained_lstm.tflite, no cell_clip", model, &x, &y, DIGITS, 1,
                1e-5);
  Tensor sx = conform_npy(c, arena_printf(c->arena, "%s/ref/samples_x.npy", folder));
  Tensor sy = conform_npy(c, arena_printf(c->arena, "%s/ref/samples_y.npy", folder));
  if (sx.count && sy.count)
    conform_batch(c, "tflm_mnist_lstm/samples", model, &sx, &sy, 10, 1, 1e-5);
}

static void run(Conform *c, char **argv) {
  test(c, arena_printf(c->arena, "%s/tflm_mnist_lstm", argv[1]));
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 2, 1, run);
}
