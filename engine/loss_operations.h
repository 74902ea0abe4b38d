#pragma once
#include <span>

#include "engine/operations.h"

/// Operations that turn embeddings, maps or scores into a loss and the errors that follow from it.
namespace saccade {

/// One comparison of an arriving view with a remembered anchor.
struct HingeTerm {
  std::int32_t anchor = 0;  ///< index into the anchors
  std::int32_t view = 0;    ///< index into the views; terms are sorted by it
  bool positive = false;
  float weight =
      1;  ///< multiplies loss and error (w of the negatives, or a trace that gates the error); 0: never active
  float trace = 1;  ///< multiplies the remembered embedding (a trace that fades)
};

/// What one term gave. distance = |trace * anchor + noise - view|_1.
struct HingeResult {
  float distance = 0;
  float loss = 0;  ///< weight * [distance - m1]_+ or weight * [m2 - distance]_+
  std::int32_t active = 0;
};

/// Contrastive hinge loss, eqs. 2 and 4-6, summed over terms; errors are derivatives with respect to the embeddings.
struct ContrastiveHinge {
  int embedding = 64;  ///< stored lanes are rounded up to 16
  int replicas = 1;
  int anchors = 0, views = 0;
  std::span<const HingeTerm> terms;  ///< host memory; those of replica 0, then as many of each other replica
  float positive_margin = 1, negative_margin = 3;
  ConstFloats anchor_embedding;  ///< per anchor
  ConstFloats view_embedding;    ///< per view
  Floats view_error;             ///< per view, overwritten
  Flags view_active;             ///< per view, overwritten
  Floats anchor_error;           ///< per anchor, overwritten; null under the blocked gradient
  Flags anchor_active;
  Strided<HingeResult> results;  ///< [replica][its terms], view stride 0
  ConstFloats noise = {};        ///< per anchor, of its remembered embedding as it is read; null: none

  constexpr std::size_t terms_each() const { return terms.size() / static_cast<std::size_t>(replicas); }
};

/// One comparison of a view with what an anchor predicts.
struct InnerProductTerm {
  std::int32_t anchor = 0;  ///< index into the anchors
  std::int32_t view = 0;    ///< index into the views; terms are sorted by it
  bool positive = false;
  float weight = 1;  ///< multiplies loss and errors
};

/// What one term gave.
struct InnerProductResult {
  float score = 0;  ///< prediction . view, over all elements
  float loss = 0;   ///< weight * [margin - score]_+ (positive) or weight * [margin + score]_+ (negative)
  std::int32_t active = 0;
};

/// Hinge loss on inner products of R = 1 maps of `count` floats (CLAPP, Illing et al. 2021), summed over terms. With
/// y = 1 for a positive, -1 for a negative, and sums over active terms in their order:
///   view_error = f'(view) * sum of -y * weight * prediction,   f being the activation whose output is `view`,
///   prediction_error = sum of -y * weight * view.
struct InnerProductHinge {
  std::size_t count = 0;  ///< a multiple of 16: padding of the maps is zero and gives zero
  int anchors = 0, views = 0;
  std::span<const InnerProductTerm> terms;  ///< host memory
  float margin = 1;
  Activation activation = Activation::none;  ///< f
  ConstFloats prediction;                    ///< per anchor
  ConstFloats view;                          ///< per view
  Floats view_error;                         ///< per view, overwritten
  Flags view_active;                         ///< per view, overwritten
  Floats prediction_error;                   ///< per anchor, overwritten
  Flags anchor_active;                       ///< per anchor, overwritten
  InnerProductResult* results = nullptr;     ///< [terms.size()] in device memory
};

/// SimCLR loss, eq. 1, with the mean over the batch of each branch added; R = 1 embeddings [n][lanes] of both branches.
struct SimClr {
  int embedding = 64;
  int pairs = 0;
  float temperature = 0.1f;
  ConstFloats a, b;
  Floats a_error, b_error;
  float* loss = nullptr;  ///< one float in device memory
};

/// Softmax cross-entropy, mean over the views; logits = scores + bias.
struct CrossEntropy {
  int classes = 10;
  Extent extent;
  ConstFloats scores;    ///< lanes(classes) per view
  ConstFloats bias;      ///< lanes(classes) per replica
  ConstFlags labels;     ///< one per view, 0 <= label < classes
  Floats error;          ///< derivative with respect to the scores, lanes(classes) per view
  Floats bias_gradient;  ///< sum of the errors over the views in order
  Floats loss;           ///< one per replica
  Flags correct;         ///< one per replica: number of views whose largest score is the label's (first of equals)
};

/// Gradient of softmax regression, a linear classifier with bias under cross-entropy, on some rows of a table. A batch
/// of rows is larger than any cache: scores, errors and gradient together need each row once.
///   scores = weights features + bias,  error = (softmax(scores) - [label]) / views,
///   gradient = sum over the views in order of error (x) features,  bias_gradient = sum of the errors.
struct SoftmaxRegression {
  ClassifierShape shape;
  Extent extent;
  ConstFloats table;                     ///< shape.features floats a row, rows as views
  const std::uint32_t* index = nullptr;  ///< the row that is view 0, 1, ...: host memory, the same for every replica
  ConstFlags labels;                     ///< one per view, 0 <= label < classes
  ConstFloats weights;                   ///< shape.weights() per replica
  ConstFloats bias;                      ///< shape.lanes() per replica
  Floats gradient;                       ///< of the weights
  Floats bias_gradient;
  Floats loss;  ///< one per replica: mean over the views
};

}  // namespace saccade
