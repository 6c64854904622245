/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The descriptor of a model compiled in memory: what backend_program prints in C, as data. */
#include "driver/jit.h"

#include "base/safe.h"
#include "driver/aborts.h"
#include "driver/native.h"
#include "driver/version.h"

static GrusElem host_elem(KirElem elem) {
  switch (elem) {
  case KIR_F16: return GRUS_ELEM_F16;
  case KIR_I8: return GRUS_ELEM_I8;
  case KIR_I16: return GRUS_ELEM_I16;
  case KIR_I32: return GRUS_ELEM_I32;
  case KIR_U8: return GRUS_ELEM_U8;
  case KIR_U16: return GRUS_ELEM_U16;
  case KIR_F32:
  case KIR_BF16: /* no port uses the members after this one */
  case KIR_SIZE:
  case KIR_INDEX:
  case KIR_BOOL: break;
  }
  return GRUS_ELEM_F32;
}

static GrusTime host_time(const KirPort *port) {
  static const GrusTime time[] = {GRUS_TIME_NONE, GRUS_TIME_FIXED, GRUS_TIME_BOUNDED,
                                  GRUS_TIME_STREAM};
  return port->every ? GRUS_TIME_WINDOW : time[port->time_kind];
}

static GrusPort host_port(const KirPort *port, Arena *arena) {
  GrusAxis *axes = ARENA_ARRAY(arena, GrusAxis, port->rank + 1);
  for (int k = 0; k < port->rank; k++)
    axes[k] = (GrusAxis){(size_t)port->dim[k], port->label[k]};
  GrusTime time = host_time(port);
  return (GrusPort){
      .name = port->name,
      .doc = safe_lines(arena, port->doc),
      .role = port->is_out    ? GRUS_ROLE_OUT
              : port->is_init ? GRUS_ROLE_INIT
                              : GRUS_ROLE_IN,
      .elem = host_elem(port->buffer->elem),
      .bound = (uint32_t)port->buffer->categories,
      .rank = port->rank,
      .axes = axes,
      .time_axis = port->time_axis,
      .time = time,
      .length = port->time_kind == TIME_BOUNDED ? port->length : -1,
      .period = (uint32_t)(port->period ? port->period : 1),
      .every = (uint32_t)port->every,
      .rate = port->rate_num ? (double)port->rate_num / (double)port->rate_den : 0,
      .length_size = (uint32_t)port->length_size,
      .length_hop = (uint32_t)port->length_hop,
  };
}

const GrusProgram *jit_describe(const KirModule *m, const LlvmEntries *entries, Arena *arena) {
  static const GrusKind kind[] = {GRUS_KIND_RUN, GRUS_KIND_STREAM, GRUS_KIND_WINDOW};
  GrusPort *ports = ARENA_ARRAY(arena, GrusPort, m->n_ports + 1);
  GrusLength *lengths = ARENA_ARRAY(arena, GrusLength, m->n_lengths + 1);
  for (int i = 0; i < m->n_ports; i++)
    ports[i] = host_port(&m->port[i], arena);
  for (int i = 0; i < m->n_lengths; i++)
    lengths[i] = (GrusLength){m->length[i].source_name, (size_t)m->length[i].bound};
  GrusProgram *program = ARENA_NEW(arena, GrusProgram);
  *program = (GrusProgram){
      .abi = GRUS_HOST_ABI,
      .kind = kind[m->run_kind],
      .name = m->name,
      .doc = safe_lines(arena, m->doc),
      .compiler = "grus " GRUS_VERSION,
      .batch = (size_t)m->batch,
      .ports = ports,
      .port_count = (size_t)m->n_ports,
      .lengths = lengths,
      .length_count = (size_t)m->n_lengths,
      .state_size = m->run_kind == KIR_WHOLE ? 0 : entries->state_size,
      .state_align = 64, /* more than any field asks for */
      .run = m->run_kind == KIR_WHOLE ? entries->run : NULL,
      .reset = entries->reset,
      .step = entries->step,
      .push = entries->push,
  };
  return program;
}

const GrusProgram *jit_program(Session *s, const KirModule *m) {
  LlvmEntries entries;
  COptions c = {.prefix = m->name, .compiler = "grus " GRUS_VERSION, .scratch = C_SCRATCH_STATIC};
  LlvmOptions options = native_options(s, &c);
  session_reset_diags(s);
  aborts_guard(s->arena);
  bool ok = backend_llvm_jit(m, &options, s->diags, &entries);
  aborts_release();
  if (ok) return jit_describe(m, &entries, s->arena);
  session_print_diags(s);
  return NULL;
}
