/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The graph's evaluator: operators against numbers worked out by hand, faults in plain words,
 * loops, lists and variables. Published models test the rest (tests/conformance/graph). */
#include "import/graph/graph.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct Fixture {
  jmp_buf oom;
  Arena *arena;
  Graph *graph;
} Fixture;

static int set_up(void **state) {
  Fixture *f = calloc(1, sizeof *f);
  f->arena = arena_new(&f->oom);
  f->graph = graph_new(f->arena, f->arena, "test");
  *state = f;
  return 0;
}

static int tear_down(void **state) {
  Fixture *f = *state;
  arena_free(f->arena);
  free(f);
  return 0;
}

/* A constant of so many axes: dims first, then numbers. */
static GraphValue *constant(Graph *graph, GraphElem elem, int rank, const int64_t *dim,
                            const double *numbers) {
  double *data;
  GraphTensor *t = graph_tensor(graph->arena, elem, rank, dim, &data);
  assert_non_null(t);
  if (t->count) memcpy(data, numbers, sizeof *data * (size_t)t->count);
  return graph_constant(graph, "", t);
}

static GraphValue *vector(Graph *graph, int n, const double *numbers) {
  return constant(graph, GRAPH_FLOAT, 1, &(int64_t){n}, numbers);
}

static GraphValue *number(Graph *graph, GraphElem elem, double x) {
  return graph_constant(graph, "", graph_scalar(graph->arena, elem, x));
}

#define DIMS(...)                                                                                  \
  (int64_t[]) {                                                                                    \
    __VA_ARGS__                                                                                    \
  }
#define NUMBERS(...)                                                                               \
  (double[]) {                                                                                     \
    __VA_ARGS__                                                                                    \
  }
#define IN(...)                                                                                    \
  (GraphValue *[]) {                                                                               \
    __VA_ARGS__                                                                                    \
  }

static const GraphTensor *evaluate(Fixture *f, GraphValue *value, GraphState *state) {
  const GraphTensor **out = ARENA_ARRAY(f->arena, const GraphTensor *, f->graph->n_out + 1);
  GraphFault fault;
  graph_output(f->graph, "y", value);
  if (!graph_eval(f->graph, f->arena, state, NULL, NULL, out, &fault)) fail_msg("%s", fault.text);
  return out[f->graph->n_out - 1];
}

static void expect(const GraphTensor *t, int rank, const int64_t *dim, const double *numbers) {
  assert_int_equal(t->rank, rank);
  for (int i = 0; i < rank; i++)
    assert_int_equal(t->dim[i], dim[i]);
  for (int64_t i = 0; i < t->count; i++)
    if (!(fabs(graph_at(t, i) - numbers[i]) <= 1e-12))
      fail_msg("element %lld is %.17g, expected %.17g", (long long)i, graph_at(t, i), numbers[i]);
}

static void products(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *a = constant(g, GRAPH_FLOAT, 2, DIMS(2, 3), NUMBERS(1, 2, 3, 4, 5, 6));
  GraphValue *b = constant(g, GRAPH_FLOAT, 2, DIMS(3, 2), NUMBERS(1, 0, 0, 1, 1, 1));
  expect(evaluate(f, graph_call(g, GRAPH_MatMul, "", "", 2, IN(a, b)), NULL), 2, DIMS(2, 2),
         NUMBERS(4, 5, 10, 11));
  GraphValue *v = vector(g, 3, NUMBERS(1, 1, 1));
  expect(evaluate(f, graph_call(g, GRAPH_MatMul, "", "", 2, IN(a, v)), NULL), 1, DIMS(2),
         NUMBERS(6, 15));
  GraphValue *x = constant(g, GRAPH_FLOAT, 3, DIMS(1, 1, 4), NUMBERS(1, 2, 3, 4));
  GraphValue *k = constant(g, GRAPH_FLOAT, 3, DIMS(1, 1, 2), NUMBERS(1, 10));
  GraphNode *conv = graph_node(g, GRAPH_Conv, "", "", 2, IN(x, k), 1);
  graph_set_ints(g, conv, GRAPH_ATTR_pads, 2, DIMS(1, 0));
  expect(evaluate(f, conv->out[0], NULL), 3, DIMS(1, 1, 4), NUMBERS(10, 21, 32, 43));
}

