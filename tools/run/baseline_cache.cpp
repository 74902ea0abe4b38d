#include "tools/run/baseline_cache.h"

#include "engine/device.h"
#include "engine/hash.h"
#include "tools/run/probe_log.h"
#include "tools/shared_file.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

/// The experiment with everything that only learning reads set to the same value. A key that is not named here counts.
Experiment as_untrained(Experiment e) {
  const Experiment plain;
  e.events = plain.events;
  e.epochs = plain.epochs;
  e.batch = plain.batch;
  e.loss = plain.loss;  // supervised: the network's embedding says how many classes
  e.schedule = plain.schedule;
  e.rule = plain.rule;
  e.negatives = plain.negatives;
  e.negative_weight = plain.negative_weight;
  e.temperature = plain.temperature;
  e.margins = {{}};
  e.block = plain.block;
  e.error = plain.error;
  e.circuit = plain.circuit;
  e.activity = plain.activity;
  e.average_views = plain.average_views;
  e.optimiser = plain.optimiser;
  e.rate = {{0}, {0}, 1};
  if (e.data != Experiment::Data::world && probe_data(e) != Experiment::Data::world) {
    Experiment::Stream recorded;
    recorded.file = e.stream.file;
    recorded.hash = e.stream.hash;
    recorded.shape = e.stream.shape;
    e.stream = recorded;
    e.motion = plain.motion;
  }
  e.memory = plain.memory;
  e.dtp = plain.dtp;
  e.clapp = plain.clapp;
  e.probe.enabled = plain.probe.enabled;
  e.probe.every = plain.probe.every;
  e.probe.untrained = e.probe.pixels = true;
  e.record = plain.record;
  e.measure = plain.measure;
  e.checkpoint = plain.checkpoint;
  return e;
}

}  // namespace

BaselineCache::BaselineCache(fs::path folder, const Experiment& experiment, const Device& device)
    : folder_(std::move(folder)) {
  Hash hash;
  hash.add(write_experiment(as_untrained(experiment)));
  hash.add(device.name());
  hash.add(device.instruction_set());
  key_ = hash.hex();
}

fs::path BaselineCache::file(const std::string& network) const { return folder_ / (network + "-" + key_ + ".csv"); }

std::optional<ProbeResults> BaselineCache::find(const std::string& network) const {
  if (folder_.empty() || !fs::exists(file(network))) return {};
  return ProbeLog(file(network), 0).latest(network);
}

void BaselineCache::add(const std::string& network, const ProbeResults& results) const {
  if (folder_.empty()) return;
  fs::create_directories(folder_);
  publish_file(file(network), [&](const fs::path& own) { ProbeLog(own, std::nullopt).add(0, network, results); });
}

}  // namespace saccade
