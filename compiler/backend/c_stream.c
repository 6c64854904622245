/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What stands in the header around the entries of a stream, for programs that play audio or take
 * samples in interrupts: NAME_is_finite, NAME_block, --flush and --queue. In: a module and its
 * options. Out: static inline functions that call the entries, so that they serve C and objects
 * alike. */
#include "backend/c_internal.h"

#include <string.h>

static const KirFunc *entry_of(const KirModule *m) {
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind == KIR_STEP || m->func[i]->kind == KIR_PUSH) return m->func[i];
  return NULL;
}

/* A name for something of ours among the parameters: no port has it. */
static const char *free_name(const CWriter *c, const char *wanted) {
  const char *name = wanted;
  for (int n = 2, i = 0; i < c->m->n_buffers; i++) {
    if (strcmp(c->m->buffer[i]->name, name) != 0) continue;
    name = arena_printf(c->out->arena, "%s_%d", wanted, n++);
    i = -1;
  }
  return name;
}

/* A port whose rows follow one another in a block; others are the same for all of its calls. */
static bool moves_on(const KirModule *m, const KirBuffer *b) {
  const KirPort *p = kir_port_find(m, b);
  return p && p->has_time;
}

static bool has_floats(const KirModule *m) {
  for (int i = 0; i < m->n_ports; i++)
    if (!m->port[i].is_out && m->port[i].buffer->elem == KIR_F32) return true;
  return false;
}

static void finite(CWriter *c) {
  if (!has_floats(c->m)) return;
  text_printf(
      c->out,
      "\n/* 1 if none of n numbers is a NaN or an infinity, whatever flags the compiler has. */\n"
      "static inline int %s_is_finite(const float *x, size_t n) {\n"
      "  for (size_t i = 0; i < n; i++) {\n    union {\n      float f;\n      uint32_t u;\n    } "
      "number;\n"
      "    number.f = x[i];\n    if ((number.u & 0x7f800000u) == 0x7f800000u) {\n      return 0;\n "
      "   }\n"
      "  }\n  return 1;\n}\n",
      c->prefix);
}

/* The control word of the floating point unit: bits to set, how it is read and written. */
static const struct {
  const char *when, *word, *bits, *read, *write;
} flush_modes[] = {
    {"(defined(__x86_64__) || defined(__SSE__)) && defined(__GNUC__)", "uint32_t", "0x8040u",
     "before = __builtin_ia32_stmxcsr();", "__builtin_ia32_ldmxcsr(%s);"},
    {"defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))", "uint32_t", "0x8040u",
     "before = _mm_getcsr();", "_mm_setcsr(%s);"},
    {"defined(__aarch64__) && defined(__GNUC__)", "uint64_t", "(uint64_t)1 << 24",
     "__asm__ volatile(\"mrs %0, fpcr\" : \"=r\"(before));",
     "__asm__ volatile(\"msr fpcr, %%0\" : : \"r\"(%s));"},
    {"defined(__arm__) && defined(__ARM_FP) && defined(__GNUC__)", "uint32_t", "(uint32_t)1 << 24",
     "__asm__ volatile(\"vmrs %0, fpscr\" : \"=r\"(before));",
     "__asm__ volatile(\"vmsr fpscr, %%0\" : : \"r\"(%s));"},
};

/* GCC and clang keep what is computed from memory on its side of this. */
static const char *const fence =
    "#if defined(__GNUC__)\n  __asm__ volatile(\"\" : : : \"memory\");\n#endif\n";

static void flush_body(CWriter *c, bool on) {
  Text *out = c->out;
  for (size_t i = 0; i < sizeof flush_modes / sizeof *flush_modes; i++) {
    text_printf(out, "%s %s\n", i ? "#elif" : "#if", flush_modes[i].when);
    text_add(out, "  ");
    if (on) {
      text_printf(out, "%s before;\n  %s\n  ", flush_modes[i].word, flush_modes[i].read);
      text_printf(out, flush_modes[i].write,
                  arena_printf(out->arena, "before | %s", flush_modes[i].bits));
      text_add(out, "\n  was = before;\n");
    } else {
      text_printf(out, flush_modes[i].write,
                  arena_printf(out->arena, "(%s)was", flush_modes[i].word));
      text_add(out, "\n");
    }
  }
  text_add(out, on ? "#endif\n" : "#else\n  (void)was;\n#endif\n");
}

static void flush(CWriter *c) {
  Text *out = c->out;
  if (!c->o->flush) return;
  text_add(out, "\n#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))\n#include "
                "<xmmintrin.h>\n#endif\n");
  text_printf(
      out,
      "\n/* From here on this thread takes subnormal numbers as 0, which is fast. Gives what\n"
      " * %s_flush_restore is to be given at the end. */\n"
      "static inline uint64_t %s_flush_on(void) {\n  uint64_t was = 0;\n",
      c->prefix, c->prefix);
  flush_body(c, true);
  text_printf(out, "%s  return was;\n}\n\nstatic inline void %s_flush_restore(uint64_t was) {\n%s",
              fence, c->prefix, fence);
  flush_body(c, false);
  text_add(out, "}\n");
}

