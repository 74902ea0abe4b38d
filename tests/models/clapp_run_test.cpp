#include <doctest/doctest.h>

#include <optional>
#include <set>

#include "tests/models/clapp_support.h"

using namespace saccade;
using namespace saccade::test;

// Promises of a run: bits, resuming, doing nothing when nothing is active.
namespace {

/// Weights, optimiser state and W after `steps` steps; resumed from a checkpoint after `saved` steps unless it is 0.
std::string run_bits(Device& device, bool patches, int layer, bool synchronous, int steps, int saved = 0) {
  constexpr int images = 3;
  const NetworkSpec net = patches ? patch_network() : small_network();
  const Pairs shown = grating_pairs(net, images);
  const std::vector<float> grid = patches ? patches_of(net, images) : std::vector<float>{};
  const Heads heads = layer == end_to_end ? Heads::top_only : Heads::every_layer;
  ClappOptions options = patches ? ClappOptions::patch_grid() : ClappOptions{};
  options.rate = 1e-3f;
  options.synchronous = synchronous;
  Checkpoint checkpoint;
  const auto part = [&](int from, int to) {
    Parameters parameters(device, net, make_rule("bp"), heads, 3);
    const auto adam = make_adam(device, net, heads, {rates_of(net)});
    ClappStep step(device, parameters, images, options);
    if (from > 0) {
      parameters.load(device, checkpoint.tensors);
      adam->load(checkpoint);
      step.load(checkpoint);
    }
    for (int i = from; i < to; ++i) {
      if (patches)
        step.run(grid, layer, static_cast<std::uint64_t>(i), *adam);
      else
        step.run(shown.a, shown.b, layer, static_cast<std::uint64_t>(i), *adam);
    }
    checkpoint = {};
    parameters.save(checkpoint.tensors);
    adam->save(checkpoint);
    step.save(checkpoint);
  };
  part(0, saved > 0 ? saved : steps);
  if (saved > 0) part(saved, steps);
  return fingerprint(checkpoint);
}

}  // namespace

namespace {

std::vector<InnerProductTerm> pair_terms(int negatives, ClappUpdate which = ClappUpdate::both) {
  std::vector<InnerProductTerm> terms(3);  // what was there goes
  clapp_pair_terms(10, negatives, which, terms);
  return terms;
}

std::vector<InnerProductTerm> patch_terms(std::uint64_t step) {
  std::vector<InnerProductTerm> terms;
  clapp_patch_terms(4, 16, 1, step, ClappUpdate::negatives, terms);
  return terms;
}

}  // namespace

TEST_CASE("CLAPP: the same bits with 1, 2 and 5 threads, with avx2 and avx512, and after resuming") {
  std::set<std::string> seen;
  for (bool patches : {false, true})
    for (int layer : {end_to_end, 1})
      for (bool synchronous : {true, false}) {
        CAPTURE(patches);
        CAPTURE(layer);
        CAPTURE(synchronous);
        std::optional<std::string> first;
        for (const std::string isa : {"avx512", "avx2"})
          for (int threads : {1, 2, 5}) {
            Device* device = ref::cpu_device(isa, threads);
            if (device == nullptr) continue;
            const std::string bits = run_bits(*device, patches, layer, synchronous, 4);
            if (!first) {
              first = bits;
              CHECK(run_bits(*device, patches, layer, synchronous, 4, 2) == bits);
            }
            CHECK(bits == *first);
          }
        if (first) CHECK_MESSAGE(seen.insert(*first).second, "the settings do not matter");
      }
}

