#include "models/error_circuit.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include "engine/error.h"
#include "tests/models/runs.h"
#include "tests/reference/losses.h"
#include "tests/streams/files.h"

using namespace saccade;
using namespace saccade::test;

namespace {

using Thresholds = ErrorCircuit::Thresholds;

struct Pair {
  std::vector<float> remembered, current;
};

/// Embeddings near each other, a third of their elements equal.
Pair random_pair(ref::Draw& draw, int units) {
  Pair pair;
  for (int i = 0; i < units; ++i) {
    pair.remembered.push_back(static_cast<float>(draw.uniform(-1, 1)));
    pair.current.push_back(i % 3 == 1 ? pair.remembered.back() : static_cast<float>(draw.uniform(-1, 1)));
  }
  return pair;
}

/// Appendix A in time, in double precision: every unit's rate follows its input, tau dr/dt = -r + [input]_+, from
/// silence until nothing moves. u^I and v^I are not rectified: they stand for departures from a resting rate.
struct Dynamics {
  double sum = 0, fires = 0;
  std::vector<double> error;
};
Dynamics settle(const Pair& pair, bool positive, double m1, double m2) {
  const std::size_t units = pair.current.size();
  std::vector<double> u(units), v(units), plus(units), minus(units);
  double sum = 0, above = 0, below = 0;
  constexpr double step = 0.1;  // of tau
  const auto follow = [](double& rate, double input) { rate += step * (input - rate); };
  const auto rectified = [](double x) { return std::max(x, 0.0); };
  for (int i = 0; i < 1500; ++i) {
    double total = 0;
    for (std::size_t k = 0; k < units; ++k) total += plus[k] + minus[k];
    follow(above, rectified(sum - m1));
    follow(below, rectified(m2 - sum));
    follow(sum, total);
    for (std::size_t k = 0; k < units; ++k) {
      const double a = pair.remembered[k], b = pair.current[k];
      follow(plus[k], rectified(a - u[k]));
      follow(minus[k], rectified(b - v[k]));
      follow(u[k], b);
      follow(v[k], a);
    }
  }
  Dynamics end{sum, positive ? above : below, {}};
  for (std::size_t k = 0; k < units; ++k) {
    constexpr double silent = 1e-12;  // what is left of rates that decay
    const double sign = (plus[k] > silent) - (minus[k] > silent);
    end.error.push_back(end.fires <= silent ? 0 : positive ? -sign : sign);
  }
  return end;
}

std::string refusal(const LearnerOptions& options) {
  return message_of<InputError>([&] { OnlineLearner(*ref::cpu_device("portable", 1), network_of({}), options); });
}

}  // namespace

TEST_CASE("the circuit at rest is eqs. 5 and 6: a reference in double, and the circuit's own dynamics") {
  ref::Draw draw(7);
  ErrorCircuit circuit({}, 3, 1);
  int active[2] = {0, 0}, inactive[2] = {0, 0}, ties = 0;
  for (const int units : {1, 5, 20, 64})
    for (const bool positive : {true, false})
      for (int round = 0; round < 12; ++round) {
        CAPTURE(units);
        CAPTURE(positive);
        const Pair pair = random_pair(draw, units);
        ref::Matrix a(1, units), b(1, units);
        a.v.assign(pair.remembered.begin(), pair.remembered.end());
        b.v.assign(pair.current.begin(), pair.current.end());
        const HingeTerm term{0, 0, positive, positive ? 1.0f : 0.25f, 1};
        const double distance = ref::contrastive_hinge(a, b, {{term}}, 0, 0, true).distances[0];
        // Half of the thresholds above the distance, half below.
        const auto margin = static_cast<float>(distance * (round % 2 == 0 ? 0.8 : 1.25));
        const ref::HingeOut want = ref::contrastive_hinge(a, b, {{term}}, margin, margin, true);
        std::vector<float> error(static_cast<std::size_t>(units), 0.0f);
        const HingeResult got =
            circuit.respond(term, {margin, margin}, pair.remembered, pair.current, {9, 1, round}, error);
        const Dynamics dynamics = settle(pair, positive, margin, margin);
        CHECK(got.active == want.active[0]);
        CHECK(static_cast<double>(got.distance) == doctest::Approx(distance).epsilon(1e-6));
        CHECK(static_cast<double>(got.loss) == doctest::Approx(want.losses[0]).epsilon(1e-5));
        CHECK(dynamics.sum == doctest::Approx(distance).epsilon(1e-9));
        CHECK(static_cast<double>(term.weight) * dynamics.fires == doctest::Approx(want.losses[0]).epsilon(1e-9));
        for (int i = 0; i < units; ++i) {
          CHECK(static_cast<double>(error[static_cast<std::size_t>(i)]) == want.view_error.at(0, i));
          CHECK(static_cast<double>(term.weight) * dynamics.error[static_cast<std::size_t>(i)] ==
                want.view_error.at(0, i));
          ties += got.active && a.at(0, i) == b.at(0, i);
        }
        ++(got.active != 0 ? active : inactive)[positive];
      }
  for (const bool positive : {true, false}) {
    CHECK(active[positive] >= 20);
    CHECK(inactive[positive] >= 20);
  }
  CHECK(ties > 100);
}

