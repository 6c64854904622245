/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Graph to Model. Open sizes get numbers, the graph is flattened, its axes get roles, and its nodes
 * become layers; then the Model is typed and compared with the graph.
 *
 * Numbers for open sizes are primes that differ, so that no two axes look alike; where a graph
 * needs longer or even ones, others are tried. What is found at one size is checked at another. */
#include "import/lift/lift.h"

#include <stdlib.h>
#include <string.h>

enum { OPEN_MAX = 16 };

/* Sizes for open axes, in the order in which their symbols occur. Later rows for graphs that need
 * more, or axes of equal sizes. */
static const int64_t open_size[][4] = {{3, 7, 11, 13},     {2, 29, 31, 37}, {3, 64, 128, 96},
                                       {2, 257, 263, 269}, {1, 7, 11, 13},  {3, 3, 3, 3},
                                       {1, 1, 1, 1}};
enum { OPEN_ATTEMPTS = sizeof open_size / sizeof *open_size };

/* Axes of the file without a size: by symbol, or each its own. */
typedef struct OpenAxis {
  const char *symbol; /* NULL: it has none */
  int input, axis;
  int64_t size, own; /* own: in the file, which an option opened; 0 */
  bool set;          /* by the user */
  bool learned;      /* from an output that comes back */
} OpenAxis;

typedef struct Sizes {
  OpenAxis open[OPEN_MAX];
  int n;
  FlatSize *size;
} Sizes;

/* What --time says. */
typedef struct TimeWish {
  const char *axis; /* the symbol it names; NULL */
  const char *name; /* of a bounded length; NULL */
  int64_t n;        /* 0: not given */
  bool bounded;
} TimeWish;

static bool report_time(Lift *l, const char *text) {
  Diag *d = foreign_report(l->diags, l->file, E903, "--time cannot be `%s`", text);
  diag_note(
      d, "write a length (`49`), a bound (`n <= 120`), or the axis and its length (`seq_len=49`)");
  return false;
}

/* "49", "<= 120", "n <= 120", "seq=49". */
static bool time_wish(Lift *l, TimeWish *out) {
  const char *text = l->options->time, *s = text;
  *out = (TimeWish){0};
  if (!text) return true;
  s += strspn(s, " ");
  size_t len = strcspn(s, " <=");
  bool has_name = len && !(*s >= '0' && *s <= '9');
  if (has_name) {
    const char *name = arena_strndup(l->arena, s, len);
    s += len;
    s += strspn(s, " ");
    if (*s == '=') {
      out->axis = name;
      s++;
    } else
      out->name = name;
  }
  if (strncmp(s, "<=", 2) == 0) {
    out->bounded = true;
    s += 2;
  }
  char *end;
  long long n = strtoll(s, &end, 10);
  end += strspn(end, " ");
  if (end == s || *end || n < 1 || n > INT32_MAX || (out->name && !out->bounded))
    return report_time(l, text);
  out->n = n;
  return true;
}

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

/* The open axes of all inputs. False after reporting. */
static bool find_open(Lift *l, Sizes *s) {
  for (int i = 0; i < l->graph->n_in; i++) {
    const GraphInput *in = &l->graph->in[i];
    if (in->rank < 0) {
      foreign_report(l->diags, l->file, E904, "input `%s` has no shape in the file", in->name);
      return false;
    }
    for (int axis = 0; axis < in->rank; axis++) {
      if (in->dim[axis].n != GRAPH_OPEN) continue;
      int open = open_axis(l, s, in->dim[axis].symbol, i, axis);
      if (open < 0) {
        foreign_report(l->diags, l->file, E902, "more than %d axes of the inputs have no size",
                       OPEN_MAX);
        return false;
      }
      if (in->dim[axis].own) s->open[open].own = in->dim[axis].own;
    }
  }
  return true;
}

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

