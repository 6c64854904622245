/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Masks [batch, time] as values of the graph. masks.def says which layers make, use, pass on and
 * end a mask. In, a layer and what is known of the masks of its inputs; out, the masks of its
 * results. If a layer reads masked steps as if they were real, its nodes get the words of the error
 * that lift reports: what these steps hold, and why the mask does not reach the layer. */
#include "import/read/keras/keras.h"

#include <string.h>

/* How a layer treats the mask of its input. */
typedef enum MaskUse {
  MASK_MAKES,
  MASK_PASSES,
  MASK_USES,
  MASK_JOINS,
  MASK_DROPS,
  MASK_RETURNS,
  MASK_MISREADS
} MaskUse;

/* What the result of a layer holds at masked steps. */
typedef enum MaskGives {
  GIVES_COMPUTED,
  GIVES_HELD,
  GIVES_ZERO,
  GIVES_ROW_0,
  GIVES_NOTHING
} MaskGives;

static const struct {
  MaskUse use;
  MaskGives gives;
} rows[] = {
#define KERAS_MASK(layer, mask, gives) {MASK_##mask, GIVES_##gives},
#include "import/read/keras/masks.def"
#undef KERAS_MASK
};
_Static_assert(sizeof rows / sizeof *rows == KERAS_MASK_COUNT, "a row for each layer");

/* How a layer treats a mask. The layer Add passes it on, but the operator of Keras 3 in x + y does
 * not. */
static MaskUse use_of(const KerasLayer *layer, KerasMaskRow row) {
  return layer->is_operator ? MASK_DROPS : rows[row].use;
}

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

bool keras_joins_any_mask(const Keras *k) {
  return k->major > 3 || (k->major == 3 && k->minor > 3);
}

bool keras_keeps_returned(const Keras *k) {
  enum { SINCE = 4 };
  return k->major > 2 || k->is_tensorflow || (k->major == 2 && k->minor >= SINCE);
}

/* The mask of a result, from those of all inputs. */
static KerasMask joined(const KerasLayer *layer) {
  KerasMask mask = {0};
  int n = 0;
  for (int i = 0; i < layer->n_in; i++) {
    const KerasMask *in = &layer->in[i].mask;
    n += in->keeps != NULL;
    if (!mask.holds) mask.holds = in->holds;
    if (!mask.end) mask.end = in->end;
    if (in->maker && !mask.maker) mask.maker = in->maker;
  }
  if (n && n < layer->n_in && keras_joins_any_mask(layer->keras) && !mask.end)
    mask.end = layer->name;
  return mask;
}

static GraphValue *join(const KerasLayer *layer) {
  bool any = keras_joins_any_mask(layer->keras);
  GraphValue *mask = NULL;
  for (int i = 0; i < layer->n_in; i++) {
    GraphValue *keeps = layer->in[i].mask.keeps;
    if (!keeps && any) return NULL;
    if (!keeps || keeps == mask) continue;
    if (!mask)
      mask = keeps;
    else if (any)
      mask = EMIT(keras_emit(layer), Or, mask, keeps);
    else
      mask = EMIT(keras_emit(layer), And, mask, keeps);
  }
  return mask;
}

const GraphMasked *keras_masks_words(const KerasLayer *layer, KerasMaskRow row) {
  Arena *arena = layer->keras->arena;
  KerasMask mask = joined(layer);
  if (!layer->keras->is_masked) return NULL;
  GraphMasked *words = ARENA_NEW(arena, GraphMasked);
  words->what = arena_printf(
      arena, "sees the masked steps of its sequence as if they were real; they hold %s",
      mask.holds ? mask.holds : "what is fed as padding");
  words->cure = "recurrent layers that read forward and GlobalAveragePooling1D use a mask that "
                "reaches them";
  if (mask.end)
    words->why =
        arena_printf(arena, "the mask of `%s` ends at `%s` in front of it", mask.maker, mask.end);
  else if (!mask.maker)
    words->why = "another layer of the model masks steps; this one reads them without a mask";
  else if (layer->n_states && !keras_mask_in_use(layer))
    words->why = arena_printf(arena,
                              "Keras 3 does not pass the mask of `%s` to a layer that is called "
                              "with initial states",
                              mask.maker);
  else if (use_of(layer, row) != MASK_USES)
    words->why = arena_printf(
        arena, "Keras passes the mask of `%s` to it, but layers of this class do not use a mask",
        mask.maker);
  return words;
}

void keras_masks_follow(KerasLayer *layer, KerasMaskRow row) {
  MaskUse use = use_of(layer, row);
  KerasMask all = joined(layer);
  GraphValue *keeps = use == MASK_JOINS ? join(layer) : NULL;
  bool ends = use == MASK_DROPS || use == MASK_RETURNS;
  if (ends && all.maker && !all.end) all.end = layer->name;
  const char *holds = layer->keras->is_masked
                          ? gives_words(rows[row].gives, layer->name, layer->keras->arena)
                          : NULL;
  if (holds) all.holds = holds;
  for (int i = 0; i < layer->n_out; i++) {
    KerasMask *out = &layer->out[i].mask, own = *out;
    if (use == MASK_RETURNS && own.keeps) continue;
    *out = all;
    if (layer->out[i].rank < 2) { /* the result has no steps */
      out->keeps = NULL;
      continue;
    }
    bool makes = use == MASK_MAKES, sets = makes || use == MASK_USES, passes = use == MASK_PASSES;
    if (makes) {
      out->maker = own.keeps ? layer->name : NULL;
      out->end = NULL;
    }
    out->keeps = sets ? own.keeps : passes ? layer->in[0].mask.keeps : keeps;
  }
}

GraphValue *keras_mask_of(const KerasLayer *layer) {
  return layer->mask ? layer->mask : layer->in[0].mask.keeps;
}

/* Keras 3 passes a mask only to a layer that is called with one tensor. */
GraphValue *keras_mask_in_use(const KerasLayer *layer) {
  bool silent = layer->keras->major >= 3 && layer->n_states && !layer->mask;
  return silent ? NULL : keras_mask_of(layer);
}

void keras_mark_padding(const KerasLayer *layer, double padding) {
  Graph *graph = keras_emit(layer)->graph;
  for (int i = 0; i < graph->n_in; i++)
    if (graph->in[i].value == layer->in[0].graph) {
      graph->in[i].has_padding = true;
      graph->in[i].padding = padding;
    }
}
