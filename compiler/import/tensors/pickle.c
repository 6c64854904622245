/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* The stack machine of pickles, protocols 0 to 5; see pickle.h. */
#include "import/tensors/pickle.h"

#include "import/tensors/pickle_words.h"

#include <string.h>

enum { VALUES_MAX = 8 << 20, MEMO_MAX = 8 << 20, SMALL_INTS = 256, CLASS_MAX = 1 << 16 };

typedef struct PickleMachine {
  Arena *arena;
  PickleInput in;
  PickleValue **stack, **memo;
  size_t n, cap, n_memo, cap_memo, made;
  size_t *mark;
  size_t n_marks, cap_marks;
  PickleValue *none, *yes, *no, *small[SMALL_INTS], *outside;
  const char *reason;
} PickleMachine;

static const char not_a_number[] = "its pickle has text in the place of a number";

static bool fail(PickleMachine *m, const char *reason) {
  if (!m->reason) m->reason = reason;
  return false;
}

static PickleValue *make(PickleMachine *m, PickleKind kind) {
  PickleValue *v = ARENA_NEW(m->arena, PickleValue);
  v->kind = kind;
  m->made++;
  return v;
}

static bool push(PickleMachine *m, PickleValue *v) {
  if (m->made > VALUES_MAX) return fail(m, "its pickle holds too many values");
  ARENA_PUSH(m->arena, m->stack, m->n, m->cap, v);
  return true;
}

/* Takes the top of the stack, but nothing below the last mark. */
static PickleValue *pop(PickleMachine *m) {
  size_t least = m->n_marks ? m->mark[m->n_marks - 1] : 0;
  if (m->n > least) return m->stack[--m->n];
  fail(m, "its pickle takes from an empty stack");
  return NULL;
}

static PickleValue *top(PickleMachine *m) {
  PickleValue *v = pop(m);
  if (v) m->n++;
  return v;
}

/* Takes all values above the last mark, and the mark. */
static bool above_mark(PickleMachine *m, PickleValue ***items, size_t *n) {
  if (!m->n_marks) return fail(m, "its pickle lacks a mark");
  size_t at = m->mark[--m->n_marks];
  *n = m->n - at;
  *items = m->stack ? m->stack + at : NULL; /* nothing was ever pushed */
  m->n = at;
  return true;
}

static bool push_int(PickleMachine *m, int64_t i) {
  bool small = i >= 0 && i < SMALL_INTS;
  PickleValue *v = small && m->small[i] ? m->small[i] : make(m, PICKLE_INT);
  v->i = i;
  if (small) m->small[i] = v;
  return push(m, v);
}

static bool push_float(PickleMachine *m, double f) {
  PickleValue *v = make(m, PICKLE_FLOAT);
  v->f = f;
  return push(m, v);
}

static bool push_text(PickleMachine *m, PickleKind kind, const char *text, size_t len) {
  PickleValue *v = make(m, kind);
  v->text = text;
  v->len = len;
  return push(m, v);
}

/* Pushes a text: its length in `bytes` bytes, then the text. */
static bool push_counted(PickleMachine *m, PickleKind kind, int bytes) {
  uint64_t len;
  const char *text;
  if (!pickle_number(&m->in, bytes, &len) || !pickle_bytes(&m->in, len, &text))
    return fail(m, "its pickle ends within a text");
  return push_text(m, kind, text, (size_t)len);
}

static bool push_unsigned(PickleMachine *m, int bytes) {
  uint64_t value;
  if (!pickle_number(&m->in, bytes, &value)) return fail(m, "its pickle ends within a number");
  return push_int(m, bytes == 4 ? (int64_t)(int32_t)(uint32_t)value : (int64_t)value);
}

static bool push_long(PickleMachine *m, int bytes) {
  uint64_t len;
  const char *digits;
  int64_t i;
  double f;
  if (!pickle_number(&m->in, bytes, &len) || !pickle_bytes(&m->in, len, &digits))
    return fail(m, "its pickle ends within a number");
  return pickle_long(digits, (size_t)len, &i, &f) ? push_int(m, i) : push_float(m, f);
}

static void add_all(PickleMachine *m, PickleList *list, PickleValue *const *items, size_t n) {
  if (!n) return;
  list->item = arena_grow(m->arena, list->item, &list->cap, list->n + n, sizeof(PickleValue *));
  memcpy(list->item + list->n, items, n * sizeof(PickleValue *));
  list->n += n;
}

