#include "tools/audit/audit.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"
#include "models/activity.h"
#include "models/declaration.h"
#include "models/pair_step.h"
#include "tools/audit/remembered.h"
#include "tools/experiment/setup.h"

namespace saccade {
namespace {

using Verdict = Audit::Verdict;

class Auditor {
 public:
  Auditor(const Experiment& experiment, bool batches)
      : e_(experiment), batches_(batches), depth_(experiment.network.depth()) {
    rule_ = {experiment_word(e_, "loss"),      experiment_word(e_, "rule"),    chain(), e_.block,
             experiment_word(e_, "optimiser"), experiment_word(e_, "activity")};
    if (e_.rule == Experiment::Rule::dtp && !chain())
      throw InputError("rule = \"dtp\": target propagation learns end to end; expected schedule \"e2e\"");
    readings_ = readings(rule_);
  }

  Audit result() const {
    Audit a;
    a.batches = batches_;
    a.configuration = fmt::format("{}, loss {}{}, schedule {}, rule {}, optimiser {}", e_.network.name, rule_.loss,
                                  e_.loss == Experiment::Loss::hinge && e_.block ? ", blocked gradient" : "",
                                  experiment_word(e_, "schedule"), rule_.rule, rule_.optimiser);
    a.conditions = {presynaptic(), postsynaptic(), computed(), symmetry(), unsupervised(), locking()};
    for (const Reading& r : readings_) a.reads.push_back(read(r));
    a.kept = kept();
    a.needs = needs();
    return a;
  }

 private:
  bool chain() const { return e_.schedule == Experiment::Schedule::e2e; }
  bool clapp() const { return e_.loss == Experiment::Loss::clapp; }
  bool dtp() const { return e_.rule == Experiment::Rule::dtp; }
  bool in_batches() const { return batches_ && e_.batch > 1; }
  /// Who reads it; empty: nobody.
  std::string reader(Quantity quantity) const {
    for (const Reading& r : readings_)
      if (r.quantity == quantity) return r.reader;
    return {};
  }
  bool reads(Quantity quantity) const { return !reader(quantity).empty(); }
  std::optional<double> oldest() const { return batches_ ? std::nullopt : oldest_anchor(e_); }
  std::string age_of_anchors() const {
    if (batches_) return fmt::format("up to {} pairs, all of one batch", e_.batch - 1);
    const std::optional<double> age = oldest();
    return age ? fmt::format("at most {:.4g} s", *age) : "no bound: fixations may be of any length (memory.window)";
  }

  Audit::Condition presynaptic() const {
    Audit::Condition c{"presynaptic", "(i) pre-synaptic activity is current", Verdict::met, "", ""};
    const auto found = [&](Verdict verdict, const std::string& where, const std::string& why) {
      c.verdict = std::max(c.verdict, verdict);
      c.where += (c.where.empty() ? "" : "; ") + where;
      c.why += (c.why.empty() ? "" : "; ") + why;
    };
    if (reads(Quantity::anchor_activity))
      found(Verdict::not_met,
            reader(Quantity::anchor_activity) + (e_.loss == Experiment::Loss::simclr ? "" : ", block = false"),
            fmt::format("the gradient passes remembered views too, {}, whose pre-synaptic activity has to be kept",
                        age_of_anchors()));
    if (reads(Quantity::prediction_weights))
      found(Verdict::not_met, reader(Quantity::prediction_weights),
            "the prediction weights learn from the remembered view's activity, which is pre-synaptic to them");
    if (in_batches())
      found(Verdict::not_met, fmt::format("batch {}", e_.batch),
            fmt::format("a change adds up the products of {} pairs: that of the first waits for the last in every "
                        "synapse",
                        e_.batch));
    if (reads(Quantity::activity_average))
      found(Verdict::in_part, reader(Quantity::activity_average),
            fmt::format("reads the running average of pre-synaptic activity too, over {:g} views, a trace in the unit",
                        e_.average_views));
    if (c.where.empty())
      found(Verdict::met, "every layer", "a change is error times the activity of the arriving view");
    return c;
  }

