#include "models/target_propagation.h"

#include "engine/random.h"
#include "tests/models/support.h"
#include "tests/reference/target_propagation.h"

using namespace saccade;
using namespace saccade::test;

namespace {

constexpr int count = 5;

/// Odd sizes, halved both ways, channels that are no multiples of 16, every activation.
NetworkSpec odd_network(Downsample down) {
  using enum Activation;
  constexpr Downsample dense = Downsample::none;
  return {"odd", 3, 11, 9, {{20, dense, hardtanh}, {33, down, relu}, {20, down, tanh}, {17, dense, none}}, 20};
}

std::vector<double> numbers(const Checkpoint& c, const std::string& name) {
  const std::vector<float>& data = c.tensor(name).data;
  return {data.begin(), data.end()};
}

ref::Inverses inverses(const NetworkSpec& net, const Checkpoint& c) {
  ref::Inverses g;
  g.convs.emplace_back();
  for (int l = 1; l < net.depth(); ++l) {
    g.convs.emplace_back(net.conv(l).out.channels, net.conv(l).in.channels);
    g.convs.back().v = numbers(c, "dtp.conv." + std::to_string(l) + ".weight");
  }
  g.head = ref::Matrix(net.embedding, static_cast<int>(net.map(net.depth()).features()));
  g.head.v = numbers(c, "dtp.head.weight");
  return g;
}

/// One call of learn() on views with a given error, and what the reference needs to say the same.
struct Step {
  NetworkSpec net;
  std::unique_ptr<Device> device = make_cpu_device(2);
  Parameters parameters;
  Activity activity;
  ref::Matrix error;
  ref::Active flags;
  DeviceBuffer<float> device_error;
  DeviceBuffer<std::int32_t> device_flags;
  Pairs pairs;

  Step(const NetworkSpec& network, ref::Active active)
      : net(network),
        parameters(*device, net, make_rule("dtp"), Heads::top_only, 3),
        activity(*device, net, count),
        error(count, net.embedding),
        flags(std::move(active)),
        device_error(*device, static_cast<std::size_t>(net.head(0).lanes()), 1, count),
        device_flags(*device, 1, 1, count),
        pairs(grating_pairs(net, count)) {
    scale_convolutions(*device, parameters, 2);
    ref::Draw draw(31);
    draw.fill(error.v, -1, 1);
    std::vector<float> rows;
    for (int v = 0; v < count; ++v)
      for (int e = 0; e < net.head(0).lanes(); ++e)
        rows.push_back(e < net.embedding ? static_cast<float>(error.at(v, e)) : 0);
    device_error.write(rows);
    if (!flags.empty()) device_flags.write({flags.begin(), flags.end()});
  }
  Views views() {
    show(*device, net, pairs.b, {activity, 0, count});
    ascend(*device, parameters, {activity, 0, count}, 0, net.depth());
    return {activity, 0, count};
  }
  ConstFlags active() const { return flags.empty() ? ConstFlags{} : ConstFlags(device_flags.strided()); }
  ref::Network network() const {
    ref::Network n = reference_network(net, tensors_of(parameters));
    return n;
  }
};

/// Targets amplify rounding: a difference t - x is as exact as x is. In these cases |x| / |t - x| is below 10 in every
/// layer (checked), on top of the hops of an error carried back.
constexpr double limit(int depth) { return (2 * depth + 3) * 7 * 2 * 10 * ref::unit_roundoff; }

double norm(const std::vector<double>& v) {
  double sum = 0;
  for (double x : v) sum += x * x;
  return std::sqrt(sum);
}

}  // namespace

