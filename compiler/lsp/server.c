/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Life cycle and dispatch. One thread: messages are handled in order, but a request that was
 * cancelled while it waited is not, and diagnostics wait for a pause. When memory runs out in the
 * middle of a request, that request fails and the server goes on; where an edit or bytes of the
 * client are lost, it ends, for what it knows is no longer what the client has. */
#include "lsp/server.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

enum {
  PARSE_ERROR = -32700,
  INVALID_REQUEST = -32600,
  NO_METHOD = -32601,
  INVALID_PARAMS = -32602,
  NOT_INITIALISED = -32002,
  CANCELLED = -32800,
  FAILED = -32803,
  NO_MEMORY = -32603
};

typedef struct Handler {
  const char *method;
  Answer *answer;
  bool checked;
} Handler;

static const Handler handlers[] = {
#define REQUEST(method, name, checked) {method, answer_##name, checked},
#include "lsp/requests.def"
#undef REQUEST
};

static void send(LspServer *server, const Text *body) {
  Text head = text_new(server->scratch);
  text_printf(&head, "Content-Length: %zu\r\n\r\n", body->len);
  text_add_n(&head, body->s, body->len);
  server->host->send(server->host->context, text_str(&head), head.len);
}

static void reply(LspServer *server, const char *result) {
  Text body = text_new(server->scratch);
  text_printf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":%s}", server->id, result);
  send(server, &body);
}

static void reply_error(LspServer *server, const char *id, int code, const char *message) {
  Text body = text_new(server->scratch);
  text_printf(&body, "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,\"message\":", id,
              code);
  text_add_json(&body, message);
  text_add(&body, "}}");
  send(server, &body);
}

/* Takes UTF-8 positions where the client can. */
static bool wants_utf8(const json_t *params) {
  const json_t *general = json_object_get(json_object_get(params, "capabilities"), "general");
  const json_t *list = json_object_get(general, "positionEncodings"), *item;
  size_t i;
  json_array_foreach(list, i, item) {
    const char *s = json_string_value(item);
    if (s && strcmp(s, "utf-8") == 0) return true;
  }
  return false;
}

static void initialise(LspServer *server, const json_t *params) {
  Text out = text_new(server->scratch);
  server->utf8 = wants_utf8(params);
  text_printf(&out, "{\"capabilities\":{\"positionEncoding\":\"%s\",",
              server->utf8 ? "utf-8" : "utf-16");
  text_add(
      &out,
      "\"textDocumentSync\":{\"openClose\":true,\"change\":2,\"save\":{\"includeText\":false}},"
      "\"hoverProvider\":true,\"definitionProvider\":true,\"referencesProvider\":true,"
      "\"documentHighlightProvider\":true,\"documentSymbolProvider\":true,\"foldingRangeProvider\":"
      "true,"
      "\"documentFormattingProvider\":true,\"inlayHintProvider\":true,"
      "\"renameProvider\":{\"prepareProvider\":true},\"codeLensProvider\":{\"resolveProvider\":"
      "true},"
      "\"documentLinkProvider\":{},"
      "\"codeActionProvider\":{\"codeActionKinds\":[\"quickfix\",\"source.fixAll\"]},"
      "\"completionProvider\":{\"triggerCharacters\":[\">\",\"(\",\",\",\"=\",\".\",\"[\",\"\\\"\","
      "\":\"]},"
      "\"signatureHelpProvider\":{\"triggerCharacters\":[\"(\",\",\"]},"
      "\"semanticTokensProvider\":{\"full\":true,\"legend\":{\"tokenModifiers\":[],\"tokenTypes\":["
      "\"keyword\",\"type\",\"variable\",\"number\",\"string\",\"operator\",\"comment\","
      "\"function\","
      "\"class\",\"parameter\",\"property\"]}}},");
  text_add(&out, "\"serverInfo\":{\"name\":\"grus\",\"version\":");
  text_add_json(&out, server->host->version);
  text_add(&out, "}}");
  reply(server, text_str(&out));
  server->initialised = true;
}

/* Of the document that a message is about; a lens to resolve has it in `data`. */
static const char *uri_of(const json_t *params) {
  const json_t *document = json_object_get(params, "textDocument");
  if (!document) document = json_object_get(json_object_get(params, "data"), "textDocument");
  return json_string_value(json_object_get(document, "uri"));
}

static void answer(LspServer *server, const Handler *handler, const json_t *params) {
  const char *uri = uri_of(params);
  Document *d = uri ? document_find(server, uri) : NULL;
  if (!d) {
    reply_error(server, server->id, INVALID_PARAMS,
                uri ? "this document is not open" : "no document is named");
    return;
  }
  Request r = {.server = server, .arena = server->scratch, .params = params, .document = d};
  r.a = handler->checked || !d->analysis ? document_analysis(server, d) : d->analysis;
  r.at = text_offset(server, d->text, d->len, json_object_get(params, "position"));
  Text out = text_new(server->scratch);
  handler->answer(&r, &out);
  if (r.error)
    reply_error(server, server->id, FAILED, r.error);
  else
    reply(server, out.len ? text_str(&out) : "null");
}

