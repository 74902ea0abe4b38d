#include "tools/measures/learning_measures.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "engine/error.h"
#include "streams/deformed_images.h"
#include "tests/models/support.h"
#include "tests/streams/view_helpers.h"

// LearningMeasures against the whole-network gradients of the reference in double precision.
namespace saccade {
namespace {

using namespace test;
using Found = std::map<std::pair<int, std::string>, double>;

constexpr int pair_count = 6, negatives = 2, embedding = 20;
constexpr float negative_weight = 0.3f;

/// Odd sizes, every activation, channels that are no multiples of 16.
NetworkSpec odd_network(int head_average) {
  using enum Activation;
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  return {"odd", 3, 11, 9, {{20, dense, hardtanh}, {18, pool, relu}, {17, dense, tanh}}, embedding, head_average};
}

MeasuredPairs measured(const NetworkSpec& net, int first) {
  const Pairs all = grating_pairs(net, first + pair_count);
  const auto from = static_cast<std::ptrdiff_t>(net.map(0).features()) * first;
  return {pair_count, {all.a.begin() + from, all.a.end()}, {all.b.begin() + from, all.b.end()}};
}

/// A learner at two moments, and what measures it.
struct Setting {
  NetworkSpec net;
  std::string rule;
  Heads heads;
  Device& device;
  MeasuredPairs batch, events;
  MeasureOptions options;
  Parameters parameters;

  Setting(Device& on, const std::string& rule_, Heads heads_, int head_average = 1)
      : net(odd_network(head_average)),
        rule(rule_),
        heads(heads_),
        device(on),
        batch(measured(net, 0)),
        events(measured(net, pair_count)),
        parameters(on, net, make_rule(rule_), heads_, 3) {
    options.seed = 3;
    options.heads = heads;
    options.rule = rule;
    options.loss = PairStepOptions{};
    options.loss->negatives = negatives;
    options.loss->negative_weight = negative_weight;
    // Far enough from the start that hardtanh saturates; about half of the terms active.
    scale_convolutions(device, parameters, 2.5f);
    PairStep step(device, parameters, pair_count);
    options.margins.clear();
    for (int i = 0; i < net.depth(); ++i)
      options.margins.push_back(median_margins(step, {pair_count, batch.a, batch.b},
                                               heads == Heads::top_only ? end_to_end : i, embedding, negatives));
  }
  LearningMeasures measures() const { return {device, net, options, batch, events}; }
  /// Every weight moves on, by other amounts.
  void learn(double size) {
    std::vector<Tensor> tensors = tensors_of(parameters);
    ref::Draw draw(8);
    for (Tensor& t : tensors)
      for (float& w : t.data) w += static_cast<float>(size * draw.uniform(-1, 1)) * w;
    parameters.load(device, tensors);
  }
};

Found by_name(const std::vector<Measure>& measures) {
  Found found;
  for (const Measure& m : measures) {
    CAPTURE(m.quantity);
    CHECK(found.try_emplace({m.layer, m.quantity}, m.value).second);
  }
  return found;
}

ref::Rule reference_rule(const std::string& name) {
  if (name == "bp") return ref::Rule::bp;
  if (name == "rf") return ref::Rule::rf;
  return name == "sign" ? ref::Rule::sign : ref::Rule::sign_forward;
}

using Vector = std::vector<double>;
double dot(const Vector& a, const Vector& b) {
  REQUIRE(a.size() == b.size());
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}
double length(const Vector& a) { return std::sqrt(dot(a, a)); }
double cosine_of(const Vector& a, const Vector& b) { return dot(a, b) / (length(a) * length(b)); }
Vector minus(const Vector& a, const Vector& b) {
  Vector c = a;
  for (std::size_t i = 0; i < a.size(); ++i) c[i] -= b[i];
  return c;
}

/// Gradients as the reference finds them: of all pairs, or of view `only` alone.
class Reference {
 public:
  Reference(const Setting& s, const std::vector<Tensor>& weights)
      : s_(s), forward_(reference_network(s.net, weights)), feedback_(reference_network(s.net, weights, "feedback.")) {}

