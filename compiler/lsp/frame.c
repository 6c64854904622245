/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Bytes to messages. In: pieces of any size of
 *
 *     Content-Length: 119\r\n
 *     \r\n
 *     {"jsonrpc": ...
 *
 * Out: the bodies, queued. Header lines may end in \n alone; other headers are passed over. A body
 * of more than FRAME_MAX bytes is skipped, and the client is told. */
#include "lsp/server.h"

#include "base/mem.h"

#include <string.h>

enum { HEADER_MAX = 4096, FRAME_MAX = 256 * 1024 * 1024 };

static void *grown(LspServer *server, void *p, size_t size) {
  void *more = mem_realloc(p, size);
  if (!more) longjmp(server->oom, 1);
  return more;
}

/* The length of the header with its empty line at the start of s, 0 if it is not complete. */
static size_t header_end(const char *s, size_t n) {
  for (size_t i = 0; i + 1 < n; i++) {
    if (s[i] != '\n') continue;
    if (s[i + 1] == '\n') return i + 2;
    if (i + 2 < n && s[i + 1] == '\r' && s[i + 2] == '\n') return i + 3;
  }
  return 0;
}

static bool begins_with(const char *s, size_t n, const char *word) {
  for (; *word; s++, n--, word++)
    if (!n || (*s | 0x20) != *word) return false;
  return true;
}

/* The number after `Content-Length:`; -1 if there is none. */
static int64_t content_length(const char *s, size_t n) {
  static const char key[] = "content-length:";
  for (size_t i = 0; i < n; i++) {
    if ((i && s[i - 1] != '\n') || !begins_with(s + i, n - i, key)) continue;
    size_t at = i + sizeof key - 1;
    int64_t value = -1;
    while (at < n && s[at] == ' ')
      at++;
    for (; at < n && s[at] >= '0' && s[at] <= '9' && value < (int64_t)1 << 40; at++)
      value = (value < 0 ? 0 : value * 10) + (s[at] - '0');
    return value;
  }
  return -1;
}

static void queue_message(LspServer *server, const char *body, size_t n) {
  Message *m = grown(server, NULL, sizeof *m);
  *m = (Message){.len = n};
  m->body = mem_alloc(n + 1);
  if (!m->body) {
    mem_free(m);
    longjmp(server->oom, 1);
  }
  memcpy(m->body, body, n);
  m->body[n] = 0;
  *server->queue_end = m;
  server->queue_end = &m->next;
}

static void complain(LspServer *server, const char *message) {
  Text body = text_new(server->scratch), frame = text_new(server->scratch);
  text_printf(&body,
              "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,\"message\":\"%s\"}}",
              message);
  text_printf(&frame, "Content-Length: %zu\r\n\r\n%s", body.len, text_str(&body));
  server->host->send(server->host->context, text_str(&frame), frame.len);
}

/* Takes one frame off the buffer; false if none is complete. */
static bool frame_take(LspServer *server) {
  Frames *f = &server->frames;
  size_t head = header_end(f->buffer, f->n);
  if (!head) {
    if (f->n <= HEADER_MAX) return false;
    complain(server, "a header without end: this is not the Language Server Protocol");
    f->broken = true;
    f->n = 0;
    return false;
  }
  int64_t len = content_length(f->buffer, head);
  size_t used = head;
  if (len > FRAME_MAX) {
    complain(server, "a message of more than 256 MiB is not read");
    size_t here = f->n - head;
    f->skip = (size_t)len > here ? (size_t)len - here : 0;
    used = f->skip ? f->n : head + (size_t)len;
  } else if (len < 0) {
    complain(server, "a header without Content-Length");
  } else {
    if (f->n - head < (size_t)len) return false;
    queue_message(server, f->buffer + head, (size_t)len);
    used = head + (size_t)len;
  }
  memmove(f->buffer, f->buffer + used, f->n - used);
  f->n -= used;
  return true;
}

void frames_feed(LspServer *server, const char *bytes, size_t n) {
  Frames *f = &server->frames;
  size_t skipped = n < f->skip ? n : f->skip;
  f->skip -= skipped;
  bytes += skipped;
  n -= skipped;
  if (f->broken || !n) return;
  if (f->cap < f->n + n) {
    size_t cap = 2 * (f->n + n);
    f->buffer = grown(server, f->buffer, cap);
    f->cap = cap;
  }
  memcpy(f->buffer + f->n, bytes, n);
  f->n += n;
  while (frame_take(server)) {
  }
}
