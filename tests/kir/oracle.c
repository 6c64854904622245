/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text -> model -> KIR -> interpreter, against the evaluator; see oracle.h. */
#include "oracle.h"

#include "interpret.h"

#include "driver/jit.h"
#include "driver/trial.h"
#include "model/graph/cost.h"
#include "model/quant/observe.h"
#include "model/quant/quant.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum { MOST_WORK = 1 << 19, USUAL_WORK = 1 << 14, MOST_STEPS = 400, FIX_ROUNDS = 4 };
enum { CALLS = 7, WINDOWS = 3, MOST_BATCH = 8, MOST_CHUNK = 4 };
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

/* Multiply-adds, trained numbers and values of one run or call; MOST_WORK where any is out of bounds. */
static int64_t work_of(const Model *model) {
  int64_t work = 0;
  for (int i = 0; i < model->n_layers && work < MOST_WORK; i++) {
    int64_t macs = layer_macs(model, model->layer[i]), params = layer_param_count(model->layer[i]);
    if (macs > MOST_WORK || params > MOST_WORK) return MOST_WORK;
    work += macs + params / 4;
  }
  for (int i = 0; i < model->n_values && work < MOST_WORK; i++) {
    const Type *type = &model->value[i]->type;
    int64_t steps = type_is_sequence(type) && type->time.kind != TIME_STREAM ? type->time.n : 1, n = type_step_size(type);
    if (steps > MOST_STEPS || n > MOST_WORK) return MOST_WORK;
    work += 4 * steps * n;
  }
  return work < MOST_WORK ? work : MOST_WORK;
}

/* The batch and chunk that bits ask for, as far as a model of this size is worth them. Small models are asked about
 * more often: half of all get the usual work, a quarter twice that, and so on. */
static bool choose(const Model *model, uint64_t bits, LowerOptions *options) {
  int64_t work = work_of(model), most = USUAL_WORK;
  for (uint64_t luck = bits >> 40; luck & 1 && most < MOST_WORK; luck >>= 1)
    most *= 2;
  work *= model->run == RUN_STREAM ? CALLS : model->run == RUN_WINDOW ? WINDOWS : 1;
  options->chunk = bits & 4 && model->run == RUN_STREAM ? 1 + (int64_t)(bits >> 4) % MOST_CHUNK : 1;
  options->batch = bits & 2 ? 1 + (int64_t)(bits >> 6) % MOST_BATCH : 1;
  if (work * options->chunk > most) options->chunk = 1;
  while (work * options->batch * options->chunk > most && options->batch > 1)
    options->batch--;
  return work * options->chunk <= most;
}

static Recorded *random_inputs(Session *s, const Model *model, int64_t steps_per_call, uint64_t *random) {
  Recorded *in = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++) {
    const Type *type = &model->in[i]->value->type;
    Recorded *r = &in[i];
    r->steps = type->time.kind == TIME_STREAM ? CALLS * steps_per_call / type->time.period
               : type_is_sequence(type)       ? model->in[i]->every ? type->time.n + (WINDOWS - 1) * model->in[i]->every + 1 : type->time.n
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

static double nudged_number(double x, int64_t k) { return x + (k % 2 ? nudge : -nudge) * (1 + fabs(x)); }

/* What a small change of the inputs and of all weights makes of the outputs: the weights stay changed. */
static bool run_nudged(Session *s, const Model *model, const Recorded *in, Recorded *near) {
  Recorded *other = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++) {
    other[i] = in[i];
    if (model->in[i]->value->type.elem == ELEM_INDEX) continue;
    other[i].data = ARENA_ARRAY(s->arena, double, in[i].count + 1);
    for (int64_t k = 0; k < in[i].count; k++)
      other[i].data[k] = nudged_number(in[i].data[k], k);
  }
  for (int i = 0; i < model->n_layers; i++) {
    ParamShape shape[LAYER_MAX_PARAMS];
    for (int p = 0, n = layer_params(model->layer[i], shape); p < n && model->layer[i]->weights; p++) {
      float *w = (float *)(uintptr_t)model->layer[i]->weights->role[shape[p].role];
      for (int64_t k = 0; w && k < param_count(&shape[p]); k++)
        w[k] = (float)nudged_number((double)w[k], k);
    }
  }
  return trial_reference(s, model, other, near, NULL) == EVAL_OK;
}

/* Whether an inner value is so large that float and double part. */
static bool is_wild(const Model *model, const EvalTensor *values) {
  for (int i = 0; values && i < model->n_values; i++) {
    const Type *type = &model->value[i]->type;
    if (model->quant && model->quant->value[i].bits) continue;
    int64_t n = values[i].steps * type_step_size(type);
    for (int64_t k = 0; values[i].data && k < n; k++)
      if (fabs(values[i].data[k]) > most_magnitude && isfinite(values[i].data[k])) return true;
  }
  return false;
}

/* The two greatest of d numbers. */
static void two_greatest(const double *x, int64_t d, double *first, double *second) {
  *first = *second = -INFINITY;
  for (int64_t k = 0; k < d; k++) {
    if (x[k] > *first) {
      *second = *first;
      *first = x[k];
    } else if (x[k] > *second) *second = x[k];
  }
}

