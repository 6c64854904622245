/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* main for Windows: arguments in UTF-8 with slashes in paths, streams of bytes, and the only exit()
 * of the compiler. */
#include "base/child.h"
#include "driver/session.h"
#include "import/tensors/hdf5_file.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <windows.h>

/* A backslash that stands in a path; after one that is no part of a path (a text in quotes) none
 * of our options has a use for it. */
static void turn_slashes(char *word) {
  for (char *c = word; *c; c++)
    if (*c == '\\') *c = '/';
}

/* The same of a variable that holds paths. */
static void turn_variable(const char *name) {
  const char *value = getenv(name);
  char *turned = value ? strdup(value) : NULL;
  if (!turned) return;
  turn_slashes(turned);
  _putenv_s(name, turned);
  free(turned);
}

int main(int argc, char **argv) {
  static const ChildWork *const works[] = {&hdf5_work};
  int code;
  if (child_serve(argc, argv, works, sizeof works / sizeof *works, &code)) exit(code);
  SetConsoleOutputCP(CP_UTF8);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    _setmode(fd, _O_BINARY);
  for (int i = 1; i < argc; i++)
    turn_slashes(argv[i]);
  turn_variable("CC");
  turn_variable("GRUS_RUNTIME");
  exit(grus_command(argc, argv));
}
