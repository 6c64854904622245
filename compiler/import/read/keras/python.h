/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of Python in files of Keras: a Lambda holds the bytes into which CPython compiled its
 * function. grus reads them and never runs them.
 *
 *   marshal.c     reads the bytes as objects: constants, names, code
 *   bytecode.c    follows the code of one function over values of the graph
 *   functions.c   reads calls of functions of Keras and TensorFlow as layers
 *   objects.c     writes objects as text, and makes objects from JSON
 *   lambda.c      reads the layers Lambda and TFOpLambda
 *
 * A function with one instruction that grus does not know is an error. */
#ifndef GRUS_READ_KERAS_PYTHON_H
#define GRUS_READ_KERAS_PYTHON_H

#include "import/read/keras/keras.h"

typedef enum PyKind {
  PY_NONE,
  PY_BOOL,
  PY_INT,
  PY_FLOAT,
  PY_TEXT,
  PY_BYTES,
  PY_ELLIPSIS,
  PY_LIST, /* also a tuple */
  PY_CODE,
  PY_OTHER, /* an object of another type, which only an error can come from */
  /* The others exist only while a function is followed. */
  PY_SLICE, /* item: begin, end, step */
  PY_NAME,  /* a module or a function, by its path: "keras.backend.squeeze" */
  PY_SIZE,  /* the size of an axis that the file leaves open */
  PY_VALUE, /* a value of the graph */
  PY_MARK   /* what CPython pushes next to a function that it calls */
} PyKind;

typedef struct PyCode PyCode;

typedef struct PyObject {
  PyKind kind;
  int64_t integer;  /* PY_BOOL, PY_INT */
  double number;    /* PY_FLOAT */
  const char *text; /* PY_TEXT, PY_BYTES, PY_NAME, ends with a 0; PY_VALUE: the expression
                       that computes it, as Python writes it */
  size_t len;       /* the length of text */
  const struct PyObject *item; /* PY_LIST, PY_SLICE: n of them */
  int n;
  const PyCode *code; /* PY_CODE */
  KerasValue value;   /* PY_VALUE */
} PyObject;

/* The layouts of code objects, each named for the first version of Python that has it. */
typedef enum PyLayout {
  PY_LAYOUT_2,
  PY_LAYOUT_3_0,
  PY_LAYOUT_3_8,
  PY_LAYOUT_3_11,
  PY_LAYOUT_COUNT
} PyLayout;

/* A compiled function. */
struct PyCode {
  PyLayout layout;
  int n_args;     /* the number of arguments with names */
  int n_plain;    /* the number of them that a call may give by their place; they come first */
  unsigned flags; /* those of CPython, such as PY_VARIADIC */
  const uint8_t *bytes;
  size_t len;
  PyObject consts, names, locals; /* lists; the items of names and locals are PY_TEXT */
  int n_cells;                    /* the number of its variables that functions inside it use */
};
/* Flags: arguments without names (*args, **kwargs); a generator or a coroutine. */
enum { PY_VARIADIC = 0x4 | 0x8, PY_SUSPENDS = 0x20 | 0x80 | 0x200 };

/* ---- marshal.c ---- */
/* The function that bytes in the format marshal hold; NULL: they are not exactly one function. */
const PyCode *py_unmarshal(Arena *arena, const uint8_t *data, size_t len);

/* ---- bytecode.c ---- */
/* Follows a function from its first instruction to its return. args: n_args of them. closure: the
 * variables of the function around it, a list. *out gets what the function returns. False after
 * setting *problem to the end of a sentence about the layer, or to NULL after reporting. */
bool py_follow(KerasLayer *layer, const PyCode *code, const PyObject *args, const PyObject *closure,
               PyObject *out, const char **problem);

/* ---- functions.c ---- */
/* Calls a function by its path. The last n_names of the n arguments have names. Result as above. */
bool py_call(KerasLayer *layer, const char *path, int n, const PyObject *args, int n_names,
             const PyObject *names, PyObject *out, const char **problem);
/* The same by a class of the reader. config: its options in JSON; NULL: none. The operands are
 * values of the graph, and one of two may be a number. text: the expression, as Python writes it.
 */
bool py_apply(KerasLayer *layer, const char *class_name, const char *config, const char *text,
              int n, const PyObject *operands, PyObject *out, const char **problem);
/* object[key]. Result as above. */
bool py_item(KerasLayer *layer, const PyObject *object, const PyObject *key, PyObject *out,
             const char **problem);

/* ---- objects.c ---- */
/* An object in JSON; NULL: JSON has no such object. open: the text for a size that is not known;
 * NULL: such an object has no JSON. */
const char *py_json(Arena *arena, const PyObject *object, const char *open);
/* An object as Python writes it, for messages. */
const char *py_text(Arena *arena, const PyObject *object);
/* JSON as an object of Python. */
PyObject py_of_json(Arena *arena, json_t *json);

#endif
