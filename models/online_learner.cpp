#include "models/online_learner.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

#include "engine/error.h"

namespace saccade {
namespace {

void check_rates(const Rates& all, std::size_t depth) {
  for (const auto* rates : {&all.conv, &all.head})
    if (rates->size() != depth)
      throw InputError(
          fmt::format("rate: {} numbers are given for a kind of synapse, expected one, or {} (one per layer)",
                      rates->size(), depth));
    else
      for (const float rate : *rates)
        if (!(rate >= 0 && rate <= std::numeric_limits<float>::max()))
          throw InputError(
              fmt::format("rate: a learning rate is {}, expected a number from 0 on that a float holds", rate));
}

/// The rates of every replica. Throws when options do not fit together.
ReplicaRates replica_rates(const NetworkSpec& network, const LearnerOptions& options) {
  if (options.replicas < 1) throw std::invalid_argument("OnlineLearner: expected at least one replica");
  if (!options.variants.empty()) {
    if (options.variants.size() != static_cast<std::size_t>(options.replicas))
      throw std::invalid_argument(
          fmt::format("OnlineLearner: {} variants for {} replicas", options.variants.size(), options.replicas));
    for (const ReplicaOptions& each : options.variants)
      if (options.activity == "covariance" && each.window != options.variants.front().window)
        throw InputError(
            "activity = \"covariance\": what joins the averages depends on the window, so learners that differ in it "
            "cannot advance together; expected \"hebb\"");
  }
  const auto depth = network.layers.size();
  if (options.margins.size() != 1 && options.margins.size() != depth)
    throw InputError(
        fmt::format("margins: {} pairs are given, expected one, or {} (one per layer)", options.margins.size(), depth));
  ReplicaRates rates(static_cast<std::size_t>(options.replicas), options.rates);
  for (std::size_t r = 0; r < options.variants.size(); ++r) rates[r] = options.variants[r].rates;
  for (const Rates& each : rates) check_rates(each, depth);
  return rates;
}

void check_units(const LearnerOptions& options) {
  if (options.error != "hinge" && options.error != "circuit")
    throw InputError("error: no error unit is called \"" + options.error + "\"; known are hinge and circuit");
  if (options.error == "circuit" && !options.block)
    throw InputError(
        "error = \"circuit\": Appendix A's circuit computes the errors of the later view, eqs. 5 and 6, none of the "
        "remembered one; expected block = true");
  const bool circuit_noise = options.error == "circuit" && options.circuit.noise > 0;
  for (const Margins& margins : options.margins)
    if (!(margins.positive > 0) && (options.memory.noise > 0 || circuit_noise))
      throw InputError(
          fmt::format("{}: it is measured in the positive margin m1, which is {}; expected margins above 0",
                      circuit_noise ? "circuit.noise" : "memory.noise", margins.positive));
}

/// What each replica remembers.
std::vector<MemoryOptions> replica_memories(const LearnerOptions& options) {
  std::vector<MemoryOptions> all(static_cast<std::size_t>(options.replicas), options.memory);
  for (std::size_t r = 0; r < options.variants.size(); ++r) {
    const ReplicaOptions& own = options.variants[r];
    all[r].negatives = own.negatives, all[r].negative_weight = own.negative_weight, all[r].window = own.window;
  }
  return all;
}

/// Where the initial weights of each replica come from.
std::vector<WeightsDraw> weights_draws(const LearnerOptions& options) {
  const std::uint64_t common = options.weights_seed.value_or(options.seed);
  std::vector<WeightsDraw> draws;
  for (std::uint64_t r = 0; r < static_cast<std::uint64_t>(options.replicas); ++r) {
    const bool own = !options.variants.empty() && options.variants[r].weights_seed;
    draws.push_back(own ? WeightsDraw{*options.variants[r].weights_seed} : WeightsDraw{common, r});
  }
  return draws;
}

std::unique_ptr<Optimiser> make_optimiser(Device& device, const NetworkSpec& network, const LearnerOptions& options,
                                          Heads heads) {
  const ReplicaRates rates = replica_rates(network, options);
  if (options.optimiser == "sgd") return make_sgd(device, network, rates);
  if (options.optimiser == "adam") return make_adam(device, network, heads, rates);
  throw InputError("optimiser: no optimiser is called \"" + options.optimiser + "\"; known are sgd and adam");
}

}  // namespace

OnlineLearner::OnlineLearner(Device& device, const NetworkSpec& network, const LearnerOptions& options)
    : OnlineLearner(device, network, options, nullptr) {}

OnlineLearner::OnlineLearner(Device& device, const NetworkSpec& network, const LearnerOptions& options,
                             Optimiser& optimiser)
    : OnlineLearner(device, network, options, &optimiser) {}

OnlineLearner::OnlineLearner(Device& device, const NetworkSpec& network, const LearnerOptions& options,
                             Optimiser* optimiser)
    : device_(device),
      network_(network),
      options_(options),
      schedule_(options.schedule, network.depth(), options.seed, options.events),
      parameters_(device, network, make_rule(options.rule), schedule_.heads(), weights_draws(options),
                  options.arithmetic),
      own_optimiser_(optimiser ? nullptr : make_optimiser(device, network, options, schedule_.heads())),
      optimiser_(optimiser ? *optimiser : *own_optimiser_),
      memories_(replica_memories(options)),
      slots_(memories_.slots()),
      learning_(options.block ? 1 : slots_ + 1),
      anchors_(device, parameters_, schedule_.heads() == Heads::every_layer ? network.depth() : 1, slots_,
               !options.block, options.waiting_floats),
      plasticity_(device, parameters_, learning_),
      error_(device, static_cast<std::size_t>(network.head(0).lanes()), options.replicas, learning_),
      active_(device, 1, options.replicas, learning_),
      results_(device, static_cast<std::size_t>(memories_.terms()), options.replicas),
      updates_(static_cast<std::size_t>(options.replicas)),
      updated_(updates_.size()),
      records_(updates_.size(), std::vector<UpdateRecord>(1)) {
  if (options.activity != "hebb" && options.activity != "covariance")
    throw InputError("activity: nothing is called \"" + options.activity + "\"; known are hebb and covariance");
  if (!(options.average_views >= 1))
    throw InputError(fmt::format("average of activity over {} views, expected at least 1", options.average_views));
  if (!(options.final_rate >= 0 && options.final_rate <= 1))
    throw InputError(fmt::format("rate.final = {}, expected 0 to 1", options.final_rate));
  if (options.final_rate != 1 && options.events == 0) throw InputError("rates that fall over a run need its length");
  if (options.memory.noise > 0) noise_.emplace(device, network, slots_, options.seed);
  if (options.error == "circuit") circuit_.emplace(options.circuit, network.depth(), options.seed);
  check_units(options);
  if (options.activity == "hebb") return;
  averages_.emplace(device, network, learning_, options.replicas, static_cast<float>(1 / options.average_views));
  plasticity_.learn_from_departures(*averages_);
}

const Margins& OnlineLearner::margins(int layer) const {
  if (options_.margins.size() == 1) return options_.margins.front();
  return options_.margins[static_cast<std::size_t>(top_of(layer))];
}

void OnlineLearner::handle(const Event& event) {
  if (const auto* arrived = std::get_if<View>(&event))
    view(*arrived);
  else
    memories_.saccade();
}

Stimuli OnlineLearner::stimulus(const View& view) const {
  if (!view.pixels && images_) return {{&view.recipe, 1}, *images_};
  const std::size_t pixels = network_.map(0).features();
  if (!view.pixels || view.pixels->size() != pixels)
    throw std::invalid_argument(fmt::format("OnlineLearner: a view has {} numbers, the network's image has {}",
                                            view.pixels ? view.pixels->size() : 0, pixels));
  return *view.pixels;
}

/// At the beginning of each hundredth of the run; also when it goes on from the middle of one.
void OnlineLearner::renew_rates() {
  if (options_.final_rate == 1) return;
  constexpr std::uint64_t steps = 100;
  const std::uint64_t step = std::min(events_ * steps / options_.events, steps - 1);
  if (rate_step_ == step) return;
  rate_step_ = step;
  const double done = (static_cast<double>(step) + 0.5) / static_cast<double>(steps);
  optimiser_.scale_rates(static_cast<float>(1 - (1 - options_.final_rate) * done));
}

void OnlineLearner::view(const View& view) {
  const Stimuli shown = stimulus(view);
  renew_rates();
  schedule_.layers(events_, drawn_);
  const Recall& shared = memories_.view(view.time, updates_);
  for (std::size_t r = 0; r < records_.size(); ++r) {
    const bool compares = !memories_.of(static_cast<int>(r)).comparisons.empty();
    records_[r].resize(drawn_.size());
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      UpdateRecord& record = records_[r][i];
      record.terms.clear();
      record.event = events_;
      record.time = view.time;
      record.fixation = view.fixation;
      record.role = shared.becomes_anchor ? ViewRole::anchor : compares ? ViewRole::learner : ViewRole::idle;
      record.layer = drawn_[i];
    }
  }
  if (shared.becomes_anchor) {
    keep_displaced();
    show(device_, network_, shown, anchors_.place(shared.slot));
    anchors_.store(shared.slot);
  } else if (!shared.comparisons.empty()) {
    show(device_, network_, shown, anchors_.arrive());
    // All layers see the view before any of them changes.
    for (const int layer : drawn_) anchors_.embed(layer);
    if (averages_) averages_->follow(anchors_.arriving(), 0, top_of(drawn_.back()) + 2);
    std::fill(updated_.begin(), updated_.end(), false);
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      compare(drawn_[i], shared);
      record(i, shared.comparisons.size());
    }
    for (std::size_t r = 0; r < updates_.size(); ++r) updates_[r] += updated_[r];
  }
  ++events_;
}

