/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Boxes of inputs, layers and outputs with what is written in them. A box stands a row below the
 * lowest that feeds it; an input stands just above the first that reads it. Sizes are as resolved:
 * `GRU(48)` where the source says `GRU(units)`. */
#include "driver/draw_graph.h"

#include "base/safe.h"
#include "driver/budget.h"
#include "model/bind/weights.h"
#include "model/graph/cost.h"

#include <string.h>

enum {
  WRAP = 34,
  LOOK_BACK = 64
}; /* columns of a line of a title; edges looked at for a second one */

static BoxKind kind_of(const Layer *layer) {
  unsigned flags = layer_info(layer->kind)->flags;
  if (flags & RECURRENT) return BOX_RECURRENT;
  if (flags & TRAINING) return BOX_TRAINING;
  if (flags & WEIGHTS) return BOX_WEIGHTS;
  if (flags & ENDS) return BOX_ENDS;
  if (flags & (POINTWISE | OPERATOR)) return BOX_POINTWISE;
  return BOX_OTHER;
}

/* "units", "key=value": one option as it was resolved; NULL where the picture shows it as an
 * edge. */
static const char *option_text(Arena *arena, const OptInfo *info, const OptVal *opt,
                               bool positional) {
  Text text = text_new(arena);
  if (!positional) text_printf(&text, "%s=", info->name);
  switch (info->kind) {
  case OPTK_SIZE: text_printf(&text, "%lld", (long long)opt->i); break;
  case OPTK_NUMBER: text_add_double(&text, opt->f); break;
  case OPTK_WORD: text_add(&text, opt->s ? opt->s : ""); break;
  case OPTK_SHAPE:
    if (opt->shape) text_add_shape(&text, opt->shape);
    break;
  case OPTK_SIZES:
  case OPTK_PADDING:
  case OPTK_AXES: option_print(&text, info, opt); break;
  case OPTK_STATE:
    if (!opt->learned) return NULL;
    text_add(&text, "learned");
    break;
  case OPTK_NONE:
  case OPTK_VALUE:
  case OPTK_TEXT: return NULL;
  }
  return text_str(&text);
}

/* The stage with the options that were given, as resolved. */
static const char *stage_text(Arena *arena, const Layer *layer) {
  const LayerInfo *info = layer_info(layer->kind);
  Text text = text_new(arena);
  if (info->flags & OPERATOR) {
    const OptVal *value = layer_opt(layer, OPT_value);
    text_add(&text, info->name);
    if (!value->given) return text_str(&text);
    Text number = text_new(arena);
    text_add_double(&number, value->f);
    bool swapped = layer_word_is(layer, OPT_swapped, "true");
    return arena_printf(arena, swapped ? "%s %s" : "%s %s",
                        swapped ? text_str(&number) : info->name,
                        swapped ? info->name : text_str(&number));
  }
  text_add(&text, info->name);
  int n = 0;
  for (int i = 0; i < layer_opt_count(info); i++) {
    bool positional =
        n == i && (info->opts[i].kind == OPTK_SIZE || info->opts[i].kind == OPTK_SIZES ||
                   info->opts[i].kind == OPTK_SHAPE);
    const char *option =
        layer->opt[i].given ? option_text(arena, &info->opts[i], &layer->opt[i], positional) : NULL;
    if (!option) continue;
    text_printf(&text, "%s%s", n++ ? ", " : "(", option);
  }
  if (n) text_add_char(&text, ')');
  return text_str(&text);
}

/* Lines of at most WRAP columns, broken after commas; where there is none, at the value of an
 * option, so that no number is in two pieces. */
static void wrap(Arena *arena, Box *box, const char *title) {
  const char *s = safe_line(arena, title);
  while (*s && box->n_titles < TITLE_LINES) {
    size_t n = 0, comma = 0, value = 0, len;
    while (s[n] && text_width(s, n) < WRAP) {
      text_decode(s + n, strlen(s + n), &len);
      n += len;
      if (s[n - 1] == ' ') comma = n;
      if (s[n - 1] == '(' || s[n - 1] == '=') value = n;
    }
    if (s[n] && (comma || value)) n = comma ? comma : value;
    bool cut = s[n] && box->n_titles == TITLE_LINES - 1;
    box->title[box->n_titles++] =
        cut ? arena_printf(arena, "%.*s\xE2\x80\xA6", (int)n, s) : arena_strndup(arena, s, n);
    s += n;
  }
  if (!box->n_titles) box->title[box->n_titles++] = "";
}

static void add_detail(Text *text, const char *what) {
  if (text->len) text_add(text, " \xC2\xB7 ");
  text_add(text, what);
}

