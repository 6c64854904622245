/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of Python in files of Keras: a Lambda holds the bytes into which CPython compiled its
 * function. They are read, never run.
 *
 *   marshal.c     the bytes as objects: constants, names, code
 *   bytecode.c    the code of one function, followed over values of the graph
 *   functions.c   functions of Keras and TensorFlow by name, as layers of the reader
 *   objects.c     objects as text, JSON as objects
 *   lambda.c      Lambda and TFOpLambda
 *
 * What is not understood to the last instruction is refused. */
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
  PY_OTHER, /* of another type of Python, of which no use is known */
  /* only while a function is followed */
  PY_SLICE, /* item: begin, end, step */
  PY_NAME,  /* a module or a function, by its path: "keras.backend.squeeze" */
  PY_SIZE,  /* the size of an axis that the file leaves open */
  PY_VALUE, /* a value of the graph */
  PY_MARK   /* what CPython puts beside a function that it calls */
} PyKind;

typedef struct PyCode PyCode;

typedef struct PyObject {
  PyKind kind;
  int64_t integer;             /* PY_BOOL, PY_INT */
  double number;               /* PY_FLOAT */
  const char *text;            /* PY_TEXT, PY_BYTES, PY_NAME: a 0 stands behind; PY_VALUE: the
                                  expression that it is, as Python writes it */
  size_t len;                  /* of text */
  const struct PyObject *item; /* PY_LIST, PY_SLICE */
  int n;
  const PyCode *code;
  KerasValue value; /* PY_VALUE */
} PyObject;

/* How code objects are written: the first version of Python that wrote them so. */
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
  int n_args;     /* all that have names */
  unsigned flags; /* of CPython: PY_VARIADIC and its kin */
  const uint8_t *bytes;
  size_t len;
  PyObject consts, names, locals; /* lists; of names and locals each is a PY_TEXT */
  int n_cells;                    /* variables that functions inside it use */
};
enum { PY_VARIADIC = 0x4 | 0x8, PY_SUSPENDS = 0x20 | 0x80 | 0x200 };

/* ---- marshal.c ---- */
/* The function in the bytes of Python's marshal; NULL if they are not one, whole and alone. */
const PyCode *py_unmarshal(Arena *arena, const uint8_t *data, size_t len);

/* ---- bytecode.c ---- */
/* Follows a function from its first instruction to its return. args: one for each argument;
 * closure: the values of variables around it. False after setting *problem, the end of a sentence
 * about the layer, or NULL where the problem is reported. */
bool py_follow(KerasLayer *layer, const PyCode *code, const PyObject *args, const PyObject *closure,
               PyObject *out, const char **problem);

/* ---- functions.c ---- */
/* A call by the path of a function. The last arguments have names, of which there are n_names.
 * As above. */
bool py_call(KerasLayer *layer, const char *path, int n, const PyObject *args, int n_names,
             const PyObject *names, PyObject *out, const char **problem);
/* The same by a class of the reader, with a configuration as JSON or NULL; operands are values of
 * the graph, one of two may be a number. text: the expression, as Python writes it. */
bool py_apply(KerasLayer *layer, const char *class_name, const char *config, const char *text,
              int n, const PyObject *operands, PyObject *out, const char **problem);
/* object[key]. As above. */
bool py_item(KerasLayer *layer, const PyObject *object, const PyObject *key, PyObject *out,
             const char **problem);

/* ---- objects.c ---- */
/* An object as JSON; NULL if JSON has nothing like it. open: what stands for a size that is not
 * known; NULL: nothing can. */
const char *py_json(Arena *arena, const PyObject *object, const char *open);
/* An object as Python writes it, for messages. */
const char *py_text(Arena *arena, const PyObject *object);
/* JSON as an object of Python. */
PyObject py_of_json(Arena *arena, json_t *json);

#endif
