/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* LSTM, GRU and RNN. In, a recurrent node with x [T, N, d]; out, a stage LSTM, GRU or RNN with its
 * weights. The axis N holds the batch, and perhaps axes of features whose positions the operator
 * does not mix; these become axes of the model in front of d. The gates are in the order of
 * model/bind/weights.h already. */
#include "import/lift/lift.h"
#include "import/lift/recurrent_form.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The operands of a node. Weights that are no constants are NULL. */
typedef struct Operands {
  const RecurrentForm *form;
  const GraphTensor *w, *r, *b, *rb, *peephole;
  const GraphValue *lengths, *h0, *c0, *mask, *projection;
} Operands;

static const GraphTensor *constant(const Lift *l, const GraphValue *value) {
  return flat_known(l->flat, value);
}

static Operands operands_of(const Lift *l, const GraphNode *node) {
  const RecurrentForm *form = recurrent_form(node->op);
  return (Operands){.form = form,
                    .w = constant(l, recurrent_operand(node, RECURRENT_W)),
                    .r = constant(l, recurrent_operand(node, RECURRENT_R)),
                    .b = constant(l, recurrent_operand(node, RECURRENT_B)),
                    .rb = constant(l, recurrent_operand(node, form->rb)),
                    .peephole = constant(l, recurrent_operand(node, form->peephole)),
                    .lengths = recurrent_operand(node, form->lengths),
                    .h0 = recurrent_operand(node, form->h0),
                    .c0 = recurrent_operand(node, form->c0),
                    .mask = recurrent_operand(node, form->mask),
                    .projection = recurrent_operand(node, form->projection)};
}

const char *lift_cell_word(const char *name) {
  static const char *const same[] = {"sigmoid", "tanh", "relu", "softsign", "softplus",
                                     "linear",  "selu", "gelu", "exp",      "hard_tanh"};
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    if (strcmp(name, same[i]) == 0) return same[i];
  ActivationWord word;
  if (!activation_word(name, &word)) return NULL;
  double alpha = word.n > 0 ? word.number[0] : 0.2, beta = word.n > 1 ? word.number[1] : 0.5;
  if (strcmp(word.name, "hard_sigmoid") == 0 && fabs(beta - 0.5) < 1e-6) {
    if (fabs(alpha - 0.2) < 1e-6) return "hard_sigmoid_02";
    if (fabs(alpha - 1.0 / 6) < 1e-6) return "hard_sigmoid";
  }
  if (strcmp(word.name, "selu") == 0 && fabs(alpha - 1.6732632) < 1e-6 &&
      fabs(beta - 1.050701) < 1e-6)
    return "selu";
  if (strcmp(word.name, "elu") == 0 && (word.n == 0 || alpha == 1)) return "elu";
  if (strcmp(word.name, "affine") == 0 && word.n > 0 && alpha == 1 && beta == 0) return "linear";
  return NULL;
}

/* Sets the options for the activations. False after reporting one that stages do not support. */
static bool set_activations(Lift *l, const GraphNode *node, const Operands *o, int dirs,
                            Layer *layer) {
  static const OptName lstm[] = {OPT_gate, OPT_activation, OPT_cell_activation},
                       gru[] = {OPT_gate, OPT_activation}, rnn[] = {OPT_activation};
  const OptName *name = o->form->kind == LAYER_LSTM ? lstm : o->form->kind == LAYER_GRU ? gru : rnn;
  const char *const *fallback = o->form->activation;
  for (int i = 0; i < o->form->n_activations; i++) {
    const char *said = recurrent_activation(node, i), *word = lift_cell_word(said);
    if (!word) {
      Diag *d = lift_refuse(l, node, E902,
                            "has the activation `%s`, which recurrent stages do not support", said);
      diag_fix(d, FIX_MAYBE,
               "recurrent stages support linear, relu, tanh, sigmoid, hard_sigmoid, softplus, "
               "softsign, elu, selu, gelu, exp and hard_tanh");
      return false;
    }
    for (int d = 1; d < dirs; d++)
      if (strcmp(said, recurrent_activation(node, d * o->form->n_activations + i)) != 0) {
        lift_lacks(l, node, E903, "use two layers, one of each direction, and join their results",
                   "has other activations in its second direction; both directions of a stage use "
                   "the same");
        return false;
      }
    /* The stage LSTM applies `activation` to c' too, unless `cell_activation` is given. */
    bool told = o->form->kind == LAYER_LSTM && i == 2
                    ? strcmp(said, recurrent_activation(node, 1)) != 0
                    : strcmp(word, fallback[i]) != 0;
    if (told) layer_set_word(layer, name[i], word);
  }
  return true;
}