static const char *layer_detail(Arena *arena, const Model *model, const Layer *layer) {
  Text text = text_new(arena), part = text_new(arena);
  int64_t params = layer_param_count(layer), macs = layer_macs(model, layer);
  if (params) {
    text_add_thousands(&part, params);
    add_detail(&text, arena_printf(arena, "%s params", text_str(&part)));
  }
  if (macs) {
    part = text_new(arena);
    text_add_count(&part, macs);
    add_detail(&text, arena_printf(arena, "%s MAC", text_str(&part)));
  }
  int states = layer_n_states(layer);
  if (states) {
    const char *times = states == 2 ? "2 \xC3\x97 " : "";
    add_detail(&text,
               arena_printf(arena, "state %s%lld", times, (long long)layer->out[1]->type.dim[0].n));
  }
  if (layer_info(layer->kind)->flags & TRAINING) add_detail(&text, "training only");
  return text_str(&text);
}

static int box_add(Drawing *g, Box box) {
  ARENA_PUSH(g->arena, g->box, g->n, g->cap, box);
  return g->n - 1;
}

static void link_to(Drawing *g, const int *of_value, int to, const Value *from, bool state) {
  if (!from) return;
  Edge edge = {of_value[from->id], to, state, type_short_str(g->arena, &from->type), -1};
  for (int i = g->n_edges - 1;
       state && i >= 0 && i >= g->n_edges - LOOK_BACK && g->edge[i].to == to; i--)
    if (g->edge[i].from == edge.from && g->edge[i].state == state) return;
  ARENA_PUSH(g->arena, g->edge, g->n_edges, g->cap_edges, edge);
  if (g->box[edge.from].row + 1 > g->box[to].row) g->box[to].row = g->box[edge.from].row + 1;
}

static void add_layer(Drawing *g, int *of_value, const Layer *layer) {
  Box box = {.kind = kind_of(layer), .detail = layer_detail(g->arena, g->model, layer)};
  box.shape = type_short_str(g->arena, &layer->out[0]->type);
  box.time = layer->out[0]->type.time.kind;
  box.bytes = layer_param_count(layer);
  box.loop = layer_info(layer->kind)->flags & RECURRENT;
  wrap(g->arena, &box, stage_text(g->arena, layer));
  int at = box_add(g, box);
  for (int i = 0; i < layer->n_in; i++)
    link_to(g, of_value, at, layer->in[i], false);
  const OptVal *init = layer_opt(layer, OPT_init), *along = layer_opt(layer, OPT_along);
  for (int i = 0; init && i < init->n_values; i++)
    link_to(g, of_value, at, init->values[i], true);
  if (init && init->states_of) link_to(g, of_value, at, init->states_of->out[1], true);
  if (along) link_to(g, of_value, at, along->value, true);
  for (int i = 0; i < LAYER_MAX_RESULTS && layer->out[i]; i++)
    of_value[layer->out[i]->id] = at;
}

static void add_port(Drawing *g, const char *word, const char *name, const Value *v) {
  Box box = {.kind = BOX_PORT, .detail = "", .shape = "", .time = v->type.time.kind};
  Text type = text_new(g->arena);
  text_add_type(&type, &v->type, true);
  box.shape = text_str(&type);
  wrap(g->arena, &box, arena_printf(g->arena, "%s %s", word, name));
  box_add(g, box);
}

static void lower_inputs(Drawing *g) {
  int n = g->model->n_in;
  int *first = ARENA_ARRAY(g->arena, int, n + 1);
  for (int i = 0; i < g->n_edges; i++) {
    const Edge *e = &g->edge[i];
    int row = g->box[e->to].row;
    if (e->from < n && (!first[e->from] || row < first[e->from])) first[e->from] = row;
  }
  for (int i = 0; i < n; i++)
    if (first[i]) g->box[i].row = first[i] - 1;
}

Drawing graph_of(Arena *arena, const Sources *sources, const Model *model) {
  Drawing g = {.arena = arena, .model = model};
  int *of_value = ARENA_ARRAY(arena, int, model->n_values + 1);
  (void)sources;
  for (int i = 0; i < model->n_in; i++) {
    of_value[model->in[i]->value->id] = i;
    add_port(&g, "in", model->in[i]->name, model->in[i]->value);
  }
  for (int i = 0; i < model->n_layers; i++)
    add_layer(&g, of_value, model->layer[i]);
  for (int i = 0; i < model->n_out; i++) {
    const Value *v = model->out[i]->value;
    add_port(&g, "out", model->out[i]->name, v);
    link_to(&g, of_value, g.n - 1, v, v->field != NULL);
  }
  lower_inputs(&g);
  g.n_real = g.n;
  return g;
}
