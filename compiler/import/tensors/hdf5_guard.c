/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Reads HDF5 in a process of its own. In: questions of the readers. Out: the answers of libhdf5,
 * which runs in a child process (base/child.h) with limits of time and memory. If the child ends in
 * the middle of a file, the file is damaged.
 *
 * A question is a Question, then its two texts. An answer is an Answer, then its bytes: texts one
 * after another, each with a 0 at its end; the floats of an array; or the reason why there is
 * nothing. The parent checks every number of an answer, because a damaged file may have made the
 * child write any. */
#include "base/child.h"
#include "import/tensors/hdf5_file.h"

#include <setjmp.h>
#include <string.h>

/* The limits of the child. libhdf5 copies a file three times, and holds an array of the largest
 * size compressed, decompressed and as floats. */
enum {
  SECONDS = 5,
  BYTES_A_SECOND = 4 << 20,
  MEMORY_FREE = 64 << 20,
  MEMORY_FILES = 4 + 3 * HDF5_EXPANSION_MAX,
  DATA_FREE = 1 << 20
};

typedef enum Wanted { GROUP, DATA, TEXTS, LIST, READ } Wanted;

typedef struct Question {
  uint32_t wanted, path, attribute; /* path and attribute: the lengths of both texts */
} Question;

typedef struct Answer {
  uint32_t found; /* 1 or 0 */
  int n;          /* the count of texts, or of axes */
  int64_t dim[TENSOR_MAX_RANK];
  uint64_t bytes;
} Answer;

struct Hdf5 {
  Arena *arena;
  Child child;
  uint64_t budget; /* how many bytes of answers the parent still accepts */
  const char *broken;
};

/* ---- the child ---- */

static bool answer(int to, Answer head, const void *bytes) {
  return child_put(to, &head, sizeof head) && child_put(to, bytes, head.bytes);
}

static bool refuse(int to, const char *reason) {
  return answer(to, (Answer){.bytes = strlen(reason)}, reason);
}

static bool answer_texts(Arena *arena, int to, const char *const *texts, int n) {
  Text all = text_new(arena);
  for (int i = 0; i < n; i++)
    text_add_n(&all, texts[i], strlen(texts[i]) + 1);
  return answer(to, (Answer){.found = true, .n = n, .bytes = all.len}, text_str(&all));
}

static bool answer_tensor(int to, const Hdf5Tensor *t) {
  Answer head = {.found = true, .n = t->rank, .bytes = (uint64_t)t->count * sizeof(float)};
  memcpy(head.dim, t->dim, sizeof head.dim);
  return answer(to, head, t->data);
}

/* Answers one question; false if the parent is gone. */
static bool reply(const Hdf5Module *module, const Hdf5File *file, Arena *arena, int to,
                  const Question *q) {
  char *path = arena_array(arena, (size_t)q->path + 1, 1),
       *attribute = arena_array(arena, (size_t)q->attribute + 1, 1);
  if (!child_get(to, path, q->path) || !child_get(to, attribute, q->attribute)) return false;
  const char **texts, *reason = "";
  Hdf5Tensor tensor;
  int n;
  switch ((Wanted)q->wanted) {
  case GROUP:
  case DATA:
    return answer(to, (Answer){.found = (uint32_t)module->has(file, path, q->wanted == GROUP)},
                  NULL);
  case TEXTS:
    if (module->texts(file, arena, path, attribute, &texts, &n))
      return answer_texts(arena, to, texts, n);
    return refuse(to, "");
  case LIST:
    if (module->list(file, arena, &texts, &n)) return answer_texts(arena, to, texts, n);
    return refuse(to, "");
  case READ:
    if (module->read(file, arena, path, &tensor, &reason)) return answer_tensor(to, &tensor);
    return refuse(to, reason);
  }
  return false;
}

static Hdf5File *open_bytes(const Hdf5Module *module, Arena *arena, const void *data, size_t n,
                            const char **reason) {
  return arena ? module->open(arena, (Mapped){data, n}, reason) : NULL;
}

/* The work of the child: answers questions until the parent closes the socket. */
static int serve(const void *data, size_t n, int to) {
  const char *reason;
  const Hdf5Module *module = hdf5_module(&reason);
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom)) return CHILD_NO_MEMORY;
  Arena *whole = arena_new(&oom);
  Hdf5File *file = open_bytes(module, whole, data, n, &reason);
  if (!whole) return CHILD_NO_MEMORY;
  if (!file) return refuse(to, reason) ? 0 : 1;
  bool asked = answer(to, (Answer){.found = true}, NULL);
  for (Question q; asked && child_get(to, &q, sizeof q); arena_free(arena)) {
    arena = arena_new(&oom);
    if (!arena) return CHILD_NO_MEMORY;
    asked = reply(module, file, arena, to, &q);
  }
  return 0;
}

const ChildWork hdf5_work = {"hdf5", serve};

/* ---- the parent ---- */

