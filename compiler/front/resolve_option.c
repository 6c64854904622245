/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The value of one option of a layer, by the kind the layer table gives it. */
#include "front/resolve.h"

#include <string.h>
#include <strings.h>

static bool word_listed(const char *words, const char *word, int64_t *index) {
  *index = words_index(words, word);
  return *index >= 0;
}

/* Words of other frameworks, and the words of grus for them. */
static const char *word_meant(const char *option, const char *word) {
  static const char *const meant[][3] = {{"direction", "bidirectional", "both"},
                                         {"direction", "reverse", "backward"},
                                         {"direction", "forwards", "forward"},
                                         {"direction", "backwards", "backward"},
                                         {"weights", "pytorch", "torch"},
                                         {"weights", "tensorflow", "keras"},
                                         {"weights", "tf", "keras"},
                                         {"precision", "float32", "f32"},
                                         {"precision", "int8", "i8"},
                                         {"precision", "float16", "f16"},
                                         {"precision", "bfloat16", "bf16"},
                                         {"precision", "int16", "i16"},
                                         {"padding", "none", "valid"}};
  for (size_t i = 0; i < sizeof meant / sizeof *meant; i++)
    if (strcmp(option, meant[i][0]) == 0 && strcasecmp(word, meant[i][1]) == 0) return meant[i][2];
  return NULL;
}

static const char *word_any_case(Arena *arena, const char *words, const char *word) {
  TextWord known;
  while (words_next(&words, &known))
    if (known.len == strlen(word) && strncasecmp(known.s, word, known.len) == 0)
      return arena_strndup(arena, known.s, known.len);
  return NULL;
}

static void report_word(Resolver *r, const char *option, const char *words, const char *word,
                        bool quoted, Span at) {
  Diag *d = diag_new(r->diags, E211, at, quoted ? "`%s` cannot be \"%s\"" : "`%s` cannot be `%s`",
                     option, word);
  diag_primary(d, "expected one of %s", words_listed(r->arena, words));
  int64_t index;
  const char *meant =
      word_listed(words, word, &index) ? word : word_any_case(r->arena, words, word);
  if (!meant) meant = word_meant(option, word);
  if (quoted) diag_note(d, "option words are written without quotes");
  if (meant) {
    fix_edit(diag_fix(d, FIX_SURE, "write `%s`", meant), at, "%s", meant);
    return;
  }
  Nearest n = nearest_new(word);
  nearest_offer_words(r->arena, &n, words);
  nearest_fix(d, &n, at);
}

const char *word_resolve(Body *body, const char *option, const char *words, const Node *node) {
  int64_t index;
  Const c;
  const Binding *b = node_is(node, N_NAME) ? name_find(body, node->text) : NULL;
  bool word_itself = node_is(node, N_NAME) &&
                     (!b || (b->item.kind != ITEM_CONST && word_listed(words, node->text, &index)));
  if (word_itself) {
    c = (Const){.kind = CONST_WORD, .s = node->text};
  } else {
    Item item = expr_resolve(body, node);
    if (item.kind == ITEM_BAD) return NULL;
    if (item.kind == ITEM_VALUE ||
        !(item.constant.kind == CONST_WORD || item.constant.kind == CONST_ELEM ||
          item.constant.kind == CONST_TEXT)) {
      Diag *d = item.kind == ITEM_VALUE
                    ? report_not_constant(body->r, node->span, "a word", &item)
                    : diag_new(body->r->diags, E211, node->span, "`%s` cannot be %s", option,
                               const_str(body->r->arena, &item.constant));
      if (item.kind == ITEM_CONST)
        diag_primary(d, "expected one of %s", words_listed(body->r->arena, words));
      return NULL;
    }
    c = item.constant;
  }
  if (c.kind != CONST_TEXT && word_listed(words, c.s, &index)) return c.s;
  report_word(body->r, option, words, c.s, c.kind == CONST_TEXT, node->span);
  return NULL;
}

