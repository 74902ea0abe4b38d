#include <doctest/doctest.h>

#include "engine/random.h"
#include "models/clapp_step.h"
#include "tests/models/clapp_support.h"
#include "tests/reference/clapp.h"

using namespace saccade;
using namespace saccade::test;

// Loss and every gradient of a CLAPP step against the reference in double precision, and the promises of a run.
namespace {

std::vector<ref::Matrix> reference_w(const ClappStep& step, int layer, int count) {
  std::vector<ref::Matrix> all;
  for (int k = 0; k < count; ++k) {
    const Tensor t = step.weight(layer, k);
    all.emplace_back(static_cast<int>(t.shape[0]), static_cast<int>(t.shape[1]));
    all.back().v = {t.data.begin(), t.data.end()};
  }
  return all;
}

/// Convolution weights such that scores lie on both sides of both kinks.
void scale_to_scores(Device& device, Parameters& parameters, float factor) {
  std::vector<Tensor> tensors = tensors_of(parameters);
  for (Tensor& t : tensors)
    if (t.name.find("conv.") != std::string::npos)
      for (float& w : t.data) w *= factor;
  parameters.load(device, tensors);
}

/// Relative L2 error that rounding explains: as rounding_limit in gradient_test.cpp, 2 depth + 3 sums of at most a few
/// hundred terms of random signs, 7 u each, and 2 for derivatives of tanh.
constexpr double gradient_limit(int depth) { return (2 * depth + 3) * 7 * 2 * ref::unit_roundoff; }

struct Totals {
  int active[2] = {0, 0}, terms[2] = {0, 0}, tensors = 0;
};

void compare(const ClappStep& step, int layer, double loss, const GradientAccumulator& gradients,
             const ref::ClappGradients& want, const NetworkSpec& net, Totals& totals) {
  const double limit = gradient_limit(net.depth());
  // No score is so near its kink that rounding decides: a score is the last of depth + 2 sums, 7 u each as above.
  REQUIRE(want.nearest > (net.depth() + 2) * 7 * ref::unit_roundoff * want.largest);
  CHECK(std::fabs(loss - want.loss) <= limit * (1 + want.largest));
  const std::vector<Tensor> got = gradients.gradients();
  CHECK(got.size() == static_cast<std::size_t>(layer == end_to_end ? net.depth() : 1));
  for (const Tensor& t : got) {
    CAPTURE(t.name);
    CHECK_CLOSE(ref::compare_norm(t.data, want.convs[static_cast<std::size_t>(t.name[5] - '0')].v, limit));
    ++totals.tensors;
  }
  for (std::size_t k = 0; k < want.w.size(); ++k) {
    CAPTURE(k);
    CHECK_CLOSE(ref::compare_norm(step.weight_gradient(layer, static_cast<int>(k)).data, want.w[k].v, limit));
    ++totals.tensors;
  }
  for (int sign : {0, 1}) {
    totals.active[sign] += want.active[sign], totals.terms[sign] += want.terms[sign];
    const ClappMeasures& measured = sign == 1 ? step.positives() : step.negatives();
    if (measured.terms == 0) continue;
    CHECK(measured.terms == want.terms[sign]);
    CHECK(measured.active * measured.terms == doctest::Approx(want.active[sign]));
  }
}

int direction(const ClappOptions& options, std::uint64_t step) {
  const ClappUpdate update = clapp_update(options.synchronous, options.seed, step);
  return update == ClappUpdate::both ? 0 : update == ClappUpdate::positives ? 1 : -1;
}

}  // namespace

TEST_CASE("CLAPP on pairs against the reference: rules, layers, negatives, either/or, one-sided") {
  constexpr int pairs = 5;
  const auto device = make_cpu_device(2);
  const NetworkSpec net = small_network();
  const Pairs shown = grating_pairs(net, pairs);
  std::vector<float> all = shown.a;
  all.insert(all.end(), shown.b.begin(), shown.b.end());
  const ref::Images views = reference_images(net, all, 2 * pairs);
  Totals totals;
  int directions[3] = {0, 0, 0};
  for (const std::string rule : {"bp", "rf", "sign-forward"})
    for (int layer = end_to_end; layer < net.depth(); ++layer)
      for (int variant = 0; variant < 4; ++variant) {
        CAPTURE(rule);
        CAPTURE(layer);
        CAPTURE(variant);
        Parameters parameters(*device, net, make_rule(rule), layer == end_to_end ? Heads::top_only : Heads::every_layer,
                              3);
        scale_to_scores(*device, parameters, layer == 0 ? 0.7f : 2.5f);
        ClappOptions options;
        options.negatives = variant == 1 ? ClappOptions::all_others : 2;
        options.synchronous = variant < 2;
        options.context_learns = variant != 3;
        options.seed = 5;
        const std::uint64_t number = static_cast<std::uint64_t>(layer) + 8;
        ClappStep step(*device, parameters, pairs, options);
        const std::vector<ref::Matrix> w = reference_w(step, layer, 1);
        GradientAccumulator gradients(*device, net);
        const double loss = step.run(shown.a, shown.b, layer, number, gradients);
        const std::vector<Tensor> tensors = tensors_of(parameters);
        const int which = direction(options, number);
        ++directions[which + 1];
        const ref::Rule carried = rule == "bp" ? ref::Rule::bp : rule == "rf" ? ref::Rule::rf : ref::Rule::sign_forward;
        compare(step, layer, loss, gradients,
                ref::clapp(reference_network(net, tensors), reference_network(net, tensors, "feedback."), carried,
                           layer, w, views, ref::clapp_pairs(pairs, options.negatives), which, options.context_learns),
                net, totals);
      }
  for (int sign : {0, 1}) {
    MESSAGE("active " << totals.active[sign] << " of " << totals.terms[sign]);
    CHECK(totals.active[sign] > totals.terms[sign] * 0.1);
    CHECK(totals.active[sign] < totals.terms[sign] * 0.9);
  }
  for (int times : directions) CHECK(times > 3);
  CHECK(totals.tensors == 3 * 4 * (5 + 4 * 2));
}

