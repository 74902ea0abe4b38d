#include "tools/check/device_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "streams/views.h"

/// The check of a device must report one that is wrong, whatever the operation.
namespace saccade::check {
namespace {

const std::set<std::string> operations = {"conv_pack",
                                          "load_views",
                                          "render_views",
                                          "read_later",
                                          "conv_forward",
                                          "conv_weight_gradient",
                                          "conv_input_gradient",
                                          "conv_transpose",
                                          "average_pool",
                                          "average_pool_gradient",
                                          "head_forward",
                                          "head_input_gradient",
                                          "head_weight_gradient",
                                          "head_hebb",
                                          "head_descend",
                                          "contrastive_hinge",
                                          "inner_product_hinge",
                                          "simclr",
                                          "cross_entropy",
                                          "softmax_regression",
                                          "sgd_step",
                                          "adam_step",
                                          "combine",
                                          "target_error",
                                          "add_noise"};

/// The CPU, but for one number that one operation writes: the largest gets another sign, or becomes NaN.
class WrongDevice final : public Device {
 public:
  explicit WrongDevice(std::string operation, bool not_a_number = false)
      : wrong_(std::move(operation)), not_a_number_(not_a_number) {}

  std::string name() const override { return "wrong"; }
  std::string instruction_set() const override { return cpu_->instruction_set(); }
  int threads() const override { return 1; }
  std::string hardware() const override { return cpu_->hardware(); }
  std::shared_ptr<void> allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  void write(void* to, const void* from, std::size_t bytes) override { cpu_->write(to, from, bytes); }
  void read(void* to, const void* from, std::size_t bytes) override { cpu_->read(to, from, bytes); }
  void read_later(void* to, const void* from, std::size_t bytes) override {
    cpu_->read(to, from, bytes);
    spoil("read_later", static_cast<float*>(to), bytes / sizeof(float));
  }
  void copy(void* to, const void* from, std::size_t bytes) override { cpu_->copy(to, from, bytes); }
  void clear(void* to, std::size_t bytes) override { cpu_->clear(to, bytes); }
  bool renders(ViewKind) const override { return true; }
  std::size_t packed_size(const ConvShape& shape, Way way, Arithmetic arithmetic) const override {
    return cpu_->packed_size(shape, way, arithmetic);
  }

 private:
  void spoil(const char* operation, float* values, std::size_t count) const {
    if (wrong_ != operation) return;
    float& largest =
        *std::max_element(values, values + count, [](float a, float b) { return std::abs(a) < std::abs(b); });
    largest = not_a_number_ ? std::numeric_limits<float>::quiet_NaN() : -largest;
  }
  void conv_pack_impl(const ConvPack& op) override {
    cpu_->conv_pack(op);
    // Packed without an active view: nothing of replica 1 is written, so replica 0 it is.
    spoil("conv_pack", op.packed.at(0), packed_size(op.shape, op.way, op.arithmetic));
  }
  void load_views_impl(const LoadViews& op) override {
    cpu_->load_views(op);
    spoil("load_views", op.output.at(0), op.shape.size());
  }
  void render_views_impl(const RenderViews& op) override {
    const MapShape& s = op.shape;
    ImageSet images{"", s.height, s.width, s.channels, {}, {}, {}};
    images.pixels.assign(op.images, op.images + op.count * s.features());
    std::vector<float> pixels(s.features() * op.extent.views);
    for (std::size_t view = 0; view < static_cast<std::size_t>(op.extent.views); ++view)
      render(images, op.recipes[view], pixels.data() + view * s.features());
    cpu_->load_views({s, op.extent, pixels.data(), op.output});
    spoil("render_views", op.output.at(0), s.size());
  }
  void conv_forward_impl(const ConvForward& op) override {
    cpu_->conv_forward(op);
    spoil("conv_forward", op.output.at(0), op.shape.out.size());
  }
  void conv_weight_gradient_impl(const ConvWeightGradient& op) override {
    cpu_->conv_weight_gradient(op);
    spoil("conv_weight_gradient", op.gradient.at(0), op.shape.weights());
  }
  void conv_input_gradient_impl(const ConvInputGradient& op) override {
    cpu_->conv_input_gradient(op);
    spoil("conv_input_gradient", op.error_below.at(0), op.shape.in.size());
  }
  void conv_transpose_impl(const ConvTranspose& op) override {
    cpu_->conv_transpose(op);
    spoil("conv_transpose", op.output.at(0), op.shape.in.size());
  }
  void average_pool_impl(const AveragePool& op) override {
    cpu_->average_pool(op);
    spoil("average_pool", op.output.at(0), op.shape.out.size());
  }
  void average_pool_gradient_impl(const AveragePoolGradient& op) override {
    cpu_->average_pool_gradient(op);
    spoil("average_pool_gradient", op.error_below.at(0), op.shape.in.size());
  }
  void head_forward_impl(const HeadForward& op) override {
    cpu_->head_forward(op);
    spoil("head_forward", op.embedding.at(0), static_cast<std::size_t>(op.shape.lanes()));
  }
  void head_input_gradient_impl(const HeadInputGradient& op) override {
    cpu_->head_input_gradient(op);
    spoil("head_input_gradient", op.error_below.at(0), op.shape.in.size());
  }
  void head_weight_gradient_impl(const HeadWeightGradient& op) override {
    cpu_->head_weight_gradient(op);
    spoil("head_weight_gradient", op.gradient.at(0), op.shape.weights());
  }
  void head_hebb_impl(const HeadHebb& op) override {
    cpu_->head_hebb(op);
    spoil("head_hebb", op.weights.at(0), op.shape.weights());
  }
  void head_descend_impl(const HeadDescend& op) override {
    cpu_->head_descend(op);
    spoil("head_descend", op.step.weights.at(0), op.step.shape.weights());
  }
  void contrastive_hinge_impl(const ContrastiveHinge& op) override {
    cpu_->contrastive_hinge(op);
    spoil("contrastive_hinge", &op.results.at(0)->distance, 1);
  }
  void inner_product_hinge_impl(const InnerProductHinge& op) override {
    cpu_->inner_product_hinge(op);
    spoil("inner_product_hinge", &op.results->score, 1);
  }
  void simclr_impl(const SimClr& op) override {
    cpu_->simclr(op);
    spoil("simclr", op.loss, 1);
  }
  void cross_entropy_impl(const CrossEntropy& op) override {
    cpu_->cross_entropy(op);
    spoil("cross_entropy", op.bias_gradient.at(0), static_cast<std::size_t>(op.classes));
  }
  void softmax_regression_impl(const SoftmaxRegression& op) override {
    cpu_->softmax_regression(op);
    spoil("softmax_regression", op.gradient.at(0), op.shape.weights());
  }
  void sgd_step_impl(const SgdStep& op) override {
    cpu_->sgd_step(op);
    spoil("sgd_step", op.weights.at(0), op.count);
  }
  void adam_step_impl(const AdamStep& op) override {
    cpu_->adam_step(op);
    spoil("adam_step", op.second_moment.at(0), op.count);
  }
  void combine_impl(const Combine& op) override {
    cpu_->combine(op);
    spoil("combine", op.output.at(0), op.count);
  }
  void target_error_impl(const TargetError& op) override {
    cpu_->target_error(op);
    spoil("target_error", op.error.at(0), op.count);
  }
  void add_noise_impl(const AddNoise& op) override {
    cpu_->add_noise(op);
    spoil("add_noise", op.output.at(0), op.shape.size());
  }

