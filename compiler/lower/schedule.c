/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The schedule. In: a typed model. After: every layer has a job with a level and a domain, and
 * every value knows what its readers need of it.
 *
 *     x |> GRU(64) |> Dense(8) |> frames(4, hop=2) |> Dense(3) |> mean |> Dense(1)
 *     level 0, time 49: GRU Dense     rows of the Dense are kept: frames reads four of them
 *     level 1, time 23: frames Dense mean
 *     level 2, no time: Dense */
#include "lower/int_layers.h"
#include "lower/lower_internal.h"
#include "model/quant/quant.h"

#include <assert.h>

Domain domain_of(const Lower *l, const Type *type) {
  Domain d = {.kind = type->time.kind, .n = 1};
  if (d.kind == TIME_FIXED || d.kind == TIME_BOUNDED) d.n = type->time.n;
  if (d.kind == TIME_BOUNDED) d.length = type->time.length;
  if (d.kind == TIME_STREAM) {
    d.period = type->time.period;
    d.lag = type->time.lag;
    d.n = l->calls_slots / d.period;
  }
  return d;
}

bool domain_equal(Domain a, Domain b) {
  return a.kind == b.kind && a.n == b.n && a.length == b.length && a.period == b.period &&
         a.lag == b.lag;
}

Window window_of(const Lower *l, const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  if (!how->window) return (Window){.size = 1, .hop = 1, .dilation = 1};
  Window w = how->window(layer);
  w.is_window = w.size > 0;
  if (!w.is_window) return (Window){.size = 1, .hop = 1, .dilation = 1};
  if (l->streaming && type_is_stream(in) && !w.is_transposed)
    w.shift += in->time.lag - out->time.lag * w.hop;
  return w;
}

/* Whether the window reads only rows up to its own, so that it can run in its producer's loop. */
static bool window_is_causal(const Window *w) {
  return w->hop == 1 && (w->size - 1) * w->dilation + w->shift <= 0;
}

/* ---- levels ---- */

static bool ends_time(const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  return how->ends_time && how->ends_time(layer);
}

static bool job_is_private(const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  return how->is_private && how->is_private(layer);
}

bool job_is_view(const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  return how->view && !(how->window && how->window(layer).size) && !job_is_private(layer);
}

/* The first level at which a job of this domain can read v; step_only: it reads only the row of its
 * own step. */
static int ready(const Lower *l, const Value *v, Domain domain, bool step_only) {
  if (!v->layer) return 0;
  const Job *p = &l->job[v->layer->id];
  bool shared = step_only && !v->field && !p->is_private && !ends_time(v->layer) &&
                domain_equal(p->domain, domain);
  return shared ? p->level : p->level + 1;
}

static int init_level(const Lower *l, const Layer *layer, Domain domain) {
  const OptVal *init = layer_opt(layer, OPT_init);
  int level = 0;
  if (!init) return 0;
  for (int i = 0; i < init->n_values; i++) {
    int r = ready(l, init->values[i], domain, false);
    if (r > level) level = r;
  }
  if (init->states_of) {
    int r = l->job[init->states_of->id].level + 1;
    if (r > level) level = r;
  }
  return level;
}

static int layer_level(const Lower *l, const Layer *layer) {
  const Job *job = &l->job[layer->id];
  Window w = window_of(l, layer);
  bool step_only = !job->is_private && (!w.is_window || window_is_causal(&w));
  int level = init_level(l, layer, job->domain);
  for (int i = 0; i < layer->n_in; i++) {
    int r = ready(l, layer->in[i], job->domain, step_only);
    if (r > level) level = r;
  }
  return level;
}

static void schedule_layer(Lower *l, const Layer *layer) {
  Job *job = &l->job[layer->id];
  job->layer = layer;
  job->is_private = job_is_private(layer);
  job->is_alias = job_is_view(layer) || int_is_view(l, layer);
  job->domain = domain_of(l, ends_time(layer) ? &layer->in[0]->type : &layer->out[0]->type);
  job->level = layer_level(l, layer);
}

/* Layers of a loop through states run in one loop over time: all at the level of the last of them,
 * and what reads them not before. Levels only rise. */
