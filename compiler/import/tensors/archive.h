/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Zip archives of tensors: .npz, and what PyTorch writes. What is inflated is bounded by the size
 * of the archive, over all members together. */
#ifndef GRUS_IMPORT_TENSORS_ARCHIVE_H
#define GRUS_IMPORT_TENSORS_ARCHIVE_H

#include "import/import.h"

typedef struct Archive Archive;

bool archive_sniff(Mapped file);
/* Closed with the arena. NULL with *reason. */
Archive *archive_open(Arena *arena, Mapped file, const char **reason);
int64_t archive_count(const Archive *archive);
const char *archive_name(const Archive *archive, int64_t index); /* "" if it has none */
int64_t archive_find(const Archive *archive, const char *name);  /* -1 if there is none */
/* The member's bytes, inflated, its checksum right. False with *reason. */
bool archive_read(Archive *archive, int64_t index, Mapped *out, const char **reason);

#endif
