/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tokens as functions and their statements. Statements of kinds that PyTorch does not write for
 * inference become STATEMENT_OTHER, so that a file is refused only if `forward` comes to them. */
#include "import/read/script/script.h"

#include <string.h>

typedef struct Parser {
  Arena *arena;
  const ScriptToken *t;
  ScriptUnit *unit;
  const char *class;
  const char *reason;
  Map classes; /* by name */
  int depth;
} Parser;

static bool fail(Parser *p, const char *reason) {
  if (!p->reason) p->reason = reason;
  return false;
}

static bool is_mark(const Parser *p, const char *text) {
  return p->t->kind == SCRIPT_MARK && strcmp(p->t->text, text) == 0;
}

static bool is_name(const Parser *p, const char *text) {
  return p->t->kind == SCRIPT_NAME && strcmp(p->t->text, text) == 0;
}

static bool take_mark(Parser *p, const char *text) {
  if (!is_mark(p, text)) return false;
  p->t++;
  return true;
}

static bool take_name(Parser *p, const char *text) {
  if (!is_name(p, text)) return false;
  p->t++;
  return true;
}

static bool need_mark(Parser *p, const char *text) {
  return take_mark(p, text) || fail(p, arena_printf(p->arena, "`%s` is missing", text));
}

static ScriptExpr *expr_new(Parser *p, ScriptExprKind kind) {
  ScriptExpr *e = ARENA_NEW(p->arena, ScriptExpr);
  e->kind = kind;
  e->line = p->t->line;
  return e;
}

static void add_item(Parser *p, ScriptExpr *e, ScriptExpr *item, const char *keyword) {
  int n = e->n;
  ARENA_PUSH(p->arena, e->keyword, n, e->cap_keyword, keyword);
  ARENA_PUSH(p->arena, e->item, e->n, e->cap, item);
}

static ScriptExpr *expression(Parser *p);

/* Items up to a closing mark, with a comma after each but perhaps the last. */
static bool items(Parser *p, ScriptExpr *e, const char *close, bool named, bool *comma) {
  bool pairs = e->kind == EXPR_DICT;
  *comma = false;
  while (!take_mark(p, close)) {
    const char *keyword = NULL;
    bool is_named = named && p->t->kind == SCRIPT_NAME && p->t[1].kind == SCRIPT_MARK &&
                    strcmp(p->t[1].text, "=") == 0;
    if (is_named) {
      keyword = p->t->text;
      p->t += 2;
    }
    ScriptExpr *item = expression(p);
    if (!item) return false;
    add_item(p, e, item, keyword);
    if (pairs) {
      ScriptExpr *value = need_mark(p, ":") ? expression(p) : NULL;
      if (!value) return false;
      add_item(p, e, value, NULL);
    }
    *comma = take_mark(p, ",");
    if (!*comma) return need_mark(p, close);
  }
  return true;
}

static ScriptExpr *atom(Parser *p) {
  bool comma;
  ScriptExpr *e = expr_new(p, EXPR_NAME);
  const ScriptToken *t = p->t++;
  e->text = t->text;
  e->i = t->i;
  e->f = t->f;
  if (t->kind == SCRIPT_NAME) return e;
  if (t->kind == SCRIPT_INT || t->kind == SCRIPT_FLOAT || t->kind == SCRIPT_TEXT) {
    e->kind = t->kind == SCRIPT_INT ? EXPR_INT : t->kind == SCRIPT_FLOAT ? EXPR_FLOAT : EXPR_TEXT;
    return e;
  }
  p->t = t;
  if (take_mark(p, "(")) {
    e->kind = EXPR_TUPLE;
    if (!items(p, e, ")", false, &comma)) return NULL;
    return e->n == 1 && !comma ? e->item[0] : e;
  }
  bool list = take_mark(p, "[");
  if (list || take_mark(p, "{")) {
    e->kind = list ? EXPR_LIST : EXPR_DICT;
    return items(p, e, list ? "]" : "}", false, &comma) ? e : NULL;
  }
  fail(p, "an expression is missing");
  return NULL;
}

/* What stands after an atom: attributes, calls and places. */
static ScriptExpr *postfix(Parser *p) {
  ScriptExpr *e = atom(p);
  bool comma;
  for (int n = 0; e; n++) {
    ScriptExpr *of = e;
    if (n > SCRIPT_MAX_NESTING) {
      fail(p, "an expression has too many parts");
      return NULL;
    }
    if (take_mark(p, ".")) {
      e = expr_new(p, EXPR_ATTRIBUTE);
      e->text = p->t->text;
      add_item(p, e, of, NULL);
      if (p->t->kind != SCRIPT_NAME) {
        fail(p, "a name is missing");
        return NULL;
      }
      p->t++;
    } else if (take_mark(p, "(")) {
      e = expr_new(p, EXPR_CALL);
      add_item(p, e, of, NULL);
      if (!items(p, e, ")", true, &comma)) return NULL;
    } else if (take_mark(p, "[")) {
      e = expr_new(p, EXPR_INDEX);
      add_item(p, e, of, NULL);
      ScriptExpr *places = expr_new(p, EXPR_TUPLE);
      if (!items(p, places, "]", false, &comma)) return NULL;
      add_item(p, e, places->n == 1 && !comma ? places->item[0] : places, NULL);
    } else {
      return e;
    }
  }
  return NULL;
}

