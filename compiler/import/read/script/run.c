/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements and calls of functions. A condition has to be known: a branch or a loop that depends
 * on the numbers of a tensor is an error. */
#include "import/read/script/script.h"

#include <string.h>

bool script_refuse(ScriptRun *r, DiagCode code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(r->arena, format, args);
  va_end(args);
  foreign_report(r->torch->diags, r->script->file, code, "line %d of `%s` %s", r->line,
                 r->at ? r->at->unit->path : "the code", what);
  return false;
}

const char script_export[] = "save the module as a program of torch.export, in which functions and "
                             "objects of Python are gone: `torch.export.save(torch.export.export("
                             "module.eval(), (example,)), \"model.pt2\")`",
           script_branch[] = "choose with `torch.where(condition, a, b)`; or trace the module, "
                             "`torch.jit.trace`, if every input takes the branch of the example";

bool script_lacks(ScriptRun *r, DiagCode code, const char *help, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(r->arena, format, args);
  va_end(args);
  return foreign_lacks(r->torch->diags, r->script->file, code, help, "line %d of `%s` %s", r->line,
                       r->at ? r->at->unit->path : "the code", what);
}

bool script_spend(ScriptRun *r, int64_t steps) {
  r->steps -= steps < r->steps ? steps : r->steps + 1;
  return r->steps >= 0 || script_lacks(r, E902,
                                       "save a part of the module by itself, or one that takes "
                                       "fewer steps, such as a shorter sequence",
                                       "takes too many steps");
}

static bool assign(ScriptRun *r, ScriptScope *scope, const ScriptExpr *target, ScriptValue *v) {
  if (target->kind == EXPR_NAME) {
    map_put(r->arena, &scope->names, target->text, v);
    return true;
  }
  if (target->kind == EXPR_ATTRIBUTE) {
    ScriptValue *module = script_eval(r, scope, target->item[0]);
    if (!module) return false;
    if (module->kind == VALUE_MODULE) return script_set_attribute(r, module, target->text, v);
  }
  bool list = v->kind == VALUE_TUPLE || v->kind == VALUE_LIST;
  if (target->kind == EXPR_TUPLE && list && v->n == target->n) {
    for (int i = 0; i < v->n; i++)
      if (!assign(r, scope, target->item[i], v->item[i])) return false;
    return true;
  }
  return script_lacks(r, E902, script_export, "gives a value to something that cannot take it");
}

bool script_condition(ScriptRun *r, ScriptScope *scope, const ScriptExpr *e, bool *is) {
  ScriptValue *v = script_eval(r, scope, e);
  if (!v) return false;
  if (script_truth(r, v, is)) return true;
  if (script_needs(r, v)) return false;
  return script_lacks(r, E902, script_branch, "takes a branch that depends on data");
}

static bool run_while(ScriptRun *r, ScriptScope *scope, const ScriptStatement *s) {
  bool is;
  for (;;) {
    r->line = s->line;
    if (!script_condition(r, scope, s->value, &is)) return false;
    if (!is || scope->is_over) return true;
    if (!script_run_block(r, scope, &s->body)) return false;
  }
}

/* for i in range(n): */
static bool run_for(ScriptRun *r, ScriptScope *scope, const ScriptStatement *s) {
  const ScriptExpr *e = s->value;
  bool range = e->kind == EXPR_CALL && e->item[0]->kind == EXPR_NAME &&
               strcmp(e->item[0]->text, "range") == 0 && e->n == 2;
  ScriptValue *n = range ? script_eval(r, scope, e->item[1]) : NULL;
  if (range && !n) return false;
  if (!n || n->kind != VALUE_INT)
    return script_lacks(
        r, E902, "let the number of steps follow from sizes, as in `for i in range(x.size(1))`",
        "has a loop that is not a range");
  for (int64_t i = 0; i < n->i && !scope->is_over; i++)
    if (!assign(r, scope, s->target, script_int(r->arena, i)) ||
        !script_run_block(r, scope, &s->body))
      return false;
  return true;
}

static bool run_statement(ScriptRun *r, ScriptScope *scope, const ScriptStatement *s) {
  ScriptValue *v;
  bool is;
  r->line = s->line;
  switch (s->kind) {
  case STATEMENT_PASS: return true;
  case STATEMENT_EXPR: return script_eval(r, scope, s->value) != NULL;
  case STATEMENT_ASSIGN:
    v = script_eval(r, scope, s->value);
    r->line = s->line;
    return v && assign(r, scope, s->target, v);
  case STATEMENT_RETURN:
    scope->returned =
        s->value ? script_eval(r, scope, s->value) : script_value(r->arena, VALUE_NONE);
    scope->is_over = true;
    return scope->returned != NULL;
  case STATEMENT_IF:
    return script_condition(r, scope, s->value, &is) &&
           script_run_block(r, scope, is ? &s->body : &s->other);
  case STATEMENT_WHILE: return run_while(r, scope, s);
  case STATEMENT_FOR: return run_for(r, scope, s);
  case STATEMENT_OTHER: break;
  }
  return script_lacks(r, E902, "assignments, `if`, `for`, `while` and `return` are read",
                      "has a `%s`, which is not supported", s->word);
}

bool script_run_block(ScriptRun *r, ScriptScope *scope, const ScriptBlock *block) {
  for (int i = 0; i < block->n && !scope->is_over; i++) {
    if (!script_spend(r, 1)) return false;
    if (!run_statement(r, scope, block->item[i])) return false;
  }
  return true;
}

/* The values of the parameters. */
static bool bind(ScriptRun *r, ScriptScope *scope, const ScriptFunction *f, ScriptValue *self,
                 const ScriptArgs *args) {
  int from = 0;
  if (self && f->n_params) map_put(r->arena, &scope->names, f->param[from++].name, self);
  for (int k = 0; k < args->n; k++) {
    int place = from + k;
    for (int i = from; args->keyword[k] && i < f->n_params; i++)
      if (strcmp(f->param[i].name, args->keyword[k]) == 0) place = i;
    if (place >= f->n_params)
      return script_refuse(r, E901, "calls `%s` with %d arguments", f->name, args->n);
    map_put(r->arena, &scope->names, f->param[place].name, args->value[k]);
  }
  for (int i = from; i < f->n_params; i++) {
    if (map_get(&scope->names, f->param[i].name)) continue;
    ScriptScope outside = {0};
    ScriptValue *usual = f->param[i].usual ? script_eval(r, &outside, f->param[i].usual) : NULL;
    if (!usual)
      return f->param[i].usual == NULL
                 ? script_refuse(r, E901, "calls `%s` without `%s`", f->name, f->param[i].name)
                 : false;
    map_put(r->arena, &scope->names, f->param[i].name, usual);
  }
  return true;
}

ScriptValue *script_call(ScriptRun *r, const ScriptFunction *f, ScriptValue *self,
                         const ScriptArgs *args) {
  ScriptScope scope = {0};
  const ScriptFunction *caller = r->at;
  int line = r->line;
  if (!bind(r, &scope, f, self, args)) return NULL;
  r->at = f;
  if (!script_run_block(r, &scope, &f->body)) return NULL;
  r->at = caller;
  r->line = line;
  return scope.returned ? scope.returned : script_value(r->arena, VALUE_NONE);
}
