/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From a graph to a Model: the public function, and the decisions about time and the batch. Open
 * sizes get numbers, the graph is flattened, its axes get roles, and its nodes become layers. Then
 * the Model is typed and compared with the graph, at other sizes too. lift.h has the map of the
 * files. */
#include "import/lift/sizes.h"

/* The family of the largest atom of an axis of an input of the file; -1: --set makes it a constant.
 */
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

/* Reports that the user has to give the length of sequences. Always false. */
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

/* Whether the user has to give the size of an open axis, because it is neither the batch nor time.
 */
static bool is_to_be_given(Lift *l, const OpenAxis *open) {
  int family = family_of_axis(l, open->input, open->axis);
  if (open->set || open->learned || family < 0 || family == l->roles.batch ||
      family == l->roles.time)
    return false;
  return !open->symbol || l->roles.batch >= 0 || open->axis != 0;
}

static void propose_sizes(Lift *l, const OpenAxis *open, Diag *d) {
  diag_fix(d, FIX_FILL, "give its size: --set %s=N", lift_axis_handle(l, open->input, open->axis));
}

/* Reports all open axes whose size the user has to give. Returns whether there are none. */
static bool ask_for_sizes(Lift *l, const Sizes *s) {
  bool asked = false;
  for (int i = 0; i < s->n; i++) {
    if (!is_to_be_given(l, &s->open[i])) continue;
    Diag *d = foreign_report(l->diags, l->file, E904,
                             "axis %d of input `%s` has no size in the file, and no "
                             "operator treats it as batch or time",
                             s->open[i].axis, l->graph->in[s->open[i].input].name);
    propose_sizes(l, &s->open[i], d);
    asked = true;
  }
  return !asked;
}

/* Whether no axis of an input is time: there is no time, or the graph makes it. */
static bool has_no_time_input(Lift *l) {
  if (l->roles.question || l->roles.way == TIME_WAY_NONE) return true;
  for (int i = 0; i < l->graph->n_in; i++)
    for (int axis = 0; axis < l->graph->in[i].rank; axis++)
      if (family_of_axis(l, i, axis) == l->roles.time) return false;
  return l->roles.way == TIME_WAY_AXIS;
}

/* Some exporters write out the steps of an RNN, and leave the axis open nevertheless. If there is
 * one open axis, --time gives its size; *given gets whether there is one. False after reporting. */
static bool give_wished_size(Lift *l, Sizes *s, const TimeWish *wish, bool *given) {
  OpenAxis *open = NULL;
  for (int i = 0; i < s->n; i++) {
    if (!is_to_be_given(l, &s->open[i])) continue;
    if (open) return true; /* decide_time reports */
    open = &s->open[i];
  }
  if (!open) return true;
  open->size = wish->n;
  open->set = *given = true;
  return sizes_analyse(l, s, wish);
}

/* Of an option about time that has no use. Always false. */
static bool report_no_time(Lift *l, const Sizes *s) {
  Diag *d =
      foreign_report(l->diags, l->file, E903,
                     "no input of `%s` is a sequence: there is no time to change", l->file->path);
  for (int i = 0; i < s->n; i++)
    if (is_to_be_given(l, &s->open[i])) propose_sizes(l, &s->open[i], d);
  if (!d->n_fixes)
    diag_fix(d, FIX_MAYBE, "leave out `%s`", l->options->stream ? "--stream" : "--time");
  return false;
}

static bool report_question(Lift *l) {
  Diag *d = foreign_report(l->diags, l->file, E904, "%s", l->roles.question);
  for (int i = 0; i < l->roles.n_choices; i++)
    diag_fix(d, FIX_FILL, "say which: %s", l->roles.choice[i]);
  const char *name = l->graph->in[0].name;
  if (!l->roles.n_choices)
    diag_fix(d, FIX_FILL, "give each axis its size: --set %s.0=1 --set %s.1=N, and so on", name,
             name);
  return false;
}

/* Gives open time axes the length that --time asks for, and analyses again. False after reporting.
 */
static bool fix_length(Lift *l, Sizes *s, const TimeWish *wish) {
  bool changed = false;
  for (int i = 0; i < s->n; i++) {
    if (family_of_axis(l, s->open[i].input, s->open[i].axis) != l->roles.time) continue;
    s->open[i].size = wish->n;
    s->open[i].set = changed = true;
  }
  return !changed || sizes_analyse(l, s, wish);
}

/* The number of steps in the flat graph: the largest size of time in an input that is no state. */
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

/* Sets l->time for a graph in which a call is a step. False after reporting. */
static bool decide_calls(Lift *l, Sizes *s, const TimeWish *wish) {
  l->time = (Time){.kind = TIME_STREAM, .period = 1};
  if (!wish->n) return ask_for_sizes(l, s);
  return foreign_lacks(l->diags, l->file, E903, "leave out `--time`",
                       "a call of this graph is one step of a stream: it has no length to change");
}

