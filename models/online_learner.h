#pragma once
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "engine/event.h"
#include "engine/recorder.h"
#include "models/anchors.h"
#include "models/error_circuit.h"
#include "models/plasticity.h"
#include "models/readout_noise.h"
#include "models/replica_memories.h"
#include "models/schedule.h"
#include "models/view_outcomes.h"

namespace saccade {

struct Margins {
  float positive = 1;  ///< m1
  float negative = 3;  ///< m2
};

/// What one of several replicas may have of its own instead of what LearnerOptions says.
struct ReplicaOptions {
  int negatives = 4;             ///< T
  float negative_weight = 0.2f;  ///< w
  double window = -1;            ///< W in seconds; negative: unbounded
  Rates rates;
  /// Of its initial and feedback weights, which are then those of a learner alone with this seed; absent: a draw of its
  /// own from the common seed.
  std::optional<std::uint64_t> weights_seed = {};
};

struct LearnerOptions {
  std::uint64_t seed = 1;
  std::optional<std::uint64_t> weights_seed = {};  ///< of initial and feedback weights; absent: seed
  std::uint64_t events = 0;                        ///< views of the whole run
  std::string schedule = "rll";
  std::vector<double> layer_weights = {};  ///< rll: how often each layer is drawn (models/schedule.h); empty: all alike
  std::string rule = "bp";
  MemoryOptions memory;
  int streams = 1;                   ///< side by side, each with a short-term memory of its own
  std::vector<Margins> margins{{}};  ///< one for all heads, or one per layer
  bool block = true;                 ///< no gradient through the remembered anchor, eq. 7
  /// What computes distances, thresholds and errors: "hinge", an operation of the device, or "circuit"
  /// (models/error_circuit.h), which needs the blocked gradient.
  std::string error = "hinge";
  CircuitOptions circuit;
  std::string optimiser = "sgd";
  Rates rates;
  /// "hebb": error times pre-synaptic activity; "covariance": times its departure from the unit's running average
  /// (models/activity_averages.h), in which the latest of `average_views` learning views has weight 1 / average_views.
  std::string activity = "hebb";
  double average_views = 500;
  /// Over the run the rates fall linearly to this fraction, in 100 steps (needs `events`).
  double final_rate = 1;
  Arithmetic arithmetic = Arithmetic::exact;
  /// Room for activities of anchors whose embeddings are computed late. It changes no result, only speed.
  std::size_t waiting_floats = std::size_t{16} << 20;
  /// So many learners advance together, each operation on all of them at once: the same views, remembered anchors and
  /// drawn layers, but initial and feedback weights of their own (Parameters), and so errors and updates of their own.
  int replicas = 1;
  /// What else the replicas have of their own, one each; empty: nothing. Each has the bits of a learner alone with
  /// these options. They may differ in window and negatives in memory mode sliding only: there, which views become
  /// anchors does not depend on it; with activity "covariance" not in the window, which decides what joins the
  /// averages. Without the blocked gradient they then agree but for the order of sums over anchors. The optimiser's
  /// state and rates are each replica's own either way.
  std::vector<ReplicaOptions> variants = {};
};

/// Joins stream, memory and network: learns from events one at a time, on one device, without labels.
///
/// Of a View only the time and the pixels, or else its recipe, are read; a Saccade tells that another object follows.
/// What a view does is decided by the memory from times and saccades alone, so the sequence of device operations does
/// not depend on any activity. Events of several streams come in any order, each to its stream's memory; all of them
/// change the same synapses. Not thread-safe. State: parameters, optimiser, memories (anchors' embeddings; their
/// activities too without the blocked gradient), counters; all of it is in save(), of streams up to the last that has
/// come: room for more changes nothing.
class OnlineLearner {
 public:
  OnlineLearner(Device& device, const NetworkSpec& network, const LearnerOptions& options);
  /// As above with an optimiser of the caller's: how tests see gradients.
  OnlineLearner(Device& device, const NetworkSpec& network, const LearnerOptions& options, Optimiser& optimiser);

  ~OnlineLearner();
  OnlineLearner(const OnlineLearner&) = delete;
  OnlineLearner& operator=(const OnlineLearner&) = delete;

  /// Views that come without pixels are rendered by the device, which must render their kinds, from these images. They
  /// must outlive the learner.
  void look_at(const DeviceImages& images) { images_ = &images; }
  /// Learns from an event and waits for what it did.
  void handle(const Event& event) {
    send(event);
    settle();
  }
  /// The same for several, in their order, and to the same bits: send() does not wait for the device, and what the
  /// views since the last settle() did (records, updates) is known behind the next. Nothing else may be asked in
  /// between but what the memories hold, and heads(), replicas(), events().
  void send(const Event& event);
  void settle();

