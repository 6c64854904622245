/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What a file is that no reader knows: files people have beside the one that is wanted, or in its
 * place. By content, and what to do about it. */
#include "import/foreign.h"
#include "import/tensors/archive.h"

#include <string.h>

enum { GLANCE = 4096 };

typedef struct Near {
  size_t at; /* where the bytes are */
  const char *bytes;
  size_t n;
  const char *within; /* and this within the first bytes; NULL */
  const char *what, *help;
} Near;

#define BYTES(s) s, sizeof s - 1
static const Near known[] = {
    {0, BYTES("PK"), NULL, "a zip archive, but neither .keras nor .npz nor a checkpoint of PyTorch",
     "unpack it"},
    {0, BYTES("version https://git-lfs"), NULL, "a Git LFS pointer, not the file it points to",
     "`git lfs pull`"},
    {0, BYTES("<"), "html", "a web page: the download went to a page about the file",
     "fetch the raw file"},
    {0, BYTES("<"), "HTML", "a web page: the download went to a page about the file",
     "fetch the raw file"},
    {0, BYTES("\x1f\x8b"), NULL, "compressed with gzip", "`gunzip` it"},
    {0,
     BYTES("\xfd"
           "7zXZ"),
     NULL, "compressed with xz", "`unxz` it"},
    {0, BYTES("BZh"), NULL, "compressed with bzip2", "`bunzip2` it"},
    {257, BYTES("ustar"), NULL, "a tar archive", "unpack it"},
    {0, BYTES("{"), "\"class_name\"", "a description of Keras layers, without their weights",
     "import the weights, with this file: `grus import WEIGHTS.h5 --config FILE.json`"},
    {0, BYTES("GGUF"), NULL, "a GGUF file of a language model", "grus is for recurrent networks"},
};

/* The first bytes hold the word. */
static bool has_word(const ForeignFile *file, const char *word) {
  size_t n = file->data.len < GLANCE ? file->data.len : GLANCE, len = strlen(word);
  for (size_t i = 0; i + len <= n; i++)
    if (memcmp(file->data.data + i, word, len) == 0) return true;
  return false;
}

bool foreign_near(const ForeignFile *file, const char **what, const char **help) {
  if (file->data.len == 0) {
    *what = "empty", *help = "fetch or write it again";
    return true;
  }
  if (archive_lists(file->data, "/model.json") && archive_lists(file->data, "/code/")) {
    *what = "a TorchScript archive of PyTorch before 1.4";
    *help = "load it and save it again: `torch.jit.save(torch.jit.load(FILE), NEW)`";
    return true;
  }
  for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
    const Near *k = &known[i];
    if (file->data.len < k->at + k->n || memcmp(file->data.data + k->at, k->bytes, k->n) != 0)
      continue;
    if (k->within && !has_word(file, k->within)) continue;
    *what = k->what, *help = k->help;
    return true;
  }
  return false;
}

bool foreign_named(const char *path) {
  static const char *const endings[] = {".h5",   ".hdf5", ".keras", ".net", ".onnx", ".tflite",
                                        ".json", ".nam",  ".rnnn",  ".npz", ".npy",  ".safetensors",
                                        ".pt",   ".pth",  ".ckpt",  ".bin", ".pkl",  ".pb",
                                        ".gz",   ".xz",   ".zip"};
  size_t len = strlen(path);
  for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
    size_t n = strlen(endings[i]);
    if (len > n && strcmp(path + len - n, endings[i]) == 0) return true;
  }
  return false;
}
