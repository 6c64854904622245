/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus calibrate: ranges of all values on recorded data, weights rounded by it, and what each layer
 * costs in exactness. Writes MODEL.ranges and, beside it, MODEL.q.safetensors. The same data gives
 * the same bytes. */
#include "driver/calibration.h"

#include "driver/machine.h"
#include "driver/version.h"
#include "import/import.h"
#include "model/quant/observe.h"
#include "model/quant/round.h"

#include <math.h>
#include <string.h>

/* A layer in integers and what is known of it. */
typedef struct Judged {
  const Layer *layer;
  Precision precision;
  double plain, rounded; /* SNR alone, held out; rounded 0: not rounded */
  bool keeps;            /* rounding does better on what it has not seen */
  QuantGivenPart part[4];
  int n_parts;
  int64_t steps, needed;
} Judged;

typedef struct Calibrate {
  Session *s;
  Model *model;
  Ranges *ranges;
  Calibration data;
  Judged *judged;
  int n;
} Calibrate;

/* The layers' precisions, kept while single ones are looked at. */
typedef struct Precisions {
  Precision model;
  OptVal *own;
} Precisions;

static Precisions keep_precisions(Session *s, const Model *model) {
  Precisions kept = {model->precision, ARENA_ARRAY(s->arena, OptVal, model->n_layers + 1)};
  for (int i = 0; i < model->n_layers; i++)
    if (layer_opt(model->layer[i], OPT_precision))
      kept.own[i] = *layer_opt(model->layer[i], OPT_precision);
  return kept;
}

static void restore_precisions(Model *model, const Precisions *kept) {
  model->precision = kept->model;
  for (int i = 0; i < model->n_layers; i++)
    if (layer_opt(model->layer[i], OPT_precision))
      *layer_opt_mut(model->layer[i], OPT_precision) = kept->own[i];
}

/* All layers in f32 but one. NULL: all of them. */
static void only_layer(Model *model, const Layer *one, Precision p) {
  model->precision = PRECISION_F32;
  for (int i = 0; i < model->n_layers; i++) {
    OptVal *own = layer_opt_mut(model->layer[i], OPT_precision);
    if (!own) continue;
    own->given = model->layer[i] == one;
    own->s = precision_name[own->given ? p : PRECISION_F32];
  }
}

static bool quantise(Calibrate *c, const QuantGivenPart *part, int n) {
  QuantGiven given = {.part = part, .n_parts = n, .needs_same_scale = true, .path = "calibration"};
  c->model->quant = NULL;
  return model_quantise(c->model, c->ranges, n ? &given : NULL, c->s->diags);
}

/* ---- ranges ---- */

static bool report_value(Session *s, const char *name, const char *what) {
  session_error(s, "`%s` is %s in this data: nothing can be measured", name, what);
  return false;
}

static bool observe(Calibrate *c) {
  for (int r = 0; r < c->data.n; r++) {
    const char *bad = ranges_observe(c->s->arena, c->model, &c->data.run[r].truth, c->ranges);
    if (bad) return report_value(c->s, bad, "not a number, or infinite,");
  }
  for (int i = 0; i < c->model->n_in; i++) {
    const Range *r = ranges_find(c->ranges, c->model->in[i]->name);
    bool starts = c->model->in[i]->is_init;
    if (r && r->low == r->high && !starts && c->model->in[i]->value->type.elem == ELEM_F32)
      return report_value(c->s, r->name, "always the same number");
  }
  return true;
}

/* ---- layers ---- */

static bool has_parts(const Layer *layer) {
  QuantKind kind = quant_kind(layer);
  return kind == QUANT_MATRIX || kind == QUANT_RECURRENT;
}

static void warn_short(Calibrate *c, const Judged *j) {
  Diag *d = diag_new(c->s->diags, W706, j->layer->span,
                     "%lld steps are too few to round the weights of `%s`", (long long)j->steps,
                     j->layer->path);
  diag_primary(d, "%lld weights in a row", (long long)j->needed);
  diag_note(d, "rounded to nearest; %lld steps more and the data decides",
            (long long)(j->needed - j->steps));
}

/* What rounding looks at: the runs, or the part of each, that are not held out. */
static RoundData looked_at(const Calibrate *c) {
  RoundData data = {.n_runs = calibration_first_held_out(&c->data),
                    .share = calibration_share(&c->data)};
  if (!data.n_runs) data.n_runs = c->data.n;
  EvalRun *runs = ARENA_ARRAY(c->s->arena, EvalRun, data.n_runs);
  for (int r = 0; r < data.n_runs; r++)
    runs[r] = c->data.run[r].truth;
  data.run = runs;
  return data;
}

