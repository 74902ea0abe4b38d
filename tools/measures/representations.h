#pragma once
#include <string>
#include <vector>

#include "models/linear_probe.h"
#include "streams/known_factors.h"
#include "tools/measures/measure.h"
#include "tools/measures/nearest_neighbours.h"
#include "tools/measures/similarity.h"

namespace saccade {

struct RepresentationOptions {
  int neighbours = 0;  ///< k; 0 = no accuracy of nearest neighbours
  Metric metric = Metric::cosine;
  enum class Matrix { none, classes, images } matrix = Matrix::none;
  int images = 50;  ///< of a matrix of images: the first N
  bool factors = false;
};

/// Labelled images with what else is known of them.
struct MeasuredImages {
  LabelledImages images;
  KnownFactors factors;  ///< only read where factors are measured
};

/// What the features of labelled images say without a classifier that learns, layer by layer: the features that heads
/// and probes read, standardised over `stored` as for a probe (FeatureScaling).
///   knn_accuracy        share of `tested` that their k nearest neighbours in `stored` classify (neighbour_accuracy)
///   similarity_within   mean cosine between images of one class in `stored` (of a matrix of images: in the first N)
///   similarity_between  of different classes
///   factor_NAME         R^2 with which a factor of `tested` is read out linearly, fitted on `stored` (factor_r2)
/// A number that is not defined is left out. It only reads.
class Representations {
 public:
  /// `tested` may be empty where there are no neighbours to ask and no factors.
  Representations(Device& device, const RepresentationOptions& options, MeasuredImages stored, MeasuredImages tested);

  /// Of every layer of a network.
  std::vector<Measure> measure(const Parameters& parameters);
  /// Between classes or images, of each layer in the latest measurement; empty without a matrix.
  const std::vector<Similarity>& matrices() const { return matrices_; }

 private:
  Device& device_;
  RepresentationOptions options_;
  MeasuredImages stored_, tested_;
  std::vector<Similarity> matrices_;
};

}  // namespace saccade
