/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether the names of a model can be names in C. */
#ifndef GRUS_DRIVER_INTERFACE_H
#define GRUS_DRIVER_INTERFACE_H

#include "model/graph/model.h"

/* Reports E803 for inputs, outputs and bounded lengths whose names cannot be names in C. */
void interface_check(const Model *model, Diags *diags);

#endif
