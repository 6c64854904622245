/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Expands a block where it is used. In, the arguments, which become its inputs and formals; out,
 * the layers of its body in the model, and its first `out`, which is the value of the use. */
#include "front/resolve.h"

#include <string.h>

static int block_inputs(const Block *block) {
  const Node *body = block->node->kid[1];
  int n = 0;
  for (size_t i = 0; i < body->n; i++)
    n += node_is(body->kid[i], N_IN);
  return n;
}

static const Node *block_input(const Block *block, int index) {
  const Node *body = block->node->kid[1];
  for (size_t i = 0; i < body->n; i++)
    if (node_is(body->kid[i], N_IN) && index-- == 0) return body->kid[i];
  return NULL;
}

static void report_recursion(Body *body, const Block *block, const Node *stage) {
  Resolver *r = body->r;
  Text chain = text_new(r->arena);
  const char *name[BLOCK_DEPTH_MAX + 1];
  int n = 0;
  for (const Body *b = body; b && b->block && n < BLOCK_DEPTH_MAX; b = b->outer) {
    name[n++] = b->block->node->text;
    if (b->block == block) break;
  }
  while (n--)
    text_printf(&chain, "`%s` uses ", name[n]);
  Diag *d = diag_new(r->diags, E212, stage->at, "block `%s` uses itself", block->node->text);
  diag_primary(d, "here");
  diag_label(d, block->node->at, "`%s` is defined here", block->node->text);
  diag_note(d, "%s`%s`", text_str(&chain), block->node->text);
}

/* A block at one place where it is used, with the arguments of that place. */
typedef struct Expansion {
  const Block *block;
  const Node *stage;
  Item *input;
  bool *input_given;
  int n_inputs;
  Item *formal;
  const Node **formal_arg;
  int n_formals;
  bool bad;
} Expansion;

static Item value_wanted(Body *body, Expansion *e, const Node *node) {
  Item item = expr_resolve(body, node);
  if (item.kind == ITEM_CONST) {
    Diag *d = report_not_constant(body->r, node->span, "a value", &item);
    diag_note(d, "block `%s` has %d input%s", e->block->node->text, e->n_inputs,
              e->n_inputs == 1 ? "" : "s");
  }
  if (item.kind != ITEM_VALUE) e->bad = true;
  return item.kind == ITEM_VALUE ? item : item_bad();
}

static Item constant_wanted(Body *body, Expansion *e, const Node *node) {
  Item item = argument_resolve(body, node);
  if (item.kind == ITEM_VALUE) report_not_constant(body->r, node->span, "a constant", &item);
  if (item.kind != ITEM_CONST) e->bad = true;
  return item.kind == ITEM_CONST ? item : item_bad();
}

static void expansion_named(Body *body, Expansion *e, const Node *arg) {
  Resolver *r = body->r;
  const Node *formals = e->block->node->kid[0];
  for (int i = 0; i < e->n_formals; i++) {
    if (strcmp(formals->kid[i]->text, arg->text) != 0) continue;
    if (e->formal_arg[i]) {
      Diag *d = diag_new(r->diags, E217, arg->span, "`%s` is given twice", arg->text);
      diag_primary(d, "again here");
      diag_label(d, e->formal_arg[i]->span, "first given here");
      e->bad = true;
      return;
    }
    reference_note(body, arg->at, formals->kid[i]->at);
    e->formal_arg[i] = arg;
    e->formal[i] = constant_wanted(body, e, arg->kid[0]);
    return;
  }
  for (int i = 0; i < e->n_inputs; i++) {
    if (strcmp(block_input(e->block, i)->text, arg->text) != 0 || e->input_given[i]) continue;
    reference_note(body, arg->at, block_input(e->block, i)->at);
    e->input_given[i] = true;
    e->input[i] = value_wanted(body, e, arg->kid[0]);
    return;
  }
  Diag *d = diag_new(r->diags, E203, arg->span, "block `%s` has no argument `%s`",
                     e->block->node->text, arg->text);
  diag_primary(d, "unknown argument");
  Nearest n = nearest_new(arg->text);
  Text takes = text_new(r->arena);
  for (int i = 0; i < e->n_formals; i++) {
    nearest_offer(&n, formals->kid[i]->text);
    text_printf(&takes, "%s%s", i ? ", " : "", formals->kid[i]->text);
  }
  if (takes.len)
    diag_note(d, "`%s` takes %s", e->block->node->text, text_str(&takes));
  else
    diag_note(d, "`%s` takes no arguments", e->block->node->text);
  nearest_fix(d, &n, arg->at);
  e->bad = true;
}

