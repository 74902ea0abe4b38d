#include "engine/device.h"

#include <stdexcept>

#include "engine/cpu/cpu_device.h"
#include "engine/error.h"

namespace saccade {
namespace {

/// Programming errors of callers: named by operation and what is wrong.
class Check {
 public:
  explicit Check(const char* operation) : operation_(operation) {}

  const Check& that(bool condition, const char* expected) const {
    if (!condition) throw std::invalid_argument(std::string("Device::") + operation_ + ": expected " + expected);
    return *this;
  }
  const Check& extent(const Extent& extent) const {
    return that(extent.replicas >= 1 && extent.views >= 0, "replicas >= 1 and views >= 0");
  }
  const Check& map(const MapShape& m) const {
    return that(
        m.height >= 1 && m.width >= 1 && m.channels >= 1 && m.lanes >= m.channels && (m.border == 0 || m.border == 1),
        "a map with pixels");
  }
  const Check& conv(const ConvShape& s) const {
    map(s.in).map(s.out);
    that(s.in.border == 1 && s.out.border == 1, "maps with a border");
    that(s.out == MapShape::layer(s.in.height / s.step(), s.in.width / s.step(), s.out.channels),
         "an output shape that follows from the input");
    return that(s.in.lanes % lanes_per_vector == 0 || s.in.lanes < lanes_per_vector,
                "input lanes below 16 or a multiple of 16");
  }
  const Check& average(const AverageShape& s) const {
    map(s.in).map(s.out);
    return that(s.side >= 1 && s.in.lanes % lanes_per_vector == 0, "windows, and input lanes that are a multiple of 16")
        .that(s.out == AverageShape::make(s.in, s.side).out, "an output shape that follows from the input");
  }
  const Check& head(const HeadShape& s) const { return map(s.in).that(s.embedding >= 1, "embedding >= 1"); }

