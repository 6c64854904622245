/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The language server on standard input. Diagnostics wait for a pause in what the editor sends. */
#include "driver/serve.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

enum { PAUSE_MS = 20, PIECE = 65536 };

static bool input_waits(int milliseconds) {
  struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};
  return poll(&in, 1, milliseconds) > 0;
}

/* False at the end of the input, and where it cannot be read. */
static bool input_take(LspServer *server, bool *failed) {
  char piece[PIECE];
  ssize_t n = read(STDIN_FILENO, piece, sizeof piece);
  if (n < 0 && errno == EINTR) return true;
  *failed = n < 0;
  if (n <= 0) return false;
  lsp_feed(server, piece, (size_t)n);
  return true;
}

ExitCode serve_streams(LspServer *server) {
  int code;
  bool failed = false;
  while (input_take(server, &failed)) {
    bool open = true;
    while (open && input_waits(0))
      open = input_take(server, &failed);
    while (lsp_handle(server))
      if (open && input_waits(0)) open = input_take(server, &failed);
    if (lsp_finished(server, &code))
      return code == LSP_LOST ? EXIT_FILE : code ? EXIT_MODEL : EXIT_DONE;
    if (!input_waits(PAUSE_MS)) lsp_idle(server);
  }
  lsp_idle(server);
  return failed ? EXIT_FILE : EXIT_MODEL; /* the editor went without `exit` */
}
