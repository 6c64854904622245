/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The walk over the nodes, once for each custom of axes (onnx_input.c): the first under which the
 * whole graph makes sense is taken, and if there is none, what stands in the way of the one that
 * came farthest is reported. In, a file; out, a Foreign, or NULL after reporting. */
#include "import/onnx.h"

#include <math.h>
#include <string.h>

/* ---- the node being converted ---- */

const char *onnx_origin(const Onnx *onnx) {
  const OnnxNode *n = onnx->node;
  if (!n)
    return onnx->output ? arena_printf(onnx->arena, "output `%s`", onnx->output) : "the graph";
  if (*n->name) return arena_printf(onnx->arena, "node `%s` (%s)", n->name, n->op);
  return arena_printf(onnx->arena, "the %s that makes `%s`", n->op, n->n_out ? n->out[0] : "");
}

Diag *onnx_refuse(Onnx *onnx, DiagCode code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  const char *what = arena_vprintf(onnx->arena, format, args);
  va_end(args);
  return foreign_report(onnx->diags, onnx->file, code, "%s %s", onnx_origin(onnx), what);
}

const OnnxTensor *onnx_in(Onnx *onnx, int i) {
  if (i >= onnx->node->n_in || !*onnx->node->in[i]) return NULL;
  return map_get(&onnx->tensor, onnx->node->in[i]);
}

void onnx_set(Onnx *onnx, int i, OnnxTensor *result) {
  if (i >= onnx->node->n_out || !*onnx->node->out[i]) return;
  OnnxTensor *named = ARENA_NEW(onnx->arena, OnnxTensor);
  *named = *result;
  named->name = onnx->node->out[i];
  const int *uses = map_get(&onnx->uses, named->name);
  named->uses = uses ? *uses : 0;
  map_put(onnx->arena, &onnx->tensor, named->name, named);
}

const OnnxAttribute *onnx_attribute(const Onnx *onnx, const char *name) {
  for (int i = 0; i < onnx->node->n_attributes; i++)
    if (strcmp(onnx->node->attribute[i].name, name) == 0) return &onnx->node->attribute[i];
  return NULL;
}

int64_t onnx_int(const Onnx *onnx, const char *name, int64_t if_absent) {
  const OnnxAttribute *a = onnx_attribute(onnx, name);
  return a ? a->i : if_absent;
}

double onnx_float(const Onnx *onnx, const char *name, double if_absent) {
  const OnnxAttribute *a = onnx_attribute(onnx, name);
  return a ? a->f : if_absent;
}

const char *onnx_string(const Onnx *onnx, const char *name, const char *if_absent) {
  const OnnxAttribute *a = onnx_attribute(onnx, name);
  return a ? a->s : if_absent;
}

bool onnx_is_among(const char *names, const char *op) {
  size_t n = strlen(op);
  for (const char *at = n ? strstr(names, op) : NULL; at; at = strstr(at + n, op))
    if (at > names && at[-1] == ' ' && at[n] == ' ') return true;
  return false;
}

bool onnx_attributes_known(Onnx *onnx, const char *names) {
  for (int i = 0; i < onnx->node->n_attributes; i++) {
    const char *name = onnx->node->attribute[i].name, *word = names;
    size_t n = strlen(name);
    while (*word && !(strcspn(word, " ") == n && strncmp(word, name, n) == 0)) {
      word += strcspn(word, " ");
      word += strspn(word, " ");
    }
    if (*word) continue;
    Diag *d = onnx_refuse(onnx, E903, "has the attribute `%s`, which grus does not know", name);
    if (*names) diag_note(d, "it knows: %s", names);
    return false;
  }
  return true;
}

/* ---- nodes ---- */

static OnnxDone walk(Onnx *onnx, const OnnxGraph *graph);

/* `If` with a condition that is known: one branch is the graph. */
static OnnxDone do_if(Onnx *onnx) {
  const OnnxNode *node = onnx->node;
  const OnnxTensor *condition = onnx_in(onnx, 0);
  if (strcmp(node->op, "If") != 0) return ONNX_OTHER;
  if (!condition || !onnx_is_constant(condition) || condition->count != 1) {
    onnx_refuse(onnx, E902, "takes one of two ways by what the data are");
    return ONNX_FAILED;
  }
  const OnnxAttribute *branch =
      onnx_attribute(onnx, onnx_number(condition, 0) != 0 ? "then_branch" : "else_branch");
  if (!branch || !branch->g || branch->g->n_out != node->n_out)
    return onnx_refuse(onnx, E901, "has no such branch"), ONNX_FAILED;
  if (walk(onnx, branch->g) == ONNX_FAILED) return ONNX_FAILED;
  onnx->node = node;
  for (int i = 0; i < node->n_out; i++) {
    OnnxTensor *t = map_get(&onnx->tensor, branch->g->out[i].name);
    if (!t)
      return onnx_refuse(onnx, E901, "gives `%s`, which nothing makes", branch->g->out[i].name),
             ONNX_FAILED;
    onnx_set(onnx, i, t);
  }
  return ONNX_DONE;
}

