/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Parse, resolve, infer, lint, in this order, for every model of a text. */
#include "front/check.h"

#include "model/infer/infer.h"

static void reached(const Check *check, CheckPoint point, Node *tree, Model *model) {
  if (check->reached) check->reached(check->context, point, tree, model);
}

Checked check_source(const Check *check, const Source *source) {
  Checked out = {.source = source, .tree = parse(check->arena, source, check->diags)};
  reached(check, CHECK_PARSED, out.tree, NULL);
  out.program = resolve(check->arena, source, out.tree, check->resolve, check->diags);
  for (int i = 0; i < out.program->n_models; i++) {
    Model *model = out.program->model[i];
    reached(check, CHECK_RESOLVED, out.tree, model);
    model->has_ranges = check->has_ranges && check->has_ranges(check->context, source, model);
    model_infer(model, check->diags);
    reached(check, CHECK_INFERRED, out.tree, model);
    model_lint(model, check->diags);
    reached(check, CHECK_LINTED, out.tree, model);
  }
  return out;
}
