#include "engine/cuda/mailbox.h"

#include <cstring>
#include <utility>

namespace saccade::SACCADE_CUDA {

const Mail& Mailbox::mail() {
  if (mail_.letters) return mail_;
  letters_on_host_ = runtime_.allocate_host(letter_room);
  answers_on_host_ = runtime_.allocate_host(answer_room);
  letters_ = runtime_.allocate(letter_room);
  answers_ = runtime_.allocate(answer_room);
  places_ = runtime_.allocate(2 * sizeof(std::uint32_t));
  mail_ = {static_cast<const std::uint32_t*>(letters_.get()), static_cast<std::uint32_t*>(answers_.get()),
           static_cast<std::uint32_t*>(places_.get())};
  return mail_;
}

void Mailbox::put(const void* letter, std::size_t letter_bytes, void* answer_to, std::size_t answer_bytes) {
  if (letter_bytes > 0) std::memcpy(static_cast<std::byte*>(letters_on_host_.get()) + written_, letter, letter_bytes);
  written_ += letter_bytes;
  expected_.push_back({answer_to, answer_bytes});
  answered_ += answer_bytes;
}

void Mailbox::post() {
  CommandList list;
  if (!std::exchange(begun_, true)) list.move(Command::Kind::clear, places_.get(), nullptr, 2 * sizeof(std::uint32_t));
  if (written_ > posted_)
    list.move(Command::Kind::upload, static_cast<std::byte*>(letters_.get()) + posted_,
              static_cast<const std::byte*>(letters_on_host_.get()) + posted_, written_ - posted_);
  runtime_.run(list);
  posted_ = written_;
}

std::size_t Mailbox::collect() {
  const std::vector<Answer> expected = std::exchange(expected_, {});
  const std::size_t bytes = std::exchange(answered_, 0);
  written_ = posted_ = 0;
  begun_ = false;
  if (expected.empty()) return 0;
  runtime_.download(answers_on_host_.get(), answers_.get(), bytes);
  const auto* from = static_cast<const std::byte*>(answers_on_host_.get());
  for (const Answer& answer : expected) {
    std::memcpy(answer.to, from, answer.bytes);
    from += answer.bytes;
  }
  return bytes;
}

}  // namespace saccade::SACCADE_CUDA
