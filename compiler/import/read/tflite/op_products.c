/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Products of matrices, lookups in tables, and SVDF. */
#include "import/read/tflite/reader.h"

/* Operands: x [..., d], weights [u, d], bias [u]. Without the option keep_num_dims, x is taken as
 * rows of d elements, and the result has two axes. */
bool tfl_op_fully_connected(TflCall *c) {
  static const int64_t swap[] = {1, 0};
  GraphEmit *e = c->emit;
  FlatBuffer *flat = &c->reader->flat;
  const TflTensor *weights = c->from[1];
  GraphValue *x = tfl_real(c, 0), *w = tfl_real(c, 1), *b = tfl_real_bias(c, 2, 0, 1);
  if (flat_u8(flat, c->op.options, 1))
    return tfl_lacks(c, E902, "convert it again with TensorFlow 2, which does not shuffle weights",
                     "has shuffled weights, which is not supported");
  if (weights->rank != 2) return tfl_refuse(c, E901, "has weights of %d axes", weights->rank);
  if (!tfl_flag(c, 2) && c->from[0]->rank != 2) {
    if (weights->dim[1] < 1)
      return tfl_lacks(
          c, E904, "weights whose sizes are fixed are read, such as those of `keras.layers.Dense`",
          "does not say the size of its weights");
    x = emit_reshape(e, x, 2, (int64_t[]){-1, weights->dim[1]});
  }
  GraphValue *y = EMIT(e, MatMul, x, emit_transpose(e, w, 2, swap));
  if (b) y = EMIT(e, Add, y, b);
  y = tfl_activated(c, y, flat_u8(flat, c->op.options, 0));
  return y && tfl_set_real(c, 0, y);
}

/* Operand k, x as real numbers, with its last two axes exchanged if that is wanted; NULL after
 * reporting. */
static GraphValue *adjoint(TflCall *c, int k, GraphValue *x, bool wanted) {
  int rank;
  int64_t perm[GRAPH_MAX_RANK];
  if (!wanted) return x;
  if (!tfl_rank(c, k, &rank)) return NULL;
  if (rank < 2) {
    tfl_refuse(c, E901, "transposes an operand of %d axes", rank);
    return NULL;
  }
  for (int i = 0; i < rank; i++)
    perm[i] = i < rank - 2 ? i : 2 * rank - 3 - i;
  return emit_transpose(c->emit, x, rank, perm);
}

bool tfl_op_batch_matmul(TflCall *c) {
  GraphValue *a = adjoint(c, 0, tfl_real(c, 0), tfl_flag(c, 0)),
             *b = a ? adjoint(c, 1, tfl_real(c, 1), tfl_flag(c, 1)) : NULL;
  return b && tfl_set_real(c, 0, EMIT(c->emit, MatMul, a, b));
}

/* Operands: places, table. Each row of the table may have a scale of its own. */
bool tfl_op_embedding_lookup(TflCall *c) {
  GraphValue *in[2] = {tfl_real(c, 1), c->in[0]};
  return tfl_set_real(c, 0, emit_axis_call(c->emit, GRAPH_Gather, 0, 2, in));
}

/* Real numbers as integers with the scale of a state. */
static GraphValue *state_integers(TflCall *c, GraphValue *x, const TflTensor *state) {
  return emit_quantize(c->emit, x, graph_constant(c->emit->graph, "", state->scale),
                       graph_constant(c->emit->graph, "", state->zero));
}

/* Whether the interpreter computes an SVDF of these types in integers, as grus reads it; false
 * after reporting. */
