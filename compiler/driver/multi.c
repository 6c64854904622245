/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --target multi: which processors get a body of their own, and how each is recognised. */
#include "driver/multi.h"

#include "driver/machine.h"

static const struct {
  const char *target;
  CBody body; /* but for its module */
} bodies[] = {
    {"x86-64-v4",
     {.name = "v4",
      .when = "defined(__AVX512F__) && defined(__AVX512VL__) && defined(__GNUC__)",
      .target = "avx512f,avx512vl,avx512bw,avx512dq,avx512cd,avx2,fma,f16c",
      .test =
          "__builtin_cpu_supports(\"avx512f\") && __builtin_cpu_supports(\"avx512vl\") &&\n"
          "      __builtin_cpu_supports(\"avx512bw\") && __builtin_cpu_supports(\"avx512dq\") &&\n"
          "      __builtin_cpu_supports(\"avx512cd\")",
      .has_fma = true}},
    {"x86-64-v3",
     {.name = "v3",
      .when = "defined(__AVX2__) && defined(__FMA__) && defined(__GNUC__)",
      .target = "avx2,fma,f16c",
      .test = "__builtin_cpu_supports(\"avx2\") && __builtin_cpu_supports(\"fma\")",
      .has_fma = true}},
    {"x86-64-v2",
     {.name = "v2",
      .when = "(defined(__SSE2__) || defined(__wasm_simd128__)) && defined(__GNUC__)"}},
    {"aarch64", {.name = "aarch64", .when = "defined(__aarch64__) && defined(__GNUC__)"}},
    {"generic", {.name = "generic"}},
};

enum { N_BODIES = sizeof bodies / sizeof *bodies };

int multi_count(void) {
  return N_BODIES;
}

const struct Target *multi_target(int i) {
  return target_find(bodies[i].target);
}

static bool refuse(Session *s, const char *what) {
  session_error(s, "`--target multi` cannot be combined with %s", what);
  s->usage_trouble = true;
  return false;
}

bool multi_write(Session *s, const Model *model, const Source *source, const COptions *c,
                 Text *header, Text *text) {
  const Options *o = s->options;
  CBody body[N_BODIES];
  if (o->scratch == C_SCRATCH_CALLER)
    return refuse(s, "`--scratch=caller`: each body needs scratch memory of another size");
  if (weights_are_extern(o))
    return refuse(s, "`--weights=extern`: each body needs another order of the weights");
  if (o->iso)
    return refuse(s, "`--vectors=iso`: its bodies use the vectors of gcc and clang; other "
                     "compilers take the scalar body");
  for (int i = 0; i < N_BODIES; i++) {
    body[i] = bodies[i].body;
    body[i].inlines = multi_target(i)->inlines;
    body[i].m = build_lower_for(s, model, source, multi_target(i));
    if (!body[i].m) return false;
  }
  backend_c_multi(body, N_BODIES, c, o->dispatch, header, text);
  return true;
}
