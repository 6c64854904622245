/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Neural Amp Modeler, .nam. In, {"version", "architecture": "LSTM", "config", "weights", "sample_rate"}
 * in JSON, all weights in one list; out, a stream of samples through layers of LSTM and a Dense, each
 * LSTM with the start state that was trained with it.
 *
 * The list, d inputs and u units (NeuralAmpModelerCore, lstm.cpp):
 *   each layer  [4 u, d + u] input and recurrent kernel side by side, gates i f g o; bias [4 u];
 *               start of h [u], of c [u]
 *   the head    [outputs, u], bias [outputs] */
#include "import/audio/audio.h"

#include <stdlib.h>
#include <string.h>

enum { LAYERS_MAX = 64, VERSION_LEAST = 5, VERSION_MOST = 7 };

static const char origin[] = "`config`";

bool nam_sniff(const ForeignFile *file) {
  return audio_sniff(file, "architecture") && audio_sniff(file, "weights");
}

typedef struct Nam {
  Audio audio;
  json_t *config, *list;
  int64_t inputs, outputs, units, layers;
  const float *rest; /* of the list, not yet taken */
} Nam;

/* Versions are 0.N.M; N grows when older readers would misunderstand a file. */
static bool version_known(Audio *a, const json_t *root) {
  const char *version = json_string_value(json_object_get(root, "version"));
  char *end;
  if (!version) {
    foreign_report(a->diags, a->file, E904, "`%s` does not say the `version` of its format", a->file->path);
    return false;
  }
  long minor = strncmp(version, "0.", 2) == 0 ? strtol(version + 2, &end, 10) : -1;
  if (minor >= VERSION_LEAST && minor <= VERSION_MOST && *end == '.') return true;
  Diag *d = foreign_report(a->diags, a->file, E903, "`%s` is of version `%.20s` of its format", a->file->path, version);
  diag_note(d, "0.%d to 0.%d are known; another one may mean something else by the same words", VERSION_LEAST, VERSION_MOST);
  return false;
}

static bool is_lstm(Audio *a, const json_t *root) {
  static const char *const advice[][2] = {
      {"WaveNet", "its dilated convolutions can be written by hand: Conv1D(padding=causal, dilation=...), tanh, sigmoid, `*` and `+`"},
      {"ConvNet", "it can be written by hand: Conv1D(padding=causal, dilation=...), BatchNorm and an activation, layer by layer"},
      {"Linear", "it can be written by hand: one Conv1D(1, receptive_field, padding=causal)"},
      {"SlimmableContainer", "it holds models of several sizes; export one of them"},
  };
  const char *name = json_string_value(json_object_get(root, "architecture"));
  if (name && strcmp(name, "LSTM") == 0) return true;
  Diag *d = name ? foreign_report(a->diags, a->file, E902, "`%s` has the architecture `%.40s`", a->file->path, name)
                 : foreign_report(a->diags, a->file, E901, "`%s` has an `architecture` that is no name", a->file->path);
  diag_note(d, "of .nam files those with the architecture LSTM are read");
  for (size_t i = 0; name && i < sizeof advice / sizeof *advice; i++)
    if (strcmp(advice[i][0], name) == 0) diag_note(d, "%s", advice[i][1]);
  return false;
}

/* A number of channels that older files leave out, being one. */
static int64_t channels(Audio *a, const json_t *config, const char *key) {
  return json_object_get(config, key) ? audio_size(a, config, key, 1, origin) : 1;
}

static bool read_sizes(Nam *nam) {
  Audio *a = &nam->audio;
  if (!json_is_object(nam->config) || !json_is_array(nam->list)) {
    foreign_report(a->diags, a->file, E901, "`%s` has no object `config` and no list `weights`", a->file->path);
    return false;
  }
  if (!audio_keys_known(a, nam->config, "input_size hidden_size num_layers in_channels out_channels", origin)) return false;
  nam->inputs = audio_size(a, nam->config, "input_size", 1, origin);
  nam->units = audio_size(a, nam->config, "hidden_size", 1, origin);
  nam->layers = audio_size(a, nam->config, "num_layers", 1, origin);
  int64_t in = channels(a, nam->config, "in_channels");
  nam->outputs = channels(a, nam->config, "out_channels");
  if (nam->inputs < 0 || nam->units < 0 || nam->layers < 0 || in < 0 || nam->outputs < 0) return false;
  if (nam->layers <= LAYERS_MAX && in == nam->inputs) return true;
  Diag *d = foreign_report(a->diags, a->file, E903, "%s has sizes that do not fit each other", origin);
  diag_note(d, "num_layers is %lld (at most %d), input_size %lld, in_channels %lld", (long long)nam->layers, LAYERS_MAX,
            (long long)nam->inputs, (long long)in);
  return false;
}

