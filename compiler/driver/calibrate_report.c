/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: the table of layers. */
#include "driver/budget.h"
#include "driver/build.h"
#include "driver/calibrate.h"

#include <math.h>
#include <string.h>

static const double NO_NOISE = 1e-30;

static int name_width(const Calibrate *c) {
  size_t width = strlen("all                 ");
  for (int i = 0; i < c->n; i++)
    if (strlen(c->judged[i].layer->path) > width) width = strlen(c->judged[i].layer->path);
  return (int)width;
}

/* Of the layer as the whole model has it: alone in integers, it may have had other biases, and
 * scales in place of multipliers. */
static int64_t bytes_of(const Calibrate *c, const Judged *j) {
  const Quant *quant = c->model->quant;
  bool is_quantised = !c->is_float && quant && quant->layer[j->layer->id];
  return is_quantised ? calibrate_bytes(c, j->layer) : j->in[j->precision].bytes;
}

void calibrate_report(const Calibrate *c, Text *out) {
  int width = name_width(c);
  double all = 0;
  bool plain = false, prunes = c->s->options->prune > 0;
  for (int i = 0; i < c->n; i++)
    all += pow(10, -verdict_snr(&c->judged[i].in[c->judged[i].precision]) / 10);
  text_printf(out, "%-*s %-9s %9s %9s ", width, "layer", "precision", "nearest", "rounded");
  if (prunes) text_printf(out, "%9s %6s ", "pruned", "zeros");
  text_printf(out, "%9s %8s\n", "bytes", "of error");
  for (int i = 0; i < c->n; i++) {
    const Judged *j = &c->judged[i];
    const Verdict *v = &j->in[j->precision];
    text_printf(out, "%-*s %-9s ", width, j->layer->path, precision_name[j->precision]);
    if (c->is_float)
      text_printf(out, "%9s ", "-");
    else
      text_printf(out, "%6.1f dB ", v->plain);
    if (v->rounds)
      text_printf(out, "%6.1f dB%s ", v->rounded, v->keeps || v->prunes ? "" : "*");
    else
      text_printf(out, "%9s ", "-");
    if (v->prunes)
      text_printf(out, "%6.1f dB %5.0f%% ", v->pruned,
                  100 * (double)v->blocks.zeros / (double)v->blocks.all);
    else if (prunes)
      text_printf(out, "%9s %6s ", "-", "-");
    plain |= v->rounds && !v->keeps && !v->prunes;
    text_printf(out, "%9lld %7.0f%%\n", (long long)bytes_of(c, j),
                100 * pow(10, -verdict_snr(v) / 10) / fmax(all, NO_NOISE));
  }
  text_printf(out, "%-*s predicted %.1f dB, measured %.1f dB on held-out data\n", width, "all",
              c->predicted, c->measured);
  if (plain)
    text_add(out, "* rounded to nearest: rounding with the data was not better on held-out data\n");
}

bool calibrate_report_pruned(Calibrate *c, Text *out) {
  int64_t blocks = 0, zeros = 0, macs = 0, bytes = 0;
  for (int i = 0; i < c->n; i++) {
    const Verdict *v = &c->judged[i].in[c->judged[i].precision];
    blocks += v->blocks.all;
    zeros += v->blocks.zeros;
  }
  KirModule *m = build_lower(c->s, c->model, c->source, false);
  if (!m) return false;
  for (int i = 0; i < m->n_costs; i++) {
    macs += kir_cost_saved(&m->cost[i]);
    bytes += m->cost[i].saved_bytes;
  }
  text_printf(out, "%-*s %lld of %lld blocks are zeros", name_width(c), "pruned", (long long)zeros,
              (long long)blocks);
  if (!c->is_float) text_printf(out, "; measured %.1f dB without pruning", c->whole);
  text_add(out, "\n");
  text_printf(out, "%-*s ", name_width(c), "");
  if (macs) {
    text_add_count(out, macs);
    text_add(out, " multiply-adds a call and ");
    text_add_bytes(out, bytes);
    text_printf(out, " flash less on `%s`\n", c->s->machine.name);
  } else
    text_printf(out, "no multiply-adds less on `%s`: leaving out these zeros would be slower\n",
                c->s->machine.name);
  return true;
}
