/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Model to text: what a person would have written. In, a typed Model; out, its .grus
 * source, chains where values flow on, names where they fork, and after every stage what it was in
 * the file:
 *
 *     out dense : f32[1] = x
 *       |> GRU(128)       # layer `gru`
 *       |> last
 *       |> Dense(1)       # layer `dense` */
#include "export/print_model.h"

#include "base/map.h"
#include "base/safe.h"

#include <string.h>

enum { ONE_LINE_MAX = 60, COMMENT_COLUMN_MAX = 72 };

typedef struct Printer {
  Arena *arena;
  const PrintOrigin *origin;
  const Model *model;
  Names names;
  Convention convention;
  Text out;
  Layer **order;
  int n_order;
  Map prefixes;             /* given by from= so far */
  struct PrintedLine *line; /* of the statements that stand together */
  int n_lines;
  size_t cap_lines;
} Printer;

/* A line of a statement and the comment after it. */
typedef struct PrintedLine {
  const char *text, *comment;
} PrintedLine;

static const char *expr(Printer *p, const Value *value) {
  return names_of(p->arena, &p->names, value);
}

/* The file holds what the option would say again, or the option is at its default. */
static bool option_silent(const Printer *p, const Layer *layer, const OptInfo *info,
                          const OptVal *opt) {
  bool has_default = *info->fallback && strcmp(info->fallback, "-") != 0;
  if (!opt->given || info->id == OPT_from) return true;
  if (info->id == OPT_eps) return opt->f == layer_eps_unsaid(p->convention, layer->kind);
  if (info->id == OPT_reset)
    return p->convention == CONVENTION_KERAS && layer_word_is(layer, OPT_bias, "true") &&
           strcmp(opt->s, "after") == 0;
  if (!has_default) return false;
  switch (info->kind) {
  case OPTK_PADDING: return !opt->n_paddings && strcmp(opt->s, info->fallback) == 0;
  case OPTK_WORD: return strcmp(opt->s, info->fallback) == 0;
  case OPTK_SIZES:
    if (opt->n_sizes) return false;
    return strcmp(arena_printf(p->arena, "%lld", (long long)opt->i), info->fallback) == 0;
  case OPTK_SIZE:
  case OPTK_NUMBER: {
    Text value = text_new(p->arena);
    if (info->kind == OPTK_SIZE)
      text_printf(&value, "%lld", (long long)opt->i);
    else
      text_add_double(&value, opt->f);
    return strcmp(text_str(&value), info->fallback) == 0;
  }
  case OPTK_NONE:
  case OPTK_AXES:
  case OPTK_STATE:
  case OPTK_VALUE:
  case OPTK_TEXT:
  case OPTK_SHAPE: break;
  }
  return false;
}

static void add_states(Printer *p, Text *out, const OptVal *opt) {
  if (opt->learned) {
    text_add(out, "learned");
    return;
  }
  const Layer *of = opt->values[0]->field ? opt->values[0]->layer : NULL;
  bool all = of && opt->n_values == layer_n_states(of);
  for (int i = 0; i < opt->n_values && all; i++)
    all = opt->values[i] == of->out[1 + i];
  if (all) {
    text_add(out, expr(p, of->out[0]));
    return;
  }
  if (opt->n_values > 1) text_add_char(out, '(');
  for (int i = 0; i < opt->n_values; i++)
    text_printf(out, "%s%s", i ? ", " : "", expr(p, opt->values[i]));
  if (opt->n_values > 1) text_add_char(out, ')');
}

static void add_option_value(Printer *p, Text *out, const OptInfo *info, const OptVal *opt) {
  switch (info->kind) {
  case OPTK_SIZE: text_printf(out, "%lld", (long long)opt->i); break;
  case OPTK_NUMBER: text_add_double(out, opt->f); break;
  case OPTK_STATE: add_states(p, out, opt); break;
  case OPTK_VALUE: text_add(out, expr(p, opt->value)); break;
  case OPTK_SHAPE: text_add_shape(out, opt->shape); break;
  case OPTK_TEXT: text_add_string(out, opt->s); break;
  case OPTK_AXES:
    for (int i = 0; info->id == OPT_axes && i < opt->n_axes; i++)
      text_printf(out, "%s%s", i ? ", " : "", opt->axis[i]);
    if (info->id != OPT_axes) option_print(out, info, opt);
    break;
  case OPTK_SIZES:
  case OPTK_PADDING: option_print(out, info, opt); break;
  case OPTK_WORD:
  case OPTK_NONE: text_add(out, opt->s); break;
  }
}

