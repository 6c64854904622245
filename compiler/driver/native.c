/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The LLVM backend as the commands use it; see native.h. */
#include "driver/native.h"

#include "base/text.h"
#include "driver/aborts.h"
#include "lower/machine_table.h"

#include <stdlib.h>
#include <string.h>

/* Schedules of triples; what needs a feature that not every such machine has asks for it. */
static const struct {
  const char *triple, *feature, *schedule;
} schedules[] = {
    {"aarch64", NULL, "aarch64"},
    {"arm64", NULL, "aarch64"},
    {"thumbv6m", NULL, "cortex-m0"},
    {"thumbv7em", NULL, "cortex-m4"},
    {"riscv32", NULL, "rv32"},
    {"riscv64", "+v", "rv64gcv"},
    {"wasm", "+simd128", "wasm-simd"},
    {"aarch64", "+dotprod", "aarch64-dotprod"},
    {"arm64", "+dotprod", "aarch64-dotprod"},
};

/* Whether there is LLVM: it may abort while it is loaded. */
static bool has_llvm(const Session *s) {
  aborts_guard(s->arena);
  bool there = backend_llvm_version() != NULL;
  aborts_release();
  return there;
}

const Target *native_schedule(const Session *s, const char *triple) {
  const Options *o = s->options;
  const char *name = "generic";
  if (has_llvm(s) && !backend_llvm_has_target(triple)) return NULL;
  if (!strchr(triple, '-')) return NULL;
  for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++) {
    const char *feature = schedules[i].feature;
    if (text_begins(triple, schedules[i].triple) &&
        (!feature || (o->features && strstr(o->features, feature))))
      name = schedules[i].schedule;
  }
  const Target *cpu = o->cpu ? target_find(o->cpu) : NULL;
  return cpu ? cpu : target_find(name);
}

bool native_chosen(const Session *s) {
  const Options *o = s->options;
  const char *cc = getenv("CC");
  if (o->backend) return strcmp(o->backend, "llvm") == 0;
  bool is_triple =
      o->target && strchr(o->target, '-') && !target_find(o->target) && !machine_find(o->target);
  if (is_triple) return true;
  /* The C compiler would make other bytes of the same model. */
  return !(cc && *cc) && (has_llvm(s) || backend_llvm_failed());
}

bool native_names_fit(Session *s, bool by_llvm) {
  const Options *o = s->options;
  bool is_triple = o->target && strchr(o->target, '-') && !machine_find(o->target);
  if ((!o->cpu && !o->features) || by_llvm || is_triple) return true;
  session_error(s,
                "`%s` is an option of the LLVM backend, which does not build this output: name the "
                "processor with `--target`; `--target help` lists them",
                o->cpu ? "--cpu" : "--features");
  s->usage_trouble = true;
  return false;
}

LlvmOptions native_options(const Session *s, const COptions *c) {
  const Options *o = s->options;
  const char *implied = s->machine.features;
  const char *features = !implied || !*implied ? o->features
                         : o->features ? arena_printf(s->arena, "%s,%s", implied, o->features)
                                       : implied;
  return (LlvmOptions){.prefix = c->prefix,
                       .compiler = c->compiler,
                       .target = s->machine.llvm,
                       .cpu = o->cpu ? o->cpu : s->machine.cpu,
                       .features = features,
                       .level = o->optimise ? *o->optimise : '2',
                       .scratch = c->scratch,
                       .debug = o->debug};
}

static bool make(Session *s, const KirModule *m, const COptions *c, LlvmEntries *entries,
                 LlvmOutput output, StackUses *stack, Text *text) {
  LlvmOptions options = native_options(s, c);
  options.calls = entries;
  options.stack = stack;
  session_reset_diags(s);
  if (!s->machine.llvm) {
    session_error(s, "LLVM has no `%s`: set CC to its C compiler, or build C with `--emit=c`",
                  s->machine.name);
    s->usage_trouble = true;
    return false;
  }
  aborts_guard(s->arena);
  bool ok = backend_llvm(m, &options, output, s->diags, text);
  aborts_release();
  if (ok) return true;
  session_print_diags(s);
  return false;
}

bool native_make(Session *s, const KirModule *m, const COptions *c, LlvmOutput output,
                 StackUses *stack, Text *text) {
  return make(s, m, c, NULL, output, stack, text);
}

bool native_object(Session *s, const KirModule *m, const COptions *c, LlvmEntries *entries,
                   Text *text) {
  return make(s, m, c, entries, LLVM_OBJECT, NULL, text);
}