/* Whether any of the numbers of v is so near to zero that rounding decides about its sign. */
static bool has_almost_zero(const Value *v, const EvalTensor *values, double tolerance) {
  int64_t n = values[v->id].steps * type_step_size(&v->type);
  for (int64_t i = 0; i < n; i++)
    if (fabs(values[v->id].data[i]) <= tolerance) return true;
  return false;
}

static bool has_almost_equal(const Value *a, const Value *b, const EvalTensor *values, double tolerance) {
  int64_t n = values[a->id].steps * type_step_size(&a->type);
  for (int64_t i = 0; i < n && values[a->id].steps == values[b->id].steps; i++) {
    double x = values[a->id].data[i], y = values[b->id].data[i];
    if (x != y && fabs(x - y) <= tolerance * (1 + fabs(x))) return true;
  }
  return false;
}

static bool has_almost_whole(const Value *v, const EvalTensor *values, double tolerance) {
  int64_t n = values[v->id].steps * type_step_size(&v->type);
  for (int64_t i = 0; i < n; i++)
    if (fabs(values[v->id].data[i] - nearbyint(values[v->id].data[i])) <= tolerance) return true;
  return false;
}

static bool is_almost_tie(const Value *v, const EvalTensor *values, double tolerance) {
  int64_t d = v->type.dim[v->type.rank - 1].n, n = values[v->id].steps * type_step_size(&v->type);
  double first, second;
  for (int64_t at = 0; at + d <= n; at += d) {
    two_greatest(values[v->id].data + at, d, &first, &second);
    if (first - second <= tolerance * (1 + fabs(first))) return true;
  }
  return false;
}

/* Whether a stage that jumps has an input so near to the jump that rounding decides: the sign or the reciprocal of
 * what is almost zero, the whole number below one, the larger of two that are almost equal. */
static bool is_on_edge(const Model *model, const EvalTensor *values, double tolerance) {
  for (int i = 0; values && i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    LayerKind k = layer->kind;
    bool jumps = k == LAYER_sign || k == LAYER_reciprocal || k == LAYER_log || k == LAYER_sqrt || k == LAYER_div || k == LAYER_pow || k == LAYER_l2_normalize || k == LAYER_RMSNorm;
    if (jumps && has_almost_zero(layer->in[layer->n_in - 1], values, tolerance)) return true;
    if (k == LAYER_atan2 && has_almost_zero(layer->in[0], values, tolerance)) return true;
    if (k == LAYER_select && has_almost_equal(layer->in[0], layer->in[1], values, tolerance)) return true;
    if (k == LAYER_floor && has_almost_whole(layer->in[0], values, tolerance)) return true;
    if (k == LAYER_argmax && layer->along[0].axis != layer->in[0]->type.rank - 1) return true; /* not looked at */
    if (k == LAYER_argmax && is_almost_tie(layer->in[0], values, tolerance)) return true;
  }
  return false;
}

/* How far float and double may part; integers in between may fall to either side of a step. */
static double tolerance_of(const Model *model, bool fast) {
  double most = fast ? 2e-2 : 2e-4;
  for (int i = 0; model->quant && i < model->n_layers; i++)
    if (model->quant->layer[i]) most = fmax(most, model->quant->layer[i]->precision == PRECISION_I8 ? 1e-1 : 2e-3);
  return most;
}

/* What a backend makes of a module computes the bits that the interpreter computes. A NaN is a NaN. */
static Verdict same_bits(Session *s, Model *model, const KirModule *m, const Recorded *in, const Recorded *want, OracleBackend backend, char *what, size_t size) {
  static const char *const name[] = {"", "LLVM", "C"};
  Recorded *got = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  LlvmOptions options = {.prefix = m->name, .level = '2', .scratch = C_SCRATCH_STATIC};
  LlvmEntries entries;
  const GrusProgram *program = NULL;
  if (backend == ORACLE_C) program = trial_load(s, m);
  else if (backend_llvm_jit(m, &options, s->diags, &entries)) program = jit_describe(m, &entries, s->arena);
  if (!program) {
    snprintf(what, size, "%s makes no code of it", name[backend]);
    return DIFFERS;
  }
  trial_compiled(s, model, program, in, got);
  for (int i = 0; i < model->n_out; i++) {
    bool same = got[i].count == want[i].count;
    for (int64_t k = 0; same && k < got[i].count; k++) {
      double a = got[i].data[k], b = want[i].data[k];
      if ((isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b))) continue;
      snprintf(what, size, "`%s` %lld: %s computes %.9g, the interpreter %.9g", model->out[i]->name, (long long)k, name[backend], a, b);
      return DIFFERS;
    }
    if (same) continue;
    snprintf(what, size, "`%s`: %s gives %lld values, the interpreter %lld", model->out[i]->name, name[backend], (long long)got[i].count, (long long)want[i].count);
    return DIFFERS;
  }
  return AGREES;
}

