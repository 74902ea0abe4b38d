#include "tools/report/plot.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tools/report/html.h"
#include "tools/report/png.h"
#include "tools/xml.h"

namespace saccade {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double largest = std::numeric_limits<double>::max();

void check_svg(const std::string& svg) {
  CHECK(xml_fault(svg) == "");
  CHECK(svg.size() < 100'000);
  for (const char* bad : {"nan ", "inf ", "\"nan", "\"inf", "Mnan", "Lnan", " nan", " inf"})
    CHECK(svg.find(bad) == std::string::npos);
}

LinePlot line(std::vector<double> x, std::vector<double> y) {
  LinePlot plot;
  plot.title = "a < b & \"c\"";
  plot.series = {{"first", std::move(x), std::move(y)}};
  return plot;
}

}  // namespace

TEST_CASE("the checker of XML sees faults") {
  for (const char* bad : {"", "<a>", "</a>", "<a></b>", "<a>&</a>", "<a/><b/>", "<a b=\"<\"/>", "<a/>x"})
    CHECK(xml_fault(bad) != "");
  CHECK(xml_fault("<a b=\"1>0\"><c/>&lt;</a>\n") == "");
}

TEST_CASE("line plots survive any values") {
  check_svg(line_plot_svg({}));
  check_svg(line_plot_svg(line({}, {})));
  check_svg(line_plot_svg(line({1}, {2})));
  check_svg(line_plot_svg(line({1, 2, 3}, {nan, nan, nan})));
  check_svg(line_plot_svg(line({nan, inf, 3}, {1, 2, inf})));
  check_svg(line_plot_svg(line({1, 2, 3}, {1})));
  check_svg(line_plot_svg(line({0, 1}, {-largest, largest})));
  check_svg(line_plot_svg(line({0, 1}, {5e-324, 0})));
  check_svg(line_plot_svg(line({0, 1e300}, {1e10, 1e10 + 1e-6})));
  LinePlot plot = line({1, 2, 3, 4}, {1, nan, 3, 4});
  plot.references = {{nan, "m"}, {2, "m2 < 3"}};
  const std::string svg = line_plot_svg(plot);
  check_svg(svg);
  CHECK(svg.find("m2 &lt; 3") != std::string::npos);
}

TEST_CASE("line plots: a series without a name is not in the legend; what counts things has whole ticks") {
  const auto count = [](const std::string& svg, const std::string& part) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = svg.find(part, at)) != std::string::npos; at += part.size()) ++n;
    return n;
  };
  LinePlot plot = line({0, 1, 2}, {10, 20, 30});
  plot.series.push_back({"", {0, 1, 2}, {20, 20, 20}, 0});
  plot.series.push_back({"second", {0, 1, 2}, {30, 20, 20}, 1});
  const std::string svg = line_plot_svg(plot);
  check_svg(svg);
  CHECK(count(svg, "class=\"line c0") == 3);  // two curves and a mark in the legend
  CHECK(count(svg, "class=\"line c1") == 2);
  CHECK(count(svg, ">0.5<") == 1);
  plot.whole_x = true;
  const std::string whole = line_plot_svg(plot);
  for (const char* tick : {">0.5<", ">1.5<", ">1.0<"}) CHECK(count(whole, tick) == 0);
  CHECK(count(whole, ">1<") >= 1);
}

TEST_CASE("dot plots and scatter plots survive any values") {
  check_svg(dot_plot_svg({}));
  check_svg(dot_plot_svg({"t", "x", {{"a < b", 71.4, nan, nan}, {"b", nan, 50, 2}, {"c", nan, nan, nan}}}));
  check_svg(dot_plot_svg({"t", "x", {{"a", 1e12, -1e12, inf}, {"b", inf, 1, 1}}}));
  const std::string svg = dot_plot_svg({"t", "x", {{"row & one", 70, 60, 1}}});
  CHECK(svg.find("row &amp; one") != std::string::npos);
  CHECK(svg.find("class=\"spread c0\"") != std::string::npos);
  check_svg(scatter_svg({}));
  check_svg(scatter_svg({"t", {{"a", {1, nan, 2}, {1, 2, inf}}, {"b", {}, {}}, {"c", {5}, {5, 6}}}}));
  check_svg(scatter_svg({"t", {{"a", {-largest, largest}, {0, 0}}}}));
  check_svg(scatter_legend({"cat & dog", "ship"}));
}

