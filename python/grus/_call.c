/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The short way from Python to a compiled model, of one input and one output.
 *
 * In: a buffer of exactly the type and shape of the port, contiguous and aligned. Out: a new array
 * of NumPy. Whatever else is passed gets NotImplemented, and the caller takes the way in Python,
 * which converts it or says what is wrong with it: a check is never left out, only passed on.
 *
 * The interface is the stable one of Python 3.11, the first with buffers in it: one file serves
 * every later version. The interpreter runs other threads while the model computes. */
#include <Python.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MOST_AXES = 16 };

/* grus_rows and grus_steps of runtime/host/grus_shared.h. */
typedef int RowsFunction(size_t rows, const size_t *lengths, const void *const *in,
                         const size_t *in_strides, void *const *out, const size_t *out_strides,
                         size_t *done);
typedef int StepsFunction(void *state, size_t calls, const void *const *in,
                          const size_t *in_strides, void *const *out, const size_t *out_strides,
                          size_t *done, size_t *outputs);

/* What a call needs. Nothing changes after the constructor but `busy`. */
typedef struct Call {
  PyObject_HEAD void *function; /* grus_rows, or grus_steps where there is a state */
  void *state;
  PyObject *owner;     /* keeps the library and the state alive */
  PyObject *plain;     /* numpy.ndarray */
  PyObject *empty;     /* numpy.empty */
  PyObject *out_shape; /* of one row */
  PyObject *out_type;
  Py_ssize_t axes[MOST_AXES]; /* of one row */
  int rank;
  char format; /* of a number in the input, as the module struct has it */
  Py_ssize_t item_size;
  Py_ssize_t out_bytes; /* of one row */
  atomic_flag busy;     /* a thread is inside, or Python holds the stream */
} Call;

static PyObject *not_ours(void) {
  return Py_NewRef(Py_NotImplemented);
}

/* An object without such a buffer is no error here; what else its exporter raised is. */
static PyObject *without_buffer(void) {
  if (!PyErr_ExceptionMatches(PyExc_BufferError) && !PyErr_ExceptionMatches(PyExc_ValueError) &&
      !PyErr_ExceptionMatches(PyExc_TypeError))
    return NULL;
  PyErr_Clear();
  return not_ours();
}

/* Whether NumPy reads the value by its buffer: bytes are text to it, and of an Arrow array the
 * buffers are not all. */
static bool call_reads(const Call *call, PyObject *value) {
  if ((PyObject *)Py_TYPE(value) == call->plain) return true;
  return PyObject_CheckBuffer(value) && !PyBytes_Check(value) &&
         !PyObject_HasAttrString(value, "__arrow_c_array__") &&
         !PyObject_HasAttrString(value, "__arrow_c_stream__");
}

/* Rows in the buffer; 0: it is not of the port's type and shape. */
static Py_ssize_t call_rows_in(const Call *call, const Py_buffer *view, bool many) {
  bool typed = view->format && view->format[0] == call->format && view->format[1] == '\0';
  if (!typed || view->itemsize != call->item_size) return 0;
  if ((uintptr_t)view->buf % (uintptr_t)call->item_size != 0) return 0;
  int extra = view->ndim - call->rank;
  if (extra != 0 && !(many && extra == 1)) return 0;
  for (int i = 0; i < call->rank; i++)
    if (view->shape[i + extra] != call->axes[i]) return 0;
  return extra ? view->shape[0] : 1;
}

/* (rows, *out_shape) */
static PyObject *call_shape_of(const Call *call, Py_ssize_t rows) {
  Py_ssize_t rank = PyTuple_Size(call->out_shape);
  PyObject *shape = PyTuple_New(rank + 1);
  PyObject *count = shape ? PyLong_FromSsize_t(rows) : NULL;
  if (!count || PyTuple_SetItem(shape, 0, count) < 0) {
    Py_XDECREF(shape);
    return NULL;
  }
  for (Py_ssize_t i = 0; i < rank; i++) {
    PyObject *axis = Py_NewRef(PyTuple_GetItem(call->out_shape, i));
    if (PyTuple_SetItem(shape, i + 1, axis) < 0) {
      Py_DECREF(shape);
      return NULL;
    }
  }
  return shape;
}

