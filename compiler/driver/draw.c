/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Layout and drawing. Nodes are inputs, layers and outputs; a node's row is the longest way from an
 * input; within a row nodes stand near the mean of their neighbours in the rows around. Deterministic, no
 * fonts are measured: boxes are as wide as their longest text at a fixed advance. */
#include "driver/draw.h"

#include "driver/report.h"
#include "model/graph/cost.h"
#include "model/bind/weights.h"

#include <string.h>

enum { ADVANCE = 8, MAX_PREV = 8 };
static const double BOX_H = 46, ROW_H = 88, GAP = 28, MARGIN = 32; /* pixels */

typedef struct Box {
  const char *title, *detail, *fill;
  int prev[MAX_PREV];
  const char *shape[MAX_PREV]; /* of the value that comes from there */
  int n_prev, row;
  bool dashed[MAX_PREV]; /* init and along: state, not data */
  double x, width;       /* x: centre */
} Box;

typedef struct Graph {
  Arena *arena;
  Box *node;
  int n, rows;
  int *of_value; /* node that makes a value, by id */
} Graph;

static const char *fill_of(const Layer *layer) {
  unsigned flags = layer_info(layer->kind)->flags;
  if (flags & RECURRENT) return "#cfe3ff";
  if (flags & TRAINING) return "#f1f1f1";
  if (flags & WEIGHTS) return "#d8f0d8";
  if (flags & ENDS) return "#ffe3c4";
  if (flags & (POINTWISE | OPERATOR)) return "#fff3bf";
  return "#ece4f7";
}

static const char *type_text(Graph *g, const Value *v) {
  Text text = text_new(g->arena);
  if (v->type.elem == ELEM_F32) text_add_shape(&text, &v->type);
  else text_add_type(&text, &v->type, false);
  return text_str(&text);
}

static void link_to(Graph *g, Box *node, const Value *from, bool dashed) {
  if (!from || node->n_prev >= MAX_PREV) return;
  int prev = g->of_value[from->id];
  for (int i = 0; i < node->n_prev; i++)
    if (node->prev[i] == prev) return;
  node->dashed[node->n_prev] = dashed;
  node->shape[node->n_prev] = type_text(g, from);
  node->prev[node->n_prev++] = prev;
  if (g->node[prev].row + 1 > node->row) node->row = g->node[prev].row + 1;
}

static const char *layer_detail(Graph *g, const Model *model, const Layer *layer) {
  Text text = text_new(g->arena);
  int64_t params = layer_param_count(layer), macs = layer_macs(model, layer);
  if (params) {
    text_add_thousands(&text, params);
    text_add(&text, " params");
  }
  if (macs) {
    text_add(&text, text.len ? ", " : "");
    text_add_count(&text, macs);
    text_add(&text, " MAC");
  }
  if (layer_info(layer->kind)->flags & TRAINING) text_add(&text, "training only");
  return text_str(&text);
}

/* At most 40 columns; cut between characters. */
static const char *title_cut(Arena *arena, const char *title) {
  enum { MOST = 40, DOTS = 3 };
  size_t n = strlen(title), end = 0, len;
  if (text_width(title, n) <= MOST) return title;
  while (text_decode(title + end, n - end, &len), text_width(title, end + len) <= MOST - DOTS)
    end += len;
  return arena_printf(arena, "%.*s...", (int)end, title);
}

static void add_layer(Graph *g, const Sources *sources, const Model *model, const Layer *layer) {
  Box *node = &g->node[g->n];
  *node = (Box){.title = layer_text(g->arena, sources, layer), .fill = fill_of(layer)};
  if (layer_info(layer->kind)->flags & OPERATOR) node->title = layer_info(layer->kind)->name;
  node->title = title_cut(g->arena, node->title);
  node->detail = layer_detail(g, model, layer);
  for (int i = 0; i < layer->n_in; i++)
    link_to(g, node, layer->in[i], false);
  const OptVal *init = layer_opt(layer, OPT_init), *along = layer_opt(layer, OPT_along);
  for (int i = 0; init && i < init->n_values; i++)
    link_to(g, node, init->values[i], true);
  if (init && init->states_of) link_to(g, node, init->states_of->out[1], true);
  if (along) link_to(g, node, along->value, true);
  for (int i = 0; i < LAYER_MAX_RESULTS && layer->out[i]; i++)
    g->of_value[layer->out[i]->id] = g->n;
  g->n++;
}