static bool by_position(const Layer *layer, const OptInfo *info, int i) {
  if (layer->kind == LAYER_slice || layer->kind == LAYER_clip || layer->kind == LAYER_pad)
    return i < 2;
  return i == 0 && info->kind != OPTK_VALUE && (!*info->fallback || info->id == OPT_n);
}

/* A name for from= that no other layer has. */
static const char *prefix_unique(Printer *p, const Layer *layer) {
  const char *wanted = layer->prefix ? layer->prefix : layer_info(layer->kind)->name;
  char *stem = arena_strdup(p->arena, safe_line(p->arena, wanted));
  for (char *s = stem; *s; s++)
    if (*s == '[' || *s == ']' || *s == '.' || *s == ' ') *s = '_';
  const char *prefix = stem;
  for (int i = 2; map_get(&p->prefixes, prefix); i++)
    prefix = arena_printf(p->arena, "%s_%d", stem, i);
  map_put(p->arena, &p->prefixes, prefix, p);
  return prefix;
}

/* "GRU(64, init=h0)" */
static const char *stage_text(Printer *p, const Layer *layer, bool with_from) {
  const LayerInfo *info = layer_info(layer->kind);
  Text args = text_new(p->arena);
  for (int i = 0; i < layer_opt_count(info); i++) {
    const OptVal *opt = &layer->opt[i];
    if (option_silent(p, layer, &info->opts[i], opt)) continue;
    if (args.len) text_add(&args, ", ");
    if (!by_position(layer, &info->opts[i], i)) text_printf(&args, "%s=", info->opts[i].name);
    add_option_value(p, &args, &info->opts[i], opt);
  }
  if (with_from) {
    text_printf(&args, "%sfrom=", args.len ? ", " : "");
    text_add_string(&args, prefix_unique(p, layer));
  }
  return args.len ? arena_printf(p->arena, "%s(%s)", info->name, text_str(&args)) : info->name;
}

static const char *operator_text(Printer *p, const Layer *layer) {
  const char *name = layer_info(layer->kind)->name, *left = expr(p, layer->in[0]), *right;
  if (layer->n_in == 2) {
    right = expr(p, layer->in[1]);
  } else {
    Text number = text_new(p->arena);
    text_add_double(&number, layer_number(layer, OPT_value, 0));
    right = text_str(&number);
    if (layer_word_is(layer, OPT_swapped, "true")) {
      const char *swap = left;
      left = right;
      right = swap;
    }
  }
  return arena_printf(p->arena, "%s %s %s", left, name, right);
}

/* "concat(a, b, along=f)", "attention(q, k, v, heads=4)" */
static const char *call_text(Printer *p, const Layer *layer) {
  const LayerInfo *info = layer_info(layer->kind);
  Text text = text_new(p->arena);
  text_printf(&text, "%s(", info->name);
  for (int i = 0; i < layer->n_in; i++)
    text_printf(&text, "%s%s", i ? ", " : "", expr(p, layer->in[i]));
  for (int i = 0; i < layer_opt_count(info); i++) {
    const OptVal *opt = &layer->opt[i];
    if (option_silent(p, layer, &info->opts[i], opt)) continue;
    text_printf(&text, ", %s=", info->opts[i].name);
    add_option_value(p, &text, &info->opts[i], opt);
  }
  text_add_char(&text, ')');
  return text_str(&text);
}

/* A second layer of one kind with weights in one statement: told apart by more than position. */
static bool needs_from(Layer *const *chain, int n, const Layer *layer) {
  int same = 0;
  for (int i = 0; i < n; i++)
    same += chain[i]->kind == layer->kind;
  return same > 1 && (layer_info(layer->kind)->flags & WEIGHTS);
}

static bool begins_chain(const Layer *layer) {
  return layer_info(layer->kind)->flags & (MULTI | OPERATOR);
}

