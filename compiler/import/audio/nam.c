/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Neural Amp Modeler, .nam. In: JSON with {"version", "architecture", "config", "weights",
 * "sample_rate"}, where one list has all weights. Out: a stream of samples. The architectures are
 * in nam_wavenet.c, nam_simple.c and nam_lstm.c. A SlimmableContainer has models of several sizes,
 * of which --size chooses one:
 *
 *     {"submodels": [{"max_value": 0.5, "model": {...}}, {"max_value": 1, "model": {...}}]}
 *
 * --size chooses the first model whose max_value is larger; without --size it is the last one.
 *
 * The engine (NeuralAmpModelerCore) plays silence into a model before the first sample. The state
 * after that is the initial state here: see nam_net.c and nam_lstm.c. */
#include "import/audio/nam.h"
#include "import/audio/nam_lstm.h"

#include <stdlib.h>
#include <string.h>

enum { VERSION_LEAST = 5, VERSION_MOST = 7, DEPTH_MAX = 4 };

bool nam_sniff(const ForeignFile *file) {
  return audio_sniff(file, "architecture") && audio_sniff(file, "weights");
}

/* Whether grus knows the version of a file. Versions are 0.N.M, and N grows if older programs would
 * misread a file. */
static bool version_known(Audio *a, const json_t *root) {
  const char *version = json_string_value(json_object_get(root, "version"));
  char *end;
  if (!version) {
    return foreign_lacks(a->diags, a->file, E904,
                         "if the program that trained it writes version 0.5.4, add it: "
                         "`\"version\": \"0.5.4\"`",
                         "`%s` does not say the `version` of its format", a->file->path);
  }
  long minor = strncmp(version, "0.", 2) == 0 ? strtol(version + 2, &end, 10) : -1;
  if (minor >= VERSION_LEAST && minor <= VERSION_MOST && *end == '.') return true;
  Diag *d = foreign_report(a->diags, a->file, E903, "`%s` is of version `%.20s` of its format",
                           a->file->path, version);
  diag_note(d, "grus knows 0.%d to 0.%d; another version may give the same words another meaning",
            VERSION_LEAST, VERSION_MOST);
  diag_fix(d, FIX_MAYBE, "export the capture by a program that writes one of these versions");
  return false;
}

static const struct {
  const char *name;
  bool (*build)(Nam *nam, NamFlow *flow);
} architectures[] = {{"WaveNet", nam_wavenet}, {"ConvNet", nam_convnet}, {"Linear", nam_linear}};

static bool refuse_architecture(Audio *a, const char *name) {
  Diag *d = name ? foreign_report(a->diags, a->file, E902, "`%s` has the architecture `%.40s`",
                                  a->file->path, name)
                 : foreign_report(a->diags, a->file, E901,
                                  "`%s` has an `architecture` that is not a name", a->file->path);
  diag_fix(d, FIX_MAYBE,
           "train it with one of WaveNet, LSTM, ConvNet, Linear and SlimmableContainer");
  return false;
}

/* The submodel that --size chooses; NULL after reporting. */
static json_t *choose(Nam *nam, json_t *config) {
  json_t *list = json_object_get(config, "submodels");
  size_t n = json_array_size(list), i = 0;
  double last = -1;
  if (!audio_keys_known(&nam->audio, config, "submodels", nam->origin)) return NULL;
  for (size_t k = 0; k < n; k++) {
    const json_t *most = json_object_get(json_array_get(list, k), "max_value");
    if (!json_is_number(most) || json_number_value(most) <= last) {
      nam_refuse(nam, E901, "has submodels whose `max_value` does not grow");
      return NULL;
    }
    last = json_number_value(most);
    if (!nam->options->size || *nam->options->size >= last) i = k + 1;
  }
  nam->sized = true;
  json_t *model = n ? json_object_get(json_array_get(list, i < n ? i : n - 1), "model") : NULL;
  if (!model) nam_refuse(nam, E901, "has no `submodels`");
  return model;
}

