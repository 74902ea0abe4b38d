#include "engine/cpu/kernels/winograd.h"

/// G g G^T of all kernels of a block of outputs.
namespace saccade::cpu::SACCADE_ISA {

/// weights: by post-synaptic unit, [lanes of the layer][9][lanes of the map below]. Up: outputs are the layer's units.
/// Down: the kernel is turned and outputs are the units below. Result: [outputs / 16][36][inputs][16].
void winograd_weights(const WinogradWeightsTask& t) {
  const std::ptrdiff_t unit = std::ptrdiff_t{9} * t.in_lanes;
  auto kernels = [&](int k, int lane, V16(&g)[3][3]) __attribute__((always_inline)) {
    for (int tap = 0; tap < 9; ++tap) {
      const V16 w = load(t.weights + k * unit + (t.down ? 8 - tap : tap) * t.in_lanes + lane);
      g[tap / 3][tap % 3] = t.sign_only ? sign(w) : w;
    }
  };
  float* to = t.packed + std::ptrdiff_t{t.block} * 36 * t.inputs * 16;
  V16 g[3][3], u[6][6];
  if (t.down) {
    for (int k = 0; k < t.inputs; ++k) {
      kernels(k, t.block * 16, g);
      winograd_kernel_transform(g, u);
      for (int i = 0; i < 36; ++i) store(to + (std::ptrdiff_t{i} * t.inputs + k) * 16, u[i / 6][i % 6]);
    }
    return;
  }
  for (int lane = 0; lane < t.inputs; lane += 16)
    for (int k = 0; k < 16; ++k) {
      kernels(t.block * 16 + k, lane, g);
      winograd_kernel_transform(g, u);
      for (int i = 0; i < 36; ++i) {
        float values[16];
        store(values, u[i / 6][i % 6]);
        for (int c = 0; c < 16; ++c) to[(std::ptrdiff_t{i} * t.inputs + lane + c) * 16 + k] = values[c];
      }
    }
}

}  // namespace saccade::cpu::SACCADE_ISA
