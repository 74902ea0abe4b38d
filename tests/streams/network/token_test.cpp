#include "streams/network/token.h"

#include <doctest/doctest.h>

#include <fstream>

#include "engine/error.h"
#include "tools/temporary_folder.h"

namespace saccade {
namespace {

struct TokenFile {
  explicit TokenFile(const std::string& text) { write_secret(path(), text); }
  std::filesystem::path path() const { return folder.path / "token"; }
  TemporaryFolder folder;
};

}  // namespace

TEST_CASE("a token is its file's line, whole and nothing else") {
  for (const char* end : {"", "\n", "\r\n"}) {
    const TokenFile file(std::string("0123456789abcdef") + end);
    const Token token = Token::read(file.path());
    CHECK(token.is("0123456789abcdef"));
    for (const char* wrong : {"", "0", "0123456789abcde", "0123456789abcdeF", "1123456789abcdef", "0123456789abcdef ",
                              "0123456789abcdef0123456789abcdef"})
      CHECK_FALSE(token.is(wrong));
  }
}

TEST_CASE("a file that is no token is refused, without its contents") {
  for (const std::string& text : {std::string(), std::string("hushhush"), std::string(257, 'a'), std::string(300, 'a'),
                                  std::string("0123456789 abcdef"), std::string("0123456789abcdef\nmore of it"),
                                  std::string("0123456789abcd\xc3\xa9"), std::string("0123456789abcdef\0", 17)}) {
    const TokenFile file(text);
    try {
      Token::read(file.path());
      FAIL("a token was read from: " << text);
    } catch (const InputError& error) {
      const std::string message = error.what();
      CHECK(message.find(file.path().string()) != std::string::npos);
      if (!text.empty()) CHECK(message.find(text.substr(0, 8)) == std::string::npos);
    }
  }
  CHECK_THROWS_AS(Token::read("/nowhere/token"), InputError);
}

TEST_CASE("a token that everyone can read is no secret") {
  const TokenFile file("0123456789abcdef");
  std::filesystem::permissions(file.path(), std::filesystem::perms::others_read, std::filesystem::perm_options::add);
  CHECK_THROWS_WITH_AS(Token::read(file.path()), doctest::Contains("chmod 600"), InputError);
}

}  // namespace saccade
