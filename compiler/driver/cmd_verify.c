/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus verify: recorded inputs through the evaluator and through the compiled code. With outputs in
 * --against both are compared with them; without, with each other, on random values where an input
 * is not given either. An axis of samples in front of the inputs' own is one run each. When
 * something differs, every layer's value of the compiled code is compared with the evaluator's (and
 * with DIR/LAYER.npy where it is recorded), and the first layer that diverges is named. */
#include "base/splitmix.h"
#include "driver/emulator.h"
#include "driver/native.h"
#include "driver/recordings.h"
#include "driver/selftest.h"
#include "driver/verify_html.h"
#include "lower/lower.h"
#include "model/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS = 200 }; /* of a stream with random values, at least */

/* Steps of a call, of --chunk times as many where it is given. */
static int64_t call_steps(const Session *s, const Model *model) {
  return model->steps_per_call * (s->options->chunk ? s->options->chunk : 1);
}

/* Whether a stream is a whole number of calls: what is left over no call takes. */
static bool is_whole_calls(Session *s, const Model *model, const Port *port, const Recorded *in) {
  const Type *type = &port->value->type;
  if (type->time.kind != TIME_STREAM || !s->options->chunk) return true;
  int64_t per_call = call_steps(s, model) / type->time.period;
  if (in->steps % per_call == 0) return true;
  session_error(
      s, "`%s` has %lld steps, but with --chunk %lld a call takes %lld: pass a multiple of that",
      port->name, (long long)in->steps, (long long)s->options->chunk, (long long)per_call);
  s->file_trouble = true;
  return false;
}

static Recorded random_input(Session *s, const Model *model, const Type *type, bool window,
                             uint64_t seed) {
  Recorded r = {.steps = 1};
  if (type->time.kind == TIME_STREAM) {
    int64_t chunk = s->options->chunk ? s->options->chunk : 1;
    r.steps = (STEPS + chunk - 1) / chunk * call_steps(s, model) / type->time.period;
  } else if (type_is_sequence(type))
    r.steps = window ? 3 * type->time.n : type->time.n;
  if (type->time.kind == TIME_BOUNDED && r.steps > 1) r.steps -= r.steps / 3;
  r.count = r.steps * type_step_size(type);
  r.data = ARENA_ARRAY(s->arena, double, r.count);
  for (int64_t i = 0; i < r.count; i++) {
    double unit = (double)(splitmix_next(&seed) >> 40) * 0x1p-24;
    bool integer = type->elem != ELEM_F32 && type->elem != ELEM_F16;
    if (type->elem == ELEM_INDEX)
      r.data[i] = floor(unit * (double)type->categories);
    else if (integer)
      r.data[i] = floor(unit * 100);
    else
      r.data[i] = (double)(float)(2 * unit - 1);
  }
  return r;
}

/* All inputs, recorded or random; *samples is what those with an axis of samples have. */
static bool read_inputs(Session *s, const Model *model, Recording *in, int64_t *samples) {
  int64_t shared_steps[64] = {0};
  const char *first = NULL;
  *samples = 1;
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    const Type *type = &port->value->type;
    if (!recording_input(s, port, &in[i])) return false;
    if (!in[i].is_there) {
      in[i].sample = ARENA_NEW(s->arena, Recorded);
      *in[i].sample = random_input(s, model, type, port->every > 0, (uint64_t)i + 1);
    }
    Recorded begin = recording_sample(&in[i], 0);
    if (in[i].is_there && !is_whole_calls(s, model, port, &begin)) return false;
    if (!in[i].is_there && s->options->against)
      session_say(s, "`%s` has no `%s`: it gets random values", s->options->against, port->name);
    if (in[i].samples > 1) {
      if (first && *samples != in[i].samples) {
        session_error(s, "`%s` has %lld samples, `%s` has %lld", first, (long long)*samples,
                      port->name, (long long)in[i].samples);
        s->file_trouble = true;
        return false;
      }
      first = port->name;
      *samples = in[i].samples;
    }
    if (type->time.kind == TIME_BOUNDED && type->time.length < 64) { /* one length, one value */
      int64_t *n = &shared_steps[type->time.length];
      if (*n && *n != in[i].sample->steps && !in[i].is_there) {
        in[i].sample->steps = *n;
        in[i].sample->count = *n * type_step_size(type);
      }
      *n = in[i].sample->steps;
    }
  }
  return true;
}