 private:
  const char* operation_;
};

void check_forward(const ConvForward& op) {
  Check("conv_forward")
      .conv(op.shape)
      .extent(op.extent)
      .that(op.input && op.packed && op.output, "input, packed and output")
      .that(op.input.data != op.output.data, "output apart from input")
      .that(!op.winners || op.shape.pools(), "winners only with pooling");
}

}  // namespace

void Device::conv_pack(const ConvPack& op) {
  Check("conv_pack")
      .conv(op.shape)
      .extent(op.extent)
      .that(!op.shape.local(), "shared weights: local ones are not packed")
      .that(op.weights.weights && op.packed, "weights and packed")
      .that(op.way == Way::down || !op.weights.sign_only, "sign_only on the way down alone");
  conv_pack_impl(op);
}

void Device::load_views(const LoadViews& op) {
  Check("load_views").map(op.shape).extent(op.extent).that(op.pixels && op.output, "pixels and output");
  load_views_impl(op);
}

void Device::render_views(const RenderViews& op) {
  const Check check("render_views");
  check.map(op.shape)
      .extent(op.extent)
      .that(op.shape.channels == 1 || op.shape.channels == 3, "images of 1 or 3 channels")
      .that(op.images && op.recipes && op.output, "images, recipes and output");
  for (int v = 0; v < op.extent.views; ++v) {
    const ViewRecipe& recipe = op.recipes[v];
    check.that(renders(recipe.kind), "kinds of views that this device renders")
        .that(recipe.source < op.count, "sources among the images")
        .that(recipe.kind != ViewKind::affine_hsv || op.shape.channels == 3, "colours for affine_hsv");
  }
  render_views_impl(op);
}

void Device::conv_forward(const ConvForward& op) {
  check_forward(op);
  conv_forward_impl(op);
}

void Device::conv_forward(const std::vector<ConvForward>& layers) {
  for (std::size_t i = 0; i < layers.size(); ++i) {
    check_forward(layers[i]);
    if (i == 0) continue;
    const ConvForward &below = layers[i - 1], &op = layers[i];
    Check("conv_forward")
        .that(op.input.data == below.output.data && op.shape.in == below.shape.out, "each layer on top of the other")
        .that(op.extent.views == below.extent.views && op.extent.replicas == below.extent.replicas, "the same views");
  }
  conv_forward_impl(layers);
}

void Device::conv_forward_impl(const std::vector<ConvForward>& layers) {
  for (const ConvForward& op : layers) conv_forward_impl(op);
}

void Device::conv_weight_gradient(const ConvWeightGradient& op) {
  Check("conv_weight_gradient")
      .conv(op.shape)
      .extent(op.extent)
      .that(op.input && op.error && op.gradient, "input, error and gradient")
      .that(static_cast<bool>(op.winners) == op.shape.pools(), "winners exactly with pooling");
  conv_weight_gradient_impl(op);
}

void Device::conv_input_gradient(const ConvInputGradient& op) {
  Check("conv_input_gradient")
      .conv(op.shape)
      .extent(op.extent)
      .that(op.error && op.feedback.weights && op.input && op.error_below, "error, feedback, input and error_below")
      .that(static_cast<bool>(op.winners) == op.shape.pools(), "winners exactly with pooling")
      .that(op.shape.in.lanes % lanes_per_vector == 0, "a layer below (its lanes a multiple of 16), not an image")
      .that(op.error.data != op.error_below.data, "error_below apart from error");
  conv_input_gradient_impl(op);
}

void Device::conv_transpose(const ConvTranspose& op) {
  Check("conv_transpose")
      .conv(op.shape)
      .extent(op.extent)
      .that(op.input && op.weights && op.output, "input, weights and output")
      .that(!op.shape.pools() && !op.shape.local(), "a dense or strided shape with shared weights")
      .that(op.shape.in.lanes % lanes_per_vector == 0, "an output map with a multiple of 16 lanes, not an image")
      .that(op.input.data != op.output.data, "output apart from input");
  conv_transpose_impl(op);
}

void Device::average_pool(const AveragePool& op) {
  Check("average_pool")
      .average(op.shape)
      .extent(op.extent)
      .that(op.input && op.output, "input and output")
      .that(op.input.data != op.output.data, "output apart from input");
  average_pool_impl(op);
}

void Device::average_pool_gradient(const AveragePoolGradient& op) {
  Check("average_pool_gradient")
      .average(op.shape)
      .extent(op.extent)
      .that(op.error && op.input && op.error_below, "error, input and error_below")
      .that(op.error.data != op.error_below.data && op.input.data != op.error_below.data,
            "error_below apart from error and input");
  average_pool_gradient_impl(op);
}

void Device::head_forward(const HeadForward& op) {
  Check("head_forward")
      .head(op.shape)
      .extent(op.extent)
      .that(op.input && op.weights && op.embedding, "input, weights and embedding");
  head_forward_impl(op);
}

namespace {

void check(const HeadInputGradient& op) {
  Check("head_input_gradient")
      .head(op.shape)
      .extent(op.extent)
      .that(op.error && op.feedback.weights && op.input && op.error_below, "error, feedback, input and error_below")
      .that(op.input.data != op.error_below.data, "error_below apart from input");
}

void check(const HeadHebb& op) {
  Check("head_hebb")
      .head(op.shape)
      .extent(op.extent)
      .that(op.input && op.error && op.rate && op.weights, "input, error, rate and weights")
      .that(op.weights.data != op.feedback.data, "feedback apart from weights");
}

}  // namespace

void Device::head_input_gradient(const HeadInputGradient& op) {
  check(op);
  head_input_gradient_impl(op);
}

void Device::head_weight_gradient(const HeadWeightGradient& op) {
  Check("head_weight_gradient")
      .head(op.shape)
      .extent(op.extent)
      .that(op.input && op.error && op.gradient, "input, error and gradient");
  head_weight_gradient_impl(op);
}

void Device::head_hebb(const HeadHebb& op) {
  check(op);
  head_hebb_impl(op);
}

void Device::head_descend(const HeadDescend& op) {
  check(op.error), check(op.step);
  const HeadInputGradient& e = op.error;
  const HeadHebb& s = op.step;
  Check("head_descend")
      .that(e.shape.in == s.shape.in && e.shape.embedding == s.shape.embedding, "one head")
      .that(
          e.extent.replicas == s.extent.replicas && e.extent.views == s.extent.views && e.active.data == s.active.data,
          "the same views")
      .that(e.error_below.data != s.input.data, "error_below apart from input");
  head_descend_impl(op);
}

void Device::contrastive_hinge(const ContrastiveHinge& op) {
  const Check check("contrastive_hinge");
  check.that(op.embedding >= 1 && op.replicas >= 1 && op.anchors >= 0 && op.views >= 0, "sizes that are not negative")
      .that(op.view_embedding && op.view_error && op.view_active, "view embedding, error and active")
      .that(op.terms.empty() || (op.anchor_embedding && op.results), "anchors and results for the terms")
      .that(static_cast<bool>(op.anchor_error) == static_cast<bool>(op.anchor_active),
            "anchor error and active together");
  check.that(op.terms.size() % static_cast<std::size_t>(op.replicas) == 0, "as many terms for each replica");
  std::int32_t last = 0;
  for (const HingeTerm& term : op.terms) {
    if (static_cast<std::size_t>(&term - op.terms.data()) % op.terms_each() == 0) last = 0;
    check.that(term.anchor >= 0 && term.anchor < op.anchors && term.view >= last && term.view < op.views,
               "terms within range and sorted by view");
    last = term.view;
  }
  contrastive_hinge_impl(op);
}

void Device::inner_product_hinge(const InnerProductHinge& op) {
  const Check check("inner_product_hinge");
  check.that(op.count > 0 && op.count % lanes_per_vector == 0, "a count that is a positive multiple of 16")
      .that(op.anchors >= 0 && op.views >= 0, "sizes that are not negative")
      .that(op.margin >= 0, "a margin that is not negative")
      .that(op.prediction && op.view && op.view_error && op.view_active && op.prediction_error && op.anchor_active,
            "prediction, view, errors and flags")
      .that(op.terms.empty() || op.results != nullptr, "results for the terms")
      .that(op.view_error.data != op.view.data && op.prediction_error.data != op.prediction.data &&
                op.view_error.data != op.prediction_error.data,
            "errors apart from activities and from each other");
  std::int32_t last = 0;
  for (const InnerProductTerm& term : op.terms) {
    check.that(term.anchor >= 0 && term.anchor < op.anchors && term.view >= last && term.view < op.views,
               "terms within range and sorted by view");
    last = term.view;
  }
  inner_product_hinge_impl(op);
}

void Device::simclr(const SimClr& op) {
  Check("simclr")
      .that(op.embedding >= 1 && op.pairs >= 1 && op.temperature > 0, "at least one pair and a positive temperature")
      .that(op.a && op.b && op.a_error && op.b_error && op.loss, "embeddings, errors and loss");
  simclr_impl(op);
}

void Device::cross_entropy(const CrossEntropy& op) {
  Check("cross_entropy")
      .extent(op.extent)
      .that(op.classes >= 1 && op.extent.views >= 1, "at least one class and one view")
      .that(op.scores && op.bias && op.labels && op.error && op.bias_gradient && op.loss && op.correct, "all arrays");
  cross_entropy_impl(op);
}

void Device::softmax_regression(const SoftmaxRegression& op) {
  Check("softmax_regression")
      .extent(op.extent)
      .that(op.shape.features >= 1 && op.shape.classes >= 1 && op.extent.views >= 1,
            "at least one feature, class and view")
      .that(op.table && op.index && op.labels && op.weights && op.bias && op.gradient && op.bias_gradient && op.loss,
            "all arrays");
  softmax_regression_impl(op);
}

void Device::sgd_step(const SgdStep& op) {
  Check("sgd_step")
      .extent(op.extent)
      .that(op.weights.data != op.feedback.data, "feedback apart from weights")
      .that(op.count % lanes_per_vector == 0, "a count that is a multiple of 16")
      .that(op.gradient && op.rate && op.weights, "gradient, rate and weights");
  sgd_step_impl(op);
}

void Device::adam_step(const AdamStep& op) {
  Check("adam_step")
      .extent(op.extent)
      .that(op.weights.data != op.feedback.data, "feedback apart from weights")
      .that(op.count % lanes_per_vector == 0, "a count that is a multiple of 16")
      .that(op.gradient && op.rate && op.weights && op.first_moment && op.second_moment && op.steps,
            "gradient, rate, weights, moments and steps");
  adam_step_impl(op);
}

void Device::combine(const Combine& op) {
  Check("combine")
      .extent(op.extent)
      .that(op.count % lanes_per_vector == 0, "a count that is a multiple of 16")
      .that(op.a && op.b && op.output, "a, b and output");
  combine_impl(op);
}

void Device::target_error(const TargetError& op) {
  Check("target_error")
      .extent(op.extent)
      .that(op.count % lanes_per_vector == 0, "a count that is a multiple of 16")
      .that(op.output && op.target && op.error, "output, target and error");
  target_error_impl(op);
}

void Device::add_noise(const AddNoise& op) {
  const Check check("add_noise");
  check.map(op.shape).extent(op.extent).that(op.input && op.output, "input and output");
  const double numbers = static_cast<double>(op.shape.features()) * (op.first + op.extent.views);
  check.that(op.first >= 0 && numbers < 0x1p31, "fewer than 2^31 numbers in one event")
      .that(op.deviation >= 0, "deviation >= 0");
  add_noise_impl(op);
}

std::unique_ptr<Device> make_cpu_device(int threads) {
  if (threads < 0 || threads > 1024)
    throw InputError("threads is " + std::to_string(threads) + "; expected 0 (all cores) to 1024");
  return std::make_unique<cpu::CpuDevice>(threads);
}

}  // namespace saccade