/* Gives a layer a tensor of these sizes from a constant. False after reporting. */
static bool copy_tensor(Lift *l, const GraphNode *node, Layer *layer, Role role,
                        const GraphTensor *from, int rank, const int64_t *dim) {
  int64_t count = 1;
  for (int i = 0; i < rank; i++)
    count *= dim[i];
  if (!from || from->count != count) {
    lift_refuse(l, node, E902, "has weights that are not constants of the size it needs");
    return false;
  }
  float *to = foreign_tensor(l->foreign, layer, role, rank, dim,
                             *node->name ? node->name : graph_op_name(node->op));
  for (int64_t i = 0; to && i < count; i++)
    to[i] = (float)graph_at(from, i);
  return to != NULL;
}

/* Gives a layer all its weights. after: it is a GRU with the reset gate after the product, which
 * needs both biases. False after reporting. */
static bool give_weights(Lift *l, const GraphNode *node, const Operands *o, Layer *layer,
                         bool after) {
  int64_t dirs = o->w->dim[0], u = o->r->dim[3], d = o->w->dim[3];
  bool bias = o->b || o->rb;
  int64_t kernel[4] = {dirs, o->form->gates, u, d}, recurrent[4] = {dirs, o->form->gates, u, u},
          vector[3] = {dirs, o->form->gates, u};
  if (!copy_tensor(l, node, layer, ROLE_KERNEL, o->w, 4, kernel)) return false;
  if (!copy_tensor(l, node, layer, ROLE_RECURRENT, o->r, 4, recurrent)) return false;
  lift_release(l, node->in[1]);
  lift_release(l, node->in[2]);
  if (!bias) {
    layer_set_word(layer, OPT_bias, "false");
    return true;
  }
  int64_t count = dirs * o->form->gates * u;
  double *zero = ARENA_ARRAY(l->arena, double, count), *sum = ARENA_ARRAY(l->arena, double, count);
  GraphTensor none = {.elem = GRAPH_FLOAT, .count = count, .wide = zero}, both = none;
  for (int64_t i = 0; i < count; i++)
    sum[i] = (o->b ? graph_at(o->b, i) : 0) + (o->rb ? graph_at(o->rb, i) : 0);
  both.wide = sum;
  const GraphTensor *b = after ? (o->b ? o->b : &none) : &both;
  if (!copy_tensor(l, node, layer, ROLE_BIAS, b, 3, vector)) return false;
  if (after && !copy_tensor(l, node, layer, ROLE_RECURRENT_BIAS, o->rb ? o->rb : &none, 3, vector))
    return false;
  if (!o->peephole) return true;
  layer_set_word(layer, OPT_peephole, "true");
  return copy_tensor(l, node, layer, ROLE_PEEPHOLE, o->peephole, 3, (int64_t[]){dirs, 3, u});
}

/* The axes of a recurrent node: the layout of x, with the axis that the operator goes along and the
 * features as axes of their own. */
typedef struct RunOver {
  Layout layout;
  int along; /* the axis that the operator goes along; -1: it is time */
  Axis made; /* the features of the result: the units of all directions */
} RunOver;

/* The layout of y or, if `ended`, of h, which does not have the axis that the operator goes along.
 */
static Layout run_layout(const RunOver *run, bool ended) {
  Layout out = {.timed = run->layout.timed && !(ended && run->along < 0), .time = -1};
  if (out.timed) out.time = run->layout.time;
  for (int i = 0; i < run->layout.n; i++)
    if (!ended || i != run->along) out.axis[out.n++] = run->layout.axis[i];
  out.axis[out.n - 1] = run->made;
  return out;
}

/* The initial states. Constants become weights, a state that a stream keeps begins as its variable
 * does, and other values are the option `init`. */
