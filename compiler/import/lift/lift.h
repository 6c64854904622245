/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a Graph to a Model. In, the graph that a reader made of a file (graph.h); out, a Model of
 * the language that computes the same, or a diagnostic. lift.c has the public function. The files
 * of this folder, in the order in which their work is done:
 *
 *   real, real_product, limits, ranges   integers with a scale become real numbers
 *   settings, wish, sizes                what --set and --time say; a number for each open size
 *   flat, flatten_*                      the flat graph (flat.h): loops are unrolled, branches
 *                                        are chosen
 *   simplify, arranged, scatter,         operators of the flat graph by others that are nearer
 *   reworded, order, rewrite             to stages
 *   ways, spelled, written, mapped,      several operators become one, such as a norm or
 *   attended, attended_sums, phases,     attention; one operator without a stage becomes several
 *   timed_norm
 *   states, windows, trace               which outputs come back as inputs of the next call
 *   atoms, relate_*, roles, merged       which axes are one axis (atoms.h), and which of them are
 *                                        the batch and time (roles.h)
 *   recognise, cell, chain, affine,      steps that are written out become an LSTM, GRU or RNN
 *   form, start, scope
 *   own, across                          steps of any other cell become one step, with its state
 *   beside                               constants of several numbers beside values become sums
 *   masks, masked, whole                 masks become the length of bounded sequences
 *   place, layout, bring, meet, axes     where the numbers of a graph value are in the model
 *   weighted, sweep, conv, pool, moves,  a node becomes stages, one family of operators a file
 *   recurrent, pointwise, constant and
 *   the others
 *   ports                                inputs and outputs
 *   check, check_input, check_late       graph and model are computed side by side
 *
 * A value of the graph is *placed* in a value of the model (Placed), which has no batch axis. An
 * axis of the model value holds atoms of the graph, which are axes or factors of axes. Atoms of
 * size 1 are left out. */
#ifndef GRUS_IMPORT_LIFT_H
#define GRUS_IMPORT_LIFT_H

#include "import/foreign.h"
#include "import/lift/roles.h"
#include "import/lift/trace.h"

/* A feature axis of a model value: the atoms in it, in row-major order. If n is 0, its size is 1.
 */
typedef struct Axis {
  int n;
  int atom[FACTORS_MAX];
} Axis;

/* The axes of a model value: time, if `timed`, and n axes of features. */
typedef struct Layout {
  bool timed;
  int time; /* the atom of the time axis; -1: there is none, or each call is one step */
  int n;
  Axis axis[TYPE_MAX_AXES];
} Layout;

/* Where the numbers of a graph value are in the model.
 *
 * A Pad or a window over a stream adds steps in front of the model's steps, and a Pad may add steps
 * after them. The model has no value with these steps: `before` and `after` count them until a
 * convolution reads them as its padding. They are zeros; on a stream, those in front are the steps
 * of earlier calls, which are zeros at first. */
typedef struct Placed {
  Value *value; /* NULL: the model does not compute it */
  Layout layout;
  int64_t before, after;
  bool loose; /* the steps in front have no meaning: a reader may use the steps of this call only */
  int bare;   /* the atom of time without these steps, if the sequence has an end */
} Placed;

/* A state: output `out` of the flat graph is input `in` of the next call. */
typedef struct StatePair {
  int in, out;
  const GraphTensor *start; /* the first value of a variable; NULL: the caller gives it */
} StatePair;

/* A number that the graph looks for in an input. */
typedef struct Hole {
  bool is;
  double number;
} Hole;

typedef struct Lift {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  const Graph *graph;
  Flat *flat;
  bool *sized; /* by input of the file, GRAPH_MAX_RANK each: options give the axis a size */
  const int *file_input; /* by input of the flat graph: its number in the file */
  Atoms *atoms;
  Roles roles;
  Time time;                      /* the time of every sequence at period 1 */
  const FlatSize *size;           /* by input of the file: the sizes with which it was flattened */
  bool batch_is_open;             /* the file leaves the size of the batch open */
  int64_t flat_batch, flat_steps; /* how many samples and steps the flat graph has */
  bool *is_length; /* by flat input: it is the length of a bounded sequence; NULL: none is */
  Hole *hole;      /* by flat input */
  bool has_holes;  /* one of them is */
  bool *delivered; /* by flat output: it is an output of the model */
  Foreign *foreign;
  Placed *placed; /* by flat value id */
  int *uses;      /* by flat value id: how many nodes and outputs read it */
  StatePair *state;
  int n_states;
  bool *own;     /* by flat input: it is a state that the stages of one step read, not the initial
                    state of a layer (kept.c); NULL: not known yet */
  Trace trace;   /* follows elements while states are looked for */
  int n_windows; /* how many Concats lift_find_windows found */
  Diag *refusal; /* the error of lift_refuse, which is about the node `refused`; NULL: there is none
                  */
  const GraphNode *refused;
  bool reported; /* a diagnostic says why the graph cannot be analysed with any sizes */
  int *named;    /* families of atoms that have a name (axes.c), in the order of their names */
  int n_named;
  size_t cap_named;
} Lift;