/* The layers that end in value and have no name in between, first one first. */
static int chain_of(Printer *p, const Value *value, Layer ***out) {
  int n = 0;
  const Value *v = value;
  for (Layer *layer = v->layer; layer; layer = v->layer) {
    n++;
    v = layer->in[0];
    if (begins_chain(layer) || v->field || p->names.value[v->id]) break;
  }
  *out = ARENA_ARRAY(p->arena, Layer *, n);
  v = value;
  for (int i = n; i-- > 0; v = v->layer->in[0])
    (*out)[i] = v->layer;
  return n;
}

static const char *comment_of(Printer *p, const Layer *layer, const char **last) {
  if (!layer->origin || (*last && strcmp(*last, layer->origin) == 0)) return NULL;
  *last = layer->origin;
  return safe_line(p->arena, layer->origin);
}

static size_t width_of(const char *s) {
  return text_width(s, strlen(s));
}

/* Writes the lines collected, comments in one column; slack is what formatting may add to a
 * line. */
static void flush_lines(Printer *p, size_t slack) {
  size_t column = 0;
  for (int i = 0; i < p->n_lines; i++) {
    size_t width = width_of(p->line[i].text) + slack;
    if (p->line[i].comment && width > column && width <= COMMENT_COLUMN_MAX) column = width;
  }
  for (int i = 0; i < p->n_lines; i++) {
    size_t width = width_of(p->line[i].text);
    text_add(&p->out, p->line[i].text);
    if (p->line[i].comment) {
      text_fill(&p->out, ' ', (width < column ? column - width : 0) + 3);
      text_printf(&p->out, "# %s", p->line[i].comment);
    }
    text_add_char(&p->out, '\n');
  }
  p->n_lines = 0;
}

static void add_line(Printer *p, PrintedLine line) {
  ARENA_PUSH(p->arena, p->line, p->n_lines, p->cap_lines, line);
}

/* head is "let x" or "out y : f32[1]". On one line if there is at most one comment and it fits. */
static void add_chain(Printer *p, const char *head, const Value *value) {
  Layer **chain;
  int n = chain_of(p, value, &chain), comments = 0, n_lines = 0;
  PrintedLine *line = ARENA_ARRAY(p->arena, PrintedLine, n + 1);
  const char *last = NULL;
  Text whole = text_new(p->arena);
  line[n_lines++].text = arena_printf(p->arena, "  %s = ", head);
  if (!begins_chain(chain[0]))
    line[0].text = arena_printf(p->arena, "%s%s", line[0].text, expr(p, chain[0]->in[0]));
  for (int i = 0; i < n; i++) {
    Layer *layer = chain[i];
    p->order[p->n_order++] = layer;
    const char *comment = comment_of(p, layer, &last);
    comments += comment != NULL;
    if (begins_chain(layer)) {
      bool is_operator = layer_info(layer->kind)->flags & OPERATOR;
      const char *text = is_operator ? operator_text(p, layer) : call_text(p, layer);
      line[0] = (PrintedLine){arena_printf(p->arena, "%s%s", line[0].text, text), comment};
    } else {
      const char *text = stage_text(p, layer, needs_from(chain, n, layer));
      line[n_lines++] = (PrintedLine){arena_printf(p->arena, "    |> %s", text), comment};
    }
  }
  text_add(&whole, line[0].text);
  for (int i = 1; i < n_lines; i++)
    text_printf(&whole, " %s", line[i].text + 4);
  if (n_lines == 1 || (comments <= 1 && n_lines <= 3 && whole.len <= ONE_LINE_MAX)) {
    const char *comment = NULL;
    for (int i = 0; i < n_lines; i++)
      if (line[i].comment) comment = line[i].comment;
    line[0] = (PrintedLine){text_str(&whole), comment};
    n_lines = 1;
  }
  for (int i = 0; i < n_lines; i++)
    add_line(p, line[i]);
}

static const char *type_text(Arena *arena, const Type *type) {
  Text text = text_new(arena);
  text_add_type(&text, type, true);
  return text_str(&text);
}

/* A bounded length is named once; after that the name is enough, and outputs need none; nor do
 * they need a rate. */
