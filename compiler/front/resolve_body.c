/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The statements of a model or of one use of a block, in order. */
#include "front/resolve.h"

#include <string.h>

static bool is_definition(const Node *n) {
  return node_is(n, N_IN) || node_is(n, N_OUT) || node_is(n, N_LET) || node_is(n, N_PARAM) ||
         (node_is(n, N_BAD) && n->text);
}

void name_expect(Arena *arena, Map *names, const Node *node) {
  if (map_get(names, node->text)) return;
  Binding *b = ARENA_NEW(arena, Binding);
  b->name = node->text;
  b->node = node;
  map_put(arena, names, b->name, b);
}

void body_define(Body *body, const char *name, Span name_span, Item item) {
  Resolver *r = body->r;
  Binding *b = map_get(&body->names, name);
  if (b && b->defined) {
    report_defined_twice(r, name, name_span, b->name_span);
    return;
  }
  if (!b) {
    b = ARENA_NEW(r->arena, Binding);
    b->name = name;
    map_put(r->arena, &body->names, name, b);
  }
  b->defined = true;
  b->item = item;
  b->name_span = name_span;
  ARENA_PUSH(r->arena, body->list, body->n_list, body->cap_list, b);
}

/* A value that stands for something with an error. */
static Value *poisoned(Body *body, const Node *node) {
  Value *v = model_value(body->model, node->text);
  v->span = node->span;
  v->name_span = node->at;
  v->poisoned = true;
  return v;
}

static Item value_of_statement(Body *body, const Node *expr) {
  Item item = node_is(expr, N_BAD) ? item_bad() : expr_resolve(body, expr);
  if (item.kind != ITEM_CONST) return item;
  Diag *d = report_not_constant(body->r, expr->span, "a value", &item);
  diag_note(d, "constants are named with `param`");
  return item_bad();
}

/* For a statement with an error, later stages use its declared type and report nothing. */
static Item broken_statement(Body *body, const Node *node) {
  Type *type = ARENA_NEW(body->r->arena, Type);
  if (!node_given(node->kid[0]) || node_is(node->kid[0], N_BAD) ||
      !type_resolve(body, node->kid[0], false, type) || type->time.kind == TIME_BOUNDED)
    return item_bad();
  Value *v = poisoned(body, node);
  v->guess_type = type;
  return item_of(v);
}

static void ascribe(Body *body, const Node *node, Value *value) {
  Type type;
  if (!node_given(node->kid[0]) || !type_resolve(body, node->kid[0], false, &type)) return;
  Ascription a = {value, node->text, type, node->kid[0]->span, node->at, span_none()};
  if (node_is(node, N_IN) && body->call) a.use_span = body->call->span;
  ARENA_PUSH(body->r->arena, body->model->ascription, body->model->n_ascriptions,
             body->model->cap_ascriptions, a);
}

static void input_resolve(Body *body, const Node *node) {
  Resolver *r = body->r;
  Type type = {.elem = ELEM_F32};
  bool typed = node_given(node->kid[0]);
  if (!typed) {
    Diag *d = diag_new(r->diags, E208, node->at, "input `%s` needs a type", node->text);
    diag_primary(d, "no type here");
    diag_note(d, "the types of inputs and outputs define the C interface");
    Fix *fix = diag_fix(d, FIX_FILL, "add the type of the data that one call passes");
    fix_edit(fix, (Span){node->at.file, node->at.end, node->at.end}, " : f32[N]");
  }
  bool ok = typed && type_resolve(body, node->kid[0], true, &type);
  Port *port = model_input(body->model, node->text, type);
  port->doc = node->doc;
  port->span = node->span;
  port->name_span = node->at;
  port->has_type = ok;
  if (ok) {
    port->type_span = node->kid[0]->span;
    ok = every_resolve(body, node->kid[1], port);
  }
  port->value->span = node->span;
  port->value->name_span = node->at;
  port->value->poisoned = !ok;
  body_define(body, node->text, node->at, ok ? item_of(port->value) : item_bad());
}

