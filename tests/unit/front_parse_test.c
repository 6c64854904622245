/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The parser: the shape of its trees, what it recovers from, its limits. */
#include "front_compile.h"

#include "base/mem.h"

#include <stdlib.h>

#define MODEL(body) "grus 1\nmodel m {\n" body "\n}\n"

static const Node *statement(Compile *c, size_t i) {
  return c->tree->kid[0]->kid[0]->kid[i];
}

static void chains_are_flat(void **state) {
  (void)state;
  Compile c;
  compile_parse(&c, MODEL("out y : f32[2] = (a |> f) + b - c * 2 |> g(k=1, 3) |> h"));
  assert_int_equal(c.diags->n_errors, 0);
  const Node *pipe = statement(&c, 0)->kid[1];
  assert_int_equal(pipe->kind, N_PIPE);
  assert_int_equal(pipe->n, 3);
  const Node *sum = pipe->kid[0];
  assert_int_equal(sum->kind, N_SUM);
  assert_int_equal(sum->n, 3);
  assert_true(sum->kid[0]->kid[0]->brackets);
  assert_string_equal(sum->kid[2]->text, "-");
  assert_int_equal(sum->kid[2]->kid[0]->kind, N_PRODUCT);
  assert_string_equal(pipe->kid[1]->kid[0]->text, "k");
  assert_null(pipe->kid[1]->kid[1]->text);
  compile_end(&c);
}

static void long_chains_need_no_recursion(void **state) {
  (void)state;
  Compile c;
  compile_parse(&c, "grus 1");
  Text text = text_new(c.arena);
  text_add(&text, "grus 1 model m { let y = x");
  for (int i = 0; i < 100000; i++)
    text_add(&text, " |> relu");
  text_add(&text, " }");
  Compile big;
  compile_parse(&big, text_str(&text));
  assert_int_equal(big.diags->n_errors, 0);
  assert_int_equal(statement(&big, 0)->kid[1]->n, 100001);
  compile_end(&big);
  compile_end(&c);
}

static void numbers_are_exact(void **state) {
  (void)state;
  Compile c;
  compile_parse(&c, "grus 1\nparam a = 1_440\nparam b = 16kHz\nparam d = 25ms\nparam e = "
                    "0.5s\nparam f = 1e-3\nparam g = 2.5e3Hz");
  assert_int_equal(c.diags->n_errors, 0);
  assert_int_equal(c.tree->kid[0]->kid[0]->i, 1440);
  assert_int_equal(c.tree->kid[1]->kid[0]->num, 16000);
  assert_int_equal(c.tree->kid[2]->kid[0]->num, 1);
  assert_int_equal(c.tree->kid[2]->kid[0]->den, 40);
  assert_int_equal(c.tree->kid[2]->kid[0]->unit, UNIT_SECOND);
  assert_int_equal(c.tree->kid[3]->kid[0]->den, 2);
  assert_true(c.tree->kid[4]->kid[0]->f == 1e-3);
  assert_int_equal(c.tree->kid[5]->kid[0]->num, 2500);
  compile_end(&c);
}

static void docs_belong_to_statements(void **state) {
  (void)state;
  Compile c;
  compile_parse(&c,
                "grus 1\n## one\n## two\nmodel m { ## three\n  # no doc\n  in x : f32[2] ## here\n"
                "  ## above\n  let y = x\n    |> relu ## beside\n  #### line\n  out z = y\n}\n");
  assert_int_equal(c.diags->n_errors, 0);
  assert_string_equal(c.tree->kid[0]->doc, "one\ntwo\nthree");
  assert_string_equal(statement(&c, 0)->doc, "here");
  assert_string_equal(statement(&c, 1)->doc, "above\nbeside");
  assert_null(statement(&c, 2)->doc);
  compile_end(&c);
}

static void errors_do_not_hide_each_other(void **state) {
  (void)state;
  assert_codes(MODEL("in x : f32[time 49 13];\nlet h = x -> GRU(64\nout y : f32[2] = h |> last |> "
                     "Dense(2) // c"),
               "E101 E103 E102 E101 E104");
  assert_codes(MODEL("let = 3\nlet a = \nlet b = 4 |>\nin : f32"), "E101 E101 E101 E101");
  assert_codes("model m { }\nmodel { in x : f32[3] }", "E108 E101");
}

