/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Loaded before a program (LD_PRELOAD): makes the n-th allocation or the n-th call that touches a
 * file fail, once or for ever, in the program and in all libraries it uses.
 *
 *   SHIM_KIND=memory|llvm|files  SHIM_AT=n  SHIM_ERROR=errno  SHIM_ONCE=1  SHIM_FULL=bytes
 *                           SHIM_PAUSE=folder  SHIM_COUNT=path  SHIM_SERVE=1  SHIM_INPUT=path
 *
 * `memory` is what grus and the libraries in C allocate, `llvm` what LLVM and the library of C++
 * do. With SHIM_FULL writes fail with ENOSPC (a short write before) once that many bytes were
 * written to files. SHIM_PAUSE is a folder: before its second rename the process makes the file
 * `paused` in it, and waits for a file `go`. SHIM_COUNT gets the number of calls there were.
 * Standard streams count for SHIM_KIND=files too. A process that the program forks counts on where
 * it was: each number is one call of one of them.
 *
 * What comes before main is not counted. With SHIM_SERVE the process stops there, and runs the
 * program in a child for each line of descriptor 8, which is settings as above with spaces between;
 * descriptor 9 gets a line for each, with the exit code of the child, or 128 and its signal. Each
 * reads SHIM_INPUT from its beginning. So the loader and the sanitizers do their work once for many
 * runs. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { START_BYTES = 1 << 16, PARTS_MAX = 512 };

static long at, error_number = EIO, full = -1, written;
static long *calls; /* of the program and all its forks */
static int memory, llvm, files, once, ready;

static void shim_start(void) {
  const char *kind = getenv("SHIM_KIND"), *n = getenv("SHIM_AT"), *error = getenv("SHIM_ERROR"),
             *bytes = getenv("SHIM_FULL");
  memory = kind && strcmp(kind, "memory") == 0;
  llvm = kind && strcmp(kind, "llvm") == 0;
  files = kind && strcmp(kind, "files") == 0;
  at = n ? atol(n) : 0;
  once = getenv("SHIM_ONCE") != NULL;
  if (error) error_number = atol(error);
  if (bytes) full = atol(bytes);
  calls = mmap(NULL, sizeof *calls, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (calls == MAP_FAILED) abort();
  ready = 1;
}

__attribute__((destructor)) static void shim_end(void) {
  const char *path = getenv("SHIM_COUNT");
  ready = 0;
  FILE *out = path && calls ? fopen(path, "w") : NULL;
  if (!out) return;
  fprintf(out, "%ld\n", *calls);
  fclose(out);
}

static int fails(int wanted) {
  if (!ready || !wanted) return 0;
  long n = __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST);
  return at && (once ? n == at : n >= at);
}

/* What is loaded: the addresses of each part, and whether it is LLVM or the library of C++. */
static struct {
  uintptr_t from, to;
  int is_llvm;
} part[PARTS_MAX];
static int parts;

static int note_part(struct dl_phdr_info *info, size_t size, void *arg) {
  (void)size;
  (void)arg;
  for (int i = 0; i < info->dlpi_phnum && parts < PARTS_MAX; i++) {
    if (info->dlpi_phdr[i].p_type != PT_LOAD || !(info->dlpi_phdr[i].p_flags & PF_X)) continue;
    part[parts].from = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
    part[parts].to = part[parts].from + info->dlpi_phdr[i].p_memsz;
    part[parts].is_llvm =
        strstr(info->dlpi_name, "libLLVM") || strstr(info->dlpi_name, "libstdc++");
    parts++;
  }
  return 0;
}

static int part_of(uintptr_t address) {
  for (int i = 0; i < parts; i++)
    if (address >= part[i].from && address < part[i].to) return i;
  return -1;
}

/* Whether an allocation that returns to `caller` is of the kind that fails. */
static int memory_fails(const void *caller) {
  if (!ready || !(memory || llvm)) return 0;
  if (part_of((uintptr_t)caller) < 0) { /* loaded since */
    parts = 0;
    dl_iterate_phdr(note_part, NULL);
  }
  int i = part_of((uintptr_t)caller);
  return fails(i >= 0 && part[i].is_llvm ? llvm : memory);
}

