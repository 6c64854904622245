/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Types as written to Types: axes, the three kinds of time, rates, durations. Sizes are whole
 * numbers from here on; only the lengths of bounded time remain for run time. */
#include "front/resolve.h"

#include <string.h>

static void report_too_large(Resolver *r, Span at, int64_t value) {
  Diag *d = diag_new(r->diags, E113, at, "this size is too large");
  diag_primary(d, "%lld is more than 2^31 - 1", (long long)value);
}

bool size_of_const(Body *body, const Const *c, const Node *node, int64_t least, int64_t *out) {
  Resolver *r = body->r;
  Span at = node->span;
  if (c->kind == CONST_QTY) {
    if (c->unit == UNIT_HZ) {
      Diag *d = diag_new(r->diags, E206, at, "expected a whole number, not a frequency");
      diag_primary(d, "this is a quantity");
    } else {
      Diag *d = diag_new(r->diags, E407, at, "a duration needs a sample rate");
      diag_primary(d, "no `@ rate` on this time axis");
      diag_note(d, "grus converts a duration to steps with the rate of its time axis");
    }
    return false;
  }
  if (c->kind == CONST_REAL) {
    Diag *d = diag_new(r->diags, E311, at, "%s is not a whole number", const_str(r->arena, c));
    diag_primary(d, "sizes are integers");
    note_params(body, d, node);
    return false;
  }
  if (c->kind != CONST_INT) {
    Item item = {.kind = ITEM_CONST, .constant = *c};
    report_not_constant(r, at, "a size", &item);
    return false;
  }
  if (c->i < least) {
    Diag *d = diag_new(r->diags, E310, at, "an axis of size %lld holds nothing", (long long)c->i);
    diag_primary(d, "must be at least %lld", (long long)least);
    note_params(body, d, node);
    return false;
  }
  if (c->i > AXIS_MAX) {
    report_too_large(r, at, c->i);
    return false;
  }
  *out = c->i;
  return true;
}

/* The constant a size expression stands for. */
static bool dim_const(Body *body, const Node *node, Const *out) {
  Item item = expr_resolve(body, node);
  if (item.kind == ITEM_VALUE) report_not_constant(body->r, node->span, "a size", &item);
  if (item.kind != ITEM_CONST) return false;
  *out = item.constant;
  return true;
}

static bool dim_size(Body *body, const Node *node, int64_t least, int64_t *out) {
  Const c;
  if (!dim_const(body, node, &c)) return false;
  return size_of_const(body, &c, node, least, out);
}

static bool rate_resolve(Body *body, const Node *node, Time *time) {
  Const c;
  if (!node_given(node)) return true;
  if (!dim_const(body, node, &c)) return false;
  if (c.kind == CONST_QTY && c.unit == UNIT_HZ && c.num > 0) {
    time->rate_num = c.num;
    time->rate_den = c.den;
    return true;
  }
  Diag *d =
      diag_new(body->r->diags, E206, node->span, "expected a sample rate such as 16kHz, found %s",
               const_str(body->r->arena, &c));
  diag_primary(d, c.kind == CONST_QTY && c.unit == UNIT_HZ ? "must be more than 0Hz"
                                                           : "a rate has a unit: Hz, kHz or MHz");
  if (c.kind == CONST_INT && c.i > 0)
    fix_edit(diag_fix(d, FIX_MAYBE, "samples a second"), node->span, "%lldHz", (long long)c.i);
  return false;
}

