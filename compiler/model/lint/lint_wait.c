/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W403: a stream whose first output comes late, because a stage waits until its history is full.
 *
 * "Late" is more than 10 s if the rate of the stream is known. Otherwise it is more than 10,000
 * steps, which is 10 s at 1 kHz, a rate between those of sensors and of sound. */
#include "model/lint/lint.h"

enum { LATE_SECONDS = 10, LATE_STEPS = 10000 };

/* How many base steps pass until the first value of a stream is there; INT64_MAX if the number does
 * not fit. */
static int64_t wait_steps(const Value *v) {
  int64_t values, steps;
  const Time *time = &v->type.time;
  if (time->kind != TIME_STREAM) return 0;
  if (!size_add(time->lag, 1, &values) || !size_mul(values, time->period, &steps)) return INT64_MAX;
  return steps;
}

static double wait_seconds(const Time *time) {
  return (double)(time->lag + 1) * (double)time->rate_den / (double)time->rate_num;
}

static bool is_late(const Value *v) {
  const Time *time = &v->type.time;
  if (!lint_typed(v) || time->kind != TIME_STREAM || time->lag == 0) return false;
  return time->rate_num ? wait_seconds(time) > (double)LATE_SECONDS : wait_steps(v) > LATE_STEPS;
}

/* The input of layer whose first value comes last; NULL if no input has a type. */
static const Value *slowest(const Layer *layer) {
  const Value *v = NULL;
  for (int i = 0; i < layer->n_in; i++)
    if (lint_typed(layer->in[i]) && (!v || wait_steps(layer->in[i]) > wait_steps(v)))
      v = layer->in[i];
  return v;
}

/* The stage on the way to v that adds most to the wait. */
static const Layer *culprit(const Value *v) {
  const Layer *most = NULL;
  for (int64_t adds = -1; v && v->layer; v = slowest(v->layer)) {
    const Value *in = slowest(v->layer);
    int64_t added = wait_steps(v) - (in ? wait_steps(in) : 0);
    if (added <= adds) continue;
    adds = added;
    most = v->layer;
  }
  return most;
}

void lint_late_first(Infer *lint) {
  const Model *model = lint->model;
  for (int i = 0; i < model->n_out; i++) {
    const Value *v = model->out[i]->value;
    const Layer *layer = is_late(v) ? culprit(v) : NULL;
    if (!layer) continue;
    const Time *time = &v->type.time;
    Text steps = text_new(lint->arena);
    text_add_thousands(&steps, wait_steps(v));
    const char *wait = arena_printf(lint->arena, "%s steps", text_str(&steps));
    if (time->rate_num) wait = arena_printf(lint->arena, "%.4g s", wait_seconds(time));
    Diag *d = lint_report(lint, W403, layer, layer->span, "the first output comes after %s", wait);
    diag_primary(d, "`%s` comes after %s steps of history", model->out[i]->name, text_str(&steps));
    diag_trace_value(d, model, layer->out[0]);
    diag_note(d, "calls before that return `GRUS_NO_OUTPUT`");
    diag_fix(d, FIX_MAYBE,
             "a recurrent layer remembers across short windows, so short ones are often enough");
  }
}
