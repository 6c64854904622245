/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* state and keep. A state has a buffer that outlives a step: of a stream a field of the state
 * struct, else scratch. At the beginning of a step its layer copies it to the row of the step,
 * where others read it; `keep` copies the next value back. Between the two stand layers of the same
 * time loop (schedule.c brings them to one level). */
#include "lower/lower_internal.h"

/* The buffer as the step of a value that has no time. */
static View kept_view(const Emit *e, const Layer *state) {
  const Type *type = &state->out[0]->type;
  View v = {.buffer = e->l->place[state->out[0]->id].kept, .rank = type->rank};
  int64_t n = 1;
  for (int i = type->rank - 1; i >= 0; i--) {
    v.dim[i] = type->dim[i].n;
    v.stride[i] = n;
    n *= v.dim[i];
  }
  v.at = at_batch(e, v.buffer, 0);
  return v;
}

/* Each position of the axes mapped over starts from the same vector. */
static void start_learned(Emit *e, const Layer *state, const View *to) {
  Kb *kb = &e->kb;
  int64_t units = layer_size(state, OPT_units, 1), positions = view_size(to) / units;
  KirBuffer *h0 =
      new_weights(e->l, state, "h0", state->weights ? state->weights->role[ROLE_INITIAL_H] : NULL,
                  units, "learned start");
  KirReg *p = positions > 1 ? kb_for(kb, "p", 0, positions, 1) : NULL;
  kb_copy(kb, to->buffer, kir_at_plus(to->at, units, p), h0, kir_at(0), units);
  if (p) kb_end(kb);
}

void state_start(Emit *e, const Layer *state) {
  Lower *l = e->l;
  const OptVal *init = layer_opt(state, OPT_init);
  View to = kept_view(e, state);
  if (layer_learns_start(state))
    start_learned(e, state, &to);
  else if (init->n_values)
    copy_row(e, &to, ONLY_STEP, view_of(l, init->values[0]), ONLY_STEP);
  else if (!lower_streams(l, state))
    kb_zero(&e->kb, to.buffer, to.at, view_size(&to));
}

static void state_before(Emit *e, const Layer *layer) {
  Lower *l = e->l;
  int64_t n = type_step_size(&layer->out[0]->type);
  bool streams = lower_streams(l, layer);
  l->place[layer->out[0]->id].kept =
      streams ? new_state(e, layer, "kept", KIR_F32, n) : new_kept(e, layer, "kept", KIR_F32, n);
  if (!streams) state_start(e, layer);
}

static void state_step(Emit *e, const Layer *layer, Step t) {
  View from = kept_view(e, layer);
  copy_row(e, view_of(e->l, layer->out[0]), t, &from, ONLY_STEP);
}

static void keep_step(Emit *e, const Layer *layer, Step t) {
  Lower *l = e->l;
  const View *from = view_of(l, layer->in[0]);
  View to = kept_view(e, layer_opt(layer, OPT_as)->value->layer);
  copy_row(e, view_of(l, layer->out[0]), t, from, t);
  copy_row(e, &to, ONLY_STEP, from, t);
}

const Lowering state_lowering = {
    .step = state_step, .before = state_before, .text = "what was kept at the step before"};
const Lowering keep_lowering = {.step = keep_step, .text = "kept for the next step"};
