/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Running a model both ways; see trial.h. */
#include "driver/trial.h"

#include "base/module.h"
#include "driver/apart.h"
#include "driver/jit.h"
#include "driver/native.h"
#include "driver/quantise.h"
#include "driver/version.h"
#include "model/quant/quant.h"
#include "runtime/host/host_number.h"

#include <math.h>
#include <string.h>

static void unload(void *arg) {
  void **library = arg;
  if (*library) module_close(*library);
}

const GrusProgram *trial_open(Session *s, const char *dir, const char *path) {
  void **library = ARENA_NEW(s->arena, void *);
  arena_defer(s->arena, unload, library);
  const char *reason = "it has no model";
  const GrusProgram *program = NULL;
  *library = module_load(path, &reason);
  if (!*library || !module_take(*library, "grus_program", &program))
    session_file_error(s, path, "load", reason);
  temp_dir_remove(dir); /* what is loaded stays */
  return program;
}

/* A program of its own, for the command of --run-with. */
static const GrusProgram *load_apart(Session *s, const KirModule *m) {
  COptions c = {.prefix = m->name,
                .compiler = "grus " GRUS_VERSION,
                .scratch = C_SCRATCH_STATIC,
                .machine = {.name = s->machine.name}};
  const char *dir = temp_dir(s), *exe = dir ? file_join(s->arena, dir, "model.exe") : NULL;
  if (!dir || !compile_program(s, m, &c, dir, exe, PROGRAM_APART)) return NULL;
  return apart_program(s, m, dir, exe);
}

const GrusProgram *trial_load(Session *s, const KirModule *m) {
  if (s->options->run_with) return load_apart(s, m);
  if (native_chosen(s)) return jit_program(s, m);
  COptions c = {.prefix = m->name, .compiler = "grus " GRUS_VERSION, .scratch = C_SCRATCH_STATIC};
  const char *dir = temp_dir(s), *path = dir ? file_join(s->arena, dir, "model.so") : NULL;
  if (!dir || !compile_program(s, m, &c, dir, path, PROGRAM_LIBRARY)) return NULL;
  return trial_open(s, dir, path);
}

/* Element i of the numbers of a port. */
static void *elem_at(const GrusPort *p, void *data, int64_t i) {
  return (char *)data + (size_t)i * host_elem_size(p->elem);
}

static int64_t port_elems(const GrusPort *p, bool without_time) {
  int64_t n = 1;
  for (int i = 0; i < p->rank; i++)
    if (!(without_time && i == p->time_axis)) n *= (int64_t)p->axes[i].size;
  return n;
}

size_t trial_port_bytes(const GrusPort *p) {
  return (size_t)port_elems(p, p->time == GRUS_TIME_WINDOW) * host_elem_size(p->elem);
}

/* Buffers for the ports of one role. */
typedef struct Buffers {
  const GrusPort **port;
  void **data;
  int n;
} Buffers;

static Buffers buffers_of(Session *s, const GrusProgram *program, GrusRole role) {
  Buffers b = {ARENA_ARRAY(s->arena, const GrusPort *, program->port_count),
               ARENA_ARRAY(s->arena, void *, program->port_count + 1), 0};
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *p = &program->ports[i];
    if (p->role != role) continue;
    b.port[b.n] = p;
    b.data[b.n++] = arena_alloc(s->arena, program->batch * trial_port_bytes(p) + 64);
  }
  return b;
}

/* Where sample b of a batch lies. */
static void *sample_of(const GrusPort *p, void *data, size_t b) {
  return (char *)data + b * trial_port_bytes(p);
}

static int port_index(Port *const *ports, int n, const char *name) {
  int i = 0;
  while (i < n && strcmp(ports[i]->name, name) != 0)
    i++;
  return i;
}

/* Copies elements [from, from + n) of a recorded value into a buffer; zeros after its end. */
static void load_part(const GrusPort *p, void *to, const Recorded *value, int64_t from, int64_t n) {
  int64_t have = value->count - from < n ? value->count - from : n;
  if (have < 0) have = 0;
  if (have) host_elem_encode(p->elem, value->data + from, to, (size_t)have);
  memset(elem_at(p, to, have), 0, (size_t)(n - have) * host_elem_size(p->elem));
}

/* A bounded value with `steps` of its bound: between the caller's dense array and the interface's,
 * whose time axis has the bound's size. Axes before time have `outer` elements, after it
 * `inner`. */
