/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* An operator on tensors: its call in the text becomes a node as torch.export writes it, and the
 * reader of those makes the graph of it. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <math.h>
#include <string.h>

/* JSON has no infinities: torch.export writes them as words. */
static void add_real(Text *t, double x) {
  if (isfinite(x))
    text_add_double(t, x);
  else
    text_add(t, isnan(x) ? "\"NaN\"" : x > 0 ? "\"Infinity\"" : "\"-Infinity\"");
}

static void add_tensor(Text *t, const char *name) {
  text_add(t, "{\"name\": ");
  text_add_json(t, name);
  text_add(t, "}");
}

/* {"key": as JSON. */
static void begin(Text *t, const char *key) {
  text_printf(t, "{\"%s\": ", key);
}

static void add_list(Text *t, char type, const ScriptValue *v) {
  bool single = v->kind != VALUE_LIST && v->kind != VALUE_TUPLE;
  text_add(t, "[");
  for (int i = 0; i < (single ? 1 : v->n); i++) {
    const ScriptValue *item = single ? v : v->item[i];
    if (i) text_add(t, ", ");
    if (type == 'I' || type == 'J') {
      text_printf(t, "%lld", (long long)item->i);
    } else if (type == 'F' || type == 'G') {
      add_real(t, script_real(item));
    } else if (type == 'L') {
      add_tensor(t, item->text);
    } else if (item->kind == VALUE_NONE) {
      text_add(t, "{\"as_none\": true}");
    } else {
      begin(t, "as_tensor");
      add_tensor(t, item->text);
      text_add(t, "}");
    }
  }
  text_add(t, "]");
}

static const char *list_key(char type) {
  return type == 'L'                  ? "as_tensors"
         : type == 'l'                ? "as_optional_tensors"
         : type == 'I' || type == 'J' ? "as_ints"
                                      : "as_floats";
}

/* A number or a truth. */
static void add_scalar(Text *t, char type, const ScriptValue *v) {
  if (type == 'd' || type == 'e') {
    text_printf(t, "{\"as_scalar_type\": %lld", (long long)script_dtype_of(v->i));
  } else if (v->kind == VALUE_BOOL) {
    text_printf(t, "{\"as_bool\": %s", v->i ? "true" : "false");
  } else if (v->kind == VALUE_FLOAT || type == 'f' || type == 'g') {
    begin(t, "as_float");
    add_real(t, script_real(v));
  } else {
    text_printf(t, "{\"as_int\": %lld", (long long)v->i);
  }
}

/* An argument as torch.export writes it. */
static void add_arg(Text *t, char type, const ScriptValue *v) {
  if (v->kind == VALUE_NONE) {
    text_add(t, "{\"as_none\": true");
  } else if (strchr("LlIJFG", type)) {
    begin(t, list_key(type));
    add_list(t, type, v);
  } else if (type == 'T' || type == 't') {
    begin(t, "as_tensor");
    add_tensor(t, v->text);
  } else if (type == 'w' || type == 'v') {
    begin(t, "as_string");
    text_add_json(t, v->text);
  } else {
    add_scalar(t, type, v);
  }
  text_add(t, "}");
}

/* A name for a result that no other has. */
static const char *fresh(ScriptRun *r, const char *op) {
  int *count = map_get(&r->counts, op);
  if (!count) {
    count = ARENA_NEW(r->arena, int);
    map_put(r->arena, &r->counts, op, count);
  }
  const char *name;
  do {
    name = *count ? arena_printf(r->arena, "%s_%d", op, *count) : arena_strdup(r->arena, op);
    ++*count;
  } while (map_get(&r->torch->values, name));
  return name;
}

static ScriptValue *tensor_named(ScriptRun *r, const char *name) {
  ScriptValue *v = script_value(r->arena, VALUE_TENSOR);
  v->text = name;
  return v;
}

