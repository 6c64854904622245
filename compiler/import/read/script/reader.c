/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The archive: its folder, its pickles, and the attempts to follow `forward`. */
#include "import/read/script/script.h"

#include "base/text.h"

#include <string.h>

enum { STEPS_OF_AN_ATTEMPT = 400000 };

/* A tree of the tensors whose storages are in a folder of the archive. */
static void tree_of(Script *s, Tree *tree, const char *folder) {
  TorchStorages *in = ARENA_NEW(s->arena, TorchStorages);
  *in = (TorchStorages){s->arena, s->archive, arena_printf(s->arena, "%s%s", s->folder, folder)};
  tree_begin(tree, s->arena, s->file->data.len);
  tree->storage = torch_archive_storage;
  tree->context = in;
}

/* The value of a pickle in the archive; NULL after reporting. */
static const PickleValue *pickle_of(Script *s, const char *name) {
  const char *full = arena_printf(s->arena, "%s%s", s->folder, name), *reason = "it is not there";
  int64_t member = archive_find(s->archive, full);
  Mapped data;
  size_t at = 0;
  PickleValue *value = NULL;
  if (member >= 0 && archive_read(s->archive, member, &data, &reason))
    value = pickle_read(s->arena, data, &at, NULL, &reason);
  if (!value)
    foreign_report(s->diags, s->file, E901, "cannot read `%s` of `%s`: %s", full, s->file->path,
                   reason);
  return value;
}

/* ---- results ---- */

static bool add_output(ScriptRun *r, const ScriptValue *v, const char *key, int depth) {
  if (v->kind == VALUE_TENSOR) {
    if (script_needs(r, v) || !script_fresh(r, v)) return false;
    GraphValue *value = map_get(&r->torch->values, v->text);
    if (!value) return false;
    const char *name = key ? key : v->text;
    for (int i = 0; i < r->torch->graph->n_out; i++) {
      const GraphOutput *other = &r->torch->graph->out[i];
      if (other->value == value && strcmp(other->name, name) == 0) return true; /* given twice */
      if (strcmp(other->name, name) != 0) continue;
      name = arena_printf(r->arena, "%s_again", name);
      i = -1;
    }
    graph_output(r->torch->graph, name, value);
    return true;
  }
  bool dict = v->kind == VALUE_DICT;
  if (depth < 4 && (dict || v->kind == VALUE_TUPLE || v->kind == VALUE_LIST)) {
    for (int i = dict; i < v->n; i += 1 + dict) {
      const char *name = dict && v->item[i - 1]->kind == VALUE_TEXT ? v->item[i - 1]->text : NULL;
      if (!add_output(r, v->item[i], name, depth + 1)) return false;
    }
    return true;
  }
  if (v->kind == VALUE_NONE) return true;
  return script_lacks(
      r, E902, "let `forward` take and give tensors, alone or in tuples, lists and dictionaries",
      "gives a result that is not a tensor");
}

/* ---- one attempt ---- */

static ScriptRun *run_new(Script *s, Arena *arena, const ScriptShape *shape) {
  ScriptRun *r = ARENA_NEW(arena, ScriptRun);
  r->script = s;
  r->torch = ARENA_NEW(arena, TorchReader);
  r->arena = arena;
  r->needed = r->like = -1;
  r->steps = STEPS_OF_AN_ATTEMPT < s->steps ? STEPS_OF_AN_ATTEMPT : s->steps;
  for (int i = 0; i < s->n_inputs; i++)
    r->input[i] = shape[i];
  torch_reader_begin(r->torch, arena, s->file, diags_new(arena, s->diags->sources));
  r->torch->archive = s->archive;
  r->torch->is_script = true;
  r->torch->folder = s->folder;
  json_error_t error;
  r->torch->body = json_read(arena, "{\"nodes\": []}", 13, 0, &error);
  r->torch->sizes = json_read(arena, "{}", 2, 0, &error);
  r->torch->graph = graph_new(arena, arena == s->arena ? foreign_numbers(s->file) : arena, "model");
  return r;
}

