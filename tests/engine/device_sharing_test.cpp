#include <functional>
#include <string>

#include "tests/reference/cases.h"
#include "tests/reference/losses.h"

using namespace saccade;
using namespace saccade::reference;

// A device keeps small operations on the calling thread. Those of the other tests are mostly small, for the reference's
// sake; here each is large enough (over 200,000 multiply-adds) to be shared, and 2 and 5 threads must give the bits
// of 1.
namespace {

Guarded<float> random(Device& device, std::size_t size, int replicas, int views, std::uint64_t seed) {
  Draw draw(seed);
  std::vector<float> host(size * replicas * views);
  for (float& x : host) x = static_cast<float>(draw.uniform(-1, 1));
  return {device, size, replicas, views, host};
}

/// Outputs must be finite and not all zero: nothing is compared that was not computed.
void same_for_any_threads(const std::function<Outputs(Device&)>& run) {
  const auto repeated = [&](Device& device) {
    Outputs first = run(device);
    for (int again = 0; again < 3; ++again) CHECK(first_difference(first, run(device)) == "");  // other schedules
    return first;
  };
  on_all_devices(repeated, [](const Outputs& out) {
    for (const auto& [name, values] : out.floats) {
      CAPTURE(name);
      CHECK(std::all_of(values.begin(), values.end(), [](float x) { return std::isfinite(x); }));
      CHECK(std::any_of(values.begin(), values.end(), [](float x) { return x != 0; }));
    }
  });
}

}  // namespace

TEST_CASE("sharing: pixels") {
  const MapShape shape = MapShape::image(64, 64, 3);
  std::vector<float> pixels(40 * shape.features());
  Draw draw(80);
  for (float& x : pixels) x = static_cast<float>(draw.uniform(0, 1));
  same_for_any_threads([&](Device& device) {
    const Guarded<float> maps(device, shape.size(), 2, 40);
    device.load_views({shape, {2, 40}, pixels.data(), maps.strided()});
    return Outputs{{{"maps", maps.read()}}, {}, {}};
  });
}

TEST_CASE("sharing: convolution") {
  std::vector<ConvCase> cases;
  for (const Sharing sharing : {Sharing::shared, Sharing::local})
    for (const Downsample down : {Downsample::none, Downsample::max_pool, Downsample::stride})
      cases.push_back({16, 15, 32, false, 48, down, Activation::hardtanh, 2, 6, sharing});
  for (const ConvCase& c : cases) {
    CAPTURE(c);
    const ConvShape s = c.shape();
    const Images in(6, 32, 16, 15), out(6, 48, s.out.height, s.out.width);
    Draw draw(81);
    const auto tensor = [&](auto like) {
      draw.fill(like.v, -1, 1);
      return std::vector{like, like};
    };
    const auto x = to_layout(s.in, tensor(in)), w = to_layout(s, tensor(c.weights())),
               e = to_layout(s.out, tensor(out));
    same_for_any_threads([&](Device& device) {
      const Guarded<float> input(device, s.in.size(), 2, 6, x), weights(device, s.weights(), 2, 1, w),
          error(device, s.out.size(), 2, 6, e), packed(device, device.packed_size(s, Way::up, Arithmetic::exact), 2),
          output(device, s.out.size(), 2, 6), gradient(device, s.weights(), 2), below(device, s.in.size(), 2, 6);
      const Guarded<std::uint8_t> winners(device, std::max<std::size_t>(1, s.winners()), 2, 6);
      const Bytes won = s.pools() ? winners.strided() : Bytes{};
      if (!s.local())
        device.conv_pack({s, {2, 1}, Way::up, Arithmetic::exact, {weights.shared()}, {}, packed.shared()});
      device.conv_forward(
          {s, {2, 6}, input.strided(), s.local() ? weights.shared() : packed.shared(), output.strided(), won});
      device.conv_weight_gradient(
          {s, {2, 6}, input.strided(), error.strided(), won, Flags{}, gradient.shared(), false});
      device.conv_input_gradient({s,
                                  {2, 6},
                                  error.strided(),
                                  won,
                                  {weights.shared(), false},
                                  input.strided(),
                                  Activation::hardtanh,
                                  Flags{},
                                  below.strided()});
      return Outputs{{{"output", output.read()}, {"gradient", gradient.read()}, {"below", below.read()}}, {}, {}};
    });
  }
}

