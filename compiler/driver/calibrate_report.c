/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: the table of layers. */
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

void calibrate_report(const Calibrate *c, Text *out) {
  int width = name_width(c);
  double all = 0;
  bool plain = false;
  for (int i = 0; i < c->n; i++)
    all += pow(10, -verdict_snr(&c->judged[i].in[c->judged[i].precision]) / 10);
  text_printf(out, "%-*s %-9s %9s %9s %9s %8s\n", width, "layer", "precision", "nearest", "rounded",
              "bytes", "of error");
  for (int i = 0; i < c->n; i++) {
    const Judged *j = &c->judged[i];
    const Verdict *v = &j->in[j->precision];
    text_printf(out, "%-*s %-9s %6.1f dB ", width, j->layer->path, precision_name[j->precision],
                v->plain);
    if (v->rounds)
      text_printf(out, "%6.1f dB%s ", v->rounded, v->keeps ? "" : "*");
    else
      text_printf(out, "%9s ", "-");
    plain |= v->rounds && !v->keeps;
    text_printf(out, "%9lld %7.0f%%\n", (long long)v->bytes,
                100 * pow(10, -verdict_snr(v) / 10) / fmax(all, NO_NOISE));
  }
  text_printf(out, "%-*s predicted %.1f dB, measured %.1f dB on what was held out\n", width, "all",
              c->predicted, c->measured);
  if (plain)
    text_add(out, "* rounded to nearest: the data did not do better on what it had not seen\n");
}
