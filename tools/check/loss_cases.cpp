#include <fmt/format.h>

#include <cmath>
#include <numeric>

#include "tools/check/device_check.h"

/// Losses on embeddings, maps and scores of the network's sizes.
namespace saccade::check {
namespace {

constexpr int classes = 10;

/// Every view with one positive and two negative anchors, one anchor for three views.
template <class Term, class Complete>
std::vector<Term> make_terms(int views, int anchors, const Complete& complete) {
  std::vector<Term> terms;
  for (int view = 0; view < views; ++view)
    for (int i = 0; i < 3; ++i) {
      Term term;
      term.anchor = (view / 3 + i) % anchors;
      term.view = view;
      term.positive = i == 0;
      term.weight = term.positive ? 1.0f : 0.25f;
      complete(term);
      terms.push_back(term);
    }
  return terms;
}

int anchors_of(int views) { return (views + 2) / 3; }

/// Margins near the distances and scores of random embeddings, so that some terms are active and some are not.
void contrastive_hinge(Trial& t, int embedding, const Extent& extent, bool anchor_errors, bool noisy = false) {
  std::vector<HingeTerm> terms;
  for (int r = 0; r < extent.replicas; ++r)
    for (const HingeTerm& term : make_terms<HingeTerm>(extent.views, anchors_of(extent.views), [r](HingeTerm& own) {
           own.trace = own.anchor % 2 == 0 ? 1.0f : 0.8f;
           if ((own.anchor + r) % 5 == 4) own.weight = 0;  // a replica may leave terms out
         }))
      terms.push_back(term);
  const Extent anchors{extent.replicas, anchors_of(extent.views)};
  const auto lanes = static_cast<std::size_t>(round_up_to_lanes(embedding));
  const auto &anchor = t.rows(1, embedding, anchors), &view = t.rows(1, embedding, extent),
             &view_error = t.zeros<float>(lanes, extent), &anchor_error = t.zeros<float>(lanes, anchors);
  const DeviceBuffer<float>* noise = noisy ? &t.rows(1, embedding, anchors) : nullptr;
  const auto &view_active = t.zeros<std::int32_t>(1, extent), &anchor_active = t.zeros<std::int32_t>(1, anchors);
  const auto& results =
      t.zeros<HingeResult>(terms.size() / static_cast<std::size_t>(extent.replicas), {extent.replicas, 1});
  const float mean_distance = 2.0f / 3 * static_cast<float>(embedding);
  ContrastiveHinge op;
  op.embedding = embedding;
  op.replicas = extent.replicas;
  op.anchors = anchors.views;
  op.views = extent.views;
  op.positive_margin = op.negative_margin = mean_distance;
  op.anchor_embedding = anchor.strided();
  op.view_embedding = view.strided();
  op.view_error = view_error.strided();
  op.view_active = view_active.strided();
  if (anchor_errors) op.anchor_error = anchor_error.strided(), op.anchor_active = anchor_active.strided();
  op.results = results.shared();
  if (noise) op.noise = noise->strided();
  t.call = [&t, op, terms]() mutable {
    op.terms = terms;
    t.device().contrastive_hinge(op);
  };
  t.compare(results, same_bits, [](const HingeResult& result, std::vector<float>& numbers) {
    numbers.insert(numbers.end(), {result.distance, result.loss, static_cast<float>(result.active)});
  });
  t.compare(view_error, same_bits);
  t.compare(anchor_error, same_bits);
  t.compare(view_active, same_bits);
  t.compare(anchor_active, same_bits);
}

void inner_product_hinge(Trial& t, const MapShape& shape, int views, Activation activation) {
  const auto terms = make_terms<InnerProductTerm>(views, anchors_of(views), [](InnerProductTerm&) {});
  const Extent extent{1, views}, anchors{1, anchors_of(views)};
  const auto &prediction = t.maps(shape, anchors), &view = t.maps(shape, extent, activation),
             &view_error = t.zeros<float>(shape.size(), extent),
             &prediction_error = t.zeros<float>(shape.size(), anchors);
  const auto &view_active = t.zeros<std::int32_t>(1, extent), &anchor_active = t.zeros<std::int32_t>(1, anchors);
  const auto& results = t.zeros<InnerProductResult>(terms.size(), {});
  InnerProductHinge op;
  op.count = shape.size();
  op.anchors = anchors.views;
  op.views = views;
  op.margin = 1;
  op.activation = activation;
  op.prediction = prediction.strided();
  op.view = view.strided();
  op.view_error = view_error.strided();
  op.view_active = view_active.strided();
  op.prediction_error = prediction_error.strided();
  op.anchor_active = anchor_active.strided();
  op.results = results.data();
  t.call = [&t, op, terms]() mutable {
    op.terms = terms;
    t.device().inner_product_hinge(op);
  };
  t.compare(results, rounding, [](const InnerProductResult& result, std::vector<float>& numbers) {
    numbers.insert(numbers.end(), {result.score, result.loss, static_cast<float>(result.active)});
  });
  t.compare(view_error);
  t.compare(prediction_error);
  t.compare(view_active, same_bits);
  t.compare(anchor_active, same_bits);
}

void simclr(Trial& t, int embedding, int pairs) {
  const Extent extent{1, pairs};
  const auto lanes = static_cast<std::size_t>(round_up_to_lanes(embedding));
  const auto &a = t.rows(1, embedding, extent), &b = t.rows(1, embedding, extent),
             &a_error = t.zeros<float>(lanes, extent), &b_error = t.zeros<float>(lanes, extent),
             &loss = t.zeros<float>(1, {});
  t.calls<SimClr>(&Device::simclr, {embedding, pairs, 0.1f, a.strided(), b.strided(), a_error.strided(),
                                    b_error.strided(), loss.data()});
  t.compare(a_error);
  t.compare(b_error);
  t.compare(loss);
}

std::vector<std::int32_t> labels(const Extent& extent) {
  std::vector<std::int32_t> all(static_cast<std::size_t>(extent.replicas) * extent.views);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int32_t>(i * 7 % classes);
  return all;
}

void cross_entropy(Trial& t, const Extent& extent) {
  const Extent each{extent.replicas, 1};
  const auto lanes = static_cast<std::size_t>(round_up_to_lanes(classes));
  const auto &scores = t.rows(1, classes, extent, {-4, 4, 0}), &bias = t.rows(1, classes, each),
             &error = t.zeros<float>(lanes, extent), &bias_gradient = t.zeros<float>(lanes, each),
             &loss = t.zeros<float>(1, each);
  const auto &label = t.put(labels(extent), 1, extent), &correct = t.zeros<std::int32_t>(1, each);
  t.calls<CrossEntropy>(&Device::cross_entropy,
                        {classes, extent, scores.strided(), bias.shared(), label.strided(), error.strided(),
                         bias_gradient.shared(), loss.shared(), correct.shared()});
  t.compare(error);
  t.compare(bias_gradient);
  t.compare(loss);
  t.compare(correct, same_bits);
}

/// Every row of the table is a view of it, in another order.
void softmax_regression(Trial& t, std::size_t features, const Extent& extent) {
  const ClassifierShape shape{features, classes};
  const Extent each{extent.replicas, 1};
  const auto lanes = static_cast<std::size_t>(shape.lanes());
  const float bound = 1 / std::sqrt(static_cast<float>(features));
  const auto &table = t.floats(features, extent), &weights = t.zeros<float>(shape.weights(), each),
             &bias = t.rows(1, classes, each), &gradient = t.zeros<float>(shape.weights(), each),
             &bias_gradient = t.zeros<float>(lanes, each), &loss = t.zeros<float>(1, each);
  std::vector<float> values = t.host_floats(weights.elements(), {-bound, bound, 0});
  for (std::size_t i = 0; i < values.size(); ++i)
    if (i % shape.weights_of_class() >= features) values[i] = 0;
  weights.write(values);
  std::vector<std::uint32_t> index(static_cast<std::size_t>(extent.views));
  std::iota(index.rbegin(), index.rend(), 0u);
  const auto& label = t.put(labels(extent), 1, extent);
  SoftmaxRegression op{shape,
                       extent,
                       table.strided(),
                       nullptr,
                       label.strided(),
                       weights.shared(),
                       bias.shared(),
                       gradient.shared(),
                       bias_gradient.shared(),
                       loss.shared()};
  t.call = [&t, op, index]() mutable {
    op.index = index.data();
    t.device().softmax_regression(op);
  };
  t.compare(gradient);
  t.compare(bias_gradient);
  t.compare(loss);
}

}  // namespace

std::vector<Case> loss_cases(const NetworkSpec& network, int views) {
  const Extent one{1, views}, three{3, (views + 2) / 3};
  const int embedding = network.embedding, top = network.depth() - 1;
  const MapShape map = network.map(top + 1);
  const Activation activation = network.conv(top).activation;
  const std::size_t features = network.head(top).in.features();
  return {
      {"contrastive_hinge", "blocked", [=](Trial& t) { contrastive_hinge(t, embedding, one, false); }},
      {"contrastive_hinge", "anchor errors", [=](Trial& t) { contrastive_hinge(t, embedding, one, true); }},
      {"contrastive_hinge", "anchor errors, noise",
       [=](Trial& t) { contrastive_hinge(t, embedding, one, true, true); }},
      {"contrastive_hinge", "anchor errors, R=3", [=](Trial& t) { contrastive_hinge(t, embedding, three, true); }},
      {"inner_product_hinge", fmt::format("layer {}", top),
       [=](Trial& t) { inner_product_hinge(t, map, views, activation); }},
      {"simclr", fmt::format("{} pairs", views), [=](Trial& t) { simclr(t, embedding, views); }},
      {"cross_entropy", "10 classes", [=](Trial& t) { cross_entropy(t, one); }},
      {"cross_entropy", "10 classes, R=3", [=](Trial& t) { cross_entropy(t, three); }},
      {"softmax_regression", fmt::format("{} features", features),
       [=](Trial& t) { softmax_regression(t, features, one); }},
      {"softmax_regression", fmt::format("{} features, R=3", features),
       [=](Trial& t) { softmax_regression(t, features, three); }},
  };
}

}  // namespace saccade::check
