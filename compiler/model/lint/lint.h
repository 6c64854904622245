/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the lints share. Private to lint*.c. They look at a typed graph and change nothing; a value
 * without a type, or with an error that was reported, is passed over.
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

/* The lints, once each: lint_<name>. Those of a model look at it as a whole; those of a layer are
 * called when the types of its inputs and results are known. */
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

/* A diagnostic that is listed once for one place in the source: the body of a block is looked at in
 * each of its uses. */
Diag *lint_report(Infer *lint, DiagCode code, const Layer *layer, Span at, const char *format, ...)
    GRUS_PRINTF(5, 6);
/* Type known and nothing reported about it. */
bool lint_typed(const Value *v);
bool lint_layer_typed(const Layer *layer); /* inputs and main result */
/* Errors were reported (promoted lints are none): uses of values may be missing from the graph. */
bool lint_after_errors(const Infer *lint);
/* The layer makes each step of its result from the same step of its only input. */
bool lint_per_step(const Layer *layer);
/* What the value was before Dropout and other stages that do nothing when run. */
const Value *lint_run_source(const Value *v);
/* By value id: it, or a value made from it by per-step stages alone, is read by a layer with
 * weights. */
bool *lint_feeds_weights(const Infer *lint);
/* Deletes the lines of an `in`, `let` or `out` with the `##` comments before it. False when it
 * shares a line with something else. */
bool lint_drop_statement(const Infer *lint, Fix *fix, Span statement);
/* wanted, or with a number: a name nothing in the model has. */
const char *lint_fresh_name(const Infer *lint, const char *wanted);
/* Edits that put the pipeline up to layer into `let NAME` before its statement, and NAME with field
 * (".h" or "") in the place of the pipeline up to end. The name; NULL where that cannot be done. */
const char *lint_name_layer(Infer *lint, Fix *fix, const Layer *layer, const char *wanted,
                            const char *field, uint32_t end);

#endif
