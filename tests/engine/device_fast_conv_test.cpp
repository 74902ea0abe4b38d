#include "tests/reference/cases.h"
#include "tests/reference/winograd.h"

using namespace saccade;
using namespace saccade::reference;

/// The convolutions of `fast` arithmetic against the reference. Where Winograd's scheme saves nothing a device may
/// compute exactly; the limits here hold for both.
namespace {

/// In relative L2 norm, over a whole result of sums as long as the layers of conv5 have: 1.5e-6 was measured, here on
/// few and small maps.
constexpr double norm_limit = 4e-6;

Images largest_of_windows(const ConvShape& shape, const Images& scale) {
  if (!shape.pools()) return scale;
  Images largest(scale.n, scale.c, scale.h / 2, scale.w / 2);
  for (int i = 0; i < scale.n; ++i)
    for (int k = 0; k < scale.c; ++k)
      for (int y = 0; y < scale.h / 2 * 2; ++y)
        for (int x = 0; x < scale.w / 2 * 2; ++x)
          largest.at(i, k, y / 2, x / 2) = std::fmax(largest.at(i, k, y / 2, x / 2), scale.at(i, k, y, x));
  return largest;
}

DeviceBuffer<float> pack(Device& device, const ConvShape& shape, int replicas, Way way, const Feedback& weights) {
  DeviceBuffer<float> packed(device, device.packed_size(shape, way, Arithmetic::fast), replicas);
  device.conv_pack({shape, {replicas, 1}, way, Arithmetic::fast, weights, {}, packed.shared()});
  return packed;
}

/// Small enough for the scales, which are slow.
std::vector<ConvCase> fast_cases() {
  using enum Activation;
  std::vector<ConvCase> cases = conv_cases();
  std::erase_if(cases, [](const ConvCase& c) { return c.out_channels == 512 || c.sharing == Sharing::local; });
  cases.push_back({3, 3, 16, false, 16, Downsample::none, none, 1, 1});
  cases.push_back({6, 10, 80, false, 40, Downsample::max_pool, hardtanh, 1, 3});
  cases.push_back({16, 16, 64, false, 64, Downsample::max_pool, none, 1, 2});
  // More outputs than a task of the weight gradient takes, and more than one chunk of channels on the way down.
  cases.push_back({6, 10, 64, false, 144, Downsample::max_pool, none, 1, 2});
  cases.push_back({5, 7, 80, false, 80, Downsample::none, hardtanh, 1, 2});
  return cases;
}

}  // namespace

TEST_CASE("conv_forward in fast arithmetic against the reference") {
  int differs = 0;
  for (const ConvCase& c : fast_cases()) {
    CAPTURE(c);
    const ConvShape s = c.shape();
    const ConvData data = make_conv_data(c, false, 1);
    std::vector<ConvResult> want;
    std::vector<Images> dense_scale;
    for (int r = 0; r < c.replicas; ++r) {
      want.push_back(conv_forward(data.in[r], data.weights[r], c.down, c.activation));
      dense_scale.push_back(c.down == Downsample::stride ? Images{} : winograd::scale(data.in[r], data.weights[r]));
    }
    const double limit = (c.down == Downsample::stride ? sum_bound(9 * c.channels) : winograd::bound(c.channels)) +
                         (c.activation == Activation::tanh ? tanh_bound : 0);
    auto run = [&](Device& device, Arithmetic arithmetic) {
      const Guarded<float> in(device, s.in.size(), c.replicas, c.views, to_layout(s.in, data.in));
      const Guarded<float> weights(device, s.weights(), c.replicas, 1, to_layout(s, data.weights));
      const Guarded<float> packed(device, device.packed_size(s, Way::up, arithmetic), c.replicas);
      const Guarded<float> out(device, s.out.size(), c.replicas, c.views, junk(s.out, want[0].out, c.replicas));
      const Guarded<std::uint8_t> winners(device, std::max<std::size_t>(1, s.winners()), c.replicas, c.views);
      device.conv_pack({s, {c.replicas, 1}, Way::up, arithmetic, {weights.shared()}, {}, packed.shared()});
      device.conv_forward({s,
                           {c.replicas, c.views},
                           in.strided(),
                           packed.shared(),
                           out.strided(),
                           c.pools() ? winners.strided() : Bytes{},
                           arithmetic});
      CHECK((in.intact() && weights.intact() && packed.intact() && out.intact() && winners.intact()));
      Outputs r{{{"out", out.read()}}, {}, {}};
      if (c.pools()) r.bytes["winners"] = winners.read();
      return r;
    };
    Device* portable = cpu_device("portable", 1);
    differs += first_difference(run(*portable, Arithmetic::fast), run(*portable, Arithmetic::exact)) != "";
    on_all_devices(
        [&](Device& device) { return run(device, Arithmetic::fast); },
        [&](const Outputs& out) {
          CHECK(padding_is_zero(s.out, out.floats.at("out"), want[0].out));
          for (int r = 0; r < c.replicas; ++r) {
            CAPTURE(r);
            const Images& like = want[r].out;
            const Images scale = c.down == Downsample::stride ? want[r].scale : largest_of_windows(s, dense_scale[r]);
            std::vector<double> got = from_layout(s.out, out.floats.at("out"), r, like);
            CHECK_CLOSE(compare(got, like.v, scale.v, limit));
            CHECK_CLOSE(compare_norm(got, like.v, norm_limit));
            // The comparison sees one wrong element in this very result.
            const auto largest = std::max_element(got.begin(), got.end());
            *largest *= 1.01;
            CHECK((*largest < 0.1 || !compare(got, like.v, scale.v, limit)));
            if (!c.pools()) continue;
            const auto winners = winners_from_layout(s, out.bytes.at("winners"), r, like);
            bool fine = true;
            for (std::size_t i = 0; i < winners.size(); ++i) fine = fine && winners[i] < 4;
            REQUIRE(fine);
            for (int i = 0; i < like.n; ++i)
              for (int k = 0; k < like.c; ++k)
                for (int y = 0; y < like.h; ++y)
                  for (int x = 0; x < like.w; ++x) {
                    // Another winner than the reference's is right when rounding alone could have put it first.
                    const int j = winners[like.index(i, k, y, x)], best = want[r].winners[like.index(i, k, y, x)];
                    const double gap = want[r].before_pool.at(i, k, 2 * y + best / 2, 2 * x + best % 2) -
                                       want[r].before_pool.at(i, k, 2 * y + j / 2, 2 * x + j % 2);
                    fine = fine && gap <= 2 * limit * scale.at(i, k, y, x);
                  }
            CHECK(fine);
          }
        });
  }
  CHECK(differs > 5);  // Winograd's scheme was really used
}

