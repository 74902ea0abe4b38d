#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/cuda/mailbox.h"

namespace saccade::SACCADE_CUDA {

/// Collects what is asked of a device and sends it as one list when a result is asked for. A list that was sent before
/// is not sent command by command again but replayed, as one graph: an event of a learner is one or two dozen small
/// kernels, each of which would cost more to launch than to run. Nobody has to say where events begin: whatever does
/// the same again has the same key.
///
/// What the host gives (pixels, terms, flags) is copied at once to page-locked memory, at places that depend on the
/// list alone, and is taken over by the device as the first thing that the list does: the list's letter. A list whose
/// result may come later goes ahead: its letter waits in the mail with those of other lists, and neither to begin nor
/// to end it does the host say anything to the device but which graph is next.
class CommandQueue final : public Queue {
 public:
  explicit CommandQueue(Runtime& runtime) : runtime_(runtime), mailbox_(runtime) {}

  void* scratch(std::size_t bytes) override;
  /// Between operations: something as large as a data set is sent in parts, and waits for their ends.
  void upload(void* to, const void* from_host, std::size_t bytes);
  void copy(void* to, const void* from, std::size_t bytes) { list_.move(Command::Kind::copy, to, from, bytes); }
  void clear(void* to, std::size_t bytes) { list_.move(Command::Kind::clear, to, nullptr, bytes); }
  /// Uploads to device memory of the queue's own, which stays as it is until the list has run.
  const void* stage(const void* from_host, std::size_t bytes);
  /// Sends what was collected, waits for its end and copies the result.
  void read(void* to_host, const void* from, std::size_t bytes);
  /// The same without waiting: the result is there after settle(), and maybe before.
  void read_later(void* to_host, const void* from, std::size_t bytes);
  void settle();
  /// Sends what was collected and waits for its end.
  void finish();

  /// How lists were sent so far, and what came back.
  struct Counts {
    std::uint64_t plain = 0, recorded = 0, replayed = 0, uploads = 0, downloads = 0, downloaded_bytes = 0;
  };
  const Counts& counts() const { return counts_; }

 private:
  /// Chunks are never moved or freed: recorded lists point to them.
  struct Chunk {
    std::shared_ptr<void> host, device;
    std::size_t size = 0;
  };
  struct Staged {
    std::byte *host, *device;
    std::size_t bytes;
  };
  struct Position {
    std::size_t chunk = 0, used = 0;
  };
  /// Ready to be sent: what was recorded, or else the list itself.
  struct Sendable {
    std::shared_ptr<void> recorded;
    CommandList list;
  };
  void add(const Launch& launch) override;
  void send();
  /// The list and its letter; the next one begins.
  Sendable take(bool ahead);
  void begin_with_letter(bool ahead);
  void dispatch(const Sendable& sendable);
  /// What waits in the mail.
  void post();
  Staged reserve(std::size_t bytes);

  Runtime& runtime_;
  CommandList list_;
  std::vector<Staged> letter_;  ///< of the list; nearly always one part
  std::vector<Chunk> staging_;
  Position begin_, end_;  ///< of the letter; the next staged bytes go to its end
  Mailbox mailbox_;
  std::vector<Sendable> ahead_;                 ///< their letters are in the mail
  std::vector<std::shared_ptr<void>> scratch_;  ///< the last is the largest
  std::size_t scratch_size_ = 0;
  std::unordered_map<std::string, std::shared_ptr<void>> recorded_;  ///< by key; null: sent once, not recorded yet
  Counts counts_;
};

}  // namespace saccade::SACCADE_CUDA
