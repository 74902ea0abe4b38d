#include "models/network.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"

namespace saccade {

MapShape NetworkSpec::map(int i) const {
  if (i == 0) return MapShape::image(height, width, channels);
  return conv(i - 1).out;
}

ConvShape NetworkSpec::conv(int i) const {
  const LayerSpec& layer = layers.at(static_cast<std::size_t>(i));
  return ConvShape::make(map(i), layer.channels, layer.down, layer.activation, layer.sharing);
}

bool NetworkSpec::any_local() const {
  return std::any_of(layers.begin(), layers.end(), [](const LayerSpec& l) { return l.sharing == Sharing::local; });
}

AverageShape NetworkSpec::average(int i) const { return AverageShape::make(map(i + 1), head_average); }

HeadShape NetworkSpec::head(int i) const { return {head_average == 1 ? map(i + 1) : average(i).out, embedding}; }

NetworkSpec known_network(const std::string& name) {
  using enum Activation;
  constexpr Downsample dense = Downsample::none;
  const Downsample down = name.ends_with("-strided") ? Downsample::stride : Downsample::max_pool;
  if (name == "conv5" || name == "conv5-strided")
    return {name,
            3,
            32,
            32,
            {{32, dense, hardtanh}, {32, down, none}, {64, dense, hardtanh}, {64, down, none}, {512, down, none}},
            64};
  if (name == "conv3" || name == "conv3-strided")
    return {name, 1, 28, 28, {{32, down, tanh}, {64, down, tanh}, {128, down, tanh}}, 64};
  if (name == "vgg6" || name == "vgg6-strided")
    return {name,
            3,
            64,
            64,
            {{128, dense, hardtanh},
             {256, down, hardtanh},
             {256, dense, hardtanh},
             {512, down, hardtanh},
             {1024, down, hardtanh},
             {1024, down, hardtanh}},
            64,
            2};
  throw InputError(
      fmt::format("network: no network is called \"{}\"; known are conv5, conv3, vgg6, each also with -strided behind "
                  "it, or declare one in a [network] table",
                  name));
}

void check_network(const NetworkSpec& network) {
  if (network.layers.empty()) throw InputError("network: it has no layers; at least one is needed");
  if (network.embedding < 1 || network.embedding > 65536)
    throw InputError(fmt::format("network: embedding is {}, expected 1 to 65536", network.embedding));
  if (network.head_average < 1 || network.head_average > 2)
    throw InputError(fmt::format("network: head_average is {}, expected 1 or 2", network.head_average));
  for (int i = 0; i < network.depth(); ++i) {
    const LayerSpec& layer = network.layers[static_cast<std::size_t>(i)];
    if (layer.channels < 1 || layer.channels > 65536)
      throw InputError(fmt::format("network: layer {} has {} channels, expected 1 to 65536", i, layer.channels));
    const MapShape out = network.map(i + 1);
    if (out.height < 1 || out.width < 1)
      throw InputError(fmt::format(
          "network: layer {} would have a map of {}x{} pixels; the image of {}x{} is too small to be halved so often",
          i, out.height, out.width, network.height, network.width));
    if (network.head(i).in.features() == 0)
      throw InputError(
          fmt::format("network: layer {} has a map of {}x{} pixels, too small for its head to average windows of {}x{}",
                      i, out.height, out.width, network.head_average, network.head_average));
    constexpr std::size_t most_weights = std::size_t{1} << 28;  // 1 GiB a tensor: beyond it, a slip of the keyboard
    if (network.conv(i).weights() > most_weights || network.head(i).weights() > most_weights)
      throw InputError(
          fmt::format("network: layer {} would have {} weights{} and its head {}; expected at most {} each", i,
                      network.conv(i).weights(), network.conv(i).local() ? ", every position its own," : "",
                      network.head(i).weights(), most_weights));
  }
}

}  // namespace saccade
