/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* NAME_selftest(): runs the model on inputs that it makes itself, compares the outputs with what
 * the reference evaluator gave, and, if they differ, runs a second form of the model that gives the
 * value of every layer. In: both modules and the expected numbers. Out: functions that nothing else
 * calls. */
#include "backend/c_internal.h"

#include <string.h>

/* The largest number among the inputs' own: 2^-23 of 24 bits, so that every float is exact. */
static void random_functions(CWriter *c) {
  text_printf(c->out,
              "\n/* The next of a row of numbers that are the same everywhere: 24 bits. */\n"
              "static inline uint32_t %s_selftest_next(uint32_t *state) {\n"
              "  *state = *state * 1664525u + 1013904223u;\n  return *state >> 8;\n}\n",
              c->prefix);
}

static const KirFunc *main_entry(const KirModule *m) {
  return kir_func_find(m, m->run_kind == KIR_STREAM   ? KIR_STEP
                          : m->run_kind == KIR_WINDOW ? KIR_PUSH
                                                      : KIR_RUN);
}

static bool moves_on(const KirModule *m, const KirBuffer *b) {
  const KirPort *p = kir_port_find(m, b);
  return m->run_kind != KIR_WHOLE && p && (p->has_time && (m->run_kind == KIR_STREAM || p->every));
}

static void lengths_of_batch(CWriter *c, const char *name, int64_t length) {
  text_printf(c->out, "  static const size_t %s[%lld] = {", name, (long long)c->m->batch);
  for (int64_t i = 0; i < c->m->batch; i++)
    text_printf(c->out, "%s%lld", i ? ", " : "", (long long)length);
  text_add(c->out, "};\n");
}

/* Memory for every parameter of an entry. */
static void arrays(CWriter *c, const KirFunc *f) {
  int length = 0;
  for (int i = 0; f && i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    if (!kir_is_length(b))
      text_printf(c->out, "  static %s %s[%lld];\n", c_elem(b->elem), b->name, (long long)b->count);
    else if (c->m->batch > 1)
      lengths_of_batch(c, b->name, c->o->selftest->length[length++]);
  }
}

/* Fills the inputs: those that move on with each call, or the others. */
static void fill(CWriter *c, const KirFunc *f, bool moving, int indent) {
  for (int i = 0; f && i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    if (b->space != KIR_IN || kir_is_length(b) || moves_on(c->m, b) != moving) continue;
    const char *next =
        arena_printf(c->out->arena, "%s_selftest_next(&seed)", c->o->selftest_prefix);
    text_printf(c->out, "%*sfor (int i = 0; i < %lld; i++) {\n%*s%s[i] = ", indent, "",
                (long long)b->count, indent + 2, "", b->name);
    if (b->categories)
      text_printf(c->out, "(%s)(%s %% %lldu)", c_elem(b->elem), next, (long long)b->categories);
    else if (b->elem == KIR_F32)
      text_printf(c->out, "(float)(int32_t)%s * %s - 1.0f", next, "1.1920929e-7f");
    else
      text_printf(c->out, "(%s)(%s %% 100u)", c_elem(b->elem), next);
    text_printf(c->out, ";\n%*s}\n", indent, "");
  }
}

/* NAME_step(&state, x, y, ..) on the arrays. */
static void call(CWriter *c, const KirFunc *f, const char *state) {
  const char *comma = "";
  int length = 0;
  text_printf(c->out, "%s_%s(", c->prefix, f->name);
  if (f->uses_state) {
    text_printf(c->out, "&%s", state);
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    text_add(c->out, comma);
    comma = ", ";
    if (kir_is_length(f->buffers[i]) && c->m->batch > 1)
      text_add(c->out, f->buffers[i]->name);
    else if (kir_is_length(f->buffers[i]))
      text_printf(c->out, "%lldu", (long long)c->o->selftest->length[length++]);
    else
      c_flat_argument(c, f->buffers[i], f->buffers[i]->name, NULL);
  }
  if (f->takes_weights) {
    text_printf(c->out, "%sweights", comma);
    comma = ", ";
  }
  if (c->o->scratch == C_SCRATCH_CALLER && f->uses_scratch && c->m->scratch_bytes > 0)
    text_printf(c->out, "%sscratch", comma);
  text_add(c->out, ")");
}