  Audit::Condition postsynaptic() const {
    Audit::Condition c{"postsynaptic", "(i) post-synaptic activity is current or in short-term memory", Verdict::met,
                       reader(Quantity::anchor_embedding), ""};
    if (!reads(Quantity::anchor_embedding)) {
      c.where = reader(Quantity::embedding);
      c.why = "errors follow from the arriving view alone";
    } else if (reads(Quantity::other_embeddings) || (batches_ && e_.negatives == Experiment::all_negatives)) {
      c.verdict = Verdict::not_met;
      c.why = fmt::format("a view is compared with all {} views of its batch, those that come later too", 2 * e_.batch);
    } else if (batches_) {
      c.why = fmt::format("compared with the {} pairs before: a memory of so many anchors would do", e_.negatives);
    } else {
      c.why = fmt::format("embeddings of anchors, {}; {:.0f} floats", age_of_anchors(), anchor_floats(e_));
    }
    return c;
  }

  Audit::Condition computed() const {
    Audit::Condition c{"operations", "(ii) no normalisation, inner product or division", Verdict::met,
                       "loss " + rule_.loss + ", optimiser " + rule_.optimiser, "sums, thresholds and signs"};
    const std::vector<Computing> all = operations(rule_);
    if (all.empty()) return c;
    c.verdict = Verdict::not_met;
    std::vector<std::string> parts, whys;
    for (const Computing& o : all)
      if (parts.empty() || parts.back() != o.by)
        parts.push_back(o.by), whys.push_back(o.by + ": " + to_string(o.operation));
      else
        whys.back() += ", " + to_string(o.operation);
    c.where = fmt::format("{}", fmt::join(parts, ", "));
    c.why = fmt::format("{}", fmt::join(whys, "; "));
    if (dtp()) c.why += "; of rule dtp they are those of Adam, by which its inverses learn: targets are sums";
    return c;
  }

  /// What an error passes on its way down.
  std::string hops() const {
    if (clapp())
      return chain() && depth_ > 1 ? fmt::format("convolutions 1 to {}", depth_ - 1) : "none: a layer's own output";
    if (!chain()) return "the head of the layer that learns";
    return depth_ == 1 ? "the head" : fmt::format("the head and convolutions 1 to {}", depth_ - 1);
  }

  Audit::Condition symmetry() const {
    Audit::Condition c{"symmetry", "(iii) no symmetric connections", Verdict::met, "rule " + rule_.rule + ": " + hops(),
                       ""};
    if (clapp() && !e_.block) {
      c.verdict = Verdict::not_met;
      c.where = "loss clapp, block = false";
      c.why = "the prediction weights carry errors back to the context";
      if (reads(Quantity::forward_signs)) c.why += ", and forward weights carry them down (" + hops() + ")";
    } else if (reads(Quantity::forward_sizes)) {
      c.verdict = Verdict::not_met;
      c.why = "errors pass the transposed forward weights";
    } else if (reads(Quantity::forward_signs)) {
      c.verdict = Verdict::in_part;
      c.why = "errors pass weights with the signs of the forward weights";
    } else if (reads(Quantity::inverse_weights)) {
      c.why = "targets come down through functions with weights of their own";
    } else if (reads(Quantity::feedback_signs)) {
      c.why = make_rule(rule_.rule).feedback_learns
                  ? "feedback weights of their own; they receive the changes of the forward weights"
                  : "fixed random feedback weights";
    } else {
      c.why = "no error passes a synapse";
    }
    return c;
  }

  Audit::Condition unsupervised() const {
    if (reads(Quantity::label))
      return {"unsupervised", "(iv) mostly unsupervised", Verdict::not_met, reader(Quantity::label),
              "every change reads a label"};
    return {"unsupervised", "(iv) mostly unsupervised", Verdict::met, "loss " + rule_.loss,
            "no change reads a label; probes do, beside the learning"};
  }

