/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Imports state dicts of PyTorch. The input is a list of tensors with names; the result is a model
 * that runs their modules one after another on a stream. The shapes of the tensors say what each
 * module is: with u units, `weight_ih` has 4 u rows in an LSTM and 3 u in a GRU. A state dict does
 * not say in which order the modules are called, nor which modules without weights stand between
 * them. What follows from names and shapes is imported; each of these is an error that asks:
 *
 *   the order, where more than one order fits
 *   what stands after a Linear or a Conv1d that is not the last module: usually an activation
 *   whether the next module reads each step or the final states of a bidirectional module
 *   the activation of an RNN
 *   the arguments of a Conv1d: the option --config names a JSON file which gives them for each
 *   module, {"conv": {"stride": 3, "dilation": 1, "groups": 1}}, or without the name of a module
 *   if the state dict is of a single module without a name. */
#include "import/audio/audio.h"
#include "import/tensors/tensor_file.h"
#include "import/tensors/torch_order.h"

#include <string.h>

enum { MODULES_MAX = 1024 };

bool torch_state_sniff(const ForeignFile *file) {
  return json_tensors_sniff(file->data);
}

typedef struct Torch {
  Audio audio;
  json_t *config;
  TorchModule *module; /* in the order of the file */
  TorchPart *part;
  int *order, *other, n; /* order: order[i] is the index of the module that is called i-th;
                            other: a second order that fits, after ORDERS_MANY */
} Torch;

static const TorchModule *module_at(const Torch *t, int i) {
  return &t->module[t->order[i]];
}

static Diag *open_question(Torch *t, const char *what) {
  Audio *a = &t->audio;
  Diag *d = foreign_report(a->diags, a->file, E904, "`%s` does not say %s", a->file->path, what);
  return d;
}

static bool say_how(Torch *t, Diag *d) {
  const char *path = t->audio.file->path;
  diag_fix(d, FIX_MAYBE,
           "`grus import %s --template` writes a model with its tensors; correct it, then pass it: "
           "`--config MODEL.grus`",
           path);
  return false;
}

/* The size `key` of the arguments `object`, or if_absent, PyTorch's default; -1 after reporting a
 * value below `least`. */
static int64_t argument(Torch *t, json_t *object, const char *key, int64_t least, int64_t if_absent,
                        const char *origin) {
  return json_object_get(object, key) ? audio_size(&t->audio, object, key, least, origin)
                                      : if_absent;
}

/* The JSON object with the arguments of a Conv1d; NULL after reporting that it is missing. */
static json_t *arguments_of(Torch *t, const TorchModule *m) {
  json_t *object = *m->name ? json_object_get(t->config, m->name) : t->config;
  if (json_is_object(object)) return object;
  Diag *d = foreign_report(
      t->audio.diags, t->audio.file, E904,
      "%s is a Conv1d, and the file does not say its stride, dilation and groups", m->origin);
  if (*m->name)
    diag_fix(d, FIX_MAYBE,
             "write them to a file for --config: `{\"%s\": {\"stride\": 1, \"dilation\": 1, "
             "\"groups\": 1}}`",
             m->name);
  else
    diag_fix(
        d, FIX_MAYBE,
        "write them to a file for --config: `{\"stride\": 1, \"dilation\": 1, \"groups\": 1}`");
  return NULL;
}

/* Gives the model its input, unless an earlier module has. */
static void begin(Torch *t, Type type) {
  Audio *a = &t->audio;
  if (!a->foreign->model->n_in) a->value = model_input(a->foreign->model, "x", type)->value;
}

/* The input of the model is as wide as its first module. */
static void begin_wide(Torch *t, int64_t width) {
  if (!t->audio.width) t->audio.width = width;
  begin(t, foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &t->audio.width));
}

static bool import_conv(Torch *t, const TorchModule *m) {
  Audio *a = &t->audio;
  json_t *object = arguments_of(t, m);
  if (!object || !audio_keys_known(a, object, "stride dilation groups padding", m->origin))
    return false;
  TorchConv conv = {.stride = argument(t, object, "stride", 1, 1, m->origin),
                    .dilation = argument(t, object, "dilation", 1, 1, m->origin)};
  conv.groups = argument(t, object, "groups", 1, 1, m->origin);
  int64_t padding = argument(t, object, "padding", 0, 0, m->origin), f = m->out, d = m->in;
  if (conv.stride < 0 || conv.dilation < 0 || conv.groups < 0 || padding < 0) return false;
  if (!a->width && d <= INT32_MAX / conv.groups) a->width = d * conv.groups;
  if (padding || a->width != d * conv.groups || f % conv.groups) {
    Diag *r = foreign_report(a->diags, a->file, E903, "%s cannot have these arguments", m->origin);
    diag_note(r,
              "%lld groups of %lld features in and %lld out, on %lld features, padding %lld; "
              "padding must be 0",
              (long long)conv.groups, (long long)d, (long long)f, (long long)a->width,
              (long long)padding);
    diag_fix(r, FIX_MAYBE,
             padding ? "write `\"padding\": 0`, and add the steps in your program"
                     : "write the `groups` with which the module was trained");
    return false;
  }
  begin_wide(t, a->width);
  return torch_conv(a, m, &conv);
}