/* ---- ports.c ---- */
/* Adds flat input `number` to the model, with its axes in the order of the file and no batch. */
void lift_add_input(Lift *l, int number);
/* Whether the flat input is a state that a stream keeps, and so no input of the model. */
bool lift_is_kept_input(const Lift *l, int number);
/* Adds all outputs to the model. False after reporting. */
bool lift_add_outputs(Lift *l);

/* ---- place.c ---- */
/* Element and shape of a value of the flat graph, with its numbers if it is a constant. */
const GraphTensor *lift_type(const Lift *l, const GraphValue *value);
bool lift_is_constant(const Lift *l, const GraphValue *value);
/* The weights of a node that has become a layer go, if they were made for the flat graph and
 * nothing else reads them. */
void lift_release(Lift *l, const GraphValue *weights);
/* The atoms of a graph axis that are features of the model: they are not the batch, not time, and
 * not of size 1. *time gets the atom of the axis that is time, or -1. */
Axis lift_axis(Lift *l, const GraphValue *value, int axis, int *time);
/* The same for an operator that works along this axis. If the axis has features, *time is -1
 * although an atom of time with one step is among them. */
Axis lift_axis_alone(Lift *l, const GraphValue *value, int axis, int *time);
/* The same, but if there is time of several steps, the result holds its atom too: the steps count
 * as features. */
Axis lift_axis_whole(Lift *l, const GraphValue *value, int axis, int *time);
/* The layout of a value in the order of its graph axes: time, then an axis for each graph axis that
 * has features. */
Layout lift_natural(Lift *l, const GraphValue *value);
/* The model value that has the numbers of a graph value in this layout, for a node that reads it.
 * Adds the stages that reorder or repeat it. NULL after reporting. */
Value *lift_value(Lift *l, const GraphNode *for_node, const GraphValue *value, const Layout *want);
/* The elements of the value in the same order, with the axes of another layout. */
Value *lift_reshaped(Lift *l, const GraphNode *for_node, Value *value, const Layout *to);
/* The value repeated along a new last axis of these atoms, which *layout gets too. */
Value *lift_spread(Lift *l, const GraphNode *for_node, Value *value, Layout *layout,
                   const Axis *along);
/* The same as lift_value without the steps of Placed.before and after, which the reader adds
 * itself. */
Value *lift_inner_value(Lift *l, const GraphNode *for_node, const GraphValue *value,
                        const Layout *want);
/* An Expand adds no stage: its readers repeat the value. Repeats it now, along all axes that the
 * graph value has, and places the result. False: the value has these axes already. */
bool lift_complete(Lift *l, const GraphNode *for_node, const GraphValue *value);
/* *out is the present layout of the value, but with these atoms as the last axis. False: the value
 * does not have all of them. */
bool lift_last(Lift *l, const GraphValue *value, const Axis *last, Layout *out);
/* *out is the present layout of the value, but each group of atoms is an axis of its own; if
 * `features`, the last group is the last axis. A group without atoms is an axis of size 1.
 * where[i] gets the axis of group i. False: the value does not have all atoms. */
bool lift_apart(Lift *l, const GraphValue *value, int n, const Axis *group, bool features,
                Layout *out, int *where);
/* *out is the layout in which two operands of a node are combined element by element. It has every
 * axis of both, split so that each operand has an axis whole or lacks it. *wide gets the operand
 * that has all of them, or time; the other one is repeated along it. False after reporting. */
bool lift_meeting(Lift *l, const GraphNode *for_node, const GraphValue *a, const GraphValue *b,
                  const GraphValue **wide, Layout *out);
/* The model value of `value` in a layout of which it may lack axes: it is repeated along those of
 * `wide`, a model value of this layout. NULL after reporting. */
Value *lift_broadcast(Lift *l, const GraphNode *for_node, const GraphValue *value, Value *wide,
                      const Layout *layout);
