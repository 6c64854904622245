/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus build: a model and its weights become C, a header, an object, a library, a shared library or
 * a program. */
#include "base/text.h"
#include "driver/budget.h"
#include "driver/build.h"
#include "driver/depfile.h"
#include "driver/dump.h"
#include "driver/elf_size.h"
#include "driver/emit_duckdb.h"
#include "driver/emit_shared.h"
#include "driver/emit_wasm.h"
#include "driver/emitted.h"
#include "driver/library_system.h"
#include "driver/machine.h"
#include "driver/native.h"
#include "driver/package.h"
#include "driver/selftest.h"
#include "driver/trace.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *const emit_name[EMIT_COUNT] = {EMIT_LIST(EMIT_NAME, EMIT_NAME)};
static const char *const emit_ending[EMIT_COUNT] = {EMIT_LIST(EMIT_ENDING, EMIT_ENDING)};
static const EmitHolds emit_holds[EMIT_COUNT] = {EMIT_LIST(EMIT_HOLDS, EMIT_HOLDS)};

/* Whether what is written is C, for a compiler that is not ours to choose. */
static bool is_c(EmitKind kind) {
  return emit_holds[kind] == HOLDS_C_TEXT || emit_holds[kind] == HOLDS_C_FOLDER;
}

static bool is_library(EmitKind kind) {
  return kind == EMIT_SHARED || kind == EMIT_DUCKDB;
}

/* Other endings of output names than those of EMIT_LIST: what they mean, or why nothing has them.
 */
static const struct {
  const char *ending;
  EmitKind emit; /* EMIT_COUNT: none */
  const char *advice;
} endings[] = {
    {".elf", EMIT_EXE, NULL},
    {".hpp", EMIT_COUNT, "the header is C++ too: name it .h, or add `--emit=header`"},
    {".hh", EMIT_COUNT, "the header is C++ too: name it .h, or add `--emit=header`"},
    {".hxx", EMIT_COUNT, "the header is C++ too: name it .h, or add `--emit=header`"},
    {".cpp", EMIT_COUNT, "the C is C++ too: name it .c"},
    {".cc", EMIT_COUNT, "the C is C++ too: name it .c"},
    {".cxx", EMIT_COUNT, "the C is C++ too: name it .c"},
    {".dylib", EMIT_SHARED, NULL},
    {".dll", EMIT_SHARED, NULL},
    {".lib", EMIT_COUNT, "an archive ends in .a, or add `--emit=lib`"},
    {".obj", EMIT_COUNT, "an object ends in .o, or add `--emit=obj`"},
};

/* What to make: as --emit says, else by the ending of the output's name; a name without one is a
 * program's. EMIT_COUNT after reporting. */
static EmitKind choose_emit(Session *s) {
  const Options *o = s->options;
  for (int i = 0; o->emit && i < EMIT_COUNT; i++)
    if (strcmp(o->emit, emit_name[i]) == 0) return (EmitKind)i;
  if (o->emit) {
    session_error(s, "--emit is %s, not `%s`", words_listed(s->arena, EMIT_WORDS), o->emit);
    return EMIT_COUNT;
  }
  if (!o->out) return EMIT_C;
  const char *name = file_base(o->out), *ending = strrchr(name, '.');
  if (!ending || ending == name || strcmp(name, "-") == 0) return EMIT_EXE;
  for (int i = 0; i < EMIT_COUNT; i++)
    if (strcmp(ending, emit_ending[i]) == 0) return (EmitKind)i;
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    if (strcmp(ending, endings[i].ending) != 0) continue;
    if (endings[i].advice)
      session_error(s, "grus builds no file that ends in `%s`: %s", ending, endings[i].advice);
    return endings[i].emit;
  }
  Text known = text_new(s->arena);
  for (int i = 0; i < EMIT_COUNT; i++)
    if (*emit_ending[i]) text_printf(&known, "%s ", emit_ending[i]);
  session_error(s,
                "`%s` ends in none of %s.elf; a program has no ending: for another name, add "
                "`--emit=KIND`",
                name, text_str(&known));
  return EMIT_COUNT;
}

/* The output's name without folder and ending, as a C identifier; else the model's name. */
static const char *default_out(Session *s, const Model *model, EmitKind emit) {
  return arena_printf(s->arena, "%s%s", model->name,
                      emit == EMIT_SHARED ? library_ending(s) : emit_ending[emit]);
}