/* The expected numbers of one output: which elements, and what they are. */
static void expected(CWriter *c, const CExpected *e, const KirBuffer *b) {
  enum { IN_A_LINE = 8 };
  text_printf(c->out, "  static const float want_%s[%d] = {", b->name, e->n);
  for (int i = 0; i < e->n; i++) {
    text_add(c->out, i == 0 ? "" : i % IN_A_LINE ? ", " : ",\n    ");
    c_float(c->out, e->want[i]);
  }
  text_add(c->out, "};\n");
  if (!e->at) return;
  text_printf(c->out, "  static const int32_t at_%s[%d] = {", b->name, e->n);
  for (int i = 0; i < e->n; i++)
    text_printf(c->out, "%s%lld",
                i == 0          ? ""
                : i % IN_A_LINE ? ", "
                                : ",\n    ",
                (long long)e->at[i]);
  text_add(c->out, "};\n");
}

static void compare(CWriter *c, const CExpected *e, const KirBuffer *b) {
  const char *cast = b->elem == KIR_F32 ? "" : "(float)";
  const char *at = e->at ? arena_printf(c->out->arena, "at_%s[i]", b->name) : "i";
  text_printf(c->out,
              "  for (int i = 0; i < %d; i++) {\n    const float off = %s%s[%s] - want_%s[i];\n    "
              "if (!(off <= ",
              e->n, cast, b->name, at, b->name);
  c_float(c->out, e->tolerance);
  text_add(c->out, " && -off <= ");
  c_float(c->out, e->tolerance);
  text_printf(c->out, ")) {\n      return %d;\n    }\n  }\n", e->code);
}

static const char *parameter(const KirModule *m) {
  return m->weights_extern ? "const void *weights" : "void";
}

static const char *argument(const KirModule *m) {
  return m->weights_extern ? "weights" : "";
}

/* A function that runs `calls` calls and returns the code of the first output that is not what it
 * should be, in the order of the expected ones; 0: all are. */
static void trial(CWriter *c, const char *name, const CExpected *e, int n, int calls) {
  const KirModule *m = c->m;
  const KirFunc *f = main_entry(m), *reset = kir_func_find(m, KIR_RESET);
  Text *out = c->out;
  text_printf(out, "\nstatic inline int %s_selftest_%s(%s) {\n", c->o->selftest_prefix, name,
              parameter(m));
  for (int i = 0; i < n; i++)
    expected(c, &e[i], m->port[e[i].port].buffer);
  arrays(c, reset);
  arrays(c, f);
  if (m->run_kind != KIR_WHOLE)
    text_printf(out, "  static %s_%s state;\n", c->prefix, c_object_name(m));
  if (c->o->scratch == C_SCRATCH_CALLER && m->scratch_bytes > 0)
    text_printf(out, "  static float scratch[%lld];\n", (long long)m->scratch_bytes / 4);
  text_add(out, "  uint32_t seed = 1u;\n");
  fill(c, reset, false, 2);
  fill(c, f, false, 2);
  if (reset) {
    text_add(out, reset->returns_status ? "  if (" : "  ");
    call(c, reset, "state");
    text_add(out, reset->returns_status ? " != GRUS_OK) {\n    return -1;\n  }\n" : ";\n");
  }
  if (m->run_kind != KIR_WHOLE) {
    text_printf(out, "  for (int call = 0; call < %d; call++) {\n", calls);
    fill(c, f, true, 4);
  }
  const char *indent = m->run_kind != KIR_WHOLE ? "    " : "  ";
  text_printf(out, "%s%s", indent, f->returns_status ? "const int status = " : "");
  call(c, f, "state");
  text_add(out, ";\n");
  if (f->returns_status)
    text_printf(out,
                "%sif (status != GRUS_OK && status != GRUS_NO_OUTPUT) {\n%s  return -1;\n%s}\n",
                indent, indent, indent);
  if (m->run_kind != KIR_WHOLE) text_add(out, "  }\n");
  for (int i = 0; i < n; i++)
    compare(c, &e[i], m->port[e[i].port].buffer);
  text_add(out, "  return 0;\n}\n");
}

/* Weights that both forms of the model have are there once. */
static bool same_weights(const KirBuffer *a, const KirBuffer *b) {
  size_t bytes = (size_t)a->count * (size_t)kir_elem_size(a->elem);
  return a->space == KIR_CONST && b->space == KIR_CONST && a->elem == b->elem &&
         a->count == b->count && a->data && b->data && memcmp(a->data, b->data, bytes) == 0;
}

static const KirBuffer *twin(const KirModule *m, const KirBuffer *b) {
  for (int i = 0; i < m->n_buffers; i++)
    if (same_weights(b, m->buffer[i])) return m->buffer[i];
  return NULL;
}

