/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus run: compiles the model, in memory or as a program in a temporary folder, and runs it on the
 * data given. The words after FILE are the program's own command line. */
#include "driver/build.h"
#include "driver/emulator.h"
#include "driver/jit.h"
#include "driver/native.h"
#include "driver/version.h"

#include <stdlib.h>

/* argv of the program called `name`: what runs it, then our own words after FILE. *count without
 * the NULL at the end. */
static const char **program_argv(Session *s, const char *name, int *count) {
  const Options *o = s->options;
  const char **argv = ARENA_ARRAY(s->arena, const char *, o->n_args + emulator_room(s) + 5);
  int n = emulator_words(s, argv);
  argv[n++] = name;
  for (size_t i = 1; i < o->n_args; i++)
    argv[n++] = o->args[i];
  if (o->out) {
    argv[n++] = "--out";
    argv[n++] = o->out;
  }
  if (o->quiet) argv[n++] = "--quiet";
  *count = n;
  return argv;
}

/* The program's exit code as one of the command: data that does not fit is a file that could not be
 * used, for the model is not wrong. */
static ExitCode exit_code_of(int code) {
  return code < 0 || code == GRUS_EXIT_DATA ? EXIT_FILE : (ExitCode)code;
}

static ExitCode run_here(Session *s, const KirModule *m) {
  int argc;
  const char **argv = program_argv(s, m->name, &argc);
  const GrusProgram *program = jit_program(s, m);
  return program ? exit_code_of(grus_main(program, argc, (char **)(uintptr_t)argv))
                 : session_failure_code(s);
}

/* Said once: what LLVM compiles in memory takes a C compiler and a second here. */
static void say_compiler(Session *s) {
  const char *cc = getenv("CC");
  if (!s->options->backend && !(cc && *cc))
    session_say(s, "grus: compiled by `%s`: this grus has no LLVM backend", c_compiler());
}

static ExitCode run_apart(Session *s, const KirModule *m) {
  COptions c = {.prefix = m->name, .compiler = "grus " GRUS_VERSION, .scratch = C_SCRATCH_STATIC};
  const char *dir = temp_dir(s), *exe = dir ? file_join(s->arena, dir, m->name) : NULL;
  int argc;
  if (!native_chosen(s)) say_compiler(s);
  if (!dir || !compile_program(s, m, &c, dir, exe, PROGRAM_ALONE)) return EXIT_FILE;
  return exit_code_of(run_command_within(s, program_argv(s, exe, &argc), emulator_seconds(s)));
}

ExitCode command_run(Session *s) {
  const Source *source;
  if (!native_names_fit(s, native_chosen(s))) return EXIT_USAGE;
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, true) : NULL;
  session_print_diags(s);
  if (s->usage_trouble || (m && !emulator_runs(s))) return EXIT_USAGE;
  if (!m || s->diags->n_errors) return session_failure_code(s);
  return native_chosen(s) && !s->options->run_with ? run_here(s, m) : run_apart(s, m);
}