  /// Of (kind, layer) with its own loss; the same for both kinds end to end.
  Vector gradient(const std::string& kind, int layer, const MeasuredPairs& pairs, bool bp, int only = -1) {
    const int level = s_.heads == Heads::top_only ? end_to_end : layer;
    const auto& all = network(level, pairs, bp, only);
    return kind == "conv" ? all.gradient.convs[static_cast<std::size_t>(layer)].v
                          : all.gradient.heads[static_cast<std::size_t>(layer)].v;
  }
  const ref::Network& forward() const { return forward_; }

 private:
  const ref::NetworkGradients& network(int level, const MeasuredPairs& pairs, bool bp, int only) {
    const auto key = std::make_tuple(level, &pairs, bp, only);
    if (const auto found = known_.find(key); found != known_.end()) return found->second;
    const Margins m = s_.options.margins.at(static_cast<std::size_t>(level == end_to_end ? s_.net.depth() - 1 : level));
    const ref::Loss whole = ref::batch_hinge(negatives, negative_weight, static_cast<double>(m.positive),
                                             static_cast<double>(m.negative), true);
    const ref::Loss loss = [&](const ref::Matrix& a, const ref::Matrix& b) {
      ref::PairLoss r = whole(a, b);
      for (int row = 0; row < r.b_error.rows; ++row)
        for (int e = 0; only >= 0 && row != only && e < r.b_error.columns; ++e) r.b_error.at(row, e) = 0;
      return r;
    };
    return known_[key] = ref::network_gradients(forward_, feedback_, bp ? ref::Rule::bp : reference_rule(s_.rule),
                                                level, reference_images(s_.net, pairs.a, pair_count),
                                                reference_images(s_.net, pairs.b, pair_count), loss);
  }

