/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Whole files out; see files.h.
 *
 *   1. stage    each file is written beside its target under a random name, and synced
 *   2. straight what is no regular file (standard output, a device, a pipe) is written
 *   3. keep     each target that will be replaced gets a second name
 *   4. place    the staged files are renamed to their targets, the folders synced
 *
 * Of several files 3 and 4 are one step for other processes that write here: the folder is held,
 * and what needed no writing before is looked at again.
 *
 * A failure in 1 to 3 leaves all targets alone; one in 4 renames the second names back. */
#define _XOPEN_SOURCE 700
#include "driver/files.h"

#include "base/place.h"
#include "driver/descriptor.h"
#include "driver/interrupts.h"
#include "driver/links.h"
#include "driver/random.h"
#include "driver/stale.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BLOCK = 1 << 16 }; /* what is compared at a time */

static bool same_content(Arena *arena, const char *path, const char *data, size_t len) {
  struct stat st;
  if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size != len) return false;
  size_t at = 0;
  char *block = arena_alloc(arena, BLOCK);
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  while (fd >= 0 && at < len) {
    ssize_t n = read(fd, block, len - at < BLOCK ? len - at : BLOCK);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0 || memcmp(block, data + at, (size_t)n) != 0) break;
    at += (size_t)n;
  }
  if (fd >= 0) close(fd);
  return fd >= 0 && at == len;
}

static bool write_all(int fd, const char *data, size_t len) {
  while (len) {
    ssize_t n = write(fd, data, len);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    data += n;
    len -= (size_t)n;
  }
  return true;
}

/* Closes fd. A failure of close counts only if there was none before. */
static bool end_write(int fd, bool ok, const char **reason) {
  if (!ok) *reason = strerror(errno);
  if (fd < 0 || close(fd) == 0 || !ok) return ok;
  *reason = strerror(errno);
  return false;
}

bool file_put(const char *path, const char *data, size_t len, const char **reason) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  return end_write(fd, fd >= 0 && write_all(fd, data, len), reason);
}

/* ---- what is not a file that can be renamed over ---- */

