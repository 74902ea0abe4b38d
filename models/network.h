#pragma once
#include <string>
#include <vector>

#include "engine/shapes.h"

namespace saccade {

/// One trainable layer: 3x3 convolution, or with weights of every position's own, optionally halved by a 2x2 max-pool
/// or a stride of 2, activation.
struct LayerSpec {
  int channels = 0;
  Downsample down = Downsample::none;
  Activation activation = Activation::none;
  Sharing sharing = Sharing::shared;
  friend bool operator==(const LayerSpec&, const LayerSpec&) = default;
};

/// A network as the experiment file declares it (method.md, section 1): a chain of layers, and linear heads of
/// `embedding` units without bias: one on every layer for layer-wise learning, one on the top layer for end-to-end
/// learning.
struct NetworkSpec {
  std::string name;
  int channels = 3, height = 32, width = 32;  ///< of the input image
  std::vector<LayerSpec> layers;
  int embedding = 64;
  int head_average = 1;  ///< heads and probes read a map averaged over windows of this side; 1 = the map itself

  /// Whether a layer has weights that belong to places of the image: then the network fits images of one size alone.
  bool any_local() const;
  int depth() const { return static_cast<int>(layers.size()); }
  /// The map that layer i reads (i = 0 is the image); i = depth() is the top.
  MapShape map(int i) const;
  ConvShape conv(int i) const;
  /// From the map that layer i leaves to what its head reads; only where head_average > 1.
  AverageShape average(int i) const;
  HeadShape head(int i) const;
  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};

/// "conv5" (CIFAR), "conv3" (MNIST family) or "vgg6" (STL10), and the same names with "-strided" behind, which halve
/// their maps by a stride instead of a pool; InputError for another name, with the known ones.
NetworkSpec known_network(const std::string& name);

/// InputError naming the layer when a map would have no pixel left, a size is not positive or over 65,536 channels, or
/// a layer would have too many weights.
void check_network(const NetworkSpec& network);

}  // namespace saccade
