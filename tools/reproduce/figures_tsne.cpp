#include <fmt/format.h>

#include <algorithm>

#include "engine/checkpoint.h"
#include "engine/device.h"
#include "engine/file_system.h"
#include "models/linear_probe.h"
#include "streams/load.h"
#include "streams/views.h"
#include "tools/experiment/setup.h"
#include "tools/replace_file.h"
#include "tools/report/html.h"
#include "tools/report/plot.h"
#include "tools/reproduce/figures.h"
#include "tools/reproduce/tsne.h"
#include "tools/run/interrupt.h"
#include "tools/run/learned_parameters.h"
#include "tools/run/progress.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

/// Globally average-pooled activity after a layer, [images][channels].
Points pooled_features(Device& device, const Parameters& parameters, int layer, const LabelledImages& images) {
  const MapShape map = parameters.network().head(layer).in;
  const auto channels = static_cast<std::size_t>(map.channels), pixels = map.features() / channels;
  Points points{images.count, channels, std::vector<double>(images.count * channels)};
  constexpr std::size_t chunk = 50;  // the maps of all images would need gigabytes
  for (std::size_t first = 0; first < images.count; first += chunk) {
    const std::size_t n = std::min(chunk, images.count - first);
    const std::vector<float> values = extract_features(device, parameters, layer, images, first, n).values.read();
    for (std::size_t i = 0; i < n * pixels; ++i)
      for (std::size_t c = 0; c < channels; ++c)
        points.values[(first + i / pixels) * channels + c] += values[i * channels + c] / static_cast<double>(pixels);
  }
  return points;
}

}  // namespace

std::string tsne_figure(const PresetTable& table, const CellRun& run, const CommonFlags& flags) {
  if (!run.done()) return {};
  const Experiment& e = run.experiment();
  const auto device = make_device(flags);
  const std::filesystem::path file = newest_checkpoint(run.folder());
  const Parameters parameters = learned_parameters(*device, e, load_checkpoint(real_files(), file), file);
  const DataSet data =
      load_data(data_name(probe_data(e)), flags.data, 1, folder_options(e));  // of the test images, all are read
  LabelledImages images;
  images.count = std::min(most_tsne_points, data.test.size());
  if (e.probe.test_images > 0) images.count = std::min(images.count, static_cast<std::size_t>(e.probe.test_images));
  images.classes = static_cast<int>(data.test.classes.size());
  images.labels.assign(data.test.labels.begin(), data.test.labels.begin() + static_cast<std::ptrdiff_t>(images.count));
  images.fill = [&](std::size_t i, float* pixels) {
    render(
        data.test,
        draw_recipe(undeformed(e.view.kind, false), static_cast<std::uint64_t>(e.seed), static_cast<std::uint32_t>(i),
                    0, 0, Purpose::test_view, for_images(data.test, {.centred = true})),
        pixels);
  };
  TsneOptions options;
  options.seed = static_cast<std::uint64_t>(e.seed);
  options.perplexity = std::min(30.0, static_cast<double>(images.count) / 4);
  std::string plots;
  for (int layer = 0; layer < e.network.depth(); ++layer) {
    const Points points = pooled_features(*device, parameters, layer, images);
    Progress progress(fmt::format("t-SNE of layer {}", layer), static_cast<std::uint64_t>(options.iterations), "steps",
                      flags.quiet);
    const std::vector<double> layout =
        tsne(points, options, interrupted, [&](int step) { progress.update(static_cast<std::uint64_t>(step)); });
    if (layout.empty()) return {};
    ScatterPlot plot{.title = fmt::format("Layer {}", layer), .groups = {}};
    for (const std::string& name : data.test.classes) plot.groups.push_back({name, {}, {}});
    std::string csv = "image,label,x,y\n";
    for (std::size_t i = 0; i < images.count; ++i) {
      PointGroup& group = plot.groups[static_cast<std::size_t>(images.labels[i])];
      group.x.push_back(layout[2 * i]);
      group.y.push_back(layout[2 * i + 1]);
      csv += fmt::format("{},{},{},{}\n", i, images.labels[i], layout[2 * i], layout[2 * i + 1]);
    }
    replace_file(flags.out / fmt::format("{}-layer-{}.csv", table.name, layer), csv);
    plots += "<figure>" + scatter_svg(plot) + "</figure>\n";
  }
  return scatter_legend(data.test.classes) + "<div class=\"plots\">\n" + plots + "</div>\n" +
         fmt::format(
             "<p class=\"faint\">The first {} test images of {}, each layer's activity averaged over the image; t-SNE "
             "with "
             "perplexity {:g}, {} steps, seed {}. Only distances mean something.</p>\n",
             images.count, escape_html(data.test.name), options.perplexity, options.iterations, e.seed);
}

}  // namespace saccade
