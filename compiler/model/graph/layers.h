/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The table of stages (layers.def) as data: names, options, flags. */
#ifndef GRUS_MODEL_LAYERS_H
#define GRUS_MODEL_LAYERS_H

#include <stdbool.h>
#include <stddef.h>

typedef enum LayerKind {
#define LAYER(id, name, rule, flags, family, ...) LAYER_##id,
#include "model/graph/layers.def"
  LAYER_KIND_COUNT
} LayerKind;

typedef enum LayerFlag {
  STREAMS = 1,
  WEIGHTS = 2,
  RECURRENT = 4,
  TRAINING = 8,
  SEQUENCE = 16,
  ENDS = 32,
  POINTWISE = 64,
  MULTI = 128,
  OPERATOR = 256,
  PER_STEP = 512 /* has weights or mixes the elements of a step, but computes each step by itself */
} LayerFlag;

typedef enum OptKind {
  OPTK_NONE,
  OPTK_SIZE,
  OPTK_NUMBER,
  OPTK_WORD,
  OPTK_SIZES,
  OPTK_PADDING,
  OPTK_AXES,
  OPTK_STATE,
  OPTK_VALUE,
  OPTK_TEXT,
  OPTK_SHAPE
} OptKind;

/* The names of all options of all stages. An option means the same in every stage that has it. */
typedef enum OptName {
  OPT_activation,
  OPT_after,
  OPT_along,
  OPT_alpha,
  OPT_as,
  OPT_axes,
  OPT_before,
  OPT_begin,
  OPT_bias,
  OPT_cell_activation,
  OPT_cell_clip,
  OPT_center,
  OPT_clip,
  OPT_dilation,
  OPT_direction,
  OPT_end,
  OPT_eps,
  OPT_exponent,
  OPT_factor,
  OPT_fill,
  OPT_filters,
  OPT_form,
  OPT_from,
  OPT_gate,
  OPT_groups,
  OPT_heads,
  OPT_high,
  OPT_hop,
  OPT_init,
  OPT_kernel,
  OPT_low,
  OPT_mask,
  OPT_max,
  OPT_mean,
  OPT_mode,
  OPT_n,
  OPT_padding,
  OPT_peephole,
  OPT_precision,
  OPT_rate,
  OPT_reset,
  OPT_scale,
  OPT_shape,
  OPT_size,
  OPT_slope,
  OPT_std,
  OPT_step,
  OPT_stride,
  OPT_swapped,
  OPT_units,
  OPT_value,
  OPT_window,
  OPT_NAME_COUNT
} OptName;

enum { LAYER_MAX_OPTS = 14 };

typedef struct OptInfo {
  OptName id;
  OptKind kind;
  const char *name;
  const char
      *fallback; /* "": required; "-": optional without default; else the default, as in source */
  const char *words; /* OPTK_WORD, OPTK_STATE: the words accepted, separated by blanks */
} OptInfo;

typedef struct LayerInfo {
  LayerKind kind;
  const char *name; /* as written: "GRU", "last", "+" */
  const char *rule;
  unsigned flags;
  OptInfo opts[LAYER_MAX_OPTS]; /* in the order of positional arguments; layer_opt_count of them */
} LayerInfo;

const LayerInfo *layer_info(LayerKind kind);
/* The stage with this name in the source; NULL if there is none. Operators such as `+` have no such
 * name. */
const LayerInfo *layer_info_find(const char *name);
int layer_opt_count(const LayerInfo *info);
/* The index into info->opts of the option with this name; -1 if the stage has none. */
int layer_info_opt(const LayerInfo *info, const char *name);

/* A list of words is a macro LIST(F, HEAD) with `F(ID, "word", columns...)` for each word, but HEAD
 * for the first one. It becomes an enum, an array of names, and one string in which blanks separate
 * the words. */
#define LIST_NAME(id, word, ...) word,
#define LIST_WORD(id, word, ...) " " word
#define LIST_HEAD(id, word, ...) word