static Graph graph_of(Arena *arena, const Sources *sources, const Model *model) {
  Graph g = {.arena = arena, .node = ARENA_ARRAY(arena, Box, model->n_in + model->n_layers + model->n_out + 1),
             .of_value = ARENA_ARRAY(arena, int, model->n_values + 1)};
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    g.of_value[port->value->id] = g.n;
    g.node[g.n++] = (Box){.title = arena_printf(arena, "in %s", port->name), .detail = type_str(arena, &port->value->type), .fill = "#ffffff"};
  }
  for (int i = 0; i < model->n_layers; i++)
    add_layer(&g, sources, model, model->layer[i]);
  for (int i = 0; i < model->n_out; i++) {
    Box *node = &g.node[g.n];
    const Value *value = model->out[i]->value;
    *node = (Box){.title = arena_printf(arena, "out %s", model->out[i]->name), .detail = type_str(arena, &value->type), .fill = "#ffffff"};
    link_to(&g, node, value, false);
    g.n++;
  }
  for (int i = 0; i < model->n_in; i++) { /* an input stands just above the first that reads it */
    int row = -1;
    for (int k = 0; k < g.n; k++)
      for (int p = 0; p < g.node[k].n_prev; p++)
        if (g.node[k].prev[p] == i && (row < 0 || g.node[k].row - 1 < row)) row = g.node[k].row - 1;
    if (row > 0) g.node[i].row = row;
  }
  for (int i = 0; i < g.n; i++) {
    Box *node = &g.node[i];
    size_t a = text_width(node->title, strlen(node->title)), b = strlen(node->detail);
    node->width = (double)((a > b ? a : b) * ADVANCE + 28);
    if (node->width < 120) node->width = 120;
    if (node->row + 1 > g.rows) g.rows = node->row + 1;
  }
  return g;
}

/* Where a node would like its centre: at the mean of its predecessors, or of its successors. */
static double wish(const Graph *g, int node, bool down) {
  double sum = 0;
  int n = 0;
  for (int i = 0; i < g->n; i++)
    for (int k = 0; k < g->node[i].n_prev; k++) {
      int prev = g->node[i].prev[k];
      if ((down ? i : prev) != node) continue;
      sum += g->node[down ? prev : i].x;
      n++;
    }
  return n ? sum / n : g->node[node].x;
}

/* Moves the nodes of a row to where they would like to be, in their order and apart; what pushing
 * apart moved to the right on the whole is taken back. */
static void settle(Graph *g, int row, bool down) {
  double least = -1e9, moved = 0;
  int n = 0;
  for (int i = 0; i < g->n; i++) {
    Box *node = &g->node[i];
    if (node->row != row) continue;
    double x = wish(g, i, down);
    node->x = x - node->width / 2 < least ? least + node->width / 2 : x;
    least = node->x + node->width / 2 + GAP;
    moved += node->x - x;
    n++;
  }
  for (int i = 0; i < g->n; i++)
    if (g->node[i].row == row) g->node[i].x -= moved / n;
}

/* Places the rows, down and up in turn, ending downwards. Returns the width used. */
static double place(Graph *g) {
  enum { ROUNDS = 6 };
  double left = 1e9, right = -1e9;
  for (int round = 0; round < ROUNDS; round++)
    for (int i = 0; i < g->rows; i++)
      settle(g, round % 2 ? g->rows - 1 - i : i, round % 2 == 0);
  for (int i = 0; i < g->n; i++) {
    const Box *node = &g->node[i];
    if (node->x - node->width / 2 < left) left = node->x - node->width / 2;
    if (node->x + node->width / 2 > right) right = node->x + node->width / 2;
  }
  for (int i = 0; i < g->n; i++)
    g->node[i].x += MARGIN - left;
  return right - left + 2 * MARGIN;
}

static void add_xml(Text *out, const char *s) {
  for (; *s; s++) {
    if (*s == '&') text_add(out, "&amp;");
    else if (*s == '<') text_add(out, "&lt;");
    else if (*s == '>') text_add(out, "&gt;");
    else text_add_char(out, *s);
  }
}

