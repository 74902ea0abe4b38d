#include "tests/reference/cases.h"
#include "tests/reference/head.h"

using namespace saccade;
using namespace saccade::reference;

namespace {

struct HeadCase {
  MapShape in;
  int embedding, replicas, views;
};

std::ostream& operator<<(std::ostream& out, const HeadCase& c) {
  return out << c.in.height << "x" << c.in.width << "x" << c.in.channels << " border " << c.in.border << " -> "
             << c.embedding << ", replicas " << c.replicas << ", views " << c.views;
}

/// Heads on layers' maps, on stored features (no border, no padding lanes) and on images; embeddings around multiples
/// of 16.
const std::vector<HeadCase> cases = {
    {MapShape::layer(1, 1, 1), 1, 1, 1},
    {MapShape::layer(1, 1, 20), 10, 3, 3},
    {MapShape::layer(1, 1, 20).compact(), 10, 3, 7},
    {MapShape::layer(5, 7, 33), 64, 3, 3},
    {MapShape::layer(3, 3, 5), 20, 1, 7},
    {MapShape::image(7, 5, 3), 17, 1, 3},
    {MapShape::layer(3, 3, 128).compact(), 64, 1, 1},
    {MapShape::layer(2, 2, 512), 64, 1, 1},
    {MapShape::layer(14, 14, 32), 33, 1, 1},
};

struct Step {
  HeadCase c;
  HeadShape shape;
  RowShape rows;
  std::vector<Images> in;
  std::vector<Matrix> weights, feedback, error;

  explicit Step(const HeadCase& which) : c(which), shape{which.in, which.embedding}, rows{shape.lanes()} {
    Draw draw(21);
    for (int r = 0; r < c.replicas; ++r) {
      in.emplace_back(c.views, c.in.channels, c.in.height, c.in.width);
      draw.fill(in.back().v, -1.3, 1.3);
      for (double& x : in.back().v) x = std::clamp(x, -1.0, 1.0);
      for (std::vector<Matrix>* w : {&weights, &feedback}) {
        w->emplace_back(c.embedding, in.back().features());
        draw.fill(w->back().v, -0.5, 0.5);
      }
      for (std::size_t i = 0; i < feedback.back().v.size(); i += 5) feedback.back().v[i] = i % 2 == 0 ? 0.0 : -0.0;
      error.emplace_back(c.views, c.embedding);
      draw.fill(error.back().v, -2, 2);
    }
  }
  std::vector<float> stored_error(const std::vector<Active>& flags) const {
    std::vector<float> host = to_layout(rows, error);
    spoil_inactive(host, flags, c.views);
    return host;
  }
};

/// Device copies of everything that a head reads.
struct Inputs {
  Guarded<float> in, weights, feedback, error;
  Guarded<std::int32_t> active;
  Flags flags;

  Inputs(Device& device, const Step& s, Flagging flagging)
      : in(device, s.shape.in.size(), s.c.replicas, s.c.views, to_layout(s.shape.in, s.in)),
        weights(device, s.shape.weights(), s.c.replicas, 1, to_layout(s.shape, s.weights)),
        feedback(device, s.shape.weights(), s.c.replicas, 1, to_layout(s.shape, s.feedback)),
        error(device, static_cast<std::size_t>(s.rows.lanes), s.c.replicas, s.c.views,
              s.stored_error(make_flags(flagging, s.c.replicas, s.c.views))),
        active(device, 1, s.c.replicas, s.c.views,
               flags_to_layout(make_flags(flagging, s.c.replicas, s.c.views), s.c.views)),
        flags(flagging == Flagging::null ? Flags{} : active.strided()) {}
  bool intact() const {
    return in.intact() && weights.intact() && feedback.intact() && error.intact() && active.intact();
  }
};

}  // namespace

