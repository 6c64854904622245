/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From --precision and files of ranges to a quantised model; see quantise.h. */
#include "driver/quantise.h"

#include "base/sha256.h"
#include "base/splitmix.h"
#include "driver/dump.h"
#include "import/weights_file.h"
#include "model/quant/observe.h"

#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { RANGES_MAX_BYTES = 16 << 20 };

bool precision_choose(Session *s, Model *model) {
  const char *word = s->options->precision;
  for (int i = 0; word && i < PRECISION_COUNT; i++)
    if (strcmp(precision_name[i], word) == 0) model->precision = (Precision)i;
  bool narrow = word && precision_is_narrow(model->precision);
  return !narrow ||
         bind_precision(model,
                        s->diags); /* weights that came with the model; others are not bound yet */
}

static const char *with_ending(Arena *arena, const char *path, const char *ending) {
  const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
  size_t stem = dot && (!slash || dot > slash) ? (size_t)(dot - path) : strlen(path);
  return arena_printf(arena, "%.*s%s", (int)stem, path, ending);
}

const char *ranges_path(Session *s, const Model *model, const Source *source) {
  if (s->options->ranges) return s->options->ranges;
  const char *dir = strcmp(source->path, "<stdin>") == 0 ? "." : file_dir(s->arena, source->path);
  if (model->ranges.path) return file_join(s->arena, dir, model->ranges.path);
  return strcmp(source->path, "<stdin>") == 0 ? arena_printf(s->arena, "%s.ranges", model->name)
                                              : with_ending(s->arena, source->path, ".ranges");
}

const char *pruned_path(Session *s, const Model *model, const Source *source) {
  return strcmp(source->path, "<stdin>") == 0
             ? arena_printf(s->arena, "%s.pruned.safetensors", model->name)
             : with_ending(s->arena, source->path, ".pruned.safetensors");
}

const char *rounded_path(Session *s, const char *ranges) {
  return with_ending(s->arena, ranges, ".q.safetensors");
}

/* ---- invented inputs ---- */

EvalTensor invented_input(Arena *arena, const Model *model, const Port *port, uint64_t seed) {
  const Type *type = &port->value->type;
  EvalTensor t = {.steps = 1};
  if (type->time.kind == TIME_STREAM)
    t.steps = 200 * model->steps_per_call / type->time.period;
  else if (type_is_sequence(type))
    t.steps = type->time.n;
  if (type->time.kind == TIME_BOUNDED && t.steps > 1) t.steps -= t.steps / 3;
  int64_t n = t.steps * type_step_size(type);
  t.data = ARENA_ARRAY(arena, double, n + 1);
  for (int64_t i = 0; i < n; i++) {
    double unit = (double)(splitmix_next(&seed) >> 40) * 0x1p-24;
    bool integer = type->elem != ELEM_F32 && type->elem != ELEM_F16;
    if (type->elem == ELEM_INDEX)
      t.data[i] = floor(unit * (double)type->categories);
    else
      t.data[i] = integer ? floor(unit * 100) : (double)(float)(2 * unit - 1);
  }
  return t;
}

static const Ranges *invented_ranges(Session *s, const Model *model) {
  Ranges *ranges = ARENA_NEW(s->arena, Ranges);
  EvalRun run = {.in = ARENA_ARRAY(s->arena, EvalTensor, model->n_in + 1)};
  for (int i = 0; i < model->n_in; i++)
    run.in[i] = invented_input(s->arena, model, model->in[i], (uint64_t)i + 1);
  if (model_eval(model, s->arena, &run) != EVAL_OK) return ranges;
  ranges_observe(s->arena, model, &run, ranges);
  return ranges;
}

/* ---- files ---- */

static bool report_missing(Session *s, const Model *model, const char *path) {
  Span at = span_valid(model->ranges.path_span) ? model->ranges.path_span
            : span_valid(model->precision_span) ? model->precision_span
                                                : model->name_span;
  Diag *d = diag_new(s->diags, E704, at, "no activation ranges for model `%s`", model->name);
  diag_primary(d, "`%s` computes in integers and needs the range of its values",
               precision_name[model->precision]);
  diag_note(d, "`%s` does not exist", path);
  diag_fix(d, FIX_MAYBE, "measure them: `grus calibrate MODEL.grus NAME=DATA`");
  return false;
}

