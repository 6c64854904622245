/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files of PyTorch. In: a zip archive (since 1.6, also of TorchScript), a sequence of pickles with
 * the data after them (before 1.6), or a plain pickle. Out: the tensors. Code in the file is not
 * read.
 *
 * An archive has NAME/data.pkl, NAME/data/KEY for each storage, and NAME/byteorder; one of
 * TorchScript also has NAME/constants.pkl and NAME/constants/KEY. Before 1.6, a file has pickles of
 * a mark, the protocol 1001, the properties of the machine, the object, and the keys of its
 * storages; then for each key a count of 8 bytes and the data. */
#include "import/tensors/torch_file.h"

#include "import/tensors/torch_archive.h"
#include "import/tensors/tree.h"

#include <stdlib.h>
#include <string.h>

enum { STORAGES_MAX = 1 << 20 };
#define LEGACY_HEAD "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e"

/* Reads a member; its data is NULL if the archive has none of this name. */
static bool member(TorchStorages *in, const char *name, Mapped *out, const char **reason) {
  int64_t at = archive_find(in->archive, name);
  *out = (Mapped){0};
  return at < 0 || archive_read(in->archive, at, out, reason);
}

/* Adds the tensors of the pickle NAME/FILE, whose storages are in NAME/FOLDER. The file may be
 * missing. */
static bool add_pickle(Tree *tree, TorchStorages *in, const char *prefix, const char *file,
                       const char *folder, const char *name, const char **reason) {
  Mapped data;
  size_t at = 0;
  in->folder = arena_printf(tree->arena, "%s%s", prefix, folder);
  if (!member(in, arena_printf(tree->arena, "%s%s", prefix, file), &data, reason)) return false;
  if (!data.data) return true;
  const PickleValue *value = pickle_read(tree->arena, data, &at, NULL, reason);
  if (!value) return false;
  return *name ? tree_add(tree, value, name, reason) : tree_add_root(tree, value, reason);
}

static void torch_tree(Tree *tree, Arena *arena, Mapped file, TreeStorage *storage, void *context) {
  tree_begin(tree, arena, file.len);
  tree->storage = storage;
  tree->context = context;
  tree->convention = CONVENTION_TORCH;
}

static TensorFile *read_archive(Arena *arena, Mapped file, const char **reason) {
  TorchStorages in = {.arena = arena, .archive = archive_open(arena, file, reason)};
  const char *prefix = in.archive ? archive_folder(in.archive, "data.pkl") : NULL;
  Tree tree;
  if (!in.archive) return NULL;
  *reason = "it has no `data.pkl` in it";
  if (!prefix) return NULL;
  torch_tree(&tree, arena, file, torch_archive_storage, &in);
  if (!torch_archive_order(in.archive, arena, prefix, reason)) return NULL;
  if (!add_pickle(&tree, &in, prefix, "data.pkl", "data/", "", reason)) return NULL;
  if (!add_pickle(&tree, &in, prefix, "constants.pkl", "constants/", "constants", reason))
    return NULL;
  TensorFile *out = tree_end(&tree, reason);
  bool script = archive_find(in.archive, arena_printf(arena, "%sconstants.pkl", prefix)) >= 0;
  if (out) out->format = script ? "TorchScript archive" : "PyTorch checkpoint";
  return out;
}

typedef struct OldStorage {
  const char *key;
  const PickleValue *id;
  Mapped data;
} OldStorage;

typedef struct OldStorages {
  OldStorage *storage; /* sorted by key */
  int n;
} OldStorages;

static int by_key(const void *a, const void *b) {
  return strcmp(((const OldStorage *)a)->key, ((const OldStorage *)b)->key);
}

static OldStorage *old_find(OldStorages *old, const char *key) {
  OldStorage wanted = {.key = key};
  return old->n ? bsearch(&wanted, old->storage, (size_t)old->n, sizeof *old->storage, by_key)
                : NULL;
}

static bool old_storage(void *context, const char *key, Mapped *out, const char **reason) {
  const OldStorage *storage = old_find(context, key);
  *reason = "its data is not in the file";
  if (!storage || !storage->data.data) return false;
  *out = storage->data;
  return true;
}

static const char *key_of(Arena *arena, const PickleValue *id) {
  const PickleValue *key = pickle_arg(id, 2);
  return key && key->kind == PICKLE_TEXT ? arena_strndup(arena, key->text, key->len) : "";
}

/* Lists every storage that the object names, each once, sorted by key. */
static bool list_storages(Arena *arena, const PickleValue *outside, OldStorages *old) {
  int n = 0, kept = 0;
  for (const PickleValue *id = outside; id; id = id->state)
    n++;
  if (n > STORAGES_MAX) return false;
  old->storage = ARENA_ARRAY(arena, OldStorage, n + 1);
  n = 0;
  for (const PickleValue *id = outside; id; id = id->state)
    if (pickle_text_is(pickle_arg(id, 0), "storage"))
      old->storage[n++] = (OldStorage){.key = key_of(arena, id), .id = id};
  if (n) qsort(old->storage, (size_t)n, sizeof *old->storage, by_key);
  for (int i = 0; i < n; i++)
    if (kept == 0 || strcmp(old->storage[kept - 1].key, old->storage[i].key) != 0)
      old->storage[kept++] = old->storage[i];
  old->n = kept;
  return true;
}

