/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* HDF5 read by a process of its own. In, questions of the readers; out, what libhdf5 answers in a
 * forked child that has limits of time and memory, opens nothing and writes nothing. Its end in the
 * middle of a file is an answer as well: the file is damaged.
 *
 * A question is a Question and the two texts it counts; an answer is an Answer and its bytes: texts
 * one after another, each with its 0; the floats of an array; or the reason why there is nothing. The
 * parent believes no number of an answer: a damaged file may have made the child write any. */
#include "import/hdf5_file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* Limits of the child: seconds of computing, and bytes beside what the parent had. A file is copied
 * three times by the library, an array of the largest size stands there as it was packed, as it is
 * unpacked and as floats. */
enum {
  SECONDS = 5,
  BYTES_A_SECOND = 4 << 20,
  MEMORY_FREE = 64 << 20,
  MEMORY_FILES = 4 + 3 * HDF5_EXPANSION_MAX,
  DATA_FREE = 1 << 20,
  EXIT_MEMORY = 3
};

typedef enum Wanted { OPENED, GROUP, DATA, TEXTS, READ } Wanted;

typedef struct Question {
  uint32_t wanted, path, attribute; /* and the lengths of both texts */
} Question;

typedef struct Answer {
  uint32_t found; /* a truth */
  int n; /* texts, or axes */
  int64_t dim[TENSOR_MAX_RANK];
  uint64_t bytes;
} Answer;

struct Hdf5 {
  Arena *arena;
  pid_t child;
  int socket;
  uint64_t budget; /* bytes of answers that are still taken */
  const char *broken;
};

