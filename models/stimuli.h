#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/device_buffer.h"
#include "engine/view_recipe.h"

namespace saccade {

/// Images in a device's memory as the bytes of their data set, for views that the device renders itself.
class DeviceImages {
 public:
  /// bytes: [n][height][width][channels]. The device must outlive them. std::invalid_argument for half an image.
  DeviceImages(Device& device, int height, int width, int channels, std::span<const std::uint8_t> bytes);

  const std::uint8_t* bytes() const { return bytes_.data(); }
  std::size_t count() const { return count_; }
  /// Whether a map holds one of them.
  bool fit(const MapShape& map) const {
    return map.height == height_ && map.width == width_ && map.channels == channels_;
  }

 private:
  int height_, width_, channels_;
  std::size_t count_;
  DeviceBuffer<std::uint8_t> bytes_;
};

/// What is shown to a network: views as pixels in host memory, or as recipes of images that its device holds. It owns
/// neither.
struct Stimuli {
  std::span<const float> pixels;  ///< [n][height][width][channels]; empty where there are recipes
  std::span<const ViewRecipe> recipes;
  const DeviceImages* images = nullptr;  ///< null where there are pixels

  Stimuli() = default;
  Stimuli(const std::vector<float>& all_pixels) : pixels(all_pixels) {}  // NOLINT: views commonly come as pixels
  Stimuli(std::span<const ViewRecipe> of_views, const DeviceImages& all_images)
      : recipes(of_views), images(&all_images) {}

  bool empty() const { return pixels.empty() && recipes.empty(); }
  /// Numbers of pixels that become of it in maps of `features` numbers.
  std::size_t values(std::size_t features) const { return images ? recipes.size() * features : pixels.size(); }
  /// The same from view `first` on.
  Stimuli from(std::size_t first, std::size_t features) const;
};

}  // namespace saccade