/* Finds the data of the storages after the pickles: for each key a count, then the elements. */
static bool take_data(Arena *arena, Mapped file, size_t at, const PickleValue *keys,
                      OldStorages *old, const char **reason) {
  *reason = "it has no list of its storages";
  if (keys->kind != PICKLE_LIST) return false;
  for (size_t i = 0; i < keys->list.n; i++) {
    const PickleValue *key = keys->list.item[i];
    OldStorage *storage =
        key->kind == PICKLE_TEXT ? old_find(old, arena_strndup(arena, key->text, key->len)) : NULL;
    *reason = "it has a storage that none of its tensors names";
    if (!storage) return false;
    int bytes = torch_storage_bytes(pickle_arg(storage->id, 1));
    *reason = arena_printf(arena, "it ends within the data of storage `%s`", storage->key);
    if (bytes == 0)
      *reason = arena_printf(arena, "storage `%s` is of a type that is not known", storage->key);
    if (bytes == 0 || file.len - at < 8) return false;
    uint64_t count = 0;
    for (int k = 0; k < 8; k++)
      count |= (uint64_t)file.data[at++] << 8 * k;
    if (count > (file.len - at) / (size_t)bytes) return false;
    storage->data = (Mapped){file.data + at, (size_t)count * (size_t)bytes};
    at += storage->data.len;
  }
  return true;
}

/* Reads the object of a file before 1.6 and the data of its storages. NULL with *reason. */
static const PickleValue *read_old(Arena *arena, Mapped file, OldStorages *old,
                                   const char **reason) {
  size_t at = sizeof LEGACY_HEAD - 1;
  int64_t version = 0, little = 1;
  PickleValue *outside = NULL;
  const PickleValue *protocol = pickle_read(arena, file, &at, NULL, reason);
  const PickleValue *machine = protocol ? pickle_read(arena, file, &at, NULL, reason) : NULL;
  const PickleValue *value = machine ? pickle_read(arena, file, &at, &outside, reason) : NULL;
  const PickleValue *keys = value ? pickle_read(arena, file, &at, NULL, reason) : NULL;
  if (!keys) return NULL;
  *reason = "it is of a PyTorch protocol other than 1001";
  if (!pickle_int(protocol, &version) || version != 1001) return NULL;
  *reason = "its numbers are big-endian; save it again on another machine";
  if (pickle_int(pickle_get(machine, "little_endian"), &little) && !little) return NULL;
  *reason = "it has too many storages";
  return list_storages(arena, outside, old) && take_data(arena, file, at, keys, old, reason) ? value
                                                                                             : NULL;
}

static bool is_old(Mapped file) {
  return file.len > sizeof LEGACY_HEAD - 1 &&
         memcmp(file.data, LEGACY_HEAD, sizeof LEGACY_HEAD - 1) == 0;
}

bool torch_loose_storage(Arena *arena, Mapped file, const PickleValue **id, Mapped *data,
                         const char **reason) {
  OldStorages old = {0};
  *reason = "its storage is not as PyTorch writes one";
  *id = is_old(file) ? read_old(arena, file, &old, reason) : NULL;
  return *id && (*id)->kind == PICKLE_PERSISTENT &&
         old_storage(&old, key_of(arena, *id), data, reason);
}

static TensorFile *read_legacy(Arena *arena, Mapped file, const char **reason) {
  OldStorages old = {0};
  Tree tree;
  const PickleValue *value = read_old(arena, file, &old, reason);
  if (!value) return NULL;
  torch_tree(&tree, arena, file, old_storage, &old);
  if (!tree_add_root(&tree, value, reason)) return NULL;
  TensorFile *out = tree_end(&tree, reason);
  if (out) out->format = "PyTorch checkpoint of before 1.6";
  return out;
}

/* Reads a plain pickle, which usually has arrays of NumPy. */
static TensorFile *read_plain(Arena *arena, Mapped file, const char **reason) {
  size_t at = 0;
  Tree tree;
  const PickleValue *value = pickle_read(arena, file, &at, NULL, reason);
  if (!value) return NULL;
  tree_begin(&tree, arena, file.len);
  if (!tree_add_root(&tree, value, reason)) return NULL;
  TensorFile *out = tree_end(&tree, reason);
  if (out) out->format = "Python pickle";
  return out;
}

TensorFile *torch_file_end(Arena *arena, TensorFile *out, const char **reason) {
  if (out && out->n) {
    torch_join_normed(arena, out);
    return tensor_file_sort(arena, out, reason) ? out : NULL;
  }
  if (out && out->n_unread)
    *reason = arena_printf(arena, "`%s` is its only kind of tensor, and %s", out->unread->name,
                           out->unread->why);
  else if (out)
    *reason = "it holds no tensors";
  return NULL;
}

TensorFile *torch_file_parse(Arena *arena, Mapped file, const char **reason) {
  TensorFile *out = archive_sniff(file) ? read_archive(arena, file, reason)
                    : is_old(file)      ? read_legacy(arena, file, reason)
                                        : read_plain(arena, file, reason);
  return torch_file_end(arena, out, reason);
}