static int file_fails(void) {
  if (!fails(files)) return 0;
  errno = (int)error_number;
  return 1;
}

/* dlsym allocates before malloc is found. */
static char start[START_BYTES];
static size_t start_used;
static void *start_alloc(size_t size) {
  size = (size + 15) / 16 * 16;
  if (size > START_BYTES - start_used) abort();
  start_used += size;
  return start + start_used - size;
}
static int is_start(const void *p) {
  return (const char *)p >= start && (const char *)p < start + START_BYTES;
}

#define REAL(type, name, ...)                                                                      \
  static type (*real)(__VA_ARGS__);                                                                \
  if (!real) *(void **)(&real) = dlsym(RTLD_NEXT, #name)

void *malloc(size_t size) {
  static volatile int finding; /* dlsym is said not to call back */
  static void *(*real)(size_t);
  if (!real) {
    if (finding) return start_alloc(size);
    finding = 1;
    *(void **)(&real) = dlsym(RTLD_NEXT, "malloc");
    finding = 0;
  }
  if (memory_fails(__builtin_return_address(0))) {
    errno = ENOMEM;
    return NULL;
  }
  return real(size);
}

void *calloc(size_t n, size_t size) {
  static volatile int finding; /* dlsym is said not to call back */
  static void *(*real)(size_t, size_t);
  if (!real) {
    if (finding) return start_alloc(n * size);
    finding = 1;
    *(void **)(&real) = dlsym(RTLD_NEXT, "calloc");
    finding = 0;
  }
  if (memory_fails(__builtin_return_address(0))) {
    errno = ENOMEM;
    return NULL;
  }
  return real(n, size);
}

void *realloc(void *p, size_t size) {
  REAL(void *, realloc, void *, size_t);
  if (memory_fails(__builtin_return_address(0))) {
    errno = ENOMEM;
    return NULL;
  }
  if (!is_start(p)) return real(p, size);
  void *moved = malloc(size);
  if (moved) memcpy(moved, p, size < START_BYTES ? size : START_BYTES);
  return moved;
}

/* dlsym frees what it said the last time, too. */
void free(void *p) {
  static volatile int finding; /* dlsym is said not to call back */
  static void (*real)(void *);
  if (!real) {
    if (finding) return;
    finding = 1;
    *(void **)(&real) = dlsym(RTLD_NEXT, "free");
    finding = 0;
  }
  if (!is_start(p)) real(p);
}

int open(const char *path, int flags, ...) {
  REAL(int, open, const char *, int, ...);
  va_list args;
  va_start(args, flags);
  int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
  va_end(args);
  return file_fails() ? -1 : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
  REAL(int, open64, const char *, int, ...);
  va_list args;
  va_start(args, flags);
  int mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(args, int) : 0;
  va_end(args);
  return file_fails() ? -1 : real(path, flags, mode);
}
FILE *fopen(const char *path, const char *mode) {
  REAL(FILE *, fopen, const char *, const char *);
  return file_fails() ? NULL : real(path, mode);
}
ssize_t read(int fd, void *to, size_t n) {
  REAL(ssize_t, read, int, void *, size_t);
  return file_fails() ? -1 : real(fd, to, n);
}
ssize_t pread(int fd, void *to, size_t n, off_t from) {
  REAL(ssize_t, pread, int, void *, size_t, off_t);
  return file_fails() ? -1 : real(fd, to, n, from);
}
ssize_t write(int fd, const void *from, size_t n) {
  REAL(ssize_t, write, int, const void *, size_t);
  if (file_fails()) return -1;
  if (full < 0 || fd == STDERR_FILENO) return real(fd, from, n);
  if (written >= full) {
    errno = ENOSPC;
    return -1;
  }
  if ((long)n > full - written) n = (size_t)(full - written);
  ssize_t done = real(fd, from, n);
  if (done > 0) written += done;
  return done;
}
int close(int fd) {
  REAL(int, close, int);
  int result = real(fd); /* the descriptor goes in either case, as Linux does it */
  return file_fails() ? -1 : result;
}
int fsync(int fd) {
  REAL(int, fsync, int);
  return file_fails() ? -1 : real(fd);
}
static void pause_in(const char *folder) {
  enum { TRIES = 2000, PAUSE = 5000 }; /* microseconds */
  char path[4096];
  snprintf(path, sizeof path, "%s/paused", folder);
  fclose(fopen(path, "w"));
  snprintf(path, sizeof path, "%s/go", folder);
  for (int i = 0; i < TRIES && access(path, F_OK) != 0; i++)
    usleep(PAUSE);
}
int rename(const char *from, const char *to) {
  REAL(int, rename, const char *, const char *);
  static int renames;
  if (getenv("SHIM_PAUSE") && ++renames == 2) pause_in(getenv("SHIM_PAUSE"));
  return file_fails() ? -1 : real(from, to);
}
int link(const char *from, const char *to) {
  REAL(int, link, const char *, const char *);
  return file_fails() ? -1 : real(from, to);
}
int fchmod(int fd, mode_t mode) {
  REAL(int, fchmod, int, mode_t);
  return file_fails() ? -1 : real(fd, mode);
}
int mkdir(const char *path, mode_t mode) {
  REAL(int, mkdir, const char *, mode_t);
  return file_fails() ? -1 : real(path, mode);
}
int ftruncate(int fd, off_t size) {
  REAL(int, ftruncate, int, off_t);
  return file_fails() ? -1 : real(fd, size);
}

/* What a sanitizer says in a process that writes to nowhere, and no files, is heard: its exit code
 * is that of any crash. */
int dup2(int from, int to) {
  REAL(int, dup2, int, int);
  struct stat is;
  if (to == STDERR_FILENO && fstat(from, &is) == 0 && S_ISCHR(is.st_mode)) return to;
  return real(from, to);
}
int setrlimit(__rlimit_resource_t what, const struct rlimit *most) {
  REAL(int, setrlimit, __rlimit_resource_t, const struct rlimit *);
  return what == RLIMIT_FSIZE ? 0 : real(what, most);
}

/* ---- before main ---- */

enum { COMMANDS = 8, REPLIES = 9, LINE_BYTES = 256 };

typedef int Main(int, char **, char **);

static Main *program;

/* The next line, without its end; 0: there is none. */
static int read_line(char *line) {
  size_t n = 0;
  while (n < LINE_BYTES && read(COMMANDS, line + n, 1) == 1 && line[n] != '\n')
    n++;
  if (n == LINE_BYTES || line[n] != '\n') return 0;
  line[n] = '\0';
  return 1;
}

/* A compiler that the program runs, and its linker, do not fail: what they leave is theirs. */
static void settle(char *line) {
  unsetenv("SHIM_SERVE");
  unsetenv("LD_PRELOAD");
  for (char *word = strtok(line, " "); word; word = strtok(NULL, " "))
    putenv(word);
  close(COMMANDS);
  close(REPLIES);
  int input = getenv("SHIM_INPUT") ? open(getenv("SHIM_INPUT"), O_RDONLY) : -1;
  if (input < 0) return;
  dup2(input, STDIN_FILENO);
  close(input);
}

static int run_main(int argc, char **argv, char **environment) {
  static char line[LINE_BYTES]; /* what is in it becomes the environment */
  while (getenv("SHIM_SERVE")) {
    int status;
    if (!read_line(line)) _exit(0);
    pid_t child = fork();
    if (child < 0) _exit(EXIT_FAILURE);
    if (child == 0)
      settle(line);
    else if (waitpid(child, &status, 0) == child)
      dprintf(REPLIES, "%d\n", WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
  }
  (void)environment;
  shim_start();
  return program(argc, argv, environ);
}

/* Stands before that of the C library, which calls main. */
int __libc_start_main(Main *main, int argc, char **argv, Main *init, void (*fini)(void),
                      void (*loader)(void), void *stack) {
  REAL(int, __libc_start_main, Main *, int, char **, Main *, void (*)(void), void (*)(void),
       void *);
  program = main;
  return real(run_main, argc, argv, init, fini, loader, stack);
}
