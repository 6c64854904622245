/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A .pt2 archive: which values are inputs, weights, buffers and outputs, and the walk over its
 * nodes. Buffers that change become variables of the graph. */
#include "import/read/torch/reader.h"

#include <string.h>

enum { MAX_NODES = 100000, FOLDS_PER_BYTE = 8, NUMBERS_PER_BYTE = 16 };

static const int64_t usual_folds = 1 << 20;

/* ---- operators that change their operand ---- */

static const char *self_of(json_t *node) {
  json_t *input = json_array_get(json_object_get(node, "inputs"), 0);
  return json_string_value(
      json_object_get(json_object_get(json_object_get(input, "arg"), "as_tensor"), "name"));
}

const char *torch_root(const TorchReader *r, const char *name) {
  const char *root = name ? map_get(&r->aliases, name) : NULL;
  return root ? root : name;
}

static const char *result_of(json_t *node) {
  json_t *out = json_array_get(json_object_get(node, "outputs"), 0);
  return json_string_value(json_object_get(json_object_get(out, "as_tensor"), "name"));
}

/* One of the results of unsafe_chunk, unsafe_split: the program promises not to read the operand
 * again, or not to change the results. */
static bool is_unsafe_part(json_t *node, const char *op, const char *name) {
  json_t *list = json_object_get(json_array_get(json_object_get(node, "outputs"), 0), "as_tensors");
  for (size_t i = 0; strncmp(op, "unsafe_", 7) == 0 && i < json_array_size(list); i++) {
    const char *part = json_string_value(json_object_get(json_array_get(list, i), "name"));
    if (part && strcmp(part, name) == 0) return true;
  }
  return false;
}

/* A tensor that shares its numbers with no other: neither a view nor seen through one so far, and
 * no input. */
static bool is_alone(TorchReader *r, size_t before, const char *root) {
  json_t *nodes = json_object_get(r->body, "nodes");
  bool made = false, in_place;
  for (size_t i = 0; i < before; i++) {
    json_t *node = json_array_get(nodes, i);
    const char *op = torch_op_of(r->arena, json_string_value(json_object_get(node, "target")),
                                 &in_place),
               *self = self_of(node), *result = result_of(node);
    bool makes = result && strcmp(result, root) == 0,
         sees = self && strcmp(torch_root(r, self), root) == 0;
    if (op && torch_sharing(op) == TORCH_VIEW && (makes || sees)) return false;
    made = made || makes || (op && is_unsafe_part(node, op, root));
  }
  return made;
}

/* The nodes of the program that change a buffer in place, as exporters write them since
 * PyTorch 2.9; before, its next value was an output. */
static bool changes_buffer(json_t *node, Arena *arena, const char *buffer) {
  bool in_place;
  const char *target = json_string_value(json_object_get(node, "target")), *self = self_of(node);
  return target && self && strcmp(self, buffer) == 0 && torch_op_of(arena, target, &in_place) &&
         in_place;
}

static bool changed_in_place(TorchReader *r, const char *buffer) {
  json_t *nodes = json_object_get(r->body, "nodes");
  for (size_t i = 0; i < json_array_size(nodes); i++)
    if (changes_buffer(json_array_get(nodes, i), r->arena, buffer)) return true;
  return false;
}

/* A buffer that no node before has made a view of. */
static bool is_whole_buffer(TorchReader *r, size_t before, const char *name) {
  json_t *nodes = json_object_get(r->body, "nodes");
  const char *variable = map_get(&r->buffers, name);
  bool in_place;
  for (size_t i = 0; i < before && variable; i++) {
    json_t *node = json_array_get(nodes, i);
    const char *target = json_string_value(json_object_get(node, "target")), *self = self_of(node);
    const char *op = target ? torch_op_of(r->arena, target, &in_place) : NULL;
    if (op && torch_sharing(op) == TORCH_VIEW && self && strcmp(torch_root(r, self), name) == 0)
      return false;
  }
  return variable != NULL;
}

