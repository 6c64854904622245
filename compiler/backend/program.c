/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The program around a compiled model; see program.h. */
#include "backend/program_internal.h"

#include "backend/c_internal.h"
#include "base/safe.h"

#include <string.h>

static const char *host_elem(KirElem elem) {
  switch (elem) {
  case KIR_F16: return "GRUS_ELEM_F16";
  case KIR_I8: return "GRUS_ELEM_I8";
  case KIR_I16: return "GRUS_ELEM_I16";
  case KIR_I32: return "GRUS_ELEM_I32";
  case KIR_U8: return "GRUS_ELEM_U8";
  case KIR_U16: return "GRUS_ELEM_U16";
  case KIR_F32:
  case KIR_BF16: /* no port has what follows */
  case KIR_SIZE:
  case KIR_INDEX:
  case KIR_BOOL: break;
  }
  return "GRUS_ELEM_F32";
}

void program_string(Text *out, const char *s) {
  if (!s) {
    text_add(out, "NULL");
    return;
  }
  text_add_char(out, '"');
  for (; *s; s++) {
    unsigned char c = (unsigned char)*s;
    if (c == '"' || c == '\\')
      text_printf(out, "\\%c", c);
    else if (c == '\n')
      text_add(out, "\\n");
    else if (c == '?')
      text_add(out, "\\?"); /* no trigraphs */
    else if (c < 0x20 || c == 0x7F)
      text_printf(out, "\\%03o", c);
    else
      text_add_char(out, (char)c);
  }
  text_add_char(out, '"');
}

static const char *role_of(const KirPort *port) {
  return port->is_out ? "GRUS_ROLE_OUT" : port->is_init ? "GRUS_ROLE_INIT" : "GRUS_ROLE_IN";
}

static const char *time_of(const KirPort *port) {
  static const char *const name[] = {"GRUS_TIME_NONE", "GRUS_TIME_FIXED", "GRUS_TIME_BOUNDED",
                                     "GRUS_TIME_STREAM"};
  return port->every ? "GRUS_TIME_WINDOW" : name[port->time_kind];
}

static void print_axes(ProgramPrint *p) {
  for (int i = 0; i < p->m->n_ports; i++) {
    const KirPort *port = &p->m->port[i];
    if (!port->rank) continue;
    text_printf(p->out, "static const GrusAxis axes_%d[] = {", i);
    for (int k = 0; k < port->rank; k++) {
      text_printf(p->out, "%s{%lld, ", k ? ", " : "", (long long)port->dim[k]);
      program_string(p->out, port->label[k]);
      text_add_char(p->out, '}');
    }
    text_add(p->out, "};\n");
  }
}

void program_ports(ProgramPrint *p) {
  print_axes(p);
  text_add(p->out, "\nstatic const GrusPort ports[] = {\n");
  for (int i = 0; i < p->m->n_ports; i++) {
    const KirPort *port = &p->m->port[i];
    text_add(p->out, "    {");
    program_string(p->out, port->name);
    text_add(p->out, ", ");
    program_string(p->out, safe_lines(p->out->arena, port->doc));
    text_printf(p->out, ", %s, %s, %lldu, %d, ", role_of(port), host_elem(port->buffer->elem),
                (long long)port->buffer->categories, port->rank);
    if (port->rank)
      text_printf(p->out, "axes_%d", i);
    else
      text_add(p->out, "NULL");
    text_printf(p->out, ", %d, %s, %d, %lldu, %lldu, ", port->time_axis, time_of(port),
                port->time_kind == TIME_BOUNDED ? port->length : -1,
                (long long)(port->period ? port->period : 1), (long long)port->every);
    if (port->rate_num)
      text_printf(p->out, "%lld.0 / %lld.0", (long long)port->rate_num, (long long)port->rate_den);
    else
      text_add(p->out, "0");
    text_printf(p->out, ", %lldu, %lldu},\n", (long long)port->length_size,
                (long long)port->length_hop);
  }
  text_add(p->out, "};\n");
  if (!p->m->n_lengths) return;
  text_add(p->out, "\nstatic const GrusLength lengths_of[] = {");
  for (int i = 0; i < p->m->n_lengths; i++) {
    text_add(p->out, i ? ", {" : "{");
    program_string(p->out, p->m->length[i].source_name);
    text_printf(p->out, ", %lld}", (long long)p->m->length[i].bound);
  }
  text_add(p->out, "};\n");
}

