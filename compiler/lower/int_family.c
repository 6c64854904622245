/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which layers compute in integers, in what memory their values lie, and who lowers them. */
#include "lower/int.h"

bool int_computes(const Lower *l, const Layer *layer) {
  const Quant *q = l->model->quant;
  if (!q) return false;
  const Layer *by = q->absorber[layer->id];
  const QuantLayer *ql = q->layer[by ? by->id : layer->id];
  return ql && ql->precision != PRECISION_W8;
}

bool int_takes_samples(const Lower *l, const Layer *layer) {
  bool multiplies = (layer_info(layer->kind)->flags & RECURRENT) || layer->kind == LAYER_Dense;
  const QuantLayer *q = l->model->quant->layer[layer->id];
  bool bytes = q && precision_info[q->precision].weight_bits == 8 &&
               precision_operand_bits(q->precision) == 8;
  return multiplies && bytes && l->target->has_quads;
}

bool int_is_view(const Lower *l, const Layer *layer) {
  return quant_kind(layer) == QUANT_PORT && int_computes(l, layer);
}

KirElem int_value_elem(const Lower *l, const Value *v) {
  const Quant *q = l->model->quant;
  return q && q->value[v->id].bits ? int_elem(&q->value[v->id]) : elem_of(&v->type);
}

bool int_formats_agree(const Lower *l, const Value *a, const Value *b) {
  const Quant *q = l->model->quant;
  if (!q) return true;
  const QuantFormat *f = &q->value[a->id], *g = &q->value[b->id];
  return f->bits == g->bits && f->is_unsigned == g->is_unsigned && f->scale == g->scale &&
         f->zero == g->zero;
}

void int_stage_row(Emit *e, const Value *v, const View *to, const View *from, Step t) {
  Kb *kb = &e->kb;
  QuantFormat f = int_format(e->l, v), none = {0};
  KirIndex it = view_row(to, t, 0), jf = view_row(from, t, 0);
  int opened = 0;
  for (int axis = 0; axis < to->rank; axis++) {
    if (to->dim[axis] == 1) continue;
    KirReg *k = kb_for(kb, axis == to->rank - 1 ? "k" : "i", 0, to->dim[axis], 1);
    it = kir_at_plus(it, to->stride[axis], k);
    jf = kir_at_plus(jf, from->stride[axis], k);
    opened++;
  }
  kb_store(kb, to->buffer, it, int_operand(e, kb_load(kb, from->buffer, jf, 1), &none, &f));
  close_loops(e, opened);
}

static bool emit_step_of(Emit *e, const Layer *layer, Step t) {
  if (layer->kind == LAYER_Embedding)
    int_embedding_step(e, layer, t);
  else if (layer->kind == LAYER_concat)
    int_concat_step(e, layer, t);
  else if (layer->kind == LAYER_max_pool || layer->kind == LAYER_mean_pool)
    int_pool_step(e, layer, t);
  else if (layer->kind == LAYER_mean || layer->kind == LAYER_max)
    int_over_time_step(e, layer, t);
  else if (int_same_computes(layer))
    int_same_step(e, layer, t);
  else if (quant_kind(layer) == QUANT_RESCALE)
    int_rescaled_step(e, layer, t);
  else
    return false;
  return true;
}

bool int_emit(Emit *e, const Layer *layer, IntPhase phase, Step t) {
  Lower *l = e->l;
  bool over_time = layer->kind == LAYER_mean || layer->kind == LAYER_max;
  if (int_is_w8(l, layer) && layer->kind == LAYER_Embedding && phase == INT_STEP)
    int_embedding_step(e, layer, t);
  else if (!int_computes(l, layer))
    return false;
  if (int_is_w8(l, layer)) return true;
  if (phase == INT_STEP) return emit_step_of(e, layer, t);
  if (!over_time) return false;
  if (phase == INT_BEFORE)
    int_over_time_before(e, layer);
  else
    int_over_time_after(e, layer);
  return true;
}