static bool raise_levels(Lower *l) {
  const Model *model = l->model;
  int *top = ARENA_ARRAY(l->arena, int, model->n_loops + 1);
  bool raised = false;
  for (int i = 0; i < model->n_layers; i++) {
    int level = layer_level(l, model->layer[i]);
    raised |= level > l->job[i].level;
    if (level > l->job[i].level) l->job[i].level = level;
    if (l->job[i].level > top[model->layer[i]->loop]) top[model->layer[i]->loop] = l->job[i].level;
  }
  for (int i = 0; i < model->n_layers; i++) {
    int loop = model->layer[i]->loop;
    assert(!loop || !l->job[i].is_private);
    raised |= loop && l->job[i].level < top[loop];
    if (loop) l->job[i].level = top[loop];
  }
  return raised;
}

/* ---- who is read, and where ---- */

static bool starts_stream(const Lower *l, const Layer *layer) {
  if (!l->streaming || !layer->n_in || !type_is_stream(&layer->in[0]->type)) return false;
  return layer->kind == LAYER_state ||
         ((layer_info(layer->kind)->flags & RECURRENT) && layer_is_along_time(layer));
}

/* Backwards from the outputs: what a call computes. The initial states of a stream are read by
 * reset, and so is all that only they are made of. */
static void walk_back(Lower *l, bool *in_call, bool *in_reset) {
  const Model *model = l->model;
  for (int i = model->n_layers - 1; i >= 0; i--) {
    const Layer *layer = model->layer[i];
    Job *job = &l->job[i];
    bool call = false, reset = false;
    for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
      call |= in_call[layer->out[k]->id];
      reset |= in_reset[layer->out[k]->id];
    }
    job->in_reset = reset && !call;
    job->is_dead = !reset && !call;
    for (int k = 0; k < layer->n_in; k++) {
      in_call[layer->in[k]->id] |= call;
      in_reset[layer->in[k]->id] |= reset;
    }
    const OptVal *init = layer_opt(layer, OPT_init);
    bool starts = starts_stream(l, layer);
    for (int k = 0; init && k < init->n_values; k++) {
      in_call[init->values[k]->id] |= call && !starts;
      in_reset[init->values[k]->id] |= reset || (call && starts);
    }
    for (int k = 0; init && init->states_of && k < layer_n_states(init->states_of); k++) {
      in_call[init->states_of->out[1 + k]->id] |= call && !starts;
      in_reset[init->states_of->out[1 + k]->id] |= reset || (call && starts);
    }
  }
}

/* Also marks the next value of each state that is read. */
static bool add_kept(const Lower *l, bool *in_call) {
  bool added = false;
  for (int i = 0; i < l->model->n_layers && l->model->n_loops; i++) {
    const Layer *state = l->model->layer[i];
    if (state->kind != LAYER_state || !in_call[state->out[0]->id] ||
        in_call[state->kept_by->out[0]->id])
      continue;
    in_call[state->kept_by->out[0]->id] = added = true;
  }
  return added;
}

static void find_readers(Lower *l) {
  const Model *model = l->model;
  bool *in_call = ARENA_ARRAY(l->arena, bool, model->n_values + 1);
  bool *in_reset = ARENA_ARRAY(l->arena, bool, model->n_values + 1);
  for (int i = 0; i < model->n_out; i++)
    in_call[model->out[i]->value->id] = true;
  walk_back(l, in_call, in_reset);
  while (add_kept(l, in_call))
    walk_back(l, in_call, in_reset);
}

/* ---- needs ---- */

static void need(Lower *l, const Value *v, Need n) {
  Need *have = &l->place[v->id].need;
  have->rows |= n.rows;
  have->dense |= n.dense;
  if (n.before > have->before) have->before = n.before;
  if (n.after > have->after) have->after = n.after;
}

/* The learned past of a Conv1D stands in front of the value it reads, and of what that is without
 * stages that do nothing when the model runs. */
static void need_learned_past(Lower *l, const Layer *conv) {
  if (conv->kind != LAYER_Conv1D || !layer_learns_start(conv)) return;
  for (const Value *v = conv->in[0]; v; v = v->layer->in[0]) {
    l->place[v->id].need.past = conv;
    if (!v->layer || !(layer_info(v->layer->kind)->flags & TRAINING)) return;
  }
}

