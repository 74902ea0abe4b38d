#include "streams/shape_text.h"

#include <doctest/doctest.h>

using namespace saccade;

TEST_CASE("shapes as text and back") {
  CHECK(shape_text({3, 20, 1}) == "3x20x1");
  CHECK(shape_from_text("3x20x1") == ViewShape{3, 20, 1});
  CHECK(shape_from_text("3x20") == ViewShape{3, 20, 0});
  CHECK(shape_from_text("99999x1x3") == ViewShape{99999, 1, 3});
  for (const char* text :
       {"",     "3",    "3x",   "x3",   "3x4x", "3x4x1x1", "3x4x1x", "0x4",      "3x0",           "3x4x0",
        "-3x4", "3x-4", "+3x4", " 3x4", "3x4 ", "3,4",     "3X4",    "100000x1", "99999999999x1", "3.5x4"}) {
    CAPTURE(text);
    CHECK(!shape_from_text(text));
  }
}
