/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Inputs: the value has the type that is declared; `every` needs a window. */
#include "model/infer/infer_rule.h"

static bool report_every(Infer *inf, const Port *port) {
  const Type *t = &port->declared;
  Span at = span_valid(port->every_span) ? port->every_span : port->span;
  Diag *d = infer_report(inf, E408, NULL, at, "`every` needs a window of fixed length");
  diag_primary(d, "the steps from one window to the next");
  if (span_valid(port->type_span))
    diag_label(d, port->type_span, "`%s` is %s", port->name, shape_or_type_str(inf->arena, t));
  if (type_is_stream(t))
    diag_note(d, "a stream returns an output at each step, so it needs no `every`");
  if (type_is_stream(t) || t->time.kind == TIME_BOUNDED) {
    Span axis = type_axis_span(inf, port->type_span, t->time_pos);
    Text with = text_new(inf->arena);
    text_add(&with, "time N");
    if (t->time.rate_num) {
      text_add(&with, " @ ");
      text_add_rate(&with, t->time.rate_num, t->time.rate_den);
    }
    Fix *fix = diag_fix(d, FIX_FILL, "give the window a fixed length");
    if (span_valid(axis)) fix_edit(fix, axis, "%s", text_str(&with));
  }
  if (span_valid(port->every_span)) {
    Span drop = {port->every_span.file, port->type_span.end, port->every_span.end};
    fix_edit(diag_fix(d, FIX_MAYBE, d->n_fixes ? "or remove `every`" : "remove `every`"), drop,
             "%s", "");
  }
  return false;
}

bool infer_input(Infer *inf, Port *port) {
  port->value->type = port->declared;
  bool every = port->every || port->every_den;
  if (every && port->declared.time.kind != TIME_FIXED) return report_every(inf, port);
  if (port->every_den && !port->every &&
      !duration_steps(inf, NULL, port->every_span, port->every_num, port->every_den, port->value,
                      &port->every))
    return false;
  return infer_size_fits(inf, &port->declared, port->type_span, NULL, NULL);
}
