#include "tools/run/labelled_views.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "streams/views.h"
#include "tools/experiment/setup.h"

namespace saccade {
namespace {

/// How the experiment's probe deforms.
ViewKind deformation(const Experiment& e, const ImageSet& images) {
  switch (e.probe.deformation) {
    case Experiment::Deformation::affine:
      return ViewKind::affine;
    case Experiment::Deformation::affine_hsv:
      return ViewKind::affine_hsv;
    case Experiment::Deformation::rotate_scale_shift:
      return ViewKind::rotate_scale_shift;
    case Experiment::Deformation::automatic:
      break;
  }
  // As in the stream; plain views, and those of objects, have no deformation, so their test takes that of the data's
  // channels.
  if (e.view.kind == ViewKind::centre_crop) return ViewKind::random_crop_flip;
  if (e.view.kind != ViewKind::plain && e.view.kind != ViewKind::world) return e.view.kind;
  return images.channels == 3 ? ViewKind::affine_hsv : ViewKind::affine;
}

LabelledImages shown(const Experiment& e, const ImageSet& set, std::size_t first, std::int64_t count, ViewKind kind,
                     bool centred) {
  LabelledImages images;
  const std::size_t left = set.size() - first;
  images.count = count == 0 ? left : std::min(left, static_cast<std::size_t>(count));
  images.classes = static_cast<int>(set.classes.size());
  const auto label = set.labels.begin() + static_cast<std::ptrdiff_t>(first);
  images.labels.assign(label, label + static_cast<std::ptrdiff_t>(images.count));
  const DrawOptions options = for_images(
      set, {.warp_probability = 1, .strength = static_cast<float>(e.probe.deformation_strength), .centred = centred});
  images.fill = [&set, first, kind, options, seed = static_cast<std::uint64_t>(e.seed)](std::size_t i, float* pixels) {
    const auto image = static_cast<std::uint32_t>(first + i);
    render(set, draw_recipe(kind, seed, image, 0, 0, Purpose::test_view, options), pixels);
  };
  return images;
}

/// Images [first, first + count) of a set, as a probe is trained on them or (`test`) tested.
LabelledViews views_of(const Experiment& e, const DataSet& data, const ImageSet& set, std::size_t first,
                       std::int64_t count, bool test, bool deformed) {
  const bool own = deformed && &set == &data.test && e.probe.deformation == Experiment::Deformation::automatic &&
                   data.deformed_test.size() > 0;
  if (!deformed || own) {
    const ImageSet& seen = own ? data.deformed_test : set;
    const char* plain = !cuts(e.view.kind) ? "plain" : test ? "centre-cropped" : "randomly cropped and flipped";
    return {shown(e, seen, first, count, undeformed(e.view.kind, !test), test),
            own ? fmt::format("deformed ({}, every image)", seen.name) : plain};
  }
  const ViewKind kind = deformation(e, set);
  check_kind(set, kind);
  if (view_shape(kind, set) != view_shape(e.view.kind, set))
    throw InputError(fmt::format(
        "probe.deformation is \"{}\", whose images are not of the size that view.kind \"{}\" gives the network; "
        "expected \"auto\"",
        to_string(kind), to_string(e.view.kind)));
  std::string how = to_string(kind);
  if (kind == ViewKind::rotate_scale_shift) how += fmt::format(" with p = {:g}", e.probe.deformation_strength);
  return {shown(e, set, first, count, kind, false), fmt::format("deformed ({}, every image)", how)};
}

}  // namespace

LabelledViews labelled_views(const Experiment& e, const DataSet& data, Part part, std::int64_t count, bool deformed) {
  const bool test = part == Part::test;
  return views_of(e, data, test ? data.test : data.train, 0, count, test, deformed);
}

LabelledViews tested_views(const Experiment& e, const DataSet& data, bool deformed) {
  const bool held_out = e.probe.test == Experiment::ProbeTest::train;
  const ImageSet& set = held_out ? data.train : data.test;
  const auto first = static_cast<std::size_t>(e.probe.test_from);
  if (first >= set.size())
    throw InputError(fmt::format("probe.test_from = {}: {} has {} images to test on, expected a smaller number", first,
                                 set.name, set.size()));
  if (held_out && (e.probe.images == 0 || e.probe.images > e.probe.test_from))
    throw InputError(fmt::format(
        "probe.test_from = {}: the probe would be tested on training images that it is trained on (probe.images = {}); "
        "expected probe.images from 1 to probe.test_from",
        first, e.probe.images));
  LabelledViews views = views_of(e, data, set, first, e.probe.test_images, true, deformed);
  if (held_out)
    views.which = fmt::format("training images {} to {}", first + 1, first + views.images.count);
  else if (first > 0)
    views.which = fmt::format("test images from number {} on", first + 1);
  return views;
}

DataSet labelled_data(const Experiment& e, const std::filesystem::path& folder, const Decoding& decoding) {
  if (!e.can_probe()) return load_probe_data(e, folder, decoding);  // says what is missing
  return probe_reads_more(e) || e.data == Experiment::Data::stl10 ? load_probe_data(e, folder, decoding)
                                                                  : load_experiment_data(e, folder, decoding);
}

}  // namespace saccade
