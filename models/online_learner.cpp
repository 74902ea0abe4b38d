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

std::vector<ReplicaMemories> make_memories(const LearnerOptions& options) {
  if (options.streams < 1) throw std::invalid_argument("OnlineLearner: expected at least one stream");
  std::vector<ReplicaMemories> memories;
  for (int i = 0; i < options.streams; ++i) memories.emplace_back(replica_memories(options));
  return memories;
}

/// The first keeps the name that it has where it is the only one.
std::string memory_name(std::size_t stream) {
  return stream == 0 ? "memory.state" : fmt::format("memory.state.{}", stream);
}

/// f(row, slot in the replica's own memory, stream), row after row of memory.anchors.
template <class Memories, class F>
void each_own_slot(Memories& memories, int streams, int replica, F f) {
  std::size_t row = 0;
  for (int stream = 0; stream < streams; ++stream)
    for (int slot = 0; slot < memories[static_cast<std::size_t>(stream)].slots(replica); ++slot)
      f(row++, ReplicaMemories::Slot{replica, slot}, stream);
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
      schedule_(options.schedule, network.depth(), options.seed, options.events, options.layer_weights),
      parameters_(device, network, make_rule(options.rule), schedule_.heads(), weights_draws(options),
                  options.arithmetic),
      own_optimiser_(optimiser ? nullptr : make_optimiser(device, network, options, schedule_.heads())),
      optimiser_(optimiser ? *optimiser : *own_optimiser_),
      memories_(make_memories(options)),
      slots_(options.streams * memories_.front().slots()),
      learning_(options.block ? 1 : slots_ + 1),
      anchors_(device, parameters_, schedule_.heads() == Heads::every_layer ? network.depth() : 1, slots_,
               !options.block, options.waiting_floats),
      plasticity_(device, parameters_, learning_),
      error_(device, static_cast<std::size_t>(network.head(0).lanes()), options.replicas, learning_),
      active_(device, 1, options.replicas, learning_),
      results_(device, static_cast<std::size_t>(memories_.front().terms()), options.replicas),
      updates_(static_cast<std::size_t>(options.replicas)),
      outcomes_(options.replicas) {
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

OnlineLearner::~OnlineLearner() {
  try {
    settle();
  } catch (const std::exception&) {  // NOLINT: an error is on its way; what the device owed is not wanted any more
  }
}

const Margins& OnlineLearner::margins(int layer) const {
  if (options_.margins.size() == 1) return options_.margins.front();
  return options_.margins[static_cast<std::size_t>(top_of(layer))];
}

void OnlineLearner::send(const Event& event) {
  if (const auto* arrived = std::get_if<View>(&event))
    view(*arrived);
  else
    memory_of(std::get<Saccade>(event).stream).saccade();
}

void OnlineLearner::settle() {
  if (outcomes_.settled()) return;
  device_.settle();
  outcomes_.settle(updates_);
  if (outcomes_.size() == 1) return;  // its mark was no name
  for (ReplicaMemories& memory : memories_)
    memory.renew_marks([&](std::int64_t mark, std::size_t replica) { return outcomes_.number(mark, replica); });
}

ReplicaMemories& OnlineLearner::memory_of(std::uint32_t stream) {
  if (stream >= memories_.size())
    throw std::invalid_argument(fmt::format("OnlineLearner: stream {} of {}", stream, memories_.size()));
  streams_in_use_ = std::max(streams_in_use_, static_cast<int>(stream) + 1);
  return memories_[stream];
}

void OnlineLearner::recall(const View& view) {
  ReplicaMemories& memory = memory_of(view.stream);
  stream_ = view.stream;
  recall_ = memory.view(view.time, outcomes_.next_marks(updates_));
  const std::int32_t first = first_slot(view.stream);
  recall_.slot += first;
  for (Comparison& comparison : recall_.comparisons) comparison.slot += first;
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
  recall(view);
  begin_records(view);
  if (recall_.becomes_anchor) {
    keep_displaced();
    show(device_, network_, shown, anchors_.place(recall_.slot));
    anchors_.store(recall_.slot);
  } else if (!recall_.comparisons.empty()) {
    show(device_, network_, shown, anchors_.arrive());
    // All layers see the view before any of them changes.
    for (const int layer : drawn_) anchors_.embed(layer);
    if (averages_) averages_->follow(anchors_.arriving(), 0, top_of(drawn_.back()) + 2);
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      compare(drawn_[i]);
      call_for_results(i);
    }
  }
  ++events_;
}

void OnlineLearner::begin_records(const View& view) {
  outcome_ = &outcomes_.next();
  for (std::size_t r = 0; r < updates_.size(); ++r) {
    const std::vector<Comparison>& comparisons = memories_[stream_].of(static_cast<int>(r)).comparisons;
    const auto first = static_cast<std::int32_t>(stream_) * memories_[stream_].slots(static_cast<int>(r));
    outcome_->records[r].resize(drawn_.size());
    for (std::size_t i = 0; i < drawn_.size(); ++i) {
      UpdateRecord& record = outcome_->records[r][i];
      record.event = events_;
      record.time = view.time;
      record.fixation = view.fixation;
      record.role = recall_.becomes_anchor ? ViewRole::anchor
                    : !comparisons.empty() ? ViewRole::learner
                                           : ViewRole::idle;
      record.layer = drawn_[i];
      record.terms.clear();
      for (const Comparison& c : comparisons)
        record.terms.push_back({c.positive, 0, 0, false, c.age, 0, first + c.slot});
    }
    outcome_->marks[r].clear();
    for (const Comparison& c : comparisons) outcome_->marks[r].push_back(c.mark);
  }
}

/// Seldom: where windows differ and fixations are of different lengths.
void OnlineLearner::keep_displaced() {
  ReplicaMemories& memory = memories_[stream_];
  if (memory.displaced().empty()) return;
  anchors_.settle();
  for (const ReplicaMemories::Slot& slot : memory.displaced()) {
    std::vector<float> row(anchors_.buffer().size());
    device_.read(row.data(), embedding_row(slot.replica, recall_.slot), row.size() * sizeof(float));
    memory.keep_aside(slot, std::move(row));
  }
}

float* OnlineLearner::embedding_row(int replica, int slot) const { return anchors_.buffer().strided(slot).at(replica); }

void OnlineLearner::add_terms(int replica) {
  const std::vector<Comparison>& own = memories_[stream_].of(replica).comparisons;
  for (std::size_t i = 0; i < recall_.comparisons.size(); ++i) {
    const Comparison& c = i < own.size() ? own[i] : recall_.comparisons[i];
    terms_.push_back({recall_.comparisons[i].slot, 0, c.positive, i < own.size() ? c.weight * c.gate : 0.0f, c.scale});
  }
}

void OnlineLearner::compare(int layer) {
  terms_.clear();
  for (int r = 0; r < options_.replicas; ++r) add_terms(r);
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
    hinge.noise = noise_->draw(recall_, events_, top_of(layer), static_cast<float>(options_.memory.noise * unit));
  }
  if (circuit_)
    circuit_->compare(device_, hinge, events_, top_of(layer));
  else
    device_.contrastive_hinge(hinge);
  const Views learning = options_.block ? anchors_.arriving() : Views{anchors_.activity(), 0, learning_};
  plasticity_.learn(layer, learning, error_.strided(), active_.strided(), optimiser_);
}

