/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* -MD and its kin: see depfile.c. */
#ifndef GRUS_DRIVER_DEPFILE_H
#define GRUS_DRIVER_DEPFILE_H

#include "driver/session.h"

typedef struct DepFile {
  const char *path; /* NULL: none is asked for */
  Text text;
} DepFile;

/* The rule for the output. False after reporting. */
bool depfile_make(Session *s, const Source *source, const char *out, DepFile *made);

#endif
