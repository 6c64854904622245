/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Stages that move positions along axes: each element of the result is an element of the input, or
 * zero; and last, first, mean, max, min and sum, which end axes. A value is [time, axes ..] here,
 * where time is axis 0, of one position if there is none. */
#include "model/eval/eval_layer.h"

#include "model/infer/infer.h"

/* Writes the coordinates in the input of the element at `to` of the result into `from`, which
 * begins as a copy of `to`. False if the element is zero. */
typedef bool Origin(const Eval *e, const Layer *layer, const int64_t to[EVAL_MAX_AXES],
                    int64_t from[EVAL_MAX_AXES]);

static int64_t size_of(const Type *type, int64_t steps, int axis) {
  return axis ? type->dim[axis - 1].n : steps;
}

static EvalStatus gather(Eval *e, const Layer *layer, int64_t steps, Origin *origin) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0, n = steps * type_step_size(out); i < n; i++) {
    int64_t to[EVAL_MAX_AXES], from[EVAL_MAX_AXES];
    eval_split(out, i, to);
    eval_split(out, i, from);
    if (origin(e, layer, to, from)) y->data[i] = x->data[eval_join(in, from)];
  }
  return EVAL_OK;
}

static int along(const Layer *layer) {
  return layer->along[0].axis + 1;
}

static bool of_slice(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  (void)e;
  from[along(layer)] = to[along(layer)] + layer_size(layer, OPT_begin, 0);
  return true;
}

EvalStatus eval_slice(Eval *e, const Layer *layer) {
  int64_t steps = eval_in(e, layer->in[0])->steps;
  if (along(layer) == 0) steps = layer_size(layer, OPT_end, 0) - layer_size(layer, OPT_begin, 0);
  return gather(e, layer, steps, of_slice);
}

/* With mode=reflect, the first and the last position are mirrors, and are not repeated. */
static bool of_pad(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  int a = along(layer);
  int64_t n = size_of(&layer->in[0]->type, eval_in(e, layer->in[0])->steps, a);
  int64_t at = to[a] - layer_size(layer, OPT_before, 0);
  bool outside = at < 0 || at >= n;
  if (outside && layer_word_is(layer, OPT_mode, "zero")) return false;
  bool mirror = layer_word_is(layer, OPT_mode, "reflect");
  if (at < 0) at = mirror ? -at : 0;
  if (at >= n) at = mirror ? 2 * (n - 1) - at : n - 1;
  from[a] = at;
  return true;
}

EvalStatus eval_pad(Eval *e, const Layer *layer) {
  int64_t steps = eval_in(e, layer->in[0])->steps;
  if (along(layer) == 0)
    steps += layer_size(layer, OPT_before, 0) + layer_size(layer, OPT_after, 0);
  return gather(e, layer, steps, of_pad);
}

static bool of_every_nth(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  (void)e;
  from[along(layer)] = to[along(layer)] * layer_size(layer, OPT_n, 1);
  return true;
}

EvalStatus eval_every_nth(Eval *e, const Layer *layer) {
  int64_t steps = eval_in(e, layer->in[0])->steps;
  if (along(layer) == 0)
    steps = (steps + layer_size(layer, OPT_n, 1) - 1) / layer_size(layer, OPT_n, 1);
  return gather(e, layer, steps, of_every_nth);
}

static bool of_upsample(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  (void)e;
  from[along(layer)] = to[along(layer)] / layer_size(layer, OPT_n, 1);
  return true;
}

EvalStatus eval_upsample(Eval *e, const Layer *layer) {
  int64_t times = along(layer) == 0 ? layer_size(layer, OPT_n, 1) : 1;
  return gather(e, layer, eval_in(e, layer->in[0])->steps * times, of_upsample);
}

static bool of_reverse(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  int a = along(layer);
  from[a] = size_of(&layer->in[0]->type, eval_in(e, layer->in[0])->steps, a) - 1 - to[a];
  return true;
}

EvalStatus eval_reverse(Eval *e, const Layer *layer) {
  return gather(e, layer, eval_in(e, layer->in[0])->steps, of_reverse);
}

static bool of_permute(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  (void)e;
  for (int k = 0; k < layer->n_along; k++)
    from[layer->along[k].axis + 1] = to[k + 1];
  return true;
}

