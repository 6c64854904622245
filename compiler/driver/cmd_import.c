/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus import: a model of another framework as a .grus file and its weights beside it, and the
 * ranges of a quantised one. Before anything is written the weights are read back the way `build`
 * will read them, and compared bit for bit. */
#include "base/safe.h"
#include "driver/imported_ranges.h"
#include "driver/quantise.h"
#include "driver/written.h"
#include "export/export.h"

#include "import/tensors/tensor_file.h"
#include "model/infer/infer.h"
#include "model/quant/observe.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

typedef struct ImportPaths {
  const char *text, *weights, *weights_name, *ranges;
} ImportPaths;

/* "dir/kws.grus" and "dir/kws.safetensors"; without -o the model's own name, here. */
static bool choose_paths(Session *s, const char *model, ImportPaths *out) {
  const char *stem = foreign_stem(s->arena, foreign_path(s->arena, model));
  out->text = s->options->out ? s->options->out : arena_printf(s->arena, "%s.grus", stem);
  if (strcmp(out->text, "-") == 0) {
    session_error(s, "`-o` needs a name: NAME.grus is written, and NAME.safetensors next to it");
    return false;
  }
  size_t len = strlen(out->text);
  if (len > 5 && strcmp(out->text + len - 5, ".grus") == 0) len -= 5;
  out->weights = arena_printf(s->arena, "%.*s.safetensors", (int)len, out->text);
  const char *last = strrchr(out->weights, '/');
  out->weights_name = last ? last + 1 : out->weights;
  return true;
}

/* Layers that were read back against those that were written. */
typedef struct ReadBack {
  const Model *written;
  int n; /* layers so far */
  bool wants_digest;
  Sha256 digest;
} ReadBack;

static bool same_weights(void *context, const Layer *layer) {
  ReadBack *r = context;
  const Layer *written = r->written->layer[r->n++];
  ParamShape params[LAYER_MAX_PARAMS];
  int n = layer_params(written, params);
  for (int p = 0; p < n; p++) {
    const float *x = layer_role(written, params[p].role), *y = layer_role(layer, params[p].role);
    for (int64_t k = 0; k < param_count(&params[p]); k++)
      if (!y || x[k] != y[k]) return false;
  }
  if (r->wants_digest) weights_digest_add(&r->digest, layer);
  return true;
}

/* Reads text and weights as `build` would. The digest of the weights, if it is wanted; NULL after
 * reporting. */
static const char *read_back(Session *s, const Imported *in, const Text *weights,
                             bool wants_digest) {
  Diags *kept = s->diags;
  const char *reason;
  Mapped bytes = {(const uint8_t *)text_str(weights), weights->len};
  session_reset_diags(s);
  TensorFile *file = safetensors_parse(s->arena, bytes, &reason);
  Program *again = session_check_source(s, in->source);
  ReadBack r = {.written = in->model, .wants_digest = wants_digest, .digest = sha256_new()};
  bool ok = file && again->n_models == 1 && again->model[0]->n_layers == in->model->n_layers;
  if (file) file->path = "the file to be written";
  ok = ok && model_bind_each(again->model[0], file, s->diags, same_weights, &r);
  if (!ok) session_print_diags(s);
  s->diags = kept;
  if (ok) return weights_digest_end(s->arena, &r.digest);
  session_error(s, "internal error: the written weights differ from those of the model, so "
                   "nothing was written; please report it");
  return NULL;
}

/* The file of the weights, whose tensors are made one at a time. */
static void add_weights(const Imported *in, const char *path, Text *out) {
  Unbound u = model_unbind_shapes(in->model, in->model->weights.convention, path);
  safetensors_begin(out, u.file);
  for (int i = 0; i < u.file->n; i++) {
    Arena *arena = arena_child(in->model->arena);
    Tensor t = unbound_tensor(&u, i, arena);
    safetensors_add(out, &t);
    arena_free(arena);
  }
}

/* All files or none. ranges: NULL where there are none. */
static bool write_all(Session *s, const ImportPaths *paths, const Imported *in, const Text *weights,
                      const char *ranges) {
  const char *failed, *reason;
  FileOut out[3] = {{.path = paths->text, .data = in->source->text, .len = in->source->len}};
  int n = 1;
  if (in->model->weights.path)
    out[n++] = (FileOut){.path = paths->weights, .data = text_str(weights), .len = weights->len};
  if (ranges) out[n++] = (FileOut){.path = paths->ranges, .data = ranges, .len = strlen(ranges)};
  if (files_write(s->arena, out, n, &failed, &reason)) return true;
  session_file_error(s, failed, "write", reason);
  return false;
}

static void add_row(Text *out, Session *s, const Layer *layer, const char *origin, int origin_width,
                    int stage_width) {
  const char *stage = layer_text(s->arena, &s->sources, layer),
             *shape = shape_str(s->arena, &layer->out[0]->type);
  int64_t count = layer_param_count(layer);
  text_printf(out, "  %s", origin);
  text_fill(out, ' ', (size_t)(origin_width - (int)text_width(origin, strlen(origin)) + 2));
  text_printf(out, "%s", stage);
  text_fill(out, ' ', (size_t)(stage_width - (int)text_width(stage, strlen(stage)) + 2));
  text_add(out, shape);
  if (count) {
    size_t width = strlen(shape);
    text_fill(out, ' ', width < 20 ? 20 - width : 1);
    text_add_thousands(out, count);
  }
  text_add_char(out, '\n');
}

