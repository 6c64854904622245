/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The C interface of a module: macros, the state struct, prototypes with their comments. */
#include "backend/c_internal.h"

#include "backend/block.h"
#include "base/shape.h"

#include <string.h>

void c_grus_macros(CWriter *c) {
  text_add(c->out, "\n#ifndef GRUS_OK\n"
                   "#define GRUS_OK         0\n"
                   "#define GRUS_BAD_INDEX  1 /* an index(n) input outside 0..n-1 */\n"
                   "#define GRUS_BAD_LENGTH 2 /* a length outside 1..bound */\n"
                   "#define GRUS_NO_OUTPUT  3 /* history is still filling: the call counts, its "
                   "output comes later */\n"
                   "#endif\n"
                   "#ifndef GRUS_BAD_WEIGHTS\n"
                   "#define GRUS_BAD_WEIGHTS 4 /* not a block of weights of this model */\n"
                   "#define GRUS_DAMAGED     5 /* it is one, but some of its bytes are others */\n"
                   "#endif\n"
                   "\n/* GRUS_N(n) in a parameter: the caller's array has at least n elements. */\n"
                   "#ifndef GRUS_N\n"
                   "#if defined(__cplusplus) || (defined(_MSC_VER) && !defined(__clang__))\n"
                   "#define GRUS_N(n) n\n"
                   "#else\n"
                   "#define GRUS_N(n) static n\n"
                   "#endif\n"
                   "#endif\n");
}

static const char *upper(CWriter *c, const char *s) {
  return text_upper(c->out->arena, s);
}

static void macro(CWriter *c, const char *name, long long value, const char *comment) {
  text_printf(c->out, "#define %s_%s %lld", c->upper, name, value);
  if (comment) text_printf(c->out, " /* %s */", comment);
  text_add(c->out, "\n");
}

static void rate_macro(CWriter *c, const KirPort *p) {
  if (!p->rate_num) return;
  text_printf(c->out, "#define %s_%s_RATE ", c->upper, upper(c, p->name));
  if (p->rate_num % p->rate_den == 0)
    text_printf(c->out, "%lld", (long long)(p->rate_num / p->rate_den));
  else
    text_printf(c->out, "(%lld.0 / %lld.0)", (long long)p->rate_num, (long long)p->rate_den);
  text_add(c->out, " /* steps a second */\n");
}

void c_macros(CWriter *c) {
  const KirModule *m = c->m;
  int64_t macs = 0, weights = 0;
  for (int i = 0; i < m->n_costs; i++) {
    macs += m->cost[i].macs;
    weights += m->cost[i].weight_bytes;
  }
  text_add(c->out, "\n");
  for (int i = 0; i < m->n_ports; i++) {
    const KirPort *p = &m->port[i];
    macro(c, arena_printf(c->out->arena, "%s_SIZE", upper(c, p->name)), (long long)p->buffer->count,
          "elements of one call");
    rate_macro(c, p);
    if (p->is_out && p->lag)
      macro(c, arena_printf(c->out->arena, "%s_LAG", upper(c, p->name)), (long long)p->lag,
            "steps at the start without a value");
  }
  for (int i = 0; i < m->n_lengths; i++)
    macro(c, arena_printf(c->out->arena, "%s_MAX", upper(c, m->length[i].name)),
          (long long)m->length[i].bound, "greatest length");
  if (m->batch > 1) macro(c, "BATCH", (long long)m->batch, "samples a call");
  if (m->run_kind == KIR_STREAM)
    macro(c, "STEPS", (long long)m->steps_per_call, "base steps a call");
  if (m->first_output)
    macro(c, "FIRST_OUTPUT", (long long)m->first_output,
          "calls that return GRUS_NO_OUTPUT after a reset");
  macro(c, "MACS", (long long)macs, "multiply-adds of one call");
  macro(c, "WEIGHT_BYTES", (long long)weights, NULL);
  if (m->weights_extern)
    macro(c, "WEIGHT_BLOCK", (long long)m->block_bytes, "bytes behind the weights pointer");
  macro(c, "STATE_BYTES", (long long)(c->any_state ? c->any_state : kir_state_bytes(m)), NULL);
  if (c->o->queue)
    macro(c, "QUEUE_BYTES", (long long)backend_c_queue_bytes(m, c->o->queue), "of --queue");
  macro(c, "SCRATCH_BYTES", (long long)m->scratch_bytes,
        c->o->scratch == C_SCRATCH_STACK ? "on the stack" : NULL);
  if (c->o->flash) {
    macro(c, "FLASH_BYTES", (long long)c->o->flash,
          c->o->measured ? "weights and code of the object" : "weights and code, about");
    if (c->o->stack) macro(c, "STACK_BYTES", (long long)c->o->stack, "of a call, at most");
  }
  if (c->o->flash && c->o->cycles[1]) {
    macro(c, "CYCLES_MIN", (long long)c->o->cycles[0], "of a call, in memory that answers at once");
    macro(c, "CYCLES_MAX", (long long)c->o->cycles[1], NULL);
  }
  if (c->o->scratch == C_SCRATCH_CALLER)
    macro(c, "SCRATCH", (long long)m->scratch_bytes / 4, "floats of scratch memory");
}

