#include <fmt/format.h>

#include "streams/views.h"
#include "tools/check/device_check.h"

/// Operations on whole maps.
namespace saccade::check {
namespace {

using enum Active;

void combine(Trial& t, const MapShape& shape, const Extent& extent, Active active, bool difference) {
  const auto &a = t.maps(shape, extent), &b = t.maps(shape, extent), &c = t.maps(shape, extent),
             &output = t.zeros<float>(shape.size(), extent);
  t.spoil_inactive(b, active);
  t.calls<Combine>(&Device::combine,
                   {shape.size(), extent, a.strided(), b.strided(), difference ? c.strided() : Floats{}, 0.7f,
                    t.flags(extent, active), output.strided()});
  t.compare(output, same_bits);
}

void target_error(Trial& t, const MapShape& shape, const Extent& extent, Active active, Activation activation) {
  const auto &y = t.maps(shape, extent, activation), &target = t.maps(shape, extent, activation),
             &error = t.zeros<float>(shape.size(), extent), &loss = t.zeros<float>(1, extent);
  t.spoil_inactive(target, active);
  t.calls<TargetError>(&Device::target_error, {shape.size(), extent, y.strided(), target.strided(), activation, 2.0f,
                                               t.flags(extent, active), error.strided(), loss.strided()});
  t.compare(error);
  t.compare(loss);
}

void add_noise(Trial& t, const MapShape& shape, const Extent& extent) {
  const auto &input = t.maps(shape, extent), &output = t.zeros<float>(shape.size(), extent);
  AddNoise op;
  op.shape = shape;
  op.extent = extent;
  op.input = input.strided();
  op.deviation = 0.1f;
  op.seed = 0x1'2345'6789;
  op.entity = 3;
  op.event = 0x4'0000'0007;
  op.first = 2;
  op.output = output.strided();
  t.calls<AddNoise>(&Device::add_noise, op);
  t.compare(output);
}

void load_views(Trial& t, const MapShape& shape, const Extent& extent) {
  const std::vector<float> pixels = t.host_floats(shape.features() * extent.views, {0, 1, 0});
  const auto& output = t.zeros<float>(shape.size(), extent);
  t.call = [&t, &output, shape, extent, pixels] {
    t.device().load_views({shape, extent, pixels.data(), output.strided()});
  };
  t.compare(output, same_bits);
}

/// Against what the streams render, for devices that leave it to them.
void render_views(Trial& t, const MapShape& shape, const Extent& extent, ViewKind kind) {
  constexpr std::size_t count = 5;
  ImageSet images{"made up", shape.height, shape.width, shape.channels, {}, {}, {}};
  for (const float value : t.host_floats(count * images.image_bytes(), {0, 256, 0}))
    images.pixels.push_back(static_cast<std::uint8_t>(value));
  std::vector<ViewRecipe> recipes;
  for (int view = 0; view < extent.views; ++view)
    recipes.push_back(draw_recipe(kind, 1, static_cast<std::uint32_t>(view % static_cast<int>(count)),
                                  static_cast<std::uint64_t>(view), 0));
  const auto& output = t.zeros<float>(shape.size(), extent);
  if (t.device().renders(kind)) {
    const auto& on_device = t.put(images.pixels, images.pixels.size(), {});
    t.call = [&t, shape, extent, &on_device, recipes, &output] {
      t.device().render_views({shape, extent, on_device.data(), count, recipes.data(), output.strided()});
    };
  } else {
    t.call = [&t, shape, extent, images, recipes, &output] {
      std::vector<float> pixels(recipes.size() * images.image_bytes());
      for (std::size_t view = 0; view < recipes.size(); ++view)
        render(images, recipes[view], pixels.data() + view * images.image_bytes());
      t.device().load_views({shape, extent, pixels.data(), output.strided()});
    };
  }
  t.compare(output, same_bits);
}

/// Rows that are written, moved and read as lists that go ahead of the host (engine/cuda/mailbox.h).
void read_later(Trial& t, std::size_t size, const Extent& extent) {
  const std::vector<float> rows = t.host_floats(size * extent.views);
  const auto &written = t.zeros<float>(size, {}), &moved = t.zeros<float>(size, {}),
             &output = t.zeros<float>(size, extent);
  t.call = [&t, &written, &moved, &output, rows, size, extent] {
    std::vector<float> got(rows.size());
    for (std::size_t at = 0; at < rows.size(); at += size) {
      t.device().write(written.data(), rows.data() + at, size * sizeof(float));
      t.device().copy(moved.data(), written.data(), size * sizeof(float));
      t.device().read_later(got.data() + at, moved.data(), size * sizeof(float));
    }
    t.device().settle();
    output.write(got);
  };
  t.compare(output, same_bits);
}

void average_pool(Trial& t, const AverageShape& shape, const Extent& extent) {
  const auto &input = t.maps(shape.in, extent), &output = t.zeros<float>(shape.out.size(), extent);
  t.calls<AveragePool>(&Device::average_pool, {shape, extent, input.strided(), output.strided()});
  t.compare(output);
}

void average_pool_gradient(Trial& t, const AverageShape& shape, const Extent& extent, Active active,
                           Activation activation) {
  const auto &input = t.maps(shape.in, extent, activation), &error = t.maps(shape.out, extent),
             &below = t.zeros<float>(shape.in.size(), extent);
  t.spoil_inactive(error, active);
  t.calls<AveragePoolGradient>(&Device::average_pool_gradient, {shape, extent, error.strided(), input.strided(),
                                                                activation, t.flags(extent, active), below.strided()});
  t.compare(below);
}

}  // namespace

std::vector<Case> map_cases(const NetworkSpec& network, int views) {
  const Extent one{1, views}, three{3, (views + 2) / 3};
  const MapShape image = network.map(0), map = network.map(1);
  const Activation activation = network.conv(0).activation;
  const ViewKind kind = image.channels == 3 ? ViewKind::affine_hsv : ViewKind::affine;
  std::vector<Case> all = {
      {"load_views", "image", [=](Trial& t) { load_views(t, image, one); }},
      {"load_views", "image, R=3", [=](Trial& t) { load_views(t, image, three); }},
      {"render_views", "image", [=](Trial& t) { render_views(t, image, one, kind); }},
      {"render_views", "image, R=3", [=](Trial& t) { render_views(t, image, three, kind); }},
      {"read_later", "rows",
       [=](Trial& t) {
         read_later(t, 100, {1, views + 8});
       }},
      {"add_noise", "layer 0", [=](Trial& t) { add_noise(t, map, one); }},
      {"add_noise", "layer 0, R=3", [=](Trial& t) { add_noise(t, map, three); }},
      {"combine", "layer 0, a + s b", [=](Trial& t) { combine(t, map, one, Active::all, false); }},
      {"combine", "layer 0, R=3, some views", [=](Trial& t) { combine(t, map, three, some, true); }},
      {"target_error", "layer 0", [=](Trial& t) { target_error(t, map, one, Active::all, activation); }},
      {"target_error", "layer 0, R=3, some views", [=](Trial& t) { target_error(t, map, three, some, activation); }},
  };
  const int side = 2;
  for (const int layer : {0, network.depth() - 1}) {
    const AverageShape shape = AverageShape::make(network.map(layer + 1), side);
    const Activation below = network.conv(layer).activation;
    const std::string where = fmt::format("layer {}", layer);
    all.push_back({"average_pool", where, [=](Trial& t) { average_pool(t, shape, one); }});
    all.push_back({"average_pool", where + ", R=3", [=](Trial& t) { average_pool(t, shape, three); }});
    all.push_back(
        {"average_pool_gradient", where, [=](Trial& t) { average_pool_gradient(t, shape, one, Active::all, below); }});
    all.push_back({"average_pool_gradient", where + ", R=3, some views",
                   [=](Trial& t) { average_pool_gradient(t, shape, three, some, below); }});
  }
  return all;
}

}  // namespace saccade::check