static void svg_edge(Text *out, const Box *from, const Box *to, bool dashed) {
  double y1 = MARGIN + from->row * ROW_H + BOX_H, y2 = MARGIN + to->row * ROW_H, mid = (y1 + y2) / 2;
  text_printf(out, "  <path d=\"M%.1f %.1f C%.1f %.1f %.1f %.1f %.1f %.1f\" class=\"edge\"%s marker-end=\"url(#tip)\"/>\n", from->x, y1,
              from->x, mid, to->x, mid, to->x, y2 - 2, dashed ? " stroke-dasharray=\"4 3\"" : "");
}

/* The shape of a value beside the arrowhead, where no other edge of the same node is. */
static void svg_shape(Text *out, const Box *to, const char *shape) {
  text_printf(out, "  <text x=\"%.1f\" y=\"%.1f\" class=\"shape\">", to->x + 8, MARGIN + to->row * ROW_H - 11.0);
  add_xml(out, shape);
  text_add(out, "</text>\n");
}

static void svg_node(Text *out, const Box *node) {
  double y = MARGIN + node->row * ROW_H, left = node->x - node->width / 2;
  text_printf(out, "  <rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.0f\" rx=\"9\" fill=\"%s\" class=\"box\"/>\n", left, y, node->width, BOX_H, node->fill);
  text_printf(out, "  <text x=\"%.1f\" y=\"%.1f\" class=\"title\">", node->x, y + (*node->detail ? 20 : 28));
  add_xml(out, node->title);
  text_printf(out, "</text>\n  <text x=\"%.1f\" y=\"%.1f\" class=\"detail\">", node->x, y + 37);
  add_xml(out, node->detail);
  text_add(out, "</text>\n");
}

void draw_svg(Text *out, const Sources *sources, const Model *model) {
  Graph g = graph_of(out->arena, sources, model);
  double width = place(&g), height = 2 * MARGIN + (g.rows - 1) * ROW_H + BOX_H;
  text_printf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\">\n", width, height, width, height);
  text_add(out, "  <title>");
  add_xml(out, model->name);
  text_add(out, "</title>\n"
                "  <style>text{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
                ".title{font-size:13px;font-weight:600;text-anchor:middle;fill:#1b1f24}"
                ".detail{font-size:11px;text-anchor:middle;fill:#57606a}.shape{font-size:11px;fill:#0a5bb5;paint-order:stroke;stroke:#fdfdfc;stroke-width:4px}"
                ".box{stroke:#57606a;stroke-width:1.2}.edge{fill:none;stroke:#8c959f;stroke-width:1.6}</style>\n"
                "  <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">"
                "<path d=\"M0 0L8 4L0 8z\" fill=\"#8c959f\"/></marker></defs>\n"
                "  <rect width=\"100%\" height=\"100%\" fill=\"#fdfdfc\"/>\n");
  for (int i = 0; i < g.n; i++)
    for (int k = 0; k < g.node[i].n_prev; k++)
      svg_edge(out, &g.node[g.node[i].prev[k]], &g.node[i], g.node[i].dashed[k]);
  for (int i = 0; i < g.n; i++) { /* boxes of inputs and outputs say their type themselves */
    const Box *node = &g.node[i];
    bool said = node->n_prev != 1 || g.node[node->prev[0]].n_prev == 0 || i >= g.n - model->n_out;
    if (!said) svg_shape(out, node, node->shape[0]);
    svg_node(out, node);
  }
  text_add(out, "</svg>\n");
}

static void add_dot_string(Text *out, const char *s) {
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') text_add_char(out, '\\');
    text_add_char(out, *s);
  }
}

void draw_dot(Text *out, const Sources *sources, const Model *model) {
  Graph g = graph_of(out->arena, sources, model);
  text_printf(out, "digraph \"%s\" {\n  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\"];\n  edge [fontname=\"monospace\", fontsize=10];\n", model->name);
  for (int i = 0; i < g.n; i++) {
    text_printf(out, "  n%d [fillcolor=\"%s\", label=\"", i, g.node[i].fill);
    add_dot_string(out, g.node[i].title);
    if (*g.node[i].detail) text_add(out, "\\n");
    add_dot_string(out, g.node[i].detail);
    text_add(out, "\"];\n");
  }
  for (int i = 0; i < g.n; i++)
    for (int k = 0; k < g.node[i].n_prev; k++) {
      text_printf(out, "  n%d -> n%d [label=\"", g.node[i].prev[k], i);
      add_dot_string(out, g.node[i].shape[k]);
      text_printf(out, "\"%s];\n", g.node[i].dashed[k] ? ", style=dashed" : "");
    }
  text_add(out, "}\n");
}
