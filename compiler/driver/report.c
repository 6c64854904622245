/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cost report of a build, and the budgets. All figures come from the lowered module: what is in
 * it is what is generated. */
#include "driver/report.h"

#include <string.h>

void text_add_bytes(Text *text, int64_t bytes) {
  if (bytes < 1024) text_printf(text, "%lld B", (long long)bytes);
  else if (bytes < 1024 * 1024) text_printf(text, "%.1f KiB", (double)bytes / 1024);
  else text_printf(text, "%.2f MiB", (double)bytes / (1024 * 1024));
}

void text_add_count(Text *text, int64_t n) {
  if (n < 10000) text_printf(text, "%lld", (long long)n);
  else if (n < 10000000) text_printf(text, "%.0fk", (double)n / 1e3);
  else if (n < 10000000000) text_printf(text, "%.1fM", (double)n / 1e6);
  else text_printf(text, "%.1fG", (double)n / 1e9);
}

static const char *bytes_str(Arena *arena, int64_t bytes) {
  Text text = text_new(arena);
  text_add_bytes(&text, bytes);
  return text_str(&text);
}

static const char *count_str(Arena *arena, int64_t n) {
  Text text = text_new(arena);
  text_add_count(&text, n);
  return text_str(&text);
}

static int64_t space_bytes(const KirModule *m, KirSpace space) {
  int64_t total = 0;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->space == space) total += b->count * kir_elem_size(b->elem);
  }
  return total;
}

Totals report_totals(const KirModule *m) {
  Totals t = {.flash = m->weights_extern ? 0 : space_bytes(m, KIR_CONST), .state = space_bytes(m, KIR_STATE), .scratch = m->scratch_bytes};
  for (int i = 0; i < m->n_costs; i++) {
    t.params += m->cost[i].params;
    t.macs += m->cost[i].macs;
  }
  return t;
}

/* The layers with the largest weights (flash) or memory (RAM), largest first, as notes. */
static void note_largest(Diag *d, const KirModule *m, bool flash) {
  bool used[256] = {false};
  for (int rank = 0; rank < 3; rank++) {
    int best = -1;
    int64_t most = 0;
    for (int i = 0; i < m->n_costs && i < 256; i++) {
      int64_t bytes = flash ? m->cost[i].weight_bytes : m->cost[i].state_bytes + m->cost[i].scratch_bytes;
      if (!used[i] && bytes > most) {
        most = bytes;
        best = i;
      }
    }
    if (best < 0) return;
    used[best] = true;
    if (rank == 0 && span_valid(m->cost[best].span)) {
      d->span = m->cost[best].span;
      diag_primary(d, "largest %s: %s", flash ? "layer" : "user", bytes_str(m->arena, most));
    }
    diag_note(d, "%s `%s`: %s", m->cost[best].text, m->cost[best].layer, bytes_str(m->arena, most));
  }
}

bool report_budgets(Session *s, const Model *model, const KirModule *m) {
  enum { BIG_STACK = 4096 };
  const Options *o = s->options;
  Totals t = report_totals(m);
  bool ok = true;
  if (o->max_ram && t.state + t.scratch > o->max_ram) {
    Diag *d = diag_new(s->diags, E801, model->name_span, "needs %s of RAM, budget %s", bytes_str(s->arena, t.state + t.scratch),
                       bytes_str(s->arena, o->max_ram));
    note_largest(d, m, false);
    diag_note(d, "state %s, scratch %s", bytes_str(s->arena, t.state), bytes_str(s->arena, t.scratch));
    ok = false;
  }
  if (o->max_flash && t.flash > o->max_flash) {
    Diag *d = diag_new(s->diags, E802, model->name_span, "needs %s of flash for weights, budget %s", bytes_str(s->arena, t.flash),
                       bytes_str(s->arena, o->max_flash));
    note_largest(d, m, true);
    ok = false;
  }
  if (o->scratch == C_SCRATCH_STACK && t.scratch > BIG_STACK && s->options->target) {
    Diag *d = diag_new(s->diags, W801, model->name_span, "`%s` uses %s of stack for scratch", model->name, bytes_str(s->arena, t.scratch));
    note_largest(d, m, false);
    diag_fix(d, FIX_MAYBE, "`--scratch=static` or `--scratch=caller` places it elsewhere");
  }
  return ok;
}

void report_json(Text *out, const KirModule *m) {
  Totals t = report_totals(m);
  text_add(out, "{\"model\":");
  text_add_json(out, m->name);
  text_printf(out, ",\"params\":%lld,\"macs\":%lld,\"flash_bytes\":%lld,\"state_bytes\":%lld,\"scratch_bytes\":%lld,"
                   "\"steps_per_call\":%lld,\"batch\":%lld,\"layers\":[",
              (long long)t.params, (long long)t.macs, (long long)t.flash, (long long)t.state, (long long)t.scratch,
              (long long)m->steps_per_call, (long long)m->batch);
  for (int i = 0; i < m->n_costs; i++) {
    const KirCost *c = &m->cost[i];
    text_add(out, i ? ",{\"layer\":" : "{\"layer\":");
    text_add_json(out, c->layer ? c->layer : "");
    text_add(out, ",\"stage\":");
    text_add_json(out, c->text ? c->text : "");
    text_printf(out, ",\"params\":%lld,\"macs\":%lld,\"weight_bytes\":%lld,\"state_bytes\":%lld,\"scratch_bytes\":%lld}",
                (long long)c->params, (long long)c->macs, (long long)c->weight_bytes, (long long)c->state_bytes,
                (long long)c->scratch_bytes);
  }
  text_add(out, "]}\n");
}

void report_build(Session *s, const KirModule *m, const char *out) {
  Text text = text_new(s->arena);
  if (s->options->quiet || strcmp(out, "-") == 0) return;
  if (s->options->json) report_json(&text, m);
  else {
    Totals t = report_totals(m);
    size_t width = 5;
    for (int i = 0; i < m->n_costs; i++)
      if (m->cost[i].text && strlen(m->cost[i].text) > width && strlen(m->cost[i].text) < 40) width = strlen(m->cost[i].text);
    text_printf(&text, "%-*s  %10s  %10s  %8s  %10s\n", (int)width, "layer", "params", "weights", "MAC", "state");
    for (int i = 0; i < m->n_costs; i++) {
      const KirCost *c = &m->cost[i];
      if (!c->params && !c->macs && !c->state_bytes) continue;
      text_printf(&text, "%-*s  %10lld  %10s  %8s  %10s\n", (int)width, c->text, (long long)c->params,
                  bytes_str(s->arena, c->weight_bytes), count_str(s->arena, c->macs), bytes_str(s->arena, c->state_bytes));
    }
    text_printf(&text, "%s: %s flash, %s state, %s scratch, %s multiply-adds a call\n", out, bytes_str(s->arena, t.flash),
                bytes_str(s->arena, t.state), bytes_str(s->arena, t.scratch), count_str(s->arena, t.macs));
  }
  session_out(text_str(&text), text.len);
}
