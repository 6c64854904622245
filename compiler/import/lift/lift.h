/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a flat graph with roles to a Model.
 *
 *   lift.c       options, roles: the public function; ports.c: inputs and outputs
 *   sizes.c      sizes of open axes; wish.c: the length that the user wishes
 *   place.c      where the numbers of a graph value are in a model value; layout.c: layouts
 *   bring.c      a model value in another order; meet.c: two of them in one order
 *   axes.c       names of axes, for the stages that name one
 *   weighted.c   products, norms, tables
 *   sweep.c      windows; conv.c, conv_transpose.c, pool.c: what goes over them
 *   attention.c  attention
 *   recurrent.c  LSTM, GRU, RNN and their states; kept.c: states of cells of their own
 *   pointwise.c  functions of one and two values
 *   moves.c      what changes no number; frames.c: windows side by side
 *   cut.c        slices, steps of a sequence; join.c: joins, padding; reduce.c: reductions
 *   written.c    norms and functions in small steps
 *   attended.c   attention in small steps
 *   states.c     what goes out and comes back
 *   masks.c      bounded sequences: the graph's masks become their length
 *   check.c      Graph and Model computed side by side
 *
 * A graph value is placed in a model value: time, where it has a time axis, and features. The batch
 * is gone. Axes of the model hold atoms of the graph; those of size 1 are left out and stand for
 * nothing. */
#ifndef GRUS_IMPORT_LIFT_H
#define GRUS_IMPORT_LIFT_H

#include "import/foreign.h"
#include "import/lift/roles.h"
#include "import/lift/trace.h"

/* A feature axis of a model value: the atoms in it, in row-major order. n 0: an axis of size 1. */
typedef struct Axis {
  int n;
  int atom[FACTORS_MAX];
} Axis;

typedef struct Layout {
  bool timed;
  int time; /* the atom of the time axis; -1: none, or the call itself is the step */
  int n;
  Axis axis[TYPE_MAX_AXES];
} Layout;

typedef struct Placed {
  Value *value; /* NULL: not computed by the model */
  Layout layout;
  int64_t before,
      after;  /* steps that the graph's value has around the model's, for convolutions: zeros; on a
               * stream,  those of the calls before, which are zeros at first */
  bool loose; /* what stands before the first step is nobody's: only steps of this call may be
                read */
  int bare;   /* of a sequence with an end: the atom of the time without them */
} Placed;

/* An output that comes back: which input it is in the next call. */
typedef struct StatePair {
  int in, out;              /* of the flat graph */
  const GraphTensor *start; /* a variable's first value; NULL: the caller's */
} StatePair;

typedef struct Lift {
  Arena *arena;
  const ForeignFile *file;
  const ImportOptions *options;
  Diags *diags;
  const Graph *graph;
  Flat *flat;
  const int *file_input; /* number in the file of each flat input */
  Atoms *atoms;
  Roles roles;
  Time time;                      /* of every value that has time, at period 1 */
  const FlatSize *size;           /* of the file's inputs, as they were flattened */
  bool batch_is_open;             /* the file leaves it open */
  int64_t flat_batch, flat_steps; /* how many samples and steps the flat graph has */
  bool *is_length; /* flat inputs that are the length of a bounded sequence; NULL: none */
  bool *delivered; /* flat outputs that are outputs of the model */
  Foreign *foreign;
  Placed *placed; /* by flat value id */
  int *uses;      /* by flat value id: nodes and outputs that read it */
  StatePair *state;
  int n_states;
  bool *own;   /* by flat input: kept, and read by others than the start of a layer: a state of its
                  own;   NULL: not known yet */
  Trace trace; /* of the flat graph as states are looked for */
  int n_windows; /* Concats that lift_find_windows found */
  bool reported; /* why the graph cannot be analysed, whatever its sizes */
  int *named;    /* families that have a name, in the order in which they got it */
  int n_named;
  size_t cap_named;
} Lift;

/* ---- ports.c ---- */
/* An input in the order of its axes in the file, the batch left out. */
void lift_add_input(Lift *l, int number);
bool lift_is_kept_input(const Lift *l, int number); /* a state of the stream */
bool lift_add_outputs(Lift *l);                     /* false after reporting */

