/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* A checkpoint of TensorFlow. `variables.index` is a sorted table of names in the layout of
 * LevelDB:
 *
 *   file    blocks, then 48 bytes: handle of a block that is not read, handle of the index, magic
 *   handle  offset and size of a block, two numbers of 7 bits a byte
 *   block   entries, places to start at, their number; then 1 byte (0: as it is) and a checksum
 *   entry   bytes shared with the name before, bytes of its own, bytes of the value; both
 *
 * An entry of the index leads to a block of tensors. `variables.data-K-of-N` has their bytes. Every
 * length is checked before it is used, and checksums of what is read have to be right. */
#include "import/read/tf/reader.h"
#include "import/read/unpack.h"

#include <string.h>

enum {
  FOOTER = 48,
  TRAILER = 5, /* after a block */
  MOST_NAME = 4096,
  MOST_SHARDS = 4096,
};

static const uint64_t magic = 0xdb4775248b80fb57u;

struct TfBundle {
  const char *prefix; /* FOLDER/variables/variables */
  Map entries;        /* name -> TfFile__BundleEntry */
  TfListed *listed;   /* the same in the order of the index */
  int n_listed;
  size_t cap_listed;
  int n_shards;
  Mapped *shard; /* opened when it is needed */
};

/* ---- numbers ---- */

/* CRC-32C, four bits at a time, rotated and moved as TensorFlow stores it. */
static uint32_t checksum(const uint8_t *bytes, size_t n) {
  static const uint32_t row[16] = {
      0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u,
      0x61c69362u, 0x7198540du, 0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u,
      0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
  };
  const uint32_t moved = 0xa282ead8u;
  uint32_t sum = ~0u;
  for (size_t i = 0; i < n; i++) {
    sum ^= bytes[i];
    sum = row[sum & 15] ^ sum >> 4;
    sum = row[sum & 15] ^ sum >> 4;
  }
  sum = ~sum;
  return (sum >> 15 | sum << 17) + moved;
}

static uint64_t little(const uint8_t *bytes, int n) {
  uint64_t value = 0;
  for (int i = n - 1; i >= 0; i--)
    value = value << 8 | bytes[i];
  return value;
}

/* Bytes that are still to be read. */
typedef struct Bytes {
  const uint8_t *at;
  size_t n;
} Bytes;

static bool take_number(Bytes *b, uint64_t *out) {
  *out = 0;
  for (int shift = 0; shift < 64 && b->n; shift += 7) {
    uint8_t byte = *b->at++;
    b->n--;
    *out |= (uint64_t)(byte & 0x7f) << shift;
    if (!(byte & 0x80)) return true;
  }
  return false;
}

/* ---- the index ---- */

/* The entries of the block that a handle leads to, without its places to start at. */
static bool open_block(Mapped file, Bytes *handle, Bytes *entries) {
  uint64_t offset, size;
  if (!take_number(handle, &offset) || !take_number(handle, &size) || offset > file.len ||
      size < 4 || size > file.len - offset || file.len - offset - size < TRAILER)
    return false;
  const uint8_t *block = file.data + offset;
  uint64_t restarts = little(block + size - 4, 4);
  if (block[size] != 0 || little(block + size + 1, 4) != checksum(block, (size_t)size + 1) ||
      restarts > (size - 4) / 4)
    return false;
  *entries = (Bytes){block, (size_t)(size - 4 - 4 * restarts)};
  return true;
}

typedef struct BundleEntry {
  char name[MOST_NAME + 1];
  size_t len;
  Bytes value;
} BundleEntry;

/* The next entry; names grow. */
static bool take_entry(Bytes *b, BundleEntry *e) {
  uint64_t shared, own, value;
  if (!take_number(b, &shared) || !take_number(b, &own) || !take_number(b, &value) ||
      shared > e->len || own > MOST_NAME - shared || own > b->n || value > b->n - own)
    return false;
  memcpy(e->name + shared, b->at, (size_t)own);
  e->len = (size_t)(shared + own);
  e->name[e->len] = 0;
  e->value = (Bytes){b->at + own, (size_t)value};
  b->at += own + value;
  b->n -= (size_t)(own + value);
  return true;
}

static bool read_head(TfBundle *bundle, Bytes value, ProtobufCAllocator *allocator) {
  const TfFile__BundleHead *head = tf_file__bundle_head__unpack(allocator, value.n, value.at);
  if (!head || head->endianness != 0 || head->n_shards < 1 || head->n_shards > MOST_SHARDS)
    return false;
  bundle->n_shards = head->n_shards;
  return true;
}