/* Gives the open axes of a graph with a time axis their sizes, and sets l->flat_steps. False after
 * reporting. */
static bool settle_length(Lift *l, Sizes *s, const TimeWish *wish) {
  for (int i = 0; i < s->n; i++) /* --set has given the length */
    if (s->open[i].set && family_of_axis(l, s->open[i].input, s->open[i].axis) == l->roles.time)
      l->roles.time_is_open = false;
  if (l->roles.time_is_open && !wish->n && !l->options->stream && !lift_is_endless(l, wish))
    return ask_for_length(l, s);
  if (l->roles.time_is_open && wish->n && !wish->bounded && !fix_length(l, s, wish)) return false;
  if (!ask_for_sizes(l, s)) return false;
  l->flat_steps = steps_of(l);
  return true;
}

/* Sets l->time from the roles and the options. False after reporting. */
static bool decide_time(Lift *l, Sizes *s, const TimeWish *wish) {
  if (l->options->stream && wish->n) {
    return foreign_lacks(l->diags, l->file, E903,
                         "leave out `--time` for a stream, or `--stream` for sequences",
                         "--stream and --time exclude each other: a stream has no length");
  }
  bool only_wished = wish->n && !wish->bounded && has_no_time_input(l), given = false;
  if (only_wished && !give_wished_size(l, s, wish, &given)) return false;
  if (l->roles.question) return report_question(l);
  if (l->roles.way == TIME_WAY_NONE) {
    if (!wish->n && !l->options->stream) return ask_for_sizes(l, s);
    return report_no_time(l, s);
  }
  if (l->roles.way == TIME_WAY_CALLS) return decide_calls(l, s, wish);
  bool endless = lift_is_endless(l, wish);
  if (!settle_length(l, s, wish)) return false;
  bool one_step = l->flat_steps == 1 && !l->roles.time_is_open && l->n_states;
  if (l->options->stream || one_step || endless)
    l->time = (Time){.kind = TIME_STREAM, .period = 1};
  else if (wish->bounded) {
    l->time = (Time){.kind = TIME_BOUNDED, .n = wish->n, .len = wish->name};
    l->time.length = model_length(l->foreign->model, wish->name, wish->n);
  } else
    l->time = (Time){.kind = TIME_FIXED, .n = l->flat_steps};
  if (!wish->n || wish->bounded || given || wish->n == l->flat_steps) return true;
  Diag *d = foreign_report(
      l->diags, l->file, E903,
      "the file fixes the length of its sequences at %lld: --time cannot make it %lld",
      (long long)l->flat_steps, (long long)wish->n);
  diag_fix(d, FIX_MAYBE, "leave out `--time`, or export the model with an open length");
  return false;
}

/* If nodes have the names of layers, the last value of each layer gets its name. */
static void name_results(Lift *l, const GraphNode *node) {
  for (int k = 0; k < node->n_out && l->graph->names_layers; k++) {
    Value *value = node->out[k] ? l->placed[node->out[k]->id].value : NULL;
    if (value && value->layer && !value->name && !value->field && *node->out[k]->name)
      value->name = node->out[k]->name;
  }
}

/* Makes layers of all nodes on which an output depends. False after reporting. */
static bool add_nodes(Lift *l) {
  const Graph *graph = l->flat->graph;
  LiftDone (*const family[])(Lift *, const GraphNode *) = {
      lift_window, lift_weighted, lift_attention, lift_recurrent, lift_kept,
      lift_hold,   lift_truth,    lift_select,    lift_moves,     lift_pointwise};
  const bool *needed = lift_needed(l);
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    LiftDone done = LIFT_OTHER;
    bool lifted = true;
    for (int k = 0; k < node->n_out; k++)
      lifted = lifted && (l->placed[node->out[k]->id].value || !l->uses[node->out[k]->id] ||
                          !needed[node->out[k]->id]);
    if (lifted) continue; /* it became a part of an earlier layer, as a bias does */
    for (size_t f = 0; f < sizeof family / sizeof *family && done == LIFT_OTHER; f++)
      done = family[f](l, node);
    if (done == LIFT_OTHER)
      lift_refuse(l, node, E902, "is not supported at this place of the graph");
    if (done != LIFT_DONE) return false;
    name_results(l, node);
  }
  return true;
}

static bool is_read(const Lift *l, int number) {
  return l->uses[l->flat->graph->in[number].value->id] > 0;
}

/* Sets how many samples the flat graph has, and whether the file leaves that number open. */
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

