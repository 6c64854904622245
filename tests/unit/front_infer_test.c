/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the rules make of types: a line for each accepted form of each stage, the arithmetic of
 * streams, and how a model runs. What a refusal looks like is in tests/language/diagnostics. */
#include "front_compile.h"

#include "model/infer/infer.h"

static void infer(Compile *c, const char *text) {
  compile(c, text);
  assert_string_equal(compile_codes(c), "");
  model_infer(c->program->model[0], c->diags);
}

static Model *inferred(Compile *c, const char *text) {
  infer(c, text);
  if (c->diags->n_errors) print_error("%s%s\n", text, compile_codes(c));
  assert_int_equal(c->diags->n_errors, 0);
  return c->program->model[0];
}

/* The main result of the last layer. */
static const Type *type_of_last(const Model *m) {
  return &m->layer[m->n_layers - 1]->out[0]->type;
}

typedef struct Case {
  const char *input, *stages, *result;
} Case;

static const char *case_text(Arena *arena, const Case *c) {
  return arena_printf(arena,
                      "grus 1\nmodel m {\n  in x : %s\n  in v3 : f32[3]\n  in s : f32[time 20, "
                      "3]\n  let v = x |> %s\n}\n",
                      c->input, c->stages);
}

static void check_cases(const Case *cases, size_t n) {
  jmp_buf oom;
  Arena *arena = arena_new(&oom);
  for (size_t i = 0; i < n; i++) {
    Compile c;
    const Type *type = type_of_last(inferred(&c, case_text(arena, &cases[i])));
    Text text = text_new(c.arena);
    text_add_type(&text, type, true);
    if (strcmp(text_str(&text), cases[i].result) != 0)
      print_error("%s |> %s\n", cases[i].input, cases[i].stages);
    assert_string_equal(text_str(&text), cases[i].result);
    compile_end(&c);
  }
  arena_free(arena);
}
#define CHECK(cases) check_cases(cases, sizeof(cases) / sizeof *(cases))

static void recurrent(void **state) {
  (void)state;
  static const Case cases[] = {
      {"f32[time 49, mfcc 13]", "GRU(64)", "f32[time 49, 64]"},
      {"f32[time 49, 13]", "LSTM(8, direction=both)", "f32[time 49, 16]"},
      {"f16[time 49, 13]", "RNN(8, direction=backward)", "f32[time 49, 8]"},
      {"f32[axis 3, time 20]", "GRU(4)", "f32[time 20, 4]"},
      {"f32[time 20, 3]", "GRU(3, init=v3)", "f32[time 20, 3]"},
      {"f32[time 20, 3]", "LSTM(3, init=(v3, v3))", "f32[time 20, 3]"},
      {"f32[time n <= 20, 3]", "GRU(4)", "f32[time n <= 20, 4]"},
      {"f32[time .. @ 100Hz, 3]", "LSTM(4)", "f32[time .. @ 100Hz, 4]"},
  };
  CHECK(cases);
}

static void weighted(void **state) {
  (void)state;
  static const Case cases[] = {
      {"f32[8]", "Dense(3)", "f32[3]"},
      {"f32[time 20, mel 8]", "Dense(3)", "f32[time 20, 3]"},
      {"f32[row 2, 8]", "Dense(3)", "f32[row 2, 3]"},
      {"f32[time .., 8]", "Dense(3)", "f32[time .., 3]"},
      {"index(96)[time 64]", "Embedding(24)", "f32[time 64, 24]"},
      {"index(3)", "Embedding(2)", "f32[2]"},
      {"f32[time 20, band 8]", "LayerNorm", "f32[time 20, band 8]"},
      {"f32[band 8]", "BatchNorm", "f32[band 8]"},
      {"f32[band 8]", "prelu", "f32[band 8]"},
      {"f32[time 20, 4]", "Conv1D(6, 3)", "f32[time 18, 6]"},
      {"f32[time 20, 4]", "Conv1D(6, 3, stride=2, dilation=2, groups=2)", "f32[time 8, 6]"},
      {"f32[time 21, 4]", "Conv1D(6, 3, stride=2, padding=same)", "f32[time 11, 6]"},
      {"f32[time 20, 4]", "Conv1D(6, 30, padding=causal)", "f32[time 20, 6]"},
      {"f32[time n <= 20, 4]", "Conv1D(6, 3)", "f32[time <= 18, 6]"},
      {"f32[time n <= 20, 4]", "Conv1D(6, 3, padding=same)", "f32[time n <= 20, 6]"},
      {"f32[time n <= 21 @ 100Hz, 4]", "Conv1D(6, 3, stride=2, padding=causal)",
       "f32[time <= 11 @ 50Hz, 6]"},
  };
  CHECK(cases);
}

