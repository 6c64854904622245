/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* main for Windows: arguments in UTF-8 with slashes in paths, streams of bytes, and the only exit()
 * of the compiler. */
#include "driver/session.h"

#include <fcntl.h>
#include <io.h>
#include <stdlib.h>
#include <unistd.h>
#include <windows.h>

/* A backslash that stands in a path; behind one that is no part of a path (a text in quotes) none
 * of our options has a use for it. */
static void turn_slashes(char *word) {
  for (char *c = word; *c; c++)
    if (*c == '\\') *c = '/';
}

int main(int argc, char **argv) {
  SetConsoleOutputCP(CP_UTF8);
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
    _setmode(fd, _O_BINARY);
  for (int i = 1; i < argc; i++)
    turn_slashes(argv[i]);
  exit(grus_command(argc, argv));
}
