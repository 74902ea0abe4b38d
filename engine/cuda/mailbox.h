#pragma once
#include <memory>
#include <vector>

#include "engine/cuda/kernels/mail.h"
#include "engine/cuda/runtime.h"

namespace saccade::SACCADE_CUDA {

/// The host's side of the mail (kernels/mail.h): letters are collected in page-locked memory and go to the device
/// several at a time; answers come back all at once. It is emptied when all answers have come.
class Mailbox {
 public:
  explicit Mailbox(Runtime& runtime) : runtime_(runtime) {}

  /// Whether there can ever be room for such a letter and its answer.
  static bool takes(std::size_t letter, std::size_t answer) {
    return letter <= letter_room && answer <= answer_room && answer % sizeof(std::uint32_t) == 0;
  }
  bool has_room(std::size_t letter, std::size_t answer) const {
    return written_ + letter <= letter_room && answered_ + answer <= answer_room;
  }
  /// Needs room.
  void put(const void* letter, std::size_t letter_bytes, void* answer_to, std::size_t answer_bytes);
  /// What was put since the last post(), on its way before whatever is sent next.
  void post();
  /// Waits for everything that was sent, and hands out the answers. Returns the bytes that came.
  std::size_t collect();

  const Mail& mail();

 private:
  static constexpr std::size_t letter_room = std::size_t{1} << 20, answer_room = std::size_t{1} << 18;
  struct Answer {
    void* to;
    std::size_t bytes;
  };

  Runtime& runtime_;
  std::shared_ptr<void> letters_on_host_, letters_, answers_on_host_, answers_, places_;
  Mail mail_{};
  std::size_t written_ = 0, posted_ = 0, answered_ = 0;  ///< bytes
  bool begun_ = false;                                   ///< something was posted
  std::vector<Answer> expected_;
};

}  // namespace saccade::SACCADE_CUDA
