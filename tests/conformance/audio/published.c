/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published audio models, from their JSON through import to the reference evaluator, against the
 * outputs that came with them. Each is one long stream, or one vector for each row of its file.
 *
 *     published MODELS MORE_MODELS
 *
 * Tolerances. The references of rtneural are float32 of TensorFlow, whose own distance to double is
 * 1.4e-7 at most; those of klon_centaur are double, so that only the double of float32 weights and
 * the printing are between, and for compiled code the rounding of 4096 steps in float32 (1.7e-6).
 * Those of wright_amp are float32 of PyTorch over 4096 steps: 1.2e-5 at most from double. */
#include "../conform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct Case {
  const char *model, *x, *y;
  double tolerance;
} Case;

#define RTNEURAL(name)                                                                             \
  {"rtneural/models/" name ".json", "rtneural/test_data/" name "_x_python.csv",                    \
   "rtneural/test_data/" name "_y_python.csv", 1e-6}
#define CENTAUR(name)                                                                              \
  {"klon_centaur/" name ".json", "klon_centaur/ref/x.npy", "klon_centaur/ref/" name "__y.npy", 3e-6}
#define AMP(name)                                                                                  \
  {"wright_amp/" name ".json", "wright_amp/ref/x.npy", "wright_amp/ref/" name "__y.npy", 3e-5}
static const Case cases[] = {RTNEURAL("dense"),     RTNEURAL("conv"),       RTNEURAL("gru"),
                             RTNEURAL("gru_1d"),    RTNEURAL("lstm"),       RTNEURAL("lstm_1d"),
                             RTNEURAL("gru_torch"), RTNEURAL("lstm_torch"), CENTAUR("centaur_0"),
                             CENTAUR("centaur_50"), CENTAUR("centaur_100"), AMP("ht1-ht11"),
                             AMP("ht1-ht13"),       AMP("muff-muff1"),      AMP("muff-muff4")};

/* Outputs of Neural Amp Modeler's own engine, float32, behind its silence; by its weights in
 * double. */
#define NAM(name) {"nam_core/" name ".nam", "nam_core/ref/x.npy", "nam_core/ref/" name ".npy", 1e-5}
static const Case engine_cases[] = {
    NAM("wavenet_a1_standard"),
    NAM("wavenet_a2_max"),
    NAM("wavenet_condition_dsp"),
    {"nam_core/slimmable_wavenet.nam", "nam_core/ref/x.npy", "nam_core/ref/slimmable_wavenet.npy",
     1e-4}, /* outputs up to 14 */
    NAM("slimmable_container"),
    NAM("A2"),
    {"nam_red_noboost/model.nam", "nam_red_noboost/ref/x.npy", "nam_red_noboost/ref/y.npy", 1e-5},
    {"nam_swede_feather/model.nam", "nam_swede_feather/ref/x.npy", "nam_swede_feather/ref/y.npy",
     1e-5}};

/* Numbers between commas and line ends, as one row of doubles. */
static Tensor csv(Conform *c, const char *path) {
  Mapped file;
  const char *reason;
  double *values = NULL;
  size_t n = 0, cap = 0;
  if (!file_map(c->arena, path, &file, &reason)) {
    printf("%s: %s\n", path, reason);
    c->failures++;
    return (Tensor){0};
  }
  const char *s = arena_strndup(c->arena, (const char *)file.data, file.len);
  for (char *end; *s; s = end + strspn(end, ", \t\r\n")) {
    double value = strtod(s, &end);
    if (end == s) break;
    ARENA_PUSH(c->arena, values, n, cap, value);
  }
  if (*s) c->failures++;
  return (Tensor){.elem = TENSOR_F64,
                  .rank = 1,
                  .dim = {(int64_t)n},
                  .count = (int64_t)n,
                  .data = (const uint8_t *)values};
}

static Tensor array(Conform *c, const char *folder, const char *name) {
  const char *path = arena_printf(c->arena, "%s/%s", folder, name);
  return strstr(name, ".csv") ? csv(c, path) : conform_npy(c, path);
}

