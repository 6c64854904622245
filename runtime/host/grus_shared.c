/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The functions of a shared library around the bodies of its model; see grus_shared.h. Generated
 * code defines grus_library and grus_program. This file needs no other library. With
 * GRUS_SHARED_ALONE it also defines memcpy, memmove and memset, which machine code may call: grus
 * puts that object into the libraries that it writes without a linker. */
#if defined(GRUS_SHARED_ALONE)
#pragma GCC visibility push(hidden) /* all are found in the library itself */
#endif
#include "grus_shared.h"

#include "host_dotprod.h"
#include "host_tiles.h"

enum { MAX_PORTS = 256, STATE_MAGIC = 0x53555247 /* "GRUS" */, STATE_HEAD = 64 };

#if defined(GRUS_SHARED_ALONE)
#define SHARED_EXPORT
#define SHARED_HIDDEN
#elif defined(__GNUC__)
#ifdef _WIN32
#define SHARED_EXPORT __declspec(dllexport)
#define SHARED_HIDDEN
#else
#define SHARED_EXPORT __attribute__((visibility("default")))
#define SHARED_HIDDEN __attribute__((visibility("hidden")))
#endif
#else
#define SHARED_EXPORT
#define SHARED_HIDDEN
#endif

SHARED_EXPORT const GrusBody *grus_body(void);
SHARED_EXPORT int grus_rows(size_t rows, const size_t *lengths, const void *const *in,
                            const size_t *in_strides, void *const *out, const size_t *out_strides,
                            size_t *done);
SHARED_EXPORT int grus_steps(void *state, size_t calls, const void *const *in,
                             const size_t *in_strides, void *const *out, const size_t *out_strides,
                             size_t *done, size_t *outputs);

/* What grus_program calls. */
SHARED_HIDDEN int grus_shared_run(const size_t *lengths, const void *const *in, void *const *out);
SHARED_HIDDEN int grus_shared_reset(void *state, const void *const *init);
SHARED_HIDDEN int grus_shared_step(void *state, const void *const *in, void *const *out);
SHARED_HIDDEN int grus_shared_push(void *window, const void *const *in, void *const *out);

/* ---- the processor ---- */

#if defined(__x86_64__) && defined(__GNUC__)

typedef struct Registers {
  uint32_t a, b, c, d;
} Registers;

static Registers cpuid_at(uint32_t leaf, uint32_t part) {
  Registers r;
  __asm__ volatile("cpuid" : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d) : "a"(leaf), "c"(part));
  return r;
}

static Registers cpuid(uint32_t leaf) {
  return cpuid_at(leaf, 0);
}

