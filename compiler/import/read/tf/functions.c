/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Functions of TensorFlow. In, nodes that call functions. Out, the nodes of a called function, made
 * anew for each call with the values of its arguments; the functions of While and If become bodies
 * of nodes of the graph. The handle of a variable, which may be an argument, stands for the value
 * of the variable: no output may depend on a variable that a node changes. */
#include "import/read/tf/reader.h"

#include <string.h>

TfFunction *tf_function(TfReader *r, const char *name) {
  return map_get(&r->functions, name);
}

/* The first node that gives a variable another value; NULL if none does. */
static const TfFile__Node *changing_node(const TfNodes *nodes) {
  for (size_t i = 0; i < nodes->n; i++)
    if (tf_changes_variable(nodes->node[i])) return nodes->node[i];
  return NULL;
}

bool tf_functions_index(TfReader *r, const TfFile__Library *library) {
  for (size_t i = 0; i < library->n_function; i++) {
    TfFunction *f = ARENA_NEW(r->arena, TfFunction);
    f->def = library->function[i];
    const char *name = f->def->signature ? f->def->signature->name : "";
    if (!*name || map_get(&r->functions, name)) {
      foreign_report(r->diags, r->file, E901, "two functions of `%s` are called `%s`",
                     r->file->path, name);
      return false;
    }
    if (!tf_nodes_index(r, f->def->node, f->def->n_node, &f->nodes)) return false;
    f->changes = changing_node(&f->nodes);
    map_put(r->arena, &r->functions, name, f);
  }
  return true;
}

/* The function that an attribute names; NULL after reporting. */
static const TfFunction *called(TfCall *c, const char *attribute) {
  const TfFile__Value *value = tf_attribute(c->node, attribute);
  const TfFunction *f = value && value->func ? tf_function(c->reader, value->func->name) : NULL;
  if (!f) tf_refuse(c, E901, "calls a function that is not in the file");
  return f;
}

/* Whether the function changes no variable; false after reporting. */
static bool changes_nothing(TfCall *c, const TfFunction *f) {
  return !f->changes || tf_lacks(c, E902, tf_pass_state,
                                 "calls a function whose node `%s` gives a variable another value",
                                 f->changes->name);
}

/* A variable, by the key of its handle, is only read, changed and handed on in a function. */
static bool handle_is_plain(TfReader *r, const TfFunction *f, const char *key) {
  static const char *const plain[] = {"ReadVariableOp", "ResourceGather", "PartitionedCall",
                                      "StatefulPartitionedCall"};
  for (size_t i = 0; i < f->nodes.n; i++) {
    const TfNode *node = f->nodes.node[i];
    bool fits = tf_changes_variable(node);
    for (size_t k = 0; k < sizeof plain / sizeof *plain; k++)
      fits = fits || strcmp(node->op, plain[k]) == 0;
    for (size_t k = 0; k < node->n_input && !fits; k++)
      if (node->input[k][0] != '^' && strcmp(tf_key(r, node->input[k]), key) == 0) return false;
  }
  return true;
}

/* No output depends on what the nodes of a function change. */
static bool changes_what_nobody_reads(TfCall *c, const TfFunction *f, TfScope *scope) {
  TfReader *r = c->reader;
  for (size_t i = 0; i < f->nodes.n && f->changes; i++) {
    const TfNode *node = f->nodes.node[i];
    if (!tf_changes_variable(node)) continue;
    const char *key = node->n_input ? tf_key(r, node->input[0]) : "";
    const GraphValue *handle = map_get(&scope->values, key);
    if (!handle || !handle_is_plain(r, f, key) || !tf_use_variable(r, handle, node))
      return changes_nothing(c, f);
  }
  return true;
}

/* The reference, within the function, to the value of its result `output`; NULL if the file does
 * not say it. */
static const char *result_of(const TfFunction *f, const char *output) {
  for (size_t i = 0; i < f->def->n_result; i++)
    if (strcmp(f->def->result[i]->key, output) == 0) return f->def->result[i]->value;
  return NULL;
}

/* Makes the nodes of a function in `graph`, with `in` as its arguments, and puts its results in
 * out, which has room for all of them. */
static bool results(TfCall *c, const TfFunction *f, Graph *graph, GraphValue *const *in,
                    GraphValue **out) {
  TfReader *r = c->reader;
  const TfNodes *around = r->nodes;
  const TfFile__Declared *declared = f->def->signature;
  TfScope scope = {.graph = graph, .outer = c->scope};
  for (size_t k = 0; k < declared->n_input; k++)
    map_put(r->arena, &scope.values, arena_printf(r->arena, "%s:0", declared->input[k]->name),
            in[k]);
  r->nodes = &f->nodes;
  bool own = graph == c->scope->graph, /* else a body, whose handles are values of its own */
      ok = own ? changes_what_nobody_reads(c, f, &scope) : changes_nothing(c, f);
  for (size_t k = 0; ok && k < declared->n_output; k++) {
    const char *reference = result_of(f, declared->output[k]->name);
    out[k] = reference ? tf_output(r, &scope, reference) : NULL;
    if (!reference) tf_refuse(c, E901, "calls a function that lacks a result");
    ok = out[k] != NULL;
  }
  r->nodes = around;
  return ok;
}

/* The operands from `first` on, which have to be as many as the function takes; NULL after
 * reporting. */
static GraphValue **arguments(TfCall *c, const TfFunction *f, int first) {
  GraphValue **in = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  if (f->def->signature->n_input != (size_t)(c->n_in - first)) {
    tf_refuse(c, E901, "calls a function of %zu arguments with %d", f->def->signature->n_input,
              c->n_in - first);
    return NULL;
  }
  return tf_all_in(c, c->n_in, in) ? in + first : NULL;
}

