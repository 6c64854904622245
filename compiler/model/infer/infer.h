/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Shape inference: gives every value of a resolved Model its type, in one forward walk; reports
 * E3xx, E4xx, E5xx, E7xx with traces and fixes; then lints report W2xx to W5xx. */
#ifndef GRUS_MODEL_INFER_H
#define GRUS_MODEL_INFER_H

#include "model/graph/model.h"

/* Types every value. False (and model->failed) if errors were reported. */
bool model_infer(Model *model, Diags *diags);
/* Reports the lints. The model may have errors; lints ignore poisoned values. */
void model_lint(const Model *model, Diags *diags);
/* Adds "how the shape got here" up to value to a diagnostic. */
void diag_trace_value(Diag *diag, const Model *model, const Value *value);

/* The axis of x that each axis of v is, for `repeat(along=x)`; false if they do not fit. */
bool repeat_match(const Type *v, const Type *x, int axis[TYPE_MAX_AXES]);

#endif
