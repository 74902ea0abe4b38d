#include "engine/cpu/kernels/declarations.h"
#include "engine/cpu/kernels/simd.h"

/// Hebbian step of one row of a head, eq. 7: each weight changes by -rate * error (post-synaptic) * feature
/// (pre-synaptic).
namespace saccade::cpu::SACCADE_ISA {

void head_hebb(const HeadHebbTask& t) {
  const MapShape& in = t.shape.in;
  const int lanes = t.shape.lanes();
  const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(t.row) * in.width * in.channels * lanes;
  const V16 minus_rate = broadcast(-t.rate);
  for (int lane = 0; lane < lanes; lane += 64) {
    const int vectors = (lanes - lane < 64 ? lanes - lane : 64) / 16;
    V16 change[4];
    for (int v = 0; v < vectors; ++v) change[v] = mul(minus_rate, load(t.error + lane + v * 16));
    std::ptrdiff_t at = first + lane;
    for (int column = 0; column < in.width; ++column) {
      const float* x = t.input + in.offset(t.row, column);
      for (int c = 0; c < in.channels; ++c, at += lanes) {
        const V16 feature = broadcast(x[c]);
        for (int v = 0; v < vectors; ++v)
          store(t.weights + at + v * 16, fma(feature, change[v], load(t.weights + at + v * 16)));
        if (t.feedback)
          for (int v = 0; v < vectors; ++v)
            store(t.feedback + at + v * 16, fma(feature, change[v], load(t.feedback + at + v * 16)));
      }
    }
  }
}

}  // namespace saccade::cpu::SACCADE_ISA
