/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Files to Models. What goes in: the tree of the main file. What comes out: every model of it with
 * names, options and constants settled, blocks expanded, values poisoned where something is wrong.
 *
 *     param n = 48                          layer 0  Dense   opt units = 48   in [x]
 *     block B(k) { in v  out w = v |>       path "y.b.dense"
 *                  Dense(k) }
 *     ... out y : f32[48] = x |>
 * B(n) */
#include "front/resolve.h"

#include <string.h>

static void file_item(Resolver *r, ModelFile *file, Entity *e) {
  ARENA_PUSH(r->arena, file->entity, file->n_entities, file->cap_entities, e);
  map_put(r->arena, &file->names, e->name, e);
}

static Entity *entity_new(Resolver *r, EntityKind kind, const Node *node) {
  Entity *e = ARENA_NEW(r->arena, Entity);
  *e = (Entity){.kind = kind, .name = node->text, .name_span = node->at};
  return e;
}

/* The value -D gives, if it does. */
static bool param_define(Resolver *r, const char *name, Item *item) {
  bool found = false;
  for (int i = 0; i < r->options->n_defines; i++) {
    Define *d = &r->options->define[i];
    if (strcmp(d->name, name) != 0) continue;
    d->used = found = true;
    Const c;
    if (const_parse(r, d->value, &c)) {
      *item = (Item){.kind = ITEM_CONST, .constant = c};
      continue;
    }
    *item = item_bad();
    Diag *diag = diag_new(r->diags, E211, span_none(), "-D %s cannot be `%s`", name, d->value);
    diag_note(diag, "a param is an integer, a float, a quantity such as 16kHz, an element type or "
                    "an option word");
  }
  return found;
}

static void param_resolve(Resolver *r, ModelFile *file, const Node *node, const Map *later) {
  Body body = {.r = r,
               .file = file,
               .names = *later,
               .model = model_new(r->arena, node->text),
               .path = node->text};
  Entity *e = entity_new(r, ENTITY_PARAM, node);
  e->param = ARENA_NEW(r->arena, Binding);
  *e->param = (Binding){.name = node->text, .name_span = node->at};
  Item *item = &e->param->item;
  if (node_given(node->kid[0]) && !node_is(node->kid[0], N_BAD)) {
    *item = argument_resolve(&body, node->kid[0]);
    if (item->kind == ITEM_VALUE) {
      report_not_constant(r, node->kid[0]->span, "a constant", item);
      *item = item_bad();
    }
  }
  bool defined = param_define(r, node->text, item);
  if (!defined && !node_given(node->kid[0])) {
    Diag *d = diag_new(r->diags, E204, node->at, "param `%s` has no value", node->text);
    diag_primary(d, "missing here");
    diag_fix(d, FIX_FILL, "set it on the command line: `-D %s=N`", node->text);
  }
  Entity *old = map_get(&file->names, node->text);
  if (old)
    report_defined_twice(r, node->text, node->at, old->name_span);
  else
    file_item(r, file, e);
}

static void block_register(Resolver *r, ModelFile *file, const Node *node) {
  Entity *old = map_get(&file->names, node->text);
  if (old) {
    report_defined_twice(r, node->text, node->at, old->name_span);
    return;
  }
  if (map_get(&r->stages, node->text)) {
    Diag *d = diag_new(r->diags, E209, node->at, "`%s` is already defined", node->text);
    diag_primary(d, "the language has a stage with this name");
    diag_fix(d, FIX_MAYBE, "give the block another name");
  }
  Entity *e = entity_new(r, ENTITY_BLOCK, node);
  e->block = ARENA_NEW(r->arena, Block);
  *e->block = (Block){.node = node, .file = file};
  file_item(r, file, e);
}

