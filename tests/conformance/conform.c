/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Importing and running recorded inputs. See conform.h. */
#include "conform.h"

#include "backend/llvm.h"
#include "driver/build.h"
#include "driver/trial.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conform_begin(Conform *c, Arena *arena) {
  *c = (Conform){.arena = arena};
  c->options.max_errors = 50;
  c->options.command = CMD_run; /* compiled in memory, for this machine */
  c->session = (Session){.arena = arena, .options = &c->options, .sources = {.arena = arena}};
  session_reset_diags(&c->session);
}

void conform_heading(void) { printf("%-62s %8s %10s %10s %10s\n", "file", "outputs", "max error", "compiled", "tolerance"); }

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

/* The program of a model: compiled once, kept for the calls that follow. NULL where grus has no LLVM. */
static const GrusProgram *compiled_program(Conform *c, const Model *model) {
  static const char source_text[] = "";
  if (model == c->compiled_model) return c->program;
  Source source = {.path = "model", .text = source_text};
  c->compiled_model = model;
  c->program = NULL;
  if (!backend_llvm_version()) return NULL;
  session_reset_diags(&c->session);
  KirModule *m = build_lower(&c->session, model, &source, true);
  if (m) c->program = trial_load(&c->session, m);
  if (c->program) return c->program;
  printf("  is not compiled\n");
  session_print_diags(&c->session);
  c->failures++;
  return NULL;
}

bool conform_compiled(Conform *c, const Model *model, double *const *in, const int64_t *steps, EvalTensor *out) {
  const GrusProgram *program = compiled_program(c, model);
  if (!program) return false;
  Recorded *x = ARENA_ARRAY(c->arena, Recorded, model->n_in + 1), *y = ARENA_ARRAY(c->arena, Recorded, model->n_out + 1);
  for (int i = 0; i < model->n_in; i++)
    x[i] = (Recorded){in[i], steps[i] * type_step_size(&model->in[i]->declared), steps[i]};
  int status = trial_compiled(&c->session, model, program, x, y);
  for (int i = 0; i < model->n_out; i++)
    out[i] = status == GRUS_OK ? (EvalTensor){y[i].data, y[i].steps} : (EvalTensor){NULL, -1};
  return true;
}

void conform_row(Conform *c, const char *label, int64_t outputs, double error, double compiled, double tolerance) {
  bool ok = error <= tolerance && !(compiled > tolerance);
  char text[16] = "-";
  if (compiled >= 0) snprintf(text, sizeof text, "%.1e", compiled);
  printf("%-62s %8lld %10.1e %10s %10.0e  %s\n", short_name(label), (long long)outputs, error, text, tolerance, ok ? "ok" : "DIFFERENT");
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

/* The largest distance of the outputs of a run from those recorded as sample k of n. */
static double error_of(const Model *model, const EvalTensor *out, const Tensor *y, int64_t k, int64_t n) {
  double error = 0;
  for (int i = 0; i < model->n_out; i++) {
    if (!y[i].count) continue;
    int64_t size = y[i].count / n, have = out && out[i].data ? out[i].steps * type_step_size(&model->out[i]->value->type) : -1;
    error = have == size ? fmax(error, largest(&y[i], k, size, out[i].data)) : (double)INFINITY;
  }
  return error;
}

void conform_batch(Conform *c, const char *label, const Model *model, const Tensor *x, const Tensor *y, int64_t n,
                   int64_t every, double tolerance) {
  double **in = ARENA_ARRAY(c->arena, double *, model->n_in), error = 0, compiled = -1;
  EvalTensor *fast = ARENA_ARRAY(c->arena, EvalTensor, model->n_out + 1);
  int64_t *steps = ARENA_ARRAY(c->arena, int64_t, model->n_in), outputs = 0;
  for (int64_t k = 0; k < n; k += every) {
    for (int i = 0; i < model->n_in; i++) {
      if (!x[i].count || x[i].count % n) {
        error = (double)INFINITY;
        goto done;
      }
      in[i] = sample_of(c, &x[i], &model->in[i]->declared, k, n, &steps[i]);
    }
    error = fmax(error, error_of(model, conform_run(c, model, in, steps), y, k, n));
    if (conform_compiled(c, model, in, steps, fast)) compiled = fmax(compiled, error_of(model, fast, y, k, n));
    for (int i = 0; i < model->n_out; i++)
      outputs += y[i].count / n;
  }
done:
  conform_row(c, label, outputs, error, compiled, tolerance);
}