/// What the latest compare() comes to, in every replica: one copy from the device.
void OnlineLearner::call_for_results(std::size_t drawn) {
  outcome_->stride = results_.size();
  if (outcome_->results.size() <= drawn) outcome_->results.resize(drawn + 1);
  std::vector<HingeResult>& results = outcome_->results[drawn];
  results.resize(results_.size() * (updates_.size() - 1) + recall_.comparisons.size());
  device_.read_later(results.data(), results_.data(), results.size() * sizeof(HingeResult));
}

double OnlineLearner::floats_of_anchor() const {
  return static_cast<double>(anchors_.buffer().size()) + (options_.block ? 0 : activity_floats(network_));
}

double OnlineLearner::held_floats(int replica) const {
  std::size_t anchors = 0;
  for (const ReplicaMemories& memory : memories_) anchors += memory.memory(replica).anchors().size();
  return static_cast<double>(anchors) * floats_of_anchor();
}

std::vector<float> OnlineLearner::last_embedding() const {
  std::vector<float> embedding(static_cast<std::size_t>(network_.embedding));
  device_.read(embedding.data(), anchors_.of_arriving(last().layer).data, embedding.size() * sizeof(float));
  return embedding;
}

template <class T>
std::vector<T> OnlineLearner::rows_in_use(std::vector<T> rows, std::size_t row) const {
  const auto at = [&](std::size_t slot) { return rows.begin() + static_cast<std::ptrdiff_t>(slot * row); };
  rows.erase(at(slots_in_use()), at(static_cast<std::size_t>(slots_)));
  return rows;
}

