/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The published tests of ONNX, and published models.
 *
 *     published MODELS REFUSED
 *
 * A test is a folder with model.onnx and recorded inputs and outputs. Its weights are inputs of the
 * graph; here they become what they are in a trained model, initializers: all inputs but the first,
 * and but start states. Where that is refused the file is tried as it is. A test passes, or is
 * refused in the words of REFUSED (reasons.h).
 *
 * Recorded batches are run sample by sample: grus compiles one. Tolerance: 1e-3 of the largest
 * output is what the ONNX runner allows (rtol 1e-3); here it is 1e-5 of it, at least 1e-6. */
#include "../reasons.h"

#include "import/onnx.pb-c.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PORTS = 12 };

typedef struct Case {
  Conform *c;
  const char *folder, *name; /* path, and "node/test_lstm_defaults" */
  OnnxFile__Model *model;
  const OnnxFile__Node *node; /* the first */
  Tensor in[MAX_PORTS], out[MAX_PORTS];
  bool is_data[MAX_PORTS];
} Case;

static const char temporary[] = "conform_onnx_case.onnx";

/* ---- weights as initializers ---- */

static bool is_recurrent(const Case *t) {
  const char *op = t->node->op_type;
  return strcmp(op, "LSTM") == 0 || strcmp(op, "GRU") == 0 || strcmp(op, "RNN") == 0;
}

/* Start states of a recurrent node are data. */
static bool is_start(const Case *t, const char *name) {
  for (size_t i = 5; is_recurrent(t) && i < 7 && i < t->node->n_input; i++)
    if (strcmp(t->node->input[i], name) == 0) return true;
  return false;
}

static OnnxFile__Tensor *initializer(Case *t, int input) {
  OnnxFile__Tensor *out = ARENA_NEW(t->c->arena, OnnxFile__Tensor);
  const Tensor *a = &t->in[input];
  const OnnxFile__Port *port = t->model->graph->input[input];
  onnx_file__tensor__init(out);
  out->name = port->name;
  out->n_dims = (size_t)a->rank;
  out->dims = ARENA_ARRAY(t->c->arena, int64_t, a->rank + 1);
  memcpy(out->dims, a->dim, sizeof *a->dim * (size_t)a->rank);
  bool whole = a->elem != TENSOR_F32 && a->elem != TENSOR_F64 && a->elem != TENSOR_F16;
  out->data_type = whole ? 7 : 1;
  out->n_float_data = whole ? 0 : (size_t)a->count;
  out->n_int64_data = whole ? (size_t)a->count : 0;
  out->float_data = ARENA_ARRAY(t->c->arena, float, a->count + 1);
  out->int64_data = ARENA_ARRAY(t->c->arena, int64_t, a->count + 1);
  for (int64_t i = 0; i < a->count; i++) {
    if (whole)
      out->int64_data[i] = (int64_t)tensor_get(a, i);
    else
      out->float_data[i] = (float)tensor_get(a, i);
  }
  return out;
}

/* Old exporters list the weights among the inputs too. */
static bool has_weights(const Case *t, const char *name) {
  const OnnxFile__Graph *g = t->model->graph;
  for (size_t i = 0; i < g->n_initializer; i++)
    if (strcmp(g->initializer[i]->name, name) == 0) return true;
  return false;
}

