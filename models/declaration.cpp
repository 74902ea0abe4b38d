#include "models/declaration.h"

#include "engine/error.h"
#include "models/rule.h"

namespace saccade {
namespace {

using enum Quantity;
using enum Operation;
using Quantities = std::vector<Quantity>;

/// What one part of a configuration says of itself.
struct Declaration {
  Quantities reads;
  std::vector<Operation> computes;
};

/// Whoever carries errors back reads the weights on their way, and the activity beside it (f' and the pools' winners).
Declaration of_rule(const std::string& name) {
  const Rule rule = make_rule(name);
  // Its autoencoders learn by Adam, whatever the optimiser of the others.
  if (rule.targets) return {{activity, inverse_weights}, {division, square_root}};
  Declaration d{{activity, rule.own_feedback ? feedback_signs : forward_signs}, {}};
  if (!rule.sign_only) d.reads.push_back(rule.own_feedback ? feedback_sizes : forward_sizes);
  return d;
}

Declaration of_loss(const std::string& name, bool block) {
  if (name == "hinge") {
    Declaration d{{embedding, anchor_embedding}, {}};
    if (!block) d.reads.push_back(anchor_activity);
    return d;
  }
  if (name == "simclr")
    return {{embedding, anchor_embedding, other_embeddings, anchor_activity},
            {normalisation, inner_product, exponential, division}};
  if (name == "supervised") return {{embedding, label}, {exponential, normalisation, division}};
  // Scores are inner products of a layer's outputs, which stand for embeddings; the predictions W learn by an Adam of
  // their own.
  if (name == "clapp") {
    Declaration d{{embedding, anchor_embedding, prediction_weights}, {inner_product, division, square_root}};
    if (!block) d.reads.push_back(anchor_activity);
    return d;
  }
  throw InputError("loss: no loss is called \"" + name + "\"; known are hinge, simclr, clapp and supervised");
}

Declaration of_optimiser(const std::string& name) {
  if (name == "sgd") return {};
  if (name == "adam") return {{moments}, {division, square_root}};
  throw InputError("optimiser: no optimiser is called \"" + name + "\"; known are sgd and adam");
}

Declaration of_activity(const std::string& name) {
  if (name == "hebb") return {};
  if (name == "covariance") return {{activity_average}, {}};
  throw InputError("activity: nothing is called \"" + name + "\"; known are hebb and covariance");
}

/// f(declaration, who says so) for every part. Where a loss lies on a layer's own output, and that layer alone learns,
/// no error passes a synapse: then the rule has nothing to carry.
template <class F>
void for_each_part(const LearningRule& r, F f) {
  const bool carries = r.loss != "clapp" || r.end_to_end;
  f(carries ? of_rule(r.rule) : Declaration{{activity}, {}}, "rule " + r.rule);
  f(of_loss(r.loss, r.block), "loss " + r.loss);
  f(of_optimiser(r.optimiser), "optimiser " + r.optimiser);
  f(of_activity(r.activity), "activity " + r.activity);
}

}  // namespace

std::string to_string(Quantity quantity) {
  switch (quantity) {
    case activity:
      return "activity of the arriving view";
    case activity_average:
      return "running average of pre-synaptic activity";
    case anchor_activity:
      return "activity of remembered views";
    case embedding:
      return "embedding of the arriving view";
    case anchor_embedding:
      return "embeddings of remembered views";
    case other_embeddings:
      return "embeddings of all views of the batch";
    case label:
      return "label";
    case forward_sizes:
      return "sizes of forward weights";
    case forward_signs:
      return "signs of forward weights";
    case feedback_sizes:
      return "sizes of feedback weights";
    case feedback_signs:
      return "signs of feedback weights";
    case inverse_weights:
      return "weights of the inverses that bring targets down";
    case prediction_weights:
      return "prediction weights between views";
    case moments:
      return "moments of past gradients";
    case other_layers:
      return "other layers";
  }
  throw InputError("unknown quantity");
}

std::string to_string(Operation operation) {
  switch (operation) {
    case inner_product:
      return "inner product";
    case normalisation:
      return "normalisation";
    case exponential:
      return "exponential";
    case division:
      return "division";
    case square_root:
      return "square root";
  }
  throw InputError("unknown operation");
}

std::vector<Reading> readings(const LearningRule& rule) {
  std::vector<Reading> all;
  for_each_part(rule, [&](const Declaration& d, const std::string& who) {
    for (const Quantity q : d.reads) all.push_back({q, who});
  });
  return all;
}

std::set<Quantity> quantities(const std::vector<Reading>& readings) {
  std::set<Quantity> all;
  for (const Reading& r : readings) all.insert(r.quantity);
  return all;
}

std::vector<Computing> operations(const LearningRule& rule) {
  std::vector<Computing> all;
  for_each_part(rule, [&](const Declaration& d, const std::string& who) {
    for (const Operation o : d.computes) all.push_back({o, who});
  });
  return all;
}

}  // namespace saccade
