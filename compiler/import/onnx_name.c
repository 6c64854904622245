/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names that a person gave, out of those of nodes. Exporters write the path of a module and the
 * operator behind it:
 *
 *     /encoder/rnn/LSTM                              encoder_rnn
 *     model_2/dense_3/Tensordot/MatMul_add           dense_3
 *     lstm_4                                         lstm_4
 *     node_LSTM_53, Gemm_12, 7                       none: a number of the exporter */
#include "import/onnx.h"

#include <ctype.h>
#include <string.h>

/* The length without "_12" or "12" at the end. */
static size_t without_number(const char *s, size_t n) {
  size_t end = n;
  while (end && isdigit((unsigned char)s[end - 1]))
    end--;
  return end && end < n && s[end - 1] == '_' ? end - 1 : n;
}

/* An operator, or what exporters call a step of theirs. */
static bool is_operator(const OnnxNode *node, const char *s, size_t n) {
  static const char *const steps[] = {"MatMul",
                                      "MatMul_add",
                                      "Gemm",
                                      "Add",
                                      "Mul",
                                      "Conv",
                                      "Conv1D",
                                      "Tensordot",
                                      "BiasAdd",
                                      "truediv",
                                      "batchnorm",
                                      "while",
                                      "LSTM",
                                      "GRU",
                                      "RNN",
                                      "StatefulPartitionedCall",
                                      "PartitionedCall",
                                      "op",
                                      "layer",
                                      "main_graph"};
  size_t stem = without_number(s, n);
  for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
    if (strlen(steps[i]) == stem && strncmp(s, steps[i], stem) == 0) return true;
  return (strlen(node->op) == stem && strncmp(s, node->op, stem) == 0) ||
         (stem == 3 && strncmp(s, "add", 3) == 0) || (stem == 3 && strncmp(s, "mul", 3) == 0);
}

/* The root of a path in TensorFlow: the model itself. */
static bool is_root(const char *s, size_t n) {
  static const char *const roots[] = {"model", "sequential", "functional",
                                      "StatefulPartitionedCall", "PartitionedCall"};
  size_t stem = without_number(s, n);
  for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
    if (strlen(roots[i]) == stem && strncmp(s, roots[i], stem) == 0) return true;
  return false;
}

const char *onnx_node_name(Arena *arena, const OnnxNode *node) {
  enum { PARTS = 16, LONGEST = 32 };
  const char *part[PARTS], *s = node->name;
  size_t len[PARTS];
  int n = 0;
  for (; *s && n < PARTS; s += len[n] + (s[len[n]] == '/'), n += len[n] > 0)
    part[n] = s, len[n] = strcspn(s, "/");
  if (*s || strncmp(node->name, "node_", 5) == 0 || strchr(node->name, ':') ||
      strstr(node->name, "__"))
    return NULL;
  int first = 0;
  while (n > first && is_operator(node, part[n - 1], len[n - 1]))
    n--;
  while (first + 1 < n && is_root(part[first], len[first]))
    first++;
  Text text = text_new(arena);
  for (int i = first; i < n; i++)
    text_printf(&text, "%s%.*s", i > first ? "_" : "", (int)len[i], part[i]);
  const char *name = text_str(&text);
  for (const char *c = name; *c; c++)
    if (!isalnum((unsigned char)*c) && *c != '_') return NULL;
  return isalpha((unsigned char)*name) && strlen(name) <= LONGEST ? name : NULL;
}
