/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published weights in .npz files, which say nothing of the model: the model is written by hand, in
 * the .grus files beside, which name the tensors as the files do; and models of two programs in
 * their own JSON, imported. What their authors got with them is got again by the compiled code: the
 * phonemes of words, digits, gains, words, strokes.
 *
 *     published MODELS WRITTEN
 *
 * Tolerances are those of conform.h's other tests: 1e-5 on probabilities and states, 1e-4 on logits
 * of order 10. rnnoise_v0 was also run by its C original, whose tanh is a table: 8e-6 from
 * exact. */
#include "../conform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct Test {
  Conform *c;
  const char *models, *written;
} Test;

static const char *path_of(Test *t, const char *name) {
  return arena_printf(t->c->arena, "%s/%s", t->models, name);
}
static Tensor array_of(Test *t, const char *name) {
  return conform_npy(t->c, path_of(t, name));
}

/* A file of tensors with the layers of a .grus file, as `--config` takes them; NULL after counting
 * a failure. */
static Model *written(Test *t, const char *name, const char *file) {
  t->c->options.config = arena_printf(t->c->arena, "%s/%s.grus", t->written, name);
  Model *model = conform_import(t->c, path_of(t, file));
  t->c->options.config = NULL;
  t->c->options.weights = NULL;
  return model;
}

/* ---- one step at a time, as a program around the generated functions does it ---- */

typedef struct Steps {
  const GrusProgram *program;
  void *state;
} Steps;

static Steps steps_begin(Test *t, const Model *model, const float *init) {
  Steps s = {model ? conform_program(t->c, model) : NULL, NULL};
  if (!s.program) return s;
  s.state = arena_alloc(t->c->arena, s.program->state_size + 64);
  s.state = (void *)(((uintptr_t)s.state + 63) / 64 * 64);
  const void *start[] = {init};
  if (s.program->reset(s.state, start) != GRUS_OK) t->c->failures++;
  return s;
}

/* The likeliest next of n, from the last; logits are kept. */
static int steps_next(Test *t, const Steps *s, int last, int n, float *logits) {
  uint8_t id = (uint8_t)last;
  const void *in[] = {&id};
  void *out[] = {logits};
  int best = 0;
  if (s->program->step(s->state, in, out) != GRUS_OK) t->c->failures++;
  for (int i = 1; i < n; i++)
    if (logits[i] > logits[best]) best = i;
  return best;
}

static void same(Test *t, const char *label, int wrong, int of) {
  conform_row(t->c, label, of, -1, wrong, 0);
}

/* ---- models ---- */

static const char *const phonemes[] = {
    "<pad>", "<unk>", "<s>", "</s>", "AA0", "AA1", "AA2", "AE0", "AE1", "AE2", "AH0", "AH1", "AH2",
    "AO0",   "AO1",   "AO2", "AW0",  "AW1", "AW2", "AY0", "AY1", "AY2", "B",   "CH",  "D",   "DH",
    "EH0",   "EH1",   "EH2", "ER0",  "ER1", "ER2", "EY0", "EY1", "EY2", "F",   "G",   "HH",  "IH0",
    "IH1",   "IH2",   "IY0", "IY1",  "IY2", "JH",  "K",   "L",   "M",   "N",   "NG",  "OW0", "OW1",
    "OW2",   "OY0",   "OY1", "OY2",  "P",   "R",   "S",   "SH",  "T",   "TH",  "UH0", "UH1", "UH2",
    "UW",    "UW0",   "UW1", "UW2",  "V",   "W",   "Y",   "Z",   "ZH"};
enum {
  PHONEMES = sizeof phonemes / sizeof *phonemes,
  START = 2,
  END = 3,
  MOST_PHONEMES = 20,
  MOST_LETTERS = 31,
  MOST_WORDS = 64
};

/* Letters a to z are 3 to 28, the end of the word is 2. */
static int64_t letters_of(const char *word, size_t len, double *out) {
  for (size_t i = 0; i < len; i++)
    out[i] = word[i] - 'a' + 3;
  out[len] = 2;
  return (int64_t)len + 1;
}

