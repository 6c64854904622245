/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Open documents: their texts, edits to them, and the positions of the protocol. */
#include "lsp/server.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

static char *copied(LspServer *server, const char *s, size_t n) {
  char *copy = mem_alloc(n + 1);
  if (!copy) longjmp(server->oom, 1);
  memcpy(copy, s, n);
  copy[n] = 0;
  return copy;
}

Document *document_find(LspServer *server, const char *uri) {
  for (Document *d = server->documents; d; d = d->next)
    if (strcmp(d->uri, uri) == 0) return d;
  return NULL;
}

Document *document_open(LspServer *server, const char *uri, const char *text, size_t len) {
  Document *d = document_find(server, uri);
  char *content = copied(server, text, len);
  if (!d) {
    d = mem_alloc(sizeof *d);
    if (!d) {
      mem_free(content);
      longjmp(server->oom, 1);
    }
    *d = (Document){.next = server->documents};
    d->uri = mem_alloc(strlen(uri) + 1);
    if (!d->uri) {
      mem_free(d);
      mem_free(content);
      longjmp(server->oom, 1);
    }
    strcpy(d->uri, uri);
    server->documents = d;
  }
  mem_free(d->text);
  d->text = content;
  d->len = len;
  d->stale = d->unpublished = d->settled = true;
  return d;
}

void document_close(LspServer *server, const char *uri) {
  for (Document **at = &server->documents; *at; at = &(*at)->next) {
    Document *d = *at;
    if (strcmp(d->uri, uri) != 0) continue;
    *at = d->next;
    analysis_free(d->analysis);
    mem_free(d->uri);
    mem_free(d->text);
    mem_free(d);
    return;
  }
}

void document_edit(LspServer *server, Document *d, size_t begin, size_t end, const char *text,
                   size_t len) {
  if (end > d->len) end = d->len;
  if (begin > end) begin = end;
  char *edited = mem_alloc(d->len - (end - begin) + len + 1);
  if (!edited) longjmp(server->oom, 1);
  memcpy(edited, d->text, begin);
  memcpy(edited + begin, text, len);
  memcpy(edited + begin + len, d->text + end, d->len - end);
  d->len = d->len - (end - begin) + len;
  edited[d->len] = 0;
  mem_free(d->text);
  d->text = edited;
  d->stale = d->unpublished = true;
  d->settled = false;
}

/* Bytes of the first `units` UTF-16 units of s; a unit inside a pair counts as the pair. */
static size_t utf16_bytes(const char *s, size_t n, size_t units) {
  size_t at = 0, len;
  while (at < n && units) {
    unsigned c = text_decode(s + at, n - at, &len);
    size_t wide = c > 0xFFFF ? 2 : 1;
    units = units > wide ? units - wide : 0;
    at += len;
  }
  return at;
}

static size_t count_of(const json_t *value) {
  json_int_t i = json_integer_value(value);
  return i < 0 ? 0 : (size_t)i;
}

uint32_t text_offset(const LspServer *server, const char *text, size_t len,
                     const json_t *position) {
  size_t line = count_of(json_object_get(position, "line"));
  size_t character = count_of(json_object_get(position, "character"));
  const char *s = text, *end = text + len;
  for (; line; line--) {
    const char *next = memchr(s, '\n', (size_t)(end - s));
    if (!next) return (uint32_t)len;
    s = next + 1;
  }
  const char *stop = memchr(s, '\n', (size_t)(end - s));
  size_t n = (size_t)((stop ? stop : end) - s);
  if (n && s[n - 1] == '\r') n--;
  size_t bytes = server->utf8 ? character : utf16_bytes(s, n, character);
  if (bytes > n) bytes = n;
  while (server->utf8 && bytes && bytes < n && ((unsigned char)s[bytes] & 0xC0) == 0x80)
    bytes--; /* inside a letter: its beginning */
  return (uint32_t)((size_t)(s - text) + bytes);
}

static int hex(int c) {
  if (c >= '0' && c <= '9') return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

const char *uri_path(Arena *arena, const char *uri) {
  if (strncmp(uri, "file://", 7) != 0) return uri;
  const char *s = uri + 7;
  s += strcspn(s, "/");
  char *path = arena_strdup(arena, s), *to = path;
  for (; *s; s++) {
    bool coded = *s == '%' && hex(s[1]) >= 0 && hex(s[2]) >= 0;
    *to++ = coded ? (char)(hex(s[1]) * 16 + hex(s[2])) : *s;
    s += coded ? 2 : 0;
  }
  *to = 0;
  return path;
}

const char *path_uri(Arena *arena, const char *path) {
  if (*path != '/') return path;
  Text uri = text_new(arena);
  text_add(&uri, "file://");
  for (; *path; path++) {
    unsigned char c = (unsigned char)*path;
    if (isalnum(c) || strchr("/-._~", c))
      text_add_char(&uri, *path);
    else
      text_printf(&uri, "%%%02X", c);
  }
  return text_str(&uri);
}
