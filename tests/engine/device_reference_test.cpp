#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/reference/compare.h"
#include "tests/reference/conv.h"
#include "tests/reference/head.h"
#include "tests/reference/layout.h"
#include "tests/reference/losses.h"
#include "tests/reference/network.h"
#include "tests/reference/optimisers.h"

// The reference itself is checked: by hand-made values, by central differences, by a wrong input that must be seen.
using namespace saccade;
using namespace saccade::reference;

namespace {

double dot(const std::vector<double>& a, const std::vector<double>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// Analytic against central differences for every parameter. Truncation is h^2 |f'''|, rounding 1e-16 |f| / h = 1e-10
/// |f|.
template <class F>
void check_gradient(const std::vector<double>& analytic, std::vector<double>& parameters, F loss) {
  REQUIRE(analytic.size() == parameters.size());
  double worst = 0, norm = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const double error = std::fabs(analytic[i] - central_difference(loss, parameters[i]));
    REQUIRE(std::isfinite(error));
    worst = std::fmax(worst, error);
    norm = std::fmax(norm, std::fabs(analytic[i]));
  }
  CHECK(norm > 1e-3);  // a gradient of zeros would prove nothing
  CHECK(worst <= 1e-7 * std::fmax(1, norm));
}

Network small_network(Draw& draw) {
  Network net;
  net.layers = {{Downsample::none, Activation::hardtanh},
                {Downsample::max_pool, Activation::none},
                {Downsample::max_pool, Activation::tanh}};
  const int channels[] = {2, 4, 5, 6};
  const int side[] = {8, 4, 2};
  for (int i = 0; i < 3; ++i) {
    net.convs.emplace_back(channels[i + 1], channels[i]);
    draw.fill(net.convs.back().v, -0.5, 0.5);
    net.heads.emplace_back(7, channels[i + 1] * side[i] * side[i]);
    draw.fill(net.heads.back().v, -0.2, 0.2);
  }
  return net;
}

}  // namespace

TEST_CASE("reference: convolution by hand") {
  Images in(1, 1, 2, 3);
  in.v = {1, 2, 3, 4, 5, 6};
  ConvWeights w(1, 1);
  w.at(0, 0, 1, 1) = 1;    // centre
  w.at(0, 0, 0, 1) = 10;   // the pixel above
  w.at(0, 0, 1, 2) = 100;  // the pixel to the right
  CHECK(conv_forward(in, w, Downsample::none, Activation::none).out.v ==
        std::vector<double>{201, 302, 3, 514, 625, 36});
  const ConvResult pooled = conv_forward(in, w, Downsample::max_pool, Activation::hardtanh);
  CHECK(pooled.out.v == std::vector<double>{1});  // the odd last column is dropped
  CHECK(pooled.winners == std::vector<std::uint8_t>{3});
  CHECK(conv_forward(in, w, Downsample::stride, Activation::none).out.v == std::vector<double>{201});
  in.v.assign(6, 0.0);
  CHECK(conv_forward(in, w, Downsample::max_pool, Activation::none).winners ==
        std::vector<std::uint8_t>{0});  // first of equals
  CHECK(derivative(Activation::hardtanh, 1) == 0);
  CHECK(derivative(Activation::hardtanh, -1) == 0);
  CHECK(sgn(0) == 0);
}

TEST_CASE("reference: convolution gradients are derivatives") {
  Draw draw(1);
  for (Downsample down : {Downsample::none, Downsample::max_pool, Downsample::stride})
    for (Activation f : {Activation::none, Activation::hardtanh, Activation::tanh, Activation::relu}) {
      Images in(2, 3, 5, 6);
      ConvWeights w(4, 3);
      draw.fill(in.v, -1, 1);
      draw.fill(w.v, -0.5, 0.5);
      Images direction = conv_forward(in, w, down, f).out;
      draw.fill(direction.v, -1, 1);
      const ConvResult y = conv_forward(in, w, down, f);
      Images error = direction;
      for (std::size_t i = 0; i < error.v.size(); ++i) error.v[i] *= derivative(f, y.out.v[i]);
      const auto loss = [&] { return dot(direction.v, conv_forward(in, w, down, f).out.v); };
      check_gradient(conv_weight_gradient(in, error, y.winners).value.v, w.v, loss);
      check_gradient(conv_input_gradient(error, y.winners, w, in, Activation::none).value.v, in.v, loss);
    }
}

