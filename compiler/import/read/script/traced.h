/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The example with which a module was traced. */
#ifndef GRUS_IMPORT_READ_SCRIPT_TRACED_H
#define GRUS_IMPORT_READ_SCRIPT_TRACED_H

#include "import/read/script/script.h"

/* The sizes of the inputs of `forward` in the example that the archive holds, in the order of their
 * names. NULL: it holds none, or one with another number of tensors. */
const ScriptShape *script_traced(Script *s);

/* Whether sizes in these places of an input, as in sizes.c, suit the example, and those in *out:
 * -1 becomes the size of the example, 0 stays the steps, and of the other axes one at most has
 * another size, the batch. */
bool script_suits_traced(const ScriptShape *example, const ScriptShape *layout, ScriptShape *out);

#endif
