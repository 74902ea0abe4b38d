#include "models/clapp_terms.h"

#include <algorithm>

#include "engine/random.h"

namespace saccade {
namespace {

/// Leaves out what is not asked for, sorts by view and sets the weights.
void finish(std::vector<InnerProductTerm>& terms, ClappUpdate which) {
  if (which != ClappUpdate::both)
    std::erase_if(terms, [&](const auto& term) { return term.positive != (which == ClappUpdate::positives); });
  const auto by_view = [](const auto& a, const auto& b) { return a.view < b.view; };
  if (!std::is_sorted(terms.begin(), terms.end(), by_view))  // stable_sort asks for memory, even where nothing moves
    std::stable_sort(terms.begin(), terms.end(), by_view);
  const auto positives = std::count_if(terms.begin(), terms.end(), [](const auto& term) { return term.positive; });
  const auto negatives = static_cast<std::ptrdiff_t>(terms.size()) - positives;
  for (InnerProductTerm& term : terms) term.weight = 1.0f / static_cast<float>(term.positive ? positives : negatives);
}

}  // namespace

ClappUpdate clapp_update(bool synchronous, std::uint64_t seed, std::uint64_t step) {
  if (synchronous) return ClappUpdate::both;
  return Random(seed, Purpose::clapp_update, 0, step).below(0, 2) == 0 ? ClappUpdate::positives
                                                                       : ClappUpdate::negatives;
}

void clapp_pair_terms(int pairs, int negatives, ClappUpdate which, std::vector<InnerProductTerm>& terms) {
  terms.clear();
  for (int other = 0; other < pairs; ++other) {
    const int first = negatives < 0 ? 0 : std::max(0, other - negatives), last = negatives < 0 ? pairs - 1 : other;
    for (int context = last; context >= first; --context) terms.push_back({context, pairs + other, context == other});
  }
  finish(terms, which);
}

void clapp_patch_terms(int images, int negatives, std::uint64_t seed, std::uint64_t step, ClappUpdate which,
                       std::vector<InnerProductTerm>& terms) {
  const Random random(seed, Purpose::clapp_negative, 0, step);
  const auto patches = static_cast<std::uint32_t>(images * patches_per_side * patches_per_side);
  terms.clear();
  std::uint32_t draw = 0;
  for (int row = 0; row < patch_contexts; ++row)
    for (int image = 0; image < images; ++image)
      for (int column = 0; column < patches_per_side; ++column)
        for (int target = row + patch_distance; target < patches_per_side; ++target) {
          const int context = patch_index(images, row, image, column);
          terms.push_back({context, patch_index(images, target, image, column), true});
          for (int i = 0; i < negatives; ++i)
            terms.push_back({context, static_cast<std::int32_t>(random.below(draw++, patches)), false});
        }
  finish(terms, which);
}

}  // namespace saccade
