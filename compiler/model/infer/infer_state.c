/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Initial states: `init=h0`, `init=(h0, c0)`, `init=enc` for all states of another layer. How many,
 * which element, which shape: E503, E502, E501. */
#include "model/infer/infer_rule.h"

#include <string.h>

static const char *const state_name[] = {"h", "c"};

static int states_of(const Layer *layer) {
  return layer->kind == LAYER_state ? 1 : layer_n_states(layer);
}

/* Where the units of a layer are written. */
static Span units_span(const Layer *layer) {
  Span at = layer_opt(layer, OPT_units)->at;
  return span_valid(at) ? at : layer->name_span;
}

/* "`h1` [64], `h2` [32]" */
static const char *states_given(Infer *inf, const OptVal *init) {
  Text text = text_new(inf->arena);
  for (int i = 0; i < init->n_values; i++)
    text_printf(&text, "%s`%s` %s", i ? ", " : "", value_text(inf, init->values[i]),
                shape_str(inf->arena, &init->values[i]->type));
  return text_str(&text);
}

static void advise_count(Infer *inf, Diag *d, const Layer *layer, const OptVal *init,
                         int64_t width) {
  const char *name = layer_name(layer);
  int states = states_of(layer);
  const Layer *of = init->states_of;
  if (of && states == 1) {
    diag_note(d, "an `LSTM` has the states `h` and `c`, a `%s` only `h`", name);
    const char *base = of->out[0]->name;
    if (!base || !span_valid(init->at)) return;
    fix_edit(diag_fix(d, FIX_MAYBE, "start from the hidden state alone"), init->at, "%s.h", base);
  } else if (states == 1)
    diag_note(d,
              "each layer of a stack takes its own `init`: `%s(%lld, init=h1) |> %s(32, init=h2)`",
              name, (long long)width / layer_directions(layer), name);
  else {
    diag_note(d, "an `LSTM` has the states `h` and `c`: `init=(h0, c0)`");
    if (init->n_values != 1 || !span_valid(init->at)) return;
    const char *text = span_text(inf->arena, inf->diags->sources, init->at);
    fix_edit(diag_fix(d, FIX_FILL, "give both states, with the cell state in place of N"), init->at,
             "(%s, N)", text);
  }
}

static bool report_count(Infer *inf, const Layer *layer, const OptVal *init, int64_t width) {
  int states = states_of(layer);
  Span at = span_valid(init->span) ? init->span : layer->span;
  Diag *d = infer_report(inf, E503, layer, at, "`%s` has %d state vector%s, but `init` gives %d",
                         layer_name(layer), states, states == 1 ? "" : "s", init->n_values);
  diag_primary(d, "gives %s", states_given(inf, init));
  diag_label(d, units_span(layer),
             states == 1 ? "state: `h` [%lld]" : "states: `h` [%lld], `c` [%lld]", (long long)width,
             (long long)width);
  advise_count(inf, d, layer, init, width);
  return false;
}

static Span state_span(const Layer *layer, const OptVal *init, int i) {
  Span at = init->value_span && !init->states_of ? init->value_span[i] : init->at;
  return span_valid(at) ? at : layer->span;
}

static bool report_elem(Infer *inf, const Layer *layer, const OptVal *init, int i) {
  const Value *v = init->values[i];
  Text elem = text_new(inf->arena);
  text_add_elem(&elem, &v->type);
  Diag *d = infer_report(inf, E502, layer, state_span(layer, init, i),
                         "initial state `%s` is %s, but states are f32", value_text(inf, v),
                         text_str(&elem));
  diag_primary(d, "this is %s", type_str(inf->arena, &v->type));
  if (v->port) diag_label(d, v->port->type_span, "declared %s here", text_str(&elem));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "`precision` converts states; do not convert them yourself");
  if (!v->port || !span_valid(v->port->type_span) || v->type.elem == ELEM_INDEX) return false;
  Span at = v->port->type_span;
  at.end = at.begin + (uint32_t)elem.len;
  fix_edit(diag_fix(d, v->n_uses == 1 ? FIX_SURE : FIX_MAYBE, "declare it f32"), at, "f32");
  return false;
}

