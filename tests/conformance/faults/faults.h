/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Mistakes that a lifter could make, made in what it lifted. Each returns whether it found
 * something to be wrong about; the model stays one that the evaluator can run. */
#ifndef GRUS_TESTS_CONFORMANCE_FAULTS_H
#define GRUS_TESTS_CONFORMANCE_FAULTS_H

#include "import/lift/lift.h"

#define FAULT(name, ...)     bool fault_##name(Model *model);
#define CONFUSION(name, ...) bool confuse_##name(Atoms *atoms, Roles *roles);
#include "faults.def"

#endif
