/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Samples of a batch side by side. In: a model built for N samples at once. After: its time loops
 * stand outside and its samples inside, so that a layer's weights are read once for all of them.
 *
 *     for t                          outside the tiles the batch is the outer loop:
 *       for b   Dropout, concat ..     for b
 *       tiles   GRU of all samples       for t
 *       for b   softmax ..                 all layers
 *
 * Every layer made of matrix products (matvec.c) takes all samples itself: for each tile of its
 * columns the sums of all samples, then what is done with them, sample by sample. The other layers
 * stand in loops over the samples. All these loops share one register, Emit.sample, which the views
 * of values carry; what lives from layer to layer has a place for each sample. */
#include "lower/int_layers.h"
#include "lower/lower_internal.h"

/* The most bytes that a call may keep for all samples. If it would need more, each sample runs
 * through the whole model alone. */
enum { MOST_SCRATCH = 1 << 20 };

/* The rows that a recurrent layer keeps, each as wide as its result: h, c, next, z and r h. */
enum { ROWS_OF_CELL = 5 };

/* What one sample keeps in memory, in bytes; what is computed in the caller's arrays is not
 * counted. */
static int64_t bytes_kept(const Lower *l) {
  int64_t bytes = 0;
  for (int i = 0; i < l->model->n_values; i++) {
    const Value *v = l->model->value[i];
    const Need *need = &l->place[i].need;
    if (!v->layer) continue;
    int64_t rows = layer_info(v->layer->kind)->flags & RECURRENT ? ROWS_OF_CELL : 1;
    bool own = !model_has_output(l->model, v) || need->before || need->after;
    if (need->rows && own) rows += domain_of(l, &v->type).n + need->before + need->after;
    bytes += rows * type_step_size(&v->type) * 4;
  }
  return bytes;
}

/* Samples run one by one if each has its own length, or if code must be small. In integers, only
 * sums of bytes are faster side by side. */
void batch_choose(Lower *l) {
  bool apart =
      l->model->n_lengths > 1 || l->target->is_mcu || (l->model->quant && !l->target->has_quads);
  if (l->m->batch <= 1 || apart || bytes_kept(l) > MOST_SCRATCH / l->m->batch) return;
  l->is_tiled = true;
}

KirReg *batch_register(Emit *e) {
  KirReg *sample = kb_reg(&e->kb, "b", kir_type(KIR_INDEX, 1));
  sample->lo = 0;
  sample->hi = e->l->m->batch - 1;
  return sample;
}

KirStmt **batch_open(Emit *e) {
  KirStmt **at = e->kb.tail;
  if (e->is_tiled) kb_for_again(&e->kb, e->sample, 0, e->l->m->batch);
  return at;
}

/* Removes a loop without statements. */
void batch_close(Emit *e, KirStmt **at) {
  if (!e->is_tiled) return;
  bool empty = !(*at)->body;
  kb_end(&e->kb);
  if (!empty) return;
  *at = NULL;
  e->kb.tail = at;
}

/* If a layer is mapped over axes, their positions are its rows, and samples follow one by one. */
bool batch_takes(const Emit *e, const Layer *layer) {
  if (!e->is_tiled || layer->out[0]->type.rank > 1) return false;
  if (int_is_w8(e->l, layer) || (int_computes(e->l, layer) && !int_takes_samples(e->l, layer)))
    return false;
  return lowering_of(layer)->takes_samples && layer->in[0]->type.rank == 1;
}