static ScriptExpr *unary(Parser *p) {
  if (!is_mark(p, "-")) return postfix(p);
  ScriptExpr *e = expr_new(p, EXPR_NEGATIVE), *of;
  p->t++;
  of = postfix(p);
  if (!of) return NULL;
  add_item(p, e, of, NULL);
  return e;
}

static ScriptExpr *expression(Parser *p) {
  ScriptExpr *e = NULL;
  if (++p->depth > SCRIPT_MAX_NESTING)
    fail(p, "its brackets are nested too deeply");
  else
    e = unary(p);
  if (e && is_name(p, "if")) {
    ScriptExpr *choice = expr_new(p, EXPR_CHOICE);
    p->t++;
    ScriptExpr *condition = unary(p),
               *other = condition && take_name(p, "else") ? expression(p) : NULL;
    if (!other) {
      fail(p, "a choice is not complete");
      e = NULL;
    } else {
      add_item(p, choice, e, NULL);
      add_item(p, choice, condition, NULL);
      add_item(p, choice, other, NULL);
      e = choice;
    }
  }
  p->depth--;
  return e;
}

/* a, b, c: an EXPR_TUPLE; one expression is itself. */
static ScriptExpr *expressions(Parser *p) {
  ScriptExpr *first = expression(p), *all;
  if (!first || !is_mark(p, ",")) return first;
  all = expr_new(p, EXPR_TUPLE);
  add_item(p, all, first, NULL);
  while (take_mark(p, ",")) {
    if (is_mark(p, "=") || p->t->kind == SCRIPT_NEWLINE) break;
    ScriptExpr *e = expression(p);
    if (!e) return NULL;
    add_item(p, all, e, NULL);
  }
  return all;
}

static bool block(Parser *p, ScriptBlock *out);

static bool line_ends(Parser *p) {
  if (p->t->kind != SCRIPT_NEWLINE) return fail(p, "a line does not end where it should");
  p->t++;
  return true;
}

/* The rest of a statement that is not known, with its block. */
static bool skip(Parser *p) {
  int depth = 0;
  while (p->t->kind != SCRIPT_NEWLINE && p->t->kind != SCRIPT_END)
    p->t++;
  if (!line_ends(p)) return false;
  if (p->t->kind != SCRIPT_INDENT) return true;
  do {
    depth += (p->t->kind == SCRIPT_INDENT) - (p->t->kind == SCRIPT_DEDENT);
    p->t++;
  } while (depth && p->t->kind != SCRIPT_END);
  return true;
}

static bool compound(Parser *p, ScriptStatement *s) {
  if (take_name(p, "if")) {
    s->kind = STATEMENT_IF;
    s->value = expression(p);
    if (!s->value || !need_mark(p, ":") || !block(p, &s->body)) return false;
    return !take_name(p, "else") || (need_mark(p, ":") && block(p, &s->other));
  }
  if (take_name(p, "while")) {
    s->kind = STATEMENT_WHILE;
    s->value = expression(p);
    return s->value && need_mark(p, ":") && block(p, &s->body);
  }
  s->kind = STATEMENT_FOR;
  p->t++;
  s->target = atom(p);
  if (!s->target || !take_name(p, "in")) return fail(p, "a loop is not complete");
  s->value = expression(p);
  return s->value && need_mark(p, ":") && block(p, &s->body);
}

static bool simple(Parser *p, ScriptStatement *s) {
  if (take_name(p, "pass")) return line_ends(p);
  if (take_name(p, "return")) {
    s->kind = STATEMENT_RETURN;
    if (p->t->kind == SCRIPT_NEWLINE) return line_ends(p);
    s->value = expressions(p);
    return s->value && line_ends(p);
  }
  ScriptExpr *e = expressions(p);
  if (!e) return false;
  s->kind = STATEMENT_EXPR;
  s->value = e;
  if (take_mark(p, ":") && !expression(p)) return false; /* the type of a variable */
  if (take_mark(p, "=")) {
    s->kind = STATEMENT_ASSIGN;
    s->target = e;
    s->value = expressions(p);
    if (!s->value) return false;
  }
  return line_ends(p);
}