/* Names for the results, and what is known of them before they are made. */
static ScriptValue *results_of(ScriptRun *r, const ScriptSchema *row, const char *op, int n,
                               const ScriptArg *arg, ScriptValue *const *value, Text *t) {
  static const int64_t unknown[GRAPH_MAX_RANK] = {0};
  bool list = row->results == 'L';
  int count = list ? script_list_length(r, row->op, n, arg, value) : row->results - '0';
  GraphElem elem = script_result_elem(r, row->op, n, arg, value);
  int rank = script_result_rank(r, row->op, n, arg, value);
  ScriptValue *all = script_value(r->arena, list ? VALUE_LIST : VALUE_TUPLE);
  if (rank > GRAPH_MAX_RANK) rank = GRAPH_MAX_RANK;
  if (list) text_add(t, "{\"as_tensors\": [");
  for (int k = 0; k < count; k++) {
    const char *name = fresh(r, op);
    script_push(r->arena, all, tensor_named(r, name));
    script_describe_as(r, name, elem, rank, unknown);
    if (k) text_add(t, ", ");
    if (!list) begin(t, "as_tensor");
    add_tensor(t, name);
    if (!list) text_add(t, "}");
  }
  if (list) text_add(t, "]}");
  return count == 1 && !list ? all->item[0] : all;
}

/* The operator of torch.export that a row is: convolutions as tracing writes them have arguments
 * that make no difference at the end, and `split` takes one size or several. */
static const char *known_as(ScriptRun *r, const ScriptSchema *row, ScriptValue *const *value) {
  if (strcmp(row->op, "_convolution") == 0) return "convolution";
  if (strcmp(row->op, "_convolution_mode") == 0) { /* its padding is a word */
    const GraphTensor *weight = script_shape(r, value[1]->text);
    return weight && weight->rank == 4 ? "conv2d" : "conv1d";
  }
  bool sizes = strcmp(row->op, "split") == 0 && strstr(row->args, "split_sizes:");
  return sizes ? "split_with_sizes" : row->op;
}

/* "line 12 of `code/__torch__/models.py`" */
static const char *place_of(ScriptRun *r) {
  return arena_printf(r->arena, "line %d of `%s`", r->line, r->at ? r->at->unit->path : "");
}

/* An operator in place on an attribute shows that it is state. The attempt goes on as if that had
 * been known, to find the others. */
static void find_state(ScriptRun *r, const char *name) {
  const GraphTensor *t = map_get(&r->attributes, name) ? script_shape(r, name) : NULL;
  if (t && script_found_state(r, name)) script_state(r, name, t);
}

/* Whether an input is used as places, so that its elements are whole numbers. */
static bool finds_whole(ScriptRun *r, const char *op, int n, const ScriptArg *arg,
                        ScriptValue *const *value) {
  Script *s = r->script;
  for (int k = 0; k < n; k++) {
    bool places = strcmp(arg[k].name, "indices") == 0 || strcmp(op, "one_hot") == 0 ||
                  (strcmp(op, "index_select") == 0 && strcmp(arg[k].name, "index") == 0);
    const GraphTensor *t =
        places && value[k]->kind == VALUE_TENSOR ? script_shape(r, value[k]->text) : NULL;
    bool found = t && t->elem == GRAPH_FLOAT && script_input(r, value[k]) >= 0 &&
                 !map_get(&s->whole, value[k]->text);
    if (!found) continue;
    map_put(s->arena, &s->whole, arena_strdup(s->arena, value[k]->text), s);
    return s->written_more = true;
  }
  return false;
}

/* An input whose sizes are not known in this attempt. */
static bool needs_input(ScriptRun *r, const char *op, int n, ScriptValue *const *value) {
  bool pair = strcmp(op, "lstm") == 0 || strcmp(op, "lstm_cell") == 0;
  for (int k = 0; k < n; k++) {
    const ScriptValue *v = value[k];
    bool list = v->kind == VALUE_LIST || v->kind == VALUE_TUPLE;
    for (int i = 0; i < (list ? v->n : 1); i++)
      if (script_needs(r, list ? v->item[i] : v)) {
        if (pair && list && i) r->like = script_input(r, v->item[i - 1]);
        return true;
      }
  }
  return false;
}

/* After the node: what tensors have come to be. */
static ScriptValue *describe_all(ScriptRun *r, ScriptValue *out) {
  if (out->kind == VALUE_TENSOR) script_describe(r, out->text);
  for (int k = 0; k < out->n; k++)
    script_describe(r, out->item[k]->text);
  return out;
}

