/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A GraphDef as a graph. In, its nodes in any order. Out, nodes in the order in which they can be
 * computed: the reader starts from the outputs, which are the nodes that no other reads, and makes
 * what a node needs before the node itself. */
#include "import/read/tf/reader.h"
#include "import/read/unpack.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_NODES = 100000, MAX_MADE = 200000, MAX_DEPTH = 2000, FOLDS_PER_BYTE = 8 };

static const int64_t usual_folds = 1 << 20;

typedef struct TfRow {
  const char *name;
  int min_in, max_in;
  bool (*function)(TfCall *c); /* NULL: one node of the operator `same` */
  GraphOp same;
} TfRow;

static const TfRow rows[] = {
#define TF_SAME(name, n_in, op)            {name, n_in, n_in, NULL, GRAPH_##op},
#define TF(name, min_in, max_in, function) {name, min_in, max_in, tf_op_##function, GRAPH_Identity},
#include "import/read/tf/tf_ops.def"
};

static const TfRow *row_of(const char *op) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, op) == 0) return &rows[i];
  return NULL;
}

/* The name of the node in a reference: "name", "name:k" and "name:result:k" mean a value of it, and
 * "^name" means that it has to run before, without a value. */
static const char *base_of(TfReader *r, const char *reference) {
  const char *name = *reference == '^' ? reference + 1 : reference, *colon = strchr(name, ':');
  return colon ? arena_strndup(r->arena, name, (size_t)(colon - name)) : name;
}

const TfNode *tf_node(TfReader *r, const char *reference) {
  return map_get(&r->nodes->named, base_of(r, reference));
}

/* The number of the first value of the result `name`. A function has its results in the order of
 * its signature. An operator that is read has one result, which may be several values, except for
 * the two that are named here. */
static int result_of(TfReader *r, const TfNode *node, const char *name, size_t len) {
  const TfFunction *function = node ? tf_function(r, node->op) : NULL;
  for (size_t k = 0; function && k < function->def->signature->n_output; k++) {
    const char *output = function->def->signature->output[k]->name;
    if (strlen(output) == len && strncmp(output, name, len) == 0) return (int)k;
  }
  bool norm = node && strncmp(node->op, "FusedBatchNorm", strlen("FusedBatchNorm")) == 0,
       array = node && strcmp(node->op, "TensorArrayV3") == 0;
  bool second = norm ? !(len == 1 && *name == 'y') : array && strncmp(name, "flow", len) == 0;
  return second ? 1 : 0;
}

const char *tf_key(TfReader *r, const char *reference) {
  const char *first = strchr(reference, ':'), *last = strrchr(reference, ':');
  if (!first) return arena_printf(r->arena, "%s:0", reference);
  if (first == last) return reference;
  const char *base = base_of(r, reference);
  long k = strtol(last + 1, NULL, 10);
  int from = result_of(r, tf_node(r, base), first + 1, (size_t)(last - first - 1));
  return arena_printf(r->arena, "%s:%ld", base, k < 0 || k > MAX_NODES ? -1 : k + from);
}

void tf_set(TfCall *c, int k, GraphValue *value) {
  const char *key = arena_printf(c->reader->arena, "%s:%d", c->node->name, k);
  if (!*value->name) value->name = k ? key : c->node->name;
  map_put(c->reader->arena, &c->scope->values, key, value);
}

bool tf_done(TfCall *c, GraphValue *value) {
  if (value) tf_set(c, 0, value);
  return value != NULL;
}

GraphValue *tf_in(TfCall *c, int k) {
  int64_t block[2];
  GraphValue *value = tf_value(c->reader, c->scope, c->node->input[k]);
  bool out_of_place = value && tf_blocked(c->reader, value, block) && !tf_takes_blocks(c->node);
  if (!out_of_place) return value;
  tf_lacks(c, E902, tf_dilations,
           "reads steps that SpaceToBatchND has dealt out; only convolutions can");
  return NULL;
}

bool tf_all_in(TfCall *c, int n, GraphValue **in) {
  for (int k = 0; k < n; k++) {
    in[k] = tf_in(c, k);
    if (!in[k]) return false;
  }
  return true;
}

/* A node that has to come first and gives a variable another value, which an output may depend on;
 * NULL: none does. */
static const TfNode *changed_before(TfReader *r, const TfScope *scope, const TfNode *node) {
  for (size_t i = 0; i < node->n_input; i++) {
    const TfNode *first = node->input[i][0] == '^' ? tf_node(r, node->input[i]) : NULL;
    if (!first || !tf_changes_variable(first)) continue;
    const GraphValue *handle =
        first->n_input ? map_get(&scope->values, tf_key(r, first->input[0])) : NULL;
    if (!handle || !tf_use_variable(r, handle, first)) return first;
  }
  return NULL;
}

