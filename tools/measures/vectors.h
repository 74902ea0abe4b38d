#pragma once
#include <span>
#include <string>
#include <vector>

#include "engine/tensor.h"

/// Weights and gradients as vectors: named tensors, and their inner products in double precision.
namespace saccade {

inline std::string conv_name(int layer) { return "conv." + std::to_string(layer) + ".weight"; }
inline std::string head_name(int layer) { return "head." + std::to_string(layer) + ".weight"; }

/// Null when there is none of this name.
const Tensor* find(const std::vector<Tensor>& tensors, const std::string& name);

double inner_product(std::span<const float> a, std::span<const float> b);
double norm(std::span<const float> a);
std::vector<float> difference(std::span<const float> a, std::span<const float> b);
/// a . b / (|a| |b|); NaN where one of them is zero.
double cosine(std::span<const float> a, std::span<const float> b);

}  // namespace saccade