/// Seldom: where windows differ and fixations are of different lengths.
void OnlineLearner::keep_displaced() {
  if (memories_.displaced().empty()) return;
  anchors_.settle();
  const DeviceBuffer<float>& buffer = anchors_.buffer();
  for (const ReplicaMemories::Slot& slot : memories_.displaced()) {
    std::vector<float> row(buffer.size());
    device_.read(row.data(), buffer.strided(memories_.place(slot)).at(slot.replica), row.size() * sizeof(float));
    memories_.keep_aside(slot, std::move(row));
  }
}

void OnlineLearner::add_terms(int replica, const Recall& shared) {
  const std::vector<Comparison>& own = memories_.of(replica).comparisons;
  for (std::size_t i = 0; i < shared.comparisons.size(); ++i) {
    const Comparison& c = i < own.size() ? own[i] : shared.comparisons[i];
    terms_.push_back({shared.comparisons[i].slot, 0, c.positive, i < own.size() ? c.weight * c.gate : 0.0f, c.scale});
  }
}

void OnlineLearner::compare(int layer, const Recall& shared) {
  terms_.clear();
  for (int r = 0; r < options_.replicas; ++r) add_terms(r, shared);
  const Margins& margin = margins(layer);
  ContrastiveHinge hinge;
  hinge.embedding = network_.embedding;
  hinge.replicas = options_.replicas;
  hinge.anchors = slots_;
  hinge.views = 1;
  hinge.terms = terms_;
  hinge.positive_margin = margin.positive;
  hinge.negative_margin = margin.negative;
  hinge.anchor_embedding = anchors_.of_slots(layer);
  hinge.view_embedding = anchors_.of_arriving(layer);
  hinge.view_error = error_.strided(learning_ - 1);
  hinge.view_active = active_.strided(learning_ - 1);
  if (!options_.block) {
    hinge.anchor_error = error_.strided();
    hinge.anchor_active = active_.strided();
  }
  hinge.results = results_.shared();
  if (noise_) {
    const double unit = static_cast<double>(margin.positive) / network_.embedding;
    hinge.noise = noise_->draw(shared, events_, top_of(layer), static_cast<float>(options_.memory.noise * unit));
  }
  if (circuit_)
    circuit_->compare(device_, hinge, events_, top_of(layer));
  else
    device_.contrastive_hinge(hinge);
  const Views learning = options_.block ? anchors_.arriving() : Views{anchors_.activity(), 0, learning_};
  plasticity_.learn(layer, learning, error_.strided(), active_.strided(), optimiser_);
}

