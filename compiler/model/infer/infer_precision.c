/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A model or layer in `i8`, `i16` or `i16x16` needs the ranges of its values. In: the precision of
 * the model and those of its layers. Out: E704 for a model that has no ranges, once if the whole
 * model is in integers, else once for each layer that is. */
#include "model/infer/infer_rule.h"

#include <string.h>

static void report_ranges(Infer *inf, const Layer *layer, Span at, const char *what,
                          const char *precision) {
  Diag *d = infer_report(inf, E704, layer, at, "no activation ranges for %s", what);
  diag_primary(d, "`%s` computes in integers and needs the range of its values", precision);
  diag_note(d, "`grus calibrate` measures ranges on recorded data and writes a file");
  Span end = inf->model->precision_span;
  Fix *fix = diag_fix(d, FIX_MAYBE, "name the file: `ranges \"%s.ranges\"`", inf->model->name);
  if (!span_valid(end)) return;
  fix_edit(fix, (Span){end.file, end.begin, end.begin}, "ranges \"%s.ranges\"\n  ",
           inf->model->name);
}

void infer_precision(Infer *inf) {
  const Model *model = inf->model;
  if (model->ranges.path || model->has_ranges) return;
  Precision p = model->precision;
  bool whole = precision_info[p].arithmetic == ARITHMETIC_INTEGER;
  if (whole)
    report_ranges(inf, NULL, model->precision_span,
                  arena_printf(inf->arena, "model `%s`", model->name), precision_name[p]);
  for (int i = 0; i < model->n_layers && !whole; i++) {
    const Layer *layer = model->layer[i];
    const OptVal *opt = layer_opt(layer, OPT_precision);
    if (!opt || !opt->given || (strcmp(opt->s, "i8") != 0 && strncmp(opt->s, "i16", 3) != 0))
      continue;
    Span at = span_valid(opt->span) ? opt->span : layer->span;
    report_ranges(inf, layer, at, arena_printf(inf->arena, "`%s`", layer_name(layer)), opt->s);
  }
}
