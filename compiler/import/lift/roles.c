/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Roles of families: see roles.h. The batch is a family along which every operator does the same to
 * each position. Time is the family that recurrent operators go along or, if there are none, the
 * family that convolutions go along. */
#include "import/lift/roles.h"

#include "base/text.h"

#include <ctype.h>
#include <string.h>

/* A family that an input of the file has. */
typedef struct Candidate {
  int family;
  unsigned facts;
  bool open;          /* the file gives no size for some axis of it */
  bool unsized;       /* nor do the options */
  int64_t size;       /* the size of its largest atom in the inputs */
  int atom;           /* that atom */
  const char *symbol; /* the name of such an axis in the file; NULL */
  const char *input;  /* the first input that has it */
  int axis;           /* its axis there */
  GraphRole said;     /* what the format says about it */
  bool twice;         /* two axes of one input are of this family */
} Candidate;

typedef struct Candidates {
  Candidate *c;
  int n;
  size_t cap;
} Candidates;

static Candidate *candidate_of(Candidates *all, int family) {
  for (int i = 0; i < all->n; i++)
    if (all->c[i].family == family) return &all->c[i];
  return NULL;
}

/* The families of all inputs. */
static Candidates candidates(Atoms *a, const Graph *graph, const int *file_input,
                             const bool *sized) {
  Candidates all = {0};
  for (int i = 0; i < a->flat->n_file_in; i++) {
    const GraphInput *in = &graph->in[file_input[i]];
    Factors f = atoms_of(a, a->flat->graph->in[i].value);
    for (int k = 0; k < f.n; k++) {
      int family = atom_family(a, f.atom[k]);
      Candidate *c = candidate_of(&all, family);
      if (!c) {
        Candidate fresh = {.family = family,
                           .facts = atom_facts(a, f.atom[k]),
                           .input = in->name,
                           .axis = f.dim[k]};
        ARENA_PUSH(a->flat->arena, all.c, all.n, all.cap, fresh);
        c = &all.c[all.n - 1];
      }
      for (int before = 0; before < k; before++)
        c->twice =
            c->twice || (atom_family(a, f.atom[before]) == family && f.dim[before] != f.dim[k] &&
                         atom_size(a, f.atom[before]) > 1 && atom_size(a, f.atom[k]) > 1);
      bool known = in->rank >= 0 && f.dim[k] < in->rank;
      bool open = !known || in->dim[f.dim[k]].n == GRAPH_OPEN;
      c->open = c->open || open;
      c->unsized =
          c->unsized || (open && !(known && sized[file_input[i] * GRAPH_MAX_RANK + f.dim[k]]));
      if (known && in->dim[f.dim[k]].symbol && !c->symbol) c->symbol = in->dim[f.dim[k]].symbol;
      if (known && in->dim[f.dim[k]].role != GRAPH_ROLE_UNSAID) c->said = in->dim[f.dim[k]].role;
      if (atom_size(a, f.atom[k]) <= c->size) continue;
      c->size = atom_size(a, f.atom[k]);
      c->atom = f.atom[k];
    }
  }
  return all;
}

/* Unites the families of all axes of inputs to which the format gives this role. An axis that an
 * operator splits is left out. */
static void join_said(Atoms *a, const Graph *graph, const int *file_input, GraphRole role) {
  int first = -1;
  for (int i = 0; i < a->flat->n_file_in; i++) {
    const GraphInput *in = &graph->in[file_input[i]];
    for (int axis = 0; axis < in->rank; axis++) {
      int atom[FACTORS_MAX];
      bool held = a->flat->held_axis && a->flat->held_axis[i] == axis + 1;
      if (in->dim[axis].role != role || (held && role == GRAPH_ROLE_TIME) ||
          atoms_of_axis(a, a->flat->graph->in[i].value, axis, atom) != 1)
        continue;
      if (first >= 0)
        atoms_same_family(a, first, atom[0]);
      else
        first = atom[0];
    }
  }
}

/* Whether a name contains one of these words, in upper or lower case. */
static bool symbol_says(const char *symbol, const char *const *words) {
  char lower[32];
  size_t n = 0;
  for (; symbol && symbol[n] && n + 1 < sizeof lower; n++)
    lower[n] = (char)tolower((unsigned char)symbol[n]);
  lower[n] = 0;
  for (int i = 0; symbol && words[i]; i++)
    if (strstr(lower, words[i])) return true;
  return false;
}

static const char *const batch_words[] = {"batch", NULL};
static const char *const time_words[] = {"time", "seq", "frame", "step", "length", NULL};

/* Whether the name of a family says that it is the batch. Exporters of TensorFlow's graphs call
 * axes without a name unk__N; the first one of an input is the batch. */
