/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ONNX files whose structure is damaged, not their bytes: every message is well-formed, and fields
 * are doubled, left out, exchanged, renamed or given odd numbers. The same for the same seed
 * everywhere. */
#ifndef GRUS_TESTS_HOSTILE_RESHAPE_ONNX_H
#define GRUS_TESTS_HOSTILE_RESHAPE_ONNX_H

#include <stddef.h>
#include <stdint.h>

/* Writes a changed copy of a file to out, at most room bytes. Returns its length; 0 if the file is
 * not one, or the copy has no room. */
size_t reshape_onnx(const uint8_t *data, size_t len, uint64_t seed, uint8_t *out, size_t room);

#endif
