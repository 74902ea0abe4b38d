#include "tests/reference/cases.h"

using namespace saccade;
using namespace saccade::reference;

TEST_CASE("conv_weight_gradient against the reference") {
  for (const ConvCase& c : conv_cases()) {
    CAPTURE(c);
    const ConvBackward step(c);
    std::vector<ConvWeights> before;
    Draw draw(13);
    for (int r = 0; r < c.replicas; ++r) {
      before.push_back(c.weights());
      draw.fill(before.back().v, -3, 3);
    }
    for (auto [flagging, accumulate] :
         {std::pair{Flagging::null, false}, std::pair{Flagging::some, true}, std::pair{Flagging::some, false},
          std::pair{Flagging::none, true}, std::pair{Flagging::none, false}, std::pair{Flagging::all, true}}) {
      // The largest shape once only: the reference is slow.
      if (c.out_channels == 512 && flagging != Flagging::null) continue;
      CAPTURE(static_cast<int>(flagging));
      CAPTURE(accumulate);
      const auto flags = make_flags(flagging, c.replicas, c.views);
      std::vector<Scaled<ConvWeights>> want;
      for (int r = 0; r < c.replicas; ++r) {
        want.push_back(conv_weight_gradient(step.data.in[r], step.error[r], step.winners[r], flags[r], c.weights()));
        for (std::size_t i = 0; accumulate && i < before[r].v.size(); ++i) {
          want[r].value.v[i] += before[r].v[i];
          want[r].scale.v[i] += std::fabs(before[r].v[i]);
        }
      }
      on_all_devices(
          [&](Device& device) {
            const ConvShape& s = step.shape;
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
                                         accumulate});
            CHECK((in.intact() && error.intact() && winners.intact() && active.intact() && gradient.intact()));
            return Outputs{{{"gradient", gradient.read()}}, {}, {}};
          },
          [&](const Outputs& out) {
            CHECK(padding_is_zero(step.shape, out.floats.at("gradient"), before[0]));
            for (int r = 0; r < c.replicas; ++r) {
              CAPTURE(r);
              const auto got = from_layout(step.shape, out.floats.at("gradient"), r, before[r]);
              // One term per pixel and view, one more for what was there.
              CHECK_CLOSE(compare(got, want[r].value.v, want[r].scale.v, sum_bound(c.height * c.width * c.views + 1)));
              if (flagging == Flagging::none) CHECK_CLOSE(compare_exact(got, want[r].value.v));
            }
          });
    }
  }
}

TEST_CASE("conv_input_gradient against the reference") {
  struct Variant {
    bool sign_only;
    Activation below;
    Flagging flagging;
  };
  for (ConvCase c : conv_cases()) {
    c.image = false;  // nothing learns below an image: its gradient is refused, see the validation test
    CAPTURE(c);
    const ConvBackward step(c);
    for (const Variant& variant :
         {Variant{false, Activation::hardtanh, Flagging::null}, Variant{true, Activation::none, Flagging::some},
          Variant{false, Activation::tanh, Flagging::all}, Variant{true, Activation::relu, Flagging::null},
          Variant{false, Activation::none, Flagging::none}}) {
      if (c.out_channels == 512 && variant.below != Activation::hardtanh && variant.below != Activation::relu) continue;
      CAPTURE(variant.sign_only);
      CAPTURE(static_cast<int>(variant.below));
      CAPTURE(static_cast<int>(variant.flagging));
      const auto flags = make_flags(variant.flagging, c.replicas, c.views);
      std::vector<Scaled<Images>> want;
      for (int r = 0; r < c.replicas; ++r)
        want.push_back(conv_input_gradient(step.error[r], step.winners[r],
                                           variant.sign_only ? signs(step.feedback[r]) : step.feedback[r],
                                           step.data.in[r], variant.below, flags[r]));
      const std::vector<float> before = junk(step.shape.in, step.data.in[0], c.replicas);
      on_all_devices(
          [&](Device& device) {
            const ConvShape& s = step.shape;
            const Guarded<float> in(device, s.in.size(), c.replicas, c.views, to_layout(s.in, step.data.in));
            const Guarded<float> error(device, s.out.size(), c.replicas, c.views, step.stored_error(flags));
            const Guarded<std::uint8_t> winners(device, std::max<std::size_t>(1, s.winners()), c.replicas, c.views,
                                                step.stored_winners());
            const Guarded<std::int32_t> active(device, 1, c.replicas, c.views, flags_to_layout(flags, c.views));
            const Guarded<float> feedback(device, s.weights(), c.replicas, 1, to_layout(s, step.feedback));
            const Guarded<float> below(device, s.in.size(), c.replicas, c.views, before);
            device.conv_input_gradient({s,
                                        {c.replicas, c.views},
                                        error.strided(),
                                        c.pools() ? winners.strided() : Bytes{},
                                        {feedback.shared(), variant.sign_only},
                                        in.strided(),
                                        variant.below,
                                        variant.flagging == Flagging::null ? Flags{} : active.strided(),
                                        below.strided()});
            CHECK((in.intact() && error.intact() && winners.intact() && active.intact() && feedback.intact() &&
                   below.intact()));
            return Outputs{{{"below", below.read()}}, {}, {}};
          },
          [&](const Outputs& out) {
            const std::vector<float>& stored = out.floats.at("below");
            const std::size_t size = step.shape.in.size();
            CHECK(padding_is_zero(step.shape.in, stored, step.data.in[0]));
            for (int r = 0; r < c.replicas; ++r) {
              CAPTURE(r);
              std::vector<double> got = from_layout(step.shape.in, stored, r, want[r].value);
              for (int v = 0; v < c.views; ++v) {
                if (is_active(flags[r], v)) continue;
                CHECK(untouched_or_zero(stored, before, size, r * c.views + v));
                const std::size_t features = got.size() / c.views;
                std::fill_n(got.begin() + static_cast<std::ptrdiff_t>(features) * v, features, 0.0);
              }
              // One term per output channel and tap; f' and the product with it round at most twice.
              CHECK_CLOSE(
                  compare(got, want[r].value.v, want[r].scale.v, sum_bound(9 * c.out_channels) + 3 * unit_roundoff));
            }
          });
    }
  }
}
