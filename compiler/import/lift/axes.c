/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Names of axes. In, a model value and its layout; out, the same value with a name on every axis,
 * so that a stage can name an axis in `along`. A name belongs to a family of atoms: an axis keeps
 * its name through convolutions and slices, and equal axes of two values have the same name.
 *
 * Every stage that names axes gets a `label` before it. At the end, labels that are not needed go:
 * an input or a reshape has the names in its type, and an axis that has its name already needs no
 * label. */
#include "import/lift/lift.h"

#include <string.h>

enum { LETTERS = 26 };

/* The name of a family: a, b, .. z, a_2, .. in the order in which this function is asked for them.
 */
static const char *family_name(Lift *l, int family) {
  int n = 0;
  while (n < l->n_named && l->named[n] != family)
    n++;
  if (n == l->n_named) ARENA_PUSH(l->arena, l->named, l->n_named, l->cap_named, family);
  if (n < LETTERS) return arena_printf(l->arena, "%c", 'a' + n);
  return arena_printf(l->arena, "%c_%d", 'a' + n % LETTERS, n / LETTERS + 1);
}

static bool is_taken(const AxisNames *names, int n, const char *name) {
  for (int i = 0; i < n; i++)
    if (names->name[i] && strcmp(names->name[i], name) == 0) return true;
  return false;
}

/* The name of the families of an axis, whose first is that of its first atom. */
static const char *axis_name(Lift *l, const Axis *axis) {
  if (!axis->n) return "one";
  const char *name = family_name(l, atom_family(l->atoms, axis->atom[0]));
  for (int i = 1; i < axis->n; i++)
    name =
        arena_printf(l->arena, "%s_%s", name, family_name(l, atom_family(l->atoms, axis->atom[i])));
  return name;
}

static int first_atom(const Layout *layout, int k) {
  return layout->axis[k].n ? layout->axis[k].atom[0] : -1;
}

/* Of axes of one family, the first atom has its name, and the others a number after it: in each
 * order of the axes the same. */
AxisNames lift_axis_names(Lift *l, const Layout *layout) {
  AxisNames out = {0};
  const char *base[TYPE_MAX_AXES] = {0};
  for (int k = 0; k < layout->n; k++)
    base[k] = axis_name(l, &layout->axis[k]);
  for (int done = 0; done < layout->n; done++) {
    int next = -1;
    for (int k = 0; k < layout->n; k++)
      if (!out.name[k] && (next < 0 || first_atom(layout, k) < first_atom(layout, next))) next = k;
    const char *name = base[next];
    for (int i = 2; is_taken(&out, layout->n, name); i++)
      name = arena_printf(l->arena, "%s_%d", base[next], i);
    out.name[next] = name;
  }
  return out;
}

void lift_set_axes(Lift *l, Layer *layer, OptName option, int n, const char *const *names) {
  OptVal *opt = layer_opt_mut(layer, option);
  opt->given = true;
  opt->n_axes = n;
  opt->axis = ARENA_ARRAY(l->arena, const char *, n ? n : 1);
  opt->value_span = ARENA_ARRAY(l->arena, Span, n ? n : 1);
  for (int i = 0; i < n; i++)
    opt->axis[i] = names[i];
}

static bool same_names(const Layer *label, int n, const char *const *names) {
  const OptVal *opt = layer_opt(label, OPT_axes);
  for (int i = 0; i < n; i++)
    if (strcmp(opt->axis[i], names[i]) != 0) return false;
  return opt->n_axes == n;
}

Value *lift_named(Lift *l, const GraphNode *node, Value *value, int n, const AxisNames *names) {
  Model *model = l->foreign->model;
  for (int i = model->n_layers; i-- > 0;) {
    Layer *known = model->layer[i];
    if (known->kind == LAYER_label && known->in[0] == value && same_names(known, n, names->name))
      return known->out[0];
  }
  Layer *layer = lift_layer(l, node, LAYER_label, 1, &value);
  lift_set_axes(l, layer, OPT_axes, n, names->name);
  return layer->out[0];
}

Value *lift_labelled(Lift *l, const GraphNode *node, Value *value, const Layout *layout,
                     AxisNames *names) {
  *names = lift_axis_names(l, layout);
  return lift_named(l, node, value, layout->n, names);
}

/* Whether an axis of the type has either no name, or the name that the label gives it. */
static bool can_name(const Layer *label, const Type *type) {
  const OptVal *opt = layer_opt(label, OPT_axes);
  bool ok = type && opt->n_axes == type->rank;
  for (int i = 0; ok && i < type->rank; i++)
    ok = !type->dim[i].label || strcmp(type->dim[i].label, opt->axis[i]) == 0;
  return ok;
}

/* Whether all axes of the type have the names that the label gives them. */
static bool has_names(const Layer *label, const Type *type) {
  bool ok = can_name(label, type);
  for (int i = 0; ok && i < type->rank; i++)
    ok = type->dim[i].label != NULL;
  return ok;
}

void lift_labels_to_types(Lift *l) {
  Model *model = l->foreign->model;
  for (int i = model->n_layers; i-- > 0;) {
    Layer *label = model->layer[i];
    if (label->kind != LAYER_label) continue;
    Value *in = label->in[0];
    OptVal *made =
        in->layer && in->layer->kind == LAYER_reshape ? layer_opt_mut(in->layer, OPT_shape) : NULL;
    Type *type = in->port ? &in->port->declared : made ? made->shape : NULL;
    if (!can_name(label, type)) continue;
    for (int k = 0; k < type->rank; k++)
      type->dim[k].label = layer_opt(label, OPT_axes)->axis[k];
    foreign_bypass(model, label);
  }
}

void lift_drop_labels(Lift *l) {
  Model *model = l->foreign->model;
  for (int i = model->n_layers; i-- > 0;) {
    const Layer *label = model->layer[i];
    if (label->kind == LAYER_label && has_names(label, &label->in[0]->type))
      foreign_bypass(model, label);
  }
}
