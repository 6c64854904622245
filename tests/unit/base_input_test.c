/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files that shrink, grow or are rewritten while they are read. */
#include "base/input.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <stdarg.h>
#include <stddef.h>

enum { LARGE = 300 << 20, SMALL = 3 << 20 };

static char path[] = "/tmp/base_input_test_XXXXXX";

static void make_file(off_t size) {
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, "begin", 5), 5);
  assert_int_equal(ftruncate(fd, size), 0);
  close(fd);
}

static void a_copied_file_stays_as_it_was(void **state) {
  jmp_buf leave;
  Arena *volatile arena = NULL;
  Mapped file;
  const char *reason;
  (void)state;
  make_file(SMALL);
  assert_int_equal(setjmp(leave), 0);
  arena = arena_new(&leave);
  assert_true(file_map(arena, path, &file, &reason));
  assert_int_equal(truncate(path, 0), 0);
  assert_int_equal(file.len, SMALL);
  assert_memory_equal(file.data, "begin", 5);
  assert_int_equal(file.data[SMALL - 1], 0);
  arena_free(arena);
}

static void a_mapped_file_that_shrinks_leaves_through_the_arena(void **state) {
  jmp_buf leave;
  Arena *volatile arena = NULL;
  Mapped file;
  const char *reason;
  volatile int touched = 0;
  (void)state;
  make_file(LARGE);
  int why = setjmp(leave);
  if (!why) {
    arena = arena_new(&leave);
    assert_true(file_map(arena, path, &file, &reason));
    assert_int_equal(file.len, LARGE);
    assert_int_equal(truncate(path, 0), 0);
    touched = file.data[LARGE - 1] + 1;
    fail();
  }
  assert_int_equal(why, LEAVE_FILE_SHRANK);
  assert_int_equal(touched, 0);
  arena_free(arena);
}

static void what_is_no_file_is_not_opened(void **state) {
  jmp_buf leave;
  Mapped file;
  const char *reason = NULL;
  size_t len;
  (void)state;
  assert_int_equal(setjmp(leave), 0);
  Arena *arena = arena_new(&leave);
  assert_false(file_map(arena, "/dev/zero", &file, &reason));
  assert_string_equal(reason, "it is a device, not a regular file");
  assert_null(file_read_named(arena, "/tmp", 100, &len, &reason));
  assert_string_equal(reason, "it is a directory");
  assert_null(file_read(arena, "/tmp", 100, &len, &reason));
  assert_non_null(file_read(arena, "/dev/zero", 100, &len, &reason));
  assert_int_equal(len, 101); /* one more than the limit: there is more */
  assert_non_null(file_read_named(arena, "/proc/self/status", 1 << 20, &len, &reason));
  assert_true(len > 0);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_copied_file_stays_as_it_was),
      cmocka_unit_test(a_mapped_file_that_shrinks_leaves_through_the_arena),
      cmocka_unit_test(what_is_no_file_is_not_opened)};
  int fd = mkstemp(path);
  if (fd < 0) return 1;
  close(fd);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  unlink(path);
  return failed;
}
