/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs and outputs of the flat graph as ports of the model. States that a stream keeps from call
 * to call become neither. */
#include "import/lift/lift.h"

/* Whether the result has the numbers of operand k, moved or cast. A cast to whole numbers keeps
 * numbers that are indices. */
static bool hands_on(const GraphNode *node, int k) {
  return (graph_operand_moves(node, k) && node->op != GRAPH_Concat) || node->op == GRAPH_Cast;
}

/* How many rows the smallest table has from which these numbers take rows; 0: they are no indices.
 * only: they are indices if no node does anything else with them. */
static int64_t categories_of(const Lift *l, const GraphValue *value, bool only, int depth) {
  enum { DEEPEST = 64 };
  const Graph *graph = l->flat->graph;
  int64_t rows = 0;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    for (int k = 0; k < node->n_in; k++) {
      if (node->in[k] != value) continue;
      bool table = node->op == GRAPH_Gather && k == 1 && lift_is_constant(l, node->in[0]) &&
                   graph_int(node, GRAPH_ATTR_axis, 0) == 0;
      int64_t n = table ? lift_type(l, node->in[0])->dim[0]
                  : hands_on(node, k) && depth < DEEPEST
                      ? categories_of(l, node->out[0], only, depth + 1)
                      : 0;
      if (!n && only) return 0;
      if (n) rows = !rows || n < rows ? n : rows;
    }
  }
  return rows;
}

/* The type of an input of the model for a type of the graph. */
static Elem whole_elem(GraphElem elem) {
  switch (elem) {
  case GRAPH_I4:
  case GRAPH_I8: return ELEM_I8;
  case GRAPH_U4:
  case GRAPH_U8:
  case GRAPH_BOOL: return ELEM_U8;
  case GRAPH_I16: return ELEM_I16;
  case GRAPH_U16: return ELEM_U16;
  case GRAPH_I32:
  case GRAPH_U32:
  case GRAPH_I64:
  case GRAPH_U64: return ELEM_I32;
  case GRAPH_FLOAT: return ELEM_F32;
  }
  return ELEM_F32;
}

/* The value of an input of whole numbers after `normalize`, which makes them real for all stages
 * that compute with them. Of an input of real numbers its value. */
static Value *as_real(Lift *l, Port *port, GraphElem elem) {
  bool wide = elem == GRAPH_I32 || elem == GRAPH_U32 || elem == GRAPH_I64 || elem == GRAPH_U64;
  if (!graph_elem_is_whole(elem)) return port->value;
  Layer *layer = model_layer(l->foreign->model, LAYER_normalize, 1, &port->value);
  layer->origin = arena_printf(l->arena, "input `%s`", port->name);
  if (wide)
    foreign_note(l->foreign,
                 "input `%s` holds whole numbers, which become f32: those beyond 16,777,216 are "
                 "rounded",
                 port->name);
  return layer->out[0];
}

/* How many feature axes stand before time in the file. */
static int time_position(Lift *l, const GraphValue *value) {
  int before = 0;
  for (int axis = 0; axis < lift_type(l, value)->rank; axis++) {
    int time;
    Axis features = lift_axis(l, value, axis, &time);
    if (time >= 0) return before;
    before += features.n > 0;
  }
  return 0;
}

void lift_add_input(Lift *l, int number) {
  const GraphInput *in = &l->flat->graph->in[number];
  const GraphValue *value = in->value;
  Layout layout = lift_natural(l, value);
  bool plain = layout.timed && layout.time < 0; /* each call is a step: time is no axis */
  for (int axis = 0; axis < lift_type(l, value)->rank; axis++) {
    int time;
    Axis features = lift_axis(l, value, axis, &time);
    if (time >= 0 &&
        features.n) { /* one axis has time and features: a vector, which a reader reshapes */
      layout = (Layout){.time = -1};
      for (int k = 0; k < lift_type(l, value)->rank; k++) {
        Axis all = {0};
        int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, k, atom);
        for (int i = 0; i < n; i++)
          if (atom_size(l->atoms, atom[i]) != 1 && atom_family(l->atoms, atom[i]) != l->roles.batch)
            all.atom[all.n++] = atom[i];
        if (all.n) layout.axis[layout.n++] = all;
      }
      break;
    }
  }
  Type type = lift_shape(l, &layout);
  if (layout.timed && !plain && l->time.kind != TIME_STREAM)
    type.time_pos = time_position(l, value);
  int64_t categories = categories_of(l, value, in->elem == GRAPH_FLOAT, 0);
  if (categories) {
    type.elem = ELEM_INDEX;
    type.categories = categories;
    if (in->elem == GRAPH_FLOAT)
      foreign_note(l->foreign,
                   "input `%s` holds whole numbers, which the file casts: it is an index here",
                   in->name);
    if (layout.n == 1 && !layout.axis[0].n) layout.n = type.rank = 0;
  } else
    type.elem = whole_elem(in->elem);
  Port *port = model_input(l->foreign->model, in->name, type);
  lift_place(l, value, categories ? port->value : as_real(l, port, in->elem), &layout);
}