  const Setting& s_;
  ref::Network forward_, feedback_;
  std::map<std::tuple<int, const MeasuredPairs*, bool, int>, ref::NetworkGradients> known_;
};

Vector weights_of(const std::vector<Tensor>& tensors, const std::string& kind, int layer) {
  for (const Tensor& t : tensors)
    if (t.name == kind + "." + std::to_string(layer) + ".weight") return {t.data.begin(), t.data.end()};
  return {};
}

/// Mean square, variance and participation ratio of n vectors x(view, feature), by the covariance.
struct Spread {
  double norm2 = 0, variance = 0, ratio = 0;
};
template <class X>
Spread spread_of(int features, X x) {
  Vector mean(static_cast<std::size_t>(features));
  Spread s;
  double squares = 0;
  for (int f = 0; f < features; ++f)
    for (int v = 0; v < pair_count; ++v)
      mean[static_cast<std::size_t>(f)] += x(v, f) / pair_count, s.norm2 += x(v, f) * x(v, f) / pair_count;
  for (int f = 0; f < features; ++f)
    for (int g = 0; g < features; ++g) {
      double c = 0;
      for (int v = 0; v < pair_count; ++v)
        c += (x(v, f) - mean[static_cast<std::size_t>(f)]) * (x(v, g) - mean[static_cast<std::size_t>(g)]) / pair_count;
      s.variance += f == g ? c : 0, squares += c * c;
    }
  s.ratio = s.variance * s.variance / squares;
  return s;
}

/// Of the features of the views b that the head of `layer` reads, and of what it makes of them where it is there; the
/// share of saturated outputs, or nothing.
void expect_features(const Setting& s, const ref::Network& network, int layer, Found& want) {
  const ref::Images views = reference_images(s.net, s.batch.b, pair_count);
  const ref::Images map = ref::forward(network, s.net.depth() - 1, views).maps.at(static_cast<std::size_t>(layer) + 1);
  const ref::Images x = ref::average_pool(map, s.net.head_average).value;
  const int count = x.features();
  const Spread features =
      spread_of(count, [&](int view, int f) { return x.v[static_cast<std::size_t>(view * count + f)]; });
  want[{layer, "feature_norm2"}] = features.norm2;
  want[{layer, "feature_variance"}] = features.variance;
  want[{layer, "participation_ratio"}] = features.ratio;
  if (s.heads == Heads::every_layer || layer == s.net.depth() - 1) {
    const ref::Matrix embeddings = ref::forward(network, layer, views).embedding;
    const Spread e = spread_of(embedding, [&](int view, int i) { return embeddings.at(view, i); });
    want[{layer, "embedding_variance"}] = e.variance;
    want[{layer, "embedding_participation_ratio"}] = e.ratio;
  }
  const Activation activation = s.net.conv(layer).activation;
  if (activation == Activation::relu) return;
  double beyond = 0;
  for (const double y : map.v) beyond += activation == Activation::hardtanh ? std::fabs(y) >= 1 : std::fabs(y) > 0.99;
  want[{layer, "saturation"}] = beyond / static_cast<double>(map.v.size());
}

/// In degrees, between forward weights and those that carry the error through the bundle; nothing where none does.
void expect_angle(const Setting& s, const std::vector<Tensor>& now, const std::string& kind, int layer, Found& want) {
  if (s.rule == "bp" || (kind == "conv" && (s.heads != Heads::top_only || layer == 0))) return;
  const Vector forward = weights_of(now, kind, layer);
  Vector back = s.rule == "sign-forward" ? forward : weights_of(now, "feedback." + kind, layer);
  if (s.rule != "rf")
    for (double& w : back) w = w > 0 ? 1 : w < 0 ? -1 : 0;
  want[{layer, kind + "_feedback_angle"}] = std::acos(cosine_of(forward, back)) / std::acos(-1.0) * 180;
}

/// All that the header promises for the weights `now`, at `before` the last time, `initial` first.
Found expected(const Setting& s, const std::vector<Tensor>& initial, const std::vector<Tensor>& before,
               const std::vector<Tensor>& now) {
  Found want;
  Reference there(s, before), here(s, now);
  for (int layer = 0; layer < s.net.depth(); ++layer) {
    for (const std::string kind : {"conv", "head"}) {
      if (kind == "head" && s.heads == Heads::top_only && layer < s.net.depth() - 1) continue;
      const Vector w = weights_of(now, kind, layer), w0 = weights_of(initial, kind, layer),
                   last = weights_of(before, kind, layer);
      want[{layer, kind + "_moved"}] = length(minus(w, w0)) / length(w0);
      want[{layer, kind + "_step"}] = length(minus(w, last)) / length(w);
      want[{layer, kind + "_descent"}] = cosine_of(minus(last, w), there.gradient(kind, layer, s.batch, true));
      const Vector g = here.gradient(kind, layer, s.batch, true), u = here.gradient(kind, layer, s.batch, false);
      want[{layer, kind + "_gradient_norm"}] = length(u) / pair_count;
      expect_angle(s, now, kind, layer, want);
      if (kind == "conv" && s.rule != "bp") want[{layer, "conv_rule_descent"}] = cosine_of(u, g);
      double squared = 0, cosines = 0, learn = 0;
      for (int i = 0; i < pair_count; ++i) {
        const Vector one = here.gradient(kind, layer, s.events, false, i);
        if (length(one) == 0) continue;
        squared += dot(one, one) / pair_count, cosines += cosine_of(one, g), learn += 1;
      }
      REQUIRE(learn > 0);
      want[{layer, kind + "_event_gradient_norm"}] = std::sqrt(squared);
      want[{layer, kind + "_event_descent"}] = cosines / learn;
    }
    expect_features(s, here.forward(), layer, want);
  }
  return want;
}

/// Empty when all is there and close: rounding of float32 activity, away from kinks.
std::string fault(const Found& got, const Found& want) {
  for (const auto& [key, value] : got)
    if (!want.contains(key)) return key.second + " of layer " + std::to_string(key.first) + " is there";
  for (const auto& [key, value] : want) {
    const std::string name = key.second + " of layer " + std::to_string(key.first);
    if (!got.contains(key)) return name + " is missing";
    if (!(std::fabs(got.at(key) - value) <= 2e-5 * std::max(1.0, std::fabs(value))))
      return name + ": " + std::to_string(got.at(key)) + " instead of " + std::to_string(value);
  }
  return {};
}

}  // namespace

TEST_CASE("measures of learning against the reference: rules, layer-wise and end to end, averaged heads") {
  const auto device = make_cpu_device(2);
  for (const std::string rule : {"bp", "rf", "sign", "sign-forward"})
    for (const Heads heads : {Heads::every_layer, Heads::top_only})
      for (const int average : {1, 2}) {
        if (average == 2 && rule != "rf") continue;
        CAPTURE(rule);
        CAPTURE(static_cast<int>(heads));
        CAPTURE(average);
        Setting s(*device, rule, heads, average);
        const std::vector<Tensor> initial = tensors_of(Parameters(*device, s.net, make_rule(rule), heads, 3)),
                                  before = tensors_of(s.parameters);
        LearningMeasures measures = s.measures();
        const Found first = by_name(measures.measure(100, s.parameters));
        CHECK(measures.latest() == 100);
        CHECK(!first.contains({0, "conv_step"}));
        CHECK(!first.contains({0, "conv_descent"}));
        s.learn(0.02);
        const std::vector<Tensor> now = tensors_of(s.parameters);
        const Found got = by_name(measures.measure(200, s.parameters));
        Found want = expected(s, initial, before, now);
        CHECK(fault(got, want) == "");
        CHECK(got.at({0, "saturation"}) > 0);
        // It only reads.
        for (std::size_t t = 0; t < now.size(); ++t) CHECK(tensors_of(s.parameters)[t].data == now[t].data);
        // The detector detects.
        want[{1, "conv_event_descent"}] += 1e-3;
        CHECK(fault(got, want).starts_with("conv_event_descent of layer 1"));
        want[{1, "conv_event_descent"}] = std::numeric_limits<double>::quiet_NaN();
        CHECK(fault(got, want) != "");
        // What untrained() says, now and whatever was measured, is what the network before it learned would measure.
        Found at_first;
        Reference reference(s, initial);
        for (int layer = 0; layer < s.net.depth(); ++layer) expect_features(s, reference.forward(), layer, at_first);
        CHECK(fault(by_name(measures.untrained()), at_first) == "");
      }
}

TEST_CASE("steps down the gradient descend, steps up it climb, and no step has no direction") {
  const auto device = make_cpu_device(1);
  for (const Heads heads : {Heads::every_layer, Heads::top_only})
    for (const double sign : {-1.0, 1.0}) {
      Setting s(*device, "bp", heads);
      LearningMeasures measures = s.measures();
      measures.measure(0, s.parameters);
      std::vector<Tensor> tensors = tensors_of(s.parameters);
      Reference reference(s, tensors);
      for (Tensor& t : tensors) {
        if (t.name == "conv.1.weight") continue;  // this one stays
        const Vector g = reference.gradient(t.name.substr(0, 4), t.name[5] - '0', s.batch, true);
        const double size = 0.03 * length({t.data.begin(), t.data.end()}) / length(g);
        for (std::size_t i = 0; i < g.size(); ++i) t.data[i] += static_cast<float>(sign * size * g[i]);
      }
      s.parameters.load(*device, tensors);
      Found got = by_name(measures.measure(1, s.parameters));
      for (const auto& [key, value] : got)
        if (key.second.ends_with("_event_descent") || key.second.ends_with("rule_descent"))
          continue;
        else if (key.second.ends_with("_descent"))
          CHECK(value == doctest::Approx(-sign).epsilon(1e-4));
        else if (key.second.ends_with("_step"))
          CHECK(value == doctest::Approx(key == std::pair{1, std::string("conv_step")} ? 0.0 : 0.03).epsilon(0.02));
      CHECK(got.contains({2, "head_descent"}));
      CHECK(got.contains({0, "conv_descent"}));
      CHECK(!got.contains({1, "conv_descent"}));
    }
}

TEST_CASE("an event against a batch that it is part of would look better than it is: noise alone gives 0") {
  // Errors of random signs: margins beyond all distances make every term active.
  const auto device = make_cpu_device(1);
  Setting s(*device, "bp", Heads::every_layer);
  s.options.margins = {{0, 1e6f}};
  LearningMeasures together(*device, s.net, s.options, s.batch, s.batch), apart = s.measures();
  const Found own = by_name(together.measure(0, s.parameters)), other = by_name(apart.measure(0, s.parameters));
  for (int layer = 0; layer < s.net.depth(); ++layer)
    CHECK(own.at({layer, "head_event_descent"}) > other.at({layer, "head_event_descent"}));
}

TEST_CASE("weights that are no numbers do not measure as if they were") {
  const auto device = make_cpu_device(1);
  Setting s(*device, "bp", Heads::every_layer);
  LearningMeasures measures = s.measures();
  measures.measure(0, s.parameters);
  std::vector<Tensor> tensors = tensors_of(s.parameters);
  for (Tensor& t : tensors) std::fill(t.data.begin(), t.data.end(), std::numeric_limits<float>::quiet_NaN());
  s.parameters.load(*device, tensors);
  const Found got = by_name(measures.measure(1, s.parameters));
  for (const char* quantity : {"conv_moved", "conv_step", "conv_descent", "head_moved", "head_descent", "feature_norm2",
                               "feature_variance", "participation_ratio"})
    CHECK(std::isnan(got.at({2, quantity})));
}

TEST_CASE("measures go on behind a checkpoint as if nothing had been") {
  const auto device = make_cpu_device(2);
  Setting s(*device, "rf", Heads::every_layer);
  LearningMeasures whole = s.measures(), resumed = s.measures(), fresh = s.measures();
  const std::vector<Tensor> before = tensors_of(s.parameters);
  Checkpoint none, checkpoint;
  whole.save(none);
  const std::string nothing = fingerprint(Checkpoint{});
  fresh.load(none);
  CHECK(!fresh.latest());
  whole.measure(7, s.parameters);
  whole.save(checkpoint);
  CHECK(fingerprint(checkpoint) == nothing);  // bookkeeping
  resumed.load(checkpoint);
  CHECK(resumed.latest() == 7);
  s.learn(0.01);
  const std::vector<Measure> expected = whole.measure(9, s.parameters), got = resumed.measure(9, s.parameters);
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    CHECK(got[i].quantity == expected[i].quantity);
    CHECK(got[i].layer == expected[i].layer);
    CHECK(got[i].value == expected[i].value);
  }

