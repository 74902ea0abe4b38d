#pragma once
#include <vector>

#include "engine/checkpoint.h"
#include "engine/device_buffer.h"
#include "models/network.h"
#include "models/rule.h"

namespace saccade {

/// Synapses of one bundle (a convolution or a head): forward weights and, where the rule has them, feedback weights.
struct Synapses {
  DeviceBuffer<float> forward;
  DeviceBuffer<float> feedback;         ///< empty unless the rule has feedback weights of its own here
  DeviceBuffer<float> packed;           ///< convolutions: the copy that the forward kernel reads, if any
  DeviceBuffer<float> packed_feedback;  ///< convolutions that an error passes: the copy for its way down, if any

  /// What activity passes on its way up through a convolution.
  ConstFloats ascending() const { return packed ? packed.shared() : forward.shared(); }
};

/// Which heads are there, and what an error passes: one on every layer (layer-wise schedules), the top one with the
/// whole chain below it (end to end), or the top one with the top layer alone.
enum class Heads { every_layer, top_only, top_layer };

/// Where the initial and feedback weights of a replica are drawn from: its place among those with one seed, or 0 with a
/// seed of its own.
struct WeightsDraw {
  std::uint64_t seed = 1, replica = 0;
};

/// All synapses of a network for R replicas, owned here, not inside layers: saving a run is writing these.
///
/// Initial weights are uniform in +-1/sqrt(fan_in) (method.md, section 1), a function of (seed, tensor, logical index),
/// so that they depend neither on the layout nor on the device. Feedback weights are an independent draw of the same
/// distribution. Replica r draws its own: with a seed of its own the weights are those of Parameters alone with it.
class Parameters {
 public:
  Parameters(Device& device, const NetworkSpec& network, const Rule& rule, Heads heads, std::uint64_t seed,
             int replicas = 1, Arithmetic arithmetic = Arithmetic::exact);
  /// A replica for each draw.
  Parameters(Device& device, const NetworkSpec& network, const Rule& rule, Heads heads,
             const std::vector<WeightsDraw>& draws, Arithmetic arithmetic);

  Arithmetic arithmetic() const { return arithmetic_; }
  const NetworkSpec& network() const { return network_; }
  const Rule& rule() const { return rule_; }
  int replicas() const { return replicas_; }
  bool has_head(int layer) const { return heads_ == Heads::every_layer || layer == network_.depth() - 1; }
  /// What a layer-wise schedule trains together is (conv(i), head(i)).
  Synapses& conv(int layer) { return conv_[static_cast<std::size_t>(layer)]; }
  Synapses& head(int layer) { return head_[static_cast<std::size_t>(layer)]; }
  const Synapses& conv(int layer) const { return conv_[static_cast<std::size_t>(layer)]; }
  const Synapses& head(int layer) const { return head_[static_cast<std::size_t>(layer)]; }

  /// The weights that carry an error through this bundle under the rule.
  Feedback carrier(const Synapses& synapses) const;
  /// Increments also go here (null when feedback does not learn).
  Floats learning_feedback(const Synapses& synapses) const;
  /// Renews the packed copies of layer i; skipped on the device where none of the `views` flags is set.
  void pack(Device& device, int layer, ConstFlags active = {}, int views = 1);

  /// Appends conv.I.weight, head.I.weight, feedback.conv.I.weight, feedback.head.I.weight of replica r in logical
  /// layout ([K, C, 3, 3]; of a local layer [H, W, K, C, 3, 3], H and W before pooling).
  void save(std::vector<Tensor>& tensors, int replica = 0) const;
  /// Sets every tensor that the network and the rule need; InputError when one is missing or has another shape. Others
  /// are ignored.
  void load(Device& device, const std::vector<Tensor>& tensors, int replica = 0);

 private:
  NetworkSpec network_;
  Rule rule_;
  Heads heads_;
  int replicas_;
  Arithmetic arithmetic_;
  std::vector<Synapses> conv_, head_;
};

/// The convolutions of one network become those of another with the same layers, whatever the sizes of their images
/// (of one size where a layer is local).
void copy_convolutions(Device& device, const Parameters& from, Parameters& to);

}  // namespace saccade
