#include <cstdint>

#include "tests/reference/cases.h"

using namespace saccade;
using namespace saccade::reference;

TEST_CASE("cpu device: what it is, and its choice of an instruction set") {
  Device* device = cpu_device("portable", 2);
  REQUIRE(device != nullptr);  // every machine can run it
  CHECK(device->name() == "cpu");
  CHECK(make_cpu_device()->threads() >= 1);
  setenv("SACCADE_ISA", "abacus", 1);
  CHECK_THROWS_AS(make_cpu_device(), InputError);
  unsetenv("SACCADE_ISA");
  CHECK_THROWS_AS(make_cpu_device(-1), std::exception);
}

TEST_CASE("device memory: zeroed, aligned, copied both ways") {
  Device& device = *cpu_device("portable", 1);
  DeviceBuffer<float> a(device, 1000, 2, 3), b(device, 1000, 2, 3);
  CHECK(a.read() == std::vector<float>(6000, 0.0f));
  CHECK(reinterpret_cast<std::uintptr_t>(a.data()) % 64 == 0);  // a vector of 16 floats
  std::vector<float> numbers(6000);
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<float>(i);
  a.write(numbers);
  CHECK(a.read() == numbers);
  device.copy(b.data(), a.data(), 6000 * sizeof(float));
  CHECK(b.read() == numbers);
  device.clear(b.data() + 1, sizeof(float));
  CHECK(b.read()[0] == 0);
  CHECK(b.read()[1] == 0);
  CHECK(b.read()[2] == 2);
  a.clear();
  CHECK(a.read() == std::vector<float>(6000, 0.0f));
}

TEST_CASE("load_views: pixels [views][height][width][channels] into every kind of map, for every replica") {
  for (const MapShape& shape :
       {MapShape::image(1, 1, 1), MapShape::image(5, 7, 3), MapShape::image(28, 28, 1), MapShape::layer(5, 7, 3),
        MapShape::layer(3, 3, 20), MapShape::layer(5, 7, 3).compact()})
    for (int replicas : {1, 3})
      for (int views : {1, 3, 7}) {
        CAPTURE(shape.height);
        CAPTURE(shape.lanes);
        CAPTURE(views);
        Draw draw(60);
        Images images(views, shape.channels, shape.height, shape.width);
        draw.fill(images.v, 0, 1);
        std::vector<float> pixels;
        for (int i = 0; i < views; ++i)
          for (int y = 0; y < shape.height; ++y)
            for (int x = 0; x < shape.width; ++x)
              for (int c = 0; c < shape.channels; ++c) pixels.push_back(static_cast<float>(images.at(i, c, y, x)));
        const std::vector<float> want =
            to_layout(shape, std::vector<Images>(static_cast<std::size_t>(replicas), images));
        on_all_devices(
            [&](Device& device) {
              const Guarded<float> maps(device, shape.size(), replicas, views, junk(shape, images, replicas));
              device.load_views({shape, {replicas, views}, pixels.data(), maps.strided()});
              CHECK(maps.intact());
              return Outputs{{{"maps", maps.read()}}, {}, {}};
            },
            [&](const Outputs& out) { CHECK(out.floats.at("maps") == want); });
      }
}
