/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Quick fixes: the edits of diagnostics in a range. A sure fix is preferred; one with blanks to
 * fill in says so. `source.fixAll` is every sure fix at once, as `grus check --fix` applies
 * them. */
#include "lsp/server.h"

#include "base/render.h"

#include <string.h>

static void add_edits(Request *r, Text *out, const Fix *fix) {
  text_add(out, "{\"changes\":{");
  text_add_json(out, r->document->uri);
  text_add(out, ":[");
  for (size_t i = 0; i < fix->n_edits; i++) {
    text_add(out, i ? ",{\"range\":" : "{\"range\":");
    add_range(r->server, out, r->a, fix->edits[i].span);
    text_add(out, ",\"newText\":");
    text_add_json(out, fix->edits[i].text);
    text_add_char(out, '}');
  }
  text_add(out, "]}}");
}

/* Edits of the document itself only. */
static bool edits_here(const Analysis *a, const Fix *fix) {
  for (size_t i = 0; i < fix->n_edits; i++)
    if (fix->edits[i].span.file != a->source->id) return false;
  return fix->n_edits > 0;
}

static void add_fix(Request *r, Text *out, const Diag *d, const Fix *fix) {
  text_add(out, "{\"title\":");
  text_add_json(out, fix->kind == FIX_FILL ? arena_printf(r->arena, "%s (fill in N)", fix->title)
                                           : fix->title);
  text_printf(out, ",\"kind\":\"quickfix\",\"isPreferred\":%s,\"diagnostics\":[",
              fix->kind == FIX_SURE ? "true" : "false");
  add_diagnostic(r->server, out, r->a, r->document->uri, d);
  text_add(out, "],\"edit\":");
  add_edits(r, out, fix);
  text_add_char(out, '}');
}

/* Whether the client asks for actions of this kind: no list asks for all. */
static bool wanted(const Request *r, const char *kind) {
  const json_t *only = json_object_get(json_object_get(r->params, "context"), "only"), *item;
  size_t i;
  if (!json_is_array(only)) return true;
  json_array_foreach(only, i, item) {
    const char *s = json_string_value(item);
    size_t n = s ? strlen(s) : 0;
    if (s && strncmp(kind, s, n) == 0 && (kind[n] == 0 || kind[n] == '.')) return true;
  }
  return false;
}

static void add_fix_all(Request *r, Text *out, int n) {
  size_t len, applied;
  const char *text = diags_apply_sure(r->a->diags, r->a->source, &len, &applied);
  if (!applied) return;
  Span whole = {r->a->source->id, 0, (uint32_t)r->a->source->len};
  text_printf(out,
              "%s{\"title\":\"apply every "
              "certain fix\",\"kind\":\"source.fixAll\",\"edit\":{\"changes\":{",
              n ? "," : "");
  text_add_json(out, r->document->uri);
  text_add(out, ":[{\"range\":");
  add_range(r->server, out, r->a, whole);
  text_add(out, ",\"newText\":");
  text_add_json(out, arena_strndup(r->arena, text, len));
  text_add(out, "}]}}}");
}

void answer_code_action(Request *r, Text *out) {
  const json_t *range = json_object_get(r->params, "range");
  const char *text = r->a->source->text;
  uint32_t from = text_offset(r->server, text, r->a->source->len, json_object_get(range, "start"));
  uint32_t to = text_offset(r->server, text, r->a->source->len, json_object_get(range, "end"));
  int n = 0;
  text_add_char(out, '[');
  for (const Diag *d = r->a->diags->first; d && wanted(r, "quickfix"); d = d->next) {
    Span at = diag_shown(r->a, d);
    if (at.begin > to || at.end < from) continue;
    for (size_t i = 0; i < d->n_fixes; i++) {
      if (!edits_here(r->a, d->fixes[i])) continue;
      if (n++) text_add_char(out, ',');
      add_fix(r, out, d, d->fixes[i]);
    }
  }
  if (wanted(r, "source.fixAll")) add_fix_all(r, out, n);
  text_add_char(out, ']');
}