static void spread(const GrusPort *p, void *buffer, double *dense, int64_t steps, bool load) {
  int64_t outer = 1, inner = 1, bound = 1;
  for (int i = 0; i < p->rank; i++) {
    int64_t n = (int64_t)p->axes[i].size;
    if (i < p->time_axis) outer *= n;
    if (i == p->time_axis) bound = n;
    if (i > p->time_axis) inner *= n;
  }
  if (p->time_axis < 0) steps = 1;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t t = 0; t < steps; t++) {
      void *at = elem_at(p, buffer, (o * bound + t) * inner);
      double *row = dense + (o * steps + t) * inner;
      if (load)
        host_elem_encode(p->elem, row, at, (size_t)inner);
      else
        host_elem_decode(p->elem, at, row, (size_t)inner);
    }
}

void trial_take(const GrusPort *p, const void *buffer, double *dense, int64_t steps) {
  spread(p, (void *)(uintptr_t)buffer, dense, steps, false);
}

/* What sample b of a recording has for a port of the program. */
static const Recorded *recorded_for(const Model *model, const Recorded *const *in, size_t b,
                                    const GrusPort *p) {
  return &in[b][port_index(model->in, model->n_in, p->name)];
}

static int run_whole(Session *s, const Model *model, const GrusProgram *program,
                     const Recorded *const *in, Recorded *const *out) {
  Buffers ins = buffers_of(s, program, GRUS_ROLE_IN), outs = buffers_of(s, program, GRUS_ROLE_OUT);
  size_t *lengths = ARENA_ARRAY(s->arena, size_t, program->length_count * program->batch + 1);
  for (int i = 0; i < ins.n; i++)
    for (size_t b = 0; b < program->batch; b++) {
      const GrusPort *p = ins.port[i];
      const Recorded *r = recorded_for(model, in, b, p);
      if (p->time == GRUS_TIME_BOUNDED)
        lengths[(size_t)p->length * program->batch + b] = (size_t)r->steps;
      spread(p, sample_of(p, ins.data[i], b), r->data, r->steps, true);
    }
  int status = program->run(program->length_count ? lengths : NULL, (const void *const *)ins.data,
                            outs.data);
  for (int i = 0; status == GRUS_OK && i < outs.n; i++)
    for (size_t b = 0; b < program->batch; b++) {
      const GrusPort *p = outs.port[i];
      Recorded *r = &out[b][i];
      int64_t steps = p->time_axis < 0 ? 1 : (int64_t)p->axes[p->time_axis].size;
      if (p->time == GRUS_TIME_BOUNDED)
        steps = (int64_t)lengths[(size_t)p->length * program->batch + b];
      if (p->length_hop) steps = (steps - p->length_size) / p->length_hop + 1;
      *r = (Recorded){.steps = steps, .count = port_elems(p, true) * steps};
      r->data = ARENA_ARRAY(s->arena, double, r->count);
      spread(p, sample_of(p, outs.data[i], b), r->data, steps, false);
    }
  return status;
}

static void append_output(Session *s, const GrusPort *p, const void *buffer, Recorded *out,
                          size_t *cap) {
  int64_t n = port_elems(p, false);
  out->data = arena_grow(s->arena, out->data, cap, (size_t)(out->count + n), sizeof *out->data);
  host_elem_decode(p->elem, buffer, out->data + out->count, (size_t)n);
  out->count += n;
  out->steps += p->time_axis >= 0 ? (int64_t)p->axes[p->time_axis].size : 1;
}

