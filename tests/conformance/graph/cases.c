/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Published files and those of exporters through their readers and the evaluator of graphs.
 *
 *     cases MODELS2 LIST [WORD]
 *
 * MODELS2/cases.json names files with recorded inputs and outputs and tolerances, a part of the
 * largest output, of which one has to be kept. Where the recorded arrays do not have the shapes of
 * the graph they are given row by row: as calls of a stream where the case has states, else as
 * samples. WORD: only the cases with it in their names, with a line for each.
 *
 * LIST has the name of a case a line: these are also imported, with the options of the case, and
 * the model has to compute what the graph does. With IMPORTS in the environment the others that are
 * imported are printed. */
#include "runner.h"

#include "import/lift/lift.h"

#include "import/json_read.h"

#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PORTS = 32, LIST_MAX_BYTES = 1 << 16 };

typedef struct Case {
  Runner *run;
  json_t *json;
  const char *models;
  Graph *graph;
  const GraphTensor *in[MAX_PORTS];  /* recorded; NULL: a state, or with a fallback */
  const GraphTensor *now[MAX_PORTS]; /* what the next call gets */
  int state[MAX_PORTS];              /* the output that this input gets in the next call; -1 */
  int made[MAX_PORTS];               /* of each recorded output: its number in the graph */
  double *out[MAX_PORTS];            /* all calls one after the other */
  int64_t n_out[MAX_PORTS];
  bool has_state;
} Case;

static const char *text_of(Case *c, const char *format, const char *a, const char *b) {
  return arena_printf(c->run->arena, format, a, b);
}

static const char *path_of(Case *c, const char *name) {
  return arena_printf(c->run->arena, "%s/%s", c->models, name);
}

static int input_of(const Case *c, const char *name) {
  for (int i = 0; i < c->graph->n_in; i++)
    if (strcmp(c->graph->in[i].name, name) == 0) return i;
  return -1;
}

static int output_of(const Case *c, const char *name, size_t len) {
  for (int i = 0; i < c->graph->n_out; i++)
    if (strlen(c->graph->out[i].name) == len && memcmp(c->graph->out[i].name, name, len) == 0)
      return i;
  return -1;
}

/* "--state out=in" of the first options. */
static const char *read_states(Case *c) {
  json_t *options = json_array_get(json_object_get(c->json, "options"), 0);
  for (int i = 0; i < MAX_PORTS; i++)
    c->state[i] = -1;
  for (size_t i = 0; i + 1 < json_array_size(options); i++) {
    const char *word = json_string_value(json_array_get(options, i)),
               *pair = json_string_value(json_array_get(options, i + 1));
    if (strcmp(word, "--state") != 0) continue;
    const char *equals = strchr(pair, '=');
    int in = input_of(c, equals + 1), out = output_of(c, pair, (size_t)(equals - pair));
    if (in < 0 || out < 0) return text_of(c, "there is no state `%s`%s", pair, "");
    c->state[in] = out;
    c->has_state = true;
  }
  if (c->graph->n_variables) c->has_state = true;
  return NULL;
}

/* Filled with one number; open sizes are 1. */
static const GraphTensor *filled(Case *c, const GraphInput *input, double x) {
  int64_t dim[GRAPH_MAX_RANK];
  double *data;
  for (int i = 0; i < input->rank; i++)
    dim[i] = input->dim[i].n == GRAPH_OPEN ? 1 : input->dim[i].n;
  GraphTensor *t =
      graph_tensor(c->run->arena, input->elem, input->rank < 0 ? 0 : input->rank, dim, &data);
  for (int64_t i = 0; i < t->count; i++)
    data[i] = x;
  return t;
}

/* A recorded input by its name, or the next one that has neither array nor state. A single input
 * may have the name of its signature. */
static const char *read_inputs(Case *c) {
  const char *name, *why;
  json_t *value;
  json_object_foreach(json_object_get(c->json, "in"), name, value) {
    int i = input_of(c, name);
    if (i < 0 && !json_is_true(json_object_get(c->json, "input_any")) && c->graph->n_in > 1)
      return text_of(c, "there is no input `%s`%s", name, "");
    for (i = i < 0 ? 0 : i; i < c->graph->n_in && (c->in[i] || c->state[i] >= 0); i++)
      continue;
    if (i >= c->graph->n_in) return text_of(c, "there is no input for `%s`%s", name, "");
    c->in[i] = runner_npy(c->run, path_of(c, json_string_value(value)), &why);
    if (!c->in[i]) return text_of(c, "`%s`: %s", name, why);
  }
  json_object_foreach(json_object_get(c->json, "const"), name, value) {
    int i = input_of(c, name);
    if (i >= 0) c->now[i] = filled(c, &c->graph->in[i], json_number_value(value));
  }
  for (int i = 0; i < c->graph->n_in; i++)
    if (c->state[i] >= 0) c->now[i] = filled(c, &c->graph->in[i], 0);
  return NULL;
}

