/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the files of the language server share. Private to lsp/.
 *
 *   frame.c      bytes to messages            document.c   open texts, edits, positions
 *   server.c     life cycle, dispatch         analysis.c   the check of a document, kept
 *   publish.c    diagnostics                  actions.c    quick fixes
 *   hover.c      what stands here             hints.c      shapes after stages, costs of models
 *   cursor.c     what is being typed          complete.c   what could be typed
 *   signature.c  the options of a stage       names.c      definition, references, rename
 *   outline.c    symbols and folding          colours.c    semantic tokens, formatting
 *
 * Every answer is text in an arena that lives as long as its request. */
#ifndef GRUS_LSP_SERVER_H
#define GRUS_LSP_SERVER_H

#include "lsp/lsp.h"

#include <jansson.h>

/* The check of one text of a document. Everything in it lives in its arena. */
typedef struct Analysis {
  Arena *arena;
  Sources sources;
  const Source *source; /* the text of the document itself */
  Checked checked;
  Diags *diags;
  const char *path;
  const char *absent; /* a message about a missing weights file; NULL: none is missing */
  Span absent_at;
} Analysis;

/* A document that the editor has open. */
typedef struct Document {
  char *uri;  /* in the heap */
  char *text; /* in the heap; may contain NUL bytes */
  size_t len;
  int64_t version;    /* the number that the client gave this text */
  Analysis *analysis; /* the check of `text`, or of an earlier text if stale; NULL: no check yet */
  bool stale;         /* the text was edited after the check */
  bool unpublished;   /* its diagnostics have not been sent */
  bool settled; /* opened or saved after the last edit: the server reads large weights files */
  struct Document *next;
} Document;

/* A message of the client that waits for its turn. */
typedef struct Message {
  char *body;
  size_t len;
  struct Message *next;
} Message;

/* The bytes of the client that are not messages yet. */
typedef struct Frames {
  char *buffer;
  size_t n, cap;
  size_t skip; /* the number of bytes to skip, of a message that is too large */
  bool broken; /* the bytes do not follow the protocol */
} Frames;

struct LspServer {
  const LspHost *host;
  jmp_buf oom;
  Frames frames;
  Message *queue, **queue_end;
  Document *documents;
  Arena *scratch;  /* lives as long as the message that is handled */
  Arena *checking; /* the arena of the analysis that is being made */
  Message *taken;  /* the message that is handled */
  json_t *message; /* the same as JSON */
  const char *id;  /* the id of the request that is answered, as JSON; NULL: it is a notification */
  bool utf8;       /* positions count bytes; otherwise, UTF-16 units */
  bool initialised, shut_down, finished;
  bool lost; /* memory ran out while the server took something that the client sends only once */
};

/* One request about a document. */
typedef struct Request {
  LspServer *server;
  Arena *arena;
  const json_t *params;
  Document *document;
  Analysis *a; /* the check of the present text; for completion, it may be of an earlier one */
  uint32_t at; /* the offset of `position` in the text; 0 if the request has none */
  const char *error; /* if set, the request fails with this message */
} Request;

typedef void Answer(Request *r, Text *out);

/* frame.c */
/* Takes bytes of the client, and queues the messages that they complete. */
void frames_feed(LspServer *server, const char *bytes, size_t n);

/* document.c */
Document *document_find(LspServer *server, const char *uri);
Document *document_open(LspServer *server, const char *uri, const char *text, size_t len);
void document_close(LspServer *server, const char *uri);
/* Replaces the bytes from `begin` up to `end` by text. */
void document_edit(LspServer *server, Document *d, size_t begin, size_t end, const char *text,
                   size_t len);
/* The byte offset of {line, character}. A position after the end of a line or of the text means
 * that end. */
uint32_t text_offset(const LspServer *server, const char *text, size_t len, const json_t *position);
/* "/a b" for "file:///a%20b"; other URIs as they are. path_uri is the reverse. */
const char *uri_path(Arena *arena, const char *uri);
const char *path_uri(Arena *arena, const char *path);

/* analysis.c */
/* The check of the text of a document, which is made if there is none. */
Analysis *document_analysis(LspServer *server, Document *d);
void analysis_free(Analysis *a);
/* Another check of the same text, whose models may be changed. It lives until the message has been
 * handled. */
Analysis *document_analysis_apart(LspServer *server, const Document *d);
/* Marks the documents that use the file at path as stale; path NULL: all documents. */
void documents_using(LspServer *server, const char *path);
/* The URI of a file of the analysis: that of the document, or a file URI. */
const char *source_uri(Request *r, uint32_t file);
/* How many units of the protocol a text of n bytes has. */
size_t lsp_units(const LspServer *server, const char *s, size_t n);
void add_position(const LspServer *server, Text *out, const Analysis *a, Span span, bool end);
void add_range(const LspServer *server, Text *out, const Analysis *a, Span span);
/* Adds {"uri":...,"range":...}. */
void add_location(Request *r, Text *out, Span span);
/* The layer of the innermost stage at an offset of the main text; NULL: there is none. */
const Layer *layer_at(const Analysis *a, uint32_t at, const Model **model);
/* The value that a name defines; NULL: it defines none. */
const Value *value_named(const Analysis *a, Span name, const Model **model);
bool span_holds(const Analysis *a, Span span, uint32_t at);

/* publish.c */
void publish(LspServer *server, Document *d);
void publish_nothing(LspServer *server, const char *uri);
void add_diagnostic(const LspServer *server, Text *out, const Analysis *a, const char *uri,
                    const Diag *d);
/* The place in the main text at which a diagnostic is shown. */
Span diag_shown(const Analysis *a, const Diag *d);
void notify(LspServer *server, Arena *arena, const char *method, const char *params);

/* names.c: the place that defines the name at an offset; no span if there is no name. */
Span definition_at(const Analysis *a, uint32_t at);

/* cursor.c: what the text before the cursor says about its place. The text need not be a correct
 * model. */
typedef struct Cursor {
  uint32_t word;        /* the offset of the word that the cursor is in or after */
  bool comment, string; /* the cursor is inside one. In a comment, no other field holds; in a
                           string, only `key` does. */
  int before; /* the last sign or word before: '|' for `|>`, 'n' for a name, '0' for a number, '{'
                 .. */
  const char *name;   /* that word, if before is 'n' */
  char open;          /* the innermost open bracket; 0: there is none */
  const char *callee; /* the word before that bracket */
  uint32_t callee_at;
  int argument;        /* the number of commas after that bracket */
  const char *key;     /* the key of `key=` before the cursor, in round brackets */
  bool piped;          /* `|>` is before the callee */
  const char *keyword; /* the first word of the statement */
  bool typed;          /* the cursor is after the `:` of the statement and before its `=` */
} Cursor;
Cursor cursor_at(Arena *arena, const char *text, size_t len, uint32_t at);

/* Every request and what answers it. */
#define REQUEST(method, name, checked) Answer answer_##name;
#include "lsp/requests.def"
#undef REQUEST

#endif