/* Notes that this model value has the numbers of a graph value, in this layout. */
void lift_place(Lift *l, const GraphValue *value, Value *in_model, const Layout *layout);
/* A new layer of the model, whose origin is the node. */
Layer *lift_layer(Lift *l, const GraphNode *node, LayerKind kind, int n_in, Value *const *in);
/* Whether the atom is the time of a sequence that the graph makes itself, such as a vector that is
 * repeated (Roles.made). Its length is fixed, even if time has none. */
bool lift_is_made(Lift *l, int time);
/* Whether the number of steps of this time is fixed. */
bool lift_has_length(Lift *l, int time);
/* The type of a model value with this layout. */
Type lift_shape(Lift *l, const Layout *layout);
/* What messages call a node: "node `/rnn/LSTM` (LSTM)", or "layer `lstm`" for files of layers. */
const char *lift_origin(const Lift *l, const GraphNode *node);
/* Reports an error about a node: its name, "node `x` (Conv)", and then the text. If the caller adds
 * neither a note nor a fix, lift_advise adds what works instead of the operator. */
Diag *lift_refuse(Lift *l, const GraphNode *node, DiagCode code, const char *format, ...)
    GRUS_PRINTF(4, 5);

/* The same with the sentence of a `help:`: what works instead, which is true of this file. */
void lift_lacks(Lift *l, const GraphNode *node, DiagCode code, const char *help, const char *format,
                ...) GRUS_PRINTF(5, 6);
/* Adds to an error about sequences without a fixed length the option that gives them one, if the
 * file allows it. */
void lift_propose_length(Lift *l, Diag *d);

/* Zeroed room for a tensor of a layer; NULL after reporting. */
float *lift_tensor(Lift *l, const GraphNode *node, Layer *layer, Role role, int rank,
                   const int64_t *dim);
/* Gives a layer a vector, which `from` must hold as `count` constant numbers. False after
 * reporting. */
bool lift_vector(Lift *l, const GraphNode *node, Layer *layer, Role role, const GraphTensor *from,
                 int64_t count);
/* ---- ranges.c ---- */
/* Notes in l->foreign whether the file stores weights as integers. False after reporting a scale
 * that is not a positive number. */
bool lift_scales(Lift *l, const Graph *graph);
/* Copies the ranges that a quantised file gives for its values to l->foreign. */
void lift_ranges(Lift *l);
/* ---- layout.c ---- */
/* The product of the sizes of its atoms. */
int64_t axis_size(const Lift *l, const Axis *axis);
bool axis_equal(const Axis *a, const Axis *b);
enum { LAYOUT_MAX_LEAVES = FACTORS_MAX * 2 };
/* Writes the atoms of the feature axes in storage order, and returns how many there are. */
int layout_leaves(const Layout *layout, int out[LAYOUT_MAX_LEAVES]);
/* The place of `which` in a list of n atoms; -1: it is not in the list. */
int atom_index(const int *atom, int n, int which);
/* Whether an atom is among the features of a layout. */
bool layout_has(const Layout *layout, int atom);
/* The atoms of `to` that `from` lacks. An Expand repeats a value along such atoms. */
Axis layout_missing(const Layout *from, const Layout *to);
/* If not `timed`, the atom `time` becomes the first feature axis. If `timed`, it becomes the time
 * of the layout, and the feature axes stay. */
Layout layout_with_time(const Layout *layout, bool timed, int time);
/* The same layout with another last axis. */
Layout layout_with_last(const Layout *layout, const Axis *last);

/* ---- axes.c ---- */
typedef struct AxisNames {
  const char *name[TYPE_MAX_AXES];
} AxisNames;
/* A name for each feature axis of a layout. */
AxisNames lift_axis_names(Lift *l, const Layout *layout);
/* The value with a `label` that gives its n axes these names. */
Value *lift_named(Lift *l, const GraphNode *for_node, Value *value, int n, const AxisNames *names);
/* The same with the names of its layout, which *names gets. */
Value *lift_labelled(Lift *l, const GraphNode *for_node, Value *value, const Layout *layout,
                     AxisNames *names);
/* Sets an option that names axes: `along`, and the axes of permute and label. */
void lift_set_axes(Lift *l, Layer *layer, OptName option, int n, const char *const *names);
/* To be called before types are inferred. A label after an input or a reshape goes; the type of the
 * input or the reshape gets its names. */
void lift_labels_to_types(Lift *l);
/* To be called after types are inferred. A label goes if the axes have its names already. */
void lift_drop_labels(Lift *l);

/* ---- the operators ----
 * Each function makes layers of a node whose operands are placed, and places its results. */
