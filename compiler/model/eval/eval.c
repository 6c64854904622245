/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Runs all layers of a model in an order in which each finds its inputs, and copies inputs and
 * outputs between storage order and time first; see eval.h. */
#include "model/eval/eval.h"

#include "model/eval/eval_layer.h"

#include <limits.h>
#include <string.h>

static EvalFn *const eval_fn[LAYER_KIND_COUNT] = {
#define LAYER(id, name, rule, flags, family, ...) eval_##family,
#include "model/graph/layers.def"
};

EvalTensor *eval_out(Eval *e, const Value *v, int64_t steps) {
  EvalTensor *t = &e->run->value[v->id];
  t->steps = steps;
  t->data = ARENA_ARRAY(e->arena, double, (steps * type_step_size(&v->type)));
  return t;
}

/* Copies between storage order of type and time first. The axes before the time axis have `outer`
 * elements, those after it `inner`: storage is [outer][steps][inner], time first is
 * [steps][outer][inner]. */
static void transpose(const Type *type, int64_t steps, const double *from, double *to,
                      bool to_time_first) {
  int64_t outer = 1, inner = 1;
  int before = type_is_sequence(type) ? type->time_pos : 0;
  for (int i = 0; i < before; i++)
    outer *= type->dim[i].n;
  for (int i = before; i < type->rank; i++)
    inner *= type->dim[i].n;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t t = 0; t < steps; t++)
      for (int64_t i = 0; i < inner; i++) {
        int64_t storage = (o * steps + t) * inner + i, logical = (t * outer + o) * inner + i;
        if (to_time_first)
          to[logical] = from[storage];
        else
          to[storage] = from[logical];
      }
}

void eval_to_storage(const Type *type, int64_t steps, const double *logical, double *storage) {
  transpose(type, steps, logical, storage, false);
}

void eval_from_storage(const Type *type, int64_t steps, const double *storage, double *logical) {
  transpose(type, steps, storage, logical, true);
}

static EvalStatus eval_inputs(Eval *e) {
  for (int i = 0; i < e->model->n_in; i++) {
    const Port *port = e->model->in[i];
    const EvalTensor *given = &e->run->in[i];
    const Type *type = &port->value->type;
    if (type->time.kind == TIME_BOUNDED && (given->steps < 1 || given->steps > type->time.n))
      return EVAL_BAD_LENGTH;
    int64_t n = given->steps * type_step_size(type);
    EvalTensor *t = eval_out(e, port->value, given->steps);
    eval_from_storage(type, given->steps, given->data, t->data);
    for (int64_t k = 0; k < n && type->elem == ELEM_INDEX; k++)
      if (!(t->data[k] >= 0 && t->data[k] < (double)type->categories)) return EVAL_BAD_INDEX;
  }
  return EVAL_OK;
}

/* How many base steps of the streams the calls of _step take: whole calls only. */
static int64_t base_steps(const Eval *e) {
  int64_t steps = 0;
  for (int i = 0; i < e->model->n_in; i++) {
    const Type *type = &e->model->in[i]->value->type;
    if (type_is_stream(type)) steps = e->run->in[i].steps * type->time.period;
  }
  return steps / e->model->steps_per_call * e->model->steps_per_call;
}

/* How many steps of a stream its calls have given, of `steps` that could be computed. */
static int64_t steps_given(const Eval *e, const Type *type, int64_t steps) {
  if (!type_is_stream(type)) return steps;
  int64_t have = base_steps(e) / type->time.period - type->time.lag;
  return have < 0 ? 0 : have < steps ? have : steps;
}

static void eval_outputs(Eval *e) {
  for (int i = 0; i < e->model->n_out; i++) {
    const Value *v = e->model->out[i]->value;
    const EvalTensor *t = eval_in(e, v);
    int64_t steps = steps_given(e, &v->type, t->steps);
    EvalTensor *out = &e->run->out[i];
    /* The order of the axes is the one declared; the port's type has it. */
    const Type *type = e->model->out[i]->has_type ? &e->model->out[i]->declared : &v->type;
    Type layout = v->type;
    layout.time_pos = type->time_pos;
    out->steps = steps;
    out->data = ARENA_ARRAY(e->arena, double, (steps * type_step_size(&v->type)));
    eval_to_storage(&layout, steps, t->data, out->data);
  }
}

void eval_show(const Eval *e, const Layer *layer) {
  for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k] && e->run->watch; k++)
    e->run->watch(e->run->watcher, layer->out[k], &e->run->value[layer->out[k]->id]);
}

EvalStatus eval_layer(Eval *e, const Layer *layer) {
  EvalStatus status = eval_fn[layer->kind](e, layer);
  if (status == EVAL_OK) eval_show(e, layer);
  return status;
}

/* Computes a layer, or all layers of the loop that it is in. */
static EvalStatus run(Eval *e, const Layer *layer, EvalFn *one) {
  EvalStatus status = layer->loop ? eval_loop(e, layer->loop, one) : one(e, layer);
  if (status != EVAL_OK) return status;
  /* No later layer and no state may see steps that no call has given yet. */
  EvalTensor *out = &e->run->value[layer->out[0]->id];
  out->steps = steps_given(e, &layer->out[0]->type, out->steps);
  bool bounded = layer->out[0]->type.time.kind == TIME_BOUNDED;
  return bounded && eval_in(e, layer->out[0])->steps < 1 ? EVAL_BAD_LENGTH : EVAL_OK;
}

