/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Options of a Keras layer. Every one is either used, known to change nothing when the model runs,
 * or a reason to refuse the layer. Keras 1 calls some of them otherwise. */
#include "import/read/keras/keras.h"

#include "base/text.h"

#include <string.h>

/* Of every class: names, training, initial values. */
static const char *const harmless[] = {"name",
                                       "trainable",
                                       "dtype",
                                       "batch_input_shape",
                                       "batch_shape",
                                       "input_shape",
                                       "input_dtype",
                                       "input_length",
                                       "sparse",
                                       "ragged",
                                       "seed",
                                       "implementation",
                                       "unroll",
                                       "dropout",
                                       "recurrent_dropout",
                                       "dropout_W",
                                       "dropout_U",
                                       "init",
                                       "inner_init",
                                       "forget_bias_init",
                                       "W_regularizer",
                                       "U_regularizer",
                                       "b_regularizer",
                                       "W_constraint",
                                       "b_constraint",
                                       "U_constraint",
                                       "consume_less",
                                       "unit_forget_bias",
                                       "momentum",
                                       "fused",
                                       "optional",
                                       "lora_rank",
                                       "lora_alpha",
                                       "quantization_config",
                                       "synchronized",
                                       "zero_output_for_mask",
                                       "noise_shape",
                                       "use_legacy_config",
                                       "gamma_init",
                                       "beta_init",
                                       "weights",
                                       "input_dim",
                                       "virtual_batch_size",
                                       "input_spec",
                                       "autocast",
                                       "batch_size",
                                       "time_distributed_mask"};

static const char *const keras_1_names[][2] = {
    {"units", "output_dim"}, {"recurrent_activation", "inner_activation"},
    {"use_bias", "bias"},    {"rate", "p"},
    {"stddev", "sigma"},     {"target_shape", "dims"}};

static bool is_harmless(const char *name) {
  for (size_t i = 0; i < sizeof harmless / sizeof *harmless; i++)
    if (strcmp(name, harmless[i]) == 0) return true;
  return text_ends(name, "_initializer") || text_ends(name, "_regularizer") ||
         text_ends(name, "_constraint");
}

Diag *keras_refuse(const KerasLayer *layer, DiagCode code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(layer->keras->arena, format, args);
  va_end(args);
  return foreign_report(layer->keras->diags, layer->keras->file, code, "`%s` (%s) %s", layer->name,
                        layer->shown ? layer->shown : layer->class_name, what);
}

bool keras_lacks(const KerasLayer *layer, DiagCode code, const char *help, const char *format,
                 ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(layer->keras->arena, format, args);
  va_end(args);
  diag_fix(keras_refuse(layer, code, "%s", what), FIX_MAYBE, "%s", help);
  return false;
}

static const char *value_text(Arena *arena, const json_t *value) {
  const char *dump = json_text(arena, value, JSON_COMPACT | JSON_ENCODE_ANY);
  if (!dump) return "?";
  size_t len = strlen(dump);
  const char *out = len > 60 ? arena_printf(arena, "%.57s...", dump) : arena_strdup(arena, dump);
  return out;
}

/* The entry of name in a blank-separated list of "name" and "name=value": *only gets the value. */
static bool listed(Arena *arena, const char *list, const char *name, const char **only) {
  TextWord entry;
  *only = NULL;
  while (words_next(&list, &entry)) {
    const char *equal = memchr(entry.s, '=', entry.len);
    TextWord key = {entry.s, equal ? (size_t)(equal - entry.s) : entry.len};
    if (!text_word_is(key, name)) continue;
    if (equal) *only = arena_strndup(arena, equal + 1, entry.len - key.len - 1);
    return true;
  }
  return false;
}

/* Names of Keras 1 are read as their present names. */
static const char *name_today(const KerasLayer *layer, const char *name) {
  for (size_t i = 0; i < sizeof keras_1_names / sizeof *keras_1_names && layer->keras->major == 1;
       i++)
    if (strcmp(name, keras_1_names[i][1]) == 0) return keras_1_names[i][0];
  return name;
}

/* Checks the type in which a layer computes: "float32", or a policy of Keras 2.4 and newer.
 * Quantised layers are an error. False after reporting. */
static bool check_precision(const KerasLayer *layer) {
  json_t *dtype = keras_option(layer, "dtype"), *policy = json_object_get(dtype, "config");
  const char *mode = json_string_value(json_object_get(policy, "mode")),
             *name = json_string_value(json_object_get(policy, "name"));
  if (json_is_string(dtype)) name = json_string_value(dtype);
  if (mode) {
    return keras_lacks(
        layer, E903,
        "import the model as it was before `quantize`; `precision` in the .grus file "
        "quantises that",
        "is quantised to %s: its weights are not those it was trained with", mode);
  }
  if (name && strstr(name, "float16")) graph_half(keras_emit(layer)->graph, layer->name, name);
  return true;
}

