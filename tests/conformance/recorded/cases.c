/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Every case of MODELS2/cases.json: published files, files that today's exporters write, and files
 * of public reports, each with options, recorded inputs and outputs, and tolerances.
 *
 *     cases MODELS2 WRITTEN LISTS
 *
 * A file is imported as `grus import` does, with the first options of the case that are not
 * refused. A file of tensors has the layers that the case names or, if it names none, those of
 * WRITTEN/FOLDER.grus. LISTS/answers.json has options for files at whose import a person is asked.
 * Its model computes the recorded inputs in the evaluator and in both compiled programs. Then the
 * file is imported in its other form: a sequence as a stream, and a stream as a sequence of the
 * recorded length; the outputs have to be the same.
 *
 * A case is right, or the import refuses it in the words of LISTS/refused.list (reasons.h). A row
 * is a form of a case. Differences are parts of the largest recorded output, or of 1 if all are
 * smaller. If CONFORM_FEW is set, every eighth case is taken; if CONFORM_ONLY=WORD is, those with
 * WORD in their names. */
#include "../reasons.h"
#include "case.h"

#include "driver/written.h"
#include "import/json_read.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FEW = 8 };

/* ---- import ---- */

static void clear_options(Conform *c) {
  Options *o = &c->options;
  o->stream = false;
  o->time = o->input = o->config = o->weights = NULL;
  o->n_sets = o->n_states = 0;
}

/* ["--time", "24", "--stream"] */
static void set_options(Conform *c, const json_t *words) {
  Options *o = &c->options;
  size_t n = json_array_size(words);
  clear_options(c);
  o->set = ARENA_ARRAY(c->arena, const char *, n + 1);
  o->state = ARENA_ARRAY(c->arena, const char *, n + 1);
  for (size_t i = 0; i < n; i++) {
    const char *word = json_string_value(json_array_get(words, i)),
               *next = json_string_value(json_array_get(words, i + 1));
    if (strcmp(word, "--stream") == 0) o->stream = true;
    if (!next) continue;
    if (strcmp(word, "--time") == 0) o->time = next;
    if (strcmp(word, "--input") == 0) o->input = next;
    if (strcmp(word, "--set") == 0) o->set[o->n_sets++] = next;
    if (strcmp(word, "--state") == 0) o->state[o->n_states++] = next;
  }
}

/* The layers of a file of tensors; NULL if it needs none. `again`: the case tries them after an
 * import without them. */
static const char *layers_of(const Case *t, bool again) {
  const char *layers = case_text(t->json, again ? "config_or_none" : "config"), *file = layers;
  if (!layers) return NULL;
  file = case_path(t, layers);
  if (file_exists(file)) return file;
  return arena_printf(t->c->arena, "%s/%.*s.grus", t->written, (int)strcspn(layers, "/"), layers);
}

/* The model by the options that are set; NULL if the import refused it. */
static Model *import_once(const Case *t, const char *layers) {
  Conform *c = t->c;
  Imported in;
  const char *path = case_path(t, case_text(t->json, "file"));
  session_reset_diags(&c->session);
  c->options.config = layers;
  bool ok = (layers ? session_import_written
                    : session_import)(&c->session, path, "model.safetensors", "model.grus", &in);
  c->options.config = NULL;
  c->options.weights = NULL;
  return ok ? in.model : NULL;
}

/* "deepfilternet3_enc/enc.onnx --time 12" */
static const char *label_of(Case *t, const json_t *words) {
  Text text = text_new(t->c->arena);
  json_t *word;
  size_t i;
  text_add(&text, case_text(t->json, "file"));
  json_array_foreach(words, i, word) text_printf(&text, " %s", json_string_value(word));
  text_add(&text, t->which);
  return text_str(&text);
}