static bool integers_fit(TflCall *c, const TflTensor *state, int activation) {
  enum { RELU = 1 };
  const TflTensor *x = tfl_from(c, 0), *times = tfl_from(c, 2);
  if (state->type != TFL_INT16 || times->type != TFL_INT16 || x->type != TFL_INT8)
    return tfl_lacks(
        c, E902, tfl_in_floats,
        "computes in integers; grus supports inputs of 8 bits with a state of 16 bits");
  if (state->n_scales != 1)
    return tfl_lacks(c, E902, tfl_in_floats,
                     "has a scale for each channel of its state, which is not supported");
  return activation == RELU ||
         tfl_lacks(c, E902, tfl_in_floats,
                   "computes in integers; grus supports only the activation relu");
}

/* Whether the operands of an SVDF fit each other. False after reporting. */
static bool svdf_fits(TflCall *c, int64_t rank, int activation) {
  const TflTensor *times = c->from[2], *state = tfl_from(c, 4);
  if (!c->in[0] || !c->in[1] || !c->in[2]) return tfl_refuse(c, E901, "lacks an operand");
  if (times->rank != 2 || !state || state->rank != 2)
    return tfl_refuse(c, E901, "has no state of two axes");
  if (tfl_quantised(state) && !integers_fit(c, state, activation)) return false;
  int64_t filters = times->dim[0], memory = times->dim[1];
  return (rank >= 1 && filters >= 1 && memory >= 2 && filters % rank == 0) ||
         tfl_refuse(
             c, E901,
             "has a rank that does not divide its filters, or a memory of fewer than two steps");
}

/* Operands: x [N, d], features [filters, d], times [filters, m], bias [units] and the state
 * [N, m filters], where filters = units * rank:
 *
 *   state'[n, f] = state[n, f, 1:], features[f] x[n];  y[n, u] = act(sum of rank (sum of m (times
 *                                                      state')) + bias)
 *
 * The sum over m is a convolution over the last m steps. In integers, the products of a step are
 * rounded to the 16 bits of the state, and the quantisation of y does what relu would. */
bool tfl_op_svdf(TflCall *c) {
  static const int64_t swap[] = {1, 0};
  GraphEmit *e = c->emit;
  const TflTensor *times = c->from[2], *state = tfl_from(c, 4);
  int64_t rank = tfl_option(c, 0, 1);
  int activation = flat_u8(&c->reader->flat, c->op.options, 1);
  if (!svdf_fits(c, rank, activation)) return false;
  int64_t filters = times->dim[0], memory = times->dim[1];
  int variable = tfl_state_variable(c, 4);
  if (variable == TFL_NO_VARIABLE) return false;
  GraphValue *x = tfl_real(c, 0), *w = tfl_real(c, 1), *t = tfl_real(c, 2),
             *b = tfl_real_bias(c, 3, 4, 2);
  GraphValue *made = EMIT(e, MatMul, x, emit_transpose(e, w, 2, swap)),
             *kept = tfl_real_of(c, tfl_variable_read(c, variable), state);
  if (tfl_quantised(state)) made = tfl_real_of(c, state_integers(c, made, state), state);
  GraphValue *now = emit_unsqueeze(e, made, 1, (int64_t[]){2}),
             *past = emit_reshape(e, kept, 3, (int64_t[]){-1, filters, memory});
  GraphValue *next =
      emit_concat(e, 2, 2, (GraphValue *[]){emit_slice(e, past, 2, 1, memory, 1), now});
  GraphValue *window[3] = {next, emit_reshape(e, t, 3, (int64_t[]){filters / rank, rank, memory}),
                           b};
  GraphNode *sums = emit_node(e, GRAPH_Conv, b ? 3 : 2, window, 1);
  graph_set_int(e->graph, sums, GRAPH_ATTR_groups, filters / rank);
  GraphValue *keeps = emit_reshape(e, next, 2, (int64_t[]){-1, filters * memory});
  tfl_variable_assign(c, variable, tfl_quantised(state) ? state_integers(c, keeps, state) : keeps);
  GraphValue *y = emit_squeeze(e, emit_done(e, sums), 1, (int64_t[]){2});
  if (!tfl_quantised(state)) y = tfl_activated(c, y, activation);
  return y && tfl_set_real(c, 0, y);
}
