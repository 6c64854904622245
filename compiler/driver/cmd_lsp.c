/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus lsp: the language server on standard input and output. Everything it says to its user goes
 * through the protocol; standard output carries nothing else. */
#include "driver/serve.h"

#include "driver/budget.h"
#include "driver/draw.h"
#include "driver/interface.h"
#include "driver/machine.h"
#include "driver/quantise.h"
#include "driver/session.h"
#include "driver/version.h"
#include "import/weights_file.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Writes nothing more after a failure: the editor cannot read what follows a missing piece. */
static void host_send(void *context, const char *bytes, size_t n) {
  Session *s = context;
  while (n && !s->file_trouble) {
    ssize_t sent = write(STDOUT_FILENO, bytes, n);
    if (sent < 0 && errno == EINTR) continue;
    s->file_trouble = sent < 0 && errno != EPIPE;
    if (sent < 0) return; /* the editor is gone; reading ends next */
    bytes += sent;
    n -= (size_t)sent;
  }
}

static Diags *host_diags(void *context, Arena *arena, Sources *sources) {
  Session own = *(Session *)context;
  own.arena = arena;
  session_reset_diags(&own);
  own.diags->sources = sources;
  return own.diags;
}

static char *host_read(void *context, Arena *arena, const char *path, size_t *len,
                       const char **reason) {
  (void)context;
  if (path[0] != '-' || path[1]) return file_read_named(arena, path, SOURCE_MAX_BYTES, len, reason);
  *reason = "no such file"; /* `-` would be the protocol itself */
  return NULL;
}

static const char *host_page(void *context, Arena *arena, const char *name) {
  (void)context;
  return explain_page(arena, name);
}

static void host_check_names(void *context, const Model *model, Diags *diags) {
  (void)context;
  interface_check(model, diags);
}

static bool host_exists(void *context, const char *path) {
  struct stat st;
  (void)context;
  return stat(path, &st) == 0;
}

static TensorFile *host_tensors(void *context, Arena *arena, const char *path, size_t limit,
                                Diags *diags, Span at) {
  (void)context;
  struct stat st;
  if (stat(path, &st) != 0 || (size_t)st.st_size > limit) return NULL;
  return tensor_file_open(arena, path, path, diags, at);
}

static double host_ratio(void *context, Arena *arena, const Model *model, const Source *source) {
  Session own = *(Session *)context;
  own.arena = arena;
  own.sources = (Sources){.arena = arena};
  own.ranges = NULL;
  session_reset_diags(&own); /* `grus build` reports errors in a ranges file */
  return model_ratio_in_file(&own, model, source);
}

/* The estimate of `grus build`, for --target. */
static int64_t host_flash(void *context, Arena *arena, const Sources *sources, Model *model,
                          const Source *source, const char **core) {
  Session own = *(Session *)context;
  own.arena = arena;
  own.sources = *sources;
  session_reset_diags(&own); /* `grus build` reports what cannot be lowered */
  build_bind_for_sizes(model);
  quantise_invented(&own, model);
  KirModule *m = build_lower_for(&own, model, source, own.machine.schedule);
  if (!m) return 0;
  Report report = report_for(&own, m);
  *core = own.machine.name;
  return report.core ? report.flash + report.code : 0;
}

static void host_drawing(void *context, Text *out, const Sources *sources, const Model *model) {
  (void)context;
  draw_svg(out, sources, model);
}

bool lsp_host(Session *s, LspHost *host) {
  if (!s->options->target) s->options->target = "cortex-m4"; /* what flash is estimated for */
  if (!machine_choose(s, false)) return false;
  *host = (LspHost){.context = s,
                    .version = GRUS_VERSION,
                    .resolve = {.define = s->options->define,
                                .n_defines = (int)s->options->n_defines,
                                .include = s->options->include,
                                .n_includes = (int)s->options->n_includes},
                    .send = host_send,
                    .diags = host_diags,
                    .read = host_read,
                    .page = host_page,
                    .check_names = host_check_names,
                    .exists = host_exists,
                    .tensors = host_tensors,
                    .ratio = host_ratio,
                    .flash = host_flash,
                    .drawing = host_drawing};
  return true;
}

ExitCode command_lsp(Session *s) {
  if (s->options->n_args) {
    session_error(s, "`grus lsp` takes no files: the editor opens them");
    return EXIT_USAGE;
  }
  if (isatty(STDIN_FILENO)) {
    session_error(s, "`grus lsp` is started by an editor and speaks the Language Server Protocol;\n"
                     "docs/editors.md says how to set one up");
    return EXIT_USAGE;
  }
  LspHost host;
  if (!lsp_host(s, &host)) return EXIT_USAGE;
  LspServer *server = lsp_new(&host);
  if (!server) {
    session_error(s, "out of memory");
    return EXIT_FILE;
  }
  ExitCode code = serve_streams(server);
  lsp_free(server);
  return s->file_trouble ? EXIT_FILE : code;
}