typedef enum LiftDone {
  LIFT_OTHER, /* the function does not know this operator, or this form of it */
  LIFT_DONE,
  LIFT_FAILED /* after reporting */
} LiftDone;
LiftDone lift_weighted(Lift *l, const GraphNode *node);
LiftDone lift_product(Lift *l, const GraphNode *node); /* product.c: of two values that vary */
/* The atoms of a graph axis that are features or time, without the batch and those of size 1. */
Axis lift_all_of(Lift *l, const GraphValue *value, int axis);
LiftDone lift_conv(Lift *l, const GraphNode *node);
LiftDone lift_conv_transpose(Lift *l, const GraphNode *node);
LiftDone lift_attention(Lift *l, const GraphNode *node);
LiftDone lift_group_norm(Lift *l, const GraphNode *node);
LiftDone lift_recurrent(Lift *l, const GraphNode *node);
LiftDone lift_kept(Lift *l, const GraphNode *node);
/* If a call is a step: add `state` for each state of the file that is not the state of a layer,
 * before the nodes become layers, and `keep` after that. False after reporting. */
bool lift_begin_own_states(Lift *l);
bool lift_end_own_states(Lift *l);
LiftDone lift_pointwise(Lift *l, const GraphNode *node);
/* ---- constant.c ---- */
/* number op x, or x op number. */
Layer *lift_with_number(Lift *l, const GraphNode *node, LayerKind kind, Value *x, double number,
                        bool swapped);
/* The atoms of the result that a constant runs along, in the order of its elements; time among them
 * where it does. False: the value has other ones. */
bool lift_axes_of_constant(Lift *l, const GraphNode *node, const GraphTensor *t, Axis *out);
LiftDone lift_with_constant(Lift *l, const GraphNode *node, LayerKind kind);
LiftDone lift_select(Lift *l, const GraphNode *node);
LiftDone lift_truth(Lift *l, const GraphNode *node);
LiftDone lift_moves(Lift *l, const GraphNode *node);
/* lift_moves calls these. */
LiftDone lift_reduce(Lift *l, const GraphNode *node);
LiftDone lift_argmax(Lift *l, const GraphNode *node);
LiftDone lift_slice(Lift *l, const GraphNode *node);
LiftDone lift_split(Lift *l, const GraphNode *node);
LiftDone lift_gather_part(Lift *l, const GraphNode *node); /* the indices are constants */
LiftDone lift_frames(Lift *l, const GraphNode *node); /* they are windows; for lift_gather_part */
LiftDone lift_concat(Lift *l, const GraphNode *node);
LiftDone lift_pad(Lift *l, const GraphNode *node);
/* Places the result where the first operand is: the node changes no number and adds no layer. */
LiftDone lift_pass(Lift *l, const GraphNode *node);
/* Places `result` as the steps from `begin` up to `end`, which is not among them, of a sequence of
 * fixed length. made: the atom of time in the result. */
LiftDone lift_steps(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *result,
                    int64_t begin, int64_t end, int made);
/* Places `result` as every step-th element of a graph axis of x or, if step is -1, as its elements
 * from the last to the first. at: the value that is taken from, which is x or what earlier slices
 * of the same node made of it. */
LiftDone lift_thinned(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                      const GraphValue *result, int axis, int64_t step);
LiftDone lift_pool(Lift *l, const GraphNode *node); /* pool.c */

/* ---- recurrent.c ---- */
/* The word of the language for an activation of a cell, such as "hard_sigmoid(0.2,0.5)"; NULL: the
 * language has none. */
const char *lift_cell_word(const char *name);

/* ---- written.c ---- */
/* Norms and functions that a file writes as several small operators become one operator each. */
void lift_written_out(Flat *flat);

/* ---- timed_norm.c ---- */
/* Norms over the steps of a whole sequence become small operators. Returns whether there are any.
 */
bool lift_norms_over_time(Lift *l);

/* ---- phases.c ---- */
/* Convolutions of every b-th step of a sequence become convolutions with a dilation. */
void lift_dilated(Flat *flat);

/* ---- attended.c ---- */
/* Attention that a file writes as several operators becomes one operator. */
void lift_attended(Flat *flat);

/* ---- attended_sums.c ---- */
/* For scores that are sums: sets in[0] to the queries, in[1] to the keys and in[3] to the scale.
 * False: the scores are not such sums. */
bool lift_attended_sums(Flat *flat, const GraphValue *scores, double factor, GraphValue **in);

/* ---- windows.c ---- */
/* Finds the Concats of rows that earlier calls kept and new rows. Marks them in the flat graph and
 * adds what they keep to l->state. */