/* Scores 0 and ln 3 weigh as 1 : 3. */
static void attention(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *q = constant(g, GRAPH_FLOAT, 2, DIMS(2, 1), NUMBERS(0, 2)),
             *k = constant(g, GRAPH_FLOAT, 2, DIMS(2, 1), NUMBERS(0, 1.0986122886681098)),
             *v = constant(g, GRAPH_FLOAT, 2, DIMS(2, 1), NUMBERS(8, 16));
  GraphNode *all = graph_node(g, GRAPH_Attention, "", "", 3, IN(q, k, v), 1);
  graph_set_number(g, all, GRAPH_ATTR_factor, 0.5);
  expect(evaluate(f, all->out[0], NULL), 2, DIMS(2, 1), NUMBERS(12, 14));
  GraphNode *past = graph_node(g, GRAPH_Attention, "", "", 3, IN(q, k, v), 1);
  graph_set_number(g, past, GRAPH_ATTR_factor, 0.5);
  graph_set_int(g, past, GRAPH_ATTR_causal, 1);
  expect(evaluate(f, past->out[0], NULL), 2, DIMS(2, 1), NUMBERS(8, 14));
}

static void rounding(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphNode *whole =
      graph_node(g, GRAPH_Round, "", "", 1, IN(vector(g, 4, NUMBERS(0.5, 1.5, -2.5, 2.6))), 1);
  expect(evaluate(f, whole->out[0], NULL), 1, DIMS(4), NUMBERS(0, 2, -2, 3));
  GraphNode *step =
      graph_node(g, GRAPH_Round, "", "", 1, IN(vector(g, 3, NUMBERS(0.3, 0.375, -1.1))), 1);
  graph_set_number(g, step, GRAPH_ATTR_step, 0.25);
  expect(evaluate(f, step->out[0], NULL), 1, DIMS(3), NUMBERS(0.25, 0.5, -1));
}

static void broadcasting(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *a = constant(g, GRAPH_FLOAT, 2, DIMS(2, 1), NUMBERS(10, 20)),
             *b = vector(g, 3, NUMBERS(1, 2, 3));
  expect(evaluate(f, graph_call(g, GRAPH_Add, "", "", 2, IN(a, b)), NULL), 2, DIMS(2, 3),
         NUMBERS(11, 12, 13, 21, 22, 23));
  GraphValue *i = constant(g, GRAPH_I64, 1, DIMS(2), NUMBERS(-7, 7)),
             *two = number(g, GRAPH_I64, 2);
  expect(evaluate(f, graph_call(g, GRAPH_Div, "", "", 2, IN(i, two)), NULL), 1, DIMS(2),
         NUMBERS(-3, 3));
  expect(evaluate(f, graph_call(g, GRAPH_FloorDiv, "", "", 2, IN(i, two)), NULL), 1, DIMS(2),
         NUMBERS(-4, 3));
  GraphValue *bytes = constant(g, GRAPH_U8, 1, DIMS(2), NUMBERS(250, 3));
  expect(evaluate(f, graph_call(g, GRAPH_Add, "", "", 2, IN(bytes, bytes)), NULL), 1, DIMS(2),
         NUMBERS(244, 6));
}

static void slices(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *x = vector(g, 5, NUMBERS(0, 1, 2, 3, 4));
  GraphValue *start = constant(g, GRAPH_I64, 1, DIMS(1), NUMBERS(-1));
  GraphValue *end = constant(g, GRAPH_I64, 1, DIMS(1), NUMBERS(-9.3e18));
  GraphValue *axes = constant(g, GRAPH_I64, 1, DIMS(1), NUMBERS(0)),
             *step = constant(g, GRAPH_I64, 1, DIMS(1), NUMBERS(-2));
  expect(evaluate(f, graph_call(g, GRAPH_Slice, "", "", 5, IN(x, start, end, axes, step)), NULL), 1,
         DIMS(3), NUMBERS(4, 2, 0));
  GraphNode *pad = graph_node(g, GRAPH_Pad, "", "", 2,
                              IN(x, constant(g, GRAPH_I64, 1, DIMS(2), NUMBERS(2, -1))), 1);
  graph_set_words(g, pad, GRAPH_ATTR_mode, 1, (const char *[]){"reflect"});
  expect(evaluate(f, pad->out[0], NULL), 1, DIMS(6), NUMBERS(2, 1, 0, 1, 2, 3));
}

