/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The session: reading sources, running the front half, printing what was found. */
#include "driver/session.h"

#include "base/safe.h"
#include "driver/dump.h"
#include "driver/imported.h"
#include "driver/interface.h"
#include "driver/interrupts.h"
#include "driver/quantise.h"
#include "driver/streams.h"
#include "driver/version.h"
#include "driver/written.h"
#include "front/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void session_out(const char *s, size_t len) {
  stream_out(s, len);
}

/* A line to standard error. */
static void say_line(Session *s, const char *before, const char *format, va_list args) {
  Text line = text_new(s->arena);
  text_add(&line, before);
  text_add(&line, safe_vprintf(s->arena, format, args));
  text_add_char(&line, '\n');
  stream_error(text_str(&line), line.len);
}

void session_error(Session *s, const char *format, ...) {
  va_list args;
  if (interrupts_noted()) return; /* later failures follow from this one */
  stream_flush();
  va_start(args, format);
  say_line(s, "grus: error: ", format, args);
  va_end(args);
}

void session_say(Session *s, const char *format, ...) {
  if (s->options->quiet) return;
  va_list args;
  va_start(args, format);
  say_line(s, "", format, args);
  va_end(args);
}

void session_file_error(Session *s, const char *path, const char *what, const char *reason) {
  s->file_trouble = true;
  reason = arena_strdup(s->arena, reason); /* strerror may have one buffer for all that it says */
  if (strcmp(reason, strerror(EPIPE)) == 0) return; /* the reader of the pipe has stopped reading */
  session_error(s, "cannot %s `%s`: %s", what, path, reason);
}

const char *session_input_at(const Session *s, const char *model, const char *path) {
  for (int i = 0; i < s->n_used_files; i++)
    if (file_same(path, s->used_files[i])) return s->used_files[i];
  if (s->weights_path && file_same(path, s->weights_path)) return s->weights_path;
  if (s->options->config && file_same(path, s->options->config)) return s->options->config;
  return file_same(path, model) ? model : NULL;
}

bool session_spares_inputs(Session *s, const char *model, const char *path) {
  const char *input = session_input_at(s, model, path);
  if (!input) return true;
  session_error(s, "output `%s` would overwrite `%s`: name another with `-o`", path, input);
  s->usage_trouble = true;
  return false;
}

static const Source *add_source(Session *s, const char *path, char *text, size_t len) {
  const char *name = strcmp(path, "-") == 0 ? "<stdin>" : path;
  return sources_add(&s->sources, name, text, len);
}

const Source *session_read(Session *s, const char *path) {
  size_t len;
  const char *reason;
  bool confined = s->options->root && strcmp(path, "-") != 0;
  char *text =
      (confined ? file_read_named : file_read)(s->arena, path, SOURCE_MAX_BYTES, &len, &reason);
  if (text) return add_source(s, path, text, len);
  session_file_error(s, path, "read", reason);
  return NULL;
}

/* For `use`: silent, the front reports it where it stands. */
static const Source *read_used(void *context, const char *path, const char **reason) {
  Session *s = context;
  size_t len;
  char *text = file_read_named(s->arena, path, SOURCE_MAX_BYTES, &len, reason);
  return text ? add_source(s, path, text, len) : NULL;
}

void session_reset_diags(Session *s) {
  const Options *o = s->options;
  s->diags = diags_new(s->arena, &s->sources);
  for (size_t i = 0; i < o->n_warns; i++) {
    bool off = strncmp(o->warn[i], "no-", 3) == 0;
    const char *name = o->warn[i] + (off ? 3 : 0);
    for (int code = 0; code < DIAG_CODE_COUNT; code++)
      if (strcmp(name, "all") == 0 || diag_code_find(name) == (DiagCode)code)
        s->diags->lint[code] = off ? -1 : 1;
  }
  s->diags->werror_all = o->werror_all;
  for (size_t i = 0; i < o->n_werrors; i++)
    s->diags->werror[diag_code_find(o->werror[i])] = true;
}

bool session_colour(const Options *o, int fd) {
  const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
  if (o->color != COLOR_AUTO) return o->color == COLOR_ALWAYS;
  if (no_color && *no_color) return false;
  return isatty(fd) && !(term && strcmp(term, "dumb") == 0);
}

static const char *plural(size_t n) {
  return n == 1 ? "" : "s";
}

