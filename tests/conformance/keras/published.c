/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published Keras models, from their files through import to the reference evaluator, against the
 * outputs that came with them. Tolerances: the references are float32 or rounded, so 1e-5 on
 * outputs of order 1; those of the examples of dl4j_keras are of order 100.
 *
 *     published MODELS CONFIGS */
#include "../conform.h"

#include "import/tensors/hdf5_file.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

typedef struct Test {
  Conform c;
  const char *models, *configs;
} Test;

static const char *path_of(Test *t, const char *name) {
  return arena_printf(t->c.arena, "%s/%s", t->models, name);
}
static Tensor array_of(Test *t, const char *name) {
  return conform_npy(&t->c, path_of(t, name));
}

/* What the models' authors published: from prices, (scaled - 0.01) / scale + lowest. */
typedef struct Published {
  const char *file, *expected;
  double rmse, mae, r2;
} Published;

typedef struct Sums {
  double squares, absolute, price, price_squares;
} Sums;

static void add_price(Sums *sums, double scaled, double price) {
  double error = (scaled - 0.01) / 0.005879529637628989 + 20.06 - price;
  sums->squares += error * error;
  sums->absolute += fabs(error);
  sums->price += price;
  sums->price_squares += price * price;
}

static void metric(Test *t, const char *file, const char *name, double got, double published,
                   double tolerance) {
  conform_row(&t->c,
              arena_printf(t->c.arena, "%s, %s %.4f, published %.4f", file, name, got, published),
              1, fabs(got - published), -1, tolerance);
}

/* Some of the windows, each as a stream from a reset on. */
static void stream_days(Test *t, const char *path, const Tensor *series, const Tensor *y,
                        int64_t days, int64_t every) {
  int64_t n = (y->count + every - 1) / every;
  double *x = ARENA_ARRAY(t->c.arena, double, (n * days)),
         *last = ARENA_ARRAY(t->c.arena, double, n);
  for (int64_t k = 0; k < n; k++) {
    last[k] = tensor_get(y, k * every);
    for (int64_t i = 0; i < days; i++)
      x[k * days + i] = tensor_get(series, k * every + i);
  }
  Tensor in = {.elem = TENSOR_F64,
               .rank = 2,
               .dim = {n, days},
               .count = n * days,
               .data = (const uint8_t *)x};
  Tensor out = {
      .elem = TENSOR_F64, .rank = 1, .dim = {n}, .count = n, .data = (const uint8_t *)last};
  if (!conform_streamed(&t->c, path, &in, &out, n, 1, 1e-5)) t->c.failures++;
}

/* 252 days of a series give the day behind them: compiled, all 1284 windows, and the published
 * figures of the test set; the evaluator, every 64th. The published ones were computed in f32 by
 * Keras, which moves RMSE and MAE by up to 1.2e-3. */
static void lstm_qqq(Test *t, const Published *p) {
  enum { DAYS = 252, EVERY = 64 };
  const char *path = path_of(t, p->file);
  Tensor series = array_of(t, "lstm_qqq/ref/series_scaled.npy"), y = array_of(t, p->expected);
  Tensor price = array_of(t, "lstm_qqq/ref/actual_close.npy");
  Model *model = conform_import(&t->c, path);
  double error = 0, compiled = -1, x[DAYS], *in[] = {x};
  int64_t steps[] = {DAYS}, n = y.count;
  Sums sums = {0};
  if (!model || price.count != n) return;
  for (int64_t k = 0; k < n; k++) {
    EvalTensor fast;
    for (int64_t i = 0; i < DAYS; i++)
      x[i] = tensor_get(&series, k + i);
    if (conform_compiled(&t->c, model, in, steps, &fast)) {
      double got = fast.data ? fast.data[0] : (double)INFINITY;
      compiled = fmax(compiled, fabs(got - tensor_get(&y, k)));
      add_price(&sums, got, tensor_get(&price, k));
    }
    if (k % EVERY) continue;
    const EvalTensor *out = conform_run(&t->c, model, in, steps);
    error = fmax(error, out ? fabs(out[0].data[0] - tensor_get(&y, k)) : (double)INFINITY);
  }
  conform_row(&t->c, path, n, error, compiled, 1e-5);
  stream_days(t, path, &series, &y, DAYS, EVERY);
  if (compiled < 0) return;
  double mean = sums.price / (double)n, spread = sums.price_squares - (double)n * mean * mean;
  metric(t, p->file, "RMSE", sqrt(sums.squares / (double)n), p->rmse, 2e-3);
  metric(t, p->file, "MAE", sums.absolute / (double)n, p->mae, 2e-3);
  metric(t, p->file, "R2", 1 - sums.squares / spread, p->r2, 1e-4);
}

