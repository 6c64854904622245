/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sizes of open axes. In, a graph with axes of inputs that have no size; out, the flat graph at
 * sizes that fit it, with its atoms, states and roles.
 *
 * The first sizes that are tried are different primes, so that no two axes look alike. If the graph
 * needs larger or even sizes, others are tried. */
#include "import/lift/sizes.h"

#include <stdlib.h>
#include <string.h>

/* A row for each attempt, with the sizes of open axes in the order in which their names occur.
 * Later rows are for graphs that need larger or equal sizes. */
static const int64_t open_size[][4] = {{3, 7, 11, 13},     {2, 29, 31, 37}, {3, 64, 128, 96},
                                       {2, 257, 263, 269}, {3, 3, 3, 3},    {1, 7, 11, 13},
                                       {1, 1, 1, 1}};
enum { OPEN_ATTEMPTS = sizeof open_size / sizeof *open_size };

/* The number of the open axis of this name, which is added if it is new; -1: there are too many. */
static int open_axis(const Lift *l, Sizes *s, const char *symbol, int input, int axis) {
  for (int i = 0; i < s->n && symbol && *symbol; i++)
    if (s->open[i].symbol && strcmp(s->open[i].symbol, symbol) == 0) return i;
  if (s->n == OPEN_MAX) return -1;
  double size;
  s->open[s->n] =
      (OpenAxis){.symbol = symbol && *symbol ? symbol : NULL, .input = input, .axis = axis};
  if (lift_set_axis(l, input, axis, &size) && size >= 1 && size <= INT32_MAX) {
    s->open[s->n].size = (int64_t)size;
    s->open[s->n].set = true;
  }
  return s->n++;
}

bool sizes_find(Lift *l, Sizes *s) {
  for (int i = 0; i < l->graph->n_in; i++) {
    const GraphInput *in = &l->graph->in[i];
    if (in->rank < 0) {
      const char *begin = l->options->input;
      return foreign_lacks(
          l->diags, l->file, E904,
          begin ? arena_printf(l->arena,
                               "give each axis its size: --set %s.0=1 --set %s.1=N, and so on",
                               in->name, in->name)
                : "export the model with a shape for each input, in which sizes may be open",
          "input `%s` has no shape in the file", in->name);
    }
    for (int axis = 0; axis < in->rank; axis++) {
      if (in->dim[axis].n != GRAPH_OPEN) continue;
      int open = open_axis(l, s, in->dim[axis].symbol, i, axis);
      if (open < 0) {
        return foreign_lacks(
            l->diags, l->file, E902,
            "export the model with fixed sizes for all axes but the batch and the time",
            "more than %d axes of the inputs have no size", OPEN_MAX);
      }
      if (in->dim[axis].own) s->open[open].own = in->dim[axis].own;
    }
  }
  return true;
}

/* The sizes of all inputs, and the constants that --set gives, from the sizes of the open axes. */
static void fill_sizes(Lift *l, Sizes *s) {
  s->size = ARENA_ARRAY(l->arena, FlatSize, l->graph->n_in + 1);
  for (int i = 0; i < l->graph->n_in; i++) {
    const GraphInput *in = &l->graph->in[i];
    s->size[i].rank = in->rank;
    for (int axis = 0; axis < in->rank; axis++) {
      s->size[i].dim[axis] = in->dim[axis].n;
      if (in->dim[axis].n != GRAPH_OPEN) continue;
      for (int k = 0; k < s->n; k++) {
        bool same = s->open[k].symbol ? in->dim[axis].symbol &&
                                            strcmp(s->open[k].symbol, in->dim[axis].symbol) == 0
                                      : s->open[k].input == i && s->open[k].axis == axis;
        if (same) s->size[i].dim[axis] = s->open[k].size;
      }
    }
  }
  for (int i = 0; i < l->graph->n_in; i++) {
    double value, *data;
    if (!lift_set_value(l, l->graph->in[i].name, &value)) continue;
    GraphTensor *t =
        graph_tensor(l->arena, l->graph->in[i].elem, s->size[i].rank, s->size[i].dim, &data);
    for (int64_t k = 0; t && k < t->count; k++)
      data[k] = value;
    s->size[i].constant = t;
  }
  l->size = s->size;
}

