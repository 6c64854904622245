/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Identical layers of a deep stack share their code. In: a module before its memory is planned.
 * After: statements that repeat LEAST_TURNS times or more in a row, alike but for the buffers that
 * they touch, are the body of one loop; their buffers lie beside each other in one, a turn apart.
 * Every number is computed as before, in the same order.
 *
 *     section gru_2: .. gru_2_W[k] x gru_h[k] ..         for layer in 0..199
 *     section gru_3: .. gru_3_W[k] x gru_2_h[k] ..   ->    section: .. gru_2_W[6144 layer + k]
 *     section gru_4: .. gru_4_W[k] x gru_3_h[k] ..                     x gru_h[32 layer + k] ..
 *
 * A unit is `period` statements, and what it touches in the order of its text are its uses: use u
 * of unit i is a buffer, and these buffers are, for i = 0, 1, .., the same one, or scratch that no
 * other statement touches, or neighbours in one merged buffer. */
#include "kir/share.h"

#include "kir/share_alike.h"

#include <stdlib.h>
#include <string.h>

/* Fewer turns than that stay apart, and know the addresses of their weights: 10 layers GRU(16) in a
 * loop were 14 % slower, 16 up to 8 %, 40 of 16, 32 or 128 units 2 to 18 % faster. */
enum { LEAST_TURNS = 24, MOST_PERIOD = 64 };

typedef struct Use {
  KirBuffer *buffer;
  KirIndex *at; /* NULL: a table that is looked up */
  bool writes;  /* whatever way the code takes */
} Use;

typedef struct Uses {
  Use *use;
  int n;
  size_t cap;
} Uses;

/* Where a buffer went. */
typedef struct Slot {
  int group;  /* from 1; 0: nowhere */
  int64_t at; /* within its group, before the least is subtracted */
} Slot;

typedef struct Sharing {
  KirModule *m;
  KirFunc *f;
  Slot *place;    /* by buffer id */
  bool *is_fixed; /* by buffer id: an argument of a call */
  int *touched;   /* by buffer id: statements of all functions that touch it */
  int n_groups;
  KirAlike alike;             /* of the function */
  int *inside, inside_now;    /* by register id: the stamp of the unit that defines it */
  KirBuffer **stands, **back; /* by buffer id: what stands for it, where the stamp is that of now */
  int *stands_stamp, *back_stamp, stands_now;
} Sharing;

/* ---- what a statement touches ---- */

static void add_use(Sharing *s, Uses *to, KirBuffer *b, KirIndex *at) {
  if (!b) return;
  Use use = {b, at, false};
  ARENA_PUSH(s->m->arena, to->use, to->n, to->cap, use);
}

static void expr_uses(Sharing *s, Uses *to, KirExpr *e) {
  if (!e) return;
  if (e->op == KIR_LOAD) add_use(s, to, e->buffer, &e->at);
  if (e->op == KIR_LOOKUP) add_use(s, to, e->buffer, NULL);
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    expr_uses(s, to, e->arg[i]);
}

static void list_uses(Sharing *s, Uses *to, KirStmt *list);

/* What it reads, then what it writes. */
static void stmt_uses(Sharing *s, Uses *to, KirStmt *x) {
  expr_uses(s, to, x->value);
  expr_uses(s, to, x->lo);
  expr_uses(s, to, x->hi);
  add_use(s, to, x->source, &x->from);
  add_use(s, to, x->bias, &x->bias_at);
  add_use(s, to, x->buffer, &x->at);
  if (x->kind == KIR_STORE || x->kind == KIR_COPY || x->kind == KIR_ZERO)
    to->use[to->n - 1].writes = true;
  for (int i = 0; i < x->n_args; i++)
    s->is_fixed[x->args[i]->id] = true;
  int before = to->n;
  list_uses(s, to, x->body);
  list_uses(s, to, x->other);
  for (int u = before; u < to->n && x->kind == KIR_IF; u++)
    to->use[u].writes = false;
}

static void list_uses(Sharing *s, Uses *to, KirStmt *list) {
  for (KirStmt *x = list; x; x = x->next)
    stmt_uses(s, to, x);
}

