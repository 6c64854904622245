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

enum { GATES = 4, IN = 0, FORGET = 1, NEW = 2, OUT = 3 };

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
    Diag *d = keras_refuse(layer, E903, "needs images at each step");
    diag_note(d, "Keras: [batch, time, axes of the image, channels]");
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
      keras_refuse(layer, E904, "does not say the size of axis %d of its images", i + 1);
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
static GraphValue *kernel_of(KerasLayer *layer, const ConvLstm *l, const char *leaf, int number,
                             int64_t d) {
  int64_t dim[WINDOW_AXES + 2];
  int n = l->window.n;
  for (int i = 0; i < n; i++)
    dim[i] = l->window.kernel[i];
  dim[n] = d;
  dim[n + 1] = l->filters * GATES;
  GraphValue *weight = keras_weight(layer, "", leaf, number, n + 2, dim);
  return weight ? keras_window_kernel(layer, weight, n) : NULL;
}

/* False after reporting. */
static bool read_weights(KerasLayer *layer, ConvLstm *l) {
  l->kernel = kernel_of(layer, l, "kernel", 0, l->image.dim[l->window.n]);
  l->recurrent = l->kernel ? kernel_of(layer, l, "recurrent_kernel", 1, l->filters) : NULL;
  return l->recurrent && keras_window_bias(layer, GATES * l->filters, 2, &l->bias);
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

/* A result in the order of Keras: images, at each step if `steps`. */
static bool give_images(KerasLayer *layer, const ConvLstm *l, GraphValue *graph, bool steps) {
  int n = l->window.n;
  KerasValue out = l->state;
  out.graph =
      steps ? turned_steps(layer, graph, n, true) : keras_window_channels_last(layer, graph, n);
  out.mask = (KerasMask){0};
  out.rank = n + 1 + steps;
  for (int i = n; i >= 0; i--)
    out.dim[i + steps] = l->state.dim[i];
  if (steps) out.dim[0] = layer->in[0].dim[0];
  return keras_gives(layer, out);
}

/* What the layer does that is not supported; NULL: nothing. */
static const char *problem_of(const KerasLayer *layer) {
  if (keras_mask_of(layer)) return "reads images of which a mask leaves out steps";
  if (keras_flag(layer, "stateful", false)) return "keeps its state from call to call";
  if (layer->n_states && layer->n_states != 2)
    return "gets another number of initial states than 2";
  return NULL;
}

bool keras_read_conv_lstm(KerasLayer *layer) {
  enum { CARRIED = 2 };
  ConvLstm l = {0};
  const char *problem = problem_of(layer);
  if (problem) {
    keras_refuse(layer, E903, "%s", problem);
    return false;
  }
  if (!*layer->inner) layer->inner = "cell"; /* whose weights they are in files of Keras 3 */
  if (!read_options(layer, &l) || !read_weights(layer, &l)) return false;
  Graph *body = body_of(layer, &l), *graph = keras_emit(layer)->graph;
  if (!body) return false;
  int n = l.window.n;
  GraphValue *in[CARRIED + 1] = {NULL, NULL, turned_steps(layer, layer->in[0].graph, n, false)};
  for (int s = 0; s < CARRIED; s++)
    in[s] = layer->n_states ? keras_window_channels_first(layer, layer->states[s].graph, n)
                            : zeros(layer, &l, in[CARRIED]);
  GraphNode *scan = emit_node(keras_emit(layer), GRAPH_Scan, CARRIED + 1, in, CARRIED + 1);
  scan->body[0] = body;
  graph_set_int(graph, scan, GRAPH_ATTR_scan_inputs, 1);
  graph_set_ints(graph, scan, GRAPH_ATTR_scan_axes, 1, (int64_t[]){1});
  graph_set_ints(graph, scan, GRAPH_ATTR_scan_reverse, 1,
                 (int64_t[]){keras_flag(layer, "go_backwards", false)});
  graph_set_ints(graph, scan, GRAPH_ATTR_out_axes, 1, (int64_t[]){1});
  bool steps = keras_flag(layer, "return_sequences", false);
  if (!give_images(layer, &l, scan->out[steps ? CARRIED : 0], steps)) return false;
  for (int s = 0; s < CARRIED && keras_flag(layer, "return_state", false); s++) {
    if (!give_images(layer, &l, scan->out[s], false)) return false;
    layer->out[layer->n_out - 1].field = s ? "c" : "h";
  }
  return true;
}