/* dir(path) + "/" + name with "./" and "x/.." taken out. */
static const char *path_join(Arena *arena, const char *dir, size_t len, const char *name) {
  bool absolute = *name == '/' || len == 0;
  char *path =
      absolute ? arena_strdup(arena, name) : arena_printf(arena, "%.*s/%s", (int)len, dir, name);
  char *to = path;
  for (char *s = path; *s;) {
    size_t n = strcspn(s, "/");
    bool back = n == 2 && s[0] == '.' && s[1] == '.' && to > path + 1;
    if (back) {
      char *up = to - 1;
      while (up > path && up[-1] != '/')
        up--;
      back = !(to - up == 3 && up[0] == '.' && up[1] == '.');
      if (back) to = up;
    }
    if (!back && !(n == 1 && s[0] == '.' && s[1] == '/')) {
      memmove(to, s, n + (s[n] == '/'));
      to += n + (s[n] == '/');
    }
    s += n + (s[n] == '/');
  }
  *to = 0;
  return path;
}

static const Source *file_read(Resolver *r, const ModelFile *user, const char *name,
                               const char **path, const char **reason) {
  const char *slash = strrchr(user->path, '/');
  size_t len = slash ? (size_t)(slash - user->path) : 0;
  *reason = "this command reads no other files";
  *path = name;
  if (!r->options->read) return NULL;
  *path = slash && len == 0 ? path_join(r->arena, "", 0, arena_printf(r->arena, "/%s", name))
                            : path_join(r->arena, user->path, len, name);
  if (map_get(&r->files, *path)) return NULL;
  const Source *source = r->options->read(r->options->context, *path, reason);
  for (int i = 0; !source && *name != '/' && i < r->options->n_includes; i++) {
    const char *dir = r->options->include[i], *why;
    const char *other = path_join(r->arena, dir, strlen(dir), name);
    if (map_get(&r->files, other)) {
      *path = other;
      return NULL;
    }
    source = r->options->read(r->options->context, other, &why);
    if (source) *path = other;
  }
  return source;
}

static void report_circle(Resolver *r, const ModelFile *user, const ModelFile *used,
                          const Node *node) {
  Diag *d = diag_new(r->diags, E214, node->span, "`%s` uses itself", used->path);
  diag_primary(d, "this `use` closes the cycle");
  if (user == used) return;
  Text chain = text_new(r->arena);
  for (const ModelFile *f = user; f; f = f->user) {
    text_printf(&chain, "%s`%s`", chain.len ? ", used by " : "", f->path);
    if (f == used) break;
  }
  diag_note(d, "this file is %s", text_str(&chain));
}

static void file_resolve(Resolver *r, ModelFile *file, const Node *tree);

/* What the used file defines, and what it uses, becomes known in user. */
static void names_bring_in(Resolver *r, ModelFile *user, const ModelFile *used, const Node *node) {
  for (int i = 0; i < used->n_entities; i++) {
    Entity *e = used->entity[i], *old = map_get(&user->names, e->name);
    if (old == e) continue;
    if (!old) {
      file_item(r, user, e);
      continue;
    }
    Diag *d = diag_new(r->diags, E209, node->at, "`%s` is already defined", e->name);
    diag_primary(d, "used again here");
    diag_label(d, old->name_span, "first defined here");
    diag_label(d, e->name_span, "and defined here");
  }
}

static void use_resolve(Resolver *r, ModelFile *user, const Node *node) {
  const char *path, *reason;
  const Source *source = file_read(r, user, node->text, &path, &reason);
  ModelFile *used = map_get(&r->files, path);
  if (!used && !source) {
    Diag *d = diag_new(r->diags, E213, node->at, "cannot read `%s`", path);
    diag_primary(d, "%s", reason ? reason : "no such file");
    diag_note(d,
              "paths are relative to the file that contains the `use`, then to the folders of -I");
    return;
  }
  if (used && !used->done) {
    report_circle(r, user, used, node);
    return;
  }
  if (!used) {
    if (user->depth + 1 > USE_DEPTH_MAX) {
      Diag *d = diag_new(r->diags, E214, node->span, "files use each other more than %d deep",
                         USE_DEPTH_MAX);
      diag_primary(d, "`%s` is not read", path);
      return;
    }
    used = ARENA_NEW(r->arena, ModelFile);
    *used = (ModelFile){.path = path, .user = user, .depth = user->depth + 1};
    map_put(r->arena, &r->files, path, used);
    ARENA_PUSH(r->arena, r->program->used_file, r->program->n_used_files, r->cap_used, path);
    file_resolve(r, used, parse(r->arena, source, r->diags));
    used->done = true;
  }
  names_bring_in(r, user, used, node);
}