/* The layer alone in integers, all others in f32. */
static bool judge_layer(Calibrate *c, Judged *j) {
  RoundData data = looked_at(c);
  only_layer(c->model, j->layer, j->precision);
  if (!quantise(c, NULL, 0)) return false;
  j->plain = calibration_snr(c->s, c->model, &c->data, true);
  j->n_parts =
      quant_round_layer(c->s->arena, c->model, j->layer, &data, j->part, &j->steps, &j->needed);
  if (!j->n_parts) {
    if (j->needed) warn_short(c, j);
    return true;
  }
  if (!quantise(c, j->part, j->n_parts)) return false;
  j->rounded = calibration_snr(c->s, c->model, &c->data, true);
  j->keeps = j->rounded > j->plain;
  return true;
}

static bool judge_all(Calibrate *c) {
  Precisions kept = keep_precisions(c->s, c->model);
  bool ok = true;
  c->judged = ARENA_ARRAY(c->s->arena, Judged, c->model->n_layers + 1);
  for (int i = 0; i < c->model->n_layers; i++) {
    const Layer *layer = c->model->layer[i];
    Precision p = layer_precision(c->model, layer);
    if (quant_is_integer(p) && has_parts(layer))
      c->judged[c->n++] = (Judged){.layer = layer, .precision = p};
  }
  for (int i = 0; i < c->n && ok; i++) {
    if (c->s->options->verbose)
      session_say(c->s, "%d of %d: %s", i + 1, c->n, c->judged[i].layer->path);
    ok = judge_layer(c, &c->judged[i]);
    restore_precisions(c->model, &kept);
  }
  return ok;
}

/* ---- what is written ---- */

/* Rounded once more for the scales of the whole model, in which a layer reads integers where it
 * read f32 alone. */
static QuantGivenPart *kept_parts(const Calibrate *c, int *n) {
  QuantGivenPart *all = ARENA_ARRAY(c->s->arena, QuantGivenPart, 4 * c->n + 1);
  RoundData data = looked_at(c);
  int64_t steps, needed;
  *n = 0;
  for (int i = 0; i < c->n; i++)
    if (c->judged[i].keeps)
      *n += quant_round_layer(c->s->arena, c->model, c->judged[i].layer, &data, all + *n, &steps,
                              &needed);
  return all;
}

static Tensor raw_tensor(const char *name, TensorElem elem, const void *data, int64_t rows,
                         int64_t depth) {
  return (Tensor){.name = name,
                  .elem = elem,
                  .rank = depth ? 2 : 1,
                  .dim = {rows, depth},
                  .data = data,
                  .count = depth ? rows * depth : rows};
}

/* Integers as little-endian bytes. */
static const uint8_t *bytes_of(Arena *arena, const void *from, int64_t n, int from_size,
                               int to_size) {
  uint8_t *to = arena_array(arena, (size_t)n + 1, (size_t)to_size);
  for (int64_t i = 0; i < n; i++) {
    int64_t x = from_size == 2 ? ((const int16_t *)from)[i] : ((const int32_t *)from)[i];
    for (int k = 0; k < to_size; k++)
      to[i * to_size + k] = (uint8_t)((uint64_t)x >> 8 * k);
  }
  return to;
}

static const uint8_t *bytes_of_doubles(Arena *arena, const double *from, int64_t n) {
  uint8_t *to = arena_array(arena, (size_t)n + 1, sizeof *from);
  for (int64_t i = 0; i < n; i++) {
    uint64_t bits;
    memcpy(&bits, &from[i], sizeof bits);
    for (int k = 0; k < 8; k++)
      to[i * 8 + k] = (uint8_t)(bits >> 8 * k);
  }
  return to;
}

