/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Model -> KIR: what can be lowered, which functions a model has, and the checks afterwards. */
#include "lower/lower.h"
#include "lower/int_layers.h"

#include "kir/share.h"
#include "lower/cell_shape.h"
#include "lower/lower_internal.h"
#include "model/quant/quant.h"

#include <assert.h>

static bool has_kernel(const Layer *layer) {
  return lowering_of(layer)->has_kernel;
}

/* Stages without an integer form that are more than moves and comparisons. */
static bool needs_fpu(const Layer *layer) {
  bool moves = layer->kind == LAYER_argmax || layer->kind == LAYER_onehot ||
               layer->kind == LAYER_overlap_add || layer->kind == LAYER_state ||
               layer->kind == LAYER_keep;
  QuantKind kind = quant_kind(layer);
  return (kind == QUANT_FLOAT || kind == QUANT_NORM) && !moves;
}

/* precision f16 or bf16 of the whole model does not change a layer without a kernel. */
static bool precision_is_there(const Lower *l, const Layer *layer, bool given, Precision p) {
  switch (precision_info[p].arithmetic) {
  case ARITHMETIC_F32: return true;
  case ARITHMETIC_NARROW:
    return !(layer_info(layer->kind)->flags & WEIGHTS) || has_kernel(layer) || !given;
  case ARITHMETIC_SCALED:
  case ARITHMETIC_INTEGER: break;
  }
  return l->model->quant && (int_computes(l, layer) || !l->target->lacks_fpu || !needs_fpu(layer));
}

/* What to do about a stage that needs floats where there are none. */
static const char *without_fpu(const Layer *layer) {
  if (layer->kind == LAYER_softmax || layer->kind == LAYER_log_softmax)
    return "end the model before it: the order of its values is the same";
  if (layer->in[0]->port)
    return "begin the model after it, and apply the stage to the data yourself";
  if (layer->kind == LAYER_BatchNorm)
    return "put it after a `Dense` or `Conv1D`, into whose weights grus folds it";
  return "end the model before it, or choose a core with a floating-point unit";
}

/* Reports E703 for a precision that no family implements. */
static bool precisions_are_there(const Lower *l) {
  bool ok = true;
  for (int i = 0; i < l->model->n_layers; i++) {
    const Layer *layer = l->model->layer[i];
    bool given = layer_has(layer, OPT_precision) && layer_opt(layer, OPT_precision)->given;
    Precision p = layer_precision(l->model, layer);
    if (precision_is_there(l, layer, given, p)) continue;
    Span at = given ? layer_opt(layer, OPT_precision)->span : layer->span;
    Diag *d = diag_new(l->diags, E703, at, "`%s` does not support %s",
                       layer_info(layer->kind)->name, precision_name[p]);
    diag_primary(d, "%s here", precision_name[p]);
    if (!given && span_valid(l->model->precision_span))
      diag_label(d, l->model->precision_span, "set for the whole model here");
    ok = false;
    if (!precision_is_narrow(p) && l->target->lacks_fpu) {
      diag_note(d, "it computes in f32, but `%s` has no floating-point unit", l->target->name);
      diag_fix(d, FIX_MAYBE, "%s", without_fpu(layer));
      continue;
    }
    diag_note(d,
              has_kernel(layer) ? "the model was not quantised" : "this version computes in f32");
    Fix *fix = diag_fix(d, FIX_MAYBE, "compute in f32");
    if (given) fix_edit(fix, layer_opt(layer, OPT_precision)->at, "f32");
  }
  return ok;
}

/* E805: indices are 32 bits wide. */
static bool fits(const Model *model, const KirModule *m, Diags *diags) {
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->count <= INT32_MAX) continue;
    Span at = span_valid(b->origin.span) ? b->origin.span : model->span;
    Diag *d = diag_new(diags, E805, at, "generated code cannot address `%s`", b->name);
    diag_primary(d, "%lld elements are more than 2^31", (long long)b->count);
    return false;
  }
  return true;
}

/* Whether a stream has an initial state that is learned, or computed by layers. */
static bool reset_reads_weights(const Lower *l) {
  for (int i = 0; i < l->model->n_layers && l->streaming; i++) {
    const Layer *layer = l->model->layer[i];
    bool starts = type_is_stream(&layer->in[0]->type) && layer_learns_start(layer);
    bool computes = l->job[i].in_reset && layer_info(layer->kind)->flags & WEIGHTS;
    if (!l->job[i].is_dead && (starts || computes)) return true;
  }
  return false;
}

static void give_weights(Lower *l) {
  for (int i = 0; i < l->m->n_funcs && l->opt.weights_extern; i++) {
    KirFunc *f = l->m->func[i];
    f->takes_weights = f->kind != KIR_HELPER && (f->kind != KIR_RESET || reset_reads_weights(l));
  }
}

