/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The descriptor of a shared library as data; see library_image.h. The structs are those of this
 * process: the library is for the same kind of machine. */
#include "driver/library_image.h"

#include <stddef.h>
#include <string.h>

/* The pointer at `at` leads to a copy of the string; NULL stays NULL. */
static void put_string(LinkImage *image, size_t at, const char *s) {
  if (s) link_image_pointer(image, at, NULL, link_image_add(image, s, strlen(s) + 1));
}

static void put_array(LinkImage *image, size_t at, size_t array) {
  link_image_pointer(image, at, NULL, array);
}

static size_t put_axes(LinkImage *image, const GrusPort *port) {
  size_t at = link_image_add(image, NULL, sizeof(GrusAxis) * (size_t)port->rank);
  for (int k = 0; k < port->rank; k++) {
    size_t axis = at + sizeof(GrusAxis) * (size_t)k;
    memcpy(image->bytes.s + axis + offsetof(GrusAxis, size), &port->axes[k].size,
           sizeof port->axes[k].size);
    put_string(image, axis + offsetof(GrusAxis, label), port->axes[k].label);
  }
  return at;
}

/* What lies between two members of a port is of no meaning, and must be the same in each build. */
static void clear_gap(char *port) {
  const size_t gap = offsetof(GrusPort, every) + sizeof(uint32_t);
  memset(port + gap, 0, offsetof(GrusPort, rate) - gap);
}

static size_t put_ports(LinkImage *image, const GrusProgram *program) {
  size_t at = link_image_add(image, NULL, sizeof(GrusPort) * program->port_count);
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *from = &program->ports[i];
    GrusPort port = *from;
    size_t place = at + sizeof port * i;
    port.name = port.doc = NULL;
    port.axes = NULL;
    memcpy(image->bytes.s + place, &port, sizeof port);
    clear_gap(image->bytes.s + place);
    put_string(image, place + offsetof(GrusPort, name), from->name);
    put_string(image, place + offsetof(GrusPort, doc), from->doc);
    if (from->rank) put_array(image, place + offsetof(GrusPort, axes), put_axes(image, from));
  }
  return at;
}

static size_t put_lengths(LinkImage *image, const GrusProgram *program) {
  size_t at = link_image_add(image, NULL, sizeof(GrusLength) * program->length_count);
  for (size_t i = 0; i < program->length_count; i++) {
    size_t place = at + sizeof(GrusLength) * i;
    memcpy(image->bytes.s + place + offsetof(GrusLength, bound), &program->lengths[i].bound,
           sizeof program->lengths[i].bound);
    put_string(image, place + offsetof(GrusLength, name), program->lengths[i].name);
  }
  return at;
}

static size_t put_program(LinkImage *image, const GrusProgram *from) {
  GrusProgram program = *from;
  program.name = program.doc = program.compiler = NULL;
  program.ports = NULL;
  program.lengths = NULL;
  program.run = NULL;
  program.reset = NULL;
  program.step = program.push = NULL;
  size_t at = link_image_add(image, &program, sizeof program);
  put_string(image, at + offsetof(GrusProgram, name), from->name);
  put_string(image, at + offsetof(GrusProgram, doc), from->doc);
  put_string(image, at + offsetof(GrusProgram, compiler), from->compiler);
  put_array(image, at + offsetof(GrusProgram, ports), put_ports(image, from));
  if (from->length_count)
    put_array(image, at + offsetof(GrusProgram, lengths), put_lengths(image, from));
  bool run = from->kind == GRUS_KIND_RUN, window = from->kind == GRUS_KIND_WINDOW;
  if (run)
    link_image_pointer(image, at + offsetof(GrusProgram, run), "grus_shared_run", 0);
  else
    link_image_pointer(image, at + offsetof(GrusProgram, reset), "grus_shared_reset", 0);
  if (window)
    link_image_pointer(image, at + offsetof(GrusProgram, push), "grus_shared_push", 0);
  else if (!run)
    link_image_pointer(image, at + offsetof(GrusProgram, step), "grus_shared_step", 0);
  return at;
}

static bool has(const KirModule *m, KirFuncKind kind) {
  for (int i = 0; i < m->n_funcs; i++)
    if (m->func[i]->kind == kind) return (kind == KIR_RUN) == (m->run_kind == KIR_WHOLE);
  return false;
}

static void put_call(LinkImage *image, size_t at, const KirModule *m, KirFuncKind kind,
                     const char *prefix, const char *name) {
  if (m && has(m, kind))
    link_image_pointer(image, at, arena_printf(image->bytes.arena, "%s_call_%s", prefix, name), 0);
}

static size_t put_bodies(LinkImage *image, const LibraryBody *body, const GrusNeeds *needs, int n) {
  size_t at = link_image_add(image, NULL, sizeof(GrusBody) * (size_t)n);
  for (int i = 0; i < n; i++) {
    const LibraryBody *b = &body[i];
    size_t place = at + sizeof(GrusBody) * (size_t)i;
    memcpy(image->bytes.s + place + offsetof(GrusBody, needs), &needs[i], sizeof needs[i]);
    put_string(image, place + offsetof(GrusBody, name), b->name);
    put_call(image, place + offsetof(GrusBody, run), b->m, KIR_RUN, b->prefix, "run");
    put_call(image, place + offsetof(GrusBody, batch_run), b->batched, KIR_RUN, b->batched_prefix,
             "run");
    put_call(image, place + offsetof(GrusBody, reset), b->m, KIR_RESET, b->prefix, "reset");
    put_call(image, place + offsetof(GrusBody, step), b->m, KIR_STEP, b->prefix, "step");
    put_call(image, place + offsetof(GrusBody, push), b->m, KIR_PUSH, b->prefix, "push");
  }
  return at;
}

LinkImage library_image(const LibraryBody *body, const GrusNeeds *needs, int n,
                        const GrusProgram *program, const LibraryOptions *options, Arena *arena) {
  LinkImage image = link_image_new(arena);
  const KirModule *m = body[0].m;
  GrusLibrary library = {.abi = GRUS_LIBRARY_ABI,
                         .size = sizeof library,
                         .batch = (size_t)options->batch,
                         .stack = (size_t)options->stack,
                         .first_output = (size_t)m->first_output,
                         .body_count = (size_t)n};
  size_t at = link_image_add(&image, &library, sizeof library),
         described = put_program(&image, program);
  size_t lags = link_image_add(&image, NULL, sizeof(uint32_t) * (size_t)m->n_ports);
  for (int i = 0; i < m->n_ports; i++) {
    uint32_t lag = (uint32_t)m->port[i].lag;
    memcpy(image.bytes.s + lags + sizeof lag * (size_t)i, &lag, sizeof lag);
  }
  put_array(&image, at + offsetof(GrusLibrary, program), described);
  put_array(&image, at + offsetof(GrusLibrary, lags), lags);
  put_array(&image, at + offsetof(GrusLibrary, bodies), put_bodies(&image, body, needs, n));
  link_image_name(&image, "grus_library", at, sizeof library);
  link_image_name(&image, "grus_program", described, sizeof *program);
  return image;
}
