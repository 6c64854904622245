/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Real paths, and the folder that reading is confined to; see place.h. The system says where an
 * open file is, links followed, as \\?\C:\folder\file. */
#include "base/place.h"

#include "base/input.h"

#include <fcntl.h>
#include <io.h>
#include <string.h>
#include <windows.h>

enum { PATH_BYTES = 4096 };
static char confined_to[PATH_BYTES]; /* ends with a backslash; "": everywhere */

static bool path_of(HANDLE file, char path[PATH_BYTES]) {
  DWORD n = GetFinalPathNameByHandleA(file, path, PATH_BYTES, FILE_NAME_NORMALIZED);
  return n > 0 && n < PATH_BYTES;
}

/* What a path names, opened for asking alone; a folder too. */
static HANDLE open_path(const char *path) {
  return CreateFileA(path, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, NULL,
                     OPEN_EXISTING, FILE_FLAG_BACKUP_SEMANTICS, NULL);
}

bool files_confine(Arena *arena, const char *folder, const char **reason) {
  (void)arena;
  confined_to[0] = 0;
  if (!folder) return true;
  DWORD kind = GetFileAttributesA(folder);
  HANDLE opened = open_path(folder);
  bool known = opened != INVALID_HANDLE_VALUE && path_of(opened, confined_to);
  if (opened != INVALID_HANDLE_VALUE) CloseHandle(opened);
  if (kind == INVALID_FILE_ATTRIBUTES || !known)
    *reason = "No such file or directory";
  else if (!(kind & FILE_ATTRIBUTE_DIRECTORY))
    *reason = "it is not a folder";
  else if (strlen(confined_to) + 2 > sizeof confined_to)
    *reason = "its name is too long";
  else {
    if (confined_to[strlen(confined_to) - 1] != '\\') strcat(confined_to, "\\");
    return true;
  }
  confined_to[0] = 0;
  return false;
}

bool place_is_allowed(int fd, const char *path) {
  char real[PATH_BYTES];
  (void)path;
  if (!*confined_to) return true;
  if (!path_of((HANDLE)_get_osfhandle(fd), real)) return false;
  return _strnicmp(real, confined_to, strlen(confined_to)) == 0;
}

const char *place_real(Arena *arena, const char *path) {
  char real[PATH_BYTES];
  HANDLE opened = open_path(path);
  if (opened == INVALID_HANDLE_VALUE) return NULL;
  bool known = path_of(opened, real);
  CloseHandle(opened);
  if (!known) return NULL;
  for (char *c = real; *c; c++)
    if (*c == '\\') *c = '/';
  return arena_strdup(arena, strncmp(real, "//?/", 4) == 0 ? real + 4 : real);
}

bool place_same_time(const struct stat *a, const struct stat *b) {
  return a->st_mtime == b->st_mtime;
}

/* The number of the volume and of the file on it. */
static bool identity(const char *path, BY_HANDLE_FILE_INFORMATION *out) {
  HANDLE opened = open_path(path);
  if (opened == INVALID_HANDLE_VALUE) return false;
  bool known = GetFileInformationByHandle(opened, out);
  CloseHandle(opened);
  return known;
}

bool place_is_same(const char *a, const char *b) {
  BY_HANDLE_FILE_INFORMATION x, y;
  return identity(a, &x) && identity(b, &y) && x.dwVolumeSerialNumber == y.dwVolumeSerialNumber &&
         x.nFileIndexHigh == y.nFileIndexHigh && x.nFileIndexLow == y.nFileIndexLow;
}