static bool push_list(PickleMachine *m, PickleKind kind, PickleValue **items, size_t n) {
  PickleValue *v = make(m, kind);
  add_all(m, &v->list, items, n);
  return push(m, v);
}

static bool push_above_mark(PickleMachine *m, PickleKind kind) {
  PickleValue **items;
  size_t n;
  if (!above_mark(m, &items, &n)) return false;
  return kind == PICKLE_DICT && n % 2 ? fail(m, "its pickle has a key without a value")
                                      : push_list(m, kind, items, n);
}

static bool push_tuple(PickleMachine *m, size_t n) {
  size_t least = m->n_marks ? m->mark[m->n_marks - 1] : 0;
  if (m->n - least < n) return fail(m, "its pickle takes from an empty stack");
  m->n -= n;
  return push_list(m, PICKLE_TUPLE, m->stack + m->n, n);
}

/* The list of a value for items that are appended, or for pairs that are set; NULL if it has none.
 */
static PickleList *room_of(PickleMachine *m, PickleValue *v, bool pairs) {
  switch (v->kind) {
  case PICKLE_LIST:
  case PICKLE_SET: return pairs ? NULL : &v->list;
  case PICKLE_DICT: return pairs ? &v->list : NULL;
  case PICKLE_OBJECT: {
    PickleList **kept = pairs ? &v->pairs : &v->items;
    if (!*kept) *kept = ARENA_NEW(m->arena, PickleList);
    return *kept;
  }
  case PICKLE_NONE:
  case PICKLE_BOOL:
  case PICKLE_INT:
  case PICKLE_FLOAT:
  case PICKLE_TEXT:
  case PICKLE_BYTES:
  case PICKLE_TUPLE:
  case PICKLE_CLASS:
  case PICKLE_PERSISTENT: break;
  }
  return NULL;
}

static bool extend(PickleMachine *m, PickleValue **items, size_t n, bool pairs) {
  PickleValue *v = top(m);
  PickleList *list = v ? room_of(m, v, pairs) : NULL;
  if (!list || (pairs && n % 2)) return fail(m, "its pickle adds to something that holds nothing");
  if (n) add_all(m, list, items, n);
  return true;
}

static bool extend_above_mark(PickleMachine *m, bool pairs) {
  PickleValue **items;
  size_t n;
  return above_mark(m, &items, &n) && extend(m, items, n, pairs);
}

/* Adds the last n values to the value below them. */
static bool extend_last(PickleMachine *m, size_t n, bool pairs) {
  size_t least = m->n_marks ? m->mark[m->n_marks - 1] : 0;
  if (m->n - least < n) return fail(m, "its pickle takes from an empty stack");
  m->n -= n;
  return extend(m, m->stack + m->n, n, pairs);
}

static bool push_class(PickleMachine *m, const char *module, size_t n, const char *name,
                       size_t len) {
  if (n > CLASS_MAX || len > CLASS_MAX) return fail(m, "its pickle names a class by a long text");
  const char *text = arena_printf(m->arena, "%.*s.%.*s", (int)n, module, (int)len, name);
  return push_text(m, PICKLE_CLASS, text, strlen(text));
}

/* Pushes a class that two lines name: the module and the name. */
static bool push_global(PickleMachine *m) {
  const char *module, *name;
  size_t n, len;
  if (!pickle_line(&m->in, &module, &n) || !pickle_line(&m->in, &name, &len))
    return fail(m, "its pickle ends within a name");
  return push_class(m, module, n, name, len);
}

static bool stack_global(PickleMachine *m) {
  PickleValue *name = pop(m), *module = name ? pop(m) : NULL;
  if (!module || module->kind != PICKLE_TEXT || name->kind != PICKLE_TEXT)
    return fail(m, "its pickle names a class by something other than text");
  return push_class(m, module->text, module->len, name->text, name->len);
}

/* Python 2 passes the pairs of an OrderedDict as one argument. */
static void take_pairs(PickleMachine *m, PickleValue *dict) {
  const PickleValue *pairs = pickle_arg(dict, 0);
  if (!pickle_is_class(dict->of, "collections.OrderedDict") || !pairs || pairs->kind != PICKLE_LIST)
    return;
  dict->pairs = ARENA_NEW(m->arena, PickleList);
  for (size_t i = 0; i < pairs->list.n; i++) {
    const PickleValue *pair = pairs->list.item[i];
    if ((pair->kind == PICKLE_LIST || pair->kind == PICKLE_TUPLE) && pair->list.n == 2)
      add_all(m, dict->pairs, pair->list.item, 2);
  }
}

