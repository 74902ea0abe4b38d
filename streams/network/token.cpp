#include "streams/network/token.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/error.h"
#include "engine/file_system.h"

namespace saccade {

Token Token::read(const std::filesystem::path& file) {
  constexpr std::size_t shortest = 16, longest = 256;
  using std::filesystem::perms;
  std::error_code error;
  if ((std::filesystem::status(file, error).permissions() & (perms::others_read | perms::others_write)) !=
          perms::none &&
      !error && std::filesystem::exists(file))
    throw InputError(fmt::format("{}: everyone on this machine can read it, so it is no secret: chmod 600 {}",
                                 file.string(), file.string()));
  const std::vector<std::uint8_t> bytes = real_files().read_all(file, longest + 2);
  std::string secret(bytes.begin(), bytes.end());
  if (secret.ends_with('\n')) secret.pop_back();
  if (secret.ends_with('\r')) secret.pop_back();
  if (secret.size() < shortest || secret.size() > longest)
    throw InputError(
        fmt::format("{}: holds a token of {} characters, expected {} to {}; make one with: openssl rand -hex 16",
                    file.string(), secret.size(), shortest, longest));
  if (!std::all_of(secret.begin(), secret.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
    throw InputError(
        fmt::format("{}: expected one line, a token of printable ASCII characters without blanks", file.string()));
  return Token(std::move(secret));
}

bool Token::is(std::string_view told) const {
  // Volatile, so that no compiler leaves the loop early; a wrong length is one more difference.
  volatile unsigned difference = told.size() == secret_.size() ? 0 : 1;
  for (std::size_t i = 0; i < told.size(); ++i)
    difference = difference | static_cast<unsigned char>(told[i] ^ secret_[i % secret_.size()]);
  return difference == 0;
}

}  // namespace saccade
