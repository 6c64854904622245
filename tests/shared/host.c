/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A host of shared libraries: host check LIB compares the ways of calling one with each other;
 * host rows LIB IN OUT writes what it gives its only input, as .npy, and what comes out, as
 * bytes. */
#include "grus_shared.h"

#include <dlfcn.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 37, BLOCK = 64, MAX_PORTS = 16 };

typedef struct Library {
  const GrusProgram *program;
  const GrusLibrary *about;
  const GrusBody *(*body)(void);
  int (*rows)(size_t, const size_t *, const void *const *, const size_t *, void *const *,
              const size_t *, size_t *);
  int (*steps)(void *, size_t, const void *const *, const size_t *, void *const *, const size_t *,
               size_t *, size_t *);
} Library;

static void expect_at(bool ok, const char *what, int line) {
  if (ok) return;
  printf("host.c:%d: not so: %s\n", line, what);
  exit(1);
}
#define EXPECT(x) expect_at(x, #x, __LINE__)

static void *symbol(void *handle, const char *name) {
  void *at = dlsym(handle, name);
  if (!at) printf("%s\n", dlerror());
  EXPECT(at != NULL);
  return at;
}

static Library open_library(const char *path) {
  Library l;
  void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL), *at;
  if (!handle) printf("%s\n", dlerror());
  EXPECT(handle != NULL);
  l.program = symbol(handle, "grus_program");
  l.about = symbol(handle, "grus_library");
  at = symbol(handle, "grus_body");
  memcpy(&l.body, &at, sizeof at); /* ISO C has no cast from an object's address to a function's */
  at = symbol(handle, "grus_rows");
  memcpy(&l.rows, &at, sizeof at);
  at = symbol(handle, "grus_steps");
  memcpy(&l.steps, &at, sizeof at);
  EXPECT(l.about->abi == GRUS_LIBRARY_ABI && l.program->abi == GRUS_HOST_ABI);
  EXPECT(l.about->size == sizeof(GrusLibrary) && l.about->program == l.program);
  return l;
}

static size_t port_bytes(const GrusPort *p) {
  size_t n = p->elem == GRUS_ELEM_F32 || p->elem == GRUS_ELEM_I32 ? 4
             : p->elem == GRUS_ELEM_I8 || p->elem == GRUS_ELEM_U8 ? 1
                                                                  : 2;
  for (int k = 0; k < p->rank; k++)
    if (!(p->time == GRUS_TIME_WINDOW && k == p->time_axis)) n *= p->axes[k].size;
  return n;
}

/* Buffers of `rows` rows for the ports of one role, each row `gap` bytes away from the next. */
typedef struct Ports {
  size_t count, bytes[MAX_PORTS], stride[MAX_PORTS];
  char *data[MAX_PORTS];
} Ports;

static uint32_t random_next(uint32_t *seed) {
  return (*seed = *seed * 1664525u + 1013904223u) >> 8;
}

static Ports ports_of(const GrusProgram *program, GrusRole role, size_t rows, size_t gap) {
  Ports ports = {0};
  uint32_t seed = 1;
  for (size_t i = 0; i < program->port_count; i++) {
    const GrusPort *p = &program->ports[i];
    if (p->role != role) continue;
    size_t k = ports.count++, bytes = port_bytes(p);
    ports.bytes[k] = bytes;
    ports.stride[k] = bytes + gap;
    ports.data[k] = calloc(rows, bytes + gap);
    for (size_t r = 0; r < rows && role != GRUS_ROLE_OUT; r++)
      for (size_t at = 0; p->elem == GRUS_ELEM_F32 && at < bytes; at += sizeof(float)) {
        float x = (float)(random_next(&seed) % 2000) / 1000 - 1;
        memcpy(ports.data[k] + r * ports.stride[k] + at, &x, sizeof x);
      }
  }
  return ports;
}

static void ports_free(Ports *ports) {
  for (size_t k = 0; k < ports->count; k++)
    free(ports->data[k]);
}

static bool same(const Ports *a, const Ports *b, size_t rows) {
  for (size_t k = 0; k < a->count; k++)
    for (size_t r = 0; r < rows; r++)
      if (memcmp(a->data[k] + r * a->stride[k], b->data[k] + r * b->stride[k], a->bytes[k]) != 0)
        return false;
  return true;
}

static bool near(const Ports *a, const Ports *b, size_t rows) {
  for (size_t k = 0; k < a->count; k++)
    for (size_t i = 0; i < rows * a->bytes[k] / sizeof(float); i++) {
      float x, y;
      memcpy(&x, a->data[k] + i * sizeof x, sizeof x);
      memcpy(&y, b->data[k] + i * sizeof y, sizeof y);
      if (!(fabsf(x - y) <= 1e-5f)) return false;
    }
  return true;
}

