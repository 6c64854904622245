/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What to do about a node that no stage computes. In, the error and its node; out, a `help:` with
 * what works instead of a form of the operator, and one with the way out that the format has. An
 * error that has its own advice gets neither. */
#include "base/text.h"
#include "import/lift/lift.h"

#include <string.h>

enum { NAMES_MAX = 4 };

/* Names of tensors in quotes. */
typedef struct Names {
  Text text;
  int n;
  bool unknown; /* one has no name, or there are too many */
} Names;

/* What is read and made at a node, and in the file. */
typedef struct Tensors {
  Names inputs, outputs, operands, results;
  bool is_first; /* it reads no value that a node computes */
  bool is_all;   /* and what it makes is an output */
} Tensors;

static void add_name(Names *names, const char *name) {
  names->unknown = names->unknown || !*name || strchr(name, '"') || names->n == NAMES_MAX;
  if (names->unknown) return;
  const char *quoted = arena_printf(names->text.arena, "\"%s\"", name);
  if (names->n && strstr(text_str(&names->text), quoted)) return;
  text_printf(&names->text, "%s%s", names->n++ ? ", " : "", quoted);
}

static const char *listed(const Names *names) {
  return names->n && !names->unknown ? text_str(&names->text) : NULL;
}

/* Whether a node of the graph of the file is the one of the error, or belongs to its cell. */
static bool is_of(const GraphNode *node, const GraphNode *refused) {
  return refused->is_cell ? text_begins(node->name, refused->name)
                          : strcmp(node->name, refused->name) == 0;
}

static bool is_output(const Graph *graph, const GraphValue *value) {
  for (int i = 0; i < graph->n_out; i++)
    if (graph->out[i].value == value) return true;
  return false;
}

/* Adds what a node of the graph that is no body reads and makes. */
static void add_tensors(const Lift *l, const GraphNode *refused, const GraphNode *node,
                        Tensors *t) {
  for (int k = 0; k < node->n_in; k++) {
    if (!node->in[k] || !node->in[k]->node || is_of(node->in[k]->node, refused)) continue;
    add_name(&t->operands, node->in[k]->name);
    t->is_first = false;
  }
  for (int k = 0; k < node->n_out; k++) {
    if (!node->out[k]) continue;
    if (*node->out[k]->name) add_name(&t->results, node->out[k]->name);
    t->is_all = t->is_all || is_output(l->graph, node->out[k]);
  }
}

/* Adds the inputs of the file that other nodes than the first one read: the part after it has them,
 * too. */
static void add_others(const Lift *l, const GraphNode *refused, Tensors *t) {
  for (int i = 0; i < l->graph->n_nodes; i++) {
    const GraphNode *node = l->graph->node[i];
    for (int k = 0; k < node->n_in && !is_of(node, refused); k++)
      if (node->in[k] && !node->in[k]->node && !node->in[k]->constant)
        add_name(&t->results, node->in[k]->name);
  }
}

static Tensors tensors_of(const Lift *l, const GraphNode *refused) {
  Names none = {.text = text_new(l->arena)};
  Tensors t = {none, none, none, none, true, false};
  for (int i = 0; i < l->graph->n_in; i++)
    add_name(&t.inputs, l->graph->in[i].name);
  for (int i = 0; i < l->graph->n_out; i++)
    add_name(&t.outputs, l->graph->out[i].name);
  for (int i = 0; i < l->graph->n_nodes; i++)
    if (*refused->name && is_of(l->graph->node[i], refused))
      add_tensors(l, refused, l->graph->node[i], &t);
  t.is_first = t.is_first && t.results.n;
  t.is_all = t.is_all && t.is_first;
  if (t.is_first) add_others(l, refused, &t);
  return t;
}

static const char *name_of(const GraphNode *node) {
  return *node->name ? node->name : *node->source ? node->source : graph_op_name(node->op);
}

void lift_propose_length(Lift *l, Diag *d) {
  if (l->roles.way != TIME_WAY_AXIS || l->time.kind == TIME_FIXED) return;
  if (l->roles.time_is_open)
    diag_fix(d, FIX_FILL, "import sequences of one length: --time N");
  else if (l->options->stream || l->options->time)
    diag_fix(d, FIX_MAYBE, "import sequences of the length that the file has: leave out `%s`",
             l->options->stream ? "--stream" : "--time");
}

void lift_advise(Lift *l) {
  Diag *d = l->refusal;
  if (!d || d->code == E901 || d->n_fixes) return;
  if (!d->n_notes) diag_fix(d, FIX_MAYBE, "%s", graph_op_nearest(l->refused->op));
  Tensors t = tensors_of(l, l->refused);
  ForeignNode node = {.name = name_of(l->refused),
                      .inputs = listed(&t.inputs),
                      .outputs = listed(&t.outputs),
                      .operands = listed(&t.operands),
                      .results = listed(&t.results),
                      .is_first = t.is_first};
  if (!t.is_all) diag_fix(d, FIX_MAYBE, "%s", foreign_way_out(l->file, &node));
}
