#include "tests/reference/cases.h"
#include "tests/reference/network.h"

using namespace saccade;
using namespace saccade::reference;

// The operations one after the other, as a trainer would call them, against the reference's whole-network gradients.
namespace {

constexpr int pairs = 6, embedding = 20, depth = 3;

struct Model {
  std::vector<ConvShape> shapes;
  Network net, feedback;
  Images a, b;

  Model() {
    using enum Activation;
    shapes = {ConvShape::make(MapShape::image(9, 8, 3), 5, Downsample::none, hardtanh)};
    shapes.push_back(ConvShape::make(shapes[0].out, 17, Downsample::max_pool, none));
    shapes.push_back(ConvShape::make(shapes[1].out, 20, Downsample::max_pool, tanh));
    Draw draw(70);
    for (Network* n : {&net, &feedback})
      for (const ConvShape& s : shapes) {
        n->layers.push_back({s.down, s.activation});
        n->convs.emplace_back(s.out.channels, s.in.channels);
        draw.fill(n->convs.back().v, -0.5, 0.5);
        n->heads.emplace_back(embedding, s.out.channels * s.out.height * s.out.width);
        draw.fill(n->heads.back().v, -0.2, 0.2);
      }
    a = b = Images(pairs, 3, 9, 8);
    draw.fill(a.v, 0, 1);
    draw.fill(b.v, 0, 1);
  }
};

struct Learned {
  std::vector<std::vector<double>> convs, heads;  ///< per layer; empty where nothing learns
  std::vector<HingeResult> results;
};

struct Setting {
  Rule rule;
  int level;
  bool blocked;
  float m1, m2;
};

Learned learn(Device& device, const Model& m, const Setting& s) {
  const int top = s.level == end_to_end ? depth - 1 : s.level, lowest = s.level == end_to_end ? 0 : s.level;
  const Extent extent{1, pairs};
  const bool sign = s.rule == Rule::sign || s.rule == Rule::sign_forward;
  const Network& back = s.rule == Rule::bp || s.rule == Rule::sign_forward ? m.net : m.feedback;
  struct Branch {
    std::vector<DeviceBuffer<float>> maps, errors;
    std::vector<DeviceBuffer<std::uint8_t>> winners;
    DeviceBuffer<float> embedding, error;
    DeviceBuffer<std::int32_t> active;
  } branches[2];
  const HeadShape head{m.shapes[top].out, embedding};
  const auto upload = [&](const auto& shape, const auto& tensor) {
    DeviceBuffer<float> buffer(device, layout_size(shape, tensor));
    buffer.write(to_layout(shape, std::vector{tensor}));
    return buffer;
  };
  const DeviceBuffer<float> head_weights = upload(head, m.net.heads[top]), head_back = upload(head, back.heads[top]);
  for (int side = 0; side < 2; ++side) {
    Branch& x = branches[side];
    x.maps.emplace_back(device, m.shapes[0].in.size(), 1, pairs);
    x.maps[0].write(to_layout(m.shapes[0].in, std::vector{side == 0 ? m.a : m.b}));
    for (int i = 0; i <= top; ++i) {
      const ConvShape& shape = m.shapes[i];
      DeviceBuffer<float> packed(device, device.packed_size(shape, Way::up, Arithmetic::exact));
      device.conv_pack(
          {shape, {1, 1}, Way::up, Arithmetic::exact, {upload(shape, m.net.convs[i]).shared()}, {}, packed.shared()});
      x.maps.emplace_back(device, shape.out.size(), 1, pairs);
      x.errors.emplace_back(device, shape.out.size(), 1, pairs);
      x.winners.emplace_back(device, shape.winners(), 1, pairs);
      device.conv_forward(
          {shape, extent, x.maps[i].strided(), packed.shared(), x.maps[i + 1].strided(), x.winners[i].strided()});
    }
    x.embedding = DeviceBuffer<float>(device, static_cast<std::size_t>(head.lanes()), 1, pairs);
    x.error = DeviceBuffer<float>(device, static_cast<std::size_t>(head.lanes()), 1, pairs);
    x.active = DeviceBuffer<std::int32_t>(device, 1, 1, pairs);
    device.head_forward({head, extent, x.maps[top + 1].strided(), head_weights.shared(), x.embedding.strided()});
  }
  const std::vector<HingeTerm> terms = batch_terms(pairs, 2, 0.25f);
  const DeviceBuffer<HingeResult> results(device, terms.size());
  device.contrastive_hinge({embedding, 1, pairs, pairs, terms, s.m1, s.m2, branches[0].embedding.strided(),
                            branches[1].embedding.strided(), branches[1].error.strided(), branches[1].active.strided(),
                            s.blocked ? Floats{} : branches[0].error.strided(),
                            s.blocked ? Flags{} : branches[0].active.strided(), results.shared()});
  std::vector<DeviceBuffer<float>> gradients;
  for (const ConvShape& shape : m.shapes) gradients.emplace_back(device, shape.weights());
  const DeviceBuffer<float> head_gradient(device, head.weights());
  for (int side = s.blocked ? 1 : 0; side < 2; ++side) {
    const Branch& x = branches[side];
    const Flags active = x.active.strided();
    device.head_weight_gradient(
        {head, extent, x.maps[top + 1].strided(), x.error.strided(), active, head_gradient.shared(), true});
    device.head_input_gradient({head,
                                extent,
                                x.error.strided(),
                                {head_back.shared(), sign},
                                x.maps[top + 1].strided(),
                                m.shapes[top].activation,
                                active,
                                x.errors[top].strided()});
    for (int i = top; i >= lowest; --i) {
      device.conv_weight_gradient({m.shapes[i], extent, x.maps[i].strided(), x.errors[i].strided(),
                                   x.winners[i].strided(), active, gradients[i].shared(), true});
      if (i > lowest)
        device.conv_input_gradient({m.shapes[i],
                                    extent,
                                    x.errors[i].strided(),
                                    x.winners[i].strided(),
                                    {upload(m.shapes[i], back.convs[i]).shared(), sign},
                                    x.maps[i].strided(),
                                    m.shapes[i - 1].activation,
                                    active,
                                    x.errors[i - 1].strided()});
    }
  }
  Learned r;
  for (int i = 0; i < depth; ++i) {
    r.convs.push_back(from_layout(m.shapes[i], gradients[i].read(), 0, m.net.convs[i]));
    r.heads.push_back(i == top ? from_layout(head, head_gradient.read(), 0, m.net.heads[i]) : std::vector<double>{});
  }
  r.results = results.read();
  return r;
}

}  // namespace