/* The cast that turns a void pointer into the parameter's type: "(const float (*)[13])". */
static void add_cast(ProgramPrint *p, const KirBuffer *b) {
  const char *is_const = b->space == KIR_IN ? "const " : "";
  if (b->rank < 2) {
    text_printf(p->out, "(%s%s *)", is_const, c_elem(b->elem));
    return;
  }
  text_printf(p->out, "(%s%s (*)", is_const, c_elem(b->elem));
  for (int k = 1; k < b->rank; k++)
    text_printf(p->out, "[%lld]", (long long)b->dim[k]);
  text_add_char(p->out, ')');
}

/* The arguments of an entry: lengths, then inputs and outputs in the order of the host's arrays. */
static void add_arguments(ProgramPrint *p, const KirFunc *f, const char *in_name, bool comma) {
  int in = 0, out = 0, length = 0;
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    if (comma) text_add(p->out, ", ");
    comma = true;
    if (b->elem == KIR_SIZE) {
      text_printf(p->out, b->rank ? "lengths + %lld" : "lengths[%lld]",
                  (long long)(length++ * p->m->batch));
    } else if (b->space == KIR_OUT) {
      add_cast(p, b);
      text_printf(p->out, "out[%d]", out++);
    } else {
      if (!b->rank) text_add_char(p->out, '*');
      add_cast(p, b);
      text_printf(p->out, "%s[%d]", in_name, in++);
    }
  }
}

const char *program_object(const KirModule *m) {
  return m->run_kind == KIR_STREAM ? "state" : m->run_kind == KIR_WINDOW ? "window" : NULL;
}

const char *program_entry(const ProgramPrint *p, KirFuncKind kind, const char *name) {
  bool is_run = kind == KIR_RUN, is_whole = p->m->run_kind == KIR_WHOLE;
  if (is_run != is_whole || !kir_func_find(p->m, kind)) return "NULL";
  return arena_printf(p->out->arena, "%s_%s", p->who, name);
}

/* `static int WHO_NAME(SIGNATURE)` around the entry of that kind, if there is one. */
static void print_call(ProgramPrint *p, KirFuncKind kind, const char *name, const char *signature,
                       const char *object) {
  const KirFunc *f = kir_func_find(p->m, kind);
  bool reset = kind == KIR_RESET;
  if (!f) return;
  text_printf(p->out, "\nstatic int %s_%s(%s) {\n", p->who, name, signature);
  bool has_in = false, has_out = false, has_length = false;
  for (int i = 0; i < f->n_buffers; i++) {
    has_length |= f->buffers[i]->elem == KIR_SIZE;
    has_out |= f->buffers[i]->space == KIR_OUT;
    has_in |= f->buffers[i]->space == KIR_IN && f->buffers[i]->elem != KIR_SIZE;
  }
  if (kind == KIR_RUN && !has_length) text_add(p->out, "  (void)lengths;\n");
  if (!has_in) text_printf(p->out, "  (void)%s;\n", reset ? "init" : "in");
  if (!has_out && !reset) text_add(p->out, "  (void)out;\n");
  text_printf(p->out, "  %s%s_%s(", f->returns_status ? "return " : "", p->prefix, name);
  if (object) text_printf(p->out, "(%s_%s *)state", p->prefix, object);
  add_arguments(p, f, reset ? "init" : "in", object != NULL);
  text_add(p->out, ");\n");
  if (!f->returns_status) text_add(p->out, "  return GRUS_OK;\n");
  text_add(p->out, "}\n");
}

void program_calls(ProgramPrint *p) {
  const char *object = program_object(p->m);
  if (p->m->run_kind == KIR_WHOLE)
    print_call(p, KIR_RUN, "run", "const size_t *lengths, const void *const *in, void *const *out",
               NULL);
  print_call(p, KIR_RESET, "reset", "void *state, const void *const *init", object);
  print_call(p, KIR_STEP, "step", "void *state, const void *const *in, void *const *out", object);
  print_call(p, KIR_PUSH, "push", "void *state, const void *const *in, void *const *out", object);
}

void program_head(ProgramPrint *p, const COptions *options) {
  static const char *const kind[] = {"GRUS_KIND_RUN", "GRUS_KIND_STREAM", "GRUS_KIND_WINDOW"};
  const KirModule *m = p->m;
  text_printf(p->out, "    GRUS_HOST_ABI,\n    %s,\n    ", kind[m->run_kind]);
  program_string(p->out, m->name);
  text_add(p->out, ",\n    ");
  program_string(p->out, safe_lines(p->out->arena, m->doc));
  text_add(p->out, ",\n    ");
  program_string(p->out, options->compiler ? options->compiler : "grus");
  text_printf(p->out,
              ",\n    %lld,\n    ports,\n    sizeof ports / sizeof ports[0],\n    %s,\n    %d,\n",
              (long long)m->batch, m->n_lengths ? "lengths_of" : "NULL", m->n_lengths);
}

