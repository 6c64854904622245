/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Static costs of a module as data, as a table, as JSON. */
#include "backend/report.h"

#include <string.h>

Report report_new(const KirModule *m, Arena *arena) {
  Report r = {.row = ARENA_ARRAY(arena, ReportRow, m->n_costs + 1), .scratch = m->scratch_bytes};
  for (int i = 0; i < m->n_costs; i++) {
    const KirCost *c = &m->cost[i];
    r.params += c->params;
    r.macs += c->macs;
    if (!m->weights_extern) r.flash += c->weight_bytes;
    if (!c->params && !c->macs && !c->weight_bytes && !c->state_bytes && !c->scratch_bytes)
      continue;
    r.row[r.n++] = (ReportRow){.layer = c->layer,
                               .text = c->text,
                               .span = c->span,
                               .params = c->params,
                               .macs = c->macs,
                               .flash = m->weights_extern ? 0 : c->weight_bytes,
                               .state = c->state_bytes,
                               .scratch = c->scratch_bytes};
  }
  r.state = kir_state_bytes(m);
  r.ram = r.state + r.scratch;
  return r;
}

static int64_t weight_of(const ReportRow *row, bool of_flash) {
  return of_flash ? row->flash : row->state + row->scratch;
}

int report_largest(const Report *report, bool of_flash, int max, int *out) {
  int n = 0;
  for (int i = 0; i < report->n; i++) {
    int64_t w = weight_of(&report->row[i], of_flash);
    if (w == 0) continue;
    int at = n < max ? n++ : max;
    while (at > 0 && weight_of(&report->row[out[at - 1]], of_flash) < w) {
      if (at < max) out[at] = out[at - 1];
      at--;
    }
    if (at < max) out[at] = i;
  }
  return n;
}

enum { COLUMNS = 5 };

static const char *cell(Arena *arena, const ReportRow *row, int column) {
  int64_t value[COLUMNS] = {row->params, row->macs, row->flash, row->state, row->scratch};
  if (value[column] == 0) return "";
  Text t = text_new(arena);
  text_add_thousands(&t, value[column]);
  return text_str(&t);
}

/* "cortex-m4, gcc -O2: about 12,300 bytes of flash, .." */
static void report_figures(const Report *report, Text *text) {
  if (!report->core) return;
  text_printf(text, "%s, gcc -O2: about ", report->core);
  text_add_thousands(text, report->flash + report->code);
  text_add(text, " bytes of flash, ");
  text_add_thousands(text, report->code);
  text_add(text, " of them code; at most ");
  text_add_thousands(text, report->stack);
  text_add(text, " bytes of stack");
  if (report->cycles[1]) {
    text_add(text, "; ");
    text_add_thousands(text, report->cycles[0]);
    text_add(text, " to ");
    text_add_thousands(text, report->cycles[1]);
    text_add(text, " cycles a call");
  }
  text_add(text, "\n");
}

/* "  i16     68.5 dB": of a layer in integers. */
static void add_precision(const ReportRow *row, Text *line) {
  if (row->precision) text_printf(line, "  %-6s", row->precision);
  if (row->snr > 0) text_printf(line, "%s  %5.1f dB", row->precision ? "" : "        ", row->snr);
}