/* A bit for each kind of registers that the system saves when it changes processes. */
static uint32_t saved_registers(void) {
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

static int has(uint32_t word, uint32_t bits) {
  return (word & bits) == bits;
}

/* Whether the system allows tiles; asks only if a body needs them. */
static int tiles_granted(void) {
  for (size_t i = 0; i < grus_library.body_count; i++)
    if (grus_library.bodies[i].needs == GRUS_NEEDS_X86_64_AMX) return host_tiles_allowed();
  return 0;
}

static GrusNeeds x86_level(void) {
  enum {
    V2_C1 = 1 << 0 | 1 << 9 | 1 << 13 | 1 << 19 | 1 << 20 |
            1 << 23, /* sse3 ssse3 cx16 sse4.1 sse4.2 popcnt */
    V3_C1 = 1 << 12 | 1 << 22 | 1 << 27 | 1 << 28 | 1 << 29, /* fma movbe osxsave avx f16c */
    V3_B7 = 1 << 3 | 1 << 5 | 1 << 8,                        /* bmi avx2 bmi2 */
    V4_B7 = 1 << 16 | 1 << 17 | 1 << 28 | 1 << 30,           /* avx512 f dq cd bw */
    VNNI_C7 = 1 << 11,
    BF16_A71 = 1 << 5, /* of the leaf's second part; the first says how many parts there are */
    AMX_D7 = 1 << 22 | 1 << 24 | 1 << 25, /* bf16 tile int8 */
    LZCNT_C81 = 1 << 5,
    YMM_SAVED = 0x6,
    ZMM_SAVED = 0xe6,
    TILES_SAVED = 0x60000,
    LEAF_FEATURES = 1,
    LEAF_MORE = 7
  };
  const uint32_t leaf_extended = 0x80000000u, vl_b7 = 1u << 31;
  uint32_t last = cpuid(0).a, c1 = cpuid(LEAF_FEATURES).c;
  Registers more = {0, 0, 0, 0};
  uint32_t c81 = cpuid(leaf_extended).a > leaf_extended ? cpuid(leaf_extended + 1).c : 0;
  if (last >= LEAF_MORE) more = cpuid(LEAF_MORE);
  if (!has(c1, V2_C1)) return GRUS_NEEDS_NOTHING;
  if (!has(c1, V3_C1) || !has(more.b, V3_B7) || !has(c81, LZCNT_C81) ||
      !has(saved_registers(), YMM_SAVED))
    return GRUS_NEEDS_X86_64_V2;
  if (!has(more.b, V4_B7) || !has(more.b, vl_b7) || !has(saved_registers(), ZMM_SAVED))
    return GRUS_NEEDS_X86_64_V3;
  if (!has(more.c, VNNI_C7)) return GRUS_NEEDS_X86_64_V4;
  if (more.a == 0 || !has(cpuid_at(LEAF_MORE, 1).a, BF16_A71)) return GRUS_NEEDS_X86_64_V4_VNNI;
  if (!has(more.d, AMX_D7) || !has(saved_registers(), TILES_SAVED) || !tiles_granted())
    return GRUS_NEEDS_X86_64_V4_BF16;
  return GRUS_NEEDS_X86_64_AMX;
}

/* A bit for each GrusNeeds that this processor has. A level includes those below it; AVX-VNNI may
 * come with any level from v3 on. */
static unsigned processor_can(void) {
  enum { AVX_VNNI_A71 = 1 << 4, LEAF_MORE = 7 };
  GrusNeeds level = x86_level();
  unsigned can = (2u << level) - 1;
  if (level >= GRUS_NEEDS_X86_64_V3 && cpuid(LEAF_MORE).a > 0 &&
      has(cpuid_at(LEAF_MORE, 1).a, AVX_VNNI_A71))
    can |= 1u << GRUS_NEEDS_X86_64_V3_VNNI;
  return can;
}

#elif defined(__aarch64__)

/* Asks the system only where a body needs dot products. */
static unsigned processor_can(void) {
  for (size_t i = 0; i < grus_library.body_count; i++)
    if (grus_library.bodies[i].needs == GRUS_NEEDS_AARCH64_DOTPROD && host_has_dotprod())
      return 1u << GRUS_NEEDS_AARCH64_DOTPROD | 1u << GRUS_NEEDS_NOTHING;
  return 1u << GRUS_NEEDS_NOTHING;
}

#else

static unsigned processor_can(void) {
  return 1u << GRUS_NEEDS_NOTHING;
}

#endif

/* Whether this processor can run a body. Asking the processor is slow, most of all in a virtual
 * machine, so it is done once. Threads that ask at the same time get the same answer. */
static int runs_here(const GrusBody *body) {
  static volatile unsigned known; /* a bit for each GrusNeeds; 0: nobody asked yet */
  unsigned can = known;
  if (can == 0) {
    can = processor_can();
    known = can;
  }
  return (can >> body->needs & 1) != 0;
}

const GrusBody *grus_body(void) {
  for (size_t i = 0; i < grus_library.body_count; i++)
    if (runs_here(&grus_library.bodies[i])) return &grus_library.bodies[i];
  return NULL;
}

/* ---- ports ---- */

static size_t elem_size(GrusElem elem) {
  switch (elem) {
  case GRUS_ELEM_F32:
  case GRUS_ELEM_I32: return 4;
  case GRUS_ELEM_F16:
  case GRUS_ELEM_I16:
  case GRUS_ELEM_U16: return 2;
  case GRUS_ELEM_I8:
  case GRUS_ELEM_U8: return 1;
  }
  return 0;
}

/* How many bytes a port has in one sequence, or in one call. */
static size_t port_bytes(const GrusPort *port) {
  size_t n = elem_size(port->elem);
  for (int k = 0; k < port->rank; k++)
    if (!(port->time == GRUS_TIME_WINDOW && k == port->time_axis)) n *= port->axes[k].size;
  return n;
}

/* The ports of one role: for each the bytes from one sequence to the next. */
typedef struct Places {
  size_t count;
  size_t stride[MAX_PORTS];
  int dense; /* whether all sequences of all ports lie one after another */
} Places;

static void places_find(Places *places, GrusRole role, const size_t *strides) {
  places->count = 0;
  places->dense = 1;
  for (size_t i = 0; i < grus_program.port_count; i++) {
    const GrusPort *port = &grus_program.ports[i];
    size_t bytes, k = places->count;
    if (port->role != role) continue;
    bytes = port_bytes(port);
    places->stride[k] = strides ? strides[k] : bytes;
    if (places->stride[k] != bytes) places->dense = 0;
    places->count++;
  }
}

/* Writes the pointers to the inputs, or outputs, of sequence `row` to at. */
static void inputs_at(const Places *places, const void *const *in, size_t row, const void **at) {
  for (size_t k = 0; k < places->count; k++)
    at[k] = (const char *)in[k] + row * places->stride[k];
}

static void outputs_at(const Places *places, void *const *out, size_t row, void **at) {
  for (size_t k = 0; k < places->count; k++)
    at[k] = (char *)out[k] + row * places->stride[k];
}

/* ---- whole sequences ---- */

enum { MAX_LENGTHS = 1024 }; /* lengths of one batch */

/* Writes the lengths of n sequences from `row` on to at, as a body takes them. */
static void lengths_at(const size_t *lengths, size_t rows, size_t row, size_t n, size_t *at) {
  for (size_t i = 0; i < grus_program.length_count; i++)
    for (size_t b = 0; b < n; b++)
      at[i * n + b] = lengths[i * rows + row + b];
}

int grus_rows(size_t rows, const size_t *lengths, const void *const *in, const size_t *in_strides,
              void *const *out, const size_t *out_strides, size_t *done) {
  const GrusBody *body = grus_body();
  Places ins, outs;
  const void *in_at[MAX_PORTS];
  void *out_at[MAX_PORTS];
  size_t of[MAX_LENGTHS], row = 0, batch = grus_library.batch;
  int status = GRUS_OK, together;
  if (done) *done = 0;
  if (!body) return GRUS_BAD_PROCESSOR;
  if (!body->run) return GRUS_BAD_CALL;
  places_find(&ins, GRUS_ROLE_IN, in_strides);
  places_find(&outs, GRUS_ROLE_OUT, out_strides);
  together = body->batch_run && batch > 1 && ins.dense && outs.dense &&
             grus_program.length_count * batch <= MAX_LENGTHS;
  while (row < rows && status == GRUS_OK) {
    size_t n = together && rows - row >= batch ? batch : 1;
    inputs_at(&ins, in, row, in_at);
    outputs_at(&outs, out, row, out_at);
    lengths_at(lengths, rows, row, n, of);
    status = n > 1 ? body->batch_run(of, in_at, out_at) : body->run(of, in_at, out_at);
    if (status == GRUS_OK)
      row += n;
    else if (n > 1) { /* one at a time from here on, to find the sequence with the error */
      together = 0;
      status = GRUS_OK;
    }
  }
  if (done) *done = row;
  return status;
}

int grus_shared_run(const size_t *lengths, const void *const *in, void *const *out) {
  const GrusBody *body = grus_body();
  return body ? body->run(lengths, in, out) : GRUS_BAD_PROCESSOR;
}

/* ---- streams and windows ---- */

/* The first bytes of a state, which tell who made it. */
typedef struct StateHead {
  uint32_t magic, body, bytes_low, bytes_high;
} StateHead;

/* The state of the body, which comes after the head. */
static void *behind_head(void *state) {
  return (char *)state + STATE_HEAD;
}

/* The body that made the state; NULL with the reason in *status. */
static const GrusBody *body_of(const void *state, int *status) {
  const StateHead *head = (const StateHead *)state;
  uint64_t bytes = grus_program.state_size;
  *status = GRUS_BAD_STATE;
  if (head->magic != STATE_MAGIC || head->body >= grus_library.body_count) return NULL;
  if (head->bytes_low != (uint32_t)bytes || head->bytes_high != (uint32_t)(bytes >> 32))
    return NULL;
  *status = GRUS_BAD_PROCESSOR;
  if (!runs_here(&grus_library.bodies[head->body])) return NULL;
  *status = GRUS_OK;
  return &grus_library.bodies[head->body];
}

int grus_shared_reset(void *state, const void *const *init) {
  const GrusBody *body = grus_body();
  StateHead *head = (StateHead *)state;
  uint64_t bytes = grus_program.state_size;
  if (!body) return GRUS_BAD_PROCESSOR;
  head->magic = STATE_MAGIC;
  head->body = (uint32_t)(body - grus_library.bodies);
  head->bytes_low = (uint32_t)bytes;
  head->bytes_high = (uint32_t)(bytes >> 32);
  return body->reset(behind_head(state), init);
}

int grus_shared_step(void *state, const void *const *in, void *const *out) {
  int status;
  const GrusBody *body = body_of(state, &status);
  return body ? body->step(behind_head(state), in, out) : status;
}

int grus_shared_push(void *window, const void *const *in, void *const *out) {
  int status;
  const GrusBody *body = body_of(window, &status);
  return body ? body->push(behind_head(window), in, out) : status;
}

int grus_steps(void *state, size_t calls, const void *const *in, const size_t *in_strides,
               void *const *out, const size_t *out_strides, size_t *done, size_t *outputs) {
  Places ins, outs;
  const void *in_at[MAX_PORTS];
  void *out_at[MAX_PORTS];
  size_t call = 0, made = 0;
  int status;
  int (*one)(void *, const void *const *, void *const *);
  const GrusBody *body = NULL;
  if (done) *done = 0;
  if (outputs) *outputs = 0;
  if (grus_program.kind == GRUS_KIND_RUN) return GRUS_BAD_CALL;
  body = body_of(state, &status);
  if (!body) return status;
  one = grus_program.kind == GRUS_KIND_WINDOW ? body->push : body->step;
  places_find(&ins, GRUS_ROLE_IN, in_strides);
  places_find(&outs, GRUS_ROLE_OUT, out_strides);
  while (call < calls) {
    inputs_at(&ins, in, call, in_at);
    outputs_at(&outs, out, made, out_at);
    status = one(behind_head(state), in_at, out_at);
    if (status != GRUS_OK && status != GRUS_NO_OUTPUT) break;
    if (status == GRUS_OK) made++;
    call++;
  }
  if (done) *done = call;
  if (outputs) *outputs = made;
  return call == calls ? GRUS_OK : status;
}

/* ---- memory ---- */

#if defined(GRUS_SHARED_ALONE)

void *memcpy(void *to, const void *from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);

void *memcpy(void *to, const void *from, size_t n) {
  void *first = to;
#if defined(__x86_64__)
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
#else
  enum { WORD = 8 };
  char *into = (char *)to;
  const char *of = (const char *)from;
  for (; n >= WORD; n -= WORD, into += WORD, of += WORD) {
    uint64_t word;
    __builtin_memcpy(&word, of, WORD); /* one load and one store, at any address */
    __builtin_memcpy(into, &word, WORD);
  }
  while (n--)
    *into++ = *of++;
#endif
  return first;
}

void *memmove(void *to, const void *from, size_t n) {
  char *into = (char *)to;
  const char *of = (const char *)from;
  if (into <= of || into >= of + n) return memcpy(to, from, n);
  while (n--)
    into[n] = of[n];
  return to;
}

void *memset(void *to, int value, size_t n) {
  void *first = to;
#if defined(__x86_64__)
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(n) : "a"(value) : "memory");
#else
  char *into = (char *)to;
  while (n--)
    *into++ = (char)value;
#endif
  return first;
}

#if defined(GRUS_SHARED_WINDOWS)
/* Compilers for Windows call this function if a frame is larger than a page. It touches rax bytes
 * of the stack from above, page by page, because the system adds pages only in this order. It
 * changes no register. */
__asm__(".text\n"
        ".globl __chkstk\n"
        ".type __chkstk, @function\n"
        "__chkstk:\n"
        "  pushq %rcx\n"
        "  pushq %rax\n"
        "  leaq 24(%rsp), %rcx\n" /* the caller's stack */
        "1: cmpq $4096, %rax\n"
        "  jb 2f\n"
        "  subq $4096, %rcx\n"
        "  testq %rcx, (%rcx)\n"
        "  subq $4096, %rax\n"
        "  jmp 1b\n"
        "2: subq %rax, %rcx\n"
        "  testq %rcx, (%rcx)\n"
        "  popq %rax\n"
        "  popq %rcx\n"
        "  ret\n");
#endif

#endif
