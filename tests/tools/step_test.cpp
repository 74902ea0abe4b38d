#include "tools/step.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <optional>
#include <set>

#include "engine/error.h"
#include "reference/compare.h"
#include "reference/network.h"
#include "tools/safetensors.h"
#include "tools/temporary_folder.h"

/// `saccade step` against the double reference: files in, files out, as someone who checks this program would use it.
namespace saccade {
namespace {

using reference::Draw;
using reference::Images;
using reference::Matrix;
using reference::PairLoss;

struct Declared {
  std::string text;  ///< the experiment file, or a known name
  int channels, side;
  std::vector<reference::Layer> layers;
  std::vector<int> widths;
  bool local = false;  ///< every layer
};

constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;

Declared grey() {
  using enum Activation;
  return {
      "[network]\nlayers = [{channels = 6, pool = true, activation = \"hardtanh\"}, {channels = 17, activation = "
      "\"hardtanh\"}, {channels = 7, pool = true, activation = \"tanh\"}]\n",
      1,
      28,
      {{pool, hardtanh}, {dense, hardtanh}, {pool, tanh}},
      {6, 17, 7}};
}
Declared colour() {
  using enum Activation;
  return {
      "data = \"cifar10\"\n[network]\nlayers = [{channels = 5, pool = true}, {channels = 16, pool = true, activation = "
      "\"relu\"}, {channels = 3}]\n",
      3,
      32,
      {{pool, none}, {pool, relu}, {dense, none}},
      {5, 16, 3}};
}
Declared conv3() {
  using enum Activation;
  return {"conv3", 1, 28, {{pool, tanh}, {pool, tanh}, {pool, tanh}}, {32, 64, 128}};
}

Declared local() {
  using enum Activation;
  return {
      "[network]\nlayers = [{kind = \"local\", channels = 6, pool = true, activation = \"hardtanh\"}, {kind = "
      "\"local\", "
      "channels = 17, stride = 2}, {kind = \"local\", channels = 7, activation = \"tanh\"}]\n",
      1,
      28,
      {{pool, hardtanh}, {Downsample::stride, none}, {dense, tanh}},
      {6, 17, 7},
      true};
}

/// Waves of high contrast with a black border: saturation, and ties in flat areas.
Images smooth_views(int n, int channels, int side, Draw& draw) {
  Images views(n, channels, side, side);
  for (int i = 0; i < n; ++i)
    for (int c = 0; c < channels; ++c) {
      const double fx = draw.uniform(-0.6, 0.6), fy = draw.uniform(-0.6, 0.6), phase = draw.uniform(0, 6.3);
      for (int y = 0; y < side; ++y)
        for (int x = 0; x < side; ++x)
          views.at(i, c, y, x) =
              x < i
                  ? 0
                  : static_cast<double>(static_cast<float>(1 / (1 + std::exp(-4 * std::sin(fx * x + fy * y + phase)))));
    }
  return views;
}

struct Case {
  Declared declared;
  reference::Network network, feedback;
  Images a, b;
  std::vector<double> bias;
  std::vector<int> labels;
  int embedding;

