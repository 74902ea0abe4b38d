#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "engine/error.h"
#include "engine/random.h"
#include "tests/models/runs.h"
#include "tests/streams/files.h"

using namespace saccade;
using namespace saccade::test;

// What traces and readout noise do in a whole learner.
namespace {

/// Keeps the errors that reach heads, of all views of the latest event, [view][lanes].
class ErrorKeeper final : public Optimiser {
 public:
  std::string name() const override { return "none"; }
  void gather(int, const ConvFactors&, bool) override {}
  void gather(int, const HeadFactors& factors, bool) override {
    errors.clear();
    for (int view = 0; view < factors.extent.views; ++view)
      errors.emplace_back(factors.postsynaptic_error.at(0, view),
                          factors.postsynaptic_error.at(0, view) + factors.shape.embedding);
  }
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}

  std::vector<std::vector<float>> errors;
};

std::string learned(const Run& run, const LearnerOptions& options) {
  const auto device = make_cpu_device(1);
  OnlineLearner learner(*device, network_of(run), options);
  for (const ScheduledEvent& event : events_of(run)) learner.handle(event.event);
  CHECK(learner.updates() > 0);
  return fingerprint_of(learner);
}

/// Noise of unit `unit` of the anchor that is the `place`-th comparison, as memory.noise is defined.
double noise_of(const LearnerOptions& options, const NetworkSpec& net, std::uint64_t event, int layer,
                std::size_t place, int unit) {
  const auto entity = static_cast<std::uint32_t>(static_cast<int>(place) * net.depth() + layer);
  return options.memory.noise * static_cast<double>(options.margins[0].positive) / net.embedding *
         Random(options.seed, Purpose::trace_noise, entity, event).normal(static_cast<std::uint32_t>(unit));
}

}  // namespace

TEST_CASE("a trace whose strength stays 1 has the bits of the window, whatever it acts on") {
  for (const std::string schedule : {"rll", "e2e", "gll", "pll"})
    for (const std::string memory : {"sliding", "held"})
      for (const bool block : {true, false}) {
        const Run run{.name = "flat",
                      .schedule = schedule,
                      .memory = memory,
                      .block = block,
                      .views_per_fixation = 3,
                      .views = 60};
        CAPTURE(schedule);
        CAPTURE(memory);
        CAPTURE(block);
        LearnerOptions options = options_of(run);
        const std::string window = learned(run, options);
        std::set<std::string> faded{window};
        for (const std::string acts : {"scale", "gate"}) {
          options.memory.trace_acts = acts;
          options.memory.trace = {.name = "exponential", .time = 4e12};
          CHECK(learned(run, options) == window);
          options.memory.trace.time = 0.7;
          faded.insert(learned(run, options));
        }
        CHECK(faded.size() == 3);  // each does something, and not the same
      }
}

TEST_CASE("distances, losses and noise of every comparison are what the trace says, and reading changes nothing") {
  int compared = 0, active = 0, inactive = 0;
  for (const std::string memory : {"sliding", "held"})
    for (const std::string trace : {"exponential", "synaptic", "synaptic-peak"})
      for (const std::string acts : {"scale", "gate"})
        for (const double noise : {0.0, 1.5}) {
          const Run run{.name = "formula",
                        .schedule = "pll",
                        .memory = memory,
                        .views_per_fixation = 4,
                        .views = 40,
                        .trace = trace,
                        .trace_acts = acts,
                        .noise = noise};
          CAPTURE(memory);
          CAPTURE(trace);
          CAPTURE(acts);
          CAPTURE(noise);
          const auto device = make_cpu_device(1);
          const NetworkSpec net = network_of(run);
          const LearnerOptions options = options_of(run);
          const auto strengths = make_trace(options.memory.trace);
          ErrorKeeper keeper;  // weights stay, so that one learner's embeddings are those of all views
          OnlineLearner learner(*device, net, options, keeper);
          const int top = net.depth() - 1, lanes = net.head(0).lanes();
          for (const ScheduledEvent& event : events_of(run)) {
            const Tensor before = saved(learner).tensor("memory.anchors");
            learner.handle(event.event);
            if (!std::holds_alternative<View>(event.event) || learner.last().role != ViewRole::learner) continue;
            CHECK(ref::same_bits(saved(learner).tensor("memory.anchors").data, before.data));
            const UpdateRecord& record = learner.last();  // of the top layer
            REQUIRE(record.layer == top);
            const std::vector<float> view = learner.last_embedding();
            std::vector<double> error(view.size(), 0.0);
            for (std::size_t place = 0; place < record.terms.size(); ++place) {
              const UpdateTerm& term = record.terms[place];
              const double strength = strengths->strength(term.age_us);
              const double scale = acts == "scale" ? strength : 1, gate = acts == "gate" ? strength : 1;
              const float* anchor = before.data.data() + (term.slot * net.depth() + top) * lanes;
              std::vector<double> difference;
              double distance = 0, size = 0;
              for (int i = 0; i < net.embedding; ++i) {
                const double added = noise > 0 ? noise_of(options, net, record.event, top, place, i) : 0;
                difference.push_back(scale * static_cast<double>(anchor[i]) + added - static_cast<double>(view[i]));
                distance += std::fabs(difference.back());
                size += std::fabs(static_cast<double>(anchor[i])) + std::fabs(added);
              }
              const double margin =
                  static_cast<double>(term.positive ? options.margins[0].positive : options.margins[0].negative);
              const double excess = term.positive ? distance - margin : margin - distance;
              const double weight = gate * (term.positive ? 1.0 : static_cast<double>(options.memory.negative_weight));
              // Sums of 20 numbers of this size, in float.
              CHECK(std::fabs(static_cast<double>(term.distance) - distance) <= 2e-6 * (size + distance));
              REQUIRE(std::fabs(excess) > 1e-5);
              CHECK(term.active == (excess > 0));
              CHECK(static_cast<double>(term.loss) == doctest::Approx(term.active ? weight * excess : 0).epsilon(1e-4));
              ++compared;
              ++(term.active ? active : inactive);
              for (int i = 0; i < net.embedding && term.active; ++i)
                error[static_cast<std::size_t>(i)] += (term.positive ? -weight : weight) * ref::sgn(difference[i]);
            }
            if (keeper.errors.empty()) continue;
            for (std::size_t i = 0; i < error.size(); ++i)
              CHECK(static_cast<double>(keeper.errors.back()[i]) == doctest::Approx(error[i]).epsilon(1e-5));
          }
        }
  CHECK(compared > 500);
  CHECK(active > compared / 5);
  CHECK(inactive > compared / 20);
}

