#include "streams/csv.h"

#include <fmt/format.h>

#include "engine/error.h"

namespace saccade {

std::string CsvReader::where() const { return fmt::format("{}, line {}", name_, first_); }

void CsvReader::fail(const std::string& message) const { throw InputError(fmt::format("{}: {}", where(), message)); }

std::optional<std::vector<std::string>> CsvReader::next() {
  if (at_ == text_.size()) return std::nullopt;
  first_ = line_;
  std::vector<std::string> fields(1);
  enum { start, plain, quoted, closed } state = start;  // of the last field; closed: behind a quote within one
  for (const std::size_t begin = at_; at_ < text_.size(); ++at_) {
    if (at_ - begin >= largest_record) fail(fmt::format("a record of more than {} bytes", largest_record));
    const char c = text_[at_];
    if (c == '\0') fail("a zero byte, expected text");
    if (c == '\n') ++line_;
    if (state == quoted && c != '"') {
      fields.back().push_back(c);
    } else if (state == quoted) {
      state = closed;
    } else if (c == '"') {
      if (state == plain)
        fail("a quote within a field; a field that holds one is quoted as a whole, the quote doubled");
      if (state == closed) fields.back().push_back(c);
      state = quoted;
    } else if (c == ',') {
      fields.emplace_back();
      state = start;
    } else if (c == '\n' || (c == '\r' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n')) {
      if (c == '\r') ++at_, ++line_;
      ++at_;
      return fields;
    } else {
      if (state == closed) fail("text behind a closing quote, expected a comma");
      fields.back().push_back(c);
      state = plain;
    }
  }
  if (state == quoted) fail("a quote that is not closed");
  return fields;
}

}  // namespace saccade
