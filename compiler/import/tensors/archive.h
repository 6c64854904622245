/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Zip archives of tensors: .npz, .keras, and the files of PyTorch. All members together may
 * decompress to a bounded multiple of the size of the archive. */
#ifndef GRUS_IMPORT_TENSORS_ARCHIVE_H
#define GRUS_IMPORT_TENSORS_ARCHIVE_H

#include "import/weights_file.h"

typedef struct Archive Archive;

/* Whether a file begins like a zip archive. */
bool archive_sniff(Mapped file);
/* Opens an archive, which is closed with the arena. NULL with *reason. */
Archive *archive_open(Arena *arena, Mapped file, const char **reason);
int64_t archive_count(const Archive *archive);
const char *archive_name(const Archive *archive, int64_t index); /* "" if it has none */
int64_t archive_find(const Archive *archive, const char *name);  /* -1 if there is none */
/* The decompressed bytes of a member. False with *reason, also if its checksum is wrong. */
bool archive_read(Archive *archive, int64_t index, Mapped *out, const char **reason);

#endif
