#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "engine/device.h"

namespace saccade {

struct CircuitOptions {
  /// Standard deviation of the activity of each unit u^I, v^I, x^{D,+}, x^{D,-} at each comparison, in units of
  /// m1 / (units of the embedding), the mean difference of a pair at its threshold.
  double noise = 0;
  double threshold_error = 0;  ///< relative standard deviation of the thresholds, which are then what they are for good
};

/// The paper's Appendix A as the unit that computes the errors of the later view, eqs. 5 and 6. For unit i of the
/// embedding, with the remembered activity x^A and the current x^B,
///
///   u^I = x^B, v^I = x^A                inhibitory units, driven by one view each,
///   x^{D,+} = [x^A - u^I]_+             excitatory units, rectified: silent where inhibition is stronger,
///   x^{D,-} = [x^B - v^I]_+
///   S = sum over i of x^{D,+} + x^{D,-} the distance, which reaches two threshold units:
///   x^{S,+} fires if S > m1 (a positive), x^{S,-}, driven by a constant m2 and inhibited by S, if m2 > S (a negative);
///   what fires opens the way for       e = [x^{D,+} > 0] - [x^{D,-} > 0] = sgn(x^A - x^B),
///   delta = -weight e (eq. 5) for a positive, +weight e (eq. 6) for a negative.
///
/// Where this departs from the printed text: there x^{S,+} sums x^{D,+} alone and x^{S,-} sums x^{D,-}, both against
/// "> m". Each is half of the distance, and eq. 6 needs "<". Activities count from a resting rate, so u^I and v^I may
/// be negative. Each comparison of a view (each negative) has a circuit of its own, and so thresholds of its own.
///
/// Without noise and threshold error all of it has the bits of Device::contrastive_hinge: the same differences, summed
/// in the same order. It is computed on the host, from embeddings that any device holds.
class ErrorCircuit {
 public:
  /// `depth`: layers that have such circuits. InputError when an option is out of range.
  ErrorCircuit(const CircuitOptions& options, int depth, std::uint64_t seed);

  /// Which comparison: random numbers are a function of it. `place` counts the comparisons of a view.
  struct Site {
    std::uint64_t event = 0;
    int layer = 0, place = 0;
  };
  struct Thresholds {
    float positive = 1, negative = 3;
  };

  /// One circuit at its steady state: adds delta to `error`, and tells S and whether and by how much it is beyond the
  /// threshold. All spans have as many elements as the embedding.
  HingeResult respond(const HingeTerm& term, const Thresholds& nominal, std::span<const float> remembered,
                      std::span<const float> current, const Site& site, std::span<float> error);
  /// The thresholds that the circuits at this layer and place really have.
  Thresholds thresholds(const Thresholds& nominal, int layer, int place) const;

  /// In the place of device.contrastive_hinge(op), of one view and under the blocked gradient.
  void compare(Device& device, const ContrastiveHinge& op, std::uint64_t event, int layer);

 private:
  std::uint32_t entity(int layer, int place) const;

  CircuitOptions options_;
  std::uint32_t depth_;
  std::uint64_t seed_;
  std::vector<float> signs_, remembered_, noise_, current_, error_;
  std::vector<HingeResult> results_;
};

}  // namespace saccade
