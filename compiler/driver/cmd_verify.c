/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus verify: recorded inputs through the evaluator and through the compiled code. With outputs in
 * --against DIR both are compared with them; without, with each other. Arrays are DIR/NAME.npy; an
 * input without a file gets random values. When something differs, every layer's value of the
 * compiled code is compared with the evaluator's (and with DIR/LAYER.npy where it is recorded), and
 * the first layer that diverges is named. */
#include "driver/machine.h"
#include "driver/trial.h"

#include "import/import.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static uint64_t next_random(uint64_t *state) {
  uint64_t z = *state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

static Recorded random_input(Session *s, const Model *model, const Type *type, bool window, uint64_t seed) {
  Recorded r = {.steps = 1};
  if (type->time.kind == TIME_STREAM) r.steps = (200 * model->steps_per_call) / type->time.period;
  else if (type_is_sequence(type)) r.steps = window ? 3 * type->time.n : type->time.n;
  if (type->time.kind == TIME_BOUNDED && r.steps > 1) r.steps -= r.steps / 3;
  r.count = r.steps * type_step_size(type);
  r.data = ARENA_ARRAY(s->arena, double, r.count);
  for (int64_t i = 0; i < r.count; i++) {
    double unit = (double)(next_random(&seed) >> 40) * 0x1p-24;
    bool integer = type->elem != ELEM_F32 && type->elem != ELEM_F16;
    if (type->elem == ELEM_INDEX) r.data[i] = floor(unit * (double)type->categories);
    else if (integer) r.data[i] = floor(unit * 100);
    else r.data[i] = (double)(float)(2 * unit - 1);
  }
  return r;
}

/* Reads DIR/NAME.npy; *there tells whether the file exists. False after reporting. */
static bool read_array(Session *s, const char *name, Recorded *out, const Type *type, bool *there) {
  const char *path = arena_printf(s->arena, "%s/%s.npy", s->options->against, name), *reason;
  *there = s->options->against && file_exists(path);
  if (!*there) return true;
  Mapped map;
  Tensor t = {.name = name};
  if (!file_map(s->arena, path, &map, &reason) || !npy_parse(s->arena, map, &t, &reason)) {
    session_file_error(s, path, "read", reason);
    return false;
  }
  int64_t step = type_step_size(type);
  *out = (Recorded){.count = t.count, .data = ARENA_ARRAY(s->arena, double, t.count + 1)};
  for (int64_t i = 0; i < t.count; i++)
    out->data[i] = tensor_get(&t, i);
  out->steps = step ? t.count / step : 0;
  bool timed = type_is_sequence(type);
  if (t.count == 0 || t.count % step != 0 || (!timed && t.count != step)) {
    session_error(s, "`%s` has shape %s, `%s` is %s", path, tensor_shape_str(s->arena, &t), name, type_str(s->arena, type));
    s->file_trouble = true;
    return false;
  }
  return true;
}

static bool read_inputs(Session *s, const Model *model, Recorded *in) {
  int64_t shared_steps[64] = {0};
  for (int i = 0; i < model->n_in; i++) {
    const Port *port = model->in[i];
    const Type *type = &port->value->type;
    bool there;
    if (!read_array(s, port->name, &in[i], type, &there)) return false;
    if (!there) in[i] = random_input(s, model, type, port->every > 0, (uint64_t)i + 1);
    if (!there && s->options->against) session_say(s, "`%s/%s.npy` is not there: random values for `%s`", s->options->against, port->name, port->name);
    bool fixed = type->time.kind == TIME_FIXED && !port->every;
    if (fixed && in[i].steps != type->time.n) {
      session_error(s, "`%s` has %lld steps in `%s`, the model needs %lld", port->name, (long long)in[i].steps, s->options->against, (long long)type->time.n);
      s->file_trouble = true;
      return false;
    }
    if (type->time.kind == TIME_BOUNDED && type->time.length < 64) { /* one length, one value */
      int64_t *n = &shared_steps[type->time.length];
      if (*n && *n != in[i].steps && !there) in[i].steps = *n, in[i].count = *n * type_step_size(type);
      *n = in[i].steps;
    }
  }
  return true;
}

/* Whether a difference is within what the command line allows. */
static bool within(const Options *o, const Difference *d) {
  if (d->bad) return false;
  if (o->snr > 0) return d->snr >= o->snr;
  return d->max <= o->atol + o->rtol * d->scale;
}

