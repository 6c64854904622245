/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One page a file: the drawing of each model, a table of its stages, the plan of its scratch
 * memory, its C prototypes. No script, no font, no picture from elsewhere; light and dark. */
#include "driver/inspect_html.h"

#include "backend/c.h"
#include "backend/report.h"
#include "base/map.h"
#include "driver/budget.h"
#include "driver/draw.h"
#include "driver/markup.h"
#include "driver/quantise.h"
#include "model/bind/weights.h"
#include "model/graph/cost.h"

#include <string.h>

enum { PLAN_WIDTH = 860, PLAN_HEIGHT = 300, LETTER = 7 }; /* pixels */

void html_begin(Text *out, const char *title) {
  text_add(out,
           "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
           "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>");
  text_add_markup(out, title);
  text_add(
      out,
      "</title>\n<style>\n"
      ":root { color-scheme: light dark }\n"
      "body { font-family: system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; "
      "padding: 0 1rem; background: #fdfdfc; color: #1b1f24 }\n"
      "table { border-collapse: collapse; font-size: .9rem } th, td { padding: .25rem .7rem; "
      "text-align: right; border-bottom: 1px solid #d0d7de }\n"
      "th:nth-child(2), td:nth-child(2), th:nth-child(3), td:nth-child(3) { text-align: left } "
      "td:nth-child(2), td:nth-child(3) { font-family: ui-monospace, monospace } "
      "td:nth-child(3) { white-space: nowrap }\n"
      "td.share { min-width: 6rem; text-align: left } td.share div { height: .6rem; background: "
      "#5b8def }\n"
      "pre { overflow-x: auto; padding: .8rem; background: #f1f3f5 } figure { margin: 0; "
      "overflow: auto; max-height: 125rem }\n"
      ".piece { fill: #cfe3ff; stroke: #57606a } .name { font: 11px ui-monospace, monospace; "
      "fill: #1b1f24 } .axis { font: 11px system-ui, sans-serif; fill: #57606a }\n"
      ".name, .axis { text-anchor: start } .axis.end { text-anchor: end }\n"
      "@media (prefers-color-scheme: dark) { body { background: #16191d; color: #e8eaed } th, "
      "td { border-color: #3a424b }\n"
      "  pre { background: #22272e } .piece { fill: #1d3a63; stroke: #a4adb7 } .name { fill: "
      "#e8eaed } .axis { fill: #a4adb7 } }\n"
      "</style>\n</head>\n<body>\n");
}

void html_end(Text *out) {
  text_add(out, "</body>\n</html>\n");
}

/* Lines as markup, each with `end` after it. */
static void add_lines(Text *out, const char *s, char end) {
  for (const char *next; *s; s = *next ? next + 1 : next) {
    next = s + strcspn(s, "\n");
    text_add_markup(out, arena_strndup(out->arena, s, (size_t)(next - s)));
    text_add_char(out, end);
  }
}

static void add_number(Text *out, int64_t n) {
  text_add(out, "<td>");
  if (n) text_add_thousands(out, n);
  text_add(out, "</td>");
}

static const char *shape_of(Arena *arena, const Value *v) {
  Text text = text_new(arena);
  text_add_type(&text, &v->type, true);
  return text_str(&text);
}

/* The precision of a layer in integers, and its ratio where calibration measured it. */
static void add_precision(Text *out, const Session *s, const Model *model, const Layer *layer) {
  bool integer = model->quant->layer[layer->id] != NULL;
  double snr = integer ? layer_ratio(s, model, layer) : 0;
  text_printf(out, "<td>%s</td><td>", integer ? precision_name[layer_precision(model, layer)] : "");
  if (snr > 0) text_printf(out, "%.1f", snr);
  text_add(out, "</td>");
}

static void add_row(Text *out, const Session *s, const Model *model, const Layer *layer,
                    const Map *flash, int64_t all) {
  const Sources *sources = &s->sources;
  const Source *source = sources_get(sources, layer->span.file);
  int64_t macs = layer_macs(model, layer);
  const ReportRow *row = layer->path ? map_get(flash, layer->path) : NULL;
  text_add(out, "<tr><td>");
  if (source) text_printf(out, "%u", source_place(sources, source, layer->span.begin).line);
  text_add(out, "</td><td>");
  text_add_markup(out, layer_text(out->arena, sources, layer));
  text_add(out, "</td><td>");
  text_add_markup(out, shape_of(out->arena, layer->out[0]));
  text_add(out, "</td>");
  add_number(out, layer_param_count(layer));
  add_number(out, macs);
  add_number(out, row ? row->flash : 0);
  add_number(out, row ? row->state : 0);
  if (model->quant) add_precision(out, s, model, layer);
  text_printf(out, "<td class=\"share\"><div style=\"width:%.1f%%\"></div></td></tr>\n",
              all ? 100.0 * (double)macs / (double)all : 0);
}

