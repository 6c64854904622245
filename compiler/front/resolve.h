/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From tree to Models: what the files of resolve share. Private to front/.
 *
 *   resolve.c         files, params, models
 *   resolve_block.c   expanding a block
 *   resolve_body.c    statements of a body
 *   resolve_stage.c   a stage and its arguments
 *   resolve_option.c  the value of one option
 *   resolve_expr.c    names, fields, operators, chains
 *   resolve_const.c   arithmetic on constants
 *   resolve_type.c    types, axes, sizes
 *   resolve_legacy.c  names of other frameworks
 *   resolve_report.c  the reports they have in common
 */
#ifndef GRUS_FRONT_RESOLVE_H
#define GRUS_FRONT_RESOLVE_H

#include "base/map.h"
#include "front/front.h"

enum { EXPANSION_MAX = 100000, BLOCK_DEPTH_MAX = 64, USE_DEPTH_MAX = 64, AXIS_MAX = 2147483647 };

typedef enum ConstKind {
  CONST_INT,
  CONST_REAL,
  CONST_QTY,
  CONST_WORD,
  CONST_ELEM,
  CONST_TEXT,
  CONST_SHAPE
} ConstKind;

typedef struct Const {
  ConstKind kind;
  int64_t i;
  double f;         /* CONST_INT too */
  int64_t num, den; /* CONST_QTY */
  Unit unit;
  const char *s;     /* word, element type, text */
  const Node *shape; /* N_SHAPE */
} Const;

typedef struct Item Item;

/* A result of a block beyond its first. */
typedef struct BlockField {
  const char *name;
  const Item *item;
  Span name_span;
} BlockField;

/* What an expression stands for. ITEM_BAD has been reported: everything made from it is silent. */
typedef enum ItemKind { ITEM_BAD, ITEM_VALUE, ITEM_CONST } ItemKind;
struct Item {
  ItemKind kind;
  Value *value;
  Const constant;
  bool of_block; /* fields are those below, not the states of value's layer */
  const BlockField *field;
  int n_fields;
};

/* A name of a body, or a param. */
typedef struct Binding {
  const char *name;
  const Node *node; /* the statement that defines it, if it is one */
  bool defined;     /* the statement has been resolved */
  Item item;
  Span name_span;
  bool used;
} Binding;

typedef struct ModelFile ModelFile;

typedef struct Block {
  const Node *node;
  ModelFile *file;
  bool failed;    /* its body has errors, reported once */
  bool expanding; /* on the way from the model to here */
  int n_uses;
} Block;

typedef enum EntityKind { ENTITY_PARAM, ENTITY_BLOCK, ENTITY_BAD } EntityKind;

/* A name of a file. */
typedef struct Entity {
  EntityKind kind;
  const char *name;
  Span name_span;
  Binding *param;
  Block *block;
} Entity;

typedef struct Resolver Resolver;

/* One source file: its own names and those it brings in. */
struct ModelFile {
  const char *path;
  Map names; /* Entity */
  Entity **entity;
  int n_entities;
  size_t cap_entities;
  ModelFile *user; /* the file that brought it in */
  int depth;
  bool done;
};

/* The body of a model or of one use of a block. */
typedef struct Body {
  Resolver *r;
  Model *model;
  ModelFile *file;
  const struct Body *outer; /* blocks: the body that uses it */
  Block *block;             /* NULL: a model */
  Call *call;
  const char *path;    /* prefix of the paths of its layers, up to the binding */
  const char *binding; /* of the model's statement */
  Map names;           /* Binding, of later statements too */
  Binding **list;      /* those defined, in order */
  int n_list;
  size_t cap_list;
  const Node *statement; /* the one being resolved */
  const Item *input;     /* blocks: the values of the `in` statements, in order */
  int n_inputs, next_input;
  BlockField *out; /* blocks: what the `out` statements give */
  int n_outs;
  size_t cap_outs;
  bool first; /* the first expansion of this block: its lets are listed for lints */
} Body;

struct Resolver {
  Arena *arena;
  Diags *diags;
  ResolveOptions *options;
  Program *program;
  Map files;       /* ModelFile by path */
  Map models;      /* Model by name */
  Map stages;      /* LayerInfo by name */
  Map *paths;      /* of the model: layer paths taken, with their counts */
  int expanded;    /* stages and uses of blocks, in this model */
  int depth;       /* of nested expressions and blocks */
  int suggestions; /* computed so far; the effort is bounded */
  bool too_large;  /* E215 was reported */
  bool dry;        /* a block is only checked: nothing is known of its arguments */
  size_t cap_models, cap_used, cap_references;
};

