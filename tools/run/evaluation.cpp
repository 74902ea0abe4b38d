#include "tools/run/evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "streams/views.h"
#include "tools/run/interrupt.h"
#include "tools/run/labelled_views.h"
#include "tools/run/progress.h"

namespace saccade {

Evaluation::Evaluation(Device& device, const Experiment& experiment, const DataSet& data, bool quiet)
    : device_(device),
      experiment_(experiment),
      quiet_(quiet),
      train_(labelled_views(experiment, data, Part::train, experiment.probe.images, false)),
      plain_(tested_views(experiment, data, false)),
      data_name_(data.train.name) {
  if (experiment.probe.deformed) deformed_ = tested_views(experiment, data, true);
}

void Evaluation::probe(const Parameters& parameters, int layer, const std::string& name, ProbeResults& results) {
  const ProbeOptions options{static_cast<int>(experiment_.probe.epochs), static_cast<int>(experiment_.probe.batch),
                             static_cast<float>(experiment_.probe.rate), static_cast<std::uint64_t>(experiment_.seed)};
  Features features = extract_features(device_, parameters, layer, train_.images, 0, train_.images.count);
  std::optional<FeatureScaling> scaling;
  if (experiment_.probe.standardise) scaling.emplace(device_, features).apply(device_, features);
  LinearProbe probe(device_, features.shape, train_.images.classes, options);
  {
    const std::uint64_t images = train_.images.count * static_cast<std::uint64_t>(options.epochs);
    Progress progress("probe of " + name, images, "images", quiet_);
    auto show = [&](double done) {
      progress.update(static_cast<std::uint64_t>(done * static_cast<double>(images) + 0.5));
    };
    if (!probe.train(features, interrupted, show)) return;
  }
  test(probe, parameters, layer, scaling ? &*scaling : nullptr,
       fmt::format("linear probe with bias on frozen{} features; trained on the first {} training images of {}, {}, "
                   "{} epochs, Adam {:g}, batch {}{}, seed {}",
                   scaling ? ", standardised" : "", train_.images.count, data_name_,
                   cuts(experiment_.view.kind) ? "a random crop and flip of each" : "plain", experiment_.probe.epochs,
                   experiment_.probe.rate, experiment_.probe.batch,
                   experiment_.weights_seed == Experiment::as_seed
                       ? std::string()
                       : fmt::format(", seed of the initial weights {}", experiment_.weights_seed),
                   experiment_.seed),
       results);
}

void Evaluation::test(LinearProbe& probe, const Parameters& parameters, int layer, const FeatureScaling* scaling,
                      const std::string& trained, ProbeResults& results) {
  auto measure = [&](const LabelledViews& views) {
    const LabelledImages& images = views.images;
    std::size_t correct = 0;  // a thousand at a time: the features of all would need gigabytes
    constexpr std::size_t chunk = 1000;
    for (std::size_t first = 0; first < images.count; first += chunk) {
      Features features =
          extract_features(device_, parameters, layer, images, first, std::min(chunk, images.count - first));
      if (scaling) scaling->apply(device_, features);
      correct += probe.correct(features);
    }
    return ProbeResult{
        layer,
        static_cast<std::int64_t>(
            (layer == raw_pixels ? parameters.network().map(0) : parameters.network().head(layer).in).features()),
        static_cast<double>(correct) / static_cast<double>(images.count),
        fmt::format("{}; tested on {} {} {}; device {} ({})", trained, images.count, views.how, views.which,
                    device_.name(), device_.instruction_set())};
  };
  results.plain.push_back(measure(plain_));
  if (deformed_.images.count > 0) results.deformed.push_back(measure(deformed_));
}

ProbeResults Evaluation::classifier(const Parameters& parameters, ConstFloats bias) {
  const int top = parameters.network().depth() - 1;
  const HeadShape head = parameters.network().head(top);
  ProbeOptions options;
  options.batch = static_cast<int>(experiment_.probe.batch);
  LinearProbe classifier(device_, head.in.compact(), head.embedding, options);
  classifier.adopt(parameters.head(top).forward.shared(), bias);
  ProbeResults results;
  test(classifier, parameters, top, nullptr, "the network's own classifier", results);
  return results;
}

ProbeResults Evaluation::layers(const Parameters& parameters, const std::string& name) {
  ProbeResults results;
  const int depth = parameters.network().depth();
  for (int layer = experiment_.probe.layers == Experiment::ProbeLayers::top ? depth - 1 : 0;
       layer < depth && !interrupted(); ++layer)
    probe(parameters, layer, fmt::format("{}, layer {}", name, layer), results);
  return results;
}

ProbeResults Evaluation::pixels(const Parameters& parameters) {
  ProbeResults results;
  probe(parameters, raw_pixels, "raw pixels", results);
  return results;
}

}  // namespace saccade
