/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a file on the command line to a lowered module. */
#include "driver/build.h"
#include "driver/machine.h"
#include "driver/quantise.h"

#include "driver/dump.h"
#include "import/weights_file.h"

#include <stdlib.h>
#include <string.h>

static Model *choose_model(Session *s, Program *program, const Source *source) {
  const char *wanted = s->options->model;
  Text names = text_new(s->arena);
  for (int i = 0; i < program->n_models; i++) {
    if (wanted && strcmp(program->model[i]->name, wanted) == 0) return program->model[i];
    text_printf(&names, "%s`%s`", i ? ", " : "", program->model[i]->name);
  }
  if (!wanted && program->n_models == 1) return program->model[0];
  if (s->diags->n_errors) return NULL;
  Span at = program->n_models ? program->model[0]->name_span : span_none();
  Diag *d;
  if (!program->n_models)
    d = diag_new(s->diags, E804, at, "this file has no model to build");
  else if (wanted)
    d = diag_new(s->diags, E804, at, "no model named `%s`", wanted);
  else
    d = diag_new(s->diags, E804, at, "this file has %d models", program->n_models);
  d->file = source->path;
  if (names.len) diag_note(d, "it has %s", text_str(&names));
  if (!wanted && program->n_models)
    diag_fix(d, FIX_MAYBE, "choose one: `--model %s`", program->model[0]->name);
  return NULL;
}

/* The file a path in the source means: beside the source, else along -I. */
static const char *find_beside(Session *s, const Source *source, const char *path) {
  const char *dir = strcmp(source->path, "<stdin>") == 0 ? "." : file_dir(s->arena, source->path);
  const char *first = file_join(s->arena, dir, path);
  if (file_exists(first)) return first;
  for (size_t i = 0; i < s->options->n_includes; i++) {
    const char *other = file_join(s->arena, s->options->include[i], path);
    if (file_exists(other)) return other;
  }
  return first;
}

static bool needs_weights(const Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (layer_info(model->layer[i]->kind)->flags & WEIGHTS) return true;
  return false;
}

/* Every layer that owns tensors has them; a LayerNorm without scale and center, for instance, owns
 * none. */
static bool is_bound(const Model *model) {
  ParamShape shapes[LAYER_MAX_PARAMS];
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = model->layer[i];
    bool owns = (layer_info(layer->kind)->flags & WEIGHTS) && layer_params(layer, shapes) > 0;
    if (owns && !layer->weights) return false;
  }
  return true;
}

void build_check_weights(Session *s, Program *program, const Source *source) {
  for (int i = 0; i < program->n_models; i++) {
    Model *model = program->model[i];
    if (model->failed || !model->weights.path || s->diags->n_errors) continue;
    if (is_bound(model)) continue; /* of another framework: its file has them */
    const char *path = find_beside(s, source, model->weights.path);
    if (!file_exists(path)) {
      if (s->options->format == RENDER_HUMAN)
        session_say(s, "grus: `%s` does not exist yet, so the weights of `%s` are not checked",
                    path, model->name);
      continue;
    }
    TensorFile *file =
        tensor_file_open(s->arena, path, model->weights.path, s->diags, model->weights.path_span);
    if (file) model_bind(model, file, s->diags);
  }
}

/* "random:7" → 7; false if w is not of that form. */
static bool random_seed(const char *w, uint64_t *seed) {
  if (strncmp(w, "random", 6) != 0 || (w[6] != ':' && w[6])) return false;
  *seed = w[6] ? strtoull(w + 7, NULL, 10) : 0;
  return !w[6] || (w[7] && w[7 + strspn(w + 7, "0123456789")] == 0);
}

bool build_bind(Session *s, Model *model, const Source *source) {
  bool is_extern = weights_are_extern(s->options);
  const char *w = is_extern ? NULL : s->options->weights;
  uint64_t seed;
  if (!needs_weights(model)) return true;
  if (is_extern && s->options->selftest && !is_bound(model) && !model->weights.path) {
    session_error(s,
                  "`--selftest` compares with the weights of the model, and `%s` names none: add "
                  "`weights torch \"%s.safetensors\"`",
                  model->name, model->name);
    s->usage_trouble = true;
    return false;
  }
  if (is_extern && !s->options->selftest) {
    model_bind_random(model, 0); /* the code is the same for all values */
    return true;
  }
  if (w && random_seed(w, &seed)) {
    model_bind_random(model, seed);
    return true;
  }
  if (!w && is_bound(model)) return true; /* of another framework */
  if (!w && !model->weights.path) {
    Diag *d =
        diag_new(s->diags, E604, model->name_span,
                 "model `%s` has layers with weights, but names no weights file", model->name);
    diag_primary(d, "no `weights` in this model");
    diag_fix(d, FIX_FILL,
             "name the file and the framework that wrote it: `weights torch \"%s.safetensors\"`",
             model->name);
    diag_fix(d, FIX_MAYBE,
             "or name it on the command line: `--weights FILE`; `--weights=random:1` invents "
             "weights, and with `--weights=extern` the program passes them at run time");
    return false;
  }
  const char *shown = w ? w : model->weights.path;
  const char *path = w ? w : find_beside(s, source, model->weights.path);
  s->weights_path = path;
  Arena *own = arena_child(s->arena); /* the layers have copies of their weights */
  TensorFile *file =
      tensor_file_open(own, path, shown, s->diags, w ? span_none() : model->weights.path_span);
  bool bound = file && model_bind(model, file, s->diags);
  if (bound) arena_free(own);
  return bound;
}

