/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What all archives of PyTorch have: those of checkpoints, of TorchScript and of torch.export. */
#ifndef GRUS_IMPORT_TENSORS_TORCH_ARCHIVE_H
#define GRUS_IMPORT_TENSORS_TORCH_ARCHIVE_H

#include "import/tensors/archive.h"

/* The storages in a folder of an archive: a member of plain numbers for each. */
typedef struct TorchStorages {
  Arena *arena;
  Archive *archive;
  const char *folder; /* "NAME/data/" */
} TorchStorages;

/* A TreeStorage, whose context is a TorchStorages: the bytes of FOLDER/KEY. False with *reason. */
bool torch_archive_storage(void *context, const char *key, Mapped *out, const char **reason);

/* Whether the numbers of the archive are little-endian, as FOLDER/byteorder says, or as they are
 * without such a member. False with *reason. */
bool torch_archive_order(Archive *archive, Arena *arena, const char *folder, const char **reason);

#endif