static Verdict compare(Session *s, Model *model, const KirModule *m, const Recorded *in, bool fast, OracleBackend backend, char *what, size_t size) {
  double tolerance = tolerance_of(model, fast), allowed = fast ? 1e4 : 100;
  Recorded *got = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
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
  if (backend != ORACLE_INTERPRETER && !m->weights_extern && same_bits(s, model, m, in, got, backend, what, size) == DIFFERS) return DIFFERS;
  bool wild = is_wild(model, values), telling = false;
  for (int i = 0; i < model->n_out; i++) {
    bool exact = model->quant && quant_is_exact(model, model->out[i]->value);
    if (!trial_align(m, model, i, want[i].count, &got[i])) {
      snprintf(what, size, "`%s`: a place before its first value is not zero", model->out[i]->name);
      return DIFFERS;
    }
    Difference d = difference(got[i].data, got[i].count, want[i].data, want[i].count);
    double most = exact ? 0 : tolerance * (1 + d.scale);
    bool equal = !d.bad && d.max <= most;
    if (wild && !exact) continue;
    if (!equal && !exact && got[i].count == want[i].count) {
      if (is_on_edge(model, values, tolerance)) continue;
      if (!near[0].data && !run_nudged(s, model, in, near)) continue;
      Difference sensitive = difference(near[i].data, near[i].count, want[i].data, want[i].count);
      if (sensitive.bad || d.max <= most + allowed * sensitive.max) continue;
    }
    telling = true;
    if (equal) continue;
    snprintf(what, size, "`%s`%s: %lld values and %lld; max error %g of %g at %lld: %g and %g", model->out[i]->name, exact ? " exact" : "", (long long)got[i].count, (long long)want[i].count, d.max,
             d.scale, (long long)d.at, got[i].count > d.at ? got[i].data[d.at] : 0, want[i].count > d.at ? want[i].data[d.at] : 0);
    return DIFFERS;
  }
  return telling ? AGREES : NOT_TELLING;
}

/* Integers between the bounds of what the values are for these inputs, or tighter, so that some do not fit, or wider. */
static bool quantise(Session *s, Model *model, const Recorded *in, uint64_t bits) {
  static const double widths[] = {1, 1, 0.5, 1.5};
  double width = widths[bits >> 36 & 3];
  EvalRun run = {.in = ARENA_ARRAY(s->arena, EvalTensor, model->n_in + 1)};
  Ranges ranges = {0};
  for (int i = 0; i < model->n_in; i++)
    run.in[i] = (EvalTensor){in[i].data, model->in[i]->every ? model->in[i]->value->type.time.n : in[i].steps};
  if (model_eval(model, s->arena, &run) != EVAL_OK || ranges_observe(s->arena, model, &run, &ranges)) return false;
  for (int i = 0; i < ranges.n; i++) {
    ranges.range[i].low *= width;
    ranges.range[i].high *= width;
  }
  return model_quantise(model, &ranges, NULL, s->diags);
}

/* *what says why. */
static Verdict refused(const Session *s, char *what, size_t size) {
  const Diag *d = s->diags->first;
  while (d && d->level != LEVEL_ERROR)
    d = d->next;
  if (d) snprintf(what, size, "%s", d->message);
  return REFUSED;
}

static Verdict ask(Session *s, const char *text, size_t len, uint64_t bits, OracleBackend backend, char *what, size_t size) {
  Model *model = model_of(s, text, len);
  if (!model) return refused(s, what, size);
  int n_targets = 0;
  while (target_table[n_targets])
    n_targets++;
  bool fast = bits & 1;
  uint64_t random = bits;
  LowerOptions options = {.target = target_table[(bits >> 8) % (uint64_t)n_targets], .math_fast = fast, .weights_extern = (bits & 0x38) == 0x38};
  if (!choose(model, bits, &options)) return TOO_LARGE;
  model_bind_random(model, bits >> 16);
  Recorded *in = random_inputs(s, model, model->steps_per_call * options.chunk, &random);
  if (model_wants_integers(model) && !quantise(s, model, in, bits)) return s->diags->n_errors ? refused(s, what, size) : NOT_TELLING;
  KirModule *m = lower(model, &options, s->arena, s->diags);
  for (const Diag *d = s->diags->first; d; d = d->next)
    if (strstr(d->message, "breaks its own rules")) {
      snprintf(what, size, "the verifier within lower: %s", d->n_notes ? d->notes[0] : "");
      return DIFFERS;
    }
  if (!m || s->diags->n_errors) return refused(s, what, size);
  const char *broken = kir_verify(m);
  if (broken) {
    snprintf(what, size, "the verifier: %s", broken);
    return DIFFERS;
  }
  return compare(s, model, m, in, fast, backend, what, size);
}

Verdict oracle_ask(const char *text, size_t len, uint64_t bits, OracleBackend backend, char *what, size_t size) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile Verdict verdict = TOO_LARGE;
  *what = 0;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!arena) return TOO_LARGE;
    Options options = {.max_errors = 5, .quiet = true, .optimise = "1"};
    Session s = {.arena = arena, .options = &options, .sources = {.arena = arena}};
    verdict = ask(&s, text, len, bits, backend, what, size);
  }
  arena_free(arena);
  return verdict;
}