/* Zeros around the feature axes that the windows of a layer go along. */
static void need_pads(Lower *l, const Layer *layer) {
  Need *have = &l->place[layer->in[0]->id].need;
  for (int k = 0; k < layer->n_along; k++) {
    const LayerAxis *a = &layer->along[k];
    if (a->axis == AXIS_TIME || (a->before == 0 && a->after == 0)) continue;
    have->padded = true;
    if (a->before > have->pad_before[a->axis]) have->pad_before[a->axis] = a->before;
    if (a->after > have->pad_after[a->axis]) have->pad_after[a->axis] = a->after;
  }
}

/* Rows of zeros that the last window may reach after a sequence whose length is known only at run
 * time. */
static int64_t rows_behind_bounded(const Layer *layer, const Window *w) {
  for (int k = 0; k < layer->n_along; k++) {
    const LayerAxis *a = &layer->along[k];
    if (a->axis != AXIS_TIME) continue;
    switch (a->padding.kind) {
    case PAD_VALID:
    case PAD_CAUSAL: return 0;
    case PAD_ZEROS: return a->padding.after;
    case PAD_SAME: return (w->size - 1) * w->dilation + (w->same_bounded ? 0 : w->shift);
    }
  }
  return 0;
}

static void need_window(Lower *l, const Layer *layer, const Window *w) {
  const Type *in = &layer->in[0]->type, *out = &layer->out[0]->type;
  Need n = {.rows = true, .before = w->shift < 0 ? -w->shift : 0};
  int64_t reach = (w->size - 1) * w->dilation + w->shift;
  if (w->is_transposed)
    n.after = type_is_stream(in) ? 0 : w->after;
  else if (in->time.kind == TIME_FIXED) {
    int64_t beyond = (out->time.n - 1) * w->hop + reach - (in->time.n - 1);
    n.after = beyond > 0 ? beyond : 0;
  } else if (in->time.kind == TIME_BOUNDED)
    n.after = rows_behind_bounded(layer, w);
  need(l, layer->in[0], n);
}

static void need_inputs(Lower *l, const Layer *layer) {
  Job *job = &l->job[layer->id];
  if (job->is_dead || layer->kind == LAYER_state)
    return; /* a state reads of its input only when it is */
  Need out = l->place[layer->out[0]->id].need;
  Window w = window_of(l, layer);
  need_pads(l, layer);
  if (w.is_window) {
    need_window(l, layer, &w);
    return;
  }
  if (out.padded) job->is_alias = false;
  bool spreads = (layer->kind == LAYER_repeat || layer->kind == LAYER_expand) &&
                 !type_is_sequence(&layer->in[0]->type);
  if (spreads && (out.before || out.after)) job->is_alias = false;
  /* A view has the past of its value: a learned one is that of no other value. */
  if (layer->n_in && out.before && out.past != l->place[layer->in[0]->id].need.past)
    job->is_alias = false;
  const Lowering *how = lowering_of(layer);
  int64_t reach = how->reach ? how->reach(layer) : -1;
  for (int i = 0; i < layer->n_in; i++) {
    const Value *v = layer->in[i];
    bool same_loop = !job->is_private && v->layer && !l->job[v->layer->id].is_private &&
                     l->job[v->layer->id].level == job->level &&
                     domain_equal(l->job[v->layer->id].domain, job->domain);
    bool ends = ends_time(layer) && layer->kind == LAYER_last;
    Need n = {.rows = (!same_loop && !ends) || (ends_time(layer) && layer->kind == LAYER_first),
              .dense = job->is_alias && (layer->kind == LAYER_reshape || out.dense)};
    if (reach >= 0 && i > 0) {
      n.rows = true;
      n.before = l->streaming && type_is_stream(&v->type) ? reach : 0;
    }
    if (job->is_alias && !spreads && !ends_time(layer)) {
      n.rows |= out.rows;
      n.before = out.before;
      n.after = out.after;
    }
    need(l, v, n);
  }
}

/* Whether a row of v lies in one piece, once all needs are known: no view that skips or turns, no
 * zeros in between, no port whose time axis is not first. */
static bool row_is_dense(const Lower *l, const Value *v) {
  const Need *need = &l->place[v->id].need;
  const Layer *layer = v->layer;
  if (need->padded) return false;
  if (!layer)
    return !type_is_sequence(&v->type) || v->type.time_pos == 0 || need->before || need->after;
  if (!l->job[layer->id].is_alias) return true;
  bool same = dims_equal(&layer->out[0]->type, &layer->in[0]->type);
  bool moves = layer->kind == LAYER_permute || layer->kind == LAYER_reverse;
  return (layer->kind == LAYER_reshape || (same && !moves)) && row_is_dense(l, layer->in[0]);
}

