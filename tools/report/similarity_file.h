#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tools/report/appended_file.h"

namespace saccade {

/// similarity.csv of a run: matrices over time, a row of a matrix a line. Columns: event (views, or steps of a
/// training), layer, row (the name of the class or image that it belongs to), then one similarity for each name; a
/// number that is not defined is nan.
class SimilarityWriter {
 public:
  /// As AppendedFile.
  SimilarityWriter(const std::filesystem::path& file, std::vector<std::string> names,
                   std::optional<std::uint64_t> keep_bytes, FileSystem& files = real_files());

  /// values: [names][names]. std::invalid_argument for other sizes.
  void add(std::uint64_t event, int layer, const std::vector<double>& values);
  void sync() { file_.sync(); }
  std::uint64_t bytes() const { return file_.bytes(); }

 private:
  std::vector<std::string> names_;
  AppendedFile file_;
};

struct SimilarityMatrix {
  std::uint64_t event = 0;
  int layer = 0;
  std::vector<double> values;  ///< [names][names]
};
struct SimilarityMatrices {
  std::vector<std::string> names;
  std::vector<SimilarityMatrix> matrices;  ///< in the order of the file
};

/// Reads it again; a torn end (a run that was killed) is left out. InputError naming file and line where it is not as
/// expected.
SimilarityMatrices read_similarity(const std::filesystem::path& file, FileSystem& files = real_files());

}  // namespace saccade
