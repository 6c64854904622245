/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The names and options of Keras, PyTorch and ONNX, and what to write instead. The names are data
 * (legacy_*.def); this file has the options whose replacement depends on their value. */
#include "front/resolve.h"

#include <string.h>

typedef enum LegacyKind { RENAMED_TO, BECOMES_THIS, NOT_NEEDED, SAID_ELSEWHERE } LegacyKind;

typedef struct Legacy {
  const char *theirs;
  LegacyKind kind;
  const char *ours, *note;
} Legacy;

#define RENAMED(theirs, ours)       {theirs, RENAMED_TO, ours, NULL},
#define BECOMES(theirs, ours, note) {theirs, BECOMES_THIS, ours, note},
#define DELETED(theirs, note)       {theirs, NOT_NEEDED, NULL, note},
#define ADVICE(theirs, note)        {theirs, SAID_ELSEWHERE, NULL, note},
static const Legacy stages[] = {
#include "front/legacy_stages.def"
};
static const Legacy options[] = {
#include "front/legacy_options.def"
};

static const Legacy *legacy_find(const Legacy *table, size_t n, const char *name) {
  for (size_t i = 0; i < n; i++)
    if (strcmp(table[i].theirs, name) == 0) return &table[i];
  return NULL;
}

typedef struct SpecialStage {
  const char *theirs;
  void (*explain)(Resolver *r, Diag *d, const Node *stage);
} SpecialStage;

/* An option as it is written. */
typedef struct Given {
  Resolver *r;
  Diag *d;
  const Node *stage, *arg;
  const LayerInfo *info; /* of the stage */
} Given;

typedef struct SpecialOption {
  const char *theirs;
  bool (*explain)(const Given *g); /* false: there is nothing to say of its value */
} SpecialOption;

static const char *source_of(Resolver *r, Span span) {
  return span_text(r->arena, r->diags->sources, span);
}

/* Activation("relu") or Activation(relu). */
static void legacy_activation(Resolver *r, Diag *d, const Node *stage) {
  diag_note(d, "an activation is a stage: `|> relu`");
  if (stage->n != 1 || !node_is(stage->kid[0], N_ARG)) return;
  const Node *word = stage->kid[0]->kid[0];
  const LayerInfo *info =
      node_is(word, N_STRING) || node_is(word, N_NAME) ? map_get(&r->stages, word->text) : NULL;
  if (info)
    fix_edit(diag_fix(d, FIX_SURE, "write the activation as a stage"), stage->span, "%s",
             info->name);
}

/* TimeDistributed(Dense(8)) and Bidirectional(GRU(8)). */
static void legacy_wrapper(Resolver *r, Diag *d, const Node *stage) {
  bool both = strcmp(stage->text, "Bidirectional") == 0;
  const Node *inner = stage->n >= 1 && node_is(stage->kid[0], N_ARG) ? stage->kid[0]->kid[0] : NULL;
  const LayerInfo *info =
      inner && node_is(inner, N_STAGE) ? map_get(&r->stages, inner->text) : NULL;
  if (!both && info && info->flags & (SEQUENCE | ENDS)) {
    diag_note(d, "`%s` works along time; for an axis of each step, name it: `%s(.., along=freq)`",
              info->name, info->name);
    return;
  }
  diag_note(d, both ? "a recurrent layer takes `direction=both`"
                    : "`Dense` and similar stages act on every step of a sequence");
  if (!inner || !node_is(inner, N_STAGE) || !map_get(&r->stages, inner->text)) return;
  Span close = {inner->span.file, inner->span.end - 1, inner->span.end};
  const char *text = source_of(r, (Span){inner->span.file, inner->span.begin, close.begin});
  Fix *fix = diag_fix(d, stage->n == 1 ? FIX_SURE : FIX_MAYBE,
                      both ? "use `direction=both`" : "use the layer itself");
  fix_edit(fix, stage->span, both ? "%s%sdirection=both)" : "%s)", text, inner->n ? ", " : "");
}

