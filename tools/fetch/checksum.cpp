#include "tools/fetch/checksum.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <openssl/evp.h>

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "engine/error.h"
#include "streams/byte_source.h"

namespace saccade {

std::string sha256_of(const std::filesystem::path& file, const Tick& tick) {
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
  const auto require = [](bool done) {
    if (!done) throw SystemError("OpenSSL cannot compute SHA-256");
  };
  require(context && EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) == 1);
  const auto source = open_plain(file);
  std::vector<std::uint8_t> buffer(std::size_t{1} << 20);
  for (std::uint64_t done = 0;;) {
    const std::size_t count = source->read(buffer.data(), buffer.size());
    if (count == 0) break;
    require(EVP_DigestUpdate(context.get(), buffer.data(), count) == 1);
    tick(done += count);
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  require(EVP_DigestFinal_ex(context.get(), digest.data(), &size) == 1);
  return fmt::format("{:02x}", fmt::join(std::span(digest.data(), size), ""));
}

}  // namespace saccade
