#include "tests/reference/cases.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

/// The buffers of one forward step, with sentinels.
struct Buffers {
  ConvShape shape;
  Guarded<float> in, weights, packed, out;
  Guarded<std::uint8_t> winners;

  Buffers(Device& device, const ConvCase& c, const ConvData& data)
      : shape(c.shape()),
        in(device, shape.in.size(), c.replicas, c.views, to_layout(shape.in, data.in)),
        weights(device, shape.weights(), c.replicas, 1, to_layout(shape, data.weights)),
        packed(device, device.packed_size(shape, Way::up, Arithmetic::exact), c.replicas),
        out(device, shape.out.size(), c.replicas, c.views,
            junk(shape.out, Images(c.views, c.out_channels, shape.out.height, shape.out.width), c.replicas)),
        winners(device, std::max<std::size_t>(1, shape.winners()), c.replicas, c.views) {
    if (!shape.local())
      device.conv_pack({shape, {c.replicas, 1}, Way::up, Arithmetic::exact, {weights.shared()}, {}, packed.shared()});
  }

  ConvForward op(int replicas, int first, int views) const {
    return {shape,
            {replicas, views},
            in.strided(first),
            shape.local() ? weights.shared() : packed.shared(),
            out.strided(first),
            shape.pools() ? winners.strided(first) : Bytes{}};
  }
  Outputs outputs() const {
    CHECK((in.intact() && weights.intact() && packed.intact() && out.intact() && winners.intact()));
    Outputs r;
    r.floats["out"] = out.read();
    if (shape.pools()) r.bytes["winners"] = winners.read();
    return r;
  }
};

Outputs run(Device& device, const ConvCase& c, const ConvData& data) {
  const Buffers b(device, c, data);
  const auto in_before = b.in.read();
  device.conv_forward(b.op(c.replicas, 0, c.views));
  CHECK(same_bits(b.in.read(), in_before));
  return b.outputs();
}

}  // namespace

TEST_CASE("conv_forward against the reference") {
  int saturated = 0;
  for (const ConvCase& c : conv_cases()) {
    CAPTURE(c);
    const ConvData data = make_conv_data(c, false, 1);
    std::vector<ConvResult> want;
    for (int r = 0; r < c.replicas; ++r)
      want.push_back(conv_forward(data.in[r], data.weights[r], c.down, c.activation));
    for (double y : want[0].out.v) saturated += c.activation == Activation::hardtanh && std::fabs(y) == 1;
    // Every product is a term; the activation has a slope of at most 1, and only tanh is rounded.
    const double limit = sum_bound(9 * c.channels) + (c.activation == Activation::tanh ? tanh_bound : 0);
    on_all_devices([&](Device& device) { return run(device, c, data); },
                   [&](const Outputs& out) {
                     CHECK(padding_is_zero(c.shape().out, out.floats.at("out"), want[0].out));
                     for (int r = 0; r < c.replicas; ++r) {
                       CAPTURE(r);
                       const Images& like = want[r].out;
                       std::vector<double> got = from_layout(c.shape().out, out.floats.at("out"), r, like);
                       CHECK_CLOSE(compare(got, like.v, want[r].scale.v, limit));
                       // The comparison sees one wrong element in this very result.
                       const auto largest = std::max_element(got.begin(), got.end());
                       *largest *= 1.001;
                       CHECK((*largest < 0.1 || !compare(got, like.v, want[r].scale.v, limit)));
                       if (!c.pools()) continue;
                       const auto winners = winners_from_layout(c.shape(), out.bytes.at("winners"), r, like);
                       bool fine = true;
                       for (int i = 0; i < like.n; ++i)
                         for (int k = 0; k < like.c; ++k)
                           for (int y = 0; y < like.h; ++y)
                             for (int x = 0; x < like.w; ++x) {
                               const int j = winners[like.index(i, k, y, x)];
                               fine = fine && j < 4;
                               if (!fine) continue;
                               // Another winner than the reference's is right when rounding alone could have put it
                               // first.
                               const int best = want[r].winners[like.index(i, k, y, x)];
                               const double gap = want[r].before_pool.at(i, k, 2 * y + best / 2, 2 * x + best % 2) -
                                                  want[r].before_pool.at(i, k, 2 * y + j / 2, 2 * x + j % 2);
                               fine = gap <= 2 * limit * want[r].scale.at(i, k, y, x);
                             }
                       CHECK(fine);
                     }
                   });
  }
  CHECK(saturated > 100);
}

