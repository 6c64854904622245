/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* What to do about an operator that cannot be read: the nearest one that can, or else the names of
 * the tensors where the model is cut. In, a node; out, a help. */
#include "import/read/onnx/reader.h"

#include "base/text.h"

#include <string.h>

enum { LISTED = 4, PASSES = 16 };

/* Names of tensors; a list of Python of them is short of that for many. */
typedef struct Names {
  Text text;
  Map seen;
  int n;
  bool unknown;
} Names;

static void add(Names *list, const char *name) {
  if (!*name || map_get(&list->seen, name)) return;
  map_put(list->text.arena, &list->seen, name, list);
  list->unknown = list->unknown || strchr(name, '"') || list->n == LISTED;
  text_printf(&list->text, "%s\"%s\"", list->n++ ? ", " : "", name);
}

static const char *shown(const Names *list) {
  return list->unknown ? NULL : text_str(&list->text);
}

/* What a node reads, its bodies included. */
static bool reads_any(const OnnxNode *node, const Map *names) {
  for (size_t k = 0; k < node->n_input; k++)
    if (map_get(names, node->input[k])) return true;
  for (size_t k = 0; k < node->n_attribute; k++) {
    const OnnxBody *body = node->attribute[k]->g;
    for (size_t i = 0; body && i < body->n_node; i++)
      if (reads_any(body->node[i], names)) return true;
  }
  return false;
}

static bool put(Arena *arena, Map *names, const char *name) {
  if (!*name || map_get(names, name)) return false;
  map_put(arena, names, name, names);
  return true;
}

static bool put_reads(Arena *arena, Map *names, const OnnxNode *node) {
  bool more = false;
  for (size_t k = 0; k < node->n_input; k++)
    more = put(arena, names, node->input[k]) || more;
  for (size_t k = 0; k < node->n_attribute; k++) {
    const OnnxBody *body = node->attribute[k]->g;
    for (size_t i = 0; body && i < body->n_node; i++)
      more = put_reads(arena, names, body->node[i]) || more;
  }
  return more;
}

static bool makes_any(const OnnxNode *node, const Map *names) {
  for (size_t k = 0; k < node->n_output; k++)
    if (map_get(names, node->output[k])) return true;
  return false;
}

/* The names of everything that depends on a node. */
static Map after(const OnnxCall *c) {
  const OnnxBody *g = c->reader->model->graph;
  Arena *arena = c->reader->arena;
  Map names = {0};
  bool more = true;
  for (size_t k = 0; k < c->node->n_output; k++)
    put(arena, &names, c->node->output[k]);
  for (int pass = 0; more && pass < PASSES; pass++) {
    more = false;
    for (size_t i = 0; i < g->n_node; i++)
      if (reads_any(g->node[i], &names))
        for (size_t k = 0; k < g->node[i]->n_output; k++)
          more = put(arena, &names, g->node[i]->output[k]) || more;
  }
  return names;
}

/* Adds the names that are read on the way to those that are in the set, as far as the results of
 * `stop`. */
static void add_ways(const OnnxCall *c, const OnnxNode *stop, Map *names) {
  const OnnxBody *g = c->reader->model->graph;
  bool more = true;
  for (int pass = 0; more && pass < PASSES; pass++) {
    more = false;
    for (size_t i = g->n_node; i-- > 0;)
      if (g->node[i] != stop && makes_any(g->node[i], names))
        more = put_reads(c->reader->arena, names, g->node[i]) || more;
  }
}

static void add_inputs(const OnnxCall *c, const Map *names, Names *list) {
  const Graph *graph = c->reader->graph;
  for (int i = 0; i < graph->n_in; i++)
    if (map_get(names, graph->in[i].name)) add(list, graph->in[i].name);
}

/* Whether a node makes the value from data. Of a node that has not been read yet, only a constant
 * is known to be none. */
static bool is_computed(const OnnxCall *c, const Map *constants, const char *name) {
  const GraphValue *value = map_get(&c->scope->names, name);
  return value ? value->node && !value->constant : *name && !map_get(constants, name);
}

static Map constants_of(const OnnxCall *c) {
  const OnnxBody *g = c->reader->model->graph;
  Map names = {0};
  for (size_t i = 0; i < g->n_node; i++)
    if (strcmp(g->node[i]->op_type, "Constant") == 0 && g->node[i]->n_output)
      put(c->reader->arena, &names, g->node[i]->output[0]);
  return names;
}

/* The part that is imported: the tensors at which it begins and ends. */
typedef struct Part {
  Names from, to;
  bool is_any;
} Part;

static Part part_new(Arena *arena) {
  Names none = {.text = text_new(arena)};
  return (Part){none, none, false};
}

