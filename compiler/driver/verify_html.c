/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tables and plots of a verification; see verify_html.h. Where there are more values than pixels,
 * the one with the greatest error stands for its neighbours, so that no error is hidden. */
#include "driver/verify_html.h"

#include "driver/inspect_html.h"
#include "driver/markup.h"

#include <math.h>

enum { WIDTH = 860, VALUES = 150, ERRORS = 70, GAP = 14, POINTS = 860, MOST_SNR = 160 };

/* The least and the greatest of what is finite; 0..1 if nothing is. */
typedef struct PlotRange {
  double lo, hi;
} PlotRange;

static void widen(PlotRange *r, const double *x, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    if (!isfinite(x[i])) continue;
    if (!(r->lo <= x[i])) r->lo = x[i];
    if (!(r->hi >= x[i])) r->hi = x[i];
  }
}

static double height_of(const PlotRange *r, double x, int top, int height) {
  double part = r->hi > r->lo ? (x - r->lo) / (r->hi - r->lo) : 0.5;
  return (double)top + (1 - part) * (double)height;
}

/* The values that are drawn: one of each bucket. */
static int64_t chosen(const Compared *c, int64_t n, int64_t bucket, int64_t buckets) {
  int64_t from = bucket * n / buckets, to = (bucket + 1) * n / buckets, best = from;
  for (int64_t i = from; i < to; i++) {
    double now = fabs(c->got->data[i] - c->truth->data[i]),
           before = fabs(c->got->data[best] - c->truth->data[best]);
    if (now > before || (isnan(now) && !isnan(before))) best = i;
  }
  return best;
}

/* A line through the chosen values of x, or of their errors (x NULL); it is broken where they are
 * not finite. */
static void line(Text *out, const char *class, const Compared *c, const double *x,
                 const PlotRange *r, int top, int height) {
  int64_t n = c->truth->count, buckets = n < POINTS ? n : POINTS;
  bool drawing = false;
  text_printf(out, "<path class=\"%s\" d=\"", class);
  for (int64_t b = 0; b < buckets; b++) {
    int64_t i = chosen(c, n, b, buckets);
    double y = x ? x[i] : fabs(c->got->data[i] - c->truth->data[i]);
    if (!isfinite(y)) {
      drawing = false;
      continue;
    }
    double at = buckets > 1 ? (double)(b * WIDTH) / (double)(buckets - 1) : (double)WIDTH / 2;
    text_printf(out, "%c%.1f %.1f", drawing ? 'L' : 'M', at, height_of(r, y, top, height));
    drawing = true;
  }
  text_add(out, "\"/>\n");
}

static void plot(Text *out, const Compared *c) {
  PlotRange values = {NAN, NAN}, errors = {0, c->difference.max > 0 ? c->difference.max : 1};
  int64_t n = c->truth->count;
  if (c->got->count != n || !n) return;
  widen(&values, c->truth->data, n);
  widen(&values, c->got->data, n);
  if (!(values.lo <= values.hi)) values = (PlotRange){0, 1};
  text_add(out, "<figure>\n<figcaption>");
  text_add_markup(out, c->name);
  text_add(out, ": ");
  text_add_markup(out, c->what);
  text_printf(out, "; %lld values, %.6g to %.6g; below, the error, 0 to %.3g</figcaption>\n",
              (long long)n, values.lo, values.hi, errors.hi);
  text_printf(out, "<svg viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n", WIDTH,
              VALUES + GAP + ERRORS, WIDTH, VALUES + GAP + ERRORS);
  text_printf(out,
              "<rect class=\"panel\" width=\"%d\" height=\"%d\"/><rect class=\"panel\" y=\"%d\" "
              "width=\"%d\" height=\"%d\"/>\n",
              WIDTH, VALUES, VALUES + GAP, WIDTH, ERRORS);
  line(out, "truth", c, c->truth->data, &values, 0, VALUES);
  line(out, "got", c, c->got->data, &values, 0, VALUES);
  line(out, "error", c, NULL, &errors, VALUES + GAP, ERRORS);
  text_add(out, "</svg>\n</figure>\n");
}

static void result_row(Text *out, const char *name, const char *what, const Difference *d,
                       bool ok) {
  text_add(out, "<tr><td>");
  text_add(out, ok ? "ok" : "<strong>differs</strong>");
  text_add(out, "</td><td>");
  text_add_markup(out, name);
  text_add(out, "</td><td>");
  text_add_markup(out, what);
  text_printf(out, "</td><td>%.3g</td><td>%.3g</td><td>%.1f</td>", d->max, d->scale, d->snr);
  double share = d->snr<0 ? 0 : d->snr>(double) MOST_SNR ? (double)MOST_SNR : d->snr;
  text_printf(out, "<td class=\"share\"><div style=\"width:%.0f%%\"></div></td></tr>\n",
              100 * share / (double)MOST_SNR);
}

static void table(Text *out, const char *what) {
  text_add(out, "<table>\n<tr><th></th><th>name</th><th>");
  text_add(out, what);
  text_printf(out, "</th><th>max error</th><th>of</th><th>SNR dB</th><th>0 to %d</th></tr>\n",
              MOST_SNR);
}

void verify_html(Text *out, const char *title, const Compared *compared, int n,
                 const ComparedLayer *layer, int n_layers) {
  html_begin(out, title);
  text_add(out, "<style>.panel { fill: none; stroke: #8b949e } path { fill: none } .truth { "
                "stroke: #8b949e; stroke-width: 3 } "
                ".got { stroke: #2f6fd6 } .error { stroke: #c0392b } svg { max-width: 100%; "
                "height: auto }</style>\n<h1>");
  text_add_markup(out, title);
  text_add(out, "</h1>\n");
  table(out, "comparison");
  for (int i = 0; i < n; i++)
    result_row(out, compared[i].name, compared[i].what, &compared[i].difference, compared[i].ok);
  text_add(out, "</table>\n<p>In the plots the truth is the broad grey line and the result the "
                "blue one.</p>\n");
  for (int i = 0; i < n; i++)
    plot(out, &compared[i]);
  if (n_layers) {
    text_add(out, "<h2>Layers of the compiled code against the evaluator</h2>\n");
    table(out, "stage");
    for (int i = 0; i < n_layers; i++)
      result_row(out, layer[i].path, layer[i].text, &layer[i].difference, layer[i].ok);
    text_add(out, "</table>\n");
  }
  html_end(out);
}