TEST_CASE("CLAPP: without terms nothing moves; a file without W is refused; the wrong pixels too") {
  const auto device = make_cpu_device(1);
  const NetworkSpec net = small_network();
  Parameters parameters(*device, net, make_rule("bp"), Heads::top_only, 3);
  const auto adam = make_adam(*device, net, Heads::top_only, {rates_of(net)});
  ClappOptions options;
  options.synchronous = false;
  ClappStep step(*device, parameters, 1, options);  // one pair has no negatives
  const Pairs pair = grating_pairs(net, 1);
  Checkpoint before;
  parameters.save(before.tensors), adam->save(before), step.save(before);
  std::uint64_t number = 0;
  while (clapp_update(false, options.seed, number) != ClappUpdate::negatives) ++number;
  CHECK(step.run(pair.a, pair.b, end_to_end, number, *adam) == 0);
  Checkpoint after;
  parameters.save(after.tensors), adam->save(after), step.save(after);
  CHECK(fingerprint(after) == fingerprint(before));
  CHECK(step.negatives().terms == 0);
  while (clapp_update(false, options.seed, number) != ClappUpdate::positives) ++number;
  step.run(pair.a, pair.b, end_to_end, number, *adam);
  CHECK(step.positives().terms == 1);

  CHECK(before.find_tensor("clapp.3.weight") != nullptr);
  CHECK(before.find_tensor("clapp.2.weight") == nullptr);
  CHECK_THROWS_AS(step.load(Checkpoint{}), InputError);
  CHECK_THROWS_AS(step.run(pair.a, pair.b, 0, 0, *adam), std::invalid_argument);  // no head there, so no W
  CHECK_THROWS_AS(step.run(pair.a, end_to_end, 0, *adam), std::invalid_argument);
  CHECK_THROWS_AS(step.run(pair.a, {}, end_to_end, 0, *adam), std::invalid_argument);
  CHECK_THROWS_AS(ClappStep(*device, parameters, 0, options), std::invalid_argument);
}

TEST_CASE("CLAPP terms: means over the whole batch, no wrap-around, fair draws that differ from step to step") {
  const std::vector<InnerProductTerm> pairs = pair_terms(4);
  int negatives_of[10] = {};
  double weights[2] = {0, 0};
  for (const InnerProductTerm& term : pairs) {
    weights[term.positive] += static_cast<double>(term.weight);
    if (term.positive) {
      CHECK(term.view == term.anchor + 10);
    } else {
      ++negatives_of[term.anchor];
      CHECK((term.view - 10 > term.anchor && term.view - 10 <= term.anchor + 4));
    }
  }
  CHECK(std::vector<int>(negatives_of, negatives_of + 10) == std::vector<int>{4, 4, 4, 4, 4, 4, 3, 2, 1, 0});
  for (double sum : weights) CHECK(sum == doctest::Approx(1));
  CHECK(pair_terms(-1).size() == 100);
  CHECK(pair_terms(4, ClappUpdate::positives).size() == 10);
  CHECK(pair_terms(4, ClappUpdate::negatives).size() == 30);

  const auto views_of = [](std::uint64_t step) {
    std::vector<int> drawn;
    for (const InnerProductTerm& t : patch_terms(step)) drawn.push_back(t.view);
    return drawn;
  };
  const std::vector<int> drawn = views_of(0);
  CHECK(drawn.size() == 4 * 105 * 16);
  CHECK(drawn != views_of(1));
  CHECK(drawn == views_of(0));
  std::vector<int> times(4 * 49);
  for (int view : drawn) ++times[static_cast<std::size_t>(view)];
  // 34.3 expected; a Poisson count is within 6 standard deviations
  CHECK(*std::min_element(times.begin(), times.end()) > 5);
  CHECK(*std::max_element(times.begin(), times.end()) < 70);
  int positive = 0;
  for (std::uint64_t step = 0; step < 1000; ++step) positive += clapp_update(false, 1, step) == ClappUpdate::positives;
  CHECK(positive > 420);  // 500 +- 16
  CHECK(positive < 580);
}

TEST_CASE("CLAPP learns: its loss falls, layer-wise and end to end, on pairs and on patches") {
  const auto device = make_cpu_device(2);
  for (bool patches : {false, true})
    for (int layer : {end_to_end, 1}) {
      CAPTURE(patches);
      CAPTURE(layer);
      const NetworkSpec net = patches ? patch_network() : small_network();
      const Heads heads = layer == end_to_end ? Heads::top_only : Heads::every_layer;
      Parameters parameters(*device, net, make_rule("bp"), heads, 3);
      const auto adam = make_adam(*device, net, heads, {rates_of(net, 3e-3f)});
      ClappOptions options = patches ? ClappOptions::patch_grid() : ClappOptions{};
      options.rate = 3e-3f;
      const int images = patches ? 2 : 6;
      ClappStep step(*device, parameters, images, options);
      const Pairs shown = grating_pairs(net, images);
      const std::vector<float> grid = patches ? patches_of(net, images) : std::vector<float>{};
      double first = 0, last = 0;
      for (std::uint64_t i = 0; i < 60; ++i) {
        last = patches ? step.run(grid, layer, i, *adam) : step.run(shown.a, shown.b, layer, i, *adam);
        if (i == 0) first = last;
      }
      MESSAGE("loss " << first << " to " << last);
      CHECK(last < 0.6 * first);
    }
}
