/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> C: the order of a header and a source file. */
#include "backend/c.h"

#include "backend/c_internal.h"
#include "base/safe.h"

#include <string.h>

CWriter c_writer(const KirModule *m, const COptions *o, Text *out) {
  CWriter c = {.m = m, .o = o, .out = out, .self = "s", .inlines = o->machine.inlines};
  c.prefix = o->prefix ? o->prefix : m->name;
  c.upper = text_upper(out->arena, c.prefix);
  return c;
}

void c_title(CWriter *c) {
  text_printf(c->out, "/* %s", c->m->name);
  if (c->m->source_path)
    text_printf(c->out, ", from %s", safe_line(c->out->arena, c->m->source_path));
  text_printf(c->out, ". Written by %s; changes are lost.",
              c->o->compiler ? c->o->compiler : "grus");
  if (c->m->doc && *c->m->doc) {
    text_add(c->out, "\n *\n * ");
    c_comment_text(c->out, c->m->doc, "\n * ");
  }
  if (c->o->machine.name && c->has_body)
    text_printf(c->out, "\n *\n * Made for %s: compile it with %s.",
                strcmp(c->o->machine.name, "generic") ? c->o->machine.name : "any processor",
                c_flags(c->out->arena, &c->o->machine));
  text_add(c->out, " */\n");
}

const char *c_flags(Arena *arena, const CMachine *machine) {
  const char *flags = machine->flags ? machine->flags : "";
  return arena_printf(arena, "-O2 -ffp-contract=off%s%s", *flags ? " " : "", flags);
}

/* Compilers that could not use what the file is made for are told so, before they complain of
 * something else or make slow code. */
static void demands(CWriter *c) {
  const CMachine *machine = &c->o->machine;
  if (!machine->name) return;
  if (c->m->lanes > 1 && c->o->vectors == C_VECTORS_GNU)
    text_add(c->out, "\n#if !defined(__GNUC__) && !defined(__clang__)\n"
                     "#error \"this file has vectors of gcc and clang: build it with --vectors=iso "
                     "for other compilers\"\n#endif\n");
  if (machine->needs)
    text_printf(c->out,
                "\n#if !(%s)\n#error \"this file is made for %s: compile it with %s\"\n#endif\n",
                machine->needs, machine->name,
                *machine->flags ? machine->flags : "a compiler for that machine");
}

void c_interface(CWriter *c) {
  text_printf(c->out,
              "#ifndef GRUS_MODEL_%s_H\n#define GRUS_MODEL_%s_H\n\n#include <stddef.h>\n#include "
              "<stdint.h>\n",
              c->upper, c->upper);
  c_grus_macros(c);
  c_macros(c);
  c_weights_check(c);
  c_state_struct(c);
  c_stream_helpers(c);
}

void c_prototypes(CWriter *c) {
  for (int i = 0; i < c->m->n_funcs; i++) {
    if (c->m->func[i]->kind == KIR_HELPER) continue;
    text_add(c->out, "\n");
    c_prototype(c, c->m->func[i], true);
    text_add(c->out, ";\n");
  }
}

void c_extern_c(CWriter *c, bool open) {
  text_add(c->out, open ? "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                        : "\n#ifdef __cplusplus\n}\n#endif\n");
}

void c_body(CWriter *c) {
  c_prelude(c);
  c_weights(c, true);
  for (int i = 0; i < c->m->n_funcs; i++)
    if (c->m->func[i]->kind == KIR_HELPER) {
      c_helper(c, c->m->func[i]);
      c_mve_helper(c, c->m->func[i]);
    }
  c_weights(c, false);
  for (int i = 0; i < c->m->n_funcs; i++)
    if (c->m->func[i]->kind != KIR_HELPER) c_function(c, c->m->func[i]);
}

void backend_c(const KirModule *m, const COptions *options, Text *header, Text *source) {
  CWriter h = c_writer(m, options, header);
  c_title(&h);
  c_interface(&h);
  c_extern_c(&h, true);
  c_prototypes(&h);
  c_selftest_prototype(&h);
  c_extern_c(&h, false);
  c_stream(&h);
  text_add(header, "\n#endif\n");
  if (!source) return;
  CWriter c = c_writer(m, options, source);
  c.has_body = true;
  c_title(&c);
  text_printf(source, "#include \"%s\"\n", options->header_name ? options->header_name : "model.h");
  demands(&c);
  c_body(&c);
  c_selftest(&c, NULL, NULL);
}

void backend_c_header(const KirModule *m, const COptions *options, Text *header) {
  CWriter c = c_writer(m, options, header);
  c.single_header = c.has_body = true;
  c_title(&c);
  c_interface(&c);
  c_prototypes(&c);
  c_selftest_prototype(&c);
  c_stream(&c);
  demands(&c);
  c_body(&c);
  c_selftest(&c, NULL, NULL);
  text_add(header, "\n#endif\n");
}

void backend_c_prototypes(const KirModule *m, const COptions *options, Text *text) {
  CWriter c = c_writer(m, options, text);
  for (int i = 0; i < m->n_funcs; i++) {
    if (m->func[i]->kind == KIR_HELPER) continue;
    c_prototype(&c, m->func[i], false);
    text_add(text, ";\n");
  }
}