TEST_CASE("the circuit without noise has the bits of the device's hinge, through a whole run") {
  int number = 0;
  for (const std::string schedule : {"rll", "e2e", "gll", "pll"})
    for (const std::string memory : {"sliding", "held"}) {
      CAPTURE(schedule);
      CAPTURE(memory);
      Run run{.name = "circuit", .schedule = schedule, .memory = memory, .views_per_fixation = 3, .views = 90};
      run.optimiser = number++ % 3 == 2 ? "adam" : "sgd";
      LearnerOptions options = options_of(run);
      options.memory.trace = {.name = "exponential", .time = 2};
      options.memory.trace_acts = number % 2 == 0 ? "scale" : "gate";
      options.memory.noise = number % 3 == 0 ? 0.3 : 0;
      options.circuit = {};
      options.replicas = 1 + number % 2;
      std::vector<Tensor> ends[2];
      std::vector<HingeResult> terms[2];
      for (const bool circuit : {false, true}) {
        options.error = circuit ? "circuit" : "hinge";
        const auto device = make_cpu_device(1);
        OnlineLearner learner(*device, network_of(run), options);
        for (const ScheduledEvent& event : events_of(run)) {
          learner.handle(event.event);
          if (!std::holds_alternative<View>(event.event)) continue;
          for (const UpdateTerm& term : learner.last().terms)
            terms[circuit].push_back({term.distance, term.loss, term.active});
        }
        for (int r = 0; r < options.replicas; ++r) learner.parameters().save(ends[circuit], r);
        CHECK(learner.updates() > 5);
      }
      REQUIRE(terms[0].size() == terms[1].size());
      for (std::size_t i = 0; i < terms[0].size(); ++i) {
        REQUIRE(ref::same_bits(std::vector{terms[0][i].distance, terms[0][i].loss},
                               std::vector{terms[1][i].distance, terms[1][i].loss}));
        REQUIRE(terms[0][i].active == terms[1][i].active);
      }
      for (std::size_t t = 0; t < ends[0].size(); ++t) CHECK(ref::same_bits(ends[0][t].data, ends[1][t].data));
    }
}

