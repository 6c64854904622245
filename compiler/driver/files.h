/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files in, whole files out. */
#ifndef GRUS_DRIVER_FILES_H
#define GRUS_DRIVER_FILES_H

#include "base/arena.h"

#include <stdbool.h>

/* Reads a regular file, a pipe, or standard input ("-"), terminated by NUL. NULL with *reason (the
 * system's words, or what kind of file it is) when it cannot be read. At most limit bytes are read:
 * *len > limit says that there was more. */
char *file_read(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason);

/* Writes a temporary file beside path and renames it, so that path holds the old or the new content,
 * whole; leaves it untouched when the content is the same already. "-" is standard output. */
bool file_write(Arena *arena, const char *path, const char *data, size_t len, const char **reason);

/* One file to write; "-" is standard output. */
typedef struct FileOut {
  const char *path, *data;
  size_t len;
  bool executable; /* by everyone who may read it */
} FileOut;

/* Writes all files or none: each has its temporary file, complete, before the first is renamed.
 * *failed is the path that could not be written. */
bool files_write(Arena *arena, const FileOut *files, int n, const char **failed, const char **reason);

/* "dir" of "dir/name", "." without a slash. */
const char *file_dir(Arena *arena, const char *path);
/* dir/name, or name itself when it is absolute or dir is ".". */
const char *file_join(Arena *arena, const char *dir, const char *name);
bool file_exists(const char *path);
/* Whether both paths name one existing file. */
bool file_same(const char *a, const char *b);

#endif
