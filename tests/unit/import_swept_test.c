/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Constants of an ONNX file that are so large that a reader gives them back between two nodes: what
 * is still to be read stays, under each of its names, and what has been turned round goes. */
#include "import/onnx.pb-c.h"
#include "import/read/read.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SIZE = 1024, FLOAT = 1, OPSET = 18 };

/* A square of zeros with one number in its corner. */
static OnnxFile__Tensor square(Arena *arena, char *name, float corner) {
  OnnxFile__Tensor t = ONNX_FILE__TENSOR__INIT;
  t.name = name;
  t.data_type = FLOAT;
  t.n_dims = 2;
  t.dims = ARENA_ARRAY(arena, int64_t, 2);
  t.dims[0] = t.dims[1] = SIZE;
  t.raw_data.len = sizeof(float) * SIZE * SIZE;
  t.raw_data.data = arena_alloc(arena, t.raw_data.len);
  memcpy(t.raw_data.data, &corner, sizeof corner);
  return t;
}

static OnnxFile__Node *node(Arena *arena, const char *op, const char *a, const char *b,
                            const char *out) {
  OnnxFile__Node *n = ARENA_NEW(arena, OnnxFile__Node);
  onnx_file__node__init(n);
  n->op_type = arena_strdup(arena, op);
  n->n_input = b ? 2 : 1;
  n->input = ARENA_ARRAY(arena, char *, 2);
  n->input[0] = arena_strdup(arena, a);
  if (b) n->input[1] = arena_strdup(arena, b);
  n->n_output = 1;
  n->output = ARENA_ARRAY(arena, char *, 1);
  n->output[0] = arena_strdup(arena, out);
  return n;
}

static OnnxFile__Port *port(Arena *arena, const char *name) {
  OnnxFile__Port *p = ARENA_NEW(arena, OnnxFile__Port);
  OnnxFile__Type *type = ARENA_NEW(arena, OnnxFile__Type);
  OnnxFile__TensorType *tensor = ARENA_NEW(arena, OnnxFile__TensorType);
  onnx_file__port__init(p);
  onnx_file__type__init(type);
  onnx_file__tensor_type__init(tensor);
  tensor->elem_type = FLOAT;
  type->tensor_type = tensor;
  p->type = type;
  p->name = arena_strdup(arena, name);
  return p;
}

/* z = x Cast(W) Vᵀ, where the Cast leaves W as it is. */
static Mapped file_of(Arena *arena) {
  OnnxFile__Tensor w = square(arena, arena_strdup(arena, "W"), 2),
                   v = square(arena, arena_strdup(arena, "V"), 3);
  OnnxFile__Node *cast = node(arena, "Cast", "W", NULL, "B");
  OnnxFile__Attribute to = ONNX_FILE__ATTRIBUTE__INIT;
  to.name = arena_strdup(arena, "to");
  to.i = FLOAT;
  cast->n_attribute = 1;
  cast->attribute = (OnnxFile__Attribute *[]){&to};
  OnnxFile__Graph graph = ONNX_FILE__GRAPH__INIT;
  graph.n_node = 4;
  graph.node = (OnnxFile__Node *[]){cast, node(arena, "Transpose", "V", NULL, "T"),
                                    node(arena, "MatMul", "x", "B", "y"),
                                    node(arena, "MatMul", "y", "T", "z")};
  graph.n_initializer = 2;
  graph.initializer = (OnnxFile__Tensor *[]){&w, &v};
  graph.n_input = graph.n_output = 1;
  graph.input = (OnnxFile__Port *[]){port(arena, "x")};
  graph.output = (OnnxFile__Port *[]){port(arena, "z")};
  OnnxFile__Opset opset = ONNX_FILE__OPSET__INIT;
  opset.version = OPSET;
  OnnxFile__Model model = ONNX_FILE__MODEL__INIT;
  model.ir_version = 8;
  model.graph = &graph;
  model.n_opset_import = 1;
  model.opset_import = (OnnxFile__Opset *[]){&opset};
  size_t len = onnx_file__model__get_packed_size(&model);
  uint8_t *data = arena_alloc(arena, len);
  onnx_file__model__pack(&model, data);
  return (Mapped){data, len};
}

static void onnx(void **state) {
  (void)state;
  jmp_buf oom;
  if (setjmp(oom)) fail_msg("out of memory");
  Arena *arena = arena_new(&oom);
  Sources sources = {.arena = arena};
  Diags *diags = diags_new(arena, &sources);
  ForeignFile file = {.arena = arena, .path = "swept.onnx", .data = file_of(arena)};
  file.numbers = arena_child(arena);
  const ImportOptions options = {0};
  Graph *graph = onnx_graph(&file, &options, diags);
  assert_non_null(graph);
  assert_int_equal(graph->n_nodes, 2);
  for (int i = 0; i < 2; i++) {
    const GraphTensor *weights = graph->node[i]->in[1]->constant;
    assert_non_null(weights);
    assert_true(graph_at(weights, 0) == 2 + i && graph_at(weights, 1) == 0);
  }
  graph_sweep(graph);
  assert_true(arena_used(file.numbers) < 2 * sizeof(double) * SIZE * SIZE + (1 << 16));
  arena_free(arena);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(onnx)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
