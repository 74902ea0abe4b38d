#include "streams/network/few_lines.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "streams/network/served_films.h"

namespace saccade::test {

TEST_CASE("few lines: five a second, and how many more there were") {
  std::vector<std::string> lines;
  {
    FewLines few([&](const std::string& line) { lines.push_back(line); });
    for (int i = 0; i < 12; ++i) few.say("line " + std::to_string(i));
    few.look();
    CHECK(lines.size() == 5);
    CHECK(lines.back() == "line 4");
    CHECK(eventually([&] {
      few.look();
      return lines.size() == 6;
    }));
    CHECK(lines.back() == "7 more lines of this kind");
    for (int i = 0; i < 6; ++i) few.say("more " + std::to_string(i));
    CHECK(lines.size() == 11);
  }
  CHECK(lines.back() == "1 more lines of this kind");  // not lost at the end
}

}  // namespace saccade::test
