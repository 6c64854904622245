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

#include "kir/share_internal.h"

#include <stdlib.h>
#include <string.h>

/* Fewer turns than that stay apart, and know the addresses of their weights: 10 layers GRU(16) in a
 * loop were 14 % slower, 16 up to 8 %, 40 of 16, 32 or 128 units 2 to 18 % faster. */
enum { LEAST_TURNS = 24, MOST_PERIOD = 64 };

/* ---- statements that repeat ---- */

/* A list as an array, with a number for each statement. */
typedef struct StmtList {
  KirStmt **stmt;
  uint64_t *print;
  int n;
} StmtList;

static StmtList list_of(Sharing *s, KirStmt *first) {
  StmtList l = {0};
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
static int count_units(const StmtList *l, int at, int period) {
  int n = 1;
  for (int i = 0; i < period; i++)
    if (at + i >= l->n || !l->print[at + i]) return 0;
  for (int next = at + period; next + period <= l->n; next += period, n++)
    for (int i = 0; i < period; i++)
      if (l->print[next + i] != l->print[at + i]) return n;
  return n;
}

/* ---- the buffers of the units ---- */

typedef struct UnitRun {
  int at, period, n; /* units of the list */
  Uses *uses;        /* by unit */
  bool *is_private;  /* by use of unit 0 */
} UnitRun;

static bool is_mergeable(const Sharing *s, const KirBuffer *x, const KirBuffer *y) {
  bool space = x->space == KIR_CONST || x->space == KIR_STATE || x->space == KIR_SCRATCH;
  bool countable = share_slot_size(x) <= INT32_MAX / s->m->n_buffers;
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
static bool is_filled_anew(const Sharing *s, const UnitRun *r, const KirBuffer *b) {
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
static bool is_private(const Sharing *s, const UnitRun *r, int u) {
  for (int i = 0; i < r->n; i++) {
    const KirBuffer *b = r->uses[i].use[u].buffer;
    if (b->space != KIR_SCRATCH || s->touched[b->id] != uses_of(&r->uses[i], b)) return false;
    if (!is_mergeable(s, r->uses[0].use[u].buffer, b)) return false;
  }
  return is_filled_anew(s, r, r->uses[0].use[u].buffer);
}

static bool is_same(const UnitRun *r, int u) {
  for (int i = 1; i < r->n; i++)
    if (r->uses[i].use[u].buffer != r->uses[0].use[u].buffer) return false;
  return true;
}

/* The slot that use u of unit 0 takes, where a buffer of this use has a place: else it is free. */
static Slot place_of_use(const Sharing *s, const UnitRun *r, int u) {
  for (int i = 0; i < r->n; i++) {
    Slot p = s->place[r->uses[i].use[u].buffer->id];
    if (p.group) return (Slot){p.group, p.at - i};
  }
  return (Slot){0, 0};
}

/* Gives the buffers of use u neighbouring slots; false: they cannot have them. */
static bool place_use(Sharing *s, const UnitRun *r, int u) {
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
static bool stands_for(Sharing *s, const UnitRun *r, int i, const bool *is_private_buffer) {
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
static bool find_privates(Sharing *s, UnitRun *r) {
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
static bool place_run(Sharing *s, const UnitRun *r) {
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
static void make_loop(Sharing *s, const StmtList *l, const UnitRun *r) {
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
      share_add_use(s, &moving, use->buffer, use->at);
  }
  moving = share_distinct(s, &moving);
  for (int u = 0; u < moving.n; u++) {
    KirIndex *at = moving.use[u].at;
    at->term[at->n_terms].stride = share_slot_size(moving.use[u].buffer);
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

static bool has_room(const UnitRun *r) {
  for (int u = 0; u < r->uses[0].n; u++)
    if (r->uses[0].use[u].at && r->uses[0].use[u].at->n_terms == KIR_MAX_TERMS) return false;
  return true;
}

/* The run of n units from `at` on, if its buffers can be neighbours. */
static bool try_run(Sharing *s, const StmtList *l, int at, int period, int n) {
  if (n < LEAST_TURNS) return false;
  for (int i = 1; i < n; i++)
    if (!kir_alike(&s->alike, l->stmt + at, l->stmt + at + i * period, period)) return false;
  UnitRun r = {at, period, n, ARENA_ARRAY(s->m->arena, Uses, n), NULL};
  s->inside_now++;
  for (int k = 0; k < period; k++) {
    KirStmt alone = *l->stmt[at + k];
    alone.next = NULL;
    define_in(s, &alone);
  }
  for (int i = 0; i < n; i++)
    for (int k = 0; k < period; k++)
      share_stmt_uses(s, &r.uses[i], l->stmt[at + i * period + k]);
  if (!has_room(&r) || !find_privates(s, &r) || !place_run(s, &r)) return false;
  make_loop(s, l, &r);
  return true;
}

static void share_list(Sharing *s, KirStmt *first);

/* Whether a unit is worth a loop: zeros and copies alone are not, and would take buffers apart that
 * layers want beside each other. */
static bool is_code(const StmtList *l, int at, int period) {
  for (int i = 0; i < period; i++)
    if (l->stmt[at + i]->kind == KIR_SECTION || l->stmt[at + i]->kind == KIR_FOR) return true;
  return false;
}

/* Units from `at` on: statements to pass over, and whether they became a loop. The first layer
 * reads an input and the last one may write an output, where those between read and write each
 * other's. What cannot become one is not tried again from each of its statements. */
static int share_at(Sharing *s, const StmtList *l, int at, bool *is_loop) {
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
  StmtList l = list_of(s, first);
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
    share_list_uses(&s, &all, m->func[i]->body);
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
  if (s.n_groups) share_merge(&s);
}
