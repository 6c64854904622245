/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* States that go out of a graph and come back. A recurrent layer starts from elements of an input,
 * and its last state is elements of an output: where every one of them goes to the same place in a
 * tensor of the same shape, the input of the next call is the output of this one, and the layer is
 * a stream that keeps its state. That is how it is taken
 *
 *   where `--state in=out` says so, or --stream;
 *   by itself where a call is one step long, since there a state could serve nothing else.
 *
 * Otherwise initial states are inputs, `init=`, or constants, `init=learned`. */
#include "import/onnx.h"

#include <string.h>

static bool same_ref(OnnxRef a, OnnxRef b) {
  return a.source == b.source && a.index == b.index;
}

/* The input all of whose elements this initial state is made of; -1: none. */
static int input_of(const Onnx *onnx, const OnnxTensor *t) {
  int input = t->ref ? onnx->source[t->ref[0].source].input : -1;
  for (int64_t k = 0; t->ref && k < t->count; k++)
    if (t->ref[k].source == 0 || onnx->source[t->ref[k].source].input != input) return -1;
  return input;
}

static bool is_zero(const OnnxTensor *t) {
  for (int64_t k = 0; k < t->count; k++)
    if (!onnx_is_constant(t) || onnx_number(t, k) != 0) return false;
  return true;
}

/* Whether output `out` brings back, at the place it was read from, the state that started from
 * input. */
static bool comes_back(const OnnxState *s, int which, const OnnxTensor *out) {
  const OnnxTensor *start = s->start[which];
  if (!out->ref) return false;
  for (int64_t k = 0; k < s->width; k++) {
    int64_t place = start->ref[k].index;
    OnnxRef last = {s->last[which].source, s->last[which].index + (int32_t)k};
    if (place >= out->count || !same_ref(out->ref[place], last)) return false;
  }
  return true;
}

static const OnnxTensor *output_tensor(Onnx *onnx, int i) {
  return map_get(&onnx->tensor, onnx->graph->out[i].name);
}

/* The output that is the next call's input; -1: none. */
static int partner_of(Onnx *onnx, int input) {
  for (int o = 0; o < onnx->graph->n_out; o++) {
    const OnnxTensor *out = output_tensor(onnx, o);
    bool all = out && out->count == onnx->input[input]->count;
    for (int i = 0; i < onnx->n_states && all; i++)
      for (int w = 0; w < 2 && all; w++) {
        const OnnxTensor *start = onnx->state[i].start[w];
        if (start && input_of(onnx, start) == input) all = comes_back(&onnx->state[i], w, out);
      }
    if (all) return o;
  }
  return -1;
}

/* --state in=out for this input; NULL: not named. */
static const char *asked_for(const Onnx *onnx, const char *name) {
  size_t n = strlen(name);
  for (int i = 0; i < onnx->options->n_states; i++)
    if (strncmp(onnx->options->state[i], name, n) == 0 && onnx->options->state[i][n] == '=')
      return onnx->options->state[i] + n + 1;
  return NULL;
}

static bool options_are_met(Onnx *onnx, const int *partner) {
  for (int i = 0; i < onnx->options->n_states; i++) {
    const char *pair = onnx->options->state[i], *equal = strchr(pair, '=');
    int in = 0;
    while (in < onnx->graph->n_in &&
           !(equal && strncmp(onnx->graph->in[in].name, pair, (size_t)(equal - pair)) == 0 &&
             !onnx->graph->in[in].name[equal - pair]))
      in++;
    if (in < onnx->graph->n_in && partner[in] >= 0 &&
        strcmp(onnx->graph->out[partner[in]].name, equal + 1) == 0)
      continue;
    Diag *d = foreign_report(onnx->diags, onnx->file, E903,
                             "--state %s: that output is not the next state of that input", pair);
    if (!equal || in == onnx->graph->n_in)
      diag_note(d, "there is no input of that name");
    else if (partner[in] >= 0)
      diag_note(d, "the state of `%s` goes out by `%s`", onnx->graph->in[in].name,
                onnx->graph->out[partner[in]].name);
    else
      diag_note(d, "no recurrent layer starts from all of `%s` and ends in an output of its shape",
                onnx->graph->in[in].name);
    return false;
  }
  return true;
}