static void recurrent(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *x = constant(g, GRAPH_FLOAT, 3, DIMS(3, 1, 1), NUMBERS(1, 2, 4));
  GraphValue *w = constant(g, GRAPH_FLOAT, 4, DIMS(1, 1, 1, 1), NUMBERS(1)),
             *r = constant(g, GRAPH_FLOAT, 4, DIMS(1, 1, 1, 1), NUMBERS(0.5));
  GraphValue *lengths = constant(g, GRAPH_I64, 1, DIMS(1), NUMBERS(2)),
             *mask = constant(g, GRAPH_BOOL, 2, DIMS(3, 1), NUMBERS(1, 0, 1));
  GraphNode *back = graph_node(g, GRAPH_Rnn, "", "", 5, IN(x, w, r, NULL, lengths), 2);
  graph_set_words(g, back, GRAPH_ATTR_direction, 1, (const char *[]){"backward"});
  graph_set_words(g, back, GRAPH_ATTR_activations, 1, (const char *[]){"linear"});
  expect(evaluate(f, back->out[0], NULL), 4, DIMS(3, 1, 1, 1),
         NUMBERS(2, 2, 0)); /* 2, then 1 + 2 / 2 */
  expect(evaluate(f, back->out[1], NULL), 3, DIMS(1, 1, 1), NUMBERS(2));
  GraphNode *held = graph_node(g, GRAPH_Rnn, "", "", 7, IN(x, w, r, NULL, NULL, NULL, mask), 2);
  graph_set_words(g, held, GRAPH_ATTR_activations, 1, (const char *[]){"leaky_relu(0.5)"});
  expect(evaluate(f, held->out[0], NULL), 4, DIMS(3, 1, 1, 1), NUMBERS(1, 1, 4.5));
}

/* i = 0, s = 0; while i < 4: s += i, i += 1; each s is kept in a list. */
static void loops(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph, *condition = graph_new(f->arena, f->arena, ""),
        *step = graph_new(f->arena, f->arena, "");
  GraphValue *four = number(g, GRAPH_I64, 4), *one = number(g, GRAPH_I64, 1),
             *zero = number(g, GRAPH_I64, 0);
  Graph *body[2] = {condition, step};
  GraphValue *v[2][3];
  for (int b = 0; b < 2; b++)
    for (int k = 0; k < 3; k++)
      v[b][k] = graph_input(body[b], "", k < 2 ? GRAPH_I64 : GRAPH_FLOAT)->value;
  graph_output(condition, "", graph_call(condition, GRAPH_Less, "", "", 2, IN(v[0][0], four)));
  GraphValue *sum = graph_call(step, GRAPH_Add, "", "", 2, IN(v[1][1], v[1][0]));
  graph_output(step, "", graph_call(step, GRAPH_Add, "", "", 2, IN(v[1][0], one)));
  graph_output(step, "", sum);
  graph_output(step, "", graph_call(step, GRAPH_ListSet, "", "", 3, IN(v[1][2], v[1][0], sum)));
  GraphValue *list = graph_call(g, GRAPH_ListNew, "", "", 1, IN(four));
  GraphNode *loop = graph_node(g, GRAPH_While, "", "", 3, IN(zero, zero, list), 3);
  loop->body[0] = condition;
  loop->body[1] = step;
  expect(evaluate(f, loop->out[1], NULL), 0, NULL, NUMBERS(6));
  expect(evaluate(f, graph_call(g, GRAPH_ListStack, "", "", 1, IN(loop->out[2])), NULL), 1, DIMS(4),
         NUMBERS(0, 1, 3, 6));
}

static void endless(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph, *condition = graph_new(f->arena, f->arena, ""),
        *step = graph_new(f->arena, f->arena, "");
  GraphNode *loop = graph_node(g, GRAPH_While, "", "", 1, IN(number(g, GRAPH_BOOL, 1)), 1);
  GraphFault fault;
  const GraphTensor *out;
  loop->body[0] = condition;
  loop->body[1] = step;
  graph_output(condition, "", graph_input(condition, "", GRAPH_BOOL)->value);
  graph_output(step, "", graph_input(step, "", GRAPH_BOOL)->value);
  graph_output(g, "y", loop->out[0]);
  assert_false(graph_eval(g, f->arena, NULL, NULL, NULL, &out, &fault));
  assert_string_equal(fault.text, "its loops take too many steps to evaluate");
  assert_ptr_equal(fault.node, loop);
}

