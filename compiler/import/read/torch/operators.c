/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of operators, and the node of one of them. */
#include "import/read/forms.h"
#include "import/read/torch/reader.h"

#include <string.h>

typedef struct AtenRow {
  const char *name;
  bool (*function)(TorchCall *c);                                  /* or NULL, and one of: */
  FormFunction *form;                                              /* of `self` */
  GraphValue *(*pair)(GraphEmit *e, GraphValue *a, GraphValue *b); /* of `self`, `other` */
  GraphOp op;                                                      /* of `self` */
  TorchSharing sharing;
} AtenRow;

static const AtenRow rows[] = {
#define ATEN_SAME(name, op)          {name, NULL, NULL, NULL, GRAPH_##op, TORCH_OWN},
#define ATEN_FORM(name, form)        {name, NULL, form_##form, NULL, GRAPH_Identity, TORCH_OWN},
#define ATEN_BINARY(name, op)        {name, torch_op_binary, NULL, NULL, GRAPH_##op, TORCH_OWN},
#define ATEN_BINARY_FORM(name, form) {name, NULL, NULL, form_##form, GRAPH_Identity, TORCH_OWN},
#define ATEN_REDUCE(name, op)        {name, torch_op_reduce, NULL, NULL, GRAPH_##op, TORCH_OWN},
#define ATEN(name, function)         {name, torch_op_##function, NULL, NULL, GRAPH_Identity, TORCH_OWN},
#define ATEN_VIEW(name, function)                                                                  \
  {name, torch_op_##function, NULL, NULL, GRAPH_Identity, TORCH_VIEW},
#define ATEN_ALIAS(name, function)                                                                 \
  {name, torch_op_##function, NULL, NULL, GRAPH_Identity, TORCH_ALIAS},
#include "import/read/torch/aten_ops.def"
};

static const AtenRow *row_of(const char *op) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, op) == 0) return &rows[i];
  return NULL;
}

const char *torch_op_of(Arena *arena, const char *target, bool *in_place) {
  static const char prefix[] = "torch.ops.aten.";
  *in_place = false;
  if (!target || strncmp(target, prefix, sizeof prefix - 1) != 0) return NULL;
  const char *name = target + sizeof prefix - 1;
  size_t n = strcspn(name, ".");
  *in_place =
      n > 1 && name[n - 1] == '_' && name[n - 2] != '_' && !row_of(arena_strndup(arena, name, n));
  return arena_strndup(arena, name, *in_place ? n - 1 : n);
}

bool torch_is_known(const char *op) {
  return row_of(op) != NULL;
}

TorchSharing torch_sharing(const char *op) {
  const AtenRow *row = row_of(op);
  return row ? row->sharing : TORCH_OWN;
}

bool torch_apply(TorchCall *c) {
  const AtenRow *row = row_of(c->op);
  c->same = row->op;
  if (row->function) return row->function(c);
  if (row->pair) {
    GraphValue *a = torch_operand(c, "self"), *b = a ? torch_operand(c, "other") : NULL;
    return b && torch_set(c, 0, row->pair(c->emit, a, b));
  }
  GraphValue *x = torch_in(c, "self");
  if (!x) return false;
  if (torch_result_elem(c) == GRAPH_FLOAT) x = torch_real(c, "self", x);
  return torch_set(c, 0, row->form ? row->form(c->emit, x) : emit_call(c->emit, row->op, 1, &x));
}
