/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The one style, by example; and over every model in the folders given: formatted twice is
 * formatted once, and the tree stays the same. */
#include "front_compile.h"
#include "front_models.h"

#include "front/tree_equal.h"

#include <stdlib.h>

static int n_folders;
static char **folders;

static void check_text(const char *path, const char *text, int *formatted) {
  Compile c;
  compile_parse(&c, text);
  const char *once = c.diags->n_errors ? NULL : format(c.arena, c.source, c.diags);
  if (once) {
    const Source *after = sources_add(&c.sources, path, once, strlen(once));
    const char *twice = format(c.arena, after, c.diags);
    assert_non_null(twice);
    assert_string_equal(once, twice);
    if (!tree_equal(c.tree, parse(c.arena, after, c.diags))) fail_msg("%s: the tree changed", path);
    ++*formatted;
  }
  compile_end(&c);
}

static void formatting_is_stable(void **state) {
  (void)state;
  each_model(n_folders, folders, check_text);
}

static void expect(const char *text, const char *formatted) {
  Compile c;
  compile_parse(&c, text);
  assert_string_equal(format(c.arena, c.source, c.diags), formatted);
  compile_end(&c);
}

static void style(void **state) {
  (void)state;
  expect("grus 1 param n=3 model m{in x:f32[n,mel (n+1),]let yy=x|>Dense(2*n,bias=false)out "
         "z:f32[2]=-yy+1}",
         "grus 1\n\nparam n = 3\n\nmodel m {\n  in  x  : f32[n, mel (n + 1)]\n  let yy = x |> "
         "Dense(2 * n, bias=false)\n"
         "  out z  : f32[2] = -yy + 1\n}\n");
  expect("# top\ngrus 1\n\n\nblock B(a,b=1,) # open\n{\n\n in v\n\n\n # about w\n out w=v|>last\n "
         "# tail\n\n}\n",
         "# top\ngrus 1\n\nblock B(a, b=1) {  # open\n  in  v\n\n  # about w\n  out w = v |> "
         "last\n  # tail\n}\n");
  expect("grus 1\nmodel m { out y : f32[1]=x |> last\n|> Dense(1) |> relu }",
         "grus 1\n\nmodel m {\n  out y : f32[1] = x |> last\n    |> Dense(1) |> relu\n}\n");
}

static void long_lines_are_broken(void **state) {
  (void)state;
  expect("grus 1\nmodel m {\n  out probability : f32[10] = input_values |> GRU(64) |> last |> "
         "Dense(100) |> relu |> Dense(10)\n}\n",
         "grus 1\n\nmodel m {\n  out probability : f32[10] = input_values\n    |> GRU(64)\n    |> "
         "last\n    |> Dense(100)\n    |> relu\n"
         "    |> Dense(10)\n}\n");
}

static void comments_stay_in_their_columns(void **state) {
  (void)state;
  expect("grus 1\nmodel m {\n  in x:f32[8]        # far\n  in yy:f32[8] # near\n}\n",
         "grus 1\n\nmodel m {\n  in  x  : f32[8]    # far\n  in  yy : f32[8]  # near\n}\n");
}

static void errors_are_not_formatted(void **state) {
  (void)state;
  Compile c;
  compile_parse(&c, "grus 1\nmodel m { let x = }");
  assert_null(format(c.arena, c.source, c.diags));
  compile_end(&c);
}

int main(int argc, char **argv) {
  n_folders = argc - 1;
  folders = argv + 1;
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(style),
      cmocka_unit_test(long_lines_are_broken),
      cmocka_unit_test(comments_stay_in_their_columns),
      cmocka_unit_test(errors_are_not_formatted),
      cmocka_unit_test(formatting_is_stable),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
