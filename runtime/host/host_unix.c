/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files, signals, time and memory with POSIX; see host_system.h and host_signal.h. */
#include "host_posix.h"

#ifndef _WIN32

#include "host_signal.h"
#include "host_system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ---- signals ---- */

#define SIGNAL_COUNT 4
static const int signals[SIGNAL_COUNT] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
static struct sigaction signals_before[SIGNAL_COUNT];
static volatile sig_atomic_t signal_flag;

static void signal_note(int number) {
  signal_flag = number;
}

void host_signal_install(void) {
  signal_flag = 0;
  for (int i = 0; i < SIGNAL_COUNT; i++) {
    struct sigaction action = {0};
    action.sa_handler = signals[i] == SIGPIPE ? SIG_IGN : signal_note;
    sigemptyset(&action.sa_mask);
    sigaction(signals[i], NULL, &signals_before[i]);
    /* A signal the caller chose to ignore (nohup) stays ignored. */
    if (signals_before[i].sa_handler == SIG_IGN) continue;
    sigaction(signals[i], &action, NULL);
  }
}

void host_signal_restore(void) {
  for (int i = 0; i < SIGNAL_COUNT; i++)
    sigaction(signals[i], &signals_before[i], NULL);
}

int host_signal_seen(void) {
  return (int)signal_flag;
}

void host_system_begin(int argc, char **argv) {
  (void)argc;
  (void)argv;
}

void host_system_die(int number) {
  signal(number, SIG_DFL);
  raise(number);
}

bool host_system_is_terminal(int fd) {
  return isatty(fd) != 0;
}

double host_system_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- files ---- */

int host_system_open(const char *path) {
  return open(path, O_RDONLY | O_CLOEXEC);
}

int64_t host_system_read_at(int fd, void *to, size_t n, uint64_t at) {
  return pread(fd, to, n, (off_t)at);
}

void host_system_identify(int fd, const char *path, const struct stat *info, uint64_t *device,
                          uint64_t *inode) {
  (void)fd;
  (void)path;
  *device = (uint64_t)info->st_dev;
  *inode = (uint64_t)info->st_ino;
}

bool host_system_appends(int fd) {
  return (fcntl(fd, F_GETFL) & O_APPEND) != 0;
}

bool host_system_make_folder(const char *path) {
  return mkdir(path, 0777) == 0;
}

char *host_system_real_path(const char *path) {
  return realpath(path, NULL);
}

int host_system_new_file(char *template, const struct stat *like) {
  mode_t mask = umask(0);
  umask(mask);
  int fd = mkstemp(template);
  mode_t mode = like ? like->st_mode & 0777 : 0666 & ~mask;
  /* A file system without permissions refuses this, which does no harm. */
  if (fd >= 0 && fchmod(fd, mode) != 0) errno = 0;
  return fd;
}

bool host_system_replace(const char *from, const char *to) {
  return rename(from, to) == 0;
}

FILE *host_system_scratch(void) {
  return tmpfile();
}

/* ---- memory ---- */

void *host_system_allocate(size_t size, size_t align) {
  void *memory;
  return posix_memalign(&memory, align, size) ? NULL : memory;
}

void host_system_free(void *memory) {
  free(memory);
}

#else
typedef int HostUnixNotUsed; /* ISO C has no empty files */
#endif
