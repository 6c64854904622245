/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One arena holds everything of one compilation. Its functions never return NULL: when memory is
 * exhausted they jump to the handler given at creation, and arena_free releases all there is. */
#ifndef GRUS_BASE_ARENA_H
#define GRUS_BASE_ARENA_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#ifdef _WIN32 /* the printf of mingw-w64, not Microsoft's: __USE_MINGW_ANSI_STDIO */
#define GRUS_PRINTF(string, first) __attribute__((format(gnu_printf, string, first)))
#else
#define GRUS_PRINTF(string, first) __attribute__((format(printf, string, first)))
#endif
#define GRUS_NORETURN __attribute__((noreturn))
#else
#define GRUS_PRINTF(string, first)
#define GRUS_NORETURN
#endif

typedef struct Arena Arena;

/* NULL when out of memory. Later exhaustion does longjmp(*oom, LEAVE_NO_MEMORY); oom must outlive
 * the arena. */
Arena *arena_new(jmp_buf *oom);

/* An arena with the same handler, which goes with its parent if arena_free has not freed it before:
 * for what lives through one step of a long computation. */
Arena *arena_child(Arena *parent);

/* Runs the deferred functions, last first, then frees all memory. NULL is fine. */
void arena_free(Arena *arena);

/* Why the handler is entered: what setjmp returns. */
typedef enum ArenaLeave {
  LEAVE_NO_MEMORY = 1,
  LEAVE_FILE_SHRANK, /* a file that was being read */
  LEAVE_ABORTED      /* a library gave up */
} ArenaLeave;

/* Leaves through the handler: everything of the compilation ends here. */
GRUS_NORETURN void arena_leave(Arena *arena, ArenaLeave why);
/* As if memory were exhausted: for libraries that report it themselves. */
GRUS_NORETURN void arena_out_of_memory(Arena *arena);

/* Zeroed memory, aligned for any type. */
void *arena_alloc(Arena *arena, size_t size);
/* Zeroed array; n * size is checked for overflow. */
void *arena_array(Arena *arena, size_t n, size_t size);
/* A copy of n elements. */
void *arena_copy(Arena *arena, const void *from, size_t n, size_t size);
/* Gives back a large allocation that nothing reads any more. False: it was not large enough to have
 * memory of its own, or is not of this arena; it goes with the arena. */
bool arena_release(Arena *arena, const void *pointer);
/* Grows an array to hold at least `need` elements; doubles *cap. Returns the (moved) array. */
void *arena_grow(Arena *arena, void *array, size_t *cap, size_t need, size_t size);

char *arena_strdup(Arena *arena, const char *s);
char *arena_strndup(Arena *arena, const char *s, size_t n);
char *arena_printf(Arena *arena, const char *format, ...) GRUS_PRINTF(2, 3);
char *arena_vprintf(Arena *arena, const char *format, va_list args);

/* fn(arg) is called by arena_free: closes files, unmaps, frees library objects. */
void arena_defer(Arena *arena, void (*fn)(void *), void *arg);

/* Bytes handed out and not given back. */
size_t arena_used(const Arena *arena);

#define ARENA_NEW(arena, T)      ((T *)arena_alloc((arena), sizeof(T)))
#define ARENA_ARRAY(arena, T, n) ((T *)arena_array((arena), (size_t)(n), sizeof(T)))
/* Appends to (array, count, cap), three lvalues of one vector. */
#define ARENA_PUSH(arena, array, count, cap, item)                                                 \
  do {                                                                                             \
    (array) = arena_grow((arena), (array), &(cap), (size_t)(count) + 1, sizeof *(array));          \
    (array)[(count)++] = (item);                                                                   \
  } while (0)

#endif
