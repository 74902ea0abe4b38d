#pragma once
#include <cstdint>
#include <filesystem>
#include <vector>

#include "streams/resize.h"
#include "streams/stream.h"
#include "streams/views.h"

namespace saccade {

/// A recorded stream of image files: a CSV file (streams/csv.h) whose first line is `time,object,view,path`, and a
/// frame on each of the others.
///
///     time    seconds, a decimal number, never less than on the line before
///     object  any words that name what is looked at; another object than on the line before begins a fixation
///     view    number of the frame in its fixation: 0, 1, 2 ...
///     path    an image (streams/image_file.h), relative to the folder of the CSV file or absolute
///
/// Frame g is a View of kind `plain` with recipe.source g. Keys and Saccades are those of FixationStream: a Saccade
/// comes between two fixations, at the time of the view behind it; none follows the last frame, where the stream ends.
///
/// The list is read and checked when the stream is made, and that every file is there; images are read when they are
/// rendered, on the threads that render, and resized.
class FrameListStream final : public RenderableStream {
 public:
  struct Options {
    ViewShape shape{32, 32, 3};
    Fit fit = Fit::crop;
    std::uint32_t source = 0;  ///< EventKey::source of the events
  };

  /// Throws InputError, with the line, for what is not as above, and for an empty list.
  FrameListStream(const std::filesystem::path& csv, const Options& options);

  std::uint64_t views() const { return frames_.size(); }

  std::optional<ScheduledEvent> next_recipe() override;
  void render_pixels(View& view) const override;
  void seek(std::uint64_t view) override;

 private:
  struct Frame {
    Time time = 0;
    std::uint32_t fixation = 0, index = 0;
    std::filesystem::path file;
  };

  std::string name_;
  Options options_;
  std::vector<Frame> frames_;
  std::size_t at_ = 0;            ///< the next view
  bool saccade_pending_ = false;  ///< before it
};

}  // namespace saccade
