/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What resolve makes of a tree: layers, paths, options, types; and that each mistake with a name is
 * reported once. */
#include "front_compile.h"

#define MODEL(body) "grus 1\nmodel m {\n  in x : f32[time 20, 8]\n" body "\n}\n"

static const Layer *layer_at(const Compile *c, int i) {
  return c->program->model[0]->layer[i];
}

static void options_and_paths(void **state) {
  (void)state;
  Compile c;
  compile(
      &c,
      "grus 1\nparam dir = both\nmodel m {\n  weights torch \"w\"\n  precision i16\n  in x : "
      "f32[time 20, 8]\n"
      "  let a = x |> GRU(2*4, direction=dir, bias=false) |> Conv1D(4, kernel=3, padding=causal)\n"
      "  out y : f32[time 20, 4] = 1 - a |> Dense(4, from=\"fc\") |> Dense(4)\n  allow "
      "flatten_time\n}\n");
  assert_string_equal(compile_codes(&c), "");
  const Model *m = c.program->model[0];
  assert_int_equal(m->weights.convention, CONVENTION_TORCH);
  assert_int_equal(m->precision, PRECISION_I16);
  assert_true(m->allowed[W303]);
  assert_int_equal(layer_size(layer_at(&c, 0), OPT_units, 0), 8);
  assert_string_equal(layer_word(layer_at(&c, 0), OPT_direction), "both");
  assert_string_equal(layer_word(layer_at(&c, 0), OPT_bias), "false");
  assert_string_equal(layer_at(&c, 0)->path, "a.gru");
  assert_int_equal(layer_at(&c, 2)->kind, LAYER_sub);
  assert_true(layer_word_is(layer_at(&c, 2), OPT_swapped, "true"));
  assert_string_equal(layer_at(&c, 3)->prefix, "fc");
  assert_string_equal(layer_at(&c, 4)->path, "y.dense_2");
  assert_int_equal(m->n_lets, 1);
  compile_end(&c);
}

static void blocks_expand(void **state) {
  (void)state;
  Compile c;
  compile(&c, "grus 1\nblock Pair(n, k=n) {\n  in p\n  in q\n  out s = p + q |> Dense(n)\n  out t "
              "= p |> Dense(k) |> Inner\n}\n"
              "block Inner { in v  let w = v |> tanh  out u = w }\n"
              "model m {\n  in a : f32[4]\n  in b : f32[4]\n  let r = a |> Pair(b, 4)\n  let v = "
              "Pair(b, a, n=4, k=5)\n"
              "  out y : f32[4] = r + v\n  out z : f32[5] = v.t\n}\n");
  assert_string_equal(compile_codes(&c), "");
  assert_string_equal(layer_at(&c, 1)->path, "r.pair.dense");
  assert_string_equal(layer_at(&c, 3)->path, "r.pair.inner.tanh");
  assert_string_equal(layer_at(&c, 5)->path, "v.pair.dense");
  assert_string_equal(layer_at(&c, 3)->call->block, "Inner");
  assert_string_equal(layer_at(&c, 3)->call->outer->block, "Pair");
  assert_int_equal(layer_size(layer_at(&c, 6), OPT_units, 0), 5);
  assert_ptr_equal(c.program->model[0]->out[1]->value, layer_at(&c, 7)->out[0]);
  compile_end(&c);
}

static void states(void **state) {
  (void)state;
  Compile c;
  compile(&c, "grus 1\nmodel m {\n  in x : f32[time 20, 8]\n  in h0 : f32[4]\n  let e = x |> "
              "LSTM(4, init=(h0, h0))\n"
              "  let d = x |> LSTM(4, init=e)\n  let g = x |> GRU(4, init=e.h)\n  out y : f32[4] = "
              "d.c\n  out z : f32[4] = g.h\n}\n");
  assert_string_equal(compile_codes(&c), "");
  const OptVal *init = layer_opt(layer_at(&c, 0), OPT_init);
  assert_int_equal(init->n_values, 2);
  assert_null(init->states_of);
  init = layer_opt(layer_at(&c, 1), OPT_init);
  assert_ptr_equal(init->states_of, layer_at(&c, 0));
  assert_ptr_equal(init->values[1], layer_at(&c, 0)->out[2]);
  assert_ptr_equal(layer_opt(layer_at(&c, 2), OPT_init)->values[0], layer_at(&c, 0)->out[1]);
  compile_end(&c);
}

