#include "tools/replace_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "engine/error.h"
#include "tools/run/run_folder.h"

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

void check_replaceable(const char* flag, const fs::path& file, const std::vector<std::string>& endings,
                       const std::vector<fs::path>& read) {
  const auto refuse = [&](const std::string& why) {
    throw InputError(
        fmt::format("{} {}: {}; expected a new file, or an old one{}", flag, file.string(), why,
                    endings.empty() ? " of no run" : fmt::format(" that ends in {}", fmt::join(endings, " or "))));
  };
  std::error_code error;
  if (!fs::exists(file, error)) return;
  if (fs::is_directory(file, error)) refuse("this is a folder");
  if (!fs::is_regular_file(file, error)) refuse("this is no plain file");
  for (const fs::path& other : read)
    if (fs::equivalent(file, other, error)) refuse("this file is read, too");
  // report.html is made again at will.
  if (fs::exists(RunFolder{file.parent_path()}.data_folder(), error))
    for (const char* own : {"experiment.toml", "metrics.csv", "similarity.csv", "probes.csv"})
      if (file.filename() == own) refuse("this file belongs to a run");
  if (!endings.empty() && std::find(endings.begin(), endings.end(), file.extension().string()) == endings.end())
    refuse("this file is of another kind");
}

}  // namespace saccade