/* A new array of that shape, and its buffer, which the caller releases. */
static PyObject *call_output(const Call *call, PyObject *shape, Py_ssize_t bytes, Py_buffer *to) {
  PyObject *array = PyObject_CallFunctionObjArgs(call->empty, shape, call->out_type, NULL);
  if (!array) return NULL;
  if (PyObject_GetBuffer(array, to, PyBUF_C_CONTIGUOUS | PyBUF_WRITABLE) < 0) {
    Py_DECREF(array);
    return NULL;
  }
  if (to->len == bytes) return array;
  PyBuffer_Release(to);
  Py_DECREF(array);
  PyErr_SetString(PyExc_SystemError, "grus: numpy.empty gave an array of another size");
  return NULL;
}

/* ---- whole sequences ---- */

static PyObject *call_compute(const Call *call, const Py_buffer *from, Py_ssize_t rows,
                              PyObject *shape) {
  if (rows > PY_SSIZE_T_MAX / call->out_bytes) return not_ours();
  Py_buffer to;
  PyObject *array = call_output(call, shape, rows * call->out_bytes, &to);
  if (!array) return NULL;
  RowsFunction *compute = (RowsFunction *)(uintptr_t)call->function;
  const void *in[1] = {from->buf};
  void *out[1] = {to.buf};
  int status = 0;
  Py_BEGIN_ALLOW_THREADS;
  status = compute((size_t)rows, NULL, in, NULL, out, NULL, NULL);
  Py_END_ALLOW_THREADS;
  PyBuffer_Release(&to);
  if (status == 0) return array;
  Py_DECREF(array);
  return not_ours(); /* rows have no state: the way in Python calls again, and says what it is */
}