static bool is_straight(const char *path) {
  struct stat st;
  return strcmp(path, "-") == 0 ||
         (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

static bool write_straight(const FileOut *file, const char **reason) {
  if (strcmp(file->path, "-") != 0) {
    int fd = open(file->path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return end_write(fd, fd >= 0 && write_all(fd, file->data, file->len), reason);
  }
  bool ok = write_all(STDOUT_FILENO, file->data, file->len);
  if (!ok) *reason = strerror(errno);
  return ok;
}

/* ---- the others ---- */

/* A file of the write, and what undoing it needs. */
typedef struct Staged {
  const char *target; /* NULL: nothing to do. The file itself, not a link to it */
  char *temp, *kept;  /* existing names next to it: of the new content, of the old; or NULL */
  bool existed, placed;
} Staged;

typedef struct Write {
  Staged *file;
  int n;    /* 0 once all is over */
  int held; /* the folder; -1: not */
} Write;

/* Undoes an unfinished write: called by files_write, and by the arena when memory runs out during a
 * write. */
static void write_end(void *arg) {
  Write *w = arg;
  if (!w->n) return;
  for (int i = 0; i < w->n; i++) {
    Staged *f = &w->file[i];
    if (f->temp) unlink(f->temp);
    if (f->placed && f->kept)
      rename(f->kept, f->target);
    else if (f->placed && !f->existed)
      unlink(f->target);
    else if (f->kept)
      unlink(f->kept);
  }
  w->n = 0;
  descriptor_release(w->held);
  interrupts_release();
}

/* A name next to target that cannot be guessed. */
static char *name_beside(Arena *arena, const char *target) {
  const char *dir = file_dir(arena, target);
  char *path = arena_printf(arena, "%s/%s%*s", dir, STALE_FILE_PREFIX, RANDOM_LETTERS, "");
  random_letters(path + strlen(path) - RANDOM_LETTERS);
  return path;
}

/* A new file beside target. Sets *name once it is there. */
static int create_beside(Arena *arena, const char *target, mode_t mode, char **name) {
  enum { TRIES = 100 };
  for (int i = 0; i < TRIES; i++) {
    char *path = name_beside(arena, target);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd >= 0) *name = path;
    if (fd >= 0 || errno != EEXIST) return fd;
  }
  return -1;
}

/* Writes file beside its target and to the disk. */
static bool stage(Arena *arena, const FileOut *file, Staged *out, const char **reason) {
  struct stat st;
  *out = (Staged){0};
  if (is_straight(file->path)) return true;
  const char *target = links_follow(arena, file->path, reason);
  if (!target) return false;
  bool exists = stat(target, &st) == 0;
  mode_t mode = exists ? st.st_mode & 0777 : 0666;
  if (exists && S_ISDIR(st.st_mode)) {
    *reason = "it is a directory";
    return false;
  }
  if (exists && !descriptor_may_write(target)) { /* a rename would take its place all the same */
    *reason = strerror(errno);
    return false;
  }
  if (file->executable) mode |= (mode & 0444) >> 2;
  if (exists && mode == (st.st_mode & 0777) && same_content(arena, target, file->data, file->len))
    return true;
  *out = (Staged){.target = target, .existed = exists};
  int fd = create_beside(arena, target, mode, &out->temp);
  bool ok = fd >= 0 && (!exists || descriptor_permit(fd, mode)) &&
            write_all(fd, file->data, file->len) && fsync(fd) == 0;
  return end_write(fd, ok, reason);
}

/* A second name for the old content, or a copy of it where links cannot be made. */
static bool keep_old(Arena *arena, Staged *f, const char **reason) {
  if (!f->target || !f->existed) return true;
  char *name = name_beside(arena, f->target);
  if (link(f->target, name) == 0) {
    f->kept = name;
    return true;
  }
  struct stat st;
  size_t len;
  const char *old = file_read(arena, f->target, (size_t)-2, &len, reason);
  if (!old) return false;
  int fd = create_beside(arena, f->target, 0600, &f->kept);
  bool ok = fd >= 0 && stat(f->target, &st) == 0 && descriptor_permit(fd, st.st_mode & 0777) &&
            write_all(fd, old, len) && fsync(fd) == 0;
  return end_write(fd, ok, reason);
}

static bool place(Staged *f, const char **reason) {
  if (!f->target) return true;
  if (rename(f->temp, f->target) != 0) {
    *reason = strerror(errno);
    return false;
  }
  f->temp = NULL;
  f->placed = true;
  return true;
}

/* The new names reach the disk. A folder that cannot be opened or synced (some network drives) is
 * no failure: the files are there. */
static void sync_folder(Arena *arena, const char *target) {
  int fd = open(file_dir(arena, target), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return;
  fsync(fd);
  close(fd);
}

/* Holds the folder, and stages the files that another process has changed meanwhile. */
static bool hold(Arena *arena, const FileOut *files, Write *w, const char **failed,
                 const char **reason) {
  const char *folder = NULL;
  for (int i = 0; i < w->n && !folder; i++)
    if (!is_straight(files[i].path)) folder = file_dir(arena, files[i].path);
  if (folder) w->held = descriptor_hold(folder);
  bool ok = true;
  for (int i = 0; i < w->n && ok; i++) {
    *failed = files[i].path;
    if (w->file[i].target)
      w->file[i].existed = file_exists(w->file[i].target);
    else
      ok = stage(arena, &files[i], &w->file[i], reason);
  }
  return ok;
}

/* All files are in place, so nothing has to be undone. */
static void commit(Arena *arena, Write *w) {
  for (int i = 0; i < w->n; i++) {
    Staged *f = &w->file[i];
    if (f->kept) unlink(f->kept);
    f->kept = NULL;
    f->placed = false;
    bool seen = !f->target;
    for (int k = 0; k < i && !seen; k++)
      seen = w->file[k].target &&
             strcmp(file_dir(arena, w->file[k].target), file_dir(arena, f->target)) == 0;
    if (seen) continue;
    sync_folder(arena, f->target);
    stale_remove_files(file_dir(arena, f->target));
  }
}

bool files_write(Arena *arena, const FileOut *files, int n, const char **failed,
                 const char **reason) {
  Write *w = ARENA_NEW(arena, Write);
  w->file = ARENA_ARRAY(arena, Staged, n + 1);
  arena_defer(arena, write_end, w);
  bool ok = true, alone = n == 1;
  interrupts_hold();
  w->n = n;
  w->held = -1;
  for (int i = 0; i < n && ok; i++) {
    *failed = files[i].path;
    ok = stage(arena, &files[i], &w->file[i], reason);
    if (ok && interrupts_noted()) {
      *reason = "interrupted";
      ok = false;
    }
  }
  /* These come before the others, so that a full device leaves them as they are. */
  for (int i = 0; i < n && ok; i++) {
    *failed = files[i].path;
    ok = !is_straight(files[i].path) || write_straight(&files[i], reason);
  }
  if (ok && !alone) ok = hold(arena, files, w, failed, reason);
  for (int i = 0; i < n && ok && !alone; i++) {
    *failed = files[i].path;
    ok = keep_old(arena, &w->file[i], reason);
  }
  for (int i = 0; i < n && ok; i++) {
    *failed = files[i].path;
    ok = place(&w->file[i], reason);
  }
  if (ok) commit(arena, w);
  write_end(w);
  return ok;
}

bool file_write(Arena *arena, const char *path, const char *data, size_t len, const char **reason) {
  const char *failed;
  return files_write(arena, &(FileOut){.path = path, .data = data, .len = len}, 1, &failed, reason);
}

/* ---- names ---- */

const char *file_base(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

const char *file_dir(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/');
  if (!slash) return ".";
  return slash == path ? "/" : arena_strndup(arena, path, (size_t)(slash - path));
}

const char *file_join(Arena *arena, const char *dir, const char *name) {
  if (name[0] == '/' || strcmp(dir, ".") == 0) return name;
  return arena_printf(arena, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
}

bool file_exists(const char *path) {
  return access(path, F_OK) == 0;
}

bool file_same(const char *a, const char *b) {
  return place_is_same(a, b);
}
