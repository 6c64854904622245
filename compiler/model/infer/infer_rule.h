/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the shape rules share. Private to infer*.c, lint*.c and trace.c.
 *
 * A rule reads the types of layer->in[] and its options, and writes the types of layer->out[]; or
 * it reports, once, and gives false. Inputs are typed when a rule runs: a poisoned input never
 * reaches one.
 *
 *   infer.c            the walk                     infer_needs.c     what rules need of values
 *   infer_recurrent.c  GRU LSTM RNN                 infer_state.c     their initial states
 *   infer_cell.c       state keep and their loops
 *   infer_dense.c      Dense, norms, softmax        infer_pointwise.c one element at a time
 *   infer_window.c     time: Conv, pools, frames    infer_time.c      last mean max flatten delay
 *   infer_axes.c       along=                       infer_conv.c      Conv1D Conv2D, pools
 *   infer_transposed.c transposed convolutions      infer_norm.c      norms over axes
 *   infer_several.c    maximum atan2 select         infer_attention.c attention
 *   infer_views.c      slice pad permute label ..   infer_repeat.c    repeat expand
 *   infer_shape.c      reshape                      infer_join.c      concat + - * /
 *   infer_category.c   index values                 infer_meet.c      two values side by side
 *   infer_hold.c       hold cut
 *   infer_port.c       in, every                    infer_declared.c  types written on values
 *   infer_stream.c     clocks, calls, reset         infer_precision.c i8 and i16 have ranges
 *   infer_duration.c   25ms as steps                infer_edit.c      text edits for fixes
 *   trace.c            how the shape got here
 *   infer_guess.c      types behind an error */
#ifndef GRUS_MODEL_INFER_RULE_H
#define GRUS_MODEL_INFER_RULE_H

#include "base/map.h"
#include "model/infer/infer.h"

typedef struct Infer {
  Model *model;
  Diags *diags;
  Arena *arena;
  int *ascribed;      /* by value id: its first ascription, -1 none; infer_ascriptions makes them */
  int *next_ascribed; /* by ascription: the next one of the same value, -1 none */
  Map listed;         /* what was reported, by code and place; see infer_first_report */
} Infer;

typedef bool InferRule(Infer *inf, Layer *layer);

#define LAYER(id, name, rule, flags, family, ...) InferRule infer_##id;
#include "model/graph/layers.def"

/* ---- infer.c ---- */

/* Whether code is reported at this place for the first time; from now on it was. */
bool infer_first_report(Infer *inf, DiagCode code, Span at);
/* Types of what depends on values that were reported; reports nothing. */
void infer_guesses(Infer *inf, InferRule *const *rules);
/* A diagnostic about a layer; says in which use of which block it stands. An error in the body of
 * a block is listed for the first use it is found in. */
Diag *infer_report(Infer *inf, DiagCode code, const Layer *layer, Span at, const char *format, ...)
    GRUS_PRINTF(5, 6);
/* "GRU". */
static inline const char *layer_name(const Layer *layer) {
  return layer_info(layer->kind)->name;
}
/* The left side of its rule: "[time t, d]". */
const char *layer_pattern(Arena *arena, const Layer *layer);
/* The trace of one input with the row `needs [time t, d]` for the layer itself. */
void infer_trace_needs(Infer *inf, Diag *diag, const Layer *layer, const Value *v);
/* More than 2^31 elements (E313), more than TYPE_MAX_AXES axes (E314). */
bool infer_size_fits(Infer *inf, const Type *type, Span at, const Layer *layer, const Value *from);

/* ---- infer_needs.c: each reports and gives false where its need is not met ---- */

bool needs_numbers(Infer *inf, const Layer *layer, const Value *v);  /* E701: floats, not index */
bool needs_values(Infer *inf, const Layer *layer, const Value *v);   /* E701: floats or index */
bool needs_index(Infer *inf, const Layer *layer, const Value *v);    /* E702 */
bool needs_sequence(Infer *inf, const Layer *layer, const Value *v); /* E301 */
bool needs_rank(Infer *inf, const Layer *layer, const Value *v, int at_least,
                int at_most); /* E304 */
