/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The graph in the language of Graphviz; every name and label is a quoted string. */
#include "driver/draw_graph.h"

#include "base/safe.h"

static void add_string(Text *out, const char *s) {
  for (s = safe_line(out->arena, s); *s; s++) {
    if (*s == '"' || *s == '\\') text_add_char(out, '\\');
    text_add_char(out, *s);
  }
}

static void add_line(Text *out, const char *s, bool first) {
  if (!*s) return;
  if (!first) text_add(out, "\\n");
  add_string(out, s);
}

static const char *fill_of(const Box *b) {
  static const char *const fill[] = {
      [BOX_PORT] = "#ffffff",    [BOX_RECURRENT] = "#cfe3ff", [BOX_WEIGHTS] = "#d8f0d8",
      [BOX_ENDS] = "#ffe3c4",    [BOX_POINTWISE] = "#fff3bf", [BOX_OTHER] = "#ece4f7",
      [BOX_TRAINING] = "#f1f1f1"};
  return fill[b->kind];
}

void draw_dot(Text *out, const Sources *sources, const Model *model) {
  Drawing g = graph_of(out->arena, sources, model);
  text_add(out, "digraph \"");
  add_string(out, model->name);
  text_add(out, "\" {\n  node [shape=box, style=\"rounded,filled\", fontname=\"monospace\"];\n  "
                "edge [fontname=\"monospace\", fontsize=10];\n");
  for (int i = 0; i < g.n_real; i++) {
    const Box *b = &g.box[i];
    text_printf(out, "  n%d [fillcolor=\"%s\", label=\"", i, fill_of(b));
    for (int k = 0; k < b->n_titles; k++)
      add_line(out, b->title[k], k == 0);
    add_line(out, b->detail, false);
    if (b->kind == BOX_PORT) add_line(out, b->shape, false);
    text_add(out, "\"];\n");
  }
  for (int i = 0; i < g.n_edges; i++) {
    const Edge *e = &g.edge[i];
    text_printf(out, "  n%d -> n%d [label=\"", e->from, e->to);
    add_string(out, e->shape);
    text_printf(out, "\"%s];\n", e->state ? ", style=dashed" : "");
  }
  text_add(out, "}\n");
}