/// What the latest compare() came to, in every replica: one copy from the device.
void OnlineLearner::record(std::size_t drawn, std::size_t comparisons) {
  // Results of the replicas lie results_.size() apart.
  host_results_.resize(results_.size() * (updates_.size() - 1) + comparisons);
  device_.read(host_results_.data(), results_.data(), host_results_.size() * sizeof(HingeResult));
  for (std::size_t r = 0; r < updates_.size(); ++r) {
    const HingeResult* result = host_results_.data() + results_.size() * r;
    for (const Comparison& c : memories_.of(static_cast<int>(r)).comparisons) {
      const auto staleness = static_cast<std::uint32_t>(updates_[r] - static_cast<std::uint64_t>(c.mark));
      const bool active = result->active != 0;
      records_[r][drawn].terms.push_back(
          {c.positive, result->distance, result->loss, active, c.age, staleness, c.slot});
      updated_[r] = updated_[r] || active;
      ++result;
    }
  }
}

double OnlineLearner::floats_of_anchor() const {
  return static_cast<double>(anchors_.buffer().size()) + (options_.block ? 0 : activity_floats(network_));
}

double OnlineLearner::held_floats(int replica) const {
  return static_cast<double>(memories_.anchors(replica).size()) * floats_of_anchor();
}

std::vector<float> OnlineLearner::last_embedding() const {
  std::vector<float> embedding(static_cast<std::size_t>(network_.embedding));
  device_.read(embedding.data(), anchors_.of_arriving(last().layer).data, embedding.size() * sizeof(float));
  return embedding;
}