TEST_CASE("sharing: head") {
  const HeadShape s{MapShape::layer(8, 8, 32), 64};
  const Images in(6, 32, 8, 8);
  Draw draw(82);
  std::vector<Images> x = {in, in};
  for (Images& i : x) draw.fill(i.v, -1, 1);
  const auto stored = to_layout(s.in, x);
  same_for_any_threads([&](Device& device) {
    const Guarded<float> input(device, s.in.size(), 2, 6, stored),
        weights = random(device, s.weights(), 2, 1, 83), feedback = random(device, s.weights(), 2, 1, 84),
        error = random(device, 64, 2, 6, 85), embedding(device, 64, 2, 6), below(device, s.in.size(), 2, 6),
        gradient(device, s.weights(), 2);
    device.head_forward({s, {2, 6}, input.strided(), weights.shared(), embedding.strided()});
    device.head_input_gradient({s,
                                {2, 6},
                                error.strided(),
                                {feedback.shared(), true},
                                input.strided(),
                                Activation::tanh,
                                Flags{},
                                below.strided()});
    device.head_weight_gradient({s, {2, 6}, input.strided(), error.strided(), Flags{}, gradient.shared(), false});
    const Guarded<float> rate(device, 1, 2, 1, {0.01f, 0.02f});
    device.head_hebb(
        {s, {2, 6}, input.strided(), error.strided(), Flags{}, rate.shared(), weights.shared(), feedback.shared()});
    return Outputs{{{"embedding", embedding.read()},
                    {"below", below.read()},
                    {"gradient", gradient.read()},
                    {"weights", weights.read()},
                    {"feedback", feedback.read()}},
                   {},
                   {}};
  });
}

TEST_CASE("sharing: losses") {
  const int n = 160;
  const std::vector<HingeTerm> terms = batch_terms(n, -1, 0.2f);
  same_for_any_threads([&](Device& device) {
    const Guarded<float> a = random(device, 64, 1, n, 86), b = random(device, 64, 1, n, 87);
    const Guarded<float> hinge_a(device, 64, 1, n), hinge_b(device, 64, 1, n), simclr_a(device, 64, 1, n),
        simclr_b(device, 64, 1, n), loss(device, 1), error(device, 64, 1, n), bias_gradient(device, 64),
        entropy(device, 1);
    const Guarded<std::int32_t> a_active(device, 1, 1, n), b_active(device, 1, 1, n), labels(device, 1, 1, n),
        correct(device, 1);
    const Guarded<HingeResult> results(device, terms.size());
    const auto bias = random(device, 64, 1, 1, 88);
    device.contrastive_hinge({64, 1, n, n, terms, 42, 43, a.strided(), b.strided(), hinge_b.strided(),
                              b_active.strided(), hinge_a.strided(), a_active.strided(), results.shared()});
    device.simclr(
        SimClr{64, n, 0.1f, a.strided(), b.strided(), simclr_a.strided(), simclr_b.strided(), loss.strided().data});
    device.cross_entropy({64,
                          {1, n},
                          a.strided(),
                          bias.shared(),
                          labels.strided(),
                          error.strided(),
                          bias_gradient.shared(),
                          entropy.shared(),
                          correct.shared()});
    Outputs out{{{"hinge a", hinge_a.read()},
                 {"hinge b", hinge_b.read()},
                 {"simclr a", simclr_a.read()},
                 {"simclr b", simclr_b.read()},
                 {"loss", loss.read()},
                 {"error", error.read()},
                 {"bias gradient", bias_gradient.read()},
                 {"entropy", entropy.read()}},
                {},
                {{"a active", a_active.read()}, {"b active", b_active.read()}}};
    for (const HingeResult& r : results.read()) out.floats["distances"].push_back(r.distance);
    return out;
  });
}

TEST_CASE("sharing: optimisers") {
  const std::size_t count = 240000;
  same_for_any_threads([&](Device& device) {
    const auto gradient = random(device, count, 2, 1, 89), plain = random(device, count, 2, 1, 90);
    const auto weights = random(device, count, 2, 1, 91), feedback = random(device, count, 2, 1, 92);
    const Guarded<float> first(device, count, 2), second(device, count, 2);
    const Guarded<std::int64_t> steps(device, 1, 2);
    const Guarded<float> rate(device, 1, 2, 1, {0.1f, 0.05f}), adam_rate(device, 1, 2, 1, {1e-3f, 2e-3f});
    device.sgd_step({count, {2, 1}, gradient.shared(), Flags{}, rate.shared(), plain.shared(), Floats{}});
    device.adam_step({count,
                      {2, 1},
                      gradient.shared(),
                      Flags{},
                      adam_rate.shared(),
                      0.9f,
                      0.999f,
                      1e-8f,
                      weights.shared(),
                      feedback.shared(),
                      first.shared(),
                      second.shared(),
                      steps.shared()});
    return Outputs{{{"sgd", plain.read()}, {"adam", weights.read()}, {"feedback", feedback.read()}}, {}, {}};
  });
}