TEST_CASE("a whole network on the device against the reference: every rule, end to end and layer-wise") {
  const Model m;
  for (int level : {end_to_end, 0, 1, 2})
    for (Rule rule : {Rule::bp, Rule::rf, Rule::sign, Rule::sign_forward})
      for (bool blocked : {true, false}) {
        CAPTURE(level);
        CAPTURE(static_cast<int>(rule));
        CAPTURE(blocked);
        const int top = level == end_to_end ? depth - 1 : level;
        // Margins between the distances that there are, so that some terms of each kind are active.
        const Matrix a = forward(m.net, top, m.a).embedding, b = forward(m.net, top, m.b).embedding;
        const std::vector<HingeTerm> terms = batch_terms(pairs, 2, 0.25f);
        std::vector<double> distances[2];
        const HingeOut measured = contrastive_hinge(a, b, terms, 0, 0, true);
        for (std::size_t i = 0; i < terms.size(); ++i) distances[terms[i].positive].push_back(measured.distances[i]);
        for (auto& d : distances) std::sort(d.begin(), d.end());
        const Setting s{rule, level, blocked, static_cast<float>((distances[1][2] + distances[1][3]) / 2),
                        static_cast<float>((distances[0][4] + distances[0][5]) / 2)};
        const Loss loss = batch_hinge(2, 0.25f, static_cast<double>(s.m1), static_cast<double>(s.m2), blocked);
        const NetworkGradients want = network_gradients(m.net, m.feedback, rule, level, m.a, m.b, loss);
        for (const std::string isa : {"avx512", "avx2", "portable"}) {
          CAPTURE(isa);
          Device* device = cpu_device(isa, 2);
          if (device == nullptr) continue;
          const Learned got = learn(*device, m, s);
          double total = 0;
          for (const HingeResult& result : got.results) total += static_cast<double>(result.loss);
          CHECK(std::fabs(total - want.loss) <= 1e-5 * want.loss);
          for (int i = 0; i < depth; ++i) {
            CAPTURE(i);
            CHECK_CLOSE(compare_norm(got.convs[i], want.gradient.convs[i].v, 1e-5));
            if (i == top) CHECK_CLOSE(compare_norm(got.heads[i], want.gradient.heads[i].v, 1e-5));
          }
        }
      }
}
