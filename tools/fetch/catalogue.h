#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace saccade {

/// A file of a data set in its archive.
struct Member {
  std::string path;    ///< in the archive; one that ends in .gz is decompressed
  std::uint64_t size;  ///< bytes, decompressed

  /// Its name in the data set's folder: the end of the path, without .gz.
  std::string file_name() const;
};

/// A .tar.gz, a .zip, or a .gz, which has itself as its only member.
struct Archive {
  std::string url;
  std::uint64_t size;           ///< bytes
  std::string sha256;           ///< hexadecimal, lower case
  std::vector<Member> members;  ///< those that saccade reads; the others stay in the archive

  std::string file_name() const;  ///< the end of the URL
};

/// A data set as it is published and as load_data (streams/load.h) reads it.
struct PublishedSet {
  std::string name;    ///< as in `data = "name"`
  std::string folder;  ///< below --data
  std::vector<Archive> archives;
};

/// The data sets that `saccade fetch` knows.
const std::vector<PublishedSet>& published_sets();

}  // namespace saccade
