/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published nets that import reads whole, written once more by hand as a person would write them,
 * in the .grus files beside, and compared with what their own frameworks got. The weights are those
 * of the import, layer by layer in the order of the text. Two more are of kinds whose weights are
 * not published.
 *
 *     whole MODELS MORE WRITTEN
 *
 * Tolerances are those of the files' notes: 1e-5 of the largest output, and at least 1e-5. */
#include "../conform.h"

#include <math.h>
#include <string.h>

typedef struct Test {
  Conform *c;
  const char *written;
} Test;

enum { MOST_FILES = 3, MOST_PORTS = 3 };

/* A recorded array; where `axes` is given, it has these sizes, and is read with its axes in the
 * order `order`. */
typedef struct Array {
  const char *path;
  int rank;
  int64_t dim[4];
  int order[4];
} Array;

/* files: what holds the layers, one after the other. `affine`: the input is integers q, which stand
 * for (q - zero) * scale. */
typedef struct Case {
  const char *layers, *file[MOST_FILES];
  Array in[MOST_PORTS], out[MOST_PORTS];
  bool stream; /* the files are imported with --stream */
  double scale, zero, tolerance;
} Case;

static const Case cases[] = {
    {.layers = "gtcrn",
     .file = {"models/gtcrn/gtcrn_simple.onnx"},
     .in = {{"models/gtcrn/ref/mix.npy", 0, {0}, {0}}},
     .out = {{"models/gtcrn/ref/enh.npy", 3, {200, 257, 2}, {0, 2, 1}}},
     .stream = true,
     .tolerance = 1e-5},
    {.layers = "deepfilter",
     .file = {"models2/deepfilternet3_enc/enc.onnx", "models2/deepfilternet3_erb_dec/erb_dec.onnx",
              "models2/deepfilternet3_df_dec/df_dec.onnx"},
     .in = {{"models2/deepfilternet3_enc/ref/feat_erb.npy", 0, {0}, {0}},
            {"models2/deepfilternet3_enc/ref/feat_spec.npy", 3, {2, 12, 96}, {1, 2, 0}}},
     .out = {{"models2/deepfilternet3_enc/ref/lsnr.npy", 0, {0}, {0}},
             {"models2/deepfilternet3_erb_dec/ref/m.npy", 0, {0}, {0}},
             {"models2/deepfilternet3_df_dec/ref/coefs.npy", 0, {0}, {0}}},
     .stream = true,
     .tolerance = 1e-5},
    {.layers = "nam",
     .file = {"models2/nam_core/wavenet_a1_standard.nam"},
     .in = {{"models2/nam_core/ref/x.npy", 0, {0}, {0}}},
     .out = {{"models2/nam_core/ref/wavenet_a1_standard.npy", 0, {0}, {0}}},
     .tolerance = 1e-5},
    {.layers = "wake_word",
     .file = {"models2/microwakeword_okay_nabu/okay_nabu.tflite"},
     .in = {{"models2/microwakeword_okay_nabu/ref/input.npy", 0, {0}, {0}}},
     .out = {{"models2/microwakeword_okay_nabu/ref/output_float.npy", 0, {0}, {0}}},
     .scale = 0.10196078568696976,
     .zero = -128,
     .tolerance = 1e-3},
};
enum { CASES = sizeof cases / sizeof *cases };

static const char *path_of(Test *t, const char *folder, const char *path) {
  const char *more = strchr(path, '/');
  bool second = strncmp(path, "models2/", 8) == 0;
  return arena_printf(t->c->arena, "%s%s%s", folder, second ? "2" : "", more);
}

/* The values in the order of the model, the integers as the numbers they stand for. */
static Tensor array_of(Test *t, const char *folder, const Case *one, const Array *array,
                       bool input) {
  Tensor x = conform_npy(t->c, path_of(t, folder, array->path));
  double *data = ARENA_ARRAY(t->c->arena, double, x.count + 1);
  int64_t step[4] = {1, 1, 1, 1}, from_step[4] = {1, 1, 1, 1};
  for (int k = array->rank - 2; k >= 0; k--) {
    from_step[k] = from_step[k + 1] * array->dim[k + 1];
    step[k] = step[k + 1] * array->dim[array->order[k + 1]];
  }
  for (int64_t i = 0; i < x.count; i++) {
    int64_t from = array->rank ? 0 : i;
    for (int k = 0; k < array->rank; k++)
      from += i / step[k] % array->dim[array->order[k]] * from_step[array->order[k]];
    data[i] = tensor_get(&x, from);
    if (input && one->scale > 0) data[i] = (data[i] - one->zero) * one->scale;
  }
  Tensor out = {.name = "", .elem = TENSOR_F64, .rank = 1, .count = x.count};
  out.dim[0] = x.count;
  out.data = (const uint8_t *)data;
  return out;
}

/* The layers with weights of the written model take those of the imported ones in turn. False
 * after saying where they are not the same. */
