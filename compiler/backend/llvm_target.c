/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From the names on the command line to a machine of LLVM's. A name of the table of machines in
 * lower/ stands for a triple, a processor and its features; a triple alone gets the features that
 * its binary interface takes for granted. */
#include "backend/llvm_internal.h"

#include <llvm-c/Support.h>
#include <llvm-c/Target.h>
#include <string.h>

typedef struct TripleRow {
  const char *name; /* NULL: of every triple that begins with `triple` */
  const char *triple, *cpu, *features;
} TripleRow;

/* The C compiler's flags of the same names are in lower/target.c. */
static const TripleRow machines[] = {
#define TARGET(id, name, triple, cpu, features) {name, triple, cpu, features},
#include "base/targets.def"
#include "base/text.h"
#undef TARGET
    {NULL, "wasm", "generic", "+bulk-memory,+mutable-globals,+nontrapping-fptoint,+sign-ext"},
    {NULL, "riscv64-unknown-linux", "generic-rv64", "+m,+a,+f,+d,+c"},
    {NULL, "riscv64", "generic-rv64", "+m,+a,+c"},
    {NULL, "riscv32", "generic-rv32", "+m,+a,+c"},
    {NULL, "thumbv6m", "cortex-m0", ""},
    {NULL, "thumbv7em", "cortex-m4", ""},
};

static const TripleRow *machine_named(const char *name) {
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (machines[i].name && strcmp(machines[i].name, name) == 0) return &machines[i];
  return NULL;
}

static const TripleRow *machine_of_triple(const char *triple) {
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
    if (!machines[i].name && text_begins(triple, machines[i].triple)) return &machines[i];
  return NULL;
}

static void initialize(void) {
  static bool done;
  if (done) return;
  done = true;
#if defined(GRUS_LLVM_REDUCED) /* a module with LLVM inside has these alone */
#define INITIALIZE(name)                                                                           \
  LLVMInitialize##name##TargetInfo();                                                              \
  LLVMInitialize##name##Target();                                                                  \
  LLVMInitialize##name##TargetMC();                                                                \
  LLVMInitialize##name##AsmPrinter();
  INITIALIZE(X86)
  INITIALIZE(AArch64)
  INITIALIZE(ARM)
  INITIALIZE(RISCV)
  INITIALIZE(WebAssembly)
#else
  LLVMInitializeAllTargetInfos();
  LLVMInitializeAllTargets();
  LLVMInitializeAllTargetMCs();
  LLVMInitializeAllAsmPrinters();
#endif
  LLVMInitializeARMAsmParser(); /* llvm_stmt.c: VLDM */
  /* LLVM 19 makes loops of strided copies for MVE into scatters whose address runs on past the
   * array (found at -Os by tests/llvm). The option is the process's; it concerns MVE alone. */
  static const char *const settings[] = {"grus", "-enable-arm-maskedgatscat=false"};
  LLVMParseCommandLineOptions(2, settings, NULL);
}

/* A string of LLVM's, kept in the arena. */
static const char *kept(Arena *arena, char *message) {
  if (!message) arena_out_of_memory(arena);
  const char *copy = arena_strdup(arena, message);
  LLVMDisposeMessage(message);
  return copy;
}

static const char *join(Arena *arena, const char *a, const char *b) {
  if (!a || !*a) return b ? b : "";
  return b && *b ? arena_printf(arena, "%s,%s", a, b) : a;
}

/* Whether a list has the name of a feature behind this sign. */
static bool has_signed(const char *features, char sign, const char *name) {
  size_t n = strlen(name);
  for (const char *at = strchr(features, sign); at; at = strchr(at + 1, sign))
    if (strncmp(at + 1, name, n) == 0 && (at[1 + n] == 0 || at[1 + n] == ',')) return true;
  return false;
}

/* "+name" */
static bool has_feature(const char *features, const char *name) {
  return has_signed(features, *name, name + 1);
}

/* "+name", and no "-name" takes it back. */
static bool is_on(const char *features, const char *name) {
  return has_feature(features, name) && !has_signed(features, '-', name + 1);
}