static void elementwise(void **state) {
  (void)state;
  static const char *const stage[] = {"relu(max=6)",
                                      "leaky_relu",
                                      "elu",
                                      "selu",
                                      "gelu(form=tanh)",
                                      "sigmoid",
                                      "hard_sigmoid",
                                      "tanh",
                                      "hard_tanh",
                                      "softplus",
                                      "softsign",
                                      "abs",
                                      "exp",
                                      "log",
                                      "sqrt",
                                      "square",
                                      "clip(0, 1)",
                                      "softmax",
                                      "normalize(mean=1, std=2)",
                                      "Dropout(0.5)",
                                      "GaussianNoise(0.1)"};
  for (size_t i = 0; i < sizeof stage / sizeof *stage; i++) {
    Case cases[] = {{"f32[time .., band 8]", stage[i], "f32[time .., band 8]"},
                    {"f16[8]", stage[i], "f32[8]"}};
    CHECK(cases);
  }
  static const Case integers[] = {{"i16[time 20, 1]", "normalize(std=32768)", "f32[time 20, 1]"},
                                  {"u8[3]", "normalize", "f32[3]"}};
  CHECK(integers);
}

static void shapes(void **state) {
  (void)state;
  static const Case cases[] = {
      {"f32[time 20, 8]", "last", "f32[8]"},
      {"f32[time n <= 20, a 2, b 3]", "mean", "f32[a 2, b 3]"},
      {"f32[time 20, 8]", "max", "f32[8]"},
      {"f32[time 20, 2, 3]", "flatten", "f32[120]"},
      {"f32[60]", "reshape([time 20, axis 3])", "f32[time 20, axis 3]"},
      {"f32[60]", "reshape([axis 3, time 20])", "f32[axis 3, time 20]"},
      {"f32[time 20, 3]", "reshape([60])", "f32[60]"},
      {"f32[8]", "repeat(5)", "f32[time 5, 8]"},
      {"f32[8]", "repeat(along=s)", "f32[time 20, 8]"},
      {"f32[8]", "expand", "f32[time 1, 8]"},
      {"f32[time 20, mel 8]", "slice(2, 5)", "f32[time 20, 3]"},
      {"f32[time 20, 5]", "concat(s)", "f32[time 20, 8]"},
      {"f32[time 64 @ 16kHz, 1]", "frames(1ms, hop=8)", "f32[time 7 @ 2kHz, 16]"},
      {"f32[time 64, 2]", "frames(16, hop=8)", "f32[time 7, 32]"},
      {"f32[time n <= 64, 2]", "frames(16, hop=8)", "f32[time <= 7, 32]"},
      {"f32[time 7 @ 2kHz, 16]", "overlap_add(hop=8)", "f32[time 64 @ 16kHz, 1]"},
      {"f32[time 20, 8]", "delay(3)", "f32[time 20, 8]"},
      {"f32[time 20, 8]", "reverse", "f32[time 20, 8]"},
      {"f32[time 21, 8]", "max_pool(2)", "f32[time 10, 8]"},
      {"f32[time 21, 8]", "mean_pool(4, stride=1)", "f32[time 18, 8]"},
      {"index(3)", "onehot", "f32[3]"},
      {"index(3)[time n <= 9]", "onehot", "f32[time n <= 9, 3]"},
      {"f32[time 20, 8]", "argmax", "index(8)[time 20]"},
  };
  CHECK(cases);
}

static void states_are_vectors(void **state) {
  (void)state;
  Compile c;
  const Model *m = inferred(
      &c, "grus 1\nmodel m {\n  in x : f32[time 20, 8]\n  let a = x |> LSTM(4, direction=both)\n"
          "  out h : f32[8] = a.h\n  out c : f32[8] = a.c\n}\n");
  assert_string_equal(type_str(c.arena, &m->layer[0]->out[1]->type), "f32[8]");
  assert_string_equal(type_str(c.arena, &m->layer[0]->out[2]->type), "f32[8]");
  compile_end(&c);
}

static void operators_merge(void **state) {
  (void)state;
  Compile c;
  const Model *m = inferred(
      &c, "grus 1\nmodel m {\n  in a : f32[time 20, 8]\n  in b : f32[time 20 @ 50Hz, mel 8]\n"
          "  let s = a + b\n  let t = 1 - s * 2\n  let u = concat(a, b) / 3\n}\n");
  Text text = text_new(c.arena);
  text_add_type(&text, type_of_last(m), true);
  assert_string_equal(text_str(&text), "f32[time 20 @ 50Hz, 16]");
  assert_string_equal(type_str(c.arena, &m->layer[2]->out[0]->type), "f32[time 20, mel 8]");
  compile_end(&c);
}

