/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A compiled model that runs in a process of its own, by the command of --run-with. Its entries
 * first note what they are called with; apart_answer runs the program on all of that, and the same
 * calls in the same order then get the answers. */
#ifndef GRUS_DRIVER_APART_H
#define GRUS_DRIVER_APART_H

#include "driver/measure.h"
#include "driver/trial.h"

/* Around the program `exe` in the folder dir, made with grus_apart.c of the runtime. */
const GrusProgram *apart_program(Session *s, const KirModule *m, const char *dir, const char *exe);
/* Whether the entries of the program are those of apart_program. */
bool apart_is(const GrusProgram *program);
/* Forgets the calls noted so far. */
void apart_begin(void);
/* Runs the program; from now on calls get answers. False after reporting. */
bool apart_answer(Session *s);
/* Times of the last noted call, by the clock of the program. False after reporting. */
bool apart_times(Session *s, long least, Spread *out);

#endif
