#include "tests/reference/cases.h"
#include "tests/reference/losses.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

struct Problem {
  std::string name;
  int embedding, replicas;
  std::vector<HingeTerm> terms;
  double positive_margin, negative_margin;
  bool blocked;
  std::vector<Matrix> anchors, views;  ///< per replica
  std::vector<Matrix> noise = {};      ///< per replica, of the anchors as they are read; empty: none

  /// Replicas behind the first leave some terms out, each others.
  std::vector<HingeTerm> terms_of(int replica) const {
    std::vector<HingeTerm> own = terms;
    for (std::size_t i = 0; i < own.size(); ++i)
      if (replica > 0 && (i + static_cast<std::size_t>(replica)) % 4 == 0) own[i].weight = 0;
    return own;
  }
  const Matrix* noise_of(int replica) const {
    return noise.empty() ? nullptr : &noise[static_cast<std::size_t>(replica)];
  }
};

/// Embeddings with some components equal to the anchor's (sgn(0) = 0), and margins in the middle of the distances, so
/// that about half of the terms of each kind are active. A view without terms and an anchor without terms are among
/// them.
Problem make_problem(std::string name, int embedding, int replicas, int anchors, int views,
                     std::vector<HingeTerm> terms, bool blocked, std::uint64_t seed, bool noisy = false) {
  Problem p{std::move(name), embedding, replicas, std::move(terms), 0, 0, blocked, {}, {}, {}};
  Draw draw(seed);
  for (int r = 0; r < replicas; ++r) {
    p.anchors.emplace_back(anchors, embedding);
    p.views.emplace_back(views, embedding);
    draw.fill(p.anchors.back().v, -1, 1);
    draw.fill(p.views.back().v, -1, 1);
    if (noisy) {
      p.noise.emplace_back(anchors, embedding);
      for (double& x : p.noise.back().v) x = draw.below(9) / 8.0 - 0.5;
    }
    const auto exact = [](double x) { return x == static_cast<double>(static_cast<float>(x)); };
    for (const HingeTerm& term : p.terms)
      for (int e = 0; e < embedding; e += 3) {
        const double scaled = static_cast<double>(term.trace) * p.anchors.back().at(term.anchor, e);
        const double equal = scaled + (noisy ? p.noise.back().at(term.anchor, e) : 0);
        // Only where that is exact in float: otherwise rounding would decide the sign of a tiny difference.
        if (embedding > 3 && (term.anchor + term.view) % 2 == 0 && exact(scaled) && exact(equal))
          p.views.back().at(term.view, e) = equal;
      }
  }
  for (bool positive : {true, false}) {
    std::vector<double> distances;
    for (int r = 0; r < replicas; ++r) {
      const HingeOut h = contrastive_hinge(p.anchors[r], p.views[r], p.terms, 0, 0, true, p.noise_of(r));
      for (std::size_t i = 0; i < p.terms.size(); ++i)
        if (p.terms[i].positive == positive) distances.push_back(h.distances[i]);
    }
    std::sort(distances.begin(), distances.end());
    const std::size_t half = distances.size() / 2;
    double& margin = positive ? p.positive_margin : p.negative_margin;
    // Between two neighbours: no distance so near the margin that rounding decides.
    margin = distances.empty()       ? 1
             : distances.size() == 1 ? distances[0] + (positive ? -0.5 : 0.5)
                                     : (distances[half - 1] + distances[half]) / 2;
    margin = static_cast<double>(static_cast<float>(margin));
  }
  return p;
}

std::vector<Problem> problems() {
  std::vector<Problem> all;
  std::uint64_t seed = 30;
  for (bool blocked : {true, false}) {
    for (int embedding : {1, 5, 20, 64})
      all.push_back(
          make_problem("few", embedding, embedding == 20 ? 3 : 1, 12, 12, batch_terms(12, 4, 0.25f), blocked, ++seed));
    all.push_back(make_problem("few, one fifth", 64, 3, 12, 12, batch_terms(12, 4, 0.2f), blocked, ++seed));
    all.push_back(make_problem("all", 33, 3, 9, 9, batch_terms(9, -1, 1), blocked, ++seed));
    all.push_back(make_problem("one pair", 64, 1, 1, 1, batch_terms(1, 4, 1), blocked, ++seed));
    all.push_back(make_problem("no terms", 16, 1, 2, 3, {}, blocked, ++seed));
    all.push_back(make_problem("all, noise", 33, 2, 9, 9, batch_terms(9, -1, 1), blocked, ++seed, true));
    // Event mode: fewer views than anchors, traces, weights, an unused view (1) and unused anchors (0, 3).
    for (bool noisy : {false, true})
      all.push_back(make_problem("events", 20, 3, 6, 4,
                                 {{5, 0, true, 1, 1},
                                  {4, 0, false, 0.25f, 0.5f},
                                  {2, 0, false, 0.25f, 0.25f},
                                  {1, 0, false, 0.25f, 0.125f},
                                  {5, 2, true, 0.5f, 1},
                                  {4, 2, false, 0.3f, 0.9f},
                                  {2, 2, false, 0.2f, 0.7f},
                                  {2, 3, true, 1, 0.5f},
                                  {5, 3, false, 2, 1}},
                                 blocked, ++seed, noisy));
  }
  return all;
}

