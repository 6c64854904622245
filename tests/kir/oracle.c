/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text -> model -> KIR -> interpreter, against the evaluator; see oracle.h. */
#include "oracle.h"

#include "interpret.h"

#include "driver/jit.h"
#include "driver/trial.h"
#include "model/graph/cost.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum { MOST_WORK = 300000, MOST_VALUES = 200000, CALLS = 7, MOST_STEPS = 400, FIX_ROUNDS = 4 };
static const double most_magnitude = 1e3, nudge = 1e-6;

static uint64_t next(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

/* The first model, when nothing is wrong with the file; sure fixes are applied, as for types left out. */
static Model *model_of(Session *s, const char *text, size_t len) {
  for (int round = 0; round < FIX_ROUNDS; round++) {
    const Source *source = sources_add(&s->sources, "oracle.grus", text, len);
    size_t n_applied = 0, fixed_len = 0;
    session_reset_diags(s);
    Program *program = session_check_source(s, source);
    if (!s->diags->n_errors) return program->n_models && !program->model[0]->failed ? program->model[0] : NULL;
    const char *fixed = diags_apply_sure(s->diags, source, &fixed_len, &n_applied);
    if (!n_applied) return NULL;
    text = fixed;
    len = fixed_len;
  }
  return NULL;
}

static bool is_too_large(const Model *model) {
  int64_t work = 0, values = 0;
  for (int i = 0; i < model->n_layers; i++) {
    int64_t macs = layer_macs(model, model->layer[i]), params = layer_param_count(model->layer[i]);
    if (macs > MOST_WORK || params > MOST_WORK) return true;
    work += macs + params;
  }
  for (int i = 0; i < model->n_values; i++) {
    const Type *type = &model->value[i]->type;
    int64_t steps = type_is_sequence(type) && type->time.kind != TIME_STREAM ? type->time.n : 1, n = type_step_size(type);
    if (steps > MOST_STEPS || n > MOST_VALUES) return true;
    values += steps * n;
  }
  return work > MOST_WORK || values > MOST_VALUES;
}

static Recorded *random_inputs(Session *s, const Model *model, const KirModule *m, uint64_t *random) {
  Recorded *in = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++) {
    const Type *type = &model->in[i]->value->type;
    Recorded *r = &in[i];
    r->steps = type->time.kind == TIME_STREAM ? CALLS * m->steps_per_call / type->time.period
               : type_is_sequence(type)       ? model->in[i]->every ? type->time.n + 2 * model->in[i]->every + 1 : type->time.n
                                              : 1;
    if (type->time.kind == TIME_BOUNDED) {
      r->steps = 1 + (int64_t)(next(random) % (uint64_t)type->time.n);
      for (int k = 0; k < i; k++)
        if (model->in[k]->value->type.time.kind == TIME_BOUNDED && model->in[k]->value->type.time.length == type->time.length) r->steps = in[k].steps;
    }
    r->count = r->steps * type_step_size(type);
    r->data = ARENA_ARRAY(s->arena, double, r->count + 1);
    for (int64_t k = 0; k < r->count; k++) {
      double unit = (double)(next(random) >> 40) * 0x1p-24;
      bool real = type->elem == ELEM_F32 || type->elem == ELEM_F16;
      r->data[k] = type->elem == ELEM_INDEX ? floor(unit * (double)type->categories) : real ? (double)(float)(3 * unit - 1.5) : floor(unit * 100);
    }
  }
  return in;
}

static Recorded *nudged(Session *s, const Model *model, const Recorded *in) {
  Recorded *out = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++) {
    out[i] = in[i];
    if (model->in[i]->value->type.elem != ELEM_F32) continue;
    out[i].data = ARENA_ARRAY(s->arena, double, in[i].count + 1);
    for (int64_t k = 0; k < in[i].count; k++)
      out[i].data[k] = in[i].data[k] + (k % 2 ? nudge : -nudge) * (1 + fabs(in[i].data[k]));
  }
  return out;
}

/* Whether an inner value is so large that float and double part. */
static bool is_wild(const Model *model, const EvalTensor *values) {
  for (int i = 0; values && i < model->n_values; i++) {
    const Type *type = &model->value[i]->type;
    int64_t n = values[i].steps * type_step_size(type);
    for (int64_t k = 0; values[i].data && k < n; k++)
      if (fabs(values[i].data[k]) > most_magnitude && isfinite(values[i].data[k])) return true;
  }
  return false;
}