template <class T>
std::vector<T> OnlineLearner::all_rows(const std::vector<T>& in_use, std::size_t rows, std::size_t row) const {
  std::vector<T> all = in_use;
  all.insert(all.begin() + static_cast<std::ptrdiff_t>(slots_in_use() * row), rows * row - in_use.size(), T{});
  return all;
}

void OnlineLearner::save(Checkpoint& checkpoint, int replica) const {
  if (!outcomes_.settled()) throw std::logic_error("OnlineLearner::save: expected settle() behind what was sent");
  const auto slots = static_cast<std::size_t>(memories_.front().slots(replica));
  if (!options_.block && slots != static_cast<std::size_t>(memories_.front().slots()))
    throw std::logic_error("OnlineLearner::save: remembered activity of replicas that remember differently");
  checkpoint.event = events_;
  checkpoint.instruction_set = device_.instruction_set();
  checkpoint.arithmetic = to_string(options_.arithmetic);
  parameters_.save(checkpoint.tensors, replica);
  optimiser_.save(checkpoint, replica);
  if (averages_) averages_->save(checkpoint, replica);
  anchors_.settle();
  const std::size_t each = anchors_.buffer().size(), rows = static_cast<std::size_t>(streams_in_use_) * slots;
  std::vector<float> embeddings(rows * each);
  each_own_slot(memories_, streams_in_use_, replica, [&](std::size_t row, ReplicaMemories::Slot slot, int stream) {
    const ReplicaMemories& memory = memories_[static_cast<std::size_t>(stream)];
    float* to = embeddings.data() + row * each;
    if (const int place = memory.place(slot); place >= 0)
      device_.read(to, embedding_row(replica, first_slot(static_cast<std::uint32_t>(stream)) + place),
                   each * sizeof(float));
    else
      std::copy(memory.aside(slot).begin(), memory.aside(slot).end(), to);
  });
  checkpoint.tensors.push_back({"memory.anchors", {rows, each}, std::move(embeddings)});
  for (std::size_t i = 0; i < static_cast<std::size_t>(streams_in_use_); ++i)
    checkpoint.integers.push_back({memory_name(i), memories_[i].memory(replica).save()});
  checkpoint.integers.push_back({"learner.updates", {static_cast<std::int64_t>(updates(replica))}});
  if (options_.block) return;
  for (int i = 0; i <= network_.depth(); ++i) {
    const auto& map = anchors_.activity().map_buffer(i);
    checkpoint.tensors.push_back(
        {fmt::format("memory.map.{}", i), {rows + 1, map.size()}, rows_in_use(map.read_replica(replica), map.size())});
  }
  for (int i = 0; i < network_.depth(); ++i) {
    const auto& buffer = anchors_.activity().winners_buffer(i);
    const std::vector<std::uint8_t> winners = rows_in_use(buffer.read_replica(replica), buffer.size());
    checkpoint.integers.push_back({fmt::format("memory.winners.{}", i), {winners.begin(), winners.end()}});
  }
}