TEST_CASE("dtp: gradients of the layers' losses against the reference") {
  constexpr double eta = 4;
  for (Downsample down : {Downsample::max_pool, Downsample::stride})
    for (const ref::Active& active : {ref::Active{}, ref::Active{1, 0, 1, 1, 0}}) {
      CAPTURE(static_cast<int>(down));
      Step step(odd_network(down), active);
      TargetPropagation dtp(*step.device, step.parameters, {.feedback_rate = 0, .target_step = eta}, 4, count);
      const Views views = step.views();
      GradientAccumulator gradients(*step.device, step.net);
      dtp.learn(end_to_end, views, step.device_error.strided(), step.active(), gradients);
      Checkpoint saved;
      dtp.save(saved);

      const ref::Network net = step.network();
      const ref::Activity x = ref::forward(net, net.depth() - 1, reference_images(step.net, step.pairs.b, count));
      const std::vector<ref::Images> t = ref::targets(net, inverses(step.net, saved), x, step.error, eta);
      const std::vector<Tensor> got = gradients.gradients();
      CHECK(got.size() == 5);
      for (const Tensor& tensor : got) {
        CAPTURE(tensor.name);
        const auto i = static_cast<std::size_t>(tensor.name[5] - '0');
        if (tensor.name.starts_with("head.")) {  // line 20: the head's loss is the loss itself
          CHECK_CLOSE(ref::compare_norm(tensor.data, ref::head_weight_gradient(x.maps[4], step.error, active).value.v,
                                        limit(4)));
          continue;
        }
        ref::Images local = x.maps[i + 1];
        std::vector<double> moved;
        for (std::size_t j = 0; j < local.v.size(); ++j) {
          const double y = x.maps[i + 1].v[j];
          moved.push_back(y - t[i + 1].v[j]);
          local.v[j] = 2 * moved.back() * ref::derivative(net.layers[i].activation, y);
        }
        CHECK(norm(moved) > 0.1 * norm(x.maps[i + 1].v));
        const std::vector<double> want = ref::conv_weight_gradient(x.maps[i], local, x.winners[i], active).value.v;
        CHECK_CLOSE(ref::compare_norm(tensor.data, want, limit(4)));
        // It is the derivative of the layer's own loss.
        ref::ConvWeights w = net.convs[i];
        for (std::size_t j = 5; j < w.v.size(); j += w.v.size() / 7) {
          const double slope = ref::central_difference(
              [&] { return ref::layer_loss(net.layers[i], w, x.maps[i], t[i + 1], active); }, w.v[j], 1e-6);
          CHECK(std::fabs(slope - want[j]) <= 1e-4 * norm(want) / std::sqrt(static_cast<double>(want.size())));
        }
      }
    }
}

TEST_CASE("dtp: the autoencoders' losses and their derivatives against the reference, without and with noise") {
  for (Downsample down : {Downsample::max_pool, Downsample::stride})
    for (float noise : {0.0f, 0.3f}) {
      CAPTURE(static_cast<int>(down));
      CAPTURE(noise);
      Step step(odd_network(down), {});
      TargetPropagation dtp(*step.device, step.parameters, {.feedback_rate = 0, .noise = noise}, 4, count);
      dtp.pretrain(step.views());
      Checkpoint saved;
      dtp.save(saved);
      const ref::Network net = step.network();
      ref::Inverses g = inverses(step.net, saved);
      const ref::Activity x = ref::forward(net, net.depth() - 1, reference_images(step.net, step.pairs.b, count));
      for (int l = 1; l <= net.depth(); ++l) {
        CAPTURE(l);
        const auto j = static_cast<std::size_t>(l);
        ref::Images below = x.maps[j];
        std::size_t place = 0;  // the order of a map: view, row, column, channel
        const saccade::Random random(4, Purpose::feedback_noise, static_cast<std::uint32_t>(l), 0);
        for (int v = 0; noise > 0 && v < below.n; ++v)
          for (int y = 0; y < below.h; ++y)
            for (int z = 0; z < below.w; ++z)
              for (int c = 0; c < below.c; ++c, ++place)
                below.at(v, c, y, z) += static_cast<double>(noise) * random.normal(static_cast<std::uint32_t>(place));
        const auto loss = [&] {
          const ref::Images r =
              l == net.depth()
                  ? ref::inverse_head(g.head, ref::head_forward(below, net.heads.back()).value, below)
                  : ref::inverse(
                        net, g, l,
                        ref::conv_forward(below, net.convs[j], net.layers[j].down, net.layers[j].activation).out,
                        below);
          double sum = 0;
          for (std::size_t i = 0; i < r.v.size(); ++i) sum += (r.v[i] - below.v[i]) * (r.v[i] - below.v[i]);
          return sum;
        };
        CHECK(std::fabs(dtp.autoencoder_loss(l) * count - loss()) <= 1e-5 * loss());
        // After one step Adam's first moment is a tenth of the gradient.
        std::vector<double>& w = l == net.depth() ? g.head.v : g.convs[j].v;
        const std::string name = l == net.depth() ? "dtp.head.weight" : "dtp.conv." + std::to_string(l) + ".weight";
        const std::vector<double> moment = numbers(saved, "adam.first." + name);
        std::vector<double> got, want;
        for (std::size_t i = 3; i < w.size(); i += w.size() / 12) {
          got.push_back(10 * moment[i]);
          want.push_back(ref::central_difference(loss, w[i], 1e-6));
        }
        CHECK(norm(want) > 0);
        CHECK_CLOSE(ref::compare_norm(got, want, 1e-4));
        CHECK(saved.integer_values("adam.steps." + name) == std::vector<std::int64_t>{1});
      }
    }
}