  Checkpoint other = checkpoint;
  other.tensors[0].shape = {1}, other.tensors[0].data = {0};
  CHECK_THROWS_AS(s.measures().load(other), InputError);
  other = checkpoint;
  other.tensors.pop_back();
  CHECK_THROWS_AS(s.measures().load(other), InputError);
  for (const std::vector<std::int64_t>& when : {std::vector<std::int64_t>{1, 2}, {-1}}) {
    other = checkpoint;
    other.integers[0].values = when;
    CHECK_THROWS_AS(s.measures().load(other), InputError);
  }
  CHECK_THROWS_AS(s.measures().load(Checkpoint{}), InputError);
}

TEST_CASE("measures have the same bits with one thread or two, with AVX2 and AVX-512") {
  std::map<std::string, Found> found;
  for (const std::string isa : {"avx2", "avx512"})
    for (const int threads : {1, 2})
      if (Device* device = ref::cpu_device(isa, threads)) {
        Setting s(*device, "rf", Heads::every_layer);
        LearningMeasures measures = s.measures();
        measures.measure(0, s.parameters);
        s.learn(0.01);
        found[isa + std::to_string(threads)] = by_name(measures.measure(1, s.parameters));
      }
  for (const auto& [where, values] : found) {
    CAPTURE(where);
    CHECK(values == found.begin()->second);
  }
}

