/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The data of `grus calibrate`; see calibration.h. The model's ports are given to the program that
 * `grus run` uses, around entries that only note what they are called with. */
#include "driver/calibration.h"

#include "driver/jit.h"
#include "driver/version.h"
#include "runtime/host/host_port.h"

#include <math.h>
#include <string.h>

enum { HELD_OUT = 5, MANY_RUNS = 5 };

/* What the entries below write to: they are called without a context of ours. */
static struct {
  Arena *arena;
  const Model *model;
  const GrusProgram *program;
  Calibration *to;
  size_t *cap; /* by input: elements there is room for */
} calibration;

static int input_index(const char *name) {
  int i = 0;
  while (i < calibration.model->n_in && strcmp(calibration.model->in[i]->name, name) != 0)
    i++;
  return i;
}

static CalibrationRun *new_run(void) {
  CalibrationRun run = {
      .in = ARENA_ARRAY(calibration.arena, EvalTensor, calibration.model->n_in + 1)};
  ARENA_PUSH(calibration.arena, calibration.to->run, calibration.to->n, calibration.to->cap, run);
  memset(calibration.cap, 0, sizeof *calibration.cap * (size_t)(calibration.model->n_in + 1));
  return &calibration.to->run[calibration.to->n - 1];
}

static int note_run(const size_t *lengths, const void *const *in, void *const *out) {
  CalibrationRun *run = new_run();
  int at = 0;
  (void)out;
  for (size_t i = 0; i < calibration.program->port_count; i++) {
    const GrusPort *p = &calibration.program->ports[i];
    if (p->role != GRUS_ROLE_IN) continue;
    EvalTensor *t = &run->in[input_index(p->name)];
    t->steps = p->time_axis < 0 ? 1 : (int64_t)p->axes[p->time_axis].size;
    if (p->time == GRUS_TIME_BOUNDED) t->steps = (int64_t)lengths[p->length];
    t->data =
        ARENA_ARRAY(calibration.arena, double, (t->steps * (int64_t)host_port_features(p) + 1));
    trial_take(p, in[at++], t->data, t->steps);
  }
  return GRUS_OK;
}

static void note_once(const GrusPort *p, const void *buffer, EvalTensor *t) {
  t->steps = 1;
  t->data = ARENA_ARRAY(calibration.arena, double, (int64_t)host_port_features(p) + 1);
  trial_take(p, buffer, t->data, 1);
}

static int note_reset(void *state, const void *const *init) {
  CalibrationRun *run = new_run();
  int at = 0;
  (void)state;
  for (size_t i = 0; i < calibration.program->port_count; i++) {
    const GrusPort *p = &calibration.program->ports[i];
    if (p->role == GRUS_ROLE_INIT) note_once(p, init[at++], &run->in[input_index(p->name)]);
  }
  return GRUS_OK;
}

/* One call of a stream, or one step into a window: it follows those before. */
static int note_call(void *state, const void *const *in, void *const *out) {
  CalibrationRun *run = &calibration.to->run[calibration.to->n - 1];
  int at = 0;
  (void)state;
  (void)out;
  for (size_t i = 0; i < calibration.program->port_count; i++) {
    const GrusPort *p = &calibration.program->ports[i];
    if (p->role != GRUS_ROLE_IN) continue;
    int k = input_index(p->name);
    EvalTensor *t = &run->in[k];
    const void *buffer = in[at++];
    if (p->time != GRUS_TIME_STREAM && p->time != GRUS_TIME_WINDOW) {
      note_once(p, buffer, t);
      continue;
    }
    int64_t each = (int64_t)host_port_features(p),
            steps = p->time == GRUS_TIME_STREAM && p->time_axis >= 0
                        ? (int64_t)p->axes[p->time_axis].size
                        : 1;
    GrusPort one = *p;
    if (p->time == GRUS_TIME_WINDOW) one.time_axis = -1;
    GrusAxis axes[GRUS_HOST_MAX_RANK];
    int rank = 0;
    for (int a = 0; a < p->rank && p->time == GRUS_TIME_WINDOW; a++)
      if (a != p->time_axis) axes[rank++] = p->axes[a];
    if (p->time == GRUS_TIME_WINDOW) {
      one.axes = axes;
      one.rank = rank;
    }
    t->data = arena_grow(calibration.arena, t->data, &calibration.cap[k],
                         (size_t)((t->steps + steps) * each), sizeof *t->data);
    trial_take(&one, buffer, t->data + t->steps * each, steps);
    t->steps += steps;
  }
  return GRUS_OK;
}

/* Inputs alone: nothing is written. */
static const GrusProgram *noting_program(Session *s, const KirModule *m) {
  LlvmEntries entries = {
      .run = note_run, .reset = note_reset, .step = note_call, .push = note_call, .state_size = 8};
  GrusProgram *program = ARENA_NEW(s->arena, GrusProgram);
  *program = *jit_describe(m, &entries, s->arena);
  GrusPort *ports = ARENA_ARRAY(s->arena, GrusPort, program->port_count + 1);
  size_t n = 0;
  for (size_t i = 0; i < program->port_count; i++)
    if (program->ports[i].role != GRUS_ROLE_OUT) ports[n++] = program->ports[i];
  program->ports = ports;
  program->port_count = n;
  if (program->kind != GRUS_KIND_STREAM) program->step = NULL;
  if (program->kind != GRUS_KIND_WINDOW) program->push = NULL;
  return program;
}