static int by_index(const void *a, const void *b) {
  uintptr_t x = (uintptr_t)((const Use *)a)->at, y = (uintptr_t)((const Use *)b)->at;
  return x < y ? -1 : x > y;
}

/* Each index once: an expression may stand in two places of a tree. */
static Uses distinct(const Sharing *s, const Uses *from) {
  Uses to = {ARENA_ARRAY(s->m->arena, Use, from->n + 1), 0, 0};
  if (!from->n) return to;
  Use *sorted = ARENA_ARRAY(s->m->arena, Use, from->n);
  memcpy(sorted, from->use, (size_t)from->n * sizeof *sorted);
  qsort(sorted, (size_t)from->n, sizeof *sorted, by_index);
  for (int i = 0; i < from->n; i++)
    if (sorted[i].at && (i == 0 || sorted[i].at != sorted[i - 1].at)) to.use[to.n++] = sorted[i];
  return to;
}

/* ---- statements that repeat ---- */

/* A list as an array, with a number for each statement. */
typedef struct List {
  KirStmt **stmt;
  uint64_t *print;
  int n;
} List;

static List list_of(Sharing *s, KirStmt *first) {
  List l = {0};
  for (KirStmt *x = first; x; x = x->next)
    l.n++;
  l.stmt = ARENA_ARRAY(s->m->arena, KirStmt *, l.n + 1);
  l.print = ARENA_ARRAY(s->m->arena, uint64_t, l.n + 1);
  int i = 0;
  for (KirStmt *x = first; x; x = x->next) {
    l.stmt[i] = x;
    l.print[i++] = kir_print_of(x);
  }
  return l;
}

/* How many units of `period` statements from `at` on are alike. */
static int count_units(const List *l, int at, int period) {
  int n = 1;
  for (int i = 0; i < period; i++)
    if (at + i >= l->n || !l->print[at + i]) return 0;
  for (int next = at + period; next + period <= l->n; next += period, n++)
    for (int i = 0; i < period; i++)
      if (l->print[next + i] != l->print[at + i]) return n;
  return n;
}

/* ---- the buffers of the units ---- */

typedef struct Run {
  int at, period, n; /* units of the list */
  Uses *uses;        /* by unit */
  bool *is_private;  /* by use of unit 0 */
} Run;

/* Elements from one slot of a merged buffer to the next: whole vectors. */
static int64_t slot_size(const KirBuffer *b) {
  int64_t whole = b->align / kir_elem_size(b->elem);
  return whole > 1 ? (b->count + whole - 1) / whole * whole : b->count;
}

static bool is_mergeable(const Sharing *s, const KirBuffer *x, const KirBuffer *y) {
  bool space = x->space == KIR_CONST || x->space == KIR_STATE || x->space == KIR_SCRATCH;
  bool countable = slot_size(x) <= INT32_MAX / s->m->n_buffers;
  return space && countable && x->space == y->space && x->elem == y->elem && x->count == y->count &&
         x->align == y->align && x->lo == y->lo && x->hi == y->hi && !x->categories &&
         !y->categories && !s->is_fixed[x->id] && !s->is_fixed[y->id] && !x->data == !y->data &&
         !x->origin.layer == !y->origin.layer;
}

/* Uses of a buffer by one unit. */
static int uses_of(const Uses *uses, const KirBuffer *b) {
  int n = 0;
  for (int i = 0; i < uses->n; i++)
    n += uses->use[i].buffer == b;
  return n;
}

static void define_in(Sharing *s, const KirStmt *list) {
  for (const KirStmt *x = list; x; x = x->next) {
    if (x->kind == KIR_LET || x->kind == KIR_FOR) s->inside[x->reg->id] = s->inside_now;
    for (int i = 0; i < x->n_regs; i++)
      s->inside[x->regs[i]->id] = s->inside_now;
    define_in(s, x->body);
    define_in(s, x->other);
  }
}

/* Whether unit 0 fills a buffer anew whenever it runs: it writes first, and at places that depend
 * on nothing outside of it. Rows of a sequence, which later steps read, are written at the step. */
