/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Zip archives of tensors: .npz, .keras, and the files of PyTorch. All members together may
 * decompress to a bounded multiple of the size of the archive. */
#ifndef GRUS_IMPORT_TENSORS_ARCHIVE_H
#define GRUS_IMPORT_TENSORS_ARCHIVE_H

#include "import/weights_file.h"

typedef struct Archive Archive;

/* Whether a file begins like a zip archive. */
bool archive_sniff(Mapped file);
/* Whether it is an archive in the list of whose members a word stands, in a name or between them:
 * what format it probably is. It is not opened. */
bool archive_lists(Mapped file, const char *word);
/* Opens an archive, which is closed with the arena. NULL with *reason. */
Archive *archive_open(Arena *arena, Mapped file, const char **reason);
int64_t archive_count(const Archive *archive);
const char *archive_name(const Archive *archive, int64_t index); /* "" if it has none */
int64_t archive_find(const Archive *archive, const char *name);  /* -1 if there is none */
/* "NAME/" of the member NAME/MEMBER, "" of one at the top; NULL if there is none. Users may add
 * files of the same name in folders below it, so the outermost one counts. */
const char *archive_folder(const Archive *archive, const char *member);
/* The decompressed bytes of a member, which live as long as the archive; a member is decompressed
 * once. False with *reason, also if its checksum is wrong. */
bool archive_read(Archive *archive, int64_t index, Mapped *out, const char **reason);

#endif