/* Reports E805: push takes one sample, so a model with windows cannot have an input of bounded
 * length. */
static bool windows_are_alone(const Model *model, Diags *diags) {
  for (int i = 0; i < model->n_in && model->run == RUN_WINDOW; i++) {
    const Port *port = model->in[i];
    if (port->value->type.time.kind != TIME_BOUNDED) continue;
    Diag *d =
        diag_new(diags, E805, port->span,
                 "`%s` has a bounded length, which a model with windows cannot use", port->name);
    diag_primary(d, "the whole sequence is passed with every sample of the windows");
    diag_note(d, "declare it with a fixed length, or as a window with `every`");
    return false;
  }
  return true;
}

static void make_costs(Lower *l) {
  const Model *model = l->model;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    KirCost cost = {.layer = layer->path,
                    .text = layer_text(l->arena, l->diags ? l->diags->sources : NULL, layer),
                    .span = layer->span,
                    .params = layer_param_count(layer)};
    ARENA_PUSH(l->arena, l->m->cost, l->m->n_costs, l->m->cap_costs, cost);
  }
}

/* Bytes of weights, state and scratch, by the layer they belong to. */
static void count_memory(KirModule *m) {
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    for (int k = 0; k < m->n_costs && b->origin.layer; k++)
      if (m->cost[k].layer == b->origin.layer) {
        int64_t bytes = kir_bytes(b);
        if (b->space == KIR_CONST) m->cost[k].weight_bytes += bytes;
        if (b->space == KIR_STATE) m->cost[k].state_bytes += bytes;
        if (b->space == KIR_SCRATCH) m->cost[k].scratch_bytes += bytes;
      }
  }
}

/* Helpers were made while the entries that call them were written: they move in front. */
static void order_functions(KirModule *m) {
  KirFunc **sorted = ARENA_ARRAY(m->arena, KirFunc *, m->n_funcs);
  int n = 0;
  for (int entries = 0; entries < 2; entries++)
    for (int i = 0; i < m->n_funcs; i++)
      if ((m->func[i]->kind != KIR_HELPER) == entries) sorted[n++] = m->func[i];
  for (int i = 0; i < n; i++) {
    m->func[i] = sorted[i];
    m->func[i]->id = i;
  }
}

static void place_weights(KirModule *m) {
  int64_t at = KIR_WEIGHTS_HEADER;
  for (int i = 0; i < m->n_buffers; i++) {
    KirBuffer *b = m->buffer[i];
    if (b->space != KIR_CONST) continue;
    b->weight_offset = at;
    at = size_whole(at + kir_bytes(b), KIR_WEIGHTS_ALIGN);
  }
  m->block_bytes = at;
}

/* Makes all decisions that precede the first statement. */
static void decide(Lower *l) {
  schedule(l);
  batch_choose(l);
  sparse_choose(l);
  cell_shapes(l);
  hoist_choose(l);
}

KirModule *lower(const Model *model, const LowerOptions *options, Arena *arena, Diags *diags) {
  Lower plan = {.model = model, .arena = arena, .diags = diags, .opt = *options}, *l = &plan;
  l->target = options->target ? options->target : target_table[0];
  if (!precisions_are_there(l) || !windows_are_alone(model, diags)) return NULL;
  l->m = kir_module_new(arena, model->name);
  l->m->doc = model->doc;
  l->m->sources = diags ? diags->sources : NULL;
  l->m->weights_extern = options->weights_extern;
  l->m->batch = options->batch > 1 ? options->batch : 1;
  l->streaming = model->run == RUN_STREAM;
  l->m->run_kind = model->run == RUN_STREAM   ? KIR_STREAM
                   : model->run == RUN_WINDOW ? KIR_WINDOW
                                              : KIR_WHOLE;
  l->calls_slots =
      model->steps_per_call * (l->streaming && options->chunk > 1 ? options->chunk : 1);
  l->m->steps_per_call = l->calls_slots;
  l->cell = ARENA_ARRAY(arena, CellPlace, 2 * model->n_layers + 1);
  make_costs(l);
  decide(l);
  Emit of_call = lower_main(l);
  if (model->run == RUN_WINDOW) lower_push(l, &of_call);
  if (model->run != RUN_WHOLE) lower_reset(l);
  if (!fits(model, l->m, diags)) return NULL;
  order_functions(l->m);
  count_memory(l->m);
  if (!l->target->is_mcu) kir_share(l->m); /* there each layer has its own count of cycles */
  give_weights(l);
  place_weights(l->m);
  kir_plan(l->m);
  const char *error = kir_verify(l->m);
  if (error) {
    Diag *d = diag_new(diags, E805, model->span,
                       "internal error: the generated code failed its verification");
    diag_note(d, "%s", error);
    diag_note(d, "the model is not at fault: please report this error, with the model");
    return NULL;
  }
  return l->m;
}