static void learned_start(void **state) {
  (void)state;
  Compile c;
  compile(&c, "grus 1\nparam start = learned\nmodel m {\n  in x : f32[time 20, 8]\n"
              "  let a = x |> GRU(4, init=start)\n  let learned = x |> GRU(4, init=learned)\n"
              "  let d = x |> GRU(4, init=learned)\n  out y : f32[4] = a.h + d.h\n}\n");
  assert_string_equal(compile_codes(&c), "");
  assert_true(layer_learns_start(layer_at(&c, 0)));
  assert_true(layer_learns_start(layer_at(&c, 1)));
  assert_false(layer_learns_start(layer_at(&c, 2))); /* a value of this name is there by now */
  assert_ptr_equal(layer_opt(layer_at(&c, 2), OPT_init)->states_of, layer_at(&c, 1));
  compile_end(&c);
}

static void types(void **state) {
  (void)state;
  Compile c;
  compile(&c, "grus 1\nparam r = 16kHz\nmodel m {\n  in a : index(80)[time n <= 120]\n  in b : "
              "f32[time n, mel (2+3)*4]\n"
              "  in d : f32[time <= 7, 2]\n  in e : i16[axis 3, time 2s @ 50Hz] every 500ms\n  in "
              "f : f32[time .. / 160 @ r]\n"
              "  out o : f32[time <= 7, 2] = d\n  out q : f32[time n, 20] = b\n}\n");
  assert_string_equal(compile_codes(&c), "");
  const Model *m = c.program->model[0];
  assert_int_equal(m->in[0]->declared.time.length, m->in[1]->declared.time.length);
  assert_int_equal(m->in[1]->declared.dim[0].n, 20);
  assert_string_equal(m->in[1]->declared.dim[0].label, "mel");
  assert_int_not_equal(m->in[2]->declared.time.length, m->in[0]->declared.time.length);
  assert_int_equal(m->in[3]->declared.time.n, 100);
  assert_int_equal(m->in[3]->declared.time_pos, 1);
  assert_int_equal(m->in[3]->every, 25);
  assert_int_equal(m->in[4]->declared.time.period, 160);
  assert_int_equal(m->in[4]->declared.time.rate_num, 16000);
  assert_int_equal(m->out[0]->declared.time.length, -1);
  assert_int_equal(m->out[1]->declared.time.length, m->in[0]->declared.time.length);
  compile_end(&c);
}

static void constants(void **state) {
  (void)state;
  static const struct {
    const char *expression, *codes;
    int64_t units;
  } cases[] = {{"2 + 3 * 4 - 6 / 2", "", 11},
               {"(2 + 3) * 4", "", 20},
               {"2s * 50Hz", "", 100},
               {"1000ms / 10ms", "", 100},
               {"-(-5)", "", 5},
               {"7 / 2", "E311", 0},
               {"4 / 0", "E311", 0},
               {"2.5", "E311", 0},
               {"0", "E310", 0},
               {"3 - 5", "E310", 0},
               {"3000000000", "E113", 0},
               {"1s + 1", "E206", 0},
               {"9223372036854775807 + 1", "E113", 0},
               {"\"8\"", "E206", 0},
               {"16kHz", "E206", 0}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    Compile c;
    char text[300];
    snprintf(text, sizeof text, MODEL("  out y : f32[time 20, 8] = x |> Dense(%s)"),
             cases[i].expression);
    compile(&c, text);
    assert_string_equal(compile_codes(&c), cases[i].codes);
    if (cases[i].units) assert_int_equal(layer_size(layer_at(&c, 0), OPT_units, 0), cases[i].units);
    compile_end(&c);
  }
}

