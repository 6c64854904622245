/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* KIR -> WebAssembly: the sections of a module. The same module gives the same bytes, always. */
#include "backend/wasm.h"

#include "backend/wasm_internal.h"

#include <string.h>

enum {
  SECTION_CUSTOM = 0,
  SECTION_TYPE = 1,
  SECTION_FUNCTION = 3,
  SECTION_MEMORY = 5,
  SECTION_EXPORT = 7,
  SECTION_CODE = 10,
  SECTION_DATA = 11
};
enum { EXPORT_FUNCTION = 0, EXPORT_MEMORY = 2, NAMES_OF_FUNCTIONS = 1 };

/* Buffers whose data lie in the module. */
static bool is_data(const KirModule *m, const KirBuffer *b) {
  return b->space == KIR_CONST && !kir_is_outside(m, b) && b->data;
}

static void type_section(const KirModule *m, Text *out) {
  Text types = text_new(m->arena), functions = text_new(m->arena);
  wasm_u(&types, (uint64_t)m->n_funcs);
  wasm_u(&functions, (uint64_t)m->n_funcs);
  for (int i = 0; i < m->n_funcs; i++) {
    wasm_signature(m->func[i], &types);
    wasm_u(&functions, (uint64_t)i);
  }
  wasm_section(out, SECTION_TYPE, &types);
  wasm_section(out, SECTION_FUNCTION, &functions);
}

static void memory_section(const KirModule *m, const WasmLayout *layout, Text *out) {
  Text memory = text_new(m->arena);
  wasm_u(&memory, 1);
  wasm_u(&memory, 0); /* no greatest size: it may grow */
  wasm_u(&memory, ((uint64_t)layout->end + WASM_PAGE - 1) / WASM_PAGE);
  wasm_section(out, SECTION_MEMORY, &memory);
}

static void export_section(const KirModule *m, Text *out) {
  Text exports = text_new(m->arena);
  uint64_t n = 1;
  for (int i = 0; i < m->n_funcs; i++)
    n += m->func[i]->kind != KIR_HELPER;
  wasm_u(&exports, n);
  wasm_name(&exports, "memory");
  wasm_u(&exports, EXPORT_MEMORY);
  wasm_u(&exports, 0);
  for (int i = 0; i < m->n_funcs; i++) {
    if (m->func[i]->kind == KIR_HELPER) continue;
    wasm_name(&exports, m->func[i]->name);
    wasm_u(&exports, EXPORT_FUNCTION);
    wasm_u(&exports, (uint64_t)i);
  }
  wasm_section(out, SECTION_EXPORT, &exports);
}

/* The numbers of a buffer as they lie in memory: little endian. */
static void add_data(Text *out, const KirBuffer *b) {
  static const union {
    uint16_t word;
    uint8_t first;
  } probe = {1};
  size_t size = wasm_elem_size(b->elem), n = (size_t)b->count * size;
  const char *from = b->data;
  if (probe.first == 1) {
    text_add_n(out, from, n);
    return;
  }
  for (size_t i = 0; i < n; i++)
    text_add_char(out, from[i / size * size + (size - 1 - i % size)]);
}

static void data_section(const KirModule *m, const WasmLayout *layout, Text *out) {
  Text data = text_new(m->arena);
  uint64_t n = 0;
  for (int i = 0; i < m->n_buffers; i++)
    n += is_data(m, m->buffer[i]);
  wasm_u(&data, n);
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    if (!is_data(m, b)) continue;
    wasm_u(&data, 0); /* placed at the start, in memory 0 */
    wasm_u(&data, W_I32_CONST);
    wasm_s(&data, layout->address[i]);
    wasm_u(&data, W_END);
    wasm_u(&data, (uint64_t)b->count * wasm_elem_size(b->elem));
    add_data(&data, b);
  }
  if (n) wasm_section(out, SECTION_DATA, &data);
}

/* Names of functions, for traces and profiles. */
static void name_section(const KirModule *m, Text *out) {
  Text names = text_new(m->arena), section = text_new(m->arena);
  wasm_u(&names, (uint64_t)m->n_funcs);
  for (int i = 0; i < m->n_funcs; i++) {
    wasm_u(&names, (uint64_t)i);
    wasm_name(&names, arena_printf(m->arena, "%s_%s", m->name, m->func[i]->name));
  }
  wasm_name(&section, "name");
  wasm_section(&section, NAMES_OF_FUNCTIONS, &names);
  wasm_section(out, SECTION_CUSTOM, &section);
}

static void description_section(const KirModule *m, const WasmOptions *options, Text *out) {
  Text section = text_new(m->arena), json = text_new(m->arena);
  backend_wasm_description(m, options, &json);
  wasm_name(&section, "grus");
  text_add(&section, text_str(&json));
  wasm_section(out, SECTION_CUSTOM, &section);
}

const char *backend_wasm(const KirModule *m, const WasmOptions *options, Text *bytes) {
  WasmLayout layout = wasm_layout(m);
  if (!layout.end) return "its weights and memory are more than WebAssembly can address";
  WasmWriter w = {.m = m,
                  .arena = m->arena,
                  .layout = &layout,
                  .param = ARENA_ARRAY(m->arena, uint32_t, m->n_buffers + 1)};
  Text code = text_new(m->arena);
  wasm_u(&code, (uint64_t)m->n_funcs);
  for (int i = 0; i < m->n_funcs && !w.error; i++) {
    Text body = text_new(m->arena);
    wasm_function(&w, m->func[i], &body);
    wasm_sized(&code, &body);
  }
  if (w.error) return arena_printf(m->arena, "it uses %s", w.error);
  text_add_n(bytes, "\0asm\1\0\0\0", 8);
  description_section(m, options, bytes);
  type_section(m, bytes);
  memory_section(m, &layout, bytes);
  export_section(m, bytes);
  wasm_section(bytes, SECTION_CODE, &code);
  data_section(m, &layout, bytes);
  name_section(m, bytes);
  return NULL;
}
