#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "engine/event.h"
#include "models/network.h"
#include "streams/fixations.h"
#include "streams/resize.h"
#include "streams/views.h"

namespace saccade {

/// A resolved experiment: everything that decides the result of a run, with every default filled in. Plain values; the
/// names, units, ranges and meanings of the keys are in one table (tools/experiment/experiment_keys.cpp) that reading,
/// writing and
/// `--keys` use.
struct Experiment {
  /// `none`: a recorded stream of pixels needs no data set.
  enum class Data { cifar10, cifar100, mnist, emnist_letters, fashion_mnist, stl10, folder, world, none };
  enum class Loss { hinge, simclr, clapp, supervised };
  enum class Schedule { rll, gll, pll, e2e };
  enum class Rule { bp, rf, urf, sign, sign_forward, dtp };
  enum class Activity { hebb, covariance };
  enum class Optimiser { sgd, adam };
  enum class Path { independent, trajectory };
  enum class Positives { same, shuffled };
  enum class MemoryMode { sliding, held };
  enum class Trace { window, exponential, synaptic, synaptic_peak };
  enum class TraceActs { scale, gate };
  enum class ErrorUnit { hinge, circuit };
  enum class ClappUpdate { synchronous, asynchronous };
  enum class ProbeWhen { automatic, yes, no };
  enum class ProbeLayers { all, top };
  /// `same`, or a data set of its own: 1 + Data.
  enum class ProbeData { same };
  enum class ProbeTest { test, train };
  enum class KnnMetric { cosine, euclidean };
  enum class SimilarityOf { none, classes, images };
  enum class CollapseOf { variance, participation_ratio };
  enum class OnCollapse { stop, warn };
  enum class Deformation { automatic, affine, affine_hsv, rotate_scale_shift };