static Graph *follow(ScriptRun *r, const ScriptFunction *forward) {
  ScriptArgs args;
  ScriptValue *self = script_value(r->arena, VALUE_MODULE);
  self->text = "";
  self->object = r->script->root;
  if (!script_inputs(r, forward, &args)) return NULL;
  ScriptValue *out = script_call(r, forward, self, &args);
  r->at = forward;
  r->line = forward->line;
  if (!out || !add_output(r, out, NULL, 0) || r->script->written_more ||
      !script_shares_nothing(r) || !script_keep_state(r))
    return NULL;
  if (r->torch->graph->n_out) return r->torch->graph;
  script_lacks(r, E902,
               "let `forward` take and give tensors, alone or in tuples, lists and dictionaries",
               "gives no tensor");
  return NULL;
}

/* Follows `forward`, again as long as it shows other attributes to be state. */
static Graph *settled(Script *s, Arena *arena, const ScriptShape *shape, ScriptRun **run) {
  Graph *graph;
  do {
    s->written_more = s->unsettled = false;
    ScriptRun *r = *run = run_new(s, arena, shape);
    int64_t before = r->steps;
    ScriptValue root = {.kind = VALUE_MODULE, .text = "", .object = s->root};
    const ScriptFunction *forward = script_method(r, &root, "forward");
    graph = forward ? follow(r, forward) : NULL;
    s->steps -= before - r->steps;
    /* Other sizes seldom need much fewer steps, and each attempt takes memory. */
    if (r->steps < 0) s->steps -= SCRIPT_STEPS_OF_ALL / 4;
  } while (s->written_more && s->steps >= 0);
  return s->written_more ? NULL : graph;
}

/* The same; where the first call makes a state, the graph is that of the second. */
static Graph *attempt(Script *s, Arena *arena, const ScriptShape *shape, bool check,
                      ScriptRun **run) {
  s->starts = s->later = (Map){0};
  s->is_second = false;
  Graph *graph = settled(s, arena, shape, run);
  ScriptRun *first = *run;
  if (!graph || !s->unsettled) return graph;
  s->is_second = true;
  graph = settled(s, arena, shape, run);
  s->is_second = false;
  if (!graph || !check || script_same_calls(first, graph)) return graph;
  *run = first;
  return NULL;
}

/* ---- the archive ---- */

Graph *script_graph(const ForeignFile *file, const ImportOptions *options, Diags *diags) {
  const char *reason;
  Script *s = ARENA_NEW(file->arena, Script);
  *s = (Script){.arena = file->arena,
                .file = file,
                .options = options,
                .diags = diags,
                .steps = SCRIPT_STEPS_OF_ALL};
  s->archive = archive_open(file->arena, file->data, &reason);
  if (!s->archive) {
    foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  s->folder = archive_folder(s->archive, "data.pkl");
  if (!s->folder) {
    foreign_report(diags, file, E901, "`%s` has no `data.pkl` in it", file->path);
    return NULL;
  }
  if (!torch_archive_order(s->archive, s->arena, s->folder, &reason)) {
    foreign_report(diags, file, E901, "cannot read `%s`: %s", file->path, reason);
    return NULL;
  }
  s->root = pickle_of(s, "data.pkl");
  s->constants = s->root ? pickle_of(s, "constants.pkl") : NULL;
  if (!s->constants) return NULL;
  tree_of(s, &s->tree, "data/");
  tree_of(s, &s->constants_tree, "constants/");
  bool module = s->root->kind == PICKLE_OBJECT && s->root->of &&
                s->root->of->kind == PICKLE_CLASS && text_begins(s->root->of->text, "__torch__");
  if (!module) {
    foreign_report(diags, file, E901, "`%s` holds no module", file->path);
    return NULL;
  }
  ScriptRun *r = run_new(s, s->arena, NULL);
  ScriptValue root = {.kind = VALUE_MODULE, .text = "", .object = s->root};
  const ScriptFunction *forward = script_method(r, &root, "forward");
  if (!forward) {
    if (r->torch->diags->first)
      script_pass_on(s, r->torch->diags->first);
    else
      foreign_lacks(diags, file, E902,
                    "save a module whose `forward` calls the method that is meant",
                    "the module of `%s` has no method `forward`", file->path);
    return NULL;
  }
  Graph *graph = script_solve(s, forward, attempt);
  if (!graph) return NULL;
  graph->format = "TorchScript archive";
  return graph;
}
