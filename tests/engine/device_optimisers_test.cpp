#include "tests/reference/cases.h"
#include "tests/reference/optimisers.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

struct Data {
  std::size_t count;
  int replicas, views;
  std::vector<double> weights, feedback;         ///< [replica][count]
  std::vector<std::vector<double>> gradients;    ///< per step
  std::vector<std::vector<std::int32_t>> flags;  ///< per step: [replica][view]

  Data(std::size_t n, int r, int v, int steps, bool zero_weights) : count(n), replicas(r), views(v) {
    Draw draw(50);
    weights.resize(n * r);
    feedback.resize(n * r);
    if (!zero_weights) {
      draw.fill(weights, -1, 1);
      draw.fill(feedback, -1, 1);
    }
    for (int s = 0; s < steps; ++s) {
      gradients.emplace_back(n * r);
      draw.fill(gradients.back(), -2, 2);
      for (std::size_t i = 0; i < gradients.back().size(); i += 7) gradients.back()[i] = i % 2 == 0 ? 0 : 1e-6;
      flags.emplace_back();
      // Replica i learns when one of its views is active; in step s no view of replica (s mod 4) is.
      for (int i = 0; i < r; ++i)
        for (int j = 0; j < v; ++j) flags.back().push_back(i != s % 4 && (j + s) % v == 0);
    }
  }
  bool learns(int step, int replica, bool flagged) const { return !flagged || replica != step % 4; }
};

std::vector<float> floats(const std::vector<double>& v) {
  std::vector<float> r;
  for (double x : v) r.push_back(static_cast<float>(x));
  return r;
}

}  // namespace

TEST_CASE("sgd_step against the reference") {
  const std::vector<float> rates{0.01f, 0.03f, 0.002f};  // one per replica
  for (std::size_t count : {std::size_t{16}, std::size_t{144}, std::size_t{1008}, std::size_t{40000}})
    for (bool flagged : {false, true})
      for (bool learns : {false, true}) {
        CAPTURE(count);
        CAPTURE(flagged);
        CAPTURE(learns);
        const Data d(count, 3, 5, 1, false);
        on_all_devices(
            [&](Device& device) {
              const Guarded<float> w(device, count, 3, 1, floats(d.weights)),
                  f(device, count, 3, 1, floats(d.feedback)), g(device, count, 3, 1, floats(d.gradients[0]));
              const Guarded<std::int32_t> active(device, 1, 3, 5, d.flags[0]);
              const Guarded<float> rate(device, 1, 3, 1, rates);
              device.sgd_step({count,
                               {3, 5},
                               g.shared(),
                               flagged ? active.strided() : Flags{},
                               rate.shared(),
                               w.shared(),
                               learns ? f.shared() : Floats{}});
              CHECK((w.intact() && f.intact() && g.intact() && active.intact() && rate.intact()));
              return Outputs{{{"weights", w.read()}, {"feedback", f.read()}}, {}, {}};
            },
            [&](const Outputs& out) {
              for (const char* name : {"weights", "feedback"}) {
                CAPTURE(name);
                std::vector<double> want = std::string(name) == "weights" ? d.weights : d.feedback, scale;
                for (std::size_t i = 0; i < want.size(); ++i) {
                  const bool moves =
                      d.learns(0, static_cast<int>(i / count), flagged) && (learns || std::string(name) == "weights");
                  const double increment = static_cast<double>(rates[i / count]) * d.gradients[0][i];
                  scale.push_back(moves ? std::fabs(want[i]) + std::fabs(increment) : 0);  // 0: exactly as it was
                  if (moves) want[i] -= increment;
                }
                CHECK_CLOSE(compare(out.floats.at(name), want, scale, 2 * unit_roundoff));
              }
            });
      }
}

