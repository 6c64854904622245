/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Ctrl-C while there is something to clean up, and other programs; see interrupts.h. A console
 * sends Ctrl-C to every program in it, so a child needs no message from us. */
#include "driver/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <process.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <windows.h>

enum { INTERRUPTED_EXIT = 130 }; /* as shells count: 128 and SIGINT */

static volatile LONG noted;
static int holds;

static BOOL WINAPI on_event(DWORD event) {
  (void)event;
  noted = 1;
  return TRUE; /* not the end of the process */
}

void interrupts_hold(void) {
  if (holds++ == 0) SetConsoleCtrlHandler(on_event, TRUE);
}

void interrupts_release(void) {
  if (--holds) return;
  SetConsoleCtrlHandler(on_event, FALSE);
  if (noted) _exit(INTERRUPTED_EXIT);
}

bool interrupts_noted(void) {
  return noted != 0;
}

/* An argument as a program's own start-up code takes a command line apart: quotes around it,
 * backslashes before a quote twice. malloc; NULL: no memory. */
static char *quoted(const char *word) {
  char *out = malloc(2 * strlen(word) + 3), *to = out;
  size_t slashes = 0;
  if (!out) return NULL;
  *to++ = '"';
  for (const char *c = word; *c; c++) {
    if (*c == '"')
      for (size_t i = 0; i < slashes + 1; i++)
        *to++ = '\\';
    slashes = *c == '\\' ? slashes + 1 : 0;
    *to++ = *c;
  }
  for (size_t i = 0; i < slashes; i++)
    *to++ = '\\';
  *to++ = '"';
  *to = 0;
  return out;
}

/* Starts argv with its words quoted; -1 with errno. */
static intptr_t start(const char *program, const char *const *argv) {
  size_t n = 0;
  while (argv[n])
    n++;
  char **words = calloc(n + 1, sizeof *words);
  bool all = words != NULL;
  for (size_t i = 0; i < n && all; i++)
    all = (words[i] = quoted(argv[i])) != NULL;
  intptr_t process = all ? _spawnvp(_P_NOWAIT, program, (const char *const *)words) : -1;
  int error = all ? errno : ENOMEM;
  for (size_t i = 0; i < n && words; i++)
    free(words[i]);
  free(words);
  errno = error;
  return process;
}

int interrupts_spawn(pid_t *pid, const char *const *argv, const char *error_to) {
  enum { READABLE = 0600 };
  int kept = -1, log = -1;
  if (error_to) {
    log = open(error_to, O_WRONLY | O_CREAT | O_TRUNC | _O_BINARY, READABLE);
    kept = log >= 0 ? dup(STDERR_FILENO) : -1;
    if (kept < 0 || dup2(log, STDERR_FILENO) < 0) return errno;
  }
  intptr_t process = start(argv[0], argv);
  int error = process == -1 ? errno : 0;
  if (error_to) {
    dup2(kept, STDERR_FILENO);
    close(kept);
    close(log);
  }
  *pid = error ? 0 : process;
  return error;
}

int interrupts_wait_within(pid_t pid, long seconds, bool *late) {
  enum { MILLI = 1000 };
  DWORD code = 1, most = seconds ? (DWORD)seconds * MILLI : INFINITE;
  HANDLE process = (HANDLE)(intptr_t)pid;
  *late = WaitForSingleObject(process, most) == WAIT_TIMEOUT;
  if (*late) TerminateProcess(process, 1);
  WaitForSingleObject(process, INFINITE);
  GetExitCodeProcess(process, &code);
  CloseHandle(process);
  return (int)code;
}

int interrupts_wait(pid_t pid) {
  bool late;
  return interrupts_wait_within(pid, 0, &late);
}