static bool report_least(Body *body, const OptInfo *opt, const Const *c, const Node *node,
                         int64_t least) {
  Diag *d =
      diag_new(body->r->diags, E211, node->span, "`%s` cannot be %lld", opt->name, (long long)c->i);
  diag_primary(d, "must be at least %lld", (long long)least);
  note_params(body, d, node);
  return false;
}

static bool option_size(Body *body, const LayerInfo *info, const OptInfo *opt, const Const *c,
                        const Node *node, OptVal *out) {
  if (c->kind == CONST_QTY && c->unit == UNIT_SECOND && c->num > 0) {
    out->is_duration = true;
    out->num = c->num;
    out->den = c->den;
    return true;
  }
  bool width = opt->id == OPT_units || opt->id == OPT_filters;
  bool none = opt->id == OPT_begin || opt->id == OPT_before || opt->id == OPT_after;
  int64_t least = none || info->kind == LAYER_delay ? 0 : 1;
  if (c->kind == CONST_INT && c->i < least && !width)
    return report_least(body, opt, c, node, least);
  return size_of_const(body, c, node, least, &out->i);
}

static bool option_number(Body *body, const LayerInfo *info, const OptInfo *opt, const Const *c,
                          Span at, OptVal *out) {
  bool rate = info->kind == LAYER_Dropout && !(c->f >= 0 && c->f < 1);
  bool positive = (opt->id == OPT_eps || (info->kind == LAYER_celu && opt->id == OPT_alpha) ||
                   opt->id == OPT_std || opt->id == OPT_step || opt->id == OPT_clip ||
                   opt->id == OPT_cell_clip) &&
                  !(c->f > 0) && !(info->kind == LAYER_GaussianNoise && c->f == 0);
  out->f = c->f;
  if (!rate && !positive) return const_fits_f32(body->r, c->f, at);
  Diag *d = diag_new(body->r->diags, E211, at, "`%s` cannot be %s", opt->name,
                     const_str(body->r->arena, c));
  diag_primary(d, rate ? "expected a probability: from 0 up to, but not including, 1"
                       : "must be more than 0");
  return false;
}

/* `learned`, or a param of that word. A value of this name is a value. */
static bool names_word(Body *body, const OptInfo *opt, const Node *node) {
  int64_t index;
  if (!node_is(node, N_NAME)) return false;
  const Binding *b = name_find(body, node->text);
  if (!b) return word_listed(opt->words, node->text, &index);
  const Const *c = &b->item.constant;
  if (b->item.kind != ITEM_CONST || c->kind != CONST_WORD || !word_listed(opt->words, c->s, &index))
    return false;
  reference_note(body, node->span, b->name_span);
  return true;
}

/* init=h0, init=(h0, c0), init=enc, init=learned */
static bool option_states(Body *body, const OptInfo *opt, const Node *node, OptVal *out) {
  if (names_word(body, opt, node)) return out->learned = true;
  size_t n = node_is(node, N_TUPLE) ? node->n : 1;
  out->values = ARENA_ARRAY(body->r->arena, Value *, n + LAYER_MAX_RESULTS);
  out->value_span = ARENA_ARRAY(body->r->arena, Span, n + LAYER_MAX_RESULTS);
  bool ok = true;
  for (size_t i = 0; i < n; i++) {
    const Node *part = node_is(node, N_TUPLE) ? node->kid[i] : node;
    Item item = expr_resolve(body, part);
    if (item.kind == ITEM_CONST) {
      Diag *d = report_not_constant(body->r, part->span, "a value", &item);
      if (item.constant.kind == CONST_INT && item.constant.i == 0)
        diag_note(d, "without `init`, the initial state is zero");
    }
    ok = ok && item.kind == ITEM_VALUE;
    if (!ok) continue;
    out->values[out->n_values] = item.value;
    out->value_span[out->n_values++] = part->span;
  }
  if (!ok) return false;
  Layer *from = n == 1 ? out->values[0]->layer : NULL;
  if (from && layer_n_states(from) && out->values[0] == from->out[0]) {
    out->states_of = from;
    out->n_values = layer_n_states(from);
    for (int i = 0; i < out->n_values; i++) {
      out->values[i] = from->out[1 + i];
      out->value_span[i] = node->span;
    }
  }
  for (int i = 0; i < out->n_values; i++)
    out->values[i]->n_uses++;
  return true;
}

