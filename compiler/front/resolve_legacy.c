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

static const char *source_of(Resolver *r, Span span) {
  return span_text(r->arena, r->diags->sources, span);
}

/* Activation("relu") or Activation(relu). */
static bool legacy_activation(Resolver *r, Diag *d, const Node *stage) {
  if (strcmp(stage->text, "Activation") != 0) return false;
  diag_note(d, "an activation is a stage: `|> relu`");
  if (stage->n != 1 || !node_is(stage->kid[0], N_ARG)) return true;
  const Node *word = stage->kid[0]->kid[0];
  const LayerInfo *info =
      node_is(word, N_STRING) || node_is(word, N_NAME) ? map_get(&r->stages, word->text) : NULL;
  if (info)
    fix_edit(diag_fix(d, FIX_SURE, "write the activation as a stage"), stage->span, "%s",
             info->name);
  return true;
}

/* TimeDistributed(Dense(8)) and Bidirectional(GRU(8)). */
static bool legacy_wrapper(Resolver *r, Diag *d, const Node *stage) {
  bool both = strcmp(stage->text, "Bidirectional") == 0;
  if (!both && strcmp(stage->text, "TimeDistributed") != 0) return false;
  const Node *inner = stage->n >= 1 && node_is(stage->kid[0], N_ARG) ? stage->kid[0]->kid[0] : NULL;
  const LayerInfo *info =
      inner && node_is(inner, N_STAGE) ? map_get(&r->stages, inner->text) : NULL;
  if (!both && info && info->flags & (SEQUENCE | ENDS)) {
    diag_note(d, "`%s` works along time; for an axis of each step, name it: `%s(.., along=freq)`",
              info->name, info->name);
    return true;
  }
  diag_note(d, both ? "a recurrent layer takes `direction=both`"
                    : "`Dense` and similar stages act on every step of a sequence");
  if (!inner || !node_is(inner, N_STAGE) || !map_get(&r->stages, inner->text)) return true;
  Span close = {inner->span.file, inner->span.end - 1, inner->span.end};
  const char *text = source_of(r, (Span){inner->span.file, inner->span.begin, close.begin});
  Fix *fix = diag_fix(d, stage->n == 1 ? FIX_SURE : FIX_MAYBE,
                      both ? "use `direction=both`" : "use the layer itself");
  fix_edit(fix, stage->span, both ? "%s%sdirection=both)" : "%s)", text, inner->n ? ", " : "");
  return true;
}

/* view(512), view(-1, 16, 8): the batch, a first -1, is no axis; another -1 is for the writer. */
static bool legacy_view(Resolver *r, Diag *d, const Node *stage) {
  if (strcmp(stage->text, "view") != 0) return false;
  diag_note(d, "write the shape in brackets, in storage order and without the batch: `reshape([16, "
               "8])`; on a stream, time comes first: `reshape([time .., 16, 8])`");
  Text shape = text_new(r->arena);
  bool open = false;
  for (size_t i = 0; i < stage->n; i++) {
    const Node *size = node_is(stage->kid[i], N_ARG) ? stage->kid[i]->kid[0] : NULL;
    if (size && node_is(size, N_NEG) && i == 0) continue;
    if (!size || !(node_is(size, N_INT) || node_is(size, N_NEG) || node_is(size, N_NAME)))
      return true;
    open |= node_is(size, N_NEG);
    text_printf(&shape, "%s%s", shape.len ? ", " : "",
                node_is(size, N_NEG) ? "N" : source_of(r, size->span));
  }
  if (shape.len)
    fix_edit(diag_fix(d, open ? FIX_FILL : FIX_MAYBE, "use `reshape`"), stage->span,
             "reshape([%s])", text_str(&shape));
  return true;
}

bool legacy_stage(Resolver *r, Diag *d, const Node *stage) {
  if (legacy_activation(r, d, stage) || legacy_wrapper(r, d, stage) || legacy_view(r, d, stage))
    return true;
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

const char *legacy_page(const char *word) {
  static const char wrappers[] = "Activation TimeDistributed Bidirectional view";
  static const char special[] = "return_sequences return_state stateful activation go_backwards "
                                "bidirectional reset_after linear_before_reset dropout";
  const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, word);
  if (l && l->ours) return l->ours;
  if (l || words_index(wrappers, word) >= 0) return "E201";
  if (words_index(special, word) >= 0) return "E203";
  return legacy_find(options, sizeof options / sizeof *options, word) ? "E203" : NULL;
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

static void option_delete(Diag *d, const Node *stage, const Node *arg, FixKind kind) {
  fix_edit(diag_fix(d, kind, "delete the option"), with_comma(stage, arg), "%s", "");
}

/* Deletes the option and adds a stage after the layer. */
static void option_to_stage(Resolver *r, Diag *d, const Node *stage, const Node *arg, FixKind kind,
                            const char *title, const char *what) {
  (void)r;
  Fix *fix = diag_fix(d, kind, "%s", title);
  Span gone = with_comma(stage, arg);
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
  return strcmp(word_of(arg), "false") == 0 || strcmp(word_of(arg), "False") == 0;
}

static bool is_true(const Node *arg) {
  return strcmp(word_of(arg), "true") == 0 || strcmp(word_of(arg), "True") == 0;
}

static void legacy_sequences(Resolver *r, Diag *d, const Node *stage, const Node *arg) {
  diag_note(d, "recurrent layers always return every step; keep one with `|> last`");
  if (is_false(arg))
    option_to_stage(r, d, stage, arg, FIX_SURE, "keep the last step", "last");
  else
    option_delete(d, stage, arg, is_true(arg) ? FIX_SURE : FIX_MAYBE);
}

static void legacy_activation_option(Resolver *r, Diag *d, const Node *stage, const Node *arg) {
  diag_note(d, "write the activation as the next stage");
  const char *word = word_of(arg);
  if (strcmp(word, "linear") == 0 || strcmp(word, "None") == 0) {
    option_delete(d, stage, arg, FIX_SURE);
    return;
  }
  const LayerInfo *info = map_get(&r->stages, word);
  if (!info) {
    const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, word);
    info = l && l->kind == RENAMED_TO ? map_get(&r->stages, l->ours) : NULL;
  }
  if (info)
    option_to_stage(r, d, stage, arg, FIX_SURE, "write the activation as the next stage",
                    info->name);
}