/* Writes the file to import; which of the inputs stay inputs goes to is_data. */
static void write_case(Case *t, bool weights) {
  OnnxFile__Graph *g = t->model->graph, copy = *g;
  Arena *arena = t->c->arena;
  copy.initializer = ARENA_ARRAY(arena, OnnxFile__Tensor *, g->n_initializer + g->n_input + 1);
  for (size_t i = 0; i < g->n_initializer; i++)
    copy.initializer[i] = g->initializer[i];
  /* Gather's table is its first input. */
  size_t data =
      strcmp(t->node->op_type, "Gather") == 0 && g->n_input > 1 && !g->n_initializer ? 1 : 0;
  for (size_t i = 0; i < g->n_input; i++) {
    t->is_data[i] = false;
    if (has_weights(t, g->input[i]->name)) continue;
    t->is_data[i] = !weights || i == data || is_start(t, g->input[i]->name);
    if (!t->is_data[i]) copy.initializer[copy.n_initializer++] = initializer(t, (int)i);
  }
  OnnxFile__Model model = *t->model;
  model.graph = &copy;
  uint8_t *bytes = ARENA_ARRAY(arena, uint8_t, onnx_file__model__get_packed_size(&model) + 1);
  const char *reason;
  size_t n = onnx_file__model__pack(&model, bytes);
  if (!file_write(arena, temporary, (const char *)bytes, n, &reason)) t->c->failures++;
}

/* ---- samples ---- */

static int64_t layout(const Case *t) {
  for (size_t i = 0; i < t->node->n_attribute; i++)
    if (strcmp(t->node->attribute[i]->name, "layout") == 0) return t->node->attribute[i]->i;
  return 0;
}

/* The axis of the batch: of recurrent nodes as the format says, else the first of its size. */
static int batch_axis(const Case *t, const Tensor *a, int64_t batch, bool is_output) {
  int axis = 0;
  if (batch == 1) return 0;
  if (is_recurrent(t)) return layout(t) ? 0 : is_output && a->rank == 4 ? 2 : 1;
  while (axis < a->rank - 1 && a->dim[axis] != batch)
    axis++;
  return axis;
}

/* Sample b of B, in storage order. */
static double *sample(Case *t, const Tensor *a, int axis, int64_t b, int64_t batch) {
  int64_t inner = 1, n = a->count / batch;
  double *out = ARENA_ARRAY(t->c->arena, double, n + 1);
  for (int i = axis + 1; i < a->rank; i++)
    inner *= a->dim[i];
  for (int64_t k = 0; k < n; k++)
    out[k] = tensor_get(a, (k / inner * batch + b) * inner + k % inner);
  return out;
}

/* [features, time] as the language stores a sequence whose type has time first. */
static double *time_first(Case *t, double *x, const Type *type, const Tensor *a, int64_t n) {
  int64_t steps = type_is_sequence(type) ? type->time.n : 1, width = n / steps;
  if (!type_is_sequence(type) || type->time_pos || a->rank != 3 || a->dim[2] != steps ||
      a->dim[1] != width || is_recurrent(t))
    return x;
  double *out = ARENA_ARRAY(t->c->arena, double, n);
  for (int64_t k = 0; k < n; k++)
    out[k % steps * width + k / steps] = x[k];
  return out;
}

static double error_of(Case *t, const Model *model, const EvalTensor *out, const int *output,
                       int64_t b, int64_t batch) {
  double error = 0;
  for (int i = 0; i < model->n_out; i++) {
    const Tensor *y = &t->out[output[i]];
    const Type *type = &model->out[i]->declared;
    int64_t n = y->count / batch,
            have = out && out[i].data ? out[i].steps * type_step_size(type) : -1;
    if (n != have) return (double)INFINITY;
    double *want = time_first(t, sample(t, y, batch_axis(t, y, batch, true), b, batch), type, y, n),
           most = 1e-3;
    for (int64_t k = 0; k < n; k++)
      most = fmax(most, fabs(want[k]));
    for (int64_t k = 0; k < n; k++) {
      double distance = fabs(out[i].data[k] - want[k]) / fmax(1, most);
      error = distance <= error ? error
              : isnan(distance)
                  ? (isnan(want[k]) && isnan(out[i].data[k]) ? error : (double)INFINITY)
                  : distance;
    }
  }
  return error;
}

/* The port of that name; where the name is none of the language ("0"), by its place among them. */
static int named(Case *t, const char *name, int place, OnnxFile__Port *const *ports, size_t n,
                 const bool *among) {
  int k = 0;
  for (size_t i = 0; i < n; i++)
    if (strcmp(ports[i]->name, name) == 0) return (int)i;
  for (size_t i = 0; i < n; i++)
    if ((!among || among[i]) && k++ == place) return (int)i;
  t->c->failures++;
  return 0;
}

