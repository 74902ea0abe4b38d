#include "streams/image_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>

#include "engine/error.h"
#include "engine/thread_pool.h"
#include "streams/image_file.h"

namespace saccade {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t test_every = 5;  // of the images of a class, where there is no folder of test images
constexpr std::size_t largest_set = std::size_t{1} << 36;  // bytes of pixels

struct Class {
  std::string name;
  std::vector<fs::path> files;
};

/// Files in the order of their images, with their labels.
struct Listing {
  std::vector<fs::path> files;
  std::vector<std::int32_t> labels;
};

struct Parts {
  std::vector<std::string> classes;
  Listing train, test, unlabelled;
};

bool is_folder(const fs::path& path) {
  std::error_code unknown;
  return fs::is_directory(path, unknown);
}

/// What a folder holds, sorted: all files, or all folders.
std::vector<fs::path> entries(const fs::path& folder, bool folders, const char* expected) {
  std::error_code error;
  std::vector<fs::path> found;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    if (at->path().filename().native().starts_with('.')) continue;
    std::error_code unknown;  // a link to nowhere is neither
    if (folders ? !at->is_directory(unknown) : !at->is_regular_file(unknown))
      throw InputError(fmt::format("{}: not a {}; {} holds {}", at->path().string(), folders ? "folder" : "file",
                                   folder.string(), expected));
    found.push_back(at->path());
  }
  if (error) throw InputError(fmt::format("{}: cannot be read: {}", folder.string(), error.message()));
  std::sort(found.begin(), found.end());
  return found;
}

std::vector<fs::path> images_in(const fs::path& folder) {
  std::vector<fs::path> images = entries(folder, false, "PNG or JPEG images");
  if (images.empty()) throw InputError(fmt::format("{}: empty, expected PNG or JPEG images", folder.string()));
  return images;
}

std::vector<Class> classes_in(const fs::path& folder) {
  std::vector<Class> classes;
  for (const fs::path& place : entries(folder, true, "a folder for each class"))
    classes.push_back({place.filename().string(), images_in(place)});
  return classes;
}

std::vector<std::string> names_of(const std::vector<Class>& classes) {
  std::vector<std::string> names;
  for (const Class& c : classes) names.push_back(c.name);
  return names;
}

/// Of each class the images whose number is `wanted`, the classes in turn.
template <class F>
Listing in_turn(const std::vector<Class>& classes, const F& wanted) {
  std::size_t most = 0;
  for (const Class& c : classes) most = std::max(most, c.files.size());
  Listing listing;
  for (std::size_t number = 0; number < most; ++number) {
    if (!wanted(number)) continue;
    for (std::size_t label = 0; label < classes.size(); ++label) {
      if (number >= classes[label].files.size()) continue;
      listing.files.push_back(classes[label].files[number]);
      listing.labels.push_back(static_cast<std::int32_t>(label));
    }
  }
  return listing;
}

/// PATH/train and PATH/test.
Parts list_split(const fs::path& place) {
  for (const fs::path& part : entries(place, true, "the folders train, test and perhaps unlabelled"))
    if (const fs::path name = part.filename(); name != "train" && name != "test" && name != "unlabelled")
      throw InputError(
          fmt::format("{}: not expected beside train and test; folders of classes belong into these", part.string()));
  for (const char* part : {"train", "test"})
    if (!is_folder(place / part))
      throw InputError(fmt::format("{}: no such folder; expected both train and test", (place / part).string()));
  const std::vector<Class> train = classes_in(place / "train");
  Parts parts;
  parts.classes = names_of(train);
  std::vector<Class> test(train.size());
  for (Class& c : classes_in(place / "test")) {
    const auto at = std::find(parts.classes.begin(), parts.classes.end(), c.name);
    if (at == parts.classes.end())
      throw InputError(
          fmt::format("{}: no such class in {}", (place / "test" / c.name).string(), (place / "train").string()));
    test[static_cast<std::size_t>(at - parts.classes.begin())] = std::move(c);
  }
  const auto all = [](std::size_t) { return true; };
  parts.train = in_turn(train, all);
  parts.test = in_turn(test, all);
  return parts;
}

/// PATH/CLASS.
Parts list_whole(const fs::path& place) {
  std::vector<Class> classes = classes_in(place);
  std::erase_if(classes, [](const Class& c) { return c.name == "unlabelled"; });
  const auto tested = [](std::size_t number) { return number % test_every == test_every - 1; };
  return {names_of(classes),
          in_turn(classes, [&](std::size_t number) { return !tested(number); }),
          in_turn(classes, tested),
          {}};
}

