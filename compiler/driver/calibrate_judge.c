/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: the signal-to-noise ratio with each layer alone in integers, and with all of
 * them. */
#include "driver/calibrate.h"
#include "lower/target.h"
#include "model/quant/slow_gates.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { FLOAT_BYTES = 4, BIAS_BYTES = 4, MULTIPLIER_BYTES = 2 };
static const double NO_NOISE_DB = 999;

/* ---- precisions ---- */

Precisions precisions_keep(Session *s, const Model *model) {
  Precisions kept = {model->precision, ARENA_ARRAY(s->arena, OptVal, model->n_layers + 1)};
  for (int i = 0; i < model->n_layers; i++)
    if (layer_opt(model->layer[i], OPT_precision))
      kept.own[i] = *layer_opt(model->layer[i], OPT_precision);
  return kept;
}

void precisions_restore(Model *model, const Precisions *kept) {
  model->precision = kept->model;
  for (int i = 0; i < model->n_layers; i++)
    if (layer_opt(model->layer[i], OPT_precision))
      *layer_opt_mut(model->layer[i], OPT_precision) = kept->own[i];
}

void precisions_only(Model *model, const Layer *one, Precision p) {
  model->precision = PRECISION_F32;
  for (int i = 0; i < model->n_layers; i++) {
    OptVal *own = layer_opt_mut(model->layer[i], OPT_precision);
    if (!own) continue;
    own->given = model->layer[i] == one;
    own->s = precision_name[own->given ? p : PRECISION_F32];
  }
}

static bool quantise(Calibrate *c, const QuantGivenPart *part, int n, Diags *diags) {
  QuantGiven given = {.part = part, .n_parts = n, .needs_same_scale = true, .path = "calibration"};
  c->model->quant = NULL;
  return model_quantise(c->model, c->ranges, n ? &given : NULL, diags);
}

/* ---- one layer ---- */

static bool has_parts(const Layer *layer) {
  QuantKind kind = quant_kind(layer);
  return kind == QUANT_MATRIX || kind == QUANT_RECURRENT;
}

static void warn_short(Calibrate *c, const Layer *layer, const Verdict *v) {
  const char *what = type_is_sequence(&layer->in[0]->type) ? "step" : "vector";
  long long more = (long long)(v->needed - v->steps);
  Diag *d =
      diag_new(c->s->diags, W706, layer->span, "%lld %s%s too few to round the weights of `%s`",
               (long long)v->steps, what, v->steps == 1 ? " is" : "s are", layer->path);
  diag_primary(d, "%lld weights in a row", (long long)v->needed);
  diag_note(d, "grus rounds them to nearest; with %lld %s%s more, it uses the data", more, what,
            more == 1 ? "" : "s");
}

/* A gate has steps of 2^-15, so a unit that forgets less than a few of them in a step forgets at
 * another rate, or not at all. */
static void warn_slow(Calibrate *c, const Layer *layer) {
  EvalRun *runs = ARENA_ARRAY(c->s->arena, EvalRun, c->data.n);
  for (int r = 0; r < c->data.n; r++)
    runs[r] = c->data.run[r].truth;
  SlowGates slow = quant_slow_gates(c->s->arena, layer, runs, c->data.n);
  if (!slow.units) return;
  Diag *d = diag_new(c->s->diags, W705, layer->span,
                     "`%s` has %lld unit%s that forget%s too slowly for integers", layer->path,
                     (long long)slow.units, slow.units == 1 ? "" : "s", slow.units == 1 ? "s" : "");
  diag_primary(d, "the slowest has a time constant of %.3g steps", slow.slowest);
  diag_note(d, "a gate in integers has steps of 1/32768: with a time constant above 10,000 steps "
               "the rate is off by more than 15%%, above 65,000 the state never fades");
  diag_fix(d, FIX_MAYBE, "keep the state of this stage in f32: `precision=w8`");
}

RoundData calibrate_looked_at(const Calibrate *c, double prune) {
  RoundData data = {.n_runs = calibration_first_held_out(&c->data),
                    .share = calibration_share(&c->data),
                    .prune = prune};
  if (!data.n_runs) data.n_runs = c->data.n;
  EvalRun *runs = ARENA_ARRAY(c->s->arena, EvalRun, data.n_runs);
  for (int r = 0; r < data.n_runs; r++)
    runs[r] = c->data.run[r].truth;
  data.run = runs;
  return data;
}

/* Rows of a layer in w8 that have a bias in f32. The two matrices of a recurrent layer share
 * theirs, but for the candidate of a GRU that resets after its product. */
