/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sizes of the inputs of `forward`. The archive does not record them. An attempt with the wrong
 * ones fails, as the program would, so the sizes of the weights are tried in their places. An axis
 * that may have any size is open: the graphs of two attempts with other sizes of it are the same.
 * What --set gives is taken. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum {
  MAX_SIZES = 64,
  MAX_ATTEMPTS = 10000,
  MAX_SIZE = 16384,
  STEPS = 13,
  OTHER_STEPS = 17,
  BEST = 4
};

typedef struct Solver {
  Script *s;
  const ScriptFunction *forward;
  ScriptAttempt *attempt;
  const char *name[SCRIPT_MAX_INPUTS];
  ScriptShape shape[SCRIPT_MAX_INPUTS];
  int n, attempts;
  int64_t size[MAX_SIZES]; /* of the weights */
  int n_sizes;
  int64_t steps; /* of a sequence, in attempts */
  int64_t bound; /* the most steps of an option; steps: none */
  bool steps_given;
  ScriptRun *deepest; /* the attempt that failed last in the program */
  int asked;          /* the input whose sizes were tried last; -1: none */
  Graph *found;       /* the best so far */
  ScriptShape best[SCRIPT_MAX_INPUTS], other[SCRIPT_MAX_INPUTS];
  bool is_ambiguous; /* `other` is as good as `best` */
} Solver;

/* ---- the sizes of the weights ---- */

static void add_size(Solver *v, int64_t size) {
  for (int i = 0; i < v->n_sizes; i++)
    if (v->size[i] == size) return;
  if (v->n_sizes < MAX_SIZES && size > 0 && size <= MAX_SIZE) v->size[v->n_sizes++] = size;
}

/* The sizes of all tensors in a value of the pickle. */
static void collect(Solver *v, const PickleValue *value, int depth, int *visits) {
  if (!value || depth > 12 || --*visits < 0) return;
  if (value->kind == PICKLE_OBJECT) {
    int64_t dim[TENSOR_MAX_RANK];
    int rank;
    bool tensor = pickle_is_object(value, "torch._utils._rebuild_tensor_v2");
    if (tensor && tree_numbers(pickle_arg(value, 2), dim, &rank))
      for (int i = 0; i < rank; i++)
        add_size(v, dim[i]);
    if (!tensor) collect(v, value->state, depth + 1, visits);
    if (!tensor) collect(v, value->args, depth + 1, visits);
  }
  bool list =
      value->kind == PICKLE_TUPLE || value->kind == PICKLE_LIST || value->kind == PICKLE_DICT;
  for (size_t i = 0; list && i < value->list.n; i++)
    collect(v, value->list.item[i], depth + 1, visits);
}

/* The products of the lists of numbers in the text, such as the shape of a view. */
static void collect_lists(Solver *v, const ScriptExpr *e) {
  int64_t product = e->kind == EXPR_LIST && e->n > 1;
  for (int i = 0; i < e->n; i++) {
    bool fits = e->item[i]->kind == EXPR_INT && e->item[i]->i > 0 && e->item[i]->i <= MAX_SIZE;
    product *= fits && product <= MAX_SIZE ? e->item[i]->i : 0;
    collect_lists(v, e->item[i]);
  }
  if (product) add_size(v, product);
}

static void collect_text(Solver *v, const ScriptBlock *block) {
  for (int i = 0; i < block->n; i++) {
    if (block->item[i]->value) collect_lists(v, block->item[i]->value);
    collect_text(v, &block->item[i]->body);
    collect_text(v, &block->item[i]->other);
  }
}

/* ---- attempts ---- */

static Graph *attempt(Solver *v, const ScriptShape *shape, ScriptRun **run) {
  *run = NULL;
  if (v->attempts++ >= MAX_ATTEMPTS || v->s->steps < 0) return NULL;
  return v->attempt(v->s, shape, v->n, run);
}

/* The operators and attributes of a graph, and its small constants: what would differ if a size had
 * become part of it. */
static const char *print_of(Solver *v, const Graph *graph) {
  enum { SMALL = 4096 };
  Text t = text_new(v->s->arena);
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    text_printf(&t, "%d", (int)node->op);
    for (int k = 0; k < node->n_in; k++)
      text_printf(&t, " %d", node->in[k] ? node->in[k]->id : -1);
    for (int k = 0; k < node->n_attributes; k++) {
      const GraphAttribute *a = &node->attribute[k];
      for (int j = 0; j < a->n; j++)
        if (a->i)
          text_printf(&t, ",%lld", (long long)a->i[j]);
        else if (a->f)
          text_printf(&t, ",%a", a->f[j]);
        else
          text_printf(&t, ",%s", a->s[j]);
    }
    text_add(&t, "\n");
  }
  for (int i = 0; i < graph->n_values; i++) {
    const GraphTensor *c = graph->value[i]->constant;
    for (int k = 0; c && k < c->rank; k++)
      text_printf(&t, "%lld ", (long long)c->dim[k]);
    for (int64_t k = 0; c && c->count <= SMALL && graph_known(c) && k < c->count; k++)
      text_printf(&t, "%a ", graph_at(c, k));
  }
  return text_str(&t);
}