/* Exactly as many weights as the sizes ask for. */
static bool take_list(Nam *nam) {
  Audio *a = &nam->audio;
  int64_t n = (int64_t)json_array_size(nam->list), u = nam->units, d = nam->inputs, needed = 0;
  bool fits = u <= n && d <= n && nam->outputs <= n; /* n is below 2^26: nothing overflows from here */
  for (int64_t k = 0; k < nam->layers && fits; k++, d = u)
    needed += 4 * u * (d + u) + 4 * u + 2 * u;
  needed += fits ? nam->outputs * (u + 1) : 0;
  if (fits && needed == n) {
    nam->rest = audio_array(a, nam->list, "weights", "the model", 1, &n);
    return nam->rest != NULL;
  }
  Diag *diag = foreign_report(a->diags, a->file, E603, "`weights` does not fit `config`: it has %lld numbers", (long long)n);
  if (fits) diag_note(diag, "input_size %lld, hidden_size %lld, num_layers %lld and %lld outputs need %lld", (long long)nam->inputs,
                      (long long)u, (long long)nam->layers, (long long)nam->outputs, (long long)needed);
  else diag_note(diag, "input_size %lld, hidden_size %lld and %lld outputs need more", (long long)nam->inputs, (long long)u,
                 (long long)nam->outputs);
  diag_note(diag, "with the start states of each layer and the head");
  return false;
}

/* The next numbers of the list as a tensor of a stage. */
static bool take(Nam *nam, Layer *stage, Role role, int rank, const int64_t *dim, const char *name) {
  float *to = audio_tensor(&nam->audio, stage, role, rank, dim, name);
  int64_t n = 1;
  for (int i = 0; i < rank; i++)
    n *= dim[i];
  if (to) memcpy(to, nam->rest, sizeof *to * (size_t)n);
  nam->rest += n;
  return to != NULL;
}

static bool add_lstm(Nam *nam, int64_t k) {
  Audio *a = &nam->audio;
  int64_t u = nam->units, d = a->width, rows = 4 * u;
  const char *name = arena_printf(a->arena, "layer %lld", (long long)k + 1);
  Layer *stage = audio_stage(a, LAYER_LSTM, arena_printf(a->arena, "lstm_%lld", (long long)k + 1), name);
  layer_set_size(stage, OPT_units, u);
  layer_set_learned(stage);
  float *kernel = audio_tensor(a, stage, ROLE_KERNEL, 4, (int64_t[]){1, 4, u, d}, "weights");
  float *recurrent = audio_tensor(a, stage, ROLE_RECURRENT, 4, (int64_t[]){1, 4, u, u}, "weights");
  if (!kernel || !recurrent) return false;
  for (int64_t r = 0; r < rows; r++, nam->rest += d + u) {
    memcpy(kernel + r * d, nam->rest, sizeof *kernel * (size_t)d);
    memcpy(recurrent + r * u, nam->rest + d, sizeof *recurrent * (size_t)u);
  }
  a->width = u;
  return take(nam, stage, ROLE_BIAS, 3, (int64_t[]){1, 4, u}, "weights, bias") &&
         take(nam, stage, ROLE_INITIAL_H, 3, (int64_t[]){1, 1, u}, "weights, start of h") &&
         take(nam, stage, ROLE_INITIAL_C, 3, (int64_t[]){1, 1, u}, "weights, start of c");
}

static bool add_head(Nam *nam) {
  Layer *stage = audio_stage(&nam->audio, LAYER_Dense, "head", "the head");
  layer_set_size(stage, OPT_units, nam->outputs);
  return take(nam, stage, ROLE_KERNEL, 2, (int64_t[]){nam->outputs, nam->units}, "weights, head") &&
         take(nam, stage, ROLE_BIAS, 1, &nam->outputs, "weights, bias of the head");
}

Foreign *nam_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Nam nam = {.audio = {.arena = file->arena, .file = file, .diags = diags}};
  Audio *a = &nam.audio;
  Time time = {.kind = TIME_STREAM, .period = 1};
  json_t *root = audio_json(a);
  (void)options;
  if (!root || !is_lstm(a, root) || !version_known(a, root)) return NULL;
  if (!audio_keys_known(a, root, "version metadata architecture config weights sample_rate", "the model")) return NULL;
  nam.config = json_object_get(root, "config");
  nam.list = json_object_get(root, "weights");
  if (!read_sizes(&nam) || !audio_rate(a, root, "sample_rate", "the model", &time) || !take_list(&nam)) return NULL;
  a->foreign = foreign_new(file, "Neural Amp Modeler", NULL);
  a->value = model_input(a->foreign->model, "x", foreign_type(time, 1, &nam.inputs))->value;
  a->width = nam.inputs;
  for (int64_t k = 0; k < nam.layers; k++)
    if (!add_lstm(&nam, k)) return NULL;
  if (!add_head(&nam)) return NULL;
  model_output(a->foreign->model, "y", a->value);
  foreign_note(a->foreign, "Neural Amp Modeler plays half a second of silence into a model before the first sample; this one begins "
                           "at its trained start state");
  return a->foreign;
}