static void block_input_resolve(Body *body, const Node *node) {
  Item item = body->next_input < body->n_inputs ? body->input[body->next_input++] : item_bad();
  if (node_given(node->kid[1])) {
    Diag *d = diag_new(body->r->diags, E216, node->kid[1]->span,
                       "`every` belongs to an input of a model");
    diag_primary(d, "not allowed in a block");
  }
  if (item.kind == ITEM_VALUE) ascribe(body, node, item.value);
  body_define(body, node->text, node->at, item);
}

static void output_resolve(Body *body, const Node *node) {
  Item item = value_of_statement(body, node->kid[1]);
  Value *value = item.kind == ITEM_VALUE ? item.value : poisoned(body, node);
  Port *port = model_output(body->model, node->text, value);
  port->doc = node->doc;
  port->span = node->span;
  port->name_span = node->at;
  if (node_given(node->kid[0])) {
    port->has_type = type_resolve(body, node->kid[0], false, &port->declared);
    port->type_span = node->kid[0]->span;
    if (!port->has_type) port->value = poisoned(body, node);
  }
  if (item.kind == ITEM_BAD && port->has_type && port->declared.time.kind != TIME_BOUNDED) {
    /* The error has been reported: later stages use the declared type. */
    value->guess_type = &port->declared;
    item = item_of(value);
  }
  body_define(body, node->text, node->at, item);
}

static void block_output_resolve(Body *body, const Node *node) {
  Item *item = ARENA_NEW(body->r->arena, Item);
  *item = value_of_statement(body, node->kid[1]);
  if (item->kind == ITEM_VALUE) ascribe(body, node, item->value);
  BlockField field = {node->text, item, node->at};
  ARENA_PUSH(body->r->arena, body->out, body->n_outs, body->cap_outs, field);
  body_define(body, node->text, node->at, *item);
}

static void let_resolve(Body *body, const Node *node) {
  Item item = value_of_statement(body, node->kid[1]);
  if (item.kind == ITEM_BAD)
    item = broken_statement(body, node);
  else if (item.kind == ITEM_VALUE) {
    Value *v = item.value;
    ascribe(body, node, v);
    if (!v->name) {
      v->name = node->text;
      v->span = node->span;
      v->name_span = node->at;
      if (!body->block || body->first)
        ARENA_PUSH(body->r->arena, body->model->let, body->model->n_lets, body->model->cap_lets, v);
    }
  }
  body_define(body, node->text, node->at, item);
}

static bool only_once(Body *body, const Node *node, const char *what, Span first) {
  if (!span_valid(first)) return true;
  Diag *d = diag_new(body->r->diags, E216, node->span, "`%s` can be given once in a model", what);
  diag_primary(d, "again here");
  diag_label(d, first, "first here");
  return false;
}

static void weights_resolve(Body *body, const Node *node) {
  WeightsDecl *w = &body->model->weights;
  const Node *convention = node->kid[0];
  if (!only_once(body, node, "weights", w->span)) return;
  *w = (WeightsDecl){.path = node->text, .span = node->span, .path_span = node->at};
  if (!node_given(convention)) return;
  w->convention_span = convention->span;
  const char *word = word_resolve(body, "weights", CONVENTIONS, convention);
  for (int i = 0; word && i < CONVENTION_COUNT; i++)
    if (strcmp(word, convention_word[i]) == 0) w->convention = (Convention)i;
}

static void precision_resolve(Body *body, const Node *node) {
  if (!only_once(body, node, "precision", body->model->precision_span)) return;
  body->model->precision_span = node->span;
  const char *word = word_resolve(body, "precision", PRECISIONS, node->kid[0]);
  for (int i = 0; word && i < PRECISION_COUNT; i++)
    if (strcmp(word, precision_name[i]) == 0) body->model->precision = (Precision)i;
}

static void allow_resolve(Body *body, const Node *node) {
  Resolver *r = body->r;
  for (size_t i = 0; i < node->n; i++) {
    const Node *lint = node->kid[i];
    DiagCode code = diag_code_find(lint->text);
    if (code < DIAG_CODE_COUNT && diag_info[code].name) {
      body->model->allowed[code] = true;
      continue;
    }
    Diag *d = diag_new(r->diags, E211, lint->span, "`allow` cannot be `%s`", lint->text);
    diag_primary(d,
                 code < DIAG_CODE_COUNT ? "this is an error, not a lint" : "no lint of this name");
    Nearest n = nearest_new(lint->text);
    for (int c = 0; c < DIAG_CODE_COUNT; c++)
      if (diag_info[c].name) nearest_offer(&n, diag_info[c].name);
    nearest_fix(d, &n, lint->span);
  }
}

