/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The character model of ml5 (Shakespeare), from its manifest and raw tensors: refused as long as
 * nothing says what its cells compute; then its logits, and its text: the compiled step function
 * continues a seed greedily, each character chosen from its own output.
 *
 *     charrnn MODELS
 *
 * Tolerance: the logits are numpy's in double, up to about 20 in size; two LSTMs of 128 over 200
 * steps in float32 stay within 1e-4. */
#include "../conform.h"

#include <jansson.h>
#include <string.h>

enum { VOCABULARY = 65, STEPS = 200, SEED = 14 /* "the meaning of" */, STATE_MAX = 1 << 16 };

static const char config_path[] = "conform_charrnn_config.json";

static Model *import_with(Conform *c, const char *path, const char *config) {
  FILE *file = fopen(config_path, "w");
  if (!file || fputs(config, file) < 0 || fclose(file) != 0) c->failures++;
  c->options.config = config_path;
  Model *model = NULL;
  if (strstr(config, "forget_bias"))
    model = conform_import(c, path);
  else
    conform_refused(c, path, E904);
  c->options.config = NULL;
  remove(config_path);
  return model;
}

/* Sets id[SEED ..] from the compiled step function; false if it cannot run. */
static bool continue_seed(Conform *c, int *id) {
  _Alignas(64) static unsigned char state[STATE_MAX];
  const GrusProgram *p = c->program;
  if (!p || p->port_count != 2 || p->state_size > sizeof state || p->state_align > 64) return false;
  if (p->ports[0].role != GRUS_ROLE_IN || p->ports[0].elem != GRUS_ELEM_U8 ||
      p->reset(state, NULL) != GRUS_OK)
    return false;
  for (int n = 0; n + 1 < STEPS; n++) {
    uint8_t x = (uint8_t)id[n];
    float logits[VOCABULARY];
    const void *in[] = {&x};
    void *out[] = {logits};
    int best = 0;
    if (p->step(state, in, out) != GRUS_OK) return false;
    for (int k = 1; k < VOCABULARY; k++)
      if (logits[k] > logits[best]) best = k;
    if (n + 1 >= SEED) id[n + 1] = best;
  }
  return true;
}

/* Characters of the vocabulary, {"a": 7, ...}, by their numbers. */
static bool vocabulary(Conform *c, const char *path, const char *letter[VOCABULARY]) {
  json_error_t error;
  json_t *object = json_load_file(path, 0, &error), *number;
  const char *key;
  int known = 0;
  json_object_foreach(object, key, number) {
    json_int_t k = json_integer_value(number);
    if (k < 0 || k >= VOCABULARY) continue;
    letter[k] = arena_strdup(c->arena, key);
    known++;
  }
  json_decref(object);
  return known == VOCABULARY;
}

static void greedy_text(Conform *c, const char *folder, const Tensor *ids) {
  int id[STEPS] = {0};
  const char *letter[VOCABULARY] = {0}, *reason = "", *said = "is not that of the reference";
  Mapped want;
  Text text = text_new(c->arena);
  for (int n = 0; n < SEED; n++)
    id[n] = (int)tensor_get(ids, n);
  bool ok = continue_seed(c, id) &&
            vocabulary(c, arena_printf(c->arena, "%s/model/vocab.json", folder), letter) &&
            file_map(c->arena, arena_printf(c->arena, "%s/ref/shakespeare__greedy.txt", folder),
                     &want, &reason);
  for (int n = 0; ok && n < STEPS; n++)
    text_add(&text, letter[id[n]]);
  ok = ok && text.len == want.len && memcmp(text_str(&text), want.data, want.len) == 0;
  if (ok) said = "is that of the reference, to the last character";
  conform_said(c, "charrnn_shakespeare/model/manifest.json",
               arena_printf(c->arena, "text by the compiled step function %s", said));
  if (!ok) printf("%s\n", text_str(&text));
  if (!ok) c->failures++;
}

static void test(Conform *c, const char *folder) {
  const char *path = arena_printf(c->arena, "%s/model/manifest.json", folder);
  conform_refused(c, path, E904);
  import_with(c, path, "{\"cell\": \"BasicLSTMCell\"}");
  Model *model = import_with(c, path, "{\"cell\": \"BasicLSTMCell\", \"forget_bias\": 1}");
  Tensor x = conform_npy(c, arena_printf(c->arena, "%s/ref/shakespeare__ids.npy", folder));
  Tensor y = conform_npy(c, arena_printf(c->arena, "%s/ref/shakespeare__logits.npy", folder));
  if (!model || x.count != STEPS || y.count != STEPS * VOCABULARY) {
    c->failures++;
    return;
  }
  conform_batch(c, path, model, &x, &y, 1, 1, 1e-4);
  greedy_text(c, folder, &x);
}

static void run(Conform *c, char **argv) {
  test(c, arena_printf(c->arena, "%s/charrnn_shakespeare", argv[1]));
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 2, 1, run);
}
