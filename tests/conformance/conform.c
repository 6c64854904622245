/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Importing and running recorded inputs. See conform.h. */
#include "conform.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conform_begin(Conform *c, Arena *arena) {
  *c = (Conform){.arena = arena};
  c->options.max_errors = 50;
  c->session = (Session){.arena = arena, .options = &c->options, .sources = {.arena = arena}};
  session_reset_diags(&c->session);
}

void conform_heading(void) { printf("%-62s %8s %10s %10s\n", "file", "outputs", "max error", "tolerance"); }

static const char *short_name(const char *path) {
  const char *models = strstr(path, "models/");
  return models ? models + strlen("models/") : path;
}

Model *conform_import(Conform *c, const char *path) {
  Imported in;
  session_reset_diags(&c->session);
  if (session_import(&c->session, path, "model.safetensors", "model.grus", &in)) return in.model;
  printf("%-62s is not imported\n", short_name(path));
  session_print_diags(&c->session);
  c->failures++;
  return NULL;
}

bool conform_refused(Conform *c, const char *path, DiagCode code) {
  Imported in;
  session_reset_diags(&c->session);
  bool imported = session_import(&c->session, path, "model.safetensors", "model.grus", &in);
  bool so = !imported && c->session.diags->n_errors && c->session.diags->first->code == code;
  printf("%-62s refused: %s\n", short_name(path), imported ? "no" : c->session.diags->first->message);
  if (!so) c->failures++;
  return so;
}

Tensor conform_npy(Conform *c, const char *path) {
  Mapped file;
  Tensor t = {0};
  const char *reason;
  if (file_map(c->arena, path, &file, &reason) && npy_parse(c->arena, file, &t, &reason)) return t;
  printf("%s: %s\n", path, reason);
  c->failures++;
  return (Tensor){0};
}

TensorFile *conform_npz(Conform *c, const char *path) {
  Mapped file;
  const char *reason;
  TensorFile *out = file_map(c->arena, path, &file, &reason) ? npz_parse(c->arena, file, &reason) : NULL;
  if (out) return out;
  printf("%s: %s\n", path, reason);
  c->failures++;
  return NULL;
}

EvalTensor *conform_run(Conform *c, const Model *model, double *const *in, const int64_t *steps) {
  EvalRun run = {.in = ARENA_ARRAY(c->arena, EvalTensor, model->n_in)};
  for (int i = 0; i < model->n_in; i++)
    run.in[i] = (EvalTensor){in[i], steps[i]};
  return model_eval(model, c->arena, &run) == EVAL_OK ? run.out : NULL;
}

void conform_row(Conform *c, const char *label, int64_t outputs, double error, double tolerance) {
  bool ok = error <= tolerance;
  printf("%-62s %8lld %10.1e %10.0e  %s\n", short_name(label), (long long)outputs, error, tolerance, ok ? "ok" : "DIFFERENT");
  if (!ok) c->failures++;
}

/* Values of one sample, and its steps: those that its type does not fix come from the array. */
static double *sample_of(Conform *c, const Tensor *x, const Type *type, int64_t k, int64_t n, int64_t *steps) {
  int64_t size = x->count / n, step = type_step_size(type);
  double *data = ARENA_ARRAY(c->arena, double, size);
  for (int64_t i = 0; i < size; i++)
    data[i] = tensor_get(x, k * size + i);
  *steps = type_is_sequence(type) ? size / step : 1;
  return data;
}

/* NaN counts as infinitely far. */
static double largest(const Tensor *y, int64_t k, int64_t size, const double *got) {
  double most = 0;
  for (int64_t i = 0; i < size; i++) {
    double error = fabs(got[i] - tensor_get(y, k * size + i));
    most = error <= most ? most : isnan(error) ? (double)INFINITY : error;
  }
  return most;
}

void conform_batch(Conform *c, const char *label, const Model *model, const Tensor *x, const Tensor *y, int64_t n,
                   int64_t every, double tolerance) {
  double **in = ARENA_ARRAY(c->arena, double *, model->n_in), error = 0;
  int64_t *steps = ARENA_ARRAY(c->arena, int64_t, model->n_in), outputs = 0;
  for (int64_t k = 0; k < n; k += every) {
    for (int i = 0; i < model->n_in; i++) {
      if (!x[i].count || x[i].count % n) {
        error = (double)INFINITY;
        goto done;
      }
      in[i] = sample_of(c, &x[i], &model->in[i]->declared, k, n, &steps[i]);
    }
    const EvalTensor *out = conform_run(c, model, in, steps);
    for (int i = 0; i < model->n_out; i++) {
      if (!y[i].count) continue;
      int64_t size = y[i].count / n, have = out ? out[i].steps * type_step_size(&model->out[i]->value->type) : -1;
      error = have == size ? fmax(error, largest(&y[i], k, size, out[i].data)) : (double)INFINITY;
      outputs += size;
    }
  }
done:
  conform_row(c, label, outputs, error, tolerance);
}