TEST_CASE("what has no gradients of single events still measures the rest") {
  const auto device = make_cpu_device(2);
  const auto quantities = [&](auto change) {
    Setting s(*device, "bp", Heads::every_layer);
    change(s.options);
    LearningMeasures measures = s.measures();
    measures.measure(0, s.parameters);
    s.learn(0.01);
    std::set<std::string> names;
    for (const Measure& m : measures.measure(1, s.parameters)) names.insert(m.quantity);
    return names;
  };
  const std::set<std::string> features{"feature_norm2", "feature_variance", "participation_ratio", "saturation"},
      embeddings{"embedding_variance", "embedding_participation_ratio"};
  const auto with = [](std::set<std::string> all, const std::set<std::string>& more) {
    all.insert(more.begin(), more.end());
    return all;
  };
  const auto ways = with(with(features, embeddings), {"conv_moved", "head_moved", "conv_step", "head_step"}),
             descents = with(ways, {"conv_descent", "head_descent"});
  CHECK(quantities([](MeasureOptions& o) { o.loss.reset(); }) == ways);
  CHECK(quantities([](MeasureOptions& o) { o.loss.reset(), o.head_measures = false; }) ==
        with(features, {"conv_moved", "conv_step"}));
  CHECK(quantities([](MeasureOptions& o) { o.loss->block = false; }) == descents);
  CHECK(quantities([](MeasureOptions& o) { o.loss->loss = "simclr"; }) == descents);
  CHECK(quantities([](MeasureOptions& o) { o.rule = "dtp"; }) == descents);
}

