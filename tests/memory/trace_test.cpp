#include "memory/trace.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "engine/error.h"
#include "memory/short_term_memory.h"
#include "tests/streams/files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

const std::vector<double> ages{0, 1e-6, 0.05, 0.15, 0.3, 0.45, 0.75, 1.35, 2, 3.7, 10, 100};

std::vector<TraceOptions> synapses(const std::string& name) {
  return {{.name = name},
          {.name = name, .burst = 4},
          {.name = name, .burst = 3, .burst_rate = 10},
          {.name = name, .facilitation_time = 0.6, .recovery_time = 0.5, .utilisation = 0.45, .burst = 2},
          {.name = name, .facilitation_time = 0.2, .recovery_time = 0.2, .utilisation = 0.05, .burst = 10}};
}

/// Facilitation and resources, both equations in steps of the classical Runge-Kutta scheme.
struct Synapse {
  TraceOptions o;
  double u = o.utilisation, x = 1;

  void spike() {
    u = u + o.utilisation * (1 - u);
    x = x - u * x;
  }
  void pass(double seconds) {
    const int steps = static_cast<int>(std::ceil(seconds / (std::min(o.facilitation_time, o.recovery_time) / 200)));
    for (int i = 0; i < steps; ++i) step(seconds / steps);
  }
  void step(double h) {
    const auto slope = [this](double of_u, double of_x) {
      return std::pair{(o.utilisation - of_u) / o.facilitation_time, (1 - of_x) / o.recovery_time};
    };
    const auto [u1, x1] = slope(u, x);
    const auto [u2, x2] = slope(u + h / 2 * u1, x + h / 2 * x1);
    const auto [u3, x3] = slope(u + h / 2 * u2, x + h / 2 * x2);
    const auto [u4, x4] = slope(u + h * u3, x + h * x3);
    u += h / 6 * (u1 + 2 * u2 + 2 * u3 + u4);
    x += h / 6 * (x1 + 2 * x2 + 2 * x3 + x4);
  }
  static Synapse loaded(const TraceOptions& o) {
    Synapse synapse{o};
    for (int i = 0; i < o.burst; ++i) {
      if (i > 0) synapse.pass(1 / o.burst_rate);
      synapse.spike();
    }
    return synapse;
  }
};

std::string refusal(const TraceOptions& options) {
  return message_of<InputError>([&] { make_trace(options); });
}

}  // namespace