typedef struct Start {
  int n;                        /* how many states there are */
  const GraphTensor *number[2]; /* NULL: zeros */
  Value *value[2];              /* both, or neither */
} Start;

static bool all_zero(const GraphTensor *t) {
  for (int64_t i = 0; t && i < t->count; i++)
    if (graph_at(t, i) != 0) return false;
  return true;
}

/* Zeros in the shape of the other state, which varies: `init` takes both states or none. */
static Value *zeros_like(Lift *l, const GraphNode *node, Value *state) {
  Layer *layer = lift_layer(l, node, LAYER_clip, 1, &state);
  layer_set_number(layer, OPT_low, 0);
  layer_set_number(layer, OPT_high, 0);
  return layer->out[0];
}

/* The layout of an initial state [dirs, N, u] that is the same as that of h. */
static Layout start_layout(Lift *l, const RunOver *run, const GraphValue *start) {
  Layout out = run_layout(run, true);
  int none;
  Axis units = lift_axis(l, start, 2, &none), *last = &out.axis[out.n - 1];
  *last = lift_axis(l, start, 0, &none);
  for (int i = 0; i < units.n; i++)
    last->atom[last->n++] = units.atom[i];
  return out;
}

/* Finds the initial states. To be called before the layer is made. False after reporting. */
static bool find_start(Lift *l, const GraphNode *node, const Operands *o, const RunOver *run,
                       Start *out) {
  const GraphValue *start[2] = {o->h0, o->c0};
  int n_kept = 0, n_constant = 0, n_zero = 0;
  *out = (Start){.n = o->form->kind == LAYER_LSTM ? 2 : 1};
  for (int i = 0; i < out->n; i++) {
    out->number[i] = constant(l, start[i]);
    bool kept = start[i] && !out->number[i] && lift_state_is_kept(l, start[i], &out->number[i]);
    bool fixed = kept || !start[i] || out->number[i];
    n_kept += kept;
    n_constant += fixed;
    n_zero += fixed && !kept && all_zero(out->number[i]);
  }
  if (n_kept && n_kept < out->n && n_constant == out->n) {
    lift_lacks(l, node, E902,
               "make both h and c inputs and outputs of the file, and name both: --state H=H_NEXT "
               "--state C=C_NEXT",
               "keeps one of h and c from call to call and begins every call with the same other "
               "one, but a stream keeps both");
    return false;
  }
  if (n_constant == out->n) return true;
  if (n_kept || n_constant > n_zero) {
    Diag *d = lift_refuse(l, node, E902, "has one initial state that is %s, and one that varies",
                          n_kept ? "kept from call to call" : "constant and not zero");
    diag_fix(d, FIX_MAYBE, "make both %s, or the other one zero",
             n_kept ? "states that are kept" : "constants, or both inputs");
    return false;
  }
  if (out->n == 2 && start[0] == start[1] && !start[0]->node) {
    lift_lacks(l, node, E902, "export the model with two tensors, one for h and one for c",
               "has `%s` as initial state of both h and c; exporters write this if both were one "
               "tensor",
               start[0]->name);
    return false;
  }
  if (run->along >= 0) {
    lift_lacks(l, node, E902, "begin with zeros or with constant states",
               "runs along a feature axis and has an initial state that varies");
    return false;
  }
  for (int i = 0; i < out->n; i++) {
    if (!start[i] || out->number[i]) continue;
    Layout layout = start_layout(l, run, start[i]);
    if (!lift_start_is_earlier(l, node, start[i])) return false;
    out->value[i] = lift_value(l, node, start[i], &layout);
    if (!out->value[i]) return false;
  }
  for (int i = 0; i < out->n; i++)
    if (!out->value[i]) out->value[i] = zeros_like(l, node, out->value[1 - i]);
  return true;
}

/* The numbers of the first sample of a state [dirs, N, u]. */
static GraphTensor first_sample(const Lift *l, const GraphTensor *state, int64_t dirs,
                                int64_t units) {
  GraphTensor one = *state;
  if (one.count <= dirs * units || one.count % (dirs * units)) return one;
  double *data = ARENA_ARRAY(l->arena, double, (dirs * units));
  for (int64_t i = 0; i < dirs * units; i++)
    data[i] = graph_at(state, i / units * (state->count / dirs) + i % units);
  one.wide = data;
  one.narrow = NULL;
  one.count = dirs * units;
  return one;
}