/* stride=2, stride=(1, 2) */
static bool option_sizes(Body *body, const OptInfo *opt, const Node *node, OptVal *out) {
  bool tuple = node_is(node, N_TUPLE);
  size_t n = tuple ? node->n : 1;
  if (n > WINDOW_MAX_AXES) {
    Diag *d = diag_new(body->r->diags, E206, node->span, "`%s` takes one number or two", opt->name);
    diag_primary(d, "these are %zu", n);
    diag_note(d, "give one number for each of the two axes, and none for the features");
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    const Node *part = tuple ? node->kid[i] : node;
    Item item = expr_resolve(body, part);
    if (item.kind == ITEM_VALUE) report_not_constant(body->r, part->span, "a whole number", &item);
    if (item.kind != ITEM_CONST) return false;
    const Const *c = &item.constant;
    if (!tuple && c->kind == CONST_QTY && c->unit == UNIT_SECOND &&
        c->num > 0) { /* along time: 25ms */
      *out = (OptVal){.given = true,
                      .span = out->span,
                      .at = out->at,
                      .is_duration = true,
                      .num = c->num,
                      .den = c->den};
      return true;
    }
    if (c->kind == CONST_INT && c->i < 1) return report_least(body, opt, c, part, 1);
    if (!size_of_const(body, c, part, 1, &out->size[i])) return false;
  }
  out->i = out->size[0];
  out->n_sizes = tuple ? (int)n : 0;
  return true;
}

/* A whole number of zeros. */
static bool zeros_resolve(Body *body, const Node *node, int64_t *out) {
  Item item = expr_resolve(body, node);
  if (item.kind == ITEM_VALUE) report_not_constant(body->r, node->span, "a whole number", &item);
  return item.kind == ITEM_CONST && size_of_const(body, &item.constant, node, 0, out);
}

/* A name for a number: a param, or a formal of a block. */
static bool names_number(Body *body, const Node *node) {
  const Binding *b = name_find(body, node->text);
  return b && b->item.kind == ITEM_CONST && b->item.constant.kind != CONST_WORD;
}

static bool is_pair_of_numbers(Body *body, const Node *node) {
  if (!node_is(node, N_TUPLE) || node->n != 2) return false;
  for (int i = 0; i < 2; i++) {
    const Node *part = node->kid[i];
    if (node_is(part, N_TUPLE) || (node_is(part, N_NAME) && !names_number(body, part)))
      return false;
  }
  return true;
}

/* PyTorch's padding=1 and padding=(1, 2): the same number of zeros on both sides of each axis. */
static bool report_padding(Body *body, const LayerInfo *info, const Node *node) {
  Diag *d = diag_new(body->r->diags, E316, node->span,
                     "`padding` of `%s` needs a word, or the numbers of zeros before and after",
                     info->name);
  bool two = info->opts[1].id == OPT_kernel && info->opts[1].kind == OPTK_SIZES,
       number = node_is(node, N_INT);
  diag_primary(d, "expected %s",
               two ? "a word or (before, after) for each axis" : "a word or (before, after)");
  diag_note(d, "the words are `valid`, `same` and `causal`; one number does not say on which side");
  if (number && !two)
    fix_edit(diag_fix(d, FIX_MAYBE, "the same on both sides, as in PyTorch"), node->span,
             "(%lld, %lld)", (long long)node->i, (long long)node->i);
  if (number && two)
    fix_edit(diag_fix(d, FIX_MAYBE, "the same on both sides of both axes, as in PyTorch"),
             node->span, "((%lld, %lld), (%lld, %lld))", (long long)node->i, (long long)node->i,
             (long long)node->i, (long long)node->i);
  if (two && is_pair_of_numbers(body, node) && node_is(node->kid[0], N_INT) &&
      node_is(node->kid[1], N_INT)) {
    long long a = (long long)node->kid[0]->i, b = (long long)node->kid[1]->i;
    fix_edit(diag_fix(d, FIX_MAYBE, "the same on both sides of each axis, as in PyTorch"),
             node->span, "((%lld, %lld), (%lld, %lld))", a, a, b, b);
  }
  return false;
}

