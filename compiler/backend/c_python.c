/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The interface for Python, by ctypes. In: a module and its options. Out: a module that loads the C
 * as a shared library. Arrays are anything with a buffer, in the order of the interface. */
#include "backend/c_internal.h"
#include "backend/elem_names.h"

static const char *python_name(Arena *arena, const char *name) {
  static const char *const taken[] = {
      "False",   "None",     "True",     "and",    "as",      "assert", "async",  "await",
      "break",   "class",    "continue", "def",    "del",     "elif",   "else",   "except",
      "finally", "for",      "from",     "global", "if",      "import", "in",     "is",
      "lambda",  "nonlocal", "not",      "or",     "pass",    "raise",  "return", "try",
      "while",   "with",     "yield",    "self",   "weights", "ctypes"};
  return name_apart(arena, name, taken, sizeof taken / sizeof *taken);
}

static void python_method(CWriter *c, const KirFunc *f) {
  Arena *arena = c->out->arena;
  text_printf(c->out, "\n    def %s(self", f->name);
  for (int i = 0; i < f->n_buffers; i++)
    text_printf(c->out, ", %s", python_name(arena, f->buffers[i]->name));
  if (f->takes_weights) text_add(c->out, ", weights");
  text_printf(c->out, "):\n        \"\"\"%s_%s of the C.\"\"\"\n        ", c->prefix, f->name);
  if (f->returns_status) text_add(c->out, "return ");
  text_printf(c->out, "self._%s(", f->name);
  const char *comma = "";
  if (f->uses_state) {
    text_add(c->out, "self._state");
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    const char *name = python_name(arena, b->name);
    if (b->rank == 0)
      text_printf(c->out, "%sctypes.%s(%s)", comma, elem_names(b->elem)->python, name);
    else
      text_printf(c->out, "%s_memory(%s, \"%s\", \"%s\", %lld%s)", comma, name, b->name,
                  elem_names(b->elem)->python_code, (long long)b->count,
                  b->space == KIR_IN ? "" : ", True");
    comma = ", ";
  }
  if (f->takes_weights)
    text_printf(c->out, "%s_memory(weights, \"weights\", \"Bbc\", %lld)", comma,
                (long long)c->m->block_bytes);
  text_add(c->out, ")\n");
}

/* What every module of this kind has: checks, and a pointer. */
static const char memory[] =
    "\n\ndef _memory(values, name, codes, count, writes=False):\n"
    "    \"\"\"A pointer to count numbers of one of the types in codes, as memoryview names "
    "them.\"\"\"\n"
    "    view = memoryview(values)\n"
    "    if view.format.lstrip(\"@=\") not in codes or not view.c_contiguous or view.nbytes < "
    "count * "
    "view.itemsize:\n"
    "        raise ValueError(f\"{name} needs {count} numbers of type {codes[0]!r}, one behind the "
    "other, \"\n"
    "                         f\"not {view.nbytes // view.itemsize} of {view.format!r}\")\n"
    "    kind = ctypes.c_char * view.nbytes\n"
    "    if not view.readonly:\n"
    "        return kind.from_buffer(view)\n"
    "    if writes:\n"
    "        raise ValueError(f\"{name} is written to, and this memory is constant\")\n"
    "    return kind.from_buffer_copy(view)\n";

void backend_python(const KirModule *m, const COptions *options, Text *out) {
  CWriter w = c_writer(m, options, out), *c = &w;
  bool keeps = m->run_kind != KIR_WHOLE;
  const char *name = c_class_name(out->arena, c->prefix);
  text_printf(
      out,
      "\"\"\"The model %s for Python: declarations of the C, which is compiled to a shared "
      "library:\n\n    cc %s -shared -fPIC src/%s.c -o lib%s.so\n\nArrays are anything with a "
      "buffer: array.array(\"f\"), NumPy, torch.Tensor.numpy().\nWritten by %s; changes are "
      "lost.\n\"\"\"\nimport ctypes\nimport os\n\nOK, BAD_INDEX, BAD_LENGTH, NO_OUTPUT = "
      "range(4)\n",
      m->name, c_flags(out->arena, &options->machine), c->prefix, c->prefix,
      options->compiler ? options->compiler : "grus");
  text_add(out, memory);
  text_printf(out,
              "\n\nclass %s:\n    \"\"\"%s\"\"\"\n\n    def __init__(self, library):\n"
              "        code = ctypes.CDLL(os.path.abspath(library))\n",
              name, keeps ? "One stream, with a state of its own." : "The functions of the model.");
  for (int i = 0; i < m->n_funcs; i++) {
    const KirFunc *f = m->func[i];
    if (f->kind == KIR_HELPER) continue;
    text_printf(out, "        self._%s = code.%s_%s\n        self._%s.restype = %s\n", f->name,
                c->prefix, f->name, f->name, f->returns_status ? "ctypes.c_int" : "None");
  }
  enum { SPARE = 64 }; /* more than what a C compiler puts between the fields */
  int fields = 0;
  for (int i = 0; i < m->n_buffers; i++)
    fields += m->buffer[i]->space == KIR_STATE;
  if (keeps)
    text_printf(out, "        self._state = (ctypes.c_double * %lld)()\n",
                (long long)(kir_state_bytes(m) + SPARE + 8 * fields) / 8);
  if (c_resets_alone(m)) text_add(out, "        self.reset()\n");
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind != KIR_HELPER) python_method(c, m->func[i]);
}
