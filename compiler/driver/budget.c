/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The cost report of a build, and the budgets. All figures come from the lowered module: what is in
 * it is what is generated. */
#include "driver/budget.h"

#include "driver/machine.h"
#include "driver/quantise.h"
#include "lower/figures.h"

#include <string.h>

void text_add_bytes(Text *text, int64_t bytes) {
  if (bytes < 1024)
    text_printf(text, "%lld B", (long long)bytes);
  else if (bytes < 1024 * 1024)
    text_printf(text, "%.1f KiB", (double)bytes / 1024);
  else
    text_printf(text, "%.2f MiB", (double)bytes / (1024 * 1024));
}

void text_add_count(Text *text, int64_t n) {
  if (n < 10000)
    text_printf(text, "%lld", (long long)n);
  else if (n < 10000000)
    text_printf(text, "%.0fk", (double)n / 1e3);
  else if (n < 10000000000)
    text_printf(text, "%.1fM", (double)n / 1e6);
  else
    text_printf(text, "%.1fG", (double)n / 1e9);
}

static const char *bytes_str(Arena *arena, int64_t bytes) {
  Text text = text_new(arena);
  text_add_bytes(&text, bytes);
  return text_str(&text);
}

/* Adds notes with the layers that have the largest weights (flash) or memory (RAM), largest first.
 */
static void note_largest(Diag *d, const Report *report, bool flash) {
  enum { SHOWN = 3 };
  int row[SHOWN], n = report_largest(report, flash, SHOWN, row);
  Arena *arena = d->diags->arena;
  for (int i = 0; i < n; i++) {
    const ReportRow *r = &report->row[row[i]];
    const char *bytes = bytes_str(arena, flash ? r->flash : r->state + r->scratch);
    if (i == 0 && span_valid(r->span)) {
      d->span = r->span;
      diag_primary(d, "largest %s: %s", flash || report->queue ? "layer" : "user", bytes);
    }
    diag_note(d, "%s `%s`: %s", r->text, r->layer, bytes);
  }
}

/* Checks the budgets whose figures are exact: weights and memory. */
static Report report_sizes(const Session *s, const KirModule *m) {
  Report r = report_new(m, s->arena);
  r.queue = backend_c_queue_bytes(m, s->options->queue);
  r.ram += r.queue;
  return r;
}

Report report_for(const Session *s, const KirModule *m) {
  Report r = report_sizes(s, m);
  if (machine_is_multi(s->options)) return r;
  Figures f = figures_of(m, s->machine.flags, s->options->scratch == C_SCRATCH_STACK);
  r.core = f.core;
  r.code = f.code;
  r.stack = f.stack;
  r.cycles[0] = f.cycles[0];
  r.cycles[1] = f.cycles[1];
  return r;
}

void report_macros(const Session *s, const KirModule *m, COptions *c) {
  Report r = report_for(s, m);
  if (!r.core) return;
  c->flash = r.flash + r.code;
  c->stack = r.stack;
  c->cycles[0] = r.cycles[0];
  c->cycles[1] = r.cycles[1];
}

/* Adds notes with the layers that take the most cycles, greatest first. */
static void note_slowest(Session *s, Diag *d, const KirModule *m) {
  enum { SHOWN = 3 };
  int64_t most = INT64_MAX;
  for (int shown = 0; shown < SHOWN; shown++) {
    const KirCost *slowest = NULL;
    int64_t cycles = 0;
    for (int i = 0; i < m->n_costs; i++) {
      int64_t n = figures_layer_cycles(m, s->machine.flags, m->cost[i].layer);
      if (n <= cycles || n >= most) continue;
      cycles = n;
      slowest = &m->cost[i];
    }
    if (!slowest) return;
    if (shown == 0) {
      d->span = slowest->span;
      diag_primary(d, "takes the most cycles: up to %lld", (long long)cycles);
    }
    diag_note(d, "%s `%s`: up to %lld", slowest->text, slowest->layer, (long long)cycles);
    most = cycles;
  }
}

