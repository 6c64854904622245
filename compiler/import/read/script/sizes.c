/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The sizes of the inputs of `forward`. An archive records at most those of one example (traced.c).
 * An attempt with the wrong ones fails, as the program would, so the sizes of the example or of the
 * weights are tried in their places. An axis that may have any size is open: the graphs of two
 * attempts with other sizes of it are the same. What --set gives is taken. */
#include "import/read/script/traced.h"

#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_SIZES = 64, MAX_ATTEMPTS = 10000, MAX_SIZE = 16384, STEPS = 13, BEST = 4 };

typedef struct Solver {
  Script *s;
  ScriptAttempt *attempt;
  const char **name;
  ScriptShape shape[SCRIPT_MAX_INPUTS];
  int n, attempts;
  int64_t size[SCRIPT_MAX_SIZES]; /* that stand in the archive */
  int n_sizes;
  int64_t steps; /* of a sequence, in attempts */
  int64_t bound; /* the most steps of an option; steps: none */
  bool steps_given;
  ScriptRun *deepest; /* the attempt that failed last in the program */
  int asked;          /* the input whose sizes were tried last; -1: none */
  ScriptShape best[SCRIPT_MAX_INPUTS], other[SCRIPT_MAX_INPUTS];
  bool is_ambiguous; /* `other` is as good as `best` */
  ScriptShape length[SCRIPT_MAX_INPUTS];
  bool alike; /* inputs from the third on have the sizes of those before them, such as states */
  const ScriptShape *example, *traced; /* its inputs; traced: NULL if they do not fit */
  bool depends; /* with the sizes in `length`, the program depends on the length of a sequence */
} Solver;

/* ---- attempts ---- */

static Graph *attempt(Solver *v, Arena *arena, const ScriptShape *shape, bool check,
                      ScriptRun **run) {
  *run = NULL;
  if (v->attempts++ >= MAX_ATTEMPTS || v->s->steps < 0) return NULL;
  return v->attempt(v->s, arena, shape, check, run);
}

/* The operators and attributes of a graph, its outputs and its small constants: what would differ
 * if a size had become part of it. */
static const char *print_of(const Graph *graph) {
  enum { SMALL = 4096 };
  Text t = text_new(graph->arena);
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    text_printf(&t, "%d", (int)node->op);
    for (int k = 0; k < node->n_in; k++)
      text_printf(&t, " %d", node->in[k] ? node->in[k]->id : -1);
    text_add_attributes(&t, node);
    text_add(&t, "\n");
  }
  for (int i = 0; i < graph->n_out; i++)
    text_printf(&t, "%s %d\n", graph->out[i].name, graph->out[i].value->id);
  for (int i = 0; i < graph->n_values; i++) {
    const GraphTensor *c = graph->value[i]->constant;
    for (int k = 0; c && k < c->rank; k++)
      text_printf(&t, "%lld ", (long long)c->dim[k]);
    for (int64_t k = 0; c && c->count <= SMALL && graph_known(c) && k < c->count; k++)
      text_printf(&t, "%a ", graph_at(c, k));
  }
  return text_str(&t);
}

/* Whether the graph with another size of an axis is the one with this print. usual: what it is if
 * the program cannot have that size. */
static bool is_same_with(Solver *v, const char *print, int input, int axis, int64_t size,
                         bool usual) {
  ScriptShape other[SCRIPT_MAX_INPUTS];
  ScriptRun *run;
  Arena *arena = arena_child(v->s->arena);
  memcpy(other, v->shape, sizeof other);
  other[input].dim[axis] = size;
  Graph *again = attempt(v, arena, other, false, &run);
  bool same = again ? strcmp(print, print_of(again)) == 0 : usual;
  arena_free(arena);
  return same;
}

/* Whether an axis of an input may have any size: whether the graph is the same for others. Their
 * rests differ in every division, and a program may treat short or long sequences in another way.
 * A loop over the steps of an example has become as many steps, and fails with one less.
 */