void backend_c_share_block(KirModule *other, const KirModule *m) {
  for (int i = 0; i < other->n_buffers; i++) {
    KirBuffer *b = other->buffer[i];
    if (!kir_is_outside(other, b)) continue;
    const KirBuffer *same = twin(m, b);
    if (same)
      b->weight_offset = same->weight_offset;
    else
      b->origin.layer = NULL; /* as a table of the code */
  }
}

/* "#define kws_selftest_W kws_W": NULL if the buffer has no twin. */
const char *c_selftest_twin(const CWriter *c, const KirBuffer *b) {
  const KirModule *m = c->o->selftest_of;
  const KirBuffer *same = m ? twin(m, b) : NULL;
  return same ? arena_printf(c->out->arena, "#define %s_%s %s_%s\n", c->prefix, b->name,
                             c->o->selftest_prefix, same->name)
              : NULL;
}

void c_selftest_prototype(CWriter *c) {
  if (!c->o->selftest) return;
  text_printf(c->out,
              "\n/* Runs the model on inputs of its own and compares with what it should give. "
              "Returns 0, or a code\n"
              " * that `grus verify MODEL --selftest=CODE` explains: the first layer that is "
              "wrong. Needs no input;\n"
              " * where nothing calls it, it takes no room (in a .c file: with -ffunction-sections "
              "-fdata-sections\n"
              " * and --gc-sections). */\n%sint %s_selftest(%s);\n",
              c->single_header ? "static inline " : "", c->prefix, parameter(c->m));
}

/* The numbers are those of one block of weights, which its head names. */
static void same_block(CWriter *c, const char *head) {
  text_printf(c->out, "  static const unsigned char head[%d] = {", BLOCK_HEAD_BYTES);
  for (int i = 0; i < BLOCK_HEAD_BYTES; i++)
    text_printf(c->out, "%s0x%02x",
                i == 0   ? ""
                : i % 12 ? ", "
                         : ",\n    ",
                (unsigned char)head[i]);
  text_printf(c->out,
              "};\n  for (int i = 0; i < %d; i++) {\n    if (((const unsigned char *)weights)[i] "
              "!= head[i]) {\n      return -2;\n    }\n  }\n",
              BLOCK_HEAD_BYTES);
}

/* The second form of the model of c, and NAME_selftest_layers. */
static void layers(CWriter *c, const KirModule *module) {
  const CSelftest *test = c->o->selftest;
  COptions options = *c->o;
  options.selftest_prefix = c->prefix;
  options.prefix = arena_printf(c->out->arena, "%s_selftest", c->prefix);
  options.selftest_of = c->m;
  CWriter probe = c_writer(module, &options, c->out);
  probe.single_header = probe.has_body = true;
  probe.assumes_fma = c->assumes_fma;
  probe.inlines = c->inlines;
  c_state_struct(&probe);
  c_body(&probe);
  trial(&probe, "layers", test->layer, test->n_layers, test->calls);
}

void c_selftest_body(CWriter *c, int body) {
  const CSelftest *test = c->o->selftest;
  if (!test || !test->probe) return;
  random_functions(c);
  layers(c, test->probe[body]);
}

void c_selftest(CWriter *c, void (*choose)(void *arg, CWriter *c), void *arg) {
  const CSelftest *test = c->o->selftest;
  if (!test) return;
  Text *out = c->out;
  COptions main_options = *c->o;
  main_options.selftest_prefix = c->prefix;
  CWriter entry = *c;
  entry.o = &main_options;
  text_add(out, "\n/* ---- self-test ---- */\n");
  random_functions(c);
  trial(&entry, "outputs", test->out, test->n_out, test->calls);
  if (test->probe && choose)
    choose(arg, c);
  else if (test->probe)
    layers(c, *test->probe);
  text_printf(out, "\n%sint %s_selftest(%s) {\n", c->single_header ? "static inline " : "",
              c->prefix, parameter(c->m));
  if (test->block_head) same_block(c, test->block_head);
  text_printf(out, "  const int outputs = %s_selftest_outputs(%s);\n", c->prefix, argument(c->m));
  if (test->probe)
    text_printf(out,
                "  const int layers = outputs ? %s_selftest_layers(%s) : 0;\n  return layers ? "
                "layers : outputs;\n}\n",
                c->prefix, argument(c->m));
  else
    text_add(out, "  return outputs;\n}\n");
}