static void add_stages(Text *out, const Session *s, const Model *model, const Report *report) {
  Map flash = {0};
  int64_t all = 0;
  for (int i = 0; report && i < report->n; i++)
    if (report->row[i].layer) map_put(out->arena, &flash, report->row[i].layer, &report->row[i]);
  for (int i = 0; i < model->n_layers; i++)
    all += layer_macs(model, model->layer[i]);
  text_add(out, "<h2>Stages</h2>\n<table>\n<tr><th>line</th><th>stage</th><th>gives</"
                "th><th>parameters</th><th>multiply-adds</th>"
                "<th>weights, bytes</th><th>state, bytes</th>");
  if (model->quant) text_add(out, "<th>integers</th><th>SNR, dB</th>");
  text_add(out, "<th>share of the work</th></tr>\n");
  for (int i = 0; i < model->n_layers; i++)
    add_row(out, s, model, model->layer[i], &flash, all);
  text_add(out, "</table>\n");
}

/* The scratch area: across, the statements of a call that use it, in order; upwards, bytes. */
static void add_plan(Text *out, const KirModule *m) {
  int64_t first = INT64_MAX, last = 0;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->live_from && b->live_from < first) first = b->live_from;
    if (b->live_to > last) last = b->live_to;
  }
  if (!last || !m->scratch_bytes) {
    text_add(out, "<p>No scratch memory is needed.</p>\n");
    return;
  }
  double across = (double)PLAN_WIDTH / (double)(last - first + 1),
         up = (double)PLAN_HEIGHT / (double)m->scratch_bytes;
  text_printf(out,
              "<figure><svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
              "viewBox=\"-70 -14 %d %d\">\n",
              PLAN_WIDTH + 90, PLAN_HEIGHT + 50, PLAN_WIDTH + 90, PLAN_HEIGHT + 50);
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->space != KIR_SCRATCH || !b->live_from) continue;
    int64_t bytes = kir_bytes(b);
    double x = (double)(b->live_from - first) * across,
           width = (double)(b->live_to - b->live_from + 1) * across, height = (double)bytes * up;
    double y = (double)PLAN_HEIGHT - (double)(b->scratch_offset + bytes) * up;
    text_printf(
        out,
        "<g><rect class=\"piece\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>", x,
        y, width, height);
    text_add_markup(out, b->name);
    text_printf(out, ": %lld bytes at %lld, statements %lld to %lld", (long long)bytes,
                (long long)b->scratch_offset, (long long)b->live_from, (long long)b->live_to);
    text_add(out, "</title></rect>");
    if (width > (double)(strlen(b->name) * LETTER + 8) && height > 14) {
      text_printf(out, "<text class=\"name\" x=\"%.1f\" y=\"%.1f\">", x + 4, y + height / 2 + 4);
      text_add_markup(out, b->name);
      text_add(out, "</text>");
    }
    text_add(out, "</g>\n");
  }
  text_printf(out,
              "<text class=\"axis end\" x=\"-8\" y=\"4\">%lld B</text><text class=\"axis end\" "
              "x=\"-8\" y=\"%d\">0</text>\n",
              (long long)m->scratch_bytes, PLAN_HEIGHT);
  text_printf(out,
              "<text class=\"axis\" x=\"0\" y=\"%d\">first use</text><text class=\"axis end\" "
              "x=\"%d\" y=\"%d\">last use</text>\n</svg></figure>\n",
              PLAN_HEIGHT + 24, PLAN_WIDTH, PLAN_HEIGHT + 24);
}

static void add_totals(Text *out, const Session *s, const Model *model, const Report *report) {
  ModelCost cost = model_cost(model);
  text_add(out, "<p>");
  text_add_thousands(out, cost.params);
  text_add(out, " parameters, ");
  text_add_thousands(out, cost.macs);
  text_printf(out, " multiply-adds a %s", model->run == RUN_STREAM ? "call" : "run");
  if (report) {
    text_add(out, "; ");
    text_add_bytes(out, report->flash);
    text_add(out, " of weights, ");
    text_add_bytes(out, report->scratch);
    text_add(out, " scratch, ");
    text_add_bytes(out, report->state);
    text_add(out, " state");
  }
  double snr = model->quant ? model_ratio(s, model) : 0;
  if (snr > 0) text_printf(out, "; %.1f dB in integers on the data of calibration", snr);
  text_add(out, ".</p>\n");
}

void html_model(Text *out, const Session *s, const Model *model, const KirModule *m) {
  Report report = {0};
  if (m) report = report_new(m, out->arena);
  text_add(out, "<h1>");
  text_add_markup(out, model->name);
  text_add(out, "</h1>\n");
  if (model->doc) {
    text_add(out, "<p>");
    add_lines(out, model->doc, ' ');
    text_add(out, "</p>\n");
  }
  add_totals(out, s, model, m ? &report : NULL);
  text_add(out, "<figure>\n");
  draw_svg(out, &s->sources, model);
  text_add(out, "</figure>\n"
                "<script>/* a wide drawing shows its middle first */\n"
                "for (const f of document.querySelectorAll('figure')) "
                "f.scrollLeft = (f.scrollWidth - f.clientWidth) / 2;</script>\n");
  add_stages(out, s, model, m ? &report : NULL);
  if (!m) return;
  text_add(out, "<h2>Memory during a call</h2>\n");
  add_plan(out, m);
  COptions c = {.prefix = model->name};
  Text prototypes = text_new(out->arena);
  backend_c_prototypes(m, &c, &prototypes);
  text_add(out, "<h2>C interface</h2>\n<pre>");
  add_lines(out, text_str(&prototypes), '\n');
  text_add(out, "</pre>\n");
}