TEST_CASE("a gate scales a positive's error exactly; without the blocked gradient the anchor's is scaled either way") {
  // One fixation of two views, no negatives: error = -sgn(r a - b), times r where it gates. By eq. 4 the anchor's is
  // what the view's is with the other sign, and passes the scale on its way.
  for (const std::string acts : {"scale", "gate"}) {
    CAPTURE(acts);
    Run run{.name = "one", .schedule = "e2e", .block = false, .views = 2, .trace = "exponential"};
    run.trace_acts = acts;
    const NetworkSpec net = network_of(run);
    LearnerOptions options = options_of(run);
    options.memory.negatives = 0;
    options.margins = {{1e-4f, 1}};
    const auto device = make_cpu_device(1);
    ErrorKeeper keeper;
    OnlineLearner learner(*device, net, options, keeper);
    for (const ScheduledEvent& event : events_of(run)) learner.handle(event.event);
    REQUIRE(learner.last().terms.size() == 1);
    REQUIRE(learner.last().terms[0].active);
    const float strength = make_trace(options.memory.trace)->strength(learner.last().terms[0].age_us);
    CHECK(strength < 0.9f);
    REQUIRE(keeper.errors.size() == 2);
    int signs = 0;
    for (std::size_t i = 0; i < keeper.errors[1].size(); ++i) {
      const float view = keeper.errors[1][i], anchor = keeper.errors[0][i];
      CHECK(std::fabs(view) == (acts == "gate" ? strength : 1.0f));
      CHECK(anchor == -view * (acts == "scale" ? strength : 1.0f));
      signs |= view > 0 ? 1 : 2;
    }
    CHECK(signs == 3);
  }
}

TEST_CASE("noise: each reading has its own, each replica the same, and none depends on the slot") {
  const Run run{.name = "noisy", .schedule = "rll", .rule = "rf", .views = 80, .trace = "exponential", .noise = 0.7};
  const auto device = make_cpu_device(2);
  const std::vector<ScheduledEvent> events = events_of(run);
  LearnerOptions options = options_of(run);
  options.variants = {{4, 0.2f, -1.0, options.rates}, {1, 0.7f, 0.5, options.rates}, {6, 0.1f, 1.3, options.rates}};
  options.replicas = 3;
  OnlineLearner together(*device, network_of(run), options);
  std::vector<Tensor> starts[3], ends[3];
  for (int r = 0; r < 3; ++r) together.parameters().save(starts[r], r);
  for (const ScheduledEvent& event : events) together.handle(event.event);
  for (int r = 0; r < 3; ++r) {
    CAPTURE(r);
    together.parameters().save(ends[r], r);
    LearnerOptions own = options_of(run);  // with fewer slots than all need together
    const ReplicaOptions& variant = options.variants[static_cast<std::size_t>(r)];
    own.memory.negatives = variant.negatives, own.memory.negative_weight = variant.negative_weight;
    own.memory.window = variant.window;
    OnlineLearner alone(*device, network_of(run), own);
    alone.parameters().load(*device, starts[r]);
    for (const ScheduledEvent& event : events) alone.handle(event.event);
    const std::vector<Tensor> end = tensors_of(alone.parameters());
    REQUIRE(end.size() == ends[r].size());
    for (std::size_t t = 0; t < end.size(); ++t) CHECK(ref::same_bits(end[t].data, ends[r][t].data));
    CHECK(!ref::same_bits(end[0].data, starts[r][0].data));
  }
}

TEST_CASE("noise that has no unit is refused") {
  const auto device = make_cpu_device(1);
  const Run run{.name = "noisy", .noise = 0.1};
  LearnerOptions options = options_of(run);
  options.margins = {{1, 3}, {0, 3}, {1, 3}};
  CHECK(says(message_of<InputError>([&] { OnlineLearner(*device, network_of(run), options); }),
             {"memory.noise", "positive margin", "above 0"}));
  options.memory.noise = 0;
  CHECK_NOTHROW(OnlineLearner(*device, network_of(run), options));
}
