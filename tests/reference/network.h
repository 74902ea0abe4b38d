#pragma once
#include <functional>
#include <vector>

#include "tests/reference/average.h"
#include "tests/reference/conv.h"
#include "tests/reference/head.h"
#include "tests/reference/losses.h"

/// A whole network: loss and gradients of a batch of pairs, end to end or of one layer with its head.
namespace saccade::reference {

/// Which matrix carries an error back (method.md, section 5).
enum class Rule { bp, rf, urf, sign, sign_forward };

struct Layer {
  Downsample down = Downsample::none;
  Activation activation = Activation::none;
};

/// Layer i is convs[i] with layers[i]; heads[i] reads its output. End to end uses the last head only.
struct Network {
  std::vector<Layer> layers;
  std::vector<ConvWeights> convs;
  std::vector<Matrix> heads;
  int head_average = 1;  ///< heads read maps averaged over windows of this side

  int depth() const { return static_cast<int>(layers.size()); }
};

inline constexpr int end_to_end = -1;

/// Forward pass of views: maps[0] is the image, maps[i + 1] the output of layer i, up to layer `top`.
struct Activity {
  std::vector<Images> maps;
  std::vector<std::vector<std::uint8_t>> winners;
  Matrix embedding;
};

inline Activity forward(const Network& network, int top, const Images& views) {
  Activity r;
  r.maps.push_back(views);
  for (int i = 0; i <= top; ++i) {
    const auto j = static_cast<std::size_t>(i);
    ConvResult c = conv_forward(r.maps.back(), network.convs[j], network.layers[j].down, network.layers[j].activation);
    r.maps.push_back(std::move(c.out));
    r.winners.push_back(std::move(c.winners));
  }
  r.embedding = head_forward(average_pool(r.maps.back(), network.head_average).value,
                             network.heads[static_cast<std::size_t>(top)])
                    .value;
  return r;
}

template <class Weights>
Weights carrier(Rule rule, const Weights& forward, const Weights& feedback) {
  switch (rule) {
    case Rule::bp:
      return forward;
    case Rule::rf:
    case Rule::urf:
      return feedback;
    case Rule::sign:
      return signs(feedback);
    case Rule::sign_forward:
      return signs(forward);
  }
  return {};
}

/// Loss and derivatives with respect to the embeddings of both branches.
using Loss = std::function<PairLoss(const Matrix& a, const Matrix& b)>;

inline Loss batch_hinge(int T, float weight, double m1, double m2, bool blocked) {
  return [=](const Matrix& a, const Matrix& b) {
    HingeOut h = contrastive_hinge(a, b, batch_terms(a.rows, T, weight), m1, m2, blocked);
    return PairLoss{h.loss, std::move(h.anchor_error), std::move(h.view_error), {}, {}};
  };
}

struct NetworkGradients {
  double loss = 0;
  Network gradient;  ///< of the shape of the network; what does not learn is 0
};

/// `level`: the layer that learns with its head, the layers below only passing the image on; or end_to_end.
inline NetworkGradients network_gradients(const Network& network, const Network& feedback, Rule rule, int level,
                                          const Images& a, const Images& b, const Loss& loss) {
  const int top = level == end_to_end ? network.depth() - 1 : level;
  const int lowest = level == end_to_end ? 0 : level;
  NetworkGradients r{0, network};
  for (ConvWeights& w : r.gradient.convs) w.v.assign(w.v.size(), 0.0);
  for (Matrix& w : r.gradient.heads) w.v.assign(w.v.size(), 0.0);
  const Activity activity[2] = {forward(network, top, a), forward(network, top, b)};
  const PairLoss pair = loss(activity[0].embedding, activity[1].embedding);
  r.loss = pair.loss;
  const auto add = [](std::vector<double>& to, const std::vector<double>& from) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += from[i];
  };
  for (int branch = 0; branch < 2; ++branch) {
    const Activity& x = activity[branch];
    const Matrix& embedding_error = branch == 0 ? pair.a_error : pair.b_error;
    auto j = static_cast<std::size_t>(top);
    const Images input = average_pool(x.maps[j + 1], network.head_average).value;
    add(r.gradient.heads[j].v, head_weight_gradient(input, embedding_error).value.v);
    const Images at_input = head_input_gradient(embedding_error, carrier(rule, network.heads[j], feedback.heads[j]),
                                                input, Activation::none)
                                .value;
    Images error = average_pool_gradient(at_input, x.maps[j + 1], network.head_average, network.layers[j].activation);
    for (int i = top; i >= lowest; --i) {
      j = static_cast<std::size_t>(i);
      ConvWeights none = network.convs[j];
      none.v.assign(none.v.size(), 0.0);
      add(r.gradient.convs[j].v, conv_weight_gradient(x.maps[j], error, x.winners[j], {}, none).value.v);
      if (i > lowest)
        error = conv_input_gradient(error, x.winners[j], carrier(rule, network.convs[j], feedback.convs[j]), x.maps[j],
                                    network.layers[j - 1].activation)
                    .value;
    }
  }
  return r;
}

}  // namespace saccade::reference