TEST_CASE("adam_step against the reference, 12 steps with gaps") {
  const int steps = 12, views = 5, replicas = 3;
  for (std::size_t count : {std::size_t{16}, std::size_t{144}, std::size_t{3008}})
    for (bool flagged : {false, true})
      for (bool zero_weights : {false, true}) {  // from zero, the increments' own precision shows
        CAPTURE(count);
        CAPTURE(flagged);
        CAPTURE(zero_weights);
        const Data d(count, replicas, views, steps, zero_weights);
        const std::vector<float> rates{1e-3f, 3e-3f, 2e-4f};  // one per replica
        std::vector<double> weights, feedback, first, second, scale(count * replicas);
        std::vector<std::int64_t> taken;
        for (int r = 0; r < replicas; ++r) {
          const auto part = [&](const std::vector<double>& v) {
            return std::vector<double>(v.begin() + static_cast<std::ptrdiff_t>(count) * r,
                                       v.begin() + static_cast<std::ptrdiff_t>(count) * (r + 1));
          };
          const auto rate = static_cast<double>(rates[static_cast<std::size_t>(r)]);
          Adam adam{rate, static_cast<double>(0.9f),  static_cast<double>(0.999f), static_cast<double>(1e-8f),
                    0,    std::vector<double>(count), std::vector<double>(count)};
          std::vector<double> w = part(d.weights), f = part(d.feedback);
          for (int s = 0; s < steps; ++s) {
            if (!d.learns(s, r, flagged)) continue;
            const std::vector<double> increments = adam.step(part(d.gradients[s]));
            for (std::size_t i = 0; i < count; ++i) {
              w[i] -= increments[i];
              f[i] -= increments[i];
              scale[count * r + i] += rate;  // an increment's size, which rounding of moments scales with
            }
          }
          weights.insert(weights.end(), w.begin(), w.end());
          feedback.insert(feedback.end(), f.begin(), f.end());
          first.insert(first.end(), adam.m.begin(), adam.m.end());
          second.insert(second.end(), adam.v.begin(), adam.v.end());
          taken.push_back(adam.t);
        }
        std::vector<std::int64_t> counted;
        on_all_devices(
            [&](Device& device) {
              const Guarded<float> w(device, count, replicas, 1, floats(d.weights)),
                  f(device, count, replicas, 1, floats(d.feedback)), m(device, count, replicas),
                  v(device, count, replicas);
              const Guarded<std::int64_t> t(device, 1, replicas);
              const Guarded<float> rate(device, 1, replicas, 1, rates);
              for (int s = 0; s < steps; ++s) {
                const Guarded<float> g(device, count, replicas, 1, floats(d.gradients[s]));
                const Guarded<std::int32_t> active(device, 1, replicas, views, d.flags[s]);
                AdamStep op;
                op.count = count;
                op.extent = {replicas, views};
                op.gradient = g.shared();
                op.active = flagged ? active.strided() : Flags{};
                op.rate = rate.shared();
                op.weights = w.shared();
                op.feedback = f.shared();
                op.first_moment = m.shared();
                op.second_moment = v.shared();
                op.steps = t.shared();
                device.adam_step(op);
                CHECK((g.intact() && active.intact()));
              }
              CHECK((w.intact() && f.intact() && m.intact() && v.intact() && t.intact() && rate.intact()));
              CHECK(t.read() == taken);
              return Outputs{
                  {{"weights", w.read()}, {"feedback", f.read()}, {"first", m.read()}, {"second", v.read()}}, {}, {}};
            },
            [&](const Outputs& out) {
              std::vector<double> one(count * replicas, 2.0), squares = second, w_scale = weights, f_scale = feedback;
              for (std::size_t i = 0; i < squares.size(); ++i) {
                // Weights are rounded once a step; an increment is off by a few u of the rate.
                w_scale[i] = std::fabs(weights[i]) + std::fabs(d.weights[i]) + scale[i];
                f_scale[i] = std::fabs(feedback[i]) + std::fabs(d.feedback[i]) + scale[i];
              }
              // A moment decays by beta and is rounded three times a step; gradients are at most 2 in size. The second
              // one is a sum of positive terms, so its own value is its scale.
              CHECK_CLOSE(compare(out.floats.at("first"), first, one, 12 * unit_roundoff));
              CHECK_CLOSE(compare(out.floats.at("second"), second, squares, 3 * steps * unit_roundoff));
              CHECK_CLOSE(compare(out.floats.at("weights"), weights, w_scale, (steps + 20) * unit_roundoff));
              CHECK_CLOSE(compare(out.floats.at("feedback"), feedback, f_scale, (steps + 20) * unit_roundoff));
            });
      }
}