TEST_CASE("CLAPP on patches against the reference: five W, drawn negatives") {
  constexpr int images = 2, negatives = 3;
  const auto device = make_cpu_device(2);
  const NetworkSpec net = patch_network();
  const std::vector<float> patches = patches_of(net, images);
  const ref::Images views = reference_images(net, patches, images * 49);  // [image][row][column] here
  Totals totals;
  for (int layer : {end_to_end, 0, 1})
    for (bool synchronous : {true, false}) {
      CAPTURE(layer);
      CAPTURE(synchronous);
      Parameters parameters(*device, net, make_rule("bp"), layer == end_to_end ? Heads::top_only : Heads::every_layer,
                            3);
      scale_to_scores(*device, parameters, 1.5f);
      ClappOptions options = ClappOptions::patch_grid();
      CHECK(options.negatives == 16);
      options.negatives = negatives;
      options.synchronous = synchronous;
      const std::uint64_t number = static_cast<std::uint64_t>(layer) + 2;
      // Row k sees rows k + 2 and above of its column; draws are numbered positive by positive.
      std::vector<ref::Comparison> comparisons;
      const Random random(options.seed, Purpose::clapp_negative, 0, number);
      std::uint32_t draw = 0;
      for (int k = 0; k < 5; ++k)
        for (int image = 0; image < images; ++image)
          for (int column = 0; column < 7; ++column)
            for (int row = k + 2; row < 7; ++row) {
              const int context = image * 49 + k * 7 + column;
              comparisons.push_back({context, image * 49 + row * 7 + column, k, true});
              for (int i = 0; i < negatives; ++i) {
                // a drawn number counts patches in the order [row][image][column]
                const int patch = static_cast<int>(random.below(draw++, images * 49));
                const int drawn_row = patch / (7 * images), drawn_image = patch / 7 % images;
                comparisons.push_back({context, drawn_image * 49 + drawn_row * 7 + patch % 7, k, false});
              }
            }
      CHECK(comparisons.size() == 15 * 7 * images * (1 + negatives));
      ClappStep step(*device, parameters, images, options);
      const std::vector<ref::Matrix> w = reference_w(step, layer, 5);
      CHECK(w[0].v != w[4].v);
      GradientAccumulator gradients(*device, net);
      const double loss = step.run(patches, layer, number, gradients);
      const ref::Network network = reference_network(net, tensors_of(parameters));
      compare(step, layer, loss, gradients,
              ref::clapp(network, network, ref::Rule::bp, layer, w, views, comparisons, direction(options, number)),
              net, totals);
    }
  for (int sign : {0, 1}) {
    MESSAGE("active " << totals.active[sign] << " of " << totals.terms[sign]);
    CHECK(totals.active[sign] > totals.terms[sign] * 0.1);
    CHECK(totals.active[sign] < totals.terms[sign] * 0.95);
  }
  CHECK(totals.tensors == 2 * (7 + 6 + 6));
}

TEST_CASE("CLAPP's reference against central differences, and a wrong sign is seen") {
  ref::Draw draw(4);
  ref::Network net;
  using enum Downsample;
  net.layers = {{none, Activation::tanh}, {max_pool, Activation::none}, {none, Activation::hardtanh}};
  const int channels[] = {2, 3, 4, 3};
  for (int i = 0; i < 3; ++i) {
    net.convs.emplace_back(channels[i + 1], channels[i]);
    draw.fill(net.convs.back().v, -0.7, 0.7);
    net.heads.emplace_back(1, channels[i + 1] * (i == 0 ? 30 : 6));
  }
  ref::Images views(8, 2, 6, 5);
  draw.fill(views.v, 0, 1);
  std::vector<ref::Matrix> w(1, ref::Matrix(3, 3));
  draw.fill(w[0].v, -0.7, 0.7);
  const auto comparisons = ref::clapp_pairs(4, 2);
  const auto run = [&] { return ref::clapp(net, net, ref::Rule::bp, ref::end_to_end, w, views, comparisons); };
  const ref::ClappGradients analytic = run();
  REQUIRE(analytic.nearest > 1e-3);
  CHECK((analytic.active[0] > 0 && analytic.active[1] > 0));
  double norm = 0;
  const auto check = [&](const std::vector<double>& gradient, std::vector<double>& parameters) {
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const double difference = ref::central_difference([&] { return run().loss; }, parameters[i], 1e-6);
      CHECK(std::fabs(gradient[i] - difference) <= 1e-7);
      norm = std::fmax(norm, std::fabs(gradient[i]));
    }
  };
  for (std::size_t i = 0; i < 3; ++i) check(analytic.convs[i].v, net.convs[i].v);
  check(analytic.w[0].v, w[0].v);
  CHECK(norm > 0.1);

  // The comparison is no formality: one comparison with the wrong sign and the gradient is another one.
  auto wrong = comparisons;
  wrong[1].positive = !wrong[1].positive;
  const ref::ClappGradients other = ref::clapp(net, net, ref::Rule::bp, ref::end_to_end, w, views, wrong);
  CHECK_FALSE(ref::compare_norm(other.w[0].v, analytic.w[0].v, 1e-2));
  CHECK_FALSE(ref::compare_norm(other.convs[0].v, analytic.convs[0].v, 1e-2));
}
