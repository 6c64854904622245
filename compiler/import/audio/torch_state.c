/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* PyTorch state dicts as JSON: in, {"gru.weight_ih_l0": [[...]], ..., "dense.bias": [...]}; out, their
 * modules one after another, on a stream. A state dict says what each module is by the shapes of its
 * tensors (weight_ih has 4 u rows in an LSTM, 3 u in a GRU), but not in which order they are called:
 * where more than one order fits, that is asked for. What comes between them it does not say either:
 * the user is told.
 *
 * It does not say how a Conv1d moves, either: --config names a JSON object with its arguments, by
 * module unless the dict is of one module without a name:
 *
 *     {"conv": {"stride": 3, "dilation": 1, "groups": 1}} */
#include "import/audio/audio.h"
#include "import/tensors/torch_order.h"

#include <string.h>

enum { MODULES_MAX = 1024, LAYERS_MAX = 64 };

bool torch_state_sniff(const ForeignFile *file) {
  return audio_sniff(file, "weight") || audio_sniff_end(file, "weight_ih_l0");
}

typedef struct Torch {
  Audio audio;
  json_t *dict, *config;
  const char *prefix[MODULES_MAX];
  TorchPart part[MODULES_MAX];
  int order[MODULES_MAX], other[MODULES_MAX];
  int n_modules;
} Torch;

static json_t *find(Torch *t, const char *prefix, const char *leaf) {
  return json_object_get(t->dict, arena_printf(t->audio.arena, "%s%s", prefix, leaf));
}

/* "gru2." of "gru2.weight_ih_l0". */
static const char *prefix_of(Torch *t, const char *key) {
  const char *dot = strrchr(key, '.');
  return dot ? arena_strndup(t->audio.arena, key, (size_t)(dot + 1 - key)) : "";
}

static size_t keys_of(Torch *t, const char *prefix) {
  const char *key;
  json_t *value;
  size_t n = 0;
  json_object_foreach(t->dict, key, value) n += strcmp(prefix_of(t, key), prefix) == 0;
  return n;
}

static bool list_modules(Torch *t) {
  const char *key;
  json_t *value;
  json_object_foreach(t->dict, key, value) {
    const char *prefix = prefix_of(t, key);
    int i = 0;
    while (i < t->n_modules && strcmp(t->prefix[i], prefix) != 0)
      i++;
    if (i < t->n_modules) continue;
    if (i == MODULES_MAX) {
      foreign_report(t->audio.diags, t->audio.file, E901, "`%s` has more than %d modules", t->audio.file->path, MODULES_MAX);
      return false;
    }
    t->prefix[t->n_modules++] = prefix;
  }
  return true;
}

/* The arguments of a module: an absent one has PyTorch's default. -1 after reporting. */
static int64_t argument(Torch *t, json_t *object, const char *key, int64_t least, int64_t if_absent, const char *origin) {
  return json_object_get(object, key) ? audio_size(&t->audio, object, key, least, origin) : if_absent;
}

static json_t *arguments_of(Torch *t, const char *prefix, const char *origin) {
  const char *name = arena_strndup(t->audio.arena, prefix, *prefix ? strlen(prefix) - 1 : 0);
  json_t *object = *prefix ? json_object_get(t->config, name) : t->config;
  if (json_is_object(object)) return object;
  Diag *d = foreign_report(t->audio.diags, t->audio.file, E904, "%s is a Conv1d, and the file does not say its stride, dilation and groups", origin);
  if (*prefix) diag_note(d, "write them to a file for --config: {\"%s\": {\"stride\": 1, \"dilation\": 1, \"groups\": 1}}", name);
  else diag_note(d, "write them to a file for --config: {\"stride\": 1, \"dilation\": 1, \"groups\": 1}");
  return NULL;
}