/* Registers that carry floating point arguments follow the widest unit there is. */
static const char *riscv_abi(const char *triple, const char *features) {
  bool is_64 = text_begins(triple, "riscv64");
  if (has_feature(features, "+d")) return is_64 ? "lp64d" : "ilp32d";
  if (has_feature(features, "+f")) return is_64 ? "lp64f" : "ilp32f";
  return is_64 ? "lp64" : "ilp32";
}

static bool converts_f16(const LlvmMachine *m) {
  if (text_begins(m->triple, "aarch64") || strcmp(m->cpu, "cortex-m55") == 0) return true;
  return text_begins(m->triple, "x86_64") &&
         (strcmp(m->cpu, "x86-64-v3") == 0 || strcmp(m->cpu, "x86-64-v4") == 0 ||
          has_feature(m->features, "+f16c"));
}

/* Processors that have it have it on vectors of all widths that their schedule uses. */
static bool multiplies_by(const LlvmMachine *m, const char *feature) {
  return text_begins(m->triple, "x86_64") && is_on(m->features, feature);
}

/* Helium of integers and floats, unless it is switched off. */
static bool has_mve(const LlvmMachine *m) {
  bool is_core = strcmp(m->cpu, "cortex-m55") == 0 || strcmp(m->cpu, "cortex-m85") == 0;
  return text_begins(m->triple, "thumbv8.1m") && !strchr(m->features, '-') &&
         (is_core || has_feature(m->features, "+mve.fp"));
}

static void resolve_native(LlvmMachine *out, Arena *arena, const char *features) {
  out->cpu = kept(arena, LLVMGetHostCPUName());
  out->features = join(arena, kept(arena, LLVMGetHostCPUFeatures()), features);
}

/* A feature of the user's list that this processor does not have; NULL: it has them all. */
static const char *missing_feature(Arena *arena, const char *wanted) {
  const char *have = kept(arena, LLVMGetHostCPUFeatures());
  for (const char *at = wanted; at && *at; at += strcspn(at, ","), at += *at == ',') {
    const char *name = arena_strndup(arena, at, strcspn(at, ","));
    if (*name == '+' && !has_feature(have, name)) return name;
  }
  return NULL;
}

const char *llvm_not_here(const LlvmOptions *o, Arena *arena) {
  const char *host = kept(arena, LLVMGetHostCPUName()),
             *missing = missing_feature(arena, o->features);
  if (missing) return arena_printf(arena, "this processor (`%s`) has no `%s`", host, missing + 1);
  bool known = !o->cpu || machine_named(o->cpu) || strcmp(o->cpu, "native") == 0 ||
               strcmp(o->cpu, host) == 0;
  return known ? NULL : arena_printf(arena, "this processor is `%s`, not `%s`", host, o->cpu);
}

/* Triple, processor and features; what the user names wins over what the table implies. */
static void resolve(const LlvmOptions *o, Arena *arena, LlvmMachine *out) {
  const char *host = kept(arena, LLVMGetDefaultTargetTriple());
  const char *wanted = o->target && strcmp(o->target, "generic") != 0 ? o->target : NULL;
  const TripleRow *named = wanted ? machine_named(wanted) : NULL;
  if (!named && !wanted && o->cpu && machine_named(o->cpu)) named = machine_named(o->cpu);
  out->triple = named ? named->triple : wanted ? wanted : host;
  if (text_begins(host, "x86_64-") && strcmp(out->triple, "x86_64-") == 0)
    out->triple = host;
  else if (strcmp(out->triple, "x86_64-") == 0)
    out->triple = "x86_64-pc-linux-gnu";
  out->triple =
      kept(arena, LLVMNormalizeTargetTriple(out->triple)); /* thumbv7em-none-unknown-eabihf */
  const TripleRow *implied = named ? named : machine_of_triple(out->triple);
  if (o->cpu && strcmp(o->cpu, "native") == 0) {
    resolve_native(out, arena, o->features);
    return;
  }
  const TripleRow *cpu = o->cpu ? machine_named(o->cpu) : NULL;
  out->cpu = cpu ? cpu->cpu : o->cpu ? o->cpu : implied ? implied->cpu : "";
  out->features = join(arena, cpu ? cpu->features : implied ? implied->features : "", o->features);
}

