/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus_host.h: the contract between a compiled model and the program around it.
 *
 * Generated code describes the model in one constant GrusProgram and calls grus_main from its own
 * main; `grus run` builds the same descriptor in memory and calls grus_host_run. The host half
 * reads the inputs (.npy, .csv, .wav, raw, numbers on the command line), calls the model, and
 * writes the outputs. It allocates; generated code does not.
 *
 * Buffers. The host passes arrays of pointers, one per port of that role in the order of `ports`.
 * Each points at the port's elements in storage order:
 *   whole sequence   [batch][axes...], a bounded time axis sized by its bound
 *   stream           [axes...], the time axis sized by the steps of one call
 *   windowed input   [axes...] without the time axis: one push takes one step
 * A program has the batch axis only if its batch is more than 1. Every buffer is aligned to 64
 * bytes. */
#ifndef GRUS_HOST_H
#define GRUS_HOST_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef GRUS_OK
#define GRUS_OK         0
#define GRUS_BAD_INDEX  1
#define GRUS_BAD_LENGTH 2
#define GRUS_NO_OUTPUT  3
#endif

#define GRUS_HOST_ABI      1 /* changes when a field below changes its meaning */
#define GRUS_HOST_MAX_RANK 8

typedef enum GrusElem {
  GRUS_ELEM_F32,
  GRUS_ELEM_F16, /* IEEE binary16 in a uint16_t */
  GRUS_ELEM_I8,
  GRUS_ELEM_I16,
  GRUS_ELEM_I32,
  GRUS_ELEM_U8,
  GRUS_ELEM_U16
} GrusElem;

typedef enum GrusRole {
  GRUS_ROLE_IN,   /* argument of run, step or push */
  GRUS_ROLE_INIT, /* argument of reset: an initial state; zeros if the user passes none */
  GRUS_ROLE_OUT
} GrusRole;

typedef enum GrusTime {
  GRUS_TIME_NONE,    /* no time axis: one value for the whole sequence, or one with every call */
  GRUS_TIME_FIXED,   /* time N */
  GRUS_TIME_BOUNDED, /* time n <= N */
  GRUS_TIME_STREAM,  /* time .. / period */
  GRUS_TIME_WINDOW   /* time N ... every H: fed step by step; inputs only */
} GrusTime;

typedef enum GrusKind {
  GRUS_KIND_RUN,    /* run: one call takes whole sequences */
  GRUS_KIND_STREAM, /* reset, then step without end */
  GRUS_KIND_WINDOW  /* reset, then push without end; an output whenever a window is complete */
} GrusKind;

typedef struct GrusAxis {
  size_t size;       /* time axis: N, the bound, or the steps one call takes or gives */
  const char *label; /* NULL if the source names none; ignored on the time axis */
} GrusAxis;

typedef struct GrusPort {
  const char *name;
  const char *doc; /* NULL or the doc comment, without ##, lines separated by \n */
  GrusRole role;
  GrusElem elem;
  uint32_t bound;       /* index(n): n, carried as u8, u16 or i32; 0: a number */
  int rank;             /* 0 for a scalar, at most GRUS_HOST_MAX_RANK */
  const GrusAxis *axes; /* rank of them, in storage order */
  int time_axis;        /* position of the time axis in axes, -1 if none */
  GrusTime time;
  int length;      /* GRUS_TIME_BOUNDED: which of GrusProgram.lengths; otherwise -1 */
  uint32_t period; /* GRUS_TIME_STREAM: base steps per step of this port, at least 1; otherwise 1 */
  uint32_t every;  /* GRUS_TIME_WINDOW: steps from window to window; otherwise 0 */
  double rate;     /* steps of this port's time axis per second; 0 if not declared */
  /* Outputs of bounded length have (n - length_size) / length_hop + 1 steps, where n is the value
   * of `length`; with length_hop 0 they have n. */
  uint32_t length_size, length_hop;
} GrusPort;

/* A bounded length. Ports that share the name share the length. */
typedef struct GrusLength {
  const char *name; /* NULL if the source names none */
  size_t bound;
} GrusLength;

typedef struct GrusProgram {
  uint32_t abi; /* GRUS_HOST_ABI */
  GrusKind kind;
  const char *name;
  const char *doc;      /* NULL or the model's doc comment */
  const char *compiler; /* "grus 0.2.0", printed by --version */
  size_t batch;         /* samples per run; 1 unless built with --batch. Streams: 1 */
  const GrusPort *ports;
  size_t port_count;
  const GrusLength *lengths;
  size_t length_count;

  /* Streams and windows. The state needs no destruction. */
  size_t state_size;
  size_t state_align; /* a power of two */

  /* Each returns GRUS_OK, GRUS_BAD_INDEX or GRUS_BAD_LENGTH. step and push can also return
   * GRUS_NO_OUTPUT; then they have not written to `out`. A function that the kind does not use is
   * NULL. lengths[i * batch + b] is the i-th length of sample b; `lengths` is NULL if length_count
   * is 0. */
  int (*run)(const size_t *lengths, const void *const *in, void *const *out);
  int (*reset)(void *state, const void *const *init);
  int (*step)(void *state, const void *const *in, void *const *out);
  int (*push)(void *window, const void *const *in, void *const *out);
} GrusProgram;

/* What a program made from a model returns to its caller. */
enum {
  GRUS_EXIT_OK = 0,
  GRUS_EXIT_DATA = 1, /* a file holds something other than the model needs */
  GRUS_EXIT_USAGE = 2,
  GRUS_EXIT_FILE = 3 /* a file cannot be read or written */
};

/* Runs the program on argv[1..argc-1]; argv[0] names it in messages. Results go to files or
 * standard output, messages to err. Never calls exit; returns a GRUS_EXIT_ code, or 128 + the
 * number of the signal that interrupted it, leaving no partial file. Installs handlers for SIGINT,
 * SIGTERM, SIGHUP and SIGPIPE and restores the previous ones; otherwise keeps no global state. Not
 * re-entrant. */
int grus_host_run(const GrusProgram *program, int argc, char **argv, FILE *err);

/* The same for a program that measures its inputs: NaN and infinities in them are errors, whatever
 * argv says. */
int grus_host_run_finite(const GrusProgram *program, int argc, char **argv, FILE *err);

/* The body of main in a standalone program: grus_host_run on stderr, then, if it was interrupted,
 * the signal's default action, so that shells see what happened. */
int grus_main(const GrusProgram *program, int argc, char **argv);

#ifdef __cplusplus
}
#endif

#endif