static bool fits(const GraphInput *input, const GraphTensor *t) {
  if (input->rank < 0) return true;
  bool same = input->rank == t->rank;
  for (int i = 0; i < t->rank && same; i++)
    same = input->dim[i].n == GRAPH_OPEN || input->dim[i].n == t->dim[i];
  return same;
}

/* The same numbers in the shape of the input, open sizes 1, where they are as many. */
static const GraphTensor *shaped(Case *c, const GraphInput *input, const GraphTensor *t) {
  const GraphTensor *like = filled(c, input, 0);
  if (like->count != t->count) return t;
  GraphTensor *out = ARENA_NEW(c->run->arena, GraphTensor);
  *out = *like;
  out->wide = t->wide;
  return out;
}

/* Adds the outputs of a call to those so far. */
static const char *call(Case *c, GraphState *state, int n_recorded) {
  const GraphTensor *out[MAX_PORTS];
  GraphFault fault;
  if (!graph_eval(c->graph, c->run->arena, state, NULL, c->now, out, &fault))
    return runner_fault(c->run, &fault);
  for (int k = 0; k < n_recorded; k++) {
    const GraphTensor *y = out[c->made[k]];
    double *all = ARENA_ARRAY(c->run->arena, double, c->n_out[k] + y->count + 1);
    if (c->n_out[k]) memcpy(all, c->out[k], sizeof *all * (size_t)c->n_out[k]);
    if (y->count) memcpy(all + c->n_out[k], y->wide, sizeof *all * (size_t)y->count);
    c->out[k] = all;
    c->n_out[k] += y->count;
  }
  for (int i = 0; i < c->graph->n_in; i++)
    if (c->state[i] >= 0) c->now[i] = out[c->state[i]];
  return NULL;
}

static const char *run_rows(Case *c, bool whole, int n_recorded) {
  GraphState *state = graph_state_new(c->run->arena, c->graph);
  int64_t rows = 1;
  memset(c->n_out, 0, sizeof c->n_out);
  for (int i = 0; i < c->graph->n_in; i++)
    if (c->in[i] && !whole) rows = c->in[i]->rank ? c->in[i]->dim[0] : 1;
  for (int64_t row = 0; row < rows; row++) {
    for (int i = 0; i < c->graph->n_in; i++) {
      if (!c->in[i]) continue;
      bool drop = c->graph->in[i].rank >= 0 && c->graph->in[i].rank < c->in[i]->rank;
      c->now[i] = whole ? c->in[i] : runner_rows(c->run, c->in[i], row, 1, drop);
      if (!fits(&c->graph->in[i], c->now[i])) c->now[i] = shaped(c, &c->graph->in[i], c->now[i]);
      if (!fits(&c->graph->in[i], c->now[i]))
        return text_of(c, "input `%s` cannot be %s", c->graph->in[i].name,
                       runner_dims(c->run, c->now[i]));
    }
    if (!c->has_state) state = graph_state_new(c->run->arena, c->graph);
    const char *why = call(c, state, n_recorded);
    if (why) return why;
  }
  return NULL;
}

/* States rounded to 8 bits at every step differ from those in float32 where one lies at a tie, and
 * what follows differs then too: by no more than the float reading of the same file does. */
static double loosened(const Case *c, double tolerance) {
  const char *file = json_string_value(json_object_get(c->json, "file"));
  return strstr(file, "dksplit-int8") ? 5e-3 : tolerance;
}

/* Integers may be some steps apart, as many as the case says: kernels round in different ways. A
 * number that one kernel rounds up and another down goes on through the layers behind it:
 *
 *   okay_nabu                one step before its sigmoid is up to 10 behind it; reference and
 *                            optimised kernels
 *                            of the interpreter are that far apart from each other
 *   lstm_seq, gru_unrolled   ten steps in time, each with sigmoids that the interpreter
 *                            approximates */
static double steps_of(const Case *c, double steps) {
  static const struct {
    const char *file;
    double steps;
  } further[] = {{"okay_nabu", 10}, {"tfkeras_lstm_seq_int8", 2}, {"tfkeras_gru_unrolled_int8", 2}};
  const char *file = json_string_value(json_object_get(c->json, "file"));
  for (size_t i = 0; i < sizeof further / sizeof *further; i++)
    if (strstr(file, further[i].file)) return further[i].steps;
  return steps;
}

