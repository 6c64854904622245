/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Importing and running recorded inputs. See conform.h. */
#include "conform.h"

#include "import/foreign.h"

#include "backend/llvm.h"
#include "driver/build.h"
#include "driver/trial.h"
#include "driver/written.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void conform_begin(Conform *c, Arena *arena) {
  *c = (Conform){.arena = arena};
  c->options.max_errors = 50;
  c->options.command = CMD_run; /* compiled in memory, for this machine */
  c->session = (Session){.arena = arena, .options = &c->options, .sources = {.arena = arena}};
  session_reset_diags(&c->session);
  c->apart = -1;
  bool few = getenv("CONFORM_FEW") != NULL;
  if (few) c->options.optimise = "0";
  c->by_c_every = few ? 8 : 1;
  c->rows = fopen(few ? CONFORM_ROWS ".few" : CONFORM_ROWS, "w");
  if (!c->rows) c->failures++;
}

void conform_heading(void) {
  printf("%-62s %8s %10s %10s %10s %10s\n", "file", "outputs", "evaluator", "compiled", "C",
         "tolerance");
}

static const char *short_name(const char *path) {
  const char *models = strstr(path, "models/");
  return models ? models + strlen("models/") : path;
}

static bool import(Conform *c, const char *path, Imported *in) {
  session_reset_diags(&c->session);
  bool written = config_is_written(&c->session);
  return (written ? session_import_written : session_import)(&c->session, path, "model.safetensors",
                                                             "model.grus", in);
}

Model *conform_import(Conform *c, const char *path) {
  Imported in;
  if (import(c, path, &in)) return in.model;
  printf("%-62s is not imported\n", short_name(path));
  session_print_diags(&c->session);
  c->failures++;
  return NULL;
}