/* [time t, .., d] of floats, where no batch stands before time. */
bool needs_mapped(Infer *inf, const Layer *layer, const Value *v);
/* [time t, d] of floats. */
bool needs_steps(Infer *inf, const Layer *layer, const Value *v);
/* E311: the features of v divide into the parts that the option `name` counts. */
bool needs_division(Infer *inf, const Layer *layer, const Value *v, OptName name, int64_t parts);
/* A size of at least 1 (E310); durations become steps of v's rate (E406, E407). */
bool needs_size(Infer *inf, Layer *layer, OptName name, const Value *v, int64_t *out);
/* The same with another least; at is zero or more. */
bool needs_size_least(Infer *inf, Layer *layer, OptName name, const Value *v, int64_t least,
                      int64_t *out);

/* The type of in with time first and floats: what most rules begin with. */
Type type_result(const Type *in);
/* Features [n] without label at the end of the axes. */
void type_set_last(Type *type, int64_t n);

/* ---- infer_time.c ---- */
bool needs_end(Infer *inf, const Layer *layer, const Value *v); /* E401 */

/* ---- infer_duration.c ---- */

/* Steps num/den seconds are at the rate of time. Reports E406, E407 at `at`; port: whose axis. */
bool duration_steps(Infer *inf, const Layer *layer, Span at, int64_t num, int64_t den,
                    const Value *v, int64_t *steps);

/* ---- infer_axes.c ---- */

/* Sets layer->along: the axes of `along=`, or time (want 1), the two before the features (want 2).
 * want 0: any number, time by default. features: the last axis may be among them. */
bool layer_goes_along(Infer *inf, Layer *layer, const Value *v, int want, bool features);
/* One axis, the last by default. */
bool layer_goes_along_last(Infer *inf, Layer *layer, const Value *v);
/* E315: what this layer does has no meaning along time, or none that is built. */
bool report_not_time(Infer *inf, const Layer *layer, const Value *v, const char *note);
/* Takes an axis out of a type. */
void type_drop_axis(Type *type, int axis);
/* Windows of `span` steps, `step` apart: E404, E313. */
bool time_windows(Infer *inf, Layer *layer, const Value *v, int64_t span, int64_t step, Time *out);
/* The time among them; NULL if it is mapped over. */
LayerAxis *layer_time(const Layer *layer);
/* "freq", "time", "features", "axis 2". */
const char *axis_name(Arena *arena, const Type *type, int axis);

/* ---- infer_conv.c ---- */

/* What the options of a convolution or pool say of axis k. */
bool window_options(Infer *inf, Layer *layer, const Value *v, int k);
/* The inputs, axes, filters and groups of a convolution, also a transposed one; v: its value. Along
 * one axis or two. */
bool conv_options(Infer *inf, Layer *layer, const Value *v, int axes, int64_t *filters);
/* Windows along a feature axis: n_out, before, after of a. E404, E313. */
bool axis_windows(Infer *inf, Layer *layer, const Value *v, LayerAxis *a);

/* ---- infer_window.c ---- */

/* The time of a convolution along time. E403, E404, E405, E313. */
bool time_convolved(Infer *inf, Layer *layer, const Value *v, const LayerAxis *a, Time *out);

/* time / step: rate and stream period of one value in `step`. False on overflow. */
bool time_slower(Time *time, int64_t step);

/* ---- infer_transposed.c ---- */

/* The time of `times` steps for each of v. E405, E413, E313. */
bool time_faster(Infer *inf, const Layer *layer, const Value *v, int64_t times, Time *time);

/* ---- infer_meet.c: values joined step by step ---- */

/* Times of a and b (inputs i and j of layer) agree: E307 or E303, E309 or E303, E409, E410,
 * E412. */
bool times_meet(Infer *inf, const Layer *layer, int i, int j);
/* Where an unpadded convolution made v shorter or late: `padding=causal`. False if there is
 * none. */
