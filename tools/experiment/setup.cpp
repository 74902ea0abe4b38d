#include "tools/experiment/setup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/error.h"
#include "streams/deformed_images.h"
#include "streams/image_trajectories.h"
#include "streams/load.h"
#include "streams/patches.h"
#include "streams/recorded_stream.h"
#include "streams/shape_text.h"
#include "streams/shuffled_positives.h"
#include "streams/views.h"
#include "streams/world/stills.h"

namespace saccade {
namespace {

std::vector<float> per_layer(const std::vector<double>& values, std::size_t layers) {
  std::vector<float> all(layers);
  for (std::size_t i = 0; i < layers; ++i) all[i] = static_cast<float>(values.size() == 1 ? values[0] : values.at(i));
  return all;
}

/// Seconds.
double between_views(const Experiment& e) { return e.stream.duration() / static_cast<double>(e.stream.views); }

/// `images` = 0: all.
std::int64_t first_of(std::int64_t count, std::int64_t images) { return images == 0 ? count : std::min(count, images); }

World::Options world_options(const Experiment& e) {
  World::Options options;
  options.size = static_cast<int>(e.world.size);
  options.objects = static_cast<std::uint32_t>(first_of(e.world.objects, e.images));
  options.paints = static_cast<std::uint32_t>(e.world.paints);
  options.seed = static_cast<std::uint64_t>(e.world.seed);
  options.spread = {e.world.pose_spread, e.world.place_spread, e.world.light_spread};
  options.trajectory = e.motion.path == Experiment::Path::trajectory;
  options.step = between_views(e);
  options.pose_time = e.motion.pose_time;
  options.light_time = e.motion.light_time;
  options.scenes = static_cast<std::uint64_t>(e.seed);
  return options;
}

DataSet load_world(const Experiment& e, std::int64_t images) {
  return world_stills(world_options(e), static_cast<std::size_t>(first_of(e.world.train_stills, images)),
                      static_cast<std::size_t>(e.world.test_stills));
}

}  // namespace

LearnerOptions learner_options(const Experiment& e) {
  LearnerOptions options;
  options.seed = static_cast<std::uint64_t>(e.seed);
  options.weights_seed = e.seed_of_weights();
  options.events = e.events == Experiment::unbounded ? 0 : static_cast<std::uint64_t>(e.events);
  options.streams = static_cast<int>(e.stream.streams);
  options.schedule = experiment_word(e, "schedule");
  if (e.layer_weights.size() > 1) options.layer_weights = e.layer_weights;
  options.rule = experiment_word(e, "rule");
  options.optimiser = experiment_word(e, "optimiser");
  options.arithmetic = e.arithmetic;
  options.block = e.block;
  options.memory.mode = experiment_word(e, "memory.mode");
  options.memory.trace = {.name = experiment_word(e, "memory.trace"),
                          .time = e.memory.trace_time,
                          .facilitation_time = e.memory.facilitation_time,
                          .recovery_time = e.memory.recovery_time,
                          .utilisation = e.memory.utilisation,
                          .burst = static_cast<int>(e.memory.burst),
                          .burst_rate = e.memory.burst_rate};
  options.memory.trace_acts = experiment_word(e, "memory.trace_acts");
  options.memory.noise = e.memory.noise;
  options.memory.negatives = static_cast<int>(e.negatives);
  options.memory.negative_weight = static_cast<float>(e.negative_weight);
  options.memory.window = std::isinf(e.memory.window) ? -1 : e.memory.window;
  options.memory.capacity = static_cast<int>(e.memory.capacity);
  options.margins.clear();
  for (const Experiment::Margins& m : e.margins)
    options.margins.push_back({static_cast<float>(m.positive), static_cast<float>(m.negative)});
  options.error = experiment_word(e, "error");
  options.circuit = {e.circuit.noise, e.circuit.threshold_error};
  options.activity = experiment_word(e, "activity");
  options.average_views = e.average_views;
  options.final_rate = e.rate.final;
  options.rates = {per_layer(e.rate.conv, e.network.layers.size()), per_layer(e.rate.head, e.network.layers.size())};
  return options;
}

bool learns_from_patches(const Experiment& e) {
  return e.loss == Experiment::Loss::clapp && e.view.kind == ViewKind::grey_crop;
}

bool learns_from_pairs(const Experiment& e) {
  return e.loss != Experiment::Loss::supervised && !learns_from_patches(e);
}

double views_of_pair(const Experiment& e, bool batches) {
  if (batches) return learns_from_pairs(e) ? 2 : 1;
  return static_cast<double>(std::max<std::int64_t>(2, e.stream.views));
}

NetworkSpec learned_network(const Experiment& e) {
  NetworkSpec network = e.network;
  if (!learns_from_patches(e)) return network;
  if (network.any_local())
    throw InputError(
        "network: clapp on patches of an image learns weights that every place of the whole image will use; expected "
        "layers of kind \"conv\", or a view.kind that shows whole images");
  network.height = network.width = PatchGrid{}.side;
  network.head_average = 1;
  check_network(network);
  return network;
}

BatchOptions batch_options(const Experiment& e, std::uint64_t steps) {
  const LearnerOptions common = learner_options(e);
  BatchOptions options;
  options.seed = common.seed;
  options.weights_seed = common.weights_seed;
  options.steps = steps;
  options.pairs = static_cast<int>(e.batch);
  options.schedule = common.schedule;
  options.layer_weights = common.layer_weights;
  options.rule = common.rule;
  options.optimiser = common.optimiser;
  options.arithmetic = common.arithmetic;
  options.margins = common.margins;
  options.rates = common.rates;
  options.step.loss = experiment_word(e, "loss");
  options.step.negatives =
      e.negatives == Experiment::all_negatives ? PairStepOptions::all_others : static_cast<int>(e.negatives);
  options.step.negative_weight = static_cast<float>(e.negative_weight);
  options.step.block = e.block;
  options.clapp_patches = learns_from_patches(e);
  options.clapp_synchronous = e.clapp.update == Experiment::ClappUpdate::synchronous;
  options.targets.feedback_rate = static_cast<float>(e.dtp.feedback_rate);
  options.targets.noise = static_cast<float>(e.dtp.noise);
  options.targets.feedback_steps = static_cast<int>(e.dtp.feedback_steps);
  options.targets.target_step = static_cast<float>(e.dtp.target_step);
  options.pretrain = static_cast<std::uint64_t>(e.dtp.pretrain);
  options.step.temperature = static_cast<float>(e.temperature);
  return options;
}

namespace {

StreamOptions stream_options(const Experiment& e) {
  StreamOptions options;
  options.dwell = e.stream.dwell;
  options.views = static_cast<int>(e.stream.views);
  options.switch_probability = e.stream.switch_probability;
  options.fixation_seconds = e.stream.duration();
  options.order = e.stream.order;
  options.returns = e.stream.returns;
  options.return_depth = static_cast<int>(e.stream.return_depth);
  options.seed = static_cast<std::uint64_t>(e.seed);
  return options;
}

}  // namespace

namespace {

std::shared_ptr<const ViewSource> objects(const Experiment& e, const DataSet& data) {
  if (e.view.kind == ViewKind::world) return std::make_shared<World>(world_options(e));
  const ImageSet& images = learned_images(e, data);
  const auto seed = static_cast<std::uint64_t>(e.seed);
  if (e.motion.path == Experiment::Path::independent)
    return std::make_shared<DeformedImages>(images, e.view.kind, seed);
  return std::make_shared<ImageTrajectories>(images, e.view.kind, seed,
                                             ImageTrajectories::Options{.step = between_views(e),
                                                                        .warp_time = e.motion.warp_time,
                                                                        .colour_time = e.motion.colour_time,
                                                                        .warp_spread = e.motion.warp_spread,
                                                                        .colour_spread = e.motion.colour_spread});
}

}  // namespace

std::shared_ptr<const ViewSource> view_source(const Experiment& e, const DataSet& data) {
  const auto source = objects(e, data);
  if (e.stream.positives == Experiment::Positives::same) return source;
  return std::make_shared<ShuffledPositives>(source, static_cast<std::uint64_t>(e.seed));
}

std::unique_ptr<RenderableStream> event_stream(const Experiment& e, const DataSet& data) {
  if (e.stream.arrives)
    throw InputError(
        "stream.arrives is true: these views come over the network to saccade serve; to learn from what it "
        "recorded, give its arrivals.views (--stream)");
  if (!e.stream.recorded()) return std::make_unique<FixationStream>(view_source(e, data), stream_options(e));
  auto stream = std::make_unique<RecordedStream>(e.stream.file,
                                                 e.data == Experiment::Data::none ? nullptr : view_source(e, data));
  const Recording& recording = stream->recording();
  if (recording.hash != e.stream.hash)
    throw InputError(
        fmt::format("{}: holds another stream than stream.hash says: got {}, expected {}; leave out stream.hash and "
                    "stream.shape for a new run of it",
                    e.stream.file, recording.hash, e.stream.hash));
  if (const ViewShape view = recording.view_shape();
      view != ViewShape{e.network.height, e.network.width, e.network.channels})
    throw InputError(fmt::format("{}: its views are {}, expected {} as stream.shape says", e.stream.file,
                                 shape_text(view), e.stream.shape));
  if (recording.views < static_cast<std::uint64_t>(e.events))
    throw InputError(fmt::format("events = {}: {} has {} views, expected at most as many", e.events, e.stream.file,
                                 recording.views));
  return stream;
}

FolderOptions folder_options(const Experiment& e) {
  return {.path = e.folder.path,
          .height = static_cast<int>(e.folder.height),
          .width = static_cast<int>(e.folder.width),
          .channels = static_cast<int>(e.folder.channels),
          .fit = e.folder.fit,
          .classes = static_cast<int>(e.folder.classes)};
}

DataSet load_experiment_data(const Experiment& e, const std::filesystem::path& folder, const Decoding& decoding) {
  if (e.data == Experiment::Data::none) return {};
  if (e.data == Experiment::Data::world) return load_world(e, e.images);
  return load_data(data_name(e.data), folder, static_cast<std::size_t>(e.images), folder_options(e), decoding);
}

const ImageSet& learned_images(const Experiment& e, const DataSet& data) {
  return e.loss == Experiment::Loss::supervised ? data.train : data.encoder_images();
}

std::unique_ptr<DeviceImages> device_images(Device& device, const Experiment& e, const DataSet& data) {
  if (!device.renders(e.view.kind) || e.data == Experiment::Data::none) return nullptr;
  const ImageSet& images = learned_images(e, data);
  return std::make_unique<DeviceImages>(device, images.height, images.width, images.channels, images.pixels);
}

DataSet load_probe_data(const Experiment& e, const std::filesystem::path& folder, const Decoding& decoding) {
  const std::string name = data_name(probe_data(e));
  if (!e.can_probe())
    throw InputError("probe.data: the run's stream of pixels has no labelled images; expected a data set's name");
  const ViewShape seen = view_shape(e.view.kind, image_shape(e, probe_data(e)));
  if (seen != ViewShape{e.network.height, e.network.width, e.network.channels})
    throw InputError(fmt::format("probe.data: images of {} are {}x{}x{}, the network reads {}x{}x{}", name, seen.height,
                                 seen.width, seen.channels, e.network.height, e.network.width, e.network.channels));
  if (probe_data(e) == Experiment::Data::world) return load_world(e, 0);
  return load_labelled(name, folder, folder_options(e), decoding);
}

}  // namespace saccade