TEST_CASE("conv_weight_gradient in fast arithmetic against the reference") {
  int differs = 0;
  for (const ConvCase& c : fast_cases()) {
    CAPTURE(c);
    const ConvBackward step(c);
    const ConvShape& s = step.shape;
    std::vector<ConvWeights> before;
    Draw draw(13);
    for (int r = 0; r < c.replicas; ++r) {
      before.emplace_back(c.out_channels, c.channels);
      draw.fill(before.back().v, -3, 3);
    }
    for (auto [flagging, accumulate] : {std::pair{Flagging::null, false}, std::pair{Flagging::some, true},
                                        std::pair{Flagging::none, true}, std::pair{Flagging::none, false}}) {
      CAPTURE(static_cast<int>(flagging));
      const auto flags = make_flags(flagging, c.replicas, c.views);
      std::vector<Scaled<ConvWeights>> want;
      for (int r = 0; r < c.replicas; ++r) {
        want.push_back(conv_weight_gradient(step.data.in[r], step.error[r], step.winners[r], flags[r]));
        want[r].scale = winograd::gradient_scale(
            step.data.in[r], conv_unpool(step.error[r], step.winners[r], c.height, c.width), flags[r]);
        for (std::size_t i = 0; accumulate && i < before[r].v.size(); ++i) {
          want[r].value.v[i] += before[r].v[i];
          want[r].scale.v[i] += std::fabs(before[r].v[i]);
        }
      }
      auto run = [&](Device& device, Arithmetic arithmetic) {
        const Guarded<float> in(device, s.in.size(), c.replicas, c.views, to_layout(s.in, step.data.in));
        const Guarded<float> error(device, s.out.size(), c.replicas, c.views, step.stored_error(flags));
        const Guarded<std::uint8_t> winners(device, std::max<std::size_t>(1, s.winners()), c.replicas, c.views,
                                            step.stored_winners());
        const Guarded<std::int32_t> active(device, 1, c.replicas, c.views, flags_to_layout(flags, c.views));
        const Guarded<float> gradient(device, s.weights(), c.replicas, 1,
                                      accumulate ? to_layout(s, before) : junk(s, before[0], c.replicas));
        device.conv_weight_gradient({s,
                                     {c.replicas, c.views},
                                     in.strided(),
                                     error.strided(),
                                     c.pools() ? winners.strided() : Bytes{},
                                     flagging == Flagging::null ? Flags{} : active.strided(),
                                     gradient.shared(),
                                     accumulate,
                                     arithmetic});
        CHECK((in.intact() && error.intact() && winners.intact() && active.intact() && gradient.intact()));
        return Outputs{{{"gradient", gradient.read()}}, {}, {}};
      };
      Device* portable = cpu_device("portable", 1);
      differs += first_difference(run(*portable, Arithmetic::fast), run(*portable, Arithmetic::exact)) != "";
      on_all_devices(
          [&](Device& device) { return run(device, Arithmetic::fast); },
          [&](const Outputs& out) {
            CHECK(padding_is_zero(s, out.floats.at("gradient"), before[0]));
            for (int r = 0; r < c.replicas; ++r) {
              CAPTURE(r);
              const auto got = from_layout(s, out.floats.at("gradient"), r, before[r]);
              const double terms = std::ceil(c.height / 4.0) * std::ceil(c.width / 4.0) * c.views + 1;
              // An image's gradient is computed exactly: its bound is below this one.
              CHECK_CLOSE(compare(got, want[r].value.v, want[r].scale.v, winograd::bound(c.image ? 9 * terms : terms)));
              if (flagging == Flagging::none)
                CHECK_CLOSE(compare_exact(got, want[r].value.v));
              else
                CHECK_CLOSE(compare_norm(got, want[r].value.v, norm_limit));
            }
          });
    }
  }
  CHECK(differs > 5);
}