void OnlineLearner::load(std::span<const Checkpoint> checkpoints) {
  if (checkpoints.size() != updates_.size())
    throw std::invalid_argument(
        fmt::format("OnlineLearner::load: {} checkpoints for {} replicas", checkpoints.size(), updates_.size()));
  const Checkpoint& first = checkpoints.front();
  for (const Checkpoint& checkpoint : checkpoints)
    if (checkpoint.event != first.event)
      throw InputError(fmt::format("checkpoints of learners that advance together: one is of event {}, one of event {}",
                                   first.event, checkpoint.event));
  anchors_.forget_waiting();  // before the synapses change
  const std::size_t numbers = first.tensor("memory.anchors").data.size();
  const std::size_t of_stream = anchors_.buffer().size() * static_cast<std::size_t>(memories_.front().slots(0));
  streams_in_use_ = static_cast<int>(std::min<std::size_t>(numbers / of_stream, 1 << 30));
  if (streams_in_use_ < 1 || streams_in_use_ > options_.streams || numbers % of_stream != 0)
    throw InputError(
        fmt::format("checkpoint: memory.anchors holds {} numbers, expected {} for each of at most {} "
                    "streams that have come",
                    numbers, of_stream, options_.streams));
  for (std::size_t i = 0; i < static_cast<std::size_t>(streams_in_use_); ++i) {
    std::vector<std::vector<std::int64_t>> states;
    for (const Checkpoint& checkpoint : checkpoints) states.push_back(checkpoint.integer_values(memory_name(i)));
    memories_[i].restore(states);
  }
  for (std::size_t r = 0; r < checkpoints.size(); ++r) load_replica(checkpoints[r], static_cast<int>(r));
  events_ = first.event;
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
  const std::size_t own_rows = static_cast<std::size_t>(streams_in_use_ * memories_.front().slots(replica));
  const std::vector<float>& embeddings = found("memory.anchors", own_rows * each);
  each_own_slot(memories_, streams_in_use_, replica, [&](std::size_t row, ReplicaMemories::Slot slot, int stream) {
    ReplicaMemories& memory = memories_[static_cast<std::size_t>(stream)];
    const float* from = embeddings.data() + row * each;
    if (const int place = memory.place(slot); place >= 0)
      device_.write(embedding_row(replica, first_slot(static_cast<std::uint32_t>(stream)) + place), from,
                    each * sizeof(float));
    else
      memory.keep_aside(slot, {from, from + each});
  });
  const std::vector<std::int64_t>& updates = checkpoint.integer_values("learner.updates");
  if (updates.size() != 1) throw InputError("checkpoint: learner.updates should hold one number");
  updates_[static_cast<std::size_t>(replica)] = static_cast<std::uint64_t>(updates.front());
  if (options_.block) return;
  const Activity& activity = anchors_.activity();
  const std::size_t rows = static_cast<std::size_t>(slots_) + 1, rows_saved = slots_in_use() + 1;
  for (int i = 0; i <= network_.depth(); ++i) {
    const DeviceBuffer<float>& map = activity.map_buffer(i);
    map.write_replica(replica,
                      all_rows(found(fmt::format("memory.map.{}", i), rows_saved * map.size()), rows, map.size()));
  }
  for (int i = 0; i < network_.depth(); ++i) {
    const std::vector<std::int64_t>& values = checkpoint.integer_values(fmt::format("memory.winners.{}", i));
    const DeviceBuffer<std::uint8_t>& winners = activity.winners_buffer(i);
    const bool valid = std::all_of(values.begin(), values.end(), [](std::int64_t v) { return v >= 0 && v <= 3; });
    if (values.size() != rows_saved * winners.size() || !valid)
      throw InputError(fmt::format("checkpoint: memory.winners.{} holds {} numbers, expected {} of 0 to 3", i,
                                   values.size(), rows_saved * winners.size()));
    winners.write_replica(replica,
                          all_rows(std::vector<std::uint8_t>(values.begin(), values.end()), rows, winners.size()));
  }
}

}  // namespace saccade