void lift_find_windows(Lift *l);
LiftDone lift_window(Lift *l, const GraphNode *node);

/* ---- recognise.c ---- */
/* LSTM, GRU and RNN cells that are written out step after step become one operator each. batch: the
 * family of the batch in atoms; -1: there is one sample. Returns whether the graph changed. */
bool lift_recognise(Flat *flat, Atoms *atoms, int batch);

/* ---- own.c ---- */
/* Any other cell that is written out step after step becomes State, the operators of one step over
 * all steps at once, and Keep. Returns whether the graph changed. */
bool lift_own_cells(Flat *flat);
/* ---- beside.c ---- */
/* Constants of several numbers, joined to values or chosen, become sums. Whether some did. */
bool lift_constants_beside(Flat *flat);
/* ---- mapped.c ---- */
/* A function that is written out for each step, and whose results are joined, becomes one function
 * of all steps. Returns whether the graph changed. */
bool lift_mapped_steps(Flat *flat);

/* ---- real.c ---- */
/* If a graph rounds to integers with a scale: the same graph of real numbers, with notes that say
 * so. Otherwise, and if it computes with the integers in another way, the graph itself. */
const Graph *lift_real(const Graph *graph);

/* ---- merged.c ---- */
/* Marks Reshapes that make the steps of a sequence of the steps and features of another one.
 * Returns whether it marked any. */
bool lift_part_merged(Lift *l);

/* ---- states.c ---- */
/* Fills l->state with the variables of the file and the pairs that --state names. False after
 * reporting. */
bool lift_declared_states(Lift *l);
/* Adds the pairs that the graph shows: an output has, element by element, the final state of a
 * recurrent operator whose initial state is the input. */
void lift_find_states(Lift *l);
/* Fills l->own. */
void lift_find_own_states(Lift *l);
/* Notes in l->atoms that such a state has the same axes in the next call. */
void lift_join_own_states(Lift *l);
/* Marks the values of the flat graph from which only states are computed, for files in which each
 * call must be a step: what operators do along the axes of such values says nothing about roles. */
void lift_mark_idle(Lift *l);
/* The pair whose input this flat input is; NULL: it is no state. */
const StatePair *lift_pair_of_input(const Lift *l, int in);
/* Adds a pair, unless the input has one already. */
void lift_add_pair(Lift *l, int in, int out);
/* Whether a stream keeps this initial state of a recurrent node. *first gets its numbers before the
 * first call; NULL: zeros. */
bool lift_state_is_kept(Lift *l, const GraphValue *start, const GraphTensor **first);
/* Whether a value can be the initial state of a node: if a call is a step, the value must not be of
 * that step. False after reporting. */
bool lift_start_is_earlier(Lift *l, const GraphNode *node, const GraphValue *start);
/* Whether this output of the file is a state that a stream keeps, and so no output of the model. If
 * all outputs of the file are states, the h of a cell is an output of the model as well. */
bool lift_is_kept_output(Lift *l, int o);
/* By flat value id: whether an output of the model is computed from it. Values that only pack or
 * unpack states that a stream keeps are not needed. */
bool *lift_needed(Lift *l);

/* ---- holes.c ---- */
/* Before anything is changed in the flat graph. */
void lift_find_holes(Lift *l);

/* ---- hold.c ---- */
LiftDone lift_hold(Lift *l, const GraphNode *node);

/* ---- check.c ---- */
/* Computes graph and model on random inputs, and notes the largest difference in the summary.
 * False after reporting that they differ. */
bool lift_check(Lift *l);

/* ---- settings.c ---- */
/* Checks that every --set has a number and names an input or an open axis. False after reporting.
 */
bool lift_check_sets(Lift *l);
/* The value that --set gives an input or an open axis of this name; false: no option does. */
bool lift_set_value(const Lift *l, const char *name, double *out);
/* The same for an open axis, by any of its names. */
bool lift_set_axis(const Lift *l, int input, int axis, double *out);
/* What --set calls an open axis: its name in the file or, if it has none, `input.1` for axis 1 of
 * `input`. */
const char *lift_axis_handle(const Lift *l, int input, int axis);

/* ---- advice.c ---- */
/* Adds what works instead to the error of lift_refuse, if it says nothing of this itself. */
void lift_advise(Lift *l);

/* ---- lift.c ---- */
/* The Model that computes what a graph computes; NULL after reporting. */
Foreign *lift_graph(const ForeignFile *file, const Graph *graph, const ImportOptions *options,
                    Diags *diags);

#endif
