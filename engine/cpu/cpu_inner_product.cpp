#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/cpu/cpu_device.h"

namespace saccade::cpu {

/// A task owns one view (its terms' results and its error) or the error of one prediction.
void CpuDevice::inner_product_hinge_impl(const InnerProductHinge& op) {
  const double work = static_cast<double>(op.terms.size()) * static_cast<double>(op.count);
  terms_by_view_.find(op.terms, op.views, &InnerProductTerm::view);
  terms_by_anchor_.find(op.terms, op.anchors, &InnerProductTerm::anchor);

  // error = f'(output) * sum over the active ones of `own` of -y * weight * other(term)
  auto add_terms = [&](std::span<const std::size_t> own, auto other, Activation activation, const float* output,
                       float* error, std::int32_t* active) {
    constexpr std::size_t chunk = 1024;  // floats of the error that stay in the first cache while the terms are added
    *active = std::any_of(own.begin(), own.end(), [&](std::size_t i) { return op.results[i].active != 0; });
    for (std::size_t begin = 0; begin < op.count; begin += chunk) {
      const std::size_t size = std::min(chunk, op.count - begin);
      std::memset(error + begin, 0, sizeof(float) * size);
      for (std::size_t i : own) {
        const InnerProductTerm& term = op.terms[i];
        if (op.results[i].active)
          kernels_.add_scaled(size, term.positive ? -term.weight : term.weight, other(term) + begin, error + begin);
      }
      if (*active && activation != Activation::none)
        kernels_.through_activation(activation, size, output + begin, error + begin);
    }
  };

  run(static_cast<std::size_t>(op.views), work, [&](std::size_t v) {
    const int view = static_cast<int>(v);
    for (std::size_t i : terms_by_view_.of(v)) {
      const InnerProductTerm& term = op.terms[i];
      InnerProductResult& result = op.results[i];
      result.score = kernels_.inner_product(op.count, op.prediction.at(0, term.anchor), op.view.at(0, view));
      const float excess = term.positive ? op.margin - result.score : op.margin + result.score;
      result.active = excess > 0;
      result.loss = result.active ? term.weight * excess : 0.0f;
      if (std::isnan(excess)) result.loss = excess;  // never hidden by the threshold
    }
    add_terms(
        terms_by_view_.of(v), [&](const InnerProductTerm& term) { return op.prediction.at(0, term.anchor); },
        op.activation, op.view.at(0, view), op.view_error.at(0, view), op.view_active.at(0, view));
  });
  run(static_cast<std::size_t>(op.anchors), work, [&](std::size_t a) {
    const int anchor = static_cast<int>(a);
    add_terms(
        terms_by_anchor_.of(a), [&](const InnerProductTerm& term) { return op.view.at(0, term.view); },
        Activation::none, nullptr, op.prediction_error.at(0, anchor), op.anchor_active.at(0, anchor));
  });
}

}  // namespace saccade::cpu