static void write_rounded(const Calibrate *c, const QuantGivenPart *part, int n, Text *out) {
  Arena *arena = c->s->arena;
  TensorFile file = {.tensor = ARENA_ARRAY(arena, Tensor, 3 * n + 1)};
  const char *reason;
  for (int i = 0; i < n; i++) {
    const Layer *layer = NULL;
    for (int k = 0; k < c->n; k++)
      if (strcmp(c->judged[k].layer->path, part[i].layer) == 0) layer = c->judged[k].layer;
    const QuantPart *p = &c->model->quant->layer[layer->id]->part[part[i].direction][part[i].part];
    const char *stem =
        arena_printf(arena, "%s.%d.%s", part[i].layer, part[i].direction, part[i].part ? "U" : "W");
    bool narrow = p->bits == 8;
    file.tensor[file.n++] = raw_tensor(
        arena_printf(arena, "%s.weight", stem), narrow ? TENSOR_I8 : TENSOR_I16,
        bytes_of(arena, part[i].w, p->rows * p->depth, 2, narrow ? 1 : 2), p->rows, p->depth);
    file.tensor[file.n++] = raw_tensor(arena_printf(arena, "%s.bias", stem), TENSOR_I32,
                                       bytes_of(arena, part[i].bias, p->rows, 4, 4), p->rows, 0);
    file.tensor[file.n++] = raw_tensor(arena_printf(arena, "%s.scale", stem), TENSOR_F64,
                                       bytes_of_doubles(arena, part[i].scale, p->rows), p->rows, 0);
  }
  if (tensor_file_sort(arena, &file, &reason)) safetensors_write(out, &file);
}

static void add_word(Text *out, const char *word) {
  bool plain = word[strcspn(word, " \t\"#")] == 0 && *word;
  text_printf(out, plain ? "%s" : "\"%s\"", word);
}

static void write_range(Text *out, const Range *r) {
  double low = r->low, high = r->high;
  text_add(out, "range   ");
  if (low == 0 && high == 0) low = -1e-6, high = 1e-6;
  add_word(out, r->name);
  text_fill(out, ' ', strlen(r->name) < 20 ? 20 - strlen(r->name) : 1);
  text_add_double(out, low);
  text_add(out, "  ");
  text_add_double(out, high);
  text_add(out, r->low == 0 && r->high == 0 ? "   # always 0\n" : "\n");
}

static void write_ranges(const Calibrate *c, const char *rounded, double measured, Text *out) {
  text_add(out, "grus-ranges 1\n");
  text_printf(out, "weights sha256 %s\n", weights_digest(c->s->arena, c->model));
  text_printf(out, "data    \"%lld steps in %d run%s\"\n", (long long)c->data.steps, c->data.n,
              c->data.n == 1 ? "" : "s");
  if (rounded) text_printf(out, "rounded \"%s\"\n", rounded);
  text_add(out, "\n");
  for (int i = 0; i < c->ranges->n; i++)
    write_range(out, &c->ranges->range[i]);
  text_printf(out, "\n# SNR %.1f dB\n", measured);
}

/* ---- the report ---- */

static int64_t bytes_of_layer(const Calibrate *c, const Layer *layer) {
  const QuantLayer *q = c->model->quant->layer[layer->id];
  int64_t bytes = 0;
  for (int dir = 0; dir < q->directions; dir++)
    for (int k = 0; k < QUANT_PARTS; k++)
      bytes += q->part[dir][k].rows * (q->part[dir][k].depth * q->part[dir][k].bits / 8 + 6);
  return bytes;
}

static double used_snr(const Judged *j) {
  return j->keeps ? j->rounded : j->plain;
}

static void report(const Calibrate *c, double predicted, double measured, Text *out) {
  double all = 0;
  for (int i = 0; i < c->n; i++)
    all += pow(10, -used_snr(&c->judged[i]) / 10);
  text_printf(out, "%-20s %-9s %9s %9s %9s %8s\n", "layer", "precision", "nearest", "rounded",
              "bytes", "of error");
  for (int i = 0; i < c->n; i++) {
    const Judged *j = &c->judged[i];
    text_printf(out, "%-20s %-9s %6.1f dB ", j->layer->path, precision_name[j->precision],
                j->plain);
    if (j->n_parts)
      text_printf(out, "%6.1f dB%s ", j->rounded, j->keeps ? "" : "*");
    else
      text_printf(out, "%9s ", "-");
    text_printf(out, "%9lld %7.0f%%\n", (long long)bytes_of_layer(c, j->layer),
                100 * pow(10, -used_snr(j) / 10) / fmax(all, 1e-30));
  }
  text_printf(out,
              "all                  predicted %.1f dB, measured %.1f dB on what was held out\n",
              predicted, measured);
  for (int i = 0; i < c->n; i++)
    if (c->judged[i].n_parts && !c->judged[i].keeps) {
      text_add(out, "* rounded to nearest: the data did not do better on what it had not seen\n");
      break;
    }
}

