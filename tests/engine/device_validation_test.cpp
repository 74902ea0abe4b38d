#include <functional>
#include <stdexcept>

#include "tests/reference/cases.h"

using namespace saccade;
using namespace saccade::reference;

// Programming errors are refused before anything is computed. Every operation is first shown to be accepted as it is.
namespace {

constexpr int replicas = 2, views = 3;

struct Fixture {
  Device& device = *cpu_device("portable", 1);
  ConvShape shape = ConvShape::make(MapShape::layer(4, 5, 20), 17, Downsample::max_pool, Activation::none);
  HeadShape head{shape.in, 20};
  // Large enough for anything that a wrong shape below could make an unchecked operation touch.
  DeviceBuffer<float> f[8];
  DeviceBuffer<std::uint8_t> winners{device, 4096, replicas, views};
  DeviceBuffer<std::int32_t> flags{device, 64, replicas, views};
  DeviceBuffer<std::int64_t> steps{device, 16, replicas};
  DeviceBuffer<float> rate{device, 1, replicas};
  DeviceBuffer<HingeResult> results{device, 64, replicas};
  std::vector<HingeTerm> terms = {{0, 0, true, 1, 1}, {1, 1, false, 1, 1}};

  Fixture() {
    for (DeviceBuffer<float>& buffer : f) buffer = DeviceBuffer<float>(device, 1 << 16, replicas, views);
  }
  Floats x(int i) const { return f[i].strided(); }