void c_stream_helpers(CWriter *c) {
  finite(c);
  flush(c);
}

/* ", const void *weights, float scratch[..]" as the entry has them. */
static void last_parameters(CWriter *c, const KirFunc *f) {
  if (f->takes_weights) text_add(c->out, ", const void *weights");
  if (c->o->scratch == C_SCRATCH_CALLER && f->uses_scratch && c->m->scratch_bytes > 0)
    text_printf(c->out, ", float scratch[GRUS_N(%lld)]", (long long)c->m->scratch_bytes / 4);
}

static void last_arguments(CWriter *c, const KirFunc *f) {
  if (f->takes_weights) text_add(c->out, ", weights");
  if (c->o->scratch == C_SCRATCH_CALLER && f->uses_scratch && c->m->scratch_bytes > 0)
    text_add(c->out, ", scratch");
}

/* Element `at` of flat memory as an argument of the type that the entry declares. */
void c_flat_argument(CWriter *c, const KirBuffer *b, const char *memory, const char *at) {
  const char *place = at ? arena_printf(c->out->arena, "%s + %s", memory, at) : memory;
  if (b->rank == 0) {
    text_printf(c->out, "%s[%s]", memory, at ? at : "0");
    return;
  }
  if (b->rank < 2 || c->o->flat_arrays) {
    text_add(c->out, place);
    return;
  }
  text_printf(c->out, "(%s%s(*)", b->space == KIR_IN ? "const " : "", c_elem(b->elem));
  for (int d = 1; d < b->rank; d++)
    text_printf(c->out, "[%lld]", (long long)b->dim[d]);
  text_printf(c->out, ")(%s)", place);
}

void c_flat_arguments(CWriter *c, const KirFunc *f, const char *state) {
  const char *comma = "";
  if (f->uses_state) {
    text_add(c->out, state);
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    text_add(c->out, comma);
    if (b->rank == 0)
      text_add(c->out, b->name);
    else
      c_flat_argument(c, b, b->name, NULL);
    comma = ", ";
  }
  if (f->takes_weights) text_printf(c->out, "%sweights", comma);
}

/* "k * 13": where call number k begins in the block of a port. NULL: at its beginning. */
static const char *call_at(const CWriter *c, const KirBuffer *b, const char *k) {
  if (!moves_on(c->m, b)) return NULL;
  return b->count == 1 ? k : arena_printf(c->out->arena, "%s * %lld", k, (long long)b->count);
}

static void block_comment(CWriter *c, const KirFunc *f, const char *n) {
  const KirModule *m = c->m;
  Text *out = c->out;
  text_printf(
      out, "\n/* Takes %s steps of the stream at once, with the results of as many calls of %s_%s.",
      n, c->prefix, f->name);
  if (m->steps_per_call > 1)
    text_printf(
        out,
        "\n * %s is a multiple of %s_STEPS, else GRUS_BAD_LENGTH is returned and nothing done.", n,
        c->upper);
  if (m->first_output)
    text_add(out, "\n * Steps without an output give zeros; GRUS_NO_OUTPUT if all were such.");
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    const char *unit = m->steps_per_call > 1 ? "call" : "step";
    text_printf(out, "\n *   %s: ", b->name);
    if (!moves_on(m, b))
      text_printf(out, "as in %s_%s, the same for the whole block", c->prefix, f->name);
    else if (b->count == 1)
      text_printf(out, "one number a %s", unit);
    else
      text_printf(out, "%lld numbers a %s, one %s after the other", (long long)b->count, unit,
                  unit);
  }
  text_add(out, " */\n");
}

static void pointers(CWriter *c, const KirFunc *f, bool in, bool out) {
  for (int i = 0; i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    if (b->space == KIR_IN ? in : out)
      text_printf(c->out, ", %s%s *%s", b->space == KIR_IN ? "const " : "", c_elem(b->elem),
                  b->name);
  }
}

/* Rows of a call that gave nothing. */
static void silence(CWriter *c, const KirFunc *f, const char *k, const char *i) {
  for (int n = 0; n < f->n_buffers; n++) {
    const KirBuffer *b = f->buffers[n];
    const char *at = call_at(c, b, k);
    if (b->space != KIR_OUT) continue;
    text_printf(c->out,
                "      for (size_t %s = 0; %s < %lld; %s++) {\n        %s[%s%s%s] = 0;\n      }\n",
                i, i, (long long)b->count, i, b->name, at ? at : "", at ? " + " : "", i);
  }
}

