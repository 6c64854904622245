/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One line a diagnostic, and the form gcc and clang use. */
#include "base/render.h"
#include "base/safe.h"

static void add_place(Text *out, const Sources *sources, Span span) {
  const Source *source = sources_get(sources, span.file);
  if (!source) return;
  Place p = source_place(sources, source, span.begin);
  text_printf(out, "%s:%u:%u: ", safe_line(out->arena, source->path), p.line, p.column);
}

static void add_own_place(Text *out, const Diag *diag) {
  Place place;
  const char *path = safe_line(out->arena, diag_place(diag, &place));
  if (place.line)
    text_printf(out, "%s:%u:%u: ", path, place.line, place.column);
  else if (*path)
    text_printf(out, "%s: ", path);
}

void render_short(Text *out, const Diag *diag) {
  add_own_place(out, diag);
  text_printf(out, "%s[%s]: %s\n", diag_level_name(diag), diag_info[diag->code].code,
              diag->message);
}

static void add_quoted(Text *out, const char *s) { /* as in GCC's fix-it lines: C escapes */
  text_add_char(out, '"');
  for (; *s; s++) {
    if (*s == '"' || *s == '\\') text_add_char(out, '\\');
    if (*s == '\n')
      text_add(out, "\\n");
    else if (*s == '\t')
      text_add(out, "\\t");
    else if ((unsigned char)*s < ' ' || *s == 0x7F)
      text_printf(out, "\\%03o", (unsigned char)*s);
    else
      text_add_char(out, *s);
  }
  text_add_char(out, '"');
}

void render_gcc(Text *out, const Diag *diag) {
  const Sources *sources = diag->diags->sources;
  add_own_place(out, diag);
  text_printf(out, "%s: %s [%s]\n", diag_level_name(diag), diag->message,
              diag_info[diag->code].code);
  for (size_t i = 0; i < diag->n_labels; i++) {
    add_place(out, sources, diag->labels[i].span);
    text_printf(out, "note: %s\n", diag->labels[i].text);
  }
  for (size_t i = 0; i < diag->n_fixes; i++) {
    const Fix *fix = diag->fixes[i];
    for (size_t j = 0; fix->kind == FIX_SURE && j < fix->n_edits; j++) {
      const Source *source = sources_get(sources, fix->edits[j].span.file);
      if (!source) continue;
      Place a = source_place(sources, source, fix->edits[j].span.begin);
      Place b = source_place(sources, source, fix->edits[j].span.end);
      text_add(out, "fix-it:");
      add_quoted(out, source->path);
      text_printf(out, ":{%u:%u-%u:%u}:", a.line, a.column, b.line, b.column);
      add_quoted(out, fix->edits[j].text);
      text_add_char(out, '\n');
    }
  }
}