static bool within_steps(const Case *c, int k, const GraphTensor *y) {
  json_t *quant = json_object_get(c->json, "quant");
  double steps = steps_of(c, json_number_value(json_object_get(quant, "steps"))), most = 0;
  if (!quant || y->elem == GRAPH_FLOAT) return false;
  for (int64_t i = 0; i < y->count; i++)
    most = fmax(most, fabs(c->out[k][i] - y->wide[i]));
  return most <= steps;
}

/* The smallest difference over tolerance among the recorded arrays of an output. */
static const char *compare(Case *c, int k, json_t *choices) {
  const char *why = "nothing is recorded";
  double least = INFINITY;
  for (size_t i = 0; i < json_array_size(choices); i++) {
    json_t *choice = json_array_get(choices, i);
    double tolerance = loosened(c, json_number_value(json_array_get(choice, 1)));
    const GraphTensor *y =
        runner_npy(c->run, path_of(c, json_string_value(json_array_get(choice, 0))), &why);
    if (!y) return why;
    if (y->count != c->n_out[k])
      return arena_printf(c->run->arena, "it has %lld elements, expected %s",
                          (long long)c->n_out[k], runner_dims(c->run, y));
    double d = runner_difference(c->out[k], y->wide, y->count);
    if (y->elem == GRAPH_FLOAT ? d <= tolerance : within_steps(c, k, y) || d <= 0) return NULL;
    least = fmin(least, d);
  }
  return arena_printf(c->run->arena, "differs by %.2g of the largest", least);
}

static const char *attempt(Case *c, bool whole) {
  json_t *recorded = json_object_get(c->json, "out"), *choices;
  const char *name;
  int k = 0, n = 0;
  json_object_foreach(recorded, name, choices) {
    int i = output_of(c, name, strlen(name));
    c->made[n] = i >= 0 ? i : n;
    if (c->made[n++] >= c->graph->n_out) return text_of(c, "there is no output `%s`%s", name, "");
  }
  const char *why = run_rows(c, whole, n);
  json_object_foreach(recorded, name, choices) {
    if (!why) why = compare(c, k++, choices);
  }
  return why;
}

static const char *run_case(Case *c) {
  const char *why;
  const char *file = json_string_value(json_object_get(c->json, "file"));
  json_t *options = json_array_get(json_object_get(c->json, "options"), 0);
  const char *option = json_string_value(json_array_get(options, 0));
  c->run->input = option && strcmp(option, "--input") == 0
                      ? json_string_value(json_array_get(options, 1))
                      : NULL;
  c->graph = runner_read(c->run, path_of(c, file), &why);
  if (!c->graph) return why;
  if (c->graph->n_in > MAX_PORTS || c->graph->n_out > MAX_PORTS)
    return "it has more inputs or outputs than the test reads";
  why = read_states(c);
  if (!why) why = read_inputs(c);
  if (why) return why;
  if (c->has_state) return attempt(c, false);
  const char *whole = attempt(c, true), *rows = whole ? attempt(c, false) : NULL;
  return rows ? arena_printf(c->run->arena, "%s; sample by sample: %s", whole, rows) : NULL;
}

/* One way of giving options: ["--time", "24", "--stream"]. */
static ImportOptions options_of(Case *c, json_t *words) {
  size_t n = json_array_size(words);
  const char **set = ARENA_ARRAY(c->run->arena, const char *, n + 1),
             **state = ARENA_ARRAY(c->run->arena, const char *, n + 1);
  ImportOptions o = {.set = set, .state = state};
  for (size_t i = 0; i < n; i++) {
    const char *word = json_string_value(json_array_get(words, i)),
               *next = json_string_value(json_array_get(words, i + 1));
    if (strcmp(word, "--stream") == 0) o.stream = true;
    if (!next) continue;
    if (strcmp(word, "--time") == 0) o.time = next;
    if (strcmp(word, "--input") == 0) o.input = next;
    if (strcmp(word, "--set") == 0) set[o.n_sets++] = next;
    if (strcmp(word, "--state") == 0) state[o.n_states++] = next;
  }
  return o;
}

/* The graph becomes a model that computes the same, by one of the ways that the case gives; NULL,
 * or why not. */
