/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The integer oracle, layer by layer. In: a quantised model and its inputs. Out: the numbers of
 * compiled code, bit for bit, except that a layer without an integer form computes as in the
 * reference evaluator, rounded to f32. The oracle shares with lower/ the numbers of
 * model/quant/quant.h and no code. */
#include "model/eval/eval_int.h"

#include <assert.h>

void eval_int_inputs(Eval *e) {
  for (int i = 0; i < e->model->n_in; i++) {
    const Value *v = e->model->in[i]->value;
    EvalTensor *t = &e->run->value[v->id];
    QuantFormat f = oracle_format(e, v), none = {0};
    int64_t n = t->steps * type_step_size(&v->type);
    for (int64_t k = 0; k < n; k++) {
      if (f.bits)
        t->data[k] = (double)oracle_operand(t->data[k], &none, &f);
      else if (v->type.elem == ELEM_F32)
        t->data[k] = (double)(float)t->data[k];
    }
  }
}

/* Rounds the results of a layer in f32 to f32. */
static void round_results(Eval *e, const Layer *layer) {
  for (int k = 0; k < LAYER_MAX_RESULTS && layer->out[k]; k++) {
    EvalTensor *t = &e->run->value[layer->out[k]->id];
    int64_t n = t->steps * type_step_size(&layer->out[k]->type);
    for (int64_t i = 0; i < n && layer->out[k]->type.elem == ELEM_F32; i++)
      t->data[i] = (double)(float)t->data[i];
  }
}

/* normalize of an integer input: its integers are the operand of the next layer as they are. */
static void take_port(Eval *e, const Layer *layer) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  EvalTensor *y = eval_out(e, layer->out[0], x->steps);
  for (int64_t i = 0; i < x->steps * type_step_size(&layer->out[0]->type); i++)
    y->data[i] = x->data[i];
}

static void compute(Eval *e, const Layer *layer, const QuantLayer *ql) {
  switch (quant_kind(layer)) {
  case QUANT_RECURRENT: oracle_recurrent(e, layer, ql); break;
  case QUANT_MATRIX: oracle_matrix(e, layer, ql); break;
  case QUANT_TABLE: oracle_table(e, layer, ql); break;
  case QUANT_PORT: take_port(e, layer); break;
  case QUANT_RESCALE: oracle_rescaled(e, layer, ql); break;
  case QUANT_SAME: oracle_same(e, layer, ql); break;
  case QUANT_NORM:
  case QUANT_FLOAT: assert(false && "a layer in f32 has integers"); break;
  }
}

EvalStatus eval_int_layer(Eval *e, const Layer *layer) {
  const QuantLayer *ql = e->model->quant->layer[layer->id];
  if (e->model->quant->absorber[layer->id])
    return EVAL_OK; /* it was computed with the layer before it */
  if (!ql) {
    EvalStatus status = eval_layer(e, layer);
    round_results(e, layer);
    return status;
  }
  compute(e, layer, ql);
  if (!oracle_format(e, ql->last->out[0]).bits) eval_show(e, ql->last);
  return e->overflowed ? EVAL_OVERFLOW : EVAL_OK;
}
