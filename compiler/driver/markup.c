/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text in XML and HTML. */
#include "driver/markup.h"

#include "base/safe.h"

void text_add_markup(Text *out, const char *s) {
  for (s = safe_line(out->arena, s); *s; s++) {
    if (*s == '&')
      text_add(out, "&amp;");
    else if (*s == '<')
      text_add(out, "&lt;");
    else if (*s == '>')
      text_add(out, "&gt;");
    else if (*s == '"')
      text_add(out, "&quot;");
    else
      text_add_char(out, *s);
  }
}