/* Calls of one step: every sequence of the graph is one row long. */
static bool is_one_step(const Onnx *onnx) {
  for (int i = 1; i < onnx->n_sources; i++)
    if (onnx->source[i].is_sequence && onnx->source[i].rows != 1) return false;
  return true;
}

static void become_stream(Onnx *onnx, const int *partner) {
  for (int i = onnx->model->n_layers; i-- > 0;) /* a step is one of the stream now */
    if (onnx->model->layer[i]->kind == LAYER_expand)
      foreign_bypass(onnx->model, onnx->model->layer[i]);
  for (int i = 0; i < onnx->graph->n_in; i++) {
    if (!onnx->port[i]) continue;
    if (partner[i] < 0)
      onnx->port[i]->declared.time = (Time){.kind = TIME_STREAM, .period = 1};
    else {
      foreign_note(onnx->foreign, "`%s` comes back as `%s`: the state is kept from call to call",
                   onnx->graph->in[i].name, onnx->graph->out[partner[i]].name);
      onnx->port[i] = NULL;
    }
  }
}

/* The layers from `first` on go in front of `before`, which reads them. */
static void move_in_front(Model *m, int first, const Layer *before) {
  for (int i = first; i < m->n_layers; i++) {
    Layer *moved = m->layer[i];
    int to = before->id;
    memmove(m->layer + to + 1, m->layer + to, sizeof(Layer *) * (size_t)(i - to));
    m->layer[to] = moved;
    for (int k = to; k <= i; k++)
      m->layer[k]->id = k;
  }
}

/* A whole input is that vector; anything else is made of what the graph has by then. NULL after
 * reporting. */
static Value *start_value(Onnx *onnx, const OnnxState *s, const OnnxTensor *t) {
  int input = input_of(onnx, t);
  bool whole = input >= 0 && t->count == onnx->input[input]->count;
  for (int64_t k = 0; whole && k < t->count; k++)
    whole = t->ref[k].index == k;
  if (whole) {
    onnx->port[input]->declared = foreign_type((Time){.kind = TIME_NONE}, 1, &s->width);
    return onnx->port[input]->value;
  }
  OnnxValue x;
  int first = onnx->model->n_layers;
  if (!onnx_value(onnx, onnx_shaped(onnx, t, 1, &t->count), -1, &x)) return NULL;
  onnx_exact(onnx, &x);
  move_in_front(onnx->model, first, s->layer);
  return x.value;
}

/* Constant initial states, those that are left out being zeros, are weights. */
static bool learn_start(Onnx *onnx, const OnnxState *s, int n) {
  static const struct {
    Role role;
    const char *name;
  } states[] = {{ROLE_INITIAL_H, "the initial state h"}, {ROLE_INITIAL_C, "the initial state c"}};
  int64_t dirs = layer_directions(s->layer), dim[] = {dirs, 1, s->width / dirs};
  layer_set_learned(s->layer);
  for (int w = 0; w < n; w++) {
    const OnnxTensor *t = s->start[w];
    float *to = foreign_tensor(onnx->foreign, s->layer, states[w].role, 3, dim, states[w].name);
    if (!to) return false;
    for (int64_t k = 0; t && k < t->count; k++)
      to[k] = (float)onnx_number(t, k);
  }
  return true;
}

/* Zeros beside a state that is none. */
static Value *zeros_like(Onnx *onnx, const OnnxState *s, Value *v) {
  int first = onnx->model->n_layers;
  Layer *mul = onnx_layer(onnx, LAYER_mul, 1, &v);
  layer_set_number(mul, OPT_value, 0);
  move_in_front(onnx->model, first, s->layer);
  return mul->out[0];
}

/* A initial state that is no stream's: zeros, constants, or values, which are an input of its own
 * or a part of one, or what layers made of others. */
