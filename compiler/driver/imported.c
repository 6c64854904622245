/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a foreign file to a model of the language. The reader's Model is printed and read again, so
 * that there is one way into the compiler; then each layer gets the weights of the layer it was. */
#include "driver/imported_ranges.h"

#include "export/export.h"
#include "model/bind/bind.h"

#include <math.h>
#include <string.h>

bool path_is_foreign(Session *s, const char *path) {
  ForeignFile file = {.arena = s->arena};
  const char *reason;
  if (strcmp(path, "-") == 0) return false;
  path = foreign_path(s->arena, path);
  file.path = path;
  if (!file_map(s->arena, path, &file.data, &reason)) return false;
  return foreign_named(path) || foreign_sniff(&file);
}

static ImportOptions import_options(const Options *o) {
  return (ImportOptions){.config = o->config,
                         .input = o->input,
                         .signature = o->signature,
                         .stream = o->stream,
                         .time = o->time,
                         .state = o->state,
                         .n_states = (int)o->n_states,
                         .set = o->set,
                         .n_sets = (int)o->n_sets,
                         .unchecked = o->no_check,
                         .size = o->has_size ? &o->size : NULL};
}

/* Numbers of options are printed with the digits that give the same float again. */
static const double SAME_NUMBER = 1e-6;

/* Whether an option has the same value in both layers, whether it is written or a default. */
static bool same_option(const OptInfo *info, const Model *a, const Layer *x, const Model *b,
                        const Layer *y) {
  double f, g;
  switch (info->kind) {
  case OPTK_NUMBER:
    if (info->id != OPT_eps && layer_has(x, info->id) != layer_has(y, info->id)) return false;
    f = info->id == OPT_eps ? layer_eps(a, x) : layer_number(x, info->id, 0);
    g = info->id == OPT_eps ? layer_eps(b, y) : layer_number(y, info->id, 0);
    return fabs(f - g) <= SAME_NUMBER * fmax(fabs(f), fabs(g));
  case OPTK_SIZE: return layer_size(x, info->id, 0) == layer_size(y, info->id, 0);
  case OPTK_WORD: return strcmp(layer_word(x, info->id), layer_word(y, info->id)) == 0;
  case OPTK_SIZES:
    for (int k = 0; k < WINDOW_MAX_AXES; k++)
      if (layer_size_of(x, info->id, k) != layer_size_of(y, info->id, k)) return false;
    return true;
  case OPTK_NONE:
  case OPTK_PADDING:
  case OPTK_AXES:
  case OPTK_STATE:
  case OPTK_VALUE:
  case OPTK_TEXT:
  case OPTK_SHAPE: break; /* the comparison of types covers it */
  }
  return true;
}

/* What the reader made, and what was checked, is what the text says: nothing that the text leaves
 * out means something else there. */
static bool same_options(const Model *a, const Layer *x, const Model *b, const Layer *y) {
  const LayerInfo *info = layer_info(x->kind);
  for (int i = 0; i < layer_opt_count(info); i++)
    if (!same_option(&info->opts[i], a, x, b, y)) return false;
  return dims_equal(&x->out[0]->type, &y->out[0]->type);
}

/* Weights, and what the file that is to be written will say by itself. */
static bool take_weights(Session *s, Imported *in) {
  const Model *from = in->foreign->model;
  bool same = in->model->n_layers == from->n_layers;
  in->model->weights.convention = from->weights.convention;
  for (int i = 0; i < from->n_layers && same; i++) {
    Layer *layer = in->model->layer[i];
    const Layer *was = in->order[i];
    OptVal *reset = layer_opt_mut(layer, OPT_reset);
    same = was && layer->kind == was->kind;
    layer->weights = same ? was->weights : NULL;
    if (same && reset && !reset->given) *reset = *layer_opt(was, OPT_reset);
    same = same && same_options(from, was, in->model, layer);
  }
  if (!same)
    session_error(s, "internal error: `%s` was printed as a different model; please report it",
                  in->foreign->file->path);
  return same;
}

/* Prints what a reader made of the file and compiles the text; NULL: it has reported. */
static bool compile(Session *s, Foreign *foreign, const char *weights, const char *shown,
                    Imported *out) {
  *out = (Imported){.foreign = foreign};
  if (!foreign) return false;
  out->order = ARENA_ARRAY(s->arena, Layer *, out->foreign->model->n_layers + 1);
  PrintOrigin origin = {.path = foreign->file->path,
                        .format = foreign->format,
                        .allow_reason = foreign->allow_reason};
  const char *text = print_model(s->arena, foreign->model, &origin, weights, out->order);
  const Source *draft = sources_add(&s->sources, shown, text, strlen(text));
  const char *formatted = format(s->arena, draft, s->diags);
  out->source = formatted ? sources_add(&s->sources, shown, formatted, strlen(formatted)) : NULL;
  if (!formatted) return false;
  out->program = session_check_source(s, out->source);
  if (s->diags->n_errors || out->program->n_models != 1) return false;
  out->model = out->program->model[0];
  if (!take_weights(s, out)) return false;
  bind_lint(out->model, s->diags);
  return !s->diags->n_errors;
}

static Foreign *open_foreign(Session *s, const char *path) {
  ImportOptions options = import_options(s->options);
  return foreign_open(s->arena, path, &options, s->diags);
}

/* Adds `allow` to the text for every warning of it, since the file is the reason, and a note for
 * each lint. Returns whether there was a warning. */
static bool allow_reported(Foreign *foreign, const Diags *diags, signed char *always) {
  bool any = false;
  for (const Diag *d = diags->first; d; d = d->next) {
    const char *name = diag_info[d->code].name;
    if (!name || d->level != LEVEL_WARNING || always[d->code]) continue;
    foreign_allow(foreign, d->code, "reported by the import");
    foreign_note(foreign, "the model has `allow %s`, so later commands do not repeat this warning",
                 name);
    always[d->code] = LINT_ALWAYS;
    any = true;
  }
  return any;
}

bool session_import(Session *s, const char *path, const char *weights, const char *shown,
                    Imported *out) {
  signed char always[DIAG_CODE_COUNT] = {0};
  if (!compile(s, open_foreign(s, path), weights, shown, out)) return false;
  if (!allow_reported(out->foreign, s->diags, always)) return true;
  session_reset_diags(s);
  for (int code = 0; code < DIAG_CODE_COUNT; code++)
    if (always[code]) s->diags->lint[code] = always[code];
  return compile(s, out->foreign, weights, shown, out);
}

bool session_import_content(Session *s, const ForeignFile *file, const char *weights,
                            const char *shown, Imported *out) {
  ImportOptions options = import_options(s->options);
  return compile(s, foreign_import(file, &options, s->diags), weights, shown, out);
}

Program *session_load_foreign(Session *s, const char *path, const Source **source) {
  Imported in;
  const char *file = foreign_path(s->arena, path), *slash = strrchr(file, '/'),
             *name = slash ? slash + 1 : file;
  const char *shown = arena_printf(s->arena, "%s.grus", name);
  const char *weights = arena_printf(s->arena, "%s.safetensors", name);
  bool ok = compile(s, open_foreign(s, path), weights, shown, &in);
  *source = in.source;
  s->weights_path = path;
  if (ok) s->file_ranges = imported_ranges(s, &in);
  return ok ? in.program : NULL;
}
