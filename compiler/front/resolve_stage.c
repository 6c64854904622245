/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* One stage: which layer or block it is, its inputs, its options. v |> f(a, k=b) is f(v, a, k=b):
 * values first, then main sizes by position, then options by name. */
#include "front/resolve.h"

#include <ctype.h>
#include <string.h>

/* A path, and how many layers wanted it. */
typedef struct StagePath {
  int count;
  char text[];
} StagePath;

static StagePath *path_new(Resolver *r, const char *prefix, const char *name) {
  size_t len = strlen(prefix), n = strlen(name);
  StagePath *path = arena_alloc(r->arena, sizeof *path + len + n + 2);
  path->count = 1;
  memcpy(path->text, prefix, len);
  path->text[len] = '.';
  for (size_t i = 0; i < n; i++)
    path->text[len + 1 + i] = (char)tolower((unsigned char)name[i]);
  return path;
}

/* name made unique among the layers of the model: "p.dense", "p.dense_2". */
const char *path_unique(Body *body, const char *name) {
  Resolver *r = body->r;
  StagePath *path = path_new(r, body->path, name), *first = map_get(r->paths, path->text);
  while (first) {
    path = path_new(r, body->path, arena_printf(r->arena, "%s_%d", name, ++first->count));
    if (!map_get(r->paths, path->text)) break;
  }
  map_put(r->arena, r->paths, path->text, path);
  return path->text;
}

static bool expansion_counted(Body *body, Span at) {
  Resolver *r = body->r;
  if (r->too_large) return false;
  if (!body->block || ++r->expanded <= EXPANSION_MAX) return true;
  const Body *top = body;
  while (top->outer && top->outer->outer)
    top = top->outer;
  Diag *d = diag_new(r->diags, E215, top->call ? top->call->span : at,
                     "this model expands to more than 100,000 stages");
  diag_primary(d, "reached in block `%s`", body->block->node->text);
  diag_note(d, "blocks are copied to where they are used, and blocks that use blocks multiply");
  r->too_large = true;
  return false;
}

Layer *layer_make(Body *body, LayerKind kind, int n_in, Value **in, const Span *in_span) {
  static const char *const operator_name[] = {"add", "sub", "mul", "div"};
  if (!expansion_counted(body, in_span[0])) return NULL;
  const LayerInfo *info = layer_info(kind);
  Layer *layer = model_layer(body->model, kind, n_in, in);
  for (int i = 0; i < n_in; i++)
    layer->in_span[i] = in_span[i];
  layer->path =
      path_unique(body, info->flags & OPERATOR ? operator_name[kind - LAYER_add] : info->name);
  layer->binding = body->binding;
  layer->call = body->call;
  return layer;
}

/* The arguments of a stage, sorted into values and options. */
typedef struct Args {
  Value **in;
  Span *in_span;
  int n_in;
  const Node *option[LAYER_MAX_OPTS];
  bool bad;      /* something about the arguments was reported */
  bool poisoned; /* a value among the arguments had an error, which was reported */
} Args;

static void report_no_input(Body *body, const Node *stage) {
  Diag *d = diag_new(body->r->diags, E207, stage->span, "`%s` has nothing to work on", stage->text);
  diag_primary(d, "needs a value");
  const Value *only = body->model->n_in == 1 ? body->model->in[0]->value : NULL;
  const char *value = only && !body->block ? only->name : "N";
  const char *before = sources_get(body->r->diags->sources, stage->span.file)->text;
  uint32_t at = stage->span.begin;
  while (at && before[at - 1] == ' ')
    at--;
  bool whole = at && (before[at - 1] == '=' || before[at - 1] == '(' || before[at - 1] == ',');
  Fix *fix = diag_fix(d, FIX_FILL, "pass a value to it");
  fix_edit(fix, stage->span, whole ? "%s |> %s" : "(%s |> %s)", value,
           span_text(body->r->arena, body->r->diags->sources, stage->span));
}

static void args_input(Body *body, Args *args, const Node *stage, const Item *item, Span span) {
  if (item->kind == ITEM_VALUE) {
    args->in[args->n_in] = item->value;
    args->in_span[args->n_in++] = span;
    return;
  }
  args->poisoned = true;
  if (item->kind != ITEM_CONST) return;
  args->bad = true;
  Diag *d = report_not_constant(body->r, span, "a value", item);
  diag_note(d, "`%s` works on values: inputs and results of stages", stage->text);
}