Parts list(const fs::path& place, const FolderOptions& options) {
  if (options.height < 1 || options.width < 1 || (options.channels != 1 && options.channels != 3))
    throw InputError(fmt::format("{}: images of {}x{} pixels and {} channels asked for, expected 1 or 3 channels",
                                 place.string(), options.height, options.width, options.channels));
  if (!is_folder(place))
    throw InputError(
        fmt::format("{}: no such folder; folder.path is relative to --data DIR, or absolute", place.string()));
  const bool split = is_folder(place / "train") || is_folder(place / "test");
  Parts parts = split ? list_split(place) : list_whole(place);
  if (parts.train.files.empty() || parts.test.files.empty())
    throw InputError(
        fmt::format("{}: {} training and {} test images in {} classes, expected some of each{}", place.string(),
                    parts.train.files.size(), parts.test.files.size(), parts.classes.size(),
                    split ? "" : "; without train and test, every fifth image of a class is a test image"));
  if (options.classes > 0 && parts.classes.size() != static_cast<std::size_t>(options.classes))
    throw InputError(fmt::format("{}: {} classes, expected {}", place.string(), parts.classes.size(), options.classes));
  if (is_folder(place / "unlabelled")) parts.unlabelled.files = images_in(place / "unlabelled");
  return parts;
}

class Decoder {
 public:
  /// `total` images of all parts.
  Decoder(const FolderOptions& options, const Decoding& decoding, std::size_t total)
      : options_(options), decoding_(decoding), total_(total), pool_(decoding.threads) {}

  /// The first `count` images of a part.
  ImageSet images(const Listing& listing, std::size_t count, const std::vector<std::string>& classes) {
    ImageSet images{
        "folder " + options_.path.string(), options_.height, options_.width, options_.channels, classes, {}, {}};
    const std::size_t bytes = images.image_bytes();
    if (count > 0 && bytes > largest_set / count)
      throw InputError(
          fmt::format("{}: {} images of {}x{}x{} bytes, expected {} bytes at most; ask for smaller or fewer",
                      images.name, count, options_.height, options_.width, options_.channels, largest_set));
    images.pixels.resize(count * bytes);
    if (!listing.labels.empty()) images.labels.assign(listing.labels.begin(), listing.labels.begin() + count);
    // Of several broken images the first is reported: one that comes before it is always looked at.
    std::atomic<std::size_t> first_broken = count;
    std::exception_ptr error;
    pool_.run(count, [&](std::size_t i) {
      if (i > first_broken) return;
      try {
        decode(listing.files[i], images.pixels.data() + i * bytes);
      } catch (...) {
        const std::lock_guard lock(mutex_);
        if (i < first_broken) first_broken = i, error = std::current_exception();
      }
    });
    if (error) std::rethrow_exception(error);
    return images;
  }

 private:
  void decode(const fs::path& file, std::uint8_t* to) {
    const Picture picture = resized(read_image(file, options_.channels), options_.height, options_.width, options_.fit);
    std::copy(picture.bytes.begin(), picture.bytes.end(), to);
    if (!decoding_.progress) return;
    const std::lock_guard lock(mutex_);
    decoding_.progress(++done_, total_);
  }

  const FolderOptions& options_;
  const Decoding& decoding_;
  std::mutex mutex_;
  std::size_t done_ = 0, total_;
  ThreadPool pool_;
};

/// `learned`: how many of the images that an encoder learns from.
DataSet decode(const Parts& parts, std::size_t learned, const FolderOptions& options, const Decoding& decoding) {
  const std::size_t unlabelled = parts.unlabelled.files.empty() ? 0 : learned;
  const std::size_t train = parts.unlabelled.files.empty() ? learned : parts.train.files.size();
  const std::size_t test = parts.test.files.size();
  Decoder decoder(options, decoding, train + test + unlabelled);
  DataSet data;
  data.train = decoder.images(parts.train, train, parts.classes);
  data.test = decoder.images(parts.test, test, parts.classes);
  data.unlabelled = decoder.images(parts.unlabelled, unlabelled, {});
  return data;
}

}  // namespace

DataSet load_image_folder(const fs::path& folder, const FolderOptions& options, std::size_t images,
                          const Decoding& decoding) {
  const fs::path place = folder / options.path;
  const Parts parts = list(place, options);
  const std::size_t available = (parts.unlabelled.files.empty() ? parts.train : parts.unlabelled).files.size();
  if (images > available)
    throw InputError(fmt::format("images = {}: {} has {} images to learn from; ask for at most so many, or 0 for all",
                                 images, place.string(), available));
  return decode(parts, images == 0 ? available : images, options, decoding);
}

DataSet load_image_folder_labelled(const fs::path& folder, const FolderOptions& options, const Decoding& decoding) {
  Parts parts = list(folder / options.path, options);
  parts.unlabelled = {};
  return decode(parts, parts.train.files.size(), options, decoding);
}

}  // namespace saccade
