#include "tools/audit/audit.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "streams/fixation_stream.h"
#include "tests/models/runs.h"
#include "tools/audit/remembered.h"
#include "tools/experiment/setup.h"

namespace saccade {
namespace {

using Keys = std::vector<std::string>;

Experiment experiment(bool batches, const Keys& keys) {
  return parse_experiment("", "test", keys, batches ? Mode::batch : Mode::event);
}

/// One letter a condition, in their order: + met, ~ in part, - not met.
std::string verdicts(const Audit& audit) {
  std::string all;
  for (const Audit::Condition& c : audit.conditions)
    all += c.verdict == Audit::Verdict::met ? '+' : c.verdict == Audit::Verdict::in_part ? '~' : '-';
  return all;
}

const Audit::Condition& condition(const Audit& audit, const std::string& key) {
  return *std::find_if(audit.conditions.begin(), audit.conditions.end(),
                       [&](const Audit::Condition& c) { return c.key == key; });
}

double kept(const Audit& audit, const std::string& what) {
  for (const Audit::Kept& k : audit.kept)
    if (k.what.find(what) != std::string::npos) return k.floats;
  return 0;
}

bool says(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

struct Remembered {
  double age = 0, floats = 0;  ///< the oldest anchor that was compared with, in seconds; most held at a time
};

/// What a learner of this experiment's memory remembers over some events of its stream.
Remembered remembered(OnlineLearner& learner, const Experiment& e, const NetworkSpec& network, int events) {
  const ImageSet images = test::synthetic_images(network, 24);
  StreamOptions options;
  options.views = static_cast<int>(e.stream.views), options.dwell = e.stream.dwell;
  options.fixation_seconds = e.stream.duration(), options.seed = 3;
  const ViewKind kind = network.channels == 3 ? ViewKind::affine_hsv : ViewKind::affine;
  FixationStream stream(std::make_shared<DeformedImages>(images, kind, 3), options);
  Remembered most;
  for (int i = 0; i < events; ++i) {
    const ScheduledEvent event = *stream.next();
    learner.handle(event.event);
    most.floats = std::max(most.floats, learner.held_floats());
    if (!std::holds_alternative<View>(event.event)) continue;
    for (const UpdateRecord& update : learner.records())
      for (const auto& term : update.terms) most.age = std::max(most.age, static_cast<double>(term.age_us) * 1e-6);
  }
  return most;
}

}  // namespace

TEST_CASE("verdicts: pre-synaptic, post-synaptic, operations, symmetry, labels, locking") {
  struct Row {
    bool batches;
    Keys keys;
    const char* expected;
  };
  for (const auto& [batches, keys, expected] : std::vector<Row>{
           // Event mode: the method of the article and what departs from it.
           {false, {}, "+++-++"},
           {false, {"rule=rf"}, "++++++"},
           {false, {"rule=urf"}, "++++++"},
           {false, {"rule=sign"}, "++++++"},
           {false, {"rule=sign-forward"}, "+++~++"},
           {false, {"rule=rf", "schedule=e2e"}, "+++++-"},
           {false, {"rule=bp", "schedule=e2e"}, "+++-+-"},
           {false, {"rule=rf", "schedule=gll"}, "+++++~"},
           {false, {"rule=rf", "schedule=pll"}, "++++++"},
           {false, {"rule=rf", "schedule=e2e", "network.layers=[{channels=4}]"}, "++++++"},
           {false, {"rule=rf", "block=false"}, "-+++++"},
           {false, {"rule=rf", "optimiser=adam"}, "++-+++"},
           {false, {"rule=rf", "activity=covariance"}, "~+++++"},
           {false, {"rule=rf", "memory.mode=held"}, "++++++"},
           {false, {"rule=rf", "rate.final=0.1"}, "++++++"},
           // Batches.
           {true, {}, "-+--+-"},
           {true, {"rule=rf", "schedule=rll", "optimiser=sgd"}, "-+++++"},
           {true, {"rule=rf", "schedule=rll", "optimiser=sgd", "batch=1"}, "++++++"},
           {true, {"rule=rf", "schedule=rll", "optimiser=sgd", "negatives=all"}, "--++++"},
           {true, {"rule=rf", "schedule=rll", "optimiser=sgd", "loss=simclr"}, "---+++"},
           {true, {"rule=rf", "schedule=rll", "optimiser=sgd", "loss=supervised"}, "-+-+-+"},
           {true, {"rule=dtp", "optimiser=sgd"}, "-+-++-"},
           {true, {"loss=clapp", "schedule=rll", "optimiser=sgd"}, "-+-+++"},
           {true, {"loss=clapp", "schedule=rll", "optimiser=sgd", "block=false"}, "-+--++"},
           {true, {"loss=clapp", "schedule=e2e", "optimiser=sgd"}, "-+--+-"},
           {true, {"loss=clapp", "schedule=gll", "rule=rf", "optimiser=sgd", "batch=1", "negatives=0"}, "-+-++~"}}) {
    std::string name = batches ? "train" : "replay";
    for (const std::string& key : keys) name += " " + key;
    CAPTURE(name);
    const Audit found = audit(experiment(batches, keys), batches);
    CHECK(verdicts(found) == expected);
    for (const Audit::Condition& c : found.conditions) {
      CHECK(!c.where.empty());
      CHECK(!c.why.empty());
    }
    CHECK(!found.reads.empty());
  }
  CHECK_THROWS_AS(audit(experiment(true, {"rule=dtp", "schedule=rll"}), true), InputError);
}

TEST_CASE("what a verdict says: which part, how many hops, what it costs") {
  const Audit bp = audit(experiment(false, {"network=conv5", "data=cifar10", "schedule=e2e", "block=false"}), false);
  CHECK(says(condition(bp, "symmetry").where, "rule bp: the head and convolutions 1 to 4"));
  CHECK(says(condition(bp, "locking").why, "layer 0 waits 10 hops"));
  CHECK(says(condition(bp, "locking").why, "layer 4 waits 2"));
  CHECK(says(condition(bp, "presynaptic").where, "block = false"));
  CHECK(says(condition(bp, "presynaptic").why, "at most 1.35 s"));
  const Audit rll = audit(experiment(false, {"rule=rf", "rate.final=0.5"}), false);
  CHECK(says(condition(rll, "locking").why, "one event in 3, drawn at random"));
  CHECK(says(condition(rll, "symmetry").why, "fixed random"));
  CHECK(std::any_of(rll.needs.begin(), rll.needs.end(), [](const auto& n) { return says(n, "rate.final = 0.5"); }));
  const Audit traced =
      audit(experiment(false, {"memory.trace=exponential", "memory.trace_acts=gate", "error=circuit"}), false);
  CHECK(verdicts(traced) == "+++-++");  // Appendix A's circuit has no more than sums and thresholds
  for (const char* need : {"memory.trace = exponential: the strength of a trace gates", "error = circuit"})
    CHECK(std::any_of(traced.needs.begin(), traced.needs.end(), [&](const auto& n) { return says(n, need); }));
  const Audit gll = audit(experiment(false, {"schedule=gll"}), false);
  CHECK(says(condition(gll, "locking").why, "behind 2 of 3 of the run"));
  const Audit simclr = audit(experiment(true, {"loss=simclr", "batch=100"}), true);
  CHECK(says(condition(simclr, "operations").why, "loss simclr: normalisation, inner product, exponential, division"));
  CHECK(says(condition(simclr, "operations").why, "optimiser adam: division, square root"));
  CHECK(says(condition(simclr, "postsynaptic").why, "all 200 views"));
  CHECK(says(condition(simclr, "presynaptic").why, "batch of") == false);
  CHECK(says(condition(simclr, "presynaptic").why, "products of 100 pairs"));
  CHECK(says(condition(simclr, "locking").why, "batch of 100 pairs"));
  CHECK(kept(simclr, "activity of the batch") > 1e6);
  const Audit covariance = audit(experiment(false, {"schedule=pll", "activity=covariance"}), false);
  CHECK(kept(covariance, "running averages") > 0);
  CHECK(std::any_of(covariance.needs.begin(), covariance.needs.end(),
                    [](const auto& n) { return says(n, "every layer") && says(n, "at every event"); }));
  const Audit local =
      audit(experiment(false, {"network.layers=[{channels=4, kind=\"local\", activation=\"tanh\"}]"}), false);
  CHECK(std::none_of(local.needs.begin(), local.needs.end(), [](const auto& n) { return says(n, "equal weights"); }));
}

TEST_CASE("the floats that are kept are those of the learner, its optimiser and its feedback") {
  const auto device = make_cpu_device(1);
  for (const Keys& keys :
       {Keys{}, Keys{"schedule=e2e", "rule=rf"}, Keys{"block=false", "rule=urf"},
        Keys{"memory.mode=held", "schedule=e2e", "block=false"}, Keys{"memory.capacity=2"}, Keys{"memory.window=0.5"},
        Keys{"memory.window=0.1"}, Keys{"memory.window=0.9"}, Keys{"negatives=9", "optimiser=adam", "rule=sign"},
        Keys{"activity=covariance", "optimiser=adam", "schedule=e2e"}}) {
    const Experiment e = experiment(false, keys);
    const Audit found = audit(e, false);
    OnlineLearner learner(*device, e.network, learner_options(e));
    CHECK(kept(found, "short-term memory") == remembered(learner, e, e.network, 50).floats);
    double feedback = 0, moments = 0, averages = 0;
    const Parameters& parameters = learner.parameters();
    for (int i = 0; i < e.network.depth(); ++i)
      feedback += static_cast<double>(parameters.conv(i).feedback.size() + parameters.head(i).feedback.size());
    Checkpoint checkpoint;
    learner.save(checkpoint);
    for (const Tensor& t : checkpoint.tensors)
      if (t.name.starts_with("average.")) averages += static_cast<double>(t.data.size());
    for (int i = 0; e.optimiser == Experiment::Optimiser::adam && i < e.network.depth(); ++i)
      moments += 2 * static_cast<double>(parameters.conv(i).forward.size() + parameters.head(i).forward.size());
    CHECK(kept(found, "feedback weights") == feedback);
    CHECK(kept(found, "moments") == moments);
    CHECK(kept(found, "running averages") == averages);
  }
}

TEST_CASE("no anchor is ever older than the audit says, and some are as old") {
  const auto device = make_cpu_device(1);
  const test::Run tiny;
  for (const Keys& keys :
       {Keys{}, Keys{"negatives=0"}, Keys{"negatives=7", "stream.views=3"}, Keys{"memory.capacity=2"},
        Keys{"memory.window=0.5"}, Keys{"memory.window=100", "stream.frame_rate=4", "stream.views=5"},
        Keys{"memory.mode=held"}, Keys{"memory.mode=held", "negatives=0", "stream.views=4"},
        Keys{"memory.mode=held", "negatives=6", "memory.window=0.8"},
        Keys{"stream.dwell=uniform", "stream.views=3", "negatives=1"},
        Keys{"stream.dwell=geometric", "stream.views=3", "memory.window=0.7"}, Keys{"stream.dwell=geometric"}}) {
    std::string name;
    for (const std::string& key : keys) name += key + " ";
    CAPTURE(name);
    const Experiment e = experiment(false, keys);
    const std::optional<double> oldest = oldest_anchor(e);
    CHECK(oldest.has_value() == (e.stream.dwell != Dwell::geometric || e.memory.window < 10));
    LearnerOptions options = learner_options(e);
    options.rates = {std::vector<float>(3, 0.0f), std::vector<float>(3, 0.0f)};
    options.margins = {{}};
    OnlineLearner learner(*device, test::network_of(tiny), options);
    const auto [found, floats] = remembered(learner, e, test::network_of(tiny), 400);
    const double anchors = floats / (3 * test::network_of(tiny).head(0).lanes()),
                 expected = anchor_floats(e) / (e.network.depth() * e.network.head(0).lanes());
    CHECK(anchors <= expected);
    if (e.stream.dwell == Dwell::fixed) CHECK(anchors == expected);
    if (!oldest) continue;
    CHECK(found <= *oldest + 1e-6);  // ticks of a microsecond
    // Where the window ends it, the oldest is the last view within.
    const double between = e.stream.duration() / static_cast<double>(e.stream.views);
    CHECK(found > *oldest - (*oldest == e.memory.window ? between : 1e-5));
  }
}

TEST_CASE("the tables and the JSON say the same") {
  for (const bool batches : {false, true}) {
    const Audit found = audit(experiment(batches, {"schedule=e2e", "rule=rf"}), batches);
    const auto json = nlohmann::json::parse(audit_json(found));
    const std::string text = audit_text(found);
    CHECK(json["command"] == (batches ? "train" : "replay"));
    REQUIRE(json["conditions"].size() == 6);
    for (const auto& c : json["conditions"])
      for (const char* key : {"name", "verdict", "where", "why"}) CHECK(says(text, c[key].get<std::string>()));
    REQUIRE(json["reads"].size() == found.reads.size());
    for (const auto& r : json["reads"]) {
      CHECK(says(text, r["quantity"].get<std::string>()));
      if (!batches && r["age"] == "now") CHECK(r["seconds"] == 0);
    }
    for (const auto& k : json["kept"]) CHECK(says(text, std::to_string(k["floats"].get<long long>())));
    for (const auto& n : json["needs"]) CHECK(says(text, n.get<std::string>()));
  }
}

}  // namespace saccade