void OnlineLearner::save(Checkpoint& checkpoint, int replica) const {
  if (!options_.block && memories_.slots(replica) != slots_)
    throw std::logic_error("OnlineLearner::save: remembered activity of replicas that remember differently");
  checkpoint.event = events_;
  checkpoint.instruction_set = device_.instruction_set();
  checkpoint.arithmetic = to_string(options_.arithmetic);
  parameters_.save(checkpoint.tensors, replica);
  optimiser_.save(checkpoint, replica);
  if (averages_) averages_->save(checkpoint, replica);
  anchors_.settle();
  const auto slots = static_cast<std::size_t>(memories_.slots(replica));
  const std::size_t each = anchors_.buffer().size();
  std::vector<float> embeddings(slots * each);
  for (std::size_t i = 0; i < slots; ++i) {
    const ReplicaMemories::Slot slot{replica, static_cast<int>(i)};
    if (const int place = memories_.place(slot); place >= 0)
      device_.read(embeddings.data() + i * each, anchors_.buffer().strided(place).at(replica), each * sizeof(float));
    else
      std::copy(memories_.aside(slot).begin(), memories_.aside(slot).end(),
                embeddings.begin() + static_cast<std::ptrdiff_t>(i * each));
  }
  checkpoint.tensors.push_back({"memory.anchors", {slots, each}, std::move(embeddings)});
  checkpoint.integers.push_back({"memory.state", memories_.save(replica)});
  checkpoint.integers.push_back({"learner.updates", {static_cast<std::int64_t>(updates(replica))}});
  if (options_.block) return;
  for (int i = 0; i <= network_.depth(); ++i) {
    const auto& map = anchors_.activity().map_buffer(i);
    checkpoint.tensors.push_back({fmt::format("memory.map.{}", i),
                                  {static_cast<std::size_t>(map.views()), map.size()},
                                  map.read_replica(replica)});
  }
  for (int i = 0; i < network_.depth(); ++i) {
    const std::vector<std::uint8_t> winners = anchors_.activity().winners_buffer(i).read_replica(replica);
    checkpoint.integers.push_back({fmt::format("memory.winners.{}", i), {winners.begin(), winners.end()}});
  }
}

