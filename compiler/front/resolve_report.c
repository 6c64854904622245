/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reports about names: unknown, known elsewhere, known in other frameworks, nearly right. */
#include "front/resolve.h"

#include <string.h>
#include <strings.h>

/* Beyond this many reports no nearest names are searched: the effort stays linear. */
enum { SUGGESTIONS_MAX = 200 };

Nearest nearest_new(const char *to) {
  return (Nearest){to, NULL, strlen(to) / 3 + 1};
}

void nearest_offer(Nearest *n, const char *candidate) {
  if (n->distance == 0 || !strcmp(candidate, n->to)) return;
  size_t d = text_distance(n->to, candidate, n->distance - 1);
  if (d < n->distance) {
    n->best = candidate;
    n->distance = d;
  }
}

void nearest_offer_words(Arena *arena, Nearest *n, const char *words) {
  TextWord word;
  while (words_next(&words, &word))
    nearest_offer(n, arena_strndup(arena, word.s, word.len));
}

void nearest_fix(Diag *d, const Nearest *n, Span at) {
  if (n->best) fix_edit(diag_fix(d, FIX_MAYBE, "did you mean `%s`?", n->best), at, "%s", n->best);
}

const char *item_kind_name(const Item *item) {
  if (item->kind == ITEM_VALUE) return "a value";
  switch (item->constant.kind) {
  case CONST_INT: return "an integer";
  case CONST_REAL: return "a number";
  case CONST_QTY: return "a quantity";
  case CONST_WORD: return "a word";
  case CONST_ELEM: return "an element type";
  case CONST_TEXT: return "a string";
  case CONST_SHAPE: return "a shape";
  }
  return "a constant";
}

Diag *report_not_constant(Resolver *r, Span at, const char *wanted, const Item *item) {
  Diag *d = diag_new(r->diags, E206, at, "expected %s", wanted);
  if (item->kind == ITEM_CONST && item->constant.kind == CONST_WORD)
    diag_primary(d, "this is the word `%s`", item->constant.s);
  else
    diag_primary(d, "this is %s", item_kind_name(item));
  return d;
}

void report_defined_twice(Resolver *r, const char *name, Span again, Span first) {
  Diag *d = diag_new(r->diags, E209, again, "`%s` is already defined", name);
  diag_primary(d, "again here");
  diag_label(d, first, "first defined here");
  diag_fix(d, FIX_MAYBE, "give one of them another name");
}

void reference_note(Body *body, Span at, Span definition) {
  Program *p = body->r->program;
  if ((body->block && !body->first) || !span_valid(at) || !span_valid(definition)) return;
  Reference reference = {at, definition};
  ARENA_PUSH(body->r->arena, p->reference, p->n_references, body->r->cap_references, reference);
}

void note_params(Body *body, Diag *d, const Node *node) {
  const Binding *b = node_is(node, N_NAME) ? name_find(body, node->text) : NULL;
  if (b && b->item.kind == ITEM_CONST) {
    diag_note(d, "`%s` is %s", node->text, const_str(body->r->arena, &b->item.constant));
    diag_label(d, b->name_span, "`%s` is defined here", node->text);
  }
  for (size_t i = 0; i < node->n; i++)
    note_params(body, d, node->kid[i]);
}

static bool may_suggest(Resolver *r) {
  return r->suggestions++ < SUGGESTIONS_MAX;
}

/* The statement that will define name; NULL if there is none, or it has. */
static const Node *defined_later(const Body *body, const char *name) {
  const Binding *b = map_get(&body->names, name);
  return b && !b->defined ? b->node : NULL;
}

/* Whether every name the statement reads is defined by now. */
static bool independent(Body *body, const Node *node) {
  if ((node_is(node, N_NAME) || node_is(node, N_FIELD)) && defined_later(body, node->text))
    return false;
  for (size_t i = 0; i < node->n; i++)
    if (!(node_is(node, N_FIELD)) && !independent(body, node->kid[i])) return false;
  return true;
}

static bool whole_lines(const Source *source, Span span, Span *lines) {
  *lines = span;
  const char *s = source->text;
  while (lines->begin && (s[lines->begin - 1] == ' ' || s[lines->begin - 1] == '\t'))
    lines->begin--;
  while (lines->end < source->len && s[lines->end] != '\n')
    lines->end++;
  const char *rest = s + span.end;
  rest += strspn(rest, " \t\r");
  if ((lines->begin && s[lines->begin - 1] != '\n') || (*rest != '\n' && *rest != '#'))
    return false;
  lines->end++;
  return true;
}

static void suggest_move_up(Body *body, Diag *d, const Node *later) {
  const Source *source = sources_get(body->r->diags->sources, later->span.file);
  Span from, to;
  if (!body->statement || !independent(body, later) || !whole_lines(source, later->span, &from) ||
      !whole_lines(source, body->statement->span, &to) || from.begin < to.end)
    return;
  Fix *fix = diag_fix(d, FIX_SURE, "move the definition up");
  fix_edit(fix, (Span){to.file, to.begin, to.begin}, "%s",
           span_text(body->r->arena, body->r->diags->sources, from));
  fix_edit(fix, from, "%s", "");
}

