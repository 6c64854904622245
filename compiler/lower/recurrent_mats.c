/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The products of a step of a recurrent layer: which sums a unit has, and which rows of the weights
 * go to which of them. */
#include "lower/cell_shape.h"
#include "lower/recurrent.h"

/* Gate `gate` of role, direction dir; rows of length `row` a unit. NULL for extern weights. */
static const float *gate_weights(const Layer *layer, Role role, int gates, int dir, int gate,
                                 int64_t row) {
  const float *w = layer->weights ? layer->weights->role[role] : NULL;
  return w ? w + (dir * gates + gate) * layer_size(layer, OPT_units, 1) * row : NULL;
}

/* a + b by unit, either may be NULL. */
static const float *sum_of(Lower *l, const float *a, const float *b, int64_t n) {
  if (!a || !b) return a ? a : b;
  float *sum = ARENA_ARRAY(l->arena, float, n);
  for (int64_t i = 0; i < n; i++)
    sum[i] = a[i] + b[i];
  return sum;
}

MatPart cell_input_part(const View *x, Step t, int64_t d) {
  return (MatPart){.x = x->buffer,
                   .at = view_row(x, t, 0),
                   .k_stride = x->stride[x->rank - 1],
                   .taps = 1,
                   .d = d,
                   .name = "W"};
}

MatPart cell_state_part(KirBuffer *h, KirIndex at, int64_t units) {
  return (MatPart){.x = h, .at = at, .k_stride = 1, .taps = 1, .d = units, .name = "U"};
}

static void add_gate(MatPart *p, const float *w, int acc) {
  p->w[p->n_gates] = w;
  p->acc[p->n_gates++] = acc;
}

KirBuffer *cell_peepholes(Lower *l, const Layer *layer, int dir, const char *suffix, int lanes) {
  if (!layer_word_is(layer, OPT_peephole, "true")) return NULL;
  int64_t units = cell_shape(l, layer)->units, vectors = (units + lanes - 1) / lanes;
  float *to = ARENA_ARRAY(l->arena, float, vectors * 3 * lanes);
  bool bound = false;
  for (int g = 0; g < 3; g++) {
    const float *p = gate_weights(layer, ROLE_PEEPHOLE, 3, dir, g, 1);
    bound = p != NULL;
    for (int64_t u = 0; u < units && p; u++)
      to[(u / lanes * 3 + g) * lanes + u % lanes] = p[u];
  }
  return new_weights(l, layer, arena_printf(l->arena, "P%s", suffix), bound ? to : NULL,
                     vectors * 3 * lanes, "peepholes i f o");
}

static const char *const gate_names[3][MAT_MAX_ACC] = {
    {"z", "r", "n", "m"}, {"i", "f", "g", "o"}, {"n", "", "", ""}};

int cell_mats(Lower *l, CellCode *cell, int dir, MatPart x, MatPart h, Mat all[2]) {
  const Layer *layer = cell->layer;
  int gates = cell_shape(l, layer)->gates;
  int64_t units = cell_shape(l, layer)->units;
  const char *suffix = dir ? "_backward" : "";
  Mat mat = {.layer = layer,
             .units = units,
             .lanes = cell_shape(l, layer)->lanes,
             .suffix = suffix,
             .context = cell,
             .whole = true,
             .n_parts = 2};
  int names = layer->kind == LAYER_GRU ? 0 : layer->kind == LAYER_LSTM ? 1 : 2;
  for (int a = 0; a < MAT_MAX_ACC; a++)
    mat.acc_name[a] = gate_names[names][a];
  bool before = cell_resets_before(layer), after = layer->kind == LAYER_GRU && !before;
  mat.n_acc = after ? 4 : gates;
  bool has_bias = layer_has_role(layer, ROLE_BIAS);
  for (int a = 0; a < gates; a++)
    mat.has_bias[a] = has_bias;
  if (after) mat.has_bias[3] = layer_has_role(layer, ROLE_RECURRENT_BIAS);
  for (int g = 0; g < gates; g++) {
    add_gate(&x, gate_weights(layer, ROLE_KERNEL, gates, dir, g, x.d), g);
    add_gate(&h, gate_weights(layer, ROLE_RECURRENT, gates, dir, g, units),
             after && g == 2 ? 3 : g);
    const float *b = gate_weights(layer, ROLE_BIAS, gates, dir, g, 1);
    const float *rb = gate_weights(layer, ROLE_RECURRENT_BIAS, gates, dir, g, 1);
    if (after && g == 2) {
      mat.bias[2] = b;
      mat.bias[3] = rb;
    } else
      mat.bias[g] = sum_of(l, b, after ? rb : NULL, units);
  }
  x.sparse = l->sparse[layer->id].depth[0];
  h.sparse = l->sparse[layer->id].depth[1];
  mat.part[0] = x;
  mat.part[1] = h;
  if (!before) {
    mat.finish = after ? gru_after_finish : layer->kind == LAYER_LSTM ? lstm_finish : rnn_finish;
    all[0] = mat;
    return 1;
  }
  /* z and r of all units, then the candidate from r * h */
  Mat candidate = mat;
  mat.n_acc = mat.part[0].n_gates = mat.part[1].n_gates = 2;
  mat.finish = gru_gates_finish;
  mat.suffix = arena_printf(l->arena, "_zr%s", suffix);
  candidate.n_acc = 1;
  candidate.acc_name[0] = "n";
  candidate.bias[0] = mat.bias[2];
  candidate.has_bias[0] = mat.has_bias[2];
  candidate.suffix = arena_printf(l->arena, "_n%s", suffix);
  for (int i = 0; i < 2; i++) {
    candidate.part[i].n_gates = 1;
    candidate.part[i].acc[0] = 0;
    candidate.part[i].w[0] = mat.part[i].w[2];
  }
  candidate.finish = gru_before_finish;
  all[0] = mat;
  all[1] = candidate;
  return 2;
}