  template <class Op>
  void check(void (Device::*run)(const Op&), const Op& good, const std::vector<std::function<void(Op&)>>& mistakes) {
    CHECK_NOTHROW((device.*run)(good));
    for (std::size_t i = 0; i < mistakes.size(); ++i) {
      CAPTURE(i);
      Op bad = good;
      mistakes[i](bad);
      CHECK_THROWS_AS((device.*run)(bad), std::invalid_argument);
    }
  }
};

/// Mistakes in a convolution's shape and extent that every operation on it must refuse.
template <class Op>
std::vector<std::function<void(Op&)>> conv_mistakes() {
  return {[](Op& o) { o.extent.replicas = 0; },
          [](Op& o) { o.extent.views = -1; },
          [](Op& o) { o.shape.in.height = 0; },
          [](Op& o) { o.shape.in.channels = -1; },
          [](Op& o) { o.shape.in.lanes = 16; },  // fewer than channels
          [](Op& o) { o.shape.in.border = 0; },
          [](Op& o) { o.shape.out.border = 0; },
          [](Op& o) { o.shape.out.height += 1; },
          [](Op& o) { o.shape.out.width = 5; },
          [](Op& o) { o.shape.out.lanes = 17; },
          [](Op& o) {
            o.shape = ConvShape::make(MapShape::layer(1, 9, 16), 16, Downsample::max_pool, Activation::none);
          }};  // nothing is left
}

template <class Op>
std::vector<std::function<void(Op&)>> head_mistakes() {
  return {[](Op& o) { o.extent.replicas = -1; }, [](Op& o) { o.extent.views = -1; },
          [](Op& o) { o.shape.in.width = 0; },   [](Op& o) { o.shape.embedding = 0; },
          [](Op& o) { o.shape.in.lanes = 1; },   [](Op& o) { o.input.data = nullptr; }};
}

float* f_of(const ConstFloats& floats) { return const_cast<float*>(floats.data); }

template <class Op>
auto with(std::vector<std::function<void(Op&)>> list, const std::vector<std::function<void(Op&)>>& more) {
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "validation: convolution") {
  CHECK_THROWS_AS(device.conv_pack({shape, {0, 1}, Way::up, Arithmetic::exact, {x(0)}, {}, x(1)}),
                  std::invalid_argument);
  CHECK_THROWS_AS(device.conv_pack({shape, {1, 1}, Way::up, Arithmetic::exact, {}, {}, x(1)}), std::invalid_argument);
  CHECK_THROWS_AS(device.conv_pack({shape, {1, 1}, Way::up, Arithmetic::exact, {x(0)}, {}, {}}), std::invalid_argument);
  ConvShape local = shape;
  local.sharing = Sharing::local;
  CHECK(device.packed_size(local, Way::up, Arithmetic::fast) == 0);
  CHECK_THROWS_AS(device.conv_pack({local, {1, 1}, Way::up, Arithmetic::exact, {x(0)}, {}, x(1)}),
                  std::invalid_argument);
  using F = ConvForward;
  check<F>(&Device::conv_forward, {shape, {replicas, views}, x(0), x(1), x(2), winners.strided()},
           with<F>(conv_mistakes<F>(),
                   {[](F& o) { o.input = {}; }, [](F& o) { o.packed = {}; }, [](F& o) { o.output = {}; }}));
  using W = ConvWeightGradient;
  check<W>(&Device::conv_weight_gradient,
           {shape, {replicas, views}, x(0), x(1), winners.strided(), flags.strided(), x(2), false},
           with<W>(conv_mistakes<W>(), {[](W& o) { o.input = {}; }, [](W& o) { o.error = {}; },
                                        [](W& o) { o.gradient = {}; }, [](W& o) { o.winners = {}; }}));
  using I = ConvInputGradient;
  check<I>(&Device::conv_input_gradient,
           {shape, {replicas, views}, x(0), winners.strided(), {x(1), false}, x(2), Activation::none, {}, x(3)},
           with<I>(conv_mistakes<I>(),
                   {[](I& o) { o.error = {}; }, [](I& o) { o.winners = {}; }, [](I& o) { o.feedback.weights = {}; },
                    [](I& o) { o.input = {}; }, [](I& o) { o.error_below = {}; },
                    [](I& o) {
                      o.shape = ConvShape::make(MapShape::image(4, 5, 3), 17, Downsample::max_pool, Activation::none);
                    }}));  // nothing learns below an image
}

TEST_CASE_FIXTURE(Fixture, "validation: maps") {
  ConvShape strided = shape;
  strided.down = Downsample::stride;
  using T = ConvTranspose;
  check<T>(&Device::conv_transpose, {strided, {replicas, views}, x(0), x(1), Activation::tanh, {}, x(2)},
           with<T>(conv_mistakes<T>(),
                   {[](T& o) { o.input = {}; }, [](T& o) { o.weights = {}; }, [](T& o) { o.output = {}; },
                    [](T& o) { o.shape.down = Downsample::max_pool; }, [](T& o) { o.shape.sharing = Sharing::local; },
                    [](T& o) {
                      o.shape = ConvShape::make(MapShape::image(4, 5, 3), 17, Downsample::stride, Activation::none);
                    }}));
  using C = Combine;
  check<C>(&Device::combine, {64, {replicas, views}, x(0), x(1), {}, 0.5f, {}, x(2)},
           {[](C& o) { o.extent.views = -1; }, [](C& o) { o.count = 17; }, [](C& o) { o.a = {}; },
            [](C& o) { o.b = {}; }, [](C& o) { o.output = {}; }});
  using E = TargetError;
  check<E>(&Device::target_error, {64, {replicas, views}, x(0), x(1), Activation::none, 2, {}, x(2), {}},
           {[](E& o) { o.extent.replicas = 0; }, [](E& o) { o.count = 17; }, [](E& o) { o.output = {}; },
            [](E& o) { o.target = {}; }, [](E& o) { o.error = {}; }});
  using N = AddNoise;
  check<N>(&Device::add_noise, {shape.in, {replicas, views}, x(0), 1, 0, 0, 0, 0, x(1)},
           {[](N& o) { o.extent.replicas = 0; }, [](N& o) { o.input = {}; }, [](N& o) { o.output = {}; },
            [](N& o) { o.first = -1; }, [](N& o) { o.first = 1 << 30; }, [](N& o) { o.deviation = NAN; },
            [](N& o) { o.shape.width = 0; }});
}

TEST_CASE_FIXTURE(Fixture, "validation: head") {
  using F = HeadForward;
  check<F>(&Device::head_forward, {head, {replicas, views}, x(0), x(1), x(2)},
           with<F>(head_mistakes<F>(), {[](F& o) { o.weights = {}; }, [](F& o) { o.embedding = {}; }}));
  using I = HeadInputGradient;
  check<I>(&Device::head_input_gradient,
           {head, {replicas, views}, x(0), {x(1), true}, x(2), Activation::tanh, {}, x(3)},
           with<I>(head_mistakes<I>(),
                   {[](I& o) { o.error = {}; }, [](I& o) { o.feedback = {}; }, [](I& o) { o.error_below = {}; }}));
  using W = HeadWeightGradient;
  check<W>(&Device::head_weight_gradient, {head, {replicas, views}, x(0), x(1), {}, x(2), true},
           with<W>(head_mistakes<W>(), {[](W& o) { o.error = {}; }, [](W& o) { o.gradient = {}; }}));
  using H = HeadHebb;
  check<H>(&Device::head_hebb, {head, {replicas, views}, x(0), x(1), {}, rate.shared(), x(2), x(3)},
           with<H>(head_mistakes<H>(), {[](H& o) { o.error = {}; }, [](H& o) { o.rate = {}; },
                                        [](H& o) { o.weights = {}; }, [](H& o) { o.feedback = o.weights; }}));
}

TEST_CASE_FIXTURE(Fixture, "validation: average pooling") {
  const AverageShape average = AverageShape::make(shape.in, 2);
  using P = AveragePool;
  check<P>(&Device::average_pool, {average, {replicas, views}, x(0), x(1)},
           {[](P& o) { o.input = {}; }, [](P& o) { o.output = {}; }, [](P& o) { o.output.data = f_of(o.input); },
            [](P& o) { o.extent.replicas = 0; }, [](P& o) { o.shape.side = 0; }, [](P& o) { o.shape.side = 3; },
            [](P& o) { o.shape.out.width += 1; }, [](P& o) { o.shape.out.border = 1; },
            [](P& o) { o.shape = AverageShape::make(MapShape::image(4, 4, 3), 2); },
            [](P& o) { o.shape = AverageShape::make(MapShape::layer(1, 4, 3), 2); }});
  using G = AveragePoolGradient;
  check<G>(&Device::average_pool_gradient, {average, {replicas, views}, x(0), x(1), Activation::tanh, {}, x(2)},
           {[](G& o) { o.error = {}; }, [](G& o) { o.input = {}; }, [](G& o) { o.error_below = {}; },
            [](G& o) { o.error_below.data = f_of(o.error); }, [](G& o) { o.error_below.data = f_of(o.input); },
            [](G& o) { o.extent.views = -1; }, [](G& o) { o.shape.in.height += 2; }});
}

TEST_CASE_FIXTURE(Fixture, "validation: losses, optimisers and pixels") {
  using C = ContrastiveHinge;
  C hinge{20, replicas, 2, views, terms, 1, 3, x(0), x(1), x(2), flags.strided(), x(3), {}, results.shared()};
  // Of two replicas: what is wrong is wrong in the second one's terms.
  static const HingeTerm good{0, 0, true, 1, 1}, later{0, 1, true, 1, 1};
  static const std::vector<HingeTerm> unsorted = {good, later, later, good}, far_anchor = {good, {2, 0, true, 1, 1}},
                                      far_view = {good, {0, 3, true, 1, 1}}, negative = {good, {-1, 0, true, 1, 1}},
                                      uneven = {good, good, good};
  const DeviceBuffer<std::int32_t> anchor_flags(device, 64, replicas, views);
  hinge.anchor_active = anchor_flags.strided();
  check<C>(&Device::contrastive_hinge, hinge,
           {[](C& o) { o.embedding = 0; }, [](C& o) { o.replicas = 0; }, [](C& o) { o.views = -1; },
            [](C& o) { o.terms = unsorted; }, [](C& o) { o.terms = far_anchor; }, [](C& o) { o.terms = far_view; },
            [](C& o) { o.terms = negative; }, [](C& o) { o.terms = uneven; }, [](C& o) { o.anchor_embedding = {}; },
            [](C& o) { o.view_embedding = {}; }, [](C& o) { o.view_error = {}; }, [](C& o) { o.view_active = {}; },
            [](C& o) { o.anchor_active = {}; }, [](C& o) { o.results = {}; }});
  using P = InnerProductHinge;
  static const std::vector<InnerProductTerm> products = {{0, 0, true}, {1, 1, false}}, late = {{0, 1}, {0, 0}},
                                             no_anchor = {{2, 0}}, no_view = {{0, 3}};
  const DeviceBuffer<InnerProductResult> scores(device, 64);
  check<P>(&Device::inner_product_hinge,
           {32, 2, views, products, 1, Activation::none, x(0), x(1), x(2), flags.strided(), x(3),
            anchor_flags.strided(), scores.data()},
           {[](P& o) { o.count = 0; }, [](P& o) { o.count = 17; }, [](P& o) { o.anchors = -1; },
            [](P& o) { o.views = -1; }, [](P& o) { o.margin = NAN; }, [](P& o) { o.terms = late; },
            [](P& o) { o.terms = no_anchor; }, [](P& o) { o.terms = no_view; }, [](P& o) { o.prediction = {}; },
            [](P& o) { o.view = {}; }, [](P& o) { o.view_error = {}; }, [](P& o) { o.view_active = {}; },
            [](P& o) { o.prediction_error = {}; }, [](P& o) { o.anchor_active = {}; },
            [](P& o) { o.results = nullptr; }, [](P& o) { o.view_error.data = const_cast<float*>(o.view.data); },
            [](P& o) { o.prediction_error = o.view_error; }});
  using S = SimClr;
  check<S>(&Device::simclr, SimClr{20, 3, 0.1f, x(0), x(1), x(2), x(3), x(4).data},
           {[](S& o) { o.embedding = 0; }, [](S& o) { o.pairs = -1; }, [](S& o) { o.temperature = 0; },
            [](S& o) { o.temperature = NAN; }, [](S& o) { o.a = {}; }, [](S& o) { o.b = {}; },
            [](S& o) { o.a_error = {}; }, [](S& o) { o.b_error = {}; }, [](S& o) { o.loss = nullptr; }});
  using X = CrossEntropy;
  check<X>(
      &Device::cross_entropy,
      {10, {replicas, views}, x(0), x(1), flags.strided(), x(2), x(3), x(4), anchor_flags.shared()},
      {[](X& o) { o.classes = 0; }, [](X& o) { o.extent.replicas = 0; }, [](X& o) { o.extent.views = 0; },
       [](X& o) { o.scores = {}; }, [](X& o) { o.bias = {}; }, [](X& o) { o.labels = {}; }, [](X& o) { o.error = {}; },
       [](X& o) { o.bias_gradient = {}; }, [](X& o) { o.loss = {}; }, [](X& o) { o.correct = {}; }});
  const std::uint32_t index[views] = {};
  using R = SoftmaxRegression;
  check<R>(&Device::softmax_regression,
           {{40, 10}, {replicas, views}, x(0), index, flags.strided(), x(1), x(2), x(3), x(4), x(5)},
           {[](R& o) { o.shape.features = 0; }, [](R& o) { o.shape.classes = 0; }, [](R& o) { o.extent.replicas = 0; },
            [](R& o) { o.extent.views = 0; }, [](R& o) { o.table = {}; }, [](R& o) { o.index = nullptr; },
            [](R& o) { o.labels = {}; }, [](R& o) { o.weights = {}; }, [](R& o) { o.bias = {}; },
            [](R& o) { o.gradient = {}; }, [](R& o) { o.bias_gradient = {}; }, [](R& o) { o.loss = {}; }});
  using G = SgdStep;
  check<G>(&Device::sgd_step, {64, {replicas, views}, x(0), {}, rate.shared(), x(1), x(2)},
           {[](G& o) { o.extent.replicas = 0; }, [](G& o) { o.gradient = {}; }, [](G& o) { o.rate = {}; },
            [](G& o) { o.weights = {}; }, [](G& o) { o.count = 17; }});
  using A = AdamStep;
  check<A>(&Device::adam_step,
           {64, {replicas, views}, x(0), {}, rate.shared(), 0.9f, 0.999f, 1e-8f, x(1), {}, x(2), x(3), steps.shared()},
           {[](A& o) { o.extent.replicas = 0; }, [](A& o) { o.gradient = {}; }, [](A& o) { o.rate = {}; },
            [](A& o) { o.weights = {}; }, [](A& o) { o.first_moment = {}; }, [](A& o) { o.second_moment = {}; },
            [](A& o) { o.steps = {}; }, [](A& o) { o.count = 17; }});
  using L = LoadViews;
  static const std::vector<float> pixels(3 * 4 * 5 * 20);
  check<L>(&Device::load_views, {MapShape::layer(4, 5, 20), {replicas, views}, pixels.data(), x(0)},
           {[](L& o) { o.pixels = nullptr; }, [](L& o) { o.output = {}; }, [](L& o) { o.shape.width = -1; },
            [](L& o) { o.shape.lanes = 5; }, [](L& o) { o.extent.replicas = 0; }, [](L& o) { o.extent.views = -1; },
            [](L& o) { o.shape.border = -1; }});
}

// What a device that renders refuses: tests/emulation/render_views_test.cpp.
TEST_CASE_FIXTURE(Fixture, "validation: the CPU device renders no views, and says so") {
  const ViewRecipe recipe;
  const std::uint8_t image[12] = {};
  for (int kind = 0; kind < 9; ++kind) CHECK_FALSE(device.renders(static_cast<ViewKind>(kind)));
  CHECK_NOTHROW(device.render_views({MapShape::image(2, 2, 3), {1, 0}, image, 1, &recipe, x(0)}));
  CHECK_THROWS_AS(device.render_views({MapShape::image(2, 2, 3), {1, 1}, image, 1, &recipe, x(0)}),
                  std::invalid_argument);
}
