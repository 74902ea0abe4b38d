#include "engine/file_system.h"

#include <doctest/doctest.h>
#include <unistd.h>

#include "engine/error.h"
#include "tests/engine/faulty_file_system.h"

namespace {

using namespace saccade;
using saccade::testing::Crash;
using saccade::testing::FaultyFileSystem;
using Bytes = std::vector<std::uint8_t>;

/// An empty folder on the disk, removed at the end.
class Folder {
 public:
  Folder() { std::filesystem::create_directory(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  const std::filesystem::path path =
      std::filesystem::temp_directory_path() / ("saccade-files-" + std::to_string(::getpid()));
};

/// What every file system must do, the real one and the one of the tests.
void check_file_system(FileSystem& files, const std::filesystem::path& folder) {
  const auto a = folder / "a", b = folder / "b";
  CHECK_FALSE(files.exists(a));
  CHECK(files.list(folder).empty());
  {
    const auto file = files.create(a);
    CHECK(file->path() == a);
    file->write(Bytes{1, 2, 3});
    file->write({});
    file->write(Bytes{4, 5});
    file->sync();
    file->close();
  }
  CHECK(files.exists(a));
  CHECK(files.size(a) == 5);
  CHECK(files.read_all(a, 5) == Bytes{1, 2, 3, 4, 5});
  CHECK(files.read(a, 1, 3) == Bytes{2, 3, 4});
  CHECK(files.read(a, 3, 100) == Bytes{4, 5});
  CHECK(files.read(a, 5, 1).empty());
  CHECK(files.read(a, ~std::uint64_t{0}, 1).empty());
  CHECK_THROWS_WITH_AS(files.read_all(a, 4), (a.string() + ": has 5 bytes, expected at most 4").c_str(), InputError);

  files.append(a)->write(Bytes{6});
  CHECK(files.size(a) == 6);
  files.truncate(a, 2);
  CHECK(files.read_all(a, 9) == Bytes{1, 2});
  files.create(b)->write(Bytes{9});
  CHECK(files.list(folder) == std::vector<std::string>{"a", "b"});
  files.rename(a, b);
  files.sync_directory(folder);
  CHECK_FALSE(files.exists(a));
  CHECK(files.read_all(b, 9) == Bytes{1, 2});
  files.create(b);
  CHECK(files.size(b) == 0);
  files.remove(b);
  CHECK(files.list(folder).empty());

  const std::string missing = a.string() + ": cannot ";
  CHECK_THROWS_WITH_AS(files.read(a, 0, 1), doctest::Contains(missing.c_str()), InputError);
  CHECK_THROWS_WITH_AS(files.append(a), doctest::Contains("No such file or directory"), InputError);
  CHECK_THROWS_AS(files.size(a), InputError);
  CHECK_THROWS_AS(files.truncate(a, 0), InputError);
  CHECK_THROWS_AS(files.rename(a, b), InputError);
  CHECK_THROWS_AS(files.remove(a), InputError);
}

TEST_CASE("the real file system") {
  const Folder folder;
  check_file_system(real_files(), folder.path);
  std::filesystem::create_directory(folder.path / "inner");
  CHECK(real_files().list(folder.path).empty());  // plain files only
  CHECK_THROWS_AS(real_files().size(folder.path), InputError);
  CHECK_THROWS_AS(real_files().create(folder.path / "none" / "a"), InputError);
  CHECK_THROWS_AS(real_files().list(folder.path / "none"), InputError);
  CHECK_THROWS_AS(real_files().sync_directory(folder.path / "none"), InputError);
  CHECK_NOTHROW(real_files().sync_directory({}));
}

TEST_CASE("a full device is a system error by name, and final") {
  // /dev/full refuses every write with ENOSPC.
  const auto file = real_files().append("/dev/full");
  CHECK_THROWS_WITH_AS(file->write(Bytes{1}), "/dev/full: cannot write: No space left on device", SystemError);
  CHECK_THROWS_WITH_AS(file->write(Bytes{1}), "/dev/full: not usable after an earlier failure to write or sync",
                       SystemError);
  CHECK_THROWS_AS(file->sync(), SystemError);
}

TEST_CASE("the file system of the tests, also with short and interrupted writes") {
  for (const bool interrupt : {false, true}) {
    for (const std::size_t largest : {std::size_t{1}, std::size_t{2}, ~std::size_t{0}}) {
      FaultyFileSystem files;
      files.interrupt = interrupt;
      files.largest_write = largest;
      check_file_system(files, "run");
    }
  }
}

TEST_CASE("a failed sync is final for that file") {
  FaultyFileSystem files;
  const auto file = files.create("run/a");
  file->write(Bytes{1});
  files.fail_at = files.operations + 1;
  CHECK_THROWS_WITH_AS(file->sync(), "sync run/a failed: Input/output error", SystemError);
  CHECK_THROWS_AS(file->sync(), SystemError);  // a second attempt would succeed, and lie
  CHECK_THROWS_AS(file->write(Bytes{1}), SystemError);
  CHECK_THROWS_AS(file->close(), SystemError);
  CHECK_NOTHROW(files.create("run/b")->sync());
}

TEST_CASE("a crash does, drops or tears what was not synced, and nothing else") {
  int whole = 0, gone = 0, torn = 0, unnamed = 0;
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    FaultyFileSystem files(seed);
    const auto safe = files.create("run/safe");
    safe->write(Bytes{1, 2, 3, 4});
    safe->sync();
    files.sync_directory("run");
    safe->write(Bytes{5, 6, 7, 8});
    const auto fresh = files.create("run/fresh");
    fresh->write(Bytes{1});
    fresh->sync();  // its bytes are safe, its name is not
    files.restart();
    const Bytes found = files.read_all("run/safe", 100);
    REQUIRE(found.size() >= 4);
    REQUIRE(Bytes(found.begin(), found.begin() + 4) == Bytes{1, 2, 3, 4});
    gone += found.size() == 4;
    whole += found == Bytes{1, 2, 3, 4, 5, 6, 7, 8};
    torn += found.size() == 8 && found != Bytes{1, 2, 3, 4, 5, 6, 7, 8};
    unnamed += !files.exists("run/fresh");
  }
  CHECK(whole > 50);
  CHECK(gone > 50);
  CHECK(torn > 50);
  CHECK(unnamed > 50);
}

TEST_CASE("after the crash nothing works until the restart") {
  FaultyFileSystem files;
  files.crash_at = 2;
  const auto file = files.create("run/a");
  CHECK_THROWS_AS(file->write(Bytes{1}), Crash);
  CHECK_THROWS_AS(files.create("run/b"), Crash);
  CHECK_THROWS_AS(files.sync_directory("run"), Crash);
  files.restart();
  CHECK_NOTHROW(files.create("run/b"));
}

}  // namespace
