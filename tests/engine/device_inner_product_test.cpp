#include <limits>

#include "tests/reference/cases.h"
#include "tests/reference/head.h"
#include "tests/reference/tensors.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

struct Problem {
  int count, anchors, views;
  Activation activation;
  bool exact;  ///< sums are exact in float
  std::vector<InnerProductTerm> terms;
  Matrix prediction, view;
};

/// Every view with about half of the anchors, one view and one anchor with none; scores on both sides of both margins.
Problem make_problem(int count, int anchors, int views, Activation activation, bool exact, std::uint64_t seed) {
  Problem p{count, anchors, views, activation, exact, {}, Matrix(anchors, count), Matrix(views, count)};
  Draw draw(seed);
  for (Matrix* m : {&p.prediction, &p.view}) {
    if (exact)
      draw.fill_exact(m->v);
    else
      draw.fill(m->v, -1.1 / std::sqrt(std::sqrt(count)), 1.1 / std::sqrt(std::sqrt(count)));
  }
  for (double& x : p.view.v)
    if (activation == Activation::hardtanh && draw.below(5) == 0) x = draw.below(2) == 0 ? 1 : -1;
  for (int v = 0; v < views; ++v)
    for (int a = 0; a < anchors; ++a)
      if (v != 1 && a != 1 && draw.below(2) == 0)
        p.terms.push_back({a, v, draw.below(2) == 0, exact ? 0.25f : static_cast<float>(draw.uniform(0.1, 1))});
  return p;
}

struct Want {
  std::vector<double> score, loss, view_error, prediction_error, scale, view_scale, prediction_scale;
  std::vector<std::int32_t> active, view_active, anchor_active;
  double nearest = INFINITY;
};

Want expected(const Problem& p) {
  Want w;
  w.view_error = w.view_scale = std::vector<double>(p.view.v.size());
  w.prediction_error = w.prediction_scale = std::vector<double>(p.prediction.v.size());
  w.view_active.resize(static_cast<std::size_t>(p.views));
  w.anchor_active.resize(static_cast<std::size_t>(p.anchors));
  for (const InnerProductTerm& t : p.terms) {
    double score = 0, scale = 0;
    for (int i = 0; i < p.count; ++i) {
      score += p.prediction.at(t.anchor, i) * p.view.at(t.view, i);
      scale += std::fabs(p.prediction.at(t.anchor, i) * p.view.at(t.view, i));
    }
    const double y = t.positive ? 1 : -1, weight = static_cast<double>(t.weight), excess = 1 - y * score;
    w.nearest = std::fmin(w.nearest, std::fabs(excess));
    w.score.push_back(score), w.scale.push_back(scale);
    w.active.push_back(excess > 0);
    w.loss.push_back(excess > 0 ? weight * excess : 0);
    if (!(excess > 0)) continue;
    w.view_active[static_cast<std::size_t>(t.view)] = w.anchor_active[static_cast<std::size_t>(t.anchor)] = 1;
    for (int i = 0; i < p.count; ++i) {
      const auto v = static_cast<std::size_t>(t.view * p.count + i),
                 a = static_cast<std::size_t>(t.anchor * p.count + i);
      const double slope = derivative(p.activation, p.view.v[v]);
      w.view_error[v] -= y * weight * p.prediction.v[a] * slope;
      w.view_scale[v] += slope == 0 ? 0 : std::fabs(weight * p.prediction.v[a]);
      w.prediction_error[a] -= y * weight * p.view.v[v];
      w.prediction_scale[a] += std::fabs(weight * p.view.v[v]);
    }
  }
  return w;
}

Outputs run(Device& device, const Problem& p) {
  const RowShape rows{p.count};
  const auto count = static_cast<std::size_t>(p.count);
  const Guarded<float> prediction(device, count, 1, p.anchors, to_layout(rows, std::vector{p.prediction}));
  const Guarded<float> view(device, count, 1, p.views, to_layout(rows, std::vector{p.view}));
  const Guarded<float> view_error(device, count, 1, p.views, junk(rows, p.view, 1));
  const Guarded<float> prediction_error(device, count, 1, p.anchors, junk(rows, p.prediction, 1));
  const auto flags = [&](int n) {
    return Guarded<std::int32_t>(device, 1, 1, n, std::vector<std::int32_t>(static_cast<std::size_t>(n), 99));
  };
  const Guarded<std::int32_t> view_active = flags(p.views), anchor_active = flags(p.anchors);
  const Guarded<InnerProductResult> results(device, std::max<std::size_t>(1, p.terms.size()));
  device.inner_product_hinge({count, p.anchors, p.views, p.terms, 1, p.activation, prediction.strided(), view.strided(),
                              view_error.strided(), view_active.strided(), prediction_error.strided(),
                              anchor_active.strided(), results.strided().data});
  CHECK((prediction.intact() && view.intact() && view_error.intact() && prediction_error.intact() &&
         view_active.intact() && anchor_active.intact() && results.intact()));
  const std::vector<InnerProductResult> found = results.read();
  Outputs out;
  for (std::size_t i = 0; i < p.terms.size(); ++i) {
    const InnerProductResult& r = found[i];
    out.floats["score"].push_back(r.score);
    out.floats["loss"].push_back(r.loss);
    out.ints["active"].push_back(r.active);
  }
  out.floats["view_error"] = view_error.read();
  out.floats["prediction_error"] = prediction_error.read();
  out.ints["view_active"] = view_active.read();
  out.ints["anchor_active"] = anchor_active.read();
  return out;
}

}  // namespace

