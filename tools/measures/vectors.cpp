#include "tools/measures/vectors.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace saccade {

const Tensor* find(const std::vector<Tensor>& tensors, const std::string& name) {
  const auto found = std::find_if(tensors.begin(), tensors.end(), [&](const Tensor& t) { return t.name == name; });
  return found == tensors.end() ? nullptr : &*found;
}

namespace {

Eigen::Map<const Eigen::VectorXf> vector(std::span<const float> a) {
  return {a.data(), static_cast<Eigen::Index>(a.size())};
}

void check_sizes(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) throw std::invalid_argument("vectors of different lengths");
}

}  // namespace

double inner_product(std::span<const float> a, std::span<const float> b) {
  check_sizes(a, b);
  return vector(a).cast<double>().dot(vector(b).cast<double>());
}

double norm(std::span<const float> a) { return std::sqrt(inner_product(a, a)); }

std::vector<float> difference(std::span<const float> a, std::span<const float> b) {
  check_sizes(a, b);
  std::vector<float> d(a.size());
  std::transform(a.begin(), a.end(), b.begin(), d.begin(), std::minus<>());
  return d;
}

double cosine(std::span<const float> a, std::span<const float> b) { return inner_product(a, b) / (norm(a) * norm(b)); }

}  // namespace saccade