static void refuse_operator(Onnx *onnx) {
  static const char *const nearest[][2] = {
      {"ThresholdedRelu", "relu, leaky_relu, elu and `clip(low, high)` are there"},
      {"LpNormalization", "LayerNorm over features is there"},
      {"Einsum", "a product with a constant matrix is a Dense: write it as MatMul"},
      {"Where", "values cannot choose between values: masks belong into the program that calls, or "
                "multiply by them"},
      {"Scan", "a recurrence written as a loop: export the model with LSTM, GRU or RNN nodes"},
      {"ConvTranspose", "`frames` and `overlap_add` cover the synthesis of a filter bank"},
      {"QLinearMatMul",
       "export the float model; grus stores weights in 16 bits with `precision f16`"},
      {"QuantizeLinear",
       "export the float model; grus stores weights in 16 bits with `precision f16`"},
      {"DequantizeLinear",
       "export the float model; grus stores weights in 16 bits with `precision f16`"},
      {"DynamicQuantizeLinear",
       "export the float model; grus stores weights in 16 bits with `precision f16`"},
      {"InstanceNormalization", "LayerNorm over features and BatchNorm are there"},
      {"GroupNormalization", "LayerNorm over features and BatchNorm are there"}};
  const char *op = onnx->node->op, *domain = onnx->node->domain;
  Diag *d = onnx_refuse(onnx, E902, "is an operator that grus does not have");
  if (*domain && strcmp(domain, "ai.onnx") != 0)
    diag_note(d, "it belongs to the domain `%s`", domain);
  bool known = false;
  for (size_t i = 0; i < sizeof nearest / sizeof *nearest; i++)
    if (strcmp(op, nearest[i][0]) == 0) known = true, diag_note(d, "%s", nearest[i][1]);
  if (!known)
    diag_note(d, "cut the model there (`onnx.utils.extract_model`) and compute the rest in the "
                 "program that calls");
  diag_note(d, "opset %lld, written by %s", (long long)onnx->opset,
            *onnx->producer ? onnx->producer : "a producer without a name");
}

static bool inputs_are_there(Onnx *onnx) {
  const OnnxNode *n = onnx->node;
  for (int i = 0; i < n->n_in; i++) {
    if (!*n->in[i] || map_get(&onnx->tensor, n->in[i])) continue;
    Diag *d = onnx_refuse(onnx, E901, "reads `%s`, which nothing before it makes", n->in[i]);
    diag_note(d, "the nodes of a graph stand in order: cycles and missing nodes look like this");
    return false;
  }
  return true;
}

static OnnxDone convert(Onnx *onnx) {
  static OnnxDone (*const ways[])(Onnx *onnx) = {
      do_if, onnx_loop, onnx_fold, onnx_move, onnx_recurrent, onnx_layers, onnx_pointwise};
  if (*onnx->node->domain && strcmp(onnx->node->domain, "ai.onnx") != 0)
    return refuse_operator(onnx), ONNX_FAILED;
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    OnnxDone done = ways[i](onnx);
    if (done != ONNX_OTHER) return done;
  }
  refuse_operator(onnx);
  return ONNX_FAILED;
}

static OnnxDone walk(Onnx *onnx, const OnnxGraph *graph) {
  for (int i = 0; i < graph->n_constants; i++)
    map_put(onnx->arena, &onnx->tensor, graph->constant[i]->name, graph->constant[i]);
  for (int i = 0; i < graph->n_nodes; i++) {
    onnx->node = &graph->node[i];
    if (!inputs_are_there(onnx)) return ONNX_FAILED;
    OnnxDone done = convert(onnx);
    onnx->node = &graph->node[i];
    if (done == ONNX_FAILED && !onnx->diags->n_errors)
      onnx_refuse(onnx, E901, "has inputs that do not fit it");
    if (done == ONNX_FAILED) return ONNX_FAILED;
    onnx->progress++;
  }
  onnx->node = NULL;
  return ONNX_DONE;
}

