/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The translation check. In, the graph of a file and the Model that was made of it; out, whether
 * they compute the same. Both are computed in double on random inputs, and every output must agree.
 * If sizes are open, there are trials at several sizes; if there is state, a trial has several
 * calls. The evaluators of the graph and of the Model share no code. */
#include "import/lift/check.h"
#include "import/lift/sizes.h"

#include "model/eval/eval.h"

#include <math.h>
#include <setjmp.h>
#include <string.h>

/* Limits of what a comparison may cost (GraphLimits): a constant, and more for each byte of the
 * file. */
enum {
  CALLS = 5, /* of a trial with state */
  STEPS_MAX = 1 << 20,
  WORK_MIN = 200000000,
  WORK_A_BYTE = 4000,
  ROOM_MIN = 30000000,
  ROOM_A_BYTE = 200,
  COPIES = 4, /* of inputs: their places and what the model reads take as much again, and more */
  LARGER = 4  /* a flat graph may cost so many times what the graph of the file does */
};
/* The largest difference, relative to the largest value of an output or to 1. The model has its
 * weights in f32. */
static const double tolerance = 1e-5;

static bool is_length(const Lift *l, int input) {
  return l->is_length && l->is_length[input];
}

/* The values of an input that gives the number of steps of each sample. */
static const GraphTensor *lengths(Comparison *c, const Trial *t, const GraphTensor *like) {
  double *data;
  GraphTensor *out = graph_tensor(c->arena, like->elem, like->rank, like->dim, &data);
  for (int64_t i = 0; out && i < out->count; i++)
    data[i] = (double)(t->real ? t->real : t->steps);
  return out;
}

/* The number of the model input that a flat input became; -1: it became none. */
static int port_of(const Lift *l, const GraphValue *value) {
  const Model *model = l->foreign->model;
  const Value *placed = l->placed[value->id].value;
  const Layer *layer = placed ? placed->layer : NULL;
  if (layer && layer->kind == LAYER_normalize)
    placed = layer->in[0]; /* the input holds whole numbers, and `normalize` makes them real */
  for (int i = 0; i < model->n_in; i++)
    if (model->in[i]->value == placed) return i;
  return -1;
}

/* Of a mistake of grus. */
static const char ours[] = "please report the file; until then, import it without the comparison";

/* Proposes the import without the comparison. */
static void propose_unchecked(const Comparison *c, Diag *d, const char *why) {
  diag_fix(d, FIX_MAYBE, "%s: --no-check", why);
  diag_fix(d, FIX_MAYBE, "then compare it with your framework: `grus verify %s.grus --against DIR`",
           foreign_stem(c->l->arena, c->l->file->path));
}

/* Reports two values that differ. Always false. */
static bool differ(Comparison *c, const char *name, int64_t sample, int64_t step, int64_t feature,
                   double want, double got, const Trial *t) {
  Diag *d = foreign_report(
      c->l->diags, c->l->file, E905,
      "the imported model would not compute what the file computes: nothing was written");
  diag_note(
      d, "output `%s`, sample %lld, step %lld, element %lld: the file gives %.9g, the model %.9g",
      name, (long long)sample, (long long)step, (long long)feature, want, got);
  diag_note(d,
            "seen with %lld sample%s, %lld step%s a call, %d call%s on random inputs; this is a "
            "bug in grus",
            (long long)t->batch, t->batch == 1 ? "" : "s", (long long)t->steps,
            t->steps == 1 ? "" : "s", t->calls, t->calls == 1 ? "" : "s");
  propose_unchecked(c, d, ours);
  return false;
}

/* Reports that the file goes on where a stream has no value. Always false. */
static bool ends_later(Comparison *c, const char *name) {
  return foreign_lacks(c->l->diags, c->l->file, E902,
                       "leave out `--stream`: a stream has no last step",
                       "output `%s` goes on after the last step of its sequence", name);
}

static bool too_large(Comparison *c) {
  Diag *d = foreign_report(c->l->diags, c->l->file, E906,
                           "the graph of the file is too large to be compared with the model");
  propose_unchecked(c, d, "import it without the comparison");
  return false;
}

/* Reports that the graph of the file cannot be computed on the inputs of the comparison. Always
 * false. */
static bool cannot_run(Comparison *c, const GraphFault *fault) {
  Diag *d = fault->node ? lift_refuse(c->l, fault->node, E902, "%s", fault->text)
                        : foreign_report(c->l->diags, c->l->file, E902, "%s", fault->text);
  diag_note(d, "seen on random inputs, with which grus compares the model with the file");
  propose_unchecked(c, d, "if it does not happen with yours, import it without the comparison");
  return false;
}