/* [32, 64] where [64] is needed: `--batch 32` adds that axis. */
static bool drop_batch(Infer *inf, Diag *d, const Value *v, int64_t width) {
  const Type *t = &v->type;
  if (!v->port || type_is_sequence(t) || t->rank != 2 || t->dim[1].n != width) return false;
  diag_note(
      d, "`grus build --batch %lld` adds the batch axis to every input, output and state at once",
      (long long)t->dim[0].n);
  Span first = type_axis_span(inf, v->port->type_span, 0),
       second = type_axis_span(inf, v->port->type_span, 1);
  Fix *fix = diag_fix(d, v->n_uses == 1 ? FIX_SURE : FIX_MAYBE,
                      "state shapes describe one sample: drop the batch axis");
  if (span_valid(first) && span_valid(second))
    fix_edit(fix, (Span){first.file, first.begin, second.begin}, "%s", "");
  return true;
}

/* The layer made as wide as the state it is given. */
static void advise_units(Diag *d, const Layer *layer, const Value *v) {
  Span at = layer_opt(layer, OPT_units)->at;
  int64_t n = v->type.dim[0].n, directions = layer_directions(layer);
  if (v->type.rank != 1 || type_is_sequence(&v->type) || n % directions) return;
  Fix *fix = diag_fix(d, FIX_MAYBE, "%sgive this `%s` %lld units", d->n_fixes ? "or " : "",
                      layer_name(layer), (long long)(n / directions));
  if (span_valid(at)) fix_edit(fix, at, "%lld", (long long)(n / directions));
}

static bool report_shape(Infer *inf, const Layer *layer, const OptVal *init, int i, int64_t width) {
  const Value *v = init->values[i];
  const char *shape = shape_str(inf->arena, &v->type);
  Diag *d =
      infer_report(inf, E501, layer, state_span(layer, init, i),
                   "initial state `%s` is %s, but `%s` of this `%s` is [%lld]", value_text(inf, v),
                   shape, state_name[i], layer_name(layer), (long long)width);
  if (v->port)
    diag_label(d, v->port->type_span, "declared %s", shape);
  else
    diag_primary(d, "this is %s", shape);
  if (layer_directions(layer) == 2)
    diag_label(d, units_span(layer), "%lld units in two directions, so its state is [%lld]",
               (long long)width / 2, (long long)width);
  else
    diag_label(d, units_span(layer), "%lld units, so its state is [%lld]", (long long)width,
               (long long)width);
  diag_trace_value(d, inf->model, v);
  if (drop_batch(inf, d, v, width)) return false;
  if (type_is_sequence(&v->type)) {
    diag_note(d, "a state is one vector, not a sequence");
    if (!type_is_stream(&v->type) && v->name)
      fix_edit(diag_fix(d, FIX_MAYBE, "start from its final step"), state_span(layer, init, i),
               "%s |> last", v->name);
  } else if (v->port && span_valid(v->port->type_span))
    fix_edit(diag_fix(d, FIX_MAYBE, "declare a state of [%lld]", (long long)width),
             v->port->type_span, "f32[%lld]", (long long)width);
  else if (v->type.rank == 1 && v->name && !init->states_of && span_valid(init->at))
    fix_edit(diag_fix(d, FIX_MAYBE, "reduce it to %lld numbers with a `Dense`", (long long)width),
             state_span(layer, init, i), "%s |> Dense(%lld)", v->name, (long long)width);
  if (!v->port) advise_units(d, layer, v);
  return false;
}

/* A state with mapped axes: [33, 16]. */
static bool report_axes(Infer *inf, const Layer *layer, const OptVal *init, int i,
                        const Type *state) {
  const Value *v = init->values[i];
  Diag *d = infer_report(inf, E501, layer, state_span(layer, init, i),
                         "initial state `%s` is %s, but `%s` of this `%s` is %s",
                         value_text(inf, v), shape_str(inf->arena, &v->type), state_name[i],
                         layer_name(layer), shape_str(inf->arena, state));
  diag_primary(d, "this is %s", shape_str(inf->arena, &v->type));
  diag_trace_value(d, inf->model, v);
  diag_note(d, "there is one state for each position of the other axes");
  return false;
}

bool infer_init(Infer *inf, Layer *layer, const Type *state) {
  const OptVal *init = layer_opt(layer, OPT_init);
  int64_t width = state->dim[state->rank - 1].n;
  if (!init->n_values) return true;
  if (init->n_values != states_of(layer)) return report_count(inf, layer, init, width);
  for (int i = 0; i < init->n_values; i++) {
    const Type *t = &init->values[i]->type;
    if (t->elem != ELEM_F32 && t->elem != ELEM_F16) return report_elem(inf, layer, init, i);
    if (!type_is_sequence(t) && dims_equal(t, state)) continue;
    if (state->rank > 1) return report_axes(inf, layer, init, i, state);
    return report_shape(inf, layer, init, i, width);
  }
  return true;
}