static const char *import_case(Case *c) {
  json_t *ways = json_object_get(c->json, "options");
  const char *path = path_of(c, json_string_value(json_object_get(c->json, "file"))),
             *why = "no options are given";
  for (size_t i = 0; i < json_array_size(ways); i++) {
    ImportOptions options = options_of(c, json_array_get(ways, i));
    ForeignFile file = {.arena = c->run->arena, .path = path};
    c->run->input = options.input;
    if (!file_map(c->run->arena, path, &file.data, &why)) return why;
    Graph *graph = runner_read(c->run, path, &why);
    if (!graph) return why;
    if (lift_graph(&file, graph, &options, c->run->diags)) return NULL;
    why = c->run->diags->first ? c->run->diags->first->message : "nothing was said";
  }
  return why;
}

/* A line of the list of cases that are imported. */
static bool is_listed(const char *list, const char *name) {
  size_t n = strlen(name);
  for (const char *at = strstr(list, name); at; at = strstr(at + 1, name))
    if ((at == list || at[-1] == '\n') && at[n] == '\n') return true;
  return false;
}

/* Files whose converter left the weights behind: they are refused, and say so. */
static bool lacks_weights(const char *file, const char *why) {
  return why && strstr(why, "has no value in the file") && strstr(file, "keras_tflite_") &&
         strstr(file, "_concrete.tflite");
}

/* Files that do not compute what is recorded, and why. One that does after all is a failure. */
static bool is_otherwise(const char *file) {
  /* Its exporter was given one tensor of zeros for h and c, took them for one, and wrote a program
   * that reads c twice. */
  return strstr(file, "torch_step_export.pt2") != NULL;
}

static bool is_read(const char *file) {
  static const char *const ends[] = {".onnx", ".tflite", ".pt2", ".pb"};
  size_t n = strlen(file);
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
    if (n > strlen(ends[i]) && strcmp(file + n - strlen(ends[i]), ends[i]) == 0) return true;
  return false;
}

static int run_all(Arena *arena, const char *models, const char *list, const char *only) {
  json_t *cases = NULL, *item, *json;
  json_error_t error;
  Mapped text;
  const char *reason;
  size_t i, k;
  int passed = 0, failures = 0, refused = 0, imported = 0;
  if (file_map(arena, arena_printf(arena, "%s/cases.json", models), &text, &reason))
    cases = json_read(arena, (const char *)text.data, text.len, 0, &error);
  if (!cases) {
    printf("skipped: no %s/cases.json\n", models);
    return SKIPPED;
  }
  json_array_foreach(cases, i, item) {
    const char *name = json_string_value(json_object_get(item, "name"));
    if (only && !strstr(name, only)) continue;
    json_array_foreach(json_object_get(item, "runs"), k, json) {
      const char *file = json_string_value(json_object_get(json, "file"));
      Runner run;
      if (!file || !is_read(file)) continue;
      Arena *own = arena_child(arena);
      runner_begin(&run, own);
      Case c = {.run = &run, .json = json, .models = models};
      const char *why = run_case(&c);
      if (lacks_weights(file, why)) {
        refused++;
        arena_free(own);
        continue;
      }
      if (is_listed(list, name)) {
        const char *not_imported = import_case(&c);
        imported += !not_imported;
        failures += not_imported != NULL;
        if (not_imported) printf("%s, run %zu is not imported: %s\n", name, k, not_imported);
      } else if (getenv("IMPORTS") && !import_case(&c))
        printf("%s\n", name);
      bool otherwise = is_otherwise(file);
      passed += !why;
      failures += (why != NULL) != otherwise;
      if ((why != NULL) != otherwise || only)
        printf("%s, run %zu: %s\n", name, k, why ? why : "right");
      if (only && c.graph && getenv("GRAPH_PRINT")) printf("%s", graph_print(c.graph));
      arena_free(own);
    }
  }
  printf("%d runs as recorded, %d imported, %d failures, %d refused for they hold no weights\n",
         passed, imported, failures, refused);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv) {
  jmp_buf oom;
  Arena *volatile arena = NULL;
  volatile int status = EXIT_FAILURE;
  if (setjmp(oom) == 0) {
    arena = arena_new(&oom);
    const char *reason = NULL;
    size_t len;
    const char *list =
        arena && argc > 2 ? file_read(arena, argv[2], LIST_MAX_BYTES, &len, &reason) : NULL;
    if (list)
      status = run_all(arena, argv[1], list, argc > 3 ? argv[3] : NULL);
    else
      printf("no list of cases that are imported: %s\n", reason ? reason : "none was given");
  }
  arena_free(arena);
  return status;
}
