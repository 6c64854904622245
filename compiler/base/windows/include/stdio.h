/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* rename over a file that is there, as POSIX has it: base/windows/names.c. */
#ifndef GRUS_WINDOWS_STDIO_H
#define GRUS_WINDOWS_STDIO_H
#include_next <stdio.h>

int windows_rename(const char *from, const char *to);

#define rename(from, to) windows_rename(from, to)

#endif
