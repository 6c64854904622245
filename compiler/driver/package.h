/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* --emit=package: the C of a model in a folder that is a library of Arduino and PlatformIO, a
 * component of ESP-IDF, a module of Zephyr, a project of CMake and a CMSIS-Pack at once. */
#ifndef GRUS_DRIVER_PACKAGE_H
#define GRUS_DRIVER_PACKAGE_H

#include "driver/build.h"
#include "driver/files.h"

enum { PACKAGE_MAX_FILES = 24 };

typedef struct Package {
  const KirModule *m;
  const COptions *c;
  const Text *header, *source; /* the C */
  bool is_multi;               /* the state has no fields of its own: no declarations for Rust */
} Package;

/* The files below dir, or with --zip the one archive dir.zip, into out, which has room for
 * PACKAGE_MAX_FILES; how many. */
int package_files(Session *s, const Package *package, const char *dir, FileOut *out);
/* Makes the folders that the files need. False after reporting. */
bool package_folders(Session *s, const char *dir);
/* Removes those that are empty. */
void package_folders_undo(Session *s, const char *dir);

#endif
