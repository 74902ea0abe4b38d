#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/checkpoint.h"
#include "models/parameters.h"

namespace saccade {

/// All that a synapse may read when it changes (promise 4, "local means local"): the activity of its pre-synaptic unit,
/// current or remembered, and the error at its post-synaptic unit. There is no way from here to another layer, to the
/// loss or to a label.
struct ConvFactors {
  ConvShape shape;
  Extent extent;
  ConstFloats presynaptic;         ///< shape.in
  ConstFloats postsynaptic_error;  ///< shape.out
  ConstBytes winners;              ///< which positions the post-synaptic units answered
  ConstFlags active;
  Arithmetic arithmetic = Arithmetic::exact;
};
struct HeadFactors {
  HeadShape shape;
  Extent extent;
  ConstFloats presynaptic;         ///< shape.in
  ConstFloats postsynaptic_error;  ///< shape.lanes() per view
  ConstFlags active;
};

/// Turns factors into changes of synapses. State is a function of the calls so far and is saved with the run.
class Optimiser {
 public:
  virtual ~Optimiser() = default;
  virtual std::string name() const = 0;

  /// One step of one bundle from all of its views at once. `feedback` is null unless it learns. The packed copy is the
  /// caller's to renew.
  virtual void conv(int layer, const ConvFactors& factors, Floats weights, Floats feedback);
  virtual void head(int layer, const HeadFactors& factors, Floats weights, Floats feedback);
  /// The rate (one number per replica, on the device), where head() is a Hebbian step (HeadHebb) and nothing else: the
  /// caller may then take this step itself, on the error's way down.
  virtual std::optional<ConstFloats> hebbian_rate(int /*layer*/) const { return {}; }

  /// The same step in parts, for batches whose activity is not held as a whole: the factors of some views after those
  /// of others (`first`: a step begins) ...
  virtual void gather(int layer, const ConvFactors& part, bool first) = 0;
  virtual void gather(int layer, const HeadFactors& part, bool first) = 0;
  /// ... and the change that they add up to; `active`: flags of all views.
  virtual void change_conv(int layer, const Extent& views, ConstFlags active, Floats weights, Floats feedback) = 0;
  virtual void change_head(int layer, const Extent& views, ConstFlags active, Floats weights, Floats feedback) = 0;

  /// From now on the rates are those that the optimiser was made with times `factor`.
  virtual void scale_rates(float /*factor*/) {}

  /// The state of one replica, as an optimiser for it alone would save it.
  virtual void save(Checkpoint&, int /*replica*/ = 0) const {}
  virtual void load(const Checkpoint&, int /*replica*/ = 0) {}
};

/// One learning rate per layer for each kind of synapse.
struct Rates {
  std::vector<float> conv, head;
};
/// Those of each replica.
using ReplicaRates = std::vector<Rates>;

/// Plain SGD, the Hebbian step of event mode: post-synaptic error times pre-synaptic activity.
std::unique_ptr<Optimiser> make_sgd(Device& device, const NetworkSpec& network, const ReplicaRates& rates);
/// Adam with default betas, a state per bundle that advances only when the bundle learns.
std::unique_ptr<Optimiser> make_adam(Device& device, const NetworkSpec& network, Heads heads,
                                     const ReplicaRates& rates);

/// Changes nothing: adds up gradients, which can be read. For one step under glass, and for tests of equivalence.
class GradientAccumulator final : public Optimiser {
 public:
  GradientAccumulator(Device& device, const NetworkSpec& network) : device_(device), network_(network) { clear(); }
  std::string name() const override { return "none"; }
  void gather(int layer, const ConvFactors& part, bool first) override;
  void gather(int layer, const HeadFactors& part, bool first) override;
  void change_conv(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void change_head(int, const Extent&, ConstFlags, Floats, Floats) override {}
  void clear();
  /// conv.I.weight and head.I.weight, in logical layout, of every bundle that was touched since clear().
  std::vector<Tensor> gradients() const;

 private:
  Device& device_;
  NetworkSpec network_;
  std::vector<DeviceBuffer<float>> conv_, head_;
};

}  // namespace saccade