/* Reports recorded outputs without the recorded inputs that they belong to. */
static bool inputs_are_recorded(Session *s, const Model *model, const Recording *in) {
  for (int i = 0; i < model->n_in; i++) {
    if (in[i].is_there) continue;
    session_error(s, "`%s` has outputs, but not the input `%s` that they belong to: add `%s=DATA`",
                  s->options->against, model->in[i]->name, model->in[i]->name);
    s->file_trouble = true;
    return false;
  }
  return true;
}

/* Whether a difference is within what the command line allows. */
static bool within(const Options *o, const Difference *d) {
  if (d->bad) return false;
  if (o->snr > 0) return d->snr >= o->snr;
  return d->max <= o->atol + o->rtol * d->scale;
}

/* --metric argmax: how many answers there are, and in how many the index of the largest value
 * differs. n 0: the values are no answers. */
typedef struct Answers {
  int64_t n, differ;
} Answers;

static int64_t largest_of(const double *x, int64_t n) {
  int64_t best = 0;
  for (int64_t i = 1; i < n; i++)
    if (x[i] > x[best]) best = i;
  return best;
}

/* The values of an answer: the last axis of an output. 1: it has none. */
static int64_t answer_width(const Type *type) {
  return type->elem != ELEM_INDEX && type->rank ? type->dim[type->rank - 1].n : 1;
}

static Answers answers_of(const Options *o, const Recorded *a, const Recorded *b, int64_t width) {
  Answers answers = {0};
  if (!o->argmax || width < 2 || a->count != b->count) return answers;
  answers.n = a->count / width;
  for (int64_t i = 0; i < answers.n; i++)
    answers.differ +=
        largest_of(a->data + i * width, width) != largest_of(b->data + i * width, width);
  return answers;
}

/* The same for two outputs of a model: --metric takes the place of the tolerances, not of --snr. */
static bool output_within(const Options *o, const Difference *d, const Answers *answers) {
  if (!answers->n) return within(o, d);
  if (d->bad || (o->snr > 0 && d->snr < o->snr)) return false;
  return (double)answers->differ <= o->argmax_share * (double)answers->n;
}

static bool has_answers(Session *s, const Model *model) {
  if (!s->options->argmax) return true;
  for (int i = 0; i < model->n_out; i++)
    if (answer_width(&model->out[i]->value->type) > 1) return true;
  session_error(s,
                "--metric argmax compares the indices of the largest values, but no output of `%s` "
                "has several values",
                model->name);
  return false;
}

/* What was compared so far, for --html. */
typedef struct Findings {
  Compared *compared;
  int n;
  size_t cap;
} Findings;

/* "SNR 62.3 dB"; numbers without a difference have no such ratio. */
static const char *ratio_text(Session *s, const Difference *d) {
  if (d->bad) return "NaN on one side only";
  if (d->max == 0) return "the same numbers";
  if (d->snr != d->snr) return "infinities differ";
  return arena_printf(s->arena, "SNR %.1f dB", d->snr);
}

