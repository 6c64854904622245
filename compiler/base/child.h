/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Work that may crash, run without end or take all memory, in a process of its own that has limits
 * and talks over a socket. Where the system has fork the process shares what there is, writes no
 * files and opens none; on Windows it is this executable once more, and has its input alone. */
#ifndef GRUS_BASE_CHILD_H
#define GRUS_BASE_CHILD_H

#include <stdbool.h>
#include <stddef.h>

typedef struct Child {
  int pid, socket; /* pid 0: it has ended */
} Child;

typedef struct ChildLimits {
  unsigned long seconds; /* of computing */
  size_t memory; /* bytes beside what the parent has; not kept where a sanitizer is built in */
  bool is_heard; /* what it writes to standard error goes over the socket, else nowhere */
} ChildLimits;

/* What the work returns when memory is exhausted. */
enum { CHILD_NO_MEMORY = 3 };

typedef struct ChildWork {
  const char *name;                                    /* for the command line of Windows: a word */
  int (*run)(const void *input, size_t n, int socket); /* its result is the exit code */
} ChildWork;

/* Starts the work on n bytes, which are a copy on Windows. False if that cannot be done. */
bool child_start(Child *child, ChildLimits limits, const ChildWork *work, const void *input,
                 size_t n);
/* Of Windows alone, for its main: whether this process is such a child; it has then done its work,
 * one of these, and ends with *code. */
bool child_serve(int argc, char **argv, const ChildWork *const *works, size_t n_works, int *code);
/* Ends it if it has not, and says why it had; NULL if it was well. */
const char *child_end(Child *child);

/* All n bytes, or false: the other side is not there any more. */
bool child_put(int socket, const void *data, size_t n);
bool child_get(int socket, void *data, size_t n);

#endif
