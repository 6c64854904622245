/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The file of ranges of an imported model. In, what the reader knows of the numbers of a quantised
 * file; out, the same by the names of the text, with what follows from them, and a note that says
 * what is in it. */
#include "driver/imported_ranges.h"

#include "model/quant/quant.h"

static void add_range(Arena *arena, Ranges *ranges, const ForeignRange *from, const char *name) {
  if (from->is_cell) name = arena_printf(arena, "%s.c", name);
  ranges_widen(arena, ranges, name, from->low, from->high);
}

/* The ranges of the reader's values under the names that they have in the text. */
static void take_ranges(Session *s, const Imported *in, Ranges *ranges) {
  const Foreign *f = in->foreign;
  for (int r = 0; r < f->n_ranges; r++) {
    const ForeignRange *from = &f->range[r];
    for (int i = 0; i < f->model->n_in && i < in->model->n_in; i++)
      if (f->model->in[i]->value == from->value)
        add_range(s->arena, ranges, from, in->model->in[i]->name);
    for (int i = 0; i < in->model->n_layers; i++)
      if (in->order[i]->out[0] == from->value)
        add_range(s->arena, ranges, from, in->model->layer[i]->path);
  }
}

/* The same in the order of the model. */
static Ranges *sorted(Arena *arena, const Model *model, const Ranges *from) {
  Ranges *to = ARENA_NEW(arena, Ranges);
  for (int i = 0; i < model->n_in + model->n_layers; i++) {
    const char *name = i < model->n_in ? model->in[i]->name : model->layer[i - model->n_in]->path;
    const char *both[] = {name, arena_printf(arena, "%s.c", name)};
    for (int k = 0; k < 2; k++) {
      const Range *r = ranges_find(from, both[k]);
      if (r) ranges_add(arena, to, both[k], r->low, r->high);
    }
  }
  return to;
}

static const char *names_of(Arena *arena, const QuantNames *names) {
  enum { SHOWN = 3 };
  Text out = text_new(arena);
  int shown = names->n <= SHOWN ? names->n : SHOWN - 1;
  for (int i = 0; i < shown; i++)
    text_printf(&out, "%s`%s`", list_separator(i, names->n, " and "), names->name[i]);
  if (shown < names->n) text_printf(&out, " and %d others", names->n - shown);
  return text_str(&out);
}

/* What becomes of the file's integers where they do not fit. */
static void note_rounded(Session *s, const Imported *in) {
  if (!in->foreign->has_integer_weights) return;
  QuantRounded rounded = quant_rounded_layers(in->model);
  if (rounded.off_grid.n)
    foreign_note(in->foreign,
                 "`w8`, `i8` and `i16` round the weights of %s: those of a row are not all within "
                 "127 steps of one scale; `i16x16` has 32,767 steps",
                 names_of(s->arena, &rounded.off_grid));
  if (rounded.too_large.n)
    foreign_note(
        in->foreign,
        "`w8`, `i16` and `i16x16` round the weights of %s: sums of the file's integers and "
        "of values in 16 bits could leave 32 bits",
        names_of(s->arena, &rounded.too_large));
}

Ranges *imported_ranges(Session *s, const Imported *in) {
  Ranges *ranges = ARENA_NEW(s->arena, Ranges);
  if (in->foreign->n_ranges) take_ranges(s, in, ranges);
  if (!ranges->n) return NULL;
  ranges_follow(s->arena, in->model, ranges);
  return sorted(s->arena, in->model, ranges);
}

Ranges *imported_ranges_noted(Session *s, const Imported *in, const char *path) {
  Ranges *ranges = imported_ranges(s, in);
  note_rounded(s, in);
  if (!ranges) return NULL;
  QuantNames missing = quant_missing_ranges(in->model, PRECISION_I16, ranges);
  if (missing.n)
    foreign_note(in->foreign,
                 "the scales in the file give no range of %s: for integers, `grus calibrate` "
                 "measures all ranges anew",
                 names_of(s->arena, &missing));
  else
    foreign_note(in->foreign,
                 "`%s` has the ranges that the scales in the file give: `--precision i16` and `i8` "
                 "need no calibration",
                 path);
  return ranges;
}

const char *imported_ranges_text(Session *s, Ranges *ranges, const char *digest) {
  ranges->weights = digest;
  ranges->data = "the scales in the imported file";
  Text text = text_new(s->arena);
  ranges_print(ranges, &text);
  return text_str(&text);
}