/* Gives a layer its initial states. False after reporting. */
static bool give_start(Lift *l, const GraphNode *node, const Operands *o, const Start *start,
                       Layer *layer) {
  static const Role role[2] = {ROLE_INITIAL_H, ROLE_INITIAL_C};
  int64_t dim[3] = {o->w->dim[0], 1, o->r->dim[3]}, count = dim[0] * dim[2];
  if (start->value[0]) {
    layer_set_states(l->arena, layer, start->n, start->value);
    return true;
  }
  if (all_zero(start->number[0]) && all_zero(start->number[1])) return true;
  double *zero = ARENA_ARRAY(l->arena, double, count);
  GraphTensor none = {.elem = GRAPH_FLOAT, .count = count, .wide = zero};
  layer_set_learned(layer);
  for (int i = 0; i < start->n; i++) {
    /* All samples of a batch begin with the same numbers, which the translation check shows. */
    GraphTensor one = start->number[i] ? first_sample(l, start->number[i], dim[0], dim[2]) : none;
    if (!copy_tensor(l, node, layer, role[i], &one, 3, dim)) return false;
  }
  return true;
}

static bool whole_lengths(const Lift *l, const GraphValue *lengths, int64_t steps) {
  return flat_lengths_are_whole(constant(l, lengths), steps);
}

/* Whether stages do not support this node; true after reporting. */
static bool refused(Lift *l, const GraphNode *node, const Operands *o) {
  const char *why =
      !o->w || !o->r                                  ? "has weights that are not constants"
      : recurrent_operand(node, RECURRENT_B) && !o->b ? "has a bias that is not a constant"
      : o->projection ? "projects its output to another size, which `LSTM` does not support"
      : graph_int(node, GRAPH_ATTR_input_forget, 0)
          ? "couples its input and forget gates (`input_forget`), which `LSTM` does not support"
      : o->lengths && !whole_lengths(l, o->lengths, lift_type(l, node->in[0])->dim[0])
          ? "ends each sequence of a batch at its own length"
          : NULL;
  if (why) {
    Diag *d = lift_refuse(l, node, E902, "%s", why);
    int64_t steps = lift_type(l, node->in[0])->dim[0];
    if (constant(l, o->lengths) && !whole_lengths(l, o->lengths, steps))
      diag_fix(
          d, FIX_MAYBE,
          "take the constant lengths out of the file, and give `--time \"n <= %lld\"`: the caller "
          "then passes the length",
          (long long)steps);
    if (o->lengths && !constant(l, o->lengths) && l->time.kind != TIME_BOUNDED)
      diag_fix(d, FIX_FILL,
               "an input of lengths becomes that of a bounded sequence: --time \"n <= N\"");
    return true;
  }
  if (!o->mask) return false;
  Diag *d = lift_refuse(l, node, E903,
                        "skips steps by a mask that is computed, which may hide other steps than "
                        "those after the end");
  diag_fix(d, FIX_FILL,
           "a bounded length takes the place of the masks of inputs; this one stays with `--time "
           "N`, where all N steps are computed");
  return true;
}

