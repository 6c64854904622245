/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Variables of a SavedModel. In, the nodes that restore them: RestoreV2 reads a list of names of
 * tensors, and Assign or AssignVariableOp gives its result k to a variable. The first versions of
 * TensorFlow have these nodes in the graph, later ones in a function that the graph calls with the
 * variables. Out, for each variable, the name of its tensor in the checkpoint, and constants in
 * place of the variables that the graph reads. */
#include "import/read/tf/reader.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_STEPS = 8 }; /* Identity nodes between RestoreV2 and the node that assigns */

bool tf_changes_variable(const TfNode *node) {
  static const char *const begins[] = {"Assign", "ResourceScatter", "ResourceApply",
                                       "ResourceSparseApply"};
  for (size_t i = 0; i < sizeof begins / sizeof *begins; i++)
    if (strncmp(node->op, begins[i], strlen(begins[i])) == 0) return true;
  return false;
}

bool tf_use_variable(TfReader *r, const GraphValue *handle, const TfNode *changed) {
  TfUse *use = r->use;
  while (use && use->handle != handle)
    use = use->next;
  if (!use) {
    use = ARENA_NEW(r->arena, TfUse);
    *use = (TfUse){.next = r->use, .handle = handle};
    r->use = use;
  }
  if (changed) use->changed = changed;
  use->read = use->read || !changed;
  return !(use->read && use->changed);
}

/* String k of a constant; NULL if the node is no constant, or has fewer strings. */
static char *string_of(TfReader *r, const TfNode *node, size_t k) {
  const TfFile__Value *value = tf_is(node, "Const") ? tf_attribute(node, "value") : NULL;
  const TfFile__Tensor *t = value ? value->tensor : NULL;
  if (!t || k >= t->n_string_val) return NULL;
  return arena_strndup(r->arena, (const char *)t->string_val[k].data, t->string_val[k].len);
}

/* The name in the checkpoint of the tensor that a reference reads from it; NULL if it does not read
 * one, or reads a part of one. */
static char *restored(TfReader *r, const char *reference) {
  const TfNode *node = tf_node(r, reference);
  for (int i = 0; i < MOST_STEPS && tf_is(node, "Identity") && node->n_input; i++) {
    reference = node->input[0];
    node = tf_node(r, reference);
  }
  if (!tf_is(node, "RestoreV2") || node->n_input < 3) return NULL;
  const char *key = tf_key(r, reference);
  unsigned long k = strtoul(strrchr(key, ':') + 1, NULL, 10);
  char *part = string_of(r, tf_node(r, node->input[2]), k);
  return part && !*part ? string_of(r, tf_node(r, node->input[1]), k) : NULL;
}

/* The variable of the graph that function f gets as its argument `name`; NULL if f has no such
 * argument. */
static const char *argument_of(const TfFunction *f, const TfNode *call, const char *name) {
  for (size_t k = 0; k < f->def->signature->n_input && k < call->n_input; k++)
    if (strcmp(f->def->signature->input[k]->name, name) == 0) return call->input[k];
  return NULL;
}

/* Notes the tensor of each variable that the nodes read now assign. f: the function that has these
 * nodes, which `call` calls; NULL if the graph has them. */
static void index_assigned(TfReader *r, const TfFunction *f, const TfNode *call) {
  for (size_t i = 0; i < r->nodes->n; i++) {
    const TfNode *node = r->nodes->node[i];
    bool assigns = tf_is(node, "AssignVariableOp") || tf_is(node, "Assign");
    if (!assigns || node->n_input < 2) continue;
    const char *name = f ? argument_of(f, call, node->input[0]) : node->input[0];
    char *stored = restored(r, node->input[1]);
    if (name && stored) map_put(r->arena, &r->checkpoint, tf_key(r, name), stored);
  }
}

void tf_variables_index(TfReader *r, const char *restore) {
  const TfNode *call = tf_node(r, restore);
  const TfFile__Value *value = call ? tf_attribute(call, "f") : NULL;
  const TfFunction *f = value && value->func ? tf_function(r, value->func->name) : NULL;
  const TfNodes *graph = r->nodes;
  index_assigned(r, NULL, NULL);
  if (!f) return;
  r->nodes = &f->nodes;
  index_assigned(r, f, call);
  r->nodes = graph;
}

bool tf_op_variable(TfCall *c) {
  TfReader *r = c->reader;
  const char *name = map_get(&r->checkpoint, tf_key(r, c->node->name));
  TfStored stored;
  if (!r->is_saved) {
    return foreign_lacks(r->diags, r->file, E904,
                         "its value is in the checkpoint: import the folder of the SavedModel, or "
                         "freeze the graph",
                         "node `%s` is a variable, whose value is not in the file", c->node->name);
  }
  if (!name)
    return tf_lacks(c, E904,
                    "save the model again with all its variables: `model.export(FOLDER)`, or "
                    "`tf.saved_model.save(model, FOLDER)`",
                    "is a variable to which the checkpoint gives no value");
  if (!r->bundle) r->bundle = tf_bundle_open(r);
  if (!r->bundle || !tf_bundle_find(r, name, &stored)) return false;
  const GraphTensor *t = tf_stored(r, c->node, &stored);
  return t && tf_done(c, graph_constant(c->scope->graph, c->node->name, t));
}