/* A count of steps, given as a number or as a duration at the rate of time. */
static bool steps_resolve(Body *body, const Node *node, const Time *time, int64_t *out,
                          Const *written) {
  Resolver *r = body->r;
  if (!dim_const(body, node, written)) return false;
  Const *c = written;
  if (c->kind != CONST_QTY || c->unit != UNIT_SECOND || time->rate_num == 0)
    return size_of_const(body, c, node, 1, out);
  int64_t num, den;
  if (!size_mul(c->num, time->rate_num, &num) || !size_mul(c->den, time->rate_den, &den)) {
    report_too_large(r, node->span, c->num);
    return false;
  }
  if (num % den == 0) {
    Const steps = {.kind = CONST_INT, .i = num / den};
    return size_of_const(body, &steps, node, 1, out);
  }
  Text rate = text_new(r->arena), steps = text_new(r->arena);
  text_add_rate(&rate, time->rate_num, time->rate_den);
  text_printf(&steps, "%.6g", (double)num / (double)den);
  Diag *d = diag_new(r->diags, E406, node->span, "`%s` is not a whole number of steps at %s",
                     const_str(r->arena, c), text_str(&rate));
  diag_primary(d, "%s steps", text_str(&steps));
  int64_t near = num / den;
  diag_note(d, "%lld steps are %.9g ms, %lld steps are %.9g ms", (long long)near,
            (double)near * 1000 * (double)time->rate_den / (double)time->rate_num,
            (long long)near + 1,
            (double)(near + 1) * 1000 * (double)time->rate_den / (double)time->rate_num);
  fix_edit(diag_fix(d, FIX_MAYBE, "give the number of steps"), node->span, "%lld",
           (long long)(near ? near : 1));
  return false;
}

static int length_find(const Model *model, const char *name) {
  for (int i = 1; i < model->n_lengths; i++)
    if (model->length[i].name && strcmp(model->length[i].name, name) == 0) return i;
  return 0;
}

static void time_bounded(Time *time, const Model *model, int length) {
  time->kind = TIME_BOUNDED;
  time->length = length;
  time->n = model->length[length].bound;
  time->len = model->length[length].name;
}

/* time n <= 120 */
static bool upto_resolve(Body *body, const Node *node, bool input, Time *time) {
  Const c;
  int64_t bound;
  if (!steps_resolve(body, node->kid[0], time, &bound, &c)) return false;
  if (!node->text) {
    time->kind = TIME_BOUNDED;
    time->n = bound;
    time->length = input ? model_length(body->model, NULL, bound) : -1;
    return true;
  }
  int length = length_find(body->model, node->text);
  if (!length && !input) {
    Diag *d = diag_new(body->r->diags, E202, node->at, "no length named `%s`", node->text);
    diag_primary(d, "no input has a time axis of this length");
    return false;
  }
  if (!length) length = model_length(body->model, node->text, bound);
  if (body->model->length[length].bound != bound) {
    Diag *d = diag_new(body->r->diags, E209, node->at, "length `%s` already has the bound %lld",
                       node->text, (long long)body->model->length[length].bound);
    diag_primary(d, "here it is %lld", (long long)bound);
    diag_note(d, "lengths with the same name are equal in each call, so they have the same bound");
    return false;
  }
  time_bounded(time, body->model, length);
  return true;
}

static bool time_resolve(Body *body, const Node *node, bool input, Time *time) {
  const Node *span = node->kid[0];
  Const c;
  if (!rate_resolve(body, node->kid[1], time)) return false;
  if (node_is(span, N_STREAM)) {
    time->kind = TIME_STREAM;
    time->period = 1;
    return !node_given(span->kid[0]) || dim_size(body, span->kid[0], 1, &time->period);
  }
  if (node_is(span, N_UPTO)) return upto_resolve(body, span, input, time);
  int length = node_is(span, N_NAME) && !name_find(body, span->text)
                   ? length_find(body->model, span->text)
                   : 0;
  if (length) {
    time_bounded(time, body->model, length);
    return true;
  }
  time->kind = TIME_FIXED;
  return steps_resolve(body, span, time, &time->n, &c);
}