  struct Margins {
    double positive = 0;  ///< m1: a positive pair is pulled together beyond this distance
    double negative = 0;  ///< m2: a negative pair is pushed apart below this distance
    friend bool operator==(const Margins&, const Margins&) = default;
  };
  /// One value for all layers, or one per layer.
  struct Rates {
    std::vector<double> conv, head;
    double final = -1;  ///< fraction at the end of a replay
    friend bool operator==(const Rates&, const Rates&) = default;
  };
  struct Folder {
    std::string path;
    std::int64_t height = 32, width = 32, channels = 3;
    Fit fit = Fit::crop;
    std::int64_t classes = 0;  ///< 0 = as many as there are
    friend bool operator==(const Folder&, const Folder&) = default;
  };
  struct Views {
    ViewKind kind = ViewKind::affine;
    friend bool operator==(const Views&, const Views&) = default;
  };
  struct Stream {
    std::int64_t views = 2;  ///< per fixation, in the mean
    Dwell dwell = Dwell::fixed;
    double switch_probability = 0;  ///< of dwell geometric; 0 = 1 / views
    double fixation = 0.3;          ///< seconds that `views` views take
    double frame_rate = 0;          ///< frames per second; 0 = `fixation` says
    ObjectOrder order = ObjectOrder::shuffled;
    double returns = 0;  ///< probability
    std::int64_t return_depth = 10;
    Positives positives = Positives::same;
    std::string file;          ///< recorded stream, instead of what the keys above say
    std::string hash;          ///< Recording::hash of it
    bool arrives = false;      ///< views come over the network
    std::int64_t streams = 1;  ///< side by side, at most, of a recording or of what arrives
    std::string shape;         ///< of its views: "32x32x3"
    bool recorded() const { return !file.empty(); }
    /// Seconds that `views` views take.
    double duration() const { return frame_rate > 0 ? static_cast<double>(views) / frame_rate : fixation; }
    friend bool operator==(const Stream&, const Stream&) = default;
  };
  struct Motion {
    Path path = Path::independent;
    double warp_time = 1.0, colour_time = 2.0;      ///< seconds
    double warp_spread = 1.0, colour_spread = 1.0;  ///< of the spread of independent views
    double pose_time = 3.0, light_time = 3.0;       ///< seconds; of the built-in world
    friend bool operator==(const Motion&, const Motion&) = default;
  };
  struct BuiltInWorld {
    std::int64_t size = 32;        ///< pixels
    std::int64_t objects = 16000;  ///< that are learned from
    std::int64_t paints = 0;       ///< 0 = one for each object
    std::int64_t seed = 1;         ///< of the objects and stills
    double pose_spread = 0.3, place_spread = 1.0, light_spread = 0.6;
    std::int64_t train_stills = 5000, test_stills = 2000;
    friend bool operator==(const BuiltInWorld&, const BuiltInWorld&) = default;
  };
  struct Memory {
    MemoryMode mode = MemoryMode::sliding;
    double window = std::numeric_limits<double>::infinity();  ///< seconds
    std::int64_t capacity = 0;                                ///< anchors; 0 = what `negatives` needs
    Trace trace = Trace::window;
    TraceActs trace_acts = TraceActs::scale;
    double trace_time = 1;                                                   ///< seconds; of exponential
    double facilitation_time = 1.5, recovery_time = 0.2, utilisation = 0.2;  ///< seconds, seconds, U; of synaptic
    std::int64_t burst = 1;                                                  ///< spikes
    double burst_rate = 50;                                                  ///< Hz
    double noise = 0;                                                        ///< m1 / embedding
    friend bool operator==(const Memory&, const Memory&) = default;
  };
  struct Circuit {
    double noise = 0;            ///< m1 / embedding
    double threshold_error = 0;  ///< relative
    friend bool operator==(const Circuit&, const Circuit&) = default;
  };
  struct Dtp {
    double feedback_rate = 0.001;  ///< of the layer-wise autoencoders (Adam)
    double noise = 0;              ///< standard deviation, in the autoencoders' input
    std::int64_t feedback_steps = 1;
    std::int64_t pretrain = 0;  ///< batches
    double target_step = 1;     ///< eta of the top target
    friend bool operator==(const Dtp&, const Dtp&) = default;
  };
  struct Clapp {
    ClappUpdate update = ClappUpdate::synchronous;
    friend bool operator==(const Clapp&, const Clapp&) = default;
  };
  struct Probe {
    ProbeWhen enabled = ProbeWhen::automatic;
    std::int64_t every = 0;  ///< events or steps; 0 = only at the end
    ProbeData data = ProbeData::same;
    ProbeLayers layers = ProbeLayers::all;
    bool untrained = true;        ///< also probe the untrained network
    std::int64_t images = 10000;  ///< labelled training images; 0 = all
    std::int64_t epochs = 30;
    double rate = 0.001;
    std::int64_t batch = 500;
    bool standardise = true;
    ProbeTest test = ProbeTest::test;  ///< labelled images that it is tested on
    std::int64_t test_from = 0;        ///< the first of them
    std::int64_t test_images = 0;      ///< 0 = all from there on
    bool deformed = true;              ///< also test on deformed images
    Deformation deformation = Deformation::automatic;
    double deformation_strength = 0.5;  ///< p of rotate_scale_shift
    bool pixels = true;                 ///< also probe raw pixels
    friend bool operator==(const Probe&, const Probe&) = default;
  };
  struct Record {
    bool events = true;         ///< write events.trace
    std::int64_t every = 2000;  ///< events between rows of metrics.csv
    friend bool operator==(const Record&, const Record&) = default;
  };
  struct Measures {
    std::int64_t every = 0;      ///< events or steps; 0 = never
    std::int64_t pairs = 256;    ///< of views that they look at
    std::int64_t images = 1000;  ///< labelled images that they look at
    std::int64_t knn = 0;        ///< neighbours; 0 = not measured
    KnnMetric knn_metric = KnnMetric::cosine;
    SimilarityOf similarity = SimilarityOf::none;
    std::int64_t similarity_images = 50;  ///< of `images`
    bool factors = false;                 ///< of the built-in world
    double collapse = 0;                  ///< limit; 0 = no alarm
    CollapseOf collapse_of = CollapseOf::variance;
    OnCollapse on_collapse = OnCollapse::stop;
    /// Whether labelled images are looked at.
    bool representations() const { return knn > 0 || factors || similarity != SimilarityOf::none; }
    friend bool operator==(const Measures&, const Measures&) = default;
  };
  struct Checkpoints {
    std::int64_t every = 20000;  ///< events or steps; 0 = only at the end
    friend bool operator==(const Checkpoints&, const Checkpoints&) = default;
  };