/* One way of importing the file. NULL if it is refused; *first is the first diagnostics. */
static Model *try_way(Case *t, const json_t *words, const char *layers, Diags **first) {
  set_options(t->c, words);
  t->label = label_of(t, words);
  t->layers = layers;
  Model *model = import_once(t, layers);
  if (model && layers) t->label = arena_printf(t->c->arena, "%s, by hand", t->label);
  if (!model && !*first) *first = t->c->session.diags;
  return model;
}

/* The state in this archive is that after the recorded calls, which began with zeros. Its own model
 * begins there too, as it does in PyTorch, and so is none of what is recorded. */
static bool begins_later(const Case *t) {
  return strstr(case_text(t->json, "file"), "torch_policy_torchscript.pt") != NULL;
}

/* The model by the first options that are not refused, which stay set: those of the case, what a
 * person answers if the import asks, and the layers of the case. NULL, with the diagnostics of the
 * first options, if all are refused. */
static Model *import_case(Case *t) {
  json_t *ways = json_object_get(t->json, "options");
  const char *layers = layers_of(t, false), *also = layers_of(t, true);
  Diags *first = NULL;
  Model *model = NULL;
  for (size_t i = 0; i < json_array_size(ways) && !model; i++) {
    json_t *words = json_array_get(ways, i);
    if (!begins_later(t)) model = try_way(t, words, layers, &first);
    if (!model && t->answer) model = try_way(t, t->answer, NULL, &first);
    if (!model && also) model = try_way(t, words, also, &first);
  }
  if (model) return model;
  t->label = label_of(t, json_array_get(ways, 0));
  t->c->session.diags = first;
  return NULL;
}

/* ---- the comparison ---- */

/* The largest difference of output i from the recorded numbers of sample k. Where the last value of
 * a sequence is recorded, it may be the last of several. A stream may give fewer values than are
 * recorded: those that it is late by are the last ones. */
static double error_of(const Case *t, int i, const EvalTensor *out, int64_t k) {
  const Fitted *y = &t->out[i];
  const Type *type = &t->model->out[i]->value->type;
  bool stream = t->model->run == RUN_STREAM;
  int64_t step = type_step_size(type), have = out->data ? out->steps * step : -1;
  int64_t late = stream && type_is_stream(type) ? type->time.lag * step : 0;
  if (have < 0 || have < y->size - late || (have > y->size && !type_is_sequence(type) && !stream))
    return (double)INFINITY;
  int64_t n = have < y->size ? have : y->size;
  const double *got = out->data + (have - n), *want = y->data + k * y->size;
  double most = 0;
  for (int64_t j = 0; j < n; j++) {
    double error = fabs(got[j] - want[j]) / t->scale[i];
    most = error <= most ? most : isnan(error) ? (double)INFINITY : error;
  }
  return most;
}

/* What a sample gave, by the evaluator and by the compiled program. */
typedef struct Results {
  EvalTensor *reference, *compiled;
} Results;

static Results *run_samples(Case *t) {
  Conform *c = t->c;
  int n_in = t->model->n_in;
  Results *r = ARENA_ARRAY(c->arena, Results, t->samples);
  double **in = ARENA_ARRAY(c->arena, double *, n_in + 1);
  int64_t *steps = ARENA_ARRAY(c->arena, int64_t, n_in + 1);
  for (int64_t k = 0; k < t->samples; k++) {
    for (int i = 0; i < n_in; i++) {
      in[i] = t->in[i].data + (t->in[i].samples > 1 ? k * t->in[i].size : 0);
      steps[i] = t->in[i].steps;
    }
    r[k].reference = conform_run(c, t->model, in, steps);
    r[k].compiled = ARENA_ARRAY(c->arena, EvalTensor, t->model->n_out + 1);
    if (!conform_compiled(c, t->model, in, steps, r[k].compiled)) r[k].compiled = NULL;
  }
  return r;
}

static double worst(const Case *t, int i, const Results *r, bool compiled) {
  double most = 0;
  for (int64_t k = 0; k < t->samples; k++) {
    const EvalTensor *out = compiled ? r[k].compiled : r[k].reference;
    most = fmax(most, out ? error_of(t, i, &out[i], k) : (double)INFINITY);
  }
  return most;
}

