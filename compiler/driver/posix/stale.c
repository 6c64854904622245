/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Temporary files and folders that were left; see stale.h. Nothing is removed but what has one of
 * our names, belongs to this user and has not changed for an hour; a folder in use is locked
 * besides. */
#define _GNU_SOURCE /* flock, getdents64 */
#include "driver/stale.h"

#include "driver/random.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STALE_SECONDS = 3600, MOST_ENTRIES = 10000 };

static bool is_old(const struct stat *st) {
  return st->st_uid == geteuid() && time(NULL) - st->st_mtime > STALE_SECONDS;
}

const char *temp_base(void) {
  const char *given = getenv("TMPDIR");
  return given && *given ? given : "/tmp";
}

/* Calls remove_one for the entries of a folder whose name begins with prefix, as far as we read. */
static void each_of(const char *folder, const char *prefix,
                    void (*remove_one)(int dir, const char *name)) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  struct dirent *e;
  for (int i = 0; i < MOST_ENTRIES && (e = readdir(dir)) != NULL; i++)
    if (random_named(e->d_name, prefix)) remove_one(dirfd(dir), e->d_name);
  closedir(dir);
}

static void remove_file(int dir, const char *name) {
  struct stat st;
  if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) && is_old(&st))
    unlinkat(dir, name, 0);
}

void stale_remove_files(const char *folder) {
  each_of(folder, STALE_FILE_PREFIX, remove_file);
}

void stale_keep(const char *folder) {
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd >= 0) flock(fd, LOCK_EX | LOCK_NB); /* and stays open */
}

static void empty(DIR *dir) {
  struct dirent *e;
  while ((e = readdir(dir)) != NULL)
    if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
      unlinkat(dirfd(dir), e->d_name, 0);
}

static void empty_folder(const char *folder) {
  DIR *dir = opendir(folder);
  if (!dir) return;
  empty(dir);
  closedir(dir);
}

#ifdef __linux__
/* Without memory of its own: it may have run out. */
void stale_empty(const char *folder) {
  union {
    struct dirent64 first;
    char bytes[4096];
  } room;
  int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  ssize_t n;
  while (fd >= 0 && (n = getdents64(fd, &room, sizeof room)) > 0) {
    for (ssize_t at = 0; at < n;) {
      struct dirent64 *e = (void *)(room.bytes + at);
      if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) unlinkat(fd, e->d_name, 0);
      at += e->d_reclen;
    }
  }
  if (fd >= 0)
    close(fd);
  else
    empty_folder(folder);
}
#else
void stale_empty(const char *folder) {
  empty_folder(folder);
}
#endif

static void remove_folder(int dir, const char *name) {
  struct stat st;
  int fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return;
  if (fstat(fd, &st) == 0 && is_old(&st) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
    DIR *left = fdopendir(fd);
    if (left) empty(left);
    unlinkat(dir, name, AT_REMOVEDIR);
    if (left) closedir(left); /* and fd */
    if (left) return;
  }
  close(fd);
}

void stale_remove_folders(const char *base) {
  each_of(base, STALE_FOLDER_PREFIX, remove_folder);
}
