#include "tools/shared_file.h"

#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

#include "engine/error.h"
#include "tools/read_text.h"
#include "tools/replace_file.h"
#include "tools/temporary_folder.h"

namespace saccade {

TEST_CASE("a file that several write at the same time is always one of theirs, whole") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path / "file";
  const auto publish = [&](char letter) {
    publish_file(file, [&](const std::filesystem::path& own) { replace_file(own, std::string(5000, letter)); });
  };
  publish('a');
  std::atomic<int> left = 3;
  std::vector<std::thread> writers;
  for (const char letter : {'b', 'c', 'd'})
    writers.emplace_back([&, letter] {
      for (int i = 0; i < 50; ++i) publish(letter);
      --left;
    });
  while (left > 0) {
    const std::string text = read_text(file);
    REQUIRE(text == std::string(5000, text[0]));
  }
  for (std::thread& writer : writers) writer.join();
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& one : std::filesystem::directory_iterator(folder.path)) ++files;
  CHECK(files == 1);
}

TEST_CASE("what cannot be written leaves nothing behind") {
  const TemporaryFolder folder;
  const auto fails = [](const std::filesystem::path&) { throw SystemError("full"); };
  CHECK_THROWS_AS(publish_file(folder.path / "file", fails), SystemError);
  CHECK(std::filesystem::is_empty(folder.path));
  CHECK_THROWS_AS(publish_file(folder.path / "nowhere" / "file", fails), SystemError);
}

}  // namespace saccade