bool lift_is_kept_input(const Lift *l, int number) {
  for (int i = 0; i < l->n_states; i++)
    if (l->state[i].in == number) return l->time.kind == TIME_STREAM;
  return false;
}

/* Reports an output with an axis of steps and features at once, if sequences are bounded, because
 * its size would depend on the length. Returns whether there is no such axis. */
static bool output_has_size(Lift *l, const GraphOutput *out) {
  for (int axis = 0; axis < lift_type(l, out->value)->rank && l->time.kind == TIME_BOUNDED;
       axis++) {
    int time;
    Axis features = lift_axis(l, out->value, axis, &time);
    if (time < 0 || !features.n) continue;
    Diag *d = foreign_report(l->diags, l->file, E903,
                             "output `%s` has the steps of its sequence and their features in one "
                             "axis, which needs a sequence of fixed length",
                             out->name);
    lift_propose_length(l, d);
    return false;
  }
  return true;
}

/* The layout of an output. If one axis of the file has steps and features at once, it is a vector.
 */
static Layout flat_output(Lift *l, const GraphValue *value, const Layout *natural) {
  for (int axis = 0;
       axis < lift_type(l, value)->rank && natural->timed && l->time.kind == TIME_FIXED; axis++) {
    int time, atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, value, axis, atom);
    Axis features = lift_axis(l, value, axis, &time), whole = {0};
    if (time < 0 || !features.n || natural->n != 1) continue;
    for (int i = 0; i < n; i++)
      if (atom_size(l->atoms, atom[i]) != 1 && atom_family(l->atoms, atom[i]) != l->roles.batch)
        whole.atom[whole.n++] = atom[i];
    return (Layout){.time = -1, .n = 1, .axis = {whole}};
  }
  return *natural;
}

bool lift_add_outputs(Lift *l) {
  l->delivered = ARENA_ARRAY(l->arena, bool, l->flat->graph->n_out + 1);
  int n = 0;
  for (int i = 0; i < l->flat->n_file_out; i++) {
    const GraphOutput *out = &l->flat->graph->out[i];
    if (lift_is_kept_output(l, i)) continue;
    if (lift_is_constant(l, out->value)) {
      foreign_note(l->foreign, "output `%s` does not depend on the inputs: grus omitted it",
                   out->name);
      continue;
    }
    if (!output_has_size(l, out)) return false;
    Layout natural = lift_natural(l, out->value), layout = flat_output(l, out->value, &natural);
    const Placed *placed = &l->placed[out->value->id];
    bool turns =
        natural.timed && layout_has(&placed->layout, natural.time); /* steps are features */
    if (placed->value && !turns && (!placed->layout.timed || l->time.kind == TIME_STREAM)) {
      layout.timed = placed->layout.timed;
      layout.time = placed->layout.time;
    }
    if (placed->value && placed->layout.n == 0) layout.n = 0;
    GraphNode none = {.op = GRAPH_Identity, .name = out->name, .source = "output"};
    Value *value = lift_value(l, out->value->node ? out->value->node : &none, out->value, &layout);
    if (!value) return false;
    if (l->time.kind == TIME_STREAM && l->roles.way == TIME_WAY_AXIS && layout.timed &&
        !natural.timed)
      foreign_note(l->foreign,
                   "the file gives output `%s` once for each sequence; a stream gives it at every "
                   "step, for the steps so far",
                   out->name);
    Port *port = model_output(l->foreign->model, out->name, value);
    if (layout.timed && layout.time >= 0 && l->time.kind != TIME_STREAM)
      port->declared.time_pos = time_position(l, out->value);
    l->delivered[i] = true;
    n++;
  }
  if (n) return true;
  return foreign_lacks(l->diags, l->file, E902,
                       l->options->n_sets ? "leave out `--set`, which makes an input a constant"
                                          : "export the model with the values that vary as inputs",
                       "no output of the graph depends on its inputs");
}
