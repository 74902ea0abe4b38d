#include <algorithm>

#include "engine/cpu/cpu_device.h"

/// Softmax regression on rows of a table. A batch of rows is far larger than a cache, so that scores and gradient,
/// taken one after the other, would each fetch it from memory. Here a few views at a time go through both. In each
/// round, a task (a slice of the features) does the gradient of the group before and the scores of the next, so that
/// the threads meet once a round.
namespace saccade::cpu {

void CpuDevice::softmax_regression_impl(const SoftmaxRegression& op) {
  constexpr std::size_t slice = 1024;                   // features of a task
  constexpr std::size_t cached = std::size_t{1} << 17;  // floats of a group: two of them are half of a cache of 2 MB
  const std::size_t features = op.shape.features;
  const auto of_class = static_cast<std::ptrdiff_t>(op.shape.weights_of_class());
  const int views = op.extent.views, lanes = op.shape.lanes();
  const int group = std::clamp(static_cast<int>(cached / features) / 4 * 4, 4, 64);
  const std::size_t slices = (features + slice - 1) / slice;
  partials_.resize((slices * group + views) * lanes);  // scores by slice, then all errors
  auto scores = [&](std::size_t part, int view) { return partials_.data() + (part * group + view) * lanes; };
  auto error = [&](int view) { return scores(slices, view); };
  auto size_of_group = [&](int round) { return std::clamp(views - round * group, 0, group); };
  const double work = 2.0 * static_cast<double>(op.shape.weights()) * group;
  for (int replica = 0; replica < op.extent.replicas; ++replica) {
    const float* table = op.table.at(replica);
    softmax_.start(op.shape.classes, op.bias.at(replica), views);
    for (int round = 0; round * group < views + group; ++round) {
      const int first = round * group, before = first - group, count = size_of_group(round);
      run(slices, work, [&](std::size_t part) {
        const std::size_t begin = part * slice, size = std::min(slice, features - begin);
        if (round > 0)
          kernels_.softmax_gradient({table, op.table.view, op.index + before, size_of_group(round - 1), begin, size,
                                     op.shape.classes, error(before), op.gradient.at(replica), of_class, round > 1,
                                     op.index + first, count});
        if (count > 0)
          kernels_.softmax_scores({table, op.table.view, op.index + first, count, begin, size, op.shape.classes,
                                   op.weights.at(replica), of_class, scores(part, 0)});
      });
      for (int view = 0; view < count; ++view) {
        float* sum = scores(0, view);
        for (std::size_t part = 1; part < slices; ++part)
          for (int c = 0; c < op.shape.classes; ++c) sum[c] += scores(part, view)[c];
        softmax_.add(sum, *op.labels.at(replica, first + view), error(first + view));
      }
    }
    softmax_.finish(op.bias_gradient.at(replica), op.loss.at(replica));
  }
}

}  // namespace saccade::cpu