/* ---- place.c ---- */
const GraphTensor *lift_type(const Lift *l, const GraphValue *value);
bool lift_is_constant(const Lift *l, const GraphValue *value);
/* The atoms of a graph axis that are features of the model: neither batch nor time nor of size 1.
 * *time gets the time atom that is among them, -1 if none. */
Axis lift_axis(Lift *l, const GraphValue *value, int axis, int *time);
/* The same for an operator that works along this axis: a time of size 1 beside features is not
 * meant. */
Axis lift_axis_alone(Lift *l, const GraphValue *value, int axis, int *time);
/* The same where the steps of a sequence are features too. */
Axis lift_axis_whole(Lift *l, const GraphValue *value, int axis, int *time);
/* Time first, then an axis for each graph axis that has features. */
Layout lift_natural(Lift *l, const GraphValue *value);
/* The model value that has the numbers of a graph value in this layout; NULL after reporting. */
Value *lift_value(Lift *l, const GraphNode *for_node, const GraphValue *value, const Layout *want);
/* The value under other axes of the same elements. */
Value *lift_reshaped(Lift *l, const GraphNode *for_node, Value *value, const Layout *to);
/* The value with an axis of these atoms after the others: all of its positions are equal. */
Value *lift_spread(Lift *l, const GraphNode *for_node, Value *value, Layout *layout,
                   const Axis *along);
/* The same as lift_value for a reader that minds the steps around it itself. */
Value *lift_inner_value(Lift *l, const GraphNode *for_node, const GraphValue *value,
                        const Layout *want);
/* Places the value anew with the axes that an Expand gave it, along which its readers repeat it
 * otherwise. False: it has all of them. */
bool lift_complete(Lift *l, const GraphNode *for_node, const GraphValue *value);
/* As it is placed now, except that these atoms, all of them features, make the last axis. */
bool lift_last(Lift *l, const GraphValue *value, const Axis *last, Layout *out);
/* As it is placed now, except that each group of atoms is an axis of its own, the last group the
 * last axis if `features`. A group without atoms is an axis of size 1. where[i] is the axis of
 * group i. False: the value lacks one. */
bool lift_apart(Lift *l, const GraphValue *value, int n, const Axis *group, bool features,
                Layout *out, int *where);
/* The layout in which two operands of a node meet element by element: every axis of both, cut so
 * that each of them has an axis whole or not at all. *wide: the operand that the other is repeated
 * along. False after reporting. */
bool lift_meeting(Lift *l, const GraphNode *for_node, const GraphValue *a, const GraphValue *b,
                  const GraphValue **wide, Layout *out);
/* The model value of `value` in a layout that it lacks axes of: repeated along those of `wide`, a
 * value of this layout. */
Value *lift_broadcast(Lift *l, const GraphNode *for_node, const GraphValue *value, Value *wide,
                      const Layout *layout);
void lift_place(Lift *l, const GraphValue *value, Value *in_model, const Layout *layout);
Layer *lift_layer(Lift *l, const GraphNode *node, LayerKind kind, int n_in, Value *const *in);
/* Steps of a sequence that the graph makes: of a fixed length, whatever time is. */
bool lift_is_made(Lift *l, int time);
/* The length of such sequences is known: time has one, or the graph makes them. */
bool lift_has_length(Lift *l, int time);
Type lift_shape(Lift *l, const Layout *layout);
/* "node `/rnn/LSTM` (LSTM)" */
const char *lift_origin(const Lift *l, const GraphNode *node);
/* E902 and its kin about a node: "node `x` (Conv) " and the text. */
Diag *lift_refuse(Lift *l, const GraphNode *node, DiagCode code, const char *format, ...)
    GRUS_PRINTF(4, 5);

/* Room for a layer's tensor, and a vector of `count` numbers from a constant; NULL and false after
 * reporting. */
float *lift_tensor(Lift *l, const GraphNode *node, Layer *layer, Role role, int rank,
                   const int64_t *dim);
bool lift_vector(Lift *l, const GraphNode *node, Layer *layer, Role role, const GraphTensor *from,
                 int64_t count);