static bool is_filled_anew(const Sharing *s, const Run *r, const KirBuffer *b) {
  bool first = true;
  for (int i = 0; i < r->uses[0].n; i++) {
    const Use *use = &r->uses[0].use[i];
    if (use->buffer != b) continue;
    if (!use->at || (first && !use->writes)) return false;
    first = false;
    for (int k = 0; k < use->at->n_terms; k++)
      if (s->inside[use->at->term[k].var->id] != s->inside_now) return false;
  }
  return true;
}

/* Scratch that its unit alone touches, in every unit, and that holds nothing from one of its runs
 * to the next: one of them serves all. */
static bool is_private(const Sharing *s, const Run *r, int u) {
  for (int i = 0; i < r->n; i++) {
    const KirBuffer *b = r->uses[i].use[u].buffer;
    if (b->space != KIR_SCRATCH || s->touched[b->id] != uses_of(&r->uses[i], b)) return false;
    if (!is_mergeable(s, r->uses[0].use[u].buffer, b)) return false;
  }
  return is_filled_anew(s, r, r->uses[0].use[u].buffer);
}

static bool is_same(const Run *r, int u) {
  for (int i = 1; i < r->n; i++)
    if (r->uses[i].use[u].buffer != r->uses[0].use[u].buffer) return false;
  return true;
}

/* The slot that use u of unit 0 takes, where a buffer of this use has a place: else it is free. */
static Slot place_of_use(const Sharing *s, const Run *r, int u) {
  for (int i = 0; i < r->n; i++) {
    Slot p = s->place[r->uses[i].use[u].buffer->id];
    if (p.group) return (Slot){p.group, p.at - i};
  }
  return (Slot){0, 0};
}

/* Gives the buffers of use u neighbouring slots; false: they cannot have them. */
static bool place_use(Sharing *s, const Run *r, int u) {
  if (!r->uses[0].use[u].at) return false;
  Slot first = place_of_use(s, r, u);
  if (!first.group) first.group = ++s->n_groups;
  for (int i = 0; i < r->n; i++) {
    const KirBuffer *b = r->uses[i].use[u].buffer;
    Slot *have = &s->place[b->id], want = {first.group, first.at + i};
    if (!is_mergeable(s, r->uses[0].use[u].buffer, b)) return false;
    if (have->group && (have->group != want.group || have->at != want.at)) return false;
    *have = want;
  }
  return true;
}

/* Whether the private scratch of unit 0 stands for that of unit i one to one, in all its uses. */
static bool stands_for(Sharing *s, const Run *r, int i, const bool *is_private_buffer) {
  int now = ++s->stands_now;
  for (int u = 0; u < r->uses[0].n; u++) {
    KirBuffer *x = r->uses[0].use[u].buffer, *y = r->uses[i].use[u].buffer;
    if (!is_private_buffer[x->id]) continue;
    bool other = s->stands_stamp[x->id] == now && s->stands[x->id] != y;
    if (other || (s->back_stamp[y->id] == now && s->back[y->id] != x)) return false;
    s->stands_stamp[x->id] = s->back_stamp[y->id] = now;
    s->stands[x->id] = y;
    s->back[y->id] = x;
  }
  return true;
}

/* Sets is_private of the run. False: what is private in one unit is used otherwise in another. */
static bool find_privates(Sharing *s, Run *r) {
  bool *of_buffer = ARENA_ARRAY(s->m->arena, bool, s->m->n_buffers + 1);
  r->is_private = ARENA_ARRAY(s->m->arena, bool, r->uses[0].n + 1);
  for (int u = 0; u < r->uses[0].n; u++) {
    r->is_private[u] = !is_same(r, u) && is_private(s, r, u);
    if (r->is_private[u]) of_buffer[r->uses[0].use[u].buffer->id] = true;
  }
  for (int i = 1; i < r->n; i++)
    if (!stands_for(s, r, i, of_buffer)) return false;
  return true;
}

static int by_slot(const void *a, const void *b) {
  const Slot *x = a, *y = b;
  if (x->group != y->group) return x->group < y->group ? -1 : 1;
  return x->at < y->at ? -1 : x->at > y->at;
}

