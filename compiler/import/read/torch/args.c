/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Arguments of a node by name. In JSON each is an object with one key that says its kind:
 * {"as_tensor": {"name": "x"}}, {"as_ints": [1, 2]}, {"as_none": true}. */
#include "import/read/torch/reader.h"

#include <math.h>
#include <string.h>

static json_t *argument(const TorchCall *c, const char *name) {
  json_t *inputs = json_object_get(c->node, "inputs");
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    json_t *input = json_array_get(inputs, i);
    const char *called = json_string_value(json_object_get(input, "name"));
    if (called && strcmp(called, name) == 0) return json_object_get(input, "arg");
  }
  return NULL;
}

static json_t *meta_of(const TorchCall *c, const char *name) {
  return name ? json_object_get(c->reader->sizes, name) : NULL;
}

static int rank_of(json_t *meta) {
  json_t *sizes = json_object_get(meta, "sizes");
  return sizes && json_array_size(sizes) <= GRAPH_MAX_RANK ? (int)json_array_size(sizes) : -1;
}

bool torch_has(const TorchCall *c, const char *name) {
  json_t *arg = argument(c, name);
  return arg && !json_object_get(arg, "as_none");
}

static const char *tensor_name(json_t *arg) {
  json_t *tensor = json_object_get(arg, "as_tensor"),
         *optional = json_object_get(arg, "as_optional_tensor");
  if (!tensor) tensor = json_object_get(optional, "as_tensor");
  return json_string_value(json_object_get(tensor, "name"));
}

GraphValue *torch_tensor_arg(TorchCall *c, const char *name) {
  const char *tensor = tensor_name(argument(c, name));
  return tensor ? map_get(&c->reader->values, tensor) : NULL;
}

GraphValue *torch_in(TorchCall *c, const char *name) {
  GraphValue *value = torch_tensor_arg(c, name);
  if (!value) torch_refuse(c, E901, "has no tensor for `%s`", name);
  return value;
}

/* JSON has no infinities: exporters write them as words. */
static double number_of(json_t *number) {
  const char *word = json_string_value(number);
  if (!word) return json_number_value(number);
  return strcmp(word, "Infinity") == 0    ? INFINITY
         : strcmp(word, "-Infinity") == 0 ? -INFINITY
                                          : NAN;
}

/* A whole number of the program: written, or computed under a name. */
static GraphValue *sym_int(TorchCall *c, json_t *item) {
  json_t *whole = json_is_integer(item) ? item : json_object_get(item, "as_int");
  const char *name = json_string_value(json_object_get(item, "as_name"));
  if (whole) return emit_int(c->emit, json_integer_value(whole));
  c->computed += name != NULL;
  return name ? map_get(&c->reader->values, name) : NULL;
}

GraphValue *torch_operand(TorchCall *c, const char *name) {
  json_t *arg = argument(c, name), *sym = json_object_get(arg, "as_sym_int");
  json_t *whole = json_object_get(arg, "as_int"), *number = json_object_get(arg, "as_float"),
         *truth = json_object_get(arg, "as_bool");
  if (whole) return emit_int(c->emit, json_integer_value(whole));
  if (number) return emit_number(c->emit, number_of(number));
  if (truth)
    return graph_constant(c->emit->graph, "",
                          graph_scalar(c->reader->arena, GRAPH_BOOL, json_is_true(truth)));
  GraphValue *value = sym ? sym_int(c, sym) : torch_tensor_arg(c, name);
  if (!value)
    torch_lacks(c, E902, torch_cut(c), "has an argument `%s` that is neither a tensor nor a number",
                name);
  return value;
}

int64_t torch_int(const TorchCall *c, const char *name, int64_t if_absent) {
  json_t *arg = argument(c, name), *whole = json_object_get(arg, "as_int"),
         *sym = json_object_get(json_object_get(arg, "as_sym_int"), "as_int");
  return whole ? json_integer_value(whole) : sym ? json_integer_value(sym) : if_absent;
}

double torch_number(const TorchCall *c, const char *name, double if_absent) {
  json_t *arg = argument(c, name), *number = json_object_get(arg, "as_float");
  return number                           ? number_of(number)
         : json_object_get(arg, "as_int") ? (double)torch_int(c, name, 0)
                                          : if_absent;
}

double torch_number_at(const TorchCall *c, const char *name, size_t k, double if_absent) {
  json_t *item = json_array_get(json_object_get(argument(c, name), "as_floats"), k);
  return item ? number_of(item) : torch_number(c, name, if_absent);
}

bool torch_bool(const TorchCall *c, const char *name, bool if_absent) {
  json_t *truth = json_object_get(argument(c, name), "as_bool");
  return truth ? json_is_true(truth) : if_absent;
}

const char *torch_word(const TorchCall *c, const char *name, const char *if_absent) {
  const char *word = json_string_value(json_object_get(argument(c, name), "as_string"));
  return word ? word : if_absent;
}

