/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The picture. It is well-formed XML for every model: names are made safe and escaped. Colours
 * follow the reader's choice of light or dark. A box whose value has a time axis has an edge behind
 * it; a recurrent one a loop; the bar at its foot is its share of the weights. */
#include "driver/draw_graph.h"

#include "driver/markup.h"

#include <string.h>

static const double TOP = 34, LINE = 17, SMALL = 15; /* pixels */

static const char *const box_class[] = {
    [BOX_PORT] = "port",        [BOX_RECURRENT] = "recurrent", [BOX_WEIGHTS] = "weights",
    [BOX_ENDS] = "ends",        [BOX_POINTWISE] = "pointwise", [BOX_OTHER] = "other",
    [BOX_TRAINING] = "training"};

/* Classes rather than variables: not every viewer has those. */
static const char style[] =
    "  <style>\n"
    "    text { font-family: ui-monospace, Menlo, Consolas, 'DejaVu Sans Mono', monospace; "
    "text-anchor: middle }\n"
    "    .title { font-size: 13px; font-weight: 600; fill: #1b1f24 }\n"
    "    .detail { font-size: 11px; fill: #57606a }\n"
    "    .shape { font-size: 11px; fill: #0a5bb5 }\n"
    "    .head { font-size: 13px; text-anchor: start; fill: #57606a }\n"
    "    .edge { fill: none; stroke: #7d8791; stroke-width: 1.6 }\n"
    "    .state { stroke-dasharray: 4 3 }\n"
    "    .box { stroke: #57606a; stroke-width: 1.2 }\n"
    "    .stream { stroke-dasharray: 5 3 }\n"
    "    .bar { fill: #57606a } .tip { fill: #7d8791 } .ground { fill: #fdfdfc }\n"
    "    .port { fill: #ffffff } .recurrent { fill: #cfe3ff } .weights { fill: #d8f0d8 } .ends { "
    "fill: #ffe3c4 }\n"
    "    .pointwise { fill: #fff3bf } .other { fill: #ece4f7 } .training { fill: #f1f1f1 }\n"
    "    @media (prefers-color-scheme: dark) {\n"
    "      .title { fill: #e8eaed } .detail, .head { fill: #a4adb7 } .shape { fill: #8ec0ff }\n"
    "      .edge { stroke: #87919c } .box { stroke: #a4adb7 } .bar { fill: #a4adb7 } .tip { fill: "
    "#87919c } .ground { fill: #16191d }\n"
    "      .port { fill: #22272e } .recurrent { fill: #1d3a63 } .weights { fill: #1f4427 } .ends { "
    "fill: #5a3a17 }\n"
    "      .pointwise { fill: #4c4315 } .other { fill: #3a2f52 } .training { fill: #2b2f34 }\n"
    "    }\n";

static void add_text(Text *out, double x, double y, const char *class, const char *s) {
  text_printf(out, "  <text x=\"%.1f\" y=\"%.1f\" class=\"%s\">", x, y, class);
  text_add_markup(out, s);
  text_add(out, "</text>\n");
}

/* Down the rest of a row, then over to (x, y), which is in the next row. */
static void curve_to(Text *out, double from_x, double row_end, double x, double y) {
  double mid = (row_end + y) / 2;
  text_printf(out, " L%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f", from_x, row_end, from_x, mid, x,
              mid, x, y);
}

static double row_end(const Drawing *g, const Box *b) {
  return g->row_y[b->row] + g->row_height[b->row];
}

/* A way goes straight through its row. */
static void svg_trunk(Text *out, const Drawing *g, const Trunk *t) {
  const Box *from = &g->box[t->from];
  text_printf(out, "  <path class=\"edge%s\" d=\"M%.1f %.1f", t->state ? " state" : "", from->x,
              from->y + from->height);
  for (int w = t->first; w <= t->last; w++) {
    const Box *before = w == t->first ? from : &g->box[w - 1], *way = &g->box[w];
    curve_to(out, before->x, row_end(g, before), way->x, g->row_y[way->row]);
  }
  text_printf(out, " L%.1f %.1f\"/>\n", g->box[t->last].x, row_end(g, &g->box[t->last]));
}

/* Edges by the box they lead to: those of box b are list[begin[b]] to list[begin[b + 1]]. */
typedef struct Entries {
  int *begin, *list;
} Entries;

static Entries entries_of(const Drawing *g) {
  Entries in = {ARENA_ARRAY(g->arena, int, g->n + 2), ARENA_ARRAY(g->arena, int, g->n_edges + 1)};
  int *at = ARENA_ARRAY(g->arena, int, g->n + 1);
  for (int i = 0; i < g->n_edges; i++)
    in.begin[g->edge[i].to + 1]++;
  for (int b = 0; b < g->n; b++)
    in.begin[b + 1] += in.begin[b];
  for (int i = 0; i < g->n_edges; i++)
    in.list[in.begin[g->edge[i].to] + at[g->edge[i].to]++] = i;
  return in;
}