void torch_change(TorchReader *r, const char *root, const char *result) {
  json_t *nodes = json_object_get(r->body, "nodes");
  GraphValue *value = map_get(&r->values, result);
  map_put(r->arena, &r->aliases, result, (void *)(uintptr_t)root);
  map_put(r->arena, &r->values, root, value);
  for (size_t i = 0; i < json_array_size(nodes); i++) {
    const char *name = result_of(json_array_get(nodes, i));
    bool made = name && map_get(&r->values, name);
    if (made && strcmp(torch_root(r, name), root) == 0) map_put(r->arena, &r->values, name, value);
  }
}

/* ---- nodes ---- */

/* Arithmetic of sizes: _operator.add and the like. */
static bool sizes_node(TorchCall *c) {
  static const NamedOp known[] = {{"_operator.add", GRAPH_Add},
                                  {"_operator.sub", GRAPH_Sub},
                                  {"_operator.mul", GRAPH_Mul},
                                  {"_operator.floordiv", GRAPH_FloorDiv}};
  GraphOp op = OP_NAMED(known, c->named);
  if (op == GRAPH_OP_COUNT) return torch_unknown(c);
  GraphValue *in[2] = {torch_operand(c, "a"), torch_operand(c, "b")};
  return in[0] && in[1] && torch_set(c, 0, emit_call(c->emit, op, 2, in));
}

/* Arguments that are sizes computed by the program; -1: there is one of a kind that is not read. */
static int computed_arguments(json_t *node) {
  static const char *const known[] = {
      "as_tensor",          "as_tensors", "as_none",   "as_int",           "as_ints",
      "as_float",           "as_floats",  "as_bool",   "as_bools",         "as_string",
      "as_scalar_type",     "as_device",  "as_layout", "as_memory_format", "as_optional_tensor",
      "as_optional_tensors"};
  json_t *inputs = json_object_get(node, "inputs"), *value;
  const char *kind;
  int computed = 0;
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    json_object_foreach(json_object_get(json_array_get(inputs, i), "arg"), kind, value) {
      bool one = strcmp(kind, "as_sym_int") == 0, many = strcmp(kind, "as_sym_ints") == 0,
           is_known = one || many;
      for (size_t k = 0; k < sizeof known / sizeof *known; k++)
        is_known = is_known || strcmp(kind, known[k]) == 0;
      if (!is_known) return -1;
      computed += one && json_object_get(value, "as_name");
      for (size_t k = 0; many && k < json_array_size(value); k++)
        computed += json_object_get(json_array_get(value, k), "as_name") != NULL;
    }
  }
  return computed;
}

/* Whether a node is a check of the exporter, which computes nothing. */
static bool is_assertion(const char *target) {
  return strstr(target, "_assert") || strstr(target, "sym_constrain_range");
}

/* What a node is called in messages that gives a list. */
static const char *first_of_list(json_t *node) {
  json_t *list = json_object_get(json_array_get(json_object_get(node, "outputs"), 0), "as_tensors");
  const char *name = json_string_value(json_object_get(json_array_get(list, 0), "name"));
  return name ? name : "";
}

bool torch_read_node(TorchReader *r, json_t *node, size_t index) {
  const char *target = json_string_value(json_object_get(node, "target"));
  const char *name = result_of(node), *self = self_of(node);
  bool in_place = false;
  if (!target) {
    torch_bad(r, "a node of `%s` has no operator", r->file->path);
    return false;
  }
  if (is_assertion(target)) return true;
  TorchCall c = {
      .reader = r, .node = node, .index = index, .op = torch_op_of(r->arena, target, &in_place)};
  c.named = strncmp(target, "torch.ops.", 10) == 0 ? target + 10 : target;
  *c.emit = (GraphEmit){.graph = r->graph,
                        .name = name ? name : first_of_list(node),
                        .source = c.named,
                        .folds = &r->folds,
                        .seen = &r->seen};
  int computed = computed_arguments(node);
  if (!c.op) return sizes_node(&c);
  if (!torch_is_known(c.op)) return torch_unknown(&c);
  const char *root = torch_root(r, self);
  bool shared =
      in_place && (!self || (!is_whole_buffer(r, index, root) && !is_alone(r, index, root)));
  if (shared)
    return torch_lacks(
        &c, E902,
        "save `program.run_decompositions()`, where no operator changes a tensor in place",
        "changes a tensor that other nodes share, which is not supported");
  bool done = torch_apply(&c);
  if (done && (computed < 0 || c.computed < computed))
    return torch_lacks(&c, E902,
                       "export with fixed sizes, without `dynamic_shapes`, so that it is a number",
                       "has a computed argument where grus needs a constant");
  if (done && name && self && torch_sharing(c.op) == TORCH_ALIAS && !in_place)
    map_put(r->arena, &r->aliases, name, (void *)(uintptr_t)root);
  if (done) torch_note_halves(&c);
  if (done && in_place && name) torch_change(r, root, name);
  return done;
}

