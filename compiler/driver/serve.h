/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The language server and the world: what it asks of the compiler, and its two streams. */
#ifndef GRUS_DRIVER_SERVE_H
#define GRUS_DRIVER_SERVE_H

#include "driver/session.h"
#include "lsp/lsp.h"

/* What a server gets that answers with the options of a session: it sends to standard output. False
 * after reporting a --target that is none. */
bool lsp_host(Session *s, LspHost *host);
/* Standard input to the server until it or the editor ends. */
ExitCode serve_streams(LspServer *server);

#endif