/* Replaces the numbers of an input of the next call by those of an output, which is a state. */
static void hand_on(Comparison *c, const GraphTensor *out, const GraphTensor **in) {
  GraphTensor *next = ARENA_NEW(c->arena, GraphTensor);
  *next = **in;
  if (next->count == out->count) next->wide = out->wide;
  *in = next;
}

/* Computes all calls of the graph. out[call * n_out + o] gets output o; states go from each call to
 * the next. False after reporting. */
static bool run_graph(Comparison *c, const Trial *t, const GraphTensor ***in,
                      const GraphTensor **out) {
  const Lift *l = c->l;
  const Graph *graph = l->graph;
  GraphState *state = graph_state_new(c->arena, graph);
  GraphFault fault = {0};
  for (int call = 0; call < t->calls; call++) {
    if (graph_eval(graph, c->arena, state, &c->limits, in[call], out + call * graph->n_out,
                   &fault)) {
      for (int s = 0; s < l->n_states && call + 1 < t->calls && l->time.kind == TIME_STREAM; s++)
        if (l->state[s].in < l->flat->n_file_in)
          hand_on(c, out[call * graph->n_out + l->state[s].out],
                  &in[call + 1][l->file_input[l->state[s].in]]);
      continue;
    }
    if (fault.limited) return too_large(c);
    return cannot_run(c, &fault);
  }
  return true;
}

/* Copies an input of all calls to what the model reads for one sample. */
static void fill_port(Comparison *c, const Trial *t, int input, const Port *port,
                      const GraphTensor ***in, int64_t sample, EvalTensor *to) {
  const Lift *l = c->l;
  const GraphValue *value = l->flat->graph->in[input].value;
  const Type *type = &port->value->type;
  bool timed = type_is_sequence(type), each_sample = check_has_batch(c, value);
  int64_t width = type_step_size(type), steps = !timed                          ? 1
                                                : type->time.kind == TIME_FIXED ? type->time.n
                                                : t->real                       ? t->real
                                                          : t->steps * t->calls + c->more;
  to->steps = steps;
  to->data = ARENA_ARRAY(c->arena, double, (steps * width + 1));
  for (int call = 0; call < (timed ? t->calls : 1); call++) {
    const GraphTensor *x = in[call][l->file_input[input]];
    ElementPlace *spot = ARENA_ARRAY(c->arena, ElementPlace, x->count ? x->count : 1);
    check_spots(c, value, x, spot);
    for (int64_t e = 0; e < x->count; e++) {
      if (each_sample && spot[e].sample != sample) continue;
      bool stream = type->time.kind == TIME_STREAM;
      int64_t at =
          stream ? (call * t->steps + spot[e].step) * width + spot[e].feature : spot[e].rest;
      if (at < steps * width) to->data[at] = graph_at(x, e);
    }
  }
}

/* Compares an output of all calls with what the model gives for one sample. False after reporting.
 */
static bool compare_output(Comparison *c, const Trial *t, int number, const Port *port,
                           const GraphTensor *const *out, int64_t sample, const EvalTensor *got) {
  const Lift *l = c->l;
  const GraphValue *value = l->flat->graph->out[number].value;
  const Type *type = &port->value->type;
  bool timed = type_is_sequence(type), each_sample = check_has_batch(c, value);
  int64_t width = type_step_size(type), per_call = timed && t->calls ? got->steps / t->calls : 1;
  bool stream = type->time.kind == TIME_STREAM, each_step = !stream || check_has_time(c, value);
  /* A stream gives at its last step what the graph gives once for all steps of a call. */
  int64_t first = each_step ? 0 : per_call - 1;
  double scale = 1;
  for (int call = 0; call < t->calls; call++)
    for (int64_t e = 0; e < out[call * l->graph->n_out + number]->count; e++) {
      double size = fabs(graph_at(out[call * l->graph->n_out + number], e));
      if (size > scale) scale = size;
    }
  int64_t seen = 0;
  for (int call = timed ? 0 : t->calls - 1; call < t->calls; call++) {
    const GraphTensor *y = out[call * l->graph->n_out + number];
    ElementPlace *spot = ARENA_ARRAY(c->arena, ElementPlace, y->count ? y->count : 1);
    check_spots(c, value, y, spot);
    for (int64_t e = 0; e < y->count; e++) {
      int64_t step = timed ? call * per_call + first + spot[e].step : 0;
      int64_t at = stream ? step * width + spot[e].feature
                          : spot[e].rest; /* else in the order of the file's axes */
      if ((each_sample && spot[e].sample != sample) ||
          (timed && t->real && spot[e].step >= got->steps))
        continue;
      if (stream && t->calls == 1 && at >= got->steps * width) return ends_later(c, port->name);
      double want = graph_at(y, e), have = at < got->steps * width ? got->data[at] : NAN,
             gap = want == have ? 0 : fabs(want - have);
      seen++;
      if (isnan(want) && isnan(have)) continue;
      if (!(gap <= tolerance * scale))
        return differ(c, port->name, sample, step, spot[e].feature, want, have, t);
      if (gap > c->worst) c->worst = gap;
    }
  }
  if (seen == (each_step ? got->steps : t->calls) * width) return true;
  Diag *d = foreign_report(l->diags, l->file, E905,
                           "the imported model gives %lld values of output `%s` where the file "
                           "gives %lld: nothing was written",
                           (long long)(got->steps * width), port->name, (long long)seen);
  propose_unchecked(c, d, ours);
  return false;
}