static void expansion_positional(Body *body, Expansion *e, const Node *arg, int *input,
                                 int *formal) {
  while (*input < e->n_inputs && e->input_given[*input])
    ++*input;
  if (*input < e->n_inputs) {
    e->input_given[*input] = true;
    e->input[*input] = value_wanted(body, e, arg->kid[0]);
  } else if (*formal < e->n_formals) {
    e->formal_arg[*formal] = arg;
    e->formal[(*formal)++] = constant_wanted(body, e, arg->kid[0]);
  } else {
    Diag *d = diag_new(body->r->diags, E217, arg->span, "too many arguments for block `%s`",
                       e->block->node->text);
    diag_primary(d, "it has %d input%s and takes %d", e->n_inputs, e->n_inputs == 1 ? "" : "s",
                 e->n_formals);
    e->bad = true;
  }
}

static void expansion_arguments(Body *body, Expansion *e, const Item *piped, Span piped_span) {
  int input = 0, formal = 0;
  if (piped && e->n_inputs == 0) {
    Diag *d = diag_new(body->r->diags, E217, e->stage->span, "block `%s` has no input",
                       e->block->node->text);
    diag_primary(d, "this passes a value to the block");
    e->bad = true;
  } else if (piped) {
    e->input_given[0] = true;
    e->input[0] = *piped;
    e->bad = piped->kind != ITEM_VALUE;
    if (piped->kind == ITEM_CONST) report_not_constant(body->r, piped_span, "a value", piped);
  }
  for (size_t i = 0; i < e->stage->n; i++) {
    const Node *arg = e->stage->kid[i];
    if (!node_is(arg, N_ARG))
      e->bad = true;
    else if (arg->text)
      expansion_named(body, e, arg);
    else
      expansion_positional(body, e, arg, &input, &formal);
  }
}

static void expansion_missing(Body *body, Expansion *e) {
  const Node *formals = e->block->node->kid[0];
  const char *name = e->block->node->text;
  for (int i = 0; i < e->n_inputs && !e->bad; i++) {
    if (e->input_given[i]) continue;
    Diag *d =
        diag_new(body->r->diags, E207, e->stage->span, "block `%s` has nothing to work on", name);
    diag_primary(d, "input `%s` is missing", block_input(e->block, i)->text);
    e->bad = true;
  }
  for (int i = 0; i < e->n_formals && !e->bad; i++) {
    if (e->formal_arg[i] || node_given(formals->kid[i]->kid[0])) continue;
    Diag *d = diag_new(body->r->diags, E204, e->stage->span, "block `%s` needs `%s`", name,
                       formals->kid[i]->text);
    diag_primary(d, "missing here");
    diag_label(d, formals->kid[i]->at, "has no default");
    e->bad = true;
  }
}

static void formals_define(Body *inner, Expansion *e) {
  const Node *formals = e->block->node->kid[0];
  for (int i = 0; i < e->n_formals; i++) {
    const Node *f = formals->kid[i];
    Item item = e->formal[i];
    if (!e->formal_arg[i] && node_given(f->kid[0])) item = argument_resolve(inner, f->kid[0]);
    body_define(inner, f->text, f->at, item);
  }
}

