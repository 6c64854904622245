/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The linker of shared libraries: what it makes is loaded by tests/shared; here, what it
 * refuses. */
#include "backend/link.h"
#include "driver/shared_object.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static jmp_buf oom; /* no test uses that much */

static const char *link_as(LinkFormat format, Arena *arena, const char *data, size_t len,
                           const char *exported) {
  const char *const names[] = {exported, NULL}, *reason = NULL;
  LinkImage image = link_image_new(arena);
  LinkObject object = {data, len};
  Text out = text_new(arena);
  size_t at = link_image_add(&image, "data", 4);
  link_image_name(&image, "data", at, 4);
  bool ok = link_library(format, &object, 1, &image, "m.so", names, &out, &reason);
  assert_true(ok == (reason == NULL));
  return reason;
}

/* In each format, which give the same reason. */
static const char *link_with(Arena *arena, const char *data, size_t len, const char *exported) {
  const char *reason = link_as(LINK_ELF, arena, data, len, exported);
  const char *pe = link_as(LINK_PE, arena, data, len, exported),
             *macho = link_as(LINK_MACHO, arena, data, len, exported);
  assert_non_null(reason);
  if (strstr(reason, "` is not defined")) { /* each meets another one first */
    assert_non_null(strstr(pe, "` is not defined"));
    assert_non_null(strstr(macho, "` is not defined"));
    return reason;
  }
  assert_string_equal(pe, reason);
  assert_string_equal(macho, reason);
  return reason;
}

static void processors_of_no_system(void **state) {
  Arena *arena = arena_new(&oom);
  (void)state;
  if (grus_aarch64_object_size)
    assert_string_equal(link_as(LINK_PE, arena, (const char *)grus_aarch64_object,
                                grus_aarch64_object_size, "grus_body"),
                        "libraries of Windows are written for x86-64 alone");
  arena_free(arena);
}

static void objects_that_are_none(void **state) {
  Arena *arena = arena_new(&oom);
  (void)state;
  assert_string_equal(link_with(arena, "no object", 9, "data"),
                      "an object is no ELF64 of x86-64 or AArch64");
  if (grus_shared_object_size) {
    const char *whole = (const char *)grus_shared_object;
    assert_string_equal(link_with(arena, whole, grus_shared_object_size / 2, "data"),
                        "an object is cut short");
    assert_non_null(
        strstr(link_with(arena, whole, grus_shared_object_size, "data"), "` is not defined"));
  }
  arena_free(arena);
}

static void names_that_are_nowhere(void **state) {
  Arena *arena = arena_new(&oom);
  (void)state;
  if (grus_shared_object_size) {
    const char *reason =
        link_with(arena, (const char *)grus_shared_object, grus_shared_object_size, "grus_nothing");
    assert_string_equal(reason, "`grus_nothing` is not defined");
  }
  arena_free(arena);
}

static void the_image_keeps_its_order(void **state) {
  Arena *arena = arena_new(&oom);
  (void)state;
  LinkImage image = link_image_new(arena);
  assert_int_equal(link_image_add(&image, "abc", 3), 0);
  assert_int_equal(link_image_add(&image, NULL, 1), 8);
  assert_int_equal(link_image_add(&image, "d", 1), 16);
  assert_memory_equal(image.bytes.s, "abc\0\0\0\0\0\0\0\0\0\0\0\0\0d", 17);
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(objects_that_are_none), cmocka_unit_test(names_that_are_nowhere),
      cmocka_unit_test(processors_of_no_system), cmocka_unit_test(the_image_keeps_its_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