static void defines(void **state) {
  (void)state;
  Compile c;
  Define define[] = {{"n", "6", false},
                     {"p", "i8", false},
                     {"rate", "-0.5", false},
                     {"unit", "3", false},
                     {"bad", "1 +", false}};
  compile_with(&c,
               "grus 1\nparam n = 4\nparam p\nparam rate = 1.0\nparam units = n * 2\nparam bad = "
               "1\nmodel m {\n  in x : f32[n]\n"
               "  out y : f32[units] = x * rate |> Dense(units, precision=p) |> Dense(bad)\n}\n",
               define, 5, NULL);
  assert_string_equal(compile_codes(&c), "E211 E205");
  assert_int_equal(c.program->model[0]->in[0]->declared.dim[0].n, 6);
  assert_int_equal(layer_size(layer_at(&c, 1), OPT_units, 0), 12);
  assert_true(layer_number(layer_at(&c, 0), OPT_value, 0) == -0.5);
  compile_end(&c);
}

static void files_are_used(void **state) {
  (void)state;
  static const char *const files[] = {"lib/a.grus",
                                      "grus 1\nuse \"b.grus\"\nparam n = 3\nblock A { in v out w = "
                                      "v |> B |> Dense(n) }\nmodel ignored { in x }",
                                      "lib/b.grus",
                                      "grus 1\nparam k = 5\nblock B { in v out w = v |> Dense(k) }",
                                      "loop.grus",
                                      "grus 1\nuse \"./lib/../loop2.grus\"",
                                      "loop2.grus",
                                      "grus 1\nuse \"loop.grus\"",
                                      NULL};
  Compile c;
  Define define = {"k", "7", false};
  compile_with(&c,
               "grus 1\nuse \"lib/a.grus\"\nuse \"lib/b.grus\"\nmodel m {\n  in x : f32[8]\n  out "
               "y : f32[3] = x |> A\n}\n",
               &define, 1, files);
  assert_string_equal(compile_codes(&c), "");
  assert_int_equal(c.program->n_models, 1);
  assert_int_equal(c.program->n_used_files, 2);
  assert_int_equal(layer_size(layer_at(&c, 0), OPT_units, 0), 7);
  compile_end(&c);
  compile_with(&c, "grus 1\nuse \"loop.grus\"\nuse \"none.grus\"\n", NULL, 0, files);
  assert_string_equal(compile_codes(&c), "E213 E214");
  compile_end(&c);
}

static void names(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"  out y : f32[1] = x |> Desne(1)", "E201"},
      {"  out y : f32[1] = q |> Desne(1)", "E202 E201"},
      {"  let h = q |> relu\n  out y : f32[1] = h.h |> Dense(1) + h", "E202 E101"},
      {"  let h = q |> relu\n  out y : f32[1] = h + h |> Dense(1)", "E202"},
      {"  let h = x |> GRU(2, return_sequences=true, foo=1)\n  out y : f32[1] = h |> last |> "
       "Dense(1)",
       "E203 E203"},
      {"  out y : f32[1] = x |> Dense |> Conv1D(3) |> GRU", "E204 E204 E204"},
      {"  out y : f32[1] = x |> Dense(x)\n  let k = 3", "E206 E206"},
      {"  out y : f32[1] = Dense(3) + last()", "E207 E207"},
      {"  in z\n  out y : f32[1] = z |> relu", "E208"},
      {"  in x : f32[2]\n  out y : f32[1] = x", "E209"},
      {"  out y : f32[1] = h\n  let h = x", "E210"},
      {"  out y : f32[1] = x |> GRU(2, direction=bidirectional, bias=True) |> Dropout(1)",
       "E211 E211 E211"},
      {"  allow flaten_time\n  out y : f32[1] = x", "E211"},
      {"  precision f32 precision f16 param k = 3\n  out y : f32[1] = x", "E216 E216"},
      {"  out y : f32[1] = x |> GRU(64, units=3) |> Dense(3, 4) |> relu(1, 2)", "E217 E217 E217"},
      {"  let l = x |> last\n  out y : f32[1] = l.h\n  out z : f32[1] = x.c", "E506 E506"},
      {"  in t : f32[time 3, time 4, 2]\n  in s : f32[3, time ..]\n  out y : f32[1] = t + s",
       "E305 E305"},
      {"  in t : f32[time 25ms @ 44100Hz]\n  in s : f32[time 25ms]\n  out y : f32[1] = t + s",
       "E406 E407"},
      {"  in t : f32[1,1,1,1,1,1,1,1,1]\n  in s : f32[70000, 70000]\n  out y : f32[1] = t + s",
       "E314 E313"},
      {"  in t : f32[time n <= 3]\n  in s : f32[time n <= 4]\n  out y : f32[time k <= 3] = t",
       "E209 E202"},
      {"  out y : f32[1] = x |> Flatten |> Activation(\"relu\") |> TimeDistributed(Dense(4))",
       "E201 E201 E201"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    char text[600];
    snprintf(text, sizeof text, MODEL("%s"), cases[i][0]);
    assert_codes(text, cases[i][1]);
  }
}

