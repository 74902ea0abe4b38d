#include "models/target_propagation.h"
#include "tests/models/support.h"

using namespace saccade;
using namespace saccade::test;

namespace {

/// Steps [begin, end) of a run of 45 pairs (90 views are two parts), from and to a checkpoint.
Checkpoint run(Device& device, int begin, int end, const Checkpoint& from) {
  using enum Activation;
  constexpr Downsample stride = Downsample::stride;
  const NetworkSpec net{"odd", 3, 11, 9, {{20, stride, hardtanh}, {33, Downsample::none, relu}, {17, stride, tanh}},
                        20};
  Parameters parameters(device, net, make_rule("dtp"), Heads::top_only, 3);
  TargetPropagation dtp(device, parameters, {.noise = 0.1f, .feedback_steps = 2}, 4, 90);
  const auto adam =
      make_adam(device, net, Heads::top_only, {{std::vector<float>(3, 1e-3f), std::vector<float>(3, 1e-3f)}});
  if (begin > 0) {
    parameters.load(device, from.tensors);
    dtp.load(from);
    adam->load(from);
  }
  PairStep step(device, parameters, 45, dtp);
  PairStepOptions options;
  options.block = false;
  for (int i = begin; i < end; ++i) {
    const Pairs pairs = grating_pairs(net, 45, 0.1 * i);
    step.run(pairs.a, pairs.b, options, *adam);
  }
  Checkpoint to;
  parameters.save(to.tensors);
  dtp.save(to);
  adam->save(to);
  return to;
}

}  // namespace

TEST_CASE("dtp: the same bits for any number of threads and across saving") {
  const auto device = make_cpu_device(1);
  const std::string whole = fingerprint(run(*device, 0, 4, {}));
  for (int threads : {2, 5}) CHECK(fingerprint(run(*make_cpu_device(threads), 0, 4, {})) == whole);
  const Checkpoint half = run(*device, 0, 2, {});
  CHECK(fingerprint(half) != whole);
  CHECK(fingerprint(run(*device, 2, 4, half)) == whole);
  Checkpoint other = half;
  for (auto& integers : other.integers)
    if (integers.name == "dtp.noise_draws") integers.values[0] += 1;
  CHECK(fingerprint(run(*device, 2, 4, other)) != whole);
  other.integers.clear();
  CHECK_THROWS_AS(run(*device, 2, 4, other), InputError);
  other = half;
  other.tensors.pop_back();
  std::erase_if(other.tensors, [](const Tensor& t) { return t.name == "dtp.conv.1.weight"; });
  CHECK_THROWS_AS(run(*device, 2, 4, other), InputError);
}