static void print_descriptor(ProgramPrint *p, const COptions *options) {
  const char *object = program_object(p->m);
  text_add(p->out,
           "\nextern const GrusProgram grus_program;\nconst GrusProgram grus_program = {\n");
  program_head(p, options);
  if (object)
    text_printf(p->out,
                "    sizeof(%s_%s),\n    offsetof(struct { char c; %s_%s state; }, state),\n",
                p->prefix, object, p->prefix, object);
  else
    text_add(p->out, "    0,\n    1,\n");
  text_printf(p->out, "    %s,\n    %s,\n    %s,\n    %s,\n};\n", program_entry(p, KIR_RUN, "run"),
              program_entry(p, KIR_RESET, "reset"), program_entry(p, KIR_STEP, "step"),
              program_entry(p, KIR_PUSH, "push"));
}

enum { MOST_FEATURES = 16 };

/* What a program asks its processor for, as GCC and clang name it; or the function that knows. */
static const struct {
  const char *target, *words;
  bool has_tiles;                          /* which the system has to allow, too */
  const char *features[MOST_FEATURES + 1]; /* NULL ends them */
  const char *header, *function;
} levels[] = {
#define F(feature) feature,
#define X86_LEVEL(id, name, what, chosen, tiles, list)                                             \
  {.target = name, .words = what, .has_tiles = tiles, .features = {list}},
#include "base/x86_levels.def"
#undef F
    {.target = "aarch64-dotprod",
     .words = "dot products of bytes",
     .header = "host_dotprod.h",
     .function = "host_has_dotprod"},
};

/* The function that asks the processor. */
static void print_question(ProgramPrint *p, size_t level) {
  if (levels[level].has_tiles) text_add(p->out, "\n#include \"host_tiles.h\"\n");
  if (levels[level].header) text_printf(p->out, "\n#include \"%s\"\n", levels[level].header);
  text_add(p->out, "\n#include <stdio.h>\n\nstatic int processor_can(void) {\n");
  if (levels[level].function)
    text_printf(p->out, "  return %s()", levels[level].function);
  else
    text_add(p->out, "  __builtin_cpu_init();\n  return ");
  for (int k = 0; levels[level].features[k]; k++)
    text_printf(p->out, "%s__builtin_cpu_supports(\"%s\")", k ? " && " : "",
                levels[level].features[k]);
  text_add(p->out, ";\n}\n");
}

/* main, which asks the processor before it runs what not every one can. */
static void print_main(ProgramPrint *p, const char *target) {
  size_t i = 0, n = sizeof levels / sizeof *levels;
  while (i < n && !(target && strcmp(levels[i].target, target) == 0))
    i++;
  if (i < n) print_question(p, i);
  text_add(p->out, "\nint main(int argc, char **argv) {\n");
  if (i < n)
    text_printf(p->out,
                "  if (!processor_can()) {\n    fputs(\"%s: error: this program was built for %s, "
                "and this processor has no %s\\n\", stderr);\n"
                "    return GRUS_EXIT_FILE;\n  }\n",
                p->m->name, levels[i].target, levels[i].words);
  if (i < n && levels[i].has_tiles)
    text_printf(p->out,
                "  if (!host_tiles_allowed()) {\n    fputs(\"%s: error: this program was built for "
                "%s, and the system does not let it use the tiles of AMX\\n\", stderr);\n"
                "    return GRUS_EXIT_FILE;\n  }\n",
                p->m->name, levels[i].target);
  text_add(p->out, "  return grus_main(&grus_program, argc, argv);\n}\n");
}

void backend_program(const KirModule *m, const COptions *options, bool with_main, Text *source) {
  ProgramPrint p = {.m = m,
                    .prefix = options->prefix ? options->prefix : m->name,
                    .who = "program",
                    .out = source};
  text_printf(source,
              "/* The program around %s: what its inputs and outputs are, and how to call it. */\n",
              p.prefix);
  text_printf(
      source,
      "#include \"%s\"\n\n#include \"grus_host.h\"\n\n#include <stddef.h>\n#include <stdint.h>\n\n",
      options->header_name);
  program_ports(&p);
  program_calls(&p);
  print_descriptor(&p, options);
  if (with_main) print_main(&p, options->machine.name);
}
