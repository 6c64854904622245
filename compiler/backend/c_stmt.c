/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Statements and functions of KIR as C. */
#include "backend/c_internal.h"

#include "base/safe.h"

#include <string.h>

void c_line(CWriter *c) {
  text_add(c->out, "\n");
  text_fill(c->out, ' ', (size_t)(2 * c->indent));
}

void c_prefixed(CWriter *c, const char *text) {
  for (const char *s = text; *s; s++) {
    if (*s == '@')
      text_printf(c->out, "%s_", c->prefix);
    else
      text_add_char(c->out, *s);
  }
}

void c_comment_text(Text *out, const char *text, const char *line_start) {
  for (const char *s = safe_lines(out->arena, text); *s; s++) {
    if (*s == '\n')
      text_add(out, line_start);
    else if (s[0] == '*' && s[1] == '/')
      text_add(out, "* "); /* would end the comment */
    else if (s[0] == '/' && s[1] == '*')
      text_add(out, "/ ");
    else
      text_add_char(out, *s);
  }
}

void c_comment(CWriter *c, const char *text) {
  Text line_start = text_new(c->out->arena);
  CWriter lines = *c;
  lines.out = &line_start;
  c_line(&lines);
  text_add(&line_start, " * ");
  c_line(c);
  text_add(c->out, "/* ");
  c_comment_text(c->out, text, text_str(&line_start));
  text_add(c->out, " */");
}

/* ---- names ---- */

static bool in_scope(const CWriter *c, const char *name) {
  for (int i = 0; i < c->n_scope; i++)
    if (strcmp(c->scope[i], name) == 0) return true;
  for (int i = 0; i < c->m->n_buffers; i++)
    if (strcmp(c->m->buffer[i]->name, name) == 0) return true;
  return strcmp(name, c->self) == 0 || strcmp(name, "scratch") == 0 || strcmp(name, "weights") == 0;
}

const char *c_name(CWriter *c, const char *hint) {
  const char *name = hint;
  for (int i = 2; in_scope(c, name); i++)
    name = arena_printf(c->out->arena, "%s%d", hint, i);
  ARENA_PUSH(c->out->arena, c->scope, c->n_scope, c->cap_scope, name);
  return name;
}

/* ---- statements ---- */

void c_block(CWriter *c, const KirStmt *list) {
  text_add(c->out, " {");
  c->indent++;
  c_statements(c, list);
  c->indent--;
  c_line(c);
  text_add(c->out, "}");
}

void c_let(CWriter *c, const KirStmt *s, const char *type,
           void (*value)(CWriter *c, const KirExpr *e)) {
  if (c->uses[s->reg->id] == 0) return;
  const char *name = c_name(c, s->reg->name);
  c_line(c);
  text_printf(c->out, "%s%s %s = ", s->reg->is_mutable ? "" : "const ", type, name);
  value(c, s->value);
  text_add(c->out, ";");
  c->name[s->reg->id] = name;
}

/* A value that fits its memory, without a warning about narrowing. */
static void stored(CWriter *c, const KirBuffer *b, const KirExpr *e) {
  bool narrows = e->type.elem == KIR_I32 && b->elem != KIR_I32;
  if (narrows) text_printf(c->out, "(%s)", c_elem(b->elem));
  if (narrows && e->op != KIR_REG && e->op != KIR_LOAD && e->op != KIR_NUM) {
    text_add(c->out, "(");
    c_expr(c, e);
    text_add(c->out, ")");
  } else
    c_expr(c, e);
}

static void store(CWriter *c, const KirStmt *s) {
  c_line(c);
  if (s->value->type.lanes > 1) {
    text_printf(c->out, "%s_store%d%s(&", c->prefix, s->value->type.lanes,
                s->value->type.elem == KIR_F32 ? "" : "_i32");
    c_access(c, s->buffer, &s->at);
    text_add(c->out, ", ");
    c_expr(c, s->value);
    text_add(c->out, ");");
    return;
  }
  c_access(c, s->buffer, &s->at);
  text_add(c->out, " = ");
  stored(c, s->buffer, s->value);
  text_add(c->out, ";");
}