bool keras_check_options(const KerasLayer *layer, const char *known) {
  const char *name, *only;
  json_t *value;
  bool ok = check_precision(layer);
  json_object_foreach(layer->config, name, value) {
    if (!listed(layer->keras->arena, known, name_today(layer, name), &only)) {
      if (is_harmless(name) || json_is_null(value)) continue;
      keras_lacks(
          layer, E903,
          arena_printf(layer->keras->arena,
                       "if the option changes nothing when the model runs, take it out of the "
                       "configuration; otherwise %s",
                       keras_cut(layer)),
          "has option `%s` = %s, which is not known", name, value_text(layer->keras->arena, value));
      ok = false;
    } else if (only && !json_is_null(value) &&
               strcmp(value_text(layer->keras->arena, value), only) != 0) {
      keras_lacks(layer, E903, arena_printf(layer->keras->arena, "`%s` = %s is read", name, only),
                  "has `%s` = %s, which is not supported", name,
                  value_text(layer->keras->arena, value));
      ok = false;
    }
  }
  return ok;
}

json_t *keras_option(const KerasLayer *layer, const char *name) {
  json_t *value = json_object_get(layer->config, name);
  for (size_t i = 0;
       i < sizeof keras_1_names / sizeof *keras_1_names && !value && layer->keras->major == 1; i++)
    if (strcmp(name, keras_1_names[i][0]) == 0)
      value = json_object_get(layer->config, keras_1_names[i][1]);
  return json_is_null(value) ? NULL : value;
}

static void report_kind(const KerasLayer *layer, const char *name, const char *needed,
                        const json_t *value) {
  keras_refuse(layer, E901, "has `%s` = %s; expected %s", name,
               value_text(layer->keras->arena, value), needed);
}

int64_t keras_size(const KerasLayer *layer, const char *name, int64_t if_absent) {
  json_t *value = keras_option(layer, name);
  if (!value) {
    if (if_absent < 0) keras_refuse(layer, E901, "has no option `%s`", name);
    return if_absent;
  }
  if (json_is_array(value) && json_array_size(value) == 1) value = json_array_get(value, 0);
  if (json_is_integer(value) && json_integer_value(value) > 0 &&
      json_integer_value(value) <= INT32_MAX)
    return json_integer_value(value);
  report_kind(layer, name, "a whole number of at least 1", value);
  return -1;
}

int64_t keras_listed(const KerasLayer *layer, const char *name, int i, int n, int64_t if_absent) {
  json_t *list = keras_option(layer, name);
  size_t size = json_array_size(list);
  if (!list) return if_absent;
  json_t *item = json_is_array(list) ? json_array_get(list, size == 1 ? 0 : (size_t)i) : list;
  bool fits = !json_is_array(list) || size == 1 || size == (size_t)n;
  if (fits && json_is_integer(item) && json_integer_value(item) > 0 &&
      json_integer_value(item) <= INT32_MAX)
    return json_integer_value(item);
  keras_refuse(layer, E901, "has a `%s` that is not %d positive whole number%s", name, n,
               n == 1 ? "" : "s");
  return -1;
}

double keras_number(const KerasLayer *layer, const char *name, double if_absent) {
  json_t *value = keras_option(layer, name);
  if (!value) return if_absent;
  if (json_is_number(value)) return json_number_value(value);
  json_t *scalar = json_object_get(json_object_get(value, "config"),
                                   "value"); /* {"class_name": "__numpy__", ...} */
  if (json_is_number(scalar)) return json_number_value(scalar);
  report_kind(layer, name, "a number", value);
  return if_absent;
}

bool keras_flag(const KerasLayer *layer, const char *name, bool if_absent) {
  json_t *value = keras_option(layer, name);
  if (!value) return if_absent;
  if (!json_is_boolean(value) && !json_is_integer(value))
    report_kind(layer, name, "true or false", value);
  return json_is_true(value) || json_integer_value(value) != 0;
}

const char *keras_word(const KerasLayer *layer, const char *name, const char *if_absent) {
  json_t *value = keras_option(layer, name);
  if (!value) return if_absent;
  if (!json_is_string(value)) report_kind(layer, name, "a word", value);
  return json_is_string(value) ? json_string_value(value) : if_absent;
}

const char *keras_activation_name(const KerasLayer *layer, const char *name,
                                  const char *if_absent) {
  json_t *value = keras_option(layer, name);
  if (!value) return if_absent;
  if (json_is_object(
          value)) { /* {"module": "builtins", "class_name": "function", "config": "relu"} */
    json_t *function = json_object_get(value, "config");
    const char *class_name = json_string_value(json_object_get(value, "class_name"));
    if (json_is_string(function))
      value = function;
    else if (class_name && json_object_size(function) <= 1)
      value = json_object_get(value, "class_name");
  }
  if (json_is_string(value)) return json_string_value(value);
  report_kind(layer, name, "the name of an activation", value);
  return NULL;
}
