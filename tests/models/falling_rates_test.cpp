#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "engine/error.h"
#include "tests/models/runs.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// Keeps what it is told about rates.
class Told final : public Optimiser {
 public:
  std::string name() const override { return "none"; }
  void gather(int, const ConvFactors&, bool) override {}
  void gather(int, const HeadFactors&, bool) override {}
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void scale_rates(float factor) override { factors.push_back(factor); }

  std::vector<float> factors;
};

std::vector<float> factors_of(double final_rate, std::uint64_t views) {
  const auto device = make_cpu_device(1);
  Run run{.name = "falling", .views = views};
  LearnerOptions options = options_of(run);
  options.final_rate = final_rate;
  Told told;
  OnlineLearner learner(*device, network_of(run), options, told);
  for (const ScheduledEvent& event : events_of(run)) learner.handle(event.event);
  return told.factors;
}

}  // namespace

TEST_CASE("rates fall linearly over the run, in a hundred steps") {
  CHECK(factors_of(1, 300).empty());
  const std::vector<float> factors = factors_of(0.2, 300);
  REQUIRE(factors.size() == 100);
  for (std::size_t i = 0; i < factors.size(); ++i)
    CHECK(std::abs(static_cast<double>(factors[i]) - (1 - 0.8 * (static_cast<double>(i) + 0.5) / 100)) < 1e-7);
  CHECK(factors_of(0, 30).size() == 30);  // shorter than a hundred views: at every view
}

TEST_CASE("falling rates: SGD moves synapses by as much less") {
  const auto device = make_cpu_device(1);
  std::vector<std::vector<Tensor>> ends;
  std::vector<Tensor> start;
  for (const double final_rate : {1.0, 0.0}) {
    Run run{.name = "two views", .views = 2, .final_rate = final_rate};  // one update, in the last half of the run
    LearnerOptions options = options_of(run);
    options.margins = {{0.0f, 1e9f}};
    OnlineLearner learner(*device, network_of(run), options);
    start = tensors_of(learner.parameters());
    for (const ScheduledEvent& event : events_of(run)) learner.handle(event.event);
    ends.push_back(tensors_of(learner.parameters()));
  }
  double whole = 0, less = 0;
  for (std::size_t i = 0; i < start.size(); ++i)
    for (std::size_t k = 0; k < start[i].data.size(); ++k) {
      const double from = static_cast<double>(start[i].data[k]);
      whole += std::pow(static_cast<double>(ends[0][i].data[k]) - from, 2);
      less += std::pow(static_cast<double>(ends[1][i].data[k]) - from, 2);
    }
  CHECK(whole > 0);
  CHECK(std::sqrt(less / whole) == doctest::Approx(1 - 0.505).epsilon(1e-3));  // step 50 of 100
}

TEST_CASE("rates that fall need the run's length and an end from 0 to 1") {
  const auto device = make_cpu_device(1);
  for (const auto& [final_rate, events] :
       {std::pair{0.5, std::uint64_t{0}}, {-0.1, std::uint64_t{9}}, {1.1, std::uint64_t{9}}}) {
    LearnerOptions options = options_of({});
    options.final_rate = final_rate, options.events = events;
    CHECK_THROWS_AS(OnlineLearner(*device, network_of({}), options), InputError);
  }
}
