/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The walk over an ONNX file: its inputs, constants and nodes in order, bodies of loops and
 * functions within. In, messages; out, the graph, or NULL after reporting. */
#include "import/read/onnx/reader.h"

#include <string.h>

enum {
  OLDEST_OPSET = 6,
  NEWEST_OPSET = 28,
  MAX_NODES = 200000,
  MAX_SCOPES = 24,
  MAX_WAITING = 500, /* nodes that wait for one another */
  FOLDS_PER_BYTE = 8
};

static const int64_t usual_folds = 1 << 20, most_numbers = INT64_C(1) << 29;

/* ---- operators ---- */

typedef struct OnnxRow {
  const char *domain, *name;
  int min_in, max_in, max_out;
  bool (*function)(OnnxCall *c); /* NULL: one node of the operator `same` */
  GraphOp same;
} OnnxRow;

static const OnnxRow rows[] = {
#define ONNX_SAME(name, n_in, op) {"", name, n_in, n_in, 1, NULL, GRAPH_##op},
#define ONNX_OP(domain, name, min_in, max_in, max_out, function)                                   \
  {domain, name, min_in, max_in, max_out, onnx_op_##function, GRAPH_Identity},
#include "import/read/onnx/onnx_ops.def"
};

bool onnx_is_standard(const char *domain) {
  return !*domain || strcmp(domain, "ai.onnx") == 0;
}

static const OnnxRow *row_of(const OnnxNode *node) {
  const char *domain = onnx_is_standard(node->domain) ? "" : node->domain;
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (strcmp(rows[i].name, node->op_type) == 0 && strcmp(rows[i].domain, domain) == 0)
      return &rows[i];
  return NULL;
}

static const OnnxFunction *function_of(const OnnxReader *r, const OnnxNode *node) {
  for (size_t i = 0; i < r->model->n_functions; i++) {
    const OnnxFunction *f = r->model->functions[i];
    if (strcmp(f->name, node->op_type) == 0 && strcmp(f->domain, node->domain) == 0) return f;
  }
  return NULL;
}

/* ---- what operators ask ---- */

static bool is_outermost(const Scope *scope) {
  return !scope->outer && !scope->caller;
}

GraphValue *call_operand(const OnnxCall *c, int k) {
  return k < c->n_in ? c->in[k] : NULL;
}

bool call_wants(const OnnxCall *c, int k) {
  return (size_t)k < c->node->n_output && *c->node->output[k];
}

/* A value that already has a name, as what a Cast leaves alone, stays for the readers of both. */
static void hold(const OnnxReader *r, const char *name, GraphValue *value) {
  ReadUse *use = map_get(&r->uses, name), *first = map_get(&r->uses, value->name);
  bool again = value->is_held && first && use && first != use;
  if (again) first->left = use->left = READ_ALWAYS;
  sweeps_hold(use, value);
}

bool call_is_read(const OnnxCall *c, int k) {
  bool of_function = c->scope->caller != NULL; /* whose names are not counted */
  return call_wants(c, k) && (of_function || map_get(&c->reader->uses, c->node->output[k]) != NULL);
}

bool call_set(OnnxCall *c, int k, GraphValue *value) {
  if (!value || !call_wants(c, k)) return true;
  const char *name = c->node->output[k];
  if (map_get(&c->scope->names, name))
    return call_refuse(c, E901, "computes `%s`, which an earlier node computes", name);
  if (!*value->name) value->name = name;
  map_put(c->reader->arena, &c->scope->names, name, value);
  if (is_outermost(c->scope)) hold(c->reader, name, value);
  return true;
}

bool call_constant_ints(OnnxCall *c, int k, const char *what, int most, int *n, int64_t *out) {
  const GraphValue *value = call_operand(c, k);
  DiagCode code;
  if (constant_ints(value, most, n, out)) return true;
  const char *problem = constant_ints_problem(c->reader->arena, value, what, most, &code);
  if (code == E901) return call_refuse(c, E901, "%s", problem);
  return call_lacks(
      c, code,
      "if they depend only on sizes, fix those and let onnxruntime compute them "
      "(`optimized_model_filepath`, `ORT_ENABLE_BASIC`); otherwise make them constants",
      "%s", problem);
}

/* ---- names ---- */

static GraphValue *scope_find(const Scope *scope, const char *name) {
  for (; scope; scope = scope->outer) {
    GraphValue *value = map_get(&scope->names, name);
    if (value) return value;
  }
  return NULL;
}

static const char *node_name(const OnnxReader *r, const Scope *scope, const OnnxNode *node) {
  const char *name = *node->name ? node->name : node->n_output ? node->output[0] : "";
  const char *within = scope->caller ? scope->caller->emit->name : "";
  return *within ? arena_printf(r->arena, "%s/%s", within, name) : name;
}

/* Checks the operand and result counts of a node against its row; no other place does. */
static bool counts_fit(OnnxCall *c, const OnnxRow *row) {
  size_t n_in = c->node->n_input, n_out = c->node->n_output;
  while (n_in && !*c->node->input[n_in - 1])
    n_in--;
  if (n_in < (size_t)row->min_in || n_in > (size_t)row->max_in)
    return call_refuse(c, E901, "has %zu operands; it takes %s%d", n_in,
                       n_in < (size_t)row->min_in ? "at least " : "at most ",
                       n_in < (size_t)row->min_in ? row->min_in : row->max_in);
  if (n_out > (size_t)row->max_out)
    return call_refuse(c, E901, "has %zu results; it makes %d", n_out, row->max_out);
  c->n_in = (int)n_in;
  return true;
}

static bool read_operands(OnnxCall *c) {
  c->in = ARENA_ARRAY(c->reader->arena, GraphValue *, c->n_in + 1);
  for (int k = 0; k < c->n_in; k++) {
    const char *name = c->node->input[k];
    c->in[k] = *name ? scope_find(c->scope, name) : NULL;
    if (*name && !c->in[k])
      return call_refuse(c, E901, "reads `%s`, which no earlier node computes", name);
  }
  return true;
}

/* ---- functions of the model ---- */

static bool read_node(OnnxReader *r, Scope *scope, const OnnxNode *node);

/* Reports a function whose operators have another version than those of the model. */
static bool opset_agrees(OnnxCall *c, const OnnxFunction *f) {
  for (size_t i = 0; i < f->n_opset_import; i++)
    if (onnx_is_standard(f->opset_import[i]->domain) &&
        f->opset_import[i]->version != c->reader->opset)
      return call_lacks(c, E902,
                        "`onnx.inliner.inline_local_functions(model, convert_version=True)` writes "
                        "its nodes in the opset of the model",
                        "is a function of opset %lld in a model of opset %lld",
                        (long long)f->opset_import[i]->version, (long long)c->reader->opset);
  return true;
}

static bool expand(OnnxCall *c, const OnnxFunction *f) {
  OnnxReader *r = c->reader;
  Scope scope = {
      .graph = c->scope->graph, .caller = c, .function = f, .depth = c->scope->depth + 1};
  c->n_in = (int)c->node->n_input;
  if (!opset_agrees(c, f)) return false;
  if (scope.depth > MAX_SCOPES)
    return call_refuse(c, E901, "is a function that is nested too deeply");
  if (c->node->n_input > f->n_input || c->node->n_output > f->n_output)
    return call_refuse(c, E901, "has more operands or results than its function");
  if (!read_operands(c)) return false;
  for (int k = 0; k < c->n_in; k++)
    if (c->in[k]) map_put(r->arena, &scope.names, f->input[k], c->in[k]);
  for (size_t i = 0; i < f->n_node; i++) {
    const OnnxNode *node = onnx_unpack_node(r->arena, f->node[i]);
    if (!node) return call_refuse(c, E901, "is a function whose nodes are damaged");
    if (!read_node(r, &scope, node)) return false;
  }
  for (size_t k = 0; k < c->node->n_output; k++) {
    GraphValue *value = map_get(&scope.names, f->output[k]);
    if (call_wants(c, (int)k) && !value)
      return call_refuse(c, E901, "is a function that does not make `%s`", f->output[k]);
    if (!call_set(c, (int)k, value)) return false;
  }
  return true;
}

static bool read_node(OnnxReader *r, Scope *scope, const OnnxNode *node) {
  const OnnxRow *row = row_of(node);
  const OnnxFunction *function = row ? NULL : function_of(r, node);
  OnnxCall c = {.reader = r, .scope = scope, .node = node};
  *c.emit = (GraphEmit){.graph = scope->graph,
                        .name = node_name(r, scope, node),
                        .source = node->op_type,
                        .folds = &r->folds,
                        .seen = &r->seen};
  if (r->nodes-- <= 0)
    return call_refuse(&c, E901, "exceeds the %d nodes that grus supports", MAX_NODES);
  if (function) return expand(&c, function);
  if (!row) return onnx_unknown(&c);
  if (!counts_fit(&c, row) || !read_operands(&c)) return false;
  for (int k = 0; k < row->min_in; k++)
    if (!c.in[k]) return call_refuse(&c, E901, "lacks operand %d", k);
  bool done = row->function ? row->function(&c)
                            : call_set(&c, 0, emit_call(c.emit, row->same, c.n_in, c.in));
  if (done) onnx_note_halves(&c);
  return done;
}

/* ---- graphs ---- */

static bool read_constants(OnnxReader *r, Scope *scope, const OnnxBody *from) {
  if (from->n_sparse_initializer) {
    onnx_bad(r, "graph `%s` has sparse tensors, which is not supported", from->name);
    return false;
  }
  for (size_t i = 0; i < from->n_initializer; i++) {
    const GraphTensor *t = onnx_constant(r, from->initializer[i]);
    if (!t) return false;
    OnnxFile__Tensor *stored = from->initializer[i];
    GraphValue *value = graph_constant(scope->graph, stored->name, t);
    onnx_note_type(r, stored->name, stored->data_type);
    map_put(r->arena, &scope->names, stored->name, value);
    if (!is_outermost(scope)) continue;
    sweeps_hold(map_get(&r->uses, stored->name), value);
    arena_release(r->arena, stored->raw_data.data);
    stored->raw_data = (ProtobufCBinaryData){0, NULL};
  }
  return true;
}

/* ---- when constants are read for the last time ---- */

static ReadUse *use_of(OnnxReader *r, const char *name) {
  ReadUse *use = map_get(&r->uses, name);
  if (use) return use;
  use = ARENA_NEW(r->arena, ReadUse);
  map_put(r->arena, &r->uses, name, use);
  return use;
}

/* Keeps the constants that a body reads: they may belong to the graph around it, and every step
 * reads them. */
static void count_body(OnnxReader *r, const OnnxBody *body) {
  for (size_t i = 0; i < body->n_node; i++)
    for (size_t k = 0; k < body->node[i]->n_input; k++)
      use_of(r, body->node[i]->input[k])->left = READ_ALWAYS;
  for (size_t k = 0; k < body->n_output; k++)
    use_of(r, body->output[k]->name)->left = READ_ALWAYS;
  for (size_t i = 0; i < body->n_node; i++)
    for (size_t k = 0; k < body->node[i]->n_attribute; k++)
      if (body->node[i]->attribute[k]->g) count_body(r, body->node[i]->attribute[k]->g);
}

static void count_uses(OnnxReader *r, const OnnxBody *from) {
  for (size_t i = 0; i < from->n_node; i++) {
    const OnnxNode *node = from->node[i];
    for (size_t k = 0; k < node->n_input; k++) {
      ReadUse *use = use_of(r, node->input[k]);
      if (use->left < READ_ALWAYS) use->left++;
    }
    for (size_t k = 0; k < node->n_attribute; k++)
      if (node->attribute[k]->g) count_body(r, node->attribute[k]->g);
  }
  for (size_t k = 0; k < from->n_output; k++)
    use_of(r, from->output[k]->name)->left = READ_ALWAYS;
}

static void node_is_read(OnnxReader *r, const OnnxNode *node) {
  for (size_t k = 0; k < node->n_input; k++)
    sweeps_read(map_get(&r->uses, node->input[k]));
  sweeps_run(&r->sweeps);
}

static bool read_input(OnnxReader *r, Scope *scope, const OnnxFile__Port *port, bool outermost) {
  const OnnxFile__TensorType *type = port->type ? port->type->tensor_type : NULL;
  GraphElem elem = GRAPH_FLOAT;
  if (outermost && (!type || !onnx_elem(type->elem_type, &elem)))
    return foreign_lacks(r->diags, r->file, E903,
                         "begin at the tensor of numbers that a node makes of it: "
                         "`onnx.utils.extract_model` takes the names of its inputs",
                         "input `%s` is not a tensor of numbers", port->name);
  if (type) onnx_elem(type->elem_type, &elem);
  if (type) onnx_note_type(r, port->name, type->elem_type);
  GraphInput *input = graph_input(scope->graph, port->name, elem);
  map_put(r->arena, &scope->names, port->name, input->value);
  if (!type || !type->shape) return true;
  if (type->shape->n_dim > GRAPH_MAX_RANK) {
    onnx_bad(r, "`%s` has %zu axes; at most %d are supported", port->name, type->shape->n_dim,
             GRAPH_MAX_RANK);
    return false;
  }
  input->rank = (int)type->shape->n_dim;
  for (int k = 0; k < input->rank; k++) {
    const OnnxFile__Dim *dim = type->shape->dim[k];
    bool fixed = dim->value_case == ONNX_FILE__DIM__VALUE_DIM_VALUE && dim->dim_value > 0;
    bool named = dim->value_case == ONNX_FILE__DIM__VALUE_DIM_PARAM && *dim->dim_param;
    input->dim[k] = (GraphDim){.n = fixed ? dim->dim_value : GRAPH_OPEN,
                               .symbol = named ? dim->dim_param : NULL};
  }
  return true;
}

/* The nodes of a graph, which the format wants in order. Files that were merged from others have
 * some that read what a later node makes: that one is read first then. */
typedef struct Order {
  const OnnxBody *from;
  bool *begun;   /* by node */
  Map makers;    /* name -> a node of `from`; made when a name is missing */
  bool is_known; /* makers */
} Order;

static void find_makers(OnnxReader *r, Order *o) {
  for (size_t i = 0; i < o->from->n_node && !o->is_known; i++)
    for (size_t k = 0; k < o->from->node[i]->n_output; k++)
      map_put(r->arena, &o->makers, o->from->node[i]->output[k], &o->from->node[i]);
  o->is_known = true;
}

/* If a node waits for itself, its operand is reported as missing. */
static bool read_in_order(OnnxReader *r, Scope *scope, Order *o, size_t i, int depth) {
  const OnnxNode *node = o->from->node[i];
  if (o->begun[i]) return true;
  o->begun[i] = true;
  for (size_t k = 0; k < node->n_input && depth < MAX_WAITING; k++) {
    if (!*node->input[k] || scope_find(scope, node->input[k])) continue;
    find_makers(r, o);
    OnnxNode *const *maker = map_get(&o->makers, node->input[k]);
    if (maker && !read_in_order(r, scope, o, (size_t)(maker - o->from->node), depth + 1))
      return false;
  }
  if (!read_node(r, scope, node)) return false;
  if (is_outermost(scope)) node_is_read(r, node);
  return true;
}

/* An initializer that is listed among the inputs is a constant. */
static bool read_graph(OnnxReader *r, Scope *scope, const OnnxBody *from, bool outermost) {
  if (!read_constants(r, scope, from)) return false;
  for (size_t i = 0; i < from->n_input; i++)
    if (!map_get(&scope->names, from->input[i]->name) &&
        !read_input(r, scope, from->input[i], outermost))
      return false;
  Order order = {.from = from, .begun = ARENA_ARRAY(r->arena, bool, from->n_node + 1)};
  for (size_t i = 0; i < from->n_node; i++)
    if (!read_in_order(r, scope, &order, i, 0)) return false;
  for (size_t i = 0; i < from->n_output; i++) {
    const char *name = from->output[i]->name;
    GraphValue *value = scope_find(scope, name);
    if (!value) {
      onnx_bad(r, "output `%s` is computed by no node", name);
      return false;
    }
    graph_output(scope->graph, name, value);
  }
  return true;
}

Graph *call_body(OnnxCall *c, const OnnxBody *body) {
  OnnxReader *r = c->reader;
  Scope scope = {.graph = graph_new(r->arena, foreign_numbers(r->file), body->name),
                 .outer = c->scope,
                 .depth = c->scope->depth + 1};
  if (scope.depth > MAX_SCOPES) {
    call_refuse(c, E901, "has bodies that are nested too deeply");
    return NULL;
  }
  return read_graph(r, &scope, body, false) ? scope.graph : NULL;
}

static bool opset_is_known(OnnxReader *r) {
  const OnnxFile__Model *m = r->model;
  for (size_t i = 0; i < m->n_opset_import; i++)
    if (onnx_is_standard(m->opset_import[i]->domain)) r->opset = m->opset_import[i]->version;
  if (r->opset >= OLDEST_OPSET && r->opset <= NEWEST_OPSET) return true;
  const char *path = r->file->path;
  if (!r->opset)
    return foreign_lacks(r->diags, r->file, E904,
                         "add the opset for which it was written, as in "
                         "`model.opset_import.append(onnx.helper.make_opsetid(\"\", 17))`",
                         "`%s` does not say which opset its operators belong to", path);
  return foreign_lacks(
      r->diags, r->file, E902,
      r->opset < OLDEST_OPSET
          ? "convert it: `onnx.version_converter.convert_version(onnx.load(FILE), 6)`"
          : arena_printf(r->arena, "export it with `opset_version=%d` or less", NEWEST_OPSET),
      "`%s` uses operators of opset %lld; grus supports %d to %d", path, (long long)r->opset,
      OLDEST_OPSET, NEWEST_OPSET);
}

Graph *onnx_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Arena *arena = file->arena;
  int64_t bytes = (int64_t)file->data.len;
  (void)options;
  OnnxReader r = {.arena = arena,
                  .file = file,
                  .diags = diags,
                  .folds = usual_folds + FOLDS_PER_BYTE * bytes,
                  .numbers = most_numbers,
                  .nodes = MAX_NODES};
  r.model = onnx_unpack(arena, file, diags);
  if (!r.model || !opset_is_known(&r)) return NULL;
  const OnnxBody *from = r.model->graph;
  r.graph = graph_new(arena, foreign_numbers(file), from->name);
  const char *producer = r.model->producer_name, *version = r.model->producer_version;
  r.graph->format =
      arena_printf(arena, "ONNX opset %lld%s%s%s%s", (long long)r.opset, *producer ? ", " : "",
                   producer, *producer && *version ? " " : "", *producer ? version : "");
  Scope scope = {.graph = r.graph};
  r.sweeps = (Sweeps){.graph = r.graph};
  count_uses(&r, from);
  if (!read_graph(&r, &scope, from, true)) return NULL;
  if (!r.graph->n_out) {
    foreign_report(diags, file, E901, "`%s` has no outputs", file->path);
    return NULL;
  }
  return r.graph;
}