static bool put(int to, const void *data, size_t n) {
  const char *p = data;
  while (n) {
    ssize_t sent = send(to, p, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return false;
    p += sent;
    n -= (size_t)sent;
  }
  return true;
}

static bool get(int from, void *data, size_t n) {
  char *p = data;
  while (n) {
    ssize_t got = recv(from, p, n, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return false;
    p += got;
    n -= (size_t)got;
  }
  return true;
}

/* The child. */

static void limit(int what, rlim_t most) {
  struct rlimit now;
  if (getrlimit(what, &now) != 0) return;
  if (now.rlim_max != RLIM_INFINITY && now.rlim_max < most) most = now.rlim_max;
  now.rlim_cur = now.rlim_max = most;
  setrlimit(what, &now);
}

/* Sanitizers reserve most of the address space: nothing is left to limit. */
static void limit_memory(size_t len) {
#ifndef GRUS_SANITIZED
  char text[64] = "";
  int statm = open("/proc/self/statm", O_RDONLY);
  unsigned long pages = 0;
  bool known = statm >= 0 && read(statm, text, sizeof text - 1) > 0 && sscanf(text, "%lu", &pages) == 1;
  if (statm >= 0) close(statm);
  if (known) limit(RLIMIT_AS, (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + MEMORY_FREE + (rlim_t)len * MEMORY_FILES);
#else
  (void)len;
#endif
}

static void limit_all(size_t len) {
  int nothing = open("/dev/null", O_RDWR);
  for (int fd = 0; fd <= 2 && nothing >= 0; fd++)
    dup2(nothing, fd);
  limit_memory(len);
  limit(RLIMIT_CPU, SECONDS + len / BYTES_A_SECOND);
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_FSIZE, 0);
  limit(RLIMIT_NOFILE, 0);
}

static bool answer(int to, Answer head, const void *bytes) {
  return put(to, &head, sizeof head) && put(to, bytes, head.bytes);
}

static bool refuse(int to, const char *reason) { return answer(to, (Answer){.bytes = strlen(reason)}, reason); }

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

static bool reply(const Hdf5Module *module, const Hdf5File *file, Arena *arena, int to, const Question *q) {
  char *path = arena_array(arena, (size_t)q->path + 1, 1), *attribute = arena_array(arena, (size_t)q->attribute + 1, 1);
  if (!get(to, path, q->path) || !get(to, attribute, q->attribute)) return false;
  const char **texts, *reason = "";
  Hdf5Tensor tensor;
  int n;
  switch ((Wanted)q->wanted) {
  case GROUP:
  case DATA: return answer(to, (Answer){.found = (uint32_t)module->has(file, path, q->wanted == GROUP)}, NULL);
  case TEXTS:
    if (module->texts(file, arena, path, attribute, &texts, &n)) return answer_texts(arena, to, texts, n);
    return refuse(to, "");
  case READ:
    if (module->read(file, arena, path, &tensor, &reason)) return answer_tensor(to, &tensor);
    return refuse(to, reason);
  case OPENED: break;
  }
  return false;
}

/* Answers until nobody asks. */
static int serve(const Hdf5Module *module, Mapped data, int to) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  if (setjmp(oom)) return EXIT_MEMORY;
  const char *reason;
  Arena *whole = arena_new(&oom);
  Hdf5File *file = whole ? module->open(whole, data, &reason) : NULL;
  if (!whole) return EXIT_MEMORY;
  if (!file) return refuse(to, reason) ? 0 : 1;
  bool asked = answer(to, (Answer){.found = true}, NULL);
  for (Question q; asked && get(to, &q, sizeof q); arena_free(arena)) {
    arena = arena_new(&oom);
    if (!arena) return EXIT_MEMORY;
    asked = reply(module, file, arena, to, &q);
  }
  return 0;
}

/* The parent. */

static const char *end_of(Hdf5 *file) {
  int status = 0;
  kill(file->child, SIGKILL); /* it may have sent what cannot be */
  pid_t ended = waitpid(file->child, &status, 0);
  file->child = 0;
  if (ended > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU) return "reading it takes too long";
  if (ended > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_MEMORY)
    return "reading it takes more memory than a file of its size needs";
  return "libhdf5 cannot read it to the end";
}

static void hdf5_close(void *arg) {
  Hdf5 *file = arg;
  if (file->child) end_of(file);
  if (file->socket >= 0) close(file->socket);
}

/* What the child says to a question; the bytes that follow are in memory of the arena, with a 0
 * behind them. False when the child is not there any more. */
static bool hear(Hdf5 *file, Answer *head, char **bytes) {
  bool ok = get(file->socket, head, sizeof *head) && head->bytes <= file->budget;
  if (ok) {
    file->budget -= head->bytes;
    *bytes = arena_array(file->arena, (size_t)head->bytes + 1, 1);
    ok = get(file->socket, *bytes, (size_t)head->bytes);
  }
  if (!ok) file->broken = end_of(file);
  return ok;
}

static bool ask(Hdf5 *file, Wanted wanted, const char *path, const char *attribute, Answer *head, char **bytes) {
  size_t n = strlen(path), m = strlen(attribute);
  Question q = {(uint32_t)wanted, (uint32_t)n, (uint32_t)m};
  if (file->broken || n > UINT32_MAX || m > UINT32_MAX) return false;
  if (put(file->socket, &q, sizeof q) && put(file->socket, path, n)) put(file->socket, attribute, m);
  return hear(file, head, bytes); /* and sees there whether anybody listened */
}

Hdf5 *hdf5_open(Arena *arena, Mapped data, const char **reason) {
  const Hdf5Module *module = hdf5_module();
  *reason = "it is HDF5, and the part of grus that reads it (libgrus_hdf5.so) cannot be loaded";
  if (!module) return NULL;
  int ends[2];
  Hdf5 *file = ARENA_NEW(arena, Hdf5);
  *file = (Hdf5){.arena = arena, .socket = -1, .budget = DATA_FREE + (uint64_t)data.len * HDF5_EXPANSION_MAX};
  arena_defer(arena, hdf5_close, file);
  *reason = "no process can be started to read it";
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return NULL;
  file->socket = ends[0];
  file->child = fork();
  if (file->child == 0) {
    close(ends[0]);
    limit_all(data.len);
    _exit(serve(module, data, ends[1]));
  }
  close(ends[1]);
  if (file->child < 0) {
    file->child = 0;
    return NULL;
  }
  Answer head;
  char *bytes;
  if (!hear(file, &head, &bytes)) *reason = arena_printf(arena, "it is damaged: %s", file->broken);
  else if (head.found) return file;
  else *reason = bytes;
  return NULL;
}

const char *hdf5_broken(const Hdf5 *file) { return file->broken; }

static bool has(Hdf5 *file, Wanted wanted, const char *path) {
  Answer head;
  char *bytes;
  return ask(file, wanted, path, "", &head, &bytes) && head.found;
}

bool hdf5_has_group(Hdf5 *file, const char *path) { return has(file, GROUP, path); }

bool hdf5_has_data(Hdf5 *file, const char *path) { return has(file, DATA, path); }

bool hdf5_texts(Hdf5 *file, const char *path, const char *attribute, const char ***out, int *n) {
  Answer head;
  char *bytes;
  if (!ask(file, TEXTS, path, attribute, &head, &bytes) || !head.found) return false;
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
    if (head.dim[i] < 1 || head.dim[i] > INT32_MAX || !size_mul(out->count, head.dim[i], &out->count)) return false;
    out->dim[i] = head.dim[i];
  }
  return out->count <= INT32_MAX && (uint64_t)out->count * sizeof(float) == head.bytes;
}
