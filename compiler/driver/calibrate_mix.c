/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: the mixture of precisions for --snr and --max-flash. The knapsack is
 * model/quant/mixture.h; this file fills it, measures what it chose, and aims higher where the sum
 * of the errors was too hopeful. */
#include "driver/calibrate.h"

#include "driver/budget.h"

#include <math.h>
#include <string.h>

/* AIMS: how often a mixture is chosen again after its measured ratio was below the prediction. */
enum { AIMS = 4 };
static const double MARGIN_DB = 0.1;
/* A choice between equal weights: operands of 16 bits count like this share of the weights, so
 * that 8 bits stay where they are good enough. */
static const double OPERAND_SHARE = 1.0 / 1024;

typedef struct Mix {
  Calibrate *c;
  MixtureGroup *group;
  int *group_of; /* by judged layer */
  int n;
  int64_t other_flash; /* of what no choice changes */
  int64_t flash;       /* of the mixture: weights as the target stores them */
} Mix;

static bool same_text(const Layer *a, const Layer *b) {
  return span_valid(a->span) && a->span.file == b->span.file && a->span.begin == b->span.begin;
}

static double noise_of(double snr) {
  return pow(10, -snr / 10);
}

/* Layers of one text are one group, and a group has the choices that all of its layers have. */
static void group_layers(Mix *m) {
  const Calibrate *c = m->c;
  static const Precision order[MIXTURE_MOST] = {PRECISION_I8, PRECISION_W8, PRECISION_I16,
                                                PRECISION_I16X16, PRECISION_F32};
  m->group = ARENA_ARRAY(c->s->arena, MixtureGroup, c->n + 1);
  m->group_of = ARENA_ARRAY(c->s->arena, int, c->n + 1);
  for (int i = 0; i < c->n; i++) {
    int first = 0;
    while (first < i && !same_text(c->judged[first].layer, c->judged[i].layer))
      first++;
    m->group_of[i] = first < i ? m->group_of[first] : m->n++;
  }
  for (int g = 0; g < m->n; g++)
    for (int k = 0; k < MIXTURE_MOST; k++) {
      MixtureChoice choice = {.precision = order[k]};
      bool all = true;
      for (int i = 0; i < c->n; i++) {
        if (m->group_of[i] != g) continue;
        const Verdict *v = &c->judged[i].in[order[k]];
        double wide = order[k] == PRECISION_I8 ? 1 : 1 + OPERAND_SHARE;
        all &= v->there;
        choice.noise += noise_of(verdict_snr(v));
        choice.cost += (double)v->bytes * wide;
      }
      if (all) m->group[g].choice[m->group[g].n++] = choice;
    }
}

static void set_precision(Layer *layer, Precision p) {
  OptVal *own = layer_opt_mut(layer, OPT_precision);
  own->given = true;
  own->s = precision_name[p];
}

static void apply(const Mix *m) {
  for (int i = 0; i < m->c->n; i++) {
    const MixtureGroup *g = &m->group[m->group_of[i]];
    m->c->judged[i].precision = g->choice[g->chosen].precision;
    set_precision(m->c->judged[i].layer, m->c->judged[i].precision);
  }
}

/* Flash of the weights of the model in its present precisions. */
static bool flash_now(Calibrate *c, int64_t *flash) {
  KirModule *m = build_lower(c->s, c->model, c->source, false);
  if (!m) return false;
  *flash = report_new(m, c->s->arena).flash;
  return true;
}

/* Chooses for these bounds, and measures the choice. */
static bool aim(Mix *m, double snr, double max_flash) {
  double room = max_flash > 0 ? max_flash - (double)m->other_flash : INFINITY;
  mixture_choose(m->group, m->n, snr > 0 ? noise_of(snr) : 0, room);
  apply(m);
  return calibrate_measure(m->c) && flash_now(m->c, &m->flash);
}

/* The weights of other layers, and what the target's layout adds. */
static bool other_flash(Mix *m) {
  double inf = INFINITY;
  mixture_choose(m->group, m->n, inf, inf);
  apply(m);
  if (!calibrate_measure(m->c) || !flash_now(m->c, &m->flash)) return false;
  m->other_flash = m->flash - (int64_t)mixture_cost(m->group, m->n);
  return true;
}

static bool all_in_floats(const Calibrate *c) {
  bool all = true;
  for (int i = 0; i < c->n; i++)
    all &= c->judged[i].precision == PRECISION_F32;
  return all;
}