TEST_CASE("a histogram's shares are those of the values in range") {
  const PlotSeries series = histogram_series("h", {0, 0.5, 1, 1.5, 2, 7, nan}, 0, 2, 4);
  // Outline: up from the axis, a step per bin, down to the axis; the upper edge belongs to the last bin.
  CHECK(series.x == std::vector<double>{0, 0, 0.5, 0.5, 1, 1, 1.5, 1.5, 2, 2});
  const std::vector<double> shares{0, 1.0 / 7, 1.0 / 7, 1.0 / 7, 1.0 / 7, 1.0 / 7, 1.0 / 7, 2.0 / 7, 2.0 / 7, 0};
  REQUIRE(series.y.size() == shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) CHECK(std::abs(series.y[i] - shares[i]) <= 1e-15);
}

TEST_CASE("vertical lines belong to the range of a line plot") {
  LinePlot plot = line({0, 1}, {0, 1});
  plot.verticals = {{3, "m2 < 4", true}, {nan, "gone"}};
  const std::string svg = line_plot_svg(plot);
  check_svg(svg);
  CHECK(svg.find("m2 &lt; 4") != std::string::npos);
  CHECK(svg.find("gone") == std::string::npos);
  CHECK(svg.find("mark dash\" d=\"M418.0") != std::string::npos);  // at the right edge, 440 - 22
}

TEST_CASE("bar charts survive any values") {
  check_svg(bar_chart_svg({}));
  BarChart chart;
  chart.groups = {"layer 0", "layer 1", "layer 2"};
  chart.series = {{"learned", {1, nan, inf}}, {"untrained", {-5}}, {"none", {}}};
  check_svg(bar_chart_svg(chart));
  chart.series = {{"all", {nan, nan, nan}}};
  check_svg(bar_chart_svg(chart));
}

TEST_CASE("ticks are round and cover the range") {
  CHECK(round_ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.2 * 3, 0.8, 1});
  CHECK(round_ticks(0, 97, 5) == std::vector<double>{0, 20, 40, 60, 80, 100});
  CHECK(round_ticks(3, 3, 5).size() >= 2);
  CHECK(round_ticks(0, 0, 5).size() >= 2);
  CHECK(round_ticks(nan, inf, 5) == std::vector<double>{0, 1});
  CHECK(tick_text(0.30000000000000004, 0.1) == "0.3");
  CHECK(tick_text(20000, 20000) == "20 k");
  CHECK(tick_text(-1e-17, 0.1) == "0");
  CHECK(tick_text(1.5, 0.5) == "1.5");
}