static bool show(Session *s, Findings *f, const Port *port, const char *what, const Recorded *a,
                 const Recorded *b, bool exact) {
  const char *name = port->name;
  Difference d = difference(a->data, a->count, b->data, b->count);
  Answers answers = answers_of(s->options, a, b, answer_width(&port->value->type));
  bool ok = exact ? !d.bad && d.max == 0 : output_within(s->options, &d, &answers);
  if (s->options->html) {
    Recorded *kept = ARENA_ARRAY(s->arena, Recorded, 2);
    kept[0] = *a;
    kept[1] = *b;
    Compared one = {name, what, &kept[0], &kept[1], d, ok};
    ARENA_PUSH(s->arena, f->compared, f->n, f->cap, one);
    return ok;
  }
  Text line = text_new(s->arena);
  if (a->count != b->count)
    text_printf(&line, "%-16s %-24s %lld values against %lld", name, what, (long long)a->count,
                (long long)b->count);
  else if (answers.n)
    text_printf(&line, "%-16s %-24s %lld of %lld answers differ, %s", name, what,
                (long long)answers.differ, (long long)answers.n, ratio_text(s, &d));
  else
    text_printf(&line, "%-16s %-24s max error %.3g of %.3g, %s", name, what, d.max, d.scale,
                ratio_text(s, &d));
  text_printf(&line, "  %s\n", ok ? "ok" : "DIFFERS");
  session_out(text_str(&line), line.len);
  return ok;
}

/* The model lowered again with every layer's value as an output, and one sample through it. */
typedef struct LayerRun {
  const KirModule *m;
  int first; /* output number of the first layer */
  Recorded *compiled, *reference;
} LayerRun;

static bool run_layers(Session *s, Model *model, const Source *source, const Recorded *in,
                       LayerRun *run) {
  run->first = model->n_out;
  int *codes = ARENA_ARRAY(s->arena, int, model->n_layers + 1);
  if (!trial_add_layers(s, model, source, false, codes)) return false;
  KirModule *m = build_lower(s, model, source, true);
  const GrusProgram *program = m ? trial_load(s, m) : NULL;
  run->m = m;
  run->compiled = ARENA_ARRAY(s->arena, Recorded, model->n_out);
  run->reference = ARENA_ARRAY(s->arena, Recorded, model->n_out);
  if (!program || trial_compiled(s, model, program, in, run->compiled) != GRUS_OK ||
      trial_reference(s, model, in, run->reference, NULL) != EVAL_OK)
    return false;
  for (int i = run->first; i < model->n_out; i++)
    trial_align(m, model, i, run->reference[i].count, &run->compiled[i]);
  return true;
}

static void print_page(Session *s, const Model *model, const Findings *f, const LayerRun *run) {
  int n = run ? model->n_out - run->first : 0;
  ComparedLayer *layer = ARENA_ARRAY(s->arena, ComparedLayer, n + 1);
  for (int i = 0; i < n; i++) {
    const Recorded *c = &run->compiled[run->first + i], *r = &run->reference[run->first + i];
    const Layer *from = model->out[run->first + i]->value->layer;
    Difference d = difference(c->data, c->count, r->data, r->count);
    layer[i] = (ComparedLayer){from->path, layer_text(s->arena, &s->sources, from), d,
                               within(s->options, &d)};
  }
  Text out = text_new(s->arena);
  verify_html(&out, arena_printf(s->arena, "%s, verified", model->name), f->compared, f->n, layer,
              n);
  session_out(text_str(&out), out.len);
}

/* Says which layer is the first that differs on this sample. */
static void name_first(Session *s, const Model *model, const LayerRun *run, int64_t sample,
                       int64_t samples) {
  const Recorded *compiled = run->compiled, *reference = run->reference;
  for (int i = run->first; i < model->n_out; i++) {
    const Layer *layer = model->out[i]->value->layer;
    const char *text = layer_text(s->arena, &s->sources, layer);
    Difference d =
        difference(compiled[i].data, compiled[i].count, reference[i].data, reference[i].count);
    Recorded recorded;
    bool there = false;
    if (!within(s->options, &d)) {
      session_error(
          s, "the compiled code first diverges from the evaluator at `%s` (%s): max error %.3g",
          layer->path, text, d.max);
      return;
    }
    if (!recording_output(s, layer->path, &model->out[i]->value->type, &recorded, &there) || !there)
      continue;
    int64_t count = recorded.count / samples;
    if (count != reference[i].count && samples > 1) continue; /* samples of different lengths */
    d = difference(reference[i].data, reference[i].count, recorded.data + sample * count, count);
    if (!within(s->options, &d)) {
      session_error(s,
                    "the first layer that differs from its recording is `%s` (%s): max error %.3g",
                    layer->path, text, d.max);
      return;
    }
  }
  session_error(s, "every layer of the compiled code agrees with the evaluator, so the recording "
                   "belongs to another model or other weights");
}

