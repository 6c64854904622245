/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which layers see masked steps. In, the inputs of a layer with what is known of their masks; out,
 * the same for its results, or a refusal that says which layer sees what. */
#include "import/keras.h"

#include <string.h>

typedef enum MaskSees { SEES_OWN, SEES_PAST, SEES_ALL, SEES_OPTION } MaskSees;
typedef enum MaskGives {
  GIVES_COMPUTED,
  GIVES_HELD,
  GIVES_ZERO,
  GIVES_ROW_0,
  GIVES_NOTHING
} MaskGives;

static const struct {
  KerasMaskUse mask;
  MaskSees sees;
  MaskGives gives;
} rows[] = {
#define KERAS_MASK(layer, mask, sees, gives) {MASK_##mask, SEES_##sees, GIVES_##gives},
#include "import/keras_masks.def"
#undef KERAS_MASK
};
_Static_assert(sizeof rows / sizeof *rows == KERAS_MASK_COUNT, "a row for each layer");

static const char *gives_words(MaskGives gives, const char *name, Arena *arena) {
  switch (gives) {
  case GIVES_COMPUTED: return arena_printf(arena, "what `%s` computes of the padding", name);
  case GIVES_HELD: return arena_printf(arena, "the last real result of `%s` again, or zeros", name);
  case GIVES_ZERO: return "zeros";
  case GIVES_ROW_0: return arena_printf(arena, "row 0 of the table of `%s`", name);
  case GIVES_NOTHING: return NULL;
  }
  return NULL;
}

/* The steps that a convolution sees. */
static MaskSees conv_sees(const KerasLayer *layer) {
  if (keras_size(layer, "kernel_size", 1) == 1) return SEES_OWN;
  bool causal = strcmp(keras_word(layer, "padding", "valid"), "causal") == 0;
  return causal || layer->in[0].pad_before ? SEES_PAST : SEES_ALL;
}

/* Read forward, a step of the result is made of those so far. The state after the last step is made
 * of all. */
static MaskSees recurrent_sees(const KerasLayer *layer) {
  bool steps_only =
      keras_flag(layer, "return_sequences", false) && !keras_flag(layer, "return_state", false);
  return steps_only && !keras_flag(layer, "stateful", false) &&
                 !keras_flag(layer, "go_backwards", false)
             ? SEES_PAST
             : SEES_ALL;
}

static MaskSees sees_of(const KerasLayer *layer, KerasMaskRow row) {
  if (rows[row].sees != SEES_OPTION) return rows[row].sees;
  return strstr(layer->class_name, "Conv1D") ? conv_sees(layer) : recurrent_sees(layer);
}

/* An operator of Keras 3, as in x + y, passes no mask; the layer of the same name does. */
static KerasMaskUse use_of(const KerasLayer *layer, KerasMaskRow row) {
  return layer->is_operator ? MASK_DROPS : rows[row].mask;
}

static bool refuse_all(const KerasLayer *layer, const KerasMask *mask) {
  const char *holds = mask->holds ? mask->holds : "what is fed as padding";
  Diag *d = keras_refuse(layer, E903,
                         "sees the masked steps of its sequence as if they were real; they hold %s",
                         holds);
  if (mask->end)
    diag_note(d, "%s ends at `%s` in front of it", mask->maker, mask->end);
  else if (mask->maker)
    diag_note(d, "Keras gives %s to it in vain: layers of this class do not use one", mask->maker);
  else
    diag_note(d, "another layer masks steps of the model; this one reads them without a mask");
  diag_note(
      d,
      "recurrent layers that read forward and GlobalAveragePooling1D use a mask that reaches them");
  return false;
}

/* The result starts with the last real step, and in Keras with as many steps as are masked. */
static bool refuse_backwards(const KerasLayer *layer) {
  Diag *d = keras_refuse(
      layer, E903,
      "reads its sequence backwards and returns it in that order, with the masked steps in front");
  diag_note(d,
            "Keras lays the mask over the result as it was over the input, and so over real steps");
  diag_note(d, "it would work with return_sequences=False, or inside Bidirectional");
  return false;
}

bool keras_mask_check(const KerasLayer *layer, KerasMaskRow row) {
  KerasMaskUse use = use_of(layer, row);
  MaskSees sees = sees_of(layer, row);
  bool turned = rows[row].sees == SEES_OPTION && keras_flag(layer, "go_backwards", false) &&
                keras_flag(layer, "return_sequences", false);
  for (int i = 0; i < layer->n_in; i++) {
    const KerasMask *mask = &layer->in[i].mask;
    if (!mask->padded) continue;
    if (turned) return refuse_backwards(layer);
    if (use == MASK_MISREADS && (mask->maker || mask->end)) {
      Diag *d = keras_refuse(layer, E903, "takes %s, which is one of steps, for one of features",
                             mask->maker);
      diag_note(d, "it would work as Activation(\"softmax\"), which looks at no mask");
      return false;
    }
    bool heeded = use == MASK_USES && mask->maker && !mask->end;
    if (sees == SEES_ALL && !heeded) return refuse_all(layer, mask);
  }
  return true;
}

/* Of several inputs, versions of Keras differ in what becomes of a mask that some of them have. */
static KerasMask joined(const KerasLayer *layer) {
  KerasMask mask = {0};
  bool all = true;
  for (int i = 0; i < layer->n_in; i++) {
    const KerasMask *in = &layer->in[i].mask;
    if (in->padded && (!mask.padded || (in->maker && !mask.maker))) mask = *in;
    all &= in->maker && !in->end;
  }
  if (mask.maker && !mask.end && !all) mask.end = layer->name;
  return mask;
}

void keras_mask_follow(KerasLayer *layer, KerasMaskRow row) {
  Keras *k = layer->keras;
  KerasMaskUse use = use_of(layer, row);
  KerasMask mask = joined(layer);
  bool makes =
      use == MASK_MAKES && (row != KERAS_MASK_Embedding || keras_flag(layer, "mask_zero", false));
  if (use == MASK_MAKES) mask = (KerasMask){.padded = k->is_padded};
  if (makes) mask.maker = arena_printf(k->arena, "the mask of `%s`", layer->name);
  if (use == MASK_DROPS && mask.maker && !mask.end) mask.end = layer->name;
  if (mask.padded) mask.holds = gives_words(rows[row].gives, layer->name, k->arena);
  for (int i = 0; i < layer->n_out; i++) {
    bool is_sequence = layer->out[i].rank > 1;
    layer->out[i].mask = is_sequence ? mask : (KerasMask){0};
  }
}

bool keras_mask_becomes_length(const KerasLayer *layer, const char *what) {
  Keras *k = layer->keras;
  const KerasValue *in = &layer->in[0];
  if (!in->value->port || in->mask.maker) {
    Diag *d = keras_refuse(layer, E903,
                           "masks steps by what the layers in front of it compute, which need not "
                           "be those behind the end");
    diag_note(d, "%s of an input can become its length", what);
    return false;
  }
  if (k->options->time && strstr(k->options->time, "<=")) {
    foreign_note(k->foreign,
                 "%s of `%s` became the length of the sequence: pass the true length; padding is "
                 "not looked for",
                 what, layer->name);
    return true;
  }
  Diag *d = keras_refuse(
      layer, E903, "uses %s: steps are skipped by what they hold, which grus does not do", what);
  diag_note(d, "where the padding comes last, a sequence of bounded length gives the same: `--time "
               "\"n <= N\"`");
  return false;
}