static void report_too_many(Body *body, const Node *stage, const Node *arg, const LayerInfo *info,
                            int taken) {
  Diag *d = diag_new(body->r->diags, E217, arg->span, "too many arguments for `%s`", info->name);
  diag_primary(d, "`%s` takes %d by position", info->name, taken);
  const Binding *named =
      arg->kid[0] && node_is(arg->kid[0], N_NAME) ? name_find(body, arg->kid[0]->text) : NULL;
  if (info->flags & RECURRENT && named && named->item.kind == ITEM_VALUE) {
    diag_note(d, "the initial state is an option");
    Span at = {arg->span.file, arg->span.begin, arg->span.begin};
    fix_edit(diag_fix(d, FIX_MAYBE, "start from `%s`", named->name), at, "init=");
    return;
  }
  if (info->flags & WEIGHTS && legacy_activation_argument(body->r, d, stage, arg)) return;
  if (info->kind == LAYER_min || info->kind == LAYER_max)
    diag_note(d, "`%simum(a, b)` compares two values", info->name);
  else if (info->kind == LAYER_Embedding)
    diag_note(d, "the type of the value sets the number of categories: `index(1000)`");
  else if (info->flags & WEIGHTS && taken == 1)
    diag_note(
        d, "the input width is never an argument: grus takes it from the last axis of the value");
  else
    diag_note(d, "options are given by name");
  const Node *first = stage->kid[0];
  bool two_sizes = taken == 1 && stage->n > 1 && arg == stage->kid[1] && !first->text;
  if (info->flags & WEIGHTS && two_sizes && node_is(arg->kid[0], N_INT))
    fix_edit(diag_fix(d, FIX_MAYBE,
                      info->kind == LAYER_Embedding ? "omit it here" : "omit the input width"),
             (Span){first->span.file, first->span.begin, arg->span.begin}, "%s", "");
}

static bool is_positional(const OptInfo *opt) {
  return opt->kind == OPTK_SIZE || opt->kind == OPTK_SIZES || opt->kind == OPTK_NUMBER ||
         opt->kind == OPTK_SHAPE;
}

static void args_named(Body *body, Args *args, const Node *stage, const Node *arg,
                       const LayerInfo *info) {
  int i = layer_info_opt(info, arg->text);
  if (i < 0) {
    report_unknown_option(body->r, stage, arg, info);
    args->bad = true;
  } else if (args->option[i]) {
    Diag *d = diag_new(body->r->diags, E217, arg->span, "`%s` is given twice", arg->text);
    diag_primary(d, "again here");
    diag_label(d, args->option[i]->span, "first given here");
    args->bad = true;
  } else {
    args->option[i] = arg;
  }
}

/* permute(c, f): all arguments by position are one list of names. */
static void args_axes(Body *body, Args *args, const Node *stage, int option) {
  Arena *arena = body->r->arena;
  Node *list = ARENA_NEW(arena, Node), *arg = ARENA_NEW(arena, Node);
  *list = (Node){.kind = N_TUPLE, .kid = ARENA_ARRAY(arena, Node *, stage->n)};
  for (size_t i = 0; i < stage->n; i++)
    if (node_is(stage->kid[i], N_ARG) && !stage->kid[i]->text) {
      list->span = list->n ? span_join(list->span, stage->kid[i]->span) : stage->kid[i]->span;
      list->kid[list->n++] = stage->kid[i]->kid[0];
    }
  *arg = (Node){.kind = N_ARG, .span = list->span, .kid = ARENA_ARRAY(arena, Node *, 1), .n = 1};
  arg->kid[0] = list;
  args->option[option] = arg;
}

static void args_sort(Body *body, Args *args, const Node *stage, const LayerInfo *info,
                      bool piped) {
  bool values = (info->flags & MULTI) || !piped;
  int next = 0, n_opts = layer_opt_count(info);
  for (size_t i = 0; i < stage->n; i++) {
    const Node *arg = stage->kid[i];
    if (!node_is(arg, N_ARG)) {
      args->bad = true;
    } else if (arg->text) {
      args_named(body, args, stage, arg, info);
    } else if (values) {
      Item item = expr_resolve(body, arg->kid[0]);
      if (item.kind == ITEM_CONST && !(info->flags & MULTI) && !piped) {
        report_no_input(body, stage);
        args->bad = true;
        return;
      }
      args_input(body, args, stage, &item, arg->span);
      values = info->flags & MULTI;
      piped = true;
    } else if (next < n_opts && info->opts[next].id == OPT_axes) {
      if (!args->option[next]) args_axes(body, args, stage, next);
    } else if (next < n_opts && is_positional(&info->opts[next])) {
      if (!args->option[next]) args->option[next] = arg;
      next++;
    } else {
      report_too_many(body, stage, arg, info, next);
      args->bad = true;
      return;
    }
  }
  if (!piped && !args->bad && !args->poisoned && args->n_in == 0) {
    report_no_input(body, stage);
    args->bad = true;
  }
}