static int64_t float_biases(const Layer *layer, const QuantLayer *q) {
  bool any = q->part[0][QUANT_INPUT].float_bias || layer_role(layer, ROLE_BIAS) ||
             layer_role(layer, ROLE_RECURRENT_BIAS);
  bool apart = layer->kind == LAYER_GRU && !layer_word_is(layer, OPT_reset, "before");
  for (int dir = 0; dir < q->directions; dir++)
    for (int k = 0; k < QUANT_PARTS; k++)
      any = any || q->part[dir][k].bias_shift;
  int64_t rows = q->part[0][QUANT_INPUT].rows + (apart ? layer_units(layer) : 0);
  return any ? rows * q->directions : 0;
}

static bool has_biases(const QuantPart *part) {
  for (int64_t r = 0; r < part->rows; r++)
    if (part->bias[r] != 0) return true;
  return false;
}

/* Rows have a multiplier of 16 bits, or a scale in f32 where their sums become f32. */
int64_t calibrate_bytes(const Calibrate *c, const Layer *layer) {
  const QuantLayer *q = c->model->quant->layer[layer->id];
  bool is_w8 = q->precision == PRECISION_W8;
  int64_t bytes = is_w8 ? FLOAT_BYTES * float_biases(layer, q) : 0;
  for (int dir = 0; dir < q->directions; dir++)
    for (int k = 0; k < QUANT_PARTS; k++) {
      const QuantPart *part = &q->part[dir][k];
      int64_t of_row = part->m ? MULTIPLIER_BYTES : FLOAT_BYTES;
      if (!is_w8 && has_biases(part)) of_row += BIAS_BYTES;
      bytes += part->rows * (part->depth * part->bits / 8 + of_row);
    }
  return bytes;
}

double verdict_snr(const Verdict *v) {
  return v->prunes ? v->pruned : v->keeps ? v->rounded : v->plain;
}

/* The layer is quantised alone. False after reporting. */
static bool judge_pruned(Calibrate *c, const Judged *j, Verdict *v) {
  RoundData data = calibrate_looked_at(c, c->s->options->prune);
  QuantGivenPart part[4];
  int64_t steps, needed;
  int n = quant_round_layer(c->s->arena, c->model, j->layer, &data, part, &steps, &needed);
  if (!n) {
    session_error(c->s, CALIBRATE_TOO_SHORT, (long long)steps, j->layer->path, (long long)needed);
    return false;
  }
  if (!quantise(c, part, n, c->s->diags)) return false;
  v->prunes = true;
  v->pruned = calibration_snr(c->s, c->model, &c->data, true);
  v->blocks = quant_count_blocks(c->model, j->layer, part, n, c->s->options->prune);
  if (v->blocks.zeros >= v->blocks.wanted) return true;
  session_error(c->s, "`%s` cannot be pruned in %s: its other weights overflow 32-bit sums",
                j->layer->path, precision_name[j->precision]);
  return false;
}

/* A layer that has no form in a precision that nobody asked for is no error: it keeps its own. */
static bool judge_in(Calibrate *c, Judged *j, Precision p) {
  Verdict *v = &j->in[p];
  RoundData data = calibrate_looked_at(c, 0);
  QuantGivenPart part[4];
  Diags *aside = p == j->precision ? c->s->diags : diags_new(c->s->arena, &c->s->sources);
  if (p == PRECISION_F32) {
    *v = (Verdict){
        .there = true, .plain = NO_NOISE_DB, .bytes = FLOAT_BYTES * layer_param_count(j->layer)};
    return true;
  }
  precisions_only(c->model, j->layer, p);
  if (!quantise(c, NULL, 0, aside)) return p != j->precision;
  v->there = true;
  v->bytes = calibrate_bytes(c, j->layer);
  v->plain = calibration_snr(c->s, c->model, &c->data, true);
  int n = quant_round_layer(c->s->arena, c->model, j->layer, &data, part, &v->steps, &v->needed);
  bool prunes = c->s->options->prune > 0 && quant_prunes(c->model, j->layer);
  if (!n) {
    if (v->needed && p == j->precision && !prunes) warn_short(c, j->layer, v);
    return !prunes || judge_pruned(c, j, v);
  }
  if (!quantise(c, part, n, aside)) return p != j->precision;
  v->rounds = true;
  v->rounded = calibration_snr(c->s, c->model, &c->data, true);
  v->keeps = v->rounded > v->plain;
  if (v->keeps) v->bytes = calibrate_bytes(c, j->layer); /* its biases may not be 0 any more */
  return !prunes || judge_pruned(c, j, v);
}

