/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models of RNNoise as rnnoise-nu loads them (.rnnn). In: a first line that says so, then the six
 * layers of a fixed network as integers with blanks between them. Out: that network on a stream of
 * features, one step every 10 ms:
 *
 *     dense = input_dense(features)                         gains = denoise_output(denoise)
 *     speech = vad_gru(dense)                               vad   = vad_output(speech)
 *     noise = noise_gru(dense, speech, features)
 *     denoise = denoise_gru(speech, noise, features)
 *
 * A layer has its inputs d, its units u and an activation (0 tanh, 1 sigmoid, 2 relu; of a GRU it
 * is that of the candidate). Then come its kernel [d, u], or of a GRU [d, 3 u] and the recurrent
 * kernel [u, 3 u] with gates z r n, and its bias [u] or [3 u]. A number is a weight times 256. The
 * layers are, in order, input_dense, vad_gru, noise_gru, denoise_gru, denoise_output and
 * vad_output. */
#include "import/audio/audio.h"

#include <string.h>

enum { AXIS_MAX = 1 << 12, NUMBER_MAX = 1 << 15 };
static const char first_line[] = "rnnoise-nu model file version 1\n";

typedef struct Rnnoise {
  Audio audio;
  const char *at, *end;
  Value *dense, *speech, *noise, *features;
} Rnnoise;

/* One layer of the file. */
typedef struct RnnoisePart {
  const char *name;
  int64_t inputs, units;
  const char *activation;
  const float *kernel, *recurrent, *bias; /* recurrent: NULL if it is not a GRU */
} RnnoisePart;

bool rnnoise_sniff(const ForeignFile *file) {
  size_t len = sizeof first_line - 1;
  return file->data.len >= len && memcmp(file->data.data, first_line, len) == 0;
}

/* Reads the next integer; false after reporting. */
static bool next_number(Rnnoise *r, const char *of, int64_t *out) {
  Audio *a = &r->audio;
  int64_t value = 0;
  while (r->at < r->end && strchr(" \t\r\n", *r->at) && *r->at)
    r->at++;
  const char *begin = r->at;
  bool minus = r->at < r->end && *r->at == '-';
  r->at += minus;
  const char *digits = r->at;
  for (; r->at < r->end && *r->at >= '0' && *r->at <= '9' && value <= NUMBER_MAX; r->at++)
    value = value * 10 + (*r->at - '0');
  if (r->at > digits && value <= NUMBER_MAX &&
      (r->at == r->end || (*r->at && strchr(" \t\r\n", *r->at)))) {
    *out = minus ? -value : value;
    return true;
  }
  size_t line = 1;
  for (const char *s = (const char *)a->file->data.data; s < begin; s++)
    line += *s == '\n';
  Diag *d = foreign_report(a->diags, a->file, E901,
                           begin == r->end ? "`%s` ends within the numbers of `%s`"
                                           : "`%s` needs an integer in `%s`",
                           a->file->path, of);
  diag_note(d, "line %zu; a number is a weight times 256, at most %d", line, NUMBER_MAX);
  return false;
}

/* Reads `count` numbers; NULL after reporting. */
static const float *numbers(Rnnoise *r, const char *of, int64_t count) {
  int64_t value;
  /* A number takes at least two bytes, so the file limits how many there can be. */
  if (count > (r->end - r->at + 1) / 2) {
    Diag *d = foreign_report(r->audio.diags, r->audio.file, E901,
                             "`%s` ends within the numbers of `%s`", r->audio.file->path, of);
    diag_note(d, "%lld are needed, and %zu bytes are left", (long long)count,
              (size_t)(r->end - r->at));
    return NULL;
  }
  float *to = ARENA_ARRAY(r->audio.arena, float, count);
  for (int64_t i = 0; i < count; i++) {
    if (!next_number(r, of, &value)) return NULL;
    to[i] = (float)value / 256;
  }
  return to;
}

/* Reads a layer. inputs: the width of its input, -1 if it is not known. False after reporting. */
static bool read_part(Rnnoise *r, const char *name, bool is_gru, int64_t inputs, RnnoisePart *out) {
  static const char *const activations[] = {"tanh", "sigmoid", "relu"};
  Audio *a = &r->audio;
  int64_t activation, gates = is_gru ? 3 : 1;
  *out = (RnnoisePart){.name = name};
  if (!next_number(r, name, &out->inputs) || !next_number(r, name, &out->units) ||
      !next_number(r, name, &activation))
    return false;
  if (inputs < 0) inputs = out->inputs;
  if (out->inputs != inputs || inputs < 1 || inputs > AXIS_MAX || out->units < 1 ||
      out->units > AXIS_MAX) {
    Diag *d = foreign_report(a->diags, a->file, E603, "`%s` has %lld inputs and %lld units", name,
                             (long long)out->inputs, (long long)out->units);
    if (out->inputs != inputs)
      diag_note(d, "the layers before it give it %lld", (long long)inputs);
    else
      diag_note(d, "both are at least 1 and at most %d", AXIS_MAX);
    return false;
  }
  if (activation < 0 || activation > 2) {
    Diag *d = foreign_report(a->diags, a->file, E902, "`%s` has the activation %lld", name,
                             (long long)activation);
    diag_fix(d, FIX_MAYBE, "write 0 for tanh, 1 for sigmoid or 2 for relu");
    return false;
  }
  out->activation = activations[activation];
  out->kernel = numbers(r, name, inputs * out->units * gates);
  if (out->kernel && is_gru) out->recurrent = numbers(r, name, out->units * out->units * gates);
  if (out->kernel && (!is_gru || out->recurrent)) out->bias = numbers(r, name, out->units * gates);
  return out->bias != NULL;
}

