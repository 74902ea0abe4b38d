#include "tools/step.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "engine/device.h"
#include "engine/error.h"
#include "models/layout.h"
#include "models/pair_step.h"
#include "tools/experiment/experiment.h"
#include "tools/replace_file.h"
#include "tools/safetensors.h"
#include "tools/tell.h"

namespace saccade {
namespace {

int negatives_of(const std::string& text) {
  if (text == "all") return PairStepOptions::all_others;
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw InputError(fmt::format("--negatives {}: expected a whole number from 0 on, or all", text));
  return value;
}

/// Numbers of the command line may be nan or inf.
void check_number(const char* option, double value) {
  if (!(value >= 0 && value <= std::numeric_limits<float>::max()))
    throw InputError(fmt::format("{}: found {}, expected a finite number of at least 0", option, value));
}

NetworkSpec network_of(const std::string& name) {
  if (name.ends_with(".toml")) return load_experiment(name).network;
  return known_network(name);
}

/// Views [n, C, H, W] as pixels [n][H][W][C].
std::vector<float> pixels_of(const Tensor& views, const NetworkSpec& network, const std::string& file) {
  const std::vector<std::size_t> image{static_cast<std::size_t>(network.channels),
                                       static_cast<std::size_t>(network.height),
                                       static_cast<std::size_t>(network.width)};
  if (views.shape.size() != 4 || views.shape[0] < 1 || !std::equal(image.begin(), image.end(), views.shape.begin() + 1))
    throw InputError(fmt::format("{}: tensor {} has shape [{}], expected [n, {}]", file, views.name,
                                 fmt::join(views.shape, ", "), fmt::join(image, ", ")));
  std::vector<float> pixels;
  pixels.reserve(views.data.size());
  const std::size_t size = image[0] * image[1] * image[2];
  for (std::size_t i = 0; i < views.shape[0]; ++i) {
    const std::vector<float> one =
        channels_last(views.data.data() + i * size, network.channels, network.height, network.width);
    pixels.insert(pixels.end(), one.begin(), one.end());
  }
  return pixels;
}

std::vector<std::int32_t> labels_of(const SafeTensors& views, std::size_t pairs, const std::string& file) {
  const IntegerTensor* label = views.integer("label");
  if (!label || label->shape != std::vector<std::size_t>{pairs})
    throw InputError(fmt::format("{}: expected a tensor label [{}] of int64 for --loss supervised", file, pairs));
  std::vector<std::int32_t> labels;
  for (const std::int64_t value : label->data) {
    if (value < 0 || value > 1'000'000) throw InputError(fmt::format("{}: label {} is out of range", file, value));
    labels.push_back(static_cast<std::int32_t>(value));
  }
  return labels;
}

/// What comes of them is worth little, and is written nevertheless: a step under glass.
void warn_of_not_finite(const SafeTensors& file, const std::filesystem::path& path) {
  for (const Tensor& tensor : file.reals) {
    const auto bad = std::count_if(tensor.data.begin(), tensor.data.end(), [](float x) { return !std::isfinite(x); });
    if (bad > 0)
      tell("warning: {}: {}: {} of {} values are not finite", path.string(), tensor.name, bad, tensor.data.size());
  }
}

Tensor distances(const std::vector<float>& a, const std::vector<float>& b, std::size_t pairs) {
  Tensor table{"distance", {pairs, pairs}, std::vector<float>(pairs * pairs)};
  const std::size_t size = a.size() / pairs;
  for (std::size_t i = 0; i < pairs; ++i)
    for (std::size_t j = 0; j < pairs; ++j) {
      double sum = 0;
      for (std::size_t e = 0; e < size; ++e) sum += std::abs(static_cast<double>(a[i * size + e]) - b[j * size + e]);
      table.data[i * pairs + j] = static_cast<float>(sum);
    }
  return table;
}

}  // namespace

int step(const StepRequest& request, const CommonFlags& flags) {
  NetworkSpec network = network_of(request.network);
  const int depth = network.depth();
  if (request.layer && (*request.layer < 0 || *request.layer >= depth))
    throw InputError(fmt::format("--layer {}: the network has layers 0 to {}", *request.layer, depth - 1));
  if (request.margins.size() != 2) throw InputError("--margins: expected two numbers, M1,M2");
  for (const double margin : request.margins) check_number("--margins", margin);
  check_number("--negative-weight", request.negative_weight);
  check_replaceable("--out", flags.out, {}, {request.weights, request.views});
  const bool supervised = request.loss == "supervised";
  const int top = request.layer.value_or(depth - 1);
  const SafeTensors weights = read_safetensors(request.weights), views = read_safetensors(request.views);
  warn_of_not_finite(weights, request.weights);
  warn_of_not_finite(views, request.views);
  const std::string head_name = fmt::format("head.{}.", top);

  auto needed = [](const SafeTensors& file, const std::filesystem::path& path,
                   const std::string& name) -> const Tensor& {
    const Tensor* tensor = file.real(name);
    if (!tensor)
      throw InputError(fmt::format("{}: there is no tensor {} of float32 in this file", path.string(), name));
    return *tensor;
  };
  const Tensor& head = needed(weights, request.weights, head_name + "weight");
  // Before anything of this size is allocated.
  const std::size_t features = network.head(top).in.features(), most_units = 65536;
  if (head.shape.size() != 2 || head.shape[0] < 1 || head.shape[0] > most_units || head.shape[1] != features)
    throw InputError(fmt::format("{}: {}weight is [{}], expected [units, {}] with 1 to {} units",
                                 request.weights.string(), head_name, fmt::join(head.shape, ", "), features,
                                 most_units));
  network.embedding = static_cast<int>(head.shape[0]);
  network.layers.resize(static_cast<std::size_t>(top) + 1);  // layers above the trained one take no part
  check_network(network);

  const auto device = make_device(flags);
  Parameters parameters(*device, network, make_rule(request.rule), request.layer ? Heads::top_layer : Heads::top_only,
                        1);
  try {
    parameters.load(*device, weights.reals);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", request.weights.string(), error.what()));
  }

  const Tensor& a = needed(views, request.views, "a");
  const Tensor& b = needed(views, request.views, "b");
  const std::vector<float> pixels_a = pixels_of(a, network, request.views.string()),
                           pixels_b = pixels_of(b, network, request.views.string());
  if (a.shape != b.shape)
    throw InputError(fmt::format("{}: a has {} views, b has {}", request.views.string(), a.shape[0], b.shape[0]));
  const std::size_t pairs = a.shape[0];
  if (pairs > 100'000)
    throw InputError(fmt::format("{}: {} pairs in one step, expected at most 100000", request.views.string(), pairs));

  PairStepOptions options;
  options.loss = request.loss;
  options.layer = request.layer ? top : end_to_end;
  options.margins = {static_cast<float>(request.margins[0]), static_cast<float>(request.margins[1])};
  options.negatives = negatives_of(request.negatives);
  options.negative_weight = static_cast<float>(request.negative_weight);
  options.block = !request.no_block;
  const auto lanes = static_cast<std::size_t>(network.head(top).lanes());
  DeviceBuffer<float> bias(*device, lanes), bias_gradient(*device, lanes);
  std::vector<float> host_bias(lanes);
  std::vector<std::int32_t> labels;
  if (supervised) {
    const Tensor& given = needed(weights, request.weights, head_name + "bias");
    if (given.shape != std::vector<std::size_t>{static_cast<std::size_t>(network.embedding)})
      throw InputError(fmt::format("{}: {}bias is [{}], expected [{}]", request.weights.string(), head_name,
                                   fmt::join(given.shape, ", "), network.embedding));
    std::copy(given.data.begin(), given.data.end(), host_bias.begin());
    bias.write(host_bias);
    labels = labels_of(views, pairs, request.views.string());
  }
  PairStep pair_step(*device, parameters, static_cast<int>(pairs));
  GradientAccumulator accumulator(*device, network);
  const double loss =
      pair_step.run(pixels_a, pixels_b, options, accumulator, labels, bias.shared(), bias_gradient.shared());

  const std::vector<std::size_t> embedding_shape{pairs, static_cast<std::size_t>(network.embedding)};
  std::vector<float> embedding_a = pair_step.embedding_a(), embedding_b = pair_step.embedding_b();
  for (auto* embedding : {&embedding_a, &embedding_b})
    for (std::size_t i = 0; i < embedding->size(); ++i) (*embedding)[i] += host_bias[i % embedding_shape[1]];
  SafeTensors out;
  out.reals.push_back({"embedding.a", embedding_shape, embedding_a});
  out.reals.push_back({"embedding.b", embedding_shape, embedding_b});
  out.reals.push_back(distances(embedding_a, embedding_b, pairs));
  out.reals.push_back({"loss", {1}, {static_cast<float>(loss)}});
  for (Tensor& gradient : accumulator.gradients()) {
    const int layer = std::stoi(gradient.name.substr(5));  // conv.I.weight or head.I.weight
    const Synapses& synapses = gradient.name.starts_with("conv") ? parameters.conv(layer) : parameters.head(layer);
    // Feedback that learns receives the increments of the forward weights: the same gradient.
    if (parameters.learning_feedback(synapses))
      out.reals.push_back({"grad.feedback." + gradient.name, gradient.shape, gradient.data});
    gradient.name = "grad." + gradient.name;
    out.reals.push_back(std::move(gradient));
  }
  if (supervised) {
    std::vector<float> gradient = bias_gradient.read();
    gradient.resize(embedding_shape[1]);
    out.reals.push_back({"grad." + head_name + "bias", {embedding_shape[1]}, std::move(gradient)});
  }
  write_safetensors(flags.out, out);
  if (!flags.quiet)
    fmt::print("loss {:.6g} over {} pairs; {} tensors in {}\n", loss, pairs, out.reals.size(), flags.out.string());
  return 0;
}

}  // namespace saccade
