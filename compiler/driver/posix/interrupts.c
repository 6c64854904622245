/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Signals while there is something to clean up; see interrupts.h. */
#include "driver/interrupts.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { N_SIGNALS = 5, N_ENDING = 4, N_FROM_OUTSIDE = 3, GRACE_SECONDS = 3 };
static const int held_signal[N_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

static volatile sig_atomic_t noted;
static volatile sig_atomic_t child_pid; /* fits: Linux numbers processes below 2^22 */
static volatile sig_atomic_t is_late;
static int holds;
static struct sigaction before_hold[N_SIGNALS];

static void on_signal(int signal) {
  int error = errno;
  if (!noted) noted = signal;
  if (child_pid > 0 && signal != SIGPIPE) kill((pid_t)child_pid, signal);
  errno = error;
}

static void on_write_error(int signal) {
  (void)signal; /* write() says it */
}

void interrupts_hold(void) {
  if (holds++) return;
  for (int i = 0; i < N_SIGNALS; i++) {
    struct sigaction action = {.sa_handler = i < N_ENDING ? on_signal : on_write_error};
    sigemptyset(&action.sa_mask);
    sigaction(held_signal[i], NULL, &before_hold[i]);
    if (before_hold[i].sa_handler != SIG_IGN) sigaction(held_signal[i], &action, NULL);
  }
}

void interrupts_release(void) {
  if (--holds) return;
  for (int i = 0; i < N_SIGNALS; i++)
    sigaction(held_signal[i], &before_hold[i], NULL);
  int signal = noted;
  noted = 0;
  if (signal) kill(getpid(), signal); /* as if it came only now */
}

bool interrupts_noted(void) {
  return noted != 0;
}

/* The signals wait while `child` is set: a child that exists but is not known would not get
 * them. */
static void set_child(pid_t pid, const char *const *argv, const posix_spawn_file_actions_t *actions,
                      pid_t *started, int *error) {
  sigset_t set, before;
  sigemptyset(&set);
  for (int i = 0; i < N_FROM_OUTSIDE; i++)
    sigaddset(&set, held_signal[i]);
  sigprocmask(SIG_BLOCK, &set, &before);
  if (argv) {
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &before);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    *error = posix_spawnp(started, argv[0], actions, &attributes, (char *const *)(uintptr_t)argv,
                          environ);
    posix_spawnattr_destroy(&attributes);
    pid = *error ? 0 : *started;
  }
  child_pid = pid;
  sigprocmask(SIG_SETMASK, &before, NULL);
}

int interrupts_spawn(pid_t *pid, const char *const *argv, const char *error_to) {
  posix_spawn_file_actions_t actions;
  int error = 0;
  posix_spawn_file_actions_init(&actions);
  if (error_to)
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error_to,
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  set_child(0, argv, &actions, pid, &error);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

/* The time is over: the child is asked to end, and made to end when it has not. */
static void on_alarm(int signal) {
  int error = errno;
  (void)signal;
  if (child_pid > 0) kill((pid_t)child_pid, is_late ? SIGKILL : SIGTERM);
  is_late = 1;
  alarm(GRACE_SECONDS);
  errno = error;
}

int interrupts_wait(pid_t pid) {
  siginfo_t info;
  int status = 0;
  /* First without reaping it, so that its number is not another's while signals still go to it. */
  while (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT) < 0 && errno == EINTR) {
  }
  set_child(0, NULL, NULL, NULL, NULL);
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int interrupts_wait_within(pid_t pid, long seconds, bool *late) {
  struct sigaction action = {.sa_handler = on_alarm}, before;
  sigemptyset(&action.sa_mask);
  is_late = 0;
  sigaction(SIGALRM, &action, &before);
  alarm((unsigned)seconds);
  int code = interrupts_wait(pid);
  alarm(0);
  sigaction(SIGALRM, &before, NULL);
  *late = is_late != 0;
  return code;
}
