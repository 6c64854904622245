/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The rendering for people: message, excerpt, how the shape got here, notes, fixes.
 * docs/language.md "Diagnostics" shows the layout. */
#include "base/render.h"
#include "base/render_excerpt.h"
#include "base/safe.h"

#include <stdio.h>
#include <string.h>

enum { NOTE_WIDTH = 82 };

static void paint_head(Canvas *canvas, const Diag *diag) {
  Paint how = diag->level == LEVEL_ERROR     ? PAINT_ERROR
              : diag->level == LEVEL_WARNING ? PAINT_WARNING
                                             : PAINT_NOTE;
  char head[32];
  snprintf(head, sizeof head, "%s[%s]", diag_level_name(diag), diag_info[diag->code].code);
  paint(canvas, how, head);
  paint(canvas, PAINT_BOLD, ": ");
  paint(canvas, PAINT_BOLD, diag->message);
  text_add_char(canvas->out, '\n');
  if (!span_valid(diag->span) && diag->file && *diag->file) {
    text_fill(canvas->out, ' ', (size_t)canvas->gutter);
    paint(canvas, PAINT_GUTTER, "-->");
    text_printf(canvas->out, " %s\n", safe_line(canvas->out->arena, diag->file));
  }
}

static size_t columns(const char *s) {
  return s ? text_width(s, strlen(s)) : 0;
}

static void paint_trace(Canvas *canvas, const Diag *diag) {
  if (!diag->n_trace) return;
  size_t code = 0, shape = 0;
  for (size_t i = 0; i < diag->n_trace; i++) {
    size_t c = columns(diag->trace[i].code), s = columns(diag->trace[i].shape);
    code = c > code ? c : code;
    shape = s > shape ? s : shape;
  }
  text_fill(canvas->out, ' ', (size_t)canvas->gutter + 1);
  text_add(canvas->out, "= how the shape got here:\n");
  for (size_t i = 0; i < diag->n_trace; i++) {
    const DiagStep *step = &diag->trace[i];
    const Source *source = sources_get(canvas->sources, step->span.file);
    text_fill(canvas->out, ' ', (size_t)canvas->gutter + 5);
    if (source)
      text_printf(canvas->out, "%*u", canvas->gutter,
                  source_place(canvas->sources, source, step->span.begin).line);
    else
      text_fill(canvas->out, ' ', (size_t)canvas->gutter);
    text_printf(canvas->out, "  %s", step->code);
    if (step->shape && *step->shape) {
      text_fill(canvas->out, ' ', code - columns(step->code) + 2);
      text_add(canvas->out, step->shape);
    }
    if (step->note) {
      size_t have = columns(step->shape);
      text_fill(canvas->out, ' ', (shape > have ? shape - have : 0) + 2);
      text_add(canvas->out, step->note);
    }
    text_add_char(canvas->out, '\n');
  }
}

/* Words of s in lines of NOTE_WIDTH columns; later lines are indented. */
static void paint_wrapped(Canvas *canvas, const char *s, size_t indent) {
  size_t at = 0;
  while (*s) {
    size_t n = strcspn(s, " \n"), width = text_width(s, n);
    if (at && at + 1 + width > NOTE_WIDTH) {
      text_add_char(canvas->out, '\n');
      text_fill(canvas->out, ' ', indent);
      at = 0;
    }
    if (at) text_add_char(canvas->out, ' ');
    text_add_n(canvas->out, s, n);
    at += width + (at > 0);
    s += n;
    if (*s == '\n') {
      text_add_char(canvas->out, '\n');
      text_fill(canvas->out, ' ', indent);
      at = 0;
      s++;
    }
    while (*s == ' ')
      s++;
  }
  text_add_char(canvas->out, '\n');
}

static void paint_notes(Canvas *canvas, const Diag *diag) {
  const char **notes;
  size_t n = diag_all_notes(diag, &notes);
  for (size_t i = 0; i < n; i++) {
    text_fill(canvas->out, ' ', (size_t)canvas->gutter + 1);
    text_add(canvas->out, "= ");
    paint(canvas, PAINT_BOLD, "note");
    text_add(canvas->out, ": ");
    paint_wrapped(canvas, notes[i], (size_t)canvas->gutter + 9);
  }
}

static void paint_fixes(Canvas *canvas, const Diag *diag) {
  for (size_t i = 0; i < diag->n_fixes; i++) {
    const Fix *fix = diag->fixes[i];
    paint(canvas, PAINT_HELP, fix->kind == FIX_SURE ? "fix" : "help");
    text_add(canvas->out, ": ");
    paint_wrapped(canvas, fix->title, fix->kind == FIX_SURE ? 5 : 6);
    paint_fix(canvas, fix);
  }
}

void render_human(Text *out, const Diag *diag, bool colour) {
  Canvas canvas = {.out = out, .sources = diag->diags->sources, .colour = colour};
  canvas.gutter = snprintf(NULL, 0, "%u", excerpt_last_line(diag));
  paint_head(&canvas, diag);
  paint_excerpt(&canvas, diag);
  paint_trace(&canvas, diag);
  paint_notes(&canvas, diag);
  paint_fixes(&canvas, diag);
  text_add_char(out, '\n');
}
