/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of make_pickles.py: each holds the tensors of expected.npz, bit for bit; each in refused/
 * is refused with a reason; and each cut at COPIES lengths, and COPIES times with bytes changed, is
 * refused or can be read to its last element.
 *
 *     pickles FOLDER */
#include "import/tensors/tensor_file.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t copies; /* of each kind, for each file */

static volatile double sum; /* so that the reads are made */

/* Every element of what is read; NULL with *reason when it is refused. */
static TensorFile *read_all(Arena *arena, Mapped data, const char **reason) {
  *reason = NULL;
  TensorFile *file = tensor_file_parse(arena, data, reason);
  for (int i = 0; file && i < file->n; i++)
    for (int64_t k = 0; k < file->tensor[i].count; k++)
      sum = sum + tensor_get(&file->tensor[i], k);
  return file;
}

static bool same(const Tensor *a, const Tensor *b) {
  if (!a || !b || a->rank != b->rank ||
      memcmp(a->dim, b->dim, sizeof *a->dim * (size_t)a->rank) != 0)
    return false;
  for (int64_t i = 0; i < a->count; i++)
    if (fabs(tensor_get(a, i) - tensor_get(b, i)) > 0) return false;
  return true;
}

static int compare(const char *name, const TensorFile *file, const TensorFile *expected,
                   const char *reason) {
  if (!file) printf("%s: %s\n", name, reason);
  if (!file) return 1;
  for (int i = 0; i < expected->n; i++) {
    const Tensor *wanted = &expected->tensor[i];
    if (same(tensor_find(file, wanted->name), wanted)) continue;
    printf("%s: `%s` is not there or another\n", name, wanted->name);
    return 1;
  }
  return 0;
}

/* A copy is read, or refused with a reason. */
static bool has_reason(Arena *arena, const uint8_t *data, size_t len) {
  const char *reason = NULL;
  return read_all(arena, (Mapped){data, len}, &reason) || reason;
}

/* A damaged copy in an arena of its own; one that is refused has a reason. */
static int damaged(const char *name, const uint8_t *data, size_t len) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile int bad = 0;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    if (!has_reason(arena, data, len)) bad = 1;
  } else
    bad = 1;
  arena_free(arena);
  if (bad)
    printf("%s: a damaged copy of %zu bytes is refused without a reason, or takes all memory\n",
           name, len);
  return bad;
}

static int damage(Arena *arena, const char *name, Mapped whole) {
  int failures = 0;
  uint64_t random = 1;
  uint8_t *copy = arena_alloc(arena, whole.len + 1);
  for (size_t len = 0; len < whole.len && !failures; len += 1 + whole.len / copies)
    failures += damaged(name, whole.data, len);
  for (size_t i = 0; i < copies && !failures; i++) {
    memcpy(copy, whole.data, whole.len);
    for (size_t k = 0; k <= i % 3; k++) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      copy[(random >> 33) % whole.len] = (uint8_t)(random >> 25);
    }
    failures += damaged(name, copy, whole.len);
  }
  return failures;
}

static bool is_fixture(const char *name) {
  const char *dot = strrchr(name, '.');
  return *name != '.' && dot && strcmp(name, "expected.npz") != 0;
}

/* One folder; expected is NULL where all are refused. */
static int run_folder(Arena *arena, const char *folder, const TensorFile *expected, int *n) {
  int failures = 0;
  DIR *dir = opendir(folder);
  for (struct dirent *entry = dir ? readdir(dir) : NULL; entry; entry = readdir(dir)) {
    const char *reason, *path = arena_printf(arena, "%s/%s", folder, entry->d_name);
    Mapped data;
    if (!is_fixture(entry->d_name)) continue;
    ++*n;
    if (!file_map(arena, path, &data, &reason)) return 1;
    const TensorFile *file = read_all(arena, data, &reason);
    if (expected)
      failures += compare(entry->d_name, file, expected, reason);
    else if (file || !reason) {
      printf("%s: is not refused\n", entry->d_name);
      failures++;
    }
    failures += damage(arena, entry->d_name, data);
  }
  if (dir) closedir(dir);
  return failures;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Mapped data;
  const char *reason;
  volatile int failures = 1;
  int n = 0, n_refused = 0;
  if (argc != 3 || setjmp(oom)) return 3;
  copies = (size_t)strtoul(argv[2], NULL, 10);
  if (!copies) return 3;
  Arena *arena = arena_new(&oom);
  if (!arena) return 3;
  const TensorFile *expected =
      file_map(arena, arena_printf(arena, "%s/expected.npz", argv[1]), &data, &reason)
          ? npz_parse(arena, data, &reason)
          : NULL;
  if (expected)
    failures = run_folder(arena, argv[1], expected, &n) +
               run_folder(arena, arena_printf(arena, "%s/refused", argv[1]), NULL, &n_refused);
  arena_free(arena);
  printf("%d files, %d refused, %d failures\n", n, n_refused, failures);
  return failures != 0 || n == 0 || n_refused == 0;
}
