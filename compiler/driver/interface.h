/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whether the names of a model can be names in C. */
#ifndef GRUS_DRIVER_INTERFACE_H
#define GRUS_DRIVER_INTERFACE_H

#include "model/graph/model.h"

/* A name that the C of every model may use: not a keyword of C or C++. Otherwise what it is, as in
 * "`int` is ..."; NULL if the name will do. */
const char *interface_reserved(const char *name);
/* Reports E803 for inputs, outputs and run-time lengths that cannot be told in C. */
void interface_check(const Model *model, Diags *diags);

#endif