static bool names_batch(const Candidate *c) {
  static const char unnamed[] = "unk__";
  const char *symbol = c->symbol;
  return symbol && (symbol_says(symbol, batch_words) || strcmp(symbol, "N") == 0 ||
                    strcmp(symbol, "B") == 0 || strcmp(symbol, "b") == 0 ||
                    (c->axis == 0 && strncmp(symbol, unnamed, sizeof unnamed - 1) == 0));
}

static const char *axis_text(Arena *arena, const Candidate *c) {
  return arena_printf(arena, "axis %d of `%s`", c->axis, c->input);
}

/* Sets the question of the roles, with n options that answer it. */
static void ask(Arena *arena, Roles *r, const char *question, const char *const *choice, int n) {
  r->question = question;
  const char **copy = ARENA_ARRAY(arena, const char *, n ? n : 1);
  for (int i = 0; i < n; i++)
    copy[i] = choice[i];
  r->choice = copy;
  r->n_choices = n;
}

/* Chooses the batch among the families that nothing mixes. */
static void choose_batch(Candidates *all, Roles *r) {
  Candidate *best = NULL;
  int rank = 0, ties = 0;
  for (int i = 0; i < all->n; i++)
    if (all->c[i].said == GRAPH_ROLE_BATCH) {
      r->batch = all->c[i].family;
      return;
    }
  for (int i = 0; i < all->n; i++) {
    Candidate *c = &all->c[i];
    if ((c->facts & (FACT_MIXED | FACT_SCANNED)) || c->size == 1) continue;
    bool sampled = (c->facts & FACT_SAMPLED) && c->axis == 0;
    if (!(c->facts & FACT_BATCHED) && !c->open && !names_batch(c) && !sampled)
      continue; /* nothing tells it from features */
    int own = c->facts & FACT_BATCHED              ? 4
              : names_batch(c)                     ? 3
              : symbol_says(c->symbol, time_words) ? 0
              : c->open && c->axis == 0            ? 2
                                                   : 1;
    if (own > rank) {
      rank = own;
      best = c;
      ties = 0;
    } else if (own == rank && best)
      ties++;
  }
  if (!best || rank == 0) return;
  if (ties && rank < 4) return;
  r->batch = best->family;
}

/* The only family that is not the batch, has all facts of `with` and none of `without`, and is open
 * if `open`. NULL: there is none, or there are several, which sets *several. */
static Candidate *only(Candidates *all, const Roles *r, unsigned with, unsigned without, bool open,
                       bool *several) {
  Candidate *found = NULL;
  for (int i = 0; i < all->n; i++) {
    Candidate *c = &all->c[i];
    if ((c->facts & with) != with || (c->facts & without) || c->family == r->batch ||
        (open && !c->open))
      continue;
    if (found) {
      *several = true;
      return NULL;
    }
    found = c;
  }
  return found;
}

static bool any_fact(const Atoms *a, unsigned fact) {
  for (int i = 0; i < a->n; i++)
    if (a->atom[i].facts & fact) return true;
  return false;
}

/* Whether every recurrent operator goes along an axis of size 1, so that each call is a step. What
 * a graph joins of the results, such as the states of several layers, may be longer. */
static bool all_go_one_step(const Atoms *a) {
  const Graph *graph = a->flat->graph;
  bool any = false;
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    bool scans = node->op == GRAPH_Lstm || node->op == GRAPH_Gru || node->op == GRAPH_Rnn ||
                 node->op == GRAPH_State;
    if (scans && flat_type_of(a->flat, node->in[0])->dim[0] != 1) return false;
    any = any || scans;
  }
  return any;
}

static void take_time(Roles *r, const Candidate *c) {
  r->time = c->family;
  r->way = TIME_WAY_AXIS;
  r->time_is_open = c->open;
}

/* Whether an output of the file that is no state has several positions of this family. */
static bool gives_rows(Atoms *a, const RoleHints *hints, int family) {
  for (int i = 0; i < a->flat->n_file_out; i++) {
    if (i < hints->n_outputs && hints->is_state[i]) continue;
    Factors f = atoms_of(a, a->flat->graph->out[i].value);
    for (int k = 0; k < f.n; k++)
      if (atom_family(a, f.atom[k]) == family && atom_size(a, f.atom[k]) > 1) return true;
  }
  return false;
}

/* If calls keep rows for the next call: time is the axis of the rows if a call gives as many as it
 * takes, otherwise each call is a step. False: no call keeps rows. */
static bool choose_rows(Atoms *a, Candidates *all, const RoleHints *hints, Roles *r) {
  if (!any_fact(a, FACT_ROWS)) return false;
  r->way = TIME_WAY_CALLS;
  for (int i = 0; i < all->n; i++) {
    const Candidate *c = &all->c[i];
    if (!(c->facts & FACT_ROWS) || (c->size == 1 && !c->open)) continue;
    if (c->open || gives_rows(a, hints, c->family))
      take_time(r, c);
    else
      r->stacked = atom_same(a, c->atom);
  }
  return true;
}

