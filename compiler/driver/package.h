/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --emit=package: the C of a model in a folder that is a library of Arduino and PlatformIO, a component of
 * ESP-IDF, a module of Zephyr, a project of CMake and a CMSIS-Pack at once. */
#ifndef GRUS_DRIVER_PACKAGE_H
#define GRUS_DRIVER_PACKAGE_H

#include "driver/build.h"
#include "driver/files.h"

/* The files below dir, with their folders made, or the one archive dir.zip (zip). header and source: the
 * C. NULL after reporting; *n: how many. */
const FileOut *package_files(Session *s, const KirModule *m, const COptions *c, const Text *header, const Text *source, const char *dir,
                             bool zip, int *n);
/* Makes the folders that the files need. False after reporting. */
bool package_folders(Session *s, const char *dir);

#endif
