#include "tools/check/device_check.h"

/// Optimiser steps on the weights of the top head.
namespace saccade::check {
namespace {

using enum Active;

void sgd_step(Trial& t, std::size_t count, int replicas, Active active, bool feedback_learns) {
  const Extent weights_extent{replicas, 1}, extent{replicas, 2};
  const auto &gradient = t.floats(count, weights_extent), &weights = t.floats(count, weights_extent),
             &feedback = t.floats(count, weights_extent);
  const auto& rate = t.put(rates(replicas), 1, weights_extent);
  t.calls<SgdStep>(&Device::sgd_step, {count, extent, gradient.shared(), t.flags(extent, active), rate.shared(),
                                       weights.shared(), feedback_learns ? feedback.shared() : Floats{}});
  t.compare(weights, same_bits);
  t.compare(feedback, same_bits);
}

void adam_step(Trial& t, std::size_t count, int replicas, Active active, bool feedback_learns) {
  const Extent weights_extent{replicas, 1}, extent{replicas, 2};
  const auto &gradient = t.floats(count, weights_extent), &weights = t.floats(count, weights_extent),
             &feedback = t.floats(count, weights_extent), &first = t.floats(count, weights_extent),
             &second = t.floats(count, weights_extent, {0, 1, 0});
  const auto& steps = t.put(std::vector<std::int64_t>(static_cast<std::size_t>(replicas), 7), 1, weights_extent);
  const auto& rate = t.put(rates(replicas), 1, weights_extent);
  AdamStep op;
  op.count = count;
  op.extent = extent;
  op.gradient = gradient.shared();
  op.active = t.flags(extent, active);
  op.rate = rate.shared();
  op.weights = weights.shared();
  if (feedback_learns) op.feedback = feedback.shared();
  op.first_moment = first.shared();
  op.second_moment = second.shared();
  op.steps = steps.shared();
  t.calls<AdamStep>(&Device::adam_step, op);
  for (const auto* output : {&weights, &feedback, &first, &second}) t.compare(*output, same_bits);
  t.compare(steps, same_bits);
}

}  // namespace

std::vector<Case> optimiser_cases(const NetworkSpec& network) {
  const std::size_t count = network.head(network.depth() - 1).weights();
  return {
      {"sgd_step", "top head", [=](Trial& t) { sgd_step(t, count, 1, all, false); }},
      {"sgd_step", "top head, R=3, learning feedback", [=](Trial& t) { sgd_step(t, count, 3, not_replica_1, true); }},
      {"adam_step", "top head", [=](Trial& t) { adam_step(t, count, 1, all, false); }},
      {"adam_step", "top head, R=3, learning feedback", [=](Trial& t) { adam_step(t, count, 3, not_replica_1, true); }},
  };
}

}  // namespace saccade::check
