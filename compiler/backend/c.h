/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> C99 that is also C++. */
#ifndef GRUS_BACKEND_C_H
#define GRUS_BACKEND_C_H

#include "kir/kir.h"

typedef enum CScratch { C_SCRATCH_STACK, C_SCRATCH_STATIC, C_SCRATCH_CALLER } CScratch;
typedef enum CVectors {
  C_VECTORS_GNU, /* vector_size types of gcc and clang */
  C_VECTORS_ISO  /* the same lanes as arrays and loops, for any C99 compiler */
} CVectors;

/* How constants are written (c_weights.c). */
typedef enum CWeights {
  C_WEIGHTS_BEST, /* large ones as strings where only gcc and clang can read the file anyway */
  C_WEIGHTS_NUMBERS,
  C_WEIGHTS_STRINGS
} CWeights;

/* The machine that the C was scheduled for. */
typedef struct CMachine {
  const char *name;  /* "x86-64-v3"; "generic": any */
  const char *flags; /* what a compiler needs to use it: "-march=x86-64-v3", or "" */
  const char *needs; /* a preprocessor expression that holds then; NULL: nothing is needed */
  bool inlines;      /* functions of vectors are to be inlined wherever they are called */
  bool is_avr;       /* int has 16 bits, and constants are read from a memory of their own */
} CMachine;

/* Numbers that an output has after the calls of a self-test. */
typedef struct CExpected {
  int port; /* of its module */
  int code; /* what NAME_selftest returns if it differs */
  int n;
  const int64_t *at; /* elements of the port's buffer; NULL: the first n */
  const float *want;
  float tolerance;
} CExpected;

/* --selftest: the same calls of the module and of one with the value of every layer as an output.
 * Inputs are made on the target: for each input in order of the parameters, those of reset first,
 * element i is a step of state = state * 1664525 + 1013904223 from 1 on, its upper 24 bits. */
typedef struct CSelftest {
  const KirModule *const *probe; /* one for each body (backend_c_multi), else one; NULL: none */
  int calls;                     /* of step or push */
  const int64_t *length;         /* lengths of run */
  const CExpected *out, *layer;
  int n_out, n_layers;
  const char *block_head; /* of an extern build: the first BLOCK_HEAD_BYTES of the block of weights
                             that the numbers belong to */
} CSelftest;
enum { BLOCK_HEAD_BYTES = 24 };

/* Where the text of C has what comes from a layer: bytes from..to of a statement in the function
 * `name`, or of the array `name` of its weights. */
typedef struct CTraceEntry {
  const char *layer, *name;
  bool is_weights;
  int64_t bytes; /* of weights */
  size_t from, to;
} CTraceEntry;

typedef struct CTrace {
  CTraceEntry *entry; /* in the order of the text */
  int n;
  size_t cap;
} CTrace;

typedef struct COptions {
  const char *prefix;      /* "kws": kws_run, KWS_...; NULL: the model's name */
  const char *header_name; /* what the .c includes: "kws.h" */
  const char *compiler;    /* "grus 0.2.0", for the first comment; may be NULL */
  CScratch scratch;
  CVectors vectors;
  CWeights weights;
  bool flat_arrays;                /* one-dimensional array parameters */
  bool flush;                      /* blocks are computed with subnormal numbers as 0 */
  int64_t queue;                   /* inputs that can wait for the model; 0: no queue */
  const CSelftest *selftest;       /* NULL: none */
  const char *selftest_prefix;     /* inside of a self-test: the prefix of the model */
  const KirModule *selftest_of;    /* and the module whose weights are there already */
  int64_t flash, stack, cycles[2]; /* for the header's macros; 0: not known */
  bool measured;                   /* of an object, instead of estimated */
  CTrace *trace;                   /* NULL: not asked for */
  CMachine machine;                /* name NULL: nothing is said of it and nothing asked for */
} COptions;

/* sizeof(NAME_queue) of a stream or a window, with room for `queue` calls; 0 without a queue. */
int64_t backend_c_queue_bytes(const KirModule *m, int64_t queue);

/* The flags that a machine's C is to be compiled with: "-O2 -ffp-contract=off -march=x86-64-v3". */
const char *c_flags(Arena *arena, const CMachine *machine);

/* Lets the weights of `other` that m has too lie where they are in the block of m; the others are
 * in the code. */
void backend_c_share_block(KirModule *other, const KirModule *m);

/* A .h and .c pair; source NULL: the .h alone. */
void backend_c(const KirModule *m, const COptions *options, Text *header, Text *source);
/* One header that holds everything: static functions and static const weights. */
void backend_c_header(const KirModule *m, const COptions *options, Text *header);
/* One of several bodies for different processors. */
typedef struct CBody {
  const KirModule *m;
  const char *name; /* "v3": part of the names of its functions */
  /* a preprocessor expression: the compiler's macros say it may be used; NULL: always */
  const char *when;
  const char *target; /* for a choice at run time: what GCC and clang call the instructions; NULL:
                         the compiler's own */
  const char *test;   /* and how they ask for them: an expression of C */
  bool has_fma, inlines;
} CBody;

/* One interface, several bodies, the best first and the last for any processor: the compiler's
 * macros choose, or (dispatch) the processor does, at each call. source NULL: one header that holds
 * all. */
void backend_c_multi(const CBody *body, int n, const COptions *options, bool dispatch, Text *header,
                     Text *source);
/* A class of C++ around the C, and declarations for Rust, Go and Python. Not for --scratch=caller.
 */
void backend_c_class(const KirModule *m, const COptions *options, Text *out);
void backend_rust(const KirModule *m, const COptions *options, Text *out);
void backend_go(const KirModule *m, const COptions *options, Text *out);
void backend_python(const KirModule *m, const COptions *options, Text *out);
/* "kws_8": "Kws8". */
const char *c_class_name(Arena *arena, const char *prefix);
/* What follows the prefix in the type of what is kept from call to call: "window" or "state". */
const char *c_object_name(const KirModule *m);
/* Whether such an object can be reset without arguments, as the class of a language does that. */
bool c_resets_alone(const KirModule *m);
/* The prototypes alone, one a line, as `grus inspect` shows them. */
void backend_c_prototypes(const KirModule *m, const COptions *options, Text *text);

#endif