/* view(512), view(-1, 16, 8): the batch, a first -1, is no axis; another -1 is for the writer. */
static void legacy_view(Resolver *r, Diag *d, const Node *stage) {
  diag_note(d, "write the shape in brackets, in storage order and without the batch: `reshape([16, "
               "8])`; on a stream, time comes first: `reshape([time .., 16, 8])`");
  Text shape = text_new(r->arena);
  bool open = false;
  for (size_t i = 0; i < stage->n; i++) {
    const Node *size = node_is(stage->kid[i], N_ARG) ? stage->kid[i]->kid[0] : NULL;
    if (size && node_is(size, N_NEG) && i == 0) continue;
    if (!size || !(node_is(size, N_INT) || node_is(size, N_NEG) || node_is(size, N_NAME))) return;
    open |= node_is(size, N_NEG);
    text_printf(&shape, "%s%s", shape.len ? ", " : "",
                node_is(size, N_NEG) ? "N" : source_of(r, size->span));
  }
  if (shape.len)
    fix_edit(diag_fix(d, open ? FIX_FILL : FIX_MAYBE, "use `reshape`"), stage->span,
             "reshape([%s])", text_str(&shape));
}

/* Stages whose replacement depends on their arguments. */
static const SpecialStage special_stages[] = {{"Activation", legacy_activation},
                                              {"TimeDistributed", legacy_wrapper},
                                              {"Bidirectional", legacy_wrapper},
                                              {"view", legacy_view}};

static const SpecialStage *special_stage_find(const char *name) {
  for (size_t i = 0; i < sizeof special_stages / sizeof *special_stages; i++)
    if (strcmp(special_stages[i].theirs, name) == 0) return &special_stages[i];
  return NULL;
}

bool legacy_stage(Resolver *r, Diag *d, const Node *stage) {
  const SpecialStage *special = special_stage_find(stage->text);
  if (special) {
    special->explain(r, d, stage);
    return true;
  }
  const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, stage->text);
  if (!l) return false;
  if (l->note) diag_note(d, "%s", l->note);
  if (l->kind == RENAMED_TO) {
    diag_note(d, "in grus, `%s` is `%s`", l->theirs, l->ours);
    fix_edit(diag_fix(d, FIX_SURE, "use `%s`", l->ours), stage->at, "%s", l->ours);
  } else if (l->kind == BECOMES_THIS) {
    fix_edit(diag_fix(d, FIX_MAYBE, "use `%s`", l->ours), stage->at, "%s", l->ours);
  }
  return true;
}

/* The argument with the comma that separates it. */
static Span with_comma(const Node *stage, const Node *arg) {
  for (size_t i = 0; i < stage->n; i++) {
    if (stage->kid[i] != arg) continue;
    if (i > 0) return (Span){arg->span.file, stage->kid[i - 1]->span.end, arg->span.end};
    if (stage->n > 1) return (Span){arg->span.file, arg->span.begin, stage->kid[1]->span.begin};
    return (Span){arg->span.file, stage->at.end,
                  stage->span.end}; /* the only one: the brackets too */
  }
  return arg->span;
}

static void option_delete(const Given *g, FixKind kind) {
  fix_edit(diag_fix(g->d, kind, "delete the option"), with_comma(g->stage, g->arg), "%s", "");
}

/* Deletes the option and adds a stage after the layer. */
static void option_to_stage(const Given *g, const char *title, const char *what) {
  const Node *stage = g->stage;
  Fix *fix = diag_fix(g->d, FIX_SURE, "%s", title);
  Span gone = with_comma(stage, g->arg);
  if (gone.end == stage->span.end) {
    fix_edit(fix, gone, " |> %s", what);
    return;
  }
  fix_edit(fix, gone, "%s", "");
  fix_edit(fix, (Span){stage->span.file, stage->span.end, stage->span.end}, " |> %s", what);
}

static const char *word_of(const Node *arg) {
  const Node *v = arg->kid[0];
  return node_is(v, N_NAME) || node_is(v, N_STRING) ? v->text : "";
}

static bool is_false(const Node *arg) {
  return words_index("false False", word_of(arg)) >= 0;
}

static bool is_true(const Node *arg) {
  return words_index("true True", word_of(arg)) >= 0;
}

static bool option_sequences(const Given *g) {
  diag_note(g->d, "recurrent layers always return every step; keep one with `|> last`");
  if (is_false(g->arg))
    option_to_stage(g, "keep the last step", "last");
  else
    option_delete(g, is_true(g->arg) ? FIX_SURE : FIX_MAYBE);
  return true;
}

static bool option_activation(const Given *g) {
  diag_note(g->d, "write the activation as the next stage");
  const char *word = word_of(g->arg);
  if (words_index("linear None", word) >= 0) {
    option_delete(g, FIX_SURE);
    return true;
  }
  const LayerInfo *info = map_get(&g->r->stages, word);
  if (!info) {
    const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, word);
    info = l && l->kind == RENAMED_TO ? map_get(&g->r->stages, l->ours) : NULL;
  }
  if (info) option_to_stage(g, "write the activation as the next stage", info->name);
  return true;
}

