#include "tests/reference/average.h"
#include "tests/reference/cases.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

struct AverageCase {
  MapShape in;
  int side, replicas, views;
};

/// One window, odd sizes that leave rows and columns over, channels around multiples of 16, maps without a border.
const std::vector<AverageCase> cases = {
    {MapShape::layer(2, 2, 1), 2, 1, 1},  {MapShape::layer(1, 1, 20), 1, 2, 3},  {MapShape::layer(5, 7, 33), 2, 2, 3},
    {MapShape::layer(7, 9, 17), 3, 1, 7}, {MapShape::layer(4, 2, 128), 2, 3, 1}, {MapShape::layer(64, 64, 16), 2, 1, 2},
    {{6, 5, 16, 16, 0}, 2, 2, 2},
};

}  // namespace

TEST_CASE("average pooling and its adjoint against the reference") {
  for (const AverageCase& c : cases)
    for (Activation below : {Activation::none, Activation::hardtanh, Activation::tanh, Activation::relu})
      for (Flagging flagging : {Flagging::null, Flagging::some}) {
        CAPTURE(c.in.height);
        CAPTURE(c.in.channels);
        CAPTURE(static_cast<int>(below));
        const AverageShape shape = AverageShape::make(c.in, c.side);
        Draw draw(31);
        std::vector<Images> in, error;
        std::vector<Scaled<Images>> want;
        for (int r = 0; r < c.replicas; ++r) {
          in.emplace_back(c.views, c.in.channels, c.in.height, c.in.width);
          draw.fill(in.back().v, -1.3, 1.3);
          for (double& x : in.back().v) x = std::clamp(x, -1.0, 1.0);
          want.push_back(average_pool(in.back(), c.side));
          error.emplace_back(c.views, c.in.channels, shape.out.height, shape.out.width);
          draw.fill(error.back().v, -2, 2);
        }
        const auto flags = make_flags(flagging, c.replicas, c.views);
        std::vector<float> stored_errors = to_layout(shape.out, error);
        spoil_inactive(stored_errors, flags, c.views);
        on_all_devices(
            [&](Device& device) {
              const Guarded<float> map(device, c.in.size(), c.replicas, c.views, to_layout(c.in, in)),
                  averages(device, shape.out.size(), c.replicas, c.views, junk(shape.out, error[0], c.replicas)),
                  errors(device, shape.out.size(), c.replicas, c.views, stored_errors),
                  below_errors(device, c.in.size(), c.replicas, c.views, junk(c.in, in[0], c.replicas));
              const Guarded<std::int32_t> active(device, 1, c.replicas, c.views, flags_to_layout(flags, c.views));
              const Extent extent{c.replicas, c.views};
              device.average_pool({shape, extent, map.strided(), averages.strided()});
              device.average_pool_gradient({shape, extent, errors.strided(), map.strided(), below,
                                            flagging == Flagging::null ? Flags{} : active.strided(),
                                            below_errors.strided()});
              CHECK((map.intact() && averages.intact() && errors.intact() && below_errors.intact()));
              return Outputs{{{"averages", averages.read()}, {"errors", below_errors.read()}}, {}, {}};
            },
            [&](const Outputs& out) {
              for (int r = 0; r < c.replicas; ++r) {
                const auto i = static_cast<std::size_t>(r);
                const auto averages = from_layout(shape.out, out.floats.at("averages"), r, error[i]);
                CHECK_CLOSE(compare(averages, want[i].value.v, want[i].scale.v, sum_bound(c.side * c.side + 1)));
                const Images expected = average_pool_gradient(error[i], in[i], c.side, below, flags[i]);
                Images magnitude = error[i];
                magnitude.v = magnitudes(magnitude.v);
                // Relative to the error, not to the result: near saturation a derivative of tanh cancels.
                Images scale = average_pool_gradient(magnitude, in[i], c.side, Activation::none, flags[i]);
                for (std::size_t k = 0; k < scale.v.size(); ++k)
                  if (expected.v[k] == 0) scale.v[k] = 0;
                auto got = from_layout(c.in, out.floats.at("errors"), r, in[i]);
                const std::size_t view = got.size() / static_cast<std::size_t>(c.views);
                for (std::size_t k = 0; k < got.size(); ++k)
                  if (!is_active(flags[i], static_cast<int>(k / view))) {
                    CHECK(got[k] == 777.0);  // left alone
                    got[k] = 0;
                  }
                CHECK_CLOSE(compare(got, expected.v, scale.v, 4 * unit_roundoff));
              }
              CHECK(padding_is_zero(shape.out, out.floats.at("averages"), error[0]));
              CHECK(padding_is_zero(c.in, out.floats.at("errors"), in[0]));
            });
      }
}
