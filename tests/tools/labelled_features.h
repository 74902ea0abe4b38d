#pragma once
#include "models/linear_probe.h"
#include "tests/reference/cases.h"
#include "tests/reference/neighbours.h"

namespace saccade::test {

/// Invented features of images in `classes` classes: noise, and a mean for each class. Some features never vary.
inline reference::LabelledRows drawn_rows(int images, int features, int classes, std::uint64_t seed,
                                          double class_size = 1) {
  reference::LabelledRows x;
  x.classes = classes;
  reference::Draw means(77), draw(seed);
  std::vector<std::vector<double>> mean(static_cast<std::size_t>(classes));
  for (auto& m : mean)
    for (int f = 0; f < features; ++f) m.push_back(class_size * means.uniform(-1, 1));
  for (int i = 0; i < images; ++i) {
    x.labels.push_back((i * 7 + i / 3) % classes);
    std::vector<double>& row = x.rows.emplace_back();
    for (int f = 0; f < features; ++f)
      row.push_back(f % 11 == 5 ? 0.25
                                : static_cast<double>(static_cast<float>(
                                      mean[static_cast<std::size_t>(x.labels.back())][static_cast<std::size_t>(f)] +
                                      draw.uniform(-1.5, 1.5))));
  }
  return x;
}

inline Features on_device(Device& device, const reference::LabelledRows& x, MapShape shape) {
  Features features{shape.compact(),
                    {device, shape.features(), 1, static_cast<int>(x.rows.size())},
                    {x.labels.begin(), x.labels.end()},
                    x.classes};
  std::vector<float> all;
  for (const auto& row : x.rows)
    for (const double value : row) all.push_back(static_cast<float>(value));
  features.values.write(all);
  return features;
}

}  // namespace saccade::test
