/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The language server on any bytes: framing, JSON, edits, requests. The first byte says how long
 * the pieces are in which the others arrive. */
#include "lsp/lsp.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t sent;

static void host_send(void *context, const char *bytes, size_t n) {
  (void)context;
  for (size_t i = 0; i < n; i++)
    sent += (unsigned char)bytes[i]; /* every byte is there to be read */
}

static Diags *host_diags(void *context, Arena *arena, Sources *sources) {
  (void)context;
  return diags_new(arena, sources);
}

static char *host_read(void *context, Arena *arena, const char *path, size_t *len,
                       const char **reason) {
  (void)context;
  (void)arena;
  (void)path;
  *len = 0;
  *reason = "no files here";
  return NULL;
}

static const char *host_page(void *context, Arena *arena, const char *name) {
  (void)context;
  return arena_printf(arena, "page of %s", name);
}

static void host_check_names(void *context, const Model *model, Diags *diags) {
  (void)context;
  (void)model;
  (void)diags;
}

static bool host_exists(void *context, const char *path) {
  (void)context;
  return path[0] != 0 && path[0] != 'a';
}

static TensorFile *host_tensors(void *context, Arena *arena, const char *path, size_t limit,
                                Diags *diags, Span at) {
  (void)context;
  (void)arena;
  (void)path;
  (void)limit;
  (void)diags;
  (void)at;
  return NULL;
}

static double host_ratio(void *context, Arena *arena, const Model *model, const Source *source) {
  (void)context;
  (void)arena;
  (void)model;
  (void)source;
  return 69.7;
}

static int64_t host_flash(void *context, Arena *arena, const Sources *sources, Model *model,
                          const Source *source, const char **core) {
  (void)context;
  (void)arena;
  (void)sources;
  (void)source;
  *core = "cortex-m4";
  return model->n_layers;
}

static void host_drawing(void *context, Text *out, const Sources *sources, const Model *model) {
  (void)context;
  (void)sources;
  text_add(out, model->name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  LspHost host = {.version = "0",
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
  LspServer *server = lsp_new(&host);
  if (!server) abort();
  size_t piece = size ? data[0] + (size_t)1 : 1;
  for (size_t at = 1, n; at < size; at += n) {
    n = size - at < piece ? size - at : piece;
    lsp_feed(server, (const char *)data + at, n);
    while (lsp_handle(server)) {
    }
  }
  lsp_idle(server);
  lsp_free(server);
  return 0;
}
