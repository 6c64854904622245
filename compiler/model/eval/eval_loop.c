/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loops through states, in double: all layers of a loop compute one step, then the next. While they
 * do, a value from outside of the loop has only that step. */
#include "model/eval/eval_layer.h"

#include <string.h>

static bool is_inside(const Value *v, int loop) {
  return v->layer && v->layer->loop == loop;
}

/* The sequences that layers of a loop read and layers outside of it make. */
typedef struct Outside {
  EvalTensor **seen; /* the value in the run, which becomes one step of it */
  EvalTensor *whole; /* the value with all steps */
  const Type **type;
  int n;
} Outside;

static void add_outside(Eval *e, Outside *out, const Value *v, int loop) {
  if (!v || is_inside(v, loop) || !type_is_sequence(&v->type)) return;
  EvalTensor *t = &e->run->value[v->id];
  for (int i = 0; i < out->n; i++)
    if (out->seen[i] == t) return;
  out->seen[out->n] = t;
  out->whole[out->n] = *t;
  out->type[out->n++] = &v->type;
}

static Outside find_outside(Eval *e, int loop) {
  int n = e->model->n_values + 1;
  Outside out = {ARENA_ARRAY(e->arena, EvalTensor *, n), ARENA_ARRAY(e->arena, EvalTensor, n),
                 ARENA_ARRAY(e->arena, const Type *, n), 0};
  for (int i = 0; i < e->model->n_layers; i++) {
    const Layer *layer = e->model->layer[i];
    if (layer->loop != loop) continue;
    for (int k = 0; k < layer->n_in; k++)
      add_outside(e, &out, layer->in[k], loop);
    for (int o = 0, opts = layer_opt_count(layer_info(layer->kind)); o < opts; o++)
      add_outside(e, &out, layer->opt[o].value, loop);
  }
  return out;
}

/* Sets a state to what it is before the first step: zero, a value, or learned numbers, which are
 * the same for each position. */
static void start_state(Eval *e, const Layer *state) {
  int64_t n = type_step_size(&state->out[0]->type), units = layer_size(state, OPT_units, 1);
  const OptVal *init = layer_opt(state, OPT_init);
  double *kept = ARENA_ARRAY(e->arena, double, n);
  const float *learned = state->weights ? state->weights->role[ROLE_INITIAL_H] : NULL;
  for (int64_t i = 0; i < n && (learned || init->n_values); i++)
    kept[i] = learned ? (double)learned[i % units] : eval_in(e, init->values[0])->data[i];
  e->kept[state->id] = kept;
}

EvalStatus eval_state(Eval *e, const Layer *layer) {
  EvalTensor *y = eval_out(e, layer->out[0], 1);
  memcpy(y->data, e->kept[layer->id],
         (size_t)type_step_size(&layer->out[0]->type) * sizeof *y->data);
  return EVAL_OK;
}

EvalStatus eval_keep(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Layer *state = layer_opt(layer, OPT_as)->value->layer;
  size_t bytes = (size_t)type_step_size(&layer->out[0]->type) * sizeof *x->data;
  memcpy(eval_out(e, layer->out[0], 1)->data, x->data, bytes);
  memcpy(e->kept[state->id], x->data, bytes);
  return EVAL_OK;
}

EvalStatus eval_loop(Eval *e, int loop, EvalFn *one) {
  const Model *model = e->model;
  if (!e->kept) e->kept = ARENA_ARRAY(e->arena, double *, model->n_layers);
  Outside out = find_outside(e, loop);
  EvalTensor *whole = ARENA_ARRAY(e->arena, EvalTensor, model->n_values + 1);
  int64_t steps =
      out.n ? out.whole[0].steps : 1; /* each state reads a sequence, which has its time */
  for (int i = 1; i < out.n; i++)
    if (out.whole[i].steps < steps) steps = out.whole[i].steps;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (layer->loop != loop) continue;
    if (layer->kind == LAYER_state) start_state(e, layer);
    whole[layer->out[0]->id] = *eval_out(e, layer->out[0], steps);
  }
  EvalStatus status = EVAL_OK;
  for (int64_t t = 0; t < steps && status == EVAL_OK; t++) {
    for (int k = 0; k < out.n; k++)
      *out.seen[k] =
          (EvalTensor){.steps = 1, .data = out.whole[k].data + t * type_step_size(out.type[k])};
    for (int i = 0; i < model->n_layers && status == EVAL_OK; i++) {
      const Layer *layer = model->layer[i];
      if (layer->loop != loop) continue;
      int64_t n = type_step_size(&layer->out[0]->type);
      status = one(e, layer);
      if (status == EVAL_OK)
        memcpy(whole[layer->out[0]->id].data + t * n, eval_in(e, layer->out[0])->data,
               (size_t)n * sizeof(double));
    }
  }
  for (int k = 0; k < out.n; k++)
    *out.seen[k] = out.whole[k];
  for (int i = 0; i < model->n_layers; i++)
    if (model->layer[i]->loop == loop)
      e->run->value[model->layer[i]->out[0]->id] = whole[model->layer[i]->out[0]->id];
  return status;
}