  Audit::Condition locking() const {
    Audit::Condition c{"locking", "no locking: a layer does not wait for others", Verdict::met,
                       "schedule " + experiment_word(e_, "schedule"), ""};
    // A hop: through one bundle of synapses, up or down.
    const int top_hops = clapp() ? 0 : 2;
    const std::string batch =
        in_batches() ? fmt::format("; every change waits for the end of its batch of {} pairs", e_.batch) : "";
    if (chain()) {
      c.verdict = depth_ == 1 ? Verdict::met : Verdict::not_met;
      c.why = fmt::format("layer 0 waits {} hops, up to the top and down again, layer {} waits {}",
                          2 * (depth_ - 1) + top_hops, depth_ - 1, top_hops) +
              batch;
      return c;
    }
    const std::string own = clapp() ? "its error is at its own output" : "2 hops, through its own head and back";
    switch (e_.schedule) {
      case Experiment::Schedule::gll:
        c.verdict = depth_ == 1 ? Verdict::met : Verdict::in_part;
        c.why = fmt::format("{}; but layer {} begins when those below have ended, behind {} of {} of the run", own,
                            depth_ - 1, depth_ - 1, depth_);
        break;
      case Experiment::Schedule::pll:
        c.why = own + "; all layers learn at every event";
        break;
      default:
        c.why =
            fmt::format("{}; it learns at one {} in {}, drawn at random", own, batches_ ? "batch" : "event", depth_);
    }
    c.why += batch;
    return c;
  }

  Audit::Read read(const Reading& r) const {
    Audit::Read row{to_string(r.quantity), r.reader, "now", 0.0};
    switch (r.quantity) {
      case Quantity::anchor_activity:
      case Quantity::anchor_embedding:
        row.age = age_of_anchors(), row.seconds = oldest();
        break;
      case Quantity::other_embeddings:
        row.age = "the whole batch, later views too", row.seconds.reset();
        break;
      case Quantity::activity_average:
        row.age = fmt::format("an average over about {:g} views", e_.average_views), row.seconds.reset();
        break;
      case Quantity::moments:
        row.age = "averages over about 10 and 1000 steps", row.seconds.reset();
        break;
      case Quantity::activity:
      case Quantity::embedding:
      case Quantity::label:
        if (in_batches()) row.age = fmt::format("up to {} pairs", e_.batch - 1), row.seconds.reset();
        break;
      default:  // weights, as they are
        break;
    }
    return row;
  }

  bool has_head(int layer) const { return !chain() || layer == depth_ - 1; }
  /// Forward synapses that learn ...
  double weights() const {
    double sum = 0;
    for (int i = 0; i < depth_; ++i) {
      sum += static_cast<double>(e_.network.conv(i).weights());
      if (!clapp() && has_head(i)) sum += static_cast<double>(e_.network.head(i).weights());
    }
    return sum;
  }
  /// ... and those of them that an error passes.
  double passed_weights() const {
    double sum = 0;
    for (int i = 0; i < depth_; ++i) {
      if (chain() && i > 0) sum += static_cast<double>(e_.network.conv(i).weights());
      if (!clapp() && has_head(i)) sum += static_cast<double>(e_.network.head(i).weights());
    }
    return sum;
  }
  /// CLAPP's, from map to map of a layer, for each context.
  double prediction_weights() const {
    double sum = 0;
    for (int i = 0; i < depth_; ++i)
      if (has_head(i)) {
        const MapShape map = e_.network.map(i + 1);
        sum += static_cast<double>(HeadShape{{1, 1, map.channels, map.lanes, 0}, map.channels}.weights());
      }
    return sum * (learns_from_patches(e_) ? 5 : 1);
  }

