/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR as text. Registers are printed as name.id, so that two of the same name are told apart. */
#include "base/safe.h"
#include "kir/cases.h"
#include "kir/kir.h"

static const char *const op_name[] = {
    "num", "reg",  "load", "add",  "sub",   "mul",   "div",          "min",     "max",     "neg",
    "abs", "sqrt", "fma",  "mad",  "pairs", "quads", "signed_quads", "and",     "or",      "xor",
    "shl", "shr",  "lt",   "le",   "eq",    "ne",    "select",       "convert", "bitcast", "splat",
    "sum", "lane", "call", "mulw", "clamp", "adds",  "mix",          "fade",    "lookup",  "round"};
_Static_assert(sizeof op_name / sizeof *op_name == KIR_ROUND + 1, "a name for each operation");
static const char *const space_name[] = {"const", "state", "scratch", "in", "out"};
static const char *const status_name[] = {"OK", "BAD_INDEX", "BAD_LENGTH", "NO_OUTPUT"};
static const char *const func_kind_name[] = {"helper", "run", "reset", "step", "push"};

static void print_type(KirType type, Text *text) {
  text_add(text, kir_elem_name(type.elem));
  if (type.lanes > 1) text_printf(text, "x%d", type.lanes);
}

static void print_reg(const KirReg *reg, Text *text) {
  text_printf(text, "%s.%d", reg->name, reg->id);
}

static void print_regs(const KirStmt *s, Text *text) {
  for (int i = 0; i < s->n_regs; i++) {
    if (i) text_add(text, ", ");
    print_reg(s->regs[i], text);
  }
}

static void print_index(const KirIndex *at, Text *text) {
  for (int i = 0; i < at->n_terms; i++) {
    int64_t s = at->term[i].stride;
    if (i > 0 || s < 0) text_add(text, s < 0 ? (i ? " - " : "-") : " + ");
    int64_t magnitude = s < 0 ? -s : s;
    if (magnitude != 1) text_printf(text, "%lld*", (long long)magnitude);
    print_reg(at->term[i].var, text);
  }
  if (at->n_terms == 0)
    text_printf(text, "%lld", (long long)at->offset);
  else if (at->offset)
    text_printf(text, " %c %lld", at->offset < 0 ? '-' : '+',
                (long long)(at->offset < 0 ? -at->offset : at->offset));
}

static void print_access(const KirBuffer *b, const KirIndex *at, int lanes, Text *text) {
  text_printf(text, "%s[", b->name);
  print_index(at, text);
  text_add(text, "]");
  if (lanes > 1) text_printf(text, "x%d", lanes);
}

static void print_expr(const KirExpr *e, Text *text) {
  switch (e->op) {
  case KIR_NUM:
    if (e->type.elem == KIR_F32)
      text_add_float(text, e->f);
    else
      text_printf(text, "%lld", (long long)e->i);
    if (e->type.lanes > 1) text_printf(text, "x%d", e->type.lanes);
    return;
  case KIR_REG: print_reg(e->reg, text); return;
  case KIR_LOAD: print_access(e->buffer, &e->at, e->type.lanes, text); return;
  case KIR_CALL: text_add(text, e->helper->name); break;
  case KIR_CONVERT:
  case KIR_BITCAST:
  case KIR_SPLAT:
    text_printf(text, "%s ", op_name[e->op]);
    print_type(e->type, text);
    break;
  KIR_BINARY_CASES:
  KIR_COMPARE_CASES:
  KIR_FIXED_CASES:
  KIR_UNARY_CASES:
  KIR_ADDED_CASES:
  case KIR_SELECT:
  case KIR_SUM:
  case KIR_LANE: text_add(text, op_name[e->op]); break;
  }
  text_add(text, "(");
  for (int i = 0; i < KIR_MAX_ARGS && e->arg[i]; i++) {
    if (i) text_add(text, ", ");
    print_expr(e->arg[i], text);
  }
  if (e->op == KIR_LANE) text_printf(text, ", %lld", (long long)e->i);
  if (e->op == KIR_LOOKUP) text_printf(text, ", %s", e->buffer->name);
  if (e->op == KIR_CLAMP || e->op == KIR_ROUND)
    text_printf(text, ", %lld, %lld", (long long)e->lo, (long long)e->hi);
  text_add(text, ")");
}

static void print_doc(const char *doc, int indent, Text *text) {
  while (*doc) {
    size_t n = 0;
    while (doc[n] && doc[n] != '\n')
      n++;
    text_fill(text, ' ', (size_t)indent);
    text_add(text, n ? "# " : "#");
    text_add_safe(text, doc, n);
    text_add(text, "\n");
    doc += n + (doc[n] == '\n');
  }
}