/* What lies where after the weights pointer. */
static void weight_map(CWriter *c) {
  const KirModule *m = c->m;
  text_printf(c->out,
              "\n/* The weights pointer: a block that `grus weights` writes, %lld bytes, best "
              "aligned to %d. "
              "From byte\n",
              (long long)m->block_bytes, KIR_WEIGHTS_ALIGN);
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->space != KIR_CONST) continue;
    text_printf(c->out, " *   %7lld  %s %s[%lld]", (long long)b->weight_offset, b->name,
                kir_elem_name(b->elem), (long long)b->count);
    if (b->doc) {
      text_add(c->out, "  ");
      c_comment_text(c->out, b->doc, "\n *     ");
    }
    text_add(c->out, "\n");
  }
  text_add(c->out, " */\n");
}

/* Extern builds: what the block is, and a function that tells whether one is right. In the header,
 * so that it is there whoever made the machine code. */
void c_weights_check(CWriter *c) {
  static const char *const body[] = {
      "  const unsigned char *at = (const unsigned char *)block;\n",
      "  uint32_t crc = 0xffffffffu, bytes = 0, stored = 0;\n",
      "  if (size < 24) {\n    return GRUS_BAD_WEIGHTS;\n  }\n",
      "  for (int i = 0; i < 8; i++) {\n",
      "    if (at[i] != magic[i] || at[16 + i] != hash[i]) {\n      return GRUS_BAD_WEIGHTS;\n",
      "    }\n  }\n",
      "  for (int i = 3; i >= 0; i--) {\n    bytes = bytes << 8 | at[8 + i];\n",
      "    stored = stored << 8 | at[12 + i];\n  }\n"};
  const KirModule *m = c->m;
  Text *out = c->out;
  if (!m->weights_extern) return;
  weight_map(c);
  text_printf(
      out,
      "\n/* Whether the %lld bytes at block, of which size are there, are weights of this model: "
      "GRUS_OK,\n * GRUS_BAD_WEIGHTS or GRUS_DAMAGED. */\n"
      "static inline int %s_weights_check(const void *block, size_t size) {\n"
      "  static const unsigned char magic[8] = {",
      (long long)m->block_bytes, c->prefix);
  for (int i = 0; i < BLOCK_MAGIC_BYTES; i++)
    text_printf(out, "%s0x%02x", i ? ", " : "", (unsigned char)block_magic[i]);
  text_add(out, "};\n  static const unsigned char hash[8] = {");
  uint64_t hash = block_hash(m, out->arena);
  for (int i = 0; i < 8; i++)
    text_printf(out, "%s0x%02x", i ? ", " : "", (unsigned)(hash >> (8 * i)) & 255u);
  text_add(out, "};\n");
  for (size_t i = 0; i < sizeof body / sizeof *body; i++)
    text_add(out, body[i]);
  text_printf(out,
              "  if (bytes != %lldu || size < bytes) {\n    return GRUS_BAD_WEIGHTS;\n  }\n"
              "  for (uint32_t i = 16; i < bytes; i++) {\n    crc ^= at[i];\n"
              "    for (int bit = 0; bit < 8; bit++) {\n"
              "      crc = (crc & 1u) ? (crc >> 1) ^ 0xedb88320u : crc >> 1;\n    }\n  }\n"
              "  return (crc ^ 0xffffffffu) == stored ? GRUS_OK : GRUS_DAMAGED;\n}\n",
              (long long)m->block_bytes);
}

