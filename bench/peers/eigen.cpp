/* SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception */
/* Eigen as a peer: the step one writes by hand with it, all sizes known to the compiler (-DIN,
 * -DHIDDEN, -DGRU=0|1), weights by columns. One stream only; a sequence multiplies all its inputs
 * first. */
#include <Eigen/Dense>

#include "peer.hpp"

namespace {

constexpr int GATES = GRU ? 3 : 4, ROWS = GATES * HIDDEN;
using Column = Eigen::Array<float, HIDDEN, 1>;
using Sums = Eigen::Matrix<float, ROWS, 1>;
template <int SIZE> using Weights = Eigen::Matrix<float, ROWS, SIZE>;
template <int SIZE> using Vector = Eigen::Map<const Eigen::Matrix<float, SIZE, 1>>;

struct Net {
  EIGEN_MAKE_ALIGNED_OPERATOR_NEW
  Weights<IN> w;
  Weights<HIDDEN> u;
  Sums bw, bu, from_h;
  Eigen::Matrix<float, HIDDEN, 1> h;
  Column c;
  Eigen::Matrix<float, ROWS, Eigen::Dynamic> from_x;
};

class HandWritten {
public:
  HandWritten(const Task &t, int variant) : task(t), net(new Net) {
    if (variant || t.batch != 1 || t.in != IN || t.hidden != HIDDEN || t.gru != GRU)
      throw std::invalid_argument("not this net");
    for (int r = 0; r < ROWS; r++) {
      for (int i = 0; i < IN; i++)
        net->w(r, i) = t.w[(std::size_t)r * IN + i];
      for (int i = 0; i < HIDDEN; i++)
        net->u(r, i) = t.u[(std::size_t)r * HIDDEN + i];
      net->bw(r) = t.bw[r] + (GRU && r >= 2 * HIDDEN ? 0 : t.bu[r]);
      net->bu(r) = t.bu[r];
    }
    net->from_x.resize(ROWS, t.one_step ? 1 : t.steps);
    reset();
  }

  void reset() { net->h.setZero(), net->c.setZero(); }

  void call(const float *x, float *y) {
    int steps = task.one_step ? 1 : task.steps;
    if (task.one_step) {
      net->from_x.col(0).noalias() = net->w * Vector<IN>(x);
    } else {
      reset();
      net->from_x.noalias() =
          net->w * Eigen::Map<const Eigen::Matrix<float, IN, Eigen::Dynamic>>(x, IN, steps);
    }
    for (int s = 0; s < steps; s++) {
      net->from_h.noalias() = net->u * net->h;
      advance(net->from_x.col(s));
      std::memcpy(y + (std::size_t)s * HIDDEN, net->h.data(), sizeof(float) * HIDDEN);
    }
  }

private:
  template <int GATE, class Matrix> static auto gate(const Matrix &m) {
    return m.template segment<HIDDEN>(GATE * HIDDEN).array();
  }
  template <class From> void advance(const From &from_x) {
    Net &n = *net;
    if constexpr (GRU) {
      Column r = (gate<0>(from_x) + gate<0>(n.from_h) + gate<0>(n.bw)).logistic();
      Column z = (gate<1>(from_x) + gate<1>(n.from_h) + gate<1>(n.bw)).logistic();
      Column g = (gate<2>(from_x) + gate<2>(n.bw) + r * (gate<2>(n.from_h) + gate<2>(n.bu))).tanh();
      n.h.array() = z * n.h.array() + (1 - z) * g;
    } else {
      Sums sums = from_x + n.from_h + n.bw;
      n.c = gate<1>(sums).logistic() * n.c + gate<0>(sums).logistic() * gate<2>(sums).tanh();
      n.h.array() = gate<GATES - 1>(sums).logistic() * n.c.tanh();
    }
  }

  Task task;
  std::unique_ptr<Net> net;
};

} // namespace

DEFINE_PEER(HandWritten)