/* Tells the hints which outputs are states. */
static void give_states(Lift *l, RoleHints *hints) {
  bool *is_state = ARENA_ARRAY(l->arena, bool, l->flat->graph->n_out + 1);
  for (int i = 0; i < l->n_states; i++)
    is_state[l->state[i].out] = true;
  hints->has_state = l->n_states > 0;
  hints->is_state = is_state;
  hints->n_outputs = l->flat->n_file_out;
}

bool lift_is_endless(const Lift *l, const TimeWish *wish) {
  return !wish->n && (l->n_windows || l->flat->n_variables || l->options->n_states);
}

/* An input that --state names has the shape of its output. Sets open sizes from that, and returns
 * whether one of them changed. */
static bool learn_states(const Lift *l, Sizes *s) {
  bool learned = false;
  for (int k = 0; k < l->options->n_states; k++) {
    const char *equal = strchr(l->options->state[k], '=');
    const GraphTensor *out = NULL;
    for (int o = 0; equal && o < l->flat->n_file_out; o++) {
      const GraphOutput *port = &l->flat->graph->out[o];
      size_t len = (size_t)(equal - l->options->state[k]);
      if (strlen(port->name) == len && strncmp(port->name, l->options->state[k], len) == 0)
        out = lift_type(l, port->value);
    }
    for (int i = 0; out && i < s->n; i++) {
      OpenAxis *open = &s->open[i];
      const GraphInput *in = &l->graph->in[open->input];
      if (open->symbol || open->set || strcmp(in->name, equal + 1) != 0 || out->rank != in->rank)
        continue;
      learned = learned || open->size != out->dim[open->axis];
      open->size = out->dim[open->axis];
      open->learned = true;
    }
  }
  return learned;
}

/* l->flat, and the constants of the one before go; NULL with the fault set. */
static void flatten_anew(Lift *l, const Sizes *s, GraphFault *fault) {
  if (l->flat) arena_free(l->flat->graph->numbers);
  l->flat = flatten(l->graph, s->size, l->arena, fault);
}

/* Who reads each value, and the states, in a graph whose cells are found. */
static void settle_states(Lift *l, RoleHints *hints) {
  const Graph *graph = l->flat->graph;
  l->uses = ARENA_ARRAY(l->arena, int, graph->n_values + 1);
  for (int i = 0; i < graph->n_nodes; i++)
    for (int k = 0; k < graph->node[i]->n_in; k++)
      if (graph->node[i]->in[k]) l->uses[graph->node[i]->in[k]->id]++;
  for (int i = 0; i < graph->n_out; i++)
    l->uses[graph->out[i].value->id]++;
  l->trace = trace_new(l->flat);
  lift_find_states(l);
  give_states(l, hints);
  lift_find_own_states(l);
}

/* Flattens the graph at these sizes, and rewrites what exporters write in other operators. False
 * with the fault set. */
static bool flatten_at(Lift *l, Sizes *s, const TimeWish *wish, GraphFault *fault) {
  fill_sizes(l, s);
  flatten_anew(l, s, fault);
  if (l->flat && learn_states(l, s)) {
    fill_sizes(l, s);
    flatten_anew(l, s, fault);
  }
  if (!l->flat) return false;
  lift_find_holes(l);
  l->flat->ends_early = wish->bounded && lift_has_padding(l);
  flat_find_choices(l->flat);
  flat_part_ways(l->flat);
  flat_spell_cells(l->flat);
  lift_written_out(l->flat);
  lift_mapped_steps(l->flat);
  lift_attended(l->flat);
  lift_dilated(l->flat);
  return true;
}

/* Notes which input of the file each input of the flat graph is, and which axes were given sizes.
 */