static void one_to_one(Test *t, const char *file, const char *x, const char *y, double tolerance) {
  Tensor in = array_of(t, x), out = array_of(t, y);
  Model *model = conform_import(&t->c, path_of(t, file));
  if (!model || !in.rank) return;
  conform_batch(&t->c, path_of(t, file), model, &in, &out, in.dim[0], 1, tolerance);
  if (!conform_streamed(&t->c, path_of(t, file), &in, &out, in.dim[0], 1, tolerance))
    t->c.failures++;
}

/* Largest distance of five values, divided by their sum, from row k. */
static double share_error(const double *z, const Tensor *y, int64_t k) {
  double sum = 0, error = 0;
  for (int i = 0; i < 5; i++)
    sum += z[i];
  for (int i = 0; i < 5; i++)
    error = fmax(error, fabs(z[i] / sum - tensor_get(y, k * 5 + i)));
  return error;
}

/* y = relu(z) / sum(relu(z)): the division is not in the Keras model. */
static void reactionrnn(Test *t) {
  const char *path = path_of(t, "reactionrnn/reactionrnn_weights.hdf5");
  Tensor x = array_of(t, "reactionrnn/ref/tokens.npy"), y = array_of(t, "reactionrnn/ref/y.npy");
  t->c.options.config = arena_printf(t->c.arena, "%s/reactionrnn.json", t->configs);
  Model *model = conform_import(&t->c, path);
  t->c.options.config = NULL;
  double error = 0, compiled = -1;
  for (int64_t k = 0; model && k < x.dim[0]; k++) {
    double tokens[140], *in[] = {tokens};
    for (int i = 0; i < 140; i++)
      tokens[i] = tensor_get(&x, k * 140 + i);
    const EvalTensor *out = conform_run(&t->c, model, in, (int64_t[]){140});
    EvalTensor fast;
    error = fmax(error, out ? share_error(out[0].data, &y, k) : (double)INFINITY);
    if (conform_compiled(&t->c, model, in, (int64_t[]){140}, &fast))
      compiled = fmax(compiled, fast.data ? share_error(fast.data, &y, k) : (double)INFINITY);
  }
  if (model) conform_row(&t->c, path, y.count, error, compiled, 1e-5);
}

static void rnnoise_stream(Test *t) {
  const char *path = path_of(t, "rnnoise_nu_bd/bd.hdf5");
  Tensor x = array_of(t, "rnnoise_nu_bd/ref/features.npy");
  Tensor y[] = {array_of(t, "rnnoise_nu_bd/ref/bd__denoise_output.npy"),
                array_of(t, "rnnoise_nu_bd/ref/bd__vad_output.npy")};
  t->c.options.stream = true;
  Model *model = conform_import(&t->c, path);
  t->c.options.stream = false;
  if (model)
    conform_batch(&t->c, arena_printf(t->c.arena, "%s (stream)", path), model, &x, y, 1, 1, 1e-5);
  t->c.options.time = "500";
  model = conform_import(&t->c, path);
  t->c.options.time = NULL;
  if (model)
    conform_batch(&t->c, arena_printf(t->c.arena, "%s (500 steps)", path), model, &x, y, 1, 1,
                  1e-5);
}

/* The only array of a group of an HDF5 file, as a Tensor. */
static Tensor hdf5_array(Test *t, Hdf5 *file, const char *path) {
  Hdf5Tensor h;
  const char *reason;
  Tensor out = {.elem = TENSOR_F32};
  if (!file || !hdf5_read(file, path, &h, &reason)) {
    t->c.failures++;
    return out;
  }
  out.rank = h.rank;
  memcpy(out.dim, h.dim, sizeof h.dim);
  out.count = h.count;
  out.data = (const uint8_t *)h.data;
  return out;
}