TEST_CASE("the window trace keeps its strength at any age") {
  const auto trace = make_trace({});
  CHECK(trace->name() == "window");
  for (Time age : {Time{0}, Time{1}, Time{300'000}, std::numeric_limits<Time>::max()})
    CHECK(trace->strength(age) == 1.0f);
}

TEST_CASE("the exponential trace: 1 at age 0, half at tau ln 2, falling, never negative") {
  for (const double time : {0.02, 1.0, 7.5}) {
    const auto trace = make_trace({.name = "exponential", .time = time});
    CHECK(trace->name() == "exponential");
    CHECK(trace->strength(0) == 1.0f);
    // Half a tick in the age, and the rounding to float.
    const double near = 0.5e-6 / time + 1e-7;
    CHECK(static_cast<double>(trace->strength(to_ticks(time * std::log(2.0)))) == doctest::Approx(0.5).epsilon(near));
    float last = 1;
    for (double age : ages) {
      const float strength = trace->strength(to_ticks(age));
      CHECK(static_cast<double>(strength) == doctest::Approx(std::exp(-age / time)).epsilon(1e-7));
      CHECK(strength <= last);
      CHECK(strength >= 0);
      last = strength;
    }
    CHECK(trace->strength(std::numeric_limits<Time>::max()) == 0.0f);
  }
}

TEST_CASE("the synaptic trace follows the differential equations of facilitation and resources") {
  for (const TraceOptions& options : synapses("synaptic")) {
    CAPTURE(options.burst);
    const auto trace = make_trace(options);
    CHECK(trace->name() == "synaptic");
    CHECK(trace->strength(0) == 1.0f);
    Synapse synapse = Synapse::loaded(options);
    const double loaded = synapse.u * synapse.x;
    double now = 0;
    for (double age : ages) {
      CAPTURE(age);
      synapse.pass(age - now);
      now = age;
      // Runge-Kutta with 200 steps per time constant: (1/200)^4 a step; the result is a float.
      CHECK(static_cast<double>(trace->strength(to_ticks(age))) ==
            doctest::Approx(synapse.u * synapse.x / loaded).epsilon(2e-7));
    }
    // It ends as a synapse at rest.
    CHECK(static_cast<double>(trace->strength(std::numeric_limits<Time>::max())) ==
          doctest::Approx(options.utilisation / loaded).epsilon(1e-7));
  }
}

TEST_CASE("one spike of the article's synapse: rises while resources recover, then falls to rest") {
  const auto trace = make_trace({.name = "synaptic"});
  // u = 0.2 + 0.2 * 0.8, x = 1 - u just after the spike.
  const double loaded = 0.36 * 0.64;
  CHECK(static_cast<double>(trace->strength(to_ticks(0.4))) == doctest::Approx(1.3317).epsilon(1e-4));
  CHECK(static_cast<double>(trace->strength(to_ticks(1000))) == doctest::Approx(0.2 / loaded).epsilon(1e-6));
  for (int i = 0; i < 38; ++i) CHECK(trace->strength(to_ticks(0.01 * i)) < trace->strength(to_ticks(0.01 * (i + 1))));
  for (int i = 42; i < 500; ++i) CHECK(trace->strength(to_ticks(0.01 * i)) > trace->strength(to_ticks(0.01 * (i + 1))));
}

TEST_CASE("synaptic-peak is synaptic in units of its largest strength") {
  for (const TraceOptions& options : synapses("synaptic-peak")) {
    CAPTURE(options.burst);
    const auto peak = make_trace(options);
    CHECK(peak->name() == "synaptic-peak");
    TraceOptions of_loaded = options;
    of_loaded.name = "synaptic";
    const auto loaded = make_trace(of_loaded);
    float largest = 0;
    for (Time age = 0; age < to_ticks(5); age += 500) largest = std::max(largest, loaded->strength(age));
    float most = 0;
    for (Time age = 0; age < to_ticks(5); age += 500) {
      const float strength = peak->strength(age);
      REQUIRE(static_cast<double>(strength) ==
              doctest::Approx(static_cast<double>(loaded->strength(age) / largest)).epsilon(1e-5));
      REQUIRE(strength <= 1);
      most = std::max(most, strength);
    }
    CHECK(most > 0.99999f);
  }
}

TEST_CASE("traces that cannot be are refused by name") {
  CHECK(says(refusal({.name = "windw"}), {"memory.trace", "windw", "window", "exponential", "synaptic-peak"}));
  for (double wrong : {0.0, -1.0, 1e300, std::nan("")}) {
    CAPTURE(wrong);
    CHECK(says(refusal({.name = "exponential", .time = wrong}), {"memory.trace_time"}));
    CHECK(says(refusal({.name = "synaptic", .facilitation_time = wrong}), {"memory.facilitation_time"}));
    CHECK(says(refusal({.name = "synaptic", .recovery_time = wrong}), {"memory.recovery_time"}));
    CHECK(says(refusal({.name = "synaptic", .utilisation = wrong}), {"memory.utilisation"}));
    CHECK(says(refusal({.name = "synaptic", .burst_rate = wrong}), {"memory.burst_rate"}));
  }
  for (int burst : {0, -3, 1001})
    CHECK(says(refusal({.name = "synaptic", .burst = burst}), {"memory.burst", "spikes"}));
  CHECK(says(refusal({.name = "synaptic", .utilisation = 1}), {"leaves no resources", "memory.burst"}));
  CHECK(says(refusal({.name = "synaptic", .recovery_time = 100, .utilisation = 0.9, .burst = 20}),
             {"leaves no resources", "memory.burst = 20"}));
  CHECK(says(refusal({.name = "synaptic-peak", .recovery_time = 1.6}), {"synaptic-peak", "1.6 s", "1.5 s"}));
  CHECK(refusal({.name = "synaptic", .recovery_time = 1.6}).empty());
  CHECK(refusal({.name = "synaptic", .burst = 1000}).empty());
}

TEST_CASE("the strength at an anchor's age scales its embedding or gates its error, whatever the memory") {
  for (const std::string mode : {"sliding", "held"})
    for (const std::string acts : {"scale", "gate"})
      for (const std::string name : {"window", "exponential", "synaptic"}) {
        MemoryOptions options;
        options.mode = mode;
        options.negatives = 3;
        options.trace = {.name = name, .time = 0.7};
        options.trace_acts = acts;
        const auto memory = make_memory(options);
        const auto trace = make_trace(options.trace);
        int compared = 0;
        for (int i = 0; i < 20; ++i) {
          for (const Comparison& c : memory->view(i * 110'000, i).comparisons) {
            const float strength = trace->strength(c.age);
            CHECK(c.age == (i - c.mark) * 110'000);
            CHECK(c.scale == (acts == "scale" ? strength : 1.0f));
            CHECK(c.gate == (acts == "gate" ? strength : 1.0f));
            CHECK(c.weight == (c.positive ? 1.0f : options.negative_weight));
            ++compared;
          }
          if (i % 2 == 1) memory->saccade();
        }
        CHECK(compared > 5);
      }
}
