#include "tools/experiment/parse_toml.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {
namespace {

constexpr std::size_t most_bytes = 4 << 20;
/// In each of 256 tables in one another, the parser's own limit, this makes a depth that fits the stack several times.
constexpr int most_parts = 100;

}  // namespace

void check_toml_size(std::string_view text, const std::string& origin) {
  if (text.size() > most_bytes)
    throw InputError(fmt::format("{}: has {} bytes, expected at most {}", origin, text.size(), most_bytes));
  // Dots in strings and comments count, too: to find where those end is the parser's work, which comes later.
  int dots = 0;
  for (const char c : text) {
    if (std::string_view("\n=,{}[]").find(c) != std::string_view::npos) dots = 0;
    if (c == '.' && ++dots > most_parts)
      throw InputError(fmt::format("{}: has a key of more than {} parts (a.b.c)", origin, most_parts));
  }
}

toml::table parse_toml(std::string_view text, const std::string& origin) {
  check_toml_size(text, origin);
  try {
    return toml::parse(text, origin);
  } catch (const toml::parse_error& error) {
    const auto at = error.source().begin;
    throw InputError(fmt::format("{}, line {}, column {}: {}", origin, at.line, at.column, error.description()));
  }
}

}  // namespace saccade
