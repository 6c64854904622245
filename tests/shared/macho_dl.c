/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* dlopen for libraries of macOS on Linux, in place of the system's: it reads the commands of the
 * file as the loader of macOS does, gives the segments their protection, and finds names in the
 * trie. The code calls nothing of its system, so it runs here. */
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
  SEGMENT = 0x19,
  SYMTAB = 2,
  LIBRARY = 6,
  HEAD_BYTES = 32,
  MOST_SEGMENTS = 8,
  MOST_BYTES = 1 << 26
};
static const uint32_t magic = 0xfeedfacf, dyld_info = 0x80000022;

typedef struct Image {
  uint64_t address, size, at, bytes;
  int protection;
} Image;

typedef struct Library {
  unsigned char *file, *memory;
  size_t n, size;
  Image segment[MOST_SEGMENTS];
  int n_segments;
  uint32_t rebase, rebase_size, trie, trie_size, symbols, n_symbols, strings;
} Library;

static const char *problem = "nothing was wrong";

static bool fail(const char *what) {
  problem = what;
  return false;
}

static uint64_t number(const unsigned char *at, int bytes) {
  uint64_t x = 0;
  for (int i = bytes - 1; i >= 0; i--)
    x = x << 8 | at[i];
  return x;
}

static uint64_t leb(const unsigned char **at) {
  uint64_t x = 0;
  for (int shift = 0;; shift += 7) {
    x |= (uint64_t)(**at & 0x7f) << shift;
    if (*(*at)++ < 0x80) return x;
  }
}

static bool read_commands(Library *l) {
  const unsigned char *at = l->file + HEAD_BYTES;
  if (number(l->file, 4) != magic || number(l->file + 12, 4) != LIBRARY)
    return fail("no library of macOS");
  uint64_t n = number(l->file + 16, 4), all = number(l->file + 20, 4);
  for (uint64_t i = 0; i < n; i++, at += number(at + 4, 4)) {
    uint64_t command = number(at, 4);
    if (command == SEGMENT) {
      Image s = {number(at + 24, 8), number(at + 32, 8), number(at + 40, 8), number(at + 48, 8),
                 (int)number(at + 60, 4)};
      if (s.at + s.bytes > l->n || s.bytes > s.size || s.address % 0x4000 || s.at % 0x4000)
        return fail("a segment lies badly");
      if (s.address + s.size > l->size) l->size = s.address + s.size;
      l->segment[l->n_segments++] = s;
    } else if (command == dyld_info) {
      l->rebase = (uint32_t)number(at + 8, 4);
      l->rebase_size = (uint32_t)number(at + 12, 4);
      l->trie = (uint32_t)number(at + 40, 4);
      l->trie_size = (uint32_t)number(at + 44, 4);
    } else if (command == SYMTAB) {
      l->symbols = (uint32_t)number(at + 8, 4);
      l->n_symbols = (uint32_t)number(at + 12, 4);
      l->strings = (uint32_t)number(at + 16, 4);
    }
  }
  return at == l->file + HEAD_BYTES + all || fail("commands do not end where they should");
}

/* The opcodes that the linker of grus uses, and no others. */
static bool rebase(Library *l) {
  const unsigned char *at = l->file + l->rebase, *end = at + l->rebase_size;
  unsigned char *place = NULL;
  while (at < end && *at) {
    unsigned op = *at & 0xf0u, low = *at & 0xfu;
    at++;
    if (op == 0x20) {
      if ((int)low >= l->n_segments) return fail("an address in no segment");
      const Image *s = &l->segment[low];
      uint64_t offset = leb(&at);
      if (offset + 8 > s->bytes || !(s->protection & 2))
        return fail("an address where none may be");
      place = l->memory + s->address + offset;
    } else if (op == 0x50 && low == 1 && place) {
      uint64_t to = number(place, 8) + (uint64_t)(uintptr_t)l->memory;
      memcpy(place, &to, sizeof to);
    } else if (op != 0x10)
      return fail("an opcode that this loader does not know");
  }
  return true;
}

static bool map(Library *l) {
  l->memory = mmap(NULL, l->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (l->memory == MAP_FAILED) return fail("no memory");
  for (int i = 0; i < l->n_segments; i++)
    memcpy(l->memory + l->segment[i].address, l->file + l->segment[i].at, l->segment[i].bytes);
  if (!rebase(l)) return false;
  for (int i = 0; i < l->n_segments; i++) {
    const Image *s = &l->segment[i];
    int protection = (s->protection & 1 ? PROT_READ : 0) | (s->protection & 2 ? PROT_WRITE : 0) |
                     (s->protection & 4 ? PROT_EXEC : 0);
    if (protection == (PROT_READ | PROT_WRITE | PROT_EXEC)) return fail("memory written and run");
    if (mprotect(l->memory + s->address, s->size, protection) != 0) return fail("no protection");
    __builtin___clear_cache((char *)l->memory + s->address,
                            (char *)l->memory + s->address + s->size);
  }
  return true;
}

void *dlopen(const char *path, int how) {
  Library *l = calloc(1, sizeof *l);
  FILE *file = fopen(path, "rb");
  (void)how;
  problem = "it cannot be read";
  if (!l || !file) return NULL;
  l->file = malloc(MOST_BYTES);
  l->n = fread(l->file, 1, MOST_BYTES, file);
  fclose(file);
  return l->n > HEAD_BYTES && read_commands(l) && map(l) ? l : NULL;
}

/* By the trie; the table of symbols must say the same. */
void *dlsym(void *handle, const char *name) {
  const Library *l = handle;
  const unsigned char *trie = l->file + l->trie, *at = trie;
  char wanted[100];
  snprintf(wanted, sizeof wanted, "_%s", name);
  for (const char *rest = wanted;;) {
    uint64_t terminal = leb(&at);
    if (terminal && !*rest) break;
    at += terminal;
    int n = *at++;
    const unsigned char *next = NULL;
    for (int i = 0; i < n; i++) {
      const char *edge = (const char *)at;
      at += strlen(edge) + 1;
      uint64_t to = leb(&at);
      if (!next && strncmp(rest, edge, strlen(edge)) == 0) {
        next = trie + to;
        rest += strlen(edge);
      }
    }
    problem = "a name that is not exported";
    if (!next) return NULL;
    at = next;
  }
  leb(&at);
  uint64_t address = leb(&at);
  for (uint32_t i = 0; i < l->n_symbols; i++) {
    const unsigned char *symbol = l->file + l->symbols + 16 * (size_t)i;
    if (strcmp((const char *)l->file + l->strings + number(symbol, 4), wanted) == 0)
      return number(symbol + 8, 8) == address ? l->memory + address : NULL;
  }
  problem = "a name that is no symbol";
  return NULL;
}

char *dlerror(void) {
  return (char *)problem;
}
