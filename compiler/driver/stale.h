/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Removes temporary files and folders that a killed process left and that no process uses. */
#ifndef GRUS_DRIVER_STALE_H
#define GRUS_DRIVER_STALE_H

#include <stdbool.h>

/* Names of temporary files and folders: the prefix and RANDOM_LETTERS. */
#define STALE_FILE_PREFIX   ".grus-"
#define STALE_FOLDER_PREFIX "grus-"

/* Where temporary folders go. */
const char *temp_base(void);

/* Removes files of this user in folder whose name is that of a temporary one, older than an
 * hour. */
void stale_remove_files(const char *folder);
/* Marks a temporary folder as in use by this process. The mark ends with the process, however it
 * ends. */
void stale_keep(const char *folder);
/* Removes folders of this user in `base` that are older than an hour and in nobody's use. */
void stale_remove_folders(const char *base);

/* Removes what is in a folder, which has no folders in it. */
void stale_empty(const char *folder);

#endif
