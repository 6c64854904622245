/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One command line, from words to exit code. */
#include "backend/llvm.h"
#include "driver/build.h"
#include "driver/machine.h"
#include "driver/version.h"

#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static ExitCode (*const command[CMD_COUNT])(Session *) = {
#define COMMAND(name, arguments, summary) command_##name,
#include "driver/commands.def"
#undef COMMAND
};

static int usage(Session *s, const char *problem) {
  session_error(s, "%s", problem);
  bool known = s->options->command < CMD_COUNT;
  fprintf(stderr, "run `grus %s%s--help` for help\n", known ? command_info[s->options->command].name : "", known ? " " : "");
  return EXIT_USAGE;
}

static int print_version(void) {
  const char *llvm = backend_llvm_version();
  return printf("grus %s\nbackends: c%s%s\n", GRUS_VERSION, llvm ? ", llvm " : "", llvm ? llvm : "");
}

static int run(Session *s, int argc, char **argv) {
  const char *problem = NULL;
  Options *o = s->options;
  bool ok = options_parse(s->arena, argc, argv, o, &problem);
  if (ok && o->version) return print_version() < 0 ? EXIT_FILE : EXIT_DONE;
  if (ok && (o->help || argc < 2)) {
    Text text = text_new(s->arena);
    if (o->command == CMD_COUNT) help_general(&text);
    else help_command(&text, o->command);
    fputs(text_str(&text), argc < 2 ? stderr : stdout);
    return argc < 2 ? EXIT_USAGE : EXIT_DONE;
  }
  if (!ok) return usage(s, problem);
  if (o->target && strcmp(o->target, "help") == 0) {
    Text text = text_new(s->arena);
    machine_list(&text);
    session_out(text_str(&text), text.len);
    return EXIT_DONE;
  }
  if (o->command == CMD_COUNT) return usage(s, "no command given");
  session_reset_diags(s);
  return (int)command[o->command](s);
}

int grus_command(int argc, char **argv) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile int code = EXIT_FILE;
  Options options = {0};
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (arena) {
      Session s = {.arena = arena, .options = &options, .sources = {.arena = arena}};
      code = run(&s, argc, argv);
      if (fflush(stdout) != 0 && code == EXIT_DONE) {
        perror("grus: error: standard output");
        code = EXIT_FILE;
      }
      arena_free(arena);
      return code;
    }
  }
  arena_free(arena);
  fputs("grus: error: out of memory\n", stderr);
  return EXIT_FILE;
}
