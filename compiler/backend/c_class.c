/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The same interface for other languages: a class of C++, declarations for Rust. In: a module and
 * its options. Out: files that include or link the C. Arrays are flat, in the order of the
 * interface. */
#include "backend/c_internal.h"
#include "backend/elem_names.h"

/* "kws_8" becomes "Kws8": the class, and how the model is called in shops of libraries. */
const char *c_class_name(Arena *arena, const char *prefix) {
  Text name = text_new(arena);
  bool upper = true;
  for (const char *p = prefix; *p; p++) {
    char c = *p;
    if (c == '_') {
      upper = true;
      continue;
    }
    if (upper && c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    upper = false;
    text_add_char(&name, c);
  }
  return name.len && !(text_str(&name)[0] >= '0' && text_str(&name)[0] <= '9')
             ? text_str(&name)
             : arena_printf(arena, "Model%s", text_str(&name));
}

const char *c_object_name(const KirModule *m) {
  return m->run_kind == KIR_WINDOW ? "window" : "state";
}

bool c_resets_alone(const KirModule *m) {
  for (int i = 0; i < m->n_funcs; i++) {
    const KirFunc *f = m->func[i];
    if (f->kind == KIR_RESET && !f->n_buffers && !f->takes_weights) return true;
  }
  return false;
}

static bool is_own(const KirFunc *f) {
  return f->kind != KIR_HELPER;
}

static void parameters(CWriter *c, const KirFunc *f) {
  const char *comma = "";
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    const char *is_const = b->space == KIR_IN ? "const " : "";
    if (b->rank == 0)
      text_printf(c->out, "%s%s %s", comma, c_elem(b->elem), b->name);
    else
      text_printf(c->out, "%s%s%s *%s", comma, is_const, c_elem(b->elem), b->name);
    comma = ", ";
  }
  if (f->takes_weights) text_printf(c->out, "%sconst void *weights", comma);
}

static void method(CWriter *c, const KirFunc *f) {
  text_printf(c->out, "  %s%s %s(", f->uses_state ? "" : "static ",
              f->returns_status ? "int" : "void", f->name);
  parameters(c, f);
  text_printf(c->out, ") { %s%s_%s(", f->returns_status ? "return " : "", c->prefix, f->name);
  c_flat_arguments(c, f, "&state_");
  text_add(c->out, "); }\n");
}

void backend_c_class(const KirModule *m, const COptions *options, Text *out) {
  CWriter w = c_writer(m, options, out), *c = &w;
  const char *name = c_class_name(out->arena, c->prefix);
  text_printf(out,
              "// %s for C++: one object a stream, no heap. Written by %s; changes are lost.\n"
              "#ifndef GRUS_CLASS_%s_HPP\n#define GRUS_CLASS_%s_HPP\n\n#include \"%s\"\n\nclass %s "
              "{\npublic:\n",
              m->name, options->compiler ? options->compiler : "grus", c->upper, c->upper,
              options->header_name, name);
  if (c_resets_alone(m)) text_printf(out, "  %s() { reset(); }\n", name);
  for (int i = 0; i < m->n_funcs; i++)
    if (is_own(m->func[i])) method(c, m->func[i]);
  if (m->run_kind != KIR_WHOLE)
    text_printf(out, "\nprivate:\n  %s_%s state_;\n", c->prefix, c_object_name(m));
  text_add(out, "};\n\n#endif\n");
}

/* ---- Rust ---- */

static void rust_state(CWriter *c, const char *name) {
  bool any = false;
  text_printf(c->out,
              "\n/// What is kept from call to call; the same fields as in the "
              "C.\n#[repr(C)]\n#[derive(Clone, Copy)]\npub struct %sState {\n",
              name);
  for (int i = 0; i < c->m->n_buffers; i++) {
    const KirBuffer *b = c->m->buffer[i];
    if (b->space != KIR_STATE) continue;
    text_printf(c->out, "    r#%s: [%s; %lld],\n", b->name, elem_names(b->elem)->rust,
                (long long)b->count);
    any = true;
  }
  text_add(c->out, any ? "}\n" : "    unused: u8,\n}\n");
}

void backend_rust(const KirModule *m, const COptions *options, Text *out) {
  CWriter w = c_writer(m, options, out), *c = &w;
  const char *name = c_class_name(out->arena, c->prefix);
  text_printf(out,
              "//! %s for Rust: declarations of the C, which build.rs compiles or the linker is "
              "given. No std needed.\n"
              "//! Written by %s; changes are lost.\n#![allow(non_camel_case_types, "
              "non_upper_case_globals)]\n",
              m->name, options->compiler ? options->compiler : "grus");
  if (m->run_kind != KIR_WHOLE) rust_state(c, name);
  text_add(out, "\nextern \"C\" {\n");
  for (int i = 0; i < m->n_funcs; i++) {
    const KirFunc *f = m->func[i];
    if (!is_own(f)) continue;
    const char *comma = "";
    text_printf(out, "    pub fn %s_%s(", c->prefix, f->name);
    if (f->uses_state) {
      text_printf(out, "state: *mut %sState", name);
      comma = ", ";
    }
    for (int k = 0; k < f->n_buffers; k++) {
      const KirBuffer *b = f->buffers[k];
      const char *pointer = b->rank == 0 ? "" : b->space == KIR_IN ? "*const " : "*mut ";
      text_printf(out, "%sr#%s: %s%s", comma, b->name, pointer, elem_names(b->elem)->rust);
      comma = ", ";
    }
    if (f->takes_weights) text_printf(out, "%sweights: *const core::ffi::c_void", comma);
    text_printf(out, ")%s;\n", f->returns_status ? " -> core::ffi::c_int" : "");
  }
  text_add(out, "}\n");
}