bool conform_refused(Conform *c, const char *path, DiagCode code) {
  Imported in;
  bool imported = import(c, path, &in);
  bool so = !imported && c->session.diags->n_errors && c->session.diags->first->code == code;
  conform_said(c, path,
               imported ? "is not refused"
                        : arena_printf(c->arena, "refused: %s", c->session.diags->first->message));
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
  TensorFile *out =
      file_map(c->arena, path, &file, &reason) ? npz_parse(c->arena, file, &reason) : NULL;
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

/* The program of a model by one backend; NULL after counting a failure. */
static const GrusProgram *program_by(Conform *c, const Model *model, const char *backend) {
  Source source = {.path = "model", .text = ""};
  session_reset_diags(&c->session);
  c->options.backend = backend;
  KirModule *m = build_lower(&c->session, model, &source, true);
  const GrusProgram *out = m ? trial_load(&c->session, m) : NULL;
  c->options.backend = NULL;
  if (out) return out;
  printf("  is not compiled by %s\n", backend);
  session_print_diags(&c->session);
  c->failures++;
  return NULL;
}

const GrusProgram *conform_program(Conform *c, const Model *model) {
  if (model == c->compiled_model) return c->program;
  bool llvm = backend_llvm_version() != NULL;
  c->compiled_model = model;
  c->program = llvm ? program_by(c, model, "llvm") : NULL;
  bool is_its_turn = !c->only_llvm && c->n_programs++ % c->by_c_every == 0;
  c->by_c = !llvm || is_its_turn ? program_by(c, model, "c") : NULL;
  if (!llvm) c->program = c->by_c;
  return c->program;
}

/* How far b is from a; infinitely where one is NaN and the other is not, or they differ in
 * length. */
static double distance(const Recorded *a, const Recorded *b) {
  Difference d = difference(a->data, a->count, b->data, b->count);
  return d.bad ? (double)INFINITY : d.max;
}

bool conform_compiled(Conform *c, const Model *model, double *const *in, const int64_t *steps,
                      EvalTensor *out) {
  const GrusProgram *program = conform_program(c, model);
  if (!program) return false;
  Recorded *x = ARENA_ARRAY(c->arena, Recorded, model->n_in + 1),
           *y = ARENA_ARRAY(c->arena, Recorded, model->n_out + 1);
  Recorded *by_c = ARENA_ARRAY(c->arena, Recorded, model->n_out + 1);
  for (int i = 0; i < model->n_in; i++)
    x[i] = (Recorded){in[i], steps[i] * type_step_size(&model->in[i]->declared), steps[i]};
  int status = trial_compiled(&c->session, model, program, x, y);
  bool both = c->by_c && c->by_c != program && status == GRUS_OK;
  if (both && trial_compiled(&c->session, model, c->by_c, x, by_c) != GRUS_OK)
    c->apart = (double)INFINITY;
  for (int i = 0; i < model->n_out; i++) {
    out[i] = status == GRUS_OK ? (EvalTensor){y[i].data, y[i].steps} : (EvalTensor){NULL, -1};
    if (both) c->apart = fmax(c->apart, distance(&by_c[i], &y[i]));
  }
  return true;
}

/* "1.2e-07", or "-" of what was not measured. */
static const char *figure(Conform *c, double error) {
  return error >= 0 ? arena_printf(c->arena, "%.1e", error) : "-";
}

void conform_row(Conform *c, const char *label, int64_t outputs, double error, double compiled,
                 double tolerance) {
  bool ok = !(error > tolerance) && !(compiled > tolerance) && !(c->apart > tolerance) &&
            !(isnan(error) || isnan(compiled));
  const char *evaluator = figure(c, error), *fast = figure(c, compiled),
             *apart = figure(c, c->apart);
  label = short_name(label);
  printf("%-62s %8lld %10s %10s %10s %10.0e  %s\n", label, (long long)outputs, evaluator, fast,
         apart, tolerance, ok ? "ok" : "DIFFERENT");
  if (c->rows)
    fprintf(c->rows, "%s\t%lld\t%s\t%s\t%s\t%.0e\n", label, (long long)outputs, evaluator, fast,
            apart, tolerance);
  if (!ok) c->failures++;
  c->apart = -1;
}

void conform_said(Conform *c, const char *label, const char *what) {
  printf("%-62s %s\n", short_name(label), what);
  if (c->rows) fprintf(c->rows, "%s\t%s\n", short_name(label), what);
}

/* Values of one sample, and its steps: those that its type does not fix come from the array. */
static double *sample_of(Conform *c, const Tensor *x, const Type *type, int64_t k, int64_t n,
                         int64_t *steps) {
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
static double error_of(const Model *model, const EvalTensor *out, const Tensor *y, int64_t k,
                       int64_t n) {
  double error = 0;
  for (int i = 0; i < model->n_out; i++) {
    if (!y[i].count) continue;
    int64_t size = y[i].count / n,
            have = out && out[i].data ? out[i].steps * type_step_size(&model->out[i]->value->type)
                                      : -1;
    bool ends = model->out[i]->value->type.time.kind == TIME_STREAM &&
                have > size; /* recorded: the last outputs */
    error = have == size || ends ? fmax(error, largest(&y[i], k, size, out[i].data + (have - size)))
                                 : (double)INFINITY;
  }
  return error;
}

void conform_batch(Conform *c, const char *label, const Model *model, const Tensor *x,
                   const Tensor *y, int64_t n, int64_t every, double tolerance) {
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
    if (conform_compiled(c, model, in, steps, fast))
      compiled = fmax(compiled, error_of(model, fast, y, k, n));
    for (int i = 0; i < model->n_out; i++)
      outputs += y[i].count / n;
  }
done:
  conform_row(c, label, outputs, error, compiled, tolerance);
}

bool conform_streamed(Conform *c, const char *path, const Tensor *x, const Tensor *y, int64_t n,
                      int64_t every, double tolerance) {
  Imported in;
  session_reset_diags(&c->session);
  c->options.stream = true;
  bool ok = session_import(&c->session, path, "model.safetensors", "model.grus", &in);
  c->options.stream = false;
  if (ok)
    conform_batch(c, arena_printf(c->arena, "%s (stream)", path), in.model, x, y, n, every,
                  tolerance);
  return ok;
}

void conform_whole(Conform *c, const char *path, const Tensor *x, const Tensor *y, int64_t steps,
                   double tolerance) {
  c->options.time = arena_printf(c->arena, "%lld", (long long)steps);
  const Model *model = conform_import(c, path);
  c->options.time = NULL;
  if (model)
    conform_batch(c, arena_printf(c->arena, "%s (%lld steps)", path, (long long)steps), model, x, y,
                  1, 1, tolerance);
}

static bool ends_in(const char *name, const char *endings) {
  TextWord end;
  size_t len = strlen(name);
  while (words_next(&endings, &end))
    if (len >= end.len && memcmp(name + len - end.len, end.s, end.len) == 0) return true;
  return false;
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whether a name in a folder is that of a file with a model, and not of its outputs or a folder. */
static bool is_model(const char *name) {
  const char *ending = strchr(name, '.');
  return ending && ending != name && strcmp(ending, ".npz") != 0;
}

const char **conform_files(Conform *c, const char *folder, const char *endings, size_t *n) {
  const char **names = NULL;
  size_t cap = 0;
  DIR *dir = opendir(folder);
  *n = 0;
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir))
    if (endings ? ends_in(entry->d_name, endings) : is_model(entry->d_name))
      ARENA_PUSH(c->arena, names, *n, cap, arena_strdup(c->arena, entry->d_name));
  if (dir) closedir(dir);
  if (*n) qsort(names, *n, sizeof *names, by_name);
  return names;
}

bool conform_survives(const char *path, const uint8_t *data, size_t len) {
  jmp_buf oom;
  if (setjmp(oom)) return false;
  Arena *arena = arena_new(&oom);
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = path, .data = {data, len}};
  ImportOptions options = {0};
  Foreign *foreign = foreign_import(&file, &options, diags);
  bool ok = foreign ? diags->n_errors == 0 : diags->n_errors > 0;
  for (int i = 0; ok && foreign && i < foreign->model->n_layers; i++) {
    const Layer *layer = foreign->model->layer[i];
    ParamShape params[LAYER_MAX_PARAMS];
    for (int p = layer_params(layer, params); p-- > 0;)
      ok &= layer->weights && layer->weights->role[params[p].role];
  }
  arena_free(arena);
  return ok;
}

uint32_t conform_random(uint32_t *state) {
  *state = *state * 1664525U + 1013904223U;
  return *state >> 8;
}

int conform_main(int argc, char **argv, int n_args, int n_folders,
                 void (*run)(Conform *c, char **argv)) {
  jmp_buf oom;
  Conform c;
  if (argc != n_args) return 2;
  for (int i = 1; i <= n_folders; i++)
    if (!file_exists(argv[i])) {
      printf("SKIPPED: there are no published models in %s\n", argv[i]);
      return SKIPPED;
    }
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  conform_begin(&c, arena);
  conform_heading();
  run(&c, argv);
  int failures = c.failures;
  arena_free(arena);
  printf("%d failures\n", failures);
  return failures != 0;
}
