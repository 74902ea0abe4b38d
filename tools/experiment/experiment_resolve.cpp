#include <fmt/format.h>

#include "engine/error.h"
#include "streams/shape_text.h"
#include "streams/views.h"
#include "streams/world/shapes.h"
#include "tools/experiment/experiment_keys.h"

namespace saccade {
namespace keys {
namespace {

/// Margins and rates of the known networks where each layer has a head of its own (saccade calibrate, rounded and tuned
/// on training images that were held out: tools/results/online.md). conv5: on CIFAR-10; conv3: on Fashion-MNIST.
struct LayerWise {
  std::vector<Experiment::Margins> margins;
  std::vector<double> conv, head;
};
const LayerWise layer_wise_conv5{{{4.15, 5.29}, {2.42, 3.06}, {1.48, 2}, {0.74, 1}, {0.35, 0.48}},
                                 {2.4e-4, 1.4e-4, 5e-4, 1e-3, 6e-3},
                                 {2e-5, 1e-4, 2e-4, 1.4e-3, 1.7e-3}};
const LayerWise layer_wise_conv3{{{3.85, 5.25}, {2.02, 3.08}, {1, 1.64}}, {1.8e-3, 9e-4, 2.1e-3}, {4e-4, 9e-4, 3.5e-3}};

/// Nothing for other networks, end to end, and for Adam, whose batches have the paper's margins.
const LayerWise* layer_wise(const Experiment& e) {
  if (e.optimiser == Experiment::Optimiser::adam || e.schedule == Experiment::Schedule::e2e) return nullptr;
  return e.network.name == "conv5" ? &layer_wise_conv5 : e.network.name == "conv3" ? &layer_wise_conv3 : nullptr;
}

/// Rates for plain SGD end to end: b |weights| / |gradient of one view|, norms at the start, averaged over active views
/// (method.md, section 9), b = 1e-3 for conv3 and 5e-5 for conv5, where 1.5e-4 and more diverges. Other networks get
/// one rate for all, which ran stably on CIFAR-10.
Experiment::Rates default_rates(const Experiment& e) {
  if (e.optimiser == Experiment::Optimiser::adam) return {.conv = {1e-4}, .head = {1e-4}};
  if (const LayerWise* known = layer_wise(e)) return {.conv = known->conv, .head = known->head};
  const bool end_to_end = e.schedule == Experiment::Schedule::e2e;
  if (end_to_end && e.network.name == "conv3") return {.conv = {2e-3, 7e-4, 7e-4}, .head = {3.5e-4}};
  if (end_to_end && e.network.name == "conv5")
    return {.conv = {1.9e-4, 6.8e-5, 1.05e-4, 8.5e-5, 2.9e-4}, .head = {2.6e-5}};
  return {.conv = {1e-3}, .head = {1e-4}};
}

int classes_of(const Experiment& e, const std::string& origin) {
  switch (e.data) {
    case Experiment::Data::folder:
      if (e.folder.classes > 0) return static_cast<int>(e.folder.classes);
      throw InputError(
          fmt::format("{}: loss is \"supervised\" and data \"folder\": expected folder.classes to say how "
                      "many classes there are",
                      origin));
    case Experiment::Data::cifar100:
      return 100;
    case Experiment::Data::emnist_letters:
      return 26;
    case Experiment::Data::world:
      return static_cast<int>(shape_names().size());
    default:
      return 10;
  }
}

void check_folder(const Experiment& e, const std::string& origin) {
  if (e.folder.channels == 2)
    throw InputError(fmt::format("{}: folder.channels is 2, expected 3 (colour) or 1 (grey)", origin));
  if (e.folder.path.empty() && (e.data == Experiment::Data::folder || probe_data(e) == Experiment::Data::folder))
    throw InputError(
        fmt::format("{}: data is \"folder\" and folder.path is not given: expected the folder of the images, "
                    "for example --set folder.path=photos",
                    origin));
}

/// Of the views of a recorded stream, or of those that arrive, from stream.shape; nothing where there is none.
ViewShape recorded_shape(const Experiment& e, const std::string& origin) {
  if (!e.stream.recorded() && (!e.stream.arrives || e.stream.shape.empty())) return {};
  const auto shape = shape_from_text(e.stream.shape);
  if (!shape || (shape->channels != 1 && shape->channels != 3))
    throw InputError(
        fmt::format("{}: stream.shape is \"{}\", expected height, width and channels (1 or 3) such as "
                    "\"32x32x3\"; leave out stream.shape and stream.hash to read the file again",
                    origin, e.stream.shape));
  return *shape;
}

void check_measures(const Experiment& e, const std::string& origin) {
  const Experiment::Measures& m = e.measure;
  const auto refuse = [&](const char* key, const char* why, const char* expected) {
    throw InputError(
        fmt::format("{}: {} is {}, but {}: expected {}", origin, key, experiment_value(e, key), why, expected));
  };
  for (const auto& [key, asked] : {std::pair{"measure.knn", m.knn > 0},
                                   {"measure.similarity", m.similarity != Experiment::SimilarityOf::none},
                                   {"measure.factors", m.factors},
                                   {"measure.collapse", m.collapse > 0}})
    if (asked && m.every == 0)
      refuse(key, "measure.every is 0, never", "measure.every, in events (steps of a training)");
  for (const auto& [key, asked] :
       {std::pair{"measure.knn", m.knn > 0}, {"measure.similarity", m.similarity != Experiment::SimilarityOf::none}})
    if (asked && !e.can_probe())
      refuse(key, "a recorded stream of pixels has no labelled images", "probe.data, a data set that has");
  if (m.factors && probe_data(e) != Experiment::Data::world)
    refuse("measure.factors", "nothing is known of the probe's images but their labels",
           "data = \"world\" (or probe.data), whose images are made from known factors");
  if (m.knn > m.images) refuse("measure.knn", "measure.images are fewer", "at most as many");
  if (m.collapse > 0 && e.loss == Experiment::Loss::clapp)
    refuse("measure.collapse", "loss is \"clapp\", which learns no embedding", "0, or another loss");
}

}  // namespace

Experiment defaults(Mode mode) {
  Experiment e;
  e.schedule = mode == Mode::batch ? Experiment::Schedule::e2e : Experiment::Schedule::rll;
  if (mode == Mode::served) {
    e.stream.arrives = true;
    e.stream.streams = 8;
    e.events = Experiment::unbounded;
  }
  if (mode == Mode::batch) {
    e.rate.final = 1;
    e.optimiser = Experiment::Optimiser::adam;
    e.arithmetic = Arithmetic::fast;
    e.checkpoint.every = 500;
  }
  return e;
}

Experiment resolve(Given given, const std::string& origin) {
  adopt_recording(given, origin);
  Experiment e = std::move(given.experiment);
  check_folder(e, origin);
  const ViewShape recorded = recorded_shape(e, origin);
  const ViewShape image = e.data == Experiment::Data::none ? recorded : image_shape(e, e.data);
  const bool colour = image.channels == 3;
  if (e.network.layers.empty()) {
    const int embedding = e.network.embedding;  // may have been given alone
    e.network = known_network(image.height >= 64 ? "vgg6" : colour ? "conv5" : "conv3");
    e.network.embedding = embedding;
    if (given.head_average) e.network.head_average = *given.head_average;
  }
  if (e.network.name.empty()) e.network.name = "custom";
  if (e.loss == Experiment::Loss::supervised) e.network.embedding = classes_of(e, origin);
  if (given.automatic_view) {
    e.view.kind = e.data == Experiment::Data::world   ? ViewKind::world
                  : e.data == Experiment::Data::stl10 ? ViewKind::crop_jitter
                  : colour                            ? ViewKind::affine_hsv
                                                      : ViewKind::affine;
  }
  for (const ViewKind kind : {ViewKind::affine_hsv, ViewKind::crop_jitter})
    if (e.view.kind == kind && !colour)
      throw InputError(fmt::format(
          "{}: view.kind is \"{}\", which needs colour images; {} is grey: expected \"affine\" or \"plain\"", origin,
          to_string(kind), data_name(e.data)));
  if (e.view.kind == ViewKind::world && e.data != Experiment::Data::world && !e.stream.recorded() && !e.stream.arrives)
    throw InputError(fmt::format(
        "{}: view.kind is \"world\", but data is \"{}\", whose images are deformed: expected another kind, or "
        "data = \"world\"",
        origin, data_name(e.data)));
  const ViewShape view = recorded.values() > 0 ? recorded : view_shape(e.view.kind, image);
  if (e.stream.arrives && e.data != Experiment::Data::none && view != view_shape(e.view.kind, image))
    throw InputError(fmt::format("{}: stream.shape is {}, but views of {} are {}: leave it out, or set data = \"none\"",
                                 origin, shape_text(view), data_name(e.data),
                                 shape_text(view_shape(e.view.kind, image))));
  if (e.stream.arrives) e.stream.shape = shape_text(view);
  e.network.channels = view.channels;
  e.network.height = view.height;
  e.network.width = view.width;
  try {
    check_network(e.network);
  } catch (const InputError& error) {
    throw InputError(fmt::format("{}: {}", origin, error.what()));
  }
  if (e.margins.empty()) {
    const bool small = e.network.name.starts_with("conv3") || (!colour && !e.network.name.starts_with("conv5"));
    e.margins.push_back(small ? Experiment::Margins{1, 1.5} : Experiment::Margins{1, 3});
    if (const LayerWise* known = layer_wise(e)) e.margins = known->margins;
  }
  const Experiment::Rates rates = default_rates(e);
  if (e.rate.conv.empty()) e.rate.conv = rates.conv;
  if (e.rate.head.empty()) e.rate.head = rates.head;
  if (e.layer_weights.empty()) e.layer_weights = {1};
  // Layer-wise, what is left of a pair's gradient in the mean is far below its noise; rates that fall average over it.
  if (e.rate.final < 0) e.rate.final = layer_wise(e) && e.events != Experiment::unbounded ? 0 : 1;
  const auto check_count = [&](const char* key, std::size_t count) {
    if (count != 1 && count != e.network.layers.size())
      throw InputError(fmt::format("{}: {} has {} values, expected 1 or one per layer: the network has {} layers",
                                   origin, key, count, e.network.layers.size()));
  };
  check_count("margins", e.margins.size());
  check_count("layer_weights", e.layer_weights.size());
  check_count("rate.conv", e.rate.conv.size());
  check_count("rate.head", e.rate.head.size());
  check_measures(e, origin);
  if (e.probe.enabled == Experiment::ProbeWhen::yes && !e.can_probe())
    throw InputError(
        fmt::format("{}: probe.enabled is true, but a recorded stream of pixels has no labelled images: "
                    "expected probe.data, a data set whose images are {}x{}x{}",
                    origin, view.height, view.width, view.channels));
  return e;
}

}  // namespace keys

ViewShape image_shape(const Experiment& e, Experiment::Data data) {
  switch (data) {
    case Experiment::Data::cifar10:
    case Experiment::Data::cifar100:
      return {32, 32, 3};
    case Experiment::Data::stl10:
      return {96, 96, 3};
    case Experiment::Data::folder:
      return {static_cast<int>(e.folder.height), static_cast<int>(e.folder.width), static_cast<int>(e.folder.channels)};
    case Experiment::Data::world:
      return {static_cast<int>(e.world.size), static_cast<int>(e.world.size), 3};
    case Experiment::Data::mnist:
    case Experiment::Data::emnist_letters:
    case Experiment::Data::fashion_mnist:
    case Experiment::Data::none:
      break;
  }
  return {28, 28, 1};
}

}  // namespace saccade
