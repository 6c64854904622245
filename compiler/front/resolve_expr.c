/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expressions: names, fields, arithmetic on values and constants, chains of stages. */
#include "front/resolve.h"

#include <string.h>

enum { DEPTH_MAX = 2000 };

const Binding *name_find(Body *body, const char *name) {
  Binding *b = map_get(&body->names, name);
  if (!b || !b->defined) {
    Entity *e = map_get(&body->file->names, name);
    b = e && e->kind == ENTITY_PARAM ? e->param : NULL;
  }
  if (b) b->used = true;
  return b;
}

const Binding *name_resolve(Body *body, const char *name, Span at) {
  const Binding *b = name_find(body, name);
  const Entity *e = b ? NULL : map_get(&body->file->names, name);
  if (b)
    reference_note(body, at, b->name_span);
  else if (!(e && e->kind == ENTITY_BAD))
    report_unknown_value(body, name, at);
  return b;
}

Item argument_resolve(Body *body, const Node *node) {
  if (node_is(node, N_NAME) && !name_find(body, node->text) && word_known(node->text))
    return (Item){.kind = ITEM_CONST, .constant = {.kind = CONST_WORD, .s = node->text}};
  return expr_resolve(body, node);
}

static void report_no_field(Body *body, const Node *node, const Binding *b) {
  const Node *field = node->kid[0];
  const Item *item = &b->item;
  Layer *layer = item->value ? item->value->layer : NULL;
  Diag *d = diag_new(body->r->diags, E506, field->span, "`%s` has no field `%s`", node->text,
                     field->text);
  Text has = text_new(body->r->arena);
  for (int i = 0; i < item->n_fields; i++)
    text_printf(&has, "%s`.%s`", i ? ", " : "", item->field[i].name);
  bool states = !item->of_block && layer && item->value == layer->out[0];
  for (int i = 1; states && i <= layer_n_states(layer); i++)
    text_printf(&has, "%s`.%s`", i > 1 ? ", " : "", layer->out[i]->field);
  if (has.len)
    diag_primary(d, "it has %s", text_str(&has));
  else
    diag_primary(d, "it has no fields");
  diag_label(d, b->name_span, "defined here");
  if (!has.len) {
    diag_note(d, "a `let` has the fields of its final stage: `.h` of GRU, RNN and LSTM, `.c` of "
                 "LSTM, the further `out`s of a block");
    diag_fix(d, FIX_MAYBE, "give the recurrent layer a `let` of its own");
  } else if (layer && layer->kind != LAYER_LSTM && strcmp(field->text, "c") == 0) {
    diag_note(d, "only an `LSTM` has a cell state `c` in addition to `h`");
  }
}

static Item field_resolve(Body *body, const Node *node) {
  const Binding *b = name_resolve(body, node->text, node->at);
  const char *field = node->kid[0]->text;
  if (!b || b->item.kind == ITEM_BAD) return item_bad();
  if (b->item.of_block) {
    for (int i = 0; i < b->item.n_fields; i++)
      if (strcmp(b->item.field[i].name, field) == 0) {
        reference_note(body, node->kid[0]->span, b->item.field[i].name_span);
        return *b->item.field[i].item;
      }
  } else if (b->item.kind == ITEM_VALUE && b->item.value->layer &&
             b->item.value == b->item.value->layer->out[0]) {
    Layer *layer = b->item.value->layer;
    for (int i = 1; i <= layer_n_states(layer); i++)
      if (strcmp(layer->out[i]->field, field) == 0) return item_of(layer->out[i]);
  } else if (b->item.kind == ITEM_VALUE && b->item.value->poisoned) {
    return item_bad();
  }
  report_no_field(body, node, b);
  return item_bad();
}

static LayerKind operator_kind(char op) {
  return op == '+' ? LAYER_add : op == '-' ? LAYER_sub : op == '*' ? LAYER_mul : LAYER_div;
}

static Item operator_make(Body *body, char op, const Item *a, const Item *b, Span a_span,
                          Span b_span, Span op_span) {
  Resolver *r = body->r;
  bool constant_a = a->kind == ITEM_CONST, constant_b = b->kind == ITEM_CONST;
  if (constant_a || constant_b) {
    const Item *c = constant_a ? a : b;
    if (c->constant.kind != CONST_INT && c->constant.kind != CONST_REAL) {
      report_not_constant(r, constant_a ? a_span : b_span, "a value or a number", c);
      return item_bad();
    }
    if (!const_fits_f32(r, c->constant.f, constant_a ? a_span : b_span)) return item_bad();
  }
  Value *in[2] = {constant_a ? b->value : a->value, b->value};
  Span in_span[2] = {constant_a ? b_span : a_span, b_span};
  Layer *layer = layer_make(body, operator_kind(op), constant_a || constant_b ? 1 : 2, in, in_span);
  if (!layer) return item_bad();
  if (constant_a || constant_b) {
    OptVal *value = layer_opt_mut(layer, OPT_value), *swapped = layer_opt_mut(layer, OPT_swapped);
    value->given = true;
    value->f = constant_a ? a->constant.f : b->constant.f;
    value->span = value->at = constant_a ? a_span : b_span;
    if (constant_a)
      *swapped = (OptVal){.given = true, .s = "true", .i = 0, .span = a_span, .at = a_span};
  }
  layer->span = span_join(a_span, b_span);
  layer->name_span = op_span;
  layer->out[0]->span = layer->span;
  return item_of(layer->out[0]);
}