static void print_choices(const Mix *m, const Precision *before, Text *out) {
  const Calibrate *c = m->c;
  size_t width = strlen("suggested           ");
  for (int i = 0; i < c->n; i++)
    if (strlen(c->judged[i].layer->path) > width) width = strlen(c->judged[i].layer->path);
  bool shown[PRECISION_COUNT] = {false};
  for (int i = 0; i < c->n; i++)
    for (int k = 0; k < PRECISION_COUNT; k++)
      shown[k] |= k != PRECISION_F32 && c->judged[i].in[k].there;
  text_printf(out, "\n%-*s ", (int)width, "layer alone");
  for (int k = 0; k < PRECISION_COUNT; k++)
    if (shown[k]) text_printf(out, "%9s ", precision_name[k]);
  text_printf(out, " %s\n", "suggested");
  for (int i = 0; i < c->n; i++) {
    const Judged *j = &c->judged[i];
    text_printf(out, "%-*s ", (int)width, j->layer->path);
    for (int k = 0; k < PRECISION_COUNT; k++) {
      if (!shown[k]) continue;
      if (j->in[k].there)
        text_printf(out, "%6.1f dB ", verdict_snr(&j->in[k]));
      else
        text_printf(out, "%9s ", "-");
    }
    text_printf(out, " %s%s\n", precision_name[j->precision],
                j->precision == before[i] ? "" : "  (changed)");
  }
  text_printf(out, "%-*s ", (int)width, "suggested");
  if (all_in_floats(c))
    text_printf(out, "f32 throughout, measured %.1f dB, weights ", c->measured);
  else
    text_printf(out, "predicted %.1f dB, measured %.1f dB, weights ", c->predicted, c->measured);
  text_add_bytes(out, m->flash);
  text_add_char(out, '\n');
}

/* Prints whether the bounds are met, and what to type. */
static ExitCode conclude(const Mix *m, const Precision *before, Text *out) {
  const Options *o = m->c->s->options;
  bool quiet = o->snr <= 0 || m->c->measured >= o->snr;
  bool fits = !o->max_flash || m->flash <= o->max_flash;
  bool changed = false;
  for (int i = 0; i < m->c->n; i++)
    changed |= m->c->judged[i].precision != before[i];
  if (!fits) {
    text_add(out, "above ");
    text_add_bytes(out, o->max_flash);
    text_add(out, " in every combination that was tried\n");
  } else if (!quiet && o->max_flash)
    text_printf(out, "below %.1f dB: nothing better fits\n", o->snr);
  else if (!quiet && all_in_floats(m->c))
    text_printf(out, "below %.1f dB even with every layer in f32\n", o->snr);
  else if (!quiet)
    text_printf(out,
                "below %.1f dB in every combination: compute the layer with most of the error in "
                "f32, `precision=f32`\n",
                o->snr);
  bool said = changed || o->precision; /* --precision is of this command, not of the model */
  if (said && quiet && fits && !m->c->writes)
    text_add(out, "`--write` writes these precisions into the model\n");
  else if (!said && quiet && fits)
    text_add(out, "the model already has these precisions\n");
  return quiet && fits ? EXIT_DONE : EXIT_FAILED;
}

ExitCode calibrate_mix(Calibrate *c) {
  const Options *o = c->s->options;
  Mix m = {.c = c};
  Text out = text_new(c->s->arena);
  Precisions kept = precisions_keep(c->s, c->model);
  Precision *before = ARENA_ARRAY(c->s->arena, Precision, c->n + 1);
  double goal = o->snr;
  for (int i = 0; i < c->n; i++)
    before[i] = c->judged[i].precision;
  group_layers(&m);
  if (!other_flash(&m)) return EXIT_MODEL;
  for (int k = 0; k < AIMS; k++) {
    if (!aim(&m, goal, (double)o->max_flash)) return EXIT_MODEL;
    if (o->snr <= 0 || c->measured >= o->snr) break;
    goal += o->snr - c->measured + MARGIN_DB;
  }
  print_choices(&m, before, &out);
  ExitCode code = conclude(&m, before, &out);
  session_out(text_str(&out), out.len);
  if (c->writes) return code;
  precisions_restore(c->model, &kept);
  for (int i = 0; i < c->n; i++)
    c->judged[i].precision = before[i];
  return calibrate_measure(c) ? code : EXIT_MODEL;
}
