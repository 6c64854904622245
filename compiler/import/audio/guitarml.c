/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Models of Automated-GuitarAmpModelling, as GuitarML plugins read them. In: JSON with `model_data`
 * (the architecture) and `state_dict` (weights of PyTorch). Out: a stream of samples through
 *
 *     y = lin(rec(x)) + x[0 .. skip]        one or more LSTM or GRU layers, then a Linear */
#include "import/audio/audio.h"
#include "import/tensors/json_tensors.h"

#include <string.h>

enum { LAYERS_MAX = 64 };

bool guitarml_sniff(const ForeignFile *file) {
  return audio_sniff(file, "model_data");
}

typedef struct Amp {
  Audio audio;
  json_t *data, *dict;
  TorchModule rec, lin;
  int64_t inputs, outputs, units, layers, skip;
  LayerKind kind;
  bool bias;
} Amp;

static const char origin[] = "`model_data`";

static bool word_is(const json_t *object, const char *key, const char *word) {
  const char *s = json_string_value(json_object_get(object, key));
  return s && strcmp(s, word) == 0;
}

static bool read_kind(Amp *amp) {
  const char *type = json_string_value(json_object_get(amp->data, "unit_type"));
  amp->kind = type && strcmp(type, "LSTM") == 0 ? LAYER_LSTM : LAYER_GRU;
  if (type && (strcmp(type, "LSTM") == 0 || strcmp(type, "GRU") == 0)) return true;
  Diag *d = foreign_report(amp->audio.diags, amp->audio.file, type ? E902 : E904,
                           type ? "%s has the unit_type `%s`" : "%s does not say its `unit_type`",
                           origin, type);
  diag_fix(d, FIX_MAYBE,
           type ? "grus supports LSTM and GRU: train the model with one of them"
                : "add it to `model_data`: `\"unit_type\": \"LSTM\"`, or \"GRU\"");
  return false;
}

static bool read_bias(Amp *amp) {
  const json_t *flag = json_object_get(amp->data, "bias_fl");
  int64_t number = json_is_integer(flag) ? json_integer_value(flag) : -1;
  amp->bias = json_is_true(flag) || number == 1;
  if (json_is_boolean(flag) || number == 0 || number == 1) return true;
  return foreign_lacks(
      amp->audio.diags, amp->audio.file, flag ? E901 : E904,
      "add it: `\"bias_fl\": true` if `state_dict` has `lin.bias`, false otherwise",
      "%s does not say with `bias_fl` whether `lin` has a bias", origin);
}

static bool read_architecture(Amp *amp) {
  Audio *a = &amp->audio;
  static const char known[] =
      "model input_size skip output_size unit_type num_layers hidden_size bias_fl";
  if (!json_is_object(amp->data) || !json_is_object(amp->dict)) {
    foreign_report(a->diags, a->file, E901, "`%s` has no objects `model_data` and `state_dict`",
                   a->file->path);
    return false;
  }
  if (!audio_keys_known(a, amp->data, known, origin)) return false;
  if (!word_is(amp->data, "model", "SimpleRNN")) {
    Diag *d =
        foreign_report(a->diags, a->file, E902, "%s names a `model` that is not supported", origin);
    diag_fix(d, FIX_MAYBE,
             "train a SimpleRNN, a recurrent layer and then a linear one: `\"model\": "
             "\"SimpleRNN\"`");
    return false;
  }
  amp->inputs = audio_size(a, amp->data, "input_size", 1, origin);
  amp->outputs = audio_size(a, amp->data, "output_size", 1, origin);
  amp->units = audio_size(a, amp->data, "hidden_size", 1, origin);
  amp->layers = audio_size(a, amp->data, "num_layers", 1, origin);
  amp->skip = audio_size(a, amp->data, "skip", 0, origin);
  if (amp->inputs < 0 || amp->outputs < 0 || amp->units < 0 || amp->layers < 0 || amp->skip < 0)
    return false;
  if (amp->layers > LAYERS_MAX ||
      (amp->skip && (amp->skip != amp->outputs || amp->skip > amp->inputs))) {
    Diag *d =
        foreign_report(a->diags, a->file, E903, "%s has sizes that do not fit each other", origin);
    diag_note(
        d,
        "num_layers is %lld (at most %d); skip adds the first %lld of %lld inputs to %lld outputs",
        (long long)amp->layers, LAYERS_MAX, (long long)amp->skip, (long long)amp->inputs,
        (long long)amp->outputs);
    if (amp->layers <= LAYERS_MAX)
      diag_fix(d, FIX_MAYBE,
               "set `skip` to 0, or to `output_size`, which is then at most `input_size`");
    else
      diag_fix(d, FIX_MAYBE, "train a model of at most %d layers", LAYERS_MAX);
    return false;
  }
  return read_kind(amp) && read_bias(amp);
}