/* What is wrong in a turn of a loop is told when the memory of that turn is gone. */
static void fault_in_a_turn(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph, *condition = graph_new(f->arena, f->arena, ""),
        *step = graph_new(f->arena, f->arena, "");
  GraphValue *list = graph_call(g, GRAPH_ListNew, "", "", 1, IN(number(g, GRAPH_I64, 4)));
  GraphNode *loop = graph_node(g, GRAPH_While, "", "", 2, IN(number(g, GRAPH_BOOL, 1), list), 2);
  GraphFault fault;
  const GraphTensor *out;
  loop->body[0] = condition;
  loop->body[1] = step;
  graph_output(condition, "", graph_input(condition, "", GRAPH_BOOL)->value);
  graph_input(condition, "", GRAPH_FLOAT);
  GraphValue *on = graph_input(step, "", GRAPH_BOOL)->value,
             *kept = graph_input(step, "", GRAPH_FLOAT)->value, *five = number(step, GRAPH_I64, 5);
  graph_output(step, "", on);
  graph_output(step, "", graph_call(step, GRAPH_ListSet, "", "", 3, IN(kept, five, five)));
  graph_output(g, "y", loop->out[1]);
  assert_false(graph_eval(g, f->arena, NULL, NULL, NULL, &out, &fault));
  assert_string_equal(fault.text, "place 5 is outside of a list of 4");
}

/* A list of which no element is set has no numbers that another operator could read. */
static void unset_list(void **state) {
  Fixture *f = *state;
  static const GraphOp reads[] = {GRAPH_Relu, GRAPH_ListFrom};
  for (size_t i = 0; i < sizeof reads / sizeof *reads; i++) {
    Graph *g = graph_new(f->arena, f->arena, "");
    GraphValue *list = graph_call(g, GRAPH_ListNew, "", "", 1, IN(number(g, GRAPH_I64, 4)));
    GraphValue *same = graph_call(g, GRAPH_Identity, "", "", 1, IN(list));
    GraphFault fault;
    const GraphTensor *out;
    graph_output(g, "y", graph_call(g, reads[i], "", "", 1, IN(same)));
    assert_false(graph_eval(g, f->arena, NULL, NULL, NULL, &out, &fault));
    assert_string_equal(fault.text, "operand 0 is a list of which no element is set");
  }
}

/* y = variable + 1; variable = y: 1, 2, 3 in three calls. */
static void variables(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphVariable variable = {"count", graph_scalar(f->arena, GRAPH_FLOAT, 0)};
  ARENA_PUSH(f->arena, g->variable, g->n_variables, g->cap_variables, variable);
  GraphNode *read = graph_node(g, GRAPH_VarRead, "", "", 0, NULL, 1);
  graph_set_int(g, read, GRAPH_ATTR_variable, 0);
  GraphValue *next =
      graph_call(g, GRAPH_Add, "", "", 2, IN(read->out[0], number(g, GRAPH_FLOAT, 1)));
  GraphNode *write = graph_node(g, GRAPH_VarAssign, "", "", 1, IN(next), 0);
  graph_set_int(g, write, GRAPH_ATTR_variable, 0);
  GraphState *kept = graph_state_new(f->arena, g);
  for (int call = 1; call <= 3; call++)
    expect(evaluate(f, next, kept), 0, NULL, NUMBERS(call));
}