/* Streams and windows: one call after another until an input runs out. */
static int run_calls(Session *s, const Model *model, const GrusProgram *program,
                     const Recorded *const *in, Recorded *const *out) {
  Buffers ins = buffers_of(s, program, GRUS_ROLE_IN), outs = buffers_of(s, program, GRUS_ROLE_OUT);
  Buffers init = buffers_of(s, program, GRUS_ROLE_INIT);
  size_t *cap = ARENA_ARRAY(s->arena, size_t, (size_t)outs.n * program->batch + 1);
  void *state = arena_alloc(s->arena, program->state_size + 128);
  state = (void *)(((uintptr_t)state + 63) / 64 * 64);
  for (int i = 0; i < init.n; i++)
    for (size_t b = 0; b < program->batch; b++) {
      const Recorded *r = recorded_for(model, in, b, init.port[i]);
      load_part(init.port[i], sample_of(init.port[i], init.data[i], b), r, 0, r->count);
    }
  int status = program->reset(state, (const void *const *)init.data);
  bool window = program->kind == GRUS_KIND_WINDOW;
  for (int64_t call = 0; status == GRUS_OK || status == GRUS_NO_OUTPUT; call++) {
    for (int i = 0; i < ins.n; i++)
      for (size_t b = 0; b < program->batch; b++) {
        const GrusPort *p = ins.port[i];
        const Recorded *r = recorded_for(model, in, b, p);
        bool timed = p->time == GRUS_TIME_STREAM || p->time == GRUS_TIME_WINDOW;
        int64_t n = port_elems(p, p->time == GRUS_TIME_WINDOW);
        if (timed && (call + 1) * n > r->count) return GRUS_OK;
        load_part(p, sample_of(p, ins.data[i], b), r, timed ? call * n : 0, n);
      }
    status = window ? program->push(state, (const void *const *)ins.data, outs.data)
                    : program->step(state, (const void *const *)ins.data, outs.data);
    for (int i = 0; status == GRUS_OK && i < outs.n; i++)
      for (size_t b = 0; b < program->batch; b++)
        append_output(s, outs.port[i], sample_of(outs.port[i], outs.data[i], b), &out[b][i],
                      &cap[(size_t)i * program->batch + b]);
  }
  return status;
}

static int run_samples(Session *s, const Model *model, const GrusProgram *program,
                       const Recorded *const *in, Recorded *const *out) {
  for (size_t b = 0; b < program->batch; b++)
    memset(out[b], 0, sizeof *out[b] * (size_t)model->n_out);
  return program->kind == GRUS_KIND_RUN ? run_whole(s, model, program, in, out)
                                        : run_calls(s, model, program, in, out);
}

int trial_samples(Session *s, const Model *model, const GrusProgram *program,
                  const Recorded *const *in, Recorded *const *out) {
  if (apart_is(program)) { /* once to note the calls, once more for their answers */
    apart_begin();
    run_samples(s, model, program, in, out);
    if (!apart_answer(s)) return TRIAL_BROKEN;
  }
  return run_samples(s, model, program, in, out);
}

int trial_compiled(Session *s, const Model *model, const GrusProgram *program, const Recorded *in,
                   Recorded *out) {
  const Recorded **ins = ARENA_ARRAY(s->arena, const Recorded *, program->batch);
  Recorded **outs = ARENA_ARRAY(s->arena, Recorded *, program->batch);
  for (size_t b = 0; b < program->batch; b++) {
    ins[b] = in;
    outs[b] = b + 1 < program->batch ? ARENA_ARRAY(s->arena, Recorded, model->n_out + 1)
                                     : out; /* what comes out in the last place is taken */
  }
  return trial_samples(s, model, program, ins, outs);
}

bool trial_align(const KirModule *m, const Model *model, int i, int64_t want, Recorded *got) {
  const KirPort *port = &m->port[model->n_in + i];
  int64_t slot = type_step_size(&model->out[i]->value->type), more = got->count - want;
  bool ends = m->run_kind == KIR_STREAM && !type_is_sequence(&model->out[i]->value->type),
       zero = true;
  if (more <= 0 || more % slot || (!ends && more / slot > port->lag)) return true;
  for (int64_t k = 0; k < more && !ends; k++)
    zero = zero && got->data[k] == 0;
  got->data += more;
  got->count -= more;
  got->steps -= more / slot;
  return zero;
}

/* A window of samples, one after the other as they are pushed, in the order of its type. */
static double *window_in_storage(Session *s, const Type *type, const double *samples) {
  int64_t steps = type->time.n, outer = 1, inner = 1;
  double *stored = ARENA_ARRAY(s->arena, double, (steps * type_step_size(type) + 1));
  for (int i = 0; i < type->rank; i++)
    if (i < type->time_pos)
      outer *= type->dim[i].n;
    else
      inner *= type->dim[i].n;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t t = 0; t < steps; t++)
      for (int64_t i = 0; i < inner; i++)
        stored[(o * steps + t) * inner + i] = samples[(t * outer + o) * inner + i];
  return stored;
}