/* The body with its results; bad if its errors were reported, now or before. */
static Item block_expand(Body *body, Block *block, Expansion *e) {
  Resolver *r = body->r;
  size_t errors = r->diags->n_errors;
  Body inner = {.r = r, .model = body->model, .file = block->file, .outer = body, .block = block};
  inner.call = ARENA_NEW(r->arena, Call);
  *inner.call = (Call){block->node->text, e->stage->span, body->call};
  inner.path = path_unique(body, block->node->text);
  inner.binding = body->binding;
  inner.input = e->input;
  inner.n_inputs = e->n_inputs;
  inner.first = block->n_uses++ == 0;
  block->expanding = true;
  formals_define(&inner, e);
  body_resolve(&inner, block->node->kid[1]);
  block->expanding = false;
  if (r->diags->n_errors != errors) block->failed = true;
  if (block->failed || inner.n_outs == 0) return item_bad();
  Item item = *inner.out[0].item;
  item.of_block = true;
  item.field = inner.out + 1;
  item.n_fields = inner.n_outs - 1;
  return item;
}

static int depth_of(const Body *body) {
  int n = 0;
  for (; body->outer; body = body->outer)
    n++;
  return n;
}

static Expansion expansion_new(Body *body, const Block *block, const Node *stage) {
  Expansion e = {.block = block, .stage = stage, .n_inputs = block_inputs(block)};
  const Node *formals = block->node->kid[0];
  e.n_formals = node_is(formals, N_FORMALS) ? (int)formals->n : 0;
  e.bad = node_is(formals, N_BAD);
  e.input = ARENA_ARRAY(body->r->arena, Item, e.n_inputs);
  e.input_given = ARENA_ARRAY(body->r->arena, bool, e.n_inputs);
  e.formal = ARENA_ARRAY(body->r->arena, Item, e.n_formals);
  e.formal_arg = ARENA_ARRAY(body->r->arena, const Node *, e.n_formals);
  return e;
}

static bool expansion_allowed(Body *body, const Block *block, const Node *stage) {
  Resolver *r = body->r;
  if (r->too_large) return false;
  int depth = depth_of(body);
  if (depth < BLOCK_DEPTH_MAX && ++r->expanded <= EXPANSION_MAX) return true;
  Diag *d =
      depth < BLOCK_DEPTH_MAX
          ? diag_new(r->diags, E215, stage->span, "this model expands to more than 100,000 stages")
          : diag_new(r->diags, E215, stage->span, "blocks are nested more than %d deep",
                     BLOCK_DEPTH_MAX);
  diag_primary(d, "reached at this use of `%s`", block->node->text);
  diag_note(d, "blocks are copied to where they are used, and blocks that use blocks multiply");
  r->too_large = true;
  return false;
}

Item block_resolve(Body *body, Block *block, const Node *stage, const Item *piped,
                   Span piped_span) {
  if (block->expanding) {
    if (!block->failed) report_recursion(body, block, stage);
    block->failed = true;
    return item_bad();
  }
  Expansion e = expansion_new(body, block, stage);
  expansion_arguments(body, &e, piped, piped_span);
  expansion_missing(body, &e);
  if (e.bad || block->failed || !expansion_allowed(body, block, stage)) return item_bad();
  size_t n_outs = 0;
  const Node *inner = block->node->kid[1];
  for (size_t i = 0; i < inner->n; i++)
    n_outs += node_is(inner->kid[i], N_OUT) || node_is(inner->kid[i], N_BAD);
  if (n_outs == 0) {
    Diag *d =
        diag_new(body->r->diags, E206, stage->at, "block `%s` has no result", block->node->text);
    diag_primary(d, "a value is needed here");
    diag_label(d, block->node->at, "has no `out`");
    block->failed = true;
    return item_bad();
  }
  return block_expand(body, block, &e);
}

void block_check(Resolver *r, Block *block) {
  if (block->n_uses || block->failed || block->expanding) return;
  Model *scratch = model_new(r->arena, block->node->text);
  Map paths = {0};
  r->paths = &paths;
  r->expanded = 0;
  Body outer = {.r = r,
                .model = scratch,
                .file = block->file,
                .path = block->node->text,
                .binding = block->node->text};
  Expansion e = expansion_new(&outer, block, block->node);
  block_expand(&outer, block, &e);
}
