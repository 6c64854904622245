/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> C with a body for each kind of processor. In: one module for each, of the same model. Out:
 * static functions NAME_v3_step for every body that the compiler can use, and the entries,
 * NAME_step, which call those of the best. The state struct of the interface has room for any
 * body's. */
#include "backend/c_internal.h"

#include <string.h>

typedef struct Multi {
  const CBody *body;
  int n, first; /* of them; the number of *body among all */
  const COptions *o;
  bool dispatch;
  int64_t state, scratch; /* greatest of all bodies, bytes */
} Multi;

static int64_t greater(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static CWriter body_writer(const Multi *x, int i, COptions *o, Text *out) {
  *o = *x->o;
  const char *prefix = o->prefix ? o->prefix : x->body[i].m->name;
  o->prefix = arena_printf(out->arena, "%s_%s", prefix, x->dispatch ? x->body[i].name : "body");
  CWriter c = c_writer(x->body[i].m, o, out);
  c.single_header = c.has_body = true;
  c.inlines = x->body[i].inlines;
  c.assumes_fma = x->dispatch && x->body[i].target && x->body[i].has_fma;
  return c;
}

/* Instructions beyond the compiler's own, for the functions between open and close. */
static void instructions(Text *out, const char *target, bool open) {
  if (!target) return;
  if (open)
    text_printf(
        out,
        "\n#if defined(__clang__)\n#pragma clang attribute push(__attribute__((target(\"%s\"))), "
        "apply_to = function)\n#else\n#pragma GCC push_options\n#pragma GCC "
        "target(\"%s\")\n#endif\n",
        target, target);
  else
    text_add(
        out,
        "\n#if defined(__clang__)\n#pragma clang attribute pop\n#else\n#pragma GCC pop_options\n"
        "#endif\n");
}

static void write_body(const Multi *x, int i, Text *out) {
  COptions o;
  CWriter c = body_writer(x, i, &o, out);
  text_printf(out, "\n/* ---- %s ---- */\n", x->body[i].name);
  c_state_struct(&c);
  c_body(&c);
  c_selftest_body(&c, x->first + i);
}

/* The compiler's macros choose one. */
static void bodies_chosen(const Multi *x, Text *out) {
  for (int i = 0; i < x->n; i++) {
    if (x->body[i].when)
      text_printf(out, i ? "\n#elif %s\n" : "\n#if %s\n", x->body[i].when);
    else
      text_add(out, i ? "\n#else\n" : "\n");
    write_body(x, i, out);
  }
  if (x->n > 1) text_add(out, "\n#endif\n");
}

/* The processor chooses between those that have a target; the compiler's macros between the
 * rest. */
static void bodies_all(const Multi *x, const char *upper, Text *out) {
  text_printf(out,
              "\n/* whether the processor is asked, at each call, which body it can run */\n"
              "#if defined(__x86_64__) && defined(__GNUC__)\n#define %s_DISPATCH 1\n#include "
              "<immintrin.h>\n"
              "#else\n#define %s_DISPATCH 0\n#endif\n\n#if %s_DISPATCH\n",
              upper, upper, upper);
  for (int i = 0; i < x->n; i++) {
    if (!x->body[i].target) continue;
    instructions(out, x->body[i].target, true);
    write_body(x, i, out);
    instructions(out, x->body[i].target, false);
  }
  text_add(out, "\n#endif\n");
  bool first = true;
  for (int i = 0; i < x->n; i++) {
    if (x->body[i].target) continue;
    if (x->body[i].when)
      text_printf(out, first ? "\n#if %s\n" : "\n#elif %s\n", x->body[i].when);
    else
      text_add(out, first ? "\n#if 1\n" : "\n#else\n");
    CBody base = x->body[i];
    Multi one = *x;
    base.name = "base";
    one.body = &base;
    one.n = 1;
    one.first = i;
    write_body(&one, 0, out);
    first = false;
  }
  text_add(out, "\n#endif\n");
}

static void call_body(const CWriter *c, const KirFunc *f, const char *body, const char *state,
                      int indent) {
  Text *out = c->out;
  text_fill(out, ' ', (size_t)indent);
  text_printf(out, "%s%s_%s_%s(", f->returns_status ? "return " : "", c->prefix, body, f->name);
  const char *comma = "";
  if (f->uses_state) {
    text_printf(out, "(%s_%s_%s *)(void *)%s", c->prefix, body, state, c->self);
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    text_printf(out, "%s%s", comma, f->buffers[i]->name);
    comma = ", ";
  }
  text_add(out, ");\n");
}

static void entry(const Multi *x, CWriter *c, const KirFunc *f) {
  const char *state = c_object_name(c->m);
  text_add(c->out, "\n");
  c_prototype(c, f, false);
  text_add(c->out, " {\n");
  if (x->dispatch) text_printf(c->out, "#if %s_DISPATCH\n", c->upper);
  for (int i = 0; x->dispatch && i < x->n; i++) {
    if (!x->body[i].target) continue;
    text_printf(c->out, "  if (%s) {\n", x->body[i].test);
    call_body(c, f, x->body[i].name, state, 4);
    if (!f->returns_status) text_add(c->out, "    return;\n");
    text_add(c->out, "  }\n");
  }
  if (x->dispatch) text_add(c->out, "#endif\n");
  call_body(c, f, x->dispatch ? "base" : "body", state, 2);
  text_add(c->out, "}\n");
}

/* NAME_selftest_layers: that of the body which the entries call. */
static void choose_layers(void *arg, CWriter *c) {
  const Multi *x = arg;
  text_printf(c->out, "\nstatic inline int %s_selftest_layers(void) {\n", c->prefix);
  if (x->dispatch) text_printf(c->out, "#if %s_DISPATCH\n", c->upper);
  for (int i = 0; x->dispatch && i < x->n; i++)
    if (x->body[i].target)
      text_printf(c->out, "  if (%s) {\n    return %s_%s_selftest_layers();\n  }\n",
                  x->body[i].test, c->prefix, x->body[i].name);
  if (x->dispatch) text_add(c->out, "#endif\n");
  text_printf(c->out, "  return %s_%s_selftest_layers();\n}\n", c->prefix,
              x->dispatch ? "base" : "body");
}

static void bodies_and_entries(Multi *x, CWriter *c) {
  if (x->dispatch)
    bodies_all(x, c->upper, c->out);
  else
    bodies_chosen(x, c->out);
  for (int i = 0; i < c->m->n_funcs; i++)
    if (c->m->func[i]->kind != KIR_HELPER) entry(x, c, c->m->func[i]);
  c_selftest(c, choose_layers, x);
}

/* The interface is that of the last body, with room for the needs of any. */
static CWriter face_writer(const Multi *x, KirModule *face, Text *out) {
  *face = *x->body[x->n - 1].m;
  face->scratch_bytes = x->scratch;
  CWriter c = c_writer(face, x->o, out);
  c.any_state = x->state;
  return c;
}

void backend_c_multi(const CBody *body, int n, const COptions *options, bool dispatch, Text *header,
                     Text *source) {
  Multi x = {.body = body, .n = n, .o = options, .dispatch = dispatch};
  KirModule face;
  for (int i = 0; i < n; i++) {
    x.state = greater(x.state, kir_state_bytes(body[i].m));
    x.scratch = greater(x.scratch, body[i].m->scratch_bytes);
  }
  if (body[0].m->run_kind != KIR_WHOLE) x.state = greater(x.state, 4);
  CWriter h = face_writer(&x, &face, header);
  h.single_header = h.has_body = !source;
  c_title(&h);
  c_interface(&h);
  if (source) c_extern_c(&h, true);
  c_prototypes(&h);
  c_selftest_prototype(&h);
  if (source) c_extern_c(&h, false);
  c_stream(&h);
  if (!source) bodies_and_entries(&x, &h);
  text_add(header, "\n#endif\n");
  if (!source) return;
  CWriter c = face_writer(&x, &face, source);
  c.has_body = true;
  c_title(&c);
  text_printf(source, "#include \"%s\"\n", options->header_name ? options->header_name : "model.h");
  bodies_and_entries(&x, &c);
}
