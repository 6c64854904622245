/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Faults of recurrent layers, their states and steps, and of masks. */
#include "model.h"

#include <string.h>

/* The first recurrent layer. */
static Layer *cell_of(const Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (layer_n_states(model->layer[i])) return model->layer[i];
  return NULL;
}

/* Gates a and b of one tensor, which is [dirs, gates, ..]. */
static bool gates_exchange(const Layer *layer, Role role, int64_t a, int64_t b) {
  ParamShape shape;
  float *data;
  if (!layer_tensor(layer, role, &shape, &data)) return false;
  int64_t gates = layer->kind == LAYER_LSTM && role != ROLE_PEEPHOLE ? 4 : 3;
  int64_t dirs = layer_directions(layer);
  rows_exchange(data, dirs, gates, param_count(&shape) / dirs / gates, a, b);
  return true;
}

static bool all_gates_exchange(const Model *model, int64_t a, int64_t b) {
  static const Role roles[] = {ROLE_KERNEL, ROLE_RECURRENT, ROLE_BIAS};
  bool done = true;
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++)
    done = gates_exchange(cell_of(model), roles[i], a, b) && done;
  return done;
}

bool fault_gates_exchanged(Model *model) {
  return all_gates_exchange(model, 0, 1);
}

bool fault_gates_of_recurrence_exchanged(Model *model) {
  return gates_exchange(cell_of(model), ROLE_RECURRENT, 0, 1);
}

bool fault_gates_in_other_order(Model *model) {
  return all_gates_exchange(model, 1, 3) && all_gates_exchange(model, 2, 3);
}

bool fault_kernel_transposed(Model *model) {
  ParamShape shape;
  float *data;
  int64_t u = layer_size(cell_of(model), OPT_units, 0);
  if (!layer_tensor(cell_of(model), ROLE_RECURRENT, &shape, &data)) return false;
  matrix_transpose(model->arena, data, u, u);
  return true;
}

bool fault_bias_half_dropped(Model *model) {
  return layer_zero(cell_of(model), ROLE_RECURRENT_BIAS);
}

bool fault_bias_direction_dropped(Model *model) {
  ParamShape shape;
  float *data;
  if (!layer_tensor(cell_of(model), ROLE_BIAS, &shape, &data)) return false;
  int64_t half = param_count(&shape) / 2;
  memset(data + half, 0, sizeof *data * (size_t)half);
  return true;
}

bool fault_directions_exchanged(Model *model) {
  static const Role roles[] = {ROLE_KERNEL, ROLE_RECURRENT, ROLE_BIAS};
  for (size_t i = 0; i < sizeof roles / sizeof *roles; i++) {
    ParamShape shape;
    float *data;
    if (!layer_tensor(cell_of(model), roles[i], &shape, &data)) return false;
    rows_exchange(data, 1, 2, param_count(&shape) / 2, 0, 1);
  }
  return true;
}

bool fault_peephole_of_another_gate(Model *model) {
  return gates_exchange(cell_of(model), ROLE_PEEPHOLE, 0, 2);
}

bool fault_peephole_dropped(Model *model) {
  return layer_zero(cell_of(model), ROLE_PEEPHOLE);
}

bool fault_initial_state_dropped(Model *model) {
  return layer_zero(cell_of(model), ROLE_INITIAL_H);
}

bool fault_initial_cell_dropped(Model *model) {
  return layer_zero(cell_of(model), ROLE_INITIAL_C);
}

bool fault_initial_states_exchanged(Model *model) {
  ParamShape shape;
  float *h, *c;
  if (!layer_tensor(cell_of(model), ROLE_INITIAL_H, &shape, &h) ||
      !layer_tensor(cell_of(model), ROLE_INITIAL_C, &shape, &c))
    return false;
  tensors_exchange(h, c, param_count(&shape));
  return true;
}

bool fault_initial_input_dropped(Model *model) {
  const OptVal *init = layer_opt(cell_of(model), OPT_init);
  if (!init->n_values || !init->values[0]->port) return false;
  *layer_opt_mut(cell_of(model), OPT_init) = (OptVal){0};
  return true;
}

