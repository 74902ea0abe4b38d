#pragma once
#include <filesystem>
#include <string>
#include <string_view>

namespace saccade {

/// The secret that a peer must tell before it is listened to: 16 to 256 printable characters without blanks.
class Token {
 public:
  /// From the first line of a file that holds nothing else. InputError when it cannot be read or is no token; the
  /// message does not repeat it.
  static Token read(const std::filesystem::path& file);

  /// How long this takes depends on the length of `told` alone.
  bool is(std::string_view told) const;
  /// To be told to a peer, and to nobody else.
  const std::string& secret() const { return secret_; }

 private:
  explicit Token(std::string secret) : secret_(std::move(secret)) {}
  std::string secret_;
};

}  // namespace saccade
