/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Writes the files of a command: all of them, or none. Reading is in base/input.h. */
#ifndef GRUS_DRIVER_FILES_H
#define GRUS_DRIVER_FILES_H

#include "base/input.h"

#include <stdbool.h>

/* One file to write; "-" is standard output. */
typedef struct FileOut {
  const char *path, *data;
  size_t len;
  bool executable; /* by everyone who may read it */
} FileOut;

/* Writes all files or none. Each is written to a new file beside its target and brought to the disk
 * before the first takes its place; if one of them cannot, those that did are put back as they
 * were. What has the same content already is left untouched. False with *reason; *failed is the
 * path that could not be written. */
bool files_write(Arena *arena, const FileOut *files, int n, const char **failed,
                 const char **reason);
bool file_write(Arena *arena, const char *path, const char *data, size_t len, const char **reason);
/* Writes a file of our own, in a folder of our own, without such care. */
bool file_put(const char *path, const char *data, size_t len, const char **reason);

/* "dir" of "dir/name", "." without a slash. */
const char *file_dir(Arena *arena, const char *path);
/* The name without folders. */
const char *file_base(const char *path);
/* dir/name, or name itself when it is absolute or dir is ".". */
const char *file_join(Arena *arena, const char *dir, const char *name);
bool file_exists(const char *path);
/* Whether both paths name one existing file. */
bool file_same(const char *a, const char *b);

#endif