TEST_CASE("head_forward against the reference; a view alone has the same bits as in a batch") {
  for (const HeadCase& c : cases) {
    CAPTURE(c);
    const Step s(c);
    std::vector<Scaled<Matrix>> want;
    for (int r = 0; r < c.replicas; ++r) want.push_back(head_forward(s.in[r], s.weights[r]));
    const auto lanes = static_cast<std::size_t>(s.rows.lanes);
    on_all_devices(
        [&](Device& device) {
          const Inputs i(device, s, Flagging::null);
          const Guarded<float> together(device, lanes, c.replicas, c.views, junk(s.rows, want[0].value, c.replicas));
          const Guarded<float> alone(device, lanes, c.replicas, c.views, junk(s.rows, want[0].value, c.replicas));
          device.head_forward({s.shape, {c.replicas, c.views}, i.in.strided(), i.weights.shared(), together.strided()});
          for (int v = 0; v < c.views; ++v)
            device.head_forward({s.shape, {c.replicas, 1}, i.in.strided(v), i.weights.shared(), alone.strided(v)});
          CHECK((i.intact() && together.intact() && alone.intact()));
          CHECK(same_bits(together.read(), alone.read()));
          return Outputs{{{"embedding", together.read()}}, {}, {}};
        },
        [&](const Outputs& out) {
          CHECK(padding_is_zero(s.rows, out.floats.at("embedding"), want[0].value));
          for (int r = 0; r < c.replicas; ++r)
            CHECK_CLOSE(compare(from_layout(s.rows, out.floats.at("embedding"), r, want[r].value), want[r].value.v,
                                want[r].scale.v, sum_bound(s.in[r].features())));
        });
  }
}

TEST_CASE("head_forward of active views alone: their bits are the same, the others' embeddings stay") {
  for (const HeadCase& c : cases) {
    CAPTURE(c);
    const Step s(c);
    const auto lanes = static_cast<std::size_t>(s.rows.lanes);
    for (Flagging flagging : {Flagging::some, Flagging::none}) {
      const auto flags = make_flags(flagging, c.replicas, c.views);
      on_all_devices(
          [&](Device& device) {
            const Inputs i(device, s, flagging);
            const std::vector<float> before(lanes * static_cast<std::size_t>(c.replicas * c.views), 7.0f);
            const Guarded<float> all(device, lanes, c.replicas, c.views, before);
            const Guarded<float> active(device, lanes, c.replicas, c.views, before);
            HeadForward op{s.shape, {c.replicas, c.views}, i.in.strided(), i.weights.shared(), all.strided()};
            device.head_forward(op);
            op.embedding = active.strided(), op.active = i.flags;
            device.head_forward(op);
            CHECK((i.intact() && all.intact() && active.intact()));
            std::vector<float> want = all.read();
            for (std::size_t view = 0; view < want.size() / lanes; ++view)
              if (!flags[view / static_cast<std::size_t>(c.views)][view % static_cast<std::size_t>(c.views)])
                std::fill_n(want.begin() + static_cast<std::ptrdiff_t>(view * lanes), lanes, 7.0f);
            CHECK(same_bits(active.read(), want));
            return Outputs{{{"embedding", active.read()}}, {}, {}};
          },
          [](const Outputs&) {});
    }
  }
}

TEST_CASE("head_input_gradient against the reference") {
  struct Variant {
    bool sign_only;
    Activation below;
    Flagging flagging;
  };
  for (const HeadCase& c : cases) {
    CAPTURE(c);
    const Step s(c);
    for (const Variant& variant :
         {Variant{false, Activation::hardtanh, Flagging::null}, Variant{true, Activation::none, Flagging::some},
          Variant{false, Activation::tanh, Flagging::all}, Variant{true, Activation::relu, Flagging::none}}) {
      CAPTURE(variant.sign_only);
      CAPTURE(static_cast<int>(variant.below));
      const auto flags = make_flags(variant.flagging, c.replicas, c.views);
      std::vector<Scaled<Images>> want;
      for (int r = 0; r < c.replicas; ++r)
        want.push_back(head_input_gradient(s.error[r], variant.sign_only ? signs(s.feedback[r]) : s.feedback[r],
                                           s.in[r], variant.below, flags[r]));
      const std::vector<float> before = junk(s.shape.in, s.in[0], c.replicas);
      on_all_devices(
          [&](Device& device) {
            const Inputs i(device, s, variant.flagging);
            const Guarded<float> below(device, s.shape.in.size(), c.replicas, c.views, before);
            device.head_input_gradient({s.shape,
                                        {c.replicas, c.views},
                                        i.error.strided(),
                                        {i.feedback.shared(), variant.sign_only},
                                        i.in.strided(),
                                        variant.below,
                                        i.flags,
                                        below.strided()});
            CHECK((i.intact() && below.intact()));
            return Outputs{{{"below", below.read()}}, {}, {}};
          },
          [&](const Outputs& out) {
            const std::vector<float>& stored = out.floats.at("below");
            CHECK(padding_is_zero(s.shape.in, stored, s.in[0]));
            for (int r = 0; r < c.replicas; ++r) {
              CAPTURE(r);
              std::vector<double> got = from_layout(s.shape.in, stored, r, want[r].value);
              for (int v = 0; v < c.views; ++v) {
                if (is_active(flags[r], v)) continue;
                CHECK(untouched_or_zero(stored, before, s.shape.in.size(), r * c.views + v));
                std::fill_n(got.begin() + static_cast<std::ptrdiff_t>(s.in[r].features()) * v, s.in[r].features(), 0.0);
              }
              CHECK_CLOSE(compare(got, want[r].value.v, want[r].scale.v, sum_bound(c.embedding) + 3 * unit_roundoff));
            }
          });
    }
  }
}

