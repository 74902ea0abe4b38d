#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/event_queue.h"
#include "streams/deformed_images.h"
#include "streams/fixation_stream.h"
#include "tests/models/support.h"

/// Short runs over a stream of synthetic images, from the first event to the fingerprint.
namespace saccade::test {

struct Run {
  std::string name;
  std::string network = "tiny";  ///< "tiny", "local", or a known one
  std::string schedule = "rll", rule = "bp", optimiser = "sgd", memory = "sliding";
  bool block = true;
  int views_per_fixation = 2;
  std::uint64_t views = 200;
  Arithmetic arithmetic = Arithmetic::exact;
  std::string activity = "hebb";
  double final_rate = 1;
  std::string trace = "window", trace_acts = "scale";
  double noise = 0;
  std::string error = "hinge";
};

/// Odd sizes; every kind of activation but tanh, which conv3 has.
inline NetworkSpec network_of(const Run& run) {
  using enum Activation;
  if (run.network == "local") return local_network();
  if (run.network != "tiny" && run.network != "averaging") return known_network(run.network);
  constexpr Downsample dense = Downsample::none, pool = Downsample::max_pool;
  NetworkSpec tiny{"tiny", 3, 11, 9, {{20, dense, hardtanh}, {18, pool, relu}, {33, pool, none}}, 20};
  if (run.network == "averaging") tiny.head_average = 2;
  return tiny;
}

/// Gratings as bytes, labelled in turn.
inline ImageSet synthetic_images(const NetworkSpec& net, int count) {
  ImageSet images;
  images.name = "synthetic";
  images.height = net.height, images.width = net.width, images.channels = net.channels;
  images.classes = {"even", "odd"};
  for (int i = 0; i < count; ++i) {
    for (float x : gratings(net, static_cast<std::uint64_t>(i) + 50, 0))
      images.pixels.push_back(static_cast<std::uint8_t>(x * 255.0f + 0.5f));
    images.labels.push_back(i % 2);
  }
  return images;
}

/// All events of a run in stream order, with pixels; the last is the view that ends it.
inline std::vector<ScheduledEvent> events_of(const Run& run, std::uint32_t source = 0) {
  const NetworkSpec net = network_of(run);
  const ImageSet images = synthetic_images(net, 24);
  StreamOptions options;
  options.views = run.views_per_fixation;
  options.seed = 11 + source;
  options.source = source;
  const ViewKind kind = net.channels == 3 ? ViewKind::affine_hsv : ViewKind::affine;
  FixationStream stream(std::make_shared<DeformedImages>(images, kind, options.seed), options);
  std::vector<ScheduledEvent> events;
  for (std::uint64_t views = 0; views < run.views;) {
    events.push_back(*stream.next());
    views += std::holds_alternative<View>(events.back().event);
  }
  return events;
}

/// Margins and rates such that most layers have active terms of both kinds and weights move far beyond rounding.
inline LearnerOptions options_of(const Run& run) {
  const std::size_t depth = network_of(run).layers.size();
  LearnerOptions options;
  options.seed = 5;
  options.events = run.views;
  options.schedule = run.schedule;
  options.rule = run.rule;
  options.block = run.block;
  options.optimiser = run.optimiser;
  options.arithmetic = run.arithmetic;
  options.activity = run.activity;
  options.average_views = 10;
  options.final_rate = run.final_rate;
  options.memory.mode = run.memory;
  options.memory.negatives = 3;
  options.memory.window = 1.0;
  options.memory.trace = {.name = run.trace, .time = 0.7};
  options.memory.trace_acts = run.trace_acts;
  options.memory.noise = run.noise;
  options.error = run.error;
  options.circuit = {0.1, 0.05};
  options.margins = {{0.8f, 2.5f}};
  options.rates.conv.assign(depth, run.optimiser == "adam" ? 1e-4f : 1e-3f);
  options.rates.head.assign(depth, run.optimiser == "adam" ? 1e-4f : 3e-4f);
  return options;
}

inline Checkpoint saved(const OnlineLearner& learner, int replica = 0) {
  Checkpoint checkpoint;
  learner.save(checkpoint, replica);
  return checkpoint;
}

inline std::string fingerprint_of(const OnlineLearner& learner) { return fingerprint(saved(learner)); }

inline std::string run_events(Device& device, const Run& run, const std::vector<ScheduledEvent>& events) {
  OnlineLearner learner(device, network_of(run), options_of(run));
  for (const ScheduledEvent& scheduled : events) learner.handle(scheduled.event);
  return fingerprint_of(learner);
}

inline std::string run_of(Device& device, const Run& run) { return run_events(device, run, events_of(run)); }

/// Through an event queue, whatever the order of insertion.
inline std::vector<ScheduledEvent> in_queue_order(const std::vector<ScheduledEvent>& events) {
  EventQueue queue;
  for (const ScheduledEvent& event : events) queue.push(event);
  std::vector<ScheduledEvent> sorted;
  while (auto event = queue.pop()) sorted.push_back(std::move(*event));
  return sorted;
}

}  // namespace saccade::test