/* ---- what the graph is about ---- */

/* Operators that treat each sample of a batch alone, wherever its axis is: those that name axes,
 * but for the ones whose meaning gives them, are not among them. */
static bool batch_is_free(const OnnxGraph *g) {
  static const char free_ops[] =
      " LSTM GRU RNN Conv MaxPool AveragePool GlobalAveragePool GlobalMaxPool BatchNormalization "
      "Gemm MatMul Add Sub Mul Div Transpose "
      "Squeeze Unsqueeze Identity Dropout Constant Relu Tanh Sigmoid Softplus Softsign Abs Exp Log "
      "Sqrt LeakyRelu Elu HardSigmoid Clip Neg "
      "Reciprocal HardSwish Mish Selu Gelu PRelu ";
  for (int i = 0; i < g->n_nodes; i++)
    if (!onnx_is_among(free_ops, g->node[i].op)) return false;
  return true;
}

/* Operators that go over the steps of a sequence: without any, an axis is no time. */
static bool has_time(const OnnxGraph *g) {
  static const char timed[] =
      " LSTM GRU RNN Conv MaxPool AveragePool GlobalAveragePool GlobalMaxPool Loop Scan ";
  bool found = false;
  for (int i = 0; i < g->n_nodes; i++) {
    found |= onnx_is_among(timed, g->node[i].op);
    for (int k = 0; k < g->node[i].n_attributes; k++)
      found |= g->node[i].attribute[k].g && has_time(g->node[i].attribute[k].g);
  }
  return found;
}

/* ---- outputs ---- */

static bool add_output(Onnx *onnx, const OnnxPort *p) {
  OnnxTensor *t = map_get(&onnx->tensor, p->name);
  OnnxValue x;
  onnx->node = NULL;
  onnx->output = p->name;
  if (!t)
    return foreign_report(onnx->diags, onnx->file, E901, "output `%s` is made by no node", p->name),
           false;
  if (onnx_is_constant(t)) {
    foreign_note(onnx->foreign, "output `%s` is a constant, and left out", p->name);
    return true;
  }
  if (!onnx_value(onnx, t, -1, &x)) return false;
  onnx->n_out_elements += t->count;
  if (x.time > 0) {
    bool behind = false;
    for (int i = 0; i < x.time; i++)
      behind |= t->dim[i] != 1;
    if (behind)
      foreign_note(onnx->foreign,
                   "output `%s` has its time axis in front; in the file it is axis %d of %s",
                   p->name, x.time, onnx_dims(onnx->arena, t->rank, t->dim));
  }
  model_output(onnx->model, p->name, x.value);
  return true;
}

static void count_uses(Onnx *onnx, const OnnxGraph *graph) {
  for (int i = 0; i < graph->n_nodes + graph->n_out; i++) {
    const OnnxNode *node = i < graph->n_nodes ? &graph->node[i] : NULL;
    for (int k = 0; k < (node ? node->n_in : 1); k++) {
      const char *name = node ? node->in[k] : graph->out[i - graph->n_nodes].name;
      int *uses = map_get(&onnx->uses, name);
      if (!uses) map_put(onnx->arena, &onnx->uses, name, uses = ARENA_NEW(onnx->arena, int));
      ++*uses;
    }
    for (int k = 0; node && k < node->n_attributes; k++)
      if (node->attribute[k].g) count_uses(onnx, node->attribute[k].g);
  }
}

/* ---- one layout ---- */