EvalStatus eval_permute(Eval *e, const Layer *layer) {
  return gather(e, layer, eval_in(e, layer->in[0])->steps, of_permute);
}

static bool of_itself(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  (void)e, (void)layer, (void)to, (void)from;
  return true;
}

EvalStatus eval_label(Eval *e, const Layer *layer) {
  return gather(e, layer, eval_in(e, layer->in[0])->steps, of_itself);
}

static bool of_repeat(const Eval *e, const Layer *layer, const int64_t *to, int64_t *from) {
  const Value *x = layer_opt(layer, OPT_along)->value;
  const Type *in = &layer->in[0]->type;
  (void)e;
  int axis[TYPE_MAX_AXES];
  if (!type_is_sequence(in)) from[0] = 0;
  if (x && x->type.rank > in->rank && repeat_match(in, &x->type, axis))
    for (int i = 0; i < in->rank; i++)
      from[i + 1] = to[axis[i] + 1];
  return true;
}

EvalStatus eval_repeat(Eval *e, const Layer *layer) {
  const Value *x = layer_opt(layer, OPT_along)->value;
  return gather(e, layer, x ? eval_in(e, x)->steps : layer_size(layer, OPT_n, 1), of_repeat);
}

/* hold: the steps after the end of the sequence are its last step, or `fill`. */
EvalStatus eval_hold(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const OptVal *fill = layer_opt(layer, OPT_fill);
  int64_t steps = layer->out[0]->type.time.n, width = type_step_size(&layer->out[0]->type);
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t t = 0; t < steps; t++)
    for (int64_t i = 0; i < width; i++) {
      int64_t from = t < x->steps ? t : x->steps - 1;
      y->data[t * width + i] = t >= x->steps && fill->given ? fill->f : x->data[from * width + i];
    }
  return EVAL_OK;
}

EvalStatus eval_cut(Eval *e, const Layer *layer) {
  return gather(e, layer, eval_in(e, layer_opt(layer, OPT_along)->value)->steps, of_itself);
}

/* last and first keep one position of an axis, which ends. */
EvalStatus eval_last(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  int a = along(layer);
  int64_t steps = a ? x->steps : 1;
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  for (int64_t i = 0, n = steps * type_step_size(out); i < n; i++) {
    int64_t to[EVAL_MAX_AXES], from[EVAL_MAX_AXES];
    eval_split(out, i, to);
    for (int k = 0; k <= in->rank; k++)
      from[k] = a == 0 || k < a ? to[k] : k > a ? to[k - 1] : 0;
    from[a] = layer->kind == LAYER_first ? 0 : size_of(in, x->steps, a) - 1;
    y->data[i] = x->data[eval_join(in, from)];
  }
  return EVAL_OK;
}

static bool is_along(const Layer *layer, int axis) {
  for (int k = 0; k < layer->n_along; k++)
    if (layer->along[k].axis + 1 == axis) return true;
  return false;
}

/* mean, max, min and sum over the axes that the stage goes along, which end. */
EvalStatus eval_over(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  int64_t steps = is_along(layer, 0) ? 1 : x->steps, n = x->steps * type_step_size(in);
  EvalTensor *y = eval_out(e, layer->out[0], steps);
  int64_t results = steps * type_step_size(out);
  int64_t *seen = ARENA_ARRAY(e->arena, int64_t, results);
  for (int64_t i = 0; i < n; i++) {
    int64_t from[EVAL_MAX_AXES], to[EVAL_MAX_AXES] = {0};
    eval_split(in, i, from);
    to[0] = is_along(layer, 0) ? 0 : from[0];
    for (int k = 1, free = 1; k <= in->rank; k++)
      if (!is_along(layer, k)) to[free++] = from[k];
    int64_t at = eval_join(out, to);
    double v = x->data[i], so_far = y->data[at];
    if (layer->kind == LAYER_max)
      y->data[at] = seen[at] ? eval_greater(so_far, v) : v;
    else if (layer->kind == LAYER_min)
      y->data[at] = seen[at] ? -eval_greater(-so_far, -v) : v;
    else
      y->data[at] = so_far + v;
    seen[at]++;
  }
  for (int64_t i = 0; i < results && layer->kind == LAYER_mean; i++)
    y->data[i] /= (double)seen[i];
  return EVAL_OK;
}
