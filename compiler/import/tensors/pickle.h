/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads Python pickles without running them. A pickle is a program for a stack machine that makes
 * objects by calling functions. This reader calls nothing: instead of the result of a class or
 * function it makes a PICKLE_OBJECT with its name and its arguments. Its users know the meaning of
 * a closed list of names (pickle_numpy.c, torch_values.c).
 *
 * Work and memory are in proportion to the length of the pickle. The result may contain itself, and
 * may contain one part many times, so code that walks through it must bound depth and steps. */
#ifndef GRUS_IMPORT_TENSORS_PICKLE_H
#define GRUS_IMPORT_TENSORS_PICKLE_H

#include "import/weights_file.h"

typedef enum PickleKind {
  PICKLE_NONE,
  PICKLE_BOOL,
  PICKLE_INT,
  PICKLE_FLOAT,
  PICKLE_TEXT, /* also a str of Python 2 */
  PICKLE_BYTES,
  PICKLE_TUPLE,
  PICKLE_LIST,
  PICKLE_SET,
  PICKLE_DICT,      /* its items are key, value, key, value ... */
  PICKLE_CLASS,     /* a name: "collections.OrderedDict" */
  PICKLE_OBJECT,    /* the result that calling `of` with `args` would have */
  PICKLE_PERSISTENT /* something outside of the pickle, which `args` names */
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
      const char *text; /* TEXT, BYTES, CLASS; only that of a CLASS ends with a 0 */
      size_t len;
    };
    PickleList list; /* TUPLE, LIST, SET, DICT */
    struct {
      /* OBJECT, PERSISTENT; args and state may be NULL. state: what the object restores itself
       * from. */
      PickleValue *of, *args, *state;
      PickleList *items,
          *pairs; /* items that were appended, keys and values that were set; or NULL */
    };
  };
};

/* Reads one pickle at *at and moves *at after it. *outside, unless outside is NULL, becomes the
 * last PICKLE_PERSISTENT; `state` of each is the one before it. NULL with *reason. */
PickleValue *pickle_read(Arena *arena, Mapped file, size_t *at, PickleValue **outside,
                         const char **reason);

/* Whether a file begins like a pickle. */
bool pickle_sniff(Mapped file);

/* Whether a value is the class with this name. */
bool pickle_is_class(const PickleValue *value, const char *name);
/* Whether a value is an object of this class, or the result of this function. */
bool pickle_is_object(const PickleValue *value, const char *of);
bool pickle_text_is(const PickleValue *value, const char *text);
/* The number of an INT or BOOL; false for other values. */
bool pickle_int(const PickleValue *value, int64_t *out);
/* Argument k of an object or a persistent name; NULL if there is none. */
const PickleValue *pickle_arg(const PickleValue *value, size_t k);
/* The keys and values of a DICT or of an object such as collections.OrderedDict; NULL for other
 * values. */
const PickleList *pickle_pairs(const PickleValue *value);
/* The value of a text key; NULL if there is none. */
PickleValue *pickle_get(const PickleValue *dict, const char *key);

#endif
