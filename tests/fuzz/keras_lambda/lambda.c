/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Any bytes as the function of a Lambda of Keras, which Python compiled: a byte that says how many
 * values the layer reads, one or two, and the bytes of the code. */
#include "../keras_config/import_config.h"

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUTS = 2 };

static void add_base64(Text *text, const uint8_t *data, size_t size) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  enum { GROUP = 3, DIGITS = 4, BITS = 6, LOWEST = 63 };
  for (size_t i = 0; i < size; i += GROUP) {
    uint32_t bits = 0;
    char four[DIGITS + 1] = "====";
    size_t n = size - i < GROUP ? size - i : GROUP;
    for (size_t k = 0; k < GROUP; k++)
      bits = bits << 8 | (k < n ? data[i + k] : 0);
    for (size_t k = 0; k <= n; k++)
      four[k] = digits[bits >> (BITS * (DIGITS - 1 - k)) & LOWEST];
    text_add(text, four);
  }
}

static void import(Arena *arena, const uint8_t *data, size_t size) {
  int n = data[0] % INPUTS + 1;
  Text text = text_new(arena);
  text_add(&text, "{\"class_name\":\"Functional\",\"keras_version\":\"2.15.0\",\"config\":{"
                  "\"name\":\"m\",\"layers\":[");
  for (int i = 0; i < n; i++)
    text_printf(&text,
                "{\"class_name\":\"InputLayer\",\"name\":\"x%d\",\"inbound_nodes\":[],\"config\":"
                "{\"name\":\"x%d\",\"batch_input_shape\":[null,4,4]}},",
                i, i);
  text_add(&text, "{\"class_name\":\"Lambda\",\"name\":\"f\",\"config\":{\"name\":\"f\","
                  "\"function_type\":\"lambda\",\"function\":[\"");
  add_base64(&text, data + 1, size - 1);
  text_printf(&text,
              "\",null,null]},\"inbound_nodes\":[[[\"x0\",0,0,{}]%s]]}],\"input_layers\":"
              "[[\"x0\",0,0]%s],\"output_layers\":[[\"f\",0,0]]}}",
              n > 1 ? ",[\"x1\",0,0,{}]" : "", n > 1 ? ",[\"x1\",0,0]" : "");
  import_config(arena, (const uint8_t *)text_str(&text), text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  return size ? fuzz_in_arena(import, data, size) : 0;
}
