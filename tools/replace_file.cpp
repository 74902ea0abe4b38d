#include "tools/replace_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"

namespace saccade {

namespace fs = std::filesystem;

void replace_file(const fs::path& file, std::string_view bytes, FileSystem& files) {
  fs::path temporary = file;
  temporary += ".tmp";
  try {
    const std::unique_ptr<File> out = files.create(temporary);
    out->write({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    out->sync();
    out->close();
    files.rename(temporary, file);
  } catch (const std::exception&) {
    try {
      files.remove(temporary);
    } catch (const std::exception&) {
    }
    throw;
  }
  files.sync_directory(file.parent_path());
}

void check_replaceable(const char* flag, const std::filesystem::path& file, const std::vector<std::string>& endings) {
  if (!std::filesystem::is_regular_file(file) ||
      std::find(endings.begin(), endings.end(), file.extension().string()) != endings.end())
    return;
  throw InputError(
      fmt::format("{} {}: this file exists and is of another kind; expected a new one, or one that ends in {}", flag,
                  file.string(), fmt::join(endings, " or ")));
}

}  // namespace saccade