/* " K AE1 T" and the row of logits behind each, from the encoder's state. */
static const char *spoken(Test *t, const Model *decoder, const float *h, const Tensor *y,
                          int64_t *row, double *error) {
  Text text = text_new(t->c->arena);
  Steps s = steps_begin(t, decoder, h);
  float logits[PHONEMES];
  for (int n = 0, last = START; s.program && n < MOST_PHONEMES; n++, ++*row) {
    last = steps_next(t, &s, last, PHONEMES, logits);
    for (int i = 0; i < PHONEMES && (*row + 1) * PHONEMES <= y->count; i++)
      *error = fmax(*error, fabs((double)logits[i] - tensor_get(y, *row * PHONEMES + i)));
    if (last == END) {
      ++*row;
      break;
    }
    text_printf(&text, " %s", phonemes[last]);
  }
  return text_str(&text);
}

static const char *line_end(const char *line) {
  line += strcspn(line, "\n");
  return *line ? line + 1 : line;
}

static void g2p(Test *t) {
  Tensor states = array_of(t, "g2p/ref/enc_last_hidden.npy"),
         logits = array_of(t, "g2p/ref/dec_logits_concat.npy");
  Model *encoder = written(t, "g2p_encoder", "g2p/checkpoint20.npz"),
        *decoder = written(t, "g2p_decoder", "g2p/checkpoint20.npz");
  size_t len;
  const char *reason, *text = file_read(t->c->arena, path_of(t, "g2p/ref/words_phonemes.txt"),
                                        1 << 16, &len, &reason);
  double far_state = 0, far_logits = 0, letters[MOST_LETTERS + 1], *in[] = {letters};
  float h[MOST_WORDS][256] = {{0}};
  int words = 0, wrong = 0;
  int64_t row = 0;
  if (!encoder || !decoder || !text) return;
  for (const char *line = text; *line; line = line_end(line), words++) {
    size_t word = strcspn(line, " ");
    int64_t n = letters_of(line, word < MOST_LETTERS ? word : MOST_LETTERS, letters);
    EvalTensor out;
    if (words == MOST_WORDS || !conform_compiled(t->c, encoder, in, &n, &out) || !out.data) return;
    for (int i = 0; i < 256; i++) {
      h[words][i] = (float)out.data[i];
      far_state = fmax(far_state, fabs(out.data[i] - tensor_get(&states, words * 256 + i)));
    }
  }
  conform_row(t->c, "g2p/checkpoint20.npz, encoder", words * 256, -1, far_state, 1e-5);
  words = 0;
  for (const char *line = text; *line; line = line_end(line), words++) {
    size_t word = strcspn(line, " "), all = strcspn(line, "\n");
    const char *said = spoken(t, decoder, h[words], &logits, &row, &far_logits);
    wrong += strcmp(said, arena_strndup(t->c->arena, line + word, all - word)) != 0;
  }
  conform_row(t->c, "g2p/checkpoint20.npz, decoder", row * PHONEMES, -1,
              row * PHONEMES == logits.count ? far_logits : (double)INFINITY, 1e-4);
  same(t, "g2p, words whose phonemes differ", wrong, words);
}

/* How many of n digits the compiled model takes for another. */
static int mistaken(Test *t, const Model *model, const Tensor *x, const Tensor *labels,
                    double scale, const Tensor *y, double *error) {
  enum { PIXELS = 28 * 28, CLASSES = 10 };
  double in[PIXELS], *ins[] = {in};
  int wrong = 0;
  for (int64_t k = 0; k < x->dim[0]; k++) {
    EvalTensor out;
    int best = 0;
    for (int i = 0; i < PIXELS; i++)
      in[i] = tensor_get(x, k * PIXELS + i) * scale;
    if (!conform_compiled(t->c, model, ins, (int64_t[]){28}, &out) || !out.data) return -1;
    for (int i = 0; i < CLASSES; i++) {
      best = out.data[i] > out.data[best] ? i : best;
      *error = fmax(*error, fabs(out.data[i] - tensor_get(y, k * CLASSES + i)));
    }
    wrong += best != (labels ? (int)tensor_get(labels, k) : (int)k);
  }
  return wrong;
}

