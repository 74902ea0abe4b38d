#pragma once
#include <filesystem>
#include <string>

#include "tools/fetch/catalogue.h"
#include "tools/fetch/download.h"

namespace saccade {

/// Why the set is not complete in the folder of data sets, e.g. a file that has not its size; empty when it is. A file
/// that is published as .gz may be there as that, which load_data reads too.
std::string what_lacks(const PublishedSet& set, const std::filesystem::path& data);

/// Where the archives of a set lie while it is not complete; one that is put there by hand is not downloaded.
std::filesystem::path work_folder(const PublishedSet& set, const std::filesystem::path& data);

struct FetchOptions {
  std::string mirror;  ///< archives come from MIRROR/FILE; empty: from where they are published
  Patience patience = {};
  bool quiet = false;  ///< no progress
};

enum class FetchResult { fetched, was_there, interrupted };

/// Makes a set complete: downloads its archives, verifies their sums, unpacks them beside where they belong, and gives
/// the folder its name when every file is there, whole and synced: at no time is there a half one under that name.
/// Whatever ends it, a kill too, the next call goes on. A folder of that name that holds something else is refused and
/// left as it is.
/// Errors as download() and unpack(); InputError also for a wrong sum (the archive is removed) and while another
/// process fetches the same set, SystemError where there is not room enough.
FetchResult fetch(const PublishedSet& set, const std::filesystem::path& data, const FetchOptions& options);

}  // namespace saccade
