/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files mapped into memory: if one shrinks, the kernel says so by a signal, and the command ends as
 * it does when memory runs out (arena_leave). */
#define _XOPEN_SOURCE 700 /* siginfo */
#include "base/mapping.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

typedef struct Mapping {
  struct Mapping *next;
  Arena *arena;
  Mapped bytes;
} Mapping;

static Mapping *mappings; /* those that are there, for the handler */

static void on_bus_error(int number, siginfo_t *info, void *context) {
  (void)context;
  const uint8_t *at = info->si_addr;
  sigset_t set;
  for (const Mapping *m = mappings; m; m = m->next)
    if (at >= m->bytes.data && at < m->bytes.data + m->bytes.len) {
      sigemptyset(&set);
      sigaddset(&set, SIGBUS);
      sigprocmask(SIG_UNBLOCK, &set, NULL);
      arena_leave(m->arena, LEAVE_FILE_SHRANK);
    }
  signal(number, SIG_DFL); /* not ours: it comes again */
}

static void unmap(void *arg) {
  Mapping *m = arg;
  if (!m->bytes.len) return;
  for (Mapping **at = &mappings; *at; at = &(*at)->next)
    if (*at == m) {
      *at = m->next;
      break;
    }
  munmap((void *)(uintptr_t)m->bytes.data, m->bytes.len);
}

bool mapping_make(Arena *arena, int fd, size_t len, Mapped *out, const char **reason) {
  Mapping *m = ARENA_NEW(arena, Mapping); /* before there is anything to lose */
  arena_defer(arena, unmap, m);
  void *p = mmap(NULL, len, PROT_READ, MAP_PRIVATE, fd, 0);
  if (p == MAP_FAILED) {
    *reason = strerror(errno);
    return false;
  }
  struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
  sigemptyset(&action.sa_mask);
  *m = (Mapping){mappings, arena, {p, len}};
  mappings = m;
  sigaction(SIGBUS, &action, NULL);
  *out = m->bytes;
  return true;
}