/* `time None`, `[None, 13]`: the first axis can be time or the batch. */
static void report_none(Body *body, Span at) {
  Diag *d = diag_new(body->r->diags, E202, at, "no value named `None`");
  diag_primary(d, "sizes are known at build time");
  diag_note(d, "for any length up to N, write `time <= N`; for an endless signal, `time ..`; the "
               "batch is never an axis");
  const Source *source = sources_get(body->r->diags->sources, at.file);
  const char *text = source->text;
  if (at.begin >= 5 && strncmp(text + at.begin - 5, "time ", 5) == 0) {
    fix_edit(diag_fix(d, FIX_FILL, "give the largest length"), at, "<= N");
    fix_edit(diag_fix(d, FIX_MAYBE, "or make it a stream"), at, "..");
    return;
  }
  if (!at.begin || text[at.begin - 1] != '[') return;
  fix_edit(diag_fix(d, FIX_FILL, "if the axis is time, give the largest length"), at, "time <= N");
  fix_edit(diag_fix(d, FIX_MAYBE, "if the axis is time without end, make it a stream"), at,
           "time ..");
  uint32_t end = at.end;
  while (text[end] == ' ')
    end++;
  if (text[end] != ',') return;
  end += text[end + 1] == ' ' ? 2u : 1u;
  fix_edit(diag_fix(d, FIX_MAYBE, "if the axis is the batch, leave it out"),
           (Span){at.file, at.begin, end}, "%s", "");
}

void report_unknown_value(Body *body, const char *name, Span at) {
  Resolver *r = body->r;
  const Node *later = defined_later(body, name);
  if (later) {
    Diag *d = diag_new(r->diags, E210, at, "`%s` is defined later", name);
    diag_primary(d, "used here");
    diag_label(d, later->at, "defined here");
    if (later == body->statement)
      diag_note(d, "a value cannot depend on itself; only states carry results to the next step");
    diag_note(d, "define a value above its uses; a model has no cycles");
    suggest_move_up(body, d, later);
    return;
  }
  if (strcmp(name, "None") == 0) {
    report_none(body, at);
    return;
  }
  Diag *d = diag_new(r->diags, E202, at, "no value named `%s`", name);
  diag_primary(d, "not defined above this line");
  if (layer_info_find(name)) {
    diag_note(d, "`%s` is a stage: pass a value to it with `|>`", name);
    return;
  }
  if (!may_suggest(r)) return;
  Nearest n = nearest_new(name);
  for (int i = body->n_list - 1; i >= 0; i--)
    nearest_offer(&n, body->list[i]->name);
  for (int i = 0; i < body->file->n_entities; i++)
    if (body->file->entity[i]->kind == ENTITY_PARAM) nearest_offer(&n, body->file->entity[i]->name);
  nearest_fix(d, &n, at);
}

void report_unknown_stage(Body *body, const Node *stage) {
  Resolver *r = body->r;
  Diag *d =
      diag_new(r->diags, E201, stage->at, "no layer, function or block named `%s`", stage->text);
  diag_primary(d, "not defined");
  const Binding *value = name_find(body, stage->text);
  if (value) {
    diag_label(d, value->name_span, "`%s` is a %s", stage->text,
               value->item.kind == ITEM_CONST ? "constant" : "value");
    diag_note(d, "values are combined by `+ - * /` and `concat`");
    return;
  }
  for (int i = 0; i < r->program->n_models; i++) {
    const Model *model = r->program->model[i];
    if (strcmp(model->name, stage->text) != 0) continue;
    diag_label(d, model->name_span, "`%s` is a model", stage->text);
    diag_note(d, "to share stages between models, define a `block`");
    return;
  }
  if (legacy_stage(r, d, stage) || !may_suggest(r)) return;
  Nearest n = nearest_new(stage->text);
  for (int k = 0; k < LAYER_KIND_COUNT; k++) {
    const char *name = layer_info((LayerKind)k)->name;
    if (strcasecmp(name, stage->text) != 0) continue;
    fix_edit(diag_fix(d, FIX_SURE, "write `%s`", name), stage->at, "%s", name);
    return;
  }
  for (int k = 0; k < LAYER_KIND_COUNT; k++)
    if (!(layer_info((LayerKind)k)->flags & OPERATOR))
      nearest_offer(&n, layer_info((LayerKind)k)->name);
  for (int i = 0; i < body->file->n_entities; i++)
    if (body->file->entity[i]->kind == ENTITY_BLOCK) nearest_offer(&n, body->file->entity[i]->name);
  nearest_fix(d, &n, stage->at);
}

/* "activation, bias, from": in the order of the alphabet. */
static const char *options_listed(Arena *arena, const LayerInfo *info) {
  Text text = text_new(arena);
  const char *last = "";
  for (int n = layer_opt_count(info); n; n--) {
    const char *next = NULL;
    for (int i = 0; i < layer_opt_count(info); i++)
      if (strcmp(info->opts[i].name, last) > 0 && (!next || strcmp(info->opts[i].name, next) < 0))
        next = info->opts[i].name;
    text_printf(&text, "%s%s", text.len ? ", " : "", next);
    last = next;
  }
  return text_str(&text);
}

void report_unknown_option(Resolver *r, const Node *stage, const Node *arg, const LayerInfo *info) {
  Diag *d = diag_new(r->diags, E203, arg->span, "`%s` has no option `%s`", info->name, arg->text);
  diag_primary(d, "unknown option");
  bool legacy = legacy_option(r, d, stage, arg, info);
  if (layer_opt_count(info))
    diag_note(d, "`%s` takes %s", info->name, options_listed(r->arena, info));
  else
    diag_note(d, "`%s` takes no options", info->name);
  if (legacy || !may_suggest(r)) return;
  Nearest n = nearest_new(arg->text);
  for (int i = 0; i < layer_opt_count(info); i++)
    nearest_offer(&n, info->opts[i].name);
  nearest_fix(d, &n, arg->at);
}
