#include <doctest/doctest.h>
#include <unistd.h>

#include "engine/checkpoint.h"
#include "engine/error.h"
#include "tests/engine/faulty_file_system.h"
#include "tests/engine/sample_checkpoint.h"

namespace {

using namespace saccade;
using namespace saccade::testing;

const std::filesystem::path folder = "run";
const std::filesystem::path file = folder / "weights.ckpt";

TEST_CASE("a crash at any step leaves the old checkpoint or the new one") {
  int old_found = 0, new_found = 0;
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    for (int step = 1;; ++step) {
      CAPTURE(seed);
      CAPTURE(step);
      FaultyFileSystem files(seed);
      files.largest_write = 100;  // many writes, many points to crash
      save_checkpoint(files, file, some_checkpoint(1));
      files.crash_at = files.operations + step;
      bool crashed = false;
      try {
        save_checkpoint(files, file, some_checkpoint(2));
      } catch (const Crash&) {
        crashed = true;
      }
      files.restart();
      const Checkpoint found = load_checkpoint(files, file);
      if (!crashed) {
        REQUIRE(same(found, some_checkpoint(2)));
        break;
      }
      REQUIRE((same(found, some_checkpoint(1)) || same(found, some_checkpoint(2))));
      ++(found.event == 1 ? old_found : new_found);
    }
  }
  CHECK(old_found > 0);
  CHECK(new_found > 0);
}

/// Replaces a file the careless way, without syncs.
void save_carelessly(FaultyFileSystem& files, const Checkpoint& checkpoint) {
  FaultyFileSystem other;
  save_checkpoint(other, file, checkpoint);
  const auto new_file = files.create("run/new");
  new_file->write(other.bytes(file));
  files.rename("run/new", file);
  files.sync_directory(folder);
}

TEST_CASE("the model of crashes finds a save without sync") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    FaultyFileSystem files(seed);
    save_checkpoint(files, file, some_checkpoint(1));
    save_carelessly(files, some_checkpoint(2));
    files.restart();
    try {
      load_checkpoint(files, file);
    } catch (const InputError&) {
      ++lost;
    }
  }
  CHECK(lost > 0);
}

TEST_CASE("the model of crashes finds a sync that failed and was tried again") {
  FaultyFileSystem files;
  auto out = files.create(file);
  out->write(std::vector<std::uint8_t>{1, 2, 3});
  files.sync_directory(folder);
  files.fail_at = files.operations + 1;
  CHECK_THROWS_AS(out->sync(), SystemError);
  CHECK_THROWS_WITH_AS(out->sync(), "run/weights.ckpt: not usable after an earlier failure to write or sync",
                       SystemError);
  out = files.append(file);
  out->sync();  // without complaint
  CHECK(files.size(file) == 3);
  files.restart();
  CHECK(files.size(file) == 0);
}

TEST_CASE("a refused operation leaves the old checkpoint, and the next save works") {
  for (int step = 1;; ++step) {
    CAPTURE(step);
    FaultyFileSystem files;
    save_checkpoint(files, file, some_checkpoint(1));
    files.fail_at = files.operations + step;
    bool failed = false;
    try {
      save_checkpoint(files, file, some_checkpoint(2));
    } catch (const SystemError&) {
      failed = true;
    }
    files.fail_at = -1;
    const Checkpoint found = load_checkpoint(files, file);
    REQUIRE((found.event == 1 || found.event == 2));
    if (!failed) break;
    save_checkpoint(files, file, some_checkpoint(3));
    REQUIRE(same(load_checkpoint(files, file), some_checkpoint(3)));
  }
}

TEST_CASE("a full disk is an error that names the file, and leaves no debris") {
  FaultyFileSystem files;
  save_checkpoint(files, file, some_checkpoint(1));
  files.capacity = files.size(file) + 100;
  CHECK_THROWS_WITH_AS(save_checkpoint(files, file, some_checkpoint(2)),
                       "run/weights.ckpt.tmp: cannot write: No space left on device", SystemError);
  CHECK(same(load_checkpoint(files, file), some_checkpoint(1)));
  CHECK(files.list(folder) == std::vector<std::string>{"weights.ckpt"});
}

TEST_CASE("two generations are kept; a damaged newer one is passed over with a warning") {
  FaultyFileSystem files;
  std::string warning = "old";
  CHECK_FALSE(load_newest(files, folder, warning));
  CHECK(warning.empty());
  files.put("run/checkpoint-x.ckpt", {1});
  files.put("run/checkpoint-12.ckpt.tmp", {1});
  for (const std::uint64_t event : {5u, 10u, 90u, 100u}) {
    CHECK(save_generation(files, folder, some_checkpoint(event)) ==
          folder / ("checkpoint-" + std::to_string(event) + ".ckpt"));
  }
  CHECK(files.list(folder) ==
        std::vector<std::string>{"checkpoint-100.ckpt", "checkpoint-90.ckpt", "checkpoint-x.ckpt"});
  CHECK(load_newest(files, folder, warning)->event == 100);
  CHECK(warning.empty());

  files.bytes("run/checkpoint-100.ckpt")[200] ^= 1;
  CHECK(load_newest(files, folder, warning)->event == 90);
  CHECK(warning.find("run/checkpoint-100.ckpt: ") == 0);

  // The damaged one does not count as a generation: 90 stays until there are two good ones.
  save_generation(files, folder, some_checkpoint(95));
  CHECK(files.exists("run/checkpoint-90.ckpt"));
  save_generation(files, folder, some_checkpoint(110));
  CHECK(files.list(folder) ==
        std::vector<std::string>{"checkpoint-110.ckpt", "checkpoint-95.ckpt", "checkpoint-x.ckpt"});

  for (const char* name : {"run/checkpoint-110.ckpt", "run/checkpoint-95.ckpt"}) files.put(name, {});
  CHECK_FALSE(load_newest(files, folder, warning));
  CHECK(warning.find("checkpoint-110") < warning.find("checkpoint-95"));
}

TEST_CASE("a crash at any step of a new generation loses none that was complete") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    for (int step = 1;; ++step) {
      CAPTURE(seed);
      CAPTURE(step);
      FaultyFileSystem files(seed);
      save_generation(files, folder, some_checkpoint(10));
      save_generation(files, folder, some_checkpoint(20));
      files.crash_at = files.operations + step;
      bool crashed = false;
      try {
        save_generation(files, folder, some_checkpoint(30));
      } catch (const Crash&) {
        crashed = true;
      }
      files.restart();
      std::string warning;
      const auto found = load_newest(files, folder, warning);
      REQUIRE(found);
      REQUIRE((found->event == 30 || (crashed && found->event == 20)));
      REQUIRE(same(*found, some_checkpoint(found->event)));
      REQUIRE(warning.empty());
      save_generation(files, folder, some_checkpoint(40));
      REQUIRE(files.list(folder).size() == 2);
      if (!crashed) break;
    }
  }
}

TEST_CASE("on the disk") {
  const auto real_folder =
      std::filesystem::temp_directory_path() / ("saccade-checkpoint-" + std::to_string(::getpid()));
  std::filesystem::create_directory(real_folder);
  for (const std::uint64_t event : {1u, 2u, 3u}) save_generation(real_files(), real_folder, some_checkpoint(event));
  std::string warning;
  const auto found = load_newest(real_files(), real_folder, warning);
  REQUIRE(found);
  CHECK(same(*found, some_checkpoint(3)));
  CHECK(real_files().list(real_folder) == std::vector<std::string>{"checkpoint-2.ckpt", "checkpoint-3.ckpt"});
  std::filesystem::remove_all(real_folder);
}

}  // namespace
