/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* .keras: a zip archive with config.json, metadata.json (the version) and model.weights.h5, whose
 * groups are named by class and order. All three are read into memory. */
#include "import/read/keras/keras.h"

#include "import/tensors/archive.h"

bool keras_zip_sniff(const ForeignFile *file) {
  return archive_lists(file->data, "config.json") && archive_lists(file->data, "model.weights.h5");
}

/* False after reporting. */
static bool member_read(const Keras *k, Archive *archive, const char *name, Mapped *out) {
  const char *path = k->file->path, *reason;
  int64_t member = archive_find(archive, name);
  if (member < 0)
    foreign_report(k->diags, k->file, E901, "`%s` has no `%s` in it", path, name);
  else if (archive_read(archive, member, out, &reason))
    return true;
  else
    foreign_report(k->diags, k->file, E901, "cannot read `%s`: %s", path, reason);
  return false;
}

static Graph *read_opened(Keras *k) {
  if (keras_find_root(k)) return keras_walk(k, k->text, k->version, ".keras");
  foreign_report(k->diags, k->file, E901, "model.weights.h5 of `%s` has no group `layers`",
                 k->file->path);
  return NULL;
}

Graph *keras_zip_graph(Keras *k) {
  const ForeignFile *file = k->file;
  Diags *diags = k->diags;
  const char *reason;
  k->by_class = true;
  Mapped text, meta, weights;
  Archive *archive = archive_open(k->arena, file->data, &reason);
  if (!archive) {
    foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  if (!member_read(k, archive, "config.json", &text) ||
      !member_read(k, archive, "metadata.json", &meta) ||
      !member_read(k, archive, "model.weights.h5", &weights))
    return NULL;
  k->text = keras_json(k, "config.json", (const char *)text.data, text.len);
  json_t *metadata =
      k->text ? keras_json(k, "metadata.json", (const char *)meta.data, meta.len) : NULL;
  if (!metadata) return NULL;
  k->version = json_string_value(json_object_get(metadata, "keras_version"));
  if (k->version) return keras_with_weights(k, weights, read_opened);
  foreign_report(diags, file, E901, "cannot read `%s`: metadata.json has no keras_version",
                 file->path);
  return NULL;
}
