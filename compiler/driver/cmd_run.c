/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus run: compiles the model, in memory or as a program in a temporary folder, and runs it on the
 * data given. The words after FILE are the program's own command line. */
#include "driver/build.h"
#include "driver/jit.h"
#include "driver/machine.h"
#include "driver/native.h"
#include "driver/version.h"

#include <stdlib.h>
#include <string.h>

/* The words of --run-with into argv; how many. */
static int add_emulator(Session *s, const char **argv) {
  const char *command = s->options->run_with ? s->options->run_with : "";
  int n = 0;
  for (char *word = strtok(arena_strdup(s->arena, command), " \t"); word;
       word = strtok(NULL, " \t"))
    argv[n++] = word;
  return n;
}

/* argv of the program called `name`: what runs it, then our own words behind FILE. *count without
 * the NULL at the end. */
static const char **program_argv(Session *s, const char *name, int *count) {
  const Options *o = s->options;
  size_t words = o->run_with ? strlen(o->run_with) : 0;
  const char **argv = ARENA_ARRAY(s->arena, const char *, o->n_args + words + 5);
  int n = add_emulator(s, argv);
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

/* Whether the machine, or what --run-with names, runs the code. False after reporting. */
static bool can_run(Session *s) {
  const char *with = s->options->run_with, *cc = getenv("CC");
  if (!with) return machine_runs(s);
  if (!with[strspn(with, " \t")])
    session_error(s, "`--run-with` needs a command, such as `qemu-aarch64`");
  else if (!machine_is_here(s) && !(cc && *cc))
    session_error(s, "a program for %s needs its C compiler: set CC, for instance CC=%s",
                  s->machine.name, machine_compiler(s));
  else
    return true;
  return false;
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
  return program ? exit_code_of(grus_main(program, argc, (char **)(uintptr_t)argv)) : EXIT_MODEL;
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
  if (!dir || !compile_program(s, m, &c, dir, exe, false)) return EXIT_FILE;
  return exit_code_of(run_command(s, program_argv(s, exe, &argc), NULL));
}

ExitCode command_run(Session *s) {
  const Source *source;
  if (!native_names_fit(s, native_chosen(s))) return EXIT_USAGE;
  Model *model = build_model(s, &source);
  KirModule *m = model ? build_lower(s, model, source, true) : NULL;
  session_print_diags(s);
  if (s->usage_trouble || (m && !can_run(s))) return EXIT_USAGE;
  if (!m || s->diags->n_errors)
    return session_exit_code(s) == EXIT_DONE ? EXIT_MODEL : session_exit_code(s);
  return native_chosen(s) && !s->options->run_with ? run_here(s, m) : run_apart(s, m);
}