static void hdf5_close(void *arg) {
  Hdf5 *file = arg;
  child_end(&file->child);
}

/* Takes the answer to a question. Its bytes are in memory of the arena, with a 0 after them. False
 * if the child has ended or the answer is too large; then `broken` has the reason. */
static bool hear(Hdf5 *file, Answer *head, char **bytes) {
  bool ok = child_get(file->child.socket, head, sizeof *head) && head->bytes <= file->budget;
  if (ok) {
    file->budget -= head->bytes;
    *bytes = arena_array(file->arena, (size_t)head->bytes + 1, 1);
    ok = child_get(file->child.socket, *bytes, (size_t)head->bytes);
  }
  if (ok) return true;
  const char *why = child_end(&file->child);
  file->broken = why ? arena_printf(file->arena, "it is damaged: libhdf5 cannot read it, %s", why)
                     : "it is damaged: its arrays would be too large for a file of its size";
  return false;
}

static bool ask(Hdf5 *file, Wanted wanted, const char *path, const char *attribute, Answer *head,
                char **bytes) {
  size_t n = strlen(path), m = strlen(attribute);
  Question q = {(uint32_t)wanted, (uint32_t)n, (uint32_t)m};
  if (file->broken || n > UINT32_MAX || m > UINT32_MAX) return false;
  int to = file->child.socket;
  if (child_put(to, &q, sizeof q) && child_put(to, path, n)) child_put(to, attribute, m);
  return hear(file, head, bytes); /* which also finds out that the child has ended */
}

Hdf5 *hdf5_open(Arena *arena, Mapped data, const char **reason) {
  if (!hdf5_module(reason)) return NULL;
  Hdf5 *file = ARENA_NEW(arena, Hdf5);
  *file = (Hdf5){.arena = arena, .budget = DATA_FREE + (uint64_t)data.len * HDF5_EXPANSION_MAX};
  const ChildLimits limits = {.seconds = (unsigned long)(SECONDS + data.len / BYTES_A_SECOND),
                              .memory = MEMORY_FREE + data.len * MEMORY_FILES};
  *reason = "no process can be started to read it";
  if (!child_start(&file->child, limits, &hdf5_work, data.data, data.len)) return NULL;
  arena_defer(arena, hdf5_close, file);
  Answer head;
  char *bytes;
  if (!hear(file, &head, &bytes))
    *reason = file->broken;
  else if (head.found)
    return file;
  else
    *reason = bytes;
  return NULL;
}

const char *hdf5_broken(const Hdf5 *file) {
  return file->broken;
}

static bool has(Hdf5 *file, Wanted wanted, const char *path) {
  Answer head;
  char *bytes;
  return ask(file, wanted, path, "", &head, &bytes) && head.found;
}

bool hdf5_has_group(Hdf5 *file, const char *path) {
  return has(file, GROUP, path);
}

bool hdf5_has_data(Hdf5 *file, const char *path) {
  return has(file, DATA, path);
}

static bool ask_texts(Hdf5 *file, Wanted wanted, const char *path, const char *attribute,
                      const char ***out, int *n) {
  Answer head;
  char *bytes;
  if (!ask(file, wanted, path, attribute, &head, &bytes) || !head.found) return false;
  if (head.n < 0 || head.n > HDF5_TEXTS_MAX) return false;
  *out = ARENA_ARRAY(file->arena, const char *, head.n + 1);
  *n = head.n;
  const char *end = bytes + head.bytes;
  for (int i = 0; i < head.n; i++) {
    if (bytes == end) return false;
    (*out)[i] = bytes;
    bytes += strlen(bytes);
    bytes += bytes != end;
  }
  return true;
}

bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n) {
  return ask_texts(file, TEXTS, path, attribute, out, n);
}

bool hdf5_list(Hdf5 *file, const char ***out, int *n) {
  return ask_texts(file, LIST, "", "", out, n);
}

const char *hdf5_text(Hdf5 *file, const char *path, const char *attribute) {
  const char **texts;
  int n;
  return hdf5_texts(file, path, attribute, &texts, &n) && n == 1 ? texts[0] : NULL;
}

bool hdf5_read(Hdf5 *file, const char *path, Hdf5Tensor *out, const char **reason) {
  Answer head;
  char *bytes;
  *reason = "it cannot be reached";
  if (!ask(file, READ, path, "", &head, &bytes)) return false;
  *reason = bytes;
  if (!head.found) return false;
  *reason = "it is damaged";
  *out = (Hdf5Tensor){.rank = head.n, .count = 1, .data = (float *)(void *)bytes};
  if (head.n < 0 || head.n > TENSOR_MAX_RANK) return false;
  for (int i = 0; i < head.n; i++) {
    if (head.dim[i] < 1 || head.dim[i] > INT32_MAX ||
        !size_mul(out->count, head.dim[i], &out->count))
      return false;
    out->dim[i] = head.dim[i];
  }
  return out->count <= INT32_MAX && (uint64_t)out->count * sizeof(float) == head.bytes;
}