static void handle_request(LspServer *server, const char *method, const json_t *params) {
  if (strcmp(method, "initialize") == 0) {
    if (server->initialised)
      reply_error(server, server->id, INVALID_REQUEST, "already initialised");
    else
      initialise(server, params);
    return;
  }
  if (!server->initialised) {
    reply_error(server, server->id, NOT_INITIALISED, "the first request must be `initialize`");
    return;
  }
  if (server->shut_down) {
    reply_error(server, server->id, INVALID_REQUEST, "the server is shut down");
    return;
  }
  if (strcmp(method, "shutdown") == 0) {
    server->shut_down = true;
    reply(server, "null");
    return;
  }
  for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++)
    if (strcmp(handlers[i].method, method) == 0) {
      answer(server, &handlers[i], params);
      return;
    }
  reply_error(server, server->id, NO_METHOD,
              arena_printf(server->scratch, "no method `%s`", method));
}

static void did_open(LspServer *server, const json_t *params) {
  const json_t *item = json_object_get(params, "textDocument"),
               *text = json_object_get(item, "text");
  const char *uri = uri_of(params);
  if (!uri || !json_is_string(text)) return;
  Document *d = document_open(server, uri, json_string_value(text), json_string_length(text));
  d->version = json_integer_value(json_object_get(item, "version"));
  documents_using(server, uri_path(server->scratch, uri));
}

static void did_change(LspServer *server, const json_t *params) {
  const char *uri = uri_of(params);
  Document *d = uri ? document_find(server, uri) : NULL;
  const json_t *changes = json_object_get(params, "contentChanges"), *change;
  size_t i;
  if (!d) return;
  json_array_foreach(changes, i, change) {
    const json_t *range = json_object_get(change, "range"), *text = json_object_get(change, "text");
    if (!json_is_string(text)) continue;
    size_t begin = 0, end = d->len;
    if (json_is_object(range)) {
      begin = text_offset(server, d->text, d->len, json_object_get(range, "start"));
      end = text_offset(server, d->text, d->len, json_object_get(range, "end"));
      if (end < begin) continue;
    }
    document_edit(server, d, begin, end, json_string_value(text), json_string_length(text));
  }
  d->version =
      json_integer_value(json_object_get(json_object_get(params, "textDocument"), "version"));
  d->unpublished = true;
  documents_using(server, uri_path(server->scratch, uri));
}

static void did_close(LspServer *server, const json_t *params) {
  const char *uri = uri_of(params);
  if (!uri) return;
  document_close(server, uri);
  publish_nothing(server, uri);
  documents_using(server, uri_path(server->scratch, uri));
}

static void did_save(LspServer *server, const json_t *params) {
  const char *uri = uri_of(params);
  Document *d = uri ? document_find(server, uri) : NULL;
  if (d) d->settled = d->stale = d->unpublished = true;
}

static void handle_notification(LspServer *server, const char *method, const json_t *params) {
  if (strcmp(method, "exit") == 0) server->finished = true;
  if (!server->initialised || server->shut_down) return;
  if (strcmp(method, "textDocument/didOpen") == 0)
    did_open(server, params);
  else if (strcmp(method, "textDocument/didChange") == 0)
    did_change(server, params);
  else if (strcmp(method, "textDocument/didClose") == 0)
    did_close(server, params);
  else if (strcmp(method, "textDocument/didSave") == 0)
    did_save(server, params);
  else if (strcmp(method, "workspace/didChangeWatchedFiles") == 0)
    documents_using(server, NULL);
}

static LspServer *reading; /* jansson's allocator has no context */
static json_malloc_t others_malloc;
static json_free_t others_free;

/* jansson does not see that memory ran out: some of it goes on without. The message is lost then.
 */
static void *piece_new(size_t size) {
  void *p = mem_alloc(size);
  if (p) return p;
  json_set_alloc_funcs(others_malloc, others_free);
  reading->id = NULL;
  longjmp(reading->oom, 1);
}

static json_t *read_json(LspServer *server, const Message *m) {
  reading = server;
  json_get_alloc_funcs(&others_malloc, &others_free);
  json_set_alloc_funcs(piece_new, mem_free);
  json_t *json = json_loadb(m->body, m->len, JSON_ALLOW_NUL, NULL);
  json_set_alloc_funcs(others_malloc, others_free);
  return json;
}

/* Whether a message that waits cancels the request `id`. */
static bool is_cancelled(LspServer *server, const json_t *id) {
  for (const Message *m = server->queue; m; m = m->next) {
    if (m->len > 200 || !strstr(m->body, "$/cancelRequest")) continue;
    json_t *json = read_json(server, m);
    bool same = json_equal(json_object_get(json_object_get(json, "params"), "id"), id);
    json_decref(json);
    if (same) return true;
  }
  return false;
}