/* Lengths derived by one rule are one length, and meet; by different rules they do not. */
static void lengths_derive(void **state) {
  (void)state;
  Compile c;
  const Model *m = inferred(
      &c,
      "grus 1\nmodel m {\n  in x : f32[time n <= 20, 4]\n  let a = x |> Conv1D(8, 4, stride=2)\n"
      "  let b = x |> mean_pool(4, stride=2)\n  let v = concat(a, b)\n}\n");
  assert_string_equal(type_str(c.arena, type_of_last(m)), "f32[time <= 9, 12]");
  assert_int_equal(m->n_lengths, 3);
  assert_int_equal(m->length[2].from, 1);
  assert_int_equal(m->length[2].size, 4);
  assert_int_equal(m->length[2].hop, 2);
  compile_end(&c);
  infer(&c,
        "grus 1\nmodel m {\n  in x : f32[time n <= 20, 4]\n  let a = x |> max_pool(4, stride=2)\n"
        "  let b = x |> max_pool(5, stride=2)\n  let v = concat(a, b)\n}\n");
  assert_string_equal(compile_codes(&c), "E309");
  compile_end(&c);
}

typedef struct StreamCase {
  const char *stages;
  int64_t period, lag;
} StreamCase;

/* Slot m of a stream holds value m - lag of the same model run on a whole sequence. */
static void streams(void **state) {
  (void)state;
  static const StreamCase cases[] = {
      {"relu", 1, 0},
      {"GRU(4)", 1, 0},
      {"delay(5)", 1, 0},
      {"Conv1D(4, 3)", 1, 2},
      {"Conv1D(4, 3, dilation=4)", 1, 8},
      {"Conv1D(4, 3, padding=causal)", 1, 0},
      {"Conv1D(4, 4, stride=2)", 2, 1},
      {"Conv1D(4, 5, stride=2)", 2, 2},
      {"Conv1D(4, 1, stride=2)", 2, 0},
      {"Conv1D(4, 5, stride=3, padding=causal)", 3, 0},
      {"max_pool(4)", 4, 0},
      {"mean_pool(4, stride=2)", 2, 1},
      {"frames(400, hop=160)", 160, 2},
      {"frames(32, hop=16) |> overlap_add(hop=16)", 1, 16},
      {"frames(32, hop=32) |> overlap_add(hop=32)", 1, 0},
      {"Conv1D(4, 3) |> Conv1D(4, 3)", 1, 4},
      {"Conv1D(4, 3) |> max_pool(2)", 2, 1},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Compile c;
    jmp_buf oom;
    Arena *arena = arena_new(&oom);
    const Model *m = inferred(
        &c,
        arena_printf(arena, "grus 1\nmodel m {\n  in x : f32[time .., 1]\n  let v = x |> %s\n}\n",
                     cases[i].stages));
    const Time *time = &type_of_last(m)->time;
    if (time->period != cases[i].period || time->lag != cases[i].lag)
      print_error("%s\n", cases[i].stages);
    assert_int_equal(time->period, cases[i].period);
    assert_int_equal(time->lag, cases[i].lag);
    compile_end(&c);
    arena_free(arena);
  }
}

/* The same random chain of windows at `time ..` and at `time S`: after S base steps the stream has
 * given as many values as the whole sequence has. */
static uint32_t next_random(uint32_t *seed, uint32_t below) {
  *seed = *seed * 1664525u + 1013904223u;
  return (*seed >> 8) % below;
}

static const char *random_chain(Arena *arena, uint32_t *seed) {
  Text text = text_new(arena);
  for (uint32_t i = 0, n = 1 + next_random(seed, 4); i < n; i++) {
    unsigned size = 1 + next_random(seed, 5), hop = 1 + next_random(seed, 3);
    if (i) text_add(&text, " |> ");
    switch (next_random(seed, 6)) {
    case 0: text_printf(&text, "Conv1D(2, %u, stride=%u)", size, hop); break;
    case 1: text_printf(&text, "Conv1D(2, %u, dilation=%u)", size, hop); break;
    case 2: text_printf(&text, "frames(%u, hop=%u)", size, hop); break;
    case 3: text_printf(&text, "max_pool(%u, stride=%u)", size, hop); break;
    case 4: text_printf(&text, "Conv1D(2, %u, padding=causal)", size); break;
    default: text_printf(&text, "delay(%u) |> GRU(2)", size); break;
    }
  }
  return text_str(&text);
}

