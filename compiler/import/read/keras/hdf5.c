/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* .h5, .hdf5: full Keras models (attribute model_config, weights below model_weights) and weights
 * alone, whose architecture the user gives with --config. Optimizer weights are passed over. */
#include "import/read/keras/keras.h"

#include <string.h>

bool keras_hdf5_sniff(const ForeignFile *file) {
  return hdf5_sniff(file->data);
}

/* The architecture that --config names; NULL after reporting. */
static json_t *config_of_user(const Keras *k) {
  Mapped file;
  const char *reason;
  if (file_map(k->arena, k->options->config, &file, &reason)) {
    const char *text = (const char *)file.data;
    json_t *root = keras_json(k, "--config", text, file.len);
    /* to_json() gives a text, and some save that text as JSON once more. */
    if (root && json_is_string(root))
      root = keras_json(k, "--config", json_string_value(root), json_string_length(root));
    return root;
  }
  foreign_report(k->diags, k->file, E901, "cannot read --config `%s`: %s", k->options->config,
                 reason);
  return NULL;
}

static json_t *config_of_file(const Keras *k, const char *text) {
  if (k->options->config) {
    foreign_lacks(k->diags, k->file, E903, "omit --config",
                  "`%s` has an architecture of its own: --config is for files with weights alone",
                  k->file->path);
    return NULL;
  }
  return keras_json(k, "model_config", text, strlen(text));
}

/* text: the architecture in the file, or NULL. has_layers: the arrays are listed as Keras does. */
static json_t *find_config(const Keras *k, const char *text, bool has_layers) {
  if (text) return config_of_file(k, text);
  if (k->options->config) return config_of_user(k);
  if (!has_layers) {
    foreign_lacks(
        k->diags, k->file, E904,
        "if its arrays are weights (`--list` shows them), write the model they belong to: "
        "`--config MODEL.grus`",
        "`%s` holds neither an architecture nor layers of Keras", k->file->path);
    return NULL;
  }
  foreign_lacks(k->diags, k->file, E904,
                "give the architecture, as `model.to_json()` writes it: `--config FILE.json`",
                "`%s` holds weights alone: it does not say what the layers are", k->file->path);
  return NULL;
}

static const char *find_version(const Keras *k, json_t *config) {
  const char *version = hdf5_text(k->hdf5, "", "keras_version");
  if (!version) version = hdf5_text(k->hdf5, k->root, "keras_version");
  if (!version) version = json_string_value(json_object_get(config, "keras_version"));
  if (!version && json_object_get(config, "module")) version = "3"; /* only Keras 3 writes it */
  if (version) return version;
  Diag *d = foreign_report(k->diags, k->file, E904,
                           "`%s` does not say which version of Keras wrote it", k->file->path);
  diag_note(d, "hard_sigmoid and the defaults of GRU changed between versions");
  if (k->options->config)
    diag_fix(d, FIX_MAYBE, "add `\"keras_version\": \"2.4.0\"`, or the version it was, to `%s`",
             k->options->config);
  else
    diag_fix(d, FIX_MAYBE,
             "write it to the file: `h5py.File(\"%s\", \"a\").attrs[\"keras_version\"] = "
             "\"2.4.0\"`, or the version it was",
             k->file->path);
  return NULL;
}

/* Keras 1 does not say with what it computed, Keras 2 does. */
static bool is_of_theano(const Keras *k, json_t *config) {
  const char *backend = hdf5_text(k->hdf5, "", "backend");
  if (!backend) backend = hdf5_text(k->hdf5, k->root, "backend");
  if (!backend) backend = json_string_value(json_object_get(config, "backend"));
  return backend && strcmp(backend, "theano") == 0;
}

static Graph *read_opened(Keras *k) {
  if (hdf5_has_group(k->hdf5, "model_weights")) k->root = "model_weights";
  const char **names;
  int n;
  bool listed = hdf5_texts(k->hdf5, k->root, "layer_names", &names, &n) ||
                hdf5_texts(k->hdf5, k->root, "layer_names0", &names, &n);
  if (!listed) k->by_class = keras_find_root(k);
  json_t *config = find_config(k, hdf5_text(k->hdf5, "", "model_config"), listed || k->by_class);
  const char *version = config ? find_version(k, config) : NULL;
  k->is_theano = is_of_theano(k, config);
  return version ? keras_walk(k, config, version, "HDF5") : NULL;
}

Graph *keras_hdf5_graph(Keras *k) {
  return keras_with_weights(k, k->file->data, read_opened);
}

Graph *keras_with_weights(Keras *k, Mapped hdf5, Graph *(*read)(Keras *k)) {
  const char *reason;
  Diags before = *k->diags;
  k->hdf5 = hdf5_open(k->arena, hdf5, &reason);
  Graph *graph = k->hdf5 ? read(k) : NULL;
  if (k->hdf5 && !hdf5_broken(k->hdf5)) return graph;
  if (k->hdf5) { /* the reader may have reported missing things that a truncated read could not find
                  */
    *k->diags = before;
    *k->diags->last = NULL;
    reason = hdf5_broken(k->hdf5);
  }
  foreign_report(k->diags, k->file, E901, "cannot read `%s`: %s", k->file->path, reason);
  return NULL;
}