TEST_CASE("text is escaped and stays valid UTF-8") {
  CHECK(escape_html("<a href='x'>&\"") == "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
  CHECK(escape_html("\xc3\xa9\n") == "\xc3\xa9\n");
  const std::string replacement = "\xEF\xBF\xBD";
  CHECK(escape_html("\xff") == replacement);
  CHECK(escape_html(std::string_view("\0", 1)) == replacement);
  CHECK(escape_html("\xc0\x80") == replacement + replacement);
  CHECK(escape_html("\xed\xa0\x80").size() == 9);
  CHECK(escape_html("\xe2\x82") == replacement + replacement);
}

TEST_CASE("pictures") {
  const auto text = [](std::string_view s) {
    return base64({reinterpret_cast<const std::uint8_t*>(s.data()), s.size()});
  };
  CHECK(text("") == "");
  CHECK(text("f") == "Zg==");
  CHECK(text("fo") == "Zm8=");
  CHECK(text("foobar") == "Zm9vYmFy");
  CHECK(text("\xff\xff\xfe") == "///+");
  CHECK(png_data_uri({2, 1, 1, {0, 255}}).starts_with("data:image/png;base64,iVBORw0KGgo"));
  CHECK(encode_png({1, 1, 3, {1, 2, 3}}).size() > 50);
  CHECK_THROWS(encode_png({2, 2, 3, {1, 2, 3}}));
  CHECK_THROWS(encode_png({0, 0, 3, {}}));
  CHECK_THROWS(encode_png({1, 1, 2, {1, 2}}));
}

TEST_CASE("heat maps survive any values and tell them in cells") {
  check_svg(heat_map_svg({}));
  HeatMap map{.title = "a < b",
              .x_label = "x & y",
              .y_label = "y",
              .value_label = "points",
              .x_names = {"0.5", "long"},
              .y_names = {"one", "two"},
              .cells = {{{1, "+1.00", "± 0.10"}, {nan, "–", ""}}, {{-largest, "low", ""}, {inf, "", ""}}},
              .low = 0,
              .high = 1};
  const std::string svg = heat_map_svg(map);
  check_svg(svg);
  for (const char* part : {"a &lt; b", "+1.00", "± 0.10", "long</text>", "class=\"empty\""})
    CHECK_MESSAGE(svg.find(part) != std::string::npos, part);
  map.high = 0;  // all the same
  check_svg(heat_map_svg(map));
  map.cells.pop_back();
  check_svg(heat_map_svg(map));
}

TEST_CASE("a heat map's colours: viridis, dark to light, with text that can be read on them") {
  HeatMap map{.title = "",
              .x_label = "",
              .y_label = "",
              .value_label = "",
              .x_names = {"a", "b", "c"},
              .y_names = {"r"},
              .cells = {{{0, "0", ""}, {0.5, "1", ""}, {1, "2", ""}}}};
  const std::string svg = heat_map_svg(map);
  // As matplotlib 3.6 has them.
  for (const char* cell : {"fill=\"#440154\"", "fill=\"#21918c\"", "fill=\"#fde725\""})
    CHECK_MESSAGE(svg.find(cell) != std::string::npos, cell);
  CHECK(svg.find("style=\"fill:#fff\">0<") != std::string::npos);
  CHECK(svg.find("style=\"fill:#000\">2<") != std::string::npos);
}

TEST_CASE("spread plots survive any values; the mean and every repetition are drawn") {
  const auto circles = [](const std::string& svg) {
    std::size_t n = 0;
    for (std::size_t at = 0; (at = svg.find("<circle", at)) != std::string::npos; ++at) ++n;
    return n;
  };
  for (const auto& draw : {spread_plot_svg, spread_rows_svg}) {
    check_svg(draw({}));
    SpreadPlot plot{.title = "a < b",
                    .x_label = "x",
                    .y_label = "y",
                    .x_names = {"a", "b & c", "d", "e"},
                    .values = {{1, 2, 3}, {nan, 4}, {nan}}};
    const std::string svg = draw(plot);
    check_svg(svg);
    CHECK(circles(svg) == 3 + 1 + 1 + 1);
    CHECK(svg.find("b &amp; c") != std::string::npos);
    plot.values = {{1e300, -1e300}, {inf}};
    check_svg(draw(plot));
    plot.zero = plot.ordered = false;
    plot.values = {{5}, {5}, {5}, {5}};
    check_svg(draw(plot));
  }
}

TEST_CASE("a plot as a file of its own has the rules of a white page") {
  const std::string file = svg_file(line_plot_svg(line({1, 2}, {3, 4})));
  CHECK(xml_fault(file) == "");
  CHECK(file.starts_with("<svg xmlns="));
  CHECK(file.find("--p0:#0072b2") != std::string::npos);
  CHECK(file.find("dark") == std::string::npos);
}

}  // namespace saccade
