#include "engine/cuda/portability.h"
//
#include "engine/cuda/kernels/conv_tile.cuh"
#include "engine/cuda/kernels/conv_transposed.h"
#include "engine/cuda/kernels/kernels.h"

/// From a layer's output map to its input map by the tiles of conv_tile.cuh: a convolution of the map above with the
/// weights turned by 180 degrees, whose order [out.channels][3][3][in.lanes] is just what the tiles read when the roles
/// of the maps are exchanged.
///
/// Behind a stride three of four positions above are zeros at places known when the kernel is compiled, and no work is
/// done for them. Behind a max-pool there are as many zeros, but each channel has its own: the errors are spread out as
/// they are staged, and the products with zeros are made. Two ways to leave them out would gain little or cost a second
/// pass. Gathering, a thread reads for each multiply-add the weight of its own that the winner says, and shared memory
/// delivers a quarter of what the multipliers take. Branching by winner, as the weight gradient does, a tile must also
/// visit the windows round it, for the part of them that reaches in: for 4 x 4 windows of sums that is 2.25 times the
/// branches, and as much time as the dense products.
namespace saccade::SACCADE_CUDA {

void transposed_conv(Queue& queue, const char* name, const TransposedConv& op) {
  ConvTask t{};
  t.extent = op.extent;
  t.from = op.shape.out;
  t.source = op.above;
  t.source_winners = op.winners;
  t.rows = op.shape.in.height;
  t.columns = op.shape.in.width;
  t.weights = op.weights.weights;
  t.sign_only = op.weights.sign_only;
  t.to = op.shape.in;
  t.activation = op.activation;
  t.output_of = op.output_of;
  t.active = op.active;
  t.output = op.below;
  switch (op.shape.down) {
    case Downsample::none:
      return send_conv<Source::above>(queue, name, t);
    case Downsample::max_pool:
      return send_conv<Source::winners>(queue, name, t);
    case Downsample::stride:
      return send_conv<Source::spread>(queue, name, t);
  }
}

void conv_transpose(Queue& queue, const ConvTranspose& op) {
  transposed_conv(queue, "conv_transpose",
                  {op.shape, op.extent, op.input, {}, {op.weights, false}, {}, op.activation, op.active, op.output});
}

}  // namespace saccade::SACCADE_CUDA