TEST_CASE("head_weight_gradient against the reference") {
  for (const HeadCase& c : cases) {
    CAPTURE(c);
    const Step s(c);
    for (auto [flagging, accumulate] :
         {std::pair{Flagging::null, false}, std::pair{Flagging::some, true}, std::pair{Flagging::all, false},
          std::pair{Flagging::none, false}, std::pair{Flagging::none, true}}) {
      CAPTURE(static_cast<int>(flagging));
      CAPTURE(accumulate);
      const auto flags = make_flags(flagging, c.replicas, c.views);
      std::vector<Scaled<Matrix>> want;
      for (int r = 0; r < c.replicas; ++r) {
        want.push_back(head_weight_gradient(s.in[r], s.error[r], flags[r]));
        for (std::size_t i = 0; accumulate && i < want[r].value.v.size(); ++i) {
          want[r].value.v[i] += s.feedback[r].v[i];  // any numbers will do
          want[r].scale.v[i] += std::fabs(s.feedback[r].v[i]);
        }
      }
      on_all_devices(
          [&](Device& device) {
            const Inputs i(device, s, flagging);
            const Guarded<float> gradient(
                device, s.shape.weights(), c.replicas, 1,
                accumulate ? to_layout(s.shape, s.feedback) : junk(s.shape, s.feedback[0], c.replicas));
            device.head_weight_gradient({s.shape,
                                         {c.replicas, c.views},
                                         i.in.strided(),
                                         i.error.strided(),
                                         i.flags,
                                         gradient.shared(),
                                         accumulate});
            CHECK((i.intact() && gradient.intact()));
            return Outputs{{{"gradient", gradient.read()}}, {}, {}};
          },
          [&](const Outputs& out) {
            CHECK(padding_is_zero(s.shape, out.floats.at("gradient"), s.weights[0]));
            for (int r = 0; r < c.replicas; ++r) {
              const auto got = from_layout(s.shape, out.floats.at("gradient"), r, s.weights[r]);
              CHECK_CLOSE(compare(got, want[r].value.v, want[r].scale.v, sum_bound(c.views + 1)));
              if (flagging == Flagging::none) CHECK_CLOSE(compare_exact(got, want[r].value.v));
            }
          });
    }
  }
}