/* What cannot be computed says why. */
static void faults(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *three = vector(g, 3, NUMBERS(1, 2, 3)), *four = vector(g, 4, NUMBERS(1, 2, 3, 4));
  GraphValue *huge = constant(g, GRAPH_I64, 1, DIMS(2), NUMBERS(4e9, 4e9));
  GraphNode *gather = graph_node(g, GRAPH_Gather, "", "", 2, IN(three, number(g, GRAPH_I64, 3)), 1);
  const struct {
    GraphNode *node;
    const char *text;
  } cases[] = {
      {graph_node(g, GRAPH_Add, "", "", 2, IN(three, four), 1),
       "sizes 3 and 4 do not match ([3] and [4])"},
      {graph_node(g, GRAPH_Add, "", "", 1, IN(three), 1), "it has 1 operands; it needs at least 2"},
      {graph_node(g, GRAPH_Reshape, "", "", 2, IN(three, huge), 1),
       "the shape [4000000000, 4000000000] has a negative or too large dimension"},
      {graph_node(g, GRAPH_ConstantOfShape, "", "", 1, IN(huge), 1),
       "its result would have the shape [4000000000, 4000000000], with a negative or too large "
       "dimension"},
      {gather, "index 3 is outside of 3 elements"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    GraphNode *node = cases[i].node;
    const GraphTensor *in[2] = {node->in[0]->constant,
                                node->n_in > 1 ? node->in[1]->constant : NULL};
    GraphTensor out;
    GraphCall call = {.arena = f->arena, .node = node, .in = in, .out = &out};
    assert_false(graph_call_eval(&call));
    assert_string_equal(call.fault, cases[i].text);
  }
}

/* An empty result may have a long axis: no room is taken for it. */
static void empty(void **state) {
  Fixture *f = *state;
  Graph *g = f->graph;
  GraphValue *nothing = constant(g, GRAPH_FLOAT, 2, DIMS(0, 3), NUMBERS(0));
  GraphValue *pads = constant(g, GRAPH_I64, 1, DIMS(4), NUMBERS(0, 0, 0, 2e9));
  size_t before = arena_used(f->arena);
  const GraphTensor *y = evaluate(f, graph_call(g, GRAPH_Pad, "", "", 2, IN(nothing, pads)), NULL);
  assert_int_equal(y->dim[0], 0);
  assert_int_equal(y->dim[1], 2000000003);
  assert_true(arena_used(f->arena) - before < 1 << 16);
}

/* Numbers of constants go when no node, output or body reads them, and no reader holds them; what
 * shares numbers keeps them. */
static void swept(void **state) {
  Fixture *f = *state;
  const int64_t many = 40000;
  Arena *numbers = arena_child(f->arena);
  Graph *g = graph_new(f->arena, numbers, ""), *body = graph_new(f->arena, numbers, "");
  GraphTensor *t[7];
  GraphValue *value[7];
  double *data;
  for (int i = 0; i < 7; i++) {
    t[i] = graph_tensor(numbers, GRAPH_FLOAT, 1, &many, &data);
    data[many - 1] = i;
    value[i] = graph_constant(i == 3 ? body : g, "", t[i]);
  }
  enum { READ, OUTPUT, HELD, OF_BODY, SHARED, NOTHING, NOTHING_TWICE };
  GraphTensor *under_other_shape = arena_copy(f->arena, t[SHARED], 1, sizeof *t[SHARED]);
  GraphValue *shared = graph_constant(g, "", under_other_shape),
             *twice = graph_constant(g, "", t[NOTHING_TWICE]);
  GraphNode *node = graph_node(g, GRAPH_If, "", "", 3, IN(value[READ], shared, NULL), 1);
  graph_node(body, GRAPH_Relu, "", "", 1, IN(value[OF_BODY]), 1);
  node->body[0] = body;
  graph_output(g, "y", value[OUTPUT]);
  value[HELD]->is_held = true;
  size_t before = arena_used(numbers);
  graph_sweep(g);
  assert_int_equal(before - arena_used(numbers), 2 * sizeof *data * (size_t)many);
  for (int i = 0; i < NOTHING; i++)
    assert_true(graph_at(value[i]->constant, many - 1) == i);
  assert_null(value[NOTHING]->constant);
  assert_null(value[NOTHING_TWICE]->constant);
  assert_null(twice->constant);
  value[HELD]->is_held = false;
  graph_sweep(g);
  assert_int_equal(before - arena_used(numbers), 3 * sizeof *data * (size_t)many);
  assert_null(value[HELD]->constant);
}

int main(void) {
  const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
      TEST(products),   TEST(attention), TEST(rounding), TEST(broadcasting),    TEST(slices),
      TEST(recurrent),  TEST(loops),     TEST(endless),  TEST(fault_in_a_turn), TEST(variables),
      TEST(unset_list), TEST(faults),    TEST(empty),    TEST(swept),
#undef TEST
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