TEST_CASE("reference: head gradients are derivatives, inactive views are absent") {
  Draw draw(2);
  Images in(3, 2, 2, 3);
  Matrix w(4, 12), error(3, 4);
  draw.fill(in.v, -1, 1);
  draw.fill(w.v, -1, 1);
  draw.fill(error.v, -1, 1);
  const auto loss = [&] { return dot(error.v, head_forward(in, w).value.v); };
  check_gradient(head_weight_gradient(in, error).value.v, w.v, loss);
  check_gradient(head_input_gradient(error, w, in, Activation::none).value.v, in.v, loss);
  Matrix without = error;
  for (int e = 0; e < 4; ++e) without.at(1, e) = 0;
  CHECK(head_weight_gradient(in, error, {1, 0, 1}).value.v == head_weight_gradient(in, without).value.v);
  CHECK(head_input_gradient(error, w, in, Activation::relu, {1, 0, 1}).value.v ==
        head_input_gradient(without, w, in, Activation::relu).value.v);
}

TEST_CASE("reference: hinge is eq. 2, its errors are its derivatives") {
  Draw draw(3);
  for (int T : {-1, 1, 4}) {
    Matrix a(8, 6), b(8, 6);
    draw.fill(a.v, -0.6, 0.6);
    draw.fill(b.v, -0.6, 0.6);
    const auto terms = batch_terms(8, T, 0.25f);
    const auto loss = [&] { return contrastive_hinge(a, b, terms, 2, 3, false).loss; };
    const HingeOut h = contrastive_hinge(a, b, terms, 2, 3, false);
    CHECK(h.loss == doctest::Approx(printed_hinge_loss(a, b, T, 0.25, 2, 3)).epsilon(1e-13));
    check_gradient(h.anchor_error.v, a.v, loss);
    check_gradient(h.view_error.v, b.v, loss);
    CHECK(contrastive_hinge(a, b, terms, 2, 3, true).view_error.v == h.view_error.v);
    CHECK(contrastive_hinge(a, b, terms, 2, 3, true).anchor_error.v == std::vector<double>(48, 0.0));
  }
  CHECK(batch_terms(8, 4, 1).size() == 8 + 7 + 6 + 5 + 4);  // no wrap-around
  CHECK(batch_terms(8, -1, 1).size() == 64);
}

TEST_CASE("reference: hinge with traces, noise, weights and a shared anchor") {
  Draw draw(4);
  Matrix a(2, 5), b(3, 5);
  draw.fill(a.v, -1, 1);
  draw.fill(b.v, -1, 1);
  const std::vector<HingeTerm> terms = {
      {0, 0, true, 0.5f, 0.7f}, {1, 0, false, 0.3f, 0.9f}, {0, 1, false, 2, 0.1f}, {0, 2, true, 1, 1}};
  Matrix noise(2, 5);
  draw.fill(noise.v, -0.5, 0.5);
  const auto loss = [&] { return contrastive_hinge(a, b, terms, 0.5, 9, false, &noise).loss; };
  const HingeOut h = contrastive_hinge(a, b, terms, 0.5, 9, false, &noise);
  CHECK(h.active == std::vector<int>{1, 1, 1, 1});
  check_gradient(h.anchor_error.v, a.v, loss);
  check_gradient(h.view_error.v, b.v, loss);
}

TEST_CASE("reference: SimCLR and cross-entropy errors are derivatives") {
  Draw draw(5);
  Matrix a(5, 6), b(5, 6);
  draw.fill(a.v, -1, 1);
  draw.fill(b.v, -1, 1);
  const PairLoss r = simclr(a, b, 0.5);
  check_gradient(r.a_error.v, a.v, [&] { return simclr(a, b, 0.5).loss; });
  check_gradient(r.b_error.v, b.v, [&] { return simclr(a, b, 0.5).loss; });
  Matrix one(1, 2), other(1, 2);
  one.v = {3, 0}, other.v = {0, 2};
  CHECK(simclr(one, other, 0.1).loss == doctest::Approx(0));  // the partner is the only candidate
  Matrix same(2, 1);
  same.v = {2, 3};
  CHECK(simclr(same, same, 0.1).loss == doctest::Approx(2 * std::log(3.0)));  // four equal directions

  Matrix scores(4, 3);
  std::vector<double> bias = {0.1, -0.2, 0.3};
  const std::vector<int> labels = {0, 2, 1, 1};
  draw.fill(scores.v, -2, 2);
  const CrossEntropyOut c = cross_entropy(scores, bias, labels);
  check_gradient(c.error.v, scores.v, [&] { return cross_entropy(scores, bias, labels).loss; });
  check_gradient(c.bias_gradient, bias, [&] { return cross_entropy(scores, bias, labels).loss; });
}