/* For a module that is refused: what it is, if its tensors tell, and what the user can do; else
 * NULL. */
static const char *special_kind(Torch *t, const TorchModule *m) {
  Arena *arena = t->audio.arena;
  const Tensor *weight = torch_module_tensor(arena, m, "weight");
  if (torch_module_tensor(arena, m, "weight_hr_l0"))
    return "an LSTM with `proj_size`: export it with `torch.export`, which grus imports";
  if (weight && weight->rank == 4)
    return "a Conv2d or a ConvTranspose2d, whose stride, padding and axes a state dict does not "
           "say: write it as `Conv2D`, or export the module with `torch.export`";
  if (strstr(m->name, "_packed_params") || strstr(m->name, "_all_weight_values"))
    return "quantised: its weights are packed integers. Save the state dict of the module before "
           "it was quantised, or export it to ONNX";
  if (torch_module_tensor(arena, m, "weight_orig"))
    return "kept with `spectral_norm`: remove it before you save "
           "(`torch.nn.utils.remove_spectral_norm`)";
  return NULL;
}

/* The names and shapes of the first tensors of a module, for a note. */
static const char *tensors_of(Torch *t, const TorchModule *m) {
  enum { SHOWN = 4 };
  Text text = text_new(t->audio.arena);
  const char *prefix = arena_printf(t->audio.arena, "%s%s%s", m->file->root ? m->file->root : "",
                                    m->name, *m->name ? "." : "");
  int n = 0;
  for (int i = 0; i < m->file->n; i++) {
    const Tensor *tensor = &m->file->tensor[i];
    const char *leaf = tensor->name + strlen(prefix);
    if (strncmp(tensor->name, prefix, strlen(prefix)) != 0 || strchr(leaf, '.')) continue;
    if (n++ < SHOWN)
      text_printf(&text, "%s`%.80s` %s", n > 1 ? ", " : "", leaf,
                  tensor_shape_str(t->audio.arena, tensor));
  }
  if (n > SHOWN) text_printf(&text, " and %d more", n - SHOWN);
  return text_str(&text);
}

/* Whether the module holds others beside its own tensors. */
static bool holds_modules(Torch *t, const TorchModule *m) {
  const char *prefix = arena_printf(t->audio.arena, "%s%s%s", m->file->root ? m->file->root : "",
                                    m->name, *m->name ? "." : "");
  size_t n = strlen(prefix);
  for (int i = 0; i < m->file->n; i++) {
    const char *name = m->file->tensor[i].name;
    if (strncmp(name, prefix, n) == 0 && strchr(name + n, '.')) return true;
  }
  return false;
}

static bool refuse_kind(Torch *t, const TorchModule *m) {
  const char *special = special_kind(t, m);
  bool alone = !holds_modules(t, m);
  Diag *d = foreign_report(t->audio.diags, t->audio.file, E902,
                           alone ? "%s is not a module that grus supports in a state dict"
                                 : "tensors of %s itself belong to no layer that grus supports",
                           m->origin);
  diag_note(d, "%s %s", alone ? "its tensors are" : "they are", tensors_of(t, m));
  if (special) diag_note(d, "it is %s", special);
  diag_note(d, "supported: LSTM and GRU (weight_ih_l0, weight_hh_l0), Linear (weight of two axes), "
               "Conv1d (of "
               "three), Embedding, BatchNorm and LayerNorm");
  return say_how(t, d);
}

static bool import_module(Torch *t, const TorchModule *m) {
  Audio *a = &t->audio;
  int64_t units = m->both ? m->out / 2 : m->out;
  Type words = {
      .elem = ELEM_INDEX, .categories = m->in, .time = {.kind = TIME_STREAM, .period = 1}};
  if (m->kind == TORCH_EMBEDDING)
    begin(t, words);
  else if (m->kind != TORCH_CONV1D)
    begin_wide(t, m->in);
  switch (m->kind) {
  case TORCH_LSTM: return torch_recurrent(a, m, LAYER_LSTM, units, m->layers);
  case TORCH_GRU: return torch_recurrent(a, m, LAYER_GRU, units, m->layers);
  case TORCH_LINEAR: return torch_linear(a, m, m->out, m->bias);
  case TORCH_CONV1D: return import_conv(t, m);
  case TORCH_EMBEDDING: return torch_embedding(a, m);
  case TORCH_BATCH_NORM:
  case TORCH_LAYER_NORM: return torch_norm(a, m);
  case TORCH_RNN:
  case TORCH_OTHER: break;
  }
  return refuse_kind(t, m);
}

