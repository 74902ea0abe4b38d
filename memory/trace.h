#pragma once
#include <memory>
#include <string>

#include "engine/time.h"

namespace saccade {

struct TraceOptions {
  std::string name = "window";  ///< "window", "exponential", "synaptic" or "synaptic-peak"
  double time = 1;              ///< s, exponential: time constant
  /// Synaptic: constants of Mongillo, Barak and Tsodyks, Science 319 (2008), 1543-1546.
  double facilitation_time = 1.5;  ///< s, tau_F
  double recovery_time = 0.2;      ///< s, tau_D
  double utilisation = 0.2;        ///< U
  int burst = 1;                   ///< spikes that load it
  double burst_rate = 50;          ///< spikes per second in the burst
};

/// What becomes of a remembered embedding with age (method.md, section 6). Reading a trace never changes what is
/// stored.
class TraceModel {
 public:
  virtual ~TraceModel() = default;
  virtual std::string name() const = 0;
  /// Strength of a trace that was stored `age` >= 0 ticks ago, never negative. In units of its strength just after
  /// that, so 1 at age 0; of synaptic-peak in units of the largest that it will have. Only synaptic rises above 1.
  virtual float strength(Time age) const = 0;
};

/// "window": 1 until the memory lets the anchor go.
///
/// "exponential": exp(-age / time).
///
/// "synaptic": u x / (u_0 x_0). Between spikes facilitation u and resources x return to rest,
///   du/dt = (U - u) / tau_F,   dx/dt = (1 - x) / tau_D;
/// each of `burst` spikes, 1 / burst_rate apart, from rest on, makes u += U (1 - u), then x -= u x (the article's eqs.
/// 1 and 2); (u_0, x_0) is the state just after the last one. A spike uses resources up faster than it facilitates, so
/// the strength first rises above 1 while they recover (tau_D) and then falls (tau_F) - not to 0, but to that of a
/// synapse at rest, U / (u_0 x_0). One spike, the default, is what a cell contributes to a population spike, the
/// article's unit of loading and refreshing: the strength rises to 1.33 at 0.40 s and ends at 0.87. Longer bursts empty
/// the synapse, so that all later strengths are high beside the first: after 4 spikes at 50 / s up to 8.9, 3.6 at rest.
/// A strength above 1 is what it says: the embedding is read larger than it was, or the error counts more. A positive
/// pair that is read larger pulls its view outwards: with trace_acts "scale" embeddings then grow without end.
///
/// "synaptic-peak": the same u x in units of its largest value, as a reader would see it who has adapted to that: from
/// 0.75 (after one spike; 0.11 after 4) up to 1 and down to 0.65 (0.41). Needs tau_D <= tau_F: then it has one peak.
///
/// InputError for an unknown name, constants out of range, or a burst that leaves no resources.
std::unique_ptr<TraceModel> make_trace(const TraceOptions& options);

}  // namespace saccade