static void compare(Case *t, const Model *model) {
  const OnnxFile__Graph *g = t->model->graph;
  double *in[MAX_PORTS], error = 0, compiled = -1;
  int64_t steps[MAX_PORTS], batch = 1, outputs = 0;
  int input[MAX_PORTS], output[MAX_PORTS];
  EvalTensor fast[MAX_PORTS];
  for (int i = 0; i < model->n_in; i++)
    input[i] = named(t, model->in[i]->name, i, g->input, g->n_input, t->is_data);
  for (int i = 0; i < model->n_out; i++)
    output[i] = named(t, model->out[i]->name, i, g->output, g->n_output, NULL);
  batch = t->in[input[0]].count / type_size(&model->in[0]->declared);
  for (int64_t b = 0; b < batch; b++) {
    for (int i = 0; i < model->n_in; i++) {
      const Tensor *x = &t->in[input[i]];
      const Type *type = &model->in[i]->declared;
      if (x->count != batch * type_size(type)) {
        conform_row(t->c, t->name, 0, (double)INFINITY, -1, 1e-5);
        return;
      }
      in[i] = time_first(t, sample(t, x, batch_axis(t, x, batch, false), b, batch), type, x,
                         x->count / batch);
      steps[i] = type_is_sequence(type) ? type->time.n : 1;
    }
    error = fmax(error, error_of(t, model, conform_run(t->c, model, in, steps), output, b, batch));
    if (conform_compiled(t->c, model, in, steps, fast))
      compiled = fmax(compiled, error_of(t, model, fast, output, b, batch));
  }
  for (int i = 0; i < model->n_out; i++)
    outputs += t->out[output[i]].count;
  conform_row(t->c, t->name, outputs, error, compiled, 1e-5);
}

/* ---- one test ---- */

static bool read_arrays(Case *t, const char *kind, OnnxFile__Port *const *port, Tensor *out,
                        size_t n) {
  size_t number = 0;
  for (size_t i = 0; i < n && i < MAX_PORTS; i++) {
    if (has_weights(t, port[i]->name)) continue;
    const char *path =
        arena_printf(t->c->arena, "%s/test_data_set_0/%s_%zu.npy", t->folder, kind, number++);
    if (!file_exists(path)) return false;
    out[i] = conform_npy(t->c, path);
  }
  return true;
}

static void test(Conform *c, const char *models, const char *group, const char *base,
                 Reasons *reasons) {
  Case t = {.c = c, .name = arena_printf(c->arena, "%s/%s", group, base)};
  t.folder = arena_printf(c->arena, "%s/onnx_conformance/%s", models, t.name);
  size_t len;
  const char *reason;
  const char *bytes = file_read(c->arena, arena_printf(c->arena, "%s/model.onnx", t.folder),
                                1 << 24, &len, &reason);
  t.model = bytes ? onnx_file__model__unpack(NULL, len, (const uint8_t *)bytes) : NULL;
  if (!t.model || !t.model->graph || !t.model->graph->n_node ||
      t.model->graph->n_input > MAX_PORTS) {
    printf("%-62s cannot be read\n", t.name);
    c->failures++;
    return;
  }
  t.node = t.model->graph->node[0];
  bool have = read_arrays(&t, "input", t.model->graph->input, t.in, t.model->graph->n_input) &&
              read_arrays(&t, "output", t.model->graph->output, t.out, t.model->graph->n_output);
  Imported in = {0};
  const Diag *first = NULL;
  for (int attempt = 0; attempt < 2 && !in.model; attempt++) {
    write_case(&t, attempt == 0 && have);
    session_reset_diags(&c->session);
    if (!session_import(&c->session, temporary, "model.safetensors", "model.grus", &in))
      in.model = NULL;
    if (!in.model && !first) first = c->session.diags->first;
  }
  remove(temporary);
  if (in.model && have) compare(&t, in.model);
  if (in.model && !have) {
    conform_said(c, t.name, "is imported, and its recorded arrays are not found");
    c->failures++;
  }
  if (!in.model)
    conform_said(
        c, t.name,
        arena_printf(c->arena, "refused: %s", first ? first->message : "nothing was said"));
  reasons_check(reasons, t.name, "", in.model ? NULL : first);
  onnx_file__model__free_unpacked(t.model, NULL);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void group(Conform *c, const char *models, const char *name, Reasons *reasons) {
  DIR *dir = opendir(arena_printf(c->arena, "%s/onnx_conformance/%s", models, name));
  const char **names = NULL;
  size_t n = 0, cap = 0;
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir))
    if (strncmp(e->d_name, "test_", 5) == 0)
      ARENA_PUSH(c->arena, names, n, cap, arena_strdup(c->arena, e->d_name));
  if (dir) closedir(dir);
  if (!n)
    c->failures++;
  else
    qsort(names, n, sizeof *names, by_name);
  for (size_t i = 0; i < n; i++)
    test(c, models, name, names[i], reasons);
}