bool advise_causal(Infer *inf, Diag *d, const Value *v, const char *title);
/* Fills in what only one of them says: rate, length name, labels. */
void type_merge(Type *into, const Type *other);
/* Labels inputs i and j of layer with their shapes and adds how these came about. */
void infer_label_both(Infer *inf, Diag *d, const Layer *layer, int i, int j);
/* E312; at: the layer's name. axis: which clashes. */
void report_labels(Infer *inf, const Layer *layer, int i, int j, int axis);

/* Inputs of equal shape, joined into *type: E303, E307, E309, E312, E409, E410, E412. */
bool shapes_meet(Infer *inf, const Layer *layer, Type *type);

/* ---- infer_state.c ---- */

/* Every initial state has the type of the states. */
bool infer_init(Infer *inf, Layer *layer, const Type *state);

/* ---- infer_cell.c ---- */

/* Sets kept_by and loop of all layers: E507, E508. */
void infer_loops(Infer *inf);

/* ---- infer_port.c, infer_declared.c, infer_stream.c ---- */

bool infer_input(Infer *inf, Port *port);
void infer_output(Infer *inf, Port *port);
/* Sorts the ascriptions of the model by value. */
void infer_ascriptions(Infer *inf);
/* Every type written on value; false after E302, E312, E410. */
bool infer_ascribed(Infer *inf, Value *value);
void infer_run(Infer *inf);
void infer_precision(Infer *inf); /* E704 */

/* ---- infer_edit.c ---- */

/* The input whose time axis (any axis when sequence is false) v has; NULL if a layer made it. */
const Port *value_port(const Value *v);
const Port *stream_port(const Value *v);
/* Axis i (from 0, as written) of a type in source, without blanks around; none if it cannot be
 * told. */
Span type_axis_span(const Infer *inf, Span type, int i);
/* Deletes a stage with its `|>`; the whole line where it stands alone. False in a call. */
bool edit_drop_stage(Infer *inf, Fix *fix, const Layer *layer);
/* `|> text` before a stage of a pipeline. False in a call. */
bool edit_insert_stage(Infer *inf, Fix *fix, const Layer *before, const char *text);
/* `|> text` after input i of layer, wherever that is written. */
bool edit_pipe_input(Infer *inf, Fix *fix, const Layer *layer, int i, const char *text);
/* Deletes an argument and its comma. */
void edit_drop_argument(Infer *inf, Fix *fix, Span argument);
/* Adds an argument at the end of the stage. */
void edit_add_argument(Infer *inf, Fix *fix, const Layer *layer, const char *text);
/* `time N ... every M` for the stream port. */
void fix_window(Infer *inf, Diag *diag, const Port *port);
/* What stands after the `=` of an out: its expression. */
Span port_expression(const Infer *inf, const Port *port);
/* The span of the value where it is written: as input i of layer. */
Span input_span(const Layer *layer, int i);
/* How to call a value in a message: its name, else the text of its stage. */
const char *value_text(const Infer *inf, const Value *v);

/* ---- trace.c ---- */

/* Histories of several values, without repeats. with_rate: rates are shown. */
void trace_values(Diag *diag, const Model *model, int n, const Value *const *values,
                  bool with_rate);

/* The learned past of a Conv1D whose type is known, if it has one, stands alone in front of a
 * value. */
bool infer_past(Infer *inf, const Layer *layer);
/* ---- infer_limit.c ---- */

/* The weights of a typed layer and the steps it looks back on have at most 2^31 elements: E313. */
bool infer_layer_fits(Infer *inf, const Layer *layer);
/* E313: a layer makes more `what` ("steps") of v than `limit` ("2^63"). */
bool report_uncounted(Infer *inf, const Layer *layer, const Value *v, const char *what,
                      const char *limit);

/* Suggests the largest kernel or window along one axis of a layer; the size along another stays. */
void infer_largest(Diag *d, const Layer *layer, OptName name, int axis, int64_t most);

#endif
