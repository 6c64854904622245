/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --target multi: C with a body for each kind of processor. */
#ifndef GRUS_DRIVER_MULTI_H
#define GRUS_DRIVER_MULTI_H

#include "driver/build.h"

/* The processors with a body, the best first. */
int multi_count(void);
const struct Target *multi_target(int i);

/* Lowers the model for every processor of the list and writes the C; source NULL: one header. False
 * after reporting. */
bool multi_write(Session *s, const Model *model, const Source *source, const COptions *c,
                 Text *header, Text *text);

#endif