static bool try_layout(Onnx *onnx, OnnxLayout layout) {
  const OnnxGraph *g = onnx->graph;
  const char *format = arena_printf(onnx->arena, "ONNX, opset %lld%s%s", (long long)onnx->opset,
                                    *onnx->producer ? ", by " : "", onnx->producer);
  onnx->foreign = foreign_new(onnx->file, format, NULL);
  onnx->model = onnx->foreign->model;
  onnx->input = ARENA_ARRAY(onnx->arena, OnnxTensor *, g->n_in + 1);
  onnx->port = ARENA_ARRAY(onnx->arena, Port *, g->n_in + 1);
  onnx_source(onnx, NULL, 1, false, 0, NULL); /* numbers */
  for (int i = 0; i < g->n_in; i++, onnx->progress++)
    if (!onnx_input(onnx, i, layout)) return false;
  if (walk(onnx, g) == ONNX_FAILED) return false;
  onnx->progress++;
  if (!onnx_states(onnx)) return false;
  for (int i = 0; i < g->n_out; i++)
    if (!onnx->kept[i] && !add_output(onnx, &g->out[i])) return false;
  for (int i = 0; i < g->n_out && !onnx->model->n_out;
       i++) { /* a cell gives its state alone: h, each step */
    const OnnxTensor *t = map_get(&onnx->tensor, g->out[i].name);
    if (onnx->kept[i] && t->ref && onnx->source[t->ref[0].source].is_sequence &&
        !add_output(onnx, &g->out[i]))
      return false;
  }
  onnx_drop_inputs(onnx);
  if (!onnx->model->n_out)
    return foreign_report(onnx->diags, onnx->file, E901,
                          "`%s` has no output that depends on its inputs", onnx->file->path),
           false;
  if (!onnx->open_time || onnx->options->time || onnx->options->stream) return true;
  for (int i = 0; i < onnx->model->n_in; i++)
    if (onnx->model->in[i]->declared.time.kind == TIME_STREAM) return true;
  onnx->asks_time = true;
  Diag *d = foreign_report(onnx->diags, onnx->file, E904,
                           "`%s` does not say how long its sequences are", onnx->file->path);
  diag_note(d, "give `--time N`, `--time \"n <= N\"`, or `--stream` for one step after the other");
  return false;
}

static void report_again(const Diags *from, Diags *to) {
  for (const Diag *d = from->first; d; d = d->next) {
    Diag *copy = diag_new(to, d->code, span_none(), "%s", d->message);
    Diag *next = copy->next;
    *copy = *d;
    copy->diags = to;
    copy->next = next;
  }
}

/* A kernel over two axes stands in the way of every layout: said at once. */
static bool has_planes(Onnx *onnx, const OnnxGraph *g) {
  for (int i = 0; i < g->n_nodes; i++) {
    const OnnxNode *n = &g->node[i];
    const OnnxTensor *w = n->n_in > 1 ? map_get(&onnx->tensor, n->in[1]) : NULL;
    if ((strcmp(n->op, "Conv") != 0 && strcmp(n->op, "ConvTranspose") != 0) || !w || w->rank < 4)
      continue;
    onnx->node = n;
    Diag *d = onnx_refuse(onnx, E902, "has a kernel %s over %d axes",
                          onnx_dims(onnx->arena, w->rank, w->dim), w->rank - 2);
    diag_note(d, "grus has Conv1D, whose kernel goes over time alone");
    return true;
  }
  return false;
}

static Map map_copy(Arena *arena, const Map *map) {
  Map copy = *map;
  copy.slot = ARENA_ARRAY(arena, MapSlot, map->cap + 1);
  if (map->cap) memcpy(copy.slot, map->slot, sizeof *map->slot * map->cap);
  return copy;
}

static Onnx another_attempt(const Onnx *first, const Diags *diags) {
  Onnx again = *first;
  again.tensor = map_copy(first->arena, &first->tensor);
  again.diags = diags_new(first->arena, diags->sources);
  again.kept = ARENA_ARRAY(first->arena, bool, first->graph->n_out + 1);
  return again;
}

/* With axes of size 1 only, time and batch look alike: with two steps they do not. */
static bool is_confirmed(const Onnx *first, const Diags *diags, OnnxLayout layout) {
  Onnx again = another_attempt(first, diags);
  again.confirming = true;
  return layout != NO_TIME && try_layout(&again, layout);
}

/* Whether the node is a Reduce over the axis that was taken for the batch. */
static bool reduces_samples(const Onnx *onnx) {
  const OnnxNode *node = onnx->node;
  const OnnxTensor *t = node && node->n_in && strncmp(node->op, "Reduce", strlen("Reduce")) == 0
                            ? onnx_in((Onnx *)(uintptr_t)onnx, 0)
                            : NULL;
  if (!t) return false;
  const OnnxAttribute *a = onnx_attribute(onnx, "axes");
  const OnnxTensor *given = onnx_in((Onnx *)(uintptr_t)onnx, 1);
  const int64_t *axes = a ? a->ints : given ? given->i : NULL;
  int64_t n = a ? (int64_t)a->n : given && given->i ? given->count : 0;
  bool found = !axes;
  for (int64_t k = 0; k < n && !found; k++) {
    int64_t axis = axes[k] < 0 ? axes[k] + t->rank : axes[k];
    found = axis >= 0 && axis < t->rank && t->dim[axis] % ONNX_SAMPLES == 0;
  }
  return found;
}

/* Whether an open axis that was taken for the batch can be one. With many samples the outputs have
 * as many times the elements, or a recurrent node finds them where its batch is, which `poor`
 * readings cannot do without. */
