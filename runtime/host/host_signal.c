/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* SIGINT, SIGTERM and SIGHUP set a flag; reads and writes in progress return with EINTR. */
#include "host_posix.h"

#include "host_signal.h"

#include <signal.h>
#include <stddef.h>

#define SIGNAL_COUNT 4
static const int signals[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
static struct sigaction signals_before[SIGNAL_COUNT];
static volatile sig_atomic_t signal_flag;

static void signal_note(int number) {
  signal_flag = number;
}

void host_signal_install(void) {
  signal_flag = 0;
  for (int i = 0; i < SIGNAL_COUNT; i++) {
    struct sigaction action = {0};
    action.sa_handler = signals[i] == SIGPIPE ? SIG_IGN : signal_note;
    sigemptyset(&action.sa_mask);
    sigaction(signals[i], NULL, &signals_before[i]);
    /* A signal the caller chose to ignore (nohup) stays ignored. */
    if (signals_before[i].sa_handler == SIG_IGN) continue;
    sigaction(signals[i], &action, NULL);
  }
}

void host_signal_restore(void) {
  for (int i = 0; i < SIGNAL_COUNT; i++)
    sigaction(signals[i], &signals_before[i], NULL);
}

int host_signal_seen(void) {
  return (int)signal_flag;
}
