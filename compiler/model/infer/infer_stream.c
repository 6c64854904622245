/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* How the model runs: whole, on a stream, or on windows of one. Streams share one clock (E410);
 * one call takes as many base steps as the periods of all streams divide; inputs that are read only
 * at reset are found, and those that would be read at both times reported (E505). */
#include "model/infer/infer_rule.h"

#include "base/shape.h"

/* ---- one clock ---- */

/* Steps a second of the base clock, by this stream; false if unknown. */
static bool base_rate(const Time *time, int64_t *num) {
  return time->rate_num && size_mul(time->rate_num, time->period, num);
}

static void check_clock(Infer *inf) {
  const Port *first = NULL;
  for (int i = 0; i < inf->model->n_in; i++) {
    const Port *port = inf->model->in[i];
    const Time *time = &port->value->type.time;
    int64_t a, b, x, y;
    if (!port->value->typed || time->kind != TIME_STREAM || !base_rate(time, &a)) continue;
    if (!first) {
      first = port;
      continue;
    }
    const Time *other = &first->value->type.time;
    if (!base_rate(other, &b) || !size_mul(a, other->rate_den, &x) ||
        !size_mul(b, time->rate_den, &y) || x == y)
      continue;
    Text ta = text_new(inf->arena), tb = text_new(inf->arena);
    text_add_rate(&ta, other->rate_num, other->rate_den);
    text_add_rate(&tb, time->rate_num, time->rate_den);
    Diag *d = infer_report(inf, E410, NULL, port->type_span, "the sample rates %s and %s differ",
                           text_str(&ta), text_str(&tb));
    diag_primary(d, "%s", text_str(&tb));
    diag_label(d, first->type_span, "%s", text_str(&ta));
    diag_note(d, "all streams of a model share one clock; `time .. / p` has one value for every p "
                 "steps of it");
    return;
  }
}

/* Windows are pushed step by step together: one hop for all. */
static void check_windows(Infer *inf) {
  const Port *first = NULL, *stream = NULL;
  for (int i = 0; i < inf->model->n_in; i++) {
    const Port *port = inf->model->in[i];
    if (!port->value->typed) continue;
    if (type_is_stream(&port->declared)) stream = port;
    if (port->every && !first) first = port;
    if (!first || !port->every || port->every == first->every) continue;
    Diag *d = infer_report(inf, E408, NULL, port->every_span,
                           "all windows of a model have the same `every`");
    diag_primary(d, "every %lld steps", (long long)port->every);
    diag_label(d, first->every_span, "every %lld steps", (long long)first->every);
    return;
  }
  if (!first || !stream) return;
  Diag *d = infer_report(inf, E409, NULL, first->type_span,
                         "a stream and a whole sequence cannot be combined");
  diag_primary(d, "one window every %lld steps", (long long)first->every);
  diag_label(d, stream->type_span, "one value per step");
  diag_note(d, "declare both as streams, or both as windows with `every`");
}

/* ---- calls ---- */

static void steps_per_call(Infer *inf) {
  Model *model = inf->model;
  int64_t steps = 1;
  for (int i = 0; i < model->n_values; i++) {
    const Value *v = model->value[i];
    if (!v->typed || !type_is_stream(&v->type)) continue;
    int64_t g = size_gcd(steps, v->type.time.period);
    if (size_mul(steps, v->type.time.period / g, &steps) && steps < (int64_t)1 << 31) continue;
    Diag *d = infer_report(inf, E313, v->layer, v->layer ? v->layer->span : v->span,
                           "one call would take more than 2^31 steps");
    diag_primary(d, "one value in %lld steps", (long long)v->type.time.period);
    diag_note(d, "the number of steps of a call is a multiple of the periods of all its streams");
    return;
  }
  model->steps_per_call = steps;
}

/* ---- reset ---- */

typedef struct Reads {
  bool *reset; /* by value id: read at reset, directly or by what is made of it */
  bool *step;  /* read by a call */
} Reads;

static void read_as(Reads *reads, const Value *v, bool reset, bool step) {
  if (!v) return;
  reads->reset[v->id] |= reset;
  reads->step[v->id] |= step;
}

