#pragma once
#include <cstdint>
#include <vector>

#include "engine/device.h"

/// Which maps CLAPP compares. Anchors are contexts c, numbered like the views that they are; a term's weight is one
/// over the number of terms of its sign in the whole batch, so that the loss is the mean over all positives plus the
/// mean over all negatives, whichever contexts they belong to.
namespace saccade {

enum class ClappUpdate { both, positives, negatives };

/// `both` when synchronous; else a fair draw between the other two, a function of (seed, step). An either/or step keeps
/// the scale of its mean: it is not doubled to make up for the other half.
ClappUpdate clapp_update(bool synchronous, std::uint64_t seed, std::uint64_t step);

/// Deformed views of n images: views [0, n) are the first, [n, 2n) the second ones. Context s has one positive, its own
/// second view, and as negatives the T following second views, without wrap-around: the last T contexts of a batch
/// have fewer, the last has none. T < 0: all second views but its own.
void clapp_pair_terms(int pairs, int negatives, ClappUpdate which, std::vector<InnerProductTerm>& terms);

/// An image is a grid of 7 x 7 patches; patch (row, column) of image i is view (row * images + i) * 7 + column, so that
/// a row is a contiguous range. Row k = 0 .. 4 is the context of rows k + 2 .. 6 in the same column (15 positives a
/// column); each positive has `negatives` more comparisons of its context, with patches drawn uniformly, with
/// replacement, from all patches of the batch (its positive included), a function of (seed, step).
inline constexpr int patches_per_side = 7, patch_contexts = 5, patch_distance = 2;
constexpr int patch_index(int images, int row, int image, int column) {
  return (row * images + image) * patches_per_side + column;
}
void clapp_patch_terms(int images, int negatives, std::uint64_t seed, std::uint64_t step, ClappUpdate which,
                       std::vector<InnerProductTerm>& terms);

}  // namespace saccade