/* A stream: all recorded steps, one after the other. */
static void stream(Conform *c, const char *models, const char *file, const char *x, const char *y,
                   double tolerance) {
  const char *path = arena_printf(c->arena, "%s/%s", models, file);
  Tensor in = conform_npy(c, arena_printf(c->arena, "%s/%s", models, x)),
         out = conform_npy(c, arena_printf(c->arena, "%s/%s", models, y));
  Model *model = conform_import(c, path);
  if (model && in.count) conform_batch(c, path, model, &in, &out, 1, 1, tolerance);
}

/* One window a row. */
static void windows(Conform *c, const char *models, const char *file, const char *x, const char *y,
                    double tolerance) {
  const char *path = arena_printf(c->arena, "%s/%s", models, file);
  Tensor in = conform_npy(c, arena_printf(c->arena, "%s/%s", models, x)),
         out = conform_npy(c, arena_printf(c->arena, "%s/%s", models, y));
  Model *model = conform_import(c, path);
  if (!model || !in.count) return;
  conform_batch(c, path, model, &in, &out, in.dim[0], 1, tolerance);
  if (!conform_streamed(c, path, &in, &out, in.dim[0], 1, tolerance)) c->failures++;
}

static void run(Conform *c, char **argv) {
  Reasons reasons;
  setvbuf(stdout, NULL, _IOLBF, 0);
  reasons_open(&reasons, c, argv[2]);
  group(c, argv[1], "node", &reasons);
  group(c, argv[1], "pytorch-converted", &reasons);
  group(c, argv[1], "onnx2c_local_ops", &reasons);
  reasons_close(&reasons);
  stream(c, argv[1], "dtln/model_1.onnx", "dtln/ref/s1_in_mag.npy", "dtln/ref/s1_activation_2.npy",
         1e-5);
  stream(c, argv[1], "dtln/model_2.onnx", "dtln/ref/s2_in_block.npy", "dtln/ref/s2_conv1d_3.npy",
         1e-5);
  static const char *const wakewords[] = {"hey_mycroft_mk1", "jarvis", "marvin", "computer"};
  for (size_t i = 0; i < sizeof wakewords / sizeof *wakewords; i++)
    windows(c, argv[1], arena_printf(c->arena, "precise/%s.onnx", wakewords[i]),
            "precise/ref/x.npy", arena_printf(c->arena, "precise/ref/%s__y.npy", wakewords[i]),
            1e-5);
  /* Values up to 30, in f32. */
  stream(c, argv[1], "gtcrn/gtcrn_simple.onnx", "gtcrn/ref/mix.npy", "gtcrn/ref/enh.npy", 5e-5);
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 3, 1, run);
}