static void stepping_counts_like_running(void **state) {
  (void)state;
  enum { CHAINS = 300, CALLS = 40 };
  uint32_t seed = 7;
  for (int i = 0; i < CHAINS; i++) {
    Compile c;
    jmp_buf oom;
    Arena *arena = arena_new(&oom);
    const char *format = "grus 1\nmodel m {\n  in x : f32[%s, 2]\n  let v = x |> %s\n}\n",
               *chain = random_chain(arena, &seed);
    const Model *m = inferred(&c, arena_printf(arena, format, "time ..", chain));
    int64_t steps = CALLS * m->steps_per_call,
            streamed = steps / type_of_last(m)->time.period - type_of_last(m)->time.lag;
    compile_end(&c);
    m = inferred(
        &c, arena_printf(arena, format, arena_printf(arena, "time %lld", (long long)steps), chain));
    if (type_of_last(m)->time.n != streamed) print_error("%s\n", chain);
    assert_int_equal(type_of_last(m)->time.n, streamed);
    compile_end(&c);
    arena_free(arena);
  }
}

static void one_call_gives_whole_values(void **state) {
  (void)state;
  Compile c;
  const Model *m = inferred(
      &c,
      "grus 1\nmodel m {\n  in x : f32[time .. @ 16kHz, 1]\n  in w : f32[time .. / 4 @ 4kHz, 1]\n"
      "  out y : f32[time .. / 6, 4] = x |> frames(8, hop=6) |> Dense(4)\n  out z : f32[time .. / "
      "4, 1] = w\n}\n");
  assert_int_equal(m->run, RUN_STREAM);
  assert_int_equal(m->steps_per_call, 12);
  compile_end(&c);
  m = inferred(&c, "grus 1\nmodel m {\n  in x : f32[time 2s @ 50Hz, 3] every 500ms\n  out y : "
                   "f32[4] = x |> GRU(4) |> last\n}\n");
  assert_int_equal(m->run, RUN_WINDOW);
  assert_int_equal(m->in[0]->every, 25);
  assert_int_equal(m->steps_per_call, 1);
  compile_end(&c);
}

/* What initial states are made of is read at reset, also through layers of its own. */
static void reset_inputs(void **state) {
  (void)state;
  Compile c;
  const Model *m =
      inferred(&c, "grus 1\nmodel m {\n  in x : f32[time .., 3]\n  in a : f32[4]\n  in b : "
                   "f32[5]\n  in g : f32[4]\n"
                   "  let h = x |> GRU(4, init=a) |> RNN(4, init=b |> Dense(4) |> tanh)\n"
                   "  out y : f32[time .., 4] = h + (g |> repeat(along=h))\n}\n");
  static const bool is_init[] = {false, true, true, false};
  for (int i = 0; i < 4; i++)
    assert_int_equal(m->in[i]->is_init, is_init[i]);
  compile_end(&c);
  m = inferred(&c, "grus 1\nmodel m {\n  in x : f32[time 9, 3]\n  in a : f32[4]\n  out y : f32[4] "
                   "= x |> GRU(4, init=a) |> last\n}\n");
  assert_false(m->in[1]->is_init);
  compile_end(&c);
}

/* One mistake, one report: what is made of it is silent, what is not is not. */
static void poison_is_silent(void **state) {
  (void)state;
  Compile c;
  infer(&c, "grus 1\nmodel m {\n  in x : f32[time 20, 8]\n  let a = x |> last |> GRU(4)\n  let b = "
            "a |> GRU(4) |> frames(900, hop=1)\n"
            "  out y : f32[9] = concat(a, b) |> last\n  out z : f32[3] = x |> last\n}\n");
  assert_string_equal(compile_codes(&c), "E301 E302");
  assert_true(c.program->model[0]->failed);
  assert_true(c.program->model[0]->out[0]->value->poisoned);
  compile_end(&c);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(recurrent),
      cmocka_unit_test(weighted),
      cmocka_unit_test(elementwise),
      cmocka_unit_test(shapes),
      cmocka_unit_test(states_are_vectors),
      cmocka_unit_test(operators_merge),
      cmocka_unit_test(lengths_derive),
      cmocka_unit_test(streams),
      cmocka_unit_test(stepping_counts_like_running),
      cmocka_unit_test(one_call_gives_whole_values),
      cmocka_unit_test(reset_inputs),
      cmocka_unit_test(poison_is_silent),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