/* "KWS_LOADS16(&w[k], w, w2, ..);" of the prelude, or one load after the other. */
static void loads(CWriter *c, const KirStmt *s) {
  for (int i = 0; i < s->n_regs; i++)
    c->name[s->regs[i]->id] = c_name(c, s->regs[i]->name);
  if (c->o->vectors == C_VECTORS_ISO) {
    for (int i = 0; i < s->n_regs; i++) {
      KirIndex at = s->at;
      at.offset += i;
      c_line(c);
      text_printf(c->out, "const float %s = ", c->name[s->regs[i]->id]);
      c_access(c, s->buffer, &at);
      text_add(c->out, ";");
    }
    return;
  }
  c_line(c);
  text_printf(c->out, "%s_LOADS%d_S%d(&", c->upper, s->n_regs, s->home);
  c_access(c, s->buffer, &s->at);
  for (int i = 0; i < s->n_regs; i++)
    text_printf(c->out, ", %s", c->name[s->regs[i]->id]);
  text_add(c->out, ");");
}

/* "int32_t i, f; kws_dot2_i8_i16(&W[..], &x[..], 40, &b[..], &i, &f);" */
static void dot(CWriter *c, const KirStmt *s) {
  c_line(c);
  text_add(c->out, "int32_t ");
  for (int i = 0; i < s->n_regs; i++) {
    c->name[s->regs[i]->id] = c_name(c, s->regs[i]->name);
    text_printf(c->out, "%s%s", i ? ", " : "", c->name[s->regs[i]->id]);
  }
  text_add(c->out, ";");
  c_line(c);
  text_printf(c->out, "%s(&", c_dot_name(c, s));
  c_access(c, s->buffer, &s->at);
  text_add(c->out, ", &");
  c_access(c, s->source, &s->from);
  text_printf(c->out, ", %lld", (long long)s->count);
  if (s->bias) {
    text_add(c->out, ", &");
    c_access(c, s->bias, &s->bias_at);
  }
  for (int i = 0; i < s->n_regs; i++)
    text_printf(c->out, ", &%s", c->name[s->regs[i]->id]);
  text_add(c->out, ");");
}

static void portable_loop(CWriter *c, const KirStmt *s) {
  int depth = c->n_scope;
  const char *name = c_name(c, s->reg->name);
  c_line(c);
  text_printf(c->out, "for (int %s = ", name);
  c_expr(c, s->lo);
  text_printf(c->out, "; %s %s ", name, s->step < 0 ? ">=" : "<");
  c_expr(c, s->hi);
  if (s->step == 1 || s->step == -1)
    text_printf(c->out, "; %s%s)", name, s->step < 0 ? "--" : "++");
  else
    text_printf(c->out, "; %s %s %lld)", name,
                s->step < 0 ? "-=" : "+=", (long long)(s->step < 0 ? -s->step : s->step));
  c->name[s->reg->id] = name;
  c_block(c, s->body);
  c->n_scope = depth;
}

/* By vectors where there are any, with the turns that are left over, and one by one. */
static void loop(CWriter *c, const KirStmt *s) {
  if (!c_mve_has(c, s)) {
    portable_loop(c, s);
    return;
  }
  KirStmt rest = *s;
  KirExpr begin = *s->lo;
  begin.i = c_mve_loop(c, s);
  rest.lo = &begin;
  if (begin.i < s->hi->i) portable_loop(c, &rest);
  text_add(c->out, "\n#else");
  portable_loop(c, s);
  text_add(c->out, "\n#endif");
}

static void test(CWriter *c, const KirStmt *s) {
  c_line(c);
  text_add(c->out, "if (");
  c_expr(c, s->value);
  text_add(c->out, ")");
  c_block(c, s->body);
  if (!s->other) return;
  text_add(c->out, " else");
  c_block(c, s->other);
}

/* One element of a copy or zero: at + i. */
static KirIndex at_plus(KirIndex at, KirReg *i) {
  if (!i) return at;
  at.term[at.n_terms].stride = 1;
  at.term[at.n_terms++].var = i;
  return at;
}

static void move(CWriter *c, const KirStmt *s) {
  int depth = c->n_scope;
  KirReg i = {.id = c->f->n_regs, .name = "i", .type = {KIR_INDEX, 1}, .lo = 0, .hi = s->count - 1};
  bool one = s->count == 1;
  if (!one) {
    c_line(c);
    c->name[i.id] = c_name(c, "i");
    text_printf(c->out, "for (int %s = 0; %s < %lld; %s++) {", c->name[i.id], c->name[i.id],
                (long long)s->count, c->name[i.id]);
    c->indent++;
  }
  KirIndex to = at_plus(s->at, one ? NULL : &i), from = at_plus(s->from, one ? NULL : &i);
  c_line(c);
  c_access(c, s->buffer, &to);
  text_add(c->out, " = ");
  if (s->kind == KIR_COPY)
    c_access(c, s->source, &from);
  else
    text_add(c->out, s->buffer->elem == KIR_F32 ? "0.0f" : "0");
  text_add(c->out, ";");
  if (!one) {
    c->indent--;
    c_line(c);
    text_add(c->out, "}");
  }
  c->n_scope = depth;
}