static bool batch_holds(const Onnx *first, const Diags *diags, OnnxLayout layout, const Onnx *one,
                        bool poor) {
  Onnx again = another_attempt(first, diags);
  again.many_samples = true;
  if (try_layout(&again, layout)) return again.n_out_elements == ONNX_SAMPLES * one->n_out_elements;
  return again.met_batch || (!poor && !reduces_samples(&again));
}

/* Nothing goes over steps, two axes are open, and some operator treats the axes unlike: which one
 * is the batch is nowhere said. False after reporting. */
static bool axes_are_told(const Onnx *first) {
  const OnnxPort *p = &first->graph->in[0];
  int open[2], n = 0;
  for (int i = 0; i < p->rank; i++)
    if (!p->dim[i] && n < 2) open[n++] = i;
  if (first->has_time || first->batch_is_free || n < 2) return true;
  Diag *d = foreign_report(
      first->diags, first->file, E904,
      "input `%s` does not say which of its axes %d and %d is the batch and which is time", p->name,
      open[0], open[1]);
  diag_note(d, "both are open, and no operator goes over the steps of a sequence; export it with a "
               "batch of 1");
  return false;
}

/* The attempt took an open axis for the batch and found no time, in a graph that has some: a
 * reading in which an axis is scanned says more. */
static bool is_poor(const Onnx *onnx) {
  bool timed = false;
  for (int i = 0; i < onnx->graph->n_in; i++)
    timed |= onnx->port[i] && type_is_sequence(&onnx->port[i]->declared);
  return onnx->has_time && onnx->unsure && !timed;
}

Foreign *onnx_legacy_import(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  int64_t left = ONNX_MAX_ELEMENTS + (int64_t)file->data.len * ONNX_ELEMENTS_A_BYTE;
  Onnx first = {
      .arena = file->arena, .file = file, .options = options, .diags = diags, .left = &left};
  Diags *best = NULL;
  int farthest = -1;
  OnnxGraph *graph = onnx_read(&first);
  if (!graph) return NULL;
  first.graph = graph;
  onnx_rewrite(&first, graph);
  if (diags->n_errors || has_planes(&first, graph)) return NULL;
  if (!graph->n_in || !graph->n_nodes)
    return foreign_report(diags, file, E901, "`%s` has a graph without %s", file->path,
                          graph->n_in ? "nodes" : "inputs"),
           NULL;
  count_uses(&first, graph);
  first.batch_is_free = batch_is_free(graph);
  first.has_time = has_time(graph);
  Foreign *poor = NULL;
  int64_t for_proof = left;
  if (!axes_are_told(&first)) return NULL;
  int turn = first.has_time ? 0 : NO_TIME;
  for (int k = 0; k < LAYOUT_COUNT; k++) {
    OnnxLayout layout = (OnnxLayout)((k + turn) % LAYOUT_COUNT);
    Onnx onnx = first;
    onnx.tensor =
        map_copy(file->arena, &first.tensor); /* nothing of one attempt is seen by the next */
    onnx.diags = diags_new(file->arena, diags->sources);
    onnx.kept = ARENA_ARRAY(file->arena, bool, graph->n_out + 1);
    bool fits = try_layout(&onnx, layout) && (!onnx.unsure || is_confirmed(&first, diags, layout));
    if (fits && onnx.open_batch && (!first.has_time || is_poor(&onnx))) {
      left = for_proof; /* the proof does not cost the attempts anything */
      fits = batch_holds(&first, diags, first.has_time ? layout : NO_TIME, &onnx, is_poor(&onnx));
    }
    if (fits) {
      if (!is_poor(&onnx)) return onnx.foreign;
      if (!poor) poor = onnx.foreign;
      continue;
    }
    if (onnx.asks_time && !onnx.unsure) return report_again(onnx.diags, diags), NULL;
    if (!onnx.diags->n_errors) { /* nothing shows that the axes are what they were taken for */
      Diag *d = foreign_report(onnx.diags, file, E904,
                               "`%s` does not say which of its axes is time", file->path);
      diag_note(d, "its input is as good as one of one step; export it with the length of its "
                   "sequences, or a batch of 1");
      onnx.progress = 0, onnx.unsure = true;
    }
    int reached = 2 * onnx.progress +
                  !onnx.unsure; /* of two, the one that did not take a batch for one sample */
    if (reached > farthest) farthest = reached, best = onnx.diags;
  }
  if (poor) return poor;
  report_again(best, diags);
  return NULL;
}
