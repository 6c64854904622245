/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Python pickles, read without running them. A pickle is a program for a stack machine that makes
 * objects by calling functions; here nothing is called. What a class or function would have made
 * becomes a PICKLE_OBJECT with the name of the class and what it was given, an inert tree whose
 * meaning its readers look up in closed lists of names (pickle_numpy.c, torch_values.c).
 *
 * Work and memory are in proportion to the length of the pickle. The result may contain itself, and
 * may contain one part many times: who walks through it bounds depth and steps. */
#ifndef GRUS_IMPORT_TENSORS_PICKLE_H
#define GRUS_IMPORT_TENSORS_PICKLE_H

#include "import/import.h"

typedef enum PickleKind {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INT,
  PICKLE_FLOAT,
  PICKLE_TEXT, /* also what Python 2 had as str */
  PICKLE_BYTES,
  PICKLE_TUPLE,
  PICKLE_LIST,
  PICKLE_SET,
  PICKLE_DICT,      /* item: key, value, key, value */
  PICKLE_CLASS,     /* a name: "collections.OrderedDict" */
  PICKLE_OBJECT,    /* what calling `of` with `args` would give; then items, pairs and state */
  PICKLE_PERSISTENT /* something outside the pickle, named by `args` */
} PickleKind;

typedef struct PickleValue PickleValue;

typedef struct PickleList {
  PickleValue **item;
  size_t n, cap;
} PickleList;

struct PickleValue {
  PickleKind kind;
  union {
    int64_t i; /* BOOL, INT; an INT that does not fit is a FLOAT */
    double f;
    struct {
      const char *text; /* not terminated; of a CLASS terminated */
      size_t len;
    };
    PickleList list; /* TUPLE, LIST, SET, DICT */
    struct {
      PickleValue *of, *args, *state; /* args and state may be NULL */
      PickleList *items, *pairs;      /* NULL or what was appended and set */
    };
  };
};

/* Reads one pickle from file at *at and moves *at after it. *outside, unless it is NULL, becomes
 * the last of the values outside the pickle; `state` of each is the one before. NULL with
 * *reason. */
PickleValue *pickle_read(Arena *arena, Mapped file, size_t *at, PickleValue **outside,
                         const char **reason);

/* The first bytes are those of a pickle. */
bool pickle_sniff(Mapped file);

bool pickle_is_class(const PickleValue *value, const char *name);
/* An object of that class, or what that function would give. */
bool pickle_is_object(const PickleValue *value, const char *of);
bool pickle_text_is(const PickleValue *value, const char *text);
bool pickle_int(const PickleValue *value, int64_t *out);
/* Argument k of an object or a persistent name; NULL if there is none. */
const PickleValue *pickle_arg(const PickleValue *value, size_t k);
/* The pairs of a DICT, or of an object that is one (collections.OrderedDict); NULL of anything
 * else. */
const PickleList *pickle_pairs(const PickleValue *value);
/* The value of a text key; NULL if there is none. */
PickleValue *pickle_get(const PickleValue *dict, const char *key);

#endif
