/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Multiply-adds that one call executes, counted in the kernel IR, against those of the definition:
 * no more than a tenth above, where positions beside an axis (padding) are counted as if they were
 * there. */
#include "driver/session.h"
#include "kir/kir.h"
#include "lower/lower.h"
#include "model/bind/weights.h"
#include "model/graph/cost.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

static const char *const stages[] = {
    "Dense(24)",
    "Conv2D(24, kernel=3, padding=(causal, same))",
    "Conv2D(24, kernel=1)",
    "Conv2D(16, kernel=(3, 5), padding=(causal, same), groups=16)",
    "Conv2D(32, kernel=(1, 5), groups=4, stride=(1, 2))",
    "Conv1D(16, 5, along=freq, dilation=2, padding=same)",
    "Conv1DTranspose(16, 4, stride=2, padding=same, along=freq)",
    "Conv1DTranspose(16, 3, stride=3, groups=16, along=freq)",
    "Conv2DTranspose(16, kernel=(3, 3), padding=(causal, same), dilation=(2, 1), groups=2)",
    "Conv2DTranspose(8, kernel=(1, 5), stride=(1, 2), padding=(valid, same))"};

/* Products of one expression, in lanes. */
static int64_t products(const KirExpr *e) {
  if (!e) return 0;
  int64_t n = e->op == KIR_MAD || e->op == KIR_FMA ? e->type.lanes : 0;
  if (e->op == KIR_PAIRS) n = 2 * e->type.lanes;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    n += products(e->arg[i]);
  return n;
}

/* Of a list of statements; all loops of these models have constant bounds. */
static int64_t executed(const KirStmt *s) {
  int64_t n = 0;
  for (; s; s = s->next) {
    int64_t turns = s->kind == KIR_FOR ? (s->hi->i - s->lo->i + s->step - 1) / s->step : 1;
    n += products(s->value) + turns * (executed(s->body) + executed(s->other));
  }
  return n;
}

static bool one(Session *s, const char *stage, const Target *target) {
  const char *text = arena_printf(
      s->arena, "grus 1\nmodel m {\n  in  x : f32[time .., freq 32, 16]\n  out y = x |> %s\n}\n",
      stage);
  size_t len = strlen(text), applied = 0;
  session_reset_diags(s);
  const Source *source = sources_add(&s->sources, "work.grus", text, len);
  session_check_source(s, source);
  text = diags_apply_sure(s->diags, source, &len, &applied); /* the type of the output */
  session_reset_diags(s);
  Program *program = session_check_source(s, sources_add(&s->sources, "work.grus", text, len));
  if (s->diags->n_errors || !program->n_models) {
    printf("%s: refused\n", stage);
    return false;
  }
  Model *model = program->model[0];
  model_bind_random(model, 1);
  LowerOptions options = {.target = target, .batch = 1, .chunk = 1};
  KirModule *m = lower(model, &options, s->arena, s->diags);
  int64_t defined = 0, done = 0;
  for (int i = 0; i < model->n_layers; i++)
    defined += layer_macs(model, model->layer[i]);
  for (int i = 0; m && i < m->n_funcs; i++)
    if (m->func[i]->kind == KIR_STEP) done += executed(m->func[i]->body);
  bool ok = done > 0 && done * 10 <= defined * 11;
  printf("%s %s: %lld of %lld\n", ok ? "ok" : "TOO MANY", stage, (long long)done,
         (long long)defined);
  return ok;
}

int main(void) {
  jmp_buf oom;
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  Options options = {.max_errors = 5, .quiet = true, .optimise = "1"};
  Session s = {.arena = arena, .options = &options, .sources = {.arena = arena}};
  int failures = 0;
  for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
    for (int wide = 0; wide < 2; wide++)
      failures += !one(&s, stages[i], target_find(wide ? "x86-64-v3" : "generic"));
  arena_free(arena);
  return failures != 0;
}
