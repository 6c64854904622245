/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The interface for Go, by cgo. In: a module and its options. Out: a Go package that compiles the
 * C. Arrays are flat slices, in the order of the interface. */
#include "backend/c_internal.h"
#include "backend/elem_names.h"

/* A name that Go does not take for a word of its own, nor for one that the function uses. */
static const char *go_name(Arena *arena, const char *name) {
  static const char *const taken[] = {
      "break", "case",        "chan",  "const",   "continue", "default", "defer",  "else",
      "func",  "fallthrough", "for",   "go",      "goto",     "if",      "import", "interface",
      "map",   "package",     "range", "return",  "select",   "struct",  "switch", "type",
      "var",   "len",         "m",     "weights", "unsafe",   "panic",   "C",      "int"};
  return name_apart(arena, name, taken, sizeof taken / sizeof *taken);
}

/* C with flat parameters, which cgo has no types for otherwise. */
static void flat_function(CWriter *c, const KirFunc *f) {
  const char *comma = "";
  text_printf(c->out, "static inline %s go_%s(", f->returns_status ? "int" : "void", f->name);
  if (f->uses_state) {
    text_printf(c->out, "%s_%s *go_state", c->prefix, c_object_name(c->m));
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    text_printf(c->out, "%s%s%s %s%s", comma, b->space == KIR_IN && b->rank ? "const " : "",
                c_elem(b->elem), b->rank ? "*" : "", b->name);
    comma = ", ";
  }
  if (f->takes_weights) text_printf(c->out, "%sconst void *weights", comma);
  text_printf(c->out, "%s) {\n  %s%s_%s(", *comma || f->takes_weights ? "" : "void",
              f->returns_status ? "return " : "", c->prefix, f->name);
  c_flat_arguments(c, f, "go_state");
  text_add(c->out, ");\n}\n");
}

static void needs(CWriter *c, const KirFunc *f) {
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    const char *name = go_name(c->out->arena, b->name);
    if (b->rank)
      text_printf(c->out,
                  "\tif len(%s) < %lld {\n\t\tpanic(\"%s.%s: %s needs %lld numbers\")\n\t}\n", name,
                  (long long)b->count, c->prefix, f->name, b->name, (long long)b->count);
  }
  if (f->takes_weights)
    text_printf(c->out,
                "\tif len(weights) < %lld {\n\t\tpanic(\"%s.%s: the block of weights has %lld "
                "bytes\")\n\t}\n",
                (long long)c->m->block_bytes, c->prefix, f->name, (long long)c->m->block_bytes);
}

static void go_function(CWriter *c, const KirFunc *f) {
  Arena *arena = c->out->arena;
  const char *comma = "", *title = c_class_name(arena, f->name);
  text_printf(c->out, "\n// %s is %s_%s of the C.\nfunc %s%s(", title, c->prefix, f->name,
              f->uses_state ? arena_printf(arena, "(m *%s) ", c_class_name(arena, c->prefix)) : "",
              title);
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    text_printf(c->out, "%s%s %s%s", comma, go_name(arena, b->name), b->rank ? "[]" : "",
                elem_names(b->elem)->go);
    comma = ", ";
  }
  if (f->takes_weights) text_printf(c->out, "%sweights []byte", comma);
  text_printf(c->out, ")%s {\n", f->returns_status ? " int" : "");
  needs(c, f);
  text_printf(c->out, "\t%sC.go_%s(", f->returns_status ? "return int(" : "", f->name);
  comma = "";
  if (f->uses_state) {
    text_add(c->out, "&m.state");
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    const char *name = go_name(arena, b->name);
    if (b->rank)
      text_printf(c->out, "%s(*%s)(unsafe.Pointer(&%s[0]))", comma, elem_names(b->elem)->cgo, name);
    else
      text_printf(c->out, "%s%s(%s)", comma, elem_names(b->elem)->cgo, name);
    comma = ", ";
  }
  if (f->takes_weights) text_printf(c->out, "%sunsafe.Pointer(&weights[0])", comma);
  text_printf(c->out, ")%s\n}\n", f->returns_status ? ")" : "");
}

static void go_object(CWriter *c) {
  const char *name = c_class_name(c->out->arena, c->prefix);
  bool resets_alone = c_resets_alone(c->m);
  text_printf(
      c->out,
      "\n// %s is what is kept from call to call. A copy is a stream of its own.%s\ntype %s "
      "struct{ state C.%s_%s }\n",
      name, resets_alone ? "" : " Reset comes first.", name, c->prefix, c_object_name(c->m));
  if (resets_alone)
    text_printf(c->out,
                "\n// New%s gives a stream at its start.\nfunc New%s() *%s {\n\tm := new(%s)\n"
                "\tm.Reset()\n\treturn m\n}\n",
                name, name, name, name);
}

void backend_go(const KirModule *m, const COptions *options, Text *out) {
  CWriter w = c_writer(m, options, out), *c = &w;
  bool points = false;
  text_printf(
      out,
      "// Package %s is the model %s, compiled from the C of this folder.\n// Written by %s; "
      "changes are lost.\npackage %s\n\n/*\n#cgo CFLAGS: -std=c99 -O2%s%s "
      "-I${SRCDIR}/../../src\n#include \"%s.c\"\n\n",
      c->prefix, m->name, options->compiler ? options->compiler : "grus", c->prefix,
      options->machine.flags && *options->machine.flags ? " " : "",
      options->machine.flags ? options->machine.flags : "", c->prefix);
  for (int i = 0; i < m->n_funcs; i++) {
    if (m->func[i]->kind == KIR_HELPER) continue;
    flat_function(c, m->func[i]);
    points |= m->func[i]->takes_weights;
    for (int k = 0; k < m->func[i]->n_buffers; k++)
      points |= m->func[i]->buffers[k]->rank > 0;
  }
  text_printf(out, "*/\nimport \"C\"\n%s", points ? "\nimport \"unsafe\"\n" : "");
  text_add(out, "\n// What a call returns if something can go wrong; OK otherwise.\nconst (\n"
                "\tOK        = C.GRUS_OK\n\tBadIndex  = C.GRUS_BAD_INDEX\n"
                "\tBadLength = C.GRUS_BAD_LENGTH\n\tNoOutput  = C.GRUS_NO_OUTPUT\n)\n");
  if (m->run_kind != KIR_WHOLE) go_object(c);
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind != KIR_HELPER) go_function(c, m->func[i]);
  if (m->weights_extern)
    text_printf(
        out,
        "\n// WeightsCheck says whether a block belongs to this code: OK if it does.\nfunc "
        "WeightsCheck(block []byte) int {\n\tif len(block) == 0 {\n\t\treturn "
        "C.GRUS_BAD_WEIGHTS\n\t}\n\treturn int(C.%s_weights_check(unsafe.Pointer(&block[0]), "
        "C.size_t(len(block))))\n}\n",
        c->prefix);
}