static bool push_object(PickleMachine *m, PickleValue *of, PickleValue *args) {
  if (!of || !args) return false;
  PickleValue *v = make(m, PICKLE_OBJECT);
  v->of = of;
  v->args = args;
  take_pairs(m, v);
  return push(m, v);
}

static bool reduce(PickleMachine *m) {
  PickleValue *args = pop(m);
  return push_object(m, args ? pop(m) : NULL, args);
}

/* Pushes an object of a class with arguments. Arguments by name are left out. */
static bool new_object_named(PickleMachine *m) {
  return pop(m) && reduce(m);
}

/* Pushes an object of a class with the arguments above the last mark. */
static bool push_instance(PickleMachine *m, bool named) {
  PickleValue **items;
  size_t n;
  if (named && !push_global(m)) return false;
  PickleValue *of = named ? pop(m) : NULL;
  if (!above_mark(m, &items, &n)) return false;
  if (!named && n == 0) return fail(m, "its pickle makes an object of no class");
  if (!named) {
    of = *items++;
    n--;
  }
  return push_list(m, PICKLE_TUPLE, items, n) && push_object(m, of, pop(m));
}

/* Gives an object its state. Other values ignore it. */
static bool build(PickleMachine *m) {
  PickleValue *state = pop(m), *v = state ? top(m) : NULL;
  if (!v) return false;
  if (v->kind == PICKLE_OBJECT) v->state = state;
  return true;
}

static bool persistent(PickleMachine *m, PickleValue *id) {
  if (!id) return false;
  PickleValue *v = make(m, PICKLE_PERSISTENT);
  v->args = id;
  v->state = m->outside;
  m->outside = v;
  return push(m, v);
}

static bool put(PickleMachine *m, uint64_t place) {
  PickleValue *v = top(m);
  if (!v) return false;
  if (place >= MEMO_MAX || place > 2 * (uint64_t)m->in.len)
    return fail(m, "its pickle remembers too many values");
  if (place >= m->n_memo) {
    m->memo = arena_grow(m->arena, m->memo, &m->cap_memo, (size_t)place + 1, sizeof *m->memo);
    memset(m->memo + m->n_memo, 0, (place + 1 - m->n_memo) * sizeof *m->memo);
    m->n_memo = (size_t)place + 1;
  }
  m->memo[place] = v;
  return true;
}

static bool get(PickleMachine *m, uint64_t place) {
  if (place >= m->n_memo || !m->memo[place])
    return fail(m, "its pickle refers to a value that does not exist");
  return push(m, m->memo[place]);
}

static bool memo(PickleMachine *m, int bytes, bool (*use)(PickleMachine *m, uint64_t place)) {
  uint64_t place;
  return pickle_number(&m->in, bytes, &place) ? use(m, place)
                                              : fail(m, "its pickle ends within a number");
}

static bool memo_line(PickleMachine *m, bool (*use)(PickleMachine *m, uint64_t place)) {
  int64_t place;
  return pickle_decimal(&m->in, &place) && place >= 0
             ? use(m, (uint64_t)place)
             : fail(m, "its pickle has a place that is not a number");
}

static bool push_decimal(PickleMachine *m) {
  int64_t i;
  bool value;
  if (pickle_bool(&m->in, &value)) return push(m, value ? m->yes : m->no);
  return pickle_decimal(&m->in, &i) ? push_int(m, i) : fail(m, not_a_number);
}

static bool push_decimal_float(PickleMachine *m) {
  double f;
  return pickle_decimal_float(&m->in, &f) ? push_float(m, f) : fail(m, not_a_number);
}

static bool push_quoted(PickleMachine *m, bool quoted) {
  const char *text;
  size_t len;
  if (!pickle_quoted(m->arena, &m->in, quoted, &text, &len))
    return fail(m, "its pickle has a text that is damaged");
  return push_text(m, PICKLE_TEXT, text, len);
}

static bool push_double(PickleMachine *m) {
  double f;
  return pickle_double(&m->in, &f) ? push_float(m, f) : fail(m, "its pickle ends within a number");
}

static bool mark(PickleMachine *m) {
  ARENA_PUSH(m->arena, m->mark, m->n_marks, m->cap_marks, m->n);
  return true;
}

static bool pop_or_mark(PickleMachine *m) {
  if (m->n_marks && m->mark[m->n_marks - 1] == m->n) {
    m->n_marks--;
    return true;
  }
  return pop(m) != NULL;
}

static bool skip(PickleMachine *m, uint64_t n) {
  const char *unused;
  return pickle_bytes(&m->in, n, &unused) || fail(m, "its pickle ends too early");
}