  Case(Declared d, int pairs, int embedding_, std::uint64_t seed) : declared(std::move(d)), embedding(embedding_) {
    Draw draw(seed);
    a = smooth_views(pairs, declared.channels, declared.side, draw);
    b = smooth_views(pairs, declared.channels, declared.side, draw);
    // The two views of a pair are alike, or positives would be as far apart as negatives.
    for (std::size_t i = 0; i < b.v.size(); ++i)
      b.v[i] = static_cast<double>(static_cast<float>(0.7 * a.v[i] + 0.3 * b.v[i]));
    int channels = declared.channels, side = declared.side;
    for (std::size_t i = 0; i < declared.layers.size(); ++i) {
      for (reference::Network* to : {&network, &feedback}) {
        const double bound = 2.5 / std::sqrt(9.0 * channels);  // scaled up, so that hardtanh saturates
        const int stride = declared.layers[i].down == Downsample::stride ? 2 : 1,
                  rows = declared.local ? side / stride : 0;
        to->convs.emplace_back(declared.widths[i], channels, rows, rows, stride);
        draw.fill(to->convs.back().v, -bound, bound);
        to->layers.push_back(declared.layers[i]);
      }
      channels = declared.widths[i];
      side /= declared.layers[i].down == Downsample::none ? 1 : 2;
      for (reference::Network* to : {&network, &feedback}) {
        to->heads.emplace_back(embedding, channels * side * side);
        const double bound = 1 / std::sqrt(static_cast<double>(channels * side * side));
        draw.fill(to->heads.back().v, -bound, bound);
      }
    }
    bias.resize(static_cast<std::size_t>(embedding));
    draw.fill(bias, -0.2, 0.2);
    for (int i = 0; i < pairs; ++i) labels.push_back(draw.below(embedding));
  }
};

Tensor tensor(std::string name, std::vector<std::size_t> shape, const std::vector<double>& values) {
  return {std::move(name), std::move(shape), {values.begin(), values.end()}};
}

std::vector<std::size_t> shape_of(const reference::ConvWeights& w) {
  std::vector<std::size_t> shape{static_cast<std::size_t>(w.k), static_cast<std::size_t>(w.c), 3, 3};
  if (w.h > 0) shape.insert(shape.begin(), {static_cast<std::size_t>(w.h), static_cast<std::size_t>(w.w)});
  return shape;
}

SafeTensors weights_of(const Case& c, bool with_feedback) {
  SafeTensors file;
  for (std::size_t i = 0; i < c.network.convs.size(); ++i)
    for (const auto& [prefix, network] : {std::pair{"", &c.network}, std::pair{"feedback.", &c.feedback}}) {
      if (network == &c.feedback && !with_feedback) continue;
      const auto& conv = network->convs[i];
      const auto& head = network->heads[i];
      const std::string number = std::to_string(i);
      file.reals.push_back(tensor(prefix + ("conv." + number + ".weight"), shape_of(conv), conv.v));
      file.reals.push_back(tensor(prefix + ("head." + number + ".weight"),
                                  {static_cast<std::size_t>(head.rows), static_cast<std::size_t>(head.columns)},
                                  head.v));
    }
  return file;
}

SafeTensors views_of(const Case& c) {
  SafeTensors file;
  for (const auto& [name, images] : {std::pair{"a", &c.a}, std::pair{"b", &c.b}})
    file.reals.push_back(tensor(name,
                                {static_cast<std::size_t>(images->n), static_cast<std::size_t>(images->c),
                                 static_cast<std::size_t>(images->h), static_cast<std::size_t>(images->w)},
                                images->v));
  return file;
}

/// Runs the step on files; `request` lacks only the paths and the network.
SafeTensors run_step(const Case& c, StepRequest request, const SafeTensors& weights, const SafeTensors& views) {
  const TemporaryFolder temporary;
  request.weights = temporary.path / "w";
  request.views = temporary.path / "v";
  write_safetensors(request.weights, weights);
  write_safetensors(request.views, views);
  request.network = c.declared.text;
  if (c.declared.text.find('\n') != std::string::npos) {
    request.network = (temporary.path / "net.toml").string();
    std::ofstream(request.network) << c.declared.text;
  }
  CommonFlags flags;
  flags.quiet = true;
  flags.threads = 2;
  flags.out = temporary.path / "o";
  CHECK(step(request, flags) == 0);
  return read_safetensors(flags.out);
}

std::set<std::string> names_of(const SafeTensors& file) {
  std::set<std::string> names;
  for (const Tensor& t : file.reals) names.insert(t.name);
  return names;
}

/// The feedback that carries an error then receives the forward weights' gradient.
bool feedback_learns(const StepRequest& request) { return request.rule == "urf" || request.rule == "sign"; }

std::set<std::string> expected_names(const Case& c, int level, bool bias = false, bool feedback = false) {
  std::set<std::string> names{"embedding.a", "embedding.b", "distance", "loss"};
  const int depth = c.network.depth(), top = level < 0 ? depth - 1 : level;
  for (int i = level < 0 ? 0 : level; i <= top; ++i) names.insert("grad.conv." + std::to_string(i) + ".weight");
  names.insert("grad.head." + std::to_string(top) + ".weight");
  if (bias) names.insert("grad.head." + std::to_string(top) + ".bias");
  if (feedback) {
    names.insert("grad.feedback.head." + std::to_string(top) + ".weight");
    for (int i = 1; level < 0 && i <= top; ++i) names.insert("grad.feedback.conv." + std::to_string(i) + ".weight");
  }
  return names;
}

constexpr double limit = 1e-5;  ///< relative L2 error of a tensor

void check_tensor(const SafeTensors& got, const std::string& name, const std::vector<std::size_t>& shape,
                  const std::vector<double>& want) {
  CAPTURE(name);
  const Tensor* found = got.real(name);
  REQUIRE(found);
  CHECK(found->shape == shape);
  CHECK(std::any_of(want.begin(), want.end(), [](double x) { return x != 0; }));
  const reference::Verdict verdict = reference::compare_norm(found->data, want, limit);
  CAPTURE(verdict.text);
  CHECK(verdict.ok);
}

reference::Rule reference_rule(const std::string& name) {
  using enum reference::Rule;
  return name == "bp" ? bp : name == "rf" ? rf : name == "urf" ? urf : name == "sign" ? sign : sign_forward;
}

/// Everything that the output file says, against the reference.
void check_step(const Case& c, const StepRequest& request, const reference::Loss& loss, const SafeTensors& views) {
  const int level = request.layer.value_or(reference::end_to_end);
  const int top = level < 0 ? c.network.depth() - 1 : level;
  CAPTURE(request.loss);
  CAPTURE(request.rule);
  CAPTURE(level);
  const bool supervised = request.loss == "supervised";
  SafeTensors weights = weights_of(c, true);
  if (supervised) weights.reals.push_back(tensor("head." + std::to_string(top) + ".bias", {c.bias.size()}, c.bias));
  const SafeTensors got = run_step(c, request, weights, views);
  CHECK(names_of(got) == expected_names(c, level, supervised, feedback_learns(request)));
  for (const Tensor& t : got.reals)
    if (t.name.starts_with("grad.feedback.")) CHECK(t.data == got.real("grad." + t.name.substr(14))->data);

  const auto want =
      reference::network_gradients(c.network, c.feedback, reference_rule(request.rule), level, c.a, c.b, loss);
  Matrix a = reference::forward(c.network, top, c.a).embedding, b = reference::forward(c.network, top, c.b).embedding;
  const auto pairs = static_cast<std::size_t>(a.rows), units = static_cast<std::size_t>(c.embedding);
  if (supervised)
    for (Matrix* m : {&a, &b})
      for (int i = 0; i < m->rows; ++i)
        for (int e = 0; e < m->columns; ++e) m->at(i, e) += c.bias[static_cast<std::size_t>(e)];
  std::vector<double> distance;
  for (int i = 0; i < a.rows; ++i)
    for (int j = 0; j < b.rows; ++j) {
      distance.push_back(0);
      for (int e = 0; e < a.columns; ++e) distance.back() += std::fabs(a.at(i, e) - b.at(j, e));
    }
  check_tensor(got, "embedding.a", {pairs, units}, a.v);
  check_tensor(got, "embedding.b", {pairs, units}, b.v);
  check_tensor(got, "distance", {pairs, pairs}, distance);
  check_tensor(got, "loss", {1}, {want.loss});
  for (int i = level < 0 ? 0 : level; i <= top; ++i) {
    const auto& conv = want.gradient.convs[static_cast<std::size_t>(i)];
    check_tensor(got, "grad.conv." + std::to_string(i) + ".weight", shape_of(conv), conv.v);
  }
  const auto& head = want.gradient.heads[static_cast<std::size_t>(top)];
  check_tensor(got, "grad.head." + std::to_string(top) + ".weight", {units, static_cast<std::size_t>(head.columns)},
               head.v);
  if (supervised)
    check_tensor(
        got, "grad.head." + std::to_string(top) + ".bias", {units},
        reference::cross_entropy(reference::forward(c.network, top, c.b).embedding, c.bias, c.labels).bias_gradient);
}

/// Margins at the middle of the distances, so that about half of each kind of term is active.
std::vector<double> middle_margins(const Case& c, int top, int negatives) {
  const Matrix a = reference::forward(c.network, top, c.a).embedding,
               b = reference::forward(c.network, top, c.b).embedding;
  std::vector<double> positive, negative;
  for (const auto& term : reference::batch_terms(a.rows, negatives, 1)) {
    double sum = 0;
    for (int e = 0; e < a.columns; ++e) sum += std::fabs(a.at(term.anchor, e) - b.at(term.view, e));
    (term.positive ? positive : negative).push_back(sum);
  }
  std::vector<double> margins;
  for (auto* distances : {&positive, &negative}) {
    std::sort(distances->begin(), distances->end());
    const std::size_t half = distances->size() / 2;
    const double middle = static_cast<double>(static_cast<float>(((*distances)[half - 1] + (*distances)[half]) / 2));
    const auto active = std::count_if(distances->begin(), distances->end(), [&](double d) { return d > middle; });
    CHECK(std::fabs(static_cast<double>(active) / static_cast<double>(distances->size()) - 0.5) <= 0.1);
    margins.push_back(middle);
  }
  return margins;
}

constexpr const char* all_rules[] = {"bp", "rf", "urf", "sign", "sign-forward"};

}  // namespace

TEST_CASE("step: contrastive hinge, each rule, each layer and end to end, few and all negatives, blocked and not") {
  std::uint64_t seed = 1;
  int saturated = 0;
  for (const Declared& declared : {grey(), colour()})
    for (int level = reference::end_to_end; level < 3; ++level)
      for (const char* rule : all_rules) {
        const Case c(declared, 6, 20, seed);
        const int top = level < 0 ? 2 : level;
        const bool all = seed % 2 == 0, blocked = seed / 2 % 2 == 0;
        const double weight = all ? 1 : 0.2;
        StepRequest request;
        request.rule = rule;
        if (level >= 0) request.layer = level;
        request.negatives = all ? "all" : "4";
        request.negative_weight = weight;
        request.no_block = !blocked;
        request.margins = middle_margins(c, top, all ? -1 : 4);
        CAPTURE(seed);
        check_step(c, request,
                   reference::batch_hinge(all ? -1 : 4, static_cast<float>(weight), request.margins[0],
                                          request.margins[1], blocked),
                   views_of(c));
        if (level < 0 && declared.channels == 1) {
          const reference::Activity activity = reference::forward(c.network, 2, c.b);
          for (const double y : activity.maps[1].v) saturated += std::fabs(y) == 1;
        }
        ++seed;
      }
  CHECK(saturated > 1000);
}

TEST_CASE("step: SimCLR and supervised, each rule, end to end and one layer") {
  std::uint64_t seed = 101;
  for (const Declared& declared : {grey(), colour()})
    for (const int level : {reference::end_to_end, 1})
      for (const char* rule : all_rules) {
        const Case c(declared, 5, 12, seed);
        CAPTURE(seed);
        StepRequest request;
        request.rule = rule;
        if (level >= 0) request.layer = level;
        // Options of the hinge are allowed and ignored.
        request.margins = {5, 6};
        request.negatives = "all";
        request.loss = "simclr";
        check_step(
            c, request, [](const Matrix& a, const Matrix& b) { return reference::simclr(a, b, 0.1); }, views_of(c));
        request.loss = "supervised";
        SafeTensors views = views_of(c);
        views.integers.push_back({"label", {c.labels.size()}, {c.labels.begin(), c.labels.end()}});
        check_step(
            c, request,
            [&](const Matrix& a, const Matrix& b) {
              auto r = reference::cross_entropy(b, c.bias, c.labels);
              return PairLoss{r.loss, Matrix(a.rows, a.columns), std::move(r.error), {}, {}};
            },
            views);
        ++seed;
      }
}

TEST_CASE("step: conv3") {
  const Case c(conv3(), 3, 64, 7);
  StepRequest request;
  request.negatives = "all";
  request.margins = {0.1, 50};
  request.rule = "rf";
  request.no_block = true;
  check_step(c, request, reference::batch_hinge(-1, 0.2f, static_cast<double>(0.1f), 50, false), views_of(c));
}

TEST_CASE("step: locally connected layers, each rule, each layer and end to end") {
  const Case c(local(), 3, 20, 8);
  for (const std::string rule : {"bp", "rf", "sign"})
    for (const std::optional<int> layer : {std::optional<int>{}, std::optional<int>{0}, std::optional<int>{1}}) {
      CAPTURE(rule);
      CAPTURE(layer.value_or(-1));
      StepRequest request;
      request.negatives = "all";
      request.margins = {0.1, 50};
      request.rule = rule;
      request.layer = layer;
      request.no_block = true;
      check_step(c, request, reference::batch_hinge(-1, 0.2f, static_cast<double>(0.1f), 50, false), views_of(c));
    }
}

TEST_CASE("step: tensors that the case does not need are ignored") {
  const Case c(grey(), 4, 10, 3);
  StepRequest request;
  request.layer = 1;
  request.margins = middle_margins(c, 1, 4);
  SafeTensors least = weights_of(c, false);
  std::erase_if(least.reals, [](const Tensor& t) {
    return t.name != "conv.0.weight" && t.name != "conv.1.weight" && t.name != "head.1.weight";
  });
  const SafeTensors expected = run_step(c, request, least, views_of(c));
  CHECK(names_of(expected) == expected_names(c, 1));
  SafeTensors more = weights_of(c, true), views = views_of(c);
  for (Tensor& t : more.reals)
    if (t.name == "conv.2.weight" || t.name.starts_with("feedback."))
      t = tensor(t.name, {2}, {NAN, 1});  // shapes do not matter either
  more.reals.push_back(tensor("head.1.bias", {1}, {9}));
  more.integers.push_back({"step", {1}, {17}});
  views.reals.push_back(tensor("c", {3}, {1, 2, 3}));
  views.integers.push_back({"label", {1}, {-5}});
  const SafeTensors got = run_step(c, request, more, views);
  CHECK(safetensors_bytes(got) == safetensors_bytes(expected));
}

TEST_CASE("step: zeros where nothing is active, and the thresholds themselves are not") {
  const Case c(grey(), 4, 10, 4);
  for (const int level : {reference::end_to_end, 0, 2}) {
    StepRequest request;
    if (level >= 0) request.layer = level;
    for (const char* rule : all_rules)
      for (const bool no_block : {false, true}) {
        request.rule = rule;
        request.no_block = no_block;
        request.margins = {1e6, 0};
        const SafeTensors got = run_step(c, request, weights_of(c, true), views_of(c));
        CHECK(names_of(got) == expected_names(c, level, false, feedback_learns(request)));
        CHECK(got.real("loss")->data == std::vector<float>{0});
        for (const Tensor& t : got.reals)
          if (t.name.starts_with("grad."))
            CHECK(std::all_of(t.data.begin(), t.data.end(), [](float x) { return x == 0; }));
      }
  }
  // Views that are equal: distance 0 is not beyond m1 = 0.
  Case same = c;
  same.b = same.a;
  StepRequest request;
  request.margins = {0, 0};
  const SafeTensors got = run_step(same, request, weights_of(same, true), views_of(same));
  CHECK(got.real("loss")->data[0] == 0);
  for (const float x : got.real("grad.head.2.weight")->data) CHECK(x == 0);
  CHECK(got.real("embedding.a")->data == got.real("embedding.b")->data);
}

TEST_CASE("step: rf with B equal to W gives exactly what bp gives") {
  Case c(colour(), 4, 16, 5);
  c.feedback = c.network;
  for (const int level : {reference::end_to_end, 0, 1, 2}) {
    StepRequest request;
    if (level >= 0) request.layer = level;
    request.margins = middle_margins(c, level < 0 ? 2 : level, 4);
    request.no_block = true;
    const std::string bp = safetensors_bytes(run_step(c, request, weights_of(c, true), views_of(c)));
    request.rule = "rf";
    CHECK(safetensors_bytes(run_step(c, request, weights_of(c, true), views_of(c))) == bp);
    request.rule = "urf";
    SafeTensors urf = run_step(c, request, weights_of(c, true), views_of(c));
    std::erase_if(urf.reals, [](const Tensor& t) { return t.name.starts_with("grad.feedback."); });
    CHECK(safetensors_bytes(urf) == bp);
  }
}

TEST_CASE("step: one pair alone, no negatives") {
  const Case c(grey(), 1, 10, 6);
  StepRequest request;
  request.margins = {0.01, 3};
  for (const char* negatives : {"0", "4", "all"}) {
    request.negatives = negatives;
    check_step(c, request, reference::batch_hinge(0, 0.2f, static_cast<double>(0.01f), 3, true), views_of(c));
  }
}

}  // namespace saccade