static bool weights_agree(Session *s, const Model *model, const Ranges *ranges) {
  const char *digest = weights_digest(s->arena, model);
  if (!ranges->weights || strcmp(ranges->weights, digest) == 0) return true;
  Diag *d = diag_new(s->diags, E705, ranges->weights_span,
                     "these ranges were measured with other weights");
  diag_primary(d, "the weights of `%s` are %.12s..", model->name, digest);
  diag_fix(d, FIX_MAYBE,
           "calibrate again, or remove this line if you know that the ranges still hold");
  return false;
}

/* "gru.0.W.weight": which tensor of a part. */
static const Tensor *part_tensor(Arena *arena, const TensorFile *file, const char *layer, int dir,
                                 int part, const char *what) {
  return tensor_find(file, arena_printf(arena, "%s.%d.%s.%s", layer, dir, part ? "U" : "W", what));
}

static bool report_rounded(Session *s, const Ranges *ranges, const char *path, const char *layer) {
  Diag *d = diag_new(s->diags, E705, ranges->rounded_span,
                     "the rounded weights in `%s` are not those of this model", path);
  diag_primary(
      d, "the tensors of `%s` have other sizes, or values that are not integers of 16 bits", layer);
  diag_fix(d, FIX_MAYBE, "calibrate again, or remove this line");
  return false;
}

static bool take_part(Session *s, const TensorFile *file, const Layer *layer, int dir, int part,
                      int64_t rows, int64_t depth, bool w8, QuantGivenPart *out, bool *there) {
  const Tensor *w = part_tensor(s->arena, file, layer->path, dir, part, "weight"),
               *b = part_tensor(s->arena, file, layer->path, dir, part, "bias");
  const Tensor *scale = part_tensor(s->arena, file, layer->path, dir, part, "scale");
  *there = w && b && scale;
  if (!*there) return !w && !b && !scale;
  if (w8 && b->elem != TENSOR_F32) { /* it was rounded for integers, so f32 cannot use it */
    *there = false;
    return true;
  }
  if (w->count != rows * depth || b->count != rows || scale->count != rows) return false;
  int16_t *weight = ARENA_ARRAY(s->arena, int16_t, w->count);
  int32_t *bias = ARENA_ARRAY(s->arena, int32_t, rows);
  float *shift = ARENA_ARRAY(s->arena, float, rows);
  double *scales = ARENA_ARRAY(s->arena, double, rows);
  for (int64_t i = 0; i < w->count; i++) {
    double x = tensor_get(w, i);
    if (!(fabs(x) <= (w8 ? 127 : 32767)) || x != floor(x)) return false;
    weight[i] = (int16_t)x;
  }
  for (int64_t r = 0; r < rows; r++) {
    double x = tensor_get(b, r);
    if (!(fabs(x) <= INT32_MAX) || (!w8 && x != floor(x))) return false;
    if (w8)
      shift[r] = (float)x;
    else
      bias[r] = (int32_t)x;
    scales[r] = tensor_get(scale, r);
  }
  *out =
      (QuantGivenPart){layer->path, dir, part, weight, w8 ? NULL : bias, scales, w8 ? shift : NULL};
  return true;
}

/* Compares the digest: a changed byte would be another weight without any other sign. */
static bool rounded_is_whole(Session *s, const Ranges *ranges, const char *path) {
  Mapped bytes;
  const char *reason;
  char digits[SHA256_DIGITS + 1];
  if (!ranges->rounded_digest) return true;
  if (!file_map(s->arena, path, &bytes, &reason)) {
    session_file_error(s, path, "read", reason);
    return false;
  }
  Sha256 sha = sha256_new();
  sha256_add(&sha, bytes.data, bytes.len);
  sha256_finish(&sha, digits);
  if (strcmp(digits, ranges->rounded_digest) == 0) return true;
  Diag *d = diag_new(s->diags, E705, ranges->rounded_span,
                     "the rounded weights in `%s` have changed since calibration", path);
  diag_primary(d, "the file is %.12s..", digits);
  diag_fix(d, FIX_MAYBE, "calibrate again, or remove this line");
  return false;
}