TEST_CASE("inner_product_hinge against the reference") {
  using enum Activation;
  std::vector<Problem> problems;
  std::uint64_t seed = 60;
  for (int count : {16, 48, 80, 1024, 1040, 2736})
    for (Activation activation : {none, hardtanh, tanh, relu})
      for (bool exact : {false, true})
        if (!exact || activation != tanh) problems.push_back(make_problem(count, 7, 9, activation, exact, ++seed));
  problems.push_back(make_problem(32, 0, 3, none, false, 1));
  problems.push_back(make_problem(32, 3, 0, none, false, 1));
  problems.push_back(make_problem(18496, 40, 12, hardtanh, false, 2));
  int terms = 0, active = 0;
  for (const Problem& p : problems) {
    CAPTURE(p.count);
    CAPTURE(static_cast<int>(p.activation));
    CAPTURE(p.exact);
    const Want want = expected(p);
    REQUIRE((p.exact || want.nearest > 1e-5));  // exact scores may lie on the kink: both sides agree there too
    terms += static_cast<int>(p.terms.size());
    active += static_cast<int>(std::count(want.active.begin(), want.active.end(), 1));
    on_all_devices(
        [&](Device& device) { return run(device, p); },
        [&](const Outputs& out) {
          if (!p.terms.empty()) {
            CHECK(out.ints.at("active") == want.active);
            CHECK_CLOSE(compare(out.floats.at("score"), want.score, want.scale, p.exact ? 0 : sum_bound(p.count)));
            std::vector<double> scale = want.scale;
            for (std::size_t i = 0; i < scale.size(); ++i) scale[i] = want.active[i] ? 1 + scale[i] : 0;
            CHECK_CLOSE(
                compare(out.floats.at("loss"), want.loss, scale, p.exact ? 0 : sum_bound(p.count) + 2 * unit_roundoff));
          }
          CHECK(out.ints.at("view_active") == want.view_active);
          CHECK(out.ints.at("anchor_active") == want.anchor_active);
          // At most 40 terms meet in an element; f' of tanh adds its two roundings.
          const double limit = p.exact ? 0 : sum_bound(40) + 3 * unit_roundoff;
          CHECK_CLOSE(compare(out.floats.at("view_error"), want.view_error, want.view_scale, limit));
          CHECK_CLOSE(compare(out.floats.at("prediction_error"), want.prediction_error, want.prediction_scale, limit));
        });
  }
  CHECK(active > terms * 0.3);
  CHECK(active < terms * 0.95);
}

TEST_CASE("inner_product_hinge: a score on the margin is inactive, NaN is not hidden") {
  Problem p{16, 2, 3, Activation::none, true, {}, Matrix(2, 16), Matrix(3, 16)};
  p.prediction.at(0, 3) = 1;
  p.view.at(0, 3) = 1;
  p.view.at(1, 3) = -1;
  p.view.at(2, 5) = std::numeric_limits<double>::quiet_NaN();
  p.terms = {{0, 0, true, 1}, {0, 1, false, 1}, {1, 1, true, 0.5f}, {1, 2, false, 1}};
  on_all_devices([&](Device& device) { return run(device, p); },
                 [&](const Outputs& out) {
                   CHECK(out.ints.at("active") == std::vector<std::int32_t>{0, 0, 1, 0});
                   CHECK(out.ints.at("view_active") == std::vector<std::int32_t>{0, 1, 0});
                   CHECK(out.ints.at("anchor_active") == std::vector<std::int32_t>{0, 1});
                   CHECK(out.floats.at("loss")[2] == 0.5f);
                   CHECK(std::isnan(out.floats.at("loss")[3]));
                 });
}

TEST_CASE("head_input_gradient adds to what is there when asked, and leaves inactive views alone") {
  const HeadShape shape{MapShape::layer(3, 2, 20), 20};
  Draw draw(3);
  Images in(3, 20, 3, 2), before = in;
  Matrix error(3, 20), weights(20, 120);
  draw.fill_exact(in.v), draw.fill_exact(before.v), draw.fill_exact(error.v), draw.fill_exact(weights.v);
  const Active active{1, 0, 1};
  Images want = head_input_gradient(error, weights, in, Activation::hardtanh, active).value;
  for (std::size_t i = 0; i < want.v.size(); ++i) want.v[i] += before.v[i];
  const RowShape rows{32};
  on_all_devices(
      [&](Device& device) {
        const Guarded<float> x(device, shape.in.size(), 1, 3, to_layout(shape.in, std::vector{in}));
        const Guarded<float> e(device, 32, 1, 3, to_layout(rows, std::vector{error}));
        const Guarded<float> w(device, shape.weights(), 1, 1, to_layout(shape, std::vector{weights}));
        const Guarded<float> below(device, shape.in.size(), 1, 3, to_layout(shape.in, std::vector{before}));
        const Guarded<std::int32_t> flags(device, 1, 1, 3, {1, 0, 1});
        device.head_input_gradient({shape,
                                    {1, 3},
                                    e.strided(),
                                    {w.shared()},
                                    x.strided(),
                                    Activation::hardtanh,
                                    flags.strided(),
                                    below.strided(),
                                    true});
        CHECK(below.intact());
        Outputs out;
        out.floats["below"] = below.read();
        return out;
      },
      [&](const Outputs& out) {
        CHECK_CLOSE(compare_exact(from_layout(shape.in, out.floats.at("below"), 0, in), want.v));
      });
}