/* Of the arrays that a case allows for an output, that with the smallest part of its tolerance. */
typedef struct Best {
  double error, compiled, tolerance, part; /* part < 0: there is none */
  int64_t numbers;
} Best;

static void try_array(Case *t, int i, const Results *r, const char *file, double tolerance,
                      const json_t *quant, Best *best) {
  if (!case_output(t, i, file, quant)) return;
  double error = worst(t, i, r, false), compiled = worst(t, i, r, true),
         part = fmax(error, compiled) / tolerance;
  if (best->part >= 0 && best->part <= part) return;
  *best = (Best){error, compiled, tolerance, part, t->out[i].samples * t->out[i].size};
}

static Best best_of(Case *t, int i, const Results *r, json_t *choices) {
  json_t *quant = json_object_get(t->json, "quant"), *real = json_object_get(quant, "float"), *one;
  Best best = {.part = -1};
  size_t k;
  json_array_foreach(choices, k, one) {
    double tolerance = json_number_value(json_array_get(one, 1));
    if (quant) /* the interpreter's integers, some steps of their scale apart */
      tolerance = real ? 1.01 * json_number_value(json_object_get(quant, "steps")) *
                             case_affine(quant, "out", 0)
                       : json_number_value(json_object_get(quant, "float_tol"));
    try_array(t, i, r, json_string_value(json_array_get(one, 0)), tolerance, quant, &best);
  }
  if (real)
    try_array(t, i, r, json_string_value(json_array_get(real, 0)),
              json_number_value(json_array_get(real, 1)), NULL, &best);
  return best;
}

/* Adds the row of the model. */
static void compare(Case *t) {
  json_t *recorded = json_object_get(t->json, "out");
  const char *key[MAX_PORTS];
  Best row = {.part = -1};
  if (t->model->n_in > MAX_PORTS || t->model->n_out > MAX_PORTS) {
    case_said(t, "too many ports for this test in", t->model->name);
    return;
  }
  if (!case_inputs(t)) return;
  size_t n = json_object_size(recorded), found = 0;
  names_match(recorded, t->model->out, t->model->n_out,
              json_is_true(json_object_get(t->json, "output_any")) || (size_t)t->model->n_out == n,
              key);
  case_complete(t, key);
  Results *r = run_samples(t);
  int64_t numbers = 0;
  for (int i = 0; i < t->model->n_out; i++) {
    if (!key[i]) continue;
    Best best = best_of(t, i, r, json_object_get(recorded, key[i]));
    if (best.part < 0) {
      case_said(t, "the recorded array has another shape than output", t->model->out[i]->name);
      return;
    }
    numbers += best.numbers;
    found++;
    if (best.part > row.part) row = best;
  }
  if (found < n)
    case_said(t, "a recorded output is none of the model", t->model->name);
  else
    conform_row(t->c, t->label, numbers, row.error, row.compiled, row.tolerance);
}

/* ---- a case ---- */

static void refused(Case *t) {
  const Diag *d = t->c->session.diags->first;
  while (d && d->level != LEVEL_ERROR)
    d = d->next;
  conform_said(t->c, t->label,
               arena_printf(t->c->arena, "refused: %s", d ? d->message : "nothing was said"));
  reasons_check(t->reasons, t->label, t->models, d);
}

/* The row of a model, or of why there is none. */
static void add_row(Case *t) {
  if (t->model) {
    reasons_check(t->reasons, t->label, "", NULL);
    compare(t);
  } else
    refused(t);
}

/* The same file as a stream if its model is none, and else as a sequence of the recorded length. */
static void other_form(Case *t) {
  Options *o = &t->c->options;
  bool stream = t->model->run == RUN_STREAM;
  if (stream && (o->n_states || t->steps < 2)) return; /* calls with states: there is no sequence */
  o->stream = !stream;
  o->time = stream ? arena_printf(t->c->arena, "%lld", (long long)t->steps) : NULL;
  t->label = arena_printf(t->c->arena, stream ? "%s (%s steps)" : "%s (stream)", t->label, o->time);
  t->model = import_once(t, NULL);
  add_row(t);
}

