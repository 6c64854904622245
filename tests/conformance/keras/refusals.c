/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the reader of Keras says of configurations, each with the weights that it asks for
 * (../../fuzz/keras_config/any_weights.h). A case (../cases.h) is
 *
 *     NAME | VERSION | SHAPE SHAPE ... | CLASS {OPTIONS} > CLASS {OPTIONS} ...
 *     NAME | | | JSON
 *
 * The first layer reads inputs of these shapes, each other one the layer before it. JSON is a whole
 * configuration. */
#include "tests/conformance/cases.h"
#include "tests/fuzz/keras_config/any_weights.h"

#include <string.h>

/* The layers one after another, as a functional model of Keras 2. */
static const char *composed(Arena *arena, const char *version, const char *shapes,
                            const char *layers) {
  Text out = text_new(arena), reads = text_new(arena), inputs = text_new(arena);
  int n_in = 0, n = 0;
  text_printf(&out,
              "{\"keras_version\":\"%s\",\"class_name\":\"Functional\",\"config\":{\"layers\":[",
              version);
  for (const char *rest = shapes; rest && *rest; n_in++) {
    const char *shape = case_part(arena, rest, " ", &rest), *comma = n_in ? "," : "";
    text_printf(
        &out,
        "%s{\"class_name\":\"InputLayer\",\"name\":\"x%d\",\"inbound_nodes\":[],\"config\":{"
        "\"name\":\"x%d\",\"batch_shape\":%s}}",
        comma, n_in, n_in, shape);
    text_printf(&reads, "%s[\"x%d\",0,0,{}]", comma, n_in);
    text_printf(&inputs, "%s[\"x%d\",0,0]", comma, n_in);
  }
  const char *last = "x0";
  for (const char *rest = layers; rest; n++) {
    const char *options,
        *class_name = case_part(arena, case_part(arena, rest, " > ", &rest), " {", &options);
    last = arena_printf(arena, "%s_%d", class_name, n);
    text_printf(&out,
                ",{\"class_name\":\"%s\",\"name\":\"%s\",\"inbound_nodes\":[[%s]],\"config\":{"
                "\"name\":\"%s\"%s%s}",
                class_name, last, text_str(&reads), last, options && *options != '}' ? "," : "",
                options ? options : "}");
    reads = text_new(arena);
    text_printf(&reads, "[\"%s\",0,0,{}]", last);
  }
  text_printf(&out, "],\"input_layers\":[%s],\"output_layers\":[[\"%s\",0,0]]}}", text_str(&inputs),
              last);
  return text_str(&out);
}

Mapped case_file(Arena *arena, const char *const part[CASE_PARTS], const char **path) {
  const char *config = *part[2] ? composed(arena, part[1], part[2], part[3]) : part[3];
  *path = "model.h5";
  return any_weights_file(arena, (const uint8_t *)config, strlen(config));
}