static bool read_rounded(Session *s, const Model *model, const Ranges *ranges, QuantGiven *given) {
  const char *path = file_join(s->arena, file_dir(s->arena, ranges->path), ranges->rounded);
  TensorFile *file =
      tensor_file_open(s->arena, path, ranges->rounded, s->diags, ranges->rounded_span);
  if (!file || !rounded_is_whole(s, ranges, path)) return false;
  QuantGivenPart *part = ARENA_ARRAY(s->arena, QuantGivenPart, 4 * model->n_layers + 1);
  *given = (QuantGiven){.part = part, .needs_same_scale = true, .path = path};
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    ParamShape shape[LAYER_MAX_PARAMS];
    bool recurrent = layer_info(layer->kind)->flags & RECURRENT, there;
    bool w8 = layer_precision(model, layer) == PRECISION_W8;
    if ((!w8 && !quant_is_integer(layer_precision(model, layer))) || !layer_params(layer, shape))
      continue;
    if (!recurrent && quant_kind(layer) != QUANT_MATRIX) continue;
    for (int dir = 0; dir < layer_directions(layer); dir++)
      for (int k = 0; k < (recurrent ? 2 : 1); k++) {
        const ParamShape *p = &shape[k];
        int64_t depth = recurrent ? p->dim[p->rank - 1] : param_count(p) / p->dim[0];
        int64_t rows = param_count(p) / depth / (recurrent ? layer_directions(layer) : 1);
        if (!take_part(s, file, layer, dir, k, rows, depth, w8, &part[given->n_parts], &there))
          return report_rounded(s, ranges, path, layer->path);
        given->n_parts += there;
      }
  }
  return true;
}

static const Ranges *read_ranges(Session *s, const char *path) {
  size_t len;
  const char *reason;
  char *text = file_read(s->arena, path, RANGES_MAX_BYTES, &len, &reason);
  if (text && len > RANGES_MAX_BYTES) {
    session_file_error(s, path, "read", "it is larger than 16 MiB, the limit for a ranges file");
    return NULL;
  }
  if (!text) {
    session_file_error(s, path, "read", reason);
    return NULL;
  }
  const Source *source = sources_add(&s->sources, path, text, len);
  return ranges_parse(s->arena, source, s->diags);
}

/* Reports a name in the file that no value of the model has. */
static bool names_are_known(Session *s, const Model *model, const Ranges *ranges) {
  for (int i = 0; i < ranges->n; i++) {
    const char *name = ranges->range[i]->name, *near = NULL;
    size_t least = 3;
    bool known = false;
    for (int k = 0; k < model->n_in + model->n_layers && !known; k++) {
      const char *other =
          k < model->n_in ? model->in[k]->name : model->layer[k - model->n_in]->path;
      bool cell = k >= model->n_in && model->layer[k - model->n_in]->kind == LAYER_LSTM;
      known = strcmp(name, other) == 0 ||
              (cell && strcmp(name, arena_printf(s->arena, "%s.c", other)) == 0);
      size_t d = text_distance(name, other, least);
      if (d < least) {
        least = d;
        near = other;
      }
    }
    if (known) continue;
    Diag *d = diag_new(s->diags, E706, ranges->range[i]->span, "model `%s` has no value `%s`",
                       model->name, name);
    diag_primary(d, "a range for a value that the model does not have");
    if (near) diag_fix(d, FIX_MAYBE, "did you mean `%s`?", near);
    return false;
  }
  return true;
}

double layer_ratio(const Session *s, const Model *model, const Layer *layer) {
  const char *precision = precision_name[layer_precision(model, layer)];
  return s->ranges && layer->path ? ranges_ratio(s->ranges, layer->path, precision) : 0;
}

double model_ratio(const Session *s, const Model *model) {
  if (!s->ranges || !s->ranges->n_ratios) return 0;
  int known = 0;
  for (int i = 0; i < model->n_layers; i++)
    known += layer_ratio(s, model, model->layer[i]) > 0;
  return known == s->ranges->n_ratios ? s->ranges->total : 0;
}

/* Whether every layer in integers with weights was measured. */
static bool all_measured(const Session *s, const Model *model) {
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    bool counts = quant_is_integer(layer_precision(model, layer)) && layer_param_count(layer) > 0;
    if (counts && layer_ratio(s, model, layer) <= 0) return false;
  }
  return true;
}

static bool is_bound(const Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (layer_param_count(model->layer[i]) > 0 && !model->layer[i]->weights) return false;
  return true;
}

