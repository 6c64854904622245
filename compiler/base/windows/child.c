/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Processes with limits, without fork: this executable once more, with the words that child_serve
 * knows. Its standard input is one end of a pipe that carries both ways; over it come its input
 * and then what the work says. A job limits its memory and lets it start nothing, a thread of its
 * own counts its time. See child.h. */
#include "base/child.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <windows.h>

enum {
  OWN_MEMORY = 64 << 20, /* of the executable and the C library */
  TICK_MS = 50,
  UNITS = 10000000, /* of time, in a second */
  WORD_COUNT = 4,   /* grus --child NAME SECONDS */
  COMMAND_MAX = 200,
  MOST_BYTES = 1 << 30 /* at once: counts of Windows have 32 bits */
};
#define CHILD_WORD "--child"

/* Exit codes that no work has. */
enum { STOPPED = 0x67727573, TOO_LONG };

bool child_put(int socket, const void *data, size_t n) {
  const char *p = data;
  while (n) {
    DWORD sent = 0;
    if (!WriteFile(LongToHandle(socket), p, n < MOST_BYTES ? (DWORD)n : MOST_BYTES, &sent, NULL))
      return false;
    p += sent;
    n -= sent;
  }
  return true;
}

bool child_get(int socket, void *data, size_t n) {
  char *p = data;
  while (n) {
    DWORD got = 0;
    if (!ReadFile(LongToHandle(socket), p, n < MOST_BYTES ? (DWORD)n : MOST_BYTES, &got, NULL) ||
        !got)
      return false;
    p += got;
    n -= got;
  }
  return true;
}

/* ---- the child ---- */

static ULONGLONG time_used(void) {
  FILETIME created, ended, kernel, user;
  if (!GetProcessTimes(GetCurrentProcess(), &created, &ended, &kernel, &user)) return 0;
  return ((ULONGLONG)kernel.dwHighDateTime << 32) + kernel.dwLowDateTime +
         ((ULONGLONG)user.dwHighDateTime << 32) + user.dwLowDateTime;
}

/* Ends this process when it has computed for too long: units of 100 ns. */
static DWORD WINAPI count_time(void *arg) {
  while (time_used() <= *(const ULONGLONG *)arg)
    Sleep(TICK_MS);
  TerminateProcess(GetCurrentProcess(), TOO_LONG);
  return 0;
}

bool child_serve(int argc, char **argv, const ChildWork *const *works, size_t n_works, int *code) {
  static ULONGLONG most;
  if (argc != WORD_COUNT || strcmp(argv[1], CHILD_WORD) != 0) return false;
  const ChildWork *work = NULL;
  for (size_t i = 0; i < n_works; i++)
    if (strcmp(works[i]->name, argv[2]) == 0) work = works[i];
  *code = EXIT_FAILURE;
  if (!work) return true;
  most = strtoull(argv[3], NULL, 10) * UNITS;
  SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX); /* a crash asks nobody */
  int socket = HandleToLong(GetStdHandle(STD_INPUT_HANDLE));
  uint64_t n;
  if (!CreateThread(NULL, 0, count_time, &most, 0, NULL) || !child_get(socket, &n, sizeof n))
    return true;
  void *input = n < SIZE_MAX ? malloc((size_t)n + 1) : NULL;
  *code = CHILD_NO_MEMORY;
  if (!input) return true;
  *code = child_get(socket, input, (size_t)n) ? work->run(input, (size_t)n, socket) : EXIT_FAILURE;
  free(input);
  return true;
}

/* ---- the parent ---- */

/* Both ends of a pipe of bytes, the other one inherited. */
static bool pipe_open(HANDLE *own, HANDLE *other) {
  static LONG count;
  char name[COMMAND_MAX];
  SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
  snprintf(name, sizeof name, "\\\\.\\pipe\\grus-%lu-%ld-%llu", GetCurrentProcessId(),
           InterlockedIncrement(&count), (unsigned long long)GetTickCount64());
  *own = CreateNamedPipeA(name, PIPE_ACCESS_DUPLEX | FILE_FLAG_FIRST_PIPE_INSTANCE,
                          PIPE_TYPE_BYTE | PIPE_READMODE_BYTE | PIPE_WAIT, 1, 1 << 16, 1 << 16, 0,
                          NULL);
  if (*own == INVALID_HANDLE_VALUE) return false;
  *other = CreateFileA(name, GENERIC_READ | GENERIC_WRITE, 0, &inherited, OPEN_EXISTING, 0, NULL);
  if (*other != INVALID_HANDLE_VALUE) return true;
  CloseHandle(*own);
  return false;
}

