/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Signals while there is something to clean up. Between hold and the last release INT, TERM and HUP
 * are noted (and passed on to a child) instead of ending the process, and so is a closed pipe; a
 * file over its limit is an error of write() instead of the end. The last release ends the process
 * as the noted signal would have. */
#ifndef GRUS_DRIVER_INTERRUPTS_H
#define GRUS_DRIVER_INTERRUPTS_H

#include <stdbool.h>
#include <sys/types.h>

void interrupts_hold(void);
void interrupts_release(void);
/* Whether the work should stop: a signal was noted. */
bool interrupts_noted(void);
/* Starts a command; its standard error goes to the file error_to unless that is NULL. 0, or the
 * system's error number. Signals that are noted from then on go to it too. */
int interrupts_spawn(pid_t *pid, const char *const *argv, const char *error_to);
/* Waits for it. Its exit code, or 128 and the signal that ended it. */
int interrupts_wait(pid_t pid);
/* The same, but ends it after so many seconds; 0: never. *late: whether it was ended. */
int interrupts_wait_within(pid_t pid, long seconds, bool *late);

#endif
