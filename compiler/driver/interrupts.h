/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Signals while there is something to clean up. Between hold and the last release INT, TERM and HUP
 * are noted (and passed on to a child) instead of ending the process, and a closed pipe or a file
 * over its limit is an error of write() instead of the end; the last release ends the process as the
 * noted signal would have. */
#ifndef GRUS_DRIVER_INTERRUPTS_H
#define GRUS_DRIVER_INTERRUPTS_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

void interrupts_hold(void);
void interrupts_release(void);
/* Whether the work should stop: a signal was noted. */
bool interrupts_noted(void);
/* Keeps the held signals waiting while a child is started; *before is the mask the child needs. */
void interrupts_block(sigset_t *before);
/* Ends interrupts_block; the signals go to this child too, until it is 0. */
void interrupts_unblock(const sigset_t *before, pid_t child);

#endif
