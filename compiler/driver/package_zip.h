/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files as a zip archive. */
#ifndef GRUS_DRIVER_PACKAGE_ZIP_H
#define GRUS_DRIVER_PACKAGE_ZIP_H

#include "base/text.h"
#include "driver/files.h"

/* Stored, all of 1980-01-01, so that the same files give the same bytes. Together less than 4
 * GiB. */
void package_zip(const FileOut *files, int n, Text *out);

#endif