/* A stream with outputs of several lags fills the places before an output's first value with zeros. */
static void drop_lag(const KirModule *m, const Model *model, int i, Recorded *got, int64_t want) {
  const KirPort *port = &m->port[model->n_in + i];
  int64_t slot = type_step_size(&model->out[i]->value->type), more = got->count - want;
  if (more <= 0 || more % slot || more / slot > port->lag) return;
  got->data += more;
  got->count -= more;
}

static Verdict compare(Session *s, Model *model, const KirModule *m, uint64_t *random, double tolerance, char *what, size_t size) {
  Recorded *in = random_inputs(s, model, m, random), *got = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  Recorded *want = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1), *near = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  LlvmEntries entries = interpret_entries(m);
  EvalTensor *values = NULL;
  EvalStatus expected = trial_reference(s, model, in, want, &values);
  int status = trial_compiled(s, model, jit_describe(m, &entries, s->arena), in, got);
  if (interpret_trouble()) {
    snprintf(what, size, "%s", interpret_trouble());
    return DIFFERS;
  }
  if ((status == GRUS_OK) != (expected == EVAL_OK)) {
    snprintf(what, size, "status %d, and the evaluator's is %d", status, (int)expected);
    return DIFFERS;
  }
  if (expected != EVAL_OK) return AGREES;
  if (is_wild(model, values)) return NOT_TELLING;
  for (int i = 0; i < model->n_out; i++) {
    drop_lag(m, model, i, &got[i], want[i].count);
    Difference d = difference(got[i].data, got[i].count, want[i].data, want[i].count);
    if (!d.bad && d.max <= tolerance * (1 + d.scale)) continue;
    if (trial_reference(s, model, nudged(s, model, in), near, NULL) != EVAL_OK) return NOT_TELLING;
    Difference sensitive = difference(near[i].data, near[i].count, want[i].data, want[i].count);
    if (got[i].count == want[i].count && (sensitive.bad || d.max <= tolerance * (1 + d.scale) + 100 * sensitive.max)) return NOT_TELLING;
    snprintf(what, size, "`%s`: %lld values and %lld; max error %g of %g at %lld: %g and %g", model->out[i]->name, (long long)got[i].count, (long long)want[i].count, d.max,
             d.scale, (long long)d.at, got[i].count > d.at ? got[i].data[d.at] : 0, want[i].count > d.at ? want[i].data[d.at] : 0);
    return DIFFERS;
  }
  return AGREES;
}

static Verdict ask(Session *s, const char *text, size_t len, uint64_t bits, char *what, size_t size) {
  Model *model = model_of(s, text, len);
  if (!model) return REFUSED;
  if (is_too_large(model)) return TOO_LARGE;
  int n_targets = 0;
  while (target_table[n_targets])
    n_targets++;
  bool fast = bits & 1;
  uint64_t random = bits;
  LowerOptions options = {.target = target_table[(bits >> 8) % (uint64_t)n_targets],
                          .batch = bits & 2 ? 1 + (int64_t)(bits >> 4 & 7) : 1,
                          .chunk = bits & 4 && model->run == RUN_STREAM ? 1 + (int64_t)(bits >> 4 & 3) : 1,
                          .math_fast = fast};
  model_bind_random(model, bits >> 16);
  KirModule *m = lower(model, &options, s->arena, s->diags);
  if (!m || s->diags->n_errors) return REFUSED;
  const char *broken = kir_verify(m);
  if (broken) {
    snprintf(what, size, "the verifier: %s", broken);
    return DIFFERS;
  }
  return compare(s, model, m, &random, fast ? 2e-2 : 2e-4, what, size);
}

Verdict oracle_ask(const char *text, size_t len, uint64_t bits, char *what, size_t size) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile Verdict verdict = TOO_LARGE;
  *what = 0;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return TOO_LARGE;
    Options options = {.max_errors = 5, .quiet = true};
    Session s = {.arena = arena, .options = &options, .sources = {.arena = arena}};
    verdict = ask(&s, text, len, bits, what, size);
  }
  arena_free(arena);
  return verdict;
}