/* A reshape is a view of a row in one piece, and a copy of any other. */
static void settle_reshapes(Lower *l) {
  for (int i = 0; i < l->model->n_layers; i++) {
    const Layer *layer = l->model->layer[i];
    if (layer->kind == LAYER_reshape && l->job[i].is_alias)
      l->job[i].is_alias = row_is_dense(l, layer->in[0]);
  }
}

/* ---- tails: what is applied to the sums of a Dense or Conv1D where they are ---- */

const Value *fused_result(const Lower *l, const Layer *layer) {
  while (l->job[layer->id].tail)
    layer = l->job[layer->id].tail;
  return layer->out[0];
}

static bool can_be_tail(const Layer *layer, bool first) {
  unsigned flags = layer_info(layer->kind)->flags;
  if (layer->n_in != 1) return false;
  if (layer->kind == LAYER_BatchNorm) return first;
  return flags & (POINTWISE | OPERATOR);
}

/* The only reader of v if it is a layer of the same loop, else NULL. */
static const Layer *only_reader(const Lower *l, const Value *v) {
  if (v->n_uses != 1 || l->place[v->id].need.rows) return NULL;
  for (int i = v->layer->id + 1; i < l->model->n_layers; i++) {
    const Layer *r = l->model->layer[i];
    const Job *a = &l->job[v->layer->id], *b = &l->job[i];
    if (r->n_in != 1 || r->in[0] != v) continue;
    return a->in_reset == b->in_reset && !b->is_dead && a->level == b->level &&
                   domain_equal(a->domain, b->domain) && !b->is_alias && !b->is_private
               ? r
               : NULL;
  }
  return NULL;
}

/* Layers that quantise has put on a layer's integer sums, and no others. */
static void take_absorbed(Lower *l, const Layer *layer) {
  const Layer *at = layer;
  for (int i = layer->id + 1; i < l->model->n_layers; i++) {
    const Layer *next = l->model->layer[i];
    if (l->model->quant->absorber[i] != layer || next->in[0] != at->out[0]) continue;
    l->job[at->id].tail = next;
    l->job[i].is_fused = true;
    at = next;
  }
}

static void find_tail(Lower *l, const Layer *layer) {
  const Lowering *how = lowering_of(layer);
  if (int_computes(l, layer)) {
    if (l->model->quant->layer[layer->id]) take_absorbed(l, layer);
    return;
  }
  if (!how->has_kernel || (layer_info(layer->kind)->flags & RECURRENT)) return;
  bool first = true;
  for (const Layer *at = layer, *next; (next = only_reader(l, at->out[0]));
       at = next, first = false) {
    Precision p = layer_precision(l->model, layer);
    bool refolds = next->kind == LAYER_BatchNorm && precision_is_narrow(p);
    if (!can_be_tail(next, first) || refolds)
      return; /* a kernel of 16 bits would be rounded once more */
    l->job[at->id].tail = next;
    l->job[next->id].is_fused = true;
  }
}

void schedule(Lower *l) {
  const Model *model = l->model;
  l->job = ARENA_ARRAY(l->arena, Job, model->n_layers + 1);
  l->place = ARENA_ARRAY(l->arena, ValuePlace, model->n_values + 1);
  for (int i = 0; i < model->n_layers; i++)
    schedule_layer(l, model->layer[i]);
  while (model->n_loops && raise_levels(l)) {
  }
  find_readers(l);
  for (int i = 0; i < model->n_out; i++)
    need(l, model->out[i]->value, (Need){.rows = true});
  for (int i = 0; i < model->n_layers; i++)
    need_learned_past(l, model->layer[i]);
  for (int i = model->n_layers - 1; i >= 0; i--) {
    const Layer *layer = model->layer[i];
    if (l->job[i].is_private) need(l, layer->out[0], (Need){.rows = true});
    need_inputs(l, layer);
  }
  settle_reshapes(l);
  for (int i = 0; i < model->n_layers; i++)
    find_tail(l, model->layer[i]);
}
