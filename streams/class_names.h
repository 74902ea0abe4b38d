#pragma once
#include <string>
#include <vector>

/// Names of the classes in label order, as the data sets' authors give them (batches.meta.txt, fine_label_names.txt,
/// class_names.txt, the Fashion-MNIST article).
namespace saccade {

std::vector<std::string> cifar10_classes();
std::vector<std::string> cifar100_classes();
std::vector<std::string> stl10_classes();
std::vector<std::string> digit_classes();
std::vector<std::string> letter_classes();
std::vector<std::string> fashion_classes();

}  // namespace saccade
