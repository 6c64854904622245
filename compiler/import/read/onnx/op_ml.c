/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Operators of the domain ai.onnx.ml, which converters of scikit-learn write: scales, linear models
 * and choices of features. Their numbers are attributes. */
#include "import/read/onnx/reader.h"

#include <string.h>

/* The numbers of an attribute as a tensor; NULL: it is absent or has other sizes. */
static GraphValue *numbers(OnnxCall *c, const char *name, int rank, const int64_t *dim) {
  const OnnxAttribute *a = call_attribute(c, name);
  double *data;
  GraphTensor *t = graph_tensor(foreign_numbers(c->reader->file), GRAPH_FLOAT, rank, dim, &data);
  if (!a || !t || (size_t)t->count != a->n_floats) return NULL;
  for (int64_t i = 0; i < t->count; i++)
    data[i] = (double)a->floats[i];
  return graph_constant(c->emit->graph, "", t);
}

static int64_t count_of(const OnnxCall *c, const char *name) {
  const OnnxAttribute *a = call_attribute(c, name);
  return a && a->n_floats < INT32_MAX ? (int64_t)a->n_floats : 0;
}

/* (x - offset) * scale: a number for all features, or for each. */
bool onnx_op_scaler(OnnxCall *c) {
  int64_t n = count_of(c, "offset");
  GraphValue *offset = numbers(c, "offset", 1, &n), *scale = numbers(c, "scale", 1, &n);
  if (!n || !offset || !scale)
    return call_refuse(c, E901, "needs as many offsets as scales; it has %lld and %lld",
                       (long long)n, (long long)count_of(c, "scale"));
  GraphValue *x = emit_cast(c->emit, c->in[0], GRAPH_FLOAT);
  return call_set(c, 0, EMIT(c->emit, Mul, EMIT(c->emit, Sub, x, offset), scale));
}

/* x W + b with a row of coefficients for each result; NULL after reporting. */
static GraphValue *linear(OnnxCall *c, int64_t results) {
  static const int64_t swap[] = {1, 0};
  int64_t all = count_of(c, "coefficients"), dim[2] = {results, results ? all / results : 0};
  GraphValue *w = dim[1] ? numbers(c, "coefficients", 2, dim) : NULL, *b = NULL;
  if (!w) {
    call_refuse(c, E901, "has %lld coefficients for %lld results", (long long)all,
                (long long)results);
    return NULL;
  }
  if (count_of(c, "intercepts")) {
    b = numbers(c, "intercepts", 1, &results);
    if (!b) {
      call_refuse(c, E901, "has %lld intercepts for %lld results",
                  (long long)count_of(c, "intercepts"), (long long)results);
      return NULL;
    }
  }
  GraphValue *x = emit_cast(c->emit, c->in[0], GRAPH_FLOAT),
             *y = EMIT(c->emit, MatMul, x, emit_transpose(c->emit, w, 2, swap));
  return b ? EMIT(c->emit, Add, y, b) : y;
}

/* Applies the post_transform to the results; NULL after reporting. */
static GraphValue *transformed(OnnxCall *c, GraphValue *y) {
  const char *name = call_attr_string(c, "post_transform", "NONE");
  if (strcmp(name, "NONE") == 0) return y;
  if (strcmp(name, "LOGISTIC") == 0) return EMIT(c->emit, Sigmoid, y);
  if (strcmp(name, "SOFTMAX") == 0)
    return emit_axis_call(c->emit, GRAPH_Softmax, -1, 1, (GraphValue *[]){y});
  call_lacks(c, E902,
             "write the node with `post_transform=\"NONE\"` (skl2onnx: the option `raw_scores`), "
             "and compute that function in your program",
             "ends with `%s`, which is not supported; NONE, LOGISTIC and SOFTMAX are", name);
  return NULL;
}

bool onnx_op_linear_regressor(OnnxCall *c) {
  int64_t targets = call_attr_int(c, "targets", 1);
  const char *end = call_attr_string(c, "post_transform", "NONE");
  if (targets < 1 || targets > INT32_MAX)
    return call_refuse(c, E901, "has %lld targets", (long long)targets);
  if (targets == 1 && strcmp(end, "NONE") != 0)
    return call_lacks(c, E902,
                      "write `post_transform=\"NONE\"`, and the function that is meant as a node "
                      "after it, such as `Sigmoid`",
                      "ends one result with `%s`: runtimes disagree on what that is", end);
  GraphValue *y = linear(c, targets);
  if (y) y = transformed(c, y);
  return y && call_set(c, 0, y);
}

/* The index of the largest score, if the labels are the indices. */
static bool set_label(OnnxCall *c, GraphValue *scores, int64_t classes) {
  int n;
  const int64_t *label;
  if (!call_is_read(c, 0)) return true;
  const char *instead = arena_printf(c->reader->arena,
                                     "leave out the output `%s` (`onnx.utils.extract_model`), and "
                                     "take the label of the largest score in your program",
                                     c->node->output[0]);
  if (!call_attr_ints(c, "classlabels_ints", &n, &label)) {
    const char *text = call_attr_word(c, "classlabels_strings", 0);
    return call_lacks(c, E902, instead, "gives labels that are text, such as `%s`",
                      text ? text : "");
  }
  bool counts = n == classes;
  for (int k = 0; k < n && counts; k++)
    counts = label[k] == k;
  if (!counts)
    return call_lacks(c, E902, instead, "gives labels that are not 0 to %lld in order",
                      (long long)classes - 1);
  GraphNode *node = emit_node(c->emit, GRAPH_ArgMax, 1, &scores, 1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_axis, -1);
  graph_set_int(c->emit->graph, node, GRAPH_ATTR_keepdims, 0);
  return call_set(c, 0, emit_done(c->emit, node));
}

bool onnx_op_linear_classifier(OnnxCall *c) {
  int64_t classes = count_of(c, "intercepts");
  if (classes < 2)
    return call_lacks(c, E902,
                      "write a row of coefficients and an intercept for each class: with LOGISTIC, "
                      "those of the other class are the same with a minus",
                      "has %lld intercept%s; grus supports one, and a row of coefficients, for "
                      "each of two or more classes",
                      (long long)classes, classes == 1 ? "" : "s");
  GraphValue *scores = linear(c, classes), *y = scores ? transformed(c, scores) : NULL;
  return y && set_label(c, scores, classes) && call_set(c, 1, y);
}

/* Features by their numbers: runs of neighbours, joined. */
bool onnx_op_feature_extractor(OnnxCall *c) {
  enum { MOST = 256 };
  int n, parts = 0;
  int64_t place[MOST];
  GraphValue *part[MOST];
  if (!call_constant_ints(c, 1, "places", MOST, &n, place)) return false;
  if (!n) return call_refuse(c, E901, "takes no features");
  for (int begin = 0, end; begin < n; begin = end) {
    if (place[begin] < 0)
      return call_refuse(c, E901, "takes feature %lld", (long long)place[begin]);
    for (end = begin + 1; end < n && place[end] == place[end - 1] + 1; end++)
      ;
    part[parts++] = emit_slice(c->emit, c->in[0], -1, place[begin], place[end - 1] + 1, 1);
  }
  return call_set(c, 0, emit_concat(c->emit, -1, parts, part));
}