/* Checks --max-stack and --max-cycles, for which there are only estimates. */
static bool estimates_check(Session *s, const Model *model, const KirModule *m, const Report *r,
                            bool makes_object) {
  const Options *o = s->options;
  bool ok = true, max_stack = o->max_stack && !makes_object; /* else it is measured */
  const char *unknown = max_stack && !r->core            ? "--max-stack"
                        : o->max_cycles && !r->cycles[1] ? "--max-cycles"
                                                         : NULL;
  if (unknown) {
    session_error(s, "%s: grus has no estimate for `%s`, only for Cortex-M and 32-bit RISC-V",
                  unknown, s->machine.name);
    s->usage_trouble = true;
    return false;
  }
  if (max_stack && r->stack > o->max_stack) {
    Diag *d = diag_new(s->diags, E806, model->name_span,
                       "a call may need %s of stack, but the budget is %s",
                       bytes_str(s->arena, r->stack), bytes_str(s->arena, o->max_stack));
    note_largest(d, r, false);
    diag_note(d, "scratch memory %s, and a bound for the registers and calls of `%s`",
              bytes_str(s->arena, r->scratch), r->core);
    diag_fix(d, FIX_MAYBE,
             "`--scratch=static` or `--scratch=caller` moves the scratch memory off the stack");
    ok = false;
  }
  if (o->max_cycles && r->cycles[1] > o->max_cycles) {
    Diag *d = diag_new(s->diags, E807, model->name_span,
                       "a call takes %lld to %lld cycles, but the budget is %ld",
                       (long long)r->cycles[0], (long long)r->cycles[1], o->max_cycles);
    note_slowest(s, d, m);
    ok = false;
  }
  return ok;
}

/* E802. what: "the weights need 12 KB of flash"; then the budget. */
static Diag *report_flash(Session *s, const Model *model, const Report *report, const char *what,
                          int64_t budget) {
  Diag *d = diag_new(s->diags, E802, model->name_span, "%s of flash, but the budget is %s", what,
                     bytes_str(s->arena, budget));
  if (!s->options->max_flash) diag_note(d, "the budget is the flash of `%s`", s->machine.name);
  note_largest(d, report, true);
  return d;
}

bool budgets_check(Session *s, const Model *model, const KirModule *m, bool is_program,
                   bool makes_c, bool makes_object) {
  enum { SMALL_STACK = 4096 };
  const Options *o = s->options;
  Report report = report_for(s, m);
  bool ok = estimates_check(s, model, m, &report, makes_object);
  int64_t max_ram = o->max_ram ? o->max_ram : s->machine.ram,
          max_flash = o->max_flash ? o->max_flash : s->machine.flash;
  if (max_ram && report.ram > max_ram) {
    Diag *d = diag_new(s->diags, E801, model->name_span,
                       "the model needs %s of RAM, but the budget is %s",
                       bytes_str(s->arena, report.ram), bytes_str(s->arena, max_ram));
    if (!o->max_ram) diag_note(d, "the budget is the RAM of `%s`", s->machine.name);
    note_largest(d, &report, false);
    const char *waiting = report.queue ? arena_printf(s->arena, ", queue of inputs %s",
                                                      bytes_str(s->arena, report.queue))
                                       : "";
    diag_note(d, "state %s, scratch %s%s", bytes_str(s->arena, report.state),
              bytes_str(s->arena, report.scratch), waiting);
    ok = false;
  }
  bool with_code = report.flash <= max_flash && report.core;
  if (max_flash && with_code && makes_c && report.flash + report.code > max_flash) {
    const char *what = arena_printf(s->arena, "the model needs about %s",
                                    bytes_str(s->arena, report.flash + report.code));
    Diag *d = report_flash(s, model, &report, what, max_flash);
    diag_note(d, "weights %s, code about %s (gcc -O2)", bytes_str(s->arena, report.flash),
              bytes_str(s->arena, report.code));
    ok = false;
  }
  if (max_flash && report.flash > max_flash) {
    const char *what =
        arena_printf(s->arena, "the weights need %s", bytes_str(s->arena, report.flash));
    report_flash(s, model, &report, what, max_flash);
    ok = false;
  }
  bool on_stack = o->scratch == C_SCRATCH_STACK && (o->scratch_given || !is_program);
  int64_t most_scratch = s->machine.has_small_stacks ? SMALL_STACK : REPORT_LARGE_STACK;
  if (on_stack && report.scratch > most_scratch) {
    Diag *d = diag_new(s->diags, W801, model->name_span, "`%s` uses %s of stack for scratch memory",
                       model->name, bytes_str(s->arena, report.scratch));
    note_largest(d, &report, false);
    diag_fix(d, FIX_MAYBE, "`--scratch=static` or `--scratch=caller` places it elsewhere");
  }
  return ok;
}