static void block(CWriter *c, const KirFunc *f) {
  const KirModule *m = c->m;
  Text *out = c->out;
  const char *n = free_name(c, "n"), *k = free_name(c, "k"), *i = free_name(c, "i"),
             *now = free_name(c, "now"), *status = free_name(c, "status"),
             *was = free_name(c, "was");
  bool answers = f->returns_status || m->steps_per_call > 1;
  block_comment(c, f, n);
  text_printf(out, "static inline %s %s_block(%s_state *%s, size_t %s", answers ? "int" : "void",
              c->prefix, c->prefix, c->self, n);
  pointers(c, f, true, true);
  last_parameters(c, f);
  text_add(out, ") {\n");
  if (m->steps_per_call > 1)
    text_printf(out, "  if (%s %% %s_STEPS != 0) {\n    return GRUS_BAD_LENGTH;\n  }\n", n,
                c->upper);
  if (answers)
    text_printf(out, "  int %s = %s;\n", status,
                m->first_output ? arena_printf(out->arena, "%s ? GRUS_NO_OUTPUT : GRUS_OK", n)
                                : "GRUS_OK");
  if (c->o->flush) text_printf(out, "  const uint64_t %s = %s_flush_on();\n", was, c->prefix);
  text_printf(out, "  for (size_t %s = 0; %s < %s%s; %s++) {\n    %s%s_%s(%s", k, k, n,
              m->steps_per_call > 1 ? arena_printf(out->arena, " / %s_STEPS", c->upper) : "", k,
              f->returns_status ? arena_printf(out->arena, "const int %s = ", now) : "", c->prefix,
              f->name, c->self);
  for (int b = 0; b < f->n_buffers; b++) {
    text_add(out, ", ");
    c_flat_argument(c, f->buffers[b], f->buffers[b]->name, call_at(c, f->buffers[b], k));
  }
  last_arguments(c, f);
  text_add(out, ");\n");
  if (m->first_output) {
    text_printf(out, "    if (%s == GRUS_NO_OUTPUT) {\n", now);
    silence(c, f, k, i);
    text_printf(out, "      continue;\n    }\n    %s = %s;\n", status, now);
  } else if (f->returns_status) {
    text_printf(out, "    %s = %s;\n", status, now);
  }
  if (f->returns_status) text_printf(out, "    if (%s != GRUS_OK) {\n      break;\n    }\n", now);
  text_add(out, "  }\n");
  if (c->o->flush) text_printf(out, "  %s_flush_restore(%s);\n", c->prefix, was);
  if (answers) text_printf(out, "  return %s;\n", status);
  text_add(out, "}\n");
}

/* ---- samples that wait ---- */

static const char *put_name(const CWriter *c) {
  return free_name(c, "put");
}
static const char *taken_name(const CWriter *c) {
  return free_name(c, "taken");
}

/* What one side of the queue has written is there for the other, whichever core it runs on. */
static void barrier(CWriter *c) {
  text_printf(c->out,
              "\n/* What was written before is there before what is written after. */\n"
              "static inline void %s_barrier(void) {\n#if defined(__GNUC__)\n  "
              "__sync_synchronize();\n#elif defined(_MSC_VER)\n"
              "  _ReadWriteBarrier();\n#endif\n}\n",
              c->prefix);
}

static void queue_struct(CWriter *c, const KirFunc *f) {
  Text *out = c->out;
  text_printf(out,
              "\n/* Inputs that wait: up to %lld, between one place that puts and one that polls, "
              "such as an\n"
              " * interrupt and the main loop. Neither locks anything. */\ntypedef struct {\n",
              (long long)c->o->queue);
  for (int i = 0; i < f->n_buffers; i++)
    if (f->buffers[i]->space == KIR_IN)
      text_printf(out, "  %s %s[%lld];\n", c_elem(f->buffers[i]->elem), f->buffers[i]->name,
                  (long long)(f->buffers[i]->count * (c->o->queue + 1)));
  text_printf(out, "  volatile uint32_t %s, %s;\n} %s_queue;\n", put_name(c), taken_name(c),
              c->prefix);
}

int64_t backend_c_queue_bytes(const KirModule *m, int64_t queue) {
  const KirFunc *f = queue ? entry_of(m) : NULL;
  const int64_t word = 4; /* of `put` and `taken` */
  int64_t bytes = 0, widest = word;
  for (int i = 0; f && i < f->n_buffers; i++) {
    const KirBuffer *b = f->buffers[i];
    int64_t size = kir_elem_size(b->elem);
    if (b->space != KIR_IN) continue;
    bytes = size_whole(bytes, size) + b->count * (queue + 1) * size;
    if (size > widest) widest = size;
  }
  return f ? size_whole(size_whole(bytes, word) + 2 * word, widest) : 0;
}

