#pragma once
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/thread_pool.h"
#include "streams/view_source.h"

namespace saccade {

/// Mini-batches of pairs of views (method.md, sections 2 and 7): in every epoch all objects in a new order, each
/// seen through two views of its own. An epoch has floor(objects / batch) batches; the objects left over in an epoch
/// are not seen in it, but in another, because the order changes.
///
/// Pair number p of an epoch e is what FixationStream shows in fixation e * objects + p with the same seed, two views a
/// fixation and shuffled order: where batches fill an epoch, a stream and the batches show the very same views.
///
/// A batch is a function of (source, options, its number): there is nothing to save. Views are rendered by `threads`
/// threads; the bits do not depend on how many.
class PairBatches {
 public:
  struct Options {
    std::uint64_t seed = 1;
    int batch = 500;
    int threads = 1;
  };

  /// InputError when there are fewer objects than a batch has pairs.
  PairBatches(std::shared_ptr<const ViewSource> source, const Options& options);

  std::uint64_t per_epoch() const { return source_->size() / static_cast<std::uint32_t>(options_.batch); }
  /// Renders batch number `batch` of the whole run into a (first views; left empty unless `both`), b (second views),
  /// [batch][height][width][channels], and the labels of its objects (none where they have none).
  void render(std::uint64_t batch, bool both, std::vector<float>& a, std::vector<float>& b,
              std::vector<std::int32_t>& labels) const;
  /// The same views as recipes [batch], for a device that renders them.
  void draw(std::uint64_t batch, bool both, std::vector<ViewRecipe>& a, std::vector<ViewRecipe>& b,
            std::vector<std::int32_t>& labels) const;

 private:
  /// f(i, recipe) for pair i of a batch, recipe(0) and recipe(1) being those of its views; on `threads` threads.
  template <class F>
  void for_each_pair(std::uint64_t batch, std::vector<std::int32_t>& labels, const F& f) const;

  std::shared_ptr<const ViewSource> source_;
  Options options_;
  ThreadPool pool_;
};

}  // namespace saccade