TEST_CASE("the circuit hides no number that is none: as the device's hinge, unit by unit") {
  constexpr std::size_t units = 20, lanes = 32;
  for (const std::string isa : {"avx512", "avx2", "portable"})
    for (const float odd : {NAN, INFINITY, -INFINITY, 1e38f, 0.0f, -0.0f})
      for (const bool remembered : {true, false})
        for (const bool positive : {true, false}) {
          Device* const device = ref::cpu_device(isa, 1);
          if (device == nullptr) continue;
          CAPTURE(isa);
          CAPTURE(odd);
          std::vector<float> a(lanes, 0.0f), b(lanes, 0.0f);
          for (std::size_t i = 0; i < units; ++i) a[i] = 0.1f * static_cast<float>(i % 3), b[i] = 0.2f;
          (remembered ? a : b)[3] = odd;
          std::vector<float> errors[2];
          HingeResult results[2];
          for (const bool circuit : {false, true}) {
            const DeviceBuffer<float> anchor(*device, lanes), view(*device, lanes), error(*device, lanes);
            const DeviceBuffer<std::int32_t> active(*device, 1);
            const DeviceBuffer<HingeResult> result(*device, 1);
            anchor.write(a), view.write(b);
            const std::vector<HingeTerm> terms{{0, 0, positive, 0.3f, 1}};
            ContrastiveHinge op;
            op.embedding = units;
            op.anchors = op.views = 1;
            op.terms = terms;
            op.anchor_embedding = anchor.strided(), op.view_embedding = view.strided();
            op.view_error = error.strided(), op.view_active = active.strided();
            op.results = result.shared();
            if (circuit) {
              ErrorCircuit unit({}, 1, 1);
              unit.compare(*device, op, 5, 0);
              op.anchor_error = error.strided(), op.anchor_active = active.strided();
              CHECK_THROWS_AS(unit.compare(*device, op, 5, 0), std::invalid_argument);
            } else
              device->contrastive_hinge(op);
            errors[circuit] = error.read();
            results[circuit] = result.read()[0];
            CHECK(active.read()[0] == results[circuit].active);
          }
          CHECK(ref::same_bits(errors[0], errors[1]));
          CHECK(results[0].active == results[1].active);
          CHECK(std::isnan(results[0].loss) == std::isnan(odd));
          if (std::isnan(odd))
            CHECK(std::isnan(results[1].loss));
          else
            CHECK((results[0].loss == results[1].loss && results[0].distance == results[1].distance));
        }
}

TEST_CASE("thresholds of circuits are off by what is asked, each for good") {
  const Thresholds nominal{2, 5};
  constexpr double deviation = 0.1;
  ErrorCircuit circuit({0, deviation}, 4, 3);
  double sum = 0, square = 0, product = 0;
  int count = 0;
  for (int layer = 0; layer < 4; ++layer)
    for (int place = 0; place < 500; ++place, ++count) {
      const Thresholds real = circuit.thresholds(nominal, layer, place);
      const double positive = static_cast<double>(real.positive) / 2 - 1,
                   negative = static_cast<double>(real.negative) / 5 - 1;
      sum += positive + negative, square += positive * positive + negative * negative, product += positive * negative;
    }
  // 4000 draws: standard errors of mean and deviation are 1/63 and 1/89 of the deviation.
  CHECK(std::fabs(sum / (2 * count)) < 5 * deviation / 63);
  CHECK(std::sqrt(square / (2 * count)) == doctest::Approx(deviation).epsilon(5.0 / 89));
  CHECK(std::fabs(product / count) < 5 * deviation * deviation / 44);  // the two of a circuit are independent
  // What responds is that threshold: a distance between the nominal and the real one.
  int changed = 0;
  for (int place = 0; place < 50; ++place) {
    const float real = circuit.thresholds(nominal, 0, place).positive, distance = (real + nominal.positive) / 2;
    const std::vector<float> remembered{distance}, current{0};
    std::vector<float> error{0};
    const HingeResult result = circuit.respond({0, 0, true, 1, 1}, nominal, remembered, current, {77, 0, place}, error);
    CHECK(result.active == (real < distance));
    CHECK(error[0] == (real < distance ? -1.0f : 0.0f));
    changed += (real < distance) != (nominal.positive < distance);
  }
  CHECK(changed == 50);
  // However large the error, a threshold is no negative rate.
  for (int place = 0; place < 100; ++place)
    CHECK(ErrorCircuit({0, 3}, 1, 3).thresholds(nominal, 0, place).negative >= 0);
}

