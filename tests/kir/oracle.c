/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text -> model -> KIR -> interpreter, against the evaluator; see oracle.h. */
#include "oracle.h"

#include "judge.h"

#include "model/graph/cost.h"
#include "model/quant/observe.h"
#include "model/quant/quant.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

enum { MOST_WORK = 1 << 19, USUAL_WORK = 1 << 14, MOST_STEPS = 400, FIX_ROUNDS = 4 };
enum { CALLS = 7, WINDOWS = 3, MOST_BATCH = 8, BATCH_OF_TILES = 36, MOST_CHUNK = 4 };

static uint64_t next(uint64_t *state) { /* splitmix64 */
  uint64_t z = *state += UINT64_C(0x9E3779B97F4A7C15);
  z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
  z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
  return z ^ z >> 31;
}

/* The first model, when nothing is wrong with the file; sure fixes are applied, as for types left
 * out. */
static Model *model_of(Session *s, const char *text, size_t len) {
  for (int round = 0; round < FIX_ROUNDS; round++) {
    const Source *source = sources_add(&s->sources, "oracle.grus", text, len);
    size_t n_applied = 0, fixed_len = 0;
    session_reset_diags(s);
    Program *program = session_check_source(s, source);
    if (!s->diags->n_errors)
      return program->n_models && !program->model[0]->failed ? program->model[0] : NULL;
    const char *fixed = diags_apply_sure(s->diags, source, &fixed_len, &n_applied);
    if (!n_applied) return NULL;
    text = fixed;
    len = fixed_len;
  }
  return NULL;
}

/* Multiply-adds, trained numbers and values of one run or call; MOST_WORK where any is out of
 * bounds. */
static int64_t work_of(const Model *model) {
  int64_t work = 0;
  for (int i = 0; i < model->n_layers && work < MOST_WORK; i++) {
    int64_t macs = layer_macs(model, model->layer[i]), params = layer_param_count(model->layer[i]);
    if (macs > MOST_WORK || params > MOST_WORK) return MOST_WORK;
    work += macs + params / 4;
  }
  for (int i = 0; i < model->n_values && work < MOST_WORK; i++) {
    const Type *type = &model->value[i]->type;
    int64_t steps = type_is_sequence(type) && type->time.kind != TIME_STREAM ? type->time.n : 1,
            n = type_step_size(type);
    if (steps > MOST_STEPS || n > MOST_WORK) return MOST_WORK;
    work += 4 * steps * n;
  }
  return work < MOST_WORK ? work : MOST_WORK;
}

/* The batch and chunk that bits ask for, as far as a model of this size is worth them. Small models
 * are asked about more often: half of all get the usual work, a quarter twice that, and so on. */
static bool choose(const Model *model, uint64_t bits, LowerOptions *options) {
  int64_t work = work_of(model), most = USUAL_WORK;
  for (uint64_t luck = bits >> 40; luck & 1 && most < MOST_WORK; luck >>= 1)
    most *= 2;
  work *= model->run == RUN_STREAM ? CALLS : model->run == RUN_WINDOW ? WINDOWS : 1;
  options->chunk = bits & 4 && model->run == RUN_STREAM ? 1 + (int64_t)(bits >> 4) % MOST_CHUNK : 1;
  int64_t most_batch = options->target->has_tiles ? BATCH_OF_TILES : MOST_BATCH;
  options->batch = bits & 2 ? 1 + (int64_t)(bits >> 6) % most_batch : 1;
  if (work * options->chunk > most) options->chunk = 1;
  while (work * options->batch * options->chunk > most && options->batch > 1)
    options->batch--;
  return work * options->chunk <= most;
}

static Recorded *random_inputs(Session *s, const Model *model, int64_t steps_per_call,
                               uint64_t *random) {
  Recorded *in = ARENA_ARRAY(s->arena, Recorded, model->n_in + 1);
  for (int i = 0; i < model->n_in; i++) {
    const Type *type = &model->in[i]->value->type;
    Recorded *r = &in[i];
    r->steps = type->time.kind == TIME_STREAM ? CALLS * steps_per_call / type->time.period
               : type_is_sequence(type)
                   ? model->in[i]->every ? type->time.n + (WINDOWS - 1) * model->in[i]->every + 1
                                         : type->time.n
                   : 1;
    if (type->time.kind == TIME_BOUNDED) {
      r->steps = 1 + (int64_t)(next(random) % (uint64_t)type->time.n);
      for (int k = 0; k < i; k++)
        if (model->in[k]->value->type.time.kind == TIME_BOUNDED &&
            model->in[k]->value->type.time.length == type->time.length)
          r->steps = in[k].steps;
    }
    r->count = r->steps * type_step_size(type);
    r->data = ARENA_ARRAY(s->arena, double, r->count + 1);
    for (int64_t k = 0; k < r->count; k++) {
      double unit = (double)(next(random) >> 40) * 0x1p-24;
      bool real = type->elem == ELEM_F32 || type->elem == ELEM_F16;
      r->data[k] = type->elem == ELEM_INDEX ? floor(unit * (double)type->categories)
                   : real                   ? (double)(float)(3 * unit - 1.5)
                                            : floor(unit * 100);
    }
  }
  return in;
}