void report_text(const Report *report, Text *text) {
  static const char *const head[COLUMNS] = {"params", "MAC", "flash", "state", "scratch"};
  ReportRow total = {.layer = "total",
                     .text = "",
                     .params = report->params,
                     .macs = report->macs,
                     .flash = report->flash,
                     .state = report->state,
                     .scratch = report->scratch,
                     .snr = report->snr};
  size_t first = strlen("total"), width[COLUMNS];
  for (int c = 0; c < COLUMNS; c++)
    width[c] = strlen(head[c]);
  for (int i = 0; i <= report->n; i++) {
    const ReportRow *row = i < report->n ? &report->row[i] : &total;
    if (row->layer && text_width(row->layer, strlen(row->layer)) > first)
      first = text_width(row->layer, strlen(row->layer));
    for (int c = 0; c < COLUMNS; c++)
      if (strlen(cell(text->arena, row, c)) > width[c])
        width[c] = strlen(cell(text->arena, row, c));
  }
  text_fill(text, ' ', first + 2);
  for (int c = 0; c < COLUMNS; c++) {
    text_fill(text, ' ', width[c] - strlen(head[c]) + 2);
    text_add(text, head[c]);
  }
  text_add(text, "\n");
  for (int i = 0; i <= report->n; i++) {
    const ReportRow *row = i < report->n ? &report->row[i] : &total;
    const char *name = row->layer ? row->layer : "";
    text_printf(text, "  %s", name);
    text_fill(text, ' ', first - text_width(name, strlen(name)));
    Text line = text_new(text->arena);
    for (int c = 0; c < COLUMNS; c++) {
      const char *s = cell(text->arena, row, c);
      text_fill(&line, ' ', width[c] - strlen(s) + 2);
      text_add(&line, s);
    }
    add_precision(row, &line);
    size_t n = line.len;
    while (n > 0 && line.s[n - 1] == ' ')
      n--;
    text_add_n(text, text_str(&line), n);
    text_add(text, "\n");
  }
  if (report->queue) {
    text_add(text, "queue of inputs: ");
    text_add_thousands(text, report->queue);
    text_add(text, " bytes of RAM\n");
  }
  report_figures(report, text);
}

void report_json(const Report *report, Text *text) {
  text_add(text, "{");
  if (report->object) text_printf(text, "\"object_flash\":%lld,", (long long)report->object);
  if (report->object_stack.n) text_add(text, "\"object_stack\":{");
  for (int i = 0; i < report->object_stack.n; i++)
    text_printf(text, "%s\"%s\":%lld", i ? "," : "", report->object_stack.use[i].entry,
                (long long)report->object_stack.use[i].bytes);
  if (report->object_stack.n) text_add(text, "},");
  if (report->core)
    text_printf(
        text,
        "\"core\":\"%s\",\"code_estimate\":%lld,\"flash_estimate\":%lld,\"stack_bound\":%lld,",
        report->core, (long long)report->code, (long long)(report->code + report->flash),
        (long long)report->stack);
  if (report->core && report->cycles[1])
    text_printf(text, "\"cycles\":[%lld,%lld],", (long long)report->cycles[0],
                (long long)report->cycles[1]);
  if (report->queue) text_printf(text, "\"queue\":%lld,", (long long)report->queue);
  text_printf(text,
              "\"params\":%lld,\"macs\":%lld,\"flash\":%lld,\"state\":%lld,\"scratch\":%lld,"
              "\"ram\":%lld,\"layers\":[",
              (long long)report->params, (long long)report->macs, (long long)report->flash,
              (long long)report->state, (long long)report->scratch, (long long)report->ram);
  for (int i = 0; i < report->n; i++) {
    const ReportRow *row = &report->row[i];
    text_add(text, i ? ",{\"layer\":" : "{\"layer\":");
    text_add_json(text, row->layer ? row->layer : "");
    text_add(text, ",\"stage\":");
    text_add_json(text, row->text ? row->text : "");
    text_printf(text,
                ",\"params\":%lld,\"macs\":%lld,\"flash\":%lld,\"state\":%lld,\"scratch\":%lld",
                (long long)row->params, (long long)row->macs, (long long)row->flash,
                (long long)row->state, (long long)row->scratch);
    if (row->precision) text_printf(text, ",\"precision\":\"%s\"", row->precision);
    if (row->snr > 0) text_printf(text, ",\"snr_db\":%.1f", row->snr);
    text_add(text, "}");
  }
  text_add(text, "]");
  if (report->snr > 0) text_printf(text, ",\"snr_db\":%.1f", report->snr);
  text_add(text, "}\n");
}
