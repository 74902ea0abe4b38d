#include "tools/experiment/idle_keys.h"

#include <fmt/format.h>

#include "tools/experiment/experiment_keys.h"

namespace saccade {
namespace {

using E = Experiment;

/// Keys that act under a condition.
struct Rule {
  std::vector<std::string_view> names;  ///< "world." stands for all that begin so
  bool (*act)(const E&, Mode);
  std::string_view with;
};

bool in_events(const E&, Mode mode) { return mode != Mode::batch; }
bool in_batches(const E&, Mode mode) { return mode == Mode::batch; }
bool measures(const E& e, Mode) { return e.measure.every > 0; }
bool sees(const E& e, E::Data data) { return e.data == data || probe_data(e) == data; }
bool synaptic(const E& e, Mode) {
  return e.memory.trace == E::Trace::synaptic || e.memory.trace == E::Trace::synaptic_peak;
}
bool follows_paths(const E& e, Mode) { return e.motion.path == E::Path::trajectory; }

/// The first rule that does not hold says why.
const std::vector<Rule>& rules() {
  static const std::vector<Rule> all{
      {{"memory.", "stream.dwell", "stream.order", "stream.returns", "record.events"},
       in_events,
       "saccade replay or serve"},
      {{"epochs", "batch", "dtp.", "clapp.", "temperature"}, in_batches, "saccade train"},
      {{"folder."}, [](const E& e, Mode) { return sees(e, E::Data::folder); }, "data = \"folder\""},
      {{"world."}, [](const E& e, Mode) { return sees(e, E::Data::world); }, "data = \"world\""},
      {{"temperature"}, [](const E& e, Mode) { return e.loss == E::Loss::simclr; }, "loss = \"simclr\""},
      {{"clapp."}, [](const E& e, Mode) { return e.loss == E::Loss::clapp; }, "loss = \"clapp\""},
      {{"dtp."}, [](const E& e, Mode) { return e.rule == E::Rule::dtp; }, "rule = \"dtp\""},
      {{"negative_weight"}, [](const E& e, Mode) { return e.negatives != 0; }, "negatives above 0"},
      {{"circuit."}, [](const E& e, Mode) { return e.error == E::ErrorUnit::circuit; }, "error = \"circuit\""},
      {{"average_views"},
       [](const E& e, Mode) { return e.activity == E::Activity::covariance; },
       "activity = \"covariance\""},
      {{"stream.switch_probability"},
       [](const E& e, Mode mode) { return in_events(e, mode) && e.stream.dwell == Dwell::geometric; },
       "stream.dwell = \"geometric\""},
      {{"stream.fixation"}, [](const E& e, Mode) { return e.stream.frame_rate == 0; }, "stream.frame_rate = 0"},
      {{"stream.return_depth"}, [](const E& e, Mode) { return e.stream.returns > 0; }, "stream.returns above 0"},
      {{"motion.warp_time", "motion.colour_time", "motion.warp_spread", "motion.colour_spread"},
       follows_paths,
       "motion.path = \"trajectory\""},
      {{"motion.pose_time", "motion.light_time"},
       [](const E& e, Mode mode) { return follows_paths(e, mode) && e.data == E::Data::world; },
       "motion.path = \"trajectory\" and data = \"world\""},
      {{"memory.trace_acts"},
       [](const E& e, Mode) { return e.memory.trace != E::Trace::window; },
       "another memory.trace than \"window\""},
      {{"memory.trace_time"},
       [](const E& e, Mode) { return e.memory.trace == E::Trace::exponential; },
       "memory.trace = \"exponential\""},
      {{"memory.facilitation_time", "memory.recovery_time", "memory.utilisation", "memory.burst", "memory.burst_rate"},
       synaptic,
       "memory.trace = \"synaptic\""},
      {{"probe.every", "probe.layers", "probe.epochs", "probe.rate", "probe.batch", "probe.deformation",
        "probe.deformation_strength"},
       [](const E& e, Mode) { return e.probe.enabled != E::ProbeWhen::no; },
       "probe.enabled = \"auto\" or true"},
      {{"probe.deformation", "probe.deformation_strength"},
       [](const E& e, Mode) { return e.probe.deformed; },
       "probe.deformed = true"},
      {{"probe.deformation_strength"},
       [](const E& e, Mode) { return e.probe.deformation == E::Deformation::rotate_scale_shift; },
       "probe.deformation = \"rotate-scale-shift\""},
      {{"measure.pairs", "measure.images", "measure.knn_metric", "measure.similarity_images", "measure.collapse_of",
        "measure.on_collapse"},
       measures,
       "measure.every above 0"},
      {{"measure.images"},
       [](const E& e, Mode) { return e.measure.representations(); },
       "measure.knn, measure.similarity or measure.factors"},
      {{"measure.knn_metric"}, [](const E& e, Mode) { return e.measure.knn > 0; }, "measure.knn above 0"},
      {{"measure.similarity_images"},
       [](const E& e, Mode) { return e.measure.similarity == E::SimilarityOf::images; },
       "measure.similarity = \"images\""},
      {{"measure.collapse_of", "measure.on_collapse"},
       [](const E& e, Mode) { return e.measure.collapse > 0; },
       "measure.collapse above 0"},
  };
  return all;
}

bool names(const Rule& rule, std::string_view key) {
  for (const std::string_view name : rule.names)
    if (name == key || (name.ends_with('.') && key.starts_with(name))) return true;
  return false;
}

}  // namespace

std::vector<std::string> idle_keys(const Experiment& experiment, Mode mode) {
  std::vector<std::string> idle;
  const Experiment usual = keys::defaults(mode);
  for (const keys::Key& key : keys::table()) {
    if (!keys::applies(key.name, experiment)) continue;
    for (const Rule& rule : rules()) {
      if (!names(rule, key.name) || rule.act(experiment, mode)) continue;
      const std::string value = keys::value_text(key, experiment);
      if (value != keys::value_text(key, usual))
        idle.push_back(fmt::format("{} = {} does nothing here: it acts with {}", key.name, value, rule.with));
      break;
    }
  }
  return idle;
}

}  // namespace saccade
