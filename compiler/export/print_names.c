/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Which values of a Model get a name, and which. In, a Model whose names are those of another
 * framework ("conv1d/BiasAdd:0"); out, names of the language, no two alike.
 *
 * A value has a name when a chain cannot carry it: it is an input, it is read more than once, or it
 * is read as an operand, a part of concat, an initial state or a field. */
#include "export/print_model.h"

#include "base/map.h"
#include "model/graph/identifier.h"

#include <ctype.h>
#include <string.h>

static const char *name_unique(Arena *arena, Map *taken, const char *wanted) {
  const char *stem = identifier_clean(arena, wanted), *name = stem;
  for (int i = 2; map_get(taken, name) || identifier_reserved(name); i++)
    name = arena_printf(arena, "%s_%d", stem, i);
  map_put(arena, taken, name, taken);
  return name;
}

/* A stage of `x |> ...` that reads its first value through the pipe. */
static bool reads_by_pipe(const Layer *layer) {
  return !(layer_info(layer->kind)->flags & (MULTI | OPERATOR));
}

static void mark(bool *named, int *uses, const Value *value, bool operand) {
  const Value *of = value->field ? value->layer->out[0] : value;
  if (++uses[of->id] > 1 || operand || value->field) named[of->id] = true;
}

static void mark_layer(bool *named, int *uses, const Layer *layer) {
  for (int i = 0; i < layer->n_in; i++)
    mark(named, uses, layer->in[i], i > 0 || !reads_by_pipe(layer));
  for (int o = 0; o < layer_opt_count(layer_info(layer->kind)); o++) {
    const OptVal *opt = &layer->opt[o];
    if (opt->value) mark(named, uses, opt->value, true);
    for (int i = 0; i < opt->n_values; i++)
      mark(named, uses, opt->values[i], true);
  }
}

/* The file's name for the value; "sum" for one inside a layer that became several stages. */
static const char *wanted_name(const Layer *layer) {
  static const char *const operators[] = {"sum", "difference", "product", "quotient"};
  if (layer->out[0]->name) return layer->out[0]->name;
  if (layer->kind >= LAYER_add && layer->kind <= LAYER_div)
    return operators[layer->kind - LAYER_add];
  return layer->prefix ? layer->prefix : layer_info(layer->kind)->name;
}

/* A value and an output want the same name: the output has it, the value is called what it is. */
static const char *let_name(Arena *arena, Map *taken, const Layer *layer) {
  const char *wanted = wanted_name(layer);
  bool numbered = layer_info(layer->kind)->flags & OPERATOR || layer->kind == LAYER_state;
  if (!map_get(taken, identifier_clean(arena, wanted)) || numbered)
    return name_unique(arena, taken, wanted);
  char *kind = arena_strdup(arena, layer_info(layer->kind)->name);
  for (char *s = kind; *s; s++)
    *s = (char)tolower((unsigned char)*s);
  return name_unique(arena, taken, kind);
}

Names names_choose(Arena *arena, const Model *model) {
  Names names = {.model = identifier_clean(arena, model->name),
                 .in = ARENA_ARRAY(arena, const char *, model->n_in),
                 .out = ARENA_ARRAY(arena, const char *, model->n_out),
                 .value = ARENA_ARRAY(arena, const char *, model->n_values)};
  bool *named = ARENA_ARRAY(arena, bool, model->n_values);
  int *uses = ARENA_ARRAY(arena, int, model->n_values);
  Map taken = {0};
  if (identifier_reserved(names.model)) names.model = arena_printf(arena, "%s_net", names.model);
  for (int i = 0; i < model->n_in; i++) {
    names.in[i] = name_unique(arena, &taken, model->in[i]->name);
    names.value[model->in[i]->value->id] = names.in[i];
  }
  for (int i = 0; i < model->n_layers; i++)
    mark_layer(named, uses, model->layer[i]);
  for (int i = 0; i < model->n_out; i++) {
    names.out[i] = name_unique(arena, &taken, model->out[i]->name);
    mark(named, uses, model->out[i]->value, false);
  }
  for (int i = 0; i < model->n_layers; i++) {
    const Value *v = model->layer[i]->out[0];
    if (named[v->id] || !uses[v->id]) names.value[v->id] = let_name(arena, &taken, model->layer[i]);
  }
  return names;
}

const char *names_of(Arena *arena, const Names *names, const Value *value) {
  if (!value->field) return names->value[value->id];
  return arena_printf(arena, "%s.%s", names->value[value->layer->out[0]->id], value->field);
}
