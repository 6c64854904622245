/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What `grus build` makes: F(id, the word of --emit, the ending of its file). A program and a
 * package have no ending. Options, help, completion and the messages read this one list. */
#ifndef GRUS_DRIVER_EMIT_KINDS_H
#define GRUS_DRIVER_EMIT_KINDS_H

#define EMIT_LIST(F, HEAD)                                                                         \
  HEAD(C, "c", ".c")                                                                               \
  F(HEADER, "header", ".h")                                                                        \
  F(OBJ, "obj", ".o")                                                                              \
  F(LIB, "lib", ".a")                                                                              \
  F(SHARED, "shared", ".so")                                                                       \
  F(DUCKDB, "duckdb", ".duckdb_extension")                                                         \
  F(EXE, "exe", "")                                                                                \
  F(PACKAGE, "package", "")                                                                        \
  F(WASM, "wasm", ".wasm")                                                                         \
  F(ASM, "asm", ".s")                                                                              \
  F(LLVM, "llvm", ".ll")                                                                           \
  F(BC, "bc", ".bc")                                                                               \
  F(KIR, "kir", ".kir")
#define EMIT_ID(id, word, ending)     EMIT_##id,
#define EMIT_NAME(id, word, ending)   word,
#define EMIT_FIRST(id, word, ending)  word
#define EMIT_ENDING(id, word, ending) ending,
#define EMIT_WORD(id, word, ending)   " " word
/* "c header obj ... kir": as a list of words, the first one without a blank before it. */
#define EMIT_WORDS EMIT_LIST(EMIT_WORD, EMIT_FIRST)
typedef enum EmitKind { EMIT_LIST(EMIT_ID, EMIT_ID) EMIT_COUNT } EmitKind;

#endif
