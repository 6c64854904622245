/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --emit=shared. In: a bound model. Out: a shared library of one body for each level of the
 * processor and, for whole sequences, a second one that takes a batch; around them the descriptor
 * (backend/library.h) and the functions of runtime/host/grus_shared.c. */
#include "driver/emit_shared.h"

#include "backend/library.h"
#include "driver/jit.h"
#include "driver/library_image.h"
#include "driver/library_system.h"
#include "driver/machine.h"
#include "driver/native.h"
#include "driver/shared_object.h"
#include "driver/version.h"

#include <string.h>

enum {
  BATCH = 16,                   /* sequences taken together unless --batch says otherwise */
  MOST_BATCH_SCRATCH = 1 << 20, /* of a batched body: it is on the stack of a thread */
  OTHER_STACK = 48 * 1024       /* of grus_rows and what it calls, scratch apart */
};

/* The levels that are told apart at run time, the best first; last what runs anywhere. */
#define LEVEL(target, needs) {target, needs, #needs}
static const struct {
  const char *target;
  GrusNeeds needs;
  const char *word;
} levels[] = {
#define X86_LEVEL(id, target, ...) LEVEL(target, GRUS_NEEDS_X86_64_##id),
#include "base/x86_levels.def"
    LEVEL("aarch64-dotprod", GRUS_NEEDS_AARCH64_DOTPROD),
    LEVEL(NULL, GRUS_NEEDS_NOTHING),
};

/* Those of x86-64 are the targets whose triple is that word alone. */
#define TARGET(id, name, triple, cpu, features) +(sizeof(triple) == sizeof "x86_64-")
#define X86_LEVEL(...)                          +1
enum {
  X86_TARGETS = 0
#include "base/targets.def"
  ,
  X86_LEVELS = 0
#include "base/x86_levels.def"
};
#undef TARGET
_Static_assert(X86_TARGETS == X86_LEVELS, "each target of x86-64 is a row of x86_levels.def");

/* The machine of one body, for its system. */
static void set_machine(Session *s, const Target *target) {
  const LibrarySystem *system = library_system(s->options);
  machine_set(s, target);
  if (!system) return;
  s->machine.llvm = system->llvm;
  s->machine.cpu = target->name;
  s->machine.features = system->features;
}

static size_t level_of(const char *target) {
  size_t i = 0;
  while (levels[i].target && strcmp(levels[i].target, target) != 0)
    i++;
  return i;
}

/* The targets of the bodies: one that is named, else those of this machine's architecture. */
static int choose_targets(const Session *s, const Target **target) {
  const Options *o = s->options;
  const LibrarySystem *system = library_system(o);
  int n = 0;
  for (; system && n < LIBRARY_MAX_BODIES && system->target[n]; n++)
    target[n] = target_find(system->target[n]);
  if (n) return n;
  if (o->target && !machine_is_multi(o)) {
    target[n++] = s->machine.schedule;
    return n;
  }
#if defined(__x86_64__)
  static const char *const names[] = {"x86-64-v4", "x86-64-v3", "x86-64-v2"};
#elif defined(__aarch64__)
  static const char *const names[] = {"aarch64"};
#else
  static const char *const names[] = {"generic"};
#endif
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    target[n++] = target_find(names[i]);
  return n;
}

/* By the option or by the ending of the name. */
static bool makes_extension(const Session *s) {
  const Options *o = s->options;
  const char *ending = o->out ? strrchr(o->out, '.') : NULL;
  return o->emit ? strcmp(o->emit, "duckdb") == 0
                 : ending && strcmp(ending, ".duckdb_extension") == 0;
}

static bool refuse(Session *s, const char *what) {
  session_error(s, "`--emit=%s` cannot be combined with %s",
                makes_extension(s) ? "duckdb" : "shared", what);
  s->usage_trouble = true;
  return false;
}

bool library_options_fit(Session *s) {
  const Options *o = s->options;
  if (!library_ending_fits(s)) return false;
  if (o->scratch_given && o->scratch != C_SCRATCH_STACK)
    return refuse(
        s, "`--scratch`: many threads call the library, and the scratch memory is on their stacks");
  if (weights_are_extern(o))
    return refuse(s, "`--weights=extern`: the library contains its weights");
  if (o->flush || o->queue || o->selftest)
    return refuse(s, "`--flush`, `--queue` and `--selftest`: they add functions, but a library "
                     "always has the same functions");
  if (o->cpu || o->features)
    return refuse(s, "`--cpu` and `--features`: the library tests the processor for levels, such "
                     "as `--target x86-64-v3`");
  return true;
}

