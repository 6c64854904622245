/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading --time. In, its text; out, a length, a bound, or the axis of time and its length. */
#include "import/lift/sizes.h"

#include <stdlib.h>
#include <string.h>

static bool report_time(Lift *l, const char *text) {
  return foreign_lacks(
      l->diags, l->file, E903,
      "write a length (`49`), a bound (`n <= 120`), or the axis and its length (`seq_len=49`)",
      "--time cannot be `%s`", text);
}

/* "49", "<= 120", "n <= 120", "seq=49". */
bool time_wish(Lift *l, TimeWish *out) {
  const char *text = l->options->time, *s = text;
  *out = (TimeWish){0};
  if (!text) return true;
  s += strspn(s, " ");
  size_t len = strcspn(s, " <=");
  bool has_name = len && !(*s >= '0' && *s <= '9');
  if (has_name) {
    const char *name = arena_strndup(l->arena, s, len);
    s += len;
    s += strspn(s, " ");
    if (*s == '=') {
      out->axis = name;
      s++;
    } else
      out->name = name;
  }
  if (strncmp(s, "<=", 2) == 0) {
    out->bounded = true;
    s += 2;
  }
  char *end;
  long long n = strtoll(s, &end, 10);
  end += strspn(end, " ");
  if (end == s || *end || n < 1 || n > INT32_MAX || (out->name && !out->bounded))
    return report_time(l, text);
  out->n = n;
  return true;
}