static const StackUse *deepest(const StackUses *stack) {
  const StackUse *most = NULL;
  for (int i = 0; i < stack->n; i++)
    if (!most || stack->use[i].bytes > most->bytes) most = &stack->use[i];
  return most;
}

void object_macros(const ObjectCosts *object, COptions *c) {
  const StackUse *most = deepest(&object->stack);
  c->measured = true;
  c->flash = object->flash;
  c->stack = most ? most->bytes : 0;
}

static bool flash_fits(Session *s, const Model *model, int64_t bytes, int64_t weights) {
  const Options *o = s->options;
  int64_t most = o->max_flash ? o->max_flash : s->machine.flash;
  if (!most || bytes <= most) return true;
  Diag *d = diag_new(s->diags, E802, model->name_span,
                     "the object needs %s of flash, but the budget is %s",
                     bytes_str(s->arena, bytes), bytes_str(s->arena, most));
  if (!o->max_flash) diag_note(d, "the budget is the flash of `%s`", s->machine.name);
  diag_note(d, "weights %s, code and its constants %s", bytes_str(s->arena, weights),
            bytes_str(s->arena, bytes - weights));
  return false;
}

static bool stack_fits(Session *s, const Model *model, const ObjectCosts *object) {
  const StackUse *most = deepest(&object->stack);
  int64_t budget = s->options->max_stack;
  if (!object->flash || !budget || (most && most->bytes <= budget)) return true;
  if (most) {
    Diag *d =
        diag_new(s->diags, E806, model->name_span, "`%s` needs %s of stack, but the budget is %s",
                 most->entry, bytes_str(s->arena, most->bytes), bytes_str(s->arena, budget));
    diag_note(d, "measured: the frames of the object");
  } else
    session_error(s, "--max-stack: grus cannot measure the stack of an object for `%s`",
                  c_compiler());
  return false;
}

bool object_fits(Session *s, const Model *model, const ObjectCosts *object, int64_t weights) {
  session_reset_diags(s);
  bool flash = flash_fits(s, model, object->flash, weights), stack = stack_fits(s, model, object);
  session_print_diags(s);
  return flash && stack;
}

/* Precisions of the layers in integers, and what calibration measured of them. */
static void report_precisions(const Session *s, const Model *model, Report *r) {
  if (!model->quant) return;
  for (int i = 0; i < r->n; i++)
    for (int k = 0; k < model->n_layers; k++) {
      const Layer *layer = model->layer[k];
      if (!r->row[i].layer || !layer->path || strcmp(r->row[i].layer, layer->path) != 0 ||
          !model->quant->layer[layer->id])
        continue;
      r->row[i].precision = precision_name[layer_precision(model, layer)];
      r->row[i].snr = layer_ratio(s, model, layer);
    }
  r->snr = model_ratio(s, model);
}

/* "stack of a call: kws_run 544 bytes" */
static void add_stack(const StackUses *stack, Text *text) {
  for (int i = 0; i < stack->n; i++) {
    text_printf(text, "%s%s ", i ? ", " : "stack of a call: ", stack->use[i].entry);
    text_add_thousands(text, stack->use[i].bytes);
    text_add(text, " bytes");
  }
  if (stack->n) text_add(text, "\n");
}

void costs_print(Session *s, const Model *model, const KirModule *m, const char *out,
                 const ObjectCosts *object) {
  Text text = text_new(s->arena);
  if (s->options->quiet || strcmp(out, "-") == 0) return;
  Report report = object->flash ? report_sizes(s, m) : report_for(s, m);
  report.object = object->flash;
  report.object_stack = object->stack;
  report_precisions(s, model, &report);
  if (s->options->json)
    report_json(&report, &text);
  else
    report_text(&report, &text);
  if (!s->options->json && object->flash) {
    text_add(&text, "flash of the object, weights and code: ");
    text_add_thousands(&text, object->flash);
    text_add(&text, " bytes\n");
    add_stack(&object->stack, &text);
  }
  session_out(text_str(&text), text.len);
}