TEST_CASE("head_hebb: weights move against the gradient, feedback by the same increments") {
  const std::vector<float> rates{0.05f, 0.02f, 0.125f};  // one per replica
  for (const HeadCase& c : cases) {
    CAPTURE(c);
    const Step s(c);
    for (auto [flagging, learns] : {std::pair{Flagging::null, true}, std::pair{Flagging::some, true},
                                    std::pair{Flagging::all, false}, std::pair{Flagging::none, true}}) {
      CAPTURE(static_cast<int>(flagging));
      const auto flags = make_flags(flagging, c.replicas, c.views);
      on_all_devices(
          [&](Device& device) {
            const Inputs i(device, s, flagging);
            const Guarded<float> rate(device, 1, c.replicas, 1, {rates.begin(), rates.begin() + c.replicas});
            device.head_hebb({s.shape,
                              {c.replicas, c.views},
                              i.in.strided(),
                              i.error.strided(),
                              i.flags,
                              rate.shared(),
                              i.weights.shared(),
                              learns ? i.feedback.shared() : Floats{}});
            CHECK((i.intact() && rate.intact()));
            return Outputs{{{"weights", i.weights.read()}, {"feedback", i.feedback.read()}}, {}, {}};
          },
          [&](const Outputs& out) {
            for (const char* name : {"weights", "feedback"}) {
              CAPTURE(name);
              const bool moves = learns || std::string(name) == "weights";
              const std::vector<float>& stored = out.floats.at(name);
              CHECK(padding_is_zero(s.shape, stored, s.weights[0]));
              for (int r = 0; r < c.replicas; ++r) {
                const Matrix& old = std::string(name) == "weights" ? s.weights[r] : s.feedback[r];
                const auto rate = static_cast<double>(rates[static_cast<std::size_t>(r)]);
                Scaled<Matrix> want = head_weight_gradient(s.in[r], s.error[r], flags[r]);
                for (std::size_t i = 0; i < old.v.size(); ++i) {
                  want.value.v[i] = old.v[i] - moves * rate * want.value.v[i];
                  want.scale.v[i] = std::fabs(old.v[i]) + moves * rate * want.scale.v[i];
                }
                const auto got = from_layout(s.shape, stored, r, old);
                // Each view: the product with the rate, the product, the sum.
                CHECK_CLOSE(compare(got, want.value.v, want.scale.v, sum_bound(3 * c.views)));
                if (flagging == Flagging::none || !moves) CHECK_CLOSE(compare_exact(got, old.v));
              }
            }
          });
    }
  }
}

TEST_CASE("head_descend is head_input_gradient and then head_hebb, to the bit") {
  enum class Carrier { forward, fixed, learning };  // bp, rf, urf
  int differs_in_the_other_order = 0;
  for (const HeadCase& c : cases) {
    CAPTURE(c);
    const Step s(c);
    const std::vector<float> before = junk(s.shape.in, s.in[0], c.replicas);
    for (Carrier carrier : {Carrier::forward, Carrier::fixed, Carrier::learning})
      for (Flagging flagging : {Flagging::null, Flagging::some, Flagging::none}) {
        CAPTURE(static_cast<int>(carrier));
        CAPTURE(static_cast<int>(flagging));
        on_all_devices(
            [&](Device& device) {
              const auto descend = [&](const auto& how) {
                const Inputs i(device, s, flagging);
                const Guarded<float> below(device, s.shape.in.size(), c.replicas, c.views, before);
                const Guarded<float> rate(device, 1, c.replicas, 1,
                                          std::vector<float>(static_cast<std::size_t>(c.replicas), 0.05f));
                const Extent extent{c.replicas, c.views};
                const Floats carries = carrier == Carrier::forward ? i.weights.shared() : i.feedback.shared();
                how(HeadInputGradient{s.shape,
                                      extent,
                                      i.error.strided(),
                                      {carries},
                                      i.in.strided(),
                                      Activation::hardtanh,
                                      i.flags,
                                      below.strided()},
                    HeadHebb{s.shape, extent, i.in.strided(), i.error.strided(), i.flags, rate.shared(),
                             i.weights.shared(), carrier == Carrier::learning ? i.feedback.shared() : Floats{}});
                CHECK((i.intact() && below.intact()));
                return Outputs{
                    {{"below", below.read()}, {"weights", i.weights.read()}, {"feedback", i.feedback.read()}}, {}, {}};
              };
              Outputs together = descend([&](const auto& pass, const auto& step) {
                device.head_descend({pass, step});
              });
              const Outputs apart = descend([&](const auto& pass, const auto& step) {
                device.head_input_gradient(pass);
                device.head_hebb(step);
              });
              const Outputs other_order = descend([&](const auto& pass, const auto& step) {
                device.head_hebb(step);
                device.head_input_gradient(pass);
              });
              CHECK(first_difference(together, apart) == "");
              differs_in_the_other_order += first_difference(together, other_order) != "";
              return together;
            },
            [](const Outputs&) {});
      }
  }
  CHECK(differs_in_the_other_order > 20);
}
