/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Processes with limits; see child.h. */
#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

bool child_put(int socket, const void *data, size_t n) {
  const char *p = data;
  while (n) {
    ssize_t sent = send(socket, p, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    p += sent;
    n -= (size_t)sent;
  }
  return true;
}

bool child_get(int socket, void *data, size_t n) {
  char *p = data;
  while (n) {
    ssize_t got = recv(socket, p, n, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    p += got;
    n -= (size_t)got;
  }
  return true;
}

static void limit(int what, rlim_t most) {
  struct rlimit now;
  if (getrlimit(what, &now) != 0) return;
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
  now.rlim_cur = now.rlim_max = most;
  setrlimit(what, &now);
}

/* Sanitizers reserve most of the address space: nothing is left to limit. */
static void limit_memory(size_t more) {
#ifndef GRUS_SANITIZED
  char text[64] = "";
  int statm = open("/proc/self/statm", O_RDONLY);
  unsigned long pages = 0;
  bool known =
      statm >= 0 && read(statm, text, sizeof text - 1) > 0 && sscanf(text, "%lu", &pages) == 1;
  if (statm >= 0) close(statm);
  if (known) limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + more);
#else
  (void)more;
#endif
}

/* What is written to the standard streams goes nowhere, or that of standard error to the parent. */
static void confine(ChildLimits limits, int socket) {
  int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2 && nothing >= 0; fd++)
    dup2(fd == STDERR_FILENO && limits.is_heard ? socket : nothing, fd);
  signal(SIGBUS, SIG_DFL); /* handlers lead back into the parent's work */
  signal(SIGABRT, SIG_DFL);
  limit_memory(limits.memory);
  limit(RLIMIT_CPU, limits.seconds);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 0);
}

bool child_start(Child *child, ChildLimits limits, const ChildWork *work, const void *input,
                 size_t n) {
  int ends[2];
  *child = (Child){0, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return false;
  pid_t pid = fork();
  if (pid == 0) {
    close(ends[0]);
    confine(limits, ends[1]);
    _exit(work->run(input, n, ends[1]));
  }
  close(ends[1]);
  if (pid < 0) {
    close(ends[0]);
    return false;
  }
  *child = (Child){pid, ends[0]};
  return true;
}

const char *child_end(Child *child) {
  int status = 0;
  if (!child->pid) return NULL;
  kill(child->pid, SIGKILL); /* nothing happens to one that has ended */
  pid_t ended = waitpid(child->pid, &status, 0);
  close(child->socket);
  *child = (Child){0, -1};
  if (ended <= 0 || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)) return NULL;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) return "it takes too long";
  if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_NO_MEMORY)
    return "it takes too much memory";
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? NULL : "it crashes";
}
