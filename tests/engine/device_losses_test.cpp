#include "tests/reference/cases.h"
#include "tests/reference/losses.h"

using namespace saccade;
using namespace saccade::reference;

TEST_CASE("simclr against the reference") {
  struct Case {
    int embedding, pairs;
    double temperature, size;
  };
  for (const Case& c : {Case{1, 2, 1, 1}, Case{5, 1, 0.5, 1}, Case{20, 7, static_cast<double>(0.1f), 1},
                        Case{64, 33, static_cast<double>(0.1f), 0.01}, Case{64, 12, static_cast<double>(0.1f), 30}}) {
    CAPTURE(c.embedding);
    CAPTURE(c.pairs);
    Draw draw(40);
    Matrix a(c.pairs, c.embedding), b(c.pairs, c.embedding);
    draw.fill(a.v, -c.size, c.size);
    draw.fill(b.v, -c.size, c.size);
    for (int e = 0; e < c.embedding && c.pairs > 2; ++e) b.at(2, e) = a.at(2, e);  // a perfect pair
    const PairLoss want = simclr(a, b, c.temperature);
    const RowShape rows{round_up_to_lanes(c.embedding)};
    on_all_devices(
        [&](Device& device) {
          const auto lanes = static_cast<std::size_t>(rows.lanes);
          const Guarded<float> x(device, lanes, 1, c.pairs, to_layout(rows, std::vector{a}));
          const Guarded<float> y(device, lanes, 1, c.pairs, to_layout(rows, std::vector{b}));
          const Guarded<float> x_error(device, lanes, 1, c.pairs, junk(rows, a, 1));
          const Guarded<float> y_error(device, lanes, 1, c.pairs, junk(rows, a, 1));
          const Guarded<float> loss(device, 1);
          device.simclr({c.embedding, c.pairs, static_cast<float>(c.temperature), x.strided(), y.strided(),
                         x_error.strided(), y_error.strided(), loss.strided().data});
          CHECK((x.intact() && y.intact() && x_error.intact() && y_error.intact() && loss.intact()));
          return Outputs{{{"a", x_error.read()}, {"b", y_error.read()}, {"loss", loss.read()}}, {}, {}};
        },
        [&](const Outputs& out) {
          CHECK(padding_is_zero(rows, out.floats.at("a"), a));
          CHECK(padding_is_zero(rows, out.floats.at("b"), b));
          // The CPU device computes in double and rounds once at the end; twice that for what the two routes differ in.
          const double limit = 2 * unit_roundoff;
          CHECK_CLOSE(compare(from_layout(rows, out.floats.at("a"), 0, a), want.a_error.v, want.a_scale.v, limit));
          CHECK_CLOSE(compare(from_layout(rows, out.floats.at("b"), 0, b), want.b_error.v, want.b_scale.v, limit));
          CHECK_CLOSE(
              compare(out.floats.at("loss"), {want.loss}, {2 / c.temperature + 2 * std::log(2.0 * c.pairs)}, limit));
        });
  }
}

TEST_CASE("cross_entropy against the reference") {
  struct Case {
    int classes, replicas, views;
    double size;
  };
  for (const Case& c : {Case{1, 1, 1, 1}, Case{2, 1, 1, 1}, Case{10, 3, 7, 3}, Case{16, 1, 33, 1}, Case{20, 3, 3, 40},
                        Case{33, 1, 12, 200}}) {
    CAPTURE(c.classes);
    CAPTURE(c.views);
    Draw draw(41);
    std::vector<Matrix> scores, bias;
    std::vector<std::int32_t> labels;
    std::vector<CrossEntropyOut> want;
    for (int r = 0; r < c.replicas; ++r) {
      scores.emplace_back(c.views, c.classes);
      bias.emplace_back(1, c.classes);
      // Multiples of 1/8: two classes often tie for the largest score, and the first one must count.
      for (double& x : scores.back().v) x = std::round(draw.uniform(-c.size, c.size) * 8) / 8;
      if (r == 0) draw.fill(bias.back().v, -0.5, 0.5);
      for (double& x : bias.back().v) x = std::round(x * 8) / 8;
      std::vector<int> chosen;
      for (int v = 0; v < c.views; ++v) {
        if (v == 2 && c.classes > 3) scores.back().at(v, 1) = scores.back().at(v, 3) = 300;
        chosen.push_back(v == 2 && c.classes > 3 ? 3 - 2 * (r % 2) : draw.below(c.classes));
        labels.push_back(chosen.back());
      }
      want.push_back(cross_entropy(scores.back(), bias.back().v, chosen));
    }
    const RowShape rows{round_up_to_lanes(c.classes)};
    const auto lanes = static_cast<std::size_t>(rows.lanes);
    on_all_devices(
        [&](Device& device) {
          const Guarded<float> s(device, lanes, c.replicas, c.views, to_layout(rows, scores));
          const Guarded<float> b(device, lanes, c.replicas, 1, to_layout(rows, bias));
          const Guarded<std::int32_t> l(device, 1, c.replicas, c.views, labels);
          const Guarded<float> error(device, lanes, c.replicas, c.views, junk(rows, scores[0], c.replicas));
          const Guarded<float> gradient(device, lanes, c.replicas, 1, junk(rows, bias[0], c.replicas));
          const Guarded<float> loss(device, 1, c.replicas);
          const Guarded<std::int32_t> correct(device, 1, c.replicas);
          device.cross_entropy({c.classes,
                                {c.replicas, c.views},
                                s.strided(),
                                b.shared(),
                                l.strided(),
                                error.strided(),
                                gradient.shared(),
                                loss.shared(),
                                correct.shared()});
          CHECK((s.intact() && b.intact() && l.intact() && error.intact() && gradient.intact() && loss.intact() &&
                 correct.intact()));
          return Outputs{{{"error", error.read()}, {"bias", gradient.read()}, {"loss", loss.read()}},
                         {},
                         {{"correct", correct.read()}}};
        },
        [&](const Outputs& out) {
          CHECK(padding_is_zero(rows, out.floats.at("error"), scores[0]));
          CHECK(padding_is_zero(rows, out.floats.at("bias"), bias[0]));
          for (int r = 0; r < c.replicas; ++r) {
            CAPTURE(r);
            const double limit = 2 * unit_roundoff;  // double inside, as above
            CHECK_CLOSE(compare(from_layout(rows, out.floats.at("error"), r, scores[r]), want[r].error.v,
                                want[r].error_scale.v, limit));
            CHECK_CLOSE(compare(from_layout(rows, out.floats.at("bias"), r, bias[r]), want[r].bias_gradient,
                                want[r].bias_scale, limit));
            CHECK_CLOSE(compare(std::vector{out.floats.at("loss")[static_cast<std::size_t>(r)]}, {want[r].loss},
                                {want[r].loss_scale + 1}, limit));
            CHECK(out.ints.at("correct")[static_cast<std::size_t>(r)] == want[r].correct);
          }
        });
  }
}