static void dispatch(LspServer *server) {
  json_t *message = server->message, *id = json_object_get(message, "id");
  const char *method = json_string_value(json_object_get(message, "method"));
  const json_t *params = json_object_get(message, "params");
  bool request = json_is_integer(id) || json_is_string(id);
  if (!json_is_object(message)) {
    reply_error(server, "null", PARSE_ERROR, "this is not a JSON object");
    return;
  }
  if (!method) { /* an answer to something we asked: we ask nothing */
    if (request && !json_object_get(message, "result") && !json_object_get(message, "error"))
      reply_error(server, "null", INVALID_REQUEST, "a request has a method");
    return;
  }
  if (!request) {
    handle_notification(server, method, params);
    return;
  }
  Text text = text_new(server->scratch);
  if (json_is_integer(id))
    text_printf(&text, "%lld", (long long)json_integer_value(id));
  else
    text_add_json(&text, json_string_value(id));
  server->id = text_str(&text);
  if (is_cancelled(server, id))
    reply_error(server, server->id, CANCELLED, "cancelled");
  else
    handle_request(server, method, params);
}

static bool scratch_begin(LspServer *server) {
  server->id = NULL;
  server->scratch = arena_new(&server->oom);
  return server->scratch != NULL;
}

static void scratch_end(LspServer *server) {
  arena_free(server->scratch);
  arena_free(server->checking);
  json_decref(server->message);
  if (server->taken) mem_free(server->taken->body);
  mem_free(server->taken);
  server->scratch = server->checking = NULL;
  server->message = NULL;
  server->taken = NULL;
}

/* What did not fit into memory: the client is told, by an answer if it waits for one. */
static void out_of_memory(LspServer *server) {
  static const char unasked[] =
      "Content-Length: 92\r\n\r\n{\"jsonrpc\":\"2.0\",\"method\":\"window/logMessage\","
      "\"params\":{\"type\":1,\"message\":\"out of memory\"}}";
  char body[256], head[64];
  if (server->id && strlen(server->id) < 100) {
    size_t n = (size_t)snprintf(
        body, sizeof body,
        "{\"jsonrpc\":\"2.0\",\"id\":%s,\"error\":{\"code\":%d,\"message\":\"out of memory\"}}",
        server->id, NO_MEMORY);
    size_t h = (size_t)snprintf(head, sizeof head, "Content-Length: %zu\r\n\r\n", n);
    server->host->send(server->host->context, head, h);
    server->host->send(server->host->context, body, n);
  } else
    server->host->send(server->host->context, unasked, sizeof unasked - 1);
  scratch_end(server);
}

LspServer *lsp_new(const LspHost *host) {
  LspServer *server = mem_alloc(sizeof *server);
  if (!server) return NULL;
  memset(server, 0, sizeof *server);
  server->host = host;
  server->queue_end = &server->queue;
  return server;
}

void lsp_free(LspServer *server) {
  if (!server) return;
  while (server->documents)
    document_close(server, server->documents->uri);
  for (Message *m = server->queue, *next; m; m = next) {
    next = m->next;
    mem_free(m->body);
    mem_free(m);
  }
  mem_free(server->frames.buffer);
  mem_free(server);
}

/* The same, of what cannot be done again. */
static void lose(LspServer *server) {
  if (!server->id) server->lost = server->finished = true;
  out_of_memory(server);
}

void lsp_feed(LspServer *server, const char *bytes, size_t n) {
  if (setjmp(server->oom)) {
    lose(server);
    return;
  }
  if (!scratch_begin(server)) longjmp(server->oom, 1);
  frames_feed(server, bytes, n);
  scratch_end(server);
}

bool lsp_handle(LspServer *server) {
  Message *m = server->queue;
  if (!m || server->finished) return false;
  server->queue = m->next;
  if (!server->queue) server->queue_end = &server->queue;
  server->taken = m;
  if (setjmp(server->oom)) {
    lose(server);
    return true;
  }
  if (!scratch_begin(server)) longjmp(server->oom, 1);
  server->message = read_json(server, m);
  dispatch(server);
  scratch_end(server);
  return true;
}

static Document *unpublished(const LspServer *server) {
  for (Document *d = server->documents; d; d = d->next)
    if (d->unpublished) return d;
  return NULL;
}

static void publish_one(LspServer *server, Document *d) {
  if (setjmp(server->oom)) {
    out_of_memory(server);
    return;
  }
  if (!scratch_begin(server)) longjmp(server->oom, 1);
  publish(server, d);
  scratch_end(server);
}

void lsp_idle(LspServer *server) {
  for (Document *d; (d = unpublished(server)) && !server->finished;) {
    d->unpublished = false;
    publish_one(server, d);
  }
}

bool lsp_finished(const LspServer *server, int *code) {
  *code = server->lost ? LSP_LOST : server->shut_down ? 0 : 1;
  return server->finished;
}
