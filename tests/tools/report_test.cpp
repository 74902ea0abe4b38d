#include "tools/report/report.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

#include "tools/xml.h"

namespace saccade {
namespace {

/// A run as `saccade replay` would report it, with invented numbers.
RunReport invented_run() {
  RunReport report;
  report.title = "fashion-mnist <conv3>";
  report.subtitle = "120,000 views, rll, bp";
  report.summary = {{"command", "saccade replay --out runs/first", ""}, {"events per second", "2513", "learning loop"}};
  for (int layer = 0; layer < 3; ++layer) {
    MetricSeries positive{layer, "positive_distance", {}, {}}, negative{layer, "negative_distance", {}, {}},
        loss{layer, "loss", {}, {}}, active{layer, "positive_active", {}, {}},
        negative_active{layer, "negative_active", {}, {}}, updates{layer, "updates", {}, {}};
    for (int i = 1; i <= 60; ++i) {
      const double t = 2000 * i, fall = std::exp(-i / 20.0), wave = 0.03 * std::sin(7 * i + layer);
      for (MetricSeries* series : {&positive, &negative, &loss, &active, &negative_active, &updates})
        series->events.push_back(t);
      positive.values.push_back(0.8 + (1.5 - 0.4 * layer) * fall + wave);
      negative.values.push_back(1.2 + (1.9 - 0.5 * layer) * fall + 0.4 * (1 - fall) + wave);
      loss.values.push_back((0.6 - 0.1 * layer) * fall + 0.1 + wave);
      active.values.push_back(0.3 + 0.6 * fall + wave);
      negative_active.values.push_back(0.5 - 0.3 * fall - wave);
      updates.values.push_back(i * (600.0 - 50 * layer));
    }
    for (MetricSeries* series : {&positive, &negative, &loss, &active, &negative_active, &updates})
      report.metrics.push_back(*series);
    report.margins.push_back({layer, 1, 1.5});
  }
  report.accuracies = {
      {"plain", {{"layer 0", 0.8731, 0.8512}, {"layer 1", 0.8893, 0.8634}, {"layer 2", 0.8777, 0.8401}}, 0.8345},
      {"deformed", {{"layer 0", 0.5512, 0.5123}, {"layer 1", 0.6231, 0.5523}, {"layer 2", 0.6512, 0.5219}}, 0.4217}};
  report.protocols = {"linear probe: 10,000 training images, 30 epochs, Adam 0.001, batch 500, seed 1, cpu"};
  ViewSheet& sheet = report.sheet;
  sheet.columns = {{"anchor", 1}, {"positive", 1}, {"negatives", 4}};
  sheet.picture = {28 * 8, 28 * 6, 1, {}};
  for (int y = 0; y < sheet.picture.height; ++y)
    for (int x = 0; x < sheet.picture.width; ++x) {
      const int dx = x % 28 - 14, dy = y % 28 - 14;
      sheet.picture.bytes.push_back(dx * dx + dy * dy < 20 + 25 * (x / 28 + y / 28) % 120 ? 220 : 10);
    }
  sheet.caption =
      "A row is one fixation: its anchor, the view that is pulled towards it, and the views that are pushed away.";
  report.experiment = "seed = 1\ndata = \"fashion-mnist\"\n";
  return report;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("the report contains the numbers that it was given") {
  const std::string html = report_html(invented_run());
  for (const char* part : {"fashion-mnist &lt;conv3&gt;", "2513", "87.31 %", "85.12 %", "+2.19", "42.17 %", "m1 = 1",
                           "m2 = 1.5", "Distances, layer 2", "Active fraction, layer 1", "10,000 training images",
                           "data = &quot;fashion-mnist&quot;", "data:image/png;base64,"})
    CHECK_MESSAGE(contains(html, part), part);
}

TEST_CASE("the report needs no network and its plots are well-formed") {
  const std::string html = report_html(invented_run());
  for (const char* part : {"http://", "https://", "<script", "<link"})
    for (std::size_t at = 0; (at = html.find(part, at)) != std::string::npos; ++at)
      CHECK(html.substr(at).starts_with("http://www.w3.org/2000/svg"));  // a name, not an address
  std::size_t plots = 0;
  for (std::size_t at = 0; (at = html.find("<svg", at)) != std::string::npos; ++plots, ++at)
    CHECK(xml_fault(html.substr(at, html.find("</svg>", at) + 6 - at)) == "");
  CHECK(plots == 10);
}

TEST_CASE("measures of learning have plots where there are any, a line a layer") {
  RunReport report = invented_run();
  CHECK(!contains(report_html(report), "What learning does"));
  for (int layer = 0; layer < 3; ++layer)
    for (const char* quantity : {"conv_moved", "conv_event_descent", "feature_variance"})
      report.metrics.push_back({layer, quantity, {0, 1000, 2000}, {5.0 + layer, 10.0 + 2 * layer, 7.5 + layer}});
  const std::string html = report_html(report);
  CHECK(contains(html, "What learning does"));
  for (const char* title :
       {"Way from the start, convolutions", "One event and the batch, convolutions", "Variance of the"})
    CHECK(contains(html, title));
  for (const char* title : {"Saturated outputs", "Way from the start, heads", ">nan"}) CHECK(!contains(html, title));
  std::size_t plots = 0;
  for (std::size_t at = 0; (at = html.find("<svg", at)) != std::string::npos; ++plots, ++at)
    CHECK(xml_fault(html.substr(at, html.find("</svg>", at) + 6 - at)) == "");
  CHECK(plots == 10 + 3);
}

TEST_CASE("a report without probes, views or metrics, or with values missing, is still a report") {
  CHECK(contains(report_html({}), "</html>"));
  RunReport report = invented_run();
  const double nan = std::numeric_limits<double>::quiet_NaN();
  report.accuracies[0].pixels = report.accuracies[0].layers[0].learned = nan;
  report.metrics[0].values.assign(60, nan);
  CHECK_FALSE(contains(report_html(report), ">nan"));
}

TEST_CASE("write the invented report where SACCADE_SHOW_REPORT says" *
          doctest::skip(!std::getenv("SACCADE_SHOW_REPORT"))) {
  write_report(invented_run(), std::getenv("SACCADE_SHOW_REPORT"));
}

}  // namespace saccade