/* Whether an axis of an input may have any size: whether the graph is the same for others. */
static bool is_open(Solver *v, const Graph *graph, int input, int axis) {
  ScriptShape other[SCRIPT_MAX_INPUTS];
  ScriptRun *run;
  const char *print = print_of(v, graph);
  for (int k = 0; k < 2; k++) {
    if (k == 1 && v->bound == v->steps) break;
    memcpy(other, v->shape, sizeof other);
    other[input].dim[axis] = k == 0 ? OTHER_STEPS : v->bound;
    Graph *again = attempt(v, other, &run);
    if (!again || strcmp(print, print_of(v, again)) != 0) return false;
  }
  return true;
}

static bool goes_along_time(const Graph *graph) {
  for (int i = 0; i < graph->n_nodes; i++) {
    GraphOp op = graph->node[i]->op;
    if (op == GRAPH_Lstm || op == GRAPH_Gru || op == GRAPH_Rnn || op == GRAPH_Conv ||
        op == GRAPH_ConvTranspose || op == GRAPH_MaxPool || op == GRAPH_AvgPool ||
        op == GRAPH_Attention)
      return true;
  }
  return false;
}

/* How well sizes suit that were found: an open axis along which layers go is best, then sizes that
 * all follow from weights or options, then a sequence of any length, then one whose length nothing
 * says. */
static int worth(Solver *v, const Graph *graph) {
  bool open = false, unknown = false, sequence = false;
  for (int i = 0; i < v->n; i++) {
    unsigned axes = v->shape[i].steps;
    open = open || v->shape[i].open >= 0;
    sequence = sequence || axes != 0;
    unknown = unknown || (axes && v->shape[i].open < 0 && !v->steps_given);
  }
  if (unknown) return 1;
  return open && goes_along_time(graph) ? BEST : !sequence || !open ? 3 : 2;
}

/* Whether the best sizes have the same places, and another size in one of them. */
static bool differs(const Solver *v) {
  bool other = false;
  for (int i = 0; i < v->n; i++) {
    const ScriptShape *a = &v->best[i], *b = &v->shape[i];
    if (a->rank != b->rank || a->open != b->open || a->steps != b->steps) return false;
    for (int k = 0; k < a->rank; k++)
      other = other || a->dim[k] != b->dim[k];
  }
  return other;
}

static void take(Solver *v, Graph *graph, int *best) {
  for (int i = 0; i < v->n; i++) {
    v->shape[i].open = -1;
    for (int k = 0; k < v->shape[i].rank; k++)
      if (v->shape[i].steps & 1u << k && is_open(v, graph, i, k)) v->shape[i].open = k;
  }
  int value = worth(v, graph);
  if (value == *best && !v->is_ambiguous && differs(v)) {
    v->is_ambiguous = true;
    memcpy(v->other, v->shape, sizeof v->other);
  }
  if (value <= *best) return;
  v->is_ambiguous = false;
  *best = value;
  memcpy(v->best, v->shape, sizeof v->best);
  v->found = graph;
}

/* ---- the search ---- */

/* Sizes in the places of an input: -1 one of the weights', 0 the steps of a sequence. The last are
 * those of states, which are not the first input. */
enum { N_STATES = 4 };
static const ScriptShape layouts[] = {
    {.rank = 2, .dim = {1, -1}},    {.rank = 3, .dim = {1, 0, -1}}, {.rank = 3, .dim = {0, 1, -1}},
    {.rank = 3, .dim = {1, -1, 0}}, {.rank = 1, .dim = {-1}},       {.rank = 2, .dim = {1, 0}},
    {.rank = 2, .dim = {0, -1}},    {.rank = 3, .dim = {1, 1, 0}},  {.rank = 3, .dim = {1, 1, -1}},
    {.rank = 3, .dim = {2, 1, -1}}, {.rank = 3, .dim = {3, 1, -1}}, {.rank = 3, .dim = {4, 1, -1}}};