/* The file of ranges, if it is one: an editor must not wait for a pipe. */
static const Ranges *ranges_beside(Session *s, const char *path) {
  struct stat st;
  size_t len;
  const char *reason;
  if (stat(path, &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > RANGES_MAX_BYTES) return NULL;
  char *text = file_read(s->arena, path, RANGES_MAX_BYTES, &len, &reason);
  if (!text || len > RANGES_MAX_BYTES) return NULL;
  return ranges_parse(s->arena, sources_add(&s->sources, path, text, len), s->diags);
}

double model_ratio_in_file(Session *s, const Model *model, const Source *source) {
  if (!model_wants_integers(model)) return 0;
  s->ranges = ranges_beside(s, ranges_path(s, model, source));
  if (!s->ranges || !(fabs(s->ranges->total) > 0)) return 0;
  const char *measured = s->ranges->weights;
  if (measured && is_bound(model) && strcmp(measured, weights_digest(s->arena, model)) != 0)
    return 0;
  return all_measured(s, model) ? model_ratio(s, model) : 0;
}

static bool has_invented_weights(const Session *s) {
  return s->invents || (s->options->weights && strncmp(s->options->weights, "random", 6) == 0);
}

bool ranges_are_known(Session *s, const Model *model, const Source *source) {
  bool may_invent = s->options->command == CMD_bench || s->options->command == CMD_inspect;
  return s->calibrates || may_invent || s->options->ranges || has_invented_weights(s) ||
         file_exists(ranges_path(s, model, source));
}

/* For invented weights: what the file has, if it is for any weights; else the ranges of invented
 * inputs. NULL after reporting. */
static const Ranges *ranges_of_invented(Session *s, const Model *model, const char *path) {
  if (file_exists(path)) {
    const Ranges *ranges = read_ranges(s, path);
    if (!ranges || !ranges->weights) return ranges;
    if (strcmp(ranges->weights, weights_digest(s->arena, model)) == 0) return ranges;
    session_say(
        s,
        "grus: `%s` has the ranges of other weights; the ranges of random weights come from "
        "random inputs",
        path);
  }
  return invented_ranges(s, model);
}

void quantise_invented(Session *s, Model *model) {
  if (!model_wants_integers(model)) return;
  model->quant = NULL;
  model_quantise(model, invented_ranges(s, model), NULL, s->diags);
}

/* w8 computes without ranges, and with the rounded weights of a calibration in w8 if there was
 * one: a file that --ranges or the model names, or one beside the model that speaks of w8. */
static bool has_rounded_w8(Session *s, const Model *model, const char *path) {
  if (s->options->ranges || model->ranges.path) return true;
  const char *weights = s->options->weights;
  bool outside = weights && strcmp(weights, "extern") == 0;
  if (outside || has_invented_weights(s) || !file_exists(path)) return false;
  size_t len;
  const char *reason, *text = file_read(s->arena, path, RANGES_MAX_BYTES, &len, &reason);
  if (!text || len > RANGES_MAX_BYTES) return false;
  Sources sources = {.arena = s->arena};
  Diags *aside = diags_new(s->arena, &sources);
  const Ranges *ranges = ranges_parse(s->arena, sources_add(&sources, path, text, len), aside);
  for (int i = 0; ranges && i < ranges->n_ratios; i++)
    if (strcmp(ranges->ratio[i].precision, precision_name[PRECISION_W8]) == 0) return true;
  return false;
}

bool build_quantise(Session *s, Model *model, const Source *source) {
  const Ranges *ranges = NULL;
  QuantGiven given = {0};
  const char *path = ranges_path(s, model, source);
  if (!model_wants_integers(model) || s->calibrates) return true;
  if (model_wants_ranges(model) || has_rounded_w8(s, model, path)) {
    if (has_invented_weights(s) && !s->options->ranges)
      ranges = ranges_of_invented(s, model, path);
    else if (file_exists(path))
      ranges = read_ranges(s, path);
    else if (s->file_ranges)
      ranges = s->file_ranges;
    else
      return report_missing(s, model, path);
    if (!ranges) return false;
    if (ranges->path && (!weights_agree(s, model, ranges) || !names_are_known(s, model, ranges)))
      return false;
    if (ranges->rounded && !read_rounded(s, model, ranges, &given)) return false;
    if (ranges->path) {
      s->ranges_path = path;
      s->ranges = ranges;
    }
  }
  return model_quantise(model, ranges, given.n_parts ? &given : NULL, s->diags);
}