/* Makes the inputs of the graph for one call. in: by call. False: there are none of this size. */
static bool fill_call(Comparison *c, const Trial *t, int call, const GraphTensor ***in) {
  const Lift *l = c->l;
  const Model *model = l->foreign->model;
  in[call] = ARENA_ARRAY(c->arena, const GraphTensor *, l->graph->n_in + 1);
  for (int i = 0; i < l->graph->n_in; i++)
    in[call][i] = l->size[i].constant;
  for (int i = 0; i < l->flat->n_file_in; i++) {
    int port = port_of(l, l->flat->graph->in[i].value);
    const GraphTensor *x = check_input(c, t, i, port >= 0 ? model->in[port] : NULL);
    if (x && is_length(l, i)) x = lengths(c, t, x);
    if (!x) return false;
    if (call && port >= 0 && !type_is_sequence(&model->in[port]->value->type))
      x = in[0][l->file_input[i]];
    in[call][l->file_input[i]] = x;
  }
  /* A stream begins at zero, or at the first value of its variable. */
  for (int s = 0; s < l->n_states && !call && l->time.kind == TIME_STREAM; s++)
    if (l->state[s].in < l->flat->n_file_in) {
      const GraphTensor *x = in[0][l->file_input[l->state[s].in]];
      memset((double *)(uintptr_t)x->wide, 0, sizeof *x->wide * (size_t)x->count);
    }
  return true;
}

/* Runs the model on one sample, and compares its outputs with those of the graph. False after
 * reporting. */
static bool run_sample(Comparison *c, const Trial *t, int64_t sample, const GraphTensor ***in,
                       const GraphTensor **out) {
  const Lift *l = c->l;
  const Model *model = l->foreign->model;
  EvalRun run = {.in = ARENA_ARRAY(c->arena, EvalTensor, model->n_in + 1), .only_outputs = true};
  for (int i = 0; i < l->flat->n_file_in; i++) {
    int port = port_of(l, l->flat->graph->in[i].value);
    if (port >= 0) fill_port(c, t, i, model->in[port], in, sample, &run.in[port]);
  }
  bool filled = true;
  for (int i = 0; i < model->n_in; i++)
    filled = filled && run.in[i].data;
  if (!filled || model_eval(model, c->arena, &run) != EVAL_OK) {
    Diag *d = foreign_report(l->diags, l->file, E905,
                             "the imported model does not run on inputs that the file's graph "
                             "takes: nothing was written");
    propose_unchecked(c, d, ours);
    return false;
  }
  for (int o = 0, port = 0; o < l->flat->n_file_out; o++) {
    if (!l->delivered[o]) continue;
    if (!compare_output(c, t, o, model->out[port], out, sample, &run.out[port])) return false;
    port++;
  }
  return true;
}

/* Computes graph and model for one trial. False after reporting that they differ. */
static bool run_trial(Comparison *c, const Trial *t) {
  const Lift *l = c->l;
  c->batch = l->roles.batch >= 0 ? t->batch : 0;
  c->steps = l->roles.way == TIME_WAY_AXIS && l->roles.time_is_open ? t->steps : 0;
  c->more = check_more_steps(c, t);
  const GraphTensor ***in = ARENA_ARRAY(c->arena, const GraphTensor **, t->calls);
  for (int call = 0; call < t->calls; call++)
    if (!fill_call(c, t, call, in)) return true;
  int n_out = l->graph->n_out;
  const GraphTensor **out = ARENA_ARRAY(c->arena, const GraphTensor *, (t->calls * n_out + 1));
  if (!run_graph(c, t, in, out)) return false;
  for (int64_t sample = 0; sample < (l->roles.batch >= 0 ? t->batch : 1); sample++)
    if (!run_sample(c, t, sample, in, out)) return false;
  c->runs++;
  return true;
}

