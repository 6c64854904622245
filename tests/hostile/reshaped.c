/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX files of damaged structure (reshape_onnx.c), each imported as far as `grus import` goes
 * before it writes: read, printed, compiled from the print.
 *
 *     reshaped FIXTURES SCRATCH COPIES
 *
 * COPIES of every .onnx file below FIXTURES. Each is refused with a diagnostic, or is a model whose
 * text compiles. A copy that ends the process is kept in SCRATCH. */
#include "reshape_onnx.h"

#include "driver/imported.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, ROOM = 1 << 18, LARGEST_FILE = 1 << 16, SECONDS = 10 };

static struct {
  char kept[PATH_BYTES];
  uint8_t *bytes;
  size_t len;
  unsigned long refused, imported, failures;
} test;

static void keep_copy(void) {
  int fd = open(test.kept, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (fd < 0 || write(fd, test.bytes, test.len) < 0) return;
  close(fd);
}

static void on_crash(int signal_number) {
  static const char said[] = "a copy ended the process: it is kept\n";
  keep_copy();
  if (write(STDOUT_FILENO, said, sizeof said - 1) < 0) _exit(2);
  signal(signal_number, SIG_DFL);
  raise(signal_number);
}

static void fail(const char *path, uint64_t seed, const char *what) {
  if (test.failures++ == 0) keep_copy();
  printf("%s, seed %llu: %s\n", path, (unsigned long long)seed, what);
}

static void copy_test(const char *path, uint64_t seed) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom)) {
    arena_free(arena);
    fail(path, seed, "needs too much memory");
    return;
  }
  arena = arena_new(&oom);
  if (!arena) exit(2);
  Options options = {.max_errors = 5, .time = seed & 1 ? "6" : NULL};
  ForeignFile file = {.arena = arena, .path = "reshaped.onnx", .data = {test.bytes, test.len}};
  Session s = {.arena = arena, .options = &options, .sources = {.arena = arena}};
  Imported in;
  session_reset_diags(&s);
  alarm(SECONDS);
  bool done = session_import_content(&s, &file, "m.safetensors", "m.grus", &in);
  alarm(0);
  const char *message = s.diags->first ? s.diags->first->message : "";
  if (done)
    test.imported++;
  else if (!*message)
    fail(path, seed, "refused without a word");
  else if (strstr(message, "a bug in grus"))
    fail(path, seed, message);
  else
    test.refused++;
  arena_free(arena);
}

static void file_test(const char *path, unsigned copies) {
  static uint8_t data[LARGEST_FILE], room[ROOM];
  FILE *file = fopen(path, "rb");
  size_t len = file ? fread(data, 1, sizeof data, file) : 0;
  if (file) fclose(file);
  for (unsigned i = 0; len && len < sizeof data && i < copies; i++) {
    uint64_t seed = i;
    for (const char *c = strrchr(path, '/'); *c; c++)
      seed = (seed ^ (uint8_t)*c) * UINT64_C(1099511628211);
    test.len = reshape_onnx(data, len, seed, room, sizeof room);
    if (!test.len) continue;
    test.bytes = malloc(test.len); /* of exactly the size: a sanitizer sees a read beyond it */
    if (!test.bytes) exit(2);
    memcpy(test.bytes, room, test.len);
    copy_test(path, seed);
    free(test.bytes);
  }
}

static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void folder_test(const char *folder, unsigned copies) {
  struct dirent **entry;
  int n = scandir(folder, &entry, NULL, by_name);
  for (int i = 0; i < n; i++) {
    char path[PATH_BYTES];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
    const char *dot = strrchr(path, '.');
    bool there = entry[i]->d_name[0] != '.' && stat(path, &st) == 0;
    if (there && S_ISDIR(st.st_mode))
      folder_test(path, copies);
    else if (there && dot && strcmp(dot, ".onnx") == 0)
      file_test(path, copies);
    free(entry[i]);
  }
  if (n >= 0) free(entry);
}

int main(int argc, char **argv) {
  static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL, SIGALRM};
  if (argc != 4) return 2;
  snprintf(test.kept, sizeof test.kept, "%s/reshaped.onnx", argv[2]);
  for (size_t i = 0; i < sizeof crashes / sizeof *crashes; i++)
    signal(crashes[i], on_crash);
  setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  folder_test(argv[1], (unsigned)atoi(argv[3]));
  printf("%lu copies imported, %lu refused, %lu failures\n", test.imported, test.refused,
         test.failures);
  if (test.failures) printf("the first is kept as %s\n", test.kept);
  return test.failures != 0 || test.imported + test.refused == 0;
}
