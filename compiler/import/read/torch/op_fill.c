/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Tensors of one number, ranges, and the sizes of others. */
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

/* A tensor of one number, of the type that is asked for. */
static bool filled(TorchCall *c, GraphValue *size, double value, GraphElem usual) {
  GraphElem elem;
  if (!size || !torch_asked_elem(c, usual, &elem)) return false;
  return torch_set(c, 0, emit_filled(c->emit, size, value, elem));
}

static double value_of(const TorchCall *c) {
  return strstr(c->op, "ones") ? 1 : torch_number(c, "fill_value", 0);
}

/* Where no type is asked for it is that of the operand, else the one that the file names. */
bool torch_op_filled(TorchCall *c) {
  GraphElem usual = torch_has(c, "self") ? torch_arg_elem(c, "self") : torch_result_elem(c);
  return filled(c, torch_sizes(c, "size"), value_of(c), usual);
}

static GraphValue *shape_of_self(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  return x ? EMIT(c->emit, Shape, x) : NULL;
}

bool torch_op_filled_like(TorchCall *c) {
  return filled(c, shape_of_self(c), value_of(c), torch_arg_elem(c, "self"));
}

/* By a number or by a tensor of one. */
bool torch_op_fill(TorchCall *c) {
  GraphValue *shape = shape_of_self(c), *value = shape ? torch_operand(c, "value") : NULL;
  return value && torch_set(c, 0,
                            EMIT(c->emit, Expand,
                                 emit_cast(c->emit, value, torch_arg_elem(c, "self")), shape));
}

/* ---- empty: numbers that nobody has set ---- */

static bool is_named(json_t *arg, const char *name) {
  const char *of = json_string_value(json_object_get(json_object_get(arg, "as_tensor"), "name"));
  json_t *list = json_object_get(arg, "as_tensors");
  for (size_t i = 0; i < json_array_size(list) && !of; i++) {
    const char *item = json_string_value(json_object_get(json_array_get(list, i), "name"));
    if (item && strcmp(item, name) == 0) of = item;
  }
  return of && strcmp(of, name) == 0;
}

/* How a node treats a tensor: it does not read it, it takes its shape alone, or it reads it. */
typedef enum Use { USE_NONE, USE_SHAPE, USE_NUMBERS } Use;

static Use use_of(json_t *node, const char *name, const char *op) {
  static const char *const by_shape[] = {"fill",       "copy",      "zero",       "full_like",
                                         "zeros_like", "ones_like", "empty_like", "sym_size"};
  json_t *inputs = json_object_get(node, "inputs");
  Use use = USE_NONE;
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    if (!is_named(json_object_get(json_array_get(inputs, i), "arg"), name)) continue;
    const char *called = json_string_value(json_object_get(json_array_get(inputs, i), "name"));
    bool shape =
        called && strcmp(called, "noise") == 0; /* of rrelu, which draws none in eval mode */
    for (size_t k = 0; k < sizeof by_shape / sizeof *by_shape && i == 0 && op; k++)
      shape = shape || strcmp(by_shape[k], op) == 0;
    if (!shape) return USE_NUMBERS;
    use = USE_SHAPE;
  }
  return use;
}

/* Every node that takes the result fills it first. */
static bool is_filled_later(TorchCall *c) {
  json_t *nodes = json_object_get(c->reader->body, "nodes");
  const char *name = c->emit->name;
  for (size_t i = c->index + 1; i < json_array_size(nodes); i++) {
    json_t *node = json_array_get(nodes, i);
    bool in_place;
    const char *op = torch_op_of(c->reader->arena,
                                 json_string_value(json_object_get(node, "target")), &in_place);
    Use use = use_of(node, name, op);
    if (use == USE_NUMBERS) return false;
    if (use == USE_SHAPE && in_place) return true;
  }
  return true;
}

/* empty, new_empty, empty_like: NaN, which nobody reads. */
bool torch_op_empty(TorchCall *c) {
  bool like = strcmp(c->op, "empty_like") == 0;
  GraphElem usual = torch_has(c, "self") ? torch_arg_elem(c, "self") : torch_result_elem(c);
  if (!is_filled_later(c))
    return torch_lacks(
        c, E902,
        "put the values together with `torch.cat` or `torch.stack`, or begin with `torch.zeros`",
        "makes numbers of which not all are set by one `fill_` or `copy_` before they are read");
  return filled(c, like ? shape_of_self(c) : torch_sizes(c, "size"), NAN, usual);
}

/* ---- numbers ---- */

bool torch_op_scalar_tensor(TorchCall *c) {
  GraphValue *x = torch_operand(c, "s");
  GraphElem elem;
  return x && torch_asked_elem(c, torch_result_elem(c), &elem) &&
         torch_set(c, 0, emit_cast(c->emit, x, elem));
}

/* From start, 0 where it is absent, to end, which is not reached. */
bool torch_op_arange(TorchCall *c) {
  GraphValue *start = torch_has(c, "start") ? torch_operand(c, "start") : emit_int(c->emit, 0),
             *end = start ? torch_operand(c, "end") : NULL;
  GraphValue *step = torch_has(c, "step") ? torch_operand(c, "step") : emit_int(c->emit, 1);
  GraphElem elem;
  if (!end || !step || !torch_asked_elem(c, torch_result_elem(c), &elem)) return false;
  return torch_set(c, 0, emit_cast(c->emit, EMIT(c->emit, Range, start, end, step), elem));
}

bool torch_op_sym_size(TorchCall *c) {
  GraphValue *x = torch_in(c, "self");
  int axis = x ? torch_axis(c, "dim", 0, "self", 0) : -1;
  return axis >= 0 &&
         torch_set(c, 0, torch_selected(c, EMIT(c->emit, Shape, x), 0, emit_int(c->emit, axis)));
}
