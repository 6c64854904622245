/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* ConvLSTM1D and ConvLSTM2D: an LSTM whose products are convolutions. In, a layer over images at
 * each step; out, nodes that compute the same, one step in the body of a Scan:
 *
 *   i, f, o = s(W * x + b + U * h)     n = a(W * x + b + U * h)     each with its part of W, b and
 * U c' = f c + i n                     h' = o a(c')
 *
 * The convolution of x has the padding, strides and dilation of the layer; that of h keeps the
 * size. In the nodes the channels come before the axes of the image. */
#include "import/read/keras/run.h"
#include "import/read/keras/window.h"

#include <string.h>

enum { GATES = 4, IN = 0, FORGET = 1, NEW = 2, OUT = 3, CARRIED = 2 };

typedef struct ConvLstm {
  KerasWindow window;
  KerasValue image, state; /* one step of x and h: [axes..., channels]; no graph */
  int64_t filters;
  const char *activation, *gate;
  GraphValue *kernel, *recurrent, *bias; /* [4 filters, d, axes...], [4 filters]; bias NULL: none */
} ConvLstm;

/* x [batch, time, axes..., channels] with the channels before the axes, and back. */
static GraphValue *turned_steps(KerasLayer *layer, GraphValue *x, int n, bool back) {
  int64_t perm[WINDOW_AXES + 3] = {0, 1};
  for (int i = 0; i < n; i++)
    perm[2 + i + !back] = 2 + i + back;
  perm[back ? 2 + n : 2] = back ? 2 : 2 + n;
  return emit_transpose(keras_emit(layer), x, n + 3, perm);
}

/* False after reporting. */
static bool read_options(KerasLayer *layer, ConvLstm *l) {
  const KerasValue *in = &layer->in[0];
  int n = keras_window_axes(layer);
  l->window.n = n;
  l->filters = keras_size(layer, "filters", -1);
  if (in->rank != n + 2) {
    keras_lacks(layer, E903,
                n == 1
                    ? "give it [batch, time, length, channels]: a `Reshape` before it makes that "
                      "shape"
                    : "give it [batch, time, height, width, channels]: a `Reshape` before it makes "
                      "that shape",
                "needs images at each step");
    return false;
  }
  KerasLayer step = *layer; /* its options are those of a convolution over one step */
  l->image = *in;
  l->image.rank = n + 1;
  for (int i = 0; i <= n; i++)
    l->image.dim[i] = in->dim[1 + i];
  step.in = &l->image;
  if (l->filters < 0 ||
      !keras_window_options(&step, true, "kernel_size", "strides", "padding", &l->window))
    return false;
  for (int i = 0; i <= n; i++)
    if (l->image.dim[i] < 1) {
      keras_lacks(layer, E904,
                  arena_printf(layer->keras->arena,
                               "say the size in the input of the model, as in `keras.Input((10, "
                               "%s3))`, and save it again",
                               keras_window_axes(layer) == 1 ? "32, " : "32, 32, "),
                  "does not say the size of axis %d of its images", i + 1);
      return false;
    }
  l->state = l->image;
  keras_window_lengths(&l->window, &l->state);
  l->state.dim[n] = l->filters;
  l->activation = keras_activation_name(layer, "activation", "tanh");
  l->gate = keras_activation_name(layer, "recurrent_activation",
                                  layer->keras->major < 3 ? "hard_sigmoid" : "sigmoid");
  return l->activation && l->gate;
}

/* A kernel [axes..., d, 4 filters], turned. NULL after reporting. */
static GraphValue *kernel_of(KerasLayer *layer, const ConvLstm *l, const char *side,
                             const char *leaf, int number, int64_t d) {
  int64_t dim[WINDOW_AXES + 2];
  int n = l->window.n;
  for (int i = 0; i < n; i++)
    dim[i] = l->window.kernel[i];
  dim[n] = d;
  dim[n + 1] = l->filters * GATES;
  GraphValue *weight = keras_weight(layer, side, leaf, number, n + 2, dim);
  return weight ? keras_window_kernel(layer, weight, n) : NULL;
}

/* False after reporting. */
static bool read_weights(KerasLayer *layer, const char *side, ConvLstm *l) {
  l->kernel = kernel_of(layer, l, side, "kernel", 0, l->image.dim[l->window.n]);
  l->recurrent = l->kernel ? kernel_of(layer, l, side, "recurrent_kernel", 1, l->filters) : NULL;
  return l->recurrent && keras_window_bias(layer, side, GATES * l->filters, 2, &l->bias);
}

/* Gate g of the sums [batch, 4 filters, axes...]. */
static GraphValue *gate(KerasLayer *layer, const ConvLstm *l, GraphValue *sums, int g,
                        const char *activation) {
  GraphValue *sum = emit_slice(keras_emit(layer), sums, 1, g * l->filters, (g + 1) * l->filters, 1);
  return keras_read_activation(layer, sum, activation, 1);
}

/* h' and c' of one step; false after reporting. */
static bool step(KerasLayer *layer, const ConvLstm *l, GraphValue *h, GraphValue *c, GraphValue *x,
                 GraphValue **h_new, GraphValue **c_new) {
  GraphEmit *e = keras_emit(layer);
  KerasWindow same = {.n = l->window.n, .padding = "same"};
  for (int i = 0; i < same.n; i++) {
    same.kernel[i] = l->window.kernel[i];
    same.stride[i] = same.dilation[i] = 1;
  }
  GraphValue *of_x =
      keras_window_slide(layer, &l->window, &l->image, GRAPH_Conv, x, l->kernel, l->bias, 1);
  GraphValue *of_h =
      keras_window_slide(layer, &same, &l->state, GRAPH_Conv, h, l->recurrent, NULL, 1);
  GraphValue *sums = EMIT(e, Add, of_x, of_h);
  GraphValue *in = gate(layer, l, sums, IN, l->gate),
             *forget = gate(layer, l, sums, FORGET, l->gate),
             *new = gate(layer, l, sums, NEW, l->activation),
             *out = gate(layer, l, sums, OUT, l->gate);
  if (!in || !new) return false;
  *c_new = EMIT(e, Add, EMIT(e, Mul, forget, c), EMIT(e, Mul, in, new));
  GraphValue *shown = keras_read_activation(layer, *c_new, l->activation, 1);
  *h_new = EMIT(e, Mul, out, shown);
  return true;
}

/* The body of the Scan: (h, c, x) -> (h', c', h'). NULL after reporting. */
static Graph *body_of(KerasLayer *layer, const ConvLstm *l) {
  Keras *k = layer->keras;
  GraphEmit *outer = k->emit, inner = *outer;
  Graph *body = graph_new(k->arena, outer->graph->numbers, layer->name);
  GraphValue *h = graph_input(body, "h", GRAPH_FLOAT)->value,
             *c = graph_input(body, "c", GRAPH_FLOAT)->value,
             *x = graph_input(body, "x", GRAPH_FLOAT)->value, *h_new, *c_new;
  inner.graph = body;
  inner.seen = NULL;
  k->emit = &inner;
  bool ok = step(layer, l, h, c, x, &h_new, &c_new);
  k->emit = outer;
  if (!ok) return NULL;
  graph_output(body, "h", h_new);
  graph_output(body, "c", c_new);
  graph_output(body, "y", h_new);
  return body;
}

/* Zeros [batch, filters, axes...], for as many samples as x has. */
static GraphValue *zeros(KerasLayer *layer, const ConvLstm *l, GraphValue *x) {
  GraphEmit *e = keras_emit(layer);
  int64_t rest[WINDOW_AXES + 1] = {l->filters};
  for (int i = 0; i < l->window.n; i++)
    rest[1 + i] = l->state.dim[i];
  GraphValue *batch = emit_slice(e, EMIT(e, Shape, x), 0, 0, 1, 1);
  GraphValue *shape =
      emit_concat(e, 0, 2, (GraphValue *[]){batch, emit_ints(e, l->window.n + 1, rest)});
  return emit_filled(e, shape, 0, GRAPH_FLOAT);
}

/* A result with so many channels in the order of Keras: images, at each step if `steps`. */
static bool give_images(KerasLayer *layer, const ConvLstm *l, GraphValue *graph, bool steps,
                        int64_t channels) {
  int n = l->window.n;
  KerasValue out = l->state;
  out.graph =
      steps ? turned_steps(layer, graph, n, true) : keras_window_channels_last(layer, graph, n);
  out.mask = (KerasMask){0};
  out.rank = n + 1 + steps;
  for (int i = n; i >= 0; i--)
    out.dim[i + steps] = i == n ? channels : l->state.dim[i];
  if (steps) out.dim[0] = layer->in[0].dim[0];
  return keras_gives(layer, out);
}

/* Whether the layer does nothing that is not supported, if it has so many states; false after
 * reporting. layer: the one that messages name; of: the one whose options count. */
static bool is_plain(const KerasLayer *layer, const KerasLayer *of, int n_states) {
  if (keras_mask_of(of))
    return keras_lacks(layer, E903, "leave out the mask before it: images of all steps are read",
                       "reads images of which a mask leaves out steps");
  if (keras_flag(of, "stateful", false))
    return keras_lacks(layer, E903,
                       n_states == CARRIED
                           ? "with `stateful=False`, `--stream` keeps the state from one "
                             "call to the next"
                           : "with `stateful=False`, each call reads a sequence of its own, "
                             "in both directions",
                       "keeps its state from call to call");
  return !of->n_states || of->n_states == n_states ||
         keras_lacks(layer, E903,
                     "pass `h` and `c` of each direction as `initial_state`, or none of them",
                     "gets %d initial states; it has %d", of->n_states, n_states);
}

/* One direction: its options and weights, and (h, c, y) of the last step and of all steps, in the
 * order in which they are read, with the channels before the axes. */
typedef struct ConvRun {
  ConvLstm cell;
  GraphValue *h, *c, *y;
} ConvRun;

/* An input of the model that is a state has one image for each sequence: none of its axes is time.
 */
static void mark_state(KerasLayer *layer, const ConvLstm *l, const KerasValue *state) {
  Graph *graph = keras_emit(layer)->graph;
  for (int i = 0; i < graph->n_in; i++) {
    if (graph->in[i].value != state->graph) continue;
    for (int axis = 0; axis <= l->window.n; axis++)
      graph->in[i].dim[axis + 1] = (GraphDim){.n = l->state.dim[axis]};
  }
}

/* side: "forward", "backward", or "" of a layer of one direction. states: h and c to begin with;
 * NULL: zeros. False after reporting. */
static bool run(KerasLayer *layer, const char *side, bool backwards, const KerasValue *states,
                ConvRun *out) {
  ConvLstm *l = &out->cell;
  if (!read_options(layer, l) || !read_weights(layer, side, l)) return false;
  Graph *body = body_of(layer, l), *graph = keras_emit(layer)->graph;
  if (!body) return false;
  int n = l->window.n;
  GraphValue *in[CARRIED + 1] = {NULL, NULL, turned_steps(layer, layer->in[0].graph, n, false)};
  for (int s = 0; s < CARRIED && states; s++)
    mark_state(layer, l, &states[s]);
  for (int s = 0; s < CARRIED; s++)
    in[s] = states ? keras_window_channels_first(layer, states[s].graph, n)
                   : zeros(layer, l, in[CARRIED]);
  GraphNode *scan = emit_node(keras_emit(layer), GRAPH_Scan, CARRIED + 1, in, CARRIED + 1);
  scan->body[0] = body;
  graph_set_int(graph, scan, GRAPH_ATTR_scan_inputs, 1);
  graph_set_ints(graph, scan, GRAPH_ATTR_scan_axes, 1, (int64_t[]){1});
  graph_set_ints(graph, scan, GRAPH_ATTR_scan_reverse, 1, (int64_t[]){backwards});
  graph_set_ints(graph, scan, GRAPH_ATTR_out_axes, 1, (int64_t[]){1});
  out->h = scan->out[0];
  out->c = scan->out[1];
  out->y = scan->out[CARRIED];
  return true;
}

/* Gives h and c. name: of the fields. */
static bool give_states(KerasLayer *layer, const ConvRun *r, const char *const name[CARRIED]) {
  for (int s = 0; s < CARRIED; s++) {
    if (!give_images(layer, &r->cell, s ? r->c : r->h, false, r->cell.filters)) return false;
    layer->out[layer->n_out - 1].field = name[s];
  }
  return true;
}

bool keras_read_conv_lstm(KerasLayer *layer) {
  ConvRun r = {0};
  if (!is_plain(layer, layer, CARRIED)) return false;
  if (!*layer->inner) layer->inner = "cell"; /* whose weights they are in files of Keras 3 */
  if (!run(layer, "", keras_flag(layer, "go_backwards", false),
           layer->n_states ? layer->states : NULL, &r))
    return false;
  bool steps = keras_flag(layer, "return_sequences", false);
  return give_images(layer, &r.cell, steps ? r.y : r.h, steps, r.cell.filters) &&
         (!keras_flag(layer, "return_state", false) || give_states(layer, &r, keras_state_names));
}

/* ---- both directions ---- */

/* Whether the images of both have the same sizes. */
static bool same_sizes(const ConvLstm *a, const ConvLstm *b) {
  bool same = a->window.n == b->window.n;
  for (int i = 0; i < a->window.n && same; i++)
    same = a->state.dim[i] == b->state.dim[i];
  return same;
}

/* Gives the results of both directions as the merge mode says; NULL: one after the other. */
static bool merge(KerasLayer *layer, const ConvRun *a, const ConvRun *b, const char *mode,
                  bool steps) {
  GraphValue *x = steps ? a->y : a->h, *y = steps ? keras_turned(layer, b->y) : b->h;
  int64_t n = a->cell.filters, n_b = b->cell.filters;
  if (!mode)
    return give_images(layer, &a->cell, x, steps, n) && give_images(layer, &b->cell, y, steps, n_b);
  if (!keras_check_merge(layer, mode)) return false;
  if (!same_sizes(&a->cell, &b->cell)) {
    keras_lacks(layer, E903,
                "`merge_mode=None` gives both results apart; with the same `kernel_size`, "
                "`strides` and `padding` in both directions they merge",
                "merges directions whose images have different sizes");
    return false;
  }
  GraphValue *out = keras_merged(layer, mode, steps ? 2 : 1, "filters", n, n_b, x, y);
  return out && give_images(layer, &a->cell, out, steps, strcmp(mode, "concat") == 0 ? n + n_b : n);
}

/* Whether both directions can be read; false after reporting. opposite: one of them reads from the
 * end. */
static bool both_plain(const KerasLayer *layer, const KerasLayer *a, const KerasLayer *b,
                       bool opposite) {
  static const char *const same[] = {"return_sequences", "return_state"};
  if (!is_plain(layer, layer, 2 * CARRIED) || !is_plain(layer, a, 2 * CARRIED) ||
      !is_plain(layer, b, 2 * CARRIED))
    return false;
  bool differ = !opposite;
  for (size_t i = 0; i < sizeof same / sizeof *same; i++)
    differ = differ || keras_flag(a, same[i], false) != keras_flag(b, same[i], false);
  return !differ || keras_lacks(layer, E903,
                                "give both the same `return_sequences` and `return_state`, and "
                                "`go_backwards=True` to one of them",
                                "has directions that differ in their options, which is not "
                                "supported");
}

const char *keras_conv_lstm_options(const KerasLayer *layer) {
  const KerasClass *class = keras_class_find(layer->class_name);
  return class && class->read == keras_read_conv_lstm ? class->options : NULL;
}

bool keras_read_conv_lstm_both(KerasLayer *layer, KerasLayer *forward) {
  ConvRun a = {0}, b = {0};
  json_t *second = keras_option(layer, "backward_layer");
  KerasLayer backward = second ? keras_one_way(layer, second) : *forward;
  const char *mode = keras_merge_mode(layer), *options = keras_conv_lstm_options(&backward);
  const KerasValue *states = layer->n_states ? layer->states : NULL;
  bool steps = keras_flag(forward, "return_sequences", false),
       gives = keras_flag(forward, "return_state", false),
       turned = keras_flag(forward, "go_backwards", false),
       opposite = !second || turned != keras_flag(&backward, "go_backwards", false);
  if (!keras_check_options(forward, keras_conv_lstm_options(forward)) ||
      (options && !keras_check_options(&backward, options)))
    return false;
  if (!options) {
    keras_lacks(layer, E903, "give both directions the same class",
                "has a `%s` in one direction and a `%s` in the other", forward->class_name,
                backward.class_name);
    return false;
  }
  if (!both_plain(layer, forward, &backward, opposite)) return false;
  return run(forward, "forward", turned, states, &a) &&
         run(&backward, "backward", !turned, states ? states + CARRIED : NULL, &b) &&
         merge(layer, &a, &b, mode, steps) &&
         (!gives || (give_states(layer, &a, keras_both_names[0]) &&
                     give_states(layer, &b, keras_both_names[1])));
}
