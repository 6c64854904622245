/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model as boxes and edges, and where they stand. Private to draw*.c.
 *
 *   draw_graph.c    what stands in a box, who feeds whom
 *   draw_layout.c   rows, order in a row, places
 *   draw_svg.c      the picture                  draw_dot.c   the graph for Graphviz */
#ifndef GRUS_DRIVER_DRAW_GRAPH_H
#define GRUS_DRIVER_DRAW_GRAPH_H

#include "driver/draw.h"

typedef enum BoxKind {
  BOX_PORT,
  BOX_RECURRENT,
  BOX_WEIGHTS,
  BOX_ENDS,
  BOX_POINTWISE,
  BOX_OTHER,
  BOX_TRAINING,
  BOX_WAY
} BoxKind;

enum { TITLE_LINES = 4 };

/* A box; or, as BOX_WAY, the place where an edge passes a row. Shapes are those of its value. */
typedef struct Box {
  BoxKind kind;
  const char *title[TITLE_LINES]; /* one at least; the stage, wrapped */
  int n_titles;
  const char *detail, *shape; /* "" for none */
  int64_t bytes;              /* of weights */
  bool loop;                  /* keeps a state from step to step */
  TimeKind time;              /* of its value */
  int row;
  int place;                  /* in its row, from 0 */
  double x, y, width, height; /* x: centre; y: top; width is that of the frame */
  double room;                /* width and what stands beside it */
} Box;

typedef struct Edge {
  int from, to;
  bool state;        /* init and along: no data of each step */
  const char *shape; /* of the value */
  int way;           /* the last way it passes, as an index into box; -1: straight from its box */
} Edge;

/* One value's line through rows that it passes: from box `from`, then box[first] to box[last], one
 * a row. Edges that pass the same rows share it. */
typedef struct Trunk {
  int from;
  bool state;
  int first, last;
} Trunk;

typedef struct Drawing {
  Arena *arena;
  const Model *model;
  Box *box;
  int n, n_real; /* those after n_real are BOX_WAY */
  size_t cap;
  Edge *edge;
  int n_edges;
  size_t cap_edges;
  Trunk *trunk;
  int n_trunks;
  size_t cap_trunks;
  int rows;
  double *row_y, *row_height;
  double width, height;
} Drawing;

Drawing graph_of(Arena *arena, const Sources *sources, const Model *model);
/* Sets places and sizes. `top` pixels are left free above. */
void graph_lay_out(Drawing *g, double top);

#endif
