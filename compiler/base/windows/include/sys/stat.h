/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Kinds of files that Windows does not tell apart, and folders, which have no permissions there. */
#ifndef GRUS_WINDOWS_SYS_STAT_H
#define GRUS_WINDOWS_SYS_STAT_H
#include_next <sys/stat.h>

#include <direct.h>

#define S_ISSOCK(mode)    ((void)(mode), 0)
#define mkdir(path, mode) ((void)(mode), _mkdir(path))

#endif
