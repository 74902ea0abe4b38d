#include <doctest/doctest.h>

#include "program.h"

namespace saccade::program {

TEST_CASE("a server that others reach needs a token") {
  const TemporaryFolder folder;
  for (const std::string listen : {"0.0.0.0:0", "[::]:0"}) {
    const Arguments line{"serve", "--listen", listen, "--out", (folder.path / "run").string()};
    CHECK(refusal_fault(run(line), line, {"--listen " + listen, "expected --token-file"}) == "");
  }
  CHECK_FALSE(fs::exists(folder.path / "run"));
}

}  // namespace saccade::program
