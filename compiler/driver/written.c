/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Hand-written models for files of tensors. See written.h. */
#include "driver/written.h"

#include "driver/build.h"

#include <string.h>

bool config_is_written(const Session *s) {
  const char *config = s->options->config;
  size_t len = config ? strlen(config) : 0;
  return len > 5 && strcmp(config + len - 5, ".grus") == 0;
}

static bool no_retiming(Session *s) {
  Options *o = s->options;
  if (!o->stream && !o->time && !o->n_states) return true;
  s->usage_trouble = true;
  session_error(
      s,
      "`--stream`, `--time` and `--state` are for files that record their layers: here, `%s` does",
      o->config);
  return false;
}

Program *session_load_written(Session *s, const char *tensors, const Source **source) {
  const char *config = s->options->config;
  *source = NULL;
  if (!no_retiming(s)) return NULL;
  s->options->config = NULL;
  s->options->weights = tensors;
  return session_load(s, config, source);
}

/* The text with `weights` naming the new file. */
static const Source *renamed(Session *s, const Source *from, const Model *model,
                             const char *weights, const char *shown) {
  Span at = model->weights.path_span;
  Text text = text_new(s->arena);
  text_add_n(&text, from->text, at.begin);
  text_printf(&text, "\"%s\"", weights);
  text_add_n(&text, from->text + at.end, from->len - at.end);
  return sources_add(&s->sources, shown, text_str(&text), text.len);
}

/* What the summary says of where a layer came from: the names of its tensors. */
static void name_origins(Session *s, Model *model) {
  for (int i = 0; i < model->n_layers; i++)
    if (model->layer[i]->prefix)
      model->layer[i]->origin = arena_printf(s->arena, "`%s`", model->layer[i]->prefix);
}

bool session_import_written(Session *s, const char *tensors, const char *weights, const char *shown,
                            Imported *out) {
  const Source *source;
  const char *config = s->options->config;
  ForeignFile *file = ARENA_NEW(s->arena, ForeignFile);
  *file = (ForeignFile){.arena = s->arena, .path = tensors};
  *out = (Imported){.foreign = ARENA_NEW(s->arena, Foreign)};
  *out->foreign = (Foreign){.arena = s->arena,
                            .file = file,
                            .format = arena_printf(s->arena, "tensors, the layers by %s", config)};
  out->program = session_load_written(s, tensors, &source);
  if (!out->program || s->diags->n_errors) return false;
  if (out->program->n_models != 1) {
    s->usage_trouble = true;
    session_error(s, "`%s` has %d models: to import tensors, it must have one", config,
                  out->program->n_models);
    return false;
  }
  out->model = out->program->model[0];
  if (!out->model->weights.path) {
    s->usage_trouble = true;
    session_error(s,
                  "`%s` has no `weights` statement, which would name the new file: add `weights "
                  "keras \"\"`, or torch, or onnx",
                  config);
    return false;
  }
  if (!build_bind(s, out->model, source)) return false;
  name_origins(s, out->model);
  out->order = out->model->layer;
  out->source = renamed(s, source, out->model, weights, shown);
  return true;
}
