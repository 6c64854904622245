/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From the tree of values in a pickle to a list of tensors with names. The keys of dictionaries,
 * the numbers of items and the attributes of objects are the parts of a name, with dots between
 * them. The states of optimisers are left out. */
#ifndef GRUS_IMPORT_TENSORS_TREE_H
#define GRUS_IMPORT_TENSORS_TREE_H

#include "import/tensors/pickle.h"

/* The bytes of a storage of PyTorch. False with *reason. */
typedef bool TreeStorage(void *context, const char *key, Mapped *out, const char **reason);

typedef struct Tree {
  Arena *arena;
  Tensor *tensor; /* in the order of the file */
  int n;
  size_t cap;
  TensorUnread *unread;
  int n_unread;
  size_t cap_unread;
  const char *root;    /* the prefix of all names, with its dot; or "" */
  const char *skipped; /* the name of the state of an optimiser; NULL: there is none */
  uint64_t
      budget;    /* how many bytes may still be copied, for views whose elements are not in order */
  int64_t steps; /* how many values may still be visited */
  Convention convention;
  TreeStorage *storage; /* NULL: the file has no storages */
  void *context;
} Tree;

void tree_begin(Tree *tree, Arena *arena, size_t file_size);
/* Adds the tensors in `value` under a name, "" for the root. False with *reason if it is damaged.
 */
bool tree_add(Tree *tree, const PickleValue *value, const char *name, const char **reason);
/* The same for the root of a file. It also finds the prefix of the tensors, such as "state_dict."
 * of a checkpoint that has no other tensors. */
bool tree_add_root(Tree *tree, const PickleValue *value, const char **reason);
/* Adds one tensor. */
void tree_add_tensor(Tree *tree, Tensor tensor, const char *name);
/* Adds a tensor that grus cannot read, and the reason. */
void tree_add_unread(Tree *tree, const char *name, const char *why);
/* All tensors, sorted by name; NULL with *reason if two have the same name. */
TensorFile *tree_end(Tree *tree, const char **reason);

/* Whether a value of a pickle is a tensor: TREE_OTHER if not, TREE_BAD with *reason if it is a
 * damaged one, TREE_UNREAD with *reason if grus cannot read it. */
typedef enum TreeFound { TREE_OTHER, TREE_TENSOR, TREE_UNREAD, TREE_BAD } TreeFound;
TreeFound torch_tensor(Tree *tree, const PickleValue *value, Tensor *out, const char **reason);
TreeFound numpy_array(Tree *tree, const PickleValue *value, Tensor *out, const char **reason);
/* The bytes of a value, in any of the ways in which Python writes bytes. False with *reason. */
bool pickle_as_bytes(Tree *tree, const PickleValue *value, Mapped *out, const char **reason);
/* The list of items of an array of objects; NULL for other values. */
const PickleValue *numpy_objects(const PickleValue *value);

/* Counts bytes that are copied; false with *reason if there are too many for a file of this size.
 */
bool tree_spend(Tree *tree, uint64_t bytes, const char **reason);
/* The integers of a tuple or list; false if it has other values, or more than a tensor has axes. */
bool tree_numbers(const PickleValue *value, int64_t *out, int *n);

/* Adds the array of a .npy file, or the tensors of its objects. False with *reason. */
bool npy_parse_named(Tree *tree, Mapped file, const char *name, const char **reason);
/* Reads the name of an element type: "f4", "<f4", ">i8". False if grus cannot read it. */
bool npy_descr(const char *s, Tensor *t);

#endif
