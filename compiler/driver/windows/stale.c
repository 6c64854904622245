/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Temporary files and folders that a killed process left; see stale.h. Windows removes no file that
 * is open, so what is in use stays. */
#include "driver/stale.h"

#include "base/arena.h"
#include "driver/random.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { PATH_BYTES = 4096, MOST_ENTRIES = 10000 };
static const uint64_t stale_ticks = UINT64_C(3600) * 10000000; /* an hour in units of 100 ns */

static uint64_t ticks(FILETIME time) {
  return (uint64_t)time.dwHighDateTime << 32 | time.dwLowDateTime;
}

static bool is_old(const WIN32_FIND_DATAA *entry) {
  FILETIME now;
  GetSystemTimeAsFileTime(&now);
  return ticks(now) > ticks(entry->ftLastWriteTime) + stale_ticks;
}

/* Calls remove for each entry that has this prefix and is old; NULL: for all. */
static void each(const char *folder, const char *prefix, bool folders) {
  char pattern[PATH_BYTES], path[PATH_BYTES];
  WIN32_FIND_DATAA entry;
  if (snprintf(pattern, sizeof pattern, "%s/*", folder) >= (int)sizeof pattern) return;
  HANDLE search = FindFirstFileA(pattern, &entry);
  if (search == INVALID_HANDLE_VALUE) return;
  for (int i = 0; i < MOST_ENTRIES; i++) {
    bool is_folder = (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
    bool meant = is_folder == folders &&
                 (!prefix || (random_named(entry.cFileName, prefix) && is_old(&entry)));
    if (meant && snprintf(path, sizeof path, "%s/%s", folder, entry.cFileName) < (int)sizeof path) {
      if (folders) stale_empty(path);
      if (folders)
        RemoveDirectoryA(path);
      else
        DeleteFileA(path);
    }
    if (!FindNextFileA(search, &entry)) break;
  }
  FindClose(search);
}

const char *temp_base(void) {
  static char path[PATH_BYTES];
  DWORD n = GetTempPathA(sizeof path, path);
  if (n == 0 || n >= sizeof path) return ".";
  for (char *c = path; *c; c++)
    if (*c == '\\') *c = '/';
  if (path[n - 1] == '/') path[n - 1] = 0;
  return path;
}

void stale_remove_files(const char *folder) {
  each(folder, STALE_FILE_PREFIX, false);
}

void stale_keep(const char *folder) {
  (void)folder; /* its files are open while they are used */
}

void stale_empty(const char *folder) {
  each(folder, NULL, false);
}

void stale_remove_folders(const char *base) {
  each(base, STALE_FOLDER_PREFIX, true);
}
