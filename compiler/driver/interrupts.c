/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Signals while there is something to clean up; see interrupts.h. */
#include "driver/interrupts.h"

#include <errno.h>
#include <stddef.h>

enum { N_SIGNALS = 5, N_ENDING = 3 };
static const int held_signal[N_SIGNALS] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};

static volatile sig_atomic_t noted;
static volatile sig_atomic_t child_pid; /* fits: Linux numbers processes below 2^22 */
static int holds;
static struct sigaction before_hold[N_SIGNALS];

static void on_signal(int signal) {
  int error = errno;
  if (!noted) noted = signal;
  if (child_pid > 0) kill((pid_t)child_pid, signal);
  errno = error;
}

static void on_write_error(int signal) { (void)signal; /* write() says it */ }

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
  if (signal) raise(signal);
}

bool interrupts_noted(void) { return noted != 0; }

void interrupts_block(sigset_t *before) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < N_ENDING; i++)
    sigaddset(&set, held_signal[i]);
  sigprocmask(SIG_BLOCK, &set, before);
}

void interrupts_unblock(const sigset_t *before, pid_t child) {
  child_pid = child;
  sigprocmask(SIG_SETMASK, before, NULL);
}
