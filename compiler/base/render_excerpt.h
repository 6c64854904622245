/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Source excerpts with underlined, labelled spans: the middle of a human rendering. Private to the
 * renderer. */
#ifndef GRUS_BASE_RENDER_EXCERPT_H
#define GRUS_BASE_RENDER_EXCERPT_H

#include "base/diag.h"

typedef enum Paint {
  PAINT_NONE,
  PAINT_ERROR,
  PAINT_WARNING,
  PAINT_NOTE,
  PAINT_HELP,
  PAINT_GUTTER,
  PAINT_BOLD,
  PAINT_DELETE,
  PAINT_INSERT
} Paint;

typedef struct Canvas {
  Text *out;
  const Sources *sources;
  bool colour;
  int gutter; /* columns of the widest line number */
} Canvas;

/* Text in a colour; as it is without colour. */
void paint(Canvas *canvas, Paint paint, const char *s);
/* "12 | " or "   | "; sign replaces the bar ("+" or "-") where not 0. */
void paint_gutter(Canvas *canvas, uint32_t line, char sign);
/* A source line: tabs expanded, control characters shown, cut to a window with dots when very
 * long. */
void paint_source(Canvas *canvas, const char *line, size_t len, size_t from_column);
/* Where the window of a very long line begins that shows this byte of it; 0 for others. */
size_t excerpt_from(const char *line, size_t len, size_t byte);
/* Lines with the marks of the diagnostic: "  |" before and after. */
void paint_excerpt(Canvas *canvas, const Diag *diag);
/* The lines a fix changes, before and after. */
void paint_fix(Canvas *canvas, const Fix *fix);
/* The largest line number of anything shown for the diagnostic. */
uint32_t excerpt_last_line(const Diag *diag);

#endif
