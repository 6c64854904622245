/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Einsum in other operators. Its operands get the same letters in the same order; then a matrix
 * product where one letter is summed over, else a product element by element and a sum. Of several
 * operands the first two make one, as long as there are more than two. */
#include "import/read/forms.h"

#include <string.h>

enum { MAX_LETTERS = GRAPH_MAX_RANK, MAX_OPERANDS = 8, EQUATION_LETTERS = 96 };

typedef char Letters[MAX_LETTERS + 1];

typedef struct Equation {
  int n_in;
  Letters in[MAX_OPERANDS], out;
} Equation;

typedef struct Sum {
  int n_in;
  Letters in[2], out;
} Sum;

static void push(char *list, char letter) {
  size_t n = strlen(list);
  list[n] = letter;
  list[n + 1] = 0;
}

/* The axes that an operand has more than letters stand for "..."; they are called by digits, so
 * that the last one is 7 in every operand. */
static bool push_unnamed(int n, char *out) {
  if (n < 0 || n > MAX_LETTERS) return false;
  for (int i = 0; i < n; i++)
    push(out, (char)('0' + MAX_LETTERS - n + i));
  return true;
}

static int count_letters(const char *at, const char *stop) {
  int n = 0;
  for (; *at && !strchr(stop, *at); at++)
    n += *at != ' ' && *at != '.';
  return n;
}

/* The letters of one operand or of the result, where "..." is `unnamed` axes; blanks are skipped.
 * False: too many, another sign, or "..." where the number of axes is not known. */
static bool letters_of(const char **at, const char *stop, int unnamed, char *out) {
  out[0] = 0;
  for (; **at && !strchr(stop, **at); (*at)++) {
    char c = **at;
    if (c == ' ') continue;
    if (strncmp(*at, "...", 3) == 0) {
      if ((int)strlen(out) + unnamed > MAX_LETTERS || !push_unnamed(unnamed, out)) return false;
      *at += 2;
      continue;
    }
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter || strlen(out) == MAX_LETTERS) return false;
    push(out, c);
  }
  return true;
}

/* How often a letter stands in all operands. */
static int times_used(const Equation *q, char letter) {
  int n = 0;
  for (int k = 0; k < q->n_in; k++)
    n += strchr(q->in[k], letter) != NULL;
  return n;
}

/* Without "->": the axes of "..." and then the letters that stand once, by the alphabet. */
static bool implied(Equation *q, int unnamed) {
  if (!push_unnamed(unnamed, q->out)) return false;
  for (int c = 'A'; c <= 'z'; c++) {
    if (times_used(q, (char)c) != 1) continue;
    if (strlen(q->out) == MAX_LETTERS) return false;
    push(q->out, (char)c);
  }
  return true;
}

static bool parse(const char *equation, int n_in, const int *rank, Equation *q) {
  const char *at = equation;
  int widest = 0;
  memset(q, 0, sizeof *q);
  if (n_in > MAX_OPERANDS || strlen(equation) > EQUATION_LETTERS) return false;
  for (int k = 0; k < n_in; k++) {
    int unnamed = rank && rank[k] >= 0 ? rank[k] - count_letters(at, ",-") : -1;
    bool any = memchr(at, '.', strcspn(at, ",-")) != NULL;
    if (any && unnamed > widest) widest = unnamed;
    if (!letters_of(&at, ",-", unnamed, q->in[k])) return false;
    if (rank && rank[k] >= 0 && rank[k] != (int)strlen(q->in[k])) return false;
    q->n_in++;
    if (k < n_in - 1 && *at != ',') return false;
    at += k < n_in - 1;
  }
  for (int k = 0; k < q->n_in; k++) /* a letter twice in one operand is a diagonal */
    for (const char *p = q->in[k]; *p; p++)
      if (strchr(p + 1, *p)) return false;
  if (!*at) return implied(q, widest);
  if (strncmp(at, "->", 2) != 0) return false;
  at += 2;
  if (!letters_of(&at, "", widest, q->out)) return false;
  for (const char *p = q->out; *p; p++)
    if (strchr(p + 1, *p) || !times_used(q, *p)) return false;
  return true;
}

/* An operand with exactly these letters in this order; those it has not become axes of 1. */
static GraphValue *arranged(GraphEmit *e, GraphValue *x, const char *has, const char *order) {
  int64_t perm[MAX_LETTERS], missing[2 * MAX_LETTERS];
  int n = 0, n_missing = 0;
  bool moved = false;
  for (int i = 0; order[i]; i++) {
    const char *p = strchr(has, order[i]);
    if (p) {
      moved = moved || p - has != n;
      perm[n++] = p - has;
    } else
      missing[n_missing++] = i;
  }
  if (moved) x = emit_transpose(e, x, n, perm);
  return n_missing ? emit_unsqueeze(e, x, n_missing, missing) : x;
}

/* Letters of the equation by where they stand: in both operands and the result, ... */
typedef struct LetterRoles {
  Letters batch, left, right, inner;
  bool odd; /* a letter of one operand alone that is summed over */
} LetterRoles;

static LetterRoles roles_of(const Sum *sum) {
  LetterRoles roles = {.odd = false};
  for (const char *p = sum->in[0]; *p; p++) {
    bool other = strchr(sum->in[1], *p), result = strchr(sum->out, *p);
    if (other && result)
      push(roles.batch, *p);
    else if (other)
      push(roles.inner, *p);
    else if (result)
      push(roles.left, *p);
    else
      roles.odd = true;
  }
  for (const char *p = sum->in[1]; *p; p++)
    if (!strchr(sum->in[0], *p)) {
      if (strchr(sum->out, *p))
        push(roles.right, *p);
      else
        roles.odd = true;
    }
  return roles;
}