/* The length of sequences that the file itself gives; 0: it leaves the length open. */
static int64_t length_of_file(Lift *l, const Sizes *s) {
  if (!l->roles.time_is_open) return l->flat_steps;
  for (int i = 0; i < s->n; i++)
    if (family_of_axis(l, s->open[i].input, s->open[i].axis) == l->roles.time)
      return s->open[i].own;
  return 0;
}

/* Removes masks. If stages read masked steps, the graph is first flattened with as many steps as
 * the bound. False after reporting. */
static bool take_out_masks(Lift *l, Sizes *s, const TimeWish *wish) {
  MaskResult result = lift_masks(l, wish);
  if (result != MASKS_COUNT_STEPS) return result == MASKS_DONE;
  int64_t length = length_of_file(l, s);
  if (length && length != wish->n) {
    Diag *d = foreign_report(l->diags, l->file, E903,
                             "the file computes with all of its %lld steps, masked ones among "
                             "them: --time cannot make it %lld",
                             (long long)length, (long long)wish->n);
    diag_fix(d, FIX_MAYBE, "keep the length of the file: --time \"%s <= %lld\"", wish->name,
             (long long)length);
    return false;
  }
  if (!fix_length(l, s, wish)) return false;
  l->roles.time_is_open = false;
  l->flat_steps = steps_of(l);
  if (!length)
    foreign_note(l->foreign,
                 "masked steps count in some layers: they compute as they do with sequences that "
                 "are padded to %lld steps",
                 (long long)wish->n);
  return lift_masks(l, wish) == MASKS_DONE;
}

/* Notes that cells skip steps by what they hold, although the caller could pass a length. */
static void note_skips(Lift *l) {
  bool known = false;
  for (int i = 0; i < l->flat->n_file_in && !known; i++)
    known = l->hole[i].is;
  if (l->flat->skips && known && l->time.kind == TIME_FIXED)
    foreign_note(
        l->foreign,
        "recurrent layers skip the steps that the file masks, wherever they are; if all of "
        "them come last, `--time \"n <= %lld\"` makes a faster model, which gets the "
        "length of each sequence instead",
        (long long)l->time.n);
}

/* Notes the states of the file: a stream keeps them, and otherwise `--stream` could. */
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
        "states are inputs and outputs of each call; `--stream` makes a stream that keeps them");
}

/* The Model of l->graph; NULL after reporting. */
static Foreign *model_of(Lift *l) {
  const Graph *graph = l->graph;
  const ImportOptions *options = l->options;
  l->foreign = foreign_new(l->file, graph->format, NULL);
  if (!lift_scales(l, graph)) return NULL;
  l->graph = lift_real(graph);
  if (l->graph != graph) graph_sweep_for((Graph *)(uintptr_t)graph, l->graph);
  graph = l->graph;
  Sizes *sizes = ARENA_NEW(l->arena, Sizes);
  TimeWish wish;
  if (!lift_check_sets(l) || !time_wish(l, &wish) || !sizes_find(l, sizes) ||
      !sizes_try(l, sizes, &wish))
    return NULL;
  if (!decide_time(l, sizes, &wish)) return NULL;
  decide_batch(l, sizes);
  if (!take_out_masks(l, sizes, &wish)) return NULL;
  l->placed = ARENA_ARRAY(l->arena, Placed, l->flat->graph->n_values + 1);
  for (int i = 0; i < l->flat->n_file_in; i++) {
    if (lift_is_kept_input(l, i)) continue;
    if (is_read(l, i))
      lift_add_input(l, i);
    else if (!l->is_length || !l->is_length[i])
      foreign_note(l->foreign, "input `%s` changes nothing: grus omitted it",
                   l->flat->graph->in[i].name);
  }
  if (!lift_begin_own_states(l) || !add_nodes(l) || !lift_end_own_states(l) || !lift_add_outputs(l))
    return NULL;
  note_states(l);
  note_skips(l);
  for (int i = 0; i < graph->n_notes; i++)
    foreign_note(l->foreign, "%s", graph->note[i]);
  ImportOptions plain = *options;
  plain.stream = false;
  plain.time = NULL;
  l->foreign->finished = true;
  lift_ranges(l);
  lift_labels_to_types(l);
  if (!foreign_finish(l->foreign, &plain, l->diags)) return NULL;
  lift_drop_labels(l);
  if (options->unchecked) {
    foreign_note(l->foreign, "not checked against the graph of the file");
    return l->foreign;
  }
  return lift_check(l) ? l->foreign : NULL;
}

Foreign *lift_graph(const ForeignFile *file, const Graph *graph, const ImportOptions *options,
                    Diags *diags) {
  Lift *l = ARENA_NEW(file->arena, Lift);
  *l = (Lift){
      .arena = file->arena, .file = file, .options = options, .diags = diags, .graph = graph};
  Foreign *foreign = model_of(l);
  if (!foreign) lift_advise(l);
  return foreign;
}
