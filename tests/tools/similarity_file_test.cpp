#include "tools/report/similarity_file.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "engine/error.h"
#include "temporary_folder.h"
#include "tools/report/matrix_plot.h"
#include "xml.h"

namespace saccade {
namespace {

void write(const std::filesystem::path& file, const std::string& text) { std::ofstream(file) << text; }

std::string read(const std::filesystem::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("similarity.csv: what is written reads back, a torn end is left out, and it goes on behind a checkpoint") {
  const TemporaryFolder temporary;
  const auto file = temporary.path / "similarity.csv";
  const std::vector<std::string> names{"a \"b\", c", "d"};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  std::uint64_t bytes = 0;
  {
    SimilarityWriter writer(file, names, {});
    writer.add(0, 0, {1, 0.5, 0.5, nan});
    writer.sync();
    bytes = writer.bytes();
    writer.add(100, 0, {-1, 0, 0, 0.25});
    CHECK_THROWS_AS(writer.add(1, 0, {1, 2, 3}), std::invalid_argument);
  }
  const SimilarityMatrices all = read_similarity(file);
  CHECK(all.names == names);
  REQUIRE(all.matrices.size() == 2);
  CHECK(all.matrices[0].values[1] == 0.5);
  CHECK(std::isnan(all.matrices[0].values[3]));
  CHECK(all.matrices[1].event == 100);
  CHECK(all.matrices[1].values == std::vector<double>{-1, 0, 0, 0.25});

  const std::string whole = read(file);
  for (std::size_t cut = bytes; cut < whole.size(); ++cut) {
    write(file, whole.substr(0, cut));
    CHECK(read_similarity(file).matrices.size() == 1);
  }
  write(file, whole);
  { SimilarityWriter(file, names, bytes).add(100, 0, {-1, 0, 0, 0.25}); }
  CHECK(read(file) == whole);
  CHECK_THROWS_AS(SimilarityWriter(file, names, whole.size() + 1), InputError);
}

TEST_CASE("similarity.csv that is damaged is refused with its line") {
  const TemporaryFolder temporary;
  const auto file = temporary.path / "similarity.csv";
  for (const auto& [text, where] :
       std::vector<std::pair<std::string, std::string>>{{"", "line 1"},
                                                        {"event,layer,row\n", "line 1"},
                                                        {"event,layer,row,a\n0,0,a\n", "line 2"},
                                                        {"event,layer,row,a\n0,x,a,1\n", "line 2"},
                                                        {"event,layer,row,a\n0,0,a,much\n", "much"},
                                                        {"event,layer,row,a,b\n0,0,a,1,1\n5,0,b,1,1\n", "line 3"}}) {
    write(file, text);
    CAPTURE(text);
    try {
      read_similarity(file);
      FAIL("accepted");
    } catch (const InputError& error) {
      CHECK(std::string(error.what()).find(where) != std::string::npos);
    }
  }
}

TEST_CASE("a heat map is well-formed, names its rows while there is room, and refuses what does not fit") {
  MatrixPlot map{"Similarity <1>", {"cat & dog", "b"}, {1, -1, 0, std::nan("")}, 1};
  CHECK(xml_fault(matrix_svg(map)) == "");
  CHECK(matrix_svg(map).find("cat &amp; dog") != std::string::npos);
  map.limit = 0;
  CHECK(xml_fault(matrix_svg(map)) == "");
  map.values.pop_back();
  CHECK_THROWS_AS(matrix_svg(map), std::invalid_argument);
  MatrixPlot large{"large", {}, std::vector<double>(100 * 100), 1};
  for (int i = 0; i < 100; ++i) large.names.push_back("name " + std::to_string(i));
  CHECK(matrix_svg(large).find("name 7") == std::string::npos);
  CHECK_THROWS_AS(matrix_svg({}), std::invalid_argument);
}

}  // namespace saccade
