/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A SavedModel of TensorFlow as a graph. In, saved_model.pb, which has the nodes, functions and
 * signatures, and the folder `variables` next to it, which has the weights. Out, the graph of one
 * signature, whose inputs and outputs have the names that the signature gives them. */
#include "import/read/tf/reader.h"
#include "import/read/unpack.h"

#include <string.h>

/* Whether a signature is one that TensorFlow adds for itself. */
static bool is_inner(const TfFile__SignatureEntry *s) {
  return strncmp(s->key, "__saved_model", strlen("__saved_model")) == 0;
}

/* The graph that is tagged `serve`, or else the only one; NULL if there are several without that
 * tag, or none. */
static const TfFile__MetaGraph *graph_to_read(const TfFile__SavedModel *model) {
  for (size_t i = 0; i < model->n_meta_graph; i++) {
    const TfFile__MetaInfo *info = model->meta_graph[i]->info;
    for (size_t k = 0; info && k < info->n_tag; k++)
      if (strcmp(info->tag[k], "serve") == 0) return model->meta_graph[i];
  }
  return model->n_meta_graph == 1 ? model->meta_graph[0] : NULL;
}

static const TfFile__SignatureEntry *signature_find(const TfFile__MetaGraph *meta,
                                                    const char *name) {
  for (size_t i = 0; i < meta->n_signature; i++)
    if (strcmp(meta->signature[i]->key, name) == 0) return meta->signature[i];
  return NULL;
}

/* Reports that the signature `asked` is not in the file or, if asked is NULL, that one has to be
 * chosen; the message lists those of the file. */
static void report_signatures(TfReader *r, const TfFile__MetaGraph *meta, const char *asked) {
  const char **name = ARENA_ARRAY(r->arena, const char *, meta->n_signature + 1);
  size_t n = 0;
  for (size_t i = 0; i < meta->n_signature; i++)
    if (!is_inner(meta->signature[i])) name[n++] = meta->signature[i]->key;
  Diag *d = foreign_report_signatures(r->diags, r->file, asked, n, name);
  if (!n)
    diag_fix(d, FIX_MAYBE,
             "save the model with a signature, which says what the inputs and outputs are: "
             "`tf.saved_model.save(model, FOLDER, signatures=...)`");
}

/* The signature `asked`; if asked is NULL, `serving_default` or the only one. NULL after
 * reporting. */
static const TfFile__Signature *signature_to_read(TfReader *r, const TfFile__MetaGraph *meta,
                                                  const char *asked) {
  const TfFile__SignatureEntry *found = signature_find(meta, asked ? asked : "serving_default");
  size_t n = 0;
  for (size_t i = 0; i < meta->n_signature; i++) {
    if (is_inner(meta->signature[i])) continue;
    n++;
    if (!found && n == 1 && !asked) found = meta->signature[i];
  }
  bool one = asked || n == 1 || (found && strcmp(found->key, "serving_default") == 0);
  if (!found || !one || !found->value) {
    report_signatures(r, meta, asked);
    return NULL;
  }
  if (n > 1) graph_note(r->graph, "the file has %zu signatures; grus imported `%s`", n, found->key);
  return found->value;
}

static bool is_tensor(TfReader *r, const TfFile__PortEntry *port, const char *what) {
  if (port->value && *port->value->name) return true;
  return foreign_lacks(r->diags, r->file, E902, tf_signature,
                       "%s `%s` of the signature is not a tensor", what, port->key);
}

/* Makes the inputs of a signature, in its order, and then what its outputs need. False after
 * reporting: an output may need no input but these. */
static bool read_signature(TfReader *r, const TfFile__Signature *signature) {
  TfScope scope = {.graph = r->graph};
  for (size_t i = 0; i < signature->n_input; i++) {
    const TfFile__PortEntry *port = signature->input[i];
    int before = r->graph->n_in;
    if (!is_tensor(r, port, "input")) return false;
    GraphValue *value = tf_value(r, &scope, port->value->name);
    if (!value) return false;
    if (r->graph->n_in != before + 1 || r->graph->in[before].value != value) {
      return foreign_lacks(r->diags, r->file, E903, tf_signature,
                           "input `%s` of the signature is not an input node", port->key);
    }
    r->graph->in[before].name = value->name = port->key;
  }
  int given = r->graph->n_in;
  for (size_t i = 0; i < signature->n_output; i++) {
    if (!is_tensor(r, signature->output[i], "output")) return false;
    GraphValue *value = tf_output(r, &scope, signature->output[i]->value->name);
    if (!value) return false;
    graph_output(r->graph, signature->output[i]->key, value);
  }
  if (r->graph->n_in == given && r->graph->n_out) return true;
  return foreign_lacks(r->diags, r->file, E903, tf_signature, "%s",
                       r->graph->n_out ? "the outputs need an input that the signature lacks"
                                       : "the signature has no output");
}

Graph *saved_model_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  UnpackBudget budget = unpack_budget(file->arena, file->data.len);
  ProtobufCAllocator allocator = unpack_allocator(&budget);
  TfReader r;
  tf_reader_start(&r, file, options, diags);
  const TfFile__SavedModel *model =
      tf_file__saved_model__unpack(&allocator, file->data.len, file->data.data);
  const TfFile__MetaGraph *meta = model ? graph_to_read(model) : NULL;
  if (!meta || !meta->graph) {
    foreign_report(diags, file, E901,
                   model && model->n_meta_graph > 1
                       ? "`%s` has %zu graphs, of which none is tagged `serve`"
                       : "`%s` is a damaged or incomplete SavedModel of TensorFlow",
                   file->path, model ? model->n_meta_graph : 0);
    return NULL;
  }
  r.is_saved = true;
  r.graph = graph_new(file->arena, foreign_numbers(file), "graph");
  r.graph->format = "TensorFlow SavedModel";
  const TfFile__Signature *signature = signature_to_read(&r, meta, options->signature);
  if (!signature || !tf_graph_index(&r, meta->graph)) return NULL;
  tf_variables_index(&r, meta->saver ? meta->saver->restore : "");
  return read_signature(&r, signature) ? r.graph : NULL;
}

TensorFile *saved_model_tensors(const ForeignFile *file, Diags *diags) {
  Arena *arena = file->arena;
  TfReader r = {.arena = arena, .file = file, .diags = diags};
  TfBundle *bundle = tf_bundle_open(&r);
  if (!bundle) return NULL;
  int n;
  const TfListed *listed = tf_bundle_list(bundle, &n);
  TensorFile *out = ARENA_NEW(arena, TensorFile);
  TensorUnread *unread = ARENA_ARRAY(arena, TensorUnread, n + 1);
  *out = (TensorFile){.path = file->path, .format = "checkpoint of TensorFlow"};
  out->tensor = ARENA_ARRAY(arena, Tensor, n + 1);
  for (int i = 0; i < n; i++) {
    Tensor t = {.name = listed[i].name, .place = i};
    const char *why = tf_stored_type(listed[i].entry, &t);
    if (why)
      unread[out->n_unread++] = (TensorUnread){listed[i].name, why};
    else
      out->tensor[out->n++] = t;
  }
  out->unread = unread;
  return out;
}
