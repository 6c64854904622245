/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Attributes of a node by name. Inside a function an attribute may stand for one of the node that
 * calls it, or for a default of the function. */
#include "import/read/onnx/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const OnnxAttribute *attribute_of(const OnnxNode *node, const char *name) {
  for (size_t i = 0; i < node->n_attribute; i++)
    if (strcmp(node->attribute[i]->name, name) == 0) return node->attribute[i];
  return NULL;
}

const OnnxAttribute *call_attribute(const OnnxCall *c, const char *name) {
  const OnnxAttribute *a = attribute_of(c->node, name);
  const Scope *scope = c->scope;
  while (a && a->ref_attr_name && *a->ref_attr_name) {
    while (scope && !scope->function) /* a body within a function */
      scope = scope->outer;
    if (!scope) return NULL;
    const char *wanted = a->ref_attr_name;
    a = attribute_of(scope->caller->node, wanted);
    for (size_t i = 0; !a && i < scope->function->n_attribute_proto; i++) {
      const OnnxAttribute *usual =
          onnx_unpack_attribute(c->reader->arena, scope->function->attribute_proto[i]);
      if (usual && strcmp(usual->name, wanted) == 0) return usual;
    }
    scope = scope->caller->scope;
  }
  return a;
}

int64_t call_attr_int(const OnnxCall *c, const char *name, int64_t if_absent) {
  const OnnxAttribute *a = call_attribute(c, name);
  return a ? a->i : if_absent;
}

double onnx_shortest(float f) {
  enum { FLOAT_DIGITS = 9 };
  char text[32];
  double x = (double)f;
  for (int digits = 1; digits <= FLOAT_DIGITS; digits++) {
    snprintf(text, sizeof text, "%.*g", digits, (double)f);
    x = strtod(text, NULL);
    if ((float)x == f) return x;
  }
  return (double)f;
}

double call_attr_float(const OnnxCall *c, const char *name, double if_absent) {
  const OnnxAttribute *a = call_attribute(c, name);
  return a ? onnx_shortest(a->f) : if_absent;
}

const char *call_attr_string(const OnnxCall *c, const char *name, const char *if_absent) {
  const OnnxAttribute *a = call_attribute(c, name);
  return a && a->s.data ? arena_strndup(c->reader->arena, (const char *)a->s.data, a->s.len)
                        : if_absent;
}

bool call_attr_ints(const OnnxCall *c, const char *name, int *n, const int64_t **out) {
  const OnnxAttribute *a = call_attribute(c, name);
  *n = a && a->n_ints < INT16_MAX ? (int)a->n_ints : 0;
  *out = a ? a->ints : NULL;
  return a != NULL;
}

const char *call_attr_word(const OnnxCall *c, const char *name, int k) {
  const OnnxAttribute *a = call_attribute(c, name);
  if (!a || (size_t)k >= a->n_strings || !a->strings[k].data) return NULL;
  return arena_strndup(c->reader->arena, (const char *)a->strings[k].data, a->strings[k].len);
}