/* The size that --set gives an axis; 0: none. */
static int64_t given(Solver *v, int input, int axis) {
  double size;
  const char *name = arena_printf(v->s->arena, "%s.%d", v->name[input], axis);
  bool is = script_set(v->s, name, &size) && size >= 1 && size <= INT32_MAX;
  return is ? (int64_t)size : 0;
}

static int given_rank(Solver *v, int input) {
  int rank = 0;
  for (int k = 0; k < GRAPH_MAX_RANK; k++)
    if (given(v, input, k)) rank = k + 1;
  return rank;
}

static void solve(Solver *v, int *best);

static void solve_with(Solver *v, int input, const ScriptShape *layout, int64_t size, int *best) {
  ScriptShape *shape = &v->shape[input];
  *shape = (ScriptShape){.rank = layout->rank, .open = -1};
  for (int k = 0; k < shape->rank; k++) {
    int64_t set = given(v, input, k);
    if (!set && layout->dim[k] == 0) shape->steps |= 1u << k;
    shape->dim[k] = set                    ? set
                    : layout->dim[k] == -1 ? size
                    : layout->dim[k] == 0  ? v->steps
                                           : layout->dim[k];
  }
  solve(v, best);
}

/* All sizes in one layout. */
static void solve_layout(Solver *v, int input, const ScriptShape *layout, int *best) {
  bool weights = false;
  int before = *best;
  for (int k = 0; k < layout->rank; k++)
    weights = weights || (layout->dim[k] == -1 && !given(v, input, k));
  for (int i = 0; i < (weights ? v->n_sizes : 1); i++)
    if (!weights || v->size[i] != 1) solve_with(v, input, layout, v->size[i], best);
  /* An axis of one broadcasts, so it is tried if no other size fits. */
  if (weights && *best == before) solve_with(v, input, layout, 1, best);
}

/* Whether an input is the second tensor in a tuple of an argument. */
static bool is_pair(const Solver *v, int input) {
  const char *name = v->name[input];
  size_t n = strlen(name);
  if (!input || n < 3 || strcmp(name + n - 2, "_1") != 0) return false;
  const char *before = v->name[input - 1];
  return strlen(before) == n && strncmp(before, name, n - 1) == 0 && before[n - 1] == '0';
}

static void solve(Solver *v, int *best) {
  ScriptRun *run;
  Graph *graph = attempt(v, v->shape, &run);
  if (graph) take(v, graph, best);
  int needed = run ? run->needed : -1;
  if (!graph && run && needed < 0) {
    bool deeper = !v->deepest || run->nodes_done > v->deepest->nodes_done;
    if (deeper) v->deepest = run;
  }
  if (graph || needed < 0) return;
  v->asked = needed;
  int rank = given_rank(v, needed), before = *best;
  if (rank) { /* what is given may be all */
    ScriptShape all = {.rank = rank};
    bool whole = true;
    for (int k = 0; k < rank; k++) {
      all.dim[k] = 1;
      whole = whole && (k == 0 || given(v, needed, k));
    }
    if (whole) solve_with(v, needed, &all, 1, best);
  }
  if (is_pair(v, needed)) { /* the two states of an LSTM */
    v->shape[needed] = v->shape[needed - 1];
    solve(v, best);
    v->shape[needed] = (ScriptShape){.rank = -1, .open = -1};
    return;
  }
  size_t n = sizeof layouts / sizeof *layouts - (needed ? 0 : N_STATES);
  for (size_t l = 0; l < n && *best < BEST; l++)
    if (layouts[l].rank >= rank && (!rank || *best == before || *best < 3))
      solve_layout(v, needed, &layouts[l], best);
  v->shape[needed] = (ScriptShape){.rank = -1, .open = -1};
}

/* ---- what is said ---- */

void script_pass_on(Script *s, const Diag *d) {
  Diag *out = foreign_report(s->diags, s->file, d->code, "%s", d->message);
  for (size_t i = 0; i < d->n_notes; i++)
    diag_note(out, "%s", d->notes[i]);
  for (size_t i = 0; i < d->n_fixes; i++)
    diag_fix(out, d->fixes[i]->kind, "%s", d->fixes[i]->title);
}

/* Why no sizes were found: what is not supported, if an attempt came so far, else that the sizes
 * are not known. */
