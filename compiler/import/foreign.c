/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the readers of foreign models have in common: opening by content, building layers with
 * options set, and handing over tensors. */
#include "import/foreign.h"

#include "base/safe.h"
#include "base/text.h"

#include <string.h>
#include <sys/stat.h>

#define FORMAT(id, name, bits, way)                                                                \
  const char *way_##way(const ForeignFile *file, const ForeignNode *node);                         \
  bool id##_sniff(const ForeignFile *file);                                                        \
  Foreign *id##_import(const ForeignFile *file, const ImportOptions *options, Diags *diags);
#include "import/foreign.def"
#undef FORMAT

/* Options that only some readers have a use for. */
enum {
  READS_STATE = 1,
  READS_SET = 2,
  READS_INPUT = 4,
  READS_SIZE = 8,
  READS_CONFIG = 16,
  READS_SIGNATURE = 32,
};

typedef struct Format {
  const char *name;
  bool (*sniff)(const ForeignFile *file);
  Foreign *(*import)(const ForeignFile *file, const ImportOptions *options, Diags *diags);
  const char *(*way_out)(const ForeignFile *file, const ForeignNode *node);
  unsigned reads;
} Format;

static const Format formats[] = {
#define FORMAT(id, name, bits, way) {name, id##_sniff, id##_import, way_##way, bits},
#include "import/foreign.def"
#undef FORMAT
    {NULL, NULL, NULL, NULL, 0}};

static const char saved_model[] = "saved_model.pb";

const char *foreign_path(Arena *arena, const char *path) {
  struct stat st;
  size_t len = strlen(path);
  if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return path;
  while (len > 1 && path[len - 1] == '/')
    len--;
  const char *inside = arena_printf(arena, "%.*s/%s", (int)len, path, saved_model);
  return stat(inside, &st) == 0 && S_ISREG(st.st_mode) ? inside : path;
}

const char *foreign_stem(Arena *arena, const char *path) {
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  if (slash && strcmp(name, saved_model) == 0) { /* every SavedModel has this name */
    const char *folder = slash;
    while (folder > path && folder[-1] != '/')
      folder--;
    size_t len = (size_t)(slash - folder);
    bool named = len && strncmp(folder, ".", len) != 0 && strncmp(folder, "..", len) != 0;
    if (named) return arena_strndup(arena, folder, len);
  }
  return text_file_stem(arena, path);
}

Foreign *foreign_new(const ForeignFile *file, const char *format, const char *model_name) {
  Foreign *foreign = ARENA_NEW(file->arena, Foreign);
  foreign->arena = file->arena;
  foreign->file = file;
  foreign->format = format;
  foreign->model =
      model_new(file->arena, model_name ? model_name : foreign_stem(file->arena, file->path));
  return foreign;
}

float *foreign_tensor(Foreign *foreign, Layer *layer, Role role, int rank, const int64_t *dim,
                      const char *name) {
  ForeignTensor t = {.layer = layer, .role = role, .rank = rank, .name = name};
  int64_t count = 1;
  if (rank < 1 || rank > 4) return NULL;
  for (int i = 0; i < rank; i++) {
    if (dim[i] < 1 || !size_mul(count, dim[i], &count) || count > INT32_MAX) return NULL;
    t.dim[i] = dim[i];
  }
  t.data = ARENA_ARRAY(foreign->arena, float, count);
  ARENA_PUSH(foreign->arena, foreign->tensor, foreign->n_tensors, foreign->cap_tensors, t);
  return t.data;
}

static OptVal *given(Layer *layer, OptName name) {
  OptVal *opt = layer_opt_mut(layer, name);
  opt->given = true;
  return opt;
}

void layer_set_size(Layer *layer, OptName name, int64_t value) {
  given(layer, name)->i = value;
}
void layer_set_number(Layer *layer, OptName name, double value) {
  given(layer, name)->f = value;
}
void layer_set_shape(Arena *arena, Layer *layer, Type shape) {
  OptVal *opt = given(layer, OPT_shape);
  opt->shape = ARENA_NEW(arena, Type);
  *opt->shape = shape;
}