TEST_CASE("noise of the circuit's units: as large as asked, other numbers at each event, layer and place") {
  // Equal embeddings: x^{D,+} = [n_plus - n_u]_+, and S sums two such differences per unit. The mean of [x]_+ is
  // deviation / sqrt(2 pi), that of the difference of two is sqrt(2) as large.
  constexpr int units = 64, rounds = 200;
  const Thresholds margins{3.2f, 100};
  ErrorCircuit circuit({0.5, 0}, 2, 4);
  const double deviation = 0.5 * 3.2 / units;
  const std::vector<float> same(units, 0.3f);
  std::map<float, int> sums;
  double mean = 0;
  for (int round = 0; round < rounds; ++round) {
    std::vector<float> error(units, 0.0f), again = error;
    const ErrorCircuit::Site site{static_cast<std::uint64_t>(round / 4), round % 2, round / 2 % 2};
    const HingeTerm negative{0, 0, false, 1, 1};
    const HingeResult result = circuit.respond(negative, margins, same, same, site, error);
    CHECK(circuit.respond(negative, margins, same, same, site, again).distance == result.distance);
    CHECK(error == again);
    mean += static_cast<double>(result.distance) / rounds;
    ++sums[result.distance];
    for (float e : error) CHECK((e == 0 || e == 1 || e == -1));
  }
  CHECK(mean == doctest::Approx(2 * units * std::sqrt(2.0) * deviation / std::sqrt(2 * 3.14159265)).epsilon(0.02));
  CHECK(sums.size() == rounds);
}

TEST_CASE("a noisy circuit: the same seed gives the same bits for any number of threads and from a checkpoint") {
  const Run run{.name = "noisy", .schedule = "pll", .views_per_fixation = 3, .views = 80};
  LearnerOptions options = options_of(run);
  options.error = "circuit";
  options.circuit = {0.2, 0.1};
  const std::vector<ScheduledEvent> events = events_of(run);
  std::map<std::string, int> found;
  for (const int threads : {1, 2, 5}) {
    const auto device = make_cpu_device(threads);
    OnlineLearner whole(*device, network_of(run), options);
    Checkpoint half;
    for (std::size_t i = 0; i < events.size(); ++i) {
      if (i == events.size() / 2) whole.save(half);
      whole.handle(events[i].event);
    }
    OnlineLearner resumed(*device, network_of(run), options);
    resumed.load(half);
    for (std::size_t i = events.size() / 2; i < events.size(); ++i) resumed.handle(events[i].event);
    ++found[fingerprint_of(whole)], ++found[fingerprint_of(resumed)];
  }
  CHECK(found.size() == 1);
  // Each kind of noise matters, and so does the seed.
  for (const CircuitOptions& other : {CircuitOptions{}, CircuitOptions{0.2, 0}, CircuitOptions{0, 0.1}}) {
    options.circuit = other;
    const auto device = make_cpu_device(1);
    OnlineLearner learner(*device, network_of(run), options);
    for (const ScheduledEvent& event : events) learner.handle(event.event);
    ++found[fingerprint_of(learner)];
  }
  CHECK(found.size() == 4);
}

TEST_CASE("error units that cannot be are refused by name") {
  LearnerOptions options = options_of({});
  CHECK(refusal(options).empty());
  options.error = "hing";
  CHECK(says(refusal(options), {"error", "hing", "hinge and circuit"}));
  options.error = "circuit";
  CHECK(refusal(options).empty());
  options.block = false;
  CHECK(says(refusal(options), {"error = \"circuit\"", "block = true"}));
  options.block = true;
  for (const double wrong : {-0.1, std::nan(""), HUGE_VAL}) {
    options.circuit = {wrong, 0};
    CHECK(says(refusal(options), {"circuit.noise"}));
    options.circuit = {0, wrong};
    CHECK(says(refusal(options), {"circuit.threshold_error"}));
  }
  options.circuit = {0.1, 0};
  options.margins = {{0, 1}};
  CHECK(says(refusal(options), {"circuit.noise", "positive margin"}));
}