static bool read_entries(TfReader *r, TfBundle *bundle, Bytes entries,
                         ProtobufCAllocator *allocator) {
  BundleEntry *e = ARENA_NEW(r->arena, BundleEntry);
  e->len = 0;
  while (entries.n) {
    if (!take_entry(&entries, e)) return false;
    if (!e->len) {
      if (!read_head(bundle, e->value, allocator)) return false;
      continue;
    }
    TfFile__BundleEntry *entry = tf_file__bundle_entry__unpack(allocator, e->value.n, e->value.at);
    if (!entry || map_get(&bundle->entries, e->name)) return false;
    TfListed listed = {arena_strndup(r->arena, e->name, e->len), entry};
    map_put(r->arena, &bundle->entries, listed.name, entry);
    ARENA_PUSH(r->arena, bundle->listed, bundle->n_listed, bundle->cap_listed, listed);
  }
  return true;
}

/* Blocks are read in the order of the file and once each. */
static bool read_table(TfReader *r, TfBundle *bundle, Mapped file) {
  UnpackBudget budget = unpack_budget(r->arena, file.len);
  ProtobufCAllocator allocator = unpack_allocator(&budget);
  Bytes handle, index, entries;
  uint64_t unused;
  const uint8_t *end = file.data;
  if (file.len < FOOTER || little(file.data + file.len - 8, 8) != magic) return false;
  handle = (Bytes){file.data + file.len - FOOTER, FOOTER - 8};
  if (!take_number(&handle, &unused) || !take_number(&handle, &unused) ||
      !open_block(file, &handle, &index))
    return false;
  BundleEntry *e = ARENA_NEW(r->arena, BundleEntry);
  e->len = 0;
  while (index.n) {
    if (!take_entry(&index, e) || !open_block(file, &e->value, &entries) || entries.at < end ||
        !read_entries(r, bundle, entries, &allocator))
      return false;
    end = entries.at + entries.n;
  }
  return bundle->n_shards > 0;
}

/* ---- the files ---- */

static bool map(TfReader *r, const char *path, Mapped *out) {
  const char *reason;
  if (file_map(r->arena, path, out, &reason)) return true;
  Diag *d =
      foreign_report(r->diags, r->file, E901,
                     "cannot read `%s`, which holds weights of the SavedModel: %s", path, reason);
  diag_note(d, "a SavedModel is a folder: saved_model.pb has no weights without the folder "
               "`variables` next to it");
  return false;
}

TfBundle *tf_bundle_open(TfReader *r) {
  TfBundle *bundle = ARENA_NEW(r->arena, TfBundle);
  *bundle = (TfBundle){.prefix = arena_printf(r->arena, "%svariables/variables",
                                              text_file_folder(r->arena, r->file->path))};
  const char *path = arena_printf(r->arena, "%s.index", bundle->prefix);
  Mapped file;
  if (!map(r, path, &file)) return NULL;
  if (!read_table(r, bundle, file)) {
    foreign_report(r->diags, r->file, E901,
                   "`%s` is damaged, or not the index of a checkpoint of TensorFlow", path);
    return NULL;
  }
  bundle->shard = ARENA_ARRAY(r->arena, Mapped, bundle->n_shards);
  return bundle;
}

const TfListed *tf_bundle_list(const TfBundle *bundle, int *n) {
  *n = bundle->n_listed;
  return bundle->listed;
}

bool tf_bundle_find(TfReader *r, const char *name, TfStored *out) {
  TfBundle *bundle = r->bundle;
  TfFile__BundleEntry *entry = map_get(&bundle->entries, name);
  if (!entry) {
    foreign_report(r->diags, r->file, E901, "the checkpoint has no tensor `%s`", name);
    return false;
  }
  if (entry->n_slice)
    return foreign_lacks(r->diags, r->file, E902,
                         "save the model again without a partitioner, so that each variable is one "
                         "tensor",
                         "tensor `%s` of the checkpoint is stored in parts", name);
  if (entry->shard < 0 || entry->shard >= bundle->n_shards) {
    foreign_report(r->diags, r->file, E901,
                   "tensor `%s` of the checkpoint is in a file that the "
                   "checkpoint does not have",
                   name);
    return false;
  }
  Mapped *shard = &bundle->shard[entry->shard];
  const char *path = arena_printf(r->arena, "%s.data-%05d-of-%05d", bundle->prefix, entry->shard,
                                  bundle->n_shards);
  if (!shard->data && !map(r, path, shard)) return false;
  bool inside = entry->offset >= 0 && entry->size >= 0 && (uint64_t)entry->offset <= shard->len &&
                (uint64_t)entry->size <= shard->len - (uint64_t)entry->offset;
  *out = (TfStored){entry, inside ? shard->data + entry->offset : NULL};
  if (inside && checksum(out->bytes, (size_t)entry->size) == entry->crc32c) return true;
  Diag *d = foreign_report(r->diags, r->file, E901,
                           inside ? "`%s` is damaged: tensor `%s` has another checksum"
                                  : "`%s` ends before tensor `%s` does",
                           path, name);
  diag_note(d, "the file is incomplete, or it belongs to another model");
  return false;
}