static void report_missing(Body *body, const Node *stage, const LayerInfo *info, int option) {
  Resolver *r = body->r;
  const char *name = info->opts[option].name;
  Diag *d = diag_new(r->diags, E204, stage->span, "`%s` needs `%s`", info->name, name);
  diag_primary(d, "missing here");
  bool positional = option == 0 && (is_positional(&info->opts[0]) || info->opts[0].id == OPT_axes);
  if (stage->n == 0 && stage->span.end == stage->at.end) {
    Fix *fix = diag_fix(d, FIX_FILL, "give `%s`", name);
    fix_edit(fix, (Span){stage->at.file, stage->at.end, stage->at.end},
             positional ? "(N)" : "(%s=N)", name);
  } else if (stage->n) {
    Fix *fix = diag_fix(d, FIX_FILL, "give `%s`", name);
    uint32_t end = stage->kid[stage->n - 1]->span.end;
    fix_edit(fix, (Span){stage->at.file, end, end}, ", %s=N", name);
  }
}

static bool args_options(Body *body, Args *args, const Node *stage, const LayerInfo *info,
                         OptVal *opt) {
  bool ok = true;
  for (int i = 0, n = layer_opt_count(info); i < n; i++) {
    if (args->option[i])
      ok = option_resolve(body, info, i, args->option[i], &opt[i]) && ok;
    else if (!*info->opts[i].fallback && !args->bad) {
      report_missing(body, stage, info, i);
      ok = false;
    }
  }
  if (info->kind == LAYER_repeat && ok && !args->bad && !args->option[0] && !args->option[1]) {
    report_missing(body, stage, info, 1);
    return false;
  }
  return ok;
}

static void layer_place(Layer *layer, const Node *stage) {
  layer->span = stage->span;
  layer->name_span = stage->at;
  layer->pipe = stage->pipe;
  for (int i = 0; i < LAYER_MAX_RESULTS && layer->out[i]; i++)
    layer->out[i]->span = stage->span;
}

/* The axes of `along` that are time, or those that are not. */
static OptVal axes_part(Arena *arena, const OptVal *along, bool time) {
  OptVal part = *along;
  part.axis = ARENA_ARRAY(arena, const char *, along->n_axes);
  part.value_span = ARENA_ARRAY(arena, Span, along->n_axes);
  part.n_axes = 0;
  for (int i = 0; i < along->n_axes; i++)
    if ((strcmp(along->axis[i], "time") == 0) == time) {
      part.axis[part.n_axes] = along->axis[i];
      part.value_span[part.n_axes++] = along->value_span[i];
    }
  return part;
}

/* mean(along=(time, f)) is mean(along=f) |> mean(along=time): a stage that removes axes removes
 * those of a step before time. Returns the layer of the result. */
static Layer *layer_end_time(Body *body, const LayerInfo *info, Layer *layer, const Node *stage) {
  int at = 0, n = layer_opt_count(info);
  while (at < n && info->opts[at].id != OPT_along)
    at++;
  if (!(info->flags & ENDS) || at == n || layer->opt[at].n_axes < 2) return layer;
  OptVal time = axes_part(body->r->arena, &layer->opt[at], true);
  OptVal others = axes_part(body->r->arena, &layer->opt[at], false);
  if (!time.n_axes || !others.n_axes) return layer;
  layer->opt[at] = others;
  Layer *last = layer_make(body, info->kind, 1, layer->out, &stage->span);
  if (!last) return NULL;
  last->opt[at] = time;
  layer_place(last, stage);
  return last;
}

static Item layer_resolve(Body *body, const LayerInfo *info, const Node *stage, const Item *piped,
                          Span piped_span) {
  Resolver *r = body->r;
  Args args = {0};
  OptVal opt[LAYER_MAX_OPTS];
  args.in = ARENA_ARRAY(r->arena, Value *, stage->n + 1);
  args.in_span = ARENA_ARRAY(r->arena, Span, stage->n + 1);
  if (piped) args_input(body, &args, stage, piped, piped_span);
  args_sort(body, &args, stage, info, piped != NULL);
  bool ok = args_options(body, &args, stage, info, opt);
  if (!ok || args.bad || args.poisoned) return item_bad();
  Layer *layer = layer_make(body, info->kind, args.n_in, args.in, args.in_span);
  if (!layer) return item_bad();
  for (int i = 0, n = layer_opt_count(info); i < n; i++)
    if (args.option[i]) layer->opt[i] = opt[i];
  const OptVal *from = layer_opt(layer, OPT_from);
  if (from && from->given) layer->prefix = from->s;
  layer_place(layer, stage);
  Layer *last = layer_end_time(body, info, layer, stage);
  return last ? item_of(last->out[0]) : item_bad();
}

Item stage_resolve(Body *body, const Node *stage, const Item *piped, Span piped_span) {
  const LayerInfo *info = map_get(&body->r->stages, stage->text);
  if (info) return layer_resolve(body, info, stage, piped, piped_span);
  const Entity *e = map_get(&body->file->names, stage->text);
  if (e) reference_note(body, stage->at, e->name_span);
  if (e && e->kind == ENTITY_BLOCK) return block_resolve(body, e->block, stage, piped, piped_span);
  if (!(e && e->kind == ENTITY_BAD)) report_unknown_stage(body, stage);
  return item_bad();
}