/* Memory for the state of whichever body runs. */
static void any_state(CWriter *c, const char *kind) {
  long long words = (long long)(c->any_state + 3) / 4;
  text_printf(
      c->out,
      "\n/* What is kept from call to call. Place it anywhere, copy it, have as many as you like; "
      "what is\n * in it is for the processor that made it. */\ntypedef struct {\n  union {\n"
      "    float f32[%lld];\n    int32_t i32[%lld];\n    uint16_t u16[%lld];\n  } memory;\n"
      "} %s_%s;\n",
      words, words, 2 * words, c->prefix, kind);
}

void c_state_struct(CWriter *c) {
  const KirModule *m = c->m;
  if (m->run_kind == KIR_WHOLE) return;
  bool window = m->run_kind == KIR_WINDOW, any = false;
  if (c->any_state) {
    any_state(c, c_object_name(m));
    return;
  }
  text_printf(
      c->out,
      "\n/* %s Place it anywhere, copy it, have as many as you like. */\ntypedef struct {\n",
      window ? "The samples of the current window." : "What is kept from call to call.");
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (b->space != KIR_STATE) continue;
    any = true;
    text_printf(c->out, "  %s %s", c_elem(b->elem), b->name);
    if (c->o->flat_arrays && b->count > 1)
      text_printf(c->out, "[%lld]", (long long)b->count);
    else if (b->count > 1 || b->rank > 1)
      for (int d = 0; d < b->rank; d++)
        text_printf(c->out, "[%lld]", (long long)b->dim[d]);
    text_add(c->out, ";");
    if (b->doc || b->origin.layer) {
      text_add(c->out, " /* ");
      c_comment_text(c->out, b->doc ? b->doc : b->origin.layer, "\n   * ");
      text_add(c->out, " */");
    }
    text_add(c->out, "\n");
  }
  if (!any) text_add(c->out, "  char unused; /* this model keeps nothing */\n");
  text_printf(c->out, "} %s_%s;\n", c->prefix, c_object_name(m));
}

static void parameter(CWriter *c, const KirBuffer *b) {
  Text *out = c->out;
  if (b->rank == 0) {
    text_printf(out, "%s %s", c_elem(b->elem), b->name);
    return;
  }
  text_printf(out, "%s%s %s", b->space == KIR_IN ? "const " : "", c_elem(b->elem), b->name);
  if (c->o->flat_arrays) {
    text_printf(out, "[GRUS_N(%lld)]", (long long)b->count);
    return;
  }
  for (int d = 0; d < b->rank; d++)
    text_printf(out, d ? "[%lld]" : "[GRUS_N(%lld)]", (long long)b->dim[d]);
}

static const KirPort *port_of(const KirModule *m, const KirBuffer *b) {
  for (int i = 0; i < m->n_ports; i++)
    if (m->port[i].buffer == b || m->port[i].run_buffer == b) return &m->port[i];
  return NULL;
}

/* "time 49, mfcc 13", as in the source. */
static void port_shape(CWriter *c, const KirPort *p, bool with_time) {
  bool first = true;
  for (int i = 0; i < p->rank; i++) {
    if (i == p->time_axis && !with_time) continue;
    if (!first) text_add(c->out, ", ");
    if (i == p->time_axis)
      text_add(c->out, "time ");
    else if (p->label[i])
      text_printf(c->out, "%s ", p->label[i]);
    text_printf(c->out, "%lld", (long long)p->dim[i]);
    first = false;
  }
}

