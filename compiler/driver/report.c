/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cost report of a build, and the budgets. All figures come from the lowered module: what is in
 * it is what is generated. */
#include "driver/report.h"

#include "driver/machine.h"

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

/* The layers with the largest weights (flash) or memory (RAM), largest first, as notes. */
static void note_largest(Diag *d, const Report *report, bool flash) {
  enum { SHOWN = 3 };
  int row[SHOWN], n = report_largest(report, flash, SHOWN, row);
  Arena *arena = d->diags->arena;
  for (int i = 0; i < n; i++) {
    const ReportRow *r = &report->row[row[i]];
    const char *bytes = bytes_str(arena, flash ? r->flash : r->state + r->scratch);
    if (i == 0 && span_valid(r->span)) {
      d->span = r->span;
      diag_primary(d, "largest %s: %s", flash ? "layer" : "user", bytes);
    }
    diag_note(d, "%s `%s`: %s", r->text, r->layer, bytes);
  }
}

bool budgets_check(Session *s, const Model *model, const KirModule *m, bool is_program) {
  enum { SMALL_SYSTEM = 4096 };
  const Options *o = s->options;
  Report report = report_new(m, s->arena);
  bool ok = true;
  int64_t max_ram = o->max_ram ? o->max_ram : s->machine.ram, max_flash = o->max_flash ? o->max_flash : s->machine.flash;
  if (max_ram && report.ram > max_ram) {
    Diag *d = diag_new(s->diags, E801, model->name_span, "needs %s of RAM, budget %s", bytes_str(s->arena, report.ram),
                       bytes_str(s->arena, max_ram));
    if (!o->max_ram) diag_note(d, "the budget is the RAM of `%s`", s->machine.name);
    note_largest(d, &report, false);
    diag_note(d, "state %s, scratch %s", bytes_str(s->arena, report.state), bytes_str(s->arena, report.scratch));
    ok = false;
  }
  if (max_flash && report.flash > max_flash) {
    Diag *d = diag_new(s->diags, E802, model->name_span, "needs %s of flash for weights, budget %s",
                       bytes_str(s->arena, report.flash), bytes_str(s->arena, max_flash));
    if (!o->max_flash) diag_note(d, "the budget is the flash of `%s`", s->machine.name);
    note_largest(d, &report, true);
    ok = false;
  }
  bool on_stack = o->scratch == C_SCRATCH_STACK && (o->scratch_given || !is_program);
  bool is_small = o->target && strcmp(o->target, "native") != 0 && !machine_is_here(s);
  if (on_stack && report.scratch > (is_small ? SMALL_SYSTEM : REPORT_LARGE_STACK)) {
    Diag *d = diag_new(s->diags, W801, model->name_span, "`%s` uses %s of stack for scratch", model->name,
                       bytes_str(s->arena, report.scratch));
    note_largest(d, &report, false);
    diag_fix(d, FIX_MAYBE, "`--scratch=static` or `--scratch=caller` places it elsewhere");
  }
  return ok;
}

bool flash_measured(Session *s, const Model *model, int64_t bytes, int64_t weights) {
  const Options *o = s->options;
  int64_t most = o->max_flash ? o->max_flash : s->machine.flash;
  if (!most || bytes <= most) return true;
  session_reset_diags(s);
  Diag *d = diag_new(s->diags, E802, model->name_span, "the object takes %s of flash, budget %s", bytes_str(s->arena, bytes),
                     bytes_str(s->arena, most));
  if (!o->max_flash) diag_note(d, "the budget is the flash of `%s`", s->machine.name);
  diag_note(d, "weights %s, code and its constants %s", bytes_str(s->arena, weights), bytes_str(s->arena, bytes - weights));
  session_print_diags(s);
  return false;
}

void costs_print(Session *s, const KirModule *m, const char *out, int64_t object_flash) {
  Text text = text_new(s->arena);
  if (s->options->quiet || strcmp(out, "-") == 0) return;
  Report report = report_new(m, s->arena);
  report.object = object_flash;
  if (s->options->json) report_json(&report, &text);
  else report_text(&report, &text);
  if (!s->options->json && object_flash) {
    text_add(&text, "flash of the object, weights and code: ");
    text_add_thousands(&text, object_flash);
    text_add(&text, " bytes\n");
  }
  session_out(text_str(&text), text.len);
}