/* Whether no two buffers have one slot. */
static bool slots_differ(const Sharing *s) {
  Slot *sorted = ARENA_ARRAY(s->m->arena, Slot, s->m->n_buffers + 1);
  int n = 0;
  for (int i = 0; i < s->m->n_buffers; i++)
    if (s->place[i].group) sorted[n++] = s->place[i];
  if (n > 1) qsort(sorted, (size_t)n, sizeof *sorted, by_slot);
  for (int i = 1; i < n; i++)
    if (by_slot(&sorted[i], &sorted[i - 1]) == 0) return false;
  return true;
}

/* Places the buffers of a run, or leaves every place as it was. */
static bool place_run(Sharing *s, const Run *r) {
  size_t bytes = (size_t)s->m->n_buffers * sizeof *s->place;
  Slot *before = ARENA_ARRAY(s->m->arena, Slot, s->m->n_buffers);
  int groups = s->n_groups;
  bool placed = true;
  memcpy(before, s->place, bytes);
  for (int u = 0; u < r->uses[0].n && placed; u++)
    placed = is_same(r, u) || r->is_private[u] || place_use(s, r, u);
  if (placed && slots_differ(s)) return true;
  memcpy(s->place, before, bytes);
  s->n_groups = groups;
  return false;
}

/* ---- the loop ---- */

/* Unit 0 of a run becomes the body of a loop over its units. */
static void make_loop(Sharing *s, const List *l, const Run *r) {
  KirStmt *first = l->stmt[r->at], *last = l->stmt[r->at + r->period - 1],
          *after = l->stmt[r->at + r->n * r->period - 1]->next;
  KirReg *layer = ARENA_NEW(s->m->arena, KirReg);
  *layer = (KirReg){.id = s->f->n_regs++,
                    .name = "layer",
                    .type = kir_type(KIR_INDEX, 1),
                    .lo = 0,
                    .hi = r->n - 1};
  Uses moving = {0};
  for (int u = 0; u < r->uses[0].n; u++) {
    const Use *use = &r->uses[0].use[u];
    if (s->place[use->buffer->id].group && !is_same(r, u))
      add_use(s, &moving, use->buffer, use->at);
  }
  moving = distinct(s, &moving);
  for (int u = 0; u < moving.n; u++) {
    KirIndex *at = moving.use[u].at;
    at->term[at->n_terms].stride = slot_size(moving.use[u].buffer);
    at->term[at->n_terms++].var = layer;
  }
  KirStmt *copy = ARENA_NEW(s->m->arena, KirStmt), *loop = first;
  *copy = *first; /* `first` is what stands in the list */
  if (last == first)
    copy->next = NULL;
  else
    last->next = NULL;
  KirExpr *bound = ARENA_ARRAY(s->m->arena, KirExpr, 2);
  for (int i = 0; i < 2; i++)
    bound[i] = (KirExpr){.op = KIR_NUM, .type = kir_type(KIR_INDEX, 1), .i = i ? r->n : 0};
  *loop = (KirStmt){.kind = KIR_FOR,
                    .reg = layer,
                    .lo = &bound[0],
                    .hi = &bound[1],
                    .step = 1,
                    .body = copy,
                    .next = after,
                    .doc = arena_printf(s->m->arena, "%d layers that are alike", r->n)};
}

static bool has_room(const Run *r) {
  for (int u = 0; u < r->uses[0].n; u++)
    if (r->uses[0].use[u].at && r->uses[0].use[u].at->n_terms == KIR_MAX_TERMS) return false;
  return true;
}

/* The run of n units from `at` on, if its buffers can be neighbours. */
static bool try_run(Sharing *s, const List *l, int at, int period, int n) {
  if (n < LEAST_TURNS) return false;
  for (int i = 1; i < n; i++)
    if (!kir_alike(&s->alike, l->stmt + at, l->stmt + at + i * period, period)) return false;
  Run r = {at, period, n, ARENA_ARRAY(s->m->arena, Uses, n), NULL};
  s->inside_now++;
  for (int k = 0; k < period; k++) {
    KirStmt alone = *l->stmt[at + k];
    alone.next = NULL;
    define_in(s, &alone);
  }
  for (int i = 0; i < n; i++)
    for (int k = 0; k < period; k++)
      stmt_uses(s, &r.uses[i], l->stmt[at + i * period + k]);
  if (!has_room(&r) || !find_privates(s, &r) || !place_run(s, &r)) return false;
  make_loop(s, l, &r);
  return true;
}