static void note_inputs(Lift *l, const Sizes *s) {
  int *file_input = ARENA_ARRAY(l->arena, int, l->flat->n_file_in + 1);
  for (int i = 0, n = 0; i < l->graph->n_in; i++)
    if (!s->size[i].constant) file_input[n++] = i;
  l->file_input = file_input;
  l->sized = ARENA_ARRAY(l->arena, bool, ((size_t)l->graph->n_in * GRAPH_MAX_RANK + 1));
  for (int i = 0; i < s->n; i++)
    l->sized[s->open[i].input * GRAPH_MAX_RANK + s->open[i].axis] = s->open[i].set;
}

static void find_roles(Lift *l, const RoleHints *hints) {
  l->roles = roles_solve(l->atoms, l->graph, l->file_input, hints);
}

/* Finds the cells of recurrent layers, the states that the file keeps, and the roles of all axes in
 * a graph in which the roles are known as far as cells need them. */
static void find_cells(Lift *l, RoleHints *hints) {
  if (lift_recognise(l->flat, l->atoms, roles_batch_for_cells(l->atoms, &l->roles))) {
    lift_mapped_steps(l->flat);
    flat_spell_cells(l->flat);
    l->atoms = atoms_solve(l->flat);
  }
  if (lift_own_cells(l->flat)) l->atoms = atoms_solve(l->flat);
  if (lift_constants_beside(l->flat)) l->atoms = atoms_solve(l->flat);
  settle_states(l, hints);
  if (flat_spell_fed_back(l->flat, l->own)) {
    l->atoms = atoms_solve(l->flat);
    settle_states(l, hints);
  }
  lift_join_own_states(l);
  find_roles(l, hints);
  while (lift_part_merged(l)) {
    l->atoms = atoms_solve(l->flat);
    lift_join_own_states(l);
    find_roles(l, hints);
  }
}

/* Flattens at these sizes, runs the passes over the flat graph in their order, and finds atoms,
 * states and roles. False with the fault set, or after reporting (l->reported). */
static bool analyse(Lift *l, Sizes *s, const TimeWish *wish, GraphFault *fault) {
  if (!flatten_at(l, s, wish, fault)) return false;
  note_inputs(l, s);
  RoleHints hints = {.time_axis = wish->axis, .sized = l->sized, .stream = l->options->stream};
  if (!lift_declared_states(l)) {
    l->reported = true;
    return false;
  }
  l->trace = trace_new(l->flat);
  lift_find_windows(l);
  lift_find_states(l);
  give_states(l, &hints);
  l->own = NULL;
  lift_find_own_states(l);
  if (lift_is_endless(l, wish)) lift_mark_idle(l);
  l->atoms = atoms_solve(l->flat);
  find_roles(l, &hints);
  if (!l->options->stream && !lift_is_endless(l, wish) && lift_norms_over_time(l)) {
    l->atoms = atoms_solve(l->flat);
    find_roles(l, &hints);
  }
  find_cells(l, &hints);
  return true;
}

void sizes_solve_again(Lift *l, const TimeWish *wish) {
  RoleHints hints = {.time_axis = wish->axis, .sized = l->sized, .stream = l->options->stream};
  bool open = l->roles.time_is_open;
  give_states(l, &hints);
  l->atoms = atoms_solve(l->flat);
  lift_join_own_states(l);
  l->roles = roles_solve(l->atoms, l->graph, l->file_input, &hints);
  l->roles.time_is_open = open; /* the options may have given its length */
}

static void report_fault(Lift *l, const GraphFault *fault) {
  static const char misfit[] =
      "run the file in its own framework: if it runs, please report it; otherwise correct this "
      "node and export the model again";
  if (fault->node) {
    Diag *d = lift_refuse(l, fault->node, E902, "%s", fault->text);
    if (fault->misfit) diag_fix(d, FIX_MAYBE, "%s", misfit);
    for (int i = 0; i < l->graph->n_in && fault->node->op == GRAPH_If; i++)
      if (l->graph->in[i].rank == 0 && !l->size[i].constant)
        diag_fix(d, FIX_MAYBE, "make input `%s` a constant: --set %s=N", l->graph->in[i].name,
                 l->graph->in[i].name);
  } else
    foreign_lacks(l->diags, l->file, E902,
                  fault->misfit ? "export the model with a smaller state"
                  : fault->text
                      ? "stack the elements of a list into one tensor, and make that the output"
                      : "export the model with fixed sizes for all axes but the batch and the time",
                  "%s", fault->text ? fault->text : "the graph cannot be followed");
}

