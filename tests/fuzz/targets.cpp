#include "tests/fuzz/targets.h"

#include <algorithm>
#include <fstream>

#include "tests/tools/temporary_folder.h"

namespace saccade::fuzz {

std::vector<Target> all_targets() {
  std::vector<Target> all;
  for (const auto& list :
       {record_targets(), text_targets(), data_targets(), image_targets(), wire_targets(), intake_targets()})
    all.insert(all.end(), list.begin(), list.end());
  return all;
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Bytes chosen(std::size_t choice, const Bytes& rest) {
  Bytes input(1 + rest.size());
  input[0] = static_cast<std::uint8_t>(choice);
  std::copy(rest.begin(), rest.end(), input.begin() + 1);
  return input;
}

Bytes listed_record(std::uint32_t byte, std::span<const std::uint8_t> payload) {
  Bytes record;
  for (const std::size_t part : {std::size_t{byte}, payload.size() % 256, payload.size() / 256})
    record.push_back(static_cast<std::uint8_t>(part));
  record.insert(record.end(), payload.begin(), payload.end());
  return record;
}

std::filesystem::path file_with(std::span<const std::uint8_t> content, const std::string& name) {
  static const TemporaryFolder folder;
  const std::filesystem::path file = folder.path / name;
  std::filesystem::remove(file);  // a file system may sync one that is truncated and written anew
  std::ofstream(file, std::ios::binary)
      .write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
  return file;
}

}  // namespace saccade::fuzz