static void print_line(const KirStmt *s, int indent, Text *text) {
  switch (s->kind) {
  case KIR_LET:
  case KIR_SET:
    text_add(text, s->kind == KIR_SET ? "set " : s->reg->is_mutable ? "var " : "let ");
    print_reg(s->reg, text);
    if (s->kind == KIR_LET) {
      text_add(text, " : ");
      print_type(s->reg->type, text);
    }
    text_add(text, " = ");
    print_expr(s->value, text);
    break;
  case KIR_LOADS:
    text_add(text, "loads ");
    print_regs(s, text);
    text_add(text, " = ");
    print_access(s->buffer, &s->at, s->n_regs, text);
    break;
  case KIR_DOT:
    text_add(text, "dot ");
    print_regs(s, text);
    text_add(text, " = ");
    if (s->bias) {
      print_access(s->bias, &s->bias_at, s->n_regs, text);
      text_add(text, " + ");
    }
    print_access(s->buffer, &s->at, 1, text);
    text_add(text, " . ");
    print_access(s->source, &s->from, (int)s->count, text);
    text_printf(text, " by %lld%s", (long long)s->step, s->swapped ? " swapped" : "");
    break;
  case KIR_TILES:
    text_add(text, "tiles ");
    print_access(s->buffer, &s->at, 1, text);
    text_add(text, " += ");
    print_access(s->source, &s->from, 1, text);
    text_add(text, " . ");
    print_access(s->weights, &s->weights_at, 1, text);
    text_printf(text, " * %lld words, %d x %d, rows %lld %lld columns %lld %lld",
                (long long)s->count, s->tiles.rows, s->tiles.columns, (long long)s->tiles.sum_row,
                (long long)s->tiles.source_row, (long long)s->tiles.sum_column,
                (long long)s->tiles.weights_column);
    break;
  case KIR_STORE:
    text_add(text, "store ");
    print_access(s->buffer, &s->at, s->value->type.lanes, text);
    text_add(text, " = ");
    print_expr(s->value, text);
    break;
  case KIR_FOR:
    text_add(text, "for ");
    print_reg(s->reg, text);
    text_add(text, " in ");
    print_expr(s->lo, text);
    text_add(text, s->step < 0 ? " down to " : "..");
    print_expr(s->hi, text);
    if (s->step != 1 && s->step != -1) text_printf(text, " by %lld", (long long)s->step);
    break;
  case KIR_IF:
    text_add(text, "if ");
    print_expr(s->value, text);
    break;
  case KIR_COPY:
    text_add(text, "copy ");
    print_access(s->buffer, &s->at, 1, text);
    text_add(text, " = ");
    print_access(s->source, &s->from, 1, text);
    text_printf(text, " * %lld", (long long)s->count);
    break;
  case KIR_ZERO:
    text_add(text, "zero ");
    print_access(s->buffer, &s->at, 1, text);
    text_printf(text, " * %lld", (long long)s->count);
    break;
  case KIR_RETURN:
    text_add(text, "return ");
    if (s->value)
      print_expr(s->value, text);
    else
      text_add(text, status_name[s->status]);
    break;
  case KIR_INVOKE:
    text_printf(text, "invoke %s(", s->callee->name);
    for (int i = 0; i < s->n_args; i++)
      text_printf(text, "%s%s", i ? ", " : "", s->args[i]->name);
    text_add(text, ")");
    break;
  case KIR_SECTION:
    text_printf(text, "section %s%s", s->origin.layer ? s->origin.layer : "-",
                s->holds_tiles ? " holds tiles" : "");
    break;
  }
  text_add(text, "\n");
  if (s->kind == KIR_SECTION && s->doc) print_doc(s->doc, indent + 2, text);
}

void kir_print_stmt(const KirStmt *list, int indent, Text *text) {
  for (const KirStmt *s = list; s; s = s->next) {
    text_fill(text, ' ', (size_t)indent);
    print_line(s, indent, text);
    kir_print_stmt(s->body, indent + 2, text);
    if (!s->other) continue;
    text_fill(text, ' ', (size_t)indent);
    text_add(text, "else\n");
    kir_print_stmt(s->other, indent + 2, text);
  }
}

static void print_buffer(const KirBuffer *b, Text *text) {
  text_printf(text, "%s %s : %s", space_name[b->space], b->name, kir_elem_name(b->elem));
  for (int i = 0; i < b->rank; i++)
    text_printf(text, "[%lld]", (long long)b->dim[i]);
  text_printf(text, " align %d", b->align);
  if (b->space == KIR_SCRATCH) text_printf(text, " at %lld", (long long)b->scratch_offset);
  if (b->categories) text_printf(text, " index(%lld)", (long long)b->categories);
  if (b->doc) text_printf(text, "  # %s", safe_line(text->arena, b->doc));
  text_add(text, "\n");
}

static void print_func(const KirFunc *f, Text *text) {
  text_printf(text, "\n%s %s(", func_kind_name[f->kind], f->name);
  for (int i = 0; i < f->n_args; i++) {
    if (i) text_add(text, ", ");
    print_reg(f->args[i], text);
    text_add(text, " : ");
    print_type(f->args[i]->type, text);
  }
  for (int i = 0; i < f->n_buffers; i++)
    text_printf(text, "%s%s", i ? ", " : "", f->buffers[i]->name);
  text_add(text, ")");
  if (f->kind == KIR_HELPER) {
    text_add(text, " : ");
    print_type(f->result, text);
  } else if (f->returns_status)
    text_add(text, " : status");
  text_add(text, "\n");
  kir_print_stmt(f->body, 2, text);
}

void kir_print(const KirModule *m, Text *text) {
  text_printf(text, "module %s\n", m->name);
  for (int i = 0; i < m->n_buffers; i++)
    print_buffer(m->buffer[i], text);
  for (int i = 0; i < m->n_funcs; i++)
    print_func(m->func[i], text);
}