static bool is_open(Solver *v, const char *print, int input, int axis) {
  static const int64_t sizes[] = {17, 18, 5, 1009};
  int64_t less = v->traced ? v->traced[input].dim[axis] - 1 : 0;
  if (less > 0 && !is_same_with(v, print, input, axis, less, false)) return false;
  for (int k = 0; k < 4; k++) {
    bool out = v->bound != v->steps && sizes[k] > v->bound;
    if (!out && !is_same_with(v, print, input, axis, sizes[k], k >= 2)) return false;
  }
  return v->bound == v->steps ||
         (is_same_with(v, print, input, axis, v->bound, false) &&
          (v->bound == 1 || is_same_with(v, print, input, axis, v->bound - 1, true)));
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
 * says. With a length, a sequence that has it comes before no sequence. *depends: the program
 * depends on the length of a sequence. */
static int worth(Solver *v, const Graph *graph, ScriptRun *run, bool *depends) {
  bool open = false, sequence = false;
  *depends = false;
  for (int i = 0; i < v->n; i++) {
    unsigned axes = v->shape[i].steps;
    open = open || v->shape[i].open >= 0;
    sequence = sequence || axes != 0;
    *depends = *depends || (axes && v->shape[i].open < 0);
  }
  if (*depends && !v->steps_given) return 1;
  if (open && goes_along_time(graph)) return BEST;
  if (v->steps_given) return sequence && script_steps_are(run, v->steps) ? 3 : 2;
  return sequence ? 2 : 3;
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

/* What these sizes may be worth at most. */
static int worth_at_most(const Solver *v, const Graph *graph) {
  bool sequence = false;
  for (int i = 0; i < v->n; i++)
    sequence = sequence || v->shape[i].steps != 0;
  if (sequence && goes_along_time(graph)) return BEST;
  return sequence == v->steps_given ? 3 : 2;
}

static void take(Solver *v, const Graph *graph, ScriptRun *run, int *best) {
  const char *print = NULL;
  if (worth_at_most(v, graph) < *best) return;
  for (int i = 0; i < v->n; i++) {
    v->shape[i].open = -1;
    for (int k = 0; k < v->shape[i].rank; k++) {
      if (!(v->shape[i].steps & 1u << k)) continue;
      if (!print) print = print_of(graph);
      if (is_open(v, print, i, k)) v->shape[i].open = k;
    }
  }
  bool depends;
  int value = worth(v, graph, run, &depends);
  if (value == *best && !v->is_ambiguous && differs(v)) {
    v->is_ambiguous = true;
    memcpy(v->other, v->shape, sizeof v->other);
  }
  if (depends && !v->depends) {
    v->depends = true;
    memcpy(v->length, v->shape, sizeof v->length);
  }
  if (value <= *best) return;
  v->is_ambiguous = false;
  *best = value;
  memcpy(v->best, v->shape, sizeof v->best);
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

/* Whether an attempt came further than the deepest so far: over more nodes, or to something that is
 * not supported where others ended with an error of their own. */
static bool is_deeper(const ScriptRun *deepest, const ScriptRun *run) {
  if (!deepest || run->nodes_done != deepest->nodes_done)
    return !deepest || run->nodes_done > deepest->nodes_done;
  const Diag *was = deepest->torch->diags->first, *is = run->torch->diags->first;
  return was && is && was->code == E901 && is->code == E902;
}

static void solve(Solver *v, int *best) {
  ScriptRun *run;
  Arena *arena = arena_child(v->s->arena);
  const Graph *graph = attempt(v, arena, v->shape, true, &run);
  if (graph) take(v, graph, run, best);
  int needed = run && !graph ? run->needed : -1, like = needed < 0 ? -1 : run->like;
  bool deeper = run && !graph && needed < 0 && is_deeper(v->deepest, run);
  if (deeper && v->deepest) arena_free(v->deepest->arena);
  if (deeper)
    v->deepest = run;
  else
    arena_free(arena);
  if (needed < 0) return;
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
  if (like < 0 && (is_pair(v, needed) || (v->alike && needed > 1))) like = needed - 1;
  if (like >= 0) { /* the two states of an LSTM */
    v->shape[needed] = v->shape[like];
    solve(v, best);
    v->shape[needed] = (ScriptShape){.rank = -1, .open = -1};
    return;
  }
  size_t n = sizeof layouts / sizeof *layouts - (needed ? 0 : N_STATES);
  for (size_t l = 0; l < n && *best < BEST; l++) {
    ScriptShape layout = layouts[l];
    bool suits = !v->traced || script_suits_traced(&v->traced[needed], &layouts[l], &layout);
    if (suits && layout.rank >= rank && (!rank || *best == before || *best < 3))
      solve_layout(v, needed, &layout, best);
  }
  if (v->traced && v->traced[needed].rank && *best < 2 && !rank)
    solve_layout(v, needed, &v->traced[needed], best);
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

/* Without a message, an attempt has come to the end of its steps. */
static Graph *report_why(Script *s, const Diag *why) {
  if (why)
    script_pass_on(s, why);
  else
    foreign_lacks(s->diags, s->file, E902,
                  "save a part of the module by itself, or one that takes fewer steps, such as a "
                  "shorter sequence",
                  "`forward` of `%s` takes too many steps", s->file->path);
  return NULL;
}

/* Why no sizes were found: what is not supported, if an attempt came so far, else that the sizes
 * are not known. */
static Graph *report(Solver *v) {
  const Diag *why = v->deepest ? v->deepest->torch->diags->first : NULL;
  bool batch = why && strstr(why->message, "without a batch"); /* a convolution */
  bool known = v->asked < 0 || v->example || (why && why->code != E901 && !batch);
  if (known) return report_why(v->s, why);
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

/* Whether an input has fewer axes than one that is a sequence and fits as well, while the program
 * does something that depends on its length. */
static bool lacks_batch(const Solver *v) {
  for (int i = 0; v->depends && i < v->n; i++)
    if (v->best[i].rank < v->length[i].rank) return true;
  return false;
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
    graph_note(graph,
               v->traced
                   ? "input `%s` is [%s], as the example with which the module was traced allows"
                   : "the sizes of input `%s` are not in the archive; its weights allow [%s]",
               v->name[i], text_str(&t));
  }
}

Graph *script_solve(Script *s, const ScriptFunction *forward, ScriptAttempt *try_sizes) {
  Solver *v = ARENA_NEW(s->arena, Solver);
  int best = 0;
  v->s = s;
  v->attempt = try_sizes;
  v->steps = STEPS;
  v->asked = -1;
  if (!script_name_inputs(s, forward)) return NULL;
  v->n = s->n_inputs;
  v->name = s->input_name;
  read_time(v);
  for (int i = 0; i < v->n; i++)
    v->shape[i] = (ScriptShape){.rank = -1, .open = -1};
  v->n_sizes = script_sizes(s, forward, v->size);
  v->alike = v->n > 2;
  v->example = v->traced = script_traced(s);
  solve(v, &best);
  while (!best && (v->traced || v->alike)) { /* without one of them */
    v->alike = v->alike && v->traced;
    v->traced = NULL;
    v->attempts = 0;
    s->steps = SCRIPT_STEPS_OF_ALL;
    solve(v, &best);
  }
  if (!best) return report(v);
  if (lacks_batch(v)) {
    best = v->steps_given ? 3 : 1;
    memcpy(v->best, v->length, sizeof v->best);
    v->is_ambiguous = false;
  }
  if (best == 1) return report_length(v);
  if (v->is_ambiguous) return report_ambiguous(v);
  ScriptRun *run;
  s->steps = SCRIPT_STEPS_OF_ALL; /* those before have used up theirs on other sizes, perhaps */
  Graph *graph = try_sizes(s, s->arena, v->best, true, &run);
  if (!graph) return report_why(s, run->torch->diags->first);
  note(v, graph);
  if (run->was_training)
    graph_note(graph, "the module was saved in training; the model is that of `eval()`");
  return graph;
}
