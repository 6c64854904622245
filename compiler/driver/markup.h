/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text in XML and HTML. */
#ifndef GRUS_DRIVER_MARKUP_H
#define GRUS_DRIVER_MARKUP_H

#include "base/text.h"

/* s made safe and with `&`, `<`, `>` and `"` escaped: for text and for attributes in double
 * quotes. */
void text_add_markup(Text *text, const char *s);

#endif