TEST_CASE("conv_forward: sums that are exact in float, and the first of equals wins") {
  int ties = 0;
  for (const ConvCase& c : conv_cases()) {
    CAPTURE(c);
    const ConvData data = make_conv_data(c, true, 2);
    std::vector<ConvResult> want;
    for (int r = 0; r < c.replicas; ++r)
      want.push_back(conv_forward(data.in[r], data.weights[r], c.down, c.activation));
    for (int i = 0; c.pools() && i < want[0].out.n; ++i)
      for (int y = 0; y < want[0].out.h; ++y)
        for (int x = 0; x < want[0].out.w; ++x) {
          const Images& z = want[0].before_pool;
          const int j = want[0].winners[want[0].out.index(i, 0, y, x)];
          for (int other = j + 1; other < 4; ++other)
            ties += z.at(i, 0, 2 * y + other / 2, 2 * x + other % 2) == z.at(i, 0, 2 * y + j / 2, 2 * x + j % 2);
        }
    on_all_devices(
        [&](Device& device) { return run(device, c, data); },
        [&](const Outputs& out) {
          for (int r = 0; r < c.replicas; ++r) {
            CAPTURE(r);
            const auto got = from_layout(c.shape().out, out.floats.at("out"), r, want[r].out);
            if (c.activation == Activation::tanh)
              CHECK_CLOSE(compare(got, want[r].out.v, magnitudes(want[r].out.v), tanh_bound));  // of an exact argument
            else
              CHECK_CLOSE(compare_exact(got, want[r].out.v));
            if (c.pools())
              CHECK(
                  same_bits(winners_from_layout(c.shape(), out.bytes.at("winners"), r, want[r].out), want[r].winners));
          }
        });
  }
  CHECK(ties > 20);
}

TEST_CASE("conv_forward: in flat areas all four sums of a window have the same bits, so the first wins") {
  for (const ConvCase& c : {ConvCase{28, 28, 1, true, 32, Downsample::max_pool, Activation::tanh, 1, 1},
                            ConvCase{13, 19, 3, true, 20, Downsample::max_pool, Activation::none, 1, 1},
                            ConvCase{14, 14, 32, false, 64, Downsample::max_pool, Activation::none, 1, 1}}) {
    CAPTURE(c);
    ConvData data = make_conv_data(c, false, 3);
    for (double& v : data.in[0].v) v = static_cast<double>(0.3f);
    on_all_devices([&](Device& device) { return run(device, c, data); },
                   [&](const Outputs& out) {
                     const ConvShape s = c.shape();
                     const Images like(1, c.out_channels, s.out.height, s.out.width);
                     const auto winners = winners_from_layout(s, out.bytes.at("winners"), 0, like);
                     int wrong = 0;
                     for (int k = 0; k < like.c; ++k)
                       for (int y = 1; y < like.h - 1; ++y)
                         for (int x = 1; x < like.w - 1; ++x) wrong += winners[like.index(0, k, y, x)] != 0;
                     CHECK(wrong == 0);
                   });
  }
}

TEST_CASE("conv_forward: a view computed alone has the same bits as in a batch; winners may be left out") {
  for (const ConvCase& c : conv_cases()) {
    if (c.views == 1) continue;
    CAPTURE(c);
    const ConvData data = make_conv_data(c, false, 4);
    for (const std::string isa : {"avx512", "avx2", "portable"}) {
      CAPTURE(isa);
      Device* device = cpu_device(isa, 2);
      if (device == nullptr) continue;
      const Outputs batch = run(*device, c, data);
      const Buffers b(*device, c, data);
      for (int v = c.views - 1; v >= 0; --v) device->conv_forward(b.op(c.replicas, v, 1));
      CHECK(first_difference(batch, b.outputs()) == "");
      ConvForward without = b.op(c.replicas, 0, c.views);
      without.winners = {};
      device->conv_forward(without);
      CHECK(first_difference(batch, b.outputs()) == "");
      // All views read the same pixels: stride 0.
      ConvForward shared = b.op(1, 0, c.views);
      shared.input.view = 0;
      device->conv_forward(shared);
      const auto out = b.out.read();
      const auto size = static_cast<std::ptrdiff_t>(b.shape.out.size());
      for (int v = 0; v < c.views; ++v)
        CHECK(std::equal(out.begin() + v * size, out.begin() + (v + 1) * size, batch.floats.at("out").begin()));
    }
  }
}

