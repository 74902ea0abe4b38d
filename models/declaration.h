#pragma once
#include <set>
#include <string>
#include <vector>

namespace saccade {

/// Quantities that the change of a layer's synapses can depend on, while one view (or batch) teaches it. Activity and
/// weights are those of the layers that the error passes on its way to the synapses.
enum class Quantity {
  activity,            ///< of the arriving view: pre- and post-synaptic
  activity_average,    ///< of the pre-synaptic units, over the views so far
  anchor_activity,     ///< of the views that it is compared with
  embedding,           ///< of the arriving view, at the top; clapp: the layer's output there
  anchor_embedding,    ///< of the views that it is compared with
  other_embeddings,    ///< of views of the batch that it is not compared with
  label,               ///< of the object
  forward_sizes,       ///< of the synapses that the error passes downwards ...
  forward_signs,       ///< ... and the signs of their weights
  feedback_sizes,      ///< of feedback weights of their own
  feedback_signs,      ///< and their signs
  inverse_weights,     ///< of the functions down which targets come
  prediction_weights,  ///< from one view's activity to another's
  moments,             ///< averages of the synapse's own past gradients and of their squares
  other_layers         ///< activity and weights of layers that the error does not pass
};
/// "activity of the arriving view"
std::string to_string(Quantity quantity);

/// What a circuit must be able to compute to find an error or a change, beyond sums, thresholds and signs.
enum class Operation { inner_product, normalisation, exponential, division, square_root };
std::string to_string(Operation operation);

/// The parts of a configuration that decide what a synapse reads, by their names in LearnerOptions, BatchOptions and
/// PairStepOptions.
struct LearningRule {
  std::string loss = "hinge";
  std::string rule = "bp";
  bool end_to_end = false;  ///< the error passes all layers below the top head; else the learning layer's head alone
  bool block = true;
  std::string optimiser = "sgd";
  std::string activity = "hebb";
};

/// A quantity, and the part of the configuration that reads it: "loss hinge".
struct Reading {
  Quantity quantity;
  std::string reader;
};
struct Computing {
  Operation operation;
  std::string by;
};

/// Exactly what the change of a convolution's synapses reads, one for each part that does. A declaration: the tests
/// (tests/models/declaration_test.cpp) destroy every quantity that is not in it and find the change to have the same
/// bits, and every one that is, and find another change (of clapp: weights, predictions and what is remembered). Event
/// mode and batches share the code that is looked at. InputError for a name that is not known.
std::vector<Reading> readings(const LearningRule& rule);
std::set<Quantity> quantities(const std::vector<Reading>& readings);
/// What has to be computed for it.
std::vector<Computing> operations(const LearningRule& rule);

}  // namespace saccade