/* One axis: valid, (1, 2). */
static bool padding_resolve(Body *body, const LayerInfo *info, const OptInfo *opt, const Node *node,
                            Padding *out) {
  if (is_pair_of_numbers(body, node)) {
    out->kind = PAD_ZEROS;
    return zeros_resolve(body, node->kid[0], &out->before) &&
           zeros_resolve(body, node->kid[1], &out->after);
  }
  if (!node_is(node, N_NAME)) return report_padding(body, info, node);
  const char *word = word_resolve(body, opt->name, opt->words, node);
  int64_t kind = 0;
  if (!word || !word_listed(opt->words, word, &kind)) return false;
  out->kind = (PadKind)kind; /* in the order of the words */
  return true;
}

/* padding=same, padding=(1, 2) of one axis, padding=(causal, (1, 2)) of two. */
static bool option_padding(Body *body, const LayerInfo *info, const OptInfo *opt, const Node *node,
                           OptVal *out) {
  bool one = info->opts[1].kind == OPTK_SIZE;        /* kernel= of one axis */
  bool two = info->opts[1].id == OPT_kernel && !one; /* of two; a pool may take either */
  if (two && is_pair_of_numbers(body, node)) return report_padding(body, info, node);
  if (node_is(node, N_TUPLE) && !one && !is_pair_of_numbers(body, node) &&
      node->n == WINDOW_MAX_AXES) {
    out->n_paddings = WINDOW_MAX_AXES;
    for (int i = 0; i < WINDOW_MAX_AXES; i++)
      if (!padding_resolve(body, info, opt, node->kid[i], &out->padding[i])) return false;
    return true;
  }
  if (is_pair_of_numbers(body, node)) {
    out->n_paddings = 1;
    return padding_resolve(body, info, opt, node, &out->padding[0]);
  }
  if (!node_is(node, N_NAME) && !node_is(node, N_STRING)) return report_padding(body, info, node);
  out->s = word_resolve(body, opt->name, opt->words, node);
  return out->s && word_listed(opt->words, out->s, &out->i);
}

/* along=freq, along=(freq, time). An axis is no value: its name is found by infer. */
static bool option_axes(Body *body, const OptInfo *opt, const Node *node, OptVal *out) {
  bool tuple = node_is(node, N_TUPLE);
  size_t n = tuple ? node->n : 1;
  out->axis = ARENA_ARRAY(body->r->arena, const char *, n);
  out->value_span = ARENA_ARRAY(body->r->arena, Span, n);
  for (size_t i = 0; i < n; i++) {
    const Node *part = tuple ? node->kid[i] : node;
    const Binding *b = node_is(part, N_NAME) ? name_find(body, part->text) : NULL;
    bool param = b && b->item.kind == ITEM_CONST && b->item.constant.kind == CONST_WORD;
    if (!node_is(part, N_NAME) && !node_is(part, N_TIME_NAME)) {
      bool order = opt->id == OPT_axes; /* permute(ch, freq), label(freq, ch) */
      Diag *d = diag_new(body->r->diags, E206, part->span, "expected the name of an axis");
      diag_primary(d, "expected the label of an axis%s", order ? "" : ", or `time`");
      if (node_is(part, N_INT) || node_is(part, N_NEG))
        diag_note(d, order ? "write the names of the feature axes: `permute(ch, freq)` of "
                             "`f32[time .., freq 257, ch 2]`; the last axis is also `features`"
                           : "axes have names, not numbers: `f32[time .., freq 257]`, then "
                             "`along=freq`");
      return false;
    }
    out->axis[out->n_axes] = param                        ? b->item.constant.s
                             : node_is(part, N_TIME_NAME) ? "time"
                                                          : part->text;
    out->value_span[out->n_axes++] = part->span;
  }
  return true;
}