static Value *add_gru(Rnnoise *r, const RnnoisePart *part) {
  static const int place[] = {0, 1, 2};
  AudioCell cell = {.units = part->units,
                    .kernel = {part->kernel},
                    .recurrent = {part->recurrent},
                    .bias = {part->bias},
                    .place = place};
  r->audio.width = part->inputs;
  Layer *stage =
      audio_gru(&r->audio, &cell, part->name, arena_printf(r->audio.arena, "`%s`", part->name));
  if (!stage) return NULL;
  layer_set_word(stage, OPT_activation, part->activation);
  return stage->out[0];
}

static Value *add_dense(Rnnoise *r, const RnnoisePart *part) {
  const char *origin = arena_printf(r->audio.arena, "`%s`", part->name);
  static const struct {
    const char *name;
    LayerKind kind;
  } kinds[] = {{"tanh", LAYER_tanh}, {"sigmoid", LAYER_sigmoid}, {"relu", LAYER_relu}};
  r->audio.width = part->inputs;
  if (!audio_dense(&r->audio, part->kernel, part->bias, part->units, part->name, origin))
    return NULL;
  for (int i = 0; i < 3; i++)
    if (strcmp(part->activation, kinds[i].name) == 0)
      audio_stage(&r->audio, kinds[i].kind, NULL, origin);
  return r->audio.value;
}

/* Joins two values and the features to the input of the next stage. */
static void join(Rnnoise *r, Value *first, Value *second) {
  Value *all[] = {first, second, r->features};
  Layer *concat = model_layer(r->audio.foreign->model, LAYER_concat, 3, all);
  concat->origin = "concat";
  r->audio.value = concat->out[0];
}

static Foreign *network(Rnnoise *r) {
  RnnoisePart dense, vad, noise, denoise, gains, speech;
  Audio *a = &r->audio;
  if (!read_part(r, "input_dense", false, -1, &dense) ||
      !read_part(r, "vad_gru", true, dense.units, &vad) ||
      !read_part(r, "noise_gru", true, dense.units + vad.units + dense.inputs, &noise) ||
      !read_part(r, "denoise_gru", true, vad.units + noise.units + dense.inputs, &denoise) ||
      !read_part(r, "denoise_output", false, denoise.units, &gains) ||
      !read_part(r, "vad_output", false, vad.units, &speech))
    return NULL;
  while (r->at < r->end && *r->at && strchr(" \t\r\n", *r->at))
    r->at++;
  if (r->at == r->end && r->end[-1] >= '0' &&
      r->end[-1] <= '9') { /* cut off, maybe within a number */
    foreign_report(a->diags, a->file, E901, "`%s` does not end with its last line", a->file->path);
    return NULL;
  }
  if (r->at != r->end) {
    foreign_report(a->diags, a->file, E901, "`%s` has data after its last layer, `vad_output`",
                   a->file->path);
    return NULL;
  }
  a->foreign = foreign_new(a->file, "RNNoise .rnnn", NULL);
  r->features = a->value =
      model_input(a->foreign->model, "features",
                  foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &dense.inputs))
          ->value;
  r->dense = add_dense(r, &dense);
  if (r->dense) r->dense->name = "dense";
  r->speech = r->dense ? add_gru(r, &vad) : NULL;
  if (!r->speech) return NULL;
  join(r, r->dense, r->speech);
  r->noise = add_gru(r, &noise);
  if (!r->noise) return NULL;
  join(r, r->speech, r->noise);
  if (!add_gru(r, &denoise)) return NULL;
  Value *out = add_dense(r, &gains);
  a->value = r->speech;
  Value *said = out ? add_dense(r, &speech) : NULL;
  if (!said) return NULL;
  model_output(a->foreign->model, "gains", out);
  model_output(a->foreign->model, "vad", said);
  return a->foreign;
}

Foreign *rnnoise_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Rnnoise r = {.audio = {.arena = file->arena, .file = file, .diags = diags}};
  (void)options;
  r.at = (const char *)file->data.data + sizeof first_line - 1;
  r.end = (const char *)file->data.data + file->data.len;
  return network(&r);
}
