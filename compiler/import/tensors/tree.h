/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* From the tree of values in a pickle to a list of tensors with names: dictionaries, lists and the
 * attributes of objects give the parts of a name, with dots between them. States of optimisers are
 * passed over. */
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
  const char *root;    /* "" or what all names begin with, and a dot */
  const char *skipped; /* the name of an optimiser's state, NULL if there is none */
  uint64_t budget;     /* bytes that may still be copied where elements do not lie in order */
  int64_t steps;       /* that may still be taken */
  Convention convention;
  TreeStorage *storage; /* NULL where there are none */
  void *context;
} Tree;

void tree_begin(Tree *tree, Arena *arena, size_t file_size);
/* Adds what `value` holds under a name, "" for the root. False with *reason when it is damaged. */
bool tree_add(Tree *tree, const PickleValue *value, const char *name, const char **reason);
/* The same for the root of a file, which also finds where its tensors begin: after "state_dict."
 * of a checkpoint that has nothing else. */
bool tree_add_root(Tree *tree, const PickleValue *value, const char **reason);
void tree_add_tensor(Tree *tree, Tensor tensor, const char *name);
/* Something that would be a tensor, and why it cannot be read. */
void tree_add_unread(Tree *tree, const char *name, const char *why);
/* All tensors, sorted; NULL with *reason if two have one name. */
TensorFile *tree_end(Tree *tree, const char **reason);

/* What a value of a pickle is: TREE_OTHER if it is no tensor, TREE_BAD with *reason if it is a
 * damaged one, TREE_UNREAD with *reason if it is of a kind that is not read. */
typedef enum TreeFound { TREE_OTHER, TREE_TENSOR, TREE_UNREAD, TREE_BAD } TreeFound;
TreeFound torch_tensor(Tree *tree, const PickleValue *value, Tensor *out, const char **reason);
TreeFound numpy_array(Tree *tree, const PickleValue *value, Tensor *out, const char **reason);
/* Bytes, in any of the ways in which Python writes them. False with *reason. */
bool pickle_as_bytes(Tree *tree, const PickleValue *value, Mapped *out, const char **reason);
/* The items of an array of objects, or NULL. */
const PickleValue *numpy_objects(const PickleValue *value);

/* Counts bytes that are copied; false with *reason when there are too many for a file of this
 * size. */
bool tree_spend(Tree *tree, uint64_t bytes, const char **reason);
/* The numbers of a tuple or list; false if they are not whole or too many for the axes of a
 * tensor. */
bool tree_numbers(const PickleValue *value, int64_t *out, int *n);

/* A .npy file, plain or of objects. */
bool npy_parse_named(Tree *tree, Mapped file, const char *name, const char **reason);
/* "f4", "<f4", ">i8". */
bool npy_descr(const char *s, Tensor *t);

#endif
