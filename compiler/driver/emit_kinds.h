/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What `grus build` makes: F(id, the word of --emit, the ending of its file, what it holds). A
 * program and a package have no ending. Options, help, completion and the messages read this one
 * list. */
#ifndef GRUS_DRIVER_EMIT_KINDS_H
#define GRUS_DRIVER_EMIT_KINDS_H

#define EMIT_LIST(F, HEAD)                                                                         \
  HEAD(C, "c", ".c", C_TEXT)                                                                       \
  F(HEADER, "header", ".h", C_TEXT)                                                                \
  F(OBJ, "obj", ".o", BYTES)                                                                       \
  F(LIB, "lib", ".a", BYTES)                                                                       \
  F(SHARED, "shared", ".so", BYTES)                                                                \
  F(DUCKDB, "duckdb", ".duckdb_extension", BYTES)                                                  \
  F(EXE, "exe", "", BYTES)                                                                         \
  F(PACKAGE, "package", "", C_FOLDER)                                                              \
  F(WASM, "wasm", ".wasm", BYTES)                                                                  \
  F(ASM, "asm", ".s", TEXT)                                                                        \
  F(LLVM, "llvm", ".ll", TEXT)                                                                     \
  F(BC, "bc", ".bc", BYTES)                                                                        \
  F(KIR, "kir", ".kir", TEXT)
#define EMIT_ID(id, word, ending, holds)     EMIT_##id,
#define EMIT_NAME(id, word, ending, holds)   word,
#define EMIT_FIRST(id, word, ending, holds)  word
#define EMIT_ENDING(id, word, ending, holds) ending,
#define EMIT_WORD(id, word, ending, holds)   " " word
/* "c header obj ... kir": as a list of words, the first one without a blank before it. */
#define EMIT_WORDS EMIT_LIST(EMIT_WORD, EMIT_FIRST)
typedef enum EmitHolds { HOLDS_C_TEXT, HOLDS_C_FOLDER, HOLDS_TEXT, HOLDS_BYTES } EmitHolds;
#define EMIT_HOLDS(id, word, ending, holds) HOLDS_##holds,
typedef enum EmitKind { EMIT_LIST(EMIT_ID, EMIT_ID) EMIT_COUNT } EmitKind;

#endif
