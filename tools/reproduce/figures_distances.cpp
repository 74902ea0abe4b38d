#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/device.h"
#include "engine/random.h"
#include "models/activity.h"
#include "streams/views.h"
#include "tools/experiment/setup.h"
#include "tools/replace_file.h"
#include "tools/report/html.h"
#include "tools/report/plot.h"
#include "tools/reproduce/figures.h"
#include "tools/run/run_folder.h"

namespace saccade {
namespace {

struct Distances {
  std::vector<double> positive, negative;
};

double l1(const float* a, const float* b, int size) {
  double sum = 0;
  for (int i = 0; i < size; ++i) sum += std::abs(static_cast<double>(a[i]) - b[i]);
  return sum;
}

/// Distances under every layer's head of n pairs of views in the untrained network; negatives are all other pairs.
std::vector<Distances> initial_distances(Device& device, const Experiment& e, const ImageSet& images, int n) {
  const NetworkSpec& network = e.network;
  const auto seed = static_cast<std::uint64_t>(e.seed);
  const Parameters untrained(device, network, make_rule("bp"), Heads::every_layer, seed, 1, e.arithmetic);
  constexpr int chunk = 50;
  Activity activity(device, network, chunk);
  DeviceBuffer<float> embedding(device, static_cast<std::size_t>(network.head(0).lanes()), 1, chunk);
  const std::size_t lanes = embedding.size(), pixels = network.map(0).features();
  std::vector<std::vector<float>> embeddings(network.layers.size(),
                                             std::vector<float>(2 * static_cast<std::size_t>(n) * lanes));
  std::vector<float> shown(chunk * pixels);
  for (int first = 0; first < 2 * n; first += chunk) {
    const int count = std::min(chunk, 2 * n - first);
    for (int i = 0; i < count; ++i) {
      const int pair = (first + i) % n, view = (first + i) / n;
      const std::uint32_t source = permuted(seed, Purpose::object_order, 0, static_cast<std::uint32_t>(pair),
                                            static_cast<std::uint32_t>(images.size()));
      render(images,
             draw_recipe(e.view.kind, seed, source, 0, static_cast<std::uint32_t>(view), Purpose::view_recipe,
                         for_images(images)),
             shown.data() + static_cast<std::size_t>(i) * pixels);
    }
    const Views views{activity, 0, count};
    show(device, network, shown, views);
    ascend(device, untrained, views, 0, network.depth());
    for (int layer = 0; layer < network.depth(); ++layer) {
      embed(device, untrained, views, layer, embedding.strided());
      const std::vector<float> values = embedding.read();
      std::copy_n(values.begin(), static_cast<std::size_t>(count) * lanes,
                  embeddings[static_cast<std::size_t>(layer)].begin() + static_cast<std::ptrdiff_t>(lanes) * first);
    }
  }
  std::vector<Distances> all(network.layers.size());
  for (std::size_t layer = 0; layer < all.size(); ++layer) {
    const auto at = [&](int i) { return embeddings[layer].data() + static_cast<std::size_t>(i) * lanes; };
    for (int a = 0; a < n; ++a)
      for (int b = 0; b < n; ++b)
        (a == b ? all[layer].positive : all[layer].negative).push_back(l1(at(a), at(n + b), network.embedding));
  }
  return all;
}

double mean(const std::vector<double>& values) {
  double sum = 0;
  for (double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

template <class Condition>
double share(const std::vector<double>& values, Condition condition) {
  return static_cast<double>(std::count_if(values.begin(), values.end(), condition)) /
         static_cast<double>(values.size());
}

}  // namespace

std::string distances_figure(const PresetTable& table, const CellRun& run, const CommonFlags& flags) {
  const Experiment& e = run.experiment();
  const DataSet data = load_experiment_data(e, flags.data);
  const auto n = static_cast<int>(std::min<std::int64_t>(integer_value(e, "batch", 500),
                                                         static_cast<std::int64_t>(learned_images(e, data).size())));
  const auto device = make_device(flags);
  const std::vector<Distances> layers = initial_distances(*device, e, learned_images(e, data), n);
  std::string csv = "layer,pairs,from,to,share\n", plots, rows;
  constexpr int bins = 60;
  for (int layer = e.network.depth() - 1; layer >= 0; --layer) {
    const Distances& d = layers[static_cast<std::size_t>(layer)];
    const Experiment::Margins& m = e.margins_of(layer);
    const double high = 1.02 * std::max({*std::max_element(d.positive.begin(), d.positive.end()),
                                         *std::max_element(d.negative.begin(), d.negative.end()), m.negative});
    const bool top = layer == e.network.depth() - 1;
    LinePlot plot{.title = fmt::format("Layer {}{}", layer, top ? " (top head)" : ""),
                  .x_label = "L1 distance",
                  .y_label = "share of the pairs",
                  .series = {histogram_series("positive pairs", d.positive, 0, high, bins),
                             histogram_series("negative pairs", d.negative, 0, high, bins)},
                  .references = {},
                  .verticals = {{m.positive, fmt::format("m1 = {:g}", m.positive), true},
                                {m.negative, fmt::format("m2 = {:g}", m.negative), false}}};
    plots += "<figure>" + line_plot_svg(plot) + "</figure>\n";
    for (const PlotSeries& series : plot.series)
      for (int bin = 0; bin < bins; ++bin)
        csv += fmt::format("{},{},{},{},{}\n", layer, series.name.substr(0, series.name.find(' ')), high * bin / bins,
                           high * (bin + 1) / bins, series.y[static_cast<std::size_t>(1 + 2 * bin)]);
    rows += fmt::format(
        "<tr><td>{}</td><td class=\"number\">{:.2f}</td><td class=\"number\">{:.2f}</td><td class=\"number\">{:.1f} "
        "%</td><td class=\"number\">{:.1f} %</td></tr>\n",
        layer, mean(d.positive), mean(d.negative), 100 * share(d.positive, [&](double x) { return x > m.positive; }),
        100 * share(d.negative, [&](double x) { return x < m.negative; }));
  }
  replace_file(flags.out / (table.name + "-distances.csv"), csv);
  return fmt::format(
      "<div class=\"plots\">\n{}</div>\n<p class=\"faint\">{} pairs of views of {}, {} network, seed {}. A positive "
      "pair "
      "pulls where it is right of m1 (dashed), a negative one pushes where it is left of m2 (solid).</p>\n"
      "<div class=\"scroll\"><table><tr><th>layer</th><th class=\"number\">mean positive</th><th class=\"number\">mean "
      "negative</th><th class=\"number\">positives that pull</th><th class=\"number\">negatives that push</th></tr>\n"
      "{}</table></div>\n",
      plots, n, escape_html(learned_images(e, data).name), "untrained", e.seed, rows);
}

}  // namespace saccade