static void test(Conform *c, const char *folder, const Case *t) {
  const char *path = arena_printf(c->arena, "%s/%s", folder, t->model);
  Model *model = conform_import(c, path);
  Tensor x = array(c, folder, t->x), y = array(c, folder, t->y);
  if (!model || !x.count || !y.count) return;
  const Type *in = &model->in[0]->declared;
  conform_batch(c, path, model, &x, &y, type_is_sequence(in) ? 1 : x.count / type_step_size(in), 1,
                t->tolerance);
  if (type_is_sequence(in))
    conform_whole(c, path, &x, &y, x.count / type_step_size(in), t->tolerance);
}

/* {channels, steps} to {steps, channels}, as the language stores a sequence. */
static Tensor transposed(Conform *c, Tensor t, int64_t channels) {
  double *to = ARENA_ARRAY(c->arena, double, t.count);
  for (int64_t i = 0; i < t.count; i++)
    to[i % (t.count / channels) * channels + i / (t.count / channels)] = tensor_get(&t, i);
  t.data = (const uint8_t *)to;
  return t;
}

/* PyTorch convolutions, whose arguments the file does not hold: refused, then read with
 * --config. */
static void conv_torch(Conform *c, const char *folder, const char *x_name, const char *suffix,
                       const char *config, int64_t channels, int steps) {
  const char *path =
      arena_printf(c->arena, "%s/rtneural/models/conv1d_torch%s.json", folder, suffix);
  const char *group = strncmp(suffix, "_group", 6) == 0 ? suffix + 6 : suffix;
  const char *middle = group == suffix ? "conv1d_torch_y_python" : "conv1d_torch_group_y_python";
  char time[16], config_path[] = "conform_audio_config.json";
  FILE *file = fopen(config_path, "w");
  if (!file || fputs(config, file) < 0 || fclose(file) != 0) c->failures++;
  conform_refused(c, path, E904);
  snprintf(time, sizeof time, "%d", steps);
  c->options.config = config_path;
  c->options.time = time;
  Model *model = conform_import(c, path);
  c->options.config = c->options.time = NULL;
  remove(config_path);
  Tensor x = array(c, folder, x_name),
         y = array(c, folder, arena_printf(c->arena, "rtneural/test_data/%s%s.csv", middle, group));
  if (!model || !x.count || !y.count) return;
  y = transposed(c, y, channels);
  conform_batch(c, path, model, &x, &y, 1, 1, 1e-6);
}

static void torch_models(Conform *c, const char *folder) {
  static const char one[] = "rtneural/test_data/conv1d_torch_x_python.csv",
                    grouped[] = "rtneural/test_data/conv1d_torch_group_x_python.csv";
  conv_torch(c, folder, one, "", "{\"stride\": 1}", 12, 1000);
  conv_torch(c, folder, one, "_stride_3", "{\"stride\": 3}", 12, 1000);
  conv_torch(c, folder, grouped, "_group_6_3_3_1_3", "{\"groups\": 3}", 3, 500);
  conv_torch(c, folder, grouped, "_group_6_3_4_10_3", "{\"groups\": 3, \"dilation\": 10}", 3, 500);
  conv_torch(c, folder, grouped, "_group_6_6_1_1_6", "{\"groups\": 6}", 6, 500);
}

/* Without a reference: that it is read is all there is to see. */
static void only_imported(Conform *c, const char *folder, const char *name) {
  const char *path = arena_printf(c->arena, "%s/%s", folder, name);
  if (conform_import(c, path)) conform_said(c, name, "imported, without reference");
}

static void run(Conform *c, char **argv) {
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    test(c, argv[1], &cases[i]);
  for (size_t i = 0; i < sizeof engine_cases / sizeof *engine_cases && file_exists(argv[2]); i++)
    test(c, argv[2], &engine_cases[i]);
  if (!file_exists(argv[2])) printf("SKIPPED: there are no published models in %s\n", argv[2]);
  torch_models(c, argv[1]);
  only_imported(c, argv[1], "rtneural/models/full_model.json");
  conform_refused(c, arena_printf(c->arena, "%s/rtneural/models/bad_lstm.json", argv[1]), E603);
  only_imported(c, argv[1], "rtneural/models/conv2d.json");
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 3, 1, run);
}
