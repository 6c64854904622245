/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One command line, from words to exit code. */
#include "driver/aborts.h"
#include "driver/build.h"
#include "driver/machine.h"
#include "driver/streams.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

static ExitCode (*const command[CMD_COUNT])(Session *) = {
#define COMMAND(name, arguments, summary) command_##name,
#include "driver/commands.def"
#undef COMMAND
};

static void say(const char *s) {
  stream_error(s, strlen(s));
}

static int usage(Session *s, const char *problem) {
  session_error(s, "%s", problem);
  bool known = s->options->command < CMD_COUNT;
  const char *help =
      arena_printf(s->arena, "run `grus %s%s--help` for help\n",
                   known ? command_info[s->options->command].name : "", known ? " " : "");
  stream_error(help, strlen(help));
  return EXIT_USAGE;
}

static int run(Session *s, int argc, char **argv) {
  const char *problem = NULL;
  Options *o = s->options;
  bool ok = options_parse(s->arena, argc, argv, o, &problem);
  if (ok && o->version) return (int)command_version(s);
  if (ok && (o->help || argc < 2)) {
    Text text = text_new(s->arena);
    if (o->command == CMD_COUNT)
      help_general(&text);
    else
      help_command(&text, o->command);
    (argc < 2 ? stream_error : stream_out)(text_str(&text), text.len);
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
  if (!files_confine(s->arena, o->root, &problem)) {
    session_file_error(s, o->root, "use the folder", problem);
    return EXIT_FILE;
  }
  session_reset_diags(s);
  return (int)command[o->command](s);
}

/* The exit code of the command, or that of a failure of standard output. */
static int end_streams(int code) {
  int error = stream_end();
  if (!error || code != EXIT_DONE) return code;
  if (error == EPIPE) return EXIT_FILE; /* the reader of the pipe has stopped: no message */
  say("grus: error: standard output: ");
  say(strerror(error));
  say("\n");
  return EXIT_FILE;
}

/* Prints why a command ended early. */
static int ended(Arena *arena, const char *why) {
  arena_free(arena);
  say("grus: error: ");
  say(why);
  say("\n");
  return EXIT_FILE;
}

int grus_command(int argc, char **argv) {
  jmp_buf leave;
  Arena *volatile arena = NULL;
  Options options = {0};
  switch (setjmp(leave)) {
  case 0:
    arena = arena_new(&leave);
    if (arena) {
      Session s = {.arena = arena, .options = &options, .sources = {.arena = arena}};
#ifdef NDEBUG /* else an assertion of ours ends the process, as it should */
      aborts_guard(arena);
#endif
      int code = end_streams(run(&s, argc, argv));
#ifdef NDEBUG
      aborts_release();
#endif
      arena_free(arena);
      return code;
    }
    break;
  case LEAVE_FILE_SHRANK: return ended(arena, "a file became shorter while it was read");
  case LEAVE_ABORTED: return ended(arena, "a library failed, probably because memory ran out");
  }
  return ended(arena, "out of memory");
}
