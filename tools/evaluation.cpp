#include "tools/evaluation.h"

#include <fmt/format.h>

#include <algorithm>

#include "streams/views.h"
#include "tools/interrupt.h"
#include "tools/progress.h"

namespace saccade {

Evaluation::Evaluation(Device& device, const Experiment& experiment, const DataSet& data, bool quiet)
    : device_(device), experiment_(experiment), quiet_(quiet), data_name_(saccade::data_name(experiment.data)) {
  train_ = images(data.train, experiment.probe.images, false);
  plain_ = images(data.test, experiment.probe.test_images, false);
  if (experiment.probe.deformed) deformed_ = images(data.test, experiment.probe.test_images, true);
}

LabelledImages Evaluation::images(const ImageSet& set, std::int64_t count, bool deformed) const {
  LabelledImages images;
  images.count = count == 0 ? set.size() : std::min(set.size(), static_cast<std::size_t>(count));
  images.classes = static_cast<int>(set.classes.size());
  images.labels.assign(set.labels.begin(), set.labels.begin() + static_cast<std::ptrdiff_t>(images.count));
  // Deformed as in the stream; plain views have no deformation, so their test takes that of the data's channels.
  ViewKind kind = ViewKind::plain;
  if (deformed)
    kind = experiment_.view.kind != ViewKind::plain ? experiment_.view.kind
           : set.channels == 3                      ? ViewKind::affine_hsv
                                                    : ViewKind::affine;
  images.fill = [&set, kind, seed = static_cast<std::uint64_t>(experiment_.seed)](std::size_t i, float* pixels) {
    DrawOptions always;
    always.warp_probability = 1;
    render(set, draw_recipe(kind, seed, static_cast<std::uint32_t>(i), 0, 0, Purpose::test_view, always), pixels);
  };
  return images;
}

std::string Evaluation::protocol(const char* test) const {
  return fmt::format(
      "linear probe with bias on frozen features; trained on the first {} training images of {}, plain, {} epochs, "
      "Adam {:g}, "
      "batch {}, seed {}; tested on {} {} test images; device {} ({})",
      train_.count, data_name_, experiment_.probe.epochs, experiment_.probe.rate, experiment_.probe.batch,
      experiment_.seed, plain_.count, test, device_.name(), device_.instruction_set());
}

void Evaluation::probe(const Parameters& parameters, int layer, const std::string& name, ProbeResults& results) {
  const ProbeOptions options{static_cast<int>(experiment_.probe.epochs), static_cast<int>(experiment_.probe.batch),
                             static_cast<float>(experiment_.probe.rate), static_cast<std::uint64_t>(experiment_.seed)};
  const Features features = extract_features(device_, parameters, layer, train_, 0, train_.count);
  LinearProbe probe(device_, features.shape, train_.classes, options);
  {
    const std::uint64_t images = train_.count * static_cast<std::uint64_t>(options.epochs);
    Progress progress("probe of " + name, images, "images", quiet_);
    auto show = [&](double done) {
      progress.update(static_cast<std::uint64_t>(done * static_cast<double>(images) + 0.5));
    };
    if (!probe.train(features, interrupted, show)) return;
  }
  auto test = [&](const LabelledImages& images, const char* kind) {
    std::size_t correct = 0;  // a thousand at a time: the features of all would need gigabytes
    constexpr std::size_t chunk = 1000;
    for (std::size_t first = 0; first < images.count; first += chunk)
      correct += probe.correct(
          extract_features(device_, parameters, layer, images, first, std::min(chunk, images.count - first)));
    return ProbeResult{layer, static_cast<std::int64_t>(features.shape.features()),
                       static_cast<double>(correct) / static_cast<double>(images.count), protocol(kind)};
  };
  results.plain.push_back(test(plain_, "plain"));
  if (deformed_.count > 0) results.deformed.push_back(test(deformed_, "deformed (affine part on every image)"));
}

ProbeResults Evaluation::layers(const Parameters& parameters, const std::string& name) {
  ProbeResults results;
  for (int layer = 0; layer < parameters.network().depth() && !interrupted(); ++layer)
    probe(parameters, layer, fmt::format("{}, layer {}", name, layer), results);
  return results;
}

ProbeResults Evaluation::pixels(const Parameters& parameters) {
  ProbeResults results;
  probe(parameters, raw_pixels, "raw pixels", results);
  return results;
}

}  // namespace saccade