int torch_ints(const TorchCall *c, const char *name, int most, int64_t *out) {
  json_t *arg = argument(c, name), *list = json_object_get(arg, "as_ints"),
         *sym = json_object_get(arg, "as_sym_ints");
  if (json_object_get(arg, "as_int") && most > 0) {
    out[0] = torch_int(c, name, 0);
    return 1;
  }
  if (!list) list = sym;
  size_t n = json_array_size(list);
  if (!list || n > (size_t)most) return -1;
  for (size_t i = 0; i < n; i++) {
    json_t *item = json_array_get(list, i),
           *whole = json_is_integer(item) ? item : json_object_get(item, "as_int");
    if (!whole) return -1;
    out[i] = json_integer_value(whole);
  }
  return (int)n;
}

int torch_count(const TorchCall *c, const char *name) {
  json_t *arg = argument(c, name), *list = json_object_get(arg, "as_ints");
  size_t n = json_array_size(list ? list : json_object_get(arg, "as_sym_ints"));
  return n > GRAPH_MAX_RANK ? GRAPH_MAX_RANK + 1 : (int)n;
}

GraphValue **torch_tensors(TorchCall *c, const char *name, int *n) {
  json_t *list = json_object_get(argument(c, name), "as_tensors");
  size_t size = json_array_size(list);
  GraphValue **values = ARENA_ARRAY(c->reader->arena, GraphValue *, size + 1);
  for (size_t i = 0; i < size; i++) {
    const char *tensor = json_string_value(json_object_get(json_array_get(list, i), "name"));
    values[i] = tensor ? map_get(&c->reader->values, tensor) : NULL;
    if (!values[i]) list = NULL;
  }
  if (!list || size > INT16_MAX) {
    torch_refuse(c, E901, "has no list of tensors `%s`", name);
    return NULL;
  }
  *n = (int)size;
  return values;
}

void torch_ranks(const TorchCall *c, const char *name, int n, int *rank) {
  json_t *list = json_object_get(argument(c, name), "as_tensors");
  for (int i = 0; i < n; i++)
    rank[i] = rank_of(
        meta_of(c, json_string_value(json_object_get(json_array_get(list, (size_t)i), "name"))));
}

GraphValue **torch_optional_tensors(TorchCall *c, const char *name, int *n) {
  json_t *list = json_object_get(argument(c, name), "as_optional_tensors");
  size_t size = json_array_size(list);
  if (!list) return torch_tensors(c, name, n);
  if (size > GRAPH_MAX_RANK) {
    torch_refuse(c, E901, "has %zu tensors `%s`", size, name);
    return NULL;
  }
  GraphValue **values = ARENA_ARRAY(c->reader->arena, GraphValue *, size + 1);
  for (size_t i = 0; i < size; i++) {
    json_t *item = json_array_get(list, i);
    const char *tensor =
        json_string_value(json_object_get(json_object_get(item, "as_tensor"), "name"));
    values[i] = tensor ? map_get(&c->reader->values, tensor) : NULL;
    if (values[i] || json_object_get(item, "as_none")) continue;
    torch_refuse(c, E901, "has no list of tensors `%s`", name);
    return NULL;
  }
  *n = (int)size;
  return values;
}

GraphValue *torch_sizes(TorchCall *c, const char *name) {
  json_t *arg = argument(c, name), *list = json_object_get(arg, "as_ints");
  int64_t known[GRAPH_MAX_RANK];
  GraphValue *part[GRAPH_MAX_RANK];
  int n = torch_ints(c, name, GRAPH_MAX_RANK, known);
  if (n >= 0) return emit_ints(c->emit, n, known);
  if (!list) list = json_object_get(arg, "as_sym_ints");
  size_t size = json_array_size(list);
  for (size_t i = 0; i < size && i < GRAPH_MAX_RANK; i++) {
    GraphValue *value = sym_int(c, json_array_get(list, i));
    if (!value) break;
    part[n = (int)i] = emit_reshape(c->emit, value, 1, (int64_t[]){1});
  }
  if (size && size <= GRAPH_MAX_RANK && n == (int)size - 1)
    return emit_concat(c->emit, 0, (int)size, part);
  torch_refuse(c, E901, "has no sizes `%s`", name);
  return NULL;
}

/* ---- sizes that the file gives ---- */

static json_t *result(const TorchCall *c, size_t k) {
  return json_array_get(json_object_get(c->node, "outputs"), k);
}

int torch_rank(const TorchCall *c, const char *arg) {
  return rank_of(meta_of(c, tensor_name(argument(c, arg))));
}

int torch_result_rank(const TorchCall *c) {
  return rank_of(meta_of(c, tensor_name(result(c, 0))));
}