TEST_CASE("conv_forward: tanh over its whole range, NaN stays NaN") {
  // Weight 1 in the centre alone: the activation of the pixels themselves.
  const ConvCase c{40, 50, 16, false, 16, Downsample::none, Activation::tanh, 1, 1};
  ConvData data = make_conv_data(c, true, 5);
  Draw draw(6);
  std::fill(data.weights[0].v.begin(), data.weights[0].v.end(), 0.0);
  for (int k = 0; k < 16; ++k) data.weights[0].at(k, k, 1, 1) = 1;
  for (std::size_t i = 0; i < data.in[0].v.size(); ++i)
    data.in[0].v[i] = i % 4 == 0   ? draw.uniform(-1, 1)
                      : i % 4 == 1 ? draw.uniform(-20, 20)
                      : i % 4 == 2 ? static_cast<double>(static_cast<float>(std::exp2(draw.uniform(-100, 6))))
                                   : draw.uniform(0.6, 0.65);
  std::vector<double> want = data.in[0].v;
  for (double& x : want) x = std::tanh(x);
  on_all_devices([&](Device& device) { return run(device, c, data); },
                 [&](const Outputs& out) {
                   const auto got = from_layout(c.shape().out, out.floats.at("out"), 0, data.in[0]);
                   CHECK_CLOSE(compare(got, want, magnitudes(want), tanh_bound));
                 });
  for (Activation f : {Activation::none, Activation::hardtanh, Activation::tanh, Activation::relu}) {
    CAPTURE(static_cast<int>(f));
    const ConvCase one{1, 1, 1, true, 5, Downsample::none, f, 1, 1};
    ConvData bad = make_conv_data(one, false, 7);
    bad.in[0].v[0] = NAN;
    on_all_devices([&](Device& device) { return run(device, one, bad); },
                   [&](const Outputs& out) {
                     for (double y : from_layout(one.shape().out, out.floats.at("out"), 0, Images(1, 5, 1, 1)))
                       CHECK(std::isnan(y));
                   });
  }
}

TEST_CASE("conv_pack: only replicas with an active view are renewed; no views is no work") {
  const ConvCase c{4, 4, 20, false, 20, Downsample::max_pool, Activation::none, 3, 3};
  const ConvData data = make_conv_data(c, false, 8);
  on_all_devices(
      [&](Device& device) {
        const Buffers b(device, c, data);
        const std::vector<float> before = b.packed.read();
        std::vector<float> other = b.weights.read();
        for (float& w : other) w *= 2;
        Guarded<float> doubled(device, b.shape.weights(), 3, 1, other);
        const Guarded<std::int32_t> active(device, 1, 3, 3, {0, 0, 0, 0, 0, 1, 0, 0, 0});
        device.conv_pack(
            {b.shape, {3, 3}, Way::up, Arithmetic::exact, {doubled.shared()}, active.strided(), b.packed.shared()});
        const std::vector<float> after = b.packed.read();
        const std::size_t size = before.size() / 3;
        for (std::size_t i = 0; i < after.size(); ++i) REQUIRE(after[i] == (i / size == 1 ? 2.0f : 1.0f) * before[i]);
        const std::vector<float> out = b.out.read();
        device.conv_forward(b.op(3, 0, 0));
        CHECK(same_bits(out, b.out.read()));
        CHECK((b.packed.intact() && b.out.intact()));
        return Outputs{};
      },
      [](const Outputs&) {});
}