static void append(Session *s, Recorded *to, const Recorded *more) {
  double *data = ARENA_ARRAY(s->arena, double, to->count + more->count + 1);
  if (to->count) memcpy(data, to->data, (size_t)to->count * sizeof *data);
  if (more->count) memcpy(data + to->count, more->data, (size_t)more->count * sizeof *data);
  *to = (Recorded){data, to->count + more->count, to->steps + more->steps};
}

/* The sample that element `at` of a value belongs to, of `ends[k]` elements up to sample k. */
static int64_t sample_at(const int64_t *ends, int64_t samples, int64_t at) {
  int64_t k = 0;
  while (k < samples - 1 && ends[k] <= at)
    k++;
  return k;
}

/* Every sample through both; their outputs, one sample after the other, and where each ends. */
static bool run_samples(Session *s, const Model *model, const KirModule *m,
                        const GrusProgram *program, const Recording *in, int64_t samples,
                        Recorded *compiled, Recorded *reference, int64_t **ends) {
  Recorded *one = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1),
           *c = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  Recorded *r = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  for (int64_t k = 0; k < samples; k++) {
    for (int i = 0; i < model->n_in; i++)
      one[i] = recording_sample(&in[i], k);
    int status = trial_compiled(s, model, program, one, c);
    if (status == TRIAL_BROKEN) return false;
    EvalStatus expected = trial_reference(s, model, one, r, NULL);
    if (status != GRUS_OK || expected != EVAL_OK) {
      if (expected == EVAL_OVERFLOW)
        session_error(s, "internal error: the integer evaluator found a number beyond 32 bits; "
                         "please report it");
      else
        session_error(s, "the recorded input has %s",
                      status == GRUS_BAD_INDEX || expected == EVAL_BAD_INDEX
                          ? "an index out of range"
                          : "a length out of bounds");
      return false;
    }
    for (int i = 0; i < model->n_out; i++) {
      if (!trial_align(m, model, i, r[i].count, &c[i])) {
        session_error(s,
                      "internal error: `%s` is not zero before its first value; please report it",
                      model->out[i]->name);
        return false;
      }
      append(s, &compiled[i], &c[i]);
      append(s, &reference[i], &r[i]);
      ends[i][k] = compiled[i].count;
    }
  }
  return true;
}

