/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What `verify` compares with: arrays by name, in a folder of NAME.npy (or .csv and the other files
 * that `run` reads), in one .npz, or given as NAME=DATA on the command line. */
#ifndef GRUS_DRIVER_RECORDINGS_H
#define GRUS_DRIVER_RECORDINGS_H

#include "driver/trial.h"

/* The values of one name, by sample. */
typedef struct Recording {
  bool is_there;
  int64_t samples; /* of the leading axis, or 1 */
  Recorded *sample;
} Recording;

/* Checks that --against names a folder or an .npz file, and that NAME=DATA names inputs. False
 * after reporting. */
bool recordings_open(Session *s, const Model *model);
/* The recording of an input: its shape must be the type's, or have one axis more in front, or lack
 * an axis of size 1. False after reporting; is_there is false where there is none. */
bool recording_input(Session *s, const Port *port, Recording *out);
/* All numbers of an output or a layer, whatever axes stand in front of those of its type. */
bool recording_output(Session *s, const char *name, const Type *type, Recorded *out, bool *there);
/* Sample number i; of a recording with one sample that one. */
Recorded recording_sample(const Recording *r, int64_t i);

#endif
