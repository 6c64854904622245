/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The language server: bytes of the Language Server Protocol in, bytes out. It opens no file and no
 * stream; what it needs of the world comes by LspHost, so that a command, a test and a fuzzer run
 * the same code.
 *
 *     lsp_feed(server, bytes, n);           messages queue; text edits are not applied yet
 *     while (lsp_handle(server)) {}         one message each; answers go to host->send
 *     lsp_idle(server);                     diagnostics of the documents that changed
 *
 * Text edits are cheap; checking is not, so diagnostics wait until no message is left. */
#ifndef GRUS_LSP_LSP_H
#define GRUS_LSP_LSP_H

#include "front/check.h"
#include "model/bind/weights.h"

typedef struct LspHost {
  void *context;
  const char *version;    /* of grus */
  ResolveOptions resolve; /* -D and -I; `read` and its context are the server's own */
  void (*send)(void *context, const char *bytes, size_t n);
  /* Fresh diagnostics with the lint settings of the command line. */
  Diags *(*diags)(void *context, Arena *arena, Sources *sources);
  /* A file that is not open in the editor; NULL with *reason. */
  char *(*read)(void *context, Arena *arena, const char *path, size_t *len, const char **reason);
  /* The page of a stage, code or lint in Markdown; NULL if there is none. */
  const char *(*page)(void *context, Arena *arena, const char *name);
  /* Whether the names of a model can be names in C. */
  void (*check_names)(void *context, const Model *model, Diags *diags);
  bool (*exists)(void *context, const char *path);
  /* The tensors of a weights file; NULL if there is no such file, or after reporting at `at`.
   * Files of more than `limit` bytes are not opened: NULL. */
  TensorFile *(*tensors)(void *context, Arena *arena, const char *path, size_t limit, Diags *diags,
                         Span at);
  /* The SNR in dB that calibration measured of a model in integers; 0: not known. */
  double (*ratio)(void *context, Arena *arena, const Model *model, const Source *source);
  /* Bytes of flash of a model on *core, weights and code; 0: not estimated. Binds what weights it
   * needs to the model, which is the caller's last use of it. */
  int64_t (*flash)(void *context, Arena *arena, const Sources *sources, Model *model,
                   const Source *source, const char **core);
  /* The drawing of a model as SVG. */
  void (*drawing)(void *context, Text *out, const Sources *sources, const Model *model);
} LspHost;

typedef struct LspServer LspServer;

/* NULL when out of memory. The host must outlive the server. */
LspServer *lsp_new(const LspHost *host);
void lsp_free(LspServer *server);

/* Takes bytes as they come; frames may be cut anywhere. */
void lsp_feed(LspServer *server, const char *bytes, size_t n);
/* Handles the oldest message; false if there is none. */
bool lsp_handle(LspServer *server);
/* Checks the documents that changed and publishes their diagnostics. */
void lsp_idle(LspServer *server);
/* Whether `exit` came, or the server cannot go on because memory ran out, and the exit code: 0, 1
 * or LSP_LOST. */
enum { LSP_LOST = 3 };
bool lsp_finished(const LspServer *server, int *code);

#endif
