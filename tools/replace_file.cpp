#include "tools/replace_file.h"

#include "engine/file_system.h"

namespace saccade {

namespace fs = std::filesystem;

void replace_file(const fs::path& file, std::string_view bytes) {
  FileSystem& files = real_files();
  fs::path temporary = file;
  temporary += ".tmp";
  try {
    const std::unique_ptr<File> out = files.create(temporary);
    out->write({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    out->sync();
    out->close();
    files.rename(temporary, file);
  } catch (const std::exception&) {
    std::error_code ignored;
    fs::remove(temporary, ignored);
    throw;
  }
  files.sync_directory(file.parent_path());
}

}  // namespace saccade
