#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/view_file.h"
#include "streams/stream.h"
#include "streams/view_source.h"

namespace saccade {

/// What a file of views holds.
struct Recording {
  ViewFileHeader header;
  std::uint64_t views = 0, events = 0, fixations = 0;  ///< over all streams
  Time first = 0, last = 0;                            ///< times of the first and the last event
  std::string hash;                                    ///< of its records

  ViewShape view_shape() const { return {header.height, header.width, header.channels}; }
};

/// Gives the events of a recording keys, and checks that they are a stream, or several side by side: each has times and
/// fixations of its own, and they come in any order among each other. Keys never go back: where an event's time lies
/// before that of another stream's event, its key is a microsecond behind that one's.
class RecordedEvents {
 public:
  explicit RecordedEvents(std::uint32_t streams = 1) : streams_(streams) {}

  ScheduledEvent next(Event event);  ///< InputError, without the file's name
  /// Whether next() would take it.
  void check(const Event& event) const;
  std::uint64_t events() const { return events_; }
  std::uint64_t views() const { return views_; }
  std::uint64_t fixations() const { return fixations_; }

  /// Where a stream stands.
  struct Place {
    std::uint64_t events = 0;
    Time time = 0;
    std::optional<std::uint64_t> fixation;  ///< of the last view
    std::uint32_t index = 0;                ///< of the last view
    bool looking = false;                   ///< a view came after the last Saccade
  };
  const Place& place(std::uint32_t stream) const { return streams_.at(stream); }

 private:
  std::uint64_t events_ = 0, views_ = 0, fixations_ = 0;
  std::optional<EventKey> last_;
  std::vector<Place> streams_;
};

/// A stream from a file of views (engine/view_file.h): the events and the bits that were written, with the keys that a
/// generated stream gives them, (time, priority, target 0, source 0, number of the event). Views of pixels come with
/// their pixels, from next_recipe() too; recipes are rendered by the source that they were recorded from.
class RecordedStream final : public RenderableStream {
 public:
  /// Reads all of the file once. InputError for a file that is damaged or was cut short (what is left of it can be
  /// recovered), or whose events are no stream: times and fixations go up, a Saccade, and nothing else, lies between
  /// the views of two fixations and names the one that ends. Recipes cannot be rendered yet.
  explicit RecordedStream(const std::filesystem::path& file);
  /// As well, with what recipes are rendered from; not looked at where there are pixels. InputError for another source
  /// than the recording's, and for recipes that are not the source's.
  RecordedStream(const std::filesystem::path& file, std::shared_ptr<const ViewSource> source);

  const Recording& recording() const { return recording_; }

  std::optional<ScheduledEvent> next_recipe() override;
  void render_pixels(View& view) const override;
  void seek(std::uint64_t view) override;

 private:
  /// Where to go on reading, every so many views.
  struct Mark {
    std::uint64_t position = 0;  ///< of a view's record
    RecordedEvents events;       ///< before it
  };
  static constexpr std::uint64_t views_per_mark = 256;

  void scan();
  [[noreturn]] void not_whole(const std::string& what) const;
  std::optional<ScheduledEvent> read(ViewFileReader::Read pixels);

  std::filesystem::path file_;
  std::shared_ptr<const ViewSource> source_;
  ViewFileReader reader_;
  RecordedEvents events_;
  Recording recording_;
  std::vector<Mark> marks_;
};

}  // namespace saccade
