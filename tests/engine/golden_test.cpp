#include "tests/engine/golden.h"

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "engine/file_system.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_checkpoint.h"
#include "tests/engine/sample_records.h"

namespace {

using namespace saccade;
using namespace saccade::testing;
using Content = ViewFileHeader::Content;

TEST_CASE("golden trace: what version 1 wrote is read, to the bit") {
  const auto file = golden_file("version-1.trace", [](const auto& to) { write_trace(real_files(), to); });
  const FileContent content = read_trace(real_files(), file);
  CHECK(content.records == exact(golden_trace()));
  CHECK(content.damage.empty());
  FaultyFileSystem files;
  write_trace(files, "today.trace");
  CHECK(read_trace(files, "today.trace").records == content.records);
}

TEST_CASE("golden files of views: what version 1 wrote is read, to the bit") {
  for (const Content kind : {Content::recipes, Content::pixels}) {
    CAPTURE(to_string(kind));
    const auto file = golden_file("version-1-" + to_string(kind) + ".views",
                                  [&](const auto& to) { write_views(real_files(), to, kind); });
    CHECK(ViewFileReader(real_files(), file).header() == golden_header(kind));
    const FileContent content = read_views(real_files(), file);
    CHECK(content.records == exact(golden_events(kind)));
    CHECK(content.promised == content.records.size());
    CHECK(content.damage.empty());
  }
}

TEST_CASE("golden checkpoint: what version 1 wrote is read, to the bit") {
  const auto file =
      golden_file("version-1.ckpt", [](const auto& to) { save_checkpoint(real_files(), to, some_checkpoint()); });
  CHECK(same(load_checkpoint(real_files(), file), some_checkpoint()));
}

}  // namespace