/* A process that has not begun yet and has the handles of `streams` alone. */
static bool process_make(wchar_t *words, HANDLE streams[2], bool is_heard,
                         PROCESS_INFORMATION *out) {
  wchar_t self[MAX_PATH * 4];
  SIZE_T size = 0;
  DWORD length = GetModuleFileNameW(NULL, self, sizeof self / sizeof *self);
  InitializeProcThreadAttributeList(NULL, 1, 0, &size);
  LPPROC_THREAD_ATTRIBUTE_LIST list = malloc(size);
  bool ok = list && length && length < sizeof self / sizeof *self &&
            InitializeProcThreadAttributeList(list, 1, 0, &size);
  if (ok) {
    STARTUPINFOEXW start = {.lpAttributeList = list};
    start.StartupInfo.cb = sizeof start;
    start.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    start.StartupInfo.hStdInput = streams[0];
    start.StartupInfo.hStdOutput = streams[1];
    start.StartupInfo.hStdError = streams[is_heard ? 0 : 1];
    ok = UpdateProcThreadAttribute(list, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, streams,
                                   2 * sizeof *streams, NULL, NULL) &&
         CreateProcessW(self, words, NULL, NULL, TRUE,
                        CREATE_SUSPENDED | CREATE_NO_WINDOW | EXTENDED_STARTUPINFO_PRESENT, NULL,
                        NULL, &start.StartupInfo, out);
    DeleteProcThreadAttributeList(list);
  }
  free(list);
  return ok;
}

/* Limits stay as long as a process is in the job, also when its handle is closed. */
static bool process_limit(HANDLE process, size_t memory) {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.ProcessMemoryLimit = memory};
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_PROCESS_MEMORY |
                                            JOB_OBJECT_LIMIT_ACTIVE_PROCESS |
                                            JOB_OBJECT_LIMIT_DIE_ON_UNHANDLED_EXCEPTION;
  limits.BasicLimitInformation.ActiveProcessLimit = 1;
  HANDLE job = CreateJobObjectW(NULL, NULL);
  bool ok =
      job &&
      SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits) &&
      AssignProcessToJobObject(job, process);
  if (job) CloseHandle(job);
  return ok;
}

bool child_start(Child *child, ChildLimits limits, const ChildWork *work, const void *input,
                 size_t n) {
  PROCESS_INFORMATION made = {0};
  SECURITY_ATTRIBUTES inherited = {sizeof inherited, NULL, TRUE};
  wchar_t words[COMMAND_MAX];
  HANDLE own, streams[2];
  *child = (Child){0, -1};
  if (!pipe_open(&own, &streams[0])) return false;
  streams[1] = CreateFileA("NUL", GENERIC_WRITE, FILE_SHARE_READ | FILE_SHARE_WRITE, &inherited,
                           OPEN_EXISTING, 0, NULL);
  _snwprintf(words, COMMAND_MAX, L"grus " CHILD_WORD L" %hs %lu", work->name, limits.seconds);
  bool ok = process_make(words, streams, limits.is_heard, &made);
  ok = ok && process_limit(made.hProcess, limits.memory + n + OWN_MEMORY);
  CloseHandle(streams[0]); /* else reading would not end with the child */
  CloseHandle(streams[1]);
  uint64_t length = n;
  ok = ok && ResumeThread(made.hThread) != (DWORD)-1;
  if (made.hThread) CloseHandle(made.hThread);
  if (ok) {
    *child = (Child){HandleToLong(made.hProcess), HandleToLong(own)};
    if (child_put(child->socket, &length, sizeof length)) child_put(child->socket, input, n);
    return true; /* who asks it hears whether it is there */
  }
  if (made.hProcess) {
    TerminateProcess(made.hProcess, STOPPED);
    CloseHandle(made.hProcess);
  }
  CloseHandle(own);
  return false;
}

const char *child_end(Child *child) {
  DWORD code = STOPPED;
  if (!child->pid) return NULL;
  HANDLE process = LongToHandle(child->pid);
  CloseHandle(LongToHandle(child->socket)); /* one that has answered ends by itself */
  TerminateProcess(process, STOPPED);
  WaitForSingleObject(process, INFINITE);
  GetExitCodeProcess(process, &code);
  CloseHandle(process);
  *child = (Child){0, -1};
  switch (code) {
  case 0:
  case STOPPED: return NULL;
  case TOO_LONG: return "it takes too long";
  case CHILD_NO_MEMORY: return "it takes too much memory";
  default: return "it crashes";
  }
}
