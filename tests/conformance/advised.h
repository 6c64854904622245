/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rule for errors about what grus lacks in a file: each has a `help:` that says the nearest
 * thing that works. */
#ifndef GRUS_TESTS_CONFORMANCE_ADVISED_H
#define GRUS_TESTS_CONFORMANCE_ADVISED_H

#include "base/diag.h"

static inline bool lacks_help(const Diag *d) {
  return d->code >= E902 && d->code <= E906 && !d->n_fixes;
}

#endif
