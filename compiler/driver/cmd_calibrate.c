/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: ranges of all values on recorded data, weights rounded by it, what each layer
 * costs in exactness, and which precision each should have. Writes MODEL.ranges and, beside it,
 * MODEL.q.safetensors. The same data gives the same bytes. */
#include "driver/calibrate.h"
#include "driver/precision_edit.h"

#include "model/quant/observe.h"
#include "model/quant/prune.h"

#include <math.h>

static bool report_value(Session *s, const char *name, const char *what) {
  session_error(s, "`%s` is %s in this data, so grus cannot measure its range", name, what);
  return false;
}

/* How often an input has exactly this value, and how often one between it and its half. */
typedef struct Ends {
  int64_t at, near, all;
} Ends;

static Ends count_ends(const Calibrate *c, int input, double end) {
  Ends e = {0};
  int64_t size = type_step_size(&c->model->in[input]->value->type);
  for (int r = 0; r < c->data.n; r++) {
    const EvalTensor *t = &c->data.run[r].in[input];
    for (int64_t i = 0; i < t->steps * size; i++) {
      e.all++;
      e.at += t->data[i] == end;
      e.near += t->data[i] != end && t->data[i] / end > 0.5;
    }
  }
  return e;
}

/* A recording that stays at its limit although it has values of all sizes: the converter or the
 * gain cut it off. Zero is silence, and numbers of few values have nothing near their largest. */
static void warn_clipped(Calibrate *c, int input, double end) {
  enum { LEAST = 16, ONE_IN = 100, NEAR_ONE_IN = 4 };
  if (end == 0) return;
  const Port *port = c->model->in[input];
  Ends e = count_ends(c, input, end);
  if (e.at < LEAST || e.at * ONE_IN < e.all || e.near * NEAR_ONE_IN < e.at) return;
  Diag *d = diag_new(c->s->diags, W703, port->span, "`%s` stays at %.6g in %.1f%% of the data",
                     port->name, end, 100 * (double)e.at / (double)e.all);
  diag_primary(d, "the recording is probably clipped");
  diag_note(d, "the model will also clip larger values, which the recording does not have");
}

static bool observe(Calibrate *c) {
  for (int r = 0; r < c->data.n; r++) {
    const char *bad = ranges_observe(c->s->arena, c->model, &c->data.run[r].truth, c->ranges);
    if (bad) return report_value(c->s, bad, "not a number, or infinite,");
  }
  for (int i = 0; i < c->model->n_in; i++) {
    const Range *r = ranges_find(c->ranges, c->model->in[i]->name);
    bool starts = c->model->in[i]->is_init;
    if (r && r->low == r->high && !starts && c->model->in[i]->value->type.elem == ELEM_F32)
      return report_value(c->s, r->name, "always the same number");
    if (!r || starts || c->model->in[i]->value->type.elem != ELEM_F32) continue;
    warn_clipped(c, i, r->high);
    warn_clipped(c, i, r->low);
  }
  return true;
}

/* Warns (W704) if --snr was not passed and a tenth of the outputs or more is error. */
static void warn_low(Calibrate *c) {
  static const double LEAST_DB = 20;
  const Options *o = c->s->options;
  if (o->snr > 0 || c->measured >= LEAST_DB) return;
  bool given = span_valid(c->model->precision_span) && !o->precision;
  Diag *d = diag_new(c->s->diags, W704, given ? c->model->precision_span : c->model->name_span,
                     "`%s` %s has a signal-to-noise ratio of only %.0f dB", c->model->name,
                     c->is_float ? "with fewer weights" : "in integers", c->measured);
  diag_primary(d, "%.0f%% of its outputs is error", 100 * pow(10, -c->measured / 20));
  diag_fix(d, FIX_MAYBE, "%s",
           c->is_float || c->whole >= LEAST_DB ? "set fewer blocks to zero: a smaller `--prune`"
                                               : "let grus choose the precisions: `--snr 40dB`");
}

