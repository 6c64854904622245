/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The fixtures of the make_*.py: NAME.onnx against what onnxruntime made of it, whole or, where
 * state comes back, as one stream. axes/: what goes along axes of the features; import has compared
 * each with its graph. arranged/: moves that no stage is in one. beside/: constants beside values,
 * several sequences. across/: steps that are written out, with one operator of each kind.
 * NAME_open_*.onnx does not say how long its sequences are:
 * --time does. own/: cells that are none of the known, by the C compiler too, those of an open
 * length on a stream as well. perturbed/: cells with something changed, recorded call by call: each
 * must be refused or give what was recorded. refused/NAME_CODE.onnx must be refused with CODE, in
 * the words of refused.list (reasons.h), as perturbed/ where it is refused; and fixtures cut short
 * or with bytes changed must be refused or give a model whose weights are there. Tolerance:
 * onnxruntime computes in f32.
 *
 *     fixtures FOLDER */
#define _XOPEN_SOURCE 700 /* realpath */
#include "../reasons.h"

#include "import/foreign.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CUTS = 60, CHANGES = 200, HOSTILE_EVERY = 6 };

/* [.., features, time] as the language stores a sequence whose type has time first. */
static Tensor time_first(Conform *c, Tensor t, const Type *type) {
  int64_t steps = type_is_sequence(type) ? type->time.n : 0;
  if (t.rank != 3 || type->time_pos || !steps || t.dim[2] != steps || t.dim[1] == steps) return t;
  double *to = ARENA_ARRAY(c->arena, double, t.count);
  for (int64_t i = 0; i < t.count; i++)
    to[i % steps * t.dim[1] + i / steps] = tensor_get(&t, i);
  t.data = (const uint8_t *)to;
  t.elem = TENSOR_F64;
  return t;
}

/* What was recorded against the model: `calls` of them, in a row along the first axis. */
static void compare(Conform *c, const char *name, const Model *model, const TensorFile *file,
                    int64_t calls) {
  enum { MOST = 8 };
  Tensor x[MOST], y[MOST];
  if (model->n_in > MOST || model->n_out > MOST) {
    c->failures++;
    return;
  }
  for (int i = 0; i < model->n_in + model->n_out; i++) {
    bool in = i < model->n_in;
    const Port *port = in ? model->in[i] : model->out[i - model->n_in];
    const Tensor *t =
        tensor_find(file, arena_printf(c->arena, "%s_%s", in ? "in" : "out", port->name));
    if (!t) {
      printf("%s: no array for `%s`\n", name, port->name);
      c->failures++;
      return;
    }
    Tensor ordered = time_first(c, *t, &port->declared);
    if (in)
      x[i] = ordered;
    else
      y[i - model->n_in] = ordered;
  }
  conform_batch(c, name, model, x, y, calls, 1, 1e-6);
}

static void accepted(Conform *c, const char *folder, const char *name) {
  const char *stem = arena_strndup(c->arena, name, strcspn(name, "."));
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s/%s.npz", folder, stem));
  const Tensor *x = file && strstr(name, "_open_") ? tensor_find(file, "in_x") : NULL;
  c->options.time = x ? arena_printf(c->arena, "%lld", (long long)x->dim[1]) : NULL;
  Model *model = conform_import(c, arena_printf(c->arena, "%s/%s", folder, name));
  c->options.time = NULL;
  if (model && file) compare(c, name, model, file, 1);
}

/* A cell of its own whose length is open, on a stream; where it goes both ways, no stream can be.
 */
static void streamed(Conform *c, const char *folder, const char *name) {
  const char *stem = arena_strndup(c->arena, name, strcspn(name, "."));
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s/%s.npz", folder, stem));
  const Tensor *x = file ? tensor_find(file, "in_x") : NULL,
               *y = file ? tensor_find(file, "out_y") : NULL;
  const char *path = arena_printf(c->arena, "%s/%s", folder, name);
  bool both = strncmp(name, "both", strlen("both")) == 0;
  if (!strstr(name, "_open_")) return;
  if (!x || !y || conform_streamed(c, path, x, y, 1, 1, 1e-6) == both) c->failures++;
}

/* The model was compared with the graph of the file, and no reader that does not compare took
 * it. */
static void compared(Conform *c, const char *folder, const char *name) {
  Imported in = {0};
  session_reset_diags(&c->session);
  bool found = false;
  if (session_import(&c->session, arena_printf(c->arena, "%s/%s", folder, name),
                     "model.safetensors", "model.grus", &in))
    for (int i = 0; i < in.foreign->n_notes; i++)
      found = found || strncmp(in.foreign->note[i], "checked against the graph",
                               strlen("checked against the graph")) == 0;
  if (found) return;
  printf("%s: not compared with its graph\n", name);
  c->failures++;
}

/* Refused, or right: a stream's calls are one sample, those of a model that keeps nothing a sample
 * each. */
static void perturbed(Conform *c, const char *folder, const char *name, Reasons *reasons) {
  enum { CALLS = 6 };
  const char *path = arena_printf(c->arena, "%s/%s", folder, name),
             *stem = arena_strndup(c->arena, name, strcspn(name, "."));
  TensorFile *file = conform_npz(c, arena_printf(c->arena, "%s/%s.npz", folder, stem));
  Imported in = {0};
  session_reset_diags(&c->session);
  if (!session_import(&c->session, path, "model.safetensors", "model.grus", &in)) {
    if (!c->session.diags->n_errors)
      c->failures++;
    else
      printf("%-62s refused: %s\n", name, c->session.diags->first->message);
  } else if (file)
    compare(c, name, in.model, file, in.model->run == RUN_STREAM ? 1 : CALLS);
  reasons_check(reasons, name, folder, in.model ? NULL : c->session.diags->first);
}

