/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* When each lint speaks and when it is silent: models in the language, and the lints they give. */
#include "front_compile.h"
#include "model/infer/infer.h"

typedef struct Case {
  const char *body;  /* the statements of a model `m` */
  const char *lints; /* codes in the order of places */
} Case;

static const char *lints_of(Compile *c, const char *text) {
  compile(c, text);
  for (int i = 0; i < c->program->n_models; i++) {
    model_infer(c->program->model[i], c->diags);
    model_lint(c->program->model[i], c->diags);
  }
  return compile_codes(c);
}

static void assert_lints(const Case *cases, size_t n) {
  for (size_t i = 0; i < n; i++) {
    Compile c;
    char text[4096];
    snprintf(text, sizeof text, "grus 1\nmodel m {\n%s\n}\n", cases[i].body);
    const char *got = lints_of(&c, text);
    if (strcmp(got, cases[i].lints) != 0)
      print_error("%s\n  expected: %s\n  got:      %s\n", cases[i].body, cases[i].lints, got);
    assert_string_equal(got, cases[i].lints);
    compile_end(&c);
  }
}

#define ASSERT_LINTS(cases) assert_lints(cases, sizeof(cases) / sizeof *(cases))

static void test_unused_input(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[8]  in u : f32[2]  out y : f32[1] = x |> Dense(1)", "W201"},
      {"in x : f32[8]  out y : f32[8] = x", ""},
      {"in x : f32[time 4, 8]  in s : f32[2]  out y : f32[2] = x |> GRU(2, init=s) |> last", ""},
      {"in x : f32[8]  in t : f32[time 3, 1]  out y : f32[time 3, 8] = x |> repeat(along=t)", ""},
      {"in x : f32[8]  in u : f32[2]  allow unused_input  out y : f32[1] = x |> Dense(1)", ""},
      /* a reader that failed is no reason to call its input unused */
      {"in x : f32[8]  in u : f32[2]  out y : f32[1] = u |> Desne(1)", "E201"},
  };
  ASSERT_LINTS(cases);
}

