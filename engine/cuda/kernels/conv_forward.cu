#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/conv_tile.cuh"
#include "engine/cuda/kernels/kernels.h"

/// Forward convolution by the tiles of conv_tile.cuh, with pooling and activation while the sums are in registers: the
/// positions of a window are one thread's. Per layer the input is read once for every 64 output lanes (32, 16 for the
/// smaller tiles), with a halo that adds 2 times its size for the large tile (patches of 4 x 6 for 2 x 4 positions) and
/// 3 times for the others, mostly from the caches; the output and a byte per window are written once.
namespace saccade::SACCADE_CUDA {

void conv_forward(Queue& queue, const ConvForward& op) {
  const MapShape &in = op.shape.in, &out = op.shape.out;
  ConvTask t{};
  t.extent = op.extent;
  t.from = in;
  t.source = op.input;
  t.rows = op.shape.pools() ? 2 * out.height : out.height;
  t.columns = op.shape.pools() ? 2 * out.width : out.width;
  t.weights = op.packed;
  t.to = out;
  t.activation = op.shape.activation;
  t.pools = op.shape.pools();
  t.output = op.output;
  t.winners = op.winners;
  const bool strided = op.shape.down == Downsample::stride;
  if (in.lanes % lanes_per_vector == 0)
    strided ? send_conv<Source::strided>(queue, "conv_forward", t) : send_conv<Source::map>(queue, "conv_forward", t);
  else
    strided ? send_conv<Source::strided_image>(queue, "conv_forward", t)
            : send_conv<Source::image>(queue, "conv_forward", t);
}

}  // namespace saccade::SACCADE_CUDA