/* Letters of one operand alone, of which the last one makes rows or columns: the others stand in
 * front. */
static GraphValue *matrix_product(GraphEmit *e, const Sum *sum, const LetterRoles *roles,
                                  GraphValue *const *in) {
  size_t n_left = strlen(roles->left), n_right = strlen(roles->right);
  int n_gone = 0, n_perm = 0;
  char front[MAX_LETTERS + 1] = "", left[2 * MAX_LETTERS], right[2 * MAX_LETTERS],
                           made[2 * MAX_LETTERS];
  const char *row = n_left ? &roles->left[n_left - 1] : "<",
             *column = n_right ? &roles->right[n_right - 1] : ">";
  int64_t gone[2], perm[MAX_LETTERS];
  for (size_t i = 0; i + 1 < n_left; i++)
    push(front, roles->left[i]);
  for (size_t i = 0; i + 1 < n_right; i++)
    push(front, roles->right[i]);
  for (const char *p = roles->batch; *p; p++)
    push(front, *p);
  int n = (int)strlen(front);
  memcpy(left, front, (size_t)n + 1);
  memcpy(right, front, (size_t)n + 1);
  memcpy(made, front, (size_t)n + 1);
  push(left, *row);
  push(left, *roles->inner);
  push(right, *roles->inner);
  push(right, *column);
  GraphValue *y =
      EMIT(e, MatMul, arranged(e, in[0], sum->in[0], left), arranged(e, in[1], sum->in[1], right));
  if (n_left)
    push(made, *row);
  else
    gone[n_gone++] = n;
  if (n_right)
    push(made, *column);
  else
    gone[n_gone++] = n + 1;
  if (n_gone) y = emit_squeeze(e, y, n_gone, gone);
  for (const char *p = sum->out; *p; p++)
    perm[n_perm++] = strchr(made, *p) - made;
  return strcmp(made, sum->out) == 0 ? y : emit_transpose(e, y, n_perm, perm);
}

/* All letters, those of the result first; the others are summed over. */
static GraphValue *general(GraphEmit *e, const Sum *sum, GraphValue *const *in) {
  char order[3 * MAX_LETTERS + 1];
  int64_t axes[2 * MAX_LETTERS];
  int n = 0;
  strcpy(order, sum->out);
  for (int k = 0; k < sum->n_in; k++)
    for (const char *p = sum->in[k]; *p; p++)
      if (!strchr(order, *p)) {
        axes[n++] = (int64_t)strlen(order);
        push(order, *p);
      }
  if (strlen(order) > MAX_LETTERS) return NULL;
  GraphValue *y = arranged(e, in[0], sum->in[0], order);
  if (sum->n_in > 1) y = EMIT(e, Mul, y, arranged(e, in[1], sum->in[1], order));
  return n ? emit_reduce(e, GRAPH_ReduceSum, y, n, axes, false) : y;
}

/* NULL: too many letters. */
static GraphValue *product(GraphEmit *e, const Sum *sum, GraphValue *const *in) {
  LetterRoles roles = roles_of(sum);
  bool matrices = sum->n_in == 2 && !roles.odd && strlen(roles.inner) == 1 &&
                  strlen(roles.batch) + strlen(roles.left) + strlen(roles.right) + 3 <= MAX_LETTERS;
  return matrices ? matrix_product(e, sum, &roles, in) : general(e, sum, in);
}

/* The letters of two operands that the result or a later operand has, too. */
static bool kept_letters(const Equation *q, const Sum *sum, int later, char *out) {
  for (int k = 0; k < 2; k++)
    for (const char *p = sum->in[k]; *p; p++) {
      bool needed = strchr(q->out, *p) != NULL;
      for (int i = later; i < q->n_in; i++)
        needed = needed || strchr(q->in[i], *p);
      if (!needed || strchr(out, *p)) continue;
      if (strlen(out) == MAX_LETTERS) return false;
      push(out, *p);
    }
  return true;
}

GraphValue *form_einsum(GraphEmit *e, const char *equation, int n_in, GraphValue *const *in,
                        const int *rank, const char **reason) {
  Equation q;
  *reason = "which is not supported";
  if (n_in < 1 || !parse(equation, n_in, rank, &q)) return NULL;
  *reason = "which has too many letters";
  Sum sum = {.n_in = n_in > 1 ? 2 : 1};
  GraphValue *y = in[0];
  memcpy(sum.in[0], q.in[0], sizeof(Letters));
  for (int k = 1; y && k < n_in - 1; k++) {
    memcpy(sum.in[1], q.in[k], sizeof(Letters));
    sum.out[0] = 0;
    if (!kept_letters(&q, &sum, k + 1, sum.out)) return NULL;
    y = product(e, &sum, (GraphValue *[]){y, in[k]});
    memcpy(sum.in[0], sum.out, sizeof(Letters));
  }
  if (!y) return NULL;
  if (n_in > 1) memcpy(sum.in[1], q.in[n_in - 1], sizeof(Letters));
  memcpy(sum.out, q.out, sizeof(Letters));
  return product(e, &sum, (GraphValue *[]){y, in[n_in - 1]});
}