/* The family that the format calls time. NULL: the format says nothing, two axes of an input are of
 * that family, or recurrent operators go along another axis and read this one as features. */
static Candidate *said_time(const Candidates *all) {
  Candidate *said = NULL;
  bool turned = false;
  for (int i = 0; i < all->n; i++) {
    if (all->c[i].said == GRAPH_ROLE_TIME && !all->c[i].twice) said = said ? said : &all->c[i];
    turned = turned || (all->c[i].said == GRAPH_ROLE_UNSAID && (all->c[i].facts & FACT_SCANNED));
  }
  if (!said || !turned) return said;
  return (said->facts & FACT_CONTRACTED) && !(said->facts & FACT_SCANNED) ? NULL : said;
}

/* Whether all families that recurrent operators go along are parts of one axis of one input. */
static bool all_in_one_axis(const Candidates *all) {
  const Candidate *first = NULL;
  for (int i = 0; i < all->n; i++) {
    const Candidate *c = &all->c[i];
    if (!(c->facts & FACT_SCANNED)) continue;
    if (!first) first = c;
    if (c->axis != first->axis || strcmp(c->input, first->input) != 0) return false;
  }
  return first != NULL;
}

/* Sequences of several inputs, as of an encoder and a decoder, or of sequences, as sentences of
 * words: the first axis is time where the file fixes the lengths of all. Of the others,
 * made_sequences finds those that are never together with it, and layers go along the rest as axes
 * of each step. NULL: one is open. */
static const Candidate *first_of_fixed(const Candidates *all, const RoleHints *hints) {
  const Candidate *first = NULL;
  if (hints->stream || hints->has_state) return NULL;
  for (int i = 0; i < all->n; i++) {
    const Candidate *c = &all->c[i];
    if (!(c->facts & FACT_SCANNED)) continue;
    if (c->unsized) return NULL;
    if (!first) first = c;
  }
  return first;
}

/* Chooses time by what the user or the file says. False: neither says it. */
static bool time_said(Atoms *a, Candidates *all, const RoleHints *hints, Roles *r) {
  for (int i = 0; i < all->n && hints->time_axis; i++) {
    if (!all->c[i].symbol || strcmp(all->c[i].symbol, hints->time_axis) != 0) continue;
    take_time(r, &all->c[i]);
    return true;
  }
  Candidate *said = said_time(all);
  if (said) take_time(r, said);
  return said || (hints->has_state && choose_rows(a, all, hints, r));
}

/* Recurrent operators go along an axis that the graph makes: the step of a call, or a Reshape. */
static void take_made_time(Atoms *a, const RoleHints *hints, Roles *r) {
  r->way = hints->has_state || hints->stream ? TIME_WAY_CALLS : TIME_WAY_NONE;
  for (int i = 0; i < a->n && r->way == TIME_WAY_NONE; i++)
    if ((a->atom[i].facts & FACT_SCANNED) && a->atom[i].part[0] < 0) r->time = atom_family(a, i);
  if (r->way == TIME_WAY_NONE) r->way = TIME_WAY_AXIS;
}

/* Asks which of the candidates is time. scanned: only those that recurrent operators go along. */
static void ask_for_time(Arena *arena, const Candidates *all, bool scanned, Roles *r) {
  const char **choice = ARENA_ARRAY(arena, const char *, all->n);
  Text where = text_new(arena);
  int n = 0, named = 0;
  for (int i = 0; i < all->n; i++) {
    const Candidate *k = &all->c[i];
    if (!(k->facts & FACT_SCANNED) && scanned) continue;
    text_printf(&where, "%s%s", named++ ? ", " : "", axis_text(arena, k));
    if (k->symbol) choice[n++] = arena_printf(arena, "--time %s=N", k->symbol);
  }
  ask(arena, r, arena_printf(arena, "more than one axis could be time: %s", text_str(&where)),
      choice, n);
}

/* Whether an axis has no size, in the file or by options. */
static bool any_unsized(const Candidates *all) {
  for (int i = 0; i < all->n; i++)
    if (all->c[i].unsized) return true;
  return false;
}

/* Chooses time in a graph without recurrent operators along an axis of its inputs, or asks for it.
 * If options give all sizes, there may be no time. */
static void choose_time_of_others(Atoms *a, Candidates *all, const RoleHints *hints, Roles *r) {
  bool several = false;
  Candidate *c = only(all, r, FACT_CONVOLVED, 0, true, &several);
  if (!c && !several) c = only(all, r, FACT_CONVOLVED, 0, false, &several);
  if (!c && several) return; /* an image, none of whose axes is time */
  if (!c && (hints->has_state || hints->stream)) {
    r->way = TIME_WAY_CALLS;
    return;
  }
  if (!c) c = only(all, r, 0, FACT_MIXED, true, &several);
  if (c)
    take_time(r, c);
  else if (several && any_unsized(all) && !all_in_one_axis(all))
    ask_for_time(a->flat->arena, all, false, r);
}

