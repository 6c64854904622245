/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Aborts of a library; see aborts.h. POSIX lets a handler of SIGABRT not return. */
#include "driver/aborts.h"

#include "backend/llvm.h"

#include <signal.h>
#include <stddef.h>

static Arena *guarded;
static int depth; /* guards may stand in each other, for one arena */
static struct sigaction before;

static void on_abort(int number) {
  sigset_t set;
  Arena *arena = guarded;
  sigemptyset(&set);
  sigaddset(&set, number);
  sigprocmask(SIG_UNBLOCK, &set, NULL);
  depth = 1;
  aborts_release();
  backend_llvm_abandon();
  arena_leave(arena, LEAVE_ABORTED);
}

void aborts_guard(Arena *arena) {
  struct sigaction action = {.sa_handler = on_abort};
  sigemptyset(&action.sa_mask);
  guarded = arena;
  if (depth++ == 0) sigaction(SIGABRT, &action, &before);
}

void aborts_release(void) {
  if (--depth) return;
  guarded = NULL;
  sigaction(SIGABRT, &before, NULL);
}
