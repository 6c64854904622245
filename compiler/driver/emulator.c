/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --run-with; see emulator.h. */
#include "driver/emulator.h"

#include "driver/machine.h"

#include <stdlib.h>
#include <string.h>

size_t emulator_room(const Session *s) {
  return s->options->run_with ? strlen(s->options->run_with) : 0;
}

int emulator_words(Session *s, const char **argv) {
  const char *command = s->options->run_with ? s->options->run_with : "";
  int n = 0;
  for (char *word = strtok(arena_strdup(s->arena, command), " \t"); word;
       word = strtok(NULL, " \t"))
    argv[n++] = word;
  return n;
}

long emulator_seconds(const Session *s) {
  enum { AN_HOUR = 3600 };
  if (s->options->timeout) return s->options->timeout;
  return s->options->command == CMD_run ? 0 : AN_HOUR;
}

bool emulator_runs(Session *s) {
  const char *with = s->options->run_with, *cc = getenv("CC");
  if (!with && s->options->timeout)
    session_error(s, "`--timeout` is for the program that `--run-with` runs");
  else if (!with)
    return machine_runs(s);
  else if (!with[strspn(with, " \t")])
    session_error(s, "`--run-with` needs a command, such as `qemu-aarch64`");
  else if (!machine_is_here(s) && !(cc && *cc) && !s->options->cc)
    session_error(s, "a program for %s needs its C compiler: set CC, for instance CC=%s",
                  s->machine.name, machine_compiler(s));
  else
    return true;
  return false;
}
