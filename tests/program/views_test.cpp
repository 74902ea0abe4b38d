#include <doctest/doctest.h>

#include "program/data_folders.h"
#include "program/program.h"

/// `saccade views` as a user would run it.
namespace saccade::program {

TEST_CASE("views: a sheet, a strip and a table of the beginning of a stream") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 60, 20);
  const fs::path out = temporary.path / "out";
  const Arguments arguments{
      "views", "--data", temporary.path.string(), "--out", out.string(), "--fixations", "4", "--seconds",
      "0.9",   "--set",  "stream.views=3"};
  const Outcome outcome = run(arguments);
  CHECK(outcome.code == 0);
  CHECK(contains(outcome.out, "views of 4 fixations"));
  for (const char* file : {"sheet.png", "strip.png"}) CHECK(text_of(out / file).starts_with("\x89PNG"));
  CHECK(contains(text_of(out / "strip.png"), "acTL"));
  const std::string table = text_of(out / "views.csv");
  CHECK(table.starts_with("time,fixation,view,object,label,kind,p0,"));
  CHECK(count(table, "\n") == 1 + 12);
  CHECK(contains(table, "\n0.2,0,2,"));  // the third view of the first fixation, 0.3 s long
  // The table names objects and labels as the stream shows them: label = object mod 10 in this data set.
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream cells(line);
    std::vector<std::string> cell(5);
    for (std::string& text : cell) std::getline(cells, text, ',');
    CHECK(std::stoi(cell[3]) % 10 == std::stoi(cell[4]));
  }
  CHECK(refusal_fault(run(arguments), arguments, {out.string(), "empty"}) == "");
}

TEST_CASE("views: of the built-in world the factors are told") {
  const TemporaryFolder temporary;
  const fs::path out = temporary.path / "out";
  REQUIRE(run({"views", "--quiet", "--out", out.string(), "--seconds", "0.1", "--fixations", "3", "--set", "data=world",
               "--set", "world.objects=20", "--set", "world.train_stills=20", "--set", "world.test_stills=20"})
              .code == 0);
  const std::string table = text_of(out / "views.csv");
  CHECK(table.starts_with("time,fixation,view,object,label,shape,rotation_w,"));
  CHECK(count(table, "\n") == 1 + 6);
  std::istringstream lines(table);
  std::string line;
  std::getline(lines, line);
  const auto columns = count(line, ",");
  while (std::getline(lines, line)) CHECK(count(line, ",") == columns);
}

TEST_CASE("views: long fixations are cut, short streams end") {
  const TemporaryFolder temporary;
  make_fashion_mnist(temporary.path, 60, 20);
  const fs::path out = temporary.path / "out";
  const Outcome outcome = run({"views", "--data", temporary.path.string(), "--out", out.string(), "--seconds", "0.001",
                               "--set", "stream.views=1000000", "--set", "stream.fixation=1000"});
  CHECK(outcome.code == 0);
  CHECK(count(text_of(out / "views.csv"), "\n") == 1 + 10);
}

TEST_CASE("views: what it cannot do") {
  const TemporaryFolder temporary;
  const std::string out = (temporary.path / "out").string();
  const auto refuses = [&](const Arguments& arguments, const std::vector<std::string>& parts) {
    CHECK(refusal_fault(run(arguments), arguments, parts) == "");
    CHECK_FALSE(fs::exists(out));
  };
  refuses({"views"}, {"--out DIR"});
  refuses({"views", "--out", out, "--set", "motion.path=trajectory", "--set", "view.kind=plain"}, {"plain", "affine"});
  refuses({"views", "--out", out, "--data", temporary.path.string(), "--set", "data=cifar10"},
          {"cifar-10-batches-bin"});
  refuses({"views", "--out", out, "--scale", "32", "--columns", "100", "--fixations", "200"}, {"512 MB", "--scale"});
  refuses({"views", "--out", out, "--seconds", "nan"}, {"--seconds nan"});
  refuses({"views", "--out", out, "--set", "stream.vews=3"}, {"stream.vews", "stream.views"});
}

}  // namespace saccade::program