/* ---- ranges.c ---- */
/* Notes whether weights are integers. False after reporting a scale that values cannot have. */
bool lift_scales(Lift *l, const Graph *graph);
/* Tells l->foreign what the file says of the numbers of its values. */
void lift_ranges(Lift *l);
/* ---- layout.c ---- */
int64_t axis_size(const Lift *l, const Axis *axis);
bool axis_equal(const Axis *a, const Axis *b);
enum { LAYOUT_MAX_LEAVES = FACTORS_MAX * 2 };
/* The atoms of the axes of a layout, in storage order, without that of time. */
int layout_leaves(const Layout *layout, int out[LAYOUT_MAX_LEAVES]);
/* Where `which` stands in a list of atoms; -1: nowhere. */
int atom_index(const int *atom, int n, int which);
/* An atom is among the features of a layout. */
bool layout_has(const Layout *layout, int atom);
/* The axes of `to` that `from` lacks, which are those along which an Expand repeats. */
Axis layout_missing(const Layout *from, const Layout *to);
/* Time becomes the first feature axis, or the first feature axis becomes time. */
Layout layout_with_time(const Layout *layout, bool timed, int time);
Layout layout_with_last(const Layout *layout, const Axis *last);

/* ---- axes.c ---- */
typedef struct AxisNames {
  const char *name[TYPE_MAX_AXES];
} AxisNames;
AxisNames lift_axis_names(Lift *l, const Layout *layout);
/* The value with its axes named: so, or as the axes of its layout are. */
Value *lift_named(Lift *l, const GraphNode *for_node, Value *value, int n, const AxisNames *names);
Value *lift_labelled(Lift *l, const GraphNode *for_node, Value *value, const Layout *layout,
                     AxisNames *names);
/* along=, and the axes of permute and label. */
void lift_set_axes(Lift *l, Layer *layer, OptName option, int n, const char *const *names);
/* Before types are inferred: names of inputs and of reshapes stand in their types. */
void lift_labels_to_types(Lift *l);
/* After it: what names axes as they are named already goes. */
void lift_drop_labels(Lift *l);

/* ---- the operators: false after reporting; LIFT_OTHER: not of this file ---- */
typedef enum LiftDone { LIFT_OTHER, LIFT_DONE, LIFT_FAILED } LiftDone;
LiftDone lift_weighted(Lift *l, const GraphNode *node);
LiftDone lift_conv(Lift *l, const GraphNode *node);
LiftDone lift_conv_transpose(Lift *l, const GraphNode *node);
LiftDone lift_attention(Lift *l, const GraphNode *node);
LiftDone lift_group_norm(Lift *l, const GraphNode *node);
LiftDone lift_recurrent(Lift *l, const GraphNode *node);
LiftDone lift_kept(Lift *l, const GraphNode *node);
/* Where a call is a step, `state` and `keep` for what is kept and is the state of no layer. False
 * after reporting. */
bool lift_begin_own_states(Lift *l);
bool lift_end_own_states(Lift *l);
LiftDone lift_pointwise(Lift *l, const GraphNode *node);
LiftDone lift_select(Lift *l, const GraphNode *node);
LiftDone lift_moves(Lift *l, const GraphNode *node);
LiftDone lift_reduce(Lift *l, const GraphNode *node); /* of lift_moves, as these are */
LiftDone lift_argmax(Lift *l, const GraphNode *node);
LiftDone lift_slice(Lift *l, const GraphNode *node);
LiftDone lift_split(Lift *l, const GraphNode *node);
LiftDone lift_gather_part(Lift *l, const GraphNode *node); /* places that are constants */
LiftDone lift_frames(Lift *l, const GraphNode *node);      /* of lift_gather_part: windows */
LiftDone lift_concat(Lift *l, const GraphNode *node);
LiftDone lift_pad(Lift *l, const GraphNode *node);
/* The result is the operand under other axes. */
LiftDone lift_pass(Lift *l, const GraphNode *node);
/* Steps begin..end of a sequence of fixed length. made: the atom of the time that is left. */
LiftDone lift_steps(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *result,
                    int64_t begin, int64_t end, int made);
/* Every step-th element of a graph axis of x, or with -1 its elements from the last to the first.
 * at: x, or what other nodes have made of it. */
LiftDone lift_thinned(Lift *l, const GraphNode *node, const GraphValue *x, const GraphValue *at,
                      const GraphValue *result, int axis, int64_t step);
LiftDone lift_pool(Lift *l, const GraphNode *node); /* pool.c */

/* ---- recurrent.c ---- */
/* The language's word for an activation of a cell, "hard_sigmoid(0.2,0.5)" among them; NULL: it has
 * none. */
const char *lift_cell_word(const char *name);

/* ---- written.c ---- */
/* Norms and functions that are written out in small steps become one operator each. */
void lift_written_out(Flat *flat);