static void one_mistake_is_reported_once(void **state) {
  (void)state;
  assert_codes(MODEL("in x : f32[8]\nlet a = x !!%% ?? 3 ^ x\nout y : f32[8] = a"), "E107");
  assert_codes(MODEL("in x : f32[8]\nlet a = x |> Dense(2, from='abc)\nout y : f32[8] = x"),
               "E105");
  assert_codes(MODEL("in x : f32[8]\nlet a = (x |> Dense(2]\nout y : f32[2] = a"), "E101 E101");
  assert_codes(MODEL("in x f32[8]\nout y : f32[8] = x |> relu"), "E101");
  assert_codes(
      MODEL("in x : f32[8]\nlet every = x |> relu\nout y : f32[8] = every |> relu + every"),
      "E110 E101");
  assert_codes(MODEL("in x : f32[8]\nout y : f32[8] = x |> relu)))"), "E101");
}

static void keywords_serve_as_options_only(void **state) {
  (void)state;
  assert_codes(MODEL("in x : f32[time 8, 2]\nout y : f32[time 8, 2] = x |> GRU(2, precision=i16)"),
               "");
  assert_codes(MODEL("in x : f32[time 8, in 2]\nout y : f32[time 8, 2] = x"), "E110");
}

static void limits(void **state) {
  (void)state;
  Compile c;
  char deep[3000] = "grus 1 model m { let x = ";
  for (int level = 254; level <= 256; level++) { /* `{` is a level too */
    size_t n = 25;
    for (int i = 0; i < level; i++)
      deep[n++] = '(';
    deep[n++] = 'x';
    for (int i = 0; i < level; i++)
      deep[n++] = ')';
    memcpy(deep + n, " }", 3);
    compile_parse(&c, deep);
    assert_string_equal(compile_codes(&c), level < 256 ? "" : "E111");
    compile_end(&c);
  }
  assert_codes(
      MODEL("in x : f32[99999999999999999999]\nlet y = x * 1e999\nlet z = x * 9223372036854775807"),
      "E113 E113");
}

static void bytes_that_are_no_text(void **state) {
  (void)state;
  static const char *const bad[] = {"grus 1\n# \xB0", "grus 1\n# \xC0\x80",
                                    "grus 1\n# \xED\xA0\x80", "grus 1\n# \xF4\x90\x80\x80",
                                    "\xFF\376g"};
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
    assert_codes(bad[i], "E112");
  assert_codes("\xEF\xBB\xBFgrus 1\r\n# \xC2\xB0\xF0\x9F\x98\x80 \xEF\xBF\xBD\r\n", "");
  Compile c;
  compile_parse(&c, "");
  Source *s = sources_add(&c.sources, "nul", "grus 1\0x", 8);
  c.diags->n_errors = 0;
  parse(c.arena, s, c.diags);
  assert_int_equal(c.diags->n_errors, 1);
  compile_end(&c);
}

static void headers(void **state) {
  (void)state;
  assert_codes("", "E108");
  assert_codes("grus", "E108");
  assert_codes("grus 0", "E108");
  assert_codes("grus 01", "");
  assert_codes("grus 2\n ) garbage (", "E109");
  assert_codes("grus 1.5", "E108");
  assert_codes("gurs 1", "E108");
}

/* Every allocation on the way fails once: nothing leaks (ASan), nothing crashes. */
static void allocation_failures(void **state) {
  (void)state;
  static const char text[] = MODEL("in x : f32[time n <= 8, 2] ## doc\nlet a = x |> GRU(3, "
                                   "init=(x, x)\nout y : f32[2] = a 3 |> f");
  jmp_buf oom;
  for (volatile long n = 1; n < 10000; n++) {
    volatile bool failed = false;
    mem_fail_at(n);
    Arena *volatile arena = arena_new(&oom);
    if (!arena) {
      mem_fail_at(0);
      continue;
    }
    if (setjmp(oom) == 0) {
      Sources sources = {.arena = arena};
      ResolveOptions options = {0};
      Diags *diags = diags_new(arena, &sources);
      Source *source = sources_add(&sources, "test.grus", text, sizeof text - 1);
      Node *tree = parse(arena, source, diags);
      resolve(arena, source, tree, &options, diags);
      format(arena, source, diags);
    } else {
      failed = true;
    }
    mem_fail_at(0);
    arena_free(arena);
    if (!failed) {
      assert_true(n > 2);
      return;
    }
  }
  fail_msg("no end of failures");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(chains_are_flat),
      cmocka_unit_test(long_chains_need_no_recursion),
      cmocka_unit_test(numbers_are_exact),
      cmocka_unit_test(docs_belong_to_statements),
      cmocka_unit_test(errors_do_not_hide_each_other),
      cmocka_unit_test(one_mistake_is_reported_once),
      cmocka_unit_test(keywords_serve_as_options_only),
      cmocka_unit_test(limits),
      cmocka_unit_test(bytes_that_are_no_text),
      cmocka_unit_test(headers),
      cmocka_unit_test(allocation_failures),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