void layer_set_word(Layer *layer, OptName name, const char *word) {
  const LayerInfo *info = layer_info(layer->kind);
  OptVal *opt = given(layer, name);
  opt->s = word;
  for (int i = 0; i < layer_opt_count(info); i++) {
    if (info->opts[i].id != name) continue;
    int place = words_index(info->opts[i].words, word);
    opt->i = place < 0 ? 0 : place;
  }
}

void layer_set_sizes(Layer *layer, OptName name, int n, const int64_t *sizes) {
  OptVal *opt = given(layer, name);
  opt->n_sizes = n;
  opt->i = sizes[0];
  for (int i = 0; i < n; i++)
    opt->size[i] = sizes[i];
}

void layer_set_paddings(Layer *layer, OptName name, int n, const Padding *paddings) {
  OptVal *opt = given(layer, name);
  opt->n_paddings = n;
  for (int i = 0; i < n; i++)
    opt->padding[i] = paddings[i];
}

void layer_set_value(Layer *layer, OptName name, Value *value) {
  given(layer, name)->value = value;
  value->n_uses++;
}

void layer_set_learned(Layer *layer) {
  given(layer, OPT_init)->learned = true;
}

void layer_set_states(Arena *arena, Layer *layer, int n, Value *const *states) {
  OptVal *opt = given(layer, OPT_init);
  opt->values = ARENA_ARRAY(arena, Value *, n);
  opt->value_span = ARENA_ARRAY(arena, Span, n);
  opt->n_values = n;
  for (int i = 0; i < n; i++) {
    opt->values[i] = states[i];
    states[i]->n_uses++;
  }
}

Type foreign_type(Time time, int rank, const int64_t *dims) {
  Type type = {.elem = ELEM_F32, .time = time, .rank = rank};
  for (int i = 0; i < rank && i < TYPE_MAX_AXES; i++)
    type.dim[i].n = dims[i];
  return type;
}

void foreign_note(Foreign *foreign, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *note = safe_vprintf(foreign->arena, format, args);
  va_end(args);
  ARENA_PUSH(foreign->arena, foreign->note, foreign->n_notes, foreign->cap_notes, note);
}

void foreign_allow(Foreign *foreign, DiagCode code, const char *reason) {
  foreign->model->allowed[code] = true;
  foreign->allow_reason[code] = reason;
}

bool foreign_refuse_node(Diags *diags, const ForeignFile *file, DiagCode code, const char *name,
                         const char *op, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(file->arena, format, args);
  va_end(args);
  foreign_report(diags, file, code, "node `%s` (`%s`) %s", name, op, what);
  return false;
}

bool foreign_lacks_node(Diags *diags, const ForeignFile *file, DiagCode code, const char *name,
                        const char *op, const char *help, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(file->arena, format, args);
  va_end(args);
  return foreign_lacks(diags, file, code, help, "node `%s` (`%s`) %s", name, op, what);
}

bool foreign_lacks(Diags *diags, const ForeignFile *file, DiagCode code, const char *help,
                   const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(file->arena, format, args);
  va_end(args);
  diag_fix(foreign_report(diags, file, code, "%s", what), FIX_MAYBE, "%s", help);
  return false;
}

Diag *foreign_report(Diags *diags, const ForeignFile *file, DiagCode code, const char *format,
                     ...) {
  va_list args;
  va_start(args, format);
  Diag *d = diag_new(diags, code, span_none(), "%s", arena_vprintf(file->arena, format, args));
  va_end(args);
  d->file = file->path;
  return d;
}

Diag *foreign_report_signatures(Diags *diags, const ForeignFile *file, const char *asked, size_t n,
                                const char *const *name) {
  enum { SHOWN_MAX = 12 };
  Diag *d = asked
                ? foreign_report(diags, file, E904, "`%s` has no signature `%s`", file->path, asked)
                : foreign_report(diags, file, E904,
                                 "`%s` has %zu signatures, of which none is `serving_default`",
                                 file->path, n);
  for (size_t i = 0; i < n && i < SHOWN_MAX; i++)
    diag_fix(d, FIX_MAYBE, "choose `%s`: --signature %s", name[i], name[i]);
  if (n > SHOWN_MAX) diag_note(d, "%zu more are not listed", n - SHOWN_MAX);
  return d;
}