/* Chooses time, or asks for it. */
static void choose_time(Atoms *a, Candidates *all, const RoleHints *hints, Roles *r) {
  bool several = false;
  if (time_said(a, all, hints, r)) return;
  if ((hints->stream || hints->has_state) && all_go_one_step(a)) {
    r->way = TIME_WAY_CALLS;
    return;
  }
  const Candidate *c = only(all, r, FACT_SCANNED, 0, false, &several);
  if (!c && several) c = only(all, r, FACT_SCANNED, FACT_BACKWARD, false, &several);
  if (!c && several) c = only(all, r, FACT_SCANNED, 0, true, &several);
  if (c)
    take_time(r, c);
  else if (!several && any_fact(a, FACT_SCANNED))
    take_made_time(a, hints, r);
  else if (!several)
    choose_time_of_others(a, all, hints, r);
  else if (!all_in_one_axis(all)) {
    const Candidate *first = first_of_fixed(all, hints);
    if (first) {
      take_time(r, first);
      r->time_is_open = false;
    } else
      ask_for_time(a->flat->arena, all, true, r);
  }
}

/* Whether a value has an axis all of whose factors are of this family or of size 1. */
static bool has_axis(Atoms *a, const Factors *f, int family) {
  for (int i = 0; i < f->n; i++) {
    bool alone = atom_family(a, f->atom[i]) == family;
    for (int k = 0; k < f->n; k++)
      alone = alone && (f->dim[k] != f->dim[i] || atom_family(a, f->atom[k]) == family ||
                        atom_size(a, f->atom[k]) == 1);
    if (alone) return true;
  }
  return false;
}

/* Whether a value has an axis of each of two families. */
static bool value_has_both(Atoms *a, int family, int other) {
  for (int v = 0; v < a->flat->graph->n_values; v++) {
    Factors f = atoms_of(a, a->flat->graph->value[v]);
    if (has_axis(a, &f, family) && has_axis(a, &f, other)) return true;
  }
  return false;
}

/* The family of other sequences, which the graph makes or whose length the file fixes: recurrent
 * operators go along them, or they hold more steps than time has, and no value has time as well.
 * All of them are united. -1: there are none. */
static int made_sequences(Atoms *a, Candidates *all, const Roles *r, const RoleHints *hints) {
  bool fixed = r->time >= 0 && first_of_fixed(all, hints);
  int made = -1;
  if (r->way != TIME_WAY_AXIS || hints->stream || hints->has_state) return -1;
  for (int i = 0; i < a->n; i++) {
    int family = atom_family(a, i);
    bool held = atom_facts(a, i) & FACT_HELD;
    if (a->atom[i].part[0] >= 0 || !(held || (atom_facts(a, i) & FACT_SCANNED)) ||
        family == r->time || family == made || (candidate_of(all, family) && !held && !fixed) ||
        value_has_both(a, family, r->time))
      continue;
    if (made >= 0 && value_has_both(a, family, made)) continue;
    if (made >= 0) atoms_same_family(a, made, family);
    made = atom_family(a, family);
  }
  return made;
}

Roles roles_solve(Atoms *atoms, const Graph *graph, const int *file_input, const RoleHints *hints) {
  Roles r = {.batch = -1, .time = -1, .made = -1, .stacked = -1};
  join_said(atoms, graph, file_input, GRAPH_ROLE_BATCH);
  join_said(atoms, graph, file_input, GRAPH_ROLE_TIME);
  Candidates all = candidates(atoms, graph, file_input, hints->sized);
  choose_batch(&all, &r);
  choose_time(atoms, &all, hints, &r);
  if (r.batch == r.time && r.batch >= 0) r.batch = -1;
  r.made = made_sequences(atoms, &all, &r, hints);
  return r;
}

int roles_batch_for_cells(Atoms *a, const Roles *roles) {
  int atom[FACTORS_MAX];
  if (roles->batch >= 0) return roles->batch;
  for (int i = 0; i < a->flat->n_file_in; i++) {
    const GraphValue *x = a->flat->graph->in[i].value;
    int n = flat_type_of(a->flat, x)->rank ? atoms_of_axis(a, x, 0, atom) : 0;
    if (n == 1 && !(atom_facts(a, atom[0]) & (FACT_MIXED | FACT_SCANNED)) &&
        atom_size(a, atom[0]) > 1)
      return atom_family(a, atom[0]);
  }
  return -1;
}
