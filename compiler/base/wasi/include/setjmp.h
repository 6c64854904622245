/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* WebAssembly has no jumps out of functions. What leaves through the arena, because memory is
 * exhausted, traps; whoever runs the module makes a new instance and says why. */
#ifndef GRUS_WASI_SETJMP_H
#define GRUS_WASI_SETJMP_H

typedef int jmp_buf[1];
#define setjmp(buffer)         ((buffer)[0] = 0)
#define longjmp(buffer, value) ((void)(buffer), (void)(value), __builtin_trap())

#endif