static void give_states(Lift *l, RoleHints *hints) {
  bool *is_state = ARENA_ARRAY(l->arena, bool, l->flat->graph->n_out + 1);
  for (int i = 0; i < l->n_states; i++)
    is_state[l->state[i].out] = true;
  hints->has_state = l->n_states > 0;
  hints->is_state = is_state;
  hints->n_outputs = l->flat->n_file_out;
}

/* What is kept is kept for the next call: there is no sequence with an end. */
static bool is_endless(const Lift *l, const TimeWish *wish) {
  return !wish->n && (l->n_windows || l->flat->n_variables || l->options->n_states);
}

/* What --state says comes back has the shape of what goes out. Returns whether an open size was
 * learned by that. */
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

/* Flattens at these sizes and finds atoms, states and roles. False with the fault set. */
static bool analyse(Lift *l, Sizes *s, const TimeWish *wish, GraphFault *fault) {
  fill_sizes(l, s);
  l->flat = flatten(l->graph, s->size, l->arena, fault);
  if (l->flat && learn_states(l, s)) {
    fill_sizes(l, s);
    l->flat = flatten(l->graph, s->size, l->arena, fault);
  }
  if (!l->flat) return false;
  flat_part_ways(l->flat);
  lift_written_out(l->flat);
  lift_attended(l->flat);
  int *file_input = ARENA_ARRAY(l->arena, int, l->flat->n_file_in + 1);
  for (int i = 0, n = 0; i < l->graph->n_in; i++)
    if (!s->size[i].constant) file_input[n++] = i;
  l->file_input = file_input;
  RoleHints hints = {.time_axis = wish->axis, .stream = l->options->stream};
  if (!lift_declared_states(l)) {
    l->reported = true;
    return false;
  }
  l->trace = trace_new(l->flat);
  lift_find_windows(l);
  lift_find_states(l);
  give_states(l, &hints);
  if (is_endless(l, wish)) lift_mark_idle(l);
  l->atoms = atoms_solve(l->flat);
  l->roles = roles_solve(l->atoms, l->graph, l->file_input, &hints);
  if (lift_recognise(l->flat, l->atoms, roles_batch_for_cells(l->atoms, &l->roles)))
    l->atoms = atoms_solve(l->flat);
  l->uses = ARENA_ARRAY(l->arena, int, l->flat->graph->n_values + 1);
  for (int i = 0; i < l->flat->graph->n_nodes; i++)
    for (int k = 0; k < l->flat->graph->node[i]->n_in; k++)
      if (l->flat->graph->node[i]->in[k]) l->uses[l->flat->graph->node[i]->in[k]->id]++;
  for (int i = 0; i < l->flat->graph->n_out; i++)
    l->uses[l->flat->graph->out[i].value->id]++;
  l->trace = trace_new(l->flat);
  lift_find_states(l);
  give_states(l, &hints);
  l->roles = roles_solve(l->atoms, l->graph, l->file_input, &hints);
  return true;
}

static void report_fault(Lift *l, const GraphFault *fault) {
  if (fault->node) {
    Diag *d = lift_refuse(l, fault->node, E902, "%s", fault->text);
    for (int i = 0; i < l->graph->n_in && fault->node->op == GRAPH_If; i++)
      if (l->graph->in[i].rank == 0 && !l->size[i].constant)
        diag_fix(d, FIX_MAYBE, "make input `%s` a constant: --set %s=N", l->graph->in[i].name,
                 l->graph->in[i].name);
  } else
    foreign_report(l->diags, l->file, E902, "%s",
                   fault->text ? fault->text : "the graph cannot be followed");
}

/* No size that was tried for the open axes fits, and it says so of other numbers each time: the
 * user has to give them. The first axis of an input, where it has others, is most often the batch.
 */
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

/* The last attempt is at the sizes of the file: what ties the length is then refused for that. */
static int64_t size_of_attempt(const OpenAxis *open, int i, int attempt) {
  bool last = attempt == OPEN_ATTEMPTS;
  if (last && open->own) return open->own;
  int row = last ? 0 : attempt;
  return open_size[row][i < 4 ? i : 3] + (i < 4 || row + 2 >= OPEN_ATTEMPTS ? 0 : i);
}

