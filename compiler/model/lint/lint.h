/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the lints share. Private to lint*.c. In: a typed graph, which a lint does not change. Out:
 * warnings. A value without a type, or with an error that was reported, is left out.
 *
 *   lint.c           the list            lint_ordinal.c  W204
 *   lint_use.c       W201 W202           lint_last.c     W301 W404
 *   lint_shape.c     W302 W303 W304      lint_time.c     W401 W402 W405
 *   lint_wait.c      W403                lint_softmax.c  W501 W502 W504
 *   lint_state.c     W503 W506           lint_precision.c W701 W702
 *   lint_edit.c      edits for fixes */
#ifndef GRUS_MODEL_LINT_H
#define GRUS_MODEL_LINT_H

#include "model/infer/infer_rule.h"

/* The names of all lints; lint_<name> is the function. A lint of a model is called once for it. A
 * lint of a layer is called for each layer whose inputs and results have types. */
#define LINTS_OF_MODEL(F)                                                                          \
  F(unused_inputs)                                                                                 \
  F(unused_lets)                                                                                   \
  F(ordinal_weights)                                                                               \
  F(flatten_time)                                                                                  \
  F(dropped_tail)                                                                                  \
  F(late_first)                                                                                    \
  F(skipped_samples)
#define LINTS_OF_LAYER(F)                                                                          \
  F(dense_per_step)                                                                                \
  F(useless_flatten)                                                                               \
  F(reshape_time)                                                                                  \
  F(single_step)                                                                                   \
  F(last_of_both)                                                                                  \
  F(softmax)                                                                                       \
  F(lost_state)                                                                                    \
  F(never_reset)                                                                                   \
  F(wide_accumulator)                                                                              \
  F(i8_softmax)
#define LINT_OF_MODEL(name) void lint_##name(Infer *lint);
#define LINT_OF_LAYER(name) void lint_##name(Infer *lint, const Layer *layer);
LINTS_OF_MODEL(LINT_OF_MODEL)
LINTS_OF_LAYER(LINT_OF_LAYER)

/* A new diagnostic, which is shown once for one place in the source, although the body of a block
 * is looked at in each of its uses. */
Diag *lint_report(Infer *lint, DiagCode code, const Layer *layer, Span at, const char *format, ...)
    GRUS_PRINTF(5, 6);
/* Whether the type of a value is known and nothing was reported about it. */
bool lint_typed(const Value *v);
/* The same of all inputs of a layer and of its main result. */
bool lint_layer_typed(const Layer *layer);
/* Whether errors were reported, so that uses of values may be missing from the graph. A lint that
 * the command line makes an error does not count. */
bool lint_after_errors(const Infer *lint);
/* Whether the layer computes each step of its result from the same step of its only input. */
bool lint_per_step(const Layer *layer);
/* The value before Dropout and other stages that do nothing when the model runs. */
const Value *lint_run_source(const Value *v);
/* For each value id: whether a layer with weights reads the value, directly or after stages that
 * compute each step by itself. */
bool *lint_feeds_weights(const Infer *lint);
/* Adds an edit to fix that deletes the lines of an `in`, `let` or `out` and the `##` comments
 * before it. False if the statement shares a line with something else. */
bool lint_drop_statement(const Infer *lint, Fix *fix, Span statement);
/* A name that nothing in the model and no word of its text has, and that the language does not keep
 * for itself: `wanted`, or `wanted` with a number after it. */
const char *lint_fresh_name(const Infer *lint, const char *wanted);
/* Adds edits to fix that put the pipeline up to layer into a `let NAME` before its statement, and
 * NAME with field (".h" or "") in place of the pipeline up to the offset `end`. Returns the name;
 * NULL if the source does not allow it. */
const char *lint_name_layer(Infer *lint, Fix *fix, const Layer *layer, const char *wanted,
                            const char *field, uint32_t end);

#endif