Outputs run(Device& device, const Problem& p, std::vector<HingeResult>& results) {
  const RowShape rows{round_up_to_lanes(p.embedding)};
  const auto lanes = static_cast<std::size_t>(rows.lanes);
  const int anchors = p.anchors[0].rows, views = p.views[0].rows;
  const Guarded<float> a(device, lanes, p.replicas, anchors, to_layout(rows, p.anchors));
  const Guarded<float> b(device, lanes, p.replicas, views, to_layout(rows, p.views));
  const Guarded<float> noise(device, lanes, p.replicas, anchors,
                             to_layout(rows, p.noise.empty() ? p.anchors : p.noise));
  const Guarded<float> a_error(device, lanes, p.replicas, anchors, junk(rows, p.anchors[0], p.replicas));
  const Guarded<float> b_error(device, lanes, p.replicas, views, junk(rows, p.views[0], p.replicas));
  const Guarded<std::int32_t> a_active(device, 1, p.replicas, anchors,
                                       std::vector<std::int32_t>(static_cast<std::size_t>(p.replicas) * anchors, 99));
  const Guarded<std::int32_t> b_active(device, 1, p.replicas, views,
                                       std::vector<std::int32_t>(static_cast<std::size_t>(p.replicas) * views, 99));
  const Guarded<HingeResult> result(device, std::max<std::size_t>(1, p.terms.size()), p.replicas, 1);
  std::vector<HingeTerm> terms;
  for (int r = 0; r < p.replicas; ++r)
    for (const HingeTerm& term : p.terms_of(r)) terms.push_back(term);
  ContrastiveHinge op;
  op.embedding = p.embedding;
  op.replicas = p.replicas;
  op.anchors = anchors;
  op.views = views;
  op.terms = terms;
  op.positive_margin = static_cast<float>(p.positive_margin);
  op.negative_margin = static_cast<float>(p.negative_margin);
  op.anchor_embedding = a.strided();
  op.view_embedding = b.strided();
  op.view_error = b_error.strided();
  op.view_active = b_active.strided();
  op.anchor_error = p.blocked ? Floats{} : a_error.strided();
  op.anchor_active = p.blocked ? Flags{} : a_active.strided();
  op.results = result.shared();
  op.noise = p.noise.empty() ? ConstFloats{} : noise.strided();
  device.contrastive_hinge(op);
  CHECK((a.intact() && b.intact() && noise.intact() && a_error.intact() && b_error.intact() && a_active.intact() &&
         b_active.intact() && result.intact()));
  results = result.read();
  Outputs out;
  for (const HingeResult& r : results) {
    out.floats["distance"].push_back(r.distance);
    out.floats["loss"].push_back(r.loss);
    out.ints["active"].push_back(r.active);
  }
  out.floats["view_error"] = b_error.read();
  out.floats["anchor_error"] = a_error.read();
  out.ints["view_active"] = b_active.read();
  out.ints["anchor_active"] = a_active.read();
  return out;
}

}  // namespace

