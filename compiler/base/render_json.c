/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One JSON object a diagnostic, one line each. Fields are only ever added; "v" is the version. */
#include "base/render.h"

static void add_place(Text *out, const Sources *sources, const Source *source, uint32_t offset) {
  Place p = source_place(sources, source, offset);
  text_printf(out, "{\"line\":%u,\"column\":%u,\"byte\":%u}", p.line, p.column, offset);
}

/* "file":...,"start":{...},"end":{...} */
static void add_span(Text *out, const Sources *sources, Span span) {
  const Source *source = sources_get(sources, span.file);
  if (!source) {
    text_add(out, "\"file\":null");
    return;
  }
  text_add(out, "\"file\":");
  text_add_json(out, source->path);
  text_add(out, ",\"start\":");
  add_place(out, sources, source, span.begin);
  text_add(out, ",\"end\":");
  add_place(out, sources, source, span.end);
}

static void add_string(Text *out, const char *key, const char *value) {
  text_printf(out, "\"%s\":", key);
  if (value)
    text_add_json(out, value);
  else
    text_add(out, "null");
}

/* Element i of a list: a place and a string that belongs to it. */
static void add_placed(Text *out, const Diag *diag, size_t i, Span span, const char *key,
                       const char *value) {
  text_add(out, i ? ",{" : "{");
  add_span(out, diag->diags->sources, span);
  text_add_char(out, ',');
  add_string(out, key, value);
  text_add_char(out, '}');
}

static void add_primary(Text *out, const Diag *diag) {
  text_add(out, ",\"primary\":{");
  if (span_valid(diag->span))
    add_span(out, diag->diags->sources, diag->span);
  else
    add_string(out, "file", diag->file);
  text_add_char(out, ',');
  add_string(out, "label", diag->label);
  text_add(out, "},\"labels\":[");
  for (size_t i = 0; i < diag->n_labels; i++) {
    add_placed(out, diag, i, diag->labels[i].span, "label", diag->labels[i].text);
  }
  text_add_char(out, ']');
}

static void add_trace(Text *out, const Diag *diag) {
  text_add(out, ",\"trace\":[");
  for (size_t i = 0; i < diag->n_trace; i++) {
    const DiagStep *step = &diag->trace[i];
    const Source *source = sources_get(diag->diags->sources, step->span.file);
    text_add(out, i ? ",{" : "{");
    if (source)
      text_printf(out, "\"line\":%u,",
                  source_place(diag->diags->sources, source, step->span.begin).line);
    else
      text_add(out, "\"line\":null,"); /* rows left out; imported models */
    add_string(out, "code", step->code);
    text_add_char(out, ',');
    add_string(out, "shape", step->shape);
    text_add_char(out, ',');
    add_string(out, "note", step->note);
    text_add_char(out, '}');
  }
  text_add_char(out, ']');
}

static void add_fixes(Text *out, const Diag *diag) {
  static const char *const kind[] = {"sure", "maybe", "fill"};
  text_add(out, ",\"fixes\":[");
  for (size_t i = 0; i < diag->n_fixes; i++) {
    const Fix *fix = diag->fixes[i];
    text_add(out, i ? ",{" : "{");
    add_string(out, "title", fix->title);
    text_printf(out, ",\"applicability\":\"%s\",\"edits\":[", kind[fix->kind]);
    for (size_t j = 0; j < fix->n_edits; j++) {
      add_placed(out, diag, j, fix->edits[j].span, "text", fix->edits[j].text);
    }
    text_add(out, "]}");
  }
  text_add_char(out, ']');
}

void render_json(Text *out, const Diag *diag) {
  const char **notes;
  size_t n_notes = diag_all_notes(diag, &notes);
  text_printf(out, "{\"v\":1,\"level\":\"%s\",\"code\":\"%s\",", diag_level_name(diag),
              diag_info[diag->code].code);
  add_string(out, "name", diag_info[diag->code].name);
  text_add_char(out, ',');
  add_string(out, "message", diag->message);
  add_primary(out, diag);
  add_trace(out, diag);
  text_add(out, ",\"notes\":[");
  for (size_t i = 0; i < n_notes; i++) {
    if (i) text_add_char(out, ',');
    text_add_json(out, notes[i]);
  }
  text_add_char(out, ']');
  add_fixes(out, diag);
  Text rendered = text_new(diag->diags->arena);
  render_human(&rendered, diag, false);
  text_add(out, ",\"rendered\":");
  text_add_json(out, text_str(&rendered));
  text_add(out, "}\n");
}