/* A node that an output depends on reads a variable. */
static bool reads_variable(TfCall *c) {
  bool reads = tf_is(c->node, "ReadVariableOp") || tf_is(c->node, "ResourceGather");
  const GraphValue *handle = reads ? tf_in(c, 0) : NULL;
  if (reads && !handle) return false;
  return !reads || tf_use_variable(c->reader, handle, NULL) ||
         tf_lacks(c, E902, tf_pass_state, "reads a variable that another node changes");
}

/* Notes that a node computes in 16 bits: not if its result is a constant that the file holds so. */
static void note_half(const TfCall *c) {
  const char *half = tf_half(c->node);
  const GraphValue *value = map_get(&c->scope->values, tf_key(c->reader, c->node->name));
  const TfFile__Value *from = tf_attribute(c->node, "SrcT");
  bool rounds = tf_is(c->node, "Cast") && (!from || !tf_half_type(from->type));
  if (half && value && (!value->constant || rounds))
    graph_half(c->reader->graph, c->node->name, half);
}

/* Makes what a node of the file computes, after its operands; false after reporting. */
static bool make(TfReader *r, TfScope *scope, const TfNode *node) {
  const TfRow *row = row_of(node->op);
  TfCall c = {.reader = r, .scope = scope, .node = node};
  *c.emit = (GraphEmit){.graph = scope->graph,
                        .name = node->name,
                        .source = node->op,
                        .folds = &r->folds,
                        .seen = &r->seen};
  if (++r->made > MAX_MADE)
    return tf_refuse(&c, E901, "makes more than %d nodes, counting the functions that it calls",
                     MAX_MADE);
  const TfNode *changed = changed_before(r, scope, node);
  if (changed)
    return tf_lacks(&c, E902, tf_pass_state,
                    "waits for node `%s`, which gives a variable another value", changed->name);
  bool called = !row && tf_function(r, node->op);
  if (!row && !called) return tf_unknown(&c);
  while ((size_t)c.n_in < node->n_input &&
         node->input[c.n_in][0] != '^') /* nodes that only have to run before come last */
    c.n_in++;
  if (called) return tf_op_call(&c);
  if (c.n_in < row->min_in || c.n_in > row->max_in)
    return tf_refuse(&c, E901, "has %d operands; it takes %d", c.n_in,
                     c.n_in < row->min_in ? row->min_in : row->max_in);
  if (!reads_variable(&c)) return false;
  GraphValue *in[3];
  if (row->function ? !row->function(&c) : !tf_all_in(&c, row->min_in, in)) return false;
  if (!row->function) tf_set(&c, 0, emit_call(c.emit, row->same, row->min_in, in));
  note_half(&c);
  return true;
}

void tf_axes_from_options(const TfReader *r, GraphInput *input) {
  size_t n = strlen(input->name);
  for (int i = 0; i < r->options->n_sets; i++) {
    const char *set = r->options->set[i];
    char *end;
    if (strncmp(set, input->name, n) != 0 || set[n] != '.') continue;
    long axis = strtol(set + n + 1, &end, 10);
    bool is_axis = *end == '=' && axis >= 0 && axis < GRAPH_MAX_RANK;
    if (is_axis && axis >= input->rank) input->rank = (int)axis + 1;
  }
  for (int i = 0; i < input->rank; i++)
    input->dim[i].n = GRAPH_OPEN;
}

/* The input that the caller asked for in place of a node. Its shape is known where the node is a
 * Reshape to a constant shape. */
static GraphValue *begin_here(TfReader *r, const TfNode *node) {
  GraphInput *input = graph_input(r->graph, node->name, GRAPH_FLOAT);
  const TfNode *shape =
      strcmp(node->op, "Reshape") == 0 && node->n_input > 1 ? tf_node(r, node->input[1]) : NULL;
  const GraphTensor *t = shape && strcmp(shape->op, "Const") == 0 ? tf_constant(r, shape) : NULL;
  GraphValue *value = input->value;
  if (t && t->rank == 1 && t->count <= GRAPH_MAX_RANK) {
    input->rank = (int)t->count;
    for (int i = 0; i < input->rank; i++)
      input->dim[i].n =
          graph_at(t, i) > 0 && graph_at(t, i) < INT32_MAX ? (int64_t)graph_at(t, i) : GRAPH_OPEN;
  }
  if (input->rank < 0) tf_axes_from_options(r, input);
  return value;
}

GraphValue *tf_value(TfReader *r, TfScope *scope, const char *reference) {
  const char *key = tf_key(r, reference);
  GraphValue *value = map_get(&scope->values, key);
  const TfNode *node = tf_node(r, reference);
  if (value) return value;
  if (!node || ++r->depth > MAX_DEPTH) {
    foreign_report(r->diags, r->file, E901,
                   node ? "`%s` depends on too many nodes, or on itself"
                        : "a node reads `%s`, which is not in the file",
                   reference);
    return NULL;
  }
  if (r->begin && strcmp(node->name, r->begin) == 0) {
    value = begin_here(r, node);
    map_put(r->arena, &scope->values, key, value);
  } else if (tf_is_frame(node)) {
    value = tf_frame_value(r, scope, node);
    if (value) map_put(r->arena, &scope->values, key, value);
  } else if (make(r, scope, node)) {
    value = map_get(&scope->values, key);
    if (!value)
      foreign_report(r->diags, r->file, E901, "a node reads `%s`, which its node does not compute",
                     reference);
  }
  r->depth--;
  return value;
}

