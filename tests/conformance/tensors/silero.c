/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Silero VAD as PyTorch stores it: silero.grus, written by hand, says the layers of the published
 * safetensors; 200 frames of speech, the state of each going into the next.
 *
 *     silero MODELS GRUS
 *
 * Tolerance: the reference is float32 of PyTorch over a recurrence of 200 frames: 1e-5 on a
 * probability. */
#include "../conform.h"

#include <math.h>
#include <string.h>

enum { FRAMES = 200, NEW = 512, BEFORE = 64, UNITS = 128 };

static Model *written(Conform *c, const char *grus, const char *weights) {
  c->options.config = grus;
  Model *model = conform_import(c, weights);
  session_print_diags(&c->session);
  c->failures += c->session.diags->n_warnings > 0;
  c->options.config = NULL;
  return model;
}

/* One frame after another; the larger difference from speech, or infinity. */
static double run_frames(Conform *c, const Model *model, bool compiled, const Tensor *audio,
                         const Tensor *speech) {
  double x[BEFORE + NEW], h[UNITS] = {0}, s[UNITS] = {0}, error = 0;
  int64_t steps[] = {BEFORE + NEW, 1, 1};
  for (int64_t k = 0; k < FRAMES; k++) {
    double *in[] = {x, h, s};
    EvalTensor *y = ARENA_ARRAY(c->arena, EvalTensor, 3);
    for (int64_t i = 0; i < BEFORE + NEW; i++) {
      int64_t at = k * NEW + i - BEFORE;
      x[i] = at < 0 ? 0 : tensor_get(audio, at);
    }
    if (!compiled)
      y = conform_run(c, model, in, steps);
    else if (!conform_compiled(c, model, in, steps, y))
      return (double)INFINITY;
    if (!y || !y[0].data || !y[1].data || !y[2].data) return (double)INFINITY;
    double d = fabs(y[0].data[0] - tensor_get(speech, k));
    error = d <= error ? error : isnan(d) ? (double)INFINITY : d;
    memcpy(h, y[1].data, sizeof h);
    memcpy(s, y[2].data, sizeof s);
  }
  return error;
}

static void run(Conform *c, char **argv) {
  const char *folder = arena_printf(c->arena, "%s/silero_safetensors", argv[1]),
             *weights = arena_printf(c->arena, "%s/silero_vad_16k.safetensors", folder);
  Model *model = written(c, argv[2], weights);
  Tensor audio = conform_npy(c, arena_printf(c->arena, "%s/ref/audio_16k.npy", folder));
  Tensor speech =
      conform_npy(c, arena_printf(c->arena, "%s/ref/safetensors_torch__output.npy", folder));
  if (model && audio.count >= FRAMES * NEW && speech.count == FRAMES) {
    double error = run_frames(c, model, false, &audio, &speech);
    conform_row(c, weights, FRAMES, error, run_frames(c, model, true, &audio, &speech), 1e-5);
  } else
    c->failures++;
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 3, 1, run);
}