/* What a build writes, all of it or nothing. */
typedef struct Outputs {
  FileOut file[PACKAGE_MAX_FILES + 2];
  const char *folder; /* that the files need; NULL: none */
  int n;
  ObjectCosts object; /* that was made; flash 0: none */
} Outputs;

static void add_out(Outputs *outs, const char *path, const char *data, size_t len) {
  assert((size_t)outs->n < sizeof outs->file / sizeof *outs->file);
  outs->file[outs->n++] = (FileOut){.path = path, .data = data, .len = len};
}

/* Reports an error if an output would overwrite an input or another output. */
static bool outputs_apart(Session *s, const Outputs *outs, const Source *source) {
  for (int i = 0; i < outs->n; i++) {
    const char *path = outs->file[i].path, *other = session_input_at(s, source->path, path);
    for (int k = 0; k < i; k++)
      if (strcmp(path, outs->file[k].path) == 0) other = path;
    if (!other) continue;
    if (other == path)
      session_error(s, "two outputs would be written to `%s`", path);
    else
      session_error(s, "output `%s` would overwrite `%s`", path, other);
    s->usage_trouble = true;
    return false;
  }
  return true;
}

static bool write_outputs(Session *s, const Outputs *outs, const Source *source) {
  const char *failed, *reason;
  if (!outputs_apart(s, outs, source) || (outs->folder && !package_folders(s, outs->folder)))
    return false;
  if (files_write(s->arena, outs->file, outs->n, &failed, &reason)) return true;
  if (outs->folder) package_folders_undo(s, outs->folder);
  session_file_error(s, strcmp(failed, "-") == 0 ? "standard output" : failed, "write", reason);
  return false;
}

/* What the command builds, from which model. */
typedef struct BuildJob {
  const Model *model;
  const Source *source;
  const KirModule *m;
  const CSelftest *selftest; /* NULL: none */
} BuildJob;

/* --trace: NAME.trace.csv beside NAME.c or NAME.h, whose functions are in text. */
static bool add_trace(Session *s, const BuildJob *job, const CTrace *trace, const char *path,
                      const Text *text, Outputs *outs) {
  Text table = text_new(s->arena);
  if (!s->options->trace) return true;
  trace_write(s, job->m, trace, text, path, job->selftest != NULL, &table);
  const char *name = arena_printf(s->arena, "%.*s.trace.csv", (int)strlen(path) - 2, path);
  add_out(outs, name, text_str(&table), table.len);
  return true;
}

static bool emit_c(Session *s, const BuildJob *job, COptions c, const char *out, Outputs *outs) {
  Text header = text_new(s->arena), source = text_new(s->arena);
  if (strcmp(out, "-") == 0 || !text_ends(out, ".c")) {
    session_error(
        s,
        "`--emit=c` writes NAME.c and NAME.h: -o must end in .c (`--emit=header` fits one stream)");
    s->usage_trouble = true;
    return false;
  }
  char *header_path = arena_strdup(s->arena, out);
  header_path[strlen(out) - 1] = 'h';
  c.header_name = file_base(header_path);
  if (strpbrk(c.header_name, "\"\\\n\r") || strstr(c.header_name, "??")) {
    session_error(s, "`%s` cannot be the name of a C file: no program could include its header",
                  out);
    s->usage_trouble = true;
    return false;
  }
  CTrace trace = {0};
  c.trace = s->options->trace ? &trace : NULL;
  if (!emitted_write(s, job->model, job->source, job->m, &c, &header, &source)) return false;
  add_out(outs, header_path, text_str(&header), header.len);
  add_out(outs, out, text_str(&source), source.len);
  return add_trace(s, job, &trace, out, &source, outs);
}

static bool made_read(Session *s, const char *from, Mapped *made) {
  const char *reason;
  if (file_map(s->arena, from, made, &reason)) return true;
  session_file_error(s, from, "read", reason);
  return false;
}

/* A file the C compiler made, to be written whole to where it belongs. */
static bool move_out(Session *s, const char *from, const char *out, bool executable,
                     Outputs *outs) {
  Mapped made;
  if (!made_read(s, from, &made)) return false;
  add_out(outs, out, (const char *)made.data, made.len);
  outs->file[outs->n - 1].executable = executable;
  return true;
}

