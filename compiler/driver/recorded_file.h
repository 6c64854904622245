/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A recorded value in any file that `grus run` reads: CSV, JSON lines, .wav, raw numbers. */
#ifndef GRUS_DRIVER_RECORDED_FILE_H
#define GRUS_DRIVER_RECORDED_FILE_H

#include "driver/recordings.h"

typedef enum RecordedSteps {
  RECORDED_AS_TYPED, /* the steps of the type */
  RECORDED_ANY       /* any number of steps, one sample: streams, and what windows are cut from */
} RecordedSteps;

/* Reads the samples of a value of that name and type from a file, standard input (`-`) or numbers.
 * False after reporting. */
bool recorded_file_read(Session *s, const char *name, const Type *type, RecordedSteps steps,
                        const char *path, Recording *out);

/* Whether all n values can be stored in a value of that type, as the readers of `grus run` judge.
 * False after reporting. */
bool recorded_takes(Session *s, const char *name, const Type *type, const char *path,
                    const double *data, int64_t n);

#endif