static PyObject *call_rows(PyObject *self, PyObject *value) {
  const Call *call = (const Call *)self;
  if (!call_reads(call, value)) return not_ours();
  Py_buffer from;
  if (PyObject_GetBuffer(value, &from, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
    return without_buffer();
  Py_ssize_t rows = call_rows_in(call, &from, true);
  PyObject *result = NULL;
  if (rows == 0)
    result = not_ours();
  else if (from.ndim == call->rank)
    result = call_compute(call, &from, 1, call->out_shape);
  else {
    PyObject *shape = call_shape_of(call, rows);
    result = shape ? call_compute(call, &from, rows, shape) : NULL;
    Py_XDECREF(shape);
  }
  PyBuffer_Release(&from);
  return result;
}

/* ---- streams ---- */

/* The output, None if there is none yet, or the code that the library refused the call with. */
static PyObject *call_advance(Call *call, const Py_buffer *from) {
  Py_buffer to;
  PyObject *array = call_output(call, call->out_shape, call->out_bytes, &to);
  if (!array) return NULL;
  if (atomic_flag_test_and_set(&call->busy)) {
    PyBuffer_Release(&to);
    Py_DECREF(array);
    return not_ours(); /* the way in Python finds the stream taken, and says so */
  }
  StepsFunction *advance = (StepsFunction *)(uintptr_t)call->function;
  const void *in[1] = {from->buf};
  void *out[1] = {to.buf};
  size_t made = 0;
  int status = 0;
  Py_BEGIN_ALLOW_THREADS;
  status = advance(call->state, 1, in, NULL, out, NULL, NULL, &made);
  Py_END_ALLOW_THREADS;
  atomic_flag_clear(&call->busy);
  PyBuffer_Release(&to);
  if (status == 0 && made) return array;
  Py_DECREF(array);
  return status == 0 ? Py_NewRef(Py_None) : PyLong_FromLong(status);
}

static PyObject *call_step(PyObject *self, PyObject *value) {
  Call *call = (Call *)self;
  if (!call_reads(call, value)) return not_ours();
  Py_buffer from;
  if (PyObject_GetBuffer(value, &from, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0)
    return without_buffer();
  PyObject *result = call_rows_in(call, &from, false) == 1 ? call_advance(call, &from) : not_ours();
  PyBuffer_Release(&from);
  return result;
}

/* acquire(False) and release() are those of a lock: Python holds the stream by them too. */
static PyObject *call_acquire(PyObject *self, PyObject *waits) {
  int wait = PyObject_IsTrue(waits);
  if (wait < 0) return NULL;
  if (wait) {
    PyErr_SetString(PyExc_ValueError, "a stream is never waited for: acquire(False)");
    return NULL;
  }
  return PyBool_FromLong(!atomic_flag_test_and_set(&((Call *)self)->busy));
}

static PyObject *call_release(PyObject *self, PyObject *nothing) {
  (void)nothing;
  atomic_flag_clear(&((Call *)self)->busy);
  return Py_NewRef(Py_None);
}

/* ---- the type ---- */

static bool call_read_axes(Call *call, PyObject *shape) {
  Py_ssize_t rank = PyTuple_Size(shape);
  if (rank < 0) return false;
  if (rank > MOST_AXES) {
    PyErr_Format(PyExc_ValueError, "%zd axes given, at most %d fit", rank, (int)MOST_AXES);
    return false;
  }
  call->rank = (int)rank;
  for (int i = 0; i < call->rank; i++) {
    call->axes[i] = PyLong_AsSsize_t(PyTuple_GetItem(shape, i));
    if (call->axes[i] == -1 && PyErr_Occurred()) return false;
  }
  return true;
}

static bool call_read(Call *call, PyObject *arguments) {
  PyObject *function = NULL;
  PyObject *state = NULL;
  PyObject *shape = NULL;
  const char *format = NULL;
  bool parsed = PyArg_ParseTuple(arguments, "O!O!OOOsnO!O!On:Call", &PyLong_Type, &function,
                                 &PyLong_Type, &state, &call->owner, &call->plain, &call->empty,
                                 &format, &call->item_size, &PyTuple_Type, &shape, &PyTuple_Type,
                                 &call->out_shape, &call->out_type, &call->out_bytes);
  Py_XINCREF(call->owner); /* the parser lends what it finds */
  Py_XINCREF(call->plain);
  Py_XINCREF(call->empty);
  Py_XINCREF(call->out_shape);
  Py_XINCREF(call->out_type);
  if (!parsed) return false;
  call->format = format[0];
  call->function = PyLong_AsVoidPtr(function);
  call->state = PyLong_AsVoidPtr(state);
  if (PyErr_Occurred() || !call_read_axes(call, shape)) return false;
  if (call->function && call->item_size > 0 && call->out_bytes > 0) return true;
  PyErr_SetString(PyExc_ValueError, "a function and sizes above 0 are needed");
  return false;
}

static PyObject *call_new(PyTypeObject *type, PyObject *arguments, PyObject *named) {
  if (named && PyDict_Size(named) > 0) {
    PyErr_SetString(PyExc_TypeError, "Call takes no arguments by name");
    return NULL;
  }
  allocfunc allocate = (allocfunc)(uintptr_t)PyType_GetSlot(type, Py_tp_alloc);
  Call *call = (Call *)allocate(type, 0); /* zeros */
  if (!call) return NULL;
  atomic_flag_clear(&call->busy);
  if (call_read(call, arguments)) return (PyObject *)call;
  Py_DECREF(call);
  return NULL;
}

static void call_free(PyObject *self) {
  Call *call = (Call *)self;
  PyTypeObject *type = Py_TYPE(self);
  Py_XDECREF(call->owner);
  Py_XDECREF(call->plain);
  Py_XDECREF(call->empty);
  Py_XDECREF(call->out_shape);
  Py_XDECREF(call->out_type);
  freefunc release = (freefunc)(uintptr_t)PyType_GetSlot(type, Py_tp_free);
  release(self);
  Py_DECREF(type);
}

static PyMethodDef call_methods[] = {
    {"rows", call_rows, METH_O, "Computes one row or many, or gives NotImplemented."},
    {"step", call_step, METH_O, "One call of a stream, or NotImplemented; a number is a refusal."},
    {"acquire", call_acquire, METH_O, "acquire(False): takes the stream, if nobody has it."},
    {"release", call_release, METH_NOARGS, "Gives the stream back."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot call_slots[] = {
    {Py_tp_doc,
     "Call(function, state, owner, ndarray, empty, format, item_size, shape, out_shape, out_type, "
     "out_bytes): of one input and one output."},
    {Py_tp_new, (void *)(uintptr_t)call_new},
    {Py_tp_dealloc, (void *)(uintptr_t)call_free},
    {Py_tp_methods, call_methods},
    {0, NULL},
};

static PyType_Spec call_spec = {
    .name = "grus._call.Call",
    .basicsize = sizeof(Call),
    .flags = Py_TPFLAGS_DEFAULT,
    .slots = call_slots,
};

static int module_fill(PyObject *module) {
  PyObject *type = PyType_FromModuleAndSpec(module, &call_spec, NULL);
  if (!type) return -1;
  int status = PyModule_AddObjectRef(module, "Call", type);
  Py_DECREF(type);
  return status;
}

static PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, (void *)(uintptr_t)module_fill},
    {0, NULL},
};

static PyModuleDef module = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "grus._call",
    .m_doc = "The short way from Python to a compiled model.",
    .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__call(void);
PyMODINIT_FUNC PyInit__call(void) {
  return PyModuleDef_Init(&module);
}