/* Backwards over the layers: a layer reads its inputs when its results are read. */
static Reads find_reads(const Infer *inf) {
  const Model *model = inf->model;
  Reads reads = {ARENA_ARRAY(inf->arena, bool, model->n_values),
                 ARENA_ARRAY(inf->arena, bool, model->n_values)};
  for (int i = 0; i < model->n_out; i++)
    read_as(&reads, model->out[i]->value, false, true);
  for (int i = model->n_layers - 1; i >= 0; i--) {
    const Layer *layer = model->layer[i];
    bool reset = false, step = false;
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
      reset |= reads.reset[layer->out[k]->id];
      step |= reads.step[layer->out[k]->id];
    }
    bool stream = layer->out[0]->typed && type_is_stream(&layer->out[0]->type);
    for (int k = 0; k < layer->n_in; k++)
      read_as(&reads, layer->in[k], reset, step);
    for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++) {
      const OptVal *opt = &layer->opt[o];
      read_as(&reads, opt->value, reset, step);
      for (int k = 0; k < opt->n_values; k++)
        read_as(&reads, opt->values[k], reset || stream, step && !stream);
    }
  }
  return reads;
}

/* A layer whose `init` reads v, directly or not. */
static const Layer *reset_reader(const Infer *inf, const Value *v) {
  const Model *model = inf->model;
  bool *made = ARENA_ARRAY(inf->arena, bool, model->n_values);
  made[v->id] = true;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    bool reads = false;
    for (int k = 0; k < layer->n_in; k++)
      reads |= layer->in[k] && made[layer->in[k]->id];
    for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++)
      for (int k = 0; k < layer->opt[o].n_values; k++)
        if (made[layer->opt[o].values[k]->id]) return layer;
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
      made[layer->out[k]->id] = reads;
  }
  return NULL;
}

/* Where v is read as data: the first stage that does. */
static Span step_reader(const Infer *inf, const Value *v) {
  const Model *model = inf->model;
  for (int i = 0; i < model->n_layers; i++)
    for (int k = 0; k < model->layer[i]->n_in; k++)
      if (model->layer[i]->in[k] == v) return model->layer[i]->span;
  for (int i = 0; i < model->n_out; i++)
    if (model->out[i]->value == v) return model->out[i]->name_span;
  return span_none();
}

static void check_reset(Infer *inf, const Reads *reads) {
  for (int i = 0; i < inf->model->n_in; i++) {
    Port *port = inf->model->in[i];
    const Value *v = port->value;
    bool reset = reads->reset[v->id], step = reads->step[v->id];
    port->is_init = reset && !step && v->typed && !type_is_stream(&v->type);
    if (!v->typed || !reset || !(step || type_is_stream(&v->type))) continue;
    const Layer *init = reset_reader(inf, v);
    bool stream = type_is_stream(&v->type);
    Span at = init ? layer_opt(init, OPT_init)->span : port->span;
    Diag *d = stream ? infer_report(inf, E505, init, at,
                                    "`%s` is a stream, but `init` is read before its first step",
                                    port->name)
                     : infer_report(inf, E505, init, at, "`%s` is read at reset and at every step",
                                    port->name);
    diag_primary(d, "read at reset");
    Span data = step_reader(inf, v);
    if (span_valid(data)) diag_label(d, data, "read at every step");
    if (!stream) {
      diag_note(
          d, "an input that only `init` uses is an argument of `%s_reset`, any other of `%s_step`",
          inf->model->name, inf->model->name);
      diag_fix(d, FIX_MAYBE, "declare two inputs; the caller may pass the same numbers to both");
    } else
      diag_note(
          d,
          "without `init`, the initial state is zero; a stream keeps its state from call to call");
  }
}

/* ---- states ---- */

/* Reports a step that reads the final state of a stream, which is known only after the last step of
 * a call. */
static void check_spread(Infer *inf) {
  const Model *model = inf->model;
  bool *final =
      ARENA_ARRAY(inf->arena, bool, model->n_values); /* by value id: made of such a state */
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    const Value *out = layer->out[0];
    bool from = false, stream = out->typed && type_is_stream(&out->type);
    for (int k = 0; k < layer->n_in; k++)
      from |= layer->in[k] && final[layer->in[k]->id];
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
      final[layer->out[k]->id] = from || (k && stream);
    if (!from || !stream || layer->kind != LAYER_repeat) continue;
    Diag *d = infer_report(inf, E504, layer, layer->span,
                           "the final state of a stream cannot be used at every step");
    diag_primary(d, "known after the last step of a call");
    diag_trace_value(d, model, layer->in[0]);
    diag_note(d, "the output of the layer is the sequence of its states");
  }
}

void infer_run(Infer *inf) {
  Model *model = inf->model;
  model->run = RUN_WHOLE;
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    if (port->every && model->run == RUN_WHOLE) model->run = RUN_WINDOW;
    if (port->value->typed && type_is_stream(&port->value->type)) model->run = RUN_STREAM;
  }
  check_windows(inf);
  model->steps_per_call = 1;
  if (model->run != RUN_STREAM) return;
  check_clock(inf);
  steps_per_call(inf);
  check_spread(inf);
  Reads reads = find_reads(inf);
  check_reset(inf, &reads);
}