/* The model lowered for one body. */
static bool lower_body(Session *s, const Model *model, const Source *source, const Target *target,
                       LibraryBody *body) {
  int64_t batch = model->run == RUN_WHOLE ? (s->options->batch ? s->options->batch : BATCH) : 1;
  char *name = arena_strdup(s->arena, target->name);
  *body = (LibraryBody){.name = target->name, .needs = levels[level_of(target->name)].word};
  for (char *c = name; *c; c++)
    if (*c == '-') *c = '_';
  body->prefix =
      arena_printf(s->arena, "%s_%s", s->options->prefix ? s->options->prefix : model->name, name);
  body->batched_prefix = arena_printf(s->arena, "%s_batch", body->prefix);
  body->m = build_lower_batch(s, model, source, target, 1);
  if (!body->m) return false;
  KirModule *batched = batch > 1 ? build_lower_batch(s, model, source, target, batch) : NULL;
  if (batch > 1 && !batched) return false;
  if (batched && batched->scratch_bytes <= MOST_BATCH_SCRATCH) body->batched = batched;
  return true;
}

static bool compile_body(Session *s, const LibraryBody *body, const char *dir) {
  COptions c = {.prefix = body->prefix,
                .compiler = "grus " GRUS_VERSION,
                .vectors = s->options->iso ? C_VECTORS_ISO : C_VECTORS_GNU};
  if (!compile_object(s, body->m, &c, dir, true, NULL)) return false;
  c.prefix = body->batched_prefix;
  return !body->batched || compile_object(s, body->batched, &c, dir, true, NULL);
}

static LibraryOptions options_of(const LibraryBody *body, int n) {
  LibraryOptions o = {.compiler = "grus " GRUS_VERSION, .batch = 1};
  for (int i = 0; i < n; i++) {
    if (body[i].m->scratch_bytes > o.stack) o.stack = body[i].m->scratch_bytes;
    if (!body[i].batched) continue;
    if (body[i].batched->scratch_bytes > o.stack) o.stack = body[i].batched->scratch_bytes;
    o.batch = body[i].batched->batch;
  }
  o.stack += OTHER_STACK;
  return o;
}

/* By the C compiler: the descriptor and the functions around it, linked with the bodies'
 * objects. */
static bool link_with_compiler(Session *s, const LibraryBody *body, int n, const char *dir,
                               const char *duckdb, const char *out) {
  enum { OTHERS = 16 };
  const char *runtime = runtime_dir(s), *reason;
  if (!runtime) return false;
  LibraryOptions o = options_of(body, n);
  Text text = text_new(s->arena);
  backend_library(body, n, &o, &text);
  const char *file = file_join(s->arena, dir, "grus_library.c"),
             *names = file_join(s->arena, dir, "names.map");
  const char *args[OTHERS + 2 * LIBRARY_MAX_BODIES];
  const char *exported = arena_printf(
      s->arena,
      "{ global: grus_body; grus_library; grus_program; grus_rows; grus_steps;%s%s local: *; };\n",
      duckdb ? duckdb : "", duckdb ? ";" : "");
  if (!file_put(file, text_str(&text), text.len, &reason) ||
      !file_put(names, exported, strlen(exported), &reason)) {
    session_file_error(s, file, "write", reason);
    return false;
  }
  int k = 0;
  const char *first[] = {"-std=c99",
                         "-O2",
                         "-fPIC",
                         "-fvisibility=hidden",
                         "-shared",
                         arena_printf(s->arena, "-I%s/host", runtime),
                         arena_printf(s->arena, "-I%s", dir),
                         "-o",
                         out,
                         file,
                         arena_printf(s->arena, "%s/host/grus_shared.c", runtime)};
  for (size_t i = 0; i < sizeof first / sizeof *first; i++)
    args[k++] = first[i];
  if (duckdb) {
    args[k++] = arena_printf(s->arena, "-DGRUS_DUCKDB_INIT=%s", duckdb);
    args[k++] = arena_printf(s->arena, "%s/host/grus_duckdb.c", runtime);
  }
#if !defined(__APPLE__)
  args[k++] = "-Wl,-Bsymbolic"; /* each library calls its own functions, whatever else is loaded */
  args[k++] = arena_printf(s->arena, "-Wl,--version-script=%s", names);
#endif
  for (int i = 0; i < n; i++) {
    args[k++] = arena_printf(s->arena, "%s/%s.o", dir, body[i].prefix);
    if (body[i].batched) args[k++] = arena_printf(s->arena, "%s/%s.o", dir, body[i].batched_prefix);
  }
  args[k] = NULL;
  return run_compiler(s, c_compiler(), dir, args);
}

/* ---- without a C compiler ---- */

/* The object of grus_shared.c for the chosen machine; len 0: there is none. */
static LinkObject shared_functions(const Session *s) {
  const LibrarySystem *system = library_system(s->options);
  const char *name = system ? system->llvm : s->machine.llvm;
  if (!name) return (LinkObject){NULL, 0};
  if (system && system->format == LINK_PE)
    return (LinkObject){(const char *)grus_windows_object, grus_windows_object_size};
#if defined(__aarch64__)
  bool is_here = strcmp(name, "generic") == 0, is_arm = is_here, is_x86 = false;
#else
  bool is_here = strcmp(name, "generic") == 0, is_arm = false, is_x86 = is_here;
#endif
  is_x86 = is_x86 || strncmp(name, "x86-64", 6) == 0 ||
           (strncmp(name, "x86_64-", 7) == 0 && strstr(name, "linux"));
  is_arm = is_arm || strcmp(name, "aarch64") == 0 || strcmp(name, "aarch64-dotprod") == 0 ||
           (strncmp(name, "aarch64-", 8) == 0 && strstr(name, "linux"));
  if (is_x86) return (LinkObject){(const char *)grus_shared_object, grus_shared_object_size};
  if (is_arm) return (LinkObject){(const char *)grus_aarch64_object, grus_aarch64_object_size};
  return (LinkObject){NULL, 0};
}

