/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The descriptor of a shared library as C; see library.h. */
#include "backend/library.h"

#include "backend/program_internal.h"

static ProgramPrint print_of(const LibraryBody *body, int i, bool batched, Text *out) {
  return (ProgramPrint){.m = batched ? body->batched : body->m,
                        .prefix = batched ? body->batched_prefix : body->prefix,
                        .who = arena_printf(out->arena, batched ? "batched_%d" : "body_%d", i),
                        .out = out};
}

static void print_bodies(const LibraryBody *body, int n, Text *out) {
  text_add(out, "\nstatic const GrusBody bodies[] = {\n");
  for (int i = 0; i < n; i++) {
    ProgramPrint p = print_of(&body[i], i, false, out), b = print_of(&body[i], i, true, out);
    text_printf(out, "    {\"%s\", %s, %s, %s,\n     ", body[i].name, body[i].needs,
                program_entry(&p, KIR_RUN, "run"),
                body[i].batched ? program_entry(&b, KIR_RUN, "run") : "NULL");
    text_printf(out, "%s, %s, %s},\n", program_entry(&p, KIR_RESET, "reset"),
                program_entry(&p, KIR_STEP, "step"), program_entry(&p, KIR_PUSH, "push"));
  }
  text_add(out, "};\n");
}

/* After a head of 64 bytes there is room for the state of any body. */
static void print_state(const LibraryBody *body, int n, const char *object, Text *out) {
  text_add(out, "\ntypedef union States {\n");
  for (int i = 0; i < n; i++)
    text_printf(out, "  %s_%s of_%d;\n", body[i].prefix, object, i);
  text_add(out, "} States;\n");
}

static void print_program(ProgramPrint *p, const LibraryOptions *options) {
  COptions c = {.compiler = options->compiler};
  bool run = p->m->run_kind == KIR_WHOLE, window = p->m->run_kind == KIR_WINDOW;
  text_add(
      p->out,
      "\nint grus_shared_run(const size_t *lengths, const void *const *in, void *const *out);\n"
      "int grus_shared_reset(void *state, const void *const *init);\n"
      "int grus_shared_step(void *state, const void *const *in, void *const *out);\n"
      "int grus_shared_push(void *window, const void *const *in, void *const *out);\n"
      "\nEXPORTED const GrusProgram grus_program = {\n");
  program_head(p, &c);
  text_add(p->out,
           run ? "    0,\n    1,\n" : "    64 + (sizeof(States) + 63) / 64 * 64,\n    64,\n");
  text_printf(p->out, "    %s,\n    %s,\n    %s,\n    %s,\n};\n", run ? "grus_shared_run" : "NULL",
              run ? "NULL" : "grus_shared_reset", run || window ? "NULL" : "grus_shared_step",
              window ? "grus_shared_push" : "NULL");
}

static void print_library(const KirModule *m, const LibraryOptions *options, Text *out) {
  text_add(out, "\nstatic const uint32_t lags[] = {");
  for (int i = 0; i < m->n_ports; i++)
    text_printf(out, "%s%lldu", i ? ", " : "", (long long)m->port[i].lag);
  text_printf(out,
              "};\n\nEXPORTED const GrusLibrary grus_library = {\n    GRUS_LIBRARY_ABI,\n    "
              "sizeof(GrusLibrary),\n"
              "    &grus_program,\n    %lld,\n    %lld,\n    %lld,\n    lags,\n    bodies,\n"
              "    sizeof bodies / sizeof bodies[0],\n};\n",
              (long long)options->batch, (long long)options->stack, (long long)m->first_output);
}

void backend_library(const LibraryBody *body, int n, const LibraryOptions *options, Text *source) {
  const char *object = program_object(body[0].m);
  ProgramPrint face = print_of(&body[0], 0, false, source);
  text_printf(source, "/* What the shared library of %s holds, and how its bodies are called. */\n",
              body[0].m->name);
  for (int i = 0; i < n; i++) {
    text_printf(source, "#include \"%s.h\"\n", body[i].prefix);
    if (body[i].batched) text_printf(source, "#include \"%s.h\"\n", body[i].batched_prefix);
  }
  text_add(source,
           "\n#include \"grus_shared.h\"\n\n#include <stddef.h>\n#include <stdint.h>\n\n"
           "#if defined(_WIN32)\n#define EXPORTED __declspec(dllexport)\n"
           "#elif defined(__GNUC__)\n#define EXPORTED __attribute__((visibility(\"default\")))\n"
           "#else\n#define EXPORTED\n#endif\n\n");
  program_ports(&face);
  for (int i = 0; i < n; i++) {
    ProgramPrint p = print_of(&body[i], i, false, source), b = print_of(&body[i], i, true, source);
    program_calls(&p);
    if (body[i].batched) program_calls(&b);
  }
  print_bodies(body, n, source);
  if (object) print_state(body, n, object, source);
  print_program(&face, options);
  print_library(body[0].m, options, source);
}
