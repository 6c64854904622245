/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Prints a ranges file, which ranges.c reads; see ranges.h. */
#include "model/quant/ranges.h"

#include <string.h>

/* Half the width of the range of a value that was always 0. */
#define LEAST_RANGE 1e-6

enum { NAME_WIDTH = 20 };

static void add_name(Text *out, const char *name) {
  bool plain = name[strcspn(name, " \t\"#")] == 0 && *name;
  text_printf(out, plain ? "%s" : "\"%s\"", name);
  text_fill(out, ' ', strlen(name) < NAME_WIDTH ? NAME_WIDTH - strlen(name) : 1);
}

static void print_range(const Range *r, Text *out) {
  bool is_zero = r->low == 0 && r->high == 0; /* then any range that is not empty */
  text_add(out, "range   ");
  add_name(out, r->name);
  text_add_double(out, is_zero ? -LEAST_RANGE : r->low);
  text_add(out, "  ");
  text_add_double(out, is_zero ? LEAST_RANGE : r->high);
  text_add(out, is_zero ? "   # always 0\n" : "\n");
}

/* "snr     y.gru   i16  78.5": the layer alone, and "total   69.7". */
static void print_ratios(const Ranges *ranges, Text *out) {
  text_add(out,
           "\n# signal-to-noise ratio in dB: of a layer alone in integers, and of all together\n");
  for (int i = 0; i < ranges->n_ratios; i++) {
    text_add(out, "snr     ");
    add_name(out, ranges->ratio[i].layer);
    text_printf(out, "%-6s  %.1f\n", ranges->ratio[i].precision, ranges->ratio[i].snr);
  }
  text_printf(out, "total   %.1f\n", ranges->total);
}

void ranges_print(const Ranges *ranges, Text *out) {
  text_add(out, "grus-ranges 1\n");
  if (ranges->weights) text_printf(out, "weights sha256 %s\n", ranges->weights);
  if (ranges->data) text_printf(out, "data    \"%s\"\n", ranges->data);
  if (ranges->rounded)
    text_printf(out, "rounded \"%s\" sha256 %s\n", ranges->rounded, ranges->rounded_digest);
  text_add_char(out, '\n');
  for (int i = 0; i < ranges->n; i++)
    print_range(ranges->range[i], out);
  if (ranges->n_ratios) print_ratios(ranges, out);
}