static Item operator_resolve(Body *body, const Node *chain, char op, Item a, Item b, Span a_span,
                             Span b_span, Span op_span) {
  if (a.kind == ITEM_BAD || b.kind == ITEM_BAD) return item_bad();
  if (a.kind == ITEM_CONST && b.kind == ITEM_CONST)
    return const_fold(body, a.constant, op, b.constant, chain, span_join(a_span, b_span));
  return operator_make(body, op, &a, &b, a_span, b_span, op_span);
}

/* a + b - c, from the left. */
static Item chain_resolve(Body *body, const Node *node) {
  const Node *first = node->kid[0]->kid[0];
  Item sum = expr_resolve(body, first);
  Span span = first->span;
  for (size_t i = 1; i < node->n; i++) {
    const Node *operand = node->kid[i];
    Item item = expr_resolve(body, operand->kid[0]);
    sum = operator_resolve(body, node, *operand->text, sum, item, span, operand->kid[0]->span,
                           operand->at);
    span = span_join(span, operand->span);
  }
  return sum;
}

static Item negate_resolve(Body *body, const Node *node) {
  Item item = expr_resolve(body, node->kid[0]);
  if (item.kind == ITEM_BAD) return item;
  if (item.kind == ITEM_CONST) return const_negate(body->r, item.constant, node->span);
  Item minus = item_int(-1);
  return operator_make(body, '*', &minus, &item, node->at, node->kid[0]->span, node->at);
}

/* Where a stage has a syntax error: a value that is silent, and shapes after it are guessed as if
 * the stage were not there. */
static Item broken_stage(Body *body, const Node *stage, const Item *piped) {
  if (piped->kind != ITEM_VALUE) return item_bad();
  Value *v = model_value(body->model, NULL);
  v->span = stage->span;
  v->poisoned = true;
  v->guess = piped->value;
  return item_of(v);
}

static Item pipe_resolve(Body *body, const Node *node) {
  Item item = expr_resolve(body, node->kid[0]);
  Span span = node->kid[0]->span;
  for (size_t i = 1; i < node->n; i++) {
    bool broken = node_is(node->kid[i], N_BAD);
    item = broken ? broken_stage(body, node->kid[i], &item)
                  : stage_resolve(body, node->kid[i], &item, span);
    span = node->kid[i]->span;
  }
  return item;
}

static Item too_deep(Body *body, const Node *node) {
  if (!body->r->too_large) {
    Diag *d = diag_new(body->r->diags, E215, node->span,
                       "blocks and brackets are nested too deeply here");
    diag_primary(d, "more than %d levels", DEPTH_MAX);
  }
  body->r->too_large = true;
  return item_bad();
}

static Item not_value(Body *body, const Node *node) {
  if (node_is(node, N_TIME_NAME)) {
    Diag *d = diag_new(body->r->diags, E206, node->span, "`time` is an axis, not a value");
    diag_primary(d, "expected a value");
    diag_note(d, "an axis is named in `along=`, and declared in a type: `f32[time 49, 13]`");
    return item_bad();
  }
  Diag *d = diag_new(body->r->diags, E206, node->span, "expected one value");
  diag_primary(d, "these are %zu", node->n);
  diag_note(d, "only `init` takes several values in brackets; `concat(a, b)` joins values");
  return item_bad();
}

static Item expr_any(Body *body, const Node *node) {
  const Binding *b;
  switch (node->kind) {
  case N_NAME: b = name_resolve(body, node->text, node->span); return b ? b->item : item_bad();
  case N_FIELD: return field_resolve(body, node);
  case N_PIPE: return pipe_resolve(body, node);
  case N_STAGE: return stage_resolve(body, node, NULL, span_none());
  case N_SUM:
  case N_PRODUCT: return chain_resolve(body, node);
  case N_NEG: return negate_resolve(body, node);
  case N_TIME_NAME:
  case N_TUPLE: return not_value(body, node);
  case N_INT:
  case N_FLOAT:
  case N_QTY:
  case N_STRING:
  case N_DTYPE:
  case N_SHAPE:
    return const_literal(body->r, node);
  NODE_STATEMENT_CASES:
  NODE_PART_CASES:
    break; /* a part with a syntax error, reported already */
  }
  return item_bad();
}

Item expr_resolve(Body *body, const Node *node) {
  if (body->r->depth >= DEPTH_MAX) return too_deep(body, node);
  body->r->depth++;
  Item item = expr_any(body, node);
  body->r->depth--;
  return item;
}