bool build_bind_or_invent(Session *s, Model *model, const Source *source) {
  if (s->options->weights || is_bound(model) || !needs_weights(model))
    return build_bind(s, model, source);
  const char *path = model->weights.path;
  if (path && file_exists(find_beside(s, source, path))) return build_bind(s, model, source);
  model_bind_random(model, 1);
  s->invents = true;
  return true;
}

void build_bind_for_sizes(Model *model) {
  if (!is_bound(model)) model_bind_random(model, 1);
}

/* The time of a call does not depend on the trained values, but on the zeros among them. */
static bool bind_for_command(Session *s, Model *model, const Source *source) {
  return s->options->command == CMD_bench ? build_bind_or_invent(s, model, source)
                                          : build_bind(s, model, source);
}

Model *build_model(Session *s, const Source **source) {
  if (s->options->n_args < 1) {
    session_error(s, "`grus %s` needs a file; `-` reads standard input",
                  command_info[s->options->command].name);
    s->usage_trouble = true;
    return NULL;
  }
  bool takes_data = s->options->command == CMD_run || s->options->command == CMD_verify ||
                    s->options->command == CMD_calibrate;
  if (!takes_data && s->options->n_args > 1) {
    session_error(s, "`grus %s` takes one file: remove `%s`",
                  command_info[s->options->command].name, s->options->args[1]);
    s->usage_trouble = true;
    return NULL;
  }
  if (!machine_choose(s, false)) return NULL; /* a mistake on the command line is reported first */
  Program *program = session_load(s, s->options->args[0], source);
  if (!program) return NULL;
  s->used_files = program->used_file;
  s->n_used_files = program->n_used_files;
  Model *model = choose_model(s, program, *source);
  if (!model || s->diags->n_errors || model->failed) return NULL;
  if (!precision_choose(s, model) || !bind_for_command(s, model, *source)) return NULL;
  if (dump_wanted(s, STAGE_bind)) dump_weights(s, model);
  if (!build_quantise(s, model, *source)) return NULL;
  if (dump_wanted(s, STAGE_quantise)) dump_quant(s, model);
  return model;
}

bool weights_are_extern(const Options *o) {
  return o->weights && strcmp(o->weights, "extern") == 0;
}

KirModule *build_lower_batch(Session *s, const Model *model, const Source *source,
                             const Target *target, int64_t batch) {
  const Options *o = s->options;
  LowerOptions options = {.target = target,
                          .batch = batch,
                          .chunk = o->chunk,
                          .math_fast = o->math_fast,
                          .keep_zeros = o->keep_zeros,
                          .weights_extern = weights_are_extern(o)};
  KirModule *m = lower(model, &options, s->arena, s->diags);
  if (m && !m->source_path) {
    const char *slash = strrchr(source->path, '/');
    m->source_path = slash ? slash + 1 : source->path;
  }
  return m;
}

KirModule *build_lower_for(Session *s, const Model *model, const Source *source,
                           const Target *target) {
  return build_lower_batch(s, model, source, target, s->options->batch);
}

KirModule *build_lower(Session *s, const Model *model, const Source *source, bool for_host) {
  const Options *o = s->options;
  if (!machine_choose(s, for_host)) return NULL;
  if (for_host && weights_are_extern(o)) {
    session_error(s, "a program contains its weights: remove `--weights=extern`");
    s->usage_trouble = true;
    return NULL;
  }
  if (o->chunk && model->run != RUN_STREAM) {
    session_error(
        s, "--chunk is for streams: model `%s` has no input with `time ..`, or takes windows of it",
        model->name);
    s->usage_trouble = true;
    return NULL;
  }
  const char *streams_only = o->queue && model->run == RUN_WHOLE    ? "--queue"
                             : o->flush && model->run != RUN_STREAM ? "--flush"
                                                                    : NULL;
  if (streams_only) {
    session_error(s, "%s is for %s: model `%s` has none", streams_only,
                  o->queue ? "streams and windows" : "blocks of a stream", model->name);
    s->usage_trouble = true;
    return NULL;
  }
  KirModule *m = build_lower_for(s, model, source, s->machine.schedule);
  if (m && dump_wanted(s, STAGE_lower)) dump_kir(s, m);
  return m;
}