bool legacy_activation_argument(Resolver *r, Diag *d, const Node *stage, const Node *arg) {
  const char *word = word_of(arg);
  const Legacy *l = legacy_find(stages, sizeof stages / sizeof *stages, word);
  const LayerInfo *info = map_get(&r->stages, l && l->kind == RENAMED_TO ? l->ours : word);
  bool over_axis = info && (info->kind == LAYER_softmax || info->kind == LAYER_log_softmax);
  if (!info || !(info->flags & POINTWISE || over_axis)) return false;
  legacy_activation_option(r, d, stage, arg);
  return true;
}

static void option_value_edit(Diag *d, const Node *arg, const char *text) {
  fix_edit(diag_fix(d, FIX_SURE, "write `%s`", text), arg->span, "%s", text);
}

/* Options whose meaning depends on their value. */
static bool legacy_special(Resolver *r, Diag *d, const Node *stage, const Node *arg,
                           const LayerInfo *info) {
  const char *name = arg->text;
  if (strcmp(name, "return_sequences") == 0) {
    legacy_sequences(r, d, stage, arg);
  } else if (strcmp(name, "activation") == 0) {
    legacy_activation_option(r, d, stage, arg);
  } else if (strcmp(name, "return_state") == 0 || strcmp(name, "stateful") == 0) {
    diag_note(d,
              *name == 'r'
                  ? "states are fields: `let h = x |> GRU(64)`, then `h.h` (and `h.c` for `LSTM`)"
                  : "only a stream keeps its state from call to call: declare the input `time ..`");
    option_delete(d, stage, arg, is_false(arg) ? FIX_SURE : FIX_MAYBE);
  } else if (strcmp(name, "go_backwards") == 0 && is_true(arg)) {
    diag_note(d, "`direction` is forward, backward or both");
    option_value_edit(d, arg, "direction=backward");
  } else if (strcmp(name, "bidirectional") == 0 && is_true(arg)) {
    diag_note(d, "`direction` is forward, backward or both");
    option_value_edit(d, arg, "direction=both");
  } else if ((strcmp(name, "go_backwards") == 0 || strcmp(name, "bidirectional") == 0) &&
             is_false(arg)) {
    option_delete(d, stage, arg, FIX_SURE);
  } else if (strcmp(name, "reset_after") == 0 || strcmp(name, "linear_before_reset") == 0) {
    bool after = is_true(arg) || (node_is(arg->kid[0], N_INT) && arg->kid[0]->i == 1);
    option_value_edit(d, arg, after ? "reset=after" : "reset=before");
  } else if (strcmp(name, "dropout") == 0) {
    diag_note(d, "dropout is a stage, which does nothing when the model runs: `|> Dropout(0.1)`");
    option_delete(d, stage, arg, FIX_MAYBE);
  } else if (strcmp(name, "name") == 0) {
    diag_note(d, "`from=\"...\"` names the tensors of a layer in the weights file");
    if (node_is(arg->kid[0], N_STRING)) {
      if (layer_info_opt(info, "from") >= 0)
        fix_edit(diag_fix(d, FIX_MAYBE, "if it names the weights, use `from`"), arg->at, "from");
      else
        option_delete(d, stage, arg, FIX_SURE);
    }
  } else {
    return false;
  }
  return true;
}

bool legacy_option(Resolver *r, Diag *d, const Node *stage, const Node *arg,
                   const LayerInfo *info) {
  if (legacy_special(r, d, stage, arg, info)) return true;
  const Legacy *l = legacy_find(options, sizeof options / sizeof *options, arg->text);
  if (!l) return false;
  if (l->note) diag_note(d, "%s", l->note);
  if (l->kind == RENAMED_TO) {
    if (layer_info_opt(info, l->ours) < 0) return false;
    fix_edit(diag_fix(d, FIX_SURE, "use `%s`", l->ours), arg->at, "%s", l->ours);
  } else if (l->kind == NOT_NEEDED) {
    option_delete(d, stage, arg, FIX_SURE);
  }
  return true;
}
