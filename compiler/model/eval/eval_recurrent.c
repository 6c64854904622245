/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* GRU, LSTM and RNN in double, one step and one unit at a time.
 *
 * GRU  (Cho et al. 2014; reset_after as in cuDNN, PyTorch, Keras)
 *   z = gate(Wz x + Uz h + bz)        r = gate(Wr x + Ur h + br)
 *   after   n = act(Wn x + bn + r * (Un h + bun))
 *   before  n = act(Wn x + bn + Un (r * h))
 *   h' = z * h + (1 - z) * n
 * LSTM (Hochreiter and Schmidhuber 1997; Gers and Schmidhuber 2000 with peepholes P)
 *   i = gate(Wi x + Ui h + bi + Pi * c)   f = gate(Wf x + Uf h + bf + Pf * c)
 *   g = act(Wg x + Ug h + bg)             c' = f * c + i * g
 *   o = gate(Wo x + Uo h + bo + Po * c')  h' = o * cell_act(c')
 * RNN  h' = act(W x + U h + b)
 * clip bounds every argument of gate and act to [-clip, clip], cell_clip c itself. */
#include "model/eval/eval_layer.h"

#include <math.h>

enum { MAX_GATES = 4 };

typedef struct EvalCell {
  const Layer *layer;
  int64_t d, u;
  int gates;
  /* of this direction: kernel, recurrent kernel, bias, recurrent bias, peephole; NULL: none */
  const float *w, *U, *b, *ub, *p;
  double clip, c_clip;    /* 0: none */
  double *h, *c, *next_h; /* [u] */
} EvalCell;

static double clipped(double x, double clip) {
  return clip > 0 ? eval_clamp(x, -clip, clip) : x;
}

static double cell_clip(const EvalCell *cell, double x) {
  return clipped(x, cell->clip);
}

/* W x + b of one unit of a gate. */
static double input_sum(const EvalCell *cell, int gate, int64_t unit, const double *x) {
  int64_t row = gate * cell->u + unit;
  double sum = cell->b ? cell->b[row] : 0;
  for (int64_t k = 0; k < cell->d; k++)
    sum += (double)cell->w[row * cell->d + k] * x[k];
  return sum;
}

/* U (scale * h) of one unit of a gate; scale NULL: 1. */
static double state_sum(const EvalCell *cell, int gate, int64_t unit, const double *scale) {
  int64_t row = gate * cell->u + unit;
  double sum = 0;
  for (int64_t k = 0; k < cell->u; k++)
    sum += (double)cell->U[row * cell->u + k] * (scale ? scale[k] * cell->h[k] : cell->h[k]);
  return sum;
}

static void gru_step(Eval *e, EvalCell *cell, const double *x) {
  const Layer *layer = cell->layer;
  Activation act = layer_activation(layer, OPT_activation),
             gate = layer_activation(layer, OPT_gate);
  bool after = !layer_word_is(layer, OPT_reset, "before");
  double *r = ARENA_ARRAY(e->arena, double, cell->u);
  const float *ub = after ? cell->ub : NULL;
  for (int64_t j = 0; j < cell->u; j++) {
    double a =
        input_sum(cell, 1, j, x) + state_sum(cell, 1, j, NULL) + (ub ? (double)ub[cell->u + j] : 0);
    r[j] = eval_activation(gate, cell_clip(cell, a));
  }
  for (int64_t j = 0; j < cell->u; j++) {
    double za = input_sum(cell, 0, j, x) + state_sum(cell, 0, j, NULL) + (ub ? (double)ub[j] : 0);
    double z = eval_activation(gate, cell_clip(cell, za));
    double na = input_sum(cell, 2, j, x);
    if (after)
      na += r[j] * (state_sum(cell, 2, j, NULL) + (ub ? (double)ub[2 * cell->u + j] : 0));
    else
      na += state_sum(cell, 2, j, r);
    double n = eval_activation(act, cell_clip(cell, na));
    cell->next_h[j] = z * cell->h[j] + (1 - z) * n;
  }
}

static void lstm_step(EvalCell *cell, const double *x) {
  const Layer *layer = cell->layer;
  Activation act = layer_activation(layer, OPT_activation),
             gate = layer_activation(layer, OPT_gate);
  Activation out =
      layer_has(layer, OPT_cell_activation) ? layer_activation(layer, OPT_cell_activation) : act;
  for (int64_t j = 0; j < cell->u; j++) {
    double a[MAX_GATES];
    for (int g = 0; g < MAX_GATES; g++)
      a[g] = input_sum(cell, g, j, x) + state_sum(cell, g, j, NULL);
    if (cell->p) {
      a[0] += (double)cell->p[j] * cell->c[j];
      a[1] += (double)cell->p[cell->u + j] * cell->c[j];
    }
    double i = eval_activation(gate, cell_clip(cell, a[0])),
           f = eval_activation(gate, cell_clip(cell, a[1]));
    double g = eval_activation(act, cell_clip(cell, a[2]));
    cell->c[j] = clipped(f * cell->c[j] + i * g, cell->c_clip);
    if (cell->p) a[3] += (double)cell->p[2 * cell->u + j] * cell->c[j];
    double o = eval_activation(gate, cell_clip(cell, a[3]));
    cell->next_h[j] = o * eval_activation(out, cell->c[j]);
  }
}

static void rnn_step(EvalCell *cell, const double *x) {
  Activation act = layer_activation(cell->layer, OPT_activation);
  for (int64_t j = 0; j < cell->u; j++)
    cell->next_h[j] = eval_activation(
        act, cell_clip(cell, input_sum(cell, 0, j, x) + state_sum(cell, 0, j, NULL)));
}

/* Writes the initial state of position p and direction dir into to [u]: state 0 is h, 1 is c.
 * Without init it is zero. */
static void load_init(Eval *e, const Layer *layer, int state, int64_t p, int dir, int64_t u,
                      double *to) {
  const OptVal *init = layer_opt(layer, OPT_init);
  const float *learned = layer->weights->role[state ? ROLE_INITIAL_C : ROLE_INITIAL_H];
  const Value *from = NULL;
  if (init->states_of)
    from = init->states_of->out[1 + state];
  else if (state < init->n_values)
    from = init->values[state];
  for (int64_t j = 0; j < u; j++)
    to[j] = from      ? eval_in(e, from)->data[(p * layer_directions(layer) + dir) * u + j]
            : learned ? (double)learned[dir * u + j]
                      : 0;
}

static EvalCell cell_new(Eval *e, const Layer *layer, int64_t p, int dir) {
  static const int gates_of[LAYER_KIND_COUNT] = {
      [LAYER_GRU] = 3, [LAYER_LSTM] = 4, [LAYER_RNN] = 1};
  const LayerWeights *w = layer->weights;
  int64_t u = layer_size(layer, OPT_units, 0),
          d = layer->in[0]->type.dim[layer->in[0]->type.rank - 1].n;
  EvalCell cell = {.layer = layer, .d = d, .u = u, .gates = gates_of[layer->kind]};
  int64_t rows = cell.gates * u * dir;
  cell.w = w->role[ROLE_KERNEL] + rows * d;
  cell.U = w->role[ROLE_RECURRENT] + rows * u;
  if (w->role[ROLE_BIAS]) cell.b = w->role[ROLE_BIAS] + rows;
  if (w->role[ROLE_RECURRENT_BIAS]) cell.ub = w->role[ROLE_RECURRENT_BIAS] + rows;
  if (w->role[ROLE_PEEPHOLE]) cell.p = w->role[ROLE_PEEPHOLE] + 3 * u * dir;
  cell.clip = layer_number(layer, OPT_clip, 0);
  cell.c_clip = layer_number(layer, OPT_cell_clip, 0);
  cell.h = ARENA_ARRAY(e->arena, double, u);
  cell.c = ARENA_ARRAY(e->arena, double, u);
  cell.next_h = ARENA_ARRAY(e->arena, double, u);
  load_init(e, layer, 0, p, dir, u, cell.h);
  if (layer->kind == LAYER_LSTM) load_init(e, layer, 1, p, dir, u, cell.c);
  return cell;
}

/* An input as [outer, n, inner, features]: the layer runs along n positions, with a state for each
 * of the outer x inner others. */
typedef struct CellRun {
  int64_t outer, n, inner;
} CellRun;

static CellRun run_of(const Layer *layer, int64_t steps) {
  const Type *in = &layer->in[0]->type;
  int axis = layer->along[0].axis;
  CellRun run = {.outer = 1, .n = steps, .inner = 1};
  for (int i = 0; i + 1 < in->rank; i++)
    if (i > axis) run.inner *= in->dim[i].n;
  if (axis == AXIS_TIME) return run;
  run.n = in->dim[axis].n;
  run.outer = steps;
  for (int i = 0; i < axis; i++)
    run.outer *= in->dim[i].n;
  return run;
}

/* Runs one direction for one state, from its initial to its final value. */
static void run_cell(Eval *e, const Layer *layer, const CellRun *run, int64_t p, int dir) {
  const EvalTensor *x = eval_in(e, layer->in[0]);
  EvalTensor *y = &e->run->value[layer->out[0]->id];
  int dirs = layer_directions(layer);
  EvalCell cell = cell_new(e, layer, p, dir);
  bool backward = dir == 1 || layer_word_is(layer, OPT_direction, "backward");
  for (int64_t s = 0; s < run->n; s++) {
    int64_t t = backward ? run->n - 1 - s : s,
            at = (p / run->inner * run->n + t) * run->inner + p % run->inner;
    if (layer->kind == LAYER_GRU)
      gru_step(e, &cell, x->data + at * cell.d);
    else if (layer->kind == LAYER_LSTM)
      lstm_step(&cell, x->data + at * cell.d);
    else
      rnn_step(&cell, x->data + at * cell.d);
    for (int64_t j = 0; j < cell.u; j++) {
      cell.h[j] = cell.next_h[j];
      y->data[(at * dirs + dir) * cell.u + j] = cell.h[j];
      if (layer->out[2]) e->run->cell[layer->id].data[(at * dirs + dir) * cell.u + j] = cell.c[j];
    }
  }
  for (int64_t j = 0; j < cell.u; j++) {
    int64_t at = (p * dirs + dir) * cell.u + j;
    e->run->value[layer->out[1]->id].data[at] = cell.h[j];
    if (layer->out[2]) e->run->value[layer->out[2]->id].data[at] = cell.c[j];
  }
}

EvalStatus eval_recurrent(Eval *e, const Layer *layer) {
  int64_t steps = eval_in(e, layer->in[0])->steps;
  CellRun run = run_of(layer, steps);
  eval_out(e, layer->out[0], steps);
  EvalTensor *cells = &e->run->cell[layer->id]; /* c of every step */
  cells->steps = steps;
  if (layer->out[2])
    cells->data = ARENA_ARRAY(e->arena, double, (steps * type_step_size(&layer->out[0]->type)));
  for (int k = 1; k < LAYER_MAX_RESULTS && layer->out[k]; k++)
    eval_out(e, layer->out[k], layer->along[0].axis == AXIS_TIME ? 1 : steps);
  for (int64_t p = 0; p < run.outer * run.inner; p++)
    for (int dir = 0; dir < layer_directions(layer); dir++)
      run_cell(e, layer, &run, p, dir);
  return EVAL_OK;
}
