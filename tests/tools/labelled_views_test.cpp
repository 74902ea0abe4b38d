#include "tools/run/labelled_views.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/error.h"

using namespace saccade;

namespace {

/// n grey images of 28x28, image i of brightness `first` + i and label i mod 10.
ImageSet images(const char* name, int n, int first) {
  ImageSet set{name, 28, 28, 1, {}, {}, {}};
  for (int i = 0; i < 10; ++i) set.classes.push_back(std::to_string(i));
  for (int i = 0; i < n; ++i) {
    set.labels.push_back(i % 10);
    set.pixels.insert(set.pixels.end(), 784, static_cast<std::uint8_t>(first + i));
  }
  return set;
}

Experiment experiment(const std::vector<std::string>& settings) {
  return parse_experiment("data = \"mnist\"", "test", settings);
}

/// Brightness of each image that the probe is tested on.
std::vector<int> shown(const LabelledViews& views) {
  std::vector<int> all;
  std::vector<float> pixels(784);
  for (std::size_t i = 0; i < views.images.count; ++i) {
    views.images.fill(i, pixels.data());
    all.push_back(static_cast<int>(pixels[400] * 255 + 0.5f));
  }
  return all;
}

}  // namespace

TEST_CASE("a probe is tested on the images for tests, or on training images that it is not trained on") {
  DataSet data;
  data.train = images("made", 50, 0);
  data.test = images("made", 20, 100);
  const LabelledViews tests = tested_views(experiment({}), data, false);
  CHECK(tests.images.count == 20);
  CHECK(shown(tests).front() == 100);
  CHECK(tests.which == "test images");

  const Experiment later = experiment({"probe.test_from=15"});
  CHECK(shown(tested_views(later, data, false)) == std::vector<int>{115, 116, 117, 118, 119});
  CHECK(tested_views(later, data, false).images.labels == std::vector<std::int32_t>{5, 6, 7, 8, 9});
  CHECK(tested_views(later, data, false).which == "test images from number 16 on");

  const Experiment held_out =
      experiment({"probe.test=train", "probe.images=30", "probe.test_from=40", "probe.test_images=3"});
  const LabelledViews held = tested_views(held_out, data, false);
  CHECK(shown(held) == std::vector<int>{40, 41, 42});
  CHECK(held.images.labels == std::vector<std::int32_t>{0, 1, 2});
  CHECK(held.which == "training images 41 to 43");
  CHECK(held.how == "plain");
  // Deformed, each image is warped as its number says, whatever is left out before it.
  std::vector<float> one(784), other(784);
  const Experiment from_39 =
      experiment({"probe.test=train", "probe.images=30", "probe.test_from=39", "probe.test_images=3"});
  tested_views(held_out, data, true).images.fill(0, one.data());
  tested_views(from_39, data, true).images.fill(1, other.data());
  CHECK(one == other);
  CHECK(one != std::vector<float>(784, one[400]));
}

TEST_CASE("a probe is not tested on what it is trained on, nor beyond the images that there are") {
  DataSet data;
  data.train = images("made", 50, 0);
  data.test = images("made", 20, 100);
  for (const auto& [settings, expected] :
       {std::pair{std::vector<std::string>{"probe.test_from=20"}, "20 images"},
        {{"probe.test=train", "probe.test_from=50", "probe.images=3"}, "50 images"},
        {{"probe.test=train", "probe.test_from=29", "probe.images=30"}, "trained on"},
        {{"probe.test=train", "probe.test_from=40", "probe.images=0"}, "trained on"}}) {
    std::string message;
    try {
      tested_views(experiment(settings), data, false);
    } catch (const InputError& error) {
      message = error.what();
    }
    CHECK(message.find(expected) != std::string::npos);
  }
}

TEST_CASE("a probe reads labelled images beyond those that are learned from when they are held out") {
  CHECK_FALSE(probe_reads_more(experiment({"images=40"})));
  CHECK_FALSE(probe_reads_more(experiment({"probe.test=train"})));
  CHECK(probe_reads_more(experiment({"images=40", "probe.test=train"})));
  CHECK(probe_reads_more(experiment({"probe.data=emnist-letters"})));
}
