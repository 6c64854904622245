/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of element types by language, and names that no language takes for a word of its own.
 */
#include "backend/elem_names.h"

#include <string.h>

static const ElemNames names[] = {
    [KIR_F32] = {"float", "f32", "float32", "C.float", "c_float", "f"},
    [KIR_F16] = {"uint16_t", "u16", "uint16", "C.uint16_t", "c_uint16", "He"},
    [KIR_BF16] = {"uint16_t", "u16", "uint16", "C.uint16_t", "c_uint16", "He"},
    [KIR_I8] = {"int8_t", "i8", "int8", "C.int8_t", "c_int8", "b"},
    [KIR_I16] = {"int16_t", "i16", "int16", "C.int16_t", "c_int16", "h"},
    [KIR_I32] = {"int32_t", "i32", "int32", "C.int32_t", "c_int32", "i"},
    [KIR_U8] = {"uint8_t", "u8", "uint8", "C.uint8_t", "c_uint8", "B"},
    [KIR_U16] = {"uint16_t", "u16", "uint16", "C.uint16_t", "c_uint16", "H"},
    [KIR_SIZE] = {"size_t", "usize", "uintptr", "C.size_t", "c_size_t", "LQNI"},
    [KIR_INDEX] = {"int", "i32", "int32", "C.int32_t", "c_int32", "i"},
    [KIR_BOOL] = {"int", "bool", "bool", "C.bool", "c_bool", "?"},
};
_Static_assert(sizeof names / sizeof *names == KIR_BOOL + 1, "a row for each element type");

const ElemNames *elem_names(KirElem elem) {
  return &names[elem];
}

const char *name_apart(Arena *arena, const char *name, const char *const *taken, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(name, taken[i]) == 0) return arena_printf(arena, "%s_", name);
  return name;
}