/* Runs a trial with memory of its own, which is freed after it. */
static bool run_apart(Comparison *c, const Trial *t) {
  jmp_buf oom;
  Arena *volatile arena = arena_new(&oom);
  if (!arena || setjmp(oom)) {
    arena_free(arena);
    return too_large(c);
  }
  c->arena = arena;
  c->inputs = c->limits.room / COPIES;
  bool ok = run_trial(c, t);
  arena_free(arena);
  return ok;
}

/* Whether a node of the graph limits numbers: small numbers would not reach the limit. */
static bool has_bounds(const Graph *graph) {
  for (int i = 0; i < graph->n_nodes; i++) {
    const GraphNode *node = graph->node[i];
    if (node->op == GRAPH_Clip || node->op == GRAPH_Min || node->op == GRAPH_Max ||
        graph_number(node, GRAPH_ATTR_clip, 0) > 0 ||
        graph_number(node, GRAPH_ATTR_cell_clip, 0) > 0)
      return true;
  }
  return false;
}

/* Whether the flat graph, whose sizes are known, costs far more than a comparison may: then there
 * is no need to compute a part of it first. */
static bool costs_too_much(const Lift *l, const GraphLimits *limits) {
  const Flat *flat = l->flat;
  double work = 0;
  for (int i = 0; i < flat->graph->n_nodes; i++) {
    const GraphNode *node = flat->graph->node[i];
    const GraphTensor **in = ARENA_ARRAY(l->arena, const GraphTensor *, node->n_in + 1);
    GraphTensor *out = ARENA_ARRAY(l->arena, GraphTensor, node->n_out + 1);
    bool known = true;
    for (int k = 0; k < node->n_in; k++) {
      in[k] = node->in[k] ? flat->type[node->in[k]->id] : NULL;
      known = known && (!node->in[k] || in[k]);
    }
    for (int k = 0; k < node->n_out; k++) {
      const GraphTensor *type = node->out[k] ? flat->type[node->out[k]->id] : NULL;
      if (type) out[k] = *type;
      known = known && (k > 0 || type);
    }
    if (known) work += graph_work(node, in, out);
  }
  return work > (double)LARGER * (double)limits->work;
}

bool lift_check(Lift *l) {
  int64_t bytes = (int64_t)l->file->data.len;
  Comparison c = {.l = l,
                  .random = 20250101,
                  .limits = {.steps = STEPS_MAX,
                             .work = WORK_MIN + WORK_A_BYTE * bytes,
                             .room = ROOM_MIN + ROOM_A_BYTE * bytes}};
  if (costs_too_much(l, &c.limits)) return too_large(&c);
  bool stream = l->time.kind == TIME_STREAM, axis = l->roles.way == TIME_WAY_AXIS,
       open = axis && l->roles.time_is_open;
  int64_t steps = axis ? l->flat_steps : 1,
          bound = l->time.kind == TIME_BOUNDED ? l->time.n : INT64_MAX;
  if (open && steps > bound) steps = bound;
  int n = 1, calls = stream && (l->n_states || !axis) ? CALLS : 1;
  bool bounded = l->time.kind == TIME_BOUNDED, ends_early = bounded && lift_has_padding(l),
       padded = ends_early;
  for (int i = 0; i < l->flat->n_file_in; i++)
    padded = padded || is_length(l, i);
  Trial trial[6 + HOLES_ALL] = {{l->flat_batch, steps, calls, 0, false, HOLES_NONE}};
  if (l->batch_is_open)
    trial[n++] = (Trial){l->flat_batch == 1 ? 2 : 1, steps, calls, 0, false, HOLES_NONE};
  int64_t period = check_period(l), further = (steps / 2 + period) / period * period;
  int64_t longer = steps + further < bound ? steps + further : bound;
  if (open && l->time.kind != TIME_FIXED && longer > steps)
    trial[n++] = (Trial){l->flat_batch, longer, calls, 0, false, HOLES_NONE};
  if (padded && bounded && steps > 1) {
    trial[n++] = (Trial){l->flat_batch, steps, 1, steps / 2, false, HOLES_NONE};
    trial[n++] = (Trial){l->flat_batch, steps, 1, steps - 1, false, HOLES_NONE};
  }
  if (has_bounds(l->flat->graph))
    trial[n++] = (Trial){l->flat_batch, steps, calls, 0, true, HOLES_NONE};
  for (Holes holes = HOLES_BEFORE; holes <= HOLES_ALL && l->has_holes && !ends_early; holes++)
    trial[n++] = (Trial){l->batch_is_open ? 2 : l->flat_batch, steps, calls, 0, false, holes};
  for (int i = 0; i < n; i++)
    if (!run_apart(&c, &trial[i])) return false;
  foreign_note(l->foreign,
               "checked against the graph of the file: %d run%s, largest difference %.1e", c.runs,
               c.runs == 1 ? "" : "s", c.worst);
  return true;
}
