/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --run-with: the command that runs a program for another processor. */
#ifndef GRUS_DRIVER_EMULATOR_H
#define GRUS_DRIVER_EMULATOR_H

#include "driver/session.h"

/* Whether this machine, or what --run-with names, runs the chosen code. False after reporting. */
bool emulator_runs(Session *s);
/* The words of --run-with into argv, which has room for emulator_room of them; how many. */
int emulator_words(Session *s, const char **argv);
size_t emulator_room(const Session *s);
/* For how long it may run: --timeout, else an hour; for `grus run`, whose data may never end, 0:
 * without end. */
long emulator_seconds(const Session *s);

#endif