bool legacy_activation_argument(Resolver *r, Diag *d, const Node *stage, const Node *arg) {
  const char *word = word_of(arg);
  const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, word);
  const LayerInfo *info = map_get(&r->stages, l && l->kind == RENAMED_TO ? l->ours : word);
  bool over_axis = info && (info->kind == LAYER_softmax || info->kind == LAYER_log_softmax);
  if (!info || !(info->flags & POINTWISE || over_axis)) return false;
  return option_activation(&(Given){r, d, stage, arg, NULL});
}

static bool option_return_state(const Given *g) {
  diag_note(g->d, "states are fields: `let h = x |> GRU(64)`, then `h.h` (and `h.c` for `LSTM`)");
  option_delete(g, is_false(g->arg) ? FIX_SURE : FIX_MAYBE);
  return true;
}

static bool option_stateful(const Given *g) {
  diag_note(g->d, "only a stream keeps its state from call to call: declare the input `time ..`");
  option_delete(g, is_false(g->arg) ? FIX_SURE : FIX_MAYBE);
  return true;
}

static void option_value_edit(const Given *g, const char *text) {
  fix_edit(diag_fix(g->d, FIX_SURE, "write `%s`", text), g->arg->span, "%s", text);
}

/* go_backwards and bidirectional. */
static bool option_direction(const Given *g) {
  if (is_false(g->arg)) {
    option_delete(g, FIX_SURE);
    return true;
  }
  if (!is_true(g->arg)) return false;
  diag_note(g->d, "`direction` is forward, backward or both");
  option_value_edit(g, *g->arg->text == 'g' ? "direction=backward" : "direction=both");
  return true;
}

static bool option_reset(const Given *g) {
  const Node *value = g->arg->kid[0];
  bool after = is_true(g->arg) || (node_is(value, N_INT) && value->i == 1);
  option_value_edit(g, after ? "reset=after" : "reset=before");
  return true;
}

static bool option_dropout(const Given *g) {
  diag_note(g->d, "dropout is a stage, which does nothing when the model runs: `|> Dropout(0.1)`");
  option_delete(g, FIX_MAYBE);
  return true;
}

static bool option_name(const Given *g) {
  diag_note(g->d, "`from=\"...\"` names the tensors of a layer in the weights file");
  if (!node_is(g->arg->kid[0], N_STRING)) return true;
  if (layer_info_opt(g->info, "from") >= 0)
    fix_edit(diag_fix(g->d, FIX_MAYBE, "if it names the weights, use `from`"), g->arg->at, "from");
  else
    option_delete(g, FIX_SURE);
  return true;
}

/* Options whose replacement depends on their value. */
static const SpecialOption special_options[] = {{"return_sequences", option_sequences},
                                                {"activation", option_activation},
                                                {"return_state", option_return_state},
                                                {"stateful", option_stateful},
                                                {"go_backwards", option_direction},
                                                {"bidirectional", option_direction},
                                                {"reset_after", option_reset},
                                                {"linear_before_reset", option_reset},
                                                {"dropout", option_dropout},
                                                {"name", option_name}};

static const SpecialOption *special_option_find(const char *name) {
  for (size_t i = 0; i < sizeof special_options / sizeof *special_options; i++)
    if (strcmp(special_options[i].theirs, name) == 0) return &special_options[i];
  return NULL;
}

bool legacy_option(Resolver *r, Diag *d, const Node *stage, const Node *arg,
                   const LayerInfo *info) {
  const Given g = {r, d, stage, arg, info};
  const SpecialOption *special = special_option_find(arg->text);
  if (special && special->explain(&g)) return true;
  const Legacy *l = legacy_find(options, sizeof options / sizeof *options, arg->text);
  if (!l) return false;
  if (l->note) diag_note(d, "%s", l->note);
  if (l->kind == RENAMED_TO) {
    if (layer_info_opt(info, l->ours) < 0) return false;
    fix_edit(diag_fix(d, FIX_SURE, "use `%s`", l->ours), arg->at, "%s", l->ours);
  } else if (l->kind == NOT_NEEDED) {
    option_delete(&g, FIX_SURE);
  }
  return true;
}

const char *legacy_page(const char *word) {
  const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, word);
  if (l && l->ours) return l->ours;
  if (l || special_stage_find(word)) return "E201";
  if (special_option_find(word)) return "E203";
  return legacy_find(options, sizeof options / sizeof *options, word) ? "E203" : NULL;
}