static void returns(CWriter *c, const KirStmt *s) {
  static const char *const status[] = {"GRUS_OK", "GRUS_BAD_INDEX", "GRUS_BAD_LENGTH",
                                       "GRUS_NO_OUTPUT"};
  c_line(c);
  text_add(c->out, "return ");
  if (s->value)
    c_expr(c, s->value);
  else
    text_add(c->out, status[s->status]);
  text_add(c->out, ";");
}

static void invoke(CWriter *c, const KirStmt *s) {
  c_line(c);
  if (s->callee->returns_status) text_add(c->out, "(void)");
  text_printf(c->out, "%s_%s(", c->prefix, s->callee->name);
  for (int i = 0; i < s->n_args; i++) {
    const KirBuffer *a = s->args[i], *p = s->callee->buffers[i];
    if (i) text_add(c->out, ", ");
    if (p->space == KIR_IN && p->rank > 1 && a->space == KIR_STATE && !c->o->flat_arrays) {
      text_printf(c->out, "(const %s (*)",
                  c_elem(p->elem)); /* C before C23 adds no const to arrays of arrays */
      for (int d = 1; d < p->rank; d++)
        text_printf(c->out, "[%lld]", (long long)p->dim[d]);
      text_add(c->out, ")");
    }
    if (a->space == KIR_STATE) text_printf(c->out, "%s->", c->self);
    text_add(c->out, a->name);
  }
  const char *comma = s->n_args ? ", " : "";
  if (s->callee->takes_weights) {
    text_printf(c->out, "%sweights", comma);
    comma = ", ";
  }
  if (c->o->scratch == C_SCRATCH_CALLER && s->callee->uses_scratch && c->m->scratch_bytes > 0)
    text_printf(c->out, "%sscratch", comma);
  text_add(c->out, ");");
}

static void section(CWriter *c, const KirStmt *s) {
  int depth = c->n_scope;
  if (s->doc) {
    if (c->out->s[c->out->len - 1] != '{') text_add(c->out, "\n");
    c_comment(c, s->doc);
  }
  c_line(c);
  text_add(c->out, "{");
  c->indent++;
  if (s->holds_tiles) c_tiles_hold(c, true);
  c_statements(c, s->body);
  if (s->holds_tiles) c_tiles_hold(c, false);
  c->indent--;
  c_line(c);
  text_add(c->out, "}");
  c->n_scope = depth;
}

void c_traced(CWriter *c, KirOrigin origin, const char *name, int64_t bytes, size_t from) {
  CTrace *trace = c->o->trace;
  if (!trace || !origin.layer || c->o->selftest_prefix || from == c->out->len) return;
  CTraceEntry entry = {.layer = origin.layer,
                       .name = arena_printf(c->out->arena, "%s_%s", c->prefix, name),
                       .is_weights = bytes > 0,
                       .bytes = bytes,
                       .from = from,
                       .to = c->out->len};
  ARENA_PUSH(c->out->arena, trace->entry, trace->n, trace->cap, entry);
}

static bool has_statements(const KirStmt *s) {
  return s->kind == KIR_FOR || s->kind == KIR_IF || s->kind == KIR_SECTION;
}

void c_statements(CWriter *c, const KirStmt *list) {
  int depth = c->n_scope;
  for (const KirStmt *s = list; s; s = s->next) {
    size_t from = c->out->len;
    switch (s->kind) {
    case KIR_LET: c_let(c, s, c_type(c, s->reg->type), c_expr); break;
    case KIR_SET:
      c_line(c);
      text_printf(c->out, "%s = ", c->name[s->reg->id]);
      c_expr(c, s->value);
      text_add(c->out, ";");
      break;
    case KIR_LOADS: loads(c, s); break;
    case KIR_DOT: dot(c, s); break;
    case KIR_TILES: c_tiles(c, s); break;
    case KIR_STORE: store(c, s); break;
    case KIR_FOR: loop(c, s); break;
    case KIR_IF: test(c, s); break;
    case KIR_COPY:
    case KIR_ZERO: move(c, s); break;
    case KIR_RETURN: returns(c, s); break;
    case KIR_INVOKE: invoke(c, s); break;
    case KIR_SECTION: section(c, s); break;
    }
    if (!has_statements(s)) c_traced(c, s->origin, c->f->name, 0, from);
  }
  c->n_scope = depth;
}
