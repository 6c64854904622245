/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published nets whose files hold only tensors, or code that no reader takes, written by hand in
 * the .grus files beside and compared with what their own frameworks got: layers along an axis
 * inside a frame, along columns of an image, over time and band, mapped over axes.
 *
 *     axes MODELS MORE WRITTEN
 *
 * Tolerances: 1e-5 of probabilities and actions of order 1, 1e-4 of logits of order 10. */
#include "../conform.h"

#include <string.h>

typedef struct Test {
  Conform *c;
  const char *written;
} Test;

/* What one file is compared on; the arrays stand in the order of the model's inputs and outputs. */
typedef struct Case {
  const char *layers, *file;
  const char *in, *out[2]; /* NULL: there is no second one */
  int64_t samples;
  double tolerance;
} Case;

static const Case cases[] = {
    {"beatnet",
     "beatnet/model_1_weights.pt",
     "beatnet/ref/features.npy",
     {"beatnet/ref/logits.npy"},
     1,
     1e-4},
    {"legere_crnn",
     "legere_crnn/model.pt",
     "legere_crnn/ref/images.npy",
     {"legere_crnn/ref/logits.npy"},
     2,
     1e-4},
    {"crema",
     "crema_beats/model.h5",
     "crema_beats/ref/mag.npy",
     {"crema_beats/ref/beat.npy", "crema_beats/ref/downbeat.npy"},
     1,
     1e-5},
    {"policy",
     "unitree_g1/motion.pt",
     "unitree_g1/ref/obs.npy",
     {"unitree_g1/ref/actions.npy"},
     1,
     1e-5},
};
enum { CASES = sizeof cases / sizeof *cases };

static Model *written(Test *t, const char *layers, const char *path) {
  t->c->options.config = arena_printf(t->c->arena, "%s/%s.grus", t->written, layers);
  Model *model = conform_import(t->c, path);
  t->c->options.config = NULL;
  t->c->options.weights = NULL;
  return model;
}

static void case_run(Test *t, const Case *one, const char *folder) {
  Arena *arena = t->c->arena;
  Model *model = written(t, one->layers, arena_printf(arena, "%s/%s", folder, one->file));
  Tensor x = conform_npy(t->c, arena_printf(arena, "%s/%s", folder, one->in)), y[2];
  for (int i = 0; i < 2 && one->out[i]; i++)
    y[i] = conform_npy(t->c, arena_printf(arena, "%s/%s", folder, one->out[i]));
  if (model)
    conform_batch(t->c, arena_printf(arena, "%s, by hand", one->file), model, &x, y, one->samples,
                  1, one->tolerance);
}

/* Each call is the 64 samples before, zeros at first, and 512 new ones. */
static void silero(Test *t, const char *models) {
  enum { CALLS = 200, PAST = 64, NEW = 512, FRAME = PAST + NEW };
  const char *folder = arena_printf(t->c->arena, "%s/silero_safetensors", models);
  Model *model =
      written(t, "silero", arena_printf(t->c->arena, "%s/silero_vad_16k.safetensors", folder));
  Tensor sound = conform_npy(t->c, arena_printf(t->c->arena, "%s/ref/audio_16k.npy", folder));
  Tensor y =
      conform_npy(t->c, arena_printf(t->c->arena, "%s/ref/safetensors_torch__output.npy", folder));
  double *frames = ARENA_ARRAY(t->c->arena, double, (CALLS * FRAME));
  if (!model || sound.count != CALLS * NEW) return;
  for (int k = 0; k < CALLS; k++)
    for (int i = 0; i < FRAME; i++) {
      int64_t at = (int64_t)k * NEW + i - PAST;
      frames[k * FRAME + i] = at < 0 ? 0 : tensor_get(&sound, at);
    }
  Tensor x = {.name = "", .elem = TENSOR_F64, .rank = 2, .count = (int64_t)CALLS * FRAME};
  x.dim[0] = CALLS;
  x.dim[1] = FRAME;
  x.data = (const uint8_t *)frames;
  conform_batch(t->c, "silero_safetensors/silero_vad_16k.safetensors, by hand", model, &x, &y, 1, 1,
                1e-5);
}

static void run(Conform *c, char **argv) {
  Test t = {c, argv[3]};
  silero(&t, argv[1]);
  for (int i = 0; i < CASES; i++)
    case_run(&t, &cases[i], argv[2]);
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 4, 2, run);
}