static void add_summary(const Session *s, Text *out, size_t hidden) {
  const Diags *d = s->diags;
  if (hidden) text_printf(out, "(%zu more not shown; --max-errors=0 shows all)\n", hidden);
  if (d->n_errors) text_printf(out, "grus: %zu error%s", d->n_errors, plural(d->n_errors));
  if (d->n_warnings)
    text_printf(out, "%s%zu warning%s", d->n_errors ? ", " : "grus: ", d->n_warnings,
                plural(d->n_warnings));
  if (d->n_errors || d->n_warnings) text_add_char(out, '\n');
}

static const char *page_of_code(Arena *arena, DiagCode code) {
  return explain_page(arena, diag_info[code].code);
}

void session_print_diags(Session *s) {
  const Options *o = s->options;
  Text out = text_new(s->arena);
  bool colour = session_colour(o, STDERR_FILENO);
  size_t shown = 0, hidden = 0;
  diags_sort(s->diags);
  if (o->format == RENDER_SARIF) render_sarif(&out, s->diags, GRUS_VERSION, page_of_code);
  for (const Diag *d = s->diags->first; d && o->format != RENDER_SARIF; d = d->next) {
    if (o->quiet && d->level != LEVEL_ERROR) continue;
    if (o->max_errors && shown >= (size_t)o->max_errors) {
      hidden++;
      continue;
    }
    shown++;
    if (o->format == RENDER_HUMAN)
      render_human(&out, d, colour);
    else if (o->format == RENDER_SHORT)
      render_short(&out, d);
    else if (o->format == RENDER_GCC)
      render_gcc(&out, d);
    else
      render_json(&out, d);
  }
  if (o->format == RENDER_HUMAN && !o->quiet) add_summary(s, &out, hidden);
  stream_error(text_str(&out), out.len);
}

ExitCode session_exit_code(const Session *s) {
  if (s->file_trouble) return EXIT_FILE;
  for (const Diag *d = s->diags->first; d; d = d->next) /* weights and models that cannot be read */
    if (d->is_outside || ((d->code == E604 || d->code == E901) && d->level == LEVEL_ERROR))
      return EXIT_FILE;
  return s->diags->n_errors ? EXIT_MODEL : EXIT_DONE;
}

ExitCode session_failure_code(const Session *s) {
  ExitCode code = session_exit_code(s);
  return code == EXIT_DONE ? EXIT_MODEL : code;
}

static void reached(void *context, CheckPoint point, Node *tree, Model *model) {
  Session *s = context;
  switch (point) {
  case CHECK_PARSED:
    if (dump_wanted(s, STAGE_parse)) dump_tree(s, tree);
    break;
  case CHECK_RESOLVED:
    if (dump_wanted(s, STAGE_resolve)) dump_model(s, model);
    break;
  case CHECK_INFERRED:
    if (dump_wanted(s, STAGE_infer)) dump_model(s, model);
    break;
  case CHECK_LINTED: interface_check(model, s->diags); break;
  }
}

static bool has_ranges(void *context, const Source *source, const Model *model) {
  return ranges_are_known(context, model, source);
}

Program *session_check_source(Session *s, const Source *source) {
  ResolveOptions options = {.define = s->options->define,
                            .n_defines = (int)s->options->n_defines,
                            .include = s->options->include,
                            .n_includes = (int)s->options->n_includes,
                            .read = read_used,
                            .context = s};
  Check check = {.arena = s->arena,
                 .diags = s->diags,
                 .resolve = &options,
                 .reached = reached,
                 .has_ranges = has_ranges,
                 .context = s};
  return check_source(&check, source).program;
}

/* Options that say what a foreign file leaves open mean nothing to a model that says it itself. */
static bool is_as_written(Session *s, const char *path) {
  const Options *o = s->options;
  const char *option = o->time        ? "--time"
                       : o->stream    ? "--stream"
                       : o->n_states  ? "--state"
                       : o->config    ? "--config"
                       : o->n_sets    ? "--set"
                       : o->input     ? "--input"
                       : o->has_size  ? "--size"
                       : o->signature ? "--signature"
                                      : NULL;
  if (!option) return true;
  session_error(s,
                "`%s` is for models of other frameworks: in `%s`, write it in the model, for "
                "instance `in x : f32[time .., 6]`",
                option, path);
  s->usage_trouble = true;
  return false;
}

Program *session_load(Session *s, const char *path, const Source **source) {
  if (config_is_written(s)) return session_load_written(s, path, source);
  if (path_is_foreign(s, path)) return session_load_foreign(s, path, source);
  if (!is_as_written(s, path)) return NULL;
  *source = session_read(s, path);
  return *source ? session_check_source(s, *source) : NULL;
}
