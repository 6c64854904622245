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
  const Source *source; /* of the document itself */
  Checked checked;
  Diags *diags;
  const char *path;
  const char *absent; /* a weights file that is not there, in words; NULL: none */
  Span absent_at;
} Analysis;

typedef struct Document {
  char *uri;  /* of the heap */
  char *text; /* of the heap; may contain NUL bytes */
  size_t len;
  int64_t version;    /* as the client counts */
  Analysis *analysis; /* of `text`, or of an earlier one if stale; NULL before the first check */
  bool stale;         /* text was edited since the check */
  bool unpublished;   /* its diagnostics are to be sent */
  bool settled;       /* opened or saved since the last edit: large weights files are looked at */
  struct Document *next;
} Document;

/* A frame that waits. */
typedef struct Message {
  char *body;
  size_t len;
  struct Message *next;
} Message;

typedef struct Frames {
  char *buffer;
  size_t n, cap;
  size_t skip; /* bytes of a frame that is too large still to come */
  bool broken; /* what comes is not the protocol */
} Frames;

struct LspServer {
  const LspHost *host;
  jmp_buf oom;
  Frames frames;
  Message *queue, **queue_end;
  Document *documents;
  Arena *scratch;  /* of the message being handled */
  Arena *checking; /* of the analysis being made */
  Message *taken;  /* being handled */
  json_t *message; /* the same, read */
  const char *id;  /* of the request being answered, as JSON; NULL: a notification */
  bool utf8;       /* positions count bytes, else UTF-16 units */
  bool initialised, shut_down, finished;
  bool lost; /* memory ran out for something that the client will not say again */
};

/* One request about a document. */
typedef struct Request {
  LspServer *server;
  Arena *arena;
  const json_t *params;
  Document *document;
  Analysis *a;       /* of the document's present text, but for completion: maybe an earlier one */
  uint32_t at;       /* the offset of `position` in the document's text; 0 without */
  const char *error; /* set: the request fails with this message */
} Request;

typedef void Answer(Request *r, Text *out);

/* frame.c */
void frames_feed(LspServer *server, const char *bytes, size_t n);

/* document.c */
Document *document_find(LspServer *server, const char *uri);
Document *document_open(LspServer *server, const char *uri, const char *text, size_t len);
void document_close(LspServer *server, const char *uri);
/* Replaces the bytes begin..end. */
void document_edit(LspServer *server, Document *d, size_t begin, size_t end, const char *text,
                   size_t len);
/* The byte offset of {line, character}; positions beyond an end mean that end. */
uint32_t text_offset(const LspServer *server, const char *text, size_t len, const json_t *position);
/* file:///a%20b → /a b; other URIs as they are. */
const char *uri_path(Arena *arena, const char *uri);
const char *path_uri(Arena *arena, const char *path);

/* analysis.c */
/* Checks the document's text, unless that has been done. */
Analysis *document_analysis(LspServer *server, Document *d);
void analysis_free(Analysis *a);
/* Another check of it, whose models may be changed, until the message is handled. */
Analysis *document_analysis_apart(LspServer *server, const Document *d);
/* Documents that use the file at path are to be checked again; path NULL: all. */
void documents_using(LspServer *server, const char *path);
/* The document's URI for the main text, and file URIs for the others. */
const char *source_uri(Request *r, uint32_t file);
void add_position(const LspServer *server, Text *out, const Analysis *a, Span span, bool end);
void add_range(const LspServer *server, Text *out, const Analysis *a, Span span);
/* {"uri":...,"range":...} */
void add_location(Request *r, Text *out, Span span);
/* The layer whose stage stands at an offset of the main text, the innermost. */
const Layer *layer_at(const Analysis *a, uint32_t at, const Model **model);
/* The value that the name at span defines; NULL if it is none. */
const Value *value_named(const Analysis *a, Span name, const Model **model);
bool span_holds(const Analysis *a, Span span, uint32_t at);

/* publish.c */
void publish(LspServer *server, Document *d);
void publish_nothing(LspServer *server, const char *uri);
void add_diagnostic(const LspServer *server, Text *out, const Analysis *a, const char *uri,
                    const Diag *d);
/* Where a diagnostic is shown in the main text. */
Span diag_shown(const Analysis *a, const Diag *d);
void notify(LspServer *server, Arena *arena, const char *method, const char *params);

/* names.c: what the name at an offset is defined by; none if it is no name. */
Span definition_at(const Analysis *a, uint32_t at);

/* cursor.c: a letter, a digit or `_`. */
bool lsp_is_word(int c);
/* cursor.c: what stands before the cursor, as far as letters tell. */
typedef struct Cursor {
  uint32_t word;        /* where the word begins that the cursor is in or after */
  bool comment, string; /* inside of one; then nothing or `key` counts */
  int before; /* the last sign or word before: '|' of `|>`, 'n' a name, '0' a number, '{' ... */
  const char *name;   /* that word, if before is 'n' */
  char open;          /* the innermost open bracket, 0: none */
  const char *callee; /* the word before that bracket */
  uint32_t callee_at;
  int argument;        /* commas since that bracket */
  const char *key;     /* `key=` before the cursor, in round brackets */
  bool piped;          /* `|>` stands before the callee */
  const char *keyword; /* of the statement */
  bool typed;          /* after the `:` of the statement, before its `=` */
} Cursor;
Cursor cursor_at(Arena *arena, const char *text, size_t len, uint32_t at);

/* Every request and what answers it. */
#define REQUEST(method, name, checked) Answer answer_##name;
#include "lsp/requests.def"
#undef REQUEST

#endif