/* Whether a value has been computed. Inside of a loop, its own values count as computed. */
static bool is_there(const bool *done, const Value *v, int loop) {
  return !v->layer || done[v->layer->id] || (loop && v->layer->loop == loop);
}

/* The k-th value that a layer reads: its inputs, then the values of its options; NULL after the
 * last. */
static const Value *read_of(const Layer *layer, int k) {
  if (k < layer->n_in) return layer->in[k];
  k -= layer->n_in;
  for (int o = 0, n = layer_opt_count(layer_info(layer->kind)); o < n; o++) {
    const OptVal *opt = &layer->opt[o];
    if (opt->value && k == 0) return opt->value;
    k -= opt->value != NULL;
    if (k < opt->n_values) return opt->values[k];
    k -= opt->n_values;
    int states = opt->states_of ? layer_n_states(opt->states_of) : 0;
    if (k < states) return opt->states_of->out[1 + k];
    k -= states;
  }
  return NULL;
}

static bool reads_done(const Layer *layer, const bool *done) {
  const Value *v;
  for (int k = 0; (v = read_of(layer, k)) != NULL; k++)
    if (!is_there(done, v, layer->loop)) return false;
  return true;
}

/* Whether a layer can be computed: it, or all layers of its loop, have what they read. */
static bool is_ready(const Model *model, const Layer *layer, const bool *done) {
  bool ready = reads_done(layer, done);
  for (int i = 0; i < model->n_layers && layer->loop && ready; i++)
    if (model->layer[i]->loop == layer->loop) ready = reads_done(model->layer[i], done);
  return ready;
}

/* For each value id: the number of the layer that reads it last, or of the layer that makes it if
 * none reads it; INT_MAX for an output of the model. */
static int *last_readers(const Model *model, Arena *arena) {
  int *last = ARENA_ARRAY(arena, int, model->n_values + 1);
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    const Value *v;
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
      last[layer->out[k]->id] = i;
    for (int k = 0; (v = read_of(layer, k)) != NULL; k++)
      last[v->id] = i;
  }
  for (int i = 0; i < model->n_out; i++)
    last[model->out[i]->value->id] = INT_MAX;
  return last;
}

static bool is_read_later(const Layer *layer, const int *last, int place) {
  for (int k = 0; k < LAYER_MAX_RESULTS; k++)
    if (layer->out[k] && last[layer->out[k]->id] > place) return true;
  return false;
}

/* Computes all layers of a model without loops. Each has memory of its own, which is freed after
 * the last layer that reads its results. */
static EvalStatus walk_freeing(Eval *e, EvalFn *one) {
  const Model *model = e->model;
  Arena *arena = e->arena, **own = ARENA_ARRAY(arena, Arena *, model->n_layers + 1);
  const int *last = last_readers(model, arena);
  for (int i = 0; i < model->n_layers; i++) {
    e->arena = own[i] = arena_child(arena);
    EvalStatus status = run(e, model->layer[i], one);
    e->arena = arena;
    if (status != EVAL_OK) return status;
    for (int k = 0; k <= i; k++) {
      if (!own[k] || is_read_later(model->layer[k], last, i)) continue;
      arena_free(own[k]);
      own[k] = NULL;
    }
  }
  eval_outputs(e);
  return EVAL_OK;
}

/* Computes all layers in the order of definition, except that a loop waits for the values that it
 * reads and other layers wait for the loop. */
static EvalStatus walk(Eval *e, EvalFn *one) {
  const Model *model = e->model;
  if (e->run->only_outputs && !model->n_loops) return walk_freeing(e, one);
  bool *done = ARENA_ARRAY(e->arena, bool, model->n_layers + 1);
  for (bool again = true; again;) {
    again = false;
    for (int i = 0; i < model->n_layers; i++) {
      const Layer *layer = model->layer[i];
      if (done[i] || (model->n_loops && !is_ready(model, layer, done))) continue;
      EvalStatus status = run(e, layer, one);
      if (status != EVAL_OK) return status;
      done[i] = true;
      for (int k = 0; k < model->n_layers && layer->loop; k++)
        if (model->layer[k]->loop == layer->loop) done[k] = true;
      again = model->n_loops > 0;
    }
  }
  eval_outputs(e);
  return EVAL_OK;
}

static Eval eval_new(const Model *model, Arena *arena, EvalRun *run) {
  run->value = ARENA_ARRAY(arena, EvalTensor, model->n_values);
  run->cell = ARENA_ARRAY(arena, EvalTensor, model->n_layers + 1);
  run->out = ARENA_ARRAY(arena, EvalTensor, model->n_out);
  return (Eval){.model = model, .arena = arena, .run = run};
}

EvalStatus model_eval(const Model *model, Arena *arena, EvalRun *run) {
  Eval e = eval_new(model, arena, run);
  EvalStatus status = eval_inputs(&e);
  return status == EVAL_OK ? walk(&e, eval_layer) : status;
}

EvalStatus model_eval_int(const Model *model, Arena *arena, EvalRun *run) {
  Eval e = eval_new(model, arena, run);
  EvalStatus status = eval_inputs(&e);
  if (status != EVAL_OK) return status;
  eval_int_inputs(&e);
  return walk(&e, eval_int_layer);
}