/* PyTorch [f, d / groups, k], canonical [f, k, d / groups]. */
static bool import_conv(Torch *t, const TorchModule *m, const int64_t *dim, size_t *used) {
  Audio *a = &t->audio;
  json_t *object = arguments_of(t, m->prefix, m->origin), *bias = find(t, m->prefix, "bias");
  if (!object || !audio_keys_known(a, object, "stride dilation groups padding", m->origin)) return false;
  int64_t stride = argument(t, object, "stride", 1, 1, m->origin), dilation = argument(t, object, "dilation", 1, 1, m->origin);
  int64_t groups = argument(t, object, "groups", 1, 1, m->origin), padding = argument(t, object, "padding", 0, 0, m->origin);
  int64_t f = dim[0], d = dim[1], k = dim[2];
  if (stride < 0 || dilation < 0 || groups < 0 || padding < 0) return false;
  if (!a->width && d <= INT32_MAX / groups) a->width = d * groups;
  if (padding || a->width != d * groups || f % groups) {
    Diag *r = foreign_report(a->diags, a->file, E903, "%s cannot have these arguments", m->origin);
    diag_note(r, "%lld groups of %lld features in and %lld out, on %lld features, padding %lld; padding must be 0", (long long)groups,
              (long long)d, (long long)f, (long long)a->width, (long long)padding);
    return false;
  }
  const float *w = audio_array(a, find(t, m->prefix, "weight"), "weight", m->origin, 3, dim);
  const float *b = w && bias ? audio_array(a, bias, "bias", m->origin, 1, &f) : NULL;
  if (!w || (bias && !b)) return false;
  *used += bias ? 2 : 1;
  if (!a->foreign->model->n_in) a->value = model_input(a->foreign->model, "x", foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &a->width))->value;
  Layer *stage = audio_stage(a, LAYER_Conv1D, arena_strndup(a->arena, m->prefix, strcspn(m->prefix, ".")), m->origin);
  layer_set_size(stage, OPT_filters, f);
  layer_set_size(stage, OPT_kernel, k);
  layer_set_size(stage, OPT_stride, stride);
  layer_set_size(stage, OPT_dilation, dilation);
  layer_set_size(stage, OPT_groups, groups);
  layer_set_word(stage, OPT_padding, "valid");
  if (!bias) layer_set_word(stage, OPT_bias, "false");
  float *kernel = audio_tensor(a, stage, ROLE_KERNEL, 3, (int64_t[]){f, k, d}, "weight");
  float *to = bias ? audio_tensor(a, stage, ROLE_BIAS, 1, &f, "bias") : NULL;
  if (!kernel || (bias && !to)) return false;
  for (int64_t n = 0; n < f * d * k; n++)
    kernel[n / (d * k) * d * k + n % k * d + n / k % d] = w[n];
  if (to) memcpy(to, b, sizeof *b * (size_t)f);
  a->width = f;
  return true;
}

/* The input of the model is as wide as its first module. */
static void begin(Torch *t, int64_t width) {
  Audio *a = &t->audio;
  if (a->foreign->model->n_in) return;
  a->width = width;
  a->value = model_input(a->foreign->model, "x", foreign_type((Time){.kind = TIME_STREAM, .period = 1}, 1, &width))->value;
}

static bool refuse_shape(Torch *t, const TorchModule *m) {
  Diag *d = foreign_report(t->audio.diags, t->audio.file, E902, "%s is none of the modules that are read from a state dict", m->origin);
  diag_note(d, "LSTM and GRU (weight_ih_l0, weight_hh_l0), Linear (weight of two axes) and Conv1d (of three)");
  return false;
}

static bool import_recurrent(Torch *t, const TorchModule *m, const int64_t *in, size_t *used) {
  int64_t dim[4];
  int n = 1;
  if (audio_rank(find(t, m->prefix, "weight_hh_l0"), dim) != 2 || dim[1] < 1 || (dim[0] != 4 * dim[1] && dim[0] != 3 * dim[1])) return refuse_shape(t, m);
  while (n < LAYERS_MAX && find(t, m->prefix, arena_printf(t->audio.arena, "weight_ih_l%d", n)))
    n++;
  begin(t, in[1]);
  return torch_recurrent(&t->audio, m, dim[0] == 4 * dim[1] ? LAYER_LSTM : LAYER_GRU, dim[1], n, used);
}

static bool import_module(Torch *t, const char *prefix) {
  Audio *a = &t->audio;
  int64_t dim[4];
  size_t used = 0, n = strlen(prefix);
  const char *name = arena_strndup(a->arena, prefix, n ? n - 1 : 0);
  TorchModule m = {t->dict, prefix, n ? arena_printf(a->arena, "module `%.80s`", name) : "the module"};
  bool ok;
  if (audio_rank(find(t, prefix, "weight_ih_l0"), dim) == 2 && dim[1] > 0) ok = import_recurrent(t, &m, dim, &used);
  else {
    int rank = audio_rank(find(t, prefix, "weight"), dim);
    bool full = rank > 1 && dim[0] > 0 && dim[1] > 0 && (rank < 3 || dim[2] > 0);
    if (full && rank == 2) {
      begin(t, dim[1]);
      ok = torch_linear(a, &m, dim[0], find(t, prefix, "bias") != NULL, &used);
    } else ok = full && rank == 3 ? import_conv(t, &m, dim, &used) : refuse_shape(t, &m);
  }
  if (!ok || used == keys_of(t, prefix)) return ok;
  Diag *d = foreign_report(a->diags, a->file, E903, "%s has tensors that are not known", m.origin);
  diag_note(d, "%zu of %zu are those of a module in one direction; what is passed over might change the results", used, keys_of(t, prefix));
  return false;
}