/* One row by one call of a body. */
static void row_by(const GrusProgram *program,
                   int (*run)(const size_t *, const void *const *, void *const *),
                   const size_t *lengths, const Ports *in, Ports *out, size_t row,
                   size_t of[MAX_PORTS]) {
  const void *in_at[MAX_PORTS];
  void *out_at[MAX_PORTS];
  for (size_t k = 0; k < in->count; k++)
    in_at[k] = in->data[k] + row * in->stride[k];
  for (size_t k = 0; k < out->count; k++)
    out_at[k] = out->data[k] + row * out->stride[k];
  for (size_t i = 0; i < program->length_count; i++)
    of[i] = lengths[i * ROWS + row];
  EXPECT(run(of, in_at, out_at) == GRUS_OK);
}

static void check_whole(const Library *l) {
  const GrusProgram *program = l->program;
  size_t *lengths = calloc(program->length_count * ROWS + 1, sizeof *lengths), of[MAX_PORTS],
         done = 0;
  for (size_t i = 0; i < program->length_count; i++)
    for (size_t r = 0; r < ROWS; r++)
      lengths[i * ROWS + r] = 1 + (r * 7 + i) % program->lengths[i].bound;
  Ports in = ports_of(program, GRUS_ROLE_IN, ROWS, 0),
        out = ports_of(program, GRUS_ROLE_OUT, ROWS, 0);
  Ports one = ports_of(program, GRUS_ROLE_OUT, ROWS, 0),
        far = ports_of(program, GRUS_ROLE_OUT, ROWS, 12);
  const void *const *at = (const void *const *)in.data;
  EXPECT(l->rows(ROWS, lengths, at, NULL, (void *const *)out.data, NULL, &done) == GRUS_OK &&
         done == ROWS);
  for (size_t r = 0; r < ROWS; r++)
    row_by(program, program->run, lengths, &in, &one, r, of);
  EXPECT(same(&out, &one, ROWS)); /* a batch gives the bits of single rows */
  EXPECT(l->rows(ROWS, lengths, at, in.stride, (void *const *)far.data, far.stride, NULL) ==
         GRUS_OK);
  EXPECT(same(&out, &far, ROWS));
  int bodies = 0;
  for (size_t b = 0; b < l->about->body_count; b++) { /* what this processor runs agrees */
    const GrusBody *body = &l->about->bodies[b];
    if (body->needs > l->body()->needs) continue;
    for (size_t r = 0; r < ROWS; r++)
      row_by(program, body->run, lengths, &in, &one, r, of);
    EXPECT(near(&out, &one, ROWS));
    bodies++;
  }
  if (program->length_count) { /* the row that is refused is named, those before it are there */
    lengths[20] = program->lengths[0].bound + 1;
    EXPECT(l->rows(ROWS, lengths, at, NULL, (void *const *)one.data, NULL, &done) ==
               GRUS_BAD_LENGTH &&
           done == 20);
    EXPECT(same(&out, &one, 16));
  }
  EXPECT(l->steps(of, 1, at, NULL, (void *const *)out.data, NULL, NULL, NULL) == GRUS_BAD_CALL);
  printf("%s: %d bodies run here, batch %zu\n", program->name, bodies, l->about->batch);
  ports_free(&in);
  ports_free(&out);
  ports_free(&one);
  ports_free(&far);
  free(lengths);
}

static void *new_state(const GrusProgram *program, void **memory) {
  *memory = calloc(1, program->state_size + program->state_align);
  uintptr_t at = (uintptr_t)*memory, align = program->state_align;
  return (void *)((at + align - 1) / align * align);
}

/* A start state of its own for every init port. */
static void reset(const Library *l, void *state) {
  Ports init = ports_of(l->program, GRUS_ROLE_INIT, 1, 0);
  EXPECT(l->program->reset(state, (const void *const *)init.data) == GRUS_OK);
  ports_free(&init);
}

