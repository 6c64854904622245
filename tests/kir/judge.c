/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A module, run, against the evaluator; see judge.h. */
#include "judge.h"

#include "interpret.h"

#include "driver/jit.h"
#include "model/quant/quant.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const double most_magnitude = 1e3, nudge = 1e-6;

/* An operation of floats is off by at most 2^-24 of its result. Sums of several products, and
 * functions in a few operations, are off by some times that; the shorter functions are off by 8e-5,
 * and operands in bf16 by 2^-9. part: how far numbers are shaken; most: what is allowed at once;
 * nudged: times what a nudge makes of the outputs. */
static const struct {
  double part, most, nudged;
} allowance[] = {[JUDGE_EXACT] = {0x1p-22, 2e-4, 100},
                 [JUDGE_FAST] = {8e-5, 2e-2, 1e4},
                 [JUDGE_BF16] = {0x1p-8, 1e-1, 5e5}};
static const double shaken_allowed = 4;
enum { SHAKES = 16 };

/* One sample: what went in, what the code gave, what the evaluator gives, and all its values. */
typedef struct Sample {
  const Recorded *in;
  Recorded *got, *want;
  EvalTensor *values;
} Sample;

static double nudged_number(double x, int64_t k) {
  return x + (k % 2 ? nudge : -nudge) * (1 + fabs(x));
}

/* Changes all weights a little. kept: what they were, from the first time on; it is put back
 * instead where back says so. */
static void nudge_weights(Session *s, const Model *model, float *(*kept)[LAYER_MAX_PARAMS],
                          bool back) {
  for (int i = 0; i < model->n_layers; i++) {
    ParamShape shape[LAYER_MAX_PARAMS];
    for (int p = 0, n = layer_params(model->layer[i], shape); p < n && model->layer[i]->weights;
         p++) {
      float *w = (float *)(uintptr_t)model->layer[i]->weights->role[shape[p].role];
      int64_t count = w ? param_count(&shape[p]) : 0;
      if (!back) kept[i][p] = ARENA_ARRAY(s->arena, float, count + 1);
      for (int64_t k = 0; k < count; k++) {
        if (!back) kept[i][p][k] = w[k];
        w[k] = back ? kept[i][p][k] : (float)nudged_number((double)w[k], k);
      }
    }
  }
}

/* What a small change of the inputs and of all weights makes of the outputs. */
static bool run_nudged(Session *s, const Model *model, const Recorded *in, Recorded *near) {
  Recorded *other = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++) {
    other[i] = in[i];
    if (model->in[i]->value->type.elem == ELEM_INDEX) continue;
    other[i].data = ARENA_ARRAY(s->arena, double, in[i].count + 1);
    for (int64_t k = 0; k < in[i].count; k++)
      other[i].data[k] = nudged_number(in[i].data[k], k);
  }
  float *(*kept)[LAYER_MAX_PARAMS] =
      arena_alloc(s->arena, sizeof *kept * (size_t)(model->n_layers + 1));
  nudge_weights(s, model, kept, false);
  EvalStatus status = trial_reference(s, model, other, near, NULL);
  nudge_weights(s, model, kept, true);
  return status == EVAL_OK;
}

typedef struct Shaking {
  double part;
  uint64_t random;
} Shaking;

/* Each number is moved by up to a part of itself, up or down by chance. */
static void shake(void *watcher, const Value *v, EvalTensor *result) {
  Shaking *how = watcher;
  int64_t n = result->steps * type_step_size(&v->type);
  for (int64_t k = 0; k < n && v->type.elem == ELEM_F32; k++) {
    how->random = how->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    double unit = (double)(how->random >> 11) * 0x1p-52 - 1;
    result->data[k] *= 1 + how->part * unit;
  }
}

/* How far rounding moves output i: the evaluator again, each number that a stage computes a little
 * off, SHAKES times. Norms of almost equal numbers, and differences of them, magnify that, and a
 * number between two integers becomes either. */
static double shaken(Session *s, const Model *model, const Sample *sample, JudgeKind kind, int i) {
  Recorded *near = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  const Recorded *want = &sample->want[i];
  Shaking how = {.part = allowance[kind].part, .random = 1};
  double most = 0;
  for (int turn = 0; turn < SHAKES; turn++) {
    if (trial_watched(s, model, sample->in, &(TrialWatch){shake, &how}, near, NULL) != EVAL_OK)
      continue;
    Difference d = difference(near[i].data, near[i].count, want->data, want->count);
    if (!d.bad) most = fmax(most, d.max);
  }
  return most;
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
    } else if (x[k] > *second)
      *second = x[k];
  }
}

