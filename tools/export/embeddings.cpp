#include "tools/export/embeddings.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/device.h"
#include "engine/error.h"
#include "models/activity.h"
#include "streams/views.h"
#include "tools/experiment/setup.h"
#include "tools/run/labelled_views.h"
#include "tools/run/learned_parameters.h"
#include "tools/run/progress.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

/// [channel][row][column] from a map in a device's layout, appended.
void append_channels_first(const MapShape& shape, const float* map, std::vector<float>& out) {
  for (int c = 0; c < shape.channels; ++c)
    for (int y = 0; y < shape.height; ++y)
      for (int x = 0; x < shape.width; ++x) out.push_back(map[shape.offset(y, x) + c]);
}

std::vector<std::size_t> rows_of(std::size_t n, const MapShape& map) {
  return {n, static_cast<std::size_t>(map.channels), static_cast<std::size_t>(map.height),
          static_cast<std::size_t>(map.width)};
}

/// Shows images chunk by chunk and appends what becomes of them to the tensors of a file.
class Exporter {
 public:
  static constexpr int chunk = 64;

  Exporter(Device& device, const Parameters& parameters, bool heads, std::vector<float> bias, int begin, int end,
           const ExportRequest& request, std::size_t images)
      : device_(device),
        parameters_(parameters),
        network_(parameters.network()),
        heads_(heads),
        bias_(std::move(bias)),
        begin_(begin),
        end_(end),
        request_(request),
        activity_(device, network_, chunk),
        shown_(chunk * network_.map(0).features()) {
    entries_.push_back({"label", true, {images}});
    if (request.views) entries_.push_back({"view", false, rows_of(images, network_.map(0))});
    for (int layer = begin; layer < end; ++layer) {
      if (has_head(layer))
        entries_.push_back({fmt::format("embedding.{}", layer),
                            false,
                            {images, static_cast<std::size_t>(network_.head(layer).embedding)}});
      if (request.features)
        entries_.push_back({fmt::format("features.{}", layer), false, rows_of(images, network_.head(layer).in)});
    }
  }

  const std::vector<TensorEntry>& entries() const { return entries_; }

  void append(const LabelledImages& images, std::size_t first, SafeTensorsStream& out) {
    const std::size_t n = std::min<std::size_t>(chunk, images.count - first), pixels = network_.map(0).features();
    for (std::size_t i = 0; i < n; ++i) images.fill(first + i, shown_.data() + i * pixels);
    const Views views{activity_, 0, static_cast<int>(n)};
    show(device_, network_, shown_, views);
    std::size_t tensor = 0;  // in the order of the entries
    const auto labels = images.labels.begin() + static_cast<std::ptrdiff_t>(first);
    out.append(tensor++, std::vector<std::int64_t>(labels, labels + static_cast<std::ptrdiff_t>(n)));
    if (request_.views) out.append(tensor++, maps(network_.map(0), activity_.map(0), n));
    ascend(device_, parameters_, views, 0, begin_);
    for (int layer = begin_; layer < end_; ++layer) {
      ascend(device_, parameters_, views, layer, layer + 1);
      if (has_head(layer)) out.append(tensor++, embeddings(views, layer));
      if (request_.features)
        out.append(tensor++, maps(network_.head(layer).in, head_input(device_, network_, views, layer), n));
    }
  }

 private:
  bool has_head(int layer) const { return heads_ && parameters_.has_head(layer); }

  std::vector<float> embeddings(const Views& views, int layer) {
    const HeadShape head = network_.head(layer);
    const auto lanes = static_cast<std::size_t>(head.lanes()), units = static_cast<std::size_t>(head.embedding);
    const DeviceBuffer<float> buffer(device_, lanes, 1, chunk);
    embed(device_, parameters_, views, layer, buffer.strided());
    const std::vector<float> padded = buffer.read();
    std::vector<float> values(static_cast<std::size_t>(views.count) * units);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = padded[i / units * lanes + i % units];
      if (!bias_.empty()) values[i] += bias_[i % units];
    }
    return values;
  }

  std::vector<float> maps(const MapShape& shape, ConstFloats map, std::size_t n) {
    std::vector<float> host(shape.size()), values;
    values.reserve(n * shape.features());
    for (std::size_t i = 0; i < n; ++i) {
      device_.read(host.data(), map.at(0, static_cast<int>(i)), host.size() * sizeof(float));
      append_channels_first(shape, host.data(), values);
    }
    return values;
  }

  Device& device_;
  const Parameters& parameters_;
  const NetworkSpec& network_;
  bool heads_;               ///< they read whole images
  std::vector<float> bias_;  ///< of the top head, under a supervised loss
  int begin_, end_;          ///< layers
  const ExportRequest& request_;
  Activity activity_;
  std::vector<float> shown_;
  std::vector<TensorEntry> entries_;
};

}  // namespace

std::vector<TensorEntry> export_embeddings(const ExportRequest& request, const CommonFlags& flags,
                                           const Experiment& experiment, const Checkpoint& checkpoint,
                                           std::map<std::string, std::string> metadata) {
  const int depth = experiment.network.depth();
  if (request.images < 0) throw InputError(fmt::format("--images {}: expected 0 (all) or more", request.images));
  if (request.layer && (*request.layer < 0 || *request.layer >= depth))
    throw InputError(fmt::format("--layer {}: the network has layers 0 to {}", *request.layer, depth - 1));
  const bool patches = learns_from_patches(experiment);
  if (patches && !request.features)
    throw InputError(
        "--embeddings: the heads of this run read patches, not whole images; expected --features with it, which leaves "
        "the embeddings out");
  const auto device = make_device(flags);
  // Where the heads read patches, the same convolutions look at whole images, without them.
  const Parameters parameters = patches ? learned_parameters(*device, experiment, checkpoint, request.source)
                                        : learner_parameters(*device, experiment, checkpoint, request.source);
  const int begin = request.layer.value_or(0), end = request.layer ? begin + 1 : depth;
  if (request.layer && !parameters.has_head(begin) && !request.features)
    throw InputError(
        fmt::format("--layer {}: this run has a head on layer {} alone; expected that layer, or --features with it",
                    begin, depth - 1));
  std::vector<float> bias;
  if (experiment.loss == Experiment::Loss::supervised) bias = checkpoint.tensor("classifier.bias").data;

  const DataSet data = labelled_data(experiment, data_folder(flags, remembered_data_folder({request.source})),
                                     {flags.threads, progress_of("reading", "images", flags.quiet)});
  const Part part = request.embeddings == "train" ? Part::train : Part::test;
  const LabelledViews shown = labelled_views(experiment, data, part, request.images, request.deformed);
  const LabelledImages& images = shown.images;
  metadata["data"] = data.train.name;
  metadata["images"] = fmt::format("the first {} {} images", images.count, request.embeddings);
  metadata["views"] = shown.how;
  Exporter exporter(*device, parameters, !patches, std::move(bias), begin, end, request, images.count);
  SafeTensorsStream out(flags.out, exporter.entries(), metadata);
  Progress progress("export", images.count, "images", flags.quiet);
  for (std::size_t first = 0; first < images.count; first += Exporter::chunk) {
    exporter.append(images, first, out);
    progress.update(std::min(first + Exporter::chunk, images.count));
  }
  out.finish();
  return out.entries();
}

}  // namespace saccade