TEST_CASE("the rule's update beside the gradient, and the angles of feedback, under every loss that is carried back") {
  const auto device = make_cpu_device(2);
  for (const bool simclr : {false, true}) {
    Setting s(*device, "rf", Heads::top_only);
    s.options.loss->loss = simclr ? "simclr" : "hinge", s.options.loss->block = false;
    const Found got = by_name(s.measures().measure(0, s.parameters));
    for (int layer = 0; layer < s.net.depth(); ++layer) {
      CHECK(std::fabs(got.at({layer, "conv_rule_descent"})) < 1);
      CHECK(got.contains({layer, "conv_feedback_angle"}) == (layer > 0));
      if (layer > 0) CHECK(std::fabs(got.at({layer, "conv_feedback_angle"}) - 90) < 15);
    }
    CHECK(!got.contains({2, "conv_event_descent"}));
    // Feedback that is the forward weights: no angle, and the update is the gradient.
    std::vector<Tensor> tensors = tensors_of(s.parameters);
    for (Tensor& back : tensors)
      for (const Tensor& t : tensors)
        if (back.name == "feedback." + t.name) back.data = t.data;
    s.parameters.load(*device, tensors);
    const Found aligned = by_name(s.measures().measure(0, s.parameters));
    for (int layer = 0; layer < s.net.depth(); ++layer) {
      CHECK(aligned.at({layer, "conv_rule_descent"}) == doctest::Approx(1));
      if (layer > 0) CHECK(aligned.at({layer, "conv_feedback_angle"}) < 1e-5);
    }
  }
}

TEST_CASE("measured pairs: two views each of one object, all objects in turn, not those of the stream") {
  const ImageSet images = noise_images(8, 8, 3, 5);
  const DeformedImages source(images, ViewKind::affine_hsv, 9);
  const std::size_t pixels = source.view_shape().values();
  const MeasuredPairs all = measured_pairs(source, 9, 0, 12), later = measured_pairs(source, 9, 5, 7);
  CHECK(all.count == 12);
  REQUIRE(all.a.size() == 12 * pixels);
  REQUIRE(all.b.size() == 12 * pixels);
  CHECK(std::equal(later.a.begin(), later.a.end(), all.a.begin() + static_cast<std::ptrdiff_t>(5 * pixels)));
  CHECK(std::equal(later.b.begin(), later.b.end(), all.b.begin() + static_cast<std::ptrdiff_t>(5 * pixels)));
  CHECK(all.a != measured_pairs(source, 10, 0, 12).a);

  // Which object, by the plain source: its views are the images themselves.
  const DeformedImages plain(images, ViewKind::plain, 9);
  const MeasuredPairs shown = measured_pairs(plain, 9, 0, 10);
  CHECK(shown.a == shown.b);
  std::multiset<std::vector<float>> objects;
  for (std::size_t i = 0; i < 10; ++i)
    objects.insert({shown.a.begin() + static_cast<std::ptrdiff_t>(i * pixels),
                    shown.a.begin() + static_cast<std::ptrdiff_t>((i + 1) * pixels)});
  for (const auto& object : objects) CHECK(objects.count(object) == 2);
}

}  // namespace saccade
