/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Precisions into the source; see precision_edit.h. What was written is checked like any other
 * source and must say what was meant. */
#include "driver/precision_edit.h"

#include "base/render.h"
#include "driver/imported.h"

#include <string.h>

bool precision_editable(Session *s, const Source *source) {
  if (strcmp(source->path, "<stdin>") != 0 && !path_is_foreign(s, source->path)) return true;
  session_error(s, "--write edits a .grus file, but `%s` is not one", source->path);
  s->usage_trouble = true;
  return false;
}

/* Of a layer's own: the word that stands there, or one argument more. */
static void edit_layer(Fix *fix, const Layer *layer, const char *word) {
  const OptVal *own = layer_opt(layer, OPT_precision);
  int n_opts = layer_opt_count(layer_info(layer->kind));
  Span last = layer->name_span;
  if (span_valid(own->at)) {
    fix_edit(fix, own->at, "%s", word);
    return;
  }
  for (int i = 0; i < n_opts; i++)
    if (span_valid(layer->opt[i].span) && layer->opt[i].span.end > last.end &&
        layer->opt[i].span.end <= layer->span.end)
      last = layer->opt[i].span;
  for (int i = 0; i < layer->n_in; i++)
    if (layer->in_span[i].begin >= layer->span.begin && layer->in_span[i].end <= layer->span.end &&
        layer->in_span[i].end > last.end)
      last = layer->in_span[i];
  fix_edit(fix, (Span){last.file, last.end, last.end}, ", precision=%s", word);
}

/* After the line that opens the model: an offset, and whether the line ends there. */
static size_t opening(const Source *source, const Model *model, bool *ends) {
  const char *text = source->text;
  size_t at = model->name_span.end;
  while (at < source->len && text[at] != '{')
    at += text[at] == '#' ? strcspn(text + at, "\n") : 1;
  size_t open = at + (at < source->len), rest = open;
  while (rest < source->len && (text[rest] == ' ' || text[rest] == '\t' || text[rest] == '\r'))
    rest++;
  *ends = rest < source->len && (text[rest] == '\n' || text[rest] == '#');
  return *ends ? rest + strcspn(text + rest, "\n") : open;
}

/* Of the model: the word and the file in their statements, or statements more after the line that
 * opens it. said: what the text says now. */
static void edit_model(Fix *fix, const Source *source, const Model *said, const char *word,
                       const char *ranges) {
  Text more = text_new(fix->diags->arena);
  Span at = said->precision_span;
  bool ends;
  if (!said->ranges.path)
    text_printf(&more, "\n  ranges \"%s\"", ranges);
  else if (strcmp(said->ranges.path, ranges) != 0)
    fix_edit(fix, said->ranges.path_span, "\"%s\"", ranges);
  if (!span_valid(at) && strcmp(precision_name[said->precision], word) != 0)
    text_printf(&more, "\n  precision %s", word);
  else if (span_valid(at)) {
    uint32_t begin = at.end;
    while (begin > at.begin && source->text[begin - 1] != ' ' && source->text[begin - 1] != '\t')
      begin--;
    fix_edit(fix, (Span){at.file, begin, at.end}, "%s", word);
  }
  if (!more.len) return;
  uint32_t open = (uint32_t)opening(source, said, &ends);
  fix_edit(fix, (Span){source->id, open, open}, "%s%s", text_str(&more), ends ? "" : "\n ");
}

/* The file of ranges as the source names it: from its own folder. NULL after reporting. */
static const char *ranges_name(Session *s, const Source *source, const char *path) {
  const char *dir = file_dir(s->arena, source->path);
  size_t n = strlen(dir);
  bool here = strcmp(dir, ".") == 0 || path[0] == '/';
  if (strncmp(path, dir, n) == 0 && path[n] == '/') return path + n + 1;
  if (here && !strpbrk(path, "\"\\\n")) return strncmp(path, "./", 2) == 0 ? path + 2 : path;
  session_error(s, "--write needs the ranges in the folder of the model: `-o %s/%s.ranges`", dir,
                "MODEL");
  return NULL;
}

/* Checks source and finds the model of this name; *clean: without an error. NULL: there is none. */
static const Model *checked_model(Session *s, const Source *source, const char *name, bool *clean) {
  Diags *kept = s->diags;
  const Model *found = NULL;
  session_reset_diags(s);
  const Program *program = session_check_source(s, source);
  for (int i = 0; program && i < program->n_models; i++)
    if (strcmp(program->model[i]->name, name) == 0) found = program->model[i];
  *clean = !s->diags->n_errors;
  s->diags = kept;
  return found;
}

/* Whether the new text is a model with the same precisions. */
static bool says_the_same(Session *s, const Source *source, const Model *model, const char *text,
                          size_t len) {
  bool clean;
  const Source *now = sources_add(&s->sources, source->path, text, len);
  const Model *other = checked_model(s, now, model->name, &clean);
  if (!other || !clean || other->n_layers != model->n_layers ||
      other->precision != model->precision)
    return false;
  for (int k = 0; k < model->n_layers; k++)
    if (layer_precision(other, other->layer[k]) != layer_precision(model, model->layer[k]))
      return false;
  return true;
}

/* A stage of a block that is used twice is edited once. */
static bool edited_before(const Model *said, int i) {
  for (int k = 0; k < i; k++)
    if (said->layer[i]->span.file == said->layer[k]->span.file &&
        said->layer[i]->span.begin == said->layer[k]->span.begin)
      return true;
  return false;
}

static bool edit_layers(Session *s, Fix *fix, const Source *source, const Model *said,
                        const Model *model) {
  for (int i = 0; i < model->n_layers; i++) {
    const Layer *layer = said->layer[i];
    const OptVal *own = layer_opt(layer, OPT_precision);
    Precision wanted = layer_precision(model, model->layer[i]);
    if (!own || edited_before(said, i)) continue;
    if (own->given ? strcmp(own->s, precision_name[wanted]) == 0 : wanted == model->precision)
      continue;
    if (layer->span.file != source->id) {
      const Source *other = sources_get(&s->sources, layer->span.file);
      session_error(s, "--write edits only `%s`, but `precision=%s` for `%s` belongs in `%s`",
                    source->path, precision_name[wanted], layer->path,
                    other ? other->path : "another file");
      return false;
    }
    edit_layer(fix, layer, precision_name[wanted]);
  }
  return true;
}

const char *precision_edit(Session *s, const Source *source, const Model *model,
                           const char *ranges_path, size_t *len) {
  Fix fix = {.diags = s->diags};
  bool clean;
  const char *ranges = ranges_name(s, source, ranges_path);
  const Model *said = ranges ? checked_model(s, source, model->name, &clean) : NULL;
  if (!said) return NULL;
  edit_model(&fix, source, said, precision_name[model->precision], ranges);
  if (!edit_layers(s, &fix, source, said, model)) return NULL;
  const char *text = fix.n_edits ? fix_apply(s->arena, source, &fix, len) : source->text;
  if (!fix.n_edits) *len = source->len;
  if (says_the_same(s, source, model, text, *len)) return text;
  session_error(s,
                "internal error: the precisions could not be written into `%s`; please report it",
                source->path);
  return NULL;
}
