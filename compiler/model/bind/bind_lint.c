/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* W602: weights that look unlike those of a trained layer. Two signs are used, both rare in files
 * that are right: another gate of an LSTM has the large bias that training gives to the forget gate
 * (it starts at 1 in Keras and in most recipes), which a wrong gate order causes; and a kernel that
 * is all zero. */
#include "model/bind/bind.h"

#include <math.h>

static void mean_and_spread(const float *x, int64_t n, double *mean, double *spread) {
  double sum = 0, square = 0;
  for (int64_t i = 0; i < n; i++)
    sum += (double)x[i];
  *mean = sum / (double)n;
  for (int64_t i = 0; i < n; i++)
    square += ((double)x[i] - *mean) * ((double)x[i] - *mean);
  *spread = sqrt(square / (double)n);
}

static void lint_forget_bias(const Layer *layer, Diags *diags) {
  static const char *const gate[] = {"input", "forget", "candidate", "output"};
  const float *bias = layer->weights->role[ROLE_BIAS];
  int64_t u = layer_size(layer, OPT_units, 0);
  if (layer->kind != LAYER_LSTM || !bias || u < 4) return;
  double mean[4], spread[4];
  for (int g = 0; g < 4; g++)
    mean_and_spread(bias + g * u, u, &mean[g], &spread[g]);
  int most = 1;
  for (int g = 0; g < 4; g++)
    if (mean[g] > mean[most]) most = g;
  bool odd =
      most != 1 && mean[most] > 0.7 && mean[most] > mean[1] + 0.7 && spread[most] < mean[most];
  if (!odd) return;
  Diag *d = diag_new(diags, W602, layer->name_span,
                     "the bias of `%s` looks unlike a trained `LSTM`", layer->path);
  diag_primary(d, "here");
  diag_note(d,
            "the %s gate has mean %.2f, standard deviation %.2f; the forget gate %.2f: often a "
            "wrong gate order",
            gate[most], mean[most], spread[most], mean[1]);
  diag_fix(d, FIX_MAYBE, "try another convention in `weights`");
}

static void lint_zero_kernel(const Layer *layer, Diags *diags) {
  ParamShape params[LAYER_MAX_PARAMS];
  for (int i = 0, n = layer_params(layer, params); i < n; i++) {
    const float *w = layer->weights->role[params[i].role];
    if (params[i].role != ROLE_KERNEL || !w) continue;
    double mean, spread;
    mean_and_spread(w, param_count(&params[i]), &mean, &spread);
    bool zero = fabs(mean) == 0 && spread == 0;
    if (!zero) continue;
    Diag *d =
        diag_new(diags, W602, layer->name_span, "the kernel of `%s` looks unlike a trained `%s`",
                 layer->path, layer_info(layer->kind)->name);
    diag_primary(d, "all its weights are 0");
  }
}

void bind_lint(const Model *model, Diags *diags) {
  if (model_allows(model, diags, W602)) return;
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    if (!layer->weights) continue;
    lint_forget_bias(layer, diags);
    lint_zero_kernel(layer, diags);
  }
}
