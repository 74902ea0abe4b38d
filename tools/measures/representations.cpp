#include "tools/measures/representations.h"

#include <cmath>

#include "models/feature_scaling.h"
#include "tools/measures/factor_decoding.h"

namespace saccade {

Representations::Representations(Device& device, const RepresentationOptions& options, MeasuredImages stored,
                                 MeasuredImages tested)
    : device_(device), options_(options), stored_(std::move(stored)), tested_(std::move(tested)) {}

std::vector<Measure> Representations::measure(const Parameters& parameters) {
  std::vector<Measure> all;
  matrices_.clear();
  const auto add = [&](int layer, const std::string& quantity, double value) {
    if (!std::isnan(value)) all.push_back({layer, quantity, value});
  };
  for (int layer = 0; layer < parameters.network().depth(); ++layer) {
    Features stored = extract_features(device_, parameters, layer, stored_.images, 0, stored_.images.count);
    const FeatureScaling scaling(device_, stored);
    scaling.apply(device_, stored);
    if (options_.neighbours > 0 || options_.factors) {
      Features tested = extract_features(device_, parameters, layer, tested_.images, 0, tested_.images.count);
      scaling.apply(device_, tested);
      if (options_.neighbours > 0)
        add(layer, "knn_accuracy", neighbour_accuracy(device_, stored, tested, options_.neighbours, options_.metric));
      if (options_.factors) {
        const std::vector<double> r2 = factor_r2(stored, stored_.factors, tested, tested_.factors);
        for (std::size_t i = 0; i < r2.size(); ++i) add(layer, "factor_" + stored_.factors.names[i], r2[i]);
      }
    }
    if (options_.matrix == RepresentationOptions::Matrix::none) continue;
    matrices_.push_back(options_.matrix == RepresentationOptions::Matrix::classes
                            ? class_similarity(device_, stored)
                            : image_similarity(device_, stored, options_.images));
    add(layer, "similarity_within", matrices_.back().within);
    add(layer, "similarity_between", matrices_.back().between);
  }
  return all;
}

}  // namespace saccade