static void check_steps(const Library *l) {
  const GrusProgram *program = l->program;
  bool window = program->kind == GRUS_KIND_WINDOW;
  void *memory, *other_memory, *state = new_state(program, &memory),
                               *other = new_state(program, &other_memory);
  Ports in = ports_of(program, GRUS_ROLE_IN, BLOCK, 0),
        out = ports_of(program, GRUS_ROLE_OUT, BLOCK, 0);
  Ports one = ports_of(program, GRUS_ROLE_OUT, BLOCK, 0),
        late = ports_of(program, GRUS_ROLE_OUT, BLOCK, 0);
  size_t done, made, single = 0;
  const void *const *at = (const void *const *)in.data;
  EXPECT(l->steps(state, 1, at, NULL, (void *const *)out.data, NULL, NULL, NULL) ==
         GRUS_BAD_STATE); /* never reset */
  reset(l, state);
  EXPECT(l->steps(state, BLOCK, at, NULL, (void *const *)out.data, NULL, &done, &made) == GRUS_OK &&
         done == BLOCK);
  EXPECT(window ? made < BLOCK : made <= BLOCK);
  EXPECT(l->program->kind != GRUS_KIND_STREAM || made == BLOCK - l->about->first_output);
  reset(l, other);
  for (size_t r = 0; r < BLOCK; r++) {
    const void *in_at[MAX_PORTS];
    void *out_at[MAX_PORTS];
    for (size_t k = 0; k < in.count; k++)
      in_at[k] = in.data[k] + r * in.stride[k];
    for (size_t k = 0; k < one.count; k++)
      out_at[k] = one.data[k] + single * one.stride[k];
    if (r == BLOCK / 2) memcpy(state, other, program->state_size); /* a copy goes on from here */
    int status = (window ? program->push : program->step)(other, in_at, out_at);
    EXPECT(status == GRUS_OK || status == GRUS_NO_OUTPUT);
    single += status == GRUS_OK;
  }
  EXPECT(single == made && same(&out, &one, made));
  for (size_t k = 0; k < in.count; k++)
    memmove(in.data[k], in.data[k] + BLOCK / 2 * in.stride[k], BLOCK / 2 * in.stride[k]);
  EXPECT(l->steps(state, BLOCK / 2, at, NULL, (void *const *)late.data, NULL, NULL, &single) ==
         GRUS_OK);
  for (size_t k = 0; k < one.count; k++)
    memmove(one.data[k], one.data[k] + (made - single) * one.stride[k], single * one.stride[k]);
  EXPECT(same(&late, &one, single));
  ((unsigned char *)state)[4] = 200; /* a body that is not there */
  EXPECT(l->steps(state, 1, at, NULL, (void *const *)out.data, NULL, NULL, NULL) == GRUS_BAD_STATE);
  EXPECT(l->rows(1, NULL, at, NULL, (void *const *)out.data, NULL, NULL) == GRUS_BAD_CALL);
  printf("%s: %zu outputs of %d calls\n", program->name, made, BLOCK);
  ports_free(&in);
  ports_free(&out);
  ports_free(&one);
  ports_free(&late);
  free(memory);
  free(other_memory);
}

/* The inputs as a .npy with an axis of samples in front, the outputs as their bytes. */
static void write_rows(const Library *l, const char *in_path, const char *out_path) {
  enum { HEAD = 128 };
  Ports in = ports_of(l->program, GRUS_ROLE_IN, ROWS, 0),
        out = ports_of(l->program, GRUS_ROLE_OUT, ROWS, 0);
  EXPECT(in.count == 1 && out.count == 1 && l->program->ports[0].rank == 2);
  char head[HEAD + 1];
  int n = snprintf(
      head, sizeof head,
      "%cNUMPY%c%c%c%c{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %zu, %zu), }", 0x93, 1,
      0, HEAD - 10, 0, ROWS, l->program->ports[0].axes[0].size, l->program->ports[0].axes[1].size);
  memset(head + n, ' ', (size_t)(HEAD - n - 1));
  head[HEAD - 1] = '\n';
  FILE *file = fopen(in_path, "wb");
  EXPECT(file && fwrite(head, 1, HEAD, file) == HEAD &&
         fwrite(in.data[0], in.bytes[0], ROWS, file) == ROWS && fclose(file) == 0);
  EXPECT(l->rows(ROWS, NULL, (const void *const *)in.data, NULL, (void *const *)out.data, NULL,
                 NULL) == GRUS_OK);
  file = fopen(out_path, "wb");
  EXPECT(file && fwrite(out.data[0], out.bytes[0], ROWS, file) == ROWS && fclose(file) == 0);
  ports_free(&in);
  ports_free(&out);
}

int main(int argc, char **argv) {
  EXPECT(argc >= 3);
  Library l = open_library(argv[2]);
  EXPECT(l.body() != NULL);
  if (strcmp(argv[1], "rows") == 0 && argc == 5)
    write_rows(&l, argv[3], argv[4]);
  else if (l.program->kind == GRUS_KIND_RUN)
    check_whole(&l);
  else
    check_steps(&l);
  return 0;
}