static bool step(PickleMachine *m, uint8_t op) {
  PickleValue **items;
  size_t n;
  const char *line;
  switch (op) {
  case '(': return mark(m);
  case '0': return pop_or_mark(m);
  case '1': return above_mark(m, &items, &n);
  case '2': return top(m) && push(m, top(m));
  case 'N': return push(m, m->none);
  case 0x88: return push(m, m->yes);
  case 0x89: return push(m, m->no);
  case 'F': return push_decimal_float(m);
  case 'I':
  case 'L': return push_decimal(m);
  case 'G': return push_double(m);
  case 'K': return push_unsigned(m, 1);
  case 'M': return push_unsigned(m, 2);
  case 'J': return push_unsigned(m, 4);
  case 0x8a: return push_long(m, 1);
  case 0x8b: return push_long(m, 4);
  case 'S': return push_quoted(m, true);
  case 'V': return push_quoted(m, false);
  case 'U': return push_counted(m, PICKLE_TEXT, 1);
  case 'T':
  case 'X': return push_counted(m, PICKLE_TEXT, 4);
  case 0x8c: return push_counted(m, PICKLE_TEXT, 1);
  case 0x8d: return push_counted(m, PICKLE_TEXT, 8);
  case 'C': return push_counted(m, PICKLE_BYTES, 1);
  case 'B': return push_counted(m, PICKLE_BYTES, 4);
  case 0x8e:
  case 0x96: return push_counted(m, PICKLE_BYTES, 8);
  case ')': return push_list(m, PICKLE_TUPLE, NULL, 0);
  case ']': return push_list(m, PICKLE_LIST, NULL, 0);
  case '}': return push_list(m, PICKLE_DICT, NULL, 0);
  case 0x8f: return push_list(m, PICKLE_SET, NULL, 0);
  case 't': return push_above_mark(m, PICKLE_TUPLE);
  case 'l': return push_above_mark(m, PICKLE_LIST);
  case 'd': return push_above_mark(m, PICKLE_DICT);
  case 0x91: return push_above_mark(m, PICKLE_SET);
  case 0x85: return push_tuple(m, 1);
  case 0x86: return push_tuple(m, 2);
  case 0x87: return push_tuple(m, 3);
  case 'a': return extend_last(m, 1, false);
  case 's': return extend_last(m, 2, true);
  case 'e':
  case 0x90: return extend_above_mark(m, false);
  case 'u': return extend_above_mark(m, true);
  case 'c': return push_global(m);
  case 0x93: return stack_global(m);
  case 'R':
  case 0x81: return reduce(m);
  case 0x92: return new_object_named(m);
  case 'i': return push_instance(m, true);
  case 'o': return push_instance(m, false);
  case 'b': return build(m);
  case 'Q': return persistent(m, pop(m));
  case 'P':
    return pickle_line(&m->in, &line, &n)
               ? push_text(m, PICKLE_TEXT, line, n) && persistent(m, pop(m))
               : fail(m, "its pickle ends within a name");
  case 'p': return memo_line(m, put);
  case 'q': return memo(m, 1, put);
  case 'r': return memo(m, 4, put);
  case 0x94: return put(m, m->n_memo);
  case 'g': return memo_line(m, get);
  case 'h': return memo(m, 1, get);
  case 'j': return memo(m, 4, get);
  case 0x80: return skip(m, 1);
  case 0x95: return skip(m, 8);
  default:
    return fail(
        m, arena_printf(m->arena, "its pickle has the instruction 0x%02x, which is not known", op));
  }
}

PickleValue *pickle_read(Arena *arena, Mapped file, size_t *at, PickleValue **outside,
                         const char **reason) {
  PickleMachine *m = ARENA_NEW(arena, PickleMachine);
  m->arena = arena;
  m->in = (PickleInput){file.data, *at, file.len};
  m->none = make(m, PICKLE_NONE);
  m->yes = make(m, PICKLE_BOOL);
  m->no = make(m, PICKLE_BOOL);
  m->yes->i = 1;
  while (m->in.at < m->in.len) {
    uint8_t op = m->in.data[m->in.at++];
    if (op == '.') {
      *at = m->in.at;
      if (outside) *outside = m->outside;
      if (m->n == 1 && m->n_marks == 0) return m->stack[0];
      fail(m, "its pickle leaves no result, or more than one");
    }
    if (op == '.' || !step(m, op)) {
      *reason = m->reason;
      return NULL;
    }
  }
  *reason = "its pickle ends too early";
  return NULL;
}
