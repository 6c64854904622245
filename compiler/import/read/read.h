/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Readers: a file of another framework as a Graph, in neutral operators. A reader is a row of
 * readers.def and a folder; it knows no layer of the language. Each returns NULL after reporting
 * E901 (the file is damaged), E902 (an operator that is not known), E903 (one used in a way that is
 * not known) or E904 (the file does not say something). */
#ifndef GRUS_IMPORT_READ_H
#define GRUS_IMPORT_READ_H

#include "import/foreign.h"
#include "import/graph/graph.h"

#define FORMAT(id, name)                                                                           \
  Graph *id##_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags);
#include "import/read/readers.def"
#undef FORMAT

#endif