static void bad_register(Resolver *r, ModelFile *file, const Node *node) {
  if (node->text && !map_get(&file->names, node->text))
    file_item(r, file, entity_new(r, ENTITY_BAD, node));
}

/* Uses, then params in order, then blocks, whose order does not matter. */
static void file_resolve(Resolver *r, ModelFile *file, const Node *tree) {
  Map later = {0}; /* the params, none of them ever defined in this map */
  for (size_t i = 0; i < tree->n; i++) {
    if (node_is(tree->kid[i], N_PARAM)) name_expect(r->arena, &later, tree->kid[i]);
  }
  for (size_t i = 0; i < tree->n; i++) {
    const Node *n = tree->kid[i];
    if (node_is(n, N_USE))
      use_resolve(r, file, n);
    else if (node_is(n, N_PARAM))
      param_resolve(r, file, n, &later);
    else if (node_is(n, N_BLOCK))
      block_register(r, file, n);
    else if (node_is(n, N_BAD))
      bad_register(r, file, n);
  }
}

static void report_unused_params(Resolver *r, const ModelFile *file, const Node *tree) {
  for (size_t i = 0; i < tree->n; i++) {
    const Node *n = tree->kid[i];
    const Entity *e = node_is(n, N_PARAM) ? map_get(&file->names, n->text) : NULL;
    if (!e || e->kind != ENTITY_PARAM || e->param->used) continue;
    Diag *d = diag_new(r->diags, W203, n->at, "param `%s` is never used", n->text);
    diag_primary(d, "nothing reads it: `-D %s=...` changes nothing", n->text);
    Fix *fix = diag_fix(d, FIX_MAYBE, "delete it");
    fix_edit(fix, span_lines(r->diags->sources, n->span), "%s", "");
  }
}

static void report_unknown_defines(Resolver *r, const ModelFile *file) {
  for (int i = 0; i < r->options->n_defines; i++) {
    const Define *define = &r->options->define[i];
    if (define->used) continue;
    Diag *d = diag_new(r->diags, E205, span_none(), "`-D %s` does not name a param", define->name);
    d->file = file->path;
    Nearest n = nearest_new(define->name);
    Text names = text_new(r->arena);
    for (int k = 0; k < file->n_entities; k++) {
      if (file->entity[k]->kind != ENTITY_PARAM) continue;
      nearest_offer(&n, file->entity[k]->name);
      text_printf(&names, "%s`%s`", names.len ? ", " : "", file->entity[k]->name);
    }
    if (names.len)
      diag_note(d, "the params of this file: %s", text_str(&names));
    else
      diag_note(d, "this file has no params");
    if (n.best) diag_fix(d, FIX_MAYBE, "did you mean `-D %s=%s`?", n.best, define->value);
  }
}

Program *resolve(Arena *arena, const Source *source, Node *tree, ResolveOptions *options,
                 Diags *diags) {
  Resolver *r = ARENA_NEW(arena, Resolver);
  *r = (Resolver){
      .arena = arena, .diags = diags, .options = options, .program = ARENA_NEW(arena, Program)};
  for (int k = 0; k < LAYER_KIND_COUNT; k++) {
    const LayerInfo *info = layer_info((LayerKind)k);
    if (!(info->flags & OPERATOR)) map_put(arena, &r->stages, info->name, (void *)(uintptr_t)info);
  }
  ModelFile *file = ARENA_NEW(arena, ModelFile);
  *file = (ModelFile){.path = source->path};
  map_put(arena, &r->files, path_join(arena, "", 0, source->path), file);
  file_resolve(r, file, tree);
  for (size_t i = 0; i < tree->n; i++)
    if (node_is(tree->kid[i], N_MODEL)) model_resolve(r, file, tree->kid[i]);
  for (int i = 0; i < file->n_entities; i++)
    if (file->entity[i]->kind == ENTITY_BLOCK) {
      r->too_large = false;
      block_check(r, file->entity[i]->block);
    }
  if (diags->n_errors == 0) report_unused_params(r, file, tree);
  report_unknown_defines(r, file);
  return r->program;
}
