/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Text to Model. parse makes the tree of one file; resolve reads the files it uses, binds params,
 * expands blocks and builds the Models; format prints a tree in the one style. */
#ifndef GRUS_FRONT_FRONT_H
#define GRUS_FRONT_FRONT_H

#include "base/diag.h"
#include "front/ast.h"
#include "model/graph/model.h"

/* The last version of the language that this compiler knows: the N of `grus N`. */
enum { GRUS_LANGUAGE = 1 };

/* Parses source; never NULL. Errors (E1xx) are in diags; their parts are N_BAD. */
Node *parse(Arena *arena, const Source *source, Diags *diags);

/* The formatted text, or NULL (after reporting) when the source has syntax errors. */
const char *format(Arena *arena, const Source *source, Diags *diags);

/* For a stage or an option of Keras, PyTorch or ONNX that grus does not have under this name: the
 * name of the stage that it is here, or the code whose page has the word (E201 stages, E203
 * options). Else NULL. */
const char *legacy_page(const char *word);

/* The words of a text, for colours: what each is, by its letters alone. */
typedef enum WordClass {
  WORD_KEYWORD,
  WORD_TYPE,
  WORD_NAME,
  WORD_NUMBER,
  WORD_STRING,
  WORD_SIGN,
  WORD_COMMENT
} WordClass;

typedef struct Word {
  WordClass kind;
  Span span;
} Word;

/* In order; *n 0 where the file is not text. Reports nothing. */
Word *classify(Arena *arena, Sources *sources, const Source *source, size_t *n);

typedef struct Define {
  const char *name, *value; /* -D name=value */
  bool used;
} Define;

typedef struct ResolveOptions {
  Define *define;
  int n_defines;
  const char *const *include; /* -I */
  int n_includes;
  /* Reads a used file (path resolved against dir of the using file, then the includes): a Source,
   * or NULL with *reason set. The driver supplies it; rooms do no file input themselves. */
  const Source *(*read)(void *context, const char *path, const char **reason);
  void *context;
} ResolveOptions;

/* Where a name is used, and where it is defined: for editors. A block that is used several times
 * counts once. */
typedef struct Reference {
  Span at;
  Span definition; /* the name in the statement that defines it */
} Reference;

typedef struct Program {
  Model **model;
  int n_models;
  const char **used_file; /* every file read by `use`, for dependency files */
  int n_used_files;
  Reference *reference; /* in the order found */
  size_t n_references;
} Program;

/* Builds every model of a parsed file: E2xx, W203. Models still need model_infer. */
Program *resolve(Arena *arena, const Source *source, Node *file, ResolveOptions *options,
                 Diags *diags);

#endif
