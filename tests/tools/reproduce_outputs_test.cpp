#include "tools/reproduce/reproduce_outputs.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/error.h"
#include "tools/report/metrics_file.h"
#include "tools/reproduce/gaps.h"
#include "tools/temporary_folder.h"
#include "tools/xml.h"

namespace saccade {
namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Two cells, one of them not run yet.
ReproducedTable invented_table() {
  ReproducedTable table;
  table.table.name = "table1";
  table.table.title = "Table <1>";
  table.table.caption = "Invented.";
  table.table.protocol = "400 epochs, \"long\"";
  CellResult done;
  done.cell.name = "e2e bp, all";
  done.cell.row = "e2e bp";
  done.cell.column = "all";
  done.cell.published = 71.44;
  done.seeds = {1, 2};
  set_accuracies(done, {50, 52});
  done.epochs = 3;
  done.images = 1000;
  done.seconds = 100;
  done.differs = {"epochs 3 instead of 400", "only here"};
  CellResult left;
  left.cell.name = "random";
  left.cell.published = 98;
  left.cell.at_least = true;
  left.differs = {"epochs 3 instead of 400"};
  set_accuracies(left, {});
  table.cells = {done, left};
  table.left = "Not finished: 1 of 3.";
  return table;
}

}  // namespace

TEST_CASE("mean and spread of seeds") {
  CellResult result;
  set_accuracies(result, {50, 52, 57});
  CHECK(result.mean == 53);
  CHECK(std::abs(result.sd - std::sqrt(13.0)) <= 1e-12);
  set_accuracies(result, {50});
  CHECK(result.mean == 50);
  CHECK(std::isnan(result.sd));
  set_accuracies(result, {});
  CHECK(std::isnan(result.mean));
}

TEST_CASE("the table's CSV has a row a cell, with missing numbers empty") {
  const std::string csv = reproduced_csv(invented_table());
  CHECK(contains(csv,
                 "\ntable1,\"e2e bp, all\",\"e2e bp\",\"all\",71.44,51.0000,1.4142,2,-20.4400,\"1 2\",3,1000,100.0,"
                 "\"400 epochs, \"\"long\"\"\",\"epochs 3 instead of 400; only here\"\n"));
  CHECK(contains(csv, "\ntable1,\"random\",\"\",\"\",98.00,,,0,,\"\",0,0,0.0,"));
  CHECK(csv.starts_with("table,cell,row,column,published,ours_mean,ours_sd,n,difference,seeds,epochs,images,seconds,"));
}

TEST_CASE("the table's page, Markdown, JSON and text say the same") {
  const ReproducedTable table = invented_table();
  const std::string html = reproduced_html(table), markdown = reproduced_markdown(table), text = reproduced_text(table);
  for (const std::string& output : {html, markdown, text})
    for (const char* part : {"71.44", "51.00 ± 1.41", "-20.44", "≥ 98.00", "e2e bp, all"})
      CHECK_MESSAGE(contains(output, part), part);
  for (const std::string& output : {html, markdown})
    for (const char* part : {"Not finished", "epochs 3 instead of 400", "only here"}) CHECK(contains(output, part));
  CHECK(contains(markdown, "- every cell: epochs 3 instead of 400"));
  CHECK(contains(markdown, "- e2e bp, all: only here"));
  CHECK(contains(html, "Table &lt;1&gt;"));
  for (const char* part : {"http://", "https://", "<script", "<link", ">nan"})
    for (std::size_t at = 0; (at = html.find(part, at)) != std::string::npos; ++at)
      CHECK(html.substr(at).starts_with("http://www.w3.org/2000/svg"));
  const auto json = nlohmann::json::parse(reproduced_json(table));
  CHECK(json["cells"][0]["ours_mean"] == 51);
  CHECK(json["cells"][1]["ours_mean"].is_null());
}

TEST_CASE("metrics of a training are read by layer; a torn last line is left out, another fault is named") {
  TemporaryFolder folder;
  const auto file = folder.path / "metrics.csv";
  const std::string header = "step,epoch,layer,quantity,value\n";
  const auto write = [&](const std::string& text) { std::ofstream(file, std::ios::binary) << text; };
  write(header + "5,1,0,loss,2.5\n5,1,0,positive_distance,7\n10,2,0,loss,nan\n15,3,1,loss,1\n20,4,1,lo");
  std::vector<MetricSeries> series = read_metrics(file);
  std::erase_if(series, [](const MetricSeries& one) { return one.quantity != "loss"; });
  REQUIRE(series.size() == 2);
  CHECK(series[0].layer == 0);
  CHECK(series[0].events == std::vector<double>{5, 10});
  CHECK(series[0].times == std::vector<double>{1, 2});
  CHECK(series[0].values[0] == 2.5);
  CHECK(std::isnan(series[0].values[1]));
  CHECK(series[1].values == std::vector<double>{1});
  for (const char* bad : {"5,1,0,loss,\n", "5,1,0,loss\n", "5;1,0,loss,2\n", "a,1,0,loss,2\n", "5,1,0,loss,2x\n"}) {
    write(header + bad);
    CHECK_THROWS_AS(read_metrics(file), InputError);
  }
  write("x\n");
  CHECK_THROWS_AS(read_metrics(file), InputError);
}

TEST_CASE("published gaps over two points: which are seen, and what each cell gains over the random encoder") {
  ReproducedTable table;
  table.table.name = "table9";
  const auto add = [&](const char* name, double published, double ours, bool at_least = false) {
    CellResult cell;
    cell.cell.name = name;
    cell.cell.published = published;
    cell.cell.at_least = at_least;
    cell.seeds = {1};
    set_accuracies(cell, std::isnan(ours) ? std::vector<double>{} : std::vector<double>{ours});
    table.cells.push_back(cell);
  };
  add("best", 80, 60);
  add("near", 78.5, 65);  // 1.5 below the best: no gap
  add("worse", 70, 62);
  add("random encoder", 60, 50);
  add("not run", 40, NAN);
  add("bound", 10, 55, true);
  const std::vector<Gap> gaps = published_gaps(table);
  REQUIRE(gaps.size() == 5);
  CHECK(gaps[0].better->cell.name == "best");
  CHECK(gaps[0].worse->cell.name == "random encoder");
  CHECK(gaps[0].published == 20);
  CHECK(gaps[0].ours == 10);
  for (std::size_t i = 1; i < gaps.size(); ++i) CHECK(gaps[i].published <= gaps[i - 1].published);
  CHECK(std::count_if(gaps.begin(), gaps.end(), [](const Gap& gap) { return !gap.seen(); }) == 1);
  for (const std::string& page : {reproduced_markdown(table), reproduced_html(table)}) {
    CHECK(contains(page, "5 pairs of cells"));
    CHECK(contains(page, "standard errors in 4, in the other direction in 1; 0 are not told apart"));
    CHECK(contains(page, "best over worse: published +10.00, ours -2.00 ± 0.69 (the other way round)"));
    CHECK(contains(page, "+10.00"));
  }
  table.cells[2].test_images = 100;
  CHECK(published_gaps(table)[3].error > 4);  // 62 % of 100 images
}

}  // namespace saccade