/* Refuses modules of other kinds, and tensors that a module of its kind does not have. */
static bool kinds_known(Torch *t) {
  for (int i = 0; i < t->n; i++) {
    const TorchModule *m = &t->module[i];
    if (m->kind == TORCH_OTHER) return refuse_kind(t, m);
    if (m->kind == TORCH_RNN)
      return say_how(
          t, open_question(t, arena_printf(t->audio.arena,
                                           "whether the RNN `%s` computes tanh or relu", m->name)));
    if (m->n_known == m->n_tensors) continue;
    Diag *d = foreign_report(t->audio.diags, t->audio.file, E903,
                             "%s has tensors that are not known", m->origin);
    diag_note(d,
              "%d of %d are those of a module of its kind; ignoring them could change the results",
              m->n_known, m->n_tensors);
    return say_how(t, d);
  }
  return true;
}

/* The names of the modules in this order, for a note. */
static const char *chain_text(Torch *t, const int *order) {
  enum { NAMES_SHOWN = 6 };
  Text text = text_new(t->audio.arena);
  for (int i = 0; i < t->n && i < NAMES_SHOWN; i++)
    text_printf(&text, "%s`%.80s`", i ? ", " : "", t->part[order[i]].name);
  if (t->n > NAMES_SHOWN) text_printf(&text, " and %d more", t->n - NAMES_SHOWN);
  return text_str(&text);
}

/* The names up to the first dot, as text, if they suggest that the file has several models, such
 * as a generator and a discriminator or a model and its moving average: 2 to 4 such names, and at
 * least two recurrent modules. Else NULL. */
static const char *several_models(Torch *t) {
  enum { MOST = 4 };
  const char *head[MOST];
  int n = 0, recurrent = 0;
  Text text = text_new(t->audio.arena);
  for (int i = 0; i < t->n; i++) {
    const TorchModule *m = &t->module[i];
    const char *dot = strchr(m->name, '.');
    if (!dot) return NULL;
    const char *own = arena_strndup(t->audio.arena, m->name, (size_t)(dot - m->name));
    bool known = false;
    for (int k = 0; k < n; k++)
      known = known || strcmp(head[k], own) == 0;
    recurrent += m->kind == TORCH_LSTM || m->kind == TORCH_GRU || m->kind == TORCH_RNN;
    if (known) continue;
    if (n == MOST) return NULL;
    text_printf(&text, "%s`%.80s`", n ? " and " : "", own);
    head[n++] = own;
  }
  return n > 1 && recurrent > 1 ? text_str(&text) : NULL;
}

static bool report_order(Torch *t, TorchOrders orders) {
  Diag *d = open_question(t, "in which order its modules are called");
  if (orders == ORDERS_MANY) {
    diag_note(d, "%s fit each other, and so do %s", chain_text(t, t->order),
              chain_text(t, t->other));
    diag_note(d, "the order of the keys tells nothing: they may be sorted");
  } else
    diag_note(d, "no order of its %d modules fits: each has to be as wide as the next one reads",
              t->n);
  const char *heads = several_models(t);
  if (heads)
    diag_note(d,
              "they stand under %s, as several models in one file do: the template has all of "
              "them, so delete those that you do not want",
              heads);
  return say_how(t, d);
}

/* Sets `order`. If names and shapes allow more than one order, the order in the file is taken, with
 * a note, provided that it fits and is not the alphabetical one: PyTorch writes modules in the
 * order in which they were made. Else reports. */
static bool find_order(Torch *t) {
  for (int i = 0; i < t->n; i++) {
    const TorchModule *m = &t->module[i];
    bool open = m->kind == TORCH_CONV1D || m->kind == TORCH_EMBEDDING;
    t->part[i] = (TorchPart){.name = m->name,
                             .in = open ? 0 : m->in,
                             .out = m->out,
                             .only_first = m->kind == TORCH_EMBEDDING};
  }
  TorchOrders orders = torch_orders(t->audio.arena, t->part, t->n, t->order, t->other);
  if (orders == ORDERS_ONE || t->n == 1) return true;
  if (orders == ORDERS_MANY && torch_in_place(t->order, t->n) && !torch_sorted(t->part, t->n)) {
    foreign_note(
        t->audio.foreign,
        "its modules also fit as %s: the order is that of the file, in which they were made",
        chain_text(t, t->other));
    return true;
  }
  return report_order(t, orders);
}