/* Reads `config` and `weights` of a model that is no container; false after reporting. */
static bool open_model(Nam *nam, json_t *root) {
  Audio *a = &nam->audio;
  nam->config = json_object_get(root, "config");
  json_t *list = json_object_get(root, "weights");
  if (!json_is_object(nam->config) || !json_is_array(list)) {
    foreign_report(a->diags, a->file, E901, "`%s` has no object `config` and no list `weights`",
                   a->file->path);
    return false;
  }
  nam->n = (int64_t)json_array_size(list);
  nam->weights = audio_array(a, list, "weights", "the model", 1, &nam->n);
  return nam->weights != NULL;
}

static double rate_of(const json_t *root) {
  return json_number_value(json_object_get(root, "sample_rate"));
}

/* Appends the stages of a model. depth: how deeply models are nested. */
static bool build(Nam *nam, json_t *root, NamFlow *flow, int depth) {
  static const char known[] = "version metadata architecture config weights sample_rate notes";
  const char *name = json_string_value(json_object_get(root, "architecture"));
  Audio *a = &nam->audio;
  if (!version_known(a, root) || !audio_keys_known(a, root, known, "the model")) return false;
  if (depth > DEPTH_MAX)
    return nam_lacks(nam, E903, "save the innermost model as a file of its own, and import that",
                     "holds models that are nested too deeply");
  if (name && strcmp(name, "SlimmableContainer") == 0) {
    json_t *model = choose(nam, json_object_get(root, "config"));
    return model && build(nam, model, flow, depth + 1);
  }
  if (!open_model(nam, root)) return false;
  if (name && strcmp(name, "LSTM") == 0) {
    /* inside of another model, its state after the silence of that model is not known */
    return depth < DEPTH_MAX
               ? nam_lstm(nam, flow, rate_of(root))
               : nam_lacks(nam, E902, "train it with a WaveNet, a ConvNet or a Linear in its place",
                           "is an LSTM; grus knows only the initial state of a whole model");
  }
  for (size_t i = 0; name && i < sizeof architectures / sizeof *architectures; i++)
    if (strcmp(architectures[i].name, name) == 0)
      return architectures[i].build(nam, flow) && nam_all_taken(nam);
  return refuse_architecture(a, name);
}

bool nam_model(Nam *outer, json_t *root, const char *origin, NamFlow *flow) {
  Nam nam = {.audio = outer->audio, .options = outer->options, .origin = origin};
  if (!json_is_object(root))
    return nam_refuse(outer, E901, "has a `condition_dsp` that is not a model");
  bool ok = build(&nam, root, flow, DEPTH_MAX);
  outer->sized |= nam.sized;
  return ok;
}

/* How many channels the input has: `in_channels`, else 1. */
static int64_t inputs_of(Nam *nam, json_t *root) {
  json_t *config = json_object_get(root, "config");
  return json_object_get(config, "in_channels")
             ? audio_size(&nam->audio, config, "in_channels", 1, nam->origin)
             : 1;
}

Foreign *nam_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Nam nam = {.audio = {.arena = file->arena, .file = file, .diags = diags},
             .options = options,
             .origin = "`config`"};
  Audio *a = &nam.audio;
  Time time = {.kind = TIME_STREAM, .period = 1};
  json_t *root = audio_json(a);
  if (!root) return NULL;
  int64_t width = inputs_of(&nam, root);
  if (width < 1 || !audio_rate(a, root, "sample_rate", "the model", &time)) return NULL;
  a->foreign = foreign_new(file, "Neural Amp Modeler", NULL);
  NamFlow flow = {model_input(a->foreign->model, "x", foreign_type(time, 1, &width))->value, width,
                  NULL};
  flow.rest = ARENA_ARRAY(a->arena, double, width);
  if (!build(&nam, root, &flow, 0)) return NULL;
  if (options->size && !nam.sized) {
    foreign_lacks(diags, file, E903, "leave out `--size`",
                  "`%s` is of one size: --size is for models of several", file->path);
    return NULL;
  }
  model_output(a->foreign->model, "y", flow.value);
  foreign_note(
      a->foreign,
      "its initial state is that after silence, which its engine plays before the first sample");
  return a->foreign;
}