static double predicted_snr(const Calibrate *c) {
  double noise = 0;
  for (int i = 0; i < c->n; i++)
    noise += pow(10, -used_snr(&c->judged[i]) / 10);
  return noise > 0 ? -10 * log10(noise) : 999;
}

/* Which layer to give more bits, where the floor is not reached. */
static void suggest(const Calibrate *c, double measured, Text *out) {
  const Options *o = c->s->options;
  const Judged *worst = NULL;
  if (o->snr <= 0 || measured >= o->snr) return;
  for (int i = 0; i < c->n; i++)
    if (c->judged[i].precision != PRECISION_I16X16 &&
        (!worst || used_snr(&c->judged[i]) < used_snr(worst)))
      worst = &c->judged[i];
  if (!worst) {
    text_printf(out, "below %.1f dB, with 16-bit weights everywhere\n", o->snr);
    return;
  }
  text_printf(out, "below %.1f dB: most of the error is from `%s`; try `precision=%s` on it\n",
              o->snr, worst->layer->path, worst->precision == PRECISION_I8 ? "i16" : "i16x16");
}

/* ---- the command ---- */

static ExitCode write_files(Calibrate *c, const char *path, const QuantGivenPart *parts, int n,
                            double measured) {
  Text ranges = text_new(c->s->arena), rounded = text_new(c->s->arena);
  const char *q = rounded_path(c->s, path), *slash = strrchr(q, '/'), *failed, *reason;
  FileOut files[2] = {{.path = path}, {.path = q}};
  write_ranges(c, n ? (slash ? slash + 1 : q) : NULL, measured, &ranges);
  if (n) write_rounded(c, parts, n, &rounded);
  files[0].data = text_str(&ranges);
  files[0].len = ranges.len;
  files[1].data = rounded.s;
  files[1].len = rounded.len;
  if (!files_write(c->s->arena, files, n ? 2 : 1, &failed, &reason)) {
    session_file_error(c->s, failed, "write", reason);
    return EXIT_FILE;
  }
  session_say(c->s, n ? "%s and %s written" : "%s written", path, q);
  return EXIT_DONE;
}

static ExitCode calibrate(Calibrate *c, const char *path) {
  Text out = text_new(c->s->arena);
  int n;
  if (!observe(c)) return EXIT_FILE;
  if (!judge_all(c) || !quantise(c, NULL, 0)) return EXIT_MODEL;
  QuantGivenPart *parts = kept_parts(c, &n);
  if (!quantise(c, parts, n)) return EXIT_MODEL;
  double predicted = predicted_snr(c), measured = calibration_snr(c->s, c->model, &c->data, true);
  report(c, predicted, measured, &out);
  suggest(c, measured, &out);
  session_out(text_str(&out), out.len);
  ExitCode code = write_files(c, path, parts, n, measured);
  return code == EXIT_DONE && c->s->options->snr > 0 && measured < c->s->options->snr ? EXIT_FAILED
                                                                                      : code;
}

ExitCode command_calibrate(Session *s) {
  const Source *source;
  Calibrate c = {.s = s, .ranges = ARENA_NEW(s->arena, Ranges)};
  s->calibrates = true;
  c.model = build_model(s, &source);
  KirModule *m = NULL;
  if (c.model && !model_wants_ranges(c.model)) {
    session_error(s,
                  "model `%s` has no layer in integers that need ranges: `--precision i16`, or "
                  "`precision i16` in the model",
                  c.model->name);
    return EXIT_USAGE;
  }
  if (c.model) {
    Precisions kept = keep_precisions(s, c.model);
    only_layer(c.model, NULL, PRECISION_F32);
    m = build_lower(s, c.model, source, true);
    restore_precisions(c.model, &kept);
  }
  if (s->usage_trouble || !m || s->diags->n_errors) {
    session_print_diags(s);
    return s->usage_trouble                    ? EXIT_USAGE
           : session_exit_code(s) == EXIT_DONE ? EXIT_MODEL
                                               : session_exit_code(s);
  }
  ExitCode code = calibration_read(s, c.model, m, &c.data);
  if (code == EXIT_DONE)
    code = calibrate(&c, s->options->out ? s->options->out : ranges_path(s, c.model, source));
  session_print_diags(s);
  return code;
}