  std::unique_ptr<Device> cpu_ = make_cpu_device(1);
  std::string wrong_;
  bool not_a_number_;
};

std::vector<Case> all_cases() { return cases(known_network("conv3"), 3); }

}  // namespace

TEST_CASE("every operation is checked, for one learner and for three") {
  std::set<std::string> all, for_three;
  for (const Case& one : all_cases()) {
    all.insert(one.operation);
    if (one.detail.find("R=3") != std::string::npos) for_three.insert(one.operation);
  }
  CHECK(all == operations);
  std::set<std::string> have_replicas = operations;
  for (const char* alone : {"simclr", "inner_product_hinge", "read_later"}) have_replicas.erase(alone);  // R = 1
  CHECK(for_three == have_replicas);
}

TEST_CASE("a device that is right has no errors") {
  WrongDevice right("none");
  const auto reference = make_cpu_device(1);
  for (const Case& one : all_cases()) {
    CAPTURE(one.operation);
    CAPTURE(one.detail);
    const Result result = run(one, right, *reference, false);
    CHECK(result.ok);
    CHECK(result.error == 0);
  }
}

TEST_CASE("one wrong number in any operation is reported, as a wrong value and as NaN") {
  const auto reference = make_cpu_device(1);
  const std::vector<Case> all = all_cases();
  for (const std::string& operation : operations)
    for (const bool not_a_number : {false, true}) {
      WrongDevice wrong(operation, not_a_number);
      for (const Case& one : all) {
        if (one.operation != operation) continue;
        CAPTURE(one.operation);
        CAPTURE(one.detail);
        const Result result = run(one, wrong, *reference, false);
        CHECK_FALSE(result.ok);
        CHECK(std::isfinite(result.error) == !not_a_number);
        CHECK_FALSE(result.error <= result.tolerance);
      }
    }
}

TEST_CASE("other bits are wrong where the same are due, and rounding is not") {
  const auto reference = make_cpu_device(1);
  const auto slightly_wrong = [](double tolerance) {
    return Case{"none", "", [tolerance](Trial& t) {
                  const DeviceBuffer<float>& values = t.floats(1000, {});
                  t.call = [&t, &values] {
                    if (t.device().name() == "wrong") values.data()[0] = std::nextafter(values.data()[0], 2.0f);
                  };
                  t.compare(values, tolerance);
                }};
  };
  WrongDevice wrong("none");
  CHECK_FALSE(run(slightly_wrong(same_bits), wrong, *reference, false).ok);
  CHECK(run(slightly_wrong(rounding), wrong, *reference, false).ok);
}

}  // namespace saccade::check
