#pragma once
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/view_file.h"
#include "streams/recorded_stream.h"

namespace saccade {

class ArrivalLog;

/// Where a server records what comes: streams of one log, or a log for each.
class ArrivalLogs {
 public:
  /// Of a stream.
  struct Place {
    ArrivalLog* log = nullptr;
    std::uint32_t stream = 0;  ///< its number there
  };
  virtual ~ArrivalLogs() = default;

  /// How many streams have a place, which one has, and a place for another.
  virtual std::size_t streams() const = 0;
  virtual std::optional<Place> find(const std::string& name) = 0;
  virtual Place begin(const std::string& name) = 0;
  /// The log of those that will begin; null: each will have its own.
  virtual const ArrivalLog* of_new() const = 0;
  /// What is recorded is on the disk when it returns.
  virtual void sync() = 0;
};

/// What has arrived over the network, in the order in which it is learned: a file of views (engine/view_file.h) of
/// pixels with several streams side by side, FILE.partial until close(). An event that was recorded and flushed
/// survives the death of this process, one that was synced a power failure. record() belongs to one thread; flush(),
/// sync() and close() may be called from any.
class ArrivalLog final : public ArrivalLogs {
 public:
  /// A new file. InputError when it is there already.
  ArrivalLog(FileSystem& files, const std::filesystem::path& file, const ViewFileHeader& header);
  /// Goes on with a file, closed or .partial: finds its streams and where each stands; a torn end is cut off, and
  /// torn() tells how much. InputError for damage in the middle, and when it holds other views than the header says.
  /// As well, and the file stays as it is, when it has fewer views than have been `learned`.
  static ArrivalLog resume(FileSystem& files, const std::filesystem::path& file, const ViewFileHeader& header,
                           std::uint64_t learned = 0);
  ArrivalLog(ArrivalLog&&) noexcept;
  ~ArrivalLog() override;

  const RecordedEvents& events() const { return events_; }
  std::uint64_t torn() const { return torn_; }  ///< bytes
  std::size_t streams() const override { return names_.size(); }
  std::optional<Place> find(const std::string& name) override;
  /// There is room for one (ViewFileHeader::streams).
  Place begin(const std::string& name) override;
  const ArrivalLog* of_new() const override { return this; }
  const std::vector<std::string>& names() const { return names_; }
  /// InputError when it does not follow what its stream has sent. Its kind and stream become the file's.
  void record(Event& event, std::uint32_t stream);
  std::filesystem::path file() const { return writer_.partial(); }  ///< while it is open
  void flush();
  void sync() override;
  void close();

 private:
  ArrivalLog(ViewFileWriter&& writer, const ViewFileHeader& header)
      : header_(header), writer_(std::move(writer)), events_(header.streams) {}

  ViewFileHeader header_;
  ViewFileWriter writer_;
  RecordedEvents events_;
  std::vector<std::string> names_;
  std::uint64_t torn_ = 0;
  bool unsynced_ = false;
  std::unique_ptr<std::mutex> writing_ = std::make_unique<std::mutex>();
};

}  // namespace saccade