/* The words of `activation=` and `gate=`. `gate`: integer cells have the function, and its values
 * are within 0..1. `bounded`: they have it, but not as a gate: its values are within -1..1.
 * `other`: they do not have it. hard_sigmoid is relu6(x + 3) / 6 (Keras 3, PyTorch);
 * hard_sigmoid_02 is clip(0.2 x + 0.5, 0, 1) (Keras 1 and 2, the default of ONNX). */
#define ACTIVATION_LIST(F, HEAD)                                                                   \
  HEAD(LINEAR, "linear", other)                                                                    \
  F(RELU, "relu", other)                                                                           \
  F(TANH, "tanh", bounded)                                                                         \
  F(SIGMOID, "sigmoid", gate)                                                                      \
  F(HARD_SIGMOID, "hard_sigmoid", gate)                                                            \
  F(HARD_SIGMOID_02, "hard_sigmoid_02", gate)                                                      \
  F(HARD_TANH, "hard_tanh", bounded)                                                               \
  F(SOFTPLUS, "softplus", other)                                                                   \
  F(SOFTSIGN, "softsign", other)                                                                   \
  F(ELU, "elu", other)                                                                             \
  F(SELU, "selu", other)                                                                           \
  F(GELU, "gelu", other)                                                                           \
  F(EXP, "exp", other)
typedef enum Activation {
#define ACTIVATION_ID(id, word, integers) ACT_##id,
  ACTIVATION_LIST(ACTIVATION_ID, ACTIVATION_ID) ACT_COUNT
} Activation;
extern const char *const activation_name[ACT_COUNT];
#define ACTIVATIONS ACTIVATION_LIST(LIST_WORD, LIST_HEAD)
/* For a switch over activations: the cases of all that are `other`. */
#define ACTIVATION_CASE_gate(id)
#define ACTIVATION_CASE_bounded(id)
#define ACTIVATION_CASE_other(id)           case ACT_##id:
#define ACTIVATION_CASE(id, word, integers) ACTIVATION_CASE_##integers(id)
#define ACTIVATION_OTHER_CASES              ACTIVATION_LIST(ACTIVATION_CASE, ACTIVATION_CASE) case ACT_COUNT

/* What `precision` means for the weights of a layer and for what it computes with. */
typedef enum Arithmetic {
  ARITHMETIC_F32,    /* weights of f32 */
  ARITHMETIC_NARROW, /* weights of 16 bits, which become f32 when they are read */
  ARITHMETIC_SCALED, /* weights of 8 bits with a scale; their operands are rounded in each step */
  ARITHMETIC_INTEGER /* weights and values are integers */
} Arithmetic;

/* The words of `precision`, each with its arithmetic, the bits of a weight and the bits of a value.
 */
#define PRECISION_LIST(F, HEAD)                                                                    \
  HEAD(F32, "f32", F32, 32, 32)                                                                    \
  F(F16, "f16", NARROW, 16, 32)                                                                    \
  F(BF16, "bf16", NARROW, 16, 32)                                                                  \
  F(W8, "w8", SCALED, 8, 32)                                                                       \
  F(I8, "i8", INTEGER, 8, 8)                                                                       \
  F(I16, "i16", INTEGER, 8, 16)                                                                    \
  F(I16X16, "i16x16", INTEGER, 16, 16)
typedef enum Precision {
#define PRECISION_ID(id, word, arithmetic, weight_bits, value_bits) PRECISION_##id,
  PRECISION_LIST(PRECISION_ID, PRECISION_ID) PRECISION_COUNT
} Precision;
extern const char *const precision_name[PRECISION_COUNT];
typedef struct PrecisionInfo {
  Arithmetic arithmetic;
  int weight_bits, value_bits;
} PrecisionInfo;
extern const PrecisionInfo precision_info[PRECISION_COUNT];
static inline bool precision_is_narrow(Precision p) {
  return precision_info[p].arithmetic == ARITHMETIC_NARROW;
}
/* Of an operand of a product of integers. */
static inline int precision_operand_bits(Precision p) {
  return precision_info[p].value_bits < 16 ? precision_info[p].value_bits : 16;
}
#define PRECISIONS PRECISION_LIST(LIST_WORD, LIST_HEAD)

#endif