void OnlineLearner::load(std::span<const Checkpoint> checkpoints) {
  if (checkpoints.size() != updates_.size())
    throw std::invalid_argument(
        fmt::format("OnlineLearner::load: {} checkpoints for {} replicas", checkpoints.size(), updates_.size()));
  std::vector<std::vector<std::int64_t>> states;
  for (const Checkpoint& checkpoint : checkpoints) {
    if (checkpoint.event != checkpoints.front().event)
      throw InputError(fmt::format("checkpoints of learners that advance together: one is of event {}, one of event {}",
                                   checkpoints.front().event, checkpoint.event));
    states.push_back(checkpoint.integer_values("memory.state"));
  }
  anchors_.forget_waiting();  // before the synapses change
  memories_.restore(states);
  for (std::size_t r = 0; r < checkpoints.size(); ++r) load_replica(checkpoints[r], static_cast<int>(r));
  events_ = checkpoints.front().event;
}

void OnlineLearner::load_replica(const Checkpoint& checkpoint, int replica) {
  parameters_.load(device_, checkpoint.tensors, replica);
  optimiser_.load(checkpoint, replica);
  if (averages_) averages_->load(checkpoint, replica);
  const auto found = [&](const std::string& name, std::size_t expected) -> const std::vector<float>& {
    const Tensor& tensor = checkpoint.tensor(name);
    if (tensor.data.size() != expected)
      throw InputError(fmt::format("checkpoint: {} holds {} numbers, expected {}", name, tensor.data.size(), expected));
    return tensor.data;
  };
  const std::size_t each = anchors_.buffer().size();
  const auto slots = static_cast<std::size_t>(memories_.slots(replica));
  const std::vector<float>& embeddings = found("memory.anchors", slots * each);
  for (std::size_t i = 0; i < slots; ++i) {
    const ReplicaMemories::Slot slot{replica, static_cast<int>(i)};
    const float* row = embeddings.data() + i * each;
    if (const int place = memories_.place(slot); place >= 0)
      device_.write(anchors_.buffer().strided(place).at(replica), row, each * sizeof(float));
    else
      memories_.keep_aside(slot, {row, row + each});
  }
  const std::vector<std::int64_t>& updates = checkpoint.integer_values("learner.updates");
  if (updates.size() != 1) throw InputError("checkpoint: learner.updates should hold one number");
  updates_[static_cast<std::size_t>(replica)] = static_cast<std::uint64_t>(updates.front());
  if (options_.block) return;
  const Activity& activity = anchors_.activity();
  for (int i = 0; i <= network_.depth(); ++i) {
    const DeviceBuffer<float>& map = activity.map_buffer(i);
    map.write_replica(replica, found(fmt::format("memory.map.{}", i), map.size() * (slots + 1)));
  }
  for (int i = 0; i < network_.depth(); ++i) {
    const std::vector<std::int64_t>& values = checkpoint.integer_values(fmt::format("memory.winners.{}", i));
    const DeviceBuffer<std::uint8_t>& winners = activity.winners_buffer(i);
    const std::size_t expected = winners.size() * (slots + 1);
    const bool valid = std::all_of(values.begin(), values.end(), [](std::int64_t v) { return v >= 0 && v <= 3; });
    if (values.size() != expected || !valid)
      throw InputError(fmt::format("checkpoint: memory.winners.{} holds {} numbers, expected {} of 0 to 3", i,
                                   values.size(), expected));
    winners.write_replica(replica, {values.begin(), values.end()});
  }
}

}  // namespace saccade