/* What does not depend on the node ends with the values that the others read, and with outputs. */
static Part part_before(const OnnxCall *c) {
  const OnnxBody *g = c->reader->model->graph;
  Arena *arena = c->reader->arena;
  Map later = after(c), constants = constants_of(c), names = {0};
  Part part = part_new(arena);
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t k = 0; k < g->node[i]->n_input && makes_any(g->node[i], &later); k++) {
      const char *name = g->node[i]->input[k];
      if (!map_get(&later, name) && is_computed(c, &constants, name)) add(&part.to, name);
    }
  for (size_t i = 0; i < g->n_output; i++)
    if (!map_get(&later, g->output[i]->name)) add(&part.to, g->output[i]->name);
  for (size_t i = 0; i < g->n_node; i++)
    for (size_t k = 0; k < g->node[i]->n_output; k++)
      if (map_get(&part.to.seen, g->node[i]->output[k])) put(arena, &names, g->node[i]->output[k]);
  add_ways(c, NULL, &names);
  add_inputs(c, &names, &part.from);
  part.is_any = part.from.n && part.to.n;
  return part;
}

/* What reads the results of the node begins with them, and with inputs of the model. */
static Part part_after(const OnnxCall *c) {
  const OnnxBody *g = c->reader->model->graph;
  Arena *arena = c->reader->arena;
  Map names = {0}, own = {0};
  Part part = part_new(arena);
  for (size_t k = 0; k < c->node->n_output; k++)
    put(arena, &own, c->node->output[k]);
  for (size_t i = 0; i < g->n_output; i++) {
    if (map_get(&own, g->output[i]->name)) continue;
    add(&part.to, g->output[i]->name);
    put(arena, &names, g->output[i]->name);
  }
  add_ways(c, c->node, &names);
  for (size_t k = 0; k < c->node->n_output; k++)
    if (map_get(&names, c->node->output[k])) add(&part.from, c->node->output[k]);
  part.is_any = part.from.n > 0;
  add_inputs(c, &names, &part.from);
  return part;
}

const char *onnx_cut(const OnnxCall *c) {
  Arena *arena = c->reader->arena;
  bool reads = false;
  Map constants = {0};
  if (c->scope->graph != c->reader->graph || c->scope->caller)
    return "cut the model before the loop, branch or function that holds it "
           "(`onnx.utils.extract_model`), and compute the rest in your program";
  for (size_t k = 0; k < c->node->n_input; k++)
    reads = reads || is_computed(c, &constants, c->node->input[k]);
  Part before = part_before(c), later = part_after(c);
  const char *result = c->node->n_output ? c->node->output[0] : c->emit->name;
  if ((reads || !later.is_any) && before.is_any)
    return foreign_way_out(c->reader->file, &(ForeignNode){.name = c->emit->name,
                                                           .inputs = shown(&before.from),
                                                           .operands = shown(&before.to)});
  if (!later.is_any)
    return arena_printf(arena, "compute `%s` in your program: the model has no other output",
                        result);
  const char *way = foreign_way_out(c->reader->file, &(ForeignNode){.name = c->emit->name,
                                                                    .results = shown(&later.from),
                                                                    .outputs = shown(&later.to),
                                                                    .is_first = true});
  /* extract_model wants the types of tensors at which it cuts; ONNX knows its own operators */
  if (onnx_is_standard(c->node->domain)) return way;
  return arena_printf(arena, "%s; first add the type of `%s` to `model.graph.value_info`", way,
                      result);
}

typedef struct Unread {
  const char *domain;
  const char *names; /* a list of words; NULL: all of the domain */
  const char *help;
} Unread;

static const Unread unread[] = {
#define ONNX_UNREAD(domain, names, help) {domain, names, help},
#include "import/read/onnx/onnx_unread.def"
#undef ONNX_UNREAD
};

bool onnx_unknown(const OnnxCall *c) {
  const OnnxReader *r = c->reader;
  const char *domain = onnx_is_standard(c->node->domain) ? "" : c->node->domain, *help = NULL;
  Diag *d = foreign_report(r->diags, r->file, E902, "node `%s`: operator `%s` is not supported",
                           c->emit->name, c->node->op_type);
  if (*domain) diag_note(d, "it is of the domain `%s`, not of ONNX itself", domain);
  for (size_t i = 0; !help && i < sizeof unread / sizeof *unread; i++)
    if (strcmp(unread[i].domain, domain) == 0 &&
        (!unread[i].names || words_index(unread[i].names, c->node->op_type) >= 0))
      help = unread[i].help;
  diag_fix(d, FIX_MAYBE, "%s", help ? help : onnx_cut(c));
  if (help && strcmp(domain, "com.microsoft") == 0) diag_fix(d, FIX_MAYBE, "%s", onnx_cut(c));
  return false;
}