/* Without an option the file says too little. */
static void check_refusal(Case *t, const char *code) {
  clear_options(t->c);
  bool ok = import_once(t, NULL);
  const Diag *d = t->c->session.diags->first;
  if (!ok && d && strcmp(diag_info[d->code].code, code) == 0) return;
  printf("%s: without options %s is due\n", t->label, code);
  t->c->failures++;
}

static void run_one(Case *t, bool one_form) {
  const char *unwanted = case_text(t->json, "no_warning"),
             *needs = case_text(t->json, "refuse_without");
  if (needs) check_refusal(t, needs);
  t->model = import_case(t);
  for (const Diag *d = t->c->session.diags->first; d && unwanted; d = d->next)
    if (strcmp(diag_info[d->code].code, unwanted) == 0) case_said(t, "import warns of", unwanted);
  add_row(t);
  if (t->model && !t->layers && !one_form) other_form(t);
}

/* Whether another run of the case has the file in its other form, or was asked for it. */
static bool has_other_form(Arena *arena, const json_t *runs, const json_t *json) {
  return json != json_array_get(runs, 0) ||
         (json_array_size(runs) > 1 && strstr(json_text(arena, runs, 0), "\"--stream\""));
}

/* Each case has an arena of its own, for programs and values are many. */
static void run_case(Conform *all, Reasons *reasons, char **argv, json_t *item,
                     const json_t *answer) {
  json_t *runs = json_object_get(item, "runs"), *json;
  size_t i;
  json_array_foreach(runs, i, json) {
    Conform c = *all;
    c.failures = 0;
    c.arena = arena_child(all->arena);
    c.compiled_model = NULL;
    c.session = (Session){.arena = c.arena, .options = &c.options, .sources = {.arena = c.arena}};
    Case t = {.c = &c,
              .reasons = reasons,
              .json = json,
              .models = argv[1],
              .written = argv[2],
              .answer = answer};
    json_t *other = json_object_get(json_array_get(runs, !i), "options");
    bool same = json_equal(other, json_object_get(json, "options"));
    t.which = same ? arena_printf(c.arena, ", recording %zu", i + 1) : "";
    t.label = case_text(json, "file");
    run_one(&t, has_other_form(c.arena, runs, json));
    all->failures += c.failures;
    all->n_programs = c.n_programs;
    arena_free(c.arena);
  }
}

static json_t *json_of(Conform *c, const char *folder, const char *name) {
  Mapped text;
  json_error_t error;
  const char *reason;
  json_t *json = NULL;
  if (file_map(c->arena, arena_printf(c->arena, "%s/%s", folder, name), &text, &reason))
    json = json_read(c->arena, (const char *)text.data, text.len, 0, &error);
  if (!json) c->failures++;
  return json;
}

static void run(Conform *c, char **argv) {
  Reasons reasons;
  const char *only = getenv("CONFORM_ONLY");
  bool few = getenv("CONFORM_FEW") != NULL;
  json_t *cases = json_of(c, argv[1], "cases.json"), *answers = json_of(c, argv[3], "answers.json"),
         *item;
  size_t i;
  setvbuf(stdout, NULL, _IOLBF, 0);
  reasons_open(&reasons, c, arena_printf(c->arena, "%s/refused.list", argv[3]));
  json_array_foreach(cases, i, item) {
    const char *name = case_text(item, "name");
    if (only ? !strstr(name, only) : few && i % FEW) continue;
    run_case(c, &reasons, argv, item, json_object_get(answers, name));
  }
  if (!few && !only) reasons_close(&reasons);
}

int main(int argc, char **argv) {
  return conform_main(argc, argv, 4, 1, run);
}
