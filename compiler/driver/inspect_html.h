/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What inspect knows of a model as one page of HTML that loads nothing. */
#ifndef GRUS_DRIVER_INSPECT_HTML_H
#define GRUS_DRIVER_INSPECT_HTML_H

#include "driver/session.h"
#include "kir/kir.h"
#include "model/graph/model.h"

/* The page around the models: its beginning with the title, and its end. */
void html_begin(Text *out, const char *title);
void html_end(Text *out);
/* One model: drawing, costs, what integers cost in exactness, memory, C prototypes. m may be NULL:
 * no memory then. */
void html_model(Text *out, const Session *s, const Model *model, const KirModule *m);

#endif