static bool start_from(Onnx *onnx, OnnxState *s) {
  int n = s->layer->kind == LAYER_LSTM ? 2 : 1, zeros = 0, constants = 0;
  Value *value[2] = {NULL, NULL};
  for (int w = 0; w < n; w++) {
    zeros += !s->start[w] || is_zero(s->start[w]);
    constants += !s->start[w] || onnx_is_constant(s->start[w]);
  }
  if (zeros == n) return true;
  if (constants == n) return learn_start(onnx, s, n);
  onnx->node = s->node;
  if (constants > zeros) {
    Diag *d = onnx_refuse(
        onnx, E902,
        "starts from one state that is constant and not zero, and one that is not constant");
    diag_note(d, "it would work if both were constant, or inputs, or the constant one zeros");
    return false;
  }
  for (int w = 0; w < n; w++)
    if (s->start[w] && !onnx_is_constant(s->start[w]) &&
        !(value[w] = start_value(onnx, s, s->start[w])))
      return false;
  for (int w = 0; w < n; w++)
    if (!value[w]) value[w] = zeros_like(onnx, s, value[1 - w]);
  onnx->node = NULL;
  layer_set_states(onnx->arena, s->layer, n, value);
  return true;
}

static bool is_kept(const Onnx *onnx, const OnnxState *s, const int *partner) {
  for (int w = 0; w < (s->layer->kind == LAYER_LSTM ? 2 : 1); w++) {
    int input = s->start[w] ? input_of(onnx, s->start[w]) : -1;
    if (input < 0 || partner[input] < 0) return false;
  }
  return true;
}

bool onnx_states(Onnx *onnx) {
  int *partner = ARENA_ARRAY(onnx->arena, int, onnx->graph->n_in + 1), found = 0;
  bool *is_state = ARENA_ARRAY(onnx->arena, bool, onnx->graph->n_in + 1);
  for (int i = 0; i < onnx->n_states; i++)
    for (int w = 0; w < 2; w++) {
      int input = onnx->state[i].start[w] ? input_of(onnx, onnx->state[i].start[w]) : -1;
      if (input >= 0) is_state[input] = true;
    }
  for (int i = 0; i < onnx->graph->n_in; i++) {
    bool only_state =
        is_state[i] && onnx->port[i]->value->n_uses == 0; /* no layer reads it otherwise */
    partner[i] = only_state ? partner_of(onnx, i) : -1;
    found += partner[i] >= 0;
  }
  bool stream = found && (onnx->options->stream || onnx->options->n_states || is_one_step(onnx));
  for (int i = 0; i < onnx->graph->n_in && stream; i++)
    if (partner[i] >= 0 && onnx->options->n_states && !asked_for(onnx, onnx->graph->in[i].name) &&
        !is_one_step(onnx))
      partner[i] = -1;
  for (int again = 1; again;) { /* a layer is kept as a whole, and an input by all its layers */
    again = 0;
    for (int i = 0; i < onnx->n_states && stream; i++)
      if (!is_kept(onnx, &onnx->state[i], partner))
        for (int w = 0; w < 2; w++) {
          int input = onnx->state[i].start[w] ? input_of(onnx, onnx->state[i].start[w]) : -1;
          if (input >= 0 && partner[input] >= 0) partner[input] = -1, again = 1, found--;
        }
  }
  stream = stream && found;
  if (!options_are_met(onnx, partner)) return false;
  for (int i = 0; i < onnx->n_states; i++)
    if (!(stream && is_kept(onnx, &onnx->state[i], partner)) && !start_from(onnx, &onnx->state[i]))
      return false;
  if (!stream && found)
    foreign_note(
        onnx->foreign,
        "states go in and come out of each call; `--stream` makes a stream that keeps them");
  if (stream) become_stream(onnx, partner);
  for (int k = 0; k < onnx->graph->n_in && stream; k++)
    if (partner[k] >= 0) onnx->kept[partner[k]] = true;
  return true;
}
