/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading files that may be anything: missing, endless, not files at all, or changing while they
 * are read. */
#ifndef GRUS_BASE_INPUT_H
#define GRUS_BASE_INPUT_H

#include "base/arena.h"

#include <stdbool.h>
#include <stdint.h>

/* The bytes of a file; they live as long as the arena. */
typedef struct Mapped {
  const uint8_t *data;
  size_t len;
} Mapped;

/* Whether the bytes of a word stand in a file. */
bool input_holds(Mapped file, const char *word);

/* A regular file, whole and as it was at one time: pipes, devices and sockets are not even opened,
 * for opening can wait without end; a file that changes while it is read is refused. False with
 * *reason, the system's words or what was found. */
bool file_map(Arena *arena, const char *path, Mapped *out, const char **reason);

/* What the user named: a regular file, a pipe, a device, or standard input ("-"), terminated by
 * NUL. NULL with *reason when it cannot be read. At most limit bytes are read: *len > limit says
 * that there was more. */
char *file_read(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason);
/* The same for a file that is named by what was read before: as file_map, regular files alone. */
char *file_read_named(Arena *arena, const char *path, size_t limit, size_t *len,
                      const char **reason);

/* From now on file_map and file_read_named refuse what lies outside this folder, links followed;
 * NULL allows all again. False with *reason if it is no folder. */
bool files_confine(Arena *arena, const char *folder, const char **reason);

#endif
