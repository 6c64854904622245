/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a page calls: one command line, or the language server with its messages as bytes. Memory
 * for arguments comes from grus_alloc; a command needs an instance of its own, a server may live
 * long. */
#include "driver/serve.h"

#include "base/text.h"

#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name))) name

static struct {
  jmp_buf never; /* memory that is exhausted traps */
  Arena *arena;
  Options options;
  Session session;
  LspHost host;
  LspServer *server;
  char *out; /* what the server sent since the last call */
  size_t len, cap;
} page;

void *EXPORT(grus_alloc)(size_t bytes);
void EXPORT(grus_free)(void *p);
int EXPORT(grus_run)(int argc, char **argv);
int EXPORT(grus_lsp_open)(void);
size_t EXPORT(grus_lsp_feed)(const char *bytes, size_t n);
const char *EXPORT(grus_lsp_sent)(void);

void *grus_alloc(size_t bytes) {
  return malloc(bytes);
}
void grus_free(void *p) {
  free(p);
}

int grus_run(int argc, char **argv) {
  return grus_command(argc, argv);
}

static void send(void *context, const char *bytes, size_t n) {
  (void)context;
  if (n > page.cap - page.len) {
    page.cap = 2 * (page.len + n);
    page.out = realloc(page.out, page.cap);
    if (!page.out) __builtin_trap();
  }
  for (size_t i = 0; i < n; i++)
    page.out[page.len++] = bytes[i];
}

int grus_lsp_open(void) {
  page.arena = arena_new(&page.never);
  if (!page.arena) return 0;
  page.session =
      (Session){.arena = page.arena, .options = &page.options, .sources = {.arena = page.arena}};
  page.options.command = CMD_lsp;
  session_reset_diags(&page.session);
  if (!lsp_host(&page.session, &page.host)) return 0;
  page.host.send = send;
  page.server = lsp_new(&page.host);
  return page.server != NULL;
}

/* Handles what came, checks what changed; how many bytes there are to read at grus_lsp_sent. */
size_t grus_lsp_feed(const char *bytes, size_t n) {
  page.len = 0;
  lsp_feed(page.server, bytes, n);
  while (lsp_handle(page.server)) {
  }
  lsp_idle(page.server);
  return page.len;
}

const char *grus_lsp_sent(void) {
  return page.out;
}

/* Nothing waits for input here: the page feeds. */
ExitCode serve_streams(LspServer *server) {
  (void)server;
  return EXIT_FILE;
}