bool fault_direction(Model *model) {
  if (!layer_word_is(cell_of(model), OPT_direction, "backward")) return false;
  layer_set_word(cell_of(model), OPT_direction, "forward");
  return true;
}

bool fault_reset_before_for_after(Model *model) {
  if (layer_word_is(cell_of(model), OPT_reset, "before")) return false;
  layer_set_word(cell_of(model), OPT_reset, "before");
  return true;
}

bool fault_reset_after_for_before(Model *model) {
  if (!layer_word_is(cell_of(model), OPT_reset, "before")) return false;
  layer_set_word(cell_of(model), OPT_reset, "after");
  return true;
}

bool fault_activations_exchanged(Model *model) {
  Layer *cell = cell_of(model);
  const char *of_cell = activation_name[layer_activation(cell, OPT_activation)];
  layer_set_word(cell, OPT_activation, activation_name[layer_activation(cell, OPT_gate)]);
  layer_set_word(cell, OPT_gate, of_cell);
  return true;
}

bool fault_cell_activation(Model *model) {
  if (!layer_has(cell_of(model), OPT_cell_activation)) return false;
  layer_opt_mut(cell_of(model), OPT_cell_activation)->given = false;
  layer_opt_mut(cell_of(model), OPT_cell_activation)->s = NULL;
  return true;
}

bool fault_hard_sigmoid_slope(Model *model) {
  if (layer_activation(cell_of(model), OPT_gate) != ACT_HARD_SIGMOID_02) return false;
  layer_set_word(cell_of(model), OPT_gate, "hard_sigmoid");
  return true;
}

static bool number_dropped(Layer *layer, OptName name) {
  if (!layer || !layer_has(layer, name)) return false;
  layer_opt_mut(layer, name)->given = false;
  return true;
}

bool fault_clip_dropped(Model *model) {
  return number_dropped(cell_of(model), OPT_clip);
}

/* ---- states and steps ---- */

bool fault_step_late(Model *model) {
  if (!type_is_stream(&cell_of(model)->out[0]->type)) return false;
  layer_set_size(model_insert(model, LAYER_delay, cell_of(model)->out[0]), OPT_n, 1);
  return true;
}

bool fault_step_late_in_sequence(Model *model) {
  if (!type_is_sequence(&cell_of(model)->out[0]->type)) return false;
  layer_set_size(model_insert(model, LAYER_delay, cell_of(model)->out[0]), OPT_n, 1);
  return true;
}

bool fault_final_states_exchanged(Model *model) {
  Layer *cell = cell_of(model);
  bool found = false;
  for (int i = 0; i < model->n_out; i++) {
    Value **value = &model->out[i]->value;
    int state = *value == cell->out[1] ? 1 : *value == cell->out[2] ? 2 : 0;
    if (state) *value = cell->out[3 - state];
    found = found || state;
  }
  return found;
}

bool fault_first_for_last(Model *model) {
  Layer *last = model_find(model, LAYER_last, 0);
  if (last) last->kind = LAYER_first;
  return last != NULL;
}

bool fault_reverse_dropped(Model *model) {
  Layer *reverse = model_find(model, LAYER_reverse, 0);
  if (reverse) model_reroute(model, reverse->out[0], reverse->in[0], NULL);
  return reverse != NULL;
}

bool fault_delay_off_by_one(Model *model) {
  Layer *delay = model_find(model, LAYER_delay, 0);
  if (delay) layer_set_size(delay, OPT_n, layer_size(delay, OPT_n, 0) + 1);
  return delay != NULL;
}

bool fault_learned_start_dropped(Model *model) {
  return layer_zero(cell_of(model), ROLE_INITIAL_H);
}

/* ---- masks ---- */

static bool padding_counts(Model *model) {
  bool found = false;
  for (int i = 0; i < model->n_values; i++) {
    Time *time = &model->value[i]->type.time;
    if (time->kind != TIME_BOUNDED) continue;
    *time = (Time){.kind = TIME_FIXED, .n = time->n};
    found = true;
  }
  return found;
}

bool fault_mask_dropped(Model *model) {
  return padding_counts(model);
}

bool fault_mask_dropped_from_mean(Model *model) {
  return model_find(model, LAYER_mean, 0) && padding_counts(model);
}
