#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace saccade {

/// What those who watch are sent, and what they may say. Called on the server's thread.
class LiveFeed {
 public:
  /// One of the things that are told, as a whole: whoever missed earlier versions has missed nothing.
  struct Text {
    std::uint64_t version = 0;
    std::shared_ptr<const std::string> text;
  };
  virtual ~LiveFeed() = default;

  /// Always as many, always in the same order.
  virtual std::vector<Text> texts() = 0;
  /// False when it is no command.
  virtual bool command(std::string_view text) = 0;
};

}  // namespace saccade