/* One run of the evaluator, its outputs appended to out. */
static EvalStatus evaluate(Session *s, const Model *model, const Recorded *in, const int64_t *skip,
                           const TrialWatch *watch, Recorded *out, EvalTensor **values) {
  EvalRun run = {.in = ARENA_ARRAY(s->arena, EvalTensor, model->n_in + 1),
                 .watch = watch ? watch->watch : NULL,
                 .watcher = watch ? watch->watcher : NULL};
  for (int i = 0; i < model->n_in; i++) {
    const Type *type = &model->in[i]->value->type;
    bool window = model->in[i]->every > 0;
    run.in[i].data = in[i].data + (skip ? skip[i] : 0);
    run.in[i].steps = window ? type->time.n : in[i].steps;
    if (window && type->time_pos > 0) run.in[i].data = window_in_storage(s, type, run.in[i].data);
  }
  EvalStatus status =
      model->quant ? model_eval_int(model, s->arena, &run) : model_eval(model, s->arena, &run);
  if (values) *values = run.value;
  for (int i = 0; status == EVAL_OK && i < model->n_out; i++) {
    int64_t n = run.out[i].steps * type_step_size(&model->out[i]->value->type);
    double *data = ARENA_ARRAY(s->arena, double, out[i].count + n);
    if (out[i].count) memcpy(data, out[i].data, (size_t)out[i].count * sizeof *data);
    if (n) memcpy(data + out[i].count, run.out[i].data, (size_t)n * sizeof *data);
    out[i] = (Recorded){data, out[i].count + n, out[i].steps + run.out[i].steps};
  }
  return status;
}

EvalStatus trial_watched(Session *s, const Model *model, const Recorded *in,
                         const TrialWatch *watch, Recorded *out, EvalTensor **values) {
  memset(out, 0, sizeof *out * (size_t)model->n_out);
  if (model->run != RUN_WINDOW) return evaluate(s, model, in, NULL, watch, out, values);
  int w = 0; /* windows: one run each, hop by hop */
  while (w < model->n_in - 1 && !model->in[w]->every)
    w++;
  int64_t size = model->in[w]->value->type.time.n, hop = model->in[w]->every;
  EvalStatus status = EVAL_OK;
  for (int64_t at = 0; at + size <= in[w].steps && status == EVAL_OK; at += hop) {
    int64_t *skip = ARENA_ARRAY(s->arena, int64_t, model->n_in);
    for (int i = 0; i < model->n_in; i++)
      skip[i] = model->in[i]->every ? at * type_step_size(&model->in[i]->value->type) : 0;
    status = evaluate(s, model, in, skip, watch, out, values);
  }
  return status;
}

EvalStatus trial_reference(Session *s, const Model *model, const Recorded *in, Recorded *out,
                           EvalTensor **values) {
  return trial_watched(s, model, in, NULL, out, values);
}

/* Whether the value of a layer is there only as sums, on which another one goes on. */
static bool is_hidden(const Model *model, const Layer *layer) {
  if (!model->quant) return false;
  const Layer *by = model->quant->absorber[layer->id];
  const QuantLayer *quant = model->quant->layer[by ? by->id : layer->id];
  return quant && quant->last && quant->last != layer;
}

bool trial_add_layers(Session *s, Model *model, const Source *source, bool streams_only,
                      int *codes) {
  int first = model->n_out;
  for (int i = 0; i < model->n_layers; i++) {
    Value *v = model->layer[i]->out[0];
    if (!v->typed || is_hidden(model, model->layer[i]) ||
        (streams_only && !type_is_stream(&v->type)))
      continue;
    codes[model->n_out - first] = i + 1;
    model_output(model, arena_printf(s->arena, "layer_%d", i + 1), v);
  }
  return !model->quant || build_quantise(s, model, source);
}

Difference difference(const double *a, int64_t n_a, const double *b, int64_t n_b) {
  Difference d = {.snr = 999, .bad = n_a != n_b};
  double signal = 0, noise = 0;
  for (int64_t i = 0; i < n_a && i < n_b; i++) {
    double e = fabs(a[i] - b[i]);
    if (a[i] == b[i]) e = 0; /* infinities */
    if (isnan(a[i]) != isnan(b[i])) d.bad = true;
    if (e > d.max) {
      d.max = e;
      d.at = i;
    }
    if (fabs(b[i]) > d.scale && isfinite(b[i])) d.scale = fabs(b[i]);
    signal += b[i] * b[i];
    noise += e * e;
  }
  if (noise > 0) d.snr = 10 * log10(signal / noise);
  return d;
}