TEST_CASE("conv_input_gradient in fast arithmetic against the reference") {
  struct Variant {
    bool sign_only;
    Activation below;
    Flagging flagging;
  };
  int packed_cases = 0;
  for (ConvCase c : fast_cases()) {
    c.image = false;
    CAPTURE(c);
    const ConvBackward step(c);
    const ConvShape& s = step.shape;
    for (const Variant& variant :
         {Variant{false, Activation::hardtanh, Flagging::null}, Variant{true, Activation::none, Flagging::some},
          Variant{false, Activation::tanh, Flagging::all}, Variant{false, Activation::relu, Flagging::none}}) {
      CAPTURE(variant.sign_only);
      CAPTURE(static_cast<int>(variant.below));
      const auto flags = make_flags(variant.flagging, c.replicas, c.views);
      std::vector<Scaled<Images>> want;
      for (int r = 0; r < c.replicas; ++r) {
        const ConvWeights feedback = variant.sign_only ? signs(step.feedback[r]) : step.feedback[r];
        want.push_back(
            conv_input_gradient(step.error[r], step.winners[r], feedback, step.data.in[r], variant.below, flags[r]));
        const Images full = conv_unpool(step.error[r], step.winners[r], c.height, c.width);
        const std::vector<double> zero_where = want[r].scale.v;
        want[r].scale = winograd::scale(full, winograd::turned(feedback));
        for (std::size_t i = 0; i < zero_where.size(); ++i)
          if (derivative(variant.below, step.data.in[r].v[i]) == 0) want[r].scale.v[i] = 0;
      }
      const std::vector<float> before = junk(s.in, step.data.in[0], c.replicas);
      on_all_devices(
          [&](Device& device) {
            const Guarded<float> in(device, s.in.size(), c.replicas, c.views, to_layout(s.in, step.data.in));
            const Guarded<float> error(device, s.out.size(), c.replicas, c.views, step.stored_error(flags));
            const Guarded<std::uint8_t> winners(device, std::max<std::size_t>(1, s.winners()), c.replicas, c.views,
                                                step.stored_winners());
            const Guarded<std::int32_t> active(device, 1, c.replicas, c.views, flags_to_layout(flags, c.views));
            const Guarded<float> feedback(device, s.weights(), c.replicas, 1, to_layout(s, step.feedback));
            const Guarded<float> below(device, s.in.size(), c.replicas, c.views, before);
            const Feedback carrier{feedback.shared(), variant.sign_only};
            DeviceBuffer<float> packed;
            if (device.packed_size(s, Way::down, Arithmetic::fast) > 0) {
              packed = pack(device, s, c.replicas, Way::down, carrier);
              ++packed_cases;
            }
            device.conv_input_gradient({s,
                                        {c.replicas, c.views},
                                        error.strided(),
                                        c.pools() ? winners.strided() : Bytes{},
                                        carrier,
                                        in.strided(),
                                        variant.below,
                                        variant.flagging == Flagging::null ? Flags{} : active.strided(),
                                        below.strided(),
                                        packed.shared()});
            CHECK((in.intact() && error.intact() && winners.intact() && active.intact() && feedback.intact() &&
                   below.intact()));
            return Outputs{{{"below", below.read()}}, {}, {}};
          },
          [&](const Outputs& out) {
            const std::vector<float>& stored = out.floats.at("below");
            CHECK(padding_is_zero(s.in, stored, step.data.in[0]));
            for (int r = 0; r < c.replicas; ++r) {
              CAPTURE(r);
              std::vector<double> got = from_layout(s.in, stored, r, want[r].value);
              for (int v = 0; v < c.views; ++v) {
                if (is_active(flags[r], v)) continue;
                CHECK(untouched_or_zero(stored, before, s.in.size(), r * c.views + v));
                const std::size_t features = got.size() / c.views;
                std::fill_n(got.begin() + static_cast<std::ptrdiff_t>(features) * v, features, 0.0);
              }
              CHECK_CLOSE(compare(got, want[r].value.v, want[r].scale.v, winograd::bound(c.out_channels)));
              CHECK_CLOSE(compare_norm(got, want[r].value.v, norm_limit));
            }
          });
    }
  }
  CHECK(packed_cases > 20);
}