static bool add_node(ScriptRun *r, const char *text) {
  enum { STEPS_OF_A_NODE = 16 }; /* for the memory that it takes */
  json_error_t error;
  if (!script_spend(r, STEPS_OF_A_NODE)) return false;
  json_t *nodes = json_object_get(r->torch->body, "nodes"),
         *node = json_read(r->arena, text, strlen(text), 0, &error);
  if (!node) {
    torch_bad(r->torch, "a name in the archive is not UTF-8");
    return false;
  }
  json_add(r->arena, nodes, node);
  return torch_read_node(r->torch, node, json_array_size(nodes) - 1) && script_infer(r);
}

/* A message of a node says where in the text it is. */
static ScriptValue *note_place(ScriptRun *r) {
  Diag *d = r->torch->diags->first;
  if (d && d->n_notes == 0) diag_note(d, "it comes from %s", place_of(r));
  return NULL;
}

/* A slice that takes everything is the tensor itself, so that a state may be changed through it. */
static bool takes_all(const char *op, int n, const ScriptArg *arg, ScriptValue *const *value) {
  if (strcmp(op, "slice") != 0) return false;
  for (int k = 1; k < n; k++) {
    const ScriptValue *v = value[k];
    bool start = strcmp(arg[k].name, "start") == 0, step = strcmp(arg[k].name, "step") == 0,
         end = strcmp(arg[k].name, "end") == 0;
    bool usual = v->kind == VALUE_NONE || (start && v->i == 0) || (step && v->i == 1) ||
                 (end && v->i == INT64_MAX) || strcmp(arg[k].name, "dim") == 0;
    if (!usual) return false;
  }
  return true;
}

/* A type that is double or half. */
static void note_type(ScriptRun *r, char type, const ScriptValue *v) {
  GraphElem elem;
  bool given = (type == 'd' || type == 'e') && v->kind == VALUE_INT && !v->text;
  if (given && torch_elem(script_dtype_of(v->i), &elem) && elem == GRAPH_FLOAT &&
      v->i != script_dtype_in_text(GRAPH_FLOAT))
    r->script->other_floats = true;
}

ScriptValue *script_aten(ScriptRun *r, const char *op, const ScriptArgs *args) {
  ScriptArg arg[SCRIPT_MAX_ARGS];
  ScriptValue *const *value = args->value;
  int n = args->n;
  size_t len = strlen(op);
  bool in_place = len > 1 && op[len - 1] == '_' && op[len - 2] != '_' && !script_has_schema(op);
  const char *base = in_place ? arena_strndup(r->arena, op, len - 1) : op;
  const ScriptSchema *row = script_match(r->arena, base, args, arg);
  if (!row) {
    bool known = script_has_schema(base);
    if (known)
      script_lacks(r, E902, script_export, "calls `%s` with arguments that are not supported",
                   base);
    else
      torch_unknown_op(r->torch, base, place_of(r));
    return NULL;
  }
  if (in_place && n && value[0]->kind == VALUE_TENSOR) {
    const char *root = script_root(r, value[0]->text);
    script_note_change(r, root);
    find_state(r, root);
    if (script_is_shared(r, value[0])) return script_change(r, base, args);
  }
  if (finds_whole(r, base, n, arg, value)) return NULL;
  if (needs_input(r, base, n, value)) return NULL;
  if (!script_fits(r, base, n, arg, value)) return NULL;
  for (int k = 0; k < n; k++)
    if (!script_fresh(r, value[k])) return NULL;
  if (takes_all(base, n, arg, value)) return value[0];
  Text t = text_new(r->arena);
  text_printf(&t, "{\"target\": \"torch.ops.aten.%s%s.default\", \"inputs\": [",
              known_as(r, row, value), in_place ? "_" : "");
  for (int k = 0, written = 0; k < n; k++) {
    if (arg[k].type == 'x') continue; /* makes no difference */
    note_type(r, arg[k].type, value[k]);
    text_printf(&t, "%s{\"name\": \"%s\", \"arg\": ", written++ ? ", " : "", arg[k].name);
    add_arg(&t, arg[k].type, value[k]);
    text_add(&t, "}");
  }
  text_add(&t, "], \"outputs\": [");
  ScriptValue *out = results_of(r, row, base, n, arg, value, &t);
  text_add(&t, "]}");
  if (!add_node(r, text_str(&t))) return note_place(r);
  if (!in_place) script_note_views(r, base, args, out);
  return describe_all(r, out);
}
