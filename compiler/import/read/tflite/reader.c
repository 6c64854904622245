/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The walk over a TensorFlow Lite file. In, its tables; out, the graph of the subgraph that the
 * chosen signature names, or NULL after reporting. Operators are read in the order of the file, and
 * a subgraph that is a body is read where an operator uses it. */
#include "import/read/tflite/reader.h"

#include <string.h>

enum { MAX_OPERATORS = 100000, MAX_SCOPES = 24, NUMBERS_PER_BYTE = 8, FOLDS_PER_BYTE = 8 };

static const int64_t usual_folds = 1 << 20, usual_numbers = 1 << 16;

/* ---- operators ---- */

typedef struct TfliteRow {
  int32_t code; /* of the schema; -1 for a custom operator */
  const char *name;
  int min_in, max_in, min_out, max_out;
  bool keeps;                   /* whether operands may be states or resources */
  bool (*function)(TflCall *c); /* NULL if the operator becomes one node of `same` */
  GraphOp same;
} TfliteRow;

static const TfliteRow rows[] = {
#define TFL_SAME(code, name, op) {code, name, 1, 1, 1, 1, false, NULL, GRAPH_##op},
#define TFL_PAIR(code, name, op) {code, name, 2, 2, 1, 1, false, NULL, GRAPH_##op},
#define TFL_OP(code, name, min_in, max_in, min_out, max_out, function)                             \
  {code, name, min_in, max_in, min_out, max_out, false, tfl_op_##function, GRAPH_Identity},
#define TFL_KEEPS(code, name, min_in, max_in, min_out, max_out, function)                          \
  {code, name, min_in, max_in, min_out, max_out, true, tfl_op_##function, GRAPH_Identity},
#define TFL_CUSTOM(name, min_in, max_in, min_out, max_out, function)                               \
  {-1, name, min_in, max_in, min_out, max_out, false, tfl_op_##function, GRAPH_Identity},
#include "import/read/tflite/tflite_ops.def"
};

/* Operators that are not read: their names, and what is read in their place; NULL: nothing is
 * near. */
static const struct Unread {
  int32_t code;
  const char *name, *near;
} unread[] = {
#define TFL_UNREAD(code, name, near) {code, name, near},
#include "import/read/tflite/tflite_unread.def"
#undef TFL_UNREAD
};

/* The name of a custom operator without the "Flex" that stands in front of the name of an operator
 * of TensorFlow. */
static const char *plain_name(const char *custom) {
  static const char flex[] = "Flex";
  return strncmp(custom, flex, sizeof flex - 1) == 0 ? custom + sizeof flex - 1 : custom;
}

static const TfliteRow *row_of(const TflOperator *op) {
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
    if (op->custom ? rows[i].code < 0 && strcmp(rows[i].name, plain_name(op->custom)) == 0
                   : rows[i].code == op->code)
      return &rows[i];
  return NULL;
}

/* NULL: it is read, or nothing is known of it. */
static const struct Unread *unread_find(int32_t code) {
  for (size_t i = 0; i < sizeof unread / sizeof *unread; i++)
    if (unread[i].code == code) return &unread[i];
  return NULL;
}

static const char *operator_name(TflReader *r, const TflOperator *op, const TfliteRow *row) {
  if (op->custom) return op->custom;
  if (row) return row->name;
  const struct Unread *known = unread_find(op->code);
  return known ? known->name : arena_printf(r->arena, "operator %d", op->code);
}

/* ---- values ---- */

GraphValue *tfl_value(TflScope *scope, int32_t tensor) {
  TflReader *r = scope->reader;
  if (tensor < 0 || tensor >= scope->n_tensors) {
    tfl_broken(r);
    return NULL;
  }
  const TflTensor *t = &scope->tensor[tensor];
  if (scope->value[tensor]) return scope->value[tensor];
  bool empty = t->rank > 0 && !t->variable;
  int64_t count = empty ? 1 : 0;
  for (int i = 0; i < t->rank; i++)
    count = t->dim[i] == 0 ? 0 : count;
  if (!t->data && !(empty && count == 0)) {
    foreign_report(r->diags, r->file, E901, "tensor `%s` is read, and no earlier node computes it",
                   t->name);
    return NULL;
  }
  const GraphTensor *numbers = tfl_constant(r, t);
  if (numbers) scope->value[tensor] = graph_constant(scope->graph, t->name, numbers);
  if (scope->use) sweeps_hold(&scope->use[tensor], scope->value[tensor]);
  return scope->value[tensor];
}

/* Sets the numbers of operands and results, after checking them against the row of the operator:
 * they are checked nowhere else. False after reporting. */
static bool counts_fit(TflCall *c, const TfliteRow *row) {
  uint32_t n_in = c->op.in.n, n_out = c->op.out.n;
  while (n_in && flat_element_i32(&c->reader->flat, c->op.in, n_in - 1) < 0)
    n_in--;
  if (n_in < (uint32_t)row->min_in || n_in > (uint32_t)row->max_in)
    return tfl_refuse(c, E901, "has %u operands; it takes %s %d", n_in,
                      n_in < (uint32_t)row->min_in ? "at least" : "at most",
                      n_in < (uint32_t)row->min_in ? row->min_in : row->max_in);
  if (n_out < (uint32_t)row->min_out || n_out > (uint32_t)row->max_out)
    return tfl_refuse(c, E901, "has %u results; it makes %s %d", n_out,
                      n_out < (uint32_t)row->min_out ? "at least" : "at most",
                      n_out < (uint32_t)row->min_out ? row->min_out : row->max_out);
  c->n_in = (int)n_in;
  c->n_out = (int)n_out;
  return true;
}

/* The tensor that is entry k of a list; NULL if it is left out, or after setting *bad because there
 * is none of that number. */
static TflTensor *tensor_at(TflCall *c, FlatVector list, int k, bool *bad) {
  int32_t i = flat_element_i32(&c->reader->flat, list, (uint32_t)k);
  if (i >= c->scope->n_tensors) *bad = true;
  return i < 0 || *bad ? NULL : &c->scope->tensor[i];
}

/* Fills the operands and results of a call. States that an operator keeps, and resources, are
 * tensors without values, which only some operators may read. False after reporting. */
static bool read_operands(TflCall *c, const TfliteRow *row) {
  Arena *arena = c->reader->arena;
  bool bad = false;
  c->in = ARENA_ARRAY(arena, GraphValue *, c->n_in + 1);
  c->from = ARENA_ARRAY(arena, TflTensor *, c->n_in + 1);
  c->to = ARENA_ARRAY(arena, TflTensor *, c->n_out + 1);
  for (int k = 0; k < c->n_out; k++)
    c->to[k] = tensor_at(c, c->op.out, k, &bad);
  for (int k = 0; k < c->n_in && !bad; k++) {
    TflTensor *t = c->from[k] = tensor_at(c, c->op.in, k, &bad);
    if (!t && !bad && k < row->min_in && !row->keeps)
      return tfl_refuse(c, E901, "lacks operand %d", k);
    if (!t) continue;
    ptrdiff_t i = t - c->scope->tensor;
    if (t->type == TFL_RESOURCE && c->scope->resource[i] == TFL_NO_VARIABLE)
      return tfl_refuse(c, E901, "reads the resource `%s`, which no earlier node makes", t->name);
    bool kept = t->type == TFL_RESOURCE || (t->variable && !t->data && !c->scope->value[i]);
    if (kept && !row->keeps)
      return tfl_lacks(c, E902, tfl_cut(c), "reads the state `%s`, which another operator keeps",
                       t->name);
    if (kept) continue;
    c->in[k] = tfl_value(c->scope, (int32_t)i);
    if (!c->in[k]) return false;
  }
  return !bad || tfl_broken(c->reader);
}

static bool unknown(TflCall *c) {
  TflReader *r = c->reader;
  bool flex = c->op.custom && strncmp(c->op.custom, "Flex", 4) == 0;
  const struct Unread *known = c->op.custom ? NULL : unread_find(c->op.code);
  Diag *d = foreign_report(r->diags, r->file, E902, "node `%s`: operator `%s` is not supported",
                           c->emit->name, c->emit->source);
  if (c->op.custom)
    diag_note(d, flex ? "it is an operator of TensorFlow that the converter could not convert to "
                        "TensorFlow Lite"
                      : "it is a custom operator: the file does not say what it computes");
  diag_fix(d, FIX_MAYBE, "%s",
           known && known->near ? known->near
           : flex
               ? "import the Keras model or the SavedModel from which it was converted: grus may "
                 "know what the converter did not"
               : tfl_cut(c));
  return false;
}

/* The name of operator i in messages, which is the name of its first result. */
static const char *node_name(TflScope *scope, const TflOperator *op, uint32_t i) {
  int32_t first = op->out.n ? flat_element_i32(&scope->reader->flat, op->out, 0) : -1;
  return first >= 0 && first < scope->n_tensors
             ? scope->tensor[first].name
             : arena_printf(scope->reader->arena, "operator %u", i);
}

static bool read_same(TflCall *c, const TfliteRow *row) {
  GraphValue *in[2] = {tfl_real(c, 0), tfl_real(c, 1)};
  return tfl_set_real(c, 0, emit_call(c->emit, row->same, row->min_in, in));
}

/* Notes that an operator computes in 16 bits. */
static void note_half(const TflCall *c) {
  const TflTensor *to = c->n_out ? c->to[0] : NULL;
  bool half = to && (to->type == TFL_FLOAT16 || to->type == TFL_BFLOAT16), constant = true;
  for (int k = 0; k < c->n_in; k++)
    if (c->in[k] && !c->in[k]->constant) constant = false;
  if (half && !constant) graph_half(c->reader->graph, c->emit->name, tfl_type_name(to->type));
}

static bool read_operator(TflScope *scope, FlatVector operators, uint32_t i) {
  TflReader *r = scope->reader;
  TflCall c = {.reader = r, .scope = scope};
  if (!tfl_operator(r, operators, i, &c.op)) return false;
  const TfliteRow *row = row_of(&c.op);
  *c.emit = (GraphEmit){.graph = scope->graph,
                        .name = node_name(scope, &c.op, i),
                        .source = operator_name(r, &c.op, row),
                        .folds = &r->folds};
  if (r->operators-- <= 0)
    return tfl_refuse(&c, E901, "exceeds the %d operators that grus supports", MAX_OPERATORS);
  if (!row) return unknown(&c);
  if (!counts_fit(&c, row) || !read_operands(&c, row)) return false;
  bool ok = row->function ? row->function(&c) : read_same(&c, row);
  if (ok) note_half(&c);
  return ok && (!r->flat.broken || tfl_broken(r));
}

/* ---- subgraphs ---- */

/* Calls visit for each tensor that operator i reads. */
static bool uses(TflScope *scope, FlatVector operators, uint32_t i, void (*visit)(ReadUse *use)) {
  TflOperator op;
  if (!tfl_operator(scope->reader, operators, i, &op)) return false;
  for (uint32_t k = 0; k < op.in.n; k++) {
    int32_t at = flat_element_i32(&scope->reader->flat, op.in, k);
    if (at >= 0 && at < scope->n_tensors) visit(&scope->use[at]);
  }
  return true;
}

bool tfl_read(TflScope *scope) {
  FlatVector operators = tfl_operators(scope);
  if (scope->reader->flat.broken) return tfl_broken(scope->reader);
  for (uint32_t i = 0; i < operators.n; i++) {
    if (!read_operator(scope, operators, i)) return false;
    if (scope->use && !uses(scope, operators, i, sweeps_read)) return false;
    if (scope->use) sweeps_run(&scope->reader->sweeps);
  }
  return true;
}

static void count_use(ReadUse *use) {
  use->left++;
}

/* Counts how often the operators of the outermost subgraph read each tensor. */
static bool count_uses(TflScope *scope) {
  FlatVector operators = tfl_operators(scope);
  scope->use = ARENA_ARRAY(scope->reader->arena, ReadUse, scope->n_tensors + 1);
  for (uint32_t i = 0; i < operators.n; i++)
    if (!uses(scope, operators, i, count_use)) return false;
  for (uint32_t k = 0; k < scope->out.n; k++) {
    int32_t at = flat_element_i32(&scope->reader->flat, scope->out, k);
    if (at >= 0 && at < scope->n_tensors) scope->use[at].left = READ_ALWAYS;
  }
  return true;
}

bool tfl_body(TflCall *c, int32_t subgraph, bool own, TflScope *scope) {
  TflReader *r = c->reader;
  *scope = (TflScope){.reader = r, .depth = c->scope->depth + 1, .initial = c->scope->initial};
  if (scope->depth > MAX_SCOPES)
    return tfl_refuse(c, E901, "has bodies that are nested too deeply");
  if (!tfl_open_scope(scope, subgraph)) return false;
  scope->graph = own ? graph_new(r->arena, foreign_numbers(r->file), tfl_text(r, scope->table, 4))
                     : c->emit->graph;
  return true;
}

static bool read_input(TflScope *scope, size_t signature, uint32_t k) {
  TflReader *r = scope->reader;
  int32_t i = flat_element_i32(&r->flat, scope->in, k);
  GraphElem elem;
  if (i < 0 || i >= scope->n_tensors || scope->value[i]) return tfl_broken(r);
  const TflTensor *t = &scope->tensor[i];
  const char *name = tfl_signature_name(r, signature, 0, i);
  if (!tfl_elem(t->type, &elem)) {
    return foreign_lacks(r->diags, r->file, E903,
                         "convert the model behind the nodes that make numbers of it, and compute "
                         "those in your program",
                         "input `%s` is of the type %s, which is not a tensor of numbers", t->name,
                         tfl_type_name(t->type));
  }
  GraphInput *input = graph_input(scope->graph, name ? name : t->name, elem);
  input->rank = t->rank;
  for (int a = 0; a < t->rank; a++)
    input->dim[a] = (GraphDim){.n = t->dim[a]};
  scope->value[i] = input->value;
  return true;
}

static bool read_output(TflScope *scope, size_t signature, uint32_t k) {
  TflReader *r = scope->reader;
  int32_t i = flat_element_i32(&r->flat, scope->out, k);
  if (i < 0 || i >= scope->n_tensors) return tfl_broken(r);
  GraphValue *value = tfl_value(scope, i);
  const char *name = tfl_signature_name(r, signature, 1, i);
  if (value) graph_output(scope->graph, name ? name : scope->tensor[i].name, value);
  return value != NULL;
}

Graph *tflite_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  Arena *arena = file->arena;
  int64_t bytes = (int64_t)file->data.len, subgraph;
  TflReader r = {.arena = arena,
                 .file = file,
                 .options = options,
                 .diags = diags,
                 .folds = usual_folds + FOLDS_PER_BYTE * bytes,
                 .numbers = usual_numbers + NUMBERS_PER_BYTE * bytes,
                 .operators = MAX_OPERATORS};
  if (!tfl_open(&r)) return NULL;
  r.graph = graph_new(arena, foreign_numbers(file), "");
  r.graph->format = "TensorFlow Lite";
  r.graph->scaled_ports = true;
  size_t signature;
  if (!tfl_signature(&r, &signature, &subgraph)) return NULL;
  TflScope scope = {.reader = &r, .graph = r.graph};
  if (!tfl_open_scope(&scope, subgraph)) return NULL;
  r.graph->name = tfl_text(&r, scope.table, 4);
  for (uint32_t k = 0; k < scope.in.n; k++)
    if (!read_input(&scope, signature, k)) return NULL;
  r.sweeps = (Sweeps){.graph = r.graph};
  if (!count_uses(&scope) || !tfl_read(&scope)) return NULL;
  for (uint32_t k = 0; k < scope.out.n; k++)
    if (!read_output(&scope, signature, k)) return NULL;
  if (!tfl_variables_start(&r)) return NULL;
  if (r.flat.broken) {
    tfl_broken(&r);
    return NULL;
  }
  if (r.graph->n_out) return r.graph;
  foreign_report(diags, file, E901, "`%s` has no outputs", file->path);
  return NULL;
}