static void share_list(Sharing *s, KirStmt *first);

/* Whether a unit is worth a loop: zeros and copies alone are not, and would take buffers apart that
 * layers want beside each other. */
static bool is_code(const List *l, int at, int period) {
  for (int i = 0; i < period; i++)
    if (l->stmt[at + i]->kind == KIR_SECTION || l->stmt[at + i]->kind == KIR_FOR) return true;
  return false;
}

/* Units from `at` on: statements to pass over, and whether they became a loop. The first layer
 * reads an input and the last one may write an output, where those between read and write each
 * other's. What cannot become one is not tried again from each of its statements. */
static int share_at(Sharing *s, const List *l, int at, bool *is_loop) {
  *is_loop = false;
  for (int period = 1; period <= MOST_PERIOD && at + period <= l->n; period++) {
    int n = count_units(l, at, period), next = at + period;
    if (n == 0) return 0;
    if (n < LEAST_TURNS || !is_code(l, at, period)) continue;
    *is_loop = try_run(s, l, at, period, n) || try_run(s, l, at, period, n - 1) ||
               try_run(s, l, next, period, n - 1) || try_run(s, l, next, period, n - 2);
    return n * period;
  }
  return 0;
}

static void share_list(Sharing *s, KirStmt *first) {
  List l = list_of(s, first);
  for (int at = 0; at < l.n;) {
    bool is_loop;
    int passed = share_at(s, &l, at, &is_loop), end = at + (passed ? passed : 1);
    for (; at < end; at++) {
      if (is_loop) continue;
      share_list(s, l.stmt[at]->body);
      share_list(s, l.stmt[at]->other);
    }
  }
}

/* ---- merged buffers ---- */

/* One buffer for each group; its slots in order. */
typedef struct Merged {
  KirBuffer *buffer;
  int64_t least, slots, size;
} Merged;

static Merged *measure_groups(const Sharing *s) {
  Merged *group = ARENA_ARRAY(s->m->arena, Merged, s->n_groups + 1);
  for (int i = 0; i < s->m->n_buffers; i++) {
    Slot p = s->place[i];
    Merged *g = &group[p.group];
    if (!p.group) continue;
    if (!g->slots || p.at < g->least) g->least = p.at;
    g->slots++;
    g->size = slot_size(s->m->buffer[i]);
  }
  return group;
}

static void make_merged(const Sharing *s, Merged *g, const KirBuffer *first) {
  KirBuffer *b = g->buffer = ARENA_NEW(s->m->arena, KirBuffer);
  *b = *first;
  b->count = g->slots * g->size;
  b->rank = b->space == KIR_STATE ? 2 : 1;
  b->dim[0] = b->rank == 2 ? g->slots : b->count;
  b->dim[1] = g->size;
  b->is_per_sample = false;
  if (first->doc)
    b->doc = arena_printf(s->m->arena, "%lld of: %s", (long long)g->slots, first->doc);
  if (first->data) b->data = arena_alloc(s->m->arena, (size_t)(b->count * kir_elem_size(b->elem)));
}

/* Merged buffers take the place of the first of theirs, and the others go. */
static void merge_buffers(Sharing *s, Merged *group) {
  KirModule *m = s->m;
  int n = 0;
  for (int i = 0; i < m->n_buffers; i++) {
    const KirBuffer *b = m->buffer[i];
    Slot p = s->place[i];
    Merged *g = &group[p.group];
    bool first = p.group && !g->buffer;
    if (first) make_merged(s, g, b);
    if (p.group && b->data) {
      char *to = (char *)(uintptr_t)g->buffer->data;
      size_t size = (size_t)kir_elem_size(b->elem);
      memcpy(to + (size_t)((p.at - g->least) * g->size) * size, b->data, (size_t)b->count * size);
    }
    if (!p.group || first) m->buffer[n++] = p.group ? g->buffer : m->buffer[i];
  }
  m->n_buffers = n;
}

