/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* grus.h: what every generated interface shares. It may stand any number of times in one
 * translation unit, whole or pasted into generated headers. C99 and C++, freestanding. */
#ifndef GRUS_OK

/* Results of generated functions that can fail. On any but GRUS_OK no output has been written. */
#define GRUS_OK         0
#define GRUS_BAD_INDEX  1 /* an index(n) input outside 0..n-1 */
#define GRUS_BAD_LENGTH 2 /* a length outside 0..bound */
#define GRUS_NO_OUTPUT                                                                             \
  3 /* history is still filling: the step was taken, its output comes later                        \
      \ */

#endif
#ifndef GRUS_N

/* GRUS_N(n), in a parameter `float x[GRUS_N(49)][13]`: the caller's array has at least n elements.
 * C compilers check it at the call; C++ and MSVC have no such notation. */
#if defined(__cplusplus) || (defined(_MSC_VER) && !defined(__clang__))
#define GRUS_N(n) n
#else
#define GRUS_N(n) static n
#endif

#endif