/* Prints the summary: each layer and the stage that it became. */
static const char *summary(Session *s, const Imported *in, const ImportPaths *paths,
                           bool has_ranges) {
  Text out = text_new(s->arena);
  int origin_width = 0, stage_width = 0;
  int64_t total = 0;
  const char *last = "";
  for (int pass = 0; pass < 2; pass++) {
    if (pass)
      text_printf(&out, "%s: %s\n", safe_line(s->arena, in->foreign->file->path),
                  safe_line(s->arena, in->foreign->format));
    last = "";
    for (int i = 0; i < in->model->n_layers; i++) {
      const char *origin = in->order[i]->origin ? safe_line(s->arena, in->order[i]->origin) : "",
                 *stage = layer_text(s->arena, &s->sources, in->model->layer[i]);
      const char *shown = strcmp(origin, last) == 0 ? "" : origin;
      int width = (int)text_width(shown, strlen(shown)),
          wide = (int)text_width(stage, strlen(stage));
      last = origin;
      if (width > origin_width) origin_width = width;
      if (wide > stage_width) stage_width = wide;
      if (pass) add_row(&out, s, in->model->layer[i], shown, origin_width, stage_width);
      if (pass) total += layer_param_count(in->model->layer[i]);
    }
  }
  text_add(&out, "  ");
  text_add_thousands(&out, total);
  text_add(&out, " parameters\n");
  for (int i = 0; i < in->foreign->n_notes; i++)
    text_printf(&out, "note: %s\n", in->foreign->note[i]);
  text_printf(&out, "wrote %s", safe_line(s->arena, paths->text));
  if (in->model->weights.path)
    text_printf(&out, "%s %s", has_ranges ? "," : " and", safe_line(s->arena, paths->weights));
  if (has_ranges) text_printf(&out, " and %s", safe_line(s->arena, paths->ranges));
  text_add_char(&out, '\n');
  return text_str(&out);
}

/* A file that cannot be read, a model that is wrong, or neither. */
static ExitCode failure(const Session *s) {
  if (s->usage_trouble) return EXIT_USAGE;
  ExitCode code = session_exit_code(s);
  return code == EXIT_DONE ? EXIT_BUG : code;
}

/* --list and --template: what a file of tensors holds, or the checkpoint of a SavedModel, on
 * standard output. */
static ExitCode show_tensors(Session *s) {
  const char *path = foreign_path(s->arena, s->options->args[0]), *reason;
  ForeignFile of = {.arena = s->arena, .path = path};
  Text out = text_new(s->arena);
  TensorFile *file = NULL;
  bool is_read = file_map(s->arena, path, &of.data, &reason),
       saved = is_read && saved_model_sniff(&of);
  if (saved && s->options->template) {
    session_error(s, "`--template` is for files that hold only tensors; `grus import` reads a "
                     "SavedModel as it is");
    return EXIT_USAGE;
  }
  if (is_read)
    file =
        saved ? saved_model_tensors(&of, s->diags) : tensor_file_parse(s->arena, of.data, &reason);
  if (!file && saved) {
    session_print_diags(s);
    return failure(s);
  }
  if (!file) {
    session_file_error(s, path, "read", reason);
    return EXIT_FILE;
  }
  if (s->options->list) tensors_list(file, path, &out);
  if (s->options->template) tensors_template(s->arena, file, path, &out);
  session_out(text_str(&out), out.len);
  return EXIT_DONE;
}

ExitCode command_import(Session *s) {
  Options *o = s->options;
  Imported in;
  ImportPaths paths;
  if (o->n_args != 1) {
    session_error(s, "`grus import` needs one model file");
    return EXIT_USAGE;
  }
  if (o->list || o->template) return show_tensors(s);
  if (!choose_paths(s, o->args[0], &paths) || !session_spares_inputs(s, o->args[0], paths.text))
    return EXIT_USAGE;
  bool (*import)(Session *, const char *, const char *, const char *, Imported *) =
      config_is_written(s) ? session_import_written : session_import;
  bool ok = import(s, o->args[0], paths.weights_name, paths.text, &in);
  session_print_diags(s);
  if (!ok || s->diags->n_errors) return failure(s);
  Text weights = text_new(s->arena);
  paths.ranges = ranges_path(s, in.model, in.source);
  Ranges *measured = imported_ranges_noted(s, &in, paths.ranges);
  add_weights(&in, paths.weights, &weights);
  const char *digest = in.model->weights.path ? read_back(s, &in, &weights, measured != NULL)
                                              : weights_digest(s->arena, in.model);
  if (!digest) return EXIT_BUG;
  if (in.model->weights.path && !session_spares_inputs(s, o->args[0], paths.weights))
    return EXIT_USAGE;
  const char *ranges = measured ? imported_ranges_text(s, measured, digest) : NULL;
  if (ranges && !session_spares_inputs(s, o->args[0], paths.ranges)) return EXIT_USAGE;
  if (!write_all(s, &paths, &in, &weights, ranges)) return EXIT_FILE;
  const char *text = summary(s, &in, &paths, ranges != NULL);
  if (!o->quiet) session_out(text, strlen(text));
  return EXIT_DONE;
}
