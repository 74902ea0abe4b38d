#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "engine/loss_operations.h"

namespace saccade::cpu {

/// Indices of the terms of each view or anchor, in the order of the terms.
class TermGroups {
 public:
  void find(std::span<const InnerProductTerm> terms, int owners, std::int32_t InnerProductTerm::*owner) {
    first_.assign(static_cast<std::size_t>(owners) + 1, 0);
    terms_.resize(terms.size());
    for (const InnerProductTerm& term : terms) ++first_[static_cast<std::size_t>(term.*owner) + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    next_ = first_;
    for (std::size_t i = 0; i < terms.size(); ++i) terms_[next_[static_cast<std::size_t>(terms[i].*owner)]++] = i;
  }
  std::span<const std::size_t> of(std::size_t owner) const {
    return std::span(terms_).subspan(first_[owner], first_[owner + 1] - first_[owner]);
  }

 private:
  std::vector<std::size_t> first_, terms_, next_;
};

}  // namespace saccade::cpu