TEST_CASE("reference: network gradients are derivatives under bp, end to end and layer-wise") {
  Draw draw(6);
  Network net = small_network(draw);
  Images a(4, 2, 8, 8), b(4, 2, 8, 8);
  draw.fill(a.v, 0, 1);
  draw.fill(b.v, 0, 1);
  for (int level : {end_to_end, 0, 1, 2})
    for (bool simclr_loss : {false, true}) {
      CAPTURE(level);
      CAPTURE(simclr_loss);
      const int top = level == end_to_end ? 2 : level, lowest = level == end_to_end ? 0 : level;
      const Loss loss = simclr_loss ? Loss([](const Matrix& x, const Matrix& y) { return simclr(x, y, 0.5); })
                                    : batch_hinge(2, 0.25f, 0, 1000, false);  // every term active: no kink of the hinge
      const auto value = [&] { return network_gradients(net, net, Rule::bp, level, a, b, loss).loss; };
      const NetworkGradients g = network_gradients(net, net, Rule::bp, level, a, b, loss);
      // Large hinge losses are rounded more coarsely: the limit follows the loss.
      for (int i = 0; i < 3; ++i) {
        auto& w = net.convs[static_cast<std::size_t>(i)].v;
        const auto& analytic = g.gradient.convs[static_cast<std::size_t>(i)].v;
        if (i < lowest || i > top) {
          CHECK(analytic == std::vector<double>(w.size(), 0.0));
          continue;
        }
        for (std::size_t j = 0; j < w.size(); j += 7) {
          const double numeric = central_difference(value, w[j], 1e-6);
          CHECK(std::fabs(numeric - analytic[j]) <= 1e-6 * std::fmax(1, std::fabs(g.loss)));
        }
      }
      auto& head = net.heads[static_cast<std::size_t>(top)].v;
      for (std::size_t j = 0; j < head.size(); j += 17)
        CHECK(std::fabs(central_difference(value, head[j], 1e-6) -
                        g.gradient.heads[static_cast<std::size_t>(top)].v[j]) <=
              1e-6 * std::fmax(1, std::fabs(g.loss)));
    }
}

TEST_CASE("reference: feedback rules differ only in what carries the error") {
  Draw draw(7);
  const Network net = small_network(draw), feedback = small_network(draw);
  Images a(3, 2, 8, 8), b(3, 2, 8, 8);
  draw.fill(a.v, 0, 1);
  draw.fill(b.v, 0, 1);
  const Loss loss = batch_hinge(2, 0.25f, 0.1, 3, true);
  const auto run = [&](Rule rule, const Network& n, const Network& f) {
    return network_gradients(n, f, rule, end_to_end, a, b, loss).gradient;
  };
  const Network bp = run(Rule::bp, net, feedback), rf = run(Rule::rf, net, feedback);
  CHECK(bp.heads[2].v == rf.heads[2].v);  // the head's own gradient needs no feedback
  CHECK(bp.convs[2].v != rf.convs[2].v);
  CHECK(run(Rule::rf, net, net).convs[0].v == bp.convs[0].v);
  CHECK(run(Rule::urf, net, feedback).convs[0].v == rf.convs[0].v);
  CHECK(run(Rule::sign, net, net).convs[0].v == run(Rule::sign_forward, net, feedback).convs[0].v);
}

TEST_CASE("reference: Adam's first steps by hand") {
  Adam adam{0.1, 0.9, 0.999, 1e-8, 0, {}, {}};
  // With bias correction, a constant gradient gives steps of `rate`, whatever its size.
  CHECK(adam.step({3, -0.01, 0})[0] == doctest::Approx(0.1));
  const auto second = adam.step({3, -0.01, 0});
  CHECK(second[0] == doctest::Approx(0.1));
  CHECK(second[1] == doctest::Approx(-0.1).epsilon(1e-5));
  CHECK(second[2] == 0);
}

TEST_CASE("reference: layouts go there and back, padding is seen") {
  Draw draw(8);
  Images x(2, 5, 3, 4);
  draw.fill(x.v, -1, 1);
  for (const MapShape& s : {MapShape::image(3, 4, 5), MapShape::layer(3, 4, 5), MapShape::layer(3, 4, 5).compact()}) {
    std::vector<float> host = to_layout(s, std::vector{x, x});
    CHECK(from_layout(s, host, 1, x) == x.v);
    CHECK(host[static_cast<std::size_t>(s.offset(1, 2)) + 3] == static_cast<float>(x.at(0, 3, 1, 2)));
    CHECK(padding_is_zero(s, host, x));
    if (s.border == 0) continue;
    host[s.size()] = std::numeric_limits<float>::quiet_NaN();  // a corner of the second view
    CHECK_FALSE(padding_is_zero(s, host, x));
  }
  Matrix w(3, 60);
  draw.fill(w.v, -1, 1);
  const HeadShape head{MapShape::layer(3, 4, 5), 3};
  CHECK(from_layout(head, to_layout(head, std::vector{w}), 0, w) == w.v);
  ConvWeights c(3, 5);
  draw.fill(c.v, -1, 1);
  const ConvShape conv = ConvShape::make(MapShape::layer(3, 4, 5), 3, Downsample::none, Activation::none);
  const std::vector<float> stored = to_layout(conv, std::vector{c});
  CHECK(from_layout(conv, stored, 0, c) == c.v);
  CHECK(stored[static_cast<std::size_t>((2 * 9 + 5) * 16 + 4)] == static_cast<float>(c.at(2, 4, 1, 2)));
}