TEST_CASE("contrastive_hinge against the reference") {
  int zeros = 0, left_out = 0, positives = 0, active_positives = 0, negatives = 0, active_negatives = 0;
  for (const Problem& p : problems()) {
    CAPTURE(p.name);
    CAPTURE(p.embedding);
    CAPTURE(p.blocked);
    const RowShape rows{round_up_to_lanes(p.embedding)};
    std::vector<HingeOut> want;
    for (int r = 0; r < p.replicas; ++r) {
      want.push_back(contrastive_hinge(p.anchors[r], p.views[r], p.terms_of(r), p.positive_margin, p.negative_margin,
                                       p.blocked, p.noise_of(r)));
      for (std::size_t i = 0; i < p.terms.size(); ++i) {
        const HingeTerm& term = p.terms[i];
        (term.positive ? positives : negatives) += 1;
        (term.positive ? active_positives : active_negatives) += want[r].active[i];
        left_out += p.terms_of(r)[i].weight == 0;
        REQUIRE(std::fabs(want[r].distances[i] - (term.positive ? p.positive_margin : p.negative_margin)) > 1e-5);
        for (int e = 0; e < p.embedding; ++e)
          zeros += want[r].active[i] && static_cast<double>(term.trace) * p.anchors[r].at(term.anchor, e) +
                                                (p.noise_of(r) ? p.noise_of(r)->at(term.anchor, e) : 0) ==
                                            p.views[r].at(term.view, e);
      }
    }
    std::vector<HingeResult> results;
    on_all_devices(
        [&](Device& device) { return run(device, p, results); },
        [&](const Outputs& out) {
          CHECK(padding_is_zero(rows, out.floats.at("view_error"), p.views[0]));
          CHECK(padding_is_zero(rows, out.floats.at("anchor_error"), p.anchors[0]));
          for (int r = 0; r < p.replicas; ++r) {
            CAPTURE(r);
            const std::vector<HingeTerm> terms = p.terms_of(r);
            for (std::size_t i = 0; i < p.terms.size(); ++i) {
              CAPTURE(i);
              const std::size_t at = r * p.terms.size() + i;
              const double margin = p.terms[i].positive ? p.positive_margin : p.negative_margin;
              // Components up to 2 in size, each rounded when scaled and when subtracted.
              CHECK_CLOSE(compare(std::vector{out.floats.at("distance")[at]}, {want[r].distances[i]},
                                  {2.0 * p.embedding}, sum_bound(p.embedding) + 2 * unit_roundoff));
              CHECK_CLOSE(compare(
                  std::vector{out.floats.at("loss")[at]}, {want[r].losses[i]},
                  {want[r].losses[i] > 0 ? static_cast<double>(terms[i].weight) * (2.0 * p.embedding + margin) : 0},
                  sum_bound(p.embedding) + 4 * unit_roundoff));
              CHECK(out.ints.at("active")[at] == want[r].active[i]);
            }
            // At most all terms' weights (up to 2) meet in one element; with powers of 2 nothing is rounded.
            const bool exact = p.name == "few" || p.name == "all";
            const auto errors = [&](const char* name, const Matrix& error) {
              const auto got = from_layout(rows, out.floats.at(name), r, error);
              if (exact)
                CHECK_CLOSE(compare_exact(got, error.v));
              else
                CHECK_CLOSE(compare(got, error.v, std::vector<double>(error.v.size(), 4.0), sum_bound(12)));
            };
            errors("view_error", want[r].view_error);
            for (int v = 0; v < p.views[0].rows; ++v)
              CHECK(out.ints.at("view_active")[static_cast<std::size_t>(r * p.views[0].rows + v)] ==
                    want[r].view_active[v]);
            if (p.blocked) continue;
            errors("anchor_error", want[r].anchor_error);
            for (int a = 0; a < p.anchors[0].rows; ++a)
              CHECK(out.ints.at("anchor_active")[static_cast<std::size_t>(r * p.anchors[0].rows + a)] ==
                    want[r].anchor_active[a]);
          }
          if (p.blocked) CHECK(out.floats.at("anchor_error") == junk(rows, p.anchors[0], p.replicas));
        });
  }
  // The data exercises what it is meant to: both sides of each hinge, and sgn(0).
  CHECK(active_positives > positives * 0.3);
  CHECK(active_positives < positives * 0.65);
  CHECK(active_negatives > negatives * 0.3);
  CHECK(active_negatives < negatives * 0.65);
  CHECK(zeros > 100);
  CHECK(left_out > 50);
}

TEST_CASE("contrastive_hinge: a distance equal to the margin is inactive, equal embeddings push nothing") {
  Problem p{"margin",
            16,
            1,
            {{0, 0, true, 1, 1}, {1, 0, false, 1, 1}, {0, 1, true, 1, 1}, {0, 2, false, 1, 1}},
            1,
            3,
            false,
            {Matrix(2, 16)},
            {Matrix(3, 16)}};
  p.views[0].at(0, 4) = 1;                                                // at distance 1 = m1 from anchor 0
  for (int e = 0; e < 3; ++e) p.anchors[0].at(1, 5 + e) = e < 2 ? 1 : 0;  // at distance 3 = m2 from view 0
  p.views[0].at(1, 0) = 2;                                                // beyond m1
  std::vector<HingeResult> results;
  on_all_devices([&](Device& device) { return run(device, p, results); },
                 [&](const Outputs& out) {
                   CHECK(out.ints.at("active") == std::vector<std::int32_t>{0, 0, 1, 1});
                   CHECK(out.floats.at("distance") == std::vector<float>{1, 3, 2, 0});
                   CHECK(out.floats.at("loss") == std::vector<float>{0, 0, 1, 3});
                   CHECK(out.ints.at("view_active") == std::vector<std::int32_t>{0, 1, 1});
                   std::vector<float> expected(48, 0.0f);
                   expected[16] = 1;  // view 1 is pulled back along its only component; view 2 equals its anchor
                   CHECK(out.floats.at("view_error") == expected);
                 });
}