/* Whether --prune found matrices, and blocks in them. False after reporting. */
static bool calibrate_prunes(const Calibrate *c) {
  int64_t all = 0, wanted = 0;
  for (int i = 0; i < c->n; i++) {
    all += c->judged[i].in[c->judged[i].precision].blocks.all;
    wanted += c->judged[i].in[c->judged[i].precision].blocks.wanted;
  }
  if (!all)
    session_error(c->s,
                  "`--prune` finds nothing in model `%s`: it takes `GRU`, `LSTM`, `RNN` and "
                  "`Dense` of %d units or more%s",
                  c->model->name, PRUNE_UNITS, c->is_float ? "" : ", in integers");
  else if (!wanted)
    session_error(c->s, "`--prune` prunes nothing: %g%% is less than one block in every matrix",
                  100 * c->s->options->prune);
  return wanted > 0;
}

static bool judge(Calibrate *c, bool mixes) {
  if (c->is_float) return calibrate_prune_floats(c);
  return calibrate_judge(c, mixes) && calibrate_measure(c);
}

/* With a bound the precisions are chosen; without, those of the model are measured. */
static ExitCode calibrate(Calibrate *c, const char *path) {
  const Options *o = c->s->options;
  Text out = text_new(c->s->arena);
  bool mixes = o->snr > 0 || o->max_flash;
  if (!observe(c)) return EXIT_FILE;
  if (c->s->diags->n_errors || !judge(c, mixes) || c->s->diags->n_errors) return EXIT_MODEL;
  if (o->prune > 0 && !calibrate_prunes(c)) return EXIT_MODEL;
  calibrate_report(c, &out);
  if (o->prune > 0 && !calibrate_report_pruned(c, &out)) return EXIT_MODEL;
  session_out(text_str(&out), out.len);
  warn_low(c);
  if (c->s->diags->n_errors) return EXIT_MODEL; /* of --werror */
  ExitCode judged = mixes ? calibrate_mix(c) : EXIT_DONE;
  if (judged != EXIT_DONE && judged != EXIT_FAILED) return judged;
  if (judged == EXIT_FAILED && c->writes) {
    session_error(c->s, "no combination meets the bounds, so nothing was written");
    return EXIT_FAILED;
  }
  if (c->is_float) return calibrate_write_floats(c, path);
  ExitCode written = calibrate_write(c, path);
  return written == EXIT_DONE ? judged : written;
}

/* A model without integers has weights to prune, but no precisions. False after reporting. */
static bool floats_fit(Calibrate *c) {
  c->is_float = !model_wants_integers(c->model);
  if (!c->is_float) return true;
  if (c->s->options->prune <= 0)
    session_error(c->s,
                  "model `%s` has no layer in integers: `--precision i16`, or `precision i16` in "
                  "the model",
                  c->model->name);
  else if (c->writes)
    session_error(c->s, "`--write` writes precisions, and model `%s` has no layer in integers",
                  c->model->name);
  return c->s->options->prune > 0 && !c->writes;
}

static const char *path_of(const Calibrate *c) {
  if (c->s->options->out) return c->s->options->out;
  return c->is_float ? pruned_path(c->s, c->model, c->source)
                     : ranges_path(c->s, c->model, c->source);
}

ExitCode command_calibrate(Session *s) {
  const Options *o = s->options;
  Calibrate c = {.s = s, .ranges = ARENA_NEW(s->arena, Ranges), .writes = s->options->write};
  if (o->prune > 0 && (o->snr > 0 || o->max_flash)) {
    session_error(s,
                  "`--prune` cannot be combined with `%s`: first choose precisions, with "
                  "`--write`, then prune",
                  o->snr > 0 ? "--snr" : "--max-flash");
    return EXIT_USAGE;
  }
  s->calibrates = true;
  c.model = build_model(s, &c.source);
  KirModule *m = NULL;
  if (c.model && !floats_fit(&c)) return EXIT_USAGE;
  if (c.model && c.writes && !precision_editable(s, c.source)) return EXIT_USAGE;
  if (c.model) {
    Precisions kept = precisions_keep(s, c.model);
    precisions_only(c.model, NULL, PRECISION_F32);
    m = build_lower(s, c.model, c.source, true);
    precisions_restore(c.model, &kept);
  }
  if (c.model && s->options->out) session_spares_inputs(s, c.source->path, s->options->out);
  if (s->usage_trouble || !m || s->diags->n_errors) {
    session_print_diags(s);
    return s->usage_trouble ? EXIT_USAGE : session_failure_code(s);
  }
  ExitCode code = calibration_read(s, c.model, m, &c.data);
  if (code == EXIT_DONE) code = calibrate(&c, path_of(&c));
  session_print_diags(s);
  return code;
}