TEST_CASE("dtp: on a linear chain with exact inverses the targets have a closed form") {
  using enum Activation;
  constexpr Downsample dense = Downsample::none;
  constexpr float eta = 0.25f;
  const NetworkSpec net{"chain", 3, 5, 7, {{16, dense, none}, {16, dense, none}, {16, dense, none}}, 20};
  Step step(net, {});
  const double gain[3] = {1, 2, -4};  // f_l multiplies by it and moves every channel one further; g_l undoes it
  const auto set = [&](std::vector<float>& w, float value) {
    std::fill(w.begin(), w.end(), 0.0f);
    for (int c = 0; c < 16; ++c) w[static_cast<std::size_t>((((c + 1) % 16) * 16 + c) * 9 + 4)] = value;
  };
  std::vector<Tensor> tensors = tensors_of(step.parameters);
  for (Tensor& t : tensors)
    for (int l : {1, 2})
      if (t.name == "conv." + std::to_string(l) + ".weight") set(t.data, static_cast<float>(gain[l]));
  step.parameters.load(*step.device, tensors);
  TargetPropagation dtp(*step.device, step.parameters, {.feedback_rate = 0, .target_step = eta}, 4, count);
  Checkpoint saved;
  dtp.save(saved);
  for (Tensor& t : saved.tensors)
    for (int l : {1, 2})
      if (t.name == "dtp.conv." + std::to_string(l) + ".weight") set(t.data, static_cast<float>(1 / gain[l]));
  dtp.load(saved);
  GradientAccumulator gradients(*step.device, net);
  dtp.learn(end_to_end, step.views(), step.device_error.strided(), {}, gradients);
  for (int l : {1, 2}) CHECK(dtp.autoencoder_loss(l) == 0);

  const ref::Activity x = ref::forward(step.network(), 2, reference_images(net, step.pairs.b, count));
  // t_3 - x_3 = -eta G error, and below it the same through the inverses: divided by the gains, channels moved back.
  const ref::Images top = ref::inverse_head(inverses(net, saved).head, step.error, x.maps[3]);
  for (int layer = 2; layer >= 0; --layer) {
    CAPTURE(layer);
    ref::Images local = top;
    double factor = 2 * static_cast<double>(eta);
    for (int l = 2; l > layer; --l) factor /= gain[l];
    for (int v = 0; v < count; ++v)
      for (int c = 0; c < 16; ++c)
        for (int y = 0; y < top.h; ++y)
          for (int z = 0; z < top.w; ++z) local.at(v, c, y, z) = factor * top.at(v, (c + 2 - layer) % 16, y, z);
    const auto want = ref::conv_weight_gradient(x.maps[static_cast<std::size_t>(layer)], local, {}).value.v;
    CHECK_CLOSE(ref::compare_norm(gradients.gradients()[static_cast<std::size_t>(layer)].data, want, limit(3)));
  }
}

TEST_CASE("dtp: the autoencoders learn, noise or not; views without an error change g alone") {
  for (float noise : {0.0f, 0.1f}) {
    CAPTURE(noise);
    Step step(odd_network(Downsample::max_pool), {0, 0, 0, 0, 0});
    TargetPropagation dtp(*step.device, step.parameters, {.feedback_rate = 0.01f, .noise = noise}, 4, count);
    const std::vector<Tensor> before = tensors_of(step.parameters);
    const auto adam = make_adam(*step.device, step.net, Heads::top_only,
                                {{std::vector<float>(4, 0.1f), std::vector<float>(4, 0.1f)}});
    const Views views = step.views();
    std::vector<double> first;
    for (int i = 0; i < 40; ++i) {
      dtp.learn(end_to_end, views, step.device_error.strided(), step.active(), *adam);
      for (int l = 1; i == 0 && l <= 4; ++l) first.push_back(dtp.autoencoder_loss(l));
    }
    for (int l = 1; l <= 4; ++l) {
      CAPTURE(l);
      CHECK(dtp.autoencoder_loss(l) < 0.8 * first[static_cast<std::size_t>(l) - 1]);
    }
    const std::vector<Tensor> after = tensors_of(step.parameters);
    for (std::size_t i = 0; i < before.size(); ++i) CHECK(ref::same_bits(before[i].data, after[i].data));
  }
}

TEST_CASE("dtp is end to end, and belongs to batch mode") {
  Step step(odd_network(Downsample::stride), {});
  TargetPropagation dtp(*step.device, step.parameters, {}, 4, count);
  GradientAccumulator gradients(*step.device, step.net);
  CHECK_THROWS_AS(dtp.learn(1, step.views(), step.device_error.strided(), {}, gradients), InputError);
  CHECK_THROWS_AS(PairStep(*step.device, step.parameters, count), InputError);
  LearnerOptions options;
  options.rule = "dtp";
  options.schedule = "e2e";
  CHECK_THROWS_AS(OnlineLearner(*step.device, step.net, options), InputError);
}
