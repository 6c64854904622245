/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of C: what they use of the buffers, their scratch memory and weights, then their
 * statements. */
#include "backend/c_internal.h"

static void use_index(CWriter *c, const KirIndex *at) {
  for (int i = 0; i < at->n_terms; i++)
    c->uses[at->term[i].var->id]++;
}

static void use_expr(CWriter *c, const KirExpr *e, bool *buffers) {
  if (!e) return;
  if (e->op == KIR_REG) c->uses[e->reg->id]++;
  if (e->op == KIR_LOAD) use_index(c, &e->at);
  if (e->op == KIR_LOAD || e->op == KIR_LOOKUP) buffers[e->buffer->id] = true;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    use_expr(c, e->arg[i], buffers);
}

static void use_place(CWriter *c, const KirBuffer *buffer, const KirIndex *at, bool *buffers) {
  if (!buffer) return;
  buffers[buffer->id] = true;
  use_index(c, at);
}

/* Counts the uses of registers, and marks the buffers touched; definitions nobody uses, going by
 * the last count, are passed over (NULL: none is known yet). */
static void use_list(CWriter *c, const KirStmt *list, bool *buffers, const int *last) {
  for (const KirStmt *s = list; s; s = s->next) {
    if (s->kind == KIR_LET && last && last[s->reg->id] == 0) continue;
    use_expr(c, s->value, buffers);
    use_expr(c, s->lo, buffers);
    use_expr(c, s->hi, buffers);
    use_place(c, s->buffer, &s->at, buffers);
    use_place(c, s->source, &s->from, buffers);
    use_place(c, s->bias, &s->bias_at, buffers);
    use_place(c, s->weights, &s->weights_at, buffers);
    for (int i = 0; i < s->n_args; i++)
      buffers[s->args[i]->id] = true;
    use_list(c, s->body, buffers, last);
    use_list(c, s->other, buffers, last);
  }
}

static int sum_of(const int *uses, int n) {
  int sum = 0;
  for (int i = 0; i < n; i++)
    sum += uses[i];
  return sum;
}

static bool *begin(CWriter *c, const KirFunc *f) {
  Arena *arena = c->out->arena;
  c->f = f;
  c->n_scope = 0;
  c->name = ARENA_ARRAY(arena, const char *, f->n_regs + 1);
  bool *buffers = NULL;
  const int *last = NULL;
  do { /* what only a dead definition uses is dead, too */
    last = c->uses && buffers ? c->uses : NULL;
    c->uses = ARENA_ARRAY(arena, int, f->n_regs + 1);
    buffers = ARENA_ARRAY(arena, bool, c->m->n_buffers + 1);
    use_list(c, f->body, buffers, last);
  } while (!last || sum_of(c->uses, f->n_regs) != sum_of(last, f->n_regs));
  return buffers;
}

void c_helper(CWriter *c, const KirFunc *f) {
  begin(c, f);
  c->self = "";
  if (f->doc) {
    text_add(c->out, "\n");
    c_comment(c, f->doc);
  } else
    c_line(c);
  c_line(c);
  bool inlined = c->inlines && f->result.lanes > 1 && c->o->vectors == C_VECTORS_GNU;
  text_printf(c->out, "static inline %s%s %s_%s(", inlined ? "__attribute__((always_inline)) " : "",
              c_type(c, f->result), c->prefix, f->name);
  for (int i = 0; i < f->n_args; i++) {
    const char *name = c->name[f->args[i]->id] = c_name(c, f->args[i]->name);
    text_printf(c->out, "%s%s %s", i ? ", " : "", c_type(c, f->args[i]->type), name);
  }
  text_add(c->out, ")");
  c_block(c, f->body);
  text_add(c->out, "\n");
}

/* Scratch buffers as pointers into one array; those of other types than float as arrays. */
static void scratch(CWriter *c, const bool *used) {
  bool any = false;
  for (int i = 0; i < c->m->n_buffers; i++) {
    const KirBuffer *b = c->m->buffer[i];
    any = any || (b->space == KIR_SCRATCH && used[i] && b->elem == KIR_F32);
  }
  const char *keep = c->o->scratch == C_SCRATCH_STATIC ? "static " : "";
  if (any && c->o->scratch != C_SCRATCH_CALLER) {
    c_line(c);
    text_printf(c->out, "%sfloat scratch[%lld];", keep, (long long)c->m->scratch_bytes / 4);
  }
  if (!any && c->o->scratch == C_SCRATCH_CALLER && c->f->uses_scratch && c->m->scratch_bytes > 0 &&
      c->f->kind != KIR_PUSH) {
    c_line(c);
    text_add(c->out, "(void)scratch;");
  }
  for (int i = 0; i < c->m->n_buffers; i++) {
    const KirBuffer *b = c->m->buffer[i];
    if (b->space != KIR_SCRATCH || !used[i]) continue;
    c_line(c);
    if (b->elem == KIR_F32) {
      text_printf(c->out, "float *const %s = scratch", b->name);
      if (b->scratch_offset) text_printf(c->out, " + %lld", (long long)b->scratch_offset / 4);
      text_printf(c->out, "; /* [%lld] */", (long long)b->count);
    } else
      text_printf(c->out, "%s%s %s[%lld]%s;", keep, c_elem(b->elem), b->name, (long long)b->count,
                  c_in_words(c, b) ? arena_printf(c->out->arena, " %s_WORDS", c->upper) : "");
  }
}

static void extern_weights(CWriter *c, const bool *used) {
  if (!c->f->takes_weights) return;
  bool any = c->f->kind == KIR_PUSH;
  for (int i = 0; i < c->m->n_buffers; i++) {
    const KirBuffer *b = c->m->buffer[i];
    if (!kir_is_outside(c->m, b) || !used[i]) continue;
    c_line(c);
    text_printf(c->out,
                "const %s *const %s = (const %s *)(const void *)((const char *)weights + %lld); /* "
                "[%lld] */",
                c_elem(b->elem), b->name, c_elem(b->elem), (long long)b->weight_offset,
                (long long)b->count);
    any = true;
  }
  if (any) return;
  c_line(c);
  text_add(c->out, "(void)weights;");
}

static void unused_parameters(CWriter *c, const bool *used) {
  for (int i = 0; i < c->f->n_buffers; i++) {
    const KirBuffer *b = c->f->buffers[i];
    if (used[b->id]) continue;
    c_line(c);
    text_printf(c->out, "(void)%s;", b->name);
  }
  if (!c->f->uses_state) return;
  for (int i = 0; i < c->m->n_buffers; i++)
    if (used[i] && c->m->buffer[i]->space == KIR_STATE) return;
  c_line(c);
  text_printf(c->out, "(void)%s;", c->self);
}

void c_function(CWriter *c, const KirFunc *f) {
  bool *used = begin(c, f);
  text_add(c->out, "\n");
  c_prototype(c, f, false);
  text_add(c->out, " {");
  c->indent = 1;
  unused_parameters(c, used);
  extern_weights(c, used);
  if (f->kind != KIR_PUSH) scratch(c, used);
  c_statements(c, f->body);
  c->indent = 0;
  text_add(c->out, "\n}\n");
}