/* ---- timed_norm.c ---- */
/* Norms over the steps of a whole sequence are written out; returns whether there are any. */
bool lift_norms_over_time(Lift *l);

/* ---- phases.c ---- */
/* Convolutions of the phases of sequences become dilated ones. */
void lift_dilated(Flat *flat);

/* ---- attended.c ---- */
/* So does attention. */
void lift_attended(Flat *flat);

/* ---- attended_sums.c ---- */
/* Sets queries, keys and, after the values, the scale of scores that are sums; false: they are
 * others. */
bool lift_attended_sums(Flat *flat, const GraphValue *scores, double factor, GraphValue **in);

/* ---- windows.c ---- */
/* Marks the Concats of kept and new rows in the flat graph and adds what is kept to the states. */
void lift_find_windows(Lift *l);
LiftDone lift_window(Lift *l, const GraphNode *node);

/* ---- recognise.c ---- */
/* Cells that are written out in small steps become one operator each. */
/* batch: the family of the batch in atoms, -1: one sample. False: nothing was found and nothing
 * changed. */
bool lift_recognise(Flat *flat, Atoms *atoms, int batch);

/* ---- own.c ---- */
/* Cells that are none of the known, written out step after step, become State, one step of them at
 * all steps at once, and Keep. False: there is none and nothing changed. */
bool lift_own_cells(Flat *flat);
/* Functions of each step that are written out and joined become functions of all steps. Whether
 * something did. */
bool lift_mapped_steps(Flat *flat);

/* ---- real.c ---- */
/* A graph that rounds to integers with a scale as one of real numbers, with notes that say so; the
 * graph itself if it does not, or does more with integers than that. */
const Graph *lift_real(const Graph *graph);

/* ---- merged.c ---- */
/* Marks Reshapes that make steps of the steps and features of another sequence. False: there is
 * none but those that are marked. */
bool lift_part_merged(Lift *l);

/* ---- states.c ---- */
/* Which outputs come back: variables and what --state says. False after reporting. */
bool lift_declared_states(Lift *l);
/* And what is element by element the last state of what an input started. */
void lift_find_states(Lift *l);
/* Which kept inputs are read by others than what a layer starts from; what they are in the next
 * call has the axes of what they are in this one. */
void lift_find_own_states(Lift *l);
void lift_join_own_states(Lift *l);
/* What only states are made of is marked in the flat graph: for files whose calls can be nothing
 * but steps. */
void lift_mark_idle(Lift *l);
const StatePair *lift_pair_of_input(const Lift *l, int in);
void lift_add_pair(Lift *l, int in, int out);
/* This start state of a recurrent node is what a stream keeps. *first gets its numbers before the
 * first call, NULL: zeros. */
bool lift_state_is_kept(Lift *l, const GraphValue *start, const GraphTensor **first);
/* This output of the file is only a state, which a stream keeps. Where the file gives nothing but
 * states, the h of a cell is an output as well. */
bool lift_is_kept_output(Lift *l, int o);
/* By flat value id: what the outputs of the model are made of. What only packs or unpacks kept
 * states is not. */
bool *lift_needed(Lift *l);

/* ---- hold.c ---- */
LiftDone lift_hold(Lift *l, const GraphNode *node);

/* ---- check.c ---- */
/* Computes graph and model on random inputs; notes the result in the summary. False after
 * reporting. */
bool lift_check(Lift *l);

/* ---- settings.c ---- */
/* Every --set has a number and names an input or an open axis. False after reporting. */
bool lift_check_sets(Lift *l);
/* The value that --set gives an input or an open axis; false: none. */
bool lift_set_value(const Lift *l, const char *name, double *out);
/* The same for an open axis, by any of its names. */
bool lift_set_axis(const Lift *l, int input, int axis, double *out);
/* What --set calls an open axis: its name in the file, or `input.1`, axis 1 of `input`, where it
 * has none. */
const char *lift_axis_handle(const Lift *l, int input, int axis);

/* ---- advice.c ---- */
/* E902: no stage is this operator, and what is near. */
void lift_unsupported(Lift *l, const GraphNode *node);

/* ---- lift.c ---- */
/* The Model that a graph is; NULL after reporting. */
Foreign *lift_graph(const ForeignFile *file, const Graph *graph, const ImportOptions *options,
                    Diags *diags);

#endif