static bool axis_add(Body *body, const Node *axis, bool input, int position, Type *out,
                     const Node **time) {
  Resolver *r = body->r;
  if (node_is(axis, N_AXIS)) {
    int64_t n = 0;
    if (!dim_size(body, axis->kid[0], 1, &n)) return false;
    out->dim[out->rank++] = (Dim){n, axis->text};
    return true;
  }
  if (!node_is(axis, N_TIME)) return false;
  if (*time) {
    Diag *d = diag_new(r->diags, E305, axis->span, "a value has at most one time axis");
    diag_primary(d, "second here");
    diag_label(d, (*time)->span, "first time axis");
    return false;
  }
  *time = axis;
  out->time_pos = position;
  if (!time_resolve(body, axis, input, &out->time)) return false;
  if (out->time.kind != TIME_STREAM || position == 0) return true;
  Diag *d = diag_new(r->diags, E305, axis->span, "the time axis of a stream comes first");
  diag_primary(d, "axis %d here", position + 1);
  diag_note(d, "one call passes one step with all its features");
  return false;
}

/* A name must belong to one axis only. */
static bool labels_differ(Resolver *r, const Node *shape) {
  for (size_t i = 0; i < shape->n; i++)
    for (size_t k = 0; k < i; k++) {
      const Node *a = shape->kid[k], *b = shape->kid[i];
      if (!node_is(a, N_AXIS) || !node_is(b, N_AXIS) || !a->text || !b->text ||
          strcmp(a->text, b->text) != 0)
        continue;
      Diag *d = diag_new(r->diags, E315, b->span, "two axes have the name `%s`", b->text);
      diag_primary(d, "again here");
      diag_label(d, a->span, "first axis of this name");
      diag_note(d, "`along=%s` could mean either axis: give one of them another name, or none",
                b->text);
      return false;
    }
  return true;
}

bool shape_resolve(Body *body, const Node *node, bool input, Type *out) {
  Resolver *r = body->r;
  if (!node_given(node)) return true;
  if (!node_is(node, N_SHAPE)) return false;
  if (node->n > TYPE_MAX_AXES) {
    Diag *d = diag_new(r->diags, E314, node->kid[TYPE_MAX_AXES]->span,
                       "a value has at most %d axes", TYPE_MAX_AXES);
    diag_primary(d, "this is axis %d of %zu", TYPE_MAX_AXES + 1, node->n);
    return false;
  }
  const Node *time = NULL;
  bool ok = true;
  for (size_t i = 0; i < node->n; i++)
    ok = axis_add(body, node->kid[i], input, (int)i, out, &time) && ok;
  if (!ok || !labels_differ(r, node)) return false;
  int64_t size = type_size(out);
  if (size >= 0 && size <= AXIS_MAX) return true;
  Text count = text_new(r->arena);
  text_add_thousands(&count, size);
  Diag *d = size < 0 ? diag_new(r->diags, E313, node->span, "this value has too many elements")
                     : diag_new(r->diags, E313, node->span, "this value has %s elements",
                                text_str(&count));
  diag_primary(d, "more than 2^31 - 1");
  return false;
}

static bool elem_resolve(Body *body, const Node *node, Type *out) {
  if (node_is(node, N_INDEX)) {
    out->elem = ELEM_INDEX;
    return dim_size(body, node->kid[0], 1, &out->categories);
  }
  if (!node_is(node, N_ELEM)) return false;
  out->elem = (Elem)words_index(ELEMENTS, node->text);
  return true;
}

bool type_resolve(Body *body, const Node *node, bool input, Type *out) {
  *out = (Type){.elem = ELEM_F32};
  if (!node_is(node, N_TYPE)) return false;
  bool elem = elem_resolve(body, node->kid[0], out);
  return shape_resolve(body, node->kid[1], input, out) && elem;
}

bool every_resolve(Body *body, const Node *node, Port *port) {
  Const c;
  if (!node_given(node)) return true;
  port->every_span = node->span;
  if (!steps_resolve(body, node, &port->declared.time, &port->every, &c)) return false;
  if (c.kind == CONST_QTY) {
    port->every_num = c.num;
    port->every_den = c.den;
  }
  return true;
}