  int replicas() const { return options_.replicas; }
  Heads heads() const { return schedule_.heads(); }
  std::uint64_t events() const { return events_; }  ///< views handled
  /// Views whose error was active in this replica.
  std::uint64_t updates(int replica = 0) const { return updates_.at(static_cast<std::size_t>(replica)); }
  /// What the latest view did in this replica: one record for each layer that was to learn (end to end: one), from the
  /// bottom to the top. Valid until the next view; std::out_of_range before the first.
  const std::vector<UpdateRecord>& records(int replica = 0) const { return records_of(outcomes_.size() - 1, replica); }
  /// The same of each view between the latest settle() and the one before, the first being 0.
  const std::vector<UpdateRecord>& records_of(std::size_t view, int replica = 0) const {
    return outcomes_[view].records.at(static_cast<std::size_t>(replica));
  }
  /// The only one of them, or that of the top layer, in replica 0.
  const UpdateRecord& last() const { return records().back(); }
  /// To change them from outside, ask again after each event: what waits for them is computed first.
  Parameters& parameters() {
    anchors_.settle();
    return parameters_;
  }
  const Parameters& parameters() const { return parameters_; }
  const Margins& margins(int layer) const;
  /// Floats of the anchors that are held now: embeddings, and activities where the gradient is not blocked. The
  /// activity of anchors that wait (models/anchors.h) is a cache and not counted.
  double held_floats(int replica = 0) const;
  /// What this stream remembers, in replica 0.
  const ShortTermMemory& memory(std::uint32_t stream = 0) const { return memories_.at(stream).memory(0); }
  /// Embedding of the latest learner by the head that it used: `embedding` floats; meaningless behind an anchor.
  std::vector<float> last_embedding() const;

  /// Adds tensors, integers and the event number to the checkpoint: that of a learner alone that went the replica's
  /// way. std::logic_error where replicas that learn from remembered activity differ in what they remember.
  void save(Checkpoint& checkpoint, int replica = 0) const;
  /// One checkpoint per replica, whoever made them. InputError when one does not fit this network and these options, or
  /// when they are not of the same event of the same stream.
  void load(std::span<const Checkpoint> checkpoints);
  void load(const Checkpoint& checkpoint) { load({&checkpoint, 1}); }

 private:
  OnlineLearner(Device& device, const NetworkSpec& network, const LearnerOptions& options, Optimiser* optimiser);
  Stimuli stimulus(const View& view) const;
  void view(const View& view);
  ReplicaMemories& memory_of(std::uint32_t stream);
  /// What the view's stream remembers, with the places of all streams' anchors.
  void recall(const View& view);
  /// Rows of all slots, and more behind them, without those of streams that have not come.
  template <class T>
  std::vector<T> rows_in_use(std::vector<T> rows, std::size_t row) const;
  template <class T>
  std::vector<T> all_rows(const std::vector<T>& in_use, std::size_t rows, std::size_t row) const;
  /// The first shared slot of a stream.
  int first_slot(std::uint32_t stream) const { return static_cast<int>(stream) * memories_.front().slots(); }
  float* embedding_row(int replica, int slot) const;
  std::size_t slots_in_use() const { return static_cast<std::size_t>(streams_in_use_ * memories_.front().slots()); }
  void renew_rates();
  int top_of(int layer) const { return layer == end_to_end ? network_.depth() - 1 : layer; }
  double floats_of_anchor() const;
  void compare(int layer);
  /// The comparisons as the replica makes them: weight 0 for those that its window or its negatives leave out.
  void add_terms(int replica);
  void begin_records(const View& view);
  void call_for_results(std::size_t drawn);
  void keep_displaced();
  void load_replica(const Checkpoint& checkpoint, int replica);

  Device& device_;
  NetworkSpec network_;
  LearnerOptions options_;
  Schedule schedule_;
  Parameters parameters_;
  std::unique_ptr<Optimiser> own_optimiser_;
  Optimiser& optimiser_;
  std::vector<ReplicaMemories> memories_;  ///< one per stream
  int slots_;                              ///< of all streams
  int streams_in_use_ = 1;                 ///< one more than the largest number that has come
  std::uint32_t stream_ = 0;               ///< of the latest view
  Recall recall_;                          ///< of the latest view, as the replicas share it
  int learning_;             ///< views that learn at an event: the arriving one, behind the anchors if they learn too
  mutable Anchors anchors_;  ///< what waits in it may be computed at any time: settled is the same state
  const DeviceImages* images_ = nullptr;
  Plasticity plasticity_;
  std::optional<ActivityAverages> averages_;
  std::optional<ReadoutNoise> noise_;
  std::optional<ErrorCircuit> circuit_;
  DeviceBuffer<float> error_;  ///< [views that learn][lanes]
  DeviceBuffer<std::int32_t> active_;
  DeviceBuffer<HingeResult> results_;
  std::vector<HingeTerm> terms_;  ///< [replica][comparison]
  std::uint64_t events_ = 0;
  std::vector<std::uint64_t> updates_;  ///< per replica
  std::optional<std::uint64_t> rate_step_;
  std::vector<int> drawn_;  ///< layers of the latest view
  ViewOutcomes outcomes_;
  ViewOutcome* outcome_ = nullptr;  ///< of the latest view
};

}  // namespace saccade
