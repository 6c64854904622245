/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reading files; see input.h. Files are copied into memory, so that nothing changes under a reader that
 * has checked it. Only very large ones are mapped: if such a file shrinks, the kernel says so by a
 * signal, and the command ends as it does when memory runs out (arena_leave). */
#define _XOPEN_SOURCE 700 /* realpath */
#include "base/input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_STEP = 1 << 20 };
static const size_t largest_copy = (size_t)256 << 20;

static char confined_to[PATH_MAX]; /* ends with a slash; "": everywhere */

bool files_confine(Arena *arena, const char *folder, const char **reason) {
  char real[PATH_MAX];
  struct stat st;
  confined_to[0] = 0;
  if (!folder) return true;
  if (!realpath(folder, real) || stat(real, &st) != 0) *reason = strerror(errno);
  else if (!S_ISDIR(st.st_mode)) *reason = "it is not a folder";
  else if (strlen(real) + 2 > sizeof confined_to) *reason = strerror(ENAMETOOLONG);
  else {
    snprintf(confined_to, sizeof confined_to, "%s%s", real, strcmp(real, "/") == 0 ? "" : "/");
    return true;
  }
  *reason = arena_strdup(arena, *reason);
  return false;
}

/* Where an open file really is: asked of the kernel, since a path may lead elsewhere by now. */
static bool is_within(int fd, const char *path) {
  char link[64], real[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t n = readlink(link, real, sizeof real - 1);
  if (n <= 0 && !realpath(path, real)) return false;
  if (n > 0) real[n] = 0;
  return strncmp(real, confined_to, strlen(confined_to)) == 0;
}

static const char *kind_of(const struct stat *st) {
  return S_ISDIR(st->st_mode)    ? "it is a directory"
         : S_ISFIFO(st->st_mode) ? "it is a pipe, not a regular file"
         : S_ISSOCK(st->st_mode) ? "it is a socket, not a regular file"
                                 : "it is a device, not a regular file";
}

static void close_file(void *arg) {
  int *fd = arg;
  if (*fd >= 0) close(*fd);
  *fd = -1;
}

/* A descriptor that is closed with the arena when memory runs out while reading. */
static int *descriptor_new(Arena *arena) {
  int *fd = ARENA_NEW(arena, int);
  *fd = -1;
  arena_defer(arena, close_file, fd);
  return fd;
}

/* Opens a regular file; what is none is not touched. */
static bool open_regular(const char *path, int *fd, struct stat *st, const char **reason) {
  if (stat(path, st) != 0) *reason = strerror(errno);
  else if (!S_ISREG(st->st_mode)) *reason = kind_of(st);
  else {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0 || fstat(*fd, st) != 0) *reason = strerror(errno);
    else if (!S_ISREG(st->st_mode)) *reason = kind_of(st);
    else if (*confined_to && !is_within(*fd, path)) *reason = "it is outside the folder given by --root";
    else return true;
  }
  close_file(fd);
  return false;
}

static bool same_state(int fd, const struct stat *before) {
  struct stat now;
  return fstat(fd, &now) == 0 && now.st_size == before->st_size && now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
         now.st_mtim.tv_nsec == before->st_mtim.tv_nsec;
}

/* Reads fd to its end, or to one byte beyond limit. Files of /proc have no size: `expected` is a guess. */
static char *read_all(Arena *arena, int fd, size_t expected, size_t limit, size_t *len, const char **reason) {
  size_t cap = (expected < limit ? expected : limit) + 2, n = 0; /* one to see the end, one for the NUL */
  char *data = arena_alloc(arena, cap);
  while (n <= limit) {
    data = arena_grow(arena, data, &cap, n + 2, 1);
    size_t room = cap - n - 1, wanted = limit + 1 - n;
    if (wanted && room > wanted) room = wanted;
    ssize_t got = read(fd, data + n, room < READ_STEP ? room : READ_STEP);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      *reason = strerror(errno);
      return NULL;
    }
    if (got == 0) break;
    n += (size_t)got;
  }
  data[n] = 0;
  *len = n;
  return data;
}

static char *read_regular(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason) {
  int *fd = descriptor_new(arena);
  struct stat st;
  if (!open_regular(path, fd, &st, reason)) return NULL;
  char *data = read_all(arena, *fd, (size_t)st.st_size, limit, len, reason);
  bool changed = data && ((st.st_size && *len <= limit && *len != (size_t)st.st_size) || !same_state(*fd, &st));
  if (changed) *reason = "it changed while it was read";
  close_file(fd);
  return changed ? NULL : data;
}

char *file_read_named(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason) {
  return read_regular(arena, path, limit, len, reason);
}

char *file_read(Arena *arena, const char *path, size_t limit, size_t *len, const char **reason) {
  struct stat st;
  if (strcmp(path, "-") == 0) return read_all(arena, STDIN_FILENO, 0, limit, len, reason);
  int *fd = descriptor_new(arena);
  char *data = NULL;
  *fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (*fd < 0 || fstat(*fd, &st) != 0) *reason = strerror(errno);
  else if (S_ISDIR(st.st_mode)) *reason = kind_of(&st);
  else data = read_all(arena, *fd, 0, limit, len, reason);
  close_file(fd);
  return data;
}

/* ---- very large files ---- */

typedef struct Mapping {
  struct Mapping *next;
  Arena *arena;
  Mapped bytes;
} Mapping;

static Mapping *mappings; /* those that are there, for the handler */

static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)context;
  const uint8_t *at = info->si_addr;
  sigset_t set;
  for (const Mapping *m = mappings; m; m = m->next)
    if (at >= m->bytes.data && at < m->bytes.data + m->bytes.len) {
      sigemptyset(&set);
      sigaddset(&set, SIGBUS);
      sigprocmask(SIG_UNBLOCK, &set, NULL);
      arena_leave(m->arena, LEAVE_FILE_SHRANK);
    }
  signal(number, SIG_DFL); /* not ours: it comes again */
}

static void unmap(void *arg) {
  Mapping *m = arg;
  if (!m->bytes.len) return;
  for (Mapping **at = &mappings; *at; at = &(*at)->next)
    if (*at == m) {
      *at = m->next;
      break;
    }
  munmap((void *)(uintptr_t)m->bytes.data, m->bytes.len);
}

static bool map_large(Arena *arena, int fd, size_t len, Mapped *out, const char **reason) {
  Mapping *m = ARENA_NEW(arena, Mapping); /* before there is anything to lose */
  arena_defer(arena, unmap, m);
  void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) {
    *reason = strerror(errno);
    return false;
  }
  struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  *m = (Mapping){mappings, arena, {p, len}};
  mappings = m;
  sigaction(SIGBUS, &action, NULL);
  *out = m->bytes;
  return true;
}

bool file_map(Arena *arena, const char *path, Mapped *out, const char **reason) {
  int *fd = descriptor_new(arena);
  struct stat st;
  if (!open_regular(path, fd, &st, reason)) return false;
  if ((size_t)st.st_size > largest_copy) {
    bool ok = map_large(arena, *fd, (size_t)st.st_size, out, reason);
    close_file(fd);
    return ok;
  }
  close_file(fd);
  size_t len = 0;
  const char *data = read_regular(arena, path, largest_copy, &len, reason);
  if (data && len > largest_copy) *reason = "it changed while it was read";
  if (!data || len > largest_copy) return false;
  *out = (Mapped){(const uint8_t *)data, len};
  return true;
}