bool tf_op_call(TfCall *c) {
  const TfFunction *f = tf_function(c->reader, c->node->op);
  if (!f) f = called(c, "f");
  GraphValue **in = f ? arguments(c, f, 0) : NULL;
  if (!in) return false;
  size_t n = f->def->signature->n_output;
  GraphValue **out = ARENA_ARRAY(c->reader->arena, GraphValue *, n + 1);
  if (!results(c, f, c->scope->graph, in, out)) return false;
  for (size_t k = 0; k < n; k++)
    tf_set(c, (int)k, out[k]);
  return true;
}

/* Whether result k of a function is its argument k, unchanged. */
static bool hands_back(TfReader *r, const TfFunction *f, size_t k) {
  enum { DEEPEST = 64 };
  const TfFile__Declared *declared = f->def->signature;
  const char *reference = k < declared->n_output ? result_of(f, declared->output[k]->name) : NULL;
  const TfNodes *around = r->nodes;
  bool same = false;
  r->nodes = &f->nodes;
  for (int depth = 0; reference && depth < DEEPEST; depth++) {
    const TfNode *node = tf_node(r, reference);
    same = !node && strcmp(tf_key(r, reference), tf_key(r, declared->input[k]->name)) == 0;
    reference = node && strcmp(node->op, "Identity") == 0 && node->n_input ? node->input[0] : NULL;
  }
  r->nodes = around;
  return same;
}

/* The body of a loop that computes function f, whose inputs are the values that the loop carries.
 * `start` has their values before the first step. A carried value that starts as a constant, and
 * that `step` never changes, becomes a constant of the body: some operators need constants, such as
 * the kernel of a convolution. */
static Graph *loop_body(TfCall *c, const TfFunction *f, size_t n_results, const TfFunction *step,
                        GraphValue *const *start) {
  const TfFile__Declared *declared = f->def->signature;
  GraphValue **in = ARENA_ARRAY(c->reader->arena, GraphValue *, declared->n_input + 1),
             **out = ARENA_ARRAY(c->reader->arena, GraphValue *, declared->n_output + 1);
  Graph *body = graph_new(c->reader->arena, c->emit->graph->numbers, declared->name);
  if (declared->n_output != n_results) {
    tf_refuse(c, E901, "is a loop whose function has %zu results, not %zu", declared->n_output,
              n_results);
    return NULL;
  }
  for (size_t k = 0; k < declared->n_input; k++) {
    in[k] = graph_input(body, declared->input[k]->name, GRAPH_FLOAT)->value;
    if (start[k]->constant && hands_back(c->reader, step, k))
      in[k] = graph_constant(body, declared->input[k]->name, start[k]->constant);
  }
  if (!results(c, f, body, in, out)) return NULL;
  for (size_t k = 0; k < n_results; k++)
    graph_output(body, declared->output[k]->name, out[k]);
  return body;
}

/* A body may read every variable that it gets. */
static bool reads_all(TfCall *c, int n, GraphValue *const *in) {
  for (int k = 0; k < n; k++)
    if (!tf_use_variable(c->reader, in[k], NULL))
      return tf_lacks(c, E902, tf_pass_state, "reads a variable that another node changes");
  return true;
}

bool tf_op_while(TfCall *c) {
  const TfFunction *test = called(c, "cond"), *step = test ? called(c, "body") : NULL;
  GraphValue **in = step ? arguments(c, step, 0) : NULL;
  if (!in || !arguments(c, test, 0) || !reads_all(c, c->n_in, in)) return false;
  Graph *condition = loop_body(c, test, 1, step, in),
        *body = condition ? loop_body(c, step, (size_t)c->n_in, step, in) : NULL;
  if (!body) return false;
  GraphNode *loop = emit_node(c->emit, GRAPH_While, c->n_in, in, c->n_in);
  loop->body[0] = condition;
  loop->body[1] = body;
  for (int k = 0; k < c->n_in; k++)
    tf_set(c, k, loop->out[k]);
  return true;
}

/* A branch of an If, as a body without inputs: it reads the values of the graph around it that are
 * the operands after the condition. */
static Graph *branch(TfCall *c, const TfFunction *f, GraphValue *const *in) {
  const TfFile__Declared *declared = f->def->signature;
  GraphValue **out = ARENA_ARRAY(c->reader->arena, GraphValue *, declared->n_output + 1);
  Graph *body = graph_new(c->reader->arena, c->emit->graph->numbers, declared->name);
  if (!results(c, f, body, in, out)) return NULL;
  for (size_t k = 0; k < declared->n_output; k++)
    graph_output(body, declared->output[k]->name, out[k]);
  return body;
}

bool tf_op_if(TfCall *c) {
  const TfFunction *yes = called(c, "then_branch"), *no = yes ? called(c, "else_branch") : NULL;
  GraphValue **in = no && arguments(c, no, 1) ? arguments(c, yes, 1) : NULL,
             *condition = tf_in(c, 0);
  if (!in || !condition || !reads_all(c, c->n_in - 1, in)) return false;
  int n = (int)yes->def->signature->n_output;
  if (no->def->signature->n_output != (size_t)n)
    return tf_refuse(c, E901, "has branches of %d and of %zu results", n,
                     no->def->signature->n_output);
  Graph *first = branch(c, yes, in), *second = first ? branch(c, no, in) : NULL;
  if (!second) return false;
  GraphNode *node = emit_node(c->emit, GRAPH_If, 1, &condition, n);
  node->body[0] = first;
  node->body[1] = second;
  for (int k = 0; k < n; k++)
    tf_set(c, k, node->out[k]);
  return true;
}