static void test_unused_let(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[8]  let h = x |> relu  out y : f32[8] = x", "W202"},
      {"in x : f32[8]  let h = x |> relu  let g = h |> relu  out y : f32[8] = x", "W202"},
      {"in x : f32[time 4, 8]  let h = x |> GRU(3)  out y : f32[3] = h.h", ""},
      {"in x : f32[time 4, 8]  let h = x |> LSTM(3)  out y : f32[3] = h.c", ""},
      {"in x : f32[8]  let h = x  out y : f32[8] = x", ""},
      {"in x : f32[8]  let h = x |> relu  allow unused_let  out y : f32[8] = x", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_unused_let_and_blocks(void **state) {
  (void)state;
  static const char block[] =
      "grus 1\nblock B { in x  let n = x |> relu  out a = n |> tanh  out b = n |> abs }\n";
  static const Case cases[] = {
      {"let h = x |> B  out y : f32[8] = h.b", ""}, /* only the second result is read */
      {"let h = x |> B  out y : f32[8] = h", ""},
      {"let h = x |> B  out y : f32[8] = x", "W202"},
      {"let h = x |> B |> relu  out y : f32[8] = x", "W202"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Compile c;
    char text[1024];
    snprintf(text, sizeof text, "%smodel m { in x : f32[8]  %s }\n", block, cases[i].body);
    assert_string_equal(lints_of(&c, text), cases[i].lints);
    compile_end(&c);
  }
}

static void test_ordinal_weights(void **state) {
  (void)state;
  static const Case cases[] = {
      {"weights torch \"f\"  in x : f32[8]  out y : f32[2] = x |> Dense(4) |> relu |> Dense(2)",
       "W204"},
      {"weights torch \"f\"  in x : f32[8]  out y : f32[2] = x |> Dense(4) |> Dense(3) |> Dense(2)",
       "W204"},
      {"weights torch \"f\"  in x : f32[8]  out y : f32[2] = x |> Dense(4, from=\"a\") |> Dense(2)",
       ""},
      {"weights torch \"f\"  in x : f32[8]  let h = x |> Dense(4)  out y : f32[2] = h |> Dense(2)",
       ""},
      {"weights torch \"f\"  in x : f32[8]  out y : f32[2] = x |> LayerNorm |> Dense(2)", ""},
      {"in x : f32[8]  out y : f32[2] = x |> Dense(4) |> relu |> Dense(2)", ""},
      {"weights torch \"f\"  in x : f32[8]  out y : f32[8] = x |> relu |> relu", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_dense_per_step(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> Dense(2) |> last", "W301"},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> Dense(4) |> relu |> Dense(2) |> softmax |> "
       "last",
       "W301"},
      {"in x : f32[time n <= 9, 8]  out y : f32[2] = x |> Dense(2) |> last", "W301"},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> Dense(2) |> mean", ""},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> Dense(2) |> GRU(2) |> last", ""},
      {"in x : f32[time 9, 8]  out y : f32[8] = x |> relu |> last", ""},
      {"in x : f32[time 1, 8]  out y : f32[2] = x |> Dense(2) |> last", ""},
      /* the other steps are read elsewhere */
      {"in x : f32[time 9, 8]  let d = x |> Dense(2)  out y : f32[2] = d |> last  out m : f32[2] = "
       "d |> mean",
       ""},
  };
  ASSERT_LINTS(cases);
}

static void test_shape(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[8]  out y : f32[2] = x |> flatten |> Dense(2)", "W302"},
      {"in x : f32[2, 4]  out y : f32[2] = x |> flatten |> Dense(2)", ""},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> flatten |> Dense(2)", "W303"},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> flatten |> relu |> Dense(2)", "W303"},
      {"in x : f32[time 9, 8]  out y : f32[72] = x |> flatten", ""}, /* no weights depend on it */
      {"in x : f32[time 1, 8]  out y : f32[2] = x |> flatten |> Dense(2)", ""},
      {"in x : f32[time 9, 8]  allow flatten_time  out y : f32[2] = x |> flatten |> Dense(2)", ""},
      {"in x : f32[60]  out y : f32[time 20, 3] = x |> reshape([time 20, 3])", "W304"},
      {"in x : f32[60]  out y : f32[time 20, 3] = x |> reshape([3, time 20])", ""},
      {"in x : f32[60]  out y : f32[time 60, 1] = x |> reshape([time 60, 1])", ""},
      {"in x : f32[20, 3]  out y : f32[time 20, 3] = x |> reshape([time 20, 3])", ""},
      {"in x : f32[60]  out y : f32[20, 3] = x |> reshape([20, 3])", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_single_step(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[time 1, 8]  out y : f32[4] = x |> GRU(4) |> last", "W401"},
      {"in x : f32[8]  out y : f32[4] = x |> expand |> LSTM(4) |> last", "W401"},
      {"in x : f32[time 1, 8]  in s : f32[4]  let g = x |> GRU(4, init=s)  out y : f32[4] = g |> "
       "last",
       ""},
      {"in x : f32[time 2, 8]  out y : f32[4] = x |> GRU(4) |> last", ""},
      {"in x : f32[time .., 8]  out y : f32[time .., 4] = x |> GRU(4)", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_dropped_tail(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[time 250, 1]  out y : f32[time 4, 100] = x |> frames(100, hop=40)", "W402"},
      {"in x : f32[time 260, 1]  out y : f32[time 5, 100] = x |> frames(100, hop=40)", ""},
      {"in x : f32[time n <= 250, 1]  out y : f32[8] = x |> frames(100, hop=40) |> GRU(8) |> last",
       ""},
      {"in x : f32[time 10, 2]  out y : f32[time 4, 3] = x |> Conv1D(3, kernel=3, stride=2)",
       "W402"},
      {"in x : f32[time 9, 2]  out y : f32[time 4, 3] = x |> Conv1D(3, kernel=3, stride=2)", ""},
      {"in x : f32[time 10, 2]  out y : f32[time 8, 3] = x |> Conv1D(3, kernel=3)", ""},
      {"in x : f32[time 10, 2]  out y : f32[time 5, 3] = x |> Conv1D(3, kernel=3, stride=2, "
       "padding=same)",
       ""},
      {"in x : f32[time 10, 2]  out y : f32[time 3, 2] = x |> max_pool(3)", "W402"},
      {"in x : f32[time 9, 2]  out y : f32[time 3, 2] = x |> mean_pool(3)", ""},
      /* only the first of a chain */
      {"in x : f32[time 11, 2]  out y : f32[time 2, 2] = x |> max_pool(2) |> max_pool(2)", "W402"},
  };
  ASSERT_LINTS(cases);
}

static void test_streams(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[time .. @ 100Hz, 4]  out y : f32[time .. / 1000, 8] = x |> frames(60s, hop=10s) "
       "|> Dense(8)",
       "W403"},
      {"in x : f32[time .. @ 100Hz, 4]  out y : f32[time .. / 100, 400] = x |> frames(1s, hop=1s)",
       ""},
      /* one call takes the whole frame: no call is without an output */
      {"in x : f32[time .. @ 100Hz, 4]  out y : f32[time .. / 6000, 24000] = x |> frames(60s, "
       "hop=60s)",
       ""},
      {"in x : f32[time .., 1]  out y : f32[time .., 1] = x |> Conv1D(1, kernel=20001)", "W403"},
      {"in x : f32[time .., 1]  out y : f32[time .., 1] = x |> Conv1D(1, kernel=20001, "
       "padding=causal)",
       ""},
      {"in x : f32[time .., 1]  out y : f32[time .., 1] = x |> Conv1D(1, kernel=9)", ""},
      {"in x : f32[time .., 4]  out y : f32[time .., 2] = x |> LSTM(2)", "W506"},
      {"in x : f32[time .., 4]  out y : f32[time .., 2] = x |> GRU(2)", ""},
      {"ranges \"r\"  in x : f32[time .., 4]  out y : f32[time .., 2] = x |> GRU(2, precision=i8)",
       ""},
      {"precision i16  ranges \"r\"  in x : f32[time .., 4]  out y : f32[time .., 2] = x |> RNN(2)",
       ""},
      {"precision w8  in x : f32[time .., 4]  out y : f32[time .., 2] = x |> GRU(2)", ""},
      {"in x : f32[time 9, 4]  out y : f32[time 9, 2] = x |> LSTM(2)", ""},
      {"in x : f32[time 50, 3] every 100  out p : f32[2] = x |> GRU(2) |> last", "W405"},
      {"in x : f32[time 50, 3] every 50  out p : f32[2] = x |> GRU(2) |> last", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_last_of_both(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[time 9, 8]  out y : f32[4] = x |> GRU(2, direction=both) |> last", "W404"},
      {"in x : f32[time 9, 8]  out y : f32[4] = x |> LSTM(2, direction=both) |> Dropout(0.1) |> "
       "tanh |> last",
       "W404"},
      {"in x : f32[time 9, 8]  let g = x |> GRU(2, direction=both)  out y : f32[4] = g.h", ""},
      {"in x : f32[time 9, 8]  out y : f32[4] = x |> GRU(2, direction=both) |> mean", ""},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> GRU(2, direction=backward) |> last", ""},
      {"in x : f32[time 9, 8]  out y : f32[2] = x |> GRU(2, direction=both) |> GRU(2) |> last", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_softmax(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[8]  out y : f32[1] = x |> Dense(1) |> softmax", "W501"},
      {"in x : f32[time 3, 1]  out y : f32[time 3, 1] = x |> softmax", "W501"},
      {"in x : f32[8]  out y : f32[1] = x |> Dense(1) |> sigmoid |> softmax",
       "W501"}, /* one mistake */
      {"in x : f32[8]  out y : f32[8] = x |> sigmoid |> softmax", "W502"},
      {"in x : f32[8]  out y : f32[8] = x |> softmax |> Dropout(0.5) |> softmax", "W502"},
      {"in x : f32[8]  out y : f32[8] = x |> tanh |> softmax", "W502"},
      {"in x : f32[8]  out y : f32[8] = x |> tanh |> Dense(8) |> softmax", ""},
      {"in x : f32[8]  out y : f32[8] = x |> relu |> softmax", "W504"},
      {"in x : f32[8]  out y : f32[8] = x |> leaky_relu |> softmax", ""},
      {"in x : f32[8]  out y : f32[8] = x |> softmax", ""},
  };
  ASSERT_LINTS(cases);
}

static void test_lost_state(void **state) {
  (void)state;
  static const Case cases[] = {
      {"in x : f32[time 9, 8]  in s : f32[2]  out y : f32[time 9, 2] = x |> GRU(2, init=s)",
       "W503"},
      {"in x : f32[time 9, 8]  in s : f32[2]  let g = x |> GRU(2, init=s)  out y : f32[time 9, 2] "
       "= g  out h : f32[2] = g.h",
       ""},
      /* the last step of a forward GRU is its state */
      {"in x : f32[time 9, 8]  in s : f32[2]  out y : f32[2] = x |> GRU(2, init=s) |> last", ""},
      {"in x : f32[time 9, 8]  in h : f32[2]  in c : f32[2]  let g = x |> LSTM(2, init=(h, c))  "
       "out y : f32[2] = g.h",
       "W503"},
      /* a condition, not a memory */
      {"in x : f32[time 9, 8]  in s : f32[3]  let z = s |> Dense(2)  out y : f32[time 9, 2] = x |> "
       "GRU(2, init=z)",
       ""},
      {"in x : f32[time .., 8]  in s : f32[2]  out y : f32[time .., 2] = x |> GRU(2, init=s)", ""},
  };
  ASSERT_LINTS(cases);
}

/* What a block is told once is not told again for its next use. */
static void test_block_once(void **state) {
  (void)state;
  Compile c;
  const char *text = "grus 1\nblock B { in x  out y = x |> sigmoid |> softmax }\n"
                     "model m { in x : f32[8]  out y : f32[8] = x |> B |> Dense(8) |> B }\n";
  assert_string_equal(lints_of(&c, text), "W502");
  compile_end(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_unused_input),
      cmocka_unit_test(test_unused_let),
      cmocka_unit_test(test_unused_let_and_blocks),
      cmocka_unit_test(test_ordinal_weights),
      cmocka_unit_test(test_dense_per_step),
      cmocka_unit_test(test_shape),
      cmocka_unit_test(test_single_step),
      cmocka_unit_test(test_dropped_tail),
      cmocka_unit_test(test_streams),
      cmocka_unit_test(test_last_of_both),
      cmocka_unit_test(test_softmax),
      cmocka_unit_test(test_lost_state),
      cmocka_unit_test(test_block_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