/* Finds the axes of a node. False after reporting. */
static bool find_run(Lift *l, const GraphNode *node, RunOver *out) {
  const GraphValue *x = node->in[0];
  int time, none, where[2];
  Axis scanned = lift_axis_alone(l, x, 0, &time), features = lift_axis_whole(l, x, 2, &none),
       units = lift_axis(l, node->out[1], 2, &none);
  Axis group[2] = {scanned, features};
  bool calls = l->roles.way == TIME_WAY_CALLS && lift_type(l, x)->dim[0] == 1;
  if (time >= 0 && scanned.n) {
    lift_lacks(l, node, E902, "give time an axis of its own before the node",
               "goes along an axis that is time and features at once");
    return false;
  }
  bool along_time = calls || time >= 0;
  bool found = along_time ? lift_apart(l, x, 1, &features, true, &out->layout, where)
                          : lift_apart(l, x, 2, group, true, &out->layout, where);
  if (along_time && where[0] >= 0) found = true; /* lift_value repeats features that are missing */
  bool single = time >= 0 && atom_size(l->atoms, time) == 1 && l->time.kind == TIME_FIXED;
  if (found && !out->layout.timed && (single || lift_is_made(l, time))) {
    /* The graph makes the steps itself: there is one, or a vector is repeated. */
    out->layout.timed = true;
    out->layout.time = time;
  }
  if (!found || (along_time && !out->layout.timed)) {
    lift_refuse(l, node, E902, "goes along an axis that the model's value does not have");
    return false;
  }
  out->along = along_time ? -1 : where[0];
  out->made = lift_axis(l, node->out[1], 0, &none);
  for (int i = 0; i < units.n; i++)
    out->made.atom[out->made.n++] = units.atom[i];
  return true;
}

/* Places the results of a node as those of its layer. */
static void place_results(Lift *l, const GraphNode *node, Layer *layer, const RunOver *run,
                          bool forward) {
  Layout all = run_layout(run, false), ended = run_layout(run, true);
  lift_place(l, node->out[0], layer->out[0], &all);
  if (node->op == GRAPH_Lstm) lift_place(l, node->out[2], layer->out[2], &ended);
  if (run->along < 0 &&
      l->time.kind == TIME_STREAM) { /* the state after each step is the result of that step */
    lift_place(l, node->out[1], layer->out[0], &all);
    return;
  }
  if (l->uses[node->out[1]->id]) {
    /* `last`, if this is the only result that is read, and one node reads it. */
    bool alone = forward && run->along < 0 && l->uses[node->out[1]->id] == 1 &&
                 !l->uses[node->out[0]->id] && (node->n_out < 3 || !l->uses[node->out[2]->id]);
    Value *h = alone ? lift_layer(l, node, LAYER_last, 1, layer->out)->out[0] : layer->out[1];
    lift_place(l, node->out[1], h, &ended);
  }
}

LiftDone lift_recurrent(Lift *l, const GraphNode *node) {
  if (node->op != GRAPH_Lstm && node->op != GRAPH_Gru && node->op != GRAPH_Rnn) return LIFT_OTHER;
  Operands o = operands_of(l, node);
  if (refused(l, node, &o)) return LIFT_FAILED;
  const GraphValue *x = node->in[0];
  const char *direction = graph_word(node, GRAPH_ATTR_direction, 0, "forward");
  int dirs = (int)o.w->dim[0];
  bool after = o.form->kind == LAYER_GRU && graph_int(node, GRAPH_ATTR_reset_after, 0),
       forward = strcmp(direction, "forward") == 0;
  RunOver run;
  Start start;
  AxisNames names;
  if (!find_run(l, node, &run)) return LIFT_FAILED;
  Value *value = lift_value(l, node, x, &run.layout);
  if (!value || !find_start(l, node, &o, &run, &start)) return LIFT_FAILED;
  if (run.along >= 0) value = lift_labelled(l, node, value, &run.layout, &names);
  Layer *layer = lift_layer(l, node, o.form->kind, 1, &value);
  layer_set_size(layer, OPT_units, o.r->dim[3]);
  if (run.along >= 0) lift_set_axes(l, layer, OPT_along, 1, &names.name[run.along]);
  if (!forward) layer_set_word(layer, OPT_direction, direction);
  if (o.form->kind == LAYER_GRU) layer_set_word(layer, OPT_reset, after ? "after" : "before");
  if (graph_attribute(node, GRAPH_ATTR_clip))
    layer_set_number(layer, OPT_clip, graph_number(node, GRAPH_ATTR_clip, 0));
  if (graph_attribute(node, GRAPH_ATTR_cell_clip))
    layer_set_number(layer, OPT_cell_clip, graph_number(node, GRAPH_ATTR_cell_clip, 0));
  if (!set_activations(l, node, &o, dirs, layer) || !give_weights(l, node, &o, layer, after) ||
      !give_start(l, node, &o, &start, layer))
    return LIFT_FAILED;
  place_results(l, node, layer, &run, forward);
  return LIFT_DONE;
}