  std::int64_t seed = 1;
  std::int64_t weights_seed = as_seed;  ///< of initial and feedback weights alone
  Data data = Data::fashion_mnist;
  Folder folder;                 ///< of the data set `folder`
  std::int64_t images = 0;       ///< use only the first N; 0 = all
  std::int64_t events = 120000;  ///< views; event mode
  std::int64_t epochs = 10;      ///< batch mode: passes over the images, for each layer that learns on its own
  std::int64_t batch = 500;      ///< pairs of views in a step; batch mode
  NetworkSpec network;           ///< its image size is that of the data set
  Loss loss = Loss::hinge;
  Schedule schedule = Schedule::e2e;
  std::vector<double> layer_weights;  ///< rll: how often each layer is drawn, relatively; one number: all alike
  Rule rule = Rule::bp;
  std::int64_t negatives = 4;  ///< all_negatives: every other view of the batch
  double negative_weight = 0.2;
  double temperature = 0.1;      ///< of simclr
  std::vector<Margins> margins;  ///< one for all layers, or one per layer
  bool block = true;
  ErrorUnit error = ErrorUnit::hinge;
  Activity activity = Activity::hebb;
  double average_views = 500;
  Optimiser optimiser = Optimiser::sgd;
  Rates rate;
  Arithmetic arithmetic = Arithmetic::exact;
  Views view;
  Stream stream;
  Motion motion;
  BuiltInWorld world;
  Memory memory;
  Circuit circuit;
  Dtp dtp;
  Clapp clapp;
  Probe probe;
  Record record;
  Measures measure;
  Checkpoints checkpoint;

  const Margins& margins_of(int layer) const {
    return margins.size() == 1 ? margins[0] : margins.at(static_cast<std::size_t>(layer));
  }
  double conv_rate(int layer) const {
    return rate.conv.size() == 1 ? rate.conv[0] : rate.conv.at(static_cast<std::size_t>(layer));
  }
  double head_rate(int layer) const {
    return rate.head.size() == 1 ? rate.head[0] : rate.head.at(static_cast<std::size_t>(layer));
  }
  static constexpr std::int64_t as_seed = -1;
  /// What initial and feedback weights are drawn from.
  std::uint64_t seed_of_weights() const {
    return static_cast<std::uint64_t>(weights_seed == as_seed ? seed : weights_seed);
  }
  static constexpr std::int64_t all_negatives = -1;
  /// Of `events`: as many as arrive.
  static constexpr std::int64_t unbounded = -1;
  /// Whether there are labelled images for a probe.
  bool can_probe() const { return probe.data != ProbeData::same || data != Data::none; }
  /// What `probe.enabled = "auto"` comes to: a probe at the end of runs over 5,000 views, where there can be one.
  bool probes(std::uint64_t views) const {
    return probe.enabled == ProbeWhen::yes || (probe.enabled == ProbeWhen::automatic && views > 5000 && can_probe());
  }

  friend bool operator==(const Experiment&, const Experiment&) = default;
};

/// What reads the experiment: some defaults differ (`saccade replay --keys`, `saccade train --keys`, `saccade serve
/// --keys`). A written experiment has every key, so it is the same in all.
enum class Mode { event, batch, served };

/// Reads an experiment file (an empty path: all defaults), then applies `key=value` overrides in order and fills in the
/// defaults that depend on other keys. InputError names file, line, key, what was found and what was expected.
Experiment load_experiment(const std::filesystem::path& file, const std::vector<std::string>& overrides = {},
                           Mode mode = Mode::event);

/// The same from text; `origin` stands for the file name in messages.
Experiment parse_experiment(std::string_view text, const std::string& origin,
                            const std::vector<std::string>& overrides = {}, Mode mode = Mode::event);
/// `key=value`, the value as TOML or a bare word, and what messages call its place, "--set rule=rf".
struct Override {
  std::string assignment, where;
};

/// The same with overrides that need not come from the command line.
Experiment parse_overridden(std::string_view text, const std::string& origin, const std::vector<Override>& overrides,
                            Mode mode);

/// The whole experiment as TOML: parse_experiment(write_experiment(x)) == x.
std::string write_experiment(const Experiment& experiment);

/// One key's value as TOML text, e.g. experiment_value(x, "data") is "\"cifar10\""; for summaries and protocols.
std::string experiment_value(const Experiment& experiment, std::string_view key);
/// The same of a key whose value is a word, without the quotes.
std::string experiment_word(const Experiment& experiment, std::string_view key);

/// The name of the data set as in the experiment file, without quotes.
std::string data_name(Experiment::Data data);

/// A text as TOML writes it, in quotes.
std::string toml_string(const std::string& text);

/// All keys as an aligned table: name, type, default, unit, range, meaning.
std::string list_experiment_keys(Mode mode = Mode::event);

/// The data set that the probe reads: `probe.data`, or that of the run.
Experiment::Data probe_data(const Experiment& experiment);

/// Whether the probe reads labelled images beyond those that the run loads: of another data set, or training images
/// that `images` leaves out.
bool probe_reads_more(const Experiment& experiment);

/// Size of the images of a data set.
ViewShape image_shape(const Experiment& experiment, Experiment::Data data);

}  // namespace saccade
