/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Einsum in other operators. Its operands get the same letters in the same order; then a matrix
 * product where one letter is summed over, else a product element by element and a sum. */
#include "import/read/onnx/reader.h"

#include <string.h>

enum { MAX_LETTERS = GRAPH_MAX_RANK };

/* The letters of one operand or of the result; blanks are skipped. False for "...", or too many. */
static bool letters_of(const char **at, const char *stop, char *out) {
  int n = 0;
  for (; **at && !strchr(stop, **at); (*at)++) {
    char c = **at;
    if (c == ' ') continue;
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter || n == MAX_LETTERS) return false;
    out[n++] = c;
  }
  out[n] = 0;
  return true;
}

typedef struct Sum {
  int n_in;
  char in[2][MAX_LETTERS + 1], out[MAX_LETTERS + 1];
} Sum;

static bool parse(OnnxCall *c, Sum *sum) {
  const char *at = call_attr_string(c, "equation", ""), *equation = at;
  memset(sum, 0, sizeof *sum);
  bool ok = true;
  do {
    ok = sum->n_in < 2 && letters_of(&at, ",-", sum->in[sum->n_in]);
    sum->n_in++;
  } while (ok && *at == ',' && at++);
  ok = ok && strncmp(at, "->", 2) == 0;
  if (ok) at += 2;
  ok = ok && letters_of(&at, "", sum->out) && sum->n_in == c->n_in;
  for (int k = 0; ok && k < sum->n_in; k++) /* a letter twice in one operand is a diagonal */
    for (const char *p = sum->in[k]; *p; p++)
      ok = ok && !strchr(p + 1, *p);
  for (const char *p = sum->out; ok && *p; p++)
    ok =
        !strchr(p + 1, *p) && (strchr(sum->in[0], *p) || (sum->n_in > 1 && strchr(sum->in[1], *p)));
  return ok || call_refuse(c, E902, "has the equation `%s`, which is not supported", equation);
}

/* An operand with exactly these letters in this order; those it has not become axes of 1. */
static GraphValue *arranged(OnnxCall *c, GraphValue *x, const char *has, const char *order) {
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
  if (moved) x = emit_transpose(c->emit, x, n, perm);
  return n_missing ? emit_unsqueeze(c->emit, x, n_missing, missing) : x;
}

/* Letters of the equation by where they stand: in both operands and the result, ... */
typedef struct LetterRoles {
  char batch[MAX_LETTERS + 1], left[MAX_LETTERS + 1], right[MAX_LETTERS + 1],
      inner[MAX_LETTERS + 1];
  bool odd; /* a letter of one operand alone that is summed over */
} LetterRoles;

static void push(char *list, char letter) {
  size_t n = strlen(list);
  list[n] = letter;
  list[n + 1] = 0;
}

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
static GraphValue *matrix_product(OnnxCall *c, const Sum *sum, const LetterRoles *roles) {
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
  GraphValue *y = EMIT(c->emit, MatMul, arranged(c, c->in[0], sum->in[0], left),
                       arranged(c, c->in[1], sum->in[1], right));
  if (n_left)
    push(made, *row);
  else
    gone[n_gone++] = n;
  if (n_right)
    push(made, *column);
  else
    gone[n_gone++] = n + 1;
  if (n_gone) y = emit_squeeze(c->emit, y, n_gone, gone);
  for (const char *p = sum->out; *p; p++)
    perm[n_perm++] = strchr(made, *p) - made;
  return strcmp(made, sum->out) == 0 ? y : emit_transpose(c->emit, y, n_perm, perm);
}

/* All letters, those of the result first; the others are summed over. */
static GraphValue *general(OnnxCall *c, const Sum *sum) {
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
  GraphValue *y = arranged(c, c->in[0], sum->in[0], order);
  if (sum->n_in > 1) y = EMIT(c->emit, Mul, y, arranged(c, c->in[1], sum->in[1], order));
  return n ? emit_reduce(c->emit, GRAPH_ReduceSum, y, n, axes, false) : y;
}

bool onnx_op_einsum(OnnxCall *c) {
  Sum sum;
  if (!parse(c, &sum)) return false;
  LetterRoles roles = roles_of(&sum);
  bool matrices = sum.n_in == 2 && !roles.odd && strlen(roles.inner) == 1 &&
                  strlen(roles.batch) + strlen(roles.left) + strlen(roles.right) + 3 <= MAX_LETTERS;
  GraphValue *y = matrices ? matrix_product(c, &sum, &roles) : general(c, &sum);
  return y ? call_set(c, 0, y) : call_refuse(c, E902, "has an equation with too many letters");
}
