/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A SARIF 2.1.0 log: one run, one rule a code that occurs, one result a diagnostic. The trace is a
 * codeFlow, secondary labels are relatedLocations. Columns are code points, from 1. */
#include "base/render.h"

static void add_uri(Text *out, const char *path) { /* a path as a relative URI reference */
  text_add_char(out, '"');
  for (; *path; path++) {
    unsigned char c = (unsigned char)*path;
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '/' || c == '.' || c == '-' || c == '_' || c == '~';
    if (plain)
      text_add_char(out, (char)c);
    else
      text_printf(out, "%%%02X", c);
  }
  text_add_char(out, '"');
}

static void add_region(Text *out, const Sources *sources, const Source *source, Span span) {
  Place a = source_place(sources, source, span.begin), b = source_place(sources, source, span.end);
  text_printf(out,
              "{\"startLine\":%u,\"startColumn\":%u,\"endLine\":%u,\"endColumn\":%u,"
              "\"byteOffset\":%u,\"byteLength\":%u}",
              a.line, a.column, b.line, b.column, span.begin, span.end - span.begin);
}

static void add_artifact(Text *out, const char *path) {
  text_add(out, "\"artifactLocation\":{\"uri\":");
  add_uri(out, path);
  text_add_char(out, '}');
}

static void add_location(Text *out, const Diag *diag, Span span, const char *message) {
  const Source *source = sources_get(diag->diags->sources, span.file);
  const char *path = source ? source->path : diag->file ? diag->file : "";
  text_add(out, "{\"physicalLocation\":{");
  add_artifact(out, path);
  if (source) {
    text_add(out, ",\"region\":");
    add_region(out, diag->diags->sources, source, span);
  }
  text_add_char(out, '}');
  if (message) {
    text_add(out, ",\"message\":{\"text\":");
    text_add_json(out, message);
    text_add_char(out, '}');
  }
  text_add_char(out, '}');
}

static void add_related(Text *out, const Diag *diag) {
  if (!diag->n_labels) return;
  text_add(out, ",\"relatedLocations\":[");
  for (size_t i = 0; i < diag->n_labels; i++) {
    if (i) text_add_char(out, ',');
    add_location(out, diag, diag->labels[i].span, diag->labels[i].text);
  }
  text_add_char(out, ']');
}

static void add_flow(Text *out, const Diag *diag) {
  const char *comma = "";
  size_t placed = 0;
  for (size_t i = 0; i < diag->n_trace; i++)
    placed += span_valid(diag->trace[i].span);
  if (!placed) return;
  text_add(out, ",\"codeFlows\":[{\"threadFlows\":[{\"locations\":[");
  for (size_t i = 0; i < diag->n_trace; i++) {
    const DiagStep *step = &diag->trace[i];
    if (!span_valid(step->span)) continue; /* rows left out */
    Text message = text_new(diag->diags->arena);
    text_printf(&message, "%s: %s", step->code, step->shape ? step->shape : "");
    if (step->note) text_printf(&message, " (%s)", step->note);
    text_printf(out, "%s{\"location\":", comma);
    comma = ",";
    add_location(out, diag, step->span, text_str(&message));
    text_add_char(out, '}');
  }
  text_add(out, "]}]}]");
}

static void add_fixes(Text *out, const Diag *diag) {
  const char *comma = "";
  text_add(out, ",\"fixes\":[");
  for (size_t i = 0; i < diag->n_fixes; i++) {
    const Fix *fix = diag->fixes[i];
    const Source *source =
        fix->n_edits ? sources_get(diag->diags->sources, fix->edits[0].span.file) : NULL;
    if (!source) continue; /* SARIF has no place for advice without a change */
    text_printf(out, "%s{\"description\":{\"text\":", comma);
    text_add_json(out, fix->title);
    text_add(out, "},\"artifactChanges\":[{");
    add_artifact(out, source->path);
    text_add(out, ",\"replacements\":[");
    for (size_t j = 0; j < fix->n_edits; j++) {
      text_add(out, j ? ",{\"deletedRegion\":" : "{\"deletedRegion\":");
      add_region(out, diag->diags->sources, source, fix->edits[j].span);
      text_add(out, ",\"insertedContent\":{\"text\":");
      text_add_json(out, fix->edits[j].text);
      text_add(out, "}}");
    }
    text_add(out, "]}]}");
    comma = ",";
  }
  text_add_char(out, ']');
}

static void add_result(Text *out, const Diag *diag, unsigned rule) {
  const char **notes;
  size_t n = diag_all_notes(diag, &notes);
  Text message = text_new(diag->diags->arena);
  text_add(&message, diag->message);
  for (size_t i = 0; i < n; i++)
    text_printf(&message, "\nnote: %s", notes[i]);
  text_printf(out, "{\"ruleId\":\"%s\",\"ruleIndex\":%u,\"level\":\"%s\",\"message\":{\"text\":",
              diag_info[diag->code].code, rule, diag_level_name(diag));
  text_add_json(out, text_str(&message));
  text_add(out, "},\"locations\":[");
  add_location(out, diag, diag->span, diag->label);
  text_add_char(out, ']');
  add_related(out, diag);
  add_flow(out, diag);
  add_fixes(out, diag);
  text_add_char(out, '}');
}

static void add_rule(Text *out, DiagCode code, RenderPage *explain) {
  const DiagInfo *info = &diag_info[code];
  const char *page = explain ? explain(out->arena, code) : NULL;
  text_printf(out, "{\"id\":\"%s\",", info->code);
  if (info->name) text_printf(out, "\"name\":\"%s\",", info->name);
  text_add(out, "\"shortDescription\":{\"text\":");
  text_add_json(out, info->summary);
  text_add(out, "},\"fullDescription\":{\"text\":");
  text_add_json(out, page ? page : info->summary);
  text_printf(out,
              "},\"help\":{\"text\":\"grus explain %s\"},"
              "\"defaultConfiguration\":{\"level\":\"%s\"}}",
              info->code, info->level == LEVEL_ERROR ? "error" : "warning");
}

void render_sarif(Text *out, const Diags *diags, const char *version, RenderPage *explain) {
  int index[DIAG_CODE_COUNT];
  int n_rules = 0;
  for (int i = 0; i < DIAG_CODE_COUNT; i++)
    index[i] = -1;
  text_add(out,
           "{\"$schema\":\"https://json.schemastore.org/sarif-2.1.0.json\",\"version\":\"2.1.0\","
           "\"runs\":[{\"tool\":{\"driver\":{\"name\":\"grus\",\"version\":");
  text_add_json(out, version);
  text_add(out, ",\"rules\":[");
  for (const Diag *d = diags->first; d; d = d->next) {
    if (index[d->code] >= 0) continue;
    if (n_rules) text_add_char(out, ',');
    index[d->code] = n_rules++;
    add_rule(out, d->code, explain);
  }
  text_add(out, "]}},\"columnKind\":\"unicodeCodePoints\",\"results\":[");
  for (const Diag *d = diags->first; d; d = d->next) {
    if (d != diags->first) text_add_char(out, ',');
    add_result(out, d, (unsigned)index[d->code]);
  }
  text_add(out, "]}]}\n");
}