static Graph *report(Solver *v) {
  const Diag *why = v->deepest ? v->deepest->torch->diags->first : NULL;
  bool batch = why && strstr(why->message, "without a batch"); /* a convolution */
  bool sizes = v->asked >= 0 && (!why || why->code == E901 || batch);
  if (!sizes) {
    if (why)
      script_pass_on(v->s, why);
    else
      foreign_report(v->s->diags, v->s->file, E902, "`forward` of `%s` takes too many steps",
                     v->s->file->path);
    return NULL;
  }
  const char *name = v->name[v->asked];
  Diag *d = foreign_report(v->s->diags, v->s->file, E904,
                           "the archive does not record the sizes of input `%s`, and they do not "
                           "follow from its weights",
                           name);
  if (why) diag_note(d, "with the sizes that fit best, %s", why->message);
  diag_fix(d, FIX_FILL, "give each axis its size: --set %s.0=1 --set %s.1=N, and so on", name,
           name);
  return NULL;
}

/* Two choices of sizes, ready to be pasted. */
static Graph *report_ambiguous(Solver *v) {
  const ScriptShape *way[2] = {v->best, v->other};
  int input = 0;
  while (input < v->n - 1 &&
         memcmp(v->best[input].dim, v->other[input].dim, sizeof v->best[input].dim) == 0)
    input++;
  Diag *d = foreign_report(v->s->diags, v->s->file, E904,
                           "the archive does not record the sizes of input `%s`, and the weights "
                           "allow several",
                           v->name[input]);
  for (int w = 0; w < 2; w++) {
    Text t = text_new(v->s->arena);
    for (int k = 0; k < way[w][input].rank; k++)
      if (k != way[w][input].open)
        text_printf(&t, " --set %s.%d=%lld", v->name[input], k, (long long)way[w][input].dim[k]);
    diag_fix(d, FIX_MAYBE, "if it fits, for example:%s", text_str(&t));
  }
  return NULL;
}

/* A sequence on whose length the program depends, as one with a loop over its steps. */
static Graph *report_length(Solver *v) {
  int input = 0, axis = 0;
  while (input < v->n - 1 && !v->best[input].steps)
    input++;
  while (axis < v->best[input].rank - 1 && !(v->best[input].steps & 1u << axis))
    axis++;
  Diag *d = foreign_report(v->s->diags, v->s->file, E904,
                           "the archive does not record the size of axis %d of input `%s`, and "
                           "`forward` depends on it",
                           axis, v->name[input]);
  diag_fix(d, FIX_FILL, "sequences of one length: --time N");
  diag_fix(d, FIX_FILL, "give its size: --set %s.%d=N", v->name[input], axis);
  return NULL;
}

/* --time 50: sequences have 50 steps; --time "n <= 50": at most 50. */
static void read_time(Solver *v) {
  const char *time = v->s->options->time, *digits = time ? time + strcspn(time, "0123456789") : "";
  long long n = strtoll(digits, NULL, 10);
  v->bound = v->steps;
  if (n < 1 || n > INT32_MAX) return;
  v->bound = n;
  v->steps_given = digits == time;
  if (v->steps_given) v->steps = n;
}

/* What was not in the archive, nor given. */
static void note(Solver *v, Graph *graph) {
  for (int i = 0; i < v->n; i++) {
    const ScriptShape *shape = &v->best[i];
    Text t = text_new(v->s->arena);
    if (given_rank(v, i) == shape->rank) continue;
    for (int k = 0; k < shape->rank; k++)
      if (k == shape->open)
        text_printf(&t, "%s?", k ? ", " : "");
      else
        text_printf(&t, "%s%lld", k ? ", " : "", (long long)shape->dim[k]);
    graph_note(graph, "the sizes of input `%s` are not in the archive; its weights allow [%s]",
               v->name[i], text_str(&t));
  }
}

Graph *script_solve(Script *s, const ScriptFunction *forward, ScriptAttempt *try_sizes) {
  Solver *v = ARENA_NEW(s->arena, Solver);
  int visits = 100000, best = 0;
  v->s = s;
  v->forward = forward;
  v->attempt = try_sizes;
  v->steps = STEPS;
  v->asked = -1;
  v->n = script_count_inputs(s, forward, v->name);
  if (v->n < 0) return NULL;
  read_time(v);
  for (int i = 0; i < v->n; i++)
    v->shape[i] = (ScriptShape){.rank = -1, .open = -1};
  collect(v, s->root, 0, &visits);
  collect_text(v, &forward->body);
  solve(v, &best);
  if (!v->found) return report(v);
  if (best == 1) return report_length(v);
  if (v->is_ambiguous) return report_ambiguous(v);
  ScriptRun *run;
  v->attempts = 0;
  Graph *graph = try_sizes(s, v->best, v->n, &run);
  if (graph) note(v, graph);
  if (graph && run->was_training)
    graph_note(graph, "the module was saved in training; the model is that of `eval()`");
  return graph;
}
