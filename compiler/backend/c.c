/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> C: the order of a header and a source file. */
#include "backend/c.h"

#include "backend/c_internal.h"

static CWriter writer_new(const KirModule *m, const COptions *o, Text *out) {
  CWriter c = {.m = m, .o = o, .out = out, .self = "s"};
  c.prefix = o->prefix ? o->prefix : m->name;
  char *u = arena_strdup(out->arena, c.prefix);
  for (char *p = u; *p; p++)
    if (*p >= 'a' && *p <= 'z') *p = (char)(*p - 'a' + 'A');
  c.upper = u;
  return c;
}

static void title(CWriter *c) {
  text_printf(c->out, "/* %s", c->m->name);
  if (c->m->source_path) text_printf(c->out, ", from %s", c->m->source_path);
  text_printf(c->out, ". Written by %s; changes are lost.",
              c->o->compiler ? c->o->compiler : "grus");
  if (c->m->doc && *c->m->doc) {
    text_add(c->out, "\n *\n * ");
    for (const char *s = c->m->doc; *s; s++) {
      if (*s == '\n')
        text_add(c->out, "\n * ");
      else if (s[0] == '*' && s[1] == '/')
        text_add(c->out, "* ");
      else if (s[0] == '/' && s[1] == '*')
        text_add(c->out, "/ ");
      else
        text_add_char(c->out, *s);
    }
  }
  text_add(c->out, " */\n");
}

static void interface(CWriter *c) {
  text_printf(c->out,
              "#ifndef GRUS_MODEL_%s_H\n#define GRUS_MODEL_%s_H\n\n#include <stddef.h>\n#include "
              "<stdint.h>\n",
              c->upper, c->upper);
  c_grus_macros(c);
  c_macros(c);
  c_weight_map(c);
  c_state_struct(c);
}

static void prototypes(CWriter *c) {
  for (int i = 0; i < c->m->n_funcs; i++) {
    if (c->m->func[i]->kind == KIR_HELPER) continue;
    text_add(c->out, "\n");
    c_prototype(c, c->m->func[i], true);
    text_add(c->out, ";\n");
  }
}

static void extern_c(CWriter *c, bool open) {
  text_add(c->out, open ? "\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n"
                        : "\n#ifdef __cplusplus\n}\n#endif\n");
}

static void body(CWriter *c) {
  c_prelude(c);
  for (int i = 0; i < c->m->n_funcs; i++)
    if (c->m->func[i]->kind == KIR_HELPER) c_helper(c, c->m->func[i]);
  c_weights(c);
  for (int i = 0; i < c->m->n_funcs; i++)
    if (c->m->func[i]->kind != KIR_HELPER) c_function(c, c->m->func[i]);
}

void backend_c(const KirModule *m, const COptions *options, Text *header, Text *source) {
  CWriter h = writer_new(m, options, header);
  title(&h);
  interface(&h);
  extern_c(&h, true);
  prototypes(&h);
  extern_c(&h, false);
  text_add(header, "\n#endif\n");
  if (!source) return;
  CWriter c = writer_new(m, options, source);
  title(&c);
  text_printf(source, "#include \"%s\"\n", options->header_name ? options->header_name : "model.h");
  body(&c);
}

void backend_c_header(const KirModule *m, const COptions *options, Text *header) {
  CWriter c = writer_new(m, options, header);
  c.single_header = true;
  title(&c);
  interface(&c);
  prototypes(&c);
  body(&c);
  text_add(header, "\n#endif\n");
}

void backend_c_prototypes(const KirModule *m, const COptions *options, Text *text) {
  CWriter c = writer_new(m, options, text);
  for (int i = 0; i < m->n_funcs; i++) {
    if (m->func[i]->kind == KIR_HELPER) continue;
    c_prototype(&c, m->func[i], false);
    text_add(text, ";\n");
  }
}
