/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What the reader of torch.export says of programs. A case (../cases.h) is
 *
 *     NAME | INPUTS | NODE ; NODE ... | OUTPUTS
 *     NAME | ORDER | MEMBER | JSON
 *
 * INPUTS are names of tensors, or a list of JSON without brackets; nothing stands for `x`. OUTPUTS
 * is such a list; nothing stands for `y`. A node is `TARGET operand=tensor argument:JSON ...
 * >result`. With a MEMBER, which ends in .json, the archive has that one alone, and m/byteorder if
 * there is an ORDER. */
#include "tests/conformance/cases.h"

#include <stdlib.h>
#include <string.h>
#include <zip.h>

/* Inputs by their names: x is 2 x 3, v a vector; s is a batch of sequences of any length, f of six
 * steps, of three features each; y has three axes; of z the kind of numbers is not known. */
static const char tensors[] =
    "{\"x\":{\"dtype\":7,\"sizes\":[{\"as_int\":2},{\"as_int\":3}]},"
    "\"v\":{\"dtype\":7,\"sizes\":[{\"as_int\":3}]},"
    "\"w\":{\"dtype\":7,\"sizes\":[{\"as_int\":2},{\"as_int\":3}]},"
    "\"s\":{\"dtype\":7,\"sizes\":[{\"as_expr\":{\"expr_str\":\"s0\"}},"
    "{\"as_expr\":{\"expr_str\":\"s1\"}},{\"as_int\":3}]},"
    "\"f\":{\"dtype\":7,\"sizes\":[{\"as_expr\":{\"expr_str\":\"s0\"}},{"
    "\"as_int\":6},{\"as_int\":3}]},"
    "\"y\":{\"dtype\":7,\"sizes\":[{\"as_int\":1},{\"as_int\":6},{\"as_int\":3}]},"
    "\"z\":{\"dtype\":99,\"sizes\":[{\"as_int\":2}]}}";

static void add_member(zip_t *zip, const char *name, const char *text) {
  zip_source_t *source = zip_source_buffer(zip, text, strlen(text), 0);
  if (!source || zip_file_add(zip, name, source, 0) < 0) abort();
}

static zip_t *archive_begin(zip_source_t **bytes) {
  zip_error_t error;
  *bytes = zip_source_buffer_create(NULL, 0, 0, &error);
  zip_t *zip = *bytes ? zip_open_from_source(*bytes, ZIP_TRUNCATE, &error) : NULL;
  if (!zip) abort();
  zip_source_keep(*bytes);
  return zip;
}

static Mapped archive_end(Arena *arena, zip_t *zip, zip_source_t *bytes) {
  zip_stat_t stat;
  if (zip_close(zip) || zip_source_open(bytes) || zip_source_stat(bytes, &stat)) abort();
  uint8_t *data = arena_alloc(arena, (size_t)stat.size);
  if (zip_source_read(bytes, data, stat.size) != (zip_int64_t)stat.size) abort();
  zip_source_close(bytes);
  zip_source_free(bytes);
  return (Mapped){data, (size_t)stat.size};
}

static void add_node(Arena *arena, Text *out, const char *node) {
  const char *rest, *target = case_part(arena, node, " ", &rest);
  text_printf(out, "{\"target\":\"%s\",\"inputs\":[", target);
  for (int n = 0; rest && *rest && *rest != '>'; n++) {
    const char *word = case_part(arena, rest, " ", &rest);
    size_t name = strcspn(word, "=:");
    text_printf(out, "%s{\"name\":\"%.*s\",\"arg\":", n ? "," : "", (int)name, word);
    if (word[name] == '=')
      text_printf(out, "{\"as_tensor\":{\"name\":\"%s\"}}}", word + name + 1);
    else
      text_printf(out, "%s}", word + name + 1);
  }
  text_printf(out, "],\"outputs\":[{\"as_tensor\":{\"name\":\"%s\"}}]}", rest ? rest + 1 : "");
}

/* Names of tensors as a list of inputs; JSON as it is. */
static const char *inputs_of(Arena *arena, const char *inputs) {
  Text out = text_new(arena);
  if (*inputs == '{') return inputs;
  for (const char *rest = *inputs ? inputs : "x"; rest && *rest;) {
    const char *name = case_part(arena, rest, " ", &rest);
    text_printf(&out, "%s{\"user_input\":{\"arg\":{\"as_tensor\":{\"name\":\"%s\"}}}}",
                out.len ? "," : "", name);
  }
  return text_str(&out);
}

static const char *program(Arena *arena, const char *inputs, const char *nodes,
                           const char *outputs) {
  Text out = text_new(arena);
  text_add(&out, "{\"torch_version\":\"2.8\",\"graph_module\":{\"graph\":{\"nodes\":[");
  for (int n = 0; nodes && *nodes; n++) {
    if (n) text_add(&out, ",");
    add_node(arena, &out, case_part(arena, nodes, " ; ", &nodes));
  }
  text_printf(
      &out, "],\"tensor_values\":%s},\"signature\":{\"input_specs\":[%s],\"output_specs\":[%s]}}}",
      tensors, inputs_of(arena, inputs),
      *outputs ? outputs : "{\"user_output\":{\"arg\":{\"as_tensor\":{\"name\":\"y\"}}}}");
  return text_str(&out);
}

Mapped case_file(Arena *arena, const char *const part[CASE_PARTS], const char **path) {
  zip_source_t *bytes;
  zip_t *zip = archive_begin(&bytes);
  *path = "model.pt2";
  if (strstr(part[2], ".json")) {
    add_member(zip, part[2], part[3]);
    if (*part[1]) add_member(zip, "m/byteorder", part[1]);
  } else {
    add_member(zip, "m/models/model.json", program(arena, part[1], part[2], part[3]));
    add_member(zip, "m/data/weights/model_weights_config.json", "{\"config\":{}}");
  }
  return archive_end(arena, zip, bytes);
}
