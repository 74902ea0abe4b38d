#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/event.h"
#include "engine/record_file.h"

/// F.views: a stream as a file, of kind "views" (engine/record_file.h frames the records and says what bytes they are
/// in, and that its version is 1). Payloads are FlatBuffers, without identifier or size prefix, whose root is the named
/// table:
///
///   type 4  Views   (schemas/views.fbs): what the file holds; the first record
///   type 1  View    (schemas/events.fbs) } the events, in their order
///   type 2  Saccade (schemas/events.fbs) }
///   type 6  StreamName (schemas/views.fbs): who sent one of several streams; before its first event
///   type 5  Views once more, with the number of events: the last record. A file without it was cut short. It also
///           stands in for the first one where that was damaged.
///
/// A view of recipes has neither pixels nor floats, and is rendered from its source. A view of pixels has either pixels
/// or floats, height * width * channels of them, and its recipe only says where it came from. The writer takes bytes
/// where byte * byte_scale gives every float back to the bit, so that what is read is what was written. Later versions
/// may append fields to tables; anything else is another version of the framing, which an older program refuses.
namespace saccade {

/// Streams side by side in a file, at most: each takes room for what is remembered of it.
inline constexpr std::uint32_t most_streams = 1024;

/// Values of a view, at most: four bytes each fit into a record.
inline constexpr std::uint64_t largest_view = std::uint64_t{1} << 24;

struct ViewFileHeader {
  enum class Content : std::uint8_t { recipes, pixels };

  int height = 0, width = 0, channels = 0;  ///< of a view; at most 2^24 values, 1 or 3 channels
  ViewKind kind = ViewKind::plain;          ///< of all views
  Content content = Content::recipes;
  std::string source_name;        ///< what the views show: a data set's name, "raw frames"
  std::uint32_t source_size = 0;  ///< recipes: objects of that source, which every view's `source` is below
  std::string source_hash;        ///< recipes: of what that source shows
  std::string description;        ///< how the stream was made: the experiment (TOML), the frame rate
  std::uint64_t planned = 0;      ///< views that were asked for; 0 = as many as come
  std::uint32_t streams = 1;      ///< side by side, at most; 1 to most_streams

  std::size_t values() const { return static_cast<std::size_t>(height) * width * channels; }
  friend bool operator==(const ViewFileHeader&, const ViewFileHeader&) = default;
};

std::string to_string(ViewFileHeader::Content content);  ///< "recipes", "pixels"

/// Writes a file of views, as FILE.partial until close(), which gives it its name: a file with that name is whole.
/// Owned by one thread.
class ViewFileWriter {
 public:
  /// InputError when FILE or FILE.partial is there already: what was recorded is never overwritten.
  ViewFileWriter(FileSystem& files, const std::filesystem::path& file, const ViewFileHeader& header);
  /// Goes on with FILE.partial, which this header begins, behind `position`, where `events` are before it.
  ViewFileWriter(FileSystem& files, const std::filesystem::path& file, const ViewFileHeader& header,
                 std::uint64_t position, std::uint64_t events);
  ViewFileWriter(ViewFileWriter&&) noexcept;
  ~ViewFileWriter();  ///< without close(): leaves FILE.partial

  /// Views of a file of pixels need theirs. std::invalid_argument for a view that is not as the header says.
  void write(const Event& event);
  /// Who sends a stream.
  void name(std::uint32_t stream, const std::string& name);
  std::uint64_t events() const { return events_; }
  std::filesystem::path partial() const;  ///< FILE.partial
  void flush() { writer_.flush(); }       ///< to the system: survives the death of this process
  void sync() { writer_.sync(); }         ///< to the disk: survives a power failure
  void close();                           ///< last record, sync, rename

 private:
  struct Encoder;
  void write_header(std::uint32_t type);

  FileSystem& files_;
  std::filesystem::path file_;
  ViewFileHeader header_;
  RecordWriter writer_;
  std::unique_ptr<Encoder> encoder_;
  std::uint64_t events_ = 0;
};

/// Reads a file of views. Damaged bytes are skipped and told by damage(); a record that is whole and still not as the
/// header says is InputError, and the next call goes on behind it.
class ViewFileReader {
 public:
  /// InputError when the file is of another kind or none of its records says what it holds.
  ViewFileReader(FileSystem& files, const std::filesystem::path& file);

  const ViewFileHeader& header() const { return header_; }
  enum class Read { recipes, pixels };
  /// `recipes`: views come without pixels, those of a file of pixels too.
  std::optional<Event> next(Read read = Read::pixels);
  /// The record of the last event: valid until the next call of next().
  const Record& record() const { return record_; }
  /// Of the streams, as far as read: "" where nothing says.
  const std::vector<std::string>& names() const { return names_; }
  /// Behind the last event or name: where a writer can go on.
  std::uint64_t end() const { return end_; }
  /// Goes on with the record at this position.
  void seek(std::uint64_t position) { reader_.seek(position); }
  /// Whether the last record has been read, and how many events it tells of.
  std::optional<std::uint64_t> promised() const { return promised_; }
  const std::vector<Damage>& damage() const { return reader_.damage(); }

 private:
  std::filesystem::path file_;
  RecordReader reader_;
  Record record_;
  ViewFileHeader header_;
  std::vector<std::string> names_;
  std::uint64_t end_ = record_file_header_bytes;
  std::optional<std::uint64_t> promised_;
};

}  // namespace saccade