static void mnist(Test *t) {
  const char *file = "tflm_mnist_lstm/weights_keras_layout.npz";
  Model *model = written(t, "mnist", file);
  Tensor samples = array_of(t, "tflm_mnist_lstm/ref/samples_x.npy"),
         samples_y = array_of(t, "tflm_mnist_lstm/ref/samples_y.npy");
  Tensor digits = array_of(t, "tflm_mnist_lstm/ref/mnist500_u8.npy"),
         y = array_of(t, "tflm_mnist_lstm/ref/mnist500_probs.npy");
  Tensor labels = array_of(t, "tflm_mnist_lstm/ref/mnist500_labels.npy");
  double error = 0;
  if (!model) return;
  int wrong = mistaken(t, model, &samples, NULL, 1, &samples_y, &error);
  conform_row(t->c, arena_printf(t->c->arena, "%s, 10 samples", file), samples_y.count, -1, error,
              1e-5);
  same(t, "tflm_mnist_lstm, samples mistaken", wrong, 10);
  error = 0;
  wrong = mistaken(t, model, &digits, &labels, 1.0 / 255, &y, &error);
  conform_row(t->c, arena_printf(t->c->arena, "%s, 500 digits", file), y.count, -1, error, 1e-5);
  conform_row(t->c,
              arena_printf(t->c->arena, "tflm_mnist_lstm, accuracy %.1f %%, expected 98.6 %%",
                           100 - wrong / 5.0),
              500, -1, abs(wrong - 7), 0);
}

static void rnnoise(Test *t) {
  const char *file = "rnnoise_v0/weights_float.npz";
  Model *model = written(t, "rnnoise", file);
  Tensor x = array_of(t, "rnnoise_v0/ref/features.npy");
  Tensor y[] = {array_of(t, "rnnoise_v0/ref/gains_f64.npy"),
                array_of(t, "rnnoise_v0/ref/vad_f64.npy")};
  Tensor table[] = {array_of(t, "rnnoise_v0/ref/gains_c_table.npy"),
                    array_of(t, "rnnoise_v0/ref/vad_c_table.npy")};
  if (!model) return;
  conform_batch(t->c, file, model, &x, y, 1, 1, 1e-5);
  conform_batch(t->c, arena_printf(t->c->arena, "%s, the C original", file), model, &x, table, 1, 1,
                2e-5);
}

/* The weights of bd.hdf5 in whole 256ths, none beyond 127, against the outputs of those not
 * rounded: 8 bits move some gain of 500 frames by 0.097. make_programs.py's fixture is exact. */
static void rnnoise_text(Test *t) {
  const char *file = path_of(t, "rnnoise_nu_bd/bd.rnnn");
  Tensor x = array_of(t, "rnnoise_nu_bd/ref/features.npy");
  Tensor y[] = {array_of(t, "rnnoise_nu_bd/ref/bd__denoise_output.npy"),
                array_of(t, "rnnoise_nu_bd/ref/bd__vad_output.npy")};
  Model *model = conform_import(t->c, file);
  if (!model) return;
  conform_batch(t->c, file, model, &x, y, 1, 1, 0.12);
}

static void thai(Test *t) {
  const char *stem = "unicode_seg_thai/ref/Thai_codepoints_exclusive_model4_heavy";
  const char *file = path_of(t, "unicode_seg_thai/Thai_codepoints_exclusive_model4_heavy.json");
  t->c->options.time = "n <= 64";
  Model *model = conform_import(t->c, file);
  t->c->options.time = NULL;
  for (int k = 0; model && k < 3; k++) {
    Tensor x = array_of(t, arena_printf(t->c->arena, "%s__%d__ids.npy", stem, k));
    Tensor y = array_of(t, arena_printf(t->c->arena, "%s__%d__probs.npy", stem, k));
    conform_batch(t->c, arena_printf(t->c->arena, "%s, sentence %d", file, k), model, &x, &y, 1, 1,
                  1e-5);
  }
}

static void sketch(Test *t) {
  const char *file = path_of(t, "sketch_rnn/bird.gen.json");
  Model *model = conform_import(t->c, file);
  Tensor x = array_of(t, "sketch_rnn/ref/x.npy");
  Tensor y[] = {array_of(t, "sketch_rnn/ref/h_js.npy"), array_of(t, "sketch_rnn/ref/z_f64.npy")};
  double *scaled = ARENA_ARRAY(t->c->arena, double, x.count + 1);
  for (int64_t i = 0; i < x.count; i++) /* dx and dy, three flags */
    scaled[i] = tensor_get(&x, i) / (i % 5 < 2 ? 71.3754 / 2 : 1);
  x.elem = TENSOR_F64;
  x.data = (const uint8_t *)scaled;
  if (model) conform_batch(t->c, file, model, &x, y, 1, 1, 1e-4);
}

static void run(Conform *c, char **argv) {
  Test tests = {.c = c, .models = argv[1], .written = argv[2]}, *t = &tests;
  g2p(t);
  mnist(t);
  rnnoise(t);
  rnnoise_text(t);
  thai(t);
  sketch(t);
  conform_refused(t->c, path_of(t, "silero_safetensors/silero_vad_16k.safetensors"), E904);
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 3, 1, run);
}