static void queue_put(CWriter *c, const KirFunc *f) {
  Text *out = c->out;
  const char *q = free_name(c, "q"), *k = free_name(c, "k"), *i = free_name(c, "i"),
             *next = free_name(c, "next"), *put = put_name(c), *taken = taken_name(c);
  text_printf(
      out,
      "\nstatic inline void %s_queue_reset(%s_queue *%s) {\n  %s->%s = 0;\n  %s->%s = 0;\n}\n"
      "\n/* Stores the inputs of one call of %s_%s and does nothing else. GRUS_FULL: there is no "
      "room. */\n"
      "static inline int %s_put(%s_queue *%s",
      c->prefix, c->prefix, q, q, put, q, taken, c->prefix, f->name, c->prefix, c->prefix, q);
  pointers(c, f, true, false);
  text_printf(out,
              ") {\n  const uint32_t %s = %s->%s, %s = %s == %lldu ? 0u : %s + 1u;\n"
              "  if (%s == %s->%s) {\n    return GRUS_FULL;\n  }\n  %s_barrier();\n",
              k, q, put, next, k, (long long)c->o->queue, k, next, q, taken, c->prefix);
  for (int n = 0; n < f->n_buffers; n++) {
    const KirBuffer *b = f->buffers[n];
    if (b->space != KIR_IN) continue;
    text_printf(
        out,
        "  for (uint32_t %s = 0; %s < %lldu; %s++) {\n    %s->%s[%s * %lldu + %s] = %s[%s];\n  }\n",
        i, i, (long long)b->count, i, q, b->name, k, (long long)b->count, i, b->name, i);
  }
  text_printf(out, "  %s_barrier();\n  %s->%s = %s;\n  return GRUS_OK;\n}\n", c->prefix, q, put,
              next);
}

static void queue_poll(CWriter *c, const KirFunc *f) {
  Text *out = c->out;
  const char *q = free_name(c, "q"), *k = free_name(c, "k"), *status = free_name(c, "status"),
             *put = put_name(c), *taken = taken_name(c);
  text_printf(out,
              "\n/* Gives what waits to %s_%s until there are outputs: GRUS_OK, call again. "
              "GRUS_NO_OUTPUT:\n"
              " * nothing waits any more. */\nstatic inline int %s_poll(%s_queue *%s, %s_%s *%s",
              c->prefix, f->name, c->prefix, c->prefix, q, c->prefix, c_object_name(c->m), c->self);
  pointers(c, f, false, true);
  last_parameters(c, f);
  text_printf(out,
              ") {\n  int %s = GRUS_NO_OUTPUT;\n  while (%s == GRUS_NO_OUTPUT && %s->%s != %s->%s) "
              "{\n    const uint32_t %s = %s->%s;\n"
              "    %s_barrier();\n    ",
              status, status, q, taken, q, put, k, q, taken, c->prefix);
  if (f->returns_status) text_printf(out, "%s = ", status);
  text_printf(out, "%s_%s(%s", c->prefix, f->name, c->self);
  for (int n = 0; n < f->n_buffers; n++) {
    const KirBuffer *b = f->buffers[n];
    bool in = b->space == KIR_IN;
    text_add(out, ", ");
    c_flat_argument(c, b, in ? arena_printf(out->arena, "%s->%s", q, b->name) : b->name,
                    !in ? NULL
                    : b->count == 1
                        ? k
                        : arena_printf(out->arena, "%s * %lldu", k, (long long)b->count));
  }
  last_arguments(c, f);
  text_add(out, ");\n");
  if (!f->returns_status) text_printf(out, "    %s = GRUS_OK;\n", status);
  text_printf(out,
              "    %s_barrier();\n    %s->%s = %s == %lldu ? 0u : %s + 1u;\n  }\n  return %s;\n}\n",
              c->prefix, q, taken, k, (long long)c->o->queue, k, status);
}

void c_stream(CWriter *c) {
  const KirFunc *f = entry_of(c->m);
  if (!f) return;
  Text nothing = text_new(c->out->arena), *out = c->out;
  c->out = &nothing;
  c_prototype(c, f, false); /* chooses the name of the state */
  c->out = out;
  if (f->kind == KIR_STEP) block(c, f);
  if (!c->o->queue) return;
  text_add(out,
           "\n#ifndef GRUS_FULL\n#define GRUS_FULL 6 /* no room for another sample */\n#endif\n");
  text_add(out, "\n#if defined(_MSC_VER) && !defined(__clang__)\n#include <intrin.h>\n#endif\n");
  barrier(c);
  queue_struct(c, f);
  queue_put(c, f);
  queue_poll(c, f);
}