static bool emit_shared(Session *s, const BuildJob *job, const char *out, Outputs *outs) {
  const char *dir = temp_dir(s), *library = dir ? file_join(s->arena, dir, "library.so") : NULL;
  return dir && library_make(s, job->model, job->source, dir, NULL, library) &&
         move_out(s, library, out, true, outs);
}

static bool emit_duckdb(Session *s, const BuildJob *job, const char *out, Outputs *outs) {
  const char *dir = temp_dir(s), *made = dir ? file_join(s->arena, dir, "library.so") : NULL;
  return dir && duckdb_make(s, job->model, job->source, job->m, dir, out, made) &&
         move_out(s, made, out, true, outs);
}

static bool emit_compiled(Session *s, const KirModule *m, COptions c, EmitKind emit,
                          const char *out, Outputs *outs) {
  const char *dir = temp_dir(s);
  if (!dir) return false;
  if (emit == EMIT_EXE) {
    const char *exe = file_join(s->arena, dir, "program.exe");
    if (!s->options->scratch_given)
      c.scratch = C_SCRATCH_STATIC; /* of any size, and called by one thread */
    return compile_program(s, m, &c, dir, exe, PROGRAM_ALONE) && move_out(s, exe, out, true, outs);
  }
  if (!compile_object(s, m, &c, dir, false, &outs->object.stack)) return false;
  const char *object = arena_printf(s->arena, "%s/%s.o", dir, c.prefix);
  Mapped made;
  if (!made_read(s, object, &made)) return false;
  outs->object.flash = elf_flash_bytes((const char *)made.data, made.len);
  if (emit == EMIT_LIB) {
    const char *library = arena_printf(s->arena, "%s/lib.a", dir);
    const char *argv[] = {getenv("AR") ? getenv("AR") : "ar", "rcsD", library, object, NULL};
    int code = run_command(s, argv, NULL);
    if (code > 0) session_error(s, "`%s` failed with exit code %d", argv[0], code);
    if (code != 0 || !made_read(s, library, &made)) return false;
  }
  /* Writes the header of an object next to it. */
  Text header = text_new(s->arena);
  c.header_name = arena_printf(s->arena, "%s.h", c.prefix);
  object_macros(&outs->object, &c);
  backend_c(m, &c, &header, NULL);
  size_t stem = strlen(out) - (text_ends(out, ".o") || text_ends(out, ".a") ? 2 : 0);
  const char *header_path = arena_printf(s->arena, "%.*s.h", (int)stem, out);
  add_out(outs, out, (const char *)made.data, made.len);
  if (strcmp(out, "-") != 0) add_out(outs, header_path, text_str(&header), header.len);
  return true;
}

static bool emit_wasm(Session *s, const KirModule *m, const char *out, Outputs *outs) {
  WasmFiles files;
  if (!wasm_make(s, m, out, &files)) return false;
  add_out(outs, out, text_str(&files.module), files.module.len);
  if (!files.script_path) return true;
  add_out(outs, files.script_path, text_str(&files.script), files.script.len);
  add_out(outs, files.types_path, text_str(&files.types), files.types.len);
  return true;
}

static bool emit_package(Session *s, const BuildJob *job, COptions c, const char *out,
                         Outputs *outs) {
  Text header = text_new(s->arena), source = text_new(s->arena);
  const char *problem =
      strcmp(out, "-") == 0 ? "`--emit=package` writes a folder: -o DIR"
      : c.scratch == C_SCRATCH_CALLER
          ? "the C++ class of `--emit=package` passes no scratch memory: remove `--scratch=caller`"
          : NULL;
  if (problem) {
    session_error(s, "%s", problem);
    s->usage_trouble = true;
    return false;
  }
  c.header_name = arena_printf(s->arena, "%s.h", c.prefix);
  if (!emitted_write(s, job->model, job->source, job->m, &c, &header, &source)) return false;
  const Package package = {.m = job->m,
                           .c = &c,
                           .header = &header,
                           .source = &source,
                           .is_multi = machine_is_multi(s->options)};
  outs->n = package_files(s, &package, out, outs->file);
  outs->folder = s->options->zip ? NULL : out;
  return true;
}

