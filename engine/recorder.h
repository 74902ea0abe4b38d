#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "engine/event.h"
#include "engine/record_file.h"

/// events.trace: a record file of kind "trace" (engine/record_file.h says what bytes frame its records, and that its
/// version is 1). Payloads are FlatBuffers, without identifier or size prefix, whose root is the named table:
///
///   type 1  View     (schemas/events.fbs): a view has arrived; without pixels or floats, its recipe renders it again
///   type 2  Saccade  (schemas/events.fbs): a fixation has ended
///   type 3  Update   (schemas/trace.fbs): what a layer did with the view before; one for each layer that was to learn
///
/// in the order of the run. There is no last record: a trace may end anywhere. Later versions may append fields to
/// tables; another type of record is another version of the framing, which an older program refuses.
namespace saccade {

/// What a view was used for. Values are stored in files: append, never renumber.
enum class ViewRole : std::uint8_t {
  anchor = 0,   ///< it was remembered
  learner = 1,  ///< it was compared with remembered ones
  idle = 2,     ///< nothing to compare with, nothing remembered
};

struct UpdateTerm {
  bool positive = false;
  float distance = 0;
  float loss = 0;
  bool active = false;
  std::int64_t age_us = 0;      ///< since the anchor was stored
  std::uint32_t staleness = 0;  ///< updates applied since the anchor was stored
  std::int32_t slot = 0;
  friend bool operator==(const UpdateTerm&, const UpdateTerm&) = default;
};

struct UpdateRecord {
  std::uint64_t event = 0;
  Time time = 0;
  std::uint64_t fixation = 0;
  ViewRole role = ViewRole::idle;
  std::int32_t layer = -1;  ///< -1: end to end
  std::vector<UpdateTerm> terms;
  friend bool operator==(const UpdateRecord&, const UpdateRecord&) = default;
};

/// Writes the trace of a run. To resume a run, store position() in its checkpoint after sync() and resume there. Owned
/// by one thread. Recording never changes a run: nothing is read back.
class Recorder {
 public:
  /// A new trace.
  Recorder(FileSystem& files, const std::filesystem::path& file);
  /// Continues a trace at an earlier position(); what lies beyond is removed. InputError when the file is not a trace
  /// or shorter.
  Recorder(FileSystem& files, const std::filesystem::path& file, std::uint64_t position);
  ~Recorder();

  void view(const View& view);  ///< without pixels: the recipe can render them again
  void saccade(const Saccade& saccade);
  void update(const UpdateRecord& update);

  std::uint64_t position() const;
  void flush();  ///< to the system
  void sync();   ///< to the disk
  void close();  ///< reports the last errors, which the destructor cannot

 private:
  struct Encoder;
  RecordWriter writer_;
  std::unique_ptr<Encoder> encoder_;
};

using TraceRecord = std::variant<View, Saccade, UpdateRecord>;

/// Reads a trace. Damaged bytes are skipped and told by damage(); a record that is whole and still no trace record (an
/// unknown type, fields that are missing) is InputError. Views come without pixels.
class TraceReader {
 public:
  TraceReader(FileSystem& files, const std::filesystem::path& file);

  std::optional<TraceRecord> next();
  const std::vector<Damage>& damage() const { return reader_.damage(); }
  /// End of the last record: a position where a Recorder can resume.
  std::uint64_t end() const { return reader_.end(); }

 private:
  std::filesystem::path file_;
  RecordReader reader_;
};

}  // namespace saccade