static bool take_weights(Model *model, Model *const *from, int n_from) {
  int file = 0, at = 0;
  for (int i = 0; i < model->n_layers; i++) {
    Layer *layer = model->layer[i];
    if (!layer_param_count(layer)) continue;
    while (file < n_from && (at == from[file]->n_layers || !from[file]->layer[at]->weights ||
                             !layer_param_count(from[file]->layer[at]))) {
      at++;
      if (at < from[file]->n_layers) continue;
      file++;
      at = 0;
    }
    Layer *other = file < n_from ? from[file]->layer[at++] : NULL;
    if (other && other->kind == layer->kind &&
        layer_param_count(other) == layer_param_count(layer)) {
      layer->weights = other->weights;
      continue;
    }
    printf("%s has other weights than %s\n", layer->path, other ? other->path : "nothing");
    return false;
  }
  return true;
}

static Model *written(Test *t, const Case *one, const char *folder) {
  Model *from[MOST_FILES];
  int n = 0;
  t->c->options.stream = one->stream;
  for (; n < MOST_FILES && one->file[n]; n++) {
    from[n] = conform_import(t->c, path_of(t, folder, one->file[n]));
    if (!from[n]) return NULL;
  }
  t->c->options.stream = false;
  session_reset_diags(&t->c->session);
  const Source *source;
  const char *path = arena_printf(t->c->arena, "%s/%s.grus", t->written, one->layers);
  Program *program = session_load(&t->c->session, path, &source);
  if (!program || t->c->session.diags->n_errors) {
    session_print_diags(&t->c->session);
    return NULL;
  }
  return take_weights(program->model[0], from, n) ? program->model[0] : NULL;
}

/* An output is as exact as the largest of its values, and as 1. */
static double scale_of(const Tensor *y, int n) {
  double most = 1;
  for (int i = 0; i < n; i++)
    for (int64_t k = 0; k < y[i].count; k++)
      most = fmax(most, fabs(tensor_get(&y[i], k)));
  return most;
}

static void case_run(Test *t, const Case *one, const char *folder) {
  Model *model = written(t, one, folder);
  Tensor x[MOST_PORTS], y[MOST_PORTS] = {{0}};
  int n_in = 0, n_out = 0;
  t->c->options.stream = false;
  if (!model) {
    t->c->failures++;
    return;
  }
  for (; n_in < MOST_PORTS && one->in[n_in].path; n_in++)
    x[n_in] = array_of(t, folder, one, &one->in[n_in], true);
  for (; n_out < MOST_PORTS && one->out[n_out].path; n_out++)
    y[n_out] = array_of(t, folder, one, &one->out[n_out], false);
  if (n_in != model->n_in || n_out != model->n_out) {
    printf("%s has other inputs or outputs than were recorded\n", one->layers);
    t->c->failures++;
    return;
  }
  conform_batch(t->c, arena_printf(t->c->arena, "%s, by hand", strchr(one->file[0], '/') + 1),
                model, x, y, 1, 1, one->tolerance * scale_of(y, n_out));
}

/* Nets of a kind that is published without its weights: random ones, and what the evaluator
 * computes with them. */
static void invented(Test *t, const char *layers) {
  enum { STEPS = 40 };
  Arena *arena = t->c->arena;
  const Source *source;
  session_reset_diags(&t->c->session);
  Program *program =
      session_load(&t->c->session, arena_printf(arena, "%s/%s.grus", t->written, layers), &source);
  if (!program || t->c->session.diags->n_errors) {
    session_print_diags(&t->c->session);
    t->c->failures++;
    return;
  }
  Model *model = program->model[0];
  double *in[MOST_PORTS];
  int64_t steps[MOST_PORTS], outputs = 0;
  EvalTensor fast[MOST_PORTS];
  model_bind_random(model, 1);
  for (int i = 0; i < model->n_in; i++) {
    int64_t n = STEPS * type_step_size(&model->in[i]->declared);
    steps[i] = STEPS;
    in[i] = ARENA_ARRAY(arena, double, n);
    for (int64_t k = 0; k < n; k++)
      in[i][k] = (double)(float)sin((double)k * 0.37 + i);
  }
  EvalTensor *exact = conform_run(t->c, model, in, steps);
  double error = exact && conform_compiled(t->c, model, in, steps, fast) ? 0 : (double)INFINITY;
  for (int i = 0; error < 1 && i < model->n_out; i++) {
    int64_t n = exact[i].steps * type_step_size(&model->out[i]->value->type);
    outputs += n;
    if (!fast[i].data || fast[i].steps != exact[i].steps) error = (double)INFINITY;
    for (int64_t k = 0; error < 1 && k < n; k++)
      error = fmax(error, fabs(exact[i].data[k] - fast[i].data[k]));
  }
  conform_row(t->c, arena_printf(arena, "%s, weights invented", layers), outputs, -1, error, 1e-5);
}

static void run(Conform *c, char **argv) {
  Test t = {c, argv[3]};
  for (int i = 0; i < CASES; i++)
    case_run(&t, &cases[i], argv[1]);
  invented(&t, "tenvad");
  invented(&t, "robot");
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 4, 2, run);
}