Arena *foreign_numbers(const ForeignFile *file) {
  return file->numbers ? file->numbers : file->arena;
}

static const Format *format_of(const ForeignFile *file) {
  const Format *format = formats;
  while (format->name && !format->sniff(file))
    format++;
  return format->name ? format : NULL;
}

const char *foreign_sniff(const ForeignFile *file) {
  const Format *format = format_of(file);
  return format ? format->name : NULL;
}

const char *foreign_way_out(const ForeignFile *file, const ForeignNode *node) {
  const Format *format = format_of(file);
  return format ? format->way_out(file, node)
                : "write the model by hand, as docs/language.md describes";
}

static void report_unknown(const ForeignFile *file, Diags *diags) {
  const char *what, *help;
  Diag *d;
  if (foreign_near(file, &what, &help)) {
    d = foreign_report(diags, file, E901, "`%s` is %s", file->path, what);
    diag_fix(d, FIX_MAYBE, "%s", help);
    return;
  }
  d = foreign_report(diags, file, E901, "`%s` is not a model file that grus knows", file->path);
  Text known = text_new(file->arena);
  for (const Format *format = formats; format->name; format++)
    text_printf(&known, "%s%s", known.len ? ", " : "", format->name);
  diag_note(d, "grus reads: %s", text_str(&known));
}

/* A file that is a stream by itself, such as a capture of an amplifier, was trained to run without
 * end: its state needs no reset. What --stream or --state makes a stream was not. */
static void allow_endless(Foreign *foreign, const ImportOptions *options) {
  const Model *model = foreign->model;
  for (int i = 0; i < model->n_layers && !options->stream && !options->n_states; i++) {
    const Layer *layer = model->layer[i];
    if (layer->kind == LAYER_LSTM && type_is_stream(&layer->out[0]->type))
      foreign_allow(foreign, W506, "the file is of a stream without end");
  }
}

/* An option that the file gives no meaning would be left out silently. */
static bool options_are_read(const Format *format, const ForeignFile *file, const ImportOptions *o,
                             Diags *diags) {
  const struct {
    unsigned bit;
    bool given;
    const char *name;
  } option[] = {
      {READS_STATE, o->n_states > 0, "--state"}, {READS_SET, o->n_sets > 0, "--set"},
      {READS_INPUT, o->input, "--input"},        {READS_SIZE, o->size, "--size"},
      {READS_CONFIG, o->config, "--config"},     {READS_SIGNATURE, o->signature, "--signature"}};
  for (size_t i = 0; i < sizeof option / sizeof *option; i++) {
    if (!option[i].given || format->reads & option[i].bit) continue;
    Text takers = text_new(file->arena);
    for (const Format *other = formats; other->name; other++)
      if (other->reads & option[i].bit)
        text_printf(&takers, "%s%s", takers.len ? ", " : "", other->name);
    Diag *d = foreign_report(diags, file, E903, "`%s` means nothing to this file: it is %s",
                             option[i].name, format->name);
    diag_note(d, "it applies to: %s", text_str(&takers));
    diag_fix(d, FIX_MAYBE, "leave out `%s`", option[i].name);
    return false;
  }
  return true;
}

Foreign *foreign_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const Format *format = format_of(file);
  if (!format) {
    report_unknown(file, diags);
    return NULL;
  }
  if (!options_are_read(format, file, options, diags)) return NULL;
  Foreign *foreign = format->import(file, options, diags);
  if (!foreign || (!foreign->finished && !foreign_finish(foreign, options, diags))) return NULL;
  allow_endless(foreign, options);
  return foreign;
}

Foreign *foreign_open(Arena *arena, const char *path, const ImportOptions *options, Diags *diags) {
  ForeignFile *file = ARENA_NEW(arena, ForeignFile);
  *file = (ForeignFile){.arena = arena, .path = foreign_path(arena, path)};
  const char *reason;
  if (file_map(arena, file->path, &file->data, &reason))
    return foreign_import(file, options, diags);
  struct stat st;
  Diag *d = foreign_report(diags, file, E901, "cannot read `%s`: %s", path, reason);
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
    diag_note(d, "a SavedModel of TensorFlow is a folder with the file `%s`", saved_model);
  return NULL;
}