/* ---- all layers ---- */

/* The progress: one line that is overwritten on a terminal; elsewhere separate lines, with
 * --verbose. */
static void show_progress(const Calibrate *c, int at, int all, const char *what) {
  const Options *o = c->s->options;
  bool terminal = isatty(STDERR_FILENO) && !o->quiet;
  if (terminal)
    fprintf(stderr, at < all ? "\r\033[K%d of %d: %s" : "\r\033[K", at + 1, all, what);
  else if (o->verbose && at < all)
    session_say(c->s, "%d of %d: %s", at + 1, all, what);
}

static bool is_candidate(const Calibrate *c, const Judged *j, Precision p, bool for_mixture) {
  if (p == j->precision) return true;
  if (!for_mixture) return false;
  if (p == PRECISION_F32) return !c->s->machine.schedule->lacks_fpu; /* not if f32 is emulated */
  if (!quant_is_integer(p) || j->precision == PRECISION_W8) return false;
  return p != PRECISION_I8 || c->model->precision == PRECISION_I8;
}

bool calibrate_judge(Calibrate *c, bool for_mixture) {
  Precisions kept = precisions_keep(c->s, c->model);
  bool ok = true;
  int all = 0, at = 0;
  c->judged = ARENA_ARRAY(c->s->arena, Judged, c->model->n_layers + 1);
  for (int i = 0; i < c->model->n_layers; i++) {
    Layer *layer = c->model->layer[i];
    Precision p = layer_precision(c->model, layer);
    if ((!quant_is_integer(p) && p != PRECISION_W8) || !has_parts(layer)) continue;
    c->judged[c->n] = (Judged){.layer = layer, .precision = p};
    for (int k = 0; k < PRECISION_COUNT; k++)
      all += is_candidate(c, &c->judged[c->n], (Precision)k, for_mixture);
    if (quant_is_integer(p)) warn_slow(c, layer);
    c->n++;
  }
  for (int i = 0; i < c->n && ok; i++)
    for (int k = 0; k < PRECISION_COUNT && ok; k++) {
      Judged *j = &c->judged[i];
      if (!is_candidate(c, j, (Precision)k, for_mixture)) continue;
      show_progress(c, at++, all,
                    arena_printf(c->s->arena, "%s in %s", j->layer->path, precision_name[k]));
      ok = judge_in(c, j, (Precision)k);
      precisions_restore(c->model, &kept);
    }
  show_progress(c, all, all, "");
  return ok;
}

/* Rounded, and pruned if asked, once more for the scales of the whole model, in which a layer reads
 * integers where it read f32 alone. */
static void round_kept(Calibrate *c, bool prunes) {
  RoundData data = calibrate_looked_at(c, 0);
  int64_t steps, needed;
  c->part = ARENA_ARRAY(c->s->arena, QuantGivenPart, 4 * c->n + 1);
  c->n_parts = 0;
  for (int i = 0; i < c->n; i++) {
    const Verdict *v = &c->judged[i].in[c->judged[i].precision];
    data.prune = prunes && v->prunes ? c->s->options->prune : 0;
    if (v->keeps || data.prune > 0)
      c->n_parts += quant_round_layer(c->s->arena, c->model, c->judged[i].layer, &data,
                                      c->part + c->n_parts, &steps, &needed);
  }
}

/* The SNR of the model with its weights as they are kept. */
static bool measure(Calibrate *c, bool prunes, double *snr) {
  c->n_parts = 0;
  if (!quantise(c, NULL, 0, c->s->diags)) return false;
  round_kept(c, prunes);
  if (!quantise(c, c->part, c->n_parts, c->s->diags)) return false;
  *snr = calibration_snr(c->s, c->model, &c->data, true);
  return true;
}

bool calibrate_measure(Calibrate *c) {
  double noise = 0;
  c->n_parts = 0;
  c->predicted = c->measured = NO_NOISE_DB;
  if (!model_wants_integers(c->model)) return true; /* the mixture is f32 throughout */
  if (c->s->options->prune > 0 && !measure(c, false, &c->whole)) return false;
  if (!measure(c, true, &c->measured)) return false;
  for (int i = 0; i < c->n; i++)
    noise += pow(10, -verdict_snr(&c->judged[i].in[c->judged[i].precision]) / 10);
  if (noise > 0) c->predicted = -10 * log10(noise);
  return true;
}