int64_t torch_size(const TorchCall *c, const char *arg, int axis) {
  json_t *sizes = json_object_get(meta_of(c, tensor_name(argument(c, arg))), "sizes");
  json_t *size = json_object_get(json_array_get(sizes, (size_t)axis), "as_int");
  return size ? json_integer_value(size) : GRAPH_OPEN;
}

int64_t torch_stride(const TorchCall *c, const char *arg, int axis) {
  json_t *strides = json_object_get(meta_of(c, tensor_name(argument(c, arg))), "strides");
  json_t *stride = json_object_get(json_array_get(strides, (size_t)axis), "as_int");
  return stride ? json_integer_value(stride) : -1;
}

static GraphElem elem_of(json_t *meta) {
  GraphElem elem = GRAPH_FLOAT;
  json_t *dtype = json_object_get(meta, "dtype");
  if (dtype) torch_elem(json_integer_value(dtype), &elem);
  return elem;
}

GraphElem torch_arg_elem(const TorchCall *c, const char *arg) {
  return elem_of(meta_of(c, tensor_name(argument(c, arg))));
}

GraphElem torch_listed_elem(const TorchCall *c, const char *name, int i) {
  json_t *list = json_object_get(argument(c, name), "as_optional_tensors");
  if (!list) list = json_object_get(argument(c, name), "as_tensors");
  json_t *item = json_array_get(list, (size_t)i), *tensor = json_object_get(item, "as_tensor");
  return elem_of(meta_of(c, json_string_value(json_object_get(tensor ? tensor : item, "name"))));
}

GraphElem torch_result_elem(const TorchCall *c) {
  return elem_of(meta_of(c, tensor_name(result(c, 0))));
}

GraphValue *torch_real(TorchCall *c, const char *name, GraphValue *x) {
  return torch_arg_elem(c, name) == GRAPH_FLOAT ? x : emit_cast(c->emit, x, GRAPH_FLOAT);
}

bool torch_asked_elem(TorchCall *c, GraphElem usual, GraphElem *elem) {
  json_t *inputs = json_object_get(c->node, "inputs");
  *elem = usual;
  for (size_t i = 0; i < json_array_size(inputs); i++) {
    json_t *arg = json_object_get(json_array_get(inputs, i), "arg");
    json_t *dtype = json_object_get(arg, "as_scalar_type");
    if (dtype && !torch_elem(json_integer_value(dtype), elem))
      return torch_lacks(
          c, E902,
          "real numbers of 16, 32 and 64 bits, whole numbers and booleans are read: `x.float()`",
          "makes elements of a type that grus does not know");
  }
  return true;
}

int torch_axis(TorchCall *c, const char *name, int64_t if_absent, const char *of, int extra) {
  int rank = torch_rank(c, of);
  int64_t axis = torch_int(c, name, if_absent);
  if (rank >= 0 && axis < 0) axis += rank + extra;
  if (rank >= 0 && axis >= 0 && axis < rank + extra) return (int)axis;
  torch_refuse(c, E901, "names axis %lld of %d", (long long)axis, rank);
  return -1;
}

bool torch_axes(TorchCall *c, const char *name, const char *of, int *n, int64_t *axes) {
  int rank = torch_rank(c, of);
  *n = torch_has(c, name) ? torch_ints(c, name, GRAPH_MAX_RANK, axes) : 0;
  if (*n < 0 || rank < 0) return torch_refuse(c, E901, "names unknown axes");
  for (int i = 0; i < *n; i++) {
    if (axes[i] < 0) axes[i] += rank;
    if (axes[i] < 0 || axes[i] >= rank)
      return torch_refuse(c, E901, "names an axis that does not exist");
  }
  return true;
}

/* ---- results ---- */

bool torch_wants(const TorchCall *c, size_t k) {
  return tensor_name(result(c, k)) != NULL;
}

bool torch_set(TorchCall *c, size_t k, GraphValue *value) {
  json_t *to = result(c, k);
  const char *name = tensor_name(to);
  if (!name)
    name = json_string_value(json_object_get(json_object_get(to, "as_sym_int"), "as_name"));
  if (!value) return false;
  if (!name)
    return k > 0 || torch_lacks(c, E902, torch_cut(c), "has a result that is not a tensor");
  if (!*value->name) value->name = name;
  map_put(c->reader->arena, &c->reader->values, name, value);
  return true;
}

int torch_list_length(const TorchCall *c) {
  size_t n = json_array_size(json_object_get(result(c, 0), "as_tensors"));
  return n < INT16_MAX ? (int)n : 0;
}

bool torch_set_list(TorchCall *c, int n, GraphValue *const *values) {
  json_t *list = json_object_get(result(c, 0), "as_tensors");
  for (int i = 0; i < n; i++) {
    const char *name = json_string_value(json_object_get(json_array_get(list, (size_t)i), "name"));
    if (name) map_put(c->reader->arena, &c->reader->values, name, values[i]);
  }
  return true;
}
