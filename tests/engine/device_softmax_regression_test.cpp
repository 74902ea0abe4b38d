#include "tests/reference/cases.h"
#include "tests/reference/losses.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

struct Case {
  int features, classes, replicas, rows, views;
};

/// One feature, tails of a vector and of a slice of 1024, groups of 4 to 64 views and rests of them, a table with rows
/// that are views twice.
const std::vector<Case> cases = {{1, 1, 1, 1, 1},      {16, 2, 1, 9, 3},      {37, 10, 3, 9, 40},
                                 {1030, 5, 1, 20, 66}, {2048, 6, 1, 70, 150}, {8192, 10, 1, 40, 37},
                                 {40000, 3, 2, 7, 13}};

/// Classifier, rows and what should come of them, per replica, with a bound on the error of each number.
struct Want {
  Matrix table, weights, gradient, gradient_limit;
  std::vector<double> bias, bias_gradient, bias_limit;
  double loss = 0, loss_limit = 0;
};

Want make(const Case& c, const std::vector<std::uint32_t>& index, const std::vector<int>& labels, Draw& draw) {
  Want w;
  w.table = Matrix(c.rows, c.features);
  draw.fill(w.table.v, -1, 1);
  w.weights = Matrix(c.classes, c.features);
  const double bound = 3 / std::sqrt(c.features);
  draw.fill(w.weights.v, -bound, bound);
  w.bias.resize(static_cast<std::size_t>(c.classes));
  draw.fill(w.bias, -1, 1);
  Matrix scores(c.views, c.classes);
  std::vector<double> score_error(static_cast<std::size_t>(c.views), 0.0);
  for (int v = 0; v < c.views; ++v)
    for (int k = 0; k < c.classes; ++k) {
      double sum_of_sizes = 0;
      for (int f = 0; f < c.features; ++f) {
        const double term = w.weights.at(k, f) * w.table.at(static_cast<int>(index[v]), f);
        scores.at(v, k) += term;
        sum_of_sizes += std::fabs(term);
      }
      score_error[v] = std::max(score_error[v], sum_bound(c.features) * sum_of_sizes);
    }
  const CrossEntropyOut out = cross_entropy(scores, w.bias, labels);
  w.loss = out.loss;
  w.loss_limit = 2 * unit_roundoff * (out.loss_scale + 1);
  w.bias_gradient = out.bias_gradient;
  w.bias_limit.resize(static_cast<std::size_t>(c.classes), 0.0);
  w.gradient = w.gradient_limit = Matrix(c.classes, c.features);
  for (int v = 0; v < c.views; ++v) {
    w.loss_limit += 2 * score_error[v] / c.views;  // |d loss / d scores|_1 <= 2 / views
    for (int k = 0; k < c.classes; ++k) {
      // An error is a share whose relative change is at most twice that of the scores, then rounded.
      const double limit = out.error_scale.at(v, k) * (2 * score_error[v] + 2 * unit_roundoff);
      w.bias_limit[k] += limit + unit_roundoff * out.error_scale.at(v, k);
      for (int f = 0; f < c.features; ++f) {
        const double x = w.table.at(static_cast<int>(index[v]), f);
        w.gradient.at(k, f) += out.error.at(v, k) * x;
        w.gradient_limit.at(k, f) += std::fabs(x) * (limit + sum_bound(c.views) * std::fabs(out.error.at(v, k)));
      }
    }
  }
  return w;
}

std::vector<float> floats(const std::vector<double>& values) { return {values.begin(), values.end()}; }

/// Rows of `size` floats, zero beyond those of the matrix.
std::vector<double> padded(const Matrix& matrix, std::size_t size) {
  std::vector<double> rows(static_cast<std::size_t>(matrix.rows) * size);
  for (int r = 0; r < matrix.rows; ++r)
    for (int c = 0; c < matrix.columns; ++c) rows[r * size + c] = matrix.at(r, c);
  return rows;
}