static void port_comment(CWriter *c, const KirFunc *f, const KirBuffer *b) {
  const KirPort *p = port_of(c->m, b);
  if (!p) return;
  text_printf(c->out, "\n *   %s [", p->name);
  port_shape(c, p, !(f->kind == KIR_PUSH && p->every));
  text_add(c->out, "]");
  if (b->categories) text_printf(c->out, " of 0..%lld", (long long)b->categories - 1);
  if (p->rate_num) {
    text_add(c->out, ", ");
    text_add_rate(c->out, p->rate_num, p->rate_den);
  }
  if (p->doc && *p->doc) {
    text_add(c->out, ": ");
    c_comment_text(c->out, p->doc, "\n *     ");
  }
}

static void function_comment(CWriter *c, const KirFunc *f) {
  static const char *const what[] = {
      [KIR_HELPER] = "",
      [KIR_RUN] = "Runs the model on one whole input.",
      [KIR_RESET] = "Starts over.",
      [KIR_STEP] = "Takes one step of the stream.",
      [KIR_PUSH] = "Takes one sample; runs the model when that completes a window."};
  const KirModule *m = c->m;
  const char *text = what[f->kind];
  if (f->kind == KIR_RESET)
    text = m->run_kind == KIR_WINDOW
               ? "Empties the window. Call it before the first push."
               : "Sets the state to its start. Call it before the first step.";
  if (f->kind == KIR_STEP && m->steps_per_call > 1)
    text = arena_printf(c->out->arena, "Takes %lld steps of the stream.",
                        (long long)m->steps_per_call);
  if (f->kind == KIR_RUN && m->batch > 1) text = "Runs the model on a batch of whole inputs.";
  text_printf(c->out, "/* %s", text);
  if (f->returns_status) {
    text_add(c->out, " Returns GRUS_OK");
    bool index = false;
    for (int i = 0; i < f->n_buffers; i++)
      index = index || (f->buffers[i]->categories && f->buffers[i]->space == KIR_IN);
    if (index) text_add(c->out, ",\n * GRUS_BAD_INDEX");
    if (m->n_lengths && f->kind == KIR_RUN) text_add(c->out, ",\n * GRUS_BAD_LENGTH");
    if (f->kind == KIR_PUSH || m->first_output) text_add(c->out, ",\n * GRUS_NO_OUTPUT");
    text_add(c->out, index || m->n_lengths || f->kind == KIR_PUSH || m->first_output ? "." : ".");
  }
  for (int i = 0; i < f->n_buffers; i++)
    port_comment(c, f, f->buffers[i]);
  text_add(c->out, " */\n");
}

static bool is_port(const KirModule *m, const char *name) {
  for (int i = 0; i < m->n_ports; i++)
    if (strcmp(m->port[i].name, name) == 0) return true;
  return false;
}

void c_prototype(CWriter *c, const KirFunc *f, bool with_comment) {
  const KirModule *m = c->m;
  Text *out = c->out;
  if (with_comment) function_comment(c, f);
  if (c->single_header) text_add(out, "static inline ");
  text_printf(out, "%s %s_%s(", f->returns_status ? "int" : "void", c->prefix, f->name);
  const char *comma = "";
  c->self = m->run_kind == KIR_WINDOW ? "w" : "s";
  for (int n = 1; is_port(m, c->self); n++)
    c->self = n == 1 ? "state" : arena_printf(c->out->arena, "state_%d", n);
  if (f->uses_state) {
    text_printf(out, "%s_%s *%s", c->prefix, c_object_name(m), c->self);
    comma = ", ";
  }
  for (int i = 0; i < f->n_buffers; i++) {
    text_add(out, comma);
    parameter(c, f->buffers[i]);
    comma = ", ";
  }
  if (f->takes_weights) {
    text_printf(out, "%sconst void *weights", comma);
    comma = ", ";
  }
  if (c->o->scratch == C_SCRATCH_CALLER && f->uses_scratch && m->scratch_bytes > 0) {
    text_printf(out, "%sfloat scratch[GRUS_N(%lld)]", comma, (long long)m->scratch_bytes / 4);
    comma = ", ";
  }
  if (!*comma) text_add(out, "void");
  text_add(out, ")");
}