static ExitCode compare(Session *s, Model *model, const Source *source, const KirModule *m,
                        const GrusProgram *program) {
  Recording *in = ARENA_ARRAY(s->arena, Recording, model->n_in + 1);
  Recorded *compiled = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1),
           *reference = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  int64_t samples, worst = 0;
  if (!read_inputs(s, model, in, &samples)) return s->usage_trouble ? EXIT_USAGE : EXIT_FILE;
  memset(compiled, 0, sizeof *compiled * (size_t)(model->n_out + 1));
  memset(reference, 0, sizeof *reference * (size_t)(model->n_out + 1));
  int64_t **ends = ARENA_ARRAY(s->arena, int64_t *, model->n_out + 1);
  for (int i = 0; i < model->n_out; i++)
    ends[i] = ARENA_ARRAY(s->arena, int64_t, samples + 1);
  if (!run_samples(s, model, m, program, in, samples, compiled, reference, ends))
    return s->file_trouble ? EXIT_FILE : EXIT_FAILED;
  bool ok = true;
  int compared = 0;
  Findings findings = {0};
  for (int i = 0; i < model->n_out; i++) {
    Recorded recorded;
    bool there;
    if (!recording_output(s, model->out[i]->name, &model->out[i]->value->type, &recorded, &there))
      return EXIT_FILE;
    if (there && !compared++ && !inputs_are_recorded(s, model, in)) return EXIT_FILE;
    bool exact = model->quant && quant_is_exact(model, model->out[i]->value);
    bool fine =
        show(s, &findings, model->out[i], exact ? "compiled = integers" : "compiled / evaluator",
             &compiled[i], &reference[i], exact);
    if (there)
      fine &= show(s, &findings, model->out[i], "evaluator / recorded", &reference[i], &recorded,
                   false);
    if (there)
      fine &=
          show(s, &findings, model->out[i], "compiled / recorded", &compiled[i], &recorded, false);
    if (ok && !fine && compiled[i].count) {
      Recorded *truth = there ? &recorded : &reference[i];
      Difference d = difference(compiled[i].data, compiled[i].count, truth->data, truth->count);
      worst = sample_at(ends[i], samples, d.at);
    }
    ok &= fine;
  }
  if (s->options->against && !compared) {
    Text names = text_new(s->arena);
    for (int i = 0; i < model->n_out; i++)
      text_printf(&names, "%s`%s`", i ? ", " : "", model->out[i]->name);
    session_error(s, "`%s` has no output of the model as NAME.npy or NAME.csv; NAME is %s",
                  s->options->against, text_str(&names));
    return EXIT_FILE;
  }
  if (!ok && samples > 1)
    session_say(s, "grus: sample %lld of %lld differs most", (long long)worst + 1,
                (long long)samples);
  Recorded *one = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++)
    one[i] = recording_sample(&in[i], worst);
  LayerRun run;
  bool have_layers = (!ok || s->options->html) && run_layers(s, model, source, one, &run);
  if (s->options->html) print_page(s, model, &findings, have_layers ? &run : NULL);
  if (!ok && have_layers) name_first(s, model, &run, worst, samples);
  return ok ? EXIT_DONE : EXIT_FAILED;
}

/* --selftest=CODE, or the number as a word of its own. */
static ExitCode explain_code(Session *s, const Model *model) {
  const Options *o = s->options;
  const char *code = o->selftest_code ? o->selftest_code : o->n_args == 2 ? o->args[1] : "";
  char *end;
  long number = strtol(code, &end, 10);
  session_print_diags(s);
  if (end != code && !*end) return selftest_explain(s, model, number);
  session_error(s, "--selftest needs the number that `%s_selftest` returned: `--selftest=3`",
                model->name);
  return EXIT_USAGE;
}

/* Relative tolerances: of sums in f32, and where operands are rounded to bf16, each by up to 2^-8
 * of itself. */
static const double usual_rtol = 1e-4, rounding_rtol = 0x1p-6;

static void choose_tolerance(Session *s, const Model *model) {
  Options *o = s->options;
  if (o->rtol >= 0) return;
  o->rtol = lower_rounds(model, s->machine.schedule) ? rounding_rtol : usual_rtol;
}

ExitCode command_verify(Session *s) {
  const Source *source;
  if (!native_names_fit(s, native_chosen(s))) return EXIT_USAGE;
  Model *model = build_model(s, &source);
  if (model && s->options->selftest) return explain_code(s, model);
  KirModule *m = model ? build_lower(s, model, source, true) : NULL;
  session_print_diags(s);
  if (s->usage_trouble || (m && !emulator_runs(s))) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_failure_code(s);
  if (!has_answers(s, model)) return EXIT_USAGE;
  choose_tolerance(s, model);
  if (!recordings_open(s, model)) return s->usage_trouble ? EXIT_USAGE : EXIT_FILE;
  const GrusProgram *program = trial_load(s, m);
  return program ? compare(s, model, source, m, program) : EXIT_FILE;
}
