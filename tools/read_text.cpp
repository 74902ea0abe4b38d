#include "tools/read_text.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade {

std::string read_text(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in || std::filesystem::is_directory(file))
    throw InputError(fmt::format("{}: cannot read this file", file.string()));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string read_text(const std::filesystem::path& file, FileSystem& files) {
  const std::vector<std::uint8_t> bytes = files.read_all(file, std::size_t{1} << 32);
  return {bytes.begin(), bytes.end()};
}

}  // namespace saccade