bool library_needs_compiler(const Session *s) {
  return !native_chosen(s) || !shared_functions(s).len;
}

static bool native_body(Session *s, const KirModule *m, const char *prefix, LlvmEntries *entries,
                        LinkObject *object) {
  COptions c = {.prefix = prefix, .compiler = "grus " GRUS_VERSION};
  Text text = text_new(s->arena);
  if (!native_object(s, m, &c, entries, &text)) return false;
  *object = (LinkObject){text_str(&text), text.len};
  return true;
}

/* The name that the library records: that of its file. */
static const char *library_name(const Session *s, const KirModule *m) {
  const char *out = s->options->out;
  if (!out || strcmp(out, "-") == 0)
    return arena_printf(s->arena, "%s%s", m->name, library_ending(s));
  return file_base(out);
}

/* By LLVM and the linker of backend/link.c. */
static bool link_alone(Session *s, const LibraryBody *body, const Target *const *target, int n,
                       const char *duckdb, const char *out) {
  const char *const exported[] = {
      "grus_body", "grus_library", "grus_program", "grus_rows", "grus_steps", duckdb, NULL};
  enum { HEAD = 64 };
  const LibrarySystem *system = library_system(s->options);
  LinkFormat format = system ? system->format : LINK_ELF;
  LinkObject object[2 * LIBRARY_MAX_BODIES + 2];
  GrusNeeds needs[LIBRARY_MAX_BODIES];
  LlvmEntries entries = {0}, most = {0};
  int k = 0;
  for (int i = 0; i < n; i++) {
    if (n > 1 || system) set_machine(s, target[i]);
    needs[i] = levels[level_of(target[i]->name)].needs;
    if (!native_body(s, body[i].m, body[i].prefix, &entries, &object[k++])) return false;
    if (entries.state_size > most.state_size) most.state_size = entries.state_size;
    if (body[i].batched &&
        !native_body(s, body[i].batched, body[i].batched_prefix, &entries, &object[k++]))
      return false;
  }
  object[k++] = shared_functions(s);
  if (duckdb) object[k++] = (LinkObject){(const char *)grus_duckdb_object, grus_duckdb_object_size};
  GrusProgram program = *jit_describe(body[0].m, &most, s->arena);
  if (program.kind != GRUS_KIND_RUN)
    program.state_size = HEAD + (program.state_size + HEAD - 1) / HEAD * HEAD;
  else
    program.state_align = 1;
  LibraryOptions o = options_of(body, n);
  LinkImage image = library_image(body, needs, n, &program, &o, s->arena);
  image.alias = duckdb;
  image.alias_of = "grus_duckdb_init";
  Text text = text_new(s->arena);
  const char *reason;
  if (!link_library(format, object, k, &image, library_name(s, body[0].m), exported, &text,
                    &reason)) {
    session_error(
        s, "grus cannot link this library itself: %s; `--backend=c` leaves it to the C compiler",
        reason);
    return false;
  }
  if (file_put(out, text_str(&text), text.len, &reason)) return true;
  session_file_error(s, out, "write", reason);
  return false;
}

static bool ports_fit(Session *s, const KirModule *m) {
  if (m->n_ports <= LIBRARY_MAX_PORTS) return true;
  session_error(s,
                "`%s` has %d inputs and outputs, a shared library at most %d: build C, `-o NAME.c`",
                m->name, m->n_ports, LIBRARY_MAX_PORTS);
  return false;
}

bool library_make(Session *s, const Model *model, const Source *source, const char *dir,
                  const char *duckdb, const char *out) {
  const Target *target[LIBRARY_MAX_BODIES];
  LibraryBody body[LIBRARY_MAX_BODIES];
  ChosenMachine chosen = s->machine;
  int n = choose_targets(s, target);
  bool ok = true, by_compiler = library_needs_compiler(s);
  if (model->run != RUN_WHOLE && s->options->batch > 1)
    return refuse(s, "`--batch` of a stream: each stream has a state of its own");
  for (int i = 0; i < n && ok; i++) {
    if (n > 1 || library_system(s->options)) set_machine(s, target[i]);
    ok = lower_body(s, model, source, target[i], &body[i]) && ports_fit(s, body[i].m) &&
         (!by_compiler || compile_body(s, &body[i], dir));
  }
  ok = ok && (by_compiler ? link_with_compiler(s, body, n, dir, duckdb, out)
                          : link_alone(s, body, target, n, duckdb, out));
  s->machine = chosen;
  return ok;
}
