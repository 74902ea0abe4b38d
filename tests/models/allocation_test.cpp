#include <doctest/doctest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "models/batch_learner.h"
#include "tests/models/runs.h"

using namespace saccade;
using namespace saccade::test;

// A learner in its stride asks for no memory: all that an event needs is there after the first few. The binary's own
// operator new counts.
namespace {

std::atomic<std::uint64_t> allocations{0};

void* counted_or_null(std::size_t bytes) noexcept {
  ++allocations;
  return std::malloc(bytes > 0 ? bytes : 1);
}
void* counted(std::size_t bytes) {
  if (void* memory = counted_or_null(bytes)) return memory;
  throw std::bad_alloc();
}

/// Allocations of `learner` in the second half of the events.
std::uint64_t allocations_of(OnlineLearner& learner, const std::vector<ScheduledEvent>& events) {
  std::size_t i = 0;
  for (; i < events.size() / 2; ++i) learner.handle(events[i].event);
  const std::uint64_t before = allocations;
  for (; i < events.size(); ++i) learner.handle(events[i].event);
  return allocations - before;
}

/// Allocations of a batch learner in steps 12 to 15: by then each layer of rll was drawn once.
std::uint64_t allocations_of_batches(Device& device, const NetworkSpec& net, const BatchOptions& options) {
  BatchLearner learner(device, net, options);
  const auto views = [&](std::uint64_t seed) { return gratings(net, seed, 0); };
  std::vector<float> a, b;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < options.pairs; ++i) {
    for (const auto& [pixels, offset] : {std::pair{&a, 0u}, std::pair{&b, 100u}}) {
      const std::vector<float> view = views(static_cast<std::uint64_t>(i) + offset);
      pixels->insert(pixels->end(), view.begin(), view.end());
    }
    labels.push_back(i % net.embedding);
  }
  for (int step = 0; step < 12; ++step) learner.step(a, b, labels);
  const std::uint64_t before = allocations;
  for (int step = 0; step < 4; ++step) learner.step(a, b, labels);
  return allocations - before;
}

/// Allocates once an event, as a careless optimiser would.
class Careless final : public Optimiser {
 public:
  std::string name() const override { return "careless"; }
  void gather(int, const ConvFactors&, bool) override {}
  void gather(int, const HeadFactors& factors, bool) override {
    errors_ = std::vector<float>(static_cast<std::size_t>(factors.shape.embedding), 1.0f);
  }
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}

 private:
  std::vector<float> errors_;
};

}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted_or_null(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted_or_null(bytes); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

TEST_CASE("a learner in its stride allocates nothing") {
  for (int threads : {1, 2}) {
    const auto device = make_cpu_device(threads);
    for (const std::string schedule : {"rll", "gll", "e2e"})
      for (const std::string memory : {"sliding", "held"})
        for (bool block : {true, false})
          for (Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
            const Run run{.name = "stride",
                          .network = "conv3",
                          .schedule = schedule,
                          .memory = memory,
                          .block = block,
                          .views_per_fixation = 3,
                          .views = 120,
                          .arithmetic = arithmetic};
            CAPTURE(threads);
            CAPTURE(schedule);
            CAPTURE(memory);
            CAPTURE(block);
            CAPTURE(std::string(to_string(arithmetic)));
            OnlineLearner learner(*device, network_of(run), options_of(run));
            CHECK(allocations_of(learner, events_of(run)) == 0);
            CHECK(learner.updates() > 0);
          }
  }
}

TEST_CASE("traces, noise and circuits allocate nothing in their stride") {
  const auto device = make_cpu_device(2);
  for (const std::string error : {"hinge", "circuit"}) {
    const Run run{.name = "noisy", .schedule = "pll", .views = 120, .trace = "synaptic", .noise = 0.3, .error = error};
    OnlineLearner learner(*device, network_of(run), options_of(run));
    CHECK(allocations_of(learner, events_of(run)) == 0);
    CHECK(learner.updates() > 0);
  }
}

TEST_CASE("a batch learner in its stride allocates nothing") {
  struct Way {
    std::string loss, schedule, rule, optimiser;
    bool block;
    int negatives;
  };
  // Small, for sanitizers, but as layers of conv3 are: an image below, and maps that fast arithmetic has its own way
  // with.
  constexpr Activation tanh = Activation::tanh;
  constexpr Downsample pool = Downsample::max_pool;
  const NetworkSpec net{"small", 1, 12, 12, {{32, pool, tanh}, {64, pool, tanh}, {64, pool, tanh}}, 32};
  constexpr int all = PairStepOptions::all_others;
  const std::vector<Way> ways = {
      {"hinge", "e2e", "bp", "adam", true, 2},   {"hinge", "rll", "bp", "adam", true, 2},
      {"hinge", "gll", "urf", "sgd", true, 2},   {"hinge", "e2e", "rf", "adam", false, all},
      {"simclr", "e2e", "bp", "adam", false, 2}, {"supervised", "e2e", "bp", "adam", true, 2},
      {"hinge", "e2e", "dtp", "adam", true, 2},  {"clapp", "e2e", "bp", "adam", true, 1},
      {"clapp", "gll", "bp", "adam", true, 1},
  };
  for (int threads : {1, 2}) {
    const auto device = make_cpu_device(threads);
    for (const Way& way : ways)
      for (Arithmetic arithmetic : {Arithmetic::exact, Arithmetic::fast}) {
        CAPTURE(threads);
        CAPTURE(way.loss);
        CAPTURE(way.schedule);
        CAPTURE(way.rule);
        CAPTURE(std::string(to_string(arithmetic)));
        BatchOptions options;
        options.pairs = 70;  // two groups of the blocked hinge
        options.steps = 60;  // 20 a layer in gll
        options.schedule = way.schedule;
        options.rule = way.rule;
        options.optimiser = way.optimiser;
        options.arithmetic = arithmetic;
        options.step.loss = way.loss;
        options.step.block = way.block;
        options.step.negatives = way.negatives;
        options.margins = {{0.2f, 3}};
        options.rates = {std::vector<float>(net.layers.size(), 1e-4f), std::vector<float>(net.layers.size(), 1e-4f)};
        CHECK(allocations_of_batches(*device, net, options) == 0);
      }
  }
}

TEST_CASE("the count of allocations sees an optimiser that allocates") {
  const auto device = make_cpu_device(1);
  const Run run;
  Careless optimiser;
  OnlineLearner learner(*device, network_of(run), options_of(run), optimiser);
  CHECK(allocations_of(learner, events_of(run)) >= 20);
}