/* Integers between the bounds of what the values are for these inputs, or tighter, so that some do
 * not fit, or wider. */
static bool quantise(Session *s, Model *model, const Recorded *in, uint64_t bits) {
  static const double widths[] = {1, 1, 0.5, 1.5};
  double width = widths[bits >> 36 & 3];
  EvalRun run = {.in = ARENA_ARRAY(s->arena, EvalTensor, model->n_in + 1)};
  Ranges ranges = {0};
  for (int i = 0; i < model->n_in; i++)
    run.in[i] = (EvalTensor){in[i].data,
                             model->in[i]->every ? model->in[i]->value->type.time.n : in[i].steps};
  if (model_eval(model, s->arena, &run) != EVAL_OK ||
      ranges_observe(s->arena, model, &run, &ranges))
    return false;
  for (int i = 0; i < ranges.n; i++) {
    ranges.range[i]->low *= width;
    ranges.range[i]->high *= width;
  }
  return model_quantise(model, &ranges, NULL, s->diags);
}

/* Zeros in blocks of kernels, as training to few weights leaves them: which blocks, and how large,
 * is decided by bits. */
static void make_sparse(Model *model, uint64_t bits) {
  static const int64_t heights[] = {4, 8, 16, 32}, depths[] = {1, 4};
  int64_t height = heights[bits >> 22 & 3], depth = depths[bits >> 24 & 1];
  uint64_t random = bits;
  for (int i = 0; i < model->n_layers; i++) {
    ParamShape shape[LAYER_MAX_PARAMS];
    for (int p = 0, n = layer_params(model->layer[i], shape); p < n; p++) {
      float *w = (float *)(uintptr_t)model->layer[i]->weights->role[shape[p].role];
      int64_t columns = shape[p].rank > 1 ? shape[p].dim[shape[p].rank - 1] : 0,
              rows = shape[p].rank > 1 ? shape[p].dim[shape[p].rank - 2] : 1,
              all = columns ? param_count(&shape[p]) / columns : 0;
      for (int64_t r = 0; r < all; r += rows - r % rows < height ? rows - r % rows : height)
        for (int64_t c = 0; c < columns; c += depth) {
          bool keeps = next(&random) % 4 == 0;
          for (int64_t y = r; y < r + height && y / rows == r / rows && !keeps; y++)
            for (int64_t x = c; x < c + depth && x < columns; x++)
              w[y * columns + x] = 0;
        }
    }
  }
}

/* *what says why. */
static Verdict refused(const Session *s, char *what, size_t size) {
  const Diag *d = s->diags->first;
  while (d && d->level != LEVEL_ERROR)
    d = d->next;
  if (d) snprintf(what, size, "%s", d->message);
  return REFUSED;
}

static Verdict ask(Session *s, const char *text, size_t len, uint64_t bits, OracleBackend backend,
                   char *what, size_t size) {
  Model *model = model_of(s, text, len);
  if (!model) return refused(s, what, size);
  int n_targets = 0;
  while (target_table[n_targets])
    n_targets++;
  bool fast = bits & 1;
  uint64_t random = bits;
  LowerOptions options = {.target = target_table[(bits >> 8) % (uint64_t)n_targets],
                          .math_fast = fast,
                          .weights_extern = (bits & 0x38) == 0x38};
  if (!choose(model, bits, &options)) return TOO_LARGE;
  model_bind_random(model, bits >> 16);
  if ((bits >> 20 & 3) == 0) make_sparse(model, bits);
  const Recorded **in =
      ARENA_ARRAY(s->arena, const Recorded *, options.batch); /* each its own, lengths included */
  for (int64_t b = 0; b < options.batch; b++)
    in[b] = random_inputs(s, model, model->steps_per_call * options.chunk, &random);
  if (model_wants_integers(model) && !quantise(s, model, in[0], bits))
    return s->diags->n_errors ? refused(s, what, size) : NOT_TELLING;
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
  JudgeKind kind = lower_rounds(model, options.target) ? JUDGE_BF16
                   : fast                              ? JUDGE_FAST
                                                       : JUDGE_EXACT;
  return judge(s, model, m, in, kind, backend, what, size);
}

Verdict oracle_ask(const char *text, size_t len, uint64_t bits, OracleBackend backend, char *what,
                   size_t size) {
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