void append(std::vector<float>& to, const std::vector<float>& more) { to.insert(to.end(), more.begin(), more.end()); }

}  // namespace

TEST_CASE("softmax_regression against the reference") {
  for (const Case& c : cases) {
    CAPTURE(c.features);
    CAPTURE(c.classes);
    CAPTURE(c.views);
    Draw draw(43);
    std::vector<std::uint32_t> index;
    std::vector<int> labels;
    for (int v = 0; v < c.views; ++v) {
      index.push_back(static_cast<std::uint32_t>(v * 5 % c.rows));
      labels.push_back(draw.below(c.classes));
    }
    const ClassifierShape shape{static_cast<std::size_t>(c.features), c.classes};
    std::vector<Want> want;
    std::vector<float> table, weights, bias;
    std::vector<std::int32_t> chosen;
    for (int r = 0; r < c.replicas; ++r) {
      want.push_back(make(c, index, labels, draw));
      append(table, floats(want[r].table.v));
      append(weights, floats(padded(want[r].weights, shape.weights_of_class())));
      append(bias, floats(want[r].bias));
      bias.resize(static_cast<std::size_t>(r + 1) * shape.lanes());
      chosen.insert(chosen.end(), labels.begin(), labels.end());
    }
    on_all_devices(
        [&](Device& device) {
          const Guarded<float> x(device, shape.features, c.replicas, c.rows, table);
          const Guarded<float> w(device, shape.weights(), c.replicas, 1, weights);
          const Guarded<float> b(device, static_cast<std::size_t>(shape.lanes()), c.replicas, 1, bias);
          const Guarded<std::int32_t> l(device, 1, c.replicas, c.views, chosen);
          const Guarded<float> gradient(device, shape.weights(), c.replicas, 1,
                                        std::vector<float>(shape.weights() * c.replicas, 7.0f));
          const Guarded<float> bias_gradient(device, static_cast<std::size_t>(shape.lanes()), c.replicas, 1,
                                             std::vector<float>(bias.size(), 7.0f));
          const Guarded<float> loss(device, 1, c.replicas);
          device.softmax_regression({shape,
                                     {c.replicas, c.views},
                                     x.strided(),
                                     index.data(),
                                     l.strided(),
                                     w.shared(),
                                     b.shared(),
                                     gradient.shared(),
                                     bias_gradient.shared(),
                                     loss.shared()});
          CHECK((x.intact() && w.intact() && b.intact() && l.intact() && gradient.intact() && bias_gradient.intact() &&
                 loss.intact()));
          return Outputs{
              {{"gradient", gradient.read()}, {"bias", bias_gradient.read()}, {"loss", loss.read()}}, {}, {}};
        },
        [&](const Outputs& out) {
          for (int r = 0; r < c.replicas; ++r) {
            CAPTURE(r);
            const auto part = [&](const char* name, std::size_t size) {
              const auto from = out.floats.at(name).begin() + static_cast<std::ptrdiff_t>(size) * r;
              return std::vector<float>(from, from + static_cast<std::ptrdiff_t>(size));
            };
            const std::size_t of_class = shape.weights_of_class(), lanes = static_cast<std::size_t>(shape.lanes());
            // Padding is zero: so is the limit there.
            CHECK_CLOSE(compare(part("gradient", shape.weights()), padded(want[r].gradient, of_class),
                                padded(want[r].gradient_limit, of_class), 1));
            std::vector<double> bias_gradient = want[r].bias_gradient, bias_limit = want[r].bias_limit;
            bias_gradient.resize(lanes);
            bias_limit.resize(lanes);
            CHECK_CLOSE(compare(part("bias", lanes), bias_gradient, bias_limit, 1));
            CHECK_CLOSE(compare(part("loss", 1), {want[r].loss}, {want[r].loss_limit}, 1));
          }
        });
  }
}