bool llvm_machine(const KirModule *m, const LlvmOptions *o, Diags *diags, LlvmMachine *out) {
  char *problem = NULL;
  initialize();
  *out = (LlvmMachine){.int_bits = 32};
  resolve(o, diags->arena, out);
  if (LLVMGetTargetFromTriple(out->triple, &out->target, &problem)) {
    Diag *d = diag_new(diags, E805, span_none(), "no target `%s` in LLVM %s", out->triple,
                       backend_llvm_version());
    d->file = m->source_path;
    diag_note(d, "LLVM says: %s", problem);
    diag_fix(d, FIX_MAYBE,
             "a triple is ARCH-VENDOR-SYSTEM, such as `thumbv7em-none-eabihf`; `--emit=c` has no "
             "such limits");
    LLVMDisposeMessage(problem);
    return false;
  }
  bool hosted =
      strstr(out->triple, "linux") || strstr(out->triple, "darwin") || strstr(out->triple, "bsd");
  out->is_pic = hosted || strstr(out->triple, "windows-elf"); /* of libraries that grus links */
  out->is_medium = text_begins(out->triple, "riscv64") && !hosted;
  if (text_begins(out->triple, "riscv")) out->abi = riscv_abi(out->triple, out->features);
  if (text_begins(out->triple, "avr") || text_begins(out->triple, "msp430")) out->int_bits = 16;
  out->has_f16 = converts_f16(out);
  out->has_bf16_pairs = multiplies_by(out, "+avx512bf16");
  out->has_quads = multiplies_by(out, "+avx512vnni") || multiplies_by(out, "+avxvnni");
  bool is_arm64 = text_begins(out->triple, "aarch64") || text_begins(out->triple, "arm64");
  out->has_signed_quads = is_arm64 && is_on(out->features, "+dotprod");
  out->has_mve = has_mve(out);
  out->has_permutes = multiplies_by(out, "+avx512f") ||
                      (text_begins(out->triple, "x86_64") && strcmp(out->cpu, "x86-64-v4") == 0);
  out->has_tiles = multiplies_by(out, "+amx-int8") && multiplies_by(out, "+amx-bf16");
  return llvm_known(m, o, out, diags);
}

bool backend_llvm_has_target(const char *target) {
  LLVMTargetRef found;
  char *problem = NULL;
  initialize();
  if (strcmp(target, "generic") == 0 || machine_named(target)) return true;
  if (!LLVMGetTargetFromTriple(target, &found, &problem)) return true;
  LLVMDisposeMessage(problem);
  return false;
}

LLVMTargetMachineRef llvm_target_machine(const LlvmMachine *machine, char level) {
  LLVMTargetMachineOptionsRef o = LLVMCreateTargetMachineOptions();
  LLVMTargetMachineOptionsSetCPU(o, machine->cpu);
  LLVMTargetMachineOptionsSetFeatures(o, machine->features);
  if (machine->abi) LLVMTargetMachineOptionsSetABI(o, machine->abi);
  LLVMTargetMachineOptionsSetCodeGenOptLevel(o, level == '0'   ? LLVMCodeGenLevelNone
                                                : level == '1' ? LLVMCodeGenLevelLess
                                                : level == '3' ? LLVMCodeGenLevelAggressive
                                                               : LLVMCodeGenLevelDefault);
  LLVMTargetMachineOptionsSetRelocMode(o, machine->is_pic ? LLVMRelocPIC : LLVMRelocStatic);
  LLVMTargetMachineOptionsSetCodeModel(o, machine->is_medium ? LLVMCodeModelMedium
                                                             : LLVMCodeModelDefault);
  LLVMTargetMachineRef tm = LLVMCreateTargetMachineWithOptions(machine->target, machine->triple, o);
  LLVMDisposeTargetMachineOptions(o);
  return tm;
}
