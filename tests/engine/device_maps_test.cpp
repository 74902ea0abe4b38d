#include "tests/reference/cases.h"
#include "tests/reference/target_propagation.h"

using namespace saccade;
using namespace saccade::reference;

// What target propagation asks of a device: transposed convolution and element-wise operations on maps.

TEST_CASE("conv_transpose against the reference") {
  for (ConvCase c : conv_cases()) {
    if (c.out_channels == 512 || c.pools() || c.sharing == Sharing::local) continue;
    c.image = false;
    CAPTURE(c);
    const ConvShape s = c.shape();
    Draw draw(21);
    std::vector<Images> x;
    std::vector<ConvWeights> w;
    std::vector<Scaled<Images>> want;
    const auto flags = make_flags(c.views > 1 ? Flagging::some : Flagging::null, c.replicas, c.views);
    for (int r = 0; r < c.replicas; ++r) {
      x.emplace_back(c.views, c.out_channels, s.out.height, s.out.width);
      draw.fill(x.back().v, -1, 1);
      w.emplace_back(c.out_channels, c.channels);
      draw.fill(w.back().v, -0.5, 0.5);
      want.push_back(conv_transpose(x.back(), w.back(), c.height, c.width, s.step(), c.activation));
    }
    const std::vector<float> before = junk(s.in, want[0].value, c.replicas);
    on_all_devices(
        [&](Device& device) {
          const Guarded<float> in(device, s.out.size(), c.replicas, c.views, to_layout(s.out, x)),
              weights(device, s.weights(), c.replicas, 1, to_layout(s, w)),
              out(device, s.in.size(), c.replicas, c.views, before);
          const Guarded<std::int32_t> active(device, 1, c.replicas, c.views, flags_to_layout(flags, c.views));
          device.conv_transpose({s,
                                 {c.replicas, c.views},
                                 in.strided(),
                                 weights.shared(),
                                 c.activation,
                                 c.views > 1 ? active.strided() : Flags{},
                                 out.strided()});
          CHECK((in.intact() && weights.intact() && out.intact() && active.intact()));
          return Outputs{{{"out", out.read()}}, {}, {}};
        },
        [&](const Outputs& out) {
          const std::vector<float>& stored = out.floats.at("out");
          CHECK(padding_is_zero(s.in, stored, want[0].value));
          for (int r = 0; r < c.replicas; ++r) {
            CAPTURE(r);
            std::vector<double> got = from_layout(s.in, stored, r, want[r].value);
            std::vector<double> expected = want[r].value.v, scale = want[r].scale.v;
            const std::size_t features = got.size() / c.views;
            for (int v = 0; v < c.views; ++v)
              if (!is_active(flags[r], v)) {
                CHECK(untouched_or_zero(stored, before, s.in.size(), r * c.views + v));
                for (std::size_t i = features * v; i < features * (v + 1); ++i) got[i] = expected[i];
              }
            // One term per channel and tap; activations have a slope of at most 1, only tanh is rounded.
            CHECK_CLOSE(compare(got, expected, scale,
                                sum_bound(9 * c.out_channels) + (c.activation == Activation::tanh ? tanh_bound : 0)));
          }
        });
  }
}

