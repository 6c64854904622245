/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a layer may keep: at most 2^31 elements of weights, and as many of the steps of a stream
 * that it looks back on. In: a typed layer. Out: true, or one report (E313). */
#include "model/bind/weights.h"
#include "model/infer/infer_rule.h"

#include <limits.h>

static const int64_t most = (int64_t)1 << 31;

static bool report(Infer *inf, const Layer *layer, int64_t n, const char *what) {
  Text text = text_new(inf->arena);
  if (n < LLONG_MAX) text_add_thousands(&text, n);
  Diag *d =
      n < LLONG_MAX
          ? infer_report(inf, E313, layer, layer->span, "%s of `%s` has %s elements", what,
                         layer_name(layer), text_str(&text))
          : infer_report(inf, E313, layer, layer->span,
                         "the elements of %s of `%s` cannot be counted", what, layer_name(layer));
  diag_primary(d, "more than 2^31");
  if (layer->n_in) diag_trace_value(d, inf->model, layer->in[0]);
  return false;
}

bool report_uncounted(Infer *inf, const Layer *layer, const Value *v, const char *what,
                      const char *limit) {
  Diag *d = infer_report(inf, E313, layer, layer->span, "the %s of `%s` cannot be counted", what,
                         layer_name(layer));
  diag_primary(d, "more than %s", limit);
  diag_trace_value(d, inf->model, v);
  return false;
}

/* LLONG_MAX: the number overflows. */
static int64_t product(const int64_t *size, int n) {
  int64_t all = 1;
  for (int i = 0; i < n; i++)
    if (!size_mul(all, size[i], &all)) return LLONG_MAX;
  return all;
}

/* Steps of a stream before its own that a layer keeps. */
static int64_t steps_back(const Layer *layer) {
  if (layer_window(layer)) return layer_window(layer) - 1;
  for (int i = 0; i < layer->n_along; i++) {
    const LayerAxis *a = &layer->along[i];
    int64_t span;
    if (a->axis != AXIS_TIME) continue;
    return size_mul(a->size - 1, a->dilation, &span) ? span : LLONG_MAX;
  }
  if (layer->kind == LAYER_delay) return layer_size(layer, OPT_n, 0);
  return layer->kind == LAYER_frames ? layer_size(layer, OPT_size, 1) - 1 : 0;
}

bool infer_layer_fits(Infer *inf, const Layer *layer) {
  ParamShape params[LAYER_MAX_PARAMS];
  for (int i = 0, n = layer_params(layer, params); i < n; i++) {
    int64_t count = product(params[i].dim, params[i].rank);
    if (count > most) return report(inf, layer, count, "a weight");
  }
  if (!layer->n_in || !type_is_stream(&layer->in[0]->type)) return true;
  for (int i = 0; i < layer->n_in; i++) {
    int64_t back[] = {steps_back(layer), type_step_size(&layer->in[i]->type)};
    int64_t kept = product(back, 2);
    if (kept > most) return report(inf, layer, kept, "the past");
  }
  return true;
}