static bool option_value(Body *body, const Node *node, OptVal *out) {
  Item item = expr_resolve(body, node);
  if (item.kind == ITEM_CONST) report_not_constant(body->r, node->span, "a value", &item);
  if (item.kind != ITEM_VALUE) return false;
  out->value = item.value;
  item.value->n_uses++;
  return true;
}

static bool option_constant(Body *body, const LayerInfo *info, const OptInfo *opt, const Node *node,
                            OptVal *out) {
  static const char *const wanted[] = {[OPTK_SIZE] = "a whole number",
                                       [OPTK_NUMBER] = "a number",
                                       [OPTK_TEXT] = "a string",
                                       [OPTK_SHAPE] = "a shape"};
  Item item = expr_resolve(body, node);
  if (item.kind == ITEM_BAD) return false;
  ConstKind kind = item.constant.kind;
  bool number = kind == CONST_INT || kind == CONST_REAL;
  bool fits = item.kind == ITEM_CONST && (opt->kind == OPTK_SIZE     ? number || kind == CONST_QTY
                                          : opt->kind == OPTK_NUMBER ? number
                                          : opt->kind == OPTK_TEXT   ? kind == CONST_TEXT
                                                                     : kind == CONST_SHAPE);
  if (!fits) {
    Diag *d = report_not_constant(body->r, node->span, wanted[opt->kind], &item);
    if (opt->kind == OPTK_TEXT && node_is(node, N_NAME))
      fix_edit(diag_fix(d, FIX_MAYBE, "put the string in double quotes"), node->span, "\"%s\"",
               node->text);
    return false;
  }
  if (opt->kind == OPTK_SIZE) return option_size(body, info, opt, &item.constant, node, out);
  if (opt->kind == OPTK_NUMBER)
    return option_number(body, info, opt, &item.constant, node->span, out);
  out->s = item.constant.s;
  if (opt->kind == OPTK_TEXT) return true;
  out->shape = ARENA_NEW(body->r->arena, Type);
  return shape_resolve(body, item.constant.shape, false, out->shape);
}

bool option_resolve(Body *body, const LayerInfo *info, int index, const Node *arg, OptVal *out) {
  const OptInfo *opt = &info->opts[index];
  const Node *node = arg->kid[0];
  *out = (OptVal){.given = true, .span = arg->span, .at = node->span};
  switch (opt->kind) {
  case OPTK_WORD:
    out->s = word_resolve(body, opt->name, opt->words, node);
    return out->s && word_listed(opt->words, out->s, &out->i);
  case OPTK_SIZES: return option_sizes(body, opt, node, out);
  case OPTK_PADDING: return option_padding(body, info, opt, node, out);
  case OPTK_AXES: return option_axes(body, opt, node, out);
  case OPTK_STATE: return option_states(body, opt, node, out);
  case OPTK_VALUE: return option_value(body, node, out);
  case OPTK_NONE:
  case OPTK_SIZE:
  case OPTK_NUMBER:
  case OPTK_TEXT:
  case OPTK_SHAPE: break;
  }
  if (opt->kind == OPTK_TEXT && node_is(node, N_NAME) && !name_find(body, node->text)) {
    Diag *d = diag_new(body->r->diags, E206, node->span, "expected a string");
    diag_primary(d, "this is a name");
    fix_edit(diag_fix(d, FIX_SURE, "put the string in double quotes"), node->span, "\"%s\"",
             node->text);
    return false;
  }
  return option_constant(body, info, opt, node, out);
}
