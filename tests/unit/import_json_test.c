/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* JSON in an arena beside JSON of others: neither allocates or frees the memory of the other,
 * whichever of them lives longer. */
#include "import/json_read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char text[] = "{\"b\": [1, 2, {\"c\": \"d\"}], \"a\": 0.5}";

/* Makes and frees with jansson as a program that has never heard of arenas. */
static void use_jansson(void) {
  json_t *own = json_loads(text, 0, NULL), *copy = json_deep_copy(own);
  assert_non_null(copy);
  assert_int_equal(json_object_set_new(own, "e", json_string("f")), 0);
  char *dump = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
  assert_string_equal(dump, "{\"a\":0.5,\"b\":[1,2,{\"c\":\"d\"}]}");
  free(dump);
  json_decref(own);
  json_decref(copy);
}

static void others_live_longer(void **state) {
  (void)state;
  jmp_buf oom;
  if (setjmp(oom)) fail_msg("out of memory");
  json_t *before = json_loads(text, 0, NULL), *during = NULL;
  for (int i = 0; i < 3; i++) {
    Arena *arena = arena_new(&oom), *second = arena_new(&oom);
    json_error_t error;
    assert_non_null(json_read(arena, text, strlen(text), 0, &error));
    use_jansson();
    assert_null(json_read(second, text, strlen(text) - 1, 0, &error));
    json_decref(during);
    during = json_loads(text, 0, NULL);
    arena_free(arena);
    use_jansson();
    arena_free(second);
    use_jansson();
    assert_true(json_equal(before, during));
  }
  json_decref(before);
  json_decref(during);
}

static void work_in_the_arena(void **state) {
  (void)state;
  jmp_buf oom;
  if (setjmp(oom)) fail_msg("out of memory");
  Arena *arena = arena_new(&oom);
  json_error_t error;
  json_t *read = json_read(arena, text, strlen(text), 0, &error), *copy = json_copy_in(arena, read);
  char key[] = "k0";
  for (; key[1] <= '9'; key[1]++) { /* the table of the object grows */
    json_put(arena, copy, key, json_object_get(read, "a"));
    use_jansson();
  }
  json_drop(arena, copy, "b");
  for (key[1] = '1'; key[1] <= '9'; key[1]++)
    json_drop(arena, copy, key);
  assert_string_equal(json_text(arena, copy, JSON_COMPACT | JSON_SORT_KEYS),
                      "{\"a\":0.5,\"k0\":0.5}");
  assert_true(json_is_array(json_object_get(read, "b")));
  assert_null(json_copy_in(arena, NULL));
  assert_null(json_text(arena, NULL, 0));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(others_live_longer),
                                     cmocka_unit_test(work_in_the_arena)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
