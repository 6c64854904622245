/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* `--config MODEL.grus`: the layers are written by hand, and a file that holds nothing but tensors
 * has the weights. */
#ifndef GRUS_DRIVER_WRITTEN_H
#define GRUS_DRIVER_WRITTEN_H

#include "driver/imported.h"

/* --config names a .grus file, by its ending. */
bool config_is_written(const Session *s);
/* The model of --config, with --weights now naming the file of tensors; NULL after reporting. */
Program *session_load_written(Session *s, const char *tensors, const Source **source);
/* session_import for the same: the text is that of --config with another file in its `weights`. */
bool session_import_written(Session *s, const char *tensors, const char *weights, const char *shown,
                            Imported *out);

#endif