static bool emit(Session *s, const BuildJob *job, EmitKind kind, const char *out, Outputs *outs) {
  const KirModule *m = job->m;
  COptions c = emitted_options(s, job->model);
  c.selftest = job->selftest;
  if (is_c(kind)) report_macros(s, m, &c);
  Text text = text_new(s->arena);
  CTrace trace = {0};
  switch (kind) {
  case EMIT_C: return emit_c(s, job, c, out, outs);
  case EMIT_HEADER:
    c.trace = s->options->trace ? &trace : NULL;
    if (!emitted_write(s, job->model, job->source, m, &c, &text, NULL) ||
        !add_trace(s, job, &trace, out, &text, outs))
      return false;
    break;
  case EMIT_KIR: kir_print(m, &text); break;
  case EMIT_PACKAGE: return emit_package(s, job, c, out, outs);
  case EMIT_WASM: return emit_wasm(s, m, out, outs);
  case EMIT_ASM:
    if (!native_make(s, m, &c, LLVM_ASSEMBLY, NULL, &text)) return false;
    break;
  case EMIT_LLVM:
    if (!native_make(s, m, &c, LLVM_IR_TEXT, NULL, &text)) return false;
    break;
  case EMIT_BC:
    if (!native_make(s, m, &c, LLVM_BITCODE, NULL, &text)) return false;
    break;
  case EMIT_SHARED: return emit_shared(s, job, out, outs);
  case EMIT_DUCKDB: return emit_duckdb(s, job, out, outs);
  case EMIT_OBJ:
  case EMIT_LIB:
  case EMIT_EXE:
  case EMIT_COUNT: return emit_compiled(s, m, c, kind, out, outs);
  }
  add_out(outs, out, text_str(&text), text.len);
  return true;
}

/* Names the files of a build whose name grus chose. */
static void say_written(Session *s, const Outputs *outs) {
  if (s->options->quiet || s->options->json) return;
  Text line = text_new(s->arena);
  text_add(&line, "wrote ");
  for (int i = 0; i < outs->n; i++)
    text_printf(&line, "%s%s", list_separator(i, outs->n, " and "), outs->file[i].path);
  text_add(&line, "; -o chooses another name\n");
  session_out(text_str(&line), line.len);
}

/* Prints the command that compiles the C. */
static void say_flags(Session *s, const Model *model, EmitKind kind, const char *out) {
  CMachine machine = emitted_options(s, model).machine;
  const char *cc = strcmp(machine.name, "generic") == 0 ? "cc " : "";
  if ((kind != EMIT_C && kind != EMIT_HEADER) || s->options->quiet || s->options->json ||
      strcmp(out, "-") == 0)
    return;
  Text line = text_new(s->arena);
  bool is_multi = machine_is_multi(s->options);
  text_printf(&line, "compile with: %s%s", cc, c_flags(s->arena, &machine));
  if (!is_multi && *cc)
    text_add(&line, "   (scalar, for any processor; faster here: --target native, or --dispatch)");
  else if (!is_multi)
    text_printf(&line, "   (for %s)", machine.name);
  else if (!s->options->dispatch)
    text_add(&line, "   (or the -march of the machines it is for)");
  text_add_char(&line, '\n');
  session_out(text_str(&line), line.len);
}

static bool multi_is_c(Session *s, EmitKind kind) {
  if (!machine_is_multi(s->options) || is_c(kind) || is_library(kind)) return true;
  session_error(s, "`--target multi` and `--dispatch` work for C and shared libraries: `-o "
                   "NAME.c`, `--emit=header` or `-o NAME.so`");
  return false;
}

static bool selftest_is_c(Session *s, EmitKind kind) {
  if (!s->options->selftest || is_c(kind)) return true;
  session_error(s,
                "`--selftest` works only for C: `-o NAME.c`, `--emit=header` or `--emit=package`");
  return false;
}

static bool trace_fits(Session *s, EmitKind kind) {
  const Options *o = s->options;
  size_t len = o->out ? strlen(o->out) : 0;
  const char *problem =
      !o->trace ? NULL
      : kind != EMIT_C && kind != EMIT_HEADER
          ? "`--trace` works only for C: `-o NAME.c` or `--emit=header`"
      : machine_is_multi(o)
          ? "`--trace` works for one target: remove `--dispatch` or `--target multi`"
      : o->out && (len < 3 || (!text_ends(o->out, ".c") && !text_ends(o->out, ".h")))
          ? "`--trace` writes NAME.trace.csv next to NAME.c or NAME.h: -o must end in .c or .h"
          : NULL;
  if (problem) session_error(s, "%s", problem);
  return !problem;
}