/* ---- the signature ---- */

static json_t *spec_of(json_t *spec, const char **kind) {
  const char *key;
  json_t *value;
  json_object_foreach(spec, key, value) {
    *kind = key;
    return value;
  }
  *kind = "";
  return NULL;
}

/* The buffer that an output is the next value of; NULL: none. */
static const char *mutated(json_t *output, const char **name) {
  const char *kind;
  json_t *spec = spec_of(output, &kind), *arg = json_object_get(spec, "arg");
  *name = json_string_value(json_object_get(arg, "name"));
  return strcmp(kind, "buffer_mutation") == 0
             ? json_string_value(json_object_get(spec, "buffer_name"))
             : NULL;
}

static bool changes(TorchReader *r, json_t *outputs, const char *buffer) {
  (void)r;
  const char *name;
  for (size_t i = 0; i < json_array_size(outputs); i++) {
    const char *changed = mutated(json_array_get(outputs, i), &name);
    if (changed && strcmp(changed, buffer) == 0) return true;
  }
  return false;
}

GraphValue *torch_variable(TorchReader *r, const char *name, const GraphTensor *start) {
  GraphVariable variable = {name, start};
  GraphNode *node = graph_node(r->graph, GRAPH_VarRead, name, "buffer", 0, NULL, 1);
  graph_set_int(r->graph, node, GRAPH_ATTR_variable, r->graph->n_variables);
  ARENA_PUSH(r->arena, r->graph->variable, r->graph->n_variables, r->graph->cap_variables,
             variable);
  return node->out[0];
}

void torch_assign(TorchReader *r, int variable, GraphValue *value) {
  GraphNode *node = graph_node(r->graph, GRAPH_VarAssign, r->graph->variable[variable].name,
                               "buffer", 1, &value, 0);
  graph_set_int(r->graph, node, GRAPH_ATTR_variable, variable);
}

static bool read_user_input(TorchReader *r, const char *name) {
  json_t *meta = json_object_get(r->sizes, name), *sizes = json_object_get(meta, "sizes");
  GraphElem elem;
  if (!meta || json_array_size(sizes) > GRAPH_MAX_RANK ||
      !torch_elem(json_integer_value(json_object_get(meta, "dtype")), &elem))
    return foreign_lacks(r->diags, r->file, E903,
                         arena_printf(r->arena,
                                      "real and whole numbers and booleans are read, with at most "
                                      "%d axes; export a module that takes those",
                                      GRAPH_MAX_RANK),
                         "input `%s` is not a tensor of numbers", name);
  GraphInput *input = graph_input(r->graph, name, elem);
  input->rank = (int)json_array_size(sizes);
  for (int i = 0; i < input->rank; i++) {
    json_t *size = json_array_get(sizes, (size_t)i), *known = json_object_get(size, "as_int");
    const char *symbol =
        json_string_value(json_object_get(json_object_get(size, "as_expr"), "expr_str"));
    input->dim[i] = (GraphDim){
        .n = known && json_integer_value(known) >= 0 ? json_integer_value(known) : GRAPH_OPEN,
        .symbol = symbol};
  }
  map_put(r->arena, &r->values, name, input->value);
  return true;
}