  std::vector<Audit::Kept> kept() const {
    std::vector<Audit::Kept> all;
    const auto add = [&](const std::string& what, double floats) { all.push_back({what, floats}); };
    const auto batch = static_cast<double>(e_.batch);
    if (!batches_) {
      add(e_.block ? "short-term memory: embeddings of anchors"
                   : "short-term memory: embeddings and activity of anchors",
          anchor_floats(e_));
    } else if (!clapp()) {
      const bool both = e_.loss != Experiment::Loss::supervised;
      add("embeddings of the batch", (both ? 2 : 1) * batch * e_.network.head(0).lanes());
      if (!(e_.loss == Experiment::Loss::hinge && e_.block && !dtp()))
        add("activity of the batch", 2 * batch * activity_floats(e_.network));
    } else {
      add("activity of the batch", batch * (learns_from_patches(e_) ? 49 : 2) * activity_floats(learned_network(e_)));
    }
    if (in_batches()) add("sums of products, one a synapse", weights());
    if (reads(Quantity::feedback_signs)) add("feedback weights of their own", passed_weights());
    if (reads(Quantity::inverse_weights))
      add("inverses that bring targets down, with their moments", 3 * passed_weights());
    if (reads(Quantity::prediction_weights)) add("prediction weights, with their moments", 3 * prediction_weights());
    if (reads(Quantity::moments)) add("moments, two a synapse", 2 * weights());
    if (reads(Quantity::activity_average)) {
      double units = 0;
      for (int i = 0; i <= depth_; ++i) units += static_cast<double>(e_.network.map(i).size());
      add("running averages, one a unit", units);
    }
    return all;
  }

  std::vector<std::string> needs() const {
    std::vector<std::string> all;
    if (!batches_) all.push_back("a signal that the eye has moved (an efference copy); never which object it sees");
    if (e_.memory.trace != Experiment::Trace::window)
      all.push_back(fmt::format(
          "memory.trace = {}: {}", experiment_word(e_, "memory.trace"),
          e_.memory.trace_acts == Experiment::TraceActs::scale
              ? "what is read of an anchor is what is left of it; distances drift with its age"
              : "the strength of a trace gates the update, apart from what it holds: it has to be known beside it"));
    if (e_.memory.noise > 0)
      all.push_back(
          fmt::format("memory.noise = {:g}: what is read of an anchor is noisy, anew each time; nothing is asked "
                      "of a synapse for that",
                      e_.memory.noise));
    if (e_.error == Experiment::ErrorUnit::circuit)
      all.push_back("error = circuit: rectified excitatory and inhibitory units for each comparison (Appendix A)");
    if (std::any_of(e_.network.layers.begin(), e_.network.layers.end(),
                    [](const LayerSpec& l) { return l.sharing == Sharing::shared; }))
      all.push_back(
          "convolutions: all positions of a layer keep equal weights (kind = \"local\": weights of their own)");
    if (!batches_ && e_.rate.final != 1)
      all.push_back(fmt::format("rate.final = {:g}: all rates fall with a clock that knows the length of the run",
                                e_.rate.final));
    if (e_.schedule == Experiment::Schedule::pll)
      all.push_back("pll: every layer, its head and its errors are computed at every event");
    if (e_.schedule == Experiment::Schedule::gll)
      all.push_back("gll: a signal that tells each layer when its time comes");
    if (e_.schedule == Experiment::Schedule::rll)
      all.push_back("rll: a signal that lets one layer learn, drawn at random");
    if (make_rule(rule_.rule).feedback_learns && !clapp())
      all.push_back("rule " + rule_.rule + ": a synapse and its feedback synapse receive the same changes");
    if (dtp()) all.push_back("rule dtp: autoencoders of every layer learn beside it, by Adam");
    return all;
  }

  const Experiment& e_;
  bool batches_;
  int depth_;
  LearningRule rule_;
  std::vector<Reading> readings_;
};

}  // namespace

std::string to_string(Verdict verdict) {
  return verdict == Verdict::met ? "met" : verdict == Verdict::in_part ? "in part" : "not met";
}

Audit audit(const Experiment& experiment, bool batches) { return Auditor(experiment, batches).result(); }

}  // namespace saccade