static bool try_sizes(Lift *l, Sizes *s, const TimeWish *wish) {
  GraphFault fault = {0}, first = {0};
  int attempts = OPEN_ATTEMPTS;
  for (int i = 0; i < s->n; i++)
    if (s->open[i].own) attempts = OPEN_ATTEMPTS + 1;
  for (int attempt = 0; attempt < attempts; attempt++) {
    for (int i = 0; i < s->n; i++)
      if (!s->open[i].set && !s->open[i].learned)
        s->open[i].size = size_of_attempt(&s->open[i], i, attempt);
    if (analyse(l, s, wish, &fault)) {
      for (int i = 0; i < s->n && attempt; i++) /* others do not fit what the graph computes */
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

/* The role of an axis of an input: its largest atom's. */
static int family_of_axis(Lift *l, int input, int axis) {
  for (int i = 0; i < l->flat->n_file_in; i++) {
    if (l->file_input[i] != input) continue;
    int atom[FACTORS_MAX], n = atoms_of_axis(l->atoms, l->flat->graph->in[i].value, axis, atom),
                           largest = -1;
    for (int k = 0; k < n; k++)
      if (largest < 0 || atom_size(l->atoms, atom[k]) > atom_size(l->atoms, largest))
        largest = atom[k];
    return largest < 0 ? -1 : atom_family(l->atoms, largest);
  }
  return -1;
}

/* ---- what the user has to decide ---- */

static bool ask_for_length(Lift *l, const Sizes *s) {
  const char *name = l->graph->in[0].name;
  for (int i = s->n; i-- > 0;)
    if (family_of_axis(l, s->open[i].input, s->open[i].axis) == l->roles.time)
      name = l->graph->in[s->open[i].input].name;
  Diag *d = foreign_report(l->diags, l->file, E904,
                           "input `%s` leaves the length of its sequences open", name);
  diag_fix(d, FIX_FILL, "sequences of one length: --time N");
  diag_fix(d, FIX_FILL, "sequences of any length up to a bound: --time \"n <= N\"");
  diag_fix(d, FIX_FILL, "one step per call, without end: --stream");
  return false;
}

static bool ask_for_sizes(Lift *l, const Sizes *s) {
  bool asked = false;
  for (int i = 0; i < s->n; i++) {
    int family = family_of_axis(l, s->open[i].input, s->open[i].axis);
    if (s->open[i].set || s->open[i].learned || family < 0 || family == l->roles.batch ||
        family == l->roles.time)
      continue;
    const GraphInput *in = &l->graph->in[s->open[i].input];
    if (s->open[i].symbol && l->roles.batch < 0 && s->open[i].axis == 0) continue;
    Diag *d = foreign_report(
        l->diags, l->file, E904,
        "the file leaves the size of axis %d of input `%s` open, which is neither batch nor time",
        s->open[i].axis, in->name);
    diag_fix(d, FIX_FILL, "give its size: --set %s=N",
             lift_axis_handle(l, s->open[i].input, s->open[i].axis));
    asked = true;
  }
  return !asked;
}

static bool report_question(Lift *l) {
  Diag *d = foreign_report(l->diags, l->file, E904, "%s", l->roles.question);
  for (int i = 0; i < l->roles.n_choices; i++)
    diag_fix(d, FIX_FILL, "say which: %s", l->roles.choice[i]);
  return false;
}

/* Gives open time axes the length that --time asks for and analyses again. */
static bool fix_length(Lift *l, Sizes *s, const TimeWish *wish) {
  bool changed = false;
  for (int i = 0; i < s->n; i++) {
    if (family_of_axis(l, s->open[i].input, s->open[i].axis) != l->roles.time) continue;
    s->open[i].size = wish->n;
    s->open[i].set = changed = true;
  }
  GraphFault fault = {0};
  if (!changed) return true;
  if (analyse(l, s, wish, &fault)) return true;
  report_fault(l, &fault);
  return false;
}

static int64_t steps_of(const Lift *l) {
  int64_t steps = 1;
  for (int i = 0; i < l->flat->n_file_in; i++) {
    Factors f = atoms_of(l->atoms, l->flat->graph->in[i].value);
    if (lift_pair_of_input(l, i)) continue;
    for (int k = 0; k < f.n; k++)
      if (atom_family(l->atoms, f.atom[k]) == l->roles.time &&
          atom_size(l->atoms, f.atom[k]) > steps)
        steps = atom_size(l->atoms, f.atom[k]);
  }
  return steps;
}

/* l->time from the roles and the options. False after reporting. */
static bool decide_time(Lift *l, Sizes *s, const TimeWish *wish) {
  if (l->options->stream && wish->n) {
    foreign_report(l->diags, l->file, E903,
                   "--stream and --time exclude each other: a stream has no length");
    return false;
  }
  if (l->roles.question) return report_question(l);
  if (l->roles.way == TIME_WAY_NONE) {
    if (!wish->n && !l->options->stream) return ask_for_sizes(l, s);
    foreign_report(l->diags, l->file, E903,
                   "no input of `%s` is a sequence: there is no time to change", l->file->path);
    return false;
  }
  if (l->roles.way == TIME_WAY_CALLS) {
    l->time = (Time){.kind = TIME_STREAM, .period = 1};
    if (!wish->n) return ask_for_sizes(l, s);
    foreign_report(l->diags, l->file, E903,
                   "a call of this graph is one step of a stream: it has no length to change");
    return false;
  }
  bool endless = is_endless(l, wish);
  if (l->roles.time_is_open && !wish->n && !l->options->stream && !endless)
    return ask_for_length(l, s);
  if (l->roles.time_is_open && wish->n && !wish->bounded && !fix_length(l, s, wish)) return false;
  if (!ask_for_sizes(l, s)) return false;
  l->flat_steps = steps_of(l);
  bool one_step = l->flat_steps == 1 && !l->roles.time_is_open && l->n_states;
  if (l->options->stream || one_step || endless)
    l->time = (Time){.kind = TIME_STREAM, .period = 1};
  else if (wish->bounded) {
    l->time = (Time){.kind = TIME_BOUNDED, .n = wish->n, .len = wish->name};
    l->time.length = model_length(l->foreign->model, wish->name, wish->n);
  } else
    l->time = (Time){.kind = TIME_FIXED, .n = l->flat_steps};
  if (!wish->n || wish->bounded || wish->n == l->flat_steps) return true;
  Diag *d = foreign_report(
      l->diags, l->file, E903,
      "the file fixes the length of its sequences at %lld: --time cannot make it %lld",
      (long long)l->flat_steps, (long long)wish->n);
  diag_note(d, "export the model with an open length");
  return false;
}

/* Values of the model are called what the layers of the file are that end with them. */
static void name_results(Lift *l, const GraphNode *node) {
  for (int k = 0; k < node->n_out && l->graph->names_layers; k++) {
    Value *value = node->out[k] ? l->placed[node->out[k]->id].value : NULL;
    if (value && value->layer && !value->name && !value->field && *node->out[k]->name)
      value->name = node->out[k]->name;
  }
}

static bool add_nodes(Lift *l) {
  const Graph *graph = l->flat->graph;
  LiftDone (*const family[])(Lift *, const GraphNode *) = {
      lift_window, lift_weighted, lift_attention, lift_recurrent, lift_moves, lift_pointwise};
  const bool *needed = lift_needed(l);
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    LiftDone done = LIFT_OTHER;
    bool lifted = true;
    for (int k = 0; k < node->n_out; k++)
      lifted = lifted && (l->placed[node->out[k]->id].value || !l->uses[node->out[k]->id] ||
                          !needed[node->out[k]->id]);
    if (lifted) continue; /* with the node before it: a bias */
    for (size_t f = 0; f < sizeof family / sizeof *family && done == LIFT_OTHER; f++)
      done = family[f](l, node);
    if (done == LIFT_OTHER) lift_unsupported(l, node);
    if (done != LIFT_DONE) return false;
    name_results(l, node);
  }
  return true;
}

static bool is_read(const Lift *l, int number) {
  return l->uses[l->flat->graph->in[number].value->id] > 0;
}

/* How many samples the flat graph has, and whether the file leaves that open. */
static void decide_batch(Lift *l, const Sizes *sizes) {
  l->flat_batch = 1;
  for (int i = 0; i < l->atoms->n && l->roles.batch >= 0; i++)
    if (l->atoms->atom[i].part[0] < 0 && atom_family(l->atoms, i) == l->roles.batch &&
        atom_size(l->atoms, i) > l->flat_batch)
      l->flat_batch = atom_size(l->atoms, i);
  for (int i = 0; i < sizes->n; i++)
    l->batch_is_open = l->batch_is_open || family_of_axis(l, sizes->open[i].input,
                                                          sizes->open[i].axis) == l->roles.batch;
  l->batch_is_open = l->batch_is_open && l->roles.batch >= 0;
}

/* What comes back and is kept, or could be. */
static void note_states(Lift *l) {
  const Graph *graph = l->flat->graph;
  bool stream = l->time.kind == TIME_STREAM;
  int n = 0;
  for (int i = 0; i < l->n_states; i++) {
    if (l->state[i].in >= l->flat->n_file_in) continue; /* a variable */
    n++;
    if (stream)
      foreign_note(l->foreign, "`%s` comes back as `%s`: the state is kept from call to call",
                   graph->in[l->state[i].in].name, graph->out[l->state[i].out].name);
  }
  if (n && !stream)
    foreign_note(
        l->foreign,
        "states go in and come out of each call; `--stream` makes a stream that keeps them");
}

Foreign *lift_graph(const ForeignFile *file, const Graph *graph, const ImportOptions *options,
                    Diags *diags) {
  Lift *l = ARENA_NEW(file->arena, Lift);
  graph = lift_real(graph);
  *l = (Lift){
      .arena = file->arena, .file = file, .options = options, .diags = diags, .graph = graph};
  l->foreign = foreign_new(file, graph->format, NULL);
  Sizes *sizes = ARENA_NEW(l->arena, Sizes);
  TimeWish wish;
  if (!lift_check_sets(l) || !time_wish(l, &wish) || !find_open(l, sizes) ||
      !try_sizes(l, sizes, &wish))
    return NULL;
  if (!decide_time(l, sizes, &wish)) return NULL;
  decide_batch(l, sizes);
  if (!lift_masks(l)) return NULL;
  l->placed = ARENA_ARRAY(l->arena, Placed, l->flat->graph->n_values + 1);
  for (int i = 0; i < l->flat->n_file_in; i++) {
    if (lift_is_kept_input(l, i)) continue;
    if (is_read(l, i))
      lift_add_input(l, i);
    else if (!l->is_length || !l->is_length[i])
      foreign_note(l->foreign, "input `%s` changes nothing and was left out",
                   l->flat->graph->in[i].name);
  }
  if (!add_nodes(l) || !lift_add_outputs(l)) return NULL;
  note_states(l);
  for (int i = 0; i < graph->n_notes; i++)
    foreign_note(l->foreign, "%s", graph->note[i]);
  ImportOptions plain = *options;
  plain.stream = false;
  plain.time = NULL;
  l->foreign->finished = true;
  lift_labels_to_types(l);
  if (!foreign_finish(l->foreign, &plain, diags)) return NULL;
  lift_drop_labels(l);
  if (options->unchecked) {
    foreign_note(l->foreign, "not checked against the graph of the file");
    return l->foreign;
  }
  return lift_check(l) ? l->foreign : NULL;
}