static const char *port_type(Printer *p, const Type *type, bool input, bool *named_length) {
  Type t = *type;
  if (!input) t.time.rate_num = 0;
  for (int i = 0; i < t.rank && !input; i++)
    t.dim[i].label = NULL; /* what has names there follows from the inputs */
  if (t.time.kind != TIME_BOUNDED) return type_text(p->arena, &t);
  const char *name = t.time.length > 0 ? p->model->length[t.time.length].name : NULL;
  bool derived = t.time.length > 0 && p->model->length[t.time.length].from;
  t.time.len = derived ? NULL : name;
  const char *text = type_text(p->arena, &t);
  if (!t.time.len || (input && !named_length[t.time.length])) {
    if (t.time.length > 0) named_length[t.time.length] = true;
    return text;
  }
  const char *bound = strstr(text, " <= "), *rest = bound + 4 + strspn(bound + 4, "0123456789");
  return arena_printf(p->arena, "%.*s%s", (int)(bound - text), text, rest);
}

static void add_inputs(Printer *p, bool *named_length) {
  for (int i = 0; i < p->model->n_in; i++) {
    const Port *port = p->model->in[i];
    const char *type = port_type(p, &port->declared, true, named_length);
    add_line(p, (PrintedLine){arena_printf(p->arena, "  in %s : %s", p->names.in[i], type),
                              port->doc ? safe_line(p->arena, port->doc) : NULL});
  }
  flush_lines(p, 0);
}

static void add_allowed(Printer *p) {
  for (int code = 0; code < DIAG_CODE_COUNT; code++)
    if (p->model->allowed[code])
      add_line(p, (PrintedLine){arena_printf(p->arena, "  allow %s", diag_info[code].name),
                                p->origin->allow_reason[code]});
  if (p->n_lines) add_line(p, (PrintedLine){"", NULL});
  flush_lines(p, 0);
}

static bool ends_statement(const Printer *p, const Layer *layer) {
  return p->names.value[layer->out[0]->id] != NULL;
}

const char *print_model(Arena *arena, const Model *model, const PrintOrigin *origin,
                        const char *weights, Layer **order) {
  Printer p = {.arena = arena,
               .origin = origin,
               .model = model,
               .names = names_choose(arena, model),
               .convention = model->weights.convention,
               .out = text_new(arena),
               .order = order};
  bool *named_length = ARENA_ARRAY(arena, bool, model->n_lengths), has_weights = false;
  int lets = 0;
  for (int i = 0; i < model->n_layers; i++) {
    has_weights |= (layer_info(model->layer[i]->kind)->flags & WEIGHTS) != 0;
    lets += ends_statement(&p, model->layer[i]);
  }
  const char *slash = strrchr(origin->path, '/');
  text_printf(&p.out, "grus 1\n\n## Imported from %s (%s).\n",
              safe_line(arena, slash ? slash + 1 : origin->path), safe_line(arena, origin->format));
  text_printf(&p.out, "model %s {\n", p.names.model);
  if (has_weights) {
    text_printf(&p.out, "  weights %s ", convention_word[p.convention]);
    text_add_string(&p.out, weights);
    text_add(&p.out, "\n\n");
  }
  add_allowed(&p);
  add_inputs(&p, named_length);
  text_add_char(&p.out, '\n');
  size_t shortest = SIZE_MAX, longest = 0;
  for (int i = 0; i < model->n_layers; i++)
    if (ends_statement(&p, model->layer[i])) {
      const Value *v = model->layer[i]->out[0];
      size_t len = strlen(p.names.value[v->id]);
      if (len < shortest) shortest = len;
      if (len > longest) longest = len;
      add_chain(&p, arena_printf(arena, "let %s", p.names.value[v->id]), v);
    }
  flush_lines(&p, lets ? longest - shortest : 0);
  if (lets) text_add_char(&p.out, '\n');
  for (int i = 0; i < model->n_out; i++) {
    const Value *v = model->out[i]->value;
    Type stored = v->type;
    stored.time_pos = model->out[i]->declared.time_pos;
    const char *type = port_type(&p, &stored, false, named_length);
    const char *head = arena_printf(arena, "out %s : %s", p.names.out[i], type);
    if (v->field || p.names.value[v->id])
      add_line(&p, (PrintedLine){arena_printf(arena, "  %s = %s", head, expr(&p, v)), NULL});
    else
      add_chain(&p, head, v);
    flush_lines(&p, 0);
  }
  text_add(&p.out, "}\n");
  return text_str(&p.out);
}