/* How wide a module is, as far as its tensors tell: a Conv1d may have groups. False if it is none. */
static bool find_part(Torch *t, const char *prefix, TorchPart *part) {
  size_t n = strlen(prefix);
  int64_t dim[4], state[4];
  *part = (TorchPart){.name = arena_strndup(t->audio.arena, prefix, n ? n - 1 : 0)};
  if (audio_rank(find(t, prefix, "weight_ih_l0"), dim) == 2) {
    part->in = dim[1];
    bool cell = audio_rank(find(t, prefix, "weight_hh_l0"), state) == 2 && state[0] == dim[0];
    part->out = cell ? state[1] : 0;
    return cell && (dim[0] == 3 * part->out || dim[0] == 4 * part->out);
  }
  int rank = audio_rank(find(t, prefix, "weight"), dim);
  part->in = rank == 2 ? dim[1] : 0;
  part->out = rank > 0 ? dim[0] : 0;
  return rank == 2 || rank == 3;
}

static const char *chain_text(Torch *t, const int *order) {
  enum { NAMES_SHOWN = 6 };
  Text text = text_new(t->audio.arena);
  for (int i = 0; i < t->n_modules && i < NAMES_SHOWN; i++)
    text_printf(&text, "%s`%.80s`", i ? ", " : "", t->part[order[i]].name);
  if (t->n_modules > NAMES_SHOWN) text_printf(&text, " and %d more", t->n_modules - NAMES_SHOWN);
  return text_str(&text);
}

static void report_order(Torch *t, TorchOrders orders) {
  Diag *d = foreign_report(t->audio.diags, t->audio.file, E904, "`%s` does not say in which order its modules are called", t->audio.file->path);
  if (orders == ORDERS_MANY) {
    diag_note(d, "%s fit each other, and so do %s", chain_text(t, t->order), chain_text(t, t->other));
    diag_note(d, "the order of the keys says nothing: they may be sorted");
  } else diag_note(d, "no order of its %d modules fits: each has to be as wide as the next one reads", t->n_modules);
  diag_note(d, "save the tensors as .safetensors or .npz, write the layers in a .grus file with `from=` for their names, and name it: `--config MODEL.grus`");
}

/* Names and shapes have to leave one order; else keys that are not sorted decide, and that is said. */
static bool find_order(Torch *t) {
  int n = t->n_modules;
  for (int i = 0; i < n; i++)
    if (!find_part(t, t->prefix[i], &t->part[i])) return true; /* which import_module refuses */
  TorchOrders orders = torch_orders(t->audio.arena, t->part, n, t->order, t->other);
  if (orders == ORDERS_ONE || n == 1) return true;
  if (orders == ORDERS_MANY && torch_in_place(t->order, n) && !torch_sorted(t->part, n)) {
    foreign_note(t->audio.foreign, "its modules also fit as %s: the order is that of the file, in which they were made", chain_text(t, t->other));
    return true;
  }
  report_order(t, orders);
  return false;
}

Foreign *torch_state_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Torch *t = ARENA_NEW(file->arena, Torch);
  Audio *a = &t->audio;
  *a = (Audio){.arena = file->arena, .file = file, .diags = diags};
  t->dict = audio_json(a);
  if (!t->dict || !audio_config(a, options, &t->config) || !list_modules(t)) return NULL;
  a->foreign = foreign_new(file, "PyTorch state dict, JSON", NULL);
  if (!t->n_modules) {
    foreign_report(diags, file, E901, "`%s` has no modules", file->path);
    return NULL;
  }
  for (int i = 0; i < t->n_modules; i++)
    t->order[i] = i;
  if (!find_order(t)) return NULL;
  for (int i = 0; i < t->n_modules; i++)
    if (!import_module(t, t->prefix[t->order[i]])) return NULL;
  if (t->n_modules > 1) foreign_note(a->foreign, "the file says the modules but not what is between them: they were put one after another");
  model_output(a->foreign->model, "y", a->value);
  return a->foreign;
}