static bool not_to_terminal(Session *s, EmitKind kind) {
  bool is_text = emit_holds[kind] == HOLDS_C_TEXT || emit_holds[kind] == HOLDS_TEXT;
  if (is_text || !s->options->out || strcmp(s->options->out, "-") != 0 || !isatty(STDOUT_FILENO))
    return true;
  session_error(s, "`-o -` would write %s to the terminal: redirect it, or add `--emit=header`",
                kind == EMIT_EXE ? "a program" : "machine code");
  return false;
}

/* Whether the C compiler that would be run is one for the chosen machine, as far as can be
 * known. */
static bool compiler_fits(Session *s, EmitKind kind) {
  const char *cc = getenv("CC");
  /* An extension of DuckDB is made for this machine alone, and says so for any other. */
  bool by_c = kind == EMIT_EXE || (kind == EMIT_SHARED && library_needs_compiler(s)) ||
              ((kind == EMIT_OBJ || kind == EMIT_LIB) && !native_chosen(s));
  if (!by_c || (cc && *cc) || machine_is_here(s)) return true;
  session_error(s, "%s for %s needs its C compiler: set CC, for instance CC=%s",
                kind == EMIT_EXE      ? "a program"
                : kind == EMIT_SHARED ? "a shared library"
                                      : "an object",
                s->machine.name, machine_compiler(s));
  s->usage_trouble = true;
  return false;
}

ExitCode command_build(Session *s) {
  const Source *source;
  EmitKind kind = choose_emit(s);
  if (kind == EMIT_COUNT || !not_to_terminal(s, kind)) return EXIT_USAGE;
  bool by_compiler = kind == EMIT_OBJ || kind == EMIT_LIB || kind == EMIT_EXE;
  bool by_llvm =
      kind == EMIT_ASM || kind == EMIT_LLVM || kind == EMIT_BC || (by_compiler && native_chosen(s));
  if (!is_library(kind) && !native_names_fit(s, by_llvm)) return EXIT_USAGE;
  if (!dump_check(s) || !multi_is_c(s, kind) || !selftest_is_c(s, kind) || !trace_fits(s, kind) ||
      (is_library(kind) && !library_options_fit(s)))
    return EXIT_USAGE;
  if (kind == EMIT_WASM) wasm_choose_target(s->options);
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, kind == EMIT_EXE) : NULL;
  bool within = m && compiler_fits(s, kind) &&
                budgets_check(s, model, m, kind == EMIT_EXE || is_library(kind), is_c(kind),
                              kind == EMIT_OBJ || kind == EMIT_LIB);
  session_print_diags(s);
  if (s->usage_trouble) return EXIT_USAGE;
  if (m && !within) return EXIT_FAILED;
  if (!m || s->diags->n_errors) return session_failure_code(s);
  if (s->options->dump_after && !s->options->out)
    return EXIT_DONE; /* the dump was what was asked for */
  const char *out = s->options->out ? s->options->out : default_out(s, model, kind);
  Outputs outs = {0};
  BuildJob job = {model, source, m, NULL};
  bool made = (!s->options->selftest || selftest_make(s, model, source, m, &job.selftest)) &&
              emit(s, &job, kind, out, &outs);
  Report report = report_new(m, s->arena);
  if (made && !object_fits(s, model, &outs.object, report.flash)) return EXIT_FAILED;
  DepFile dependencies;
  made = made && depfile_make(s, source, out, &dependencies);
  if (made && dependencies.path)
    add_out(&outs, dependencies.path, text_str(&dependencies.text), dependencies.text.len);
  if (!made || !write_outputs(s, &outs, source))
    return s->usage_trouble ? EXIT_USAGE : s->diags->n_errors ? session_failure_code(s) : EXIT_FILE;
  costs_print(s, model, m, out, &outs.object);
  if (!s->options->out) say_written(s, &outs);
  say_flags(s, model, kind, out);
  return EXIT_DONE;
}