/* ---- the file ---- */

bool tf_nodes_index(TfReader *r, TfNode *const *node, size_t n, TfNodes *out) {
  *out = (TfNodes){.node = node, .n = n};
  if (n > MAX_NODES) {
    foreign_report(r->diags, r->file, E901, "`%s` has %zu nodes; at most %d are supported",
                   r->file->path, n, MAX_NODES);
    return false;
  }
  for (size_t i = 0; i < n; i++) {
    if (!*node[i]->name || map_get(&out->named, node[i]->name)) {
      foreign_report(r->diags, r->file, E901, "two nodes of `%s` are called `%s`", r->file->path,
                     node[i]->name);
      return false;
    }
    map_put(r->arena, &out->named, node[i]->name, node[i]);
  }
  return true;
}

bool tf_graph_index(TfReader *r, const TfFile__Graph *def) {
  TfNodes *nodes = ARENA_NEW(r->arena, TfNodes);
  r->nodes = nodes;
  return tf_nodes_index(r, def->node, def->n_node, nodes) &&
         (!def->library || tf_functions_index(r, def->library));
}

GraphValue *tf_output(TfReader *r, TfScope *scope, const char *reference) {
  GraphValue *value = tf_value(r, scope, reference);
  int64_t block[2];
  if (!value || !tf_blocked(r, value, block)) return value;
  foreign_lacks(r->diags, r->file, E902, tf_dilations, "node `%s` is an output in blocks",
                reference);
  return NULL;
}

static bool read_outputs(TfReader *r, TfScope *scope) {
  Map read = {0};
  for (size_t i = 0; i < r->nodes->n; i++)
    for (size_t k = 0; k < r->nodes->node[i]->n_input; k++)
      map_put(r->arena, &read, base_of(r, r->nodes->node[i]->input[k]), r);
  for (size_t i = 0; i < r->nodes->n; i++) {
    const TfNode *node = r->nodes->node[i];
    bool silent = strcmp(node->op, "NoOp") == 0 || strcmp(node->op, "Assert") == 0 ||
                  strcmp(node->op, "Const") == 0 || strcmp(node->op, "Placeholder") == 0;
    if (map_get(&read, node->name) || silent) continue;
    GraphValue *value = tf_output(r, scope, node->name);
    if (!value) return false;
    graph_output(r->graph, node->name, value);
  }
  if (r->graph->n_out) return true;
  foreign_report(r->diags, r->file, E901,
                 "every node of `%s` is read by another, so it has no output", r->file->path);
  return false;
}

void tf_reader_start(TfReader *r, const ForeignFile *file, const ImportOptions *options,
                     Diags *diags) {
  *r = (TfReader){.arena = file->arena,
                  .file = file,
                  .diags = diags,
                  .begin = options->input,
                  .options = options};
  r->folds = usual_folds + FOLDS_PER_BYTE * (int64_t)file->data.len;
  r->repeated = 4 * usual_folds + FOLDS_PER_BYTE * (int64_t)file->data.len;
}

/* The node whose name is the most like the one that was asked for: it begins in the same way. */
static const char *near_name(const TfReader *r) {
  const TfNode *best = r->nodes->node[0];
  size_t most = 0;
  for (size_t i = 0; i < r->nodes->n; i++) {
    const TfNode *node = r->nodes->node[i];
    size_t same = 0;
    while (r->begin[same] && node->name[same] == r->begin[same])
      same++;
    bool better = same > most || (same == most && strcmp(best->op, "Const") == 0);
    if (better) best = node;
    if (better) most = same;
  }
  return best->name;
}

Graph *graphdef_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  UnpackBudget budget = unpack_budget(file->arena, file->data.len);
  ProtobufCAllocator allocator = unpack_allocator(&budget);
  TfReader r;
  tf_reader_start(&r, file, options, diags);
  const TfFile__Graph *def = tf_file__graph__unpack(&allocator, file->data.len, file->data.data);
  if (!def || !def->n_node) {
    foreign_report(diags, file, E901, "`%s` is a damaged or incomplete frozen graph of TensorFlow",
                   file->path);
    return NULL;
  }
  if (!tf_graph_index(&r, def)) return NULL;
  if (r.begin && !tf_node(&r, r.begin)) {
    foreign_lacks(diags, file, E904,
                  arena_printf(file->arena, "`--input` takes the name of a node, such as `%s`",
                               near_name(&r)),
                  "`%s` has no node `%s` to begin at", file->path, r.begin);
    return NULL;
  }
  r.graph = graph_new(file->arena, foreign_numbers(file), "graph");
  r.graph->format = "TensorFlow frozen graph";
  TfScope scope = {.graph = r.graph};
  return read_outputs(&r, &scope) ? r.graph : NULL;
}