static void bodies_of_blocks_are_reported_once(void **state) {
  (void)state;
  assert_codes("grus 1\nblock B { in v out w = v |> Desne(3) }\nblock U(n) { in v  precision f32 "
               "out w = v |> GRU(n, foo=q) }\n"
               "model m { in x : f32[8] let a = x |> B |> B out y : f32[3] = a |> B }",
               "E201 E216 E203");
  assert_codes("grus 1\nblock A { in v out w = v |> B }\nblock B { in v out w = v |> A }\nmodel m "
               "{ in x : f32[8] out y : f32[3] = x |> A |> B }",
               "E212");
  assert_codes("grus 1\nblock A(k) { in v out w = v }\nmodel m { in x : f32[8] out y : f32[3] = x "
               "|> A |> A(1, 2) |> A(n=2) |> A(x) }",
               "E204 E217 E203 E206");
  assert_codes("grus 1\nblock relu { in v out w = v }\nmodel m { in x : f32[8] out y : f32[8] = x "
               "}\nmodel m { in x : f32[8] out y : f32[8] = x }",
               "E209 E209");
  assert_codes("grus 1\nblock N { in v }\nmodel m { in x : f32[8] out y : f32[8] = x |> N |> N }",
               "E206");
}

static void expansion_is_bounded(void **state) {
  (void)state;
  Compile c;
  compile_parse(&c, "grus 1");
  Text text = text_new(c.arena);
  text_add(&text, "grus 1\nblock B0 { in x out y = x |> relu |> relu }\n");
  for (int i = 1; i < 40; i++)
    text_printf(&text, "block B%d { in x out y = x |> B%d |> B%d }\n", i, i - 1, i - 1);
  text_add(&text, "model m { in x : f32[8] out y : f32[8] = x |> B39 }\nmodel k { in x : f32[8] "
                  "out y : f32[8] = x |> B3 }");
  assert_codes(text_str(&text), "E215");
  compile_end(&c);
}

static void unused_params(void **state) {
  (void)state;
  assert_codes("grus 1\nparam a = 3\nparam b = a\nblock B { in v out w = v |> Dense(b) }\nparam d "
               "= 4\nmodel m { in x : f32[8] out y : f32[8] = x }",
               "W203");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options_and_paths),
      cmocka_unit_test(blocks_expand),
      cmocka_unit_test(states),
      cmocka_unit_test(learned_start),
      cmocka_unit_test(types),
      cmocka_unit_test(constants),
      cmocka_unit_test(defines),
      cmocka_unit_test(files_are_used),
      cmocka_unit_test(names),
      cmocka_unit_test(bodies_of_blocks_are_reported_once),
      cmocka_unit_test(expansion_is_bounded),
      cmocka_unit_test(unused_params),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
