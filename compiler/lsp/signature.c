/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The options of the stage whose brackets the cursor is in. */
#include "lsp/server.h"

#include <string.h>

/* The parameter that the cursor is at: by its key, else by position after the values. */
static int active(const Cursor *c, const LayerInfo *info) {
  int n = layer_opt_count(info);
  if (c->key) return layer_info_opt(info, c->key);
  int at = c->argument - (!c->piped && !(info->flags & MULTI));
  return at >= 0 && at < n && !(info->flags & MULTI) ? at : -1;
}

static const char *parameter(Arena *arena, const OptInfo *opt) {
  const char *choice = opt->words && strlen(opt->words) < 40 ? opt->words : NULL;
  Text text = text_new(arena);
  text_add(&text, opt->name);
  if (choice) {
    text_add_char(&text, '=');
    for (const char *s = choice; *s; s++)
      text_add_char(&text, *s == ' ' ? '|' : *s);
  } else if (*opt->fallback && strcmp(opt->fallback, "-") != 0)
    text_printf(&text, "=%s", opt->fallback);
  else if (*opt->fallback)
    text_add_char(&text, '=');
  return text_str(&text);
}

void answer_signature(Request *r, Text *out) {
  Cursor c = cursor_at(r->arena, r->document->text, r->document->len, r->at);
  const LayerInfo *info =
      c.open == '(' && c.callee && !c.comment ? layer_info_find(c.callee) : NULL;
  if (!info || (info->flags & OPERATOR)) return;
  int n = layer_opt_count(info), at = active(&c, info);
  Text label = text_new(r->arena), list = text_new(r->arena);
  text_printf(&label, "%s(", info->name);
  for (int i = 0; i < n; i++) {
    const char *p = parameter(r->arena, &info->opts[i]);
    size_t begin = label.len + (i ? 2 : 0);
    text_printf(&label, "%s%s", i ? ", " : "", p);
    text_printf(&list, "%s{\"label\":[%zu,%zu]}", i ? "," : "", begin, label.len);
  }
  text_printf(&label, ")  %s", info->rule);
  text_add(out, "{\"signatures\":[{\"label\":");
  text_add_json(out, text_str(&label));
  text_printf(out, ",\"parameters\":[%s]}],\"activeSignature\":0", text_str(&list));
  /* a number after the last parameter means none */
  text_printf(out, ",\"activeParameter\":%d}", at >= 0 ? at : n);
}
