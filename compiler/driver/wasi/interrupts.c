/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* No signals and no other programs. See interrupts.h. */
#include "driver/interrupts.h"

#include <errno.h>

void interrupts_hold(void) {}
void interrupts_release(void) {}
bool interrupts_noted(void) {
  return false;
}

int interrupts_spawn(pid_t *pid, const char *const *argv, const char *error_to) {
  (void)argv, (void)error_to;
  *pid = 0;
  return ENOSYS;
}

int interrupts_wait(pid_t pid) {
  (void)pid;
  return -1;
}

int interrupts_wait_within(pid_t pid, long seconds, bool *late) {
  (void)seconds;
  *late = false;
  return interrupts_wait(pid);
}