static bool show(Session *s, const char *name, const char *what, const Recorded *a, const Recorded *b) {
  Difference d = difference(a->data, a->count, b->data, b->count);
  bool ok = within(s->options, &d);
  Text line = text_new(s->arena);
  if (a->count != b->count) text_printf(&line, "%-16s %-24s %lld values against %lld", name, what, (long long)a->count, (long long)b->count);
  else text_printf(&line, "%-16s %-24s max error %.3g of %.3g, SNR %.1f dB", name, what, d.max, d.scale, d.snr);
  text_printf(&line, "  %s\n", ok ? "ok" : "DIFFERS");
  session_out(text_str(&line), line.len);
  return ok;
}

/* Lowers the model again with every layer's value as an output, and finds the first that differs. */
static void name_first(Session *s, Model *model, const Source *source, const Recorded *in) {
  int n_out = model->n_out;
  for (int i = 0; i < model->n_layers; i++) {
    Value *v = model->layer[i]->out[0];
    if (v->typed) model_output(model, arena_printf(s->arena, "layer_%d", i), v);
  }
  KirModule *m = build_lower(s, model, source, true);
  const GrusProgram *program = m ? trial_load(s, m) : NULL;
  Recorded *compiled = ARENA_ARRAY(s->arena, Recorded, model->n_out), *reference = ARENA_ARRAY(s->arena, Recorded, model->n_out);
  if (!program || trial_compiled(s, model, program, in, compiled) != GRUS_OK || trial_reference(s, model, in, reference, NULL) != EVAL_OK) return;
  for (int i = n_out; i < model->n_out; i++) {
    const Layer *layer = model->out[i]->value->layer;
    const char *text = layer_text(s->arena, &s->sources, layer);
    Difference d = difference(compiled[i].data, compiled[i].count, reference[i].data, reference[i].count);
    Recorded recorded;
    bool there = false;
    if (!within(s->options, &d)) {
      session_error(s, "the compiled code first diverges from the evaluator at `%s` (%s): max error %.3g", layer->path, text, d.max);
      return;
    }
    if (!read_array(s, layer->path, &recorded, &model->out[i]->value->type, &there) || !there) continue;
    d = difference(reference[i].data, reference[i].count, recorded.data, recorded.count);
    if (!within(s->options, &d)) {
      session_error(s, "the first layer that differs from its recording is `%s` (%s): max error %.3g", layer->path, text, d.max);
      return;
    }
  }
  session_error(s, "every layer of the compiled code agrees with the evaluator: the model or its weights are not those of the recording");
}

static ExitCode compare(Session *s, Model *model, const Source *source, const GrusProgram *program) {
  Recorded *in = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1), *compiled = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  Recorded *reference = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  if (!read_inputs(s, model, in)) return EXIT_FILE;
  int status = trial_compiled(s, model, program, in, compiled);
  EvalStatus expected = trial_reference(s, model, in, reference, NULL);
  if (status != GRUS_OK || expected != EVAL_OK) {
    session_error(s, "the recorded input has %s", status == GRUS_BAD_INDEX || expected == EVAL_BAD_INDEX ? "an index out of range" : "a length out of bounds");
    return EXIT_FAILED;
  }
  bool ok = true;
  int compared = 0;
  for (int i = 0; i < model->n_out; i++) {
    Recorded recorded;
    bool there;
    ok &= show(s, model->out[i]->name, "compiled / evaluator", &compiled[i], &reference[i]);
    if (!read_array(s, model->out[i]->name, &recorded, &model->out[i]->value->type, &there)) return EXIT_FILE;
    if (!there) continue;
    compared++;
    ok &= show(s, model->out[i]->name, "evaluator / recorded", &reference[i], &recorded);
    ok &= show(s, model->out[i]->name, "compiled / recorded", &compiled[i], &recorded);
  }
  if (s->options->against && !compared) {
    session_error(s, "`%s` holds none of the outputs as NAME.npy", s->options->against);
    return EXIT_FILE;
  }
  if (!ok) name_first(s, model, source, in);
  return ok ? EXIT_DONE : EXIT_FAILED;
}

ExitCode command_verify(Session *s) {
  const Source *source;
  if (s->options->against && !file_exists(s->options->against)) {
    session_error(s, "there is no folder `%s` to compare with", s->options->against);
    return EXIT_FILE;
  }
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, true) : NULL;
  session_print_diags(s);
  if (s->usage_trouble || (m && !machine_runs(s))) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_exit_code(s) == EXIT_DONE ? EXIT_MODEL : session_exit_code(s);
  const GrusProgram *program = trial_load(s, m);
  return program ? compare(s, model, source, program) : EXIT_FILE;
}
