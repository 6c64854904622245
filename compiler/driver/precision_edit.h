/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes the precisions of a model into its source text. */
#ifndef GRUS_DRIVER_PRECISION_EDIT_H
#define GRUS_DRIVER_PRECISION_EDIT_H

#include "driver/session.h"

/* The text of source in which model and its layers have the precisions that they have now, and the
 * file of ranges is named; all else, comments and layout, stays. NULL after reporting: there is no
 * text (standard input, a file of another framework), or a layer stands in another file. */
const char *precision_edit(Session *s, const Source *source, const Model *model,
                           const char *ranges_path, size_t *len);
/* Whether the model has a text that can be edited. False after reporting. */
bool precision_editable(Session *s, const Source *source);

#endif