static bool read_input_spec(TorchReader *r, json_t *entry, json_t *outputs) {
  const char *kind, *stored = NULL;
  json_t *spec = spec_of(entry, &kind), *arg = json_object_get(spec, "arg");
  bool weight = strcmp(kind, "parameter") == 0, buffer = strcmp(kind, "buffer") == 0,
       constant = strcmp(kind, "tensor_constant") == 0;
  const char *name = json_string_value(json_object_get(arg, "name"));
  if (strcmp(kind, "user_input") == 0) {
    const char *user =
        json_string_value(json_object_get(json_object_get(arg, "as_tensor"), "name"));
    return !user || read_user_input(r, user); /* numbers are written where they are used */
  }
  if (weight)
    stored = json_string_value(json_object_get(spec, "parameter_name"));
  else if (buffer)
    stored = json_string_value(json_object_get(spec, "buffer_name"));
  else if (constant)
    stored = json_string_value(json_object_get(spec, "tensor_constant_name"));
  else if (strcmp(kind, "constant_input") == 0)
    return true;
  if (!*kind || ((weight || buffer || constant) && (!stored || !name))) {
    torch_bad(r, "an input of `%s` has no %s", r->file->path, *kind ? "name" : "kind");
    return false;
  }
  if (!stored)
    return foreign_lacks(r->diags, r->file, E902,
                         "export a module whose inputs, parameters and buffers are tensors",
                         "an input of `%s` is a `%s`, which is not supported", r->file->path, kind);
  bool listed = json_object_get(r->weights, stored) != NULL;
  const GraphTensor *t =
      torch_stored(r, listed ? r->weights : r->constants, listed ? "weights" : "constants", stored);
  if (!t) return false;
  bool in_place = buffer && changed_in_place(r, name),
       is_state = in_place || (buffer && changes(r, outputs, stored));
  if (in_place) map_put(r->arena, &r->buffers, name, (void *)(uintptr_t)stored);
  map_put(r->arena, &r->values, name,
          is_state ? torch_variable(r, stored, t) : graph_constant(r->graph, stored, t));
  return true;
}

/* What the buffers hold that nodes have changed in place, after all nodes. */
static void keep_buffers(TorchReader *r, json_t *inputs) {
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    const char *kind;
    json_t *spec = spec_of(json_array_get(inputs, i), &kind);
    const char *name = json_string_value(json_object_get(json_object_get(spec, "arg"), "name"));
    const char *stored = name ? map_get(&r->buffers, name) : NULL;
    GraphValue *value = stored ? map_get(&r->values, name) : NULL;
    if (!value) continue;
    torch_assign(r, graph_variable_find(r->graph, stored), value);
  }
}

static bool read_output_spec(TorchReader *r, json_t *entry) {
  const char *kind, *name, *buffer = mutated(entry, &name);
  json_t *spec = spec_of(entry, &kind);
  if (!buffer && strcmp(kind, "user_output") == 0)
    name = json_string_value(
        json_object_get(json_object_get(json_object_get(spec, "arg"), "as_tensor"), "name"));
  else if (!buffer)
    name = NULL;
  GraphValue *value = name ? map_get(&r->values, name) : NULL;
  const char *input = json_string_value(json_object_get(spec, "user_input_name"));
  if (!value && input && strcmp(kind, "user_input_mutation") == 0)
    return foreign_lacks(
        r->diags, r->file, E902,
        arena_printf(r->arena, "change a copy of it: `%s = %s.clone()` at the start of `forward`",
                     input, input),
        "the module changes its input `%s` in place, which is not supported", input);
  if (!value && strcmp(kind, "user_output") != 0 && *kind)
    return foreign_lacks(
        r->diags, r->file, E902,
        "let `forward` return its results, and change nothing but buffers of the module",
        "an output of `%s` is a `%s`, which is not supported", r->file->path, kind);
  if (!value)
    return foreign_lacks(
        r->diags, r->file, E902, "let `forward` return tensors alone, and no numbers or None",
        "an output of `%s` is a `%s` that is not a tensor", r->file->path, *kind ? kind : "value");
  if (!buffer) {
    graph_output(r->graph, name, value);
    return true;
  }
  int variable = graph_variable_find(r->graph, buffer);
  if (variable < 0) {
    torch_bad(r, "`%s` changes the buffer `%s`, which it does not hold", r->file->path, buffer);
    return false;
  }
  torch_assign(r, variable, value);
  return true;
}

