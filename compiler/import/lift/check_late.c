/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* When a stream gives the last value of a sequence. In, the sizes of a trial; out, the steps that a
 * stream still needs after the last step of the file. */
#include "import/lift/check.h"

/* How many steps of the same period and lag as `time` the file makes of all its steps; 0: nothing
 * in the file tells, or it tells two numbers. */
static int64_t values_of_file(const Comparison *c, const Time *time) {
  const Lift *l = c->l;
  const Graph *graph = l->flat->graph;
  int64_t found = 0;
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i]->n_out; k++) {
      const GraphValue *value = graph->node[i]->out[k];
      const Placed *placed = value ? &l->placed[value->id] : NULL;
      const Type *type = placed && placed->value ? &placed->value->type : NULL;
      if (!type || !placed->layout.timed || !check_has_time(c, value)) continue;
      if (type->time.kind != TIME_STREAM || !time_equal(&type->time, time) ||
          type->time.lag != time->lag)
        continue;
      int64_t steps = check_steps(c, value);
      if (found && found != steps) return 0;
      found = steps;
    }
  return found;
}

/* How many values of an output, or of what it is the last value of, the file makes of the steps of
 * a trial; 0: it is not known. */
static int64_t values_of_output(const Comparison *c, const Trial *t, const GraphValue *value,
                                const Time *time) {
  int64_t flat = check_has_time(c, value) ? check_steps(c, value) : values_of_file(c, time),
          more = t->steps - c->l->flat_steps;
  return flat && more % time->period == 0 ? flat + more / time->period : 0;
}

int64_t check_period(const Lift *l) {
  const Model *model = l->foreign->model;
  int64_t period = 1;
  for (int i = 0; i < model->n_out; i++) {
    const Time *time = &model->out[i]->value->type.time;
    if (time->kind == TIME_STREAM && time->period > period) period = time->period;
  }
  return period;
}

int64_t check_more_steps(const Comparison *c, const Trial *t) {
  const Lift *l = c->l;
  const Model *model = l->foreign->model;
  int64_t more = 0;
  if (l->time.kind != TIME_STREAM || t->calls != 1) return 0;
  for (int pass = 0; pass < 2; pass++) /* the largest number; whether it suits all outputs */
    for (int o = 0, port = 0; o < l->flat->n_file_out; o++) {
      if (!l->delivered[o]) continue;
      const GraphValue *value = l->flat->graph->out[o].value;
      const Time *time = &model->out[port++]->value->type.time;
      int64_t n = time->kind == TIME_STREAM ? values_of_output(c, t, value, time) : 0;
      int64_t late = (n + time->lag) * time->period - t->steps;
      if (!n || late >= time->period) return 0;
      if (pass && (t->steps + more) / time->period - time->lag != n) return 0;
      if (late > more) more = late;
    }
  return more;
}