TEST_CASE("combine and target_error: exact values, inactive views, in place, any threads") {
  constexpr int replicas = 2, views = 40;
  constexpr std::size_t count = 48 * 16;
  const std::size_t all = count * replicas * views;
  Draw draw(22);
  std::vector<float> a(all), b(all), c(all);
  for (std::vector<float>* v : {&a, &b, &c})
    for (float& x : *v) x = static_cast<float>((draw.below(33) - 16) / 16.0);  // exact in float, +-1 among them
  const auto flags = make_flags(Flagging::some, replicas, views);
  for (Activation f : {Activation::none, Activation::hardtanh, Activation::tanh, Activation::relu}) {
    CAPTURE(static_cast<int>(f));
    on_all_devices(
        [&](Device& device) {
          const Guarded<float> x(device, count, replicas, views, a), y(device, count, replicas, views, b),
              z(device, count, replicas, views, c), out(device, count, replicas, views, c),
              error(device, count, replicas, views, c), loss(device, 1, replicas, views);
          const Guarded<std::int32_t> active(device, 1, replicas, views, flags_to_layout(flags, views));
          device.combine({count,
                          {replicas, views},
                          x.strided(),
                          y.strided(),
                          out.strided(),
                          0.5f,
                          active.strided(),
                          out.strided()});
          device.target_error({count,
                               {replicas, views},
                               x.strided(),
                               y.strided(),
                               f,
                               2.0f,
                               active.strided(),
                               error.strided(),
                               loss.strided()});
          device.combine({count, {replicas, views}, z.strided(), y.strided(), {}, -2.0f, {}, z.strided()});
          CHECK((x.intact() && y.intact() && z.intact() && out.intact() && error.intact() && loss.intact()));
          return Outputs{
              {{"out", out.read()}, {"error", error.read()}, {"loss", loss.read()}, {"z", z.read()}}, {}, {}};
        },
        [&](const Outputs& out) {
          std::vector<double> combined, errors, losses(replicas * views), moved;
          for (std::size_t i = 0; i < all; ++i) {
            const std::size_t view = i / count;
            const bool on = is_active(flags[view / views], static_cast<int>(view % views));
            const double xi = a[i], yi = b[i], zi = c[i];
            combined.push_back(on ? xi + 0.5 * (yi - zi) : zi);
            errors.push_back(on ? 2 * (xi - yi) * derivative(f, xi) : zi);
            losses[view] += on ? (xi - yi) * (xi - yi) : 0;
            moved.push_back(zi - 2 * yi);
          }
          // Multiples of 1/16 up to 2: squares and their sums over 768 elements are exact in float.
          CHECK_CLOSE(compare_exact(out.floats.at("out"), combined));
          CHECK_CLOSE(compare_exact(out.floats.at("error"), errors));
          CHECK_CLOSE(compare_exact(out.floats.at("loss"), losses));
          CHECK_CLOSE(compare_exact(out.floats.at("z"), moved));
        });
  }
}

TEST_CASE("add_noise: standard normal, a function of its place, borders get none") {
  const MapShape s = MapShape::layer(5, 7, 20);
  constexpr int replicas = 2, views = 30;
  const Images like(views, 20, 5, 7);
  on_all_devices(
      [&](Device& device) {
        const Guarded<float> in(device, s.size(), replicas, views), out(device, s.size(), replicas, views),
            part(device, s.size(), replicas, views), other(device, s.size(), replicas, views);
        device.add_noise({s, {replicas, views}, in.strided(), 0.5f, 3, 1, 7, 0, out.strided()});
        device.add_noise({s, {replicas, 10}, in.strided(), 0.5f, 3, 1, 7, 0, part.strided()});
        device.add_noise({s, {replicas, 20}, in.strided(10), 0.5f, 3, 1, 7, 10, part.strided(10)});
        CHECK(same_bits(out.read(), part.read()));  // in two parts: the same
        device.add_noise({s, {replicas, views}, in.strided(), 0.5f, 3, 1, 8, 0, other.strided()});
        CHECK((in.intact() && out.intact() && part.intact() && other.intact()));
        return Outputs{{{"out", out.read()}, {"other", other.read()}}, {}, {}};
      },
      [&](const Outputs& out) {
        CHECK(padding_is_zero(s, out.floats.at("out"), like));
        const auto noise = from_layout(s, out.floats.at("out"), 0, like),
                   other = from_layout(s, out.floats.at("other"), 0, like);
        CHECK(noise == from_layout(s, out.floats.at("out"), 1, like));
        double mean = 0, square = 0, product = 0;
        const auto n = static_cast<double>(noise.size());
        for (std::size_t i = 0; i < noise.size(); ++i)
          mean += noise[i] / n, square += noise[i] * noise[i] / n, product += noise[i] * other[i] / n;
        // Standard errors over n = 21000 numbers, 5 of them: 0.5 / sqrt(n), 0.25 sqrt(2 / n), 0.25 / sqrt(n).
        CHECK(std::fabs(mean) < 5 * 0.5 / std::sqrt(n));
        CHECK(std::fabs(square - 0.25) < 5 * 0.25 * std::sqrt(2 / n));
        CHECK(std::fabs(product) < 5 * 0.25 / std::sqrt(n));
      });
}