/* ---- the archive ---- */

/* The folder of the archive that holds everything. False after reporting that there is none. */
static bool find_folder(TorchReader *r) {
  r->folder = archive_folder(r->archive, "models/model.json");
  if (r->folder) return true;
  bool old = archive_find(r->archive, "serialized_exported_program.json") >= 0;
  if (old)
    return foreign_lacks(r->diags, r->file, E902,
                         "load it with PyTorch 2.8 or later and save it again: "
                         "`torch.export.save(torch.export.load(FILE), NEW)`",
                         "`%s` is from PyTorch before 2.8, whose archives are not supported",
                         r->file->path);
  foreign_report(r->diags, r->file, E901, "`%s` has no `models/model.json` in it", r->file->path);
  return false;
}

static bool read_program(TorchReader *r) {
  json_t *module = json_object_get(r->root, "graph_module"),
         *signature = json_object_get(module, "signature");
  json_t *inputs = json_object_get(signature, "input_specs"),
         *outputs = json_object_get(signature, "output_specs");
  r->body = json_object_get(module, "graph");
  r->sizes = json_object_get(r->body, "tensor_values");
  json_t *nodes = json_object_get(r->body, "nodes");
  if (!json_is_array(nodes) || !json_is_array(inputs) || !json_is_array(outputs) ||
      json_array_size(nodes) > MAX_NODES) {
    torch_bad(r, "`%s` has no graph with nodes, inputs and outputs", r->file->path);
    return false;
  }
  for (size_t i = 0; i < json_array_size(inputs); i++)
    if (!read_input_spec(r, json_array_get(inputs, i), outputs)) return false;
  for (size_t i = 0; i < json_array_size(nodes); i++)
    if (!torch_read_node(r, json_array_get(nodes, i), i)) return false;
  keep_buffers(r, inputs);
  for (size_t i = 0; i < json_array_size(outputs); i++)
    if (!read_output_spec(r, json_array_get(outputs, i))) return false;
  if (r->graph->n_out) return true;
  torch_bad(r, "`%s` has no outputs", r->file->path);
  return false;
}

void torch_reader_begin(TorchReader *r, Arena *arena, const ForeignFile *file, Diags *diags) {
  *r = (TorchReader){.arena = arena, .file = file, .diags = diags};
  r->folds = usual_folds + FOLDS_PER_BYTE * (int64_t)file->data.len;
  r->numbers = usual_folds + NUMBERS_PER_BYTE * (int64_t)file->data.len;
}

Graph *pt2_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const char *reason;
  (void)options;
  TorchReader r;
  torch_reader_begin(&r, file->arena, file, diags);
  r.archive = archive_open(file->arena, file->data, &reason);
  if (!r.archive) {
    torch_bad(&r, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  if (!find_folder(&r)) return NULL;
  if (!torch_archive_order(r.archive, r.arena, r.folder, &reason)) {
    torch_bad(&r, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  r.root = torch_json(&r, "models/model.json", true);
  if (!r.root || !torch_list(&r, "data/weights/model_weights_config.json", &r.weights) ||
      !torch_list(&r, "data/constants/model_constants_config.json", &r.constants))
    return NULL;
  const char *version = json_string_value(json_object_get(r.root, "torch_version"));
  r.graph = graph_new(file->arena, foreign_numbers(file), "model");
  r.graph->format =
      version ? arena_printf(file->arena, "torch.export of PyTorch %s", version) : "torch.export";
  return read_program(&r) ? r.graph : NULL;
}
