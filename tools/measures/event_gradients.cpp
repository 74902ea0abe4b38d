#include "tools/measures/event_gradients.h"

#include <cmath>

#include "models/layout.h"
#include "tools/measures/vectors.h"

namespace saccade {

EventGradients::EventGradients(Device& device, const NetworkSpec& network, const std::vector<Tensor>& batch)
    : device_(device), conv_(network.layers.size()), head_(network.layers.size()) {
  for (int i = 0; i < network.depth(); ++i) {
    Bundle &conv = conv_[static_cast<std::size_t>(i)], &head = head_[static_cast<std::size_t>(i)];
    if (const Tensor* t = find(batch, conv_name(i))) conv.batch = conv_from_logical(network.conv(i), *t);
    if (const Tensor* t = find(batch, head_name(i))) head.batch = head_from_logical(network.head(i), *t);
    conv.norm = std::sqrt(inner_product(conv.batch, conv.batch));
    head.norm = std::sqrt(inner_product(head.batch, head.batch));
  }
}

void EventGradients::Bundle::add(double product, double squared_norm) {
  sums.squared_norm += squared_norm;
  if (squared_norm == 0 || norm == 0) return;
  sums.cosine += product / (std::sqrt(squared_norm) * norm);
  sums.compared += 1;
}

std::vector<std::int32_t> EventGradients::flags(ConstFlags active, int views) const {
  std::vector<std::int32_t> host(static_cast<std::size_t>(views), 1);
  if (active) device_.read(host.data(), active.data, host.size() * sizeof(std::int32_t));
  return host;
}

void EventGradients::gather(int layer, const ConvFactors& part, bool) {
  Bundle& bundle = conv_[static_cast<std::size_t>(layer)];
  const std::vector<std::int32_t> active = flags(part.active, part.extent.views);
  const DeviceBuffer<float> gradient(device_, part.shape.weights());
  std::vector<float> host;
  for (int view = 0; view < part.extent.views; ++view) {
    bundle.sums.views += 1;
    if (!active[static_cast<std::size_t>(view)]) continue;
    device_.conv_weight_gradient({part.shape,
                                  {1, 1},
                                  part.presynaptic.from(view),
                                  part.postsynaptic_error.from(view),
                                  part.winners.from(view),
                                  {},
                                  gradient.shared(),
                                  false,
                                  part.arithmetic});
    gradient.read(host);
    bundle.add(inner_product(host, bundle.batch), inner_product(host, host));
  }
}

/// A view's gradient is x e^T, so that <G, x e^T> = (G^T x) . e, and a forward pass through G gives G^T x.
void EventGradients::gather(int layer, const HeadFactors& part, bool) {
  Bundle& bundle = head_[static_cast<std::size_t>(layer)];
  const auto views = static_cast<std::size_t>(part.extent.views), lanes = static_cast<std::size_t>(part.shape.lanes());
  const std::vector<std::int32_t> active = flags(part.active, part.extent.views);
  const DeviceBuffer<float> weights(device_, part.shape.weights()), projected(device_, lanes, 1, part.extent.views);
  weights.write(bundle.batch);
  device_.head_forward({part.shape, part.extent, part.presynaptic, weights.shared(), projected.strided()});
  const std::vector<float> along = projected.read();
  std::vector<float> error(lanes), input(part.shape.in.size());
  for (std::size_t view = 0; view < views; ++view) {
    bundle.sums.views += 1;
    if (!active[view]) continue;
    device_.read(error.data(), part.postsynaptic_error.at(0, static_cast<int>(view)), lanes * sizeof(float));
    device_.read(input.data(), part.presynaptic.at(0, static_cast<int>(view)), input.size() * sizeof(float));
    bundle.add(inner_product(error, std::span(along).subspan(view * lanes, lanes)),
               inner_product(error, error) * inner_product(input, input));
  }
}

}  // namespace saccade