/* Words NAME=DATA: of a name that stands there several times the first, then the second, and so on.
 * How many rounds that are. */
static int rounds_of(const Options *o) {
  int most = 1;
  for (size_t i = 1; i < o->n_args; i++) {
    size_t n = strcspn(o->args[i], "=");
    int same = 0;
    for (size_t k = 1; k < o->n_args; k++)
      same += strncmp(o->args[i], o->args[k], n + 1) == 0 && o->args[i][n] == '=';
    if (same > most) most = same;
  }
  return most;
}

static int round_argv(Session *s, const char *name, int round, const char **argv) {
  const Options *o = s->options;
  int argc = 0;
  argv[argc++] = name;
  for (size_t i = 1; i < o->n_args; i++) {
    size_t n = strcspn(o->args[i], "=");
    int before = 0, all = 0;
    for (size_t k = 1; k < o->n_args; k++)
      if (strncmp(o->args[i], o->args[k], n + 1) == 0 && o->args[i][n] == '=') {
        before += k < i;
        all++;
      }
    if (all <= 1 || before == round) argv[argc++] = o->args[i];
  }
  if (o->quiet) argv[argc++] = "--quiet";
  return argc;
}

/* Windows of one recording become runs of their own. */
static void cut_windows(const Model *model, Arena *arena, Calibration *c) {
  Calibration cut = {0};
  int w = 0;
  while (w < model->n_in - 1 && !model->in[w]->every)
    w++;
  int64_t size = model->in[w]->value->type.time.n, hop = model->in[w]->every;
  for (int r = 0; r < c->n; r++)
    for (int64_t at = 0; at + size <= c->run[r].in[w].steps; at += hop) {
      CalibrationRun run = {.in = ARENA_ARRAY(arena, EvalTensor, model->n_in + 1)};
      for (int i = 0; i < model->n_in; i++) {
        run.in[i] = c->run[r].in[i];
        if (!model->in[i]->every) continue;
        run.in[i].data += at * type_step_size(&model->in[i]->value->type);
        run.in[i].steps = model->in[i]->value->type.time.n;
      }
      ARENA_PUSH(arena, cut.run, cut.n, cut.cap, run);
    }
  *c = cut;
}

static ExitCode evaluate_all(Session *s, const Model *model, Calibration *c) {
  for (int r = 0; r < c->n; r++) {
    CalibrationRun *run = &c->run[r];
    run->truth = (EvalRun){.in = run->in};
    if (model_eval(model, s->arena, &run->truth) != EVAL_OK) {
      session_error(s, "the data has %s", "an index out of range, or a sequence that is too short");
      return EXIT_FILE;
    }
    int64_t steps = 1;
    for (int i = 0; i < model->n_in; i++)
      if (run->in[i].steps > steps) steps = run->in[i].steps;
    c->steps += steps;
  }
  return EXIT_DONE;
}

ExitCode calibration_read(Session *s, Model *model, const KirModule *module, Calibration *out) {
  const GrusProgram *program = noting_program(s, module);
  const char **argv = ARENA_ARRAY(s->arena, const char *, s->options->n_args + 3);
  calibration.arena = s->arena;
  calibration.model = model;
  calibration.program = program;
  calibration.to = out;
  calibration.cap = ARENA_ARRAY(s->arena, size_t, model->n_in + 1);
  for (int round = 0, n = rounds_of(s->options); round < n; round++) {
    int argc = round_argv(s, "grus", round, argv);
    int code = grus_host_run_finite(program, argc, (char **)(uintptr_t)argv, stderr);
    if (code != GRUS_EXIT_OK) return code == GRUS_EXIT_USAGE ? EXIT_USAGE : EXIT_FILE;
  }
  if (model->run == RUN_WINDOW) cut_windows(model, s->arena, out);
  if (!out->n) {
    session_error(s, "the data holds no %s", model->run == RUN_WINDOW ? "whole window" : "step");
    return EXIT_FILE;
  }
  return evaluate_all(s, model, out);
}

/* ---- held out ---- */

double calibration_share(const Calibration *c) {
  return c->n >= MANY_RUNS ? 1 : 1 - 1.0 / (double)HELD_OUT;
}

int calibration_first_held_out(const Calibration *c) {
  return c->n >= MANY_RUNS ? c->n - c->n / HELD_OUT : 0;
}

double calibration_snr(Session *s, const Model *model, const Calibration *c, bool held_out) {
  double signal = 0, noise = 0;
  for (int r = held_out ? calibration_first_held_out(c) : 0; r < c->n; r++) {
    EvalRun run = {.in = c->run[r].in};
    const EvalRun *truth = &c->run[r].truth;
    if ((model->quant ? model_eval_int : model_eval)(model, s->arena, &run) != EVAL_OK) return 0;
    for (int i = 0; i < model->n_out; i++) {
      int64_t n = truth->out[i].steps * type_step_size(&model->out[i]->value->type), first = 0;
      if (held_out) first = (int64_t)((double)n * (c->n >= MANY_RUNS ? 0 : calibration_share(c)));
      if (truth->out[i].steps <= 1) first = 0;
      for (int64_t k = first; k < n; k++) {
        double e = run.out[i].data[k] - truth->out[i].data[k];
        signal += truth->out[i].data[k] * truth->out[i].data[k];
        noise += e * e;
      }
    }
  }
  return noise > 0 ? 10 * log10(fmax(signal, 1e-300) / noise) : 999;
}