/* y + x[0 .. skip] */
static void add_skip(Amp *amp, Value *x) {
  Audio *a = &amp->audio;
  Value *both[] = {a->value, x};
  if (amp->skip < amp->inputs) {
    Layer *cut = model_layer(a->foreign->model, LAYER_slice, 1, &x);
    layer_set_size(cut, OPT_begin, 0);
    layer_set_size(cut, OPT_end, amp->skip);
    cut->origin = "skip";
    both[1] = cut->out[0];
  }
  Layer *sum = model_layer(a->foreign->model, LAYER_add, 2, both);
  sum->origin = "skip";
  a->value = sum->out[0];
}

static bool all_used(Amp *amp) {
  Audio *a = &amp->audio;
  size_t used = (size_t)(amp->layers * (amp->rec.bias ? 4 : 2) + (amp->bias ? 2 : 1));
  if (used == json_object_size(amp->dict)) return true;
  Diag *d = foreign_report(a->diags, a->file, E903,
                           "`state_dict` has tensors that `model_data` does not account for");
  diag_note(d, "%zu of %zu belong to %lld recurrent layers and `lin`", used,
            json_object_size(amp->dict), (long long)amp->layers);
  diag_fix(d, FIX_MAYBE,
           "set `num_layers` and `bias_fl` to what `state_dict` holds, or remove other tensors");
  return false;
}

/* The modules `rec` and `lin`, which `model_data` describes. */
static bool read_modules(Amp *amp) {
  Audio *a = &amp->audio;
  const char *reason;
  const TensorFile *tensors = json_tensors_of(a->arena, amp->dict, &reason);
  if (!tensors) {
    foreign_report(a->diags, a->file, E603, "cannot read the `state_dict` of `%s`: %s",
                   a->file->path, reason);
    return false;
  }
  amp->rec =
      (TorchModule){.file = tensors, .name = "rec", .origin = "`rec`", .layers = (int)amp->layers};
  amp->lin = (TorchModule){.file = tensors, .name = "lin", .origin = "`lin`"};
  amp->rec.bias = torch_module_tensor(a->arena, &amp->rec, "bias_ih_l0") ||
                  torch_module_tensor(a->arena, &amp->rec, "bias_hh_l0");
  return true;
}

/* The doc comment of the input. The format has no names for knobs: programs know their order. */
static const char *knobs_text(const Amp *amp) {
  long long knobs = (long long)amp->inputs - 1;
  return arena_printf(amp->audio.arena, "the sound, then %lld knob%s, which the file does not name",
                      knobs, knobs == 1 ? "" : "s");
}

Foreign *guitarml_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Amp amp = {.audio = {.arena = file->arena, .file = file, .diags = diags}};
  Audio *a = &amp.audio;
  json_t *root = audio_json(a);
  (void)options;
  if (!root || !audio_keys_known(a, root, "model_data state_dict", "the model")) return NULL;
  amp.data = json_object_get(root, "model_data");
  amp.dict = json_object_get(root, "state_dict");
  if (!read_architecture(&amp)) return NULL;
  a->foreign = foreign_new(file, "GuitarML JSON", NULL);
  Type type = foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &amp.inputs);
  Port *port = model_input(a->foreign->model, "x", type);
  if (amp.inputs > 1 && amp.outputs == 1) port->doc = knobs_text(&amp);
  Value *x = a->value = port->value;
  a->width = amp.inputs;
  a->sizes = arena_printf(a->arena,
                          "`model_data` says input_size %lld, hidden_size %lld, output_size %lld",
                          (long long)amp.inputs, (long long)amp.units, (long long)amp.outputs);
  if (!read_modules(&amp) || !torch_recurrent(a, &amp.rec, amp.kind, amp.units, (int)amp.layers))
    return NULL;
  if (!torch_linear(a, &amp.lin, amp.outputs, amp.bias) || !all_used(&amp)) return NULL;
  if (amp.skip) add_skip(&amp, x);
  model_output(a->foreign->model, "y", a->value);
  return a->foreign;
}