/* Every use of a buffer that was merged. */
static void redirect(const Sharing *s, const Merged *group, Uses *uses) {
  for (int u = 0; u < uses->n; u++) {
    Slot p = s->place[uses->use[u].buffer->id];
    const Merged *g = &group[p.group];
    if (p.group) uses->use[u].at->offset += (p.at - g->least) * g->size;
  }
}

static void replace_in_expr(const Sharing *s, const Merged *group, KirExpr *e) {
  if (!e) return;
  if (e->op == KIR_LOAD && s->place[e->buffer->id].group)
    e->buffer = group[s->place[e->buffer->id].group].buffer;
  for (int i = 0; i < KIR_MAX_ARGS; i++)
    replace_in_expr(s, group, e->arg[i]);
}

static KirBuffer *replaced(const Sharing *s, const Merged *group, KirBuffer *b) {
  return b && s->place[b->id].group ? group[s->place[b->id].group].buffer : b;
}

static void replace_in_list(const Sharing *s, const Merged *group, KirStmt *list) {
  for (KirStmt *x = list; x; x = x->next) {
    x->buffer = replaced(s, group, x->buffer);
    x->source = replaced(s, group, x->source);
    x->bias = replaced(s, group, x->bias);
    replace_in_expr(s, group, x->value);
    replace_in_expr(s, group, x->lo);
    replace_in_expr(s, group, x->hi);
    replace_in_list(s, group, x->body);
    replace_in_list(s, group, x->other);
  }
}

/* Zeros beside zeros are one statement. */
static void join_zeros(KirStmt *list) {
  for (KirStmt *x = list; x; x = x->next)
    while (x->kind == KIR_ZERO && x->next && x->next->kind == KIR_ZERO &&
           x->next->buffer == x->buffer && x->at.n_terms == 0 && x->next->at.n_terms == 0 &&
           x->next->at.offset == x->at.offset + x->count) {
      x->count += x->next->count;
      x->next = x->next->next;
    }
}

void kir_share(KirModule *m) {
  Sharing s = {.m = m};
  Uses all = {0};
  if (m->batch > 1) return; /* a buffer of samples is cut by samples first */
  s.place = ARENA_ARRAY(m->arena, Slot, m->n_buffers + 1);
  s.is_fixed = ARENA_ARRAY(m->arena, bool, m->n_buffers + 1);
  s.touched = ARENA_ARRAY(m->arena, int, m->n_buffers + 1);
  s.stands = ARENA_ARRAY(m->arena, KirBuffer *, m->n_buffers + 1);
  s.back = ARENA_ARRAY(m->arena, KirBuffer *, m->n_buffers + 1);
  s.stands_stamp = ARENA_ARRAY(m->arena, int, m->n_buffers + 1);
  s.back_stamp = ARENA_ARRAY(m->arena, int, m->n_buffers + 1);
  for (int i = 0; i < m->n_funcs; i++)
    list_uses(&s, &all, m->func[i]->body);
  for (int u = 0; u < all.n; u++) {
    s.touched[all.use[u].buffer->id]++;
    if (!all.use[u].at) s.is_fixed[all.use[u].buffer->id] = true;
  }
  for (int i = 0; i < m->n_funcs; i++) {
    s.f = m->func[i];
    s.alike = kir_alike_new(m->arena, s.f->n_regs);
    s.inside = ARENA_ARRAY(m->arena, int, s.f->n_regs + 1);
    share_list(&s, s.f->body);
  }
  if (!s.n_groups) return;
  Uses left = {0};
  for (int i = 0; i < m->n_funcs; i++)
    list_uses(&s, &left, m->func[i]->body);
  Merged *group = measure_groups(&s);
  left = distinct(&s, &left);
  redirect(&s, group, &left);
  merge_buffers(&s, group);
  for (int i = 0; i < m->n_funcs; i++) {
    replace_in_list(&s, group, m->func[i]->body);
    join_zeros(m->func[i]->body);
  }
  for (int i = 0; i < m->n_buffers; i++)
    m->buffer[i]->id = i;
}