/* Whether what the module computes is linear in its input. For a norm the question is whether the
 * module before it is linear: an activation may follow both. */
static bool is_linear(const TorchModule *m, bool before) {
  if (m->kind == TORCH_BATCH_NORM || m->kind == TORCH_LAYER_NORM) return before;
  return torch_is_linear(m);
}

/* Reports where a module without weights may stand between two others: after a linear module,
 * unless a norm follows or the two are neighbours in a Sequential. Also reports a bidirectional
 * module that another one reads. */
static bool between_known(Torch *t) {
  bool linear = false;
  for (int i = 0; i + 1 < t->n; i++) {
    const TorchModule *m = module_at(t, i), *next = module_at(t, i + 1);
    bool norm = next->kind == TORCH_BATCH_NORM || next->kind == TORCH_LAYER_NORM;
    linear = is_linear(m, linear);
    if (m->both && i + 1 < t->n) {
      Diag *d =
          open_question(t, arena_printf(t->audio.arena,
                                        "whether `%s` reads each step or the final states of `%s`",
                                        next->name, m->name));
      return say_how(t, d);
    }
    if (!linear || norm || torch_adjacent(&t->part[t->order[i]], &t->part[t->order[i + 1]]))
      continue;
    Diag *d = open_question(
        t, arena_printf(t->audio.arena, "what is between `%s` and `%s`", m->name, next->name));
    diag_note(d,
              "modules without weights are not in a state dict: usually an activation after a %s",
              torch_kind_name[m->kind]);
    return say_how(t, d);
  }
  return true;
}

/* Notes for the user about what the importer assumed. */
static void say_what_was_taken(Torch *t) {
  bool norm = false;
  for (int i = 0; i < t->n; i++)
    norm |= t->module[i].kind == TORCH_BATCH_NORM || t->module[i].kind == TORCH_LAYER_NORM;
  if (norm)
    foreign_note(t->audio.foreign,
                 "the file does not hold the eps of norms: grus uses 1e-5, as PyTorch does");
  if (t->n > 1)
    foreign_note(
        t->audio.foreign,
        "the file names the modules but not what is between them: grus put one after the other");
}

/* A bidirectional module needs sequences with an end: reports if --time does not give their length.
 */
static bool time_known(Torch *t, const ImportOptions *options) {
  for (int i = 0; i < t->n; i++) {
    if (!t->module[i].both || options->time) continue;
    Diag *d = open_question(t, "how long its sequences are");
    diag_fix(
        d, FIX_MAYBE,
        "`%s` also reads from the end: give the length with `--time 49` or `--time \"n <= 120\"`",
        t->module[i].name);
    return false;
  }
  return true;
}

Foreign *torch_state_of(const ForeignFile *file, const TensorFile *tensors,
                        const ImportOptions *options, Diags *diags) {
  Torch *t = ARENA_NEW(file->arena, Torch);
  Audio *a = &t->audio;
  *a = (Audio){.arena = file->arena, .file = file, .diags = diags};
  if (!audio_config(a, options, &t->config)) return NULL;
  t->module = torch_modules(a->arena, tensors, &t->n);
  if (t->n == 0 || t->n > MODULES_MAX) {
    foreign_report(diags, file, E901, "`%s` has %d modules; 1 to %d are supported", file->path,
                   t->n, MODULES_MAX);
    return NULL;
  }
  t->part = ARENA_ARRAY(a->arena, TorchPart, t->n);
  t->order = ARENA_ARRAY(a->arena, int, t->n);
  t->other = ARENA_ARRAY(a->arena, int, t->n);
  a->foreign = foreign_new(file, tensors->format, NULL);
  if (!kinds_known(t) || !find_order(t) || !between_known(t) || !time_known(t, options))
    return NULL;
  for (int i = 0; i < t->n; i++)
    if (!import_module(t, module_at(t, i))) return NULL;
  say_what_was_taken(t);
  model_output(a->foreign->model, "y", a->value);
  return a->foreign;
}

Foreign *torch_state_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const char *reason;
  TensorFile *tensors = json_tensors_parse(file->arena, file->data, &reason);
  if (tensors) {
    tensors->format = "PyTorch state dict, JSON";
    return torch_state_of(file, tensors, options, diags);
  }
  foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
  return NULL;
}
