/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which layers keep the integers of an imported file. In: a bound model. Out: the layers whose
 * weights w8 rounds, and why. Rows are looked at one at a time, so no copy of the weights is made.
 */
#include "model/quant/quant_internal.h"

/* What is known of the rows so far; the first that w8 rounds off a grid decides. */
static RowIs worse(RowIs a, RowIs b) {
  if (a == ROW_OFF_GRID || b == ROW_OFF_GRID) return ROW_OFF_GRID;
  return a == ROW_TOO_LARGE || b == ROW_TOO_LARGE ? ROW_TOO_LARGE : ROW_KEPT;
}

/* Rows of weights [rows][depth], each times the factor of the norm that follows the layer. */
static RowIs rows_are(const Quantise *q, const float *w, int64_t rows, int64_t depth,
                      const Layer *norm) {
  double *row = ARENA_ARRAY(q->arena, double, depth);
  PartSpec spec = {.rows = 1, .depth = depth, .w = row, .bits = 8, .out = 1, .to_float = true};
  spec.x = quant_format_fraction(0, 16);
  RowIs is = ROW_KEPT;
  for (int64_t r = 0; w && r < rows && is != ROW_OFF_GRID; r++) {
    double factor = norm ? quant_norm_factor(q->model, norm, r) : 1;
    for (int64_t k = 0; k < depth; k++)
      row[k] = (double)w[r * depth + k] * factor;
    is = worse(is, quant_row_is(&spec, 0));
  }
  return is;
}

static bool table_is_grid(const Layer *layer, const float *table) {
  double most;
  return quant_table_grid(table, layer->in[0]->type.categories * layer_units(layer), 8, &most) > 0;
}

static RowIs layer_is(const Quantise *q, const Layer *layer, const QuantLayer *ql) {
  ParamShape shape[LAYER_MAX_PARAMS];
  RowIs is = ROW_KEPT;
  const float *table = layer_role(layer, ROLE_TABLE);
  if (table && !table_is_grid(layer, table)) return ROW_OFF_GRID;
  int n = layer_params(layer, shape);
  for (int i = 0; i < n; i++) {
    if (shape[i].role != ROLE_KERNEL && shape[i].role != ROLE_RECURRENT) continue;
    int64_t depth = quant_kind(layer) == QUANT_MATRIX ? param_count(&shape[i]) / shape[i].dim[0]
                                                      : shape[i].dim[shape[i].rank - 1];
    is = worse(is, rows_are(q, layer_role(layer, shape[i].role), param_count(&shape[i]) / depth,
                            depth, ql->norm));
  }
  return is;
}

QuantRounded quant_rounded_layers(Model *model) {
  QuantRounded rounded = {0};
  Quantise q = {.model = model};
  bool ok = quant_aside_begin(&q, PRECISION_W8);
  for (int i = 0; i < model->n_layers && ok; i++) {
    const Layer *layer = model->layer[i];
    const QuantLayer *ql = q.quant->layer[i];
    RowIs is = ql ? layer_is(&q, layer, ql) : ROW_KEPT;
    if (is == ROW_OFF_GRID) quant_name(model->arena, &rounded.off_grid, layer->path);
    if (is == ROW_TOO_LARGE) quant_name(model->arena, &rounded.too_large, layer->path);
  }
  quant_aside_end(&q);
  return rounded;
}