/* Reports that no size that was tried fits. If the faults of two attempts name different numbers,
 * the sizes are the reason, and the user has to give them. The first axis of an input is usually
 * the batch, so it is asked for only if there is no other open axis. */
static void report_open(Lift *l, const Sizes *s, const GraphFault *fault, const GraphFault *last) {
  int asked[OPEN_MAX], n = 0;
  bool sizes = fault->node && fault->text && last->text && strcmp(fault->text, last->text) != 0;
  for (int first = 0; first < 2; first++)
    for (int i = 0; i < s->n; i++)
      if (!s->open[i].set && !s->open[i].learned && (s->open[i].axis == 0) == (first == 1) &&
          (!first || !n))
        asked[n++] = i;
  if (!n || !sizes) {
    report_fault(l, fault);
    return;
  }
  Diag *d = foreign_report(l->diags, l->file, E904,
                           "the file leaves the size of axis %d of input `%s` open",
                           s->open[asked[0]].axis, l->graph->in[s->open[asked[0]].input].name);
  diag_note(d, "%s does not fit the sizes that were tried for it", lift_origin(l, fault->node));
  for (int i = 0; i < n; i++)
    diag_fix(d, FIX_FILL, "give its size: --set %s=N",
             lift_axis_handle(l, s->open[asked[i]].input, s->open[asked[i]].axis));
}

/* Attempts after the rows of the table. The first one takes the sizes of the file, so that an error
 * names them. If --time gives a length, three more take it for the axes that are not the first ones
 * of their inputs, with several samples or one, or for the first axes. */
enum {
  ATTEMPT_OWN = OPEN_ATTEMPTS,
  ATTEMPT_WISH,
  ATTEMPT_WISH_ONE,
  ATTEMPT_WISH_FIRST,
  MOST_ATTEMPTS
};

static int64_t size_of_attempt(const OpenAxis *open, int i, int attempt, const TimeWish *wish) {
  bool last = attempt == ATTEMPT_OWN;
  if (attempt >= ATTEMPT_WISH && (open->axis == 0) == (attempt == ATTEMPT_WISH_FIRST))
    return wish->n;
  if (attempt >= ATTEMPT_WISH) return attempt == ATTEMPT_WISH_ONE ? 1 : open_size[0][0];
  if (last && open->own) return open->own;
  const int64_t *row = open_size[last ? 0 : attempt];
  return row[i < 4 ? i : 3] + (i < 4 || row[0] == row[1] ? 0 : i);
}

bool sizes_try(Lift *l, Sizes *s, const TimeWish *wish) {
  GraphFault fault = {0}, first = {0};
  bool own = false, wished = wish->n && !wish->bounded;
  for (int i = 0; i < s->n; i++)
    own = own || s->open[i].own;
  for (int attempt = 0; attempt < (wished ? MOST_ATTEMPTS : ATTEMPT_OWN + own); attempt++) {
    if (attempt == ATTEMPT_OWN && !own) continue;
    for (int i = 0; i < s->n; i++)
      if (!s->open[i].set && !s->open[i].learned)
        s->open[i].size = size_of_attempt(&s->open[i], i, attempt, wish);
    if (analyse(l, s, wish, &fault)) {
      for (int i = 0; i < s->n && attempt;
           i++) /* after an attempt that failed, 1 is no free choice */
        s->open[i].learned = s->open[i].learned || s->open[i].size == 1;
      return true;
    }
    if (l->reported) return false;
    if (!attempt) first = fault;
    if (!s->n) break;
  }
  report_open(l, s, &first, &fault);
  return false;
}

bool sizes_analyse(Lift *l, Sizes *s, const TimeWish *wish) {
  GraphFault fault = {0};
  if (analyse(l, s, wish, &fault)) return true;
  report_fault(l, &fault);
  return false;
}
