/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Sizes of tensors. Those of the inputs are numbers in each attempt, so those of all results follow
 * from the shape rules of the graph. */
#include "import/read/script/script.h"

#include "base/text.h"

enum { SMALL = 4096 };

/* The types by their numbers in the text, and in the programs of torch.export. */
static const struct {
  GraphElem elem;
  int in_text, exported;
} types[] = {{GRAPH_FLOAT, 6, 7},  {GRAPH_U8, 0, 1},     {GRAPH_I8, 1, 2},    {GRAPH_I16, 2, 3},
             {GRAPH_I32, 3, 4},    {GRAPH_I64, 4, 5},    {GRAPH_FLOAT, 5, 6}, {GRAPH_FLOAT, 7, 8},
             {GRAPH_BOOL, 11, 12}, {GRAPH_FLOAT, 15, 13}};
enum { N_TYPES = sizeof types / sizeof *types };

int64_t script_dtype(GraphElem elem) {
  for (int i = 0; i < N_TYPES; i++)
    if (types[i].elem == elem) return types[i].exported;
  return 7;
}

int64_t script_dtype_of(int64_t in_text) {
  for (int i = 0; i < N_TYPES; i++)
    if (types[i].in_text == in_text) return types[i].exported;
  return -1;
}

int64_t script_dtype_in_text(GraphElem elem) {
  for (int i = 0; i < N_TYPES; i++)
    if (types[i].elem == elem) return types[i].in_text;
  return 6;
}

static const GraphTensor *shape_of(ScriptRun *r, const GraphValue *v) {
  if (v->constant) return v->constant;
  return v->id < r->n_shapes ? r->shape[v->id] : NULL;
}

bool script_steps_are(ScriptRun *r, int64_t steps) {
  bool any = false;
  for (int i = 0; i < r->torch->graph->n_nodes; i++) {
    const GraphNode *node = r->torch->graph->node[i];
    if (node->op != GRAPH_Lstm && node->op != GRAPH_Gru && node->op != GRAPH_Rnn) continue;
    const GraphTensor *x = shape_of(r, node->in[0]);
    any = true;
    if (x && x->rank && x->dim[0] == steps) return true;
  }
  return !any;
}

const GraphTensor *script_shape(ScriptRun *r, const char *name) {
  GraphValue *v = map_get(&r->torch->values, name);
  return v ? shape_of(r, v) : NULL;
}

static void set_shape(ScriptRun *r, const GraphValue *v, const GraphTensor *t) {
  while (r->n_shapes <= v->id)
    ARENA_PUSH(r->arena, r->shape, r->n_shapes, r->cap_shapes, NULL);
  r->shape[v->id] = (GraphTensor *)(uintptr_t)t;
}

void script_describe_as(ScriptRun *r, const char *name, GraphElem elem, int rank,
                        const int64_t *dim) {
  GraphValue *v = map_get(&r->torch->values, name);
  json_error_t error;
  Text text = text_new(r->arena);
  text_add(&text, "{\"sizes\": [");
  for (int i = 0; i < rank; i++)
    text_printf(&text, "%s{\"as_int\": %lld}", i ? ", " : "", (long long)dim[i]);
  text_printf(&text, "], \"dtype\": %lld}", (long long)script_dtype(elem));
  json_t *meta = json_read(r->arena, text_str(&text), text.len, 0, &error);
  if (meta) json_put(r->arena, r->torch->sizes, name, meta);
  if (!v || shape_of(r, v)) return;
  GraphTensor *t = ARENA_NEW(r->arena, GraphTensor);
  *t = (GraphTensor){.elem = elem, .rank = rank, .count = 1};
  for (int i = 0; i < rank; i++) {
    t->dim[i] = dim[i];
    t->count *= dim[i];
  }
  set_shape(r, v, t);
}

void script_describe(ScriptRun *r, const char *name) {
  const GraphTensor *t = script_shape(r, name);
  if (t) script_describe_as(r, name, t->elem, t->rank, t->dim);
}

/* Sizes as numbers; small whole numbers are computed, so that sizes that follow from them are
 * known. */
static bool infer_node(ScriptRun *r, const GraphNode *node) {
  const GraphTensor **in = ARENA_ARRAY(r->arena, const GraphTensor *, node->n_in + 1);
  GraphCall call = {.arena = r->arena, .node = node, .in = in};
  bool known = true;
  int64_t count = 0;
  for (int k = 0; k < node->n_in; k++) {
    in[k] = node->in[k] ? shape_of(r, node->in[k]) : NULL;
    if (node->in[k] && !in[k]) {
      torch_bad(r->torch, "node `%s` reads a tensor that is not known", node->name);
      return false;
    }
    known = known && (!in[k] || graph_known(in[k]) || node->op == GRAPH_Shape);
    count += in[k] ? in[k]->count : 0;
  }
  call.out = ARENA_ARRAY(r->arena, GraphTensor, node->n_out + 1);
  if (!graph_call_shape(&call)) {
    foreign_refuse_node(r->torch->diags, r->script->file, E901, node->name, node->source,
                        "cannot be computed: %s", call.fault);
    return false;
  }
  for (int k = 0; k < node->n_out; k++)
    count += call.out[k].count;
  bool shape = node->op == GRAPH_Shape;
  if (shape) {
    double *dim = ARENA_ARRAY(r->arena, double, GRAPH_MAX_RANK);
    for (int i = 0; i < in[0]->rank; i++)
      dim[i] = (double)in[0]->dim[i];
    if (call.out[0].count == in[0]->rank) call.out[0].wide = dim;
  } else if (known && count <= SMALL && graph_elem_is_whole(call.out[0].elem)) {
    if (!script_spend(r, count / 16)) return false;
    graph_call_compute(&call);
  }
  for (int k = 0; k < node->n_out; k++)
    if (node->out[k]) set_shape(r, node->out[k], &call.out[k]);
  return true;
}

bool script_infer(ScriptRun *r) {
  const Graph *graph = r->torch->graph;
  for (; r->nodes_done < graph->n_nodes; r->nodes_done++) {
    const GraphNode *node = graph->node[r->nodes_done];
    if (node->op == GRAPH_VarAssign) continue;
    if (node->op == GRAPH_VarRead) {
      int64_t variable = graph_int(node, GRAPH_ATTR_variable, 0);
      const GraphTensor *start = graph->variable[variable].start;
      GraphTensor *t = ARENA_NEW(r->arena, GraphTensor);
      *t = *start;
      t->wide = NULL;
      t->narrow = NULL;
      set_shape(r, node->out[0], t);
      continue;
    }
    if (!infer_node(r, node)) return false;
  }
  return true;
}