/* resolve_report.c */
typedef struct Nearest {
  const char *to, *best;
  size_t distance;
} Nearest;
Nearest nearest_new(const char *to);
void nearest_offer(Nearest *n, const char *candidate);
void nearest_offer_words(Arena *arena, Nearest *n, const char *words); /* separated by blanks */
void nearest_fix(Diag *d, const Nearest *n, Span at);
/* "`n` is 7" for every param in a constant expression. */
void note_params(Body *body, Diag *d, const Node *node);
void report_unknown_value(Body *body, const char *name, Span at); /* E202 E210 */
void report_unknown_stage(Body *body, const Node *stage);         /* E201 */
void report_unknown_option(Resolver *r, const Node *stage, const Node *arg,
                           const LayerInfo *info);                                     /* E203 */
void report_defined_twice(Resolver *r, const char *name, Span again, Span first);      /* E209 */
Diag *report_not_constant(Resolver *r, Span at, const char *wanted, const Item *item); /* E206 */
const char *item_kind_name(const Item *item);

/* Notes that `at` names what is defined at `definition`. */
void reference_note(Body *body, Span at, Span definition);

/* resolve_legacy.c: false if the name is not one of another framework. */
bool legacy_stage(Resolver *r, Diag *d, const Node *stage);
/* Dense(3, softmax): a note and a fix if arg is the word of an activation. */
bool legacy_activation_argument(Resolver *r, Diag *d, const Node *stage, const Node *arg);
bool legacy_option(Resolver *r, Diag *d, const Node *stage, const Node *arg, const LayerInfo *info);

/* resolve_const.c */
Item item_int(int64_t i);
Item item_bad(void);
Item item_of(Value *value);
Item const_literal(Resolver *r,
                   const Node *node); /* N_INT N_FLOAT N_QTY N_STRING N_DTYPE N_SHAPE */
/* a op b, written at `at` within chain; reports E113, E206, E311. */
Item const_fold(Body *body, Const a, char op, Const b, const Node *chain, Span at);
Item const_negate(Resolver *r, Const a, Span at);
/* A number that values are computed with is one of f32; false after reporting. */
bool const_fits_f32(Resolver *r, double number, Span at);
/* -D name=value. False if it is no constant. */
bool const_parse(Resolver *r, const char *text, Const *out);
bool word_known(const char *word); /* a choice of some option */
const char *const_str(Arena *arena, const Const *c);

/* resolve_expr.c */
/* An argument or default that may also be an option word. */
Item argument_resolve(Body *body, const Node *node);
Item expr_resolve(Body *body, const Node *node);
/* A name as a constant or value; NULL after E202, E210. */
const Binding *name_resolve(Body *body, const char *name, Span at);
const Binding *name_find(Body *body, const char *name);

/* resolve_stage.c: piped NULL in a call. */
Item stage_resolve(Body *body, const Node *stage, const Item *piped, Span piped_span);
Layer *layer_make(Body *body, LayerKind kind, int n_in, Value **in, const Span *in_span);
const char *path_unique(Body *body, const char *name);

/* resolve_option.c: sets opt from arg; false after reporting. */
bool option_resolve(Body *body, const LayerInfo *info, int index, const Node *arg, OptVal *opt);
/* The word of a WORD option or of `precision`; NULL after E206, E211. */
const char *word_resolve(Body *body, const char *option, const char *words, const Node *node);

/* resolve_type.c */
bool type_resolve(Body *body, const Node *node, bool input, Type *out);
bool shape_resolve(Body *body, const Node *node, bool input,
                   Type *out); /* axes; element as it is */
bool every_resolve(Body *body, const Node *node, Port *port);
bool size_of_const(Body *body, const Const *c, const Node *node, int64_t least, int64_t *out);

/* resolve_block.c */
Item block_resolve(Body *body, Block *block, const Node *stage, const Item *piped, Span piped_span);
void block_check(Resolver *r, Block *block); /* one that is never used */

/* resolve_body.c */
void body_resolve(Body *body, const Node *node);
/* Notes a name that a later statement defines. */
void name_expect(Arena *arena, Map *names, const Node *node);
void body_define(Body *body, const char *name, Span name_span, Item item);
void model_resolve(Resolver *r, ModelFile *file, const Node *node);

#endif
