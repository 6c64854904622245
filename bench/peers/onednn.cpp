/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* oneDNN as a peer: its own LSTM and linear-before-reset GRU primitives, f32, inference.
 * Variant 0 lets oneDNN choose the layout of the weights, variant 1 gives them in plain rows. */
#include <oneapi/dnnl/dnnl.hpp>

#include "peer.hpp"

namespace {

using dnnl::memory;
using Tag = memory::format_tag;

class OneDnn {
public:
  OneDnn(const Task &t, int variant) : task(t), engine(dnnl::engine::kind::cpu, 0), stream(engine) {
    if (variant > 1) throw std::invalid_argument("no such variant");
    Tag layout = variant ? Tag::ldigo : Tag::any;
    int gates = task_gates(t), biases = t.gru ? 4 : gates, steps = t.one_step ? 1 : t.steps;
    auto dense = [](memory::dims dims, Tag tag) {
      return memory::desc(dims, memory::data_type::f32, tag);
    };
    memory::desc x = dense({steps, t.batch, t.in}, Tag::tnc),
                 y = dense({steps, t.batch, t.hidden}, Tag::tnc);
    memory::desc state = dense({1, 1, t.batch, t.hidden}, Tag::ldnc);
    memory::dims w_dims = {1, 1, t.in, gates, t.hidden}, u_dims = {1, 1, t.hidden, gates, t.hidden};
    memory::desc w = dense(w_dims, layout), u = dense(u_dims, layout);
    memory::desc bias = dense({1, 1, biases, t.hidden}, Tag::ldgo);
    auto kind = dnnl::prop_kind::forward_inference;
    auto way = dnnl::rnn_direction::unidirectional_left2right;
    if (t.gru) {
      dnnl::lbr_gru_forward::primitive_desc made({kind, way, x, state, w, u, bias, y, state},
                                                 engine);
      primitive = dnnl::lbr_gru_forward(made);
      w = made.weights_layer_desc(), u = made.weights_iter_desc();
    } else {
      dnnl::lstm_forward::primitive_desc made(
          {kind, way, x, state, state, w, u, bias, y, state, state}, engine);
      primitive = dnnl::lstm_forward(made);
      w = made.weights_layer_desc(), u = made.weights_iter_desc();
    }
    x_memory = memory(x, engine, nullptr), y_memory = memory(y, engine, nullptr);
    for (auto &m : states)
      m = memory(state, engine);
    weights(t);
    memory w_best = reordered(dense(w_dims, Tag::ldigo), w, w_rows.data());
    memory u_best = reordered(dense(u_dims, Tag::ldigo), u, u_rows.data());
    for (int k = 0; k < 2; k++) {
      arguments[k] = {{DNNL_ARG_SRC_LAYER, x_memory},
                      {DNNL_ARG_SRC_ITER, states[k]},
                      {DNNL_ARG_WEIGHTS_LAYER, w_best},
                      {DNNL_ARG_WEIGHTS_ITER, u_best},
                      {DNNL_ARG_BIAS, memory(bias, engine, bias_rows.data())},
                      {DNNL_ARG_DST_LAYER, y_memory},
                      {DNNL_ARG_DST_ITER, states[1 - k]}};
      if (t.gru) continue;
      arguments[k].insert({DNNL_ARG_SRC_ITER_C, states[2 + k]});
      arguments[k].insert({DNNL_ARG_DST_ITER_C, states[3 - k]});
    }
    reset();
  }

  void reset() {
    for (auto &m : states)
      std::memset(m.get_data_handle(), 0, m.get_desc().get_size());
  }

  /* The state of one step is the next one's; every whole sequence starts from zero. */
  void call(float *x, float *y) {
    if (!task.one_step) reset();
    x_memory.set_data_handle(x);
    y_memory.set_data_handle(y);
    primitive.execute(stream, arguments[turn]);
    stream.wait();
    if (task.one_step) turn = 1 - turn;
  }

private:
  /* From PyTorch's rows to oneDNN's [in][gate][unit]; LSTM i f g o in both, GRU z r n and a bias of
   * its own for the recurrent part of n. */
  void weights(const Task &t) {
    int gates = task_gates(t), h = t.hidden;
    const int of_gru[4] = {1, 0, 2, 2}, of_lstm[4] = {0, 1, 2, 3};
    const int *from = t.gru ? of_gru : of_lstm;
    w_rows = Floats((std::size_t)t.in * gates * h), u_rows = Floats((std::size_t)h * gates * h);
    bias_rows = Floats(4 * (std::size_t)h);
    for (int g = 0; g < gates; g++)
      for (int j = 0; j < h; j++) {
        int row = from[g] * h + j, to = g * h + j;
        for (int i = 0; i < t.in; i++)
          w_rows.data()[(std::size_t)i * gates * h + to] = t.w[(std::size_t)row * t.in + i];
        for (int i = 0; i < h; i++)
          u_rows.data()[(std::size_t)i * gates * h + to] = t.u[(std::size_t)row * h + i];
        bool apart = t.gru && g == 2;
        bias_rows.data()[to] = t.bw[row] + (apart ? 0 : t.bu[row]);
        if (apart) bias_rows.data()[3 * h + j] = t.bu[row];
      }
  }

  memory reordered(const memory::desc &plain, const memory::desc &best, float *rows) {
    memory from(plain, engine, rows), to(best, engine);
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    return to;
  }

  Task task;
  dnnl::engine engine;
  dnnl::stream stream;
  dnnl::primitive primitive;
  memory x_memory, y_memory, states[4]; /* h and h', c and c' */
  Floats w_rows, u_rows, bias_rows;
  std::unordered_map<int, memory> arguments[2];
  int turn = 0;
};

} // namespace

DEFINE_PEER(OneDnn)
