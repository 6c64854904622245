/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A histogram of blocks of calls; see bench_svg.h. The axis ends at twice the median or, if that is
 * less, at the greatest time; blocks beyond it stand in its last column, whose label says so. */
#include "driver/bench_svg.h"

#include "driver/markup.h"

enum {
  LEFT = 50,
  WIDTH = 660,
  TOP = 50,
  HEIGHT = 190,
  COLUMNS = 66,
  PAGE = 760,
  PAGE_HEIGHT = 330,
  TICKS = 5
};

typedef struct Scale {
  double lo, hi;
} Scale;

static double at(const Scale *scale, double ns) {
  double part = (ns - scale->lo) / (scale->hi - scale->lo);
  return (double)LEFT + (double)WIDTH * (part < 0 ? 0 : part > 1 ? 1 : part);
}

static Scale scale_of(const Spread *ns, double reading) {
  double lo = reading > 0 && reading < ns->min ? reading : ns->min, last = ns->all[ns->n - 1];
  double hi = last < 2 * ns->median ? last : 2 * ns->median;
  if (!(hi > lo)) hi = lo > 0 ? 1.1 * lo : 1;
  return (Scale){lo - 0.03 * (hi - lo) > 0 ? lo - 0.03 * (hi - lo) : 0, hi + 0.03 * (hi - lo)};
}

static void columns(Text *out, const Spread *ns, const Scale *scale) {
  int count[COLUMNS] = {0}, most = 1;
  for (int i = 0; i < ns->n; i++) {
    int column = (int)((ns->all[i] - scale->lo) / (scale->hi - scale->lo) * (double)COLUMNS);
    column = column < 0 ? 0 : column >= COLUMNS ? COLUMNS - 1 : column;
    if (++count[column] > most) most = count[column];
  }
  for (int i = 0; i < COLUMNS; i++) {
    double height = (double)HEIGHT * count[i] / most;
    if (count[i])
      text_printf(out,
                  "<rect class=\"column\" x=\"%d\" y=\"%.1f\" width=\"%d\" height=\"%.1f\"/>\n",
                  LEFT + i * WIDTH / COLUMNS, TOP + HEIGHT - height, WIDTH / COLUMNS - 1, height);
  }
}

/* Nanoseconds without an exponent, whatever their size. */
static const char *plain(Text *out, double ns) {
  return ns >= 1000 ? arena_printf(out->arena, "%.0f", ns) : arena_printf(out->arena, "%.4g", ns);
}

/* A line with a label beside it, on the side that has room. */
static void mark(Text *out, const Scale *scale, double ns, const char *name, int row) {
  enum { STEP = 16 };
  double x = at(scale, ns);
  bool at_right = x > (double)LEFT + (double)WIDTH / 2;
  text_printf(out,
              "<path class=\"mark\" d=\"M%.1f %dV%d\"/><text class=\"label%s\" x=\"%.1f\" "
              "y=\"%d\">%s %s ns</text>\n",
              x, TOP - 4, TOP + HEIGHT, at_right ? " before" : "", at_right ? x - 4 : x + 4,
              TOP + STEP * row, name, plain(out, ns));
}

static void axis(Text *out, const Spread *ns, const Scale *scale) {
  text_printf(out, "<path class=\"axis\" d=\"M%d %dH%d\"/>\n", LEFT, TOP + HEIGHT, LEFT + WIDTH);
  for (int i = 0; i <= TICKS; i++) {
    double value = scale->lo + (scale->hi - scale->lo) * i / (double)TICKS;
    bool beyond = i == TICKS && ns->all[ns->n - 1] > scale->hi;
    text_printf(out, "<text class=\"%s\" x=\"%.1f\" y=\"%d\">%s%s</text>\n",
                i == TICKS ? "tick before" : "tick", at(scale, value), TOP + HEIGHT + 18,
                plain(out, value), beyond ? " and more" : "");
  }
  text_printf(out, "<text class=\"tick\" x=\"%d\" y=\"%d\">ns a call; %d blocks of calls</text>\n",
              LEFT + WIDTH / 2, TOP + HEIGHT + 38, ns->n);
}

void bench_svg(Text *out, const char *title, const char *note, const Spread *ns, double reading) {
  Scale scale = scale_of(ns, reading);
  text_printf(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" "
              "height=\"%d\">\n",
              PAGE, PAGE_HEIGHT, PAGE, PAGE_HEIGHT);
  text_add(
      out,
      "<style>.page { fill: #fdfdfc } text { font: 12px system-ui, sans-serif; fill: #1b1f24 } "
      ".title { font-size: 15px; font-weight: 600 } "
      ".label { paint-order: stroke; stroke: #fdfdfc; stroke-width: 4 } .tick { text-anchor: "
      "middle; fill: #57606a } .before { text-anchor: end } .column { fill: #5b8def } .mark { "
      "stroke: #c0392b } .axis { stroke: #57606a } "
      "@media (prefers-color-scheme: dark) { .page { fill: #16191d } text { fill: #e8eaed } .label "
      "{ stroke: #16191d } .tick { fill: #a4adb7 } .axis { stroke: #a4adb7 } }</style>\n");
  text_printf(
      out,
      "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n<text class=\"title\" x=\"%d\" y=\"24\">",
      PAGE, PAGE_HEIGHT, LEFT);
  text_add_markup(out, title);
  text_add(out, "</text>\n");
  columns(out, ns, &scale);
  if (reading > 0) mark(out, &scale, reading, "reading the weights", 4);
  mark(out, &scale, ns->min, "least", 1);
  mark(out, &scale, ns->median, "median", 2);
  mark(out, &scale, ns->p99, "99 of 100", 3);
  axis(out, ns, &scale);
  text_printf(out, "<text x=\"%d\" y=\"%d\">", LEFT, PAGE_HEIGHT - 16);
  text_add_markup(out, note);
  text_add(out, "</text>\n</svg>\n");
}
