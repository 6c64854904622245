/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* hold and cut: rows are copied, as many as the shorter side has; hold writes the rows after them.
 */
#include "lower/lower_internal.h"

/* Rows 0 to those of `d`, which both sides have. */
static void copy_rows(Emit *e, const Layer *layer, Domain d) {
  KirReg *t = kb_for_expr(&e->kb, "t", kb_int(&e->kb, KIR_INDEX, 0, 1), domain_count(e, d), 1);
  copy_row(e, view_of(e->l, layer->out[0]), step_at(t), view_of(e->l, layer->in[0]), step_at(t));
  kb_end(&e->kb);
}

/* The last row of a sequence that has one at least. */
static Step last_row(Emit *e, Domain d) {
  Kb *kb = &e->kb;
  KirReg *row =
      kb_let(kb, "last", kb_op2(kb, KIR_SUB, domain_count(e, d), kb_int(kb, KIR_INDEX, 1, 1)));
  row->lo = 0;
  row->hi = d.n - 1;
  return step_at(row);
}

static void hold_alone(Emit *e, const Layer *layer) {
  Kb *kb = &e->kb;
  const View *x = view_of(e->l, layer->in[0]), *y = view_of(e->l, layer->out[0]);
  Domain d = domain_of(e->l, &layer->in[0]->type);
  const OptVal *fill = layer_opt(layer, OPT_fill);
  copy_rows(e, layer, d);
  if (d.kind != TIME_BOUNDED) return;
  KirReg *t = kb_for_expr(kb, "t", domain_count(e, d), kb_int(kb, KIR_INDEX, d.n, 1), 1);
  if (fill->given)
    fill_row(e, y, step_at(t), 0, fill->f);
  else
    copy_row(e, y, step_at(t), x, last_row(e, d));
  kb_end(kb);
}

static void cut_alone(Emit *e, const Layer *layer) {
  copy_rows(e, layer, domain_of(e->l, &layer->out[0]->type));
}

const Lowering hold_lowering = {.is_private = always_private, .alone = hold_alone};
const Lowering cut_lowering = {.is_private = always_private, .alone = cut_alone};