/* Whether any of the numbers of v is so near to zero that rounding decides about its sign. */
static bool has_almost_zero(const Value *v, const EvalTensor *values, double tolerance) {
  int64_t n = values[v->id].steps * type_step_size(&v->type);
  for (int64_t i = 0; i < n; i++)
    if (fabs(values[v->id].data[i]) <= tolerance) return true;
  return false;
}

static bool has_almost_equal(const Value *a, const Value *b, const EvalTensor *values,
                             double tolerance) {
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

/* Whether a stage that jumps has an input so near to the jump that rounding decides: the sign or
 * the reciprocal of what is almost zero, the whole number below one, the larger of two that are
 * almost equal. */
static bool is_on_edge(const Model *model, const EvalTensor *values, double tolerance) {
  for (int i = 0; values && i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    LayerKind k = layer->kind;
    bool jumps = k == LAYER_sign || k == LAYER_reciprocal || k == LAYER_log || k == LAYER_sqrt ||
                 k == LAYER_div || k == LAYER_pow || k == LAYER_l2_normalize || k == LAYER_RMSNorm;
    bool unseen =
        jumps || k == LAYER_atan2 || k == LAYER_select || k == LAYER_floor || k == LAYER_argmax;
    if (unseen && model->run == RUN_WINDOW)
      return true; /* values are there of the last window alone */
    if (jumps && has_almost_zero(layer->in[layer->n_in - 1], values, tolerance)) return true;
    if (k == LAYER_atan2 && has_almost_zero(layer->in[0], values, tolerance)) return true;
    if (k == LAYER_select && has_almost_equal(layer->in[0], layer->in[1], values, tolerance))
      return true;
    if (k == LAYER_floor && has_almost_whole(layer->in[0], values, tolerance)) return true;
    if (k == LAYER_argmax && layer->along[0].axis != layer->in[0]->type.rank - 1)
      return true; /* not looked at */
    if (k == LAYER_argmax && is_almost_tie(layer->in[0], values, tolerance)) return true;
  }
  return false;
}

static double tolerance_of(const Model *model, JudgeKind kind) {
  double most = allowance[kind].most;
  for (int i = 0; model->quant && i < model->n_layers; i++)
    if (model->quant->layer[i])
      most = fmax(most, model->quant->layer[i]->precision == PRECISION_I8 ? 1e-1 : 2e-3);
  return most;
}

/* Whether both are the same bits. A NaN is a NaN. */
static bool same_number(double a, double b) {
  return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

/* What a backend makes of a module computes the bits that the interpreter computes. */
static Verdict same_bits(Session *s, Model *model, const KirModule *m, const Sample *sample,
                         OracleBackend backend, char *what, size_t size) {
  static const char *const name[] = {"", "LLVM", "C"};
  const Recorded **in = ARENA_ARRAY(s->arena, const Recorded *, m->batch);
  Recorded **got = ARENA_ARRAY(s->arena, Recorded *, m->batch);
  LlvmOptions options = {
      .prefix = m->name, .cpu = "native", .level = '2', .scratch = C_SCRATCH_STATIC};
  LlvmEntries entries;
  const GrusProgram *program = NULL;
  for (int64_t b = 0; b < m->batch; b++) {
    in[b] = sample[b].in;
    got[b] = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  }
  if (backend == ORACLE_C)
    program = trial_load(s, m);
  else if (backend_llvm_jit(m, &options, s->diags, &entries))
    program = jit_describe(m, &entries, s->arena);
  if (!program) {
    const Diag *why = s->diags->first;
    while (why && why->level != LEVEL_ERROR)
      why = why->next;
    snprintf(what, size, "%s makes no code of it: %s%s", name[backend], why ? why->message : "",
             why && why->n_notes ? why->notes[0] : "");
    return DIFFERS;
  }
  trial_samples(s, model, program, in, got);
  for (int64_t b = 0; b < m->batch; b++)
    for (int i = 0; i < model->n_out; i++) {
      const Recorded *mine = &got[b][i], *theirs = &sample[b].got[i];
      int64_t k = 0;
      while (k < mine->count && k < theirs->count && same_number(mine->data[k], theirs->data[k]))
        k++;
      if (k == mine->count && k == theirs->count) continue;
      snprintf(what, size, "sample %lld, `%s` %lld: %s computes %.9g, the interpreter %.9g",
               (long long)b, model->out[i]->name, (long long)k, name[backend],
               k < mine->count ? mine->data[k] : NAN, k < theirs->count ? theirs->data[k] : NAN);
      return DIFFERS;
    }
  return AGREES;
}

static Verdict compare(Session *s, Model *model, const KirModule *m, const Sample *sample,
                       JudgeKind kind, char *what, size_t size) {
  double tolerance = tolerance_of(model, kind), allowed = allowance[kind].nudged;
  Recorded *near = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1);
  bool wild = is_wild(model, sample->values), telling = false;
  for (int i = 0; i < model->n_out; i++) {
    bool exact = model->quant && quant_is_exact(model, model->out[i]->value);
    Recorded *got = &sample->got[i], *want = &sample->want[i];
    if (!trial_align(m, model, i, want->count, got)) {
      snprintf(what, size, "`%s`: a place before its first value is not zero", model->out[i]->name);
      return DIFFERS;
    }
    Difference d = difference(got->data, got->count, want->data, want->count);
    double most = exact ? 0 : tolerance * (1 + d.scale);
    bool equal = !d.bad && d.max <= most;
    if (wild && !exact) continue;
    if (!equal && !exact && got->count == want->count) {
      if (is_on_edge(model, sample->values, tolerance)) continue;
      if (!near[0].data && !run_nudged(s, model, sample->in, near)) continue;
      Difference sensitive = difference(near[i].data, near[i].count, want->data, want->count);
      if (sensitive.bad || d.max <= most + allowed * sensitive.max) continue;
      if (d.max <= most + shaken_allowed * shaken(s, model, sample, kind, i)) continue;
    }
    telling = true;
    if (equal) continue;
    snprintf(what, size, "`%s`%s: %lld values and %lld; max error %g of %g at %lld: %g and %g",
             model->out[i]->name, exact ? " exact" : "", (long long)got->count,
             (long long)want->count, d.max, d.scale, (long long)d.at,
             got->count > d.at ? got->data[d.at] : 0, want->count > d.at ? want->data[d.at] : 0);
    return DIFFERS;
  }
  return telling ? AGREES : NOT_TELLING;
}

Verdict judge(Session *s, Model *model, const KirModule *m, const Recorded *const *in,
              JudgeKind kind, OracleBackend backend, char *what, size_t size) {
  Sample *sample = ARENA_ARRAY(s->arena, Sample, m->batch);
  Recorded **got = ARENA_ARRAY(s->arena, Recorded *, m->batch);
  LlvmEntries entries = interpret_entries(m);
  bool all = true, telling = false;
  for (int64_t b = 0; b < m->batch; b++) {
    sample[b] = (Sample){.in = in[b],
                         .got = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1),
                         .want = ARENA_ARRAY(s->arena, Recorded, model->n_out + 1)};
    got[b] = sample[b].got;
    all = trial_reference(s, model, in[b], sample[b].want, &sample[b].values) == EVAL_OK && all;
  }
  int status = trial_samples(s, model, jit_describe(m, &entries, s->arena), in, got);
  if (interpret_trouble()) {
    snprintf(what, size, "%s", interpret_trouble());
    return DIFFERS;
  }
  if ((status == GRUS_OK) != all) {
    snprintf(what, size, "status %d, and the evaluator %s", status, all ? "has none" : "refuses");
    return DIFFERS;
  }
  if (!all) return AGREES;
  if (backend != ORACLE_INTERPRETER && !m->weights_extern &&
      same_bits(s, model, m, sample, backend, what, size) == DIFFERS)
    return DIFFERS;
  for (int64_t b = 0; b < m->batch; b++) {
    Verdict verdict = compare(s, model, m, &sample[b], kind, what, size);
    if (verdict == DIFFERS) return DIFFERS;
    telling = telling || verdict == AGREES;
  }
  return telling ? AGREES : NOT_TELLING;
}