static double edge_x(const Drawing *g, int edge) {
  return g->box[g->edge[edge].way >= 0 ? g->edge[edge].way : g->edge[edge].from].x;
}

/* Where the edges of a box come in, spread over its top in the order they come from. */
static double entry(const Drawing *g, const Entries *in, int edge) {
  const Box *to = &g->box[g->edge[edge].to];
  int begin = in->begin[g->edge[edge].to], n = in->begin[g->edge[edge].to + 1] - begin, before = 0;
  double own = edge_x(g, edge), step = (to->width - 30) / n;
  for (int i = begin; i < begin + n; i++)
    before += edge_x(g, in->list[i]) < own || (in->list[i] < edge && edge_x(g, in->list[i]) <= own);
  if (step > 24) step = 24;
  return to->x + (before - (n - 1) / 2.0) * step;
}

static void svg_edge(Text *out, const Drawing *g, int edge, double x) {
  const Edge *e = &g->edge[edge];
  const Box *from = &g->box[e->way >= 0 ? e->way : e->from], *to = &g->box[e->to];
  double y = e->way >= 0 ? row_end(g, from) : from->y + from->height;
  text_printf(out, "  <path class=\"edge%s\" marker-end=\"url(#tip)\" d=\"M%.1f %.1f",
              e->state ? " state" : "", from->x, y);
  curve_to(out, from->x, row_end(g, from), x, to->y - 2);
  text_add(out, "\"/>\n");
}

static void svg_frame(Text *out, const Box *b, double shift, const char *class) {
  text_printf(out,
              "  <rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"8\" class=\"box "
              "%s%s\"/>\n",
              b->x - b->width / 2 + shift, b->y + shift, b->width, b->height, box_class[b->kind],
              class);
}

static void svg_loop(Text *out, const Box *b) {
  double x = b->x + b->width / 2, y = b->y + b->height / 2;
  text_printf(out,
              "  <path class=\"edge\" marker-end=\"url(#tip)\" d=\"M%.1f %.1f C%.1f %.1f %.1f %.1f "
              "%.1f %.1f\"/>\n",
              x + 1, y + 9, x + 26, y + 16, x + 26, y - 16, x + 4, y - 9);
}

static void svg_box(Text *out, const Box *b, int64_t most) {
  double y = b->y + 20;
  if (b->time != TIME_NONE) svg_frame(out, b, 4, b->time == TIME_STREAM ? " stream" : "");
  svg_frame(out, b, 0, "");
  if (b->loop) svg_loop(out, b);
  for (int i = 0; i < b->n_titles; i++, y += LINE)
    add_text(out, b->x, y, "title", b->title[i]);
  y -= 1;
  if (*b->detail) add_text(out, b->x, y, "detail", b->detail);
  if (*b->detail) y += SMALL;
  if (*b->shape) add_text(out, b->x, y, "shape", b->shape);
  if (b->bytes)
    text_printf(out, "  <rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"4\" class=\"bar\"/>\n",
                b->x - b->width / 2 + 10, b->y + b->height - 9,
                (b->width - 20) * (double)b->bytes / (double)most);
}

static const char *heading(Arena *arena, const Model *model) {
  switch (model->run) {
  case RUN_WHOLE: return arena_printf(arena, "%s: whole sequences", model->name);
  case RUN_WINDOW: return arena_printf(arena, "%s: windows on a stream", model->name);
  case RUN_STREAM: break;
  }
  if (model->steps_per_call == 1)
    return arena_printf(arena, "%s: a stream, one step a call", model->name);
  return arena_printf(arena, "%s: a stream, %lld steps a call", model->name,
                      (long long)model->steps_per_call);
}

void draw_svg(Text *out, const Sources *sources, const Model *model) {
  Drawing g = graph_of(out->arena, sources, model);
  const char *head = heading(out->arena, model);
  int64_t most = 1;
  graph_lay_out(&g, TOP);
  double least = (double)text_width(head, strlen(head)) * 8 + 40,
         width = g.width > least ? g.width : least;
  for (int i = 0; i < g.n; i++)
    if (g.box[i].bytes > most) most = g.box[i].bytes;
  text_printf(out,
              "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" "
              "viewBox=\"0 0 %.0f %.0f\">\n  <title>",
              width, g.height, width, g.height);
  text_add_markup(out, model->name);
  text_printf(out, "</title>\n%s  </style>\n", style);
  text_add(out, "  <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" "
                "markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
                "<path d=\"M0 0L8 4L0 8z\" class=\"tip\"/></marker></defs>\n"
                "  <rect width=\"100%\" height=\"100%\" class=\"ground\"/>\n");
  add_text(out, 20, 26, "head", head);
  for (int i = 0; i < g.n_trunks; i++)
    svg_trunk(out, &g, &g.trunk[i]);
  for (int i = 0; i < g.n_real; i++)
    svg_box(out, &g.box[i], most);
  Entries in = entries_of(&g);
  for (int i = 0; i < g.n_edges; i++)
    svg_edge(out, &g, i, entry(&g, &in, i));
  text_add(out, "</svg>\n");
}