static bool statement(Parser *p, ScriptBlock *out) {
  static const char *const others[] = {"with",  "def",   "raise", "assert", "try",   "del",
                                       "break", "class", "from",  "import", "global"};
  ScriptStatement *s = ARENA_NEW(p->arena, ScriptStatement);
  s->kind = STATEMENT_PASS;
  s->line = p->t->line;
  ARENA_PUSH(p->arena, out->item, out->n, out->cap, s);
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (is_name(p, others[i])) {
      s->kind = STATEMENT_OTHER;
      s->word = others[i];
      return skip(p);
    }
  return is_name(p, "if") || is_name(p, "while") || is_name(p, "for") ? compound(p, s)
                                                                      : simple(p, s);
}

static bool block(Parser *p, ScriptBlock *out) {
  if (!line_ends(p)) return false;
  if (p->t->kind != SCRIPT_INDENT) return fail(p, "a block is empty");
  p->t++;
  if (++p->depth > SCRIPT_MAX_NESTING) return fail(p, "its blocks are nested too deeply");
  while (p->t->kind != SCRIPT_DEDENT)
    if (p->t->kind == SCRIPT_END || !statement(p, out)) return fail(p, "a block does not end");
  p->t++;
  p->depth--;
  return true;
}

/* The expression behind a mark; nothing if the mark is not there. */
static bool expression_after(Parser *p, const char *mark, const ScriptExpr **out) {
  if (!take_mark(p, mark)) return true;
  *out = expression(p);
  return *out != NULL;
}

static bool params(Parser *p, ScriptFunction *f) {
  while (!take_mark(p, ")")) {
    ScriptParam param = {.name = p->t->text};
    if (p->t->kind != SCRIPT_NAME) return fail(p, "a parameter has no name");
    p->t++;
    if (!expression_after(p, ":", &param.type) || !expression_after(p, "=", &param.usual))
      return false;
    ARENA_PUSH(p->arena, f->param, f->n_params, f->cap_params, param);
    if (!take_mark(p, ",")) return need_mark(p, ")");
  }
  return true;
}

static bool function(Parser *p) {
  ScriptFunction *f = ARENA_NEW(p->arena, ScriptFunction);
  f->line = p->t->line;
  f->class = p->class;
  f->unit = p->unit;
  if (p->t->kind != SCRIPT_NAME) return fail(p, "a function has no name");
  f->name = p->t++->text;
  if (!need_mark(p, "(") || !params(p, f)) return false;
  if (take_mark(p, "->") && !expression(p)) return false;
  if (!need_mark(p, ":") || !block(p, &f->body)) return false;
  ARENA_PUSH(p->arena, p->unit->function, p->unit->n_functions, p->unit->cap_functions, f);
  return true;
}

/* A line of a class: an attribute with its type and perhaps its value. */
static bool member(Parser *p) {
  ScriptFinal final = {.class = p->class, .name = p->t->text};
  if (take_name(p, "def")) return function(p);
  if (take_name(p, "pass")) return line_ends(p);
  if (p->t->kind != SCRIPT_NAME || p->t[1].kind != SCRIPT_MARK || strcmp(p->t[1].text, ":") != 0)
    return skip(p);
  p->t += 2;
  if (!expression(p)) return false;
  if (take_mark(p, "=")) {
    final.value = expression(p);
    if (!final.value) return false;
    ARENA_PUSH(p->arena, p->unit->final, p->unit->n_finals, p->unit->cap_finals, final);
  }
  return line_ends(p);
}

static bool class(Parser *p) {
  if (p->t->kind != SCRIPT_NAME) return fail(p, "a class has no name");
  p->class = p->t++->text;
  if (map_get(&p->classes, p->class)) return fail(p, "a class stands in it twice");
  map_put(p->arena, &p->classes, p->class, p);
  ARENA_PUSH(p->arena, p->unit->class, p->unit->n_classes, p->unit->cap_classes, p->class);
  ScriptExpr *bases = expr_new(p, EXPR_TUPLE);
  bool comma;
  if (take_mark(p, "(") && !items(p, bases, ")", false, &comma)) return false;
  if (!need_mark(p, ":") || !line_ends(p)) return false;
  if (p->t->kind != SCRIPT_INDENT) return true;
  p->t++;
  while (p->t->kind != SCRIPT_DEDENT)
    if (p->t->kind == SCRIPT_END || !member(p)) return fail(p, "a class does not end");
  p->t++;
  p->class = NULL;
  return true;
}

ScriptUnit *script_parse(Arena *arena, const char *path, Mapped text, int *line,
                         const char **reason) {
  Parser p = {.arena = arena, .unit = ARENA_NEW(arena, ScriptUnit)};
  p.unit->path = path;
  p.t = script_lex(arena, text, line, reason);
  if (!p.t) return NULL;
  while (p.t->kind != SCRIPT_END) {
    p.class = NULL;
    bool good = take_name(&p, "class") ? class(&p) : take_name(&p, "def") ? function(&p) : skip(&p);
    if (good) continue;
    *line = p.t->line;
    *reason = p.reason ? p.reason : "it is damaged";
    return NULL;
  }
  return p.unit;
}