/* Data that a link in the folder of the model leads out to are refused; a folder of links to the
 * model and its data, which are together elsewhere, is not. */
static void links(Conform *c, const char *folder) {
  static const char *const names[] = {"weights_external.onnx", "weights_external.bin", "data"};
  static const char here[] = "conform_onnx_links";
  char *root = realpath(folder, NULL);
  if (!root || (mkdir(here, 0777) != 0 && errno != EEXIST)) {
    c->failures++;
    free(root);
    return;
  }
  for (int links = 0; links < 2; links++) {
    const char *model = arena_printf(c->arena, "%s/%s", here, names[0]);
    for (int i = 0; i < 3; i++) {
      const char *from = arena_printf(c->arena, "%s/%s", root, names[i]),
                 *to = arena_printf(c->arena, "%s/%s", here, names[i]);
      size_t len;
      remove(to);
      const char *reason,
          *bytes = i == 0 && links == 0 ? file_read(c->arena, from, 1 << 20, &len, &reason) : NULL;
      bool made = bytes ? file_write(c->arena, to, bytes, len, &reason) : symlink(from, to) == 0;
      if (!made) c->failures++;
    }
    if (links)
      conform_import(c, model);
    else if (!conform_refused(c, model, E901))
      printf("%s: DIFFERENT\n", model);
    for (int i = 0; i < 3; i++)
      remove(arena_printf(c->arena, "%s/%s", here, names[i]));
  }
  rmdir(here);
  free(root);
}

static void hostile(Conform *c, const char *folder, const char *name) {
  Mapped file;
  const char *reason;
  uint32_t state = 1;
  int bad = 0;
  if (!file_map(c->arena, arena_printf(c->arena, "%s/%s", folder, name), &file, &reason)) {
    c->failures++;
    return;
  }
  for (size_t i = 0; i < CUTS + CHANGES; i++) {
    size_t len = i < CUTS ? file.len * i / CUTS : file.len;
    uint8_t *copy =
        malloc(len + 1); /* of its own, so that a sanitizer sees a read beyond the end */
    if (!copy) return;
    memcpy(copy, file.data, len);
    for (size_t k = 0; i >= CUTS && k <= i % 3; k++)
      copy[conform_random(&state) % len] = (uint8_t)conform_random(&state);
    if (!conform_survives("changed.onnx", copy, len)) {
      printf("%s, change %zu: neither refused nor whole\n", name, i);
      bad++;
    }
    free(copy);
  }
  printf("%-62s %d cut, %d changed, %d neither refused nor whole\n", name, CUTS, CHANGES, bad);
  c->failures += bad;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Conform c;
  Reasons reasons;
  size_t n, n_refused;
  if (argc != 2) return 2;
  if (setjmp(oom)) return 3;
  Arena *arena = arena_new(&oom);
  conform_begin(&c, arena);
  c.only_llvm = true;
  reasons_open(&reasons, &c, arena_printf(arena, "%s/refused.list", argv[1]));
  conform_heading();
  static const char *const folders[] = {
      ".",        "exported", "opsets", "windows",   "integers", "ways",    "pointwise", "axes",
      "attended", "across",   "own",    "perturbed", "ml",       "tf2onnx", "arranged",  "beside"};
  for (size_t k = 0; k < sizeof folders / sizeof *folders; k++) {
    const char *folder = arena_printf(arena, "%s/%s", argv[1], folders[k]),
               **names = conform_files(&c, folder, ".onnx .pt2", &n);
    bool changed = strcmp(folders[k], "perturbed") == 0, own = strcmp(folders[k], "own") == 0;
    c.only_llvm = !own;
    for (size_t i = 0; i < n; i++) {
      if (changed)
        perturbed(&c, folder, names[i], &reasons);
      else
        accepted(&c, folder, names[i]);
      if (own) streamed(&c, folder, names[i]);
      if (strcmp(folders[k], "axes") == 0 || strcmp(folders[k], "attended") == 0 ||
          strcmp(folders[k], "arranged") == 0 || strcmp(folders[k], "across") == 0 ||
          strcmp(folders[k], "beside") == 0)
        compared(&c, folder, names[i]);
    }
    for (size_t i = 0; i < n && !changed; i += HOSTILE_EVERY * (k + 1) * (size_t)c.by_c_every)
      hostile(&c, folder, names[i]);
    if (!n) c.failures++;
  }
  links(&c, arena_printf(arena, "%s/opsets", argv[1]));
  const char *folder = arena_printf(arena, "%s/refused", argv[1]),
             **names = conform_files(&c, folder, ".onnx .pt2", &n_refused);
  for (size_t i = 0; i < n_refused; i++) {
    const char *path = arena_printf(arena, "%s/%s", folder, names[i]),
               *code = strrchr(names[i], '_') + 1;
    if (!conform_refused(&c, path, diag_code_find(arena_strndup(arena, code, 4))))
      printf("%s: DIFFERENT\n", names[i]);
    reasons_check(&reasons, names[i], folder, c.session.diags->first);
  }
  reasons_close(&reasons);
  int failures = c.failures + (n_refused == 0);
  arena_free(arena);
  printf("%d failures\n", failures);
  return failures != 0;
}