static void example(Test *t, const char *name, const char *input) {
  Mapped map;
  const char *reason,
      *path = path_of(t, arena_printf(t->c.arena, "dl4j_keras/examples/%s_model.h5", name));
  const char *data =
      path_of(t, arena_printf(t->c.arena, "dl4j_keras/examples/%s_inputs_and_outputs.h5", name));
  Hdf5 *file =
      file_map(t->c.arena, data, &map, &reason) ? hdf5_open(t->c.arena, map, &reason) : NULL;
  Tensor x = hdf5_array(t, file, arena_printf(t->c.arena, "inputs/%s", input)),
         y = hdf5_array(t, file, "predictions/dense_1");
  Model *model = conform_import(&t->c, path);
  if (!model || !x.rank) return;
  conform_batch(&t->c, path, model, &x, &y, x.dim[0], 1, 1e-4);
  conform_streamed(&t->c, path, &x, &y, x.dim[0], 1, 1e-4);
}

/* No outputs of this example were published: only import compares it, with its graph. */
static void unrecorded(Test *t, const char *name) {
  const char *path = path_of(t, arena_printf(t->c.arena, "dl4j_keras/examples/%s", name));
  if (conform_import(&t->c, path))
    conform_said(&t->c, path, "imported and compared with its graph; no outputs were published");
}

static void tfkeras_rnn(Test *t) {
  TensorFile *x = conform_npz(&t->c, path_of(t, "dl4j_keras/tfkeras_rnn/ref_x.npz"));
  TensorFile *y = conform_npz(&t->c, path_of(t, "dl4j_keras/tfkeras_rnn/ref_y.npz"));
  int streams = 0;
  for (int i = 0; x && y && i < x->n; i++) {
    const char *path =
        path_of(t, arena_printf(t->c.arena, "dl4j_keras/tfkeras_rnn/%s", x->tensor[i].name));
    const Tensor *expected = tensor_find(y, x->tensor[i].name);
    Model *model = conform_import(&t->c, path);
    if (!model || !expected) continue;
    conform_batch(&t->c, path, model, &x->tensor[i], expected, x->tensor[i].dim[0], 1, 1e-5);
    streams += conform_streamed(&t->c, path, &x->tensor[i], expected, x->tensor[i].dim[0], 1, 1e-5);
  }
  if (streams == 0) t->c.failures++;
}

static void run(Test *t) {
  conform_heading();
  lstm_qqq(t, &(Published){"lstm_qqq/gru_model.keras", "lstm_qqq/ref/gru_y_scaled.npy", 6.2275,
                           4.7972, 0.9926});
  lstm_qqq(t, &(Published){"lstm_qqq/lstm_model.keras", "lstm_qqq/ref/lstm_y_scaled.npy", 37.9612,
                           32.6930, 0.7265});
  one_to_one(t, "precise/hey-mycroft.net", "precise/ref/x.npy",
             "precise/ref/hey-mycroft.net__y.npy", 1e-5);
  one_to_one(t, "precise/hey-mycroft.train.net", "precise/ref/x.npy",
             "precise/ref/hey-mycroft.train.net__y.npy", 1e-5);
  reactionrnn(t);
  rnnoise_stream(t);
  t->c.options.config = path_of(t, "dl4j_keras/fullconfig_lstm/lstm_th_keras_2_config.json");
  one_to_one(t, "dl4j_keras/fullconfig_lstm/lstm_th_keras_2_weights.h5",
             "dl4j_keras/fullconfig_lstm/x.npy", "dl4j_keras/fullconfig_lstm/predictions.npy",
             1e-5);
  t->c.options.config = NULL;
  example(t, "simple_lstm_tf_keras_1", "lstm_input_1");
  example(t, "simple_rnn_tf_keras_2", "simple_rnn_1_input");
  example(t, "simple_flatten_rnn_tf_keras_2", "simple_rnn_1_input");
  example(t, "simple_flatten_lstm_tf_keras_2", "lstm_1_input");
  unrecorded(t, "masking_two_lstm.h5");
  unrecorded(t, "reshape_model.h5");
  unrecorded(t, "lstm_functional_tf_keras_2.h5");
  tfkeras_rnn(t);
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Test t = {0};
  if (argc != 3) return 2;
  t.models = argv[1];
  t.configs = argv[2];
  if (!file_exists(t.models)) {
    printf("SKIPPED: there are no published models in %s\n", t.models);
    return SKIPPED;
  }
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  conform_begin(&t.c, arena);
  run(&t);
  int failures = t.c.failures;
  arena_free(arena);
  printf("%d failures\n", failures);
  return failures != 0;
}