static void report_misplaced(Body *body, const Node *node, const char *what, const char *where) {
  Span word = {node->span.file, node->span.begin, node->span.begin + (uint32_t)strlen(what)};
  Diag *d = diag_new(body->r->diags, E216, word, "`%s` belongs %s", what, where);
  diag_primary(d, "not allowed here");
}

/* Statements that apply to a whole model. */
static void setting_resolve(Body *body, const Node *node) {
  static const char *const name[] = {[N_WEIGHTS] = "weights",
                                     [N_RANGES] = "ranges",
                                     [N_PRECISION] = "precision",
                                     [N_ALLOW] = "allow"};
  if (body->block) {
    report_misplaced(body, node, name[node->kind], "in a `model`, not in a `block`");
    return;
  }
  WeightsDecl *ranges = &body->model->ranges;
  if (node_is(node, N_WEIGHTS))
    weights_resolve(body, node);
  else if (node_is(node, N_PRECISION))
    precision_resolve(body, node);
  else if (node_is(node, N_ALLOW))
    allow_resolve(body, node);
  else if (only_once(body, node, "ranges", ranges->span))
    *ranges = (WeightsDecl){.path = node->text, .span = node->span, .path_span = node->at};
}

/* Defines the name of a statement with a syntax error, so that its uses report nothing. */
static void bad_resolve(Body *body, const Node *node) {
  const Binding *b = node->text ? map_get(&body->names, node->text) : NULL;
  if (b && !b->defined) body_define(body, node->text, node->at, item_bad());
}

static void statement_resolve(Body *body, const Node *node) {
  body->statement = node;
  if (!body->block && is_definition(node)) body->binding = body->path = node->text;
  switch (node->kind) {
  case N_IN:
    if (body->block)
      block_input_resolve(body, node);
    else
      input_resolve(body, node);
    break;
  case N_OUT:
    if (body->block)
      block_output_resolve(body, node);
    else
      output_resolve(body, node);
    break;
  case N_LET: let_resolve(body, node); break;
  case N_WEIGHTS:
  case N_RANGES:
  case N_PRECISION:
  case N_ALLOW: setting_resolve(body, node); break;
  case N_USE: report_misplaced(body, node, "use", "at the top of a file"); break;
  case N_PARAM:
    report_misplaced(body, node, "param", "outside of models and blocks");
    body_define(body, node->text, node->at, item_bad());
    break;
  NODE_EXPRESSION_CASES:
  NODE_PART_CASES:
    bad_resolve(body, node);
  }
}

void body_resolve(Body *body, const Node *node) {
  for (size_t i = 0; i < node->n; i++) {
    if (is_definition(node->kid[i])) name_expect(body->r->arena, &body->names, node->kid[i]);
  }
  for (size_t i = 0; i < node->n; i++)
    if (!body->r->too_large) statement_resolve(body, node->kid[i]);
}

void model_resolve(Resolver *r, ModelFile *file, const Node *node) {
  size_t errors = r->diags->n_errors;
  Map paths = {0};
  Model *model = model_new(r->arena, node->text);
  model->doc = node->doc;
  model->span = node->span;
  model->name_span = node->at;
  Program *p = r->program;
  const Model *first = map_get(&r->models, model->name);
  if (first)
    report_defined_twice(r, model->name, node->at, first->name_span);
  else
    map_put(r->arena, &r->models, model->name, model);
  r->paths = &paths;
  r->expanded = 0;
  r->too_large = false;
  Body body = {.r = r, .model = model, .file = file, .path = node->text, .binding = node->text};
  body_resolve(&body, node->kid[0]);
  model->failed = r->diags->n_errors != errors;
  ARENA_PUSH(r->arena, p->model, p->n_models, r->cap_models, model);
}
